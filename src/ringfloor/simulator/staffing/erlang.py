"""Erlang: what a queue of one kind of contacts comes to in the long run, by formula.

Contacts come at random, are served in their order, and have exponential service times; who waits
gives up after an exponential patience (M/M/s+M, Erlang A) or never (M/M/s, Erlang C). Called by
staffing.search for its first guess, and by tests. Rates are per second. Numbers are kept as
logarithms where they would leave the floats, so thousands of agents are no trouble.

The wait that a contact has before it, if it holds out, is none by some chance, else it has the
density

    arrivals x pi x exp(arrivals x H(x) - agents x service x x)

where pi is the chance that all agents but one are busy, and H(x) how much of x seconds people stay:
(1 - exp(-theta x)) / theta (Baccelli and Hebuterne; Zeltyn and Mandelbaum 2005). All figures are
integrals of it.
"""

from collections.abc import Callable
from math import exp, expm1, inf, log, log1p
from typing import NamedTuple

STEPS = 400
"""Of an integral, by Simpson's rule, even; the integrands are smooth and have one hill."""
DEPTH = 40.0
"""What is less than exp(-40) of the top of the hill is left out."""

LARGE = 700.0
"""Whose power of e is still a float, beside which one is nothing."""


class Waits(NamedTuple):
    """Shares of all who come, 0 to 1."""

    delayed: float
    """Who waits at all."""
    level: float
    """Who is answered within the threshold."""
    abandoned: float
    """Who gives up."""
    wait: float
    """Seconds of everybody, on average."""


class Load(NamedTuple):
    """arrivals, service: rates; patience: the rate at which who waits gives up, 0: never."""

    arrivals: float
    service: float
    patience: float = 0.0


NOBODY_COMES = Waits(0.0, 1.0, 0.0, 0.0)


def log_inverse_blocked(agents: int, load: float) -> float:
    """Erlang B: the logarithm of one by the share that finds all agents busy, if none can wait."""
    found = 0.0
    step = log(load)
    for number in range(1, agents + 1):
        # 1/B(n) = 1 + n/a x 1/B(n-1)
        before = log(number) - step + found
        found = log1p(exp(before)) if before < LARGE else before
    return found


def waits(agents: int, load: Load, threshold: float) -> Waits:
    """What so many agents make of it. threshold: seconds of the service level."""
    if load.arrivals <= 0:
        return NOBODY_COMES
    if agents < 1:
        gone = 1.0 if load.patience else 0.0
        return Waits(1.0, 0.0, gone, 1 / load.patience if load.patience else inf)
    if not load.patience and load.arrivals >= agents * load.service:
        return Waits(1.0, 0.0, 0.0, inf)
    hill = _Hill(agents, load)
    # All is by the chance that all agents but one are busy; top: the logarithm of the hill's top.
    none = log_inverse_blocked(agents - 1, load.arrivals / load.service)
    after = hill.integral(lambda _at: 1.0)
    scale = max(none, hill.top)
    free, queued = exp(none - scale), load.arrivals * after * exp(hill.top - scale)
    delayed = queued / (free + queued)

    def share(of: Callable[[float], float], until: float = inf) -> float:
        """Of those who wait, by what it is for each wait."""
        return hill.integral(of, until) / after if after else 0.0

    stays = load.patience
    soon = share(lambda at: exp(-stays * at), threshold)
    gone = share(lambda at: -expm1(-stays * at)) if stays else 0.0
    # Who gives up after t has waited t: the mean is that of what people stay until it is over.
    wait = share(lambda at: -expm1(-stays * at) / stays if stays else at)
    return Waits(delayed, 1 - delayed + delayed * soon, delayed * gone, delayed * wait)


class _Hill:
    """The density of waits, but for its scale: a hill of the shape exp(height), concave."""

    def __init__(self, agents: int, load: Load) -> None:
        self._load = load
        self._leaves = agents * load.service
        busy = load.arrivals / self._leaves
        theta = load.patience
        summit = log(busy) / theta if theta and busy > 1 else 0.0
        self.top = self._height(summit)
        self._begins = self._edge(summit, 0.0) if summit else 0.0
        further = summit + 1 / self._leaves
        while self._height(further) > self.top - DEPTH:
            further = summit + 2 * (further - summit)
        self._ends = self._edge(summit, further)

    def _height(self, at: float) -> float:
        theta = self._load.patience
        stays = -expm1(-theta * at) / theta if theta else at
        return self._load.arrivals * stays - self._leaves * at

    def _edge(self, inside: float, outside: float) -> float:
        """Where it is so deep that nothing beyond counts; outside itself if it is never."""
        if self._height(outside) >= self.top - DEPTH:
            return outside
        for _ in range(60):
            middle = (inside + outside) / 2
            if self._height(middle) < self.top - DEPTH:
                outside = middle
            else:
                inside = middle
        return outside

    def integral(self, of: Callable[[float], float], until: float = inf) -> float:
        """Of a function by the density up to a wait, in parts of the top."""
        begins, ends = self._begins, min(self._ends, until)
        if ends <= begins:
            return 0.0
        step = (ends - begins) / STEPS
        total = 0.0
        for number in range(STEPS + 1):
            at = begins + number * step
            weight = 1 if number in (0, STEPS) else 4 if number % 2 else 2
            total += weight * of(at) * exp(self._height(at) - self.top)
        return total * step / 3


class Target(NamedTuple):
    """What is wanted, in shares of all who come, 0 to 1."""

    level: float
    """So many at least are answered within the threshold."""
    threshold: float
    """Seconds."""
    abandoned: float = 1.0
    """So many at most give up."""

    def met(self, found: Waits) -> bool:
        return found.level >= self.level and found.abandoned <= self.abandoned


def required(load: Load, target: Target, most: int) -> int:
    """The fewest agents who meet a target; most: who do not either, if even they do not."""
    if load.arrivals <= 0:
        return 0
    low, high = 0, min(most, max(1, round(load.arrivals / load.service)))
    while high < most and not target.met(waits(high, load, target.threshold)):
        low, high = high, min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        if target.met(waits(middle, load, target.threshold)):
            high = middle
        else:
            low = middle
    return high
