"""Sketch: a scenario reduced to who waits for whom, thousands of times quicker than the engine.

Called by whoever needs many days at once: searches for staff, comparisons, replications. why_not
says whether a scenario can be sketched, sketch gives its figures, stays gives it contact by
contact: the same callers at the same instants with the same agents as simulator.simulation, which
tests hold it to (tests/simulation/test_sketch.py). There is no center, and nothing is kept of it:
no journal, no ids, no metrics but those here.

    reason = why_not(scenario)          None: it can
    day = sketch(scenario, seed=7)      day.total().answered, day.cells, day.crews ...

Half hours are those of the scenario's own clock, from its start on; instants and lengths are
milliseconds.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from operator import add
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.errors import Fault
from ringfloor.base.time import HALF_HOUR, SECOND, Duration, Instant
from ringfloor.simulator import sketched_line
from ringfloor.simulator.clockwork import without_cycles
from ringfloor.simulator.distributions import Draws
from ringfloor.simulator.scenario import Callers, Profile, Queue, Scenario
from ringfloor.simulator.sketched_routing import NEVER, NOBODY, Floor, Played, places

Counted = Literal["entered", "left", "ended"]
"""To which half hour a contact belongs: when it entered the queue, left it, or ended.

entered is what staff is planned by; ended is how metrics of AWS and of reports count.
"""


class Figures(Struct, frozen=True, kw_only=True):
    """What came of contacts. Lengths are sums in ms, but for the longest wait."""

    arrivals: int = 0
    """Contacts that entered the queue."""
    answered: int = 0
    abandoned: int = 0
    """Who gave up; who neither was answered nor gave up was still there when all was over."""
    turned_away: int = 0
    """Who came to a full queue, and never was in it; no part of arrivals."""
    within: tuple[int, ...] = ()
    """By threshold: who left the queue earlier than that, one way or the other."""
    answered_within: tuple[int, ...] = ()
    """By threshold: who was answered earlier than that."""
    answer_ms: Duration = 0
    """Waits of those who were answered."""
    abandon_ms: Duration = 0
    """Waits of those who gave up."""
    longest_ms: Duration = 0
    handle_ms: Duration = 0
    """Talk and the work after it."""

    @property
    def answer_seconds(self) -> float | None:
        """How long those who were answered had waited, on average."""
        return self.answer_ms / SECOND / self.answered if self.answered else None

    @property
    def abandonment(self) -> float | None:
        """Share of the arrivals that gave up, 0 to 1."""
        return self.abandoned / self.arrivals if self.arrivals else None

    def service_level(self, threshold: int = 0) -> float | None:
        """Share of those who left the queue within a threshold, 0 to 1. threshold: which one."""
        left = self.answered + self.abandoned
        return self.within[threshold] / left if left else None


class Cell(Struct, frozen=True):
    """A half hour of a queue."""

    start: Instant
    queue: str
    figures: Figures


class Crew(Struct, frozen=True):
    """A half hour of a group of agents: how long they were Available in all, and with contacts."""

    start: Instant
    group: str
    available_ms: Duration
    contact_ms: Duration


class Sketch(Struct, frozen=True, kw_only=True):
    """What came of a scenario. cells and crews by half hour, then by queue and by group."""

    seed: int
    start: Instant
    end: Instant
    until: Instant
    """When the last of it was over, at a full or half hour."""
    thresholds: tuple[int, ...]
    """Seconds, of within and answered_within."""
    cells: tuple[Cell, ...]
    crews: tuple[Crew, ...]
    came: int
    """Attempts to reach a queue, also those that are repeated."""
    repeated: int
    still_there: int
    """Contacts that nobody has finished."""

    def total(self, queue: str | None = None, start: Instant | None = None) -> Figures:
        """Of one queue or of all, of one half hour or of all."""
        return added(
            (
                each.figures
                for each in self.cells
                if queue in (None, each.queue) and start in (None, each.start)
            ),
            len(self.thresholds),
        )

    def occupancy(self, group: str | None = None, start: Instant | None = None) -> float | None:
        """Share of agents' Available time with contacts, 0 to 1; None: nobody was there."""
        crews = [
            each
            for each in self.crews
            if group in (None, each.group) and start in (None, each.start)
        ]
        available = sum(each.available_ms for each in crews)
        return sum(each.contact_ms for each in crews) / available if available else None


