"""Current rows: the answer to a checked GetCurrentMetricData request, read off the counters.

operations.metrics asks answer once per request and keeps the rows while their token lives. Waits
are estimated before, one by one (newcomers, estimate), since each takes milliseconds.

Rules:
- A row exists while somebody is online for it or it holds a contact (waiting, scheduled, ringing or
  with an agent); what is not active has no row. A row by AGENT_STATUS needs somebody in it, a row
  of subtypes a contact. By ROUTING_STEP_EXPRESSION there are rows for the filter's expressions,
  without it for those that contacts are in.
- In a row of subtypes the agents are those of the channels that its contacts are of.
- In a row of a routing step the agents are those who meet its expression, and the contacts those
  whose active step it is: who is with an agent is in none.
- Without a queue filter and without grouping by queue, a routing profile's row counts all its
  agents and whatever they hold; with either, those of the queues in question.
- Rows stand in the order of the metric that is sorted by, those without a value last; equal ones by
  queue id, then by channel, routing profile id, status id, expression and subtype.
- OLDEST_CONTACT_AGE is milliseconds in an ungrouped row and whole seconds in others, as at AWS.

Sources: metrics specification, sections 1.2-1.4.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from operator import attrgetter
from typing import Literal, NamedTuple, get_args

from ringfloor.base.time import SECOND, Instant
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.counters import (
    ALL_CHANNELS,
    NUMBERS,
    GroupCount,
    Groups,
    Line,
    LineCount,
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
from ringfloor.projections.waiting import Estimate, Waiting

TIES: tuple[Grouping, ...] = (
    "QUEUE",
    "CHANNEL",
    "ROUTING_PROFILE",
    "AGENT_STATUS",
    "ROUTING_STEP_EXPRESSION",
    "SUBTYPE",
)
"""What decides between equal rows, in this order."""

MASKS_WITH = [
    [mask for mask in range(ALL_CHANNELS + 1) if mask & channels]
    for channels in range(ALL_CHANNELS + 1)
]
"""By mask of channels, the masks that have one of them."""

OldestInMs = Literal["ungrouped", "grouped", "never"]
OLDEST_IN_MS: tuple[OldestInMs, ...] = get_args(OldestInMs)
"""Which rows tell OLDEST_CONTACT_AGE in milliseconds."""


class Newcomer(NamedTuple):
    """Who would come into this line now. step: the expression of a routing step."""

    queue_id: str
    channel: str
    step: str | None


Waits = Mapping[Newcomer, Estimate | None]
"""None, as of whoever is not in it: nothing is known."""


def newcomers(realtime: Realtime, query: CurrentQuery, now: Instant) -> list[Newcomer]:
    """Whose waits there are rows for."""
    metrics = {*(asked.metric.name for asked in query.asked), query.sort_by.name}
    if query.unmatched or ESTIMATED_WAIT_TIME not in metrics:
        return []
    floor = _Floor(realtime, query)
    scopes = map(floor.scope, product(*map(floor.options, query.groupings)))
    return [_newcomer(scope) for scope in scopes if scope.has_row(floor.read(scope, now))]


def estimate(
    realtime: Realtime, waiting: Waiting, newcomer: Newcomer, now: Instant
) -> Estimate | None:
    """The wait of who comes now, behind all who wait; None: nothing is known."""
    queue_id, channel, step = newcomer
    line = realtime.counters.lines.get((queue_id, NUMBERS[channel]))
    count = line if line is None or step is None else line.steps.get(step)
    return waiting.estimate(
        queue_id,
        channel,
        position=1 if count is None else len(count.waiting) + 1,
        free=bool(realtime.staffing(queue_id, channel, step).free),
        now=now,
        step=step,
    )


def answer(
    realtime: Realtime,
    waits: Waits,
    query: CurrentQuery,
    now: Instant,
    oldest_in_ms: OldestInMs = "ungrouped",
) -> list[Row]:
    """All rows, sorted. waits: of all newcomers.

    oldest_in_ms: which rows tell OLDEST_CONTACT_AGE in milliseconds.
    """
    if query.unmatched:
        return []
    metrics = [*(asked.metric for asked in query.asked), query.sort_by]
    wait = ESTIMATED_WAIT_TIME in {metric.name for metric in metrics}
    values_of = _values_of(metrics, oldest_in_ms == ("grouped" if query.groupings else "ungrouped"))
    tie_of = _tie_of(query.groupings)
    sign = 1 if query.ascending else -1
    floor = _Floor(realtime, query)
    ranked: list[tuple[bool, float, tuple[str, ...], Row]] = []
    for dimensions in product(*(floor.options(grouping) for grouping in query.groupings)):
        scope = floor.scope(dimensions)
        reading = floor.read(scope, now)
        if not scope.has_row(reading):
            continue
        if wait:
            told = waits.get(_newcomer(scope))
            reading.estimated_wait_ms = None if told is None else told.wait_ms
        *values, sort_value = values_of(reading)
        rank = (sort_value or 0.0) * sign
        row = Row(dimensions, tuple(values))
        ranked.append((sort_value is None, rank, tie_of(dimensions), row))
    ranked.sort(key=lambda each: each[:3])
    return [row for *_, row in ranked]


def steps(realtime: Realtime, query: CurrentQuery) -> tuple[str, ...]:
    """The expressions of routing steps that there may be rows for; of each Realtime.groups asks."""
    if "ROUTING_STEP_EXPRESSION" not in query.groupings:
        return ()
    return tuple(_Floor(realtime, query).options("ROUTING_STEP_EXPRESSION"))


def _values_of(metrics: list[Metric], in_ms: bool) -> Callable[[Reading], list[float | None]]:
    """What reads these metrics, two or more, off a reading. in_ms: OLDEST_CONTACT_AGE."""
    read = attrgetter(*(metric.reading for metric in metrics))
    in_seconds = [
        metric.unit == "SECONDS" and not (in_ms and metric.name == OLDEST_CONTACT_AGE)
        for metric in metrics
    ]

    def values(reading: Reading) -> list[float | None]:
        return [
            None if value is None else float(value // SECOND if whole else value)
            for value, whole in zip(read(reading), in_seconds, strict=True)
        ]

    return values


def _tie_of(groupings: tuple[Grouping, ...]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """What decides between rows of these groupings: their dimensions in the order of TIES."""
    places = [groupings.index(each) for each in TIES if each in groupings]
    return lambda dimensions: tuple([dimensions[place] for place in places])


class _Scope(NamedTuple):
    """What a row is about. None: not restricted. At least one of queues and profiles is."""

    queues: tuple[str, ...] | None
    profiles: frozenset[str] | None
    channels: int
    status: str | None
    step: str | None
    subtypes: tuple[str, ...] | None
    by_contacts: bool
    """Whether there is a row only if it holds a contact, whoever is online."""

    def has_row(self, reading: Reading) -> bool:
        """Whether what has been read is a row of the answer."""
        if self.status is not None:
            return bool(reading.online)
        return reading.holds_contacts() if self.by_contacts else reading.is_active()


def _newcomer(scope: _Scope) -> Newcomer:
    """Of a row that is about one queue and channel."""
    assert scope.queues is not None
    [queue_id], [number] = scope.queues, numbers_in(scope.channels)
    return Newcomer(queue_id, CHANNELS[number], scope.step)


class _Agents(NamedTuple):
    """The agents of a routing profile, as far as the statuses and channels of a row go."""

    online: int
    staffed: int
    available: int
    on_contact: int
    in_error: int
    free: tuple[int, ...]
    """By channel number; empty where there are no agents."""


class _Floor:
    """The counters as one query sees them; lives as long as its answer is made."""

    def __init__(self, realtime: Realtime, query: CurrentQuery) -> None:
        self.realtime = realtime
        self.counters = realtime.counters
        self.query = query
        self.channels = mask_of(query.channels)
        profiles = realtime.facts.profiles
        self.profiles = [each for each in query.profile_ids or () if each in profiles]
        self.served = {each: profiles[each].served() for each in self.profiles}
        self.opened = {each: profiles[each].open_channels() for each in self.profiles}
        self.queues = self._queues()
        self.stepped: dict[str, Groups] = {}
        """By expression of a routing step; of all agents by an empty one."""
        self.seen: dict[tuple[str, int, str | None, str | None], _Agents] = {}

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
            case "ROUTING_STEP_EXPRESSION" if self.query.expressions is not None:
                return self.query.expressions
            case "ROUTING_STEP_EXPRESSION":
                return sorted({each for line in self._all_lines() for each in line.steps})
            case "SUBTYPE" if self.query.subtypes is not None:
                return self.query.subtypes
            case "SUBTYPE":
                return sorted({each for line in self._all_lines() for each in line.subtypes})
            case _:
                return ()

    def _all_lines(self) -> Iterator[Line]:
        """The lines of the queues and channels that the request is about."""
        for key in product(self.queues, numbers_in(self.channels)):
            line = self.counters.lines.get(key)
            if line is not None:
                yield line

    def scope(self, dimensions: tuple[str, ...]) -> _Scope:
        """What the row of these dimensions is about."""
        named: dict[str, str] = dict(zip(self.query.groupings, dimensions, strict=True))
        queues: tuple[str, ...] | None = self.queues
        profiles: frozenset[str] | None = None
        if self.query.profile_ids is not None:
            queues, profiles = None, frozenset(self.profiles)
        if "QUEUE" in named:
            queues = (named["QUEUE"],)
        if "ROUTING_PROFILE" in named:
            profiles = frozenset((named["ROUTING_PROFILE"],))
        channels = mask_of((named["CHANNEL"],)) if "CHANNEL" in named else self.channels
        step = named.get("ROUTING_STEP_EXPRESSION")
        subtypes = (named["SUBTYPE"],) if "SUBTYPE" in named else self.query.subtypes
        if subtypes is not None and queues is not None:
            channels = self._channels_of(subtypes, queues, channels)
        return _Scope(
            queues,
            profiles,
            channels,
            named.get("AGENT_STATUS"),
            step,
            subtypes,
            subtypes is not None or (step is not None and self.query.expressions is None),
        )

    def _channels_of(
        self, subtypes: tuple[str, ...], queues: tuple[str, ...], channels: int
    ) -> int:
        """Of these channels those on which the queues hold contacts of one of the subtypes."""
        found = 0
        for queue_id, number in product(queues, numbers_in(channels)):
            line = self.counters.lines.get((queue_id, number))
            if line is not None and any(each in line.subtypes for each in subtypes):
                found |= 1 << number
        return found

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
            if agents.free:
                for number in numbers_in(channels):
                    reading.slots_available += agents.free[number]
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
        key = profile_id, scope.channels, scope.status, scope.step
        seen = self.seen.get(key)
        if seen is None:
            masks = MASKS_WITH[scope.channels]
            groups = list(self._groups(profile_id, scope))
            seen = self.seen[key] = _Agents(
                sum(group.online for group in groups),
                sum(group.staffed for group in groups),
                sum(group.available for group in groups),
                sum(group.on_contact[mask] for group in groups for mask in masks),
                sum(group.in_error[mask] for group in groups for mask in masks),
                tuple(map(sum, zip(*(group.free for group in groups), strict=True))),
            )
        return seen

    def _groups(self, profile_id: str, scope: _Scope) -> Iterator[GroupCount]:
        step = scope.step or ""
        if step not in self.stepped:
            self.stepped[step] = self.realtime.groups(scope.step)
        groups = self.stepped[step].get(profile_id, {})
        statuses = self.query.status_ids if scope.status is None else (scope.status,)
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

    def _counts(self, scope: _Scope, key: LineKey) -> Iterable[LineCount]:
        """The counts of a line that the row takes in."""
        line = self.counters.lines.get(key)
        if line is None:
            return ()
        if scope.step is not None:
            return (line.steps[scope.step],) if scope.step in line.steps else ()
        if scope.subtypes is not None:
            return [line.subtypes[each] for each in scope.subtypes if each in line.subtypes]
        return (line,)

    def _read_lines(self, scope: _Scope, reading: Reading, now: Instant) -> None:
        oldest = now
        for key in self._lines(scope):
            for count in self._counts(scope, key):
                reading.in_queue += len(count.waiting)
                reading.scheduled += count.scheduled
                reading.offered += count.offered
                if count.waiting:
                    oldest = min(oldest, count.waiting[0][0])
                if scope.profiles is None:
                    reading.slots_active += count.active
                    reading.after_contact_work += count.work
        reading.oldest_age_ms = now - oldest

    def _read_hands(self, scope: _Scope, profiles: frozenset[str], reading: Reading) -> None:
        if scope.step is not None:
            return
        for profile_id in profiles:
            for (queue_id, number, subtype), hand in self.counters.hands.get(
                profile_id, {}
            ).items():
                if (
                    scope.channels >> number & 1
                    and (scope.queues is None or queue_id in scope.queues)
                    and (scope.subtypes is None or subtype in scope.subtypes)
                ):
                    reading.slots_active += hand.active
                    reading.after_contact_work += hand.work
