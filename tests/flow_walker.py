"""Flow walker: takes contacts through a flow by every way that an answer can open.

walk(flow, channel) tries, at each thing that a flow asks, all answers that make a difference: each
key, intent, choice and result that a condition is about, one that none is about, silence, and every
error that has a branch. Functions and bots are stubs that answer what the flow compares. Values
that come from outside, such as attributes, are varied one at a time.

A contact is followed on when something about it that the flow can tell is new where it stands; so
the walk is finite, and takes time in proportion to the flow.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, NamedTuple
from unittest.mock import patch

from ringfloor.base import codec
from ringfloor.domain import dialogue as say
from ringfloor.domain.dialogue import Ask, Heard, Session
from ringfloor.flow import interpreter, references
from ringfloor.flow.blocks import ERROR_BRANCH
from ringfloor.flow.document import Action, Condition, Flow
from ringfloor.flow.draw.boxes import branches as ways_out
from ringfloor.flow.interpreter import begin, step

Branch = tuple[str, str]
"""From one action to another, by their identifiers."""

ENDINGS = (
    say.End,
    say.Disconnect,
    say.EnterFlow,
    say.LeaveModule,
    say.TransferToQueue,
    say.DequeueAndTransfer,
    say.TransferToAgent,
    say.PlayLoop,
)
"""Asks that can be the last; a loop of prompts is, when nothing interrupts it."""

NOTHING_LIKE_IT = "~"


Place = tuple[str, str]
"""Where a contact stands: an action, and the kind of its ask."""


class Walked(NamedTuple):
    """What was seen. stuck: actions from which no end can be reached."""

    branches: set[Branch]
    endings: dict[str, set[str]]
    """How contacts ended, by name; at which actions."""
    stuck: set[str]


class _Contact(NamedTuple):
    """Who walks. ask: what the flow waits for."""

    session: Session
    ask: Ask
    view: dict[str, Any]


def walk(flow: Flow, channel: str) -> Walked:
    """All that can become of a contact of a channel in a flow."""
    with noted(flow) as branches:
        endings, stuck = _explored(flow, channel)
    return Walked(branches, endings, stuck)


def wanted(flow: Flow) -> set[Branch]:
    """The branches that a contact can come to."""
    found: set[Branch] = set()
    seen: set[str] = set()
    waiting = [flow.start]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        action = flow.actions[name]
        ways = ways_out(action, flow)
        if action.type in ERROR_BRANCH:  # it takes the branch of NoMatchingError alone
            ways = [way for way in ways if way[2] and way[0] == "Error"]
        targets = [target for _, target, _ in ways if target]
        found |= {(name, target) for target in targets}
        waiting += targets
    return found


@contextmanager
def noted(flow: Flow) -> Iterator[set[Branch]]:
    """The branches of a flow that are taken meanwhile, by whoever steps through it."""
    branches: set[Branch] = set()
    told = interpreter.successor

    def noting(action: Action, outcome: Any) -> str | None:
        target = told(action, outcome)
        if target in flow.actions and flow.actions.get(action.identifier) == action:
            branches.add((action.identifier, target))
        return target

    with patch.object(interpreter, "successor", noting):
        yield branches


def _explored(flow: Flow, channel: str) -> tuple[dict[str, set[str]], set[str]]:
    compared = list(compared_in(flow))
    endings: dict[str, set[str]] = {}
    known: dict[Place, set[bytes]] = {}
    before: dict[Place, set[Place]] = {}
    waiting: deque[tuple[Place, _Contact]] = deque()

    def met(session: Session, ask: Ask, view: dict[str, Any], source: Place | None) -> None:
        place = session.action or flow.start, type(ask).__name__
        before.setdefault(place, set()).update([source] if source is not None else [])
        seen = known.setdefault(place, set())
        fresh = set(traits(session, view, compared))
        if not fresh <= seen:
            seen |= fresh
            waiting.append((place, _Contact(session, ask, view)))

    for view in views(channel, compared):
        taken = step(flow, begin("f1"), None, view)
        met(taken.session, taken.ask, view, None)
    ended: set[Place] = set()
    while waiting:
        place, (session, ask, view) = waiting.popleft()
        if isinstance(ask, ENDINGS):
            name = f"End {ask.reason}" if isinstance(ask, say.End) else place[1]
            endings.setdefault(name, set()).add(place[0])
            ended.add(place)
        if isinstance(ask, say.End | say.Disconnect):
            continue
        after = view
        if isinstance(ask, say.SetAttributes):
            after = {**view, "Attributes": {**view["Attributes"], **ask.attributes}}
        for heard in _answers(flow.actions[place[0]], ask, compared):
            if isinstance(ask, ENDINGS) and isinstance(heard, say.Done):
                continue
            seen = view if isinstance(heard, say.Failed) else after
            taken = step(flow, session, heard, seen)
            met(taken.session, taken.ask, seen, place)
    reaching, new = set(ended), list(ended)
    while new:
        for source in before[new.pop()] - reaching:
            reaching.add(source)
            new.append(source)
    return endings, {action for action, _ in known.keys() - reaching}


def traits(
    session: Session, view: dict[str, Any], compared: list[tuple[str, Condition | None]]
) -> Iterator[bytes]:
    """What of a contact can still make a difference, one by one."""
    own = {
        "External": session.external,
        "FlowAttributes": session.flow_attributes,
        "Lex": session.lex,
        "Metrics": session.metrics,
        "StoredCustomerInput": session.stored_input,
        "Views": session.views,
        "Modules": {"Input": session.module_input, "Result": session.module_result},
    }
    decided = {path for path, condition in compared if condition is not None}
    yield b"there"
    yield from (codec.encode(loop) for loop in session.loops.items())
    for path in {path for path, _ in compared}:
        found = references.value(path, lambda name: own.get(name, view.get(name)))
        yield codec.encode([path, references.as_text(found) if path in decided else bool(found)])


# What the flow looks at


def compared_in(flow: Flow) -> Iterator[tuple[str, Condition | None]]:
    """Every reference in a flow, and with it each condition on it.

    A condition on an attribute is also one on what the attribute is set from.
    """
    sources: dict[str, set[str]] = {}
    for action in flow.actions.values():
        for path in _REFERENCE.findall(str(action.parameters)):
            yield path, None
        attributes = action.parameters.get("Attributes")
        for name, value in attributes.items() if isinstance(attributes, dict) else ():
            sources.setdefault(f"$.Attributes.{name}", set()).update(_REFERENCE.findall(str(value)))
    for action in flow.actions.values():
        if action.type == "Compare":
            path = str(action.parameters.get("ComparisonValue"))
            for each in (path, *sorted(sources.get(path, ()))):
                yield from ((each, condition) for condition in action.conditions)


_REFERENCE = re.compile(r"\$\.[A-Za-z](?:[\w-]|\.(?=\w)|\['[^']*'\]|\[[0-9]+\])*")


def _fitting(condition: Condition) -> str:
    """A value for which a condition holds."""
    if not condition.operator.startswith("Number"):
        return condition.operand
    off = {"NumberGreaterThan": 1, "NumberLessThan": -1}.get(condition.operator, 0)
    return str(int(condition.operand) + off)


def _filled(root: str, compared: list[tuple[str, Condition | None]]) -> Iterator[Any]:
    """Values of a root: all that the flow refers to in it; then each condition's value."""
    steps = {path: _steps(path) for path, _ in compared}
    whole: dict[str, Any] = {}
    for path, (first, *rest) in steps.items():
        if first == root and rest:
            _put(whole, steps[path][1:], "1")
    yield whole
    for path, condition in compared:
        first, *rest = steps[path]
        if condition is not None and first == root and rest:
            changed = deepcopy(whole)
            _put(changed, rest, _fitting(condition))
            yield changed


