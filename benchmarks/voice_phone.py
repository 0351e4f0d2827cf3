"""The load phone: a trunk with any number of calls, in one process that costs little.

SIP is the tests' probe phone. Sound of all calls goes through one socket, a batch of packets to a
system call; calls are told apart by the port that they come from. Far ends do not talk in step: ten
groups of calls follow each other by 2 ms.

Callers say one tone, those who are called another. Each packet bears a number in its first three
samples, which any path through mu-law keeps. So it is counted, for every call both ways, what was
said and never heard whole, how long nothing came (by the kernel's clock), and how late it came.

    python -m benchmarks.voice_phone      lines of JSON in, one line out for each
"""

import ctypes
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from voice.probe import Call, Line, Probe, strength, tone

CALLER_HZ, CALLED_HZ = 400, 700
"""Multiples of 50: each frame of a tone is the same."""
CENTER, CALLED = "+1800555", "+1206555"
"""Four digits follow: the number of the call."""

GROUPS, TICK_NS = 10, 20_000_000
LEGS_MAX, FRAMES_MAX, BATCH = 2_048, 2_048, 512
NUMBERS, SENT = 1 << 18, 1 << 10
LATE_MS_MAX = 1_000
TIMESTAMPS = 35
"""SO_TIMESTAMPNS."""

