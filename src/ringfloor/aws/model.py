"""Model: botocore's service model, compiled to what a server needs.

Called by the composition root (load) and by aws.request and aws.response (Service, Operation). The
only module that imports botocore, and only to read its JSON. Rules:

* The model is the single source of routes, decoding, validation and error statuses; aws.overlay
  corrects it. What the compiler does not do is refused when the service is loaded (aws.support).
* Two tiers: msgspec decodes and validates in one pass; only when it refuses does aws.faults walk
  the value to find and word everything that is wrong.
* Path, query and header members are converted on their own and assigned over what the body says,
  so that a body cannot inject an InstanceId.
* Types and decoders are made when an operation is first asked for; compile_all makes them at once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec
from botocore.loaders import Loader
from msgspec.structs import force_setattr

from ringfloor.aws import dates, faults, overlay
from ringfloor.aws.routes import Routes, path_of, percent_decoded
from ringfloor.aws.shapes import INT_RANGE, Model, OperationTrait, Ref, Shape, Structure, Types
from ringfloor.aws.support import unsupported
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.time import seconds

Headers = tuple[tuple[bytes, bytes], ...]
"""Header names and values as received, in order, duplicates kept."""

Result = Mapping[str, object]
"""What a handler answers: the output's members, by name. Timestamps are epoch seconds."""

_READ_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_WHOLE = re.compile(r"-?[0-9]{1,400}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")
_LABEL = re.compile(r"\{(\w+)\+?\}")

UNWORDED = "The request does not fit the model"
"""Begins a refusal for which the walker found no words; a test holds that there is none."""

_encode = msgspec.json.Encoder().encode


class Binding(NamedTuple):
    """A request member that travels outside the body."""

    member: str
    name: str
    """Label, query or header name; headers in lower case."""

    read: Callable[[str], object]
    """Text to what a body would have carried; text that does not fit stays text."""

    many: bool
    """A list in the query: the name is repeated."""


class Modeled:
    """What an operation has in every protocol.

    name: of the model. action: for access decisions, `connect:Name`. void: it answers nothing.
    errors: error code to HTTP status, of the whole service. declared: the error codes that the
    model lists for this operation.
    """

    def __init__(self, service: "ModeledService", trait: OperationTrait) -> None:
        self.name = trait.name
        self.action = f"{service.signing_name}:{trait.name}"
        self.void = trait.output is None
        self.errors: Mapping[str, int] = service.errors
        self.declared = frozenset(error_code(ref.shape, service.shapes) for ref in trait.errors)
        self.overlay = service.overlay
        self._shapes = service.shapes
        self._members: dict[tuple[str, ...], frozenset[str]] = {}
        self._types = service.types
        self._walkers = service.walkers
        self._input = trait.input.shape if trait.input else None
        self._output = trait.output.shape if trait.output else None

    def members(self, *path: str) -> frozenset[str]:
        """The members of a structure in this operation's output; path: member names down to it.

        Where the path comes to a list, its elements are meant. Empty if there is no such structure.
        """
        found = self._members.get(path)
        if found is None:
            found = self._members[path] = self._members_at(path)
        return found

    def _members_at(self, path: tuple[str, ...]) -> frozenset[str]:
        shape = self._shapes[self._output] if self._output else Shape(type="structure")
        for name in path:
            ref = shape.members.get(name)
            if ref is None:
                return frozenset()
            shape = self._shapes[ref.shape]
            while shape.member is not None:
                shape = self._shapes[shape.member.shape]
        return frozenset(shape.members)

    def conforms(self, result: Result) -> list[str]:
        """What the model does not allow in a result: for tests, and where checking is on."""
        if self._output is None:
            return [f"{self.name} answers nothing, not {result!r}"] if result else []
        plain = msgspec.to_builtins(result)
        return [breach.text for breach in self._walkers.results.breaches(self._output, plain)]

    def _breached(self, whole: dict[str, object], error: Exception) -> Refusal:
        """Walk a request that the decoder refused again, slowly, for the words."""
        unreadable, invalid = self.overlay.unreadable, self.overlay.invalid
        assert self._input is not None
        try:
            breaches = self._walkers.requests.breaches(self._input, whole)
        except RecursionError:
            return Refusal(unreadable, faults.TOO_DEEP)
        if not breaches:
            return Refusal(unreadable, f"{UNWORDED}: {error}")
        return faults.refusal(breaches, unreadable, invalid)


