"""Clean-up: the disconnect flow of a contact that has ended and left nobody behind.

    ContactEnded -> CleanUp -> FlowEntered CUSTOMER_REMAINING -> ... -> FlowFinished
                       |                                                    |
                       +-- no flow, nobody works on ------> ContactCompleted, once nobody works on

The flow of the hook CustomerRemaining runs on the ended contact itself: functions, attributes,
tags, tasks and callbacks work; there is nobody to hear, to type or to be queued. The contact is
final when both the flow and after contact work are over. Where a customer remains he has another
contact (connection.disconnect_flow), and where another contact goes on with him, its end counts.
Sources: behaviour specification, section 2.4 and choice 16 of section 9.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from ringfloor.base.time import Duration
from ringfloor.domain import dialogue
from ringfloor.domain.call import customer_leg, is_agent_leg
from ringfloor.domain.commands import CleanUp, CompleteContact
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import ContactCompleted, Event
from ringfloor.engine import flows
from ringfloor.engine.flows import CLEANS_UP
from ringfloor.engine.reply import FAILED, Reply, Stand
from ringfloor.engine.state import Center

# Decisions


def begin(center: Center, command: CleanUp) -> Iterator[Event]:
    """The contact has ended: its disconnect flow runs, or there is nothing more to come of it."""
    contact = center.contacts[command.contact_id]
    flow = () if _leaves_all_to_another(center, contact) else _flow(center, contact)
    yield from flow or _completing(contact)


def _flow(center: Center, contact: Contact) -> tuple[Event, ...]:
    return tuple(flows.hook_events(center, contact, "customer", CLEANS_UP))


def complete(center: Center, command: CompleteContact) -> Iterator[Event]:
    """After contact work is over, and the leg is final unless its disconnect flow goes on."""
    contact = center.contacts[command.contact_id]
    if not contact.runs:
        yield from _completing(contact)


def too_long(_center: Center, contact: Contact, _delay_ms: Duration) -> Iterator[Event]:
    """A flow that does not end is ended."""
    yield from flows.stop_events(contact, "customer")
    yield from _completing(contact)


def over(stand: Stand) -> Iterator[Event]:
    """What comes after the flow."""
    yield from _completing(stand.contact)


def _completing(contact: Contact) -> Iterator[Event]:
    if contact.connected_to_agent_at is None or contact.after_contact_work_ended_at is not None:
        yield ContactCompleted(contact)


def _leaves_all_to_another(center: Center, contact: Contact) -> bool:
    """Whether this is not the end of what the customer has begun, or nothing has begun."""
    anothers = contact.monitors is not None or contact.joins
    never_began = contact.connected_to_system_at is None or anothers
    in_its_flow = (
        contact.initiation_method == "DISCONNECT" and contact.connected_to_agent_at is None
    )
    if never_began or in_its_flow:
        return True
    if contact.channel == "VOICE":
        leg = customer_leg(contact)
        third_party = contact.initiation_method == "EXTERNAL_OUTBOUND" and leg == contact.id
        return is_agent_leg(leg) or third_party or leg in center.legs
    chat = center.chats.get(contact.chat_id or "")
    if chat is not None and chat.contact_id != contact.id:
        return True
    following = (center.contacts.get(each) for each in contact.next_contacts)
    return any(
        each is not None and each.initiation_method in GOES_ON and not each.joins
        for each in following
    )


GOES_ON = frozenset({"TRANSFER", "QUEUE_TRANSFER", "DISCONNECT"})
"""How the contacts come to be that chats and tasks go over into."""


# What the flow hears


def _done(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    return Reply(dialogue.Done())


def _nothing_typed(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    return Reply(dialogue.Digits("", "no_input"))


def _nothing_said(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    return Reply(dialogue.Failed("InputTimeLimitExceeded"))


def _nothing_chosen(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    return Reply(dialogue.Failed("TimeLimitExceeded"))


def _refused(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    return FAILED


FOR_NOBODY: Mapping[type[Struct], Callable[[Stand, Any], Reply]] = {
    dialogue.Play: _done,
    dialogue.PlayLoop: _done,
    dialogue.Gather: _nothing_typed,
    dialogue.Receive: _nothing_said,
    dialogue.ShowView: _nothing_chosen,
    dialogue.SetVoice: _done,
    dialogue.CompleteCall: _done,
    dialogue.SetPreviousParticipant: _done,
    dialogue.TransferToQueue: _refused,
    dialogue.TransferToAgent: _refused,
    dialogue.TransferToNumber: _refused,
    dialogue.DequeueAndTransfer: _refused,
}
"""What is answered otherwise than to a flow whose customer is there (engine.answers)."""
