"""Estimators: the ways to tell a wait, one row each; a row reads a View and nothing else.

Called by waits.scores, waits.model and whoever asks of a live center. What needs a past of its own
(the constant, the trained model) is not here: it is given to the scores beside these.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ringfloor.waits.markov import Stages, gamma_quantile
from ringfloor.waits.views import View


class Estimator(NamedTuple):
    """A way to tell a wait, in seconds."""

    doc: str
    tells: Callable[[View], float]


CONSTANT = "constant"
MODEL = "model"

ESTIMATORS: Mapping[str, Estimator] = {
    "last to enter service": Estimator(
        "the wait of the queue's last contact that waited and was answered",
        lambda view: view.last_wait_s,
    ),
    "head of line": Estimator(
        "how long the queue's first in line has waited so far",
        lambda view: view.head_same_queue_s,
    ),
    "moving average": Estimator(
        "Asterisk's hold time: three fourths of what it was and one of the new wait, also of 0",
        lambda view: view.hold_time_s,
    ),
    "mean of the last hour": Estimator(
        "of the queue's contacts that waited and were answered", lambda view: view.hour_mean_s
    ),
    "QL": Estimator(
        "those ahead and this one, by the rate at which the agents take them",
        lambda view: view.ql_s,
    ),
    "QLm": Estimator(
        "the same, with those who will abandon and those who will overtake",
        lambda view: view.qlm_s,
    ),
}
"""In the order in which they are shown; each works from the first contact on."""

SHARES = (0.1, 0.5, 0.8, 0.9)


class Quantiles(NamedTuple):
    """Of the wait still to come, if it is waited to the end; in seconds, ascending."""

    mean_s: float
    p10_s: float
    p50_s: float
    p80_s: float
    p90_s: float


NO_TIME = Quantiles(0.0, 0.0, 0.0, 0.0, 0.0)


def at_once(view: View) -> bool:
    """More agents are known to be free than those ahead need: there is nothing to wait for."""
    return bool(view.told) and view.room_told > 0 and view.ahead_told < view.room_told


def qlm(view: View) -> Quantiles | None:
    """By the state of the queue alone; None: nobody is known to be at work.

    Staff counts as it has been told, and as it has been seen where nobody tells. The wait is a sum
    of exponential stages; its quantiles are those of the gamma distribution of the same mean and
    variance.
    """
    if view.told:
        if not view.slots_told:
            return None
        if at_once(view):
            return NO_TIME
        stages = Stages(view.qlm_told_s, view.qlm_told_sd_s)
    else:
        if not view.present_here:
            return None
        stages = Stages(view.qlm_s, view.qlm_sd_s)
    return Quantiles(stages.mean_s, *(gamma_quantile(share, *stages) for share in SHARES))
