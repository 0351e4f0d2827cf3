"""The 20 actions of the reference of 2018 and GetContactMetrics: every constraint, every error.

A row changes one thing in a good request and says what is answered. The good requests, and those
at the edge of what is allowed, are accepted; every error that a page lists is reached by a row, by
a test of its own, or stands in reference.UNREACHABLE.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from acceptance.center import CUSTOMER, OWN_NUMBER, PASSWORD, FirstCenter
from acceptance.conftest import Server
from acceptance.reference import LISTED, STATUSES, UNREACHABLE
from acceptance.test_iam import a_policy, a_user, client

NOBODY = "00000000-0000-4000-8000-000000000000"
FOREIGN = f"arn:aws:connect:us-east-1:210987654321:instance/{NOBODY}"
GONE = object()
NOT_UTF_8 = "not-utf-8"
"""A label that is sent as bytes which are no UTF-8."""
BODY = "the whole body"

Changes = dict[str, Any]
"""Members, dots between the names down, to other values; a function gets the place."""


class Row(NamedTuple):
    action: str
    changes: Changes
    code: str
    words: str

    def __str__(self) -> str:
        return f"{self.action}-{self.code}-{'-'.join(self.changes)}"


class Place:
    """A center in which every action can be taken, and the good request of each."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.center = center = FirstCenter(server)
        self.connect = center.connect
        self.instance = center.instance
        at = {"InstanceId": self.instance}
        self.connect.update_user_hierarchy_structure(
            **at, HierarchyStructure={"LevelOne": {"Name": "site"}}
        )
        self.groups = [
            self.connect.create_user_hierarchy_group(**at, Name=name)["HierarchyGroupId"]
            for name in ("north", "south")
        ]
        self.security = center.found(
            "list_security_profiles", "SecurityProfileSummaryList", "Agent"
        )["Id"]
        self.users = 0
        keys = a_user(server, "fed", a_policy("connect:*"))
        self.loose = server.client(parameter_validation=False)
        self._fed = client(server, "connect", keys)
        self._body: bytes | None = None
        for each in (self.loose, self._fed):
            each.meta.events.register("before-sign", self._damage)

    def _damage(self, request: Any, **_: Any) -> None:
        request.url = request.url.replace(NOT_UTF_8, "%FF")
        if self._body is not None:
            request.data = self._body

    @cached_property
    def stranger(self) -> Any:
        """The client of one who may do nothing."""
        return client(self.server, "connect", a_user(self.server, "stranger"))

    @cached_property
    def waiting(self) -> str:
        """A contact in queue."""
        return self.center.dial()

    def start(self) -> float:
        """A border of five minutes, half a day ago."""
        return self.center.now() // 300 * 300 - 43_200

    def spare(self) -> str:
        """A user more."""
        return self.connect.create_user(**self.good("CreateUser"))["UserId"]

    def good(self, action: str) -> dict[str, Any]:
        """A request that is accepted."""
        of_user = {"UserId": self.center.agent} if action in OF_USERS else {}
        more = GOOD.get(action, lambda _: {})(self)
        return {"InstanceId": self.instance, **of_user, **more}

    def saml(self, alias: str = "saml", users: tuple[str, ...] = ("fed",)) -> str:
        """A SAML instance with these users; made once."""
        alias = f"{alias}-{self.center.alias}"
        for each in self.connect.list_instances()["InstanceSummaryList"]:
            if each["InstanceAlias"] == alias:
                return each["Id"]
        return an_instance(self.connect, "SAML", alias, users)

    def closed(self) -> str:
        """An instance that does not dial."""
        return self.connect.create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias=f"closed-{self.center.alias}",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=False,
        )["Id"]

    def ended(self) -> str:
        """A contact that is over."""
        contact = self.center.dial()
        self.connect.stop_contact(InstanceId=self.instance, ContactId=contact)
        return contact

    def ask(self, action: str, changes: Changes) -> Any:
        """The answer to the good request of an action with these changes, unchecked by botocore."""
        parameters = self.good(action)
        for path, value in changes.items():
            *above, name = path.split(".")
            inner = parameters
            for each in above:
                inner = inner.setdefault(each, {})
            inner[name] = value(self) if callable(value) else value
            if value is GONE:
                del inner[name]
        self._body = parameters.pop(BODY, None)
        connect = self._fed if action == "GetFederationToken" else self.loose
        return getattr(connect, xform_name(action))(**parameters)


