"""Legs: the sound of one channel, as packets to and from its far end.

The switch makes them and points them at what SDP says; the plane ticks them, each 20 ms: receive,
hear, digits, say. All of it runs on one thread and never waits; `now` is milliseconds on a clock
that only goes forward.

Rules
* What is heard comes from one address: the host that the far end's SDP names. Its port is that of
  the first packet of sound that comes from there (symmetric RTP), and from then on only that,
  until it has been silent for PORT_RELEARN_MS, or the port comes to be heard that SDP names. A far
  end behind a NAT has another address than it says: `pinned` tells which hosts may be it, and the
  first one that is heard is it, alone, until the leg is pointed elsewhere. Whatever else comes is
  counted in `strangers`, and dropped.
* We send to where it is heard from, and before that to what its SDP says.
* A far end that puts us on hold gets nothing and is not heard; that is when it turns to sendonly
  or inactive after it was to hear us. One that began with sendonly (early media) is heard.
* A gap in what we send moves the timestamps on, so that they stay with the clock, and the next
  packet has the marker.
* At most LEG_DATAGRAMS_PER_TICK_MAX packets are looked at in a tick, and of the far end's at most
  LEG_PACKETS_PER_TICK_MAX; what a flood leaves over, the kernel's buffer loses.
* Where a far end has its reports on the port of its sound (RFC 5761), ours are sent there, too.
* When a packet came is known to the tick: jitter below 20 ms is a mean over many of them.
"""

from collections.abc import Callable
from ipaddress import ip_address

from ringfloor.base.ids import Draw, chance
from ringfloor.base.limits import (
    LEG_DATAGRAMS_PER_TICK_MAX,
    LEG_PACKETS_PER_TICK_MAX,
    LEG_REPORTS_PER_TICK_MAX,
    PORT_RELEARN_MS,
    RTP_BYTES_MAX,
)
from ringfloor.base.time import Duration, Instant
from ringfloor.gateway.media import dtmf, rtcp, rtp, sdp
from ringfloor.gateway.media.dtmf import Digit
from ringfloor.gateway.media.g711 import FRAME_MS, FRAME_SAMPLES, PCMA, PCMU, SILENT, encode
from ringfloor.gateway.media.jitter import JitterBuffer
from ringfloor.gateway.media.jitter import Piece as Coded
from ringfloor.gateway.media.ports import Ports
from ringfloor.gateway.media.score import WORST, score
from ringfloor.telephony.events import Quality

__all__ = ["Digit", "Leg"]

_COMFORT_NOISE = (13, 19)
"""Payload types: RFC 3389's, and the one before it."""
_GAP_MS: Duration = 100
"""What our packets may lag behind the clock before their timestamps leap: ticks that came late."""

Address = tuple[str, int]


