"""Limits: every bound in one table, each with its unit and its reason.

Modules take the constants; the documentation page is made from TABLE. Quotas per kind of resource
stand in domain.resources beside the kind they bound.
"""

from typing import NamedTuple


class Limit(NamedTuple):
    """One bound: a name, an integer, the unit it counts, and why it is what it is."""

    name: str
    value: int
    unit: str
    reason: str


TABLE: list[Limit] = []


def _limit(name: str, value: int, unit: str, reason: str) -> int:
    TABLE.append(Limit(name, value, unit, reason))
    return value


# The API edge
BODY_BYTES_MAX = _limit(
    "BODY_BYTES_MAX",
    1_048_576,
    "bytes",
    "the largest Connect request, a flow of 256,000 characters, fits four times over",
)
HEAD_BYTES_MAX = _limit(
    "HEAD_BYTES_MAX", 65_536, "bytes", "request line and headers; a signed request has two thousand"
)
URL_BYTES_MAX = _limit(
    "URL_BYTES_MAX", 8_192, "bytes", "ids, ARNs and tokens fit many times over; more is an attack"
)

SIGNATURE_WINDOW_MS = _limit(
    "SIGNATURE_WINDOW_MS",
    900_000,
    "ms",
    "how far a signature's date may be from our clock; 15 min stands in the API reference",
)
PRESIGNED_SECONDS_MAX = _limit(
    "PRESIGNED_SECONDS_MAX", 604_800, "s", "a presigned URL lives 7 days at most, as at AWS"
)
SIGNING_KEYS_MAX = _limit(
    "SIGNING_KEYS_MAX", 1_024, "keys", "derived keys kept: one per access key, day and region"
)
FAULTS_FOUND_MAX = _limit(
    "FAULTS_FOUND_MAX", 1_000, "faults", "a hostile request must not keep the walker busy for long"
)
FAULTS_SHOWN_MAX = _limit(
    "FAULTS_SHOWN_MAX", 10, "faults", "what a person reads of one refusal; the rest is counted"
)
ENUM_VALUES_SHOWN_MAX = _limit(
    "ENUM_VALUES_SHOWN_MAX", 40, "values", "the longest list of choices that helps in a message"
)
THROTTLE_BUCKETS_MAX = _limit(
    "THROTTLE_BUCKETS_MAX", 65_536, "buckets", "160 accounts using every operation; then 10 MB"
)
TOKEN_CHARS_MAX = _limit(
    "TOKEN_CHARS_MAX", 2_500, "characters", "the shortest limit that the model sets to NextToken"
)
NEXT_TOKEN_MS = _limit(
    "NEXT_TOKEN_MS", 300_000, "ms", "a NextToken lives 5 minutes, as the API reference says"
)

LIST_ROWS_DEFAULT = _limit(
    "LIST_ROWS_DEFAULT", 100, "rows", "per page of a listing where MaxResults is absent"
)

LIST_INSTANCES_DEFAULT = _limit(
    "LIST_INSTANCES_DEFAULT", 10, "rows", "per page of ListInstances; its MaxResults ends there"
)
INSTANCES_QUOTA = _limit(
    "INSTANCES_QUOTA", 2, "instances", "AWS default per account and Region; with --limits aws only"
)

FROZEN_ANSWERS_MAX = _limit(
    "FROZEN_ANSWERS_MAX", 1_000, "answers", "metric answers that clients still page through"
)
SETTLE_MS = _limit(
    "SETTLE_MS", 250, "ms", "a request to a sandbox waits this long for what was said before it"
)
UPDATE_ATTEMPTS_MAX = _limit(
    "UPDATE_ATTEMPTS_MAX", 10, "attempts", "read, change, write; others were quicker that often"
)
TAGS_MAX = _limit("TAGS_MAX", 50, "tags", "AWS's bound on the tags of one resource")
SHUTDOWN_SECONDS = _limit(
    "SHUTDOWN_SECONDS", 3, "seconds", "requests under way get this long; SIGTERM ends in under 5 s"
)

