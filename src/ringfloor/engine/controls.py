"""Controls: what an agent asks of the parties of a call that he is in.

Called by engine.decide. Each refuses what the call does not allow: an agent controls whom he has
added, and the customer while he has him; a supervisor who has barged in, and everybody with
MULTI_PARTY_CONFERENCE, controls all (engine.call.controls). His own leg stands for himself: to drop
it is to leave, to hold it is to hold all whom he controls. Sources: behaviour specification,
sections 5.1 to 5.3.
"""

from collections.abc import Iterator

from ringfloor.base.errors import invalid_parameter, invalid_request
from ringfloor.domain.call import Call, Party, agent_leg, customer_leg
from ringfloor.domain.commands import (
    DropParty,
    HoldContact,
    HoldParty,
    JoinParties,
    MuteParty,
    PressDigits,
    ResumeContact,
    ResumeParty,
    SwapParties,
)
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    ContactHeld,
    ContactResumed,
    DigitsPressed,
    Event,
    PartyMuted,
)
from ringfloor.engine import connection
from ringfloor.engine.call import (
    call_of,
    controls,
    departure,
    everybody_controls,
    holding,
    is_controlled,
    others_of,
    passing,
    resuming,
    stays,
    without_customer,
)
from ringfloor.engine.state import Center

KEYS = frozenset("0123456789*#,ABCD")
"""What can be pressed; a comma is a pause."""

Control = HoldParty | ResumeParty | DropParty | MuteParty | PressDigits | SwapParties | JoinParties
"""What an agent may ask of a call that he is in."""


def _place(center: Center, command: Control) -> tuple[Call, Contact]:
    """The call, and the contact by which the agent is in it; refuses otherwise."""
    contact = connection.his(center, command.agent_id, command.contact_id)
    call = call_of(center, contact)
    if contact.stage != "CONNECTED" or call is None:
        raise invalid_request("ContactId", contact.id, f"is {contact.stage}; it is not in a call")
    return call, contact


def party_of(
    center: Center, command: HoldParty | ResumeParty | DropParty | MuteParty | PressDigits
) -> tuple[Call, Contact, Party]:
    """Whom the agent means; refuses if he does not exist, or is not his to control."""
    call, contact = _place(center, command)
    party = call.parties.get(command.leg)
    if party is None or party.state == "disconnected":
        raise invalid_parameter("ConnectionId", command.leg, "is nobody in this call")
    if not controls(center, call, contact, party):
        raise invalid_request("ConnectionId", command.leg, "was not added by this agent")
    return call, contact, party


def hold(center: Center, command: HoldParty) -> Iterator[Event]:
    """The party hears the hold flow; his own leg means everybody whom the agent controls."""
    call, contact, party = party_of(center, command)
    chosen = [party]
    if party.leg == agent_leg(contact):
        chosen = [
            each for each in others_of(call, contact) if controls(center, call, contact, each)
        ]
    chosen = [each for each in chosen if each.state == "connected"]
    if not chosen:
        raise invalid_request("ConnectionId", command.leg, f"is {party.state}, not connected")
    for each in chosen:
        yield from holding(center, call, each)


def resume(center: Center, command: ResumeParty) -> Iterator[Event]:
    """The party is back in the conversation; his own leg means everybody."""
    call, contact, party = party_of(center, command)
    chosen = [party]
    if party.leg == agent_leg(contact):
        free = everybody_controls(center) or not is_controlled(center, call, party)
        if party.state == "hold" and not free:
            raise invalid_request("ConnectionId", command.leg, "was put on hold by somebody else")
        if party.state != "hold":
            others = others_of(call, contact)
            chosen = [each for each in others if controls(center, call, contact, each)]
    chosen = [each for each in chosen if each.state == "hold"]
    if not chosen:
        raise invalid_request("ConnectionId", command.leg, f"is {party.state}, not on hold")
    for each in chosen:
        yield from resuming(center, call, each)


