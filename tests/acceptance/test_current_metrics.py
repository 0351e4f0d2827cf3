"""Real-time metrics with boto3: GetCurrentMetricData, GetCurrentUserData, GetContactMetrics."""

import json

import pytest
from botocore.exceptions import ClientError

from acceptance.center import PASSWORD, FirstCenter

NOBODY = "00000000-0000-4000-8000-000000000000"
FOREIGN = f"arn:aws:connect:us-east-1:210987654321:instance/{NOBODY}"
EVERY = (
    "AGENTS_ONLINE",
    "AGENTS_AVAILABLE",
    "AGENTS_ON_CALL",
    "AGENTS_NON_PRODUCTIVE",
    "AGENTS_AFTER_CONTACT_WORK",
    "AGENTS_ERROR",
    "AGENTS_STAFFED",
    "CONTACTS_IN_QUEUE",
    "OLDEST_CONTACT_AGE",
    "CONTACTS_SCHEDULED",
    "AGENTS_ON_CONTACT",
    "SLOTS_ACTIVE",
    "SLOTS_AVAILABLE",
    "ESTIMATED_WAIT_TIME",
)
ENGLISH = {
    "AttributeCondition": {
        "Name": "language",
        "Value": "English",
        "ProficiencyLevel": 3,
        "ComparisonOperator": "NumberGreaterOrEqualTo",
    }
}


class Center(FirstCenter):
    """The same, asked about this moment; with a second agent, who speaks English."""

    def __init__(self, server):
        super().__init__(server)
        self.at = {"InstanceId": self.instance}
        self.loose = server.client(parameter_validation=False)
        levels = ("LevelOne", "LevelTwo")
        self.connect.update_user_hierarchy_structure(
            **self.at, HierarchyStructure={level: {"Name": level} for level in levels}
        )
        self.site = self._group("north")
        self.team = self._group("sellers of the north", ParentGroupId=self.site)
        security = self.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")
        self.bob = self.connect.create_user(
            **self.at,
            Username="bob",
            Password=PASSWORD,
            IdentityInfo={"FirstName": "Bob", "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE"},
            SecurityProfileIds=[security["Id"]],
            RoutingProfileId=self.profile,
            HierarchyGroupId=self.team,
        )["UserId"]
        self.connect.create_predefined_attribute(
            **self.at, Name="language", Values={"StringList": ["English"]}
        )
        self.connect.associate_user_proficiencies(
            **self.at,
            UserId=self.bob,
            UserProficiencies=[
                {"AttributeName": "language", "AttributeValue": "English", "Level": 4}
            ],
        )
        self.at_work(self.agent, "Offline")

    def _group(self, name, **more):
        made = self.connect.create_user_hierarchy_group(**self.at, Name=name, **more)
        return made["HierarchyGroupId"]

    def at_work(self, user, status):
        found = self.found("list_agent_statuses", "AgentStatusSummaryList", status)
        self.connect.put_user_status(**self.at, UserId=user, AgentStatusId=found["Id"])

    def metrics(self, names, filters=None, groupings=("QUEUE",), **more):
        return self.connect.get_current_metric_data(
            **self.at,
            Filters=filters or {"Queues": [self.queue], "Channels": ["VOICE"]},
            Groupings=list(groupings),
            CurrentMetrics=[{"Name": name} for name in names],
            **more,
        )

    def rows(self, names, filters=None, groupings=("QUEUE",)):
        """Dimensions and values."""
        return [
            (row.get("Dimensions"), [each.get("Value") for each in row["Collections"]])
            for row in self.metrics(names, filters, groupings)["MetricResults"]
        ]

    def users(self, **filters):
        return self.connect.get_current_user_data(**self.at, Filters=filters)

    def user(self, user_id):
        found = self.users(Agents=[user_id])
        assert found["ApproximateTotalCount"] == len(found["UserDataList"]) == 1
        return found["UserDataList"][0]

    def who(self, **filters):
        return [each["User"]["Id"] for each in self.users(**filters)["UserDataList"]]

    def queued(self):
        contact = self.dial()
        self.advance(5)
        return contact

    def seek(self, contact, *expressions):
        steps = [{"Expression": each, "Expiry": {"DurationInSeconds": 30}} for each in expressions]
        self.connect.update_contact_routing_data(
            **self.at, ContactId=contact, RoutingCriteria={"Steps": steps}
        )

    def arn(self, kind, identifier):
        home = self.queue_arn.rpartition("/queue/")[0]
        return f"{home}/{kind}/{identifier}"


