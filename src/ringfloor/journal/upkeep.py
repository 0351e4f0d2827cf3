"""Upkeep: what an operator does with a journal that no server has open: check it, cut it.

Called by the command line (`ringfloor journal check`, `ringfloor journal cut`). Both take the
directory's lock. check changes nothing; it goes on after the first damage, so that its report is
whole. cut is the only way in which records ever go, and what it takes away is copied first.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from ringfloor.journal import wal
from ringfloor.journal.directory import (
    DATABASE,
    LOG,
    UNFINISHED,
    copy,
    occupy,
    shorten,
    stunted,
    told,
)
from ringfloor.journal.disk import Rows, Unsound, misended, torn, verified
from ringfloor.journal.journal import (
    GENESIS,
    Damaged,
    Gap,
    JournalFault,
    Report,
    Standing,
    Unacceptable,
    Unusable,
    named,
)
from ringfloor.journal.snapshots import Invalid, Snapshots
from ringfloor.journal.sqlite import NOTHING, Head, Row, Tables, discard, make

T = TypeVar("T")

_ENDLESS = (1 << 63) - 1


def check(directory: Path) -> Report:
    """Verify everything: log, structure, every record, every note, every snapshot.

    Damage is reported, not raised. Raises InUse, Unusable.
    """
    hold = occupy(directory, create=False)
    try:
        return _examined(directory, [])
    finally:
        hold.release()


def cut(directory: Path, instance: str, after: int) -> Report:
    """Give up an instance's records after a sequence, all of it for 0; the report of what is left.

    The database and its log are copied first. Then a new database is written, with the verified
    records of this instance up to `after`, and with those of the others as they lie (damage of
    theirs stays to be seen, and takes a cut of its own), and takes the old one's place in one
    transaction. So damage in the structure goes too, and so do notes that do not verify.

    Raises Damaged if the records up to `after` do not verify or the database cannot be read, Gap
    if the instance has not got so far, Unacceptable, InUse, Unusable, ForeignFormat.
    """
    named(instance)
    if after < 0:
        raise Unacceptable(f"{after} is not a sequence")
    hold = occupy(directory, create=False)
    try:
        last = _keepable(directory, instance, after)
        with told(directory):
            notices = [f"What was there is kept as {_copied(directory)}, its log beside it."]
            tail = wal.inspect(directory / LOG)
            if tail.ending is not wal.Ending.WHOLE:
                shorten(directory / LOG, tail.keep)
                notices.append(f"{tail.size - tail.keep} bytes of the log were cut: {tail.why}")
        notices += _rewritten(directory, instance, after)
        with told(directory):
            Snapshots(directory).remove_beyond(instance, after)
        notices.append(f"instance {instance} ended with record {last}, and ends with {after} now")
        return _examined(directory, notices)
    finally:
        hold.release()


def _examined(directory: Path, notices: list[str]) -> Report:
    damage: list[str] = []
    standings: list[Standing] = []
    with told(directory):
        tail = wal.inspect(directory / LOG)
    if tail.ending is wal.Ending.TORN:
        notices.append(f"At the next start: {torn(tail)}")
    if tail.ending is wal.Ending.BROKEN:
        damage.append(f"{LOG}: {tail.why}")
    try:
        tables = _opened(directory)
    except Damaged as fault:
        return Report(str(directory), (), (*damage, fault.what), tuple(notices))
    try:
        tables.recognise()
        damage += _tried(damage, tables.structure) or []
        _, notes = _tried(damage, tables.notes) or ({}, [])
        damage += notes
        heads = _tried(damage, tables.heads) or {}
        names = _tried(damage, tables.recorded) or []
        for instance in sorted({*heads, *names}):
            head = heads.get(instance, NOTHING)
            standings.append(_standing(tables, Snapshots(directory), instance, head, damage))
    except JournalFault as fault:
        damage.append(str(fault))
    finally:
        tables.close()
    return Report(str(directory), tuple(standings), tuple(damage), tuple(notices))


def _standing(
    tables: Tables, snapshots: Snapshots, instance: str, head: Head, damage: list[str]
) -> Standing:
    """How an instance stands; what is wrong with its records and snapshots is added to damage."""
    if wrong := _tried(damage, lambda: misended(tables, instance, head)):
        damage.append(wrong)
    last = max(head[0], _tried([], lambda: tables.last(instance)) or 0)
    sound = 0
    try:
        for record in verified(_readable(tables), instance, GENESIS, 0, last):
            sound = record.sequence
    except Unsound as fault:
        damage.append(f"instance {instance} is sound up to record {sound}; after it: {fault}")
    usable: list[int] = []
    with told(tables.directory):
        for sequence in snapshots.of(instance):
            try:
                chain = snapshots.load(instance, sequence).chain
                if chain == tables.checksum(instance, sequence):
                    usable.append(sequence)
                else:
                    damage.append(f"snapshot {instance}.{sequence} belongs to other records")
            except (Invalid, Damaged) as fault:
                damage.append(fault.what if isinstance(fault, Damaged) else str(fault))
    return Standing(instance, last, sound, tuple(usable))


def _tried(damage: list[str], act: Callable[[], T]) -> T | None:
    """What act answers; None if it cannot read on, which is added to the damage."""
    try:
        return act()
    except Damaged as fault:
        damage.append(fault.what)
        return None


def _readable(tables: Tables) -> Rows:
    """The tables' rows, where a page that cannot be read makes the record unsound."""

    def rows(instance: str, after: int, until: int) -> list[Row]:
        try:
            return tables.rows(instance, after, until)
        except Damaged as fault:
            raise Unsound(after, fault.what) from fault

    return rows


