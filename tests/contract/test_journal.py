"""Journals in lockstep: memory and SQLite do the same, say the same and refuse the same."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contract.journals import a_record, quiet, some_records
from ringfloor.base import limits
from ringfloor.base.errors import Fault
from ringfloor.journal.disk import DiskJournal, open_journal
from ringfloor.journal.journal import (
    Closed,
    Gap,
    Journal,
    Record,
    SecondWriter,
    Snapshot,
    Unacceptable,
)
from ringfloor.journal.memory import MemoryJournal

names = st.sampled_from(["a", "b", "c"])
notes = st.sampled_from(["clock", "key", "été"])
payloads = st.binary(max_size=300) | st.just(b"x" * 9_000)
offsets = st.sampled_from([0, 0, 0, 0, 0, 0, -1, 1, -3])


class Agreement(RuleBasedStateMachine):
    """Whatever is done to both, both answer alike. Only SQLite is closed and opened again."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.memory: Journal = MemoryJournal()
        self.disk: Journal = open_journal(self.directory, quiet)

    def teardown(self) -> None:
        if hasattr(self, "disk"):
            self.disk.close()
            shutil.rmtree(self.directory)

    def both(self, act: Callable[[Journal], object]) -> None:
        assert answer(self.memory, act) == answer(self.disk, act)

    @rule(
        batch=st.lists(st.tuples(names, offsets, st.integers(0, 2**63 - 1), payloads), max_size=6)
    )
    def append(self, batch: list[tuple[str, int, int, bytes]]) -> None:
        ends = {name: self.memory.last(name) for name in "abc"}
        records: list[Record] = []
        for name, offset, at, payload in batch:
            ends[name] += 1
            records.append(Record(name, ends[name] + offset, at, payload))
        self.both(lambda journal: journal.append(records))

    @rule(name=names, back=st.integers(-2, 8))
    def read(self, name: str, back: int) -> None:
        after = self.memory.last(name) - back
        self.both(lambda journal: list(journal.read(name, after)))

    @rule(
        name=names,
        back=st.integers(-1, 5),
        payload=payloads,
        wanted=st.lists(st.integers(-1, 20), max_size=3),
    )
    def save_snapshot(self, name: str, back: int, payload: bytes, wanted: list[int]) -> None:
        sequence = self.memory.last(name) - back
        self.both(lambda journal: journal.save_snapshot(name, sequence, payload, wanted))

    @rule(key=notes, value=payloads)
    def put_note(self, key: str, value: bytes) -> None:
        self.both(lambda journal: journal.put_note(key, value))

    @rule(name=st.sampled_from(["", ".a", "a/b", "é", "a" * 65]))
    def misname(self, name: str) -> None:
        self.both(lambda journal: journal.append([a_record(name, 1)]))
        self.both(lambda journal: journal.snapshot(name))

    @rule()
    def open_again(self) -> None:
        self.disk.close()
        self.disk = open_journal(self.directory, quiet)

    @invariant()
    def the_same_is_there(self) -> None:
        if hasattr(self, "disk"):
            self.both(lambda journal: journal.instances())
            for name in "abc":
                self.both(lambda journal, name=name: journal.last(name))
                self.both(lambda journal, name=name: list(journal.read(name)))
                self.both(lambda journal, name=name: journal.snapshot(name))
            for key in ("clock", "key", "été", "never put", ""):
                self.both(lambda journal, key=key: journal.note(key))


def answer(journal: Journal, act: Callable[[Journal], object]) -> object:
    try:
        return act(journal)
    except Fault as fault:
        return type(fault), str(fault)


Agreement.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAgreement = Agreement.TestCase


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made: Journal = (
        MemoryJournal() if request.param == "memory" else open_journal(tmp_path / "data", quiet)
    )
    yield made
    made.close()


def test_one_append_is_all_or_nothing(journal: Journal) -> None:
    journal.append(some_records("a", 1, 3))
    with pytest.raises(Gap, match="record 6 was to follow 4; 5 is next"):
        journal.append([a_record("b", 1), a_record("a", 4), a_record("a", 6)])
    assert journal.instances() == ["a"]
    assert list(journal.read("a")) == some_records("a", 1, 3)


def test_a_taken_number_is_a_second_writer_and_a_repeated_one_is_a_gap(journal: Journal) -> None:
    journal.append(some_records("a", 1, 3))
    with pytest.raises(SecondWriter, match="record 3 is already there"):
        journal.append([a_record("a", 3)])
    with pytest.raises(Gap):
        journal.append([a_record("a", 4), a_record("a", 4)])
    with pytest.raises(Gap):
        journal.append([a_record("a", 0)])


def test_a_read_ends_where_the_journal_ended_when_it_began(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "JOURNAL_CHUNK_RECORDS", 4)
    journal.append(some_records("a", 1, 9))
    read = journal.read("a", after=2)
    journal.append(some_records("a", 10, 12))
    assert [record.sequence for record in read] == [3, 4, 5, 6, 7, 8, 9]
    assert [record.sequence for record in journal.read("a", after=9)] == [10, 11, 12]


def test_a_chunk_ends_with_the_record_that_passes_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "JOURNAL_CHUNK_BYTES", 1_000)
    journal = open_journal(tmp_path, quiet)
    journal.append(some_records("a", 1, 20, 400))
    assert [len(journal._rows("a", after, 20)) for after in (0, 3, 18)] == [3, 3, 2]
    assert len(list(journal.read("a"))) == 20
    journal.close()


