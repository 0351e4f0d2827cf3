"""The history as a store: exactly once, through restarts, kills, damage and many threads."""

import subprocess
import sys
import typing
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from pathlib import Path
from threading import Event
from types import NoneType, UnionType
from zlib import crc32

import duckdb
import msgspec
import pytest

from ringfloor.base.codec import decoder, encode
from ringfloor.base.errors import Fault
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import AttributesUpdated
from ringfloor.domain.facts import AgentTime, Amendment, Expiry, Fact, Leg, Offer
from ringfloor.node import history as historical
from ringfloor.node.history import FILE, History
from ringfloor.projections.historical_request import parse
from ringfloor.projections.records import SINCE

START = 1_709_632_800_000
NOW = START + 900_000
SERVED = {"p": frozenset({"sales"})}
numbers = count()
read_contact = decoder(Contact).decode


def a_leg(**changes: object) -> Leg:
    given = {
        "contact_id": f"contact-{next(numbers)}",
        "queue_id": "sales",
        "channel": "VOICE",
        "initiation_method": "INBOUND",
        "initiated_at": START,
        "disconnected_at": START + 1,
        "connected_to_agent_at": START,
    }
    return Leg(**(given | changes))


def a_missed_offer(at: int = START + 2) -> Offer:
    return Offer(
        contact_id="c",
        agent_id="a",
        queue_id="sales",
        channel="VOICE",
        offered_at=at - 1,
        ended_at=at,
        outcome="missed",
    )


def an_agent_time() -> AgentTime:
    return AgentTime(
        agent_id="a",
        routing_profile_id="p",
        kind="contact",
        started_at=START,
        ended_at=START + 1_000,
    )


def a_batch() -> list[Fact]:
    """Three handled contacts and two missed offers: an answer shows both, or neither."""
    return [
        a_leg(),
        a_missed_offer(),
        a_leg(),
        an_agent_time(),
        a_missed_offer(),
        a_leg(),
    ]


QUERY = parse(
    {
        "StartTime": START / 1000,
        "EndTime": START / 1000 + 300,
        "Filters": {"Channels": ["VOICE"]},
        "HistoricalMetrics": [
            {"Name": "CONTACTS_HANDLED"},
            {"Name": "CONTACTS_MISSED"},
            {"Name": "SERVICE_LEVEL", "Threshold": {"Comparison": "LT", "ThresholdValue": 1}},
            {"Name": "OCCUPANCY"},
        ],
    },
    NOW,
    lambda text: text,
)


def seen(history: History, instance: str = "i") -> tuple[float, float]:
    """Handled contacts and missed offers."""
    rows = history.answer(instance, QUERY, [], SERVED)
    if not rows:
        return 0, 0
    [row] = rows
    handled, missed, *_ = row.values
    return handled, missed


@pytest.fixture
def history():
    history = History.open(None, pytest.fail)
    yield history
    history.close()


# Exactly once


def test_nothing_is_loaded_at_first(history):
    assert history.last("i") == 0
    assert seen(history) == (0, 0)


def test_a_batch_counts_once_however_often_it_is_loaded(history):
    batch = a_batch()
    history.load("i", 7, batch)
    history.load("i", 7, batch)
    history.load("i", 6, batch)
    assert history.last("i") == 7
    assert seen(history) == (3, 2)
    history.load("i", 8, a_batch())
    assert history.last("i") == 8
    assert seen(history) == (6, 4)


def test_a_batch_without_facts_moves_the_sequence(history):
    history.load("i", 3, [])
    assert history.last("i") == 3


def test_instances_do_not_see_each_other(history):
    one, other = a_leg(record=b"one"), a_leg(record=b"other")
    history.load("i", 5, [one, a_missed_offer()])
    history.load("j", 2, [other])
    assert (history.last("i"), history.last("j")) == (5, 2)
    assert seen(history, "i") == (1, 1)
    assert seen(history, "j") == (1, 0)
    assert history.leg("i", one.contact_id) == b"one"
    assert history.leg("j", one.contact_id) is None