PACKET = np.dtype(
    [
        ("head", "u1"),
        ("kind", "u1"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("number", "u1", (3,)),
        ("sound", "u1", (157,)),
    ]
)
ADDRESS = np.dtype([("family", "u2"), ("port", ">u2"), ("host", "u1", (4,)), ("zero", "u8")])
VECTOR = np.dtype([("base", "u8"), ("size", "u8")])
CONTROL = np.dtype([("size", "u8"), ("kind", "u8"), ("seconds", "i8"), ("ns", "i8")])
MESSAGE = np.dtype(
    [
        ("name", "u8"),
        ("name_size", "u8"),
        ("vectors", "u8"),
        ("vector_count", "u8"),
        ("control", "u8"),
        ("control_size", "u8"),
        ("flags", "u8"),
        ("size", "u8"),
    ]
)
"""struct mmsghdr of 64-bit Linux, with its gaps; little-endian."""

LIBC = ctypes.CDLL(None, use_errno=True)


def messages(packets: np.ndarray, addresses: np.ndarray) -> np.ndarray:
    """What sendmmsg and recvmmsg take; the arrays must outlive it, as vectors does."""
    count = len(packets)
    made = np.zeros(count, MESSAGE)
    made["name"] = addresses.ctypes.data + np.arange(count) * ADDRESS.itemsize
    made["name_size"] = ADDRESS.itemsize
    made["vector_count"] = 1
    return made


def vectors(packets: np.ndarray, made: np.ndarray) -> np.ndarray:
    found = np.zeros(len(packets), VECTOR)
    found["base"] = packets.ctypes.data + np.arange(len(packets)) * packets.itemsize
    found["size"] = packets.itemsize
    made["vectors"] = found.ctypes.data + np.arange(len(packets)) * VECTOR.itemsize
    return found


def coded(number: int) -> list[int]:
    """Eighteen bits as three quiet samples."""
    return [0xC0 | (number >> shift & 0x3F) for shift in (0, 6, 12)]


class Group:
    """Calls that talk in step."""

    def __init__(self, due: int) -> None:
        self.due = due
        """In ns, of the monotonic clock."""
        self.number = -1
        self.sent_at = np.zeros(SENT, "i8")
        self.legs: dict[int, Call] = {}
        self._made = np.zeros(0, MESSAGE)

    def put(self, slot: int, call: Call | None) -> None:
        if call is None:
            self.legs.pop(slot, None)
        else:
            self.legs[slot] = call
        count = len(self.legs)
        self._packets, self._addresses = np.zeros(count, PACKET), np.zeros(count, ADDRESS)
        self._addresses["family"] = socket.AF_INET
        for row, (at, each) in enumerate(self.legs.items()):
            assert each.far is not None
            self._addresses[row]["port"] = each.far[1]
            self._addresses[row]["host"] = list(socket.inet_aton(each.far[0]))
            self._packets[row]["ssrc"] = 1_000 + at
            self._packets[row]["sound"] = SOUNDS[at % 2]
        self._packets["head"] = 0x80
        self._made = messages(self._packets, self._addresses)
        self._vectors = vectors(self._packets, self._made)

    def speak(self, descriptor: int) -> None:
        self.number += 1
        count = len(self._made)
        if not count:
            return
        self._packets["sequence"] = self.number & 0xFFFF
        self._packets["timestamp"] = self.number * 160 & 0xFFFFFFFF
        self._packets["number"] = coded(self.number % NUMBERS)
        self.sent_at[self.number % SENT] = time.time_ns()
        done = 0
        while done < count:
            at = self._made.ctypes.data + done * MESSAGE.itemsize
            done += max(1, LIBC.sendmmsg(descriptor, ctypes.c_void_p(at), count - done, 0))


SOUNDS = [
    np.frombuffer(tone(hertz)[0][3:].replace(b"\x7f", b"\xff"), "u1")
    for hertz in (CALLER_HZ, CALLED_HZ)
]
"""Of the two zeros of mu-law the one that encoders write."""
HEARD = np.stack([SOUNDS[1], SOUNDS[0]])
"""What a slot is to hear: even ones are callers."""


class Ear:
    """What all calls hear."""

    def __init__(self, rtp: socket.socket) -> None:
        self._descriptor = rtp.fileno()
        self._packets, self._addresses = np.zeros(BATCH, PACKET), np.zeros(BATCH, ADDRESS)
        self._control = np.zeros(BATCH, CONTROL)
        self._made = messages(self._packets, self._addresses)
        self._vectors = vectors(self._packets, self._made)
        self._made["control"] = (
            self._control.ctypes.data + np.arange(BATCH) * self._control.itemsize
        )
        self.slots = np.full(65_536, -1, "i4")
        """By the port of the other side."""
        self.open([0] * GROUPS)

    def open(self, first: list[int]) -> None:
        """Begin to count; first: the number of the first frame of each group that counts."""
        self.first = np.array(first)
        self.received = np.zeros(LEGS_MAX, "i8")
        self.lost = np.zeros(LEGS_MAX, "i8")
        self.altered = np.zeros(LEGS_MAX, "i8")
        self.gap = np.zeros(LEGS_MAX, "i8")
        self.at = np.zeros(LEGS_MAX, "i8")
        self.sequence = np.full(LEGS_MAX, -1, "i8")
        self.frames = np.zeros((LEGS_MAX, FRAMES_MAX), "?")
        self.delays = np.zeros(LATE_MS_MAX, "i8")
        self.last = np.full((LEGS_MAX, 160), 0xFF, "u1")

    def drain(self, groups: list[Group]) -> None:
        count = BATCH
        while count == BATCH:
            self._made["name_size"] = ADDRESS.itemsize
            self._made["control_size"] = CONTROL.itemsize
            count = LIBC.recvmmsg(
                self._descriptor,
                ctypes.c_void_p(self._made.ctypes.data),
                BATCH,
                socket.MSG_DONTWAIT,
                None,
            )
            if count > 0:
                self._take(count, groups)

    def _take(self, count: int, groups: list[Group]) -> None:
        slots = self.slots[self._addresses["port"][:count]]
        sizes = self._made["size"][:count] & 0xFFFFFFFF
        kinds = self._packets["kind"][:count] & 0x7F
        rows = np.nonzero((slots >= 0) & (sizes == PACKET.itemsize) & (kinds == 0))[0]
        rows = rows[np.argsort(slots[rows], kind="stable")]
        slots, packets = slots[rows], self._packets[rows]
        if not len(rows):
            return
        at = self._control["seconds"][rows] * 1_000_000_000 + self._control["ns"][rows]
        again = np.zeros(len(rows), "?")
        again[1:] = slots[1:] == slots[:-1]
        before = np.where(again, np.roll(at, 1), self.at[slots])
        np.maximum.at(self.gap, slots, np.where(before > 0, at - before, 0))
        self.at[slots] = at
        numbers = packets["sequence"].astype("i8")
        previous = np.where(again, np.roll(numbers, 1), self.sequence[slots])
        ahead = (numbers - previous & 0xFFFF) - 1
        np.add.at(self.lost, slots, np.where((previous >= 0) & (ahead < 0x8000), ahead, 0))
        self.sequence[slots] = numbers
        np.add.at(self.received, slots, 1)
        whole = (packets["sound"] == HEARD[slots % 2]).all(axis=1)
        np.add.at(self.altered, slots[~whole], 1)
        self.last[slots, :3] = packets["number"]
        self.last[slots, 3:] = packets["sound"]
        self._whole(slots[whole], packets["number"][whole].astype("i8"), at[whole], groups)

    def _whole(self, slots: Any, codes: Any, at: Any, groups: list[Group]) -> None:
        """Frames as they were said: which ones, and how late."""
        said = (codes[:, 0] & 63) | (codes[:, 1] & 63) << 6 | (codes[:, 2] & 63) << 12
        whose = slots // 2 % GROUPS
        frames = (said - self.first[whose]) % NUMBERS
        fits = frames < FRAMES_MAX
        slots, said, whose, frames, at = (each[fits] for each in (slots, said, whose, frames, at))
        self.frames[slots, frames] = True
        sent = np.array([group.sent_at for group in groups])[whose, said % SENT]
        late = np.clip((at - sent) // 1_000_000, 0, LATE_MS_MAX - 1)
        self.delays += np.bincount(late, minlength=LATE_MS_MAX)


class LoadPhone(Probe):
    """The probe, with the sound of its calls elsewhere."""

    def __init__(self) -> None:
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        for each in (socket.SO_RCVBUF, 33):  # 33: SO_RCVBUFFORCE, if we may
            with suppress(OSError):
                self.rtp.setsockopt(socket.SOL_SOCKET, each, 8 << 20)
        self.rtp.bind(("127.0.0.1", 0))
        self.changes: deque[tuple[Call, bool]] = deque()
        """Calls that are up, or over."""
        super().__init__("+12065550100", line=Line(frequency=None))

    def _listen(self, _call: Call) -> int:
        return int(self.rtp.getsockname()[1])

    def _sounds(self, _call: Call) -> bool:
        return False

    def _tell(self, call: Call, state: str) -> None:
        super()._tell(call, state)
        if state in ("up", "ended"):
            self.changes.append((call, state == "up"))


class Load:
    """The phone and its sound, as it is told."""

    def __init__(self) -> None:
        self.phone = LoadPhone()
        self.asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
        now = time.monotonic_ns()
        self.groups = [Group(now + each * TICK_NS // GROUPS) for each in range(GROUPS)]
        self.ear = Ear(self.phone.rtp)
        self.living: dict[int, Call] = {}
        self.late = 0

    def run(self) -> None:
        """Until nobody tells it anything more."""
        threading.Thread(target=self._listen, daemon=True).start()
        descriptor = self.phone.rtp.fileno()
        while True:
            self._change()
            while not self.asked.empty():
                asked = self.asked.get()
                if asked["do"] == "end":
                    return
                print(json.dumps(getattr(self, asked.pop("do"))(**asked)), flush=True)
            now = time.monotonic_ns()
            for group in self.groups:
                while group.due <= now:
                    self.late = max(self.late, now - group.due)
                    group.due = max(group.due, now - 10 * TICK_NS) + TICK_NS
                    group.speak(descriptor)
            self.ear.drain(self.groups)
            due = min(group.due for group in self.groups)
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)

    def _listen(self) -> None:
        for line in sys.stdin:
            self.asked.put(json.loads(line))
        self.asked.put({"do": "end"})

    def _change(self) -> None:
        """Calls that have begun or ended since."""
        while self.phone.changes:
            call, is_up = self.phone.changes.popleft()
            number = int((call.to if call.outgoing else call.number).partition("@")[0][-4:])
            slot = 2 * number + (not call.outgoing)
            group = self.groups[number % GROUPS]
            if is_up and call.far is not None:
                self.living[slot] = call
                self.ear.slots[call.far[1]] = slot
                group.put(slot, call)
            elif self.living.get(slot) is call:
                del self.living[slot]
                group.put(slot, None)

    def port(self) -> int:
        return self.phone.port

    def dial(self, proxy: int, first: int, count: int, rate: float) -> int:
        """Call the center at this port, so many times a second; returns at once."""
        self.phone.proxy = "127.0.0.1", proxy

        def do() -> None:
            for number in range(first, first + count):
                self.phone.dial(f"{CENTER}{number:04}")
                time.sleep(1 / rate)

        threading.Thread(target=do, daemon=True).start()
        return count

    def up(self) -> int:
        return len(self.living)

    def open(self) -> int:
        """Begin to count."""
        self.late = 0
        self.opened = [group.number + 1 for group in self.groups]
        self.ear.open([each % NUMBERS for each in self.opened])
        return len(self.living)

    def close(self) -> dict[str, Any]:
        """What has been heard since, but for what has just been said."""
        tail = 25
        ear, slots = self.ear, np.array(sorted(self.living))
        said = [
            group.number - tail - first
            for group, first in zip(self.groups, self.opened, strict=True)
        ]
        due = sum(said[slot // 2 % GROUPS] for slot in slots)
        whole = sum(int(ear.frames[slot, : said[slot // 2 % GROUPS]].sum()) for slot in slots)
        delays = np.cumsum(ear.delays)
        tones = [
            strength(ear.last[slot].tobytes(), (CALLED_HZ, CALLER_HZ)[slot % 2]) for slot in slots
        ]
        return {
            "legs": len(slots),
            "received": int(ear.received[slots].sum()),
            "lost": int(ear.lost[slots].sum()),
            "altered": int(ear.altered[slots].sum()),
            "said": int(due),
            "unheard": int(due - whole),
            "gap_ms": round(int(ear.gap[slots].max()) / 1e6, 1),
            "delay_ms": int(np.searchsorted(delays, delays[-1] / 2)),
            "delay_99_ms": int(np.searchsorted(delays, delays[-1] * 0.99)),
            "toneless": sum(each < 0.5 for each in tones),
            "late_ms": round(self.late / 1e6, 1),
        }


def main() -> None:
    sys.setswitchinterval(0.000_5)
    Load().run()
    os._exit(0)


assert PACKET.itemsize == 172
assert MESSAGE.itemsize == 64
assert struct.calcsize("P") == 8

if __name__ == "__main__":
    main()