class Stay(NamedTuple):
    """One contact that entered a queue. caller: his number in his group, from 1.

    agent: the group and the number in it of who took it. None: it has not happened.
    """

    callers: str
    caller: int
    attempt: int
    queue: str
    entered: Instant
    answered: Instant | None
    agent: tuple[str, int] | None
    ended: Instant | None
    cleared: Instant | None
    """When the work after it was done."""


# Doors


def why_not(scenario: Scenario) -> str | None:
    """What of the scenario cannot be sketched: its key in the file, and why; None: all can."""
    return next(_reasons(scenario), None)


def sketch(
    scenario: Scenario,
    seed: int | None = None,
    counted: Counted = "entered",
    draws: Draws | None = None,
) -> Sketch:
    """What comes of it. seed: instead of the scenario's; raises Fault if why_not has a reason.

    draws: of the same seed, to be used again for the same callers and other agents.
    """
    own = scenario if seed is None else replace(scenario, seed=seed)
    return _told(own, _played(own, draws), counted)


def stays(scenario: Scenario, seed: int | None = None) -> list[Stay]:
    """Every contact that entered a queue, in that order. Raises Fault as sketch does."""
    own = scenario if seed is None else replace(scenario, seed=seed)
    return list(_stays(own, _played(own)))


def _played(scenario: Scenario, draws: Draws | None = None) -> Played:
    reason = why_not(scenario)
    if reason is not None:
        raise Fault(f"this cannot be sketched: {reason}")
    with without_cycles():
        if sketched_line.fits(scenario):
            return sketched_line.play(scenario, draws)
        return Floor(scenario, draws).play()


# What cannot be sketched


def _reasons(scenario: Scenario) -> Iterator[str]:
    for name, callers in scenario.callers.items():
        yield from (f"callers.{name}.{each}" for each in _of_callers(callers))
    for name, queue in scenario.queues.items():
        yield from (f"queues.{name}.{each}" for each in _of_a_queue(queue))
    for name, profile in scenario.profiles.items():
        yield from (f"profiles.{name}.{each}" for each in _of_profile(profile))
    if scenario.speech.words_per_minute or scenario.speech.prompt_seconds:
        yield "words_per_minute, prompt_seconds: agents hear whispers first, which take time"


def _of_callers(callers: Callers) -> Iterator[str]:
    if callers.queue is None:
        yield "flow: what a flow does only the engine knows"
    if list(callers.channels) != ["VOICE"]:
        yield f"channels: {', '.join(callers.channels)}, and only calls are sketched"


def _of_a_queue(queue: Queue) -> Iterator[str]:
    if queue.holds is not None:
        yield "holds: nobody is put on hold"
    if queue.hands_on:
        yield "hands_on: nobody is handed on to another queue"


def _of_profile(profile: Profile) -> Iterator[str]:
    if profile.concurrency.get("VOICE", 0) > 1:
        yield "voice: more than one call at once"
    served = [row.queue for row in profile.rows if row.channel == "VOICE"]
    if len(served) > len(set(served)):
        yield "queues: one of them is named twice"


# Contact by contact


def _stays(scenario: Scenario, played: Played) -> Iterator[Stay]:
    groups, crowds, queues = map(list, (scenario.groups, scenario.callers, scenario.queues))
    agents = [(groups[each.group], each.number) for each in places(scenario)]
    for caller, number, attempt, queue, entered, left, agent, ended, cleared in zip(
        *played[:9], strict=True
    ):
        taken = agent != NOBODY
        yield Stay(
            crowds[caller],
            number,
            attempt,
            queues[queue],
            entered,
            left if taken else None,
            agents[agent] if taken else None,
            None if ended == NEVER else ended,
            None if cleared == NEVER else cleared,
        )


# Figures


def added(figures: Iterable[Figures], thresholds: int) -> Figures:
    """All of them together. thresholds: how many they have."""
    rows = list(figures)

    def total(name: str) -> int:
        return sum(getattr(row, name) for row in rows)

    def totals(name: str) -> tuple[int, ...]:
        return tuple(sum(getattr(row, name)[at] for row in rows) for at in range(thresholds))

    return Figures(
        arrivals=total("arrivals"),
        answered=total("answered"),
        abandoned=total("abandoned"),
        turned_away=total("turned_away"),
        within=totals("within"),
        answered_within=totals("answered_within"),
        answer_ms=total("answer_ms"),
        abandon_ms=total("abandon_ms"),
        longest_ms=max((row.longest_ms for row in rows), default=0),
        handle_ms=total("handle_ms"),
    )


