"""SVG: a flow as a picture that a person can read, and a screen reader too.

`ringfloor flow draw` writes it. From left to right: the start, then a box for each action in the
console's words, with its parameters and a row for each way out. Lines to the same box run together;
errors are dashed. What cannot be reached is shown below, apart, and its ways into the rest of the
flow are told in words. The same flow gives the same picture, byte for byte.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from ringfloor.base.limits import FLOW_ACTIONS_MAX
from ringfloor.flow import language
from ringfloor.flow.document import Flow, refusal
from ringfloor.flow.draw import boxes as cells
from ringfloor.flow.draw.boxes import EDGE, HEAD, LINE, NOWHERE, ROW, WIDTH, Box, Way
from ringfloor.flow.draw.folds import BADGE, Sheet, folded
from ringfloor.flow.draw.layers import Port, plan
from ringfloor.flow.draw.routes import Point, picture

START = "\0start"
"""The name of the mark where a contact enters."""

FAILS_PULL, GOES_PULL = 1.0, 4.0
"""How much lines want to be straight: those of errors less than others."""

START_WIDTH = 58
FRAME = 24
TITLE = 44
APART = 56
CORNER = 6
"""Pixels: of the start, around all, for the title, between the parts, and of a line's corner."""

STYLE = """
text{font-family:Arial,Helvetica,"Liberation Sans",sans-serif;font-size:11px;fill:#1f2933}
.title{font-size:18px;font-weight:bold}.note{font-size:13px;fill:#52606d}
.box>rect{fill:#fff;stroke:#9aa5b1}.box .head{font-size:12px;font-weight:bold;fill:#fff}
.box .name{font-style:italic;fill:#52606d}.box .way{text-anchor:end;fill:#334e68}
.box .fails{fill:#a61b1b}.talk .top{fill:#2563a8}.contact .top{fill:#1d7a6b}
.branch .top{fill:#8a6100}.world .top{fill:#6b4fa0}.end .top{fill:#8c2f39}
.ends>rect{stroke:#8c2f39;stroke-width:2}.lost>rect{stroke-dasharray:3 3}.lost .top{opacity:.55}
.start rect{fill:#1f2933}.start text{fill:#fff;font-weight:bold;text-anchor:middle}
.line{fill:none;stroke:#486581;stroke-width:1.4;marker-end:url(#tip)}
.line.fails{stroke:#c0564f;stroke-dasharray:5 3;marker-end:url(#fail)}
.badge circle{fill:#fff;stroke:#486581}.badge text{font-size:8px;text-anchor:middle}
.line:hover{stroke-width:3.5}.port{fill:#486581}.port.fails{fill:#c0564f}
"""


class Part(NamedTuple):
    """A picture of some actions, and what is in it."""

    boxes: Mapping[str, Box]
    ports: Sequence[tuple[Port, Way]]
    sheet: Sheet


def drawing(content: str, title: str) -> str:
    """The SVG of a flow; Refusal InvalidContactFlowException when it has not even the shape."""
    flow = language.parse(content, "", published=False)
    if len(flow.actions) > FLOW_ACTIONS_MAX:
        raise refusal(f"It has {len(flow.actions)} actions; at most {FLOW_ACTIONS_MAX} are drawn")
    made = cells.boxes(flow, cells.kept(content))
    there = _reached(flow, made)
    main = _part({name: made[name] for name in there}, flow.start)
    lost = {name: box for name, box in made.items() if name not in there}
    aside = _part(lost, None) if lost else None
    return "\n".join(_svg(title, made, main, aside))


def _reached(flow: Flow, made: Mapping[str, Box]) -> list[str]:
    """The actions that a contact can come to, in depth first order."""
    found: dict[str, None] = {}
    stack = [flow.start] if flow.start in made else []
    while stack:
        name = stack.pop()
        if name not in found:
            found[name] = None
            stack += [way.target for way in reversed(made[name].ways) if way.target in made]
    return list(found)


