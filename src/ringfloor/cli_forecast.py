"""CLI for forecasts: `ringfloor forecast`, how many contacts the next days will bring.

Called by cli, which gives it a parser. The history is a log read by a mapping file, a CSV file of
counts, or what GetMetricDataV2 of a running server tells.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from msgspec import json

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    FORECAST_DAYS_MAX,
    FORECAST_HISTORY_DAYS_MIN,
    METRIC_DATA_VALUES_MAX,
    METRIC_RESULTS_MAX,
)
from ringfloor.base.time import HALF_HOUR, SECOND, Instant, WallClock, seconds
from ringfloor.call_logs.mapping import plan
from ringfloor.call_logs.reading import Problem
from ringfloor.client import Connect, Progress
from ringfloor.config import endpoint, region
from ringfloor.domain.logged import LoggedContact
from ringfloor.forecast import file, history
from ringfloor.forecast.file import Forecast, ForecastDay
from ringfloor.forecast.history import Day
from ringfloor.forecast.model import CELLS
from ringfloor.forecast.rolling import NAMES as WEEKDAY_NAMES
from ringfloor.forecast.rolling import walk
from ringfloor.node.log_files import digest, mapping, rows, shipped
from ringfloor.output import NO_PLOTS, write
from ringfloor.report import words
from ringfloor.report.contents import Cell

DESCRIPTION = """\
Says how many contacts the half hours of the next days will bring, from those that came: the level
of each weekday, the trend, the days of the month, the shares of the half hours. With --score it
says how far off it would have been on every day of the history, beside the mean of the last four
same weekdays. `ringfloor staff` takes what --json writes.

The history is one of
  LOG --mapping MAPPING    the log of a contact center, read as `ringfloor import` does
  COUNTS.csv               counts: columns date, interval (1, 2...) or time (08:30), then calls
  --instance ID            what came to the queues of a running server in the last 91 days

  ringfloor forecast bank.tsv --mapping bank-1999 --days 7
  ringfloor forecast counts.csv --score --holiday 2026-12-25 --holiday 2026-12-24=eve
  ringfloor forecast --instance ID --queue sales --json sales.json --html sales.html

