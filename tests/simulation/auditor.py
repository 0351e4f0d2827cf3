"""Auditor: a second opinion on the engine, from commands and events alone.

It knows what was asked for and what was said to have happened, never the engine's state, and shares
no code with it. It keeps a small picture of its own and, at every event, asks the whole of it: is
that the right contact for the right agent, at the right moment? Slow, simple, total.

    auditor.on(command, at, events, answer)     after every command that was carried out
    auditor.refused(command)                    after every command that was refused
    auditor.finished()                          when everything should be over

Whatever it does not agree with is a Disagreement. It assumes what the node does: deadlines are
stepped at their own instant, before time moves on. Within the instant in which a delay ends, before
or after it is stepped, both answers are right.

Who is in a call is simulation.calls' picture, who is in a chat simulation.chats'; they are asked at
the same moments. Sources: behaviour specification, sections 2.1 to 2.4, 3.2, 3.3, 4, 5 and 9.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain import commands, dialogue, events
from simulation.calls import CONTROLS, Calls
from simulation.chats import WRITTEN, Chats

RING_MS = 20_000
AGENT_QUEUE_MAX = 10
ATTRIBUTES_MAX = 32_768
TAGS_MAX = 6
REFERENCES_MAX = 50

TALKING = ("CONNECTED", "CONNECTED_ONHOLD")
BLOCKED = ("MISSED", "REJECTED", "ERROR")
RINGS = ("CONNECTING", "INCOMING")
ENGAGED = (*RINGS, "PENDING", *TALKING)

Rank = tuple[int, int, int, int, int]
Said = tuple[str, ...]
Refused = Literal["refused"]
Expected = list[Said] | Refused | frozenset[Said] | None
"""What comes first; a set: one of these comes first; an empty list: nothing; None: no opinion."""


class Disagreement(AssertionError):
    """What happened is not what should have happened."""


@dataclass
class Leg:
    """A contact, as far as events have told."""

    id: str
    channel: str
    number: int
    stage: str
    """SCHEDULED DIALING IN_FLOW WAITING RINGING JOINING TALKING THIRD PAUSED WORKING OVER FINAL."""
    at: dict[str, Instant]
    priority: int = 5
    bonus: Duration = 0
    target: str | None = None
    token: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    references: dict[str, Any] = field(default_factory=dict)
    until: Instant | None = None
    told: set[Duration] = field(default_factory=set)
    agent: str | None = None
    offers: int = 0
    held_since: Instant | None = None
    holds: list[Duration] = field(default_factory=list)
    reason: str | None = None
    before_end: str | None = None
    asks: int = 0
    plays: dict[str, "Playing"] = field(default_factory=dict)
    """What its sides are in."""
    phone: bool = False
    """Whether the phone of the agent who has accepted it is up."""
    phones_lost: int = 0
    recorded_by_flow: bool = False
    """Whether a flow has said that it is to be recorded."""
    recording: str = "NONE"
    kept_at: str | None = None
    desk: str | None = None
    """Number of the agent's phone, which rings with the offer."""
    takes_itself: bool = False
    method: str = "INBOUND"
    sets: list["Sought"] = field(default_factory=list)
    """Its routing criteria, the last ones."""
    chain: str = ""
    """The first contact of its chain."""
    before: str | None = None
    next: list[str] = field(default_factory=list)
    customer: str | None = None
    """The channel of its customer."""
    hooks: dict[str, str] = field(default_factory=dict)
    unhooked: list[str] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    owes_clean_up: bool = False
    """Flows that were over before something else came, by what they ran as."""
    chat: str | None = None
    joins: bool = False
    """Of another agent in a chat, whose customer is another contact's."""
    heir: str | None = None
    """The contact that its customer has passed to."""
    plan: Any = None
    """Of a callback: attempts, delays, whether the customer comes first."""
    tried: int = 0
    since: Instant | None = None
    """From when it ranks, if not from when it was enqueued."""
    direct: bool = False
    expires: Instant | None = None
    paused: Instant | None = None
    pauses: list[Duration] = field(default_factory=list)
    number_called: str | None = None

    def agent_first(self) -> bool:
        return self.plan is not None and self.plan.flow_id is None

    def in_line(self) -> bool:
        """Whether it waits for an agent, and is no customer-first callback."""
        return self.stage == "WAITING" and (self.plan is None or self.plan.dialled_id is None)

    def step(self) -> dict[str, Any] | None:
        """The active step."""
        return self.sets[-1].active() if self.sets else None


@dataclass
class Playing:
    """A side in a flow. asked: the number of what it waits for from the world."""

    kind: str
    since: Instant
    asked: int | None = None
    until: Instant | None = None
    """When it goes on by itself."""


WHISPER_MS = 120_000
CLEAN_UP_MS = 300_000

CLEANS_UP = "CUSTOMER_REMAINING"

IN_STAGE = {
    "CONTACT_FLOW": ("IN_FLOW",),
    "AGENT_TRANSFER": ("IN_FLOW",),
    "QUEUE_TRANSFER": ("IN_FLOW",),
    "CUSTOMER_QUEUE": ("WAITING",),
    "AGENT_WHISPER": ("JOINING",),
    "CUSTOMER_WHISPER": ("JOINING",),
    "OUTBOUND_WHISPER": ("JOINING",),
    "CUSTOMER_HOLD": ("TALKING", "THIRD"),
    "AGENT_HOLD": ("TALKING",),
    "PAUSE": ("PAUSED",),
    "RESUME": ("WAITING", "TALKING"),
    CLEANS_UP: ("OVER", "WORKING"),
}
"""As what a flow runs, to where its contact is when it begins."""

HOOKS = {
    "CUSTOMER_QUEUE": "CustomerQueue",
    "AGENT_WHISPER": "AgentWhisper",
    "CUSTOMER_WHISPER": "CustomerWhisper",
    "CUSTOMER_HOLD": "CustomerHold",
    "AGENT_HOLD": "AgentHold",
    CLEANS_UP: "CustomerRemaining",
}
"""As what a flow runs, to the event by which the contact may name another than the default."""

WORLD = (
    dialogue.Play,
    dialogue.PlayLoop,
    dialogue.Gather,
    dialogue.GetMetrics,
    dialogue.Invoke,
    dialogue.InvokeBot,
    dialogue.Receive,
    dialogue.ShowView,
    dialogue.Wait,
    dialogue.CompleteCall,
    dialogue.TransferToNumber,
)
"""What flows ask of the world."""

LIMITS = {
    dialogue.PlayLoop: "interrupt_ms",
    dialogue.Wait: "limit_ms",
    dialogue.Receive: "timeout_ms",
    dialogue.ShowView: "timeout_ms",
}
"""What is over by itself, and after which of its members."""


@dataclass
class Sought:
    """One set of routing criteria: of each step expression, length, status and end."""

    steps: list[dict[str, Any]]
    index: int
    activated: Instant | None = None

    def active(self) -> dict[str, Any] | None:
        return next((step for step in self.steps if step["status"] == "ACTIVE"), None)

    def begin(self, number: int, at: Instant) -> None:
        if number < len(self.steps):
            step = self.steps[number]
            step["status"] = "ACTIVE"
            step["until"] = None if step["length"] is None else at + step["length"]

    def end(self, status: str) -> None:
        for step in self.steps:
            if step["status"] == "ACTIVE":
                step["status"] = status


OUTBOUND = ("OUTBOUND", "EXTERNAL_OUTBOUND")


@dataclass
class Person:
    """An agent, as far as events have told."""

    id: str
    status: str
    routable: bool = False
    next_status: str | None = None
    idle: tuple[Instant, int] = (0, 0)
    holds: dict[str, str] = field(default_factory=dict)
    vanished: bool = False


