"""Training: from waits of the past to a model: what is held out, what is used.

Pure; who fits trees is given (node.wait_model). Rules:

- Learnt from are waits that were answered, each from its beginning: to learn from later moments of
  the same waits, too, makes estimates for who comes worse, and for who waits hardly better.
- Those of the last days are held out. QLm and trees are rated on these days, the better one (by
  its mean error) is used, and its quantiles are moved by how far these days were from them. Then
  trees are fitted to all.
- Nothing that was not over at the beginning of the held out days is learnt from while they are out.
- Of fewer than WAITS_MIN waits no trees are made, of fewer than WAITS_RATED_MIN nothing is moved.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ringfloor.base.time import SECOND, Instant
from ringfloor.waits.estimators import SHARES, Quantiles, qlm
from ringfloor.waits.history import Ask
from ringfloor.waits.model import By, Forests, Rating, WaitModel, moved
from ringfloor.waits.scores import Offset, Outcome, plain, score
from ringfloor.waits.views import View

WAITS_MIN = 200
"""Fewer teach nothing that QLm does not know."""
WAITS_RATED_MIN = 30
HELD_OUT = 0.25
"""Of the waits: the last ones."""
Fit = Callable[[Sequence[View], Sequence[float]], Forests]
"""From views and what came of each, in seconds."""


class Held(NamedTuple):
    """The last days, and what would have been told on them by what had been learnt before."""

    asks: Sequence[Ask]
    said: Mapping[By, Sequence[Quantiles]]
    """One of each ask, not calibrated."""


def held_out(answered: Sequence[Ask], fit: Fit | None) -> Held:
    """The last of these, told by what came before; of few waits none."""
    count = round(len(answered) * HELD_OUT) if len(answered) > WAITS_RATED_MIN else 0
    out = answered[len(answered) - count :]
    if not out:
        return Held([], {})
    said: dict[By, Sequence[Quantiles]] = {"QLm": [by_qlm(each.view) for each in out]}
    if fit is not None and len(answered) >= WAITS_MIN:
        before = [each for each in answered if each.over_at <= out[0].at]
        forests = fitted(fit, before)
        said["model"] = [forests.tells(each.view) for each in out]
    return Held(out, said)


def trained(asks: Sequence[Ask], version: int, trained_at: Instant, fit: Fit | None) -> WaitModel:
    """A model of these; fit: None, without trees."""
    answered = [each for each in asks if each.answered and each.first]
    return made(answered, held_out(answered, fit), version, trained_at, fit)


def made(
    answered: Sequence[Ask], held: Held, version: int, trained_at: Instant, fit: Fit | None
) -> WaitModel:
    """A model of these, of which the last ones have been held out already."""
    scores = {by: rated(each, held.asks) for by, each in held.said.items()}
    better = "model" in scores and scores["model"].mae_s <= scores["QLm"].mae_s
    return WaitModel(
        version=version,
        trained_at=trained_at,
        trained_on=len(answered),
        scores=scores,
        uses="model" if better else "QLm",
        forests=fitted(fit, answered) if fit is not None and "model" in scores else None,
        offsets={by: offset(each, held.asks) for by, each in held.said.items()},
    )


def fitted(fit: Fit, answered: Sequence[Ask]) -> Forests:
    """Forests of waits as they were."""
    return fit([each.view for each in answered], [_waited_s(each) for each in answered])


def by_qlm(view: View) -> Quantiles:
    """Of QLm, also where nobody is seen at work yet: as if one were."""
    return qlm(view) or Quantiles(*([view.qlm_s] * 5))


def rated(said: Sequence[Quantiles], asks: Sequence[Ask]) -> Rating:
    """How good quantiles were; each half of them is moved by how far the other was off."""
    middle = len(said) // 2
    halves = slice(None, middle), slice(middle, None)
    told: list[Quantiles] = []
    for half, other in (halves, halves[::-1]):
        offsets = offset(said[other], asks[other])
        told += [moved(each, offsets) for each in said[half]]
    outcomes = [Outcome(each.at, each.over_at) for each in asks]
    points = score([plain(each.p50_s) for each in told], outcomes)
    means = score([plain(each.mean_s) for each in told], outcomes)
    within = sum(
        each.p10_s <= outcome.waited_s <= each.p90_s
        for each, outcome in zip(told, outcomes, strict=True)
    )
    return Rating(points.mae_s, means.rmse_s, within / len(told))


def offset(said: Sequence[Quantiles], asks: Sequence[Ask]) -> list[float]:
    """By how much each quantile has to be moved for its share of these waits to be below it."""
    made = []
    for number, share in enumerate(SHARES, 1):
        off = Offset(share)
        for each, ask in zip(said, asks, strict=True):
            off.learn(_waited_s(ask) - each[number])
        made.append(off.seconds)
    return made


def _waited_s(ask: Ask) -> float:
    return ask.waited_ms / SECOND
