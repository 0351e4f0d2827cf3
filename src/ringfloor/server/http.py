"""HTTP: what the endpoints of this floor share: a response, and small JSON bodies.

Endpoints that are not of the AWS API (health, sandbox, sign-in, agent service) speak plain JSON:
members in, members out, errors as {"message": ...} with a status.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from ringfloor.aws.request import HttpRequest, host_of
from ringfloor.aws.response import HttpResponse
from ringfloor.base.errors import Refusal

T = TypeVar("T")

STATUSES: Mapping[str, int] = {
    "ContactNotFoundException": 410,
    "InternalServiceException": 500,
    "InvalidParameterException": 400,
    "InvalidRequestException": 400,
    "LimitExceededException": 429,
    "MethodNotAllowedException": 405,
    "NotImplementedException": 501,
    "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503,
    "UnauthorizedException": 401,
    "AccessDeniedException": 403,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "UserNotFoundException": 404,
}
"""Statuses outside the AWS API; the API's own come from its model."""

_encode = msgspec.json.Encoder().encode


def json_response(
    status: int, body: object, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> HttpResponse:
    """A JSON body."""
    raw = _encode(body)
    headers = (
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(raw)),
        (b"cache-control", b"no-store"),
        *extra,
    )
    return HttpResponse(status, headers, raw)


def refused(refusal: Refusal) -> HttpResponse:
    """A refusal, as these endpoints write it."""
    status = STATUSES.get(refusal.code, 400)
    return json_response(status, {"message": refusal.message, "code": refusal.code})


def body_of(http: HttpRequest, shape: type[T]) -> T:
    """The JSON body of a request; refuses with InvalidRequestException naming the member."""
    try:
        return msgspec.json.decode(http.body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise Refusal("InvalidRequestException", f"body: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("InvalidRequestException", f"body: is no JSON object: {error}") from error


def header(http: HttpRequest, name: bytes) -> str | None:
    """The first header of that name (lower case), if there is one."""
    for each, value in http.headers:
        if each.lower() == name:
            return value.decode("latin-1").strip()
    return None


def origin(http: HttpRequest, kind: Literal["http", "ws"]) -> str:
    """The address under which a request came, such as https://host or ws://127.0.0.1:8080.

    Only the sender is told it, so his Host header is good enough. chatjs takes no unencrypted web
    socket but of 127.0.0.1, so a localhost becomes that. Refuses with InvalidRequestException.
    """
    host = host_of(http.headers)
    if http.secure:
        return f"{kind}s://{host}"
    name, colon, port = host.partition(":")
    if kind == "ws" and name.lower() == "localhost":
        host = f"127.0.0.1{colon}{port}"
    return f"{kind}://{host}"


Json = dict[str, Any]
