"""Current rows: the answer to a checked GetCurrentMetricData request, read off the counters.

operations.metrics asks answer once per request and keeps the rows while their token lives.

Rules:
- A row exists while somebody is online for it or it holds a contact (waiting, scheduled, ringing or
  with an agent); what is not active has no row. A row by AGENT_STATUS needs somebody in it.
- Without a queue filter and without grouping by queue, a routing profile's row counts all its
  agents and whatever they hold; with either, those of the queues in question.
- Rows stand in the order of the metric that is sorted by, those without a value last; equal ones by
  queue id, then by channel, routing profile id and status id.
- OLDEST_CONTACT_AGE is milliseconds in an ungrouped row and whole seconds in others, as at AWS.

Sources: metrics specification, sections 1.2-1.4.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Literal, NamedTuple

from ringfloor.base.time import SECOND, Instant
from ringfloor.projections.counters import (
    ALL_CHANNELS,
    GroupCount,
    LineKey,
    mask_of,
    numbers_in,
)
from ringfloor.projections.current_metrics import (
    ESTIMATED_WAIT_TIME,
    OLDEST_CONTACT_AGE,
    Grouping,
    Metric,
    Reading,
)
from ringfloor.projections.current_request import CurrentQuery, Row
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.waiting import Waiting

TIES: tuple[Grouping, ...] = ("QUEUE", "CHANNEL", "ROUTING_PROFILE", "AGENT_STATUS")
"""What decides between equal rows, in this order."""


def answer(
    realtime: Realtime,
    waiting: Waiting,
    query: CurrentQuery,
    now: Instant,
    oldest_in_ms: Literal["ungrouped", "grouped", "never"] = "ungrouped",
) -> list[Row]:
    """All rows, sorted. oldest_in_ms: which rows tell OLDEST_CONTACT_AGE in milliseconds."""
    if query.unmatched:
        return []
    metrics = [asked.metric for asked in query.asked]
    wait = ESTIMATED_WAIT_TIME in {metric.name for metric in [*metrics, query.sort_by]}
    in_ms = oldest_in_ms == ("grouped" if query.groupings else "ungrouped")
    floor = _Floor(realtime, query)
    ranked: list[tuple[bool, float, tuple[str, ...], Row]] = []
    for dimensions in product(*(floor.options(grouping) for grouping in query.groupings)):
        scope = floor.scope(dimensions)
        reading = floor.read(scope, now)
        if not (reading.online if scope.status else reading.is_active()):
            continue
        if wait:
            _read_wait(realtime, waiting, reading, dimensions, now)
        row = Row(dimensions, tuple(_value(metric, reading, in_ms) for metric in metrics))
        sort_value = _value(query.sort_by, reading, in_ms)
        rank = (sort_value or 0.0) * (1 if query.ascending else -1)
        ranked.append((sort_value is None, rank, _tie(query, dimensions), row))
    ranked.sort(key=lambda each: each[:3])
    return [row for *_, row in ranked]


def _value(metric: Metric, reading: Reading, in_ms: bool) -> float | None:
    value = getattr(reading, metric.reading)
    if value is None:
        return None
    if metric.unit == "SECONDS" and not (in_ms and metric.name == OLDEST_CONTACT_AGE):
        value //= SECOND
    return float(value)


def _tie(query: CurrentQuery, dimensions: tuple[str, ...]) -> tuple[str, ...]:
    named = dict(zip(query.groupings, dimensions, strict=True))
    return tuple(named.get(grouping, "") for grouping in TIES)


def _read_wait(
    realtime: Realtime,
    waiting: Waiting,
    reading: Reading,
    dimensions: tuple[str, ...],
    now: Instant,
) -> None:
    """For a new contact of the row's queue and channel: behind all who wait."""
    queue_id, channel = dimensions
    reading.estimated_wait_ms = waiting.estimate(
        queue_id,
        channel,
        position=reading.in_queue + 1,
        staffing=realtime.staffing(queue_id, channel),
        now=now,
    )


class _Scope(NamedTuple):
    """What a row is about. None: not restricted. At least one of queues and profiles is."""

    queues: tuple[str, ...] | None
    profiles: frozenset[str] | None
    channels: int
    status: str | None


class _Agents(NamedTuple):
    """The agents of a routing profile, as far as the statuses and channels of a row go."""

    online: int
    staffed: int
    available: int
    on_contact: int
    in_error: int
    free: tuple[int, ...]
    """By channel number."""


