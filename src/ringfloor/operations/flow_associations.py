"""Flow associations: which flow takes what comes in from a resource of another service.

A kind of its own, found by type and id of the resource; to associate anew is to take another flow.
The flows of phone numbers stand with the numbers (operations.phone_numbers) and are listed here,
too. A listing knows no SMS numbers: the model has no word for them there.
"""

from collections.abc import Iterator

from ringfloor.base.errors import invalid_parameter, not_found
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.commands import CreateResource, DeleteResource, UpdateResource
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.engine.state import Center
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.registry import Params, Result, operation

KIND = "flow_association"
BY_ARN = frozenset({"SMS_PHONE_NUMBER", "WHATSAPP_MESSAGING_PHONE_NUMBER"})
"""Types of resources that are named by their ARN."""

VOICE, SMS = "VOICE_PHONE_NUMBER", "SMS_PHONE_NUMBER"


def _key(params: Params) -> str:
    return f"{params.ResourceType}/{params.ResourceId}"


def _association(center: Center, params: Params) -> Resource:
    found = center.names[KIND].get(_key(params))
    if found is None:
        raise not_found("ResourceId", params.ResourceId, KINDS[KIND].title)
    return center.resources[KIND][found]


def _row(center: Center, type_: str, resource: str, flow: str) -> Properties:
    arn = center.home.arn_of("contact_flow", flow)
    return {"ResourceId": resource, "FlowId": arn, "ResourceType": type_}


def _face(center: Center, association: Resource) -> Properties:
    properties = association.properties
    type_, resource = properties["ResourceType"], properties["ResourceId"]
    return _row(center, type_, resource, properties["FlowId"])


@operation("AssociateFlow")
async def associate_flow(context: Context, params: Params) -> Result:
    """From now on this flow takes what comes from the resource."""
    desk = context.desk(params.InstanceId)
    type_, resource = params.ResourceType, params.ResourceId
    if not resource or (type_ in BY_ARN and not resource.startswith("arn:")):
        raise invalid_parameter("ResourceId", resource, f"is no ARN, which {type_} needs")
    flow = identifier(desk.center.home, "contact_flow", params.FlowId, "FlowId")
    await context.read(lambda: desk.center.resource("contact_flow", flow, "FlowId"))
    known = await context.read(lambda: desk.center.names[KIND].get(_key(params)))
    if known is not None:
        await context.submit(desk, UpdateResource(KIND, known, {"FlowId": flow}))
        return {}
    properties = {
        "Resource": _key(params),
        "ResourceType": type_,
        "ResourceId": resource,
        "FlowId": flow,
    }
    quota = context.service.quotas.of(KIND)
    await context.submit(desk, CreateResource(kind=KIND, properties=properties, quota=quota))
    return {}


@operation("DisassociateFlow")
async def disassociate_flow(context: Context, params: Params) -> Result:
    """From now on no flow does."""
    desk = context.desk(params.InstanceId)
    found = await context.read(lambda: _association(desk.center, params))
    await context.submit(desk, DeleteResource(KIND, found.id))
    return {}


@operation("GetFlowAssociation")
async def get_flow_association(context: Context, params: Params) -> Result:
    """The flow of one resource."""
    center = context.desk(params.InstanceId).center
    return await context.read(lambda: _face(center, _association(center, params)))


def _listed(center: Center, type_: str | None) -> Iterator[Properties]:
    """Every association that a listing knows, of a type if one is given."""
    for number in center.resources["phone_number"].values():
        flow = number.properties.get("ContactFlowId")
        if flow is not None and type_ in (None, VOICE):
            yield _row(center, VOICE, center.home.arn_of("phone_number", number.id), flow)
    for association in center.resources[KIND].values():
        found = association.properties["ResourceType"]
        if found != SMS and type_ in (None, found):
            yield _face(center, association)


@operation("ListFlowAssociations")
async def list_flow_associations(context: Context, params: Params) -> Result:
    """The flows of phone numbers and other resources, by type and id."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        rows = sorted(
            ((each["ResourceType"], each["ResourceId"]), each)
            for each in _listed(center, params.ResourceType)
        )
        return context.page(params, "FlowAssociationSummaryList", rows, LIST_ROWS_DEFAULT)

    return await context.read(question)


@operation("BatchGetFlowAssociation")
async def batch_get_flow_association(context: Context, params: Params) -> Result:
    """The flows of these resources, in their order; what has none is left out."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        known: dict[str, list[Properties]] = {}
        for each in _listed(center, params.ResourceType):
            known.setdefault(each["ResourceId"], []).append(each)
        wanted = dict.fromkeys(params.ResourceIds)
        return {
            "FlowAssociationSummaryList": [row for each in wanted for row in known.get(each, ())]
        }

    return await context.read(question)
