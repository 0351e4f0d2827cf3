"""Recent: what has happened in the last hour, counted and summed over any end of it in O(log n).

Owned by waits.floor. Of very much only the last WAIT_RECENT_MAX is kept; the windows are shorter
then, and told so.
"""

from bisect import bisect_right

from msgspec import Struct, field

from ringfloor.base.limits import WAIT_RECENT_MAX
from ringfloor.base.time import HOUR, SECOND, Duration, Instant

KEPT_MS = HOUR


class Recent(Struct, array_like=True):
    """Happenings, oldest first, each with up to two seconds of its own."""

    ats: list[Instant] = field(default_factory=list)
    firsts: list[float] = field(default_factory=lambda: [0.0])
    """Sums up to each, after what was dropped."""
    seconds: list[float] = field(default_factory=lambda: [0.0])
    complete_after: Instant | None = None
    """Up to here there were too many to be kept; None: all were."""

    def add(self, at: Instant, first_s: float = 0.0, second_s: float = 0.0) -> None:
        """One more; amortised O(1), but for a bisection."""
        self.ats.append(at)
        self.firsts.append(self.firsts[-1] + first_s)
        self.seconds.append(self.seconds[-1] + second_s)
        stale = bisect_right(self.ats, at - KEPT_MS)
        if 2 * stale > len(self.ats):
            self._drop(stale)
        if len(self.ats) >= 2 * WAIT_RECENT_MAX:
            self.complete_after = self.ats[-WAIT_RECENT_MAX - 1]
            self._drop(len(self.ats) - WAIT_RECENT_MAX)

    def window(self, span: Duration, now: Instant) -> tuple[int, float, float, float]:
        """How many in the last span, the sums of their seconds, and how long it is, in seconds."""
        since = now - span
        if self.complete_after is not None and self.complete_after > since:
            since = self.complete_after
        first = bisect_right(self.ats, since)
        return (
            len(self.ats) - first,
            self.firsts[-1] - self.firsts[first],
            self.seconds[-1] - self.seconds[first],
            max(now - since, 1) / SECOND,
        )

    def count(self, span: Duration, now: Instant) -> float:
        """How many in the last span; if that is longer than what is kept, as many as that tells."""
        count, _, _, seconds = self.window(span, now)
        return count * (span / SECOND) / seconds

    def idle(self, now: Instant) -> bool:
        """Nothing has happened for long."""
        return not self.ats or self.ats[-1] <= now - KEPT_MS

    def _drop(self, count: int) -> None:
        del self.ats[:count], self.firsts[:count], self.seconds[:count]
        for sums in (self.firsts, self.seconds):
            gone = sums[0]
            sums[:] = [each - gone for each in sums]
