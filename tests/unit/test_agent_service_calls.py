"""The agent service: two agents, a customer and a third party on one line, seen by each of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent_desktops import Desktop, desktop
from node_builders import NUMBER, Office, Stage, a_node
from ringfloor.base.errors import Refusal
from ringfloor.domain import commands
from ringfloor.gateway.phones import Behaviour
from ringfloor.server.agent_presence import Presence

THIRD = "+12065550177"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_node() as stage:
        yield stage


@pytest.fixture
async def office(stage: Stage) -> Office:
    """Of ann and bob; quick connects to bob, to the queue, and out of the house."""
    office = await stage.an_instance(users=["ann", "bob"])
    number = office.id_of("phone_number", NUMBER)
    await office.submit(
        commands.UpdateResource(
            "queue",
            office.id_of("queue", "BasicQueue"),
            {"OutboundCallerConfig": {"OutboundCallerIdNumberId": number}},
        )
    )
    for name, config in {
        "to bob": {
            "QuickConnectType": "USER",
            "UserConfig": {
                "UserId": office.id_of("user", "bob"),
                "ContactFlowId": office.id_of("contact_flow", "Default agent transfer"),
            },
        },
        "to the queue": {
            "QuickConnectType": "QUEUE",
            "QueueConfig": {
                "QueueId": office.id_of("queue", "BasicQueue"),
                "ContactFlowId": office.id_of("contact_flow", "Default queue transfer"),
            },
        },
        "out": {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": THIRD}},
    }.items():
        await office.add("quick_connect", Name=name, QuickConnectConfig=config)
    return office


@pytest.fixture
async def ann(office: Office) -> Desktop:
    """She talks to a customer."""
    ann = desktop(office, "ann")
    await ann.choose("Available")
    contact_id = await office.a_call()
    await ann.do("AcceptContact", contact_id)
    return ann


@pytest.fixture
async def bob(ann: Desktop, office: Office) -> Desktop:
    """He comes after her, or he would have the call."""
    assert ann
    bob = desktop(office, "bob")
    await bob.choose("Available")
    return bob


def endpoint(office: Office, name: str) -> dict[str, Any]:
    """A quick connect as GetEndpoints shows it, as far as it is needed."""
    arn = office.center.home.arn_of("quick_connect", office.id_of("quick_connect", name))
    return {"type": "phone_number", "endpointARN": arn}


async def parties(ann: Desktop) -> dict[str, str]:
    """Connection id to the type of its state."""
    contact = await ann.contact()
    return {each["connectionId"]: each["state"]["type"] for each in contact["connections"]}


async def held_id(who: Desktop) -> str:
    return (await who.contact())["contactId"]


async def consulting(office: Office, ann: Desktop, bob: Desktop) -> tuple[str, str]:
    """Ids of ann's contact and of bob's."""
    contact_id = await held_id(ann)
    await ann.do("CreateAdditionalConnection", contact_id, endpoint=endpoint(office, "to bob"))
    bobs_id = await held_id(bob)
    await bob.do("AcceptContact", bobs_id)
    return contact_id, bobs_id


async def test_what_each_agent_sees_of_a_consultation(office, ann, bob):
    contact_id, bobs_id = await consulting(office, ann, bob)
    assert await parties(ann) == {
        f"{contact_id}/agent": "connected",
        contact_id: "hold",
        f"{bobs_id}/agent": "connected",
    }
    third = (await ann.contact())["connections"][2]
    assert (third["type"], third["initial"], third["quickConnectName"]) == (
        "outbound",
        False,
        "to bob",
    )
    assert (third["endpoint"]["type"], third["endpoint"]["agentLogin"]) == ("agent", "bob")
    assert await ann.state() == ("Busy", "system")
    seen = await bob.contact()
    own, other = seen["connections"]
    assert (seen["initiationMethod"], own["connectionId"]) == ("transfer", f"{bobs_id}/agent")
    assert (other["type"], other["initial"]) == ("inbound", True)
    assert (other["endpoint"]["type"], other["endpoint"]["agentLogin"]) == ("agent", "ann")


async def test_toggle_conference_hold_mute_and_a_warm_transfer(office, ann, bob):
    contact_id, bobs_id = await consulting(office, ann, bob)
    bobs_leg = f"{bobs_id}/agent"
    await ann.do("ToggleActiveConnections", contact_id, connectionId=bobs_leg)
    assert (await parties(ann))[bobs_leg] == "hold"
    await ann.do("ConferenceConnections", contact_id)
    assert set((await parties(ann)).values()) == {"connected"}
    await ann.do("HoldConnection", contact_id, connectionId=bobs_leg)
    await ann.do("ResumeConnection", contact_id, connectionId=bobs_leg)
    await ann.do("MuteParticipant", contact_id, connectionId=bobs_leg)
    own = (await bob.contact())["connections"][0]
    assert (own["mute"], own["forcedMute"]) == (True, True)
    refusal = await bob.refused("UnmuteParticipant", contactId=bobs_id, connectionId=bobs_leg)
    assert refusal.code == "InvalidRequestException"
    await ann.do("UnmuteParticipant", contact_id, connectionId=bobs_leg)
    await ann.do("DestroyConnection", contact_id, connectionId=f"{contact_id}/agent")
    assert await ann.state() == ("AfterCallWork", "system")
    seen = await bob.contact()
    assert [each["connectionId"] for each in seen["connections"]] == [bobs_leg, contact_id]
    assert seen["connections"][1]["endpoint"]["type"] == "phone_number"
    assert seen["initialContactId"] == contact_id
    heard = [(each.kind, each.value) for each in office.stage.phones.heard(contact_id)]
    assert heard[-1] == ("joined", f"agent:{office.id_of('user', 'bob')}")
    await office.customer_hangs_up(contact_id)
    assert await bob.state() == ("AfterCallWork", "system")


async def test_an_external_party_is_dialled_and_hears_keys(office, ann):
    contact_id = await held_id(ann)
    office.stage.phones.tell(THIRD, Behaviour("answer", 3_000))
    await ann.do("CreateAdditionalConnection", contact_id, endpoint=endpoint(office, "out"))
    (third,) = [each for each, state in (await parties(ann)).items() if state == "connecting"]
    await office.stage.pass_time(3)
    assert (await parties(ann))[third] == "connected"
    await ann.do("SendDigits", contact_id, connectionId=third, digits="42#")
    assert ("digits", "42#") in [
        (each.kind, each.value) for each in office.stage.phones.heard(third)
    ]
    refusal = await ann.refused(
        "SendDigits", contactId=contact_id, connectionId=third, digits="hello"
    )
    assert refusal.code == "InvalidParameterException"


async def test_a_party_who_cannot_be_had_is_shown_as_disconnected(office, ann):
    contact_id = await held_id(ann)
    office.stage.phones.tell(THIRD, Behaviour("busy"))
    await ann.do(
        "CreateAdditionalConnection",
        contact_id,
        endpoint={"type": "phone_number", "phoneNumber": THIRD},
    )
    assert sorted((await parties(ann)).values()) == ["connected", "disconnected", "hold"]
    await ann.do("ResumeConnection", contact_id, connectionId=contact_id)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("HoldConnection", {"connectionId": "nobody"}),
        ("DestroyConnection", {"connectionId": "nobody"}),
        ("CreateAdditionalConnection", {"endpoint": {"type": "phone_number", "phoneNumber": "1"}}),
        ("UpdateMonitorParticipantState", {"targetMonitorMode": "WHISPER"}),
    ],
)
async def test_what_names_nobody_is_refused(ann, operation, members):
    contact_id = await held_id(ann)
    refusal = await ann.refused(operation, contactId=contact_id, **members)
    assert refusal.code == "InvalidParameterException"


@pytest.mark.parametrize(
    "operation", ["ToggleActiveConnections", "ConferenceConnections", "PauseContact"]
)
async def test_what_two_on_a_call_cannot_do(ann, operation):
    refusal = await ann.refused(operation, contactId=await held_id(ann), connectionId="x")
    assert refusal.code == "InvalidRequestException"


# What is not his


async def test_who_has_missed_a_call_neither_sees_nor_touches_what_another_does_with_it(office):
    ann, bob = desktop(office, "ann"), desktop(office, "bob")
    await ann.choose("Available")
    contact_id = await office.a_call()
    await ann.do("RejectContact", contact_id)
    await bob.choose("Available")
    await bob.do("AcceptContact", contact_id)
    assert len(await parties(bob)) == 2
    assert await parties(ann) == {f"{contact_id}/agent": "disconnected", contact_id: "disconnected"}
    for operation, members in {
        "HoldConnection": {"connectionId": contact_id},
        "ResumeConnection": {"connectionId": contact_id},
        "DestroyConnection": {"connectionId": contact_id},
        "MuteParticipant": {"connectionId": f"{contact_id}/agent"},
        "SendDigits": {"connectionId": contact_id, "digits": "1"},
        "ToggleActiveConnections": {},
        "ConferenceConnections": {},
        "CreateAdditionalConnection": {"endpoint": endpoint(office, "out")},
        "UpdateMonitorParticipantState": {"targetMonitorMode": "BARGE"},
        "PauseContact": {},
        "CompleteContact": {},
    }.items():
        refusal = await ann.refused(operation, contactId=contact_id, **members)
        assert refusal.code in ("InvalidRequestException", "ContactNotFoundException"), operation
    assert set((await parties(bob)).values()) == {"connected"}


async def test_attributes_are_copied_of_his_own_contacts_only(office, ann, bob):
    contact_id = await held_id(ann)
    refusal = await bob.refused(
        "CreateOutboundContact", endpoint=endpoint(office, "out"), relatedContactId=contact_id
    )
    assert (refusal.code, refusal.message.partition(":")[0]) == (
        "ResourceNotFoundException",
        "relatedContactId",
    )
    for member in ("previousContactId", "relatedContactId"):
        task = {"endpoint": endpoint(office, "to bob"), "name": "note", member: contact_id}
        refusal = await bob.refused("CreateTaskContact", **task)
        assert refusal.message.startswith(member)
        assert (await ann.ask("CreateTaskContact", **task))["contactId"]


async def test_a_number_of_his_own_choice_needs_the_permission_to_call_out(office, ann):
    contact_id = await held_id(ann)
    user = office.center.resources["user"][office.id_of("user", "ann")]
    for each in user.properties["SecurityProfileIds"]:
        granted = ["BasicAgentAccess"]
        await office.submit(
            commands.UpdateResource("security_profile", each, {"Permissions": granted})
        )
    chosen = {"type": "phone_number", "phoneNumber": THIRD}
    refusal = await ann.refused("CreateAdditionalConnection", contactId=contact_id, endpoint=chosen)
    assert refusal.code == "AccessDeniedException"
    await ann.do("CreateAdditionalConnection", contact_id, endpoint=endpoint(office, "out"))


async def test_quick_connects_of_another_instance_are_none(stage, ann):
    other = await stage.an_instance(users=["eve"], alias="other")
    config = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": THIRD}}
    theirs = await other.add("quick_connect", Name="theirs", QuickConnectConfig=config)
    arn = other.center.home.arn_of("quick_connect", theirs)
    contact_id = await held_id(ann)
    for named, code in ((arn, "InvalidParameter"), (theirs, "ResourceNotFound")):
        foreign = {"type": "phone_number", "endpointARN": named}
        for operation, members in (
            ("CreateAdditionalConnection", {"contactId": contact_id}),
            ("CreateTaskContact", {"name": "note"}),
        ):
            refusal = await ann.refused(operation, endpoint=foreign, **members)
            assert refusal.code == f"{code}Exception", operation


# Calls of one's own


async def test_a_call_out_is_dialled_answered_and_ended(stage, office):
    bob = desktop(office, "bob")
    stage.phones.tell(THIRD, Behaviour("answer", 5_000))
    await bob.do("CreateOutboundContact", endpoint={"type": "phone_number", "phoneNumber": THIRD})
    assert await bob.state() == ("CallingCustomer", "system")
    contact = await bob.contact()
    assert (contact["state"]["type"], contact["initiationMethod"]) == ("connecting", "outbound")
    assert [each["state"]["type"] for each in contact["connections"]] == ["connected", "connecting"]
    assert [each["type"] for each in contact["connections"]] == ["agent", "outbound"]
    assert contact["queue"]["name"] == "BasicQueue"
    assert "queueTimestamp" not in contact
    await stage.pass_time(5)
    assert await bob.state() == ("Busy", "system")
    await bob.do("DestroyConnection", contact["contactId"], connectionId=contact["contactId"])
    assert await bob.state() == ("AfterCallWork", "system")
    await bob.do("ClearContact", contact["contactId"])
    assert await bob.state() == ("Offline", "offline")


async def test_a_busy_line_is_told_by_the_agents_state(stage, office):
    bob = desktop(office, "bob")
    stage.phones.tell(THIRD, Behaviour("busy"))
    await bob.do("CreateOutboundContact", endpoint=endpoint(office, "out"))
    assert await bob.state() == ("LineEngagedCustomer", "error")
    contact = await bob.contact()
    assert contact["state"]["type"] == "error"
    assert (contact["queue"]["name"], contact["initiationMethod"]) == ("BasicQueue", "outbound")
    assert contact["customerEndpoint"]["phoneNumber"] == THIRD
    assert [each["state"]["type"] for each in contact["connections"]] == ["disconnected"] * 2
    await bob.do("ClearContact", contact["contactId"])
    assert (await bob.look())["contacts"] == []


async def test_a_call_out_can_be_given_up(stage, office):
    bob = desktop(office, "bob")
    stage.phones.tell(THIRD, Behaviour("no-answer"))
    await bob.do("CreateOutboundContact", endpoint=endpoint(office, "out"))
    contact_id = await held_id(bob)
    await bob.do("DestroyConnection", contact_id, connectionId=f"{contact_id}/agent")
    assert (await bob.look())["contacts"] == []
    assert stage.phones.channels() == []


# Supervisors


async def test_what_a_supervisor_sees(office, ann):
    contact_id = await held_id(ann)
    bob = desktop(office, "bob")
    monitor_id = await office.submit(
        commands.MonitorContact(
            agent_id=office.id_of("user", "bob"),
            contact_id=contact_id,
            capabilities=("SILENT_MONITOR", "BARGE"),
        )
    )
    await office.stage.pass_time()
    seen = await bob.contact()
    own, *others = seen["connections"]
    assert (own["type"], own["state"]["type"]) == ("monitoring", "silent_monitor")
    assert own["monitorCapabilities"] == ["SILENT_MONITOR", "BARGE"]
    assert own["monitoringInfo"]["agent"] == {"agentName": "Ann Agent"}
    assert len(others) == 2
    assert len((await ann.contact())["connections"]) == 2, "she is not told"
    await bob.do("UpdateMonitorParticipantState", monitor_id, targetMonitorMode="BARGE")
    own = (await bob.contact())["connections"][0]
    assert (own["state"]["type"], own["monitorStatus"]) == ("barge", "BARGE")
    await ann.do("DestroyConnection", contact_id, connectionId=contact_id)
    assert (await bob.look())["contacts"] == []


# Presence


async def test_who_asks_no_more_has_vanished_until_he_asks_again():
    told: list[commands.Command] = []

    async def tell(_instance: str, command: commands.Command) -> None:
        told.append(command)
        if isinstance(command, commands.AgentReturned):
            raise Refusal("ResourceNotFoundException", "the instance is gone")

    presence = Presence(tell, absent_seconds=0.01)
    with presence.asking("i", "ann"):
        with presence.asking("i", "ann"):
            pass
        await asyncio.sleep(0.03)
        assert told == [], "another desktop still asks"
    await asyncio.sleep(0.03)
    assert told == [commands.AgentVanished("ann")]
    with presence.asking("i", "ann"):
        await asyncio.sleep(0)
    assert told[1:] == [commands.AgentReturned("ann")]
