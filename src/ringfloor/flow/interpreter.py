"""Interpreter: takes a contact through a flow, one ask at a time.

The engine begins a session when a contact enters a flow, and steps it: each step answers the ask of
the current action, goes on through actions that need nobody, and comes back at the next ask. It
never waits, reads no clock and keeps nothing: what it knows is the flow, the session and the view.

    session = begin(flow_id)
    step(flow, session, None, view)          the first ask
    step(flow, session, heard, view)         what was heard answers the ask; the next ask
    step(flow, session, None, view)          again the ask of the current action

Rules. Every step ends in an ask. End is the last one: the flow is over; after it, and after an
EnterFlow or a TransferToQueue that was granted, the engine drops the session. Whatever is heard is
taken; what does not suit the ask is a failure of the action.

Sources: behaviour specification, sections 6.1 to 6.3; Amazon Connect API reference, Flow language,
Transitions.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.limits import FLOW_ACTIONS_PER_TURN_MAX
from ringfloor.domain.dialogue import Ask, End, Failed, Heard, Passed, Session
from ringfloor.flow import catalog
from ringfloor.flow.blocks import (
    BLOCKS,
    FAILURE,
    NOT_EXECUTABLE,
    SUCCESS,
    Outcome,
    Scene,
    View,
    bots,
    lambda_event,
    support,
)
from ringfloor.flow.catalog import NO_MATCHING_CONDITION, NO_MATCHING_ERROR
from ringfloor.flow.document import Action, Flow

__all__ = ["Step", "View", "begin", "lambda_event", "step"]


class Step(Struct, frozen=True):
    """Where the contact stands now, and what the flow asks there."""

    session: Session
    ask: Ask
    path: tuple[Passed, ...] = ()
    """The actions that it has left on the way."""
    action_type: str = ""
    """Of the action that asks."""


def begin(flow_id: str) -> Session:
    """A session before the start action of a flow."""
    return Session(flow_id=flow_id)


Look = Callable[[Scene], None]
"""Who wants to see each action that is come to, as it is given to its block."""


def step(
    flow: Flow, session: Session, heard: Heard | None, view: View, look: Look | None = None
) -> Step:
    """On to the next ask. heard answers the ask of the current action; None asks it (again)."""
    if session.action is None or heard is None:
        target = flow.start if session.action is None else session.action
        return _walk(flow, session, target, view, look)
    action = flow.actions.get(session.action)
    if action is None:
        return Step(session, End("dead_end"))
    outcome = outcome_of(Scene(action, session, view), heard)
    session = outcome.session or session
    if outcome.ask is not None:
        return Step(session, outcome.ask, (), action.type)
    left = _passed(action, outcome)
    if outcome.over:
        return Step(session, End("finished"), (left,))
    return _walk(flow, session, successor(action, outcome), view, look, left)


def outcome_of(scene: Scene, heard: Heard) -> Outcome:
    """What an action that has asked makes of what it hears."""
    if isinstance(heard, Failed):
        return Outcome(error=heard.error, session=bots.left(scene.session))
    return BLOCKS.get(scene.action.type, NOT_EXECUTABLE).hear(scene, heard)


def _walk(
    flow: Flow,
    session: Session,
    target: str | None,
    view: View,
    look: Look | None,
    *before: Passed,
) -> Step:
    """From the target through actions that need nobody, to the first ask. before: what was left."""
    path = list(before)
    work = 0
    while True:
        action = None if target is None else flow.actions.get(target)
        if action is None:
            return Step(session, End("dead_end"), tuple(path))
        work += action.weight
        if work > FLOW_ACTIONS_PER_TURN_MAX:
            return Step(session, End("too_many_actions"), tuple(path))
        session = replace(session, action=action.identifier)
        scene = Scene(action, session, view)
        if look is not None:
            look(scene)
        asked = _ask(scene)
        if not isinstance(asked, Outcome):
            return Step(session, asked, tuple(path), action.type)
        session = asked.session or session
        if asked.ask is not None:
            return Step(session, asked.ask, tuple(path), action.type)
        path.append(_passed(action, asked))
        target = successor(action, asked)


def _passed(action: Action, outcome: Outcome) -> Passed:
    """How the action was left, for the trace."""
    return Passed(action.identifier, action.type, outcome.error or outcome.result)


def _ask(scene: Scene) -> Ask | Outcome:
    """What the action asks, where the channel has such an action."""
    block = BLOCKS.get(scene.action.type, NOT_EXECUTABLE)
    match support(block, scene.channel):
        case "yes":
            return block.ask(scene)
        case "nothing":
            return SUCCESS
        case "error":
            return _misplaced(scene.action)


def _misplaced(action: Action) -> Outcome:
    """The failure of an action that its channel does not have: NoMatchingError, or what it has."""
    row = catalog.CATALOG.get(action.type)
    names = () if row is None else row.errors + row.may_fail
    if not names or NO_MATCHING_ERROR in names:
        return FAILURE
    return Outcome(error=names[-1])


# Where an action leads


def successor(action: Action, outcome: Outcome) -> str | None:
    """The identifier of the next action; None: the flow has nowhere to go.

    An error takes its own branch, else that of NoMatchingError; of an action that can have none,
    NextAction. A result takes the first condition that holds, else the branch of
    NoMatchingCondition, else NextAction.
    """
    if outcome.error == NO_MATCHING_CONDITION:
        return _branch(action, NO_MATCHING_CONDITION) or action.next
    if outcome.error is not None:
        branch = _branch(action, outcome.error) or _branch(action, NO_MATCHING_ERROR)
        return action.next if branch is None and catalog.cannot_fail(action.type) else branch
    if outcome.result is None:
        return action.next
    for condition in action.conditions:
        test = OPERATIONS.get(condition.operator)
        if test is not None and test(outcome.result, condition.operand):
            return condition.next
    return _branch(action, NO_MATCHING_CONDITION) or action.next


def _branch(action: Action, error: str) -> str | None:
    return next((target for name, target in action.errors if name == error), None)


_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def _numbers(test: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    """A comparison of numbers; false when either text is none."""

    def compare(result: str, operand: str) -> bool:
        left, right = _number(result), _number(operand)
        return left is not None and right is not None and test(left, right)

    return compare


@lru_cache(maxsize=64)
def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=64)
def _keys(result: str) -> frozenset[str]:
    """The keys of an object. Kept, because one result is held against many conditions."""
    try:
        found = msgspec.json.decode(result)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()


OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "Equals": lambda result, operand: result == operand,
    "TextStartsWith": str.startswith,
    "TextEndsWith": str.endswith,
    "TextContains": str.__contains__,
    "NumberGreaterThan": _numbers(lambda result, operand: result > operand),
    "NumberGreaterOrEqualTo": _numbers(lambda result, operand: result >= operand),
    "NumberLessThan": _numbers(lambda result, operand: result < operand),
    "NumberLessOrEqualTo": _numbers(lambda result, operand: result <= operand),
    "KeyExists": lambda result, operand: operand in _keys(result),
}
"""How a result is held against an operand; text is compared exactly, case and all."""
