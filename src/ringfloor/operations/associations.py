"""Associations: what an instance may use of the world outside it, from one table.

Functions, bots, origins, keys, stores and shares of data are all associated, listed and taken away
alike; a row of ROWS says what is special. Each is a resource of its kind, which the directory keeps
unique. What they mean here:

* A flow may invoke the functions and bots that are associated with its instance (node.functions),
  and encrypt input with certificates that its security keys have signed (node.sealed_input).
* Approved origins are the pages that may show the agent's panel in a frame: origins().
* Stores of contact records and agent events are told, where Kinesis or Firehose have an endpoint
  (node.streams); all others, and shares, are kept and shown, and nothing is sent to them.

Sources: the documentation of botocore's model; behaviour specification, 1.2 and 6.5.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from msgspec import to_builtins

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.limits import (
    LIST_ASSOCIATIONS_DEFAULT,
    RECORDING_PLACE_CHARS_MAX,
    SECURITY_KEYS_MAX,
)
from ringfloor.base.time import seconds
from ringfloor.domain.commands import CreateResource, DeleteResource, UpdateResource
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.engine import recordings
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context
from ringfloor.operations.kinds import chosen
from ringfloor.operations.pem import is_rsa_public_key
from ringfloor.operations.registry import Handler, Params, Result, operation, register


class Association(NamedTuple):
    """How the API associates one thing with an instance."""

    noun: str
    """Associate{noun}, Disassociate{noun}."""
    plural: str
    """List{plural}."""
    listing: str
    """The member that holds a listing."""
    kind: Callable[[Params], str]
    properties: Callable[[Context, Params], Properties]
    """What Associate makes, of its request; refuses what breaks a rule."""
    found: Callable[[Center, Params], Resource]
    """What Disassociate takes away; refuses with ResourceNotFoundException."""
    row: Callable[[Center, Resource], object]
    """An entry of the listing."""
    shared: bool = False
    """To associate it again is no conflict, and answers what the listing shows."""
    wanted: Callable[[Params, Resource], bool] = lambda _params, _resource: True
    """Whether a listing asks for it."""


def _is(kind: str) -> Callable[[Params], str]:
    return lambda _params: kind


def _property(name: str) -> Callable[[Center, Resource], object]:
    return lambda _center, resource: resource.properties[name]


def _named(center: Center, kind: str, member: str, name: str) -> Resource:
    """The association of this name, which the member of the request says."""
    found = center.names[kind].get(name)
    if found is None:
        raise not_found(member, name, KINDS[kind].title)
    return center.resources[kind][found]


def _by(kind: str, member: str) -> Callable[[Center, Params], Resource]:
    """By the member that is the association's name."""
    return lambda center, params: _named(center, kind, member, getattr(params, member))


def _by_id(kind: str) -> Callable[[Center, Params], Resource]:
    return lambda center, params: center.resource(kind, params.AssociationId, "AssociationId")


# Functions

_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?"
)
_ADDRESS = re.compile(r"https?://\S+")


def _function(context: Context, params: Params) -> Properties:
    """An ARN; in a sandbox also the address that a flow may name instead of one."""
    arn = params.FunctionArn
    direct = context.service.sandbox and _ADDRESS.fullmatch(arn)
    if not direct and not _FUNCTION.fullmatch(arn):
        raise invalid_parameter("FunctionArn", arn, "is no ARN of a Lambda function")
    return {"FunctionArn": arn}


# Bots


def _bot_kind(params: Params) -> str:
    """ListBots names the version; the others show it by what they name."""
    version = getattr(params, "LexVersion", None)
    if version is None:
        version = "V1" if params.LexBot is not None else "V2"
    return "lex_bot" if version == "V1" else "lex_v2_bot"


def _lex_bot(name: str, region: str) -> Properties:
    return {"Bot": f"{region}/{name}", "Name": name, "LexRegion": region}


def _bot(_context: Context | None, params: Params) -> Properties:
    """A bot of Lex V1 or of V2."""
    if (params.LexBot is None) == (params.LexV2Bot is None):
        raise Refusal("InvalidRequestException", "LexBot, LexV2Bot: exactly one of them is needed")
    if params.LexBot is not None:
        return _lex_bot(params.LexBot.Name, params.LexBot.LexRegion)
    if params.LexV2Bot.AliasArn is None:
        raise invalid_request("AliasArn", None, "is needed")
    return {"AliasArn": params.LexV2Bot.AliasArn}


def _found_bot(center: Center, params: Params) -> Resource:
    properties, kind = _bot(None, params), _bot_kind(params)
    name = properties[KINDS[kind].name_member]
    return _named(center, kind, "LexBot" if kind == "lex_bot" else "LexV2Bot", name)


