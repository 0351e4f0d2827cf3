"""Demand: the expressions that contacts seek agents by, and the free agents who meet each.

For each expression there is a pool per routing profile and channel, as there is for those contacts
that anybody may take; an agent stands in those pools whose expression he meets while he stands in
the plain ones. engine.routing keeps it; nothing else writes here.

    learn     what an agent can do, from his proficiencies
    want      one more contact has the expression among its steps; unwant: one less
    stand     the agent is free for these pools; step_out: he is not

Costs. An agent who stands or steps out: the expressions that name one of his values or himself, or
that exclude only; of each there are ROUTING_EXPRESSIONS_PER_TERM_MAX at most, which crowded() tells
before a contact is given criteria. An expression that was not known: the free agents with one of
the values that it names (that only excludes: all free agents), once; its pools are kept for the
next contact until ROUTING_EXPRESSIONS_IDLE_MAX others have been left since. An expression that only
names agents looks at those, and is forgotten with its last contact.
"""

from collections.abc import Iterable, Iterator, Mapping

from sortedcontainers import SortedList

from ringfloor.base.limits import ROUTING_EXPRESSIONS_IDLE_MAX, ROUTING_EXPRESSIONS_PER_TERM_MAX
from ringfloor.base.time import Instant
from ringfloor.domain.criteria import ANYBODY, Meaning, Skill, Term, compiled, satisfied, terms
from ringfloor.domain.vocabulary import Channel

PoolKey = tuple[str, Channel]
"""Routing profile and channel."""

Idle = tuple[Instant, int, str]
"""(idle since, turn, agent id): sorted, the longest available agent comes first."""

Standing = tuple[Idle, tuple[PoolKey, ...]]
"""A free agent's entry in the pools, and the pools it stands in."""

NO_SKILLS: Mapping[Skill, float] = {}
NO_EXPRESSIONS: Mapping[str, None] = {}


class Sought:
    """One expression: what it means, how many contacts have it, who is free and meets it."""

    __slots__ = ("contacts", "meaning", "pools")

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self.contacts = 0
        self.pools: dict[PoolKey, SortedList[Idle]] = {}

    def add(self, standing: Standing) -> None:
        idle, keys = standing
        for key in keys:
            self.pools.setdefault(key, SortedList()).add(idle)

    def remove(self, standing: Standing) -> None:
        idle, keys = standing
        for key in keys:
            pool = self.pools[key]
            pool.remove(idle)
            if not pool:
                del self.pools[key]


