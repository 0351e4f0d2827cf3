"""Access: the resources and condition keys of requests. Against AWS's own table: contract/."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from ringfloor.aws.access import Environment, accesses, of_request, tag_keys, unqualified
from ringfloor.aws.iam import Access
from ringfloor.aws.model import Service, load
from ringfloor.aws.request import Principal
from ringfloor.base.time import Instant

ACCOUNT = "123456789012"
BASE = f"arn:aws:connect:us-east-1:{ACCOUNT}:"
HOME = f"{BASE}instance/i"
NOW: Instant = 1_780_315_200_500

ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "AKIA1")
ANN = Principal(
    ACCOUNT,
    f"arn:aws:iam::{ACCOUNT}:user/team/ann",
    "AKIA2",
    type="User",
    id="AIDA7",
    name="ann",
    tags={"Team": "red"},
)
NIGHT = Principal(
    ACCOUNT,
    f"arn:aws:sts::{ACCOUNT}:assumed-role/night/ann",
    "ASIA3",
    type="AssumedRole",
    id="AROA7:ann",
    token_issued=NOW - 1_000,
)


@pytest.fixture(scope="module")
def connect() -> Service:
    return load("connect")


class Tags:
    """Tags by ARN, and who was asked for them."""

    def __init__(self, tags: Mapping[str, str]) -> None:
        self._tags = tags
        self.asked: list[str] = []

    def of(self, arn: str) -> Mapping[str, str]:
        self.asked.append(arn)
        return self._tags


def environment(tags: Tags | None = None, source: str = "192.0.2.1") -> Environment:
    headers = ((b"User-Agent", b" aws-cli/1 "), (b"Host", b"localhost"))
    return Environment(source, NOW, "us-east-1", headers, (tags or Tags({})).of)


def asked(
    service: Service,
    name: str,
    params: dict[str, Any],
    sender: Principal = ROOT,
    where: Environment | None = None,
) -> tuple[Access, ...]:
    operation = service.operations[name]
    decoded = msgspec.convert(params, operation.params)
    return of_request(operation, decoded, sender, where or environment())


# Resources

_CALLER = {"OutboundCallerIdNumberId": "n", "OutboundFlowId": "f"}
_USER = {
    "Username": "ann",
    "PhoneConfig": {"PhoneType": "SOFT_PHONE"},
    "SecurityProfileIds": ["s", "t"],
    "RoutingProfileId": "r",
}
_INSTANCE = {
    "IdentityManagementType": "SAML",
    "InboundCallsEnabled": True,
    "OutboundCallsEnabled": True,
}
_METRIC = [{"Name": "CONTACTS_HANDLED", "Statistic": "SUM", "Unit": "COUNT"}]
_TIMES = {"StartTime": 1.0, "EndTime": 2.0, "HistoricalMetrics": _METRIC}
_CURRENT = {"CurrentMetrics": [{"Name": "AGENTS_ONLINE", "Unit": "COUNT"}]}
_QUEUE = {"QueueReference": {"QueueId": "q", "Channel": "VOICE"}, "Priority": 1, "Delay": 0}
_RECENT = {"ResourceArn": HOME, "StartTime": 1.0, "EndTime": 2.0, "Metrics": [{"Name": "X"}]}


@pytest.mark.parametrize(
    ("name", "params", "arns"),
    [
        ("ListInstances", {}, ["*"]),
        ("CreateInstance", _INSTANCE, ["*"]),
        ("DescribeInstance", {}, ["~"]),
        ("DescribeInstance", {"InstanceId": f"{BASE}instance/j"}, [f"{BASE}instance/j"]),
        ("ListUsers", {}, ["~"]),
        ("ListQueues", {}, ["~/queue/*"]),
        ("DescribeUser", {"UserId": "u"}, ["~/agent/u"]),
        ("DescribeUser", {"UserId": "AS Sent"}, ["~/agent/AS Sent"]),
        ("DescribeUser", {"UserId": ""}, ["~/agent/"]),
        ("DescribeUser", {"UserId": f"{HOME}/agent/u"}, ["~/agent/u"]),
        ("DescribeAgentStatus", {"AgentStatusId": "s"}, ["~/agent-state/s"]),
        ("DescribeUserHierarchyGroup", {"HierarchyGroupId": "h"}, ["~/agent-group/h"]),
        ("DescribeHoursOfOperation", {"HoursOfOperationId": "h"}, ["~/operating-hours/h"]),
        ("DescribeQuickConnect", {"QuickConnectId": "x"}, ["~/transfer-destination/x"]),
        ("DescribePhoneNumber", {"PhoneNumberId": "n"}, [f"{BASE}phone-number/n"]),
        ("ListPhoneNumbersV2", {}, [f"{BASE}phone-number/*"]),
        ("GetTrafficDistribution", {"Id": "t"}, [f"{BASE}traffic-distribution-group/t"]),
        (
            "UpdateUserRoutingProfile",
            {"UserId": "u", "RoutingProfileId": "r"},
            ["~/routing-profile/r", "~/agent/u"],
        ),
        (
            "CreateUser",
            _USER,
            ["~/security-profile/s", "~/security-profile/t", "~/routing-profile/r", "~/agent/*"],
        ),
        (
            "CreateQueue",
            {"Name": "x", "HoursOfOperationId": "h", "OutboundCallerConfig": _CALLER},
            ["~/operating-hours/h", f"{BASE}phone-number/n", "~/contact-flow/f", "~/queue/*"],
        ),
        (
            "AssociateRoutingProfileQueues",
            {"RoutingProfileId": "r", "QueueConfigs": [_QUEUE, _QUEUE]},
            ["~/routing-profile/r", "~/queue/q"],
        ),
        (
            "PutUserStatus",
            {"UserId": "u", "AgentStatusId": "s"},
            ["~/agent/u", "~/agent-state/s", "~"],
        ),
        (
            "StartOutboundVoiceContact",
            {"DestinationPhoneNumber": "+1", "ContactFlowId": "f", "QueueId": "q"},
            ["~/contact/*"],
        ),
        ("StopContact", {"ContactId": "c"}, ["~/contact/c"]),
        ("UpdateContactAttributes", {"InitialContactId": "c", "Attributes": {}}, ["~/contact/c"]),
        ("TagResource", {"resourceArn": f"{HOME}/queue/q", "tags": {"a": "b"}}, ["~/queue/q"]),
        (
            "GetMetricData",
            {**_TIMES, "Filters": {"Queues": ["q", f"{HOME}/queue/r", "q"]}},
            ["~/queue/q", "~/queue/r"],
        ),
        ("GetMetricData", {**_TIMES, "Filters": {}}, ["~"]),
        (
            "GetCurrentMetricData",
            {**_CURRENT, "Filters": {"Queues": ["q"], "RoutingProfiles": ["r"]}},
            ["~/queue/q", "~/routing-profile/r"],
        ),
        (
            "GetMetricDataV2",
            {
                **_RECENT,
                "Filters": [
                    {"FilterKey": "AGENT", "FilterValues": ["u"]},
                    {"FilterKey": "CHANNEL", "FilterValues": ["VOICE"]},
                ],
            },
            ["~/agent/u"],
        ),
    ],
)
def test_resources_of_a_request(
    connect: Service, name: str, params: dict[str, Any], arns: list[str]
) -> None:
    members = connect.operations[name].params.__struct_fields__
    home = {"InstanceId": "i"} if "InstanceId" in members else {}
    found = [access.resource.replace(HOME, "~") for access in asked(connect, name, home | params)]
    assert sorted(found) == sorted(arns)


def test_an_arn_of_another_instance_opens_nothing_in_this_one(connect: Service) -> None:
    other = f"{BASE}instance/j/queue/q"
    found = asked(connect, "DescribeQueue", {"InstanceId": "i", "QueueId": other})
    assert [access.resource for access in found] == [other, f"{HOME}/queue/q"]


def test_a_qualifier_does_not_hide_a_resource(connect: Service) -> None:
    flow = f"{HOME}/contact-flow/f"
    params = {"InstanceId": "i", "ContactFlowId": f"{flow}:$SAVED"}
    (access,) = asked(connect, "DescribeContactFlow", params)
    assert (access.resource, access.aliases) == (f"{flow}:$SAVED", (flow,))
    for alias in (f"{flow}/alias/a", "f/alias/a\n"):
        params = {"InstanceId": "i", "ContactFlowId": alias}
        (access,) = asked(connect, "DescribeContactFlow", params)
        assert access.aliases == (flow,)
    assert unqualified("arn:aws:iam::1:role/team/alias/x") == "arn:aws:iam::1:role/team/alias/x"


def test_federation_is_written_for_the_instance_or_for_its_user(connect: Service) -> None:
    (access,) = asked(connect, "GetFederationToken", {"InstanceId": "i"}, NIGHT)
    assert (access.resource, access.aliases) == (HOME, (f"{HOME}/user/AROA7:ann",))


# Context keys


@pytest.mark.parametrize(
    ("sender", "keys"),
    [
        (
            ROOT,
            {
                "aws:principalarn": ROOT.arn,
                "aws:principaltype": "Account",
                "aws:principalaccount": ACCOUNT,
                "aws:userid": ACCOUNT,
                "aws:username": None,
                "aws:tokenissuetime": None,
                "aws:multifactorauthpresent": None,
                "aws:principaltag/team": None,
                "aws:sourceip": "192.0.2.1",
                "aws:currenttime": "2026-06-01T12:00:00Z",
                "aws:epochtime": "1780315200",
                "aws:securetransport": "false",
                "aws:requestedregion": "us-east-1",
                "aws:useragent": "aws-cli/1",
                "aws:referer": None,
                "aws:viaawsservice": "false",
                "connect:instanceid": "i",
                "aws:tagkeys": None,
                "aws:requesttag/team": None,
                "aws:unknown": None,
            },
        ),
        (
            ANN,
            {
                "aws:principalarn": ANN.arn,
                "aws:principaltype": "User",
                "aws:userid": "AIDA7",
                "aws:username": "ann",
                "aws:principaltag/team": "red",
            },
        ),
        (
            NIGHT,
            {
                "aws:principalarn": f"arn:aws:iam::{ACCOUNT}:role/night",
                "aws:principaltype": "AssumedRole",
                "aws:userid": "AROA7:ann",
                "aws:username": None,
                "aws:tokenissuetime": "2026-06-01T11:59:59Z",
                "aws:multifactorauthpresent": "false",
            },
        ),
        (
            msgspec.structs.replace(NIGHT, role_arn=f"arn:aws:iam::{ACCOUNT}:role/team/night"),
            {"aws:principalarn": f"arn:aws:iam::{ACCOUNT}:role/team/night"},
        ),
    ],
)
def test_keys_of_sender_and_surroundings(
    connect: Service, sender: Principal, keys: dict[str, str | None]
) -> None:
    (access,) = asked(connect, "DescribeInstance", {"InstanceId": HOME}, sender)
    assert {key: access.context.get(key) or None for key in keys} == {
        key: None if value is None else (value,) for key, value in keys.items()
    }


@pytest.mark.parametrize(
    ("source", "address"),
    [("::ffff:192.0.2.7", ("192.0.2.7",)), ("2001:db8::7", ("2001:db8::7",)), ("", None)],
)
def test_the_source_address(connect: Service, source: str, address: tuple[str, ...] | None) -> None:
    (access,) = asked(connect, "ListInstances", {}, where=environment(source=source))
    assert access.context.get("aws:sourceip") == address


_BLUE = {"TagKey": "team", "TagValue": "blue"}
_WITHIN = {
    "TagFilter": {
        "OrConditions": [[{"TagKey": "Team", "TagValue": "red"}], [{"TagKey": "Site"}]],
        "TagCondition": _BLUE,
    }
}


@pytest.mark.parametrize(
    ("name", "params", "keys"),
    [
        (
            "CreateUser",
            {**_USER, "InstanceId": "i", "Tags": {"Team": "red", "Site": "x"}},
            {
                "aws:requesttag/team": ("red",),
                "aws:tagkeys": ("Team", "Site"),
                "connect:instanceid": ("i",),
            },
        ),
        (
            "UntagResource",
            {"resourceArn": f"{HOME}/queue/q", "tagKeys": ["Team"]},
            {"aws:tagkeys": ("Team",), "aws:requesttag/team": None},
        ),
        (
            "UpdateInstanceAttribute",
            {"InstanceId": "i", "AttributeType": "INBOUND_CALLS", "Value": "true"},
            {"connect:attributetype": ("INBOUND_CALLS",), "connect:storageresourcetype": None},
        ),
        (
            "DescribeInstanceStorageConfig",
            {"InstanceId": "i", "AssociationId": "a", "ResourceType": "CALL_RECORDINGS"},
            {"connect:storageresourcetype": ("CALL_RECORDINGS",)},
        ),
        (
            "ListContactFlows",
            {"InstanceId": "i", "ContactFlowTypes": ["CONTACT_FLOW", "AGENT_HOLD"]},
            {"connect:flowtype": ("CONTACT_FLOW", "AGENT_HOLD")},
        ),
        (
            "SearchUsers",
            {"InstanceId": "i", "SearchFilter": _WITHIN},
            {"connect:searchtag/team": ("blue", "red"), "connect:searchtag/site": ("", "")},
        ),
        (
            "SearchUsers",
            {"InstanceId": "i", "SearchFilter": {"TagFilter": {"OrConditions": [[_BLUE], []]}}},
            {"connect:searchtag/team": ("blue", ""), "connect:searchtag/site": ()},
        ),
    ],
)
def test_keys_of_parameters(
    connect: Service, name: str, params: dict[str, Any], keys: dict[str, tuple[str, ...] | None]
) -> None:
    context = asked(connect, name, params)[0].context
    assert {key: context.get(key) for key in keys} == keys


def test_tags_of_a_resource_are_asked_for_once_and_only_if_they_matter(connect: Service) -> None:
    tags = Tags({"Team": "red", "Site": "x"})
    params = {"InstanceId": "i", "QueueId": "q"}
    (access,) = asked(connect, "DescribeQueue", params, where=environment(tags))
    access.context.get("aws:sourceip")
    assert tags.asked == []
    assert access.context.get("aws:resourcetag/team") == ("red",)
    assert access.context.get("aws:resourcetag/site") == ("x",)
    assert access.context.get("aws:resourcetag/cost") is None
    assert tags.asked == [f"{HOME}/queue/q"]


def test_other_services_bring_their_own_keys() -> None:
    keys = {"sts:externalid": ("42",)} | tag_keys({"Team": "red"})
    role = f"arn:aws:iam::{ACCOUNT}:role/night"
    (access,) = accesses("sts:AssumeRole", (role,), ANN, environment(), keys)
    assert (access.action, access.resource, access.aliases) == ("sts:AssumeRole", role, ())
    found = {
        key: access.context.get(key)
        for key in ("sts:externalid", "aws:requesttag/team", "aws:tagkeys", "aws:username")
    }
    assert found == {
        "sts:externalid": ("42",),
        "aws:requesttag/team": ("red",),
        "aws:tagkeys": ("Team",),
        "aws:username": ("ann",),
    }
