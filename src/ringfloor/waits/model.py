"""Wait model: what has been learnt from an instance's own past, and what it tells of a view.

A slope and trees as flat arrays, made by node.wait_model and read here without any library. Rules:

- A model tells the wait by its trees, or by QLm, whichever was better on the last days it was
  trained on; in both cases its quantiles are moved by how far those days were from them
  (conformal), so that half of the waits are below p50 and four fifths of them below p80.
- While an agent is known to be free for who is next, the wait is 0, whatever the trees say. Where
  the staff is told and nobody takes the line, nothing is told.
- The mean and the quantiles are never negative, and the quantiles ascend.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct, field

from ringfloor.base.time import Instant
from ringfloor.waits.estimators import NO_TIME, SHARES, Quantiles, at_once, qlm
from ringfloor.waits.views import FEATURES, View

By = Literal["QLm", "model"]
QUANTILES = len(SHARES)
LEAF = -1
SCALE_S = 60.0
"""So that short waits are not shares of nothing."""


class Forest(Struct, array_like=True, frozen=True):
    """Trees whose leaves are added up: feature, threshold, left and right of each node of all.

    A view whose feature is at most the threshold goes left. feature: LEAF, or its place in a view;
    value: of a leaf.
    """

    base: float
    roots: list[int]
    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[float]

    def tells(self, view: Sequence[float]) -> float:
        """The base and the leaf of each tree."""
        feature, threshold, left, right = self.feature, self.threshold, self.left, self.right
        total, value = self.base, self.value
        for node in self.roots:
            at = feature[node]
            while at >= 0:
                node = left[node] if view[at] <= threshold[node] else right[node]  # noqa: PLW2901  the way down
                at = feature[node]
            total += value[node]
        return total


class Slope(Struct, array_like=True, frozen=True):
    """The mean as a weighed sum of features, of each between its low and its high."""

    base: float
    weights: list[float]
    lows: list[float]
    highs: list[float]

    def tells(self, view: Sequence[float]) -> float:
        """In seconds."""
        total = self.base
        for each, weight, low, high in zip(view, self.weights, self.lows, self.highs, strict=False):
            total += weight * min(max(each, low), high)
        return total


class Forests(Struct, array_like=True, frozen=True):
    """What has been learnt: the slope is the mean; forests are of how many scales."""

    slope: Slope
    quantiles: list[Forest]

    def tells(self, view: Sequence[float]) -> Quantiles:
        """As it has been learnt, not calibrated; in seconds."""
        mean_s = self.slope.tells(view)
        scale = scale_s(mean_s)
        return Quantiles(mean_s, *(each.tells(view) * scale for each in self.quantiles))


def scale_s(mean_s: float) -> float:
    """What forests count in, by what the slope tells."""
    return max(mean_s, 0.0) + SCALE_S


class Rating(Struct, frozen=True):
    """How good it was on the last days. Seconds, but for coverage: the share from p10 to p90."""

    mae_s: float
    rmse_s: float
    coverage: float


class WaitModel(Struct, frozen=True, kw_only=True):
    """What has been learnt."""

    layout: Literal[1] = 1
    features: tuple[str, ...] = FEATURES
    instance: str = ""
    """Whose past it has been learnt from; empty: a log's."""
    version: int
    """A running number."""
    trained_at: Instant
    trained_on: int
    """Waits."""
    scores: dict[By, Rating]
    uses: By
    """Which was better."""
    forests: Forests | None = None
    offsets: dict[By, list[float]] = field(default_factory=dict)
    """By how many seconds each quantile is moved."""


class Telling(NamedTuple):
    """What is told. by: what has told it; version: of the model, None: there was none."""

    quantiles: Quantiles
    by: By
    version: int | None


def encode(model: WaitModel) -> bytes:
    """As a file."""
    return msgspec.msgpack.encode(model)


def decode(file: bytes) -> WaitModel:
    """What was encoded; raises msgspec.MsgspecError, also for one of other features."""
    model = msgspec.msgpack.decode(file, type=WaitModel)
    if model.features != FEATURES:
        raise msgspec.ValidationError("a wait model of other features")
    return model


def tell(view: View, model: WaitModel | None) -> Telling | None:
    """The wait still to come; None: nothing is known. Half of the waits are to be below p50."""
    known = qlm(view)
    version = None if model is None else model.version
    if known is None and view.told:
        return None
    if at_once(view):
        return Telling(NO_TIME, "QLm", version)
    if model is not None and model.uses == "model" and model.forests is not None:
        raw = model.forests.tells(view)
        return Telling(moved(raw, model.offsets.get("model", [])), "model", version)
    if known is None:
        return None
    offsets = [] if model is None else model.offsets.get("QLm", [])
    return Telling(moved(known, offsets), "QLm", version)


def moved(raw: Quantiles, offsets: Sequence[float]) -> Quantiles:
    """Quantiles moved by offsets, if there are any; never negative, and ascending."""
    least, made = 0.0, []
    for each, offset in zip(raw[1:], offsets or [0.0] * QUANTILES, strict=True):
        least = max(least, each + offset)
        made.append(least)
    return Quantiles(max(raw.mean_s, 0.0), *made)
