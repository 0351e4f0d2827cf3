"""Document: a flow's content as text becomes actions, whatever state they are in.

language reads content with it, for SAVED and PUBLISHED alike. It asks only for the shape: JSON of
an allowed size, and actions that have an identifier and a type. What is wrong is collected as
Problems, so that one refusal can tell everything; rules adds what a published flow must be.

Sources: behaviour specification, sections 6.1 and 6.7; Amazon Connect API reference, Flow language.
"""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from enum import IntEnum
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    FLOW_ACTIONS_MAX,
    FLOW_ACTIONS_PER_TURN_MAX,
    FLOW_CONTENT_CHARS_MAX,
    FLOW_NESTING_MAX,
    FLOW_PROBLEMS_MAX,
    FLOW_WEIGHT_CHARS,
    FLOW_WEIGHT_REFERENCES,
)
from ringfloor.flow.catalog import OPERATORS
from ringfloor.flow.values import listed


class Condition(Struct, frozen=True):
    """Whether a result leads to next: `result operator operand`."""

    operator: str
    operand: str
    next: str


class Action(Struct, frozen=True):
    """One action: what it does, and where it goes after that."""

    identifier: str
    type: str
    parameters: dict[str, Any]
    next: str | None
    errors: tuple[tuple[str, str], ...]
    """(ErrorType, identifier of the next action), as written."""
    conditions: tuple[Condition, ...]
    weight: int = 1
    """How much work it is to do it once; an ordinary action is 1."""


class Flow(Struct, frozen=True):
    """A flow, ready to be stepped through."""

    start: str
    actions: dict[str, Action]


# Problems


class Level(IntEnum):
    """How much is asked of a content; each level includes those before it."""

    SHAPE = 0
    RUNS = 1
    RULE = 2


Hint = str | Callable[[], str]
"""What to write instead, or how to find out; asked for only when it is told."""


class Problems:
    """What is wrong with a content, as far as its strictness asks.

    A message begins as the service's does and ends with what to write instead.
    """

    def __init__(self, strictness: Level) -> None:
        self._strictness = strictness
        self._messages: list[str] = []

    def add(self, level: Level, message: str, hint: Hint = "") -> None:
        if level <= self._strictness and len(self._messages) < FLOW_PROBLEMS_MAX:
            instead = hint if isinstance(hint, str) else hint()
            self._messages.append(f"{message}. {instead}" if instead else message)

    def value(self, level: Level, place: str, hint: Hint = "") -> None:
        self.add(level, f"Invalid Action property value. Path: {place}", hint)

    def missing(self, level: Level, place: str, hint: Hint = "") -> None:
        self.add(level, f"Action is missing required property. Path: {place}", hint)

    def refuse(self) -> None:
        if self._messages:
            raise refusal(*self._messages)


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """A question for the nearest of the known names; "" when none is near."""
    if not isinstance(given, str) or len(given) > _NAME_CHARS_MAX:
        return ""
    names = {name.lower(): name for name in islice(known, FLOW_ACTIONS_MAX)}
    near = get_close_matches(given.lower(), names, n=1, cutoff=0.6)
    return f"Did you mean {names[near[0]]}?" if near else ""


_NAME_CHARS_MAX = 100
"""A longer name is no slip of the pen, and comparing it would take long."""


def refusal(*messages: str) -> Refusal:
    problems = [{"message": message} for message in messages]
    return Refusal("InvalidContactFlowException", None, problems=problems)


# Shape: text to actions


def decoded(content: str) -> dict[str, Any]:
    if len(content) > FLOW_CONTENT_CHARS_MAX:
        raise refusal(
            f"Content has {len(content)} characters; at most {FLOW_CONTENT_CHARS_MAX} are allowed"
        )
    try:
        document = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise refusal(f"Content is not JSON: {reason}") from None
    if not isinstance(document, dict):
        raise refusal("Content must be a JSON object with StartAction and Actions")
    if "modules" in document and "Actions" not in document:
        raise refusal(
            "Content is an export of the old flow editor (modules). Open the flow in the Amazon "
            "Connect console and save it, then take its content from DescribeContactFlow"
        )
    if depth(document) > FLOW_NESTING_MAX:
        raise refusal(f"Content is nested deeper than {FLOW_NESTING_MAX} levels")
    return document


def depth(document: Any) -> int:  # noqa: ANN401  any JSON value
    """How deeply a JSON value is nested; a scalar has depth 0. Stops above FLOW_NESTING_MAX."""
    layer = [document]
    for level in range(FLOW_NESTING_MAX + 1):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return level
    return FLOW_NESTING_MAX + 1


