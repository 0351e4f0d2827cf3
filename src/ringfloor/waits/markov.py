"""Markov: the wait in a line as a sum of exponential stages, and the quantiles of such a sum.

QLm of the literature: one stage for each in line, at the rate at which one of them is served or
lost. Called by waits.views and waits.estimators.
"""

from collections.abc import Iterable
from math import exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

STAGES_MAX = 300
"""Whoever needs more of them waits for hours."""
STAGES_LONG = 50
"""A longer line is gone through in stages of several contacts."""
LONGEST_S = 86_400.0
"""A day: longer waits are not told apart."""
LINE_MIN = 0.01
"""Less of a contact takes no time that matters."""
SHAPE_LARGE = 20
"""Of a gamma distribution whose quantiles are told by a formula."""
HALVINGS = 40
TERMS_MAX = 10_000

Overtaker = tuple[float, float]
"""Arrivals per second, and for how many seconds those are served before."""


class Stages(NamedTuple):
    """Mean and standard deviation, in seconds."""

    mean_s: float
    sd_s: float


def markov(
    ahead: float,
    servers: float,
    drain_per_s: float,
    loss_per_s: float,
    overtakers: Iterable[Overtaker] = (),
) -> Stages:
    """The wait of who has so many ahead and does not abandon.

    The sum of 1 / (servers x drain + i x loss), i from all in line, this one included, down to this
    one alone: for to be answered it must not be lost itself. Those who come meanwhile and are
    served before join the line ahead. ahead: may be no whole number; a part of one takes a part of
    the time.
    """
    overtakers = list(overtakers)
    served_per_s = max(servers, 1) * drain_per_s
    total_s, variance, line = 0.0, 0.0, ahead + 1
    for _ in range(STAGES_MAX):
        part = min(line, max(1.0, line / STAGES_LONG))
        stage_s = part / (served_per_s + max(line - (part - 1) / 2, 1.0) * loss_per_s)
        joined = 0.0
        for rate, lead_s in overtakers:
            if lead_s > total_s:
                joined += rate * min(stage_s, lead_s - total_s)
        total_s += stage_s
        variance += stage_s * stage_s / max(part, 1.0)
        line += joined - part
        if line < LINE_MIN or total_s > LONGEST_S:
            break
    return Stages(min(total_s, LONGEST_S), min(sqrt(variance), LONGEST_S))


def gamma_quantile(share: float, mean: float, sd: float) -> float:
    """Of the gamma distribution with this mean and standard deviation."""
    if mean <= 0:
        return 0.0
    if sd <= 0:
        return mean
    shape = (mean / sd) ** 2
    if shape > SHAPE_LARGE:  # Wilson and Hilferty: the cube root is as good as normal
        ninth = 1 / (9 * shape)
        return mean * (1 - ninth + NormalDist().inv_cdf(share) * sqrt(ninth)) ** 3
    low, high = 0.0, shape + 1
    while _gamma_below(shape, high) < share:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _gamma_below(shape, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2 / shape * mean


def _gamma_below(shape: float, x: float) -> float:
    """The regularised lower incomplete gamma function, by its series or its continued fraction."""
    if x <= 0:
        return 0.0
    front = exp(shape * log(x) - x - lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        for number in range(1, TERMS_MAX):
            term *= x / (shape + number)
            total += term
            if term < total * 1e-10:
                break
        return total * front
    b = x + 1 - shape
    c, d = 1e300, 1 / b
    fraction = d
    for number in range(1, TERMS_MAX):
        a = -number * (number - shape)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        step = c * d
        fraction *= step
        if abs(step - 1) < 1e-10:
            break
    return 1 - front * fraction
