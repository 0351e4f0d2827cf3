"""Waiting: how long a contact will probably wait, estimated from how queues have moved.

The node owns one per instance and tells it every durable event, in order. operations.metrics asks
estimate for a contact (the engine knows its position) and projections.current_rows for a queue (a
new contact would come after all who wait).

    pace      departures from the queue and channel in the window / length of the window
    raw       position / pace
    estimate  raw x factor, in whole seconds; 0 for the first in line while an agent is free
    factor    moves a fifth of the way to (real wait / raw at arrival) with every answered contact,
              between a half and two

All of this once for a queue and channel, and once more for each step of routing criteria that its
contacts are in: there the wait is that since the step began, and who is in another step by the end
has not departed.

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
from typing import Any, ClassVar, Literal, NamedTuple, Self

import msgspec
from msgspec import Struct, field

from ringfloor.base.limits import (
    WAIT_DEPARTURES_MAX,
    WAIT_DEPARTURES_MIN,
    WAIT_SPAN_MS_MIN,
    WAIT_STEPS_IDLE_MAX,
    WAIT_WINDOW_MS,
)
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain import events
from ringfloor.domain.criteria import Criteria, activated, moved_on
from ringfloor.domain.events import Event

MILLION = 1_000_000
FACTOR_MIN, FACTOR_START, FACTOR_MAX = MILLION // 2, MILLION, 2 * MILLION
LEARNING = 5
"""The factor moves a fifth of the way (alpha 0.2)."""


class Staffing(NamedTuple):
    """The agents of a queue and channel: those Available, busy or not, and their free slots."""

    staffed: int
    free: int


Key = tuple[str, str, str]
"""Queue id, channel, and expression of a routing step; EVERYBODY: the whole queue."""

EVERYBODY = ""


class Stay(Struct, array_like=True):
    """A contact among those of one key.

    raw_ms: its raw estimate when it came; None: there was none to learn.
    """

    key: Key
    since: Instant
    raw_ms: Duration | None


class Wait(Struct, array_like=True):
    """A contact in queue. stays: in the whole queue, then in its routing step, if one is active."""

    stays: list[Stay]
    offered: bool = False


class Pace(Struct, array_like=True):
    """How the contacts of one key move."""

    there: int = 0
    """Contacts in queue."""
    waiting: int = 0
    """Of these, not offered."""
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
    layout: Literal[2] = 2
    """Snapshots with another are not read."""
    since: Instant | None = None
    waits: dict[str, Wait] = field(default_factory=dict)
    """By contact id."""
    paces: dict[Key, Pace] = field(default_factory=dict)
    criteria: dict[str, Criteria] = field(default_factory=dict)
    """The last ones of each contact that has any and has not ended, by its id."""
    idle: dict[Key, None] = field(default_factory=dict)
    """Of routing steps that nobody is in, the one left first foremost."""


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
        self,
        queue_id: str,
        channel: str,
        *,
        position: int,
        staffing: Staffing,
        now: Instant,
        step: str | None = None,
    ) -> Duration | None:
        """The wait still to come in ms, rounded to whole seconds; None: nothing is known.

        position: rank in line from 1, 0 while ringing; for a new contact those in queue and 1.
        staffing: the agents of this queue and channel now (Realtime.staffing). step: the expression
        of a routing step, of which position and staffing then are.
        """
        pace = self._facts.paces.get((queue_id, channel, step or EVERYBODY))
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

    # Standing among others

    def _begin(self, key: Key, since: Instant, *, learns: bool = True) -> Stay:
        """One more contact is there, and not offered. learns: it has just come."""
        facts = self._facts
        pace = facts.paces.get(key)
        if pace is None:
            pace = facts.paces[key] = Pace()
        facts.idle.pop(key, None)
        pace.there += 1
        pace.waiting += 1
        return Stay(key, since, self._raw(pace, pace.waiting, since) if learns else None)

    def _end(self, stay: Stay, *, offered: bool, departs: Instant | None) -> None:
        """One contact less is there. departs: when it left the queue; None: it has not."""
        facts = self._facts
        pace = facts.paces[stay.key]
        pace.there -= 1
        pace.waiting -= not offered
        if departs is not None:
            pace.depart(departs)
        if not pace.there and stay.key[2]:
            facts.idle[stay.key] = None
            if len(facts.idle) > WAIT_STEPS_IDLE_MAX:
                oldest = next(iter(facts.idle))
                del facts.idle[oldest], facts.paces[oldest]

    def _step_in(self, contact_id: str, wait: Wait, at: Instant, *, learns: bool = True) -> None:
        """The contact is in another step than before, or in none."""
        queue_id, channel, _ = wait.stays[0].key
        for stay in wait.stays[1:]:
            self._end(stay, offered=wait.offered, departs=None)
        del wait.stays[1:]
        criteria = self._facts.criteria.get(contact_id)
        if criteria is not None and criteria.active is not None:
            key = queue_id, channel, criteria.active.expression
            stay = self._begin(key, at, learns=learns and not wait.offered)
            self._facts.paces[key].waiting -= wait.offered
            wait.stays.append(stay)

    def _leave(self, contact_id: str, departs: Instant | None) -> Wait | None:
        wait = self._facts.waits.pop(contact_id, None)
        if wait is not None:
            for stay in wait.stays:
                self._end(stay, offered=wait.offered, departs=departs)
        return wait

    # What happens

    def _initiated(self, event: events.ContactInitiated, _at: Instant) -> None:
        if event.contact.criteria:
            self._facts.criteria[event.contact.id] = event.contact.criteria[-1]

    def _criteria_set(self, event: events.RoutingCriteriaSet, at: Instant) -> None:
        wait = self._facts.waits.get(event.contact_id)
        criteria = Criteria(event.steps)
        if wait is not None:
            criteria = activated(criteria, at)
        self._facts.criteria[event.contact_id] = criteria
        if wait is not None:
            self._step_in(event.contact_id, wait, at)

    def _step_expired(self, event: events.RoutingStepExpired, at: Instant) -> None:
        criteria = self._facts.criteria.get(event.contact_id)
        if criteria is None or criteria.active is None:
            return
        self._facts.criteria[event.contact_id] = moved_on(criteria, at)
        wait = self._facts.waits.get(event.contact_id)
        if wait is not None:
            self._step_in(event.contact_id, wait, at)

    def _enqueued(self, event: events.ContactEnqueued, at: Instant) -> None:
        criteria = self._facts.criteria.get(event.contact_id)
        if criteria is not None:
            self._facts.criteria[event.contact_id] = activated(criteria, at)
        wait = Wait([self._begin((event.queue_id, event.channel, EVERYBODY), at)])
        self._facts.waits[event.contact_id] = wait
        self._step_in(event.contact_id, wait, at)

    def _offered(self, event: events.ContactOffered, at: Instant) -> None:
        wait = self._facts.waits.get(event.contact_id)
        if wait is not None:
            wait.offered = True
            for stay in wait.stays:
                self._facts.paces[stay.key].waiting -= 1
                if at == stay.since:
                    stay.raw_ms = None

    def _missed(self, event: events.OfferMissed | events.AgentLegLost, _at: Instant) -> None:
        wait = self._facts.waits.get(event.contact_id)
        if wait is not None:
            wait.offered = False
            for stay in wait.stays:
                self._facts.paces[stay.key].waiting += 1

    def _connected(
        self, event: events.ContactDequeued | events.ContactConnectedToAgent, at: Instant
    ) -> None:
        """An agent has been found, and the wait is over; with whichever of the two comes first."""
        wait = self._leave(event.contact_id, at)
        for stay in wait.stays if wait is not None else ():
            pace = self._facts.paces.get(stay.key)
            if stay.raw_ms is not None and pace is not None:
                pace.learn(stay.raw_ms, at - stay.since)

    def _paused(self, event: events.TaskPaused, _at: Instant) -> None:
        """Aside for a while: neither waiting nor gone."""
        self._leave(event.contact_id, None)

    def _resumed(self, event: events.TaskResumed, at: Instant) -> None:
        key = event.queue_id, event.channel, EVERYBODY
        if event.agent_id is None and key in self._facts.paces:
            wait = Wait([self._begin(key, event.enqueued_at, learns=False)])
            self._facts.waits[event.contact_id] = wait
            self._step_in(event.contact_id, wait, at, learns=False)

    def _ended(self, event: events.ContactEnded, at: Instant) -> None:
        self._leave(event.contact_id, at)
        self._facts.criteria.pop(event.contact_id, None)

    def _deleted(self, event: events.ResourceDeleted, _at: Instant) -> None:
        if event.kind not in ("queue", "user"):
            return
        paces, idle = self._facts.paces, self._facts.idle
        for key in [key for key, pace in paces.items() if key[0] == event.id and not pace.there]:
            del paces[key]
            idle.pop(key, None)

    _ON: ClassVar[Mapping[type, Callable[[Any, Any, Instant], None]]] = {
        events.ContactInitiated: _initiated,
        events.RoutingCriteriaSet: _criteria_set,
        events.RoutingStepExpired: _step_expired,
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
