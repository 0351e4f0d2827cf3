"""CLI for staff: `ringfloor staff`, how many agents a scenario needs in each half hour.

Called by cli, which gives it a parser. The search is simulator.staffing's; here are its options,
what it is told of, and what is told of it.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil
from os.path import relpath
from pathlib import Path
from typing import Any

from msgspec import json
from msgspec.structs import replace

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    FORECAST_FILE_BYTES_MAX,
    STAFF_DAYS_MAX,
    STAFF_ENGINE_DAYS_MAX,
    THRESHOLD_SECONDS_MAX,
)
from ringfloor.base.time import DAY, HALF_HOUR, Instant
from ringfloor.client import Progress
from ringfloor.forecast import file
from ringfloor.forecast.history import FIRST_YEAR, LAST_YEAR
from ringfloor.output import NO_PLOTS, table, write
from ringfloor.report import words
from ringfloor.report.contents import Cell
from ringfloor.simulator import scenario_file, scenario_writer
from ringfloor.simulator.scenario import Callers, Scenario, Shift, moment
from ringfloor.simulator.staffing.erlang import Target
from ringfloor.simulator.staffing.search import Aim, Found, clock_words, found
from ringfloor.simulator.staffing.trials import Reached, Result, levels, starts

DESCRIPTION = """\
Says how many agents of each group a scenario needs in every half hour, so that so many of those who
come are answered in time and so few give up. Erlang A gives the first guess; then whole days are
simulated with the scenario's queues, skills, priorities and repeated calls, and agents are added
where a target is missed and taken away where there is slack. At the end the real engine plays the
plan, and what it says is printed. Shifts and counts of the scenario's agents are not looked at;
their groups, profiles, pace and manners are.

  ringfloor staff monday.toml --service-level 80 --within 20 --abandoned 5
  ringfloor forecast --instance ID --queue claims --json claims.json
  ringfloor staff monday.toml --forecast customers=claims.json --date 2026-11-23 \\
      --shrinkage 30 --write staffed.toml --html staffed.html

