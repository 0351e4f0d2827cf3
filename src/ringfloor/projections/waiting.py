"""Waiting: how long a contact will probably wait, estimated from how queues have moved.

The node owns one per instance and tells it every durable event, in order. operations.metrics asks
estimate for a contact (the engine knows its position) and projections.current_rows for a queue (a
new contact would come after all who wait).

    pace      departures from the queue and channel in the window / length of the window
    raw       position / pace
    estimate  raw x factor, in whole seconds; 0 for the first in line while an agent is free
    factor    moves a fifth of the way to (real wait / raw at arrival) with every answered contact,
              between a half and two

Rules:
- It says nothing when it knows nothing: fewer than three departures in the window, or no agent
  staffed for queue and channel.
- A departure is a contact that left the queue: connected, abandoned, transferred, with a callback.
- The window is 30 minutes; while less has been seen of the instance, the time since its first
  departure, at least a minute.
- A contact that was offered on arrival found an agent free. Its estimate was 0 and not raw, so it
  teaches the factor nothing.
- Integers throughout: milliseconds, and the factor in millionths. The same events give the same
  estimates; asking changes nothing.

Source: metrics specification, sections 3.2 and 3.3.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import msgspec
from msgspec import Struct, field

from ringfloor.base.limits import (
    WAIT_DEPARTURES_MAX,
    WAIT_DEPARTURES_MIN,
    WAIT_SPAN_MS_MIN,
    WAIT_WINDOW_MS,
)
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain import events
from ringfloor.domain.events import Event

MILLION = 1_000_000
FACTOR_MIN, FACTOR_START, FACTOR_MAX = MILLION // 2, MILLION, 2 * MILLION
LEARNING = 5
"""The factor moves a fifth of the way (alpha 0.2)."""


class Staffing(NamedTuple):
    """The agents of a queue and channel: those Available, busy or not, and their free slots."""

    staffed: int
    free: int


class Wait(Struct, array_like=True):
    """A contact in queue. raw_ms: its raw estimate when it came; None: there was none to learn."""

    queue_id: str
    channel: str
    enqueued_at: Instant
    raw_ms: Duration | None
    offered: bool = False


class Pace(Struct, array_like=True):
    """How one queue and channel moves."""

    waiting: int = 0
    """Contacts in queue and not offered."""
    factor: int = FACTOR_START
    departures: list[Instant] = field(default_factory=list)
    """Oldest first; what the window has left behind is swept out now and then."""
    complete_after: Instant | None = None
    """Departures up to here were dropped because there were too many; None: none was."""

    def depart(self, at: Instant) -> None:
        """A contact has left; amortised O(1), but for the bisection."""
        departures = self.departures
        departures.append(at)
        stale = bisect_right(departures, at - WAIT_WINDOW_MS)
        if 2 * stale > len(departures):
            del departures[:stale]
        if len(departures) >= 2 * WAIT_DEPARTURES_MAX:
            self.complete_after = departures[-WAIT_DEPARTURES_MAX - 1]
            del departures[:-WAIT_DEPARTURES_MAX]

    def measured(self, since: Instant, now: Instant) -> tuple[int, Duration] | None:
        """Departures in the window and its length in ms; None if too little is known.

        since: the beginning of what has been seen of the instance.
        """
        start = now - WAIT_WINDOW_MS
        if self.complete_after is not None and self.complete_after > start:
            start = self.complete_after
        first = bisect_right(self.departures, start)
        count = len(self.departures) - first
        if count < WAIT_DEPARTURES_MIN:
            return None
        if now - since < WAIT_WINDOW_MS:
            start = max(start, min(self.departures[first], now - WAIT_SPAN_MS_MIN))
        return count, max(now - start, 1)

    def learn(self, raw_ms: Duration, actual_ms: Duration) -> None:
        """A contact whose raw estimate was raw_ms was answered after actual_ms."""
        sample = actual_ms * MILLION // max(raw_ms, 1)
        moved = ((LEARNING - 1) * self.factor + sample) // LEARNING
        self.factor = min(max(moved, FACTOR_MIN), FACTOR_MAX)


class _Facts(Struct, array_like=True):
    since: Instant | None = None
    waits: dict[str, Wait] = field(default_factory=dict)
    """By contact id."""
    paces: dict[tuple[str, str], Pace] = field(default_factory=dict)
    """By queue id and channel."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Facts).decode


