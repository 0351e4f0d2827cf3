"""Estimators: the ways to tell a wait, one row each; a row reads a View and nothing else.

Called by waits.scores. What needs a past of its own (the constant, the trained model) is not here:
it is given to the scores beside these.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ringfloor.waits.views import View


class Estimator(NamedTuple):
    """A way to tell a wait, in seconds."""

    doc: str
    tells: Callable[[View], float]


CONSTANT = "constant"
MODEL = "model"
MODEL_P50 = "model P50"

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
