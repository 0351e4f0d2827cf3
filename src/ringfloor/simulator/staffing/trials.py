"""Trials: a plan of staff tried on simulated days, and what became of those who came.

A plan says how many agents of each group are at work in each half hour of a scenario. Called by
staffing.search. Rules:

- A day is tried by the sketch where that can play it (simulator.sketch), else by the engine.
- Who comes counts in the half hour in which he enters a queue, whenever he leaves it; who is turned
  away by a full queue has come, and was not answered.
- The days of a trial have the same callers whatever the plan: plans differ by what they are, not by
  luck. One agent of a group is one group of the scenario that is tried, so his chance is his own.
- Who is at work in the last half hour stays another half hour, if the scenario is shorter than a
  day, so that those who wait then can be served.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from msgspec.structs import replace

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.limits import STAFF_CALLERS_KEPT_MAX
from ringfloor.base.time import DAY, HALF_HOUR, SECOND, Instant
from ringfloor.domain import events
from ringfloor.simulator.distributions import Draws
from ringfloor.simulator.population import expected
from ringfloor.simulator.scenario import HALF_HOUR_MINUTES, Group, Scenario, Shift, Stretch
from ringfloor.simulator.simulation import Simulation
from ringfloor.simulator.sketch import sketch
from ringfloor.simulator.staffing.erlang import Target

DAY_MINUTES = 24 * 60

Key = tuple[tuple[str, tuple[int, ...]], ...]
Plan = Mapping[str, tuple[int, ...]]
"""By group: how many are at work in each half hour."""


def starts(scenario: Scenario) -> list[Instant]:
    """When the half hours of a scenario begin."""
    return list(range(scenario.start, scenario.end, HALF_HOUR))


def clocks(scenario: Scenario) -> list[int]:
    """The same in minutes since midnight; raises Fault if clock times do not tell them apart."""
    if scenario.end - scenario.start > DAY:
        raise Fault("the scenario is longer than 24 hours; staff is planned for a day")
    if zones.offset(scenario.start, scenario.zone) != zones.offset(scenario.end, scenario.zone):
        raise Fault(f"the clocks of {scenario.zone} are changed in the scenario")
    first = zones.local(scenario.start, scenario.zone)
    begins = first.hour * 60 + first.minute
    return [
        (begins + number * HALF_HOUR_MINUTES) % DAY_MINUTES
        for number in range(len(starts(scenario)))
    ]


# A plan as shifts


class Level(NamedTuple):
    """Agents of a group, from number to number, who have the same shifts."""

    first: int
    last: int
    shifts: tuple[Shift, ...]


def levels(scenario: Scenario, counts: Sequence[int]) -> Iterator[Level]:
    """The shifts of the agents: the first is there whenever anybody is."""
    shifts = [_shifts(scenario, counts, number) for number in range(1, max(counts, default=0) + 1)]
    number = 0
    for each, same in groupby(shifts):
        last = number + len(list(same))
        yield Level(number + 1, last, each)
        number = last


def _shifts(scenario: Scenario, counts: Sequence[int], number: int) -> tuple[Shift, ...]:
    """Of the agent of this number: whenever there are so many."""
    marks = clocks(scenario)
    stays = scenario.end - scenario.start < DAY
    found = []
    at = 0
    for there, same in groupby(each >= number for each in counts):
        until = at + len(list(same))
        if there:
            longer = HALF_HOUR_MINUTES if stays and until == len(counts) else 0
            ends = marks[until - 1] + HALF_HOUR_MINUTES + longer
            found.append(Shift(work=Stretch(marks[at], _wrapped(ends))))
        at = until
    return tuple(found)


def _wrapped(minutes: int) -> int:
    return minutes if minutes <= DAY_MINUTES else minutes - DAY_MINUTES


def staffed(scenario: Scenario, plan: Plan, *, apart: bool = True) -> Scenario:
    """The scenario with the staff of a plan. apart: each agent is a group of his own."""
    groups: dict[str, Group] = {}
    for name, counts in plan.items():
        group = scenario.groups[name]
        for level in levels(scenario, counts):
            numbers = range(level.first, level.last + 1)
            if apart:
                one = replace(group, count=1, shifts=level.shifts)
                groups |= {f"{name} {number}": one for number in numbers}
            else:
                several = f"{name} {level.first}"
                if level.last > level.first:
                    several += f"-{level.last}"
                groups[several] = replace(group, count=len(numbers), shifts=level.shifts)
    return replace(scenario, groups=groups)


# Days


class Came(NamedTuple):
    """Of a half hour of a queue: who came, was answered within the threshold, gave up."""

    arrivals: int
    soon: int
    gone: int


NOBODY = Came(0, 0, 0)

Day = Mapping[str, Sequence[Came]]
"""By queue, by half hour."""

Play = Callable[[Scenario], Day]
"""A day of a scenario with a threshold, which is its first."""


class Sketches:
    """Days by the sketch, of one scenario with any staff: what chance says is drawn once a seed.

    As far as it can be kept; days of further seeds draw anew, and are the same.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._draws: dict[int, Draws] = {}
        self._kept = STAFF_CALLERS_KEPT_MAX // max(1, round(expected(scenario)))

    def __call__(self, scenario: Scenario) -> Day:
        if scenario.seed not in self._draws and len(self._draws) < self._kept:
            self._draws[scenario.seed] = Draws(scenario.seed)
        return sketched(scenario, self._draws.get(scenario.seed))


