"""Streams: everything is told at least once, in order and under one id, whatever breaks."""

import asyncio
import errno
import json
import os
import stat
import sys
from collections import Counter, defaultdict
from random import Random

import pytest

from node_builders import START, KeptHistory, KeptJournal, Office, a_node
from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND, VirtualClock
from ringfloor.domain.events import Origin
from ringfloor.node import node as node_module
from ringfloor.node import stream_hearts, stream_outlets, stream_reading
from ringfloor.node import streams as module
from ringfloor.node.stream_lines import STREAMS, Position
from ringfloor.node.stream_reading import Reading
from ringfloor.node.streams import CURSOR_NOTE, Streams
from stream_hearers import Hearer, heard_by, level, outlet, until

NOBODY = "http://127.0.0.1:9/"
"""Where nothing listens."""

HOUR = 3600


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS", 1)
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS_MAX", 2)
    monkeypatch.setattr(module, "STREAM_NOTE_MS", 0)


def to_files(directory, *streams):
    return Streams({each: str(directory / each) for each in streams or STREAMS})


def told(directory, stream="contact-events"):
    return [json.loads(line) for line in (directory / stream).read_text().splitlines()]


def names(lines):
    return [(each["detail"]["contactId"], each["detail"]["eventType"]) for each in lines]


def beats(directory):
    return [each for each in told(directory, "agent-events") if each["EventType"] == "HEART_BEAT"]


class Center:
    """What outlives a node."""

    def __init__(self):
        self.journal, self.clock = KeptJournal(), VirtualClock(START)
        self.history = KeptHistory.open(None, print)

    def node(self, streams, seed=1):
        return a_node(self.journal, self.clock, seed, self.history, streams=streams)


async def two_calls(stage):
    """In two instances, turn by turn."""
    offices = [await stage.an_instance(name, ["ann"]) for name in ("one", "two")]
    for office in offices:
        await office.status("ann", "Available")
    contacts = [await office.a_call() for office in offices]
    for office, contact in zip(offices, contacts, strict=True):
        await office.customer_hangs_up(contact)
    return offices


async def test_what_waits_when_the_node_stops_is_told_before_it_has_stopped(tmp_path):
    async with a_node(streams=to_files(tmp_path)) as stage:
        offices = await two_calls(stage)
        ids = {each.instance_id for each in offices}
    lines = told(tmp_path)
    assert {each["detail"]["instanceArn"].rsplit("/", 1)[1] for each in lines} == ids
    assert Counter(each["detail"]["eventType"] for each in lines)["INITIATED"] == 2
    assert stat.S_IMODE((tmp_path / "contact-events").stat().st_mode) == 0o600


