"""Limits of voice: gateways, what they hear and play, and who may be called."""

from ringfloor.base.limits.table import limit

GATEWAY_CHANNELS_MAX = limit(
    "GATEWAY_CHANNELS_MAX",
    1_000,
    "channels",
    "that a gateway of our own holds at once; one core mixes about half as many",
)

# What is heard

SOUND_BYTES_MAX = limit(
    "SOUND_BYTES_MAX",
    50 * 1024 * 1024,
    "bytes",
    "of a prompt's file, as Amazon Connect",
)
SOUND_SECONDS_MAX = limit(
    "SOUND_SECONDS_MAX",
    300,
    "seconds",
    "of a prompt, as Amazon Connect: less than five minutes",
)
SOUNDS_CACHE_BYTES_MAX = limit(
    "SOUNDS_CACHE_BYTES_MAX",
    64 * 1024 * 1024,
    "bytes",
    "of sounds that a gateway keeps in memory: more than an hour",
)

WEBRTC_OFFER_CHARACTERS_MAX = limit(
    "WEBRTC_OFFER_CHARACTERS_MAX",
    32_768,
    "characters",
    "of a browser's SDP offer; those of Chromium and Firefox for one line have 2,000 to 6,000",
)
WEBRTC_OFFER_LINES_MAX = limit(
    "WEBRTC_OFFER_LINES_MAX", 500, "lines", "of such an offer; browsers write 40 to 120"
)
BROWSER_LEGS_MAX = limit(
    "BROWSER_LEGS_MAX",
    200,
    "browsers",
    "attached to a gateway at once; each takes about one percent of a core",
)
BROWSER_IDLE_SECONDS = limit(
    "BROWSER_IDLE_SECONDS",
    120,
    "seconds",
    "until the edge forgets a session without packets; its leg's media time-out comes long before",
)
BROWSER_SILENT_MS = limit(
    "BROWSER_SILENT_MS",
    5_000,
    "milliseconds",
    "without sound from a browser until its page counts as closed; it sends 50 packets a second,"
    " and a page that is loaded again is back in less",
)
BROWSER_ATTACH_MS = limit(
    "BROWSER_ATTACH_MS",
    10_000,
    "ms",
    "for the carrier to answer a browser's offer; a gateway does in milliseconds",
)
BROWSER_SOURCES_MAX = limit(
    "BROWSER_SOURCES_MAX",
    16,
    "addresses",
    "from which one browser may come: it has some for each of its networks",
)
WEBRTC_EDGE_ORDER_BYTES_MAX = limit(
    "WEBRTC_EDGE_ORDER_BYTES_MAX",
    1_000_000,
    "bytes",
    "of orders that wait in the edge for browsers; one has less than 1,000",
)
BROWSER_EDGE_ANSWER_SECONDS = limit(
    "BROWSER_EDGE_ANSWER_SECONDS",
    5,
    "seconds",
    "for the edge to start or to answer; it takes 0.2 seconds and a millisecond",
)

# Who may be called

NUMBERS_READ_MAX = limit(
    "NUMBERS_READ_MAX",
    4_096,
    "numbers",
    "remembered with what numbering plans say of them, half a megabyte; reading one takes 0.1 ms",
)
DESTINATION_RULES_MAX = limit(
    "DESTINATION_RULES_MAX", 1_000, "rules", "of where calls may lead; there are 245 countries"
)
OUTBOUND_RATE_MAX = limit(
    "OUTBOUND_RATE_MAX", 1_000, "calls", "per second and at once, in a limit of calls out"
)

# Recordings

RECORDING_SECONDS_MAX = limit(
    "RECORDING_SECONDS_MAX",
    24 * 3_600,
    "seconds",
    "of one recording, which ends there; a WAV file cannot tell of more than 37 hours",
)
RECORDER_BACKLOG_MAX = limit(
    "RECORDER_BACKLOG_MAX",
    2_000,
    "seconds of sound",
    "that wait for the disk: 32 KB each; when it is later than that, recordings break, not calls",
)
RECORDER_CLOSE_SECONDS = limit(
    "RECORDER_CLOSE_SECONDS",
    10,
    "seconds",
    "that a gateway which ends waits for the files of its recordings; the next one rescues them",
)