def a_good_user(place: Place) -> dict[str, Any]:
    place.users += 1
    return {
        "Username": f"user.{place.users}",
        "Password": PASSWORD,
        "IdentityInfo": {"FirstName": "Una", "LastName": "User", "Email": "u@x.org"},
        "PhoneConfig": {
            "PhoneType": "SOFT_PHONE",
            "AutoAccept": False,
            "AfterContactWorkTimeLimit": 0,
            "DeskPhoneNumber": CUSTOMER,
        },
        "RoutingProfileId": place.center.profile,
        "SecurityProfileIds": [place.security],
        "HierarchyGroupId": place.groups[0],
        "Tags": {"team": "red"},
    }


def filters(place: Place) -> dict[str, Any]:
    return {"Queues": [place.center.queue], "Channels": ["VOICE"]}


ONLINE = {"Name": "AGENTS_ONLINE", "Unit": "COUNT"}
HANDLED = {"Name": "CONTACTS_HANDLED", "Statistic": "SUM", "Unit": "COUNT"}
LEVEL = {"Name": "SERVICE_LEVEL", "Statistic": "AVG", "Unit": "PERCENT"}
THRESHOLD = {"Comparison": "LT", "ThresholdValue": 15}

GOOD: dict[str, Callable[[Place], dict[str, Any]]] = {
    "CreateUser": a_good_user,
    "DeleteUser": lambda place: {"UserId": place.spare()},
    "DescribeUserHierarchyGroup": lambda place: {"HierarchyGroupId": place.groups[0]},
    "GetContactMetrics": lambda place: {
        "ContactId": place.waiting,
        "Metrics": [{"Name": "POSITION_IN_QUEUE"}],
    },
    "GetCurrentMetricData": lambda place: {
        "Filters": filters(place),
        "CurrentMetrics": [ONLINE],
        "MaxResults": 100,
    },
    "GetFederationToken": lambda place: {"InstanceId": place.saml()},
    "GetMetricData": lambda place: {
        "StartTime": place.start(),
        "EndTime": place.start() + 3_600,
        "Filters": filters(place),
        "HistoricalMetrics": [{**LEVEL, "Threshold": THRESHOLD}],
        "MaxResults": 100,
    },
    "StartOutboundVoiceContact": lambda place: {
        "DestinationPhoneNumber": place.center.customer,
        "ContactFlowId": place.center.flow,
        "QueueId": place.center.queue,
        "SourcePhoneNumber": OWN_NUMBER,
        "Attributes": {"a-b_C9": ""},
    },
    "StopContact": lambda place: {"ContactId": place.center.dial()},
    "UpdateContactAttributes": lambda place: {
        "InitialContactId": place.waiting,
        "Attributes": {"a-b_C9": ""},
    },
    "UpdateUserHierarchy": lambda place: {"HierarchyGroupId": place.groups[1]},
    "UpdateUserIdentityInfo": lambda _: {
        "IdentityInfo": {"FirstName": "Ann", "LastName": "Other"},
    },
    "UpdateUserPhoneConfig": lambda _: {"PhoneConfig": {"PhoneType": "SOFT_PHONE"}},
    "UpdateUserRoutingProfile": lambda place: {"RoutingProfileId": place.center.profile},
    "UpdateUserSecurityProfiles": lambda place: {"SecurityProfileIds": [place.security]},
}
"""Members of a good request beside the instance and the user that it is about."""


def an_instance(connect: Any, management: str, alias: str, users: tuple[str, ...] = ()) -> str:
    """An instance of this identity management with these users, who have no passwords."""
    directory = {"DirectoryId": "d-0123456789"} if management == "EXISTING_DIRECTORY" else {}
    instance = connect.create_instance(
        IdentityManagementType=management,
        InstanceAlias=alias,
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
        **directory,
    )["Id"]
    for name in users:
        connect.create_user(
            InstanceId=instance,
            Username=name,
            IdentityInfo={"FirstName": "Fay", "LastName": "Federated"},
            **profiles(connect, instance),
        )
    return instance


def profiles(connect: Any, instance: str) -> dict[str, Any]:
    routing = connect.list_routing_profiles(InstanceId=instance)["RoutingProfileSummaryList"]
    security = connect.list_security_profiles(InstanceId=instance)["SecurityProfileSummaryList"]
    return {
        "RoutingProfileId": routing[0]["Id"],
        "SecurityProfileIds": [security[0]["Id"]],
        "PhoneConfig": {"PhoneType": "SOFT_PHONE"},
    }


