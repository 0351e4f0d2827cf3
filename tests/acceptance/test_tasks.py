"""Tasks through boto3: started, scheduled, held against templates, paused, transferred, expired."""

import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter

NOBODY = "00000000-0000-4000-8000-000000000000"
DAYS = 24 * 60 * 60

STRAIGHT = [
    {
        "Identifier": "enqueue",
        "Type": "TransferContactToQueue",
        "Parameters": {},
        "Transitions": {
            "NextAction": "bye",
            "Errors": [
                {"NextAction": "bye", "ErrorType": "QueueAtCapacity"},
                {"NextAction": "bye", "ErrorType": "NoMatchingError"},
            ],
        },
    },
    {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
]


def content(queue_arn: str | None) -> str:
    """Into a queue; None: into the one that is set."""
    target = {
        "Identifier": "target",
        "Type": "UpdateContactTargetQueue",
        "Parameters": {"QueueId": queue_arn},
        "Transitions": {
            "NextAction": "enqueue",
            "Errors": [{"NextAction": "bye", "ErrorType": "NoMatchingError"}],
        },
    }
    actions = [target, *STRAIGHT] if queue_arn else STRAIGHT
    start = actions[0]["Identifier"]
    return json.dumps({"Version": "2019-10-30", "StartAction": start, "Actions": actions})


class TaskCenter(FirstCenter):
    """Its agent takes tasks too; flows lead to the queue and to whatever is set."""

    def __init__(self, server):
        super().__init__(server)
        self.connect.update_routing_profile_concurrency(
            InstanceId=self.instance,
            RoutingProfileId=self.profile,
            MediaConcurrencies=[
                {"Channel": "VOICE", "Concurrency": 1},
                {"Channel": "TASK", "Concurrency": 1},
            ],
        )
        self.connect.associate_routing_profile_queues(
            InstanceId=self.instance,
            RoutingProfileId=self.profile,
            QueueConfigs=[
                {
                    "QueueReference": {"QueueId": self.queue, "Channel": "TASK"},
                    "Priority": 1,
                    "Delay": 0,
                }
            ],
        )
        self.to_queue = self.flow_of("to the queue", content(self.queue_arn))
        self.to_target = self.flow_of("to what is set", content(None), "QUEUE_TRANSFER")
        self.act("available")

    def flow_of(self, name, text, type_="CONTACT_FLOW"):
        return self.connect.create_contact_flow(
            InstanceId=self.instance, Name=name, Type=type_, Content=text
        )["ContactFlowId"]

    def start(self, connect=None, **members):
        asked = {
            "InstanceId": self.instance,
            "Name": "Call Jane",
            "ContactFlowId": self.to_queue,
            **members,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return (connect or self.connect).start_task_contact(**given)["ContactId"]

    def ask(self, operation, contact_id, **members):
        return getattr(self.connect, operation)(
            InstanceId=self.instance, ContactId=contact_id, **members
        )

    def slots(self):
        metrics = [{"Name": name, "Unit": "COUNT"} for name in ("SLOTS_ACTIVE", "SLOTS_AVAILABLE")]
        rows = self.connect.get_current_metric_data(
            InstanceId=self.instance,
            Filters={"Queues": [self.queue], "Channels": ["TASK"]},
            Groupings=["QUEUE"],
            CurrentMetrics=metrics,
        )["MetricResults"]
        return {
            each["Metric"]["Name"]: each["Value"] for row in rows for each in row["Collections"]
        }


@pytest.fixture
def center(server):
    return TaskCenter(server)


def refused(code, words, call, *positional, **named):
    with pytest.raises(ClientError) as caught:
        call(*positional, **named)
    error = caught.value.response["Error"]
    assert (error["Code"].removesuffix("Exception"), words in error["Message"]) == (code, True), (
        error
    )


def wire(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def test_a_task_from_its_start_to_its_record(center):
    begun = center.now()
    task = center.start(
        Description="about her order",
        References={"order": {"Type": "NUMBER", "Value": "17"}},
        Attributes={"tier": "gold"},
    )
    shown = center.contact(task)
    assert (shown["Channel"], shown["InitiationMethod"], shown["Name"]) == (
        "TASK",
        "API",
        "Call Jane",
    )
    assert shown["ConnectedToSystemTimestamp"] == shown["InitiationTimestamp"]
    assert shown["QueueInfo"]["Id"] == center.queue
    segment = shown["SegmentAttributes"]
    assert segment["connect:Subtype"] == {"ValueString": "connect:Task"}
    expiry = segment["connect:ContactExpiry"]["ValueMap"]
    assert expiry["ExpiryDuration"] == {"ValueInteger": 7 * 24 * 60}
    center.advance(5)
    center.act("accept")
    center.advance(10)
    center.ask("pause_contact", task)
    assert center.slots() == {"SLOTS_ACTIVE": 1, "SLOTS_AVAILABLE": 1}
    center.advance(60)
    center.ask("resume_contact", task)
    assert center.slots() == {"SLOTS_ACTIVE": 1, "SLOTS_AVAILABLE": 0}
    center.advance(10)
    center.act("finish")
    center.advance(3)
    center.act("complete")
    shown = center.contact(task)
    assert shown["DisconnectReason"] == "AGENT_COMPLETED"
    assert (shown["TotalPauseCount"], shown["TotalPauseDurationInSeconds"]) == (1, 60)
    assert shown["LastPausedTimestamp"] == wire(begun + 15)
    assert shown["LastResumedTimestamp"] == wire(begun + 75)
    assert shown["AgentInfo"]["AgentPauseDurationInSeconds"] == 60
    assert shown["AgentInfo"]["AfterContactWorkDuration"] == 3
    refused("InvalidRequest", "has ended", center.ask, "pause_contact", task)


def test_a_scheduled_task_begins_at_its_time(center):
    now = center.now()
    task = center.start(ScheduledTime=wire(now + 100))
    shown = center.contact(task)
    assert shown["ScheduledTimestamp"] == wire(now + 100)
    assert "ConnectedToSystemTimestamp" not in shown
    center.ask("update_contact_schedule", task, ScheduledTime=wire(now + 200))
    center.advance(150)
    assert "QueueInfo" not in center.contact(task)
    center.advance(50)
    shown = center.contact(task)
    assert shown["ScheduledTimestamp"] == shown["ConnectedToSystemTimestamp"] == wire(now + 200)
    assert shown["QueueInfo"]["EnqueueTimestamp"] == wire(now + 200)


def test_a_task_lives_as_long_as_it_was_said(center):
    minutes = {"ValueMap": {"ExpiryDuration": {"ValueInteger": 10}}}
    task = center.start(SegmentAttributes={"connect:ContactExpiry": minutes})
    longer = {"ValueMap": {"ExpiryDuration": {"ValueInteger": 20}}}
    center.ask("update_contact", task, SegmentAttributes={"connect:ContactExpiry": longer})
    center.advance(19 * 60)
    assert "DisconnectReason" not in center.contact(task)
    center.advance(60)
    assert center.contact(task)["DisconnectReason"] == "EXPIRED"


def test_a_transferred_task_is_another_contact(center):
    task = center.start(Attributes={"k": "v"})
    answer = center.ask(
        "transfer_contact", task, ContactFlowId=center.to_target, QueueId=center.queue
    )
    assert answer["ContactArn"].endswith(f"contact/{answer['ContactId']}")
    following, before = center.contact(answer["ContactId"]), center.contact(task)
    assert (following["InitiationMethod"], following["Name"]) == ("TRANSFER", "Call Jane")
    assert following["PreviousContactId"] == following["InitialContactId"] == task
    assert following["Attributes"] == {"k": "v"}
    assert following["QueueInfo"]["Id"] == center.queue
    assert before["DisconnectReason"] == "API"
    both = {"QueueId": center.queue, "UserId": center.agent, "ContactFlowId": center.to_target}
    refused("InvalidRequest", "excludes QueueId", center.ask, "transfer_contact", task, **both)
    call = center.dial()
    refused(
        "InvalidRequest", "is not a task", center.ask, "transfer_contact", call,
        ContactFlowId=center.to_target,
    )  # fmt: skip


def test_linked_and_related_tasks(center):
    first = center.start(Attributes={"k": "v"})
    linked = center.start(PreviousContactId=first, Attributes={"more": "x"})
    related = center.start(RelatedContactId=first, Attributes={"own": "y"})
    shown = center.contact(linked)
    assert (shown["PreviousContactId"], shown["InitialContactId"]) == (first, first)
    assert shown["Attributes"] == {"k": "v", "more": "x"}
    shown = center.contact(related)
    assert shown["RelatedContactId"] == shown["ContactAssociationId"] == first
    assert shown["Attributes"] == {"k": "v", "more": "x", "own": "y"}
    assert "InitialContactId" not in shown


def test_a_quick_connect_brings_its_flow_and_its_queue(center):
    quick = center.connect.create_quick_connect(
        InstanceId=center.instance,
        Name="Sales",
        QuickConnectConfig={
            "QuickConnectType": "QUEUE",
            "QueueConfig": {"QueueId": center.queue, "ContactFlowId": center.to_target},
        },
    )["QuickConnectId"]
    task = center.start(ContactFlowId=None, QuickConnectId=quick)
    assert center.contact(task)["QueueInfo"]["Id"] == center.queue


FIELDS = [
    {"Id": {"Name": "Task name"}, "Type": "NAME"},
    {"Id": {"Name": "About"}, "Type": "DESCRIPTION"},
    {"Id": {"Name": "Order"}, "Type": "NUMBER"},
    {"Id": {"Name": "Size"}, "Type": "SINGLE_SELECT", "SingleSelectOptions": ["S", "M"]},
]


def test_a_template_completes_and_checks_its_tasks(center):
    template = center.connect.create_task_template(
        InstanceId=center.instance,
        Name="Order",
        ContactFlowId=center.to_queue,
        Fields=FIELDS,
        Constraints={
            "RequiredFields": [{"Id": {"Name": name}} for name in ("Task name", "Order")],
            "ReadOnlyFields": [{"Id": {"Name": "About"}}],
        },
        Defaults={
            "DefaultFieldValues": [
                {"Id": {"Name": "About"}, "DefaultValue": "an order"},
                {"Id": {"Name": "Size"}, "DefaultValue": "M"},
            ]
        },
    )["Id"]
    ways = {"ContactFlowId": None, "TaskTemplateId": template}
    order = {"Order": {"Type": "NUMBER", "Value": "17"}}
    task = center.start(**ways, References=order)
    shown = center.contact(task)
    assert shown["Description"] == "an order"
    assert shown["TaskTemplateInfo"]["Name"] == "Order"
    assert shown["TaskTemplateInfo"]["Arn"].endswith(f"/task-template/{template}")
    listed = center.ask("list_contact_references", task, ReferenceTypes=["NUMBER", "STRING"])
    assert {"String": {"Name": "Size", "Value": "M"}} in listed["ReferenceSummaryList"]
    for code, words, members in (
        ("InvalidParameter", "Order", {}),
        (
            "InvalidParameter",
            "no number",
            {"References": {"Order": {**order["Order"], "Value": "x"}}},
        ),
        ("InvalidParameter", "one of S, M", {"References": order, "Attributes": {"Size": "L"}}),
        ("InvalidParameter", "read-only", {"References": order, "Description": "mine"}),
    ):
        refused(code, words, center.start, **ways, **members)
    center.connect.update_task_template(
        InstanceId=center.instance, TaskTemplateId=template, Status="INACTIVE"
    )
    refused("InvalidRequest", "inactive", center.start, **ways, References=order)


def bad_starts():
    url = {"Type": "URL", "Value": "https://example.com"}
    yield "InvalidRequest", "exactly one of", {"ContactFlowId": None}
    yield "InvalidRequest", "exactly one of", {"TaskTemplateId": NOBODY}
    yield "ResourceNotFound", "ContactFlowId", {"ContactFlowId": NOBODY}
    yield "ResourceNotFound", "QuickConnectId", {"ContactFlowId": None, "QuickConnectId": NOBODY}
    yield "ResourceNotFound", "TaskTemplateId", {"ContactFlowId": None, "TaskTemplateId": NOBODY}
    yield "ResourceNotFound", "RelatedContactId", {"RelatedContactId": NOBODY}
    yield "ResourceNotFound", "PreviousContactId", {"PreviousContactId": NOBODY}
    yield (
        "InvalidRequest",
        "excludes",
        {"PreviousContactId": NOBODY, "RelatedContactId": NOBODY},
    )
    yield "InvalidParameter", "ScheduledTime", {"ScheduledTime": wire(0)}
    yield "InvalidParameter", "ATTACHMENT", {"References": {"r": {**url, "Type": "ATTACHMENT"}}}
    minutes = {"ValueMap": {"ExpiryDuration": {"ValueInteger": 90 * 24 * 60 + 1}}}
    yield "InvalidParameter", "minutes", {"SegmentAttributes": {"connect:ContactExpiry": minutes}}
    text = {"ValueString": "x"}
    yield "InvalidParameter", "none that", {"SegmentAttributes": {"connect:Subtype": text}}
    yield "InvalidParameter", "no user", {"SegmentAttributes": {"connect:CreatedByUser": text}}
    yield (
        "InvalidParameter",
        "Attachments",
        {"Attachments": [{"FileName": "a", "S3Url": "https://example.com/a"}]},
    )


@pytest.fixture(scope="module")
def one_center(server):
    return TaskCenter(server)


@pytest.mark.parametrize(("code", "words", "members"), [*bad_starts()])
def test_what_cannot_be_started_says_why(one_center, code, words, members):
    refused(code, words, one_center.start, **members)


def test_an_instance_has_so_many_tasks_at_once(start):
    server = start("--memory", "--sandbox", "--clock", "virtual", "--quota", "task=1")
    center = TaskCenter(server)
    center.start()
    refused("ServiceQuotaExceeded", "1 tasks", center.start)
