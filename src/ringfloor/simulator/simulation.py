"""Simulation: a scenario from its start until nobody is left.

Called by the commands that simulate, by tests and by benchmarks. After the end of the scenario
nobody comes any more, nor calls again; who is there is served by whoever is still at work, for as
long as SIMULATED_OVERTIME_MS at most.
"""

from collections.abc import Callable

from ringfloor.base.limits import SIMULATED_OVERTIME_MS
from ringfloor.base.time import HALF_HOUR, Instant
from ringfloor.simulator.building import build
from ringfloor.simulator.clockwork import Clockwork, Kept
from ringfloor.simulator.people import People
from ringfloor.simulator.scenario import Scenario
from ringfloor.simulator.world import World

Progress = Callable[[float], None]
"""Told how much of the time is over, 0 to 1."""


PARTS = 200
"""Into which the time is cut, so that progress can be shown."""


class Simulation:
    """One scenario, being simulated."""

    def __init__(self, scenario: Scenario, kept: Kept | None = None) -> None:
        """kept: who keeps all that happens; None: nobody."""
        self.scenario = scenario
        self.work = Clockwork(scenario.seed, scenario.start, scenario.name, kept)
        self.people = People(self.work, scenario, build(self.work, scenario))
        self.world = World(self.people, scenario.speech)
        self.work.perform = self.world.perform
        self.people.arrange()

    @property
    def until(self) -> Instant:
        """When the last of it was over, at a full or half hour."""
        return self.work.now

    def run(self, progress: Progress = lambda _part: None) -> None:
        """All of it."""
        start, end = self.scenario.start, self.scenario.end
        for number in range(1, PARTS + 1):
            self.work.run(start + (end - start) * number // PARTS)
            progress(number / PARTS)
        while self.work.center.contacts and self.work.now < end + SIMULATED_OVERTIME_MS:
            self.work.run(self.work.now + HALF_HOUR)
        self.work.keep()

    @property
    def left(self) -> int:
        """Contacts that are still there."""
        return len(self.work.center.contacts)
