"""CLI for simulations: `ringfloor simulate`, which lets a scenario happen on virtual time.

Called by cli, which gives it a parser. The center is the real engine, the figures are the answers
of GetMetricData and GetMetricDataV2 of the simulated time; ringfloor.report makes the page of them,
as of a running server's. Of several replications the means and their intervals are told.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from msgspec import json, to_builtins
from msgspec.structs import replace

from ringfloor.base.errors import Fault
from ringfloor.base.limits import SIMULATED_REPLICATIONS_MAX
from ringfloor.base.time import iso_milliseconds, stopwatch
from ringfloor.output import NO_PLOTS, Line, bar, check, table, write
from ringfloor.report import answers, asking, sketched, words
from ringfloor.report.contents import Figures, Repeated, Report
from ringfloor.simulator import intervals, scenario_file, workers
from ringfloor.simulator import sketch as sketching
from ringfloor.simulator.intervals import Interval
from ringfloor.simulator.office import Office
from ringfloor.simulator.scenario import Scenario
from ringfloor.simulator.simulation import Progress, Simulation
from ringfloor.simulator.sketch import Sketch, why_not

DESCRIPTION = """\
Lets the scenario of a TOML file happen: callers with patience, agents with shifts, and the real
engine between them, on virtual time. The same file and seed always give the same. Prints what a
report of that time shows, as GetMetricDataV2 answers it; docs/simulator.md describes the file.

  ringfloor simulate monday.toml
  ringfloor simulate monday.toml --html monday.html --json monday.json
  ringfloor simulate monday.toml --seed 2 --json - | jq .totals

