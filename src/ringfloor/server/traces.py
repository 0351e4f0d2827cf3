"""Traces: GET /_ringfloor/instances/{InstanceId}/contacts/{ContactId}/trace.

Called by server.asgi (owns, handle); made by app, one per server. AWS has no operation for it. The
request is signed as one of the `connect` API, and from there on it is a DescribeContact of that
contact: validated, throttled and authorised as that, and refused in its words.
"""

import logging
import re
from typing import NamedTuple

from msgspec.structs import replace

from ringfloor.aws import request, response
from ringfloor.aws.model import Operation
from ringfloor.aws.request import HttpRequest, Signed
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.operations.context import Context
from ringfloor.operations.traces import trace
from ringfloor.server.http import json_response
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)

_PATH = re.compile(rb"/_ringfloor/instances/([^/]+)/contacts/([^/]+)/trace")


class Traces(NamedTuple):
    """The endpoint."""

    edge: Edge

    def owns(self, http: HttpRequest) -> bool:
        """Whether a trace is asked for."""
        return http.method == "GET" and _PATH.fullmatch(path_of(http.raw_path)) is not None

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        edge = self.edge
        now = edge.clock.now()
        request_id = derive(chance(), 0)
        operation: Operation | None = None
        found = _PATH.fullmatch(path_of(http.raw_path))
        assert found is not None
        try:
            signed = edge.verified(http, now, edge.service.region, edge.api.signing_name)
            described = b"/contacts/%s/%s" % found.groups()
            asked = replace(http, raw_path=described, raw_query=b"", body=b"")
            parsed = request.parse(Signed(asked, signed.principal, signed.region), edge.api)
            operation = parsed.operation
            edge.throttle.take(signed.principal.account, operation.name, now)
            valid = request.validate(parsed)
            environment = edge.environment(signed, source, now, await edge.ended(valid))
            authorised = request.authorise(valid, edge.policies, environment)
            context = Context(
                service=edge.service,
                operation=operation,
                principal=signed.principal,
                source=source,
                request_id=request_id,
                now=now,
            )
            return json_response(200, await trace(context, authorised.valid.params))
        except Refusal as refusal:
            return response.failure(refusal, request_id, now, operation)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of a trace failed", request_id)
            broken = f"Something is wrong on our side: {request_id}"
            return response.failure(Refusal("InternalServiceException", broken), request_id, now)
