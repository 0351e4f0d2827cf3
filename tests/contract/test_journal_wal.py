"""The log's end: what wal says is what SQLite does, which drops the rest without a word."""

import sqlite3
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contract.journals import a_record, quiet
from ringfloor.journal import wal
from ringfloor.journal.directory import DATABASE, LOG
from ringfloor.journal.disk import open_journal
from ringfloor.journal.wal import Ending, inspect

FRAME = wal.FRAME_HEADER_BYTES + 4_096


class Log:
    """A log, where its transactions end, and an empty database to go with it."""

    def __init__(self, content: bytes, ends: list[int], empty: bytes) -> None:
        self.content = content
        self.ends = ends
        self.empty = empty


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A log of an earlier round overwritten in part, and where its transactions end."""
    directory = tmp_path_factory.mktemp("log")
    journal = open_journal(directory, quiet)
    journal.append([a_record("a", sequence, 900) for sequence in range(1, 300)])
    journal._writer._connection.execute("PRAGMA wal_checkpoint(RESTART)")
    ends = []
    for sequence in range(300, 306):
        journal.append([a_record("a", sequence, 300 if sequence % 2 else 9_000)])
        ends.append(inspect(directory / LOG).keep)
    journal.put_note("n", b"")
    ends.append(inspect(directory / LOG).keep)
    content = (directory / LOG).read_bytes()
    assert len(content) > ends[-1] + 3 * FRAME
    journal.close()
    connection = sqlite3.connect(directory / "empty")
    connection.executescript("PRAGMA page_size=4096; PRAGMA journal_mode=WAL")
    connection.close()
    return Log(content, ends, (directory / "empty").read_bytes())


def taken_by_sqlite(empty: bytes, content: bytes, directory: Path) -> int:
    """Bytes of the log that SQLite itself believes, its header included.

    Its index in the shared memory says up to which frame (walformat.html, section 2.2).
    """
    (directory / DATABASE).write_bytes(empty)
    (directory / LOG).write_bytes(content)
    connection = sqlite3.connect(directory / DATABASE)
    try:
        connection.execute("PRAGMA user_version").fetchone()
        index = (directory / f"{DATABASE}-shm").read_bytes()
    finally:
        connection.close()
    frames = int.from_bytes(index[16:20], sys.byteorder)
    return wal.HEADER_BYTES + frames * FRAME


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 10**9), mask=st.integers(1, 255), cut=st.none() | st.integers(0, 10**9))
@example(place=0, mask=1, cut=None)
@example(place=wal.HEADER_BYTES + 8, mask=255, cut=None)
def test_it_keeps_what_sqlite_keeps(
    log: Log, tmp_path: Path, place: int, mask: int, cut: int | None
) -> None:
    whole, ends = log.content, log.ends
    content = bytearray(whole if cut is None else whole[: 1 + cut % len(whole)])
    content[place % len(content)] ^= mask
    path = tmp_path / LOG
    path.write_bytes(content)
    tail = inspect(path)
    assert tail.size == len(content)
    assert tail.keep in {0, wal.HEADER_BYTES, *ends}
    # A damaged byte within what was committed is seen, unless the cut took it away again.
    assert tail.ending is not Ending.WHOLE or place % len(content) >= tail.keep
    assert tail.ending is not Ending.WHOLE or tail.keep == ends[-1] or cut is not None
    taken = taken_by_sqlite(log.empty, bytes(content), tmp_path)
    assert max(tail.keep, wal.HEADER_BYTES) == taken


def verdict(path: Path, content: bytes) -> tuple[Ending, int]:
    path.write_bytes(content)
    tail = inspect(path)
    return tail.ending, tail.keep


def test_each_ending(log: Log, tmp_path: Path) -> None:
    whole, ends = log.content, log.ends
    last, before = ends[-2], ends[-3]
    live = whole[: ends[-2]]
    path = tmp_path / "log"
    assert inspect(tmp_path / "missing") == wal.Tail(Ending.WHOLE, 0, 0)
    assert verdict(path, b"") == (Ending.WHOLE, 0)
    assert verdict(path, whole[:31]) == (Ending.TORN, 0)
    assert verdict(path, b"x" * 32) == (Ending.TORN, 0)
    assert verdict(path, b"x" + whole[1:]) == (Ending.BROKEN, 0)
    assert verdict(path, whole) == (Ending.WHOLE, ends[-1])
    assert verdict(path, live) == (Ending.WHOLE, last)
    # the last transaction: incomplete, without its commit, blank, or with a bad byte
    assert verdict(path, live[:-1]) == (Ending.TORN, before)
    assert verdict(path, live[:-FRAME]) == (Ending.TORN, before)
    assert verdict(path, live[: before + 10]) == (Ending.TORN, before)
    assert verdict(path, live[:before] + bytes(last - before)) == (Ending.TORN, before)
    assert verdict(path, live[:-9] + b"x" + live[-8:]) == (Ending.TORN, before)
    # pages of it reached the medium out of order: the first is still of the earlier round
    old = whole[ends[-1] : ends[-1] + FRAME]
    assert verdict(path, live[:before] + old + live[before + FRAME :]) == (Ending.TORN, before)
    # anything before it was synced and acknowledged
    for place in (before - 1, before - FRAME + 2, before - FRAME + 4, before - FRAME + 9, 40):
        spoiled = bytearray(live)
        spoiled[place] ^= 0xFF
        ending, keep = verdict(path, bytes(spoiled))
        assert ending is Ending.BROKEN, place
        assert keep < before


def test_a_commit_mark_that_was_damaged_does_not_hide_the_commit(log: Log, tmp_path: Path) -> None:
    """Without its mark the last frame but one transaction seems to belong to the last one."""
    whole, ends = log.content, log.ends
    live = bytearray(whole[: ends[-2]])
    mark = ends[-3] - FRAME + 4
    live[mark : mark + 4] = bytes(4)
    assert verdict(tmp_path / "log", bytes(live))[0] is Ending.BROKEN
