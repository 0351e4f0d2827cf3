"""Rules: what a published flow must be.

language holds PUBLISHED content to these. What Amazon Connect is known to answer is answered word
for word (`Action is missing required error. Error: QueueAtCapacity, Path: Actions[3]`); the rest
is worded alike and says where and why. What each type allows stands in catalog.

Sources: behaviour specification, sections 6.1, 6.2, 6.4 and 6.7; Amazon Connect API reference,
CreateContactFlow.
"""

import re
from collections.abc import Iterator
from typing import Any

from ringfloor.base.limits import FLOW_ACTIONS_MAX, FLOW_IDENTIFIER_CHARS_MAX
from ringfloor.flow import catalog
from ringfloor.flow.catalog import OPERATORS, Row
from ringfloor.flow.document import Action, Level, Problems

VERSION = "2019-10-30"

_FORBIDDEN = re.compile(r"[%:(\\/)=$,;\[\]{}]")
_RESERVED = frozenset(
    {
        "__proto__",
        "constructor",
        "__defineGetter__",
        "__defineSetter__",
        "toString",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "valueOf",
    }
)


def check_document(
    document: dict[str, Any], actions: list[tuple[str, Action]], problems: Problems
) -> None:
    if document.get("Version") != VERSION:
        problems.add(Level.RULE, f"Invalid property value. Path: Version. It must be {VERSION}")
    if len(actions) > FLOW_ACTIONS_MAX:
        problems.add(
            Level.RULE, f"Content has {len(actions)} actions; at most {FLOW_ACTIONS_MAX} fit"
        )
    seen: set[str] = set()
    for place, action in actions:
        identifier = action.identifier
        if identifier in seen:
            problems.add(
                Level.RUNS,
                f"Duplicate Action identifier. Identifier: {identifier}, Path: {place}.Identifier",
            )
        seen.add(identifier)
        if (
            not 1 <= len(identifier) <= FLOW_IDENTIFIER_CHARS_MAX
            or identifier in _RESERVED
            or _FORBIDDEN.search(identifier)
        ):
            problems.value(Level.RULE, f"{place}.Identifier")
    start = document.get("StartAction")
    if not isinstance(start, str) or start not in seen:
        problems.add(
            Level.RUNS, "Invalid property value. Path: StartAction. It must name one of Actions"
        )
    for place, action in actions:
        for where, target in _targets(action, f"{place}.Transitions"):
            if target not in seen:
                problems.value(Level.RUNS, where)


def _targets(action: Action, place: str) -> Iterator[tuple[str, str]]:
    if action.next is not None:
        yield f"{place}.NextAction", action.next
    for number, (_, target) in enumerate(action.errors):
        yield f"{place}.Errors[{number}].NextAction", target
    for number, condition in enumerate(action.conditions):
        yield f"{place}.Conditions[{number}].NextAction", condition.next


def check_action(place: str, action: Action, flow_type: str, problems: Problems) -> None:
    row = catalog.row_of(action.type, action.parameters)
    if row is None:
        problems.add(Level.RUNS, f"Invalid Action type. Type: {action.type}, Path: {place}.Type")
        return
    if not catalog.stands_in(row, flow_type):
        problems.add(
            Level.RULE,
            f"Invalid Action type. Type: {action.type}, Path: {place}.Type. "
            f"It is not available in a flow of type {flow_type}",
        )
    _check_parameters(f"{place}.Parameters", action.parameters, row, problems)
    if row.follows == "none":
        if action.next is not None or action.errors or action.conditions:
            problems.add(Level.RULE, f"Action does not support transitions. Path: {place}")
        return
    if row.follows == "required" and action.next is None:
        problems.missing(Level.RULE, f"{place}.Transitions.NextAction")
    _check_errors(place, action, row, problems)
    _check_conditions(place, action, row, problems)


def _check_parameters(place: str, parameters: dict[str, Any], row: Row, problems: Problems) -> None:
    rules = {**row.takes, **row.needs}
    for name, given in parameters.items():
        if name not in rules:
            if not row.open:
                problems.add(Level.RULE, f"Invalid Action property name. Path: {place}.{name}")
        elif not rules[name](given):
            problems.value(Level.RULE, f"{place}.{name}")
    for name in row.needs:
        if name not in parameters:
            problems.missing(Level.RULE, f"{place}.{name}")
    _check_choice(place, row.one_of, parameters, needed=True, problems=problems)
    _check_choice(place, row.at_most_one, parameters, needed=False, problems=problems)
    for where in _empty(place, parameters):
        problems.value(Level.RULE, where)


def _check_choice(
    place: str,
    names: tuple[str, ...],
    parameters: dict[str, Any],
    *,
    needed: bool,
    problems: Problems,
) -> None:
    given = [name for name in names if name in parameters]
    if len(given) > 1:
        problems.add(
            Level.RULE,
            "Only one of these properties may be defined. "
            f"Properties: [{', '.join(given)}], Path: {place}",
        )
    elif names and needed and not given:
        listed = ", ".join(f"Parameters.{name}" for name in names)
        problems.add(
            Level.RULE,
            "At least one of the following properties must be set. "
            f"Properties: [{listed}], Path: {place}",
        )


def _empty(place: str, parameters: dict[str, Any]) -> Iterator[str]:
    """Where an empty text stands as a parameter or directly inside one: the service refuses it.

    Deeper down the console itself writes it, in the data of views.
    """
    for name, given in parameters.items():
        if given == "":
            yield f"{place}.{name}"
        elif isinstance(given, dict):
            yield from (f"{place}.{name}.{member}" for member in given if given[member] == "")


def _check_errors(place: str, action: Action, row: Row, problems: Problems) -> None:
    given = [error for error, _ in action.errors]
    for error in row.errors:
        if error not in given:
            problems.add(
                Level.RULE, f"Action is missing required error. Error: {error}, Path: {place}"
            )
    if not row.open:
        for error in given:
            if error not in row.errors and error not in row.may_fail:
                problems.add(Level.RULE, f"Invalid Action error. Error: {error}, Path: {place}")


def _check_conditions(place: str, action: Action, row: Row, problems: Problems) -> None:
    if not row.operators:
        if action.conditions and not row.open:
            problems.add(Level.RULE, f"Action does not support conditions. Path: {place}")
        return
    where = f"{place}.Transitions.Conditions"
    for number, condition in enumerate(action.conditions):
        if condition.operator in OPERATORS - row.operators:
            problems.value(Level.RULE, f"{where}[{number}].Condition.Operator")
        if condition.operand and not row.operands(condition.operand):
            problems.value(Level.RULE, f"{where}[{number}].Condition.Operands")
    if not row.outcomes <= {condition.operand for condition in action.conditions}:
        problems.value(Level.RULE, where)
