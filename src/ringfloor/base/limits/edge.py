"""Limits of the API edge: requests, tokens, listings, searches."""

from ringfloor.base.limits.table import limit

# The API edge
BODY_BYTES_MAX = limit(
    "BODY_BYTES_MAX",
    1_048_576,
    "bytes",
    "the largest Connect request, a flow of 256,000 characters, fits four times over",
)
HEAD_BYTES_MAX = limit(
    "HEAD_BYTES_MAX", 65_536, "bytes", "request line and headers; a signed request has two thousand"
)
REQUEST_SECONDS_MAX = limit(
    "REQUEST_SECONDS_MAX", 60, "s", "for a request to arrive whole; who is slower is let go"
)
URL_BYTES_MAX = limit(
    "URL_BYTES_MAX", 8_192, "bytes", "ids, ARNs and tokens fit many times over; more is an attack"
)

SIGNATURE_WINDOW_MS = limit(
    "SIGNATURE_WINDOW_MS",
    900_000,
    "ms",
    "how far a signature's date may be from our clock; 15 min stands in the API reference",
)
PRESIGNED_SECONDS_MAX = limit(
    "PRESIGNED_SECONDS_MAX", 604_800, "s", "a presigned URL lives 7 days at most, as at AWS"
)
SIGNING_KEYS_MAX = limit(
    "SIGNING_KEYS_MAX", 1_024, "keys", "derived keys kept: one per access key, day and region"
)
QUERY_PARAMETERS_MAX = limit(
    "QUERY_PARAMETERS_MAX",
    2_000,
    "parameters",
    "of one IAM or STS request; 50 tags are a hundred, and no operation takes more",
)
QUERY_NAME_PARTS_MAX = limit(
    "QUERY_NAME_PARTS_MAX", 16, "parts", "between the dots of a parameter's name; the model has 8"
)
FAULTS_FOUND_MAX = limit(
    "FAULTS_FOUND_MAX", 1_000, "faults", "a hostile request must not keep the walker busy for long"
)
FAULTS_SHOWN_MAX = limit(
    "FAULTS_SHOWN_MAX", 10, "faults", "what a person reads of one refusal; the rest is counted"
)
ENUM_VALUES_SHOWN_MAX = limit(
    "ENUM_VALUES_SHOWN_MAX", 40, "values", "the longest list of choices that helps in a message"
)
THROTTLE_BUCKETS_MAX = limit(
    "THROTTLE_BUCKETS_MAX", 65_536, "buckets", "160 accounts using every operation; then 10 MB"
)
TOKEN_CHARS_MAX = limit(
    "TOKEN_CHARS_MAX", 2_500, "characters", "the shortest limit that the model sets to NextToken"
)
CURSOR_PART_CHARS_MAX = limit(
    "CURSOR_PART_CHARS_MAX",
    100,
    "characters",
    "of a row's name in a NextToken: three of 4 bytes each leave room; some names have no bound",
)
NEXT_TOKEN_MS = limit(
    "NEXT_TOKEN_MS", 300_000, "ms", "a NextToken lives 5 minutes, as the API reference says"
)

EFFECTIVE_HOURS_DAYS_MAX = limit(
    "EFFECTIVE_HOURS_DAYS_MAX", 366, "days", "one GetEffectiveHoursOfOperations: a year at once"
)
PARENT_HOURS_MAX = limit(
    "PARENT_HOURS_MAX", 3, "hours of operation", "parents of one; bounds the overrides to look at"
)
SEARCH_ROWS_DEFAULT = limit(
    "SEARCH_ROWS_DEFAULT", 100, "rows", "the most that the model lets one page of a search have"
)
SEARCH_DEPTH_MAX = limit(
    "SEARCH_DEPTH_MAX", 10, "levels", "nobody nests so deep by hand; bounds the recursion"
)
SEARCH_CONDITIONS_MAX = limit(
    "SEARCH_CONDITIONS_MAX",
    100,
    "conditions",
    "of one search; ten thousand users are looked at in less than a second, and calls wait so long",
)
LIST_ROWS_DEFAULT = limit(
    "LIST_ROWS_DEFAULT", 100, "rows", "per page of a listing where MaxResults is absent"
)

LIST_INSTANCES_DEFAULT = limit(
    "LIST_INSTANCES_DEFAULT", 10, "rows", "per page of ListInstances; its MaxResults ends there"
)

SECURITY_KEYS_MAX = limit(
    "SECURITY_KEYS_MAX", 2, "keys", "of one instance, as at AWS: the old one and the new"
)
LIST_ASSOCIATIONS_DEFAULT = limit(
    "LIST_ASSOCIATIONS_DEFAULT",
    25,
    "rows",
    "per page of a listing of associations where MaxResults is absent; its largest value",
)
AVAILABLE_NUMBERS_DEFAULT = limit(
    "AVAILABLE_NUMBERS_DEFAULT",
    10,
    "numbers",
    "per page of SearchAvailablePhoneNumbers where MaxResults is absent; its largest value",
)

FROZEN_ANSWERS_MAX = limit(
    "FROZEN_ANSWERS_MAX", 1_000, "answers", "metric answers that clients still page through"
)
FROZEN_NUMBERS_MAX = limit(
    "FROZEN_NUMBERS_MAX",
    10_000_000,
    "numbers",
    "in all these answers: two of the largest, or all of them with 10,000 each; 500 MB",
)
SETTLE_MS = limit(
    "SETTLE_MS", 250, "ms", "a request to a sandbox waits this long for what was said before it"
)
UPDATE_ATTEMPTS_MAX = limit(
    "UPDATE_ATTEMPTS_MAX", 10, "attempts", "read, change, write; others were quicker that often"
)
TAGS_MAX = limit("TAGS_MAX", 50, "tags", "AWS's bound on the tags of one resource")
SHUTDOWN_SECONDS = limit(
    "SHUTDOWN_SECONDS", 3, "seconds", "requests under way get this long; SIGTERM ends in under 5 s"
)