class Waiting:
    """The estimator of one instance."""

    __slots__ = ("_facts",)
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self._facts = _Facts()

    def on(self, event: Event, at: Instant) -> None:
        """Let it have happened. at: when, not before anything told earlier."""
        if self._facts.since is None:
            self._facts.since = at
        fold = self._ON.get(type(event))
        if fold is not None:
            fold(self, event, at)

    def estimate(
        self, queue_id: str, channel: str, *, position: int, staffing: Staffing, now: Instant
    ) -> Duration | None:
        """The wait still to come in ms, rounded to whole seconds; None: nothing is known.

        position: rank in line from 1, 0 while ringing; for a new contact those in queue and 1.
        staffing: the agents of this queue and channel now (Realtime.staffing).
        """
        pace = self._facts.paces.get((queue_id, channel))
        if pace is None or not staffing.staffed:
            return None
        raw = self._raw(pace, position, now)
        if raw is None:
            return None
        if position <= 1 and staffing.free:
            return 0
        return (raw * pace.factor // MILLION + SECOND // 2) // SECOND * SECOND

    def dump(self) -> bytes:
        """Everything as a snapshot."""
        return _encode(self._facts)

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        self = cls()
        self._facts = _decode(snapshot)
        return self

    def __eq__(  # type: ignore[explicit-override]  # typing.override came after 3.11
        self, other: object
    ) -> bool:
        return self._facts == other._facts if isinstance(other, Waiting) else NotImplemented

    def _raw(self, pace: Pace, position: int, now: Instant) -> Duration | None:
        since = self._facts.since
        measured = None if since is None else pace.measured(since, now)
        if measured is None:
            return None
        count, span_ms = measured
        return position * span_ms // count

    def _enqueued(self, event: events.ContactEnqueued, at: Instant) -> None:
        key = event.queue_id, event.channel
        pace = self._facts.paces.get(key)
        if pace is None:
            pace = self._facts.paces[key] = Pace()
        pace.waiting += 1
        raw = self._raw(pace, pace.waiting, at)
        self._facts.waits[event.contact_id] = Wait(event.queue_id, event.channel, at, raw)

    def _offered(self, event: events.ContactOffered, at: Instant) -> None:
        wait = self._facts.waits.get(event.contact_id)
        if wait is not None:
            wait.offered = True
            self._pace(wait).waiting -= 1
            if at == wait.enqueued_at:
                wait.raw_ms = None

    def _missed(self, event: events.OfferMissed | events.AgentLegLost, _at: Instant) -> None:
        wait = self._facts.waits.get(event.contact_id)
        if wait is not None:
            wait.offered = False
            self._pace(wait).waiting += 1

    def _connected(
        self, event: events.ContactDequeued | events.ContactConnectedToAgent, at: Instant
    ) -> None:
        """An agent has been found, and the wait is over; with whichever of the two comes first."""
        wait = self._leave(event.contact_id, at)
        if wait is not None and wait.raw_ms is not None:
            self._pace(wait).learn(wait.raw_ms, at - wait.enqueued_at)

    def _paused(self, event: events.TaskPaused, _at: Instant) -> None:
        """Aside for a while: neither waiting nor gone."""
        wait = self._facts.waits.pop(event.contact_id, None)
        if wait is not None:
            self._pace(wait).waiting -= not wait.offered

    def _resumed(self, event: events.TaskResumed, _at: Instant) -> None:
        pace = self._facts.paces.get((event.queue_id, event.channel))
        if event.agent_id is None and pace is not None:
            pace.waiting += 1
            self._facts.waits[event.contact_id] = Wait(
                event.queue_id, event.channel, event.enqueued_at, None
            )

    def _ended(self, event: events.ContactEnded, at: Instant) -> None:
        self._leave(event.contact_id, at)

    def _leave(self, contact_id: str, at: Instant) -> Wait | None:
        wait = self._facts.waits.pop(contact_id, None)
        if wait is not None:
            pace = self._pace(wait)
            pace.waiting -= not wait.offered
            pace.depart(at)
        return wait

    def _pace(self, wait: Wait) -> Pace:
        return self._facts.paces[wait.queue_id, wait.channel]

    def _deleted(self, event: events.ResourceDeleted, _at: Instant) -> None:
        paces = self._facts.paces
        for key in [key for key in paces if key[0] == event.id and not self._has_waits(key)]:
            del paces[key]

    def _has_waits(self, key: tuple[str, str]) -> bool:
        return any((wait.queue_id, wait.channel) == key for wait in self._facts.waits.values())

    _ON: ClassVar[Mapping[type, Callable[[Any, Any, Instant], None]]] = {
        events.ContactEnqueued: _enqueued,
        events.ContactOffered: _offered,
        events.OfferMissed: _missed,
        events.AgentLegLost: _missed,
        events.ContactDequeued: _connected,
        events.ContactConnectedToAgent: _connected,
        events.TaskPaused: _paused,
        events.TaskResumed: _resumed,
        events.ContactEnded: _ended,
        events.ResourceDeleted: _deleted,
    }
    """What has no row moves no queue."""