class _Floor:
    """The counters as one query sees them; lives as long as its answer is made."""

    def __init__(self, realtime: Realtime, query: CurrentQuery) -> None:
        self.counters = realtime.counters
        self.query = query
        self.channels = mask_of(query.channels)
        profiles = realtime.facts.profiles
        self.profiles = [each for each in query.profile_ids or () if each in profiles]
        self.served = {each: profiles[each].served() for each in self.profiles}
        self.opened = {each: profiles[each].open_channels() for each in self.profiles}
        self.queues = self._queues()
        self.seen: dict[tuple[str, int, str | None], _Agents] = {}

    def _queues(self) -> tuple[str, ...]:
        """The queues that the request is about."""
        if self.query.queue_ids is not None:
            return self.query.queue_ids
        if self.query.profile_ids is not None:
            return tuple(sorted({queue_id for by in self.served.values() for queue_id in by}))
        held = {queue_id for queue_id, _ in self.counters.lines}
        return tuple(sorted(held | self.counters.serving.keys()))

    def options(self, grouping: Grouping) -> Iterable[str]:
        """The values of a grouping for which there may be rows."""
        match grouping:
            case "QUEUE":
                return self.queues
            case "CHANNEL":
                return self.query.channels
            case "ROUTING_PROFILE" if self.query.profile_ids is not None:
                return self.profiles
            case "ROUTING_PROFILE":
                return sorted({each for queue_id in self.queues for each in self._by(queue_id)})
            case "AGENT_STATUS" if self.query.status_ids is not None:
                return self.query.status_ids
            case "AGENT_STATUS":
                return sorted({one for groups in self.counters.groups.values() for one in groups})
            case _:
                return ()

    def scope(self, dimensions: tuple[str, ...]) -> _Scope:
        """What the row of these dimensions is about."""
        named = dict(zip(self.query.groupings, dimensions, strict=True))
        queues: tuple[str, ...] | None = self.queues
        profiles: frozenset[str] | None = None
        if self.query.profile_ids is not None:
            queues, profiles = None, frozenset(self.profiles)
        if "QUEUE" in named:
            queues = (named["QUEUE"],)
        if "ROUTING_PROFILE" in named:
            profiles = frozenset((named["ROUTING_PROFILE"],))
        channels = mask_of((named["CHANNEL"],)) if "CHANNEL" in named else self.channels
        return _Scope(queues, profiles, channels, named.get("AGENT_STATUS"))

    def read(self, scope: _Scope, now: Instant) -> Reading:
        """Everything that is counted for a row, but for the estimated wait."""
        reading = Reading()
        for profile_id, channels in self._profiles(scope).items():
            agents = self._agents(profile_id, scope)
            reading.online += agents.online
            reading.staffed += agents.staffed
            reading.available += agents.available
            reading.on_contact += agents.on_contact
            reading.in_error += agents.in_error
            for number, free in enumerate(agents.free):
                if channels >> number & 1:
                    reading.slots_available += free
        reading.non_productive = reading.online - reading.staffed
        self._read_lines(scope, reading, now)
        if scope.profiles is not None:
            self._read_hands(scope, scope.profiles, reading)
        return reading

    # Agents

    def _by(self, queue_id: str) -> dict[str, int]:
        """The routing profiles that serve a queue, with their channels."""
        return self.counters.serving.get(queue_id, {})

    def _profiles(self, scope: _Scope) -> dict[str, int]:
        """The routing profiles whose agents count, with the channels whose slots count."""
        if scope.queues is None:  # agents without any queue count, too
            everything = scope.channels == ALL_CHANNELS
            return {
                each: scope.channels
                for each in self.profiles
                if each in (scope.profiles or ())
                and (everything or self.opened[each] & scope.channels)
            }
        found: dict[str, int] = {}
        for queue_id in scope.queues:
            for each, mask in self._by(queue_id).items():
                if mask & scope.channels and (scope.profiles is None or each in scope.profiles):
                    found[each] = found.get(each, 0) | mask & scope.channels
        return found

    def _agents(self, profile_id: str, scope: _Scope) -> _Agents:
        key = profile_id, scope.channels, scope.status
        seen = self.seen.get(key)
        if seen is None:
            masks = [mask for mask in range(ALL_CHANNELS + 1) if mask & scope.channels]
            groups = list(self._groups(profile_id, scope.status))
            seen = self.seen[key] = _Agents(
                sum(group.online for group in groups),
                sum(group.staffed for group in groups),
                sum(group.available for group in groups),
                sum(group.on_contact[mask] for group in groups for mask in masks),
                sum(group.in_error[mask] for group in groups for mask in masks),
                tuple(sum(free) for free in zip(*(group.free for group in groups), strict=True)),
            )
        return seen

    def _groups(self, profile_id: str, status: str | None) -> Iterator[GroupCount]:
        groups = self.counters.groups[profile_id]
        statuses = self.query.status_ids if status is None else (status,)
        if statuses is None:
            yield from groups.values()
        else:
            yield from (groups[each] for each in statuses if each in groups)

    # Contacts

    def _lines(self, scope: _Scope) -> Iterable[LineKey]:
        """The queues and channels whose contacts count; those of the profiles, if these count."""
        if scope.profiles is None:
            return product(scope.queues or (), numbers_in(scope.channels))
        served: dict[LineKey, None] = {}
        for queue_id in self.queues if scope.queues is None else scope.queues:
            for each, mask in self._by(queue_id).items():
                if each in scope.profiles:
                    for number in numbers_in(mask & scope.channels):
                        served[queue_id, number] = None
        return served

    def _read_lines(self, scope: _Scope, reading: Reading, now: Instant) -> None:
        oldest = now
        for key in self._lines(scope):
            line = self.counters.lines.get(key)
            if line is None:
                continue
            reading.in_queue += len(line.waiting)
            reading.scheduled += line.scheduled
            reading.offered += line.offered
            if line.waiting:
                oldest = min(oldest, line.waiting[0][0])
            if scope.profiles is None:
                reading.slots_active += line.active
                reading.after_contact_work += line.work
        reading.oldest_age_ms = now - oldest

    def _read_hands(self, scope: _Scope, profiles: frozenset[str], reading: Reading) -> None:
        for profile_id in profiles:
            for (queue_id, number), hand in self.counters.hands[profile_id].items():
                if scope.channels >> number & 1 and (
                    scope.queues is None or queue_id in scope.queues
                ):
                    reading.slots_active += hand.active
                    reading.after_contact_work += hand.work
