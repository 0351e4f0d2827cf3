"""Streams in trouble: what is wrong with whoever is told never ends the center, nor the stream."""

import asyncio
import json
import os
import stat
from itertools import chain

import pytest
from botocore.exceptions import ClientError

from node_builders import a_node
from ringfloor.domain.events import Origin
from ringfloor.node import node as node_module
from ringfloor.node import stream_outlets
from ringfloor.node import streams as module
from ringfloor.node.stream_aws import KINDS, Aws
from ringfloor.node.stream_lines import Line, Position
from ringfloor.node.stream_reading import Reading
from ringfloor.node.stream_targets import File, Webhook
from ringfloor.node.web import Posted
from stream_hearers import Hearer, heard_by, level, until
from unit.test_streams import Center, in_order

LARGE = b'"%s"' % (b"x" * (1 << 20))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS", 1)
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS_MAX", 2)
    monkeypatch.setattr(module, "STREAM_NOTE_MS", 0)


def lines(*bodies, about="contact"):
    return [
        Line("office", Position(number, 1), f"id-{number}", f"{about} {number}", body)
        for number, body in enumerate(bodies, 1)
    ]


class Answering:
    """An HTTP server that answers everything with the same."""

    def __init__(self, body, *head, status=200):
        self.answer = "\r\n".join(
            [f"HTTP/1.1 {status} x", f"content-length: {len(body)}", *head, "", body]
        ).encode()
        self.asked = 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        (size,) = (int(each[15:]) for each in head.splitlines() if each[:15] == b"content-length:")
        await reader.readexactly(size)
        self.asked += 1
        writer.write(self.answer)
        await writer.drain()
        writer.close()


# Whoever is told answers anything


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>maintenance</html>"),
        (200, "{}"),
        (200, '{"Records":[null]}'),
        (200, '{"Records":[]}'),
        (302, ""),
        (503, "<html>"),
    ],
)
@pytest.mark.usefixtures("keys")
async def test_an_answer_that_is_none_of_the_service_has_taken_nothing(status, body):
    async with Answering(body, "content-type: text/html", status=status) as service:
        target = Aws("kinesis", "records", service.address, "us-east-1")
        left, why = await target.take(given := lines(b"1", b"2"))
        await target.close()
    assert left == given
    assert why.startswith("records: ")


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/", "http://xn--/", "http://a..b/"])
async def test_an_address_that_is_none_has_taken_nothing(address):
    hook = Webhook(address)
    assert (await hook.take(given := lines(b"1"))).left == given
    await hook.close()


async def test_no_redirection_is_followed():
    other = Answering("")
    async with other, Answering("", "location: /there", status=307) as receiver:
        receiver.answer = receiver.answer.replace(b"/there", other.address.encode())
        hook = Webhook(receiver.address)
        assert (await hook.take(given := lines(b"1"))).left == given
        await hook.close()
    assert (receiver.asked, other.asked) == (1, 0)


async def test_who_breaks_is_told_again_and_the_center_goes_on(caplog):
    hearer = Hearer("breaks")
    streams = heard_by(hearer, "contact-events")
    async with a_node(streams=streams) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.a_call()
        await until(lambda: hearer.asked > 2)
        assert stage.node.is_well()
        hearer.mood = "takes"
        await level(streams, office.instance_id)
    assert json.loads(hearer.lines[0].body)["detail"]["eventType"] == "INITIATED"
    assert "whoever is told has broken" in caplog.text


# Lines that are too large


class Service:
    """A client of boto3: takes records up to a size, and refuses a whole request with a larger."""

    def __init__(self, record_bytes_max, code="ValidationException"):
        self.taken, self.requests = [], []
        self._bytes_max, self._code = record_bytes_max, code

    def put_records(self, StreamName, Records):  # noqa: N803  boto3's
        self.requests.append(len(Records))
        if any(len(each["Data"]) > self._bytes_max for each in Records):
            raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, StreamName)
        self.taken += [each["Data"] for each in Records]
        return {"Records": [{} for _ in Records]}


def kinesis(service):
    target = Aws("kinesis", "records", "http://127.0.0.1:9", "us-east-1")
    target._client = service
    return target


async def test_a_line_that_the_service_will_never_take_is_left_out_and_said(caplog):
    service = Service(1 << 20)
    target = kinesis(service)
    given = lines(b"1", LARGE, b"3", LARGE, LARGE, b"6")
    assert await target.take(given) == ([], "")
    await target.close()
    assert service.taken == [b"1", b"3", b"6"]
    assert target.left_out == 3
    assert "id-2, 1048587 bytes) is too large and left out, 1 so far" in caplog.text
    assert "xxx" not in caplog.text


async def test_a_stream_that_has_been_set_to_larger_records_takes_them():
    service = Service(10 << 20)
    target = kinesis(service)
    assert await target.take(lines(b"1", LARGE, b"3")) == ([], "")
    await target.close()
    assert service.taken == [b"1", LARGE, b"3"]
    assert (service.requests, target.left_out) == ([1, 1, 1], 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (LARGE, "AccessDeniedException"),
        (LARGE, "ThrottlingException"),
        (b"1", "ValidationException"),
    ],
)
async def test_what_is_refused_for_another_reason_waits(body, code):
    target = kinesis(Service(0, code))
    left, why = await target.take(given := lines(body, b"2"))
    await target.close()
    assert (left, target.left_out) == (given, 0)
    assert code in why


