"""Storage: objects in buckets, as S3 has them; here on the disk.

Called by node.recordings, by operations that fetch files of prompts, and by server.objects, which
is the API of S3 in front of it. node.storage_s3 is the same on a service elsewhere. Everything
blocks, and is therefore called on threads.

    storage/{bucket}/{key}     an object; a slash in its key is one in its path
    storage/.arriving/*        under way; of no worth after a restart

Rules:

* What put has returned from is on the disk: the bytes, and its name in every directory above it.
* An object is whole or not there; who reads one goes on reading it, whoever replaces it.
* Names are checked and never leave the bucket. On a disk no key is the beginning of another's path:
  `a` and `a/b` exclude each other, which they do not at S3.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from typing import BinaryIO, NamedTuple, Protocol

from ringfloor.base.limits import OBJECT_KEY_BYTES_MAX
from ringfloor.base.time import Instant

DIRECTORY = "storage"
ARRIVING = ".arriving"

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SEGMENT_BYTES_MAX = 255
"""Of a name in a directory, on every usual file system."""


class Missing(Exception):
    """There is no such object, or no such bucket."""


class Unusable(Exception):
    """No name for a bucket or an object here; the message says why."""


class Trouble(Exception):
    """The disk or the service cannot do it now; the message says why."""


class Kept(NamedTuple):
    """An object in a listing. size: bytes. at: when it was put."""

    key: str
    size: int
    at: Instant


class Storage(Protocol):
    """Where objects are kept. Everything may raise Unusable or Trouble."""

    def put(self, bucket: str, key: str, source: bytes | Path) -> None:
        """Keep an object, in place of what is there; durable when this returns.

        The bucket need not be there. source: a file stays where it is, and must not change again.
        """
        ...

    def read(self, bucket: str, key: str, most: int) -> bytes:
        """The bytes of an object; at most one more than most. Raises Missing."""
        ...

    def delete(self, bucket: str, key: str) -> None:
        """Nothing happens if it is not there."""
        ...

    def keys(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Kept]:
        """The objects of a bucket, sorted by key; none if there is no such bucket."""
        ...

    def address(self, bucket: str, key: str, seconds: int) -> str | None:
        """Where anybody may get it for so long; None: it is for the server to hand it out."""
        ...


class DiskStorage:
    """Objects in files."""

    def __init__(self, data: Path) -> None:
        self.root = data / DIRECTORY
        self._moving = Lock()
        """Held while directories come and go."""
        self.arriving = self.root / ARRIVING
        shutil.rmtree(self.arriving, ignore_errors=True)
        self.arriving.mkdir(parents=True)

    def put(self, bucket: str, key: str, source: bytes | Path) -> None:
        """Keep an object."""
        path = self._path(bucket, key)
        with _told(path):
            part = self._copied(source)
            try:
                with self._moving:
                    _make(path.parent, self.root)
                    part.replace(path)
                    _sync(path.parent)
            finally:
                part.unlink(missing_ok=True)  # still there if it was another name of the same file

    def read(self, bucket: str, key: str, most: int) -> bytes:
        """The bytes of an object."""
        with self.open(bucket, key) as file:
            return file.read(most + 1)

    def open(self, bucket: str, key: str) -> BinaryIO:
        """The object as a file; raises Missing."""
        path = self._path(bucket, key)
        try:
            return path.open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise Missing(f"{bucket}/{key}") from None
        except OSError as error:
            raise Trouble(f"{bucket}/{key}: {error.strerror}") from error

    def find(self, bucket: str, key: str) -> Kept:
        """How large it is, and since when it is there; raises Missing."""
        with self.open(bucket, key) as file:
            status = os.fstat(file.fileno())
        return Kept(key, status.st_size, status.st_mtime_ns // 1_000_000)

    def delete(self, bucket: str, key: str) -> None:
        """Forget an object, and directories that are empty without it."""
        path = self._path(bucket, key)
        with self._moving, _told(path):
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return
            for above in path.parents:
                if above.parent == self.root or any(above.iterdir()):
                    _sync(above)
                    return
                above.rmdir()

    def keys(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Kept]:
        """The objects of a bucket, sorted as S3 sorts them: by the bytes of their keys."""
        yield from _walk(self._bucket(bucket), "", prefix, after)

    def address(self, bucket: str, key: str, seconds: int) -> str | None:  # noqa: ARG002  as the protocol has it
        """The server hands it out."""
        return None

    def make_bucket(self, bucket: str) -> None:
        """A bucket that is there before its first object."""
        path = self._bucket(bucket)
        with self._moving, _told(path):
            _make(path, self.root)

    def has_bucket(self, bucket: str) -> bool:
        """Whether there is such a bucket."""
        return self._bucket(bucket).is_dir()

    def new_part(self) -> Path:
        """A file that will be put when it is whole."""
        with _told(self.arriving):
            number, name = mkstemp(dir=self.arriving)
            os.close(number)
        return Path(name)

    def _copied(self, source: bytes | Path) -> Path:
        """The source under a name of ours, on the disk."""
        part = self.new_part()
        try:
            if isinstance(source, bytes):
                part.write_bytes(source)
            else:
                part.unlink()
                try:
                    part.hardlink_to(source)  # no copy where it is the same disk
                except OSError as error:
                    if error.errno not in _NO_LINK:
                        raise
                    shutil.copyfile(source, part)
            with part.open("rb") as file:
                os.fsync(file.fileno())
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return part

    def _bucket(self, bucket: str) -> Path:
        if not _BUCKET.fullmatch(bucket):
            raise Unusable(f"bucket {bucket!r}: is no name of 1 to 128 letters, digits and ._-")
        return self.root / bucket

    def _path(self, bucket: str, key: str) -> Path:
        segments = key.split("/")
        size = len(key.encode(errors="replace"))
        if not 1 <= size <= OBJECT_KEY_BYTES_MAX:
            raise Unusable(f"key: has {size} bytes, and may have 1 to {OBJECT_KEY_BYTES_MAX}")
        if _CONTROL.search(key) or any("\ud800" <= each <= "\udfff" for each in key):
            raise Unusable(f"key {key!r}: has characters that no file name may have")
        if any(each in ("", ".", "..") for each in segments):
            raise Unusable(f"key {key!r}: has a part that is empty, . or .. between its slashes")
        if any(len(each.encode()) > _SEGMENT_BYTES_MAX for each in segments):
            raise Unusable(f"key {key!r}: has a part of more than {_SEGMENT_BYTES_MAX} bytes")
        return self._bucket(bucket).joinpath(*segments)


_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP})
"""Why a file cannot have a second name there."""


class _told:  # noqa: N801  used as a function
    """Errors of the disk in our words."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, IsADirectoryError | NotADirectoryError | FileExistsError):
            raise Unusable(f"{self._path.name}: another key goes on where this one ends") from error
        if isinstance(error, OSError):
            raise Trouble(f"{self._path}: {error.strerror or error}") from error


def _make(directory: Path, root: Path) -> None:
    """The directory and those above it, below a root that is there; durable."""
    missing = []
    while directory != root and not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        _sync(each.parent)


def _sync(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _walk(directory: Path, above: str, prefix: str, after: str) -> Iterator[Kept]:
    try:
        found = list(os.scandir(directory))
    except FileNotFoundError:
        return
    named = [(f"{above}{each.name}{'/' if each.is_dir() else ''}", each) for each in found]
    for key, entry in sorted(named, key=lambda each: each[0].encode()):
        if not key.startswith(prefix) and not (prefix.startswith(key) and entry.is_dir()):
            continue
        if key.encode() <= after.encode() and not (after.startswith(key) and entry.is_dir()):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), key, prefix, after)
        else:
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue  # gone meanwhile
            yield Kept(key, status.st_size, status.st_mtime_ns // 1_000_000)
