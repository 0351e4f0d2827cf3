"""Report: what a report shows and GetMetricDataV2 does not tell, as JSON.

AWS has no operation for it; whoever may ask GetMetricDataV2 about the queues and about the routing
profiles that serve them may have it. Called by server.report. Names are those of now; what has been
deleted has its id alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from msgspec import to_builtins

from ringfloor.base import zones
from ringfloor.base.errors import invalid_parameter, invalid_request
from ringfloor.base.limits import METRIC_DATA_VALUES_MAX
from ringfloor.base.time import DAY, HOUR, MINUTE, Instant, iso_milliseconds, seconds
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.current_metrics import estimates
from ringfloor.operations.registry import Params
from ringfloor.projections import metric_data_v2_request
from ringfloor.projections.current_rows import Newcomer
from ringfloor.projections.historical_sql import Condition
from ringfloor.projections.metric_data_v2_request import QueryV2
from ringfloor.projections.report import (
    PERCENTILES,
    Agents,
    Plan,
    Presence,
    Range,
    Reported,
    Waits,
    cells,
)
from ringfloor.projections.waiting import rounded

ENDS_NOW_MS = MINUTE
"""A report whose end is no longer ago ends now."""


class Wanted(NamedTuple):
    """What is not a parameter of GetMetricDataV2. day: ISO 8601; None: the last one."""

    zone: str
    day: str | None


def query_of(context: Context, params: Params) -> QueryV2:
    """The request of GetMetricDataV2 that stands for the report's queues and range."""
    home = context.desk(params.ResourceArn).center.home

    def resolve(kind: str, value: str, key: str) -> str:
        return identifier(home, kind, value, key)

    return metric_data_v2_request.parse(to_builtins(params), context.now, resolve)


async def serving(context: Context, params: Params) -> list[str]:
    """The routing profiles that serve any of the queues, by id."""
    desk = context.desk(params.ResourceArn)
    wanted = set(_values(query_of(context, params), "QUEUE"))

    def look() -> list[str]:
        profiles = desk.center.profiles.values()
        return sorted(each.id for each in profiles if wanted & {row.queue_id for row in each.rows})

    found = await context.read(look)
    if len(found) > METRIC_DATA_VALUES_MAX:
        rule = f"is more than {METRIC_DATA_VALUES_MAX}; name fewer queues"
        raise invalid_request("routing profiles that serve the queues", len(found), rule)
    return found


async def report(
    context: Context, params: Params, profile_ids: Sequence[str], wanted: Wanted
) -> Properties:
    """What a report shows besides metrics. params: those of GetMetricDataV2; see query_of."""
    desk, query = context.desk(params.ResourceArn), query_of(context, params)
    plan = _plan(query, profile_ids, wanted)

    def look() -> tuple[list[Any], dict[str, str]]:
        users = desk.center.resources["user"].values()
        names = {user.id: _person(user.properties) or user.name for user in users}
        return desk.records.open(context.now), names

    running, names = await context.read(look)
    waits = await _now(context, desk, query)
    found = await context.node.analyse(
        desk,
        lambda history: history.report(desk.instance_id, plan, names, running, context.now),
    )
    head: Properties = {
        "MadeAt": iso_milliseconds(context.now),
        "TimeZone": wanted.zone,
        "Channels": list(_values(query, "CHANNEL")),
    }
    queue_ids = _values(query, "QUEUE")
    return await context.read(
        lambda: head | view(desk.center, plan, queue_ids, names, found) | waits,
    )


async def _now(context: Context, desk: Desk, query: QueryV2) -> Properties:
    """What who comes now is told of his wait, by queue and channel; of a report that ends now."""
    if context.now - query.end > ENDS_NOW_MS:
        return {}
    channels = _values(query, "CHANNEL") or CHANNELS
    lines = await context.read(
        lambda: [
            Newcomer(queue_id, channel, None)
            for queue_id in _values(query, "QUEUE")
            for channel in channels
            if desk.realtime.staffing(queue_id, channel).staffed
        ]
    )
    found = await estimates(context, desk, lines)
    return {
        "WaitsNow": [
            {
                "QueueId": line.queue_id,
                "Channel": line.channel,
                "P50Seconds": rounded(told.quantiles.p50_s),
                "P80Seconds": rounded(told.quantiles.p80_s),
            }
            for line, told in found.items()
            if told is not None
        ]
    }