One day is one throw of the dice. --replications lets so many happen, with seeds that follow each
other, and tells of each figure the mean and how far it may be from that of all days there could be
(95 %, Student's t); they are spread over the processors.

  ringfloor simulate monday.toml --replications 20

--sketch leaves the engine away and plays who waits for whom alone, 60 to 250 times as fast: the
same callers, the same waits to the millisecond, the same table; no percentiles, no agents' days.
It is refused where the scenario has what only the engine knows, such as flows, chats and tasks.

  ringfloor simulate monday.toml --sketch --replications 1000"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml", help="what is to happen")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of its chance [the scenario's own, or 1]"
    )
    parser.add_argument(
        "--replications", type=int, default=1, metavar="N", help="how often, seed by seed [1]"
    )
    parser.add_argument(
        "--sketch", action="store_true", help="only who waits for whom, without the engine"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes for them [one for each processor]"
    )
    parser.add_argument(
        "--html", metavar="FILE", help="also write the page of a report (of the first replication)"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="also write all figures; - instead of a table"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Simulate and tell; raises Fault."""
    scenario = scenario_file.load(options.scenario)
    seeds = _seeds(options, scenario)
    reason = why_not(scenario) if options.sketch else None
    if reason is not None:
        raise Fault(f"--sketch: {reason}")
    count = workers.processors() if options.workers is None else options.workers
    if count < 1:
        raise Fault(f"--workers: {count} is not 1 or more")
    page = _page() if options.html else None
    check("--json", options.json)
    check("--html", options.html)
    elapsed = stopwatch()
    progress = Bar(sys.stderr)
    wanted = [Wanted(options.scenario, seed, seed == seeds[0], options.sketch) for seed in seeds]
    try:
        done = workers.spread(replicated, wanted, count, progress.show)
    finally:
        progress.end()
    took = elapsed()
    report = done[0].report
    assert report is not None
    if len(done) > 1:
        report = replace(report, repeated=_repeated(done, report))
    if options.json:
        write("--json", options.json, json.format(json.encode(_figures(done))).decode())
    if page is not None:
        write("--html", options.html, page(report))
    if options.json != "-" and options.html != "-":
        told = lines(report) if len(done) == 1 else _interval_lines(done, report)
        for line in [*told, "", *_about(done, took)]:
            print(line)
    return 0


def _seeds(options: argparse.Namespace, scenario: Scenario) -> range:
    count = options.replications
    if not 1 <= count <= SIMULATED_REPLICATIONS_MAX:
        raise Fault(f"--replications: {count} is not 1 to {SIMULATED_REPLICATIONS_MAX}")
    first = scenario.seed if options.seed is None else options.seed
    if not 0 <= first <= scenario_file.SEED_MAX - count:
        raise Fault(f"--seed: {first} is not 0 to {scenario_file.SEED_MAX - count}")
    return range(first, first + count)


class Wanted(NamedTuple):
    """One replication. shown: whether its report is; sketch: whether it is one."""

    scenario: Path
    seed: int
    shown: bool
    sketch: bool


class Replication(NamedTuple):
    """What came of one. figures: see figures; report: if it is shown."""

    figures: dict[str, Any]
    report: Report | None


def replicated(wanted: Wanted, progress: Progress) -> Replication:
    """Simulate once; in a process of its own if there are several."""
    scenario = replace(scenario_file.load(wanted.scenario), seed=wanted.seed)
    if wanted.sketch:
        sketch = sketching.sketch(scenario, counted="ended")
        report = sketched.made(sketch, scenario)
        found = _sketched_figures(sketch, scenario, report)
        return Replication(found, report if wanted.shown else None)
    simulation = Simulation(scenario)
    simulation.run(progress)
    with Office(simulation) as office:
        report = told(office)
        return Replication(figures(office, report), report if wanted.shown else None)


def _page() -> Any:  # noqa: ANN401  a function of an extra
    try:
        from ringfloor.report.page import page  # noqa: PLC0415  needs an extra
    except ImportError as error:
        raise Fault(NO_PLOTS) from error
    return page


class Bar:
    """A line on a terminal while a simulation runs."""

    def __init__(self, out: TextIO) -> None:
        self._line = Line(out, after=0.5)

    def show(self, part: float) -> None:
        """So much of the time is over, 0 to 1."""
        passed = self._line.due() if part else None
        if passed is not None:
            left = passed / part - passed
            self._line.show(f"simulating {bar(part)}, {left:3.0f} s left")

    def end(self) -> None:
        """The line is no longer needed."""
        self._line.end()


# What came of it


def told(office: Office) -> Report:
    """A report of the simulated time."""
    plan = office.report()
    thresholds = office.simulation.scenario.thresholds
    report = answers.made(plan, thresholds, asking.results(office, plan, thresholds))
    return replace(report, source=f"simulation of {plan['InstanceAlias']}")


def figures(office: Office, report: Report) -> dict[str, Any]:
    """All of it as JSON: times ISO 8601, lengths in seconds, shares in percent."""
    simulation = office.simulation
    scenario, people = simulation.scenario, simulation.people
    return {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "start": iso_milliseconds(scenario.start),
        "end": iso_milliseconds(scenario.end),
        "until": iso_milliseconds(simulation.until),
        "attempts": people.came,
        "repeated": people.repeated,
        "gave_up": people.abandoned,
        "left": simulation.left,
        "too_late": dict(simulation.work.refused),
        "commands": simulation.work.stepped,
        "events": simulation.work.happened,
        **_of_report(report),
        "agents": [
            {name: each for name, each in to_builtins(agent).items() if not isinstance(each, list)}
            for agent in report.agents
        ],
        "GetMetricData": office.metric_data(),
    }


def _sketched_figures(sketch: Sketch, scenario: Scenario, report: Report) -> dict[str, Any]:
    """The same of a sketch, as far as it knows them."""
    return {
        "scenario": scenario.name,
        "sketch": True,
        "seed": sketch.seed,
        "start": iso_milliseconds(sketch.start),
        "end": iso_milliseconds(sketch.end),
        "until": iso_milliseconds(sketch.until),
        "attempts": sketch.came,
        "repeated": sketch.repeated,
        "gave_up": sketch.total().abandoned,
        "left": sketch.still_there,
        **_of_report(report),
    }


def _of_report(report: Report) -> dict[str, Any]:
    return {
        "thresholds_seconds": list(report.thresholds),
        "percentiles": list(report.percentiles),
        "totals": to_builtins(report.totals),
        "waits": to_builtins(report.all_waits),
        "occupancy": report.occupancy,
        "queues": {each.name: to_builtins(each.figures) for each in report.queues},
        "cells": [
            {
                **to_builtins(cell),
                "start": iso_milliseconds(cell.start),
                "end": iso_milliseconds(cell.end),
            }
            for cell in report.cells
        ],
    }


def lines(report: Report) -> Iterator[str]:
    """The table."""
    yield f"{report.source}, {words.span(report.start, report.end, report.zone)} ({report.zone})"
    yield ""
    levels = [f"< {each} s" for each in report.thresholds]
    head = ["", "arrivals", "answered", "abandoned", *levels, "answer", "longest", "handle"]
    rows = [[each.name, *_cells(each.figures)] for each in report.queues]
    yield from _table([head, *rows, ["all queues", *_cells(report.totals)]])
    yield ""
    busy = [
        (words.clock(cell.start, report.zone), cell)
        for cell in report.cells
        if cell.figures != Figures() or cell.occupancy is not None
    ]
    head = [report.cell_words, "arrivals", "answered", "abandoned", *levels, "answer", "occupancy"]
    yield from _table(
        [
            head,
            *([at, *_cells(cell.figures)[:-2], words.percent(cell.occupancy)] for at, cell in busy),
        ]
    )
    yield ""
    yield f"occupancy {words.percent(report.occupancy)}"
    if report.all_waits is not None and report.all_waits.contacts:
        parts = zip(report.percentiles, report.all_waits.seconds, strict=False)
        yield "waits: " + ", ".join(
            f"{words.percentile(number)} {words.duration(wait)}" for number, wait in parts
        )


def _cells(told: Figures) -> list[str]:
    return [
        f"{told.arrivals:,}",
        f"{told.answered:,}",
        f"{told.abandoned:,}",
        *map(words.percent, told.service_levels),
        words.duration(told.answer_seconds_average),
        words.duration(told.wait_seconds_max),
        words.duration(told.handle_seconds_average),
    ]


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    return table([words.plain(each).strip() for each in row] for row in rows)


def _about(done: Sequence[Replication], took: float) -> Iterator[str]:
    def total(name: str) -> int:
        return sum(int(each.figures[name]) for each in done)

    came, seeds = total("attempts"), [each.figures["seed"] for each in done]
    again = f", {total('repeated'):,} of them once more" if total("repeated") else ""
    named = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    sketch = "sketch" in done[0].figures
    lived = "sketched, without the engine," if sketch else f"{total('events'):,} events"
    yield (
        f"{came:,} came{again}; {lived} in {took:.1f} s ({came / took:,.0f} contacts/s); {named}"
    )
    if total("left"):
        yield f"{total('left'):,} were still there at the end, and are in no figure but arrivals"


# Of several replications


def _figures(done: Sequence[Replication]) -> dict[str, Any]:
    """What --json writes: the figures, or those of all replications with their intervals."""
    if len(done) == 1:
        return done[0].figures
    return {
        "scenario": done[0].figures["scenario"],
        "seeds": [each.figures["seed"] for each in done],
        "level_percent": 100 * intervals.LEVEL,
        "intervals": to_builtins(_intervals(done)),
        "replications": [each.figures for each in done],
    }


REPEATED = ("attempts", "repeated", "gave_up", "left", "totals", "waits", "occupancy", "queues")
"""Of the figures, what has an interval; and the cells, by their start."""


def _intervals(done: Sequence[Replication]) -> dict[str, Any]:
    trees = []
    for each in done:
        cells = {cell["start"]: cell for cell in each.figures["cells"]}
        trees.append({**{name: each.figures[name] for name in REPEATED}, "cells": cells})
    found: dict[str, Any] = intervals.together(trees)
    return found


def _interval_heads(report: Report) -> list[str]:
    levels = [f"< {each} s (%)" for each in report.thresholds]
    times = ["answer (s)", "longest (s)", "handle (s)"]
    return ["", "arrivals", "answered", "abandoned", *levels, *times]


def _interval_cells(told: Mapping[str, Any], levels: int) -> list[str]:
    """told: intervals of report.contents.Figures."""
    shares = told.get("service_levels") or [None] * levels
    times = ("answer_seconds_average", "wait_seconds_max", "handle_seconds_average")
    counts = ("arrivals", "answered", "abandoned")
    found = [
        *(told.get(name) for name in counts),
        *shares,
        *(told.get(name) for name in times),
    ]
    return list(map(_plus_minus, found))


def _plus_minus(told: Interval | None) -> str:
    if told is None:
        return words.NOTHING
    return f"{told.mean:,.1f}" + (
        "" if told.off is None else f" \N{PLUS-MINUS SIGN} {told.off:,.1f}"
    )


def _repeated(done: Sequence[Replication], report: Report) -> Repeated:
    """By queue, as a page shows it."""
    found = _intervals(done)
    by_name = {**found["queues"], "all queues": found["totals"]}
    level = f"{100 * intervals.LEVEL:.0f} %"
    return Repeated(
        f"Means of {len(done)} replications and their {level} intervals; below is the first",
        tuple(_interval_heads(report)),
        tuple(
            (name, *_interval_cells(each, len(report.thresholds))) for name, each in by_name.items()
        ),
    )


def _interval_lines(done: Sequence[Replication], report: Report) -> Iterator[str]:
    """The table of several replications."""
    found, levels = _intervals(done), len(report.thresholds)
    yield f"{report.source}, {words.span(report.start, report.end, report.zone)} ({report.zone})"
    yield f"{len(done)} replications: means and their {100 * intervals.LEVEL:.0f} % intervals"
    yield ""
    assert report.repeated is not None
    yield from _table([report.repeated.heads, *report.repeated.rows])
    yield ""
    names = {iso_milliseconds(each.start): each.start for each in report.cells}
    rows = [
        [
            words.clock(names[start], report.zone),
            *_interval_cells(cell["figures"], levels)[:-2],
            _plus_minus(cell.get("occupancy")),
        ]
        for start, cell in found["cells"].items()
        if start in names
    ]
    head = [report.cell_words, *_interval_heads(report)[1:-2], "occupancy (%)"]
    yield from _table([head, *rows])
    yield ""
    yield f"occupancy (%): {_plus_minus(found.get('occupancy'))}"
    waits = found.get("waits", {}).get("seconds", [])
    if waits:
        parts = zip(report.percentiles, waits, strict=False)
        told = (f"{words.percentile(number)} {_plus_minus(each)}" for number, each in parts)
        yield f"waits (s): {', '.join(told)}"
