"""Commands of several instances at once: all in one commit, or none."""

import asyncio

import pytest
from typing_extensions import override

from node_builders import START, KeptJournal, Stage, a_node
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.limits import TURN_COMMANDS_MAX
from ringfloor.base.time import VirtualClock
from ringfloor.domain import commands
from ringfloor.domain.events import Origin, ResourceCreated, ResourceDeleted, decode_outcome

NUMBER = "+12065550111"


class CountedJournal(KeptJournal):
    """A journal that remembers its appends, and may fail at one."""

    def __init__(self) -> None:
        super().__init__()
        self.appends: list[list[tuple[str, type]]] = []
        self.broken = False

    @override
    def append(self, records):
        if self.broken:
            raise Fault("the disk is full")
        super().append(records)
        self.appends.append(
            [(each.instance, type(decode_outcome(each.payload).events[0])) for each in records]
        )


def a_number(**more):
    properties = {
        "PhoneNumber": NUMBER,
        "PhoneNumberCountryCode": "US",
        "PhoneNumberType": "DID",
        "PhoneNumberDescription": "",
    }
    return commands.CreateResource(kind="phone_number", properties=properties, **more)


async def two_offices(stage):
    """Two instances; the first owns the number. The number's id."""
    one, two = [await stage.an_instance(alias) for alias in ("one", "two")]
    return one, two, await one.submit(a_number())


def moved(stage, one, two, number, **more):
    return stage.node.submit_jointly(
        two.instance_id,
        a_number(id=number, **more),
        [(one.instance_id, commands.DeleteResource("phone_number", number))],
        Origin(),
    )


def owners(*offices):
    return [office.desk.center.names["phone_number"].get(NUMBER) for office in offices]


async def test_both_are_in_one_commit_however_much_is_to_do():
    journal = CountedJournal()
    async with a_node(journal) as stage:
        one, two, number = await two_offices(stage)
        queue = one.id_of("queue", "BasicQueue")
        updates = [
            stage.node.submit(
                one.instance_id, commands.UpdateResource("queue", queue, {"MaxContacts": each})
            )
            for each in range(TURN_COMMANDS_MAX - 1)  # so that it is the last of its turn
        ]
        await asyncio.gather(*updates, moved(stage, one, two, number))
        assert owners(one, two) == [None, number]
    (together,) = [each for each in journal.appends if (two.instance_id, ResourceCreated) in each]
    assert (one.instance_id, ResourceDeleted) in together
    assert len(together) == TURN_COMMANDS_MAX + 1


async def test_if_either_is_refused_nothing_happens():
    async with a_node(journal := CountedJournal()) as stage:
        one, two, number = await two_offices(stage)
        before = len(journal.appends)
        with pytest.raises(Refusal) as caught:
            await moved(stage, one, two, number, quota=1)  # two has the seeded one
        assert caught.value.code == "LimitExceededException"
        await one.submit(
            commands.UpdateResource(
                "queue",
                one.id_of("queue", "BasicQueue"),
                {"OutboundCallerConfig": {"OutboundCallerIdNumberId": number}},
            )
        )
        with pytest.raises(Refusal) as caught:
            await moved(stage, one, two, number)
        assert caught.value.code == "ResourceInUseException"
        assert owners(one, two) == [number, None]
        assert len(journal.appends) == before + 1


@pytest.mark.parametrize("broken", [False, True])
async def test_after_a_crash_the_number_has_one_owner(broken):
    journal = CountedJournal()
    stage = Stage(journal, VirtualClock(START), 1)
    running = asyncio.create_task(stage.node.run())
    one, two, number = await two_offices(stage)
    journal.broken = broken
    if broken:
        with pytest.raises(Fault):
            await moved(stage, one, two, number)
        with pytest.raises(Fault, match="the disk is full"):
            await running
    else:
        await moved(stage, one, two, number)
        running.cancel()
    again = await asyncio.to_thread(Stage, journal, VirtualClock(START), 2)
    found = [again.node.desks[each.instance_id] for each in (one, two)]
    held = [each.center.names["phone_number"].get(NUMBER) for each in found]
    assert held == ([number, None] if broken else [None, number])