@pytest.fixture(scope="module")
def shared(server):
    return Center(server)


@pytest.fixture
def center(shared):
    """Nobody is at work and nothing waits."""
    contacts = []
    shared.queued, queued = lambda: contacts.append(queued()) or contacts[-1], shared.queued
    yield shared
    shared.queued = queued
    for contact in contacts:
        try:
            shared.connect.stop_contact(**shared.at, ContactId=contact)
        except shared.connect.exceptions.ContactNotFoundException:
            continue
    shared.advance(120)
    for user in (shared.agent, shared.bob):
        shared.at_work(user, "Offline")


# GetCurrentMetricData


def test_the_14_metrics_of_a_queue_that_waits(center):
    contact = center.queued()
    [(dimensions, values)] = center.rows(EVERY, groupings=("QUEUE", "CHANNEL"))
    assert dimensions == {
        "Queue": {"Id": center.queue, "Arn": center.queue_arn},
        "Channel": "VOICE",
    }
    told = dict(zip(EVERY, values, strict=True))
    assert told.pop("OLDEST_CONTACT_AGE") == pytest.approx(5, abs=5)
    assert told.pop("ESTIMATED_WAIT_TIME") is None
    assert {name for name, value in told.items() if value} == {"CONTACTS_IN_QUEUE"}
    center.connect.stop_contact(**center.at, ContactId=contact)
    assert center.metrics(EVERY[:-1])["MetricResults"] == []


def test_rows_by_profile_status_and_subtype(center):
    center.at_work(center.agent, "Available")
    center.queued()
    profile = {"Id": center.profile, "Arn": center.arn("routing-profile", center.profile)}
    profiles = {"RoutingProfiles": [profile["Arn"]]}
    names = ("AGENTS_ONLINE", "AGENTS_AVAILABLE")
    assert center.rows(names, profiles, ("ROUTING_PROFILE",)) == [
        ({"RoutingProfile": profile}, [1, 0])
    ]
    queue = {"Id": center.queue, "Arn": center.queue_arn}
    available = center.found("list_agent_statuses", "AgentStatusSummaryList", "Available")
    status = {"Id": available["Id"], "Arn": available["Arn"]}
    queues = {"Queues": [center.queue_arn]}
    assert center.rows(("AGENTS_ONLINE",), queues, ("QUEUE", "AGENT_STATUS")) == [
        ({"Queue": queue, "AgentStatus": status}, [1])
    ]
    center.queued()
    assert center.rows(("CONTACTS_IN_QUEUE",), queues, ("QUEUE", "SUBTYPE")) == [
        ({"Queue": queue, "Subtype": "connect:Telephony"}, [1])
    ]
    other = {**queues, "Subtypes": ["connect:Chat"]}
    assert center.rows(("CONTACTS_IN_QUEUE",), other, ("QUEUE", "SUBTYPE")) == []
    tests = {**queues, "ValidationTestTypes": ["any"]}
    assert center.rows(("CONTACTS_IN_QUEUE",), tests) == []


def test_rows_by_routing_step(center):
    center.at_work(center.agent, "Available")
    center.at_work(center.agent, "Offline")
    contact = center.queued()
    center.queued()
    center.seek(contact, ENGLISH)
    sent = json.dumps(ENGLISH, indent=2)
    filters = {"Queues": [center.queue], "RoutingStepExpressions": [sent]}
    names, by_step = ("AGENTS_ONLINE", "CONTACTS_IN_QUEUE"), ("ROUTING_STEP_EXPRESSION",)
    dimensions = {"RoutingStepExpression": sent}
    assert center.rows(names, filters, by_step) == [(dimensions, [0, 1])]
    center.advance(30)
    assert center.rows(names, filters, by_step) == []
    center.at_work(center.agent, "Available")  # who does not speak it
    assert center.rows(names, filters, by_step) == []


def test_a_metric_by_its_arn_and_oldest_contact_age_without_grouping(center):
    center.queued()
    arn = "arn:aws:connect:us-east-1:aws:metric/OLDEST_CONTACT_AGE"
    answer = center.connect.get_current_metric_data(
        **center.at,
        Filters={"Queues": [center.queue]},
        CurrentMetrics=[{"MetricId": arn}, {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}],
    )
    [row] = answer["MetricResults"]
    assert "Dimensions" not in row
    age, waiting = row["Collections"]
    assert (age["Metric"], waiting["Value"]) == ({"MetricId": arn, "Unit": "SECONDS"}, 1)
    assert age["Value"] >= 1_000
    assert answer["DataSnapshotTime"].timestamp() == pytest.approx(center.now(), abs=1)