class Auditor:
    """The picture of one center."""

    def __init__(self) -> None:
        self.at: Instant = 0
        self.count = 0
        self.things: dict[str, dict[str, dict[str, Any]]] = {}
        self.legs: dict[str, Leg] = {}
        self.people: dict[str, Person] = {}
        self.tokens: dict[str, str] = {}
        self.final: set[str] = set()
        self.owed: set[tuple[str, str]] = set()
        """Contacts and their successors, until the former are told."""
        self.settings: dict[str, Any] = {}
        self.command: object = None
        self.LIVE = LIVE
        self.calls = Calls(self)
        self.chats = Chats(self)

    # Doors

    def on(
        self,
        command: commands.Command,
        at: Instant,
        happened: Sequence[events.Event],
        answer: str = "",
    ) -> None:
        """A command was carried out."""
        self.command = command
        if at > self.at:
            self._time_moves(at)
        expected = self._expected(command)
        said = [brief(event) for event in happened]
        if isinstance(expected, frozenset):
            self.need(bool(said) and said[0] in expected, f"one of {set(expected)}, not {said}")
        elif expected is not None:
            self.need(expected != "refused", f"refused, not {said}")
            self.need(said[: len(expected)] == expected, f"{expected}, not {said}")
            self.need(bool(expected) or not said, f"nothing, not {said}")
        token = getattr(command, "client_token", None)
        if token in self.tokens and not happened:
            known = self.tokens[token]
            self.need(answer == known, f"answer {known}, not {answer}")
        for event in happened:
            HAPPENED.get(type(event), Auditor.nothing)(self, event)
            self.calls.on(event)
            self.chats.on(event)
        self._after()

    def refused(self, command: commands.Command) -> None:
        """A command was refused; those that the directory refuses are not our business."""
        self.command = command
        expected = self._expected(command)
        self.need(expected in (None, "refused"), f"{expected}, not a refusal")
        self.calls.refused(command)

    def finished(self) -> None:
        """Everything that began is over, once."""
        live = {leg.id: leg.stage for leg in self._live()}
        self.need(not live, f"all over, not {live}")
        self.need(self.final == set(self.legs), "each leg completed once")
        held = {person.id: person.holds for person in self.people.values() if person.holds}
        self.need(not held, f"all slots free, not {held}")

    def need(self, right: bool, wanted: str) -> None:
        if not right:
            raise Disagreement(f"at {self.at}, {self.command}: {wanted}")

    # What a command must lead to first; []: nothing at all; None: no opinion

    def _expected(self, command: commands.Command) -> Expected:
        expect = EXPECTED.get(type(command))
        return expect(self, command) if expect else None

    def _of_agent(self, command: Any) -> Expected:
        states, said = AGENT_COMMANDS[type(command)]
        person = self.people.get(command.agent_id)
        state = person.holds.get(command.contact_id) if person else None
        leg = self.legs.get(command.contact_id)
        if leg is not None and isinstance(command, commands.LeaveContact) and self._own(leg):
            if leg.agent != command.agent_id:
                return "refused"
            early = "system" not in leg.at
            return _ending(leg, "TELECOM_ORIGINATOR_CANCEL" if early else "AGENT_DISCONNECT")
        if state not in states or leg is None:
            return "refused"
        rings = isinstance(command, commands.AcceptContact | commands.RejectContact)
        if state in (*RINGS, "PENDING") and rings != (leg.stage == "RINGING"):
            return "refused"
        if isinstance(command, commands.LeaveContact):
            return self.gone(leg)
        if isinstance(command, commands.FinishTask) and leg.channel != "TASK":
            return "refused"
        if isinstance(command, commands.HoldContact | commands.ResumeContact):
            if leg.channel == "VOICE" and not self.calls.has_customer(leg):
                return "refused"
            back = isinstance(command, commands.ResumeContact) and leg.channel == "VOICE"
            if back and "customer" in leg.plays:
                return [("FlowFinished", leg.id)]
        return [said(leg, command.agent_id)]

    def _own(self, leg: Leg) -> bool:
        """Whether an agent is setting this contact up who has it from its birth."""
        return leg.method in ("OUTBOUND", "MONITOR") and leg.stage in ("JOINING", "DIALING")

    def gone(self, leg: Leg) -> list[Said]:
        """Its agent is gone: who is still in queue stays there."""
        if leg.stage == "RINGING" and leg.desk is not None:
            return [("OfferMissed", leg.id, str(leg.agent), "unanswered")]
        if leg.stage == "TALKING":
            return self.departs(leg, "AGENT_DISCONNECT")
        if leg.stage not in ("JOINING", "DIALING") or leg.agent is None:
            return []
        if self._own(leg):
            return _ending(leg, "AGENT_DISCONNECT")
        if "enqueued" in leg.at and "dequeued" not in leg.at:
            lost = ("AgentLegLost", leg.id, str(leg.agent))
            return [("FlowFinished", leg.id), lost] if "agent" in leg.plays else [lost]
        if leg.agent_first() and "system" not in leg.at:
            return self._not_reached(leg, "AGENT_DISCONNECT")
        return self.remains(leg, "AGENT_DISCONNECT")

    def _not_reached(self, leg: Leg, reason: str) -> list[Said]:
        """The customer of a callback was not had: once more, if it has not been all."""
        if leg.tried >= leg.plan.attempts:
            return _ending(leg, reason)
        return [("CallbackUnanswered", leg.id, str(leg.agent), reason)]

    def departs(self, leg: Leg, reason: str) -> list[Said]:
        """The agent leaves a conversation: who is there besides him takes his customer."""
        stays = self.calls.customer_stays(leg)
        if stays and self.calls.others(leg):
            return self.calls.passes(leg)
        if leg.channel == "VOICE" and not stays:
            return _ending(leg, self.calls.first_reason(leg) or reason)
        return self.remains(leg, reason)

    def remains(self, leg: Leg, reason: str) -> list[Said]:
        """The contact ends, its customer stays: his flow, if there is one, has another contact."""
        talks = leg.channel in ("VOICE", "CHAT") and "system" in leg.at
        talks = talks and not str(leg.customer).endswith("/agent")
        served = leg.joins or any(each.joins for each in self.chats.others(leg))
        if talks and not served and self._hooked(leg, "CustomerRemaining"):
            return [("ContactInitiated",)]
        return _ending(leg, reason)

    def ending(self, leg: Leg, reason: str) -> list[Said]:
        """What its end begins with."""
        return _ending(leg, reason)

    def _hooked(self, leg: Leg, hook: str) -> str | None:
        """The flow that the contact itself names for an event, if it can be entered."""
        flow_id = leg.hooks.get(hook, "").rpartition("/")[-1]
        known = self.things["contact_flow"].get(flow_id, {})
        return None if hook in leg.unhooked or not known else flow_id

    def _phone_is_up(self, command: commands.ConnectAgent) -> list[Said]:
        leg = self.legs.get(command.contact_id)
        if leg is not None and leg.stage == "RINGING" and leg.desk is not None:
            fresh = command.leg == leg.phones_lost
            return [("ContactAccepted", leg.id, str(leg.agent))] if fresh else []
        if leg is None or leg.stage != "JOINING" or leg.phone:
            return []
        if not self._own(leg) and command.leg != leg.phones_lost:
            return []
        return [("AgentLegConnected", leg.id, str(leg.agent))]

    def _status(self, command: commands.SetAgentStatus) -> Expected:
        status = self.things["agent_status"].get(command.status_id)
        person = self.people.get(command.agent_id)
        if person is None or status is None or status["State"] != "ENABLED":
            return "refused"
        if any(state in ENGAGED for state in person.holds.values()):
            wanted = None if command.status_id == person.status else command.status_id
            if wanted == person.next_status:
                return []
            return [("NextStatusChanged", person.id, str(wanted))]
        over = [contact for contact, state in person.holds.items() if state != "PAUSED"]
        cleared = [("ContactCleared", contact, person.id) for contact in over]
        if command.status_id != person.status:
            return [*cleared, ("AgentStatusChanged", person.id, command.status_id)]
        if person.next_status is not None:
            return [*cleared, ("NextStatusChanged", person.id, "None")]
        return cleared

    def _once(self, command: Any) -> Expected:
        """A client token that is known begins nothing."""
        return [] if command.client_token in self.tokens else None

    def _dials(self, command: commands.DialOut) -> Expected:
        held = self.people[command.agent_id].holds
        busy = any(self.legs[contact].channel == "VOICE" for contact in held)
        return "refused" if busy else None

    def owner(self, channel: str) -> Leg | None:
        """Whose customer's channel this is now; an agent's is nobody's."""
        for leg in self._live(*LIVE):
            if leg.customer == channel and not channel.endswith("/agent"):
                return leg
        return self.legs.get(channel)

    def _connect(self, command: commands.ConnectSystem) -> list[Said]:
        leg = self.owner(command.contact_id)
        if leg is None or leg.stage != "DIALING":
            return []
        if leg.agent_first() and command.contact_id != leg.customer:
            return []
        return [("ContactConnectedToSystem", leg.id)]

    def _stop(self, command: commands.StopContact) -> Expected:
        leg = self.legs.get(command.contact_id)
        if leg is None or leg.stage not in LIVE:
            return "refused"
        if leg.channel == "VOICE" and leg.method in STAYS:
            return "refused"
        return _ending(leg, "OTHER" if leg.channel == "VOICE" else "API")

    def _lose(self, command: commands.LoseChannel) -> list[Said]:
        leg = self.owner(command.contact_id)
        if leg is None or leg.stage not in LIVE:
            return []
        first = leg.method == "CALLBACK_CUSTOMER_FIRST_DIALED" and "enqueued" not in leg.at
        if leg.plan is not None and "system" not in leg.at and not first:
            dialled = leg.agent_first() and leg.stage == "DIALING"
            fresh = dialled and command.contact_id == leg.customer
            return self._not_reached(leg, command.reason) if fresh else []
        seat = self.calls.seat(leg, command.contact_id)
        if command.contact_id in self.calls.room(leg) and seat is None:
            return []  # gone before
        if seat is None:
            return _ending(leg, command.reason) if command.contact_id == leg.customer else []
        if seat.role == "customer":
            if leg.stage != "TALKING" or not self.calls.others(leg):
                return _ending(leg, command.reason)
            held = seat.state == "hold" and "customer" in leg.plays
            left = [("PartyLeft", leg.id, command.reason)]
            return [("FlowFinished", leg.id), *left] if held else left
        talked = leg.stage == "THIRD" and command.reason == "CUSTOMER_DISCONNECT"
        return _ending(leg, "THIRD_PARTY_DISCONNECT" if talked else command.reason)

    def _lose_agent(self, command: commands.LoseAgent) -> list[Said]:
        leg = self.legs.get(command.contact_id)
        if leg is None:
            return []
        if leg.channel == "CHAT":
            gone = "AGENT_NETWORK_DISCONNECT"
            if leg.stage != "TALKING":
                return []
            return _ending(leg, gone) if leg.method == "MONITOR" else self.remains(leg, gone)
        return self.gone(leg) if command.leg == leg.phones_lost else []

    def _task(self, command: Any) -> Leg | None:
        leg = self.legs.get(command.contact_id)
        return leg if leg and leg.stage in LIVE and leg.channel == "TASK" else None

    def _pauses(self, command: commands.PauseTask) -> Expected:
        leg = self._task(command)
        if leg is None or leg.stage not in ("WAITING", "TALKING") or leg.held_since is not None:
            return "refused"
        return [("TaskPaused", leg.id, str(leg.agent))]

    def _goes_on(self, command: commands.ResumeTask) -> Expected:
        leg = self._task(command)
        paused = leg is not None and leg.stage == "PAUSED"
        return [("TaskResumed", leg.id, str(leg.agent))] if leg and paused else "refused"

    def _lives(self, command: commands.SetExpiry) -> Expected:
        leg = self._task(command)
        return "refused" if leg is None else [("ExpirySet", leg.id)]

    def _handed_on(self, command: commands.TransferTask) -> Expected:
        leg = self._task(command)
        if command.client_token in self.tokens:
            return []
        return "refused" if leg is None or leg.stage == "SCHEDULED" else None

    def _vanished(self, command: commands.AgentVanished | commands.AgentReturned) -> Expected:
        person = self.people[command.agent_id]
        gone = isinstance(command, commands.AgentVanished)
        return [] if person.vanished == gone else [("AgentPresenceChanged", person.id)]

    def _attributes(self, command: commands.UpdateAttributes) -> Expected:
        leg = self._kept(command)
        if leg is None:
            return "refused"
        pairs = {**leg.attributes, **command.attributes}.items()
        if sum(len(f"{key}{value}".encode()) for key, value in pairs) > ATTRIBUTES_MAX:
            return "refused"
        return self._amended(leg, "AttributesUpdated")

    def _tags(self, command: commands.TagContact) -> Expected:
        leg = self._kept(command)
        if leg is None or len(tagged(leg, command.tags)) > TAGS_MAX:
            return "refused"
        return self._amended(leg, "ContactTagged")

    def _data(self, command: commands.UpdateContact) -> Expected:
        leg = self._kept(command)
        if leg is None or len(leg.references | command.references) > REFERENCES_MAX:
            return "refused"
        return self._amended(leg, "ContactUpdated")

    def _kept(self, command: Any) -> Leg | None:
        """Whom the command is about, if he may be changed; no world lasts 24 months."""
        leg = self.legs.get(command.contact_id)
        if leg is None or leg.stage != "FINAL":
            return leg
        record = command.record
        if record is not None:
            told = (record.attributes, record.tags, record.name, record.references)
            known = (leg.attributes, leg.tags, leg.name, leg.references)
            self.need(told == known, f"a record that says {known}")
        return leg if record is not None else None

    def _amended(self, leg: Leg, kind: str) -> list[Said]:
        return [("RecordAmended",)] if leg.stage == "FINAL" else [(kind, leg.id)]

    def _keeps(self, command: commands.KeepRecording) -> Expected:
        leg = self.legs[command.contact_id]
        known = leg.stage != "FINAL" and (
            leg.recording == "NONE" or leg.kept_at == command.location
        )
        return [] if known else self._amended(leg, "RecordingStored")

    def _drops(self, command: commands.DropRecording) -> Expected:
        return self._amended(self.legs[command.contact_id], "RecordingStored")

    def _loses(self, command: commands.LoseRecording) -> Expected:
        leg = self.legs[command.contact_id]
        goes_on = leg.recording in ("RECORDING", "SUSPENDED") and leg.stage == "TALKING"
        return [("RecordingChanged", leg.id)] if goes_on else []

    def _measures(self, command: commands.MeasureSound) -> Expected:
        """An agent's channel is his contact's; a customer's that of whoever had him last."""
        contact_id, _, agents = command.leg.partition("/")
        if agents:
            return self._amended(self.legs[contact_id], "SoundMeasured")
        had = [each for each in self._live(*LIVE) if each.customer == command.leg]
        return self._amended(had[-1], "SoundMeasured") if had else None

    def _routing(self, command: commands.UpdateRoutingData) -> Expected:
        leg = self.legs.get(command.contact_id)
        if leg is None or leg.stage not in BEFORE_TALKING:
            return "refused"
        said: list[Said] = [("RoutingDataUpdated", leg.id), ("RoutingCriteriaSet", leg.id)]
        ranks = (command.priority, command.age_adjustment_ms) != (None, None)
        if command.steps is None:
            return said[:1]
        return said if ranks else said[1:]

    def _assigned(self, command: commands.AssignContact) -> Expected:
        leg, person = self.legs.get(command.contact_id), self.people.get(command.agent_id)
        if leg is None or person is None or leg.stage != "WAITING" or leg.id in person.holds:
            return "refused"
        if leg.plan is not None and not leg.agent_first():
            return "refused"
        return [("ContactOffered", leg.id, person.id)]

    def _hear(self, command: commands.Hear) -> list[Said]:
        leg = self.legs.get(command.contact_id)
        plays = leg.plays.values() if leg is not None else ()
        if command.ask not in [each.asked for each in plays]:
            return []
        return [("FlowStepped", command.contact_id)]

    def _expire(self, _command: commands.Expire) -> Expected:
        """The earliest deadline; a delay that ends now may come before or after."""
        if any(self.at in self._delays_end(leg) for leg in self._live("WAITING")):
            return None
        due = [each for leg in self._live() for each in self._dues(leg) if each[0] <= self.at]
        if not due:
            return []
        first = min(each[:2] for each in due)
        return frozenset(said for at, number, said in due if (at, number) == first)

    def _dues(self, leg: Leg) -> Iterator[tuple[Instant, int, Said]]:
        """What happens to the contact by itself: when, its number, what comes first."""
        over = ("ContactEnded", leg.id, "CONTACT_FLOW_DISCONNECT")
        found = [
            (self._step_until(leg), [("RoutingStepExpired", leg.id)]),
            (leg.expires if leg.stage in LIVE else None, _ending(leg, "EXPIRED")),
            (self.chats.due(leg), self.chats.then(leg)),
        ]
        for playing in leg.plays.values():
            found.append((playing.until, [("FlowStepped", leg.id)]))
            if "WHISPER" in playing.kind:
                left = over if leg.channel == "VOICE" else ("FlowFinished", leg.id)
                found.append((playing.since + WHISPER_MS, [left]))
            if playing.kind == CLEANS_UP:
                found.append((playing.since + CLEAN_UP_MS, [("FlowFinished", leg.id)]))
        match leg.stage:
            case "DIALING" if leg.agent_first():
                found.append((leg.until, self._not_reached(leg, "TELECOM_TIMEOUT")))
            case "DIALING":
                found.append((leg.until, _ending(leg, "TELECOM_TIMEOUT")))
            case "RINGING":
                missed = ("OfferMissed", leg.id, str(leg.agent), "unanswered")
                found.append((leg.until, [missed]))
            case "SCHEDULED":
                begins = "ContactEnqueued" if leg.plan is not None else "ContactConnectedToSystem"
                found.append((leg.until, [(begins, leg.id), *_ending(leg, "OTHER")]))
            case "WORKING":
                found.append((leg.until, [("ContactCleared", leg.id, str(leg.agent))]))
        for until, said in found:
            for each in said[: 2 if leg.stage == "SCHEDULED" else 1]:
                if until is not None:
                    yield until, leg.number, each

    # What must be so when time moves on, and after every command

    def _time_moves(self, at: Instant) -> None:
        self.at = at - 1
        for leg in self._live():
            late = [said for until, _, said in self._dues(leg) if until <= self.at]
            self.need(not late, f"{leg.id}: {late}")
        self._nobody_waits(sure=False)
        self.at = at

    def _after(self) -> None:
        self._nobody_waits(sure=True)
        self.need(not self.owed, f"{self.owed} told of each other")
        for leg in self.legs.values():
            if leg.stage == "FINAL":
                continue
            self.need(leg.stage != "OVER" or leg.plays, f"{leg.id} completed")
            dead = [each for each in leg.plays.values() if each.asked is None]
            self.need(not dead, f"{leg.id}: its flows wait for somebody")
            self.need(self._hears(leg), f"{leg.id} is {leg.stage} in {leg.plays}")
            self.need(not (leg.takes_itself and leg.stage == "RINGING"), f"{leg.id} accepted")
            talks = leg.stage == "TALKING" and leg.channel == "VOICE" and leg.method != "MONITOR"
            unheard = talks and leg.recorded_by_flow and leg.recording == "NONE"
            self.need(not unheard, f"{leg.id} is recorded")
        for person in self.people.values():
            busy = [state for state in person.holds.values() if state != "PAUSED"]
            late = person.next_status is not None and not busy
            self.need(not late, f"{person.id}: next status in effect")
        self._callers_are_called()
        self.calls.after()
        self.chats.after()

    def _hears(self, leg: Leg) -> bool:  # noqa: C901, PLR0912  a row for each stage
        """Each side is in the flow that belongs to where the contact is, and in no other.

        A flow may be over, and a contact may want none; what must be is asked of calls, whose own
        flows go on for ever.
        """
        kinds = {side: each.kind for side, each in leg.plays.items()}
        may, must = {}, {}
        call = leg.channel == "VOICE"
        aside = set(kinds.values()) <= {"PAUSE", "RESUME"} and leg.channel == "TASK"
        match leg.stage:
            case "IN_FLOW":
                return len(kinds) == 1 and IN_STAGE[kinds.get("customer", "PAUSE")] == ("IN_FLOW",)
            case "WAITING" | "RINGING" | "JOINING" if self._on_the_line(leg):
                may["customer"] = "CUSTOMER_QUEUE"
                if leg.phone and leg.stage == "JOINING":
                    may["agent"] = "AGENT_WHISPER"
            case "JOINING" if leg.method != "MONITOR":
                may["customer"] = "CUSTOMER_WHISPER"
                if leg.method == "OUTBOUND" or leg.agent_first():
                    may = {"customer": "OUTBOUND_WHISPER"} if "system" in leg.at else {}
                if leg.phone and "system" not in leg.at and leg.method != "OUTBOUND":
                    may["agent"] = "AGENT_WHISPER"
            case "DIALING" if leg.method == "OUTBOUND":
                may["customer"] = "OUTBOUND_WHISPER"
            case "WORKING" | "OVER":
                return kinds in ({}, {"customer": CLEANS_UP})
            case "TALKING" | "THIRD":
                if leg.held_since is not None or self.calls.customer_waits(leg):
                    may["customer"] = "CUSTOMER_HOLD"
                if self.calls.held(leg, self.calls.phone(leg)):
                    may["agent"] = "AGENT_HOLD"
        if (
            call
            and not leg.unhooked
            and not leg.direct
            and leg.stage != "DIALING"
            and leg.method not in OUTBOUND
        ):
            must = {k: v for k, v in may.items() if v not in leg.heard and v != "AGENT_HOLD"}
            if leg.method == "TRANSFER" and leg.stage == "TALKING":
                must = {}
        return aside or (kinds.items() <= may.items() and must.items() <= kinds.items())

    def _on_the_line(self, leg: Leg) -> bool:
        """Whether it is in queue, and its customer with it."""
        alone = leg.plan is not None and "system" not in leg.at
        return "enqueued" in leg.at and "dequeued" not in leg.at and not alone

    def _callers_are_called(self) -> None:
        """No customer waits to be called back first while more are free than are being dialled."""
        for leg in self._live("WAITING"):
            if leg.in_line():
                continue
            free = [each for each in self.people.values() if self._serves(each, str(leg.target))]
            dialled = [
                each
                for each in self._live(*LIVE)
                if each.method == "CALLBACK_CUSTOMER_FIRST_DIALED"
                and "enqueued" not in each.at
                and each.plan is not None
                and each.plan.queue_id == leg.target
            ]
            self.need(len(free) <= len(dialled), f"{leg.id} dialled for {free}")

    def _serves(self, person: Person, queue_id: str) -> bool:
        if not self._can_take(person, "VOICE"):
            return False
        profile = self._profile(person)
        manual = [
            row["QueueReference"] for row in profile.get("ManualAssignmentQueueConfigs") or ()
        ]
        rows = [row["QueueReference"] for row in profile.get("QueueConfigs") or ()]
        wanted = {"QueueId": queue_id, "Channel": "VOICE"}
        return queue_id == person.id or (wanted in rows and wanted not in manual)

    def _nobody_waits(self, *, sure: bool) -> None:
        for leg in self._live("WAITING"):
            for person in self.people.values() if leg.in_line() else ():
                could = self._rank(person, leg, sure=sure) is not None
                self.need(not could, f"{leg.id} offered to {person.id}")

    # Routing

    def _rank(self, person: Person, leg: Leg, *, sure: bool) -> Rank | None:
        """Where the waiting contact stands among all for this agent; None: he cannot take it."""
        if not self._can_take(person, leg.channel):
            return None
        since = leg.at["enqueued"] if leg.since is None else leg.since
        rest = leg.priority, since - leg.bonus, leg.number
        if leg.target == person.id:
            return (0, 0, *rest)
        if not self._meets(person, leg):
            return None
        manual = self._profile(person).get("ManualAssignmentQueueConfigs") or ()
        picked = [row["QueueReference"] for row in manual]
        for row in self._profile(person).get("QueueConfigs") or ():
            reference, delay = row["QueueReference"], row["Delay"] * SECOND
            if reference in picked:
                continue
            if (reference["QueueId"], reference["Channel"]) == (leg.target, leg.channel):
                waited = self.at - leg.at["enqueued"]
                over = waited > delay or delay in leg.told or delay == 0
                if over or (waited == delay and not sure):
                    return (1, row["Priority"], *rest)
        return None

    def _meets(self, person: Person, leg: Leg) -> bool:
        """Whether the person meets the active step of the waiting contact, if it has one."""
        step = leg.step()
        return step is None or self._holds(person, json.loads(step["expression"]))

    def _holds(self, person: Person, expression: dict[str, Any]) -> bool:
        [(name, given)] = expression.items()
        if name == "OrExpression":
            return any(self._holds(person, each) for each in given)
        if name == "AndExpression":
            return all(self._holds(person, each) for each in given)
        if name == "NotAttributeCondition":
            return not self._holds(person, {"AttributeCondition": given})
        if "MatchCriteria" in given:
            return person.id in given["MatchCriteria"]["AgentsCriteria"]["AgentIds"]
        for row in self.things["user"][person.id].get("Proficiencies") or ():
            if (row["AttributeName"], row["AttributeValue"]) == (given["Name"], given["Value"]):
                match given["ComparisonOperator"]:
                    case "Match":
                        return bool(row["Level"] == given["ProficiencyLevel"])
                    case "Range":
                        span = given["Range"]
                        low, high = span["MinProficiencyLevel"], span["MaxProficiencyLevel"]
                        return bool(low <= row["Level"] <= high)
                    case _:
                        return bool(row["Level"] >= given["ProficiencyLevel"])
        return False

    def _step_until(self, leg: Leg) -> Instant | None:
        step = leg.step()
        return None if step is None else step["until"]

    def _step_is_over(self, leg: Leg, at: Instant) -> bool:
        until = self._step_until(leg)
        return until is not None and until <= at

    def _activate(self, leg: Leg) -> None:
        """In an agent's own queue no step is ever active."""
        sought = leg.sets[-1]
        sought.activated = self.at
        for step in sought.steps:
            step["status"], step["until"] = "INACTIVE", None
        if leg.target not in self.people:
            sought.begin(0, self.at)

    def _can_take(self, person: Person, channel: str) -> bool:
        if not person.routable or person.next_status is not None:
            return False
        held = {each: state for each, state in person.holds.items() if state != "PAUSED"}
        if any(state in BLOCKED for state in held.values()):
            return False
        media = {each["Channel"]: each for each in self._profile(person)["MediaConcurrencies"]}
        busy = [self.legs[contact].channel for contact in held]
        if channel not in media or busy.count(channel) >= media[channel]["Concurrency"]:
            return False
        for other in busy:
            behaviour = media.get(other, {}).get("CrossChannelBehavior") or {}
            if other != channel and behaviour.get("BehaviorType") != "ROUTE_ANY_CHANNEL":
                return False
        return True

    def _profile(self, person: Person) -> dict[str, Any]:
        user = self.things["user"][person.id]
        return self.things["routing_profile"][user["RoutingProfileId"]]

    def _delays_end(self, leg: Leg) -> Iterator[Instant]:
        for profile in self.things["routing_profile"].values():
            for row in profile.get("QueueConfigs") or ():
                reference = row["QueueReference"]
                if (reference["QueueId"], reference["Channel"]) == (leg.target, leg.channel):
                    yield leg.at["enqueued"] + row["Delay"] * SECOND

    def _live(self, *stages: str) -> list[Leg]:
        wanted = stages or (*LIVE, "WORKING", "OVER")
        return [leg for leg in self.legs.values() if leg.stage in wanted]

    def _queued(self, queue_id: str) -> int:
        return sum(
            leg.target == queue_id and "dequeued" not in leg.at and "enqueued" in leg.at
            for leg in self._live("WAITING", "RINGING", "JOINING", "PAUSED")
        )

    def _room(self, queue_id: str, *, overshoot: bool = False) -> bool:
        if queue_id in self.people:
            return self._queued(queue_id) < AGENT_QUEUE_MAX
        most = self.things["queue"][queue_id].get("MaxContacts")
        if most is not None and overshoot:
            most += most * 20 // 100  # a callback whose delay is over
        return most is None or self._queued(queue_id) < most

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _leg(self, contact_id: str, *stages: str) -> Leg:
        leg = self.legs.get(contact_id)
        self.need(leg is not None, f"{contact_id} known")
        assert leg is not None
        self.need(leg.stage in stages, f"{contact_id} {' or '.join(stages)}, not {leg.stage}")
        return leg

    # What happened: resources

    def created(self, event: events.ResourceCreated) -> None:
        self.things.setdefault(event.kind, {})[event.id] = dict(event.properties)
        if event.kind == "user":
            offline = next(
                status
                for status, properties in self.things["agent_status"].items()
                if properties["Type"] == "OFFLINE"
            )
            self.people[event.id] = Person(event.id, offline, idle=(self.at, 0))

    def updated(self, event: events.ResourceUpdated) -> None:
        thing = self.things[event.kind][event.id]
        for name, value in event.changes.items():
            thing[name] = value
            if value is None:
                del thing[name]

    def deleted(self, event: events.ResourceDeleted) -> None:
        del self.things[event.kind][event.id]
        if event.kind == "user":
            self.need(not self.people.pop(event.id).holds, "no contact when a user goes")

    def set_up(self, event: events.InstanceUpdated) -> None:
        self.settings |= event.changes

    def nothing(self, _event: object) -> None:
        """Of no consequence to the picture."""

    # What happened: contacts

    def initiated(self, event: events.ContactInitiated) -> None:
        born = event.contact
        known = self.legs.get(born.id)
        self.need(known is None or known.stage == "FINAL", f"{born.id} begun once")
        self.legs[born.id] = leg = Leg(
            born.id,
            born.channel,
            self._next(),
            "JOINING" if born.stage == "ACCEPTED" else born.stage,
            {"initiated": self.at},
            born.priority,
            born.age_adjustment_ms,
            born.queue_id,
            born.client_token,
            dict(born.attributes),
            name=born.name,
            references=dict(born.references),
            agent=born.agent_id,
            method=born.initiation_method,
            chain=born.initial_contact_id or born.id,
            before=born.previous_contact_id,
            customer=born.customer_leg or born.id,
            hooks=dict(born.hooks),
            unhooked=list(born.hooks_disabled),
            chat=born.chat_id,
            joins=born.joins,
            plan=born.callback,
            since=born.ranks_from,
            expires=born.expires_at,
            number_called=born.customer_number,
        )
        self.need(born.initiated_at == self.at, "initiated now")
        stages = BORN[leg.method]
        self.need(born.stage in stages, f"{leg.id}, {leg.method}, born in {stages}")
        self._asked_for(leg, born)
        self._follows(leg, born)
        self.final.discard(born.id)
        if born.connected_to_system_at is not None:
            self.need(born.connected_to_system_at == self.at, f"{leg.id}: his system is there now")
            leg.at["system"] = self.at
        if born.stage == "DIALING":
            leg.until = self.at + event.dial_ms
        if born.stage == "ACCEPTED":
            self.people[str(leg.agent)].holds[leg.id] = "CONNECTING"
            leg.phone = leg.channel == "CHAT"
        if leg.method == "CALLBACK_CUSTOMER_FIRST_DIALED":
            leg.tried = 1
        if leg.token is not None:
            self.need(leg.token not in self.tokens, f"one contact for {leg.token}")
            self.tokens[leg.token] = leg.id

    def _asked_for(self, leg: Leg, born: Any) -> None:
        """Who is born by a command is as that says."""
        asked: Any = self.command
        match asked:
            case commands.StartOutboundContact():
                wanted = {"initiation_method": "API", "customer_number": asked.to}
                wanted |= {"client_token": asked.client_token, "attributes": asked.attributes}
            case commands.StartInboundContact() if leg.method == "INBOUND":
                wanted = {"id": asked.contact_id, "channel": asked.channel}
                wanted |= {"customer_number": asked.from_number, "attributes": {}}
            case commands.StartTask() if leg.channel == "TASK" and leg.method == "API":
                wanted = {"initiation_method": "API", "name": asked.name}
                wanted |= {"client_token": asked.client_token}
                wanted |= {"expires_at": self.at + asked.life_ms}
            case commands.StartChat() if leg.method == "API":
                wanted = {"initiation_method": "API", "client_token": asked.client_token}
                wanted |= {"expires_at": self.at + asked.life_ms, "chat_id": leg.id}
            case commands.DialOut():
                wanted = {"initiation_method": "OUTBOUND", "customer_number": asked.to}
                wanted |= {"agent_id": asked.agent_id}
            case commands.MonitorContact():
                wanted = {"initiation_method": "MONITOR", "agent_id": asked.agent_id}
                wanted |= {"previous_contact_id": asked.contact_id}
            case commands.AddParty() if leg.method in ("TRANSFER", "EXTERNAL_OUTBOUND"):
                wanted = {"previous_contact_id": asked.contact_id}
                if asked.number is not None:
                    wanted |= {"customer_number": asked.number}
            case commands.TransferTask() | commands.TransferChat() if leg.method == "TRANSFER":
                wanted = {"initiation_method": "TRANSFER", "previous_contact_id": asked.contact_id}
            case _:
                wanted = {}
        told = {name: getattr(born, name) for name in wanted}
        self.need(told == wanted, f"born as {wanted}, not {told}")

    def _follows(self, leg: Leg, born: Any) -> None:
        """The next of a chain shares attributes with those before it, and has what they had."""
        before = self.legs.get(leg.before or "")
        if before is None:
            self.need(leg.method in FIRST, f"{leg.id}, {leg.method}, comes after some contact")
            self.need(not leg.joins, f"{leg.id} joins no chat")
            return
        asked = isinstance(self.command, commands.AddParty) and leg.method == "TRANSFER"
        joins = leg.channel == "CHAT" and (
            asked or (before.joins and leg.method == "QUEUE_TRANSFER")
        )
        self.need(leg.joins == joins, f"{leg.id} joins its chat: {joins}")
        self.need(leg.chain == before.chain, f"{leg.id} in the chain {before.chain}")
        if before.stage != "FINAL":
            told = born.attributes
            self.need(told == before.attributes, f"{leg.id} shares {before.attributes}")
        if leg.method == "MONITOR":
            return
        self.need(leg.hooks == before.hooks, f"{leg.id} has the hooks {before.hooks}")
        self.need(leg.unhooked == before.unhooked, f"{leg.id} has the hooks of {before.id}")
        if before.stage != "FINAL":
            self.owed.add((before.id, leg.id))
        if leg.method in TAKES_CUSTOMER and leg.channel == "VOICE":
            self.need(leg.customer == before.customer, f"{leg.id} has {before.customer}")

    def succeeded(self, event: events.ContactSucceeded) -> None:
        link = event.contact_id, event.next_contact_id
        self.need(link in self.owed, f"{link} unknown, or told before")
        self.owed.remove(link)
        before, after = (self.legs[each] for each in link)
        before.next.append(after.id)
        cold = after.channel != "VOICE"  # a call is handed on when its agent leaves
        if after.method == "QUEUE_TRANSFER" or (after.method == "TRANSFER" and cold):
            if after.joins:
                return
            before.at["passed"] = self.at

    def scheduled(self, event: events.ContactScheduled) -> None:
        leg = self._leg(event.contact_id, "SCHEDULED")
        self.need(event.until >= self.at, f"{leg.id} has its time to come")
        leg.until = event.until

    def connected_to_system(self, event: events.ContactConnectedToSystem) -> None:
        leg = self._leg(event.contact_id, "DIALING", "SCHEDULED", "IN_FLOW")
        if leg.stage == "SCHEDULED":
            self.need(leg.until == self.at, f"{leg.id} begins {leg.until}")
        self.need("system" not in leg.at, f"{leg.id} connected once")
        leg.stage, leg.until = "IN_FLOW" if leg.agent is None else "JOINING", None
        leg.at["system"] = self.at

    def entered(self, event: events.FlowEntered) -> None:
        kind = event.flow_type
        leg = self._leg(event.contact_id, *IN_STAGE[kind])
        if kind == "AGENT_WHISPER":
            self.need(leg.phone and event.side == "agent", f"{leg.id}: his phone is up")
        elif kind == "CUSTOMER_WHISPER":
            self.need("dequeued" in leg.at and not leg.plays, f"{leg.id} dequeued")
        elif kind in IN_STAGE and IN_STAGE[kind] == ("IN_FLOW",):
            before = leg.plays.get(event.side)
            self.need(before is None or before.kind == kind, f"{leg.id} goes on as before")
        if kind in HOOKS:
            own = self._hooked(leg, HOOKS[kind])
            flow = self.things["contact_flow"][event.flow_id]
            default = bool(flow.get("IsDefault")) and flow["Type"] == kind
            named = own == event.flow_id if own else default
            self.need(named and HOOKS[kind] not in leg.unhooked, f"{leg.id}: {kind} is {own}")
        leg.owes_clean_up &= kind != CLEANS_UP
        leg.plays[event.side] = Playing(kind, self.at)

    def hooked(self, event: events.HooksSet) -> None:
        leg = self._leg(event.contact_id, *KNOWN)
        leg.hooks |= event.hooks
        off = dict.fromkeys(leg.unhooked, True) | event.disabled
        leg.unhooked = [hook for hook, disabled in off.items() if disabled]

    def module(self, event: events.ModuleEntered | events.ModuleLeft) -> None:
        playing = self._leg(event.contact_id, *KNOWN).plays[event.side]
        playing.asked = playing.until = None

    def stepped(self, event: events.FlowStepped) -> None:
        leg = self._leg(event.contact_id, *KNOWN)
        self.need(event.side in leg.plays, f"{leg.id}: {event.side} in a flow")
        leg.asks += 1
        waits = isinstance(event.ask, WORLD) and event.outcome is None
        playing = leg.plays[event.side]
        playing.asked = leg.asks if waits else None
        length = getattr(event.ask, LIMITS.get(type(event.ask), ""), None)
        playing.until = self.at + length if waits and length is not None else None
        if event.outcome == dialogue.Failed("QueueAtCapacity"):
            target = getattr(event.ask, "queue_id", None) or leg.target
            self.need(not self._room(str(target)), f"{leg.id}: there is room")

    def finished_flow(self, event: events.FlowFinished) -> None:
        leg = self._leg(event.contact_id, *KNOWN)
        self.need(event.side in leg.plays, f"{leg.id}: {event.side} in a flow")
        playing = leg.plays.pop(event.side)
        self.need(event.number == (playing.asked or 0), f"{leg.id} stopped in {playing.asked}")
        if playing.asked is None:
            leg.heard.add(playing.kind)

    def attributes_updated(self, event: events.AttributesUpdated) -> None:
        leg = self._leg(event.contact_id, *KNOWN)
        for each in self._live():
            if each.chain == leg.chain:
                each.attributes |= event.attributes

    def tagged(self, event: events.ContactTagged) -> None:
        leg = self._leg(event.contact_id, *LIVE, "WORKING")
        leg.tags = tagged(leg, event.tags)

    def data_updated(self, event: events.ContactUpdated) -> None:
        leg = self._leg(event.contact_id, *LIVE, "WORKING")
        leg.name = leg.name if event.name is None else event.name
        leg.references |= event.references

    def amended(self, event: events.RecordAmended) -> None:
        leg = self._leg(event.change.contact_id, "FINAL")
        match event.change:
            case events.AttributesUpdated(attributes=attributes):
                leg.attributes |= attributes
            case events.ContactTagged(tags=tags):
                leg.tags = tagged(leg, tags)
            case events.ContactUpdated(name=name, references=references):
                leg.name = leg.name if name is None else name
                leg.references |= references

    def recording_wanted(self, event: events.RecordingBehaviorSet) -> None:
        said = event.behavior["RecordingBehavior"]["RecordedParticipants"]
        self._leg(event.contact_id, *LIVE).recorded_by_flow = bool(said)

    def recorded(self, event: events.RecordingChanged) -> None:
        leg = self._leg(event.contact_id, "TALKING")
        change = leg.recording, event.recording.state
        self.need(change in RECORDED, f"{leg.id} was {leg.recording}")
        self.need(event.resumed == (change == ("SUSPENDED", "RECORDING")), f"{leg.id} resumed")
        leg.recording = event.recording.state

    def stored(self, event: events.RecordingStored) -> None:
        leg = self.legs[event.contact_id]
        if leg.recording != "NONE":
            leg.kept_at = event.location or leg.kept_at

    def ranked(self, event: events.RoutingDataUpdated) -> None:
        leg = self._leg(event.contact_id, *BEFORE_TALKING)
        if event.priority is not None:
            leg.priority = event.priority
        if event.age_adjustment_ms is not None:
            leg.bonus = event.age_adjustment_ms

    def sought(self, event: events.RoutingCriteriaSet) -> None:
        leg = self._leg(event.contact_id, *BEFORE_TALKING)
        if leg.sets:
            leg.sets[-1].end("INTERRUPTED")
        steps = [
            {"expression": each.expression, "length": each.duration_ms, "status": "INACTIVE"}
            for each in event.steps
        ]
        steps = [{**each, "until": None} for each in steps]
        leg.sets.append(Sought(steps, leg.sets[-1].index + 1 if leg.sets else 0))
        del leg.sets[:-3]
        if leg.stage in ("WAITING", "RINGING", "JOINING"):
            self._activate(leg)

    def step_expired(self, event: events.RoutingStepExpired) -> None:
        leg = self._leg(
            event.contact_id, "WAITING", "RINGING", "JOINING", "PAUSED", "DIALING", "SCHEDULED"
        )
        step = leg.step()
        self.need(step is not None, f"{leg.id} has an active step")
        assert step is not None
        self.need(step["until"] == self.at, f"{leg.id}: its step ends {step['until']}")
        step["status"] = "EXPIRED"
        leg.sets[-1].begin(leg.sets[-1].steps.index(step) + 1, self.at)

    def target_set(self, event: events.TargetQueueSet) -> None:
        self._leg(event.contact_id, "IN_FLOW", "DIALING").target = event.queue_id

    def enqueued(self, event: events.ContactEnqueued) -> None:
        leg = self._leg(event.contact_id, "IN_FLOW", "SCHEDULED")
        self.need(event.queue_id == leg.target, f"{leg.id} into {leg.target}")
        self.need(event.channel == leg.channel, f"{leg.id} by {leg.channel}")
        late = leg.stage == "SCHEDULED" and leg.until is not None
        self.need(not late or leg.until == self.at, f"{leg.id} is due {leg.until}")
        room = self._room(event.queue_id, overshoot=late)
        self.need(room or event.direct, f"{leg.id}: {event.queue_id} is full")
        if event.queue_id not in self.people:
            status = self.things["queue"][event.queue_id]["Status"]
            self.need(status == "ENABLED", f"{event.queue_id} is {status}")
        leg.stage, leg.at["enqueued"], leg.number = "WAITING", self.at, self._next()
        leg.until, leg.direct = None, event.direct
        leg.plays.pop("customer", None)
        leg.told.clear()
        for name in ("dequeued", "accepted"):
            leg.at.pop(name, None)
        if leg.sets:
            self._activate(leg)

    def delay_passed(self, event: events.DelayPassed) -> None:
        leg = self._leg(event.contact_id, "WAITING")
        waited = self.at - leg.at["enqueued"]
        self.need(waited == event.delay_ms, f"{leg.id} has waited {waited}")
        self.need(self.at in self._delays_end(leg), f"{leg.id}: somebody's delay")
        self.need(event.delay_ms not in leg.told, f"{leg.id} told once")
        leg.told.add(event.delay_ms)

    def offered(self, event: events.ContactOffered) -> None:
        leg, person = self._leg(event.contact_id, "WAITING"), self.people[event.agent_id]
        self.need(event.until == self.at + RING_MS, f"{leg.id} rings 20 s")
        self.need((event.queue_id, event.channel) == (leg.target, leg.channel), "its own queue")
        by_hand = isinstance(self.command, commands.AssignContact)
        given = by_hand and (leg.id, person.id) == (
            getattr(self.command, "contact_id", None),
            getattr(self.command, "agent_id", None),
        )
        self.need(event.assigned == given, f"{leg.id} by hand: {given}")
        if not given:
            self._is_next(leg, person)
        self.need(leg.in_line(), f"{leg.id} waits to be dialled")
        leg.stage, leg.agent, leg.until = "RINGING", person.id, event.until
        leg.offers += 1
        leg.desk = self._desk(person) if leg.channel == "VOICE" and not leg.agent_first() else None
        self.need(event.desk_phone == leg.desk, f"{leg.desk} rings, not {event.desk_phone}")
        leg.takes_itself = not given and leg.desk is None and self._accepts(person, leg)
        person.holds[leg.id] = "INCOMING" if leg.agent_first() else "CONNECTING"

    def _desk(self, person: Person) -> str | None:
        """The number of an agent who has a desk phone."""
        phone = self.things["user"][person.id].get("PhoneConfig") or {}
        return phone.get("DeskPhoneNumber") if phone.get("PhoneType") == "DESK_PHONE" else None

    def _is_next(self, leg: Leg, person: Person) -> None:
        """This contact comes first for this agent, and this agent for this contact."""
        rank = self._rank(person, leg, sure=False)
        self.need(rank is not None, f"{leg.id} not to {person.id}")
        assert rank is not None
        for other in self._live("WAITING"):
            if not other.in_line():
                continue
            better = self._rank(person, other, sure=True)
            self.need(better is None or better >= rank, f"{other.id} before {leg.id}")
        for each in self.people.values():
            could = self._rank(each, leg, sure=True) is not None
            self.need(not could or each.idle >= person.idle, f"{each.id} before {person.id}")

    def missed(self, event: events.OfferMissed) -> None:
        leg, person = self._leg(event.contact_id, "RINGING"), self.people[event.agent_id]
        self.need(leg.agent == person.id, f"{leg.id} rings at {leg.agent}")
        self.need((event.queue_id, event.channel) == (leg.target, leg.channel), "its own queue")
        declined = leg.desk is not None and isinstance(self.command, commands.LoseAgent)
        if event.reason == "unanswered" and not declined:
            self.need(leg.until == self.at, f"{leg.id} missed at {leg.until}")
        rang = None if leg.desk is None else self.calls.phone(leg)
        self.need(event.leg == rang, f"{rang} is hung up, not {event.leg}")
        leg.phones_lost += leg.desk is not None
        leg.desk = None
        leg.stage, leg.agent, leg.until = "WAITING", None, None
        leg.takes_itself = False
        silent = leg.channel == "VOICE" or event.reason == "unanswered"
        person.holds[leg.id] = "MISSED" if silent else "REJECTED"

    def accepted(self, event: events.ContactAccepted) -> None:
        leg = self._leg(event.contact_id, "RINGING")
        self.need(leg.agent == event.agent_id, f"{leg.id} rings at {leg.agent}")
        profile = self.things["user"][event.agent_id]["RoutingProfileId"]
        self.need(event.routing_profile_id == profile, f"profile {profile}")
        leg.stage, leg.until, leg.at["accepted"] = "JOINING", None, self.at
        leg.phone = leg.channel != "VOICE"
        if leg.agent_first():
            self.people[event.agent_id].holds[leg.id] = "PENDING"

    def phone_up(self, event: events.AgentLegConnected) -> None:
        leg = self._leg(event.contact_id, "JOINING")
        self.need(leg.agent == event.agent_id and not leg.phone, f"{leg.id}: his phone rings")
        leg.phone = True

    def phone_lost(self, event: events.AgentLegLost) -> None:
        leg = self._leg(event.contact_id, "JOINING")
        self.need("dequeued" not in leg.at, f"{leg.id} is in queue")
        self.need((event.queue_id, event.channel) == (leg.target, leg.channel), "its own queue")
        self.people[event.agent_id].holds[leg.id] = "ERROR"
        leg.stage, leg.agent, leg.phone = "WAITING", None, False
        leg.phones_lost += 1
        leg.takes_itself = False
        del leg.at["accepted"]

    def dequeued(self, event: events.ContactDequeued) -> None:
        leg = self._leg(event.contact_id, "JOINING")
        ready = leg.phone or leg.agent_first()
        self.need(ready and not leg.plays, f"{leg.id} out of {list(leg.plays)}")
        self.need("dequeued" not in leg.at, f"{leg.id} dequeued once")
        leg.at["dequeued"] = self.at

    def connected(self, event: events.ContactConnectedToAgent) -> None:
        leg = self._leg(event.contact_id, "JOINING")
        waited = "dequeued" in leg.at or leg.method in ("OUTBOUND", "MONITOR")
        self.need(waited and not leg.plays, f"{leg.id} has heard all")
        self.need(leg.phone and "system" in leg.at, f"{leg.id}: both are there")
        if (
            leg.channel == "VOICE"
            and "dequeued" in leg.at
            and not (leg.agent_first() or leg.unhooked)
        ):
            wanted = {"AGENT_WHISPER", "CUSTOMER_WHISPER"}
            self.need(wanted <= leg.heard, f"{leg.id} has heard {leg.heard}")
        self.need(leg.agent == event.agent_id, f"{leg.id} accepted by {leg.agent}")
        if leg.sets:
            leg.sets[-1].end("JOINED")
        leg.stage, leg.until, leg.at["talking"] = "TALKING", None, self.at
        self.people[event.agent_id].holds[leg.id] = "CONNECTED"

    def held(self, event: events.ContactHeld) -> None:
        leg = self._leg(event.contact_id, "TALKING")
        self.need(leg.held_since is None, f"{leg.id} held once")
        leg.held_since = self.at
        self.people[str(leg.agent)].holds[leg.id] = "CONNECTED_ONHOLD"

    def resumed(self, event: events.ContactResumed) -> None:
        leg = self._leg(event.contact_id, "TALKING")
        self._end_hold(leg)
        self.people[str(leg.agent)].holds[leg.id] = "CONNECTED"

    def _end_hold(self, leg: Leg) -> None:
        self.need(leg.held_since is not None, f"{leg.id} on hold")
        assert leg.held_since is not None
        leg.holds.append(self.at - leg.held_since)
        leg.held_since = None

    def paused(self, event: events.TaskPaused) -> None:
        leg = self._leg(event.contact_id, "WAITING", "TALKING")
        self.need(leg.channel == "TASK" and leg.held_since is None, f"{leg.id} can be put aside")
        self.need(event.agent_id == leg.agent, f"{leg.id} stays with {leg.agent}")
        leg.stage, leg.paused = "PAUSED", self.at
        if leg.agent is not None:
            self.people[leg.agent].holds[leg.id] = "PAUSED"

    def goes_on(self, event: events.TaskResumed) -> None:
        leg = self._leg(event.contact_id, "PAUSED")
        self.need(event.agent_id == leg.agent, f"{leg.id} back with {leg.agent}")
        self.need(event.enqueued_at == leg.at["enqueued"], f"{leg.id} at its old place")
        self._end_pause(leg)
        leg.stage = "WAITING" if leg.agent is None else "TALKING"
        if leg.agent is not None:
            self.people[leg.agent].holds[leg.id] = "CONNECTED"

    def _end_pause(self, leg: Leg) -> None:
        if leg.paused is not None:
            leg.pauses.append(self.at - leg.paused)
            leg.paused = None

    def expiry_set(self, event: events.ExpirySet) -> None:
        leg = self._leg(event.contact_id, *LIVE)
        self.need(event.at >= self.at, f"{leg.id} lives until now at least")
        leg.expires = event.at

    def dialled(self, event: events.CustomerDialled) -> None:
        leg = self._leg(event.contact_id, "JOINING")
        self.need(leg.agent == event.agent_id and leg.phone, f"{leg.id}: his phone is up")
        self.need("system" not in leg.at, f"{leg.id} dialled before he is there")
        self.need(event.until == self.at + 60 * SECOND, f"{leg.id} rings for a minute")
        leg.stage, leg.until = "DIALING", event.until
        if leg.plan is not None:
            leg.tried += 1
            self.need(leg.tried <= leg.plan.attempts, f"{leg.id} tried {leg.tried} times")
            if leg.tried > 1:
                leg.customer = f"{leg.id}.{leg.tried}"
        self.people[event.agent_id].holds[leg.id] = "CONNECTING"

    def unanswered(self, event: events.CallbackUnanswered) -> None:
        leg = self._leg(event.contact_id, "JOINING", "DIALING")
        self.need(leg.agent_first() and leg.agent == event.agent_id, f"{leg.id} of {leg.agent}")
        self.need(leg.tried < leg.plan.attempts, f"{leg.id} tried {leg.tried} times")
        self.need(event.until == self.at + leg.plan.retry_ms, f"{leg.id} tried again in time")
        leg.stage, leg.until, leg.agent, leg.phone = "SCHEDULED", event.until, None, False
        leg.phones_lost += 1
        leg.plays.pop("agent", None)
        self.people[event.agent_id].holds[leg.id] = "ERROR"

    def customer_passed(self, event: events.CustomerPassed) -> None:
        leg, heir = self._leg(event.contact_id, *LIVE), self._leg(event.next_contact_id, *LIVE)
        self.need(leg.channel == heir.channel == "VOICE", "a customer is passed on in calls")
        if heir.method != "MONITOR":
            leg.at["passed"] = self.at
        heir.customer, leg.heir = leg.customer, heir.id
        run = heir.plays.get("customer")
        if self.calls.waits(heir) and run is not None and run.asked is not None:
            heir.asks += 1
            run.asked = heir.asks  # asked of somebody else

    def third_joined(self, event: events.PartyJoined) -> None:
        leg = self._leg(event.contact_id, "IN_FLOW")
        self.need(leg.method == "EXTERNAL_OUTBOUND", f"{leg.id} was dialled")
        leg.stage = "THIRD"

    def presence(self, event: events.AgentPresenceChanged) -> None:
        person = self.people[event.agent_id]
        self.need(person.vanished == event.present, f"{person.id}: that is news")
        person.vanished = not event.present

    def ended(self, event: events.ContactEnded) -> None:
        leg = self._leg(event.contact_id, *LIVE)
        self.need(leg.stage != "RINGING", f"{leg.id} rings no more")
        before = {"WAITING": "IN_QUEUE", "TALKING": "CONNECTED"}.get(leg.stage, "IN_FLOW")
        if leg.stage == "JOINING" and "enqueued" in leg.at:
            before = "IN_QUEUE"
        if leg.stage == "PAUSED":
            before = "IN_QUEUE" if leg.agent is None else "CONNECTED"
        if leg.held_since is not None:
            before = "CONNECTED_ONHOLD"
            self._end_hold(leg)
        self._end_pause(leg)
        self.need(event.pre_disconnect_state == before, f"{leg.id} was {before}")
        if event.reason == "TELECOM_TIMEOUT" and leg.stage == "DIALING":
            self.need(leg.until == self.at, f"{leg.id} dialled until {leg.until}")
        if event.reason == "EXPIRED":
            self.need(leg.expires == self.at, f"{leg.id} lives until {leg.expires}")
        if leg.token is not None:
            del self.tokens[leg.token]
        if leg.sets:
            leg.sets[-1].end("DEACTIVATED")
        leg.reason, leg.before_end = event.reason, before
        leg.at["ended"], leg.until = self.at, None
        leg.plays.clear()
        leg.owes_clean_up = self._cleans_up(leg)
        if "talking" in leg.at:
            leg.stage = "WORKING"
            limit = self._work_limit(self.people[str(leg.agent)], leg)
            leg.until = self.at + limit * SECOND if limit else None
            self.people[str(leg.agent)].holds[leg.id] = "ENDED"
        else:
            if leg.stage in ("JOINING", "DIALING") and leg.agent is not None:
                self.people[leg.agent].holds[leg.id] = "ERROR"
            leg.stage = "OVER"

    def _cleans_up(self, leg: Leg) -> bool:
        """Whether it is sure that the disconnect flow runs for nobody now: all others have gone."""
        first = leg.method in ("INBOUND", "API", "CALLBACK") and "system" in leg.at
        alone = first and not leg.next and leg.channel in ("VOICE", "CHAT", "TASK")
        return alone and self._hooked(leg, "CustomerRemaining") is not None

    def cleared(self, event: events.ContactCleared) -> None:
        person = self.people[event.agent_id]
        state = person.holds.pop(event.contact_id, None)
        self.need(state in ("ENDED", *BLOCKED), f"{person.id} rid of what is {state}")
        timer = self._profile(person).get("AgentAvailabilityTimer")
        made = state == "ENDED" and self.legs[event.contact_id].method in OUTBOUND
        if timer != "TIME_SINCE_LAST_INBOUND" or not made:
            person.idle = (self.at, self._next())
        if state == "ENDED":
            leg = self._leg(event.contact_id, "WORKING")
            leg.stage, leg.until, leg.at["cleared"] = "OVER", None, self.at

    def completed(self, event: events.ContactCompleted) -> None:
        final = event.contact
        leg = self._leg(final.id, "OVER")
        self.need(not leg.plays, f"{leg.id}: its flow is over")
        self.need(not leg.owes_clean_up, f"{leg.id} cleans up")
        at, talked = leg.at.get, "talking" in leg.at
        wanted = {
            "channel": leg.channel,
            "initiated_at": at("initiated"),
            "connected_to_system_at": at("system"),
            "queue_id": leg.target,
            "enqueued_at": at("enqueued"),
            "dequeued_at": at("dequeued") or (at("ended") if at("enqueued") else None),
            "initial_contact_id": None if leg.before is None else leg.chain,
            "previous_contact_id": leg.before,
            "next_contacts": leg.next,
            "next_contact_id": leg.heir or (leg.next[0] if leg.next else None),
            "transfer_completed_at": at("passed"),
            "pauses": len(leg.pauses),
            "pause_ms": sum(leg.pauses),
            "expires_at": leg.expires,
            "customer_number": leg.number_called,
            "accepted_at": at("accepted"),
            "connected_to_agent_at": at("talking"),
            "disconnected_at": at("ended"),
            "after_contact_work_started_at": at("ended") if talked else None,
            "after_contact_work_ended_at": at("cleared"),
            "agent_id": leg.agent,
            "runs": {},
            "timers": {},
            "offers": leg.offers,
            "holds": len(leg.holds),
            "hold_ms": sum(leg.holds),
            "longest_hold_ms": max(leg.holds, default=0),
            "disconnect_reason": leg.reason,
            "pre_disconnect_state": leg.before_end,
            "attributes": leg.attributes,
            "tags": leg.tags,
            "name": leg.name,
            "references": leg.references,
            "priority": leg.priority,
            "age_adjustment_ms": leg.bonus,
        }
        steps = [[step["status"] for step in each.steps] for each in leg.sets]
        told = [[step.status for step in each.steps] for each in final.criteria]
        self.need(steps == told, f"{leg.id} sought {steps}, not {told}")
        for name, value in wanted.items():
            told = getattr(final, name)
            self.need(told == value, f"{leg.id}.{name} {value}, not {told}")
        leg.stage = "FINAL"
        self.final.add(leg.id)

    # What happened: agents

    def status_changed(self, event: events.AgentStatusChanged) -> None:
        person = self.people[event.agent_id]
        kind = self.things["agent_status"][event.status_id]["Type"]
        self.need(event.status_type == kind, f"{event.status_id} is {kind}")
        busy = [state for state in person.holds.values() if state != "PAUSED"]
        self.need(not busy, f"{person.id} free, not {person.holds}")
        person.status, person.routable, person.next_status = (
            event.status_id,
            kind == "ROUTABLE",
            None,
        )
        person.idle = (self.at, self._next())

    def next_status_changed(self, event: events.NextStatusChanged) -> None:
        self.people[event.agent_id].next_status = event.status_id

    def _work_limit(self, person: Person, leg: Leg) -> int:
        user = self.things["user"][person.id]
        limit = (user.get("PhoneConfig") or {}).get("AfterContactWorkTimeLimit")
        for each in user.get("AfterContactWorkConfigs") or ():
            if each["Channel"] == leg.channel:
                own = each.get("AgentFirstCallbackAfterContactWorkConfig")
                config = own if own and leg.agent_first() else each["AfterContactWorkConfig"]
                limit = config["AfterContactWorkTimeLimit"]
        return limit or 0

    def _accepts(self, person: Person, leg: Leg) -> bool:
        user = self.things["user"][person.id]
        callback = leg.agent_first()
        accepts = not callback and (user.get("PhoneConfig") or {}).get("AutoAccept")
        for each in user.get("AutoAcceptConfigs") or ():
            if each["Channel"] == leg.channel:
                accepts = each.get("AgentFirstCallbackAutoAccept" if callback else "AutoAccept")
        return bool(accepts)


