"""Flow runs: contacts in flows and modules, and by which of the API's outcomes they leave them.

    DISCONNECTED_PARTICIPANT     the flow came to a Disconnect
    ENDED_FLOW_EXECUTION         to an EndFlowExecution, or a flow that is no module to its return
    TRANSFERED_TO_QUEUE          it put the contact into a queue, or into another one
    TRANSFERED_TO_AGENT          it rang at the one agent whom it was for
    TRANSFERED_TO_PHONE_NUMBER   a third party has answered, and has the customer for good
    TRANSFERED_TO_FLOW           it went over into another flow
    RETURNED_TO_FLOW             a module is over, whoever invoked it goes on
    DROPPED                      anything else came first: the customer hung up, an agent took who
                                 waited, the hold was over, the flow had nowhere to go

Folds of projections.records. What a flow has asked last says how it may end, the event by which it
ends whether it did. Who waits for the module that ends so ends with it, in the same way. Source:
Amazon Connect administrator guide, metric definitions, Flows outcome.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from ringfloor.base.time import Instant
from ringfloor.domain import dialogue, events
from ringfloor.domain.contact import Side
from ringfloor.domain.facts import Fact, FlowOutcome, FlowRun
from ringfloor.projections import bot_talks
from ringfloor.projections.lives import Life, Run, State, keys, standard_queue

# What is published

KINDS = frozenset(
    {
        "contact_flow",
        "contact_flow_module",
        "contact_flow_module_version",
        "contact_flow_version",
    }
)
"""Kinds whose resources have a content that contacts run."""


def created(state: State, event: events.ResourceCreated, at: Instant) -> Iterator[Fact]:
    if event.kind in KINDS:
        state.published[event.id] = at if _is_published(event.properties) else None
    yield from ()


def updated(state: State, event: events.ResourceUpdated, at: Instant) -> Iterator[Fact]:
    if event.kind in KINDS and not event.changes.keys().isdisjoint(("Content", "Status")):
        before = state.published[event.id]
        now = _is_published(event.changes) if "Status" in event.changes else before is not None
        again = "Content" in event.changes or before is None
        state.published[event.id] = (at if again else before) if now else None
    yield from ()


def deleted(state: State, event: events.ResourceDeleted, _at: Instant) -> Iterator[Fact]:
    if event.kind in KINDS:
        del state.published[event.id]
    yield from ()


def _is_published(properties: Mapping[str, Any]) -> bool:
    return properties.get("Status") == "PUBLISHED"


def initiated(state: State, event: events.ContactInitiated, _at: Instant) -> Iterator[Fact]:
    """Who is dialled runs what is published now; a move to another queue has come true."""
    born = event.contact
    if born.stage == "DIALING" and born.flow_id is not None:
        state.lives[born.id].bound_at = state.published.get(born.flow_id)
    before = state.lives.get(born.previous_contact_id or "")
    if born.initiation_method == "QUEUE_TRANSFER" and before is not None:
        for run in before.runs.get("customer", ()):
            run.next_queue_id = standard_queue(state, born.queue_id)
    yield from ()


# In and out


def entered(state: State, event: events.FlowEntered, at: Instant) -> Iterator[Fact]:
    life, flow_id = state.lives[event.contact_id], _resource(event.flow_id)
    yield from _over(life, event.side, event, at, next_flow_id=flow_id)
    published_at = life.bound_at or state.published.get(event.flow_id)
    life.bound_at = None
    life.runs[event.side] = [
        Run(flow_id, event.flow_type, at, published_at=published_at, queue_id=life.queue_id)
    ]


def module_entered(state: State, event: events.ModuleEntered, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    stack = life.runs[event.side]
    stack[-1].leads_to = None
    run = Run(
        stack[0].flow_id,
        stack[0].flow_type,
        at,
        _resource(event.module_id),
        state.published.get(event.module_id),
        life.queue_id,
    )
    stack.append(run)
    yield from ()


def module_left(state: State, event: events.ModuleLeft, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    run = life.runs[event.side].pop()
    yield from bot_talks.dropped(life, run, at)
    yield _told(life, run, at, "RETURNED_TO_FLOW")


def stepped(state: State, event: events.FlowStepped, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    run = life.runs[event.side][-1]
    yield from bot_talks.stepped(life, run, event, at)
    run.leads_to = _leads_to(event.ask) if event.outcome is None else None


def _leads_to(ask: dialogue.Ask) -> FlowOutcome | None:
    if isinstance(ask, dialogue.End):
        return "ENDED_FLOW_EXECUTION" if ask.reason == "finished" else None
    return LEADS_TO.get(type(ask))


LEADS_TO: Mapping[type[Struct], FlowOutcome] = {
    dialogue.Disconnect: "DISCONNECTED_PARTICIPANT",
    dialogue.LeaveModule: "ENDED_FLOW_EXECUTION",
    dialogue.TransferToQueue: "TRANSFERED_TO_QUEUE",
    dialogue.DequeueAndTransfer: "TRANSFERED_TO_QUEUE",
    dialogue.TransferToAgent: "TRANSFERED_TO_AGENT",
    dialogue.TransferToNumber: "TRANSFERED_TO_PHONE_NUMBER",
    dialogue.EnterFlow: "TRANSFERED_TO_FLOW",
}
"""How a flow ends that asks for this, if it comes true."""

TRUE_BY: Mapping[type[Struct], frozenset[FlowOutcome]] = {
    events.FlowEntered: frozenset({"TRANSFERED_TO_FLOW"}),
    events.FlowFinished: frozenset({"DISCONNECTED_PARTICIPANT", "ENDED_FLOW_EXECUTION"}),
    events.ContactEnqueued: frozenset({"TRANSFERED_TO_QUEUE", "TRANSFERED_TO_AGENT"}),
    events.CustomerPassed: frozenset({"TRANSFERED_TO_PHONE_NUMBER"}),
    events.ContactEnded: frozenset(
        {"DISCONNECTED_PARTICIPANT", "ENDED_FLOW_EXECUTION", "TRANSFERED_TO_QUEUE"}
    ),
}
"""What comes true by the event that ends a flow; whatever else was asked for has not."""


def finished(state: State, event: events.FlowFinished, at: Instant) -> Iterator[Fact]:
    yield from _over(state.lives[event.contact_id], event.side, event, at)


def enqueued(state: State, event: events.ContactEnqueued, at: Instant) -> Iterator[Fact]:
    next_queue_id = standard_queue(state, event.queue_id)
    life = state.lives[event.contact_id]
    yield from _over(life, "customer", event, at, next_queue_id=next_queue_id)


def passed(state: State, event: events.CustomerPassed, at: Instant) -> Iterator[Fact]:
    """The customer is another contact's; a flow that goes on is over with its own contact."""
    life = state.lives[event.contact_id]
    stack = life.runs.get("customer")
    if stack and stack[-1].leads_to == "TRANSFERED_TO_PHONE_NUMBER":
        yield from _over(life, "customer", event, at)


