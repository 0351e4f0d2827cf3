"""Plots: each part of a report as SVG, drawn by Matplotlib.

The only module that knows Matplotlib, which is an optional extra. Called by report.page. Rules:

* The same data makes the same picture, byte for byte, on every machine.
* Text stays text. Its place is worked out with Matplotlib's own DejaVu Sans, which is wider than
  most; pages show it in whatever the reader has.
* Nothing is told by colour alone: series differ in line, marker or hatching too. The colours are
  Okabe and Ito's, which the colour-blind tell apart.
* Every id begins with the name of the plot, so that several stand in one page.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import cycle
from typing import Any, NamedTuple, Protocol

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ringfloor.base import zones
from ringfloor.base.time import HOUR, MINUTE, Instant
from ringfloor.report import words
from ringfloor.report.contents import AgentDay, Cell, Report, Stretch

BLACK, BLUE, SKY, GREEN = "#000000", "#0072B2", "#56B4E9", "#009E73"
EDGE = "#404040"
YELLOW, ORANGE, VERMILION, PURPLE = "#F0E442", "#E69F00", "#D55E00", "#CC79A7"

AGENTS_PER_PLOT = 25
"""As many as stand on one page of paper."""
NAME_CHARS = 22
TICKS_MAX = 13
WIDTH_INCHES = 9.6

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ringfloor",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#595959",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
}
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


class Look(NamedTuple):
    """How a series is told from the others."""

    colour: str
    line: str = "-"
    marker: str = "o"
    hatch: str = ""


class _Place(NamedTuple):
    """In rows from the top."""

    top: float
    height: float


Box = tuple[Stretch, _Place]

_LINES = (
    Look(BLUE),
    Look(VERMILION, "--", "s"),
    Look(GREEN, ":", "^"),
    Look(PURPLE, "-.", "D"),
)
_CHANNELS = {
    "VOICE": Look(BLUE),
    "CHAT": Look(GREEN, hatch="----"),
    "TASK": Look(VERMILION, hatch="////"),
    "EMAIL": Look(PURPLE, hatch="xxxx"),
}
_OTHER_CHANNEL = Look(BLACK)
_AVAILABLE = Look("#CFE8F7")
_STATUSES = (
    Look(YELLOW, hatch="////"),
    Look(ORANGE, hatch="\\\\\\\\"),
    Look("#E8C3D8", hatch="xxxx"),
    Look("#D9D9D9", hatch="||||"),
)


# One plot each


def arrivals(report: Report) -> str:
    """Contacts that were put into the queues."""
    with _plot(report, "arrivals", f"Contacts per {report.cell_words}") as (axes, done):
        _bars(axes, report, [each.figures.arrivals for each in report.cells], Look(BLUE))
        _whole_numbers(axes)
    return done()


def outcomes(report: Report) -> str:
    """Answered and abandoned contacts, on top of each other."""
    with _plot(report, "outcomes", f"Contacts per {report.cell_words}") as (axes, done):
        answered = [each.figures.answered for each in report.cells]
        abandoned = [each.figures.abandoned for each in report.cells]
        solid, hatched = Look(BLUE), Look(ORANGE, hatch="////")
        _bars(axes, report, answered, solid)
        _bars(axes, report, abandoned, hatched, answered)
        _whole_numbers(axes)
        _legend(axes, [_patch(solid, "answered"), _patch(hatched, "abandoned")])
    return done()


def service_levels(report: Report) -> str:
    """The share that left the queue within each threshold."""
    with _plot(report, "service-level", "Share of contacts (%)") as (axes, done):
        for number, (threshold, look) in enumerate(zip(report.thresholds, _LINES, strict=False)):
            levels = [
                each.figures.service_levels[number] if each.figures.service_levels else None
                for each in report.cells
            ]
            _line(axes, report, levels, look, f"left the queue in less than {threshold} s")
        axes.set_ylim(0, 104)
        _legend(axes)
    return done()


def waits(report: Report) -> str:
    """Percentiles of the time in queue, and the longest."""
    longest = [each.figures.wait_seconds_max for each in report.cells]
    in_minutes = max((each for each in longest if each is not None), default=0) > 10 * 60
    unit, scale = ("minutes", 60) if in_minutes else ("seconds", 1)
    with _plot(report, "waits", f"Time in queue ({unit})") as (axes, done):
        for number, (percentile, look) in enumerate(zip(report.percentiles, _LINES, strict=False)):
            them = [
                None if each.waits is None else each.waits.seconds[number] / scale
                for each in report.cells
            ]
            _line(axes, report, them, look, words.percentile(percentile))
        tops = [None if each is None else each / scale for each in longest]
        _line(axes, report, tops, Look(BLACK, "", "_"), "longest")
        axes.set_ylim(bottom=0)
        if not any(tops):
            axes.set_ylim(0, 1)
        _legend(axes)
    return done()


def occupancy(report: Report) -> str:
    """The share of their Available time that agents were with contacts."""
    with _plot(report, "occupancy", "Share of Available time (%)") as (axes, done):
        _bars(axes, report, [each.occupancy or 0 for each in report.cells], Look(GREEN))
        axes.set_ylim(0, 104)
    return done()


def agents(report: Report) -> Iterator[str]:
    """The agents' day, some of them to a plot: statuses above, contacts below."""
    for first in range(0, len(report.agents), AGENTS_PER_PLOT):
        yield _agents(report, first, report.agents[first : first + AGENTS_PER_PLOT])


