"""Shapes: the vocabulary of a service model, and the msgspec types compiled from it.

Called by aws.model (loading, compiling) and aws.faults (the walker reads the same shapes). Rules:

* A structure becomes a keyword-only frozen Struct whose attributes are the API's member names. An
  absent member is None, and so is an explicit null; members that the model does not know are
  ignored, because clients are newer than servers.
* Everything the model says about a value is in its type: enum, int32 or int64, length, range, size
  of lists and maps, exactly one member in a union. Patterns only by allow-list (aws.overlay).
* Timestamps are epoch seconds as float.
"""

from collections.abc import Collection, Mapping
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, cast

import msgspec

INT_RANGE: Mapping[str, tuple[int, int]] = {
    "integer": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
}
"""Least and greatest value of the model's whole numbers."""

TIMESTAMP_RANGE = (-62_135_596_800, 253_402_300_799)
"""Epoch seconds of the years 1 to 9999, all that clients can represent."""


class Ref(msgspec.Struct, rename="camel", frozen=True):
    """One use of a shape: a member of a structure, an element of a list, a key or value."""

    shape: str
    location: str | None = None
    location_name: str | None = None
    idempotency_token: bool = False
    jsonvalue: bool = False
    host_label: bool = False
    xml_attribute: bool = False
    result_wrapper: str | None = None


class ErrorTrait(msgspec.Struct, rename="camel", frozen=True):
    """How an error shape goes on the wire. code: where it is not the shape's name."""

    http_status_code: int
    code: str | None = None


class Shape(msgspec.Struct, rename="camel", frozen=True):
    """One shape of the model: its type and what the model demands of a value."""

    type: str
    members: dict[str, Ref] = {}
    required: list[str] = []
    member: Ref | None = None
    key: Ref | None = None
    value: Ref | None = None
    min: int | float | None = None
    max: int | float | None = None
    enum: list[str] = []
    pattern: str | None = None
    timestamp_format: str | None = None
    sensitive: bool = False
    union: bool = False
    exception: bool = False
    fault: bool = False
    error: ErrorTrait | None = None
    payload: str | None = None
    document: bool = False
    streaming: bool = False
    eventstream: bool = False
    sparse: bool = False
    flattened: bool = False

    def size(self) -> tuple[int | None, int | None]:
        """The least and greatest length of a string, or number of items of a list or map."""
        return (
            None if self.min is None else int(self.min),
            None if self.max is None else int(self.max),
        )

    def range(self) -> tuple[float | None, float | None]:
        """The least and greatest number, the type's own range included."""
        if self.type in INT_RANGE:
            least, greatest = INT_RANGE[self.type]
            return (
                least if self.min is None else max(least, int(self.min)),
                greatest if self.max is None else min(greatest, int(self.max)),
            )
        if self.type == "timestamp":
            return TIMESTAMP_RANGE
        return self.min, self.max


class HttpTrait(msgspec.Struct, rename="camel", frozen=True):
    """Method, path template and status of an operation."""

    method: str
    request_uri: str
    response_code: int = 200


class OperationTrait(msgspec.Struct, rename="camel", frozen=True):
    """An operation as the model writes it."""

    name: str
    http: HttpTrait
    input: Ref | None = None
    output: Ref | None = None
    errors: list[Ref] = []
    endpoint: dict[str, object] = {}
    http_checksum: dict[str, object] = {}
    http_checksum_required: bool = False
    requestcompression: dict[str, object] = {}


class Metadata(msgspec.Struct, rename="camel", frozen=True):
    """What the model says of the service."""

    protocol: str
    endpoint_prefix: str = ""
    signing_name: str | None = None
    api_version: str = ""
    xml_namespace: str = ""


class Model(msgspec.Struct, rename="camel", frozen=True):
    """A service model, as in botocore's service-2.json."""

    metadata: Metadata
    operations: dict[str, OperationTrait]
    shapes: dict[str, Shape]


class Structure(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """Base of all compiled structures; attributes are the API's member names, None if absent."""

    if TYPE_CHECKING:
        # Members are made from the model at run time; no type checker can know them.
        def __getattr__(self, name: str) -> Any: ...  # noqa: ANN401


class UnionStructure(Structure, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """Base of compiled unions: exactly one member is set."""

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in self.__struct_fields__) != 1:
            raise ValueError("a union has exactly one member")


class Types:
    """Compiles shapes to what msgspec decodes into, each shape once."""

    def __init__(self, shapes: Mapping[str, Shape], patterns: Mapping[str, str]) -> None:
        self._shapes = shapes
        self._patterns = patterns
        self._made: dict[str, object] = {}

    def of(self, name: str) -> object:
        """The type of a shape, compiled on first use."""
        made = self._made.get(name)
        if made is None:
            shape = self._shapes[name]
            if shape.type == "structure":
                blank = _blank(name, shape.members, shape.required, union=shape.union)
                self._made[name] = blank  # known before its members are: shapes recur
                self._fill(blank, shape.members, shape.required)
                return blank
            made = self._made[name] = self._value(name, shape)
        return made

    def structure(
        self,
        name: str,
        members: Mapping[str, Ref],
        required: Collection[str],
        loose: Collection[str],
    ) -> type[Structure]:
        """A structure that is nobody's member: a request.

        loose: members of any type, absent by default; whatever a body puts there is written over.
        """
        inside = [member for member in required if member in members]
        made = _blank(name, [*members, *loose], inside, union=False)
        self._fill(made, members, required)
        return made

    def _fill(
        self, blank: type[Structure], members: Mapping[str, Ref], required: Collection[str]
    ) -> None:
        """Write the members' types in; msgspec reads them when the first decoder is made."""
        for member, ref in members.items():
            kind = self.of(ref.shape)
            blank.__annotations__[member] = kind if member in required else _form(Optional, kind)

    def _value(self, name: str, shape: Shape) -> object:
        least: float | None
        greatest: float | None
        least, greatest = shape.size()
        if shape.type == "list":
            assert shape.member is not None
            kind = GenericAlias(list, (self.of(shape.member.shape),))
            return _limited(kind, min_length=least, max_length=greatest)
        if shape.type == "map":
            assert shape.key is not None
            assert shape.value is not None
            kind = GenericAlias(dict, (self.of(shape.key.shape), self.of(shape.value.shape)))
            return _limited(kind, min_length=least, max_length=greatest)
        if shape.enum:
            return _form(Literal, *shape.enum)
        if shape.type == "string":
            pattern = self._patterns.get(name)
            return _limited(str, min_length=least, max_length=greatest, pattern=pattern)
        if shape.type == "boolean":
            return bool
        least, greatest = shape.range()
        return _limited(int if shape.type in INT_RANGE else float, ge=least, le=greatest)


def _blank(
    name: str, members: Collection[str], required: Collection[str], *, union: bool
) -> type[Structure]:
    fields = [(member, Any) if member in required else (member, Any, None) for member in members]
    base = UnionStructure if union else Structure
    return cast(type[Structure], msgspec.defstruct(name, fields, bases=(base,), kw_only=True))


def _form(form: Any, *arguments: object) -> object:  # noqa: ANN401  a special form has no type
    """A typing form with run-time arguments, which mypy forbids to write with brackets."""
    made: object = form[arguments[0] if len(arguments) == 1 else arguments]
    return made


def _limited(kind: object, **limits: Any) -> object:  # noqa: ANN401  msgspec.Meta's own arguments
    """A type with those of the limits that the model sets."""
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return _form(Annotated, kind, msgspec.Meta(**given)) if given else kind
