"""The agent service: configuration, reports, who may ask, what is refused, the sandbox's hands."""

from collections.abc import AsyncIterator

import pytest

import cti_model
from agent_desktops import Desktop, desktop
from node_builders import Office, Stage, a_node
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import ACCESS_TOKEN_MS
from ringfloor.base.time import SECOND, seconds
from ringfloor.domain import commands
from ringfloor.operations import sign_in
from ringfloor.server.agent_operations import BESIDE_THE_MODEL, OPERATIONS, Request, perform
from ringfloor.server.agent_service import AgentService


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


# Configuration


async def test_configuration(office, ann):
    center, home = office.center, office.center.home
    profile = office.id_of("routing_profile", "Basic Routing Profile")
    queue = office.id_of("queue", "BasicQueue")
    assert (await ann.ask("GetAgentConfiguration"))["configuration"] == {
        "name": "Ann Agent",
        "username": "ann",
        "softphoneEnabled": True,
        "softphoneAutoAccept": False,
        "extension": "",
        "routingProfile": {
            "name": "Basic Routing Profile",
            "routingProfileARN": home.arn_of("routing_profile", profile),
            "defaultOutboundQueue": {
                "queueARN": home.arn_of("queue", queue),
                "name": "BasicQueue",
            },
            "channelConcurrencyMap": {"VOICE": 1},
        },
        "agentPreferences": {"LANGUAGE": "en_US"},
        "agentARN": home.arn_of("user", center.named("user", "ann")),
    }


async def test_configuration_of_a_desk_phone(office):
    await office.add_user(
        "bob", PhoneType="DESK_PHONE", DeskPhoneNumber="+12065550199", AutoAccept=True
    )
    found = (await desktop(office, "bob").ask("GetAgentConfiguration"))["configuration"]
    assert not found["softphoneEnabled"]
    assert found["softphoneAutoAccept"]
    assert found["extension"] == "+12065550199"


@pytest.mark.parametrize("own", [None, "+12065550111"])
async def test_an_agent_chooses_his_phone(office, own):
    channels = [{"Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": own}] if own else []
    await office.add_user("bob", PhoneType="SOFT_PHONE", AutoAccept=True)
    bob = desktop(office, "bob")
    changes = {"PhoneNumberConfigs": channels}
    await office.submit(commands.UpdateResource("user", office.id_of("user", "bob"), changes))
    before = (await bob.ask("GetAgentConfiguration"))["configuration"]
    for enabled, number in ((False, "+12065550199"), (True, "")):
        wanted = {**before, "softphoneEnabled": enabled, "extension": number}
        await bob.ask("UpdateAgentConfiguration", configuration=wanted)
        assert (await bob.ask("GetAgentConfiguration"))["configuration"] == wanted
    for number in ("", "555"):
        wanted = {**before, "softphoneEnabled": False, "extension": number}
        refusal = await bob.refused("UpdateAgentConfiguration", configuration=wanted)
        assert refusal.code == "InvalidParameterException"
    assert (await bob.ask("GetAgentConfiguration"))["configuration"]["softphoneEnabled"]


async def test_states_are_those_that_can_be_chosen_in_their_order(office, ann):
    for name, order, state in (
        ("Lunch", 2, "ENABLED"),
        ("Gone", 1, "DISABLED"),
        ("A", None, "ENABLED"),
    ):
        more = {} if order is None else {"DisplayOrder": order}
        await office.add("agent_status", Name=name, Type="CUSTOM", State=state, **more)
    found = (await ann.ask("GetAgentStates"))["states"]
    assert [(each["name"], each["type"]) for each in found] == [
        ("Available", "routable"),
        ("Lunch", "not_routable"),
        ("Offline", "offline"),
        ("A", "not_routable"),
    ]


async def test_listings_have_pages(ann):
    first = await ann.ask("GetAgentStates", maxResults=1)
    assert [each["name"] for each in first["states"]] == ["Available"]
    token = first["nextToken"]
    second = await ann.ask("GetAgentStates", maxResults=1, nextToken=token)
    assert [each["name"] for each in second["states"]] == ["Offline"]
    assert "nextToken" not in second
    for operation, wrong in (("GetAgentStates", "another token"), ("GetAgentPermissions", token)):
        refusal = await ann.refused(operation, nextToken=wrong)
        assert refusal.code == "InvalidParameterException"
        assert wrong not in str(refusal)


async def test_queues_are_those_of_the_routing_profile_and_the_agents_own(office, ann):
    home = office.center.home
    profile = office.id_of("routing_profile", "Basic Routing Profile")
    found = await ann.ask(
        "GetRoutingProfileQueues", routingProfileARN=home.arn_of("routing_profile", profile)
    )
    queue, user = office.id_of("queue", "BasicQueue"), office.id_of("user", "ann")
    assert found["queues"] == [
        {"queueARN": f"{home.arn}/queue/{queue}", "name": "BasicQueue"},
        {"queueARN": f"{home.arn}/queue/agent/{user}"},
    ]
    refusal = await ann.refused("GetRoutingProfileQueues", routingProfileARN="another")
    assert refusal.code == "ResourceNotFoundException"


