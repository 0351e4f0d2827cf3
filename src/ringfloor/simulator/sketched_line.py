"""Sketched line: one queue, first come first served, and agents who take what comes at once.

Called by simulator.sketch where fits says so; a quicker way to what simulator.sketched_routing
finds, and held to it by tests. What makes it quick: all chance is drawn beforehand, by the hundred;
callers stand ready in the order in which they come, so only agents are in a heap; and whoever gives
up is looked at when it would be his turn, for nobody is served earlier because he has gone.

What is due at one instant happens in the order in which it was arranged, as in a simulation. Of
what is arranged for a caller who comes, his patience is first, his talk second, and last the
next caller.
"""

from collections import deque
from heapq import heapify, heappop, heappush, heapreplace
from operator import add

from ringfloor.base.limits import SIMULATED_OVERTIME_MS
from ringfloor.base.time import HALF_HOUR, Duration, Instant
from ringfloor.simulator.distributions import Distribution, Draws
from ringfloor.simulator.population import AVAILABLE, OFFLINE, arrivals
from ringfloor.simulator.scenario import Group, Scenario
from ringfloor.simulator.sketched_routing import (
    NEVER,
    NOBODY,
    Played,
    changes,
    places,
)

TALKED, CLEARED, STATUS = range(3)
"""What happens to a contact, by its number; to an agent, by the number of the change."""

Due = tuple[Instant, int, int, int]
"""When, its turn, what, and to whom."""

FOR_EVER: Instant = 1 << 62

NOTHING: Due = (FOR_EVER, 0, STATUS, 0)
"""The agenda ends with it; thrice, so that its first has others behind it."""


def fits(scenario: Scenario) -> bool:
    """Whether the scenario, which can be sketched, is of this kind."""
    if len(scenario.callers) != 1:
        return False
    (callers,) = scenario.callers.values()
    name = callers.queue or ""
    return (
        callers.retries is None
        and scenario.queues[name].max_contacts is None
        and all(_serves(scenario, group, name) for group in scenario.groups.values())
    )


def _serves(scenario: Scenario, group: Group, name: str) -> bool:
    """Whether his agents take whatever comes to the queue at once, as long as it usually takes."""
    profile = scenario.profiles[group.profile]
    return (
        group.takes_all
        and name not in group.handle
        and name not in group.after_work
        and profile.concurrency.get("VOICE", 0) > 0
        and any(
            row.queue == name and row.channel == "VOICE" and not row.delay_seconds
            for row in profile.rows
        )
    )


def play(scenario: Scenario, draws: Draws | None = None) -> Played:
    """From the start until nobody is left, or has been there for too long."""
    return _Line(scenario, draws or Draws(scenario.seed)).play()


