"""Sounds: the recordings of prompts, as carriers play them, under the digest of their bytes.

Called by operations that make prompts; the gateway reads the directory.

    sounds/{SHA-256}.wav     16 bit PCM, 8 kHz, mono; never changes

Rules:

* What keep has answered is on the disk, before any event names it.
* The same sound is kept once. One that no prompt has any more is forgotten at the next start or
  midnight, unless it has just been kept for a prompt that is being made.
"""

import asyncio
import os
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from math import inf
from pathlib import Path

from ringfloor.base.limits import SOUND_UNUSED_SECONDS
from ringfloor.base.time import WallClock, seconds
from ringfloor.base.wav import normalised

DIRECTORY = "sounds"

_FILE = re.compile(r"[0-9a-f]{64}\.wav")


class Sounds:
    """The sounds of all prompts of this server."""

    def __init__(self, data: Path) -> None:
        self.directory = data / DIRECTORY
        self.directory.mkdir(parents=True, exist_ok=True)
        self._thread = ThreadPoolExecutor(1, "sounds")

    async def keep(self, file: bytes) -> str:
        """The digest of a WAV file's sound, which is kept; ValueError says what rule it breaks."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._keep, file)

    async def sweep(self, used: Collection[str]) -> None:
        """Forget what is not used, but for what is new."""
        before = seconds(WallClock().now()) - SOUND_UNUSED_SECONDS  # the disk has no other clock
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self.forget, used, before)

    def forget(self, used: Collection[str], before: float = inf) -> None:
        """Forget what is not used and was kept before then, in seconds since the epoch."""
        for path in self.directory.iterdir():
            unused = _FILE.fullmatch(path.name) is not None and path.stem not in used
            if path.suffix == ".part" or (unused and path.stat().st_mtime < before):
                path.unlink(missing_ok=True)

    def find(self, digest: str) -> Path | None:
        """The file of a sound."""
        path = self.directory / f"{digest}.wav"
        return path if _FILE.fullmatch(path.name) and path.is_file() else None

    def close(self) -> None:
        """Let go."""
        self._thread.shutdown()

    def _keep(self, file: bytes) -> str:
        sound = normalised(file)
        digest = sha256(sound).hexdigest()
        path = self.directory / f"{digest}.wav"
        part = path.with_suffix(".part")
        with part.open("wb") as out:  # also where it is kept already: it may have been swept soon
            out.write(sound)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
        number = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
        return digest
