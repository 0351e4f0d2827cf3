"""Rates: how often something happens per second, learnt as it happens, beginning from a prior.

A rate forgets: each event takes a thousandth of what was known before, so about the last thousand
count. The prior weighs as much as a few dozen events and is forgotten like them.
"""

FORGET = 0.999
PRIOR_EVENTS = 30.0
"""Weight of a prior: a morning of a small center."""
HANDLE_S = 200.0
"""From one answer to the next of a busy agent, before anything is known."""
PATIENCE_S = 330.0
"""Time in queue per contact that abandons, before anything is known."""


class Rate:
    """Events per second of exposure."""

    __slots__ = ("_events", "_forget", "_seconds")

    def __init__(
        self, prior_s: float, *, events: float = PRIOR_EVENTS, forget: float = FORGET
    ) -> None:
        self._events, self._seconds = events, events * prior_s
        self._forget = forget

    def exposed(self, seconds: float) -> None:
        """So long it could have happened, all in all."""
        self._seconds += seconds

    def happened(self) -> None:
        """It has."""
        self._events = self._events * self._forget + 1
        self._seconds *= self._forget

    @property
    def per_second(self) -> float:
        return self._events / self._seconds

    @property
    def mean_s(self) -> float:
        """Seconds of exposure per event."""
        return self._seconds / self._events
