"""Traces: GET /_ringfloor/instances/{InstanceId}/contacts/{ContactId}/trace.

Called by server.asgi (owns, handle); made by app, one per server. It stands for a DescribeContact
of that contact (server.stand_in).
"""

import re
from typing import NamedTuple

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of
from ringfloor.operations.traces import trace
from ringfloor.server.http import json_response
from ringfloor.server.pipeline import Edge
from ringfloor.server.stand_in import Visit, answered

_PATH = re.compile(rb"/_ringfloor/instances/([^/]+)/contacts/([^/]+)/trace")


class Traces(NamedTuple):
    """The endpoint."""

    edge: Edge

    def owns(self, http: HttpRequest) -> bool:
        """Whether a trace is asked for."""
        return http.method == "GET" and _PATH.fullmatch(path_of(http.raw_path)) is not None

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        return await answered(self.edge, http, source, _perform)


async def _perform(visit: Visit) -> HttpResponse:
    signed = visit.signed()
    found = _PATH.fullmatch(path_of(signed.http.raw_path))
    assert found is not None
    context, params = await visit.admitted(signed, "GET", b"/contacts/%s/%s" % found.groups())
    return json_response(200, await trace(context, params))