def _lex_bot_row(_center: Center, bot: Resource) -> Properties:
    return {name: bot.properties[name] for name in ("Name", "LexRegion")}


def _bot_row(center: Center, bot: Resource) -> Properties:
    if bot.kind == "lex_bot":
        return {"LexBot": _lex_bot_row(center, bot)}
    return {"LexV2Bot": {"AliasArn": bot.properties["AliasArn"]}}


# Origins

_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


def _origin(_context: Context, params: Params) -> Properties:
    """A scheme, a host (*.host: all below it) and perhaps a port."""
    if not _ORIGIN.fullmatch(params.Origin):
        raise invalid_parameter(
            "Origin", params.Origin, "is no origin such as https://example.com, without a path"
        )
    return {"Origin": params.Origin}


def origins(center: Center) -> list[str]:
    """The pages that may show the agent's panel in a frame (CSP frame-ancestors), sorted."""
    return sorted(each.name for each in center.resources["approved_origin"].values())


# Keys


def _key(_context: Context, params: Params) -> Properties:
    if not is_rsa_public_key(params.Key):
        rule = "is no RSA public key in PEM format (BEGIN PUBLIC KEY)"
        raise invalid_parameter("Key", params.Key, rule)
    return {"Key": params.Key}


def _key_row(_center: Center, key: Resource) -> Properties:
    return {
        "AssociationId": key.id,
        "Key": key.properties["Key"],
        "CreationTime": seconds(key.created_at),
    }


# Stores

STORAGE: Mapping[str, str] = {
    "S3": "S3Config",
    "KINESIS_VIDEO_STREAM": "KinesisVideoStreamConfig",
    "KINESIS_STREAM": "KinesisStreamConfig",
    "KINESIS_FIREHOSE": "KinesisFirehoseConfig",
}
"""Type of storage to the member that configures it."""

STREAMED: Mapping[str, tuple[str, ...]] = {
    "AGENT_EVENTS": ("KINESIS_STREAM", "KINESIS_FIREHOSE"),
    "CONTACT_TRACE_RECORDS": ("KINESIS_STREAM", "KINESIS_FIREHOSE"),
    "MEDIA_STREAMS": ("KINESIS_VIDEO_STREAM",),
    "REAL_TIME_CONTACT_ANALYSIS_SEGMENTS": ("KINESIS_STREAM",),
    "REAL_TIME_CONTACT_ANALYSIS_CHAT_SEGMENTS": ("KINESIS_STREAM",),
    "REAL_TIME_CONTACT_ANALYSIS_VOICE_SEGMENTS": ("KINESIS_STREAM",),
}
"""Where what is stored may go; what has no row goes to S3."""


_STREAM = r"arn:aws[a-z-]*:{}:[a-z0-9-]+:[0-9]{{12}}:{}/[A-Za-z0-9_.-]{{1,128}}"

STREAM_ARNS: Mapping[str, tuple[str, re.Pattern[str], str]] = {
    "KINESIS_STREAM": ("StreamArn", re.compile(_STREAM.format("kinesis", "stream")), "Kinesis"),
    "KINESIS_FIREHOSE": (
        "FirehoseArn",
        re.compile(_STREAM.format("firehose", "deliverystream")),
        "Firehose",
    ),
}
"""Type of storage to the member that says its ARN, what that is like, and whose it is."""


def _store(_context: Context, params: Params) -> Properties:
    """A store of the right type for what is to be stored, configured as that type."""
    config: Properties = to_builtins(params.StorageConfig)
    config.pop("AssociationId", None)  # ours to give
    wanted, kind = params.ResourceType, config["StorageType"]
    allowed = STREAMED.get(wanted, ("S3",))
    if kind not in allowed:
        raise invalid_parameter(
            "StorageType", kind, f"does not take {wanted}; {' or '.join(allowed)} does"
        )
    given = sorted(config.keys() - {"StorageType"})
    if given != [STORAGE[kind]]:
        raise invalid_parameter("StorageConfig", given, f"must be {STORAGE[kind]} for {kind}")
    if kind in STREAM_ARNS:
        member, pattern, whose = STREAM_ARNS[kind]
        arn = config[STORAGE[kind]][member]
        if not pattern.fullmatch(arn):
            raise invalid_parameter(member, arn, f"is no ARN of a stream of {whose}")
    if wanted == recordings.RECORDINGS and kind == "S3":
        place = recordings.place_in(config["S3Config"])
        if len(quote(place, safe="")) > RECORDING_PLACE_CHARS_MAX:
            rule = f"has with its bucket more than {RECORDING_PLACE_CHARS_MAX} characters, quoted"
            raise invalid_parameter("BucketPrefix", config["S3Config"]["BucketPrefix"], rule)
    return {"ResourceType": wanted, "StorageConfig": config}


