"""Answers: from what the server says to what a report shows.

Called by cli_report: queue_metrics and the like say what is to be asked of GetMetricDataV2, made
puts the answers together with that of /_ringfloor/instances/{id}/report. Numbers are as they came.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from ringfloor.base.limits import METRIC_DATA_CUT_RANGE_MS
from ringfloor.base.time import SECOND, Instant
from ringfloor.report.contents import (
    AgentDay,
    Cell,
    Figures,
    Queue,
    Report,
    Stretch,
    WaitNow,
    Waits,
)

Answer = Mapping[str, Any]
Row = Mapping[str, Any]
"""One of MetricResults."""

CELL_WORDS: Mapping[str, str] = {"THIRTY_MIN": "half hour", "HOUR": "hour", "DAY": "day"}
"""By IntervalPeriod."""

OCCUPANCY = "AGENT_OCCUPANCY"
_OF_QUEUES = (
    "CONTACTS_QUEUED_BY_ENQUEUE",
    "CONTACTS_HANDLED",
    "CONTACTS_ABANDONED",
    "AVG_QUEUE_ANSWER_TIME",
    "AVG_HANDLE_TIME",
    "MAX_QUEUED_TIME",
)
_OF_AGENTS = (
    "CONTACTS_HANDLED",
    "AGENT_NON_RESPONSE",
    "SUM_ONLINE_TIME_AGENT",
    "SUM_CONTACT_TIME_AGENT",
    "SUM_IDLE_TIME_AGENT",
    "SUM_NON_PRODUCTIVE_TIME_AGENT",
    OCCUPANCY,
)

# What is to be asked


def queue_metrics(thresholds: Sequence[int]) -> list[dict[str, Any]]:
    """Metrics of GetMetricDataV2 that make Figures."""
    plain = [{"Name": name} for name in _OF_QUEUES]
    levels = [
        {
            "Name": "SERVICE_LEVEL",
            "Threshold": [{"Comparison": "LT", "ThresholdValue": threshold}],
        }
        for threshold in thresholds
    ]
    return [*plain, *levels]


def agent_metrics() -> list[dict[str, Any]]:
    """Metrics of GetMetricDataV2 that are told of each agent."""
    return [{"Name": name} for name in _OF_AGENTS]


def occupancy_metrics() -> list[dict[str, Any]]:
    """That of the occupancy alone."""
    return [{"Name": OCCUPANCY}]


def pieces(plan: Answer) -> Iterator[tuple[Instant, Instant]]:
    """The range, in pieces that GetMetricDataV2 answers by the report's cells."""
    start, end = span(plan, "")
    if plan["IntervalPeriod"] == "DAY":
        yield start, end
        return
    begins = start
    for mark, following in pairwise(map(instant, plan["Marks"])):
        if following - begins >= METRIC_DATA_CUT_RANGE_MS:
            yield begins, mark
            begins = mark
    yield begins, end


# What was answered


class Results(NamedTuple):
    """MetricResults: of queue_metrics, occupancy_metrics and agent_metrics."""

    by_cell: Sequence[Row]
    in_all: Sequence[Row]
    by_queue: Sequence[Row]
    occupancy_by_cell: Sequence[Row]
    occupancy_in_all: Sequence[Row]
    by_agent: Sequence[Row]


def made(plan: Answer, thresholds: Sequence[int], results: Results) -> Report:
    """The report. plan: our own endpoint's answer."""
    figures = {_starts(row): _figures(row) for row in results.by_cell}
    occupied = {_starts(row): _occupancy(row) for row in results.occupancy_by_cell}
    waits = {instant(each["StartTime"]): _waits(each) for each in plan["Waits"]}
    first, last = span(plan, "")
    day = span(plan, "Day")
    borders = [min(max(instant(each), first), last) for each in plan["Marks"]]
    of_queues = {row["Dimensions"]["QUEUE"]: _figures(row) for row in results.by_queue}
    of_agents = {row["Dimensions"]["AGENT"]: row for row in results.by_agent}
    return Report(
        source=f"{plan['InstanceAlias']} ({plan['InstanceId']})",
        zone=plan["TimeZone"],
        start=first,
        end=last,
        made_at=instant(plan["MadeAt"]),
        cell_words=CELL_WORDS[plan["IntervalPeriod"]],
        thresholds=tuple(thresholds),
        percentiles=tuple(plan["Percentiles"]),
        cells=tuple(
            Cell(
                start=start,
                end=end,
                figures=figures.get(start, Figures()),
                waits=waits.get(start),
                occupancy=occupied.get(start),
            )
            for start, end in pairwise(borders)
        ),
        totals=next(map(_figures, results.in_all), Figures()),
        all_waits=_waits(plan["AllWaits"]) if "AllWaits" in plan else None,
        occupancy=next(map(_occupancy, results.occupancy_in_all), None),
        queues=tuple(
            Queue(each["Name"], of_queues.get(each["Id"], Figures())) for each in plan["Queues"]
        ),
        waits_now=tuple(_waits_now(plan)),
        channels=tuple(plan["Channels"]),
        profiles=tuple(each["Name"] for each in plan["RoutingProfiles"]),
        agents=tuple(_agent(each, of_agents.get(each["Id"])) for each in plan["Agents"]),
        agents_left_out=plan["AgentsLeftOut"],
        day_start=day[0],
        day_end=day[1],
        available=next(_available(plan), "Available"),
    )


