"""What if: a recorded day unchanged and changed, over and over, and how the figures differ.

compare plays both with the same common random numbers, in several processes, as often as is asked;
once only if chance has no part in it. Figures are answers of GetMetricDataV2 about the played day,
by the code that answers them on a server, and so are those of the day as it really was; waits are
by nearest rank. Of each difference there are two intervals, both of 95 %, by Student's t:

    mean     where the mean of all possible differences lies; narrower with more replications
    one day  where the difference lies that this one day would have had

Neither knows that another day would have had other callers.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, sqrt
from statistics import fmean, stdev
from typing import Any, NamedTuple

from msgspec import Struct

from ringfloor.base.limits import METRIC_DATA_VALUES_MAX
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.node.desk import Desk
from ringfloor.node.history import History
from ringfloor.simulator import office
from ringfloor.simulator.intervals import student
from ringfloor.simulator.recorded.day import Day
from ringfloor.simulator.recorded.journals import Recorded
from ringfloor.simulator.recorded.observed import Observed
from ringfloor.simulator.recorded.replay import UNCHANGED, Changed, Replay
from ringfloor.simulator.workers import Progress, spread

ALL = "all queues"

Figures = Mapping[str, Mapping[str, float | None]]
"""By the name of a queue or ALL, then by the name of a figure (names)."""

ALIKE_MS = SECOND
"""Waits that differ by no more are alike."""


class Alike(Struct, frozen=True):
    """How many waits of the unchanged replay are those of the day."""

    waits: int
    outcome: int
    """Were answered, or not, as then."""
    wait: int
    """Lasted as long, to ALIKE_MS."""
    agent: int
    """Were answered by the same agent."""


class Run(NamedTuple):
    """What came of a replay."""

    figures: Figures
    drawn: Mapping[str, int]
    refused: Mapping[str, int]
    left: int
    alike: Alike


class Difference(Struct, frozen=True):
    """Of one figure; None: it has no value in some replication."""

    that_day: float | None
    unchanged: float | None
    changed: float | None
    difference: float | None
    mean: tuple[float, float] | None
    one_day: tuple[float, float] | None


class Refused(Struct, frozen=True):
    """How many commands were refused, by the command and the error."""

    unchanged: dict[str, float]
    changed: dict[str, float]


class Comparison(Struct, frozen=True):
    """What came of it all."""

    day: str
    replications: int
    differences: dict[str, dict[str, Difference]]
    drawn: dict[str, float]
    """What chance had to say in both together, on average of a replication, by purpose."""
    refused: Refused
    """What people and flows did that the center did not take, on average of a replication."""
    left: float
    """Contacts that were never served in the changed day, on average."""
    alike: Alike
    """Of the first replication."""

    @property
    def by_chance(self) -> bool:
        """Whether chance had any part in it."""
        return any(self.drawn.values())


def names(thresholds: Sequence[int]) -> list[str]:
    """The figures, in their order."""
    return [
        "arrivals",
        "answered",
        "abandoned",
        "abandoned_percent",
        *(level(each) for each in thresholds),
        "answer_seconds",
        "wait_p80_seconds",
        "wait_longest_seconds",
        "handle_seconds",
        "occupancy_percent",
    ]


def level(threshold: int) -> str:
    """The name of a service level."""
    return f"service_level_{threshold}_percent"


# Figures

OCCUPANCY = "AGENT_OCCUPANCY"
OF_QUEUES = (
    "CONTACTS_QUEUED_BY_ENQUEUE",
    "CONTACTS_HANDLED",
    "CONTACTS_ABANDONED",
    "AVG_QUEUE_ANSWER_TIME",
    "AVG_HANDLE_TIME",
    "MAX_QUEUED_TIME",
)
"""Metrics of GetMetricDataV2."""


class Played(NamedTuple):
    """What can be asked for its figures. now: when the last of it was over."""

    desk: Desk
    history: History
    now: Instant
    waits: Mapping[str, Sequence[int]]
    keep: bool = False
    """Whether the history will be asked again."""


def figures(day: Day, played: Played, thresholds: Sequence[int]) -> Figures:
    """Of all queues that a contact came into."""
    center = played.desk.center
    queues = {
        each.id: each.name
        for each in center.resources["queue"].values()
        if each.properties.get("QueueType") == "STANDARD"
    }
    busiest = sorted(queues, key=lambda each: (-len(played.waits.get(each, ())), queues[each]))
    chosen = busiest[:METRIC_DATA_VALUES_MAX]
    end = min(day.ends, day.after_last, played.now)
    profiles = list(center.profiles)[:METRIC_DATA_VALUES_MAX]
    with office.Counter(played.desk, played.history, played.now, keep=played.keep) as counter:

        def asked(
            metrics: Sequence[Mapping[str, Any]],
            key: str,
            values: Sequence[str],
            **more: Any,  # noqa: ANN401  JSON
        ) -> Iterator[Any]:
            return counter.listed(
                "GetMetricDataV2",
                "MetricResults",
                ResourceArn=counter.home.arn,
                StartTime=seconds(day.begins),
                Filters=[{"FilterKey": key, "FilterValues": values}],
                Metrics=metrics,
                **{"EndTime": seconds(played.now), **more},
            )

        ours = _metrics(thresholds)
        total = next(asked(ours, "QUEUE", chosen), None)
        rows = {
            row["Dimensions"]["QUEUE"]: row
            for row in asked(ours, "QUEUE", chosen, Groupings=["QUEUE"])
        }
        staff = asked([{"Name": OCCUPANCY}], "ROUTING_PROFILE", profiles, EndTime=seconds(end))
        occupancy = _values(next(staff, None)).get(OCCUPANCY)
    everybody = [wait for each in chosen for wait in played.waits.get(each, ())]
    found = {ALL: dict(_figures(total, everybody, thresholds))}
    found[ALL]["occupancy_percent"] = None if occupancy is None else 100 * occupancy
    for each in chosen:
        if each in rows or each in played.waits:
            waits = played.waits.get(each, ())
            found[queues[each]] = dict(_figures(rows.get(each), waits, thresholds))
    return found


def _metrics(thresholds: Sequence[int]) -> list[dict[str, Any]]:
    levels = (
        {"Name": "SERVICE_LEVEL", "Threshold": [{"Comparison": "LT", "ThresholdValue": each}]}
        for each in thresholds
    )
    return [*({"Name": name} for name in OF_QUEUES), *levels]


def _values(row: Mapping[str, Any] | None) -> dict[str, float]:
    collections = [] if row is None else row["Collections"]
    return {
        each["Metric"]["Name"]: each["Value"]
        for each in collections
        if each.get("Value") is not None and "Threshold" not in each["Metric"]
    }


def _figures(
    row: Mapping[str, Any] | None, waits: Sequence[int], thresholds: Sequence[int]
) -> Iterator[tuple[str, float | None]]:
    values = _values(row)
    arrivals = values.get("CONTACTS_QUEUED_BY_ENQUEUE", 0.0)
    abandoned = values.get("CONTACTS_ABANDONED", 0.0)
    levels = [] if row is None else [e for e in row["Collections"] if "Threshold" in e["Metric"]]
    yield "arrivals", arrivals
    yield "answered", values.get("CONTACTS_HANDLED", 0.0)
    yield "abandoned", abandoned
    yield "abandoned_percent", 100 * abandoned / arrivals if arrivals else None
    for number, threshold in enumerate(thresholds):
        yield level(threshold), levels[number].get("Value") if levels else None
    yield "answer_seconds", values.get("AVG_QUEUE_ANSWER_TIME")
    yield "wait_p80_seconds", _percentile(waits, 80)
    yield "wait_longest_seconds", values.get("MAX_QUEUED_TIME")
    yield "handle_seconds", values.get("AVG_HANDLE_TIME")


def _percentile(waits: Sequence[int], percent: int) -> float | None:
    """By nearest rank, in seconds."""
    if not waits:
        return None
    return seconds(sorted(waits)[ceil(len(waits) * percent / 100) - 1])


# Runs


def play(
    day: Day, observed: Observed, changed: Changed, seed: int, thresholds: Sequence[int]
) -> Run:
    """One replay of the day and its figures."""
    replay = Replay(day, observed, changed, seed)
    replay.run()
    work = replay.work
    played = Played(work.desk, work.history, replay.until, replay.waits)
    left = len(work.center.contacts)
    told = figures(day, played, thresholds)
    return Run(told, dict(replay.drawn), dict(work.refused), left, _alike(day, replay))


def really(recorded: Recorded, thresholds: Sequence[int]) -> Figures:
    """The figures of the day as it was."""
    now = max(recorded.day.after_last, recorded.day.ends)
    played = Played(recorded.desk, recorded.history, now, recorded.waits, keep=True)
    return figures(recorded.day, played, thresholds)


def _alike(day: Day, replay: Replay) -> Alike:
    waits = outcome = wait = agent = 0
    for number, turn in enumerate(day.turns()):
        if turn.since >= day.ends or turn.since < day.start:
            continue
        waits += 1
        found = replay.outcomes.get(number)
        if found is None:
            continue
        outcome += (found.agent_id is None) == (turn.connected_at is None)
        wait += abs(found.waited - turn.waited) <= ALIKE_MS
        by = None if turn.service is None else turn.service.agent_id
        agent += found.agent_id == by
    return Alike(waits, outcome, wait, agent)


def compare(
    recorded: Recorded,
    changed: Changed,
    *,
    replications: int = 20,
    seed: int = 1,
    thresholds: Sequence[int] = (20,),
    workers: int = 1,
    progress: Progress = lambda _part: None,
) -> Comparison:
    """Play it. progress: told how much is done, 0 to 1."""
    actual = really(recorded, thresholds)
    told = Told(recorded.day, Observed(recorded.day), changed, tuple(thresholds))
    first = told.pair(seed)
    pairs = [first]
    if any(first[0].drawn.values()) or any(first[1].drawn.values()):
        if not any(first[0].drawn.values()):
            told = told._replace(unchanged=first[0])
        seeds = range(seed + 1, seed + replications)
        pieces = [(told, seeds[number::workers]) for number in range(workers)]
        shares = spread(_pairs, [piece for piece in pieces if piece[1]], workers, progress)
        found = {number: pair for share in shares for number, pair in share}
        pairs += [found[number] for number in seeds]
    return compared(recorded.day, actual, pairs, thresholds)


Pair = tuple[Run, Run]


class Told(NamedTuple):
    """What is played."""

    day: Day
    observed: Observed
    changed: Changed
    thresholds: tuple[int, ...]
    unchanged: Run | None = None
    """What comes of the unchanged day, if chance has no part in it."""

    def pair(self, seed: int) -> Pair:
        """Both, by the chance of one seed."""
        before = self.unchanged or self._play(UNCHANGED, seed)
        return before, before if self.changed == UNCHANGED else self._play(self.changed, seed)

    def _play(self, changed: Changed, seed: int) -> Run:
        return play(self.day, self.observed, changed, seed, self.thresholds)


def _pairs(piece: tuple[Told, Sequence[int]], progress: Progress) -> list[tuple[int, Pair]]:
    """The pairs of some seeds."""
    told, seeds = piece
    found = []
    for done, seed in enumerate(seeds, 1):
        found.append((seed, told.pair(seed)))
        progress(done / len(seeds))
    return found


# Differences


def compared(
    day: Day, actual: Figures, pairs: Sequence[Pair], thresholds: Sequence[int]
) -> Comparison:
    """What the runs tell together."""
    scopes = dict.fromkeys(
        [*actual, *(name for pair in pairs for run in pair for name in run.figures)]
    )
    return Comparison(
        day=day.name,
        replications=len(pairs),
        differences={
            scope: {
                name: _difference(
                    actual.get(scope, {}).get(name),
                    [pair[0].figures.get(scope, {}).get(name) for pair in pairs],
                    [pair[1].figures.get(scope, {}).get(name) for pair in pairs],
                )
                for name in names(thresholds)
                if scope == ALL or name != "occupancy_percent"
            }
            for scope in scopes
        },
        drawn=_averages([run.drawn for pair in pairs for run in pair], len(pairs)),
        refused=Refused(
            _averages([pair[0].refused for pair in pairs], len(pairs)),
            _averages([pair[1].refused for pair in pairs], len(pairs)),
        ),
        left=fmean(pair[1].left for pair in pairs),
        alike=pairs[0][0].alike,
    )


def _difference(
    actual: float | None, before: Sequence[float | None], after: Sequence[float | None]
) -> Difference:
    found = [
        (one, other)
        for one, other in zip(before, after, strict=True)
        if one is not None and other is not None
    ]
    if len(found) < len(before):
        ones = [each for each in before if each is not None]
        others = [each for each in after if each is not None]
        return Difference(actual, _mean(ones), _mean(others), None, None, None)
    differences = [other - one for one, other in found]
    middle, count = fmean(differences), len(differences)
    spread = stdev(differences) * student(count - 1) if count > 1 else 0.0
    mean, one = spread / sqrt(count), spread * sqrt(1 + 1 / count)
    return Difference(
        actual,
        fmean(one for one, _ in found),
        fmean(other for _, other in found),
        middle,
        (middle - mean, middle + mean),
        (middle - one, middle + one),
    )


def _averages(counts: Sequence[Mapping[str, int]], of: int) -> dict[str, float]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return {name: each / of for name, each in sorted(total.items())}


def _mean(some: Sequence[float]) -> float | None:
    return fmean(some) if some else None
