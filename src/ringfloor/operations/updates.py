"""Updates: new values for members of a resource, from one table.

A row names an operation, the kind of resource and which request member becomes which property.
Members that are left out stay as they are, unless the row says that leaving one out takes the
property away. The rows of a routing profile change by their own operations (operations.rewriting).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ringfloor.base.errors import invalid_parameter
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.commands import UpdateResource
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.engine.directory import merged
from ringfloor.operations import checks, flow_contents, people, prompt_files, user_identity
from ringfloor.operations.checks import Check
from ringfloor.operations.context import Context, given, identifier, with_ids
from ringfloor.operations.crud import shown
from ringfloor.operations.kinds import BY_KIND, Adds, chosen, described, located, modified
from ringfloor.operations.registry import Handler, Params, Result, operation, register
from ringfloor.operations.rewriting import rewrite


class Update(NamedTuple):
    """One operation that gives members new values."""

    name: str
    kind: str
    id_member: str
    renamed: Mapping[str, str] = {}
    """Request members whose property has another name."""
    clears: tuple[str, ...] = ()
    """Members that, left out, take their property away."""
    resets: Mapping[str, str] = {}
    """Request members that, true, take a property away, to the property."""
    check: Check | None = None
    """Asked with the whole resource as it would be."""
    adds: Adds | None = None
    """Further changes, asked once the request is found to be good."""


ROWS = (
    Update("UpdateUserIdentityInfo", "user", "UserId", check=user_identity.information),
    Update(
        "UpdateUserPhoneConfig",
        "user",
        "UserId",
        clears=people.PER_CHANNEL[:4],  # it sets all channels
        check=people.phone,
    ),
    Update("UpdateUserConfig", "user", "UserId", check=people.channels),
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
    Update("UpdateContactFlowName", "contact_flow", "ContactFlowId"),
    Update(
        "UpdateContactFlowMetadata",
        "contact_flow",
        "ContactFlowId",
        renamed={"ContactFlowState": "State"},
        check=flow_contents.metadata,
    ),
    Update("UpdateContactFlowModuleMetadata", "contact_flow_module", "ContactFlowModuleId"),
    Update(
        "UpdateHoursOfOperation",
        "hours_of_operation",
        "HoursOfOperationId",
        check=checks.hours_of_operation,
    ),
    Update(
        "UpdateHoursOfOperationOverride",
        "hours_of_operation_override",
        "HoursOfOperationOverrideId",
        check=checks.override,
    ),
    Update(
        "UpdateTaskTemplate",
        "task_template",
        "TaskTemplateId",
        check=checks.task_template,
    ),
    Update(
        "UpdateAgentStatus",
        "agent_status",
        "AgentStatusId",
        resets={"ResetOrderNumber": "DisplayOrder"},
        check=checks.status_update,
    ),
    Update("UpdateQuickConnectName", "quick_connect", "QuickConnectId"),
    Update(
        "UpdateQuickConnectConfig", "quick_connect", "QuickConnectId", check=people.quick_connect
    ),
    Update("UpdateSecurityProfile", "security_profile", "SecurityProfileId", check=people.granting),
    Update("UpdatePrompt", "prompt", "PromptId", adds=prompt_files.sound),
    Update(
        "UpdatePredefinedAttribute",
        "predefined_attribute",
        "Name",
        check=people.predefined_attribute_update,
    ),
    Update(
        "UpdateAuthenticationProfile",
        "authentication_profile",
        "AuthenticationProfileId",
        check=people.authentication_profile,
    ),
)


def update(row: Update) -> Handler:
    """The handler of a row."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        by_name = row.kind in BY_KIND and BY_KIND[row.kind].by_name
        resource = await context.read(
            lambda: located(desk.center, row.kind, row.id_member, params, by_name=by_name)
        )
        owner = KINDS[row.kind].owner or "InstanceId"
        sent = given(params, without=frozenset({"InstanceId", "ClientToken", owner, row.id_member}))
        for flag, name in row.resets.items():
            if sent.pop(flag, False):
                if name in sent:
                    raise invalid_parameter(flag, True, f"excludes {name}")
                sent[name] = None
        changes: dict[str, Any] = dict.fromkeys(row.clears)
        changes |= {row.renamed.get(name, name): value for name, value in sent.items()}
        changes = with_ids(desk.center.home, row.kind, changes)
        if changes.get("Description") == "":
            changes["Description"] = None  # taken away: what is described has one or none
        if row.check is not None:
            before = await context.read(lambda: dict(resource.properties))
            after = await row.check(desk.center, merged(before, changes))
            changes = {name: after.get(name) for name in changes}
        if row.adds is not None:
            changes |= await row.adds(context, params)
        await context.submit(desk, UpdateResource(row.kind, resource.id, changes))
        if not context.operation.members():
            return {}
        return await context.read(
            lambda: shown(
                context, BY_KIND[row.kind], described(BY_KIND[row.kind], desk.center, resource)
            )
        )

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