def _agents(report: Report, first: int, some: Sequence[AgentDay]) -> str:
    statuses = _status_looks(report)
    start, end = _online(report)
    height = 1.35 + 0.36 * len(some)
    name = f"agents-{first // AGENTS_PER_PLOT + 1}"
    with _plot(report, name, "Agent", height, (start, end)) as (axes, done):
        boxes: dict[Look, list[Box]] = {}
        for row, agent in enumerate(some):
            for each in agent.statuses:
                place = _Place(row + 0.10, 0.26)
                boxes.setdefault(statuses[each.what], []).append((each, place))
            for lane, lanes, each in _lanes(agent.contacts):
                place = _Place(row + 0.42 + lane * 0.5 / lanes, 0.5 / lanes)
                boxes.setdefault(_channel(each.what), []).append((each, place))
        for look, those in boxes.items():
            _boxes(axes, those, start, look)
        _rows(axes, [words.cut(each.name, NAME_CHARS) for each in some])
        channels = sorted({each.what for agent in report.agents for each in agent.contacts})
        shown = {words.cut(each, NAME_CHARS): look for each, look in statuses.items()}
        shown |= {f"with a {each.lower()} contact": _channel(each) for each in channels}
        _legend(axes, [_patch(look, label) for label, look in shown.items()])
    return done()


def _online(report: Report) -> tuple[Instant, Instant]:
    """From the full hour before anybody came until the one after everybody had gone."""
    stretches = [each for agent in report.agents for each in (*agent.statuses, *agent.contacts)]
    first = min((each.start for each in stretches), default=report.day_start)
    last = max((each.end for each in stretches), default=report.day_end)
    into = (first + zones.offset(first, report.zone)) % HOUR
    before = -(last + zones.offset(last, report.zone)) % HOUR
    return max(first - into, report.day_start), min(last + before, report.day_end)


def _status_looks(report: Report) -> dict[str, Look]:
    """Of all statuses that occur, Available first; of many others the looks begin anew."""
    seen = {each.what for agent in report.agents for each in agent.statuses}
    looks = dict(zip(sorted(seen - {report.available}), cycle(_STATUSES), strict=False))
    return {report.available: _AVAILABLE, **looks} if report.available in seen else looks


def _channel(channel: str) -> Look:
    return _CHANNELS.get(channel, _OTHER_CHANNEL)


