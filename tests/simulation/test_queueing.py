"""The simulator is right: queues that are understood, against their formulas and against Ciw.

Each case is run for so many callers; the first part of it, while the center fills, is left out. The
rest is cut into batches, whose means are about independent: their spread says how far the mean of
all may be from the truth (batch means, Student's t at 99.9 %). Ciw, an independent simulator, plays
the same cases where it can express them; two estimates differ by no more than both may be off.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

import ciw
import pytest

from erlang import erlang_a, erlang_c, longer_than
from ringfloor.base.time import HOUR, SECOND
from ringfloor.simulator.distributions import exponential
from ringfloor.simulator.scenario import Callers, Group, Profile, Queue, Row
from scenarios import START, Stay, Watched, scenario, steady

BATCHES = 20
STUDENT = 3.883
"""Of 19 degrees of freedom, two-sided, 99.9 %."""

SERVICE, PATIENCE = 100.0, 150.0
"""Seconds, on average."""


class Estimate(NamedTuple):
    """A mean, and how far it may be off."""

    mean: float
    off: float

    def holds(self, truth: float) -> bool:
        return abs(self.mean - truth) <= self.off

    def agrees(self, other: "Estimate") -> bool:
        return abs(self.mean - other.mean) <= sqrt(self.off**2 + other.off**2)


def estimate(values: Sequence[float]) -> Estimate:
    size = len(values) // BATCHES
    means = [fmean(values[at * size : (at + 1) * size]) for at in range(BATCHES)]
    return Estimate(fmean(means), STUDENT * stdev(means) / sqrt(BATCHES))


class Found(NamedTuple):
    """Of the stays in a queue: seconds, share that waits at all, share that gives up."""

    wait: Estimate
    delayed: Estimate
    abandoned: Estimate


def found(stays: Sequence[tuple[float, bool]]) -> Found:
    """stays: (seconds waited, served) in the order in which they came."""
    settled = stays[len(stays) // 10 :]
    return Found(
        estimate([wait for wait, _ in settled]),
        estimate([float(wait > 0.0015) for wait, _ in settled]),
        estimate([float(not served) for _, served in settled]),
    )


def of_queue(stays: Sequence[Stay], queue: str) -> Found:
    return found(
        [(each.wait / SECOND, each.served) for each in sorted(stays) if each.queue == queue]
    )


def simulated(
    agents: dict[str, tuple[int, tuple[Row, ...]]],
    arrivals: dict[str, float],
    callers: int,
    *,
    patient: bool = False,
    seed: int = 1,
) -> list[Stay]:
    """The stays of so many callers. agents: how many serve what; arrivals: a second, by queue."""
    profiles = {
        name: Profile(rows=rows, concurrency={"VOICE": 1}) for name, (_, rows) in agents.items()
    }
    people = {
        name: Callers(
            arrivals=steady(rate * 3600),
            queue=name,
            patience=None if patient else exponential(PATIENCE),
        )
        for name, rate in arrivals.items()
    }
    half = HOUR // 2
    length = round(callers / sum(arrivals.values())) * SECOND
    day = Watched(
        scenario(
            seed=seed,
            end=START + -(-length // half) * half,
            queues={name: Queue(handle=exponential(SERVICE)) for name in arrivals},
            profiles=profiles,
            groups={name: Group(count=count, profile=name) for name, (count, _) in agents.items()},
            callers=people,
        ),
        keep=False,
    )
    return day.stays


def ciw_plays(
    number_of_servers: int, arrivals: dict[str, float], callers: int, *, patient: bool = False
) -> dict[str, Found]:
    """One node; classes of customers in the order of their priority."""
    several = len(arrivals) > 1

    def each(make):  # type: ignore[no-untyped-def]
        made = {name: [make(rate)] for name, rate in arrivals.items()}
        return made if several else next(iter(made.values()))

    network = ciw.create_network(
        arrival_distributions=each(lambda rate: ciw.dists.Exponential(rate=rate)),
        service_distributions=each(lambda _: ciw.dists.Exponential(rate=1 / SERVICE)),
        number_of_servers=[number_of_servers],
        priority_classes={name: at for at, name in enumerate(arrivals)} if several else None,
        reneging_time_distributions=None
        if patient
        else each(lambda _: ciw.dists.Exponential(rate=1 / PATIENCE)),
    )
    ciw.seed(1)
    played = ciw.Simulation(network)
    played.simulate_until_max_time(callers / sum(arrivals.values()))
    records = sorted(
        played.get_all_records(only=["service", "renege"]), key=lambda each: each.arrival_date
    )
    return {
        name: found(
            [
                (each.waiting_time, each.record_type == "service")
                for each in records
                if not several or each.customer_class == name
            ]
        )
        for name in arrivals
    }


ONE = (Row(queue="sales"),)


@pytest.mark.slow
@pytest.mark.parametrize(("agents", "load"), [(1, 0.5), (4, 3.0)])
def test_without_end_of_patience_it_is_erlang_c(agents, load):
    rate = load / SERVICE
    stays = simulated({"all": (agents, ONE)}, {"sales": rate}, 4_000, patient=True)
    told, truth = of_queue(stays, "sales"), erlang_c(agents, rate, 1 / SERVICE)
    assert told.wait.holds(truth.wait), (told, truth)
    assert told.delayed.holds(truth.delayed), (told, truth)
    late = [float(each.wait > 60 * SECOND) for each in sorted(stays)][len(stays) // 10 :]
    assert estimate(late).holds(longer_than(agents, rate, 1 / SERVICE, 60))
    assert told.wait.off < 0.5 * truth.wait, "or it would say nothing"


@pytest.mark.slow
@pytest.mark.parametrize(("agents", "load"), [(3, 2.5), (8, 10.0), (40, 50.0)])
def test_with_patience_it_is_erlang_a(agents, load):
    rate = load / SERVICE
    stays = simulated({"all": (agents, ONE)}, {"sales": rate}, 4_000)
    told = of_queue(stays, "sales")
    truth = erlang_a(agents, rate, 1 / SERVICE, 1 / PATIENCE)
    assert told.wait.holds(truth.wait), (told, truth)
    assert told.delayed.holds(truth.delayed), (told, truth)
    assert told.abandoned.holds(truth.abandoned), (told, truth)
    assert told.wait.off < 0.4 * truth.wait, "or it would say nothing"


@pytest.mark.slow
def test_with_patience_ciw_finds_the_same():
    rate = 7.5 / SERVICE
    told = of_queue(simulated({"all": (8, ONE)}, {"sales": rate}, 4_000), "sales")
    other = ciw_plays(8, {"sales": rate}, 30_000)["sales"]
    assert all(ours.agrees(theirs) for ours, theirs in zip(told, other, strict=True)), (told, other)


@pytest.mark.slow
def test_priorities_are_those_of_ciw():
    """Two queues, served by the same agents in the order of their rank, without preemption."""
    arrivals = {"gold": 2.0 / SERVICE, "usual": 3.0 / SERVICE}
    rows = (Row(queue="gold", priority=1), Row(queue="usual", priority=2))
    stays = simulated({"all": (5, rows)}, arrivals, 6_000)
    other = ciw_plays(5, arrivals, 40_000)
    for name in arrivals:
        told = of_queue(stays, name)
        pairs = zip(told, other[name], strict=True)
        assert all(ours.agrees(theirs) for ours, theirs in pairs), (name, told, other[name])
    gold, usual = (of_queue(stays, name).wait for name in arrivals)
    assert gold.mean + gold.off < usual.mean - usual.off


@pytest.mark.slow
def test_agents_of_several_skills_are_one_pool_or_two_as_their_profiles_say():
    """Skills that do not overlap are queues of their own; agents with both are one, first come."""
    rate = 2.5 / SERVICE
    apart = simulated(
        {"one": (3, ONE), "two": (3, (Row(queue="help"),))}, {"sales": rate, "help": rate}, 5_000
    )
    truth = erlang_a(3, rate, 1 / SERVICE, 1 / PATIENCE)
    for name in ("sales", "help"):
        told = of_queue(apart, name)
        assert told.wait.holds(truth.wait), (told, truth)
        assert told.abandoned.holds(truth.abandoned), (told, truth)
    both = (Row(queue="sales"), Row(queue="help"))
    pooled = simulated({"all": (6, both)}, {"sales": rate, "help": rate}, 5_000)
    told = found([(each.wait / SECOND, each.served) for each in sorted(pooled)])
    truth = erlang_a(6, 2 * rate, 1 / SERVICE, 1 / PATIENCE)
    assert told.wait.holds(truth.wait), (told, truth)
    assert told.abandoned.holds(truth.abandoned), (told, truth)
