"""Limits of chats at the edge: the participant service, its sockets, attachments."""

from ringfloor.base.limits.table import limit

CONNECTION_TOKEN_MS = limit(
    "CONNECTION_TOKEN_MS", 86_400_000, "ms", "a chat's connection token lives 1 day, as at AWS"
)
SOCKET_OPEN_MS = limit(
    "SOCKET_OPEN_MS", 100_000, "ms", "a web socket's address is to be opened in 100 s, as at AWS"
)
SOCKET_LIFE_MS = limit(
    "SOCKET_LIFE_MS",
    3_600_000,
    "ms",
    "a web socket lives 1 hour, as at AWS; clients replace it a minute before",
)
SOCKET_IDLE_MS = limit(
    "SOCKET_IDLE_MS",
    600_000,
    "ms",
    "without a word from the client; chatjs says something every 10 s, AWS's gateway waits so long",
)
SOCKET_PING_SECONDS = limit(
    "SOCKET_PING_SECONDS",
    20,
    "s",
    "between pings of a web socket, and for the answer: a machine that is gone is noticed",
)
SOCKET_CLOSE_SECONDS = limit(
    "SOCKET_CLOSE_SECONDS", 5, "s", "for a client to take what was sent before its socket is cut"
)
SOCKETS_MAX = limit(
    "SOCKETS_MAX", 20_000, "sockets", "of one server; each takes about 50 kB and a file descriptor"
)
SOCKETS_OF_ONE_MAX = limit(
    "SOCKETS_OF_ONE_MAX",
    5,
    "sockets",
    "of one participant or agent: two tabs, and one that replaces another; the oldest goes",
)
SOCKET_MESSAGE_BYTES_MAX = limit(
    "SOCKET_MESSAGE_BYTES_MAX", 16_384, "bytes", "of one message from a client; theirs have 100"
)
SOCKET_TOPICS_MAX = limit("SOCKET_TOPICS_MAX", 20, "topics", "of one subscription; streams has 10")
SOCKET_PENDING_BYTES_MAX = limit(
    "SOCKET_PENDING_BYTES_MAX",
    1_048_576,
    "bytes",
    "not yet taken by a client: 30 of the longest messages; who reads slower is let go",
)
TRANSCRIPT_PAGE_DEFAULT = limit(
    "TRANSCRIPT_PAGE_DEFAULT", 10, "items", "per page of GetTranscript where MaxResults is absent"
)
ATTACHMENT_BYTES_MAX = limit(
    "ATTACHMENT_BYTES_MAX", 20_971_520, "bytes", "of one file in a chat; 20 MB, as at AWS"
)
ATTACHMENTS_PER_CHAT_MAX = limit(
    "ATTACHMENTS_PER_CHAT_MAX", 35, "files", "of one chat, as at AWS, those begun included"
)
ATTACHMENT_UPLOAD_MS = limit(
    "ATTACHMENT_UPLOAD_MS", 900_000, "ms", "an address to upload to lives 15 minutes"
)
ATTACHMENT_URL_SECONDS = limit(
    "ATTACHMENT_URL_SECONDS",
    300,
    "s",
    "an address to download from, where UrlExpiryInSeconds is absent; its largest value",
)
UPLOADS_AT_ONCE_MAX = limit(
    "UPLOADS_AT_ONCE_MAX", 32, "uploads", "a megabyte of memory each while their files arrive"
)
