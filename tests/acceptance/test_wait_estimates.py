"""Estimates of waits with boto3: told anew at each ask, less only with a reason, in flows too."""

import json
import re
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from msgspec.structs import replace

from acceptance.center import PASSWORD, FirstCenter
from acceptance.conftest import KEY, REGION, SECRET
from acceptance.ledger import NONE, action, flow
from acceptance.test_metric_data import explained
from ringfloor.client import Connect
from ringfloor.domain.logged import MOMENTS
from wait_builders import a_log

WAIT = "ESTIMATED_WAIT_TIME"
BOTH = [{"Name": "POSITION_IN_QUEUE"}, {"Name": WAIT}]
ASKS = {"QueueChannel": "Voice"}
FULL = "QueueAtCapacity NoMatchingError"


class Center(FirstCenter):
    """Two agents, and customers who are told their wait before the queue and every 30 s in it."""

    def __init__(self, server):
        super().__init__(server)
        self.at = {"InstanceId": self.instance}
        security = self.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")
        self.bob = self.connect.create_user(
            **self.at,
            Username="bob",
            IdentityInfo={"FirstName": "Bob", "LastName": "Agent"},
            Password=PASSWORD,
            PhoneConfig={"PhoneType": "SOFT_PHONE"},
            SecurityProfileIds=[security["Id"]],
            RoutingProfileId=self.profile,
        )["UserId"]
        waits = self._made("waits", self._waiting(), "CUSTOMER_QUEUE")
        self.inbound = self._made("inbound", self._inbound(waits))
        self.calls = []

    def _made(self, name, content, type_="CONTACT_FLOW"):
        return self.connect.create_contact_flow(**self.at, Name=name, Type=type_, Content=content)[
            "ContactFlowId"
        ]

    def _inbound(self, waits):
        metrics = {**ASKS, "QueueId": self.queue_arn}
        return flow(
            action(
                "hook",
                "UpdateContactEventHooks",
                {"EventHooks": {"CustomerQueue": waits}},
                "q",
                NONE,
            ),
            action("q", "UpdateContactTargetQueue", {"QueueId": self.queue_arn}, "ask", NONE),
            action("ask", "GetMetricData", metrics, "say", NONE),
            action(
                "say",
                "MessageParticipant",
                {"Text": "Queue $.Metrics.Queue.EstimatedWaitTime"},
                "in",
            ),
            action("in", "TransferContactToQueue", {}, "bye", FULL),
        )

    def _waiting(self):
        place = "Number $.Metrics.Contact.PositionInQueue: $.Metrics.Contact.EstimatedWaitTime"
        music = {"Messages": [{"Text": "la"}], "InterruptFrequencySeconds": "30"}
        return flow(
            action("ask", "GetMetricData", {}, "say", NONE),
            action("say", "MessageParticipant", {"Text": place}, "music"),
            action("music", "MessageParticipantIteratively", music, MessagesInterrupted="ask"),
        )

    def status(self, agent, name):
        found = self.found("list_agent_statuses", "AgentStatusSummaryList", name)
        self.connect.put_user_status(**self.at, UserId=agent, AgentStatusId=found["Id"])

    def call(self):
        body = {"InstanceId": self.instance, "ContactFlowId": self.inbound}
        number = f"+1206555{len(self.calls):04}"
        made = self.server.sandbox("POST", f"phones/{number}/call", body)["ContactId"]
        self.calls.append(made)
        self.advance(1)
        return made

    def hang_up(self):
        """All callers do."""
        for contact in self.calls:
            self.server.sandbox("POST", f"contacts/{contact}/hangup", {})

    def heard(self, contact):
        told = self.server.sandbox("GET", f"contacts/{contact}/heard")["heard"]
        return [each["value"] for each in told if each["kind"] == "text" and each["value"] != "la"]

    def act_of(self, agent, deed):
        self.server.sandbox("POST", f"agents/{agent}/{deed}", {})

    def talks(self, agent):
        """A caller rings at the agent, who takes the call."""
        self.status(agent, "Available")
        contact = self.call()
        self.act_of(agent, "accept")
        return contact

    def told(self, contact):
        """The wait that GetContactMetrics tells, and why."""
        why, answer = explained(
            self.connect, "get_contact_metrics", **self.at, ContactId=contact, Metrics=BOTH
        )
        values = {each["Name"]: each["Value"]["Number"] for each in answer["MetricResults"]}
        return values.get(WAIT), why