def _steps(path: str) -> list[str]:
    found = re.findall(r"\['([^']*)'\]|\.([\w-]+)|\[([0-9]+)\]", path[1:])
    return [next(filter(None, each)) for each in found] or [""]


def _put(record: dict[str, Any], steps: list[str], value: str) -> None:
    for name in steps[:-1]:
        inner = record.get(name)
        record[name] = inner if isinstance(inner, dict) else {}
        record = record[name]
    if not isinstance(record.get(steps[-1]), dict):
        record[steps[-1]] = value


_SESSION = {"External", "Lex", "Views", "FlowAttributes", "StoredCustomerInput", "Metrics"}


def views(channel: str, compared: list[tuple[str, Condition | None]]) -> Iterator[dict[str, Any]]:
    """What contacts can bring with them."""
    base = {
        "AwsRegion": "us-east-1",
        "ContactId": "c1",
        "Channel": channel,
        "Attributes": {},
        "CustomerEndpoint": {"Address": "+12065550100", "Type": "TELEPHONE_NUMBER"},
        "Queue": {"Name": "Sales", "ARN": "arn:aws:connect:queue"},
    }
    yield base
    roots = sorted({_steps(path)[0] for path, _ in compared} - _SESSION - {"Channel", "Modules"})
    for root in roots:
        for filled in _filled(root, compared):
            yield {**base, root: {**filled}}
    for path, condition in compared:
        if condition is not None and len(_steps(path)) == 1 and _steps(path)[0] in roots:
            yield {**base, _steps(path)[0]: _fitting(condition)}