# The link between a server and its gateway

LINK_HANDSHAKE_BYTES_MAX = limit(
    "LINK_HANDSHAKE_BYTES_MAX",
    256,
    "bytes",
    "of a frame from somebody who has not proved who he is; a proof has about 80",
)
LINK_FRAME_BYTES_MAX = limit(
    "LINK_FRAME_BYTES_MAX",
    16 * 1024 * 1024,
    "bytes",
    "of a frame between those who know each other; the longest lists all calls of a gateway",
)
LINK_BATCH_BYTES_MAX = limit(
    "LINK_BATCH_BYTES_MAX",
    256 * 1024,
    "bytes",
    "of commands or events under way at once; more waits until they are acknowledged",
)
LINK_ITEM_BYTES_MAX = limit(
    "LINK_ITEM_BYTES_MAX",
    1024 * 1024,
    "bytes",
    "of one command or event; texts, headers and SDP have limits of their own, far below",
)
LINK_QUEUE_MAX = limit(
    "LINK_QUEUE_MAX",
    20_000,
    "items",
    "commands or events that wait for the other side; behind that both begin anew by comparing",
)
LINK_VISITORS_MAX = limit(
    "LINK_VISITORS_MAX", 8, "connections", "to a gateway at once whose key has yet to be proved"
)
LINK_BEAT_MS = limit("LINK_BEAT_MS", 2_000, "ms", "between two signs of life on a quiet link")
LINK_SILENT_MS = limit(
    "LINK_SILENT_MS",
    10_000,
    "ms",
    "without a sign of life until the other side counts as dead; also for the proof of the key",
)
GATEWAY_GRACE_MS = limit(
    "GATEWAY_GRACE_MS",
    60_000,
    "ms",
    "a gateway keeps its calls up without a server; a restart of one with a long journal fits",
)
GATEWAY_AWAY_MS = limit(
    "GATEWAY_AWAY_MS",
    60_000,
    "ms",
    "a server keeps the calls of a gateway that cannot be reached: as long as the gateway does",
)
GATEWAY_DIAL_MS = limit(
    "GATEWAY_DIAL_MS",
    10_000,
    "ms",
    "until a call fails that no gateway has begun to dial; one that is restarted takes 1 to 2 s",
)
GATEWAY_START_MS = limit(
    "GATEWAY_START_MS",
    15_000,
    "ms",
    "that a server waits for its gateway before it goes on without, and gives up its old calls",
)
GATEWAY_HUNG_MS = limit(
    "GATEWAY_HUNG_MS",
    30_000,
    "ms",
    "until a gateway that lives and does not answer is killed and started anew",
)
GATEWAY_RETRY_MS = limit(
    "GATEWAY_RETRY_MS", 50, "ms", "between attempts to reach a gateway that has just been started"
)
GATEWAY_BACKOFF_MS_MAX = limit(
    "GATEWAY_BACKOFF_MS_MAX",
    30_000,
    "ms",
    "between two starts of a gateway that dies again and again; it begins with half a second",
)
GATEWAY_STOP_MS = limit(
    "GATEWAY_STOP_MS", 3_000, "ms", "for a gateway to say goodbye to all far ends and end"
)
GATEWAY_HANG_UPS_MAX = limit(
    "GATEWAY_HANG_UPS_MAX",
    5_000,
    "calls",
    "whose end a gateway can tell a server that was away; several times what it holds at once",
)
GATEWAY_FINISHED_MAX = limit(
    "GATEWAY_FINISHED_MAX",
    20_000,
    "operations",
    "playbacks, gathers and recordings whose outcome a gateway can tell again",
)
GATEWAY_LOG_BYTES_MAX = limit(
    "GATEWAY_LOG_BYTES_MAX",
    4 * 1024 * 1024,
    "bytes",
    "of gateway.log; what is older stands in gateway.log.1, and what is older still is gone",
)
GATEWAY_LOG_LINES = limit(
    "GATEWAY_LOG_LINES", 12, "lines", "of gateway.log that are repeated when a gateway has died"
)
GATEWAY_SOCKET_PATH_BYTES_MAX = limit(
    "GATEWAY_SOCKET_PATH_BYTES_MAX",
    103,
    "bytes",
    "of a UNIX socket's path (sockaddr_un: 104 on macOS, 108 on Linux, with the final zero)",
)

