"""What security profiles mean to the agent service, and what an authentication profile does."""

from collections.abc import AsyncIterator

import pytest

from agent_desktops import Desktop, desktop
from node_builders import Office, Stage, a_node
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import ACCESS_TOKEN_MS, REFRESH_TOKEN_MS
from ringfloor.base.time import MINUTE
from ringfloor.domain import commands
from ringfloor.operations import authentication, permissions, sign_in
from ringfloor.operations.permissions import AGENT, OUTBOUND, PERMISSIONS, SEEDED
from ringfloor.operations.sign_in import Attempts
from ringfloor.server.agent_operations import OPERATIONS, Request, perform

PASSWORD = "Ringfloor1"
TASKS = "RestrictTaskCreation.Access"
PHONES = "RestrictPhoneTypeSettings.Access"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_node() as stage:
        yield stage


@pytest.fixture
async def office(stage: Stage) -> Office:
    return await stage.an_instance(users=["ann"])


async def a_profile(office: Office, permissions: list[str]) -> str:
    name = f"profile {len(office.center.resources['security_profile'])}"
    return await office.add("security_profile", SecurityProfileName=name, Permissions=permissions)


async def granting(office: Office, *profiles: list[str] | str) -> Desktop:
    """Ann with these security profiles: the names of seeded ones, or what new ones grant."""
    held = [
        office.id_of("security_profile", each)
        if isinstance(each, str)
        else await a_profile(office, each)
        for each in profiles
    ]
    ann = office.id_of("user", "ann")
    await office.submit(commands.UpdateResource("user", ann, {"SecurityProfileIds": held}))
    return desktop(office, "ann")


# Names


def test_permissions_are_told_apart_and_the_seeded_ones_are_known():
    assert {AGENT, OUTBOUND, "Users.EditPermission", "CallRecordings.Redacted.Access"} < PERMISSIONS
    assert not {"Users", "Users.Fly", "", "AccessMetrics.Access"} & PERMISSIONS
    for name, granted in SEEDED.items():
        assert granted <= PERMISSIONS, name
    asked = {*permissions.NEEDED.values(), *permissions.FORBIDDING.values(), *permissions.DESKTOP}
    assert asked <= PERMISSIONS
    assert permissions.NEEDED.keys() | permissions.FORBIDDING.keys() <= OPERATIONS.keys()
    assert TASKS not in SEEDED["Admin"]


# Meaning


async def test_without_the_desktop_nothing_is_done(office):
    ann = await granting(office, "QualityAnalyst", [OUTBOUND])
    for operation in OPERATIONS.keys() - {"GetNewAuthToken"}:
        refusal = await ann.refused(operation)
        assert (refusal.code, AGENT in str(refusal)) == ("AccessDeniedException", True), operation


async def test_one_profile_of_several_is_enough(office):
    ann = await granting(office, "QualityAnalyst", [AGENT])
    assert await ann.look()
    assert await ann.ask("GetAgentPermissions") == {"permissions": []}
    ann = await granting(office, [AGENT], [OUTBOUND, "VoiceId.Access"])
    assert await ann.ask("GetAgentPermissions") == {"permissions": ["outboundCall", "voiceId"]}


async def test_what_is_taken_away_is_gone_at_once(office):
    ann = desktop(office, "ann")
    await ann.choose("Available")
    profile = office.id_of("security_profile", "Agent")
    await office.submit(
        commands.UpdateResource("security_profile", profile, {"Permissions": [OUTBOUND]})
    )
    assert (await ann.refused("GetAgentSnapshot")).code == "AccessDeniedException"
    assert office.agent("ann").status_type == "ROUTABLE"


