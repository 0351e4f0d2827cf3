"""Opinion: what metrics are of a story, by loops over everything, from the specification's words.

    opinion = Opinion(story)
    opinion.first(request)     the rows that GetMetricData should answer with, section 2
    opinion.second(request)    those of GetMetricDataV2, section 4

A row is its dimensions and its interval, if it has one, to a value for each metric that is asked
for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from ringfloor.base.time import Instant
from second_opinion.counted import FACTS, Fact, clipped
from second_opinion.formulas import FIRST, METRICS, available, passed_over, plain, threshold_of
from second_opinion.story import Story

Row = tuple[tuple[tuple[str, str], ...], tuple[Instant, Instant] | None]
Rows = dict[tuple[str, ...], list[Fact]]
Answer = dict[Row, list[float | None]]

# Intervals and filters


def borders(start: Instant, end: Instant, period: str, zone: str) -> list[tuple[Instant, Instant]]:
    """The calendar's intervals in the time zone, cut to the range.

    Days begin with a later date than the minute before has, weeks with a Monday; hours and their
    parts where the clocks show a full one, and where they are changed. Minute by minute.
    """
    if period == "TOTAL":
        return [(start, end)]
    minutes = {"FIFTEEN_MIN": 15, "THIRTY_MIN": 30, "HOUR": 60}.get(period)
    there = ZoneInfo(zone)

    def local(at: Instant) -> datetime:
        return datetime.fromtimestamp(at // 1000, UTC).astimezone(there)

    def begins(at: Instant) -> bool:
        if minutes is not None:
            changed = local(at).utcoffset() != local(at - 60_000).utcoffset()
            return changed or local(at).minute % minutes == 0
        today = local(at).date()
        return today > local(at - 60_000).date() and (period == "DAY" or not today.weekday())

    first = start - start % 60_000 + 60_000
    inner = [at for at in range(first, end, 60_000) if begins(at)]
    return list(pairwise([start, *inner, end]))


ALIKE = dict.fromkeys(("entries", "joins"), ("entries", "joins"))
"""Facts of one kind: where there are any of them there is a row, be it of a count of 0."""


def passes(fact: Fact, condition: dict[str, Any]) -> bool:
    """Whether a fact is one of those that a filter keeps."""
    value = fact.keys.get(condition["FilterKey"])
    if condition.get("StringCondition"):  # NOT_EXISTS
        return value is None
    return value in condition["FilterValues"]


def chosen(fact: Fact, conditions: Sequence[dict[str, Any]]) -> bool:
    """Whether a fact is one of those that the filters of a metric keep."""
    return all(
        (fact.keys.get(each["MetricFilterKey"]) in each["MetricFilterValues"])
        != bool(each.get("Negate"))
        for each in conditions
    )


def lies_in(fact: Fact, start: Instant, end: Instant) -> bool:
    if fact.until is None:
        return start <= fact.at < end
    return clipped(fact, start, end) > 0


class Opinion:
    """What both operations should say of one story."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._facts: dict[str, list[Fact]] = {}

    def facts(self, kind: str) -> list[Fact]:
        """All of one kind; a story is over, so they are read once."""
        if kind not in self._facts:
            self._facts[kind] = list(FACTS[kind](self.story))
        return self._facts[kind]

    # GetMetricData

    def first(self, request: dict[str, Any]) -> Answer:
        """GetMetricData; rows by queue and channel. Legs without a queue are in none."""
        start, end = (round(request[name] * 1000) for name in ("StartTime", "EndTime"))
        groupings = request.get("Groupings") or []
        asked = request["HistoricalMetrics"]
        needed = {FIRST[each["Name"]][0] for each in asked}
        found: dict[str, Rows] = {
            "": {},
            "legs": self._in_queues("legs", request, start, end),
            "rings": self._in_queues("rings", request, start, end),
            "times": self._of_staff(request, start, end),
        }
        rows = set(found["legs"])
        if "rings" in needed:
            rows |= set(found["rings"])
        if "times" in needed and "CHANNEL" not in groupings:
            rows |= set(found["times"])
        answer: Answer = {}
        for row in rows:
            values = []
            for each in asked:
                kind, value = FIRST[each["Name"]]
                place = row
                if kind == "times":  # an agent's time is not of a channel
                    named = zip(row, groupings, strict=True)
                    place = tuple(value for value, key in named if key != "CHANNEL")
                facts = found[kind].get(place, [])
                threshold = threshold_of(each)
                values.append(plain(value(facts, start=start, end=end, threshold=threshold)))
            answer[tuple(zip(groupings, row, strict=True)), None] = values
        return answer

    def _in_queues(self, kind: str, request: dict[str, Any], start: Instant, end: Instant) -> Rows:
        """Legs, or offers that came to nothing, of the queues and channels that are asked for."""
        queues = request["Filters"].get("Queues")
        channels = request["Filters"].get("Channels")
        rows: Rows = {}
        for fact in self.facts(kind):
            keys = fact.keys
            if not start <= fact.at < end or "QUEUE" not in keys:
                continue
            if queues is not None and keys["QUEUE"] not in queues:
                continue
            if channels and keys["CHANNEL"] not in channels:
                continue
            if kind == "legs" or passed_over(fact.about):
                row = tuple(keys[grouping] for grouping in request.get("Groupings") or [])
                rows.setdefault(row, []).append(fact)
        return rows

    def _of_staff(self, request: dict[str, Any], start: Instant, end: Instant) -> Rows:
        """Available time, in each queue that the routing profile has, or once in all."""
        queues = request["Filters"].get("Queues")
        rows: Rows = {}
        for fact in self.facts("times"):
            if not clipped(fact, start, end) or not available(fact.about):
                continue
            profile = fact.keys["ROUTING_PROFILE"]
            served = {queue for queue, _ in self.story.profiles.get(profile, ())}
            if queues is not None:
                served &= set(queues)
            together = [()] if served else []
            apart = [(each,) for each in sorted(served)]
            for row in apart if "QUEUE" in (request.get("Groupings") or []) else together:
                rows.setdefault(row, []).append(fact)
        return rows

    # GetMetricDataV2

    def second(self, request: dict[str, Any]) -> Answer:
        """GetMetricDataV2; rows by groupings and interval."""
        start, end = (round(request[name] * 1000) for name in ("StartTime", "EndTime"))
        interval = request.get("Interval") or {}
        period = interval.get("IntervalPeriod") or "TOTAL"
        groupings = request.get("Groupings") or []
        asked = [(*METRICS[each["Name"]], each) for each in request["Metrics"]]
        found: dict[str, list[Fact]] = {}
        for kind in {like for each, _, _ in asked for like in ALIKE.get(each, (each,))}:
            found[kind] = [
                fact
                for fact in self.facts(kind)
                if all(passes(fact, each) for each in request["Filters"])
                and all(grouping in fact.keys for grouping in groupings)
            ]
        answer: Answer = {}
        for since, until in borders(start, end, period, interval.get("TimeZone") or "UTC"):
            rows: dict[tuple[str, ...], dict[str, list[Fact]]] = {}
            for kind, facts in found.items():
                for fact in facts:
                    if lies_in(fact, since, until):
                        row = tuple(fact.keys[grouping] for grouping in groupings)
                        rows.setdefault(row, {}).setdefault(kind, []).append(fact)
            for row, kinds in rows.items():
                values = [
                    plain(
                        value(
                            [
                                fact
                                for fact in kinds.get(kind, [])
                                if chosen(fact, each.get("MetricFilters") or ())
                            ],
                            start=since,
                            end=until,
                            threshold=threshold_of(each),
                            everything=kinds.get(kind, []),
                        )
                    )
                    for kind, value, each in asked
                ]
                answer[tuple(zip(groupings, row, strict=True)), (since, until)] = values
        return answer
