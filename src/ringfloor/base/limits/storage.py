"""Limits of the journal and of the history."""

from ringfloor.base.limits.table import limit

# The journal
INSTANCE_BYTES_MAX = limit(
    "INSTANCE_BYTES_MAX",
    64,
    "bytes",
    "an instance id is a UUID of 36; it also names snapshot files",
)
RECORD_BYTES_MAX = limit(
    "RECORD_BYTES_MAX",
    16_777_216,
    "bytes",
    "the events of one command; the largest request fits sixteen times over",
)
APPEND_RECORDS_MAX = limit(
    "APPEND_RECORDS_MAX",
    10_000,
    "records",
    "beyond a thousand a larger group commit gains nothing and only keeps its first waiting",
)
NOTE_BYTES_MAX = limit(
    "NOTE_BYTES_MAX",
    1_048_576,
    "bytes",
    "a note is a small fact; what is larger belongs in records",
)
NOTE_KEY_BYTES_MAX = limit("NOTE_KEY_BYTES_MAX", 128, "bytes", "a name with a qualifier or two")
NOTES_MAX = limit("NOTES_MAX", 1_000, "notes", "all notes are verified at every start")
SNAPSHOTS_KEPT = limit(
    "SNAPSHOTS_KEPT", 2, "snapshots", "the second is there for the day the first is damaged"
)
SNAPSHOT_BYTES_MAX = limit(
    "SNAPSHOT_BYTES_MAX",
    1_073_741_824,
    "bytes",
    "10,000 agents and 16,000 contacts take 4 MB; a snapshot is read in one piece",
)
JOURNAL_CHUNK_RECORDS = limit(
    "JOURNAL_CHUNK_RECORDS", 1_000, "records", "what one read takes at a time, about a millisecond"
)
JOURNAL_CHUNK_BYTES = limit(
    "JOURNAL_CHUNK_BYTES",
    1_048_576,
    "bytes",
    "a chunk ends with the record that passes this, so that large records do not pile up",
)
JOURNAL_CHECKPOINT_PAGES = limit(
    "JOURNAL_CHECKPOINT_PAGES",
    1_000,
    "pages",
    "4 MiB of log: few enough that the append which checkpoints them is held up some 20 ms",
)
JOURNAL_LOG_FRAMES_KEPT = limit(
    "JOURNAL_LOG_FRAMES_KEPT",
    16_384,
    "frames",
    "64 MiB: a log that a great batch has blown up is cut back to this at the next checkpoint",
)
JOURNAL_STRUCTURE_BYTES_MAX = limit(
    "JOURNAL_STRUCTURE_BYTES_MAX",
    1_073_741_824,
    "bytes",
    "every page of a database up to this size is looked at on start, 1-2 s; larger: journal check",
)

# History
METRIC_QUEUES_MAX = limit(
    "METRIC_QUEUES_MAX", 100, "queues", "in the filter of one metrics request, as at AWS"
)
METRIC_GROUPINGS_MAX = limit(
    "METRIC_GROUPINGS_MAX", 2, "groupings", "of one metrics request, as at AWS"
)
METRIC_RESULTS_MAX = limit("METRIC_RESULTS_MAX", 100, "rows", "a page of metric results, as at AWS")
HISTORICAL_METRICS_MAX = limit(
    "HISTORICAL_METRICS_MAX",
    100,
    "metrics",
    "25 metrics, 20 service levels and every alias fit twice over; AWS names no number",
)
SERVICE_LEVELS_MAX = limit(
    "SERVICE_LEVELS_MAX", 20, "metrics", "SERVICE_LEVEL entries of one request, as at AWS"
)
THRESHOLD_SECONDS_MAX = limit(
    "THRESHOLD_SECONDS_MAX", 604_800, "s", "the longest threshold of a service level, as at AWS"
)
HISTORY_RANGE_MS = limit(
    "HISTORY_RANGE_MS",
    86_400_000,
    "ms",
    "GetMetricData reaches 24 h back and asks for less than 24 h, as at AWS",
)
HISTORY_BORDER_MS = limit(
    "HISTORY_BORDER_MS", 300_000, "ms", "GetMetricData's times lie on 5 minute borders, as at AWS"
)
WIRE_SECONDS_MAX = limit(
    "WIRE_SECONDS_MAX", 253_402_300_799, "s", "the end of the year 9999, where calendars end"
)
HISTORY_MEMORY_BYTES_MAX = limit(
    "HISTORY_MEMORY_BYTES_MAX",
    1_073_741_824,
    "bytes",
    "what the history's database may take; a million legs are answered within a fifth of it",
)
HISTORY_LOG_BYTES_MAX = limit(
    "HISTORY_LOG_BYTES_MAX",
    67_108_864,
    "bytes",
    "beyond this the history's write-ahead log is folded into its file; a start after a crash "
    "reads it again in under a second",
)
HISTORY_FILES_ASIDE_MAX = limit(
    "HISTORY_FILES_ASIDE_MAX",
    100,
    "files",
    "damaged histories kept for the operator; so many in a row mean that the disk is broken",
)
EXPORT_ROWS_MAX = limit(
    "EXPORT_ROWS_MAX",
    50_000,
    "rows",
    "one part of an export: some 30 MB of CSV, made in a second beside the floor",
)
IMPORT_CONTACTS_MAX = limit(
    "IMPORT_CONTACTS_MAX",
    500,
    "contacts",
    "one part of an import is one command, for which the floor stands still some 20 ms",
)
IMPORT_PART_BYTES = limit(
    "IMPORT_PART_BYTES",
    524_288,
    "bytes",
    "a part of an import ends with the contact that passes this; with the largest it still is a"
    " body that is taken",
)
IMPORT_PROBLEMS_MAX = limit(
    "IMPORT_PROBLEMS_MAX", 20, "problems", "of a log that are shown; all are counted"
)

