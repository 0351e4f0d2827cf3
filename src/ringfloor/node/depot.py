"""Depot: where the files of this server are: objects, sounds, recordings under way.

Made by app, one per server; the gateway shares its directory. In memory mode it is a temporary one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ringfloor.node.sounds import Sounds
from ringfloor.node.storage import DiskStorage, Storage

T = TypeVar("T")


class Depot:
    """The directory, and who keeps files in it or elsewhere."""

    def __init__(self, data: Path | None, storage: Storage | None = None) -> None:
        """data: the server's; None: a temporary one. storage: None keeps objects there, too."""
        self._temporary = TemporaryDirectory(prefix="ringfloor-") if data is None else None
        self.directory = data or Path(self._temporary.name if self._temporary else "")
        self.storage: Storage = storage or DiskStorage(self.directory)
        self.sounds = Sounds(self.directory)
        self._threads = ThreadPoolExecutor(2, "depot")

    @property
    def on_disk(self) -> DiskStorage | None:
        """The storage, where it is this server that hands objects out."""
        return self.storage if isinstance(self.storage, DiskStorage) else None

    async def beside(self, work: Callable[[], T]) -> T:
        """Do what blocks on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Let go; files in memory mode are gone."""
        self._threads.shutdown()
        self.sounds.close()
        if self._temporary is not None:
            self._temporary.cleanup()
