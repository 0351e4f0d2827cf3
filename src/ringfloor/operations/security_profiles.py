"""Security profiles: what one grants, as lists, and the AI agents that have some.

Their row stands in operations.kinds, what they demand in operations.people, what they mean in
operations.permissions. A user's profiles are a property of the user. AI agents belong to another
service: here they are ARNs that profiles are attached to, and a profile stays while one has it.
The model says of the entities that only AI_AGENT is supported; a USER changes by
UpdateUserSecurityProfiles.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ringfloor.base.errors import Refusal, invalid_parameter, not_found
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.commands import CreateResource
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.engine.state import Center
from ringfloor.operations import permissions
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.kinds import located, modified
from ringfloor.operations.registry import Handler, Params, Result, operation, register
from ringfloor.operations.rewriting import rewrite

AI_AGENT = "ai_agent"


class Listing(NamedTuple):
    """An operation that lists what a security profile grants."""

    name: str
    member: str
    rows: Callable[[Resource], list[tuple[str, Any]]]
    """(key, row), the keys without order."""


def _entries(name: str, key: str) -> Callable[[Resource], list[tuple[str, Any]]]:
    """A property that is a list of structures."""
    return lambda profile: [
        (each.get(key) or "", each) for each in profile.properties.get(name) or ()
    ]


LISTINGS = (
    Listing(
        "ListSecurityProfilePermissions",
        "Permissions",
        lambda profile: [(each, each) for each in permissions.of_profile(profile)],
    ),
    Listing(
        "ListSecurityProfileApplications", "Applications", _entries("Applications", "Namespace")
    ),
    Listing(
        "ListSecurityProfileFlowModules",
        "AllowedFlowModules",
        _entries("AllowedFlowModules", "FlowModuleId"),
    ),
)


def list_(row: Listing) -> Handler:
    """The handler of a row: by key, and when the profile was last changed."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center

        def question() -> Result:
            profile = located(center, "security_profile", "SecurityProfileId", params)
            found = sorted(row.rows(profile), key=lambda each: each[0])
            rows = [((key,), shown) for key, shown in found]
            listed = context.page(params, row.member, rows, LIST_ROWS_DEFAULT)
            return {**listed, **modified(center, profile)}

        return await context.read(question)

    return handler


for _row in LISTINGS:
    register(_row.name, list_(_row))


# AI agents

_AGENT_ARN = re.compile(r"arn:aws[a-z-]*:wisdom:[a-z0-9-]+:[0-9]{12}:ai-agent/\S+")


def _entity(params: Params) -> str:
    """The ARN of the AI agent that a request is about."""
    if params.EntityType != "AI_AGENT":
        rule = "is not supported, only AI_AGENT is; UpdateUserSecurityProfiles changes a user's"
        raise invalid_parameter("EntityType", params.EntityType, rule)
    if not _AGENT_ARN.fullmatch(params.EntityArn):
        raise invalid_parameter("EntityArn", params.EntityArn, "is no ARN of an AI agent")
    arn: str = params.EntityArn
    return arn


def _agent(center: Center, arn: str) -> Resource | None:
    found = center.names[AI_AGENT].get(arn)
    return None if found is None else center.resources[AI_AGENT][found]


async def _change(
    context: Context, params: Params, change: Callable[[list[str], list[str]], list[str]]
) -> Result:
    """Attach or detach. change: ids that the agent has, ids of the request, to those it gets."""
    desk, arn = context.desk(params.InstanceId), _entity(params)
    sent = [
        identifier(desk.center.home, "security_profile", each.Id or "", "SecurityProfiles")
        for each in params.SecurityProfiles
    ]

    def found() -> Resource:
        for each in sent:
            desk.center.resource("security_profile", each, "SecurityProfiles")
        agent = _agent(desk.center, arn)
        if agent is None:
            raise not_found("EntityArn", arn, KINDS[AI_AGENT].title)
        return agent

    async def changed(agent: Properties) -> Properties:
        return {"SecurityProfileIds": change(agent["SecurityProfileIds"], sent)}

    await rewrite(context, desk, found, changed)
    return {}


async def _make(context: Context, params: Params) -> None:
    """See to it that the AI agent is known."""
    desk, arn = context.desk(params.InstanceId), _entity(params)
    if await context.read(lambda: _agent(desk.center, arn)) is not None:
        return
    properties = {"EntityArn": arn, "SecurityProfileIds": []}
    quota = context.service.quotas.of(AI_AGENT)
    try:
        create = CreateResource(kind=AI_AGENT, properties=properties, quota=quota)
        await context.submit(desk, create)
    except Refusal as refusal:
        if refusal.code != "ResourceConflictException":  # somebody else was quicker
            raise


@operation("AssociateSecurityProfiles")
async def associate_security_profiles(context: Context, params: Params) -> Result:
    """Further security profiles of an AI agent."""
    await _make(context, params)
    return await _change(
        context, params, lambda before, sent: list(dict.fromkeys([*before, *sent]))
    )


@operation("DisassociateSecurityProfiles")
async def disassociate_security_profiles(context: Context, params: Params) -> Result:
    """Security profiles that an AI agent has no longer."""
    return await _change(
        context, params, lambda before, sent: [each for each in before if each not in sent]
    )


@operation("ListEntitySecurityProfiles")
async def list_entity_security_profiles(context: Context, params: Params) -> Result:
    """The security profiles of an AI agent, by id."""
    center, arn = context.desk(params.InstanceId).center, _entity(params)

    def question() -> Result:
        agent = _agent(center, arn)
        held = [] if agent is None else sorted(agent.properties["SecurityProfileIds"])
        rows = [((each,), {"Id": each}) for each in held]
        return context.page(params, "SecurityProfiles", rows, LIST_ROWS_DEFAULT)

    return await context.read(question)
