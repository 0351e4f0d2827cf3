"""Contacts of other centers' logs: taken in once, kept like our own, and refused if untrue."""

import asyncio

import pytest
from msgspec.structs import replace

from node_builders import START, KeptHistory, KeptJournal, Office, a_node
from record_builders import contents
from ringfloor.base.codec import decoder
from ringfloor.base.errors import Refusal
from ringfloor.base.time import DAY, MINUTE, SECOND, VirtualClock
from ringfloor.domain import events
from ringfloor.domain.commands import UpdateAttributes
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import ContactImported, Origin, decode_outcome, encode_outcome
from ringfloor.domain.facts import HandTime, Leg, Occurrence
from ringfloor.domain.logged import LoggedContact, final, wrongs
from ringfloor.engine.state import Center
from ringfloor.node.history import TABLES, History
from ringfloor.node.stream_lines import STREAMS, Notes
from ringfloor.operations.imports import Imported, check, take_in
from ringfloor.projections.records import Records

BEGAN = START - DAY
ORIGIN = Origin("arn:aws:iam::111122223333:root", "127.0.0.1", "r", "ImportContacts")


def logged(identifier: str = "c1", **changes: object) -> LoggedContact:
    """Began, 10 s in a flow, 20 s in the queue, 60 s with the agent, 30 s of work after it."""
    given = {
        "id": identifier,
        "initiated_at": BEGAN,
        "enqueued_at": BEGAN + 10 * SECOND,
        "dequeued_at": BEGAN + 30 * SECOND,
        "connected_to_agent_at": BEGAN + 30 * SECOND,
        "disconnected_at": BEGAN + 90 * SECOND,
        "after_contact_work_ms": 30 * SECOND,
        "queue": "q",
        "agent": "a",
        "attributes": {"line": "7"},
    }
    return LoggedContact(**(given | changes))


WAITED = {"connected_to_agent_at": None, "agent": None, "after_contact_work_ms": None}


def of_office(office: Office, contact: LoggedContact) -> LoggedContact:
    queue = office.id_of("queue", "BasicQueue") if contact.queue == "q" else contact.queue
    agent = office.id_of("user", "ann") if contact.agent == "a" else contact.agent
    return replace(contact, queue=queue, agent=agent)


async def taken(office: Office, *contacts: LoggedContact) -> Imported:
    given = [of_office(office, each) for each in contacts]
    return await take_in(office.stage.node, office.desk, given, ORIGIN)


def refusal(office: Office, *contacts: LoggedContact):
    async def both() -> str:
        given = [of_office(office, each) for each in contacts]
        with pytest.raises(Refusal) as checked:
            await check(office.stage.node, office.desk, given, office.stage.now)
        with pytest.raises(Refusal) as caught:
            await taken(office, *contacts)
        assert str(checked.value) == str(caught.value)
        return str(caught.value)

    return both()


async def an_office(stage) -> Office:
    return await stage.an_instance(users=["ann"])


async def test_what_is_known_is_passed_over_and_the_center_does_not_change():
    async with a_node() as stage:
        office = await an_office(stage)
        before = office.desk.realtime.dump(), dict(office.center.contacts), office.center.turn
        assert await taken(office, logged("c1"), logged("c2"), logged("c2")) == Imported(2, 1)
        sequence = office.desk.sequence
        assert await taken(office, logged("c1"), logged("c2")) == Imported(0, 2)
        assert office.desk.sequence == sequence, "no record is written of nothing"
        assert await taken(office, logged("c2"), logged("c3")) == Imported(1, 1)
        assert office.origins()[-1] == ("ContactImported", ORIGIN)
        after = office.desk.realtime.dump(), dict(office.center.contacts), office.center.turn
        assert after == before


async def test_of_two_imports_at_once_each_contact_comes_once():
    async with a_node() as stage:
        office = await an_office(stage)
        contacts = [logged(f"c{number}") for number in range(20)]
        done = await asyncio.gather(taken(office, *contacts), taken(office, *contacts))
        assert sorted(done) == [Imported(0, 20), Imported(20, 0)]


