"""Outbound: a call that an agent makes.

    ACCEPTED --his phone is up--> outbound whisper begins --it speaks, or completes the call-->
    DIALING --answered--> ACCEPTED, the whisper goes on --it is over--> (connection) CONNECTED

Any status allows it; it is in no queue, and the queue that it names only lends its caller id. While
it is set up the agent holds it as CONNECTING; if nothing comes of it, as ERROR until he clears it.
Without an outbound whisper flow the customer is dialled at once. Sources: behaviour specification,
sections 2.2, 2.4 and 6.4.
"""

from collections.abc import Iterator

from ringfloor.base.errors import invalid_parameter, invalid_request
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import DIAL_MS
from ringfloor.base.time import Instant
from ringfloor.domain import dialogue
from ringfloor.domain.commands import DialOut, Hear, LeaveContact
from ringfloor.domain.contact import HIS_OWN, Contact, Held
from ringfloor.domain.events import (
    AgentLegConnected,
    ContactCleared,
    ContactConnectedToSystem,
    ContactInitiated,
    CustomerDialled,
    Event,
)
from ringfloor.domain.numbers import is_e164
from ringfloor.domain.vocabulary import DisconnectReason
from ringfloor.engine import call, connection, entry, flows, joining, routing
from ringfloor.engine.state import Center
from ringfloor.engine.view import caller_id


def dial(center: Center, command: DialOut, seed: Seed) -> Iterator[Event]:
    """The agent's own phone is rung up first."""
    agent = center.agents[command.agent_id]
    entry.check_outbound(center)
    if not is_e164(command.to):
        raise invalid_parameter("PhoneNumber", command.to, "is no E.164 number")
    entry.check_dialling(center, command.to)
    check_free(agent_id=agent.id, center=center)
    profile = routing.profile_of(center, agent)
    settings = center.resources["routing_profile"][profile.id].properties
    queue_id = command.queue_id or settings["DefaultOutboundQueueId"]
    center.resource("queue", queue_id, "QueueARN")
    shown_as = caller_id(center, queue_id)
    if shown_as is None:
        raise invalid_request("QueueARN", queue_id, "has no outbound caller id number")
    entry.check_quota(center, "VOICE", command.quota, "LimitExceededException")
    yield ContactInitiated(
        Contact(
            id=derive(seed, 0),
            channel="VOICE",
            initiation_method="OUTBOUND",
            stage="ACCEPTED",
            initiated_at=center.at,
            updated_at=center.at,
            customer_number=command.to,
            system_number=shown_as,
            queue_id=queue_id,
            agent_id=agent.id,
            routing_profile_id=profile.id,
            attributes=command.attributes,
            related_contact_id=command.related_contact_id,
            association_id=command.association_id,
        )
    )


def check_free(center: Center, agent_id: str) -> None:
    """An agent is on one call at a time; refuses with InvalidRequestException."""
    for held in center.agents[agent_id].contacts.values():
        if held.channel == "VOICE":
            raise invalid_request("ContactId", held.contact_id, f"is {held.state}: one at a time")


def is_new(contact: Contact) -> bool:
    """Whether the agent's call has not been answered yet."""
    return contact.initiation_method == "OUTBOUND" and contact.connected_to_system_at is None


def agent_ready(center: Center, contact: Contact) -> Iterator[Event]:
    """The agent's phone is up: the whisper begins, which may say how to dial, or the dialling."""
    assert contact.agent_id is not None
    yield AgentLegConnected(contact.id, contact.agent_id)
    whisper = tuple(flows.hook_events(center, contact, "customer", "OUTBOUND_WHISPER"))
    yield from whisper or (dialling(center, contact),)


def dialling(center: Center, contact: Contact, shown_as: str | None = None) -> CustomerDialled:
    """The customer's phone rings. shown_as: another caller id than the queue's."""
    assert contact.agent_id is not None
    return CustomerDialled(contact.id, contact.agent_id, center.at + DIAL_MS, shown_as)


def answered(contact: Contact) -> Iterator[Event]:
    """The customer is there: what the whisper says is for him; without one the two are joined."""
    yield ContactConnectedToSystem(contact.id)
    if "customer" not in contact.runs:
        yield joining.joined(contact)


def completed(contact: Contact) -> Iterator[Hear]:
    """The customer has answered: CompleteOutboundCall, if the whisper waits in it, is done."""
    run = contact.runs.get("customer")
    if run is not None and isinstance(run.ask, dialogue.CompleteCall):
        yield Hear(contact.id, run.number, dialogue.Done())


def leave(center: Center, command: LeaveContact) -> Iterator[Event]:
    """The agent hangs up; before he has talked to anybody there is nothing to be cleared."""
    contact = center.contacts.get(command.contact_id)
    set_up = contact is not None and contact.stage in ("ACCEPTED", "DIALING")
    if contact is None or not set_up or contact.initiation_method not in HIS_OWN:
        yield from call.leave(center, command)
        return
    if contact.agent_id != command.agent_id:
        raise connection.unknown_contact(contact.id)
    early = contact.connected_to_system_at is None
    reason: DisconnectReason = "TELECOM_ORIGINATOR_CANCEL" if early else "AGENT_DISCONNECT"
    yield from connection.ending(contact, reason)
    yield ContactCleared(contact.id, command.agent_id)


def taken(center: Center, contact: Contact, at: Instant) -> None:
    """A contact that is an agent's from its birth: he holds it."""
    if contact.stage != "ACCEPTED" or contact.agent_id is None:
        return
    agent = center.agents[contact.agent_id]
    agent.contacts[contact.id] = Held(
        contact_id=contact.id, channel=contact.channel, state="CONNECTING", since=at
    )
    routing.stand(center, agent)
