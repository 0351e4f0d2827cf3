"""Asking: what a report asks of GetMetricDataV2, of whoever answers it.

Called by cli_report with a running server, and by cli_simulate with a simulated center.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ringfloor.base.limits import METRIC_RESULTS_MAX
from ringfloor.base.time import Instant, seconds
from ringfloor.report import answers
from ringfloor.report.answers import Answer, Results, Row

Filters = Mapping[str, Sequence[str]]
Span = tuple[Instant, Instant]


class Asked(Protocol):
    """Who answers: the rows of all pages of an operation's answer."""

    def listed(
        self,
        operation: str,
        member: str,
        **parameters: Any,  # noqa: ANN401  JSON
    ) -> Iterator[Any]: ...


def results(asked: Asked, plan: Answer, thresholds: Sequence[int]) -> Results:
    """The answers of GetMetricDataV2. plan: that of our own endpoint."""
    queues = {"QUEUE": [each["Id"] for each in plan["Queues"]]}
    if plan["Channels"]:
        queues["CHANNEL"] = plan["Channels"]
    profiles = {"ROUTING_PROFILE": [each["Id"] for each in plan["RoutingProfiles"]]}
    ours, theirs = answers.queue_metrics(thresholds), answers.agent_metrics()
    busy = answers.occupancy_metrics()
    pieces = list(answers.pieces(plan))
    whole, day = [answers.span(plan, "")], [answers.span(plan, "Day")]
    cut = {"Interval": {"TimeZone": plan["TimeZone"], "IntervalPeriod": plan["IntervalPeriod"]}}
    questions: dict[str, tuple[Filters, list[dict[str, Any]], list[Span], dict[str, Any]]] = {
        "by_cell": (queues, ours, pieces, cut),
        "in_all": (queues, ours, whole, {}),
        "by_queue": (queues, ours, whole, {"Groupings": ["QUEUE"]}),
        "occupancy_by_cell": (profiles, busy, pieces, cut),
        "occupancy_in_all": (profiles, busy, whole, {}),
        "by_agent": (profiles, theirs, day, {"Groupings": ["AGENT"]}),
    }
    return Results(**{name: list(_rows(asked, plan, *each)) for name, each in questions.items()})


def _rows(
    asked: Asked,
    plan: Answer,
    filters: Filters,
    metrics: Sequence[Mapping[str, Any]],
    spans: Iterable[Span],
    more: Mapping[str, Any],
) -> Iterator[Row]:
    """MetricResults of all pages and pieces; nothing, where a filter names nothing."""
    if not all(filters.values()):
        return
    for start, end in spans:
        yield from asked.listed(
            "GetMetricDataV2",
            "MetricResults",
            ResourceArn=plan["InstanceArn"],
            StartTime=seconds(start),
            EndTime=seconds(end),
            Filters=[{"FilterKey": key, "FilterValues": each} for key, each in filters.items()],
            Metrics=metrics,
            MaxResults=METRIC_RESULTS_MAX,
            **more,
        )
