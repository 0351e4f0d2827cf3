"""Flows: which edition of a flow a contact runs.

A contact finishes on the content that its flow had when the contact entered it; an outbound contact
is bound when it is dialled. Whoever comes later gets what is published then. An edition is a
content, named by its digest; the flow that has it published and each contact that runs it are its
users, and with the last of them it is forgotten. Source: behaviour specification, sections 1.7 and
6.6.
"""

from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from ringfloor.domain.contact import Contact
from ringfloor.engine.state import Center, Edition
from ringfloor.flow import interpreter, language
from ringfloor.flow.language import Flow


def parsed(content: str) -> Flow:
    """A content as a flow; held to no rule but its shape, so that old journals stay readable.

    Raises Refusal InvalidContactFlowException.
    """
    return language.parse(content, "CONTACT_FLOW", published=False)


def publish(center: Center, flow_id: str, content: str | None) -> None:
    """From now on whoever enters the flow gets this content; None: nobody can enter it."""
    before = center.flows.pop(flow_id, None)
    if content is not None:
        center.flows[flow_id] = _use(center, content)
    if before is not None:
        _release(center, before)


def bind(center: Center, contact: Contact, flow_id: str) -> None:
    """The contact will run the flow as it is now."""
    edition = center.flows[flow_id]
    center.editions[edition].users += 1
    contact.edition = edition


def enter(center: Center, contact: Contact, flow_id: str) -> None:
    """The contact begins the flow: the edition it was bound to when dialled, else the present."""
    logging = False
    if contact.session is not None:
        logging = contact.session.logging
        leave(center, contact)
    if contact.edition is None:
        bind(center, contact, flow_id)
    contact.session = msgspec.structs.replace(interpreter.begin(flow_id), logging=logging)


def leave(center: Center, contact: Contact) -> None:
    """The contact runs no flow any more."""
    contact.session = None
    contact.ask = None
    if contact.edition is not None:
        _release(center, contact.edition)
        contact.edition = None


def running(center: Center, contact: Contact) -> Flow:
    """The flow that the contact is in."""
    assert contact.edition is not None
    return center.editions[contact.edition].flow


# Snapshots


def superseded(center: Center) -> list[str]:
    """Contents that only contacts use."""
    present = set(center.flows.values())
    return [each.content for key, each in center.editions.items() if key not in present]


def restore(center: Center, contents: list[str]) -> None:
    """Know these contents and who uses them; the flows' own are known already."""
    for content in contents:
        _use(center, content)
    for contact in center.contacts.values():
        if contact.edition is not None:
            center.editions[contact.edition].users += 1
    for content in contents:
        _release(center, _digest(content))


def miscounted(center: Center) -> Iterator[str]:
    """Editions whose users are not as many as one counts."""
    counted: dict[str, int] = {}
    runs = [each.edition for each in center.contacts.values() if each.edition is not None]
    for key in (*center.flows.values(), *runs):
        counted[key] = counted.get(key, 0) + 1
    kept = {key: each.users for key, each in center.editions.items()}
    if counted != kept:
        yield f"counted {counted}, kept {kept}"


def _digest(content: str) -> str:
    return blake2b(content.encode(), digest_size=16).hexdigest()


def _use(center: Center, content: str) -> str:
    key = _digest(content)
    if key not in center.editions:
        center.editions[key] = Edition(content, parsed(content))
    center.editions[key].users += 1
    return key


def _release(center: Center, key: str) -> None:
    edition = center.editions[key]
    edition.users -= 1
    if not edition.users:
        del center.editions[key]