def test_the_two_highest_snapshots_stay(journal: Journal, tmp_path: Path) -> None:
    journal.append(some_records("a", 1, 9))
    for sequence in (3, 9, 5, 4, 9):
        journal.save_snapshot("a", sequence, b"state %d" % sequence)
    assert journal.snapshot("a") == Snapshot("a", 9, b"state 9")
    assert journal.snapshot("b") is None
    found = [journal.snapshot("a", until) for until in (4, 5, 8, 9, 10)]
    assert [each and each.sequence for each in found] == [None, 5, 5, 9, 9]
    if isinstance(journal, DiskJournal):
        names = sorted(path.name for path in (tmp_path / "data" / "snapshots").iterdir())
        assert names == ["a.5.snapshot", "a.9.snapshot"]
    with pytest.raises(Gap, match="ends with record 9; 10 was asked for"):
        journal.save_snapshot("a", 10, b"")
    with pytest.raises(Unacceptable):
        journal.save_snapshot("a", 0, b"")


def test_the_snapshots_stay_from_which_somebody_may_yet_read(journal: Journal) -> None:
    journal.append(some_records("a", 1, 30))

    def kept() -> list[int]:
        found = {journal.snapshot("a", until) for until in range(1, 31)}
        return sorted(each.sequence for each in found if each is not None)

    for sequence in range(3, 31, 3):
        journal.save_snapshot("a", sequence, b"state", [7, 16, 16, 2, 99])
    assert kept() == [6, 15, 27, 30]
    journal.save_snapshot("a", 29, b"state", [16])
    assert kept() == [15, 29, 30]
    journal.save_snapshot("a", 30, b"state")
    assert kept() == [29, 30]


def test_everything_has_a_limit(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append([a_record("a", 1)])
    for limit, value in (
        ("RECORD_BYTES_MAX", 99),
        ("NOTE_BYTES_MAX", 99),
        ("SNAPSHOT_BYTES_MAX", 99),
        ("APPEND_RECORDS_MAX", 3),
        ("NOTES_MAX", 2),
    ):
        monkeypatch.setattr(limits, limit, value)
    for act in (
        lambda: journal.append([a_record("a", 2, 100)]),
        lambda: journal.append(some_records("a", 2, 5)),
        lambda: journal.append([Record("a", 2, -1, b"")]),
        lambda: journal.append([Record("a", 2, 1 << 63, b"")]),
        lambda: journal.save_snapshot("a", 1, bytes(100)),
        lambda: journal.put_note("n", bytes(100)),
        lambda: journal.put_note("", b""),
        lambda: journal.put_note("two\nlines", b""),
        lambda: journal.put_note("n" * 129, b""),
        lambda: journal.read("a", -1),
    ):
        with pytest.raises(Unacceptable):
            act()
    journal.put_note("one", b"1")
    journal.put_note("two", b"2")
    journal.put_note("two", b"zwei")
    with pytest.raises(Unacceptable, match="2 notes already"):
        journal.put_note("three", b"3")
    journal.append([a_record("a", 2, 99)])
    assert journal.last("a") == 2
    assert journal.note("two") == b"zwei"


def test_the_largest_record_and_note_fit(journal: Journal) -> None:
    record = Record("a", 1, 1, bytes(limits.RECORD_BYTES_MAX))
    journal.append([record])
    journal.put_note("large", bytes(limits.NOTE_BYTES_MAX))
    assert list(journal.read("a")) == [record]
    assert journal.note("large") == bytes(limits.NOTE_BYTES_MAX)


def test_a_closed_journal_says_so(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JOURNAL_CHUNK_RECORDS", 1)
    journal.append(some_records("a", 1, 3))
    begun = journal.read("a")
    next(begun)
    journal.close()
    journal.close()
    for act in (
        lambda: next(begun),
        lambda: journal.append([a_record("a", 4)]),
        lambda: journal.append([]),
        lambda: journal.read("a"),
        lambda: journal.last("a"),
        journal.instances,
        lambda: journal.save_snapshot("a", 1, b""),
        lambda: journal.snapshot("a"),
        lambda: journal.note("n"),
        lambda: journal.put_note("n", b""),
    ):
        with pytest.raises(Closed):
            act()


def test_reads_from_other_threads_while_one_appends(journal: Journal) -> None:
    """Each reader sees a whole prefix that grows; nothing raises."""
    journal.append(some_records("a", 1, 1))
    wrong: list[object] = []

    def follow() -> None:
        try:
            seen = 0
            while seen < 300:
                got = list(journal.read("a"))
                if got != some_records("a", 1, len(got)) or len(got) < seen:
                    wrong.append(got)
                seen = len(got)
                journal.note("n")
                journal.save_snapshot("a", seen, b"%d" % seen)
                journal.snapshot("a")
        except Exception as error:  # noqa: BLE001  whatever it is, the test must hear of it
            wrong.append(error)

    readers = [Thread(target=follow) for _ in range(2)]
    for reader in readers:
        reader.start()
    for sequence in range(2, 301):
        journal.append([a_record("a", sequence)])
        if sequence % 50 == 0:
            journal.put_note("n", b"%d" % sequence)
    for reader in readers:
        reader.join()
    assert wrong == []
