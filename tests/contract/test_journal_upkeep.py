"""Upkeep: a check says all that is wrong and changes nothing; a cut takes only what it was told."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from contract.journals import (
    Image,
    a_record,
    an_image,
    by_hand,
    content_of,
    files_in,
    outcome_of,
    quiet,
    some_records,
    unsynced,
)
from ringfloor.journal.directory import DATABASE, LOG
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import (
    Damaged,
    ForeignFormat,
    Gap,
    Standing,
    Unacceptable,
    Unusable,
)
from ringfloor.journal.upkeep import check, cut

COPY = f"{DATABASE}.before-cut-1"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return an_image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def data(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal whose process was killed: all of it still in the log."""
    unsynced(monkeypatch)
    image.lay(tmp_path / "data")
    return tmp_path / "data"


def spoil(data: Path, *statements: str) -> None:
    with by_hand(data) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_check_of_a_sound_journal_finds_nothing_and_changes_nothing(
    image: Image, data: Path
) -> None:
    report = check(data)
    assert report.damage == report.notices == ()
    assert report.standings == (Standing("a", 33, 33, (25, 20)), Standing("b", 41, 41, ()))
    assert files_in(data) | {"lock": b""} == image.files | {"lock": b""}


def test_a_check_tells_of_everything_at_once(data: Path) -> None:
    (data / "snapshots" / "a.25.snapshot").write_bytes(b"")
    spoil(
        data,
        "UPDATE record SET payload = x'00' WHERE instance = 'a' AND sequence = 7",
        "DELETE FROM record WHERE instance = 'b' AND sequence = 41",
        "DELETE FROM note WHERE key = 'key'",
    )
    report = check(data)
    assert report.standings == (Standing("a", 33, 6, (20,)), Standing("b", 41, 40, ()))
    said = "\n".join(report.damage)
    assert "instance a is sound up to record 6" in said
    assert "instance b is sound up to record 40" in said
    assert "instance 'b' ends with record 40, yet 41 were written" in said
    assert "a.25.snapshot does not begin" in said
    assert "the notes are not all there" in said


def test_a_check_leaves_a_torn_log_as_it_is_and_says_what_a_start_would_do(
    image: Image, data: Path
) -> None:
    torn = image.files[LOG][:-5]
    (data / LOG).write_bytes(torn)
    report = check(data)
    assert report.damage == ()
    assert "At the next start: The journal's log ends in an unfinished write" in report.notices[0]
    assert (data / LOG).read_bytes() == torn


def test_a_check_of_rubbish_is_a_report(image: Image, data: Path) -> None:
    (data / LOG).unlink()
    (data / DATABASE).write_bytes(b"rubbish" * 3_000)
    assert "not a database" in check(data).damage[0]
    (data / DATABASE).unlink()
    assert "is missing" in check(data).damage[0]
    image.lay(data)
    log = bytearray(image.files[LOG])
    log[5_000] ^= 1
    (data / LOG).write_bytes(log)
    assert "later transactions follow" in check(data).damage[0]


def test_a_check_where_there_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="holds no journal"):
        check(tmp_path)
    with pytest.raises(Unusable, match="no such directory"):
        check(tmp_path / "missing")
    with pytest.raises(Unusable, match="holds no journal"):
        cut(tmp_path, "a", 0)


def test_a_cut_takes_what_follows_and_keeps_a_copy(image: Image, data: Path) -> None:
    report = cut(data, "a", 22)
    assert report.damage == ()
    assert report.standings == (Standing("a", 22, 22, (20,)), Standing("b", 41, 41, ()))
    assert f"kept as {COPY}" in report.notices[0]
    assert "instance a ended with record 33, and ends with 22 now" in report.notices[-1]
    before = image.states[-1]
    outcome = outcome_of(data)
    assert outcome.content is not None
    assert outcome.content.records == {"a": before.records["a"][:22], "b": before.records["b"]}
    assert outcome.content.notes == before.notes
    assert outcome.snapshots["a"] == image.snapshots["a"][0]
    assert (data / COPY).stat().st_mode & 0o777 == 0o600

    journal = open_journal(data, quiet)
    journal.append([a_record("a", 23, 99)])
    journal.close()
    assert cut(data, "a", 23).damage == ()
    assert (data / f"{DATABASE}.before-cut-2").exists()

    # The copy is a database and its log; putting both back undoes the cut.
    (data / COPY).replace(data / DATABASE)
    (data / f"{COPY}-wal").replace(data / LOG)
    assert outcome_of(data).content == before


def test_a_cut_at_nothing_removes_the_instance(image: Image, data: Path) -> None:
    assert cut(data, "a", 0).standings == (Standing("b", 41, 41, ()),)
    journal = open_journal(data, quiet)
    assert journal.instances() == ["b"]
    assert journal.snapshot("a") is None
    journal.append(some_records("a", 1, 2))
    assert len(content_of(journal).records["b"]) == len(image.states[-1].records["b"])
    journal.close()


