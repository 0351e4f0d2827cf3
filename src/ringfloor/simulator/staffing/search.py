"""Staffing: how many agents of each group a scenario needs in each half hour.

Called by cli_staff. Erlang A gives the first guess, half hour by half hour and queue by queue; then
whole days are simulated, with all queues, skills, repeated calls and what one half hour leaves to
the next:

    add      where a target is missed, an agent of the group that helps there most
    remove   where there is slack, an agent of the group that hurts there least
    exchange where nobody can be taken away, two agents for one who knows other queues

until nobody can be taken away. At last it is held against days that it was not found with: where
these do not say with the stated confidence that a half hour of a queue meets the target, somebody
is added. A half hour that does not meet it passes by chance no more often than that. Rules:

- What a change does is looked for in its half hour and the next ones; changes that are farther
  apart are tried together.
- What was found to be too few once is not tried again, so it comes to an end.
- A plan is found by the means of a part of the days first, which settle who is exchanged for whom,
  then of all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.errors import Fault
from ringfloor.base.limits import SIMULATED_AGENTS_MAX
from ringfloor.base.time import HALF_HOUR, SECOND
from ringfloor.simulator.scenario import HALF_HOUR_MINUTES, Callers, Scenario, Speech
from ringfloor.simulator.sketch import why_not
from ringfloor.simulator.staffing.erlang import Load, Target, required
from ringfloor.simulator.staffing.trials import (
    Plan,
    Reached,
    Result,
    Sketches,
    Theater,
    Trials,
    clocks,
    played,
    staffed,
    whole,
)

APART = 3
"""Half hours between changes that are tried together."""
FEWER_DAYS = 4
"""The first part of the search is made with one of so many of its days."""
FRESH_DAYS = 3
"""So many times as many days as a plan was found with hold it to what it promises."""
DAYS_MIN = 2
MEAN = 0.5
"""The confidence of a mean alone."""
STEP_SHARE = 10
"""One of so many agents is taken away at first, then fewer."""
PILOTS = 3
"""Days of the engine that show where flows send whom."""
ROUNDS_MAX = 50
"""Of taking away and adding; some five are usual."""
REFINING_ROUNDS = 2
SURELY = -0.1
"""A target that few days miss by so much, more days miss, too."""
NOTHING_HELPS = 20
"""Agents beyond three times the load who change nothing: the target cannot be met."""

FRESH_SEEDS = 1_000_003
"""By which the seeds of days differ that a plan was not found with."""

Serves = Mapping[str, frozenset[str]]
"""Queues by group."""

Progress = Callable[[str, int], None]
"""Told what is being counted, and how many there are."""


class Aim(Struct, frozen=True, kw_only=True):
    """What is wanted. queues: that are judged; days: that the plan is found with."""

    target: Target
    queues: tuple[str, ...]
    confidence: float = 0.9
    days: int = 20
    engine_days: int = 3


class Found(Struct, frozen=True, kw_only=True):
    """A plan, and what was found of it. clocks: when half hours begin, in minutes."""

    scenario: Scenario
    aim: Aim
    clocks: tuple[int, ...]
    first_guess: dict[str, tuple[int, ...]]
    plan: dict[str, tuple[int, ...]]
    reached: Result
    """On days that the plan was not found with."""
    engine: Result | None
    """On days of the real engine; None: none were asked for."""
    why_engine: str | None
    """Why the search was made with the engine itself; None: with the sketch."""
    days: int
    """Simulated in all."""


def found(scenario: Scenario, aim: Aim, progress: Progress = lambda *_: None) -> Found:
    """The staff of a scenario; raises Fault if no staff meets the target."""
    scenario = replace(scenario, thresholds=(round(aim.target.threshold),))
    marks = clocks(scenario)
    stand_in, pilots = _stand_in(scenario, progress)
    guess = first_guess(stand_in, aim)
    reason = why_not(stand_in)
    engine = Theater(scenario, played, lambda days: progress("days of the engine", days))
    play = Sketches(stand_in)
    sketches = Theater(stand_in, play, lambda days: progress("days sketched", days))
    theater, days = (sketches, aim.days) if reason is None else (engine, aim.engine_days)
    fresh = Trials(theater, _seeds(scenario, FRESH_DAYS * days, FRESH_SEEDS), aim.confidence)
    plan = _searched(theater, aim, days, guess, fresh)
    if reason is None and stand_in is not scenario:
        seeds = _seeds(scenario, aim.engine_days)
        surely = Trials(engine, seeds, 1 - aim.confidence)  # what is missed at the best
        plan = Search(surely, aim, _limits(guess)).add(plan)
    confirmed = None
    if aim.engine_days:
        seeds = _seeds(scenario, aim.engine_days, 2 * FRESH_SEEDS)
        confirmed = Trials(engine, seeds, MEAN).result(plan)
    return Found(
        scenario=scenario,
        aim=aim,
        clocks=tuple(marks),
        first_guess=dict(guess),
        plan=dict(plan),
        reached=fresh.result(plan),
        engine=confirmed,
        why_engine=reason,
        days=pilots + sketches.days + engine.days,
    )


def _seeds(scenario: Scenario, days: int, beyond: int = 0) -> list[int]:
    return [scenario.seed + beyond + number for number in range(max(days, DAYS_MIN))]


def _searched(theater: Theater, aim: Aim, days: int, guess: Plan, fresh: Trials) -> Plan:
    """From the first guess to the plan."""
    scenario, limits = theater.scenario, _limits(guess)
    few = Search(Trials(theater, _seeds(scenario, days // FEWER_DAYS), MEAN), aim, limits)
    several = Search(Trials(theater, _seeds(scenario, days), MEAN), aim, limits)
    plan = few.run(guess)
    several.believe(few)
    plan = several.run(plan, refining=True)
    return Search(fresh, aim, limits).add(plan)


# The first guess


def serves(scenario: Scenario) -> dict[str, frozenset[str]]:
    """The queues that each group of agents takes contacts of."""
    return {
        name: frozenset(row.queue for row in scenario.profiles[group.profile].rows)
        for name, group in scenario.groups.items()
    }


def planned(scenario: Scenario) -> dict[str, frozenset[str]]:
    """The same of those groups that are planned: the first ones that serve just these queues."""
    first: dict[frozenset[str], str] = {}
    for name, queues in serves(scenario).items():
        first.setdefault(queues, name)
    return {name: queues for queues, name in first.items()}


def first_guess(scenario: Scenario, aim: Aim) -> dict[str, tuple[int, ...]]:
    """By Erlang A: each queue by itself, with those of its groups who know least else."""
    served = serves(scenario)
    marks = clocks(scenario)
    counts = {name: [0] * len(marks) for name in scenario.groups}
    for queue in scenario.queues:
        able = [name for name, queues in served.items() if queue in queues]
        if not able:
            if any(each.queue == queue for each in scenario.callers.values()):
                raise Fault(f"queues.{queue}: no group of agents serves it")
            continue
        name = min(able, key=lambda each: len(served[each]))
        target = aim.target if queue in aim.queues else Target(0.5, 3_600.0)
        for number, mark in enumerate(marks):
            load = _load(scenario, queue, name, mark)
            at_once = _at_once(scenario, queue, name)
            most = SIMULATED_AGENTS_MAX
            counts[name][number] += ceil(required(load, target, most) / at_once)
    return {name: tuple(each) for name, each in counts.items()}


def _load(scenario: Scenario, queue: str, group_name: str, mark: int) -> Load:
    """What comes to a queue in a half hour, for agents of a group."""
    group, own = scenario.groups[group_name], scenario.queues[queue]
    handle, after = group.handle.get(queue, own.handle), group.after_work.get(queue, own.after_work)
    seconds = group.pace * (handle.mean + after.mean) + group.answers.mean
    arrivals = gives_up = 0.0
    for callers in scenario.callers.values():
        if callers.queue == queue:
            rate = callers.arrivals.get(mark, 0.0) * SECOND / HALF_HOUR
            arrivals += rate
            if callers.patience is not None and callers.patience.mean:
                gives_up += rate / callers.patience.mean
    return Load(arrivals, 1 / max(seconds, 0.001), gives_up / arrivals if arrivals else 0.0)


def _at_once(scenario: Scenario, queue: str, group_name: str) -> int:
    profile = scenario.profiles[scenario.groups[group_name].profile]
    channels = [row.channel for row in profile.rows if row.queue == queue]
    return max((profile.concurrency.get(each, 1) for each in channels), default=1)


def _limits(guess: Plan) -> dict[str, int]:
    """More than that do not help."""
    most = {name: max(counts, default=0) for name, counts in guess.items()}
    everybody = sum(most.values())
    return {name: min(SIMULATED_AGENTS_MAX, 3 * everybody + NOTHING_HELPS) for name in most}


# Flows


def _stand_in(scenario: Scenario, progress: Progress) -> tuple[Scenario, int]:
    """The same with callers who come straight to queues, as flows have sent them on a few days.

    The scenario itself, if there are no flows. With it, how many days have been simulated for that.
    """
    with_flows = [name for name, each in scenario.callers.items() if each.flow is not None]
    if not with_flows:
        return scenario, 0
    callers: dict[str, Callers] = {
        name: each for name, each in scenario.callers.items() if each.flow is None
    }
    for name in with_flows:
        told = scenario.callers[name]
        alone = replace(scenario, callers={name: told})
        expected = sum(told.arrivals.get(mark, 0.0) for mark in clocks(scenario))
        busiest = max(told.arrivals.values(), default=0.0)
        counts = dict.fromkeys(scenario.groups, (ceil(busiest),) * len(clocks(scenario)))
        came = dict.fromkeys(scenario.queues, 0)
        for number in range(PILOTS):
            day = played(staffed(replace(alone, seed=scenario.seed + number), counts))
            progress("days to see where flows lead", number + 1)
            for queue, cells in day.items():
                came[queue] += whole(cells).arrivals
        for queue, number in came.items():
            if number and expected:
                share = number / PILOTS / expected
                callers[f"{name} to {queue}"] = replace(
                    told,
                    flow=None,
                    queue=queue,
                    keys={},
                    arrivals={mark: share * each for mark, each in told.arrivals.items()},
                )
    stand_in = replace(scenario, callers=callers, speech=Speech(), flows={})
    return stand_in, PILOTS * len(with_flows)


# The search


class Search:
    """From a plan to one that meets the target and that nobody can be taken from."""

    def __init__(self, trials: Trials, aim: Aim, limits: Mapping[str, int]) -> None:
        self.trials = trials
        self.aim = aim
        self.serves = planned(trials.scenario)
        self._limits = limits
        self._too_few: dict[tuple[str, int, int], float] = {}
        """Group, half hour, number: by how much that was seen to miss the target."""
        self._steps: dict[tuple[str, int], int] = {}
        self._no_bargain: set[tuple[object, ...]] = set()
        """Half hour and what there was of two groups: one for two missed the target."""

    def believe(self, other: "Search") -> None:
        """What another search has seen to be far too few is not tried here."""
        known = other._too_few.items()  # noqa: SLF001  of our own
        self._too_few |= {each: margin for each, margin in known if margin < SURELY}

    def run(self, plan: Plan, *, refining: bool = False) -> Plan:
        """The whole search. refining: of what is nearly right: two rounds, and nobody exchanged."""
        plan = best = self.add(plan)
        for _ in range(REFINING_ROUNDS if refining else ROUNDS_MAX):
            fewer = self.remove(plan)
            if fewer == plan and not refining:
                fewer = self.exchange(plan)
            if fewer == plan:
                break
            plan = self.add(fewer)
            best = min(best, plan, key=agents)
        return best

    def margins(self, plan: Plan) -> Mapping[str, Sequence[float]]:
        """By how much each half hour of each judged queue meets the target."""
        cells = self.trials.result(plan).cells
        return {
            queue: [each.margin(self.aim.target) for each in cells[queue]]
            for queue in self.aim.queues
        }

    # More

    def add(self, plan: Plan) -> Plan:
        """With whom it lacks."""
        while True:
            fuller = self.added(plan)
            if fuller is None:
                return plan
            plan = fuller

    def added(self, plan: Plan) -> Plan | None:
        """With some of those it lacks; None: it lacks nobody."""
        misses = dict(self._misses(plan))
        if not misses:
            return None
        tries = {}
        for group, queues in self.serves.items():
            wanted = {
                number: self._more(plan[group][number], margin)
                for number, (queue, margin) in misses.items()
                if queue in queues
            }
            if wanted:
                tries[group] = wanted
        trials = {
            group: changed(plan, {(group, number): more for number, more in wanted.items()})
            for group, wanted in tries.items()
        }
        changes = {}
        for number in misses:
            able = [group for group, wanted in tries.items() if number in wanted]
            if len(able) > 1:
                able.sort(key=lambda group: -self._deficit(trials[group], number))
            group = able[0]
            more = tries[group][number]
            changes[group, number] = more
            self._too_few[group, number, plan[group][number]] = misses[number][1]
            if plan[group][number] + more > self._limits[group]:
                raise self._hopeless(plan, number, misses[number][0])
        return changed(plan, changes)

    def _misses(self, plan: Plan) -> Iterator[tuple[int, tuple[str, float]]]:
        """Half hours, each with the queue that misses most and by how much."""
        margins = self.margins(plan)
        for number in range(len(next(iter(margins.values())))):
            queue = min(margins, key=lambda each: margins[each][number])
            if margins[queue][number] < 0:
                yield number, (queue, margins[queue][number])

    @staticmethod
    def _more(there: int, margin: float) -> int:
        """Agents to add where it misses by so much."""
        return max(1, round(there * -margin / 3))

    def _deficit(self, plan: Plan, number: int) -> float:
        """What is missed about a half hour, in all queues, below 0."""
        return sum(
            min(0.0, margin)
            for margins in self.margins(plan).values()
            for margin in margins[number : number + 2]
        )

    def _hopeless(self, plan: Plan, number: int, queue: str) -> Fault:
        mark = clocks(self.trials.scenario)[number]
        told: Reached = self.trials.result(plan).cells[queue][number]
        people = sum(counts[number] for counts in plan.values())
        return Fault(
            f"the target cannot be met: of who comes to {queue} from {clock_words(mark)} on"
            f" {told.level or 0:.1%} are answered in time and {told.gone or 0:.1%} give up with"
            f" {people} agents (it may be {told.level_low or 0:.1%} and {told.gone_high or 0:.1%}),"
            " and more do not help"
        )

    # Fewer

    def remove(self, plan: Plan) -> Plan:
        """Without some of those it can do without; itself, if there are none."""
        for offset in range(APART):
            plan = self._removed(plan, offset)
        return plan

    def _removed(self, plan: Plan, offset: int) -> Plan:
        margins = self.margins(plan)
        best: dict[int, tuple[float, str, int]] = {}
        for group in self.serves:
            steps = dict(self._fewer(plan, group, offset, margins))
            if not steps:
                continue
            trial = changed(plan, {(group, number): -step for number, step in steps.items()})
            after = self.margins(trial)
            for number, step in steps.items():
                left = self._left(after, number)
                if left < 0:
                    self._failed(plan, number, {group: -step}, left)
                elif number not in best or best[number][0] < left:
                    best[number] = left, group, step
        moves = {number: {group: -step} for number, (_, group, step) in best.items()}
        return self._without_losses(plan, moves)

    def _fewer(
        self, plan: Plan, group: str, offset: int, margins: Mapping[str, Sequence[float]]
    ) -> Iterator[tuple[int, int]]:
        """Half hours that might do with fewer of a group, and by how many."""
        for number in range(offset, len(plan[group]), APART):
            there = plan[group][number]
            usual = max(1, there // STEP_SHARE)
            step = min(there, self._steps.get((group, number), usual))
            known = (group, number, there - step) in self._too_few
            if there and not known and all(each[number] >= 0 for each in margins.values()):
                yield number, step

    def _left(self, margins: Mapping[str, Sequence[float]], number: int) -> float:
        """The least margin of a half hour and of those that it leaves its callers to."""
        return min(min(each[number : number + APART]) for each in margins.values())

    def _failed(self, plan: Plan, number: int, move: Mapping[str, int], left: float) -> None:
        """It was a loss: that is not tried again, but for a smaller step. left: below 0."""
        (group, less), *_ = move.items()
        if len(move) > 1:
            self._no_bargain.add((number, *_there(plan, number, move)))
        elif less < -1:
            self._steps[group, number] = -less // 2
        else:
            self._too_few[group, number, plan[group][number] - 1] = left

    def _without_losses(self, plan: Plan, moves: dict[int, dict[str, int]]) -> Plan:
        """With those moves, by half hour, that are no loss together."""
        while moves:
            trial = changed(plan, _changes(moves))
            margins = self.margins(trial)
            left = {number: self._left(margins, number) for number in moves}
            if min(left.values()) >= 0:
                return trial
            for number, each in left.items():
                if each < 0:
                    self._failed(plan, number, moves.pop(number), each)
        return plan

    # One for two

    def exchange(self, plan: Plan) -> Plan:
        """With one agent of a group for two of another, where their queues are partly the same."""
        for two, queues in self.serves.items():
            for one, others in self.serves.items():
                if queues != others and queues & others:
                    for offset in range(APART):
                        plan = self._exchanged(plan, {two: -2, one: 1}, offset)
        return plan

    def _exchanged(self, plan: Plan, move: dict[str, int], offset: int) -> Plan:
        two = next(iter(move))
        margins = self.margins(plan)
        moves = {
            number: move
            for number in range(offset, len(plan[two]), APART)
            if plan[two][number] > 1
            and (number, *_there(plan, number, move)) not in self._no_bargain
            and all(each[number] >= 0 for each in margins.values())
        }
        return self._without_losses(plan, moves)


def _there(plan: Plan, number: int, move: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for group in move:
        yield group, plan[group][number]


def _changes(moves: Mapping[int, Mapping[str, int]]) -> dict[tuple[str, int], int]:
    return {(group, number): more for number, move in moves.items() for group, more in move.items()}


def agents(plan: Plan) -> int:
    """All of them, in half hours."""
    return sum(map(sum, plan.values()))


def changed(plan: Plan, by: Mapping[tuple[str, int], int]) -> Plan:
    """The plan with more or fewer. by: group and half hour."""
    made = {group: list(counts) for group, counts in plan.items()}
    for (group, number), more in by.items():
        made[group][number] += more
    return {group: tuple(counts) for group, counts in made.items()}


def clock_words(minutes: int) -> str:
    """08:30."""
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def ends(mark: int) -> str:
    """When the half hour is over that begins then."""
    return clock_words(mark + HALF_HOUR_MINUTES)
