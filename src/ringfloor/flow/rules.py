"""Rules: what a published flow must be.

language holds PUBLISHED content to these. What Amazon Connect is known to answer is answered word
for word (`Action is missing required error. Error: QueueAtCapacity, Path: Actions[3]`); the rest
is worded alike. Behind that stands what to write instead: which values do, the nearest name that
is known, where the type may stand. What each type allows stands in catalog.

Sources: behaviour specification, sections 6.1, 6.2, 6.4 and 6.7; Amazon Connect API reference,
CreateContactFlow.
"""

import re
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from ringfloor.base.errors import shown
from ringfloor.base.limits import FLOW_ACTIONS_MAX, FLOW_IDENTIFIER_CHARS_MAX
from ringfloor.flow import catalog
from ringfloor.flow.catalog import OPERATORS, Row
from ringfloor.flow.document import Action, Level, Problems, did_you_mean
from ringfloor.flow.values import listed

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
        problems.add(Level.RULE, "Invalid property value. Path: Version", f"It must be {VERSION}")
    if len(actions) > FLOW_ACTIONS_MAX:
        problems.add(
            Level.RULE, f"Content has {len(actions)} actions; at most {FLOW_ACTIONS_MAX} fit"
        )
    seen: dict[str, None] = {}  # in their order
    for place, action in actions:
        identifier = action.identifier
        if identifier in seen:
            problems.add(
                Level.RUNS,
                f"Duplicate Action identifier. Identifier: {identifier}, Path: {place}.Identifier",
                "Every action needs its own",
            )
        seen[identifier] = None
        if (
            not 1 <= len(identifier) <= FLOW_IDENTIFIER_CHARS_MAX
            or identifier in _RESERVED
            or _FORBIDDEN.search(identifier)
        ):
            problems.value(Level.RULE, f"{place}.Identifier", _IDENTIFIER)
    start = document.get("StartAction")
    if not isinstance(start, str) or start not in seen:
        problems.add(
            Level.RUNS,
            "Invalid property value. Path: StartAction",
            lambda: _sentences("It must name one of Actions", did_you_mean(start, seen)),
        )
    for place, action in actions:
        for where, target in _targets(action, f"{place}.Transitions"):
            if target not in seen:
                problems.value(Level.RUNS, where, _lost(target, seen))


_IDENTIFIER = (
    f"It must have 1 to {FLOW_IDENTIFIER_CHARS_MAX} characters, none of % : ( \\ / ) = $ , ;"
    " [ ] { }, and be no name that JavaScript reserves, such as constructor"
)


def _lost(target: str, known: Collection[str]) -> Callable[[], str]:
    """What to write instead of a target that is no action."""

    def hint() -> str:
        found = f"No action has the Identifier {shown(target)}" if target else "It leads nowhere"
        return _sentences(found, did_you_mean(target, known))

    return hint


def _sentences(*given: str) -> str:
    return ". ".join(filter(None, given))


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
        problems.add(
            Level.RUNS,
            f"Invalid Action type. Type: {action.type}, Path: {place}.Type",
            lambda: did_you_mean(action.type, catalog.CATALOG),
        )
        return
    if not catalog.stands_in(row, flow_type):
        problems.add(
            Level.RULE,
            f"Invalid Action type. Type: {action.type}, Path: {place}.Type. "
            f"It is not available in a flow of type {flow_type}, "
            f"but in {listed(sorted(row.flow_types), 'and')}",
        )
    _check_parameters(f"{place}.Parameters", action.parameters, row, problems)
    if row.follows == "none":
        if action.next is not None or action.errors or action.conditions:
            problems.add(
                Level.RULE,
                f"Action does not support transitions. Path: {place}",
                "Transitions must be {}",
            )
        return
    if row.follows == "required" and action.next is None:
        problems.missing(
            Level.RULE,
            f"{place}.Transitions.NextAction",
            "It must be the Identifier of the action that follows",
        )
    _check_errors(place, action, row, problems)
    _check_conditions(place, action, row, problems)


def _check_parameters(place: str, parameters: dict[str, Any], row: Row, problems: Problems) -> None:
    rules = {**row.takes, **row.needs}
    for name, given in parameters.items():
        if name not in rules:
            if not row.open:
                problems.add(
                    Level.RULE,
                    f"Invalid Action property name. Path: {place}.{name}",
                    partial(_unknown, name, rules, "Known are", "This action takes no parameters"),
                )
        elif not rules[name](given):
            problems.value(Level.RULE, f"{place}.{name}", f"It must be {rules[name].expects}")
    for name in row.needs:
        if name not in parameters:
            problems.missing(Level.RULE, f"{place}.{name}", f"It must be {rules[name].expects}")
    _check_choice(place, row.one_of, parameters, needed=True, problems=problems)
    _check_choice(place, row.at_most_one, parameters, needed=False, problems=problems)
    for where in _empty(place, parameters):
        problems.value(Level.RULE, where, "It must not be empty; leave it out instead")


def _unknown(name: str, known: Collection[str], listing: str, nothing: str) -> str:
    """What to write instead of a name that is not one of these."""
    if not known:
        return nothing
    return did_you_mean(name, known) or f"{listing} {listed(sorted(known), 'and')}"


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
            "Keep one of them",
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
                Level.RULE,
                f"Action is missing required error. Error: {error}, Path: {place}",
                f'Transitions.Errors needs {{"ErrorType": "{error}", "NextAction": ...}}',
            )
    if not row.open:
        for error in given:
            if error not in row.errors and error not in row.may_fail:
                problems.add(
                    Level.RULE,
                    f"Invalid Action error. Error: {error}, Path: {place}",
                    partial(
                        _unknown,
                        error,
                        row.errors + row.may_fail,
                        "It fails with",
                        "This action has no errors",
                    ),
                )


def _check_conditions(place: str, action: Action, row: Row, problems: Problems) -> None:
    if not row.operators:
        if action.conditions and not row.open:
            problems.add(
                Level.RULE,
                f"Action does not support conditions. Path: {place}",
                "It has no result; a Compare after it can ask for a value",
            )
        return
    where = f"{place}.Transitions.Conditions"
    for number, condition in enumerate(action.conditions):
        if condition.operator in OPERATORS - row.operators:
            operators = f"It must be {listed(sorted(row.operators))}"
            problems.value(Level.RULE, f"{where}[{number}].Condition.Operator", operators)
        if condition.operand and not row.operands(condition.operand):
            operands = f"It must be a list of one entry: {row.operands.expects}"
            problems.value(Level.RULE, f"{where}[{number}].Condition.Operands", operands)
    lacking = row.outcomes - {condition.operand for condition in action.conditions}
    if lacking:
        needed = f"It needs a condition Equals {listed(sorted(lacking), 'and one Equals')}"
        problems.value(Level.RULE, where, needed)
