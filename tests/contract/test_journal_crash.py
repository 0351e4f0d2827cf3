"""Crashes and hindrances: kill -9, a second process, a full disk, a directory that is not ours."""

import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.journal_child import payload
from contract.journals import a_record, by_hand, outcome_of, quiet, some_records
from ringfloor.journal import upkeep
from ringfloor.journal.directory import DATABASE, LOG, told
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import InUse, Record, SecondWriter, Unusable

CHILD = Path(__file__).with_name("journal_child.py")
NOBODY = 65_534


def child(mode: str, directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), mode, str(directory)], stdout=subprocess.PIPE, text=True
    )


def acknowledged(lines: list[str]) -> dict[str, int]:
    ends = {"a": 0, "b": 0, "note": 0}
    for line in lines:
        match line.split():
            case ["durable", name, sequence]:
                ends[name] = int(sequence)
            case ["noted", sequence]:
                ends["note"] = int(sequence)
    return ends


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    before = {"a": 0, "b": 0}
    for until in (1, 40, 97, 300, 600):
        process = child("append", tmp_path)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(until)]
        process.kill()
        lines += process.stdout.readlines()
        process.stdout.close()
        process.wait()
        ends = acknowledged([line for line in lines if line.endswith("\n")])
        outcome = outcome_of(tmp_path)
        assert outcome.fault is None
        journal = open_journal(tmp_path, quiet)
        for name, known in before.items():
            last = journal.last(name)
            assert max(ends[name], known) <= last <= max(ends[name], known) + 7
            expected = [Record(name, n, n, payload(name, n)) for n in range(1, last + 1)]
            assert list(journal.read(name)) == expected
            before[name] = last
        assert int(journal.note("a") or 0) >= ends["note"]
        if snapshot := journal.snapshot("a"):
            assert snapshot.payload == payload("a", snapshot.sequence)
        journal.close()
    assert before["a"] > 500


def test_a_full_disk_is_a_clear_fault_and_nothing_is_half_written(tmp_path: Path) -> None:
    process = child("squeeze", tmp_path)
    assert process.stdout is not None
    lines = process.stdout.readlines()
    process.stdout.close()
    process.wait()
    assert lines[-1].startswith("Unusable ")
    assert "space" in lines[-1]
    ends = acknowledged(lines)
    assert ends["a"] > 20
    outcome = outcome_of(tmp_path)
    assert outcome.content is not None
    for name in ("a", "b"):
        got = outcome.content.records[name]
        assert got == [Record(name, n, n, payload(name, n)) for n in range(1, len(got) + 1)]
        assert len(got) == ends[name]


def test_after_a_failed_write_nothing_more_is_written_but_reads_go_on(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, quiet)
    journal.append(some_records("a", 1, 3))
    pages = journal._writer._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._writer._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Unusable, match=r"database or disk is full\. Free some space"):
        journal.append([a_record("b", 1), a_record("a", 4, 90_000)])
    with pytest.raises(Unusable, match=r"an earlier write failed .*full"):
        journal.append([a_record("a", 4)])
    with pytest.raises(Unusable, match="an earlier write failed"):
        journal.put_note("n", b"")
    assert list(journal.read("a")) == some_records("a", 1, 3)
    assert journal.instances() == ["a"]
    journal.close()
    journal = open_journal(tmp_path, quiet)
    journal.append([a_record("a", 4)])
    journal.close()


def test_a_second_process_is_refused_and_told_who_holds_the_directory(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, quiet)
    assert refused_process(tmp_path).startswith(f"InUse {tmp_path} is in use by process ")
    assert f"process {os.getpid()}. Stop that process first" in refused_process(tmp_path)
    for act in (upkeep.check, lambda directory: upkeep.cut(directory, "a", 0)):
        with pytest.raises(InUse):
            act(tmp_path)
    journal.close()
    assert refused_process(tmp_path) == "open\n"


def refused_process(directory: Path) -> str:
    process = child("open", directory)
    said, _ = process.communicate()
    return said


