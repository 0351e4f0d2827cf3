"""Disk: the journal in a data directory, over SQLite, verified when opened and when read.

Holds DiskJournal (the Journal contract) and open_journal. The app opens it. Of the neighbours,
directory holds the lock, wal looks at SQLite's log, sqlite holds the tables, snapshots the files.

What is verified. Each record's checksum covers its predecessor's, so one that flipped, vanished,
moved or was put in between is seen. At start: the end of SQLite's log (wal), format and settings,
the structure of every page (up to JOURNAL_STRUCTURE_BYTES_MAX), heads against records, all notes,
and of each instance the records after its latest valid snapshot, or all without one: one pass,
about 3 us a record. `ringfloor journal check` (upkeep) verifies everything, whatever its size. A
read verifies what it returns.

What is cut at start, and what is refused:

- A torn end of the log (wal.TORN) is cut and reported. A crash in the middle of an append leaves
  just this, and then nobody was told of that append. A byte that flips later in the last
  transaction of the log looks the same; so the report says what the journal ends with now, and what
  to do if no crash can have been the reason.
- Everything else is refused, a bad *last* record in a sound database too: SQLite's commit is atomic
  under checksums of its own, so no crash leaves one. That record was acknowledged, callers were
  told, and without it history would differ from what they know. An operator may decide that
  (`ringfloor journal cut`); a program may not.
- A snapshot is derived: one that is damaged, beyond the last record or of other records is renamed,
  reported and not used.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from ringfloor.base import limits
from ringfloor.base.errors import shown
from ringfloor.journal import wal
from ringfloor.journal.directory import (
    DATABASE,
    LOG,
    SNAPSHOTS,
    UNFINISHED,
    Hold,
    occupy,
    put,
    shorten,
    stunted,
    sync,
    told,
)
from ringfloor.journal.journal import (
    GENESIS,
    Checksum,
    Damaged,
    Journal,
    Record,
    SecondWriter,
    Snapshot,
    Unusable,
    accepted,
    accepted_note,
    accepted_snapshot,
    checksum,
    closed,
    named,
    reached,
)
from ringfloor.journal.snapshots import Invalid, Snapshots
from ringfloor.journal.sqlite import NOTHING, Head, Row, Tables, discard, make

Rows = Callable[[str, int, int], list[Row]]
"""A chunk of an instance's rows after one sequence and up to another; see Tables.rows."""

Tell = Callable[[str], None]
"""Where the operator is told: a sentence or two a call."""


class Unsound(Exception):
    """A record that is not what was written. after: the last sequence that verified."""

    def __init__(self, after: int, why: str) -> None:
        super().__init__(why)
        self.after = after