async def test_what_there_is_little_to_say_about(ann):
    assert await ann.ask("GetAgentPermissions", maxResults=500) == {"permissions": ["outboundCall"]}
    countries = (await ann.ask("GetDialableCountryCodes"))["countryCodes"]
    assert {"us", "gb", "de"} < set(countries), "everywhere, as long as no rule says otherwise"
    assert await ann.ask("GetEndpoints", queueARNs=[]) == {"endpoints": []}


# Reports


async def test_reports_are_taken_within_bounds(ann, caplog):
    await ann.do("SendClientLogs", logEvents=[{"timestamp": 1.5, "component": "c", "message": "m"}])
    await ann.do("SendSoftphoneCallMetrics", "c1", softphoneStreamStatistics=[])
    await ann.do("SendSoftphoneCallReport", "c1", report={"talkTimeMillis": 5})
    assert caplog.messages == []
    await ann.do("NotifyContactIssue", "c1", issueCode="echo", description="two\nlines")
    (message,) = caplog.messages
    assert "'echo'" in message
    assert "\n" not in message
    refusal = await ann.refused("SendClientLogs", logEvents=[{}] * 1_001)
    assert refusal.code == "InvalidParameterException"
    assert refusal.message == "logEvents must include at most 1000 items"


# Who may ask


async def test_the_bearer_token_may_be_in_the_body(ann):
    bearer, ann.bearer = ann.bearer, None
    assert await ann.ask("GetAgentSnapshot", authentication={"authToken": bearer})


@pytest.mark.parametrize("bearer", [None, "", "x"])
async def test_nobody_asks_without_a_token(ann, bearer):
    ann.bearer = bearer
    for operation in OPERATIONS.keys() - {"GetNewAuthToken"}:
        assert (await ann.refused(operation)).code == "UnauthorizedException"
    assert (await ann.refused("GetAgentSnapshot", authentication=5)).code == "UnauthorizedException"


async def test_a_token_that_is_over_is_renewed_by_the_refresh_token(stage, office, ann):
    session = sign_in._session(
        stage.service, office.instance_id, office.id_of("user", "ann"), stage.now
    )
    await stage.pass_time(ACCESS_TOKEN_MS / SECOND)
    assert (await ann.refused("GetAgentSnapshot")).code == "UnauthorizedException"
    found = await ann.ask("GetNewAuthToken", refreshToken=session.refresh.text)
    assert found["expirationDateTime"] == seconds(stage.now + ACCESS_TOKEN_MS)
    ann.bearer = found["newAuthToken"]
    assert await ann.look()
    wrong = await ann.refused("GetNewAuthToken", refreshToken=session.access.text)
    assert wrong.code == "UnauthorizedException"


async def test_nobody_touches_the_contacts_of_another(office, ann):
    await office.add_user("bob")
    bob = desktop(office, "bob")
    await ann.choose("Available")
    contact_id = await office.a_call()
    await ann.do("AcceptContact", contact_id)
    for operation in ("AcceptContact", "RejectContact", "ClearContact", "CompleteContact"):
        refusal = await bob.refused(operation, contactId=contact_id)
        assert refusal.code == "ContactNotFoundException"
    for operation in ("HoldConnection", "ResumeConnection", "DestroyConnection"):
        refusal = await bob.refused(operation, contactId=contact_id, connectionId=contact_id)
        assert refusal.code == "ContactNotFoundException"


# What is refused


def test_the_table_has_the_operations_of_the_model():
    assert OPERATIONS.keys() - BESIDE_THE_MODEL == cti_model.operations().keys()
    assert OPERATIONS.keys() >= BESIDE_THE_MODEL


def test_every_operation_is_built():
    assert [name for name, row in OPERATIONS.items() if row is None] == ["GetNewAuthToken"]


@pytest.mark.parametrize(
    "target", ["", "GetAgentSnapshot", "Other.GetAgentSnapshot", "AmazonConnectCTIService.Fly"]
)
async def test_an_unknown_operation(stage, ann, target):
    with pytest.raises(Refusal) as caught:
        await perform(stage.service, Request(target, ann.bearer, b"{}"), stage.now)
    assert caught.value.code == "UnknownOperationException"


