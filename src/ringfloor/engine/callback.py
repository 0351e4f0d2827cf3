"""Callback: a customer who hung up because he will be called back.

Agent first: the callback waits in the customer's stead and is offered; whoever takes it hears the
whisper, then the customer is dialled, and with him the callback is a call like others.

    SCHEDULED --delay--> IN_QUEUE -> OFFERED --accept--> ACCEPTED --whisper--> DIALING
        ^                                                                        |
        +-------------------- unanswered, tried less often than it may ----------+--> ACCEPTED
                                                                     answered         (connection)

Customer first: it waits in a line of its own, from which nothing is offered. While more agents are
free than customers are being dialled, the first in line ends, and its successor dials the customer,
who is then in a flow like any other and queues there.

A place in line is ranked by when the call began that asked for it, unless the instance has them
wait like others (domain.practice). Sources: behaviour
specification, section 5.5 and choices 3 and 12 to 15 of section 9.
"""

from collections.abc import Iterator

import msgspec

from ringfloor.base.errors import invalid_request
from ringfloor.base.limits import CALLBACK_LIFE_MS, DIAL_MS
from ringfloor.base.time import Instant
from ringfloor.domain import dialogue, practice
from ringfloor.domain.commands import MatchCallbacks
from ringfloor.domain.contact import Callback, Contact, lost
from ringfloor.domain.events import (
    CallbackNumberSet,
    CallbackUnanswered,
    ContactEnqueued,
    ContactInitiated,
    ContactScheduled,
    ContactSucceeded,
    CustomerDialled,
    Event,
)
from ringfloor.domain.numbers import is_e164
from ringfloor.domain.vocabulary import InitiationMethod
from ringfloor.engine import connection, entry, flows, queue, routing
from ringfloor.engine.schedule import EXPIRY, set_deadline, set_timer
from ringfloor.engine.state import Center
from ringfloor.engine.view import caller_id, last_segment

# Beginnings


def refused(center: Center, number: str) -> str | None:
    """The error by which a callback number is refused; None: it can be called."""
    if not is_e164(number):
        return "InvalidCallbackNumber"
    if not entry.may_dial(center, number):
        return "CallbackNumberNotDialable"
    return None


def created(
    center: Center, contact: Contact, ask: dialogue.CreateCallback, identifier: str, dialled: str
) -> Iterator[Event]:
    """A callback to the customer of a contact. dialled: id of the contact that would dial him.

    Refuses where there is nobody to call, or no queue that takes him.
    """
    assert center.instance is not None
    target = last_segment(ask.queue_id or ask.agent_id or "") or contact.queue_id or ""
    customer = contact.callback_number or contact.customer_number
    if customer is None:
        raise invalid_request("CallbackNumber", None, "is needed: the customer has no number")
    if not entry.may_dial(center, customer):
        raise invalid_request("CallbackNumber", customer, "is not called from this instance")
    if queue.is_closed(center, target) or queue.is_full(center, target):
        raise invalid_request("QueueId", target, "takes no further contact")
    flow_id = None
    if ask.flow_id is not None:
        flow_id = last_segment(ask.flow_id)
        entry.check_flow(center, flow_id)
    source = ask.caller_id
    if source is None and target not in center.agents:
        source = caller_id(center, target)
    method: InitiationMethod = "CALLBACK"
    if flow_id is not None:
        method = "CALLBACK_CUSTOMER_FIRST_QUEUED"
    since = None
    if practice.ranks_by_call(center.instance.properties):
        since = contact.ranks_from or contact.initiated_at
    delay_ms = ask.delay_ms if flow_id is None else 0
    yield ContactInitiated(
        connection.successor(
            center,
            contact,
            id=identifier,
            method=method,
            channel="VOICE",
            stage="SCHEDULED",
            customer_leg=None,
            customer_number=customer,
            system_number=source or contact.system_number,
            queue_id=target,
            ranks_from=since,
            expires_at=center.at + CALLBACK_LIFE_MS,
            callback=Callback(
                queue_id=target,
                attempts=max(ask.attempts, 1),
                retry_ms=ask.retry_ms,
                flow_id=flow_id,
                dialled_id=None if flow_id is None else dialled,
                delay_ms=delay_ms,
            ),
        )
    )
    yield ContactSucceeded(contact.id, identifier)
    if delay_ms:
        yield ContactScheduled(identifier, target, "VOICE", center.at + delay_ms)
    else:
        yield ContactEnqueued(identifier, target, "VOICE")


def begins(center: Center, contact: Contact) -> Iterator[Event]:
    """The delay is over. What was accepted finds room in a queue that is a little too full."""
    assert contact.queue_id is not None
    target = contact.queue_id
    if queue.is_closed(center, target) or queue.is_full(center, target, overshoot=True):
        yield from connection.ending(contact, "OTHER")
    else:
        yield ContactEnqueued(contact.id, target, contact.channel)


# Agent first


def is_alone(contact: Contact) -> bool:
    """Whether this is a callback whose customer is not there, so that news of him is stale.

    That of a customer-first callback who is dialled is like any other who is.
    """
    return (
        contact.callback is not None
        and contact.connected_to_system_at is None
        and not was_dialled_first(contact)
    )


