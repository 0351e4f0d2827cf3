"""Records: what has become final, folded from events into facts for the historical store.

The node owns one per instance, tells it every durable event, in order, and hands the facts to
node.history, which keeps and counts them.

    an agent's time online      AgentTime, and HandTime of each contact in his hands
    an offer that is decided    an Offer
    enqueued, connected         an Occurrence
    a routing step that is left a StepEntry
    a flow or module, left      a FlowRun; what a bot was to talk about in it, BotConversations
    ContactCompleted            a Leg, with the whole contact as its record
    ContactImported             what another center's log tells: a Leg and what is sure beside it
    RecordAmended               an Amendment of a Leg that was told before
    RecordsExpired              an Expiry of everything that is too old

This is the door: which folds an event goes through, one after the other; each stands with the rules
of its facts in agent_stretches, offers, routing_steps, flow_runs, bot_talks, legs or imports, and
all share the state of lives. A fact counts when it is final; what has begun and counts already,
open tells.
expires_at: the midnight at which something that was told is no longer kept.

Sources: metrics specification, sections 0.2, 0.3, 2.5 and 4.3.
"""

from collections.abc import Iterator, Mapping
from typing import Self

import msgspec

from ringfloor.base.codec import encode
from ringfloor.base.time import Instant
from ringfloor.domain import changes, events
from ringfloor.domain.contact import RETENTION_TAG, Contact, forgotten_at, record_months
from ringfloor.domain.events import Event
from ringfloor.domain.facts import (
    AgentTime,
    Amendment,
    BotConversation,
    Counted,
    Expiry,
    Fact,
    FlowRun,
    HandTime,
    Leg,
    Occurrence,
    Offer,
    StepEntry,
)
from ringfloor.projections import agent_stretches, flow_runs, imports, offers, routing_steps
from ringfloor.projections.legs import leg
from ringfloor.projections.lives import SUBTYPE, Fold, State, born

_decode = msgspec.msgpack.Decoder(State).decode
_decode_contact = msgspec.msgpack.Decoder(Contact).decode

SINCE: Mapping[type[Fact], str] = {
    Leg: "initiated_at",
    Offer: "ended_at",
    Occurrence: "at",
    AgentTime: "ended_at",
    HandTime: "ended_at",
    StepEntry: "left_at",
    FlowRun: "ended_at",
    BotConversation: "ended_at",
}
"""By which instant an Expiry goes: the beginning of a leg, the end of all else."""


class Records:
    """The agents, contacts and flows of one instance, as far as facts are made of them."""

    __slots__ = ("_state", "expires_at")
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self._state = State()
        self.expires_at: Instant | None = None

    def on(self, event: Event, at: Instant) -> list[Fact]:
        """Let it have happened; the facts that became final by it, earliest first."""
        folds = FOLDS.get(type(event))
        if folds is None:
            return []
        told: list[Fact] = []
        for fold in folds:
            told.extend(fold(self._state, event, at))
        for fact in told:
            since = SINCE.get(type(fact))
            if since is not None:
                self._age(getattr(fact, since))
        if type(event) in RETENTION:
            self._look_ahead()
        return told

    def _age(self, since: Instant) -> None:
        oldest = self._state.oldest
        if oldest is None or since < oldest:
            self._state.oldest = since
            self._look_ahead()

    def _look_ahead(self) -> None:
        oldest = self._state.oldest
        self.expires_at = None if oldest is None else forgotten_at(oldest, self._state.months)

    def open(self, now: Instant) -> list[Counted]:
        """What has begun, counts already and is not final; told without changing anything.

        Stretches of agents' time as if they ended now; flows and routing steps without an end.
        """
        found: list[Counted] = [*agent_stretches.running(self._state, now)]
        for life in self._state.lives.values():
            found.extend(routing_steps.running(life))
            found.extend(flow_runs.running(life))
        return found

    def dump(self) -> bytes:
        """Everything as a snapshot."""
        return encode(self._state)

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        self = cls()
        self._state = _decode(snapshot)
        self._look_ahead()
        return self

    def __eq__(  # type: ignore[explicit-override]  # typing.override came after 3.11
        self, other: object
    ) -> bool:
        return self._state == other._state if isinstance(other, Records) else NotImplemented


def _founded(state: State, event: events.InstanceCreated, _at: Instant) -> Iterator[Fact]:
    state.months = record_months(event.tags)
    yield from ()