# SIP
SIP_MESSAGE_BYTES_MAX = limit(
    "SIP_MESSAGE_BYTES_MAX",
    8_192,
    "bytes",
    "of one SIP message; an INVITE with all that trunks add has two thousand",
)
SIP_MESSAGES_AT_ONCE_MAX = limit(
    "SIP_MESSAGES_AT_ONCE_MAX", 64, "messages", "read before timers have their turn again"
)
SIP_REPEATS_MAX = limit(
    "SIP_REPEATS_MAX",
    20_000,
    "messages",
    "known again when they are repeated, twice over; half a minute of 200 calls a second is fewer",
)
SIP_HEADER_CHARS_MAX = limit(
    "SIP_HEADER_CHARS_MAX", 256, "characters", "of one header that is handed on to flows or sent"
)
SIP_HEADERS_MAX = limit(
    "SIP_HEADERS_MAX", 20, "headers", "of one call, handed on to flows or sent besides"
)
SIP_ROUTES_MAX = limit(
    "SIP_ROUTES_MAX", 16, "routes", "of one dialog; trunks have one or two proxies"
)
SIP_REGISTER_SECONDS_MIN = limit(
    "SIP_REGISTER_SECONDS_MIN", 60, "s", "a shorter registration is answered 423"
)
SIP_REGISTER_SECONDS_MAX = limit(
    "SIP_REGISTER_SECONDS_MAX",
    300,
    "s",
    "a longer one is shortened; so a gateway that was started anew soon has all its phones again",
)
SIP_NONCE_MS = limit(
    "SIP_NONCE_MS", 300_000, "ms", "a challenge may be used so long; then it is stale"
)
SIP_NONCES_MAX = limit(
    "SIP_NONCES_MAX", 4_096, "nonces", "whose counts are remembered; the oldest become stale"
)
SIP_FAILURES_MAX = limit(
    "SIP_FAILURES_MAX", 10, "attempts", "with a wrong password from one address; then silence"
)
SIP_FAILURES_MS = limit(
    "SIP_FAILURES_MS", 60_000, "ms", "how long they count, and how long the silence lasts"
)
SIP_PHONE_PACKETS_MAX = limit(
    "SIP_PHONE_PACKETS_MAX", 100, "packets", "a second from one address of phones"
)
SIP_TRUNK_PACKETS_MAX = limit(
    "SIP_TRUNK_PACKETS_MAX",
    2_000,
    "packets",
    "a second from one address of a trunk: 200 calls that begin and end; half of a core",
)
SIP_SOURCES_MAX = limit(
    "SIP_SOURCES_MAX", 4_096, "addresses", "that are judged, or counted, without looking them up"
)
SIP_COMPLAINT_MS = limit(
    "SIP_COMPLAINT_MS", 60_000, "ms", "the log tells of strangers and of nonsense so often"
)
SIP_RESOLVE_MS = limit(
    "SIP_RESOLVE_MS", 60_000, "ms", "the name of a trunk is looked up again so often"
)
SIP_DIALOGS_WRITE_MS = limit(
    "SIP_DIALOGS_WRITE_MS", 100, "ms", "from a change of the dialogs until they are written down"
)
SIP_CLOSE_MS = limit("SIP_CLOSE_MS", 1_500, "ms", "that far ends are given to answer our last BYE")
SIP_TRANSFER_MS = limit(
    "SIP_TRANSFER_MS", 32_000, "ms", "from REFER until BYE, if nobody tells how it went"
)

