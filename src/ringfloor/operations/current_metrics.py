"""Current metrics: GetCurrentMetricData, GetCurrentUserData, GetContactMetrics.

What the metrics mean stands in projections; here requests become questions, answers become pages.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import to_builtins

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.limits import METRIC_AGENTS_AT_ONCE, METRIC_RESULTS_MAX
from ringfloor.base.time import Instant, seconds
from ringfloor.domain.resources import Home, Properties
from ringfloor.engine.queue import has_place, position
from ringfloor.node.desk import Desk
from ringfloor.node.wait_estimates import Told, told
from ringfloor.operations.contacts import final
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.frozen import Answer
from ringfloor.operations.metric_explanations import explain_wait
from ringfloor.operations.metric_pages import page
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.user_data import Asked, user_data
from ringfloor.projections import current_request, current_rows
from ringfloor.projections.current_metrics import ESTIMATED_WAIT_TIME
from ringfloor.projections.current_request import CurrentQuery
from ringfloor.projections.current_rows import Newcomer, Waits, estimate, newcomers
from ringfloor.projections.waiting import Estimate

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

FILTERS: Mapping[str, str] = {
    "agent_status": "AgentStatuses",
    "queue": "Queues",
    "routing_profile": "RoutingProfiles",
}
"""Kind of resource to the filter of GetCurrentMetricData that names it."""

USER_FILTERS: Mapping[str, str] = {
    "user": "Agents",
    "routing_profile": "RoutingProfiles",
    "queue": "Queues",
    "hierarchy_group": "UserHierarchyGroups",
}
"""The same for GetCurrentUserData."""


@operation("GetCurrentMetricData")
async def get_current_metric_data(context: Context, params: Params) -> Result:
    """The 14 metrics of now, from counters."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home

    def resolve(kind: str, value: str) -> str:
        return identifier(home, kind, value, FILTERS[kind])

    query = current_request.parse(to_builtins(params), resolve)

    async def answer() -> Answer:
        for step in await context.read(lambda: current_rows.steps(desk.realtime, query)):
            await _prepare(context, desk, step)

        waits = await _waits(context, desk, query)

        def question() -> list[dict[str, Any]]:
            rows = current_rows.answer(
                desk.realtime, waits, query, context.now, context.service.oldest_in_ms
            )
            return current_request.metric_results(query, rows, home.arn_of)

        return Answer(await context.read(question), context.now)

    rows, whole, token = await page(context, params, query.results_max, answer)
    result: Properties = {
        "MetricResults": rows,
        "DataSnapshotTime": seconds(whole.at),
        "ApproximateTotalCount": len(whole.rows),
    }
    return result if token is None else {**result, "NextToken": token}


async def _waits(context: Context, desk: Desk, query: CurrentQuery) -> Waits:
    now = context.now
    lines = await context.read(lambda: newcomers(desk.realtime, query, now))
    return await estimates(context, desk, lines)


async def estimates(context: Context, desk: Desk, lines: Iterable[Newcomer]) -> Waits:
    """The waits of who would come now, one by one: others are served in between."""
    waits: dict[Newcomer, Estimate | None] = {}
    for each in lines:
        ask = partial(estimate, desk.realtime, desk.waiting, each, context.now)
        waits[each] = await context.read(ask)
        await context.give_way()
    return waits


async def _prepare(context: Context, desk: Desk, step: str) -> None:
    """A new expression may have many agents looked at: others are served in between."""
    for _ in range(0, len(desk.center.agents) + METRIC_AGENTS_AT_ONCE, METRIC_AGENTS_AT_ONCE):
        if await context.read(partial(desk.realtime.prepare, step)):
            return
        await context.give_way()


@operation("GetCurrentUserData")
async def get_current_user_data(context: Context, params: Params) -> Result:
    """Who is at work now, and on what."""
    desk = context.desk(params.InstanceId)
    asked = _asked(desk.center.home, params.Filters)

    async def answer() -> Answer:
        return Answer(await context.read(lambda: user_data(desk, asked)), context.now)

    size = METRIC_RESULTS_MAX if params.MaxResults is None else params.MaxResults
    rows, whole, token = await page(context, params, size, answer)
    result: Properties = {"UserDataList": rows, "ApproximateTotalCount": len(whole.rows)}
    return result if token is None else {**result, "NextToken": token}


def _asked(home: Home, filters: Params) -> Asked:
    """The filters of GetCurrentUserData, of which at most one is about users."""
    named = {
        kind: getattr(filters, member)
        for kind, member in USER_FILTERS.items()
        if getattr(filters, member) is not None
    }
    if len(named) > 1:
        members = [USER_FILTERS[kind] for kind in named]
        raise invalid_parameter("Filters", members, "cannot be used together; name one of them")
    ids = {
        kind: tuple(identifier(home, kind, each, USER_FILTERS[kind]) for each in given)
        for kind, given in named.items()
    }
    contacts = filters.ContactFilter
    return Asked(
        agents=ids.get("user"),
        profiles=ids.get("routing_profile"),
        queues=ids.get("queue"),
        groups=ids.get("hierarchy_group"),
        states=frozenset((contacts and contacts.ContactStates) or ()),
    )


@operation("GetContactMetrics")
async def get_contact_metrics(context: Context, params: Params) -> Result:
    """Where a contact stands in its queue, and how long it may yet wait, where that is known."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    contact_id = _contact_id(home, params.ContactId)
    names = [metric.Name for metric in params.Metrics]

    wait = ESTIMATED_WAIT_TIME in names
    found = await context.read(lambda: _told(desk, contact_id, context.now, wait=wait))
    if found is None:
        await final(context, desk, contact_id)
        raise _not_in_queue(contact_id)
    values = {"POSITION_IN_QUEUE": float(found.position)}
    if found.announced is not None:
        values[ESTIMATED_WAIT_TIME] = float(found.announced.seconds)
    if wait:
        explain_wait(context, found)
    return {
        "MetricResults": [
            {"Name": name, "Value": {"Number": values[name]}} for name in names if name in values
        ],
        "Id": contact_id,
        "Arn": home.contact_arn(contact_id),
    }


def _contact_id(home: Home, value: str) -> str:
    """The id in the id or ARN of a contact, which has no other names: policies ask about these."""
    found = value.removeprefix(home.contact_arn(""))
    if _UUID.fullmatch(found) is None:
        rule = "is no contact's id, which is a UUID in lower case, nor the ARN of one here"
        raise invalid_parameter("ContactId", value, rule)
    return found


def _not_in_queue(contact_id: str) -> Refusal:
    return invalid_request("ContactId", contact_id, "is not in queue")


def _told(desk: Desk, contact_id: str, now: Instant, *, wait: bool) -> Told | None:
    """What a live contact in line is told; None if it is not live."""
    contact = desk.center.contacts.get(contact_id)
    if contact is None:
        return None
    if not has_place(contact):
        raise _not_in_queue(contact_id)
    if not wait:
        return Told(position(desk.center, contact), None, None)
    return told(*desk.about_waits(), contact, now)