# Agents and contacts
RING_MS = _limit("RING_MS", 20_000, "ms", "an offer rings 20 s on every channel, as at AWS")
DIAL_MS = _limit("DIAL_MS", 60_000, "ms", "an outbound call that rings 60 s ends unanswered")
FLOW_ACTIONS_PER_TURN_MAX = _limit(
    "FLOW_ACTIONS_PER_TURN_MAX",
    1_000,
    "actions",
    "a flow that does this much without waiting for anybody is an endless loop",
)
CLIENT_TOKEN_MS = _limit(
    "CLIENT_TOKEN_MS", 604_800_000, "ms", "a client token is good for 7 days, as at AWS"
)
REACTIONS_PER_COMMAND_MAX = _limit(
    "REACTIONS_PER_COMMAND_MAX",
    1_000_000,
    "commands",
    "one change of a routing profile may concern every agent; more than this is a fault of ours",
)
ATTRIBUTES_BYTES_MAX = _limit(
    "ATTRIBUTES_BYTES_MAX", 32_768, "bytes", "user attributes of a contact, UTF-8, all pairs"
)

# Telephony
INTER_DIGIT_MS = _limit(
    "INTER_DIGIT_MS", 5_000, "ms", "who has typed a digit has 5 s for the next, as at AWS"
)
TYPE_AHEAD_DIGITS_MAX = _limit(
    "TYPE_AHEAD_DIGITS_MAX",
    30,
    "keys",
    "keys pressed while nobody gathers are kept for the next gathering, as AWS's buffer does",
)
CHANNELS_ENDED_MAX = _limit(
    "CHANNELS_ENDED_MAX",
    20_000,
    "channels",
    "ids of ended channels are remembered so that a repeated command does not dial again; repeats "
    "come within seconds",
)
OPERATIONS_ENDED_MAX = _limit(
    "OPERATIONS_ENDED_MAX",
    100,
    "operations",
    "playbacks and gathers of one channel that a repeated command does not begin again",
)
PHONE_CALLS_MAX = _limit(
    "PHONE_CALLS_MAX",
    20_000,
    "channels",
    "simulated calls at once; more than any one instance serves, and about 100 MB",
)
PHONE_BEHAVIOURS_MAX = _limit(
    "PHONE_BEHAVIOURS_MAX", 10_000, "numbers", "simulated numbers that do not simply answer"
)
PHONE_HEARD_MAX = _limit(
    "PHONE_HEARD_MAX", 100, "entries", "what a simulated customer heard last, enough for a test"
)
PHONE_HEARD_CHARACTERS_MAX = _limit(
    "PHONE_HEARD_CHARACTERS_MAX",
    1_000,
    "characters",
    "of each text heard; longer ones are cut, a test knows them by their beginning",
)
PHONE_HEARD_CALLS_MAX = _limit(
    "PHONE_HEARD_CALLS_MAX", 1_000, "calls", "ended calls whose sounds can still be asked for"
)
PHONE_PLAYBACKS_PER_SECOND_MAX = _limit(
    "PHONE_PLAYBACKS_PER_SECOND_MAX",
    50,
    "playbacks",
    "to one simulated phone without taking time; further ones last a second each, or a flow that "
    "plays for ever would stop the clock",
)

