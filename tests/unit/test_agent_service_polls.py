"""The agent service: long polls for the snapshot: when they are answered, and with what."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent_desktops import Desktop, desktop
from node_builders import KeptJournal, Office, Stage, a_node
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import AGENT_POLL_MS
from ringfloor.base.time import seconds
from ringfloor.domain import commands

MOMENT, LONG = 0.02, 10
"""Seconds of real time: enough for what is ready to happen; less than a poll waits, on any machine.
"""


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_node() as stage:
        yield stage


@pytest.fixture
async def office(stage: Stage) -> Office:
    return await stage.an_instance(users=["ann"])


@pytest.fixture
def ann(office: Office) -> Desktop:
    return desktop(office, "ann")


def poll(desk: Desktop, token: str | None, **members: Any) -> "asyncio.Task[dict[str, Any]]":
    return asyncio.create_task(desk.ask("GetAgentSnapshot", nextToken=token, **members))


async def waits(task: "asyncio.Task[Any]") -> bool:
    """Whether it is still waiting after a moment."""
    done, _ = await asyncio.wait([task], timeout=MOMENT)
    return not done


async def at_once(task: "asyncio.Task[Any]") -> bool:
    """Whether it is answered long before its time is over."""
    done, _ = await asyncio.wait([task], timeout=LONG)
    return bool(done)


async def test_a_poll_waits_for_a_change_and_not_for_anything_else(stage, office, ann):
    await office.add_user("bob")
    await ann.choose("Available")
    await ann.look()
    await stage.pass_time(1)
    waiting = poll(ann, ann.poll_token, timeout=30_000)
    assert await waits(waiting)
    await stage.pass_time(60)
    await desktop(office, "bob").choose("Available")
    await desktop(office, "bob").choose("Offline")
    assert await waits(waiting)

    contact_id = await office.a_call()
    result = await waiting
    assert result["snapshot"]["contacts"][0]["contactId"] == contact_id
    assert result["snapshot"]["snapshotTimestamp"] == seconds(stage.now)
    assert result["nextToken"] != ann.poll_token


@pytest.mark.parametrize("token", [None, "stale", "0-0123456789abcdef", ""])
async def test_a_poll_without_a_good_token_is_answered_at_once(ann, token):
    assert await at_once(poll(ann, token, timeout=30_000))


async def test_a_poll_is_answered_at_once_if_the_agent_changed_meanwhile(ann):
    await ann.look()
    token = ann.poll_token
    await ann.choose("Available")
    await ann.choose("Offline")
    waiting = poll(ann, token)
    assert await at_once(waiting)
    assert (await waiting)["nextToken"] != token


@pytest.mark.parametrize(
    ("asked", "waited"), [(None, 30_000), (60_000, 30_000), (250, 250), (0, 0)]
)
async def test_a_poll_waits_as_long_as_asked_up_to_half_a_minute(
    stage, ann, monkeypatch, asked, waited
):
    times = []

    async def changed(_desk: Any, _agent_id: str, version: int, wait_ms: int) -> int:
        times.append(wait_ms)
        return version

    monkeypatch.setattr(stage.node, "changed", changed)
    await ann.look()
    members = {} if asked is None else {"timeout": asked}
    result = await ann.ask("GetAgentSnapshot", nextToken=ann.poll_token, **members)
    assert result["nextToken"] == ann.poll_token
    assert times == [waited]
    assert AGENT_POLL_MS == 30_000


async def test_a_poll_whose_time_is_over_is_answered_with_the_same(ann):
    await ann.look()
    waiting = poll(ann, ann.poll_token, timeout=1)
    assert (await waiting)["nextToken"] == ann.poll_token


async def test_a_poll_of_a_user_who_is_deleted_meanwhile_is_refused(office, ann):
    await ann.look()
    waiting = poll(ann, ann.poll_token, timeout=20)
    await asyncio.sleep(0)
    await office.submit(commands.DeleteResource("user", office.id_of("user", "ann")))
    with pytest.raises(Refusal) as caught:
        await waiting
    assert caught.value.code == "UnauthorizedException"


async def test_a_token_from_before_a_restart_does_not_hide_what_changed():
    journal = KeptJournal()
    async with a_node(journal) as before:
        office = await before.an_instance(users=["ann"])
        ann = desktop(office, "ann")
        await ann.look()
        token, version = ann.poll_token, office.desk.versions
    async with a_node(journal, before.clock, seed=2) as between:
        again = Office(between, office.instance_id)
        await again.status("ann", "Available")
    async with a_node(journal, before.clock, seed=3) as after:
        again = Office(after, office.instance_id)
        assert again.desk.versions == version == {}
        waiting = poll(desktop(again, "ann"), token)
        assert await at_once(waiting)
        assert (await waiting)["snapshot"]["state"]["name"] == "Available"


async def test_polls_end_when_the_server_stops():
    async with a_node() as stage:
        ann = desktop(await stage.an_instance(users=["ann"]), "ann")
        await ann.look()
        waiting = poll(ann, ann.poll_token, timeout=30_000)
        assert await waits(waiting)
    assert (await waiting)["nextToken"] == ann.poll_token