def _opened(directory: Path) -> Tables:
    """The database, to look only. Raises Damaged, Unusable."""
    if not (directory / DATABASE).exists():
        if (directory / LOG).exists() or Snapshots(directory).all():
            raise Damaged(f"{directory / DATABASE} is missing", directory)
        raise Unusable(f"{directory} holds no journal. Name the data directory with --data.")
    with told(directory):
        if stunted(directory):
            raise Damaged(f"{directory / DATABASE} is empty or cut off", directory)
    return Tables(directory, mode="ro")


def _keepable(directory: Path, instance: str, after: int) -> int:
    """See that what a cut is to keep is sound; the instance's last sequence."""
    tables = _opened(directory)
    try:
        tables.recognise()
        heads = _tried([], tables.heads) or {}
        last = _tried([], lambda: tables.last(instance)) or heads.get(instance, NOTHING)[0]
        if after > last:
            raise Gap(f"instance {instance} ends with record {last}; it cannot be cut at {after}")
        sound = 0
        try:
            for record in verified(_readable(tables), instance, GENESIS, 0, after):
                sound = record.sequence
        except Unsound as fault:
            what = f"{directory}: instance {instance} is sound only up to record {sound}: {fault}"
            raise Damaged(what, directory, instance, sound) from None
        return last
    finally:
        tables.close()


def _copied(directory: Path) -> str:
    """Copy the database and its log; the copy's name."""
    number = 1
    while (directory / f"{DATABASE}.before-cut-{number}").exists():
        number += 1
    name = f"{DATABASE}.before-cut-{number}"
    if (directory / LOG).exists():
        copy(directory / LOG, directory / f"{name}-wal")
    copy(directory / DATABASE, directory / name)
    return name


def _rewritten(directory: Path, instance: str, after: int) -> list[str]:
    """Write the new database and put it in place; what the operator should know."""
    notices: list[str] = []
    old = Tables(directory)
    try:
        new = make(directory, DATABASE + UNFINISHED)
        try:
            heads, names = _listed(old, notices)
            for name in names:
                try:
                    named(name)
                except Unacceptable as fault:
                    notices.append(f"records under another name are left out: {fault}")
                    continue
                if name != instance:
                    _fill(new, name, heads.get(name), _lying(old, name, notices))
            end = (after, old.checksum(instance, after) or GENESIS) if after else None
            _fill(new, instance, end, _rows(old, instance, after))
            notes, wrong = old.notes()
            notices += [f"{line}; it is left out" for line in wrong]
            with new.transaction():
                for key, value in notes.items():
                    new.put_note(key, value)
            old.replace_with(new)
        finally:
            new.close()
    finally:
        old.close()
    discard(directory, DATABASE + UNFINISHED)
    return notices


def _listed(old: Tables, notices: list[str]) -> tuple[dict[str, Head], list[str]]:
    """How the instances end and which there are, from heads or records. Raises Damaged."""
    try:
        heads = old.heads()
    except Damaged as fault:
        notices.append(f"how the instances end cannot be read: {fault.what}")
        return {}, old.recorded()
    return heads, sorted({*heads, *(_tried(notices, old.recorded) or ())})


def _rows(old: Tables, instance: str, until: int) -> Iterator[list[Row]]:
    """An instance's records in chunks, up to a sequence."""
    after = 0
    while after < until and (chunk := old.rows(instance, after, until)):
        yield chunk
        after = chunk[-1][0]


def _lying(old: Tables, instance: str, notices: list[str]) -> Iterator[list[Row]]:
    """An instance's records in chunks as they lie, as far as they can be read."""
    after = 0
    try:
        for chunk in _rows(old, instance, _ENDLESS):
            legible = list(takewhile(_legible, chunk))
            yield legible
            after = legible[-1][0] if legible else after
            if len(legible) < len(chunk):
                notices.append(f"of instance {instance}, what follows record {after} is left out")
                return
    except Damaged as fault:
        notices.append(
            f"of instance {instance}, what follows record {after} is left out: {fault.what}"
        )


def _legible(row: Row) -> bool:
    return [type(value) for value in row] == [int, int, bytes, bytes]


def _fill(new: Tables, instance: str, end: Head | None, chunks: Iterable[list[Row]]) -> None:
    for chunk in chunks:
        with new.transaction():
            new.add(instance, chunk)
    if end is not None:
        with new.transaction():
            new.end(instance, NOTHING, end)
