"""Metric data V2 request: what a GetMetricDataV2 call asks for, checked; and how rows are written.

operations.metrics calls parse before it asks the history and WrittenRows after. Both are pure.

Rules:
- What cannot be read, and what does not fit together (names, filters, groupings, their numbers), is
  an InvalidRequestException; a value that breaks a rule of its own, and the times, are an
  InvalidParameterException.
- A filter or grouping must be one of every metric that is asked for.
- Each metric is echoed as it was sent. One without a value has an entry without Value.
"""

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, get_args, overload

import msgspec
from msgspec import Struct
from typing_extensions import override

from ringfloor.base import zones
from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.limits import (
    METRIC_DATA_CUT_RANGE_MS,
    METRIC_DATA_FILTERS_MAX,
    METRIC_DATA_GROUPINGS_MAX,
    METRIC_DATA_KEPT_MS,
    METRIC_DATA_METRICS_MAX,
    METRIC_DATA_RANGE_MS,
    METRIC_DATA_VALUES_MAX,
    METRIC_EXPRESSION_CHARS_MAX,
    METRIC_FILTER_VALUES_MAX,
    METRIC_FILTERS_MAX,
    METRIC_IDS_V2_MAX,
    METRIC_RESULTS_MAX,
    METRIC_VALUE_CHARS_MAX,
    SERVICE_LEVELS_MAX,
    THRESHOLD_SECONDS_MAX,
    WIRE_SECONDS_MAX,
)
from ringfloor.base.time import (
    SECOND,
    Duration,
    Instant,
    from_seconds,
    iso_milliseconds,
    seconds,
)
from ringfloor.domain.facts import BotOutcome, FlowOutcome
from ringfloor.domain.vocabulary import CHANNELS, InitiationMethod
from ringfloor.projections.current_request import METRIC_ARN, UUID
from ringfloor.projections.dimensions import CONSTANT, INSTANTS, RESOURCES
from ringfloor.projections.historical_metrics import BY_NAME_V2, SERVICE_LEVEL
from ringfloor.projections.historical_sql import Asked, Condition
from ringfloor.projections.intervals import LENGTHS, Period, marks
from ringfloor.projections.metric_terms import TEST_TYPE, Metric

Resolve = Callable[[str, str, str], str]
"""Kind of resource, id or ARN, filter key: to the id. Refuses malformed and foreign ARNs."""

AUTHORISING = frozenset(
    {
        "QUEUE",
        "ROUTING_PROFILE",
        "AGENT",
        *(f"AGENT_HIERARCHY_LEVEL_{n}" for n in ("ONE", "TWO", "THREE", "FOUR", "FIVE")),
        "CAMPAIGN",
        "EVALUATION_FORM",
        "EVALUATOR_ID",
    }
)
"""Keys of filters of which a request needs one, if its metrics have any of them."""

PERIODS: tuple[Period, ...] = get_args(Period)
VALUES: dict[str, frozenset[str]] = {
    "INITIATION_METHOD": frozenset(get_args(InitiationMethod))
    | {"WEBRTC_API", "AGENT_REPLY", "FLOW"},
    "FLOWS_OUTCOME_TYPE": frozenset(get_args(FlowOutcome)),
    "BOT_CONVERSATION_OUTCOME_TYPE": frozenset(get_args(BotOutcome)) - {"SWITCHED"},
    "BOT_INTENT_OUTCOME_TYPE": frozenset(get_args(BotOutcome)),
    "BOT_INTENTS_OUTCOME_TYPE": frozenset(get_args(BotOutcome)),
}
"""Of metrics' own filters that have a fixed set of values."""

TEST_TYPES = ("EXPERIENCE_VALIDATION", "FLOW_VALIDATION")


class AskedMetric(Struct, frozen=True, kw_only=True):
    """One entry of Metrics: what is asked, and its echo."""

    asked: Asked
    echo: dict[str, Any]


