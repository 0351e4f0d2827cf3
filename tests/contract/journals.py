"""Journals for tests: builders, images of data directories, and what came of opening one."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.journal import directory as directory_of_data
from ringfloor.journal.directory import DATABASE
from ringfloor.journal.disk import DiskJournal, open_journal
from ringfloor.journal.journal import Journal, Record, Snapshot
from ringfloor.journal.sqlite import Tables

INSTANCES = ("a", "b")
NOTES = ("clock", "key", "phones")


class Content(Struct, frozen=True):
    """Everything that a journal says."""

    records: dict[str, list[Record]]
    notes: dict[str, bytes | None]


class Outcome(Struct):
    """What came of opening a directory: content and what the operator was told, or a fault."""

    content: Content | None
    snapshots: dict[str, Snapshot | None]
    told: list[str]
    fault: Fault | None


class Image(Struct):
    """A data directory as bytes, with the content after each transaction, the last one last."""

    files: dict[str, bytes]
    states: list[Content]
    snapshots: dict[str, list[Snapshot]]

    def lay(self, directory: Path) -> None:
        """Put the files there, and nothing else."""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for name, content in self.files.items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def a_record(instance: str, sequence: int, size: int = 40) -> Record:
    payload = f"{instance} {sequence} ".encode()
    return Record(instance, sequence, 1_700_000_000_000 + sequence, payload.ljust(size, b"."))


def some_records(instance: str, first: int, last: int, size: int = 40) -> list[Record]:
    return [a_record(instance, sequence, size) for sequence in range(first, last + 1)]


def content_of(journal: Journal) -> Content:
    return Content(
        {instance: list(journal.read(instance)) for instance in journal.instances()},
        {key: journal.note(key) for key in NOTES},
    )


def quiet(told: str) -> None:
    raise AssertionError(f"nothing was to be told, but: {told}")


def write(journal: DiskJournal) -> tuple[list[Content], dict[str, list[Snapshot]]]:
    """A little of everything; the content after each transaction, and the snapshots that stay."""
    states = [content_of(journal)]

    def append(*batches: list[Record]) -> None:
        journal.append([record for batch in batches for record in batch])
        states.append(content_of(journal))

    def note(key: str, value: bytes) -> None:
        journal.put_note(key, value)
        states.append(content_of(journal))

    append(some_records("a", 1, 1))
    append(some_records("b", 1, 9), some_records("a", 2, 2))
    note("key", b"secret" * 9)
    append(some_records("a", 3, 30, 150), some_records("b", 10, 10, 9_000))
    note("clock", b"1700000000000")
    append(some_records("b", 11, 40, 200))
    note("key", b"another")
    for sequence in (2, 20, 25):
        journal.save_snapshot("a", sequence, f"state {sequence} ".encode() * 20)
    append(some_records("a", 31, 31))
    append(some_records("b", 41, 41), some_records("a", 32, 33))
    kept = [Snapshot("a", sequence, f"state {sequence} ".encode() * 20) for sequence in (20, 25)]
    return states, {"a": kept, "b": []}


def an_image(directory: Path, *, closed: bool = False, checkpointed: bool = False) -> Image:
    """A data directory: in the log; checkpointed, with the log still there; or closed in order."""
    journal = open_journal(directory, quiet)
    states, snapshots = write(journal)
    if checkpointed:
        journal._writer._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    if closed:
        journal.close()
    image = Image(files_in(directory), states, snapshots)
    journal.close()
    return image


def files_in(directory: Path) -> dict[str, bytes]:
    """Everything that an end without close leaves; the shared memory is the kernel's affair."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }


def outcome_of(directory: Path) -> Outcome:
    """Open, read everything, close. Any exception but a Fault is an error of the journal."""
    told: list[str] = []
    try:
        journal = open_journal(directory, told.append)
        try:
            content = content_of(journal)
            snapshots = {instance: journal.snapshot(instance) for instance in INSTANCES}
        finally:
            journal.close()
    except Fault as fault:
        return Outcome(None, {}, told, fault)
    return Outcome(content, snapshots, told, None)


def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write as always, but do not wait for the medium: ten times as many trials in the time."""
    careful = Tables._set

    def careless(tables: Tables) -> None:
        careful(tables)
        tables._connection.execute("PRAGMA synchronous=OFF")

    monkeypatch.setattr(Tables, "_set", careless)
    monkeypatch.setattr(directory_of_data, "sync", lambda _: None)
    monkeypatch.setattr(directory_of_data, "sync_directory", lambda _: None)


@contextmanager
def by_hand(directory: Path) -> Iterator[sqlite3.Connection]:
    """The database without the journal: what an operator with the sqlite3 shell can do."""
    connection = sqlite3.connect(directory / DATABASE, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
