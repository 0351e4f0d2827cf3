"""Chat parties: who else serves the customer of a chat, where an instance lets several agents.

An agent adds somebody by a quick connect. Whom that leads to has a contact of his own, which joins
the chat (Contact.joins): it has its flow, its queue, its agent and its after contact work, but the
customer is another contact's. That one is the contact that the chat has come to. When its agent
leaves, the chat passes to who has joined, else to who is still awaited; who joins a chat ends with
it. Called by the decisions about chats and by whatever ends contacts (engine.connection). Sources:
Amazon Connect administrator guide, multi-party chat; docs/choices.md.
"""

from collections.abc import Iterator

from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    ContactConnectedToAgent,
    ContactEnded,
    ContactInitiated,
    Event,
)
from ringfloor.domain.vocabulary import DisconnectReason
from ringfloor.engine.state import Center

ENDS_ALL: frozenset[DisconnectReason | None] = frozenset(
    {"API", "CUSTOMER_CONNECTION_NOT_ESTABLISHED", "CUSTOMER_DISCONNECT", "EXPIRED"}
)
"""Reasons for the end of a chat's contact that leave nobody to be served."""


def may_be_many(center: Center) -> bool:
    """Whether the instance has MULTI_PARTY_CHAT_CONFERENCE."""
    assert center.instance is not None
    return bool(center.instance.properties.get("MultiPartyChatConference"))


def serving(center: Center, contact: Contact) -> Iterator[Contact]:
    """The live contacts of a contact's chat in which its customer is served, oldest first."""
    for identifier in center.chains.get(contact.initial_contact_id or contact.id, ()):
        each = center.contacts[identifier]
        if each.chat_id == contact.chat_id and each.monitors is None and each.stage != "ENDED":
            yield each


def others(center: Center, contact: Contact) -> list[Contact]:
    """Those besides this contact."""
    if contact.chat_id is None:
        return []
    return [each for each in serving(center, contact) if each.id != contact.id]


def heirs(center: Center, contact: Contact) -> list[Contact]:
    """To whom the customer of this contact may pass, the best first."""
    if contact.joins:
        return []
    joined = [each for each in others(center, contact) if each.joins]
    return sorted(joined, key=lambda each: each.stage != "CONNECTED")


CHANGES = (ContactInitiated, ContactConnectedToAgent, ContactEnded)
"""What the other agents of a chat see of it."""


def concerned(center: Center, event: Event) -> list[str] | None:
    """The agents of a chat that several serve who see this event; None: it is none such."""
    if not isinstance(event, CHANGES):
        return None
    born = event.contact.id if isinstance(event, ContactInitiated) else event.contact_id
    contact = center.contacts[born]
    if contact.chat_id is None:
        return None
    there = [contact, *others(center, contact)]
    if not any(each.joins for each in there):
        return None
    return [each.agent_id for each in there if each.agent_id is not None]
