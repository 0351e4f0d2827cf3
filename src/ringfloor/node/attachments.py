"""Attachments: the files that participants of chats send each other, on the disk.

Called by server.participant. Under the data directory, or in a temporary one where everything is in
memory:

    attachments/{instance}/{chat}/{attachment}.json    what was announced: name, type, size, by whom
                                  {attachment}.new     uploaded, may still be replaced
                                  {attachment}.file    sent; never changes again
                                  *.part               arriving; of no worth after a restart

Rules:

* All ids are our own UUIDs; whatever else is asked for does not exist. A file's name is kept beside
  it and never becomes a path.
* What has been answered is on the disk: file, then its name in the directory.
* No more bytes are written than were announced.
* Blocking work is done on two threads of its own.
"""

import asyncio
import logging
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import BinaryIO, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import ATTACHMENTS_PER_CHAT_MAX, UPLOADS_AT_ONCE_MAX
from ringfloor.base.time import Instant

log = logging.getLogger(__name__)

T = TypeVar("T")

DIRECTORY = "attachments"

WRITE_BYTES = 1_048_576
"""Collected before a thread is asked to write them."""

READ_BYTES = 262_144

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class File(Struct, frozen=True):
    """What was announced of a file. size: bytes; content_type: in lower case."""

    name: str
    content_type: str
    size: int
    participant_id: str
    at: Instant


class Key(NamedTuple):
    """Which file."""

    instance_id: str
    chat_id: str
    attachment_id: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(File).decode