SIP_STRAYS_MAX = limit(
    "SIP_STRAYS_MAX",
    100,
    "calls",
    "that are answered and nobody's (any more), which we end; others' far ends have to notice",
)
SIP_STRAY_MS = limit(
    "SIP_STRAY_MS", 32_000, "ms", "that the end of such a call counts: its BYE may be repeated"
)

LATE_TICKS_MAX = limit(
    "LATE_TICKS_MAX",
    5,
    "ticks",
    "of 20 ms that are made up for at once: 100 ms, what a far end's jitter buffer still bears",
)

ARI_RETRY_SECONDS = limit(
    "ARI_RETRY_SECONDS", 1, "s", "until Asterisk is tried again that could not be had"
)
ARI_START_SECONDS = limit(
    "ARI_START_SECONDS",
    5,
    "s",
    "that a gateway waits for Asterisk before it serves without; it answers in milliseconds",
)
ARI_MESSAGE_BYTES_MAX = limit(
    "ARI_MESSAGE_BYTES_MAX",
    16 * 1024 * 1024,
    "bytes",
    "of one message of Asterisk: a list of 10,000 channels has 6 MB",
)
ARI_REQUESTS_PENDING_MAX = limit(
    "ARI_REQUESTS_PENDING_MAX",
    10_000,
    "requests",
    "to Asterisk that wait for its socket; the next ones fail, as if it were away",
)

# Legs
RTP_BYTES_MAX = limit(
    "RTP_BYTES_MAX", 1_500, "bytes", "of one packet: what Ethernet carries; 60 ms of G.711 has 492"
)
LEG_PACKETS_PER_TICK_MAX = limit(
    "LEG_PACKETS_PER_TICK_MAX",
    32,
    "packets",
    "of its far end that a leg takes in 20 ms; it sends one, and 640 ms held up come at once",
)
LEG_DATAGRAMS_PER_TICK_MAX = limit(
    "LEG_DATAGRAMS_PER_TICK_MAX",
    256,
    "packets",
    "that a leg looks at in 20 ms, strangers' too: what its socket holds; it costs 0.3 ms",
)
LEG_REPORTS_PER_TICK_MAX = limit(
    "LEG_REPORTS_PER_TICK_MAX", 4, "packets", "of RTCP in 20 ms; a far end sends one in seconds"
)
JITTER_DEPTH_MS_MAX = limit(
    "JITTER_DEPTH_MS_MAX",
    200,
    "ms",
    "of sound waiting in a leg; beyond it people talk into each other's words (ITU-T G.114)",
)
JITTER_REVIEW_FRAMES = limit(
    "JITTER_REVIEW_FRAMES",
    250,
    "frames",
    "between two looks at what a leg's depth was good for: 5 s, so the worst of 250 packets counts",
)
PORT_RELEARN_MS = limit(
    "PORT_RELEARN_MS",
    2_000,
    "ms",
    "of silence after which a far end may send from another port of its host: its NAT forgot it",
)
RTCP_INTERVAL_MS = limit(
    "RTCP_INTERVAL_MS", 5_000, "ms", "between reports, the least that RFC 3550 allows for a start"
)
ROUND_TRIP_MS_MAX = limit(
    "ROUND_TRIP_MS_MAX", 30_000, "ms", "what reports may say; more is a far end that cannot count"
)
KEY_LOST_MS = limit(
    "KEY_LOST_MS",
    120,
    "ms",
    "after the last packet of a key that had no end: updates come each 50 ms, and one may be lost",
)
KEYS_HEARD_MAX = limit("KEYS_HEARD_MAX", 64, "keys", "of one leg that nobody has asked for yet")
KEYS_PRESSED_MAX = limit(
    "KEYS_PRESSED_MAX", 64, "keys", "that one leg still has to press; an account number has 20"
)
PORT_TRIES_MAX = limit(
    "PORT_TRIES_MAX", 64, "tries", "to find a pair of ports where the system chooses them"
)
SDP_BYTES_MAX = limit(
    "SDP_BYTES_MAX", 16_384, "bytes", "of one description; a browser's has 6,000, a phone's 600"
)
SDP_LINES_MAX = limit("SDP_LINES_MAX", 500, "lines", "of one description")
SDP_MEDIA_MAX = limit(
    "SDP_MEDIA_MAX", 16, "streams", "of one description; each is answered, all but one with no"
)
SDP_FORMATS_MAX = limit("SDP_FORMATS_MAX", 64, "formats", "of one stream; phones offer 10")

