"""Contact data: what may be said of a contact while it runs and, for the most part, afterwards.

Attributes, tags, name, description, references and segment attributes may change until the contact
is no longer kept; the schedule only while it waits. A change of a live contact is a command. A
change of a final one is a command with the record that the history has; whoever makes one holds
the desk's lock from looking the record up until the change is durable, so that no change is judged
by a record that another is about to alter.
"""

from typing import TypeVar

import msgspec

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.time import from_seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import ReferenceType
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.contacts import attributes_of, final, find, references_of
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.tasks import EXPIRY, life_of, live

Amend = TypeVar("Amend", commands.UpdateAttributes, commands.TagContact, commands.UpdateContact)


async def _amend(context: Context, desk: Desk, command: Amend, field: str = "ContactId") -> None:
    """Change a contact, live or final; refuses with ResourceNotFoundException."""
    try:
        await context.submit(desk, command)
    except Refusal as refusal:
        if refusal.code != "ResourceNotFoundException":
            raise
    else:
        return
    async with desk.amending:
        record = await final(context, desk, command.contact_id, field)
        await context.submit(desk, msgspec.structs.replace(command, record=record))


@operation("UpdateContactAttributes")
async def update_contact_attributes(context: Context, params: Params) -> Result:
    """New values for some user attributes."""
    desk = context.desk(params.InstanceId)
    contact_id = params.InitialContactId
    update = commands.UpdateAttributes(contact_id, attributes_of(params))
    await _amend(context, desk, update, "InitialContactId")
    return {}


@operation("GetContactAttributes")
async def get_contact_attributes(context: Context, params: Params) -> Result:
    """The user attributes."""
    desk = context.desk(params.InstanceId)
    attributes = await find(
        context,
        desk,
        params.InitialContactId,
        lambda contact: dict(contact.attributes),
        "InitialContactId",
    )
    return {"Attributes": attributes}


@operation("TagContact")
async def tag_contact(context: Context, params: Params) -> Result:
    """New values for some tags."""
    for key in params.Tags:
        if key.lower().startswith("aws:"):
            raise invalid_parameter("Tags", key, "begins with aws:, which is reserved")
    desk = context.desk(params.InstanceId)
    await _amend(context, desk, commands.TagContact(params.ContactId, dict(params.Tags)))
    return {}


@operation("UntagContact")
async def untag_contact(context: Context, params: Params) -> Result:
    """Take some tags away."""
    desk = context.desk(params.InstanceId)
    gone: dict[str, str | None] = dict.fromkeys(params.TagKeys)
    await _amend(context, desk, commands.TagContact(params.ContactId, gone))
    return {}


EXTERNAL_AUDIO = ("QueueInfo", "UserInfo", "CustomerEndpoint", "SystemEndpoint")
"""What UpdateContact changes on contacts whose sound comes from elsewhere; there are none."""

UPDATED = ("Name", "Description", "References", "SegmentAttributes")


@operation("UpdateContact")
async def update_contact(context: Context, params: Params) -> Result:
    """Another name or description; more references and segment attributes."""
    desk = context.desk(params.InstanceId)
    for member in EXTERNAL_AUDIO:
        if getattr(params, member) is not None:
            raise invalid_request(member, "...", "can be changed on external audio contacts only")
    if params.AdditionalRecipients is not None:
        raise invalid_request("AdditionalRecipients", "...", "can be changed on e-mail only")
    if all(getattr(params, member) is None for member in UPDATED):
        raise invalid_request("body", None, f"needs at least one of {', '.join(UPDATED)}")
    given = dict(params.SegmentAttributes or {})
    if EXPIRY in given:
        channel = await find(context, desk, params.ContactId, lambda each: each.channel)
        if channel != "TASK":
            raise invalid_request("SegmentAttributes", EXPIRY, "changes on tasks only")
    life_ms = life_of(given)
    given.pop(EXPIRY, None)
    segment = await context.read(
        lambda: {name: segment_value(desk.center, name, each) for name, each in given.items()}
    )
    if life_ms is not None:
        await live(context, desk, params.ContactId, commands.SetExpiry(params.ContactId, life_ms))
    await _amend(
        context,
        desk,
        commands.UpdateContact(
            contact_id=params.ContactId,
            name=params.Name,
            description=params.Description,
            references=references_of(params),
            segment_attributes=segment,
        ),
    )
    return {}


STRICT = "EnableValueValidationOnAssociation"


def segment_value(center: Center, name: str, given: Params) -> str:
    """The text of a segment attribute that has been defined; AWS's own are not for calls."""
    if name.startswith("connect:"):
        raise invalid_parameter("SegmentAttributes", name, "is AWS's own and follows the contact")
    defined = center.names["predefined_attribute"].get(name)
    if defined is None:
        rule = "is not the name of a predefined attribute"
        raise invalid_parameter("SegmentAttributes", name, rule)
    value = given.ValueString
    others = (given.ValueMap, given.ValueInteger, given.ValueList, given.ValueArn)
    if value is None or any(other is not None for other in others):
        raise invalid_parameter("SegmentAttributes", name, "needs a ValueString and nothing else")
    properties = center.resources["predefined_attribute"][defined].properties
    strict = (properties.get("AttributeConfiguration") or {}).get(STRICT)
    values = (properties.get("Values") or {}).get("StringList") or ()
    if strict and value not in values:
        rule = f"is not one of the values of the predefined attribute {name!r}"
        raise invalid_parameter("SegmentAttributes", value, rule)
    return str(value)


REFERENCE_MEMBERS: dict[ReferenceType, str] = {
    "URL": "Url",
    "NUMBER": "Number",
    "STRING": "String",
    "DATE": "Date",
    "EMAIL": "Email",
}
"""Type of a reference to the member of ReferenceSummary that shows it."""


@operation("ListContactReferences")
async def list_contact_references(context: Context, params: Params) -> Result:
    """The references of the types asked for, all on one page."""
    desk = context.desk(params.InstanceId)
    if params.NextToken is not None:
        raise invalid_parameter("NextToken", params.NextToken, "was never given: there is one page")
    references = await find(context, desk, params.ContactId, lambda each: dict(each.references))
    rows: list[Properties] = []
    for name, reference in references.items():
        if reference.type in params.ReferenceTypes:
            shown = {"Name": name, "Value": reference.value}
            present = {member: value for member, value in shown.items() if value is not None}
            rows.append({REFERENCE_MEMBERS[reference.type]: present})
    return {"ReferenceSummaryList": rows}


@operation("UpdateContactSchedule")
async def update_contact_schedule(context: Context, params: Params) -> Result:
    """Another time for a scheduled task."""
    desk = context.desk(params.InstanceId)
    at = from_seconds(params.ScheduledTime)
    try:
        await context.submit(desk, commands.UpdateSchedule(params.ContactId, at))
    except Refusal as refusal:
        if refusal.code != "ResourceNotFoundException":
            raise
        await final(context, desk, params.ContactId)
        raise invalid_request("ContactId", params.ContactId, "is not a scheduled task") from refusal
    return {}
