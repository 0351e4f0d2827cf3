"""CLI for replays: `ringfloor whatif`, a day that was, with something changed.

Called by cli, which gives it a parser. The day comes out of a data directory, also beside the
server that writes to it, or out of the log of another center; simulator.recorded plays it.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import json, to_builtins

from ringfloor.base import zones
from ringfloor.base.errors import Fault, Refusal, shown_list
from ringfloor.base.limits import (
    REPORT_THRESHOLDS_MAX,
    THRESHOLD_SECONDS_MAX,
    WHATIF_REPLICATIONS_MAX,
)
from ringfloor.client import Progress
from ringfloor.domain.events import InstanceCreated
from ringfloor.identity.record import ACCOUNT
from ringfloor.journal.reading import Reader, reading
from ringfloor.node import log_files
from ringfloor.node.desk import outcome_of
from ringfloor.output import NO_PLOTS, check, table, write
from ringfloor.report import words
from ringfloor.simulator.recorded import changes, journals, logs
from ringfloor.simulator.recorded.comparison import ALL, Comparison, Difference, compare
from ringfloor.simulator.recorded.day import Day
from ringfloor.simulator.recorded.journals import Recorded
from ringfloor.simulator.recorded.replay import UNCHANGED, Changed
from ringfloor.simulator.scenario_file import SEED_MAX
from ringfloor.simulator.workers import processors

DESCRIPTION = """\
Plays a day of a center once more, as it was and with something changed: more or fewer agents, other
routing profiles, another flow, more callers. The same callers come with the same matters and the
same patience, to the real engine; what the day has not shown is drawn by chance, alike in both, as
often as --replications says. Without CHANGES it tells how well the day is reproduced.

  ringfloor whatif changes.toml --data DIR --instance ID --day 2026-11-20
  ringfloor whatif changes.toml --log bank.tsv --day 1999-02-10

  [[staff]]
  add = 2
  profile = "Sales"
  from = "09:00"
  to = "12:30"

docs/whatif.md describes the file of changes, and what the figures mean."""

QUEUES_DRAWN = 20
"""Beside all queues together; the tables have all."""
NARROW, WIDE = "95 % of its mean", "95 % of one day"

LABELS: Mapping[str, str] = {
    "arrivals": "arrivals",
    "answered": "answered",
    "abandoned": "abandoned",
    "abandoned_percent": "abandoned, %",
    "answer_seconds": "speed of answer, s",
    "wait_p80_seconds": "80 % wait less than, s",
    "wait_longest_seconds": "longest wait, s",
    "handle_seconds": "handle time, s",
    "occupancy_percent": "occupancy, %",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument(
        "changes", type=Path, nargs="?", metavar="CHANGES.toml", help="what is to be different"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="data directory of a server")
    parser.add_argument("--instance", metavar="ID", help="id or alias of the instance in it")
    parser.add_argument("--log", type=Path, metavar="LOG", help="log of another center, instead")
    parser.add_argument(
        "--mapping",
        metavar="MAPPING",
        help="how LOG is read: a TOML file, or one that comes with Ringfloor"
        f" ({', '.join(log_files.shipped())}) [that which reads it]",
    )
    parser.add_argument("--day", type=_date, required=True, metavar="YYYY-MM-DD", help="the day")
    parser.add_argument(
        "--zone", metavar="ZONE", help="whose clocks the day is by [UTC; that of the mapping]"
    )
    parser.add_argument(
        "--replications",
        type=int,
        default=20,
        metavar="N",
        help="how often both are played, if chance has any part [%(default)s]",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes for them [one for each processor]"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of chance [%(default)s]")
    parser.add_argument(
        "--threshold",
        type=int,
        action="append",
        metavar="SECONDS",
        help=f"of a service level, up to {REPORT_THRESHOLDS_MAX} times [20]",
    )
    parser.add_argument(
        "--json", metavar="FILE", help="also write all figures; - instead of tables"
    )
    parser.add_argument("--html", metavar="FILE", help="also write it as a page; - instead")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Play it and tell; raises Fault."""
    thresholds = _checked(options)
    for option in ("json", "html"):
        check(f"--{option}", getattr(options, option))
    if options.changes is not None:
        changes.parsed(options.changes)  # what is no TOML is told before a long journal is read
    recorded = _recorded(options)
    changed = _changed(options.changes, recorded.day)
    bar = Progress(sys.stderr, "replications")
    try:
        found = compare(
            recorded,
            changed,
            replications=options.replications,
            seed=options.seed,
            thresholds=thresholds,
            workers=options.workers or processors(),
            progress=lambda part: bar.show(
                round(part * options.replications), options.replications
            ),
        )
    except Refusal as refusal:
        what = options.changes or f"--day {options.day}"
        raise Fault(f"{what}: the center refuses it: {refusal.message}") from refusal
    finally:
        bar.end()
        recorded.history.close()
    is_changed = changed != UNCHANGED
    if options.json:
        text = json.format(json.encode(told(recorded.day, found))).decode()
        write("--json", options.json, text)
    if options.html:
        write("--html", options.html, _page(recorded.day, found, is_changed=is_changed))
    if "-" not in (options.json, options.html):
        print(*lines(recorded.day, found, is_changed=is_changed), sep="\n")
    return 0


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-20") from error


