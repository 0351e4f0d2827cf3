"""Damage: whatever happens to the files, the content is right, or cut and told, or refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.journals import (
    Content,
    Image,
    Outcome,
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
from ringfloor.base.errors import Fault
from ringfloor.base.ids import generator
from ringfloor.journal import wal
from ringfloor.journal.directory import DATABASE, LOG
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import Damaged, ForeignFormat
from ringfloor.journal.upkeep import check, cut

FRAME = wal.FRAME_HEADER_BYTES + 4_096


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    base = tmp_path_factory.mktemp("images")
    return {
        "in the log": an_image(base / "log"),
        "checkpointed": an_image(base / "checkpointed", checkpointed=True),
        "closed": an_image(base / "closed", closed=True),
    }


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    unsynced(monkeypatch)


@pytest.fixture
def data(images: dict[str, Image], tmp_path: Path) -> Path:
    """A closed journal, to be spoiled."""
    images["closed"].lay(tmp_path / "data")
    return tmp_path / "data"


def judge(image: Image, outcome: Outcome) -> str:
    """Identical, cut or refused; anything else fails."""
    if outcome.fault is not None:
        assert outcome.content is None
        assert "`ringfloor journal check --data" in str(outcome.fault) or not isinstance(
            outcome.fault, Damaged
        )
        return "refused"
    for instance, snapshot in outcome.snapshots.items():
        assert snapshot is None or snapshot in image.snapshots[instance]
    assert outcome.content in image.states, "wrong data"
    if outcome.content == image.states[-1]:
        return "identical"
    assert any("are cut" in line for line in outcome.told), "lost without a word"
    return "cut"


def goes_on(directory: Path, content: Content) -> None:
    """What opened must also take further records, and still have all of it afterwards; or say."""
    try:
        journal = open_journal(directory, lambda _: None)
    except Fault:
        return
    try:
        more = [a_record(name, len(content.records[name]) + 1) for name in content.records]
        journal.append(more)
    except Fault:
        return
    finally:
        journal.close()
    after = outcome_of(directory)
    if after.fault is None:
        assert after.content is not None
        for record in more:
            expected = [*content.records[record.instance], record]
            assert after.content.records[record.instance] == expected
        assert after.content.notes == content.notes


def flips(content: bytes, stride: int, dense: Iterator[range]) -> Iterator[tuple[int, int]]:
    """Positions and masks: every stride-th byte, and every byte of the dense places."""
    places = set(range(0, len(content), stride)).union(*dense)
    for place in sorted(place for place in places if place < len(content)):
        yield place, (0x01, 0x80, 0xFF, 0x10)[place % 4]


def flipped(image: Image, name: str, place: int, mask: int) -> Image:
    content = bytearray(image.files[name])
    content[place] ^= mask
    return Image({**image.files, name: bytes(content)}, image.states, image.snapshots)


def flip_all(
    image: Image, name: str, stride: int, dense: Iterator[range], directory: Path
) -> dict[str, int]:
    count = {"identical": 0, "cut": 0, "refused": 0}
    for place, mask in flips(image.files[name], stride, dense):
        flipped(image, name, place, mask).lay(directory)
        try:
            outcome = outcome_of(directory)
            verdict = judge(image, outcome)
            if outcome.content is not None:
                goes_on(directory, outcome.content)
        except Exception as error:
            error.add_note(f"{name}: byte {place} xor {mask:#x}")
            raise
        count[verdict] += 1
    return count


def page_heads(content: bytes) -> Iterator[range]:
    yield range(110)
    for page in range(0, len(content), 4_096):
        yield range(page, page + 14)


def frame_heads(content: bytes) -> Iterator[range]:
    yield range(wal.HEADER_BYTES)
    for frame in range(wal.HEADER_BYTES, len(content), FRAME):
        yield range(frame, frame + wal.FRAME_HEADER_BYTES, 3)


def test_a_flipped_byte_in_the_database_is_never_wrong_data(
    images: dict[str, Image], tmp_path: Path
) -> None:
    image = images["closed"]
    dense = page_heads(image.files[DATABASE])
    count = flip_all(image, DATABASE, 113, dense, tmp_path / "data")
    assert count["refused"] > count["identical"] / 4
    assert count["cut"] == 0


def test_a_flipped_byte_in_a_database_that_its_log_still_covers_changes_nothing(
    images: dict[str, Image], tmp_path: Path
) -> None:
    count = flip_all(images["checkpointed"], DATABASE, 1_201, iter(()), tmp_path / "data")
    assert (count["refused"], count["cut"]) == (0, 0)


@pytest.mark.parametrize("kind", ["in the log", "checkpointed"])
def test_a_flipped_byte_in_the_log_is_never_wrong_data(
    images: dict[str, Image], kind: str, tmp_path: Path
) -> None:
    image = images[kind]
    count = flip_all(image, LOG, 811, frame_heads(image.files[LOG]), tmp_path / "data")
    assert count["refused"] > 10 * count["identical"]
    assert count["cut"] > 0 or kind == "checkpointed"


def test_a_log_cut_off_anywhere_leaves_the_state_after_some_transaction(
    images: dict[str, Image], tmp_path: Path
) -> None:
    image = images["in the log"]
    log = image.files[LOG]
    ends = {
        end: dict(image.files) | {LOG: log[:end]}
        for end in {*range(0, len(log), 2_503), *range(40), *range(len(log) - 30, len(log))}
    }
    reached = set()
    for end, files in ends.items():
        Image(files, image.states, image.snapshots).lay(tmp_path / "data")
        whole = wal.inspect(tmp_path / "data" / LOG).ending is wal.Ending.WHOLE
        outcome = outcome_of(tmp_path / "data")
        assert outcome.fault is None, (end, outcome.fault)
        assert outcome.content in image.states
        assert whole or any("are cut" in line for line in outcome.told)
        reached.add(image.states.index(outcome.content))
        assert outcome_of(tmp_path / "data").content == outcome.content
    assert reached == set(range(len(image.states) - 1))


def test_a_log_cut_off_after_a_commit_is_a_shorter_log(
    images: dict[str, Image], tmp_path: Path
) -> None:
    """The one loss that leaves no trace; the docstring of wal says so."""
    image = images["in the log"]
    image.lay(tmp_path)
    log = tmp_path / LOG
    log.write_bytes(image.files[LOG][:-1])
    log.write_bytes(image.files[LOG][: wal.inspect(log).keep])
    outcome = outcome_of(tmp_path)
    assert outcome.content == image.states[-2]
    assert "are cut" not in "".join(outcome.told)


def test_a_torn_end_says_what_was_cut_and_what_the_journal_ends_with(
    images: dict[str, Image], tmp_path: Path
) -> None:
    image = images["in the log"]
    image.lay(tmp_path)
    (tmp_path / LOG).write_bytes(image.files[LOG][:-100])
    told = "\n".join(outcome_of(tmp_path).told)
    assert "unfinished write" in told
    assert f"{3 * FRAME - 100} bytes (3 pages of one transaction) are cut" in told
    assert "ends now with record 31 of a, 40 of b" in told


def test_what_was_cut_does_not_come_back(images: dict[str, Image], tmp_path: Path) -> None:
    """The pages that were cut are gone from the file too, or they would follow the next append."""
    image = images["in the log"]
    image.lay(tmp_path / "data")
    (tmp_path / "data" / LOG).write_bytes(image.files[LOG][:-FRAME])
    journal = open_journal(tmp_path / "data", lambda _: None)
    journal.put_note("clock", b"one page")
    content = content_of(journal)
    crashed = Image(files_in(tmp_path / "data"), [content], image.snapshots)
    journal.close()
    crashed.lay(tmp_path / "data")
    outcome = outcome_of(tmp_path / "data")
    assert (outcome.content, outcome.told) == (content, [])


def test_damage_before_the_last_transaction_of_the_log_is_refused(
    images: dict[str, Image], tmp_path: Path
) -> None:
    image = images["in the log"]
    flipped(image, LOG, wal.HEADER_BYTES + 3 * FRAME + 2_000, 0x04).lay(tmp_path)
    outcome = outcome_of(tmp_path)
    assert isinstance(outcome.fault, Damaged)
    assert "frame 4 does not match its checksum, yet later transactions" in str(outcome.fault)


def test_a_damaged_log_header_is_refused(images: dict[str, Image], tmp_path: Path) -> None:
    flipped(images["in the log"], LOG, 17, 0x04).lay(tmp_path)
    assert "header does not match" in str(outcome_of(tmp_path).fault)


def test_a_log_that_has_begun_anew_is_whole_although_old_frames_follow(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "data", quiet)
    journal.append(some_records("a", 1, 200, 300))
    journal._writer._connection.execute("PRAGMA wal_checkpoint(RESTART)")
    journal.append(some_records("a", 201, 201))
    image = Image(files_in(tmp_path / "data"), [content_of(journal)], {"a": [], "b": []})
    journal.close()
    image.lay(tmp_path / "data")
    found = wal.inspect(tmp_path / "data" / LOG)
    assert found.ending is wal.Ending.WHOLE
    assert found.keep < found.size
    assert outcome_of(tmp_path / "data").content == image.states[-1]


def test_a_blank_end_of_the_log_is_torn(images: dict[str, Image], tmp_path: Path) -> None:
    image = images["in the log"]
    image.lay(tmp_path)
    (tmp_path / LOG).write_bytes(image.files[LOG] + bytes(FRAME + 50))
    outcome = outcome_of(tmp_path)
    assert outcome.content == image.states[-1]
    assert "are cut" in outcome.told[0]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM record WHERE instance = 'a' AND sequence = 7", "record 7 is missing"),
        ("DELETE FROM record WHERE instance = 'a' AND sequence < 3", "record 1 is missing"),
        ("DELETE FROM record WHERE instance = 'a' AND sequence = 33", "ends with record 32, yet"),
        ("DELETE FROM record WHERE instance = 'b'", "ends with record 0, yet 41"),
        ("DELETE FROM head WHERE instance = 'b'", "ends with record 41, yet 0"),
        ("UPDATE head SET sequence = 32 WHERE instance = 'a'", "ends with record 33, yet 32"),
        ("UPDATE head SET checksum = zeroblob(16)", "is not the one written"),
        ("UPDATE record SET at = at + 1 WHERE instance = 'b' AND sequence = 20", "record 20 does"),
        ("UPDATE record SET payload = x'00' WHERE sequence = 30", "record 30 does not match"),
        (
            "UPDATE record SET checksum = zeroblob(16) WHERE instance = 'a' AND sequence = 27",
            "record 27 does not match",
        ),
        ("UPDATE record SET instance = 'c' WHERE instance = 'b' AND sequence = 41", "record 40"),
        (
            (
                "UPDATE record SET sequence = -1 WHERE instance = 'a' AND sequence = 28;"
                "UPDATE record SET sequence = 28 WHERE instance = 'a' AND sequence = 29;"
                "UPDATE record SET sequence = 29 WHERE sequence = -1"
            ),
            "record 28 does not match",
        ),
        (
            (
                "UPDATE record SET payload = (SELECT payload FROM record r WHERE r.instance = 'b' "
                "AND r.sequence = 3) WHERE instance = 'b' AND sequence = 4"
            ),
            "record 4 does not match",
        ),
        ("INSERT INTO record VALUES ('a', 34, 1, x'00', zeroblob(16))", "record 34, yet 33"),
        ("INSERT INTO record VALUES ('é', 1, 1, x'00', zeroblob(16))", "record 1, yet 0"),
        ("DELETE FROM note WHERE key = 'key'", "the notes are not all there"),
        ("DELETE FROM note", "the notes are not all there"),
        ("UPDATE note SET value = x'00' WHERE key = 'key'", "'key' does not match its checksum"),
        ("CREATE TABLE other (x)", "tables are not as they were made"),
        ("DROP TABLE note", "tables are not as they were made"),
    ],
)
def test_what_was_changed_by_hand_is_refused(data: Path, statement: str, says: str) -> None:
    with by_hand(data) as connection:
        connection.executescript(statement)
    told = outcome_of(data)
    assert isinstance(told.fault, Damaged)
    assert says in str(told.fault)
    assert f"ringfloor journal cut --data {data}" in str(told.fault)


def test_a_refused_journal_is_left_as_it_is(images: dict[str, Image], tmp_path: Path) -> None:
    """The log too, which closing would copy into the database and remove."""
    images["in the log"].lay(tmp_path)
    with by_hand(tmp_path) as keep_the_log_open, by_hand(tmp_path) as connection:
        keep_the_log_open.execute("SELECT count(*) FROM record").fetchone()
        connection.execute("DELETE FROM note")
        spoiled = files_in(tmp_path)
    for name, content in spoiled.items():
        (tmp_path / name).write_bytes(content)
    assert isinstance(outcome_of(tmp_path).fault, Damaged)
    assert {**files_in(tmp_path), "lock": b""} == {**spoiled, "lock": b""}


def test_a_bad_last_record_in_a_sound_database_is_not_cut(data: Path) -> None:
    with by_hand(data) as connection:
        connection.execute(
            "UPDATE record SET payload = x'00' WHERE instance = 'b' AND sequence = 41"
        )
    fault = outcome_of(data).fault
    assert isinstance(fault, Damaged)
    assert "up to 40 it is sound" in str(fault)
    assert f"--data {data} --instance b --after 40" in str(fault)


def test_reading_verifies_what_the_start_did_not(data: Path) -> None:
    """Record 7 lies before the latest snapshot, which is where the start begins to verify."""
    with by_hand(data) as connection:
        connection.execute(
            "UPDATE record SET payload = x'00' WHERE instance = 'a' AND sequence = 7"
        )
    journal = open_journal(data, quiet)
    assert len(list(journal.read("a", after=25))) == 8
    read = journal.read("a")
    assert [next(read).sequence for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(Damaged, match="record 7 does not match its checksum; up to 6"):
        next(read)
    journal.close()


@pytest.mark.parametrize("size", [0, 1, 99, 100, 4_095, 4_096, 8_192, 20_480, -4_096, -1])
def test_a_truncated_database_is_refused(data: Path, size: int) -> None:
    database = data / DATABASE
    database.write_bytes(database.read_bytes()[:size])
    assert isinstance(outcome_of(data).fault, Damaged)


def test_an_empty_database_does_not_cost_the_log_beside_it(
    images: dict[str, Image], tmp_path: Path
) -> None:
    """SQLite itself would delete the log."""
    image = images["in the log"]
    image.lay(tmp_path)
    (tmp_path / DATABASE).write_bytes(b"")
    assert "is empty" in str(outcome_of(tmp_path).fault)
    assert "is empty" in check(tmp_path).damage[0]
    with pytest.raises(Damaged):
        cut(tmp_path, "a", 1)
    assert (tmp_path / LOG).read_bytes() == image.files[LOG]


@pytest.mark.parametrize("seed", range(4))
def test_a_garbled_database_is_refused(data: Path, seed: int) -> None:
    database = data / DATABASE
    noise = generator(seed).randbytes(database.stat().st_size)
    database.write_bytes(noise)
    assert isinstance(outcome_of(data).fault, Damaged)
    database.write_bytes(b"SQLite format 3\0" + noise[16:])
    assert isinstance(outcome_of(data).fault, Damaged)


def test_a_missing_database_beside_a_log_or_snapshots_is_refused(
    images: dict[str, Image], tmp_path: Path
) -> None:
    for kind in ("in the log", "closed"):
        images[kind].lay(tmp_path / "data")
        (tmp_path / "data" / DATABASE).unlink()
        assert "is missing" in str(outcome_of(tmp_path / "data").fault)


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_version_is_refused_by_name(data: Path, version: int) -> None:
    with by_hand(data) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    fault = outcome_of(data).fault
    assert isinstance(fault, ForeignFormat)
    assert f"has format {version}; this Ringfloor reads format 1" in str(fault)


def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    with by_hand(tmp_path) as connection:
        connection.execute("CREATE TABLE record (x)")
    fault = outcome_of(tmp_path).fault
    assert isinstance(fault, ForeignFormat)
    assert "is not a Ringfloor journal" in str(fault)


def test_a_damaged_snapshot_is_passed_over_told_and_kept_aside(
    images: dict[str, Image], data: Path
) -> None:
    older, latest = images["closed"].snapshots["a"]
    whole = (data / "snapshots" / "a.25.snapshot").read_bytes()
    for content in (whole[:-1], whole[:20], b"", whole[:40] + b"x" + whole[41:], whole + b"x"):
        (data / "snapshots" / "a.25.snapshot").write_bytes(content)
        outcome = outcome_of(data)
        assert outcome.snapshots["a"] == older
        assert "kept as snapshots/a.25.snapshot.unused and not used" in outcome.told[0]
        assert outcome.content == images["closed"].states[-1]
    (data / "snapshots" / "a.25.snapshot").write_bytes(whole)
    assert outcome_of(data).snapshots["a"] == latest


def test_a_snapshot_damaged_while_the_journal_is_open_is_passed_over(
    images: dict[str, Image], data: Path
) -> None:
    told: list[str] = []
    journal = open_journal(data, told.append)
    (data / "snapshots" / "a.25.snapshot").write_bytes(b"")
    assert journal.snapshot("a") == images["closed"].snapshots["a"][0]
    (data / "snapshots" / "a.20.snapshot").write_bytes(b"")
    assert journal.snapshot("a") is None
    assert len(told) == 3
    journal.close()


def test_all_snapshots_damaged_means_replay_from_the_beginning(
    images: dict[str, Image], data: Path
) -> None:
    for path in (data / "snapshots").iterdir():
        path.write_bytes(b"")
    outcome = outcome_of(data)
    assert outcome.snapshots["a"] is None
    assert outcome.content == images["closed"].states[-1]
    with by_hand(data) as connection:
        connection.execute(
            "UPDATE record SET payload = x'00' WHERE instance = 'a' AND sequence = 1"
        )
    assert "record 1 does not match" in str(outcome_of(data).fault)


def test_a_snapshot_beyond_the_journal_or_of_other_records_is_not_used(
    data: Path, tmp_path: Path
) -> None:
    """An older backup was restored beside newer snapshots, and the journal grew on differently."""
    journal = open_journal(tmp_path / "older", quiet)
    journal.append(some_records("a", 1, 22))
    journal.close()
    (data / DATABASE).write_bytes((tmp_path / "older" / DATABASE).read_bytes())
    outcome = outcome_of(data)
    assert outcome.snapshots["a"] is None
    assert any("25 of instance a is beyond its last record, 22" in line for line in outcome.told)
    assert any("20 of instance a belongs to other records" in line for line in outcome.told)