docs/staffing.md says more; docs/simulator.md describes the file."""

GROUPS_DRAWN = 3
"""Beside all agents and the first guess; more lines cannot be told apart. The table has all."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml", help="who comes, who works")
    parser.add_argument(
        "--forecast",
        action="append",
        default=[],
        metavar="[CALLERS=]FILE",
        help="arrivals of these callers: what `ringfloor forecast --json` wrote; may be repeated",
    )
    parser.add_argument(
        "--date", type=_date, metavar="DATE", help="the day to plan [that of the scenario]"
    )
    parser.add_argument(
        "--service-level",
        type=float,
        default=80.0,
        metavar="PERCENT",
        help="of who comes is to be answered in time, at least [%(default)g]",
    )
    parser.add_argument(
        "--within", type=int, default=20, metavar="SECONDS", help="is in time [%(default)s]"
    )
    parser.add_argument(
        "--abandoned",
        type=float,
        default=100.0,
        metavar="PERCENT",
        help="of who comes may give up, at most [all]",
    )
    parser.add_argument(
        "--queue",
        action="append",
        default=[],
        metavar="NAME",
        help="whose targets count; may be repeated [all]",
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=90.0,
        metavar="PERCENT",
        help="with which each half hour meets them, 50 to 99.9 [%(default)g]",
    )
    parser.add_argument(
        "--shrinkage",
        type=float,
        default=0.0,
        metavar="PERCENT",
        help="of the time that is paid for is no work: leave, training, breaks [%(default)g]",
    )
    parser.add_argument(
        "--days",
        type=int,
        default=20,
        metavar="N",
        help="that it is found with, and thrice as many that it is held against [%(default)s]",
    )
    parser.add_argument(
        "--engine-days",
        type=int,
        default=3,
        metavar="N",
        help="of the real engine that confirm it; 0: none [%(default)s]",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of its chance [the scenario's, or 1]"
    )
    parser.add_argument("--json", metavar="FILE", help="also write all of it; - instead of a table")
    parser.add_argument("--html", metavar="FILE", help="also write it as a page")
    parser.add_argument(
        "--write", metavar="FILE.toml", help="also write the scenario with these shifts"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search and tell; raises Fault."""
    given = scenario_file.load(options.scenario)
    scenario = _scenario(given, options)
    aim = _aim(scenario, options)
    progress = Progress(sys.stderr, "days simulated")
    bar = _Bar(progress)
    try:
        plan = found(scenario, aim, bar.show)
    finally:
        progress.end()
    told = figures(plan, options.shrinkage / 100)
    if options.json:
        write("--json", options.json, json.format(json.encode(told)).decode())
    if options.html:
        write("--html", options.html, _page(plan, told))
    if options.write:
        write("--write", options.write, _toml(options.scenario, Path(options.write), plan))
    if "-" not in (options.json, options.html, options.write):
        print(*lines(plan, told), sep="\n")
    return 0


class _Bar:
    """Days that were simulated, of whatever kind, as one number."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._days: dict[str, int] = {}

    def show(self, what: str, days: int) -> None:
        self._days[what] = days
        self._progress.show(sum(self._days.values()))


# What is asked


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-20") from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no day of the years {FIRST_YEAR} to {LAST_YEAR}"
        )
    return found


def _between(options: argparse.Namespace, name: str, low: float, high: float) -> float:
    told = getattr(options, name)
    if not low <= told <= high:
        option = name.replace("_", "-")
        raise Fault(f"--{option}: {told:g} is not {low:g} to {high:g}")
    return float(told)


def _aim(scenario: Scenario, options: argparse.Namespace) -> Aim:
    for each in options.queue:
        if each not in scenario.queues:
            known = ", ".join(scenario.queues)
            raise Fault(f"--queue: {each!r} is no queue of the scenario; there are {known}")
    _between(options, "shrinkage", 0, 95)
    return Aim(
        target=Target(
            level=_between(options, "service_level", 0, 99.9) / 100,
            threshold=_between(options, "within", 1, THRESHOLD_SECONDS_MAX),
            abandoned=_between(options, "abandoned", 0, 100) / 100,
        ),
        queues=tuple(dict.fromkeys(options.queue or scenario.queues)),
        confidence=_between(options, "confidence", 50, 99.9) / 100,
        days=round(_between(options, "days", 2, STAFF_DAYS_MAX)),
        engine_days=round(_between(options, "engine_days", 0, STAFF_ENGINE_DAYS_MAX)),
    )


def _scenario(given: Scenario, options: argparse.Namespace) -> Scenario:
    """With its seed, its date and its forecasts."""
    scenario = given
    if options.seed is not None:
        scenario = replace(
            scenario, seed=round(_between(options, "seed", 0, scenario_file.SEED_MAX))
        )
    if options.date is not None:
        scenario = _moved(scenario, options.date)
    for each in options.forecast:
        name, mark, path = each.rpartition("=")
        scenario = _foretold(scenario, name if mark else None, Path(path))
    return scenario


def _moved(scenario: Scenario, day: date) -> Scenario:
    """To another day, at the same times of the clock."""
    first = zones.local(scenario.start, scenario.zone)
    last = zones.local(scenario.end, scenario.zone)

    def on(at: datetime) -> Instant:
        days = (at.date() - first.date()).days
        return moment(day + timedelta(days), at.hour * 60 + at.minute, scenario.zone)

    return replace(scenario, start=on(first), end=on(last))


def _foretold(scenario: Scenario, name: str | None, path: Path) -> Scenario:
    """With the arrivals of a forecast for callers of this name; None: the only ones."""
    if name is None and len(scenario.callers) > 1:
        known = ", ".join(scenario.callers)
        raise Fault(f"--forecast: of which callers is it? CALLERS=FILE, with one of {known}")
    name = name or next(iter(scenario.callers))
    if name not in scenario.callers:
        known = ", ".join(scenario.callers)
        raise Fault(f"--forecast: {name!r} are no callers of the scenario; there are {known}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Fault(f"--forecast: {path} cannot be read: {error.strerror}") from error
    if len(content) > FORECAST_FILE_BYTES_MAX:
        raise Fault(f"--forecast: {path} has more than {FORECAST_FILE_BYTES_MAX} bytes")
    days = file.read(content, str(path))
    arrivals: dict[int, float] = {}
    for start in starts(scenario)[: DAY // HALF_HOUR]:
        local = zones.local(start, scenario.zone)
        cells = days.get(local.date())
        if cells is None:
            there = f"{min(days)} to {max(days)}" if days else "none"
            raise Fault(f"--forecast: {path} says nothing of {local.date()}; its days are {there}")
        minutes = local.hour * 60 + local.minute
        arrivals[minutes] = cells.get(minutes, 0.0)
    callers: dict[str, Callers] = dict(scenario.callers)
    callers[name] = replace(callers[name], arrivals=arrivals)
    return replace(scenario, callers=callers)


# What is told


def figures(plan: Found, shrinkage: float) -> dict[str, Any]:
    """All of it as JSON: shares in percent. shrinkage: a share."""
    aim, scenario = plan.aim, plan.scenario
    counts = {name: [*each] for name, each in plan.plan.items()}
    scheduled = {
        name: [_scheduled(one, shrinkage) for one in each] for name, each in counts.items()
    }
    return {
        "scenario": scenario.name,
        "date": zones.local(scenario.start, scenario.zone).date(),
        "time_zone": scenario.zone,
        "seed": scenario.seed,
        "target": {
            "service_level": 100 * aim.target.level,
            "within_seconds": aim.target.threshold,
            "abandoned": 100 * aim.target.abandoned,
            "confidence": 100 * aim.confidence,
            "queues": list(aim.queues),
        },
        "shrinkage": 100 * shrinkage,
        "days_simulated": plan.days,
        "searched_by_engine_because": plan.why_engine,
        "agent_hours": _hours(counts),
        "agent_hours_scheduled": _hours(scheduled),
        "agent_hours_first_guess": _hours(plan.first_guess),
        "half_hours": [
            {
                "time": clock_words(mark),
                "groups": {
                    name: {
                        "agents": counts[name][number],
                        "scheduled": scheduled[name][number],
                        "first_guess": plan.first_guess[name][number],
                    }
                    for name in counts
                },
                "queues": {
                    name: _reached(cells[number], aim) for name, cells in plan.reached.cells.items()
                },
            }
            for number, mark in enumerate(plan.clocks)
        ],
        "queues": {name: _reached(each, aim) for name, each in plan.reached.totals.items()},
        "engine": None
        if plan.engine is None
        else {
            "days": aim.engine_days,
            "queues": {name: _reached(each, aim) for name, each in plan.engine.totals.items()},
            "half_hours_missed": _missed(plan.engine, plan),
        },
    }


def _scheduled(agents: int, shrinkage: float) -> int:
    """How many must be on the roster so that so many are at work."""
    return ceil(agents / (1 - shrinkage) - 1e-9)


def _hours(counts: Mapping[str, Sequence[int]]) -> float:
    return sum(sum(each) for each in counts.values()) / 2


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def _reached(told: Reached, aim: Aim) -> dict[str, Any]:
    return {
        "arrivals": round(told.arrivals, 2),
        "service_level": _percent(told.level),
        "service_level_low": _percent(told.level_low),
        "abandoned": _percent(told.gone),
        "abandoned_high": _percent(told.gone_high),
        "meets": told.margin(aim.target) >= 0,
    }


def _missed(result: Result, plan: Found) -> list[str]:
    """Half hours of judged queues whose means miss the target."""
    target = plan.aim.target
    return [
        f"{queue} {clock_words(mark)}"
        for queue in plan.aim.queues
        for mark, each in zip(plan.clocks, result.cells[queue], strict=True)
        if each.level is not None
        and (each.level < target.level or (each.gone or 0) > target.abandoned)
    ]


def lines(plan: Found, told: Mapping[str, Any]) -> Iterator[str]:
    """The table, and what is to be said of it."""
    scenario, aim = plan.scenario, plan.aim
    span = words.span(scenario.start, scenario.end, scenario.zone)
    yield f"staff of {scenario.name}, {span} ({scenario.zone})"
    yield _target_words(aim)
    yield ""
    yield from table([words.plain(each) for each in row] for row in _rows(plan, told))
    yield ""
    yield (
        f"agent hours {told['agent_hours']:,.1f}; Erlang A alone"
        f" {told['agent_hours_first_guess']:,.1f}"
        + (
            f"; on the roster {told['agent_hours_scheduled']:,.1f}, with"
            f" {told['shrinkage']:g} % shrinkage"
            if told["shrinkage"]
            else ""
        )
    )
    held = "on days that it was not found with"
    yield from (f"{name}: {_reached_words(each)} {held}" for name, each in told["queues"].items())
    engine = told["engine"]
    if engine is not None:
        for name, each in engine["queues"].items():
            yield f"{name}: {_reached_words(each)} on {engine['days']} days of the engine itself"
        missed = engine["half_hours_missed"]
        yield (
            f"half hours below the target there, by chance or not: {len(missed)}"
            + (f" ({', '.join(missed[:6])}{', ...' if len(missed) > 6 else ''})" if missed else "")
        )
    by = "" if plan.why_engine is None else f"; by the engine alone, because of {plan.why_engine}"
    yield f"{plan.days:,} days simulated{by}; seed {scenario.seed}"


def _target_words(aim: Aim) -> str:
    gone = f", {100 * aim.target.abandoned:g} % at most give up" if aim.target.abandoned < 1 else ""
    return (
        f"{100 * aim.target.level:g} % answered within {aim.target.threshold:g} s{gone}, in every"
        f" half hour of {', '.join(aim.queues)}, with {100 * aim.confidence:g} % confidence"
    )


def _reached_words(told: Mapping[str, Any]) -> str:
    level, gone = words.percent(told["service_level"]), words.percent(told["abandoned"])
    return f"{told['arrivals']:,.0f} come, {level} answered in time, {gone} give up"


def _rows(plan: Found, told: Mapping[str, Any]) -> Iterator[list[str]]:
    """Half hours: of each queue who comes and what becomes of them, of each group who works."""
    queues = [name for name, each in told["queues"].items() if each["arrivals"]]
    head = ["from"]
    for name in queues:
        head += [name, "in time", "give up"]
    groups = list(plan.plan)
    roster = ["on roster"] if told["shrinkage"] else []
    yield [*head, *groups, *(["agents"] if len(groups) > 1 else []), *roster]
    for half_hour in told["half_hours"]:
        row = [half_hour["time"]]
        for name in queues:
            each = half_hour["queues"][name]
            row += [
                f"{each['arrivals']:,.1f}",
                words.percent(each["service_level"]) + ("" if each["meets"] else " !"),
                words.percent(each["abandoned"]),
            ]
        there = [half_hour["groups"][name] for name in groups]
        row += [f"{each['agents']:,}" for each in there]
        row += [f"{sum(each['agents'] for each in there):,}"] if len(groups) > 1 else []
        row += [f"{sum(each['scheduled'] for each in there):,}"] if roster else []
        yield row


def _page(plan: Found, told: Mapping[str, Any]) -> str:
    """As HTML; raises Fault where the extra is missing."""
    try:
        from ringfloor.report.planning import Part, Sheet, page  # noqa: PLC0415  needs an extra
        from ringfloor.report.plots import Chart, Curve  # noqa: PLC0415  likewise
    except ImportError as error:
        raise Fault(NO_PLOTS) from error
    scenario, aim = plan.scenario, plan.aim
    cells = [Cell(start=each, end=each + HALF_HOUR) for each in starts(scenario)]
    queues = {name: each for name, each in plan.reached.cells.items() if name in aim.queues}
    came = [
        sum(each[number].arrivals for each in plan.reached.cells.values())
        for number in range(len(cells))
    ]
    head, *rows = _rows(plan, told)
    everybody = [sum(each) for each in zip(*plan.plan.values(), strict=True)]
    guess = [sum(each) for each in zip(*plan.first_guess.values(), strict=True)]

    def over_time(name: str, unit: str, **more: Any) -> Chart:  # noqa: ANN401  members of Chart
        return Chart(name, unit, scenario.zone, cells, **more)

    agents = [Curve("all agents", everybody), Curve("Erlang A alone", guess)]
    if len(plan.plan) > 1:
        agents += [Curve(name, each) for name, each in plan.plan.items() if any(each)][
            :GROUPS_DRAWN
        ]
    levels_told = {name: [_percent(one.level) for one in each] for name, each in queues.items()}
    clock = [clock_words(each) for each in plan.clocks]
    parts = [
        Part(
            "arrivals",
            "Arrivals",
            "Contacts expected in each half hour, repeated calls included.",
            ["From", "Arrivals"],
            [[at, f"{each:,.1f}"] for at, each in zip(clock, came, strict=True)],
            over_time("arrivals", "Contacts per half hour", bars=came),
        ),
        Part(
            "agents",
            "Agents at work",
            "What the simulation found, and where it began.",
            head,
            rows,
            over_time("agents", "Agents", steps=agents),
        ),
        Part(
            "service-level",
            "Service level",
            f"Share of who comes that is answered within {aim.target.threshold:g} s, on days that"
            " the plan was not found with.",
            ["From", *queues],
            [
                [at, *map(words.percent, each)]
                for at, *each in zip(clock, *levels_told.values(), strict=True)
            ],
            over_time(
                "service-level",
                "Share of contacts (%)",
                lines=[Curve(name, each) for name, each in levels_told.items()],
                mark=Curve("target", [100 * aim.target.level]),
                percent=True,
            ),
        ),
    ]
    tiles = [("Agent hours", f"{told['agent_hours']:,.1f}")]
    if told["shrinkage"]:
        tiles.append(("Hours on the roster", f"{told['agent_hours_scheduled']:,.1f}"))
    for name, each in told["queues"].items():
        if name in aim.queues:
            tiles.append((f"Service level, {name}", words.percent(each["service_level"])))
            tiles.append((f"Abandoned, {name}", words.percent(each["abandoned"])))
    span = words.span(scenario.start, scenario.end, scenario.zone)
    return page(
        Sheet(
            f"Staff of {scenario.name}",
            f"{span} ({scenario.zone}): {_target_words(aim)}",
            f"{plan.days:,} simulated days",
            tiles,
            parts,
        )
    )


# The scenario that is written


def _toml(source: Path, target: Path, plan: Found) -> str:
    """The scenario's file with the plan's date, arrivals and shifts."""
    table = tomllib.loads(source.read_text(encoding="utf-8"))
    scenario = plan.scenario
    table["start"] = zones.local(scenario.start, scenario.zone).replace(tzinfo=None)
    table["end"] = zones.local(scenario.end, scenario.zone).replace(tzinfo=None)
    for each in table.get("flows", {}).values():
        each["file"] = relpath(source.parent / each["file"], target.parent)
    for name, told in table["callers"].items():
        told.pop("per_hour", None)
        told["arrivals"] = {
            clock_words(minutes): each
            for minutes, each in sorted(scenario.callers[name].arrivals.items())
            if each
        }
    agents = {}
    for name, group in table.get("agents", {}).items():
        for level in levels(scenario, plan.plan[name]):
            several = f"{name} {level.first}"
            if level.last > level.first:
                several += f"-{level.last}"
            agents[several] = {
                **group,
                "count": level.last - level.first + 1,
                "shifts": [_shift(each) for each in level.shifts],
            }
    table["agents"] = agents
    return scenario_writer.text(table).rstrip()


def _shift(shift: Shift) -> dict[str, str]:
    ends = shift.work.ends
    return {
        "from": clock_words(shift.work.begins),
        "to": "24:00" if ends == 24 * 60 else clock_words(ends),
    }
