"""Query: forms in and XML out, compiled from botocore's models of IAM and STS.

Called by the composition root (load) and by server.identity. Beside aws.model, which does the same
for REST-JSON: types, validation and wording are the same code. Rules:

* A request is a form: Action, Version and the parameters by dotted names, such as
  Tags.member.1.Key, in the body of a POST or else in the query string. Parameters that the model
  does not know are ignored; one that is given twice, or in two shapes, is MalformedInput.
* List elements and map entries are ordered by their numbers; gaps are closed, so that a number is
  never a size.
* Policy documents go out percent-encoded, as IAM sends them; characters that XML cannot hold go
  out as U+FFFD; timestamps as ISO 8601 in whole seconds.
* An error has the code and the status that the model gives its shape. Codes of stages that are
  shared with REST-JSON are renamed to those of query services by QUERY_CODES.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from ringfloor.aws.dates import extended
from ringfloor.aws.model import Modeled, ModeledService, Result, raw_model, reader
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse, respond
from ringfloor.aws.routes import percent_decoded
from ringfloor.aws.shapes import Model, OperationTrait, Shape, Structure
from ringfloor.aws.support import unsupported_query
from ringfloor.base.errors import Fault, Refusal, shown
from ringfloor.base.limits import QUERY_NAME_PARTS_MAX, QUERY_PARAMETERS_MAX
from ringfloor.base.time import Instant

COMMON: Mapping[str, int] = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "IncompleteSignature": 400,
    "InternalFailure": 500,
    "InvalidAction": 400,
    "InvalidClientTokenId": 403,
    "MalformedInput": 400,
    "MissingAction": 400,
    "MissingAuthenticationToken": 403,
    "NotImplemented": 501,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "Throttling": 400,
    "ValidationError": 400,
}
"""Codes that any operation may answer, or that arise before the operation is known; with status."""

QUERY_CODES: Mapping[str, str] = {
    "AccessDeniedException": "AccessDenied",
    "ExpiredTokenException": "ExpiredToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "InternalServiceException": "InternalFailure",
    "InvalidParameterException": "ValidationError",
    "InvalidRequestException": "ValidationError",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "NotImplementedException": "NotImplemented",
    "ServiceUnavailableException": "ServiceUnavailable",
    "ThrottlingException": "Throttling",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ValidationException": "ValidationError",
}
"""What REST-JSON calls an error, and what query services call it."""

XML = b"text/xml"

_POLICY_DOCUMENT = "policyDocumentType"
"""IAM's shape of documents; in answers they are percent-encoded by RFC 3986."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_FORM = b"application/x-www-form-urlencoded"

_READ_ERRORS = (msgspec.MsgspecError, RecursionError)

Node = dict[str, "Node"] | str
"""Parameters as a tree: by the parts of their names, down to their text."""


class Form(NamedTuple):
    """A request as a form. action, version: None where they are missing."""

    action: str | None
    version: str | None
    parameters: list[tuple[str, str]]