def _told(scenario: Scenario, played: Played, counted: Counted) -> Sketch:
    borders = [*range(scenario.start, played.until, HALF_HOUR), played.until]
    of_queues = [
        (name, _of_queue(scenario, played, number, counted, borders))
        for number, name in enumerate(scenario.queues)
    ]
    of_groups = list(
        zip(
            scenario.groups,
            _of_groups(scenario, played.available, borders),
            _of_groups(scenario, _with_contacts(played), borders),
            strict=True,
        )
    )
    starts = borders[:-1]
    return Sketch(
        seed=scenario.seed,
        start=scenario.start,
        end=scenario.end,
        until=played.until,
        thresholds=scenario.thresholds,
        cells=tuple(
            Cell(start, name, figures[at])
            for at, start in enumerate(starts)
            for name, figures in of_queues
        ),
        crews=tuple(
            Crew(start, name, available[at], busy[at])
            for at, start in enumerate(starts)
            for name, available, busy in of_groups
        ),
        came=played.came,
        repeated=played.repeated,
        still_there=played.still_there,
    )


def _of_queue(
    scenario: Scenario, played: Played, queue: int, counted: Counted, borders: Sequence[Instant]
) -> list[Figures]:
    """By half hour."""
    entered, left, cleared, agents = played.entered, played.left, played.cleared, played.agents
    mine = [at for at, each in enumerate(played.queues) if each == queue]
    instants = {"entered": entered, "left": left, "ended": played.ended}[counted]
    outcomes = [at for at in mine if left[at] != NEVER and instants[at] != NEVER]
    if counted != "entered":
        outcomes.sort(key=instants.__getitem__)
    answered = [at for at in outcomes if agents[at] != NOBODY]
    abandoned = [at for at in outcomes if agents[at] == NOBODY]
    answers = [left[at] - entered[at] for at in answered]
    gone = [left[at] - entered[at] for at in abandoned]
    handles = [
        (played.until if (done := cleared[at]) == NEVER else done) - left[at] for at in answered
    ]
    away = [at for each, at in played.turned_away if each == queue]
    found = []
    for came, (a, b), (c, d), turned in zip(
        _cuts(mine, borders, entered.__getitem__),
        _cuts(answered, borders, instants.__getitem__),
        _cuts(abandoned, borders, instants.__getitem__),
        _cuts(away, borders, None),
        strict=True,
    ):
        waits, waits_in_vain = answers[a:b], gone[c:d]
        in_time = _below(waits, scenario.thresholds)
        found.append(
            Figures(
                arrivals=came[1] - came[0],
                answered=b - a,
                abandoned=d - c,
                turned_away=turned[1] - turned[0],
                within=tuple(map(add, in_time, _below(waits_in_vain, scenario.thresholds))),
                answered_within=in_time,
                answer_ms=sum(waits),
                abandon_ms=sum(waits_in_vain),
                longest_ms=max(max(waits, default=0), max(waits_in_vain, default=0)),
                handle_ms=sum(handles[a:b]),
            )
        )
    return found


def _cuts(
    ordered: Sequence[int], borders: Sequence[Instant], instant: Callable[[int], Instant] | None
) -> Iterator[tuple[int, int]]:
    """Where each half hour begins and ends in what is ordered by its instants."""
    return pairwise([bisect_left(ordered, border, key=instant) for border in borders])


def _below(waits: Sequence[Duration], thresholds: Sequence[int]) -> tuple[int, ...]:
    limits = [each * SECOND for each in thresholds]
    return tuple(sum([wait < limit for wait in waits]) for limit in limits)


def _of_groups(
    scenario: Scenario,
    stretches: Iterable[tuple[int, Instant, Instant]],
    borders: Sequence[Instant],
) -> list[list[Duration]]:
    """By group and half hour, how long agents are in these stretches, together."""
    found = [[0] * (len(borders) - 1) for _ in scenario.groups]
    covered = [found[each.group] for each in places(scenario)]
    start = borders[0]
    for agent, begins, ends in stretches:
        at, mine, since = (begins - start) // HALF_HOUR, covered[agent], begins
        while ends > borders[at + 1]:
            mine[at] += borders[at + 1] - since
            at += 1
            since = borders[at]
        mine[at] += ends - since
    return found


def _with_contacts(played: Played) -> Iterator[tuple[int, Instant, Instant]]:
    for agent, begins, ends in zip(played.agents, played.left, played.cleared, strict=True):
        if agent != NOBODY:
            yield agent, begins, ends if ends != NEVER else played.until
