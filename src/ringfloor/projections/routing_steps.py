"""Routing steps: contacts in the steps of their routing criteria.

    RoutingCriteriaSet, ContactEnqueued     the first step is entered, in a standard queue
    RoutingStepExpired                      expired; the next step, if there is one, is entered
    ContactConnectedToAgent                 joined
    other criteria, another queue, the end  left

Folds of projections.records; which step is active, domain.criteria knows. A task that is paused
stays in its step. Source: behaviour specification, section 4.4.
"""

from collections.abc import Iterator, Sequence

from ringfloor.base.time import Instant
from ringfloor.domain import criteria, events
from ringfloor.domain.criteria import Criteria
from ringfloor.domain.facts import Fact, StepEntry, StepOutcome
from ringfloor.projections.lives import Life, State, enter_queue, keys


def arrived(state: State, event: events.RoutingCriteriaSet, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    yield from _left(life, "left", at)
    life.criteria = Criteria(event.steps)
    if life.placed:
        _enter(life, at)


def enqueued(state: State, event: events.ContactEnqueued, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    yield from _left(life, "left", at)
    enter_queue(state, life, event.queue_id)
    life.placed = True
    _enter(life, at)


def expired(state: State, event: events.RoutingStepExpired, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    assert life.criteria is not None
    yield from _left(life, "expired", at)
    life.criteria = criteria.moved_on(life.criteria, at)
    life.step_since = at


def connected(state: State, event: events.ContactConnectedToAgent, at: Instant) -> Iterator[Fact]:
    yield from _over(state.lives[event.contact_id], "joined", at)


def ended(state: State, event: events.ContactEnded, at: Instant) -> Iterator[Fact]:
    yield from _over(state.lives[event.contact_id], "left", at)


def out_of_place(
    state: State,
    event: events.CallbackUnanswered
    | events.ContactScheduled
    | events.CustomerDialled
    | events.TaskPaused,
    _at: Instant,
) -> Iterator[Fact]:
    """Criteria that are set now wait until the contact is enqueued."""
    state.lives[event.contact_id].placed = False
    yield from ()


def resumed(state: State, event: events.TaskResumed, _at: Instant) -> Iterator[Fact]:
    state.lives[event.contact_id].placed = event.agent_id is None
    yield from ()


def answered(state: State, event: events.ContactConnectedToSystem, _at: Instant) -> Iterator[Fact]:
    """The customer of an agent who has taken the contact is there."""
    life = state.lives[event.contact_id]
    life.placed = life.place is not None
    yield from ()


def running(life: Life) -> Iterator[StepEntry]:
    """The step that the contact is in."""
    step = None if life.criteria is None else life.criteria.active
    if step is not None:
        yield StepEntry(**keys(life), expression=step.expression, entered_at=life.step_since)


def _enter(life: Life, at: Instant) -> None:
    if life.criteria is not None:
        life.criteria = criteria.activated(life.criteria, at, first=not life.own_queue)
        life.step_since = at


def _over(life: Life, outcome: StepOutcome, at: Instant) -> Iterator[StepEntry]:
    """Nobody is sought for the contact any more."""
    yield from _left(life, outcome, at)
    life.criteria = None


def _left(life: Life, outcome: StepOutcome, at: Instant) -> Iterator[StepEntry]:
    step = None if life.criteria is None else life.criteria.active
    if step is not None:
        yield StepEntry(
            **keys(life),
            expression=step.expression,
            entered_at=life.step_since,
            left_at=at,
            outcome=outcome,
        )


def last(sets: Sequence[Criteria]) -> str | None:
    """Expression of the step that a contact was joined in, else of the last that was active."""
    for each in reversed(sets):
        met = [step for step in each.steps if step.status != "INACTIVE"]
        joined = next((step for step in met if step.status == "JOINED"), None)
        if joined is not None or met:
            return (joined or met[-1]).expression
    return None