class QueryOperation(Modeled):
    """One operation of a query service: how its requests are read and its results written."""

    def __init__(self, service: "QueryService", trait: OperationTrait) -> None:
        super().__init__(service, trait)
        self._namespace = service.namespace
        self._wrapper = trait.output.result_wrapper if trait.output else None

    @cached_property
    def params(self) -> type[Structure]:
        """The type of this operation's decoded requests."""
        shape = self._shapes[self._input] if self._input else Shape(type="structure")
        return self._types.structure(self.name, shape.members, shape.required, ())

    def decode(self, form: Form) -> Structure:
        """The request's parameters, complete and valid; raises Refusal naming all that is wrong."""
        if self._input is None:
            return msgspec.convert({}, self.params)
        members = self._shapes[self._input].members
        known = [each for each in form.parameters if each[0].partition(".")[0] in members]
        whole = self._read(self._input, _tree(known), "")
        assert isinstance(whole, dict)
        try:
            return msgspec.convert(whole, self.params)
        except _READ_ERRORS as error:
            raise self._breached(whole, error) from None

    def encode(self, result: Result, request_id: str) -> bytes:
        """A result as an XML document."""
        parts: list[str] = []
        if self._output is not None:
            plain = msgspec.to_builtins(result)
            parts = [f"<{self._wrapper}>", *self._written(self._output, plain)]
            parts.append(f"</{self._wrapper}>")
        return (
            f'<{self.name}Response xmlns="{self._namespace}">{"".join(parts)}<ResponseMetadata>'
            f"<RequestId>{request_id}</RequestId></ResponseMetadata></{self.name}Response>"
        ).encode()

    def _read(self, name: str, node: Node, at: str) -> object:
        """What a JSON body would have carried; scalars that do not fit their type stay text."""
        shape = self._shapes[name]
        if shape.type not in {"structure", "list", "map"}:
            if not isinstance(node, str):
                raise malformed(at, "has parts; it is a single value")
            return reader(shape)(node)
        if shape.type == "structure":
            if isinstance(node, str):
                raise malformed(at, "is a single value; it has members")
            return {
                member: self._read(ref.shape, node[member], f"{at}.{member}" if at else member)
                for member, ref in shape.members.items()
                if member in node
            }
        if shape.type == "list":
            assert shape.member is not None
            element = shape.member.shape
            return [
                self._read(element, each, f"{at}[{n}]") for n, each in _numbered(node, at, "member")
            ]
        assert shape.key is not None
        assert shape.value is not None
        read = {}
        for _, entry in _numbered(node, at, "entry"):
            if isinstance(entry, str) or not {"key", "value"} <= entry.keys():
                raise malformed(at, "has an entry without key and value")
            key = self._read(shape.key.shape, entry["key"], f"{at} key")
            if key in read:
                raise malformed(at, f"has the key {shown(key)} twice")
            read[key] = self._read(shape.value.shape, entry["value"], f"{at}[{shown(key)}]")
        return read

    def _written(self, name: str, value: object) -> Iterator[str]:
        shape = self._shapes[name]
        match shape.type, value:
            case "structure", dict():
                for member, ref in shape.members.items():
                    if value.get(member) is not None:
                        yield f"<{member}>"
                        yield from self._written(ref.shape, value[member])
                        yield f"</{member}>"
            case "list", list():
                assert shape.member is not None
                for element in value:
                    yield "<member>"
                    yield from self._written(shape.member.shape, element)
                    yield "</member>"
            case "map", dict():
                assert shape.key is not None
                assert shape.value is not None
                for key, element in value.items():
                    yield f"<entry><key>{escaped(key)}</key><value>"
                    yield from self._written(shape.value.shape, element)
                    yield "</value></entry>"
            case _:
                yield self._text(name, shape, value)

    def _text(self, name: str, shape: Shape, value: object) -> str:
        match shape.type, value:
            case "timestamp", int() | float():
                return extended(value)
            case "boolean", bool():
                return "true" if value else "false"
            case "string", str() if name == _POLICY_DOCUMENT:
                return quote(value, safe="")
            case "string" | "blob", str():
                return escaped(value)
            case "integer" | "long" | "float" | "double", int() | float():
                return str(value)
            case _:
                raise Fault(f"{self.name} answers {value!r} where the model has a {shape.type}")


class QueryService(ModeledService):
    """One compiled query service. operations: by name. version: the one that it speaks."""

    def __init__(self, name: str, raw: Mapping[str, object]) -> None:
        model = msgspec.convert(raw, Model)
        super().__init__(name, model, "query")
        self.version = model.metadata.api_version
        self.namespace = model.metadata.xml_namespace
        for trait in model.operations.values():
            for feature in unsupported_query(trait, model.shapes):
                raise Fault(f"{name}: {trait.name} needs {feature}, which the compiler does not do")
        self.operations: Mapping[str, QueryOperation] = {
            trait.name: QueryOperation(self, trait) for trait in model.operations.values()
        }

    def operation(self, form: Form) -> QueryOperation:
        """The operation that a form asks for; MissingAction or InvalidAction if there is none."""
        if not form.action:
            raise Refusal("MissingAction", "The request has no Action parameter")
        found = self.operations.get(form.action)
        if found is None or form.version != self.version:
            version = form.version or "NO_VERSION_SPECIFIED"
            raise Refusal(
                "InvalidAction",
                f"Could not find operation {shown(form.action)[1:-1]}"
                f" for version {shown(version)[1:-1]}",
            )
        return found


