"""Exports: GET /_ringfloor/instances/{InstanceId}/exports/{table}, the history as files, in parts.

    ?from=MS&to=MS            milliseconds since the epoch; from is included, to is not
    &format=parquet|csv       parquet, if left out
    &after=PLACE              what x-ringfloor-next of the part before said

Called by server.asgi (owns, handle); made by app, one per server. AWS has no operation for it. The
request is signed as one of the `connect` API, and from there on it is a SearchContacts (contact
records) or a GetMetricDataV2 (agents' time) of the whole instance: throttled and authorised as
that, and refused in its words. A part has a bounded number of rows; the header is absent where it
is the last one.
"""

import logging
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import replace

from ringfloor.aws import request, response
from ringfloor.aws.model import Operation
from ringfloor.aws.request import HttpRequest, Signed
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of, percent_decoded
from ringfloor.base.errors import Refusal, invalid_parameter, not_found
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import WIRE_SECONDS_MAX
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.node.tables import FORMATS, Format
from ringfloor.operations.context import Context
from ringfloor.operations.exports import Span, part
from ringfloor.projections.exports import AGENT_INTERVALS, TABLES, Place, Table
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)

_PATH = re.compile(rb"/_ringfloor/instances/([^/]+)/exports/([^/]+)")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,14})", re.ASCII)
_PLACE = re.compile(r"(0|[1-9][0-9]{0,14})\.(.{1,64})", re.ASCII)

NEXT = b"x-ringfloor-next"

CONTENT_TYPES: Mapping[Format, bytes] = {
    "parquet": b"application/vnd.apache.parquet",
    "csv": b"text/csv; charset=utf-8",
}

_encode = msgspec.json.Encoder().encode


class Exports(NamedTuple):
    """The endpoint."""

    edge: Edge

    def owns(self, http: HttpRequest) -> bool:
        """Whether a part of an export is asked for."""
        return http.method == "GET" and _PATH.fullmatch(path_of(http.raw_path)) is not None

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        edge = self.edge
        now = edge.clock.now()
        request_id = derive(chance(), 0)
        operation: Operation | None = None
        try:
            signed = edge.verified(http, now, edge.service.region, edge.api.signing_name)
            instance, name = _names(http)
            operation = edge.api.operations[
                "GetMetricDataV2" if name == AGENT_INTERVALS.name else "SearchContacts"
            ]
            form, span = _asked(http)
            path, body = _standing_for(name, instance, span)
            asked = replace(http, method="POST", raw_path=path, raw_query=b"", body=_encode(body))
            parsed = request.parse(Signed(asked, signed.principal, signed.region), edge.api)
            edge.throttle.take(signed.principal.account, operation.name, now)
            valid = request.validate(parsed)
            request.authorise(valid, edge.policies, edge.environment(signed, source, now))
            context = Context(
                service=edge.service,
                operation=operation,
                principal=signed.principal,
                source=source,
                request_id=request_id,
                now=now,
            )
            found = await part(context, context.desk(instance), _table(name), span, form)
            more = () if found.next is None else ((NEXT, _text(found.next).encode()),)
            kind = CONTENT_TYPES[form]
            return response.respond(200, found.body, request_id, now, more, content_type=kind)
        except Refusal as refusal:
            return response.failure(refusal, request_id, now, operation)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of an export failed", request_id)
            broken = f"Something is wrong on our side: {request_id}"
            return response.failure(Refusal("InternalServiceException", broken), request_id, now)


def _names(http: HttpRequest) -> tuple[str, str]:
    """The instance and the table."""
    found = _PATH.fullmatch(path_of(http.raw_path))
    assert found is not None
    try:
        return percent_decoded(found[1]), percent_decoded(found[2])
    except UnicodeDecodeError:
        raise Refusal("ValidationException", "the path is not UTF-8") from None


def _table(name: str) -> Table:
    found = TABLES.get(name)
    if found is None:
        raise not_found("table", name, "table")
    return found


def _standing_for(name: str, instance: str, span: Span) -> tuple[bytes, dict[str, object]]:
    """The request of the API as which this one is judged."""
    start, end = seconds(span.start), seconds(span.end)
    if name == AGENT_INTERVALS.name:
        return b"/metrics/data", {
            "ResourceArn": instance,
            "StartTime": start,
            "EndTime": end,
            "Filters": [{"FilterKey": "CHANNEL", "FilterValues": ["VOICE"]}],
            "Metrics": [{"Name": "AGENT_OCCUPANCY"}],
        }
    times = {"Type": "INITIATION_TIMESTAMP", "StartTime": start, "EndTime": end}
    return b"/search-contacts", {"InstanceId": instance, "TimeRange": times}


def _asked(http: HttpRequest) -> tuple[Format, Span]:
    given = dict(parse_qsl(http.raw_query.decode("latin-1"), keep_blank_values=True))
    form = given.pop("format", "parquet")
    known = next((each for each in FORMATS if each == form), None)
    if known is None:
        raise invalid_parameter("format", form, f"is none of {', '.join(FORMATS)}")
    start, end = _instant("from", given.pop("from", "")), _instant("to", given.pop("to", ""))
    if end <= start:
        raise invalid_parameter("to", end, "is not after from")
    after = given.pop("after", None)
    if given:
        raise invalid_parameter("query", min(given), "is none of from, to, format, after")
    return known, Span(start, end, None if after is None else _place(after))


def _instant(name: str, text: str) -> Instant:
    if _NUMBER.fullmatch(text) is None or int(text) > WIRE_SECONDS_MAX * SECOND:
        rule = "is not a time, in milliseconds since 1970-01-01T00:00:00Z"
        raise invalid_parameter(name, text, rule)
    return int(text)


def _place(text: str) -> Place:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise invalid_parameter("after", text, f"is nothing that {NEXT.decode()} has told")
    return int(found[1]), found[2]


def _text(place: Place) -> str:
    return f"{place[0]}.{place[1]}"
