"""Offers: contacts that ring at agents and what became of it, and what counts when it happens.

    ContactOffered -> ContactConnectedToAgent   accepted
                      OfferMissed               missed, rejected, customer_left
                      AgentLegLost, CallbackUnanswered, ContactEnded
                                                failed: he had accepted, and was not joined
    ContactInitiated of his own call -> any of the last four
                                                own_call

Folds of projections.records. An offer is decided when the two are joined, or the agent is told that
nothing comes of it: whispers, and the dialling of a callback's customer, are part of it. A call
that an agent makes is told likewise, for it connects as long; he has neither answered nor missed
it. Sources: metrics specification, sections 0.3 and 4.3; administrator guide, Agent outbound
connecting time.
"""

from collections.abc import Iterator

from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.facts import Fact, Occurrence, Offer, OfferOutcome
from ringfloor.projections.lives import Life, Ring, State, keys, standing


def initiated(state: State, event: events.ContactInitiated, at: Instant) -> Iterator[Fact]:
    """An agent calls somebody, and is in his place already."""
    life = state.lives[event.contact.id]
    if life.initiation_method == "OUTBOUND" and life.place is not None:
        life.ring = Ring(at, life.place)
    yield from ()


def offered(state: State, event: events.ContactOffered, at: Instant) -> Iterator[Fact]:
    state.lives[event.contact_id].ring = Ring(at, standing(state, event.agent_id))
    yield from ()


def missed(state: State, event: events.OfferMissed, at: Instant) -> Iterator[Fact]:
    outcome: OfferOutcome = "missed" if event.reason == "unanswered" else event.reason
    yield from _decided(state.lives[event.contact_id], outcome, at)


def failed(
    state: State,
    event: events.AgentLegLost | events.CallbackUnanswered | events.ContactEnded,
    at: Instant,
) -> Iterator[Fact]:
    yield from _decided(state.lives[event.contact_id], "failed", at)


def connected(state: State, event: events.ContactConnectedToAgent, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    yield from _decided(life, "accepted", at)
    yield Occurrence(**keys(life, life.place), kind="connected", at=at)


def enqueued(state: State, event: events.ContactEnqueued, at: Instant) -> Iterator[Fact]:
    yield Occurrence(**keys(state.lives[event.contact_id]), kind="enqueued", at=at)


def _decided(life: Life, outcome: OfferOutcome, at: Instant) -> Iterator[Fact]:
    ring, life.ring = life.ring, None
    if ring is not None:
        outcome = "own_call" if life.initiation_method == "OUTBOUND" else outcome
        yield Offer(**keys(life, ring.place), offered_at=ring.at, ended_at=at, outcome=outcome)
