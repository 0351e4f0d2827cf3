"""Tags: on every resource and on the instance, by ARN."""

from typing import Any

from ringfloor.base.errors import invalid_parameter, not_found
from ringfloor.base.limits import TAGS_MAX
from ringfloor.domain.commands import TagResource
from ringfloor.domain.resources import KINDS
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params, Result, operation


def _tagged(context: Context, arn: str) -> tuple[Desk, str, str]:
    """The desk, kind and id of a resource ARN; refuses with ResourceNotFoundException."""
    identifier = arn.rsplit("/", 1)[-1]
    for desk in context.node.desks.values():
        if desk.center.instance is None:
            continue
        home = desk.center.home
        for kind in KINDS:
            if identifier in desk.center.resources[kind] and arn == home.arn_of(kind, identifier):
                return desk, kind, identifier
    raise not_found("resourceArn", arn, "resource that can be tagged")


def _tags(center: Center, kind: str, identifier: str) -> dict[str, str]:
    return center.resource(kind, identifier, "resourceArn").tags


@operation("TagResource")
async def tag_resource(context: Context, params: Params) -> Result:
    """New values for some tags."""
    desk, kind, identifier = _tagged(context, params.resourceArn)
    tags: dict[str, Any] = dict(params.tags)
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid_parameter("tags", key, "begins with aws:, which is reserved")
    after = {**_tags(desk.center, kind, identifier), **tags}
    if len(after) > TAGS_MAX:
        raise invalid_parameter("tags", len(after), f"are more than {TAGS_MAX} on one resource")
    await context.submit(desk, TagResource(kind, identifier, tags))
    return {}


@operation("UntagResource")
async def untag_resource(context: Context, params: Params) -> Result:
    """Take some tags away."""
    desk, kind, identifier = _tagged(context, params.resourceArn)
    gone: dict[str, str | None] = dict.fromkeys(params.tagKeys)
    await context.submit(desk, TagResource(kind, identifier, gone))
    return {}


@operation("ListTagsForResource")
async def list_tags_for_resource(context: Context, params: Params) -> Result:
    """All tags of a resource."""

    def question() -> Result:
        desk, kind, identifier = _tagged(context, params.resourceArn)
        return {"tags": dict(_tags(desk.center, kind, identifier))}

    return await context.read(question)