# The journal
INSTANCE_BYTES_MAX = _limit(
    "INSTANCE_BYTES_MAX",
    64,
    "bytes",
    "an instance id is a UUID of 36; it also names snapshot files",
)
RECORD_BYTES_MAX = _limit(
    "RECORD_BYTES_MAX",
    16_777_216,
    "bytes",
    "the events of one command; the largest request fits sixteen times over",
)
APPEND_RECORDS_MAX = _limit(
    "APPEND_RECORDS_MAX",
    10_000,
    "records",
    "beyond a thousand a larger group commit gains nothing and only keeps its first waiting",
)
NOTE_BYTES_MAX = _limit(
    "NOTE_BYTES_MAX",
    1_048_576,
    "bytes",
    "a note is a small fact; what is larger belongs in records",
)
NOTE_KEY_BYTES_MAX = _limit("NOTE_KEY_BYTES_MAX", 128, "bytes", "a name with a qualifier or two")
NOTES_MAX = _limit("NOTES_MAX", 1_000, "notes", "all notes are verified at every start")
SNAPSHOTS_KEPT = _limit(
    "SNAPSHOTS_KEPT", 2, "snapshots", "the second is there for the day the first is damaged"
)
SNAPSHOT_BYTES_MAX = _limit(
    "SNAPSHOT_BYTES_MAX",
    1_073_741_824,
    "bytes",
    "10,000 agents and 16,000 contacts take 4 MB; a snapshot is read in one piece",
)
JOURNAL_CHUNK_RECORDS = _limit(
    "JOURNAL_CHUNK_RECORDS", 1_000, "records", "what one read takes at a time, about a millisecond"
)
JOURNAL_CHUNK_BYTES = _limit(
    "JOURNAL_CHUNK_BYTES",
    1_048_576,
    "bytes",
    "a chunk ends with the record that passes this, so that large records do not pile up",
)
JOURNAL_CHECKPOINT_PAGES = _limit(
    "JOURNAL_CHECKPOINT_PAGES",
    1_000,
    "pages",
    "4 MiB of log: few enough that the append which checkpoints them is held up some 20 ms",
)
JOURNAL_LOG_FRAMES_KEPT = _limit(
    "JOURNAL_LOG_FRAMES_KEPT",
    16_384,
    "frames",
    "64 MiB: a log that a great batch has blown up is cut back to this at the next checkpoint",
)
JOURNAL_STRUCTURE_BYTES_MAX = _limit(
    "JOURNAL_STRUCTURE_BYTES_MAX",
    1_073_741_824,
    "bytes",
    "every page of a database up to this size is looked at on start, 1-2 s; larger: journal check",
)

# Flows
FLOW_CONTENT_CHARS_MAX = _limit(
    "FLOW_CONTENT_CHARS_MAX", 256_000, "characters", "the size of a flow's content, as at AWS"
)
FLOW_ACTIONS_MAX = _limit("FLOW_ACTIONS_MAX", 250, "actions", "actions of one flow, as at AWS")
FLOW_IDENTIFIER_CHARS_MAX = _limit(
    "FLOW_IDENTIFIER_CHARS_MAX", 50, "characters", "an action's identifier, as at AWS"
)
FLOW_NESTING_MAX = _limit(
    "FLOW_NESTING_MAX",
    64,
    "levels",
    "JSON inside JSON, in a flow or a function's reply; views nest to about ten, and every walk "
    "over it stays far from the interpreter's own limit",
)
FLOW_PROBLEMS_MAX = _limit(
    "FLOW_PROBLEMS_MAX", 1_000, "problems", "one refusal of a flow; nobody reads further"
)
FLOW_TEXT_CHARS_MAX = _limit(
    "FLOW_TEXT_CHARS_MAX",
    65_536,
    "characters",
    "a text after its references are replaced; above every limit that such a text then meets",
)
FLOW_PROMPT_CHARS_MAX = _limit(
    "FLOW_PROMPT_CHARS_MAX", 6_000, "characters", "one spoken or sent message, as at AWS"
)
FLOW_INPUT_DIGITS_MAX = _limit(
    "FLOW_INPUT_DIGITS_MAX", 255, "digits", "longer than any account, card or phone number"
)
FLOW_INTER_DIGIT_MS = _limit(
    "FLOW_INTER_DIGIT_MS", 5_000, "ms", "between two digits of an input, as at AWS"
)
FUNCTION_BYTES_MAX = _limit(
    "FUNCTION_BYTES_MAX", 32_768, "bytes", "a function's parameters or its reply, as at AWS"
)
FUNCTION_MS = _limit(
    "FUNCTION_MS", 3_000, "ms", "a function's time when its flow names none, as the AWS console's"
)
FUNCTION_MS_MAX = _limit("FUNCTION_MS_MAX", 8_000, "ms", "a function's time, as at AWS")

