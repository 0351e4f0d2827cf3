"""Histogram: lengths of time in bounded memory, with quantiles of a known error.

Called by load.measures. Buckets are as wide as a 128th of what they hold, so a quantile is never
below the true one (by nearest rank) and at most 1/128 above it; the longest is exact. What is
shorter than 256 microseconds is kept exactly. Histograms of the same run can be added up.

The idea is that of Gil Tene's HdrHistogram.
"""

from math import ceil

from ringfloor.base.limits import LOAD_LENGTH_SECONDS_MAX

MICROSECONDS = 1_000_000
BITS = 7
"""Of a length that count: 2 ** -BITS is the greatest error."""

_EXACT = 2 << BITS
_MOST = LOAD_LENGTH_SECONDS_MAX * MICROSECONDS


class Histogram:
    """Lengths in seconds. Memory: a number for each bucket that something lies in."""

    __slots__ = ("buckets", "count", "most", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0
        """Of all lengths, in microseconds."""
        self.most = 0
        """The longest, in microseconds."""

    def add(self, seconds: float) -> None:
        """One more; less than nothing counts as nothing, more than a day as a day."""
        length = min(max(round(seconds * MICROSECONDS), 0), _MOST)
        bucket = _bucket(length)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.count += 1
        self.total += length
        self.most = max(self.most, length)

    def merge(self, other: "Histogram") -> None:
        """All of another's too."""
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.count += other.count
        self.total += other.total
        self.most = max(self.most, other.most)

    def quantile(self, share: float) -> float | None:
        """What so great a share, 0 to 1, is not longer than, in seconds; None: there is nothing."""
        wanted = max(ceil(share * self.count), 1)
        for bucket in sorted(self.buckets):
            wanted -= self.buckets[bucket]
            if wanted <= 0:
                return min(_longest_of(bucket), self.most) / MICROSECONDS
        return None

    @property
    def longest(self) -> float | None:
        """In seconds."""
        return self.most / MICROSECONDS if self.count else None

    @property
    def mean(self) -> float | None:
        """In seconds."""
        return self.total / self.count / MICROSECONDS if self.count else None


def _bucket(length: int) -> int:
    """Numbered in the order of length."""
    if length < _EXACT:
        return length
    shift = length.bit_length() - BITS - 1
    return (shift << BITS) + (length >> shift)


def _longest_of(bucket: int) -> int:
    """The longest that lies in it."""
    if bucket < _EXACT:
        return bucket
    shift = (bucket >> BITS) - 1
    return ((bucket - (shift << BITS) + 1) << shift) - 1
