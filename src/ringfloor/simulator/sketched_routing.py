"""Sketched routing: who waits for whom, without a center: queues, ranks, skills, shifts, retries.

Called by simulator.sketch. It has no truth of its own: contact by contact it does what people
(simulator.people) and the engine (engine.routing, engine.connection, engine.agent) do together, and
tests hold it to that, to the millisecond and the agent. So it keeps their orders: what is due at
one instant happens in the order in which it was arranged, the engine's own deadlines first, by the
turns of their contacts; agents wait in the order in which they came to be free.

    contact   WAITING <--> RINGING --> TALKING --> OVER      agent   FREE, or as his contact is:
                 |            |                     ^                RINGING, TALKING, and then
                 +------------+----- gives up ------+                MISSED or WRITING
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any, NamedTuple

from msgspec import Struct

from ringfloor.base.limits import RING_MS, SIMULATED_OVERTIME_MS
from ringfloor.base.time import HALF_HOUR, SECOND, Duration, Instant
from ringfloor.domain.contact import PRIORITY_DEFAULT
from ringfloor.simulator.distributions import Distribution, Draws, Lengths
from ringfloor.simulator.population import AVAILABLE, OFFLINE, arrivals, presence
from ringfloor.simulator.scenario import Callers, Group, Profile, Retries, Scenario, Shift

NEVER: Instant = -1
"""What has not happened, and NOBODY who has not taken it."""
NOBODY = -1


class Played(NamedTuple):
    """What has happened. Columns tell of the contacts in the order in which they entered a queue.

    Callers, queues and agents are numbers: of the scenario's tables, of agents in their order.
    """

    callers: list[int]
    numbers: list[int]
    """Of the caller in his group, from 1."""
    attempts: list[int]
    queues: list[int]
    entered: list[Instant]
    left: list[Instant]
    """The queue: when the contact was joined to an agent or given up; or NEVER."""
    agents: list[int]
    """Who took it; or NOBODY."""
    ended: list[Instant]
    cleared: list[Instant]
    """When the work after it was done."""
    available: list[tuple[int, Instant, Instant]]
    """From when to when agents were Available."""
    turned_away: list[tuple[int, Instant]]
    """Who came to a full queue, and when."""
    until: Instant
    """When the last of it was over, at a full or half hour."""
    came: int
    """Attempts, also those that are repeated."""
    repeated: int
    still_there: int
    """Contacts that nobody has finished."""


class Place(NamedTuple):
    """An agent's among all."""

    group: int
    number: int


def places(scenario: Scenario) -> list[Place]:
    """All agents, in the order in which a center is built."""
    return [
        Place(at, number)
        for at, group in enumerate(scenario.groups.values())
        for number in range(1, group.count + 1)
    ]


def changes(scenario: Scenario) -> Iterator[tuple[int, Instant, str]]:
    """When which agent takes which status, in the order in which that is arranged."""
    known: dict[tuple[Shift, ...], list[tuple[Instant, str]]] = {}
    groups = list(scenario.groups.values())
    for agent, place in enumerate(places(scenario)):
        group = groups[place.group]
        if group.shifts not in known:
            known[group.shifts] = presence(scenario, group)
        for at, status in known[group.shifts]:
            yield agent, at, status


# The people

WAITING, RINGING, TALKING, OVER = range(4)
"""Where a contact is."""

FREE, MISSED, WRITING = 4, 5, 6
"""What else an agent may do: his contact rings at him, he talks, or one of these."""


class _Contact(Struct, eq=False):
    """One attempt of a caller. turn: among all that entered a queue."""

    crowd: "_Crowd"
    number: int
    attempt: int
    line: "_Line"
    rank: int
    turn: int
    entered: Instant
    left: Instant = NEVER
    ended: Instant = NEVER
    cleared: Instant = NEVER
    stage: int = WAITING
    agent: "_Agent | None" = None
    """At whom it rings, who talks with the customer."""
    taken_by: int = NOBODY
    waited: Duration = 0
    """How long it is known to have waited: delays up to this have passed."""