def test_the_direction_of_the_milliseconds_is_a_setting(start):
    options = ("--memory", "--sandbox", "--clock", "virtual")
    center = Center(start(*options, "--oldest-in-ms", "grouped"))
    center.queued()
    [(_, [by_queue])] = center.rows(("OLDEST_CONTACT_AGE",))
    [(_, [ungrouped])] = center.rows(("OLDEST_CONTACT_AGE",), groupings=())
    assert by_queue // 1_000 == ungrouped


# GetCurrentUserData


def test_a_user_from_available_to_after_contact_work(center):
    assert center.users(Agents=[center.agent])["UserDataList"] == []
    center.at_work(center.agent, "Available")
    available = center.found("list_agent_statuses", "AgentStatusSummaryList", "Available")
    user = center.user(center.agent)
    since = user["Status"].pop("StatusStartTimestamp")
    assert since.timestamp() == pytest.approx(center.now(), abs=1)
    assert user == {
        "User": {"Id": center.agent, "Arn": center.arn("agent", center.agent)},
        "RoutingProfile": {
            "Id": center.profile,
            "Arn": center.arn("routing-profile", center.profile),
        },
        "Status": {"StatusArn": available["Arn"], "StatusName": "Available"},
        "AvailableSlotsByChannel": {"VOICE": 1},
        "MaxSlotsByChannel": {"VOICE": 1},
        "ActiveSlotsByChannel": {"VOICE": 0},
        "Contacts": [],
    }
    contact = center.queued()
    [rings] = center.user(center.agent)["Contacts"]
    began = rings.pop("StateStartTimestamp")
    assert rings == {
        "ContactId": contact,
        "Channel": "VOICE",
        "InitiationMethod": "API",
        "AgentContactState": "CONNECTING",
        "Queue": {"Id": center.queue, "Arn": center.queue_arn},
    }
    center.advance(3)
    center.act("accept")
    center.advance(2)
    user = center.user(center.agent)
    assert (user["AvailableSlotsByChannel"], user["ActiveSlotsByChannel"]) == (
        {"VOICE": 0},
        {"VOICE": 1},
    )
    [talks] = user["Contacts"]
    assert talks["AgentContactState"] == "CONNECTED"
    assert talks["StateStartTimestamp"] == talks["ConnectedToAgentTimestamp"] > began
    center.advance(2)
    center.act("hold")
    center.at_work(center.agent, "Offline")
    user = center.user(center.agent)
    [held] = user["Contacts"]
    assert held == {**talks, "AgentContactState": "CONNECTED_ONHOLD"}
    assert (user["NextStatus"], user["Status"]["StatusName"]) == ("Offline", "Available")
    center.connect.stop_contact(**center.at, ContactId=contact)
    [works] = center.user(center.agent)["Contacts"]
    assert works["AgentContactState"] == "ENDED"
    assert works["StateStartTimestamp"] > held["StateStartTimestamp"]
    assert works["ConnectedToAgentTimestamp"] == talks["ConnectedToAgentTimestamp"]


def test_a_missed_offer_is_shown_as_it_was_whatever_becomes_of_the_contact(center):
    center.at_work(center.agent, "Available")
    contact = center.queued()
    center.advance(20)
    [missed] = center.user(center.agent)["Contacts"]
    assert (missed["AgentContactState"], missed["Queue"]["Id"]) == ("MISSED", center.queue)
    center.connect.stop_contact(**center.at, ContactId=contact)
    assert center.user(center.agent)["Contacts"] == [missed]


