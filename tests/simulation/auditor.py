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

Sources: behaviour specification, sections 2.3, 3.2, 3.3, 4.1-4.3, 5.4 and 9.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain import commands, dialogue, events

RING_MS = 20_000
AGENT_QUEUE_MAX = 10
ATTRIBUTES_MAX = 32_768
TAGS_MAX = 6
REFERENCES_MAX = 50

TALKING = ("CONNECTED", "CONNECTED_ONHOLD")
BLOCKED = ("MISSED", "REJECTED", "ERROR")
ENGAGED = ("CONNECTING", *TALKING)

Rank = tuple[int, int, int, int, int]
Said = tuple[str, ...]
Refused = Literal["refused"]


class Disagreement(AssertionError):
    """What happened is not what should have happened."""


@dataclass
class Leg:
    """A contact, as far as events have told."""

    id: str
    channel: str
    number: int
    stage: str  # DIALING IN_FLOW WAITING RINGING TALKING WORKING OVER FINAL
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
    waits_for_world: bool = False
    takes_itself: bool = False


@dataclass
class Person:
    """An agent, as far as events have told."""

    id: str
    status: str
    routable: bool = False
    next_status: str | None = None
    idle: tuple[Instant, int] = (0, 0)
    holds: dict[str, str] = field(default_factory=dict)


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
        self.command: object = None

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
        if expected is not None:
            self._need(expected != "refused", f"refused, not {said}")
            self._need(said[: len(expected)] == expected, f"{expected}, not {said}")
            self._need(bool(expected) or not said, f"nothing, not {said}")
        if isinstance(command, commands.StartOutboundContact) and not happened:
            known = self.tokens.get(command.client_token or "")
            self._need(answer == known, f"answer {known}, not {answer}")
        for event in happened:
            HAPPENED[type(event)](self, event)
        self._after()

    def refused(self, command: commands.Command) -> None:
        """A command was refused; those that the directory refuses are not our business."""
        self.command = command
        expected = self._expected(command)
        self._need(expected in (None, "refused"), f"{expected}, not a refusal")

    def finished(self) -> None:
        """Everything that began is over, once."""
        live = {leg.id: leg.stage for leg in self._live()}
        self._need(not live, f"all over, not {live}")
        self._need(self.final == set(self.legs), "each leg completed once")
        held = {person.id: person.holds for person in self.people.values() if person.holds}
        self._need(not held, f"all slots free, not {held}")

    def _need(self, right: bool, wanted: str) -> None:
        if not right:
            raise Disagreement(f"at {self.at}, {self.command}: {wanted}")

    # What a command must lead to first; []: nothing at all; None: no opinion

    def _expected(self, command: commands.Command) -> list[Said] | Refused | None:
        expect = EXPECTED.get(type(command))
        return expect(self, command) if expect else None

    def _of_agent(self, command: Any) -> list[Said] | Refused:
        states, said = AGENT_COMMANDS[type(command)]
        person = self.people.get(command.agent_id)
        state = person.holds.get(command.contact_id) if person else None
        if state not in states:
            return "refused"
        leg = self.legs[command.contact_id]
        return [said(leg, command.agent_id)]

    def _status(self, command: commands.SetAgentStatus) -> list[Said] | Refused:
        status = self.things["agent_status"].get(command.status_id)
        person = self.people.get(command.agent_id)
        if person is None or status is None or status["State"] != "ENABLED":
            return "refused"
        if any(state in ENGAGED for state in person.holds.values()):
            wanted = None if command.status_id == person.status else command.status_id
            if wanted == person.next_status:
                return []
            return [("NextStatusChanged", person.id, str(wanted))]
        cleared = [("ContactCleared", contact, person.id) for contact in person.holds]
        if command.status_id != person.status:
            return [*cleared, ("AgentStatusChanged", person.id, command.status_id)]
        if person.next_status is not None:
            return [*cleared, ("NextStatusChanged", person.id, "None")]
        return cleared

    def _outbound(self, command: commands.StartOutboundContact) -> list[Said] | None:
        if command.client_token in self.tokens:
            return []
        return None

    def _connect(self, command: commands.ConnectSystem) -> list[Said]:
        leg = self.legs.get(command.contact_id)
        if leg is None or leg.stage != "DIALING":
            return []
        return [("ContactConnectedToSystem", leg.id)]

    def _stop(self, command: commands.StopContact) -> list[Said] | Refused:
        leg = self.legs.get(command.contact_id)
        if leg is None or leg.stage not in LIVE:
            return "refused"
        return _ending(leg, "OTHER" if leg.channel == "VOICE" else "API")

    def _lose(self, command: commands.LoseChannel) -> list[Said]:
        leg = self.legs.get(command.contact_id)
        return _ending(leg, command.reason) if leg and leg.stage in LIVE else []

    def _lose_agent(self, command: commands.LoseAgent) -> list[Said]:
        leg = self.legs.get(command.contact_id)
        return _ending(leg, "AGENT_DISCONNECT") if leg and leg.stage == "TALKING" else []

    def _attributes(self, command: commands.UpdateAttributes) -> list[Said] | Refused:
        leg = self._kept(command)
        if leg is None:
            return "refused"
        pairs = {**leg.attributes, **command.attributes}.items()
        if sum(len(f"{key}{value}".encode()) for key, value in pairs) > ATTRIBUTES_MAX:
            return "refused"
        return self._amended(leg, "AttributesUpdated")

    def _tags(self, command: commands.TagContact) -> list[Said] | Refused:
        leg = self._kept(command)
        if leg is None or len(tagged(leg, command.tags)) > TAGS_MAX:
            return "refused"
        return self._amended(leg, "ContactTagged")

    def _data(self, command: commands.UpdateContact) -> list[Said] | Refused:
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
            self._need(told == known, f"a record that says {known}")
        return leg if record is not None else None

    def _amended(self, leg: Leg, kind: str) -> list[Said]:
        return [("RecordAmended",)] if leg.stage == "FINAL" else [(kind, leg.id)]

    def _routing(self, command: commands.UpdateRoutingData) -> list[Said] | Refused:
        leg = self.legs.get(command.contact_id)
        if leg is None or leg.stage not in ("DIALING", "IN_FLOW", "WAITING", "RINGING"):
            return "refused"
        return [("RoutingDataUpdated", leg.id)]

    def _hear(self, command: commands.Hear) -> list[Said]:
        leg = self.legs.get(command.contact_id)
        if leg is None or not leg.waits_for_world or leg.asks != command.ask:
            return []
        return [("FlowStepped", leg.id)]

    def _expire(self, _command: commands.Expire) -> list[Said] | None:
        """A delay that ends now may come before or after; else the earliest deadline."""
        due = [leg for leg in self._live() if leg.until is not None and leg.until <= self.at]
        if any(self.at in self._delays_end(leg) for leg in self._live("WAITING")):
            return None
        if not due:
            return []
        leg = min(due, key=lambda each: (each.until, each.number))
        if leg.stage == "DIALING":
            return _ending(leg, "TELECOM_TIMEOUT")
        if leg.stage == "RINGING":
            return [("OfferMissed", leg.id, str(leg.agent), "unanswered")]
        return [("ContactCleared", leg.id, str(leg.agent))]

    # What must be so when time moves on, and after every command

    def _time_moves(self, at: Instant) -> None:
        self.at = at - 1
        for leg in self._live():
            late = leg.until is not None and leg.until <= self.at
            self._need(not late, f"{leg.id}: {leg.stage} ended at {leg.until}")
        self._nobody_waits(sure=False)
        self.at = at

    def _after(self) -> None:
        self._nobody_waits(sure=True)
        for leg in self.legs.values():
            self._need(leg.stage != "OVER", f"{leg.id} completed")
            idle = leg.stage == "IN_FLOW" and not leg.waits_for_world
            self._need(not idle, f"{leg.id}: its flow waits for somebody")
            self._need(not (leg.takes_itself and leg.stage == "RINGING"), f"{leg.id} accepted")
        for person in self.people.values():
            late = person.next_status is not None and not person.holds
            self._need(not late, f"{person.id}: next status in effect")

    def _nobody_waits(self, *, sure: bool) -> None:
        for leg in self._live("WAITING"):
            for person in self.people.values():
                could = self._rank(person, leg, sure=sure) is not None
                self._need(not could, f"{leg.id} offered to {person.id}")

    # Routing

    def _rank(self, person: Person, leg: Leg, *, sure: bool) -> Rank | None:
        """Where the waiting contact stands among all for this agent; None: he cannot take it."""
        if not self._can_take(person, leg.channel):
            return None
        rest = leg.priority, leg.at["enqueued"] - leg.bonus, leg.number
        if leg.target == person.id:
            return (0, 0, *rest)
        for row in self._profile(person).get("QueueConfigs") or ():
            reference, delay = row["QueueReference"], row["Delay"] * SECOND
            if (reference["QueueId"], reference["Channel"]) == (leg.target, leg.channel):
                waited = self.at - leg.at["enqueued"]
                over = waited > delay or delay in leg.told or delay == 0
                if over or (waited == delay and not sure):
                    return (1, row["Priority"], *rest)
        return None

    def _can_take(self, person: Person, channel: str) -> bool:
        if not person.routable or person.next_status is not None:
            return False
        if any(state in BLOCKED for state in person.holds.values()):
            return False
        media = {each["Channel"]: each for each in self._profile(person)["MediaConcurrencies"]}
        busy = [self.legs[contact].channel for contact in person.holds]
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
        return sum(leg.target == queue_id for leg in self._live("WAITING", "RINGING"))

    def _room(self, queue_id: str) -> bool:
        if queue_id in self.people:
            return self._queued(queue_id) < AGENT_QUEUE_MAX
        most = self.things["queue"][queue_id].get("MaxContacts")
        return most is None or self._queued(queue_id) < most

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _leg(self, contact_id: str, *stages: str) -> Leg:
        leg = self.legs.get(contact_id)
        self._need(leg is not None, f"{contact_id} known")
        assert leg is not None
        self._need(leg.stage in stages, f"{contact_id} {' or '.join(stages)}, not {leg.stage}")
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
            self._need(not self.people.pop(event.id).holds, "no contact when a user goes")

    def nothing(self, _event: object) -> None:
        """Of no consequence to the picture."""

    # What happened: contacts

    def initiated(self, event: events.ContactInitiated) -> None:
        born = event.contact
        known = self.legs.get(born.id)
        self._need(known is None or known.stage == "FINAL", f"{born.id} begun once")
        self.legs[born.id] = leg = Leg(
            born.id,
            born.channel,
            self._next(),
            born.stage,
            {"initiated": self.at},
            born.priority,
            born.age_adjustment_ms,
            born.queue_id,
            born.client_token,
            dict(born.attributes),
        )
        self._need(born.initiated_at == self.at, "initiated now")
        asked = self.command
        if isinstance(asked, commands.StartOutboundContact):
            wanted = (asked.client_token, asked.to, asked.attributes, "API", "DIALING")
        else:
            assert isinstance(asked, commands.StartInboundContact)
            wanted = (None, asked.from_number, {}, "INBOUND", "IN_FLOW")
            self._need((born.id, born.channel) == (asked.contact_id, asked.channel), "who came")
        told = (born.client_token, born.customer_number, born.attributes)
        self._need((*told, born.initiation_method, born.stage) == wanted, f"born as {wanted}")
        self.final.discard(born.id)
        if born.stage == "DIALING":
            leg.until = self.at + event.dial_ms
        else:
            leg.at["system"] = self.at
        if leg.token is not None:
            self._need(leg.token not in self.tokens, f"one contact for {leg.token}")
            self.tokens[leg.token] = leg.id

    def connected_to_system(self, event: events.ContactConnectedToSystem) -> None:
        leg = self._leg(event.contact_id, "DIALING")
        leg.stage, leg.until, leg.at["system"] = "IN_FLOW", None, self.at

    def entered(self, event: events.FlowEntered | events.ModuleEntered | events.ModuleLeft) -> None:
        leg = self._leg(event.contact_id, "IN_FLOW")
        leg.waits_for_world = False

    def stepped(self, event: events.FlowStepped) -> None:
        leg = self._leg(event.contact_id, "IN_FLOW")
        leg.asks += 1
        world = isinstance(event.ask, dialogue.Play | dialogue.Gather | dialogue.Invoke)
        leg.waits_for_world = world and event.outcome is None
        if event.outcome == dialogue.Failed("QueueAtCapacity"):
            self._need(not self._room(str(leg.target)), f"{leg.id}: there is room")

    def attributes_updated(self, event: events.AttributesUpdated) -> None:
        leg = self._leg(event.contact_id, *LIVE, "WORKING")
        leg.attributes |= event.attributes

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

    def ranked(self, event: events.RoutingDataUpdated) -> None:
        leg = self._leg(event.contact_id, "DIALING", "IN_FLOW", "WAITING", "RINGING")
        if event.priority is not None:
            leg.priority = event.priority
        if event.age_adjustment_ms is not None:
            leg.bonus = event.age_adjustment_ms

    def target_set(self, event: events.TargetQueueSet) -> None:
        self._leg(event.contact_id, "IN_FLOW").target = event.queue_id

    def enqueued(self, event: events.ContactEnqueued) -> None:
        leg = self._leg(event.contact_id, "IN_FLOW")
        self._need(event.queue_id == leg.target, f"{leg.id} into {leg.target}")
        self._need(event.channel == leg.channel, f"{leg.id} by {leg.channel}")
        self._need(self._room(event.queue_id), f"{leg.id}: {event.queue_id} is full")
        if event.queue_id not in self.people:
            status = self.things["queue"][event.queue_id]["Status"]
            self._need(status == "ENABLED", f"{event.queue_id} is {status}")
        leg.stage, leg.at["enqueued"], leg.number = "WAITING", self.at, self._next()
        leg.waits_for_world = False

    def delay_passed(self, event: events.DelayPassed) -> None:
        leg = self._leg(event.contact_id, "WAITING")
        waited = self.at - leg.at["enqueued"]
        self._need(waited == event.delay_ms, f"{leg.id} has waited {waited}")
        self._need(self.at in self._delays_end(leg), f"{leg.id}: somebody's delay")
        self._need(event.delay_ms not in leg.told, f"{leg.id} told once")
        leg.told.add(event.delay_ms)

    def offered(self, event: events.ContactOffered) -> None:
        leg, person = self._leg(event.contact_id, "WAITING"), self.people[event.agent_id]
        self._need(event.until == self.at + RING_MS, f"{leg.id} rings 20 s")
        self._need((event.queue_id, event.channel) == (leg.target, leg.channel), "its own queue")
        rank = self._rank(person, leg, sure=False)
        self._need(rank is not None, f"{leg.id} not to {person.id}")
        assert rank is not None
        for other in self._live("WAITING"):
            better = self._rank(person, other, sure=True)
            self._need(better is None or better >= rank, f"{other.id} before {leg.id}")
        for each in self.people.values():
            could = self._rank(each, leg, sure=True) is not None
            self._need(not could or each.idle >= person.idle, f"{each.id} before {person.id}")
        leg.stage, leg.agent, leg.until = "RINGING", person.id, event.until
        leg.offers += 1
        leg.takes_itself = self._accepts(person, leg.channel)
        person.holds[leg.id] = "CONNECTING"

    def missed(self, event: events.OfferMissed) -> None:
        leg, person = self._leg(event.contact_id, "RINGING"), self.people[event.agent_id]
        self._need(leg.agent == person.id, f"{leg.id} rings at {leg.agent}")
        self._need((event.queue_id, event.channel) == (leg.target, leg.channel), "its own queue")
        if event.reason == "unanswered":
            self._need(leg.until == self.at, f"{leg.id} missed at {leg.until}")
        leg.stage, leg.agent, leg.until = "WAITING", None, None
        leg.takes_itself = False
        person.holds[leg.id] = "MISSED"

    def connected(self, event: events.ContactConnectedToAgent) -> None:
        leg = self._leg(event.contact_id, "RINGING")
        self._need(leg.agent == event.agent_id, f"{leg.id} rings at {leg.agent}")
        profile = self.things["user"][event.agent_id]["RoutingProfileId"]
        self._need(event.routing_profile_id == profile, f"profile {profile}")
        leg.stage, leg.until, leg.at["talking"] = "TALKING", None, self.at
        self.people[event.agent_id].holds[leg.id] = "CONNECTED"

    def held(self, event: events.ContactHeld) -> None:
        leg = self._leg(event.contact_id, "TALKING")
        self._need(leg.held_since is None, f"{leg.id} held once")
        leg.held_since = self.at
        self.people[str(leg.agent)].holds[leg.id] = "CONNECTED_ONHOLD"

    def resumed(self, event: events.ContactResumed) -> None:
        leg = self._leg(event.contact_id, "TALKING")
        self._end_hold(leg)
        self.people[str(leg.agent)].holds[leg.id] = "CONNECTED"

    def _end_hold(self, leg: Leg) -> None:
        self._need(leg.held_since is not None, f"{leg.id} on hold")
        assert leg.held_since is not None
        leg.holds.append(self.at - leg.held_since)
        leg.held_since = None

    def ended(self, event: events.ContactEnded) -> None:
        leg = self._leg(event.contact_id, "DIALING", "IN_FLOW", "WAITING", "TALKING")
        before = {"WAITING": "IN_QUEUE", "TALKING": "CONNECTED"}.get(leg.stage, "IN_FLOW")
        if leg.held_since is not None:
            before = "CONNECTED_ONHOLD"
            self._end_hold(leg)
        self._need(event.pre_disconnect_state == before, f"{leg.id} was {before}")
        if event.reason == "TELECOM_TIMEOUT":
            self._need(leg.until == self.at, f"{leg.id} dialled until {leg.until}")
        if leg.token is not None:
            del self.tokens[leg.token]
        leg.reason, leg.before_end = event.reason, before
        leg.at["ended"], leg.until, leg.waits_for_world = self.at, None, False
        if leg.stage == "TALKING":
            leg.stage = "WORKING"
            limit = self._work_limit(self.people[str(leg.agent)], leg.channel)
            leg.until = self.at + limit * SECOND if limit else None
            self.people[str(leg.agent)].holds[leg.id] = "ENDED"
        else:
            leg.stage = "OVER"

    def cleared(self, event: events.ContactCleared) -> None:
        person = self.people[event.agent_id]
        state = person.holds.pop(event.contact_id, None)
        self._need(state in ("ENDED", *BLOCKED), f"{person.id} rid of what is {state}")
        person.idle = (self.at, self._next())
        if state == "ENDED":
            leg = self._leg(event.contact_id, "WORKING")
            leg.stage, leg.until, leg.at["cleared"] = "OVER", None, self.at

    def completed(self, event: events.ContactCompleted) -> None:
        final = event.contact
        leg = self._leg(final.id, "OVER")
        at, talked = leg.at.get, "talking" in leg.at
        wanted = {
            "channel": leg.channel,
            "initiated_at": at("initiated"),
            "connected_to_system_at": at("system"),
            "queue_id": leg.target,
            "enqueued_at": at("enqueued"),
            "dequeued_at": at("talking") or (at("ended") if at("enqueued") else None),
            "connected_to_agent_at": at("talking"),
            "disconnected_at": at("ended"),
            "after_contact_work_started_at": at("ended") if talked else None,
            "after_contact_work_ended_at": at("cleared"),
            "agent_id": leg.agent if talked else None,
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
        for name, value in wanted.items():
            told = getattr(final, name)
            self._need(told == value, f"{leg.id}.{name} {value}, not {told}")
        leg.stage = "FINAL"
        self.final.add(leg.id)

    # What happened: agents

    def status_changed(self, event: events.AgentStatusChanged) -> None:
        person = self.people[event.agent_id]
        kind = self.things["agent_status"][event.status_id]["Type"]
        self._need(event.status_type == kind, f"{event.status_id} is {kind}")
        self._need(not person.holds, f"{person.id} free, not {person.holds}")
        person.status, person.routable, person.next_status = (
            event.status_id,
            kind == "ROUTABLE",
            None,
        )
        person.idle = (self.at, self._next())

    def next_status_changed(self, event: events.NextStatusChanged) -> None:
        self.people[event.agent_id].next_status = event.status_id

    def _work_limit(self, person: Person, channel: str) -> int:
        user = self.things["user"][person.id]
        limit = (user.get("PhoneConfig") or {}).get("AfterContactWorkTimeLimit")
        for each in user.get("AfterContactWorkConfigs") or ():
            if each["Channel"] == channel:
                limit = each["AfterContactWorkConfig"]["AfterContactWorkTimeLimit"]
        return limit or 0

    def _accepts(self, person: Person, channel: str) -> bool:
        user = self.things["user"][person.id]
        accepts = (user.get("PhoneConfig") or {}).get("AutoAccept")
        for each in user.get("AutoAcceptConfigs") or ():
            if each["Channel"] == channel:
                accepts = each["AutoAccept"]
        return bool(accepts)


def tagged(leg: Leg, tags: dict[str, str | None]) -> dict[str, str]:
    """The tags of a contact, and these; None takes one away."""
    return {key: value for key, value in {**leg.tags, **tags}.items() if value is not None}


LIVE = ("DIALING", "IN_FLOW", "WAITING", "RINGING", "TALKING")


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


SHORT = ("ContactConnectedToAgent", "ContactCleared")

Saying = Callable[[Leg, str], Said]

AGENT_COMMANDS: dict[type, tuple[tuple[str, ...], Saying]] = {
    commands.AcceptContact: (
        ("CONNECTING",),
        lambda leg, agent: ("ContactConnectedToAgent", leg.id, agent),
    ),
    commands.RejectContact: (
        ("CONNECTING",),
        lambda leg, agent: ("OfferMissed", leg.id, agent, "rejected"),
    ),
    commands.HoldContact: (("CONNECTED",), lambda leg, _: ("ContactHeld", leg.id)),
    commands.ResumeContact: (("CONNECTED_ONHOLD",), lambda leg, _: ("ContactResumed", leg.id)),
    commands.LeaveContact: (
        TALKING,
        lambda leg, _: ("ContactEnded", leg.id, "AGENT_DISCONNECT"),
    ),
    commands.ClearContact: (
        ("ENDED", *BLOCKED),
        lambda leg, agent: ("ContactCleared", leg.id, agent),
    ),
}
"""In which state of the contact an agent may ask for something, and what then happens."""

EXPECTED: dict[type, Callable[[Auditor, Any], list[Said] | Refused | None]] = {
    **dict.fromkeys(AGENT_COMMANDS, Auditor._of_agent),
    commands.SetAgentStatus: Auditor._status,
    commands.StartOutboundContact: Auditor._outbound,
    commands.ConnectSystem: Auditor._connect,
    commands.StopContact: Auditor._stop,
    commands.LoseChannel: Auditor._lose,
    commands.LoseAgent: Auditor._lose_agent,
    commands.UpdateAttributes: Auditor._attributes,
    commands.TagContact: Auditor._tags,
    commands.UpdateContact: Auditor._data,
    commands.UpdateRoutingData: Auditor._routing,
    commands.ExpireRecords: lambda _, __: [("RecordsExpired",)],
    commands.Hear: Auditor._hear,
    commands.Expire: Auditor._expire,
}

HAPPENED: dict[type, Callable[[Auditor, Any], None]] = {
    events.InstanceCreated: Auditor.nothing,
    events.InstanceUpdated: Auditor.nothing,
    events.InstanceDeleted: Auditor.nothing,
    events.ResourceCreated: Auditor.created,
    events.ResourceUpdated: Auditor.updated,
    events.ResourceTagged: Auditor.nothing,
    events.ResourceDeleted: Auditor.deleted,
    events.ContactInitiated: Auditor.initiated,
    events.ContactConnectedToSystem: Auditor.connected_to_system,
    events.FlowEntered: Auditor.entered,
    events.ModuleEntered: Auditor.entered,
    events.ModuleLeft: Auditor.entered,
    events.FlowStepped: Auditor.stepped,
    events.AttributesUpdated: Auditor.attributes_updated,
    events.ContactTagged: Auditor.tagged,
    events.ContactUpdated: Auditor.data_updated,
    events.RoutingDataUpdated: Auditor.ranked,
    events.RecordAmended: Auditor.amended,
    events.RecordsExpired: Auditor.nothing,
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
