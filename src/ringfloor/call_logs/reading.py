"""Reading: the log of another contact center as contacts, by a plan made of a mapping file.

read(log, plan, digest) yields, row by row, a LoggedContact, a Problem (each with its line, column,
value and rule) or a Dropped. Pure but for the file handle that it is given; called by the command
that imports and by whoever replays a log. Rules:

- Columns are found by their names; a file that lacks one has that problem, and no other.
- Ids are made of the digest of the file and the number of the row, so the same file always tells of
  the same contacts, whatever its name and however it is mapped.
- Who is abandoned has nothing of an agent, whatever the log says there.
- A moment that clocks show twice is the first of the two; one that they leap over is a problem.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from ringfloor.base import zones
from ringfloor.base.ids import derive
from ringfloor.base.time import Instant, from_seconds
from ringfloor.call_logs.mapping import EPOCHS, FIELDS, NEEDED, UNITS, File, Plan, Source
from ringfloor.domain.logged import LoggedContact, wrongs

DIGEST_BYTES = 16


class Problem(NamedTuple):
    """Why a row, or the file, cannot be read."""

    line: int
    column: str
    value: str
    rule: str


class Dropped(NamedTuple):
    """A row that is no contact, as the mapping says."""

    line: int


class _Wrong(Exception):
    """A cell breaks a rule."""

    def __init__(self, column: str, value: str, rule: str) -> None:
        super().__init__(rule)
        self.column, self.value, self.rule = column, value, rule


Read = LoggedContact | Problem | Dropped
Row = Mapping[str, str]

AGENTS = ("agent", "connected_to_agent_at", "hold_ms", "holds", "after_contact_work_ms")
"""What there is only of contacts that were answered."""


def read(log: BinaryIO, plan: Plan, digest: bytes) -> Iterator[Read]:
    """What the rows of a log tell. digest: of the whole file, DIGEST_BYTES."""
    text = io.TextIOWrapper(log, plan.file.encoding, newline="")
    rows = _rows(text, plan.file)
    try:
        names = plan.file.columns if not plan.file.header else next(rows, [])
        missing = [each for each in plan.columns() if each not in names]
        if missing or len(set(names)) != len(names):
            twice = [each for each in names if names.count(each) > 1]
            rule = "is not among the columns" if missing else "is the name of two columns"
            yield Problem(rows.line_num, (missing or twice)[0], ", ".join(names), rule)
            return
        for number, cells in enumerate(rows):
            yield from _row(names, cells, plan, rows.line_num, derive(digest, number))
    except (csv.Error, UnicodeDecodeError) as error:
        yield Problem(rows.line_num + 1, "", "", f"cannot be read as the mapping says: {error}")
    finally:
        text.detach()


def _rows(text: io.TextIOWrapper, file: File) -> "Any":  # noqa: ANN401  csv's reader has no name
    if not file.quote:
        return csv.reader(text, delimiter=file.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(text, delimiter=file.delimiter, quotechar=file.quote, strict=True)


def _row(
    names: list[str], cells: list[str], plan: Plan, line: int, identifier: str
) -> Iterator[Read]:
    if not cells:
        return  # an empty line
    if len(cells) != len(names):
        rule = f"has {len(cells)} cells, and there are {len(names)} columns"
        yield Problem(line, "", plan.file.delimiter.join(cells), rule)
        return
    row = dict(zip(names, map(str.strip, cells), strict=True))
    if any(row[column] in values for column, values in plan.drop.items()):
        yield Dropped(line)
        return
    told: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, sources in plan.fields.items():
        reader = partial(_VALUES[FIELDS[name].kind], told=told, zone=plan.file.zone)
        try:
            told[name] = _value(row, sources, reader)
            _check_word(row, sources, name, told[name])
        except _Wrong as wrong:
            problems.append(Problem(line, wrong.column, wrong.value, wrong.rule))
    attributes = {}
    for name, sources in plan.attributes.items():
        try:
            value = _value(row, sources, partial(_text, told=told, zone=plan.file.zone))
        except _Wrong as wrong:
            problems.append(Problem(line, wrong.column, wrong.value, wrong.rule))
        else:
            if value is not None:
                attributes[name] = value
    yield from problems or _contact(identifier, told, attributes, plan, row, line)


def _contact(
    identifier: str,
    told: dict[str, Any],
    attributes: dict[str, str],
    plan: Plan,
    row: Row,
    line: int,
) -> Iterator[Read]:
    """The contact, unless something in it cannot be true."""

    def problem(member: str, rule: str) -> Problem:
        columns = _columns(row, plan.fields.get(member, ()))
        value = " ".join(row[each] for each in columns)
        return Problem(line, " + ".join(columns) or member, value, f"{member} {rule}")

    members = {name: value for name, value in told.items() if value is not None}
    outcome = members.pop("outcome", None)
    if outcome == "abandoned":
        members = {name: value for name, value in members.items() if name not in AGENTS}
    missing = [name for name in NEEDED if name not in members]
    if outcome == "answered" and "connected_to_agent_at" not in members:
        missing.append("connected_to_agent_at")
    if missing:
        yield from (problem(name, "has no value") for name in missing)
        return
    members.setdefault("connected_to_system_at", members["initiated_at"])
    if "enqueued_at" in members and "dequeued_at" not in members:
        over_at = members["disconnected_at"]
        members["dequeued_at"] = members.get("connected_to_agent_at", over_at)
    contact = LoggedContact(id=identifier, attributes=attributes, **members)
    problems = [problem(wrong.member, wrong.rule) for wrong in wrongs(contact)]
    yield from problems
    if not problems:
        yield contact


def _columns(row: Row, sources: tuple[Source, ...]) -> list[str]:
    """The columns that a field has been read from."""
    source = next((each for each in sources if _applies(row, each)), None)
    return [] if source is None else source.read


# Values

Reader = Callable[..., Any]

_CLOCK = re.compile(r"(?:([0-9]{1,9}):)?([0-9]{1,9}):([0-9]{1,2}(?:\.[0-9]{1,9})?)", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)


def _applies(row: Row, source: Source) -> bool:
    """Whether a source has a value in this row."""
    for column, texts in source.when.items():
        if row[column] not in texts:
            return False
    for column, texts in source.unless.items():
        if row[column] in texts:
            return False
    return not any(row[column] in source.none for column in source.read)


def _value(row: Row, sources: tuple[Source, ...], reader: Reader) -> Any:  # noqa: ANN401  of any kind
    """The value of the first source that has one; raises _Wrong."""
    for source in sources:
        if not _applies(row, source):
            continue
        if source.constant is not None:
            text = str(source.constant)
        else:
            text = " ".join(row[column] for column in source.read)
        if source.values is not None:
            if text not in source.values:
                raise _wrong(source, text, "has no meaning in the mapping's values")
            text = source.values[text]
        try:
            value = reader(text, source)
        except (ValueError, OverflowError) as error:
            raise _wrong(source, text, str(error)) from error
        if value is not None:
            return value
    return None


def _wrong(source: Source, text: str, rule: str) -> _Wrong:
    return _Wrong(" + ".join(source.read), text, rule)


def _text(text: str, _source: Source, *, told: Mapping[str, Any], zone: str) -> str:
    del told, zone
    return text


def _integer(text: str, source: Source, *, told: Mapping[str, Any], zone: str) -> int:
    del told, zone
    return _at_least(round(_number(text)), source)


def _duration(text: str, source: Source, *, told: Mapping[str, Any], zone: str) -> int:
    """1:02:03 and 62:03 are durations, too; else a number in the source's unit."""
    del told, zone
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return _at_least(from_seconds((hours * 60 + minutes) * 60 + seconds), source)
    return _at_least(round(_number(text) * UNITS[source.unit]), source)