def test_a_cut_refuses_what_it_could_not_keep_and_changes_nothing(image: Image, data: Path) -> None:
    with pytest.raises(Gap, match="ends with record 33; it cannot be cut at 34"):
        cut(data, "a", 34)
    with pytest.raises(Gap):
        cut(data, "c", 1)
    for instance, after in (("../a", 1), ("a", -1)):
        with pytest.raises(Unacceptable):
            cut(data, instance, after)
    assert files_in(data) | {"lock": b""} == image.files | {"lock": b""}
    spoil(data, "UPDATE record SET at = 5 WHERE instance = 'a' AND sequence = 7")
    with pytest.raises(Damaged, match="sound only up to record 6: record 7 does not match"):
        cut(data, "a", 22)
    assert not (data / COPY).exists()
    spoil(data, "PRAGMA user_version = 2")
    with pytest.raises(ForeignFormat):
        cut(data, "a", 6)


def test_the_way_out_of_damage_is_the_one_that_the_refusal_names(image: Image, data: Path) -> None:
    """Two instances, the notes and the log's end damaged: cut after cut, until it starts."""
    spoil(
        data,
        "UPDATE record SET payload = x'00' WHERE instance = 'a' AND sequence = 7",
        "UPDATE record SET instance = 'x' WHERE instance = 'b' AND sequence = 30",
        "UPDATE note SET value = x'00' WHERE key = 'key'",
    )
    assert outcome_of(data).fault is not None
    report = cut(data, "a", 6)
    assert any("'key' does not match its checksum; it is left out" in n for n in report.notices)
    assert outcome_of(data).fault is not None
    cut(data, "b", 29)
    report = cut(data, "x", 0)
    assert report.damage == ()
    outcome = outcome_of(data)
    assert outcome.content is not None
    before = image.states[-1]
    assert outcome.content.records == {"a": before.records["a"][:6], "b": before.records["b"][:29]}
    assert outcome.content.notes == {**before.notes, "key": None}


def test_a_log_damaged_in_the_middle_is_given_up_by_a_cut(image: Image, data: Path) -> None:
    log = bytearray(image.files[LOG])
    log[len(log) // 2] ^= 1
    (data / LOG).write_bytes(log)
    assert isinstance(outcome_of(data).fault, Damaged)
    standing = check(data).standings[0]
    report = cut(data, standing.instance, standing.sound)
    assert report.damage == ()
    assert "bytes of the log were cut" in report.notices[1]
    assert outcome_of(data).content in image.states[:-1]


def test_a_lost_end_is_accepted_by_a_cut(image: Image, data: Path) -> None:
    spoil(data, "DELETE FROM head WHERE instance = 'a'")
    assert cut(data, "a", 33).damage == ()
    assert outcome_of(data).content == image.states[-1]


def test_damage_to_the_structure_goes_with_a_cut_that_takes_nothing(
    image: Image, data: Path
) -> None:
    """The count of loose bytes in a page is wrong: nothing is lost, but appends might go astray."""
    journal = open_journal(data, quiet)
    journal.close()
    content = bytearray((data / DATABASE).read_bytes())
    page = next(at for at in range(4_096, len(content), 4_096) if content[at] == 10)
    content[page + 7] ^= 1
    (data / DATABASE).write_bytes(content)
    assert isinstance(outcome_of(data).fault, Damaged)
    assert cut(data, "b", 41).damage == ()
    assert outcome_of(data).content == image.states[-1]


def test_of_a_database_that_cannot_be_read_in_part_the_rest_is_saved(
    image: Image, data: Path
) -> None:
    journal = open_journal(data, quiet)
    journal.close()
    with by_hand(data) as connection:
        try:
            (page,) = connection.execute(
                "SELECT pageno FROM dbstat WHERE name = 'record' AND pagetype = 'leaf' "
                "ORDER BY path DESC LIMIT 1"
            ).fetchone()
        except sqlite3.OperationalError:  # this SQLite was built without dbstat
            page = len((data / DATABASE).read_bytes()) // 4_096
    content = bytearray((data / DATABASE).read_bytes())
    content[(page - 1) * 4_096 : page * 4_096] = bytes(4_096)
    (data / DATABASE).write_bytes(content)
    report = check(data)
    sound = {standing.instance: standing.sound for standing in report.standings}
    assert sound["a"] == 33
    assert 0 < sound["b"] < 41
    report = cut(data, "a", 33)
    assert f"of instance b, what follows record {sound['b']} is left out" in report.notices[-2]
    assert "instance 'b' ends with record" in str(outcome_of(data).fault)
    assert cut(data, "b", sound["b"]).damage == ()
    outcome = outcome_of(data)
    assert outcome.content is not None
    records = image.states[-1].records
    assert outcome.content.records == {"a": records["a"], "b": records["b"][: sound["b"]]}


def test_a_cut_that_fails_half_way_changes_nothing(
    image: Image, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfloor.journal.upkeep.Tables.replace_with", failing)
    with pytest.raises(Unusable):
        cut(data, "a", 3)
    assert outcome_of(data).content == image.states[-1]
    shutil.rmtree(data)


def failing(*_: object) -> None:
    raise Unusable("the disk is full")
