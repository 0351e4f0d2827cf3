"""Tasks: started, put aside, taken up again, handed on.

What a task does then is decided by engine.task. Agents start tasks, too: `asked` is shared with the
agent service. Source: behaviour specification, section 5.6; botocore's model.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.limits import TASK_LIFE_MINUTES_MAX, TASK_LIFE_MS
from ringfloor.base.time import MINUTE, Duration, from_seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import Contact, Template, association
from ringfloor.domain.resources import Properties, Resource
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.contacts import attributes_of, check_readable, final, find, references_of
from ringfloor.operations.context import Context, identifier, not_yet
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.task_forms import Form, completed

WAYS = ("ContactFlowId", "QuickConnectId", "TaskTemplateId")
"""By exactly one of these a task finds its flow."""

EXPIRY = "connect:ContactExpiry"
CREATED_BY = "connect:CreatedByUser"


class Route(NamedTuple):
    """Where a task begins."""

    flow_id: str
    target_id: str | None = None
    """A queue or user that the flow finds set."""
    quick_connect_id: str | None = None
    template: Resource | None = None


@operation("StartTaskContact")
async def start_task_contact(context: Context, params: Params) -> Result:
    """A new task, at once or at its time."""
    desk = context.desk(params.InstanceId)
    if params.Attachments is not None:
        raise not_yet("Attachments", "...")
    route = await context.read(lambda: _route(desk.center, params))
    form = Form(
        name=params.Name,
        description=params.Description,
        at=None if params.ScheduledTime is None else from_seconds(params.ScheduledTime),
        life_ms=life_of(params.SegmentAttributes),
        references=references_of(params),
        attributes=attributes_of(params),
    )
    previous, related = params.PreviousContactId, params.RelatedContactId
    if previous is not None and related is not None:
        raise invalid_request("RelatedContactId", related, "excludes PreviousContactId")
    before: Contact | None = None
    association_id = None
    if previous is not None:
        before = await find(context, desk, previous, lambda each: each, "PreviousContactId")
    if related is not None:
        await check_readable(context, desk, related)
        copied, association_id = await find(
            context,
            desk,
            related,
            lambda each: (dict(each.attributes), association(each)),
            "RelatedContactId",
        )
        form = form._replace(attributes={**copied, **form.attributes})
    task_id = await context.submit(
        desk,
        asked(
            form,
            route,
            segment_attributes=_created_by(desk.center, params.SegmentAttributes),
            client_token=params.ClientToken,
            previous=before,
            related_contact_id=related,
            association_id=association_id,
            quota=context.service.quotas.of("task"),
        ),
    )
    return {"ContactId": task_id}


def asked(form: Form, route: Route, **more: object) -> commands.StartTask:
    """The command that starts a task; refuses what its template does not allow."""
    template = None
    if route.template is not None:
        form = completed(route.template.properties, form)
        template = Template(route.template.id, route.template.name)
    return commands.StartTask(
        name=form.name,
        description=form.description,
        flow_id=route.flow_id,
        target_id=route.target_id,
        quick_connect_id=route.quick_connect_id,
        template=template,
        references=form.references,
        attributes=form.attributes,
        at=form.at,
        life_ms=TASK_LIFE_MS if form.life_ms is None else form.life_ms,
        **more,  # type: ignore[arg-type]  # members of the command
    )


def _route(center: Center, params: Params) -> Route:
    given = [member for member in WAYS if getattr(params, member) is not None]
    if len(given) != 1:
        said = " and ".join(given) or None
        raise invalid_request("body", said, f"needs exactly one of {', '.join(WAYS)}")
    sent = getattr(params, given[0])
    match given[0]:
        case "ContactFlowId":
            return Route(identifier(center.home, "contact_flow", sent, "ContactFlowId"))
        case "QuickConnectId":
            found = identifier(center.home, "quick_connect", sent, "QuickConnectId")
            return of_quick_connect(center, found)
        case _:
            found = identifier(center.home, "task_template", sent, "TaskTemplateId")
            return of_template(center, found)


def of_quick_connect(center: Center, quick_connect_id: str) -> Route:
    """The flow of a quick connect, which finds its queue or user set."""
    resource = center.resource("quick_connect", quick_connect_id, "QuickConnectId")
    config = resource.properties["QuickConnectConfig"]
    inner: Properties = next(
        (config[each] for each in ("UserConfig", "QueueConfig", "FlowConfig") if config.get(each)),
        {},
    )
    if not inner:
        rule = "is an outside number, which takes no tasks"
        raise invalid_request("QuickConnectId", quick_connect_id, rule)
    target = inner.get("UserId") or inner.get("QueueId")
    return Route(inner["ContactFlowId"], target, quick_connect_id)


def of_template(center: Center, template_id: str) -> Route:
    """The flow of a template; refuses those that are inactive or have none."""
    template = center.resource("task_template", template_id, "TaskTemplateId")
    if template.properties.get("Status") != "ACTIVE":
        raise invalid_request("TaskTemplateId", template_id, "is inactive")
    flow_id = template.properties.get("ContactFlowId")
    if flow_id is None:
        raise invalid_request("TaskTemplateId", template_id, "has no flow for its tasks to run")
    return Route(flow_id, template=template)


def life_of(segment: Mapping[str, Params] | None) -> Duration | None:
    """How long a task lives, as connect:ContactExpiry says; None: as tasks do."""
    given = (segment or {}).get(EXPIRY)
    if given is None:
        return None
    duration = (given.ValueMap or {}).get("ExpiryDuration")
    minutes = None if duration is None else duration.ValueInteger
    if minutes is None or not 1 <= minutes <= TASK_LIFE_MINUTES_MAX:
        rule = f"needs ValueMap.ExpiryDuration.ValueInteger, 1 to {TASK_LIFE_MINUTES_MAX} minutes"
        raise invalid_parameter("SegmentAttributes", EXPIRY, rule)
    return int(minutes) * MINUTE


def _created_by(center: Center, segment: Mapping[str, Params] | None) -> dict[str, str]:
    """The segment attributes of a new task that are texts: who made it."""
    found = {}
    for name, given in (segment or {}).items():
        if name == EXPIRY:
            continue
        if name != CREATED_BY:
            rule = f"is none that a new task takes: {EXPIRY}, {CREATED_BY}"
            raise invalid_parameter("SegmentAttributes", name, rule)
        user = given.ValueArn or given.ValueString or ""
        user_id = identifier(center.home, "user", user, "SegmentAttributes")
        if user_id not in center.resources["user"]:
            raise invalid_parameter("SegmentAttributes", user, "is no user of this instance")
        found[name] = center.home.arn_of("user", user_id)
    return found


# While it lives


async def live(context: Context, desk: Desk, contact_id: str, command: commands.Command) -> str:
    """Do something to a live task; InvalidRequestException if it has ended."""
    try:
        return await context.submit(desk, command)
    except Refusal as refusal:
        of_contact = (refusal.message or "").startswith("ContactId:")
        if refusal.code != "ResourceNotFoundException" or not of_contact:
            raise
        await final(context, desk, contact_id)
    raise invalid_request("ContactId", contact_id, "has ended")


def _flow(desk: Desk, params: Params) -> str | None:
    if params.ContactFlowId is None:
        return None
    return identifier(desk.center.home, "contact_flow", params.ContactFlowId, "ContactFlowId")


@operation("PauseContact")
async def pause_contact(context: Context, params: Params) -> Result:
    """Put a task aside."""
    desk = context.desk(params.InstanceId)
    command = commands.PauseTask(params.ContactId, _flow(desk, params))
    await live(context, desk, params.ContactId, command)
    return {}


@operation("ResumeContact")
async def resume_contact(context: Context, params: Params) -> Result:
    """Take a task up again."""
    desk = context.desk(params.InstanceId)
    command = commands.ResumeTask(params.ContactId, _flow(desk, params))
    await live(context, desk, params.ContactId, command)
    return {}


@operation("TransferContact")
async def transfer_contact(context: Context, params: Params) -> Result:
    """A task goes on as another contact, in another flow, for another queue or user."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    if params.QueueId is not None and params.UserId is not None:
        raise invalid_request("UserId", params.UserId, "excludes QueueId")
    target = None
    if params.QueueId is not None:
        target = identifier(home, "queue", params.QueueId, "QueueId")
        desk.center.resource("queue", target, "QueueId")
    if params.UserId is not None:
        target = identifier(home, "user", params.UserId, "UserId")
        if target not in desk.center.resources["user"]:
            raise not_found("UserId", params.UserId, "user")
    flow_id = _flow(desk, params)
    assert flow_id is not None
    made = await live(
        context,
        desk,
        params.ContactId,
        commands.TransferTask(
            contact_id=params.ContactId,
            flow_id=flow_id,
            target_id=target,
            client_token=params.ClientToken,
        ),
    )
    return {"ContactId": made, "ContactArn": home.contact_arn(made)}
