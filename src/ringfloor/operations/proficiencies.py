"""Proficiencies: which values of predefined attributes a user has, and how well.

A proficiency is a value of an attribute that the instance has, at a level of 1 to 5; a user has
each value once. They are a property of the user, which names the attribute by its id, so that it
stays while anybody has a value of it, and by its name, which never changes.

Sources: the API reference on user proficiencies; behaviour specification, section 1.6.
"""

from collections.abc import Callable

from ringfloor.base.errors import Refusal, invalid_parameter, not_found
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center
from ringfloor.operations.context import Context
from ringfloor.operations.kinds import chosen, located, modified
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.rewriting import rewrite

KIND = "predefined_attribute"
QUOTA = "user_proficiency"

Held = dict[tuple[str, str], Properties]
"""By name and value of the attribute."""


def _held(user: Properties) -> Held:
    rows = user.get("Proficiencies") or []
    return {(row["AttributeName"], row["AttributeValue"]): row for row in rows}


def _keys(params: Params) -> list[tuple[str, str]]:
    """Name and value of each proficiency of the request, which names none twice."""
    keys = [(each.AttributeName, each.AttributeValue) for each in params.UserProficiencies]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise invalid_parameter("UserProficiencies", key, "stands there twice")
    return keys


def _sent(center: Center, params: Params) -> Held:
    """The proficiencies of a request, of attributes and values that there are."""
    _keys(params)
    return dict(_row(center, each) for each in params.UserProficiencies)


def _row(center: Center, given: Params) -> tuple[tuple[str, str], Properties]:
    name, value = given.AttributeName, given.AttributeValue
    found = center.names[KIND].get(name)
    if found is None:
        raise not_found("AttributeName", name, "predefined attribute")
    values = center.resources[KIND][found].properties["Values"]["StringList"]
    if value not in values:
        rule = f"is no value of the predefined attribute {name!r}"
        raise invalid_parameter("AttributeValue", value, rule)
    if not float(given.Level).is_integer():
        raise invalid_parameter("Level", given.Level, "must be 1, 2, 3, 4 or 5")
    return (name, value), {
        "AttributeId": found,
        "AttributeName": name,
        "AttributeValue": value,
        "Level": float(given.Level),
    }


async def _change(context: Context, params: Params, change: Callable[[Held], Held]) -> Result:
    desk = context.desk(params.InstanceId)

    async def changed(user: Properties) -> Properties:
        return {"Proficiencies": list(change(_held(user)).values())}

    await rewrite(context, desk, lambda: located(desk.center, "user", "UserId", params), changed)
    return {}


@operation("AssociateUserProficiencies")
async def associate_user_proficiencies(context: Context, params: Params) -> Result:
    """Further proficiencies; one that is there already gets the new level."""
    center = context.desk(params.InstanceId).center
    sent = await context.read(lambda: _sent(center, params))
    quota = context.service.quotas.of(QUOTA)

    def change(before: Held) -> Held:
        after = {**before, **sent}
        if quota is not None and len(after) > quota:
            raise Refusal(
                "LimitExceededException",
                f"UserProficiencies: the user would have {len(after)}, his quota is {quota}",
            )
        return after

    return await _change(context, params, change)


@operation("UpdateUserProficiencies")
async def update_user_proficiencies(context: Context, params: Params) -> Result:
    """New levels of proficiencies that the user has."""
    center = context.desk(params.InstanceId).center
    sent = await context.read(lambda: _sent(center, params))

    def change(before: Held) -> Held:
        _check_there(list(sent), before)
        return {**before, **sent}

    return await _change(context, params, change)


@operation("DisassociateUserProficiencies")
async def disassociate_user_proficiencies(context: Context, params: Params) -> Result:
    """Take proficiencies away that the user has."""
    gone = _keys(params)

    def change(before: Held) -> Held:
        _check_there(gone, before)
        return {key: row for key, row in before.items() if key not in gone}

    return await _change(context, params, change)


def _check_there(keys: list[tuple[str, str]], before: Held) -> None:
    for key in keys:
        if key not in before:
            raise invalid_parameter("UserProficiencies", key, "is no proficiency of this user")


@operation("ListUserProficiencies")
async def list_user_proficiencies(context: Context, params: Params) -> Result:
    """The proficiencies of a user, by attribute and value."""
    center = context.desk(params.InstanceId).center
    member = "UserProficiencyList"

    def question() -> Result:
        user = located(center, "user", "UserId", params)
        members = context.operation.members(member)
        held = sorted(_held(user.properties).items(), key=lambda each: each[0])
        rows = [(key, chosen(members, row)) for key, row in held]
        listed = context.page(params, member, rows, LIST_ROWS_DEFAULT)
        return {**listed, **modified(center, user)}

    return await context.read(question)
