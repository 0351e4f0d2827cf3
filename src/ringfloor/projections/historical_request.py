"""Historical request: what a GetMetricData call asks for, checked; and how its answer is written.

operations.metrics calls parse before it asks the history and metric_results after. Both are pure.

Rules:
- What cannot be read (a member missing, a wrong JSON type) is an InvalidRequestException; what can
  be read and breaks a rule is an InvalidParameterException. Shapes are checked before values,
  values before the times.
- Each metric is echoed as it was sent, with Statistic and Unit filled in where they were left out.
- V1 writes no entry for a metric without a value, and no Dimensions in an ungrouped row.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Refusal, shown
from ringfloor.base.limits import (
    HISTORICAL_METRICS_MAX,
    HISTORY_BORDER_MS,
    HISTORY_RANGE_MS,
    METRIC_GROUPINGS_MAX,
    METRIC_QUEUES_MAX,
    METRIC_RESULTS_MAX,
    SERVICE_LEVELS_MAX,
    THRESHOLD_SECONDS_MAX,
    WIRE_SECONDS_MAX,
)
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.historical_metrics import BY_NAME, SERVICE_LEVEL, Metric, Pair

Grouping = Literal["QUEUE", "CHANNEL"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


class AskedMetric(Struct, frozen=True, kw_only=True):
    """One entry of HistoricalMetrics: the metric, its echo, and the threshold if it has one."""

    metric: Metric
    echo: dict[str, Any]
    threshold_ms: Duration | None = None


class HistoricalQuery(Struct, frozen=True, kw_only=True):
    """A checked request. None for queue_ids or channels: all of them."""

    start: Instant
    end: Instant
    """Exclusive."""
    queue_ids: tuple[str, ...] | None
    channels: tuple[str, ...] | None
    groupings: tuple[Grouping, ...]
    asked: tuple[AskedMetric, ...]
    results_max: int = METRIC_RESULTS_MAX
    """Rows per page; the history answers all rows, whoever writes the answer cuts the pages."""


class Row(NamedTuple):
    """One row of an answer: its dimensions as far as grouped, and a value for each asked metric."""

    queue_id: str | None
    channel: str | None
    values: list[float | None]


class _Threshold(Struct, rename="pascal"):
    comparison: str | None = None
    threshold_value: float | None = None


class _Metric(Struct, rename="pascal"):
    name: str | None = None
    statistic: str | None = None
    unit: str | None = None
    threshold: _Threshold | None = None


class _Filters(Struct, rename="pascal"):
    queues: list[str] | None = None
    channels: list[str] | None = None


class _Request(Struct, rename="pascal"):
    start_time: float
    end_time: float
    filters: _Filters
    historical_metrics: list[_Metric]
    groupings: list[str] | None = None
    max_results: int | None = None


def parse(request: dict[str, Any], now: Instant, queue: Callable[[str], str]) -> HistoricalQuery:
    """The request as a query, or a Refusal.

    request: decoded JSON. queue: a queue id or ARN to a queue id; it refuses what is malformed or
    belongs to another instance, and lets an unknown id pass (it will contribute nothing).
    """
    try:
        wire = msgspec.convert(request, _Request)
    except msgspec.ValidationError as error:
        raise Refusal("InvalidRequestException", str(error)) from error
    given = {member for member, value in request["Filters"].items() if value is not None}
    queue_ids, channels = _filters(wire.filters, given, queue)
    groupings = _groupings(wire.groupings or [])
    asked = _asked(wire.historical_metrics)
    results_max = METRIC_RESULTS_MAX if wire.max_results is None else wire.max_results
    if not 1 <= results_max <= METRIC_RESULTS_MAX:
        raise _exceeds("MaxResults", METRIC_RESULTS_MAX, f"MaxResults: {results_max}, 1 or more")
    start, end = _range(wire.start_time, wire.end_time, now)
    return HistoricalQuery(
        start=start,
        end=end,
        queue_ids=queue_ids,
        channels=channels,
        groupings=groupings,
        asked=asked,
        results_max=results_max,
    )


def metric_results(
    query: HistoricalQuery, rows: Sequence[Row], queue_arn: Callable[[str], str]
) -> list[dict[str, Any]]:
    """MetricResults as GetMetricData writes it."""
    return [_metric_result(query, row, queue_arn) for row in rows]


def _metric_result(
    query: HistoricalQuery, row: Row, queue_arn: Callable[[str], str]
) -> dict[str, Any]:
    dimensions: dict[str, Any] = {}
    if row.queue_id is not None:
        dimensions["Queue"] = {"Id": row.queue_id, "Arn": queue_arn(row.queue_id)}
    if row.channel is not None:
        dimensions["Channel"] = row.channel
    collections = [
        {"Metric": asked.echo, "Value": value}
        for asked, value in zip(query.asked, row.values, strict=True)
        if value is not None
    ]
    if not dimensions:
        return {"Collections": collections}
    return {"Dimensions": dimensions, "Collections": collections}


def _refusal(rule: str, found: str) -> Refusal:
    return Refusal("InvalidParameterException", f"{rule} ({found})")


def _exceeds(member: str, limit: int, found: str) -> Refusal:
    return _refusal(f"{member} exceeds the limit of {limit}", found)


def _filters(
    filters: _Filters, given: set[str], queue: Callable[[str], str]
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    if foreign := sorted(given - {"Queues", "Channels"}):
        raise _refusal(
            f"The filter {foreign[0]} is not valid for GetMetricData",
            f"Filters: {shown(foreign)}, valid are Queues and Channels",
        )
    queues, channels = filters.queues, filters.channels
    if queues is None and not channels:
        raise _refusal("Filters must name Queues or Channels", "Filters: neither is given")
    if queues is not None and not queues:
        raise _refusal("Queues must name at least one queue", "Filters.Queues: []")
    if queues and len(queues) > METRIC_QUEUES_MAX:
        raise _exceeds("Queues", METRIC_QUEUES_MAX, f"Filters.Queues: {len(queues)} values")
    if channels and len(channels) > len(CHANNELS):
        raise _exceeds("Channels", len(CHANNELS), f"Filters.Channels: {len(channels)} values")
    for channel in channels or ():
        if channel not in CHANNELS:
            raise _refusal(
                "Invalid channel",
                f"Filters.Channels: {shown(channel)}, valid are {', '.join(CHANNELS)}",
            )
    return (
        None if queues is None else tuple(dict.fromkeys(queue(name) for name in queues)),
        tuple(dict.fromkeys(channels)) if channels else None,
    )


def _groupings(groupings: list[str]) -> tuple[Grouping, ...]:
    if len(groupings) > METRIC_GROUPINGS_MAX:
        raise _exceeds("Groupings", METRIC_GROUPINGS_MAX, f"Groupings: {len(groupings)} values")
    found: list[Grouping] = []
    for text in groupings:
        grouping = next((known for known in GROUPINGS if known == text), None)
        if grouping is None:
            raise _refusal(
                "GetMetricData groups by QUEUE and CHANNEL only", f"Groupings: {shown(text)}"
            )
        if grouping in found:
            raise _refusal("A grouping cannot be named twice", f"Groupings: {shown(text)}")
        found.append(grouping)
    return tuple(found)


def _asked(metrics: list[_Metric]) -> tuple[AskedMetric, ...]:
    if not metrics:
        raise _refusal("At least one metric must be asked for", "HistoricalMetrics: []")
    if len(metrics) > HISTORICAL_METRICS_MAX:
        raise _exceeds(
            "HistoricalMetrics", HISTORICAL_METRICS_MAX, f"HistoricalMetrics: {len(metrics)} values"
        )
    asked = tuple(_one(f"HistoricalMetrics[{n}]", metric) for n, metric in enumerate(metrics))
    levels = sum(one.threshold_ms is not None for one in asked)
    if levels > SERVICE_LEVELS_MAX:
        raise _refusal(
            f"Maximum of {SERVICE_LEVELS_MAX} {SERVICE_LEVEL} metrics per request",
            f"HistoricalMetrics: {levels} of them",
        )
    return asked


def _one(field: str, wire: _Metric) -> AskedMetric:
    metric = BY_NAME.get(wire.name or "")
    if metric is None:
        raise _refusal(f"Invalid metric name: {wire.name}", f"{field}.Name: {shown(wire.name)}")
    statistic, unit = _pair(field, wire, metric)
    echo: dict[str, Any] = {"Name": wire.name, "Statistic": statistic, "Unit": unit}
    if metric.name != SERVICE_LEVEL:
        if wire.threshold is not None:
            raise _refusal(
                f"A Threshold is valid for {SERVICE_LEVEL} only", f"{field}.Name: {metric.name}"
            )
        return AskedMetric(metric=metric, echo=echo)
    if wire.threshold is None:
        raise Refusal(  # word for word what Amazon Connect says
            "InvalidParameterException",
            "You must specify a Threshold when you retrieve SERVICE_LEVEL metrics.",
        )
    seconds = _threshold_seconds(field, wire.threshold)
    echo["Threshold"] = {"Comparison": "LT", "ThresholdValue": float(seconds)}
    return AskedMetric(metric=metric, echo=echo, threshold_ms=seconds * SECOND)


def _pair(field: str, wire: _Metric, metric: Metric) -> Pair:
    for statistic, unit in metric.pairs:
        if wire.statistic in {None, statistic} and wire.unit in {None, unit}:
            return statistic, unit
    valid = " or ".join(f"{statistic} in {unit}" for statistic, unit in metric.pairs)
    raise _refusal(
        f"Invalid unit/statistic for metric {metric.name}",
        f"{field}: Statistic {shown(wire.statistic)}, Unit {shown(wire.unit)}, valid is {valid}",
    )


def _threshold_seconds(field: str, threshold: _Threshold) -> int:
    value = threshold.threshold_value
    if (
        threshold.comparison == "LT"
        and value is not None
        and 1 <= value <= THRESHOLD_SECONDS_MAX
        and value == int(value)
    ):
        return int(value)
    raise _refusal(
        f"Invalid Threshold for {SERVICE_LEVEL}",
        f"{field}.Threshold: Comparison {shown(threshold.comparison)}, ThresholdValue "
        f"{shown(value)}, valid is LT with a whole number from 1 to {THRESHOLD_SECONDS_MAX}",
    )


def _range(start_time: float, end_time: float, now: Instant) -> tuple[Instant, Instant]:
    start, end = _instant("StartTime", start_time), _instant("EndTime", end_time)
    for member, instant in (("StartTime", start), ("EndTime", end)):
        if instant % HISTORY_BORDER_MS:
            raise _refusal(
                "StartTime and EndTime must be specified using an interval of 5 minutes.",
                f"{member}: {instant // SECOND}",
            )
    found = f"StartTime: {start // SECOND}, EndTime: {end // SECOND}"
    if end <= start:
        raise _refusal("EndTime must be later than StartTime.", found)
    if end - start >= HISTORY_RANGE_MS:
        raise _refusal(
            "The time range between StartTime and EndTime must be less than 24 hours.", found
        )
    earliest = now - HISTORY_RANGE_MS
    if start < earliest - earliest % HISTORY_BORDER_MS:
        raise _refusal(
            "StartTime cannot be earlier than 24 hours before the time of the request.",
            f"StartTime: {start // SECOND}, now: {now // SECOND}",
        )
    return start, end


def _instant(member: str, wire: float) -> Instant:
    if not math.isfinite(wire) or abs(wire) > WIRE_SECONDS_MAX:
        raise Refusal("InvalidRequestException", f"{member}: {wire} is not a time in epoch seconds")
    return int(wire) * SECOND  # a fraction is cut before the 5 minutes are checked
