"""Historical answer: from a checked request to rows, in a handful of SQL statements.

projections.historical calls rows with a way to ask its tables, inside one snapshot. The statements
are made from the table of metrics; whatever comes from the request is a parameter.

Rules:
- One scan counts all that is asked of the legs, a second is a histogram of the waits for all
  service levels; missed offers and agent time are asked only if a metric needs them.
- A row exists where a leg or, if they are asked for, a missed offer or agent time lies.
- Agent time has no channel: grouped by channel, it makes no row of its own and its value stands in
  each row of the queue.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from ringfloor.base.time import Duration
from ringfloor.domain.facts import AgentTime
from ringfloor.projections.historical_metrics import (
    IN_QUEUE_ROW,
    WAIT_MS,
    Facts,
    aggregates,
    result,
)
from ringfloor.projections.historical_request import Grouping, HistoricalQuery, Row

Ask = Callable[[str, dict[str, Any]], list[tuple[Any, ...]]]
"""A statement and its named parameters to the rows found."""

Key = tuple[str, ...]
"""The dimensions of a row, in the order of the request's groupings."""

DIMENSIONS: dict[Grouping, str] = {"QUEUE": "queue_id", "CHANNEL": "channel"}


class _Counted(NamedTuple):
    """Facts that lie at one moment: their table, that moment, and which of them count at all."""

    table: str
    moment: str
    where: str


COUNTED: dict[Facts, _Counted] = {
    "legs": _Counted("leg", "disconnected_at", IN_QUEUE_ROW),
    "missed offers": _Counted("missed_offer", '"at"', "queue_id IS NOT NULL"),
}
AGENT_TIME = (
    "SELECT routing_profile_id, kind, sum(least(ended_at, $end) - greatest(started_at, $start)) "
    "FROM agent_time WHERE instance = $instance AND ended_at > $start AND started_at < $end "
    "GROUP BY ALL"
)

Stretch = tuple[str, str, Duration]
"""Routing profile, kind, and the milliseconds inside the range."""


class _Occupied(NamedTuple):
    """Agent time: on contacts, and Available in all."""

    contact_ms: Duration
    available_ms: Duration


def rows(
    ask: Ask,
    instance: str,
    query: HistoricalQuery,
    open_times: Sequence[AgentTime],
    queues_by_profile: Mapping[str, frozenset[str]],
) -> list[Row]:
    """The rows of a request, ordered by their dimensions in the order of the groupings."""
    facts_asked = {asked.metric.facts for asked in query.asked}
    tallies = {
        facts: _tally(ask, instance, query, facts)
        for facts in COUNTED
        if facts == "legs" or facts in facts_asked
    }
    in_time = _in_time(ask, instance, query)
    keys = {key for tally in tallies.values() for key in tally}
    occupied: dict[Key, _Occupied] = {}
    if "agent time" in facts_asked:
        stretches = [
            *ask(AGENT_TIME, {"instance": instance, "start": query.start, "end": query.end}),
            *(_clipped(stretch, query) for stretch in open_times),
        ]
        occupied = _occupied(stretches, query, queues_by_profile)
        if "CHANNEL" not in query.groupings:
            keys |= occupied.keys()

    plan = [(asked, aggregates(asked.metric)) for asked in query.asked]

    def values(key: Key) -> Iterator[float | None]:
        for asked, columns in plan:
            match asked.metric.facts:
                case "legs" | "missed offers" as facts:
                    tally = tallies[facts].get(key, {})
                    numbers = [tally.get(column) for column in columns]
                    if asked.threshold_ms is not None:
                        numbers.insert(0, in_time.get(key, {}).get(asked.threshold_ms))
                    yield result(asked.metric, *numbers)
                case "agent time":
                    yield result(asked.metric, *occupied.get(_without_channel(key, query), ()))
                case "nothing":
                    yield None

    return [_row(key, query, list(values(key))) for key in sorted(keys)]


def _tally(
    ask: Ask, instance: str, query: HistoricalQuery, facts: Facts
) -> dict[Key, dict[str, int | None]]:
    """By row, what each asked aggregate has found; a row without any fact is left out."""
    columns = dict.fromkeys(
        column
        for asked in query.asked
        if asked.metric.facts == facts
        for column in aggregates(asked.metric)
    )
    found = _grouped(ask, instance, query, facts, ("count(*)", *columns))
    return {
        key: dict(zip(columns, numbers, strict=True)) for key, (count, *numbers) in found if count
    }


