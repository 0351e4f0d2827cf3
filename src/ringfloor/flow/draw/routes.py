"""Routes: where boxes stand and how lines run between them, in pixels.

layers has decided columns and order. Every item wants to be level with what it is joined to, as far
as its neighbours leave room (least squares, exactly, column by column). Between columns each
bundle of lines to one box has an upright track of its own; tracks are ordered so that few lines
cross and none lie upon each other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ringfloor.base.limits import FLOW_DRAWING_SWEEPS, FLOW_DRAWING_WORK_MAX
from ringfloor.flow.draw.layers import Item, Plan, Port

BETWEEN_BOXES = 30
BETWEEN_LINES = 12
BETWEEN_TRACKS = 9
MARGIN = 16
CHANNEL_MIN = 46
"""Pixels: between boxes, between bends, between tracks, beside tracks, and between columns."""

Point = tuple[float, float]


class Picture(NamedTuple):
    """Top left corners of boxes by name, and the corners of each port's line.

    cuts: x left of each column but the first, where every line is level.
    """

    corners: Mapping[str, Point]
    lines: tuple[tuple[Point, ...], ...]
    width: float
    height: float
    cuts: tuple[float, ...]


class Hop(NamedTuple):
    """A line's way through one channel, from one of its sides to the other, or back to the same.

    channel: left of the column of that number. from_left, to_left: whether on its left side.
    """

    channel: int
    target: str
    from_left: bool
    from_y: float
    to_left: bool
    to_y: float


def picture(
    plan: Plan, ports: Sequence[Port], widths: Mapping[str, float], entry: float
) -> Picture:
    """All places. widths: of boxes by name. entry: y where lines enter a box."""
    tops = _tops(plan)
    journeys = [
        _journey(plan, port, hops, tops, entry) for port, hops in zip(ports, plan.hops, strict=True)
    ]
    tracks = _tracks([hop for journey in journeys for hop in journey], len(plan.columns))
    lefts, channels, width = _across(plan, widths, tracks)
    corners = {
        item.name: (lefts[item.layer], tops[at]) for at, item in enumerate(plan.items) if item.name
    }
    lines = tuple(
        _line(plan, port, journey, (lefts, channels, tracks), widths)
        for port, journey in zip(ports, journeys, strict=True)
    )
    bottom = max((tops[at] + item.height for at, item in enumerate(plan.items)), default=0)
    cuts = tuple(left - MARGIN / 2 for left in lefts[1:])
    return Picture(corners, lines, width, bottom, cuts)


# Heights


def _tops(plan: Plan) -> list[float]:
    """The top of every item."""
    tops = [0.0] * len(plan.items)
    for column in plan.columns:
        y = 0.0
        for at, gap in zip(column, _gaps(plan.items, column), strict=True):
            y += gap
            tops[at] = y
            y += plan.items[at].height
    pulls = _pulls(plan)
    rooms = [_rooms(plan.items, column) for column in plan.columns]
    work = 1 + len(plan.items) + len(plan.links)
    layers = range(len(plan.columns))
    for sweep in range(min(FLOW_DRAWING_SWEEPS, FLOW_DRAWING_WORK_MAX // work)):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _settle(plan.columns[layer], rooms[layer], pulls, tops)
    _straighten(plan, tops)
    highest = min(tops, default=0.0)
    return [round(top - highest, 1) for top in tops]


def _gaps(items: Sequence[Item], column: Sequence[int]) -> list[float]:
    """The room above each item of a column."""
    gaps = [0.0]
    for upper, lower in pairwise(column):
        lines = sum(not items[at].name for at in (upper, lower))
        gaps.append((BETWEEN_BOXES, (BETWEEN_BOXES + BETWEEN_LINES) / 2, BETWEEN_LINES)[lines])
    return gaps


def _rooms(items: Sequence[Item], column: Sequence[int]) -> list[float]:
    """How far each item is below the first, when all stand as close as they may."""
    rooms: list[float] = []
    y = 0.0
    for at, gap in zip(column, _gaps(items, column), strict=True):
        y += gap
        rooms.append(y)
        y += items[at].height
    return rooms


Pull = tuple[int, float, float]
"""Another item, how far below its top this one's top would be level, and how strongly."""


def _pulls(plan: Plan) -> list[list[Pull]]:
    pulls: list[list[Pull]] = [[] for _ in plan.items]
    for link in plan.links:
        pulls[link.right].append((link.left, link.left_y - link.right_y, link.pull))
        pulls[link.left].append((link.right, link.right_y - link.left_y, link.pull))
    for bend, boxes in plan.joins.items():
        for box in boxes:
            pulls[bend].append((box, plan.items[box].height + BETWEEN_LINES, 1.0))
    return pulls