def _checked(options: argparse.Namespace) -> tuple[int, ...]:
    """The thresholds; raises Fault where options do not go together."""
    if (options.data is None) == (options.log is None):
        raise Fault("one of --data and --log says where the day is")
    if options.data is not None and (options.instance is None or options.mapping is not None):
        raise Fault("--data needs --instance, and no --mapping")
    if options.log is not None and options.instance is not None:
        raise Fault("--log: --instance is of --data, and not of a log")
    if options.zone is not None and not zones.known(options.zone):
        raise Fault(f"--zone: {options.zone} is no time zone of the IANA database")
    for name, low, high in (
        ("replications", 2, WHATIF_REPLICATIONS_MAX),
        ("seed", 0, SEED_MAX),
    ):
        if not low <= getattr(options, name) <= high:
            raise Fault(f"--{name}: {getattr(options, name)} is not {low} to {high}")
    if options.workers is not None and options.workers < 1:
        raise Fault(f"--workers: {options.workers} is not 1 or more")
    found = tuple(sorted(set(options.threshold or (20,))))
    if len(found) > REPORT_THRESHOLDS_MAX:
        raise Fault(f"--threshold: {len(found)} are more than {REPORT_THRESHOLDS_MAX}")
    for each in found:
        if not 1 <= each <= THRESHOLD_SECONDS_MAX:
            raise Fault(f"--threshold: {each} is not 1 to {THRESHOLD_SECONDS_MAX} seconds")
    return found


# The day


def _recorded(options: argparse.Namespace) -> Recorded:
    if options.log is not None:
        return _of_log(options)
    bar = Progress(sys.stderr, "records")
    with reading(options.data) as journal:
        instance_id = instance_of(journal, options.instance)
        try:
            return journals.record(
                journal, instance_id, options.day, options.zone or "UTC", bar.show
            )
        finally:
            bar.end()


def _of_log(options: argparse.Namespace) -> Recorded:
    how = log_files.planned(options.mapping, options.log)
    contacts = log_files.contacts(options.log, how)
    zone = options.zone or how.file.zone
    return logs.record(contacts, options.day, zone, options.log.stem)


