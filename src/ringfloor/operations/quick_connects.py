"""Quick connects: the queues whose agents see them.

A quick connect is a destination: a user, a queue, an outside number or a flow. Its row stands in
operations.kinds, what its types demand in operations.people. Those of a queue are a property of the
queue; an agent is shown those of the queues that he works for (server.agent_snapshot).
"""

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.resources import Properties
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.kinds import BY_KIND, chosen, face, located, modified
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.rewriting import rewrite

QUOTA = "queue_quick_connect"


async def _change(context: Context, params: Params, *, add: bool) -> Result:
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    sent = [
        identifier(home, "quick_connect", each, "QuickConnectIds")
        for each in params.QuickConnectIds
    ]
    quota = context.service.quotas.of(QUOTA)

    async def change(queue: Properties) -> Properties:
        before: list[str] = queue.get("QuickConnectIds") or []
        if not add:
            return {"QuickConnectIds": [each for each in before if each not in sent]}
        after = list(dict.fromkeys([*before, *sent]))
        if quota is not None and len(after) > quota:
            raise Refusal(
                "LimitExceededException",
                f"QuickConnectIds: the queue would have {len(after)}, its quota is {quota}",
            )
        return {"QuickConnectIds": after}

    await rewrite(context, desk, lambda: located(desk.center, "queue", "QueueId", params), change)
    return {}


@operation("AssociateQueueQuickConnects")
async def associate_queue_quick_connects(context: Context, params: Params) -> Result:
    """Further quick connects of a queue; those that it has it keeps."""
    return await _change(context, params, add=True)


@operation("DisassociateQueueQuickConnects")
async def disassociate_queue_quick_connects(context: Context, params: Params) -> Result:
    """Quick connects that the agents of a queue see no longer; others are not missed."""
    return await _change(context, params, add=False)


@operation("ListQueueQuickConnects")
async def list_queue_quick_connects(context: Context, params: Params) -> Result:
    """The quick connects of a queue, by name."""
    center = context.desk(params.InstanceId).center
    member = "QuickConnectSummaryList"

    def question() -> Result:
        queue = located(center, "queue", "QueueId", params)
        held = queue.properties.get("QuickConnectIds") or []
        found = [center.resources["quick_connect"][each] for each in held]
        members = context.operation.members(member)
        rows = [
            ((each.name, each.id), chosen(members, face(BY_KIND[each.kind], center, each)))
            for each in sorted(found, key=lambda each: (each.name, each.id))
        ]
        listed = context.page(params, member, rows, LIST_ROWS_DEFAULT)
        return {**listed, **modified(center, queue)}

    return await context.read(question)