def tagged(leg: Leg, tags: dict[str, str | None]) -> dict[str, str]:
    """The tags of a contact, and these; None takes one away."""
    return {key: value for key, value in {**leg.tags, **tags}.items() if value is not None}


BEFORE_TALKING = (
    "SCHEDULED",
    "DIALING",
    "IN_FLOW",
    "WAITING",
    "RINGING",
    "JOINING",
    "THIRD",
    "PAUSED",
)
LIVE = (*BEFORE_TALKING, "TALKING")
KNOWN = (*LIVE, "WORKING", "OVER")

BORN = {
    "INBOUND": ("IN_FLOW",),
    "API": ("DIALING", "IN_FLOW", "SCHEDULED"),
    "OUTBOUND": ("ACCEPTED",),
    "MONITOR": ("ACCEPTED",),
    "TRANSFER": ("IN_FLOW",),
    "QUEUE_TRANSFER": ("IN_FLOW",),
    "DISCONNECT": ("IN_FLOW",),
    "EXTERNAL_OUTBOUND": ("DIALING",),
    "CALLBACK": ("SCHEDULED",),
    "CALLBACK_CUSTOMER_FIRST_QUEUED": ("SCHEDULED",),
    "CALLBACK_CUSTOMER_FIRST_DIALED": ("DIALING",),
}
"""How a contact begins, to where it is then."""