_Queued = tuple[int, int, _Contact]
"""Rank, turn, and who it is."""


class _Line:
    """A queue. Who has left it, or rings, is still in its heaps until he is first."""

    __slots__ = ("delays", "most", "number", "order", "pools", "ripe", "waiting")

    def __init__(self, number: int, most: int | None) -> None:
        self.number, self.most = number, most
        self.order: list[_Queued] = []
        self.delays: list[Duration] = []
        """Of the routing profiles that serve it, without zero; in order."""
        self.ripe: dict[Duration, list[_Queued]] = {}
        self.pools: list[tuple[_Pool, Duration]] = []
        """The free agents of each routing profile that serves it, and its delay."""
        self.waiting = 0
        """Who counts: also who rings."""

    def first(self, delay: Duration) -> _Queued | None:
        """The first in line who has waited so long."""
        heap = self.ripe[delay] if delay else self.order
        while heap:
            if heap[0][2].stage == WAITING:
                return heap[0]
            heappop(heap)
        return None


class _Pool:
    """The free agents of a routing profile; who is first has been free longest.

    Nobody comes to be free before somebody who is, so it is in order by itself. Who has gone is in
    it until he is first.
    """

    __slots__ = ("order", "rows")

    def __init__(self) -> None:
        self.order: deque[tuple[int, _Agent]] = deque()
        self.rows: list[list[tuple[_Line, Duration]]] = []
        """The queues that it serves with their delays, by priority."""

    def first(self) -> tuple[int, "_Agent"] | None:
        """The agent who has been free longest, behind his turn."""
        order = self.order
        while order:
            if order[0][1].turn == order[0][0]:
                return order[0]
            order.popleft()
        return None


class _Crowd(Struct, eq=False):
    """Callers who are alike. name: for chance."""

    number: int
    name: str
    callers: Callers
    line: _Line
    rank: int
    coming: Iterator[Instant]
    patience: dict[int, Lengths] = {}
    """By attempt."""
    works: dict[int, tuple[Lengths, Lengths]] = {}
    """Talk and the work after it, by group of agents."""


class _Agent(Struct, eq=False):
    """An agent among all. crowd: for chance."""

    number: int
    place: Place
    crowd: str
    group: Group
    takes_all: bool
    pool: _Pool
    is_: int = FREE
    contact: _Contact | None = None
    status: str = OFFLINE
    next_status: str | None = None
    since: Instant = NEVER
    """Of the status."""
    turn: int = 0
    """By which he came to be free; 0: he is not."""
    offers: int = 0


# The floor


