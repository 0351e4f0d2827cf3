"""Planning: a forecast, a plan of staff or a day played anew, as one self-contained HTML page.

Called by cli_forecast, cli_staff and cli_whatif, which say what stands in it. Style and rules are
those of report.page: nothing is asked of anybody, each plot has its numbers in a table below.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from ringfloor import __version__
from ringfloor.report import plots, words
from ringfloor.report.page import POLICY, STYLE
from ringfloor.report.plots import Chart, Gaps

Rows = Sequence[Sequence[str]]


class Part(NamedTuple):
    """A plot and its table; without a plot the table is open."""

    name: str
    title: str
    says: str
    heads: Sequence[str]
    rows: Rows
    chart: Chart | Gaps | None = None


class Sheet(NamedTuple):
    """A whole page. tiles: what stands above everything, large."""

    title: str
    says: str
    source: str
    tiles: Sequence[tuple[str, str]]
    parts: Sequence[Part]


def page(sheet: Sheet) -> str:
    """The whole page."""
    tiles = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in sheet.tiles
    )
    source = _text(f"Source: {sheet.source}. Made by Ringfloor {__version__}.")
    header = (
        f"<header><h1>{_text(sheet.title)}</h1><p><strong>{_text(sheet.says)}</strong></p>"
        f'<p class="soft">{source}</p></header>'
    )
    body = "\n".join(
        [
            header,
            f'<dl class="tiles">{tiles}</dl>',
            *map(_part, sheet.parts),
            f"<footer>{source}</footer>",
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(sheet.title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _part(part: Part) -> str:
    table = _table(part)
    drawn = ""
    if part.chart is not None:
        drawn = f"<figure>{_drawn(part.chart)}</figure>"
        table = f"<details><summary>The numbers</summary>{table}</details>"
    return (
        f'<section><h2 id="{part.name}">{_text(part.title)}</h2>'
        f'<p class="soft">{_text(part.says)}</p>\n{drawn}\n{table}</section>'
    )


def _drawn(chart: Chart | Gaps) -> str:
    return plots.gaps(chart) if isinstance(chart, Gaps) else plots.chart(chart)


def _table(part: Part) -> str:
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in part.heads)
    body = "\n".join(
        f'<tr><th scope="row">{_text(first)}</th>'
        + "".join(f"<td>{_text(each)}</td>" for each in rest)
        + "</tr>"
        for first, *rest in part.rows
    )
    return (
        f'<div class="scroll"><table class="{part.name}"><caption>{_text(part.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _text(text: str) -> str:
    return escape(words.plain(text))
