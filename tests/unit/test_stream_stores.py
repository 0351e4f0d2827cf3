"""Stores: what an instance names for its contact records and agent events is told, from then on."""

import json
from collections import Counter

import pytest

from node_builders import KeptHistory, KeptJournal, a_node
from ringfloor.base.time import VirtualClock
from ringfloor.domain import commands
from ringfloor.node import stream_aws as aws
from ringfloor.node import stream_outlets
from ringfloor.node import streams as module
from ringfloor.node.stream_lines import Line, Position
from ringfloor.node.stream_targets import Targets
from ringfloor.node.streams import CURSOR_NOTE, Streams
from stream_hearers import Hearer, Known, until

START = 1_700_000_000_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS", 1)
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS_MAX", 2)
    monkeypatch.setattr(module, "STREAM_NOTE_MS", 0)


def a_store(target, kind="CONTACT_TRACE_RECORDS"):
    config = {"StorageType": "KINESIS_STREAM", "KinesisStreamConfig": {"StreamArn": target}}
    return {"ResourceType": kind, "StorageConfig": config}


def told_to(**hearers):
    return Streams({}, Known(stores=hearers))


async def a_life(office):
    contact = await office.a_call()
    await office.customer_hangs_up(contact)
    return contact


async def heard(hearer, *contacts):
    await until(lambda: {each.about for each in hearer.lines} >= set(contacts))
    return [each.about for each in hearer.lines]


async def test_a_store_counts_from_when_it_is_named_until_it_is_taken_away():
    first, second, agents = Hearer(), Hearer(), Hearer()
    async with a_node(streams=told_to(first=first, second=second, agents=agents)) as stage:
        office = await stage.an_instance(users=["ann"])
        other = await stage.an_instance("other")
        await a_life(office)
        store = await office.add("storage_config", **a_store("first"))
        await office.add("storage_config", **a_store("agents", "AGENT_EVENTS"))
        await office.status("ann", "Available")
        told = [await a_life(office)]
        await a_life(other)
        assert await heard(first, *told) == told
        update = commands.UpdateResource("storage_config", store, a_store("second"))
        await office.submit(update)
        moved = await a_life(office)
        assert await heard(second, moved) == [moved]
        await office.submit(commands.DeleteResource("storage_config", store))
        await a_life(office)
        ann = office.id_of("user", "ann")
        await until(lambda: len(agents.lines) > 1)
    assert [each.about for each in first.lines] == told
    assert [each.about for each in second.lines] == [moved]
    assert {each.about for each in agents.lines} == {ann}
    assert json.loads(agents.lines[0].body)["EventType"] == "LOGIN"


async def test_what_a_store_that_hangs_has_not_taken_its_successor_is_told():
    stuck, next_one = Hearer("hangs"), Hearer()
    async with a_node(streams=told_to(stuck=stuck, next=next_one)) as stage:
        office = await stage.an_instance()
        store = await office.add("storage_config", **a_store("stuck"))
        told = [await a_life(office), await a_life(office)]
        await until(lambda: stuck.asked)
        await office.submit(commands.UpdateResource("storage_config", store, a_store("next")))
        assert await heard(next_one, *told) == told


async def test_a_store_that_rests_has_a_successor_that_is_told_all_that_came_meanwhile(caplog):
    resting, next_one = Hearer("goes"), Hearer()
    async with a_node(streams=told_to(resting=resting, next=next_one)) as stage:
        office = await stage.an_instance()
        store = await office.add("storage_config", **a_store("resting"))
        told = [await a_life(office)]
        await until(lambda: "rests until" in caplog.text)
        told += [await a_life(office), await a_life(office)]
        await office.submit(commands.UpdateResource("storage_config", store, a_store("next")))
        assert await heard(next_one, *told) == told


@pytest.mark.parametrize("is_noted", [True, False])
async def test_after_a_crash_a_store_is_told_what_it_has_not_taken(is_noted, monkeypatch):
    """Also where the crash came before the journal noted that there is such a store."""
    journal, clock, history = KeptJournal(), VirtualClock(START), KeptHistory.open(None, print)
    hearer = Hearer("refuses")
    async with a_node(journal, clock, history=history, streams=told_to(records=hearer)) as stage:
        office = await stage.an_instance()
        await a_life(office)
        await stage.pass_time(1)
        before = journal.note(CURSOR_NOTE)
        await office.add("storage_config", **a_store("records"))
        told = [await a_life(office), await a_life(office)]
        await until(lambda: hearer.asked)
        noted = journal.note(CURSOR_NOTE)
        put, journal.put_note = journal.put_note, lambda *_: None
        monkeypatch.setattr("ringfloor.node.node.STREAM_FINISH_MS", 1)
    monkeypatch.undo()
    journal.put_note = put
    put(CURSOR_NOTE, noted if is_noted else before)
    hearer = Hearer()
    async with a_node(journal, clock, 2, history, streams=told_to(records=hearer)):
        assert await heard(hearer, *told) == told