class DiskJournal:
    """A Journal in a data directory; made by open_journal."""

    def __init__(self, hold: Hold, writer: Tables, reader: Tables, tell: Tell) -> None:
        """Reads how the instances end; verifies nothing. Raises Damaged."""
        self._hold = hold
        self._writer = writer
        self._reader = reader
        self._tell = tell
        self._snapshots = Snapshots(hold.directory)
        self._writing = Lock()
        self._reading = Lock()
        self._snapshotting = Lock()
        self._closed = False
        self._failed = ""
        # Never changed, only replaced, so that reads need no lock for it.
        self._heads = writer.heads()

    def append(self, records: Sequence[Record]) -> None:
        with self._writing:
            self._able()
            accepted(records, self._last)
            rows: dict[str, list[tuple[int, int, bytes, Checksum]]] = {}
            heads: dict[str, Head] = {}
            for record in records:
                instance, sequence, at = record.instance, record.sequence, record.at
                _, last = heads.get(instance) or self._heads.get(instance, NOTHING)
                last = checksum(last, instance.encode(), sequence, at, record.payload)
                heads[instance] = (sequence, last)
                rows.setdefault(instance, []).append((sequence, at, record.payload, last))
            if not heads:
                return
            try:
                with self._written():
                    for instance, added in rows.items():
                        self._writer.add(instance, added)
                        before = self._heads.get(instance, NOTHING)
                        self._writer.end(instance, before, heads[instance])
            except SecondWriter:
                self._heads = self._writer.heads()
                raise
            self._heads = {**self._heads, **heads}

    def read(self, instance: str, after: int = 0) -> Iterator[Record]:
        self._open()
        last = self._last(named(instance))
        reached(instance, after, last)
        return self._stream(instance, after, last)

    def _stream(self, instance: str, after: int, last: int) -> Iterator[Record]:
        try:
            yield from verified(self._rows, instance, self._checksum(instance, after), after, last)
        except Unsound as unsound:
            raise _unsound(self._hold.directory, instance, unsound) from None

    def last(self, instance: str) -> int:
        self._open()
        return self._last(named(instance))

    def instances(self) -> list[str]:
        self._open()
        return sorted(self._heads)

    def save_snapshot(
        self, instance: str, sequence: int, payload: bytes, wanted: Iterable[int] = ()
    ) -> None:
        self._open()
        accepted_snapshot(instance, sequence, payload, self._last(named(instance)))
        chain = self._checksum(instance, sequence)
        with self._snapshotting, told(self._hold.directory):
            self._open()
            self._snapshots.save(instance, sequence, chain, payload, wanted)

    def snapshot(self, instance: str, until: int | None = None) -> Snapshot | None:
        self._open()
        with self._snapshotting, told(self._hold.directory):
            for sequence in self._snapshots.of(named(instance)):
                if until is not None and sequence > until:
                    continue
                try:
                    return Snapshot(instance, sequence, self._usable(instance, sequence))
                except Invalid as invalid:
                    self._tell(f"{invalid}; it is passed over")
        return None

    def note(self, key: str) -> bytes | None:
        with self._reading:
            self._open()
            return self._reader.note(key)

    def put_note(self, key: str, value: bytes) -> None:
        with self._writing:
            self._able()
            accepted_note(key, value)
            with self._written():
                self._writer.put_note(key, value)

    def close(self) -> None:
        with self._writing, self._snapshotting, self._reading:
            if not self._closed:
                self._closed = True
                self._reader.close()
                self._writer.close()
                self._hold.release()

    # At start

    def verify(self) -> None:
        """See that everything is as it was written, as far as a start does. Raises Damaged."""
        names = sorted({*self._heads, *self._writer.recorded()})
        ends = [misended(self._writer, name, self._heads.get(name, NOTHING)) for name in names]
        _, notes = self._writer.notes()
        if wrong := [line for line in (*ends, *notes) if line]:
            raise self._writer.damaged("; ".join(wrong))
        with told(self._hold.directory):
            self._snapshots.tidy()
            usable = self._set_aside()
        for instance, (last, _) in self._heads.items():
            for _ in self._stream(instance, usable.get(instance, 0), last):
                pass

    def ends(self) -> str:
        """How the journal ends, as a sentence for the operator."""
        ends = ", ".join(f"{self._heads[instance][0]} of {instance}" for instance in self._heads)
        return f"The journal ends now with record {ends or 'none'}."

    def _set_aside(self) -> dict[str, int]:
        """Take snapshots that must not be used out of the way; the latest usable by instance."""
        usable: dict[str, int] = {}
        for instance, sequences in self._snapshots.all().items():
            for sequence in sequences:
                try:
                    self._usable(instance, sequence)
                    usable.setdefault(instance, sequence)
                except Invalid as invalid:
                    name = self._snapshots.set_aside(instance, sequence)
                    self._tell(f"{invalid}; it is kept as {name} and not used")
        return usable

    def _usable(self, instance: str, sequence: int) -> bytes:
        kept = self._snapshots.load(instance, sequence)
        if sequence > self._last(instance):
            raise Invalid(
                f"the snapshot after record {sequence} of instance {instance} is beyond its last "
                f"record, {self._last(instance)}"
            )
        if kept.chain != self._checksum(instance, sequence):
            raise Invalid(
                f"the snapshot after record {sequence} of instance {instance} belongs to other "
                "records than these"
            )
        return kept.payload

    # Inside

    def _last(self, instance: str) -> int:
        return self._heads.get(instance, NOTHING)[0]

    def _checksum(self, instance: str, sequence: int) -> Checksum:
        if sequence == 0:
            return GENESIS
        with self._reading:
            self._open()
            stored = self._reader.checksum(instance, sequence)
        if stored is None:
            unsound = Unsound(sequence - 1, f"record {sequence} is missing")
            raise _unsound(self._hold.directory, instance, unsound)
        return stored

    def _rows(self, instance: str, after: int, until: int) -> list[Row]:
        with self._reading:
            self._open()
            return self._reader.rows(instance, after, until)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """A transaction; when it fails, what the disk holds is unknown and no other is begun.

        A SecondWriter is no such failure, nor is a refusal of what was asked.
        """
        try:
            with self._writer.transaction():
                yield
        except (Unusable, Damaged) as fault:
            self._failed = str(fault)
            raise

    def _able(self) -> None:
        self._open()
        if self._failed:
            raise Unusable(
                f"an earlier write failed ({self._failed}); start again, which takes up what the "
                "disk holds"
            )

    def _open(self) -> None:
        if self._closed:
            raise closed()


