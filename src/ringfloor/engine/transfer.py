"""Transfer: how somebody comes into a call: an agent, a queue, a third party.

    agent dials a user, queue or flow    a new contact TRANSFER; its customer is the agent who
                                         dials, who walks the flow and waits in the queue
    agent dials a number                 a new contact EXTERNAL_OUTBOUND
    flow transfers to a number           the same; the flow waits, or the contact is over with it

Who is dialled stands in the call as connecting. The others that the agent controls go on hold. Who
leaves when, and who then has the customer, is engine.call's. Sources: behaviour specification,
sections 5.1, 5.2 and 6.4.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ringfloor.base.errors import invalid_parameter, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import CALL_PARTIES_MAX, CALL_PARTIES_MULTI_MAX, DIAL_MS
from ringfloor.base.time import Duration
from ringfloor.domain import dialogue
from ringfloor.domain.call import (
    Call,
    Party,
    agent_leg,
    customer_leg,
    first_agent_leg,
    is_agent_leg,
    seat,
    talking,
)
from ringfloor.domain.commands import AddParty, GiveUp, Hear
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    ContactConnectedToSystem,
    ContactEnqueued,
    ContactInitiated,
    ContactSucceeded,
    CustomerPassed,
    DigitsPressed,
    Event,
    FlowEntered,
    PartyAdded,
    PartyHeld,
    PartyJoined,
    PartyResumed,
)
from ringfloor.domain.numbers import is_e164
from ringfloor.domain.resources import Properties
from ringfloor.engine import call as calls
from ringfloor.engine import connection, entry, flows, routing
from ringfloor.engine.state import Center
from ringfloor.engine.view import caller_id


class Way(NamedTuple):
    """Where a quick connect that is no number leads. target: a queue, or a user's own."""

    flow_type: str
    flow_id: str
    target: str | None


def add(center: Center, command: AddParty, seed: Seed) -> Iterator[Event]:
    """The agent dials somebody else; whom he controls goes on hold meanwhile."""
    contact = connection.his(center, command.agent_id, command.contact_id)
    call = calls.call_of(center, contact)
    if contact.stage != "CONNECTED" or call is None:
        raise invalid_request("ContactId", contact.id, f"is {contact.stage}; it is not in a call")
    if call.parties[agent_leg(contact)].role == "monitor":
        raise invalid_request("ContactId", contact.id, "monitors; it adds nobody")
    _check_room(center, call, contact)
    new_id = derive(seed, 0)
    quick_connect, number, way = _destination(center, command)
    if number is not None:
        entry.check_dialling(center, number)
    held = [
        each
        for each in talking(call)
        if each.leg != agent_leg(contact)
        and each.state == "connected"
        and calls.controls(center, call, contact, each)
    ]
    for each in held:
        yield from calls.holding(center, call, each)
    if number is not None:
        whom = Dialling(number, _caller_id(center, contact), quick_connect=quick_connect)
        yield from _third_party(center, contact, new_id, call.id, whom)
    else:
        assert way is not None
        yield from _consultation(center, contact, new_id, way, call.id, quick_connect)


def _check_room(center: Center, call: Call, contact: Contact) -> None:
    there = talking(call)
    most = CALL_PARTIES_MULTI_MAX if calls.everybody_controls(center) else CALL_PARTIES_MAX
    if len(there) >= most:
        raise invalid_request("ContactId", contact.id, f"has {most} parties, which is the limit")
    if any(each.state == "connecting" for each in there):
        raise invalid_request("ContactId", contact.id, "has somebody who has not answered yet")


def _destination(center: Center, command: AddParty) -> tuple[str | None, str | None, Way | None]:
    """Id of the quick connect, the number to dial, or the way to go."""
    if command.quick_connect_id is None:
        number = command.number or ""
        if not is_e164(number):
            raise invalid_parameter("PhoneNumber", number, "is no E.164 number")
        return None, number, None
    found = center.resource("quick_connect", command.quick_connect_id, "EndpointARN")
    config = found.properties["QuickConnectConfig"]
    if config["QuickConnectType"] == "PHONE_NUMBER":
        return found.id, config["PhoneConfig"]["PhoneNumber"], None
    return found.id, None, way_of(center, config)


