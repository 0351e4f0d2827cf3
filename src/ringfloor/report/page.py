"""Page: a report as one self-contained HTML page.

Called by cli_report. Rules:

* Nothing is asked of anybody: no script, no font, no picture from elsewhere, and a
  Content-Security-Policy that allows none.
* Whatever is a name of somebody's is escaped; control characters become blanks.
* Each plot has its numbers in a table below, exact in the `value` of their `data` elements; in
  print the tables are open.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape

from ringfloor import __version__
from ringfloor.report import plots, words
from ringfloor.report.contents import Cell, Figures, Report

NOTES: Mapping[str, str] = {
    "Arrivals": "Count when the contact is put into a queue (CONTACTS_QUEUED_BY_ENQUEUE); one that"
    " comes to several queues counts in each.",
    "Answered and abandoned": "Count when the contact was disconnected, once it is over with its"
    " after contact work (CONTACTS_HANDLED, CONTACTS_ABANDONED): one may arrive in one bar and be"
    " answered in a later one. Answered are also contacts that never waited, such as calls that"
    " agents made for the queue. Those that went on to another queue, to a callback or to a number"
    " are neither.",
    "Service level": "Contacts that left the queue in less than the threshold, of all that were in"
    " it. As in Amazon Connect that is answered, abandoned or moved on (SERVICE_LEVEL).",
    "Waiting": "From entering the queue to leaving it, at the time the contact was disconnected."
    " Percentiles are by nearest rank, the longest is MAX_QUEUED_TIME. The average answer time"
    " is of answered contacts alone (AVG_QUEUE_ANSWER_TIME).",
    "Wait of who comes now": "What the server would have told when the page was made"
    " (ESTIMATED_WAIT_TIME is the first of the two), of a report that ends then.",
    "Occupancy": "Time with contacts, of the time in Available (AGENT_OCCUPANCY), of the agents"
    " whose routing profile serves one of the queues now: {profiles}. Contacts of their other"
    " queues and channels are among it.",
    "Bars and lines": "A bar is a {cell} by the clocks of the time zone; the first and the last may"
    " be shorter. Lines are interrupted where there is nothing to tell. What was not over when the"
    " page was made can still come into it.",
}

Column = tuple[str, Callable[[Cell], str]]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

STYLE = """
:root { color-scheme: light; --ink: #1a1a1a; --soft: #555; --line: #d0d0d0; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: #fff; color: var(--ink);
  font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
header { border-bottom: 3px solid #0072B2; margin-bottom: 1.2rem; padding-bottom: .6rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .1rem; }
p { margin: .3rem 0; }
.soft, caption, footer { color: var(--soft); font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .6rem;
  margin: 1rem 0; padding: 0; }
.tiles div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { font-size: 1.45rem; font-variant-numeric: tabular-nums; font-weight: 600; margin: 0;
  white-space: nowrap; }
figure { margin: .2rem 0 .4rem; }
svg.plot { display: block; width: 100%; height: auto; stroke-linejoin: round;
  stroke-linecap: butt; }
svg.plot text { font-family: inherit !important; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums;
  margin: .4rem 0; width: 100%; }
caption { text-align: left; padding-bottom: .2rem; }
th, td { border-bottom: 1px solid var(--line); padding: .18rem .5rem; text-align: right;
  vertical-align: bottom; }
th:first-child { text-align: left; font-weight: normal; }
thead th, thead th:first-child { border-bottom: 2px solid #888; font-weight: 600; }
.scroll { overflow-x: auto; }
summary { color: #00558c; cursor: pointer; font-size: .9rem; padding: .2rem 0; }
summary:focus-visible { outline: 2px solid #00558c; }
.notes dt { font-weight: 600; margin-top: .5rem; }
.notes dd { margin: 0 0 0 1.2rem; }
.empty { border: 1px dashed #888; border-radius: .4rem; padding: .8rem 1rem; }
footer { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: .6rem; }
@page { size: A4; margin: 14mm 12mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  h2 { break-after: avoid; }
  figure, .tiles, tr { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
  details table { font-size: 7.5pt; line-height: 1.25; }
  details th, details td { padding: .05rem .4rem; }
  details:has(.narrow) .scroll { columns: 2; column-gap: 1.6rem; }
  details::details-content { content-visibility: visible; height: auto; }
  summary { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def page(report: Report) -> str:
    """The whole page."""
    title = f"Report of {_of(report)}, {words.span(report.start, report.end, report.zone)}"
    parts = [
        _header(report),
        _summary(report),
        *_repeated(report),
        *(_contacts(report) if _had_contacts(report) else [_nobody(report)]),
        *(_staff(report) if report.agents else [_nobody_online(report)]),
        _notes(report),
        f"<footer>{_source(report)}</footer>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


# The top


def _header(report: Report) -> str:
    span = words.span(report.start, report.end, report.zone)
    return (
        f"<header><h1>{_text(_of(report))}</h1>"
        f"<p><strong>{_text(span)}</strong> ({_text(report.zone)})</p>"
        f'<p class="soft">{_source(report)}</p></header>'
    )


def _of(report: Report) -> str:
    """The queues by name; of many, how many."""
    names = [each.name for each in report.queues]
    return ", ".join(names) if len(names) <= 5 else f"{len(names)} queues"


def _source(report: Report) -> str:
    channels = ", ".join(each.lower() for each in report.channels) or "all channels"
    queues = ", ".join(each.name for each in report.queues) or "none"
    made = words.moment(report.made_at, report.zone)
    return _text(
        f"Source: {report.source}. Queues: {queues}. Channels: {channels}. "
        f"Made {made} ({report.zone}) by Ringfloor {__version__}."
    )


def _summary(report: Report) -> str:
    totals = report.totals
    tiles = [
        ("Arrivals", f"{totals.arrivals:,}"),
        ("Answered", f"{totals.answered:,}"),
        ("Abandoned", f"{totals.abandoned:,}"),
        *(
            (f"Service level, {threshold} s", words.percent(level))
            for threshold, level in zip(report.thresholds, _levels(report, totals), strict=True)
        ),
        ("Average answer time", words.duration(totals.answer_seconds_average)),
        *_typical(report),
        ("Longest wait", words.duration(totals.wait_seconds_max)),
        ("Average handle time", words.duration(totals.handle_seconds_average)),
        ("Occupancy", words.percent(report.occupancy)),
    ]
    shown = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in tiles
    )
    rows = [[_text(each.name), *_figures(report, each.figures)] for each in (*report.queues,)]
    heads = ["Queue", *_figure_heads(report)]
    by_queue = _table("queues", "Each queue over the whole time", heads, rows)
    return f'<dl class="tiles">{shown}</dl>\n{by_queue if len(rows) > 1 else ""}{_now(report)}'


def _now(report: Report) -> str:
    """What those are told who come while it is made."""
    if not report.waits_now:
        return ""
    at = words.moment(report.made_at, report.zone)
    rows = [
        [_text(each.queue), each.channel.lower(), _time(each.p50_seconds), _time(each.p80_seconds)]
        for each in report.waits_now
    ]
    heads = ["Queue", "Channel", "Half wait no longer than", "Four fifths no longer than"]
    return _table("waits-now", f"The wait of who comes now, {at}, as estimated", heads, rows)


def _repeated(report: Report) -> Iterator[str]:
    """Intervals, where the page shows the first of several simulations."""
    if report.repeated is not None:
        rows = [[_text(each) for each in row] for row in report.repeated.rows]
        table = _table("replications", report.repeated.says, report.repeated.heads, rows)
        yield f'<section><h2 id="replications">Replications</h2>{table}</section>'


def _typical(report: Report) -> Iterator[tuple[str, str]]:
    """Of the percentiles of all waits, the one that is neither the half nor the far end."""
    if report.all_waits is not None and 90 in report.percentiles:
        seconds = report.all_waits.seconds[report.percentiles.index(90)]
        yield f"Wait, {words.percentile(90)}", words.duration(seconds)


def _levels(report: Report, figures: Figures) -> Sequence[float | None]:
    return figures.service_levels or [None] * len(report.thresholds)


def _figure_heads(report: Report) -> list[str]:
    return [
        "Arrivals",
        "Answered",
        "Abandoned",
        *(f"Service level, {each} s (%)" for each in report.thresholds),
        "Average answer time",
        "Longest wait",
        "Average handle time",
    ]


def _figures(report: Report, figures: Figures) -> list[str]:
    return [
        _number(figures.arrivals),
        _number(figures.answered),
        _number(figures.abandoned),
        *(_share(each) for each in _levels(report, figures)),
        _time(figures.answer_seconds_average),
        _time(figures.wait_seconds_max),
        _time(figures.handle_seconds_average),
    ]


# Plots and their tables


def _had_contacts(report: Report) -> bool:
    figures = [report.totals, *(each.figures for each in report.cells)]
    counts = (count for each in figures for count in (each.arrivals, each.answered, each.abandoned))
    return any(counts) or any(each.waits is not None for each in report.cells)


def _nobody(report: Report) -> str:
    span = words.span(report.start, report.end, report.zone)
    return (
        f'<p class="empty">No contact came to these queues or left them: {_text(span)}'
        f" ({_text(report.zone)}).</p>"
    )


def _contacts(report: Report) -> Iterator[str]:
    yield _part(
        report,
        "arrivals",
        "Arrivals",
        f"Contacts that were put into the queues, by {report.cell_words}.",
        [plots.arrivals(report)],
        [("Arrivals", lambda cell: _number(cell.figures.arrivals))],
    )
    yield _part(
        report,
        "outcomes",
        "Answered and abandoned",
        f"Contacts that ended, by {report.cell_words}: with an agent, or without.",
        [plots.outcomes(report)],
        [
            ("Answered", lambda cell: _number(cell.figures.answered)),
            ("Abandoned", lambda cell: _number(cell.figures.abandoned)),
        ],
    )
    if report.thresholds:
        yield _part(
            report,
            "service-level",
            "Service level",
            "Share of the contacts that left the queue within the threshold, however they did.",
            [plots.service_levels(report)],
            [
                (f"Service level, {threshold} s (%)", _level_of(number))
                for number, threshold in enumerate(report.thresholds)
            ],
        )
    yield _part(
        report,
        "waits",
        "Waiting",
        "How long contacts were in the queue, however they left it.",
        [plots.waits(report)],
        [
            ("Left the queue", lambda cell: _number(cell.waits.contacts if cell.waits else 0)),
            *(
                (words.percentile(p).capitalize(), _wait_of(n))
                for n, p in enumerate(report.percentiles)
            ),
            ("Longest", lambda cell: _time(cell.figures.wait_seconds_max)),
        ],
    )


def _level_of(number: int) -> Callable[[Cell], str]:
    def level(cell: Cell) -> str:
        levels = cell.figures.service_levels
        return _share(levels[number] if levels else None)

    return level


def _wait_of(number: int) -> Callable[[Cell], str]:
    return lambda cell: _time(cell.waits.seconds[number] if cell.waits else None)


def _staff(report: Report) -> Iterator[str]:
    yield _part(
        report,
        "occupancy",
        "Occupancy",
        "Share of their Available time that agents were with contacts, of any queue and channel.",
        [plots.occupancy(report)],
        [("Occupancy (%)", lambda cell: _share(cell.occupancy))],
    )
    heads = (
        "Agent",
        "Answered",
        "Missed",
        "Online",
        "With contacts",
        "Idle",
        "Other statuses",
        "Occupancy (%)",
    )
    rows = [
        [
            _text(each.name),
            _number(each.answered),
            _number(each.missed),
            _time(each.online_seconds),
            _time(each.contact_seconds),
            _time(each.idle_seconds),
            _time(each.other_seconds),
            _share(each.occupancy),
        ]
        for each in report.agents
    ]
    span = words.span(report.day_start, report.day_end, report.zone)
    more = (
        f" {report.agents_left_out:,} more agents are not shown." if report.agents_left_out else ""
    )
    yield _section(
        "agents",
        "Agents\N{RIGHT SINGLE QUOTATION MARK} day",
        f"{span}. Above: the status. Below: contacts of any queue, with their after contact work,"
        f" one above the other where there were several.{more}",
        list(plots.agents(report)),
        _table("agents", "Agents\N{RIGHT SINGLE QUOTATION MARK} time (h:mm:ss)", heads, rows),
    )


def _nobody_online(report: Report) -> str:
    span = words.span(report.day_start, report.day_end, report.zone)
    more = " None of them are shown." if report.agents_left_out else ""
    return (
        f'<p class="empty">No agent who serves these queues was online: {_text(span)}'
        f" ({_text(report.zone)}).{more}</p>"
    )


def _part(
    report: Report,
    name: str,
    title: str,
    says: str,
    drawn: Sequence[str],
    columns: Sequence[Column],
) -> str:
    """A plot by cells and its table."""
    rows = [
        [_text(_cell_name(report, cell)), *(value(cell) for _, value in columns)]
        for cell in report.cells
    ]
    heads = [f"From ({report.zone})", *(head for head, _ in columns)]
    narrow = " narrow" if len(heads) <= 4 else ""
    table = _table(f"{name}{narrow}", f"{title} by {report.cell_words}", heads, rows)
    return _section(name, title, says, drawn, table)


def _section(name: str, title: str, says: str, drawn: Sequence[str], table: str) -> str:
    figures = "\n".join(f"<figure>{each}</figure>" for each in drawn)
    return (
        f'<section><h2 id="{name}">{_text(title)}</h2><p class="soft">{_text(says)}</p>\n'
        f"{figures}\n<details><summary>The numbers</summary>{table}</details></section>"
    )


def _cell_name(report: Report, cell: Cell) -> str:
    if report.cell_words == "day":
        return words.day(cell.start, report.zone)
    return f"{words.short_day(cell.start, report.zone)}, {words.clock(cell.start, report.zone)}"


def _table(name: str, caption: str, heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """rows: of HTML; the first column names the row."""
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in heads)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{each}</td>" for each in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll"><table class="{name}"><caption>{_text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


# The end


def _notes(report: Report) -> str:
    profiles = ", ".join(report.profiles) or "none"
    shown = "".join(
        f"<dt>{_text(name)}</dt><dd>{_text(text.format(profiles=profiles, cell=report.cell_words))}"
        "</dd>"
        for name, text in NOTES.items()
    )
    return (
        '<section><h2 id="notes">What counts when</h2>'
        f'<dl class="notes soft">{shown}</dl></section>'
    )


# Values


def _text(text: str) -> str:
    return escape(words.plain(text))


def _number(number: int) -> str:
    return f'<data value="{number}">{number:,}</data>'


def _share(share: float | None) -> str:
    if share is None:
        return words.NOTHING
    return f'<data value="{share!r}">{share:.1f}</data>'


def _time(seconds: float | None) -> str:
    if seconds is None:
        return words.NOTHING
    return f'<data value="{seconds!r}">{words.duration(seconds)}</data>'