def open_journal(directory: Path, tell: Tell) -> Journal:
    """Open the journal in a data directory, or make it; verified, and held until close().

    tell: is given one sentence for each thing that an operator should know: an unfinished write
    that was cut, a snapshot that is not used. Raises InUse, Unusable, ForeignFormat, Damaged.
    """
    hold = occupy(directory, create=True)
    opened: list[Tables] = []
    try:
        cut = _prepare(directory)
        # In this order: closed the other way round, a refused database keeps its log as it is.
        opened.append(reader := Tables(directory, mode="ro"))
        opened.append(writer := Tables(directory))
        writer.recognise()
        writer.probe()
        _structured(writer)
        journal = DiskJournal(hold, writer, reader, tell)
        if cut:
            tell(f"{cut} {journal.ends()}")
        journal.verify()
    except BaseException:
        for tables in reversed(opened):
            tables.close()
        hold.release()
        raise
    return journal


def verified(
    rows: Rows, instance: str, previous: Checksum, after: int, last: int
) -> Iterator[Record]:
    """The records after one whose checksum is `previous`, up to the last. Raises Unsound."""
    name = instance.encode()
    while after < last:
        chunk = rows(instance, after, last)
        if not chunk:
            raise Unsound(after, f"records {after + 1} to {last} are missing")
        for sequence, at, payload, stored in chunk:
            if sequence != after + 1:
                raise Unsound(after, f"record {after + 1} is missing")
            if type(sequence) is not int or type(at) is not int or type(payload) is not bytes:
                raise Unsound(after, f"record {sequence} cannot be read")
            previous = checksum(previous, name, sequence, at, payload)
            if previous != stored:
                raise Unsound(after, f"record {sequence} does not match its checksum")
            yield Record(instance, sequence, at, payload)
            after = sequence


def misended(tables: Tables, instance: str, head: Head) -> str:
    """What is wrong with how an instance ends, its head against its records; '' if nothing is."""
    sequence, last = head
    found = tables.last(instance)
    if found != sequence:
        return f"instance {shown(instance)} ends with record {found}, yet {sequence} were written"
    if sequence and tables.checksum(instance, sequence) != last:
        return f"instance {shown(instance)}: its last record, {sequence}, is not the one written"
    return ""


def _prepare(directory: Path) -> str:
    """Make the database if there is none, cut a torn log; what was cut, as a sentence or two."""
    discard(directory, DATABASE + UNFINISHED)
    with told(directory):
        tail = wal.inspect(directory / LOG)
        if not (directory / DATABASE).exists():
            if tail.size or any(Snapshots(directory).all()):
                left = LOG if tail.size else SNAPSHOTS
                raise Damaged(f"{directory / DATABASE} is missing, yet {left} is there", directory)
            _make(directory)
        if stunted(directory):
            # SQLite would take it for new and delete the log beside it.
            raise Damaged(f"{directory / DATABASE} is empty or cut off", directory)
        if tail.ending is wal.Ending.BROKEN:
            raise Damaged(f"{directory / LOG}: {tail.why}", directory)
        if tail.ending is wal.Ending.WHOLE:
            return ""
        shorten(directory / LOG, tail.keep)
    return torn(tail)


def torn(tail: wal.Tail) -> str:
    """What a torn log means, for the operator."""
    return (
        f"The journal's log ends in an unfinished write: {tail.why}. {tail.size - tail.keep} bytes "
        f"({tail.frames} pages of one transaction) are cut. A crash in the middle of a write "
        "leaves this, and then nobody was told of it. If the machine did not crash, the last "
        "answers given are lost: restore a backup."
    )


def _structured(tables: Tables) -> None:
    """See that pages, order and types are sound. Raises Damaged.

    Of a large database only the small tables: records are verified by their chain as they are
    read, but a head or a note that cannot be found would seem never to have been.
    """
    large = tables.size() > limits.JOURNAL_STRUCTURE_BYTES_MAX
    wrong = [*tables.structure("head"), *tables.structure("note")] if large else tables.structure()
    if wrong:
        raise tables.damaged("; ".join(wrong))


def _make(directory: Path) -> None:
    unfinished = directory / (DATABASE + UNFINISHED)
    make(directory, unfinished.name).close()
    with unfinished.open("rb") as file:
        sync(file.fileno())
    put(unfinished, directory / DATABASE)


def _unsound(directory: Path, instance: str, unsound: Unsound) -> Damaged:
    what = f"{directory}: instance {instance}: {unsound}; up to {unsound.after} it is sound"
    return Damaged(what, directory, instance, unsound.after)
