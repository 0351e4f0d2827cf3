"""Samples: parameter and result values made from botocore's shapes, and ways to spoil them.

A second opinion: nothing here reads our own reading of the model (aws.shapes), only botocore's.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from ringfloor.aws.overlay import PATTERNS

BY_PATTERN: dict[str, str] = {
    "CommonHumanReadableName": "Christmas",
    "ContactFlowModuleAlias": "live",
    "ContactFlowModuleDescription": "what it does",
    "ContactFlowModuleName": "Greeting",
    "CreateSecurityProfileName": "Night shift",
    "DateTimeFormat": "2024-02-29T23:59:59Z",
    "DateYearMonthDayFormat": "2024-02-29",
    "Description250": "two sites",
    "DirectoryAlias": "ringfloor-1",
    "DirectoryId": "d-0123456789",
    "EmailAddress": "caller@example.com",
    "FlowContentSha256": "0f" * 32,
    "FlowModuleContentSha256": "0f" * 32,
    "HoursOfOperationOverrideYearMonthDayDateFormat": "2024-12-24",
    "Name128": "two sites",
    "Password": "Passw0rd!",
    "SourceApplicationName": "crm",
    "TagKey": "team",
    "TestCaseSha256": "0f" * 32,
    "WorkspaceName": "desk",
}
"""One good value for every pattern that is enforced."""

INT_RANGE = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
WHEN = 1_700_000_000
Path = tuple[str | int, ...]


class _Endless(Exception):
    """The shape contains itself."""


def service_model(name: str = "connect") -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def minimal(shape: Shape) -> Any:
    """Required members only, least sizes, first enum value."""
    return _Builder(lambda names, required: [n for n in names if n in required], 0).of(shape, ())


def maximal(shape: Shape, variant: int = 0) -> Any:
    """Every member; the variant-th enum value and union member, modulo their number."""
    return _Builder(lambda names, _: names, variant).of(shape, ())


def chosen(shape: Shape, dice: random.Random) -> Any:
    """Some members, some values."""
    return _Builder(
        lambda names, required: [n for n in names if n in required or dice.random() < 0.6],
        dice.randrange(1000),
        dice,
    ).of(shape, ())


def chosen_request(shape: Shape, dice: random.Random) -> dict[str, Any]:
    """Some parameters; none that cannot travel where it belongs, such as an empty label."""
    params: dict[str, Any] = chosen(shape, dice)
    for name, value in params.items():
        location = shape.members[name].serialization.get("location")
        if location == "uri" and value in {"", ".", ".."}:
            params[name] = "id"
        if location == "header" and isinstance(value, str):
            params[name] = value.encode("ascii", "replace").decode().replace(" ", "-")
        if location == "querystring" and value == []:
            params[name] = ["one"]
    return params


class _Builder:
    def __init__(
        self,
        choose: Callable[[list[str], list[str]], list[str]],
        variant: int,
        dice: random.Random | None = None,
    ) -> None:
        self.choose = choose
        self.variant = variant
        self.dice = dice

    def of(self, shape: Shape, above: tuple[str, ...]) -> Any:
        if shape.name in above and shape.type_name in {"structure", "list", "map"}:
            raise _Endless
        build = getattr(self, f"_{shape.type_name}")
        if shape.type_name in {"structure", "list", "map"}:
            return build(shape, (*above, shape.name))
        return build(shape)

    def _structure(self, shape: Shape, above: tuple[str, ...]) -> dict[str, Any]:
        names, required = list(shape.members), shape.required_members
        if getattr(shape, "is_tagged_union", False):
            possible = [n for n in names if self._possible(shape.members[n], above)]
            names = required = [possible[self.variant % len(possible)]]
        made = {}
        for name in self.choose(names, required):
            try:
                made[name] = self.of(shape.members[name], above)
            except _Endless:
                if name in required:
                    raise
        return made

    def _possible(self, shape: Shape, above: tuple[str, ...]) -> bool:
        try:
            self.of(shape, above)
        except _Endless:
            return False
        return True

    def _list(self, shape: Shape, above: tuple[str, ...]) -> list[Any]:
        least = shape.metadata.get("min", 0)
        try:
            return [self.of(shape.member, above)] * max(least, 1)
        except _Endless:
            if least:
                raise
            return []

    def _map(self, shape: Shape, above: tuple[str, ...]) -> dict[str, Any]:
        least = shape.metadata.get("min", 0)
        try:
            value = self.of(shape.value, above)
        except _Endless:
            if least:
                raise
            return {}
        return dict.fromkeys(keys(shape.key, max(least, 1), self.variant), value)

    def _string(self, shape: Shape) -> str:
        if shape.enum:
            return shape.enum[self.variant % len(shape.enum)]
        if shape.name in PATTERNS:
            return BY_PATTERN[shape.name]
        if shape.metadata.get("timestampFormat") == "iso8601":
            return "2024-02-29T23:59:59.123Z"
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 2**31)
        length = max(least, min(most, 4))
        if self.dice is not None:
            length = self.dice.randint(least, max(least, min(most, 20)))
            return "".join(self.dice.choices('aZ09 _-:/%+&="é日\U0001f600', k=length))
        return ("x%y/z +w" * (length // 8 + 1))[:length]

    def _boolean(self, _: Shape) -> bool:
        return self.variant % 2 == 0

    def _integer(self, shape: Shape) -> int:
        least, most = number_range(shape)
        return self.dice.randint(least, most) if self.dice else max(least, min(7, most))

    _long = _integer

    def _double(self, shape: Shape) -> float:
        least, most = shape.metadata.get("min", -1e9), shape.metadata.get("max", 1e9)
        return self.dice.uniform(least, most) if self.dice else max(least, min(2.5, most))

    _float = _double

    def _timestamp(self, shape: Shape) -> Any:
        if shape.serialization.get("timestampFormat") == "iso8601":
            return "2024-02-29T23:59:59.123Z"
        return WHEN + (self.dice.randrange(10**8) if self.dice else 0)


def keys(shape: Shape, number: int, variant: int = 0) -> list[str]:
    """Distinct keys of a map, as many as there can be."""
    if shape.enum:
        return [shape.enum[(variant + n) % len(shape.enum)] for n in range(min(number, 20))][
            : len(shape.enum)
        ]
    least, most = shape.metadata.get("min", 1), shape.metadata.get("max", 100)
    return [f"k{n}".ljust(least, "k")[:most] for n in range(number)]


def number_range(shape: Shape) -> tuple[int, int]:
    least, most = INT_RANGE[shape.type_name]
    return (
        max(least, int(shape.metadata.get("min", least))),
        min(most, int(shape.metadata.get("max", most))),
    )


def nodes(shape: Shape, value: Any, path: Path = ()) -> Iterator[tuple[Path, Shape, Any]]:
    """Every value inside a value, with its shape; map keys are not values."""
    yield path, shape, value
    if shape.type_name == "structure":
        for name, element in value.items():
            yield from nodes(shape.members[name], element, (*path, name))
    elif shape.type_name == "list":
        for index, element in enumerate(value[:1]):
            yield from nodes(shape.member, element, (*path, index))
    elif shape.type_name == "map":
        for key, element in list(value.items())[:1]:
            yield from nodes(shape.value, element, (*path, key))


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy of a value with something else at the path."""
    if not path:
        return new
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def removed(value: Any, path: Path) -> Any:
    """A copy of a value without the member at the path."""
    if len(path) == 1:
        return {name: element for name, element in value.items() if name != path[0]}
    return replaced(value, path[:1], removed(value[path[0]], path[1:]))


def variants(shape: Shape) -> int:
    """How many variants show every enum value and every union member."""
    most, seen, waiting = 1, set(), [shape]
    while waiting:
        at = waiting.pop()
        if at.name in seen:
            continue
        seen.add(at.name)
        if at.type_name == "structure":
            below = list(at.members.values())
            waiting += below
            if getattr(at, "is_tagged_union", False):
                most = max(most, len(below))
        elif at.type_name == "list":
            waiting.append(at.member)
        elif at.type_name == "map":
            waiting += [at.key, at.value]
        elif at.type_name == "string":
            most = max(most, len(at.enum))
    return most


def union_variants(shape: Shape) -> int:
    """How many variants show every union member."""
    most, seen, waiting = 1, set(), [shape]
    while waiting:
        at = waiting.pop()
        if at.name in seen:
            continue
        seen.add(at.name)
        if at.type_name == "structure":
            waiting += at.members.values()
            if getattr(at, "is_tagged_union", False):
                most = max(most, len(at.members))
        elif at.type_name == "list":
            waiting.append(at.member)
        elif at.type_name == "map":
            waiting.append(at.value)
    return most


def input_of(operation: OperationModel) -> Shape:
    assert operation.input_shape is not None
    return operation.input_shape
