"""Reports: GET /_ringfloor/instances/{InstanceId}/report?StartTime=...&EndTime=...&Queue=...

Called by server.asgi (owns, handle); made by app, one per server. AWS has no operation for it. The
request is signed as one of the `connect` API, and from there on it is a GetMetricDataV2 of those
queues: validated, throttled and authorised as that, and then once more of the routing profiles
that serve the queues, because it shows their agents; and it is refused in its words.

Parameters: StartTime and EndTime (ISO 8601 with its offset, or an age such as 12h; today until now,
and an EndTime that is yet to come is now), TimeZone (UTC), Queue (ids or ARNs, one or more),
Channel (none or more), Day (a date in that zone).
"""

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
from msgspec.structs import replace

from ringfloor.aws import request, response
from ringfloor.aws.model import Operation
from ringfloor.aws.request import Authorised, HttpRequest, Principal, Signed
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of
from ringfloor.base import zones
from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import METRIC_DATA_VALUES_MAX
from ringfloor.base.time import DAY, HOUR, MINUTE, SECOND, Instant, seconds
from ringfloor.domain.resources import Home
from ringfloor.operations.context import Context
from ringfloor.operations.report import Wanted, report, serving
from ringfloor.server.http import json_response
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)

_PATH = re.compile(rb"/_ringfloor/instances/([0-9a-fA-F-]+)/report")
_OPERATION, _METRICS = "GetMetricDataV2", b"/metrics/data"
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
        edge = self.edge
        now = edge.clock.now()
        request_id = derive(chance(), 0)
        operation: Operation | None = None
        found = _PATH.fullmatch(path_of(http.raw_path))
        assert found is not None
        try:
            signed = edge.verified(http, now, edge.service.region, edge.api.signing_name)
            operation = edge.api.operations[_OPERATION]
            asked = _asked(http.raw_query)
            home = Home(edge.service.region, edge.service.account, found[1].decode())
            of_queues = _body(home, asked, now, "QUEUE", asked.get("Queue", ()))
            parsed = request.parse(_posted(signed, of_queues), edge.api)
            operation = parsed.operation
            edge.throttle.take(signed.principal.account, operation.name, now)
            params = self._authorised(_posted(signed, of_queues), source, now).valid.params
            context = Context(
                service=edge.service,
                operation=operation,
                principal=signed.principal,
                source=source,
                request_id=request_id,
                now=now,
            )
            profile_ids = await serving(context, params)
            if profile_ids:
                of_profiles = _body(home, asked, now, "ROUTING_PROFILE", profile_ids)
                self._authorised(_posted(signed, of_profiles), source, now)
            wanted = Wanted(params.Interval.TimeZone, next(iter(asked.get("Day", ())), None))
            return json_response(200, await report(context, params, profile_ids, wanted))
        except Refusal as refusal:
            return response.failure(refusal, request_id, now, operation)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of a report failed", request_id)
            broken = f"Something is wrong on our side: {request_id}"
            return response.failure(Refusal("InternalServiceException", broken), request_id, now)

    def _authorised(
        self, signed: Signed[Principal], source: str, now: Instant
    ) -> Authorised[Principal]:
        valid = request.validate(request.parse(signed, self.edge.api))
        environment = self.edge.environment(signed, source, now)
        return request.authorise(valid, self.edge.policies, environment)


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


def _posted(signed: Signed[Principal], body: bytes) -> Signed[Principal]:
    """The request as one of GetMetricDataV2."""
    http = replace(signed.http, method="POST", raw_path=_METRICS, raw_query=b"", body=body)
    return Signed(http, signed.principal, signed.region)
