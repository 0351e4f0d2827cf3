"""The simulator: customers a second beside Ciw and SimPy, all in one run.

M/M/100+M: 100 agents, calls at random at 105 % of what they can do, exponential service and
patience. Ciw and SimPy move a token from its arrival to its departure, and so does the sketch
(simulator.sketch), with the figures of its half hours. The engine takes each as a call, with its
flows, its ring, its whispers and the facts of its record. Figures are CPU time, without the making
of the model, the best of three times in turn.

Before anything is told they must tell the same: the sketch what the engine does, contact by
contact; Ciw and SimPy, which draw their own chance, the same mean wait and share of those who give
up, within confidence intervals of 99.9 % (means of batches).
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from statistics import fmean, stdev
from time import process_time
from typing import Any, NamedTuple

import ciw
import simpy

from ringfloor.base.ids import generator
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.simulator.distributions import exponential
from ringfloor.simulator.scenario import Callers, Group, Profile, Queue, Row, Scenario
from ringfloor.simulator.simulation import Simulation
from ringfloor.simulator.sketch import sketch, stays

AGENTS, SERVICE, PATIENCE = 100, 180.0, 360.0
RATE = 1.05 * AGENTS / SERVICE
START = 1_763_280_000_000
HOURS, OTHERS_HOURS = 2, 30
TIMES = 3
BATCHES, STUDENT = 20, 3.883
"""Student's t of 19 degrees of freedom, two-sided, 99.9 %."""

Wait = tuple[float, bool]
"""Seconds in queue, and whether he gave up."""


class Played(NamedTuple):
    """customers: how many came; spent: seconds of CPU; waits: in the order in which they came."""

    customers: int
    spent: float
    waits: Sequence[Wait]

    @property
    def rate(self) -> float:
        return self.customers / self.spent

    @property
    def abandoned(self) -> float:
        return fmean(gone for _, gone in self.waits)


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def scenario(hours: int) -> Scenario:
    return Scenario(
        name="benchmark",
        start=START,
        end=START + hours * HOUR,
        queues={"line": Queue(handle=exponential(SERVICE))},
        profiles={"all": Profile(rows=(Row(queue="line"),), concurrency={"VOICE": 1})},
        groups={"all": Group(count=AGENTS, profile="all")},
        callers={
            "all": Callers(
                arrivals=dict.fromkeys(range(0, 24 * 60, 30), RATE * 30 * MINUTE / SECOND),
                queue="line",
                patience=exponential(PATIENCE),
            )
        },
    )


def _waits(of: Scenario) -> list[Wait]:
    """As the sketch has them."""
    return [
        (((each.answered or each.ended or 0) - each.entered) / SECOND, each.answered is None)
        for each in stays(of)
    ]


def with_engine() -> Played:
    short = scenario(HOURS)
    simulation = Simulation(short)
    spent = _timed(simulation.run)
    people, told = simulation.people, sketch(short)
    found = people.came, people.abandoned, simulation.until
    assert found == (told.came, told.total().abandoned, told.until), "the sketch is another"
    return Played(people.came, spent, _waits(short))


def with_sketch() -> Played:
    long = scenario(OTHERS_HOURS)
    spent = _timed(lambda: sketch(long))
    waits = _waits(long)
    return Played(len(waits), spent, waits)


def with_ciw() -> Played:
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=RATE)],
        service_distributions=[ciw.dists.Exponential(rate=1 / SERVICE)],
        reneging_time_distributions=[ciw.dists.Exponential(rate=1 / PATIENCE)],
        number_of_servers=[AGENTS],
    )
    ciw.seed(1)
    played = ciw.Simulation(network)
    spent = _timed(lambda: played.simulate_until_max_time(OTHERS_HOURS * HOUR / SECOND))
    records = sorted(played.get_all_records(), key=lambda each: each.arrival_date)
    waits = [(each.waiting_time, each.record_type == "renege") for each in records]
    return Played(len(waits), spent, waits)


def with_simpy() -> Played:
    world, dice = simpy.Environment(), generator(1)
    agents = simpy.Resource(world, AGENTS)
    left: list[tuple[float, float, bool]] = []

    def customer() -> Iterator[Any]:
        came = world.now
        with agents.request() as mine:
            yield mine | world.timeout(dice.expovariate(1 / PATIENCE))
            left.append((came, world.now - came, not mine.triggered))
            if mine.triggered:
                yield world.timeout(dice.expovariate(1 / SERVICE))

    def source() -> Iterator[Any]:
        while True:
            yield world.timeout(dice.expovariate(RATE))
            world.process(customer())

    world.process(source())
    spent = _timed(lambda: world.run(until=OTHERS_HOURS * HOUR / SECOND))
    return Played(len(left), spent, [(wait, gone) for _, wait, gone in sorted(left)])


PLAYERS: dict[str, Callable[[], Played]] = {
    "Ringfloor": with_engine,
    "its sketch": with_sketch,
    "SimPy": with_simpy,
    "Ciw": with_ciw,
}


def _estimate(values: Sequence[float]) -> tuple[float, float]:
    """The mean once the center has filled, and how far it may be off."""
    settled = values[len(values) // 10 :]
    size = len(settled) // BATCHES
    means = [fmean(settled[at * size : (at + 1) * size]) for at in range(BATCHES)]
    return fmean(means), STUDENT * stdev(means) / sqrt(BATCHES)


def _agree(one: Played, other: Played, name: str) -> None:
    for at, what in enumerate(("mean wait", "share that gives up")):
        (mine, off), (theirs, theirs_off) = (
            _estimate([each[at] for each in played.waits]) for played in (one, other)
        )
        assert abs(mine - theirs) <= sqrt(off**2 + theirs_off**2), (
            f"{what}: {mine} and, by {name}, {theirs}"
        )


def run() -> list[str]:
    rounds = [{name: play() for name, play in PLAYERS.items()} for _ in range(TIMES)]
    best = {name: min((each[name] for each in rounds), key=lambda it: it.spent) for name in PLAYERS}
    for name in ("SimPy", "Ciw"):
        _agree(best["its sketch"], best[name], name)
    lines = [
        f"{name}: {each.rate:,.0f} customers/s, {each.abandoned:.1%} of {each.customers:,} gave up,"
        f" mean wait {fmean(wait for wait, _ in each.waits):.1f} s"
        for name, each in best.items()
    ]
    for ours in ("Ringfloor", "its sketch"):
        for name in ("Ciw", "SimPy"):
            ratio = best[ours].rate / best[name].rate
            lines.append(f"{ours} plays {ratio:.3g} times as many as {name}")
    return lines


if __name__ == "__main__":
    print("\n".join(run()))