class QueryV2(Struct, frozen=True, kw_only=True):
    """A checked request. marks: see intervals.marks."""

    start: Instant
    end: Instant
    """Exclusive."""
    period: Period
    marks: tuple[Instant, ...]
    conditions: tuple[Condition, ...]
    groupings: tuple[str, ...]
    asked: tuple[AskedMetric, ...]
    results_max: int


class RowLike(Protocol):
    """What metric_results writes; historical_answer makes them."""

    @property
    def interval(self) -> int: ...
    @property
    def dimensions(self) -> tuple[str | int, ...]: ...
    @property
    def values(self) -> list[float | None]: ...


class _Interval(Struct, rename="pascal"):
    time_zone: str | None = None
    interval_period: str | None = None


class _StringCondition(Struct, rename="pascal"):
    comparison: str | None = None


class _Filter(Struct, rename="pascal"):
    filter_key: str | None = None
    filter_values: list[str] | None = None
    string_condition: _StringCondition | None = None


class _Threshold(Struct, rename="pascal"):
    comparison: str | None = None
    threshold_value: float | None = None


class _MetricFilter(Struct, rename="pascal"):
    metric_filter_key: str | None = None
    metric_filter_values: list[str] | None = None
    negate: bool | None = None


class _Metric(Struct, rename="pascal"):
    name: str | None = None
    metric_id: str | None = None
    threshold: list[_Threshold] | None = None
    metric_filters: list[_MetricFilter] | None = None


class _Request(Struct, rename="pascal"):
    start_time: float
    end_time: float
    filters: list[_Filter]
    metrics: list[_Metric]
    interval: _Interval | None = None
    groupings: list[str] | None = None
    max_results: int | None = None


def parse(request: dict[str, Any], now: Instant, resolve: Resolve) -> QueryV2:
    """The request (decoded JSON) as a query, or a Refusal."""
    try:
        wire = msgspec.convert(request, _Request)
    except msgspec.ValidationError as error:
        raise Refusal("InvalidRequestException", str(error)) from error
    asked = _asked(wire.metrics)
    conditions = _conditions(wire.filters, resolve)
    groupings = _groupings(wire.groupings or [])
    _fit([one.asked.metric for one in asked], conditions, groupings)
    results_max = METRIC_RESULTS_MAX if wire.max_results is None else wire.max_results
    if not 1 <= results_max <= METRIC_RESULTS_MAX:
        raise invalid_parameter("MaxResults", results_max, f"is not 1 to {METRIC_RESULTS_MAX}")
    period, zone = _interval(wire.interval or _Interval())
    start, end = _range(wire.start_time, wire.end_time, period, now)
    return QueryV2(
        start=start,
        end=end,
        period=period,
        marks=marks(start, end, period, zone),
        conditions=conditions,
        groupings=groupings,
        asked=asked,
        results_max=results_max,
    )


class WrittenRows(Sequence[dict[str, Any]]):
    """MetricResults as GetMetricDataV2 writes it, each row when it is looked at."""

    def __init__(self, query: QueryV2, rows: Sequence[RowLike]) -> None:
        self._query = query
        self._rows = rows

    @override
    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    @override
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(place, slice):
            return [_metric_result(self._query, row) for row in self._rows[place]]
        return _metric_result(self._query, self._rows[place])


def _metric_result(query: QueryV2, row: RowLike) -> dict[str, Any]:
    begins, ends = query.marks[row.interval : row.interval + 2]
    written: dict[str, Any] = {
        "MetricInterval": {
            "Interval": query.period,
            "StartTime": seconds(max(begins, query.start)),
            "EndTime": seconds(min(ends, query.end)),
        },
        "Collections": [
            {"Metric": one.echo} if value is None else {"Metric": one.echo, "Value": value}
            for one, value in zip(query.asked, row.values, strict=True)
        ],
    }
    if query.groupings:
        written["Dimensions"] = {
            key: iso_milliseconds(value) if isinstance(value, int) else value
            for key, value in zip(query.groupings, row.dimensions, strict=True)
        }
    return written