def _tagged(state: State, event: events.ResourceTagged, _at: Instant) -> Iterator[Fact]:
    if event.kind == "instance" and RETENTION_TAG in event.tags:
        state.months = record_months({RETENTION_TAG: event.tags[RETENTION_TAG] or ""})
    yield from ()


def _initiated(state: State, event: events.ContactInitiated, _at: Instant) -> Iterator[Fact]:
    born(state, event.contact)
    yield from ()


def _updated(state: State, event: events.ContactUpdated, _at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    life.subtype = event.segment_attributes.get(SUBTYPE, life.subtype)
    yield from ()


def _completed(state: State, event: events.ContactCompleted, at: Instant) -> Iterator[Fact]:
    life = state.lives.pop(event.contact.id)
    yield from flow_runs.all_over(life, event, at)
    yield leg(event.contact, life)


def _amended(_state: State, event: events.RecordAmended, at: Instant) -> Iterator[Fact]:
    yield Amendment(change=event.change, at=at)


def _expired(state: State, event: events.RecordsExpired, _at: Instant) -> Iterator[Fact]:
    if state.oldest is not None:
        state.oldest = max(state.oldest, event.before)
    yield Expiry(before=event.before)


FOLDS: Mapping[type[Event], tuple[Fold, ...]] = {
    events.InstanceCreated: (_founded,),
    events.ResourceTagged: (_tagged,),
    events.ResourceCreated: (agent_stretches.created, flow_runs.created),
    events.ResourceUpdated: (agent_stretches.updated, flow_runs.updated),
    events.ResourceDeleted: (agent_stretches.deleted, flow_runs.deleted),
    events.AgentStatusChanged: (agent_stretches.status_changed,),
    events.ContactInitiated: (
        _initiated,
        flow_runs.initiated,
        agent_stretches.initiated,
        offers.initiated,
    ),
    events.ContactScheduled: (routing_steps.out_of_place,),
    events.ContactConnectedToSystem: (routing_steps.answered,),
    events.ContactUpdated: (_updated,),
    events.FlowEntered: (flow_runs.entered,),
    events.ModuleEntered: (flow_runs.module_entered,),
    events.ModuleLeft: (flow_runs.module_left,),
    events.FlowStepped: (flow_runs.stepped,),
    events.FlowFinished: (flow_runs.finished,),
    events.RoutingCriteriaSet: (routing_steps.arrived,),
    events.RoutingStepExpired: (routing_steps.expired,),
    events.ContactEnqueued: (flow_runs.enqueued, routing_steps.enqueued, offers.enqueued),
    events.ContactOffered: (offers.offered,),
    events.OfferMissed: (offers.missed, agent_stretches.lost),
    events.ContactAccepted: (agent_stretches.accepted,),
    events.AgentLegLost: (offers.failed, agent_stretches.lost),
    events.CustomerDialled: (routing_steps.out_of_place, agent_stretches.dialled),
    events.CallbackUnanswered: (
        flow_runs.unanswered,
        routing_steps.out_of_place,
        offers.failed,
        agent_stretches.lost,
    ),
    events.ContactConnectedToAgent: (
        agent_stretches.connected,
        routing_steps.connected,
        offers.connected,
    ),
    events.TaskPaused: (routing_steps.out_of_place,),
    events.TaskResumed: (routing_steps.resumed,),
    events.CustomerPassed: (flow_runs.passed,),
    events.ContactEnded: (
        flow_runs.ended,
        routing_steps.ended,
        offers.failed,
        agent_stretches.ended,
    ),
    events.ContactCleared: (agent_stretches.cleared,),
    events.ContactCompleted: (_completed,),
    events.ContactImported: (imports.imported,),
    events.RecordAmended: (_amended,),
    events.RecordsExpired: (_expired,),
}
"""What has no row makes nothing final. Whatever needs the contact as it was goes first."""

RETENTION: frozenset[type[Event]] = frozenset(
    {events.InstanceCreated, events.ResourceTagged, events.RecordsExpired}
)
"""Events that may change how long anything is kept."""


def amended(record: bytes, amendment: Amendment) -> Contact:
    """The contact of a leg, as it is after the amendment."""
    contact = _decode_contact(record)
    changes.change(contact, amendment.change, amendment.at)
    return contact
