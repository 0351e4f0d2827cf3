"""Support: which features of service models the compiler does not do.

Called by aws.model and aws.query when a service is loaded. Connect is a plain subset of REST-JSON,
IAM and STS are one of the query protocol; a model that asks for more is refused by name at start,
never half served. The list is also the reason why a protocol test case is left out.
"""

from collections.abc import Iterator, Mapping

from ringfloor.aws.shapes import OperationTrait, Ref, Shape

_LOCATIONS = frozenset({None, "uri", "querystring", "header"})

_TYPES = frozenset(
    {
        "boolean",
        "double",
        "float",
        "integer",
        "list",
        "long",
        "map",
        "string",
        "structure",
        "timestamp",
    }
)


def unsupported(trait: OperationTrait, shapes: Mapping[str, Shape]) -> Iterator[str]:
    """The features that an operation needs and the compiler does not do."""
    yield from _extras(trait)
    yield from _template(trait.http.request_uri)
    if trait.input:
        yield from _request(shapes[trait.input.shape], shapes)
    if trait.output:
        yield from _answer("response", shapes[trait.output.shape], shapes)
    for error in trait.errors:
        yield from _answer("error", shapes[error.shape], shapes)


def unsupported_query(trait: OperationTrait, shapes: Mapping[str, Shape]) -> Iterator[str]:
    """The features of the query protocol that an operation needs and the compiler does not do."""
    yield from _extras(trait)
    if trait.output and not trait.output.result_wrapper:
        yield "results without a wrapper"
    for ref in (trait.input, trait.output, *trait.errors):
        if ref is not None:
            yield from _queried(ref, shapes, set(), request=ref is trait.input)


def _extras(trait: OperationTrait) -> Iterator[str]:
    if trait.endpoint:
        yield "a prefix of the host name"
    if trait.http_checksum or trait.http_checksum_required:
        yield "checksums of the body"
    if trait.requestcompression:
        yield "compressed bodies"


def _queried(
    ref: Ref, shapes: Mapping[str, Shape], seen: set[str], *, request: bool
) -> Iterator[str]:
    if ref.location or ref.host_label:
        yield "members outside the form"
    if ref.location_name:
        yield "renamed members"
    if ref.xml_attribute:
        yield "XML attributes"
    if ref.shape in seen:
        return
    seen.add(ref.shape)
    shape = shapes[ref.shape]
    if shape.type not in (_TYPES if request else _TYPES | {"blob"}):
        yield shape.type
    if request and shape.type == "timestamp":
        yield "timestamps in requests"
    if shape.timestamp_format not in {None, "iso8601"}:
        yield f"timestamps as {shape.timestamp_format}"
    if shape.flattened:
        yield "flattened lists and maps"
    if shape.document or shape.streaming or shape.eventstream or shape.payload:
        yield "documents and streams"
    for below in (*shape.members.values(), shape.member, shape.key, shape.value):
        if below is not None:
            yield from _queried(below, shapes, seen, request=request)


def _request(shape: Shape, shapes: Mapping[str, Shape]) -> Iterator[str]:
    if shape.payload:
        yield "a member that is the whole body"
    for name, ref in shape.members.items():
        if ref.location not in _LOCATIONS:
            yield f"request members in {ref.location}"
        elif ref.location:
            yield from _outside(ref, shapes)
        else:
            yield from _reachable(name, ref, shapes, set(), request=True)


def _answer(kind: str, shape: Shape, shapes: Mapping[str, Shape]) -> Iterator[str]:
    if shape.payload:
        yield "a member that is the whole body"
    for name, ref in shape.members.items():
        if ref.location:
            yield f"{kind} members in {ref.location}"
        yield from _reachable(name, ref, shapes, set(), request=False)


def _template(template: str) -> Iterator[str]:
    if "?" in template:
        yield "a query string in the path template"
    segments = template.strip("/").split("/")
    for number, segment in enumerate(segments, 1):
        if "{" in segment and not (segment.startswith("{") and segment.endswith("}")):
            yield "a label that is only part of a segment"
        if segment.endswith("+}") and number < len(segments):
            yield "a greedy label that is not last"


def _outside(ref: Ref, shapes: Mapping[str, Shape]) -> Iterator[str]:
    shape = shapes[ref.shape]
    if shape.type == "list" and shape.member is not None and ref.location == "querystring":
        shape = shapes[shape.member.shape]
    http_date = ref.location == "header" and shape.timestamp_format in {None, "rfc822"}
    if ref.jsonvalue:
        yield f"a JSON value in the {ref.location}"
    elif shape.type in {"list", "map", "structure", "blob"}:
        yield f"a {shape.type} in the {ref.location}"
    elif shape.type == "timestamp" and not http_date:
        yield f"a timestamp in the {ref.location}"


def _reachable(
    name: str | None, ref: Ref, shapes: Mapping[str, Shape], seen: set[str], *, request: bool
) -> Iterator[str]:
    if name is not None and ref.location_name not in {None, name}:
        yield "members renamed in the body"
    if ref.host_label:
        yield "a member in the host name"
    if ref.shape in seen:
        return
    seen.add(ref.shape)
    shape = shapes[ref.shape]
    if shape.type not in _TYPES:
        yield shape.type
    if shape.document:
        yield "documents"
    if shape.streaming or shape.eventstream:
        yield "streams"
    if shape.sparse:
        yield "lists or maps with null"
    allowed = {None, "unixTimestamp"} if request else {None, "unixTimestamp", "iso8601"}
    if shape.timestamp_format not in allowed:
        yield f"timestamps as {shape.timestamp_format}"
    for member, below in shape.members.items():
        yield from _reachable(member, below, shapes, seen, request=request)
    for part in (shape.member, shape.key, shape.value):
        if part is not None:
            yield from _reachable(None, part, shapes, seen, request=request)
