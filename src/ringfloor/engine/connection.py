"""Connection: what passes between one contact and one agent.

                 accept                    joined                 hold
    (offered) ----------> (being joined) ----------> CONNECTED <----------> CONNECTED_ONHOLD
        |                       |                        |        resume          |
        | 20 s, reject,         | somebody drops out     +------------------------+
        | customer leaves       v                        |  either side hangs up
        v                     ERROR                      v
      MISSED                    |  clear               ENDED (after contact work)
        |  clear                v                        |  clear, limit, status
        v                   slot free                    v
    slot free                                        slot free, leg final

The contact's side of it: OFFERED is still in the queue, at its old place; a miss puts it back. How
the two are joined stands in engine.joining. Sources: behaviour specification, sections 2.3, 2.4,
3.2, 4.2.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ringfloor.base.errors import Refusal, invalid_request, shown
from ringfloor.base.ids import derive
from ringfloor.base.limits import CHAT_WORK_SECONDS_MAX
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain import practice
from ringfloor.domain.call import agent_leg, customer_leg, is_agent_leg
from ringfloor.domain.commands import (
    AcceptContact,
    ClearContact,
    FinishTask,
    HoldContact,
    LeaveContact,
    RejectContact,
    ResumeContact,
)
from ringfloor.domain.contact import Agent, Contact, Held, association, lost
from ringfloor.domain.events import (
    CallbackUnanswered,
    ContactCleared,
    ContactCompleted,
    ContactConnectedToAgent,
    ContactEnded,
    ContactHeld,
    ContactInitiated,
    ContactOffered,
    ContactResumed,
    ContactSucceeded,
    Event,
    FlowEntered,
    MissReason,
    OfferMissed,
)
from ringfloor.domain.vocabulary import (
    AgentContactState,
    Channel,
    DisconnectReason,
    InitiationMethod,
    PreDisconnectState,
)
from ringfloor.engine import chat_parties, flows, queue, routing
from ringfloor.engine.entry import counted_as
from ringfloor.engine.schedule import set_deadline, stop_timers
from ringfloor.engine.state import Center

BEING_JOINED: tuple[AgentContactState, ...] = ("CONNECTING", "PENDING")

AT_WORK: dict[str, tuple[AgentContactState, ...]] = {
    "AcceptContact": ("CONNECTING", "INCOMING"),
    "RejectContact": ("CONNECTING", "INCOMING"),
    "HoldContact": ("CONNECTED",),
    "ResumeContact": ("CONNECTED_ONHOLD",),
    "LeaveContact": ("CONNECTED", "CONNECTED_ONHOLD", *BEING_JOINED),
    "FinishTask": ("CONNECTED", "CONNECTED_ONHOLD", "PAUSED"),
    "ClearContact": ("MISSED", "REJECTED", "ERROR", "ENDED"),
}
"""What an agent may ask for a contact in which state; nothing else exists."""

RINGING = ("AcceptContact", "RejectContact")
"""What can be asked while it rings, and then only."""

AgentCommand = (
    AcceptContact
    | RejectContact
    | HoldContact
    | ResumeContact
    | LeaveContact
    | FinishTask
    | ClearContact
)


def unknown_contact(contact_id: str) -> Refusal:
    """The contact does not exist here, or is over: ContactNotFoundException, 410."""
    return Refusal(
        "ContactNotFoundException", f"ContactId: no live contact {shown(contact_id)} here"
    )


def his(center: Center, agent_id: str, contact_id: str) -> Contact:
    """The live contact that the agent has; refuses otherwise.

    One that he has missed is no longer his: somebody else may have it by now.
    """
    agent, contact = center.agents.get(agent_id), center.contacts.get(contact_id)
    if agent is None or contact is None or contact_id not in agent.contacts:
        raise unknown_contact(contact_id)
    if contact.agent_id != agent_id:
        raise unknown_contact(contact_id)
    return contact


def holder(center: Center, command: AgentCommand) -> Agent:
    """The agent, who holds the contact in a state that allows the command; refuses otherwise."""
    agent = center.agents.get(command.agent_id)
    held = agent.contacts.get(command.contact_id) if agent else None
    if agent is None or held is None:
        raise unknown_contact(command.contact_id)
    action = type(command).__name__
    if held.state not in AT_WORK[action]:
        allowed = " or ".join(AT_WORK[action])
        raise invalid_request(
            "ContactId", command.contact_id, f"is {held.state}; {action} needs {allowed}"
        )
    if held.state in (*BEING_JOINED, "INCOMING"):
        rings = center.contacts[command.contact_id].stage == "OFFERED"
        if rings != (action in RINGING):
            stage = "still rings" if rings else "has been accepted"
            raise invalid_request("ContactId", command.contact_id, stage)
    return agent


# Decisions


def is_agent_first(contact: Contact) -> bool:
    """Whether this is a queued callback whose agent is there before its customer."""
    return contact.callback is not None and contact.callback.flow_id is None


def reject(center: Center, command: RejectContact) -> Iterator[Event]:
    """The agent declines."""
    holder(center, command)
    yield _missed(center.contacts[command.contact_id], "rejected")


def unanswered(contact: Contact) -> Event:
    """The ring is over."""
    return _missed(contact, "unanswered")


ERRORS: Mapping[DisconnectReason, str] = {
    "AGENT_DISCONNECT": "FailedConnectAgent",
    "CUSTOMER_DISCONNECT": "FailedConnectCustomer",
    "TELECOM_PROBLEM": "FailedConnectCustomer",
    "TELECOM_BUSY": "LineEngagedCustomer",
    "TELECOM_NUMBER_INVALID": "BadAddressCustomer",
    "TELECOM_TIMEOUT": "MissedCallCustomer",
    "TELECOM_UNANSWERED": "MissedCallCustomer",
}
"""Why a contact ended before its agent talked to anybody, as the name of his state."""


def not_reached(center: Center, contact: Contact, reason: DisconnectReason) -> Iterator[Event]:
    """The customer of an agent-first callback was not had: once more later, or that was all."""
    assert contact.callback is not None
    assert contact.agent_id is not None
    if contact.callback.tried >= contact.callback.attempts:
        yield from ending(contact, reason)
        return
    queue_id, channel = queue.line_key(contact)
    until = center.at + contact.callback.retry_ms
    yield CallbackUnanswered(contact.id, contact.agent_id, queue_id, channel, reason, until)


def clear(center: Center, command: ClearContact) -> Iterator[Event]:
    """The agent is done with after contact work, or has seen the missed offer."""
    agent = holder(center, command)
    yield ContactCleared(command.contact_id, agent.id)


def ending(contact: Contact, reason: DisconnectReason) -> Iterator[Event]:
    """What happens when the conversation, or the wait for it, is over."""
    if contact.stage == "OFFERED":
        yield _missed(contact, "customer_left")
    yield ContactEnded(contact.id, reason, _before_the_end(contact))


def disconnect_flow(
    center: Center, contact: Contact, reason: DisconnectReason, *, all_leave: bool = False
) -> Iterator[Event]:
    """The contact ends, its customer stays: he goes on in the flow of its hook, if it has one.

    The new contact has his leg before the old one ends, so that nobody hangs it up. The customer of
    a chat goes on with its other agents, if there are any, unless they all leave.
    """
    flow_id = None
    served = contact.joins or (not all_leave and chat_parties.heirs(center, contact))
    consults = is_agent_leg(customer_leg(contact))  # then who remains is an agent, in his own call
    there = contact.channel in ("VOICE", "CHAT") and contact.connected_to_system_at is not None
    if there and not consults and not served:
        flow_id = flows.hooked(center, contact, "CUSTOMER_REMAINING")
    if flow_id is None:
        yield from ending(contact, reason)
        return
    remaining = successor(
        center,
        contact,
        id=derive(contact.id.encode(), center.turn + 1),
        method="DISCONNECT",
        stage="IN_FLOW",
        flow_id=flow_id,
        connected_to_system_at=center.at,
    )
    yield ContactInitiated(remaining)
    yield ContactSucceeded(contact.id, remaining.id)
    yield from flows.stop_events(contact, "customer")
    yield from ending(contact, reason)
    yield FlowEntered(remaining.id, flow_id)


def others_leave(center: Center, contact: Contact, reason: DisconnectReason) -> Iterator[Event]:
    """Whoever else serves the customer of a chat does so no longer."""
    for each in chat_parties.others(center, contact):
        yield from ending(each, reason)


INHERITED = (
    "channel",
    "customer_number",
    "system_number",
    "name",
    "description",
    "references",
    "attributes",
    "hooks",
    "hooks_disabled",
    "customer_id",
    "language",
    "voice",
    "callback_number",
    "chat_id",
    "joins",
    "logging",
)
"""What a contact has of the one before it in its chain."""

WITHOUT_SYSTEM_ENDPOINT = frozenset({"QUEUE_TRANSFER", "DISCONNECT", "MONITOR"})


def successor(
    center: Center,
    contact: Contact,
    *,
    id: str,  # noqa: A002  as the contact's member is called
    method: InitiationMethod,
    **changes: Any,  # noqa: ANN401  members of Contact, each of its type
) -> Contact:
    """The next contact of a chain; it takes the customer's leg over unless changes say otherwise.

    changes: members of Contact that are not as its beginning makes them.
    """
    members: dict[str, Any] = {name: getattr(contact, name) for name in INHERITED}
    if method in WITHOUT_SYSTEM_ENDPOINT:
        members["system_number"] = None
    if contact.channel == "VOICE":
        members["customer_leg"] = customer_leg(contact)
    if contact.channel == "CHAT":
        members["expires_at"] = contact.expires_at
    members.update(
        stage="IN_FLOW",
        initiated_at=center.at,
        updated_at=center.at,
        initial_contact_id=contact.initial_contact_id or contact.id,
        previous_contact_id=contact.id,
        association_id=association(contact),
    )
    if changes.get("channel", contact.channel) != "CHAT":
        members["chat_id"], members["joins"] = None, False
    return Contact(id=id, initiation_method=method, **{**members, **changes})


def _before_the_end(contact: Contact) -> PreDisconnectState:
    if contact.stage == "PAUSED":
        return "IN_QUEUE" if contact.agent_id is None else "CONNECTED"
    if contact.stage == "CONNECTED":
        return "CONNECTED" if contact.held_at is None else "CONNECTED_ONHOLD"
    if contact.stage == "ACCEPTED" and contact.enqueued_at is not None:
        return "IN_QUEUE"
    return "IN_QUEUE" if contact.stage in ("IN_QUEUE", "OFFERED") else "IN_FLOW"


def _missed(contact: Contact, reason: MissReason) -> OfferMissed:
    assert contact.agent_id is not None
    queue_id, channel = queue.line_key(contact)
    leg = None if contact.desk_phone is None else agent_leg(contact)
    return OfferMissed(contact.id, contact.agent_id, queue_id, channel, reason, leg)


# What the events do


def offered(center: Center, event: ContactOffered, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    agent = center.agents[event.agent_id]
    queue.leave(center, contact)
    contact.stage = "OFFERED"
    contact.agent_id = agent.id
    contact.offers += 1
    contact.desk_phone = event.desk_phone
    set_deadline(center, contact, event.until)
    agent.contacts[contact.id] = Held(
        contact_id=contact.id,
        channel=contact.channel,
        state="INCOMING" if is_agent_first(contact) else "CONNECTING",
        since=at,
        assigned=event.assigned,
    )
    routing.stand(center, agent)


def missed(center: Center, event: OfferMissed, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    agent = center.agents[event.agent_id]
    set_deadline(center, contact, None)
    held = agent.contacts[contact.id]
    held.last = lost(contact)
    contact.stage = "IN_QUEUE"
    contact.agent_id = None
    another_phone(contact, rang=event.leg is not None)
    queue.look_at_the_clock(center, contact)
    queue.enter(center, contact)
    silent = contact.channel == "VOICE" or event.reason == "unanswered"
    held.state = "MISSED" if silent else "REJECTED"
    held.since = at
    routing.stand(center, agent)


def another_phone(contact: Contact, *, rang: bool) -> None:
    """Whoever takes the contact next has a leg of his own."""
    contact.desk_phone = None
    contact.agent_legs += rang


def fails(center: Center, agent_id: str, contact: Contact, error: str, at: Instant) -> None:
    """What was to become a conversation of this agent's has not; he is told, and clears it."""
    agent = center.agents[agent_id]
    held = agent.contacts[contact.id]
    held.state = "ERROR"
    held.since = at
    held.error = error
    held.last = lost(contact)
    routing.stand(center, agent)


