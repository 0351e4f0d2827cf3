"""The loop: durable first, visible then; deadlines at their instants; failures end the node."""

import asyncio
import threading

import pytest
from typing_extensions import override

from node_builders import CUSTOMER, NUMBER, START, Stage, a_node
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.ids import derive
from ringfloor.base.time import SECOND, VirtualClock
from ringfloor.domain import commands, events
from ringfloor.domain.events import Origin, decode_outcome
from ringfloor.engine import engine
from ringfloor.gateway.phones import Behaviour
from ringfloor.journal.memory import MemoryJournal
from ringfloor.node import node as node_module


class HeldJournal(MemoryJournal):
    """A journal whose appends can be held back, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()
        self.broken = False

    @override
    def append(self, records):
        self.begun.set()
        assert self.gate.wait(10)
        if self.broken:
            raise Fault("the disk is full")
        super().append(records)

    def hold(self) -> None:
        self.begun.clear()
        self.gate.clear()

    async def held(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 10)


async def turns(count=20):
    for _ in range(count):
        await asyncio.sleep(0)


def begun(*works):
    return [asyncio.ensure_future(work) for work in works]


def set_status(office, user, status):
    return commands.SetAgentStatus(office.id_of("user", user), office.id_of("agent_status", status))


def a_queue(office, name):
    return commands.CreateResource(
        kind="queue",
        properties={
            "Name": name,
            "HoursOfOperationId": office.id_of("hours_of_operation", "Basic Hours"),
            "QueueType": "STANDARD",
            "Status": "ENABLED",
        },
    )


def inbound(office, contact_id):
    return commands.StartInboundContact(
        contact_id=contact_id,
        from_number=CUSTOMER,
        to=NUMBER,
        flow_id=office.id_of("contact_flow", "Sample inbound flow"),
    )


def ledger(stage, office):
    """(seconds since the start, types of events) of every record."""
    outcomes = [decode_outcome(each.payload) for each in stage.journal.read(office.instance_id)]
    return [
        ((each.at - START) / SECOND, [type(event).__name__ for event in each.events])
        for each in outcomes
    ]


def when(stage, office, event):
    return [at for at, names in ledger(stage, office) if event.__name__ in names]


# Durable first


async def test_answers_reads_polls_and_counters_wait_for_the_journal():
    journal = HeldJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance(users=["ann"])
        desk, node, ann = office.desk, stage.node, office.id_of("user", "ann")
        version, counters = desk.versions.get(ann, 0), desk.realtime.dump()
        journal.hold()
        (answer,) = begun(node.submit(office.instance_id, set_status(office, "ann", "Available")))
        await journal.held()
        read, poll, settled, analysed = begun(
            node.read(lambda: desk.center.agents[ann].status_type),
            node.changed(desk, ann, version, 60_000),
            node.advance(stage.now),
            node.analyse(desk, lambda history: history.last(office.instance_id)),
        )
        await asyncio.wait_for(asyncio.shield(analysed), 5)  # asks what is final, waits for nothing
        await turns()
        assert not any(each.done() for each in (answer, read, poll, settled))
        assert (desk.versions.get(ann, 0), desk.realtime.dump()) == (version, counters)
        assert desk.sequence == journal.last(office.instance_id) == desk.stepped - 1
        journal.gate.set()
        await asyncio.gather(answer, poll, settled)
        assert await read == "ROUTABLE"
        assert desk.versions[ann] == poll.result() > version
        assert desk.realtime.dump() != counters


async def test_effects_wait_for_the_journal():
    journal = HeldJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance()
        stage.phones.call(CUSTOMER, NUMBER, "call", stage.now)
        journal.hold()
        (answer,) = begun(stage.node.submit(office.instance_id, inbound(office, "call")))
        await journal.held()
        await turns()
        assert "call" in office.center.contacts  # memory is ahead
        assert [each.state for each in stage.phones.channels()] == ["ringing"]
        journal.gate.set()
        await answer
        assert [each.state for each in stage.phones.channels()] == ["up"]


async def test_a_read_sees_a_batch_whole_or_not_at_all():
    journal = HeldJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance()
        queues = office.center.resources["queue"]
        before = len(queues)
        for batch in range(5):
            journal.hold()
            asks = begun(
                *(
                    stage.node.submit(office.instance_id, a_queue(office, f"{batch} {number}"))
                    for number in range(10)
                )
            )
            old = await stage.node.read(lambda: len(queues))
            await journal.held()
            reads = begun(*(stage.node.read(lambda: len(queues)) for _ in range(3)))
            await turns()
            journal.gate.set()
            assert {old, *await asyncio.gather(*reads)} <= {before, before + 10}
            await asyncio.gather(*asks)
            before += 10


async def test_a_question_that_fails_is_its_askers_affair():
    journal = HeldJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance()
        journal.hold()
        (answer,) = begun(stage.node.submit(office.instance_id, a_queue(office, "q")))
        await journal.held()
        (bad, good, given_up) = begun(
            stage.node.read(lambda: 1 // 0), stage.node.read(lambda: 7), stage.node.read(lambda: 8)
        )
        await turns()
        given_up.cancel()
        journal.gate.set()
        with pytest.raises(ZeroDivisionError):
            await bad
        assert await good == 7
        assert await answer


async def test_who_no_longer_waits_does_not_stop_what_he_asked():
    journal = HeldJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance(users=["ann"])
        journal.hold()
        (answer,) = begun(
            stage.node.submit(office.instance_id, set_status(office, "ann", "Available"))
        )
        await journal.held()
        answer.cancel()
        await turns()
        journal.gate.set()
        await stage.pass_time()
        assert office.agent("ann").status_type == "ROUTABLE"


# Failures


async def test_a_failed_append_ends_the_node_and_everybody_is_told():
    journal = HeldJournal()
    stage = Stage(journal, VirtualClock(START), 1)
    running = asyncio.ensure_future(stage.node.run())
    office = await stage.an_instance(users=["ann"])
    node, desk, ann = stage.node, office.desk, office.id_of("user", "ann")
    counters, sequence = desk.realtime.dump(), desk.sequence
    stage.phones.call(CUSTOMER, NUMBER, "call", stage.now)
    journal.broken = True
    journal.hold()
    (stepped,) = begun(node.submit(office.instance_id, inbound(office, "call")))
    await journal.held()
    waiting = begun(
        node.submit(office.instance_id, set_status(office, "ann", "Available")),
        node.read(lambda: desk.center.at),
        node.advance(stage.now + SECOND),
    )
    polls = begun(
        node.changed(desk, ann, desk.versions.get(ann, 0), 60_000),
        node.settle(60_000),
    )
    await turns()
    journal.gate.set()
    for each in (stepped, *waiting):
        with pytest.raises(Fault, match="the node has stopped"):
            await asyncio.wait_for(each, 5)
    await asyncio.wait_for(asyncio.gather(*polls), 5)  # they ask again, and are refused
    with pytest.raises(Fault, match="the disk is full"):
        await running
    assert not node.is_well()
    assert (desk.realtime.dump(), desk.sequence) == (counters, sequence)
    assert [each.state for each in stage.phones.channels()] == ["ringing"]
    for late in (
        node.submit(office.instance_id, set_status(office, "ann", "Available")),
        node.read(lambda: desk.center.at),
        node.advance(stage.now + SECOND),
    ):
        with pytest.raises(Refusal, match="ServiceUnavailableException"):
            await asyncio.wait_for(late, 5)
    node.post(office.instance_id, commands.StopContact("call"))
    await asyncio.wait_for(node.settle(60_000), 5)
    await asyncio.wait_for(node.changed(desk, ann, desk.versions.get(ann, 0), 60_000), 5)
    await node.finish()


async def test_a_history_that_fails_ends_the_node(monkeypatch):
    stage = Stage(MemoryJournal(), VirtualClock(START), 1)
    running = asyncio.ensure_future(stage.node.run())
    office = await stage.an_instance(users=["ann"])
    await office.status("ann", "Available")
    await stage.pass_time(60)
    await office.status("ann", "Offline")
    assert office.desk.facts

    def broken(*_):
        raise Fault("the history is full")

    monkeypatch.setattr(stage.history, "load", broken)
    with pytest.raises(Fault, match="the history is full"):
        await stage.node.analyse(office.desk, lambda history: history.last(office.instance_id))
    with pytest.raises(Fault, match="the history is full"):
        await asyncio.wait_for(running, 5)
    await stage.node.finish()


async def test_who_stops_waiting_for_the_history_loses_no_facts(monkeypatch):
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        gate, load = threading.Event(), stage.history.load
        await office.status("ann", "Available")
        await stage.pass_time(60)
        await office.status("ann", "Offline")
        facts = len(office.desk.facts)
        assert facts

        def slow(*arguments):
            assert gate.wait(10)
            load(*arguments)

        monkeypatch.setattr(stage.history, "load", slow)
        # both analysts are busy, so that a cancelled call would never run
        for _ in range(2):
            stage.node._analyst.submit(gate.wait, 10)
        (asked,) = begun(stage.node.analyse(office.desk, lambda _: None))
        await turns()
        asked.cancel()
        await turns()
        gate.set()
        await stage.node.analyse(office.desk, lambda _: None)
        await office.status("ann", "Available")
        await stage.node.analyse(office.desk, lambda _: None)
        found = stage.history._database.cursor().execute("SELECT * FROM agent_time").fetchall()
        assert len(found) >= facts


async def test_a_refusal_and_a_bug_in_a_decision_leave_no_record(monkeypatch, caplog):
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        node, instance = stage.node, office.instance_id

        def bug(*_):
            raise KeyError("a bug")

        monkeypatch.setitem(engine.DECIDE, commands.UpdateAttributes, bug)
        before = engine.image(office.center), stage.journal.last(instance)
        with pytest.raises(Refusal):
            await node.submit(instance, commands.StopContact("nobody"))
        with pytest.raises(KeyError):
            await node.submit(instance, commands.UpdateAttributes("nobody", {}))
        node.post(instance, commands.StopContact("nobody"))
        assert not caplog.records
        node.post(instance, commands.UpdateAttributes("nobody", {}))
        await stage.pass_time()
        assert "UpdateAttributes" in caplog.text
        assert (engine.image(office.center), stage.journal.last(instance)) == before
        assert node.is_well()
        await office.status("ann", "Available")


async def test_a_decision_that_breaks_off_ends_the_node(monkeypatch):
    stage = Stage(MemoryJournal(), VirtualClock(START), 1)
    running = asyncio.ensure_future(stage.node.run())
    office = await stage.an_instance(users=["ann"])
    last = stage.journal.last(office.instance_id)

    def bug(*_):
        raise KeyError("a bug")

    monkeypatch.setitem(engine.APPLY, events.AgentStatusChanged, bug)
    with pytest.raises(Fault):
        await stage.node.submit(office.instance_id, set_status(office, "ann", "Available"))
    with pytest.raises(Fault, match="broke off in the middle"):
        await running
    assert stage.journal.last(office.instance_id) == last
    await stage.node.finish()


async def test_the_inbox_has_a_bound(monkeypatch):
    monkeypatch.setattr(node_module, "INBOX_MAX", 5)
    async with a_node() as stage:
        office = await stage.an_instance()
        asks = begun(
            *(
                stage.node.submit(office.instance_id, a_queue(office, f"q{number}"))
                for number in range(8)
            )
        )
        await turns(1)
        stage.node.post(office.instance_id, commands.StopContact("nobody"))  # always heard
        done = await asyncio.gather(*asks, return_exceptions=True)
        assert [isinstance(each, Refusal) for each in done] == [False] * 5 + [True] * 3
        assert "overloaded" in str(done[-1])
        assert await stage.node.submit(office.instance_id, a_queue(office, "later"))


async def test_more_than_a_turn_takes_is_done_in_order(monkeypatch):
    monkeypatch.setattr(node_module, "TURN_COMMANDS_MAX", 3)
    async with a_node() as stage:
        office = await stage.an_instance()
        names = [f"q{number}" for number in range(10)]
        made = await asyncio.gather(
            *(stage.node.submit(office.instance_id, a_queue(office, name)) for name in names)
        )
        queues = office.center.resources["queue"]
        assert [queues[each].properties["Name"] for each in made] == names
        assert list(queues)[-10:] == made


async def test_closing_does_what_was_taken_and_refuses_the_rest():
    journal = HeldJournal()
    stage = Stage(journal, VirtualClock(START), 1)
    running = asyncio.ensure_future(stage.node.run())
    office = await stage.an_instance(users=["ann"])
    journal.hold()
    (first,) = begun(stage.node.submit(office.instance_id, a_queue(office, "first")))
    await journal.held()
    second, clock = begun(
        stage.node.submit(office.instance_id, a_queue(office, "second")),
        stage.node.advance(stage.now + SECOND),
    )
    await turns()
    stage.node.close()
    with pytest.raises(Refusal, match="shutting down"):
        await stage.node.submit(office.instance_id, a_queue(office, "third"))
    journal.gate.set()
    assert await first
    assert await second
    await asyncio.wait_for(running, 5)
    with pytest.raises(Refusal, match="shutting down"):
        await asyncio.wait_for(clock, 5)
    await asyncio.wait_for(stage.node.settle(60_000), 5)
    await stage.node.finish()


# Time


async def test_deadlines_come_at_their_own_instants_before_later_asks_in_all_instances():
    async with a_node() as stage:
        offices = [await stage.an_instance(name, users=["ann"]) for name in ("one", "two")]
        for office in offices:
            await office.status("ann", "Available")
            await office.a_call()
            await stage.pass_time(3)
        stage.clock.move_to(stage.now + 100 * SECOND)  # the loop has been away that long
        asks = [
            stage.node.submit(office.instance_id, a_queue(office, "late")) for office in offices
        ]
        await asyncio.gather(*asks)
        for office, offered in zip(offices, (0, 3), strict=True):
            assert when(stage, office, events.ContactOffered) == [offered]
            assert when(stage, office, events.OfferMissed) == [offered + 20]
            records = ledger(stage, office)
            assert records[-1] == (106, ["ResourceCreated"])
            assert [at for at, _ in records] == sorted(at for at, _ in records)


async def test_advance_passes_every_deadline_carrier_timer_and_flow_on_its_way():
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        stage.phones.tell(CUSTOMER, Behaviour("answer", 10 * SECOND))
        await office.submit(
            commands.StartOutboundContact(
                to=CUSTOMER,
                from_number=NUMBER,
                flow_id=office.id_of("contact_flow", "Sample inbound flow"),
                dial_ms=60 * SECOND,
            )
        )
        await stage.pass_time(9)
        assert when(stage, office, events.ContactConnectedToSystem) == []
        await stage.pass_time(3591)
        assert stage.now == START + 3600 * SECOND
        assert when(stage, office, events.ContactConnectedToSystem) == [10]
        assert when(stage, office, events.ContactEnqueued)[0] == 10
        assert when(stage, office, events.OfferMissed)[0] == 30
        assert stage.journal.note("clock") == str(stage.now).encode()


async def test_two_who_move_the_clock_at_once_never_move_it_back():
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        await office.a_call()
        await asyncio.gather(
            stage.node.advance(START + 50 * SECOND), stage.node.advance(START + 30 * SECOND)
        )
        assert stage.now == START + 50 * SECOND
        assert when(stage, office, events.OfferMissed) == [20]


async def test_a_clock_by_which_nothing_has_happened_may_go_back():
    async with a_node() as stage:
        await stage.node.advance(START - SECOND)
        assert stage.now == START - SECOND
        await stage.an_instance()
        await stage.node.advance(START - 2 * SECOND)
        assert stage.now == START - SECOND


async def test_settle_lets_the_world_speak_and_waits_no_longer_than_it_may():
    journal = HeldJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance()
        contact = await office.a_call()
        stage.phones.hang_up(contact, stage.now)
        await stage.node.settle(10_000)
        assert contact not in office.center.contacts
        journal.hold()
        (answer,) = begun(stage.node.submit(office.instance_id, a_queue(office, "q")))
        await journal.held()
        await stage.node.settle(20)
        assert not answer.done()
        journal.gate.set()
        await answer


async def test_a_poll_ends_with_its_time_and_leaves_nothing_behind():
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        ann, desk = office.id_of("user", "ann"), office.desk
        version = desk.versions.get(ann, 0)
        assert await stage.node.changed(desk, ann, version, 5) == version
        gone, staying = begun(
            stage.node.changed(desk, ann, version, 60_000),
            stage.node.changed(desk, ann, version, 60_000),
        )
        await turns()
        gone.cancel()
        await office.status("bob", "Available")  # no news of ann
        assert not staying.done()
        await office.status("ann", "Available")
        assert await staying == version + 1
        assert stage.node._watchers == {}


# Instances


async def test_instances_side_by_side_do_not_know_each_other():
    async with a_node() as stage:
        one, two = [await stage.an_instance(name, users=["ann"]) for name in ("one", "two")]
        image, counters = engine.image(two.center), two.desk.realtime.dump()
        await one.status("ann", "Available")
        contact = await one.a_call()
        assert one.agent("ann").contacts
        assert (engine.image(two.center), two.desk.realtime.dump()) == (image, counters)
        await one.customer_hangs_up(contact)
        other = await two.a_call()
        assert other in two.center.contacts
        assert other not in one.center.contacts


async def test_a_deleted_instance_is_gone_and_so_is_its_history():
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        other = await stage.an_instance("other", users=["bob"])
        await office.status("ann", "Available")
        contact = await office.a_call()
        desk = office.desk
        with pytest.raises(Refusal, match="live contacts"):
            await stage.node.delete(office.instance_id, Origin())
        await office.customer_hangs_up(contact)
        await stage.pass_time(60)
        await stage.node.analyse(desk, lambda _: None)
        await stage.node.delete(office.instance_id, Origin())
        with pytest.raises(Refusal, match="ResourceNotFoundException"):
            stage.node.desk(office.instance_id)
        assert stage.history.last(office.instance_id) == 0
        stage.node.post(office.instance_id, commands.StopContact(contact))  # no news
        await stage.node.analyse(desk, lambda _: None)  # by somebody who still had it
        await stage.node._save(desk)
        assert stage.history.last(office.instance_id) == 0
        await stage.pass_time(3600)
        assert list(stage.node.desks) == [other.instance_id]
        with pytest.raises(Refusal):
            await stage.node.delete(office.instance_id, Origin())


async def test_an_instance_that_was_refused_leaves_nothing():
    async with a_node() as stage:
        office = await stage.an_instance()
        again = commands.CreateInstance(
            instance_id=office.instance_id,
            region="us-east-1",
            account="111122223333",
            alias="again",
            properties={},
            number=None,
        )
        with pytest.raises(Refusal, match="DuplicateResourceException"):
            await stage.node.create(again, Origin())
        assert list(stage.node.desks) == [office.instance_id]
        stage.node._closing = True
        fresh = commands.CreateInstance(
            instance_id=derive(stage.node.draw(), 0),
            region="us-east-1",
            account="111122223333",
            alias="fresh",
            properties={},
            number=None,
        )
        with pytest.raises(Refusal, match="ServiceUnavailableException"):
            await stage.node.create(fresh, Origin())
        assert list(stage.node.desks) == [office.instance_id]
        stage.node._closing = False
