"""Reading: the records of a data directory, looked at while a server may be writing to it.

Called by the command line. Takes no lock and writes nothing: SQLite shows what was committed when
a chunk is read. Every record is verified against the chain of checksums, from the first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringfloor.journal.directory import DATABASE
from ringfloor.journal.disk import Unsound, verified
from ringfloor.journal.journal import GENESIS, Damaged, Record, Unusable
from ringfloor.journal.sqlite import NOTHING, Tables


class Reader:
    """The journal of a directory, to look only."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._heads = tables.heads()

    def instances(self) -> list[str]:
        """Every instance that has records, in alphabetical order."""
        return sorted(self._heads)

    def last(self, instance: str) -> int:
        """The instance's last sequence when the reader was made; 0 if it has no records."""
        return self._heads.get(instance, NOTHING)[0]

    def records(self, instance: str) -> Iterator[Record]:
        """All records of an instance as it was then; raises Damaged where one is not sound."""
        try:
            yield from verified(self._tables.rows, instance, GENESIS, 0, self.last(instance))
        except Unsound as fault:
            what = f"instance {instance} is sound only up to record {fault.after}: {fault}"
            raise Damaged(what, self._tables.directory, instance, fault.after) from None


@contextmanager
def reading(directory: Path) -> Iterator[Reader]:
    """A reader of the journal in a directory. Raises Unusable, ForeignFormat, Damaged."""
    if not (directory / DATABASE).exists():
        raise Unusable(f"{directory} holds no journal. Name the data directory with --data.")
    tables = Tables(directory, mode="ro")
    try:
        tables.recognise()
        yield Reader(tables)
    finally:
        tables.close()
