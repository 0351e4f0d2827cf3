"""CRUD: Create, Describe, List and Delete of every kind of resource that operations.kinds names."""

from collections.abc import Callable, Mapping

from ringfloor.base.errors import Refusal, invalid_request
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.commands import CreateResource, DeleteResource
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.operations.checks import CHECKS, LENIENT
from ringfloor.operations.context import Context, given, with_ids
from ringfloor.operations.kinds import (
    ROWS,
    Crud,
    chosen,
    described,
    face,
    located,
    owner_of,
    property_at,
)
from ringfloor.operations.registry import Handler, Params, Result, register

NOT_PROPERTIES = frozenset({"InstanceId", "Tags", "ClientToken"})
"""Members of a Create request that are not properties of what it makes."""


def shown(context: Context, row: Crud, everything: Properties) -> Result:
    """A description as this operation's output has it."""
    wrapper = row.noun if row.wrapper is None else row.wrapper
    if wrapper in context.operation.members():
        return {wrapper: chosen(context.operation.members(wrapper), everything)}
    return chosen(context.operation.members(), everything)


def create(row: Crud) -> Handler:
    """Create{noun}."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        properties = given(params, without=NOT_PROPERTIES)
        properties = with_ids(desk.center.home, row.kind, properties)
        check = (LENIENT if context.service.lenient_flows else CHECKS).get(row.kind)
        if check is not None:
            properties = await check(desk.center, properties)
        if row.adds is not None:
            properties |= await row.adds(context, params)
        create = CreateResource(
            kind=row.kind,
            properties=properties,
            tags=getattr(params, "Tags", None) or {},
            quota=context.service.quotas.of(row.kind),
            client_token=getattr(params, "ClientToken", None),
        )
        made = await context.submit(desk, create)

        def question() -> Result:
            resource = desk.center.resource(row.kind, made, row.id_member)
            _check_same(context, create, resource)
            everything = described(row, desk.center, resource)
            return shown(context, row, everything)

        return await context.read(question)

    return handler


def _check_same(context: Context, create: CreateResource, made: Resource) -> None:
    """A client token that is used again asks for the same, as far as that can still be known."""
    changed = made.modified_at != made.created_at
    if changed or "IdempotencyException" not in context.operation.declared:
        return
    if (made.properties, made.tags) != (create.properties, create.tags):
        raise Refusal(
            "IdempotencyException",
            f"ClientToken: {create.client_token!r} has made something else, {made.id}",
        )


def describe(row: Crud) -> Handler:
    """Describe{noun}."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center

        def question() -> Result:
            resource = located(center, row.kind, row.id_member, params, by_name=row.by_name)
            return shown(context, row, described(row, center, resource))

        return await context.read(question)

    return handler


def _wanted(row: Crud, params: Params, owner: str | None) -> Callable[[Resource], bool]:
    """Whether a listing is asked for this resource."""
    member = KINDS[row.kind].owner
    asked = {
        path: getattr(params, parameter)
        for parameter, path in row.filters.items()
        if getattr(params, parameter)
    }

    def fits(resource: Resource) -> bool:
        if member is not None and resource.properties[member] != owner:
            return False
        return all(
            property_at(resource, path) in (value if isinstance(value, list) else [value])
            for path, value in asked.items()
        )

    return fits


def list_(row: Crud) -> Handler:
    """List{plural}: by name."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center
        members = context.operation.members(row.summary)
        look = described if row.listed_whole else face

        def question() -> Result:
            owned = KINDS[row.kind].owner is not None
            owner = owner_of(center, row.kind, params) if owned else None
            wanted = _wanted(row, params, owner)
            resources = sorted(
                filter(wanted, center.resources[row.kind].values()),
                key=lambda resource: (resource.name, resource.id),
            )
            rows = [((each.name, each.id), each) for each in resources]
            listed = context.page(params, row.summary, rows, LIST_ROWS_DEFAULT)
            shown = [chosen(members, look(row, center, each)) for each in listed[row.summary]]
            return {**listed, row.summary: shown}

        return await context.read(question)

    return handler


def delete(row: Crud) -> Handler:
    """Delete{noun}; what is a default stays. Where there is an answer, it says what goes."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        resource = await context.read(
            lambda: located(desk.center, row.kind, row.id_member, params, by_name=row.by_name)
        )
        if resource.properties.get("IsDefault"):
            raise invalid_request(
                row.id_member, resource.name, "is a default and cannot be deleted"
            )
        gone = await context.read(lambda: face(row, desk.center, resource))
        await context.submit(desk, DeleteResource(row.kind, resource.id))
        return chosen(context.operation.members(), {**gone, "State": "DELETE_IN_PROGRESS"})

    return handler


VERBS: Mapping[str, Callable[[Crud], Handler]] = {
    "Create": create,
    "Describe": describe,
    "Get": describe,
    "List": list_,
    "Delete": delete,
}

for _row in ROWS:
    for _verb in _row.verbs:
        register(f"{_verb}{_row.plural if _verb == 'List' else _row.noun}", VERBS[_verb](_row))