def _lanes(contacts: Sequence[Stretch]) -> Iterator[tuple[int, int, Stretch]]:
    """Contacts above each other where they overlap: the lane, of how many, and the contact."""
    ends: list[Instant] = []
    lanes: list[int] = []
    for each in contacts:
        free = (lane for lane, end in enumerate(ends) if end <= each.start)
        lane = next(free, len(ends))
        ends[lane:] = [each.end, *ends[lane + 1 :]]
        lanes.append(lane)
    for lane, each in zip(lanes, contacts, strict=True):
        yield lane, len(ends), each


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """One row for each name, from the top, with lines between them."""
    axes.set_ylim(len(names), 0)
    axes.set_yticks([row + 0.5 for row in range(len(names))], names)
    axes.set_yticks(range(len(names) + 1), minor=True)
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="y", which="minor")


class Curve(NamedTuple):
    """One line in the course of a time. values: as many as there are moments."""

    label: str
    values: Sequence[float | None]


def course(
    name: str, unit: str, at: Sequence[float], curves: Sequence[Curve], *, logarithmic: bool = False
) -> str:
    """What has changed in the course of seconds or minutes. at: seconds since the beginning."""
    in_minutes = at[-1] > 10 * 60
    scale = 60 if in_minutes else 1
    with _styled():
        figure = Figure(figsize=(WIDTH_INCHES, 2.9), layout="constrained")
        axes = figure.subplots()
        for curve, look in zip(curves, _LINES, strict=False):
            axes.plot(
                [each / scale for each in at],
                [float("nan") if each is None else each for each in curve.values],
                color=look.colour,
                linestyle=look.line,
                marker=look.marker,
                markersize=3,
                markevery=max(len(at) // 20, 1),
                linewidth=1.4,
                label=curve.label,
            )
        if logarithmic and any(each for curve in curves for each in curve.values):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_ylim(bottom=0, top=max(1, axes.get_ylim()[1]))
        axes.set_xlim(0, max(at[-1] / scale, 1 / scale))
        axes.set_xlabel("Minutes" if in_minutes else "Seconds").set_gid("time")
        axes.set_ylabel(unit).set_gid("unit")
        _legend(axes)
        return _drawn(figure, name)


class Timed(Protocol):
    """What is drawn over time."""

    @property
    def zone(self) -> str: ...

    @property
    def cells(self) -> Sequence[Cell]: ...


class Chart(NamedTuple):
    """What is, or is expected, in each of some cells; each series has as many values as those."""

    name: str
    unit: str
    zone: str
    cells: Sequence[Cell]
    bars: Sequence[float] = ()
    lines: Sequence[Curve] = ()
    steps: Sequence[Curve] = ()
    """That are the same all through a cell, as people at work are."""
    band: tuple[str, Sequence[float], Sequence[float]] | None = None
    """What it is, and its low and high ends."""
    mark: Curve | None = None
    """One value for all time, such as a target."""
    percent: bool = False


def chart(of: Chart) -> str:
    """Bars, steps, lines and a band of the same cells."""
    with _plot(of, of.name, of.unit) as (axes, done):
        if of.bars:
            _bars(axes, of, of.bars, Look(SKY))
        edges = [(each.start - of.cells[0].start) / MINUTE for each in of.cells]
        edges.append((of.cells[-1].end - of.cells[0].start) / MINUTE)
        if of.band is not None:
            label, low, high = of.band
            axes.stairs(high, edges, baseline=low, fill=True, color="#CFE8F7", label=label)
        for curve, look in zip(of.steps, cycle((Look(BLACK), *_LINES)), strict=False):
            values = [each or 0 for each in curve.values]
            axes.stairs(
                values,
                edges,
                baseline=None,
                color=look.colour,
                linestyle=look.line,
                linewidth=1.6,
                label=words.cut(curve.label, NAME_CHARS),
            )
        for curve, look in zip(of.lines, cycle(_LINES), strict=False):
            _line(axes, of, curve.values, look, words.cut(curve.label, NAME_CHARS))
        if of.mark is not None:
            level = of.mark.values[0] or 0
            axes.axhline(level, color=BLACK, linewidth=1.0, linestyle=":", label=of.mark.label)
        axes.set_ylim(bottom=0, top=104 if of.percent else max(1, axes.get_ylim()[1]))
        if len(axes.get_legend_handles_labels()[0]) > 1:
            _legend(axes)
    return done()


class Gap(NamedTuple):
    """A difference, and where it lies: surely narrow, surely wide; None: it is exact."""

    label: str
    value: float
    narrow: tuple[float, float] | None = None
    wide: tuple[float, float] | None = None


class Gaps(NamedTuple):
    """Differences by their units: each unit has an axis of its own."""

    name: str
    units: Sequence[tuple[str, Sequence[Gap]]]
    narrow: str
    """What the narrow intervals are."""
    wide: str


def gaps(of: Gaps) -> str:
    """A point for each difference, with a thick and a thin line for its intervals."""
    with _styled():
        rows = [len(some) for _, some in of.units]
        figure = Figure(figsize=(WIDTH_INCHES, 1.0 + 0.5 * len(rows) + 0.3 * sum(rows)))
        figure.set_layout_engine("constrained")
        places = figure.subplots(len(rows), 1, squeeze=False, height_ratios=rows)
        for axes, (unit, some) in zip(places[:, 0], of.units, strict=True):
            _gaps(axes, of, some)
            axes.set_xlabel(unit).set_gid("unit")
        if any(each.wide is not None for _, some in of.units for each in some):
            figure.legend(
                *places[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3
            )
        return _drawn(figure, of.name)


def _gaps(axes: Axes, of: Gaps, some: Sequence[Gap]) -> None:
    """Of one unit."""
    for row, each in enumerate(some):
        for span, colour, width in ((each.wide, SKY, 2.0), (each.narrow, BLUE, 5.0)):
            if span is not None:
                axes.plot(span, (row, row), color=colour, linewidth=width, solid_capstyle="butt")
        axes.plot([each.value], [row], color=BLACK, marker="D", markersize=4, linestyle="none")
    nothing: list[float] = []  # for the legend, so that each stands in it once
    axes.plot(nothing, nothing, color=SKY, linewidth=2.0, label=of.wide)
    axes.plot(nothing, nothing, color=BLUE, linewidth=5.0, label=of.narrow)
    axes.plot(
        nothing, nothing, color=BLACK, marker="D", markersize=4, linestyle="none", label="mean"
    )
    axes.axvline(0, color=EDGE, linewidth=1.0)
    axes.set_yticks(range(len(some)), [words.cut(each.label, NAME_CHARS) for each in some])
    axes.set_ylim(len(some) - 0.5, -0.5)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -1), max(high, 1))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,g}" if value else "0"))


