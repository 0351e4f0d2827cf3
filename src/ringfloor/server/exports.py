"""Exports: GET /_ringfloor/instances/{InstanceId}/exports/{table}, the history as files, in parts.

    ?from=MS&to=MS            milliseconds since the epoch; from is included, to is not
    &format=parquet|csv       parquet, if left out
    &after=PLACE              what x-ringfloor-next of the part before said

Called by server.asgi (owns, handle); made by app, one per server. It stands for a SearchContacts
(contact records) or a GetMetricDataV2 (agents' time) of the whole instance (server.stand_in). A
part has a bounded number of rows; the header is absent where it is the last one.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from ringfloor.aws import response
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of
from ringfloor.base.errors import invalid_parameter, not_found
from ringfloor.base.limits import WIRE_SECONDS_MAX
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.node.tables import FORMATS, Format
from ringfloor.operations.exports import Span, part
from ringfloor.projections.exports import AGENT_INTERVALS, TABLES, Place, Table
from ringfloor.server.pipeline import Edge
from ringfloor.server.stand_in import Visit, answered

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
        return await answered(self.edge, http, source, _perform)


async def _perform(visit: Visit) -> HttpResponse:
    signed = visit.signed()
    instance, name = visit.names(_PATH)
    of_agents = name == AGENT_INTERVALS.name
    visit.judged_as("GetMetricDataV2" if of_agents else "SearchContacts")
    form, span = _asked(signed.http)
    path, body = _standing_for(name, instance, span)
    context, _ = await visit.admitted(signed, "POST", path, _encode(body))
    found = await part(context, context.desk(instance), _table(name), span, form)
    more = () if found.next is None else ((NEXT, _text(found.next).encode()),)
    kind = CONTENT_TYPES[form]
    return response.respond(200, found.body, visit.request_id, visit.now, more, content_type=kind)


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
