"""Page: a load test as one self-contained HTML page, with plots by time.

Called by cli_load; needs Matplotlib. Its style and rules are those of report.page: nothing is asked
of anybody, what is a name is escaped, and every plot has its numbers in a table below.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from ringfloor import __version__
from ringfloor.load import outcome
from ringfloor.load.measures import Window
from ringfloor.load.run import Result
from ringfloor.report import plots, words
from ringfloor.report.page import POLICY, STYLE
from ringfloor.report.plots import Curve

SAYS = (
    "Lengths in ms, from when the request was due; service p99: from when it was sent. Refused"
    " requests count, their lengths do not."
)


def page(result: Result) -> str:
    """The whole page."""
    wanted = result.wanted
    title = f"Load test: {wanted.scenario.name}"
    said = (
        f"{wanted.endpoint}; {result.agents} agents, speed {wanted.speed:g}; customers for"
        f" {result.came_for:.0f} s, over after {result.lasted:.0f} s"
    )
    parts = [
        f'<header><h1>{_text(title)}</h1><p class="soft">{_text(said)}</p></header>',
        "".join(f"<p>{_text(each)}</p>" for each in outcome.conclusions(result)),
        *_plots(result),
        f'<section><h2 id="operations">Operations</h2><p class="soft">{SAYS}</p>',
        _table("operations", "by how often", outcome.HEADS, outcome.table(result)),
        "</section>",
        _errors(result),
        '<section><h2 id="contacts">Contacts</h2>',
        _table(
            "contacts",
            "by what has become of them",
            outcome.CONTACT_HEADS,
            outcome.contacts(result),
        ),
        "</section>",
        f"<footer>Ringfloor {_text(__version__)}</footer>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _plots(result: Result) -> Iterator[str]:
    """Rates, lengths and errors by time."""
    windows, width = outcome.windows(result), result.measures.window
    if not windows:
        return
    at = [(number + 0.5) * width for number in range(len(windows))]
    requests = Curve("requests", [each.count / width for each in windows])
    started = Curve("contacts started", [each.started / width for each in windows])
    yield _section("rate", "Rate", plots.course("rate", "Per second", at, [requests, started]))
    yield _section(
        "latency",
        "Response time",
        plots.course(
            "latency",
            "Milliseconds",
            at,
            [Curve("p50", _lengths(windows, 0.5)), Curve("p99", _lengths(windows, 0.99))],
            logarithmic=True,
        ),
    )
    errors = Curve("errors", [each.errors / width for each in windows])
    throttled = Curve("throttled", [each.throttled / width for each in windows])
    drawn = plots.course("errors", "Per second", at, [errors, throttled])
    yield _section("errors", "Errors", drawn)
    rows = (
        [
            f"{moment:.1f}",
            *[f"{each:,}" for each in (one.count, one.started, one.errors, one.throttled)],
            *[words.NOTHING if each is None else f"{each:.1f}" for each in lengths],
        ]
        for moment, one, *lengths in zip(
            at, windows, _lengths(windows, 0.5), _lengths(windows, 0.99), strict=True
        )
    )
    heads = ("second", "requests", "started", "errors", "throttled", "p50 ms", "p99 ms")
    numbers = _table("windows", f"windows of {width:g} s, by their middle", heads, rows)
    yield f"<details><summary>The numbers</summary>{numbers}</details>"


def _lengths(windows: Sequence[Window], share: float) -> list[float | None]:
    """In milliseconds."""
    found = [each.response.quantile(share) for each in windows]
    return [None if each is None else each * 1000 for each in found]


def _errors(result: Result) -> str:
    rows = [
        [name, code, f"{count:,}", f"{tally.count:,}"]
        for name, tally in sorted(result.measures.operations.items())
        for code, count in sorted(tally.errors.items())
    ]
    if not rows:
        return ""
    heads = ("operation", "code", "errors", "of")
    shown = _table("codes", "by operation and code", heads, rows)
    return f'<section><h2 id="codes">What went wrong</h2>{shown}</section>'


def _section(name: str, title: str, drawn: str) -> str:
    return f'<section><h2 id="{name}">{_text(title)}</h2><figure>{drawn}</figure></section>'


def _table(name: str, caption: str, heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in heads)
    body = "\n".join(
        f'<tr><th scope="row">{_text(first)}</th>'
        + "".join(f"<td>{_text(each)}</td>" for each in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll"><table class="{name}"><caption>{_text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _text(text: str) -> str:
    return escape(words.plain(text))
