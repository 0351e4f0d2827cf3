"""Client: botocore's serialiser and parser around our decoder and encoder."""

import json
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence

from ringfloor.aws.access import Environment
from ringfloor.aws.model import UNWORDED, Service
from ringfloor.aws.request import (
    HttpRequest,
    Principal,
    RootOnly,
    Signed,
    Valid,
    authorise,
    parse,
    validate,
)
from ringfloor.aws.response import HttpResponse
from ringfloor.base.errors import Refusal

ROOT = Principal("123456789012", "arn:aws:iam::123456789012:root", "AKIDEXAMPLE")
HERE = Environment("192.0.2.1", 1_790_000_000_000, "us-east-1", (), lambda _: {})

_serializer = create_serializer("rest-json", include_validation=False)
_parser = create_parser("rest-json")


def http_request(
    method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> HttpRequest:
    path, _, query = target.partition("?")
    given = tuple((k.encode(), v.encode()) for k, v in (headers or {}).items())
    return HttpRequest(method, path.encode(), query.encode(), given, body)


def serialised(operation: OperationModel, params: dict[str, Any]) -> HttpRequest:
    """The request that botocore sends for these parameters, valid or not."""
    wire = _serializer.serialize_to_request(params, operation)
    path = wire["url_path"]
    query = wire["query_string"]
    if query:
        path += ("&" if urlsplit(path).query else "?") + percent_encode_sequence(query)
    body = wire["body"]
    headers = {k: str(v) for k, v in wire["headers"].items()}
    return http_request(wire["method"], path, headers, body.encode() if body == "" else body)


def understood(service: Service, http: HttpRequest) -> Valid[Principal]:
    """The stages after the signature."""
    valid = validate(parse(Signed(http, ROOT, "us-east-1"), service))
    return authorise(valid, RootOnly(), HERE).valid


def params_of(service: Service, http: HttpRequest) -> dict[str, Any]:
    """The parameters as a plain dictionary, absent members left out."""
    plain: dict[str, Any] = msgspec.to_builtins(understood(service, http).params)
    return plain


def refusal_of(service: Service, http: HttpRequest) -> Refusal:
    """The refusal; fails if the request is accepted or if its words are only the decoder's."""
    with pytest.raises(Refusal) as refused:
        understood(service, http)
    message = refused.value.message
    assert message
    assert not message.startswith(UNWORDED), message
    return refused.value


def received(response: HttpResponse, shape: Shape | None) -> dict[str, Any]:
    """What botocore makes of a response."""
    headers = HeadersDict({k.decode(): v.decode() for k, v in response.headers})
    wire = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed: dict[str, Any] = _parser.parse(wire, shape)
    return parsed


def with_body(http: HttpRequest, body: object) -> HttpRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest(http.method, http.raw_path, http.raw_query, http.headers, raw)
