"""Records: what has become final, folded from events into facts for the historical store.

The node owns one per instance, tells it every durable event, in order, and hands the facts to
projections.historical, which keeps and counts them.

    ContactCompleted            a Leg, with the whole contact as its record
    OfferMissed                 a MissedOffer
    an agent's Available time   AgentTime stretches, one after the other
    RecordAmended               an Amendment of a Leg that was told before
    RecordsExpired              an Expiry of everything that is too old

Rules:
- An agent's time is told while his status is ROUTABLE: contact while he holds at least one contact
  connected, on hold, paused, in after contact work or (his own call, a callback) being dialled;
  else idle. Ringing and missed contacts are idle time. Custom statuses and Offline are told as
  nothing.
- A stretch ends when its kind, the status type or the routing profile changes, and when the user is
  deleted. Stretches of no length are dropped.
- Hold, interaction and after contact work exist only for a leg that an agent was connected to.
- A leg has a queue if it was enqueued or an agent had it; an agent queue is none.
- expires_at: the midnight at which something that was told is no longer kept.

Sources: metrics specification, sections 0.2, 0.3 and 2.5.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import msgspec
from msgspec import Struct, field

from ringfloor.base.codec import encode
from ringfloor.base.time import Instant
from ringfloor.domain import changes, events
from ringfloor.domain.contact import Contact, association, forgotten_at
from ringfloor.domain.events import Event
from ringfloor.domain.facts import AgentTime, Amendment, Expiry, Fact, Leg, MissedOffer


class Shift(Struct, array_like=True):
    """An agent now, and since when his time has been of one kind."""

    profile_id: str
    since: Instant
    routable: bool = False
    contacts: dict[str, None] = field(default_factory=dict)
    """Ids of the contacts that make his time contact time; a set in order of taking."""


class _Facts(Struct, array_like=True):
    shifts: dict[str, Shift] = field(default_factory=dict)
    """By agent id."""
    oldest: Instant | None = None
    """Nothing that is kept is of before this; None: nothing is kept."""


_decode = msgspec.msgpack.Decoder(_Facts).decode
_decode_contact = msgspec.msgpack.Decoder(Contact).decode


class Records:
    """The agents of one instance and the stretches of their time that still run."""

    __slots__ = ("_facts", "expires_at")
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self._facts = _Facts()
        self.expires_at: Instant | None = None

    def on(self, event: Event, at: Instant) -> list[Fact]:
        """Let it have happened; the facts that became final by it, earliest first."""
        fold = self._ON.get(type(event))
        told = fold(self, event, at) if fold is not None else []
        for fact in told:
            self._age(_since(fact))
        return told

    def _age(self, since: Instant | None) -> None:
        oldest = self._facts.oldest
        if since is not None and (oldest is None or since < oldest):
            self._facts.oldest = since
            self.expires_at = forgotten_at(since)

    def open_times(self, now: Instant) -> list[AgentTime]:
        """The stretches that still run, as if they ended now; told without changing anything."""
        return [
            time
            for agent_id, shift in self._facts.shifts.items()
            for time in _stretch(agent_id, shift, now)
        ]

    def dump(self) -> bytes:
        """Everything as a snapshot."""
        return encode(self._facts)

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        self = cls()
        self._facts = _decode(snapshot)
        if self._facts.oldest is not None:
            self.expires_at = forgotten_at(self._facts.oldest)
        return self

    def __eq__(  # type: ignore[explicit-override]  # typing.override came after 3.11
        self, other: object
    ) -> bool:
        return self._facts == other._facts if isinstance(other, Records) else NotImplemented

    # Agents

    def _created(self, event: events.ResourceCreated, at: Instant) -> list[Fact]:
        if event.kind == "user":
            profile_id = event.properties["RoutingProfileId"]
            self._facts.shifts[event.id] = Shift(profile_id, since=at)
        return []

    def _updated(self, event: events.ResourceUpdated, at: Instant) -> list[Fact]:
        if event.kind != "user" or "RoutingProfileId" not in event.changes:
            return []
        shift = self._facts.shifts[event.id]
        if event.changes["RoutingProfileId"] == shift.profile_id:
            return []
        told = _stretch(event.id, shift, at)
        shift.profile_id = event.changes["RoutingProfileId"]
        shift.since = at
        return told

    def _deleted(self, event: events.ResourceDeleted, at: Instant) -> list[Fact]:
        if event.kind != "user":
            return []
        return _stretch(event.id, self._facts.shifts.pop(event.id), at)

    def _status_changed(self, event: events.AgentStatusChanged, at: Instant) -> list[Fact]:
        shift = self._facts.shifts[event.agent_id]
        routable = event.status_type == "ROUTABLE"
        if routable == shift.routable:
            return []
        told = _stretch(event.agent_id, shift, at)
        shift.routable = routable
        shift.since = at
        return told

    # Contacts in an agent's hands

    def _take(self, agent_id: str, contact_id: str, at: Instant) -> list[Fact]:
        shift = self._facts.shifts[agent_id]
        told = [] if shift.contacts else self._turn(agent_id, shift, at)
        shift.contacts[contact_id] = None
        return told

    def _let_go(self, agent_id: str, contact_id: str, at: Instant) -> list[Fact]:
        shift = self._facts.shifts.get(agent_id)
        if shift is None or contact_id not in shift.contacts:
            return []
        told = self._turn(agent_id, shift, at) if len(shift.contacts) == 1 else []
        del shift.contacts[contact_id]
        return told

    def _turn(self, agent_id: str, shift: Shift, at: Instant) -> list[Fact]:
        """The agent's time is about to be of the other kind."""
        told = _stretch(agent_id, shift, at)
        shift.since = at
        return told

    def _initiated(self, event: events.ContactInitiated, at: Instant) -> list[Fact]:
        born = event.contact
        return [] if born.agent_id is None else self._take(born.agent_id, born.id, at)

    def _connected(self, event: events.ContactConnectedToAgent, at: Instant) -> list[Fact]:
        return self._take(event.agent_id, event.contact_id, at)

    def _missed(self, event: events.OfferMissed, at: Instant) -> list[Fact]:
        return [
            MissedOffer(
                contact_id=event.contact_id,
                agent_id=event.agent_id,
                queue_id=None if event.queue_id == event.agent_id else event.queue_id,
                channel=event.channel,
                at=at,
            )
        ]

    def _dialled(self, event: events.CustomerDialled, at: Instant) -> list[Fact]:
        return self._take(event.agent_id, event.contact_id, at)

    def _unanswered(self, event: events.CallbackUnanswered, at: Instant) -> list[Fact]:
        return self._let_go(event.agent_id, event.contact_id, at)

    def _cleared(self, event: events.ContactCleared, at: Instant) -> list[Fact]:
        return self._let_go(event.agent_id, event.contact_id, at)

    def _completed(self, event: events.ContactCompleted, at: Instant) -> list[Fact]:
        contact = event.contact
        told: list[Fact] = []
        if contact.agent_id is not None:  # an agent's own call that nobody answered
            told = self._let_go(contact.agent_id, contact.id, at)
        in_agent_queue = contact.queue_id in self._facts.shifts
        return [*told, _leg(contact, None if in_agent_queue else contact.queue_id)]

    # What was final

    def _amended(self, event: events.RecordAmended, at: Instant) -> list[Fact]:
        return [Amendment(change=event.change, at=at)]

    def _expired(self, event: events.RecordsExpired, _at: Instant) -> list[Fact]:
        oldest = self._facts.oldest
        if oldest is not None and oldest < event.before:
            self._facts.oldest = event.before
            self.expires_at = forgotten_at(event.before)
        return [Expiry(before=event.before)]

    _ON: ClassVar[Mapping[type, Callable[[Any, Any, Instant], list[Fact]]]] = {
        events.ResourceCreated: _created,
        events.ResourceUpdated: _updated,
        events.ResourceDeleted: _deleted,
        events.AgentStatusChanged: _status_changed,
        events.ContactInitiated: _initiated,
        events.ContactConnectedToAgent: _connected,
        events.OfferMissed: _missed,
        events.CustomerDialled: _dialled,
        events.CallbackUnanswered: _unanswered,
        events.ContactCleared: _cleared,
        events.ContactCompleted: _completed,
        events.RecordAmended: _amended,
        events.RecordsExpired: _expired,
    }
    """What has no row makes nothing final."""