def test_a_writer_that_goes_round_the_lock_collides_on_the_key(tmp_path: Path) -> None:
    first = open_journal(tmp_path, quiet)
    first.append(some_records("a", 1, 3))
    assert first._hold._lock is not None
    fcntl.flock(first._hold._lock, fcntl.LOCK_UN)
    second = open_journal(tmp_path, quiet)
    second.append(some_records("a", 4, 5))
    with pytest.raises(SecondWriter, match="somebody else is writing"):
        first.append([a_record("b", 1), a_record("a", 4, 77)])
    assert first.last("a") == 5
    assert first.instances() == ["a"]
    assert list(first.read("a")) == some_records("a", 1, 5)
    first.append([a_record("a", 6)])
    with pytest.raises(SecondWriter):
        second.append([a_record("a", 6, 77)])
    second.close()
    first.close()
    assert outcome_of(tmp_path).content.records == {"a": some_records("a", 1, 6)}  # type: ignore[union-attr]  # a refusal would be a failure here


def test_an_end_that_somebody_else_moved_is_a_second_writer(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, quiet)
    journal.append(some_records("a", 1, 2))
    with by_hand(tmp_path) as connection:
        connection.execute("UPDATE head SET sequence = 1")
    with pytest.raises(SecondWriter):
        journal.append([a_record("a", 3)])
    journal.close()


def test_durability_is_asked_for(tmp_path: Path) -> None:
    """No test can pull the plug; this one sees that nobody turned the settings down."""
    journal = open_journal(tmp_path, quiet)
    writer, reader = journal._writer._connection, journal._reader._connection
    settings = ("synchronous", "fullfsync", "checkpoint_fullfsync", "cache_spill", "mmap_size")
    found = {name: writer.execute(f"PRAGMA {name}").fetchone()[0] for name in settings}
    assert found == dict(zip(settings, (2, 1, 1, 0, 0), strict=True))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM record")
    journal.close()


def test_a_writer_in_the_middle_of_a_transaction_is_a_second_writer(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, quiet)
    with by_hand(tmp_path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(SecondWriter, match="locked"):
            journal.append([a_record("a", 1)])
    journal.append([a_record("a", 1)])
    journal.close()


def test_directory_and_files_are_for_their_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    journal = open_journal(data, quiet)
    journal.append([a_record("a", 1)])
    journal.save_snapshot("a", 1, b"state")
    modes = {path.name: path.stat().st_mode & 0o777 for path in [data, *data.rglob("*")]}
    journal.close()
    assert {modes.pop(name) for name in ("data", "snapshots")} == {0o700}
    assert set(modes) >= {DATABASE, LOG, "lock", "a.1.snapshot"}
    assert set(modes.values()) == {0o600}


@contextmanager
def somebody_else() -> Iterator[None]:
    """As a user whom permissions bind; for root they do not count."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(user)


def test_a_directory_that_may_not_be_written_is_refused_with_advice() -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        data = base / "data"
        journal = open_journal(data, quiet)
        journal.append([a_record("a", 1)])
        journal.close()
        for path in [*data.iterdir(), data, base]:
            path.chmod(0o555)
        with somebody_else():
            for directory in (data, base / "new"):
                with pytest.raises(Unusable, match=r"permission denied\. Give user"):
                    open_journal(directory, quiet)
        base.chmod(0o700)
        data.chmod(0o700)


def test_a_file_in_the_directory_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(Unusable, match="no such directory"):
        open_journal(tmp_path / "data", quiet)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "See to the disk"),
    ],
)
def test_what_the_system_refuses_is_told_with_advice(number: int, says: str) -> None:
    with pytest.raises(Unusable, match=says), told(Path("data")):
        raise OSError(number, os.strerror(number))


def test_a_start_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / f"{DATABASE}.new").write_bytes(b"half")
    (tmp_path / f"{DATABASE}.new-journal").write_bytes(b"half")
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "a.1.snapshot.new").write_bytes(b"half")
    journal = open_journal(tmp_path, quiet)
    assert journal.instances() == []
    journal.close()
    assert {path.name for path in tmp_path.rglob("*")} == {DATABASE, "lock", "snapshots"}