def test_the_bounds_of_records_are_within_those_of_requests():
    assert all(each.record_bytes_max <= each.bytes_max for each in KINDS.values())


async def test_an_array_that_is_too_large_for_its_receiver_goes_in_halves():
    posted = []

    class Small(Webhook):
        async def _sent(self, lines):
            posted.append([each.id for each in lines])
            return answered(413 if len(lines) > 2 else 204)

    hook = Small("http://127.0.0.1:9/", batch=5)
    assert await hook.take(lines(b"1", b"2", b"3", b"4", b"5")) == ([], "")
    assert [len(each) for each in posted] == [5, 2, 2, 1]
    assert list(chain(*posted[1:])) == ["id-1", "id-2", "id-3", "id-4", "id-5"]


def answered(status):
    return Posted(status, f"status {status}")


async def test_the_name_of_a_new_file_lasts_as_its_lines_do(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def kept(descriptor):
        synced.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    target = File(tmp_path / "events")
    monkeypatch.setattr(os, "fsync", kept)
    await target.take(lines(b"1"))
    await target.take(lines(b"2"))
    (tmp_path / "events").rename(tmp_path / "events.1")  # as logrotate does
    await target.take(lines(b"3"))
    await target.close()
    assert synced == ["directory", "file", "file", "directory", "file"]


# Instances that are gone


@pytest.mark.parametrize("pending", [3, 1000])
async def test_what_waits_of_an_instance_that_is_gone_is_told_after_a_restart(monkeypatch, pending):
    monkeypatch.setattr(stream_outlets, "STREAM_PENDING_MAX", pending)
    monkeypatch.setattr(node_module, "STREAM_FINISH_MS", 1)
    center, hearer = Center(), Hearer("refuses")
    streams = heard_by(hearer, "contact-events", "agent-events")
    async with center.node(streams) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        await office.customer_hangs_up(await office.a_call())
        await stage.node.delete(office.instance_id, Origin())
    hearer.mood = "takes"
    streams = heard_by(hearer, "contact-events", "agent-events")
    async with center.node(streams):
        await until(lambda: not any(each._reaches for each in streams._everywhere))
    told = [json.loads(each.body) for each in hearer.lines]
    kinds = [each.get("EventType") or each["detail"]["eventType"] for each in told]
    assert {"LOGIN", "INITIATED", "COMPLETED"} <= set(kinds)
    assert in_order(hearer.lines)
    heard = len(hearer.lines)
    async with center.node(heard_by(hearer, "contact-events", "agent-events")):
        pass
    assert len(hearer.lines) == heard


# Who has been away for long


async def saved(stage):
    """Until the snapshot that was due has been taken."""
    await until(lambda: not stage.node._flushing.locked())


async def test_who_was_away_for_long_is_not_read_to_from_the_first_record(monkeypatch):
    """Snapshots come and go; the one before what he has been told stays for him."""
    monkeypatch.setattr(node_module, "RECORDS_PER_SNAPSHOT", 4)
    monkeypatch.setattr(stream_outlets, "STREAM_PENDING_MAX", 3)
    center, hearer = Center(), Hearer()
    streams = heard_by(hearer, "contact-events")
    async with center.node(streams) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        for _ in range(3):
            await office.customer_hangs_up(await office.a_call())
        await level(streams, office.instance_id)
        await until(lambda: streams.wanted(office.instance_id, 0)[0] == office.desk.sequence)
        hearer.mood = "refuses"
        away = office.desk.sequence
        monkeypatch.setattr(node_module, "STREAM_FINISH_MS", 1)
        for _ in range(10):
            await office.customer_hangs_up(await office.a_call())
            await saved(stage)
    journal = center.journal
    found = journal.snapshot(office.instance_id, away)
    assert journal.last(office.instance_id) - away > 30
    assert found is not None
    assert away - found.sequence < 12
    hearer.mood, reading = (
        "takes",
        Reading(journal, office.instance_id, "contact-events", Position(away)),
    )
    reading._open()
    assert reading.sequence == found.sequence
    streams = heard_by(hearer, "contact-events")
    async with center.node(streams):
        await level(streams, office.instance_id)
    assert in_order(hearer.lines)


async def test_a_listener_who_resumes_finds_a_snapshot_near_his_position(monkeypatch):
    monkeypatch.setattr(node_module, "RECORDS_PER_SNAPSHOT", 10)
    monkeypatch.setattr(module, "RECORDS_PER_SNAPSHOT", 10)
    monkeypatch.setattr(module, "STREAM_RESUME_RECORDS_MAX", 50)
    center = Center()
    async with center.node(heard_by(Hearer(), "contact-events")) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        while office.desk.sequence < 200:
            await office.customer_hangs_up(await office.a_call())
            await saved(stage)
        last = office.desk.sequence
        for back in range(51):
            found = center.journal.snapshot(office.instance_id, last - back)
            assert found is not None
            assert last - back - found.sequence < 20
    assert len(center.journal._snapshots[office.instance_id]) <= 2 + 5 + 1
