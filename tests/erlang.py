"""Erlang's formulas: what queues of one kind of calls come to in the long run.

A second opinion for the simulator, a few lines each. Rates are per second; calls come at random
(load = arrivals / service), are served in their order by so many agents, and have exponential
service times. M/M/s: Erlang C, nobody hangs up. M/M/s+M: Erlang A, patience is exponential, too.
"""

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


def erlang_a(agents: int, arrivals: float, service: float, patience: float) -> Waits:
    """M/M/s+M by the states of its chain. patience: the rate at which who waits hangs up."""
    weights = [1.0]
    while True:
        number = len(weights)
        leaves = min(number, agents) * service + max(number - agents, 0) * patience
        weights.append(weights[-1] * arrivals / leaves)
        if number > agents and weights[-1] < 1e-15 * sum(weights):
            break
    total = sum(weights)
    waiting = sum(
        (number - agents) * each for number, each in enumerate(weights) if number > agents
    )
    delayed = sum(weights[agents:]) / total
    length = waiting / total
    return Waits(delayed, length / arrivals, patience * length / arrivals)
