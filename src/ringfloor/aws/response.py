"""Response: results and refusals as HTTP.

Called by server.pipeline, for every answer of a REST-JSON service. The one place where an error
code becomes a status and a body. Rules:

* A modeled error has the model's status, its members in the body and its text as `Message`; a
  common error (signature, route, throttle) has the status of COMMON and its text as `message`.
* The code goes in x-amzn-errortype, without namespace. A refusal without text has no text member.
* An operation without output answers 200 with an empty body.
* Every answer has Date, Content-Length, x-amzn-requestid and the CORS headers that AWS sends.
"""

from collections.abc import Mapping

import msgspec

from ringfloor.aws.dates import http_date
from ringfloor.aws.model import Headers, Operation, Result
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.time import Instant

COMMON: Mapping[str, int] = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 400,
    "InternalServiceException": 500,
    "InvalidRequestException": 400,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "NotImplementedException": 501,
    "RequestEntityTooLargeException": 413,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
"""Codes that any operation may answer, or that arise before the operation is known; with status.

501 because SDKs repeat 500, 502, 503 and 504, and an operation that is missing stays missing.
"""

JSON = b"application/json"

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "DuplicateResourceException": (
        "ResourceConflictException",
        "ConflictException",
        "InvalidRequestException",
        "InvalidParameterException",
    ),
    "InvalidParameterException": ("InvalidRequestException",),
    "LimitExceededException": (
        "ServiceQuotaExceededException",
        "InvalidRequestException",
        "InvalidParameterException",
    ),
    "ResourceInUseException": ("ResourceConflictException", "InvalidRequestException"),
    "ThrottlingException": ("TooManyRequestsException",),
}
"""What is answered, the first that the operation declares, where it does not declare the code."""

_REQUEST_HEADERS = (
    b"Authorization",
    b"Content-Type",
    b"X-Amz-Bearer",
    b"X-Amz-Content-Sha256",
    b"X-Amz-Date",
    b"X-Amz-Security-Token",
    b"X-Amz-Target",
    b"X-Amz-User-Agent",
    b"X-Api-Key",
    b"amz-sdk-invocation-id",
    b"amz-sdk-request",
)

_CORS: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"DELETE,GET,OPTIONS,POST,PUT"),
    (b"access-control-allow-headers", b",".join(_REQUEST_HEADERS)),
    (b"access-control-expose-headers", b"x-amzn-RequestId,x-amzn-ErrorType,Date"),
)
"""AWS sends these with every answer, for fewer methods and headers than its own SDKs use."""

_encode = msgspec.json.Encoder().encode


class HttpResponse(msgspec.Struct, frozen=True):
    """A response to send as it is."""

    status: int
    headers: Headers
    body: bytes


def success(
    operation: Operation,
    result: Result,
    request_id: str,
    now: Instant,
    extra: Headers = (),
    *,
    check: bool = False,
) -> HttpResponse:
    """The answer to a request that was performed.

    extra: headers that the operation adds. check: compare the result with the model first and
    raise a Fault where they differ; about 50 times slower than not to, so for tests and
    development.
    """
    if check:
        differences = operation.conforms(result)
        if differences:
            raise Fault(f"the result of {operation.name} is not the model's: {differences}")
    return respond(operation.status, operation.encode(result), request_id, now, extra)


def failure(
    refusal: Refusal, request_id: str, now: Instant, operation: Operation | None = None
) -> HttpResponse:
    """The answer to a request that was refused. operation: as soon as it is known."""
    code = _declared(refusal.code, operation)
    modeled = operation is not None and code in operation.errors
    status = operation.errors[code] if operation and modeled else COMMON.get(code)
    if status is None:
        raise Fault(f"{code} is neither in the model nor a common error: give it a status")
    body: dict[str, object] = {}
    if refusal.message is not None:
        body["Message" if modeled else "message"] = refusal.message
    if code == refusal.code:
        body.update(refusal.members)
    extra = ((b"x-amzn-errortype", code.encode()),)
    return respond(status, _encode(body), request_id, now, extra)


def _declared(code: str, operation: Operation | None) -> str:
    """The code that the operation declares for what this code says; else the code itself."""
    if operation is None or code in operation.declared:
        return code
    found = (each for each in SYNONYMS.get(code, ()) if each in operation.declared)
    return next(found, code)


def not_implemented(operation: Operation) -> Refusal:
    """What an operation answers that nobody has written yet."""
    return Refusal(
        "NotImplementedException",
        f"{operation.name} is not implemented; docs/not-supported.md lists what is missing and why",
    )


def preflight(now: Instant) -> HttpResponse:
    """The answer to a browser's OPTIONS request: every origin, method and header of the API.

    Safe because nothing is authenticated by cookies: who can sign may ask from anywhere.
    """
    headers = (
        (b"content-length", b"0"),
        (b"date", http_date(now).encode()),
        (b"access-control-max-age", b"86400"),
        *_CORS,
    )
    return HttpResponse(200, headers, b"")


def respond(
    status: int,
    body: bytes,
    request_id: str,
    now: Instant,
    extra: Headers = (),
    *,
    content_type: bytes = JSON,
) -> HttpResponse:
    """A response with the headers that every answer has."""
    headers = (
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"date", http_date(now).encode()),
        (b"x-amzn-requestid", request_id.encode()),
        *extra,
        *_CORS,
    )
    return HttpResponse(status, headers, body)
