"""Task: how a task begins, is put aside, taken up again, handed on and done.

    start                    SCHEDULED --its time--> IN_FLOW --> (contact, connection)
    pause                    IN_QUEUE or CONNECTED --> PAUSED; the agent's slot is free
    resume                   PAUSED --> CONNECTED with the same agent, or IN_QUEUE at its old place
    transfer                 it ends, and its successor begins in another flow
    finish                   CONNECTED or PAUSED --> ENDED, AGENT_COMPLETED
    expiry                   wherever it is --> ENDED, EXPIRED

A task in queue that is paused stands in no line, but its queue still counts it. Sources: behaviour
specification, sections 2.3, 5.6 and choice 26 of section 9.
"""

from collections.abc import Iterator
from typing import Any

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import (
    FLOW_TASKS_OPEN_MAX,
    SCHEDULE_AHEAD_MS,
    TASK_LINKS_MAX,
    TASK_PAUSES_MAX,
)
from ringfloor.base.time import DAY, Duration, Instant, seconds
from ringfloor.domain import dialogue
from ringfloor.domain.commands import (
    FinishTask,
    PauseTask,
    ResumeTask,
    SetExpiry,
    StartTask,
    TransferTask,
)
from ringfloor.domain.contact import Contact, Reference, Template, association
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactConnectedToSystem,
    ContactInitiated,
    ContactScheduled,
    ContactSucceeded,
    Event,
    ExpirySet,
    FlowEntered,
    TaskPaused,
    TaskResumed,
)
from ringfloor.domain.vocabulary import AgentContactState, DisconnectReason, InitiationMethod
from ringfloor.engine import connection, entry, flows, queue, routing
from ringfloor.engine.schedule import EXPIRY, set_timer
from ringfloor.engine.state import Center
from ringfloor.engine.view import last_segment

FLOW_TYPES = ("CONTACT_FLOW", "AGENT_TRANSFER", "QUEUE_TRANSFER")
"""Flow types in which a task can begin."""

# Beginnings


def start(center: Center, command: StartTask, seed: Seed) -> Iterator[Event]:
    """A new task. A client token that started a live contact starts nothing."""
    if entry.begun_with(center, command.client_token) is None:
        yield from begin(center, command, derive(seed, 0))


def begin(center: Center, command: StartTask, identifier: str) -> Iterator[Event]:
    """A new task of this id; its flow begins at once or, if it is scheduled, at its time."""
    entry.check_flow(center, command.flow_id, FLOW_TYPES)
    _check_target(center, command.target_id)
    entry.check_references(command.references)
    entry.check_quota(center, "TASK", command.quota, "ServiceQuotaExceededException")
    if command.at is not None and not 0 <= command.at - center.at <= SCHEDULE_AHEAD_MS:
        rule = f"is not within the {SCHEDULE_AHEAD_MS // DAY} days from now"
        raise invalid_parameter("ScheduledTime", seconds(command.at), rule)
    previous = command.previous
    shared = {} if previous is None else _now(center, previous).attributes
    entry.check_attributes({**shared, **command.attributes})
    task = _born(center, command, identifier)
    yield ContactInitiated(task)
    if previous is not None and previous.id in center.contacts:
        yield ContactSucceeded(previous.id, identifier)
    if previous is not None and command.attributes:
        yield AttributesUpdated(identifier, command.attributes)
    if command.at is not None:
        yield ContactScheduled(identifier, None, "TASK", command.at)
    else:
        yield from _enters(center, task)


def _born(center: Center, command: StartTask, identifier: str) -> Contact:
    common: dict[str, Any] = {
        "channel": "TASK",
        "stage": "IN_FLOW" if command.at is None else "SCHEDULED",
        "flow_id": command.flow_id,
        "queue_id": command.target_id,
        "name": command.name,
        "description": command.description,
        "references": command.references,
        "segment_attributes": command.segment_attributes,
        "client_token": command.client_token,
        "related_contact_id": command.related_contact_id,
        "template": command.template,
        "started_with": command.quick_connect_id,
        "expires_at": center.at + command.life_ms,
    }
    if command.previous is None:
        return Contact(
            id=identifier,
            initiation_method="API",
            initiated_at=center.at,
            updated_at=center.at,
            attributes=command.attributes,
            association_id=command.association_id,
            **common,
        )
    previous = _now(center, command.previous)
    return _linked(center, previous, identifier, "API", common)


def _now(center: Center, contact: Contact) -> Contact:
    """The contact as it is now, if it is live; else as it was given."""
    return center.contacts.get(contact.id, contact)


