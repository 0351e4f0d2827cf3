"""Recording: a day read out of a journal.

record(journal, instance, day, zone) replays the records from the first one, as a restart does, and
notes what people did (recorded.day). The state at the first traffic of the day is kept; from
there on the events are also the facts that tell how the day really was. Reading goes on beyond the
end of the day until what has become of its contacts is known, the instance is deleted, or the
journal ends. Called by the command that asks what if.
"""

from collections import deque
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median
from typing import Any, NamedTuple

from msgspec import Struct

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    SIMULATED_FACTS_MAX,
    SIMULATED_OVERTIME_MS,
    WHATIF_SPEECH_RATES_MAX,
)
from ringfloor.base.time import MINUTE, Instant
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.contact import Contact, Side
from ringfloor.domain.events import Event, Outcome
from ringfloor.domain.vocabulary import DisconnectReason
from ringfloor.engine import engine
from ringfloor.engine.state import Center
from ringfloor.journal.reading import Reader
from ringfloor.node.desk import Desk, outcome_of
from ringfloor.node.history import History
from ringfloor.simulator.recorded.day import Day, Edit, Leg, Mark, Offer, Place, Said, Service, Turn

OWN_ID, OWN = "own-contacts", "Own contacts"
"""Status of agents while they have contacts that they, or other agents, have begun for them."""

CUSTOMERS: frozenset[DisconnectReason] = frozenset(
    {"CUSTOMER_DISCONNECT", "TELECOM_PROBLEM", "API", "OTHER"}
)
"""How a wait ends that was not ended by a flow."""

MISSED = ("MISSED", "REJECTED", "ERROR")
"""States of what agents have on their screens and not in hand."""

WORDS_MIN = 3
"""Texts of fewer words say nothing of how fast they are spoken."""

Progress = Callable[[int, int], None]
"""Told how many of how many records have been read."""


class Recorded(NamedTuple):
    """A day, and what really came of it."""

    day: Day
    desk: Desk
    """As it was when the last of it was over; its facts are in history."""
    history: History
    waits: dict[str, list[int]]
    """How long contacts were in each queue, in ms."""


def span(day: date, zone: str) -> tuple[Instant, Instant]:
    """When a day begins and ends in a zone; raises Fault where no clock shows it."""
    try:
        return zones.beginning(day, zone), zones.beginning(day + timedelta(days=1), zone)
    except (OverflowError, ValueError) as error:
        raise Fault(f"--day {day}: no clock shows it and the day after it") from error


def record(
    journal: Reader, instance_id: str, day: date, zone: str, progress: Progress = lambda *_: None
) -> Recorded:
    """The day. Raises Fault: nobody came on it."""
    begins, ends = span(day, zone)
    recorder = _Recorder(Desk(instance_id), begins, ends)
    last = journal.last(instance_id)
    for each in journal.records(instance_id):
        progress(each.sequence, last)
        if not recorder.take(outcome_of(each)):
            break
    return recorder.made(day, zone)


ADMINISTRATIVE = (
    events.InstanceCreated,
    events.InstanceUpdated,
    events.InstanceDeleted,
    events.ResourceCreated,
    events.ResourceUpdated,
    events.ResourceTagged,
    events.ResourceDeleted,
    events.RecordsExpired,
    events.RecordAmended,
    events.ContactImported,
)
"""What is no traffic: a day begins to be played after it."""

WORLDLY = (
    dialogue.Play,
    dialogue.Gather,
    dialogue.Receive,
    dialogue.Invoke,
    dialogue.InvokeBot,
)
"""Asks that the world answers, of which it is noted how."""


class _Asked(NamedTuple):
    place: Place
    ask: dialogue.Ask
    at: Instant