class Operation(Modeled):
    """One operation of a REST-JSON service: how its requests are read and its results written.

    method, template: of the model. status: of a success, whose body is empty if the operation is
    void. labels: the members in the path, from left to right. idempotency_token: the member that
    makes a repetition harmless.
    """

    def __init__(self, service: "Service", trait: OperationTrait) -> None:
        super().__init__(service, trait)
        self.method = trait.http.method
        self.template = trait.http.request_uri
        self.status = trait.http.response_code
        shape = service.shapes[self._input] if self._input else Shape(type="structure")
        self._required = shape.required
        self._inside = {name: ref for name, ref in shape.members.items() if not ref.location}
        self._outside = {name: ref for name, ref in shape.members.items() if ref.location}
        self.idempotency_token = next(
            (name for name, ref in shape.members.items() if ref.idempotency_token), None
        )
        bound = {location: _bindings(shape, location, service.shapes) for location in _LOCATIONS}
        self._labels = tuple(bound["uri"][label] for label in _LABEL.findall(self.template))
        self._queries = bound["querystring"]
        self._headers = bound["header"]
        self.labels = tuple(binding.member for binding in self._labels)

    @cached_property
    def params(self) -> type[Structure]:
        """The type of this operation's decoded requests."""
        if not self._inside:
            return self._outer
        return self._types.structure(self.name, self._inside, self._required, tuple(self._outside))

    @cached_property
    def _outer(self) -> type[Structure]:
        return self._types.structure(self.name, self._outside, self._required, ())

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Structure]:
        return msgspec.json.Decoder(self.params)

    def compile(self) -> None:
        """Make types and decoder now instead of at the first request."""
        assert callable(self._outer)
        assert callable(self._decoder.decode)

    def decode(
        self, labels: Sequence[str], raw_query: bytes, headers: Headers, body: bytes
    ) -> Structure:
        """The request's parameters, complete and valid; raises Refusal naming all that is wrong.

        labels: percent-decoded, in the order of the template.
        """
        outer: dict[str, object] = {}
        for binding, label in zip(self._labels, labels, strict=True):
            outer[binding.member] = binding.read(label)
        if self._queries and raw_query:
            self._read_query(raw_query, outer)
        if self._headers:
            self._read_headers(headers, outer)
        try:
            if not self._inside:
                return msgspec.convert(outer, self._outer)
            params = self._decoder.decode(body or b"{}")
            if self._outside:
                bound = msgspec.convert(outer, self._outer)
                for member in self._outside:
                    force_setattr(params, member, getattr(bound, member))
        except _READ_ERRORS as error:
            raise self._refusal(outer, body or b"{}", error) from None
        return params

    def encode(self, result: Result) -> bytes:
        """A result as a response body; empty if the operation answers nothing."""
        return b"" if self.void else _encode(result)

    def _read_query(self, raw_query: bytes, outer: dict[str, object]) -> None:
        for piece in raw_query.split(b"&"):
            raw_name, _, raw_value = piece.partition(b"=")
            try:
                binding = self._queries.get(percent_decoded(raw_name))
                if binding is None:
                    continue  # unknown, or part of a presigned URL
                value = binding.read(percent_decoded(raw_value))
            except UnicodeDecodeError:
                raise Refusal(self.overlay.unreadable, "The query string is not UTF-8") from None
            if not binding.many:
                outer[binding.member] = value
            else:
                values = outer.setdefault(binding.member, [])
                assert isinstance(values, list)
                values.append(value)

    def _read_headers(self, headers: Headers, outer: dict[str, object]) -> None:
        for raw_name, raw_value in headers:
            binding = self._headers.get(raw_name.decode("latin-1").lower())
            if binding is not None:
                outer[binding.member] = binding.read(raw_value.decode("latin-1").strip())

    def _refusal(self, outer: dict[str, object], body: bytes, error: Exception) -> Refusal:
        inner = faults.parsed(body) if self._inside else {}
        if isinstance(inner, faults.Breach):
            return Refusal(self.overlay.unreadable, inner.text)
        whole = {name: value for name, value in inner.items() if name in self._inside} | outer
        return self._breached(whole, error)


class Walkers(NamedTuple):
    """The slow walkers of a service: requests may hold unknown members, results may not."""

    requests: faults.Walker
    results: faults.Walker


