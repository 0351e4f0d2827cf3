"""Embedded: the carrier in one process, put together: SIP, sound, browsers, speech and the switch.

gateway.carriers enters it on the loop that serves the host. The sound is made on the loop too,
20 ms by 20 ms, so nothing there may take long; SIP has a thread of its own, the edge of browsers
and speech have processes.

    data/sounds/   prompts, by their SHA-256      data/speech/   what was spoken before
    data/spool/    recordings                     data/gateway.dialogs   whom a killed one has left
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from ringfloor.base.errors import Fault
from ringfloor.base.time import Clock
from ringfloor.gateway.media.leg import Leg
from ringfloor.gateway.media.plane import Pacer, Plane
from ringfloor.gateway.media.ports import Ports
from ringfloor.gateway.media.recorder import rescue
from ringfloor.gateway.media.sounds import Sounds
from ringfloor.gateway.signalling import Ended, Signal, Signalling
from ringfloor.gateway.speech import espeak
from ringfloor.gateway.speech.speech import Speech
from ringfloor.gateway.switch import Switch
from ringfloor.gateway.switchboard import Plant
from ringfloor.gateway.voice_file import Voice
from ringfloor.gateway.webrtc import Browsers
from ringfloor.telephony.carrier import OnEvent
from ringfloor.telephony.events import Q850

log = logging.getLogger(__name__)

SOUNDS, SPOOL, SPEECH, DIALOGS = "sounds", "spool", "speech", "gateway.dialogs"
INSIDE = "127.0.0.1"
"""Where legs meet the edge of browsers."""

Wake = Callable[[], None]


class Embedded(NamedTuple):
    """The carrier, and its parts for those who look after it."""

    switch: Switch
    plane: Plane
    pacer: Pacer
    signalling: Signalling
    address: tuple[str, int] | None
    """Of SIP; None: nobody may use it."""


@asynccontextmanager
async def embedded(
    voice: Voice, data: Path, on_event: OnEvent, wake: Wake, clock: Clock
) -> AsyncIterator[Embedded]:
    """The carrier, running. Raises Fault: an address or a package cannot be had."""
    async with AsyncExitStack() as stack:
        tasks = Tasks()
        stack.push_async_callback(tasks.close)
        sounds = sounds_in(data, stack)
        spool = data / SPOOL
        for rescued in await asyncio.to_thread(rescue, spool):
            log.warning("a recording was left under way and is finished now: %s", rescued.name)
        plane = Plane(
            lambda event, _: switch.sound(event, clock.now()),
            sounds=sounds,
            media_timeout_ms=voice.gateway.media_timeout_ms,
            spool=spool,
        )
        stack.callback(plane.close)
        signalling, address = await _signalling(
            voice, data, lambda signal: switch.signal(signal, clock.now()), stack
        )
        browsers = Browsers(
            voice.gateway.webrtc_addresses,
            voice.gateway.webrtc,
            gone=lambda leg_id: switch.lost(leg_id, clock.now()),
        )
        stack.push_async_callback(browsers.close)
        if find_spec("rtp") is not None:
            await browsers.start()
        else:
            log.warning("agents' browsers cannot be heard: pip install 'ringfloor[voice]'")
        plant = Plant(
            plane=plane,
            signalling=signalling,
            browsers=browsers,
            sounds=sounds,
            legs=Cables(voice),
            spool=spool,
            spawn=tasks.spawn,
            wake=wake,
            refer=voice.gateway.refer,
        )
        switch = Switch(on_event, plant)
        pacer = Pacer(plane.tick)
        pacer.start(asyncio.get_running_loop())
        stack.callback(pacer.stop)
        yield Embedded(switch, plane, pacer, signalling, address)


def sounds_in(data: Path, stack: AsyncExitStack) -> Sounds:
    """What is played, with speech if this machine has any, until the stack is left."""
    engine = espeak.engine()
    if engine is None:
        log.warning("nothing can be spoken: install espeak-ng, or pip install 'ringfloor[voice]'")
        return Sounds(data / SOUNDS)
    speech = Speech(data / SPEECH, engine)
    stack.callback(speech.close)
    return Sounds(data / SOUNDS, speech)


async def _signalling(
    voice: Voice, data: Path, on_signal: Callable[[Signal], None], stack: AsyncExitStack
) -> tuple[Signalling, tuple[str, int] | None]:
    """SIP, or nobody where nobody may use it."""
    loop = asyncio.get_running_loop()
    if not voice.trunks and not voice.phones:
        return Nobody(lambda signal: loop.call_soon(on_signal, signal)), None
    try:
        from ringfloor.gateway.sip.calls import Sip  # noqa: PLC0415  needs an extra
    except ImportError as error:
        raise Fault("SIP needs more packages: pip install 'ringfloor[voice]'") from error
    listen = voice.gateway.listen
    try:
        sip = Sip(
            listen,
            on_signal=on_signal,
            loop=loop,
            advertised=voice.gateway.address,
            trunks=voice.trunks,
            phones=voice.phones,
            dialogs=data / DIALOGS,
        )
    except OSError as error:
        place = f"{listen[0]}:{listen[1]}"
        raise Fault(f"gateway.listen = {place} cannot be had: {error.strerror}") from error
    sip.start()

    async def close() -> None:
        sip.close()
        await sip.closed()

    stack.push_async_callback(close)
    return sip, sip.address


class Tasks:
    """What runs beside a carrier, held until it is over."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the carrier has failed", exc_info=error)

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


