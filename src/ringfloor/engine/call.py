"""Call: a conversation of several legs; who is in it, and what becomes of it when somebody leaves.

              answered, joined            hold
    connecting --------------> connected <----> hold      silent <----> connected  (a supervisor)
        |                          |     resume   |                barge
        +--------------------------+--------------+---> disconnected

A call begins when an agent and a customer are joined, or with the first party that is added to a
contact. It lives while a customer or an agent is in it who has somebody to talk to. Each contact
ends by ContactEnded as everywhere (connection.ending); that takes its legs out of the call, and
SettleCall then ends whoever cannot go on. When an agent leaves whose customer stays, the customer
passes to another contact of the call (CustomerPassed): to the agent who was consulted, else to the
transfer that still waits for one, else to the third party.

Who controls whom: an agent what he has added, and the customer while he has him; with
MULTI_PARTY_CONFERENCE everybody everything. Sources: behaviour specification, sections 5.1 to 5.3.
"""

from collections.abc import Iterator

from ringfloor.base.time import Instant
from ringfloor.domain.call import (
    Call,
    Party,
    Role,
    agent_leg,
    customer_leg,
    is_agent_leg,
    living,
    seat,
    talking,
)
from ringfloor.domain.commands import (
    LeaveContact,
    LoseAgent,
    SettleCall,
)
from ringfloor.domain.contact import HIS_OWN, Contact
from ringfloor.domain.events import (
    ContactConnectedToAgent,
    ContactEnded,
    ContactHeld,
    ContactResumed,
    CustomerPassed,
    DigitsPressed,
    Event,
    PartyAdded,
    PartyHeld,
    PartyJoined,
    PartyLeft,
    PartyMuted,
    PartyResumed,
)
from ringfloor.domain.vocabulary import DisconnectReason
from ringfloor.engine import (
    connection,
    flows,
    joining,
)
from ringfloor.engine.state import Center

# Looking


def call_of(center: Center, contact: Contact) -> Call | None:
    """The call that a contact takes part in."""
    return center.calls.get(contact.call_id or "")


def owns_customer(center: Center, contact: Contact) -> bool:
    """Whether the contact's customer leg is a customer's, and still its own."""
    leg = customer_leg(contact)
    if is_agent_leg(leg):
        return False
    return center.legs.get(leg) in (None, contact.id)


def customer_left(center: Center, contact: Contact) -> bool:
    """Whether the customer is gone, and the others in his call talk on."""
    call = call_of(center, contact)
    party = None if call is None else call.parties.get(customer_leg(contact))
    return party is not None and party.state == "disconnected"


def everybody_controls(center: Center) -> bool:
    """Whether the instance has MULTI_PARTY_CONFERENCE."""
    assert center.instance is not None
    return bool(center.instance.properties.get("MultiPartyConference"))


def controls(center: Center, call: Call, contact: Contact, party: Party) -> bool:
    """Whether the agent of this contact may hold, mute or drop that party."""
    barges = contact.monitors is not None and call.parties[agent_leg(contact)].state != "silent"
    return contact.id in {party.contact_id, party.added_by} or (
        party.role != "monitor" and (barges or everybody_controls(center))
    )


def is_controlled(center: Center, call: Call, party: Party) -> bool:
    """Whether somebody else in the call controls this agent, so that he does not himself."""
    return any(
        each.leg != party.leg
        and each.state != "connecting"
        and is_agent_leg(each.leg)
        and controls(center, call, center.contacts[each.contact_id], party)
        for each in living(call)
    )


def seen(center: Center, call: Call, contact: Contact) -> list[Party]:
    """The parties that the agent of this contact is shown, his own first.

    Of the others: what he controls, and whoever is on the customer's side of his contact; a
    supervisor is shown everybody.
    """
    own, other = agent_leg(contact), customer_leg(contact)
    return [call.parties[own]] + [
        each
        for each in call.parties.values()
        if each.leg != own
        and each.role != "monitor"
        and (
            each.leg == other
            or contact.monitors is not None
            or controls(center, call, contact, each)
        )
    ]


# Holding


def holding(center: Center, call: Call, party: Party) -> Iterator[Event]:
    """The party goes on hold, into the hold flow for such as him."""
    contact = center.contacts[party.contact_id]
    if party.role == "customer":
        yield (
            ContactHeld(contact.id)
            if _has_agent(contact)
            else PartyHeld(call.id, contact.id, party.leg)
        )
        yield from flows.hook_events(center, contact, "customer", "CUSTOMER_HOLD")
    else:
        yield PartyHeld(call.id, contact.id, party.leg)
        if party.role != "third_party":
            yield from flows.hook_events(center, contact, "agent", "AGENT_HOLD")
        elif party.leg == customer_leg(contact):  # else its flows are for the customer it has
            yield from flows.hook_events(center, contact, "customer", "CUSTOMER_HOLD")


