"""Contact events and contact records: what is told of the lives of calls, chats and tasks.

A life is a script of moments, `seconds words`; what is told of it is a line an event: when, whose,
its type, then what of its members differs from contact to contact. Lines that begin with a channel
are of that channel only. Sources: behaviour specification, sections 2.2, 2.4, 2.5 and 2.7.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from engine_builders import START, ProfileOf, a_center
from ringfloor.base.time import SECOND
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.events import Event
from ringfloor.engine import transfer
from ringfloor.engine.contact_events import contact_events, envelope
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.state import Center

CHANNELS = ("VOICE", "CHAT", "TASK")

WORDS = {
    "BEGINS": {"VOICE": "c1 call", "CHAT": "c1 starts-chat", "TASK": "c1 begins"},
    "CUSTOMER-LEAVES": {"VOICE": "c1 leaves", "CHAT": "c1 exits", "TASK": "c1 stopped"},
    "NEXT-LEAVES": {"VOICE": "c1 leaves", "CHAT": "c1 exits", "TASK": "t1 stopped"},
    "AGENT-ENDS": {"VOICE": "hangs-up", "CHAT": "hangs-up", "TASK": "finishes"},
}
"""What is said of each channel in its own words; a task has no customer who could leave it."""

TRANSFERS = {"USER": "AGENT_TRANSFER", "QUEUE": "QUEUE_TRANSFER"}


class Told:
    """A center of two agents, and what the streams are told of it."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        rows = ", ".join(f"{queue}/{each}" for queue in ("sales", "support") for each in CHANNELS)
        self.center = center = a_center(
            agents=2,
            queues=["sales", "support"],
            profiles={"all": ProfileOf(rows, chat=1, task=1)},
        )
        for alias, kind, target in (("to-a2", "USER", "a2"), ("to-support", "QUEUE", "support")):
            flow = center.center.named(
                "contact_flow", f"Default {TRANSFERS[kind].lower().replace('_', ' ')}"
            )
            config = {f"{kind.title()}Id": center.ids[target], "ContactFlowId": flow}
            member = {"QuickConnectType": kind, f"{kind.title()}Config": config}
            center.create("quick_connect", alias, {"Name": alias, "QuickConnectConfig": member})
        center.witness = self._witness
        self.details: list[dict[str, Any]] = []
        self.records: dict[str, dict[str, Any]] = {}

    def _witness(self, center: Center, event: Event) -> None:
        for told in contact_events(center, event):
            sent = envelope(center, told, "id", center.at)
            assert sent["resources"] == [center.home.contact_arn(told.contact_id), center.home.arn]
            self.details.append(sent["detail"])
        if isinstance(event, events.ContactCompleted):
            self.records[event.contact.id] = contact_record(center, event.contact)

    def live(self, script: str) -> None:
        for moment in script.strip().splitlines():
            seconds, _, words = moment.strip().partition(" ")
            self.center.pass_time(START + int(seconds) * SECOND - self.center.at)
            for word, meant in WORDS.items():
                words = words.replace(word, meant[self.channel])
            if words.startswith("a1 hands-on"):
                self._hand_on(words.split()[-1])
            elif words != "-":
                self.center._play(words, {})
            self._hear_out()
            self._name_successors()

    def _hand_on(self, quick_connect: str) -> None:
        """By the quick connect: a call, when its agent then leaves; others at once."""
        agent, chosen = self.center.ids["a1"], self.center.ids[quick_connect]
        contact = self.center.ids["c1"]
        if self.channel == "VOICE":
            add = commands.AddParty(agent_id=agent, contact_id=contact, quick_connect_id=chosen)
            self.center.run(add)
            self._hear_out()
            self.center.run(commands.LeaveContact(agent, contact))
        elif self.channel == "CHAT":
            self.center.run(commands.TransferChat(agent, contact, chosen))
        else:
            way = transfer.way_of(
                self.center.center,
                self.center.center.resources["quick_connect"][chosen].properties[
                    "QuickConnectConfig"
                ],
            )
            self.center.run(
                commands.TransferTask(
                    contact_id=contact,
                    flow_id=way.flow_id,
                    target_id=way.target,
                    quick_connect_id=chosen,
                )
            )

    def _hear_out(self) -> None:
        """What transfer flows say is heard."""
        for contact in list(self.center.center.contacts.values()):
            run = contact.runs.get("customer")
            transfers = run is not None and run.flow_type in TRANSFERS.values()
            if run is not None and transfers and isinstance(run.ask, dialogue.Play):
                self.center.run(commands.Hear(contact.id, run.number, dialogue.Done()))

    def _name_successors(self) -> None:
        """t1 came from c1, t2 from t1."""
        for detail in self.details:
            before = self.center.aliases.get(detail.get("previousContactId", ""))
            if before is not None and detail["contactId"] not in self.center.aliases:
                number = int(before[1:]) + (before[0] == "t")
                self.center.name(f"t{number}", detail["contactId"])

    def seconds(self, iso: str | None) -> str:
        """Of a timestamp of this one hour: since the start."""
        assert iso is not None
        minutes, seconds = iso.rstrip("Z").split(":")[1:]
        return str(round((int(minutes) * 60 + float(seconds) - START // SECOND) % 3600))

    def events(self) -> list[str]:
        """One contact after the other; the bus promises no order between them."""
        lines = [self._event(detail) for detail in self.details]
        return sorted(lines, key=lambda line: line.partition(" ")[0])

    def _event(self, detail: Mapping[str, Any]) -> str:
        words = [self.center.alias(detail["contactId"]), detail["eventType"]]
        if detail["eventType"] == "INITIATED":
            words.append(detail["initiationMethod"])
        queue, agent = detail.get("queueInfo", {}), detail.get("agentInfo", {})
        words += self._span("queue", queue, "enqueue", "dequeue")
        words += self._span("agent", agent, "acceptedByAgent", "connectedToAgent")
        words += self._span("work", agent, "afterContactWorkStart", "afterContactWorkEnd")
        if agent.get("afterContactWorkEndTimestamp"):
            words.append(f"{agent['afterContactWorkDuration']} s")
        return " ".join([*words, detail.get("disconnectReason", "")]).strip()

    def record(self, alias: str) -> str:
        record = self.records[self.center.ids[alias]]
        queue, agent = record["Queue"] or {}, record["Agent"] or {}
        words = [f"{record['AgentConnectionAttempts']} offers"]
        words += self._span("queue", queue, "Enqueue", "Dequeue")
        words += [f"{queue['Duration']} s"] if queue else []
        words += [agent["Username"]] if agent else []
        words += self._span("agent", agent, "AcceptedByAgent", "ConnectedToAgent")
        words += [f"{agent['AgentInteractionDuration']} s"] if agent else []
        words += self._span("work", agent, "AfterContactWorkStart", "AfterContactWorkEnd")
        for name in ("PreviousContactId", "NextContactId"):
            words += [f"{name[:4]} {self.center.alias(record[name])}"] if record[name] else []
        moved = record["TransferCompletedTimestamp"]
        words += [f"moved {self.seconds(moved)}"] if moved else []
        return " ".join([*words, record["DisconnectReason"]])

    def _span(self, word: str, info: Mapping[str, Any], begin: str, end: str) -> list[str]:
        """From when to when, if it has begun."""
        first, last = (info.get(f"{each}Timestamp") for each in (begin, end))
        return (
            [f"{word} {self.seconds(first)}-{self.seconds(last) if last else ''}"] if first else []
        )


LIVES = {
    "answered, and the agent ends": (
        """
        1 BEGINS sales
        3 a1 status Available
        5 a1 accepts c1
        9 a1 AGENT-ENDS c1
        12 a1 clears c1
        """,
        """
        c1 INITIATED BEGUN
        ~ c1 CONNECTED_TO_SYSTEM
        c1 QUEUED queue 1-
        c1 CONNECTED_TO_AGENT queue 1-5 agent 5-5
        c1 DISCONNECTED queue 1-5 agent 5-5 work 9- AGENT
        c1 COMPLETED queue 1-5 agent 5-5 work 9-12 3 s AGENT
        """,
        {"c1": "1 offers queue 1-5 4 s a1 agent 5-5 4 s work 9-12 AGENT"},
    ),
    "answered, and the customer ends": (
        """
        1 BEGINS sales
        3 a1 status Available
        5 a1 accepts c1
        9 CUSTOMER-LEAVES
        12 a1 clears c1
        """,
        """
        c1 INITIATED BEGUN
        ~ c1 CONNECTED_TO_SYSTEM
        c1 QUEUED queue 1-
        c1 CONNECTED_TO_AGENT queue 1-5 agent 5-5
        c1 DISCONNECTED queue 1-5 agent 5-5 work 9- CUSTOMER
        c1 COMPLETED queue 1-5 agent 5-5 work 9-12 3 s CUSTOMER
        """,
        {"c1": "1 offers queue 1-5 4 s a1 agent 5-5 4 s work 9-12 CUSTOMER"},
    ),
    "abandoned in queue": (
        """
        1 BEGINS sales
        7 CUSTOMER-LEAVES
        """,
        """
        c1 INITIATED BEGUN
        ~ c1 CONNECTED_TO_SYSTEM
        c1 QUEUED queue 1-
        c1 DISCONNECTED queue 1-7 CUSTOMER
        c1 COMPLETED queue 1-7 CUSTOMER
        """,
        {"c1": "0 offers queue 1-7 6 s CUSTOMER"},
    ),
    "missed, then answered": (
        """
        1 BEGINS sales
        2 a1 status Available
        5 a2 status Available
        25 a2 accepts c1
        30 c1 stopped
        31 a2 clears c1
        """,
        """
        c1 INITIATED BEGUN
        ~ c1 CONNECTED_TO_SYSTEM
        c1 QUEUED queue 1-
        c1 CONNECTED_TO_AGENT queue 1-25 agent 25-25
        c1 DISCONNECTED queue 1-25 agent 25-25 work 30- STOPPED
        c1 COMPLETED queue 1-25 agent 25-25 work 30-31 1 s STOPPED
        """,
        {"c1": "2 offers queue 1-25 24 s a2 agent 25-25 5 s work 30-31 STOPPED"},
    ),
    "handed on to a queue": (
        """
        1 BEGINS sales
        2 a1 status Available
        4 a1 accepts c1
        8 a1 hands-on to-support
        9 a1 clears c1
        11 NEXT-LEAVES
        """,
        """
        c1 INITIATED BEGUN
        ~ c1 CONNECTED_TO_SYSTEM
        c1 QUEUED queue 1-
        c1 CONNECTED_TO_AGENT queue 1-4 agent 4-4
        c1 DISCONNECTED queue 1-4 agent 4-4 work 8- AWAY
        c1 COMPLETED queue 1-4 agent 4-4 work 8-9 1 s AWAY
        t1 INITIATED TRANSFER
        ~ t1 CONNECTED_TO_SYSTEM
        t1 QUEUED queue 8-
        t1 DISCONNECTED queue 8-11 CUSTOMER
        t1 COMPLETED queue 8-11 CUSTOMER
        """,
        {
            "c1": "1 offers queue 1-4 3 s a1 agent 4-4 4 s work 8-9 Next t1 moved 8 AWAY",
            "t1": "1 offers queue 8-11 3 s Prev c1 CUSTOMER",
        },
    ),
    "handed on to an agent": (
        """
        1 BEGINS sales
        2 a1 status Available
        4 a1 accepts c1
        6 a2 status Available
        8 a1 hands-on to-a2
        9 a2 accepts t1
        10 a1 clears c1
        13 a2 AGENT-ENDS t1
        14 a2 clears t1
        """,
        """
        c1 INITIATED BEGUN
        ~ c1 CONNECTED_TO_SYSTEM
        c1 QUEUED queue 1-
        c1 CONNECTED_TO_AGENT queue 1-4 agent 4-4
        c1 DISCONNECTED queue 1-4 agent 4-4 work 8- AWAY
        c1 COMPLETED queue 1-4 agent 4-4 work 8-10 2 s AWAY
        t1 INITIATED TRANSFER
        ~ t1 CONNECTED_TO_SYSTEM
        t1 QUEUED queue 8-
        t1 CONNECTED_TO_AGENT queue 8-9 agent 9-9
        t1 DISCONNECTED queue 8-9 agent 9-9 work 13- AGENT
        t1 COMPLETED queue 8-9 agent 9-9 work 13-14 1 s AGENT
        """,
        {
            "c1": "1 offers queue 1-4 3 s a1 agent 4-4 4 s work 8-10 Next t1 moved 8 AWAY",
            "t1": "1 offers queue 8-9 1 s a2 agent 9-9 4 s work 13-14 Prev c1 AGENT",
        },
    ),
}
"""By name: what happens, the contact events, the records; lines with ~ are not told of calls."""

MEANT = {
    "BEGUN": {"VOICE": "INBOUND", "CHAT": "API", "TASK": "API"},
    "CUSTOMER": {"VOICE": "CUSTOMER_DISCONNECT", "CHAT": "CUSTOMER_DISCONNECT", "TASK": "API"},
    "AGENT": {
        "VOICE": "AGENT_DISCONNECT",
        "CHAT": "AGENT_DISCONNECT",
        "TASK": "AGENT_COMPLETED",
    },
    "AWAY": {"VOICE": "OTHER", "CHAT": "AGENT_DISCONNECT", "TASK": "AGENT_DISCONNECT"},
    "STOPPED": {"VOICE": "OTHER", "CHAT": "API", "TASK": "API"},
}
"""Last words of a line to what they are of each channel."""


def meant(line: str, channel: str) -> str:
    rest, blank, last = line.strip().rpartition(" ")
    return f"{rest}{blank}{MEANT[last][channel] if last in MEANT else last}"


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("life", LIVES)
def test_what_is_told_of_a_life(life, channel):
    script, expected, records = LIVES[life]
    told = Told(channel)
    told.live(script)
    lines = [meant(line, channel) for line in expected.strip().splitlines()]
    assert told.events() == [
        line.removeprefix("~ ") for line in lines if channel != "VOICE" or line[0] != "~"
    ]
    assert {alias: told.record(alias) for alias in records} == {
        alias: meant(line, channel) for alias, line in records.items()
    }


def members(names: str) -> frozenset[str]:
    return frozenset(names.split())


DETAIL = members(
    "eventType contactId initialContactId previousContactId relatedContactId contactAssociationId"
    " channel instanceArn initiationMethod initiationTimestamp connectedToSystemTimestamp"
    " disconnectTimestamp scheduledTimestamp disconnectReason customerId queueInfo agentInfo tags"
    " updatedProperties segmentAttributes campaign answeringMachineDetectionStatus"
    " customerVoiceActivity routingCriteria customerEndpoint systemEndpoint"
)
"""Members of a contact event."""

RECORD = members(
    "AWSAccountId AWSContactTraceRecordFormatVersion Agent AgentConnectionAttempts Attributes"
    " Channel ConnectedToSystemTimestamp ContactId ContactAssociationId ContactDetails"
    " ContactEvaluations ContactLens CustomerEndpoint CustomerId CustomerVoiceActivity"
    " AnsweringMachineDetectionStatus Campaign DisconnectReason DisconnectDetails"
    " DisconnectTimestamp InitialContactId InitiationMethod InitiationTimestamp InstanceARN"
    " LastPausedTimestamp LastResumedTimestamp TotalPauseCount TotalPauseDurationInSeconds"
    " LastUpdateTimestamp MediaStreams NextContactId PreviousContactId Queue Recording Recordings"
    " References RelatedContactId RoutingCriteria ScheduledTimestamp SegmentAttributes"
    " SystemEndpoint Tags TaskTemplateInfo TransferCompletedTimestamp TransferredToEndpoint"
    " VoiceIdResult QualityMetrics ChatMetrics OutboundStrategy GlobalResiliencyMetadata"
)
"""Members of a contact record, all of them always there."""


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_members_events_and_records_have(channel):
    told = Told(channel)
    told.live(LIVES["handed on to an agent"][0])
    home = told.center.center.home
    for detail in told.details:
        assert set(detail) <= DETAIL
        assert None not in detail.values()
        assert detail["channel"] == channel
        subtype = {"VOICE": "Telephony", "CHAT": "Chat", "TASK": "Task"}[channel]
        assert detail["segmentAttributes"]["connect:Subtype"] == {
            "ValueString": f"connect:{subtype}"
        }
        assert detail["tags"]["aws:connect:instanceId"] == home.instance_id
        first = told.center.alias(detail["contactId"]) == "c1"
        assert ("initialContactId" not in detail) == ("previousContactId" not in detail) == first
        assert detail["contactAssociationId"] == told.center.ids["c1"]
        if "queueInfo" in detail:
            queue = detail["queueInfo"]
            of_agent = f"{home.arn}/queue/agent/{told.center.ids['a2']}"
            wanted = ("STANDARD", home.arn_of("queue", told.center.ids["sales"]))
            assert (queue["queueType"], queue["queueArn"]) == (
                wanted if first else ("AGENT", of_agent)
            )
    names = {
        each: (record["Queue"]["Name"], record["Queue"]["ARN"], record["InitialContactId"])
        for each, record in told.records.items()
    }
    assert names == {
        told.center.ids["c1"]: ("sales", home.arn_of("queue", told.center.ids["sales"]), None),
        told.center.ids["t1"]: (
            None,
            f"{home.arn}/queue/agent/{told.center.ids['a2']}",
            told.center.ids["c1"],
        ),
    }
    assert all(set(record) == RECORD for record in told.records.values())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (commands.UpdateAttributes("c1", {"k": "v"}), ["UserDefinedAttributes"]),
        (
            commands.UpdateContact(contact_id="c1", segment_attributes={"tier": "gold"}),
            ["Segment Attributes"],
        ),
        (commands.UpdateContact(contact_id="c1", name="Jane"), None),
    ],
)
def test_an_event_names_what_was_changed(changes, named):
    told = Told("VOICE")
    told.live("1 BEGINS sales")
    told.details.clear()
    told.center.run(changes)
    assert [each["updatedProperties"] for each in told.details] == ([named] if named else [])


def test_what_the_record_of_a_call_says_of_its_numbers_its_tags_and_its_recording():
    told = Told("VOICE")
    told.live(
        """
        1 o1 dials sales
        2 o1 answers
        3 a1 status Available
        4 a1 accepts o1
        5 o1 tags team=blue
        """
    )
    center, o1 = told.center, told.center.ids["o1"]
    recorded = {"contact_id": o1, "initial_contact_id": o1}
    center.run(commands.ChangeRecording(**recorded, action="START", track="TO_AGENT"))
    told.live(
        """
        9 o1 leaves
        9 a1 clears o1
        """
    )
    record = told.records[o1]
    system = record["SystemEndpoint"]["Address"]
    assert record["Tags"] == {
        "team": "blue",
        "aws:connect:instanceId": center.center.home.instance_id,
        "aws:connect:systemEndpoint": system,
    }
    assert told.details[-1]["tags"] == record["Tags"]
    assert record["Recording"]["Type"] == "AUDIO"
    (heard,) = record["Recordings"]
    assert (heard["ParticipantType"], heard["MediaStreamType"]) == ("CUSTOMER", "AUDIO")
    assert [told.seconds(heard[f"{each}Timestamp"]) for each in ("Start", "Stop")] == ["5", "9"]
    assert record["Recording"]["Location"] is heard["Location"] is None, "there is no sound"
