"""Routing criteria: which agents a waiting contact may be offered to, one step after the other.

    steps_of(given)            the API's RoutingCriteria as steps; refuses what breaks a rule
    compiled(expression)       a step's expression in the form that satisfied and terms read
    satisfied(meaning, ...)    whether an agent meets it
    terms(meaning)             what to find the agents by that may meet it

A step is INACTIVE until its turn, ACTIVE while agents are sought who meet it, then EXPIRED, and the
next one is ACTIVE; JOINED when an agent has taken the contact. A step without a duration never
expires. After the last, any agent of the queue may have the contact. INTERRUPTED: other criteria
took its place; DEACTIVATED: the contact left the queue, but to no agent.

An expression is kept as text, the API's JSON with sorted keys and no blanks: equal texts are equal
expressions. Sources: behaviour specification, section 4.4; botocore's model; AWS's guides on
routing by agent proficiencies and on the flow block that sets routing criteria.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.errors import invalid_parameter
from ringfloor.base.limits import (
    ROUTING_AGENTS_MAX,
    ROUTING_CONJUNCTS_MAX,
    ROUTING_DISJUNCTS_MAX,
    ROUTING_EXPRESSIONS_COMPILED_MAX,
    ROUTING_STEP_SECONDS_MAX,
    ROUTING_STEPS_MAX,
)
from ringfloor.base.time import SECOND, Duration, Instant

StepStatus = Literal["INACTIVE", "ACTIVE", "EXPIRED", "JOINED", "DEACTIVATED", "INTERRUPTED"]


class Step(Struct, frozen=True, array_like=True):
    """One step of a contact's routing criteria."""

    expression: str
    """The API's Expression as JSON, keys sorted, no blanks."""
    duration_ms: Duration | None = None
    """How long it is active; None: until an agent is found."""
    status: StepStatus = "INACTIVE"
    expires_at: Instant | None = None


class Criteria(Struct, frozen=True, array_like=True):
    """One set of routing criteria of a contact."""

    steps: tuple[Step, ...]
    index: int = 0
    """How many sets the contact had before."""
    activated_at: Instant | None = None
    over: bool = False
    """Nobody is sought by them any more."""

    @property
    def active(self) -> Step | None:
        """The step whose agents are sought now."""
        return next((step for step in self.steps if step.status == "ACTIVE"), None)

    @property
    def needs(self) -> tuple[str, ...]:
        """The expressions by which agents are sought, or may yet be."""
        if self.over:
            return ()
        return tuple(
            step.expression for step in self.steps if step.status in ("INACTIVE", "ACTIVE")
        )


# The life of criteria


def activated(criteria: Criteria, at: Instant, *, first: bool = True) -> Criteria:
    """The contact is in queue. first: its first step is active; in agents' own queues none is."""
    steps = [replace(step, status="INACTIVE", expires_at=None) for step in criteria.steps]
    if first:
        steps[0] = _begun(steps[0], at)
    return replace(criteria, steps=tuple(steps), activated_at=at, over=False)


def moved_on(criteria: Criteria, at: Instant) -> Criteria:
    """The active step has expired and the next one, if there is one, is active."""
    steps = list(criteria.steps)
    number = next(place for place, step in enumerate(steps) if step.status == "ACTIVE")
    steps[number] = replace(steps[number], status="EXPIRED")
    if number + 1 < len(steps):
        steps[number + 1] = _begun(steps[number + 1], at)
    return replace(criteria, steps=tuple(steps))


def closed(criteria: Criteria, status: StepStatus) -> Criteria:
    """Nobody is sought any more; status: of the step that was active."""
    steps = tuple(
        replace(step, status=status) if step.status == "ACTIVE" else step for step in criteria.steps
    )
    return replace(criteria, steps=steps, over=True)


def _begun(step: Step, at: Instant) -> Step:
    until = None if step.duration_ms is None else at + step.duration_ms
    return replace(step, status="ACTIVE", expires_at=until)


def preferred_agents(sets: Sequence[Criteria]) -> tuple[str, ...]:
    """The agents whom a contact's sets of criteria have sought by name, each once."""
    found: dict[str, None] = {}
    for criteria in sets:
        for step in criteria.steps:
            for alternative in compiled(step.expression):
                for condition in alternative:
                    if condition.wanted:
                        found.update(dict.fromkeys(sorted(condition.agents)))
    return tuple(found)