def way_of(center: Center, config: Properties) -> Way:
    """Where the QuickConnectConfig of a user, a queue or a flow leads; refuses if nowhere."""
    flow_type, member, target = WAYS[config["QuickConnectType"]]
    details = config[member]
    if flow_type == "AGENT_TRANSFER" and details["UserId"] not in center.agents:
        raise not_found("EndpointARN", details["UserId"], "user")
    flow_id = flows.entered_by(center, "contact_flow", details["ContactFlowId"])
    if flow_id is None:
        rule = "is the quick connect's flow, which is not published"
        raise invalid_request("ContactFlowId", details["ContactFlowId"], rule)
    return Way(flow_type, flow_id, details[target] if target else None)


WAYS: Mapping[str, tuple[str, str, str | None]] = {
    "USER": ("AGENT_TRANSFER", "UserConfig", "UserId"),
    "QUEUE": ("QUEUE_TRANSFER", "QueueConfig", "QueueId"),
    "FLOW": ("CONTACT_FLOW", "FlowConfig", None),
}
"""Type of a quick connect: as what its flow runs, its member, and where its target stands there."""


def _caller_id(center: Center, contact: Contact) -> str | None:
    """What a third party sees: the queue's number, or the one that the customer has called."""
    if contact.queue_id in center.resources["queue"]:
        found = caller_id(center, contact.queue_id)
        if found is not None:
            return found
    return contact.system_number


def _consultation(
    center: Center,
    contact: Contact,
    new_id: str,
    way: Way,
    call_id: str,
    quick_connect: str | None,
) -> Iterator[Event]:
    yield ContactInitiated(
        connection.successor(
            center,
            contact,
            id=new_id,
            method="TRANSFER",
            flow_id=way.flow_id,
            queue_id=way.target,
            customer_leg=agent_leg(contact),
            call_id=call_id,
            started_with=quick_connect,
            connected_to_system_at=center.at,
        )
    )
    yield ContactSucceeded(contact.id, new_id)
    yield PartyAdded(
        call_id,
        new_id,
        Party(
            leg=first_agent_leg(new_id),
            contact_id=new_id,
            role="agent",
            state="connecting",
            since=center.at,
            added_by=contact.id,
            quick_connect_id=quick_connect,
        ),
    )
    yield FlowEntered(new_id, way.flow_id, "customer", way.flow_type)


class Dialling(NamedTuple):
    """A third party, and how he is called."""

    number: str
    shown_as: str | None
    ring_ms: Duration = DIAL_MS
    quick_connect: str | None = None
    digits: str = ""


def goes_on(center: Center, contact: Contact, following: Contact) -> Iterator[Event]:
    """A consultation that goes over into another contact keeps its seat in the call."""
    call = calls.call_of(center, contact)
    before = None if call is None else seat(call, contact)
    if call is None or before is None:
        return
    yield PartyAdded(
        call.id,
        following.id,
        Party(
            leg=first_agent_leg(following.id),
            contact_id=following.id,
            role="agent",
            state="connecting",
            since=center.at,
            added_by=before.added_by,
            quick_connect_id=before.quick_connect_id,
        ),
    )


def _third_party(
    center: Center, contact: Contact, new_id: str, call_id: str, whom: Dialling
) -> Iterator[Event]:
    yield ContactInitiated(
        connection.successor(
            center,
            contact,
            id=new_id,
            method="EXTERNAL_OUTBOUND",
            stage="DIALING",
            customer_leg=None,
            customer_number=whom.number,
            system_number=whom.shown_as,
            queue_id=None,
            call_id=call_id,
            started_with=whom.quick_connect,
        ),
        whom.ring_ms,
    )
    yield ContactSucceeded(contact.id, new_id)
    yield PartyAdded(
        call_id,
        new_id,
        Party(
            leg=new_id,
            contact_id=new_id,
            role="third_party",
            state="connecting",
            since=center.at,
            added_by=contact.id,
            number=whom.number,
            quick_connect_id=whom.quick_connect,
            digits=whom.digits,
        ),
    )