def test_a_forgotten_instance_begins_again(history):
    batch = a_batch()
    history.load("i", 5, batch)
    history.load("j", 5, a_batch())
    history.forget("i")
    assert history.last("i") == 0
    assert seen(history, "i") == (0, 0)
    assert history.leg("i", batch[0].contact_id) is None
    assert seen(history, "j") == (3, 2)
    history.load("i", 1, batch)
    assert seen(history, "i") == (3, 2)


def test_facts_that_cannot_be_kept_leave_nothing_behind(history):
    history.load("i", 1, a_batch())
    with pytest.raises((OverflowError, TypeError, ValueError)):
        history.load("i", 2, [a_leg(), a_leg(disconnected_at=2**63)])
    assert history.last("i") == 1
    assert seen(history) == (3, 2)


def test_a_transaction_that_fails_half_way_leaves_nothing_behind(history, monkeypatch):
    wrong = historical.TABLES[Offer]._replace(name="no_such_table")
    with monkeypatch.context() as patch:
        patch.setitem(historical.TABLES, Offer, wrong)
        with pytest.raises(Fault, match="no_such_table"):
            history.load("i", 1, a_batch())
    assert history.last("i") == 0
    assert seen(history) == (0, 0)
    history.load("i", 1, a_batch())
    assert seen(history) == (3, 2)


# Legs


def test_a_leg_is_found_by_its_contact(history):
    legs = [a_leg(record=bytes([n, 0, 255])) for n in range(100)]
    history.load("i", 1, legs[:50])
    history.load("i", 2, legs[50:])
    for leg in legs:
        assert history.leg("i", leg.contact_id) == leg.record
    assert history.leg("i", "unknown") is None


def test_contacts_whose_keys_collide_are_told_apart(history):
    assert crc32(b"plumless") == crc32(b"buckeroo")
    history.load("i", 1, [a_leg(contact_id="plumless", record=b"p")])
    assert history.leg("i", "buckeroo") is None
    history.load("i", 2, [a_leg(contact_id="buckeroo", record=b"b")])
    assert history.leg("i", "buckeroo") == b"b"
    assert history.leg("i", "plumless") == b"p"


def test_a_leg_without_a_record_is_not_a_leg_that_is_missing(history):
    leg = a_leg()
    history.load("i", 1, [leg])
    assert history.leg("i", leg.contact_id) == b""


def test_a_leg_without_any_optional_field(history):
    history.load("i", 1, [a_leg(connected_to_agent_at=None)])
    [row] = history.answer("i", QUERY, [], SERVED)
    assert row.values == [0.0, 0.0, None, None]


def test_text_is_kept_as_it_is(history):
    odd = "'; DROP TABLE leg; -- \u2603 %s $start"
    history.load(odd, 1, [a_leg(contact_id=odd, queue_id=odd, record=b"r")])
    assert history.leg(odd, odd) == b"r"
    assert seen(history, odd) == (1, 0)


# What is said of a leg afterwards


def a_record(contact_id: str, **attributes: str) -> bytes:
    return encode(
        Contact(
            id=contact_id,
            channel="VOICE",
            initiation_method="INBOUND",
            stage="ENDED",
            initiated_at=START,
            updated_at=START,
            attributes=attributes,
        )
    )


def an_amendment(contact_id: str, **attributes: str) -> Amendment:
    return Amendment(change=AttributesUpdated(contact_id, attributes), at=START + next(numbers))


def attributes(history: History, contact_id: str, instance: str = "i") -> dict[str, str] | None:
    record = history.leg(instance, contact_id)
    return None if record is None else read_contact(record).attributes