def resuming(center: Center, call: Call, party: Party) -> Iterator[Event]:
    """The party is back."""
    contact = center.contacts[party.contact_id]
    if is_agent_leg(party.leg):
        yield from flows.stop_events(contact, "agent")
    elif party.leg == customer_leg(contact):
        yield from flows.stop_events(contact, "customer")
    if party.role == "customer" and _has_agent(contact):
        yield ContactResumed(contact.id)
    else:
        yield PartyResumed(call.id, contact.id, party.leg)


def _has_agent(contact: Contact) -> bool:
    """Whether an agent holds it; who was left with a third party may be held by somebody else."""
    return contact.agent_id is not None


# Leaving


def leave(center: Center, command: LeaveContact) -> Iterator[Event]:
    """The agent hangs up."""
    connection.holder(center, command)
    yield from gone(center, center.contacts[command.contact_id])


def lose_agent(center: Center, command: LoseAgent) -> Iterator[Event]:
    """The agent's phone has dropped out; stale news is no news."""
    contact = center.contacts.get(command.contact_id)
    if contact is not None and command.leg == contact.agent_legs:
        yield from gone(center, contact)


def gone(center: Center, contact: Contact) -> Iterator[Event]:
    """The agent of a contact is gone, whether the two were joined or not yet."""
    if contact.stage == "CONNECTED":
        yield from departure(center, contact, "AGENT_DISCONNECT")
    elif contact.stage == "OFFERED" and contact.desk_phone is not None:
        yield connection.unanswered(contact)
    elif contact.stage in ("ACCEPTED", "DIALING") and contact.agent_id is not None:
        own = contact.initiation_method in HIS_OWN
        ends = connection.ending(contact, "AGENT_DISCONNECT")
        yield from ends if own else joining.agent_dropped_out(center, contact)


def departure(center: Center, contact: Contact, reason: DisconnectReason) -> Iterator[Event]:
    """The agent of a contact leaves; who is there besides him takes his customer."""
    call = call_of(center, contact)
    if call is None:
        yield from connection.disconnect_flow(center, contact, reason)
    elif not stays(call, contact):
        customer = call.parties.get(customer_leg(contact))
        first = customer.reason if customer is not None else None
        yield from connection.ending(contact, first or reason)
    elif heirs := others_of(call, contact, customers=False):
        best = min(heirs, key=lambda each: HEIRS.index((each.role, each.state != "connecting")))
        yield from passing(center, call, contact, "OTHER", best)  # nobody has hung up
    else:
        yield from connection.disconnect_flow(center, contact, reason)


def passing(
    center: Center, call: Call, contact: Contact, reason: DisconnectReason, heir: Party
) -> Iterator[Event]:
    """The heir talks with the customer; where he is no agent, nobody is left on hold."""
    yield from flows.stop_events(contact, "customer")
    for each in living(call):
        waits = each.state == "hold" and each.role != "customer"
        if waits and (each.leg == heir.leg or heir.role == "third_party"):
            yield from resuming(center, call, each)
    yield CustomerPassed(contact.id, heir.contact_id)
    yield from connection.ending(contact, reason)


def stays(call: Call, contact: Contact) -> bool:
    """Whether there is a customer who stays when the agent of this contact leaves."""
    customer = call.parties.get(customer_leg(contact))
    return (
        customer is not None
        and customer.role == "customer"
        and customer.contact_id == contact.id
        and customer.state in ("connected", "hold")
    )


HEIRS: tuple[tuple[Role, bool], ...] = (
    ("agent", True),
    ("agent", False),
    ("third_party", True),
    ("third_party", False),
)
"""Role, and whether he is there already; the first comes first."""


def without_customer(
    center: Center, call: Call, customer: Party, reason: DisconnectReason
) -> Iterator[Event]:
    """The customer is out: the others talk on if there are any, or his contact ends."""
    contact = center.contacts[customer.contact_id]
    if contact.stage == "CONNECTED" and others_of(call, contact, customers=False):
        if customer.state == "hold":
            yield from flows.stop_events(contact, "customer")
        yield PartyLeft(call.id, contact.id, customer.leg, reason)
    else:
        yield from connection.ending(contact, reason)


