"""SDP: what far ends say of their sound, and what we say of ours (RFC 4566, RFC 3264).

The switch reads offers and answers with `parse` and writes ours. Sound here is G.711 at 8 kHz with
telephone events; of several streams the first one of that kind is taken, and the others are
answered with port 0.

Rules
* Text comes from strangers: it is bounded, and whatever is wrong with it is a SdpRefused.
* An address is an IP address. Names would have to be looked up, and nothing here waits.
* 0.0.0.0 is how phones said hold before there were directions (RFC 2543): inactive.
"""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from ringfloor.base.errors import shown
from ringfloor.base.limits import SDP_BYTES_MAX, SDP_FORMATS_MAX, SDP_LINES_MAX, SDP_MEDIA_MAX
from ringfloor.base.time import Duration
from ringfloor.gateway.media.g711 import FRAME_MS, PCMA, PCMU

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

OUR_DTMF = 101
"""The payload type of telephone-event in our offers, which is everybody's."""

_ANSWERED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
_LINE = re.compile(r"([a-z])=(.*)", re.DOTALL)
_PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
_TOKEN = re.compile(r"[!-~]{1,64}")
_RTPMAP = re.compile(r"([0-9]{1,3})[ ]+telephone-event/8000(?:/1)?[ ]*", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,5}")
_PTIME_MS_MAX = 200


class SdpRefused(Exception):
    """Nothing that can be spoken here (SIP 488); reason: why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Remote:
    """What a far end said of its sound."""

    host: str
    port: int
    rtcp_port: int
    payload: int = PCMU
    """0 PCMU or 8 PCMA: its first choice of these."""
    dtmf: int | None = OUR_DTMF
    """Its payload type of telephone-event (RFC 4733); None: it did not offer it."""
    direction: Direction = "sendrecv"
    """As THEY said: sendonly is what a phone says that puts us on hold."""
    ptime_ms: Duration = FRAME_MS
    """What it would like in one packet; it gets 20 ms, and may send what it likes."""


@dataclass(slots=True)
class _Stream:
    """One m= line, and the lines that belong to it."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    host: str | None = None
    attributes: list[str] = field(default_factory=list)


def parse(text: str) -> Remote:
    """A far end's offer or answer. Raises SdpRefused, and nothing else."""
    session, streams = _read(text)
    return _remote(session, _chosen(streams))


def _read(text: str) -> tuple[_Stream, list[_Stream]]:
    """The lines, sorted: what is said of the session, and its streams."""
    if len(text) > SDP_BYTES_MAX:
        raise SdpRefused(f"more than {SDP_BYTES_MAX} characters")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > SDP_LINES_MAX:
        raise SdpRefused(f"more than {SDP_LINES_MAX} lines")
    if lines[0].rstrip() != "v=0":
        raise SdpRefused("it does not begin with v=0")
    session, streams = _Stream("", 0, "", []), list[_Stream]()
    for line in lines[1:]:
        found = _LINE.fullmatch(line)
        if found is None:
            raise SdpRefused(f"{shown(line)} is no line of SDP")
        name, value = found[1], found[2].strip()
        if name == "m":
            streams.append(_stream(value))
            if len(streams) > SDP_MEDIA_MAX:
                raise SdpRefused(f"more than {SDP_MEDIA_MAX} streams")
        elif name == "c":
            (streams[-1] if streams else session).host = _host(value)
        elif name == "a":
            (streams[-1] if streams else session).attributes.append(value)
    return session, streams


def _stream(value: str) -> _Stream:
    parts = value.split()
    if not 4 <= len(parts) <= 3 + SDP_FORMATS_MAX or not all(map(_TOKEN.fullmatch, parts)):
        raise SdpRefused(f"m={shown(value)}: kind, port, protocol, formats")
    kind, port, protocol, *formats = parts
    return _Stream(kind.lower(), _port(port.partition("/")[0]), protocol.upper(), formats)


def _port(digits: str) -> int:
    if not _NUMBER.fullmatch(digits) or int(digits) > 65_535:
        raise SdpRefused(f"{shown(digits)} is no port")
    return int(digits)


def _host(value: str) -> str:
    parts = value.split()
    if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
        raise SdpRefused(f"c={shown(value)}: IN, IP4 or IP6, an address")
    try:
        address = ip_address(parts[2])
    except ValueError:
        raise SdpRefused(f"c=: {shown(parts[2])} is no IP address") from None
    wrong = address.version != int(parts[1][2]) or "%" in parts[2]
    if wrong or address.is_multicast or str(address) == "255.255.255.255":
        raise SdpRefused(f"c=: nobody can be called at {shown(parts[2])}")
    return str(address)


