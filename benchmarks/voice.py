"""Voice: bridged calls per gateway, recorded or not, beside Asterisk and a bare loop, in one run.

A phone (benchmarks.voice_phone) calls in, is answered, and is called by the gateway for the other
leg of each call; both legs are bridged and speak a tone each. The gateway is the process that a
server starts, told what to do over its link; for Asterisk the same one, which then drives it by
ARI. Calls are added in steps, until there are enough or less than 30 % of a core is left.

Figures are CPU time of the gateway (and of Asterisk), in percent of one core: they hold on a
machine that does other things as well. What is heard is counted in all calls, both ways: every call
is a probe. All processes run in real time where that is allowed (SCHED_RR), so that gaps are theirs
and not those of what else the machine does.

The bare loop is what no gateway in Python can do without: read each packet, look whether there is
another, send it on.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ringfloor.base.time import WallClock
from ringfloor.gateway.process import GatewayProcess, gateway_command
from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    CreateBridge,
    HangUp,
    Originate,
    StartRecording,
    StopRecording,
)
from ringfloor.telephony.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelIncoming,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from benchmarks.voice_phone import CALLED, CALLED_HZ, CALLER_HZ
from voice import asterisks
from voice.center import free_port
from voice.probe import strength

STEPS = (50, 100, 200, 300, 400, 500)
"""Bridged calls, up to GATEWAY_CHANNELS_MAX."""
CORE = 0.70
"""The share of one core at which a gateway counts as full."""
RATE, SETTLE_SECONDS, SECONDS = 25.0, 3.0, 8.0
SETUPS, SETUP_RATE = 40, 8.0
UP_SECONDS = 60
RECORDED_NAME = "connect/benchmark/{:04}.wav"

VOICE = """
[gateway]
listen = "127.0.0.1:{port}"
address = "127.0.0.1"
rtp = "20000-23999"

[[trunk]]
name = "load"
host = "127.0.0.1:{trunk}"
from = ["127.0.0.1/32"]
keep_alive = 0
calls = 1000
"""

ASTERISK = """
[asterisk]
url = "{url}"
username = "ringfloor"
password_env = "BENCHMARK_ARI"
trunk = "trunk"
recordings = "{recordings}"
sounds = "{sounds}"
sounds_there = "{sounds_there}"
"""


# What a process has used


def cpu(pid: int) -> float:
    """Seconds of CPU, of user and system."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid: int) -> int:
    """MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def busy() -> tuple[float, float]:
    """Of the machine: ticks in which its cores did something, and all ticks."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