async def test_a_deed_in_the_wrong_state_is_told_the_state(office, ann):
    await ann.choose("Available")
    contact_id = await office.a_call()
    refusal = await ann.refused("CompleteContact", contactId=contact_id)
    assert refusal.code == "InvalidRequestException"
    assert "is CONNECTING; CompleteContact needs ENDED" in refusal.message
    refusal = await ann.refused("HoldConnection", contactId=contact_id, connectionId=contact_id)
    assert "is CONNECTING; HoldContact needs CONNECTED" in refusal.message
    await ann.do("AcceptContact", contact_id)
    refusal = await ann.refused("AcceptContact", contactId=contact_id)
    assert "is CONNECTED; AcceptContact needs CONNECTING" in refusal.message
    refusal = await ann.refused("HoldConnection", contactId=contact_id, connectionId="other")
    assert refusal.code == "InvalidParameterException"
    assert "connectionId: 'other' is none of" in refusal.message


@pytest.mark.parametrize(
    ("operation", "members", "code", "message"),
    [
        ("AcceptContact", {}, "InvalidRequestException", "contactId is required"),
        ("AcceptContact", {"contactId": None}, "InvalidRequestException", "contactId is required"),
        (
            "AcceptContact",
            {"contactId": 5},
            "InvalidRequestException",
            "contactId: 5 must be a string",
        ),
        (
            "AcceptContact",
            {"contactId": ""},
            "InvalidParameterException",
            "contactId: '' must not be empty",
        ),
        (
            "AcceptContact",
            {"contactId": "x" * 257},
            "InvalidParameterException",
            f"contactId: '{'x' * 99}... must be at most 256 characters long",
        ),
        (
            "GetAgentSnapshot",
            {"timeout": -1},
            "InvalidParameterException",
            "timeout: -1 must be at least 0",
        ),
        (
            "GetAgentStates",
            {"maxResults": "1"},
            "InvalidRequestException",
            "maxResults: '1' must be a whole number",
        ),
        (
            "GetEndpoints",
            {"queueARNs": ["q", 1]},
            "InvalidRequestException",
            "queueARNs[1]: 1 must be a string",
        ),
        (
            "GetEndpoints",
            {"queueARNs": 1},
            "InvalidRequestException",
            "queueARNs must be a list",
        ),
        ("PutAgentState", {"state": 1}, "InvalidRequestException", "state: 1 must be an object"),
        (
            "PutAgentState",
            {"state": {"name": 1}},
            "InvalidRequestException",
            "state.name: 1 must be a string",
        ),
        (
            "PutAgentState",
            {"state": {}},
            "InvalidRequestException",
            "state: None needs agentStateARN or name",
        ),
        (
            "PutAgentState",
            {"state": {"name": "Lunch"}},
            "ResourceNotFoundException",
            "state.name: no agent status 'Lunch' here",
        ),
        (
            "PutAgentState",
            {"state": {"agentStateARN": "lunch"}},
            "ResourceNotFoundException",
            "state.agentStateARN: no agent status 'lunch' here",
        ),
        ("GetNewAuthToken", {"refreshToken": 5}, "InvalidRequestException", "must be a string"),
    ],
)
async def test_wrong_input_is_told_by_field_value_and_rule(ann, operation, members, code, message):
    refusal = await ann.refused(operation, **members)
    assert refusal.code == code
    assert message in refusal.message


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"[" * 100_000, b'"x"'])
async def test_an_unreadable_body(stage, ann, body):
    request = Request("AmazonConnectCTIService.GetAgentSnapshot", ann.bearer, body)
    with pytest.raises(Refusal) as caught:
        await perform(stage.service, request, stage.now)
    assert caught.value.code == "InvalidRequestException"


# The sandbox's hands


async def test_deeds(stage, office, ann):
    user = office.id_of("user", "ann")

    async def deed(name: str) -> tuple[str, str]:
        await AgentService(stage.service).act(office.desk, user, name)
        await stage.pass_time()
        return await ann.state()

    assert await deed("available") == ("Available", "routable")
    await office.a_call()
    assert await deed("reject") == ("MissedCallAgent", "error")
    assert await deed("available") == ("PendingBusy", "system")
    assert await deed("accept") == ("Busy", "system")
    assert await deed("hold") == ("Busy", "system")
    with pytest.raises(
        Refusal, match=r"deed: 'hold' needs a contact that is CONNECTED; he has .* CONNECTED_ONHOLD"
    ):
        await deed("hold")
    assert await deed("resume") == ("Busy", "system")
    assert await deed("hangup") == ("AfterCallWork", "system")
    assert await deed("complete") == ("Available", "routable")
    with pytest.raises(Refusal, match="he has none"):
        await deed("accept")
    assert await deed("offline") == ("Offline", "offline")
    with pytest.raises(Refusal, match="deed: 'dance' must be one of available, offline, accept"):
        await deed("dance")
    with pytest.raises(Refusal, match="UserId: no user 'nobody'"):
        await AgentService(stage.service).act(office.desk, "nobody", "available")


async def test_deeds_are_written_down_as_the_sandboxes(stage, office):
    user = office.id_of("user", "ann")
    await AgentService(stage.service).act(office.desk, user, "available")
    _, origin = office.origins()[-1]
    assert origin.operation == "sandbox available"