# Speech

SSML_CHARS_MAX = limit(
    "SSML_CHARS_MAX", 6_000, "characters", "of a document to be spoken, its tags included, as Polly"
)
SPEECH_CHARS_MAX = limit(
    "SPEECH_CHARS_MAX", 6_000, "characters", "that are spoken of one text: about six minutes"
)
SSML_DEPTH_MAX = limit("SSML_DEPTH_MAX", 32, "tags", "in each other; documents use three or four")
SPEECH_PARTS_MAX = limit(
    "SPEECH_PARTS_MAX", 200, "parts", "of one text, each spoken by a process of its own"
)
SPEECH_BREAK_MS_MAX = limit("SPEECH_BREAK_MS_MAX", 10_000, "ms", "of one pause, as Polly")
SPEECH_SECONDS_MAX = limit(
    "SPEECH_SECONDS_MAX", 600, "seconds", "of sound from one text; longer speech fails"
)
SPEECH_ANSWER_SECONDS = limit(
    "SPEECH_ANSWER_SECONDS",
    15,
    "seconds",
    "that an engine may take for one part; it needs hundredths, and is killed then",
)
SPEECH_AT_ONCE_MAX = limit(
    "SPEECH_AT_ONCE_MAX", 2, "processes", "that speak at once; calls need the processors, too"
)
SPEECH_WAITING_MAX = limit(
    "SPEECH_WAITING_MAX", 500, "texts", "that wait to be spoken; another one fails at once"
)
SPEECH_CACHE_BYTES_MAX = limit(
    "SPEECH_CACHE_BYTES_MAX",
    256 * 1024 * 1024,
    "bytes",
    "of spoken texts on the disk: four hours; those that nobody asked for the longest go",
)
SOFTPHONE_BODY_BYTES_MAX = limit(
    "SOFTPHONE_BODY_BYTES_MAX",
    65_536,
    "bytes",
    "of a request that carries a browser's offer, which has at most half of it in characters",
)

# The voice file

VOICE_FILE_ROWS_MAX = limit(
    "VOICE_FILE_ROWS_MAX",
    10_000,
    "rows",
    "of trunks, and of phones, in a voice file; a floor of a thousand agents has as many phones",
)
MEDIA_TIMEOUT_SECONDS_MIN = limit(
    "MEDIA_TIMEOUT_SECONDS_MIN", 5, "s", "without sound; phones that change networks need as long"
)
MEDIA_TIMEOUT_SECONDS_MAX = limit(
    "MEDIA_TIMEOUT_SECONDS_MAX", 3_600, "s", "without sound; a dead call costs a line, and money"
)
TRUNK_KEEP_ALIVE_SECONDS_MAX = limit(
    "TRUNK_KEEP_ALIVE_SECONDS_MAX", 3_600, "s", "between OPTIONS; longer tells nothing any more"
)
ARI_AWAY_MS = limit(
    "ARI_AWAY_MS",
    10_000,
    "ms",
    "until the calls of an Asterisk that is away count as lost; its socket is open again in 1 s",
)
LATE_TOLD_SECONDS = limit(
    "LATE_TOLD_SECONDS",
    60,
    "s",
    "between two lines of a log that say that sound was too late: it comes in bursts",
)
