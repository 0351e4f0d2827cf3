"""Phone numbers: those that can be claimed, those that are, and the flow that answers.

A number belongs to the account and the Region and is looked up without its instance. Who claims one
or moves one to another instance holds node.creating, so that no number has two owners. Claiming is
asynchronous at AWS (IN_PROGRESS, then CLAIMED); here a number is CLAIMED when the request is
answered, and free again as soon as it is released.
"""

import re
from itertools import islice

from ringfloor.aws.tokens import Cursor
from ringfloor.base.errors import Refusal, invalid_parameter, not_found
from ringfloor.base.limits import AVAILABLE_NUMBERS_DEFAULT, CLIENT_TOKEN_MS, LIST_ROWS_DEFAULT
from ringfloor.domain.commands import CreateResource, DeleteResource, UpdateResource
from ringfloor.domain.resources import Properties, Resource
from ringfloor.engine.directory import merged
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.registry import Params, Result, operation

KIND = "phone_number"


def _owner(context: Context, phone_number: str) -> tuple[Desk, Resource]:
    """The instance that owns a number, named by id or ARN."""
    wanted = phone_number.rsplit("/", 1)[-1]
    for desk in context.node.desks.values():
        found = desk.center.resources[KIND].get(wanted)
        if found is not None and phone_number in (wanted, desk.center.home.arn_of(KIND, wanted)):
            return desk, found
    raise not_found("PhoneNumberId", phone_number, "phone number")


def _target(context: Context, params: Params) -> Desk | None:
    """The instance that a request names by one of two members; None: by neither."""
    if params.InstanceId is not None and params.TargetArn is not None:
        raise invalid_parameter("TargetArn", params.TargetArn, "excludes InstanceId")
    if params.TargetArn is not None and not params.TargetArn.startswith("arn:"):
        raise invalid_parameter("TargetArn", params.TargetArn, "is no ARN of an instance")
    named = params.InstanceId or params.TargetArn
    return None if named is None else context.desk(named)


def _needed(target: Desk | None) -> Desk:
    if target is None:
        raise invalid_parameter("InstanceId", None, "or TargetArn is needed")
    return target


def _centers(context: Context) -> list[Center]:
    return [desk.center for desk in context.node.desks.values() if desk.center.instance is not None]


_PREFIX = re.compile(r"\+[0-9]{1,15}")


def _prefix(params: Params) -> str:
    """The prefix that is asked for; empty: none."""
    prefix: str = params.PhoneNumberPrefix or ""
    if prefix and not _PREFIX.fullmatch(prefix):
        raise invalid_parameter("PhoneNumberPrefix", prefix, "must be + and digits")
    return prefix


# The pool


def _taken(context: Context) -> set[str]:
    return {number for center in _centers(context) for number in center.names[KIND]}


@operation("SearchAvailablePhoneNumbers")
async def search_available_phone_numbers(context: Context, params: Params) -> Result:
    """Numbers of the pool that no instance of this server owns, in order."""
    try:
        _needed(_target(context, params))
    except Refusal as refusal:  # the model has no ResourceNotFoundException here
        raise Refusal("InvalidParameterException", refusal.message) from refusal
    country, kind, prefix = params.PhoneNumberCountryCode, params.PhoneNumberType, _prefix(params)
    pages, size = context.service.pages, params.MaxResults or AVAILABLE_NUMBERS_DEFAULT
    instance = params.InstanceId or ""
    cursor = pages.cursor(context.operation, instance, params, context.now)
    after = "" if cursor is None else str(cursor.after[0])

    def question() -> Result:
        pool, taken = context.service.pool, _taken(context)
        found = list(islice(pool.available(country, kind, prefix, taken, after), size + 1))
        listed: Properties = {
            "AvailableNumbersList": [
                {
                    "PhoneNumber": number,
                    "PhoneNumberCountryCode": country,
                    "PhoneNumberType": kind,
                }
                for number in found[:size]
            ]
        }
        if len(found) <= size:
            return listed
        last = Cursor(after=(found[size - 1],))
        token = pages.next_token(context.operation, instance, params, last, context.now)
        return {**listed, "NextToken": token}

    return await context.read(question)