def _part(made: Mapping[str, Box], start: str | None) -> Part:
    """start: the action that the mark leads to; None: there is no mark."""
    entry = HEAD / 2
    heights = {name: box.height for name, box in made.items()}
    widths = dict.fromkeys(made, float(WIDTH))
    ports = [
        (Port(name, way.target, way.y, FAILS_PULL if way.fails else GOES_PULL), way)
        for name, box in made.items()
        for way in box.ways
        if way.target in made
    ]
    if start is not None:
        heights, widths = {START: HEAD, **heights}, {START: START_WIDTH, **widths}
        if start in made:
            ports.insert(0, (Port(START, start, entry), Way((), start, False, entry)))
    only = [port for port, _ in ports]
    placed = picture(plan(heights, only, entry), only, widths, entry)
    return Part(made, ports, folded(placed, heights))


# Pieces


def _svg(title: str, made: Mapping[str, Box], main: Part, aside: Part | None) -> Iterator[str]:
    pictures = [part.sheet for part in (main, aside) if part is not None]
    width = max([300.0, *(each.width for each in pictures)]) + 2 * FRAME
    height = 2 * FRAME + TITLE + sum(each.height for each in pictures)
    height += APART if aside is not None else 0
    lost = len(aside.boxes) if aside is not None else 0
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_px(width)}" height="{_px(height)}"'
        f' viewBox="0 0 {_px(width)} {_px(height)}" role="img" aria-labelledby="name what">'
    )
    yield f'<title id="name">{_safe(title)}</title>'
    yield f'<desc id="what">{_safe(_description(made, main, lost))}</desc>'
    yield f"<style>{STYLE}</style>"
    yield "<defs>" + _tip("tip", "#486581") + _tip("fail", "#c0564f") + "</defs>"
    yield '<rect width="100%" height="100%" fill="#f5f7fa"/>'
    yield f'<text class="title" x="{FRAME}" y="{FRAME + 16}">{_safe(title)}</text>'
    yield from _drawn(main, FRAME, FRAME + TITLE, made, lost=False)
    if aside is not None:
        y = FRAME + TITLE + main.sheet.height + APART
        yield f'<text class="note" x="{FRAME}" y="{_px(y - 16)}">Nothing leads here</text>'
        yield from _drawn(aside, FRAME, y, made, lost=True)
    yield "</svg>"


def _description(made: Mapping[str, Box], main: Part, lost: int) -> str:
    start = next((port.target for port, _ in main.ports if port.source == START), None)
    count = f"A contact flow of {len(made)} action{'' if len(made) == 1 else 's'}"
    begins = f", beginning with {made[start].title}" if start is not None else ", without a start"
    return count + begins + (f"; nothing leads to {lost} of them" if lost else "") + "."


def _drawn(part: Part, x: float, y: float, made: Mapping[str, Box], *, lost: bool) -> Iterator[str]:
    yield f'<g transform="translate({_px(x)} {_px(y)})">'
    lines = zip(part.ports, part.sheet.lines, strict=True)
    for (port, way), line in sorted(lines, key=lambda each: not each[0][1].fails):
        kind = "line fails" if way.fails else "line"
        label = " ".join(way.label)
        source = "" if port.source == START else port.source
        tip = f"{_title(made, port.source)}{': ' + label if label else ''}"
        tip += f" → {_title(made, port.target)}"
        path = "".join(map(_path, line))
        dashes = f' stroke-dashoffset="{_px(-_length(line) % DASH)}"' if way.fails else ""
        yield (
            f'<path class="{kind}" d="{path}"{dashes} data-from={_quoted(source)}'
            f" data-to={_quoted(port.target)} data-label={_quoted(label)}>"
            f"<title>{_safe(tip)}</title></path>"
        )
    for badge in part.sheet.badges:
        yield (
            f'<g class="badge"><circle cx="{_px(badge.x)}" cy="{_px(badge.y)}" r="{BADGE}"/>'
            f'<text x="{_px(badge.x)}" y="{_px(badge.y + 3)}">{badge.number}</text></g>'
        )
    for name, corner in part.sheet.corners.items():
        if name == START:
            yield _start(corner)
        else:
            yield from _box(part, part.boxes[name], corner, made, lost=lost)
    yield "</g>"


def _title(made: Mapping[str, Box], name: str) -> str:
    return made[name].title if name in made else "Start"


def _start(corner: Point) -> str:
    x, y = corner
    return (
        f'<g class="start" transform="translate({_px(x)} {_px(y)})">'
        f'<rect width="{START_WIDTH}" height="{HEAD}" rx="13"/>'
        f'<text x="{_px(START_WIDTH / 2)}" y="17">Start</text></g>'
    )