def _moment(text: str, source: Source, *, told: Mapping[str, Any], zone: str) -> Instant | None:
    if source.after is not None:
        since = told.get(source.after)
        return None if since is None else since + _duration(text, source, told=told, zone=zone)
    if source.format in EPOCHS:
        return round(_number(text) * EPOCHS[source.format])
    try:
        if source.format == "iso":
            found = datetime.fromisoformat(text)
        else:
            found = datetime.strptime(text, source.format)  # noqa: DTZ007  the zone comes below
    except ValueError as error:
        raise ValueError(f"is no moment of the form {source.format}") from error
    if found.tzinfo is not None:
        return (found - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    at = zones.instant(found, zone)
    if at is None:
        raise ValueError(f"is a moment that the clocks of {zone} have leapt over")
    return at


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("is no number")
    return float(text)


def _at_least(number: int, source: Source) -> int:
    return number if source.at_least is None else max(number, source.at_least)


def _check_word(row: Row, sources: tuple[Source, ...], name: str, value: object) -> None:
    words = FIELDS[name].words
    if words and value is not None and value not in words:
        columns = " + ".join(_columns(row, sources))
        raise _Wrong(columns, str(value), f"{name} is none of {', '.join(words)}")


_VALUES: Mapping[str, Reader] = {
    "text": _text,
    "integer": _integer,
    "duration": _duration,
    "moment": _moment,
}
