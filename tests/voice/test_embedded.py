"""The embedded carrier as it is put together, with phones that it shares no code with."""

import asyncio
import hashlib
import math
import struct
import sys
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND, WallClock
from ringfloor.config import gateway_environment
from ringfloor.gateway.embedded import Cables, embedded
from ringfloor.gateway.process import LOG, SOCKET, GatewayProcess
from ringfloor.gateway.sip.registrar import Phone
from ringfloor.gateway.sip.trunks import Trunk
from ringfloor.gateway.voice_file import Gateway, Voice
from ringfloor.telephony.commands import Answer, Command, HangUp, Media, Originate, Play
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelIncoming,
    ChannelUnheld,
    EndpointRegistered,
    Event,
    PlaybackFinished,
)
from voice import scenario
from voice.probe import Line, Probe
from voice.scenario import await_event, of

LOCAL = "127.0.0.1"
DESK = "+12065550120"

pytestmark = pytest.mark.slow


def a_gateway(**members) -> Gateway:
    usual = {
        "listen": (LOCAL, 0),
        "address": LOCAL,
        "rtp": (0, 0),
        "media_timeout_ms": 30 * SECOND,
        "webrtc": (LOCAL, 0),
        "webrtc_addresses": (LOCAL,),
        "refer": False,
    }
    return Gateway(**{**usual, **members})


def a_voice(*trunks: Trunk, phones=(), nat=(), **members) -> Voice:
    return Voice(
        gateway=a_gateway(**members),
        trunks=trunks,
        phones=tuple(phones),
        nat=frozenset(nat),
        asterisk=None,
    )