class _Recorder:
    """What has been noted so far."""

    def __init__(self, desk: Desk, begins: Instant, ends: Instant) -> None:
        self.desk = desk
        self.begins, self.ends = begins, ends
        self.history = History.open(None, lambda _text: None)
        self.image: tuple[Instant, bytes, bytes, bytes] | None = None
        """When the day's traffic began, and the center, the records and the waits then."""
        self.there: tuple[str, ...] = ()
        self.legs: dict[str, Leg] = {}
        self.arrivals: list[str] = []
        self.marks: list[Mark] = []
        self.edits: list[tuple[Instant, Edit]] = []
        self.waits: dict[str, list[int]] = {}
        self.clearings: list[tuple[Instant, str, str]] = []
        self._on_screen: set[tuple[str, str]] = set()
        """Agents, and contacts that they had missed when the day began."""
        self.own_work: list[tuple[str, Instant, Instant]] = []
        """Which agent had a contact that he began himself, or was given by another, and when."""
        self._own: dict[str, tuple[str, Instant]] = {}
        """Those that are not over."""
        self._comes: set[str] = set()
        """Contacts that come by themselves when the day is played."""
        self._chosen: dict[str, str] = {}
        """The next status that an agent has chosen already."""
        self._statuses: dict[str, str] = {}
        """Of agents when the day began, the chosen ones."""
        self.rates: deque[float] = deque(maxlen=WHATIF_SPEECH_RATES_MAX)
        self.last: Instant = 0
        self._left: set[str] | None = None
        """Contacts of the day that are not over; None: neither is the day."""
        self._asked: dict[tuple[str, Side], _Asked] = {}
        self._maker = ""
        """The contact whose flow has stepped last in this outcome."""
        self._accepted: dict[str, Instant] = {}
        self._ended: dict[str, Instant] = {}
        self._dialled: dict[str, Instant] = {}

    @property
    def center(self) -> Center:
        return self.desk.center

    def take(self, outcome: Outcome) -> bool:
        """The next record; whether more is wanted."""
        at = outcome.at
        if any(isinstance(event, events.InstanceDeleted) for event in outcome.events):
            return False  # how the center was until then is what can be asked
        if self.image is None and self.begins <= at < self.ends and _is_traffic(outcome):
            self._begin(at)
        if at >= self.ends and (self.image is None or self._is_over(at)):
            return False
        self._maker = ""
        for event in outcome.events:
            engine.apply(self.center, event, at)
            self._fold(event, at)
            note = NOTES.get(type(event))
            if note is not None:
                note(self, event, at)
        self.last = max(self.last, at)
        return True

    def _begin(self, at: Instant) -> None:
        desk = self.desk
        self.image = at, engine.image(desk.center), desk.records.dump(), desk.waiting.dump()
        self.there = tuple(self.center.contacts)
        self._comes.update(self.there)
        for agent in self.center.agents.values():
            self._statuses[agent.id] = agent.next_status_id or agent.status_id
            for held in agent.contacts.values():
                if held.state in MISSED:
                    self._on_screen.add((agent.id, held.contact_id))
        self.desk.facts.clear()
        for leg in self.legs.values():
            _forget(leg, at)
        for asked in (self._accepted, self._dialled, self._ended):
            asked.update(dict.fromkeys(asked, at))
        self._asked = {key: each._replace(at=at) for key, each in self._asked.items()}

    def _is_over(self, at: Instant) -> bool:
        """Whether nothing that matters is still to come."""
        if self._left is None:
            live = self.center.contacts.values()
            self._left = {each.id for each in live if each.stage != "SCHEDULED"}
        return not self._left or at > self.ends + SIMULATED_OVERTIME_MS

    def _fold(self, event: Event, at: Instant) -> None:
        """Facts: of the day, and after its end of its contacts only."""
        contact_id = _contact_id(event)
        if at >= self.ends and contact_id is not None and contact_id not in self.legs:
            return
        facts = self.desk.records.on(event, at)
        if self.image is None:
            self.desk.waiting.on(event, at)
            return
        self.desk.facts.extend(facts)
        if len(self.desk.facts) >= SIMULATED_FACTS_MAX:
            self.keep()

    def keep(self) -> None:
        """Let history have the facts."""
        facts, self.desk.facts = self.desk.facts, []
        self.desk.sequence += 1
        self.history.load(self.desk.instance_id, self.desk.sequence, facts)

    # What is made of it

    def made(self, day: date, zone: str) -> Recorded:
        if self.image is None:
            raise Fault(f"--day {day}: nothing happened on it in this instance ({zone})")
        self.keep()
        start, center, records, waiting = self.image
        instance = self.center.instance
        assert instance is not None
        for contact_id in list(self._own):
            self._own_over(contact_id, self.last)
        for contact_id, side in list(self._asked):
            self._unheard(contact_id, side, self.last)
        for leg in self.legs.values():
            turn = leg.turn
            if turn is not None and turn.connected_at is None and not turn.waited:
                turn.waited = max(self.last - turn.since, 0)
        found = Day(
            name=f"{instance.alias or instance.id} on {day}",
            instance_id=self.desk.instance_id,
            zone=zone,
            begins=self.begins,
            ends=self.ends,
            start=start,
            center=center,
            records=records,
            waiting=waiting,
            legs=self.legs,
            arrivals=tuple(self.arrivals),
            there=self.there,
            marks=tuple(self._played()),
            edits=tuple(self.edits),
            clearings=tuple(self.clearings),
            speech_rate=median(self.rates) if self.rates else 150,
            own_work=len(self.own_work),
            unfinished=sum(
                each.id in self.legs and each.stage != "SCHEDULED"
                for each in self.center.contacts.values()
            ),
            after_last=self.last,
        )
        return Recorded(found, self.desk, self.history, self.waits)

    # Contacts

    def initiated(self, event: events.ContactInitiated, at: Instant) -> None:
        born = event.contact
        before = self.legs.get(self._maker or born.previous_contact_id or "")
        if at >= self.ends and before is None:
            return
        leg = self.legs[born.id] = Leg(born=born)
        if self._left is not None:
            self._left.add(born.id)
        if self._maker:
            self._comes.add(born.id)
            if before is not None:
                before.made.append(born.id)
                if born.previous_contact_id == before.id:
                    self._moves_on(before, leg)
        elif born.agent_id is not None:
            self._own[born.id] = born.agent_id, at
        elif before is None:
            self._comes.add(born.id)
            if self.image is not None:
                self.arrivals.append(born.id)
        if born.stage == "DIALING":
            self._dialled[born.id] = at

    def _moves_on(self, before: Leg, leg: Leg) -> None:
        """Who waits goes on waiting in another contact."""
        turn = before.turn
        if turn is not None and turn.connected_at is None and not turn.gave_up:
            leg.turn = turn

    def enqueued(self, event: events.ContactEnqueued, at: Instant) -> None:
        leg = self.legs.get(event.contact_id)
        if leg is None:
            return
        if leg.turn is None or leg.turn.connected_at is not None:
            leg.turn = Turn(queue_id=event.queue_id, since=at)
        leg.turn.queue_id = event.queue_id
        before = self.legs.get(leg.born.previous_contact_id or "")
        if leg.id in self._comes or event.direct or before is None or before.turn is None:
            return
        if before.turn.connected_at is not None:  # its agent has put it into this queue
            self._comes.add(leg.id)
            if self.image is not None and before.turn.connected_at < self.image[0]:
                self.arrivals.append(leg.id)
                return
            after = leg.born.initiated_at - before.turn.connected_at
            before.handed_on.append((leg.id, max(after, 0)))

    def offered(self, event: events.ContactOffered, at: Instant) -> None:
        leg = self.legs.get(event.contact_id)
        if leg is not None:
            leg.offers.append(Offer(event.agent_id, "left", at))

    def accepted(self, event: events.ContactAccepted, at: Instant) -> None:
        offer = self._offer(event.contact_id, event.agent_id)
        if offer is not None and offer.outcome == "left":
            offer.outcome, offer.after = "accepted", at - offer.after
            self._accepted[event.contact_id] = at

    def agent_ready(self, event: events.AgentLegConnected, at: Instant) -> None:
        offer = self._offer(event.contact_id, event.agent_id)
        since = self._accepted.pop(event.contact_id, None)
        if offer is not None and since is not None:
            offer.leg = at - since

    def missed(self, event: events.OfferMissed, at: Instant) -> None:
        offer = self._offer(event.contact_id, event.agent_id)
        if offer is None or offer.outcome != "left":
            return
        offer.after = at - offer.after
        if event.reason == "unanswered":
            offer.outcome = "missed"
        elif event.reason == "rejected":
            offer.outcome = "rejected"
        self._ended[f"{event.contact_id} {event.agent_id}"] = at

    def leg_lost(self, event: events.AgentLegLost, at: Instant) -> None:
        offer = self._offer(event.contact_id, event.agent_id)
        if offer is not None:
            offer.outcome = "rejected"
            self._ended[f"{event.contact_id} {event.agent_id}"] = at

    def _offer(self, contact_id: str, agent_id: str) -> Offer | None:
        leg = self.legs.get(contact_id)
        if leg is None or not leg.offers or leg.offers[-1].agent_id != agent_id:
            return None
        return leg.offers[-1]

    def connected(self, event: events.ContactConnectedToAgent, at: Instant) -> None:
        leg = self.legs.get(event.contact_id)
        if leg is not None and leg.turn is not None and leg.turn.connected_at is None:
            leg.turn.connected_at = at
            leg.turn.waited = at - leg.turn.since
        if leg is not None and leg.id not in self._comes:
            self._own.setdefault(leg.id, (event.agent_id, at))

    def dialled(self, event: events.CustomerDialled, at: Instant) -> None:
        self._dialled[event.contact_id] = at

    def answered(self, event: events.ContactConnectedToSystem, at: Instant) -> None:
        self._dial(event.contact_id, at, None)
        asked = self._asked.get((event.contact_id, "customer"))
        if asked is not None:  # he hears it from now on
            self._asked[event.contact_id, "customer"] = asked._replace(at=at)

    def unanswered(self, event: events.CallbackUnanswered, at: Instant) -> None:
        self._dial(event.contact_id, at, event.reason)

    def _dial(self, contact_id: str, at: Instant, reason: DisconnectReason | None) -> None:
        since, leg = self._dialled.pop(contact_id, None), self.legs.get(contact_id)
        if since is not None and leg is not None:
            leg.dials.append((at - since, reason))

    def ended(self, event: events.ContactEnded, at: Instant) -> None:
        contact_id = event.contact_id
        leg = self.legs.get(contact_id)
        for side in ("customer", "agent"):
            self._unheard(contact_id, side, at)
        self._dial(contact_id, at, event.reason)
        if leg is None:
            return
        turn = leg.turn
        contact = self.center.contacts.get(contact_id)
        if contact is not None and contact.agent_id is not None:
            self._ended[f"{contact_id} {contact.agent_id}"] = at
        if turn is None:
            if event.reason in CUSTOMERS and contact is not None and contact.agent_id is None:
                leg.left = at - leg.born.initiated_at
            return
        if turn.connected_at is not None:
            agent_id = None if contact is None else contact.agent_id
            if turn.service is None and agent_id is not None:
                by_agent = event.reason in ("AGENT_DISCONNECT", "AGENT_COMPLETED")
                turn.service = Service(agent_id, at - turn.connected_at, 0, by_agent)
        elif not any(self.legs[each].turn is turn for each in leg.made if each in self.legs):
            turn.waited = at - turn.since
            turn.gave_up = event.reason in CUSTOMERS
            turn.reason = event.reason

    def cleared(self, event: events.ContactCleared, at: Instant) -> None:
        if (event.agent_id, event.contact_id) in self._on_screen:
            self._on_screen.remove((event.agent_id, event.contact_id))
            self.clearings.append((at, event.agent_id, event.contact_id))
        leg = self.legs.get(event.contact_id)
        since = self._ended.pop(f"{event.contact_id} {event.agent_id}", None)
        if leg is None or since is None:
            return
        service = None if leg.turn is None else leg.turn.service
        if leg.turn is not None and service is not None and service.agent_id == event.agent_id:
            leg.turn.service = Service(service.agent_id, service.talk, at - since, service.by_agent)
        else:
            for offer in reversed(leg.offers):
                if offer.agent_id == event.agent_id:
                    offer.back = at - since
                    break

    def completed(self, event: events.ContactCompleted, at: Instant) -> None:
        contact = event.contact
        if self._left is not None:
            self._left.discard(contact.id)
        if contact.id in self._own:
            self._own_over(contact.id, at)
        if self.image is None:
            self.legs.pop(contact.id, None)
            return
        if contact.id in self.legs:
            noted(self.waits, contact)

    # Flows

    def stepped(self, event: events.FlowStepped, at: Instant) -> None:
        self._maker = event.contact_id
        key = event.contact_id, event.side
        asked = self._asked.pop(key, None)
        leg = self.legs.get(event.contact_id)
        if asked is not None and event.heard is not None and leg is not None:
            leg.said.setdefault(asked.place, []).append(Said(event.heard, at - asked.at))
            self._rate(asked, event.heard, at)
        if event.outcome is None and isinstance(event.ask, WORLDLY):
            self._asked[key] = _Asked(place(event), event.ask, at)

    def _rate(self, asked: _Asked, heard: dialogue.Heard, at: Instant) -> None:
        """How fast it was spoken."""
        if isinstance(asked.ask, dialogue.Play) and heard == dialogue.Done() and at > asked.at:
            words = len(asked.ask.prompt.value.split())
            if asked.ask.prompt.kind == "text" and words >= WORDS_MIN:
                self.rates.append(words * MINUTE / (at - asked.at))

    def finished(self, event: events.FlowFinished, at: Instant) -> None:
        self._unheard(event.contact_id, event.side, at)

    def _unheard(self, contact_id: str, side: Side, at: Instant) -> None:
        asked, leg = self._asked.pop((contact_id, side), None), self.legs.get(contact_id)
        if asked is not None and leg is not None:
            leg.said.setdefault(asked.place, []).append(Said(None, at - asked.at))

    # Agents, and what they began themselves

    def status(self, event: events.AgentStatusChanged, at: Instant) -> None:
        if self.image is not None and self._chosen.get(event.agent_id) != event.status_id:
            self.marks.append(Mark(at, event.agent_id, event.status_id))
        self._chosen.pop(event.agent_id, None)

    def next_status(self, event: events.NextStatusChanged, at: Instant) -> None:
        agent = self.center.agents.get(event.agent_id)
        status_id = event.status_id or (agent.status_id if agent is not None else "")
        if self.image is not None:
            self.marks.append(Mark(at, event.agent_id, status_id))
        if event.status_id is None:
            self._chosen.pop(event.agent_id, None)
        else:
            self._chosen[event.agent_id] = event.status_id

    def _own_over(self, contact_id: str, at: Instant) -> None:
        agent_id, since = self._own.pop(contact_id)
        if self.image is not None and since < self.ends:
            self.own_work.append((agent_id, max(since, self.image[0]), at))

    def _played(self) -> list[Mark]:
        """Marks, and agents away while they had contacts that do not come by themselves."""
        by_agent: dict[str, list[tuple[Instant, int, Mark]]] = {}
        for number, mark in enumerate(self.marks):
            by_agent.setdefault(mark.agent_id, []).append((mark.at, number, mark))
        for number, (agent_id, since, until) in enumerate(
            sorted(self.own_work, key=lambda own: own[1]), len(self.marks)
        ):
            his = by_agent.setdefault(agent_id, [])
            status = self._statuses.get(agent_id, "")
            for at, _, mark in his:
                status = mark.status_id if at < until else status
            his[:] = [each for each in his if not since <= each[0] < until]
            his.append((since, number, Mark(since, agent_id, OWN_ID)))
            if status not in ("", OWN_ID):
                his.append((until, number, Mark(until, agent_id, status)))
            his.sort(key=lambda each: each[:2])
        every = (each for his in by_agent.values() for each in his)
        return [mark for _, _, mark in sorted(every, key=lambda each: each[:2])]

    # Changes of the configuration

    def edited(self, event: Event, at: Instant) -> None:
        if self.image is None or at >= self.ends:
            return
        match event:
            case events.ResourceCreated(kind=kind, id=identifier, properties=properties, tags=tags):
                edit: Edit = commands.CreateResource(
                    kind=kind, properties=properties, id=identifier, tags=tags
                )
            case events.ResourceUpdated(kind=kind, id=identifier, changes=changes):
                edit = commands.UpdateResource(kind, identifier, changes)
            case events.ResourceTagged(kind=kind, id=identifier, tags=tagged):
                edit = commands.TagResource(kind, identifier, tagged)
            case events.ResourceDeleted(kind=kind, id=identifier):
                edit = commands.DeleteResource(kind, identifier)
            case events.InstanceUpdated(changes=changes):
                edit = commands.UpdateInstance(changes)
            case _:
                return
        self.edits.append((at, edit))