# What the API, contact events and contact records show


def shown(criteria: Criteria, stamp: Callable[[Instant], Any]) -> dict[str, Any]:
    """Routing criteria in the API's form. stamp: how an instant is written."""
    told: dict[str, Any] = {
        "Steps": [_shown_step(step, stamp) for step in criteria.steps],
        "Index": criteria.index,
    }
    if criteria.activated_at is not None:
        told["ActivationTimestamp"] = stamp(criteria.activated_at)
    return told


def _shown_step(step: Step, stamp: Callable[[Instant], Any]) -> dict[str, Any]:
    told = {"Expression": json.loads(step.expression), "Status": step.status}
    if step.duration_ms is not None:
        told["Expiry"] = {"DurationInSeconds": step.duration_ms // SECOND}
        if step.expires_at is not None:
            told["Expiry"]["ExpiryTimestamp"] = stamp(step.expires_at)
    return told


# Reading what a request or a flow says

_MEMBERS = ("AttributeCondition", "NotAttributeCondition", "AndExpression", "OrExpression")
_OPERATORS = ("NumberGreaterOrEqualTo", "Match", "Range")
_LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)


def steps_of(given: Any) -> tuple[Step, ...]:  # noqa: ANN401  JSON
    """The steps of a RoutingCriteria; numbers may be written as text, as flows do.

    Refuses with InvalidParameterException what is no routing criteria. Whether attributes, values
    and agents exist is not asked: who names what nobody has waits for the step to expire.
    """
    steps = given.get("Steps") if isinstance(given, Mapping) else None
    if not isinstance(steps, list | tuple) or not 1 <= len(steps) <= ROUTING_STEPS_MAX:
        raise invalid_parameter("Steps", steps, f"must be 1 to {ROUTING_STEPS_MAX} routing steps")
    return tuple(_step(each) for each in steps)