def refused(
    code: str, words: str, call: Callable[..., Any], *positional: Any, **named: Any
) -> None:
    """The call is refused with this code, the status of the reference, and these words."""
    with pytest.raises(ClientError) as caught:
        call(*positional, **named)
    answer = caught.value.response
    error = answer["Error"]
    assert error["Code"] == f"{code}Exception", error
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == STATUSES[code]
    assert words in error["Message"], error


# Rows


LONG = "x" * 32_768
TWO_BYTES = "é"

OF_LABELS = {
    action
    for action in LISTED
    if action
    not in (
        "GetContactMetrics",
        "StartOutboundVoiceContact",
        "StopContact",
        "UpdateContactAttributes",
    )
}
"""Actions whose InstanceId stands in the path."""

OF_USERS = (
    "DeleteUser",
    "DescribeUser",
    "UpdateUserHierarchy",
    "UpdateUserIdentityInfo",
    "UpdateUserPhoneConfig",
    "UpdateUserRoutingProfile",
    "UpdateUserSecurityProfiles",
)

LISTS = {
    "ListRoutingProfiles": "RoutingProfileSummaryList",
    "ListSecurityProfiles": "SecurityProfileSummaryList",
    "ListUserHierarchyGroups": "UserHierarchyGroupSummaryList",
    "ListUsers": "UserSummaryList",
}


def everywhere() -> Iterator[Row]:
    """What holds for every action, and for every action on a user."""
    for action in LISTED:
        longest = 250 if action == "GetContactMetrics" else 100
        yield Row(action, {"InstanceId": "i" * (longest + 1)}, "InvalidParameter", f"{longest}")
        yield Row(action, {"InstanceId": NOBODY}, "ResourceNotFound", "InstanceId")
        yield Row(action, {"InstanceId": FOREIGN}, "ResourceNotFound", "InstanceId")
        if action in OF_LABELS:
            yield Row(action, {"InstanceId": NOT_UTF_8}, "InvalidRequest", "not UTF-8")
        else:
            yield Row(action, {"InstanceId": ""}, "InvalidParameter", "InstanceId")
            yield Row(action, {"InstanceId": GONE}, "InvalidRequest", "InstanceId is required")
            yield Row(action, {"InstanceId": 7}, "InvalidRequest", "InstanceId")
            yield Row(action, {BODY: b"{"}, "InvalidRequest", "not JSON")
    for action in OF_USERS:
        yield Row(action, {"UserId": NOBODY}, "ResourceNotFound", "UserId")
        yield Row(action, {"UserId": NOT_UTF_8}, "InvalidRequest", "not UTF-8")
        yield Row(action, {"UserId": f"{FOREIGN}/agent/{NOBODY}"}, "InvalidParameter", "UserId")
        if action.startswith("Update"):
            yield Row(action, {BODY: b"[]"}, "InvalidRequest", "must be a JSON object")


def lists() -> Iterator[Row]:
    for action in LISTS:
        yield Row(action, {"MaxResults": 0}, "InvalidParameter", "MaxResults")
        yield Row(action, {"MaxResults": 1_001}, "InvalidParameter", "MaxResults")
        yield Row(action, {"MaxResults": "eleven"}, "InvalidRequest", "axResults")
        yield Row(action, {"NextToken": "forged"}, "InvalidParameter", "NextToken")


def _rows(action: str, *rows: tuple[str, Any, str, str]) -> Iterator[Row]:
    """Rows of one change each; the words are the last name of what is changed, and more."""
    for path, value, code, words in rows:
        yield Row(action, {path: value}, code, words or path.rpartition(".")[2])


