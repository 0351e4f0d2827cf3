"""Support: which features of service models the compiler does not do.

Called by aws.model when a service is loaded. Connect is a plain subset of REST-JSON; a model that
asks for more is refused by name at start, never half served. The list is also the reason why a
protocol test case is left out.
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
    if trait.endpoint:
        yield "a prefix of the host name"
    if trait.http_checksum or trait.http_checksum_required:
        yield "checksums of the body"
    if trait.requestcompression:
        yield "compressed bodies"
    yield from _template(trait.http.request_uri)
    if trait.input:
        yield from _request(shapes[trait.input.shape], shapes)
    if trait.output:
        yield from _answer("response", shapes[trait.output.shape], shapes)
    for error in trait.errors:
        yield from _answer("error", shapes[error.shape], shapes)


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
