"""Mapping: how the log of another contact center is read; a TOML file, checked before any row is.

    [file]        how rows and cells are found, and in which time zone its clocks were
    [drop]        rows that are no contacts: column = [values]
    [fields.X]    where a field of a contact comes from; [[fields.X]]: several ways, the first that
                  has a value is taken
    [attributes.X]  the same, of user attributes

Called by call_logs.reading and by who shows a mapping. FIELDS is the one table of what there is.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, get_args

import msgspec
from msgspec import Struct

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.domain.logged import MOMENTS
from ringfloor.domain.vocabulary import Channel, DisconnectReason, InitiationMethod

Kind = Literal["text", "moment", "duration", "integer"]


class Field(NamedTuple):
    """A field of a contact. words: the only ones that it may have."""

    kind: Kind
    doc: str
    words: tuple[str, ...] = ()


FIELDS: Mapping[str, Field] = {
    "channel": Field("text", "left out: VOICE", get_args(Channel)),
    "initiation_method": Field("text", "left out: INBOUND", get_args(InitiationMethod)),
    "outcome": Field(
        "text",
        "answered: it must have connected_to_agent_at; abandoned: whatever the log says of an agent"
        " is not taken; left out: as connected_to_agent_at says",
        ("answered", "abandoned"),
    ),
    "queue": Field("text", "name of the queue"),
    "agent": Field("text", "user name of the agent"),
    "initiated_at": Field("moment", "when it began; must be there"),
    "connected_to_system_at": Field("moment", "left out: initiated_at"),
    "enqueued_at": Field("moment", "when it came into the queue"),
    "dequeued_at": Field(
        "moment", "when it left the queue; left out: when it was answered, or ended"
    ),
    "connected_to_agent_at": Field("moment", "when it was answered"),
    "disconnected_at": Field("moment", "when it ended; must be there"),
    "hold_ms": Field("duration", "all time on hold"),
    "holds": Field("integer", "how often it was put on hold"),
    "after_contact_work_ms": Field("duration", "after contact work"),
    "priority": Field("integer", "rank in the queue, 1 is best; left out: 5"),
    "age_adjustment_ms": Field("duration", "by how much longer it counts as waiting"),
    "customer_number": Field("text", "the customer's phone number"),
    "system_number": Field("text", "the number that was called"),
    "name": Field("text", "of a task"),
    "disconnect_reason": Field(
        "text",
        "left out: CUSTOMER_DISCONNECT of who was in the queue and not answered, else OTHER",
        get_args(DisconnectReason),
    ),
}
"""What can be said of a contact."""

NEEDED = ("initiated_at", "disconnected_at")

Unit = Literal["ms", "s", "min", "h"]
UNITS: Mapping[str, int] = {"ms": 1, "s": SECOND, "min": MINUTE, "h": HOUR}
EPOCHS: Mapping[str, int] = {"epoch-s": SECOND, "epoch-ms": 1}
"""Formats of moments that are numbers, and milliseconds per unit."""


class File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows are found in a file."""

    delimiter: str = ","
    quote: str = '"'
    """Empty: there are no quotes."""
    encoding: str = "utf-8"
    header: bool = True
    """Whether the first line has the names of the columns."""
    columns: list[str] = []
    """Their names, where the file has no header."""
    zone: str = "UTC"
    """What its clocks showed; a name of the IANA database."""


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a value comes from."""

    constant: str | int | None = None
    column: str | None = None
    columns: list[str] = []
    """Several, whose texts are joined by blanks: a date and a time."""
    none: tuple[str, ...] = ("",)
    """If one of its columns has such a text, there is no value; without blanks around it."""
    values: dict[str, str] | None = None
    """Text of the log to what it means; a text that is not there is a mistake."""
    format: str = "iso"
    """Of a moment: iso, epoch-s, epoch-ms, or a pattern such as %Y-%m-%d %H:%M:%S."""
    unit: Unit = "s"
    """Of a duration."""
    after: str | None = None
    """Of a moment: the columns tell how long after this other field it was."""
    at_least: int | None = None
    """Of a number: what is less is this much."""
    when: dict[str, list[str]] = {}
    """Only in rows in which each of these columns has one of these texts."""
    unless: dict[str, list[str]] = {}
    """Not in rows in which one of these columns has one of these texts."""

    @property
    def read(self) -> list[str]:
        """The columns that have its value."""
        return [self.column] if self.column is not None else self.columns


Sources = Source | list[Source]


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file as it is written."""

    file: File = File()
    drop: dict[str, list[str]] = {}
    fields: dict[str, Sources]
    attributes: dict[str, Sources] = {}


