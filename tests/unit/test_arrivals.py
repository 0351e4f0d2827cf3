"""Arrivals: who calls a claimed number is a contact; whoever cannot be taken does not ring on."""

import asyncio

import pytest

from node_builders import CUSTOMER, NUMBER, KeptJournal, a_node
from ringfloor.base.errors import Fault
from ringfloor.base.ids import derive
from ringfloor.base.time import VirtualClock
from ringfloor.domain import commands
from ringfloor.gateway.phones import Phones
from ringfloor.node.arrivals import Arrivals, allowed
from ringfloor.telephony.commands import HangUp
from ringfloor.telephony.events import Q850, ChannelHungUp, ChannelIncoming

OTHER = "+15555550199"


class Line:
    """Phones whose calls come in by themselves, and what was told of them."""

    def __init__(self, stage, quota=None, phones=None):
        self.stage = stage
        self.told = []
        self.phones = phones or Phones(self.hear)
        self.arrivals = Arrivals(stage.node.desks, stage.node.ask, self.answer, quota)
        stage.outbox.connect(self.phones, self.arrivals)

    def hear(self, event, at):
        self.told.append(event)
        self.stage.outbox.hear(event, at)

    def answer(self, command):
        self.phones.perform(command, self.stage.now)
        self.stage.node.wake()

    async def call(self, to=NUMBER, from_number=CUSTOMER):
        channel = derive(self.stage.node.draw(), 0)
        self.phones.call(from_number, to, channel, self.stage.now)
        await self.stage.pass_time()
        return channel

    def causes(self):
        return [each.q850 for each in self.told if isinstance(each, ChannelHungUp)]


async def an_office(stage, **changes):
    """An instance whose number leads into the sample flow."""
    office = await stage.an_instance(**changes)
    number = office.id_of("phone_number", NUMBER)
    flow = {"ContactFlowId": office.id_of("contact_flow", "Sample inbound flow")}
    await office.submit(commands.UpdateResource("phone_number", number, flow))
    return office


async def test_a_call_to_a_claimed_number_is_a_contact_of_its_instance():
    async with a_node() as stage:
        line, office = Line(stage), await an_office(stage)
        channel = await line.call()
        contact = office.center.contacts[channel]
        assert (contact.customer_number, contact.system_number) == (CUSTOMER, NUMBER)
        assert [(each.channel_id, each.state) for each in line.phones.channels()] == [
            (channel, "up")
        ]
        assert not line.arrivals.busy()
        line.phones.hang_up(channel, stage.now)
        await stage.pass_time()
        assert office.center.contacts.get(channel, contact).stage == "ENDED"


async def test_each_number_leads_to_whoever_has_claimed_it():
    async with a_node() as stage:
        line, first = Line(stage), await an_office(stage)
        second = await stage.an_instance("other")
        theirs = await second.add(
            "phone_number", PhoneNumber=OTHER, Type="DID", PhoneNumberCountryCode="US"
        )
        flow = {"ContactFlowId": second.id_of("contact_flow", "Sample inbound flow")}
        await second.submit(commands.UpdateResource("phone_number", theirs, flow))
        assert await line.call(OTHER) in second.center.contacts
        assert first.center.contacts == {}


@pytest.mark.parametrize(
    ("changes", "to", "quota", "cause"),
    [
        ({}, OTHER, None, Q850.UNALLOCATED_NUMBER),
        ({}, "", None, Q850.UNALLOCATED_NUMBER),
        ({"InboundCallsEnabled": False}, NUMBER, None, Q850.CALL_REJECTED),
        ({}, NUMBER, 0, Q850.CONGESTION),
    ],
)
async def test_who_cannot_be_taken_is_told_why(changes, to, quota, cause):
    async with a_node() as stage:
        line, office = Line(stage, quota), await an_office(stage)
        await office.submit(commands.UpdateInstance(changes))
        await line.call(to)
        assert (line.causes(), line.phones.channels()) == ([cause], [])
        assert office.center.contacts == {}


async def test_a_number_without_a_flow_takes_no_calls():
    async with a_node() as stage:
        line = Line(stage)
        await stage.an_instance()
        await line.call()
        assert line.causes() == [Q850.DESTINATION_OUT_OF_ORDER]


