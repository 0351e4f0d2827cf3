"""Erlang's formulas: what queues of one kind of calls come to in the long run.

A second opinion for the simulator, a few lines each. Rates are per second; calls come at random
(load = arrivals / service), are served in their order by so many agents, and have exponential
service times. M/M/s: Erlang C, nobody hangs up. M/M/s+M: Erlang A, patience is exponential, too.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, count, pairwise
from math import exp
from typing import NamedTuple


def blocked(agents: int, load: float) -> float:
    """Erlang B: the share of calls that find all agents busy, if none can wait."""
    share = 1.0
    for number in range(1, agents + 1):
        share = load * share / (number + load * share)
    return share


class Waits(NamedTuple):
    """delayed: the share that waits at all; wait: seconds of everybody, on average."""

    delayed: float
    wait: float
    abandoned: float = 0.0


def erlang_c(agents: int, arrivals: float, service: float) -> Waits:
    """M/M/s; arrivals < agents * service."""
    load = arrivals / service
    share = blocked(agents, load)
    delayed = share / (1 - load / agents * (1 - share))
    return Waits(delayed, delayed / (agents * service - arrivals))


def longer_than(agents: int, arrivals: float, service: float, wait: float) -> float:
    """M/M/s: the share that waits longer."""
    rate = agents * service - arrivals
    return erlang_c(agents, arrivals, service).delayed * exp(-rate * wait)


def priorities(agents: int, arrivals: Sequence[float], service: float) -> Iterator[float]:
    """M/M/s with classes, the most urgent first, no talk broken off: how long each waits."""
    all_busy = erlang_c(agents, sum(arrivals), service).delayed
    free = [1.0, *(1 - rate / (agents * service) for rate in accumulate(arrivals))]
    for before, with_own in pairwise(free):
        yield all_busy / (agents * service * before * with_own)


def _shares(agents: int, arrivals: float, service: float, patience: float) -> list[float]:
    """M/M/s+M: the share of time with so many calls there, served or waiting."""
    weights = [1.0]
    while True:
        number = len(weights)
        leaves = min(number, agents) * service + max(number - agents, 0) * patience
        weights.append(weights[-1] * arrivals / leaves)
        if number > agents and weights[-1] < 1e-15 * sum(weights):
            break
    total = sum(weights)
    return [each / total for each in weights]


def erlang_a(agents: int, arrivals: float, service: float, patience: float) -> Waits:
    """M/M/s+M by the states of its chain. patience: the rate at which who waits hangs up."""
    shares = _shares(agents, arrivals, service, patience)
    length = sum((number - agents) * each for number, each in enumerate(shares) if number > agents)
    return Waits(sum(shares[agents:]), length / arrivals, patience * length / arrivals)


def staying(agents: int, service: float, patience: float, wait: float) -> Iterator[float]:
    """The share that still waits after so long, of those who found all busy and 0, 1, 2... ahead.

    In order: who has k ahead is served when k + 1 have gone, each after an exponential time, the
    last of rate s * service, those before of i * patience more. If nobody hangs up, they go as in
    a Poisson process; else e to the power of -patience * their sum has a beta distribution of
    (s * service / patience, k + 1).
    """
    rate, left = agents * service, exp(-patience * wait)
    term = above = exp(-rate * wait)
    for ahead in count():
        yield left * above
        going = rate * wait if not patience else (1 - left) * (rate / patience + ahead)
        term *= going / (ahead + 1)
        above += term


def stays_longer_than(
    agents: int, arrivals: float, service: float, patience: float, wait: float
) -> float:
    """M/M/s+M: the share that waits longer, whatever becomes of it."""
    shares = _shares(agents, arrivals, service, patience)[agents:]
    told = staying(agents, service, patience, wait)
    return sum(share * each for share, each in zip(shares, told, strict=False))
