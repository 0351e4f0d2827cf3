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

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.limits import FLOW_ACTIONS_PER_TURN_MAX
from ringfloor.domain.dialogue import Ask, End, Failed, Heard, Session
from ringfloor.flow.blocks import (
    BLOCKS,
    NOT_EXECUTABLE,
    Outcome,
    Scene,
    View,
    lambda_event,
)
from ringfloor.flow.catalog import NO_MATCHING_CONDITION, NO_MATCHING_ERROR
from ringfloor.flow.document import Action, Flow

__all__ = ["Step", "View", "begin", "lambda_event", "step"]


class Step(Struct, frozen=True):
    """Where the contact stands now, and what the flow asks there."""

    session: Session
    ask: Ask


def begin(flow_id: str) -> Session:
    """A session before the start action of a flow."""
    return Session(flow_id=flow_id)


def step(flow: Flow, session: Session, heard: Heard | None, view: View) -> Step:
    """On to the next ask. heard answers the ask of the current action; None asks it (again)."""
    if session.action is None:
        return _walk(flow, session, flow.start, view)
    if heard is None:
        return _walk(flow, session, session.action, view)
    action = flow.actions.get(session.action)
    if action is None:
        return Step(session, End("dead_end"))
    if isinstance(heard, Failed):
        outcome = Outcome(error=heard.error)
    else:
        block = BLOCKS.get(action.type, NOT_EXECUTABLE)
        outcome = block.hear(Scene(action, session, view), heard)
    if outcome.over:
        return Step(session, End("finished"))
    return _walk(flow, outcome.session or session, successor(action, outcome), view)


def _walk(flow: Flow, session: Session, target: str | None, view: View) -> Step:
    """From the target through actions that need nobody, to the first ask."""
    for _ in range(FLOW_ACTIONS_PER_TURN_MAX):
        action = None if target is None else flow.actions.get(target)
        if action is None:
            return Step(session, End("dead_end"))
        session = replace(session, action=action.identifier)
        asked = BLOCKS.get(action.type, NOT_EXECUTABLE).ask(Scene(action, session, view))
        if not isinstance(asked, Outcome):
            return Step(session, asked)
        session = asked.session or session
        target = successor(action, asked)
    return Step(session, End("too_many_actions"))


# Where an action leads


def successor(action: Action, outcome: Outcome) -> str | None:
    """The identifier of the next action; None: the flow has nowhere to go.

    An error takes its own branch, else that of NoMatchingError. A result takes the first condition
    that holds, else the branch of NoMatchingCondition, else NextAction.
    """
    if outcome.error == NO_MATCHING_CONDITION:
        return _branch(action, NO_MATCHING_CONDITION) or action.next
    if outcome.error is not None:
        return _branch(action, outcome.error) or _branch(action, NO_MATCHING_ERROR)
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
        if not _NUMBER.fullmatch(result) or not _NUMBER.fullmatch(operand):
            return False
        return test(Decimal(result), Decimal(operand))

    return compare


OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "Equals": lambda result, operand: result == operand,
    "TextStartsWith": str.startswith,
    "TextEndsWith": str.endswith,
    "TextContains": str.__contains__,
    "NumberGreaterThan": _numbers(lambda result, operand: result > operand),
    "NumberGreaterOrEqualTo": _numbers(lambda result, operand: result >= operand),
    "NumberLessThan": _numbers(lambda result, operand: result < operand),
    "NumberLessOrEqualTo": _numbers(lambda result, operand: result <= operand),
}
"""How a result is held against an operand; text is compared exactly, case and all."""