@pytest.mark.parametrize("batches", [[4], [1, 3], [1, 1, 2], [2, 2], [1, 1, 1, 1]])
def test_amendments_of_a_leg_add_up_in_whatever_batches_they_come(history, batches):
    facts = iter(
        [
            a_leg(contact_id="c", record=a_record("c", k="0", l="0")),
            an_amendment("c", k="1", m="1"),
            an_amendment("c", k="2"),
            an_amendment("c", n="3"),
        ]
    )
    for sequence, size in enumerate(batches, 1):
        batch = [next(facts) for _ in range(size)]
        for _ in range(2):  # loaded twice, said once
            history.load("i", sequence, batch)
    assert attributes(history, "c") == {"k": "2", "l": "0", "m": "1", "n": "3"}
    assert seen(history) == (1, 0)


def test_an_amendment_is_of_one_leg_of_one_instance(history):
    for instance, contact_id in (("i", "plumless"), ("i", "buckeroo"), ("j", "plumless")):
        leg = a_leg(contact_id=contact_id, record=a_record(contact_id))
        history.load(instance, history.last(instance) + 1, [leg])
    gone = an_amendment("gone", k="v")
    history.load("i", 3, [gone, an_amendment("plumless", k="v"), gone])
    assert attributes(history, "plumless") == {"k": "v"}
    assert attributes(history, "buckeroo") == attributes(history, "plumless", "j") == {}
    assert attributes(history, "gone") is None


def test_an_amendment_that_fails_takes_its_batch_with_it(history):
    history.load("i", 1, [a_leg(contact_id="c", record=b"no contact")])
    with pytest.raises(msgspec.MsgspecError):
        history.load("i", 2, [*a_batch(), an_amendment("c", k="v")])
    assert history.last("i") == 1
    assert seen(history) == (1, 0)


def test_what_expires_is_gone_in_its_turn(history):
    """Older than the instant: legs by their beginning, all else by its end."""
    old, kept, late = (a_leg(initiated_at=START + at, record=b"r") for at in (-1, 0, -2))
    facts = [a_missed_offer(at) for at in (START - 1, START)] + [
        AgentTime(
            agent_id="a", routing_profile_id="p", kind="idle", started_at=START - 9, ended_at=ended
        )
        for ended in (START - 1, START)
    ]
    history.load("j", 1, [old, kept, *facts])
    history.load("i", 1, [old, kept, *facts])
    history.load("i", 2, [a_leg(initiated_at=START - 1), Expiry(before=START), late])
    assert [history.leg("i", leg.contact_id) for leg in (old, kept, late)] == [None, b"r", b"r"]
    for instance, offers, times in (("i", 1, 1), ("j", 2, 2)):
        found = {name: count for name, count in counts(history, instance).items() if count}
        assert found == {"leg": 2, "offer": offers, "agent_time": times}


def a_fact(kind: type[Fact], at: int) -> Fact:
    """Something in every field, each of its own type; the instants are these."""
    members = {}
    for number, field in enumerate(msgspec.structs.fields(kind)):
        shapes = typing.get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
        words = [word for shape in shapes for word in typing.get_args(shape) or [shape]]
        match next(each for each in words if each is not NoneType):
            case str() as word:
                members[field.name] = word
            case shape if shape is int:
                members[field.name] = number
            case shape if shape is bool:
                members[field.name] = True
            case shape if shape is bytes:
                members[field.name] = b"b"
            case _:
                members[field.name] = {
                    dict: {field.name: "v"},
                    tuple: ("one", "two"),
                }.get(typing.get_origin(field.type), field.name)
    return kind(**(members | {SINCE[kind]: at}))


@pytest.mark.parametrize("kind", SINCE)
def test_a_fact_is_kept_as_it_was_told_until_it_expires(history, kind):
    facts = [a_fact(kind, START), a_fact(kind, START - 1)]
    history.load("i", 1, facts)
    columns = ", ".join(f'"{field.name}"' for field in msgspec.structs.fields(kind))
    table = historical.TABLES[kind]
    statement = f'SELECT {columns} FROM {table.name} ORDER BY "{table.since}" DESC'

    def kept():
        rows = history._database.cursor().execute(statement).fetchall()
        return [tuple(map(tuple_or_value, row)) for row in rows]

    assert kept() == [tuple(map(tuple_or_value, msgspec.structs.astuple(fact))) for fact in facts]
    history.load("i", 2, [Expiry(before=START)])
    assert [row[kind.__struct_fields__.index(table.since)] for row in kept()] == [START]