def connected(center: Center, event: ContactConnectedToAgent, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    agent = center.agents[event.agent_id]
    set_deadline(center, contact, None)
    if is_waiting(contact):
        take_out(center, contact, at)
    contact.stage = "CONNECTED"
    routing.close(center, contact, "JOINED")
    contact.connected_to_agent_at = at
    contact.routing_profile_id = event.routing_profile_id
    contact.updated_at = at
    held = agent.contacts[contact.id]
    held.state = "CONNECTED"
    held.since = at
    routing.stand(center, agent)


def put_on_hold(center: Center, event: ContactHeld, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.held_at = at
    contact.holds += 1
    held_by_agent(center, contact).state = "CONNECTED_ONHOLD"


def resumed(center: Center, event: ContactResumed, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    _end_hold(contact, at)
    held_by_agent(center, contact).state = "CONNECTED"


def ended(center: Center, event: ContactEnded, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    if contact.stage == "IN_QUEUE":
        queue.leave(center, contact)
    if is_waiting(contact):
        take_out(center, contact, at)
    if contact.stage in ("ACCEPTED", "DIALING") and contact.agent_id is not None:
        fails(center, contact.agent_id, contact, "FailedConnectCustomer", at)
    end_pause(contact, at)
    _end_hold(contact, at)
    set_deadline(center, contact, None)
    contact.stage = "ENDED"
    routing.close(center, contact, "DEACTIVATED")
    for counted in counted_as(contact):
        center.going[counted] -= 1
        if not center.going[counted]:
            del center.going[counted]
    center.dialled.pop(contact.id, None)
    stop_timers(center, contact)
    flows.leave_all(center, contact)
    contact.disconnected_at = at
    contact.disconnect_reason = event.reason
    contact.pre_disconnect_state = event.pre_disconnect_state
    contact.updated_at = at
    if center.client_tokens.get(contact.client_token or "") == contact.id:
        del center.client_tokens[contact.client_token or ""]
    if contact.connected_to_agent_at is not None:
        agent = center.agents[contact.agent_id or ""]
        held = agent.contacts[contact.id]
        held.state = "ENDED"
        held.since = at
        contact.after_contact_work_started_at = at
        first = is_agent_first(contact)
        limit = work_limit_seconds(center, agent, contact.channel, callback=first)
        set_deadline(center, contact, at + limit * SECOND if limit else None)
        routing.stand(center, agent)


def cleared(center: Center, event: ContactCleared, at: Instant) -> None:
    agent = center.agents[event.agent_id]
    held = agent.contacts.pop(event.contact_id)
    if routing.wait_begins(center, agent, held):
        agent.idle_since = at
        agent.idle_turn = center.next_turn()
    if held.state == "ENDED":
        contact = center.contacts[event.contact_id]
        set_deadline(center, contact, None)
        contact.after_contact_work_ended_at = at
        contact.updated_at = at
    routing.stand(center, agent)


def completed(center: Center, event: ContactCompleted, _at: Instant) -> None:
    contact = center.contacts.pop(event.contact.id)
    chain = center.chains[contact.initial_contact_id or contact.id]
    del chain[contact.id]
    if not chain:
        del center.chains[contact.initial_contact_id or contact.id]


def link(center: Center, contact: Contact) -> None:
    """The contact is one of its chain."""
    chain = contact.initial_contact_id or contact.id
    center.chains.setdefault(chain, {})[contact.id] = None
    leg = contact.customer_leg
    if leg is not None and not is_agent_leg(leg) and contact.stage != "ENDED":
        center.legs[leg] = contact.id


def work_limit_seconds(
    center: Center, agent: Agent, channel: Channel, *, callback: bool = False
) -> int:
    """How long after contact work may last; 0: until the agent ends it.

    callback: after an agent-first callback, which may have a limit of its own.
    """
    user = center.resources["user"][agent.id].properties
    limit = (user.get("PhoneConfig") or {}).get("AfterContactWorkTimeLimit")
    for each in user.get("AfterContactWorkConfigs") or ():
        if each["Channel"] == channel:
            limit = (each.get("AfterContactWorkConfig") or {}).get("AfterContactWorkTimeLimit")
            own = each.get("AgentFirstCallbackAfterContactWorkConfig")
            if callback and own is not None:
                limit = own.get("AfterContactWorkTimeLimit")
    limit = int(limit or 0)
    return min(limit, CHAT_WORK_SECONDS_MAX) if channel == "CHAT" else limit


def accepts_by_itself(
    center: Center, agent: Agent, channel: Channel, *, callback: bool = False
) -> bool:
    """Whether the agent takes offers of this channel, or of agent-first callbacks, at once.

    Callbacks have a setting of their own, and ring without it.
    """
    user = center.resources["user"][agent.id].properties
    accepts = not callback and (user.get("PhoneConfig") or {}).get("AutoAccept")
    for each in user.get("AutoAcceptConfigs") or ():
        if each["Channel"] == channel:
            accepts = each.get("AgentFirstCallbackAutoAccept" if callback else "AutoAccept")
    return bool(accepts)


def ring_until(center: Center) -> Instant:
    """When an offer made now is missed."""
    assert center.instance is not None
    return center.at + practice.ring_ms(center.instance.properties)


def is_waiting(contact: Contact) -> bool:
    """Whether the contact's queue counts it."""
    return contact.enqueued_at is not None and contact.dequeued_at is None


def take_out(center: Center, contact: Contact, at: Instant) -> None:
    """The wait of who is counted in a queue is over."""
    contact.dequeued_at = at
    assert contact.queue_id is not None
    assert contact.enqueued_at is not None
    key = contact.queue_id, contact.channel
    center.waits[key].remove((contact.enqueued_at, contact.id))
    if not center.waits[key]:
        del center.waits[key]
    left = center.queued[contact.queue_id] - 1
    if left:
        center.queued[contact.queue_id] = left
    else:
        del center.queued[contact.queue_id]


def _end_hold(contact: Contact, at: Instant) -> None:
    if contact.held_at is not None:
        length = at - contact.held_at
        contact.hold_ms += length
        contact.longest_hold_ms = max(contact.longest_hold_ms, length)
        contact.held_at = None


def end_pause(contact: Contact, at: Instant) -> None:
    """The task is paused no longer, if it was."""
    if contact.paused_at is not None:
        length = at - contact.paused_at
        contact.pause_ms += length
        contact.agent_pause_ms += length if contact.agent_id is not None else 0
        contact.paused_at = None


def held_by_agent(center: Center, contact: Contact) -> Held:
    """The contact as its agent holds it."""
    assert contact.agent_id is not None
    return center.agents[contact.agent_id].contacts[contact.id]