class Floor:
    """All of it, as it happens."""

    def __init__(self, scenario: Scenario, draws: Draws | None = None) -> None:
        draws = draws or Draws(scenario.seed)
        self.scenario = scenario
        self.chance = draws.chance
        self._lengths = draws.lengths
        self.now = scenario.start
        self._turn = 0
        self._agenda: list[tuple[Instant, int, Callable[..., None], tuple[Any, ...]]] = []
        self._deadlines: list[tuple[Instant, int, Duration, _Contact]] = []
        """When it has rung long enough (no length), or a delay is over; and the contact's turn."""
        self._contacts: list[_Contact] = []
        self._available: list[tuple[int, Instant, Instant]] = []
        self._turned_away: list[tuple[int, Instant]] = []
        self._came = self._repeated = self._there = 0
        self._lines = {
            name: _Line(number, queue.max_contacts)
            for number, (name, queue) in enumerate(scenario.queues.items())
        }
        pools = {name: _pool(profile, self._lines) for name, profile in scenario.profiles.items()}
        self._crowds = [
            self._crowd(number, name, callers)
            for number, (name, callers) in enumerate(scenario.callers.items())
        ]
        groups = list(scenario.groups.items())
        self._agents = []
        for number, place in enumerate(places(scenario)):
            group_name, group = groups[place.group]
            self._agents.append(
                _Agent(
                    number,
                    place,
                    f"agents/{group_name}",
                    group,
                    group.takes_all,
                    pools[group.profile],
                )
            )

    def _crowd(self, number: int, name: str, callers: Callers) -> _Crowd:
        return _Crowd(
            number,
            f"callers/{name}",
            callers,
            self._lines[callers.queue or ""],
            PRIORITY_DEFAULT if callers.priority is None else callers.priority,
            arrivals(self.scenario, name, callers, self.chance),
        )

    def play(self) -> Played:
        """From the start until nobody is left, or has been there for too long."""
        for agent, at, status in changes(self.scenario):
            self._at(at, self._take_status, self._agents[agent], status)
        for crowd in self._crowds:
            self._next(crowd, 1)
        until = self.scenario.end
        self._run(until)
        while self._there and until < self.scenario.end + SIMULATED_OVERTIME_MS:
            until += HALF_HOUR
            self._run(until)
        return self._played(until)

    def _run(self, until: Instant) -> None:
        agenda, deadlines = self._agenda, self._deadlines
        while True:
            if (
                deadlines
                and deadlines[0][0] < until
                and (not agenda or deadlines[0][0] <= agenda[0][0])
            ):
                self.now, _, delay, contact = heappop(deadlines)
                if delay:
                    self._ripens(contact, delay)
                else:
                    self._rings_out(contact)
            elif agenda and agenda[0][0] < until:
                self.now, _, deed, about = heappop(agenda)
                deed(*about)
            else:
                break

    def _played(self, until: Instant) -> Played:
        contacts = self._contacts
        return Played(
            callers=[each.crowd.number for each in contacts],
            numbers=[each.number for each in contacts],
            attempts=[each.attempt for each in contacts],
            queues=[each.line.number for each in contacts],
            entered=[each.entered for each in contacts],
            left=[each.left for each in contacts],
            agents=[each.taken_by for each in contacts],
            ended=[each.ended for each in contacts],
            cleared=[each.cleared for each in contacts],
            available=self._available
            + [
                (each.number, each.since, until)
                for each in self._agents
                if each.status == AVAILABLE and each.since < until
            ],
            turned_away=self._turned_away,
            until=until,
            came=self._came,
            repeated=self._repeated,
            still_there=self._there,
        )

    def _at(self, when: Instant, deed: Callable[..., None], *about: object) -> None:
        self._turn += 1
        heappush(self._agenda, (when, self._turn, deed, about))

    # Callers

    def _next(self, crowd: _Crowd, number: int) -> None:
        at = next(crowd.coming, None)
        if at is not None:
            self._at(at, self._arrives, crowd, number)

    def _arrives(self, crowd: _Crowd, number: int) -> None:
        self._calls(crowd, number, 1)
        self._next(crowd, number + 1)

    def _calls(self, crowd: _Crowd, number: int, attempt: int) -> None:
        self._came += 1
        line, now = crowd.line, self.now
        if line.most is not None and line.waiting >= line.most:
            self._turned_away.append((line.number, now))
            return
        turn = len(self._contacts) + 1
        contact = _Contact(crowd, number, attempt, line, crowd.rank, turn, now)
        self._contacts.append(contact)
        line.waiting += 1
        self._there += 1
        agent = self._agent_for(contact)
        patience = crowd.callers.patience
        if patience is not None and (agent is None or not agent.takes_all):
            if attempt not in crowd.patience:
                lengths = self._lengths(crowd.name, "patience", attempt, patience)
                crowd.patience[attempt] = lengths
            self._at(now + crowd.patience[attempt](number), self._loses_patience, contact)
        if agent is None:
            self._stands(contact)
        else:
            self._offer(contact, agent)

    def _loses_patience(self, contact: _Contact) -> None:
        if contact.stage > RINGING:
            return
        if contact.stage == RINGING:
            self._misses(contact)
        contact.stage = OVER
        contact.left = contact.ended = self.now
        contact.line.waiting -= 1
        self._there -= 1
        retries = contact.crowd.callers.retries
        if retries is not None and contact.attempt <= retries.at_most:
            self._may_call_again(contact, contact.crowd, retries)

    def _may_call_again(self, contact: _Contact, crowd: _Crowd, retries: Retries) -> None:
        number, attempt = contact.number, contact.attempt
        if self.chance.uniform(f"{crowd.name}/{number}", "retry", attempt) >= retries.chance:
            return
        at = self.now + self._length(crowd.name, number, "retry after", attempt, retries.after)
        if at < self.scenario.end:
            self._repeated += 1
            self._at(at, self._calls, crowd, number, attempt + 1)

    # Queues

    def _stands(self, contact: _Contact) -> None:
        """In line, for now in vain."""
        line, queued = contact.line, (contact.rank, contact.turn, contact)
        heappush(line.order, queued)
        for delay in line.delays:
            if delay <= contact.waited:
                heappush(line.ripe[delay], queued)
            else:
                due = contact.entered + delay
                heappush(self._deadlines, (due, contact.turn, delay, contact))

    def _ripens(self, contact: _Contact, delay: Duration) -> None:
        """A delay of a routing profile is over, if he still waits for that."""
        if contact.stage == WAITING and delay > contact.waited:
            contact.waited = delay
            agent = self._agent_for(contact)
            if agent is None:
                heappush(contact.line.ripe[delay], (contact.rank, contact.turn, contact))
            else:
                self._offer(contact, agent)

    def _agent_for(self, contact: _Contact) -> _Agent | None:
        longest: tuple[int, _Agent] | None = None
        for pool, delay in contact.line.pools:
            if delay <= contact.waited:
                first = pool.first()
                if first is not None and (longest is None or first[0] < longest[0]):
                    longest = first
        return None if longest is None else longest[1]

    def _match(self, agent: _Agent) -> None:
        """The agent has no contact: there may be one for him, if he is Available."""
        if agent.status != AVAILABLE:
            return
        for rows in agent.pool.rows:
            found = [first for line, delay in rows if (first := line.first(delay)) is not None]
            if found:
                self._offer(min(found)[2], agent)
                return
        self._turn += 1
        agent.turn = self._turn
        agent.pool.order.append((agent.turn, agent))

    def _offer(self, contact: _Contact, agent: _Agent) -> None:
        agent.turn = 0
        agent.contact, contact.agent = contact, agent
        if agent.takes_all:
            self._joined(contact, agent)
            return
        agent.is_ = contact.stage = RINGING
        heappush(self._deadlines, (self.now + RING_MS, contact.turn, 0, contact))
        group, crowd = agent.group, agent.crowd
        agent.offers += 1
        if group.misses and group.misses > self.chance.uniform(
            f"{crowd}/{agent.place.number}", "misses", agent.offers
        ):
            return
        lasts = self._length(crowd, agent.place.number, "answers", agent.offers, group.answers)
        self._at(self.now + lasts, self._accepts, agent, contact)

    def _rings_out(self, contact: _Contact) -> None:
        """Nobody has taken it: there may be somebody else."""
        if contact.stage != RINGING:
            return
        self._misses(contact)
        contact.stage = WAITING
        contact.waited = max(contact.waited, self.now - contact.entered - 1)
        agent = self._agent_for(contact)
        if agent is None:
            self._stands(contact)
        else:
            self._offer(contact, agent)

    # Agents

    def _misses(self, contact: _Contact) -> None:
        agent, contact.agent = contact.agent, None
        assert agent is not None
        agent.is_ = MISSED
        lasts = self._length(
            agent.crowd,
            agent.place.number,
            "returns",
            agent.offers,
            agent.group.returns,
        )
        self._at(self.now + lasts, self._clears, agent, contact)

    def _accepts(self, agent: _Agent, contact: _Contact) -> None:
        if agent.contact is contact and agent.is_ == RINGING:
            self._joined(contact, agent)

    def _joined(self, contact: _Contact, agent: _Agent) -> None:
        agent.is_ = contact.stage = TALKING
        contact.left, contact.taken_by = self.now, agent.number
        contact.line.waiting -= 1
        lasts, pace = self._works(contact.crowd, agent)[0](contact.number), agent.group.pace
        over = self.now + (lasts if pace == 1.0 else round(pace * lasts))
        self._at(over, self._talked, contact, agent)

    def _talked(self, contact: _Contact, agent: _Agent) -> None:
        contact.stage, agent.is_ = OVER, WRITING
        contact.ended = self.now
        lasts, pace = self._works(contact.crowd, agent)[1](contact.number), agent.group.pace
        over = self.now + (lasts if pace == 1.0 else round(pace * lasts))
        self._at(over, self._clears, agent, contact)

    def _clears(self, agent: _Agent, contact: _Contact) -> None:
        if agent.contact is contact and agent.is_ >= MISSED:
            self._free(agent)
            if agent.next_status is not None:
                self._change(agent, agent.next_status)
            self._match(agent)

    def _free(self, agent: _Agent) -> None:
        contact, agent.contact = agent.contact, None
        assert contact is not None
        if agent.is_ == WRITING:
            contact.cleared = self.now
            self._there -= 1
        agent.is_ = FREE

    def _take_status(self, agent: _Agent, status: str) -> None:
        if agent.is_ in (RINGING, TALKING):
            agent.next_status = None if status == agent.status else status
            return
        busy = agent.is_ != FREE
        if busy:
            self._free(agent)
        if status != agent.status:
            self._change(agent, status)
        elif not busy and agent.next_status is None:
            return
        agent.next_status = None
        self._match(agent)

    def _change(self, agent: _Agent, status: str) -> None:
        if agent.status == AVAILABLE:
            self._available.append((agent.number, agent.since, self.now))
        agent.status, agent.since, agent.next_status = status, self.now, None
        agent.turn = 0

    # Chance

    def _works(self, crowd: _Crowd, agent: _Agent) -> tuple[Lengths, Lengths]:
        """How long matters of the crowd take agents of the group, but for their pace."""
        known = crowd.works.get(agent.place.group)
        if known is None:
            name = crowd.callers.queue or ""
            queue, group = self.scenario.queues[name], agent.group
            known = crowd.works[agent.place.group] = (
                self._lengths(crowd.name, "handle", 1, group.handle.get(name, queue.handle)),
                self._lengths(
                    crowd.name, "after work", 1, group.after_work.get(name, queue.after_work)
                ),
            )
        return known

    def _length(
        self, crowd: str, member: int, purpose: str, number: int, of: Distribution
    ) -> Duration:
        if not of.numbers and of.numbers is not None:
            return round(of.mean * SECOND)  # always the same
        return self._lengths(crowd, purpose, number, of)(member)


def _pool(profile: Profile, lines: Mapping[str, _Line]) -> _Pool:
    """An empty one; the lines that it serves know it."""
    pool = _Pool()
    takes = profile.concurrency.get("VOICE", 0)
    rows = [row for row in profile.rows if row.channel == "VOICE" and takes]
    for priority in sorted({row.priority for row in rows}):
        served = [
            (lines[row.queue], row.delay_seconds * SECOND)
            for row in rows
            if row.priority == priority
        ]
        pool.rows.append(served)
        for line, delay in served:
            line.pools.append((pool, delay))
            if delay:
                line.ripe[delay] = []
                line.delays = sorted(line.ripe)
    return pool