def users() -> Iterator[Row]:
    yield from _rows(
        "CreateUser",
        ("Username", GONE, "InvalidRequest", "Username is required"),
        ("Username", 7, "InvalidRequest", "must be a string"),
        ("Username", "", "InvalidParameter", ""),
        ("Username", "u" * 101, "InvalidParameter", ""),
        ("Username", "two words", "InvalidParameter", ""),
        ("Username", "bob@here", "InvalidParameter", ""),
        ("Username", "bob@here@there.org", "InvalidParameter", ""),
        ("Username", "ann", "DuplicateResource", "ann"),
        ("Password", GONE, "InvalidRequest", "is needed with CONNECT_MANAGED"),
        ("Password", "Short1a", "InvalidParameter", ""),
        ("Password", f"Aa1{'x' * 62}", "InvalidParameter", ""),
        ("Password", "lowercase1", "InvalidParameter", ""),
        ("Password", "UPPERCASE1", "InvalidParameter", ""),
        ("Password", "NoDigitHere", "InvalidParameter", ""),
        ("Password", "With blank1", "InvalidParameter", ""),
        ("DirectoryUserId", "d", "InvalidRequest", ""),
        ("IdentityInfo", GONE, "InvalidRequest", "FirstName"),
        (BODY, b'{"PhoneConfig": 7}', "InvalidRequest", "PhoneConfig: 7 must be an object"),
        ("AutoAcceptConfigs", [{"Channel": "VOICE", "AutoAccept": True}], "InvalidParameter", ""),
        ("RoutingProfileId", GONE, "InvalidRequest", ""),
        ("RoutingProfileId", NOBODY, "ResourceNotFound", ""),
        ("RoutingProfileId", f"{FOREIGN}/routing-profile/{NOBODY}", "InvalidParameter", ""),
        ("SecurityProfileIds", GONE, "InvalidRequest", ""),
        (BODY, b'{"SecurityProfileIds": ""}', "InvalidRequest", "must be a list"),
        ("SecurityProfileIds", [], "InvalidParameter", "at least 1"),
        ("SecurityProfileIds", [NOBODY] * 11, "InvalidParameter", "at most 10"),
        ("SecurityProfileIds", [NOBODY], "ResourceNotFound", ""),
        ("HierarchyGroupId", NOBODY, "ResourceNotFound", ""),
        ("Tags", {f"{n}": "" for n in range(51)}, "InvalidParameter", ""),
        ("Tags", {"aws:x": "v"}, "InvalidParameter", ""),
        ("Tags", {"k": "v" * 257}, "InvalidParameter", ""),
    )
    yield Row("CreateUser", {}, "LimitExceeded", "quota")
    for action in ("CreateUser", "UpdateUserIdentityInfo"):
        yield from _rows(
            action,
            ("IdentityInfo.FirstName", GONE, "InvalidRequest", ""),
            ("IdentityInfo.LastName", GONE, "InvalidRequest", ""),
            ("IdentityInfo.FirstName", "f" * 256, "InvalidParameter", ""),
            ("IdentityInfo.LastName", "l" * 301, "InvalidParameter", ""),
            ("IdentityInfo.LastName", "Rene\u0301", "InvalidParameter", ""),
            ("IdentityInfo.Email", 7, "InvalidRequest", ""),
            ("IdentityInfo.SecondaryEmail", "nobody", "InvalidParameter", ""),
            ("IdentityInfo.Mobile", "0206555", "InvalidParameter", ""),
        )
    for action in ("CreateUser", "UpdateUserPhoneConfig"):
        yield from _rows(
            action,
            ("PhoneConfig.PhoneType", "PAGER", "InvalidParameter", "SOFT_PHONE, DESK_PHONE"),
            ("PhoneConfig.AfterContactWorkTimeLimit", -1, "InvalidParameter", "at least 0"),
            ("PhoneConfig.AfterContactWorkTimeLimit", 2_000_001, "InvalidParameter", ""),
            ("PhoneConfig.AfterContactWorkTimeLimit", 1.5, "InvalidRequest", "whole number"),
            ("PhoneConfig.AutoAccept", "yes", "InvalidRequest", "boolean"),
            ("PhoneConfig.DeskPhoneNumber", 7, "InvalidRequest", "string"),
        )
        desk = {"PhoneConfig": {"PhoneType": "DESK_PHONE"}}
        yield Row(action, desk, "InvalidParameter", "DeskPhoneNumber")
    yield from _rows("UpdateUserPhoneConfig", ("PhoneConfig", GONE, "InvalidRequest", ""))
    yield from _rows("UpdateUserIdentityInfo", ("IdentityInfo", GONE, "InvalidRequest", ""))
    yield from _rows(
        "UpdateUserHierarchy",
        ("HierarchyGroupId", NOBODY, "ResourceNotFound", ""),
        ("HierarchyGroupId", 7, "InvalidRequest", ""),
        ("HierarchyGroupId", f"{FOREIGN}/agent-group/{NOBODY}", "InvalidParameter", ""),
    )
    yield from _rows(
        "UpdateUserRoutingProfile",
        ("RoutingProfileId", GONE, "InvalidRequest", ""),
        ("RoutingProfileId", NOBODY, "ResourceNotFound", ""),
    )
    yield from _rows(
        "UpdateUserSecurityProfiles",
        ("SecurityProfileIds", GONE, "InvalidRequest", ""),
        ("SecurityProfileIds", [], "InvalidParameter", "at least 1"),
        ("SecurityProfileIds", [NOBODY] * 11, "InvalidParameter", "at most 10"),
        ("SecurityProfileIds", [NOBODY], "ResourceNotFound", ""),
    )
    yield from _rows(
        "DescribeUserHierarchyGroup",
        ("HierarchyGroupId", NOBODY, "ResourceNotFound", ""),
        ("HierarchyGroupId", NOT_UTF_8, "InvalidRequest", "UTF-8"),
        ("HierarchyGroupId", f"{FOREIGN}/agent-group/{NOBODY}", "InvalidParameter", ""),
    )
    yield from _rows(
        "GetFederationToken",
        ("InstanceId", lambda place: place.instance, "InvalidRequest", "CONNECT_MANAGED"),
        ("InstanceId", lambda place: place.saml("empty", ()), "UserNotFound", "fed"),
    )