# Metrics


def _asked(metrics: list[_Metric]) -> tuple[AskedMetric, ...]:
    _number("Metrics", len(metrics), 1, METRIC_DATA_METRICS_MAX)
    by_id = [metric for metric in metrics if metric.metric_id is not None]
    _number("MetricId", len(by_id), 0, METRIC_IDS_V2_MAX)
    asked = tuple(_one(f"Metrics[{number}]", metric) for number, metric in enumerate(metrics))
    levels = sum(one.asked.metric.name == SERVICE_LEVEL for one in asked)
    _number(SERVICE_LEVEL, levels, 0, SERVICE_LEVELS_MAX)
    return asked


def _one(field: str, wire: _Metric) -> AskedMetric:
    if (wire.name is None) == (wire.metric_id is None):
        raise invalid_request(field, wire.name, "has not exactly one of Name and MetricId")
    name = wire.name if wire.metric_id is None else _name(f"{field}.MetricId", wire.metric_id)
    metric = BY_NAME_V2.get(name or "")
    if metric is None:
        raise Refusal(  # word for word what Amazon Connect says
            "InvalidRequestException", f"Invalid metric name: {name}"
        )
    echo = {"Name": wire.name} if wire.metric_id is None else {"MetricId": wire.metric_id}
    below, threshold = _threshold(f"{field}.Threshold", wire.threshold or [], metric)
    filters, shown_filters = _metric_filters(field, wire.metric_filters or [], metric)
    return AskedMetric(
        asked=Asked(metric, filters, below), echo={**echo, **threshold, **shown_filters}
    )


def _name(field: str, metric_id: str) -> str:
    """The name of the metric that an id stands for; there are no metrics but Amazon Connect's."""
    match = METRIC_ARN.fullmatch(metric_id)
    if match is not None and match[1]:
        return match[1]
    if match is None and not UUID.fullmatch(metric_id):
        raise invalid_parameter(field, metric_id, "is neither a UUID nor the ARN of a metric")
    raise invalid_parameter(field, metric_id, "is no custom metric of this instance")


def _threshold(
    field: str, wires: list[_Threshold], metric: Metric
) -> tuple[Duration | None, dict[str, Any]]:
    """What lies below the threshold, and its echo."""
    assert metric.v2 is not None, "a metric of GetMetricDataV2"
    valid = metric.v2.comparisons
    _number(field, len(wires), 0, 1)
    if not wires and not valid:
        return None, {}
    if not wires:
        raise invalid_request(field, None, f"is needed by {metric.v2.names[0]}")
    if not valid:
        raise invalid_request(field, wires[0].comparison, f"is not of {metric.v2.names[0]}")
    [wire] = wires
    if wire.comparison not in valid:
        rule = f"is not a comparison of {metric.v2.names[0]}: {' or '.join(valid)}"
        raise invalid_parameter(f"{field}[0].Comparison", wire.comparison, rule)
    value = wire.threshold_value
    if value is None or not 1 <= value <= THRESHOLD_SECONDS_MAX or value != int(value):
        rule = f"is not a whole number from 1 to {THRESHOLD_SECONDS_MAX}"
        raise invalid_parameter(f"{field}[0].ThresholdValue", value, rule)
    echo = {"Threshold": [{"Comparison": wire.comparison, "ThresholdValue": value}]}
    below = int(value) * SECOND + (1 if wire.comparison == "LTE" else 0)
    return (below if metric.has_threshold else None), echo


def _metric_filters(
    field: str, wires: list[_MetricFilter], metric: Metric
) -> tuple[tuple[Condition, ...], dict[str, Any]]:
    _number(f"{field}.MetricFilters", len(wires), 0, METRIC_FILTERS_MAX)
    found = [
        _metric_filter(f"{field}.MetricFilters[{number}]", wire, metric)
        for number, wire in enumerate(wires)
    ]
    if not found:
        return (), {}
    return tuple(condition for condition, _ in found), {
        "MetricFilters": [echo for _, echo in found]
    }


