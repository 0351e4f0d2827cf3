"""Updates: new values for members of a resource, from one table.

A row names an operation, the kind of resource and which request member becomes which property.
Members that are left out stay as they are, unless the row says that leaving one out takes the
property away. The rows of a routing profile change by their own operations, which read, change and
write the list as a whole: a write that somebody else was quicker than is tried again.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ringfloor.base.errors import Refusal, invalid_parameter
from ringfloor.base.limits import LIST_ROWS_DEFAULT, UPDATE_ATTEMPTS_MAX
from ringfloor.domain.commands import UpdateResource
from ringfloor.domain.resources import Properties, Resource
from ringfloor.engine.directory import merged
from ringfloor.operations import checks
from ringfloor.operations.checks import Check
from ringfloor.operations.context import Context, given, identifier, not_yet, with_ids
from ringfloor.operations.crud import modified
from ringfloor.operations.registry import Handler, Params, Result, operation, register


class Update(NamedTuple):
    """One operation that gives members new values."""

    name: str
    kind: str
    id_member: str
    renamed: Mapping[str, str] = {}
    """Request members whose property has another name."""
    clears: tuple[str, ...] = ()
    """Members that, left out, take their property away."""
    check: Check | None = None
    """Asked with the whole resource as it would be."""


ROWS = (
    Update("UpdateUserIdentityInfo", "user", "UserId"),
    Update("UpdateUserPhoneConfig", "user", "UserId", check=checks.phone),
    Update("UpdateUserRoutingProfile", "user", "UserId"),
    Update("UpdateUserSecurityProfiles", "user", "UserId"),
    Update("UpdateUserHierarchy", "user", "UserId", clears=("HierarchyGroupId",)),
    Update("UpdateUserHierarchyGroupName", "hierarchy_group", "HierarchyGroupId"),
    Update("UpdateQueueName", "queue", "QueueId"),
    Update("UpdateQueueStatus", "queue", "QueueId"),
    Update("UpdateQueueMaxContacts", "queue", "QueueId", clears=("MaxContacts",)),
    Update("UpdateQueueHoursOfOperation", "queue", "QueueId"),
    Update("UpdateQueueOutboundCallerConfig", "queue", "QueueId"),
    Update("UpdateRoutingProfileName", "routing_profile", "RoutingProfileId"),
    Update(
        "UpdateRoutingProfileConcurrency",
        "routing_profile",
        "RoutingProfileId",
        check=checks.routing_profile,
    ),
    Update("UpdateRoutingProfileDefaultOutboundQueue", "routing_profile", "RoutingProfileId"),
    Update("UpdateRoutingProfileAgentAvailabilityTimer", "routing_profile", "RoutingProfileId"),
    Update("UpdateContactFlowContent", "contact_flow", "ContactFlowId", check=checks.contact_flow),
    Update("UpdateContactFlowName", "contact_flow", "ContactFlowId"),
    Update(
        "UpdateContactFlowMetadata",
        "contact_flow",
        "ContactFlowId",
        renamed={"ContactFlowState": "State"},
    ),
    Update(
        "UpdateHoursOfOperation",
        "hours_of_operation",
        "HoursOfOperationId",
        check=checks.hours_of_operation,
    ),
    Update("UpdateAgentStatus", "agent_status", "AgentStatusId", check=checks.status_update),
)


def update(row: Update) -> Handler:
    """The handler of a row."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        home = desk.center.home
        wanted = identifier(home, row.kind, getattr(params, row.id_member), row.id_member)
        sent = given(params, without=frozenset({"InstanceId", row.id_member}))
        if sent.pop("ResetOrderNumber", False):
            raise not_yet("ResetOrderNumber", True)
        changes: dict[str, Any] = dict.fromkeys(row.clears)
        changes |= {row.renamed.get(name, name): value for name, value in sent.items()}
        changes = with_ids(home, row.kind, changes)
        if row.check is not None:
            before = await context.read(
                lambda: dict(desk.center.resource(row.kind, wanted, row.id_member).properties)
            )
            after = await row.check(desk.center, merged(before, changes))
            changes = {name: after.get(name) for name in changes}
        await context.submit(desk, UpdateResource(row.kind, wanted, changes))
        return {}

    return handler


for _row in ROWS:
    register(_row.name, update(_row))


# The rows of a routing profile

Key = tuple[str, str]
Rows = dict[Key, Properties]
"""Queue id and channel to the row."""


