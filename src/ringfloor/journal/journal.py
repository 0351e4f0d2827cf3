"""Journal: the contract of the append-only record, its values and what can be wrong with it.

Holds Record, Snapshot and Report, the Journal protocol, the checksum that chains records, and the
faults. The node appends and replays; the app picks the implementation (memory, sqlite); the command
line checks and cuts. Pure: what touches files stands in the implementations.

Rules. A record is the outcome of one command and belongs to one instance; records of an instance
are numbered from 1 without gaps. One append is one transaction: all of its records or none, durable
when it returns. A number that is already taken means that somebody else has written (SecondWriter):
the caller must catch up by reading, never write over. Everything is checked before anything is
written, so a refused append has changed nothing. Records are never changed and never removed, but
by an operator's cut.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from struct import Struct as Layout
from typing import Protocol

from msgspec import Struct

from ringfloor.base import limits
from ringfloor.base.errors import Fault, shown
from ringfloor.base.time import Instant

Checksum = bytes
"""16 bytes of BLAKE2b; a record's covers its predecessor's, so it vouches for all before it."""

GENESIS: Checksum = bytes(16)
"""What the first record of an instance follows."""

_HEAD = Layout(">16sqqH").pack
_INSTANCE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class Record(Struct, frozen=True, gc=False):
    """What one command brought about.

    sequence: its number within the instance, from 1.
    at: the command's instant, in ms since the Unix epoch.
    payload: its encoded events.
    """

    instance: str
    sequence: int
    at: Instant
    payload: bytes


class Snapshot(Struct, frozen=True, gc=False):
    """An instance's encoded state as it was after the record with this sequence."""

    instance: str
    sequence: int
    payload: bytes


class Standing(Struct, frozen=True):
    """How one instance stands: its last record, the last one that verifies, its valid snapshots."""

    instance: str
    last: int
    sound: int
    snapshots: tuple[int, ...]


class Report(Struct, frozen=True):
    """What a check or a cut found.

    damage: one sentence for each thing that is wrong; empty when the journal is sound.
    notices: what an operator should know besides: unfinished writes, what was removed, backups.
    """

    directory: str
    standings: tuple[Standing, ...]
    damage: tuple[str, ...]
    notices: tuple[str, ...]


class JournalFault(Fault):
    """Something is wrong with the journal or with what was asked of it; nothing was written."""


class Unacceptable(JournalFault):
    """The caller's mistake: a bad name, a number out of range, something beyond its limit."""


class Gap(JournalFault):
    """A sequence that does not follow the instance's last one."""


class SecondWriter(JournalFault):
    """The number is taken: somebody else has written to this instance. Read on before writing."""


class InUse(JournalFault):
    """Another process holds the data directory."""


class Unusable(JournalFault):
    """The disk or the directory does not let us: full, read-only, not permitted, failing."""


class ForeignFormat(JournalFault):
    """The files are another program's, or of a version that this program does not read."""


class Damaged(JournalFault):
    """What was stored is not what is there. Nothing is repaired without the operator's word.

    what: the damage alone; the message goes on with the way out of it.
    """

    def __init__(
        self, what: str, directory: object, instance: str = "I", after: int | str = "N"
    ) -> None:
        data = shlex.quote(str(directory))
        super().__init__(
            f"{what}. Restore {data} from a backup. Or see what is sound with `ringfloor journal "
            f"check --data {data}` and give up the rest with `ringfloor journal cut --data {data} "
            f"--instance {instance} --after {after}`, which keeps a copy."
        )
        self.what = what


class Closed(JournalFault):
    """The journal was closed and is still being used."""


class Journal(Protocol):
    """Append-only records of many instances, with snapshots and notes beside them.

    Synchronous. Every method may be called from every thread. Writes (append, put_note) wait for
    each other; reads wait for other reads for the length of a chunk, and never for a write or a
    sync. What a read returns is durable. Each method raises Closed after close(), Damaged where
    what is stored does not verify, and Unusable where the disk fails; after a failed write every
    further write is refused: the process must start again.
    """

    def append(self, records: Sequence[Record]) -> None:
        """Add records of one or several instances: all or nothing, durable on return.

        Raises Gap, SecondWriter, Unacceptable.
        """

    def read(self, instance: str, after: int = 0) -> Iterator[Record]:
        """The records after a sequence up to the last one at this moment, verified, in chunks.

        Raises Gap if the instance has not got so far as `after`.
        """

    def last(self, instance: str) -> int:
        """The instance's last sequence; 0 if it has no records."""

    def instances(self) -> list[str]:
        """Every instance that has records, in alphabetical order."""

    def save_snapshot(
        self, instance: str, sequence: int, payload: bytes, wanted: Iterable[int] = ()
    ) -> None:
        """Keep a state; of each instance's, the two with the highest sequences stay.

        wanted: records from which the instance may yet be read; the latest that is not after each
        of them stays, too.

        Raises Gap if the instance has not got so far, Unacceptable.
        """

    def snapshot(self, instance: str, until: int | None = None) -> Snapshot | None:
        """The latest snapshot that verifies and belongs to these records; None means replay all.

        until: the latest of those that are not after this record.
        """

    def note(self, key: str) -> bytes | None:
        """A small durable fact about the node itself."""

    def put_note(self, key: str, value: bytes) -> None:
        """Set a note, durable on return. Raises Unacceptable."""

    def close(self) -> None:
        """Let go of everything. Closing twice is closing once."""