def _metric_filter(
    field: str, wire: _MetricFilter, metric: Metric
) -> tuple[Condition, dict[str, Any]]:
    assert metric.v2 is not None, "a metric of GetMetricDataV2"
    key, values = wire.metric_filter_key, wire.metric_filter_values or []
    if key is None or key not in metric.v2.metric_filters:
        valid = ", ".join(metric.v2.metric_filters) or "none"
        rule = f"is no metric filter of {metric.v2.names[0]}; it has {valid}"
        raise invalid_request(f"{field}.MetricFilterKey", key, rule)
    _number(f"{field}.MetricFilterValues", len(values), 1, METRIC_FILTER_VALUES_MAX)
    valid_values = VALUES.get(key)
    if key == "INITIATION_METHOD" and metric.v2.methods:
        valid_values = frozenset(metric.v2.methods)
    for value in values:
        if valid_values is not None and value not in valid_values:
            rule = f"is none of {', '.join(sorted(valid_values))}"
            raise invalid_parameter(f"{field}.MetricFilterValues", value, rule)
    echo: dict[str, Any] = {"MetricFilterKey": key, "MetricFilterValues": values}
    if wire.negate and metric.v2.methods:
        rule = f"is not applicable to {metric.v2.names[0]}"
        raise invalid_request(f"{field}.Negate", wire.negate, rule)
    if wire.negate:
        echo["Negate"] = True
    return Condition(key, tuple(dict.fromkeys(values)), bool(wire.negate)), echo


# Filters and groupings


def _conditions(filters: list[_Filter], resolve: Resolve) -> tuple[Condition, ...]:
    _number("Filters", len(filters), 1, METRIC_DATA_FILTERS_MAX)
    conditions = tuple(
        _condition(f"Filters[{number}]", wire, resolve) for number, wire in enumerate(filters)
    )
    keys = [condition.key for condition in conditions]
    for key in keys:
        if keys.count(key) > 1:
            raise invalid_request("Filters", key, "is named twice")
    counted = sum(len(wire.filter_values or ()) for wire in filters if wire.filter_key != "CHANNEL")
    _number("FilterValues", counted, 0, METRIC_DATA_VALUES_MAX)
    return conditions


def _condition(field: str, wire: _Filter, resolve: Resolve) -> Condition:
    key = wire.filter_key
    if key is None:
        raise invalid_request(f"{field}.FilterKey", None, "is required")
    values = wire.filter_values or []
    if wire.string_condition is not None:
        if wire.string_condition.comparison != "NOT_EXISTS":
            comparison = wire.string_condition.comparison
            rule = "is not NOT_EXISTS"
            raise invalid_parameter(f"{field}.StringCondition.Comparison", comparison, rule)
        if values:
            rule = "must be empty where the condition is NOT_EXISTS"
            raise invalid_parameter(f"{field}.FilterValues", values, rule)
        return Condition(key, None)
    if not values:
        raise invalid_request(f"{field}.FilterValues", values, "names nothing")
    read = [_value(f"{field}.FilterValues", key, value, resolve) for value in values]
    return Condition(key, tuple(dict.fromkeys(read)))


def _value(field: str, key: str, value: str, resolve: Resolve) -> str | int:
    expression = key == "ROUTING_STEP_EXPRESSION"
    most = METRIC_EXPRESSION_CHARS_MAX if expression else METRIC_VALUE_CHARS_MAX
    if not 1 <= len(value) <= most:
        raise invalid_parameter(field, value, f"has not 1 to {most} characters")
    if expression:
        return _canonical(field, value)
    if key == TEST_TYPE and value not in TEST_TYPES:
        raise invalid_parameter(field, value, f"is none of {', '.join(TEST_TYPES)}")
    if key == "CHANNEL" and value not in CHANNELS:
        raise invalid_parameter(field, value, f"is no channel: {', '.join(CHANNELS)}")
    if key in CONSTANT and value not in ("TRUE", "FALSE"):
        raise invalid_parameter(field, value, "is neither TRUE nor FALSE")
    if key in INSTANTS:
        return _instant(field, value)
    return resolve(RESOURCES[key], value, key) if key in RESOURCES else value