def _settle(
    column: Sequence[int], rooms: Sequence[float], pulls: list[list[Pull]], tops: list[float]
) -> None:
    """Bring a column as near as can be to where its items are pulled, keeping their order.

    Isotonic regression: neighbours that would overlap move as one block to their common mean.
    """
    blocks: list[tuple[float, float, int]] = []
    for at, room in zip(column, rooms, strict=True):
        weight = level = 0.0
        for other, below, pull in pulls[at]:
            weight += pull
            level += (tops[other] + below) * pull
        mean = (level / weight if weight else tops[at]) - room
        blocks.append((mean, weight or 0.1, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (upper, some, count), (lower, more, others) = blocks[-2], blocks[-1]
            both = some + more
            blocks[-2:] = [((upper * some + lower * more) / both, both, count + others)]
    place = 0
    for mean, _, count in blocks:
        for _ in range(count):
            tops[column[place]] = mean + rooms[place]
            place += 1


def _straighten(plan: Plan, tops: list[float]) -> None:
    """Bring bends that follow each other to one height, as far as their neighbours leave room."""
    chains: dict[tuple[str, bool], dict[int, int]] = {}
    for at, item in enumerate(plan.items):
        if not item.name:
            chains.setdefault((item.target, item.back), {})[item.layer] = at
    for chain in chains.values():
        run: list[int] = []
        top, bottom = -INFINITE, INFINITE
        for layer in sorted(chain):
            least, most = _room(plan, chain[layer], tops)
            follows = run and plan.items[run[-1]].layer == layer - 1
            if follows and max(top, least) <= min(bottom, most):
                top, bottom = max(top, least), min(bottom, most)
            else:
                _level(run, top, bottom, tops)
                run, top, bottom = [], least, most
            run.append(chain[layer])
        _level(run, top, bottom, tops)


INFINITE = 1e9


def _room(plan: Plan, at: int, tops: Sequence[float]) -> tuple[float, float]:
    """Between which heights a bend can move."""
    column = plan.columns[plan.items[at].layer]
    place = column.index(at)
    gaps = _gaps(plan.items, column[max(0, place - 1) : place + 2])
    least, most = -INFINITE, INFINITE
    if place > 0:
        above = column[place - 1]
        least = tops[above] + plan.items[above].height + gaps[1]
    if place + 1 < len(column):
        most = tops[column[place + 1]] - gaps[-1]
    return least, most


def _level(run: Sequence[int], top: float, bottom: float, tops: list[float]) -> None:
    if run:
        mean = sum(tops[at] for at in run) / len(run)
        for at in run:
            tops[at] = min(max(mean, top), bottom)


# Lines


def _journey(
    plan: Plan, port: Port, hops: Sequence[int], tops: Sequence[float], entry: float
) -> list[Hop]:
    source, target = plan.number[port.source], plan.number[port.target]
    first = plan.items[source].layer + 1
    start, end = tops[source] + port.y, tops[target] + entry
    stops = [tops[at] for at in hops]
    if not hops or not plan.items[hops[0]].back:
        ys = [start, *stops, end]
        return [
            Hop(first + at, port.target, True, here, False, there)
            for at, (here, there) in enumerate(pairwise(ys))
        ]
    back = [
        Hop(first - 1 - at, port.target, False, here, True, there)
        for at, (here, there) in enumerate(pairwise(stops))
    ]
    return [
        Hop(first, port.target, True, start, True, stops[0]),
        *back,
        Hop(first - 1 - len(back), port.target, False, stops[-1], False, end),
    ]


class _Net(NamedTuple):
    """The bundle of lines to one box in one channel: where it touches the sides, in order."""

    top: float
    bottom: float
    left: Sequence[float]
    right: Sequence[float]


def _net(hops: Sequence[Hop]) -> _Net:
    sides: tuple[set[float], set[float]] = set(), set()
    for hop in hops:
        sides[not hop.from_left].add(hop.from_y)
        sides[not hop.to_left].add(hop.to_y)
    ends = sorted(sides[0] | sides[1])
    return _Net(ends[0], ends[-1], sorted(sides[0]), sorted(sides[1]))


class Tracks(NamedTuple):
    """Tracks by channel and target, and how many each channel has."""

    of: Mapping[tuple[int, str], int]
    size: Mapping[int, int]


def _tracks(hops: Sequence[Hop], columns: int) -> Tracks:
    """The track of each bundle in each channel."""
    channels: dict[int, dict[str, list[Hop]]] = {channel: {} for channel in range(columns + 1)}
    for hop in hops:
        channels[hop.channel].setdefault(hop.target, []).append(hop)
    of: dict[tuple[int, str], int] = {}
    size: dict[int, int] = {}
    for channel, nets in channels.items():
        tracks = _assigned([_net(each) for each in nets.values()])
        of.update({(channel, name): track for name, track in zip(nets, tracks, strict=True)})
        size[channel] = max(tracks, default=-1) + 1
    return Tracks(of, size)


_NEAR = 4
_UPON = 1_000
"""Pixels below which lines lie upon each other, and what that counts against crossings."""


def _cost(left: _Net, right: _Net) -> int:
    """Crossings of two bundles when the first has the track further left."""
    if left.top > right.bottom + _NEAR or right.top > left.bottom + _NEAR:
        return 0
    found = _between(left.right, right.top, right.bottom)
    found += _between(right.left, left.top, left.bottom)
    near = sum(_between(left.right, y - _NEAR, y + _NEAR) for y in right.left)
    return found + _UPON * near


def _between(sorted_ys: Sequence[float], top: float, bottom: float) -> int:
    """How many of them are strictly between the two."""
    return max(0, bisect_left(sorted_ys, bottom) - bisect_right(sorted_ys, top))


def _assigned(nets: Sequence[_Net]) -> list[int]:
    """A track for each bundle, from left to right."""
    order = sorted(range(len(nets)), key=lambda at: (nets[at].top, nets[at].bottom, at))
    better: dict[tuple[int, int], bool] = {}
    for _ in range(len(order)):
        swapped = False
        for place in range(len(order) - 1):
            one, other = order[place], order[place + 1]
            if (one, other) not in better:
                apart = _cost(nets[one], nets[other])
                better[one, other] = apart > 0 and _cost(nets[other], nets[one]) < apart
            if better[one, other]:
                order[place], order[place + 1] = other, one
                swapped = True
        if not swapped:
            break
    tracks = [0] * len(nets)
    for place, at in enumerate(order):
        top, bottom = nets[at].top - BETWEEN_TRACKS, nets[at].bottom + BETWEEN_TRACKS
        clashing = [
            tracks[other]
            for other in order[:place]
            if top < nets[other].bottom and nets[other].top < bottom
        ]
        tracks[at] = max(clashing, default=-1) + 1
    return tracks


def _across(
    plan: Plan, widths: Mapping[str, float], tracks: Tracks
) -> tuple[list[float], list[float], float]:
    """The left edge of each column, the first track of each channel, and the whole width."""
    lefts: list[float] = []
    channels: list[float] = []
    x = 0.0
    for layer, column in enumerate(plan.columns):
        x = _channel(x, tracks.size[layer], channels, outer=layer == 0)
        lefts.append(x)
        x += max((widths[plan.items[at].name] for at in column if plan.items[at].name), default=0)
    x = _channel(x, tracks.size[len(plan.columns)], channels, outer=True)
    return lefts, channels, x


def _channel(x: float, count: int, channels: list[float], *, outer: bool) -> float:
    """The right side of a channel that begins at x; one at the edge may be missing."""
    wide = (count - 1) * BETWEEN_TRACKS + 2 * MARGIN if count else 0
    whole = wide if outer else max(CHANNEL_MIN, wide)
    channels.append(x + (whole - max(0, count - 1) * BETWEEN_TRACKS) / 2)
    return x + whole


def _line(
    plan: Plan,
    port: Port,
    journey: Sequence[Hop],
    across: tuple[list[float], list[float], Tracks],
    widths: Mapping[str, float],
) -> tuple[Point, ...]:
    """The corners of a line, from its port to the box that it leads to."""
    lefts, channels, tracks = across
    source, target = (plan.items[plan.number[name]] for name in (port.source, port.target))
    points: list[Point] = [(lefts[source.layer] + widths[source.name], journey[0].from_y)]
    for hop in journey:
        x = channels[hop.channel] + tracks.of[hop.channel, hop.target] * BETWEEN_TRACKS
        points += [(x, hop.from_y), (x, hop.to_y)]
    points.append((lefts[target.layer], journey[-1].to_y))
    return tuple(_straightened(points))


def _straightened(points: Sequence[Point]) -> list[Point]:
    """Without corners that are none."""
    found: list[Point] = []
    for point in points:
        if found and found[-1] == point:
            continue
        if len(found) > 1 and (
            found[-2][0] == found[-1][0] == point[0] or found[-2][1] == found[-1][1] == point[1]
        ):
            found.pop()
        found.append(point)
    return found
