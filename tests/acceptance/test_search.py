"""Search with boto3: nested conditions, filters, pages, and what is refused."""

import json

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter


@pytest.fixture(scope="module")
def center(server) -> FirstCenter:
    """Six queues with tags, and a hierarchy of three groups with users in it."""
    made = FirstCenter(server)
    connect, instance = made.connect, made.instance
    hours = made.found("list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours")
    for name, tags in {
        "Red": {"colour": "red", "size": "1"},
        "Red wide": {"colour": "red", "size": "2"},
        "Blue": {"colour": "blue", "size": "1"},
        "blue wide": {"colour": "blue", "size": "2"},
    }.items():
        connect.create_queue(
            InstanceId=instance,
            Name=name,
            Description=f"Takes {name.upper()}",
            HoursOfOperationId=hours["Id"],
            Tags=tags,
        )
    connect.update_user_hierarchy_structure(
        InstanceId=instance,
        HierarchyStructure={"LevelOne": {"Name": "site"}, "LevelTwo": {"Name": "team"}},
    )
    made.groups = {}
    for name, parent in {"north": None, "north one": "north", "south": None}.items():
        above = {"ParentGroupId": made.groups[parent]} if parent else {}
        made.groups[name] = connect.create_user_hierarchy_group(
            InstanceId=instance, Name=name, **above
        )["HierarchyGroupId"]
    security = made.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")["Id"]
    for name, group in {"bob": "north", "carol": "north one", "dave": "south"}.items():
        connect.create_user(
            InstanceId=instance,
            Username=name,
            Password="Ringfloor1",
            IdentityInfo={"FirstName": name.title(), "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE"},
            SecurityProfileIds=[security],
            RoutingProfileId=made.profile,
            HierarchyGroupId=made.groups[group],
            Tags={"shift": "late" if name == "dave" else "early"},
        )
    return made


def text(field: str, value: str, comparison: str = "EXACT") -> dict:
    return {"StringCondition": {"FieldName": field, "Value": value, "ComparisonType": comparison}}


def queues(center: FirstCenter, criteria: dict | None = None, **more) -> list[str]:
    if criteria is not None:
        more["SearchCriteria"] = criteria
    found = center.connect.search_queues(InstanceId=center.instance, **more)
    assert found["ApproximateTotalCount"] == len(found["Queues"])
    return [each["Name"] for each in found["Queues"]]


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        (None, ["BasicQueue", "Blue", "Red", "Red wide", "blue wide", "sales"]),
        (text("name", "Red"), ["Red"]),
        (text("Name", "red"), []),
        (text("name", "rED", "STARTS_WITH"), ["Red", "Red wide"]),
        (text("name", "WIDE", "CONTAINS"), ["Red wide", "blue wide"]),
        (text("description", "takes blue", "CONTAINS"), ["Blue", "blue wide"]),
        ({"QueueTypeCondition": "STANDARD", **text("name", "Blue")}, ["Blue"]),
        ({"OrConditions": [text("name", "Red"), text("name", "Blue")]}, ["Blue", "Red"]),
        (
            {
                "AndConditions": [
                    text("name", "wide", "CONTAINS"),
                    {"OrConditions": [text("name", "Red", "STARTS_WITH"), text("name", "sales")]},
                ]
            },
            ["Red wide"],
        ),
        ({"OrConditions": []}, ["BasicQueue", "Blue", "Red", "Red wide", "blue wide", "sales"]),
    ],
)
def test_conditions(center, criteria, names):
    assert queues(center, criteria) == names


@pytest.mark.parametrize(
    ("tag_filter", "names"),
    [
        ({"TagCondition": {"TagKey": "colour", "TagValue": "red"}}, ["Red", "Red wide"]),
        ({"TagCondition": {"TagKey": "size"}}, ["Blue", "Red", "Red wide", "blue wide"]),
        (
            {
                "AndConditions": [
                    {"TagKey": "colour", "TagValue": "red"},
                    {"TagKey": "size", "TagValue": "2"},
                ]
            },
            ["Red wide"],
        ),
        (
            {
                "OrConditions": [
                    [{"TagKey": "colour", "TagValue": "red"}, {"TagKey": "size", "TagValue": "1"}],
                    [{"TagKey": "colour", "TagValue": "blue"}, {"TagKey": "size", "TagValue": "2"}],
                ]
            },
            ["Red", "blue wide"],
        ),
    ],
)
def test_tag_filters(center, tag_filter, names):
    assert queues(center, SearchFilter={"TagFilter": tag_filter}) == names


