"""Sounds: what is played, found and kept ready.

Called by gateway.switch, which makes clips of a command's media before it has them played. A prompt
that has a recording is the file <sha256>.wav of the directory. One without is something of our own
by its name: the names of the prompts that instances of Amazon Connect begin with are music or a
beep, every other one is a short tone. Texts are spoken. The clips that were asked for last stay in
memory.
"""

import asyncio
import re
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from ringfloor.base import wav
from ringfloor.base.limits import SOUNDS_CACHE_BYTES_MAX
from ringfloor.gateway.media import music
from ringfloor.gateway.speech.speech import Speech, SpeechFailed
from ringfloor.telephony.commands import Media


class Clip(NamedTuple):
    """Something to hear: 16 bit little-endian PCM at 8 kHz, mono, of any length."""

    pcm: bytes


class SoundFailed(Exception):
    """A sound that cannot be had, and why: its file is missing, or it cannot be spoken."""


_SOUND = re.compile("[0-9a-f]{64}")

_MUSIC = re.compile(r"music.*|customer(hold|queue)(\.wav)?", re.IGNORECASE)
_BEEP = re.compile(r"beep(\.wav)?", re.IGNORECASE)


class Sounds:
    """The sounds of this gateway, on one event loop. speech: None where nothing can be spoken."""

    def __init__(self, directory: Path, speech: Speech | None = None) -> None:
        self._directory = directory
        self._speech = speech
        self._kept: OrderedDict[Media | str, Clip] = OrderedDict()
        self._bytes = 0
        self._ringback = Clip(music.ringback())
        self._music = Clip(music.music())
        self._beep = Clip(music.beep())
        self._tone = Clip(music.tone(440, 400))

    async def clip(self, media: Media) -> Clip:
        """What it sounds like; raises SoundFailed."""
        if media.kind == "prompt" and media.sound is None:
            return self._own(media.value)
        key = media.sound or media
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        clip = Clip(await self._made(media))
        self._keep(key, clip)
        return clip

    def music(self) -> Clip:
        """The carrier's own music, to be looped."""
        return self._music

    def ringback(self) -> Clip:
        """What is heard while it rings elsewhere, to be looped."""
        return self._ringback

    def _own(self, name: str) -> Clip:
        if _MUSIC.fullmatch(name):
            return self._music
        return self._beep if _BEEP.fullmatch(name) else self._tone

    async def _made(self, media: Media) -> bytes:
        if media.kind == "prompt":
            return await self._recorded(media.sound or "")
        if self._speech is None:
            raise SoundFailed("nothing can be spoken here: there is no espeak-ng")
        try:
            return await self._speech.spoken(media.kind, media.value, media.voice)
        except SpeechFailed as error:
            raise SoundFailed(str(error)) from error

    async def _recorded(self, sound: str) -> bytes:
        if not _SOUND.fullmatch(sound):
            raise SoundFailed("the prompt's sound is no SHA-256")
        path = self._directory / f"{sound}.wav"
        try:
            return wav.read(await asyncio.to_thread(path.read_bytes))
        except OSError as error:
            raise SoundFailed(f"the prompt's file is not there: {error.strerror}") from error
        except ValueError as error:
            raise SoundFailed(f"the prompt's file {error}") from error

    def _keep(self, key: Media | str, clip: Clip) -> None:
        if key in self._kept:  # somebody else has had it made meanwhile
            return
        self._kept[key] = clip
        self._bytes += len(clip.pcm)
        while self._bytes > SOUNDS_CACHE_BYTES_MAX:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.pcm)
