"""Directory: the data directory, held by one process, and writing files into it durably.

Called by sqlite, snapshots and upkeep. Holds the lock, the names of the journal's files, and the
translation of OSError into Unusable with a way out.

Rules. One process per directory: the lock is the kernel's (flock), so it ends with its process,
however that ends; the file stays and only tells the pid. The directory is made with mode 0700, and
every file in it with 0600: it holds callers' numbers and keys. A file appears whole or not at all:
it is written beside, synced, renamed, and the directory synced.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringfloor.journal.journal import InUse, Unusable

DATABASE = "journal.sqlite"
LOG = "journal.sqlite-wal"
LOCK = "lock"
SNAPSHOTS = "snapshots"
UNFINISHED = ".new"
"""What a file that is still being written ends with; leftovers are removed at start."""

_PAGE_BYTES_MIN = 512
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


class Hold:
    """The right to a data directory, until release()."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock: int | None = lock

    def release(self) -> None:
        """Let others in. Releasing twice is releasing once."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def occupy(directory: Path, *, create: bool) -> Hold:
    """Take a data directory for this process; with `create`, make it first.

    Raises InUse with the pid of the process that has it, Unusable.
    """
    with told(directory):
        if create:
            _make(directory)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise InUse(
                f"{directory} is in use by process {holder}. Stop that process first, or give this "
                "one a directory of its own with --data."
            ) from None
        except OSError:
            os.close(lock)
            raise
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return Hold(directory, lock)


def _make(directory: Path) -> None:
    """Make a directory and what it lies in, each one's name durable. Raises OSError."""
    if not directory.is_dir():
        if directory.parent != directory:
            _make(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)


@contextmanager
def told(directory: Path) -> Iterator[None]:
    """Turn an OSError into Unusable: what is wrong, and what to do."""
    try:
        yield
    except OSError as error:
        raise Unusable(f"{error.filename or directory}: {_advice(error)}") from error


def write(path: Path, *parts: bytes) -> None:
    """Put a file there, whole and durable, in place of what was there. Raises OSError."""
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as out:
            out.writelines(parts)
            out.flush()
            sync(out.fileno())
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    put(unfinished, path)


def put(unfinished: Path, path: Path) -> None:
    """Give a synced file its final name, durably. Raises OSError."""
    unfinished.replace(path)
    sync_directory(path.parent)


def stunted(directory: Path) -> bool:
    """Whether the database has lost even its first page. Raises OSError."""
    return (directory / DATABASE).stat().st_size < _PAGE_BYTES_MIN


def copy(path: Path, to: Path) -> None:
    """Copy a file, durably. Raises OSError."""
    file = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with path.open("rb") as source, os.fdopen(file, "wb") as out:
        shutil.copyfileobj(source, out)
        out.flush()
        sync(out.fileno())
    sync_directory(to.parent)


def shorten(path: Path, keep: int) -> None:
    """Cut a file to its first bytes, durably. Raises OSError."""
    with path.open("r+b") as file:
        file.truncate(keep)
        sync(file.fileno())


def sync(file: int) -> None:
    """Wait until a file is on the medium; on macOS only F_FULLFSYNC says so."""
    if _FULL_SYNC is None:
        os.fsync(file)
    else:
        fcntl.fcntl(file, _FULL_SYNC)


def sync_directory(directory: Path) -> None:
    """Wait until a directory's names are on the medium."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _advice(error: OSError) -> str:
    if error.errno in _FULL:
        return "no space left. Free some (or raise the quota), then start again; nothing is lost."
    if error.errno == errno.EROFS:
        return "the file system is read-only. Mount it writable, or name another with --data."
    if error.errno in _FORBIDDEN:
        return (
            f"permission denied. Give user {os.geteuid()} the right to read and write there, or "
            "name another directory with --data."
        )
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EEXIST}:
        return "no such directory. Name the data directory with --data."
    return f"{error.strerror or error}. See to the disk, then start again."
