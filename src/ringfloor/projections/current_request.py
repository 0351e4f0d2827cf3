"""Current request: what a GetCurrentMetricData call asks for, checked; and how it is answered.

operations.metrics calls parse before it asks projections.current_rows and metric_results after, on
the rows of one page. Both are pure.

Rules:
- What cannot be read (a member missing, a wrong JSON type) is an InvalidRequestException; what can
  be read and breaks a rule is an InvalidParameterException. Shapes are checked before sizes and
  words, these before what must fit together.
- A rule for a metric holds for the metric that is sorted by, too.
- Each metric is echoed as it was sent, with Unit filled in where it was left out.
- A metric without a value has an entry without Value. An ungrouped row has no Dimensions.
- Expressions of routing steps are the same if their JSON is, but for the order of keys, blanks, and
  how numbers are written; rows show them as they were sent.

Sources: metrics specification, sections 1.3-1.5 and 5; shapes and patterns from botocore's model.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import Struct, field

from ringfloor.base.errors import Refusal, shown
from ringfloor.base.limits import (
    CURRENT_METRICS_MAX,
    METRIC_EXPRESSION_CHARS_MAX,
    METRIC_EXPRESSIONS_MAX,
    METRIC_GROUPINGS_MAX,
    METRIC_IDS_MAX,
    METRIC_PROFILES_MAX,
    METRIC_QUEUES_MAX,
    METRIC_RESULTS_MAX,
    METRIC_STATUSES_MAX,
    METRIC_SUBTYPE_CHARS_MAX,
    METRIC_SUBTYPES_MAX,
)
from ringfloor.domain.criteria import steps_of
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.current_metrics import (
    BY_NAME,
    ESTIMATED_WAIT_TIME,
    Grouping,
    Metric,
)

Resolve = Callable[[str, str], str]
"""(kind, id or ARN) to id. It refuses what is malformed or belongs to another instance, and lets an
unknown id pass: that contributes nothing. Kinds as in domain.resources."""

ArnOf = Callable[[str, str], str]
"""(kind, id) to ARN, as domain.resources.Home.arn_of."""

GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
SECONDARY: tuple[Grouping, ...] = ("AGENT_STATUS", "SUBTYPE", "VALIDATION_TEST_TYPE")
"""Groupings that only refine QUEUE."""
UNITS = ("SECONDS", "COUNT", "PERCENT")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
METRIC_ARN = re.compile(
    r"arn:[a-z0-9-]+:connect:[a-z0-9-]+:"
    r"(?:[0-9]{12}:instance/[a-z0-9-]+/metric/[a-z0-9-]+(?::[a-z0-9-]+)?|aws:metric/([A-Z_]+))"
)


class AskedMetric(Struct, frozen=True):
    """One entry of CurrentMetrics: the metric and its echo."""

    metric: Metric
    echo: dict[str, str]


class CurrentQuery(Struct, frozen=True, kw_only=True):
    """A checked request. None: no such filter. Ids are without duplicates."""

    queue_ids: tuple[str, ...] | None
    profile_ids: tuple[str, ...] | None
    status_ids: tuple[str, ...] | None
    channels: tuple[str, ...]
    """All of them if the request names none."""
    expressions: Mapping[str, str] | None
    """Of routing steps: as domain.criteria writes them, to how they were sent."""
    subtypes: tuple[str, ...] | None
    unmatched: bool
    """Whether validation test types are asked about, which no contact has: there are no rows."""
    groupings: tuple[Grouping, ...]
    asked: tuple[AskedMetric, ...]
    sort_by: Metric
    ascending: bool
    results_max: int
    """Rows per page; all rows are answered, whoever writes the answer cuts the pages."""
    next_token: str | None


class Row(NamedTuple):
    """One row of an answer: its dimensions as far as grouped, and a value per asked metric."""

    dimensions: tuple[str, ...]
    """Id, or channel, subtype or expression, for each grouping of the query."""
    values: tuple[float | None, ...]


class _Filters(Struct, rename="pascal"):
    queues: list[str] | None = None
    channels: list[str] | None = None
    routing_profiles: list[str] | None = None
    routing_step_expressions: list[str] | None = None
    agent_statuses: list[str] | None = None
    subtypes: list[str] | None = None
    validation_test_types: list[str] | None = None


class _Metric(Struct, rename="pascal"):
    name: str | None = None
    metric_id: str | None = None
    unit: str | None = None


class _Sort(Struct, rename="pascal"):
    sort_by_metric: str | None = None
    sort_order: str | None = None


class _Request(Struct, rename="pascal"):
    filters: _Filters
    current_metrics: list[_Metric]
    groupings: list[str] | None = None
    sort_criteria: list[_Sort] = field(default_factory=list)
    max_results: int | None = None
    next_token: str | None = None


def parse(request: dict[str, Any], resolve: Resolve) -> CurrentQuery:
    """The request (decoded JSON, with or without its path) as a query, or a Refusal."""
    present = {member: value for member, value in request.items() if value is not None}
    try:
        wire = msgspec.convert(present, _Request)
    except msgspec.ValidationError as error:
        raise Refusal("InvalidRequestException", str(error)) from error
    _check_sizes(wire)
    groupings = _groupings(wire.groupings or [])
    asked = tuple(_asked(number, one) for number, one in enumerate(wire.current_metrics))
    sort_by, ascending = _sort(wire.sort_criteria)
    results_max = METRIC_RESULTS_MAX if wire.max_results is None else wire.max_results
    if not 1 <= results_max <= METRIC_RESULTS_MAX:
        rule = f"MaxResults exceeds the limit of {METRIC_RESULTS_MAX}, or is below 1"
        raise _refusal(rule, f"MaxResults: {results_max}")
    metrics = list(dict.fromkeys([*(one.metric for one in asked), sort_by]))
    _check_together(wire.filters, groupings, metrics)
    filters = wire.filters
    return CurrentQuery(
        queue_ids=_ids(filters.queues, "queue", resolve),
        profile_ids=_ids(filters.routing_profiles, "routing_profile", resolve),
        status_ids=_ids(filters.agent_statuses, "agent_status", resolve),
        channels=tuple(dict.fromkeys(filters.channels or CHANNELS)),
        expressions=_expressions(filters.routing_step_expressions),
        subtypes=tuple(dict.fromkeys(filters.subtypes)) if filters.subtypes else None,
        unmatched=bool(filters.validation_test_types or "VALIDATION_TEST_TYPE" in groupings),
        groupings=groupings,
        asked=asked,
        sort_by=sort_by,
        ascending=ascending,
        results_max=results_max,
        next_token=wire.next_token,
    )


def metric_results(query: CurrentQuery, rows: Sequence[Row], arn_of: ArnOf) -> list[dict[str, Any]]:
    """MetricResults as GetCurrentMetricData writes it, of all rows or of a page."""
    echoes = [asked.echo for asked in query.asked]
    return [_metric_result(query, echoes, row, arn_of) for row in rows]


def _metric_result(
    query: CurrentQuery, echoes: list[dict[str, str]], row: Row, arn_of: ArnOf
) -> dict[str, Any]:
    collections = [
        {"Metric": echo} if value is None else {"Metric": echo, "Value": value}
        for echo, value in zip(echoes, row.values, strict=True)
    ]
    dimensions: dict[str, Any] = {}
    for grouping, value in zip(query.groupings, row.dimensions, strict=True):
        if grouping in RESOURCES:
            member, kind = RESOURCES[grouping]
            dimensions[member] = {"Id": value, "Arn": arn_of(kind, value)}
        elif grouping == "ROUTING_STEP_EXPRESSION":
            dimensions[WORDS[grouping]] = (query.expressions or {}).get(value, value)
        else:
            dimensions[WORDS[grouping]] = value
    if not dimensions:
        return {"Collections": collections}
    return {"Dimensions": dimensions, "Collections": collections}


RESOURCES: dict[str, tuple[str, str]] = {
    "QUEUE": ("Queue", "queue"),
    "ROUTING_PROFILE": ("RoutingProfile", "routing_profile"),
    "AGENT_STATUS": ("AgentStatus", "agent_status"),
}
"""Grouping to the member of Dimensions and the kind of resource."""

WORDS: dict[str, str] = {
    "CHANNEL": "Channel",
    "ROUTING_STEP_EXPRESSION": "RoutingStepExpression",
    "SUBTYPE": "Subtype",
}
"""Grouping to the member of Dimensions that is a text; there are no rows by test type."""


def _refusal(rule: str, found: str) -> Refusal:
    return Refusal("InvalidParameterException", f"{rule} ({found})")


def _ids(identifiers: list[str] | None, kind: str, resolve: Resolve) -> tuple[str, ...] | None:
    if not identifiers:
        return None
    return tuple(dict.fromkeys(resolve(kind, identifier) for identifier in identifiers))


def _expressions(texts: list[str] | None) -> dict[str, str] | None:
    if not texts:
        return None
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(_expression(text), text)
    return found


def _expression(text: str) -> str:
    """The expression of a routing step as domain.criteria writes it."""
    try:
        [step] = steps_of({"Steps": [{"Expression": json.loads(text)}]})
    except (ValueError, RecursionError) as error:
        rule = "A routing step expression is the JSON of an Expression of routing criteria"
        raise _refusal(rule, f"Filters.RoutingStepExpressions: {shown(text)}") from error
    return step.expression


# Sizes and words


class _Size(NamedTuple):
    """How long a list may be, and each of its texts."""

    member: str
    least: int
    most: int
    chars_max: int | None = None


SIZES = (
    _Size("Queues", 1, METRIC_QUEUES_MAX),
    _Size("RoutingProfiles", 1, METRIC_PROFILES_MAX),
    _Size("Channels", 0, len(CHANNELS)),
    _Size(
        "RoutingStepExpressions", 0, METRIC_EXPRESSIONS_MAX, chars_max=METRIC_EXPRESSION_CHARS_MAX
    ),
    _Size("AgentStatuses", 0, METRIC_STATUSES_MAX),
    _Size("Subtypes", 0, METRIC_SUBTYPES_MAX, chars_max=METRIC_SUBTYPE_CHARS_MAX),
    _Size("ValidationTestTypes", 0, METRIC_SUBTYPES_MAX),
)
"""Of the filters."""


def _check_sizes(wire: _Request) -> None:
    filters = msgspec.to_builtins(wire.filters)
    for size in SIZES:
        values = filters[size.member]
        if values is not None:
            _check_size(f"Filters.{size.member}", values, size)
            _check_texts(f"Filters.{size.member}", values, size.chars_max)
    for channel in wire.filters.channels or ():
        if channel not in CHANNELS:
            valid = ", ".join(CHANNELS)
            raise _refusal("Invalid channel", f"Channels: {shown(channel)}, valid are {valid}")
    entries = wire.current_metrics
    _check_size("Groupings", wire.groupings or [], _Size("Groupings", 0, METRIC_GROUPINGS_MAX))
    _check_size("CurrentMetrics", entries, _Size("CurrentMetrics", 1, CURRENT_METRICS_MAX))
    _check_size("SortCriteria", wire.sort_criteria, _Size("SortCriteria", 0, 1))
    by_id = [entry for entry in entries if entry.metric_id is not None]
    _check_size("CurrentMetrics", by_id, _Size("MetricId", 0, METRIC_IDS_MAX))


def _check_size(path: str, values: Sequence[object], size: _Size) -> None:
    if len(values) < size.least:
        raise _refusal(f"{size.member} must have at least {size.least}", f"{path}: {len(values)}")
    if len(values) > size.most:
        raise _refusal(
            f"{size.member} exceeds the limit of {size.most}", f"{path}: {len(values)} values"
        )


def _check_texts(path: str, values: Sequence[str], chars_max: int | None) -> None:
    for value in values:
        if chars_max is not None and not 1 <= len(value) <= chars_max:
            rule = f"a value has 1 to {chars_max} characters"
            raise _refusal(rule, f"{path}: {shown(value)} has {len(value)}")


def _groupings(groupings: list[str]) -> tuple[Grouping, ...]:
    found: list[Grouping] = []
    for text in groupings:
        grouping = next((known for known in GROUPINGS if known == text), None)
        if grouping is None:
            valid = ", ".join(GROUPINGS)
            raise _refusal("Invalid grouping", f"Groupings: {shown(text)}, valid are {valid}")
        if grouping in found:
            raise _refusal("A grouping cannot be named twice", f"Groupings: {shown(text)}")
        found.append(grouping)
    return tuple(found)


def _asked(number: int, wire: _Metric) -> AskedMetric:
    path = f"CurrentMetrics[{number}]"
    if (wire.name is None) == (wire.metric_id is None):
        found = f"{path}: Name {shown(wire.name)}, MetricId {shown(wire.metric_id)}"
        raise _refusal("A metric has exactly one of Name and MetricId", found)
    if wire.unit is not None and wire.unit not in UNITS:
        raise _refusal("Invalid unit", f"{path}.Unit: {shown(wire.unit)}, one of {UNITS}")
    if wire.metric_id is None:
        metric, echo = _named(f"{path}.Name", wire.name), {"Name": wire.name or ""}
    else:
        metric = _by_id(f"{path}.MetricId", wire.metric_id, wire.unit)
        echo = {"MetricId": wire.metric_id}
    if wire.unit not in {None, metric.unit}:
        raise _refusal(
            f"Invalid unit/statistic for metric {metric.name}",
            f"{path}.Unit: {shown(wire.unit)}, valid is {metric.unit}",
        )
    return AskedMetric(metric, {**echo, "Unit": metric.unit})


def _named(path: str, name: str | None) -> Metric:
    metric = BY_NAME.get(name or "")
    if metric is None:
        valid = ", ".join(BY_NAME)
        raise _refusal(f"Invalid metric name: {name}", f"{path}: {shown(name)}, one of {valid}")
    return metric


def _by_id(path: str, metric_id: str, unit: str | None) -> Metric:
    match = METRIC_ARN.fullmatch(metric_id)
    if match is None and not UUID.fullmatch(metric_id):
        rule = "A MetricId is a UUID or the ARN of a metric"
        raise _refusal(rule, f"{path}: {shown(metric_id)}")
    if match is not None and match[1]:
        return _named(path, match[1])
    if unit is not None:
        raise _refusal("A custom metric takes no Unit", f"{path}: {shown(metric_id)}, Unit: {unit}")
    raise _refusal("This instance has no such custom metric", f"{path}: {shown(metric_id)}")


def _sort(criteria: list[_Sort]) -> tuple[Metric, bool]:
    """What to sort by, and whether ascending."""
    if not criteria:
        return BY_NAME["AGENTS_ONLINE"], False
    one = criteria[0]
    metric = _named("SortCriteria.SortByMetric", one.sort_by_metric or "AGENTS_ONLINE")
    if not metric.sortable:
        rule = f"Sorting is not supported for {metric.name}"
        raise _refusal(rule, f"SortCriteria.SortByMetric: {metric.name}")
    if one.sort_order not in {None, "ASCENDING", "DESCENDING"}:
        rule = "SortOrder is ASCENDING or DESCENDING"
        raise _refusal(rule, f"SortCriteria.SortOrder: {shown(one.sort_order)}")
    return metric, one.sort_order == "ASCENDING"


# What must fit together


def _check_together(
    filters: _Filters, groupings: tuple[Grouping, ...], metrics: list[Metric]
) -> None:
    found = f"Groupings: {list(groupings)}"
    _check_filters(filters)
    _check_expressions(filters, groupings)
    for grouping in groupings:
        if grouping in SECONDARY and (groupings != ("QUEUE", grouping) or not filters.queues):
            raise _refusal(f"{grouping} requires QUEUE before it and the filter Queues", found)
    if "ROUTING_PROFILE" in groupings and not (filters.queues or filters.routing_profiles):
        raise _refusal("ROUTING_PROFILE requires the filter Queues or RoutingProfiles", found)
    for metric in metrics:
        for grouping in groupings:
            if grouping not in metric.groupings:
                raise _refusal(f"{grouping} is not valid for {metric.name}", found)
        if metric.profile_filter and "ROUTING_PROFILE" in groupings and filters.queues:
            rule = f"ROUTING_PROFILE requires the filter RoutingProfiles for {metric.name}"
            raise _refusal(rule, found)
        if metric.name == ESTIMATED_WAIT_TIME:
            _check_estimated_wait(filters, groupings)


def _check_filters(filters: _Filters) -> None:
    if filters.queues and filters.routing_profiles:
        raise _refusal("Queues and RoutingProfiles cannot be used together", "Filters: both given")
    given = msgspec.to_builtins(filters)
    for member in ("AgentStatuses", "Subtypes", "ValidationTestTypes"):
        if given[member] and not filters.queues:
            raise _refusal(f"{member} requires the filter Queues", f"Filters: {member} alone")
    if not (filters.queues or filters.routing_profiles or filters.channels):
        raise _refusal("Filters must name Queues, RoutingProfiles or Channels", "Filters: none")


def _check_expressions(filters: _Filters, groupings: tuple[Grouping, ...]) -> None:
    if "ROUTING_STEP_EXPRESSION" in groupings and filters.subtypes:
        rule = "ROUTING_STEP_EXPRESSION cannot be used together with the filter Subtypes"
        raise _refusal(rule, f"Groupings: {list(groupings)}")
    if not filters.routing_step_expressions:
        return
    if len(filters.queues or ()) != 1:
        found = f"Filters.Queues: {len(filters.queues or ())} values"
        raise _refusal("RoutingStepExpressions requires exactly one queue", found)
    if "ROUTING_STEP_EXPRESSION" not in groupings:
        rule = "RoutingStepExpressions requires the grouping ROUTING_STEP_EXPRESSION"
        raise _refusal(rule, f"Groupings: {list(groupings)}")


def _check_estimated_wait(filters: _Filters, groupings: tuple[Grouping, ...]) -> None:
    queues, channels = len(filters.queues or ()), len(filters.channels or ())
    others = filters.agent_statuses or filters.subtypes or filters.validation_test_types
    if groupings == ("QUEUE", "CHANNEL") and queues and channels and not others:
        return
    if (
        not others
        and groupings == ("ROUTING_STEP_EXPRESSION",)
        and queues == channels == 1
        and filters.routing_step_expressions
    ):
        return
    raise _refusal(
        f"{ESTIMATED_WAIT_TIME} requires Queues, Channels and the groupings QUEUE, CHANNEL; or one "
        "queue, one channel, RoutingStepExpressions and the grouping ROUTING_STEP_EXPRESSION; and "
        "no other filter",
        f"Groupings: {list(groupings)}, {queues} queues, {channels} channels",
    )