async def test_without_an_endpoint_a_store_is_kept_and_nothing_is_told():
    streams = Streams({})
    async with a_node(streams=streams) as stage:
        office = await stage.an_instance()
        await office.add("storage_config", **a_store("arn:aws:kinesis:::stream/records"))
        await a_life(office)
        assert streams._all() == []
        assert streams.notes(office.instance_id).witness is None


@pytest.mark.parametrize(
    ("config", "endpoints", "target"),
    [
        (("KINESIS_STREAM", "KinesisStreamConfig", "StreamArn"), {"kinesis"}, "kinesis"),
        (("KINESIS_FIREHOSE", "KinesisFirehoseConfig", "FirehoseArn"), {"firehose"}, "firehose"),
        (("KINESIS_FIREHOSE", "KinesisFirehoseConfig", "FirehoseArn"), {"kinesis"}, None),
        (("KINESIS_STREAM", "KinesisStreamConfig", "StreamArn"), {"eventbridge"}, None),
    ],
)
def test_a_store_is_told_where_its_service_has_an_endpoint(config, endpoints, target):
    kind, member, arn = config
    targets = Targets(endpoints=dict.fromkeys(endpoints, "http://x"), aws=lambda *_: None)
    store = {"StorageType": kind, member: {arn: "arn:aws:kinesis:us-east-1:1:stream/records"}}
    for resource, stream in (
        ("AGENT_EVENTS", "agent-events"),
        ("CONTACT_TRACE_RECORDS", "contact-records"),
        ("CHAT_TRANSCRIPTS", None),
    ):
        found = targets.told({"ResourceType": resource, "StorageConfig": store})
        wanted = target and stream and (stream, f"{target}://records")
        assert found == (wanted or None)


# What AWS takes


class Service:
    """Stands in for boto3's client; refuses what it is told to refuse, once each."""

    def __init__(self, *refused):
        self.refused = Counter(refused)
        self.requests = []
        self.records = []

    def put_records(self, StreamName, Records):  # noqa: N803  as boto3 has it
        assert StreamName == "name"
        self.requests.append([each["PartitionKey"] for each in Records])
        results = []
        for each in Records:
            if self.refused[each["Data"]]:
                self.refused[each["Data"]] -= 1
                results.append({"ErrorCode": "ProvisionedThroughputExceededException"})
            else:
                self.records.append(each["Data"])
                results.append({"SequenceNumber": "1", "ShardId": "0"})
        return {"Records": results}


def lines(*about):
    return [
        Line("office", Position(number, 1), str(number), each, b"%d" % number)
        for number, each in enumerate(about, 1)
    ]


async def test_what_comes_after_a_refused_record_about_the_same_waits_for_it():
    target = aws.Aws("kinesis", "name", "http://x", "us-east-1")
    service = target._client = Service(b"1", b"1", b"5")
    left = lines("a", "b", "a", "b", "c")
    rounds = 0
    while left:
        left, why = await target.take(left)
        rounds += 1
        assert not left or "ProvisionedThroughputExceededException" in why
    await target.close()
    assert rounds == 4 - 1
    assert all(len(set(each)) == len(each) for each in service.requests)
    assert sorted(service.records) == [b"1", b"2", b"3", b"4", b"5"]
    assert service.records.index(b"1") < service.records.index(b"3")
    assert service.records.index(b"2") < service.records.index(b"4")


@pytest.mark.parametrize("scheme", list(aws.KINDS))
def test_a_request_keeps_the_bounds_of_its_service(scheme):
    kind = aws.KINDS[scheme]
    many = lines(*map(str, range(kind.records_max + 5)))
    assert len(list(aws._part(many, kind))) == kind.records_max
    large = [each._replace(body=bytes(kind.bytes_max // 2 + 1)) for each in many]
    assert list(aws._part(large, kind)) == [0]
    assert list(aws._part(lines("a", "a", "b"), kind)) == [0, 2]