# What they share


@contextmanager
def _styled() -> Iterator[None]:
    """With the style of all plots."""
    with rc_context(_STYLE), warnings.catch_warnings():
        # Whoever reads the page has other fonts than the one that places are worked out with.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _drawn(figure: Figure, name: str) -> str:
    """A figure as SVG for use inside a page."""
    drawn = StringIO()
    FigureCanvasSVG(figure)
    figure.savefig(drawn, format="svg", metadata=_METADATA)
    return _own(drawn.getvalue(), name)


@contextmanager
def _plot(
    report: Timed,
    name: str,
    unit: str,
    height: float = 2.9,
    span: tuple[Instant, Instant] | None = None,
) -> Iterator[tuple[Axes, Callable[[], str]]]:
    """Axes over time to draw into; after the block, the function answers the SVG.

    unit: what the other axis shows. height: in inches.
    """
    start, end = span or (report.cells[0].start, report.cells[-1].end)
    with _styled():
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        axes = figure.subplots()
        drawn: list[str] = []
        yield axes, lambda: drawn[0]
        axes.set_xlim(0, (end - start) / MINUTE)
        ticks = list(_ticks(start, end, report.zone))
        axes.set_xticks([(at - start) / MINUTE for at, _ in ticks], [text for _, text in ticks])
        axes.set_xlabel(f"Time ({report.zone})").set_gid("time")
        axes.set_ylabel(unit).set_gid("unit")
        drawn.append(_drawn(figure, name))


