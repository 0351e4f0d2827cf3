"""Speech: texts as sound, spoken by an engine of any kind.

Called by gateway.media.sounds. What was spoken once is kept in a directory, as WAV files named by
the SHA-256 of engine, voice, kind and text; those that nobody asked for the longest go when there
are too many bytes.

Rules
* The same text that is asked for twice at once is spoken once.
* So many are spoken at a time, and so many wait; another one fails at once. An engine that does not
  answer is given up.
* A failure is not kept: the next one who asks lets it be tried again.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

from ringfloor.base import codec, wav
from ringfloor.base.limits import (
    SPEECH_AT_ONCE_MAX,
    SPEECH_CACHE_BYTES_MAX,
    SPEECH_SECONDS_MAX,
    SPEECH_WAITING_MAX,
)
from ringfloor.gateway.media import g711
from ringfloor.gateway.speech import ssml
from ringfloor.telephony.commands import Voice

log = logging.getLogger(__name__)

Kind = Literal["text", "ssml"]

PCM_BYTES_MAX = SPEECH_SECONDS_MAX * g711.RATE * 2


class SpeechFailed(Exception):
    """A text that cannot be spoken, and why."""


class TextToSpeech(Protocol):
    """An engine. name: with what makes its sound different, such as its version."""

    @property
    def name(self) -> str: ...

    async def synthesize(
        self, part: ssml.Part, voice: Voice | None, rate: int = g711.RATE
    ) -> bytes:
        """The words of one part as 16 bit mono pcm of that rate, without its volume and pause.

        Raises SpeechFailed. It is cancelled by who waits no longer, and leaves nothing behind then.
        """


class Speech:
    """Texts spoken by one engine, or out of the cache; on one event loop."""

    def __init__(self, directory: Path, engine: TextToSpeech) -> None:
        """The directory is made if it is not there; what is in it counts."""
        self._engine = engine
        self._cache = _Cache(directory)
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        self._turns = asyncio.Semaphore(SPEECH_AT_ONCE_MAX)

    async def spoken(self, kind: Kind, text: str, voice: Voice | None) -> bytes:
        """As pcm at 8 kHz; SpeechFailed."""
        key = _key(self._engine.name, voice, kind, text)
        task = self._under_way.get(key)
        if task is None:
            if len(self._under_way) >= SPEECH_WAITING_MAX:
                raise SpeechFailed("too many texts wait to be spoken")
            task = asyncio.create_task(self._found_or_made(key, kind, text, voice))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._over(key, done))
        return await asyncio.shield(task)

    def close(self) -> None:
        """Give up what is being spoken."""
        for task in list(self._under_way.values()):
            task.cancel()

    def _over(self, key: str, task: "asyncio.Task[bytes]") -> None:
        del self._under_way[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a text is not spoken: %s", error)

    async def _found_or_made(self, key: str, kind: Kind, text: str, voice: Voice | None) -> bytes:
        try:
            kept = await asyncio.to_thread(self._cache.get, key)
            if kept is not None:
                return kept
            parts = ssml.parse(text) if kind == "ssml" else ssml.plain(text)
        except ssml.SsmlRefused as refused:
            raise SpeechFailed(f"the SSML is refused: {refused}") from refused
        async with self._turns:
            pcm = await self._made(parts, voice)
        await asyncio.to_thread(self._cache.put, key, pcm)
        return pcm

    async def _made(self, parts: Sequence[ssml.Part], voice: Voice | None) -> bytes:
        made = []
        size = 0
        for part in parts:
            if part.text:
                pcm = await self._engine.synthesize(part, voice)
                made.append(_louder(pcm, part.manner.volume_db))
            made.append(bytes(part.pause_ms * g711.RATE // 1_000 * 2))
            size += sum(map(len, made[-2:]))
            if size > PCM_BYTES_MAX:
                raise SpeechFailed(f"it takes more than {SPEECH_SECONDS_MAX} seconds")
        return b"".join(made)


def _key(engine: str, voice: Voice | None, kind: Kind, text: str) -> str:
    said = text.encode(errors="surrogatepass")
    return hashlib.sha256(codec.encode([engine, voice, kind, said])).hexdigest()


def _louder(pcm: bytes, decibels: float) -> bytes:
    return pcm if decibels == 0 else g711.mul(pcm, 10 ** (decibels / 20))


class _Cache:
    """Files of spoken texts. Its methods wait for the disk, on threads of whoever calls."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for left in directory.glob("*.part"):
            left.unlink()
        found = [(path.stat(), path.name) for path in directory.glob("*.wav")]
        self._directory = directory
        self._lock = Lock()
        self._sizes = {name: stat.st_size for stat, name in sorted(found, key=_last_used)}
        """Bytes of each file, those first that nobody asked for the longest."""
        self._bytes = sum(self._sizes.values())

    def get(self, key: str) -> bytes | None:
        """What is kept, if it can be read."""
        path = self._directory / f"{key}.wav"
        try:
            pcm = wav.read(path.read_bytes(), SPEECH_SECONDS_MAX)
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s cannot be used again: %s", path.name, error)
            return None
        with self._lock:
            if path.name in self._sizes:
                self._sizes[path.name] = self._sizes.pop(path.name)
        return pcm

    def put(self, key: str, pcm: bytes) -> None:
        """Keep it, if there is anything and the disk lets us."""
        path = self._directory / f"{key}.wav"
        if not pcm:
            return
        try:
            part = path.with_suffix(".part")
            part.write_bytes(wav.written(pcm))
            part.rename(path)
        except OSError as error:
            log.warning("speech is not kept: %s", error)
            return
        with self._lock:
            self._bytes -= self._sizes.pop(path.name, 0)
            self._sizes[path.name] = wav.HEADER_BYTES + len(pcm)
            self._bytes += self._sizes[path.name]
            gone = self._oldest()
        for name in gone:
            (self._directory / name).unlink(missing_ok=True)

    def _oldest(self) -> list[str]:
        """Take out of the table what is too much."""
        gone = []
        while self._bytes > SPEECH_CACHE_BYTES_MAX and len(self._sizes) > 1:
            name = next(iter(self._sizes))
            self._bytes -= self._sizes.pop(name)
            gone.append(name)
        return gone


def _last_used(found: tuple[os.stat_result, str]) -> tuple[int, str]:
    return found[0].st_mtime_ns, found[1]