@pytest.mark.parametrize(
    ("granted", "operation", "code"),
    [
        ([AGENT], "CreateOutboundContact", "AccessDeniedException"),
        ([AGENT, OUTBOUND], "CreateOutboundContact", "InvalidRequestException"),
        ([AGENT, TASKS], "CreateTaskContact", "AccessDeniedException"),
        ([AGENT], "CreateTaskContact", "InvalidRequestException"),
        ([AGENT, PHONES], "UpdateAgentConfiguration", "AccessDeniedException"),
        ([AGENT], "UpdateAgentConfiguration", "InvalidRequestException"),
    ],
)
async def test_some_operations_need_more_or_less(office, granted, operation, code):
    ann = await granting(office, granted)
    assert (await ann.refused(operation)).code == code


async def test_signing_in_needs_no_desktop(stage):
    office = await stage.an_instance("managed", management="CONNECT_MANAGED")
    await office.add_user("ann", PASSWORD)
    await granting(office, "QualityAnalyst")
    session = await sign_in.sign_in(
        stage.service, Attempts(), "managed", "ann", PASSWORD, "192.0.2.1", stage.now
    )
    assert await sign_in.refresh(stage.service, session.refresh.text, stage.now)


async def test_a_disabled_status_cannot_be_chosen(office):
    ann = desktop(office, "ann")
    await office.add("agent_status", Name="Gone", Type="CUSTOM", State="DISABLED")
    refusal = await ann.refused("PutAgentState", state={"name": "Gone"})
    assert (refusal.code, "disabled" in str(refusal)) == ("InvalidRequestException", True)


# Quick connects


async def test_endpoints_are_the_quick_connects_of_the_queues_asked_for(office):
    ann, home = desktop(office, "ann"), office.center.home
    queue = office.id_of("queue", "BasicQueue")
    bob = await office.add_user("bob")
    flow = office.id_of("contact_flow", "Sample inbound flow")
    made = [
        await office.add(
            "quick_connect",
            Name=name,
            QuickConnectConfig={"QuickConnectType": kind, **config},
        )
        for name, kind, config in (
            ("d", "PHONE_NUMBER", {"PhoneConfig": {"PhoneNumber": "+12065550199"}}),
            ("c", "QUEUE", {"QueueConfig": {"QueueId": queue, "ContactFlowId": flow}}),
            ("b", "USER", {"UserConfig": {"UserId": bob, "ContactFlowId": flow}}),
            ("a", "FLOW", {"FlowConfig": {"ContactFlowId": flow}}),
            ("of no queue", "FLOW", {"FlowConfig": {"ContactFlowId": flow}}),
        )
    ]
    await office.submit(commands.UpdateResource("queue", queue, {"QuickConnectIds": made[:4]}))
    arns = [home.arn_of("queue", queue), f"{home.arn}/queue/agent/{office.id_of('user', 'ann')}"]
    shown = (await ann.ask("GetEndpoints", queueARNs=[*arns, arns[0]]))["endpoints"]
    d, c, b, a = (home.arn_of("quick_connect", each) for each in made[:4])
    assert shown == [
        {"endpointARN": a, "type": "flow", "name": "a"},
        {"endpointARN": b, "type": "agent", "name": "b", "agentLogin": "bob"},
        {
            "endpointARN": c,
            "type": "queue",
            "name": "c",
            "queue": {"queueARN": arns[0], "name": "BasicQueue"},
        },
        {"endpointARN": d, "type": "phone_number", "name": "d", "phoneNumber": "+12065550199"},
    ]
    page = await ann.ask("GetEndpoints", queueARNs=arns, maxResults=3)
    rest = await ann.ask("GetEndpoints", queueARNs=arns, nextToken=page["nextToken"])
    assert [*page["endpoints"], *rest["endpoints"]] == shown
    await office.submit(commands.DeleteResource("user", bob))
    shown = (await ann.ask("GetEndpoints", queueARNs=arns))["endpoints"]
    assert [each["name"] for each in shown] == ["a", "c", "d"]


async def test_queues_of_others_tell_nothing(office):
    ann, home = desktop(office, "ann"), office.center.home
    hours = office.id_of("hours_of_operation", "Basic Hours")
    other = await office.add("queue", Name="other", HoursOfOperationId=hours, Status="ENABLED")
    for arn in (home.arn_of("queue", other), f"{home.arn}/queue/agent/nobody", "x"):
        refusal = await ann.refused("GetEndpoints", queueARNs=[arn])
        assert refusal.code == "ResourceNotFoundException"