async def test_a_history_that_is_rebuilt_has_them():
    journal, clock = KeptJournal(), VirtualClock(START)
    first, second = (KeptHistory.open(None, pytest.fail) for _ in range(2))
    async with a_node(journal, clock, history=first) as stage:
        office = await an_office(stage)
        await taken(office, logged("c1"), logged("c2", **WAITED))
    async with a_node(journal, clock, history=second) as stage:
        desk = stage.node.desk(office.instance_id)
        await stage.node.analyse(desk, lambda history: history.last(desk.instance_id))
        assert contents(second) == contents(first)
        for kind, rows in ((Leg, 2), (Occurrence, 3), (HandTime, 1)):
            assert len(contents(second)[TABLES[kind].name]) == rows
    for history in (first, second):
        History.close(history)


async def test_they_are_forgotten_when_their_time_has_come():
    async with a_node() as stage:
        office = await an_office(stage)
        await taken(office, logged("c1"))
        await stage.pass_time(740 * DAY // SECOND)
        gone = await stage.node.analyse(
            office.desk, lambda history: history.leg(office.instance_id, "c1")
        )
        assert gone is None
        said = await refusal(office, logged("c1"))
        assert "keeps contacts for 24 months; its tag ringfloor:record-months" in said


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        (logged(queue="no-such"), "queue: no queue 'no-such' here"),
        (logged(agent="no-such"), "agent: no user 'no-such' here"),
        (
            logged(initiated_at=START - 740 * DAY),
            "initiated_at: '2021-11-04T22:13:20Z' is before 2021-11-14T22:13:20Z: this instance",
        ),
        (
            logged(disconnected_at=START + 1, after_contact_work_ms=None),
            f"disconnected_at: {START + 1} is after 2023-11-14T22:13:20Z, which is now",
        ),
        (logged(dequeued_at=BEGAN), f"dequeued_at: {BEGAN} is before enqueued_at (c1)"),
    ],
)
async def test_all_of_a_part_is_refused_for_one(contact, words):
    async with a_node() as stage:
        office = await an_office(stage)
        assert words in await refusal(office, logged("c0"), contact)
        known = await stage.node.analyse(
            office.desk, lambda history: history.known(office.instance_id, ["c0", "c1"])
        )
        assert known == set()


async def test_a_live_contact_is_not_imported():
    async with a_node() as stage:
        office = await an_office(stage)
        live = await office.a_call()
        assert "is a live contact" in await refusal(office, logged(live))


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({}, None),
        (WAITED, None),
        ({"agent": None}, None),
        ({"enqueued_at": None, "dequeued_at": None}, None),
        ({"queue": None}, "enqueued_at"),
        ({"enqueued_at": None}, "dequeued_at"),
        ({"dequeued_at": None}, "dequeued_at"),
        ({"connected_to_agent_at": None, "after_contact_work_ms": None}, "agent"),
        ({"connected_to_agent_at": None, "agent": None}, "after_contact_work_ms"),
        ({"after_contact_work_ms": -1}, "after_contact_work_ms"),
        ({"initiated_at": -1}, "initiated_at"),
        ({"connected_to_agent_at": BEGAN + 29 * SECOND}, "connected_to_agent_at"),
        ({"disconnected_at": BEGAN + 29 * SECOND}, "disconnected_at"),
        ({"connected_to_system_at": BEGAN - 1}, "connected_to_system_at"),
        ({"hold_ms": 60 * SECOND + 1, "holds": 1}, "hold_ms"),
        ({"hold_ms": -1}, "hold_ms"),
        ({"holds": -1}, "holds"),
        ({"holds": 1 << 64}, "holds"),
        ({"age_adjustment_ms": -90_000}, None),
        ({"age_adjustment_ms": -(1 << 64)}, "age_adjustment_ms"),
        ({"disconnected_at": 1 << 63}, "disconnected_at"),
        ({"id": "../c"}, "id"),
        ({"priority": 0}, "priority"),
        ({"attributes": {"a": "x" * 32_768}}, "attributes"),
    ],
)
def test_what_cannot_be_true_of_a_contact(changes, member):
    assert [each.member for each in wrongs(logged(**changes))] == ([member] if member else [])