class Demand:
    """All expressions of one center."""

    __slots__ = ("_idle", "_named", "_skilled", "_stands", "skills", "sought")

    def __init__(self) -> None:
        self.sought: dict[str, Sought] = {}
        """By expression; those of nobody (contacts = 0) are kept for the next contact."""
        self.skills: dict[str, dict[Skill, float]] = {}
        """Agent id to his levels; agents without proficiencies are not in it."""
        self._skilled: dict[Skill, dict[str, None]] = {}
        self._named: dict[Term, dict[str, None]] = {}
        """Term to the expressions whose agents are found by it."""
        self._stands: dict[str, dict[str, None]] = {}
        """Agent id to the expressions in whose pools he stands."""
        self._idle: dict[str, None] = {}
        """Expressions of nobody, the one left first foremost."""

    # Agents

    def learn(self, agent_id: str, skills: dict[Skill, float]) -> None:
        """What the agent can do from now on; he must stand anew."""
        for skill in self.skills.pop(agent_id, NO_SKILLS):
            having = self._skilled[skill]
            del having[agent_id]
            if not having:
                del self._skilled[skill]
        if skills:
            self.skills[agent_id] = skills
        for skill in skills:
            self._skilled.setdefault(skill, {})[agent_id] = None

    def stand(self, agent_id: str, standing: Standing) -> None:
        """The agent, who stands nowhere, is free."""
        if not self.sought:
            return
        skills = self.skills.get(agent_id, NO_SKILLS)
        met: dict[str, None] = {}
        for term in (ANYBODY, (agent_id,), *skills):
            for expression in self._named.get(term, NO_EXPRESSIONS):
                if expression not in met:
                    sought = self.sought[expression]
                    if satisfied(sought.meaning, agent_id, skills):
                        sought.add(standing)
                        met[expression] = None
        if met:
            self._stands[agent_id] = met

    def step_out(self, agent_id: str, standing: Standing) -> None:
        """The agent is not free any more; standing: as he stood."""
        for expression in self._stands.pop(agent_id, NO_EXPRESSIONS):
            self.sought[expression].remove(standing)

    def met_by(self, agent_id: str) -> Mapping[str, None]:
        """The expressions in whose pools the agent stands."""
        return self._stands.get(agent_id, NO_EXPRESSIONS)

    # Contacts

    def crowded(self, expressions: Iterable[str]) -> str | None:
        """An expression that would be one too many; None: there is room for all."""
        new: dict[Term, set[str]] = {}
        for expression in expressions:
            known = self.sought.get(expression)
            if known is not None and known.contacts:
                continue
            for term in terms(compiled(expression)):
                added = new.setdefault(term, set())
                added.add(expression)
                others = sum(
                    self.sought[each].contacts > 0
                    for each in self._named.get(term, NO_EXPRESSIONS)
                    if each not in added
                )
                if others + len(added) > ROUTING_EXPRESSIONS_PER_TERM_MAX:
                    return expression
        return None

    def want(self, expression: str, free: Mapping[str, Standing]) -> None:
        """One more contact has it. free: all free agents, by id."""
        sought = self.sought.get(expression)
        if sought is None:
            sought = self._begin(expression, free)
        elif not sought.contacts:
            del self._idle[expression]
        sought.contacts += 1

    def unwant(self, expression: str) -> None:
        """One contact less has it."""
        sought = self.sought[expression]
        sought.contacts -= 1
        if sought.contacts:
            return
        if all(len(term) == 1 for term in terms(sought.meaning)):
            self._forget(expression)
            return
        self._idle[expression] = None
        if len(self._idle) > ROUTING_EXPRESSIONS_IDLE_MAX:
            self._forget(next(iter(self._idle)))

    def pool(self, expression: str, key: PoolKey) -> "SortedList[Idle] | None":
        """The free agents of a routing profile and channel who meet the expression."""
        return self.sought[expression].pools.get(key)

    def _begin(self, expression: str, free: Mapping[str, Standing]) -> Sought:
        meaning = compiled(expression)
        sought = self.sought[expression] = Sought(meaning)
        candidates: dict[str, None] = {}
        for term in terms(meaning):
            self._named.setdefault(term, {})[expression] = None
            candidates.update(dict.fromkeys(self._found_by(term, free)))
        pools: dict[PoolKey, list[Idle]] = {}
        for agent_id in candidates:
            if satisfied(meaning, agent_id, self.skills.get(agent_id, NO_SKILLS)):
                idle, keys = free[agent_id]
                self._stands.setdefault(agent_id, {})[expression] = None
                for key in keys:
                    pools.setdefault(key, []).append(idle)
        sought.pools = {key: SortedList(pool) for key, pool in pools.items()}
        return sought

    def _found_by(self, term: Term, free: Mapping[str, Standing]) -> Iterator[str]:
        if term == ANYBODY:
            yield from free
        elif len(term) == 1:
            yield from (each for each in term if each in free)
        else:
            having = self._skilled.get((term[0], term[1]), NO_EXPRESSIONS)
            fewer, others = (free, having) if len(free) < len(having) else (having, free)
            yield from (each for each in fewer if each in others)

    def _forget(self, expression: str) -> None:
        self._idle.pop(expression, None)
        sought = self.sought.pop(expression)
        for pool in sought.pools.values():
            for _, _, agent_id in pool:
                stands = self._stands.get(agent_id)
                if stands is not None:
                    stands.pop(expression, None)
                    if not stands:
                        del self._stands[agent_id]
        for term in terms(sought.meaning):
            named = self._named[term]
            del named[expression]
            if not named:
                del self._named[term]
