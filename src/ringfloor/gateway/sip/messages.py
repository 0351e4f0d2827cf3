"""SIP messages as plain values: read, judged and written; no sockets, no sippy.

gateway.sip.stack makes a Message of what it receives, and sends the text that request() writes. All
text is Latin-1, one character per byte of the wire, so that lengths are lengths of bytes.

Rules
* What comes is its sender's word: nothing here is an identity, and nothing that is handed on or
  sent again has a control character in it or is longer than SIP_HEADER_CHARS_MAX.
* What goes out is written by request() alone (and by sippy, as a copy of what came), line by line:
  no value can begin a line of its own.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import unquote

from msgspec import Struct

from ringfloor.base.limits import SIP_HEADER_CHARS_MAX, SIP_HEADERS_MAX
from ringfloor.telephony.events import CALLER_HEADERS, Q850

Headers = tuple[tuple[str, str], ...]

AGENT_NAME = "Ringfloor"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER"
MEDIA_TYPE = "application/sdp"


class Message(Struct, frozen=True):
    """A request (status 0), or a response to one of ours."""

    method: str
    """Of the request, or of the request that is answered."""
    status: int
    reason: str
    uri: str
    """The Request-URI as it was written; "" in a response."""
    call_id: str
    cseq: int
    headers: Mapping[str, tuple[str, ...]]
    """By long, lower-case name: the values as they were written."""
    body: str
    body_type: str
    """As Content-Type says."""
    source: tuple[str, int] | None
    """None: nobody sent it, a timer of ours has run out (408)."""

    def first(self, name: str) -> str:
        """The first value of a header; "": there is none."""
        return self.headers.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        return self.headers.get(name, ())

    @property
    def from_tag(self) -> str:
        return tag_of(self.first("from"))

    @property
    def to_tag(self) -> str:
        return tag_of(self.first("to"))


# Reading

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BREAK = re.compile(r"[\x00-\x1f\x7f]")
"""Control characters as bytes: those from 80 to 9F are parts of letters in UTF-8."""
_TAG = re.compile(r";\s*tag\s*=\s*([^\s;,>]+)", re.IGNORECASE)
_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_DIALLED = re.compile(r"\+?[0-9*#]{1,32}")
_SEPARATORS = str.maketrans("", "", "-.() ")
_CAUSE = re.compile(r"\bcause\s*=\s*(\d{1,3})\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def clean(text: str) -> str:
    """A value that can stand in a header: without control characters, and not too long."""
    return _CONTROL.sub(" ", text)[:SIP_HEADER_CHARS_MAX].strip()


def legible(text: str) -> str:
    """A value for people and flows: UTF-8 where it is, clean."""
    return clean(text.encode("latin-1", "replace").decode("utf-8", "replace"))


def uri_of(address: str) -> str:
    """The URI in a From, To, Contact or Route: with its parameters, if it is in angle brackets."""
    start = address.rfind("<")
    if start < 0:
        return address.split(";", 1)[0].strip()
    return address[start + 1 :].split(">", 1)[0].strip()


def tag_of(address: str) -> str:
    found = _TAG.search(address[address.rfind(">") + 1 :])
    return found[1] if found else ""


def user_of(uri: str) -> str:
    """Who is meant by sip:user;...@host or tel:user;...; "" by a URI without a user."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "tel":
        rest, at, _ = rest.rpartition("@")
        if not at:
            return ""
    return unquote(rest.split(";", 1)[0].split(":", 1)[0])


def host_port_of(uri: str) -> tuple[str, int] | None:
    """Where sip:user@192.0.2.1:5060;... is, if it says it by an address (IPv4), not by a name."""
    place = uri.partition(":")[2].split("?", 1)[0].rpartition("@")[2].split(";", 1)[0].strip()
    host, _, port = place.partition(":")
    if _ADDRESS.fullmatch(host) is None or (port and re.fullmatch(r"[0-9]{1,5}", port) is None):
        return None
    return host, int(port or "5060")


def number(user: str) -> str:
    """A phone number in E.164, with its plus; "": it is none.

    International format is understood with and without plus.
    """
    found = _NUMBER.fullmatch(user.translate(_SEPARATORS))
    return f"+{found[1]}" if found else ""


def dialable(text: str) -> bool:
    """Whether a number (or a code) can be put into a Request-URI as it is."""
    return _DIALLED.fullmatch(text) is not None