def told(contact: LoggedContact) -> list:
    """The facts of an import; the agent is of profile p, in group g."""
    records = Records()
    for event in (
        events.ResourceCreated("hierarchy_group", "g", {"Name": "g"}, {}),
        events.ResourceCreated("user", "a", {"RoutingProfileId": "p", "HierarchyGroupId": "g"}, {}),
    ):
        records.on(event, BEGAN)
    return records.on(importable(contact), START)


def importable(contact: LoggedContact) -> ContactImported:
    """Through its encoding, as the journal keeps it."""
    profile = None if contact.agent is None else "p"
    made = ContactImported(final(contact, profile))
    outcome = decode_outcome(encode_outcome(events.Outcome(START, (made,))))
    assert outcome.events == (made,)
    return made


def test_a_leg_says_what_the_log_said():
    *_, leg = told(logged(hold_ms=5 * SECOND, holds=1))
    assert (leg.queue_id, leg.agent_id, leg.routing_profile_id, leg.level_one) == (
        "q",
        "a",
        "p",
        "g",
    )
    assert (leg.interaction_ms, leg.hold_ms, leg.longest_hold_ms) == (55_000, 5_000, 5_000)
    assert (leg.after_contact_work_ms, leg.holds) == (30_000, 1)
    assert leg.after_contact_work_ended_at == BEGAN + 2 * MINUTE
    assert (leg.pre_disconnect_state, leg.disconnect_reason) == ("CONNECTED", "OTHER")
    assert leg.attributes == {"line": "7"}
    kept = decoder(Contact).decode(leg.record)
    assert (kept.stage, kept.agent_id, kept.queue_id) == ("ENDED", "a", "q")


@pytest.mark.parametrize(
    ("contact", "kinds", "ended"),
    [
        (logged(), ["enqueued", "connected", "hand 90 s", "leg q"], ("CONNECTED", "OTHER")),
        (logged(agent=None), ["enqueued", "connected", "leg q"], ("CONNECTED", "OTHER")),
        (logged(**WAITED), ["enqueued", "leg q"], ("IN_QUEUE", "CUSTOMER_DISCONNECT")),
        (
            logged(**WAITED, enqueued_at=None, dequeued_at=None),
            ["leg None"],
            ("IN_FLOW", "OTHER"),
        ),
        (
            logged(**WAITED, disconnect_reason="TELECOM_PROBLEM"),
            ["enqueued", "leg q"],
            ("IN_QUEUE", "TELECOM_PROBLEM"),
        ),
    ],
)
def test_facts_are_what_a_log_can_tell_and_no_more(contact, kinds, ended):
    facts = told(contact)
    found = []
    for fact in facts:
        match fact:
            case Occurrence():
                found.append(fact.kind)
            case HandTime():
                found.append(f"hand {(fact.ended_at - fact.started_at) // SECOND} s")
            case Leg():
                found.append(f"leg {fact.queue_id}")
    assert found == kinds
    assert (facts[-1].pre_disconnect_state, facts[-1].disconnect_reason) == ended


def test_no_stream_is_told():
    notes = Notes(frozenset(STREAMS))
    notes.look(Center(), importable(logged()))
    assert not any(notes.told.values())


async def test_what_is_imported_may_be_amended():
    async with a_node() as stage:
        office = await an_office(stage)
        await taken(office, logged("c1"))
        record = await stage.node.analyse(
            office.desk, lambda history: history.leg(office.instance_id, "c1")
        )
        contact = decoder(Contact).decode(record)
        await office.submit(UpdateAttributes("c1", {"seen": "yes"}, record=contact))
        amended = await stage.node.analyse(
            office.desk, lambda history: history.leg(office.instance_id, "c1")
        )
        assert decoder(Contact).decode(amended).attributes == {"line": "7", "seen": "yes"}
