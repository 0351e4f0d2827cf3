"""Probe: a SIP phone of the tests' own, that shares no code with what it judges.

One thread holds a phone with its calls: it answers or dials, sends a tone, keeps what it hears,
counts what is lost and how long nothing came. Raw UDP, RFC 3261 as far as a phone needs it, G.711
mu-law, RFC 4733. Tests ask it by wait(...), which fails with what happened instead.
"""

import hashlib
import math
import random
import re
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

FRAME = 160
RATE = 8_000
KEYS = "0123456789*#ABCD"
T1 = 0.5


def _linear(code: int) -> int:
    """A mu-law code as a sample (ITU-T G.711)."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)
    return 0x84 - magnitude if code & 0x80 else magnitude - 0x84


LINEAR = [_linear(code) for code in range(256)]


def _code(sample: int) -> int:
    return min(range(256), key=lambda code: abs(LINEAR[code] - sample))


def tone(frequency: float, level: int = 8_000) -> list[bytes]:
    """A second of a sine as mu-law frames."""
    known: dict[int, int] = {}
    samples = [
        int(level * math.sin(2 * math.pi * frequency * at / RATE)) // 64 * 64 for at in range(RATE)
    ]
    codes = bytes(known.setdefault(each, _code(each)) for each in samples)
    return [codes[at : at + FRAME] for at in range(0, RATE, FRAME)]


SILENCE = [bytes([0xFF]) * FRAME]


def strength(samples: Sequence[int], frequency: float) -> float:
    """The share of a tone in samples, or in mu-law codes, 0 to 1 (Goertzel)."""
    if isinstance(samples, bytes):
        samples = [LINEAR[code] for code in samples]
    energy = sum(each * each for each in samples)
    if energy == 0:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * frequency / RATE)
    one = two = 0.0
    for sample in samples:
        one, two = sample + factor * one - two, one
    power = one * one + two * two - factor * one * two
    return 2 * power / (len(samples) * energy)


class Message:
    """A SIP message, as far as a phone looks at it."""

    def __init__(self, text: str) -> None:
        head, _, self.body = text.partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self.headers = [
            (name.strip().lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines)
        ]
        self.status = int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else None
        self.method = self.first.split()[0] if self.status is None else self["cseq"].split()[1]

    def __getitem__(self, name: str) -> str:
        short = {"call-id": "i", "from": "f", "to": "t", "contact": "m", "via": "v"}.get(name)
        return next((value for key, value in self.headers if key in (name, short)), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def number(self) -> int:
        return int(self["cseq"].split()[0])


def _uri(header: str) -> str:
    match = re.search(r"<([^>]*)>", header)
    return match[1] if match else header.partition(";")[0]


def md5(text: str) -> str:
    """Of the digest of RFC 2617, which trunks still speak."""
    return hashlib.md5(text.encode()).hexdigest()


def _tag(header: str) -> str:
    match = re.search(r";\s*tag=([^;>\s]+)", header)
    return match[1] if match else ""


def _host(uri: str) -> tuple[str, int]:
    match = re.search(r"sips?:(?:[^@;]*@)?([^:;>]+)(?::(\d+))?", uri)
    assert match, uri
    return match[1], int(match[2] or 5060)


@dataclass
class Call:
    """One call of the probe, from its first message on."""

    probe: "Probe"
    call_id: str
    outgoing: bool
    to: str
    tag: str
    state: str = "calling"
    status: int | None = None
    invite: Message | None = None
    """What came in."""
    remote: str = ""
    """The other end's To or From header, with its tag."""
    target: str = ""
    routes: list[str] = field(default_factory=list)
    sequence: int = 0
    branch: str = ""
    sent: bytes = b""
    """The INVITE, or the final answer, until it is acknowledged."""
    again_at: float | None = None
    interval: float = T1
    sent_to: tuple[str, int] = ("", 0)
    directions: list[str] = field(default_factory=list)
    """What the other end's SDP said, one after the other."""
    direction: str = "sendrecv"
    """What ours says."""
    reason: str = ""
    by: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    early: bool = False
    number: str = ""
    """That was called."""
    events: list[tuple[float, str]] = field(default_factory=list)
    # sound
    rtp: socket.socket | None = None
    far: tuple[str, int] | None = None
    frames: list[bytes] = field(default_factory=lambda: SILENCE)
    silent: bool = False
    """Send no packets at all."""
    mangle: Callable[[int, bytes], list[bytes]] | None = None
    """Gets each packet's number and bytes, gives what is really sent."""
    sent_packets: int = 0
    timestamp: int = 0
    ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    next_at: float = 0.0
    pressing: deque[str] = field(default_factory=deque)
    pressed_ticks: int = 0
    pressed_at: int = 0
    heard: bytearray = field(default_factory=bytearray)
    """All that came, in the order of its arrival."""
    arrivals: list[float] = field(default_factory=list)
    """When each frame came, in seconds since the epoch."""
    received: int = 0
    lost: int = 0
    last_number: int | None = None
    arrived: float | None = None
    longest_gap: float = 0.0
    """Seconds without a packet, between two."""
    keys: list[tuple[str, int]] = field(default_factory=list)
    """Pressed by the other end; each with how many packets said so."""
    last_key: int | None = None

    def wait(self, state: str, seconds: float = 10) -> "Call":
        """Until the call is in this state (ringing, up, ended), or has been."""
        self.probe.until(lambda: any(name == state for _, name in self.events), seconds, self.story)
        return self

    def story(self) -> str:
        return f"{self.to}: {[name for _, name in self.events]} {self.status} {self.reason}"

    def at(self, state: str) -> float:
        """When it was so, in seconds since the epoch."""
        return next(at for at, name in self.events if name == state)

    def play(self, frequency: float | None) -> "Call":
        self.frames = SILENCE if frequency is None else tone(frequency)
        return self

    def hears(self, frequency: float, seconds: float = 0.3, least: float = 0.3) -> bool:
        """Whether the tone was in the last that was heard."""
        size = int(seconds * RATE)
        codes = self.lately(size)
        return len(codes) == size and strength(codes, frequency) >= least

    def lately(self, size: int) -> bytes:
        """The last codes, if anything comes at all; a far end may send nothing for silence."""
        quiet = self.arrived is None or time.monotonic() - self.arrived > 0.2
        return b"" if quiet else bytes(self.heard[-size:])

    def await_tone(self, frequency: float, seconds: float = 10, least: float = 0.3) -> "Call":
        """Until it hears the tone."""
        self.probe.until(
            lambda: self.hears(frequency, least=least),
            seconds,
            lambda: f"{self.story()} hears no {frequency} Hz after {len(self.heard)} samples",
        )
        return self

    def onset(self, frequency: float) -> float:
        """When the tone was first heard, in seconds since the epoch."""
        for frame in range(len(self.arrivals) - 1):
            codes = bytes(self.heard[frame * FRAME : (frame + 2) * FRAME])
            if strength(codes, frequency) > 0.5:
                return self.arrivals[frame]
        raise AssertionError(f"{frequency} Hz was never heard")

    def await_silence(self, frequency: float, seconds: float = 10) -> "Call":
        """Until it no longer hears the tone."""
        self.probe.until(
            lambda: not self.hears(frequency, least=0.05), seconds, lambda: f"still {frequency} Hz"
        )
        return self

    def loud(self) -> bool:
        """Whether the last that was heard is more than silence."""
        codes = self.lately(1_600)
        return bool(codes) and max(abs(LINEAR[code]) for code in codes) > 500

    def hang_up(self) -> None:
        self.probe.ask(lambda: self.probe.leave(self))

    def press(self, keys: str) -> None:
        """Press keys one after the other; returns when they have been sent."""
        self.pressing.extend(keys)
        self.probe.until(lambda: not self.pressing, 10, lambda: "keys are still pressed")

    def offer(self, direction: str) -> None:
        """A re-INVITE, such as for hold (sendonly)."""
        self.direction = direction
        self.probe.ask(lambda: self.probe.reinvite(self))

    def request(self, method: str, *headers: str) -> None:
        """Another request in the dialog, such as REFER."""
        self.probe.ask(lambda: self.probe.in_dialog(self, method, headers))


