"""Stand-ins: requests of our own, signed as those of the API and judged as an operation of it.

What AWS has no operation for is asked for under /_ringfloor/. Such a request is signed as one of
the `connect` API, and stands for a request of an operation that may see or do the same: it is
throttled, validated and authorised as that, and refused in its words.

    await answered(edge, http, source, perform)      -> what perform answers, or the refusal
    await visit.admitted(visit.signed(), ...)        -> the context to perform in, the parameters
"""

import logging
import re
from collections.abc import Awaitable, Callable

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
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)


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
        return response.failure(refusal, visit.request_id, visit.now, visit.operation)
    except Exception:  # ours: the client gets its id, the operator the trace
        log.exception("request %s to %s failed", visit.request_id, path_of(http.raw_path))
        broken = f"Something is wrong on our side: {visit.request_id}"
        fault = Refusal("InternalServiceException", broken)
        return response.failure(fault, visit.request_id, visit.now)