Changes = Mapping[str, Callable[[Rows], Rows]]
"""Each list of rows that changes, and how."""

QUEUES, MANUAL = "QueueConfigs", "ManualAssignmentQueueConfigs"
"""The rows that contacts are routed by; those that agents may pick contacts from."""


async def _change_rows(context: Context, params: Params, changes: Changes) -> Result:
    """Read, change, check, write; again if somebody else has written meanwhile."""
    desk = context.desk(params.InstanceId)

    async def change(before: Properties) -> Properties:
        rows = {
            name: list(changed(_keyed(before.get(name) or [])).values())
            for name, changed in changes.items()
        }
        await checks.routing_profile(desk.center, {**before, **rows})
        return rows

    def found() -> Resource:
        return located(desk.center, "routing_profile", "RoutingProfileId", params)

    await rewrite(context, desk, found, change)
    return {}


def _sent_rows(context: Context, params: Params, name: str = QUEUES) -> Rows:
    home = context.desk(params.InstanceId).center.home
    members = given(params, without=frozenset({"InstanceId", "RoutingProfileId"}))
    rows = with_ids(home, "routing_profile", members).get(name) or []
    keyed = _keyed(rows)
    if len(keyed) < len(rows):
        raise invalid_parameter(name, len(rows), "rows name a queue and channel twice")
    return keyed


@operation("AssociateRoutingProfileQueues")
async def associate_routing_profile_queues(context: Context, params: Params) -> Result:
    """Further queues; one that is there already gets the new priority and delay."""
    sent = {name: _sent_rows(context, params, name) for name in (QUEUES, MANUAL)}

    def added(name: str) -> Callable[[Rows], Rows]:
        return lambda before: {**before, **sent[name]}

    return await _change_rows(context, params, {name: added(name) for name in sent if sent[name]})


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

    return await _change_rows(context, params, {QUEUES: change})


@operation("DisassociateRoutingProfileQueues")
async def disassociate_routing_profile_queues(context: Context, params: Params) -> Result:
    """Queues that its agents no longer serve."""
    home = context.desk(params.InstanceId).center.home

    def without(member: str) -> Callable[[Rows], Rows]:
        gone = {
            (identifier(home, "queue", each.QueueId, member), each.Channel)
            for each in getattr(params, member) or ()
        }
        return lambda before: {key: row for key, row in before.items() if key not in gone}

    members = {QUEUES: "QueueReferences", MANUAL: "ManualAssignmentQueueReferences"}
    return await _change_rows(
        context,
        params,
        {name: without(member) for name, member in members.items() if getattr(params, member)},
    )


async def _list_rows(context: Context, params: Params, name: str, member: str) -> Result:
    """Rows of a routing profile, best priority first."""
    center = context.desk(params.InstanceId).center
    members = context.operation.members(member)

    def row_view(key: Key, row: Properties) -> Properties:
        queue: Resource = center.resources["queue"][key[0]]
        return {
            "QueueId": queue.id,
            "QueueArn": center.home.arn_of("queue", queue.id),
            "QueueName": queue.name,
            "Priority": row.get("Priority"),
            "Delay": row.get("Delay"),
            "Channel": key[1],
        }

    def question() -> Result:
        profile = located(center, "routing_profile", "RoutingProfileId", params)
        keyed = _keyed(profile.properties.get(name) or [])
        rows = sorted(
            (
                ((f"{row.get('Priority', 0):02}", *key), chosen(members, row_view(key, row)))
                for key, row in keyed.items()
            ),
            key=lambda each: each[0],
        )
        listed = context.page(params, member, rows, LIST_ROWS_DEFAULT)
        return {**listed, **modified(center, profile)}

    return await context.read(question)


@operation("ListRoutingProfileQueues")
async def list_routing_profile_queues(context: Context, params: Params) -> Result:
    """The queues of a routing profile, best priority first."""
    return await _list_rows(context, params, QUEUES, "RoutingProfileQueueConfigSummaryList")


@operation("ListRoutingProfileManualAssignmentQueues")
async def list_routing_profile_manual_assignment_queues(context: Context, params: Params) -> Result:
    """The queues that agents may pick contacts from."""
    member = "RoutingProfileManualAssignmentQueueConfigSummaryList"
    return await _list_rows(context, params, MANUAL, member)
