"""Metrics: GetCurrentMetricData, GetMetricData, GetContactMetrics.

What the metrics mean stands in projections; here requests become queries, answers become pages.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import to_builtins

from ringfloor.aws.tokens import Cursor
from ringfloor.base.errors import Refusal, invalid_request
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.domain.facts import AgentTime
from ringfloor.domain.resources import Properties
from ringfloor.engine.queue import position
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.contacts import final
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.frozen import Answer
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.projections import current_request, current_rows, historical_request

FILTERS: Mapping[str, str] = {
    "agent_status": "AgentStatuses",
    "queue": "Queues",
    "routing_profile": "RoutingProfiles",
}
"""Kind of resource to the filter that names it."""


@operation("GetCurrentMetricData")
async def get_current_metric_data(context: Context, params: Params) -> Result:
    """The 14 metrics of now, from counters."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home

    def resolve(kind: str, value: str) -> str:
        return identifier(home, kind, value, FILTERS[kind])

    query = current_request.parse(to_builtins(params), resolve)

    async def answer() -> Answer:
        def question() -> list[dict[str, Any]]:
            rows = current_rows.answer(desk.realtime, desk.waiting, query, context.now)
            return current_request.metric_results(query, rows, home.arn_of)

        return Answer(await context.read(question), context.now)

    page, whole, token = await _page(context, params, query.results_max, answer)
    result: Properties = {
        "MetricResults": page,
        "DataSnapshotTime": seconds(whole.at),
        "ApproximateTotalCount": len(whole.rows),
    }
    return result if token is None else {**result, "NextToken": token}


@operation("GetMetricData")
async def get_metric_data(context: Context, params: Params) -> Result:
    """The 25 metrics of the last 24 hours, from the history."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home

    def resolve(value: str) -> str:
        return identifier(home, "queue", value, "Queues")

    query = historical_request.parse(to_builtins(params), context.now, resolve)

    async def answer() -> Answer:
        running, queues = await context.read(lambda: _staff(desk, context.now))
        rows = await context.node.analyse(
            desk, lambda history: history.answer(desk.instance_id, query, running, queues)
        )
        results = historical_request.metric_results(
            query, rows, lambda queue_id: home.arn_of("queue", queue_id)
        )
        return Answer(results, context.now)

    page, _, token = await _page(context, params, query.results_max, answer)
    result: Properties = {"MetricResults": page}
    return result if token is None else {**result, "NextToken": token}


def _staff(desk: Desk, now: Instant) -> tuple[list[AgentTime], dict[str, frozenset[str]]]:
    """Agents' time that still runs, and which queues each routing profile has."""
    queues = {
        profile.id: frozenset(row.queue_id for row in profile.rows)
        for profile in desk.center.profiles.values()
    }
    return desk.records.open_times(now), queues


async def _page(
    context: Context, params: Params, size: int, answer: Callable[[], Awaitable[Answer]]
) -> tuple[list[dict[str, Any]], Answer, str | None]:
    """The rows of this page, the answer it is of, and the NextToken."""
    pages, frozen = context.service.pages, context.service.frozen
    cursor = pages.cursor(context.operation, params.InstanceId, params, context.now)
    if cursor is None:
        whole, start, name = await answer(), 0, ""
    else:
        whole = frozen.find(cursor.snapshot, context.now)
        start, name = cursor.offset, cursor.snapshot
    end = start + size
    token = None
    if end < len(whole.rows):
        name = name or frozen.keep(whole, context.now)
        token = pages.next_token(
            context.operation,
            params.InstanceId,
            params,
            Cursor(offset=end, snapshot=name),
            context.now,
        )
    return whole.rows[start:end], whole, token


@operation("GetContactMetrics")
async def get_contact_metrics(context: Context, params: Params) -> Result:
    """Where a contact stands in its queue, and how long it may yet wait, where that is known."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    contact_id = params.ContactId.removeprefix(home.contact_arn(""))
    names = [metric.Name for metric in params.Metrics]

    def question() -> dict[str, float | None] | None:
        return _contact_metrics(desk, contact_id, context.now)

    values = await context.read(question)
    if values is None:
        await final(context, desk, contact_id)
        raise _not_in_queue(contact_id)
    return {
        "MetricResults": [
            {"Name": name, "Value": {"Number": values[name]}}
            for name in names
            if values[name] is not None
        ],
        "Id": contact_id,
        "Arn": home.contact_arn(contact_id),
    }


def _not_in_queue(contact_id: str) -> Refusal:
    return invalid_request("ContactId", contact_id, "is not in queue")


def _contact_metrics(desk: Desk, contact_id: str, now: Instant) -> dict[str, float | None] | None:
    """Both metrics of a live contact in queue; None if it is not live."""
    center: Center = desk.center
    contact = center.contacts.get(contact_id)
    if contact is None:
        return None
    if contact.stage not in ("IN_QUEUE", "OFFERED"):
        raise _not_in_queue(contact_id)
    assert contact.queue_id is not None
    place = position(center, contact)
    wait = desk.waiting.estimate(
        contact.queue_id,
        contact.channel,
        position=place,
        staffing=desk.realtime.staffing(contact.queue_id, contact.channel),
        now=now,
    )
    return {
        "POSITION_IN_QUEUE": float(place),
        "ESTIMATED_WAIT_TIME": None if wait is None else float(wait // SECOND),
    }
