"""Contact routing: who is sought for a contact that waits, in which order, and offers by hand.

Source: behaviour specification, sections 4.1, 4.4 and 4.5.
"""

from msgspec import to_builtins

from ringfloor.base.errors import Refusal, invalid_parameter
from ringfloor.base.time import SECOND
from ringfloor.domain import commands
from ringfloor.domain.criteria import steps_of
from ringfloor.operations.contacts import final
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.registry import Params, Result, operation


@operation("UpdateContactRoutingData")
async def update_contact_routing_data(context: Context, params: Params) -> Result:
    """Another place in the queue, by priority or by age; other routing criteria."""
    desk = context.desk(params.InstanceId)
    priority, adjustment = params.QueuePriority, params.QueueTimeAdjustmentSeconds
    criteria = params.RoutingCriteria
    if (priority is None) == (adjustment is None) and (priority is not None or criteria is None):
        rule = "or QueueTimeAdjustmentSeconds is needed, and not both"
        raise invalid_parameter("QueuePriority", priority, rule)
    command = commands.UpdateRoutingData(
        params.ContactId,
        priority,
        None if adjustment is None else adjustment * SECOND,
        None if criteria is None else steps_of(to_builtins(criteria)),
    )
    try:
        await context.submit(desk, command)
    except Refusal as refusal:
        if refusal.code != "ResourceNotFoundException":
            raise
        await final(context, desk, command.contact_id)
        raise Refusal(
            "ResourceConflictException",
            f"ContactId: {params.ContactId!r} has ended; it waits for nobody any more",
        ) from refusal
    return {}


@operation("AssociateContactWithUser")
async def associate_contact_with_user(context: Context, params: Params) -> Result:
    """Offer a contact that waits in a queue to a user, whatever his status and slots."""
    desk = context.desk(params.InstanceId)
    user_id = identifier(desk.center.home, "user", params.UserId, "UserId")
    await context.submit(desk, commands.AssignContact(params.ContactId, user_id))
    return {}