def _keyed(rows: list[Properties]) -> Rows:
    return {
        (row["QueueReference"]["QueueId"], row["QueueReference"]["Channel"]): row for row in rows
    }


async def _change_rows(context: Context, params: Params, change: Callable[[Rows], Rows]) -> Result:
    """Read, change, check, write; again if somebody else has written meanwhile."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    sent = params.RoutingProfileId
    wanted = identifier(home, "routing_profile", sent, "RoutingProfileId")
    for _ in range(UPDATE_ATTEMPTS_MAX):
        before = await context.read(
            lambda: dict(
                desk.center.resource("routing_profile", wanted, "RoutingProfileId").properties
            )
        )
        old = before.get("QueueConfigs") or []
        rows = list(change(_keyed(old)).values())
        await checks.routing_profile(desk.center, {**before, "QueueConfigs": rows})
        try:
            await context.submit(
                desk,
                UpdateResource(
                    "routing_profile",
                    wanted,
                    {"QueueConfigs": rows},
                    expected={"QueueConfigs": before.get("QueueConfigs")},
                ),
            )
        except Refusal as refusal:
            if refusal.code != "ConditionalOperationFailedException":
                raise
        else:
            return {}
    raise Refusal("ThrottlingException", "RoutingProfileId: too many change it at once; try again")


def _sent_rows(context: Context, params: Params) -> Rows:
    home = context.desk(params.InstanceId).center.home
    if getattr(params, "ManualAssignmentQueueConfigs", None):
        raise not_yet("ManualAssignmentQueueConfigs", "...")
    members = given(params, without=frozenset({"InstanceId", "RoutingProfileId"}))
    rows = with_ids(home, "routing_profile", members).get("QueueConfigs") or []
    keyed = _keyed(rows)
    if len(keyed) < len(rows):
        raise invalid_parameter("QueueConfigs", len(rows), "rows name a queue and channel twice")
    return keyed


@operation("AssociateRoutingProfileQueues")
async def associate_routing_profile_queues(context: Context, params: Params) -> Result:
    """Further queues; one that is there already gets the new priority and delay."""
    rows = _sent_rows(context, params)
    return await _change_rows(context, params, lambda before: {**before, **rows})


@operation("UpdateRoutingProfileQueues")
async def update_routing_profile_queues(context: Context, params: Params) -> Result:
    """New priorities and delays of queues that are there."""
    rows = _sent_rows(context, params)

    def change(before: Rows) -> Rows:
        unknown = rows.keys() - before.keys()
        if unknown:
            raise invalid_parameter(
                "QueueConfigs", sorted(unknown), "are not associated with the routing profile"
            )
        return {**before, **rows}

    return await _change_rows(context, params, change)


@operation("DisassociateRoutingProfileQueues")
async def disassociate_routing_profile_queues(context: Context, params: Params) -> Result:
    """Queues that its agents no longer serve."""
    home = context.desk(params.InstanceId).center.home
    if params.ManualAssignmentQueueReferences:
        raise not_yet("ManualAssignmentQueueReferences", "...")
    gone = {
        (identifier(home, "queue", each.QueueId, "QueueReferences"), each.Channel)
        for each in params.QueueReferences or ()
    }
    return await _change_rows(
        context,
        params,
        lambda before: {key: row for key, row in before.items() if key not in gone},
    )


@operation("ListRoutingProfileQueues")
async def list_routing_profile_queues(context: Context, params: Params) -> Result:
    """The queues of a routing profile, best priority first."""
    center = context.desk(params.InstanceId).center
    sent = params.RoutingProfileId
    wanted = identifier(center.home, "routing_profile", sent, "RoutingProfileId")

    def row_view(key: Key, row: Properties) -> Properties:
        queue: Resource = center.resources["queue"][key[0]]
        return {
            "QueueId": queue.id,
            "QueueArn": center.home.arn_of("queue", queue.id),
            "QueueName": queue.name,
            "Priority": row["Priority"],
            "Delay": row["Delay"],
            "Channel": key[1],
        }

    def question() -> Result:
        profile = center.resource("routing_profile", wanted, "RoutingProfileId")
        keyed = _keyed(profile.properties.get("QueueConfigs") or [])
        rows = sorted(
            (((f"{row['Priority']:02}", *key), row_view(key, row)) for key, row in keyed.items()),
            key=lambda each: each[0],
        )
        listed = context.page(
            params, "RoutingProfileQueueConfigSummaryList", rows, LIST_ROWS_DEFAULT
        )
        return {**listed, **modified(center, profile)}

    return await context.read(question)