def _chosen(streams: list[_Stream]) -> _Stream:
    """The first stream that can be spoken."""
    for stream in streams:
        if _is_spoken(stream):
            return stream
    raise SdpRefused("no audio stream in PCMU or PCMA over RTP/AVP")


def _is_spoken(stream: _Stream) -> bool:
    return (
        stream.kind == "audio"
        and stream.port > 0
        and stream.protocol in _PROTOCOLS
        and _payload(stream) is not None
    )


def _payload(stream: _Stream) -> int | None:
    return next((int(each) for each in stream.formats if each in ("0", "8")), None)


def _remote(session: _Stream, stream: _Stream) -> Remote:
    host = stream.host or session.host
    payload = _payload(stream)
    if host is None or payload is None:
        raise SdpRefused("c=: no address is told")
    # What is said of the stream counts before what is said of the session.
    said = stream.attributes + session.attributes
    direction = next((each for each in said if each in _ANSWERED), "sendrecv")
    held = host in ("0.0.0.0", "::")  # noqa: S104  compared, not listened to
    return Remote(
        host=host,
        port=stream.port,
        rtcp_port=_rtcp_port(stream),
        payload=payload,
        dtmf=_dtmf(stream),
        direction="inactive" if held else _DIRECTIONS[direction],
        ptime_ms=_ptime(said),
    )


_DIRECTIONS: dict[str, Direction] = {each: each for each in _ANSWERED}


def _rtcp_port(stream: _Stream) -> int:
    """As told (RFC 3605), else the port after that of RTP."""
    for each in stream.attributes:
        name, _, value = each.partition(":")
        if name == "rtcp" and value.strip():
            return _port(value.split()[0]) or min(65_535, stream.port + 1)
    return min(65_535, stream.port + 1)


def _dtmf(stream: _Stream) -> int | None:
    for each in stream.attributes:
        name, _, value = each.partition(":")
        found = _RTPMAP.fullmatch(value) if name == "rtpmap" else None
        if found and found[1] in stream.formats and 34 < int(found[1]) < 128:
            return int(found[1])
    return None


def _ptime(attributes: list[str]) -> Duration:
    for each in attributes:
        name, _, value = each.partition(":")
        if name == "ptime" and _NUMBER.fullmatch(value) and 0 < int(value) <= _PTIME_MS_MAX:
            return int(value)
    return FRAME_MS


def offer(
    host: str, port: int, session: int, version: int, direction: Direction = "sendrecv"
) -> str:
    """Our offer: PCMU, PCMA, telephone-event; session and version are the numbers of o=."""
    return _head(host, session, version) + _audio(
        port, "RTP/AVP", [PCMU, PCMA], OUR_DTMF, direction
    )


def answer(their: str, host: str, port: int, session: int, version: int) -> str:
    """Our answer to their offer: the codec that is their first choice, in their numbers.

    Each further stream is answered, in its place, with port 0. Raises SdpRefused.
    """
    said, streams = _read(their)
    chosen = _chosen(streams)
    remote = _remote(said, chosen)
    text = _head(host, session, version)
    for stream in streams:
        if stream is chosen:
            direction = _ANSWERED[remote.direction]
            text += _audio(port, chosen.protocol, [remote.payload], remote.dtmf, direction)
        else:
            text += f"m={stream.kind} 0 {stream.protocol} {' '.join(stream.formats)}\r\n"
    return text


def _head(host: str, session: int, version: int) -> str:
    kind = "IP6" if ":" in host else "IP4"
    return (
        f"v=0\r\no=- {session} {version} IN {kind} {host}\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\n"
    )


def _audio(
    port: int, protocol: str, payloads: list[int], dtmf: int | None, direction: Direction
) -> str:
    formats = [*payloads, *([] if dtmf is None else [dtmf])]
    lines = [f"m=audio {port} {protocol} {' '.join(map(str, formats))}"]
    lines += [f"a=rtpmap:{each} {_NAMES[each]}/8000" for each in payloads]
    if dtmf is not None:
        lines += [f"a=rtpmap:{dtmf} telephone-event/8000", f"a=fmtp:{dtmf} 0-15"]
    lines += [f"a=ptime:{FRAME_MS}", f"a={direction}"]
    return "".join(f"{line}\r\n" for line in lines)