def contacts() -> Iterator[Row]:
    yield from _rows(
        "StartOutboundVoiceContact",
        ("DestinationPhoneNumber", GONE, "InvalidRequest", ""),
        ("DestinationPhoneNumber", "12065550100", "InvalidParameter", "E.164"),
        ("DestinationPhoneNumber", "+0206555010", "InvalidParameter", "E.164"),
        ("DestinationPhoneNumber", "+1234567890123456", "InvalidParameter", "E.164"),
        ("DestinationPhoneNumber", "+447700900123", "DestinationNotAllowed", "+447"),
        ("ContactFlowId", GONE, "InvalidRequest", ""),
        ("ContactFlowId", "f" * 501, "InvalidParameter", ""),
        ("ContactFlowId", NOBODY, "ResourceNotFound", ""),
        ("ClientToken", "t" * 501, "InvalidParameter", ""),
        ("ClientToken", 7, "InvalidRequest", ""),
        ("QueueId", NOBODY, "ResourceNotFound", ""),
        ("SourcePhoneNumber", "15555550100", "InvalidParameter", "E.164"),
        ("SourcePhoneNumber", "+15555550199", "ResourceNotFound", ""),
        ("RingTimeoutInSeconds", 14, "InvalidParameter", ""),
        ("RingTimeoutInSeconds", 61, "InvalidParameter", ""),
    )
    neither = {"QueueId": GONE, "SourcePhoneNumber": GONE}
    yield Row("StartOutboundVoiceContact", neither, "InvalidRequest", "SourcePhoneNumber is needed")
    closed = {"InstanceId": Place.closed, "QueueId": GONE}
    yield Row("StartOutboundVoiceContact", closed, "OutboundContactNotPermitted", "not enabled")
    yield Row("StartOutboundVoiceContact", {}, "LimitExceeded", "0 calls")
    for action, member in (
        ("StopContact", "ContactId"),
        ("UpdateContactAttributes", "InitialContactId"),
        ("GetContactMetrics", "ContactId"),
    ):
        longest = 250 if action == "GetContactMetrics" else 256
        unknown = "ContactNotFound" if action == "StopContact" else "ResourceNotFound"
        yield from _rows(
            action,
            (member, GONE, "InvalidRequest", f"{member} is required"),
            (member, "", "InvalidParameter", ""),
            (member, "c" * (longest + 1), "InvalidParameter", f"{longest}"),
            (member, NOBODY, unknown, ""),
        )
    yield from _rows(
        "StopContact",
        ("ContactId", Place.ended, "ContactNotFound", ""),
        ("DisconnectReason", {"Code": "x"}, "InvalidParameter", ""),
    )
    for action in ("StartOutboundVoiceContact", "UpdateContactAttributes"):
        yield from _rows(
            action,
            ("Attributes", {"": "v"}, "InvalidParameter", ""),
            ("Attributes", {LONG: "v"}, "InvalidParameter", ""),
            ("Attributes", {"k": LONG}, "InvalidParameter", ""),
            ("Attributes", {"k": TWO_BYTES * 16_384}, "InvalidParameter", "32769 bytes"),
            ("Attributes", {"a": LONG[:-2], "b": "2"}, "InvalidParameter", "32769 bytes"),
            ("Attributes", {"a.b": "v"}, "InvalidParameter", "alphanumeric"),
            ("Attributes", {TWO_BYTES: "v"}, "InvalidParameter", "alphanumeric"),
            ("Attributes", {"k": 7}, "InvalidRequest", "string"),
        )
    yield from _rows("UpdateContactAttributes", ("Attributes", GONE, "InvalidRequest", ""))


