"""Samples: parameter and result values made from botocore's shapes, and ways to spoil them.

A second opinion: nothing here reads our own reading of the model (aws.shapes), only botocore's.
"""

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from ringfloor.aws import overlay

PATTERNS = {**overlay.PATTERNS, **overlay.IAM_PATTERNS, **overlay.STS_PATTERNS}

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
    "accessKeyIdType": "AKIDEXAMPLE00001",
    "accountAliasType": "the-center",
    "customSuffixType": "night",
    "existingUserNameType": "anna@example.com",
    "externalIdType": "partner/7:b",
    "groupNameType": "leads",
    "instanceProfileNameType": "desk",
    "markerType": "page 2",
    "pathPrefixType": "/eu",
    "pathType": "/eu/west/",
    "policyDocumentType": '{"Sid": "a+b%20/ <&> é"}\r\n',
    "policyNameType": "read_only",
    "policyPathType": "/eu/west/",
    "policyVersionIdType": "v12",
    "roleDescriptionType": "for é & <others>",
    "roleNameType": "auditor",
    "roleSessionNameType": "anna=1",
    "serialNumberType": "arn:aws:iam::123456789012:mfa/anna",
    "sessionPolicyDocumentType": "{}",
    "sourceIdentityType": "anna",
    "tagKeyType": "équipe 日本",
    "tagValueType": "a+b=c/d e",
    "tokenCodeType": "123456",
    "unrestrictedSessionPolicyDocumentType": "{ }",
    "userNameType": "anna,b.@+=_-",
}
"""One good value for every pattern that is enforced."""

INT_RANGE = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
WHEN = 1_700_000_000
DEPTH = 2
"""How often a shape may contain itself: a condition within a condition, and no further."""
Path = tuple[str | int, ...]


class _Endless(Exception):
    """The shape contains itself once too often."""


def service_model(name: str = "connect") -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


NOTHING: frozenset[str] = frozenset()


def minimal(shape: Shape) -> Any:
    """Required members only, least sizes, first enum value."""
    return _Builder(lambda names, required: [n for n in names if n in required], 0).of(shape, ())


def maximal(
    shape: Shape, variant: int = 0, union: int = 0, without: frozenset[str] = NOTHING
) -> Any:
    """Every member; the variant-th enum value, modulo their number, and the union-th alternative.

    A union takes its member by the remainder and hands the quotient to the unions inside it.
    """
    return _Builder(lambda names, _: names, variant, without=without).of(shape, (), union)


def chosen(shape: Shape, dice: random.Random, without: frozenset[str] = NOTHING) -> Any:
    """Some members, some values. without: what to leave out, such as User.Tags."""
    return _Builder(
        lambda names, required: [n for n in names if n in required or dice.random() < 0.75],
        dice=dice,
        without=without,
    ).of(shape, ())


def chosen_request(
    shape: Shape, dice: random.Random, without: frozenset[str] = NOTHING
) -> dict[str, Any]:
    """Some parameters; none that cannot travel where it belongs, such as an empty label."""
    params: dict[str, Any] = chosen(shape, dice, without)
    for name, value in params.items():
        location = shape.members[name].serialization.get("location")
        if location == "header" and shape.members[name].type_name == "timestamp":
            params[name] = int(value)  # written as a date, without parts of a second
        if location == "uri" and value in {"", ".", ".."}:
            params[name] = "id"
        if location == "header" and isinstance(value, str):
            params[name] = value.encode("ascii", "replace").decode().replace(" ", "-")
        if location == "querystring" and value == []:
            params[name] = minimal(shape.members[name])
    return params


