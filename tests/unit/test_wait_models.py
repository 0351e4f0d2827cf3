"""Wait models: when they are trained, by whom, where they are kept, and which are refused."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace

from ringfloor.base.codec import encode
from ringfloor.base.limits import WAIT_TRAINING_FIRST_MS
from ringfloor.base.time import HOUR, VirtualClock
from ringfloor.domain.facts import Leg
from ringfloor.domain.logged import final
from ringfloor.node import wait_models as module
from ringfloor.node.desk import Desk
from ringfloor.node.history import FETCHED_AT_ONCE, History
from ringfloor.node.wait_models import WaitModels, checked
from ringfloor.node.wait_process import PIECE, Task, learn, logged, pack, unpack
from ringfloor.waits import model as files
from ringfloor.waits.history import asks
from ringfloor.waits.model import LEAF, Forest, Forests, Rating, Slope, WaitModel
from wait_builders import START, a_log

DAY = 24 * HOUR
ECHO = "import sys; sys.stdout.buffer.write(open({path!r}, 'rb').read())"


def a_tree(**members):
    """One split, two leaves."""
    parts = {"feature": [0, LEAF, LEAF], "threshold": [1.0, 0, 0], "value": [0, 10.0, 20.0]}
    parts |= {"base": 5.0, "roots": [0], "left": [1, 0, 0], "right": [2, 0, 0]}
    parts |= members
    return Forest(**parts)


SLOPE = Slope(1.0, [0.5], [0.0], [9.0])


def a_model(version=1, forest=None, slope=SLOPE, **members):
    forest = forest or a_tree()
    parts = {"trained_on": 300, "scores": {"QLm": Rating(9.0, 12.0, 0.8)}, "uses": "QLm"}
    parts |= {"instance": "one", "trained_at": START, "forests": Forests(slope, [forest] * 4)}
    parts |= members
    return WaitModel(version=version, **parts)


class House:
    """A node with one instance, of whose past so many waits are told."""

    def __init__(self, waits=500, past=()):
        self.clock, self.woken, self.news = VirtualClock(START), 0, asyncio.Event()
        self.desks = {"one": Desk("one")}
        self.desks["one"].sequence = 7
        self.history = SimpleNamespace(
            waits=lambda _instance: waits,
            waited=lambda _instance, at_most, _bytes_max: list(past)[:at_most],
        )

    async def analyse(self, _desk, question):
        return question(self.history)

    def wake(self):
        self.woken += 1
        self.news.set()

    @property
    def model(self):
        return self.desks["one"].waiting.model


@asynccontextmanager
async def kept(house, data=None, every=DAY):
    models = WaitModels(house, data, every)
    models.restore()
    models.next_due()
    yield models
    await models.close()


async def passes(models, house, ms):
    house.clock.move_to(house.clock.now() + ms)
    models.next_due()
    house.news.clear()
    models.run_due(house.clock.now())
    if models.busy():
        await house.news.wait()


def says(monkeypatch, program):
    """What stands for the process that trains."""
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", program))


def a_file(monkeypatch, tmp_path, model, program=ECHO):
    path = tmp_path / "told"
    path.write_bytes(files.encode(model))
    says(monkeypatch, program.format(path=str(path)))


# When


async def test_the_first_is_trained_an_hour_after_the_start_the_next_a_day_later(
    monkeypatch, tmp_path
):
    house = House()
    a_file(monkeypatch, tmp_path, a_model())
    async with kept(house) as models:
        assert models.next_due() == START + WAIT_TRAINING_FIRST_MS
        await passes(models, house, WAIT_TRAINING_FIRST_MS - 1)
        assert house.model is None
        await passes(models, house, 1)
        assert (house.model.version, house.woken) == (1, 1)
        assert models.next_due() is None, "nothing has happened since"
        house.desks["one"].sequence += 1
        assert models.next_due() == START + WAIT_TRAINING_FIRST_MS + DAY


AS_TOLD = """
import sys, msgspec
from ringfloor.node.wait_process import unpack
from ringfloor.waits import model
task = unpack(sys.stdin.buffer.read())
told = model.decode(open({path!r}, "rb").read())
told = msgspec.structs.replace(told, version=task.version, trained_at=task.at)
sys.stdout.buffer.write(model.encode(told))
"""


async def test_each_has_the_next_number_and_the_hour_of_its_training(monkeypatch, tmp_path):
    house = House()
    a_file(monkeypatch, tmp_path, a_model(), AS_TOLD)
    async with kept(house) as models:
        for version in (1, 2, 3):
            await passes(models, house, DAY)
            assert (house.model.version, house.model.trained_at) == (version, house.clock.now())
            house.desks["one"].sequence += 1


async def test_with_off_there_are_none(tmp_path):
    house = House()
    path = tmp_path / module.DIRECTORY / "one.msgpack"
    path.parent.mkdir()
    path.write_bytes(files.encode(a_model()))
    async with kept(house, tmp_path, None) as models:
        assert models.next_due() is None
        await passes(models, house, 9 * DAY)
    assert house.model is None


async def test_of_few_waits_none_is_trained(monkeypatch, caplog):
    says(monkeypatch, "raise SystemExit('nobody asks')")
    house = House(waits=module.TRAINED_ON_MIN - 1)
    async with kept(house) as models:
        with caplog.at_level(logging.INFO):
            await passes(models, house, DAY)
    assert house.model is None
    assert "one: 199 waits are known; a model of them is trained from 200 on" in caplog.text


async def test_one_whose_clock_was_ahead_is_not_waited_for(tmp_path):
    path = tmp_path / module.DIRECTORY / "one.msgpack"
    path.parent.mkdir()
    path.write_bytes(files.encode(a_model(trained_at=START + 900 * DAY)))
    async with kept(House(), tmp_path) as models:
        assert models.next_due() == START + DAY


async def test_of_many_that_are_due_one_at_a_time_has_its_past_fetched(monkeypatch, tmp_path):
    house = House()
    a_file(monkeypatch, tmp_path, a_model())
    house.desks |= {name: Desk(name) for name in ("two", "three")}
    at_once, most = [], []
    fetch = house.history.waited

    async def analyse(desk, question):
        if desk.instance_id not in at_once:
            at_once.append(desk.instance_id)
            most.append(len(at_once))
        await asyncio.sleep(0)
        return question(house.history)

    class Process(subprocess.Popen):
        def __init__(self, *command, **how):
            super().__init__(*command, **how)
            at_once.clear()

    monkeypatch.setattr(subprocess, "Popen", Process)
    house.analyse, house.history.waited = analyse, fetch
    for number, desk in enumerate(house.desks.values(), 1):
        desk.sequence = number
    async with kept(house) as models:
        house.clock.move_to(START + DAY)
        models.run_due(house.clock.now())
        while models.busy():
            await house.news.wait()
            house.news.clear()
    assert most == [1, 1, 1]
    assert house.model is not None, "whose the file is"
    assert house.desks["two"].waiting.model is None, "whose it is not"


# On the disk


async def test_it_is_kept_as_a_whole_and_is_there_after_a_restart(monkeypatch, tmp_path):
    house = House()
    a_file(monkeypatch, tmp_path, a_model(3))
    async with kept(house, tmp_path) as models:
        await passes(models, house, DAY)
    assert [each.name for each in (tmp_path / module.DIRECTORY).iterdir()] == ["one.msgpack"]
    again = House()
    async with kept(again, tmp_path) as models:
        assert again.model == a_model(3)
        assert models.next_due() == START + DAY, "from when it was trained"


async def test_what_is_of_instances_that_are_gone_is_forgotten(monkeypatch, tmp_path):
    house = House()
    a_file(monkeypatch, tmp_path, a_model())
    directory = tmp_path / module.DIRECTORY
    directory.mkdir()
    for name in ("gone.msgpack", "one.part"):
        (directory / name).write_bytes(b"")
    async with kept(house, tmp_path) as models:
        assert not list(directory.iterdir())
        await passes(models, house, DAY)
        house.desks.clear()
        await passes(models, house, DAY)
    assert not list(directory.iterdir())


async def test_of_an_instance_that_is_deleted_while_it_is_learnt_from_nothing_stays(
    monkeypatch, tmp_path
):
    house = House()
    a_file(monkeypatch, tmp_path, a_model())
    desk = house.desks["one"]

    async def analyse(_desk, question):
        house.desks.clear()
        return question(house.history)

    house.analyse = analyse
    async with kept(house, tmp_path) as models:
        await passes(models, house, DAY)
        assert models.next_due() == house.clock.now(), "to forget when it was due"
        models.run_due(house.clock.now())
        assert models.next_due() is None
    assert desk.waiting.model is None
    assert not list((tmp_path / module.DIRECTORY).iterdir())


@pytest.mark.parametrize("step", ["mkdir", "open", "fsync", "replace"])
async def test_where_the_disk_fails_the_last_one_stays_whole(step, monkeypatch, tmp_path, caplog):
    house = House()
    a_file(monkeypatch, tmp_path, a_model(2))
    async with kept(house, tmp_path) as models:
        await passes(models, house, DAY)
        a_file(monkeypatch, tmp_path, a_model(3))

        def fails(*_some, **_named):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr(os if step == "fsync" else Path, step, fails)
            house.desks["one"].sequence += 1
            await passes(models, house, DAY)
    assert house.model.version == 2
    assert "no model of waits was trained: [Errno 28] No space left on device" in caplog.text
    assert [each.name for each in (tmp_path / module.DIRECTORY).iterdir()] == ["one.msgpack"]
    again = House()
    async with kept(again, tmp_path):
        assert again.model == a_model(2)


async def test_what_cannot_be_removed_stops_nobody(tmp_path, caplog):
    (tmp_path / module.DIRECTORY / "gone").mkdir(parents=True)
    async with kept(House(), tmp_path) as models:
        assert models.next_due() == START + WAIT_TRAINING_FIRST_MS
    assert f"{tmp_path / module.DIRECTORY / 'gone'} cannot be removed" in caplog.text


BROKEN = {
    "cut off": lambda: files.encode(a_model())[:-9],
    "another layout": lambda: msgspec.msgpack.encode({"layout": 99}),
    "of another instance": lambda: files.encode(a_model(instance="two")),
    "other features": lambda: files.encode(a_model(features=("one",))),
    "no forest for a quantile": lambda: files.encode(
        a_model(forests=Forests(SLOPE, [a_tree()] * 3))
    ),
    "a slope that is no number": lambda: files.encode(
        a_model(slope=Slope(float("inf"), [1.0], [0.0], [9.0]))
    ),
    "a way that goes round": lambda: files.encode(a_model(forest=a_tree(left=[0, 0, 0]))),
    "a way to nowhere": lambda: files.encode(a_model(forest=a_tree(right=[3, 0, 0]))),
    "a root that is none": lambda: files.encode(a_model(forest=a_tree(roots=[-1]))),
    "an unknown feature": lambda: files.encode(a_model(forest=a_tree(feature=[999, -1, -1]))),
    "a leaf that is no number": lambda: files.encode(
        a_model(forest=a_tree(value=[0, float("nan"), 1]))
    ),
    "columns of several lengths": lambda: files.encode(a_model(forest=a_tree(value=[0]))),
    "offsets that are none": lambda: files.encode(a_model(offsets={"QLm": [1.0]})),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_file_that_is_broken_or_foreign_is_refused(broken, tmp_path, caplog):
    path = tmp_path / module.DIRECTORY / "one.msgpack"
    path.parent.mkdir()
    path.write_bytes(BROKEN[broken]())
    house = House()
    async with kept(house, tmp_path):
        assert house.model is None
    assert f"{path} is refused: " in caplog.text
    assert "waits are estimated by QLm until the next training" in caplog.text


def test_a_sound_model_is_not_refused():
    assert checked(a_model(), "one") == a_model()
    assert checked(a_model(forests=None, offsets={"QLm": []}), "one").forests is None


# What goes wrong


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("raise SystemExit('no room')", "ended with 1: no room"),
        ("print('hello')", "no model of waits was trained: "),
        ("import time; time.sleep(60)", "it takes more than 0.2 s"),
    ],
)
async def test_whatever_goes_wrong_the_last_one_goes_on(program, told, monkeypatch, caplog):
    monkeypatch.setattr(module, "WAIT_TRAINING_SECONDS_MAX", 0.2 if "sleep" in program else 60)
    says(monkeypatch, program)
    house = House()
    async with kept(house) as models:
        last = house.desks["one"].waiting.model = a_model(4)
        await passes(models, house, DAY)
    assert house.model is last
    assert told in caplog.text


async def test_who_stops_keeps_what_there_was(monkeypatch, tmp_path):
    """And what has not been begun is not."""
    says(monkeypatch, "raise SystemExit('nobody asks')")
    path = tmp_path / module.DIRECTORY / "one.msgpack"
    path.parent.mkdir()
    path.write_bytes(files.encode(a_model()))
    house = House()
    house.desks["two"] = Desk("two")
    async with kept(house, tmp_path) as models:
        house.clock.move_to(START + 2 * DAY)
        models.run_due(house.clock.now())
        assert models.busy()
        await models.close()
    assert path.exists()
    assert house.model == a_model()


async def test_who_stops_waits_for_no_training(monkeypatch, caplog):
    says(monkeypatch, "import time; time.sleep(60)")
    begun = threading.Event()

    class Begun(subprocess.Popen):
        def __init__(self, *command, **how):
            super().__init__(*command, **how)
            begun.set()

    monkeypatch.setattr(subprocess, "Popen", Begun)
    house = House()
    async with kept(house) as models:
        house.clock.move_to(START + DAY)
        models.run_due(house.clock.now())
        await asyncio.to_thread(begun.wait)
    assert not models.busy()
    assert caplog.text == ""


# What is learnt


def test_our_own_contacts_are_learnt_from_as_those_of_a_log():
    log = [replace(each, after_contact_work_ms=5_000) for each in a_log(1, 40)]
    log = [each if each.agent else replace(each, after_contact_work_ms=None) for each in log]
    ours = [logged(final(each, "profile")) for each in log]
    assert ours == [replace(each, queue="sales VOICE") for each in log]
    expected = list(asks(ours))
    model = learn(Task("one", 6, START, [encode(final(each, "profile")) for each in log]))
    assert (model.instance, model.version, model.trained_at) == ("one", 6, START)
    assert model.trained_on == sum(each.answered for each in expected)


@pytest.mark.parametrize("count", [0, 1, PIECE, 2 * PIECE + 1])
def test_what_is_packed_piece_by_piece_is_unpacked_whole(count):
    task = Task("one", 3, START, [bytes([number % 256]) * number for number in range(count)])
    assert unpack(bytes(pack(task))) == task


@pytest.mark.parametrize("left", [0, 5, 30, -1])
def test_of_a_task_that_was_cut_off_nothing_is_learnt(left):
    packed = pack(Task("one", 3, START, [b"one", b"two"]))
    with pytest.raises(msgspec.MsgspecError):
        unpack(packed[:left])


class Few:
    """A cursor that counts how many rows are handed over at once."""

    def __init__(self, cursor, most):
        self._cursor, self._most = cursor, most

    def __getattr__(self, name):
        return getattr(self._cursor, name)

    def fetchmany(self, size):
        self._most.append(size)
        return self._cursor.fetchmany(size)


@pytest.mark.parametrize(
    ("at_most", "bytes_max", "count"),
    [(9_999, 9_999_999, 450), (201, 9_999_999, 201), (9_999, 2_000, 200), (9_999, 2_001, 400)],
)
def test_the_past_is_fetched_a_few_at_a_time_the_last_first_and_not_more_than_is_good(
    at_most, bytes_max, count, monkeypatch
):
    history = History.open(None, pytest.fail)
    times = {"initiated_at": START, "disconnected_at": START + 2_000, "dequeued_at": START + 1_000}
    keys = {"channel": "VOICE", "queue_id": "q", "initiation_method": "INBOUND"}
    legs = [
        Leg(contact_id=f"c{at}", enqueued_at=START + at, record=b"%010d" % at, **times, **keys)
        for at in range(450)
    ]
    never = Leg(contact_id="never in line", record=b"none", **times | {"dequeued_at": None}, **keys)
    history.load("one", 1, [*legs, never])
    history.load("two", 1, legs[:9])
    most, cursor = [], history._cursor

    @contextmanager
    def counting():
        with cursor() as real:
            yield Few(real, most)

    monkeypatch.setattr(history, "_cursor", counting)
    found = history.waited("one", at_most, bytes_max)
    assert found == [each.record for each in reversed(legs)][:count]
    assert set(most) == {FETCHED_AT_ONCE}
    history.close()


async def test_a_process_of_its_own_learns_it():
    house = House(past=[encode(final(each, "profile")) for each in a_log(2, 60)])
    async with kept(house) as models:
        await passes(models, house, DAY)
    assert (house.model.version, house.model.uses) == (1, "QLm")
    assert house.model.trained_on > 0
