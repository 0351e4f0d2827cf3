"""The journal's pace: group commit through SQLite, and replay.

Run by hand (`python benchmarks/journal.py`), or with the others by their runner. Each line stands
beside the bare loops of the same run, since machines differ and are busy: a bare sqlite3 insert and
commit, and a bare write and fsync, of the same bytes.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from ringfloor.base.ids import generator
from ringfloor.base.time import stopwatch
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import Record

EVENTS_PER_RECORD = 3
EVENT_BYTES = 61
INSTANCE = "9a1b6c1e-8a57-4d1a-9c55-0c1d2e3f4a5b"
APPENDS = {1: 1_000, 32: 400, 256: 200, 1_000: 100}
REPLAYED_EVENTS = 1_000_000

Write = Callable[[list[bytes]], None]


def run() -> list[str]:
    """Lines to print; takes about half a minute and 300 MB of disk."""
    directory = Path(tempfile.mkdtemp(prefix="ringfloor-journal-"))
    try:
        return [
            "| batch | records/s | events/s | p50 ms | p99 ms | of bare sqlite3 | of write+fsync |",
            "|---|---|---|---|---|---|---|",
            *(appending(directory / str(batch), batch) for batch in APPENDS),
            *replaying(directory / "replay"),
        ]
    finally:
        shutil.rmtree(directory)


def appending(directory: Path, batch: int) -> str:
    """One line: the journal, a bare table and a bare file take turns, append by append."""
    directory.mkdir()
    journal, journal_close = into_journal(directory)
    table, table_close = into_table(directory)
    file, file_close = into_file(directory)
    dice = generator(batch)
    taken: dict[Write, list[float]] = {journal: [], table: [], file: []}
    for _ in range(APPENDS[batch]):
        payloads = [dice.randbytes(EVENTS_PER_RECORD * EVENT_BYTES) for _ in range(batch)]
        for write, times in taken.items():
            watch = stopwatch()
            write(payloads)
            times.append(watch())
    for close in (journal_close, table_close, file_close):
        close()
    times = sorted(taken[journal])
    pace = batch * len(times) / sum(times)
    return (
        f"| {batch} | {pace:,.0f} | {EVENTS_PER_RECORD * pace:,.0f} "
        f"| {1_000 * times[len(times) // 2]:.2f} | {1_000 * times[len(times) * 99 // 100]:.2f} "
        f"| {sum(taken[table]) / sum(times):.2f} | {sum(taken[file]) / sum(times):.2f} |"
    )


def replaying(directory: Path) -> list[str]:
    """Fill, then time what a start and a replay take, beside a bare SELECT."""
    write, close = into_journal(directory)
    dice = generator(0)
    records = -(-REPLAYED_EVENTS // EVENTS_PER_RECORD)
    for first in range(0, records, 1_000):
        count = min(1_000, records - first)
        write([dice.randbytes(EVENTS_PER_RECORD * EVENT_BYTES) for _ in range(count)])
    close()
    watch = stopwatch()
    journal = open_journal(directory, print)
    start = watch()
    watch = stopwatch()
    count = sum(1 for _ in journal.read(INSTANCE))
    read = watch()
    journal.save_snapshot(INSTANCE, records, bytes(4_000_000))
    journal.close()
    watch = stopwatch()
    open_journal(directory, print).close()
    short = watch()
    connection = sqlite3.connect(directory / "journal.sqlite")
    watch = stopwatch()
    for _ in connection.execute("SELECT * FROM record"):
        pass
    bare = watch()
    connection.close()
    size = (directory / "journal.sqlite").stat().st_size
    events = EVENTS_PER_RECORD * count
    pace = f"{events / read:,.0f} events/s, {bare / read:.2f} of a bare SELECT"
    return [
        f"replay of {events:,} events ({size // 1_000_000} MB), verified: {read:.2f} s, {pace}",
        f"start, verifying all of them: {start:.2f} s; after a snapshot of 4 MB: {short:.2f} s",
    ]


def into_journal(directory: Path) -> tuple[Write, Callable[[], None]]:
    journal = open_journal(directory, print)
    last = journal.last(INSTANCE)

    def write(payloads: list[bytes]) -> None:
        nonlocal last
        first = last + 1
        last += len(payloads)
        journal.append(
            [
                Record(INSTANCE, sequence, sequence, payload)
                for sequence, payload in enumerate(payloads, first)
            ]
        )

    return write, journal.close


def into_table(directory: Path) -> tuple[Write, Callable[[], None]]:
    connection = sqlite3.connect(directory / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE record (sequence INTEGER PRIMARY KEY, payload BLOB)")

    def write(payloads: list[bytes]) -> None:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO record (payload) VALUES (?)", ((payload,) for payload in payloads)
        )
        connection.execute("COMMIT")

    return write, connection.close


def into_file(directory: Path) -> tuple[Write, Callable[[], None]]:
    file = (directory / "bare").open("wb", buffering=0)

    def write(payloads: list[bytes]) -> None:
        file.write(b"".join(payloads))
        os.fsync(file.fileno())

    return write, file.close


if __name__ == "__main__":
    print("\n".join(run()))