class _Builder:
    def __init__(
        self,
        choose: Callable[[list[str], list[str]], list[str]],
        variant: int = 0,
        dice: random.Random | None = None,
        without: frozenset[str] = NOTHING,
    ) -> None:
        self.choose = choose
        self.variant = variant
        self.dice = dice
        self.without = without

    def _one(self, several: list[Any], index: int) -> Any:
        return self.dice.choice(several) if self.dice else several[index % len(several)]

    def _number(self, shape: Shape) -> int:
        """How many elements."""
        least = shape.metadata.get("min", 0)
        if self.dice is None:
            return max(least, 1)
        return self.dice.randint(least, max(least, min(shape.metadata.get("max", 3), 3)))

    def of(self, shape: Shape, above: tuple[str, ...], union: int = 0) -> Any:
        if shape.type_name not in {"structure", "list", "map"}:
            return getattr(self, f"_{shape.type_name}")(shape)
        if above.count(shape.name) == DEPTH:
            raise _Endless
        return getattr(self, f"_{shape.type_name}")(shape, (*above, shape.name), union)

    def _structure(self, shape: Shape, above: tuple[str, ...], union: int) -> dict[str, Any]:
        names = [name for name in shape.members if f"{shape.name}.{name}" not in self.without]
        required = shape.required_members
        if getattr(shape, "is_tagged_union", False):
            possible = [n for n in names if self._possible(shape.members[n], above)]
            names = required = [self._one(possible, union)]
            union //= len(possible)
        made = {}
        for name in self.choose(names, required):
            try:
                made[name] = self.of(shape.members[name], above, union)
            except _Endless:
                if name in required:
                    raise
        return made

    def _possible(self, shape: Shape, above: tuple[str, ...]) -> bool:
        try:
            _Builder(lambda _, required: required).of(shape, above)
        except _Endless:
            return False
        return True

    def _list(self, shape: Shape, above: tuple[str, ...], union: int) -> list[Any]:
        try:
            if self.dice is None:
                return [self.of(shape.member, above, union)] * self._number(shape)
            return [self.of(shape.member, above) for _ in range(self._number(shape))]
        except _Endless:
            if shape.metadata.get("min"):
                raise
            return []

    def _map(self, shape: Shape, above: tuple[str, ...], union: int) -> dict[str, Any]:
        try:
            value = self.of(shape.value, above, union)
        except _Endless:
            if shape.metadata.get("min"):
                raise
            return {}
        start = self.dice.randrange(1000) if self.dice else self.variant
        return dict.fromkeys(keys(shape.key, self._number(shape), start), value)

    def _string(self, shape: Shape) -> str:
        if shape.enum:
            return self._one(shape.enum, self.variant)
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
        return self._one([True, False], self.variant)

    def _blob(self, _: Shape) -> bytes:
        return b"\x00<\xff" if self.dice is None else self.dice.randbytes(self.dice.randrange(9))

    def _integer(self, shape: Shape) -> int:
        least, most = number_range(shape)
        return self.dice.randint(least, most) if self.dice else max(least, min(7, most))

    def _long(self, shape: Shape) -> int:
        """Within what a double holds, for JavaScript; the bounds have tests of their own."""
        least, most = number_range(shape)
        if self.dice is None:
            return max(least, min(7, most))
        return self.dice.randint(max(least, -(2**53) + 1), min(most, 2**53 - 1))

    def _double(self, shape: Shape) -> float:
        least, most = shape.metadata.get("min", -1e9), shape.metadata.get("max", 1e9)
        return self.dice.uniform(least, most) if self.dice else max(least, min(2.5, most))

    _float = _double

    def _timestamp(self, shape: Shape) -> Any:
        if shape.serialization.get("timestampFormat") == "iso8601":
            return "2024-02-29T23:59:59.123Z"
        return WHEN + (
            self.dice.randrange(10**8) + self.dice.choice((0, 0.123)) if self.dice else 0
        )


def keys(shape: Shape, number: int, variant: int = 0) -> list[str]:
    """Distinct keys of a map, as many as there can be."""
    if shape.enum:
        return [shape.enum[(variant + n) % len(shape.enum)] for n in range(min(number, 20))][
            : len(shape.enum)
        ]
    least, most = shape.metadata.get("min", 1), shape.metadata.get("max", 100)
    return [f"k{n}".ljust(least, "k")[:most] for n in range(number)]


def texts(shape: Shape, length: int) -> list[str]:
    """A string of a length, if the pattern of its shape admits one that we think of."""
    fillings = ("b" * length, "b@c.de".rjust(length, "b"), "d-".ljust(length, "0"))
    enforced = PATTERNS.get(shape.name, "")
    return [t for t in fillings if len(t) == length and re.search(enforced, t)][:1]


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


def shapes(shape: Shape) -> list[Shape]:
    """Every shape inside a shape, map keys too, each once."""
    found: dict[str, Shape] = {}
    waiting = [shape]
    while waiting:
        at = waiting.pop()
        if at.name in found:
            continue
        found[at.name] = at
        if at.type_name == "structure":
            waiting += at.members.values()
        elif at.type_name == "list":
            waiting.append(at.member)
        elif at.type_name == "map":
            waiting += [at.key, at.value]
    return list(found.values())


def alternatives(shape: Shape, above: tuple[str, ...] = ()) -> int:
    """How many show every member of every union, in every member of the unions around it."""
    if shape.type_name not in {"structure", "list", "map"} or above.count(shape.name) == DEPTH:
        return 1
    above = (*above, shape.name)
    if shape.type_name == "list":
        return alternatives(shape.member, above)
    if shape.type_name == "map":
        return alternatives(shape.value, above)
    below = max((alternatives(member, above) for member in shape.members.values()), default=1)
    return below * (len(shape.members) if getattr(shape, "is_tagged_union", False) else 1)


def places(shape: Shape) -> Iterator[tuple[int, Any, list[tuple[Path, Shape, Any]]]]:
    """Every place of a shape once: alternative, sample of it, and the places new in it."""
    seen: set[Path] = set()
    for union in range(alternatives(shape)):
        sample = maximal(shape, 0, union)
        new = [each for each in nodes(shape, sample) if each[0] not in seen]
        seen.update(path for path, _, _ in new)
        if new:
            yield union, sample, new


def every_maximal(shape: Shape) -> Iterator[Any]:
    """All members, with every enum value in every place and every union member."""
    for union, _, new in places(shape):
        words = [at.key if at.type_name == "map" else at for _, at, _ in new]
        values = [len(at.enum) for at in words if at.type_name == "string"]
        for variant in range(max([2, *values])):  # 2: yes and no
            yield maximal(shape, variant, union)


def input_of(operation: OperationModel) -> Shape:
    assert operation.input_shape is not None
    return operation.input_shape
