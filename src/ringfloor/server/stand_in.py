"""Stand-ins: requests of our own, signed as those of the API and judged as an operation of it.

What AWS has no operation for is asked for under /_ringfloor/. Such a request is signed as one of
the `connect` API, and stands for a request of an operation that may see or do the same: it is
throttled, validated and authorised as that, and refused in its words. What no operation may do is
an action of our own, which policies are asked about by its name.

    await answered(edge, http, source, perform)      -> what perform answers, or the refusal
    await visit.admitted(visit.signed(), ...)        -> the context to perform in, the parameters
    visit.permit(visit.signed(), action, arn)        that action of our own, on a resource
"""

import logging
import re
from collections.abc import Awaitable, Callable

from msgspec import json
from msgspec.structs import replace

from ringfloor.aws import request, response
from ringfloor.aws.model import Operation
from ringfloor.aws.request import HttpRequest, Principal, Signed
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of, percent_decoded
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.time import Instant
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params
from ringfloor.server.http import STATUSES
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)

_encode = json.Encoder().encode


class Visit:
    """One request of our own. operation: what it is judged as, once that is known."""

    def __init__(self, edge: Edge, http: HttpRequest, source: str) -> None:
        self.edge = edge
        self.source = source
        self.now: Instant = edge.clock.now()
        self.request_id = derive(chance(), 0)
        self.operation: Operation | None = None
        self._http = http
        self._is_counted = False

    def names(self, path: re.Pattern[bytes]) -> tuple[str, ...]:
        """What the path names; refuses what is not UTF-8."""
        found = path.fullmatch(path_of(self._http.raw_path))
        assert found is not None, "who owns it has looked"
        try:
            return tuple(percent_decoded(each) for each in found.groups())
        except UnicodeDecodeError:
            raise Refusal("ValidationException", "the path is not UTF-8") from None

    def judged_as(self, name: str) -> None:
        """In whose words what is refused from here on is refused."""
        self.operation = self.edge.api.operations[name]

    def signed(self) -> Signed[Principal]:
        """The request, its signature verified."""
        edge = self.edge
        return edge.verified(self._http, self.now, edge.service.region, edge.api.signing_name)

    def permit(self, signed: Signed[Principal], action: str, arn: str) -> None:
        """Judge it as an action of our own: throttled, and authorised; refuses."""
        self.edge.throttle.take(signed.principal.account, action, self.now)
        self.edge.permit(signed, self.source, self.now, action, arn)

    async def admitted(
        self, signed: Signed[Principal], method: str, path: bytes, body: bytes = b""
    ) -> tuple[Context, Params]:
        """Judged as that request of the API; the first one counts for its rate."""
        edge = self.edge
        asked = replace(signed.http, method=method, raw_path=path, raw_query=b"", body=body)
        parsed = request.parse(Signed(asked, signed.principal, signed.region), edge.api)
        self.operation = parsed.operation
        if not self._is_counted:
            edge.throttle.take(signed.principal.account, parsed.operation.name, self.now)
            self._is_counted = True
        valid = request.validate(parsed)
        ended = await edge.ended(valid)
        environment = edge.environment(signed, self.source, self.now, ended)
        authorised = request.authorise(valid, edge.policies, environment)
        context = edge.context(authorised.valid, self.source, self.request_id, self.now)
        return context, authorised.valid.params


async def answered(
    edge: Edge,
    http: HttpRequest,
    source: str,
    perform: Callable[[Visit], Awaitable[HttpResponse]],
) -> HttpResponse:
    """What is answered to a request. source: the caller's network address."""
    visit = Visit(edge, http, source)
    try:
        return await perform(visit)
    except Refusal as refusal:
        if visit.operation is None:
            return refused(refusal, visit.request_id, visit.now)
        return response.failure(refusal, visit.request_id, visit.now, visit.operation)
    except Exception:  # ours: the client gets its id, the operator the trace
        log.exception("request %s to %s failed", visit.request_id, path_of(http.raw_path))
        broken = f"Something is wrong on our side: {visit.request_id}"
        fault = Refusal("InternalServiceException", broken)
        return refused(fault, visit.request_id, visit.now)


def refused(refusal: Refusal, request_id: str, now: Instant) -> HttpResponse:
    """The answer to a request that was refused, and is none of an operation."""
    status = {**STATUSES, **response.COMMON}.get(refusal.code, 400)
    body = _encode({"message": refusal.message})
    extra = ((b"x-amzn-errortype", refusal.code.encode()),)
    return response.respond(status, body, request_id, now, extra)
