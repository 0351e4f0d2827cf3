"""Markov chains of small centers: what the simulator and Ciw are held against, exactly.

Calls come at random, talk and patience are exponential. Agents take from the most urgent queue that
they serve, in it who came first; calls go to who has been idle longest. So where everybody stands
(who is idle, in which order; how many wait for what) is a Markov chain, solved as linear equations:
the share of time in every state, hence every average over time; and how far an average over so
much simulated time may be from it, which is a matter of the chain alone (Whitt, Management Science
38, 1992: the asymptotic variance, by Poisson's equation). Nothing is estimated from what is tested.

Rates are per second.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from math import hypot, inf, sqrt
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

NEGLIGIBLE = 1e-6


class Center(NamedTuple):
    """A center of exponential times, the same for all queues.

    groups: how many agents, and the queues that they serve, the most urgent first; arrivals: by
    queue; patience: 0: without end.
    """

    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    arrivals: Mapping[str, float]
    service: float
    patience: float = 0.0


def pool(agents: int, load: float, service: float, patience: float = 0.0) -> Center:
    """One queue, and agents who serve it. load: arrivals that a service takes."""
    return Center({"all": (agents, ("sales",))}, {"sales": load * service}, service, patience)


class State(NamedTuple):
    """What can be seen: agents at work, by group, and calls that wait, by queue."""

    busy: tuple[int, ...]
    waiting: tuple[int, ...]


class Figure(NamedTuple):
    """What a state is worth, and the most that it can be."""

    of: Callable[[State], float]
    most: float = inf


def figures(center: Center) -> dict[str, Figure]:
    """What is compared: how many wait, whether who came now would wait, how many are at work."""
    found: dict[str, Figure] = {}
    for at, queue in enumerate(center.arrivals):
        serving = [
            (number, count)
            for number, (count, queues) in enumerate(center.groups.values())
            if queue in queues
        ]
        found[f"waiting for {queue}"] = Figure(lambda state, at=at: state.waiting[at])
        found[f"delay for {queue}"] = Figure(
            lambda state, serving=serving: all(
                state.busy[number] == count for number, count in serving
            ),
            1,
        )
    for at, (group, (count, _)) in enumerate(center.groups.items()):
        found[f"{group} at work"] = Figure(lambda state, at=at: state.busy[at], count)
    return found


class Average(NamedTuple):
    """mean: over all time; deviation: of the mean over one second, as if seconds were apart."""

    mean: float
    deviation: float
    most: float = inf

    def off(self, measured: float, span: float) -> float:
        """By how many standard deviations the mean over so many seconds is off.

        Such means cannot be negative and have a tail above, about as those of a gamma distribution,
        whose third root is about normal (Wilson and Hilferty); near the most, seen from there.
        """
        root, deviation = self._root(measured, span)
        return (root - 1) / deviation

    def apart(self, one: "Seen", other: "Seen", figure: Figure) -> float:
        """The same of two that know nothing of each other."""
        roots, deviations = zip(
            *(self._root(each.average(figure), each.span) for each in (one, other)), strict=True
        )
        return (roots[0] - roots[1]) / hypot(*deviations) * (1 if deviations[0] > 0 else -1)

    def _root(self, measured: float, span: float) -> tuple[float, float]:
        """Around 1 if all is well, and its standard deviation, negative if seen from the most."""
        if self.mean > self.most / 2:
            turned = Average(self.most - self.mean, self.deviation)
            root, deviation = turned._root(self.most - measured, span)
            return root, -deviation
        part = self.deviation / sqrt(span) / self.mean
        return float(np.cbrt(measured / self.mean)) + part**2 / 9, part / 3


Place = tuple[tuple[str, ...], tuple[int, ...]]
"""Groups of idle agents, who has been so longest first; calls that wait, by queue."""


class Chain:
    """A center as a chain, cut where so many wait for a queue that nearly never more do."""

    def __init__(self, center: Center, longest: int = 40) -> None:
        self.center = center
        self._longest = longest
        self._queues = list(center.arrivals)
        start: Place = (
            tuple(name for name, (count, _) in center.groups.items() for _ in range(count)),
            (0,) * len(self._queues),
        )
        self._places = {start: 0}
        rows, columns, rates = [], [], []
        to_do = [start]
        for place in to_do:
            for rate, following in self._moves(place):
                if following not in self._places:
                    self._places[following] = len(self._places)
                    to_do.append(following)
                here, there = self._places[place], self._places[following]
                rows += [here, here]
                columns += [there, here]
                rates += [rate, -rate]
        size = len(self._places)
        whole = coo_matrix((rates, (rows, columns)), (size, size)).tocsc()
        self._from_first = whole[0, 1:].toarray()[0]
        self._inner = splu(whole[1:, 1:].tocsc())
        at_the_edge = sum(self._weights[number] for number in self._edge())
        assert at_the_edge < NEGLIGIBLE, f"{at_the_edge}: more must be let wait"

    def _moves(self, place: Place) -> Iterator[tuple[float, Place]]:
        idle, waiting = place
        groups, center = self.center.groups, self.center
        for at, queue in enumerate(self._queues):
            first = next((n for n, name in enumerate(idle) if queue in groups[name][1]), None)
            if first is not None:
                yield center.arrivals[queue], ((*idle[:first], *idle[first + 1 :]), waiting)
            elif waiting[at] < self._longest:
                yield center.arrivals[queue], (idle, _moved(waiting, at, 1))
            if waiting[at] and center.patience:
                yield waiting[at] * center.patience, (idle, _moved(waiting, at, -1))
        for name, (count, queues) in groups.items():
            busy = count - idle.count(name)
            if busy:
                taken = next((q for q in queues if waiting[self._queues.index(q)]), None)
                yield (
                    busy * center.service,
                    ((*idle, name), waiting)
                    if taken is None
                    else (idle, _moved(waiting, self._queues.index(taken), -1)),
                )

    def _edge(self) -> Iterator[int]:
        for (_, waiting), number in self._places.items():
            if self._longest in waiting:
                yield number

    @cached_property
    def _weights(self) -> np.ndarray:
        """The share of time in each place: balance, with the first place's share as the unit."""
        found = np.concatenate(([1.0], -self._inner.solve(self._from_first, trans="T")))
        return found / found.sum()

    def _state(self, place: Place) -> State:
        idle, waiting = place
        groups = self.center.groups.items()
        return State(tuple(count - idle.count(name) for name, (count, _) in groups), waiting)

    def average(self, figure: Figure) -> Average:
        """Of this figure, over time."""
        values = np.array([float(figure.of(self._state(place))) for place in self._places])
        mean = float(values @ self._weights)
        above = values - mean
        ahead = np.concatenate(([0.0], -self._inner.solve(above[1:])))
        return Average(mean, sqrt(2 * float((self._weights * above) @ ahead)), figure.most)


