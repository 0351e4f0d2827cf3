"""Sqlite: the tables of the journal in SQLite; the only module that imports sqlite3.

Holds Tables: one connection, its statements, and the translation of sqlite3's errors into faults
that say what to do. disk makes a Journal of two of them, upkeep checks and cuts with them.

Settings, and why. WAL with synchronous=FULL: one sync per transaction, and a reader never waits for
it. Only one connection writes and checkpoints; the other only reads, chunk by chunk, so that no
read keeps the log from beginning anew. The checkpoint runs in the transaction that fills
JOURNAL_CHECKPOINT_PAGES, as PASSIVE: it waits for nobody and holds up no read; that one append
returns some milliseconds later. A thread of its own would not do: while appends go on there are
always frames it has not copied, and the log would grow for ever. No frame is written before its
commit (cache_spill=OFF), so the log never holds a rolled-back transaction. No memory mapping: a
failing disk is to be an error, not SIGBUS. No waiting (timeout 0): nobody else has business here,
and whoever is met is a second writer.

What lies in a table may have been damaged since it was written: whatever comes out is looked at
before it is believed, its type included, and texts come out as bytes. `head` says with what number
and checksum an instance ends, so that a lost end is seen; each note has a checksum, and the note ''
(the seal) holds the exclusive or of them all, so that a lost note is seen.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ringfloor.base import limits
from ringfloor.base.errors import shown
from ringfloor.journal import wal
from ringfloor.journal.directory import DATABASE, told
from ringfloor.journal.journal import (
    GENESIS,
    Checksum,
    Damaged,
    ForeignFormat,
    JournalFault,
    SecondWriter,
    Unusable,
    second_writer,
    too_many_notes,
)

FORMAT = 1
"""The version of the tables; SQLite's user_version."""

Head = tuple[int, Checksum]
"""With what sequence and checksum an instance ends."""

NOTHING: Head = (0, GENESIS)
"""How an instance without records ends."""

Row = tuple[Any, Any, Any, Any]
"""sequence, at, payload and checksum of a record, as they lie there."""

_APPLICATION = int.from_bytes(b"Ring", "big")
_PAGE_BYTES = 4_096
_LOG_BYTES_KEPT = wal.HEADER_BYTES + limits.JOURNAL_LOG_FRAMES_KEPT * (
    wal.FRAME_HEADER_BYTES + _PAGE_BYTES
)
_SEAL = ""
_SQLITE_MIN = (3, 37)

# head comes first: it is in every append, and a transaction's pages rise (see wal).
_TABLES = {
    "head": (
        "CREATE TABLE head (instance TEXT PRIMARY KEY, sequence INTEGER NOT NULL, "
        "checksum BLOB NOT NULL) STRICT, WITHOUT ROWID"
    ),
    "note": (
        "CREATE TABLE note (key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum BLOB NOT NULL) "
        "STRICT, WITHOUT ROWID"
    ),
    "record": (
        "CREATE TABLE record (instance TEXT NOT NULL, sequence INTEGER NOT NULL, "
        "at INTEGER NOT NULL, payload BLOB NOT NULL, checksum BLOB NOT NULL, "
        "PRIMARY KEY (instance, sequence)) STRICT, WITHOUT ROWID"
    ),
}