# Streams
STREAM_PENDING_MAX = limit(
    "STREAM_PENDING_MAX",
    50_000,
    "items",
    "what waits of a stream while nobody takes it, some 100 MB; the journal has the rest",
)
STREAM_SLICE_MS = limit(
    "STREAM_SLICE_MS",
    2,
    "ms",
    "a stream that is behind reads the journal so long at a time, and then others have their turn",
)
STREAM_NOTE_MS = limit(
    "STREAM_NOTE_MS",
    500,
    "ms",
    "between two notes of how far streams have got: what a crash makes them repeat",
)
STREAM_LISTENERS_MAX = limit(
    "STREAM_LISTENERS_MAX", 100, "listeners", "who listen to streams over HTTP, each a connection"
)
STREAM_LISTENER_PENDING_MAX = limit(
    "STREAM_LISTENER_PENDING_MAX",
    5_000,
    "items",
    "what waits of a stream for a slow listener, some 10 MB; then he is cut off, and may resume",
)
STREAM_LISTENER_MS = limit(
    "STREAM_LISTENER_MS", 10_000, "ms", "for a listener to take what was sent before he is cut off"
)
STREAM_LISTENER_BEAT_MS = limit(
    "STREAM_LISTENER_BEAT_MS", 15_000, "ms", "of silence: proxies close connections after 30 s"
)
STREAM_RESUME_RECORDS_MAX = limit(
    "STREAM_RESUME_RECORDS_MAX",
    100_000,
    "records",
    "how far back a listener may resume, some 5,000 contacts: read from the journal in seconds",
)
STREAM_BATCH_MAX = limit(
    "STREAM_BATCH_MAX", 500, "items", "given to whoever is told at once: repeated after a crash"
)
STREAM_ANSWER_BYTES_MAX = limit(
    "STREAM_ANSWER_BYTES_MAX", 65_536, "bytes", "of an answer that nobody reads but for its status"
)
STREAM_FINISH_MS = limit(
    "STREAM_FINISH_MS",
    5_000,
    "ms",
    "for what waits when the server stops; a restart tells the rest",
)
AGENT_HEART_BEATS_AT_ONCE = limit(
    "AGENT_HEART_BEATS_AT_ONCE", 500, "events", "some 20 ms; then others have their turn"
)
STREAM_RETRY_MS = limit(
    "STREAM_RETRY_MS", 1_000, "ms", "first pause before an address is tried again; it doubles"
)
STREAM_RETRY_MS_MAX = limit(
    "STREAM_RETRY_MS_MAX", 60_000, "ms", "of such a pause: who is back is told within a minute"
)
STREAM_PUT_SECONDS = limit(
    "STREAM_PUT_SECONDS", 5, "s", "for Kinesis, Firehose or EventBridge to take a request"
)
STREAM_WEBHOOK_BATCH_MAX = limit(
    "STREAM_WEBHOOK_BATCH_MAX", 500, "items", "in one POST: what is noted at once, too"
)
STREAM_POST_MS = limit(
    "STREAM_POST_MS", 10_000, "ms", "who takes longer to take an event will not take the next"
)
AGENT_HEART_BEAT_MS = limit(
    "AGENT_HEART_BEAT_MS", 120_000, "ms", "without any other event, as at AWS"
)
AGENT_HEART_BEATS_AFTER_LOGOUT_MS = limit(
    "AGENT_HEART_BEATS_AFTER_LOGOUT_MS", 3_600_000, "ms", "hearts beat on for an hour, as at AWS"
)

# Files: recordings, and what prompts are made of
RECORDING_DAYS_MAX = limit(
    "RECORDING_DAYS_MAX", 36_500, "days", "of a recording that is not kept for ever: a century"
)
OBJECT_KEY_BYTES_MAX = limit("OBJECT_KEY_BYTES_MAX", 1_024, "bytes", "of a key, as at S3")
OBJECT_BYTES_MAX = limit(
    "OBJECT_BYTES_MAX",
    67_108_864,
    "bytes",
    "of an object that is put by others: the largest file of a prompt, and some",
)
OBJECTS_LISTED_MAX = limit("OBJECTS_LISTED_MAX", 1_000, "objects", "a page of a listing, as at S3")
STORAGE_SECONDS = limit(
    "STORAGE_SECONDS", 30, "s", "of silence of a service that stores; then it is asked again"
)
STORAGE_RETRY_MS = limit(
    "STORAGE_RETRY_MS", 1_000, "ms", "before a recording is stored again that could not be; doubles"
)
STORAGE_RETRY_MS_MAX = limit(
    "STORAGE_RETRY_MS_MAX", 300_000, "ms", "of such a pause: who is back is used within 5 minutes"
)
RECORDING_PLACE_CHARS_MAX = limit(
    "RECORDING_PLACE_CHARS_MAX",
    172,
    "characters",
    "of bucket and prefix, quoted: with day, contact and .part they are one name of a file, of 255",
)
RECORDING_URL_SECONDS = limit(
    "RECORDING_URL_SECONDS", 900, "s", "an address lives under which a recording or prompt is heard"
)
SOUND_UNUSED_SECONDS = limit(
    "SOUND_UNUSED_SECONDS",
    3_600,
    "s",
    "a new sound may be without a prompt, which is being made; it takes seconds",
)
FILE_TOKEN_CHARS_MAX = limit(
    "FILE_TOKEN_CHARS_MAX",
    1_800,
    "characters",
    "of the token in such an address: AWS's member for it takes 2,000 with the host",
)