def amended(record: bytes, amendment: Amendment) -> bytes:
    """The record of a leg, as it is after the amendment."""
    contact = _decode_contact(record)
    changes.change(contact, amendment.change, amendment.at)
    return encode(contact)


def _since(fact: Fact) -> Instant | None:
    """What an Expiry goes by."""
    match fact:
        case Leg():
            return fact.initiated_at
        case MissedOffer():
            return fact.at
        case AgentTime():
            return fact.ended_at
        case _:
            return None


def _stretch(agent_id: str, shift: Shift, at: Instant) -> list[Any]:
    """The agent's time of one kind up to now; nothing if it has no length or does not count."""
    if not shift.routable or at == shift.since:
        return []
    return [
        AgentTime(
            agent_id=agent_id,
            routing_profile_id=shift.profile_id,
            kind="contact" if shift.contacts else "idle",
            started_at=shift.since,
            ended_at=at,
        )
    ]


def _leg(contact: Contact, queue_id: str | None) -> Leg:
    assert contact.disconnected_at is not None
    had_agent = contact.agent_id is not None or contact.connected_to_agent_at is not None
    connected_at = contact.connected_to_agent_at
    connected = connected_at is not None
    interaction = None
    if connected_at is not None:
        length = contact.disconnected_at - connected_at
        interaction = length - contact.hold_ms - contact.agent_pause_ms
    work_started, work_ended = (
        contact.after_contact_work_started_at,
        contact.after_contact_work_ended_at,
    )
    return Leg(
        contact_id=contact.id,
        queue_id=queue_id if had_agent or contact.enqueued_at is not None else None,
        channel=contact.channel,
        initiation_method=contact.initiation_method,
        initiated_at=contact.initiated_at,
        disconnected_at=contact.disconnected_at,
        enqueued_at=contact.enqueued_at,
        dequeued_at=contact.dequeued_at,
        connected_to_agent_at=connected_at,
        agent_id=contact.agent_id,
        routing_profile_id=contact.routing_profile_id,
        interaction_ms=interaction,
        hold_ms=contact.hold_ms if connected else None,
        longest_hold_ms=contact.longest_hold_ms if connected else None,
        holds=contact.holds if connected else 0,
        pause_ms=contact.agent_pause_ms if connected and contact.pauses else None,
        after_contact_work_ms=(
            work_ended - work_started
            if work_started is not None and work_ended is not None
            else None
        ),
        transfer_completed_at=contact.transfer_completed_at,
        pre_disconnect_state=contact.pre_disconnect_state,
        disconnect_reason=contact.disconnect_reason,
        previous_contact_id=contact.previous_contact_id,
        next_contact_id=contact.next_contact_id,
        initial_contact_id=contact.initial_contact_id,
        related_contact_id=contact.related_contact_id,
        association_id=association(contact),
        record=encode(contact),
    )