def answered(center: Center, contact: Contact) -> Iterator[Event]:
    """The third party that this contact is for has answered."""
    call = calls.call_of(center, contact)
    assert call is not None
    party = call.parties[contact.id]
    yield ContactConnectedToSystem(contact.id)
    yield PartyJoined(call.id, contact.id, party.leg)
    if party.digits:
        yield DigitsPressed(call.id, contact.id, party.leg, party.digits)
    before = center.contacts.get(party.added_by or "")
    ask = None if before is None else waits_for_number(before)
    if before is not None and ask is not None and not ask.resumes:
        yield CustomerPassed(before.id, contact.id)
        yield from connection.ending(before, "CONTACT_FLOW_DISCONNECT")


# What flows ask


def waits_for_number(contact: Contact) -> dialogue.TransferToNumber | None:
    """What the contact's flow has asked for, if it waits for a third party."""
    run = contact.runs.get("customer")
    ask = None if run is None else run.ask
    return ask if isinstance(ask, dialogue.TransferToNumber) else None


def to_number(
    center: Center, contact: Contact, ask: dialogue.TransferToNumber, seed: Seed
) -> tuple[Event, ...] | None:
    """The customer of a flow and a third party are brought together; None: that cannot be."""
    free = contact.channel == "VOICE" and contact.stage == "IN_FLOW" and contact.call_id is None
    if not free or not is_e164(ask.number) or not entry.may_dial(center, ask.number):
        return None
    if entry.dialled_enough(center) is not None:
        return None
    customer = Party(
        leg=customer_leg(contact),
        contact_id=contact.id,
        role="customer",
        state="connected",
        since=center.at,
    )
    shown_as = ask.caller_id or contact.system_number
    whom = Dialling(ask.number, shown_as, max(ask.ring_ms, 1), digits=ask.digits)
    return (
        PartyAdded(contact.id, contact.id, customer),
        *_third_party(center, contact, derive(seed, 0), contact.id, whom),
    )


def third_party_gone(center: Center, ended: Contact) -> Iterator[Hear]:
    """The third party of a flow has ended: the flow that waits for it hears how that was."""
    waiting = center.contacts.get(ended.previous_contact_id or "")
    if ended.initiation_method != "EXTERNAL_OUTBOUND" or waiting is None:
        return
    ask = waits_for_number(waiting)
    if ask is None or waiting.stage == "ENDED":
        return
    heard: dialogue.Heard = dialogue.Done()
    if ended.connected_to_system_at is None:
        late = ended.disconnect_reason == "TELECOM_TIMEOUT"
        error = "ConnectionTimeLimitExceeded" if late else "CallFailed"
        heard = dialogue.Failed(error if ask.resumes else "NoMatchingError")
    yield Hear(waiting.id, waiting.runs["customer"].number, heard)


def to_agent(center: Center, contact: Contact) -> tuple[Event, ...]:
    """TransferContactToAgent of a call: ring him for 20 s if he may be rung; else it is over."""
    target = contact.queue_id or ""
    agent = center.agents.get(target)
    if agent is None or "VOICE" not in routing.open_channels(center, agent):
        return tuple(connection.ending(contact, "CONTACT_FLOW_DISCONNECT"))
    return (ContactEnqueued(contact.id, target, contact.channel, direct=True),)


def give_up(center: Center, command: GiveUp) -> Iterator[Event]:
    """The one agent whom it was for has not taken it."""
    contact = center.contacts.get(command.contact_id)
    if contact is not None and contact.stage == "IN_QUEUE":
        yield from connection.ending(contact, "TELECOM_UNANSWERED")


def set_previous(
    center: Center, contact: Contact, ask: dialogue.SetPreviousParticipant
) -> tuple[Event, ...] | None:
    """Hold or take from hold who is on the contact that this one came from; None: nobody is."""
    before = center.contacts.get(contact.previous_contact_id or "")
    call = None if before is None else calls.call_of(center, before)
    if before is None or call is None or before.stage != "CONNECTED":
        return None
    told: list[Event] = []
    for leg, wish in ((agent_leg(before), "AgentOnHold"), (customer_leg(before), "CustomerOnHold")):
        party = call.parties.get(leg)
        if party is None or party.state not in ("connected", "hold"):
            continue
        wanted = "hold" if ask.state == wish else "connected"
        if party.state == wanted:
            continue
        if is_agent_leg(leg):  # he hears this flow, no other
            told.append((PartyHeld if wanted == "hold" else PartyResumed)(call.id, before.id, leg))
        else:
            told.extend(
                (calls.holding if wanted == "hold" else calls.resuming)(center, call, party)
            )
    return tuple(told)