def span(plan: Answer, of: str) -> tuple[Instant, Instant]:
    """of: Day for that of the agents' timeline, nothing for the report's."""
    return instant(plan[f"{of}StartTime"]), instant(plan[f"{of}EndTime"])


def instant(text: str) -> Instant:
    """A time as our own endpoint tells it."""
    return round(datetime.fromisoformat(text).timestamp() * SECOND)


def _starts(row: Row) -> Instant:
    return round(float(row["MetricInterval"]["StartTime"]) * SECOND)


def _values(row: Row) -> dict[str, float]:
    """By name; service levels are told apart by their thresholds."""
    return {
        each["Metric"]["Name"]: each["Value"]
        for each in row["Collections"]
        if each.get("Value") is not None and "Threshold" not in each["Metric"]
    }


def _figures(row: Row) -> Figures:
    values = _values(row)
    levels = (each for each in row["Collections"] if "Threshold" in each["Metric"])
    return Figures(
        arrivals=round(values.get("CONTACTS_QUEUED_BY_ENQUEUE", 0)),
        answered=round(values.get("CONTACTS_HANDLED", 0)),
        abandoned=round(values.get("CONTACTS_ABANDONED", 0)),
        service_levels=tuple(each.get("Value") for each in levels),
        answer_seconds_average=values.get("AVG_QUEUE_ANSWER_TIME"),
        handle_seconds_average=values.get("AVG_HANDLE_TIME"),
        wait_seconds_max=values.get("MAX_QUEUED_TIME"),
    )


def _occupancy(row: Row) -> float | None:
    share = _values(row).get(OCCUPANCY)
    return None if share is None else 100 * share


def _waits(told: Answer) -> Waits:
    return Waits(contacts=told["Contacts"], seconds=tuple(told["PercentileSeconds"]))


def _waits_now(plan: Answer) -> Iterator[WaitNow]:
    names = {each["Id"]: each["Name"] for each in plan["Queues"]}
    for each in plan.get("WaitsNow", ()):
        seconds = each["P50Seconds"], each["P80Seconds"]
        yield WaitNow(names[each["QueueId"]], each["Channel"], *seconds)


def _agent(told: Answer, row: Row | None) -> AgentDay:
    values = {} if row is None else _values(row)
    return AgentDay(
        name=told["Name"],
        statuses=tuple(_stretch(each, each["Status"]) for each in told["Statuses"]),
        contacts=tuple(_stretch(each, each["Channel"]) for each in told["Contacts"]),
        answered=round(values.get("CONTACTS_HANDLED", 0)),
        missed=round(values.get("AGENT_NON_RESPONSE", 0)),
        online_seconds=values.get("SUM_ONLINE_TIME_AGENT", 0),
        contact_seconds=values.get("SUM_CONTACT_TIME_AGENT", 0),
        idle_seconds=values.get("SUM_IDLE_TIME_AGENT", 0),
        other_seconds=values.get("SUM_NON_PRODUCTIVE_TIME_AGENT", 0),
        occupancy=None if row is None else _occupancy(row),
    )


def _stretch(told: Answer, what: str) -> Stretch:
    return Stretch(instant(told["StartTime"]), instant(told["EndTime"]), what)


def _available(plan: Answer) -> Iterator[str]:
    for agent in plan["Agents"]:
        yield from (each["Status"] for each in agent["Statuses"] if each["Available"])