def is_dialled_for_agent(contact: Contact | None) -> bool:
    """Whether an agent waits for the customer of this callback to answer."""
    return (
        contact is not None
        and contact.stage == "DIALING"
        and contact.callback is not None
        and contact.callback.flow_id is None
    )


# Customer first


def dial_waiting(center: Center, command: MatchCallbacks) -> Iterator[Event]:
    """Customers are dialled, the longest wait first, for agents who are free."""
    line = center.lines.get((command.queue_id, queue.CALLBACK_LINE))
    if line is None:
        return
    free = _free(center, command.queue_id)
    underway = sum(each == command.queue_id for each in center.dialled.values())
    for *_, contact_id in line.first(max(free - underway, 0)):
        yield from _dial_first(center, center.contacts[contact_id])


def _free(center: Center, queue_id: str) -> int:
    """How many agents could take a call of this queue, or of this agent's own, now."""
    if queue_id in center.agents:
        _, pools = center.placed.get(queue_id, (None, ()))
        return int(any(channel == "VOICE" for _, channel in pools))
    serving = center.rows.get((queue_id, "VOICE"), {})
    return sum(len(center.pools.get((profile_id, "VOICE"), ())) for profile_id in serving)


def _dial_first(center: Center, waiting: Contact) -> Iterator[Event]:
    plan = waiting.callback
    assert plan is not None
    assert plan.dialled_id is not None
    assert waiting.enqueued_at is not None
    waited = center.at - waiting.enqueued_at
    if flows.entered_by(center, "contact_flow", plan.flow_id or "") is not None:
        yield ContactInitiated(
            connection.successor(
                center,
                waiting,
                id=plan.dialled_id,
                method="CALLBACK_CUSTOMER_FIRST_DIALED",
                channel="VOICE",
                stage="DIALING",
                customer_leg=None,
                flow_id=plan.flow_id,
                queue_id=waiting.queue_id,
                ranks_from=waiting.ranks_from,
                callback=msgspec.structs.replace(plan, tried=1, dialled_id=None, waited_ms=waited),
            ),
            DIAL_MS,
        )
        yield ContactSucceeded(waiting.id, plan.dialled_id)
    yield from connection.ending(waiting, "OTHER")


def queues_of(center: Center, agent_id: str) -> Iterator[str]:
    """The queues of an agent in which customers wait to be dialled."""
    agent = center.agents.get(agent_id)
    if agent is None:
        return
    rows = routing.profile_of(center, agent).rows
    served = (agent_id, *(row.queue_id for row in rows if row.channel == "VOICE"))
    for queue_id in served:
        if (queue_id, queue.CALLBACK_LINE) in center.lines:
            yield queue_id


def was_dialled_first(contact: Contact) -> bool:
    """Whether this is a customer who was dialled and has not come to a queue."""
    return (
        contact.initiation_method == "CALLBACK_CUSTOMER_FIRST_DIALED"
        and contact.enqueued_at is None
    )


def remember(center: Center, contact: Contact) -> None:
    """Count a live contact among the customers who are dialled first, if it is one of them."""
    if contact.stage != "ENDED" and was_dialled_first(contact):
        assert contact.callback is not None
        center.dialled[contact.id] = contact.callback.queue_id


def waits_to_be_dialled(contact: Contact) -> bool:
    """Whether this is a customer-first callback in queue."""
    return contact.callback is not None and contact.callback.dialled_id is not None


# What the events do


def number_set(center: Center, event: CallbackNumberSet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.callback_number = event.number
    contact.updated_at = at


def customer_dialled(center: Center, event: CustomerDialled, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    if event.shown_as is not None:
        contact.system_number = event.shown_as
    if contact.callback is not None:
        entry.dialled(center, at)
        tried = contact.callback.tried + 1
        contact.callback = msgspec.structs.replace(contact.callback, tried=tried)
        if tried > 1:  # a channel that has ended is not dialled again
            center.legs.pop(contact.customer_leg or "", None)
            contact.customer_leg = f"{contact.id}.{tried}"
            center.legs[contact.customer_leg] = contact.id
    contact.stage = "DIALING"
    contact.updated_at = at
    set_deadline(center, contact, event.until)
    agent = center.agents[event.agent_id]
    held = agent.contacts[contact.id]
    held.state, held.since = "CONNECTING", at
    routing.stand(center, agent)


def not_answered(center: Center, event: CallbackUnanswered, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    agent = center.agents[event.agent_id]
    held = agent.contacts[contact.id]
    held.last = lost(contact)
    flows.leave(center, contact, "agent")
    contact.stage = "SCHEDULED"
    contact.agent_id = contact.routing_profile_id = None
    contact.agent_ready_at = None
    connection.another_phone(contact, rang=True)
    contact.scheduled_at = event.until
    contact.updated_at = at
    set_deadline(center, contact, event.until)
    if contact.expires_at is not None:
        set_timer(center, contact, EXPIRY, max(contact.expires_at, at))
    held.state, held.since = "ERROR", at
    held.error = connection.ERRORS.get(event.reason, "FailedConnectCustomer")
    routing.stand(center, agent)