def lose_leg(center: Center, leg: str, reason: DisconnectReason) -> Iterator[Event]:
    """A channel that is no agent's is gone; stale news is no news."""
    contact = center.contacts.get(center.legs.get(leg, leg))
    if contact is None or contact.stage == "ENDED":
        return
    call = call_of(center, contact)
    party = None if call is None else call.parties.get(leg)
    if call is None or party is None:
        if leg == customer_leg(contact):
            yield from connection.ending(contact, reason)
    elif party.state == "disconnected":
        return  # he has left, and the others talk on
    elif party.role == "customer":
        yield from without_customer(center, call, party, reason)
    else:
        hung_up = contact.stage == "TALKING" and reason == "CUSTOMER_DISCONNECT"
        yield from connection.ending(contact, "THIRD_PARTY_DISCONNECT" if hung_up else reason)


def settle(center: Center, command: SettleCall) -> Iterator[Event]:
    """Whoever cannot go on without those who have left ends, too."""
    call = center.calls.get(command.call_id)
    if call is None:
        return
    there = talking(call)
    alive = [each for each in there if each.role in ("customer", "agent")]
    if len(there) > 1 and alive:
        return
    if len(there) == 1 and alive and alive[0].role == "customer":  # a flow has him, or a queue
        yield PartyLeft(call.id, alive[0].contact_id, alive[0].leg, None)
        return
    for contact_id in dict.fromkeys(each.contact_id for each in living(call)):
        contact = center.contacts[contact_id]
        customer = call.parties.get(customer_leg(contact))
        first = None  # of a supervisor, whose agent may have left long before: the call's
        if customer is not None and contact.monitors is None:
            first = customer.reason
        yield from connection.ending(contact, first or call.reason or "OTHER")


def others_of(call: Call, contact: Contact, *, customers: bool = True) -> list[Party]:
    """Who talks, or will, besides the agent of this contact."""
    own = agent_leg(contact)
    return [
        each for each in talking(call) if each.leg != own and (customers or each.role != "customer")
    ]


# What the events do


def connected(center: Center, event: ContactConnectedToAgent, at: Instant) -> None:
    """Agent and customer are joined: a call begins, or the agent comes into the one there is."""
    connection.connected(center, event, at)
    contact = center.contacts[event.contact_id]
    if contact.channel != "VOICE":
        return
    call = call_of(center, contact)
    if call is None:
        call = center.calls[contact.id] = Call(id=contact.id)
        contact.call_id = call.id
        legs: tuple[tuple[str, Role], ...] = (
            (customer_leg(contact), "customer"),
            (agent_leg(contact), "agent"),
        )
        for leg, role in legs:
            call.parties[leg] = Party(
                leg=leg, contact_id=contact.id, role=role, state="connected", since=at
            )
    else:
        party = next(each for each in call.parties.values() if each.contact_id == contact.id)
        del call.parties[party.leg]  # it may be another agent's leg than the one that was added
        party.leg = agent_leg(contact)
        call.parties[party.leg] = party
        _turn(party, at, silent=party.role == "monitor")


def _turn(party: Party, at: Instant, *, silent: bool = False) -> None:
    party.state = "silent" if silent else "connected"
    party.since = at


def added(center: Center, event: PartyAdded, at: Instant) -> None:
    del at
    call = center.calls.setdefault(event.call_id, Call(id=event.call_id))
    for each in list(call.parties.values()):
        if each.state == "disconnected" and each.role != "customer":
            del call.parties[each.leg]  # shown until somebody else is tried
    party = event.party
    call.parties[party.leg] = _own(party)
    center.contacts[party.contact_id].call_id = call.id


def _own(party: Party) -> Party:
    """One that is not the event's."""
    return Party(**{name: getattr(party, name) for name in Party.__struct_fields__})


def joined(center: Center, event: PartyJoined, at: Instant) -> None:
    party = center.calls[event.call_id].parties[event.leg]
    _turn(party, at)
    contact = center.contacts[event.contact_id]
    contact.stage = "TALKING"
    contact.updated_at = at


def put_on_hold(center: Center, event: ContactHeld, at: Instant) -> None:
    connection.put_on_hold(center, event, at)
    _customer(center, event.contact_id, "hold", at)


def resumed(center: Center, event: ContactResumed, at: Instant) -> None:
    connection.resumed(center, event, at)
    _customer(center, event.contact_id, "connected", at)