NOTES: dict[type[Struct], Callable[[_Recorder, Any, Instant], None]] = {
    events.ContactInitiated: _Recorder.initiated,
    events.ContactEnqueued: _Recorder.enqueued,
    events.ContactOffered: _Recorder.offered,
    events.ContactAccepted: _Recorder.accepted,
    events.AgentLegConnected: _Recorder.agent_ready,
    events.OfferMissed: _Recorder.missed,
    events.AgentLegLost: _Recorder.leg_lost,
    events.ContactConnectedToAgent: _Recorder.connected,
    events.CustomerDialled: _Recorder.dialled,
    events.ContactConnectedToSystem: _Recorder.answered,
    events.CallbackUnanswered: _Recorder.unanswered,
    events.ContactEnded: _Recorder.ended,
    events.ContactCleared: _Recorder.cleared,
    events.ContactCompleted: _Recorder.completed,
    events.FlowStepped: _Recorder.stepped,
    events.FlowFinished: _Recorder.finished,
    events.AgentStatusChanged: _Recorder.status,
    events.NextStatusChanged: _Recorder.next_status,
    events.ResourceCreated: _Recorder.edited,
    events.ResourceUpdated: _Recorder.edited,
    events.ResourceTagged: _Recorder.edited,
    events.ResourceDeleted: _Recorder.edited,
    events.InstanceUpdated: _Recorder.edited,
}


def place(event: events.FlowStepped) -> Place:
    """Where a flow asks."""
    return event.side, event.session.flow_id, event.session.action or ""


def noted(waits: dict[str, list[int]], contact: Contact) -> None:
    """How long a contact that is over was in its queue."""
    if contact.queue_id and contact.enqueued_at is not None and contact.dequeued_at is not None:
        waits.setdefault(contact.queue_id, []).append(contact.dequeued_at - contact.enqueued_at)


def _forget(leg: Leg, at: Instant) -> None:
    """What was before the day is not played; what rings now has rung since then."""
    for done in (leg.said, leg.dials, leg.made, leg.handed_on):
        done.clear()
    leg.offers = [Offer(each.agent_id, "left", at) for each in leg.offers if each.outcome == "left"]


def _is_traffic(outcome: Outcome) -> bool:
    return any(not isinstance(event, ADMINISTRATIVE) for event in outcome.events)


def _contact_id(event: Event) -> str | None:
    contact = getattr(event, "contact", None)
    found: str | None = contact.id if contact is not None else getattr(event, "contact_id", None)
    return found