def _plan(query: QueryV2, profile_ids: Sequence[str], wanted: Wanted) -> Plan:
    period, marks = cells(query.start, query.end, wanted.zone)
    return Plan(
        start=query.start,
        end=query.end,
        period=period,
        marks=marks,
        day=_day(query, wanted),
        conditions=query.conditions,
        profile_ids=tuple(profile_ids),
    )


def _day(query: QueryV2, wanted: Wanted) -> Range:
    """The day that was asked for, or the last one; of a report of a day, all of it."""
    if wanted.day is None and query.end - query.start <= DAY + HOUR:
        return Range(query.start, query.end)
    try:
        day = (
            zones.local(query.end - 1, wanted.zone).date()
            if wanted.day is None
            else date.fromisoformat(wanted.day)
        )
        begins = zones.beginning(day, wanted.zone)
        ends = zones.beginning(date.fromordinal(day.toordinal() + 1), wanted.zone)
    except (ValueError, OverflowError) as error:
        raise invalid_parameter("Day", wanted.day, "is no date such as 2026-11-20") from error
    found = Range(max(begins, query.start), min(ends, query.end))
    if found.start >= found.end:
        raise invalid_parameter("Day", wanted.day, "lies outside the report")
    return found


def _values(query: QueryV2, key: str) -> tuple[str, ...]:
    found: Condition | None = next((each for each in query.conditions if each.key == key), None)
    return () if found is None else tuple(str(each) for each in found.values or ())


def _person(properties: Properties) -> str:
    """First and last name, as far as they are known."""
    identity = properties.get("IdentityInfo") or {}
    return " ".join(each for name in ("FirstName", "LastName") if (each := identity.get(name)))


# As JSON


def view(
    center: Center,
    plan: Plan,
    queue_ids: Sequence[str],
    names: Mapping[str, str],
    found: Reported,
) -> Properties:
    """The answer, but for what only the request knows."""
    shown: Properties = {
        "InstanceId": center.home.instance_id,
        "InstanceArn": center.home.arn,
        "InstanceAlias": "" if center.instance is None else center.instance.alias,
        "StartTime": iso_milliseconds(plan.start),
        "EndTime": iso_milliseconds(plan.end),
        "IntervalPeriod": plan.period,
        "Marks": [iso_milliseconds(each) for each in plan.marks],
        "DayStartTime": iso_milliseconds(plan.day.start),
        "DayEndTime": iso_milliseconds(plan.day.end),
        "Queues": _named(center, "queue", queue_ids),
        "RoutingProfiles": _named(center, "routing_profile", plan.profile_ids),
        "Percentiles": list(PERCENTILES),
        "Waits": [
            {"StartTime": _starts(plan, number), **_waits(waits)}
            for number, waits in sorted(found.waits.items())
        ],
        "Agents": [
            _agent(center, agent_id, names.get(agent_id, agent_id), found.agents)
            for agent_id in found.agents.presences
        ],
        "AgentsLeftOut": found.agents.left_out,
    }
    return shown if found.all_waits is None else {**shown, "AllWaits": _waits(found.all_waits)}


def _starts(plan: Plan, number: int) -> str:
    """When a cell begins, as GetMetricDataV2 tells it: not before the range."""
    return iso_milliseconds(max(plan.marks[number], plan.start))


def _waits(waits: Waits) -> Properties:
    return {
        "Contacts": waits.contacts,
        "LongestSeconds": seconds(waits.longest),
        "PercentileSeconds": [seconds(each) for each in waits.percentiles],
    }


def _agent(center: Center, agent_id: str, name: str, agents: Agents) -> Properties:
    return {
        "Id": agent_id,
        "Name": name,
        "Statuses": [_presence(center, each) for each in agents.presences[agent_id]],
        "Contacts": [
            {**_from_to(each.since, each.until), "Channel": each.channel}
            for each in agents.works[agent_id]
        ],
    }


def _presence(center: Center, presence: Presence) -> Properties:
    status_id = presence.status_id or ""
    return {
        **_from_to(presence.since, presence.until),
        "Status": _name(center, "agent_status", status_id),
        "Available": presence.is_available,
    }


def _from_to(since: Instant, until: Instant) -> Properties:
    return {"StartTime": iso_milliseconds(since), "EndTime": iso_milliseconds(until)}


def _named(center: Center, kind: str, identifiers: Sequence[str]) -> list[Properties]:
    return [{"Id": each, "Name": _name(center, kind, each)} for each in identifiers]


def _name(center: Center, kind: str, identifier_: str) -> str:
    known = center.resources[kind].get(identifier_)
    return identifier_ if known is None else known.name