def _found_store(center: Center, params: Params) -> Resource:
    store = center.resource("storage_config", params.AssociationId, "AssociationId")
    if store.name != params.ResourceType:
        raise not_found("AssociationId", params.AssociationId, f"store of {params.ResourceType}")
    return store


def _store_row(_center: Center, store: Resource) -> Properties:
    return {**store.properties["StorageConfig"], "AssociationId": store.id}


# Shares of data

DATA_SETS: Mapping[str, str] = {
    "agent_event": "Agent event",
    "agent_hierarchy_groups": "Agent hierarchy groups",
    "agent_queue_statistic_record": "Agent queue statistic record",
    "agent_statistic_record": "Agent statistic record",
    "contact_evaluation_record": "Contact evaluation record",
    "contact_flow_events": "Contact flow events",
    "contact_lens_conversational_analytics": "Contact Lens conversational analytics",
    "contact_record": "Contact record",
    "contact_statistic_record": "Contact statistic record",
    "outbound_campaign_events": "Outbound campaign events",
    "routing_profiles": "Routing profiles",
    "users": "Users",
}
"""Data sets of AWS's data lake and what its guide calls them; others can be associated, too."""


def _target(account: str, params: Params) -> str:
    target = params.TargetAccountId or account
    if len(target) != 12 or not target.isdecimal():
        raise invalid_parameter("TargetAccountId", target, "is no account id of 12 digits")
    return str(target)


def _share(account: str, data_set: str) -> Properties:
    return {
        "Share": f"{account}/{data_set}",
        "DataSetId": data_set,
        "TargetAccountId": account,
    }


def _found_share(center: Center, params: Params, data_set: str | None = None) -> Resource:
    wanted = data_set or params.DataSetId
    share = f"{_target(center.home.account, params)}/{wanted}"
    if share not in center.names["analytics_association"]:
        raise not_found("DataSetId", wanted, KINDS["analytics_association"].title)
    return _named(center, "analytics_association", "DataSetId", share)


def _share_row(center: Center, share: Resource) -> Properties:
    home = center.home
    return {
        "DataSetId": share.properties["DataSetId"],
        "TargetAccountId": share.properties["TargetAccountId"],
        "ResourceShareId": share.id,
        "ResourceShareArn": f"arn:aws:ram:{home.region}:{home.account}:resource-share/{share.id}",
        "ResourceShareStatus": "ACTIVE",
    }


SHARES = Association(
    "AnalyticsDataSet",
    "AnalyticsDataAssociations",
    "Results",
    _is("analytics_association"),
    lambda context, params: _share(_target(context.service.account, params), params.DataSetId),
    _found_share,
    _share_row,
    shared=True,
    wanted=lambda params, share: params.DataSetId in (None, share.properties["DataSetId"]),
)

ROWS = (
    SHARES,
    Association(
        "ApprovedOrigin",
        "ApprovedOrigins",
        "Origins",
        _is("approved_origin"),
        _origin,
        _by("approved_origin", "Origin"),
        _property("Origin"),
    ),
    Association(
        "Bot", "Bots", "LexBots", kind=_bot_kind, properties=_bot, found=_found_bot, row=_bot_row
    ),
    Association(
        "InstanceStorageConfig",
        "InstanceStorageConfigs",
        "StorageConfigs",
        _is("storage_config"),
        _store,
        _found_store,
        _store_row,
        wanted=lambda params, store: store.name == params.ResourceType,
    ),
    Association(
        "LambdaFunction",
        "LambdaFunctions",
        "LambdaFunctions",
        _is("lambda_function"),
        _function,
        _by("lambda_function", "FunctionArn"),
        _property("FunctionArn"),
    ),
    Association(
        "LexBot",
        "LexBots",
        "LexBots",
        _is("lex_bot"),
        lambda _context, params: _lex_bot(params.LexBot.Name, params.LexBot.LexRegion),
        lambda center, params: _named(
            center, "lex_bot", "BotName", f"{params.LexRegion}/{params.BotName}"
        ),
        _lex_bot_row,
    ),
    Association(
        "SecurityKey",
        "SecurityKeys",
        "SecurityKeys",
        _is("security_key"),
        _key,
        _by_id("security_key"),
        _key_row,
    ),
)

