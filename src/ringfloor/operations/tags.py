"""Tags: on every resource and on the instance, by ARN."""

from collections.abc import Mapping
from typing import Any

from ringfloor.aws.access import unqualified
from ringfloor.base.errors import invalid_parameter, not_found
from ringfloor.base.limits import LIST_ROWS_DEFAULT, RECORD_MONTHS_MAX, TAGS_MAX
from ringfloor.domain.commands import TagResource
from ringfloor.domain.contact import RETENTION_TAG, is_record_months
from ringfloor.domain.resources import KINDS
from ringfloor.engine.directory import INSTANCE
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params, Result, operation


def tags_of(node: Node, arn: str) -> Mapping[str, str]:
    """The tags of a resource, for decisions about it; none if there is no such resource.

    Of contacts those that are under way; operations.contacts has those of the ended ones.
    """
    found = _found(node, unqualified(arn))
    if found is not None:
        return _tags(found[0].center, *found[1:])
    identifier = arn.rsplit("/", 1)[-1]
    for desk in node.desks.values():
        contact = desk.center.contacts.get(identifier)
        if contact is not None and arn == desk.center.home.contact_arn(identifier):
            return contact.tags
    return {}


def _tagged(context: Context, arn: str) -> tuple[Desk, str, str]:
    """The desk, kind and id of a resource ARN; refuses with ResourceNotFoundException."""
    found = _found(context.node, arn)
    if found is None:
        raise not_found("resourceArn", arn, "resource that can be tagged")
    return found


def _found(node: Node, arn: str) -> tuple[Desk, str, str] | None:
    identifier = arn.rsplit("/", 1)[-1]
    for desk in node.desks.values():
        if desk.center.instance is None:
            continue
        home = desk.center.home
        if arn == home.arn:
            return desk, INSTANCE, identifier
        for kind in KINDS:
            if identifier in desk.center.resources[kind] and arn == home.arn_of(kind, identifier):
                return desk, kind, identifier
    return None


def _tags(center: Center, kind: str, identifier: str) -> dict[str, str]:
    if kind == INSTANCE:
        assert center.instance is not None
        return center.instance.tags
    return center.resource(kind, identifier, "resourceArn").tags


def check_retention(tags: Mapping[str, str]) -> None:
    """Refuses what is no number of months in the tag that says how long records are kept."""
    given = tags.get(RETENTION_TAG)
    if given is not None and not is_record_months(given):
        rule = f"is no value of {RETENTION_TAG}: months, 1 to {RECORD_MONTHS_MAX}"
        raise invalid_parameter("tags", given, rule)


@operation("TagResource")
async def tag_resource(context: Context, params: Params) -> Result:
    """New values for some tags."""
    desk, kind, identifier = _tagged(context, params.resourceArn)
    tags: dict[str, Any] = dict(params.tags)
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid_parameter("tags", key, "begins with aws:, which is reserved")
    if kind == INSTANCE:
        check_retention(tags)
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


SEARCHED: Mapping[str, str | None] = {
    "agent": "user",
    "agent-state": "agent_status",
    "contact-flow": "contact_flow",
    "flow-module": "contact_flow_module",
    "metric": None,
    "operating-hours": "hours_of_operation",
    "prompt": "prompt",
    "routing-profile": "routing_profile",
    "security-profile": "security_profile",
    "standard-queue": "queue",
    "transfer-destination": "quick_connect",
}
"""Types of resources whose tags can be searched for, to the kind; None: there are none here."""


@operation("SearchResourceTags")
async def search_resource_tags(context: Context, params: Params) -> Result:
    """Every key and value that is on a resource, once; by key, then value."""
    center = context.desk(params.InstanceId).center
    types = params.ResourceTypes or list(SEARCHED)
    for each in types:
        if each not in SEARCHED:
            rule = f"is none of {', '.join(SEARCHED)}"
            raise invalid_parameter("ResourceTypes", each, rule)
    kinds = [SEARCHED[each] for each in types]
    condition = params.SearchCriteria and params.SearchCriteria.TagSearchCondition

    def question() -> Result:
        pairs = {
            pair
            for kind in kinds
            for resource in center.resources.get(kind or "", {}).values()
            for pair in resource.tags.items()
            if condition is None or _fits(condition, *pair)
        }
        rows = [((key, value), {"key": key, "value": value}) for key, value in sorted(pairs)]
        return context.page(params, "Tags", rows, LIST_ROWS_DEFAULT)

    return await context.read(question)


def _fits(condition: Any, key: str, value: str) -> bool:  # noqa: ANN401  a decoded request
    """Whether a tag meets both halves of a condition; a half that is left out is met."""
    return _compares(condition.tagKey, condition.tagKeyComparisonType, key) and _compares(
        condition.tagValue, condition.tagValueComparisonType, value
    )


def _compares(wanted: str | None, how: str | None, text: str) -> bool:
    """As the conditions of operations.search: EXACT as it is, the others in any case."""
    if wanted is None:
        return True
    wanted_lower, lower = wanted.lower(), text.lower()
    match how:
        case "STARTS_WITH":
            return lower.startswith(wanted_lower)
        case "CONTAINS":
            return wanted_lower in lower
        case _:
            return text == wanted