class ModeledService:
    """What a compiled service has in every protocol.

    name: botocore's name, for the overlay. signing_name: the service in a signature's scope.
    errors: error code to HTTP status.
    """

    def __init__(self, name: str, model: Model, protocol: str) -> None:
        if model.metadata.protocol != protocol:
            raise Fault(f"{name} speaks {model.metadata.protocol}, not {protocol}")
        self.name = name
        self.signing_name = model.metadata.signing_name or model.metadata.endpoint_prefix
        self.overlay = overlay.OVERLAYS.get(name, overlay.DEFAULT)
        self.shapes = model.shapes | {
            each: msgspec.structs.replace(model.shapes[each], min=least, max=most)
            for each, (least, most) in self.overlay.sizes.items()
        }
        patterns = self.overlay.patterns
        self.types = Types(self.shapes, patterns)
        self.walkers = Walkers(
            faults.Walker(self.shapes, patterns),
            faults.Walker(self.shapes, patterns, closed=True),
        )
        self.errors: Mapping[str, int] = {
            error_code(each, model.shapes): _status(shape)
            for each, shape in model.shapes.items()
            if shape.exception
        }


class Service(ModeledService):
    """One compiled REST-JSON service. operations: by name."""

    def __init__(self, name: str, raw: Mapping[str, object]) -> None:
        model = msgspec.convert(raw, Model)
        super().__init__(name, model, "rest-json")
        for trait in model.operations.values():
            for feature in unsupported(trait, model.shapes):
                raise Fault(f"{name}: {trait.name} needs {feature}, which the compiler does not do")
        self.operations: Mapping[str, Operation] = {
            trait.name: Operation(self, trait) for trait in model.operations.values()
        }
        self._routes: Routes[Operation] = Routes()
        for operation in self.operations.values():
            last = operation.template.rpartition("/")[2]
            greedy = last.endswith("+}") or last[1:-1] in self.overlay.greedy
            self._routes.add(operation.method, operation.template, operation, greedy=greedy)

    def route(self, method: str, target: bytes) -> tuple[Operation, list[bytes]] | None:
        """The operation that a method and raw target mean, with its raw labels."""
        return self._routes.find(method, path_of(target))

    def compile_all(self) -> None:
        """Compile every operation now: for tests, and for servers that want no first-time cost."""
        for operation in self.operations.values():
            operation.compile()


def load(name: str) -> Service:
    """A REST-JSON service by botocore's name, such as connect or connectparticipant."""
    return Service(name, raw_model(name))


def raw_model(name: str) -> Mapping[str, object]:
    """The model of a service as botocore has it, as JSON values."""
    builtin = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )
    raw: Mapping[str, object] = builtin.load_service_model(name, "service-2")
    return raw


def error_code(name: str, shapes: Mapping[str, Shape]) -> str:
    """The code of an error shape on the wire."""
    trait = shapes[name].error
    return trait.code if trait and trait.code else name


def _status(shape: Shape) -> int:
    return shape.error.http_status_code if shape.error else 500 if shape.fault else 400


_LOCATIONS = ("uri", "querystring", "header")


def _bindings(shape: Shape, location: str, shapes: Mapping[str, Shape]) -> dict[str, Binding]:
    bound = {}
    for member, ref in shape.members.items():
        if ref.location == location:
            name = ref.location_name or member
            name = name.lower() if location == "header" else name
            bound[name] = _binding(member, name, ref, shapes)
    return bound


def _binding(member: str, name: str, ref: Ref, shapes: Mapping[str, Shape]) -> Binding:
    shape = shapes[ref.shape]
    many = shape.type == "list"
    if many:
        assert shape.member is not None
        shape = shapes[shape.member.shape]
    return Binding(member, name, reader(shape), many)


def reader(shape: Shape) -> Callable[[str], object]:
    """Text to what a JSON body would have carried; text that does not fit stays text."""
    if shape.type in INT_RANGE:
        return lambda text: int(text) if _WHOLE.fullmatch(text) else text
    if shape.type == "boolean":
        return lambda text: {"true": True, "false": False}.get(text, text)
    if shape.type in {"float", "double"}:
        return lambda text: float(text) if _NUMBER.fullmatch(text) else text
    return _date if shape.type == "timestamp" else str


def _date(text: str) -> object:
    instant = dates.from_http_date(text)
    return text if instant is None else seconds(instant)