Holidays are days like no weekday, past and to come; those of one word are alike. More in
docs/staffing.md."""

ARRIVING = ("INBOUND", "API")
"""Ways to begin of contacts that come; the others are made of these, or by agents."""
ASKED_DAYS = 2
"""Of one question to a server; by half hours it answers less than 3."""
REACHES_DAYS = 91
SHOWN_DAYS = 7
"""Whose half hours stand in a table beside each other."""
SCORED_AHEAD = (1, 7)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("log", nargs="?", type=Path, metavar="LOG", help="a log, or counts as CSV")
    parser.add_argument(
        "--mapping",
        metavar="MAPPING",
        help=f"how the log is read: a TOML file, or one of {', '.join(shipped())}",
    )
    parser.add_argument(
        "--minutes", type=int, metavar="N", help="of an interval of counts [as its numbers say]"
    )
    parser.add_argument("--instance", metavar="ID", help="ask a running server instead")
    parser.add_argument(
        "--queue",
        action="append",
        default=[],
        metavar="NAME",
        help="of the log or the instance; may be repeated [all]",
    )
    parser.add_argument(
        "--time-zone",
        metavar="ZONE",
        help="whose half hours they are [the mapping's, else UTC]",
    )
    parser.add_argument(
        "--holiday",
        action="append",
        default=[],
        metavar="DATE[=WORD]",
        help="a day that is like no weekday; may be repeated",
    )
    parser.add_argument(
        "--holidays", type=Path, metavar="FILE.toml", help="such days: holidays.WORD = [dates]"
    )
    parser.add_argument(
        "--until",
        type=_date,
        metavar="DATE",
        help="learn from the days before it [all; today on a server]",
    )
    parser.add_argument(
        "--days", type=int, default=7, metavar="N", help="how many are foretold [%(default)s]"
    )
    parser.add_argument(
        "--score", action="store_true", help="how far off it would have been on the past days"
    )
    parser.add_argument(
        "--ahead",
        action="append",
        type=int,
        default=[],
        metavar="N",
        help="score forecasts of N days ahead; may be repeated [1 and 7]",
    )
    parser.add_argument("--json", metavar="FILE", help="also write all of it; - instead of a table")
    parser.add_argument("--html", metavar="FILE", help="also write it as a page")
    parser.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    parser.set_defaults(run=run, endpoint=endpoint())


def run(options: argparse.Namespace) -> int:
    """Learn and tell; raises Fault."""
    _check(options)
    holidays = _holidays(options)
    source, zone, days = _history(options)
    found = forecast(options, source, zone, days, holidays)
    if options.json:
        write("--json", options.json, json.format(json.encode(found)).decode())
    if options.html:
        write("--html", options.html, _page(found))
    if options.json != "-" and options.html != "-":
        print(*lines(found), sep="\n")
    return 0


def forecast(
    options: argparse.Namespace,
    source: str,
    zone: str,
    days: Sequence[Day],
    holidays: Mapping[date, str],
) -> Forecast:
    """What is told of a history; raises Fault if it is too short."""
    if options.until is not None:
        days = [each for each in days if each.date < options.until]
    if len(days) < FORECAST_HISTORY_DAYS_MIN:
        raise Fault(
            f"{source}: {len(days)} days are known; a forecast learns from"
            f" {FORECAST_HISTORY_DAYS_MIN} at least"
        )
    horizons = range(1, options.days + 1)
    scored = tuple(dict.fromkeys(options.ahead or SCORED_AHEAD)) if options.score else ()
    progress = Progress(sys.stderr, "days learnt")
    try:
        walked = walk(days, sorted({*horizons, *scored}), holidays, progress.show)
    finally:
        progress.end()
    told = [walked.told(each) for each in horizons]
    scores = [walked.scores[each] for each in scored]
    return file.made(source, zone, days, told, scores, holidays)


# Where from


def _check(options: argparse.Namespace) -> None:
    if (options.log is None) == (options.instance is None):
        raise Fault("either a LOG or --instance ID says what has come")
    if options.mapping and options.log is None:
        raise Fault("--mapping reads a LOG, and none is named")
    if options.queue and options.log is not None and not options.mapping:
        raise Fault("--queue: counts have no queues; they are of a log or an instance")
    for each in (options.days, *options.ahead):
        if not 1 <= each <= FORECAST_DAYS_MAX:
            raise Fault(f"--days, --ahead: {each} is not 1 to {FORECAST_DAYS_MAX}")
    if options.minutes is not None and options.minutes not in (1, 2, 3, 5, 6, 10, 15, 30):
        raise Fault(f"--minutes: {options.minutes} cuts no half hour")
    if options.time_zone is not None and not zones.known(options.time_zone):
        raise Fault(f"--time-zone: {options.time_zone!r} is no time zone of the IANA database")


def _history(options: argparse.Namespace) -> tuple[str, str, list[Day]]:
    """Its name, its zone, its days."""
    if options.instance is not None:
        zone = options.time_zone or "UTC"
        return f"instance {options.instance}", zone, _asked(options, zone)
    if options.mapping:
        how = plan(*mapping(options.mapping))
        zone = options.time_zone or how.file.zone
        return str(options.log), zone, history.of_moments(_moments(options, how), zone)
    try:
        text = options.log.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{options.log}: cannot be read: {error}") from error
    zone = options.time_zone or "UTC"
    return (
        str(options.log),
        zone,
        history.of_counts(text.splitlines(), str(options.log), options.minutes, zone),
    )


def _moments(options: argparse.Namespace, how: Any) -> Iterator[Instant]:  # noqa: ANN401  a mapping's plan
    """When contacts of the log came."""
    log: Path = options.log
    known: set[str] = set()
    progress = Progress(sys.stderr, "rows read")
    for number, row in enumerate(rows(log, how, digest(log)), 1):
        progress.show(number)
        if isinstance(row, Problem):
            raise Fault(f"{log}:{row.line}: column {row.column}: {row.value} {row.rule}")
        if isinstance(row, LoggedContact) and row.initiation_method in ARRIVING:
            known.add(row.queue or "")
            if not options.queue or row.queue in options.queue:
                yield row.initiated_at
    progress.end()
    for each in options.queue:
        if each not in known:
            raise Fault(f"--queue: {each!r} is in no row; there are {', '.join(sorted(known))}")


def _asked(options: argparse.Namespace, zone: str) -> list[Day]:
    """What came to the queues of a running server, up to yesterday."""
    server = Connect(options.endpoint, region())
    instance = server.ask("DescribeInstance", InstanceId=options.instance)["Instance"]
    queues = _queues(server, options)
    today = zones.local(WallClock().now(), zone).date()
    until = min(options.until or today, today)
    reach = timedelta(REACHES_DAYS)
    first = (today if today - until < reach else until) - reach
    moments: list[Instant] = []
    progress = Progress(sys.stderr, "days asked")
    for number in range(0, (until - first).days, ASKED_DAYS):
        progress.show(number, (until - first).days)
        day = first + timedelta(number)
        answer = server.listed(
            "GetMetricDataV2",
            "MetricResults",
            ResourceArn=instance["Arn"],
            StartTime=seconds(zones.beginning(day, zone)),
            EndTime=seconds(zones.beginning(min(day + timedelta(ASKED_DAYS), until), zone)),
            Interval={"TimeZone": zone, "IntervalPeriod": "THIRTY_MIN"},
            Filters=[{"FilterKey": "QUEUE", "FilterValues": queues}],
            Metrics=[{"Name": "CONTACTS_QUEUED_BY_ENQUEUE"}],
            MaxResults=METRIC_RESULTS_MAX,
        )
        for row in answer:
            at = round(float(row["MetricInterval"]["StartTime"]) * SECOND)
            value = next((each.get("Value") or 0 for each in row["Collections"]), 0)
            moments += [at] * round(value)
    progress.end()
    return history.of_moments(moments, zone)


def _queues(server: Connect, options: argparse.Namespace) -> list[str]:
    """Ids; raises Fault."""
    listed = server.listed(
        "ListQueues", "QueueSummaryList", InstanceId=options.instance, QueueTypes="STANDARD"
    )
    by_name = {row["Name"]: row["Id"] for row in listed}
    for each in options.queue:
        if each not in by_name:
            known = ", ".join(sorted(by_name))
            raise Fault(f"--queue: {each!r} is no queue of the instance; there are {known}")
    found = [by_name[each] for each in options.queue or sorted(by_name)]
    if len(found) > METRIC_DATA_VALUES_MAX:
        raise Fault(f"--queue: {len(found)} queues are more than {METRIC_DATA_VALUES_MAX}")
    return found


def _date(text: str) -> date:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-20")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


HOLIDAY = "holiday"
"""The word of those that have none."""


def _holidays(options: argparse.Namespace) -> dict[date, str]:
    """Words by days; raises Fault."""
    found: dict[date, str] = {}
    if options.holidays is not None:
        found |= _of_file(options.holidays)
    for each in options.holiday:
        day, _, word = each.partition("=")
        try:
            found[_date(day)] = word or HOLIDAY
        except argparse.ArgumentTypeError as error:
            raise Fault(f"--holiday: {error}") from error
    return found


def _of_file(path: Path) -> dict[date, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Fault(f"--holidays: {path}: {error}") from error
    told = table.get("holidays")
    by_word = {HOLIDAY: told} if isinstance(told, list) else told
    if not isinstance(by_word, dict):
        raise Fault(f"--holidays: {path}: holidays is no list of dates, nor lists by words")
    found: dict[date, str] = {}
    for word, days in by_word.items():
        if not isinstance(days, list) or not all(type(each) is date for each in days):
            raise Fault(f"--holidays: {path}: holidays.{word} is no list of dates")
        found |= dict.fromkeys(days, word)
    return found


# What is told


def lines(found: Forecast) -> Iterator[str]:
    """Tables: days, half hours, scores."""
    missing = (found.last_day - found.first_day).days + 1 - found.days_known
    yield (
        f"learnt from {found.days_known:,} days of {found.source},"
        f" {found.first_day} to {found.last_day}"
        + (f"; {missing:,} days between are not known" if missing else "")
    )
    yield ""
    for day in found.days:
        name = f"{day.weekday:<9}" + (f"  {day.holiday}" if day.holiday else "")
        band = "" if day.low is None else f"{day.low:,.0f} to {day.high:,.0f}"
        yield f"{day.date}  {day.expected or 0:>8,.0f}  {band:<18}  {name}".rstrip()
    if len(found.days) <= SHOWN_DAYS:
        yield ""
        yield from _half_hours(found.days)
    if found.scores:
        yield ""
        yield from score_lines(found)


def _half_hours(days: Sequence[ForecastDay]) -> Iterator[str]:
    yield "     " + "".join(f"  {(each.weekday or '')[:3]} {each.date:%d}" for each in days)
    for number in range(len(days[0].half_hours)):
        cells = [each.half_hours[number] for each in days]
        if any(round(each.expected, 1) for each in cells):
            yield cells[0].time + "".join(f"{each.expected:>8,.1f}" for each in cells)


def score_lines(found: Forecast) -> Iterator[str]:
    """How far off: the sum of all errors by what came, beside the mean of four weeks."""
    yield "errors by half hours (WAPE), beside the mean of the last four same weekdays"
    for row in _score_rows(found):
        yield f"{row[0]:<15}" + "".join(f"{each:>14}" for each in row[1:])


def _score_rows(found: Forecast) -> Iterator[list[str]]:
    """A head, weekdays, all of them, whole days, bands."""
    ahead = [
        f"{each.ahead_days} {'days' if each.ahead_days > 1 else 'day'} ahead"
        for each in found.scores
    ]
    yield ["", "contacts", *ahead, "the mean"]
    names = list(dict.fromkeys(name for each in found.scores for name in each.by_weekday))
    for name in sorted(names, key=WEEKDAY_NAMES.index):
        told = [each.by_weekday.get(name) for each in found.scores]
        yield _score_row(name, [each for each in told if each is not None])
    yield _score_row("all", [each.half_hours for each in found.scores])
    yield _score_row("whole days", [each.whole_days for each in found.scores])
    yield ["within the band", "", *(_share(each.coverage) for each in found.scores), ""]


def _score_row(name: str, told: Sequence[file.Errors]) -> list[str]:
    shares = [_share(each.wape) for each in told]
    return [name, f"{told[0].contacts:,}", *shares, _share(told[0].wape_of_means)]


def _share(share: float | None) -> str:
    return words.percent(None if share is None else 100 * share)


def _page(found: Forecast) -> str:
    """As HTML; raises Fault where the extra is missing."""
    try:
        from ringfloor.report.planning import Part, Sheet, page  # noqa: PLC0415  needs an extra
        from ringfloor.report.plots import Chart, Curve  # noqa: PLC0415  likewise
    except ImportError as error:
        raise Fault(NO_PLOTS) from error
    cells = [
        Cell(start=start, end=start + HALF_HOUR)
        for day in found.days
        for start in _instants(day.date, found.zone)
    ]
    half_hours = [each for day in found.days for each in day.half_hours]
    expected = [each.expected for each in half_hours]
    lows, highs = [each.low for each in half_hours], [each.high for each in half_hours]
    known = (
        [each for each in lows if each is not None],
        [each for each in highs if each is not None],
    )
    chart = Chart(
        "arrivals",
        "Contacts per half hour",
        found.zone,
        cells,
        steps=[Curve("expected", expected)],
        band=("four fifths of what comes", *known) if len(known[0]) == len(cells) else None,
    )
    heads = ["From", "Expected", "Low", "High"]
    rows = [
        [f"{day.date} {each.time}", *(_number(one) for one in (each.expected, each.low, each.high))]
        for day in found.days
        for each in day.half_hours
    ]
    days = [
        [
            f"{day.date} {day.weekday}",
            day.holiday or "",
            *(_number(each, 0) for each in (day.expected, day.low, day.high)),
        ]
        for day in found.days
    ]
    parts = [
        Part("days", "Days", "What whole days will bring.", ["Day", "", *heads[1:]], days),
        Part("arrivals", "Half hours", "What half hours will bring.", heads, rows, chart),
    ]
    if found.scores:
        scores = list(_score_rows(found))
        said = "Sum of all errors by what came (WAPE), beside the mean of four same weekdays."
        parts.append(Part("errors", "Past errors", said, scores[0], scores[1:]))
    return page(
        Sheet(
            "Forecast of arrivals",
            f"{found.days[0].date} to {found.days[-1].date} ({found.zone})",
            f"{found.source}, {found.first_day} to {found.last_day}",
            [
                (f"{day.weekday} {day.date:%d.%m.}", _number(day.expected, 0))
                for day in found.days[:7]
            ],
            parts,
        )
    )


def _instants(day: date, zone: str) -> Iterator[Instant]:
    """When the half hours of a day begin, as if its clocks were not changed."""
    begins = zones.beginning(day, zone)
    yield from range(begins, begins + CELLS * HALF_HOUR, HALF_HOUR)


def _number(number: float | None, decimals: int = 1) -> str:
    return words.NOTHING if number is None else f"{number:,.{decimals}f}"
