"""Connection: what passes between one contact and one agent.

                 accept                  hold
    (offered) ----------> CONNECTED <----------> CONNECTED_ONHOLD
        |                     |         resume         |
        | 20 s, reject,       +------------------------+
        | customer leaves     |  either side hangs up
        v                     v
      MISSED                ENDED (after contact work)
        |  clear              |  clear, limit, status
        v                     v
    slot free             slot free, leg final

The contact's side of it: OFFERED is still in the queue, at its old place; a miss puts it back.
Sources: behaviour specification, sections 2.3, 3.2, 4.2.
"""

from collections.abc import Iterator

from ringfloor.base.errors import Refusal, invalid_request, shown
from ringfloor.base.limits import CHAT_WORK_SECONDS_MAX, RING_MS
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain.commands import (
    AcceptContact,
    ClearContact,
    CompleteContact,
    HoldContact,
    LeaveContact,
    LoseAgent,
    RejectContact,
    ResumeContact,
)
from ringfloor.domain.contact import Agent, Contact, Held
from ringfloor.domain.events import (
    ContactCleared,
    ContactCompleted,
    ContactConnectedToAgent,
    ContactEnded,
    ContactHeld,
    ContactOffered,
    ContactResumed,
    Event,
    MissReason,
    OfferMissed,
)
from ringfloor.domain.vocabulary import (
    AgentContactState,
    Channel,
    DisconnectReason,
    PreDisconnectState,
)
from ringfloor.engine import flows, queue, routing
from ringfloor.engine.schedule import set_deadline
from ringfloor.engine.state import Center

AT_WORK: dict[str, tuple[AgentContactState, ...]] = {
    "AcceptContact": ("CONNECTING",),
    "RejectContact": ("CONNECTING",),
    "HoldContact": ("CONNECTED",),
    "ResumeContact": ("CONNECTED_ONHOLD",),
    "LeaveContact": ("CONNECTED", "CONNECTED_ONHOLD"),
    "ClearContact": ("MISSED", "REJECTED", "ERROR", "ENDED"),
}
"""What an agent may ask for a contact in which state; nothing else exists."""

AgentCommand = (
    AcceptContact | RejectContact | HoldContact | ResumeContact | LeaveContact | ClearContact
)


def unknown_contact(contact_id: str) -> Refusal:
    """The contact does not exist here, or is over: ContactNotFoundException, 410."""
    return Refusal(
        "ContactNotFoundException", f"ContactId: no live contact {shown(contact_id)} here"
    )


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
    return agent


# Decisions


def accept(center: Center, command: AcceptContact) -> Iterator[Event]:
    """The agent takes the offer; customer and agent are joined."""
    agent = holder(center, command)
    profile = routing.profile_of(center, agent)
    yield ContactConnectedToAgent(command.contact_id, agent.id, profile.id)


def reject(center: Center, command: RejectContact) -> Iterator[Event]:
    """The agent declines."""
    holder(center, command)
    yield _missed(center.contacts[command.contact_id], "rejected")


def unanswered(contact: Contact) -> Event:
    """The ring is over."""
    return _missed(contact, "unanswered")


def hold(center: Center, command: HoldContact) -> Iterator[Event]:
    """The customer hears music."""
    holder(center, command)
    yield ContactHeld(command.contact_id)


def resume(center: Center, command: ResumeContact) -> Iterator[Event]:
    """The customer is back with the agent."""
    holder(center, command)
    yield ContactResumed(command.contact_id)


def leave(center: Center, command: LeaveContact) -> Iterator[Event]:
    """The agent hangs up."""
    holder(center, command)
    yield from ending(center.contacts[command.contact_id], "AGENT_DISCONNECT")


def lose_agent(center: Center, command: LoseAgent) -> Iterator[Event]:
    """The agent's phone has dropped out; stale news is no news."""
    contact = center.contacts.get(command.contact_id)
    if contact is not None and contact.stage == "CONNECTED":
        yield from ending(contact, "AGENT_DISCONNECT")


def clear(center: Center, command: ClearContact) -> Iterator[Event]:
    """The agent is done with after contact work, or has seen the missed offer."""
    agent = holder(center, command)
    yield ContactCleared(command.contact_id, agent.id)


def ending(contact: Contact, reason: DisconnectReason) -> Iterator[Event]:
    """What happens when the conversation, or the wait for it, is over."""
    if contact.stage == "OFFERED":
        yield _missed(contact, "customer_left")
    yield ContactEnded(contact.id, reason, _before_the_end(contact))


def complete(center: Center, command: CompleteContact) -> Iterator[Event]:
    """The leg is final."""
    yield ContactCompleted(center.contacts[command.contact_id])