class _Line:
    """The columns of what is played, and the agents."""

    def __init__(self, scenario: Scenario, draws: Draws) -> None:
        self.scenario = scenario
        ((name, callers),) = scenario.callers.items()
        queue_name = callers.queue or ""
        queue = scenario.queues[queue_name]
        self.entered = list(arrivals(scenario, name, callers, draws.chance))
        self.size = len(self.entered)
        self.queue = list(scenario.queues).index(queue_name)

        def drawn(purpose: str, of: Distribution) -> list[Duration]:
            return draws.lengths(f"callers/{name}", purpose, 1, of).in_order(self.size)

        self.handle = drawn("handle", queue.handle)
        self.works = None if queue.after_work.is_zero else drawn("after work", queue.after_work)
        self.gives_up = (
            [FOR_EVER] * self.size
            if callers.patience is None
            else list(map(add, self.entered, drawn("patience", callers.patience)))
        )
        self.left, self.ended, self.cleared = ([NEVER] * self.size for _ in range(3))
        self.takers = [NOBODY] * self.size
        groups = list(scenario.groups.values())
        self.paces = [groups[each.group].pace for each in places(scenario)]
        self.statuses = [OFFLINE] * len(self.paces)
        self.since = [NEVER] * len(self.paces)
        """Of the status."""
        self.wishes: list[str | None] = [None] * len(self.paces)
        """What they will be when they have cleared."""
        self.holds = [NOBODY] * len(self.paces)
        """The contact that each agent has, until he has cleared it."""
        self.came_free = [0] * len(self.paces)
        """By which turn each agent came to be free; 0: he is not."""
        self.available: list[tuple[int, Instant, Instant]] = []
        self.changes: list[tuple[int, str]] = []
        """Of agents' status, by number."""
        self.agenda: list[Due] = [NOTHING, NOTHING, NOTHING]
        for number, (agent, at, status) in enumerate(changes(scenario)):
            self.agenda.append((at, number, STATUS, number))
            self.changes.append((agent, status))
        heapify(self.agenda)

    def play(self) -> Played:  # noqa: C901, PLR0912, PLR0915  calls would cost what it does
        """All of it, in one loop: the next caller comes, or something is up with an agent."""
        agenda, entered, size = self.agenda, self.entered, self.size
        gives_up, handle, works, paces = self.gives_up, self.handle, self.works, self.paces
        left, ended, cleared, takers = self.left, self.ended, self.cleared, self.takers
        holds, wishes, came_free = self.holds, self.wishes, self.came_free
        limit = self.scenario.end + SIMULATED_OVERTIME_MS
        patience = [0] * size
        """Its turn."""
        waiting: deque[int] = deque()
        free: deque[tuple[int, int]] = deque()
        turn = len(self.changes)
        caller = 0
        comes_at, comes_turn = (entered[0] if size else FOR_EVER), turn
        while True:
            now, its_turn, what, whom = agenda[0]
            if comes_at < now or (comes_at == now and comes_turn < its_turn):
                while free and came_free[free[0][1]] != free[0][0]:
                    free.popleft()
                if free:
                    agent = free.popleft()[1]
                    came_free[agent] = 0
                    left[caller], takers[caller], holds[agent] = comes_at, agent, caller
                    lasts, pace = handle[caller], paces[agent]
                    over = comes_at + (lasts if pace == 1.0 else round(pace * lasts))
                    heappush(agenda, (over, turn + 2, TALKED, caller))
                else:
                    patience[caller] = turn + 1
                    waiting.append(caller)
                turn = comes_turn = turn + 3
                caller += 1
                comes_at = entered[caller] if caller < size else FOR_EVER
                continue
            if now >= limit:
                break
            if what == TALKED:
                agent = takers[whom]
                ended[whom] = now
                turn += 1
                if works is not None or now in (comes_at, agenda[1][0], agenda[2][0]):
                    lasts = 0 if works is None else round(paces[agent] * works[whom])
                    heapreplace(agenda, (now + lasts, turn, CLEARED, whom))
                    continue
                its_turn, what = turn, CLEARED  # nothing else comes between
            if what == STATUS:
                agent = self._takes_status(whom, now)
            elif holds[agent := takers[whom]] == whom:
                cleared[whom] = now
                if wishes[agent] is not None:
                    self._change(agent, wishes[agent] or OFFLINE, now)
            else:
                agent = NOBODY
            if agent == NOBODY:
                heappop(agenda)
                continue
            while waiting:
                first = waiting[0]
                at = gives_up[first]
                if at > now or (at == now and patience[first] > its_turn):
                    break
                waiting.popleft()
                left[first] = ended[first] = at
            turn += 1
            if waiting and self.statuses[agent] == AVAILABLE:
                first = waiting.popleft()
                left[first], takers[first], holds[agent] = now, agent, first
                lasts, pace = handle[first], paces[agent]
                over = now + (lasts if pace == 1.0 else round(pace * lasts))
                heapreplace(agenda, (over, turn, TALKED, first))
                continue
            holds[agent] = NOBODY
            heappop(agenda)
            if self.statuses[agent] == AVAILABLE:
                came_free[agent] = turn
                free.append((turn, agent))
        for first in waiting:
            if gives_up[first] < limit:
                left[first] = ended[first] = gives_up[first]
        return self._played(limit)

    def _takes_status(self, change: int, now: Instant) -> int:
        """An agent who is now free, or NOBODY: he talks, or nothing has changed."""
        agent, status = self.changes[change]
        held, same = self.holds[agent], status == self.statuses[agent]
        if held != NOBODY and self.ended[held] == NEVER:
            self.wishes[agent] = None if same else status
            return NOBODY
        if held == NOBODY and same:
            return NOBODY
        if held != NOBODY:
            self.cleared[held] = now
        self.came_free[agent] = 0
        self._change(agent, status, now)
        return agent

    def _change(self, agent: int, status: str, now: Instant) -> None:
        self.wishes[agent] = None
        if status != self.statuses[agent]:
            if self.statuses[agent] == AVAILABLE:
                self.available.append((agent, self.since[agent], now))
            self.statuses[agent], self.since[agent] = status, now

    def _played(self, limit: Instant) -> Played:
        size, end = self.size, self.scenario.end
        left_over = sum(
            done == NEVER and (taker != NOBODY or gone == NEVER)
            for taker, gone, done in zip(self.takers, self.left, self.cleared, strict=True)
        )
        last = max(max(self.left, default=NEVER), max(self.cleared, default=NEVER))
        until = limit if left_over else end
        if last >= until:
            until = end + ((last - end) // HALF_HOUR + 1) * HALF_HOUR
        open_ = [
            (agent, self.since[agent], until)
            for agent, status in enumerate(self.statuses)
            if status == AVAILABLE
        ]
        return Played(
            callers=[0] * size,
            numbers=list(range(1, size + 1)),
            attempts=[1] * size,
            queues=[self.queue] * size,
            entered=self.entered,
            left=self.left,
            agents=self.takers,
            ended=self.ended,
            cleared=self.cleared,
            available=[
                (agent, begins, min(ends, until))
                for agent, begins, ends in [*self.available, *open_]
                if begins < until
            ],
            turned_away=[],
            until=until,
            came=size,
            repeated=0,
            still_there=left_over,
        )