class Attachments:
    """The files of all chats of this server."""

    def __init__(self, data: Path | None) -> None:
        self._temporary = TemporaryDirectory(prefix="ringfloor-") if data is None else None
        self._root = (data or Path(self._temporary.name if self._temporary else "")) / DIRECTORY
        self._threads = ThreadPoolExecutor(2, "attachments")
        self._counting = Lock()
        self._arriving = 0

    def keep(self, instances: Collection[str]) -> None:
        """At a start: forget the files of instances that are gone, and what was arriving."""
        if not self._root.is_dir():
            return
        for found in self._root.iterdir():
            if found.name not in instances:
                shutil.rmtree(found)
        for part in self._root.glob("*/*/*.part"):
            part.unlink()

    def close(self) -> None:
        """Let go; files in memory mode are gone."""
        self._threads.shutdown()
        if self._temporary is not None:
            self._temporary.cleanup()

    def forget(self, instance_id: str) -> None:
        """Forget all files of an instance, soon."""
        if _UUID.fullmatch(instance_id):
            self._soon(lambda: shutil.rmtree(self._root / instance_id, ignore_errors=True))

    def expire(self, instance_id: str, before: Instant) -> None:
        """Forget, soon, the files of chats in which none was announced since then."""
        if _UUID.fullmatch(instance_id):
            self._soon(lambda: self._expire(self._root / instance_id, before))

    async def begin(self, key: Key, file: File) -> None:
        """Announce a file; the same again changes nothing.

        Refuses with ServiceQuotaExceededException beyond ATTACHMENTS_PER_CHAT_MAX, and with
        ConflictException if something else was announced under this id.
        """
        await self._beside(lambda: self._begin(key, file))

    async def find(self, key: Key) -> File | None:
        """What was announced under this id."""
        return await self._beside(lambda: self._find(key))

    async def receive(self, key: Key, chunks: AsyncIterator[bytes]) -> None:
        """Keep what is uploaded; durable when this returns.

        Refuses with AccessDeniedException what was not announced or has been sent, with
        ValidationException what is not of the announced size, and with ServiceUnavailableException
        while too many uploads arrive.
        """
        file = await self.find(key)
        if file is None or await self._beside(self._path(key, "file").exists):
            raise Refusal("AccessDeniedException", "this file was not announced or has been sent")
        if self._arriving >= UPLOADS_AT_ONCE_MAX:
            raise Refusal("ServiceUnavailableException", "too many files arrive; try again")
        self._arriving += 1
        part = self._path(key, f"{derive(chance(), 0)}.part")
        try:
            await self._write(part, file.size, chunks)
            await self._beside(lambda: self._rename(part, self._path(key, "new")))
        finally:
            self._arriving -= 1
            await self._beside(lambda: part.unlink(missing_ok=True))

    async def complete(self, key: Key) -> File:
        """The upload is whole and stays as it is; the same again changes nothing.

        Refuses with AccessDeniedException what was not announced, and with ConflictException what
        has not arrived.
        """
        return await self._beside(lambda: self._complete(key))

    async def sent(self, key: Key) -> File | None:
        """A file that has been sent."""
        return await self._beside(lambda: self._find(key) if self._is_sent(key) else None)

    async def read(self, key: Key) -> AsyncIterator[bytes]:
        """The bytes of a file that has been sent."""
        file = await self._beside(lambda: self._path(key, "file").open("rb"))
        try:
            while chunk := await self._beside(lambda: file.read(READ_BYTES)):
                yield chunk
        finally:
            await self._beside(file.close)

    # On the threads

    def _expire(self, instance: Path, before: Instant) -> None:
        for chat in instance.iterdir() if instance.is_dir() else ():
            announced = (_decode(each.read_bytes()).at for each in chat.glob("*.json"))
            if max(announced, default=before) < before:
                shutil.rmtree(chat)

    def _begin(self, key: Key, file: File) -> None:
        path = self._path(key, "json")
        with self._counting:
            known = self._find(key)
            if known is not None:
                if msgspec.structs.replace(known, at=file.at) != file:
                    raise Refusal("ConflictException", "another file was announced under this id")
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in path.parent.glob("*.json")) >= ATTACHMENTS_PER_CHAT_MAX:
                raise Refusal(
                    "ServiceQuotaExceededException",
                    f"this chat has {ATTACHMENTS_PER_CHAT_MAX} attachments, and may have no more",
                )
            part = path.with_suffix(".part")
            with part.open("wb") as out:
                out.write(_encode(file))
                _sync(out)
            self._rename(part, path)

    def _find(self, key: Key) -> File | None:
        if not all(_UUID.fullmatch(each) for each in key):
            return None
        try:
            return _decode(self._path(key, "json").read_bytes())
        except FileNotFoundError:
            return None

    def _is_sent(self, key: Key) -> bool:
        return all(_UUID.fullmatch(each) for each in key) and self._path(key, "file").exists()

    def _complete(self, key: Key) -> File:
        file = self._find(key)
        if file is None:
            raise Refusal("AccessDeniedException", "this file was not announced here")
        if not self._is_sent(key):
            try:
                self._rename(self._path(key, "new"), self._path(key, "file"))
            except FileNotFoundError:
                raise Refusal("ConflictException", "the file has not been uploaded yet") from None
        return file

    async def _write(self, part: Path, size: int, chunks: AsyncIterator[bytes]) -> None:
        out: BinaryIO = await self._beside(lambda: part.open("xb"))
        try:
            arrived = 0
            pending = bytearray()
            async for chunk in chunks:
                arrived += len(chunk)
                if arrived > size:
                    break
                pending += chunk
                if len(pending) >= WRITE_BYTES:
                    whole, pending = bytes(pending), bytearray()
                    await self._beside(lambda whole=whole: out.write(whole))  # type: ignore[misc]  # bound now
            if arrived != size:
                more = "more" if arrived > size else f"{arrived}"
                raise Refusal("ValidationException", f"body: has {more} bytes, not {size}")
            rest = bytes(pending)
            await self._beside(lambda: out.write(rest))
            await self._beside(lambda: _sync(out))
        finally:
            await self._beside(out.close)

    def _rename(self, part: Path, path: Path) -> None:
        part.rename(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _path(self, key: Key, suffix: str) -> Path:
        assert all(_UUID.fullmatch(each) for each in key), "ids are ours"
        return self._root / key.instance_id / key.chat_id / f"{key.attachment_id}.{suffix}"

    def _soon(self, work: Callable[[], None]) -> None:
        def done(future: Future[None]) -> None:
            if error := future.exception():
                log.error("files of chats could not be forgotten", exc_info=error)

        self._threads.submit(work).add_done_callback(done)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _sync(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())