# What it can hear


def _answers(
    action: Action, ask: Ask, compared: list[tuple[str, Condition | None]]
) -> Iterator[Heard]:
    results = [*map(_fitting, action.conditions), NOTHING_LIKE_IT]
    known = ANSWERS.get(type(ask))
    yield from known(ask, results, compared) if known is not None else (say.Done(),)
    yield from (say.Failed(error) for error, _ in action.errors)


Compared = list[tuple[str, Condition | None]]


def _digits(_ask: Ask, results: list[str], compared: Compared) -> Iterator[Heard]:
    stored = [
        _fitting(condition)
        for path, condition in compared
        if condition is not None and path == "$.StoredCustomerInput"
    ]
    for typed in [*results, *stored, "2065550100", "7"]:
        if set(typed) <= set("0123456789*#"):
            yield say.Digits(typed, "terminated")
    yield say.Digits("", "no_input")


def _spoken(_ask: Ask, results: list[str], _compared: Compared) -> Iterator[Heard]:
    yield from (say.Said(text) for text in (*results, "hello", ""))


def _replied(_ask: Ask, _results: list[str], compared: Compared) -> Iterator[Heard]:
    yield from (say.Answer(reply) for reply in _filled("External", compared))
    yield say.Answer({})


def _understood(_ask: Ask, results: list[str], compared: Compared) -> Iterator[Heard]:
    for lex in _filled("Lex", compared):
        yield from (say.Answer(_recognised(intent, lex)) for intent in results)


def _viewed(_ask: Ask, results: list[str], compared: Compared) -> Iterator[Heard]:
    for views in _filled("Views", compared):
        data = views.get("ViewResultData")
        yield from (say.ViewAnswer(chosen, data or {}) for chosen in results)


def _returned(_ask: Ask, results: list[str], _compared: Compared) -> Iterator[Heard]:
    yield from (say.Done(), *(say.Left(result) for result in results))


def _interrupted(ask: Ask, _results: list[str], _compared: Compared) -> Iterator[Heard]:
    if isinstance(ask, say.PlayLoop) and ask.interrupt_ms is not None:
        yield say.Result("MessagesInterrupted")


def _measured(_ask: Ask, _results: list[str], compared: Compared) -> Iterator[Heard]:
    yield from (say.Answer(metrics) for metrics in _filled("Metrics", compared))


def _result(_ask: Ask, results: list[str], _compared: Compared) -> Iterator[Heard]:
    yield from (say.Result(result) for result in results)


ANSWERS: dict[type[Ask], Callable[[Ask, list[str], Compared], Iterator[Heard]]] = {
    say.Gather: _digits,
    say.Receive: _spoken,
    say.Invoke: _replied,
    say.InvokeBot: _understood,
    say.ShowView: _viewed,
    say.EnterModule: _returned,
    say.PlayLoop: _interrupted,
    say.GetMetrics: _measured,
    **dict.fromkeys((say.CheckHours, say.CheckMetric, say.Draw, say.Wait, say.CheckCall), _result),
}
"""What an ask can be answered; any other is done, or fails."""


def _recognised(intent: str, lex: dict[str, Any]) -> dict[str, Any]:
    """The reply of a bot that has understood, in Lex V2's form."""
    slots = {
        name: {"value": {"interpretedValue": value}} for name, value in lex.get("Slots", {}).items()
    }
    return {
        "sessionState": {
            "dialogAction": {"type": "Close"},
            "intent": {"name": intent, "slots": slots, "state": "Fulfilled"},
            "sessionAttributes": lex.get("SessionAttributes", {}),
        },
        "interpretations": [{"intent": {"name": intent}, "nluConfidence": {"score": 0.9}}],
    }