def _box(
    part: Part, box: Box, corner: Point, made: Mapping[str, Box], *, lost: bool
) -> Iterator[str]:
    kinds = ["box", box.sort.value, *(["ends"] if box.ends else []), *(["lost"] if lost else [])]
    yield (
        f'<g class="{" ".join(kinds)}" transform="translate({_px(corner[0])} {_px(corner[1])})"'
        f" data-id={_quoted(box.identifier)}><title>{_safe(box.tip)}</title>"
    )
    yield f'<rect width="{WIDTH}" height="{_px(box.height)}" rx="5"/>'
    yield f'<path class="top" d="M0 {HEAD}V5Q0 0 5 0H{WIDTH - 5}Q{WIDTH} 0 {WIDTH} 5V{HEAD}Z"/>'
    room = WIDTH - 2 * EDGE
    yield f'<text class="head" x="{EDGE}" y="17">{_safe(cells.cut(box.title, room, 12))}</text>'
    y = HEAD + LINE - 1
    if box.name:
        yield f'<text class="name" x="{EDGE}" y="{y}">{_safe(cells.cut(box.name, room, 11))}</text>'
        y += LINE
    for line in box.lines:
        yield f'<text x="{EDGE}" y="{y}">{_safe(line)}</text>'
        y += LINE
    for way in box.ways:
        yield from _way(part, box, way, made)
    yield "</g>"


def _way(part: Part, box: Box, way: Way, made: Mapping[str, Box]) -> Iterator[str]:
    """A row; a way that leaves the part ends in words."""
    kind = " fails" if way.fails else ""
    first = way.y - ROW * len(way.label) / 2
    for number, line in enumerate(way.label):
        y = first + ROW * number + 12
        yield (f'<text class="way{kind}" x="{WIDTH - EDGE}" y="{_px(y)}">{_safe(line)}</text>')
    yield f'<circle class="port{kind}" cx="{WIDTH}" cy="{_px(way.y)}" r="2.5"/>'
    if way.target in part.boxes:
        return
    to = made[way.target].title if way.target != NOWHERE else "nowhere"
    yield (
        f'<path class="line{kind}" d="M{WIDTH} {_px(way.y)}h16" data-from={_quoted(box.identifier)}'
        f" data-to={_quoted(way.target)} data-label={_quoted(' '.join(way.label))}/>"
        f'<text class="note" x="{WIDTH + 20}" y="{_px(way.y + 4)}">{_safe(to)}</text>'
    )


def _path(points: Sequence[Point]) -> str:
    """A line through these corners, which are rounded."""
    pieces = [f"M{_px(points[0][0])} {_px(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        come, go = _far(before, corner), _far(corner, after)
        half = min(CORNER, come / 2, go / 2)
        near, off = _towards(corner, before, half, come), _towards(corner, after, half, go)
        pieces.append(f"L{near}Q{_px(corner[0])} {_px(corner[1])} {off}")
    pieces.append(f"L{_px(points[-1][0])} {_px(points[-1][1])}")
    return "".join(pieces)


DASH = 8
BEND = 2 - 1.623
"""Pixels: of a dash and its gap; and how much shorter than its corner a bend is, by its radius."""


def _length(pieces: Sequence[Sequence[Point]]) -> float:
    """How long a line is. Dashes are counted from its end, so that those of a bundle agree."""
    whole = 0.0
    for points in pieces:
        whole += sum(_far(one, other) for one, other in pairwise(points))
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            whole -= BEND * min(CORNER, _far(before, corner) / 2, _far(corner, after) / 2)
    return whole


def _far(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(corner: Point, other: Point, far: float, whole: float) -> str:
    """The point so far from a corner, on the way to another, which is the whole away."""
    (x, y), (to_x, to_y), whole = corner, other, whole or 1
    return f"{_px(x + (to_x - x) * far / whole)} {_px(y + (to_y - y) * far / whole)}"


def _tip(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7"'
        f' markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0L8 4L0 8Z" fill="{colour}"/></marker>'
    )


def _px(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _safe(text: str) -> str:
    """A text in XML, which some characters cannot be in at all."""
    return escape(_UNWRITABLE.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return quoteattr(_UNWRITABLE.sub("\ufffd", text))
