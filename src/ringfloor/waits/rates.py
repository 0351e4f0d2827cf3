"""Rates: how often something happens per second, learnt as it happens, beginning from a prior.

A rate forgets: each event takes a thousandth of what was known before, so about the last thousand
count. The prior weighs as much as a few dozen events and is forgotten like them.
"""

from typing import Self

from msgspec import Struct

FORGET = 0.999
PRIOR_EVENTS = 30.0
"""Weight of a prior: a morning of a small center."""
HANDLE_S = 200.0
"""From one answer to the next of a busy agent, before anything is known."""
PATIENCE_S = 330.0
"""Time in queue per contact that abandons, before anything is known."""


class Rate(Struct, array_like=True):
    """Events per second of exposure."""

    events: float
    seconds: float
    forget: float = FORGET

    @classmethod
    def prior(cls, mean_s: float, *, events: float = PRIOR_EVENTS, forget: float = FORGET) -> Self:
        """What is taken for granted before anything has happened; as good as so many events."""
        return cls(float(events), float(events * mean_s), forget)

    def exposed(self, seconds: float) -> None:
        """So long it could have happened, all in all."""
        self.seconds += seconds

    def happened(self) -> None:
        """It has."""
        self.events = self.events * self.forget + 1
        self.seconds *= self.forget

    @property
    def per_second(self) -> float:
        return self.events / self.seconds

    @property
    def mean_s(self) -> float:
        """Seconds of exposure per event."""
        return self.seconds / self.events
