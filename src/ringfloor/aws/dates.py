"""Dates: the forms in which AWS writes an instant as text: two in headers, one in XML.

Called by aws.sigv4 (both headers), aws.model (header members), aws.response (Date) and aws.query
(XML). Rules: text becomes milliseconds since the epoch or None, never an exception; nothing here
reads a clock.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from ringfloor.base.time import SECOND, Instant

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_BASIC = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_EXTENDED = re.compile(
    r"([0-9]{4}-[0-9]{2}(?:-[0-9]{2})?)"
    r"(?:T([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.([0-9]+))?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_HTTP = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,3})[0-9]*)? (?:GMT|UTC|[+-]0000)"
)


def basic(instant: Instant) -> str:
    """ISO 8601 basic, 20230601T095950Z: the form of X-Amz-Date."""
    return f"{datetime.fromtimestamp(instant // SECOND, UTC):%Y%m%dT%H%M%SZ}"


def from_basic(text: str) -> Instant | None:
    """The instant of an ISO 8601 basic date, or None."""
    if not _BASIC.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp()) * SECOND
    except ValueError:  # a month 13
        return None


def extended(seconds: float) -> str:
    """ISO 8601 as query services write it, 2023-06-01T09:59:50Z; seconds: since the epoch."""
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"


def from_extended(text: str) -> Instant | None:
    """The instant of an ISO 8601 date as policies write it, from a month to a fraction of a second.

    Without a zone it is UTC's; None if it is no date.
    """
    found = _EXTENDED.fullmatch(text)
    if found is None:
        return None
    day, time, fraction, zone = found[1], found[2] or "00:00", found[3] or "", found[4] or "Z"
    whole = f"{day if len(day) > len('2023-06') else f'{day}-01'}T{time}{zone}"
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:  # 31 February
        return None
    return int(moment.timestamp()) * SECOND + int(fraction.ljust(3, "0")[:3])


def http_date(instant: Instant) -> str:
    """An RFC 9110 date, Thu, 01 Jun 2023 09:59:50 GMT: the form of Date."""
    return _http_date(instant // SECOND)


@lru_cache(maxsize=2)
def _http_date(seconds: int) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment:%d} {month} {moment.year:04d} {moment:%H:%M:%S} GMT"


def from_http_date(text: str) -> Instant | None:
    """The instant of an RFC 9110 date, or of RFC 5322's with a zero offset; otherwise None."""
    found = _HTTP.fullmatch(text)
    if found is None or found[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(found[group]) for group in (1, 3, 4, 5, 6))
    try:
        moment = datetime(year, _MONTHS.index(found[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # 31 February
        return None
    return int(moment.timestamp()) * SECOND + int((found[7] or "0").ljust(3, "0"))
