"""Sketched: a report of a sketch (simulator.sketch), for those who read reports.

Called by cli_simulate. The figures mean what those of a simulation do, if the sketch counts
contacts when they have ended; but the sketch has no percentiles of waits, and no agents' days.
"""

from ringfloor.base.time import HALF_HOUR, SECOND, Instant
from ringfloor.report.answers import CELL_WORDS
from ringfloor.report.contents import Cell, Figures, Queue, Report
from ringfloor.simulator.scenario import Scenario
from ringfloor.simulator.sketch import Figures as Sketched
from ringfloor.simulator.sketch import Sketch


def made(sketch: Sketch, scenario: Scenario) -> Report:
    """The report of the whole sketch."""
    return Report(
        source=f"sketch of {scenario.name}",
        zone=scenario.zone,
        start=sketch.start,
        end=sketch.until,
        made_at=sketch.until,
        cell_words=CELL_WORDS["THIRTY_MIN"],
        thresholds=sketch.thresholds,
        percentiles=(),
        cells=tuple(_cell(sketch, start) for start in range(sketch.start, sketch.until, HALF_HOUR)),
        totals=_figures(sketch.total()),
        occupancy=_percent(sketch.occupancy()),
        queues=tuple(Queue(name, _figures(sketch.total(queue=name))) for name in scenario.queues),
        channels=("VOICE",),
        profiles=tuple(scenario.profiles),
        day_start=sketch.start,
        day_end=sketch.until,
    )


def _cell(sketch: Sketch, start: Instant) -> Cell:
    return Cell(
        start=start,
        end=start + HALF_HOUR,
        figures=_figures(sketch.total(start=start)),
        occupancy=_percent(sketch.occupancy(start=start)),
    )


def _figures(told: Sketched) -> Figures:
    left = told.answered + told.abandoned
    return Figures(
        arrivals=told.arrivals,
        answered=told.answered,
        abandoned=told.abandoned,
        service_levels=tuple(100 * each / left if left else None for each in told.within),
        answer_seconds_average=told.answer_seconds,
        handle_seconds_average=told.handle_ms / SECOND / told.answered if told.answered else None,
        wait_seconds_max=told.longest_ms / SECOND if left else None,
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