async def test_after_a_crash_anywhere_what_was_not_noted_is_told_again_under_its_id(tmp_path):
    center = Center()
    notes = []
    put = center.journal.put_note

    def kept(key, value):
        if key == CURSOR_NOTE:
            notes.append(value)
        put(key, value)

    center.journal.put_note = kept
    async with center.node(to_files(tmp_path)) as stage:
        await two_calls(stage)
    first = {stream: told(tmp_path, stream) for stream in ("contact-events", "agent-events")}
    for number in (0, len(notes) // 3, len(notes) // 2, len(notes) - 1):
        note = notes[number]
        put(CURSOR_NOTE, note)
        again = tmp_path / str(number)
        async with center.node(to_files(again)):
            pass
        for stream, lines in first.items():
            repeated = told(again, stream)
            each_instance = {json.dumps(line, sort_keys=True) for line in lines}
            assert {json.dumps(line, sort_keys=True) for line in repeated} <= each_instance
            if number == 0:
                assert len(repeated) == len(lines)
            if number == len(notes) - 1:
                assert repeated == []


async def test_who_takes_nothing_does_not_hold_up_the_others(tmp_path):
    center = Center()
    streams = Streams({"agent-events": NOBODY, "contact-events": str(tmp_path / "contact-events")})
    async with center.node(streams) as stage:
        one, _ = await two_calls(stage)
        await until(lambda: Counter(kind for _, kind in names(told(tmp_path)))["COMPLETED"] >= 1)
        assert streams.cursor("contact-events", one.instance_id) > 1
        assert streams.cursor("agent-events", one.instance_id) < one.desk.sequence
        streams._everywhere[0].stop()
    before = names(told(tmp_path))
    async with center.node(to_files(tmp_path)):
        pass
    assert names(told(tmp_path)) == before
    assert told(tmp_path, "agent-events")[0]["EventType"] == "LOGIN"


def in_order(lines):
    """Whether each contact's and agent's lines are told in order, and none is missing."""
    told = defaultdict(list)
    for each in lines:
        if each.position not in told[each.instance_id, each.about]:
            told[each.instance_id, each.about].append(each.position)
    return all(each == sorted(each) for each in told.values())


@pytest.mark.parametrize("stream", STREAMS[:3])
async def test_what_is_too_much_to_be_kept_is_read_from_the_journal_without_a_restart(
    monkeypatch, caplog, stream
):
    everything = Hearer()
    async with a_node(streams=heard_by(everything, stream)) as stage:
        for _ in range(3):
            await two_calls(stage)
    monkeypatch.setattr(stream_outlets, "STREAM_PENDING_MAX", 3)
    monkeypatch.setattr(stream_outlets, "STREAM_BATCH_MAX", 2)
    hearer = Hearer("refuses")
    streams = heard_by(hearer, stream)
    async with a_node(streams=streams) as stage:
        offices = [*await two_calls(stage), *await two_calls(stage)]
        assert "read from the journal" in caplog.text
        assert len(outlet(streams, stream).pending) <= 3
        hearer.mood = "takes one"
        await level(streams, *(each.instance_id for each in offices))
        offices = await two_calls(stage)
        await level(streams, *(each.instance_id for each in offices))
        assert streams.cursor(stream, offices[0].instance_id) == offices[0].desk.sequence
    assert in_order(hearer.lines)
    assert set(hearer.lines) == set(everything.lines)
    assert len(hearer.lines) == len(everything.lines)


async def test_who_cannot_keep_up_while_he_catches_up_still_hears_everything(monkeypatch):
    """The journal grows while it is read; what is put meanwhile overflows again."""
    monkeypatch.setattr(stream_outlets, "STREAM_PENDING_MAX", 2)
    monkeypatch.setattr(stream_reading, "STREAM_SLICE_MS", 0.01)
    hearer = Hearer("refuses")
    streams = heard_by(hearer, "contact-events")
    async with a_node(streams=streams) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        for number in range(12):
            hearer.mood = ("refuses", "takes one", "takes")[number % 3]
            await office.customer_hangs_up(await office.a_call())
        hearer.mood = "takes"
        await level(streams, office.instance_id)
    counted = Counter(each.id for each in hearer.lines)
    kinds = Counter(json.loads(each.body)["detail"]["eventType"] for each in hearer.lines)
    assert set(counted.values()) == {1}
    assert kinds["INITIATED"] == kinds["DISCONNECTED"] == 12
    assert in_order(hearer.lines)


@pytest.mark.parametrize("ending", ["stop", "crash"])
async def test_what_was_not_taken_is_read_from_the_journal_after_a_restart(ending, monkeypatch):
    center, hearer = Center(), Hearer("refuses")
    async with center.node(heard_by(hearer, "contact-events", "agent-events")) as stage:
        offices = await two_calls(stage)
        monkeypatch.setattr(node_module, "STREAM_FINISH_MS", 1)
        if ending == "crash":
            monkeypatch.setattr(center.journal, "put_note", lambda *_: None)
    assert hearer.lines == []
    monkeypatch.undo()
    hearer.mood = "takes"
    streams = heard_by(hearer, "contact-events", "agent-events")
    async with center.node(streams):
        await level(streams, *(each.instance_id for each in offices))
    assert in_order(hearer.lines)
    told = [json.loads(each.body) for each in hearer.lines]
    kinds = Counter(each.get("EventType") or each["detail"]["eventType"] for each in told)
    assert kinds["COMPLETED"] == kinds["LOGIN"] == len(offices)


def whole(journal, stream, instance_id):
    """What the journal has to tell of an instance, from its first record."""
    reading, lines = Reading(journal, instance_id, stream, Position(0)), []
    while reading.sequence < journal.last(instance_id):
        lines += reading.read(None)
    return lines


@pytest.mark.parametrize("stream", ["contact-events", "agent-events"])
@pytest.mark.parametrize("seed", range(5))
async def test_whatever_breaks_everything_is_told_in_order(seed, stream, monkeypatch):
    """Overflows, moods, crashes that forget the latest notes; then, what the journal has."""
    chance = Random(seed)
    monkeypatch.setattr(stream_outlets, "STREAM_PENDING_MAX", chance.randint(1, 8))
    monkeypatch.setattr(stream_outlets, "STREAM_BATCH_MAX", chance.randint(1, 4))
    monkeypatch.setattr(stream_reading, "STREAM_SLICE_MS", 0.05)
    monkeypatch.setattr(node_module, "STREAM_FINISH_MS", 1)
    center, hearer, offices = Center(), Hearer(), {}
    put = center.journal.put_note
    for life in range(4):
        streams = heard_by(hearer, stream)
        async with center.node(streams, seed=100 * seed + life) as stage:
            if life < 2:
                office = await stage.an_instance(f"office{life}", ["ann"])
                offices[office.instance_id] = "ann"
            for _ in range(chance.randint(1, 6)):
                hearer.mood = chance.choice(["takes", "takes one", "refuses"])
                office = Office(stage, chance.choice(sorted(offices)))
                await office.status("ann", chance.choice(["Available", "Offline"]))
                contact = await office.a_call()
                for _ in range(chance.randint(0, 5)):
                    await asyncio.sleep(0)
                await office.customer_hangs_up(contact)
            if chance.random() < 0.5:
                monkeypatch.setattr(center.journal, "put_note", lambda *_: None)
        center.journal.put_note = put
    hearer.mood = "takes"
    streams = heard_by(hearer, stream)
    async with center.node(streams, seed=100 * seed + 99):
        await level(streams, *offices)
    told = [each for each in hearer.lines if not each.is_beat]
    assert told
    assert in_order(told)
    for instance_id in offices:
        expected = whole(center.journal, stream, instance_id)
        heard = {each.position: each for each in told if each.instance_id == instance_id}
        assert sorted(heard.values(), key=lambda each: each.position) == expected


async def test_a_target_that_hangs_costs_a_turn_nothing():
    """Counted, not timed: calls of functions while turns are made, whatever the target does."""

    async def cost(mood):
        hearer = Hearer(mood)
        streams = heard_by(hearer, *STREAMS)
        calls, tell, notes = Counter(), streams.tell, streams.notes

        def counted(work):
            def run(*given):
                sys.setprofile(lambda _frame, what, _: calls.update([what]))
                try:
                    return work(*given)
                finally:
                    sys.setprofile(None)

            return run

        streams.tell, streams.notes = counted(tell), counted(notes)
        async with a_node(streams=streams) as stage:
            await two_calls(stage)
            for each in streams._everywhere:
                each.stop()
        return calls["call"]

    takes = await cost("takes")
    assert takes > 100
    assert await cost("hangs") <= takes
    assert await cost("refuses") <= takes


async def test_a_target_that_wants_no_more_is_left_alone_until_the_next_start(caplog):
    center, hearer = Center(), Hearer("goes")
    async with center.node(heard_by(hearer, "contact-events")) as stage:
        offices = await two_calls(stage)
        await until(lambda: "rests until the server starts again" in caplog.text)
        await two_calls(stage)
        assert hearer.asked == 1
        assert len(outlet(stage.node.streams).pending) == 0
    hearer.mood = "takes"
    streams = heard_by(hearer, "contact-events")
    async with center.node(streams):
        await level(streams, *(each.instance_id for each in offices))
    kinds = Counter(json.loads(each.body)["detail"]["eventType"] for each in hearer.lines)
    assert kinds["INITIATED"] == 4


async def test_a_stream_begins_when_it_is_first_given(tmp_path):
    center = Center()
    async with center.node(to_files(tmp_path, "agent-events")) as stage:
        one, two = await two_calls(stage)
    async with center.node(to_files(tmp_path)) as stage:
        assert stage.node.streams.cursor("contact-events", two.instance_id) == two.desk.sequence
    assert told(tmp_path) == []
    assert told(tmp_path, "agent-events") != []
    assert one.instance_id != two.instance_id


async def test_of_an_instance_that_is_gone_nothing_is_kept(tmp_path):
    center = Center()
    async with center.node(to_files(tmp_path)) as stage:
        one, two = await two_calls(stage)
        await stage.node.delete(one.instance_id, Origin())
        await stage.pass_time(10 * 60)
    note = json.loads(center.journal.note(CURSOR_NOTE))
    assert set(note) == set(STREAMS)
    assert {instance for each in note.values() for instance in each} == {two.instance_id}
    assert {each["InstanceARN"].rsplit("/", 1)[1] for each in beats(tmp_path)} == {two.instance_id}


async def test_hearts_beat_for_an_hour_after_the_logout_also_over_a_restart(tmp_path):
    center = Center()
    async with center.node(to_files(tmp_path)) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        await stage.pass_time(250)
        assert stage.node.streams.next_due() == stage.now + 110 * SECOND
        await office.status("ann", "Offline")
        await stage.pass_time(HOUR / 2)
    assert len(beats(tmp_path)) == 2 + 15
    async with center.node(to_files(tmp_path)) as stage:
        await stage.pass_time(HOUR)
        assert stage.node.streams.next_due() is None
    assert len({each["EventId"] for each in beats(tmp_path)}) == 2 + 30


async def test_after_a_long_silence_each_heart_beats_once_and_not_all_at_once(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(stream_hearts, "AGENT_HEART_BEATS_AT_ONCE", 2)
    streams = to_files(tmp_path)
    async with a_node(streams=streams) as stage:
        office = await stage.an_instance(users=["ann", "bob", "cid"])
        for user in ("ann", "bob", "cid"):
            await office.status(user, "Available")
        (beating,) = (each for each in streams._everywhere if each.stream == "agent-events")
        await until(lambda: not beating.pending)
        later = stage.now + 24 * HOUR * SECOND
        streams.run_due(later, stage.node._center)
        assert len(beating.pending) == 2
        streams.run_due(later, stage.node._center)
        streams.run_due(later, stage.node._center)
        assert len(beating.pending) == 3
        assert streams.next_due() == later + 120 * SECOND


def full(descriptor, text, write):
    write(descriptor, text[:10])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def scarce(descriptor, text, write):
    return write(descriptor, text[:10])


@pytest.mark.parametrize("trouble", [full, scarce])
async def test_a_full_disk_leaves_no_half_line_and_is_asked_again(tmp_path, monkeypatch, trouble):
    write, troubles = os.write, [trouble] * 4

    def troubled(descriptor, text):
        return troubles.pop()(descriptor, text, write) if troubles else write(descriptor, text)

    monkeypatch.setattr(os, "write", troubled)
    async with a_node(streams=to_files(tmp_path, "contact-events")) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        await office.customer_hangs_up(await office.a_call())
        await until(lambda: not troubles)
    assert len(set(names(told(tmp_path)))) == len(told(tmp_path)) > 3


async def test_a_line_that_a_crash_broke_off_does_not_spoil_the_next(tmp_path):
    (tmp_path / "contact-events").write_text('{"detail": "who')
    async with a_node(streams=to_files(tmp_path, "contact-events")) as stage:
        office = await stage.an_instance()
        await office.a_call()
    torn, *whole = (tmp_path / "contact-events").read_text().splitlines()
    assert torn == '{"detail": "who'
    assert json.loads(whole[0])["detail"]["eventType"] == "INITIATED"


@pytest.mark.parametrize("path", ["/proc/nobody/may/write", "/"])
def test_a_file_that_cannot_be_written_is_said_at_the_start(path):
    with pytest.raises(Fault, match="stream: cannot write to /"):
        Streams({"contact-events": path})
