"""Folds: a long picture in several bands, one below the other, as a text has lines.

A line that is cut ends at a number and goes on at the same number in the next band. Cuts are made
left of a column, where lines are level. Pictures of moderate length are left as they are.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log
from typing import NamedTuple

from ringfloor.flow.draw.routes import Picture, Point

LENGTH_MAX = 2_600
SHAPE = 1.6
"""Pixels beyond which a picture is folded, and then what its width is to its height, about."""

STUB = 12
BADGE = 6
BETWEEN_BANDS = 44
"""Pixels: of a line beyond a cut, of the radius of its number, and between bands."""


class Badge(NamedTuple):
    """A number at the end of a cut line."""

    number: int
    x: float
    y: float


class Sheet(NamedTuple):
    """A picture in bands. lines: of each port, in pieces."""

    corners: Mapping[str, Point]
    lines: tuple[tuple[tuple[Point, ...], ...], ...]
    badges: tuple[Badge, ...]
    width: float
    height: float


class _Band(NamedTuple):
    """From which x on, to which x, and where its top left goes."""

    left: float
    right: float
    dx: float
    dy: float


def folded(picture: Picture, heights: Mapping[str, float]) -> Sheet:
    """heights: of boxes by name."""
    cuts = _cuts(picture)
    bands = _bands(picture, heights, cuts)
    pieces = [_pieces(line, cuts) for line in picture.lines]
    numbers: dict[tuple[float, float], int] = {}
    crossed = {(cut, y) for line in pieces for _, _, ends in line for cut, y in ends}
    for each in sorted(crossed):
        numbers[each] = len(numbers) + 1
    badges = [
        Badge(number, cut + side * (STUB + BADGE) + band.dx, y + band.dy)
        for (cut, y), number in numbers.items()
        for band, side in zip(_around(bands, cut), (1, -1), strict=True)
    ]
    lines = tuple(
        tuple(
            tuple((round(x + bands[at].dx, 1), round(y + bands[at].dy, 1)) for x, y in points)
            for at, points, _ in line
        )
        for line in pieces
    )
    corners = {}
    for name, (x, y) in picture.corners.items():
        band = next(band for band in bands if band.left <= x < band.right)
        corners[name] = (round(x + band.dx, 1), round(y + band.dy, 1))
    last = bands[-1]
    width = max(band.right + band.dx + (0 if band is last else STUB + 2 * BADGE) for band in bands)
    bottoms = [corners[name][1] + heights[name] for name in corners]
    bottoms += [y for line in lines for piece in line for _, y in piece]
    return Sheet(corners, lines, tuple(badges), width, max(bottoms, default=0.0))


def _cuts(picture: Picture) -> list[float]:
    """Where the picture is cut, from left to right."""
    if picture.width <= LENGTH_MAX or not picture.cuts:
        return []
    shapes = {
        count: abs(log(picture.width / count / (count * (picture.height + BETWEEN_BANDS)) / SHAPE))
        for count in range(1, len(picture.cuts) + 1)
    }
    count = min(shapes, key=lambda each: (shapes[each], each))
    wanted = [picture.width * each / count for each in range(1, count)]
    return sorted({min(picture.cuts, key=lambda cut: abs(cut - each)) for each in wanted})


def _bands(picture: Picture, heights: Mapping[str, float], cuts: Sequence[float]) -> list[_Band]:
    bands: list[_Band] = []
    y = 0.0
    edges = [-1.0, *cuts, picture.width + 1]
    for left, right in pairwise(edges):
        inside = [
            end
            for name, (x, top) in picture.corners.items()
            if left <= x < right
            for end in (top, top + heights[name])
        ]
        for line in picture.lines:
            for (x, one), (to, other) in pairwise(line):
                if min(x, to) < right and max(x, to) > left:
                    inside += [one, other]
        top, bottom = min(inside, default=0.0), max(inside, default=0.0)
        indent = 0 if not bands else STUB + 2 * BADGE
        bands.append(_Band(left, right, indent - max(left, 0.0), y - top))
        y += bottom - top + BETWEEN_BANDS
    return bands


def _around(bands: Sequence[_Band], cut: float) -> tuple[_Band, _Band]:
    """The bands that end and begin at a cut."""
    at = next(at for at, band in enumerate(bands) if band.right == cut)
    return bands[at], bands[at + 1]


_Piece = tuple[int, list[Point], list[tuple[float, float]]]
"""The number of a band, corners in it, and the cuts that begin or end it with their heights."""


def _pieces(line: Sequence[Point], cuts: Sequence[float]) -> list[_Piece]:
    """A line in pieces, in its own direction."""

    def band_of(x: float) -> int:
        return sum(cut <= x for cut in cuts)

    at = band_of(line[0][0])
    pieces: list[_Piece] = [(at, [line[0]], [])]
    for x, y in line[1:]:
        to = band_of(x)
        while at != to:
            step = 1 if to > at else -1
            cut = cuts[at] if step > 0 else cuts[at - 1]
            pieces[-1][1].append((cut + step * STUB, y))
            pieces[-1][2].append((cut, y))
            at += step
            pieces.append((at, [(cut - step * STUB, y)], [(cut, y)]))
        pieces[-1][1].append((x, y))
    return pieces