def test_criteria_and_filter_both_hold(center):
    red = {"TagFilter": {"TagCondition": {"TagKey": "colour", "TagValue": "red"}}}
    assert queues(center, text("name", "wide", "CONTAINS"), SearchFilter=red) == ["Red wide"]


def users(center: FirstCenter, criteria: dict | None = None, **more) -> list[str]:
    if criteria is not None:
        more["SearchCriteria"] = criteria
    found = center.connect.search_users(InstanceId=center.instance, **more)["Users"]
    assert all("PasswordHash" not in each for each in found)
    return [each["Username"] for each in found]


def test_users(center):
    groups = center.groups
    group = {"Value": groups["north"], "HierarchyGroupMatchType": "EXACT"}
    below = {**group, "HierarchyGroupMatchType": "WITH_CHILD_GROUPS"}
    assert users(center) == ["ann", "bob", "carol", "dave"]
    assert users(center, {"HierarchyGroupCondition": group}) == ["bob"]
    assert users(center, {"HierarchyGroupCondition": below}) == ["bob", "carol"]
    assert users(center, text("LastName", "agent", "CONTAINS")) == ["ann", "bob", "carol", "dave"]
    assert users(center, text("RoutingProfileId", center.profile)) == [
        *("ann", "bob", "carol", "dave")
    ]
    early = {"TagKey": "shift", "TagValue": "early"}
    either = {
        "UserAttributeFilter": {
            "OrConditions": [
                {"TagConditions": [early], "HierarchyGroupCondition": group},
                {"HierarchyGroupCondition": {**group, "Value": groups["south"]}},
            ]
        }
    }
    assert users(center, SearchFilter=either) == ["bob", "dave"]
    both = {"AndCondition": {"TagConditions": [early], "HierarchyGroupCondition": below}}
    assert users(center, SearchFilter={"UserAttributeFilter": both}) == ["bob", "carol"]


def test_a_search_tells_after_contact_work_in_milliseconds(center):
    """As the model says of SearchUsers, and of no other operation."""
    connect, instance = center.connect, center.instance
    ann = text("Username", "ann")
    [found] = connect.search_users(InstanceId=instance, SearchCriteria=ann)["Users"]
    described = connect.describe_user(InstanceId=instance, UserId=found["Id"])["User"]
    limit = described["PhoneConfig"]["AfterContactWorkTimeLimit"]
    assert limit > 0
    assert found["PhoneConfig"]["AfterContactWorkTimeLimit"] == limit * 1_000


def test_every_kind_is_found_by_its_name(center):
    connect, instance = center.connect, center.instance
    for operation, member, name, field in (
        ("search_agent_statuses", "AgentStatuses", "Offline", "Name"),
        ("search_contact_flows", "ContactFlows", "greeting", "Name"),
        ("search_hours_of_operations", "HoursOfOperations", "Basic Hours", "Name"),
        ("search_prompts", "Prompts", "Beep.wav", "Name"),
        ("search_queues", "Queues", "sales", "Name"),
        ("search_routing_profiles", "RoutingProfiles", "sellers", "Name"),
        ("search_security_profiles", "SecurityProfiles", "Admin", "SecurityProfileName"),
        ("search_user_hierarchy_groups", "UserHierarchyGroups", "north one", "Name"),
    ):
        found = getattr(connect, operation)(InstanceId=instance, SearchCriteria=text("name", name))
        assert [each[field] for each in found[member]] == [name], operation
        assert found["ApproximateTotalCount"] == 1
    connect.create_quick_connect(
        InstanceId=instance,
        Name="The boss",
        QuickConnectConfig={
            "QuickConnectType": "PHONE_NUMBER",
            "PhoneConfig": {"PhoneNumber": "+12065550199"},
        },
    )
    quick = text("quickConnectType", "PHONE_NUMBER")
    found = connect.search_quick_connects(InstanceId=instance, SearchCriteria=quick)
    assert [each["Name"] for each in found["QuickConnects"]] == ["The boss"]
    content = json.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": "end",
            "Actions": [
                {
                    "Identifier": "end",
                    "Type": "EndFlowModuleExecution",
                    "Parameters": {},
                    "Transitions": {},
                }
            ],
        }
    )
    connect.create_contact_flow_module(InstanceId=instance, Name="A part", Content=content)
    active = {"AndConditions": [{"StateCondition": "ACTIVE"}, {"StatusCondition": "PUBLISHED"}]}
    found = connect.search_contact_flow_modules(InstanceId=instance, SearchCriteria=active)
    assert [each["Name"] for each in found["ContactFlowModules"]] == ["A part"]
    flows = connect.search_contact_flows(
        InstanceId=instance, SearchCriteria={"TypeCondition": "CUSTOMER_QUEUE"}
    )["ContactFlows"]
    assert [each["Name"] for each in flows] == [
        "Default customer queue",
        "Sample interruptible queue flow with callback",
    ]
    assert "Content" not in flows[0]
    assert (
        connect.search_routing_profiles(
            InstanceId=instance, SearchCriteria=text("associatedQueueIds", center.queue)
        )["RoutingProfiles"][0]["Name"]
        == "sellers"
    )
    assert (
        connect.search_user_hierarchy_groups(
            InstanceId=instance, SearchCriteria=text("parentId", center.groups["north"])
        )["UserHierarchyGroups"][0]["Name"]
        == "north one"
    )


