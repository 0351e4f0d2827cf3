"""The API reference of 2018 and the page of GetContactMetrics, as facts: which errors they list.

Where today's model says otherwise it wins (docs/choices.md). Names without their Exception.
"""

EVERYWHERE = ("InternalService", "InvalidParameter", "InvalidRequest", "ResourceNotFound")
"""Some pages of 2018 write InternalServerError; the model knows InternalService alone."""

LISTED: dict[str, tuple[str, ...]] = {
    "CreateUser": (*EVERYWHERE, "Throttling", "DuplicateResource", "LimitExceeded"),
    "DeleteUser": (*EVERYWHERE, "Throttling"),
    "DescribeUser": (*EVERYWHERE, "Throttling"),
    "DescribeUserHierarchyGroup": (*EVERYWHERE, "Throttling"),
    "DescribeUserHierarchyStructure": (*EVERYWHERE, "Throttling"),
    "GetContactMetrics": (*EVERYWHERE, "Throttling", "AccessDenied"),
    "GetCurrentMetricData": (*EVERYWHERE, "Throttling"),
    "GetFederationToken": (*EVERYWHERE, "DuplicateResource", "UserNotFound"),
    "GetMetricData": (*EVERYWHERE, "Throttling"),
    "ListRoutingProfiles": (*EVERYWHERE, "Throttling"),
    "ListSecurityProfiles": (*EVERYWHERE, "Throttling"),
    "ListUserHierarchyGroups": (*EVERYWHERE, "Throttling"),
    "ListUsers": (*EVERYWHERE, "Throttling"),
    "StartOutboundVoiceContact": (
        *EVERYWHERE,
        "DestinationNotAllowed",
        "LimitExceeded",
        "OutboundContactNotPermitted",
    ),
    "StopContact": (*EVERYWHERE, "ContactNotFound"),
    "UpdateContactAttributes": EVERYWHERE,
    "UpdateUserHierarchy": (*EVERYWHERE, "Throttling"),
    "UpdateUserIdentityInfo": (*EVERYWHERE, "Throttling"),
    "UpdateUserPhoneConfig": (*EVERYWHERE, "Throttling"),
    "UpdateUserRoutingProfile": (*EVERYWHERE, "Throttling"),
    "UpdateUserSecurityProfiles": (*EVERYWHERE, "Throttling"),
}
"""Action to the errors that its page lists."""

STATUSES: dict[str, int] = {
    "AccessDenied": 403,
    "ContactNotFound": 410,
    "DestinationNotAllowed": 403,
    "DuplicateResource": 409,
    "InternalService": 500,
    "InvalidParameter": 400,
    "InvalidRequest": 400,
    "LimitExceeded": 429,
    "OutboundContactNotPermitted": 403,
    "ResourceNotFound": 404,
    "Throttling": 429,
    "UserNotFound": 404,
}
"""HTTP status of each error, from the pages of the actions."""

UNREACHABLE: dict[tuple[str, str], str] = {
    ("GetFederationToken", "DuplicateResource"): (
        "for a federated name that two users of AWS's directories bear; here one name is one user"
    ),
}
"""Listed errors that nothing brings about, and why."""
