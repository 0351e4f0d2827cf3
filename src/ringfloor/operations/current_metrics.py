"""Current metrics: GetCurrentMetricData, GetCurrentUserData, GetContactMetrics.

What the metrics mean stands in projections; here requests become questions, answers become pages.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec import to_builtins

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.limits import METRIC_AGENTS_AT_ONCE, METRIC_RESULTS_MAX
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.domain.resources import Home, Properties
from ringfloor.engine.connection import is_waiting
from ringfloor.engine.queue import position, sought_by
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.contacts import final
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.frozen import Answer
from ringfloor.operations.metric_pages import page
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.user_data import Asked, user_data
from ringfloor.projections import current_request, current_rows

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

QUEUED = frozenset({"IN_QUEUE", "OFFERED", "ACCEPTED"})
"""Stages of a contact that is in its queue: one that rings, or that an agent has taken but has not
been joined to, keeps its place."""

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

        def question() -> list[dict[str, Any]]:
            rows = current_rows.answer(
                desk.realtime, desk.waiting, query, context.now, context.service.oldest_in_ms
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

    def question() -> dict[str, float | None] | None:
        return _contact_metrics(desk, contact_id, context.now)

    step = await context.read(lambda: _step(desk.center, contact_id))
    if step is not None:
        await _prepare(context, desk, step)
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


def _contact_id(home: Home, value: str) -> str:
    """The id in the id or ARN of a contact, which has no other names: policies ask about these."""
    found = value.removeprefix(home.contact_arn(""))
    if _UUID.fullmatch(found) is None:
        rule = "is no contact's id, which is a UUID in lower case, nor the ARN of one here"
        raise invalid_parameter("ContactId", value, rule)
    return found


def _not_in_queue(contact_id: str) -> Refusal:
    return invalid_request("ContactId", contact_id, "is not in queue")


def _step(center: Center, contact_id: str) -> str | None:
    """The expression by which agents are sought for a contact."""
    contact = center.contacts.get(contact_id)
    return None if contact is None else sought_by(contact) or None


def _contact_metrics(desk: Desk, contact_id: str, now: Instant) -> dict[str, float | None] | None:
    """Both metrics of a live contact in queue; None if it is not live."""
    center: Center = desk.center
    contact = center.contacts.get(contact_id)
    if contact is None:
        return None
    if contact.stage not in QUEUED or not is_waiting(contact):
        raise _not_in_queue(contact_id)
    assert contact.queue_id is not None
    place = position(center, contact)
    step = sought_by(contact) or None
    wait = desk.waiting.estimate(
        contact.queue_id,
        contact.channel,
        position=place,
        staffing=desk.realtime.staffing(contact.queue_id, contact.channel, step),
        now=now,
        step=step,
    )
    return {
        "POSITION_IN_QUEUE": float(place),
        "ESTIMATED_WAIT_TIME": None if wait is None else float(wait // SECOND),
    }