def swap(center: Center, command: SwapParties) -> Iterator[Event]:
    """Of two others, one on hold: they change places."""
    call, contact = _place(center, command)
    others = others_of(call, contact)
    states = sorted(each.state for each in others)
    if states != ["connected", "hold"]:
        rule = f"needs three parties, one of them on hold; the others are {', '.join(states)}"
        raise invalid_request("ContactId", contact.id, rule)
    for each in others:
        if not controls(center, call, contact, each):
            raise invalid_request("ConnectionId", each.leg, "was not added by this agent")
    for each in sorted(others, key=lambda each: each.state):
        yield from (holding if each.state == "connected" else resuming)(center, call, each)


def join(center: Center, command: JoinParties) -> Iterator[Event]:
    """Everybody whom the agent has on hold talks with everybody."""
    call, contact = _place(center, command)
    others = others_of(call, contact)
    if len(others) < 2:
        raise invalid_request("ContactId", contact.id, "needs at least three parties")
    if any(each.state == "connecting" for each in others):
        raise invalid_request("ContactId", contact.id, "has somebody who has not answered yet")
    held = [
        each for each in others if each.state == "hold" and controls(center, call, contact, each)
    ]
    if not held:
        raise invalid_request("ContactId", contact.id, "has nobody on hold")
    for each in held:
        yield from resuming(center, call, each)


def mute(center: Center, command: MuteParty) -> Iterator[Event]:
    """Nobody hears the party. Muted by somebody else, an agent cannot unmute himself."""
    call, contact, party = party_of(center, command)
    own = party.leg == agent_leg(contact)
    free = everybody_controls(center) or not is_controlled(center, call, party)
    if own and party.forced_mute and not command.muted and not free:
        raise invalid_request("ConnectionId", command.leg, "was muted by somebody else")
    if party.muted != command.muted:
        forced = command.muted and not own
        yield PartyMuted(call.id, party.contact_id, party.leg, command.muted, forced)


def press(center: Center, command: PressDigits) -> Iterator[Event]:
    """Keys towards the party."""
    call, contact, party = party_of(center, command)
    if party.leg == agent_leg(contact) or party.state not in ("connected", "hold"):
        raise invalid_request("ConnectionId", command.leg, "is nobody who could hear keys")
    if not command.digits or not KEYS.issuperset(command.digits):
        raise invalid_parameter("Digits", command.digits, "has keys that a phone has not")
    yield DigitsPressed(call.id, party.contact_id, party.leg, command.digits)


def drop(center: Center, command: DropParty) -> Iterator[Event]:
    """The party is out; with his own leg the agent himself."""
    call, contact, party = party_of(center, command)
    if party.leg == agent_leg(contact):
        yield from departure(center, contact, "AGENT_DISCONNECT")
    elif party.role == "customer":
        yield from without_customer(center, call, party, "AGENT_DISCONNECT")
    else:
        other = center.contacts[party.contact_id]
        if contact.monitors is not None and stays(call, other):
            yield from passing(center, call, other, "BARGED", call.parties[agent_leg(contact)])
        elif other.stage == "CONNECTED":
            yield from departure(center, other, "AGENT_DISCONNECT")
        else:
            yield from connection.ending(other, "AGENT_DISCONNECT")


def hold_customer(center: Center, command: HoldContact) -> Iterator[Event]:
    """The agent puts his customer on hold."""
    connection.holder(center, command)
    yield from _of_customer(center, command.contact_id, held=True)


def resume_customer(center: Center, command: ResumeContact) -> Iterator[Event]:
    """The customer is back with the agent."""
    connection.holder(center, command)
    yield from _of_customer(center, command.contact_id, held=False)


def _of_customer(center: Center, contact_id: str, *, held: bool) -> Iterator[Event]:
    contact = center.contacts[contact_id]
    call = call_of(center, contact)
    if call is None:  # a chat or a task
        yield ContactHeld(contact_id) if held else ContactResumed(contact_id)
        return
    party = call.parties.get(customer_leg(contact))
    if party is None or party.contact_id != contact_id or party.state == "disconnected":
        raise invalid_request("ContactId", contact_id, "has no customer in this call")
    yield from (holding if held else resuming)(center, call, party)