def sketched(scenario: Scenario, draws: Draws | None = None) -> Day:
    """By the sketch. draws: of the seed, if they are to be used again."""
    size = len(starts(scenario))
    found = {name: [NOBODY] * size for name in scenario.queues}
    for cell in sketch(scenario, draws=draws).cells:
        number = (cell.start - scenario.start) // HALF_HOUR
        if 0 <= number < size:
            told = cell.figures
            found[cell.queue][number] = Came(
                told.arrivals + told.turned_away,
                told.answered_within[0],
                told.abandoned + told.turned_away,
            )
    return found


def played(scenario: Scenario) -> Day:
    """By the engine."""
    return Seen(scenario).day


class Seen:
    """A day of the engine, watched."""

    def __init__(self, scenario: Scenario) -> None:
        self._simulation = Simulation(scenario)
        self._within = scenario.thresholds[0] * SECOND
        size = len(starts(scenario))
        self._counts = {name: [[0, 0, 0] for _ in range(size)] for name in scenario.queues}
        self._waiting: dict[str, tuple[str, Instant]] = {}
        self._wanted: dict[str, tuple[str, Instant]] = {}
        """Of who has come and is in no queue yet, though all of his group come for one."""
        work = self._simulation.work
        work.hear(events.ContactInitiated, self._initiated)
        work.hear(events.ContactEnqueued, self._enqueued)
        work.hear(events.ContactConnectedToAgent, self._connected)
        work.hear(events.ContactEnded, self._ended)
        self._simulation.run()

    @property
    def day(self) -> Day:
        return {name: [Came(*each) for each in cells] for name, cells in self._counts.items()}

    def _count(self, queue: str, at: Instant, member: int) -> None:
        number = (at - self._simulation.scenario.start) // HALF_HOUR
        cells = self._counts[queue]
        if 0 <= number < len(cells):
            cells[number][member] += 1

    def _initiated(self, event: events.ContactInitiated) -> None:
        people = self._simulation.people
        caller = people.calls.get(event.contact.id)
        if caller is not None and event.contact.previous_contact_id is None:
            queue = people.scenario.callers[caller.group].queue
            if queue is not None:
                self._wanted[event.contact.id] = queue, self._simulation.work.now

    def _enqueued(self, event: events.ContactEnqueued) -> None:
        self._wanted.pop(event.contact_id, None)
        queue = self._simulation.people.built.queues.get(event.queue_id)
        if queue is not None:
            now = self._simulation.work.now
            self._waiting[event.contact_id] = queue, now
            self._count(queue, now, 0)

    def _connected(self, event: events.ContactConnectedToAgent) -> None:
        queue, came = self._waiting.pop(event.contact_id, ("", 0))
        if queue and self._simulation.work.now - came < self._within:
            self._count(queue, came, 1)

    def _ended(self, event: events.ContactEnded) -> None:
        queue, came = self._waiting.pop(event.contact_id, ("", 0))
        if queue and event.reason == "CUSTOMER_DISCONNECT":
            self._count(queue, came, 2)
        turned, at = self._wanted.pop(event.contact_id, ("", 0))
        if turned:
            self._count(turned, at, 0)
            self._count(turned, at, 2)


