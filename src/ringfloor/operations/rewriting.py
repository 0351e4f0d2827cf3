"""Rewriting: properties that are lists, read, changed and written as a whole.

Called by operations that add to a list or take from it. A write that somebody else was quicker than
is tried again with what he has written.
"""

from collections.abc import Awaitable, Callable

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import UPDATE_ATTEMPTS_MAX
from ringfloor.domain.commands import UpdateResource
from ringfloor.domain.resources import Properties, Resource
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context

Change = Callable[[Properties], Awaitable[Properties]]
"""All properties as they are to those that change; refuses what breaks a rule."""


async def rewrite(
    context: Context, desk: Desk, found: Callable[[], Resource], change: Change
) -> None:
    """Change properties of a resource. found: is asked for it within node.read."""
    for _ in range(UPDATE_ATTEMPTS_MAX):
        resource, before = await context.read(lambda: _read(found))
        changes = await change(before)
        expected = {name: before.get(name) for name in changes}
        update = UpdateResource(resource.kind, resource.id, changes, expected=expected)
        try:
            await context.submit(desk, update)
        except Refusal as refusal:
            if refusal.code != "ConditionalOperationFailedException":
                raise
        else:
            return
    raise Refusal("ThrottlingException", "too many change this resource at once; try again")


def _read(found: Callable[[], Resource]) -> tuple[Resource, Properties]:
    resource = found()
    return resource, dict(resource.properties)
