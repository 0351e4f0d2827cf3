"""Score: what people would think of a call's sound (ITU-T G.107, the E-model).

The rating R begins at 93.2, the value of the model's defaults; delay and loss take from it, and a
cubic makes an opinion of it. G.711 with loss concealment: Ie 0, Bpl 25.1 (G.113, appendix I); loss
is taken as random (BurstR 1).
"""

from math import log2

from ringfloor.base.time import Duration

_BEST = 93.2
_LOSS_ROBUSTNESS = 25.1
WORST = 1.0
"""Also where nothing at all was heard."""


def score(lost_share: float, delay_ms: Duration) -> float:
    """The mean opinion score, 1 to 4.41.

    lost_share: of packets that could not be played, 0 to 1. delay_ms: from mouth to ear, one way.
    """
    lost = 100 * min(1.0, max(0.0, lost_share))
    return _opinion(_BEST - 95 * lost / (lost + _LOSS_ROBUSTNESS) - _delay(delay_ms))


def _delay(delay_ms: Duration) -> float:
    """What delay takes (G.107, equation 7-27): nothing up to 100 ms."""
    if delay_ms <= 100:
        return 0.0
    x = log2(delay_ms / 100)
    return 25 * (_sixth(x) - 3 * _sixth(x / 3) + 2)


def _sixth(x: float) -> float:
    return float((1 + x**6) ** (1 / 6))


def _opinion(rating: float) -> float:
    """G.107, annex B."""
    if rating <= 0:
        return WORST
    opinion = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return round(max(WORST, opinion), 2)