class Tables:
    """One connection to the database. What sqlite3 raises leaves as a JournalFault."""

    def __init__(self, directory: Path, *, name: str = DATABASE, mode: str = "rw") -> None:
        """mode: rw to write and checkpoint, ro to look only. Raises Unusable, Damaged."""
        self.directory = directory
        self._path = directory / name
        if sqlite3.sqlite_version_info < _SQLITE_MIN:
            raise Unusable(
                f"SQLite {sqlite3.sqlite_version} is too old: a Python with SQLite "
                f"{'.'.join(map(str, _SQLITE_MIN))} or later is needed"
            )
        address = f"{self._path.absolute().as_uri()}?mode={mode}"
        with self.translated():
            self._connection = sqlite3.connect(
                address, uri=True, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                self._set()
            except (sqlite3.Error, UnicodeDecodeError):
                self._connection.close()
                raise

    def close(self) -> None:
        """Close; if it can write and is the last, SQLite takes the log over and removes it."""
        with self.translated():
            self._connection.close()

    def _set(self) -> None:
        self._connection.text_factory = bytes
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * limits.RECORD_BYTES_MAX)
        for setting in (
            "synchronous=FULL",
            "fullfsync=ON",
            "checkpoint_fullfsync=ON",
            "cache_spill=OFF",
            "cell_size_check=ON",
            "trusted_schema=OFF",
            "mmap_size=0",
            f"wal_autocheckpoint={limits.JOURNAL_CHECKPOINT_PAGES}",
            f"journal_size_limit={_LOG_BYTES_KEPT}",
        ):
            self._connection.execute(f"PRAGMA {setting}").fetchall()

    def create(self) -> None:
        """Make the tables in an empty database, and leave it in WAL mode."""
        with self.translated():
            self._connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            self._connection.execute("PRAGMA auto_vacuum=NONE")
            self._connection.execute("PRAGMA encoding='UTF-8'")
            with self.transaction():
                for statement in _TABLES.values():
                    self._connection.execute(statement)
                self._put_seal(0)
                self._connection.execute(f"PRAGMA application_id={_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version={FORMAT}")
            self._connection.execute("PRAGMA journal_mode=WAL").fetchall()

    def recognise(self) -> None:
        """See that this is a journal of ours. Raises ForeignFormat, Damaged."""
        with self.translated():
            application, version = self._pragma("application_id"), self._pragma("user_version")
            if application != _APPLICATION:
                raise ForeignFormat(
                    f"{self._path} is not a Ringfloor journal: its application id is "
                    f"{application}, not {_APPLICATION}. Name another directory with --data, or "
                    "restore it from a backup."
                )
            if version != FORMAT:
                raise ForeignFormat(
                    f"{self._path} has format {version}; this Ringfloor reads format {FORMAT}. "
                    "Start the Ringfloor that wrote it, or restore the directory from a backup."
                )
            found = dict(self._connection.execute("SELECT name, sql FROM sqlite_schema"))
            if found != {name.encode(): made.encode() for name, made in _TABLES.items()}:
                raise self.damaged("its tables are not as they were made")
            for setting, wanted in (
                ("page_size", _PAGE_BYTES),
                ("auto_vacuum", 0),
                ("encoding", b"UTF-8"),
                ("journal_mode", b"wal"),
            ):
                if (value := self._pragma(setting)) != wanted:
                    raise self.damaged(f"its {setting} is {shown(value)}, not {shown(wanted)}")

    def structure(self, table: str | None = None) -> list[str]:
        """What SQLite finds wrong with the pages, order and types of a table, or of everything."""
        with self.translated():
            rows = self._connection.execute(
                f"PRAGMA quick_check({table})" if table else "PRAGMA quick_check(20)"
            ).fetchall()
        lines = [_text(line) for (line,) in rows]
        return [] if lines == ["ok"] else lines

    def size(self) -> int:
        """The size of the database, in bytes."""
        with self.translated():
            return int(self._pragma("page_count")) * _PAGE_BYTES

    # Records

    def heads(self) -> dict[str, Head]:
        """How each instance ends. Raises Damaged."""
        with self.translated():
            rows = self._connection.execute("SELECT * FROM head ORDER BY instance").fetchall()
        heads: dict[str, Head] = {}
        for instance, sequence, last in rows:
            if type(sequence) is not int or type(last) is not bytes:
                raise self.damaged(f"how instance {_text(instance)} ends cannot be read")
            heads[_text(instance)] = (sequence, last)
        return heads

    def recorded(self) -> list[str]:
        """Every instance that has records, found by leaping through the key."""
        found: list[str] = []
        before: object = None
        with self.translated():
            (name,) = self._connection.execute("SELECT min(instance) FROM record").fetchone()
            while name is not None:
                if type(name) is not bytes or name == before:
                    raise self.damaged("an instance's name among the records cannot be read")
                found.append(_text(name))
                (name,), before = (
                    self._connection.execute(
                        "SELECT min(instance) FROM record WHERE instance > CAST(? AS TEXT)", (name,)
                    ).fetchone(),
                    name,
                )
        return found

    def last(self, instance: str) -> int:
        """The last sequence among an instance's records; 0 if there are none."""
        with self.translated():
            (last,) = self._connection.execute(
                "SELECT max(sequence) FROM record WHERE instance = ?", (instance,)
            ).fetchone()
        return last if type(last) is int else 0

    def checksum(self, instance: str, sequence: int) -> Checksum | None:
        """A record's checksum as it is stored; None if there is no such record."""
        with self.translated():
            row = self._connection.execute(
                "SELECT checksum FROM record WHERE instance = ? AND sequence = ?",
                (instance, sequence),
            ).fetchone()
        if row is None:
            return None
        if type(row[0]) is not bytes:
            raise self.damaged(f"record {sequence} of instance {instance} cannot be read")
        return row[0]

    def rows(self, instance: str, after: int, until: int) -> list[Row]:
        """One chunk of (sequence, at, payload, checksum), unverified.

        A page that cannot be read ends the chunk; a chunk that would begin there raises Damaged.
        """
        chunk: list[Row] = []
        try:
            self._fetch(chunk, instance, after, until)
        except Damaged:
            if not chunk:
                raise
        return chunk

    def _fetch(self, chunk: list[Row], instance: str, after: int, until: int) -> None:
        size = 0
        with self.translated():
            rows = self._connection.execute(
                "SELECT sequence, at, payload, checksum FROM record "
                "WHERE instance = ? AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?",
                (instance, after, until, limits.JOURNAL_CHUNK_RECORDS),
            )
            for row in rows:
                chunk.append(row)
                size += len(row[2]) if type(row[2]) is bytes else 0
                if size >= limits.JOURNAL_CHUNK_BYTES:
                    break
            rows.close()

    def add(self, instance: str, rows: Iterable[tuple[int, int, bytes, Checksum]]) -> None:
        """Insert records as they are. Raises SecondWriter."""
        self._connection.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?)", ((instance, *row) for row in rows)
        )

    def end(self, instance: str, before: Head, now: Head) -> None:
        """Set how an instance ends, if it ended as we thought. Raises SecondWriter."""
        if before == NOTHING:
            self._connection.execute("INSERT INTO head VALUES (?, ?, ?)", (instance, *now))
            return
        changed = self._connection.execute(
            "UPDATE head SET sequence = ?, checksum = ? "
            "WHERE instance = ? AND sequence = ? AND checksum = ?",
            (*now, instance, *before),
        )
        if changed.rowcount != 1:
            raise second_writer(instance, before[0] + 1)

    # Notes

    def note(self, key: str) -> bytes | None:
        """One note, verified. Raises Damaged."""
        with self.translated():
            row = self._connection.execute(
                "SELECT value, checksum FROM note WHERE key = ?", (key,)
            ).fetchone()
        if row is None or key == _SEAL:
            return None
        value, stored = row
        if type(value) is not bytes or _note_checksum(key.encode(), value) != stored:
            raise self.damaged(f"note {shown(key)} does not match its checksum")
        return value

    def notes(self) -> tuple[dict[str, bytes], list[str]]:
        """All notes that verify, and what is wrong with the others or with their number."""
        with self.translated():
            rows = self._connection.execute("SELECT * FROM note ORDER BY key").fetchall()
        sound: dict[str, bytes] = {}
        wrong: list[str] = []
        seal: bytes | None = None
        sealed = 0
        for key, value, stored in rows:
            if (
                type(key) is not bytes
                or type(value) is not bytes
                or _note_checksum(key, value) != stored
            ):
                wrong.append(f"note {shown(_text(key))} does not match its checksum")
            elif key == _SEAL.encode():
                seal = value
            else:
                sound[key.decode()] = value
                sealed ^= int.from_bytes(stored, "big")
        if not wrong and seal != _sealed(sealed):
            wrong.append("the notes are not all there, or more than were put")
        return sound, wrong

    def put_note(self, key: str, value: bytes) -> None:
        """Set a note, and the seal with it; in a transaction. Raises Unacceptable, Damaged."""
        rows = self._connection.execute(
            "SELECT key, value, checksum FROM note WHERE key IN (?, ?)", (_SEAL, key)
        ).fetchall()
        found = {name: (held, stored) for name, held, stored in rows}
        (count,) = self._connection.execute("SELECT count(*) FROM note").fetchone()
        if key.encode() not in found and count > limits.NOTES_MAX:
            raise too_many_notes()
        sealed = int.from_bytes(_note_checksum(key.encode(), value), "big")
        for name, (held, stored) in found.items():
            if type(held) is not bytes or _note_checksum(name, held) != stored:
                raise self.damaged(f"note {shown(_text(name))} does not match its checksum")
            sealed ^= int.from_bytes(held if name == _SEAL.encode() else stored, "big")
        if _SEAL.encode() not in found:
            raise self.damaged("the notes' seal is gone")
        self._connection.execute(
            "REPLACE INTO note VALUES (?, ?, ?)", (key, value, _note_checksum(key.encode(), value))
        )
        self._put_seal(sealed)

    def _put_seal(self, sealed: int) -> None:
        value = _sealed(sealed)
        self._connection.execute(
            "REPLACE INTO note VALUES (?, ?, ?)",
            (_SEAL, value, _note_checksum(_SEAL.encode(), value)),
        )

    # Transactions and errors

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable at the end. Raises SecondWriter, Unusable, Damaged."""
        with self.translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def probe(self) -> None:
        """See that this connection may write now. Raises SecondWriter, Unusable."""
        with self.transaction():
            pass

    def replace_with(self, other: "Tables") -> None:
        """Become a copy of another database, in one transaction."""
        with self.translated():
            other._connection.backup(self._connection)  # noqa: SLF001  of the same class
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what sqlite3 raises into a fault that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._fault(error) from error
        except UnicodeDecodeError as error:
            # SQLite's message repeats a name out of a damaged schema.
            raise self.damaged("its schema cannot be read") from error

    def damaged(self, what: str) -> Damaged:
        """The fault for this database with its way out."""
        return Damaged(f"{self._path}: {what}", self.directory)

    def _fault(self, error: sqlite3.Error) -> JournalFault:
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_CONSTRAINT:
                return SecondWriter(
                    f"{self._path}: {error}; so somebody else is writing. Stop the other server, "
                    "then start this one again: it catches up first."
                )
            case sqlite3.SQLITE_FULL:
                advice = "Free some space, then start again; nothing is lost."
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                advice = "See that this user may read and write there, then start again."
            case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_NOLFS | sqlite3.SQLITE_NOMEM:
                advice = "See to the disk (space, quota, health), then start again."
            case _:
                return self.damaged(str(error))
        return Unusable(f"{self._path}: {error}. {advice}")

    def _pragma(self, name: str) -> Any:  # noqa: ANN401  an integer or a text, as SQLite says
        row = self._connection.execute(f"PRAGMA {name}").fetchone()
        return None if row is None else row[0]


def make(directory: Path, name: str) -> Tables:
    """A new database without records, open. Raises Unusable."""
    path = directory / name
    discard(directory, name)
    with told(directory):
        path.touch(mode=0o600)
    tables = Tables(directory, name=name)
    try:
        tables.create()
    except JournalFault:
        tables.close()
        raise
    return tables


def discard(directory: Path, name: str) -> None:
    """Remove a database, with the files that SQLite keeps beside it. Raises Unusable."""
    with told(directory):
        for ending in ("", "-journal", "-wal", "-shm"):
            (directory / (name + ending)).unlink(missing_ok=True)


def _text(stored: object) -> str:
    return stored.decode("utf-8", "replace") if type(stored) is bytes else repr(stored)


def _note_checksum(key: bytes, value: bytes) -> Checksum:
    return blake2b(len(key).to_bytes(2, "big") + key + value, digest_size=16).digest()


def _sealed(checksums: int) -> bytes:
    return checksums.to_bytes(16, "big")