class Nobody:
    """Signalling where there is neither a trunk nor a phone: no number can be reached."""

    def __init__(self, later: Callable[[Signal], object]) -> None:
        """later: has a signal told out of the loop."""
        self._later = later

    def invite(self, leg_id: str, *_: object, **__: object) -> None:
        reason = "no trunk carries this number: there is none"
        self._later(Ended(leg_id, "remote", Q850.UNALLOCATED_NUMBER, 404, reason))

    def ring(self, leg_id: str) -> None: ...
    def progress(self, leg_id: str, sdp: str) -> None: ...
    def accept(self, leg_id: str, sdp: str) -> None: ...
    def refuse(self, leg_id: str, status: int, q850: int) -> None: ...
    def reanswer(self, leg_id: str, sdp: str) -> None: ...
    def refuse_offer(self, leg_id: str) -> None: ...
    def hang_up(self, leg_id: str, q850: int) -> None: ...
    def redirect(self, leg_id: str, to: str) -> None: ...
    def close(self) -> None: ...


class Cables:
    """Legs of this gateway, as the voice file says where they are and who may be at their ends."""

    def __init__(self, voice: Voice) -> None:
        gateway = voice.gateway
        self._address = gateway.address
        self._outside = Ports(gateway.listen[0], *gateway.rtp)
        self._inside = Ports(INSIDE, 0, 0)
        self._trunks = {each.name: each.sources for each in voice.trunks if each.name in voice.nat}
        self._phones = {
            each.number: each.networks for each in voice.phones if each.number in voice.nat
        }

    def outside(self, leg_id: str, trunk: str, number: str) -> Leg:
        """For a far end on the network. Raises NoPorts."""
        networks = self.networks(trunk, number)
        return Leg(
            leg_id, self._address, self._outside, pinned=_within(networks) if networks else None
        )

    def inside(self, leg_id: str) -> Leg:
        """For the edge of browsers. Raises NoPorts."""
        return Leg(leg_id, INSIDE, self._inside)

    def networks(self, trunk: str, number: str) -> Sequence[str]:
        """From where the sound of a far end may come, besides from where its SDP says."""
        if number in self._phones:
            return self._phones[number]
        if trunk:
            return self._trunks.get(trunk, ())
        return [each for networks in self._trunks.values() for each in networks]


def _within(networks: Sequence[str]) -> Callable[[str], bool]:
    known = [ip_network(each) for each in networks]
    return lambda host: any(ip_address(host) in network for network in known)