# What days say


class Reached(NamedTuple):
    """Of a half hour of a queue, or of a whole day of it: shares of who came, 0 to 1.

    level_low, gone_high: where the means are with the confidence that is asked for, at the worst.
    None: nobody came.
    """

    arrivals: float
    """A day."""
    level: float | None
    level_low: float | None
    gone: float | None
    gone_high: float | None

    def margin(self, target: Target) -> float:
        """By how much the target is met, or missed if below 0; nobody came: wholly."""
        if self.level_low is None or self.gone_high is None:
            return 1.0
        return min(self.level_low - target.level, target.abandoned - self.gone_high)


def reached(days: Sequence[Came], confidence: float) -> Reached:
    """What the same half hour of several days comes to."""
    came = sum(each.arrivals for each in days)
    if not came:
        return Reached(0.0, None, None, None, None)
    level, off = _share(days, 1, confidence)
    gone, gone_off = _share(days, 2, confidence)
    return Reached(came / len(days), level, level - off, gone, gone + gone_off)


def _share(days: Sequence[Came], member: int, confidence: float) -> tuple[float, float]:
    """A share of all who came, and how far the truth may be to one side of it.

    As a ratio of two sums over independent days, by its residuals; Student's quantile by its
    expansion in Gauss's.
    """
    came = sum(each.arrivals for each in days)
    share = sum(each[member] for each in days) / came
    number = len(days)
    if number < 2:
        return share, 0.0
    squares = sum((each[member] - share * each.arrivals) ** 2 for each in days)
    z = NormalDist().inv_cdf(confidence)
    student = z + (z**3 + z) / (4 * (number - 1))
    return share, student * sqrt(number / (number - 1) * squares) / came


def whole(day: Iterable[Came]) -> Came:
    """All half hours in one."""
    cells = list(day)
    return Came(
        sum(each.arrivals for each in cells),
        sum(each.soon for each in cells),
        sum(each.gone for each in cells),
    )


class Result(NamedTuple):
    """What a plan reaches. cells: by queue and half hour; totals: by queue."""

    cells: Mapping[str, Sequence[Reached]]
    totals: Mapping[str, Reached]


class Theater:
    """Where days of a scenario are played, each plan and seed once."""

    def __init__(
        self, scenario: Scenario, play: Play, progress: Callable[[int], None] = lambda _days: None
    ) -> None:
        """progress: told how many days were played."""
        self.scenario = scenario
        self.size = len(starts(scenario))
        self.days = 0
        self._play = play
        self._progress = progress
        self._known: dict[Key, dict[int, Day]] = {}

    def played(self, plan: Plan, seeds: Sequence[int]) -> list[Day]:
        """The days of a plan, by seed."""
        known = self._known.setdefault(_key(plan), {})
        missing = [seed for seed in seeds if seed not in known]
        with_staff = staffed(self.scenario, plan) if missing else self.scenario
        for seed in missing:
            known[seed] = self._play(replace(with_staff, seed=seed))
            self.days += 1
            self._progress(self.days)
        return [known[seed] for seed in seeds]


class Trials:
    """Plans tried on the same days. confidence: 0.5: by the mean alone."""

    def __init__(self, theater: Theater, seeds: Sequence[int], confidence: float) -> None:
        self.scenario = theater.scenario
        self._theater = theater
        self._seeds = seeds
        self._confidence = confidence
        self._known: dict[Key, Result] = {}

    def result(self, plan: Plan) -> Result:
        """What a plan reaches."""
        key = _key(plan)
        if key not in self._known:
            self._known[key] = self._told(self._theater.played(plan, self._seeds))
        return self._known[key]

    def _told(self, days: Sequence[Day]) -> Result:
        return Result(
            {
                queue: [
                    reached([day[queue][number] for day in days], self._confidence)
                    for number in range(self._theater.size)
                ]
                for queue in self.scenario.queues
            },
            {
                queue: reached([whole(day[queue]) for day in days], self._confidence)
                for queue in self.scenario.queues
            },
        )


def _key(plan: Plan) -> Key:
    return tuple(sorted(plan.items()))
