"""Legs: what the world must do for those who are in a call.

Called by engine.effects right after an event was applied. A call has one bridge; in it is who is
connected, or listens. So whatever happens to a party is a matter of being in the bridge or not.

    bridge   {call id}/bridge        keys   {call id}/keys/{how often keys were pressed}
"""

from collections.abc import Iterator

from ringfloor.domain import events
from ringfloor.domain.call import Call, Party, agent_leg, customer_leg, living
from ringfloor.domain.contact import HIS_OWN, Contact
from ringfloor.engine import call as calls
from ringfloor.engine.state import Center
from ringfloor.telephony import commands as telephony
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import Command


def bridge(call_id: str) -> str:
    """Bridge id of a conversation."""
    return f"{call_id}/bridge"


def place(call: Call, party: Party) -> Command:
    """The party where it belongs: in the bridge, listening in it, or out of it."""
    if party.state == "connected":
        return telephony.AddToBridge(bridge(call.id), party.leg)
    if party.state == "silent":
        return telephony.AddToBridge(bridge(call.id), party.leg, "listen")
    return telephony.RemoveFromBridge(bridge(call.id), party.leg)


def gathered(call: Call) -> Iterator[Command]:
    """The bridge, and everybody in it."""
    yield telephony.CreateBridge(bridge(call.id))
    for party in living(call):
        if party.state in ("connected", "silent"):
            yield place(call, party)


def of_party(
    center: Center,
    event: events.PartyJoined | events.PartyHeld | events.PartyResumed,
) -> Iterator[Command]:
    call = center.calls[event.call_id]
    yield place(call, call.parties[event.leg])


def of_customer(
    center: Center, event: events.ContactHeld | events.ContactResumed
) -> Iterator[Command]:
    contact = center.contacts[event.contact_id]
    call = calls.call_of(center, contact)
    if call is not None:  # else a chat, or a task
        yield place(call, call.parties[customer_leg(contact)])


def of_supervisor(center: Center, event: events.MonitorStateChanged) -> Iterator[Command]:
    contact = center.contacts[event.contact_id]
    call = calls.call_of(center, contact)
    if call is not None:  # else a chat
        yield place(call, call.parties[agent_leg(contact)])


def added(center: Center, event: events.PartyAdded) -> Iterator[Command]:
    call = center.calls[event.call_id]
    if len(call.parties) == 1:
        yield telephony.CreateBridge(bridge(call.id))
    if event.party.state == "connected":
        yield place(call, event.party)


def muted(_center: Center, event: events.PartyMuted) -> Iterator[Command]:
    yield telephony.Mute(event.leg) if event.muted else telephony.Unmute(event.leg)


def pressed(center: Center, event: events.DigitsPressed) -> Iterator[Command]:
    keys = center.calls[event.call_id].keys
    yield telephony.SendDigits(f"{event.call_id}/keys/{keys}", event.leg, event.digits)


def left(center: Center, event: events.PartyLeft) -> Iterator[Command]:
    if event.reason is None:
        yield telephony.RemoveFromBridge(bridge(event.call_id), event.leg)
    else:
        yield telephony.HangUp(event.leg)
    if event.call_id not in center.calls:
        yield telephony.DestroyBridge(bridge(event.call_id))


def passed(center: Center, event: events.CustomerPassed) -> Iterator[Command]:
    """The customer talks on, or is alone again with a flow."""
    before, contact = center.contacts[event.contact_id], center.contacts[event.next_contact_id]
    leg = customer_leg(contact)
    call = calls.call_of(center, contact)
    if call is None:
        yield telephony.RemoveFromBridge(bridge(before.call_id or ""), leg)
    else:
        yield place(call, call.parties[leg])


def ended(center: Center, contact: Contact) -> Iterator[Command]:
    """The legs that were the contact's, and nobody else has, are hung up."""
    leg = customer_leg(contact)
    if calls.owns_customer(center, contact):
        yield telephony.HangUp(leg)
    if leg != contact.id and contact.initiation_method == "EXTERNAL_OUTBOUND":
        yield telephony.HangUp(contact.id)
    if contact.agent_id is not None and rung_up(contact):
        yield telephony.HangUp(agent_leg(contact))
    if contact.call_id is not None and contact.call_id not in center.calls:
        yield telephony.DestroyBridge(bridge(contact.call_id))


def rung_up(contact: Contact) -> bool:
    """Whether the phone of the contact's agent has been dialled."""
    return (
        contact.accepted_at is not None
        or contact.connected_to_agent_at is not None
        or contact.initiation_method in HIS_OWN
    )


def channels(center: Center, contact: Contact) -> Iterator[Channel]:
    """The legs of a live call's contact, as the center knows them."""
    leg = customer_leg(contact)
    if calls.owns_customer(center, contact) and on_the_line(contact):
        yield Channel(
            channel_id=leg,
            direction="outbound" if contact.initiation_method in DIALLED else "inbound",
            address=contact.customer_number or "",
            state="ringing" if contact.stage == "DIALING" else "up",
            bridge_id=_bridge_of(center, contact, leg),
        )
    if leg != contact.id and contact.initiation_method == "EXTERNAL_OUTBOUND":
        yield Channel(
            channel_id=contact.id,
            direction="outbound",
            address=contact.customer_number or "",
            state="ringing" if contact.stage == "DIALING" else "up",
            bridge_id=_bridge_of(center, contact, contact.id),
        )
    if contact.stage in ("ACCEPTED", "DIALING", "CONNECTED") and contact.agent_id is not None:
        up = contact.stage != "ACCEPTED" or contact.agent_ready_at is not None
        yield Channel(
            channel_id=agent_leg(contact),
            direction="outbound",
            address=telephony.agent_address(contact.agent_id),
            state="up" if up else "ringing",
            bridge_id=_bridge_of(center, contact, agent_leg(contact)),
        )


DIALLED = frozenset(
    {"OUTBOUND", "API", "CALLBACK", "CALLBACK_CUSTOMER_FIRST_DIALED", "EXTERNAL_OUTBOUND"}
)
"""How a contact begins whose customer was dialled."""


def on_the_line(contact: Contact) -> bool:
    """Whether there is a customer, or his phone rings."""
    return contact.connected_to_system_at is not None or contact.stage == "DIALING"


def _bridge_of(center: Center, contact: Contact, leg: str) -> str | None:
    call = calls.call_of(center, contact)
    party = None if call is None else call.parties.get(leg)
    there = party is not None and party.state in ("connected", "silent")
    return bridge(call.id) if call is not None and there else None


def standing(center: Center, contact: Contact) -> Iterator[Command]:
    """What the carrier may not have heard, or has forgotten: who is in the bridge, who is muted."""
    call = calls.call_of(center, contact)
    if call is None:
        return
    for party in living(call):
        if party.contact_id == contact.id and party.state != "connecting":
            yield place(call, party)
            yield telephony.Mute(party.leg) if party.muted else telephony.Unmute(party.leg)