def _in_time(ask: Ask, instance: str, query: HistoricalQuery) -> dict[Key, dict[Duration, int]]:
    """By row, how many left the queue in less than each threshold: the sums of a histogram."""
    thresholds = sorted({one.threshold_ms for one in query.asked if one.threshold_ms is not None})
    if not thresholds:
        return {}
    steps = {f"step_{number}": threshold for number, threshold in enumerate(thresholds)}
    whens = " ".join(f"WHEN {WAIT_MS} < ${step} THEN {n}" for n, step in enumerate(steps))
    histograms: dict[Key, list[int]] = {}
    for key, (step, count) in _grouped(
        ask,
        instance,
        query,
        "legs",
        ("count(*)",),
        where=f"{WAIT_MS} < $step_{len(steps) - 1}",
        by=(f"CASE {whens} END",),
        **steps,
    ):
        histograms.setdefault(key, [0] * len(thresholds))[step] = count
    return {
        key: dict(zip(thresholds, accumulate(histogram), strict=True))
        for key, histogram in histograms.items()
    }


def _grouped(
    ask: Ask,
    instance: str,
    query: HistoricalQuery,
    facts: Facts,
    columns: tuple[str, ...],
    *,
    where: str = "TRUE",
    by: tuple[str, ...] = (),
    **parameters: int,
) -> Iterator[tuple[Key, tuple[Any, ...]]]:
    """Columns over the facts that a query counts, by its groupings and then `by`."""
    counted = COUNTED[facts]
    dimensions = tuple(DIMENSIONS[grouping] for grouping in query.groupings)
    conditions = [
        f"instance = $instance AND {counted.moment} >= $start AND {counted.moment} < $end",
        counted.where,
        where,
    ]
    bound: dict[str, Any] = {
        "instance": instance,
        "start": query.start,
        "end": query.end,
        **parameters,
    }
    for dimension, wanted in (("queue_id", query.queue_ids), ("channel", query.channels)):
        if wanted is not None:
            conditions.append(f"list_contains(${dimension}s, {dimension})")
            bound[f"{dimension}s"] = list(wanted)
    statement = (
        f"SELECT {', '.join((*dimensions, *by, *columns))} FROM {counted.table} "  # noqa: S608  made of our own tables
        f"WHERE {' AND '.join(f'({condition})' for condition in conditions)} GROUP BY ALL"
    )
    for row in ask(statement, bound):
        yield row[: len(dimensions)], row[len(dimensions) :]


def _clipped(stretch: AgentTime, query: HistoricalQuery) -> Stretch:
    inside = min(stretch.ended_at, query.end) - max(stretch.started_at, query.start)
    return stretch.routing_profile_id, stretch.kind, max(0, inside)


def _occupied(
    stretches: Sequence[Stretch],
    query: HistoricalQuery,
    queues_by_profile: Mapping[str, frozenset[str]],
) -> dict[Key, _Occupied]:
    """Agent time by queue, or in all under the empty key.

    An agent counts in each queue that the routing profile has, and once in all.
    """
    found: dict[Key, _Occupied] = {}
    wanted = None if query.queue_ids is None else set(query.queue_ids)
    for profile, kind, duration in stretches:
        queues = queues_by_profile.get(profile, frozenset())
        served = queues if wanted is None else queues & wanted
        if not served or not duration:
            continue
        for key in [(queue,) for queue in served] if "QUEUE" in query.groupings else [()]:
            contact_ms, available_ms = found.get(key, _Occupied(0, 0))
            on_contact = duration if kind == "contact" else 0
            found[key] = _Occupied(contact_ms + on_contact, available_ms + duration)
    return found


def _without_channel(key: Key, query: HistoricalQuery) -> Key:
    dimensions = zip(key, query.groupings, strict=True)
    return tuple(value for value, grouping in dimensions if grouping != "CHANNEL")


def _row(key: Key, query: HistoricalQuery, values: list[float | None]) -> Row:
    dimensions = dict(zip(query.groupings, key, strict=True))
    return Row(dimensions.get("QUEUE"), dimensions.get("CHANNEL"), values)
