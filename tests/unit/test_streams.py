"""Streams: everything is told at least once, in order and under one id, whatever breaks."""

import asyncio
import errno
import json
import os
import stat
from collections import Counter

import pytest

from node_builders import START, KeptHistory, KeptJournal, a_node
from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND, VirtualClock
from ringfloor.domain.events import Origin
from ringfloor.node import streams as module
from ringfloor.node.streams import CURSOR_NOTE, STREAMS, Streams

NOBODY = "http://127.0.0.1:9/"
"""Where nothing listens."""

HOUR = 3600


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(module, "STREAM_RETRY_MS", 1)


def to_files(directory, *streams):
    return Streams({each: str(directory / each) for each in streams or STREAMS})


def told(directory, stream="contact-events"):
    return [json.loads(line) for line in (directory / stream).read_text().splitlines()]


def names(lines):
    return [(each["detail"]["contactId"], each["detail"]["eventType"]) for each in lines]


def beats(directory):
    return [each for each in told(directory, "agent-events") if each["EventType"] == "HEART_BEAT"]


async def until(found):
    async with asyncio.timeout(5):
        while not found():
            await asyncio.get_running_loop().run_in_executor(None, os.getpid)  # others' turn


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


async def test_who_is_told_over_http_does_not_hold_up_the_others(tmp_path):
    center = Center()
    streams = Streams({"agent-events": NOBODY, "contact-events": str(tmp_path / "contact-events")})
    async with center.node(streams) as stage:
        one, _ = await two_calls(stage)
        await until(lambda: Counter(kind for _, kind in names(told(tmp_path)))["COMPLETED"] >= 1)
        assert streams.cursor("contact-events", one.instance_id) > 1
        assert streams.cursor("agent-events", one.instance_id) < one.desk.sequence
        stage.node.streams._telling[0].cancel()
    before = names(told(tmp_path))
    async with center.node(to_files(tmp_path)):
        pass
    assert names(told(tmp_path)) == before
    assert told(tmp_path, "agent-events")[0]["EventType"] == "LOGIN"


async def test_what_is_too_much_to_be_kept_is_told_after_a_restart(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "STREAM_PENDING_MAX", 3)
    center = Center()
    async with center.node(Streams({"contact-events": NOBODY})) as stage:
        await two_calls(stage)
        stage.node.streams._telling[0].cancel()
    assert "then restart" in caplog.text
    monkeypatch.undo()
    async with center.node(to_files(tmp_path)):
        pass
    counted = Counter(names(told(tmp_path)))
    assert set(counted.values()) == {1}
    assert Counter(kind for _, kind in counted)["INITIATED"] == 2


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
    monkeypatch.setattr(module, "AGENT_HEART_BEATS_AT_ONCE", 2)
    streams = to_files(tmp_path)
    async with a_node(streams=streams) as stage:
        office = await stage.an_instance(users=["ann", "bob", "cid"])
        for user in ("ann", "bob", "cid"):
            await office.status(user, "Available")
        await until(lambda: not streams._pending["agent-events"])
        later = stage.now + 24 * HOUR * SECOND
        streams.run_due(later, stage.node._center)
        assert len(streams._pending["agent-events"]) == 2
        streams.run_due(later, stage.node._center)
        streams.run_due(later, stage.node._center)
        assert len(streams._pending["agent-events"]) == 3
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