def _customer(center: Center, contact_id: str, state: str, at: Instant) -> None:
    contact = center.contacts[contact_id]
    call = call_of(center, contact)
    party = None if call is None else call.parties.get(customer_leg(contact))
    if party is not None:
        party.state = "hold" if state == "hold" else "connected"
        party.since = at


def held(center: Center, event: PartyHeld, at: Instant) -> None:
    party = center.calls[event.call_id].parties[event.leg]
    party.state = "hold"
    party.since = at


def back(center: Center, event: PartyResumed, at: Instant) -> None:
    _turn(center.calls[event.call_id].parties[event.leg], at)


def muted(center: Center, event: PartyMuted, _at: Instant) -> None:
    party = center.calls[event.call_id].parties[event.leg]
    party.muted = event.muted
    party.forced_mute = event.forced


def pressed(center: Center, event: DigitsPressed, _at: Instant) -> None:
    center.calls[event.call_id].keys += 1


def party_left(center: Center, event: PartyLeft, at: Instant) -> None:
    call = center.calls[event.call_id]
    if event.reason is None:
        del call.parties[event.leg]
        center.contacts[event.contact_id].call_id = None
    else:
        _disconnect(call, call.parties[event.leg], event.reason, at)
        contact = center.contacts[event.contact_id]
        if contact.held_at is not None:
            connection.resumed(center, ContactResumed(contact.id), at)
    _forget(center, call)


def ended(center: Center, event: ContactEnded, at: Instant) -> None:
    """The contact is over, and its legs leave the call."""
    connection.ended(center, event, at)
    contact = center.contacts[event.contact_id]
    agent = center.agents.get(contact.agent_id or "")
    grip = None if agent is None else agent.contacts.get(contact.id)
    if grip is not None and grip.state == "ERROR":
        grip.error = connection.ERRORS.get(event.reason, grip.error)
    if center.legs.get(customer_leg(contact)) == contact.id:
        del center.legs[customer_leg(contact)]
    call = call_of(center, contact)
    if call is None:
        return
    for each in living(call):
        if each.contact_id == contact.id:
            _disconnect(call, each, event.reason, at)
    _forget(center, call)


def _disconnect(call: Call, party: Party, reason: DisconnectReason, at: Instant) -> None:
    party.state = "disconnected"
    party.since = at
    party.reason = reason
    call.reason = reason


def _forget(center: Center, call: Call) -> None:
    if not living(call):
        del center.calls[call.id]


def customer_passed(center: Center, event: CustomerPassed, at: Instant) -> None:
    """The next contact has the customer; he waits with it, or talks on."""
    contact, heir = center.contacts[event.contact_id], center.contacts[event.next_contact_id]
    leg = customer_leg(contact)
    center.legs[leg] = heir.id
    heir.updated_at = at
    contact.next_contact_id = heir.id
    if heir.initiation_method != "MONITOR":
        contact.transfer_completed_at = at
        if heir.initiation_method == "EXTERNAL_OUTBOUND":
            contact.transferred_to = heir.customer_number
    call = center.calls[contact.call_id or ""]
    customer = call.parties[leg]
    customer.contact_id = heir.id
    _turn(customer, at)
    for each in call.parties.values():
        if each.added_by == contact.id and each.contact_id != heir.id:
            each.added_by = heir.id
    heir.customer_leg = leg
    if heir.initiation_method == "EXTERNAL_OUTBOUND":
        return
    party = seat(call, heir)
    assert party is not None
    party.role = "agent"
    party.added_by = None
    if party.state == "connecting":
        del call.parties[party.leg], call.parties[leg]
        heir.call_id = None
        ask_again(heir)


def ask_again(contact: Contact) -> None:
    """What the flow waits for is asked of another leg: what the one before said is stale."""
    run = contact.runs.get("customer")
    if run is not None and run.ask is not None:
        contact.asks += 1
        run.number = contact.asks


def concerned(center: Center, event: Event) -> list[str] | None:
    """The agents who see what happens in a call; None: it is not about a call."""
    contact = center.contacts.get(getattr(event, "contact_id", ""))
    call_id = getattr(event, "call_id", None) or (contact.call_id if contact else None)
    call = center.calls.get(call_id or "")
    if call is None:
        return None
    there = (center.contacts.get(each.contact_id) for each in call.parties.values())
    agents = [each.agent_id for each in (*there, contact) if each is not None]
    return list(dict.fromkeys(each for each in agents if each is not None))


# Snapshots


def restore(center: Center, calls: list[Call]) -> None:
    """Know these calls."""
    center.calls = {each.id: each for each in calls}