def metrics() -> Iterator[Row]:
    yield from _rows(
        "GetContactMetrics",
        ("ContactId", Place.ended, "InvalidRequest", "is not in queue"),
        ("ContactId", "no id", "InvalidParameter", "a UUID in lower case"),
        ("Metrics", GONE, "InvalidRequest", ""),
        ("Metrics", [], "InvalidParameter", "at least 1"),
        ("Metrics", [{}], "InvalidRequest", "Name is required"),
        ("Metrics", [{"Name": "AGE"}], "InvalidParameter", "POSITION_IN_QUEUE"),
    )
    for action in ("GetCurrentMetricData", "GetMetricData"):
        yield from _rows(
            action,
            ("Filters", GONE, "InvalidRequest", ""),
            ("Filters", {}, "InvalidParameter", ""),
            ("Filters.Queues", [], "InvalidParameter", ""),
            ("Filters.Queues", [NOBODY] * 101, "InvalidParameter", ""),
            (BODY, b'{"Filters": {"Queues": ""}}', "InvalidRequest", "must be a list"),
            ("Filters.Queues", [f"{FOREIGN}/queue/{NOBODY}"], "InvalidParameter", ""),
            ("Filters.Channels", ["FAX"], "InvalidParameter", ""),
            ("Filters.Channels", ["VOICE"] * 5, "InvalidParameter", ""),
            ("Groupings", ["QUEUE", "CHANNEL", "QUEUE"], "InvalidParameter", ""),
            ("Groupings", ["CITY"], "InvalidParameter", ""),
            ("MaxResults", 0, "InvalidParameter", ""),
            ("MaxResults", 101, "InvalidParameter", ""),
            ("MaxResults", "7", "InvalidRequest", "whole number"),
            ("NextToken", "forged", "InvalidParameter", ""),
            ("NextToken", 7, "InvalidRequest", ""),
        )
    yield from _rows(
        "GetCurrentMetricData",
        ("CurrentMetrics", GONE, "InvalidRequest", ""),
        ("CurrentMetrics", [], "InvalidParameter", ""),
        ("CurrentMetrics", [{**ONLINE, "Name": "AGENTS"}], "InvalidParameter", "Name"),
        ("CurrentMetrics", [{**ONLINE, "Unit": "MILES"}], "InvalidParameter", "Unit"),
        ("CurrentMetrics", [{**ONLINE, "Unit": "SECONDS"}], "InvalidParameter", "valid is COUNT"),
        ("CurrentMetrics", [{"Unit": "COUNT"}], "InvalidParameter", "Name"),
    )
    yield from _rows(
        "GetMetricData",
        ("HistoricalMetrics", GONE, "InvalidRequest", ""),
        ("HistoricalMetrics", [], "InvalidParameter", ""),
        ("HistoricalMetrics", [{**HANDLED, "Name": "X"}], "InvalidParameter", "Name"),
        ("HistoricalMetrics", [{**HANDLED, "Unit": "X"}], "InvalidParameter", "Unit"),
        ("HistoricalMetrics", [{**HANDLED, "Statistic": "MIN"}], "InvalidParameter", "Statistic"),
        ("HistoricalMetrics", [{**HANDLED, "Statistic": "AVG"}], "InvalidParameter", "SUM"),
        (
            "HistoricalMetrics",
            [{**HANDLED, "Threshold": THRESHOLD}],
            "InvalidParameter",
            "Threshold",
        ),
        ("HistoricalMetrics", [LEVEL], "InvalidParameter", "Threshold"),
        (
            "HistoricalMetrics",
            [{**LEVEL, "Threshold": {**THRESHOLD, "Comparison": "GT"}}],
            "InvalidParameter",
            "LT",
        ),
        (
            "HistoricalMetrics",
            [{**LEVEL, "Threshold": {**THRESHOLD, "ThresholdValue": 0}}],
            "InvalidParameter",
            "ThresholdValue",
        ),
        ("StartTime", GONE, "InvalidRequest", ""),
        ("EndTime", GONE, "InvalidRequest", ""),
        ("StartTime", lambda place: place.start() + 1, "InvalidParameter", "5 minutes"),
        ("EndTime", lambda place: place.start() + 301, "InvalidParameter", "5 minutes"),
        ("EndTime", Place.start, "InvalidParameter", "later than StartTime"),
        ("EndTime", lambda place: place.start() + 86_400, "InvalidParameter", "less than 24 hours"),
        ("StartTime", lambda place: place.start() - 43_500, "InvalidParameter", "24 hours before"),
    )


