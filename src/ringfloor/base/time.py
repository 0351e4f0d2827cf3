"""Time: instants in milliseconds, and the two clocks a server can run on.

This module is the only door to the machine's clock. Everything below the node takes the instant it
is given. An Instant is milliseconds since the Unix epoch; a Duration is milliseconds. Seconds are
written only on the wire, by seconds().
"""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Protocol

Instant = int
"""Milliseconds since the Unix epoch."""

Duration = int
"""Milliseconds."""

SECOND: Duration = 1_000
MINUTE: Duration = 60 * SECOND
HALF_HOUR: Duration = 30 * MINUTE
HOUR: Duration = 60 * MINUTE
DAY: Duration = 24 * HOUR


def seconds(instant: Instant) -> float:
    """An instant or duration as the wire writes it: seconds, with its milliseconds as fraction."""
    return instant / SECOND


def from_seconds(wire: float) -> Instant:
    """Seconds from the wire as whole milliseconds, rounded to the nearest."""
    return round(wire * SECOND)


def iso(instant: Instant) -> str:
    """ISO 8601 in whole seconds, UTC: 2023-06-01T09:59:50Z."""
    return f"{(_MIDNIGHT + timedelta(milliseconds=instant)):%Y-%m-%dT%H:%M:%SZ}"


def iso_milliseconds(instant: Instant) -> str:
    """ISO 8601 with milliseconds, UTC: 2023-06-01T09:59:50.123Z."""
    return f"{iso(instant)[:-1]}.{instant % SECOND:03}Z"


def months_before(instant: Instant, months: int) -> Instant:
    """The same time of day so many calendar months earlier, UTC.

    Where that month has no such day, the beginning of the month after it; so a later instant never
    has an earlier answer.
    """
    days, rest = divmod(instant, DAY)
    today = _EPOCH + timedelta(days)
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    first = date(year, month + 1, 1)
    found = first + timedelta(today.day - 1)
    if found.month != first.month:
        found, rest = found.replace(day=1), 0
    return (found - _EPOCH).days * DAY + rest


_EPOCH = date(1970, 1, 1)
_MIDNIGHT = datetime(1970, 1, 1)  # noqa: DTZ001  UTC, which all instants are


class Clock(Protocol):
    """What a node asks for the time."""

    def now(self) -> Instant: ...


class WallClock:
    """The machine's clock, made monotonic: a step backwards is waited out at the last instant."""

    def __init__(self) -> None:
        self._last: Instant = 0

    def now(self) -> Instant:
        self._last = max(self._last, time.time_ns() // 1_000_000)
        return self._last


class VirtualClock:
    """A clock that only its owner moves; forward, once something has happened by it."""

    def __init__(self, start: Instant) -> None:
        self._now = start

    def now(self) -> Instant:
        return self._now

    def begin_at(self, instant: Instant) -> None:
        """Set a clock by which nothing has happened yet."""
        self._now = instant

    def move_to(self, instant: Instant) -> None:
        if instant < self._now:
            raise ValueError(f"a clock does not run backwards: {instant} is before {self._now}")
        self._now = instant


def stopwatch() -> Callable[[], float]:
    """Start measuring; the answer tells the seconds that have passed. For logs and benchmarks."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
