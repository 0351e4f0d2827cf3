"""Memory: the journal that forgets everything with its process.

For `--memory`, tests and simulations; the same contract as sqlite, word for word. Pure but for its
lock. Records, snapshots and notes are held as they were given; bytes do not change.
"""

from collections.abc import Iterable, Iterator, Sequence
from threading import Lock

from ringfloor.base import limits
from ringfloor.journal.journal import (
    Record,
    Snapshot,
    accepted,
    accepted_note,
    accepted_snapshot,
    closed,
    named,
    outdated,
    reached,
    too_many_notes,
)


class MemoryJournal:
    """A Journal in lists and dicts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._closed = False
        self._records: dict[str, list[Record]] = {}
        self._snapshots: dict[str, dict[int, bytes]] = {}
        self._notes: dict[str, bytes] = {}

    def append(self, records: Sequence[Record]) -> None:
        with self._lock:
            self._open()
            accepted(records, self._last)
            for record in records:
                self._records.setdefault(record.instance, []).append(record)

    def read(self, instance: str, after: int = 0) -> Iterator[Record]:
        with self._lock:
            self._open()
            last = self._last(named(instance))
        reached(instance, after, last)
        return self._stream(instance, after, last)

    def _stream(self, instance: str, after: int, last: int) -> Iterator[Record]:
        while after < last:
            until = min(last, after + limits.JOURNAL_CHUNK_RECORDS)
            with self._lock:
                self._open()
                chunk = self._records[instance][after:until]
            yield from chunk
            after = until

    def last(self, instance: str) -> int:
        with self._lock:
            self._open()
            return self._last(named(instance))

    def instances(self) -> list[str]:
        with self._lock:
            self._open()
            return sorted(self._records)

    def save_snapshot(
        self, instance: str, sequence: int, payload: bytes, wanted: Iterable[int] = ()
    ) -> None:
        with self._lock:
            self._open()
            accepted_snapshot(instance, sequence, payload, self._last(named(instance)))
            kept = self._snapshots.setdefault(instance, {})
            kept[sequence] = payload
            for older in outdated(kept, wanted):
                del kept[older]

    def snapshot(self, instance: str, until: int | None = None) -> Snapshot | None:
        with self._lock:
            self._open()
            kept = self._snapshots.get(named(instance), {})
            latest = max((each for each in kept if until is None or each <= until), default=None)
            return None if latest is None else Snapshot(instance, latest, kept[latest])

    def note(self, key: str) -> bytes | None:
        with self._lock:
            self._open()
            return self._notes.get(key)

    def put_note(self, key: str, value: bytes) -> None:
        with self._lock:
            self._open()
            accepted_note(key, value)
            if key not in self._notes and len(self._notes) >= limits.NOTES_MAX:
                raise too_many_notes()
            self._notes[key] = value

    def close(self) -> None:
        with self._lock:
            self._closed = True

    def _last(self, instance: str) -> int:
        return len(self._records.get(instance, ()))

    def _open(self) -> None:
        if self._closed:
            raise closed()