@dataclass
class Line:
    """What a number does when it is called."""

    answer: bool = True
    status: int | None = None
    """Refuses by it."""
    ring_seconds: float = 0.0
    early: bool = False
    """183 with sound before the answer."""
    frequency: float | None = 440
    frames: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.frames = SILENCE if self.frequency is None else tone(self.frequency)


class Probe:
    """A phone: one SIP socket, one thread, any number of calls."""

    def __init__(
        self,
        user: str = "+12065550101",
        *,
        line: Line | None = None,
        lines: dict[str, Line] | None = None,
        proxy: tuple[str, int] | None = None,
        password: str = "",
        username: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        transport: str = "udp",
        seed: int = 1,
    ) -> None:
        """line: what it does when it is called; lines: by the number that is called.

        transport: what it says of itself; its messages are datagrams all the same, for a pipe.
        """
        self.transport = transport
        self.user, self.proxy, self.host = user, proxy, host
        self.line, self.lines = line or Line(), lines or {}
        self.username, self.password = username or user, password
        self.calls: list[Call] = []
        self.seen: list[Message] = []
        """All that came, for tests that look closer."""
        self._random = random.Random(f"{seed} {user}")
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._answers: dict[str, bytes] = {}
        self._registrations: dict[str, int] = {}
        self._replies: dict[tuple[str, str], Message] = {}
        self._selector = selectors.DefaultSelector()
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((host, port))
        self.sip.setblocking(False)
        self.port: int = self.sip.getsockname()[1]
        self._selector.register(self.sip, selectors.EVENT_READ, None)
        self._asked: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for call in self.calls:
            if call.state != "ended":
                call.hang_up()
        self._closing = True
        self._thread.join(5)
        self.sip.close()
        for call in self.calls:
            if call.rtp is not None:
                call.rtp.close()
        assert self._failure is None, self._failure

    # What a test does

    def dial(
        self, to: str, *, headers: dict[str, str] | None = None, frames: list[bytes] | None = None
    ) -> Call:
        """Call somebody over the proxy."""
        assert self.proxy is not None
        host, port = self.proxy
        call = Call(self, f"{self._token()}@{self.host}", True, f"sip:{to}@{host}:{port}", "")
        call.tag, call.target, call.remote = self._token(), call.to, f"<{call.to}>"
        call.headers, call.frames = headers or {}, frames or self.line.frames
        self.calls.append(call)
        self.ask(lambda: self._invite(call))
        return call

    def register(self, expires: int = 60, seconds: float = 5) -> int:
        """Register at the proxy, with digest; the final status."""
        assert self.proxy is not None
        host, port = self.proxy
        call_id = f"{self._token()}@{self.host}"
        uri, user = f"sip:{host}:{port}", f"<sip:{self.username}@{host}>"
        status = 0
        authorization = ""
        for number in (1, 2):
            lines = [
                f"REGISTER {uri} SIP/2.0",
                self._via(self._branch()),
                f"From: {user};tag={self._token()}",
                f"To: {user}",
                f"Call-ID: {call_id}",
                f"CSeq: {number} REGISTER",
                self._contact(),
                f"Expires: {expires}",
                *([authorization] if authorization else []),
            ]
            self.sip.sendto(self._text(lines, ""), self.proxy)
            self.until(
                lambda number=number: self._registrations.get(f"{call_id} {number}", 0) >= 200,
                seconds,
                lambda: "no answer to REGISTER",
            )
            status = self._registrations[f"{call_id} {number}"]
            if status != 401:
                break
            challenge = self._replies[call_id, str(number)]["www-authenticate"]
            authorization = "Authorization: " + self._digest(challenge, "REGISTER", uri)
        return status

    def call_to(self, number: str, seconds: float = 10) -> Call:
        """The last call that came in for a number."""

        def found() -> list[Call]:
            return [call for call in self.calls if call.number == number]

        self.until(lambda: bool(found()), seconds, lambda: f"nobody has called {number}")
        return found()[-1]

    def wait_for_call(self, number: int = 1, seconds: float = 10) -> Call:
        """The number-th call that came in or went out."""
        self.until(lambda: len(self.calls) >= number, seconds, lambda: "nobody has called")
        return self.calls[number - 1]

    def until(self, met: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
        """Wait for something that this phone's thread will do."""
        end = time.monotonic() + seconds
        with self._changed:
            while not met():
                assert self._failure is None, self._failure
                left = end - time.monotonic()
                assert left > 0, why()
                self._changed.wait(min(left, 0.05))

    def ask(self, work: Callable[[], None]) -> None:
        """Have the phone's thread do it."""
        self._asked.append(work)

    # The thread

    def _run(self) -> None:
        try:
            while not self._closing or self._asked:
                while self._asked:
                    self._asked.popleft()()
                for key, _ in self._selector.select(self._pause()):
                    if key.data is None:
                        self._drain_sip()
                    else:
                        self._drain_rtp(key.data)
                now = time.monotonic()
                for due, work in [each for each in self._later if each[0] <= now]:
                    self._later.remove((due, work))
                    work()
                for call in self.calls:
                    self._pace(call, now)
                with self._changed:
                    self._changed.notify_all()
        except BaseException as error:  # told to whoever waits
            self._failure = error
            raise

    def _pause(self) -> float:
        now = time.monotonic()
        dues = [call.next_at for call in self.calls if self._sounds(call)]
        dues += [call.again_at for call in self.calls if call.again_at is not None]
        dues += [due for due, _ in self._later]
        return max(0.0, min([0.02, *(due - now for due in dues)]))

    def _sounds(self, call: Call) -> bool:
        early = call.state == "ringing" and not call.outgoing and call.early
        return (call.state == "up" or early) and call.far is not None

    def _pace(self, call: Call, now: float) -> None:
        if call.again_at is not None and now >= call.again_at:
            call.interval = min(call.interval * 2, 4.0)
            call.again_at = now + call.interval
            self.sip.sendto(call.sent, call.sent_to)
        if self._sounds(call) and now >= call.next_at:
            call.next_at = max(call.next_at, now - 0.2) + 0.02 if call.next_at else now + 0.02
            self._speak(call)

    # Sound

    def _speak(self, call: Call) -> None:
        assert call.rtp is not None
        assert call.far is not None
        if call.silent or call.direction in ("recvonly", "inactive"):
            return
        if call.pressing and self._press(call):
            return
        self._packet(call, 0, call.frames[call.sent_packets % len(call.frames)], call.timestamp)
        call.timestamp += FRAME

    def _press(self, call: Call) -> bool:
        """A key lasts 100 ms, the pause after it as long; whether a packet was sent for it."""
        key, tick = call.pressing[0], call.pressed_ticks
        call.pressed_ticks += 1
        if tick == 0:
            call.pressed_at = call.timestamp
        if tick <= 4:
            end = tick == 4
            volume, duration = 0x80 | 10 if end else 10, FRAME * (tick + 1)
            payload = struct.pack("!BBH", KEYS.index(key), volume, duration)
            for _ in range(3 if end else 1):
                self._packet(call, 101, payload, call.pressed_at)
            call.timestamp += FRAME
            return True
        if tick == 9:
            call.pressing.popleft()
            call.pressed_ticks = 0
        return False

    def _packet(self, call: Call, payload_type: int, payload: bytes, timestamp: int) -> None:
        assert call.rtp is not None
        assert call.far is not None
        header = struct.pack(
            "!BBHII",
            0x80,
            payload_type,
            call.sent_packets & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            call.ssrc,
        )
        packets = [header + payload]
        if call.mangle is not None:
            packets = call.mangle(call.sent_packets, packets[0])
        call.sent_packets += 1
        for packet in packets:
            call.rtp.sendto(packet, call.far)

    def _drain_rtp(self, call: Call) -> None:
        assert call.rtp is not None
        while True:
            try:
                packet = call.rtp.recv(2_048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if len(packet) < 12:
                continue
            _, kind, number, timestamp, _ = struct.unpack_from("!BBHII", packet)
            kind &= 0x7F
            now = time.monotonic()
            if call.arrived is not None:
                call.longest_gap = max(call.longest_gap, now - call.arrived)
            call.arrived = now
            call.received += 1
            if call.last_number is not None:
                ahead = (number - call.last_number) & 0xFFFF
                if 0 < ahead < 0x8000:
                    call.lost += ahead - 1
                    call.last_number = number
                elif ahead:
                    call.lost -= 1
            else:
                call.last_number = number
            if kind == 0:
                call.heard += packet[12:]
                call.arrivals += [time.time()] * (len(packet[12:]) // FRAME)
            elif kind == 101:
                event = packet[12]
                if timestamp != call.last_key:
                    call.last_key = timestamp
                    call.keys.append((KEYS[event], 1))
                else:
                    key, count = call.keys[-1]
                    call.keys[-1] = key, count + 1

    def _listen(self, call: Call) -> int:
        if call.rtp is None:
            call.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            call.rtp.bind((self.host, 0))
            call.rtp.setblocking(False)
            self._selector.register(call.rtp, selectors.EVENT_READ, call)
        port: int = call.rtp.getsockname()[1]
        return port

    def _sdp(self, call: Call) -> str:
        lines = [
            "v=0",
            f"o=probe 1 {call.sequence + 1} IN IP4 {self.host}",
            "s=-",
            f"c=IN IP4 {self.host}",
            "t=0 0",
            f"m=audio {self._listen(call)} RTP/AVP 0 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            f"a={call.direction}",
        ]
        return "\r\n".join(lines) + "\r\n"

    def _look_at(self, call: Call, body: str) -> None:
        if not body:
            return
        host = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", body, re.MULTILINE)
        assert host, body
        assert port, body
        call.far = host[1], int(port[1])
        found = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", body, re.MULTILINE)
        call.directions.append(found[1] if found else "sendrecv")

    # SIP

    def _token(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def _branch(self) -> str:
        return "z9hG4bK" + self._token()

    def _via(self, branch: str) -> str:
        return (
            f"Via: SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch={branch};rport"
        )

    def _contact(self) -> str:
        how = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"Contact: <sip:{self.user}@{self.host}:{self.port}{how}>"

    def _text(self, lines: list[str], body: str) -> bytes:
        kind = ["Content-Type: application/sdp"] if body else []
        lines = [*lines, *kind, "Max-Forwards: 70", f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _tell(self, call: Call, state: str) -> None:
        if call.state != "ended":
            call.state = state
            call.events.append((time.time(), state))
            if state == "ended":
                call.again_at = None

    def _request(
        self, call: Call, method: str, headers: tuple[str, ...], body: str, branch: str
    ) -> tuple[bytes, tuple[str, int]]:
        me = f"<sip:{self.user}@{self.host}>;tag={call.tag}"
        number = call.sequence
        lines = [
            f"{method} {call.target} SIP/2.0",
            self._via(branch),
            *(f"Route: {route}" for route in call.routes),
            f"From: {me}",
            f"To: {call.remote}",
            f"Call-ID: {call.call_id}",
            f"CSeq: {number} {method}",
            self._contact(),
            *headers,
        ]
        to = _host(_uri(call.routes[0])) if call.routes else _host(call.target)
        return self._text(lines, body), to

    def _invite(self, call: Call, *headers: str) -> None:
        call.sequence += 1
        call.branch = self._branch()
        own = tuple(f"{name}: {value}" for name, value in call.headers.items())
        call.sent, call.sent_to = self._request(
            call, "INVITE", (*own, *headers), self._sdp(call), call.branch
        )
        call.interval, call.again_at = T1, time.monotonic() + T1
        self.sip.sendto(call.sent, call.sent_to)

    def reinvite(self, call: Call) -> None:
        self._invite(call)

    def in_dialog(self, call: Call, method: str, headers: tuple[str, ...]) -> None:
        call.sequence += 1
        self.sip.sendto(*self._request(call, method, headers, "", self._branch()))

    def leave(self, call: Call) -> None:
        """BYE, CANCEL, or a refusal, as the call stands."""
        if call.state == "up":
            call.sequence += 1
            call.by = "probe"
            call.sent, call.sent_to = self._request(call, "BYE", (), "", self._branch())
            call.interval, call.again_at = T1, time.monotonic() + T1
            self.sip.sendto(call.sent, call.sent_to)
            call.state = "leaving"
        elif call.outgoing and call.state in ("calling", "ringing"):
            data, to = self._request(call, "CANCEL", (), "", call.branch)
            call.by = "probe"
            self.sip.sendto(data, to)
        elif call.invite is not None and call.state in ("calling", "ringing"):
            self._final(call, call.invite, 603, "")

    def _drain_sip(self) -> None:
        while True:
            try:
                data, source = self.sip.recvfrom(65_535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if not data.strip():
                continue
            message = Message(data.decode())
            self.seen.append(message)
            if message.status is None:
                self._on_request(message, source)
            else:
                self._on_response(message)

    def _reply(
        self, message: Message, status: int, body: str = "", tag: str = "", reason: str = "-"
    ) -> bytes:
        to = message["to"] + (f";tag={tag}" if tag and not _tag(message["to"]) else "")
        lines = [
            f"SIP/2.0 {status} {reason}",
            *(f"Via: {via}" for via in message.all("via")),
            *(f"Record-Route: {each}" for each in message.all("record-route")),
            f"From: {message['from']}",
            f"To: {to}",
            f"Call-ID: {message['call-id']}",
            f"CSeq: {message['cseq']}",
            self._contact(),
        ]
        return self._text(lines, body)

    def _on_request(self, message: Message, source: tuple[str, int]) -> None:
        call_id = message["call-id"]
        found = [call for call in self.calls if call.call_id == call_id]
        call = found[0] if found else None
        if message.method == "INVITE":
            self._on_invite(call, message, source)
        elif message.method == "ACK":
            if call is not None:
                call.again_at = None
                if message.body:
                    self._look_at(call, message.body)
        elif message.method == "CANCEL":
            self.sip.sendto(self._reply(message, 200), source)
            if call is not None and call.invite is not None and call.state != "up":
                call.by = "far"
                call.reason = message["reason"]
                self._final(call, call.invite, 487, "")
        elif message.method == "BYE":
            self.sip.sendto(self._reply(message, 200 if call else 481), source)
            if call is not None:
                call.by = call.by or "far"
                call.reason = message["reason"]
                self._tell(call, "ended")
        else:
            self.sip.sendto(self._reply(message, 200), source)

    def _on_invite(self, call: Call | None, message: Message, source: tuple[str, int]) -> None:
        key = f"{message['call-id']} {message['cseq']}"
        if key in self._answers:  # repeated
            self.sip.sendto(self._answers[key], source)
            return
        if call is not None:  # re-INVITE
            self._look_at(call, message.body)
            flipped = {"sendonly": "recvonly", "inactive": "inactive"}
            told = call.directions[-1] if message.body else "sendrecv"
            before, call.direction = call.direction, flipped.get(told, call.direction)
            self._answers[key] = self._reply(message, 200, self._sdp(call), call.tag, "OK")
            call.direction = before
            self.sip.sendto(self._answers[key], source)
            return
        call = Call(self, message["call-id"], False, _uri(message["to"]), self._token())
        call.invite, call.remote, call.sent_to = message, message["from"], source
        call.target = _uri(message["contact"])
        call.routes = message.all("record-route")
        dialled = re.search(r"sips?:([^@;>]+)@", message.first)
        call.number = dialled[1] if dialled else ""
        line = self.lines.get(call.number, self.line)
        call.frames, call.early = line.frames, line.early
        self._look_at(call, message.body)
        self.calls.append(call)
        self.sip.sendto(self._reply(message, 100), source)
        if line.status is not None:
            self._final(call, message, line.status, "")
            return
        body = self._sdp(call) if line.early else ""
        ringing = self._reply(message, 183 if line.early else 180, body, call.tag, "Ringing")
        self._answers[key] = ringing
        self.sip.sendto(ringing, source)
        self._tell(call, "ringing")
        if line.answer:
            answered = call
            due = time.monotonic() + line.ring_seconds
            self._later.append((due, lambda: self._answer(answered)))

    def _answer(self, call: Call) -> None:
        if call.state == "ringing" and call.invite is not None:
            self._final(call, call.invite, 200, self._sdp(call))

    def _final(self, call: Call, message: Message, status: int, body: str) -> None:
        data = self._reply(message, status, body, call.tag, "OK" if status == 200 else "No")
        self._answers[f"{message['call-id']} {message['cseq']}"] = data
        call.status = status
        call.sent, call.interval, call.again_at = data, T1, time.monotonic() + T1
        self.sip.sendto(data, call.sent_to)
        if status == 200:
            self._tell(call, "up")
        else:
            again = call.again_at
            self._tell(call, "ended")
            call.again_at = again  # until the ACK

    def _on_response(self, message: Message) -> None:
        call_id, number = message["call-id"], message.number
        assert message.status is not None
        if message.method == "REGISTER":
            self._replies[call_id, str(number)] = message
            self._registrations[f"{call_id} {number}"] = message.status
            return
        call = next((each for each in self.calls if each.call_id == call_id), None)
        if call is None:
            return
        if message.method == "BYE":
            if message.status >= 200:
                self._tell(call, "ended")
            return
        if message.method != "INVITE" or number != call.sequence:
            return
        call.again_at = None if call.state in ("calling", "ringing", "up") else call.again_at
        if message.status < 200:
            if message.status > 100 and call.state == "calling":
                self._look_at(call, message.body)
                self._tell(call, "ringing")
            return
        if message.status >= 300:
            self._refused(call, message)
            return
        first = call.state in ("calling", "ringing")
        call.status = message.status
        call.remote = message["to"]
        call.target = _uri(message["contact"])
        call.routes = message.all("record-route")[::-1]
        self._acknowledge(call, message, self._branch())
        if call.by == "probe" and first:  # cancelled too late
            self._tell(call, "up")
            self.leave(call)
        else:
            self._look_at(call, message.body)
            if first:
                self._tell(call, "up")

    def _refused(self, call: Call, message: Message) -> None:
        self._acknowledge(call, message, call.branch)
        if message.status in (401, 407) and self.password and "auth" not in call.headers:
            proxy = message.status == 407
            challenge = message["proxy-authenticate" if proxy else "www-authenticate"]
            name = "Proxy-Authorization" if proxy else "Authorization"
            call.headers["auth"] = "tried"
            self._invite(call, f"{name}: {self._digest(challenge, 'INVITE', call.target)}")
            return
        call.status, call.reason = message.status, message["reason"] or message.first
        call.by = call.by or "far"
        self._tell(call, "ended")

    def _acknowledge(self, call: Call, message: Message, branch: str) -> None:
        remote, call.remote = call.remote, message["to"]
        data, to = self._request(call, "ACK", (), "", branch)
        call.remote = remote if message.status and message.status >= 300 else call.remote
        self.sip.sendto(data, to)

    def _digest(self, challenge: str, method: str, uri: str) -> str:
        told = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.partition(" ")[2]))
        own = md5(f"{self.username}:{told['realm']}:{self.password}")
        asked = md5(f"{method}:{uri}")
        parts = {
            "username": self.username,
            "realm": told["realm"],
            "nonce": told["nonce"],
            "uri": uri,
        }
        if "qop" in told:
            count, own_nonce = "00000001", self._token()
            answer = md5(f"{own}:{told['nonce']}:{count}:{own_nonce}:auth:{asked}")
            extra = f', qop=auth, nc={count}, cnonce="{own_nonce}"'
        else:
            answer, extra = md5(f"{own}:{told['nonce']}:{asked}"), ""
        parts["response"] = answer
        if "opaque" in told:
            parts["opaque"] = told["opaque"]
        return "Digest " + ", ".join(f'{key}="{value}"' for key, value in parts.items()) + extra