class Reach:
    """The carrier on a loop of its own thread, as a host drives it, and the trunk."""

    sounds = True

    def __init__(self, voice: Voice, data: Path, trunk: Probe) -> None:
        self.trunk, self.events, self.data, self.spool = trunk, [], data, data / "spool"
        self._voice = voice
        self._clock = WallClock()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        if self._failure is not None:
            raise self._failure

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._over = False
        try:
            async with embedded(
                self._voice, self.data, self._told, self._woken.set, self._clock
            ) as self.parts:
                self._ready.set()
                while not self._over:
                    self._woken.clear()
                    await self._turn()
        except Fault as fault:
            self._failure = fault
            self._ready.set()

    async def _turn(self) -> None:
        """What a host does: let happen what is due, then wait for more."""
        switch = self.parts.switch
        switch.run_due(self._clock.now())
        due = switch.next_due()
        try:
            async with asyncio.timeout(
                None if due is None else max(0, due - self._clock.now()) / SECOND
            ):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _told(self, event: Event, _at: int) -> None:
        self.events.append(event)

    def perform(self, *commands: Command) -> None:
        async def do() -> None:
            for command in commands:
                self.parts.switch.perform(command, self._clock.now())
            self._woken.set()

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(10)

    def tone(self, frequency: float, seconds: float) -> Media:
        """A prompt with a recording, where a server would have put it."""
        samples = (
            int(8_000 * math.sin(2 * math.pi * frequency * at / 8_000))
            for at in range(int(seconds * 8_000))
        )
        pcm = b"".join(struct.pack("<h", each) for each in samples)
        name = hashlib.sha256(pcm).hexdigest()
        directory = self.data / "sounds"
        directory.mkdir(exist_ok=True)
        with wave.open(str(directory / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8_000)
            file.writeframes(pcm)
        return Media("prompt", "tone", sound=name)

    def close(self) -> None:
        def end() -> None:
            self._over = True
            self._woken.set()

        self._loop.call_soon_threadsafe(end)
        self._thread.join(15)
        assert not self._thread.is_alive()


@contextmanager
def a_reach(data: Path, *, phones=(), **members) -> Iterator[Reach]:
    with Probe(scenario.CUSTOMER, lines=scenario.LINES) as probe:
        trunk = Trunk(
            name="carrier",
            host=LOCAL,
            port=probe.port,
            sources=(f"{LOCAL}/32",),
            keep_alive=0,
        )
        reach = Reach(a_voice(trunk, phones=phones, **members), data, probe)
        probe.proxy = reach.parts.address
        try:
            yield reach
        finally:
            reach.close()


def test_the_whole_scenario(tmp_path):
    with a_reach(tmp_path) as reach:
        scenario.play(reach)
        assert reach.parts.plane._lines == {}


def test_a_far_end_holds_and_comes_back(tmp_path):
    with a_reach(tmp_path) as reach:
        call = reach.trunk.dial(scenario.CENTER)
        channel_id = await_event(reach, ChannelIncoming).channel_id
        prompt = Play("p1", channel_id, (reach.tone(scenario.PROMPT_HZ, 1.0),), loop=True)
        reach.perform(Answer(channel_id), prompt)
        call.await_tone(scenario.PROMPT_HZ)
        call.offer("sendonly")
        await_event(reach, ChannelHeld)
        received = call.received
        call.offer("sendrecv")
        await_event(reach, ChannelUnheld)
        heeded = ["recvonly", "sendrecv"]
        reach.trunk.until(lambda: call.directions[-2:] == heeded, 10, lambda: str(call.directions))
        reach.trunk.until(lambda: call.received > received, 10, lambda: "nothing comes any more")


def test_a_far_end_that_falls_silent_is_hung_up(tmp_path):
    with a_reach(tmp_path, media_timeout_ms=1_000) as reach:
        call = reach.trunk.dial(scenario.CENTER)
        channel_id = await_event(reach, ChannelIncoming).channel_id
        reach.perform(Answer(channel_id))
        await_event(reach, ChannelAnswered)
        call.wait("up").silent = True
        over = await_event(reach, ChannelHungUp)
        assert (over.by, over.q850) == ("media_timeout", Q850.TEMPORARY_FAILURE)
        assert over.quality is not None
        call.wait("ended")


def test_a_desk_phone_registers_and_is_rung(tmp_path):
    desk = Phone(username="desk1", number=DESK, password="geheim")
    with (
        a_reach(tmp_path, phones=[desk]) as reach,
        Probe("desk1", line=Line(frequency=900), username="desk1", password="geheim") as phone,
    ):
        phone.proxy = reach.trunk.proxy
        assert phone.register() == 200
        assert await_event(reach, EndpointRegistered).number == DESK
        reach.perform(Originate("a1", DESK, scenario.CENTER, 9_000))
        phone.wait_for_call().wait("up")
        await_event(reach, ChannelAnswered, met=of(channel_id="a1"))
        reach.perform(HangUp("a1"))
        phone.calls[0].wait("ended")


def test_a_text_is_spoken(tmp_path):
    with a_reach(tmp_path) as reach:
        call = reach.trunk.dial(scenario.CENTER)
        channel_id = await_event(reach, ChannelIncoming).channel_id
        reach.perform(Answer(channel_id), Play("p1", channel_id, (Media("text", "Welcome."),)))
        reach.trunk.until(call.loud, 10, lambda: "nothing is said")
        assert await_event(reach, PlaybackFinished).reason == "eof"


def test_without_trunks_and_phones_sip_is_closed(tmp_path):
    with Probe() as nobody:
        reach = Reach(a_voice(), tmp_path, nobody)
        try:
            assert reach.parts.address is None
            reach.perform(Originate("x1", scenario.BUSY, scenario.CENTER, 9_000))
            over = await_event(reach, ChannelHungUp)
            assert (over.by, over.q850, over.sip_code) == ("remote", Q850.UNALLOCATED_NUMBER, 404)
        finally:
            reach.close()


def test_an_address_that_cannot_be_had_is_told(tmp_path):
    trunk = Trunk(name="carrier", host=LOCAL)
    with Probe() as nobody, pytest.raises(Fault, match=r"gateway.listen = 192\.0\.2\.1:5060"):
        Reach(a_voice(trunk, listen=("192.0.2.1", 5060)), tmp_path, nobody)


async def test_the_command_carries_calls_for_a_server_until_it_is_told_to_stop(tmp_path):
    voice = tmp_path / "voice.toml"
    voice.write_text('[gateway]\nlisten = "127.0.0.1:0"\n')
    command = sys.executable, "-P", "-m", "ringfloor", "gateway"
    told, woken = [], asyncio.Event()
    gateway = GatewayProcess(
        (*command, "--voice", str(voice), "--data", str(tmp_path)),
        tmp_path,
        gateway_environment(),
        lambda event, _at: told.append(event),
        woken.set,
    )
    await gateway.start()
    assert gateway.remote.connected, (tmp_path / LOG).read_text()
    clock = WallClock()
    gateway.remote.perform(Originate("x1", scenario.BUSY, scenario.CENTER, 9_000), clock.now())
    async with asyncio.timeout(10):
        while not told:
            woken.clear()
            gateway.remote.run_due(clock.now())
            if not told:
                await woken.wait()
    assert (told[0].channel_id, told[0].sip_code) == ("x1", 404)
    await gateway.close(keep=False)
    assert not (tmp_path / SOCKET).exists()


def test_whose_sound_may_come_from_elsewhere():
    wide = Trunk(name="wide", host="a.example", sources=("203.0.113.0/28",))
    near = Trunk(name="near", host="b.example", sources=("198.51.100.0/28",))
    desk = Phone(username="d", number=DESK, password="x", networks=("10.0.0.0/8",))
    cables = Cables(a_voice(wide, near, phones=[desk], nat=["wide", DESK]))
    assert cables.networks("wide", "+1206") == ("203.0.113.0/28",)
    assert cables.networks("near", "+1206") == ()
    assert cables.networks("", DESK) == ("10.0.0.0/8",)
    assert cables.networks("", "+1206") == ["203.0.113.0/28"]
