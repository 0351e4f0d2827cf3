"""Historical answer: from a checked request to rows, in a handful of SQL statements.

node.history calls metric_data (GetMetricData) and metric_data_v2 with a way to ask its tables,
inside one snapshot. historical_sql makes the statements.

Rules:
- A row exists where a fact lies of a kind that an asked metric is made of; in GetMetricData also
  where a leg lies, and missed offers are the only offers.
- In GetMetricData agent time has no channel: grouped by channel, it makes no row of its own and its
  value stands in each row of the queue.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, overload

from msgspec import structs
from typing_extensions import override

from ringfloor.base.limits import ANSWER_NUMBERS_MAX
from ringfloor.base.time import Duration, Instant
from ringfloor.projections.historical_metrics import BY_NAME, IN_QUEUE_ROW
from ringfloor.projections.historical_request import HistoricalQuery, Row
from ringfloor.projections.historical_sql import Ask, Asked, Condition, Key, Question, Tally, tally
from ringfloor.projections.metric_data_v2_request import QueryV2
from ringfloor.projections.metric_terms import Facts, result
from ringfloor.projections.metrics_of_activity import MISSED


class Open(NamedTuple):
    """Facts that are not final: their tables, and when they were read, if that is known."""

    tables: frozenset[str]
    at: Instant | None


OCCUPANCY = BY_NAME["OCCUPANCY"]
V1_ONLY: Mapping[Facts, str] = {
    "legs": IN_QUEUE_ROW,
    "offers": f"queue_id IS NOT NULL AND {MISSED}",
}


NOTHING_OPEN = Open(frozenset(), None)


class _Occupied(NamedTuple):
    """Agent time: on contacts, and Available in all."""

    contact_ms: Duration
    available_ms: Duration


# GetMetricData


def metric_data(
    ask: Ask,
    instance: str,
    query: HistoricalQuery,
    queues_by_profile: Mapping[str, frozenset[str]],
    was_open: Open = NOTHING_OPEN,
) -> list[Row]:
    """The rows of a request, ordered by their dimensions in the order of the groupings."""
    question, asked = question_of(instance, query, was_open)
    tallies = {
        facts: tally(ask, question, facts, _of(facts, asked))
        for facts in V1_ONLY
        if facts == "legs" or _of(facts, asked)
    }
    keys = {key for each in tallies.values() for key in each.found}
    occupied: dict[Key, _Occupied] = {}
    if _of("agent time", asked):
        occupied = _occupied(ask, question, query, queues_by_profile)
        if "CHANNEL" not in query.groupings:
            keys |= occupied.keys()

    def values(key: Key) -> Iterator[float | None]:
        for number, one in enumerate(asked):
            if one.metric.facts in tallies:
                yield result(one.metric, *tallies[one.metric.facts].numbers(number, key))
            elif one.metric.facts == "agent time":
                yield result(one.metric, *occupied.get(_without_channel(key, query), ()))
            else:
                yield None

    return [_row(key, query, list(values(key))) for key in sorted(keys)]


def question_of(
    instance: str, query: HistoricalQuery, was_open: Open = NOTHING_OPEN
) -> tuple[Question, list[Asked]]:
    """What a request of GetMetricData asks of the facts."""
    wanted = (("QUEUE", query.queue_ids), ("CHANNEL", query.channels))
    question = Question(
        instance=instance,
        start=query.start,
        end=query.end,
        marks=(query.start, query.end),
        conditions=tuple(Condition(key, values) for key, values in wanted if values is not None),
        groupings=query.groupings,
        only=V1_ONLY,
        open_tables=was_open.tables,
        open_at=was_open.at,
    )
    return question, [Asked(one.metric, below=one.threshold_ms) for one in query.asked]


def _of(facts: Facts, asked: Sequence[Asked]) -> dict[int, Asked]:
    """What is asked of one kind of facts, by its place among all that is asked."""
    return {number: one for number, one in enumerate(asked) if one.metric.facts == facts}


def _occupied(
    ask: Ask,
    question: Question,
    query: HistoricalQuery,
    queues_by_profile: Mapping[str, frozenset[str]],
) -> dict[Key, _Occupied]:
    """Agent time by queue, or in all under the empty key.

    An agent counts in each queue that the routing profile has, and once in all.
    """
    by_profile = structs.replace(question, conditions=(), groupings=("ROUTING_PROFILE",))
    times = tally(ask, by_profile, "agent time", {0: Asked(OCCUPANCY)})
    found: dict[Key, _Occupied] = {}
    wanted = None if query.queue_ids is None else set(query.queue_ids)
    for key in times.found:
        contact, available = (number or 0 for number in times.numbers(0, key))
        queues = queues_by_profile.get(key[0], frozenset())
        served = queues if wanted is None else queues & wanted
        if not served or not available:
            continue
        for place in [(queue,) for queue in served] if "QUEUE" in query.groupings else [()]:
            contact_ms, available_ms = found.get(place, _Occupied(0, 0))
            found[place] = _Occupied(contact_ms + contact, available_ms + available)
    return found


def _without_channel(key: Key, query: HistoricalQuery) -> Key:
    dimensions = zip(key, query.groupings, strict=True)
    return tuple(value for value, grouping in dimensions if grouping != "CHANNEL")


def _row(key: Key, query: HistoricalQuery, values: list[float | None]) -> Row:
    dimensions = dict(zip(query.groupings, key, strict=True))
    return Row(dimensions.get("QUEUE"), dimensions.get("CHANNEL"), values)


# GetMetricDataV2


class RowV2(NamedTuple):
    """One row: the number of its interval, its dimensions as grouped, a value for each metric."""

    interval: int
    dimensions: tuple[str | int, ...]
    values: list[float | None]


class RowsV2(Sequence[RowV2]):
    """The rows of a request, by interval and dimensions; values are made when they are looked at.

    There may be tens of thousands of rows, of which a page shows a hundred.
    """

    def __init__(
        self, asked: Sequence[Asked], tallies: Mapping[Facts, Tally], *, is_cut: bool
    ) -> None:
        self._asked = asked
        self._tallies = tallies
        self._is_cut = is_cut
        found = [each.found for each in tallies.values()]
        self._keys = sorted(found[0] if len(found) == 1 else set().union(*found))
        self.size = sum(each.size for each in tallies.values())

    @override
    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, place: int) -> RowV2: ...
    @overload
    def __getitem__(self, place: slice) -> list[RowV2]: ...
    @override
    def __getitem__(self, place: int | slice) -> RowV2 | list[RowV2]:
        if isinstance(place, slice):
            return [self._row(key) for key in self._keys[place]]
        return self._row(self._keys[place])

    def of_dimension(self, groupings: Sequence[str], grouping: str) -> list[str]:
        """What each row has for a grouping; nothing, if the rows are not grouped by it."""
        if grouping not in groupings:
            return [""] * len(self)
        place = groupings.index(grouping) + (1 if self._is_cut else 0)
        return [str(key[place]) for key in self._keys]

    def _row(self, key: Key) -> RowV2:
        values = [self._value(number, one, key) for number, one in enumerate(self._asked)]
        return RowV2(key[0], key[1:], values) if self._is_cut else RowV2(0, key, values)

    def _value(self, number: int, one: Asked, key: Key) -> float | None:
        facts = one.metric.facts
        if facts == "nothing":
            return None
        return result(one.metric, *self._tallies[facts].numbers(number, key))


def metric_data_v2(
    ask: Ask, instance: str, query: QueryV2, was_open: Open = NOTHING_OPEN
) -> RowsV2:
    """The rows of a request, one statement for each kind of facts, and one for thresholds.

    Refuses what makes more than ANSWER_NUMBERS_MAX.
    """
    question, asked = question_of_v2(instance, query, was_open)
    kinds = dict.fromkeys(one.metric.facts for one in asked if one.metric.facts != "nothing")
    tallies: dict[Facts, Tally] = {}
    room = ANSWER_NUMBERS_MAX
    for facts in kinds:
        tallies[facts] = tally(ask, question, facts, _of(facts, asked), room)
        room -= tallies[facts].size
    return RowsV2(asked, tallies, is_cut=question.is_cut)


def question_of_v2(
    instance: str, query: QueryV2, was_open: Open = NOTHING_OPEN
) -> tuple[Question, list[Asked]]:
    """What a request of GetMetricDataV2 asks of the facts."""
    question = Question(
        instance=instance,
        start=query.start,
        end=query.end,
        marks=query.marks,
        conditions=query.conditions,
        groupings=query.groupings,
        open_tables=was_open.tables,
        open_at=was_open.at,
    )
    return question, [one.asked for one in query.asked]
