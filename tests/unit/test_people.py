"""Checks of the kinds around people, lists that are rewritten, and references that do not bind."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine_builders import a_center
from node_builders import Office, Stage, a_node
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import CHAT_WORK_SECONDS_MAX, UPDATE_ATTEMPTS_MAX
from ringfloor.domain.commands import DeleteResource, UpdateResource
from ringfloor.engine import engine
from ringfloor.engine.connection import work_limit_seconds
from ringfloor.engine.invariants import violations
from ringfloor.operations import people
from ringfloor.operations.rewriting import rewrite


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_node() as stage:
        yield stage


@pytest.fixture
async def office(stage: Stage) -> Office:
    return await stage.an_instance(users=["ann"])


# Settings per channel


def work(channel: str, limit: int, name: str = "AfterContactWorkConfig") -> dict[str, Any]:
    base = {"Channel": channel, "AfterContactWorkConfig": {}}
    return {**base, name: {"AfterContactWorkTimeLimit": limit}}


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"AfterContactWorkConfigs": [work("CHAT", 2_000_000), work("VOICE", 0)]},
        {"AfterContactWorkConfigs": [work("VOICE", 9, people.CALLBACK_ONLY[1])]},
        {"PhoneNumberConfigs": [{"Channel": "VOICE", "PhoneType": "SOFT_PHONE"}]},
    ],
)
async def test_settings_per_channel(office, good):
    assert await people.channels(office.center, good) == good


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"AfterContactWorkConfigs": [work("CHAT", 1)] * 2}, "twice"),
        ({"AfterContactWorkConfigs": [work("TASK", 2_000_001)]}, "2000000"),
        (
            {"AfterContactWorkConfigs": [work("VOICE", 2_000_001, people.CALLBACK_ONLY[1])]},
            "2000000",
        ),
        ({"AfterContactWorkConfigs": [work("CHAT", 1, people.CALLBACK_ONLY[1])]}, "VOICE only"),
        (
            {
                "AutoAcceptConfigs": [
                    {"Channel": "TASK", "AutoAccept": True, people.CALLBACK_ONLY[0]: False}
                ]
            },
            "VOICE only",
        ),
        ({"PhoneNumberConfigs": [{"Channel": "CHAT", "PhoneType": "SOFT_PHONE"}]}, "be VOICE"),
        ({"VoiceEnhancementConfigs": [{"Channel": "EMAIL"}]}, "must be VOICE"),
        ({"PersistentConnectionConfigs": [{"Channel": "TASK"}]}, "must be VOICE"),
        ({"PhoneNumberConfigs": [{"Channel": "VOICE", "PhoneType": "DESK_PHONE"}]}, "is needed"),
    ],
)
async def test_settings_that_are_refused(office, wrong, words):
    with pytest.raises(Refusal) as caught:
        await people.channels(office.center, wrong)
    assert caught.value.code == "InvalidParameterException"
    assert words in str(caught.value)


async def test_after_contact_work_of_a_phone_is_bounded(office):
    for limit, good in ((2_000_000, True), (2_000_001, False)):
        config = {"PhoneConfig": {"AfterContactWorkTimeLimit": limit}}
        if good:
            assert await people.phone(office.center, config) == config
        else:
            with pytest.raises(Refusal):
                await people.phone(office.center, config)


def test_after_contact_work_of_a_chat_ends_in_time():
    center = a_center()
    agent = center.agent("a1")
    user = center.center.resources["user"][agent.id]
    for channel, limit, expected in (
        ("CHAT", 90_000, CHAT_WORK_SECONDS_MAX),
        ("CHAT", 60, 60),
        ("CHAT", 0, 0),
        ("VOICE", 90_000, 90_000),
    ):
        user.properties["AfterContactWorkConfigs"] = [work(channel, limit)]
        assert work_limit_seconds(center.center, agent, channel) == expected


# Names and values


@pytest.mark.parametrize(
    "good", ["a", "Größe 1", "日本語", "a_b.c:d/e=f+g-h@i'j", "\u00a0", "connect"]
)
async def test_names_that_customers_choose(office, good):
    made = await people.predefined_attribute(office.center, {"Name": good})
    assert made["Values"] == {"StringList": []}


@pytest.mark.parametrize(
    "wrong", ["aws:a", "connect:a", "a\n", "\t", "a#", "a\x85b", "CONNECT:LANGUAGE"]
)
async def test_names_that_are_taken_or_refused(office, wrong):
    with pytest.raises(Refusal):
        await people.predefined_attribute(office.center, {"Name": wrong})


# Lists that are rewritten


class Busy:
    """A context whose writes come after somebody else's. others: how many of the writes."""

    def __init__(self, office: Office, others: int) -> None:
        self.node = office.stage.node
        self.others = others
        self.reads = 0

    async def read(self, question: Any) -> Any:
        self.reads += 1
        return await self.node.read(question)

    async def submit(self, desk: Any, command: UpdateResource) -> None:
        if self.others:
            self.others -= 1
            other = {"Description": f"{self.others} more to come"}
            await self.node.submit(
                desk.instance_id, UpdateResource(command.kind, command.id, other)
            )
        await self.node.submit(desk.instance_id, command)


async def rewritten(office: Office, others: int) -> Busy:
    queue = office.id_of("queue", "BasicQueue")
    context = Busy(office, others)

    async def change(before: dict[str, Any]) -> dict[str, Any]:
        return {"Description": f"{before.get('Description')}!"}

    def found():
        return office.center.resources["queue"][queue]

    await rewrite(context, office.desk, found, change)
    return context


async def test_who_was_slower_reads_again(office):
    context = await rewritten(office, 2)
    assert context.reads == 3
    queue = office.center.resources["queue"][office.id_of("queue", "BasicQueue")]
    assert queue.properties["Description"] == "0 more to come!"


async def test_who_is_always_slower_is_told_to_come_back(office):
    with pytest.raises(Refusal) as caught:
        await rewritten(office, UPDATE_ATTEMPTS_MAX)
    assert caught.value.code == "ThrottlingException"


# References that do not bind


async def test_a_user_goes_while_a_quick_connect_names_him(office):
    ann, center = office.id_of("user", "ann"), office.center
    flow = office.id_of("contact_flow", "Default agent transfer")
    config = {
        "QuickConnectType": "USER",
        "UserConfig": {"UserId": ann, "ContactFlowId": flow},
    }
    made = await office.add("quick_connect", Name="to ann", QuickConnectConfig=config)
    await office.submit(DeleteResource("user", ann))
    assert violations(center) == []
    await office.submit(UpdateResource("quick_connect", made, {"Name": "to nobody"}))
    assert violations(center) == []
    assert violations(engine.restore(engine.image(center))) == []
    again = {**config, "UserConfig": {"UserId": "another", "ContactFlowId": flow}}
    with pytest.raises(Refusal) as caught:
        await office.submit(UpdateResource("quick_connect", made, {"QuickConnectConfig": again}))
    assert caught.value.code == "ResourceNotFoundException"
    with pytest.raises(Refusal) as caught:
        await office.add("quick_connect", Name="new", QuickConnectConfig=config)
    assert caught.value.code == "ResourceNotFoundException"
    await office.submit(DeleteResource("quick_connect", made))
    assert violations(center) == []
    assert ann not in center.referrers
