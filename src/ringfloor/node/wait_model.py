"""Wait model: trees fitted to an instance's own past; the only module with scikit-learn.

train(asks, version, trained_at) -> WaitModel: a ridge regression and gradient boosted trees over
the features of a View, as flat arrays that waits.model reads. It takes seconds and a core, so
whoever serves at the same time trains in a process of its own. Without scikit-learn only QLm is
calibrated. The same waits give the same model.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from math import inf
from typing import Any

from ringfloor.base.time import Instant
from ringfloor.waits.estimators import SHARES
from ringfloor.waits.history import Ask
from ringfloor.waits.model import LEAF, Forest, Forests, Slope, WaitModel, scale_s
from ringfloor.waits.training import Fit, trained
from ringfloor.waits.views import FEATURES, View

SEEDS, SEEDS_P50 = 2, 4
"""Models whose mean is taken, for features are drawn by chance; more of the number that is told."""
SETTINGS: dict[str, Any] = {
    "max_iter": 150,
    "learning_rate": 0.05,
    "max_leaf_nodes": 10,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
    "max_features": 0.1,
    "early_stopping": False,
}
"""Shallow and slow: few thousand waits are all that a small center has in a fortnight."""
P50 = 0.5
RIDGE = 200.0
"""What keeps weights small: as much as so many waits."""
SPREAD_MIN = 1e-9
VALUES_MAX = 250
"""Of a feature; trees tell up to 255 apart."""


def fitting() -> Fit | None:
    """What fits trees; None: scikit-learn, an extra, is not there."""
    return None if find_spec("sklearn") is None else fit


def train(asks: Sequence[Ask], version: int, trained_at: Instant) -> WaitModel:
    """A model of waits as they were; version: its running number."""
    return trained(asks, version, trained_at, fitting())


def fit(views: Sequence[View], waits_s: Sequence[float]) -> Forests:
    """The slope of waits over views, and forests of their quantiles.

    Forests are of how many times the scale, what the slope tells and a minute, a wait is: trees
    alone would tell nothing longer than the longest wait they have seen.
    """
    import numpy as np  # noqa: PLC0415  an extra

    seen = np.array([each[: len(FEATURES)] for each in views], float)
    waited = np.array(waits_s, float)
    mean = slope(seen, waited)
    scales = np.array([scale_s(mean.tells(each)) for each in views], float)
    # Weighed so that a second is a second, whatever it is a share of.
    weights, seen = scales / scales.mean(), coarse(seen)
    return Forests(
        mean,
        [
            exported(
                [
                    fitted(seen, waited / scales, weights, seed, share)
                    for seed in range(SEEDS_P50 if share == P50 else SEEDS)
                ]
            )
            for share in SHARES
        ],
    )


def slope(seen: Any, waited: Any) -> Slope:  # noqa: ANN401  untyped
    """The ridge regression of waits; features reach as far beyond what was seen as they did."""
    import numpy as np  # noqa: PLC0415  an extra

    means, spreads = seen.mean(axis=0), seen.std(axis=0)
    spreads[spreads < SPREAD_MIN] = inf  # what was always the same teaches nothing
    plain = (seen - means) / spreads
    grown = plain.T @ plain + RIDGE * np.eye(plain.shape[1])
    weights = np.linalg.solve(grown, plain.T @ (waited - waited.mean())) / spreads
    lows, highs = seen.min(axis=0), seen.max(axis=0)
    return Slope(
        float(waited.mean() - weights @ means),
        weights.tolist(),
        (2 * lows - highs).tolist(),
        (2 * highs - lows).tolist(),
    )


def coarse(seen: Any) -> Any:  # noqa: ANN401  untyped
    """Each feature as the nearest of VALUES_MAX that it has.

    Trees tell no more apart anyway, and finding out which these are takes scikit-learn most of its
    time where waits have weights. A tree's thresholds lie midway, as those do that round here.
    """
    import numpy as np  # noqa: PLC0415  an extra

    rounded = np.empty_like(seen)
    for number, column in enumerate(seen.T):
        values = np.unique(np.quantile(column, np.linspace(0, 1, VALUES_MAX), method="nearest"))
        middles = (values[1:] + values[:-1]) / 2
        rounded[:, number] = values[np.searchsorted(middles, column)]
    return rounded


def fitted(seen: Any, waited: Any, weights: Any, seed: int, share: float) -> Any:  # noqa: ANN401  untyped
    """scikit-learn's own model of a quantile."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  an extra

    model = HistGradientBoostingRegressor(
        **SETTINGS, loss="quantile", quantile=share, random_state=seed
    )
    return model.fit(seen, waited, sample_weight=weights)


def exported(models: Sequence[Any]) -> Forest:
    """The mean of several models as one forest."""
    base, count = 0.0, len(models)
    roots: list[int] = []
    nodes: list[tuple[int, float, int, int, float]] = []
    for model in models:
        # scikit-learn tells its trees to nobody; a test holds them against its own predict.
        base += float(model._baseline_prediction.item()) / count  # noqa: SLF001
        for (tree,) in model._predictors:  # noqa: SLF001
            first = len(nodes)
            roots.append(first)
            for node in tree.nodes:
                if node["is_leaf"]:
                    nodes.append((LEAF, 0.0, 0, 0, float(node["value"]) / count))
                    continue
                left, right = first + int(node["left"]), first + int(node["right"])
                at, threshold = int(node["feature_idx"]), float(node["num_threshold"])
                nodes.append((at, threshold, left, right, 0.0))
    feature, thresholds, lefts, rights, values = map(list, zip(*nodes, strict=True))
    return Forest(base, roots, feature, thresholds, lefts, rights, values)
