"""Snapshots: encoded states as files beside the journal.

Called by sqlite and upkeep. Files and not rows, for three reasons: saving some megabytes must not
hold up the one writer of the database; they come and go, while the database only grows; and a
snapshot is worth nothing that a replay could not bring back, so it needs no backup.

A file is named instance.sequence.snapshot and holds a magic, a checksum over everything else, the
instance's chained checksum at that sequence, and the payload. The chained checksum ties it to the
records: a snapshot of another history (an older backup was restored, and grew on differently) is
seen as such. Nothing here decides whether it is used; sqlite compares.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from struct import Struct as Layout

from msgspec import Struct

from ringfloor.base import limits
from ringfloor.journal.directory import SNAPSHOTS, UNFINISHED, sync_directory, write
from ringfloor.journal.journal import Checksum, outdated

_MAGIC = b"rfsnap1\n"
_ENDING = ".snapshot"
_UNUSED = ".unused"
_NAME = re.compile(r"(?P<instance>.+)\.(?P<sequence>[1-9][0-9]{0,18})\.snapshot")
_head = Layout(">8s16s16s")


class Kept(Struct, frozen=True, gc=False):
    """What a snapshot's file holds."""

    chain: Checksum
    payload: bytes


class Invalid(Exception):
    """The file is not the snapshot that was saved; the message says why."""


class Snapshots:
    """The snapshot files of one data directory. Every method raises OSError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / SNAPSHOTS

    def all(self) -> dict[str, list[int]]:
        """Every instance's sequences, the highest first."""
        found: dict[str, list[int]] = {}
        if self._directory.is_dir():
            for path in self._directory.iterdir():
                if name := _NAME.fullmatch(path.name):
                    found.setdefault(name["instance"], []).append(int(name["sequence"]))
        return {instance: sorted(found[instance], reverse=True) for instance in sorted(found)}

    def of(self, instance: str) -> list[int]:
        """An instance's sequences, the highest first."""
        return self.all().get(instance, [])

    def load(self, instance: str, sequence: int) -> Kept:
        """Read and verify one. Raises Invalid."""
        path = self._path(instance, sequence)
        if path.stat().st_size > _head.size + limits.SNAPSHOT_BYTES_MAX:
            raise Invalid(f"{path.name} is larger than a snapshot may be")
        content = path.read_bytes()
        if len(content) < _head.size or not content.startswith(_MAGIC):
            raise Invalid(f"{path.name} does not begin as a snapshot does")
        _, stored, chain = _head.unpack_from(content)
        payload = content[_head.size :]
        if _checksum(instance, sequence, chain, payload) != stored:
            raise Invalid(f"{path.name} does not match its checksum")
        return Kept(chain, payload)

    def save(
        self,
        instance: str,
        sequence: int,
        chain: Checksum,
        payload: bytes,
        wanted: Iterable[int],
    ) -> None:
        """Write one, durably, and remove those that need not stay (journal.outdated)."""
        if not self._directory.is_dir():
            self._directory.mkdir(mode=0o700)
            sync_directory(self._directory.parent)
        checksum = _checksum(instance, sequence, chain, payload)
        write(self._path(instance, sequence), _head.pack(_MAGIC, checksum, chain), payload)
        for older in outdated(self.of(instance), wanted):
            self._path(instance, older).unlink(missing_ok=True)

    def remove_beyond(self, instance: str, after: int) -> None:
        """Remove an instance's snapshots after later sequences."""
        for sequence in self.of(instance):
            if sequence > after:
                self._path(instance, sequence).unlink()

    def set_aside(self, instance: str, sequence: int) -> str:
        """Rename one that must not be used, lest it push out good ones; its new name."""
        path = self._path(instance, sequence)
        unused = path.with_name(path.name + _UNUSED)
        path.replace(unused)
        return f"{SNAPSHOTS}/{unused.name}"

    def tidy(self) -> None:
        """Remove what was not finished when a process ended."""
        if self._directory.is_dir():
            for path in self._directory.glob(f"*{UNFINISHED}"):
                path.unlink(missing_ok=True)

    def _path(self, instance: str, sequence: int) -> Path:
        return self._directory / f"{instance}.{sequence}{_ENDING}"


def _checksum(instance: str, sequence: int, chain: Checksum, payload: bytes) -> Checksum:
    covered = blake2b(f"{instance}.{sequence}".encode() + b"\0" + chain, digest_size=16)
    covered.update(payload)
    return covered.digest()
