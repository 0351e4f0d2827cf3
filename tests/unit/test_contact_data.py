"""Contact data on a running node: changes of what is final, many at once, and what is forgotten."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from node_builders import START, KeptHistory, KeptJournal, Office, a_node
from record_builders import contents
from ringfloor.aws.model import load
from ringfloor.aws.request import Principal
from ringfloor.base.errors import Refusal
from ringfloor.base.time import DAY, SECOND, VirtualClock
from ringfloor.domain import commands
from ringfloor.domain.events import RecordsExpired, decode_outcome
from ringfloor.node.history import TABLES, History
from ringfloor.operations.all import HANDLERS
from ringfloor.operations.context import Context

API = load("connect")
KEPT_DAYS = 731
"""24 months from START, the 14th of November 2023 at 22:13:20, over a leap day."""


class Asked(SimpleNamespace):
    """A request; what it does not say is None."""

    def __getattr__(self, _name: str) -> None:
        return None


async def ask(office: Office, operation: str, **members: Any) -> Any:
    context = Context(
        service=office.stage.service,
        operation=API.operations[operation],
        principal=Principal("111122223333", "arn:aws:iam::111122223333:root", "AKID"),
        source="127.0.0.1",
        request_id="r",
        now=office.stage.now,
    )
    return await HANDLERS[operation](context, Asked(InstanceId=office.instance_id, **members))


async def update(office: Office, contact_id: str, **pairs: str) -> None:
    await ask(office, "UpdateContactAttributes", InitialContactId=contact_id, Attributes=pairs)


async def attributes(office: Office, contact_id: str) -> dict[str, str]:
    """Without the one that the sample flow sets."""
    found = await ask(office, "GetContactAttributes", InitialContactId=contact_id)
    return {key: value for key, value in found["Attributes"].items() if key != "enteredBy"}


async def an_ended_call(office: Office, **pairs: str) -> str:
    contact_id = await office.a_call(**pairs)
    await office.customer_hangs_up(contact_id)
    assert contact_id not in office.center.contacts
    return contact_id


def expiries(office: Office) -> list[RecordsExpired]:
    return [
        event
        for record in office.stage.journal.read(office.instance_id, 0)
        for event in decode_outcome(record.payload).events
        if isinstance(event, RecordsExpired)
    ]


def rows(history: History) -> dict[str, int]:
    cursor = history._database.cursor()
    return {
        table.name: cursor.execute(f"SELECT count(*) FROM {table.name}").fetchall()[0][0]
        for table in TABLES.values()
    }


# Many at once


async def test_updates_of_an_ended_contact_lose_nothing_when_many_come_at_once():
    async with a_node() as stage:
        office = await stage.an_instance()
        contact_id = await an_ended_call(office, vip="yes")
        assert office.desk.facts, "final, and not yet in the history"
        await asyncio.gather(*(update(office, contact_id, **{f"k{n}": "v"}) for n in range(40)))
        pairs = {"vip": "yes", **{f"k{n}": "v" for n in range(40)}}
        assert await attributes(office, contact_id) == pairs


async def test_the_bound_holds_when_many_come_at_once():
    async with a_node() as stage:
        office = await stage.an_instance()
        contact_id = await an_ended_call(office)
        asks = (update(office, contact_id, **{f"k{n}": "x" * 12_000}) for n in range(5))
        told = await asyncio.gather(*asks, return_exceptions=True)
        refused = [each for each in told if isinstance(each, Refusal)]
        assert [each.code for each in refused] == ["InvalidParameterException"] * 3
        assert len(await attributes(office, contact_id)) == 2


@pytest.mark.parametrize("first", ["update", "end"])
async def test_an_update_in_the_moment_of_the_end_is_not_lost(first):
    async with a_node() as stage:
        office = await stage.an_instance()
        contact_id = await office.a_call(vip="yes")
        asks = [
            update(office, contact_id, k="v"),
            stage.node.submit(office.instance_id, commands.StopContact(contact_id)),
        ]
        await asyncio.gather(*(asks if first == "update" else reversed(asks)))
        assert contact_id not in office.center.contacts
        assert await attributes(office, contact_id) == {"vip": "yes", "k": "v"}


async def test_an_update_of_nobody_leaves_no_record():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance()
        last = journal.last(office.instance_id)
        with pytest.raises(Refusal, match="InitialContactId: no contact 'nobody'"):
            await update(office, "nobody", k="v")
        assert journal.last(office.instance_id) == last
        assert not office.desk.amending.locked()


# What is forgotten


async def test_a_contact_is_unknown_after_24_months_and_gone_the_next_midnight():
    async with a_node() as stage:
        office = await stage.an_instance()
        contact_id = await an_ended_call(office, k="v")
        await stage.pass_time(KEPT_DAYS * DAY // SECOND)
        assert await attributes(office, contact_id) == {"k": "v"}
        await update(office, contact_id, l="w")
        await stage.pass_time(0.001)
        assert rows(stage.history)["leg"] == 1
        asks = {
            "GetContactAttributes": {"InitialContactId": contact_id},
            "UpdateContactAttributes": {"InitialContactId": contact_id, "Attributes": {}},
            "TagContact": {"ContactId": contact_id, "Tags": {"k": "v"}},
            "ListContactReferences": {"ContactId": contact_id, "ReferenceTypes": []},
            "DescribeContact": {"ContactId": contact_id},
        }
        for operation, members in asks.items():
            with pytest.raises(Refusal, match="ResourceNotFoundException"):
                await ask(office, operation, **members)
        assert expiries(office) == []

        midnight = (START // DAY + KEPT_DAYS + 1) * DAY
        await stage.pass_time((midnight - stage.now) / SECOND)
        assert expiries(office) == [RecordsExpired((START // DAY + 1) * DAY)]
        assert rows(await stage.node.analyse(office.desk, lambda history: history))["leg"] == 0


async def test_what_is_too_old_goes_day_by_day_and_a_rebuilt_history_agrees():
    journal, clock = KeptJournal(), VirtualClock(START)
    async with a_node(journal, clock) as stage:
        office = await stage.an_instance(users=["ann"])
        calls = []
        for _ in range(4):
            await office.status("ann", "Available")
            calls.append(await an_ended_call(office))  # it rang at her
            await stage.pass_time(DAY // SECOND)
            await office.status("ann", "Offline")
        await stage.pass_time((KEPT_DAYS - 2) * DAY // SECOND)
        assert [len(expiries(office)), stage.now] == [2, START + (KEPT_DAYS + 2) * DAY]
        await update(office, calls[3], k="v")
        left = rows(await stage.node.analyse(office.desk, lambda history: history))
        assert {name: count for name, count in left.items() if count} == {
            "leg": 2,
            "offer": 2,
            "occurrence": 2,
            "flow_run": 4,
            "agent_time": 3,
            "trace": 2,
        }
        assert await attributes(office, calls[3]) == {"k": "v"}
        live = contents(await stage.node.analyse(office.desk, lambda history: history))
    fresh = KeptHistory.open(None, print)
    async with a_node(journal, clock, 1, fresh) as stage:
        office = Office(stage, office.instance_id)
        assert contents(await stage.node.analyse(office.desk, lambda history: history)) == live
        assert await attributes(office, calls[3]) == {"k": "v"}
        assert office.desk.expires_at() == stage.now // DAY * DAY + DAY


async def test_a_node_that_was_away_for_long_forgets_once_when_it_is_back():
    journal, history = KeptJournal(), KeptHistory.open(None, print)
    async with a_node(journal, VirtualClock(START), 1, history) as stage:
        office = await stage.an_instance()
        await an_ended_call(office)
    async with a_node(journal, VirtualClock(START + 1_000 * DAY), 1, history) as stage:
        office = Office(stage, office.instance_id)
        await stage.pass_time()
        assert len(expiries(office)) == 1
        assert rows(await stage.node.analyse(office.desk, lambda history: history))["leg"] == 0


async def test_where_nothing_is_kept_nothing_is_forgotten():
    async with a_node() as stage:
        office = await stage.an_instance()
        await stage.pass_time(3_000 * DAY // SECOND)
        assert office.desk.expires_at() is None
        assert expiries(office) == []
