"""The simulator: customers a second beside Ciw and SimPy, all in one run.

M/M/100+M: 100 agents, calls at random at 105 % of what they can do, exponential service and
patience. Ciw and SimPy move a token from its arrival to its departure; the simulator has the real
engine take each as a call, with its flows, its ring, its whispers and the facts of its record. Each
plays the same minutes of the same center; figures are CPU time, without the making of the center.
"""

import gc
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any, NamedTuple

import ciw
import simpy

from ringfloor.base.ids import generator
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.simulator.distributions import exponential
from ringfloor.simulator.scenario import Callers, Group, Profile, Queue, Row, Scenario
from ringfloor.simulator.simulation import Simulation

AGENTS, SERVICE, PATIENCE = 100, 180.0, 360.0
RATE = 1.05 * AGENTS / SERVICE
START = 1_763_280_000_000
HOURS, OTHERS_HOURS = 3, 30


class Played(NamedTuple):
    """customers: how many came; abandoned: the share that gave up; spent: seconds of CPU."""

    customers: int
    abandoned: float
    spent: float

    @property
    def rate(self) -> float:
        return self.customers / self.spent


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def with_ringfloor() -> Played:
    simulation = Simulation(
        Scenario(
            name="benchmark",
            start=START,
            end=START + HOURS * HOUR,
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
    )
    spent = _timed(simulation.run)
    people = simulation.people
    return Played(people.came, people.abandoned / people.came, spent)


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
    left = [each.record_type for each in played.get_all_records()]
    return Played(len(left), left.count("renege") / len(left), spent)


def with_simpy() -> Played:
    world, dice = simpy.Environment(), generator(1)
    agents = simpy.Resource(world, AGENTS)
    ends = {True: 0, False: 0}

    def customer() -> Iterator[Any]:
        with agents.request() as mine:
            yield mine | world.timeout(dice.expovariate(1 / PATIENCE))
            ends[mine.triggered] += 1
            if mine.triggered:
                yield world.timeout(dice.expovariate(1 / SERVICE))

    def source() -> Iterator[Any]:
        while True:
            yield world.timeout(dice.expovariate(RATE))
            world.process(customer())

    world.process(source())
    spent = _timed(lambda: world.run(until=OTHERS_HOURS * HOUR / SECOND))
    count = sum(ends.values())
    return Played(count, ends[False] / count, spent)


def run() -> list[str]:
    ours, theirs = with_ringfloor(), {"Ciw": with_ciw(), "SimPy": with_simpy()}
    lines = [
        f"{name}: {each.rate:,.0f} customers/s, {each.abandoned:.1%} of {each.customers:,} gave up"
        for name, each in {"Ringfloor": ours, **theirs}.items()
    ]
    for name, each in theirs.items():
        lines.append(f"Ringfloor plays {ours.rate / each.rate:.3f} times as many as {name}")
    return lines


if __name__ == "__main__":
    print("\n".join(run()))