# Settings per channel


async def test_a_setting_for_calls_goes_before_the_phones(office):
    await office.add_user("bob", AutoAccept=True)
    bob = desktop(office, "bob")
    number = "+12065550197"
    changes = {
        "AutoAcceptConfigs": [{"Channel": "VOICE", "AutoAccept": False}],
        "PhoneNumberConfigs": [
            {"Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": number}
        ],
    }
    await office.submit(commands.UpdateResource("user", office.id_of("user", "bob"), changes))
    shown = (await bob.ask("GetAgentConfiguration"))["configuration"]
    assert not shown["softphoneEnabled"]
    assert not shown["softphoneAutoAccept"]
    assert shown["extension"] == number


# Authentication profiles


async def authenticating(office: Office, **changes: object) -> None:
    profile = office.id_of("authentication_profile", "Default Authentication Profile")
    await office.submit(commands.UpdateResource("authentication_profile", profile, changes))


@pytest.mark.parametrize(
    ("allowed", "blocked", "source", "good"),
    [
        ([], [], "192.0.2.1", True),
        ([], [], "", True),
        (["192.0.2.0/24"], [], "192.0.2.1", True),
        (["192.0.2.7/24"], [], "192.0.2.1", True),
        (["192.0.2.1"], [], "192.0.2.1", True),
        (["192.0.2.0/24"], [], "198.51.100.1", False),
        (["192.0.2.0/24"], [], "::ffff:192.0.2.1", True),
        (["192.0.2.0/24"], [], "2001:db8::1", False),
        (["2001:db8::/32"], [], "2001:db8::1", True),
        (["192.0.2.0/24"], [], "", False),
        (["192.0.2.0/24"], [], "nowhere", False),
        ([], ["192.0.2.0/24"], "192.0.2.1", False),
        ([], ["192.0.2.0/24"], "198.51.100.1", True),
        (["192.0.2.0/24"], ["192.0.2.1/32"], "192.0.2.1", False),
    ],
)
async def test_addresses_are_let_in_by_ranges(office, allowed, blocked, source, good):
    await authenticating(office, AllowedIps=allowed, BlockedIps=blocked)
    ann = desktop(office, "ann")
    stage = office.stage
    target = "AmazonConnectCTIService.GetAgentSnapshot"
    request = Request(target, ann.bearer, b"{}", source)
    refresh = sign_in._session(
        stage.service, office.instance_id, office.id_of("user", "ann"), stage.now
    ).refresh.text
    for asked in (
        perform(stage.service, request, stage.now),
        sign_in.authorize(stage.service, ann.bearer, stage.now, source),
        sign_in.authorize(stage.service, refresh, stage.now, source),
    ):
        if good:
            assert await asked
        else:
            with pytest.raises(Refusal) as caught:
                await asked
            assert caught.value.code == "AccessDeniedException"


async def test_sessions_last_as_long_as_the_profile_says_and_no_longer_than_the_limits(office):
    stage, ann = office.stage, office.id_of("user", "ann")
    await authenticating(office, PeriodicSessionDuration=10, MaxSessionDuration=360)
    session = sign_in._session(stage.service, office.instance_id, ann, stage.now)
    assert session.access.expires == stage.now + 10 * MINUTE
    assert session.refresh.expires == stage.now + 360 * MINUTE
    await stage.pass_time(60)
    renewed = await sign_in.refresh(stage.service, session.refresh.text, stage.now)
    assert renewed.expires == stage.now + 10 * MINUTE
    await authenticating(office, PeriodicSessionDuration=600, MaxSessionDuration=7200)
    assert authentication.durations(office.center) == (ACCESS_TOKEN_MS, REFRESH_TOKEN_MS)
    office.center.resources["authentication_profile"] = {}  # an instance older than its profile
    assert authentication.durations(office.center) == (ACCESS_TOKEN_MS, REFRESH_TOKEN_MS)