def caller(message: Message) -> str:
    """Who calls, by the word of the trunk or of the caller; "": withheld, or not a number."""
    privacy = message.first("privacy").lower()
    if "id" in re.split(r"[;,\s]+", privacy) or "user" in re.split(r"[;,\s]+", privacy):
        return ""
    named = (*message.all("p-asserted-identity"), message.first("from"))
    return next(filter(None, (number(user_of(uri_of(each))) for each in named)), "")


def passed_on(message: Message) -> Headers:
    """The headers that flows may ask for, one value each."""
    return tuple(
        (name, legible(message.first(name.lower())))
        for name in CALLER_HEADERS
        if message.first(name.lower())
    )[:SIP_HEADERS_MAX]


def sdp_of(message: Message) -> str | None:
    """The SDP in a body, also as a part of a multipart one; None: there is no body.

    Raises ValueError: there is a body of another type.
    """
    if not message.body.strip():
        return None
    kind, _, parameters = message.body_type.partition(";")
    if kind.strip().lower() == MEDIA_TYPE:
        return message.body
    if kind.strip().lower().startswith("multipart/"):
        found = re.search(r'boundary\s*=\s*"?([^\s";]{1,70})', parameters, re.IGNORECASE)
        for part in message.body.split(f"--{found[1]}") if found else ():
            head, blank, body = part.partition("\r\n\r\n")
            if blank and MEDIA_TYPE in head.lower():
                return body
    raise ValueError(clean(message.body_type) or "a body without a type")


def required(message: Message) -> list[str]:
    """The extensions that a request insists on; none is spoken here (RFC 3261, section 8.2.2.3)."""
    named = ",".join(message.all("require")).split(",")
    return [clean(each) for each in named if each.strip()]


# Causes

_BY_STATUS: Mapping[int, int] = MappingProxyType(
    {
        400: 41,
        401: 21,
        402: 21,
        403: 21,
        404: 1,
        405: 63,
        406: 79,
        407: 21,
        408: 102,
        410: 22,
        413: 127,
        414: 127,
        415: 79,
        416: 127,
        420: 127,
        421: 127,
        423: 127,
        480: 18,
        481: 41,
        482: 25,
        483: 25,
        484: 28,
        485: 1,
        486: 17,
        488: 127,
        500: 41,
        501: 79,
        502: 38,
        503: 41,
        504: 102,
        505: 127,
        513: 127,
        600: 17,
        603: 21,
        604: 1,
        606: 127,
    }
)
"""RFC 3398, section 8.2.6.1."""


def cause(message: Message, otherwise: int = Q850.NORMAL_UNSPECIFIED) -> int:
    """Why a call has ended: Q.850 by the Reason header (RFC 3326), else by the status."""
    for reason in message.all("reason"):
        if reason.strip().upper().startswith("Q.850") and (found := _CAUSE.search(reason)):
            value = int(found[1])
            if 1 <= value <= 127:
                return value
    return _BY_STATUS.get(message.status, otherwise)


def reason_header(q850: int) -> tuple[str, str]:
    return ("Reason", f"Q.850;cause={q850}")


PHRASES: Mapping[int, str] = MappingProxyType(
    {
        100: "Trying",
        180: "Ringing",
        183: "Session Progress",
        200: "OK",
        302: "Moved Temporarily",
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        408: "Request Timeout",
        410: "Gone",
        415: "Unsupported Media Type",
        420: "Bad Extension",
        423: "Interval Too Brief",
        480: "Temporarily Unavailable",
        481: "Call/Transaction Does Not Exist",
        482: "Loop Detected",
        484: "Address Incomplete",
        486: "Busy Here",
        487: "Request Terminated",
        488: "Not Acceptable Here",
        491: "Request Pending",
        500: "Server Internal Error",
        502: "Bad Gateway",
        503: "Service Unavailable",
        603: "Decline",
    }
)


def phrase(status: int) -> str:
    return PHRASES.get(status, "Refused")


# Writing

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")


def besides(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What may be sent besides: names that begin with X-, clean values; nothing else."""
    return [
        (name, _wire(clean(value)))
        for name, value in headers
        if name.lower().startswith("x-") and _TOKEN.fullmatch(name)
    ][:SIP_HEADERS_MAX]


def _wire(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")


def request(method: str, uri: str, headers: Iterable[tuple[str, str]], body: str = "") -> str:
    """The text of a request; every value in one line."""
    lines = [f"{method} {_BREAK.sub('', uri)} SIP/2.0"]
    lines += [f"{name}: {_BREAK.sub(' ', value)}" for name, value in headers]
    if body:
        lines.append(f"Content-Type: {MEDIA_TYPE}")
    lines += [f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines)
