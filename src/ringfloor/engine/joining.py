"""Joining: what lies between accepting a contact and talking.

    call   accepted -> his phone is up -> agent whisper -> dequeued -> customer whisper -> joined
    else   accepted -> (agent whisper) -> dequeued -> (customer whisper) -> joined
    callback, agent first
           accepted, dequeued -> his phone is up -> agent whisper -> customer dialled (callback)

A desk phone that rings with the offer is accepted by picking it up, and is up then.

Until it is dequeued the contact waits on, in its customer queue flow; an agent who drops out before
that puts it back, and is in error until he clears it. Sources: behaviour specification, sections
2.4, 3.2 and 4.2, choice 12 of section 9.
"""

from collections.abc import Iterator

from ringfloor.base.limits import DIAL_MS
from ringfloor.base.time import Duration, Instant
from ringfloor.domain.call import agent_leg
from ringfloor.domain.commands import AcceptContact, ConnectAgent
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    AgentLegConnected,
    AgentLegLost,
    ContactAccepted,
    ContactConnectedToAgent,
    ContactDequeued,
    CustomerDialled,
    Event,
)
from ringfloor.engine import flows, queue, routing
from ringfloor.engine.connection import (
    another_phone,
    disconnect_flow,
    ending,
    fails,
    held_by_agent,
    holder,
    is_agent_first,
    is_waiting,
    not_reached,
    take_out,
)
from ringfloor.engine.schedule import EXPIRY, set_deadline, set_timer
from ringfloor.engine.state import Center

# Decisions


def accept(center: Center, command: AcceptContact) -> Iterator[Event]:
    """The agent takes the offer; of a call, his own phone is rung up now."""
    agent = holder(center, command)
    profile = routing.profile_of(center, agent)
    contact = center.contacts[command.contact_id]
    yield ContactAccepted(contact.id, agent.id, profile.id)
    if is_agent_first(contact):
        yield ContactDequeued(contact.id, agent.id)
    if contact.channel != "VOICE":
        yield from _whisper_to_agent(center, contact, profile.id)


def connect_agent(center: Center, command: ConnectAgent) -> Iterator[Event]:
    """The phone of the agent who has accepted is up, or rings with an offer and is picked up.

    Stale news is no news.
    """
    contact = center.contacts.get(command.contact_id)
    if contact is None or command.leg != contact.agent_legs or contact.agent_ready_at is not None:
        return
    picked_up = contact.stage == "OFFERED" and contact.desk_phone is not None
    if contact.stage != "ACCEPTED" and not picked_up:
        return
    assert contact.agent_id is not None
    profile_id = contact.routing_profile_id or ""
    if picked_up:
        profile_id = routing.profile_of(center, center.agents[contact.agent_id]).id
        yield ContactAccepted(contact.id, contact.agent_id, profile_id)
    yield AgentLegConnected(contact.id, contact.agent_id)
    yield from _whisper_to_agent(center, contact, profile_id)


def _whisper_to_agent(center: Center, contact: Contact, profile_id: str) -> Iterator[Event]:
    whisper = tuple(flows.hook_events(center, contact, "agent", "AGENT_WHISPER"))
    yield from whisper or agent_prepared(center, contact, profile_id)


def agent_prepared(
    center: Center, contact: Contact, profile_id: str | None = None
) -> Iterator[Event]:
    """The agent has heard his whisper: now for the customer. profile_id: where not yet known."""
    assert contact.agent_id is not None
    if is_agent_first(contact):
        yield CustomerDialled(contact.id, contact.agent_id, center.at + DIAL_MS)
        return
    if is_waiting(contact):
        yield from flows.stop_events(contact, "customer")
        yield ContactDequeued(contact.id, contact.agent_id)
    whisper = tuple(flows.hook_events(center, contact, "customer", "CUSTOMER_WHISPER"))
    yield from whisper or (joined(contact, profile_id),)


def joined(contact: Contact, profile_id: str | None = None) -> ContactConnectedToAgent:
    """The two can talk. profile_id: where the contact has not been told it yet."""
    assert contact.agent_id is not None
    profile_id = profile_id or contact.routing_profile_id
    assert profile_id is not None
    return ContactConnectedToAgent(contact.id, contact.agent_id, profile_id)


def outbound_whisper(center: Center, contact: Contact) -> Iterator[Event]:
    """The customer whom an agent calls is there: he hears the whisper, or the two are joined."""
    whisper = tuple(flows.hook_events(center, contact, "customer", "OUTBOUND_WHISPER"))
    yield from whisper or (joined(contact),)


def whisper_too_long(center: Center, contact: Contact, _delay_ms: Duration) -> Iterator[Event]:
    """A whisper has lasted 2 minutes: a call is dropped, of anything else the whisper is over."""
    if contact.channel == "VOICE":
        yield from ending(contact, "CONTACT_FLOW_DISCONNECT")
        return
    for side, run in contact.runs.items():
        if run.flow_type in flows.WHISPERS:
            yield from flows.stop_events(contact, side)
            yield from agent_prepared(center, contact) if side == "agent" else (joined(contact),)


def agent_dropped_out(center: Center, contact: Contact) -> Iterator[Event]:
    """The agent is gone before he was joined: who still waits goes on waiting."""
    assert contact.agent_id is not None
    queue_id, channel = queue.line_key(contact)
    if is_waiting(contact):
        yield from flows.stop_events(contact, "agent")
        leg = agent_leg(contact)
        yield AgentLegLost(contact.id, contact.agent_id, queue_id, channel, leg)
    elif is_agent_first(contact) and contact.connected_to_system_at is None:
        yield from not_reached(center, contact, "AGENT_DISCONNECT")
    else:
        yield from disconnect_flow(center, contact, "AGENT_DISCONNECT")


# What the events do


def accepted(center: Center, event: ContactAccepted, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    set_deadline(center, contact, None)
    contact.stage = "ACCEPTED"
    contact.accepted_at = at
    contact.agent_ready_at = None
    contact.routing_profile_id = event.routing_profile_id
    contact.updated_at = at
    held = held_by_agent(center, contact)
    if held.state == "INCOMING":
        held.state = "PENDING"
        held.since = at


def agent_leg_connected(center: Center, event: AgentLegConnected, at: Instant) -> None:
    center.contacts[event.contact_id].agent_ready_at = at


def agent_leg_lost(center: Center, event: AgentLegLost, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    fails(center, event.agent_id, contact, "FailedConnectAgent", at)
    contact.stage = "IN_QUEUE"
    contact.agent_id = contact.routing_profile_id = None
    contact.accepted_at = contact.agent_ready_at = None
    another_phone(contact, rang=True)
    queue.look_at_the_clock(center, contact)
    queue.enter(center, contact)


def dequeued(center: Center, event: ContactDequeued, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    take_out(center, contact, at)
    contact.updated_at = at
    if is_agent_first(contact):  # who is being called does not become too old while he talks
        set_timer(center, contact, EXPIRY, None)