def test_pages(center):
    connect = center.connect
    request = {"InstanceId": center.instance, "MaxResults": 4}
    first = connect.search_queues(**request)
    assert [each["Name"] for each in first["Queues"]] == ["BasicQueue", "Blue", "Red", "Red wide"]
    assert first["ApproximateTotalCount"] == 6
    second = connect.search_queues(**request, NextToken=first["NextToken"])
    assert [each["Name"] for each in second["Queues"]] == ["blue wide", "sales"]
    assert "NextToken" not in second
    with pytest.raises(ClientError, match="NextToken"):
        connect.search_queues(
            **request, NextToken=first["NextToken"], SearchCriteria=text("name", "x")
        )


def test_proficiencies(center):
    connect, instance = center.connect, center.instance
    connect.create_predefined_attribute(
        InstanceId=instance, Name="skill", Values={"StringList": ["jazz", "rock"]}
    )
    found = connect.search_predefined_attributes(
        InstanceId=instance, SearchCriteria=text("name", "skill")
    )
    assert found["PredefinedAttributes"][0]["Values"] == {"StringList": ["jazz", "rock"]}
    people = {
        each["Username"]: each["Id"] for each in connect.search_users(InstanceId=instance)["Users"]
    }
    for name, (value, level) in {
        "bob": ("jazz", 2),
        "carol": ("jazz", 4),
        "dave": ("rock", 5),
    }.items():
        connect.associate_user_proficiencies(
            InstanceId=instance,
            UserId=people[name],
            UserProficiencies=[{"AttributeName": "skill", "AttributeValue": value, "Level": level}],
        )

    def skilled(*conditions: dict) -> list[str]:
        wanted = {"TargetListType": "PROFICIENCIES", "Conditions": list(conditions)}
        return users(center, {"ListCondition": wanted})

    def level(comparison: str, **bounds: int) -> dict:
        return {"NumberCondition": {"FieldName": "limit", "ComparisonType": comparison, **bounds}}

    assert skilled(text("value", "jazz")) == ["bob", "carol"]
    assert skilled(text("name", "skill"), level("GREATER_OR_EQUAL", MinValue=4)) == [
        *("carol", "dave")
    ]
    assert skilled(text("value", "jazz"), level("GREATER", MinValue=2)) == ["carol"]
    assert skilled(level("LESSER", MaxValue=4)) == ["bob"]
    assert skilled(level("LESSER_OR_EQUAL", MaxValue=4)) == ["bob", "carol"]
    assert skilled(level("EQUAL", MinValue=5)) == ["dave"]
    assert skilled(level("NOT_EQUAL", MinValue=5)) == ["bob", "carol"]
    assert skilled(level("RANGE", MinValue=3, MaxValue=4)) == ["carol"]
    assert skilled(text("value", "jazz"), level("EQUAL", MinValue=5)) == []
    with pytest.raises(ClientError, match="more than 100 conditions"):
        skilled(*[text("value", "jazz")] * 100)


DEEP: dict = {}
for _ in range(12):
    DEEP = {"AndConditions": [DEEP]}


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        (text("colour", "red"), "FieldName: 'colour' is none of description, hoursofoperationid"),
        ({"StringCondition": {"FieldName": "name"}}, "Value"),
        ({"StringCondition": {"Value": "x"}}, "FieldName"),
        (DEEP, "deeper"),
        ({"OrConditions": [text("name", "x")] * 1_000}, "more than 100 "),
        ({"QueueTypeCondition": "AGENT"}, "QueueTypeCondition"),
    ],
)
def test_what_cannot_be_searched_for(center, criteria, message):
    with pytest.raises(ClientError, match=message) as caught:
        queues(center, criteria)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"