async def test_a_node_that_takes_nothing_lets_nobody_ring():
    async with a_node() as stage:
        await an_office(stage)
        said = []
        arrivals = Arrivals(stage.node.desks, stage.node.ask, said.append)
        stage.node.close()
        assert arrivals.begin(ChannelIncoming("c1", CUSTOMER, NUMBER)) is None
        assert said == [HangUp("c1", Q850.CONGESTION)]
        assert not arrivals.busy()


async def test_a_node_that_fails_lets_nobody_ring():
    async with a_node() as stage:
        await an_office(stage)
        asked = asyncio.get_running_loop().create_future()
        said = []
        arrivals = Arrivals(stage.node.desks, lambda *_: asked, said.append)
        assert arrivals.begin(ChannelIncoming("c1", CUSTOMER, NUMBER))
        assert arrivals.busy()
        asked.set_exception(Fault("the disk is full"))
        await asyncio.sleep(0)
        assert said == [HangUp("c1", Q850.TEMPORARY_FAILURE)]
        assert not arrivals.busy()


async def test_who_gives_up_at_once_leaves_nothing_behind():
    async with a_node() as stage:
        line, office = Line(stage), await an_office(stage)
        for event in (
            ChannelIncoming("c1", CUSTOMER, NUMBER),
            ChannelHungUp("c1", "remote", Q850.NORMAL_CLEARING, 487, "gave up"),
        ):
            stage.outbox.hear(event, stage.now)
        await stage.pass_time()
        assert office.center.contacts == {}
        assert stage.journal.last(office.instance_id) > 2, "he was there"
        assert line.phones.channels() == []


async def test_a_call_that_is_announced_again_is_the_same():
    async with a_node() as stage:
        line, office = Line(stage), await an_office(stage)
        channel = await line.call()
        before = stage.journal.last(office.instance_id)
        stage.outbox.hear(ChannelIncoming(channel, CUSTOMER, NUMBER), stage.now)
        await stage.pass_time()
        assert stage.journal.last(office.instance_id) == before
        assert list(office.center.contacts) == [channel]
        assert line.causes() == []


async def test_a_call_that_rang_while_the_server_was_away_is_taken_when_it_is_back():
    journal, clock = KeptJournal(), VirtualClock(1_700_000_000_000)
    async with a_node(journal, clock) as stage:
        line, office = Line(stage), await an_office(stage)
        taken = await line.call()
    phones = line.phones
    phones.call(CUSTOMER, NUMBER, "waits", clock.now())
    async with a_node(journal, clock) as again:
        line.stage = again
        Line(again, phones=phones)
        await again.pass_time()
        there = again.node.desks[office.instance_id].center.contacts
        assert sorted(there) == sorted([taken, "waits"])
        assert {each.state for each in phones.channels()} == {"up"}


@pytest.mark.parametrize("given", ["", "alice", "1001", "+1"])
async def test_a_caller_without_a_number_is_anonymous(given):
    async with a_node() as stage:
        line, office = Line(stage), await an_office(stage)
        channel = await line.call(from_number=given)
        assert office.center.contacts[channel].customer_number == "anonymous"


async def test_flows_see_the_headers_that_amazon_connect_shows_and_no_others():
    async with a_node() as stage:
        line, office = Line(stage), await an_office(stage)
        headers = (
            ("p-asserted-identity", "<sip:+12065550100@x>"),
            ("P-Asserted-Identity", "second"),
            ("X-Account", "7"),
            ("Hop-Counter", "9" * 1_000),
        )
        line.arrivals.begin(ChannelIncoming("c1", CUSTOMER, NUMBER, headers))
        line.phones.call(CUSTOMER, "", "c1", stage.now)  # so that there is one to be answered
        await stage.pass_time()
        assert office.center.contacts["c1"].headers == allowed(headers)
    assert allowed(headers) == {
        "P-Asserted-Identity": "<sip:+12065550100@x>",
        "Hop-Counter": "9" * 256,
    }


async def test_simulated_phones_are_let_in_by_whoever_makes_them_call():
    async with a_node() as stage:
        office = await an_office(stage)
        stage.phones.call(CUSTOMER, NUMBER, "c1", stage.now)
        await stage.pass_time()
        assert office.center.contacts == {}
        assert [each.state for each in stage.phones.channels()] == ["ringing"]