@operation("ClaimPhoneNumber")
async def claim_phone_number(context: Context, params: Params) -> Result:
    """From now on the number is this instance's; a ClientToken claims it once."""
    desk = _needed(_target(context, params))
    async with context.node.creating:
        claimed = _claimed_with(context, desk, params) or await _claim(context, desk, params)
    return _made(desk, claimed)


def _made(desk: Desk, identifier: str) -> Result:
    arn = desk.center.home.arn_of(KIND, identifier)
    return {"PhoneNumberId": identifier, "PhoneNumberArn": arn}


def _claimed_with(context: Context, desk: Desk, params: Params) -> str | None:
    """The id of what this client token has claimed; refused if that is not what it asks for now."""
    for center in _centers(context):
        found = center.made_with.get((KIND, params.ClientToken or ""))
        if found is None:
            continue
        number = center.resources[KIND][found]
        if number.created_at + CLIENT_TOKEN_MS <= context.now:
            continue
        if center is desk.center and number.name == params.PhoneNumber:
            return found
        raise Refusal(
            "IdempotencyException",
            f"ClientToken: {params.ClientToken!r} has claimed another number, or for another"
            " instance",
        )
    return None


async def _claim(context: Context, desk: Desk, params: Params) -> str:
    number = params.PhoneNumber
    found = context.service.pool.range_of(number)
    if found is None or number in _taken(context):
        raise not_found("PhoneNumber", number, "available phone number")
    create = CreateResource(
        kind=KIND,
        properties={
            "PhoneNumber": number,
            "PhoneNumberCountryCode": found.country,
            "PhoneNumberType": found.type,
            "PhoneNumberDescription": params.PhoneNumberDescription or "",
        },
        tags=params.Tags or {},
        quota=context.service.quotas.of(KIND),
        client_token=params.ClientToken,
    )
    return await context.submit(desk, create)


@operation("ReleasePhoneNumber")
async def release_phone_number(context: Context, params: Params) -> Result:
    """Back to the pool; refused while a queue calls out with it."""
    desk, number = await context.read(lambda: _owner(context, params.PhoneNumberId))
    await context.submit(desk, DeleteResource(KIND, number.id))
    return {}


@operation("UpdatePhoneNumber")
async def update_phone_number(context: Context, params: Params) -> Result:
    """To another instance, without its flow; in one commit, so that it always has one owner."""
    target = _needed(_target(context, params))
    async with context.node.creating:
        desk, number = await context.read(lambda: _owner(context, params.PhoneNumberId))
        if desk is not target:
            await context.node.submit_jointly(
                target.instance_id,
                CreateResource(
                    kind=KIND,
                    id=number.id,
                    properties=merged(number.properties, {"ContactFlowId": None}),
                    tags=dict(number.tags),
                    quota=context.service.quotas.of(KIND),
                ),
                [(desk.instance_id, DeleteResource(KIND, number.id))],
                context.origin,
            )
        return _made(target, number.id)


@operation("UpdatePhoneNumberMetadata")
async def update_phone_number_metadata(context: Context, params: Params) -> Result:
    """Another description; none that is sent changes nothing."""
    desk, number = await context.read(lambda: _owner(context, params.PhoneNumberId))
    if params.PhoneNumberDescription is not None:
        changes = {"PhoneNumberDescription": params.PhoneNumberDescription}
        await context.submit(desk, UpdateResource(KIND, number.id, changes))
    return {}


# What is claimed