def load(name: str) -> QueryService:
    """A query service by botocore's name: iam or sts."""
    return QueryService(name, raw_model(name))


def is_form(http: HttpRequest) -> bool:
    """Whether a request says that its body is a form."""
    types = [value for name, value in http.headers if name.lower() == b"content-type"]
    return any(each.partition(b";")[0].strip().lower() == _FORM for each in types)


def read(http: HttpRequest) -> Form:
    """The form of a request; raises MalformedInput if it cannot be read."""
    if http.method == "POST" and http.body:
        raw = http.body if is_form(http) else b""
    else:
        raw = http.raw_query
    pieces = [piece for piece in raw.split(b"&") if piece]
    if len(pieces) > QUERY_PARAMETERS_MAX:
        raise Refusal(
            "MalformedInput", f"The request has more than {QUERY_PARAMETERS_MAX} parameters"
        )
    parameters: dict[str, str] = {}
    for piece in pieces:
        try:
            name, _, text = map(percent_decoded, piece.replace(b"+", b" ").partition(b"="))
        except UnicodeDecodeError:
            raise Refusal("MalformedInput", "The request is not UTF-8") from None
        if name in parameters:
            raise malformed(name, "is given twice")
        parameters[name] = text
    action, version = parameters.pop("Action", None), parameters.pop("Version", None)
    return Form(action, version, list(parameters.items()))


def success(
    operation: QueryOperation, result: Result, request_id: str, now: Instant, *, check: bool = False
) -> HttpResponse:
    """The answer to a request that was performed. check: compare with the model first."""
    if check:
        differences = operation.conforms(result)
        if differences:
            raise Fault(f"the result of {operation.name} is not the model's: {differences}")
    return respond(200, operation.encode(result, request_id), request_id, now, content_type=XML)


def failure(
    refusal: Refusal,
    request_id: str,
    now: Instant,
    service: QueryService,
    operation: QueryOperation | None = None,
) -> HttpResponse:
    """The answer to a request that was refused. operation: as soon as it is known."""
    code = refusal.code
    if operation is None or code not in operation.errors:
        code = QUERY_CODES.get(code, code)
    status = operation.errors.get(code) if operation else None
    status = status or COMMON.get(code)
    if status is None:
        raise Fault(f"{code} is neither in the model nor a common error: give it a status")
    text = "" if refusal.message is None else f"<Message>{escaped(refusal.message)}</Message>"
    body = (
        f'<ErrorResponse xmlns="{service.namespace}"><Error>'
        f"<Type>{'Sender' if status < 500 else 'Receiver'}</Type><Code>{code}</Code>{text}"
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return respond(status, body.encode(), request_id, now, content_type=XML)


def escaped(text: str) -> str:
    """Text as the content of an XML element."""
    return _NOT_XML.sub("\ufffd", text).translate(_ESCAPES)


def malformed(name: str, why: str) -> Refusal:
    """A form that does not have the shape of the parameters: MalformedInput."""
    return Refusal("MalformedInput", f"{shown(name)[1:-1]} {why}")


def _tree(parameters: list[tuple[str, str]]) -> dict[str, Node]:
    root: dict[str, Node] = {}
    for name, text in parameters:
        *path, last = name.split(".", QUERY_NAME_PARTS_MAX)
        if len(path) == QUERY_NAME_PARTS_MAX:
            raise malformed(name, f"has more than {QUERY_NAME_PARTS_MAX} parts")
        node = root
        for part in path:
            below = node.setdefault(part, {})
            if isinstance(below, str):
                raise malformed(name, f"goes on below {shown(part)}, which has a value")
            node = below
        if last in node:
            raise malformed(name, "has a value, and parts")
        node[last] = text
    return root


def _numbered(node: Node, at: str, kind: str) -> list[tuple[int, Node]]:
    """The elements of a list or the entries of a map, in the order of their numbers, from 0.

    kind: the part of the name before the number. A value without text is an empty list.
    """
    if node == "":
        return []
    below = None if isinstance(node, str) or node.keys() - {kind} else node.get(kind)
    if not isinstance(below, dict) or not all(_NUMBER.fullmatch(each) for each in below):
        raise malformed(at, f"is not of the form {at}.{kind}.1")
    return [(n, below[each]) for n, each in enumerate(sorted(below, key=int))]
