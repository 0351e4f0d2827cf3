"""Population: who calls when, and which agents are at work when; all of it known beforehand.

Arrivals at random are a Poisson process whose rate follows the curve: one stream of exponential
steps for each group of callers, laid along the expected number of arrivals. So a changed curve
moves the same callers, and nothing else of a scenario moves them at all.
"""

from collections.abc import Iterator
from math import log

from ringfloor.base.time import Instant
from ringfloor.simulator.chance import Chance
from ringfloor.simulator.scenario import Callers, Group, Scenario, curve, spans

AVAILABLE, OFFLINE = "Available", "Offline"


def arrivals(scenario: Scenario, name: str, callers: Callers, chance: Chance) -> Iterator[Instant]:
    """The instants at which callers of this group come, in order."""
    step, evenly = chance.deal(f"callers/{name}", "arrivals"), callers.evenly
    wanted = 0.5 if evenly else -log(1 - step())
    before = 0.0
    for begins, ends, coming in curve(scenario, callers):
        lasts, most = ends - begins, before + coming
        while wanted <= most:
            yield begins + int((wanted - before) / coming * lasts)
            wanted += 1.0 if evenly else -log(1 - step())
        before = most


def expected(scenario: Scenario) -> float:
    """How many callers there will be, on average."""
    return sum(
        part.expected for each in scenario.callers.values() for part in curve(scenario, each)
    )


def presence(scenario: Scenario, group: Group) -> list[tuple[Instant, str]]:
    """When an agent of the group takes which status, in the order of time."""
    if not group.shifts:
        return [(scenario.start, AVAILABLE)]
    marks: dict[Instant, str] = {}
    for shift in group.shifts:
        breaks = [(off, each.status) for each in shift.breaks for off in spans(scenario, each)]
        for work in spans(scenario, shift.work):
            marks[work.begins] = AVAILABLE
            marks.setdefault(work.ends, OFFLINE)
            for off, status in breaks:
                begins, ends = max(off.begins, work.begins), min(off.ends, work.ends)
                if begins < ends:
                    marks[begins] = status
                    if ends < work.ends:
                        marks[ends] = AVAILABLE
    return sorted(marks.items())