FIRST = ("INBOUND", "API", "OUTBOUND")
"""How a contact begins that need not come after another."""

TAKES_CUSTOMER = ("QUEUE_TRANSFER", "DISCONNECT")
"""How a contact begins that has its predecessor's customer at once."""

STAYS = ("DISCONNECT", "TRANSFER", "QUEUE_TRANSFER", "EXTERNAL_OUTBOUND", "MONITOR")
"""How a call began that cannot be stopped."""


def _ending(leg: Leg, reason: str) -> list[Said]:
    end = ("ContactEnded", leg.id, reason)
    if leg.stage == "RINGING":
        return [("OfferMissed", leg.id, str(leg.agent), "customer_left"), end]
    return [end]


def brief(event: events.Event) -> Said:
    """An event in the words in which it is expected."""
    names = ("contact_id", "agent_id", "reason", "status_id")
    said = (
        type(event).__name__,
        *(str(getattr(event, name)) for name in names if hasattr(event, name)),
    )
    return said[:3] if said[0] in SHORT else said


SHORT = ("ContactConnectedToAgent", "ContactCleared", "ContactOffered")

Saying = Callable[[Leg, str], Said]

AGENT_COMMANDS: dict[type, tuple[tuple[str, ...], Saying]] = {
    commands.AcceptContact: (
        RINGS,
        lambda leg, agent: ("ContactAccepted", leg.id, agent),
    ),
    commands.RejectContact: (
        RINGS,
        lambda leg, agent: ("OfferMissed", leg.id, agent, "rejected"),
    ),
    commands.HoldContact: (("CONNECTED",), lambda leg, _: ("ContactHeld", leg.id)),
    commands.ResumeContact: (("CONNECTED_ONHOLD",), lambda leg, _: ("ContactResumed", leg.id)),
    commands.LeaveContact: (
        (*TALKING, "CONNECTING", "PENDING"),
        lambda leg, _: ("ContactEnded", leg.id, "AGENT_DISCONNECT"),
    ),
    commands.FinishTask: (
        (*TALKING, "PAUSED"),
        lambda leg, _: ("ContactEnded", leg.id, "AGENT_COMPLETED"),
    ),
    commands.ClearContact: (
        ("ENDED", *BLOCKED),
        lambda leg, agent: ("ContactCleared", leg.id, agent),
    ),
}
"""In which state of the contact an agent may ask for something, and what then happens."""

