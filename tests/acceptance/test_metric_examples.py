"""The worked examples of the metrics specification, played on a center with real clients.

The tables of times of sections 6.1 and 6.2 are what customers, agents and phones do on the virtual
clock; what the metric operations then answer are the numbers of metrics-examples.json, which lies
beside the repository.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from acceptance.center import PASSWORD
from acceptance.conftest import Server
from acceptance.ledger import NONE, action, flow
from acceptance.test_transfers import Desk

SPEC = Path(__file__).resolve().parents[2].parent / "shared" / "spec"
EXAMPLES = json.loads((SPEC / "metrics-examples.json").read_text(encoding="utf-8"))

CHOOSES = {"Text": "1 or 2?", "StoreInput": "False", "InputTimeLimitSeconds": "170"}
TIMES_OUT = "NoMatchingCondition NoMatchingError InputTimeLimitExceeded"
FULL = f"{NONE} QueueAtCapacity"
CUSTOMERS = tuple(f"+1206555{number:04}" for number in range(9000, 9010))


def at(text: str) -> float:
    """hh:mm or hh:mm:ss of the day of the examples, in epoch seconds."""
    whole = text if text.count(":") == 2 else f"{text}:00"
    return datetime.fromisoformat(f"2024-03-05T{whole}").replace(tzinfo=UTC).timestamp()


def close(value: float | None) -> Any:
    """A value of the examples, as near as the specification asks."""
    return None if value is None else pytest.approx(value, abs=1e-4)


class Example:
    """Queues S and P; customers press 1 for S and 2 for P, whenever the table says."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pass_until("09:30")
        self.connect = connect = server.client()
        self.instance = connect.create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias="examples",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
        )["Id"]
        self.at = {"InstanceId": self.instance}
        hours = connect.list_hours_of_operations(**self.at)["HoursOfOperationSummaryList"][0]["Id"]
        [number] = connect.list_phone_numbers_v2(**self.at)["ListPhoneNumbersSummaryList"]
        self.queues = {
            name: connect.create_queue(
                **self.at,
                Name=name,
                HoursOfOperationId=hours,
                OutboundCallerConfig={"OutboundCallerIdNumberId": number["PhoneNumberId"]},
            )["QueueId"]
            for name in ("S", "P")
        }
        self.names = {queue: name for name, queue in self.queues.items()}
        self.desks: dict[str, Desk] = {}
        self.users: dict[str, str] = {}
        self.profiles: dict[str, str] = {}
        self.contacts: dict[str, str] = {}
        self.phones = iter(CUSTOMERS)
        self.waits = self.made("waits", self.waiting_flow(), "CUSTOMER_QUEUE")
        self.inbound = self.made("inbound", self.inbound_flow())

    # Furniture

    def made(self, name: str, content: str, type_: str = "CONTACT_FLOW") -> str:
        try:
            return self.connect.create_contact_flow(
                **self.at, Name=name, Type=type_, Content=content
            )["ContactFlowId"]
        except self.connect.exceptions.InvalidContactFlowException as refused:
            pytest.fail(f"{name}: {refused.response['problems']}")

    def waiting_flow(self) -> str:
        """Who waits presses 1 to be moved to P, 2 to be called back in 30 s."""
        later = {
            "InitialCallDelaySeconds": "30",
            "MaximumConnectionAttempts": "1",
            "RetryDelaySeconds": "60",
        }
        moves = {"QueueId": self.queues["P"]}
        return flow(
            action(
                "ask", "GetParticipantInput", CHOOSES, "ask", TIMES_OUT, "ask", p1="p", p2="call"
            ),
            action("p", "DequeueContactAndTransferToQueue", moves, "ask", FULL),
            action("call", "CreateCallbackContact", later, "bye", NONE),
        )

    def inbound_flow(self) -> str:
        waits = {"EventHooks": {"CustomerQueue": self.waits}}
        s, p = ({"QueueId": self.queues[name]} for name in ("S", "P"))
        return flow(
            action("hook", "UpdateContactEventHooks", waits, "ask", NONE),
            action("ask", "GetParticipantInput", CHOOSES, "ask", TIMES_OUT, "ask", p1="s", p2="p"),
            action("s", "UpdateContactTargetQueue", s, "wait", NONE),
            action("p", "UpdateContactTargetQueue", p, "wait", NONE),
            action("wait", "TransferContactToQueue", {}, "bye", FULL),
        )

    def staff(self, name: str, channel: str, slots: int, *queues: str) -> None:
        """An agent with a routing profile of his own, at his desk, Offline."""
        profile = self.connect.create_routing_profile(
            **self.at,
            Name=name,
            Description="his own",
            DefaultOutboundQueueId=self.queues["P"],
            MediaConcurrencies=[{"Channel": channel, "Concurrency": slots}],
            QueueConfigs=[
                {
                    "QueueReference": {"QueueId": self.queues[queue], "Channel": channel},
                    "Priority": 1,
                    "Delay": 0,
                }
                for queue in queues
            ],
        )["RoutingProfileId"]
        rights = {
            each["Name"]: each["Id"]
            for each in self.connect.list_security_profiles(**self.at)["SecurityProfileSummaryList"]
        }
        self.users[name] = self.connect.create_user(
            **self.at,
            Username=name,
            Password=PASSWORD,
            IdentityInfo={"FirstName": name, "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
            SecurityProfileIds=[rights["Agent"], rights["CallCenterManager"]],
            RoutingProfileId=profile,
        )["UserId"]
        self.profiles[name] = profile
        self.desks[name] = Desk(self, name)  # type: ignore[arg-type]  # all that it needs

    # What happens

    def pass_until(self, text: str) -> None:
        self.server.sandbox("POST", "clock", {"set": at(text)})

    def calls(self, name: str) -> None:
        self.contacts[name] = self.server.sandbox(
            "POST",
            f"phones/{next(self.phones)}/call",
            {"InstanceId": self.instance, "ContactFlowId": self.inbound},
        )["ContactId"]

    def presses(self, name: str, key: str) -> None:
        self.server.sandbox("POST", f"contacts/{self.contacts[name]}/press", {"digits": key})

    def hangs_up(self, name: str) -> None:
        self.server.sandbox("POST", f"contacts/{self.contacts[name]}/hangup", {})

    def chooses(self, agent: str, status: str = "Available") -> None:
        self.desks[agent].choose(status)

    def accepts(self, agent: str, name: str) -> None:
        """What rings at the agent; from now on it is known by this name."""
        [rings] = [
            each["contactId"]
            for each in self.desks[agent].look()["contacts"]
            if each["state"]["type"] in ("connecting", "incoming")
        ]
        assert self.contacts.setdefault(name, rings) == rings
        self.desks[agent].do("AcceptContact", contactId=rings)

    def holds(self, agent: str, name: str, verb: str = "Hold") -> None:
        leg = self.customers_leg(agent, name)
        contact = self.contacts[name]
        self.desks[agent].do(f"{verb}Connection", contactId=contact, connectionId=leg)

    def customers_leg(self, agent: str, name: str) -> str:
        [held] = [
            each
            for each in self.desks[agent].look()["contacts"]
            if each["contactId"] == self.contacts[name]
        ]
        return next(
            each["connectionId"]
            for each in held["connections"]
            if not each["connectionId"].endswith("/agent")
        )

    def leaves(self, agent: str, name: str) -> None:
        contact = self.contacts[name]
        [held] = [
            each for each in self.desks[agent].look()["contacts"] if each["contactId"] == contact
        ]
        [mine] = [each for each in held["connections"] if each["type"] == "agent"]
        self.desks[agent].do(
            "DestroyConnection", contactId=contact, connectionId=mine["connectionId"]
        )

    def clears(self, agent: str, name: str) -> None:
        self.desks[agent].do("ClearContact", contactId=self.contacts[name])

    def plays(self, *lines: tuple[str, Callable[..., Any], *tuple[str, ...]]) -> None:
        for text, deed, *words in lines:
            self.pass_until(text)
            deed(*words)
            self.server.sandbox("POST", "clock", {"advance": 0})

    # What is asked

    def row(self, dimensions: dict[str, Any]) -> str:
        queue = dimensions.get("Queue", {}).get("Id", dimensions.get("QUEUE"))
        words = [self.names.get(queue), dimensions.get("Channel"), dimensions.get("AGENT")]
        return "/".join(each for each in words if each) or "ALL"

    def historical(
        self, start: str, end: str, labels: Any, groupings: list[str], channels: list[str]
    ) -> dict[str, dict[str, float | None]]:
        """By row, the value of each label: CONTACTS_QUEUED, SERVICE_LEVEL<15 ..."""
        metrics = []
        for label in labels:
            name, _, seconds = label.partition("<")
            metrics.append({"Name": name})
            if seconds:
                metrics[-1]["Threshold"] = {"Comparison": "LT", "ThresholdValue": int(seconds)}
        found = self.connect.get_metric_data(
            **self.at,
            StartTime=at(start),
            EndTime=at(end),
            Filters={"Queues": list(self.queues.values()), "Channels": channels},
            Groupings=groupings,
            HistoricalMetrics=metrics,
        )
        rows: dict[str, dict[str, float | None]] = {}
        for each in found["MetricResults"]:
            values = {}
            for one in each["Collections"]:
                threshold = one["Metric"].get("Threshold", {}).get("ThresholdValue")
                name = one["Metric"]["Name"]
                values[name if threshold is None else f"{name}<{threshold:.0f}"] = one["Value"]
            rows[self.row(each.get("Dimensions", {}))] = {
                label: values.pop(label, None) for label in labels
            }
            assert not values
        return rows

    def newer(
        self,
        start: str,
        end: str,
        labels: Any,
        groupings: list[str],
        chosen: dict[str, Any] | None = None,
    ) -> dict[str, dict[str, float | None]]:
        """The same of GetMetricDataV2; a label may end with its threshold: LTE 30."""
        metrics = []
        for label in labels:
            name, *threshold = label.split()
            metrics.append({"Name": name})
            if threshold:
                [comparison, seconds] = threshold
                limit = {"Comparison": comparison, "ThresholdValue": int(seconds)}
                metrics[-1]["Threshold"] = [limit]
        arn = self.connect.describe_instance(**self.at)["Instance"]["Arn"]
        everything = {"FilterKey": "QUEUE", "FilterValues": list(self.queues.values())}
        found = self.connect.get_metric_data_v2(
            ResourceArn=arn,
            StartTime=at(start),
            EndTime=at(end),
            Filters=[chosen or everything],
            Groupings=groupings,
            Metrics=metrics,
        )
        return {
            self.row(each.get("Dimensions", {})): {
                label: one.get("Value")
                for label, one in zip(labels, each["Collections"], strict=True)
            }
            for each in found["MetricResults"]
        }

    def current(self, labels: Any, groupings: list[str]) -> dict[str, dict[str, float]]:
        found = self.connect.get_current_metric_data(
            **self.at,
            Filters={"Queues": list(self.queues.values()), "Channels": ["VOICE"]},
            Groupings=groupings,
            CurrentMetrics=[{"Name": label} for label in labels],
        )
        return {
            self.row(each.get("Dimensions", {})): {
                one["Metric"]["Name"]: one["Value"] for one in each["Collections"]
            }
            for each in found["MetricResults"]
        }

    def stands(self, text: str) -> None:
        """The real-time metrics of this moment are those of the example."""
        for row, expected in EXAMPLES["example1"]["realtime"][text].items():
            groupings = [] if row == "ungrouped" else ["QUEUE"]
            found = self.current(expected, groupings)["ALL" if row == "ungrouped" else row]
            assert found == expected, (text, row)

    def position(self, name: str) -> float | str:
        """In its queue; or the error that is the answer."""
        try:
            found = self.connect.get_contact_metrics(
                **self.at, ContactId=self.contacts[name], Metrics=[{"Name": "POSITION_IN_QUEUE"}]
            )
        except self.connect.exceptions.InvalidRequestException:
            return "InvalidRequestException"
        return found["MetricResults"][0]["Value"]["Number"]

    def is_at(self, name: str, expected: Any) -> None:
        assert self.position(name) == expected, name


@pytest.fixture(scope="module")
def played():
    """Both examples, one after the other, on one center."""
    server = Server("--memory", "--sandbox", "--clock", "virtual")
    try:
        yield Example(server)
    finally:
        server.kill()


def made_by(example: Example, name: str, before: str) -> None:
    """The contact that another one has gone over into has a name from now on."""
    tree = example.connect.list_associated_contacts(
        **example.at, ContactId=example.contacts[before]
    )["ContactSummaryList"]
    [example.contacts[name]] = [
        each["ContactId"]
        for each in tree
        if each.get("PreviousContactId") == example.contacts[before]
    ]


@pytest.fixture(scope="module")
def one(played):
    """Section 6.1."""
    my = played
    my.staff("Ann", "VOICE", 1, "S", "P")
    my.staff("Bob", "VOICE", 1, "P")

    def slow(number: str) -> None:
        phone = {"behaviour": "answer", "answer_after": 15}
        my.server.sandbox("PUT", f"phones/{number}", phone)

    def dials(agent: str, name: str) -> None:
        number = next(my.phones)
        slow(number)
        dialled = {"type": "phone_number", "phoneNumber": number}
        my.desks[agent].do("CreateOutboundContact", endpoint=dialled)
        [my.contacts[name]] = [each["contactId"] for each in my.desks[agent].look()["contacts"]]

    my.plays(
        ("09:55", my.chooses, "Ann"),
        ("09:58", my.chooses, "Bob"),
        ("10:00", my.calls, "C1"),
        ("10:00:20", my.presses, "C1", "1"),
        ("10:00:32", my.accepts, "Ann", "C1"),
        ("10:01:00", my.calls, "C2"),
        ("10:01:10", my.presses, "C2", "1"),
        ("10:01:30", my.stands, "10:01:30"),
        ("10:01:30", my.is_at, "C2", 1.0),
        ("10:01:55", my.hangs_up, "C2"),
        ("10:02:00", my.calls, "C3a"),
        ("10:02:00", my.is_at, "C1", "InvalidRequestException"),
        ("10:02:05", my.presses, "C3a", "1"),
        ("10:02:30", my.is_at, "C3a", 1.0),
        ("10:02:32", my.holds, "Ann", "C1"),
        ("10:03:02", my.holds, "Ann", "C1", "Resume"),
        ("10:03:05", my.presses, "C3a", "1"),
        ("10:03:20", my.stands, "10:03:20"),
        ("10:03:30", my.stands, "10:03:30"),
        ("10:03:35", my.chooses, "Bob"),
        ("10:03:40", my.accepts, "Bob", "C3b"),
        ("10:04:00", slow, CUSTOMERS[3]),
        ("10:04:00", my.calls, "C4a"),
        ("10:04:10", my.presses, "C4a", "2"),
        ("10:05:10", my.presses, "C4a", "2"),
        ("10:05:20", my.stands, "10:05:20"),
        ("10:05:20", made_by, my, "C4b", "C4a"),
        ("10:05:20", my.is_at, "C4b", "InvalidRequestException"),
        ("10:05:32", my.hangs_up, "C1"),
        ("10:05:50", my.stands, "10:05:50"),
        ("10:05:50", my.is_at, "C4b", 1.0),
        ("10:06:02", my.clears, "Ann", "C1"),
        ("10:06:10", my.accepts, "Ann", "C4b"),
        ("10:07:40", my.leaves, "Bob", "C3b"),
        ("10:08:00", my.clears, "Bob", "C3b"),
        ("10:08:25", my.hangs_up, "C4b"),
        ("10:08:40", my.clears, "Ann", "C4b"),
        ("10:09:00", dials, "Bob", "C5"),
        ("10:10:45", my.hangs_up, "C5"),
        ("10:10:55", my.clears, "Bob", "C5"),
        ("10:15:00", my.chooses, "Ann", "Offline"),
        ("10:15:00", my.chooses, "Bob", "Offline"),
    )
    return my


@pytest.mark.slow
@pytest.mark.parametrize("row", ["S", "P", "ALL"])
def test_the_first_example(one, row):
    expected = EXAMPLES["example1"]["expected"][row]
    groupings = [] if row == "ALL" else ["QUEUE"]
    found = one.historical("10:00", "10:15", expected, groupings, ["VOICE"])[row]
    assert found == {label: close(value) for label, value in expected.items()}


@pytest.mark.slow
def test_the_first_five_minutes(one):
    """P has a row only for what it has: an offer that was missed, and agents."""
    expected = EXAMPLES["example1"]["expected"]["first5"]
    found = one.historical("10:00", "10:05", expected["S"], ["QUEUE"], ["VOICE"])
    assert found == {
        row: {label: close(value) for label, value in values.items()}
        for row, values in expected.items()
    }
    for labels, rows in (
        (["CONTACTS_QUEUED"], {"S"}),
        (["CONTACTS_QUEUED", "CONTACTS_MISSED"], {"S", "P"}),
        (["CONTACTS_QUEUED", "OCCUPANCY"], {"S", "P"}),
    ):
        assert set(one.historical("10:00", "10:05", labels, ["QUEUE"], ["VOICE"])) == rows


QUEUED, ANSWERED, REMOVED = (
    "CONTACTS_QUEUED_BY_ENQUEUE",
    "SUM_CONTACTS_ANSWERED_IN_X",
    "CONTACTS_REMOVED_FROM_QUEUE_IN_X",
)
BY_QUEUE = {
    "ABANDONMENT_RATE": (100 / 3, 0),
    "CONTACTS_CREATED": (3, 4),
    f"{ANSWERED} LT 45": (1, 2),
    f"{ANSWERED} LTE 30": (1, 1),
    f"{REMOVED} LTE 60": (3, 3),
    "AVG_HOLD_TIME_ALL_CONTACTS": (30, 0),
}
"""Of section 6.1: in S and in P."""


@pytest.mark.slow
def test_the_first_example_in_the_newer_operation(one):
    assert one.newer("10:00", "10:15", BY_QUEUE, ["QUEUE"]) == {
        row: {label: close(values[number]) for label, values in BY_QUEUE.items()}
        for number, row in enumerate(("S", "P"))
    }
    early = one.newer("10:00", "10:05", [QUEUED], ["QUEUE"])
    assert early == {"S": {QUEUED: 3}, "P": {QUEUED: 2}}


@pytest.mark.slow
def test_the_agents_of_the_first_example(one):
    ann, bob = (one.users[name] for name in ("Ann", "Bob"))
    of_agents = {"FilterKey": "ROUTING_PROFILE", "FilterValues": list(one.profiles.values())}
    labels = ["AGENT_OCCUPANCY", "AGENT_NON_RESPONSE", "AGENT_ANSWER_RATE"]
    assert one.newer("10:00", "10:15", labels, ["AGENT"], of_agents) == {
        ann: dict(zip(labels, (close(0.533333), 0, 100), strict=True)),
        bob: dict(zip(labels, (close(0.416667), 1, 50), strict=True)),
    }


# Section 6.2


@pytest.fixture(scope="module")
def two(one):
    """On the same center, an hour later; the transfer flow takes 10 s, as in the table."""
    my = one
    my.pass_until("10:55")
    waits = {**CHOOSES, "InputTimeLimitSeconds": "10"}
    to_p = my.made(
        "to P",
        flow(
            action("ask", "GetParticipantInput", waits, "p", TIMES_OUT, "p", p1="p"),
            action("p", "UpdateContactTargetQueue", {"QueueId": my.queues["P"]}, "wait", NONE),
            action("wait", "TransferContactToQueue", {}, "bye", FULL),
        ),
        "QUEUE_TRANSFER",
    )
    quick_connect = my.connect.create_quick_connect(
        **my.at,
        Name="P",
        QuickConnectConfig={
            "QuickConnectType": "QUEUE",
            "QueueConfig": {"QueueId": my.queues["P"], "ContactFlowId": to_p},
        },
    )["QuickConnectId"]
    my.connect.associate_queue_quick_connects(
        **my.at, QueueId=my.queues["S"], QuickConnectIds=[quick_connect]
    )
    for agent, channel, slots, queue in (
        ("Anna", "VOICE", 1, "S"),
        ("Bobby", "VOICE", 1, "P"),
        ("Cid", "VOICE", 1, "P"),
        ("Dee", "CHAT", 3, "S"),
    ):
        my.staff(agent, channel, slots, queue)
    chatting = my.server.client("connectparticipant")
    customers: dict[str, str] = {}

    later = my.made(
        "chats",
        flow(
            action("wait", "Wait", {"TimeLimitSeconds": "5"}, "s", NONE, "s", WaitCompleted="s"),
            action("s", "UpdateContactTargetQueue", {"QueueId": my.queues["S"]}, "queue", NONE),
            action("queue", "TransferContactToQueue", {}, "bye", FULL),
        ),
    )

    def chats(name: str) -> None:
        begun = my.connect.start_chat_contact(
            **my.at, ContactFlowId=later, ParticipantDetails={"DisplayName": name}
        )
        my.contacts[name] = begun["ContactId"]
        customers[name] = chatting.create_participant_connection(
            ParticipantToken=begun["ParticipantToken"],
            Type=["CONNECTION_CREDENTIALS"],
            ConnectParticipant=True,
        )["ConnectionCredentials"]["ConnectionToken"]

    def transfers(agent: str, name: str) -> None:
        queue = f"{my.queues['S']}"
        arn = my.connect.describe_queue(**my.at, QueueId=queue)["Queue"]["QueueArn"]
        [endpoint] = my.desks[agent].do("GetEndpoints", queueARNs=[arn])["endpoints"]
        contact = my.contacts[name]
        my.desks[agent].do("CreateAdditionalConnection", contactId=contact, endpoint=endpoint)

    def rejects(agent: str, name: str) -> None:
        made_by(my, name, "D1a")
        my.desks[agent].do("RejectContact", contactId=my.contacts[name])

    def customer_of(name: str, before: str) -> None:
        """The customer, whose phone is known by his first contact."""
        assert name != before
        my.hangs_up(before)

    my.plays(
        ("10:59:50", my.calls, "D1a"),
        ("10:59:55", my.chooses, "Anna"),
        ("10:59:56", my.chooses, "Bobby"),
        ("10:59:57", my.chooses, "Cid"),
        ("11:00:00", my.chooses, "Dee"),
        ("11:00:00", my.presses, "D1a", "1"),
        ("11:00:05", my.accepts, "Anna", "D1a"),
        ("11:00:55", chats, "D2"),
        ("11:01:04", my.accepts, "Dee", "D2"),
        ("11:02:05", transfers, "Anna", "D1a"),
        ("11:02:15", my.leaves, "Anna", "D1a"),
        ("11:02:20", rejects, "Bobby", "D1b"),
        ("11:02:30", my.accepts, "Cid", "D1b"),
        ("11:02:35", my.clears, "Anna", "D1a"),
        ("11:02:55", chats, "D3"),
        ("11:03:00", my.chooses, "Bobby"),
        ("11:03:10", my.accepts, "Dee", "D3"),
        ("11:03:50", my.calls, "D4"),
        ("11:04:00", my.presses, "D4", "2"),
        ("11:04:12", my.hangs_up, "D4"),
        ("11:05:00", my.holds, "Cid", "D1b"),
        ("11:05:30", customer_of, "D1b", "D1a"),
        ("11:06:10", my.clears, "Cid", "D1b"),
        ("11:08:10", lambda: chatting.disconnect_participant(ConnectionToken=customers["D3"])),
        ("11:09:10", my.clears, "Dee", "D3"),
        ("11:11:04", my.leaves, "Dee", "D2"),
        ("11:11:04", my.clears, "Dee", "D2"),
        ("11:15:00", my.chooses, "Dee", "Offline"),
    )
    return my


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "groupings"),
    [
        ("S/VOICE", ["QUEUE", "CHANNEL"]),
        ("S/CHAT", ["CHANNEL", "QUEUE"]),
        ("P/VOICE", ["QUEUE", "CHANNEL"]),
        ("ALL", []),
    ],
)
def test_the_second_example(two, row, groupings):
    expected = EXAMPLES["example2"]["expected"][row]
    found = two.historical("11:00", "11:15", expected, groupings, ["VOICE", "CHAT"])
    assert found[row] == {label: close(value) for label, value in expected.items()}


@pytest.mark.slow
def test_the_agents_of_the_second_example(two):
    expected = EXAMPLES["example2"]["expected"]["occDee"]
    missed, rejected = "AGENT_NON_RESPONSE", "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS"
    of_agents = {"FilterKey": "AGENT", "FilterValues": list(two.users.values())}
    labels = ["AGENT_OCCUPANCY", "SUM_CONTACT_TIME_AGENT", "SUM_IDLE_TIME_AGENT", missed, rejected]
    found = two.newer("11:00", "11:15", labels, ["AGENT"], of_agents)
    dee, bobby = (found[two.users[name]] for name in ("Dee", "Bobby"))
    share = close(expected["pct"] / 100)
    assert [dee[label] for label in labels[:3]] == [share, expected["contact"], expected["idle"]]
    assert [bobby[label] for label in (missed, rejected)] == [2, 1]
