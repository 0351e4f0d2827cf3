"""Reports: GET /_ringfloor/instances/{InstanceId}/report?StartTime=...&EndTime=...&Queue=...

Called by server.asgi (owns, handle); made by app, one per server. It stands for a GetMetricDataV2
of those queues (server.stand_in), and then for another one of the routing profiles that serve the
queues, because it shows their agents.

Parameters: StartTime and EndTime (ISO 8601 with its offset, or an age such as 12h; today until now,
and an EndTime that is yet to come is now), TimeZone (UTC), Queue (ids or ARNs, one or more),
Channel (none or more), Day (a date in that zone).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of
from ringfloor.base import zones
from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.limits import METRIC_DATA_VALUES_MAX
from ringfloor.base.time import DAY, HOUR, MINUTE, SECOND, Instant, seconds
from ringfloor.domain.resources import Home
from ringfloor.operations.report import Wanted, report, serving
from ringfloor.server.http import json_response
from ringfloor.server.pipeline import Edge
from ringfloor.server.stand_in import Visit, answered

_PATH = re.compile(rb"/_ringfloor/instances/([0-9a-fA-F-]+)/report")
_METRICS = b"/metrics/data"
_ONE = ("StartTime", "EndTime", "TimeZone", "Day")
_MANY = ("Queue", "Channel")
_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}

_encode = msgspec.json.Encoder().encode


class Reports(NamedTuple):
    """The endpoint."""

    edge: Edge

    def owns(self, http: HttpRequest) -> bool:
        """Whether a report is asked for."""
        return http.method == "GET" and _PATH.fullmatch(path_of(http.raw_path)) is not None

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        return await answered(self.edge, http, source, _perform)


async def _perform(visit: Visit) -> HttpResponse:
    signed = visit.signed()
    visit.judged_as("GetMetricDataV2")
    (instance_id,) = visit.names(_PATH)
    asked = _asked(signed.http.raw_query)
    home = Home(visit.edge.service.region, visit.edge.service.account, instance_id)
    of_queues = _body(home, asked, visit.now, "QUEUE", asked.get("Queue", ()))
    context, params = await visit.admitted(signed, "POST", _METRICS, of_queues)
    profile_ids = await serving(context, params)
    if profile_ids:
        of_profiles = _body(home, asked, visit.now, "ROUTING_PROFILE", profile_ids)
        await visit.admitted(signed, "POST", _METRICS, of_profiles)
    wanted = Wanted(params.Interval.TimeZone, next(iter(asked.get("Day", ())), None))
    return json_response(200, await report(context, params, profile_ids, wanted))


def _asked(raw_query: bytes) -> Mapping[str, Sequence[str]]:
    """The parameters by name."""
    most = len(_ONE) + 2 * METRIC_DATA_VALUES_MAX
    try:
        found = parse_qs(
            raw_query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=most
        )
    except ValueError as error:
        raise Refusal("InvalidRequestException", "The query string cannot be read") from error
    for name, values in found.items():
        if name not in _ONE + _MANY:
            raise invalid_request(name, values[0], f"is none of {', '.join(_ONE + _MANY)}")
        if name in _ONE and len(values) > 1:
            raise invalid_request(name, values[1], "is named twice")
    return found


def _body(
    home: Home, asked: Mapping[str, Sequence[str]], now: Instant, key: str, values: Sequence[str]
) -> bytes:
    """A request of GetMetricDataV2 for the range, with a filter."""
    filters = [{"FilterKey": key, "FilterValues": values}]
    if "Channel" in asked:
        filters.append({"FilterKey": "CHANNEL", "FilterValues": asked["Channel"]})
    zone = asked.get("TimeZone", ("UTC",))[0]
    if not zones.known(zone):
        raise invalid_parameter("TimeZone", zone, "is no time zone of the IANA database")
    today = zones.beginning(zones.local(now, zone).date(), zone)
    body: dict[str, Any] = {
        "ResourceArn": home.arn,
        "StartTime": seconds(_instant(asked, "StartTime", now, today)),
        "EndTime": seconds(min(_instant(asked, "EndTime", now, now), now)),
        "Interval": {"TimeZone": zone, "IntervalPeriod": "TOTAL"},
        "Filters": filters,
        "Metrics": [{"Name": "CONTACTS_QUEUED"}],
    }
    return _encode(body)


def _instant(
    asked: Mapping[str, Sequence[str]], name: str, now: Instant, otherwise: Instant
) -> Instant:
    text = asked.get(name, ("",))[0]
    if not text:
        return otherwise
    age = _AGE.fullmatch(text)
    if age is not None:
        return now - int(age[1]) * _UNITS[age[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        rule = "is neither a time such as 2026-11-20T08:30:00Z nor an age such as 12h"
        raise invalid_parameter(name, text, rule) from error
    if found.tzinfo is None:
        raise invalid_parameter(name, text, "has no offset, such as Z or +01:00")
    return round(found.timestamp() * SECOND)
