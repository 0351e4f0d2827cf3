"""Faults: the slow walker that finds everything wrong with a value and words it.

Called by aws.model: for a request only after the compiled decoder has refused it, and for a result
in tests and with check=True. It reads the same shapes as the compiler, and a test holds the two to
the same verdict. Rules:

* A breach names field, value and rule. Values of shapes that the model calls sensitive are not
  repeated. Lists are worded as Amazon Connect words them: `X must include at most N items`.
* A breach of form (unparsable, wrong type, required member missing, no or two members in a union)
  outweighs a breach of rule (length, range, enum, size, pattern): the first decides the code.
* A list or map that is too long is not entered; the work is bounded by the model's own sizes.
"""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import msgspec

from ringfloor.aws.shapes import INT_RANGE, Shape
from ringfloor.base.errors import Refusal, shown
from ringfloor.base.limits import ENUM_VALUES_SHOWN_MAX, FAULTS_FOUND_MAX, FAULTS_SHOWN_MAX

_ISO_8601 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")

TOO_DEEP = "The request body is nested too deeply"

_NAMES: Mapping[str, str] = {
    "structure": "an object",
    "map": "an object",
    "list": "a list",
    "string": "a string",
    "boolean": "a boolean",
    "blob": "bytes in base64",
    "integer": "a whole number",
    "long": "a whole number",
    "float": "a number",
    "double": "a number",
    "timestamp": "a number of epoch seconds",
}


class Breach(NamedTuple):
    """One thing that is wrong."""

    text: str
    form: bool
    """True if the value cannot be read as what it should be, False if it breaks a rule."""


class Walker:
    """Walks values along shapes.

    closed: for results. A member that the model does not know is a breach, in requests it is not;
    an empty list or map is none, since clients expect `Tags: {}` where the model wants one tag.
    """

    def __init__(
        self, shapes: Mapping[str, Shape], patterns: Mapping[str, str], *, closed: bool = False
    ) -> None:
        self._shapes = shapes
        self._patterns = patterns
        self._closed = closed

    def breaches(self, name: str, value: object) -> list[Breach]:
        """Everything wrong with a value of the shape, at most FAULTS_FOUND_MAX."""
        return list(islice(self._walk(name, value, "", hidden=False), FAULTS_FOUND_MAX))

    def _walk(self, name: str, value: object, at: str, *, hidden: bool) -> Iterator[Breach]:
        shape = self._shapes[name]
        hidden = hidden or shape.sensitive
        match shape.type, value:
            case "structure", dict():
                yield from self._structure(shape, value, at, hidden=hidden)
            case "map", dict():
                yield from self._map(shape, value, at, hidden=hidden)
            case "list", list():
                yield from self._list(shape, value, at, hidden=hidden)
            case "string", str():
                yield from self._string(name, shape, value, at, hidden=hidden)
            case ("boolean", bool()) | ("blob", str()):
                pass
            case "timestamp", _ if shape.timestamp_format == "iso8601":
                if not isinstance(value, str) or not _ISO_8601.fullmatch(value):
                    yield _breach(at, value, "must be a time in ISO 8601", form=True, hidden=hidden)
            case "integer" | "long" | "float" | "double" | "timestamp", int() | float():
                yield from self._number(shape, value, at, hidden=hidden)
            case _:
                rule = f"must be {_NAMES[shape.type]}"
                yield _breach(at, value, rule, form=True, hidden=hidden)

    def _structure(
        self, shape: Shape, value: dict[object, object], at: str, *, hidden: bool
    ) -> Iterator[Breach]:
        for member in shape.required:
            if value.get(member) is None:
                yield Breach(f"{_joined(at, member)} is required", form=True)
        for member, ref in shape.members.items():
            if value.get(member) is not None:
                yield from self._walk(ref.shape, value[member], _joined(at, member), hidden=hidden)
        given = sum(value.get(member) is not None for member in shape.members)
        if shape.union and given != 1:
            yield Breach(f"{at} must have exactly one member, not {given}", form=True)
        if self._closed:
            for unknown in (name for name in value if name not in shape.members):
                yield Breach(f"{_joined(at, unknown)} is not in the model", form=True)

    def _map(
        self, shape: Shape, value: dict[object, object], at: str, *, hidden: bool
    ) -> Iterator[Breach]:
        assert shape.key is not None
        assert shape.value is not None
        yield from self._size(shape, len(value), at)
        if shape.max is not None and len(value) > shape.max:
            return
        for key, element in value.items():
            yield from self._walk(shape.key.shape, key, f"{at} key", hidden=hidden)
            yield from self._walk(shape.value.shape, element, f"{at}[{shown(key)}]", hidden=hidden)

    def _list(
        self, shape: Shape, value: list[object], at: str, *, hidden: bool
    ) -> Iterator[Breach]:
        assert shape.member is not None
        yield from self._size(shape, len(value), at)
        if shape.max is not None and len(value) > shape.max:
            return
        for index, element in enumerate(value):
            yield from self._walk(shape.member.shape, element, f"{at}[{index}]", hidden=hidden)

    def _size(self, shape: Shape, number: int, at: str) -> Iterator[Breach]:
        least, greatest = shape.size()
        if least is not None and number < least and (number or not self._closed):
            yield Breach(f"{at} must include at least {_counted(least, 'item')}", form=False)
        if greatest is not None and number > greatest:
            yield Breach(f"{at} must include at most {_counted(greatest, 'item')}", form=False)

    def _string(
        self, name: str, shape: Shape, value: str, at: str, *, hidden: bool
    ) -> Iterator[Breach]:
        if shape.enum:
            if value not in shape.enum:
                yield _breach(at, value, _one_of(shape.enum), form=False, hidden=hidden)
            return
        least, greatest = shape.size()
        pattern = self._patterns.get(name)
        if least is not None and len(value) < least:
            rule = f"must be at least {_counted(least, 'character')} long"
            yield _breach(at, value, rule, form=False, hidden=hidden)
        elif greatest is not None and len(value) > greatest:
            rule = f"must be at most {_counted(greatest, 'character')} long"
            yield _breach(at, value, rule, form=False, hidden=hidden)
        elif pattern is not None and not re.search(pattern, value):
            rule = f"must satisfy the regular expression {pattern}"
            yield _breach(at, value, rule, form=False, hidden=hidden)

    def _number(self, shape: Shape, value: float, at: str, *, hidden: bool) -> Iterator[Breach]:
        whole = shape.type in INT_RANGE
        if isinstance(value, bool) or (whole and not isinstance(value, int)):
            rule = f"must be {_NAMES[shape.type]}"
            yield _breach(at, value, rule, form=True, hidden=hidden)
            return
        if not whole and not _finite(value):
            yield _breach(at, value, "must be a finite number", form=True, hidden=hidden)
            return
        least, greatest = shape.range()
        if least is not None and value < least:
            yield _breach(at, value, f"must be at least {least}", form=False, hidden=hidden)
        if greatest is not None and value > greatest:
            yield _breach(at, value, f"must be at most {greatest}", form=False, hidden=hidden)