@contextmanager
def in_real_time() -> Iterator[bool]:
    """Before all others, this process and those that it starts; whether that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def favour(pid: int) -> None:
    """All threads of a process that has put itself behind again, as Asterisk does."""
    if os.sched_getscheduler(0) == os.SCHED_RR:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setscheduler(int(task.name), os.SCHED_RR, os.sched_param(1))


class Phone:
    """The load phone's process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.pid, self._process = process.pid, process

    def ask(self, do: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def a_phone() -> Iterator[Phone]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.voice_phone"],
        cwd=Path(__file__).resolve().parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        yield Phone(process)
    finally:
        process.kill()
        process.communicate()


# A center that bridges whoever calls


class Center:
    """Answers callers, calls somebody for each, and puts both into a bridge."""

    def __init__(
        self, command: list[str], data: Path, environment: dict[str, str], recorded: bool
    ) -> None:
        self.clock = WallClock()
        self.recorded = recorded
        self.callers: dict[str, str] = {}
        """The channel that calls, by the channel that is called."""
        self.answered: set[str] = set()
        self.gone: list[ChannelHungUp] = []
        self.recordings: dict[str, str] = {}
        """going, over, or why it failed."""
        self._woken = asyncio.Event()
        self.gateway = GatewayProcess(command, data, environment, self._hear, self._woken.set)
        self.remote = self.gateway.remote

    def _hear(self, event: object, _at: int) -> None:
        match event:
            case ChannelIncoming(channel_id=caller, to=to, from_=from_):
                number = to[-4:]
                called, bridge = f"called-{number}", f"bridge-{number}"
                self.callers[called] = caller
                self.perform(
                    Answer(caller),
                    CreateBridge(bridge),
                    AddToBridge(bridge, caller),
                    Originate(called, CALLED + number, from_, 30_000),
                    AddToBridge(bridge, called),
                )
            case ChannelAnswered(channel_id=channel_id):
                self.answered.add(channel_id)
                if self.recorded and channel_id in self.callers:
                    self._record(channel_id, channel_id[-4:])
            case ChannelHungUp():
                self.gone.append(event)
            case RecordingStarted(recording_id=recording_id):
                self.recordings[recording_id] = "going"
            case RecordingFinished(recording_id=recording_id):
                self.recordings[recording_id] = "over"
            case RecordingFailed(recording_id=recording_id, reason=reason):
                self.recordings[recording_id] = reason

    def _record(self, called: str, number: str) -> None:
        name = RECORDED_NAME.format(int(number))
        recording, bridge = f"recording-{number}", f"bridge-{number}"
        self.perform(StartRecording(recording, bridge, called, name))

    def perform(self, *commands: Any) -> None:
        for each in commands:
            self.remote.perform(each, self.clock.now())

    def bridged(self) -> int:
        return sum(called in self.answered for called in self.callers)

    async def live(self) -> None:
        """As a node does: look when woken, and when something is due."""
        while True:
            self.remote.run_due(self.clock.now())
            due = self.remote.next_due()
            later = None if due is None else max(due - self.clock.now(), 1) / 1_000
            try:
                async with asyncio.timeout(later):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()

    async def until(self, met: Any, what: str) -> None:
        """Looked at a few times a second: this process shall not cost what it measures."""
        end = time.monotonic() + UP_SECONDS
        while not met():
            assert time.monotonic() < end, f"{what}: {self.bridged()} bridged, {self.gone[:3]}"
            await asyncio.sleep(0.2)

    def hang_up(self) -> None:
        """All calls that are bridged."""
        for called in [each for each in self.callers if each in self.answered]:
            self.answered.discard(called)
            if self.recorded:
                self.perform(StopRecording("recording-" + called[-4:]))
            self.perform(HangUp(called), HangUp(self.callers[called]))


class World(NamedTuple):
    """A gateway with its center and its phone."""

    center: Center
    phone: Phone
    port: int
    """Where the phone calls."""
    asterisk: int
    """Its process; 0: none."""
    spool: Path

    def spent(self) -> tuple[float, float]:
        """Seconds of CPU: the gateway's, Asterisk's."""
        return cpu(self.center.remote.gateway_pid), cpu(self.asterisk) if self.asterisk else 0.0


@asynccontextmanager
async def a_world(carrier: str, *, recorded: bool) -> AsyncIterator[World]:
    """All processes end with the block."""
    with ExitStack() as stack:
        data = Path(tempfile.mkdtemp(prefix="ringfloor-bench-"))
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        phone = stack.enter_context(a_phone())
        port, pid, trunk = free_port(), 0, phone.ask("port")
        text = VOICE.format(port=port, trunk=trunk)
        environment = dict(os.environ)
        if carrier == "asterisk":
            running = stack.enter_context(asterisks.running(trunk))
            port, pid = running.sip_port, running.process.pid
            favour(pid)
            environment["BENCHMARK_ARI"] = asterisks.PASSWORD
            text = ASTERISK.format(
                url=running.url,
                recordings=running.recordings,
                sounds=running.home / "sounds",
                sounds_there=f"{running.theirs}/sounds",
            )
        voice = data / "voice.toml"
        voice.write_text(text)
        center = Center(gateway_command(voice, data), data, environment, recorded)
        await center.gateway.start()
        living = asyncio.create_task(center.live())
        try:
            yield World(center, phone, port, pid, data / "spool")
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            await center.gateway.close(keep=False)


# What is measured


class Step(NamedTuple):
    calls: int
    gateway: float
    """Shares of one core."""
    asterisk: float
    phone: float
    machine: float
    """The share of all cores that did something, whatever it was."""
    memory: int
    heard: dict[str, Any]

    @property
    def share(self) -> float:
        return self.gateway + self.asterisk

    def told(self) -> str:
        heard = self.heard
        seconds = heard["received"] / max(1, heard["legs"]) / 50
        both = f" ({self.gateway:.1%} gateway)" if self.asterisk else ""
        return (
            f"{self.calls:4} calls: {self.share:6.1%} of a core{both},"
            f" {self.share / self.calls:.3%} a call, {self.memory} MB;"
            f" lost {heard['lost']}, unheard {heard['unheard'] / max(1, heard['said']):.3%},"
            f" longest gap {heard['gap_ms']:.0f} ms,"
            f" mouth to ear {heard['delay_ms']} ms (99 %: {heard['delay_99_ms']}),"
            f" {seconds:.2f} s heard of {SECONDS:.0f}"
            + (f", WITHOUT TONE: {heard['toneless']}" if heard["toneless"] else "")
            + f"; phone {self.phone:.0%}, late by {heard['late_ms']:.0f} ms;"
            f" machine {self.machine:.0%}"
        )


async def measured(world: World, calls: int) -> Step:
    """Some seconds of so many calls."""
    await asyncio.sleep(SETTLE_SECONDS)
    heard_by = world.phone.ask("open")
    assert heard_by == 2 * calls, f"{heard_by} legs are up, of {calls} calls"
    before = world.spent(), cpu(world.phone.pid), busy(), time.monotonic()
    await asyncio.sleep(SECONDS)
    after = world.spent(), cpu(world.phone.pid), busy(), time.monotonic()
    heard = world.phone.ask("close")
    seconds = after[3] - before[3]
    gateway, asterisk = (
        (late - soon) / seconds for late, soon in zip(after[0], before[0], strict=True)
    )
    pids = [world.center.remote.gateway_pid, *([world.asterisk] if world.asterisk else [])]
    return Step(
        calls,
        gateway,
        asterisk,
        (after[1] - before[1]) / seconds,
        (after[2][0] - before[2][0]) / (after[2][1] - before[2][1]),
        sum(map(rss, pids)),
        heard,
    )


async def steps(carrier: str, *, recorded: bool) -> AsyncIterator[Step]:
    async with a_world(carrier, recorded=recorded) as world:
        center, phone = world.center, world.phone
        for before, calls in zip((0, *STEPS), STEPS, strict=False):
            phone.ask("dial", proxy=world.port, first=before, count=calls - before, rate=RATE)
            await center.until(lambda calls=calls: center.bridged() == calls, f"{calls} calls")
            step = await measured(world, calls)
            assert not center.gone, center.gone[:3]
            yield step
            if step.share > CORE:
                break
        center.hang_up()
        await center.until(lambda: len(center.gone) == 2 * calls, "hung up")
        if recorded:
            states = center.recordings
            await center.until(lambda: "going" not in states.values(), "recordings over")
            assert len(states) == calls, f"{len(states)} recordings"
            failed = [each for each in states.values() if each != "over"]
            assert not failed, f"{len(failed)} recordings failed, such as: {failed[0]}"
            listen_to(world.spool)


def listen_to(spool: Path) -> None:
    """The agent is on the right, the caller on the left, in all recordings."""
    files = list(spool.glob("*.wav"))
    assert files
    for file in files:
        with wave.open(str(file)) as sound:
            rate = sound.getframerate()
            sound.setpos(sound.getnframes() // 2)
            samples = memoryview(sound.readframes(rate // 4)).cast("h")
        left, right = list(samples[::2]), list(samples[1::2])
        assert strength(left, CALLER_HZ) > 0.3, f"{file.name}: left"
        assert strength(right, CALLED_HZ) > 0.3, f"{file.name}: right"


async def setup(carrier: str) -> str:
    """What a call costs that is made, bridged, and hung up at once."""
    async with a_world(carrier, recorded=False) as world:
        center = world.center
        began, before = time.monotonic(), world.spent()
        await asyncio.sleep(SETTLE_SECONDS)
        idle = [
            (late - soon) / (time.monotonic() - began)
            for late, soon in zip(world.spent(), before, strict=True)
        ]
        began, before = time.monotonic(), world.spent()
        world.phone.ask("dial", proxy=world.port, first=0, count=SETUPS, rate=SETUP_RATE)
        while len(center.gone) < 2 * SETUPS:
            assert time.monotonic() - began < UP_SECONDS, f"{len(center.gone)} legs have ended"
            center.hang_up()
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - began
        gateway, asterisk = (
            (late - soon - rest * seconds) * 1e3 / SETUPS
            for late, soon, rest in zip(world.spent(), before, idle, strict=True)
        )
    both = f" ({gateway:.1f} of them the gateway's)" if carrier == "asterisk" else ""
    return f"to set up and end a bridged call: {gateway + asterisk:.1f} ms of CPU{both}"


def capacity(found: list[Step]) -> tuple[float, str]:
    """How many calls fit below CORE, and how that is known."""
    last = found[-1]
    if last.share <= CORE:
        return last.calls * CORE / last.share, f"more than the {last.calls} that were held"
    if len(found) == 1:
        return last.calls * CORE / last.share, "by the only step"
    below = found[-2]
    part = (CORE - below.share) / (last.share - below.share)
    fits = below.calls + part * (last.calls - below.calls)
    return fits, f"between {below.calls} and {last.calls} that were held"


# The bare loop

PAIRS, ROUNDS = 50, 100


def bare() -> float:
    """The share of a core that a bridged call takes of the bare loop."""
    with ExitStack() as stack:

        def a_socket() -> socket.socket:
            made = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            made.bind(("127.0.0.1", 0))
            made.setblocking(False)
            return made

        far, far_address = a_socket(), ("127.0.0.1", 0)
        far_address = far.getsockname()
        legs = [a_socket() for _ in range(2 * PAIRS)]
        places = [leg.getsockname() for leg in legs]
        packet, spent = bytes(172), 0.0
        for _ in range(ROUNDS):
            for place in places:
                far.sendto(packet, place)
            begun = time.process_time()
            for leg in legs:
                heard = b""
                try:
                    while True:
                        heard, _ = leg.recvfrom(1_501)
                except BlockingIOError:
                    pass
                leg.sendto(heard, far_address)
            spent += time.process_time() - begun
            for _ in legs:
                far.recv(1_500)
    return spent / ROUNDS / PAIRS * 50


def run() -> Iterator[str]:
    with in_real_time() as allowed:
        how = "in real time" if allowed else "NOT in real time: gaps may be the machine's"
        yield f"{how}; the machine's load average is {os.getloadavg()[0]:.1f}"
        yield from lines()


def lines() -> Iterator[str]:
    floor = bare()
    yield f"the bare loop takes {floor:.3%} of a core for a bridged call"
    full: dict[str, float] = {}
    for carrier in ("embedded", "asterisk"):
        try:
            yield f"{carrier}, {asyncio.run(setup(carrier))}"
            for recorded in (False, True):
                name = f"{carrier}, {'recorded' if recorded else 'not recorded'}"
                found: list[Step] = []
                with asyncio.Runner() as runner:
                    going = steps(carrier, recorded=recorded)
                    while (step := runner.run(anext(going, None))) is not None:
                        found.append(step)
                        yield f"{name}, {step.told()}"
                full[name], how = capacity(found)
                last = found[-1]
                yield (
                    f"{name}: {full[name]:.0f} bridged calls below {CORE:.0%} of a core ({how}),"
                    f" {last.share / last.calls / floor:.1f} times the bare loop"
                )
        except asterisks.pytest.skip.Exception as missing:
            yield str(missing)
    for recorded in ("not recorded", "recorded"):
        ours, theirs = full[f"embedded, {recorded}"], full.get(f"asterisk, {recorded}")
        if theirs is not None:
            yield f"{recorded}: {ours / theirs:.2f} times as many calls as Asterisk"


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