def _step(given: Any) -> Step:  # noqa: ANN401  JSON
    if not isinstance(given, Mapping):
        raise invalid_parameter("Steps", given, "is no routing step")
    expression = _expression(given.get("Expression"), top=True)
    text = json.dumps(expression, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Step(text, _duration(given.get("Expiry")))


def _duration(expiry: Any) -> Duration | None:  # noqa: ANN401  JSON
    seconds = expiry.get("DurationInSeconds") if isinstance(expiry, Mapping) else expiry
    if seconds in (None, ""):
        return None
    number = _number(seconds)
    if number is None or not 1 <= number <= ROUTING_STEP_SECONDS_MAX or not number.is_integer():
        rule = f"must be 1 to {ROUTING_STEP_SECONDS_MAX} whole seconds"
        raise invalid_parameter("DurationInSeconds", seconds, rule)
    return int(number) * SECOND


def _expression(given: Any, *, top: bool) -> dict[str, Any]:  # noqa: ANN401  JSON
    """An Expression without members that were not given."""
    members = _given(given)
    if len(members) != 1 or next(iter(members)) not in _MEMBERS:
        raise invalid_parameter("Expression", given, f"needs one of {', '.join(_MEMBERS)}")
    [(name, value)] = members.items()
    if name.endswith("AttributeCondition"):
        return {name: _condition(value)}
    if name == "OrExpression" and not top:
        raise invalid_parameter(name, "...", "stands at the top of an expression only")
    most = ROUTING_DISJUNCTS_MAX if name == "OrExpression" else ROUTING_CONJUNCTS_MAX
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
        raise invalid_parameter(name, value, f"must be 1 to {most} expressions")
    inner = [_expression(each, top=False) for each in value]
    if name == "AndExpression" and any("AndExpression" in each for each in inner):
        raise invalid_parameter(name, "...", "takes attribute conditions only")
    return {name: inner}


def _condition(given: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    members = _given(given)
    operator = members.get("ComparisonOperator")
    if operator not in _OPERATORS:
        rule = f"must be one of {', '.join(_OPERATORS)}"
        raise invalid_parameter("ComparisonOperator", operator, rule)
    matched = _given(_given(members.get("MatchCriteria")).get("AgentsCriteria"))
    if operator == "Match" and matched:
        agents = matched.get("AgentIds")
        if not isinstance(agents, list | tuple) or not 1 <= len(agents) <= ROUTING_AGENTS_MAX:
            raise invalid_parameter("AgentIds", agents, f"must be 1 to {ROUTING_AGENTS_MAX} agents")
        ids = [str(each).rsplit("/", 1)[-1] for each in agents]
        return {
            "ComparisonOperator": operator,
            "MatchCriteria": {"AgentsCriteria": {"AgentIds": ids}},
        }
    for member in ("Name", "Value"):
        if not isinstance(members.get(member), str) or not members[member]:
            raise invalid_parameter(member, members.get(member), f"is needed for {operator}")
    condition = {name: members[name] for name in ("Name", "Value", "ComparisonOperator")}
    if operator != "Range":
        return {**condition, "ProficiencyLevel": _level(members, "ProficiencyLevel")}
    span = _given(members.get("Range"))
    low, high = _level(span, "MinProficiencyLevel"), _level(span, "MaxProficiencyLevel")
    if low > high:
        raise invalid_parameter("MinProficiencyLevel", low, f"is above MaxProficiencyLevel, {high}")
    return {**condition, "Range": {"MinProficiencyLevel": low, "MaxProficiencyLevel": high}}


def _given(value: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    members = value.items() if isinstance(value, Mapping) else ()
    return {name: member for name, member in members if member is not None}


def _level(members: Mapping[str, Any], name: str) -> float:
    level = _number(members.get(name))
    if level not in _LEVELS:
        raise invalid_parameter(name, members.get(name), "must be 1, 2, 3, 4 or 5")
    assert level is not None
    return level


def _number(value: Any) -> float | None:  # noqa: ANN401  JSON
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


# What an expression means

Skill = tuple[str, str]
"""Name and value of a predefined attribute."""

Term = tuple[str, ...]
"""What agents are found by: a Skill, (agent id,), or () for everybody."""

ANYBODY: Term = ()


class Condition(NamedTuple):
    """One requirement: of a level of a skill, or of being one of some agents."""

    skill: Skill
    low: float
    high: float
    agents: frozenset[str]
    wanted: bool
    """False: the others are wanted."""


Meaning = tuple[tuple[Condition, ...], ...]
"""Of these one must hold, with all its conditions."""


@lru_cache(maxsize=ROUTING_EXPRESSIONS_COMPILED_MAX)
def compiled(expression: str) -> Meaning:
    """What the text of an expression means."""
    top = json.loads(expression)
    parts = top.get("OrExpression") or [top]
    return tuple(
        tuple(_meant(each) for each in part.get("AndExpression") or [part]) for part in parts
    )


def _meant(expression: dict[str, Any]) -> Condition:
    [(name, given)] = expression.items()
    wanted = name == "AttributeCondition"
    if "MatchCriteria" in given:
        agents = frozenset(given["MatchCriteria"]["AgentsCriteria"]["AgentIds"])
        return Condition(("", ""), 0, 0, agents, wanted)
    span = given.get("Range") or {}
    level = given.get("ProficiencyLevel", 0)
    high = level if given["ComparisonOperator"] == "Match" else _LEVELS[-1]
    return Condition(
        (given["Name"], given["Value"]),
        span.get("MinProficiencyLevel", level),
        span.get("MaxProficiencyLevel", high),
        frozenset(),
        wanted,
    )


def satisfied(meaning: Meaning, agent_id: str, skills: Mapping[Skill, float]) -> bool:
    """Whether an agent with these levels meets the expression."""
    return any(all(_holds(each, agent_id, skills) for each in part) for part in meaning)


def _holds(condition: Condition, agent_id: str, skills: Mapping[Skill, float]) -> bool:
    if condition.agents:
        return (agent_id in condition.agents) == condition.wanted
    level = skills.get(condition.skill)
    met = level is not None and condition.low <= level <= condition.high
    return met == condition.wanted


def terms(meaning: Meaning) -> tuple[Term, ...]:
    """Terms of which an agent must have one to meet the expression, the fewest agents first."""
    found: dict[Term, None] = {}
    for part in meaning:
        found.update(dict.fromkeys(_terms(part)))
    return (ANYBODY,) if ANYBODY in found else tuple(found)


def _terms(part: tuple[Condition, ...]) -> Iterator[Term]:
    wanted = [each for each in part if each.wanted]
    named = next((each for each in wanted if each.agents), None)
    if named is not None:
        yield from ((agent,) for agent in sorted(named.agents))
    else:
        yield wanted[0].skill if wanted else ANYBODY