def _before_the_end(contact: Contact) -> PreDisconnectState:
    if contact.stage == "CONNECTED":
        return "CONNECTED" if contact.held_at is None else "CONNECTED_ONHOLD"
    return "IN_QUEUE" if contact.stage in ("IN_QUEUE", "OFFERED") else "IN_FLOW"


def _missed(contact: Contact, reason: MissReason) -> OfferMissed:
    assert contact.agent_id is not None
    queue_id, channel = queue.line_key(contact)
    return OfferMissed(contact.id, contact.agent_id, queue_id, channel, reason)


# What the events do


def offered(center: Center, event: ContactOffered, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    agent = center.agents[event.agent_id]
    queue.leave(center, contact)
    contact.stage = "OFFERED"
    contact.agent_id = agent.id
    contact.offers += 1
    set_deadline(center, contact, event.until)
    agent.contacts[contact.id] = Held(
        contact_id=contact.id, channel=contact.channel, state="CONNECTING", since=at
    )
    routing.stand(center, agent)


def missed(center: Center, event: OfferMissed, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    agent = center.agents[event.agent_id]
    set_deadline(center, contact, None)
    contact.stage = "IN_QUEUE"
    contact.agent_id = None
    queue.look_at_the_clock(center, contact)
    queue.enter(center, contact)
    held = agent.contacts[contact.id]
    silent = contact.channel == "VOICE" or event.reason == "unanswered"
    held.state = "MISSED" if silent else "REJECTED"
    held.since = at
    routing.stand(center, agent)


def connected(center: Center, event: ContactConnectedToAgent, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    agent = center.agents[event.agent_id]
    set_deadline(center, contact, None)
    _dequeue(center, contact, at)
    contact.stage = "CONNECTED"
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
    _held_by_agent(center, contact).state = "CONNECTED_ONHOLD"


def resumed(center: Center, event: ContactResumed, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    _end_hold(contact, at)
    _held_by_agent(center, contact).state = "CONNECTED"


def ended(center: Center, event: ContactEnded, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    if contact.stage == "IN_QUEUE":
        queue.leave(center, contact)
        _dequeue(center, contact, at)
    _end_hold(contact, at)
    set_deadline(center, contact, None)
    contact.stage = "ENDED"
    flows.leave(center, contact)
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
        limit = work_limit_seconds(center, agent, contact.channel)
        set_deadline(center, contact, at + limit * SECOND if limit else None)
        routing.stand(center, agent)


def cleared(center: Center, event: ContactCleared, at: Instant) -> None:
    agent = center.agents[event.agent_id]
    held = agent.contacts.pop(event.contact_id)
    agent.idle_since = at
    agent.idle_turn = center.next_turn()
    if held.state == "ENDED":
        contact = center.contacts[event.contact_id]
        set_deadline(center, contact, None)
        contact.after_contact_work_ended_at = at
        contact.updated_at = at
    routing.stand(center, agent)


def completed(center: Center, event: ContactCompleted, _at: Instant) -> None:
    del center.contacts[event.contact.id]


def work_limit_seconds(center: Center, agent: Agent, channel: Channel) -> int:
    """How long after contact work may last; 0: until the agent ends it."""
    user = center.resources["user"][agent.id].properties
    limit = (user.get("PhoneConfig") or {}).get("AfterContactWorkTimeLimit")
    for each in user.get("AfterContactWorkConfigs") or ():
        if each["Channel"] == channel:
            limit = (each.get("AfterContactWorkConfig") or {}).get("AfterContactWorkTimeLimit")
    limit = int(limit or 0)
    return min(limit, CHAT_WORK_SECONDS_MAX) if channel == "CHAT" else limit


def accepts_by_itself(center: Center, agent: Agent, channel: Channel) -> bool:
    """Whether the agent takes offers of this channel at once."""
    user = center.resources["user"][agent.id].properties
    accepts = (user.get("PhoneConfig") or {}).get("AutoAccept")
    for each in user.get("AutoAcceptConfigs") or ():
        if each["Channel"] == channel:
            accepts = each["AutoAccept"]
    return bool(accepts)


def ring_until(center: Center) -> Instant:
    """When an offer made now is missed."""
    return center.at + RING_MS


def _dequeue(center: Center, contact: Contact, at: Instant) -> None:
    contact.dequeued_at = at
    assert contact.queue_id is not None
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


def _held_by_agent(center: Center, contact: Contact) -> Held:
    assert contact.agent_id is not None
    return center.agents[contact.agent_id].contacts[contact.id]
