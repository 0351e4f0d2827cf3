"""Limits of load tests."""

from ringfloor.base.limits.table import limit

LOAD_LENGTH_SECONDS_MAX = limit(
    "LOAD_LENGTH_SECONDS_MAX", 86_400, "s", "of one answer in a load test's histogram: a day"
)
LOAD_WINDOWS_MAX = limit(
    "LOAD_WINDOWS_MAX",
    600,
    "windows",
    "into which a load test's time is cut for its plots; twice as long ones if it lasts longer",
)
LOAD_CODES_MAX = limit(
    "LOAD_CODES_MAX", 50, "codes", "of errors that a load test counts apart for one operation"
)
LOAD_CONNECTIONS_DEFAULT = limit(
    "LOAD_CONNECTIONS_DEFAULT",
    500,
    "connections",
    "that a load test has beside those that agents' desktops wait on; more wait for one",
)
LOAD_CONNECTIONS_MAX = limit(
    "LOAD_CONNECTIONS_MAX", 20_000, "connections", "of a load test; a machine has 28,000 ports"
)
LOAD_IDLE_MS = limit(
    "LOAD_IDLE_MS",
    3_000,
    "ms",
    "that a load test keeps a connection nobody uses; uvicorn closes them after 5 s",
)
LOAD_REQUEST_MS = limit(
    "LOAD_REQUEST_MS", 30_000, "ms", "that a load test waits for an answer, as our other clients do"
)
LOAD_POLL_MS = limit(
    "LOAD_POLL_MS", 60_000, "ms", "for a snapshot that waits for news, 30 s of them on purpose"
)
LOAD_TRIES_MAX = limit(
    "LOAD_TRIES_MAX",
    6,
    "tries",
    "of what has to be done or a contact would stay for ever; each waits twice as long",
)
LOAD_BUILD_AT_ONCE = limit(
    "LOAD_BUILD_AT_ONCE", 8, "requests", "at once while a center is made and agents sign in"
)
LOAD_UNKNOWN_MAX = limit(
    "LOAD_UNKNOWN_MAX",
    10_000,
    "contacts",
    "that agents have and no customer has been told the id of yet; the oldest are forgotten",
)
LOAD_BEAT_MS = limit(
    "LOAD_BEAT_MS", 10_000, "ms", "after which a web socket says that it is alive, as chatjs does"
)

LOAD_CLOSE_MS = limit(
    "LOAD_CLOSE_MS", 1_000, "ms", "that a load test waits for a web socket's goodbye before it ends"
)
