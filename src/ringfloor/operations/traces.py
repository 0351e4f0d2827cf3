"""Traces: what a contact has been through in its flows, as a person reads it.

AWS has no operation for it; whoever may describe a contact may see its trace. Called by
server.traces. Flows are named as they are now; one that has been deleted has its id alone.
"""

from ringfloor.base.time import Instant, iso_milliseconds
from ringfloor.domain.contact import Contact
from ringfloor.domain.resources import Properties
from ringfloor.engine import flows
from ringfloor.engine.state import Center
from ringfloor.operations.contacts import find
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params
from ringfloor.projections import traces
from ringfloor.projections.traces import Step, Steps


async def trace(context: Context, params: Params) -> Properties:
    """The trace of a contact, live or final. params: those of DescribeContact."""
    desk, contact_id = context.desk(params.InstanceId), params.ContactId

    def look(contact: Contact) -> Steps | None:
        return desk.traces.steps(contact.id) if contact.id in desk.center.contacts else None

    found = await find(context, desk, contact_id, look)
    if found is None:
        kept = await context.node.analyse(
            desk, lambda history: history.trace(desk.instance_id, contact_id)
        )
        found = Steps([], 0) if kept is None else traces.kept(kept)
    return await context.read(lambda: view(desk.center, contact_id, found))


def view(center: Center, contact_id: str, found: Steps) -> Properties:
    """A trace in JSON; members that have no value are left out."""
    return {
        "ContactId": contact_id,
        "Steps": [_step(center, each) for each in found.steps],
        "DroppedSteps": found.dropped,
    }


def _step(center: Center, step: Step) -> Properties:
    members: Properties = {
        "Timestamp": _time(step.at),
        "LeftTimestamp": _time(step.left_at),
        "Side": step.side,
        "FlowId": step.flow_id,
        "FlowName": flow_name(center, step.flow_id),
        "Action": step.action or None,
        "Type": step.type or None,
        "Asked": step.asked,
        "Heard": step.heard,
        "Outcome": step.outcome,
    }
    return {name: value for name, value in members.items() if value is not None}


def _time(at: Instant | None) -> str | None:
    return None if at is None else iso_milliseconds(at)


def flow_name(center: Center, flow_id: str) -> str | None:
    """The present name of a flow or a module, also by the id of a version."""
    identifier = flows.pointer(flow_id).id
    for kind in ("contact_flow", "contact_flow_module"):
        known = center.resources[kind].get(identifier)
        if known is not None:
            return known.name
    return None
