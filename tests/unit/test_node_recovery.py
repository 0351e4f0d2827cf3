"""Recovery: whatever was durable comes back once, from any record, with and without a snapshot."""

import asyncio
import random
from contextlib import asynccontextmanager

import msgspec
import pytest

from node_builders import CUSTOMER, NUMBER, START, KeptHistory, KeptJournal, Stage, a_node
from ringfloor.base.codec import decoder
from ringfloor.base.errors import Fault
from ringfloor.base.time import VirtualClock
from ringfloor.domain import commands
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import Origin
from ringfloor.engine import engine
from ringfloor.engine.invariants import violations
from ringfloor.journal.journal import Record
from ringfloor.node import node as node_module
from ringfloor.node.desk import Desk, has_ended, recover
from ringfloor.node.history import TABLES, History

SEEDS = range(6)


def kept_history():
    return KeptHistory.open(None, print)


def state(desk):
    """Everything that a desk holds, in a form that can be compared."""
    return (
        desk.sequence,
        engine.image(desk.center),
        desk.realtime.dump(),
        desk.records.dump(),
        desk.waiting.dump(),
        desk.transcripts.dump(),
        desk.traces.dump(),
    )


def rows(history):
    """Everything that a history holds."""
    cursor = history._database.cursor()
    return {
        table.name: sorted(cursor.execute(f"SELECT * FROM {table.name}").fetchall(), key=repr)
        for table in TABLES.values()
    }


def last(desks):
    found = None
    for found in desks:  # noqa: B007  the last one is complete
        pass
    assert found is not None
    return found


def replayed(journal, *instances):
    """The desks and the history, made of nothing but records."""
    bare = KeptJournal()
    for instance in journal.instances():
        bare.append(list(journal.read(instance)))
    history = History.open(None, print)
    desks = []
    for instance in instances:
        desk = last(recover(bare, history, instance))
        history.load(instance, desk.sequence, desk.facts)
        desks.append(desk)
    return desks, history


async def a_day(stage, office):
    """Everything that happens to a contact, once."""
    await office.status("ann", "Available")
    first = await office.a_call(vip="yes")
    await stage.pass_time(25)  # missed
    await office.submit(commands.ClearContact(office.id_of("user", "ann"), first))
    await office.status("ann", "Available")
    await accept(office, "ann")
    await stage.pass_time(5)
    await office.submit(commands.HoldContact(office.id_of("user", "ann"), first))
    waiting = await office.a_call()
    await stage.pass_time(5)
    await office.submit(commands.ResumeContact(office.id_of("user", "ann"), first))
    await office.status("bob", "Available")
    await accept(office, "bob")
    await office.submit(commands.LeaveContact(office.id_of("user", "ann"), first))
    await office.customer_hangs_up(waiting)
    await office.status("bob", "Offline")
    await stage.pass_time(30)
    await office.submit(
        commands.StartOutboundContact(
            to=CUSTOMER,
            from_number=NUMBER,
            flow_id=office.id_of("contact_flow", "Sample inbound flow"),
            dial_ms=60_000,
        )
    )
    await stop_all(office)
    await amend(office, waiting, "later")
    await office.a_call()


async def amend(office, contact_id, value):
    """Something is said of a contact that has ended."""
    record = await office.stage.node.analyse(
        office.desk, lambda history: history.leg(office.instance_id, contact_id)
    )
    contact = decoder(Contact).decode(record)
    await office.submit(commands.UpdateAttributes(contact_id, {value: value}, contact))


async def amend_any(office, value):
    history = office.stage.history
    cursor = history._database.cursor()
    ended = cursor.execute(
        "SELECT DISTINCT contact_id FROM leg WHERE instance = ? ORDER BY 1", [office.instance_id]
    ).fetchall()
    for (contact_id,) in ended[-2:]:
        await amend(office, contact_id, value)


async def stop_all(office):
    for contact in list(office.center.contacts.values()):
        if contact.stage != "ENDED":
            await office.submit(commands.StopContact(contact.id))


async def accept(office, user):
    held = [each for each in office.agent(user).contacts.values() if each.state == "CONNECTING"]
    for each in held:
        await office.submit(commands.AcceptContact(office.id_of("user", user), each.contact_id))


async def test_every_record_boundary_is_a_place_to_come_up_at_and_go_on_from():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        await a_day(stage, office)
    records = list(journal.read(office.instance_id))
    assert len(records) > 25
    for count in range(1, len(records) + 1):
        cut = KeptJournal()
        cut.append(records[:count])
        async with a_node(cut, VirtualClock(START)) as stage:
            desk = stage.node.desk(office.instance_id)
            again = type(office)(stage, office.instance_id)
            assert stage.now >= records[count - 1].at
            assert violations(desk.center) == [], count
            await stage.pass_time(30)
            if "ann" not in desk.center.names["user"]:
                continue
            await again.status("ann", "Available")
            await again.a_call()
            await accept(again, "ann")
            await stage.pass_time(120)
            assert violations(desk.center) == [], count
            await stop_all(again)
            assert all(each.stage == "ENDED" for each in desk.center.contacts.values())
            assert stage.phones.channels() == [], count
            await stage.node.analyse(desk, lambda _: None)
            (twin,), history = replayed(cut, office.instance_id)
            assert state(twin) == state(desk), count
            assert rows(history) == rows(stage.history), count