def _linked(
    center: Center,
    previous: Contact,
    identifier: str,
    method: InitiationMethod,
    changes: dict[str, Any],
) -> Contact:
    """The next contact of a chain; refuses if that is as long as it may be."""
    links = previous.links + 1
    if links >= TASK_LINKS_MAX or len(previous.next_contacts) >= TASK_LINKS_MAX:
        raise Refusal(
            "ServiceQuotaExceededException",
            f"PreviousContactId: {previous.id!r} would have more than {TASK_LINKS_MAX}"
            " contacts in its chain",
        )
    return connection.successor(
        center, previous, id=identifier, method=method, links=links, customer_leg=None, **changes
    )


def _check_target(center: Center, target_id: str | None) -> None:
    if target_id is not None and target_id not in center.agents:
        center.resource("queue", target_id, "QueueId")


def _enters(center: Center, task: Contact) -> Iterator[Event]:
    assert task.flow_id is not None
    flow_type = center.resources["contact_flow"][task.flow_id].properties["Type"]
    yield ContactConnectedToSystem(task.id)
    yield FlowEntered(task.id, task.flow_id, "customer", flow_type)


def begins(center: Center, task: Contact) -> Iterator[Event]:
    """Its time has come; a task whose flow is gone meanwhile has nowhere to go."""
    if flows.entered_by(center, "contact_flow", task.flow_id or "") is None:
        yield from connection.ending(task, "OTHER")
    else:
        yield from _enters(center, task)


def expires(_center: Center, contact: Contact, _delay_ms: Duration) -> Iterator[Event]:
    """The contact's life is over."""
    yield from connection.ending(contact, "EXPIRED")


# Out of a flow


def created(
    center: Center, contact: Contact, ask: dialogue.CreateTask, identifier: str
) -> Iterator[Event]:
    """A task beside a contact, as its flow asks for it; refuses what StartTaskContact refuses."""
    flow_id, template = last_segment(ask.flow_id or ""), None
    if ask.template_id is not None:
        resource = center.resource("task_template", last_segment(ask.template_id), "TaskTemplateId")
        if resource.properties.get("Status") != "ACTIVE":
            raise invalid_request("TaskTemplateId", resource.id, "is inactive")
        template = Template(resource.id, resource.name)
        flow_id = flow_id or resource.properties.get("ContactFlowId") or ""
    at = ask.scheduled_at
    if at is None and ask.delay_ms:
        at = center.at + ask.delay_ms
    yield from begin(
        center,
        StartTask(
            name=ask.name,
            description=ask.description,
            flow_id=flow_id,
            attributes=ask.attributes,
            references={
                name: Reference(type_, value)  # type: ignore[arg-type]  # checked by the flow
                for name, (type_, value) in ask.references.items()
            },
            template=template,
            related_contact_id=contact.id,
            association_id=association(contact),
            at=at,
            quota=FLOW_TASKS_OPEN_MAX,
        ),
        identifier,
    )


# What agents and clients want


HANDED_ON: DisconnectReason = "AGENT_DISCONNECT"
"""Why a task ends that its agent hands on by a quick connect, as a chat does."""


def transfer(center: Center, command: TransferTask, seed: Seed) -> Iterator[Event]:
    """TransferContact: the task ends here and goes on as another contact, in another flow."""
    if entry.begun_with(center, command.client_token) is not None:
        return
    task = _live(center, command.contact_id)
    if task.stage == "SCHEDULED":
        raise invalid_request("ContactId", task.id, "has not begun: it is scheduled")
    entry.check_flow(center, command.flow_id, FLOW_TYPES)
    _check_target(center, command.target_id)
    following = _linked(
        center,
        task,
        derive(seed, 0),
        "TRANSFER",
        {
            "stage": "IN_FLOW",
            "flow_id": command.flow_id,
            "queue_id": command.target_id,
            "client_token": command.client_token,
            "started_with": command.quick_connect_id,
            "template": task.template,
            "expires_at": task.expires_at,
        },
    )
    yield ContactInitiated(following)
    yield ContactSucceeded(task.id, following.id)
    yield from connection.ending(task, "API" if command.quick_connect_id is None else HANDED_ON)
    yield from _enters(center, following)


def finish(center: Center, command: FinishTask) -> Iterator[Event]:
    """The agent has done the task; after contact work follows."""
    connection.holder(center, command)
    task = center.contacts[command.contact_id]
    if task.channel != "TASK":
        raise invalid_request("ContactId", task.id, "is not a task: it cannot be completed")
    yield from connection.ending(task, "AGENT_COMPLETED")


def set_expiry(center: Center, command: SetExpiry) -> Iterator[Event]:
    """Another length of life, counted from the task's beginning."""
    task = _live(center, command.contact_id)
    yield ExpirySet(task.id, max(task.initiated_at + command.life_ms, center.at))