ALWAYS: Mapping[str, int] = {"security_key": SECURITY_KEYS_MAX}
"""Bounds that hold without --limits aws, too, unless the operator gives another."""


def quota(context: Context, kind: str) -> int | None:
    """How many associations of a kind one instance may have."""
    bound = context.service.quotas.of(kind)
    return ALWAYS.get(kind) if bound is None else bound


async def _associated(
    context: Context, desk: Desk, row: Association, properties: Properties, params: Params
) -> Properties:
    """What Associate answers, once it is associated."""
    kind = row.kind(params)
    name = properties[KINDS[kind].name_member]
    made = desk.center.names[kind].get(name) if row.shared else None
    if made is None:
        create = CreateResource(
            kind=kind,
            properties=properties,
            quota=quota(context, kind),
            client_token=getattr(params, "ClientToken", None),
        )
        made = await context.submit(desk, create)
    if not row.shared:
        return {"AssociationId": made}
    return await context.read(lambda: _share_row(desk.center, desk.center.resource(kind, made)))


def associate(row: Association) -> Handler:
    """Associate{noun}; a conflict where it is already."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        answer = await _associated(context, desk, row, row.properties(context, params), params)
        return chosen(context.operation.members(), answer)

    return handler


def list_(row: Association) -> Handler:
    """List{plural}: by name."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center

        def question() -> Result:
            found = sorted(
                ((each.name, each.id), each)
                for each in center.resources[row.kind(params)].values()
                if row.wanted(params, each)
            )
            rows: list[tuple[tuple[str, ...], Any]] = [
                (key, row.row(center, each)) for key, each in found
            ]
            return context.page(params, row.listing, rows, LIST_ASSOCIATIONS_DEFAULT)

        return await context.read(question)

    return handler


def disassociate(row: Association) -> Handler:
    """Disassociate{noun}."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        found = await context.read(lambda: row.found(desk.center, params))
        await context.submit(desk, DeleteResource(found.kind, found.id))
        return {}

    return handler


for _row in ROWS:
    register(f"Associate{_row.noun}", associate(_row))
    register(f"List{_row.plural}", list_(_row))
    register(f"Disassociate{_row.noun}", disassociate(_row))


@operation("DescribeInstanceStorageConfig")
async def describe_instance_storage_config(context: Context, params: Params) -> Result:
    """One store."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        return {"StorageConfig": _store_row(center, _found_store(center, params))}

    return await context.read(question)


@operation("UpdateInstanceStorageConfig")
async def update_instance_storage_config(context: Context, params: Params) -> Result:
    """Another store for the same."""
    desk = context.desk(params.InstanceId)
    found = await context.read(lambda: _found_store(desk.center, params))
    changes = _store(context, params)
    await context.submit(desk, UpdateResource("storage_config", found.id, changes))
    return {}


@operation("BatchAssociateAnalyticsDataSet")
async def batch_associate_analytics_data_set(context: Context, params: Params) -> Result:
    """Several data sets for one account; each for itself."""
    desk, account = context.desk(params.InstanceId), _target(context.service.account, params)

    async def share(data_set: str) -> object:
        return await _associated(context, desk, SHARES, _share(account, data_set), params)

    return await _each("Created", share, params)


@operation("BatchDisassociateAnalyticsDataSet")
async def batch_disassociate_analytics_data_set(context: Context, params: Params) -> Result:
    """Several data sets of one account; each for itself."""
    desk = context.desk(params.InstanceId)
    _target(context.service.account, params)

    async def unshare(data_set: str) -> object:
        found = await context.read(lambda: _found_share(desk.center, params, data_set))
        await context.submit(desk, DeleteResource(found.kind, found.id))
        return data_set

    return await _each("Deleted", unshare, params)


async def _each(member: str, work: Callable[[str], Awaitable[object]], params: Params) -> Result:
    """What has come of each data set, and why nothing of the others."""
    done: list[object] = []
    errors: list[Properties] = []
    for data_set in params.DataSetIds:
        try:
            done.append(await work(data_set))
        except Refusal as refusal:
            errors.append({"ErrorCode": refusal.code, "ErrorMessage": refusal.message})
    return {member: done, "Errors": errors}


@operation("ListAnalyticsDataLakeDataSets")
async def list_analytics_data_lake_data_sets(context: Context, params: Params) -> Result:
    """What can be associated, by id."""
    context.desk(params.InstanceId)
    rows: list[tuple[tuple[str, ...], Any]] = [
        ((name,), {"DataSetId": name, "DataSetName": title}) for name, title in DATA_SETS.items()
    ]
    return context.page(params, "Results", rows, LIST_ASSOCIATIONS_DEFAULT)
