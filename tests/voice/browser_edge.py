"""Browsers of gateway.webrtc on a loop in a thread, and our legs in raw UDP, for plain tests."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ringfloor.gateway.webrtc import Browsers
from voice.probe import FRAME, tone

T = TypeVar("T")

PATIENCE = 15


class Beside:
    """Browsers whose event loop runs in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.gone: list[str] = []
        self._told = threading.Condition()
        self.browsers = Browsers(["127.0.0.1"], ("127.0.0.1", 0), gone=self._gone)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def attach(self, leg_id: str, offer: str, peer: "Peer") -> str:
        """The answer; the peer then knows where to send to."""
        host, port = peer.address
        told, remote = self.run(self.browsers.attach(leg_id, offer, host, port))
        peer.remote = remote.host, remote.port
        return told

    def release(self, leg_id: str) -> None:
        async def work() -> None:
            self.browsers.release(leg_id)

        self.run(work())

    def until_gone(self, *legs: str) -> None:
        with self._told:
            assert self._told.wait_for(lambda: set(legs) <= set(self.gone), PATIENCE), self.gone

    def _gone(self, leg_id: str) -> None:
        with self._told:
            self.gone.append(leg_id)
            self._told.notify_all()

    def close(self) -> None:
        self.run(self.browsers.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def beside() -> Iterator[Beside]:
    made = Beside()
    try:
        yield made
    finally:
        made.close()


class Peer:
    """Where our leg would be: plain RTP, a tone out, and all that comes in."""

    def __init__(self, frequency: float = 440) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.01)
        self._reports = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address: tuple[str, int] = self._socket.getsockname()
        self.remote: tuple[str, int] | None = None
        self._reported_to: tuple[str, int] | None = None
        self.packets: list[bytes] = []
        self._frames = tone(frequency)
        self._came = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def sound(self) -> bytes:
        """What came as PCMU, one after the other."""
        return b"".join(each[12:] for each in self.packets if each[1] & 127 == 0)

    def of(self, kind: int) -> list[bytes]:
        """Packets with this second byte, marker aside for RTP."""
        return [each for each in self.packets if kind in (each[1], each[1] & 127)]

    def until(self, true: Callable[[], object]) -> None:
        with self._came:
            assert self._came.wait_for(true, PATIENCE), f"{len(self.packets)} packets came"

    def forget(self) -> None:
        with self._came:
            self.packets.clear()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()
        self._reports.close()

    def _live(self) -> None:
        due, number = time.monotonic(), 0
        while not self._over.is_set():
            self._hear()
            if time.monotonic() < due:
                continue
            due += 0.02
            number += 1
            if self.remote is not None:
                self._say(number)

    def _say(self, number: int) -> None:
        """Sound, and now and then a report: first of all, and from another port, as legs do."""
        assert self.remote is not None
        if number % 25 == 0 or self._reported_to != self.remote:
            self._reported_to = self.remote
            self._reports.sendto(self._report(number), self.remote)
        head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * FRAME, 77)
        self._socket.sendto(head + self._frames[number % len(self._frames)], self.remote)

    def _report(self, number: int) -> bytes:
        """RTCP SR with a report on what came (RFC 3550, section 6.4.1): 1 of 256 was lost."""
        sound = self.of(0)
        source = sound[-1][8:12] if sound else bytes(4)
        highest = struct.unpack_from("!H", sound[-1], 2)[0] if sound else 0
        sent = struct.pack("!IIIIII", 77, 0, 0, number * FRAME, number, number * FRAME)
        block = source + struct.pack("!IIIII", 1 << 24, highest, 0, 0, 0)
        return struct.pack("!BBH", 0x81, 200, 12) + sent + block

    def _hear(self) -> None:
        try:
            packet = self._socket.recv(2048)
        except OSError:
            return
        with self._came:
            self.packets.append(packet)
            self._came.notify_all()


@contextmanager
def a_peer(frequency: float = 440) -> Iterator[Peer]:
    made = Peer(frequency)
    try:
        yield made
    finally:
        made.close()