async def busy_hours(stage, offices, draw, rounds):
    """Agents and customers do anything, while others ask the history and save."""
    beside = []
    for _ in range(rounds):
        office = draw.choice(offices)
        user = draw.choice(("ann", "bob"))
        agent = office.agent(user)
        contacts = list(office.center.contacts)
        wanted = draw.choice(
            [
                commands.SetAgentStatus(
                    agent.id, office.id_of("agent_status", draw.choice(("Available", "Offline")))
                ),
                *(
                    draw.choice(
                        (
                            commands.AcceptContact,
                            commands.AcceptContact,
                            commands.LeaveContact,
                            commands.ClearContact,
                        )
                    )(agent.id, contact)
                    for contact in agent.contacts
                ),
                *(commands.StopContact(contact) for contact in contacts[:1]),
            ]
        )
        asks = [stage.node.submit(office.instance_id, wanted)]
        if draw.random() < 0.4:
            asks.append(office.a_call())
        if draw.random() < 0.2:
            asks.append(amend_any(office, f"{draw.randrange(9)}"))
        beside.extend(
            asyncio.ensure_future(stage.node.analyse(office.desk, rows))
            for _ in range(draw.randrange(3))
        )
        if draw.random() < 0.2:
            stage.node._beside(stage.node._save(office.desk))
        await asyncio.gather(*asks, return_exceptions=True)
        if draw.random() < 0.5:
            await stage.pass_time(draw.randrange(30))
        if beside and draw.random() < 0.3:
            beside.pop(draw.randrange(len(beside))).cancel()  # who asked has gone
    await asyncio.gather(*beside)


@pytest.mark.parametrize("seed", SEEDS)
async def test_snapshots_flushes_and_questions_at_once_lose_and_double_nothing(monkeypatch, seed):
    draw = random.Random(seed)
    monkeypatch.setattr(node_module, "RECORDS_PER_SNAPSHOT", draw.randint(2, 12))
    monkeypatch.setattr(node_module, "FACTS_PENDING_MAX", draw.randint(1, 6))
    journal, history, clock = KeptJournal(), kept_history(), VirtualClock(START)
    offices = []
    for life in range(3):
        async with a_life(journal, history, clock, seed + life) as stage:
            if not offices:
                offices = [
                    await stage.an_instance(name, users=["ann", "bob"]) for name in ("one", "two")
                ]
            offices = [type(each)(stage, each.instance_id) for each in offices]
            await busy_hours(stage, offices, draw, 60)
            names = [each.instance_id for each in offices]
            live = [state(each.desk) for each in offices]
            twins, full = replayed(journal, *names)
            assert [state(each) for each in twins] == live
            for office in offices:
                await stage.node.analyse(office.desk, lambda _: None)
            assert rows(history) == rows(full)
        for name, was in zip(names, live, strict=True):
            snapshot = journal.snapshot(name)
            assert snapshot is not None
            assert snapshot.sequence <= history.last(name)
            desk = last(recover(journal, history, name))
            assert state(desk) == was
            assert desk.facts == []


@asynccontextmanager
async def a_life(journal, history, clock, seed):
    """A node that is killed at the end: what was begun beside it is done, no more is saved."""
    stage = Stage(journal, clock, seed, history)
    running = asyncio.create_task(stage.node.run())
    await asyncio.sleep(0)
    yield stage
    stage.node.close()
    await running
    await asyncio.gather(*stage.node._tasks)
    stage.node._writer.shutdown()
    stage.node._analyst.shutdown()


async def test_a_snapshot_that_is_ahead_of_the_history_is_not_used():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        await a_day(stage, office)
        was = state(office.desk)
    snapshot = journal.snapshot(office.instance_id)
    assert snapshot is not None
    assert snapshot.sequence == journal.last(office.instance_id)
    fresh = History.open(None, print)  # the file was removed
    desk = last(recover(journal, fresh, office.instance_id))
    assert desk.snapshot_sequence == 0
    assert state(desk) == was
    assert desk.facts


def as_in_0_2_0(snapshot: bytes) -> bytes:
    """Four parts, and the center's facts without the number of their form, calls and chats."""
    center, *others = msgspec.msgpack.decode(snapshot)
    facts = msgspec.msgpack.decode(center)[1:8]
    return msgspec.msgpack.encode([msgspec.msgpack.encode(facts), *others[:3]])