ROWS = [*everywhere(), *lists(), *users(), *contacts(), *metrics()]

LIMITED = ("LimitExceeded", "DestinationNotAllowed")
"""Errors of a server with AWS's limits."""


def a_place(*options: str) -> Iterator[Place]:
    server = Server("--memory", "--sandbox", "--clock", "virtual", *options)
    try:
        yield Place(server)
    finally:
        server.kill()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    yield from a_place()


@pytest.fixture(scope="module")
def limited() -> Iterator[Place]:
    """With AWS's limits, one user and no calls."""
    yield from a_place("--limits", "aws", "--quota", "user=1", "--quota", "call=0")


def with_limits(row: Row) -> bool:
    return row.code in LIMITED


@pytest.mark.parametrize("row", [row for row in ROWS if not with_limits(row)], ids=str)
def test_what_is_refused_names_member_and_rule(place: Place, row: Row) -> None:
    refused(row.code, row.words, place.ask, row.action, row.changes)


@pytest.mark.parametrize("row", [row for row in ROWS if with_limits(row)], ids=str)
def test_what_the_limits_refuse(limited: Place, row: Row) -> None:
    refused(row.code, row.words, limited.ask, row.action, row.changes)


CURRENT_METRICS = [
    *(
        {"Name": f"AGENTS_{name}", "Unit": "COUNT"}
        for name in ("AVAILABLE", "ONLINE", "ON_CALL", "STAFFED", "AFTER_CONTACT_WORK")
    ),
    *({"Name": f"AGENTS_{name}", "Unit": "COUNT"} for name in ("NON_PRODUCTIVE", "ERROR")),
    *({"Name": f"CONTACTS_{name}", "Unit": "COUNT"} for name in ("IN_QUEUE", "SCHEDULED")),
    {"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"},
]
"""All that the page of 2018 names, with its units."""

COUNTED = """
    QUEUED HANDLED ABANDONED CONSULTED AGENT_HUNG_UP_FIRST HANDLED_INCOMING HANDLED_OUTBOUND
    HOLD_ABANDONS TRANSFERRED_IN TRANSFERRED_OUT TRANSFERRED_IN_FROM_QUEUE
    TRANSFERRED_OUT_FROM_QUEUE MISSED
"""
TIMED = "HANDLE AFTER_CONTACT_WORK QUEUE_ANSWER HOLD INTERACTION INTERACTION_AND_HOLD"
HISTORICAL_METRICS = [
    *({**HANDLED, "Name": f"CONTACTS_{name}"} for name in COUNTED.split()),
    *({**HANDLED, "Name": f"{name}_CONTACTS_HANDLED"} for name in ("CALLBACK", "API")),
    *({"Name": f"{name}_TIME", "Statistic": "AVG", "Unit": "SECONDS"} for name in TIMED.split()),
    {"Name": "OCCUPANCY", "Statistic": "AVG", "Unit": "PERCENT"},
    {"Name": "QUEUED_TIME", "Statistic": "MAX", "Unit": "SECONDS"},
    {"Name": "ABANDON_TIME", "Statistic": "SUM", "Unit": "COUNT"},
]
"""Likewise, but for SERVICE_LEVEL; ABANDON_TIME as the page has it."""


def levels(*seconds: int) -> list[dict[str, Any]]:
    """SERVICE_LEVEL at these thresholds."""
    return [{**LEVEL, "Threshold": {**THRESHOLD, "ThresholdValue": each}} for each in seconds]