class Leg:
    """One far end's sound.

    leg_id: the channel's. host: the local address that SDP says. ports: where its sockets are from;
    raises NoPorts. pinned: whether a host other than the one of their SDP may be the far end, if it
    is the first that is heard from (NAT); None: no. draw: where SSRC and first numbers are from.
    """

    def __init__(
        self,
        leg_id: str,
        host: str,
        ports: Ports,
        *,
        pinned: Callable[[str], bool] | None = None,
        draw: Draw = chance,
    ) -> None:
        self.leg_id = leg_id
        self.host = host
        self.strangers = 0
        """Packets of others than the far end."""
        self.malformed = 0
        self.unknown = 0
        """Packets of the far end in a codec that was not agreed on."""
        self.unsent = 0
        """Packets that the system did not take."""
        self._ports = ports
        self._pinned = pinned
        self._pair = ports.take()
        self.port = self._pair.port
        self._rtcp = self._pair.rtcp.fileno()
        self._remote: sdp.Remote | None = None
        self._source: Address | None = None
        self._to: Address | None = None
        self._rtcp_to: Address | None = None
        self._keys_as: tuple[int, ...] = ()
        self._hears = self._speaks = self._has_spoken = False
        self._muxed = False
        """Reports come and go where sound does (RFC 5761): the far end is a browser."""
        self._now: Instant = 0
        self._alive: Instant | None = None
        self._reception = rtp.Reception()
        self._buffer = JitterBuffer()
        self._heard = dtmf.Heard()
        self._pressed = dtmf.Pressed()
        seed = draw()
        self._ssrc = int.from_bytes(seed[:4], "big")
        self._sequence = int.from_bytes(seed[4:6], "big")
        self._timestamp = int.from_bytes(seed[6:10], "big")
        self._clock: Instant = 0
        """When the next packet ought to be sent, by the packets before it."""
        self._marker = rtp.MARKER
        self._key_timestamp = 0
        self._sent = self._sent_bytes = 0
        self._reporting = rtcp.Reporting(self._ssrc, seed[10:].hex())
        self._codec = PCMU
        self._silent = SILENT[PCMU]

    def point(self, remote: sdp.Remote) -> None:
        """Where to send and in what, as the far end's SDP says; may be called again.

        Raises SdpRefused if its address is of another IP version than ours, or loopback where ours
        is not: sound sent there would come to other legs, or to whatever this machine has there.
        """
        before = self._remote
        if (":" in remote.host) != (":" in self._ports.host):
            raise sdp.SdpRefused("c=: the address is of another IP version than ours")
        if ip_address(remote.host).is_loopback and not ip_address(self.host).is_loopback:
            raise sdp.SdpRefused("c=: that address is this machine's own")
        if before is None or (before.host, before.port) != (remote.host, remote.port):
            self._source = None
            self._to = remote.host, remote.port
            self._rtcp_to = remote.host, remote.rtcp_port
            self._reception.welcome()
        self._remote = remote
        self._muxed = remote.rtcp_port == remote.port
        self._codec, self._silent = remote.payload, SILENT[remote.payload]
        self._keys_as = () if remote.dtmf is None else (remote.dtmf, sdp.OUR_DTMF)
        self._speaks = remote.direction in ("sendrecv", "recvonly")
        self._hears = remote.direction == "sendrecv" or (
            remote.direction == "sendonly" and not self._has_spoken
        )
        self._has_spoken = self._has_spoken or self._speaks
        self._alive = None
        if not self._hears:
            self._buffer.restart()

    def receive(self, now: Instant) -> None:
        """Read what has come, sound and reports; send our report if it is due."""
        self._now = now
        recvfrom = self._pair.rtp.recvfrom
        try:
            taken = 0
            for _ in range(LEG_DATAGRAMS_PER_TICK_MAX):
                data, source = recvfrom(RTP_BYTES_MAX + 1)
                if source == self._source or self._admits(source, data, now):
                    self._take(data, now)
                    taken += 1
                    if taken == LEG_PACKETS_PER_TICK_MAX:
                        break
        except OSError:
            pass  # EAGAIN: that was all
        if self._rtcp in self._ports.reports(now):
            self._receive_reports(now)
        if self._reporting.is_due(now):
            self._report(now)

    def _admits(self, source: Address, data: bytes, now: Instant) -> bool:
        """Whether a source that is not the one we know is the far end; if so, we know it now."""
        host, known = source[0], self._source
        if self._remote is None or not self._may_be(source, known, now):
            self.strangers += 1
            return False
        try:
            payload_type = rtp.parse(data)[0]
        except rtp.Malformed:
            self.malformed += 1
            return False
        if not self._is_agreed(payload_type):
            self.unknown += 1
            return False
        self._source = self._to = source
        if known is None and host != self._remote.host:
            self._rtcp_to = host, min(65_535, source[1] + 1)
        return True

    def _may_be(self, source: Address, known: Address | None, now: Instant) -> bool:
        assert self._remote is not None
        host = source[0]
        if known is not None:
            silent = self._alive is None or now - self._alive >= PORT_RELEARN_MS
            return host == known[0] and (silent or source[1] == self._remote.port)
        return host == self._remote.host or (self._pinned is not None and self._pinned(host))

    def _is_agreed(self, payload_type: int) -> bool:
        return (
            payload_type in (PCMU, PCMA)
            or payload_type in self._keys_as
            or payload_type in _COMFORT_NOISE
        )

    def _take(self, data: bytes, now: Instant) -> None:
        """One packet of the far end."""
        try:
            payload_type, marker, sequence, timestamp, ssrc, payload = rtp.parse(data)
        except rtp.Malformed:
            self.malformed += 1
            return
        is_sound = payload_type in (PCMU, PCMA)
        if not is_sound and not self._is_agreed(payload_type):
            if self._muxed and data[1] in rtcp.TYPES and self._source is not None:
                self._take_report(data, self._source, now)
            else:
                self.unknown += 1
            return
        verdict = self._reception.take(ssrc, sequence, timestamp, now)
        if verdict == rtp.DROPPED:
            return
        self._alive = now
        if verdict == rtp.RESTARTED:
            self._buffer.restart()
            self._heard.restart()
        if not self._hears:
            return
        if is_sound:
            if payload:
                self._buffer.put(timestamp, payload, payload_type)
            return
        self._buffer.hush()
        if payload_type in self._keys_as:
            self._heard.take(timestamp, marker, payload, now)

    def hear(self, now: Instant) -> bytes | None:  # noqa: ARG002  one call is one tick
        """The next frame; None: nothing has come yet, or for long, or the far end is on hold."""
        return self._buffer.take() if self._hears else None

    @property
    def coded(self) -> Coded | None:
        """What hear has just answered, as it came, if nothing was done to it."""
        return self._buffer.coded

    def digits(self, now: Instant) -> list[Digit]:
        """The keys that have become complete."""
        return self._heard.due(now)

    def say(self, pcm: bytes | None, now: Instant, coded: Coded | None = None) -> None:
        """Send one frame; None: silence, which is a packet too, so that NATs stay open.

        coded: the same frame as it came from another leg, which goes on as it is if it can.
        Keys that are to be pressed take its place. A far end that does not listen gets nothing.
        """
        if not self._speaks:
            return
        if now - self._clock >= _GAP_MS:
            self._catch_up(now)
        self._clock += FRAME_MS
        if self._pressed:
            self._send_key(*self._pressed.step())
        elif pcm is None:
            self._send(self._codec, self._timestamp, self._silent)
        elif coded is not None and coded[2] == self._codec:
            self._send(self._codec, self._timestamp, coded[1])
        else:
            self._send(self._codec, self._timestamp, encode(self._codec, pcm))
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF

    def _catch_up(self, now: Instant) -> None:
        """After a gap: timestamps stay with the clock, and sound begins anew."""
        frames = (now - self._clock) // FRAME_MS if self._sent else 0
        self._timestamp = (self._timestamp + frames * FRAME_SAMPLES) & 0xFFFFFFFF
        self._clock = now
        self._marker = rtp.MARKER

    def _send_key(self, event: int, tick: int) -> None:
        """One tick of a key: an event that bears the timestamp of its beginning, or the tone."""
        if event < 0:
            self._send(self._codec, self._timestamp, self._silent)
        elif not self._keys_as:
            self._send(self._codec, self._timestamp, encode(self._codec, dtmf.tone(event, tick)))
        else:
            if not tick:
                self._key_timestamp = self._timestamp
                self._marker = rtp.MARKER
            self._send(self._keys_as[0], self._key_timestamp, dtmf.payload(event, tick))

    def _send(self, payload_type: int, timestamp: int, payload: bytes) -> None:
        assert self._to is not None
        packet = rtp.build(
            payload_type | self._marker, self._sequence, timestamp, self._ssrc, payload
        )
        self._marker = 0
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._sent += 1
        self._sent_bytes += len(payload)
        try:
            self._pair.rtp.sendto(packet, self._to)
        except OSError:
            self.unsent += 1

    def press(self, digits: str) -> None:
        """Press keys (0-9 * # A-D), one after the other; a comma is a second of silence."""
        self._pressed.press(digits)

    @property
    def pressing(self) -> bool:
        """Whether keys are still to be pressed."""
        return bool(self._pressed)

    def idle_ms(self, now: Instant) -> Duration:
        """Since the far end's last packet, sound or report, or since the leg was pointed at it.

        0 while no sound is to be expected. Reports count: a phone that leaves silence out is there.
        """
        if self._remote is None or self._remote.direction != "sendrecv":
            return 0
        if self._alive is None:
            self._alive = now
        return now - self._alive

    def quality(self) -> Quality:
        """How it sounded until now."""
        reception, reporting = self._reception, self._reporting
        received, lost, late = reception.received, reception.lost, self._buffer.late
        share = (lost + late) / max(1, received + lost)
        way = (reporting.round_trip_ms or 0) // 2
        return Quality(
            received=received,
            lost=lost,
            jitter_ms=reception.jitter // rtp.SAMPLES_PER_MS,
            far_lost=reporting.far_lost,
            round_trip_ms=reporting.round_trip_ms,
            score=score(share, way + self._buffer.depth_ms + FRAME_MS) if received else WORST,
        )

    def _receive_reports(self, now: Instant) -> None:
        try:
            for _ in range(LEG_REPORTS_PER_TICK_MAX):
                data, source = self._pair.rtcp.recvfrom(RTP_BYTES_MAX + 1)
                self._take_report(data, source, now)
        except OSError:
            pass  # EAGAIN: that was all

    def _take_report(self, data: bytes, source: Address, now: Instant) -> None:
        """A report of the far end, and of nobody else; its port is learnt from it."""
        if self._to is None or source[0] != self._to[0]:
            self.strangers += 1
            return
        try:
            reports = rtcp.parse(data)
        except rtp.Malformed:
            self.malformed += 1
            return
        self._rtcp_to = source
        self._alive = now
        self._reporting.take(reports, now)
        if self._reception.ssrc in reports.byes:
            self._reception.welcome()

    def _report(self, now: Instant, *, bye: bool = False) -> None:
        if self._rtcp_to is None:
            return
        sent = None
        if self._sent:
            at = self._timestamp + (now - self._clock) * rtp.SAMPLES_PER_MS
            sent = rtcp.Sent(self._ssrc, rtcp.ntp(now), at, self._sent, self._sent_bytes)
        ours = self._pair.rtp if self._muxed else self._pair.rtcp
        try:
            ours.sendto(self._reporting.report(self._reception, sent, now, bye=bye), self._rtcp_to)
        except OSError:
            self.unsent += 1

    def close(self) -> None:
        """Say BYE, and give the ports back; nothing more is asked of a leg that is closed."""
        if self._sent or self._reception.received:
            self._report(self._now, bye=True)
        self._ports.give_back(self._pair)
