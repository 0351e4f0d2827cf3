"""Carriers: the one that a voice file asks for, running.

Called by cli_gateway. Either the embedded one (gateway.embedded), or an Asterisk that carries the
calls (gateway.asterisk), with the same sounds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from ringfloor.base.limits import ARI_START_SECONDS
from ringfloor.base.time import Clock
from ringfloor.gateway.asterisk.ari import Ari
from ringfloor.gateway.asterisk.carrier import Asterisk, Settings
from ringfloor.gateway.asterisk.files import SoundFiles
from ringfloor.gateway.embedded import SPOOL, Tasks, embedded, sounds_in
from ringfloor.gateway.voice_file import Ari as AriSettings
from ringfloor.gateway.voice_file import Voice
from ringfloor.telephony.carrier import Carrier, OnEvent

log = logging.getLogger(__name__)


@asynccontextmanager
async def carrier(
    voice: Voice, data: Path, on_event: OnEvent, wake: Callable[[], None], clock: Clock
) -> AsyncIterator[Carrier]:
    """The carrier, running. Raises Fault."""
    if voice.asterisk is not None:
        async with _asterisk(voice.asterisk, data, on_event, wake, clock) as found:
            yield found
    else:
        async with embedded(voice, data, on_event, wake, clock) as parts:
            yield parts.switch


@asynccontextmanager
async def _asterisk(
    ari: AriSettings, data: Path, on_event: OnEvent, wake: Callable[[], None], clock: Clock
) -> AsyncIterator[Asterisk]:
    """With Asterisk's channels known, if it can be had soon."""
    changed = asyncio.Event()

    def woken() -> None:
        changed.set()
        wake()

    async with AsyncExitStack() as stack:
        sounds = sounds_in(data, stack)
        tasks = Tasks()
        stack.push_async_callback(tasks.close)
        for directory in (ari.sounds, data / SPOOL):
            directory.mkdir(parents=True, exist_ok=True)
        settings = Settings(
            application=ari.application,
            trunk=ari.trunk,
            host=ari.host,
            phones=ari.phones,
            recordings=ari.recordings,
            spool=data / SPOOL,
        )
        account = ari.account
        found = Asterisk(
            on_event,
            settings,
            partial(Ari, ari.url, ari.application, account.username, account.password),
            SoundFiles(sounds, ari.sounds, ari.sounds_there),
            tasks.spawn,
            clock.now,
            woken,
        )
        tasks.spawn(found.run())
        try:
            async with asyncio.timeout(ARI_START_SECONDS):
                while not found.ready:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            log.warning("Asterisk cannot be had at %s; it is tried again and again", ari.url)
        yield found
