"""Reaches: carriers with real far ends, run on a loop of their own thread, for the scenario.

embedded: SIP and sound of our own. asterisk: an Asterisk. Both have the probe as their trunk.
"""

import asyncio
import hashlib
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ringfloor.base.time import WallClock
from ringfloor.gateway import voice_file
from ringfloor.gateway.asterisk.ari import Ari
from ringfloor.gateway.asterisk.carrier import Asterisk, Settings
from ringfloor.gateway.embedded import SOUNDS, SPOOL, embedded
from ringfloor.telephony.carrier import Carrier
from ringfloor.telephony.commands import Command, Media
from ringfloor.telephony.events import Event
from voice import asterisks, scenario
from voice.asterisks import now_ms
from voice.center import free_port
from voice.probe import Probe

DESK = "+12065550120"

VOICE = """
[gateway]
listen = "127.0.0.1:{port}"
address = "127.0.0.1"
media_timeout = 10

[[trunk]]
name = "probe"
host = "127.0.0.1:{trunk}"
from = ["127.0.0.1/32"]
keep_alive = 0
"""


class Reach(ABC):
    """A carrier on a loop of its own thread, and the trunk."""

    carrier: Carrier
    spool: Path
    sounds = True

    def __init__(self, trunk: Probe) -> None:
        self.trunk = trunk
        self.events: list[Event] = []
        self.start()

    def start(self) -> None:
        """Have a carrier."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._failed: list[BaseException] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        assert self._ready.wait(20)
        assert not self._failed, self._failed

    @abstractmethod
    async def enter(self, stack: AsyncExitStack) -> Carrier:
        """The carrier, until the stack is left; its events go to heard, its wake is woken."""

    def is_ready(self) -> bool:
        return True

    def heard(self, event: Event, _at: int) -> None:
        self.events.append(event)

    def woken(self) -> None:
        self._woken.set()

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._stopping, self._woken = asyncio.Event(), asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                self.carrier = await self.enter(stack)
                await self._turn(asyncio.ensure_future(self._stopping.wait()))
        except BaseException as error:
            self._failed.append(error)
            raise
        finally:
            self._ready.set()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _turn(self, stopped: "asyncio.Future[bool]") -> None:
        while not stopped.done():
            self._woken.clear()
            self.carrier.run_due(now_ms())
            if self.is_ready():
                self._ready.set()
            due = self.carrier.next_due()
            pause = None if due is None else max(0, due - now_ms()) / 1_000
            woken = asyncio.ensure_future(self._woken.wait())
            await asyncio.wait({woken, stopped}, timeout=pause, return_when="FIRST_COMPLETED")
            woken.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def call(self, work: Callable[[], None]) -> None:
        """Do something on the carrier's thread."""

        async def do() -> None:
            work()
            self._woken.set()

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(10)

    def perform(self, *commands: Command) -> None:
        def do() -> None:
            for command in commands:
                self.carrier.perform(command, now_ms())

        self.call(do)

    def restart(self) -> None:
        """The carrier goes without a word, and another one comes."""
        self.close()
        self.events.clear()
        self.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    @abstractmethod
    def tone(self, frequency: float, seconds: float) -> Media:
        """A prompt that sounds so."""


def samples(frequency: float, seconds: float) -> list[int]:
    return [
        int(8_000 * math.sin(2 * math.pi * frequency * each / 8_000))
        for each in range(int(seconds * 8_000))
    ]


class EmbeddedReach(Reach):
    """The carrier of our own."""

    def __init__(self, trunk: Probe, data: Path) -> None:
        self._data, self.spool = data, data / SPOOL
        for name in (SOUNDS, SPOOL):
            (data / name).mkdir(parents=True, exist_ok=True)
        port = free_port()
        trunk.proxy = ("127.0.0.1", port)
        self._file = data / "voice.toml"
        self._file.write_text(VOICE.format(port=port, trunk=trunk.port))
        super().__init__(trunk)

    async def enter(self, stack: AsyncExitStack) -> Carrier:
        voice = voice_file.load(self._file, lambda _: None)
        self.parts = await stack.enter_async_context(
            embedded(voice, self._data, self.heard, self.woken, WallClock())
        )
        return self.parts.switch

    def tone(self, frequency: float, seconds: float) -> Media:
        part = self._data / "tone.wav"
        asterisks.write_tone(part, samples(frequency, seconds))
        name = hashlib.sha256(part.read_bytes()).hexdigest()
        part.rename(self._data / SOUNDS / f"{name}.wav")
        return Media("prompt", f"{frequency}.wav", sound=name)


class Tones:
    """What Asterisk plays: prompts whose names are their frequency and length."""

    def __init__(self, ours: Path, theirs: str) -> None:
        self._ours, self._theirs = ours, theirs

    async def uri(self, media: Media) -> str:
        file = self._ours / f"{media.value.replace(' ', '-')}.wav"
        if not file.exists():
            asterisks.write_tone(file, samples(*map(float, media.value.split())))
        return f"sound:{self._theirs}/{file.stem}"

    async def music(self) -> str:
        return await self.uri(Media("prompt", "250 2"))


class AsteriskReach(Reach):
    """The carrier over Asterisk."""

    carrier: Asterisk

    def __init__(self, trunk: Probe, running: asterisks.Running) -> None:
        self.running, self.spool = running, running.home / "ours"
        self.spool.mkdir(exist_ok=True)
        trunk.proxy = ("127.0.0.1", running.sip_port)
        super().__init__(trunk)

    async def enter(self, stack: AsyncExitStack) -> Carrier:  # noqa: ARG002  it leaves by its tasks
        home, theirs = self.running.home, self.running.theirs
        settings = Settings(
            application="ringfloor",
            trunk="trunk",
            phones=((DESK, "ann"),),
            recordings=self.running.recordings,
            spool=self.spool,
        )
        carrier = Asterisk(
            self.heard,
            settings,
            partial(Ari, self.running.url, "ringfloor", "ringfloor", asterisks.PASSWORD),
            Tones(home / "sounds", f"{theirs}/sounds"),
            self.spawn,
            now_ms,
            self.woken,
        )
        self.spawn(carrier.run())
        return carrier

    def is_ready(self) -> bool:
        return self.carrier.ready

    def tone(self, frequency: float, seconds: float) -> Media:
        return Media("prompt", f"{frequency} {seconds}")


@contextmanager
def embedded_reach(data: Path) -> Iterator[EmbeddedReach]:
    with Probe(scenario.CUSTOMER, lines=scenario.LINES) as trunk:
        reach = EmbeddedReach(trunk, data)
        try:
            yield reach
        finally:
            reach.close()


@contextmanager
def asterisk_reach() -> Iterator[AsteriskReach]:
    with (
        Probe(scenario.CUSTOMER, lines=scenario.LINES) as trunk,
        asterisks.running(trunk.port) as running,
    ):
        reach = AsteriskReach(trunk, running)
        try:
            yield reach
        finally:
            reach.close()