def signed_in(server, monkeypatch):
    monkeypatch.setenv("RINGFLOOR_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("RINGFLOOR_SECRET_ACCESS_KEY", SECRET)
    return Connect(server.address, REGION)


@pytest.fixture
def center(fresh):
    return Center(fresh)


def test_waits_are_told_anew_and_less_only_with_a_reason(center):
    first = center.call()
    assert center.told(first) == (None, "nothing is known: no agent is there for this line")
    assert center.heard(first) == ["Queue ", "Number 1: "]
    center.status(center.agent, "Available")
    assert center.told(first)[0] == 0, "it rings"
    center.act("accept")
    second, third = center.call(), center.call()
    center.connect.get_contact_metrics(**center.at, ContactId=second, Metrics=BOTH[:1])
    (one, why), (two, _) = center.told(second), center.told(third)
    assert why.endswith(" s, 2 s ago"), "by its flow; a place is no wait"
    assert 0 < one < two
    assert two % 1 == 0, "whole seconds"
    center.advance(10)
    again, why = center.told(third)
    assert again >= two - 10
    assert re.match(
        r"by QLm; MEAN [\d.]+ s, P10 .*P50 .*P80 .*P90 .*; ahead 1\.0, agents 1; mu ", why
    )
    assert f"told {two:.0f} s, 10 s ago" in why
    center.status(center.bob, "Available")  # and the second rings at him
    less, why = center.told(third)
    assert less < again
    assert "agents were 1, now 2" in why
    [line] = [each for each in center.server.log().splitlines() if third in each]
    assert f"contact {third} is told a wait of {less:.0f} s, 0 s after one of {again:.0f} s" in line
    assert "agents were 1, now 2" in line


def test_flows_tell_the_wait_of_their_queue_and_of_the_contact(center):
    center.talks(center.agent)
    contact = center.call()
    in_flow, in_queue = center.heard(contact)
    before = int(in_flow.removeprefix("Queue "))
    at_first = int(in_queue.removeprefix("Number 1: "))
    assert 0 < at_first <= before + 1
    center.advance(31)
    *_, later = center.heard(contact)
    assert int(later.removeprefix("Number 1: ")) >= at_first - 31
    [row] = center.connect.get_current_metric_data(
        **center.at,
        Filters={"Queues": [center.queue], "Channels": ["VOICE"]},
        Groupings=["QUEUE", "CHANNEL"],
        CurrentMetrics=[{"Name": WAIT}],
    )["MetricResults"]
    assert row["Collections"][0]["Value"] >= before, "one more waits"


def test_reports_that_end_now_say_what_who_comes_now_is_told(center, monkeypatch):
    center.talks(center.agent)
    center.call()
    client = signed_in(center.server, monkeypatch)
    queues = [("Queue", center.queue)]
    [now] = client.report(center.instance, queues)["WaitsNow"]
    assert (now["QueueId"], now["Channel"]) == (center.queue, "VOICE")
    assert 0 < now["P50Seconds"] < now["P80Seconds"]
    center.advance(120)
    before = client.report(center.instance, [*queues, ("StartTime", "3h"), ("EndTime", "2m")])
    assert "WaitsNow" not in before
    center.status(center.agent, "Offline")
    center.hang_up()
    assert client.report(center.instance, queues)["WaitsNow"] == []


def test_after_kill_9_the_same_is_told(start, data):
    options = "--data", str(data), "--sandbox", "--clock", "virtual"
    server = start(*options)
    center = Center(server)
    center.talks(center.agent)
    contacts = [center.call() for _ in range(3)]
    told = [center.told(each)[0] for each in contacts]
    assert 0 < told[0] < told[1] < told[2]
    server.kill()
    center.connect = start(*options).client()
    assert [center.told(each)[0] for each in contacts] == told


# The model

OPTIONS = "--sandbox", "--clock", "virtual", "--train-waits", "24"
TRAINED = r"model of waits (\d+) of (\d+) waits uses (QLm|model); QLm errs by .* model errs by "


def with_a_past(server, monkeypatch, contacts):
    """A center whose queue and agent have had so many contacts, the last of them just now."""
    center = Center(server)
    log = a_log(3, contacts)
    late = int(center.now()) * 1_000 - max(each.over_at for each in log)
    past = [moved(center, each, late) for each in log]
    client = signed_in(server, monkeypatch)
    for place in range(0, len(past), 500):
        client.import_contacts(center.instance, past[place : place + 500])
    return center


def moved(center, contact, late):
    instants = {name: at + late for name in MOMENTS if (at := getattr(contact, name)) is not None}
    ours = {
        "id": f"past-{contact.id}",
        "queue": center.queue,
        "agent": contact.agent and center.agent,
    }
    return replace(contact, **instants, **ours)


def estimator(center, contact):
    return re.match(r"by (\w+)(?:, model (\d+))?;", center.told(contact)[1]).groups()


def waiting(center):
    """A contact that waits behind one who talks."""
    center.talks(center.agent)
    center.call()
    return center.call()


def trains(center, seconds):
    """Let time pass in which a model is trained, which takes its own."""
    url = f"{center.server.address}/_ringfloor/clock"
    body, kind = json.dumps({"advance": seconds}).encode(), {"content-type": "application/json"}
    with urlopen(Request(url, body, kind), timeout=280) as answer:
        assert json.loads(answer.read())["now"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_model_is_trained_on_the_past_survives_a_restart_and_is_refused_when_damaged(
    start, data, monkeypatch
):
    server = start("--data", str(data), *OPTIONS)
    center = with_a_past(server, monkeypatch, 900)
    trains(center, 3_601)
    [(version, waits, uses)] = re.findall(TRAINED, server.log())
    assert version == "1"
    assert int(waits) > 200
    contact = waiting(center)
    assert estimator(center, contact) == (uses, "1")
    told = center.told(contact)[0]
    server.stop()

    server = start("--data", str(data), *OPTIONS)
    center.server, center.connect = server, server.client()
    assert estimator(center, contact) == (uses, "1")
    assert center.told(contact)[0] == told
    [file] = Path(data, "wait-models").iterdir()
    server.stop()

    file.write_bytes(file.read_bytes()[:-99])
    server = start("--data", str(data), *OPTIONS)
    assert f"{file} is refused: " in server.log()
    center.server, center.connect = server, server.client()
    assert estimator(center, contact) == ("QLm", None)


def test_of_a_short_past_nothing_is_learnt_and_with_off_nothing_at_all(start, monkeypatch):
    server = start("--memory", *OPTIONS)
    with_a_past(server, monkeypatch, 60).advance(90_000)
    assert "a model of them is trained from 200 on" in server.log()
    server = start("--memory", *OPTIONS[:-1], "off")
    with_a_past(server, monkeypatch, 60).advance(90_000)
    assert "model" not in server.log()
