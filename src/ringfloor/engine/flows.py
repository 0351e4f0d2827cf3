"""Flows: which edition of a flow a contact runs.

A contact finishes on the content that its flow had when the contact entered it; an outbound contact
is bound when it is dialled. Whoever comes later gets what is published then. Modules likewise: one
is bound when it is invoked, and whoever has invoked it waits as a caller, on its own edition. An
edition is a content, named by its digest; the flows and versions that have it published and each
contact that runs it or waits in it are its users, and with the last of them it is forgotten.

A version is entered by the id of its resource, FLOW:3; a reference to an alias leads to the version
that the alias has when it is followed. Source: behaviour specification, sections 1.1, 1.7 and 6.6.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ringfloor.domain.contact import Caller, Contact
from ringfloor.domain.resources import Resource
from ringfloor.engine.state import Center, Edition
from ringfloor.flow import interpreter, language
from ringfloor.flow.language import Flow


def parsed(content: str) -> Flow:
    """A content as a flow; held to no rule but its shape, so that old journals stay readable.

    Raises Refusal InvalidContactFlowException.
    """
    return language.parse(content, "CONTACT_FLOW", published=False)


KINDS = frozenset(
    {
        "contact_flow",
        "contact_flow_module",
        "contact_flow_module_version",
        "contact_flow_version",
    }
)
"""Kinds whose resources have a Content and, once PUBLISHED, can be entered by their id."""

LATEST = "$LATEST"
SAVED = "$SAVED"


class Pointer(NamedTuple):
    """A flow or module as somebody names it."""

    id: str
    qualifier: str
    """A version, an alias by name or id, $LATEST or $SAVED; empty: none."""


def pointer(reference: str) -> Pointer:
    """What an id or ARN names: ID, ID:3, ID:live, or an ARN of such, or one with /alias/ID."""
    path = reference
    if reference.startswith("arn:"):
        path = reference.split("/", 2)[-1].partition("/")[2]
    identifier, _, qualifier = path.replace("/alias/", ":").partition(":")
    return Pointer(identifier, qualifier)


def version_id(identifier: str, version: int | str) -> str:
    """The id of a version's resource."""
    return f"{identifier}:{version}"


def version(center: Center, kind: str, found: Pointer) -> Resource | None:
    """The version that a qualifier leads to, if there is one."""
    identifier, qualifier = found
    versions, aliases = center.resources[f"{kind}_version"], center.resources[f"{kind}_alias"]
    alias_id = center.names[f"{kind}_alias"].get(f"{identifier}/{qualifier}", qualifier)
    alias = aliases.get(alias_id)
    if alias is not None and alias.properties[OWNER[kind]] == identifier:
        return versions[alias.properties["VersionId"]]
    return versions.get(version_id(identifier, qualifier))


OWNER: Mapping[str, str] = {
    "contact_flow": "ContactFlowId",
    "contact_flow_module": "ContactFlowModuleId",
}
"""The property by which versions and aliases name what they belong to."""


def entered_by(center: Center, kind: str, reference: str) -> str | None:
    """What a contact enters by this reference: an id in center.flows.

    None if there is no such thing, if it is not published, or if it is archived.
    """
    found = pointer(reference)
    resource = center.resources[kind].get(found.id)
    if resource is None or resource.properties.get("State") == "ARCHIVED":
        return None
    key = found.id
    if found.qualifier not in ("", LATEST):
        chosen = version(center, kind, found)
        key = "" if chosen is None else chosen.id
    return key if key in center.flows else None


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


def call(center: Center, contact: Contact, module_id: str, given: dict[str, str]) -> None:
    """The contact begins a module; what it was in waits.

    A module sees nothing of its caller's session but its input, and changes nothing of it.
    """
    assert contact.session is not None
    assert contact.edition is not None
    logging = contact.session.logging
    contact.callers = [*contact.callers, Caller(contact.session, contact.edition)]
    contact.ask = None
    bind(center, contact, module_id)
    contact.session = msgspec.structs.replace(
        interpreter.begin(module_id), logging=logging, module_input=given
    )


def come_back(center: Center, contact: Contact) -> None:
    """The module is over; the contact is where it was invoked."""
    assert contact.session is not None
    assert contact.edition is not None
    *waiting, caller = contact.callers
    _release(center, contact.edition)
    logging = contact.session.logging
    contact.callers, contact.edition, contact.ask = waiting, caller.edition, None
    contact.session = msgspec.structs.replace(caller.session, logging=logging)


def leave(center: Center, contact: Contact) -> None:
    """The contact runs no flow any more."""
    for caller in contact.callers:
        _release(center, caller.edition)
    contact.callers = []
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
    for edition in _runs(center):
        center.editions[edition].users += 1
    for content in contents:
        _release(center, _digest(content))


def _runs(center: Center) -> Iterator[str]:
    """The edition of everything that a contact runs, will run or waits in."""
    for contact in center.contacts.values():
        yield from (caller.edition for caller in contact.callers)
        if contact.edition is not None:
            yield contact.edition


def miscounted(center: Center) -> Iterator[str]:
    """Editions whose users are not as many as one counts."""
    counted: dict[str, int] = {}
    for key in (*center.flows.values(), *_runs(center)):
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
