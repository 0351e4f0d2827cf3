"""Instances: create, describe, list, delete. An instance is a contact center of its own.

Creation is asynchronous at AWS (CREATION_IN_PROGRESS, then ACTIVE); here an instance is ACTIVE when
the request is answered. Source: behaviour specification, section 1.2.
"""

from collections.abc import Mapping

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.ids import derive
from ringfloor.base.limits import CLIENT_TOKEN_MS, LIST_INSTANCES_DEFAULT
from ringfloor.base.time import seconds
from ringfloor.domain import commands, practice
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.tags import check_retention


@operation("CreateInstance")
async def create_instance(context: Context, params: Params) -> Result:
    """A new center with everything that AWS seeds; a ClientToken makes it once."""
    _check_directory(params)
    async with context.node.creating:  # one at a time, so that each sees the one before
        return await _created(context, params)


async def _created(context: Context, params: Params) -> Result:
    node = context.node
    living = [desk.center for desk in node.desks.values() if desk.center.instance is not None]
    for center in living:
        instance = center.instance
        assert instance is not None
        if (
            params.ClientToken is not None
            and instance.client_token == params.ClientToken
            and context.now - instance.created_at < CLIENT_TOKEN_MS
        ):
            return {"Id": instance.id, "Arn": center.home.arn}
        alias = params.InstanceAlias
        if alias is not None and instance.alias.lower() == alias.lower():  # it is a host name
            raise Refusal(
                "InvalidRequestException",
                f"InstanceAlias: {params.InstanceAlias!r} is the alias of another instance",
            )
    quota = context.service.quotas.of("instance")
    if quota is not None and len(living) >= quota:
        raise Refusal(
            "ServiceQuotaExceededException",
            f"instance: this account has {len(living)}, its quota is {quota}",
        )
    tags = params.Tags or {}
    check_retention(tags)
    identifier = derive(node.draw(), 0)
    alias = params.InstanceAlias or identifier
    await node.create(
        commands.CreateInstance(
            instance_id=identifier,
            region=context.service.region,
            account=context.service.account,
            alias=alias,
            properties={
                "IdentityManagementType": params.IdentityManagementType,
                "InboundCallsEnabled": params.InboundCallsEnabled,
                "OutboundCallsEnabled": params.OutboundCallsEnabled,
                **practice.kept(practice.of_instance(context.service.practice, alias)),
            },
            tags=tags,
            client_token=params.ClientToken,
            number=context.service.number,
        ),
        context.origin,
    )
    return {"Id": identifier, "Arn": context.desk(identifier).center.home.arn}


def _check_directory(params: Params) -> None:
    """Which identity management needs an alias, and which a directory."""
    management = params.IdentityManagementType
    if management == "EXISTING_DIRECTORY":
        if params.DirectoryId is None:
            raise invalid_request("DirectoryId", None, f"is needed with {management}")
    elif params.DirectoryId is not None:
        raise invalid_request("DirectoryId", params.DirectoryId, f"not allowed with {management}")
    elif params.InstanceAlias is None:
        raise invalid_request("InstanceAlias", None, f"is needed with {management}")


def view(center: Center) -> Properties:
    """An instance as the API shows it."""
    instance = center.instance
    assert instance is not None
    home = center.home
    return {
        "Id": instance.id,
        "Arn": home.arn,
        "IdentityManagementType": instance.properties["IdentityManagementType"],
        "InstanceAlias": instance.alias,
        "CreatedTime": seconds(instance.created_at),
        "ServiceRole": f"arn:aws:iam::{home.account}:role/aws-service-role/connect.amazonaws.com"
        f"/AWSServiceRoleForAmazonConnect_{instance.id[:8]}",
        "InstanceStatus": "ACTIVE",
        "InboundCallsEnabled": instance.properties["InboundCallsEnabled"],
        "OutboundCallsEnabled": instance.properties["OutboundCallsEnabled"],
        "InstanceAccessUrl": f"https://{instance.alias}.my.connect.aws",
    }


@operation("DescribeInstance")
async def describe_instance(context: Context, params: Params) -> Result:
    """One instance."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        assert center.instance is not None
        return {"Instance": {**view(center), "Tags": dict(center.instance.tags)}}

    return await context.read(question)


@operation("ListInstances")
async def list_instances(context: Context, params: Params) -> Result:
    """All instances, by id."""

    def question() -> Result:
        rows = [
            ((identifier,), view(desk.center))
            for identifier, desk in sorted(context.node.desks.items())
            if desk.sequence
        ]
        return context.page(params, "InstanceSummaryList", rows, LIST_INSTANCES_DEFAULT)

    return await context.read(question)


ATTRIBUTES: Mapping[str, tuple[str, bool]] = {
    "INBOUND_CALLS": ("InboundCallsEnabled", True),
    "OUTBOUND_CALLS": ("OutboundCallsEnabled", True),
    "CONTACTFLOW_LOGS": ("ContactflowLogs", False),
    "CONTACT_LENS": ("ContactLens", False),
    "AUTO_RESOLVE_BEST_VOICES": ("AutoResolveBestVoices", True),
    "USE_CUSTOM_TTS_VOICES": ("UseCustomTtsVoices", False),
    "EARLY_MEDIA": ("EarlyMedia", True),
    "MULTI_PARTY_CONFERENCE": ("MultiPartyConference", False),
    "HIGH_VOLUME_OUTBOUND": ("HighVolumeOutbound", False),
    "ENHANCED_CONTACT_MONITORING": ("EnhancedContactMonitoring", False),
    "ENHANCED_CHAT_MONITORING": ("EnhancedChatMonitoring", False),
    "MULTI_PARTY_CHAT_CONFERENCE": ("MultiPartyChatConference", False),
    "AUTO_MUTE_AGENT_ON_HOLD": ("AutoMuteAgentOnHold", False),
    "MESSAGE_STREAMING": ("MessageStreaming", False),
}
"""Attribute to the instance's property and its default; the first three have an effect here."""


def _attribute(center: Center, name: str) -> Properties:
    assert center.instance is not None
    member, default = ATTRIBUTES[name]
    value = center.instance.properties.get(member, default)
    return {"AttributeType": name, "Value": "true" if value else "false"}


@operation("DescribeInstanceAttribute")
async def describe_instance_attribute(context: Context, params: Params) -> Result:
    """One attribute, as the text true or false."""
    center = context.desk(params.InstanceId).center
    return await context.read(lambda: {"Attribute": _attribute(center, params.AttributeType)})


@operation("ListInstanceAttributes")
async def list_instance_attributes(context: Context, params: Params) -> Result:
    """All attributes, by name."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        rows = [((name,), _attribute(center, name)) for name in sorted(ATTRIBUTES)]
        return context.page(params, "Attributes", rows, len(rows))

    return await context.read(question)


@operation("UpdateInstanceAttribute")
async def update_instance_attribute(context: Context, params: Params) -> Result:
    """A new value, true or false."""
    desk = context.desk(params.InstanceId)
    if params.Value not in ("true", "false"):
        raise invalid_parameter("Value", params.Value, "must be true or false")
    member, _ = ATTRIBUTES[params.AttributeType]
    await context.submit(desk, commands.UpdateInstance({member: params.Value == "true"}))
    return {}


@operation("DeleteInstance")
async def delete_instance(context: Context, params: Params) -> Result:
    """End an instance; refused while contacts live. Its journal stays on disk."""
    desk = context.desk(params.InstanceId)
    await context.node.delete(desk.instance_id, context.origin)
    return {}
