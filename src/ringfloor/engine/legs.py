"""Legs: what the world must do for those who are in a call.

Called by engine.effects right after an event was applied. A call has one bridge; in it is who is
connected, or listens, and who is being dialled: the others hear it ring, and what the network says.
So whatever happens to a party is a matter of being in the bridge or not. An agent whose customer is
being dialled waits for him in the bridge of the call to come.

    bridge      {call id}/bridge         keys   {call id}/keys/{how often keys were pressed}
    recording   {contact id}/recording
"""

from collections.abc import Iterator, Mapping

from ringfloor.base.time import Duration
from ringfloor.domain import events
from ringfloor.domain.call import Call, Party, agent_leg, customer_leg, living
from ringfloor.domain.contact import HIS_OWN, Contact, Track
from ringfloor.domain.numbers import is_e164
from ringfloor.engine import call as calls
from ringfloor.engine import recordings, routing
from ringfloor.engine.connection import is_agent_first
from ringfloor.engine.state import Center
from ringfloor.telephony import commands as telephony
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import Command


def bridge(call_id: str) -> str:
    """Bridge id of a conversation."""
    return f"{call_id}/bridge"


# Ringing


def ring(center: Center, contact: Contact, ring_ms: Duration) -> Command:
    """The phone of the contact's agent rings, and shows who calls."""
    to = _address(center, contact)
    return telephony.Originate(agent_leg(contact), to, shown(contact.customer_number), ring_ms)


def _address(center: Center, contact: Contact) -> str:
    """Where the contact's agent is reached: on the phone that rang with the offer, if one did."""
    agent_id = contact.agent_id or ""
    user = center.resources["user"].get(agent_id)
    number = contact.desk_phone
    if number is None and user is not None:
        number = routing.desk_phone(center, user)
    return number or telephony.agent_address(agent_id)


def shown(number: str | None) -> str:
    """A number as a caller id; one that was withheld is again."""
    return number if number is not None and is_e164(number) else ""


def awaits(contact: Contact) -> bool:
    """Whether it is an agent's who is there before its customer."""
    return contact.initiation_method == "OUTBOUND" or is_agent_first(contact)


def listening(contact: Contact) -> Iterator[Command]:
    """Somebody is being dialled: whoever waits for him hears how it rings."""
    if contact.call_id is not None:
        yield telephony.AddToBridge(bridge(contact.call_id), contact.id)
    elif awaits(contact):
        yield telephony.AddToBridge(bridge(contact.id), agent_leg(contact))
        yield telephony.AddToBridge(bridge(contact.id), customer_leg(contact))


def alone(contact: Contact) -> Iterator[Command]:
    """The customer whom an agent waits for has answered; until the two are joined he is alone."""
    if contact.call_id is None and awaits(contact):
        yield telephony.RemoveFromBridge(bridge(contact.id), customer_leg(contact))


# Who is in a call


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


SIDES: Mapping[Track, telephony.Sides] = {
    "FROM_AGENT": "right",
    "TO_AGENT": "left",
    "ALL": "both",
}


def recording(contact: Contact) -> str:
    """Recording id."""
    return f"{contact.id}/recording"


def recorded(center: Center, event: events.RecordingChanged) -> Iterator[Command]:
    contact = center.contacts[event.contact_id]
    match event.recording.state:
        case "RECORDING" if event.resumed:
            yield telephony.ResumeRecording(recording(contact))
        case "RECORDING":
            yield _record(center, contact)
        case "SUSPENDED":
            yield telephony.PauseRecording(recording(contact))
        case "STOPPED":
            yield telephony.StopRecording(recording(contact))


def _record(center: Center, contact: Contact) -> Command:
    assert contact.recording is not None
    return telephony.StartRecording(
        recording(contact),
        bridge(contact.call_id or ""),
        agent_leg(contact),
        recordings.storage_key(center, contact),
        SIDES[contact.recording.track],
    )


def ended(center: Center, contact: Contact) -> Iterator[Command]:
    """The legs that were the contact's, and nobody else has, are hung up."""
    if contact.recording is not None:
        yield telephony.StopRecording(recording(contact))
    leg = customer_leg(contact)
    if calls.owns_customer(center, contact):
        yield telephony.HangUp(leg)
    if leg != contact.id and contact.initiation_method == "EXTERNAL_OUTBOUND":
        yield telephony.HangUp(contact.id)
    if contact.agent_id is not None and rung_up(contact):
        yield telephony.HangUp(agent_leg(contact))
    if contact.call_id is not None and contact.call_id not in center.calls:
        yield telephony.DestroyBridge(bridge(contact.call_id))
    elif contact.call_id is None and contact.agent_id is not None and awaits(contact):
        yield telephony.DestroyBridge(bridge(contact.id))


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
    there = on_the_line(contact) and not calls.customer_left(center, contact)
    if calls.owns_customer(center, contact) and there:
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
    rings = contact.stage == "OFFERED" and contact.desk_phone is not None
    taken = contact.stage in ("ACCEPTED", "DIALING", "CONNECTED") and contact.agent_id is not None
    if taken or rings:
        waits = contact.stage == "ACCEPTED" and contact.agent_ready_at is None
        yield Channel(
            channel_id=agent_leg(contact),
            direction="outbound",
            address=_address(center, contact),
            state="ringing" if rings or waits else "up",
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
    if call is None:
        dialled = contact.stage == "DIALING" and awaits(contact)
        return bridge(contact.id) if dialled else None
    party = call.parties.get(leg)
    there = party is not None and (party.state in ("connected", "silent") or is_dialled(party))
    return bridge(call.id) if there else None


def is_dialled(party: Party) -> bool:
    """Whether the phone of this third party rings."""
    return party.role == "third_party" and party.state == "connecting"


def standing(center: Center, contact: Contact) -> Iterator[Command]:
    """What the carrier may not have heard, or has forgotten: who is in the bridge, who is muted."""
    call = calls.call_of(center, contact)
    if call is None:
        return
    for party in living(call):
        if party.contact_id == contact.id and party.state != "connecting":
            yield place(call, party)
            yield telephony.Mute(party.leg) if party.muted else telephony.Unmute(party.leg)
    if contact.recording is not None and contact.recording.state != "STOPPED":
        yield _record(center, contact)
        if contact.recording.state == "SUSPENDED":
            yield telephony.PauseRecording(recording(contact))