def tuple_or_value(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def counts(history: History, instance: str) -> dict[str, int]:
    cursor = history._database.cursor()
    return {
        table.name: cursor.execute(
            f"SELECT count(*) FROM {table.name} WHERE instance = ?", [instance]
        ).fetchall()[0][0]
        for table in historical.TABLES.values()
    }


# Restarts


def test_what_is_loaded_outlives_a_restart(tmp_path):
    directory = tmp_path / "not" / "there"
    batch = a_batch()
    history = History.open(directory, pytest.fail)
    history.load("i", 7, batch)
    history.load("j", 2, [])
    history.close()
    for _ in range(2):
        history = History.open(directory, pytest.fail)
        assert (history.last("i"), history.last("j")) == (7, 2)
        assert seen(history) == (3, 2)
        history.load("i", 7, batch)
        assert seen(history) == (3, 2)
        history.close()


LOADER = f"""
import sys
from pathlib import Path
from ringfloor.domain.facts import Leg, Offer
from ringfloor.node.history import History
history = History.open(Path(sys.argv[1]), print)
at = {START} + 1
for sequence in range(history.last("i") + 1, 1_000_000):
    facts = [
        Leg(contact_id=f"c{{sequence}}-{{n}}", queue_id="sales", channel="VOICE",
            initiation_method="INBOUND", initiated_at=at, disconnected_at=at,
            connected_to_agent_at=at, record=bytes(500))
        for n in range(30)
    ] + [
        Offer(contact_id="c", agent_id="a", queue_id="sales", channel="VOICE", offered_at=at,
              ended_at=at, outcome="missed")
    ] * 20
    history.load("i", sequence, facts)
    print(sequence, flush=True)
"""


def test_kill_9_while_loading_loses_nothing_and_shows_no_half_batch(tmp_path):
    for reports in (3, 60, 17):
        loader = subprocess.Popen(
            [sys.executable, "-c", LOADER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        reported = [int(loader.stdout.readline()) for _ in range(reports)]
        loader.kill()
        rest = loader.communicate()[0].split()
        reported += [int(line) for line in rest]
        history = History.open(tmp_path, pytest.fail)
        last = history.last("i")
        assert reported[-1] <= last <= reported[-1] + 1
        assert seen(history) == (30 * last, 20 * last)
        assert history.leg("i", f"c{last}-29") == bytes(500)
        history.close()


# Damage


@pytest.fixture
def kept(tmp_path):
    """A directory with a history that was closed in good order."""
    history = History.open(tmp_path, pytest.fail)
    history.load("i", 7, [a_leg(record=bytes(range(256)) * 40) for _ in range(500)])
    history.close()
    return tmp_path


def overwritten(path: Path, offset: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes(reversed(range(256))) * (length // 256))


def another_program(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE leg (shoe VARCHAR)")


def another_version(path: Path) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("UPDATE about SET layout = '0: ' || layout")


DAMAGES = {
    "text": lambda path: path.write_text("hello " * 10_000),
    "empty": lambda path: path.write_bytes(b""),
    "headers": lambda path: overwritten(path, 0, 12_288),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "noise": lambda path: overwritten(path, 12_288, path.stat().st_size - 12_288),
    "another program": another_program,
    "another version": another_version,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_unusable_file_is_set_aside_and_a_new_one_begun(kept, damage):
    damage(kept / FILE)
    unusable = (kept / FILE).read_bytes()
    reports: list[str] = []
    history = History.open(kept, reports.append)
    [report] = reports
    assert f"{FILE}.aside-1" in report
    assert (kept / f"{FILE}.aside-1").read_bytes() == unusable
    assert history.last("i") == 0
    history.load("i", 1, a_batch())
    assert seen(history) == (3, 2)
    history.close()
    history = History.open(kept, pytest.fail)
    assert history.last("i") == 1
    history.close()


def test_each_unusable_file_gets_a_name_of_its_own(kept):
    for number in (1, 2, 3):
        (kept / FILE).write_text(f"damage {number}")
        reports: list[str] = []
        History.open(kept, reports.append).close()
        assert (kept / f"{FILE}.aside-{number}").read_text() == f"damage {number}"


def test_a_damaged_log_is_set_aside_with_its_file(tmp_path):
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(20):
        loader.stdout.readline()
    loader.kill()
    loader.communicate()
    log = tmp_path / f"{FILE}.wal"
    overwritten(log, log.stat().st_size // 2, 256)
    reports: list[str] = []
    history = History.open(tmp_path, reports.append)
    last = history.last("i")
    assert bool(reports) == (last == 0)
    assert seen(history) == (30 * last, 20 * last)
    history.close()


def test_a_log_without_its_file_is_set_aside(kept):
    (kept / FILE).rename(kept / f"{FILE}.wal")
    reports: list[str] = []
    history = History.open(kept, reports.append)
    assert len(reports) == 1
    assert history.last("i") == 0
    assert (kept / f"{FILE}.aside-1.wal").exists()
    history.close()


def test_a_file_that_another_process_uses_is_left_alone(kept):
    holder = subprocess.Popen(
        [sys.executable, "-c", LOADER, str(kept)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "8\n"
        with pytest.raises(Fault, match="in use by another process"):
            History.open(kept, pytest.fail)
        assert int(holder.stdout.readline()) == 9
    finally:
        holder.kill()
        holder.communicate()
    assert [path.name for path in kept.iterdir() if "aside" in path.name] == []


def test_a_directory_that_cannot_be_one_is_a_fault(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match="no history can be kept"):
        History.open(tmp_path / "file", pytest.fail)


def test_a_closed_history_says_so():
    history = History.open(None, pytest.fail)
    history.close()
    with pytest.raises(Fault, match="history cannot be used"):
        history.last("i")


def test_nothing_but_its_own_file_can_be_reached(history, tmp_path):
    (tmp_path / "secret.csv").write_text("a,b\n")
    with (
        pytest.raises(Fault, match=r"disabled|denied|Permission"),
        history._cursor() as cursor,
    ):
        cursor.execute(f"SELECT * FROM '{tmp_path}/secret.csv'")


# Threads


@pytest.mark.parametrize("on_disk", [False, True])
def test_answers_while_loading_never_show_half_a_batch(tmp_path, on_disk):
    history = History.open(tmp_path if on_disk else None, pytest.fail)
    finished = Event()
    batches = 60

    def watch() -> list[tuple[float, float]]:
        answers = []
        while not finished.is_set():
            answers.append(seen(history))
        return [*answers, seen(history)]

    with ThreadPoolExecutor() as pool:
        watchers = [pool.submit(watch) for _ in range(2)]
        try:
            for sequence in range(1, batches + 1):
                history.load("i", sequence, a_batch())
        finally:
            finished.set()
        for watcher in watchers:
            answers = watcher.result()
            assert all(handled * 2 == missed * 3 for handled, missed in answers)
            assert all(one <= other for one, other in pairwise(answers))
            assert answers[-1] == (3 * batches, 2 * batches)
    history.close()


def test_many_threads_load_the_same_batches(history):
    batches = {
        (instance, sequence): a_batch() for sequence in range(1, 11) for instance in ("i", "j", "k")
    }

    def load_all(_: int) -> None:
        for (instance, sequence), batch in batches.items():
            history.load(instance, sequence, batch)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(load_all, range(6)))
    for instance in ("i", "j", "k"):
        assert history.last(instance) == 10
        assert seen(history, instance) == (30, 20)


def test_a_batch_of_many_facts_in_any_order(history):
    history.load("i", 1, list(reversed(a_batch() * 500)))
    assert seen(history) == (1_500, 1_000)