def _claimed(center: Center, number: Resource) -> Properties:
    return {
        "PhoneNumberId": number.id,
        "PhoneNumberArn": center.home.arn_of(KIND, number.id),
        "PhoneNumber": number.name,
        "PhoneNumberCountryCode": number.properties["PhoneNumberCountryCode"],
        "PhoneNumberType": number.properties["PhoneNumberType"],
        "PhoneNumberDescription": number.properties["PhoneNumberDescription"],
        "TargetArn": center.home.arn,
        "InstanceId": center.home.instance_id,
    }


@operation("DescribePhoneNumber")
async def describe_phone_number(context: Context, params: Params) -> Result:
    """One number."""

    def question() -> Result:
        desk, number = _owner(context, params.PhoneNumberId)
        return {
            "ClaimedPhoneNumberSummary": {
                **_claimed(desk.center, number),
                "Tags": dict(number.tags),
                "PhoneNumberStatus": {"Status": "CLAIMED", "Message": ""},
            }
        }

    return await context.read(question)


@operation("ListPhoneNumbers")
async def list_phone_numbers(context: Context, params: Params) -> Result:
    """The numbers of an instance, in the form of 2018."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        rows = [
            (
                (number.name,),
                {
                    "Id": number.id,
                    "Arn": center.home.arn_of(KIND, number.id),
                    "PhoneNumber": number.name,
                    "PhoneNumberType": number.properties["PhoneNumberType"],
                    "PhoneNumberCountryCode": number.properties["PhoneNumberCountryCode"],
                },
            )
            for number in _wanted(center, params)
        ]
        return context.page(params, "PhoneNumberSummaryList", rows, LIST_ROWS_DEFAULT)

    return await context.read(question)


@operation("ListPhoneNumbersV2")
async def list_phone_numbers_v2(context: Context, params: Params) -> Result:
    """The numbers of an instance, or of all; filtered by country, type and prefix."""
    target, prefix = _target(context, params), _prefix(params)
    centers = _centers(context) if target is None else [target.center]

    def question() -> Result:
        rows = sorted(
            (
                ((number.name, number.id), _claimed(center, number))
                for center in centers
                for number in _wanted(center, params)
                if number.name.startswith(prefix)
            ),
            key=lambda row: row[0],
        )
        return context.page(params, "ListPhoneNumbersSummaryList", rows, LIST_ROWS_DEFAULT)

    return await context.read(question)


def _wanted(center: Center, params: Params) -> list[Resource]:
    countries, types = params.PhoneNumberCountryCodes, params.PhoneNumberTypes
    return sorted(
        (
            number
            for number in center.resources[KIND].values()
            if (not countries or number.properties["PhoneNumberCountryCode"] in countries)
            and (not types or number.properties["PhoneNumberType"] in types)
        ),
        key=lambda number: number.name,
    )


@operation("AssociatePhoneNumberContactFlow")
async def associate_phone_number_contact_flow(context: Context, params: Params) -> Result:
    """From now on this flow answers the number; only flows that begin with a call can."""
    desk = context.desk(params.InstanceId)
    number = identifier(desk.center.home, KIND, params.PhoneNumberId, "PhoneNumberId")
    flow = identifier(desk.center.home, "contact_flow", params.ContactFlowId, "ContactFlowId")
    kind = await context.read(
        lambda: desk.center.resource("contact_flow", flow, "ContactFlowId").properties["Type"]
    )
    if kind != "CONTACT_FLOW":
        raise invalid_parameter("ContactFlowId", params.ContactFlowId, f"is of type {kind}")
    await context.submit(desk, UpdateResource(KIND, number, {"ContactFlowId": flow}))
    return {}


@operation("DisassociatePhoneNumberContactFlow")
async def disassociate_phone_number_contact_flow(context: Context, params: Params) -> Result:
    """From now on no flow answers the number."""
    desk = context.desk(params.InstanceId)
    number = identifier(desk.center.home, KIND, params.PhoneNumberId, "PhoneNumberId")
    await context.submit(desk, UpdateResource(KIND, number, {"ContactFlowId": None}))
    return {}