def in_another_form(snapshot: bytes) -> bytes:
    center, *others = msgspec.msgpack.decode(snapshot)
    _, *facts = msgspec.msgpack.decode(center)
    return msgspec.msgpack.encode([msgspec.msgpack.encode([engine.IMAGE - 1, *facts]), *others])


def with_counts_as_in_0_3_0(snapshot: bytes) -> bytes:
    """The facts of real-time metrics and of waits began without the number of their layout."""
    center, realtime, records, waiting, *others = msgspec.msgpack.decode(snapshot)
    realtime, waiting = (
        msgspec.msgpack.encode(msgspec.msgpack.decode(part)[1:]) for part in (realtime, waiting)
    )
    return msgspec.msgpack.encode([center, realtime, records, waiting, *others])


@pytest.mark.parametrize(
    "other",
    [lambda _: b"\x00 not ours", as_in_0_2_0, in_another_form, with_counts_as_in_0_3_0],
)
async def test_a_snapshot_of_another_version_is_not_used(other):
    journal, history = KeptJournal(), kept_history()
    async with a_node(journal, history=history) as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        await a_day(stage, office)
        was = state(office.desk)
        snapshot = office.desk.snapshot()
    journal.save_snapshot(office.instance_id, journal.last(office.instance_id), other(snapshot))
    desk = last(recover(journal, history, office.instance_id))
    assert (state(desk), desk.snapshot_sequence) == (was, 0)
    assert desk.facts == []


async def test_a_history_that_is_ahead_of_a_journal_that_was_cut_is_built_anew():
    journal, history = KeptJournal(), kept_history()
    async with a_node(journal, history=history) as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        await a_day(stage, office)
    records = list(journal.read(office.instance_id))
    cut = KeptJournal()
    cut.append(records[: len(records) // 2])
    async with a_node(cut, VirtualClock(START), 7, history) as stage:
        again = type(office)(stage, office.instance_id)
        await again.status("bob", "Available")
        await again.a_call()
        await stage.pass_time(60)
        await again.status("bob", "Offline")
        await stage.node.analyse(again.desk, lambda _: None)
        _, full = replayed(cut, office.instance_id)
        assert rows(history) == rows(full)
        assert history.last(office.instance_id) == again.desk.sequence


async def test_a_long_recovery_loads_the_history_on_its_way(monkeypatch):
    monkeypatch.setattr(node_module, "FACTS_PENDING_MAX", 2)
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        await a_day(stage, office)
        was = state(office.desk)
    fresh = kept_history()
    async with a_node(journal, VirtualClock(START), 1, fresh) as stage:
        desk = stage.node.desk(office.instance_id)
        assert state(desk) == was
        assert len(desk.facts) < 2
        assert fresh.last(office.instance_id) > 0
    _, full = replayed(journal, office.instance_id)
    assert rows(fresh) == rows(full)


async def test_a_record_of_a_newer_version_is_told():
    journal = KeptJournal()
    journal.append([Record("office", 1, START, b"\xc1")])
    with pytest.raises(Fault, match="record 1 of instance office is of a newer version"):
        last(recover(journal, kept_history(), "office"))


async def test_a_deleted_instance_stays_deleted_and_so_does_its_history(monkeypatch):
    monkeypatch.setattr(node_module, "FACTS_PENDING_MAX", 1)
    journal, history = KeptJournal(), kept_history()
    async with a_node(journal, history=history) as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        other = await stage.an_instance("other", users=["ann", "bob"])
        await a_day(stage, office)
        await a_day(stage, other)
        await stop_all(office)
        ann = office.id_of("user", "ann")
        for contact in list(office.center.contacts):  # after contact work without a limit
            await office.submit(commands.ClearContact(ann, contact))
        await stage.node.delete(office.instance_id, Origin())
        was = state(other.desk)
    async with a_node(journal, VirtualClock(START), 1, history) as stage:
        assert list(stage.node.desks) == [other.instance_id]
        assert state(stage.node.desk(other.instance_id)) == was
        assert history.last(office.instance_id) == 0
        found = history._database.cursor().execute("SELECT DISTINCT instance FROM leg").fetchall()
        assert found == [(other.instance_id,)]


async def test_a_deleted_instance_is_known_by_its_last_record():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        gone, here = await stage.an_instance("gone"), await stage.an_instance("here")
        assert not has_ended(journal, gone.instance_id)
        await stage.node.delete(gone.instance_id, Origin())
        assert has_ended(journal, gone.instance_id)
        assert not has_ended(journal, here.instance_id)


async def test_an_empty_journal_is_an_empty_node():
    async with a_node(KeptJournal()) as stage:
        assert stage.node.desks == {}
        await stage.pass_time(60)
        assert isinstance(Desk("x").sequence, int)
