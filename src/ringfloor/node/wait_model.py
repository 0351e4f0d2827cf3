"""Wait model: waits learnt from an instance's own past; the only module with scikit-learn.

train(views, waits_s) -> Model; Model.estimates(views) -> what it says of each. Gradient boosted
trees over all that a View has: one for the mean, one per quantile. It takes seconds and a core, so
whoever serves at the same time trains in a thread or a process of its own.

The mean, its point, has the least squared error; P50 is least wrong in seconds.
The same waits give the same model.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from ringfloor.waits.scores import TAIL, Estimate
from ringfloor.waits.views import View

VERSION = 1
"""Of features and settings; models of another are not used."""
SEEDS = 3
"""Models of the mean, whose mean is taken: features are drawn by chance."""
SETTINGS: dict[str, Any] = {
    "max_iter": 300,
    "learning_rate": 0.025,
    "max_leaf_nodes": 10,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
    "max_features": 0.2,
    "early_stopping": False,
}
"""Shallow and slow: few thousand waits are all that a small center has in a fortnight."""
WAITS_MIN = 200
"""Fewer teach nothing that QLm does not know."""


class Told(NamedTuple):
    """What a model says of a view. All in seconds."""

    mean: Estimate
    median: Estimate


class Model:
    """A trained model."""

    __slots__ = ("_high", "_low", "_means", "_median")

    def __init__(self, views: Sequence[View], waits_s: Sequence[float]) -> None:
        """waits_s: what came of each view; at least WAITS_MIN."""
        assert len(views) == len(waits_s) >= WAITS_MIN, "too few waits to train on"
        seen, waited = np.array(views, float), np.array(waits_s, float)
        self._means = [_trained(seen, waited, seed, loss="squared_error") for seed in range(SEEDS)]
        self._low, self._median, self._high = (
            _trained(seen, waited, 0, loss="quantile", quantile=share)
            for share in (TAIL, 0.5, 1 - TAIL)
        )

    def estimates(self, views: Sequence[View]) -> list[Told]:
        """What it says of each."""
        if not views:
            return []
        seen = np.array(views, float)
        means = np.mean([each.predict(seen) for each in self._means], axis=0)
        columns = (means, *(each.predict(seen) for each in (self._low, self._median, self._high)))
        return [
            Told(_estimate(mean, low, high), _estimate(median, low, high))
            for mean, low, median, high in zip(*(each.tolist() for each in columns), strict=True)
        ]


def _estimate(point_s: float, low_s: float, high_s: float) -> Estimate:
    low_s = max(0.0, low_s)
    return Estimate(max(0.0, point_s), low_s, max(low_s, high_s))


def _trained(seen: Any, waited: Any, seed: int, **loss: Any) -> Any:  # noqa: ANN401  untyped
    return HistGradientBoostingRegressor(**SETTINGS, **loss, random_state=seed).fit(seen, waited)