# The node
TURN_COMMANDS_MAX = _limit(
    "TURN_COMMANDS_MAX",
    1_000,
    "commands",
    "one commit for all that has queued up; more would keep the first asker waiting",
)
INBOX_MAX = _limit(
    "INBOX_MAX", 10_000, "commands", "beyond ten full turns a client is told to come back"
)
RECORDS_PER_SNAPSHOT = _limit(
    "RECORDS_PER_SNAPSHOT", 20_000, "records", "replayed in well under a second after a crash"
)
FACTS_PENDING_MAX = _limit(
    "FACTS_PENDING_MAX", 5_000, "facts", "a batch that the history store loads in about 50 ms"
)
FUNCTION_ATTEMPTS_MAX = _limit(
    "FUNCTION_ATTEMPTS_MAX", 3, "calls", "AWS asks a throttled or failing function three times"
)
FUNCTION_REPLY_BYTES_MAX = _limit(
    "FUNCTION_REPLY_BYTES_MAX", 32_768, "bytes", "AWS's limit on what a flow takes from a function"
)

# History
METRIC_QUEUES_MAX = _limit(
    "METRIC_QUEUES_MAX", 100, "queues", "in the filter of one metrics request, as at AWS"
)
METRIC_GROUPINGS_MAX = _limit(
    "METRIC_GROUPINGS_MAX", 2, "groupings", "of one metrics request, as at AWS"
)
METRIC_RESULTS_MAX = _limit(
    "METRIC_RESULTS_MAX", 100, "rows", "a page of metric results, as at AWS"
)
HISTORICAL_METRICS_MAX = _limit(
    "HISTORICAL_METRICS_MAX",
    100,
    "metrics",
    "25 metrics, 20 service levels and every alias fit twice over; AWS names no number",
)
SERVICE_LEVELS_MAX = _limit(
    "SERVICE_LEVELS_MAX", 20, "metrics", "SERVICE_LEVEL entries of one request, as at AWS"
)
THRESHOLD_SECONDS_MAX = _limit(
    "THRESHOLD_SECONDS_MAX", 604_800, "s", "the longest threshold of a service level, as at AWS"
)
HISTORY_RANGE_MS = _limit(
    "HISTORY_RANGE_MS",
    86_400_000,
    "ms",
    "GetMetricData reaches 24 h back and asks for less than 24 h, as at AWS",
)
HISTORY_BORDER_MS = _limit(
    "HISTORY_BORDER_MS", 300_000, "ms", "GetMetricData's times lie on 5 minute borders, as at AWS"
)
WIRE_SECONDS_MAX = _limit(
    "WIRE_SECONDS_MAX", 253_402_300_799, "s", "the end of the year 9999, where calendars end"
)
HISTORY_MEMORY_BYTES_MAX = _limit(
    "HISTORY_MEMORY_BYTES_MAX",
    1_073_741_824,
    "bytes",
    "what the history's database may take; a million legs are answered within a fifth of it",
)
HISTORY_LOG_BYTES_MAX = _limit(
    "HISTORY_LOG_BYTES_MAX",
    67_108_864,
    "bytes",
    "beyond this the history's write-ahead log is folded into its file; a start after a crash "
    "reads it again in under a second",
)
HISTORY_FILES_ASIDE_MAX = _limit(
    "HISTORY_FILES_ASIDE_MAX",
    100,
    "files",
    "damaged histories kept for the operator; so many in a row mean that the disk is broken",
)

