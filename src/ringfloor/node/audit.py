"""Audit: who changed what, read from the records of a journal.

Called by `ringfloor audit`. Every record says who caused it; an entry is a record as a person wants
to see it. An entry is administrative if it changes an instance, a resource or an identity; the rest
are contacts and agents at work, and what the center does by itself. Password hashes and secrets are
never shown.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from heapq import merge
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain import events
from ringfloor.domain.events import Event, decode_outcome
from ringfloor.domain.resources import KINDS
from ringfloor.identity import record as identity
from ringfloor.journal.journal import Record

HIDDEN = frozenset({"PasswordHash"})
"""Properties that no audit shows."""


class Change(Struct, frozen=True, omit_defaults=True):
    """One thing that is different now."""

    event: str
    kind: str = ""
    id: str = ""
    name: str = ""
    values: dict[str, Any] = {}
    """Members that have a new value; None: they are gone."""


class Entry(Struct, frozen=True):
    """One record: who caused it, from where, and what it changed."""

    time: str
    """ISO 8601, UTC."""
    instance: str
    """Id of the instance, or `account` for identities."""
    record: int
    principal: str
    source: str
    request_id: str
    operation: str
    changes: list[Change]
    administrative: bool
    at: Instant


def entries(streams: Iterable[Iterable[Record]]) -> Iterator[Entry]:
    """The entries of several streams of records, each in its order, by time."""
    return merge(*(_entries(stream) for stream in streams), key=lambda entry: entry.at)


def _entries(stream: Iterable[Record]) -> Iterator[Entry]:
    names: dict[str, str] = {}
    for record in stream:
        try:
            if record.instance == identity.ACCOUNT:
                yield _of_identities(record)
            else:
                yield _of_instance(record, names)
        except msgspec.MsgspecError as error:
            raise Fault(
                f"record {record.sequence} of {record.instance} is of a newer version or not ours:"
                f" {error}"
            ) from error


def _of_instance(record: Record, names: dict[str, str]) -> Entry:
    outcome = decode_outcome(record.payload)
    changes = [_change(event, names) for event in outcome.events]
    administrative = any(isinstance(event, ADMINISTRATIVE) for event in outcome.events)
    return _entry(record, outcome.origin, changes, administrative=administrative)


def _of_identities(record: Record) -> Entry:
    _, origin, told = identity.told(record.payload)
    changes = [
        Change(each["event"], each["kind"], each["id"], each["name"], each.get("put", {}))
        for each in told
    ]
    return _entry(record, origin, changes, administrative=True)


def _entry(
    record: Record, origin: events.Origin, changes: list[Change], *, administrative: bool
) -> Entry:
    return Entry(
        time=iso(record.at),
        instance=record.instance,
        record=record.sequence,
        principal=origin.principal,
        source=origin.source,
        request_id=origin.request_id,
        operation=origin.operation,
        changes=changes,
        administrative=administrative,
        at=record.at,
    )


ADMINISTRATIVE = (
    events.InstanceCreated,
    events.InstanceUpdated,
    events.InstanceDeleted,
    events.ResourceCreated,
    events.ResourceUpdated,
    events.ResourceTagged,
    events.ResourceDeleted,
)


def _change(event: Event, names: dict[str, str]) -> Change:
    """names: of the resources so far, by id; kept up to date."""
    what = type(event).__name__
    match event:
        case events.InstanceCreated():
            return Change(what, "instance", event.instance_id, event.alias, event.properties)
        case events.InstanceUpdated():
            return Change(what, "instance", values=event.changes)
        case events.InstanceDeleted():
            return Change(what, "instance", event.instance_id)
        case events.ResourceCreated():
            names[event.id] = str(event.properties.get(KINDS[event.kind].name_member, ""))
            return Change(what, event.kind, event.id, names[event.id], _visible(event.properties))
        case events.ResourceUpdated():
            before = names.get(event.id, "")
            names[event.id] = str(event.changes.get(KINDS[event.kind].name_member, before))
            return Change(what, event.kind, event.id, before, _visible(event.changes))
        case events.ResourceTagged():
            values = dict(event.tags)
            return Change(what, event.kind, event.id, names.get(event.id, ""), values)
        case events.ResourceDeleted():
            return Change(what, event.kind, event.id, names.pop(event.id, ""))
        case events.AgentStatusChanged():
            return Change(what, "user", event.agent_id, names.get(event.agent_id, ""))
        case _:
            contact = getattr(event, "contact", None)
            identifier = contact.id if contact is not None else getattr(event, "contact_id", "")
            return Change(what, "contact", identifier)


def _visible(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: "(hidden)" if name in HIDDEN else value for name, value in properties.items()}


class Filter(NamedTuple):
    """What somebody wants to see. Patterns have * and ?.

    principal: an ARN or its end, such as user/ann. resource: the name or id of what was changed.
    everything: also what is not administrative. since, until: until itself is not included.
    """

    principal: str = "*"
    operation: str = "*"
    source: str = "*"
    instance: str = "*"
    request_id: str = "*"
    resource: str = "*"
    since: Instant = 0
    until: Instant | None = None
    everything: bool = False

    def fits(self, entry: Entry) -> bool:
        """Whether this is wanted."""
        patterns = (
            (self.principal, (entry.principal, short(entry.principal))),
            (self.operation, (entry.operation,)),
            (self.source, (entry.source,)),
            (self.instance, (entry.instance,)),
            (self.request_id, (entry.request_id,)),
        )
        return (
            (self.everything or entry.administrative)
            and self.since <= entry.at
            and (self.until is None or entry.at < self.until)
            and all(_matches(pattern, texts) for pattern, texts in patterns)
            and (
                self.resource == "*"
                or any(_matches(self.resource, (each.name, each.id)) for each in entry.changes)
            )
        )


def _matches(pattern: str, texts: tuple[str, ...]) -> bool:
    return pattern == "*" or any(fnmatchcase(text, pattern) for text in texts)


def iso(at: Instant) -> str:
    """ISO 8601 with milliseconds, UTC."""
    return f"{datetime.fromtimestamp(at // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{at % SECOND:03}Z"


def short(principal: str) -> str:
    """The end of a principal's ARN: root, user/ann, assumed-role/desk/ann."""
    return principal.rpartition(":")[2]


CHANGES_SHOWN = 3
"""Of one entry, on its line."""


def line(entry: Entry) -> str:
    """An entry on one line of a terminal, whatever the names in it are made of."""
    who = short(entry.principal) or "(center)"
    did = "; ".join(_said(change) for change in entry.changes[:CHANGES_SHOWN])
    if len(entry.changes) > CHANGES_SHOWN:
        did += f" and {len(entry.changes) - CHANGES_SHOWN} more"
    text = (
        f"{entry.time}  {who:<20} {entry.source or '-':<15} {entry.operation or '-':<28}"
        f" {did}  [{entry.request_id or '-'}]"
    )
    return "".join([each if each.isprintable() else "\ufffd" for each in text])


def _said(change: Change) -> str:
    what = f"{change.kind} {change.name or change.id}".strip()
    members = ", ".join(change.values) if change.event == "ResourceUpdated" else ""
    return f"{change.event} {what}" + (f" ({members})" if members else "")
