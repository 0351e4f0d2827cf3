"""The agent service: what an agent does and sees in a day, call by call."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import cti_model
from agent_desktops import Desktop, desktop
from node_builders import CUSTOMER, NUMBER, START, Office, Stage, a_node
from ringfloor.base.limits import RING_MS
from ringfloor.base.time import SECOND, seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import Agent, Contact, Held, Reference
from ringfloor.server import agent_snapshot


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


def states(contact: dict[str, Any]) -> tuple[str, str, str]:
    """Of the contact, of the agent's connection, of the customer's."""
    agents, customers = contact["connections"]
    assert (agents["type"], customers["type"]) == ("agent", "inbound")
    return contact["state"]["type"], agents["state"]["type"], customers["state"]["type"]


# A day


async def test_a_call_from_ring_to_clear(stage, office, ann):
    assert await ann.state() == ("Offline", "offline")
    await ann.choose("Available")
    assert await ann.state() == ("Available", "routable")

    contact_id = await office.a_call(tier="gold")
    assert await ann.state() == ("PendingBusy", "system")
    contact = await ann.contact()
    assert contact["contactId"] == contact_id
    assert states(contact) == ("connecting", "connecting", "connected")

    await stage.pass_time(5)
    await ann.do("AcceptContact", contact_id)
    assert await ann.state() == ("Busy", "system")
    assert states(await ann.contact()) == ("connected", "connected", "connected")
    agents, customers = (each["connectionId"] for each in contact["connections"])

    await stage.pass_time(5)
    await ann.do("HoldConnection", contact_id, connectionId=customers)
    contact = await ann.contact()
    assert states(contact) == ("connected", "connected", "hold")
    assert contact["connections"][1]["state"]["timestamp"] == seconds(stage.now)
    assert contact["state"]["timestamp"] == seconds(stage.now) - 5
    assert await ann.state() == ("Busy", "system")
    await ann.do("ResumeConnection", contact_id, connectionId=agents)
    assert states(await ann.contact()) == ("connected", "connected", "connected")

    await stage.pass_time(5)
    await ann.do("DestroyConnection", contact_id, connectionId=agents)
    assert await ann.state() == ("AfterCallWork", "system")
    assert states(await ann.contact()) == ("ended", "disconnected", "disconnected")
    assert (await ann.look())["state"]["startTimestamp"] == seconds(stage.now)

    await stage.pass_time(5)
    await ann.do("CompleteContact", contact_id)
    assert (await ann.look())["contacts"] == []
    assert await ann.state() == ("Available", "routable")


async def test_a_snapshot_tells_everything_about_a_call(stage, office, ann):
    await ann.choose("Available")
    await stage.pass_time(3)
    contact_id = await office.a_call(tier="gold")
    order = Reference("URL", "https://example.com/7")
    await office.submit(commands.UpdateContact(contact_id=contact_id, references={"order": order}))
    await stage.pass_time(2)
    home = office.center.home
    user_arn = home.arn_of("user", office.id_of("user", "ann"))
    queue = office.id_of("queue", "BasicQueue")
    assert await ann.look() == {
        "state": {
            "name": "PendingBusy",
            "type": "system",
            "startTimestamp": seconds(START + 3 * SECOND),
        },
        "nextState": None,
        "agentAvailabilityState": {"state": "Available", "timeStamp": seconds(START)},
        "snapshotTimestamp": seconds(START + 5 * SECOND),
        "contacts": [
            {
                "contactId": contact_id,
                "initialContactId": contact_id,
                "contactAssociationId": contact_id,
                "type": "voice",
                "state": {"type": "connecting", "timestamp": seconds(START + 3 * SECOND)},
                "queue": {"queueARN": f"{home.arn}/queue/{queue}", "name": "BasicQueue"},
                "queueTimestamp": seconds(START + 3 * SECOND),
                "connections": [
                    {
                        "connectionId": f"{contact_id}/agent",
                        "endpoint": {
                            "type": "agent",
                            "endpointARN": user_arn,
                            "name": "Ann Agent",
                            "agentLogin": "ann",
                        },
                        "state": {"type": "connecting", "timestamp": seconds(START + 3 * SECOND)},
                        "type": "agent",
                        "initial": False,
                        "mute": False,
                        "softphoneMediaInfo": {"callType": "audio_only", "autoAccept": False},
                    },
                    {
                        "connectionId": contact_id,
                        "endpoint": {"type": "phone_number", "phoneNumber": CUSTOMER},
                        "state": {"type": "connected", "timestamp": seconds(START + 3 * SECOND)},
                        "type": "inbound",
                        "initial": True,
                        "mute": False,
                    },
                ],
                "attributes": {
                    "tier": {"name": "tier", "value": "gold"},
                    "enteredBy": {"name": "enteredBy", "value": "VOICE"},
                },
                "contactDuration": "0",
                "references": {"order": {"type": "URL", "value": "https://example.com/7"}},
                "initiationMethod": "inbound",
                "contactFeatures": {
                    "attachmentsEnabled": False,
                    "messagingMarkdownEnabled": False,
                    "multiPartyConferenceEnabled": False,
                },
                "channelContext": {},
                "segmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
                "customerEndpoint": {"type": "phone_number", "phoneNumber": CUSTOMER},
                "connectSystemEndpoint": {"type": "phone_number", "phoneNumber": NUMBER},
            }
        ],
    }


async def test_a_missed_call_stays_until_it_is_cleared(stage, office, ann):
    await ann.choose("Available")
    contact_id = await office.a_call(tier="gold")
    await stage.pass_time(RING_MS / SECOND)
    assert await ann.state() == ("MissedCallAgent", "error")
    missed = await ann.contact()
    assert states(missed) == ("missed", "disconnected", "disconnected")
    assert missed["attributes"]["tier"] == {"name": "tier", "value": "gold"}
    assert (missed["queue"]["name"], missed["initiationMethod"]) == ("BasicQueue", "inbound")

    await office.submit(commands.UpdateAttributes(contact_id, {"tier": "none of hers"}))
    await office.customer_hangs_up(contact_id)
    assert contact_id not in office.center.contacts
    assert await ann.contact() == missed, "she sees it as it was"

    await ann.do("ClearContact", contact_id)
    assert (await ann.look())["contacts"] == []
    assert await ann.state() == ("Available", "routable")


@pytest.mark.parametrize("by", ["RejectContact", "DestroyConnection"])
async def test_declining_a_call_counts_as_missing_it(office, ann, by):
    await ann.choose("Available")
    contact_id = await office.a_call()
    connection = {"connectionId": f"{contact_id}/agent"} if by == "DestroyConnection" else {}
    await ann.do(by, contact_id, **connection)
    assert await ann.state() == ("MissedCallAgent", "error")
    assert office.center.contacts[contact_id].stage == "IN_QUEUE"


async def test_the_customer_hangs_up(office, ann):
    await ann.choose("Available")
    contact_id = await office.a_call()
    await ann.do("AcceptContact", contact_id)
    await office.customer_hangs_up(contact_id)
    assert await ann.state() == ("AfterCallWork", "system")
    await ann.do("ClearContact", contact_id)
    assert await ann.state() == ("Available", "routable")


async def test_hanging_up_the_customer_ends_the_conversation(office, ann):
    await ann.choose("Available")
    contact_id = await office.a_call()
    await ann.do("AcceptContact", contact_id)
    await ann.do("DestroyConnection", contact_id, connectionId=contact_id)
    assert await ann.state() == ("AfterCallWork", "system")


async def test_a_status_chosen_while_busy_comes_next(stage, office, ann):
    await office.add("agent_status", Name="Lunch", Type="CUSTOM", State="ENABLED")
    await ann.choose("Available")
    contact_id = await office.a_call()
    await ann.do("AcceptContact", contact_id)
    await stage.pass_time(5)
    await ann.choose("Lunch", enqueueNextState=True)
    seen = await ann.look()
    lunch = office.center.home.arn_of("agent_status", office.id_of("agent_status", "Lunch"))
    assert seen["nextState"] == {
        "agentStateARN": lunch,
        "name": "Lunch",
        "type": "not_routable",
        "startTimestamp": seconds(stage.now),
    }
    assert seen["state"]["name"] == "Busy"
    assert seen["agentAvailabilityState"]["state"] == "Available"

    await ann.do("DestroyConnection", contact_id, connectionId=f"{contact_id}/agent")
    await ann.do("CompleteContact", contact_id)
    seen = await ann.look()
    assert seen["nextState"] is None
    assert await ann.state() == ("Lunch", "not_routable")


async def test_a_status_is_chosen_by_its_arn_first(office, ann):
    available = office.center.home.arn_of("agent_status", office.id_of("agent_status", "Available"))
    await ann.do("PutAgentState", state={"agentStateARN": available, "name": "Offline"})
    assert await ann.state() == ("Available", "routable")


# What changes is written down


async def test_every_deed_bears_the_agents_name(office, ann):
    await ann.choose("Available")
    name, origin = office.origins()[-1]
    assert name == "AgentStatusChanged"
    assert origin.principal == office.center.home.arn_of("user", office.id_of("user", "ann"))
    assert origin.operation == "AmazonConnectCTIService.PutAgentState"


# The precedence of states; what the engine does not yet lead to is put there


HELD_STATES = (
    "ERROR",
    "MISSED",
    "REJECTED",
    "CONNECTED",
    "CONNECTED_ONHOLD",
    "ENDED",
    "CONNECTING",
    "PENDING",
    "INCOMING",
)
"""Those that a call may be in, the worst first; a task may be PAUSED, too."""


def with_held(
    office: Office, *held: tuple[str, str, str], method: str = "INBOUND"
) -> dict[str, Any]:
    """The snapshot of an agent with contacts of (channel, state, id)."""
    agent: Agent = office.agent("ann")
    for channel, state, contact_id in held:
        agent.contacts[contact_id] = Held(
            contact_id=contact_id, channel=channel, state=state, since=START
        )
        office.center.contacts[contact_id] = Contact(
            id=contact_id,
            channel=channel,
            initiation_method=method,
            stage="CONNECTED",
            initiated_at=START,
            updated_at=START,
            agent_id=agent.id,
            queue_id=office.id_of("queue", "BasicQueue"),
        )
    try:
        seen = agent_snapshot.snapshot(office.center, agent.id, START)
        assert cti_model.wrong("GetAgentSnapshot", {"snapshot": seen, "nextToken": ""}) == []
        return seen
    finally:
        agent.contacts.clear()
        office.center.contacts.clear()


NAMES = ["Error", "MissedCallAgent", "MissedCallAgent", "Busy", "Busy", "AfterCallWork"]


async def test_the_worst_of_several_contacts_is_the_agents_state(office):
    for index, (worse, name) in enumerate(zip(HELD_STATES, NAMES, strict=False)):
        for better in HELD_STATES[index + 1 :]:
            for pair in ((worse, better), (better, worse)):
                held = [("VOICE", state, f"c{place}") for place, state in enumerate(pair)]
                assert with_held(office, *held)["state"]["name"] == name


@pytest.mark.parametrize("state", [*HELD_STATES, "PAUSED"])
@pytest.mark.parametrize("channel", ["CHAT", "TASK", "EMAIL"])
async def test_only_voice_changes_the_agents_state(office, channel, state):
    seen = with_held(office, (channel, state, "c1"))
    assert seen["state"]["name"] == "Offline"
    (contact,) = seen["contacts"]
    assert contact["type"] == channel.lower()
    assert contact["state"]["type"] == agent_snapshot.CONTACT_STATES[state]
    subtype = {"ValueString": f"connect:{channel.title()}"}
    assert contact["segmentAttributes"] == {"connect:Subtype": subtype}
    assert "initialContactId" not in contact, "calls only are their own first contact there"
    initial = [each["type"] for each in contact["connections"] if each["initial"]]
    assert initial == (["agent"] if channel == "TASK" else ["inbound"])


async def test_a_callback_is_incoming_and_the_agent_pending(office):
    seen = with_held(office, ("VOICE", "INCOMING", "c1"), method="CALLBACK")
    assert (seen["state"]["name"], seen["state"]["type"]) == ("Pending", "not_routable")
    (contact,) = seen["contacts"]
    assert (contact["type"], contact["state"]["type"]) == ("queue_callback", "incoming")
    seen = with_held(office, ("VOICE", "CONNECTED", "c1"), method="CALLBACK")
    (contact,) = seen["contacts"]
    assert contact["state"]["type"] == "connected"
    assert contact["connections"][1]["type"] == "outbound"


async def test_a_contact_of_the_agents_own_queue_has_a_queue_without_name(office, ann):
    await ann.choose("Available")
    contact_id = await office.a_call()
    user_id = office.id_of("user", "ann")
    office.center.contacts[contact_id].queue_id = user_id
    contact = await ann.contact()
    office.center.contacts[contact_id].queue_id = office.id_of("queue", "BasicQueue")
    assert contact["queue"] == {"queueARN": f"{office.center.home.arn}/queue/agent/{user_id}"}


def test_every_state_of_a_contact_is_shown():
    assert sorted(agent_snapshot.VOICE_STATES) == sorted(HELD_STATES)
    for table in (agent_snapshot.CONTACT_STATES, agent_snapshot.CONNECTION_STATES):
        assert sorted(table) == sorted([*HELD_STATES, "PAUSED"])