def read_actions(document: dict[str, Any], problems: Problems) -> list[tuple[str, Action]]:
    """The readable actions with their places."""
    given = document.get("Actions", [])
    if not isinstance(given, list):
        problems.add(Level.SHAPE, "Invalid property value. Path: Actions", "It must be a list")
        return []
    read = ((f"Actions[{number}]", raw) for number, raw in enumerate(given))
    return [
        (place, action)
        for place, raw in read
        if (action := _action(place, raw, problems)) is not None
    ]


def _action(place: str, raw: object, problems: Problems) -> Action | None:
    if not isinstance(raw, dict):
        problems.value(Level.SHAPE, place, "It must be an object with Identifier and Type")
        return None
    names = [raw.get("Identifier"), raw.get("Type")]
    for name, given in zip(("Identifier", "Type"), names, strict=True):
        if given is None:
            problems.missing(Level.SHAPE, f"{place}.{name}", "It must be a text")
        elif not isinstance(given, str):
            problems.value(Level.SHAPE, f"{place}.{name}", "It must be a text")
    identifier, type_ = names
    if not isinstance(identifier, str) or not isinstance(type_, str):
        return None
    transitions = _part(raw, "Transitions", dict, place, problems)
    parameters = _part(raw, "Parameters", dict, place, problems)
    place = f"{place}.Transitions"
    target, errors = _target(transitions, place, problems), _errors(transitions, place, problems)
    branches = tuple(errors), tuple(_conditions(transitions, place, problems))
    return Action(identifier, type_, parameters, target, *branches, _weight(parameters, branches))


def _weight(parameters: dict[str, Any], branches: tuple[tuple[Any, ...], ...]) -> int:
    """Texts are searched for references, each of which is followed; conditions are tried in turn.

    Whatever it is, it can be done once or twice, but not again and again without waiting for
    anybody.
    """
    written = msgspec.json.encode(parameters)
    tries = written.count(b"$.") + sum(map(len, branches))
    weight = 1 + tries // FLOW_WEIGHT_REFERENCES + len(written) // FLOW_WEIGHT_CHARS
    return min(weight, FLOW_ACTIONS_PER_TURN_MAX // 2)


def _part(raw: dict[str, Any], name: str, kind: type, place: str, problems: Problems) -> Any:  # noqa: ANN401  a dict or a list, as asked
    """A member that may be left out."""
    given = raw.get(name)
    if given is None:
        return kind()
    if not isinstance(given, kind):
        wanted = "a list" if kind is list else "an object"
        problems.value(Level.SHAPE, f"{place}.{name}", f"It must be {wanted}")
        return kind()
    return given


def _target(raw: dict[str, Any], place: str, problems: Problems) -> str | None:
    """NextAction; the console writes "" for a branch that leads nowhere yet."""
    given = raw.get("NextAction")
    if given is not None and not isinstance(given, str):
        problems.value(Level.SHAPE, f"{place}.NextAction", "It must be the Identifier of an action")
        return None
    return given or None


def _errors(
    transitions: dict[str, Any], place: str, problems: Problems
) -> Iterator[tuple[str, str]]:
    for number, raw in enumerate(_part(transitions, "Errors", list, place, problems)):
        where = f"{place}.Errors[{number}]"
        error = raw.get("ErrorType") if isinstance(raw, dict) else None
        if isinstance(raw, dict) and isinstance(error, str):
            yield error, _target(raw, where, problems) or ""
        else:
            problems.value(Level.SHAPE, where, "It must be an object with ErrorType and NextAction")


def _conditions(transitions: dict[str, Any], place: str, problems: Problems) -> Iterator[Condition]:
    for number, raw in enumerate(_part(transitions, "Conditions", list, place, problems)):
        where = f"{place}.Conditions[{number}]"
        test = raw.get("Condition") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(test, dict):
            problems.value(Level.SHAPE, where, "It must be an object with Condition and NextAction")
            continue
        operator = test.get("Operator")
        if not isinstance(operator, str) or operator not in OPERATORS:
            problems.value(Level.RUNS, f"{where}.Condition.Operator", _OPERATORS)
        operand = _operand(test.get("Operands"))
        if not operand:
            problems.value(Level.RUNS, f"{where}.Condition.Operands", _OPERANDS)
        target = _target(raw, where, problems)
        yield Condition(str(operator), operand or "", target or "")


_OPERATORS = f"It must be {listed(sorted(OPERATORS))}"
_OPERANDS = "It must be a list of one text that is not empty; nested conditions are not accepted"


def _operand(given: object) -> str | None:
    """The one operand as text. Nested conditions are in the reference; no service takes them."""
    if not isinstance(given, list) or len(given) != 1:
        return None
    operand = given[0]
    if isinstance(operand, bool | int | float):
        return msgspec.json.encode(operand).decode()
    return operand if isinstance(operand, str) else None