def _live(center: Center, contact_id: str) -> Contact:
    """A task that has not ended; refuses with ResourceNotFoundException."""
    task = center.contacts.get(contact_id)
    if task is None or task.stage == "ENDED":
        raise not_found("ContactId", contact_id, "live contact")
    if task.channel != "TASK":
        raise invalid_request("ContactId", contact_id, "is not a task")
    return task


# Aside, and back

PAUSABLE = ("IN_QUEUE", "CONNECTED")
"""Stages in which a task can be put aside: before, its flow is at work; while it rings, an agent
is about to take it."""


def pause(center: Center, command: PauseTask) -> Iterator[Event]:
    """PauseContact. Refuses with ConflictException where there is nothing to pause."""
    task = _live(center, command.contact_id)
    if task.stage not in PAUSABLE or task.held_at is not None:
        stage = "on hold" if task.held_at is not None else task.stage
        raise _conflict(task, f"is {stage}; what pauses is in queue or with an agent")
    if task.pauses >= TASK_PAUSES_MAX:
        raise Refusal(
            "LimitExceededException",
            f"ContactId: {task.id!r} has been paused {TASK_PAUSES_MAX} times, the limit",
        )
    _check_hook(center, command.flow_id)
    yield from pausing(task)
    yield from _hooked(center, task, "PauseContact", "PAUSE", command.flow_id)


def pausing(task: Contact) -> Iterator[Event]:
    """The task is put aside; the flow that entertains who waits is over."""
    yield TaskPaused(task.id, task.agent_id if task.stage == "CONNECTED" else None)
    run = task.runs.get("customer")
    if run is not None and run.flow_type == "CUSTOMER_QUEUE":
        yield from flows.stop_events(task, "customer")


def resume(center: Center, command: ResumeTask) -> Iterator[Event]:
    """ResumeContact."""
    task = _live(center, command.contact_id)
    if task.stage != "PAUSED":
        raise _conflict(task, f"is {task.stage}, not paused")
    _check_hook(center, command.flow_id)
    yield resuming(task)
    hooked = tuple(_hooked(center, task, "ResumeContact", "RESUME", command.flow_id))
    yield from hooked
    if task.agent_id is None and not hooked:
        yield from flows.hook_events(center, task, "customer", "CUSTOMER_QUEUE")


def resuming(task: Contact) -> TaskResumed:
    """The task is where it was."""
    assert task.queue_id is not None
    assert task.enqueued_at is not None
    return TaskResumed(task.id, task.agent_id, task.queue_id, task.channel, task.enqueued_at)


def _conflict(task: Contact, rule: str) -> Refusal:
    return Refusal("ConflictException", f"ContactId: {task.id!r} {rule}")


def _check_hook(center: Center, flow_id: str | None) -> None:
    if flow_id is not None:
        entry.check_flow(center, flow_id)


def _hooked(
    center: Center, task: Contact, hook: str, flow_type: str, flow_id: str | None
) -> Iterator[Event]:
    """The flow that runs at this event; the contact lives on when it is over."""
    wanted = flow_id or ("" if hook in task.hooks_disabled else task.hooks.get(hook, ""))
    entered = flows.entered_by(center, "contact_flow", last_segment(wanted))
    if entered is not None:
        yield FlowEntered(task.id, entered, "customer", flow_type)


# What the events do


def paused(center: Center, event: TaskPaused, at: Instant) -> None:
    task = center.contacts[event.contact_id]
    if event.agent_id is None:
        queue.leave(center, task)
    else:
        _holds(center, task, event.agent_id, "PAUSED", at)
    task.stage = "PAUSED"
    task.paused_at = task.last_paused_at = task.updated_at = at
    task.pauses += 1


def resumed(center: Center, event: TaskResumed, at: Instant) -> None:
    task = center.contacts[event.contact_id]
    connection.end_pause(task, at)
    task.last_resumed_at = task.updated_at = at
    if event.agent_id is None:
        task.stage = "IN_QUEUE"
        queue.look_at_the_clock(center, task)
        queue.enter(center, task)
    else:
        task.stage = "CONNECTED"
        _holds(center, task, event.agent_id, "CONNECTED", at)


def _holds(
    center: Center, task: Contact, agent_id: str, state: AgentContactState, at: Instant
) -> None:
    agent = center.agents[agent_id]
    held = agent.contacts[task.id]
    held.state, held.since = state, at
    routing.stand(center, agent)


def expiry_set(center: Center, event: ExpirySet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.expires_at = event.at
    contact.updated_at = at
    set_timer(center, contact, EXPIRY, event.at)
