"""Search: resources of one kind that fit nested conditions, from one table.

A row of ROWS says which fields of a kind can be searched for; the conditions are the same for all.
Rules:

* Criteria are a tree: OrConditions, AndConditions and leaves. Members of one node must all hold;
  an empty node holds for everything. So does an empty filter.
* EXACT compares as it is, STARTS_WITH and CONTAINS pay no heed to case; a field with several values
  fits if one of them does. Field names are written in any case, as AWS's own pages do.
* Results are ordered by name, then id, and are descriptions without flow content. PhoneConfig's
  AfterContactWorkTimeLimit is in milliseconds here and nowhere else, as the model says.

Sources: the SearchCriteria and SearchFilter shapes of botocore's model and their documentation.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec.structs import asdict

from ringfloor.base.errors import invalid_parameter
from ringfloor.base.limits import SEARCH_CONDITIONS_MAX, SEARCH_DEPTH_MAX, SEARCH_ROWS_DEFAULT
from ringfloor.domain.resources import Properties, Resource
from ringfloor.engine.hierarchy import path
from ringfloor.engine.state import Center
from ringfloor.operations import hierarchy
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.kinds import BY_KIND, chosen, described
from ringfloor.operations.registry import Handler, Params, Result, register

Values = Callable[[Center, Resource], Iterable[object]]
"""What a resource has in a field."""

Fits = Callable[[Resource], bool]


class Search(NamedTuple):
    """What of one kind can be searched for, besides name, description and resourceId."""

    kind: str
    fields: Mapping[str, Values] = {}


def _property(*path: str) -> Values:
    def values(_center: Center, resource: Resource) -> Iterable[object]:
        value: Any = resource.properties
        for name in path:
            value = value.get(name) if value else None
        return value if isinstance(value, list) else [] if value is None else [value]

    return values


def _queues(_center: Center, profile: Resource) -> Iterable[object]:
    rows = profile.properties.get("QueueConfigs") or []
    return {row["QueueReference"]["QueueId"] for row in rows}


def _level(center: Center, group: Resource) -> Iterable[object]:
    return [hierarchy.standing(center, group)["LevelId"]]


ROWS = (
    Search(
        "agent_status",
        {
            "state": _property("State"),
            "type": _property("Type"),
            "displayOrder": _property("DisplayOrder"),
        },
    ),
    Search("contact_flow", {"type": _property("Type"), "state": _property("State")}),
    Search("contact_flow_module", {"state": _property("State"), "status": _property("Status")}),
    Search("hierarchy_group", {"parentId": _property("ParentGroupId"), "levelId": _level}),
    Search("hours_of_operation", {"timezone": _property("TimeZone")}),
    Search("hours_of_operation_override", {"hoursOfOperationId": _property("HoursOfOperationId")}),
    Search("predefined_attribute", {"values": _property("Values", "StringList")}),
    Search("prompt"),
    Search("queue", {"hoursOfOperationId": _property("HoursOfOperationId")}),
    Search(
        "quick_connect", {"quickConnectType": _property("QuickConnectConfig", "QuickConnectType")}
    ),
    Search("routing_profile", {"associatedQueueIds": _queues}),
    Search("security_profile"),
    Search(
        "user",
        {
            "username": _property("Username"),
            "firstName": _property("IdentityInfo", "FirstName"),
            "lastName": _property("IdentityInfo", "LastName"),
            "email": _property("IdentityInfo", "Email"),
            "routingProfileId": _property("RoutingProfileId"),
            "securityProfileId": _property("SecurityProfileIds"),
        },
    ),
)

SCALARS: Mapping[str, str] = {
    "QueueTypeCondition": "QueueType",
    "StateCondition": "State",
    "StatusCondition": "Status",
    "TypeCondition": "Type",
}
"""Conditions that are one value, to the property that must equal it."""


def _fields(row: Search) -> Mapping[str, Values]:
    common: dict[str, Values] = {
        "name": lambda _center, resource: [resource.name],
        "description": _property("Description"),
        "resourceId": lambda _center, resource: [resource.id],
    }
    return {name.lower(): values for name, values in (common | dict(row.fields)).items()}


def search(row: Search) -> Handler:
    """Search{plural}."""
    fields = _fields(row)
    plural = BY_KIND[row.kind].plural

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center
        members = context.operation.members(plural) - {"Content"}

        def summary(resource: Resource) -> Properties:
            """Of structures too there may be less than in a description."""
            face = chosen(members, described(BY_KIND[row.kind], center, resource))
            for name in face:
                inner = context.operation.members(plural, name)
                if inner and isinstance(face[name], dict):
                    face[name] = _with_milliseconds(chosen(inner, face[name]))
            return face

        def question() -> Result:
            conditions = _Conditions(center, row.kind, fields)
            fits = _every(
                [
                    conditions.criteria(params.SearchCriteria, 1),
                    conditions.filter(getattr(params, "SearchFilter", None)),
                ]
            )
            found = sorted(
                ((each.name, each.id), each)
                for each in filter(fits, center.resources[row.kind].values())
            )
            listed = context.page(params, plural, found, SEARCH_ROWS_DEFAULT)
            shown = [summary(each) for each in listed[plural]]
            return {**listed, plural: shown, "ApproximateTotalCount": len(found)}

        return await context.read(question)

    return handler


def _with_milliseconds(shown: Properties) -> Properties:
    """A PhoneConfig as SearchUsers shows it; whatever has no such limit stays as it is."""
    limit = shown.get("AfterContactWorkTimeLimit")
    return shown if limit is None else {**shown, "AfterContactWorkTimeLimit": limit * 1_000}


class _Conditions:
    """Conditions on resources of one kind; refuses with InvalidParameterException."""

    def __init__(self, center: Center, kind: str, fields: Mapping[str, Values]) -> None:
        self._center = center
        self._kind = kind
        self._fields = fields
        self._count = 0

    # Criteria

    def criteria(self, node: Any, depth: int) -> Fits:  # noqa: ANN401  a decoded structure
        """A node of the tree; None holds for everything."""
        if node is None:
            return _anything
        self._counted(depth)
        parts: list[Fits] = []
        for name, value in asdict(node).items():
            if value is None:
                continue
            match name:
                case "OrConditions":
                    parts.append(_some([self.criteria(each, depth + 1) for each in value]))
                case "AndConditions":
                    parts.append(_every([self.criteria(each, depth + 1) for each in value]))
                case _:
                    parts.append(self._leaf(name, value))
        return _every(parts)

    def _counted(self, depth: int) -> None:
        self._count += 1
        if depth > SEARCH_DEPTH_MAX:
            raise invalid_parameter(
                "SearchCriteria", depth, f"are nested deeper than {SEARCH_DEPTH_MAX}"
            )
        if self._count > SEARCH_CONDITIONS_MAX:
            raise invalid_parameter(
                "SearchCriteria", self._count, f"are more than {SEARCH_CONDITIONS_MAX} conditions"
            )

    def _leaf(self, name: str, value: Any) -> Fits:  # noqa: ANN401  a decoded structure
        match name:
            case "StringCondition":
                return self._text(value)
            case "DateCondition":
                return self._date(value)
            case "HierarchyGroupCondition":
                return self._group(value)
            case "ListCondition":
                return self._proficiencies(value)
            case _:
                wanted = SCALARS[name]
                return lambda resource: resource.properties.get(wanted) == value

    def _text(self, condition: Any) -> Fits:  # noqa: ANN401  a decoded structure
        values = self._values(condition.FieldName)
        compares = _text_comparison(condition)
        center = self._center
        return lambda resource: any(compares(str(each)) for each in values(center, resource))

    def _values(self, field: str | None) -> Values:
        found = self._fields.get((field or "").lower())
        if found is None:
            known = ", ".join(sorted(self._fields))
            raise invalid_parameter("FieldName", field, f"is none of {known}")
        return found

    def _date(self, condition: Any) -> Fits:  # noqa: ANN401  a decoded structure
        names = {"effectivefrom": "EffectiveFrom", "effectivetill": "EffectiveTill"}
        name = names.get((condition.FieldName or "").lower())
        if name is None:
            raise invalid_parameter(
                "FieldName", condition.FieldName, "is neither EffectiveFrom nor EffectiveTill"
            )
        wanted = condition.Value
        if wanted is None:
            raise invalid_parameter("Value", None, "is needed in a DateCondition")
        compares = _DATES[condition.ComparisonType or "EQUAL_TO"]
        return lambda resource: compares(resource.properties[name], wanted)

    def _group(self, condition: Any) -> Fits:  # noqa: ANN401  a decoded structure
        if condition.Value is None:
            raise invalid_parameter("Value", None, "is needed in a HierarchyGroupCondition")
        center = self._center
        wanted = identifier(center.home, "hierarchy_group", condition.Value, "Value")
        below = condition.HierarchyGroupMatchType == "WITH_CHILD_GROUPS"

        def fits(resource: Resource) -> bool:
            group = resource.properties.get("HierarchyGroupId")
            if group is None or not below:
                return bool(group == wanted)
            return any(each.id == wanted for each in path(center, group))

        return fits

    def _proficiencies(self, condition: Any) -> Fits:  # noqa: ANN401  a decoded structure
        """Users with one proficiency for which all the conditions hold."""
        tests = []
        for each in condition.Conditions or ():
            self._counted(1)
            tests.append(_proficiency(each))

        def fits(resource: Resource) -> bool:
            held = resource.properties.get("Proficiencies") or []
            return any(all(test(each) for test in tests) for each in held)

        return fits

    # Filters

    def filter(self, structure: Any) -> Fits:  # noqa: ANN401  a decoded structure
        """SearchFilter; None holds for everything."""
        if structure is None:
            return _anything
        parts = [self._filter(each) for each in asdict(structure).values() if each is not None]
        return _every(parts)

    def _filter(self, node: Any) -> Fits:  # noqa: ANN401  a decoded structure, or a list of them
        """A TagFilter or AttributeFilter, or a part of one."""
        if isinstance(node, list):
            return _every([self._filter(each) for each in node])
        members = asdict(node)
        if "TagKey" in members:
            self._counted(1)
            return _tag(members["TagKey"], members["TagValue"])
        parts: list[Fits] = []
        for name, value in members.items():
            if value is None:
                continue
            match name:
                case "OrConditions":
                    parts.append(_some([self._filter(each) for each in value]))
                case "HierarchyGroupCondition":
                    parts.append(self._group(value))
                case "ContactFlowTypeCondition":
                    parts.append(_type(value.ContactFlowType))
                case _:
                    parts.append(self._filter(value))
        return _every(parts)


def _anything(_resource: Resource) -> bool:
    return True


def _every(parts: list[Fits]) -> Fits:
    return lambda resource: all(part(resource) for part in parts)


def _some(parts: list[Fits]) -> Fits:
    if not parts:
        return _anything
    return lambda resource: any(part(resource) for part in parts)


def _tag(key: str | None, value: str | None) -> Fits:
    """A tag of that key, whatever its value if none is given."""
    if key is None:
        raise invalid_parameter("TagKey", None, "is needed in a TagCondition")
    if value is None:
        return lambda resource: key in resource.tags
    return lambda resource: resource.tags.get(key) == value


def _type(wanted: str | None) -> Fits:
    return lambda resource: wanted in (None, resource.properties["Type"])


def _text_comparison(condition: Any) -> Callable[[str], bool]:  # noqa: ANN401  a decoded structure
    wanted = condition.Value
    if wanted is None:
        raise invalid_parameter("Value", None, "is needed in a StringCondition")
    lowered = wanted.lower()
    match condition.ComparisonType:
        case "STARTS_WITH":
            return lambda value: value.lower().startswith(lowered)
        case "CONTAINS":
            return lambda value: lowered in value.lower()
        case _:
            return lambda value: bool(value == wanted)


_DATES: Mapping[str, Callable[[str, str], bool]] = {
    "EQUAL_TO": lambda value, wanted: value == wanted,
    "GREATER_THAN": lambda value, wanted: value > wanted,
    "GREATER_THAN_OR_EQUAL_TO": lambda value, wanted: value >= wanted,
    "LESS_THAN": lambda value, wanted: value < wanted,
    "LESS_THAN_OR_EQUAL_TO": lambda value, wanted: value <= wanted,
}
"""Of dates as text, year first."""


def _proficiency(condition: Any) -> Callable[[Properties], bool]:  # noqa: ANN401  a decoded structure
    """What must hold of one proficiency."""
    tests: list[Callable[[Properties], bool]] = []
    if condition.StringCondition is not None:
        tests.append(_text_test(condition.StringCondition))
    if condition.NumberCondition is not None:
        tests.append(_level_test(condition.NumberCondition))
    return lambda held: all(test(held) for test in tests)


def _text_test(text: Any) -> Callable[[Properties], bool]:  # noqa: ANN401  a decoded structure
    names = {"name": "AttributeName", "value": "AttributeValue"}
    member = names.get((text.FieldName or "").lower())
    if member is None:
        raise invalid_parameter("FieldName", text.FieldName, "is neither name nor value")
    compares = _text_comparison(text)
    return lambda held: compares(held[member])


def _level_test(number: Any) -> Callable[[Properties], bool]:  # noqa: ANN401  a decoded structure
    if (number.FieldName or "").lower() not in ("limit", "level"):
        raise invalid_parameter("FieldName", number.FieldName, "is not limit")
    least, most = number.MinValue, number.MaxValue
    kind = number.ComparisonType or "RANGE"
    if kind == "RANGE":
        least, most = least or 0, LEVEL_MAX if most is None else most
    elif least is None and most is None:
        raise invalid_parameter("NumberCondition", kind, "needs MinValue or MaxValue")
    low, high = most if least is None else least, least if most is None else most

    def fits(held: Properties) -> bool:
        return _LEVELS[kind](held["Level"], low, high)

    return fits


LEVEL_MAX = 5
"""Of proficiencies."""

_LEVELS: Mapping[str, Callable[[float, float, float], bool]] = {
    "EQUAL": lambda level, least, most: level in (least, most),
    "GREATER": lambda level, least, _most: level > least,
    "GREATER_OR_EQUAL": lambda level, least, _most: level >= least,
    "LESSER": lambda level, _least, most: level < most,
    "LESSER_OR_EQUAL": lambda level, _least, most: level <= most,
    "NOT_EQUAL": lambda level, least, most: level not in (least, most),
    "RANGE": lambda level, least, most: least <= level <= most,
}
"""Of a level with MinValue and MaxValue; one that is left out is as the other."""


for _row in ROWS:
    register(f"Search{BY_KIND[_row.kind].plural}", search(_row))
