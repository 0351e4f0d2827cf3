"""Layers: in which column each box stands, and in which order the columns are.

A box stands right of all that lead to it, loops apart (longest path). A line that passes a column
bends there; lines to the same box share their bends, so that they run together. The order in a
column is that of the fewest crossings that a few sweeps of barycenters find. Nothing depends on
chance or on the hash of a text.

Source: K. Sugiyama, S. Tagawa, M. Toda, Methods for visual understanding of hierarchical system
structures, IEEE Transactions on Systems, Man and Cybernetics 11 (1981).
"""

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ringfloor.base.limits import FLOW_DRAWING_SWEEPS, FLOW_DRAWING_WORK_MAX

BEND_PULL = 8.0
"""How much lines want to be straight between two bends, against those at a box."""


class Port(NamedTuple):
    """Where a line leaves a box. y: from its top. pull: how much it wants to be straight."""

    source: str
    target: str
    y: float
    pull: float = 1.0


class Item(NamedTuple):
    """A box, or a bend (name is empty) of the lines to target. height: 0 of a bend.

    back: a bend of lines that run leftwards.
    """

    name: str
    target: str
    layer: int
    height: float
    back: bool = False


class Link(NamedTuple):
    """A line between neighbouring columns, by the numbers of its items; y: from their tops."""

    left: int
    left_y: float
    right: int
    right_y: float
    pull: float = BEND_PULL


class Plan(NamedTuple):
    """What stands where. columns: the numbers of items, from top to bottom.

    hops: of each port, the bends that its line passes. joins: bends that stand beside a box of
    their own column.
    """

    items: tuple[Item, ...]
    columns: tuple[tuple[int, ...], ...]
    links: tuple[Link, ...]
    hops: tuple[tuple[int, ...], ...]
    joins: Mapping[int, tuple[int, ...]]
    number: Mapping[str, int]


def plan(heights: Mapping[str, float], ports: Sequence[Port], entry: float) -> Plan:
    """heights: of boxes by name, those first that come first. entry: y where lines enter a box."""
    layers = _layers(list(heights), ports)
    items = [Item(name, name, layers[name], height) for name, height in heights.items()]
    number = {item.name: at for at, item in enumerate(items)}
    bends: dict[tuple[str, int, bool], int] = {}
    links: dict[Link, None] = {}
    joins: dict[int, dict[int, None]] = {}
    hops: list[tuple[int, ...]] = []
    for port in ports:
        first, last = layers[port.source], layers[port.target]
        back = last <= first
        passed = range(first, last - 1, -1) if back else range(first + 1, last)
        hop: list[int] = []
        for layer in passed:
            key = (port.target, layer, back)
            if key not in bends:
                bends[key] = len(items)
                items.append(Item("", port.target, layer, 0, back))
            hop.append(bends[key])
        hops.append(tuple(hop))
        source, target = number[port.source], number[port.target]
        if back:
            joins.setdefault(hop[0], {})[source] = None
            joins.setdefault(hop[-1], {})[target] = None
            for right, left in pairwise(hop):
                links[Link(left, 0, right, 0)] = None
        else:
            ways = [(source, port.y), *((each, 0.0) for each in hop), (target, entry)]
            for (left, left_y), (right, right_y) in pairwise(ways):
                at_box = left == source or right == target
                pull = port.pull if at_box else BEND_PULL
                links[Link(left, left_y, right, right_y, pull)] = None
    beside = {bend: tuple(boxes) for bend, boxes in joins.items()}
    found = Plan(tuple(items), (), tuple(links), tuple(hops), beside, number)
    return found._replace(columns=_ordered(found))


# Columns


def _layers(names: Sequence[str], ports: Sequence[Port]) -> dict[str, int]:
    """The column of each box: one more than the greatest of those before it."""
    after: dict[str, list[str]] = {name: [] for name in names}
    for port in ports:
        after[port.source].append(port.target)
    order, loops = _finished(names, after)
    layers = dict.fromkeys(names, 0)
    for name in reversed(order):
        for target in after[name]:
            if (name, target) not in loops:
                layers[target] = max(layers[target], layers[name] + 1)
    return layers