def checksum(previous: Checksum, name: bytes, sequence: int, at: Instant, payload: bytes) -> bytes:
    """The checksum of a record that follows `previous`; name is the instance in ASCII."""
    head = _HEAD(previous, sequence, at, len(name))
    return blake2b(head + name + payload, digest_size=16).digest()


def accepted(records: Sequence[Record], last: Callable[[str], int]) -> dict[str, int]:
    """Check a whole append against what is there; the sequence each instance will end with.

    Raises Gap, SecondWriter, Unacceptable.
    """
    if len(records) > limits.APPEND_RECORDS_MAX:
        raise Unacceptable(
            f"{len(records)} records in one append; at most {limits.APPEND_RECORDS_MAX} go"
        )
    ends: dict[str, int] = {}
    for record in records:
        end = ends.get(record.instance)
        if end is None:
            end = last(named(record.instance))
            if 0 < record.sequence <= end:
                raise second_writer(record.instance, record.sequence)
        if record.sequence != end + 1:
            raise Gap(
                f"instance {record.instance}: record {record.sequence} was to follow {end}; "
                f"{end + 1} is next"
            )
        if not 0 <= record.at < 1 << 63:
            raise Unacceptable(f"record {record.sequence}: {record.at} is not an instant")
        _sized("record", record.payload, limits.RECORD_BYTES_MAX)
        ends[record.instance] = record.sequence
    return ends


def named(instance: str) -> str:
    """An instance's name, if it is one. Raises Unacceptable."""
    if len(instance) > limits.INSTANCE_BYTES_MAX or not _INSTANCE.fullmatch(instance):
        raise Unacceptable(
            f"{shown(instance)} cannot name an instance: 1 to {limits.INSTANCE_BYTES_MAX} letters, "
            "digits, '-', '_' and '.', the first not '.'"
        )
    return instance


def outdated(sequences: Iterable[int], wanted: Iterable[int]) -> list[int]:
    """Which of an instance's snapshots need not stay; see Journal.save_snapshot."""
    known = sorted(sequences, reverse=True)
    stay = set(known[: limits.SNAPSHOTS_KEPT])
    for record in wanted:
        stay.update([each for each in known if each <= record][:1])
    return [each for each in known if each not in stay]


def accepted_snapshot(instance: str, sequence: int, payload: bytes, last: int) -> None:
    """Check a snapshot before it is kept. Raises Gap, Unacceptable."""
    if sequence < 1:
        raise Unacceptable(f"instance {instance}: no snapshot is taken after record {sequence}")
    reached(instance, sequence, last)
    _sized("snapshot", payload, limits.SNAPSHOT_BYTES_MAX)


def accepted_note(key: str, value: bytes) -> None:
    """Check a note before it is put. Raises Unacceptable."""
    if not key or not key.isprintable() or len(key.encode()) > limits.NOTE_KEY_BYTES_MAX:
        raise Unacceptable(
            f"{shown(key)} cannot be a note's key: 1 to {limits.NOTE_KEY_BYTES_MAX} bytes of "
            "printable UTF-8"
        )
    _sized("note", value, limits.NOTE_BYTES_MAX)


def reached(instance: str, sequence: int, last: int) -> None:
    """Check that an instance has got so far. Raises Gap, Unacceptable."""
    if sequence < 0:
        raise Unacceptable(f"instance {instance}: {sequence} is not a sequence")
    if sequence > last:
        raise Gap(
            f"instance {instance} ends with record {last}; {sequence} was asked for. If an older "
            "backup was restored, what was derived from later records must be derived anew."
        )


def second_writer(instance: str, sequence: int) -> SecondWriter:
    """The fault for a number that is taken."""
    return SecondWriter(
        f"instance {instance}: record {sequence} is already there, so somebody else is writing. "
        "Stop the other server, then start this one again: it catches up first."
    )


def too_many_notes() -> Unacceptable:
    """The fault for one note more than there may be."""
    return Unacceptable(f"there are {limits.NOTES_MAX} notes already, and no more may be")


def closed() -> Closed:
    """The fault for using a journal after its end."""
    return Closed("the journal is closed; open it again")


def _sized(what: str, content: bytes, limit: int) -> None:
    if len(content) > limit:
        raise Unacceptable(f"a {what} of {len(content)} bytes; at most {limit} go")