def instance_of(journal: Reader, name: str) -> str:
    """The id of the instance with this id or alias; raises Fault."""
    known = [each for each in journal.instances() if each != ACCOUNT]
    if name in known:
        return name
    aliases = {each: _alias(journal, each) for each in known}
    found = [each for each, alias in aliases.items() if alias == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise Fault(f"--instance: {name} is the alias of {shown_list(found)}; name one by its id")
    there = shown_list([f"{each} ({aliases[each]})" for each in known])
    raise Fault(f"--instance: {name} is no instance of this journal; there are {there}")


def _alias(journal: Reader, instance_id: str) -> str:
    """As it was given when the instance was made."""
    first = next(iter(journal.records(instance_id)), None)
    for event in () if first is None else outcome_of(first).events:
        if isinstance(event, InstanceCreated):
            return event.alias
    return ""


def _changed(path: Path | None, day: Day) -> Changed:
    return UNCHANGED if path is None else changes.changed(changes.load(path, day), day)


# What came of it


def told(day: Day, found: Comparison) -> dict[str, Any]:
    """All of it as JSON: lengths in seconds, shares in percent."""
    return {
        "day": found.day,
        "zone": day.zone,
        "replications": found.replications,
        "by_chance": found.by_chance,
        "drawn": found.drawn,
        "presence_inferred": day.inferred,
        "unfinished": day.unfinished,
        "own_contacts": day.own_work,
        "refused": to_builtins(found.refused),
        "never_served": found.left,
        "alike": to_builtins(found.alike),
        "figures": to_builtins(found.differences),
    }


def lines(day: Day, found: Comparison, *, is_changed: bool) -> Iterator[str]:
    """The tables."""
    yield f"{found.day} ({day.zone})"
    yield ""
    yield "How well it is reproduced: as it was, and played unchanged"
    head, *rows = _reproduced(found)
    yield from table([head, *(_indented(each) for each in rows)])
    yield _alike(found)
    yield from _notes(day, found)
    if is_changed:
        yield ""
        yield f"What would be different{_times(found)}"
        for scope, figures in found.differences.items():
            yield ""
            head, *rows = _rows(figures, by_chance=found.by_chance)
            head = [words.plain(scope), *head[1:]]
            yield from table([head, *(_indented(each) for each in rows)])


def label(name: str) -> str:
    """A figure in words."""
    if name.startswith("service_level_"):
        return f"answered in {name.split('_')[2]} s, %"
    return LABELS[name]


def _indented(row: Sequence[str]) -> Sequence[str]:
    return [f"  {row[0]}", *row[1:]]


def _reproduced(found: Comparison) -> Iterator[Sequence[str]]:
    """A head, and every figure of all queues as it was and as it is played."""
    yield ["", "that day", "played", "difference"]
    for name, each in found.differences[ALL].items():
        yield [label(name), _number(each.that_day), _number(each.unchanged), _off(each)]


def _alike(found: Comparison) -> str:
    alike = found.alike
    return (
        f"of {alike.waits:,} waits {_share(alike.outcome, alike.waits)} ended as then,"
        f" {_share(alike.wait, alike.waits)} were as long,"
        f" {_share(alike.agent, alike.waits)} with the same agent"
    )


def _rows(figures: Mapping[str, Difference], *, by_chance: bool) -> Iterator[Sequence[str]]:
    """A head, and every figure of a queue, or of all, unchanged and changed."""
    yield ["", "unchanged", "changed", "difference", *([NARROW, WIDE] if by_chance else [])]
    for name, each in figures.items():
        yield [
            label(name),
            _number(each.unchanged),
            _number(each.changed),
            _signed(each.difference),
            *([_span(each.mean), _span(each.one_day)] if by_chance else []),
        ]


def _times(found: Comparison) -> str:
    if found.by_chance:
        return f", by {found.replications} replications of both"
    return ", nothing of it by chance: all that it takes is known"


def _notes(day: Day, found: Comparison) -> Iterator[str]:
    if day.inferred:
        yield "the log does not tell when agents were at work: that is a guess, see docs/whatif.md"
    if day.unfinished:
        yield f"{day.unfinished:,} contacts were not over where the journal ends: the rest is drawn"
    if day.own_work:
        yield f"agents are away for {day.own_work:,} contacts that they began or had from others"
    if found.left:
        yield f"{found.left:,.1f} contacts of the changed day are never served, in no figure"
    for which, refused in (
        ("played unchanged", found.refused.unchanged),
        ("changed", found.refused.changed),
    ):
        if refused:
            told = ", ".join(f"{name} {each:,.1f}" for name, each in refused.items())
            yield f"{which}, the center refused what came too late for it: {told}"


def _number(value: float | None) -> str:
    return words.NOTHING if value is None else f"{value:,.1f}"


def _signed(value: float | None) -> str:
    return words.NOTHING if value is None else f"{value + 0.0:+,.1f}"


def _off(each: Difference) -> str:
    if each.that_day is None or each.unchanged is None:
        return words.NOTHING
    return _signed(each.unchanged - each.that_day)


def _span(span: tuple[float, float] | None) -> str:
    return words.NOTHING if span is None else f"{_signed(span[0])} to {_signed(span[1])}"


def _share(part: int, whole: int) -> str:
    return words.percent(100 * part / whole if whole else None)


def _page(day: Day, found: Comparison, *, is_changed: bool) -> str:
    """As HTML; raises Fault where the extra is missing."""
    try:
        from ringfloor.report.planning import Part, Sheet, page  # noqa: PLC0415  needs an extra
        from ringfloor.report.plots import Gap, Gaps  # noqa: PLC0415  likewise
    except ImportError as error:
        raise Fault(NO_PLOTS) from error

    def drawn(name: str, figures: Mapping[str, Difference]) -> Gaps | None:
        by_unit: dict[str, list[Gap]] = {}
        for figure, each in figures.items():
            if each.difference is not None:
                spans = (each.mean, each.one_day) if found.by_chance else (None, None)
                gap = Gap(label(figure), each.difference, *spans)
                by_unit.setdefault(_unit(figure), []).append(gap)
        return Gaps(name, list(by_unit.items()), NARROW, WIDE) if by_unit else None

    head, *rows = _reproduced(found)
    said = ". ".join(each[:1].upper() + each[1:] for each in (_alike(found), *_notes(day, found)))
    parts = [Part("reproduced", "As it was, and played unchanged", f"{said}.", head, rows)]
    for number, (scope, figures) in enumerate(found.differences.items() if is_changed else ()):
        head, *rows = _rows(figures, by_chance=found.by_chance)
        name = f"scope{number}"
        chart = drawn(name, figures) if number <= QUEUES_DRAWN else None
        said = "The changed day less the unchanged one."
        parts.append(Part(name, f"What would be different: {scope}", said, head, rows, chart))
    tiles = [
        (label(name), f"{_number(each.changed)} ({_signed(each.difference)})")
        if is_changed
        else (label(name), _number(each.unchanged))
        for name, each in found.differences[ALL].items()
    ]
    says = f"What would be different{_times(found)}" if is_changed else "Played unchanged"
    source = f"{found.day} ({day.zone})"
    return page(Sheet(f"What if: {found.day}", says, source, tiles, parts))


def _unit(name: str) -> str:
    if name.endswith("_percent"):
        return "Percentage points"
    return "Seconds" if name.endswith("_seconds") else "Contacts"