def test_users_are_found_by_each_filter(center):
    both = sorted((center.agent, center.bob))
    for user in both:
        center.at_work(user, "Available")
    [shown] = center.users(UserHierarchyGroups=[center.site])["UserDataList"]
    assert shown["HierarchyPath"] == {
        "LevelOne": {"Id": center.site, "Arn": center.arn("agent-group", center.site)},
        "LevelTwo": {"Id": center.team, "Arn": center.arn("agent-group", center.team)},
    }
    assert "HierarchyPath" not in center.user(center.agent)
    for filters, found in (
        ({"Agents": [center.bob]}, [center.bob]),
        ({"Agents": [center.arn("agent", center.bob), center.agent, NOBODY]}, both),
        ({"Queues": [center.queue_arn]}, both),
        ({"Queues": [center.basic_queue["Id"], NOBODY]}, []),
        ({"RoutingProfiles": [center.profile, NOBODY]}, both),
        ({"UserHierarchyGroups": [center.team]}, [center.bob]),
        ({"UserHierarchyGroups": [center.arn("agent-group", center.site)]}, [center.bob]),
        ({"UserHierarchyGroups": [NOBODY]}, []),
        ({}, both),
    ):
        assert center.who(**filters) == found
    center.queued()
    ringing = center.who(ContactFilter={"ContactStates": ["CONNECTING", "INCOMING"]})
    assert len(ringing) == 1
    talking = {"ContactFilter": {"ContactStates": ["CONNECTED"]}}
    assert center.who(**talking) == center.who(Queues=[center.queue], **talking) == []
    assert center.who(Agents=both, ContactFilter={"ContactStates": []}) == both


def test_pages_of_users_are_frozen(center):
    both = sorted((center.agent, center.bob))
    for user in both:
        center.at_work(user, "Available")
    request = {**center.at, "Filters": {"Queues": [center.queue]}, "MaxResults": 1}
    first = center.connect.get_current_user_data(**request)
    center.at_work(both[1], "Offline")
    second = center.connect.get_current_user_data(**request, NextToken=first["NextToken"])
    pages = first["UserDataList"] + second["UserDataList"]
    assert [each["User"]["Id"] for each in pages] == both
    assert first["ApproximateTotalCount"] == second["ApproximateTotalCount"] == 2
    assert "NextToken" not in second


# GetContactMetrics


def test_the_position_of_a_contact_in_its_queue_and_in_its_routing_step(center):
    first, second, third = (center.queued() for _ in range(3))
    assert [center.position(each) for each in (first, second, third)] == [
        {"POSITION_IN_QUEUE": number} for number in (1.0, 2.0, 3.0)
    ]
    for contact in (first, third):
        center.seek(contact, ENGLISH)
    assert center.position(third) == {"POSITION_IN_QUEUE": 2.0}
    assert center.position(second) == {"POSITION_IN_QUEUE": 2.0}
    center.advance(30)
    assert center.position(third) == {"POSITION_IN_QUEUE": 3.0}
    answer = center.connect.get_contact_metrics(
        **center.at, ContactId=first, Metrics=[{"Name": "POSITION_IN_QUEUE"}]
    )
    assert (answer["Id"], answer["Arn"]) == (first, center.arn("contact", first))
    assert center.position(answer["Arn"]) == {"POSITION_IN_QUEUE": 1.0}
    with pytest.raises(center.connect.exceptions.InvalidParameterException):
        center.position(f"{center.queue_arn.partition('instance/')[0]}instance/{first}")
    center.at_work(center.agent, "Available")
    assert center.position(first)["POSITION_IN_QUEUE"] == 0.0


def test_the_wait_of_a_contact_is_estimated_in_its_routing_step(center):
    """By those who speak English, of whom there is one; nobody else is at work."""
    waits = center.queued()
    center.seek(waits, ENGLISH)
    assert "ESTIMATED_WAIT_TIME" not in center.position(waits)
    center.at_work(center.bob, "Available")  # and it rings at him
    assert center.position(waits) == {"POSITION_IN_QUEUE": 0.0, "ESTIMATED_WAIT_TIME": 0.0}
    following = center.queued()
    center.seek(following, ENGLISH)
    told = center.position(following)
    assert told["POSITION_IN_QUEUE"] == 1.0
    assert told["ESTIMATED_WAIT_TIME"] > 0
    filters = {
        "Queues": [center.queue],
        "Channels": ["VOICE"],
        "RoutingStepExpressions": [json.dumps(ENGLISH)],
    }
    [(_, [wait])] = center.rows(("ESTIMATED_WAIT_TIME",), filters, ("ROUTING_STEP_EXPRESSION",))
    assert wait > told["ESTIMATED_WAIT_TIME"], "who comes now comes after it"


# Refusals