def _own(svg: str, name: str) -> str:
    """The SVG for use inside a page: without a prolog, ids and styles its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\g<1>#{name}-", svg)
    heading = re.sub(r"-\d+$", "", name)  # of the page, which several plots may stand below
    return svg.replace("<svg ", f'<svg role="img" class="plot" aria-labelledby="{heading}" ', 1)


def _ticks(start: Instant, end: Instant, zone: str) -> Iterator[tuple[Instant, str]]:
    """Where the time axis is marked, and how: full hours or days of the zone's clocks."""
    hours = (end - start) / HOUR
    steps = (0.5, 1, 2, 3, 6, 12, 24, 48, 96)
    step = next((each for each in steps if hours / each <= TICKS_MAX), steps[-1])
    half, days, last = 30 * MINUTE, -1, ""
    for at in range(start - (start + zones.offset(start, zone)) % half, end + 1, half):
        local = zones.local(at, zone)
        minutes = local.hour * 60 + local.minute
        if minutes % (min(step, 24) * 60) or at < start:
            continue
        days += 1
        today = words.short_day(at, zone)
        if step >= 24:
            if days % (step / 24) == 0:
                yield at, today
        else:
            yield at, words.clock(at, zone) + (f"\n{today}" if today != last else "")
            last = today


def _bars(
    axes: Axes,
    report: Timed,
    heights: Sequence[float],
    look: Look,
    bottom: Sequence[float] | None = None,
) -> None:
    first = report.cells[0].start
    bottoms = bottom or [0.0] * len(heights)
    tall = [each for each in zip(report.cells, heights, bottoms, strict=True) if each[1]]
    axes.bar(
        [(cell.start - first) / MINUTE for cell, _, _ in tall],
        [height for _, height, _ in tall],
        [(cell.end - cell.start) / MINUTE for cell, _, _ in tall],
        [begins for _, _, begins in tall],
        align="edge",
        color=look.colour,
        hatch=look.hatch,
        edgecolor=EDGE if look.hatch else "#ffffff",
        linewidth=0.6,
    )


def _line(
    axes: Axes, report: Timed, values: Sequence[float | None], look: Look, label: str
) -> None:
    """A line that is interrupted where there is no value."""
    first = report.cells[0].start
    axes.plot(
        [_middle(each, first) for each in report.cells],
        [float("nan") if each is None else each for each in values],
        color=look.colour,
        linestyle=look.line or "none",
        marker=look.marker,
        markersize=8 if look.marker == "_" else 4,
        markeredgewidth=2 if look.marker == "_" else 1,
        linewidth=1.6,
        label=label,
        clip_on=False,
    )


def _middle(cell: Cell, first: Instant) -> float:
    return ((cell.start + cell.end) / 2 - first) / MINUTE


def _boxes(axes: Axes, boxes: Sequence[Box], first: Instant, look: Look) -> None:
    """Stretches of one look, each in its place."""
    corners = []
    for stretch, (top, height) in boxes:
        left, right = (stretch.start - first) / MINUTE, (stretch.end - first) / MINUTE
        bottom = top + height
        corners.append([(left, top), (right, top), (right, bottom), (left, bottom)])
    axes.add_collection(
        PolyCollection(
            corners,
            facecolor=look.colour,
            hatch=look.hatch,
            edgecolor=EDGE,
            linewidth=0.4,
        ),
        autolim=False,
    )


def _patch(look: Look, label: str) -> Patch:
    """A sample for the legend."""
    return Patch(facecolor=look.colour, hatch=look.hatch, edgecolor=EDGE, lw=0.5, label=label)


def _whole_numbers(axes: Axes) -> None:
    axes.set_ylim(bottom=0, top=max(1, axes.get_ylim()[1]))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _legend(axes: Axes, handles: Sequence[Patch] | None = None) -> None:
    """Above the plot, from its left edge on."""
    drawn: Sequence[Artist] = handles or axes.get_legend_handles_labels()[0]
    axes.legend(
        handles=drawn, ncols=4, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.2
    )
