"""Record: what the journal holds of the account's principals, and how it is read again.

The stream ACCOUNT stands in the same journal as the instances; its name is no instance's, whose
are UUIDs. Each record is one Outcome: what one command led to, and who caused it. Fields are only
ever added at the end, with a default.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from ringfloor.base.time import Instant
from ringfloor.domain.events import Origin
from ringfloor.identity.entities import Entity, kind_of

ACCOUNT = "account"
"""The reserved stream of the journal."""


class _Event(Struct, frozen=True, array_like=True, tag=True):
    pass


class EntityPut(_Event, frozen=True):
    """A new entity, or a new value in the place of the one with this id."""

    entity: Entity


class EntityRemoved(_Event, frozen=True):
    """kind, name: for who reads the record alone."""

    kind: str
    id: str
    name: str


Event = EntityPut | EntityRemoved


class Outcome(Struct, frozen=True, array_like=True):
    """What one command led to: the payload of one record."""

    at: Instant
    events: tuple[Event, ...]
    origin: Origin = Origin()


encode_outcome = msgspec.msgpack.Encoder().encode
decode_outcome = msgspec.msgpack.Decoder(Outcome).decode


def told(payload: bytes) -> tuple[Instant, Origin, list[dict[str, Any]]]:
    """A record for the audit trail: when, who, and each event as plain values without secrets.

    An event says kind, id, name, and in `put` the whole entity as it was from then on. Raises
    msgspec.MsgspecError if the record is not of this stream, or of a newer version.
    """
    outcome = decode_outcome(payload)
    return outcome.at, outcome.origin, list(_told(outcome))


def _told(outcome: Outcome) -> Iterator[dict[str, Any]]:
    for event in outcome.events:
        match event:
            case EntityRemoved(kind=kind, id=identifier, name=name):
                yield {"event": "EntityRemoved", "kind": kind, "id": identifier, "name": name}
            case EntityPut(entity=entity):
                yield {
                    "event": "EntityPut",
                    "kind": kind_of(entity),
                    "id": entity.id,
                    "name": entity.name,
                    "put": _plain(entity),
                }


def _plain(value: object) -> Any:  # noqa: ANN401  JSON
    """Structs as dicts; the sealed secrets stay behind, as nobody has to read them."""
    if isinstance(value, Struct):
        return {
            name: _plain(getattr(value, name))
            for name in value.__struct_fields__
            if name != "sealed"
        }
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, dict) else value