RECORDED = {
    ("NONE", "RECORDING"),
    ("RECORDING", "SUSPENDED"),
    ("SUSPENDED", "RECORDING"),
    ("RECORDING", "STOPPED"),
    ("SUSPENDED", "STOPPED"),
}
"""What becomes of a recording."""

EXPECTED: dict[type, Callable[[Auditor, Any], Expected]] = {
    **dict.fromkeys(AGENT_COMMANDS, Auditor._of_agent),
    commands.SetAgentStatus: Auditor._status,
    **dict.fromkeys(
        (
            commands.StartOutboundContact,
            commands.StartTask,
            commands.StartChat,
            commands.MonitorContact,
        ),
        Auditor._once,
    ),
    commands.DialOut: Auditor._dials,
    commands.KeepRecording: Auditor._keeps,
    commands.DropRecording: Auditor._drops,
    commands.LoseRecording: Auditor._loses,
    commands.MeasureSound: Auditor._measures,
    commands.PauseTask: Auditor._pauses,
    commands.ResumeTask: Auditor._goes_on,
    commands.SetExpiry: Auditor._lives,
    commands.TransferTask: Auditor._handed_on,
    commands.AgentVanished: Auditor._vanished,
    commands.AgentReturned: Auditor._vanished,
    **dict.fromkeys(CONTROLS, lambda auditor, command: auditor.calls.expected(command)),
    **dict.fromkeys(WRITTEN, lambda auditor, command: auditor.chats.expected(command)),
    commands.ConnectSystem: Auditor._connect,
    commands.StopContact: Auditor._stop,
    commands.LoseChannel: Auditor._lose,
    commands.LoseAgent: Auditor._lose_agent,
    commands.ConnectAgent: Auditor._phone_is_up,
    commands.UpdateAttributes: Auditor._attributes,
    commands.TagContact: Auditor._tags,
    commands.UpdateContact: Auditor._data,
    commands.UpdateRoutingData: Auditor._routing,
    commands.AssignContact: Auditor._assigned,
    commands.ExpireRecords: lambda _, __: [("RecordsExpired",)],
    commands.Hear: Auditor._hear,
    commands.Expire: Auditor._expire,
}