def _moved(waiting: tuple[int, ...], at: int, by: int) -> tuple[int, ...]:
    return (*waiting[:at], waiting[at] + by, *waiting[at + 1 :])


class Stretch(NamedTuple):
    """Of one call, in seconds. joined: None: it was given up. group: who served it."""

    queue: str
    came: float
    joined: float | None
    left: float
    group: str


class Seen(NamedTuple):
    """What was measured in so many seconds: time in each state, and calls that were over."""

    span: float
    states: Mapping[State, float]
    served: int
    given_up: int

    def average(self, figure: Figure) -> float:
        return sum(figure.of(state) * lasted for state, lasted in self.states.items()) / self.span


def seen(center: Center, calls: Iterable[Stretch], begins: float, ends: float) -> Seen:
    """The states between two moments."""
    queues, groups = list(center.arrivals), list(center.groups)
    changes: list[tuple[float, int, int]] = []
    served = given_up = 0
    for each in calls:
        queue, over = queues.index(each.queue), begins <= each.left < ends
        changes.append((each.came, queue, 1))
        if each.joined is None:
            changes.append((each.left, queue, -1))
            given_up += over
        else:
            group = len(queues) + groups.index(each.group)
            changes += [(each.joined, queue, -1), (each.joined, group, 1), (each.left, group, -1)]
            served += over
    now = [0] * (len(queues) + len(groups))
    lasted: Counter[State] = Counter()
    reached = begins
    for at, what, by in sorted(changes):
        if at > reached:
            until = min(at, ends)
            lasted[State(tuple(now[len(queues) :]), tuple(now[: len(queues)]))] += until - reached
            reached = until
        now[what] += by
    return Seen(ends - begins, lasted, served, given_up)
