"""Limits of who may do what: users, policies, sessions, agents' tokens."""

from ringfloor.base.limits.table import limit

# Identity
IAM_USERS_MAX = limit("IAM_USERS_MAX", 5_000, "users", "of one account, as at AWS")
IAM_GROUPS_MAX = limit("IAM_GROUPS_MAX", 300, "groups", "of one account, as at AWS")
IAM_ROLES_MAX = limit("IAM_ROLES_MAX", 1_000, "roles", "of one account, as at AWS")
IAM_POLICIES_MAX = limit("IAM_POLICIES_MAX", 1_500, "policies", "of one account, as at AWS")
ACCESS_KEYS_MAX = limit(
    "ACCESS_KEYS_MAX", 2, "keys", "of one user, as at AWS: the old one and the new while keys turn"
)
GROUPS_PER_USER_MAX = limit("GROUPS_PER_USER_MAX", 10, "groups", "of one user, as at AWS")
POLICIES_ATTACHED_MAX = limit(
    "POLICIES_ATTACHED_MAX", 10, "policies", "attached to one user, group or role, as at AWS"
)
POLICY_VERSIONS_MAX = limit(
    "POLICY_VERSIONS_MAX", 5, "versions", "of one managed policy, as at AWS"
)
POLICY_CHARS_MAX = limit(
    "POLICY_CHARS_MAX", 6_144, "characters", "a managed policy without its blanks, as at AWS"
)
INLINE_USER_CHARS_MAX = limit(
    "INLINE_USER_CHARS_MAX", 2_048, "characters", "all inline policies of a user, as at AWS"
)
INLINE_GROUP_CHARS_MAX = limit(
    "INLINE_GROUP_CHARS_MAX", 5_120, "characters", "all inline policies of a group, as at AWS"
)
INLINE_ROLE_CHARS_MAX = limit(
    "INLINE_ROLE_CHARS_MAX", 10_240, "characters", "all inline policies of a role, as at AWS"
)
TRUST_CHARS_MAX = limit(
    "TRUST_CHARS_MAX", 4_096, "characters", "a role's trust policy; AWS raises 2,048 up to this"
)
SESSION_SECONDS_DEFAULT = limit(
    "SESSION_SECONDS_DEFAULT", 3_600, "s", "of a role's session that asks for no other, as at AWS"
)
SESSION_SECONDS_MIN = limit(
    "SESSION_SECONDS_MIN", 900, "s", "the shortest temporary credentials, as at AWS"
)
CHAINED_SECONDS_MAX = limit(
    "CHAINED_SECONDS_MAX", 3_600, "s", "a role that a role's session assumes, as at AWS"
)
SESSION_TOKEN_SECONDS = limit(
    "SESSION_TOKEN_SECONDS", 43_200, "s", "of GetSessionToken that asks for no other, as at AWS"
)
SESSION_TOKEN_CHARS_MAX = limit(
    "SESSION_TOKEN_CHARS_MAX", 4_096, "characters", "the longest session token that AWS hands out"
)
SESSION_PACKED_BYTES_MAX = limit(
    "SESSION_PACKED_BYTES_MAX",
    2_560,
    "bytes",
    "session policies and tags of one session: with names and times they fill a session token",
)
ACCOUNT_RECORDS_PER_SNAPSHOT = limit(
    "ACCOUNT_RECORDS_PER_SNAPSHOT",
    1_000,
    "records",
    "changes of principals replayed at a start, a few milliseconds",
)
POLICIES_PARSED_MAX = limit(
    "POLICIES_PARSED_MAX", 4_096, "policies", "kept ready for decisions, some 20 MB"
)
POLICY_PATTERNS_MAX = limit(
    "POLICY_PATTERNS_MAX", 4_096, "patterns", "kept compiled: with variables, one per their values"
)
POLICY_PATTERN_CHARS_MAX = limit(
    "POLICY_PATTERN_CHARS_MAX",
    2_048,
    "characters",
    "of a pattern that is kept; longer ones stay with their policy, or are compiled anew",
)
POLICY_ACTIONS_MAX = limit(
    "POLICY_ACTIONS_MAX", 16_384, "pairs", "of policy and action whose statements have been sorted"
)
ADDRESSES_READ_MAX = limit(
    "ADDRESSES_READ_MAX", 4_096, "addresses", "of clients, kept as numbers for conditions"
)
LIST_ITEMS_DEFAULT = limit(
    "LIST_ITEMS_DEFAULT", 100, "rows", "per page of an IAM listing where MaxItems is absent"
)

# The agent service
ACCESS_TOKEN_MS = limit(
    "ACCESS_TOKEN_MS",
    3_600_000,
    "ms",
    "an agent's access token lives an hour at most: amazon-connect-streams renews from half an hour"
    " before; the authentication profile may say less",
)
REFRESH_TOKEN_MS = limit(
    "REFRESH_TOKEN_MS",
    43_200_000,
    "ms",
    "an agent signs in once a shift; what was renewed in it does not outlive these 12 h, as at AWS",
)
SAML_USER_NAME_CHARS_MAX = limit(
    "SAML_USER_NAME_CHARS_MAX", 64, "characters", "a user name of a SAML instance, as at AWS"
)
SIGN_IN_FAILURES_MAX = limit(
    "SIGN_IN_FAILURES_MAX",
    10,
    "attempts",
    "wrong passwords of one user from one address in a window: people need a few, guessing many",
)
SIGN_IN_WINDOW_MS = limit(
    "SIGN_IN_WINDOW_MS",
    900_000,
    "ms",
    "with ten failures in 15 min a guesser has 350,000 tries a year, and a person waits a break",
)
SIGN_IN_KEYS_MAX = limit(
    "SIGN_IN_KEYS_MAX",
    10_000,
    "keys",
    "users and addresses whose failures are counted; pushing one out takes minutes of hashing",
)
SIGN_INS_AT_ONCE_MAX = limit(
    "SIGN_INS_AT_ONCE_MAX",
    16,
    "sign-ins",
    "each hashes for some 50 ms in 64 MB; a shift that starts together is through in seconds",
)
SIGN_INS_FROM_ONE_ADDRESS_MAX = limit(
    "SIGN_INS_FROM_ONE_ADDRESS_MAX",
    12,
    "sign-ins",
    "of those at once: whoever guesses without pause leaves room for other addresses",
)
IP_RANGES_READ_MAX = limit(
    "IP_RANGES_READ_MAX",
    4_096,
    "addresses",
    "of agents, whether they are in the ranges of their authentication profile is remembered",
)
AGENT_POLL_MS = limit(
    "AGENT_POLL_MS",
    30_000,
    "ms",
    "a poll for an agent's snapshot is answered by then, as streams asks; proxies wait 60 s",
)
AGENT_ABSENT_SECONDS = limit(
    "AGENT_ABSENT_SECONDS",
    60,
    "s",
    "without a question of any of his desktops an agent has vanished; they ask every 30 s at least",
)
AGENT_PAGE_ROWS_MAX = limit(
    "AGENT_PAGE_ROWS_MAX", 500, "rows", "per page of the agent service; what streams asks for"
)
AGENT_REPORT_ENTRIES_MAX = limit(
    "AGENT_REPORT_ENTRIES_MAX",
    1_000,
    "entries",
    "log events or statistics in one report; streams sends at most some hundred",
)