HAPPENED: dict[type, Callable[[Auditor, Any], None]] = {
    events.InstanceUpdated: Auditor.set_up,
    events.ResourceCreated: Auditor.created,
    events.ResourceUpdated: Auditor.updated,
    events.ResourceDeleted: Auditor.deleted,
    events.ContactInitiated: Auditor.initiated,
    events.ContactSucceeded: Auditor.succeeded,
    events.ContactScheduled: Auditor.scheduled,
    events.HooksSet: Auditor.hooked,
    events.TaskPaused: Auditor.paused,
    events.TaskResumed: Auditor.goes_on,
    events.ExpirySet: Auditor.expiry_set,
    events.CustomerDialled: Auditor.dialled,
    events.CallbackUnanswered: Auditor.unanswered,
    events.CustomerPassed: Auditor.customer_passed,
    events.PartyJoined: Auditor.third_joined,
    events.AgentPresenceChanged: Auditor.presence,
    events.ContactConnectedToSystem: Auditor.connected_to_system,
    events.FlowEntered: Auditor.entered,
    events.ModuleEntered: Auditor.module,
    events.ModuleLeft: Auditor.module,
    events.FlowStepped: Auditor.stepped,
    events.FlowFinished: Auditor.finished_flow,
    events.ContactAccepted: Auditor.accepted,
    events.AgentLegConnected: Auditor.phone_up,
    events.AgentLegLost: Auditor.phone_lost,
    events.ContactDequeued: Auditor.dequeued,
    events.AttributesUpdated: Auditor.attributes_updated,
    events.ContactTagged: Auditor.tagged,
    events.ContactUpdated: Auditor.data_updated,
    events.RoutingDataUpdated: Auditor.ranked,
    events.RoutingCriteriaSet: Auditor.sought,
    events.RoutingStepExpired: Auditor.step_expired,
    events.RecordAmended: Auditor.amended,
    events.RecordingBehaviorSet: Auditor.recording_wanted,
    events.RecordingChanged: Auditor.recorded,
    events.RecordingStored: Auditor.stored,
    events.TargetQueueSet: Auditor.target_set,
    events.ContactEnqueued: Auditor.enqueued,
    events.DelayPassed: Auditor.delay_passed,
    events.ContactOffered: Auditor.offered,
    events.OfferMissed: Auditor.missed,
    events.ContactConnectedToAgent: Auditor.connected,
    events.ContactHeld: Auditor.held,
    events.ContactResumed: Auditor.resumed,
    events.ContactEnded: Auditor.ended,
    events.ContactCleared: Auditor.cleared,
    events.ContactCompleted: Auditor.completed,
    events.AgentStatusChanged: Auditor.status_changed,
    events.NextStatusChanged: Auditor.next_status_changed,
}
"""What has no row changes nothing of this picture."""
