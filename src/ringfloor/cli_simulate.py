"""CLI for simulations: `ringfloor simulate`, which lets a scenario happen on virtual time.

Called by cli, which gives it a parser. The center is the real engine, the figures are the answers
of GetMetricData and GetMetricDataV2 of the simulated time; ringfloor.report makes the page of them,
as of a running server's.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from msgspec import json, to_builtins
from msgspec.structs import replace

from ringfloor.base.errors import Fault
from ringfloor.base.time import iso_milliseconds, stopwatch
from ringfloor.report import answers, asking, words
from ringfloor.report.contents import Figures, Report
from ringfloor.simulator import scenario_file
from ringfloor.simulator.office import Office
from ringfloor.simulator.simulation import Simulation

DESCRIPTION = """\
Lets the scenario of a TOML file happen: callers with patience, agents with shifts, and the real
engine between them, on virtual time. The same file and seed always give the same. Prints what a
report of that time shows, as GetMetricDataV2 answers it; docs/simulator.md describes the file.

  ringfloor simulate monday.toml
  ringfloor simulate monday.toml --html monday.html --json monday.json
  ringfloor simulate monday.toml --seed 2 --json - | jq .totals"""

MISSING = "pages are drawn by Matplotlib, which is not installed: pip install 'ringfloor[report]'"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml", help="what is to happen")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of its chance [the scenario's own, or 1]"
    )
    parser.add_argument("--html", metavar="FILE", help="also write the page of a report")
    parser.add_argument(
        "--json", metavar="FILE", help="also write all figures; - instead of a table"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Simulate and tell; raises Fault."""
    scenario = scenario_file.load(options.scenario)
    if options.seed is not None:
        if not 0 <= options.seed <= scenario_file.SEED_MAX:
            raise Fault(f"--seed: {options.seed} is not 0 to {scenario_file.SEED_MAX}")
        scenario = replace(scenario, seed=options.seed)
    page = _page() if options.html else None
    elapsed = stopwatch()
    simulation = Simulation(scenario)
    bar = Bar(sys.stderr)
    simulation.run(bar.show)
    took = elapsed()
    bar.end()
    with Office(simulation) as office:
        report = told(office)
        if options.json:
            _write(
                "--json", options.json, json.format(json.encode(figures(office, report))).decode()
            )
    if page is not None:
        _write("--html", options.html, page(report))
    if options.json != "-" and options.html != "-":
        for line in [*lines(report), "", *_about(simulation, took)]:
            print(line)
    return 0


def _page() -> Any:  # noqa: ANN401  a function of an extra
    try:
        from ringfloor.report.page import page  # noqa: PLC0415  needs an extra
    except ImportError as error:
        raise Fault(MISSING) from error
    return page


def _write(option: str, name: str, text: str) -> None:
    if name == "-":
        sys.stdout.write(f"{text}\n")
        return
    try:
        Path(name).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise Fault(f"{option}: {name} cannot be written: {error.strerror}") from error


class Bar:
    """A line on a terminal while a simulation runs."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._elapsed = stopwatch()
        self._shown = False

    def show(self, part: float) -> None:
        """So much of the time is over, 0 to 1."""
        passed = self._elapsed()
        if not self._out.isatty() or passed < 0.5:
            return
        self._shown = True
        left = passed / part - passed
        self._out.write(
            f"\rsimulating [{'#' * round(30 * part):<30}] {part:4.0%}, {left:3.0f} s left "
        )
        self._out.flush()

    def end(self) -> None:
        """The line is no longer needed."""
        if self._shown:
            self._out.write("\n")


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
        "agents": [
            {name: each for name, each in to_builtins(agent).items() if not isinstance(each, list)}
            for agent in report.agents
        ],
        "GetMetricData": office.metric_data(),
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


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    most = max(map(len, rows))
    filled = [[words.plain(each) for each in row] + [""] * (most - len(row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*filled, strict=True)]
    for row in filled:
        first, *others = (each.rjust(width) for each, width in zip(row, widths, strict=True))
        yield "  ".join([first.strip().ljust(widths[0]), *others]).rstrip()


def _about(simulation: Simulation, took: float) -> Iterator[str]:
    people, work = simulation.people, simulation.work
    again = f", {people.repeated:,} of them once more" if people.repeated else ""
    yield (
        f"{people.came:,} came{again}; {work.happened:,} events in {took:.1f} s"
        f" ({people.came / took:,.0f} contacts/s); seed {simulation.scenario.seed}"
    )
    if simulation.left:
        yield f"{simulation.left:,} were still there at the end, and are in no figure but arrivals"
