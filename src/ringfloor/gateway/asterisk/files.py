"""Files: what Asterisk plays, as WAV files that it can read.

gateway.asterisk.carrier asks. The sounds are those of the embedded carrier (gateway.media.sounds);
each is written once, named by its content.
"""

import asyncio
import hashlib
import wave
from pathlib import Path

from ringfloor.gateway.media.sounds import Clip, Sounds
from ringfloor.telephony.commands import Media


class SoundFiles:
    """Sounds as files in a directory that both of us see."""

    def __init__(self, sounds: Sounds, ours: Path, theirs: str) -> None:
        """ours, theirs: the directory, as we and as Asterisk see it."""
        self._sounds, self._ours, self._theirs = sounds, ours, theirs.rstrip("/")

    async def uri(self, media: Media) -> str:
        """sound:... of a text, SSML or prompt; raises SoundFailed."""
        return await self._file(await self._sounds.clip(media))

    async def music(self) -> str:
        """sound:... of the carrier's own music."""
        return await self._file(self._sounds.music())

    async def _file(self, clip: Clip) -> str:
        name = hashlib.sha256(clip.pcm).hexdigest()
        await asyncio.to_thread(_write, self._ours / f"{name}.wav", clip.pcm)
        return f"sound:{self._theirs}/{name}"


def _write(file: Path, pcm: bytes) -> None:
    """Once; Asterisk never sees a part of it."""
    if file.exists():
        return
    part = file.with_suffix(".part")
    with wave.open(str(part), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", "NONE"))
        out.writeframes(pcm)
    part.chmod(0o644)  # Asterisk is another user
    part.rename(file)