AT_THE_EDGE: dict[str, tuple[Changes, ...]] = {
    "CreateUser": (
        {"Username": "u" * 100},
        {"Username": "first-last_1@example.org"},
        {"Password": "Abcdefg1"},
        {"Password": f"Aa1{'~' * 61}"},
        {"PhoneConfig": GONE},
        {"PhoneConfig": {}},
        {"PhoneConfig": GONE, "AutoAcceptConfigs": [{"Channel": "VOICE", "AutoAccept": True}]},
        {"PhoneConfig.AfterContactWorkTimeLimit": 2_000_000},
        {"HierarchyGroupId": GONE},
        {"IdentityInfo.FirstName": "f" * 255, "IdentityInfo.LastName": "l" * 300},
        {"IdentityInfo.SecondaryEmail": "u@example.org", "IdentityInfo.Mobile": "+12065550100"},
        {"Tags": {f"{n}": "v" * 256 for n in range(50)}},
    ),
    "UpdateUserHierarchy": ({"HierarchyGroupId": GONE},),
    "UpdateUserPhoneConfig": (
        {"PhoneConfig": {"PhoneType": "DESK_PHONE", "DeskPhoneNumber": "+12065550100"}},
    ),
    "StartOutboundVoiceContact": (
        {"QueueId": GONE},
        {"SourcePhoneNumber": GONE},
        {"Attributes": GONE},
        {"ClientToken": "t" * 500},
        {"Attributes": {"k": LONG[:-1]}},
    ),
    "UpdateContactAttributes": ({"Attributes": {}},),
    "GetCurrentMetricData": (
        {"MaxResults": 1},
        {"Filters.Channels": GONE},
        {"Filters.Queues": lambda place: [place.center.queue_arn, place.center.queue]},
        {"Filters.Queues": [NOBODY] * 100},
        {"Groupings": ["QUEUE", "CHANNEL"]},
        {"CurrentMetrics": CURRENT_METRICS},
    ),
    "GetMetricData": (
        {"MaxResults": 1},
        {"Filters.Queues": [NOBODY] * 100},
        {"Groupings": ["QUEUE", "CHANNEL"]},
        {"HistoricalMetrics": HISTORICAL_METRICS},
        {"HistoricalMetrics": levels(15, 20, 25, 30, 45, 60)},
        {"HistoricalMetrics": levels(90, 120, 180, 240, 300, 600)},
        {"EndTime": lambda place: place.start() + 86_100},
    ),
    "GetContactMetrics": (
        {"Metrics": [{"Name": "POSITION_IN_QUEUE"}, {"Name": "ESTIMATED_WAIT_TIME"}]},
    ),
    **{action: ({"MaxResults": 1}, {"MaxResults": 1_000}) for action in LISTS},
}
"""Action to changes that leave its request a good one."""

ACCEPTED = [
    (action, changes) for action in LISTED for changes in ({}, *AT_THE_EDGE.get(action, ()))
]


@pytest.mark.parametrize(
    ("action", "changes"),
    ACCEPTED,
    ids=[f"{action}-{'-'.join(changes)}" for action, changes in ACCEPTED],
)
def test_good_requests_and_those_at_the_edge_are_accepted(
    place: Place, action: str, changes: Changes
) -> None:
    answer = place.ask(action, changes)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_an_empty_label_is_no_route(place: Place) -> None:
    for action in ("ListUsers", "DescribeUserHierarchyStructure", "DescribeUser"):
        with pytest.raises(ClientError) as caught:
            place.ask(action, {"InstanceId": ""})
        answer = caught.value.response
        assert answer["Error"]["Code"] == "UnknownOperationException"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404


EMPTY: dict[str, Any] = {
    "list": [],
    "map": {},
    "string": "i" * 251,
    "structure": {},
    "timestamp": 0,
}
BURSTS = {"GetCurrentMetricData": 8, "GetMetricData": 8}


@pytest.mark.parametrize("action", LISTED)
def test_every_action_is_throttled(limited: Place, action: str) -> None:
    limited.center.advance(10)  # all buckets are full
    ask = getattr(limited.loose, xform_name(action))
    model = limited.connect.meta.service_model.operation_model(action).input_shape
    request = {name: EMPTY[model.members[name].type_name] for name in model.required_members}
    for _ in range(BURSTS.get(action, 5)):
        with pytest.raises(ClientError) as caught:
            ask(**request)
        assert "Throttling" not in caught.value.response["Error"]["Code"]
    refused("Throttling", "Rate exceeded", ask, **request)


@pytest.mark.parametrize("action", LISTED)
def test_no_action_is_for_everybody(place: Place, action: str) -> None:
    ask = getattr(place.stranger, xform_name(action))
    refused("AccessDenied", f"connect:{action}", ask, **place.good(action))


TESTED = {
    *((row.action, row.code) for row in ROWS),
    *((action, "Throttling") for action in LISTED),
    *((action, "AccessDenied") for action in LISTED),
    *((action, "InternalService") for action in LISTED),  # unit/test_pipeline_faults.py
}


def test_every_listed_error_is_reached_or_has_a_reason() -> None:
    listed = {(action, code) for action, codes in LISTED.items() for code in codes}
    assert listed - TESTED == UNREACHABLE.keys()