PARAMETER, REQUEST, MISSING = (
    "InvalidParameterException",
    "InvalidRequestException",
    "ResourceNotFoundException",
)
POSITION = [{"Name": "POSITION_IN_QUEUE"}]
REFUSED = [
    ("get_current_user_data", {"Filters": {"Agents": [NOBODY], "Queues": [NOBODY]}}, PARAMETER),
    (
        "get_current_user_data",
        {"Filters": {"RoutingProfiles": [NOBODY], "UserHierarchyGroups": [NOBODY]}},
        PARAMETER,
    ),
    ("get_current_user_data", {"Filters": None}, REQUEST),
    ("get_current_user_data", {"Filters": {"Agents": [NOBODY] * 101}}, PARAMETER),
    ("get_current_user_data", {"Filters": {"Agents": []}}, PARAMETER),
    ("get_current_user_data", {"Filters": {"Queues": [NOBODY] * 101}}, PARAMETER),
    ("get_current_user_data", {"Filters": {"UserHierarchyGroups": [NOBODY] * 2}}, PARAMETER),
    ("get_current_user_data", {"Filters": {"Queues": [f"{FOREIGN}/queue/{NOBODY}"]}}, PARAMETER),
    ("get_current_user_data", {"Filters": {"Agents": [f"{FOREIGN}/agent/{NOBODY}"]}}, PARAMETER),
    (
        "get_current_user_data",
        {"Filters": {"ContactFilter": {"ContactStates": ["TALKING"]}}},
        PARAMETER,
    ),
    (
        "get_current_user_data",
        {"Filters": {"ContactFilter": {"ContactStates": ["ENDED"] * 10}}},
        PARAMETER,
    ),
    ("get_current_user_data", {"MaxResults": 101}, PARAMETER),
    ("get_current_user_data", {"MaxResults": 0}, PARAMETER),
    ("get_current_user_data", {"NextToken": "made up"}, PARAMETER),
    ("get_current_user_data", {"InstanceId": NOBODY}, MISSING),
    ("get_current_metric_data", {"Filters": {}}, PARAMETER),
    ("get_current_metric_data", {"CurrentMetrics": [{"MetricId": NOBODY}]}, PARAMETER),
    (
        "get_current_metric_data",
        {
            "Filters": {"Queues": [NOBODY], "RoutingStepExpressions": ["{}"]},
            "Groupings": ["ROUTING_STEP_EXPRESSION"],
        },
        PARAMETER,
    ),
    ("get_current_metric_data", {"NextToken": "made up"}, PARAMETER),
    ("get_current_metric_data", {"InstanceId": NOBODY}, MISSING),
    ("get_contact_metrics", {"ContactId": NOBODY}, MISSING),
    ("get_contact_metrics", {"InstanceId": NOBODY}, MISSING),
    ("get_contact_metrics", {"ContactId": "no id"}, PARAMETER),
    ("get_contact_metrics", {"ContactId": NOBODY.replace("4", "A")}, PARAMETER),
    ("get_contact_metrics", {"ContactId": f"{FOREIGN}/contact/{NOBODY}"}, PARAMETER),
    ("get_contact_metrics", {"Metrics": [{"Name": "AGENTS_ONLINE"}]}, PARAMETER),
    ("get_contact_metrics", {"Metrics": [{}]}, REQUEST),
    ("get_contact_metrics", {"Metrics": None}, REQUEST),
]


@pytest.mark.parametrize(("operation", "changes", "code"), REFUSED)
def test_a_broken_rule_is_refused(shared, operation, changes, code):
    good = {
        "get_current_user_data": {"Filters": {"Queues": [shared.queue]}},
        "get_current_metric_data": {
            "Filters": {"Queues": [shared.queue]},
            "CurrentMetrics": [{"Name": "AGENTS_ONLINE"}],
        },
        "get_contact_metrics": {"ContactId": NOBODY, "Metrics": POSITION},
    }[operation]
    request = {**shared.at, **good, **changes}
    request = {name: value for name, value in request.items() if value is not None}
    with pytest.raises(ClientError) as caught:
        getattr(shared.loose, operation)(**request)
    assert caught.value.response["Error"]["Code"] == code, caught.value


def test_a_contact_that_is_not_in_queue_has_no_metrics(center):
    center.at_work(center.agent, "Available")
    contact = center.queued()
    center.act("accept")
    center.advance(2)
    for change in (
        lambda: center.connect.stop_contact(**center.at, ContactId=contact),
        lambda: center.act("complete"),
        lambda: None,
    ):
        with pytest.raises(center.connect.exceptions.InvalidRequestException):
            center.position(contact)
        change()
