"""SearchContacts through boto3: live and ended contacts by time, by people, by what is said."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter

WEEK = 7 * 24 * 60 * 60


@pytest.fixture(scope="module")
def center(server):
    """Four calls: red and answered, red and abandoned, blue and waiting, and one ringing."""
    center = FirstCenter(server)
    center.started = center.now()
    center.act("available")
    center.calls = {}
    for name, color in (("answered", "red"), ("left", "red"), ("waiting", "blue")):
        center.calls[name] = center.dial(Attributes={"Color": color}, Name=f"{name.title()} call")
        center.advance(5)
        if name == "answered":
            center.act("accept")
            center.advance(1)
    center.connect.stop_contact(InstanceId=center.instance, ContactId=center.calls["left"])
    center.connect.tag_contact(
        InstanceId=center.instance, ContactId=center.calls["left"], Tags={"tier": "gold"}
    )
    center.connect.update_contact_attributes(
        InstanceId=center.instance,
        InitialContactId=center.calls["left"],
        Attributes={"Reason": "price"},
    )
    center.names = {contact_id: name for name, contact_id in center.calls.items()}
    return center


def search(center: Any, criteria: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    range_ = {
        "Type": "INITIATION_TIMESTAMP",
        "StartTime": center.started - 1,
        "EndTime": center.now() + 1,
    }
    asked = {"InstanceId": center.instance, "TimeRange": range_, **more}
    return center.connect.search_contacts(
        **asked, **({} if criteria is None else {"SearchCriteria": criteria})
    )


def found(center: Any, criteria: dict[str, Any] | None = None, **more: Any) -> list[str]:
    return [center.names[each["Id"]] for each in search(center, criteria, **more)["Contacts"]]


def pair(key: str, *values: str) -> dict[str, Any]:
    return {"Criteria": [{"Key": key, "Values": list(values)}]}


def test_all_of_a_time_range_are_found_newest_first_whether_they_live_or_not(center) -> None:
    answer = search(center)
    assert [center.names[each["Id"]] for each in answer["Contacts"]] == [
        "waiting",
        "left",
        "answered",
    ]
    assert answer["TotalCount"] == 3
    waiting, left, answered = answer["Contacts"]
    assert "DisconnectTimestamp" not in waiting
    assert waiting["QueueInfo"]["Id"] == center.queue
    assert left["Tags"] == {"tier": "gold"}
    assert left["DisconnectTimestamp"] > left["InitiationTimestamp"]
    assert "AgentInfo" not in left
    assert answered["AgentInfo"]["Id"] == center.agent
    assert answered["SegmentAttributes"]["connect:Subtype"] == {"ValueString": "connect:Telephony"}
    assert answered["Name"] == "Answered call"
    assert answered["InitiationMethod"] == "API"


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"SearchableContactAttributes": pair("Color", "red")}, ["left", "answered"]),
        ({"SearchableContactAttributes": pair("Reason", "price")}, ["left"]),  # told after the end
        ({"ContactTags": {"TagCondition": {"TagKey": "tier"}}}, ["left"]),
        ({"Name": {"SearchText": ["CALL", "wait"], "MatchType": "MATCH_ALL"}}, ["waiting"]),
        ({"Name": {"SearchText": ["Left call"], "MatchType": "MATCH_EXACT"}}, ["left"]),
        ({"Channels": ["CHAT"]}, []),
        ({"InitiationMethods": ["API"]}, ["waiting", "left", "answered"]),
        ({"ContactAnalysis": {"Transcript": {"Criteria": []}}}, ["waiting", "left", "answered"]),
        (
            {
                "AdditionalTimeRange": {
                    "MatchType": "MATCH_ALL",
                    "Criteria": [
                        {
                            "TimestampCondition": {
                                "Type": "DISCONNECT_TIMESTAMP",
                                "ConditionType": "NOT_EXISTS",
                            }
                        }
                    ],
                }
            },
            ["waiting", "answered"],
        ),
    ],
)
def test_criteria_choose(center, criteria: dict[str, Any], names: list[str]) -> None:
    assert found(center, criteria) == names


def test_agents_and_queues_are_asked_by_id(center) -> None:
    assert found(center, {"AgentIds": [center.agent]}) == ["answered"]
    assert found(center, {"QueueIds": [center.basic_queue["Id"]]}) == []
    assert len(found(center, {"QueueIds": [center.queue]})) == 3


def test_pages_go_on_where_the_last_ended(center) -> None:
    sort = {"FieldName": "INITIATION_TIMESTAMP", "Order": "ASCENDING"}
    first = search(center, Sort=sort, MaxResults=2)
    assert [center.names[each["Id"]] for each in first["Contacts"]] == ["answered", "left"]
    token = first["NextToken"]
    asked = {
        "InstanceId": center.instance,
        "TimeRange": {
            "Type": "INITIATION_TIMESTAMP",
            "StartTime": center.started - 1,
            "EndTime": center.now() + 1,
        },
        "Sort": sort,
    }
    rest = center.connect.search_contacts(**asked, MaxResults=2, NextToken=token)
    assert [center.names[each["Id"]] for each in rest["Contacts"]] == ["waiting"]
    assert rest["TotalCount"] == 3
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    ("start", "end", "rule"), [(0, 0, "later than StartTime"), (-9 * WEEK, 0, "8 weeks")]
)
def test_time_ranges_that_break_a_rule_are_refused(
    center, start: float, end: float, rule: str
) -> None:
    now = center.now()
    with pytest.raises(ClientError, match=rule) as refused:
        center.connect.search_contacts(
            InstanceId=center.instance,
            TimeRange={
                "Type": "ENQUEUE_TIMESTAMP",
                "StartTime": now + start,
                "EndTime": now + end,
            },
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