def _finished(
    names: Sequence[str], after: Mapping[str, Sequence[str]]
) -> tuple[list[str], set[tuple[str, str]]]:
    """Names as a walk in depth is done with them, and the lines that close a loop."""
    order: list[str] = []
    loops: set[tuple[str, str]] = set()
    state: dict[str, bool] = {}
    for root in names:
        if root in state:
            continue
        state[root] = False
        stack = [(root, iter(after[root]))]
        while stack:
            name, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                stack.pop()
                state[name] = True
                order.append(name)
            elif target not in state:
                state[target] = False
                stack.append((target, iter(after[target])))
            elif not state[target]:
                loops.add((name, target))
    return order, loops


# Order in the columns

_End = tuple[int, float]
"""The number of an item, and where on it a line ends: 0 at its top, almost 1 at its bottom."""


class _Order:
    """The columns while they are being sorted."""

    def __init__(self, plan: Plan) -> None:
        self.joins = plan.joins
        self.before: list[list[_End]] = [[] for _ in plan.items]
        self.behind: list[list[_End]] = [[] for _ in plan.items]
        self.lines: list[list[tuple[float, _End]]] = [[] for _ in plan.items]
        """Of each item to the right: where it begins, in parts of the item, and its other end."""
        for link in plan.links:
            left = link.left, link.left_y / (plan.items[link.left].height + 1)
            right = link.right, link.right_y / (plan.items[link.right].height + 1)
            self.before[link.right].append(left)
            self.behind[link.left].append(right)
            self.lines[link.left].append((left[1], right))
        self.columns: list[list[int]] = [
            [] for _ in range(1 + max((item.layer for item in plan.items), default=0))
        ]
        for at, item in enumerate(plan.items):
            self.columns[item.layer].append(at)
        self.place = {at: place for column in self.columns for place, at in enumerate(column)}

    def sort(self, layer: int, *, by_left: bool) -> bool:
        """One column by where its lines come from, or lead to; whether that changes it."""
        column = self.columns[layer]
        wanted: dict[int, float] = {}
        for at in column:
            found = self._neighbours(at, by_left=by_left)
            wanted[at] = sum(found) / len(found) if found else self.place[at]
        for at in column:
            beside = [wanted[box] for box in self.joins.get(at, ())]
            if beside and not self._neighbours(at, by_left=by_left):
                wanted[at] = sum(beside) / len(beside) + 0.5
        before = list(column)
        column.sort(key=wanted.__getitem__)
        for place, at in enumerate(column):
            self.place[at] = place
        return column != before

    def _neighbours(self, at: int, *, by_left: bool) -> list[float]:
        place = self.place
        ends = self.before[at] if by_left else self.behind[at]
        return [place[other] + part for other, part in ends]

    def crossings(self) -> int:
        return sum(self._crossings(column) for column in self.columns)

    def _crossings(self, column: Sequence[int]) -> int:
        """Crossings of the lines that leave a column to the right."""
        place = self.place
        lines = sorted(
            (place[at] + part, place[other] + other_part)
            for at in column
            for part, (other, other_part) in self.lines[at]
        )
        met: list[float] = []
        found = 0
        for _, right in lines:
            found += len(met) - bisect_right(met, right)
            insort(met, right)
        return found


def _ordered(plan: Plan) -> tuple[tuple[int, ...], ...]:
    order = _Order(plan)
    best = [list(column) for column in order.columns]
    fewest = order.crossings()
    work = 1 + len(plan.items) + len(plan.links)
    still = 0
    for sweep in range(min(FLOW_DRAWING_SWEEPS, FLOW_DRAWING_WORK_MAX // work)):
        rightwards = sweep % 2 == 0
        layers = range(len(order.columns))
        changed = [
            order.sort(layer, by_left=rightwards)
            for layer in (layers if rightwards else reversed(layers))
        ]
        still = 0 if any(changed) else still + 1
        if still == 2:
            break  # neither way changes anything more
        crossings = order.crossings()
        if crossings < fewest:
            fewest = crossings
            best = [list(column) for column in order.columns]
    return tuple(tuple(column) for column in best)