def refusal(breaches: list[Breach], unreadable: str, invalid: str) -> Refusal:
    """All breaches as one refusal; a breach of form anywhere decides for the first code."""
    code = unreadable if any(breach.form for breach in breaches) else invalid
    text = "; ".join(breach.text for breach in breaches[:FAULTS_SHOWN_MAX])
    more = len(breaches) - FAULTS_SHOWN_MAX
    return Refusal(code, f"{text}; and {more} more" if more > 0 else text)


def parsed(body: bytes) -> dict[str, object] | Breach:
    """The body as plain objects, or why it is not a JSON object."""
    try:
        value = msgspec.json.decode(body)
    except UnicodeDecodeError:
        return Breach("The request body is not UTF-8", form=True)
    except RecursionError:
        return Breach(TOO_DEEP, form=True)
    except msgspec.MsgspecError as error:
        return Breach(f"The request body is not JSON: {error}", form=True)
    if not isinstance(value, dict):
        return Breach("The request body must be a JSON object", form=True)
    return value


def _breach(at: str, value: object, rule: str, *, form: bool, hidden: bool) -> Breach:
    return Breach(f"{at} {rule}" if hidden else f"{at}: {shown(value)} {rule}", form)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the range of a double
        return False


def _joined(at: str, member: object) -> str:
    return f"{at}.{member}" if at else str(member)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _one_of(values: list[str]) -> str:
    listed = ", ".join(values[:ENUM_VALUES_SHOWN_MAX])
    if len(values) > ENUM_VALUES_SHOWN_MAX:
        return f"must be one of {len(values)} values: {listed}, ..."
    return f"must be one of {listed}"