class Plan(NamedTuple):
    """A mapping that has been checked."""

    file: File
    drop: Mapping[str, frozenset[str]]
    fields: Mapping[str, tuple[Source, ...]]
    """In an order in which each comes after what it counts from."""
    attributes: Mapping[str, tuple[Source, ...]]

    def columns(self) -> list[str]:
        """All that it reads, each once."""
        found = dict.fromkeys(self.drop)
        for sources in (*self.fields.values(), *self.attributes.values()):
            for source in sources:
                found.update(dict.fromkeys((*source.read, *source.when, *source.unless)))
        return list(found)


def plan(text: str, name: str) -> Plan:
    """A mapping file as a plan. name: of the file; raises Fault that names all that is wrong."""
    try:
        told = msgspec.convert(tomllib.loads(text), Document)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Fault(f"{name}: {error}") from error
    fields = {each: _listed(sources) for each, sources in told.fields.items()}
    attributes = {each: _listed(sources) for each, sources in told.attributes.items()}
    wrong = [*_wrong_file(told.file), *_wrong_fields(fields), *_wrong_attributes(attributes)]
    if wrong:
        raise Fault("".join(f"\n  {name}: {each}" for each in wrong).strip())
    return Plan(
        told.file,
        {column: frozenset(values) for column, values in told.drop.items()},
        {each: fields[each] for each in _ordered(fields)},
        attributes,
    )


def _listed(sources: Sources) -> tuple[Source, ...]:
    return (sources,) if isinstance(sources, Source) else tuple(sources)


def _wrong_file(file: File) -> Iterator[str]:
    if len(file.delimiter) != 1 or len(file.quote) > 1:
        yield "file: delimiter is one character, quote one or none"
    try:
        "".encode(file.encoding)
    except LookupError:
        yield f"file.encoding: {file.encoding!r} is no encoding that is known"
    if not zones.known(file.zone):
        yield f"file.zone: {file.zone!r} is no time zone of the IANA database"
    if file.header == bool(file.columns):
        yield "file.columns: are the names of the columns of a file that has no header"


def _wrong_fields(fields: Mapping[str, tuple[Source, ...]]) -> Iterator[str]:
    for name in NEEDED:
        if not fields.get(name):
            yield f"fields.{name}: is left out; every contact has one"
    for name, sources in fields.items():
        field = FIELDS.get(name)
        if field is None:
            yield f"fields.{name}: is no field; there are {', '.join(FIELDS)}"
            continue
        for source in sources:
            yield from (f"fields.{name}: {rule}" for rule in _wrong_source(source, field))
            if source.after is not None and source.after not in fields:
                yield f"fields.{name}: after {source.after!r}, which is no field of this mapping"
    if not _ordered(fields):
        yield "fields: moments count from each other in a circle"


def _wrong_attributes(attributes: Mapping[str, tuple[Source, ...]]) -> Iterator[str]:
    for name, sources in attributes.items():
        for source in sources:
            yield from (
                f"attributes.{name}: {rule}"
                for rule in _wrong_source(source, Field("text", "an attribute"))
            )


def _wrong_source(source: Source, field: Field) -> Iterator[str]:
    if sum((source.constant is not None, source.column is not None, bool(source.columns))) != 1:
        yield "needs one of constant, column and columns"
    if source.after is not None and (field.kind != "moment" or source.after not in MOMENTS):
        yield "after is of moments, and names a moment"
    if source.format not in {"iso", *EPOCHS} and "%" not in source.format:
        yield f"format {source.format!r} is none of iso, {', '.join(EPOCHS)}, nor a pattern"
    if source.constant is not None and field.kind == "moment" and source.after is None:
        yield "is another moment in each row, and no constant"
    told = [*(source.values or {}).values(), *([source.constant] if source.constant else ())]
    for value in told:
        if field.words and value not in field.words:
            yield f"{value!r} is none of {', '.join(field.words)}"


def _ordered(fields: Mapping[str, tuple[Source, ...]]) -> list[str]:
    """The fields, each after those that it counts from; empty if there is no such order."""
    found: list[str] = []
    left = dict(fields)
    while left:
        ready = [
            name
            for name, sources in left.items()
            if all(each.after is None or each.after not in left for each in sources)
        ]
        if not ready:
            return []
        found += ready
        left = {name: sources for name, sources in left.items() if name not in ready}
    return found
