"""Meeting: which agents meet the expressions of routing steps that somebody has asked about.

projections.realtime owns one and tells it whenever an agent counts otherwise; it answers how the
agents who meet an expression count, by routing profile and status.

Costs. Who is not asked costs nothing. The first question about an expression looks at the agents
who have one of the values that it names, or whom it names; one that only excludes, at all agents.
Whoever must not hold others up has it prepared: METRIC_AGENTS_AT_ONCE of them are looked at a time,
and what happens meanwhile counts, too. From then on it is kept: a question costs a look-up, and an
agent's event as many steps as he meets expressions that are kept. METRIC_EXPRESSIONS_KEPT_MAX are;
the one asked about longest ago goes.

It follows from the facts alone, so no snapshot has it, and a restart forgets it. Asking changes
what is kept and never what is answered.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from ringfloor.base.limits import METRIC_AGENTS_AT_ONCE, METRIC_EXPRESSIONS_KEPT_MAX
from ringfloor.domain.criteria import ANYBODY, Meaning, Term, compiled, satisfied, terms
from ringfloor.projections.counters import (
    AgentFacts,
    Card,
    Counters,
    Facts,
    Groups,
    count_card,
    groups_of,
    merge,
)

NOTHING: Mapping[str, None] = {}


class _Left(NamedTuple):
    """Who is still to be looked at."""

    agents: list[str]
    verdicts: dict[object, bool]
    """Of what the others can do."""


class Meeting:
    """The expressions that are kept, and who meets them."""

    __slots__ = ("_groups", "_left", "_meaning", "_meets", "_named")

    def __init__(self) -> None:
        self._groups: dict[str, Groups] = {}
        """By expression; the one asked about longest ago first."""
        self._meaning: dict[str, Meaning] = {}
        self._meets: dict[str, dict[str, None]] = {}
        """Agent id to the expressions that he meets; who meets none is not in it."""
        self._named: dict[Term, dict[str, None]] = {}
        """Term to the expressions whose agents are found by it."""
        self._left: dict[str, _Left] = {}
        """By expression that is being prepared: who has not been looked at."""

    def groups(self, expression: str, facts: Facts, counters: Counters) -> Groups:
        """How the agents who meet the expression count."""
        self._come_first(expression, facts, counters)
        if expression in self._left:
            self._look(expression, facts, counters, None)
        return self._groups[expression]

    def prepare(self, expression: str, facts: Facts, counters: Counters) -> bool:
        """Look at some agents more; whether the expression's groups can be told at once now."""
        self._come_first(expression, facts, counters)
        if expression in self._left:
            self._look(expression, facts, counters, METRIC_AGENTS_AT_ONCE)
        return expression not in self._left

    def kept(self) -> Iterator[tuple[str, Groups]]:
        """The expressions that are kept, but for those that are being prepared."""
        for expression, groups in self._groups.items():
            if expression not in self._left:
                yield expression, groups

    def recounted(self, agent_id: str, before: Card | None, now: Card | None) -> None:
        """The agent counts otherwise; what he can do is as it was."""
        for expression in self._meets.get(agent_id, NOTHING):
            count_card(self._groups[expression], before, now)

    def learned(self, agent_id: str, agent: AgentFacts | None, one: Card) -> None:
        """The agent, who counts like this, can do something else; None: he is gone."""
        for expression in self._meets.pop(agent_id, NOTHING):
            count_card(self._groups[expression], one, None)
        if agent is None:
            return
        skills = agent.skills()
        for term in (ANYBODY, (agent_id,), *skills):
            for expression in self._named.get(term, NOTHING):
                meets = self._meets.get(agent_id, NOTHING)
                if expression not in meets and satisfied(
                    self._meaning[expression], agent_id, skills
                ):
                    self._meet(agent_id, expression)
                    count_card(self._groups[expression], None, one)

    def _meet(self, agent_id: str, expression: str) -> None:
        self._meets.setdefault(agent_id, {})[expression] = None

    def _come_first(self, expression: str, facts: Facts, counters: Counters) -> None:
        """It has just been asked about."""
        if expression in self._groups:
            self._groups[expression] = self._groups.pop(expression)
        else:
            self._begin(expression, facts, counters)

    def _begin(self, expression: str, facts: Facts, counters: Counters) -> None:
        if len(self._groups) >= METRIC_EXPRESSIONS_KEPT_MAX:
            self._forget(next(iter(self._groups)))
        meaning = self._meaning[expression] = compiled(expression)
        candidates: set[str] = set()
        for term in terms(meaning):
            self._named.setdefault(term, {})[expression] = None
            candidates.update(_found_by(term, facts, counters))
        self._groups[expression] = {}
        self._left[expression] = _Left(list(candidates), {})

    def _look(self, expression: str, facts: Facts, counters: Counters, at_most: int | None) -> None:
        """Look at candidates, at so many or at all who are left, as they are now."""
        left = self._left[expression]
        rest = 0 if at_most is None else max(len(left.agents) - at_most, 0)
        looked = [
            agent_id
            for agent_id in left.agents[rest:]
            if agent_id in facts.agents and expression not in self._meets.get(agent_id, NOTHING)
        ]
        del left.agents[rest:]
        if not left.agents:
            del self._left[expression]
        who = _who_meets(self._meaning[expression], looked, facts, left.verdicts)
        for agent_id in who:
            self._meet(agent_id, expression)
        merge(self._groups[expression], groups_of(counters.cards[agent_id] for agent_id in who))

    def _forget(self, expression: str) -> None:
        del self._groups[expression]
        self._left.pop(expression, None)
        for agent_id, meets in list(self._meets.items()):
            if meets.pop(expression, 0) is None and not meets:
                del self._meets[agent_id]
        for term in terms(self._meaning.pop(expression)):
            named = self._named[term]
            del named[expression]
            if not named:
                del self._named[term]


def _found_by(term: Term, facts: Facts, counters: Counters) -> Collection[str]:
    """The agents who have a term."""
    if term == ANYBODY:
        return facts.agents
    if len(term) == 1:
        return [each for each in term if each in facts.agents]
    return counters.skilled.get((term[0], term[1]), ())


def _who_meets(
    meaning: Meaning, candidates: list[str], facts: Facts, verdicts: dict[object, bool]
) -> list[str]:
    """Those of the candidates who do; of agents who can do the same only one is looked at.

    verdicts: of those who have been looked at.
    """
    by_name = any(condition.agents for part in meaning for condition in part)
    who = []
    for agent_id in candidates:
        agent = facts.agents[agent_id]
        alike: object = (agent_id, agent.levels) if by_name else agent.levels
        verdict = verdicts.get(alike)
        if verdict is None:
            verdict = verdicts[alike] = satisfied(meaning, agent_id, agent.skills())
        if verdict:
            who.append(agent_id)
    return who