# Real-time metrics
METRIC_PROFILES_MAX = _limit(
    "METRIC_PROFILES_MAX", 100, "routing profiles", "in the filter of one request, as at AWS"
)
METRIC_STATUSES_MAX = _limit(
    "METRIC_STATUSES_MAX", 50, "agent statuses", "in the filter of one request, as at AWS"
)
METRIC_SUBTYPES_MAX = _limit(
    "METRIC_SUBTYPES_MAX",
    10,
    "values",
    "subtypes, and validation test types, in the filter of one request, as at AWS",
)
METRIC_SUBTYPE_CHARS_MAX = _limit(
    "METRIC_SUBTYPE_CHARS_MAX", 100, "characters", "of one subtype, as at AWS"
)
METRIC_EXPRESSIONS_MAX = _limit(
    "METRIC_EXPRESSIONS_MAX", 50, "routing step expressions", "in one request, as at AWS"
)
METRIC_EXPRESSION_CHARS_MAX = _limit(
    "METRIC_EXPRESSION_CHARS_MAX", 3_000, "characters", "of one expression, as at AWS"
)
CURRENT_METRICS_MAX = _limit(
    "CURRENT_METRICS_MAX",
    100,
    "metrics",
    "the 14 metrics fit seven times over; AWS names no number",
)
METRIC_IDS_MAX = _limit("METRIC_IDS_MAX", 10, "metrics", "named by MetricId, as at AWS")

# Estimated wait time
WAIT_WINDOW_MS = _limit(
    "WAIT_WINDOW_MS", 1_800_000, "ms", "how far back departures from a queue tell its pace"
)
WAIT_SPAN_MS_MIN = _limit(
    "WAIT_SPAN_MS_MIN", 60_000, "ms", "a pace measured over less would jump with every departure"
)
WAIT_DEPARTURES_MIN = _limit(
    "WAIT_DEPARTURES_MIN", 3, "departures", "with fewer in the window nothing is known"
)
WAIT_DEPARTURES_MAX = _limit(
    "WAIT_DEPARTURES_MAX",
    4_096,
    "departures",
    "kept of a queue and channel; more in a window only shorten the window that is looked at",
)

# The agent service
ACCESS_TOKEN_MS = _limit(
    "ACCESS_TOKEN_MS",
    3_600_000,
    "ms",
    "an agent's access token lives an hour: amazon-connect-streams renews from half an hour before",
)
REFRESH_TOKEN_MS = _limit(
    "REFRESH_TOKEN_MS",
    36_000_000,
    "ms",
    "an agent signs in once a shift; what was renewed in it does not outlive these 10 h",
)
SIGN_IN_FAILURES_MAX = _limit(
    "SIGN_IN_FAILURES_MAX",
    10,
    "attempts",
    "wrong passwords of one user from one address in a window: people need a few, guessing many",
)
SIGN_IN_WINDOW_MS = _limit(
    "SIGN_IN_WINDOW_MS",
    900_000,
    "ms",
    "with ten failures in 15 min a guesser has 350,000 tries a year, and a person waits a break",
)
SIGN_IN_KEYS_MAX = _limit(
    "SIGN_IN_KEYS_MAX",
    10_000,
    "keys",
    "users and addresses whose failures are counted; pushing one out takes minutes of hashing",
)
SIGN_INS_AT_ONCE_MAX = _limit(
    "SIGN_INS_AT_ONCE_MAX",
    16,
    "sign-ins",
    "each hashes for some 50 ms in 64 MB; a shift that starts together is through in seconds",
)
AGENT_POLL_MS = _limit(
    "AGENT_POLL_MS",
    30_000,
    "ms",
    "a poll for an agent's snapshot is answered by then, as streams asks; proxies wait 60 s",
)
AGENT_PAGE_ROWS_MAX = _limit(
    "AGENT_PAGE_ROWS_MAX", 500, "rows", "per page of the agent service; what streams asks for"
)
AGENT_REPORT_ENTRIES_MAX = _limit(
    "AGENT_REPORT_ENTRIES_MAX",
    1_000,
    "entries",
    "log events or statistics in one report; streams sends at most some hundred",
)