def unanswered(state: State, event: events.CallbackUnanswered, at: Instant) -> Iterator[Fact]:
    yield from _over(state.lives[event.contact_id], "agent", event, at)


def ended(state: State, event: events.ContactEnded, at: Instant) -> Iterator[Fact]:
    yield from all_over(state.lives[event.contact_id], event, at)


def all_over(life: Life, event: Struct, at: Instant) -> Iterator[Fact]:
    """The contact is in no flow any more."""
    for side in tuple(life.runs):
        yield from _over(life, side, event, at)


def running(life: Life) -> Iterator[FlowRun]:
    """The flows and modules that the contact is in."""
    for stack in life.runs.values():
        for run in stack:
            yield _told(life, run, None, None)


def _over(
    life: Life,
    side: Side,
    event: Struct,
    at: Instant,
    next_flow_id: str | None = None,
    next_queue_id: str | None = None,
) -> Iterator[Fact]:
    """The side is in no flow any more, if it was in one; the innermost module first.

    next_flow_id, next_queue_id: where it is now, if that is what the flow has asked for.
    """
    stack = life.runs.pop(side, [])
    asked = stack[-1].leads_to if stack else None
    came_true = asked in TRUE_BY.get(type(event), frozenset())
    for run in reversed(stack):
        yield from bot_talks.dropped(life, run, at)
        if came_true:
            run.next_queue_id = run.next_queue_id or next_queue_id
            yield _told(life, run, at, asked, next_flow_id)
        else:
            run.next_queue_id = None
            yield _told(life, run, at, "DROPPED")


def _told(
    life: Life,
    run: Run,
    at: Instant | None,
    outcome: FlowOutcome | None,
    next_flow_id: str | None = None,
) -> FlowRun:
    return FlowRun(
        **{**keys(life), "queue_id": run.queue_id},
        flow_id=run.flow_id,
        module_id=run.module_id,
        flow_type=run.flow_type,
        published_at=run.published_at,
        started_at=run.since,
        ended_at=at,
        outcome=outcome,
        next_flow_id=next_flow_id,
        next_queue_id=None if at is None else run.next_queue_id,
    )


def _resource(identifier: str) -> str:
    """The id of a flow or module, without the version that runs."""
    return identifier.partition(":")[0]
