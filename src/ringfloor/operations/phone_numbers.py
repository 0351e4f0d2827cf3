"""Phone numbers: list, describe, and the flow that answers.

A number belongs to the account and the Region and is looked up without its instance.
"""

from ringfloor.base.errors import invalid_request, not_found
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.commands import UpdateResource
from ringfloor.domain.resources import Properties, Resource
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.registry import Params, Result, operation


def _owner(context: Context, phone_number: str) -> tuple[Desk, Resource]:
    """The instance that owns a number, named by id or ARN."""
    wanted = phone_number.rsplit("/", 1)[-1]
    for desk in context.node.desks.values():
        found = desk.center.resources["phone_number"].get(wanted)
        if found is not None:
            return desk, found
    raise not_found("PhoneNumberId", phone_number, "phone number")


def _claimed(center: Center, number: Resource) -> Properties:
    return {
        "PhoneNumberId": number.id,
        "PhoneNumberArn": center.home.arn_of("phone_number", number.id),
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
                    "Arn": center.home.arn_of("phone_number", number.id),
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
    target = params.InstanceId or params.TargetArn
    if params.InstanceId is not None and params.TargetArn is not None:
        raise invalid_request("TargetArn", params.TargetArn, "excludes InstanceId")
    centers = (
        [context.desk(target).center]
        if target is not None
        else [desk.center for desk in context.node.desks.values() if desk.sequence]
    )

    def question() -> Result:
        rows = sorted(
            (
                ((number.name, number.id), _claimed(center, number))
                for center in centers
                for number in _wanted(center, params)
                if number.name.startswith(params.PhoneNumberPrefix or "")
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
            for number in center.resources["phone_number"].values()
            if (not countries or number.properties["PhoneNumberCountryCode"] in countries)
            and (not types or number.properties["PhoneNumberType"] in types)
        ),
        key=lambda number: number.name,
    )


@operation("AssociatePhoneNumberContactFlow")
async def associate_phone_number_contact_flow(context: Context, params: Params) -> Result:
    """From now on this flow answers the number."""
    desk = context.desk(params.InstanceId)
    number = identifier(desk.center.home, "phone_number", params.PhoneNumberId, "PhoneNumberId")
    flow = identifier(desk.center.home, "contact_flow", params.ContactFlowId, "ContactFlowId")
    await context.submit(desk, UpdateResource("phone_number", number, {"ContactFlowId": flow}))
    return {}


@operation("DisassociatePhoneNumberContactFlow")
async def disassociate_phone_number_contact_flow(context: Context, params: Params) -> Result:
    """From now on no flow answers the number."""
    desk = context.desk(params.InstanceId)
    number = identifier(desk.center.home, "phone_number", params.PhoneNumberId, "PhoneNumberId")
    await context.submit(desk, UpdateResource("phone_number", number, {"ContactFlowId": None}))
    return {}