def _canonical(field: str, text: str) -> str:
    """An expression with its keys sorted and without blanks, as facts have it."""
    try:
        read = json.loads(text)
    except ValueError as error:
        raise invalid_parameter(field, text, "is no JSON") from error
    return json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _instant(field: str, text: str) -> Instant:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid_parameter(field, text, "is no time in ISO 8601") from error
    return round((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * SECOND)


def _groupings(groupings: list[str]) -> tuple[str, ...]:
    _number("Groupings", len(groupings), 0, METRIC_DATA_GROUPINGS_MAX)
    for grouping in groupings:
        if groupings.count(grouping) > 1:
            raise invalid_request("Groupings", grouping, "is named twice")
    return tuple(groupings)


def _fit(
    metrics: Sequence[Metric], conditions: Sequence[Condition], groupings: Sequence[str]
) -> None:
    """Refuse filters and groupings that not all metrics have, and metrics that lack a filter."""
    keys = {condition.key for condition in conditions}
    for metric in metrics:
        assert metric.v2 is not None, "a metric of GetMetricDataV2"
        name, filters = metric.v2.names[0], metric.v2.filters
        if metric.facts == "legs":
            filters |= {TEST_TYPE}
        if foreign := sorted(keys - filters):
            raise invalid_request("Filters", foreign[0], f"is no filter of {name}")
        if foreign := sorted(set(groupings) - metric.v2.groupings):
            raise invalid_request("Groupings", foreign[0], f"is no grouping of {name}")
        if metric.v2.required is not None and metric.v2.required not in keys:
            raise invalid_request("Filters", metric.v2.required, f"is needed by {name}")
        if not keys & AUTHORISING and filters & AUTHORISING:
            valid = ", ".join(sorted(filters & AUTHORISING))
            raise invalid_request("Filters", sorted(keys), f"have none of {valid}")


# Times


def _interval(wire: _Interval) -> tuple[Period, str]:
    text = wire.interval_period or "TOTAL"
    period = next((known for known in PERIODS if known == text), None)
    if period is None:
        rule = f"is none of {', '.join(PERIODS)}"
        raise invalid_parameter("Interval.IntervalPeriod", text, rule)
    zone = "UTC" if wire.time_zone is None else wire.time_zone
    if not zones.known(zone):
        rule = "is no time zone of the IANA database"
        raise invalid_parameter("Interval.TimeZone", zone, rule)
    return period, zone


def _range(
    start_time: float, end_time: float, period: Period, now: Instant
) -> tuple[Instant, Instant]:
    for member, wire in (("StartTime", start_time), ("EndTime", end_time)):
        if not math.isfinite(wire) or abs(wire) > WIRE_SECONDS_MAX:
            raise invalid_request(member, wire, "is not a time in epoch seconds")
    start, end = from_seconds(start_time), from_seconds(end_time)
    if end <= start:
        raise invalid_parameter("EndTime", end_time, "must be later than StartTime")
    if end > now:
        raise invalid_parameter("EndTime", end_time, "is later than now")
    if start < now - METRIC_DATA_KEPT_MS:
        raise invalid_parameter("StartTime", start_time, "is more than 92 days ago")
    most = METRIC_DATA_CUT_RANGE_MS if period in LENGTHS else METRIC_DATA_RANGE_MS
    if end - start >= most:
        days = most // (86_400 * SECOND)
        rule = f"is not less than {days} days after StartTime, as {period} demands"
        raise invalid_parameter("EndTime", end_time, rule)
    return start, end


def _number(field: str, found: int, least: int, most: int) -> None:
    if not least <= found <= most:
        raise invalid_request(field, found, f"are not {least} to {most}")
