"""The kinds around people with boto3: a story per kind, and what is refused on the way."""

from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from acceptance.center import PASSWORD, FirstCenter
from ringfloor.base.wav import written

NOBODY = "00000000-0000-4000-8000-000000000000"
AI_AGENT = "arn:aws:wisdom:us-east-1:111122223333:ai-agent/a/b"


class Story(NamedTuple):
    """A center, its client and the member that names its instance."""

    center: FirstCenter
    connect: Any
    at: dict[str, str]

    def flow(self, name: str) -> str:
        return self.center.found("list_contact_flows", "ContactFlowSummaryList", name)["Id"]


@pytest.fixture
def story(server) -> Story:
    center = FirstCenter(server)
    return Story(center, center.connect, {"InstanceId": center.instance})


def refused(call, *words: str, **parameters: Any) -> str:
    """The code of what is refused; its message has the words."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    for word in words:
        assert word in error["Message"]
    return error["Code"]


# Quick connects


def test_quick_connects_are_made_listed_changed_and_deleted(story):
    center, connect, at = story
    configs = {
        "USER": {"UserConfig": {"UserId": center.agent, "ContactFlowId": "Default agent transfer"}},
        "QUEUE": {
            "QueueConfig": {"QueueId": center.queue_arn, "ContactFlowId": "Default queue transfer"}
        },
        "PHONE_NUMBER": {"PhoneConfig": {"PhoneNumber": "+12065550199"}},
        "FLOW": {"FlowConfig": {"ContactFlowId": "greeting"}},
    }
    made = {}
    for kind, config in configs.items():
        ((member, given),) = config.items()
        if "ContactFlowId" in given:
            given["ContactFlowId"] = story.flow(given["ContactFlowId"])
        answer = connect.create_quick_connect(
            **at,
            Name=f"to {kind}",
            QuickConnectConfig={"QuickConnectType": kind, **config},
            Tags={"team": "red"},
        )
        made[kind] = answer["QuickConnectId"]
        assert answer["QuickConnectARN"].endswith(f"/transfer-destination/{made[kind]}")
        shown = connect.describe_quick_connect(**at, QuickConnectId=made[kind])["QuickConnect"]
        assert shown["Name"] == f"to {kind}"
        assert shown["Tags"] == {"team": "red"}
        assert shown["QuickConnectConfig"]["QuickConnectType"] == kind
        if kind == "QUEUE":  # an ARN was given, the id is kept
            assert shown["QuickConnectConfig"][member]["QueueId"] == center.queue
    listed = connect.list_quick_connects(**at)["QuickConnectSummaryList"]
    assert {each["QuickConnectType"]: each["Id"] for each in listed} == made
    some = connect.list_quick_connects(**at, QuickConnectTypes=["FLOW", "USER"])
    names = [each["Name"] for each in some["QuickConnectSummaryList"]]
    assert names == ["to FLOW", "to USER"]

    one = {**at, "QuickConnectId": made["FLOW"]}
    connect.update_quick_connect_name(**one, Name="pager", Description="at night")
    phone = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "+12065550198"}}
    connect.update_quick_connect_config(**one, QuickConnectConfig=phone)
    shown = connect.describe_quick_connect(**one)["QuickConnect"]
    assert (shown["Name"], shown["Description"]) == ("pager", "at night")
    assert shown["QuickConnectConfig"] == phone
    phones = connect.list_quick_connects(**at, QuickConnectTypes=["PHONE_NUMBER"])
    assert len(phones["QuickConnectSummaryList"]) == 2
    assert refused(connect.update_quick_connect_name, **one, Name="to USER") == (
        "InvalidRequestException"
    )
    connect.delete_quick_connect(**one)
    assert refused(connect.describe_quick_connect, **one) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("config", "code", "word"),
    [
        ({"QuickConnectType": "USER"}, "InvalidParameterException", "UserConfig"),
        (
            {"QuickConnectType": "USER", "PhoneConfig": {"PhoneNumber": "+12065550199"}},
            "InvalidParameterException",
            "UserConfig",
        ),
        (
            {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "5550199"}},
            "InvalidParameterException",
            "E.164",
        ),
        (
            {
                "QuickConnectType": "QUEUE",
                "QueueConfig": {"QueueId": "$queue", "ContactFlowId": "$flow"},
            },
            "InvalidParameterException",
            "QUEUE_TRANSFER",
        ),
        (
            {
                "QuickConnectType": "QUEUE",
                "QueueConfig": {"QueueId": NOBODY, "ContactFlowId": "$transfer"},
            },
            "ResourceNotFoundException",
            "QueueId",
        ),
        (
            {"QuickConnectType": "FLOW", "FlowConfig": {"ContactFlowId": NOBODY}},
            "ResourceNotFoundException",
            "ContactFlowId",
        ),
    ],
)
def test_a_quick_connect_fits_its_type(story, config, code, word):
    center = story.center
    ids = {
        "$queue": center.queue,
        "$flow": center.flow,
        "$transfer": story.flow("Default queue transfer"),
    }
    config = {
        name: {key: ids.get(each, each) for key, each in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in config.items()
    }
    create = story.connect.create_quick_connect
    assert refused(create, word, **story.at, Name="x", QuickConnectConfig=config) == code


def a_phone(story: Story, name: str) -> str:
    config = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "+12065550199"}}
    return story.connect.create_quick_connect(**story.at, Name=name, QuickConnectConfig=config)[
        "QuickConnectId"
    ]


def test_queues_have_quick_connects_which_then_stay(story):
    center, connect, at = story
    ids = [a_phone(story, name) for name in "cab"]
    queue = {**at, "QueueId": center.queue}

    def listed():
        return [
            each["Name"]
            for each in connect.list_queue_quick_connects(**queue)["QuickConnectSummaryList"]
        ]

    assert listed() == []
    connect.associate_queue_quick_connects(**queue, QuickConnectIds=ids[:2])
    connect.associate_queue_quick_connects(**queue, QuickConnectIds=ids[1:])
    assert listed() == ["a", "b", "c"]
    associate = connect.associate_queue_quick_connects
    assert refused(associate, NOBODY, **queue, QuickConnectIds=[NOBODY]) == (
        "ResourceNotFoundException"
    )
    delete = connect.delete_quick_connect
    assert refused(delete, "sales", **at, QuickConnectId=ids[0]) == "InvalidRequestException"
    connect.disassociate_queue_quick_connects(**queue, QuickConnectIds=ids[:2])
    assert listed() == ["b"]
    delete(**at, QuickConnectId=ids[0])


def test_a_queue_is_made_with_at_most_fifty_quick_connects(story):
    _, connect, at = story
    hours = story.center.found(
        "list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours"
    )["Id"]
    one = a_phone(story, "one")
    queue = connect.create_queue(**at, Name="q", HoursOfOperationId=hours, QuickConnectIds=[one])[
        "QueueId"
    ]
    listed = connect.list_queue_quick_connects(**at, QueueId=queue)["QuickConnectSummaryList"]
    assert [each["Id"] for each in listed] == [one]
    many = {"Name": "r", "HoursOfOperationId": hours, "QuickConnectIds": [one] * 51}
    assert refused(connect.create_queue, "50", **at, **many) == "InvalidParameterException"


def test_what_a_quick_connect_names_stays_but_a_user_may_go(story):
    center, connect, at = story
    to_user = connect.create_quick_connect(
        **at,
        Name="to ann",
        QuickConnectConfig={
            "QuickConnectType": "USER",
            "UserConfig": {
                "UserId": center.agent,
                "ContactFlowId": (flow := story.flow("Default agent transfer")),
            },
        },
    )["QuickConnectId"]
    config = {
        "QueueId": center.basic_queue["Id"],
        "ContactFlowId": story.flow("Default queue transfer"),
    }
    connect.create_quick_connect(
        **at,
        Name="to basic",
        QuickConnectConfig={"QuickConnectType": "QUEUE", "QueueConfig": config},
    )
    delete = connect.delete_queue
    assert refused(delete, "to basic", **at, QueueId=center.basic_queue["Id"]) == (
        "ResourceInUseException"
    )
    connect.delete_user(**at, UserId=center.agent)
    one = {**at, "QuickConnectId": to_user}
    connect.update_quick_connect_name(**one, Name="to nobody")
    again = {"QuickConnectType": "USER", "UserConfig": {"UserId": NOBODY, "ContactFlowId": flow}}
    assert refused(connect.update_quick_connect_config, **one, QuickConnectConfig=again) == (
        "ResourceNotFoundException"
    )
    connect.delete_quick_connect(**one)


# Security profiles


def test_security_profiles_are_made_listed_changed_and_deleted(story):
    center, connect, at = story
    answer = connect.create_security_profile(
        **at,
        SecurityProfileName="helper",
        Description="helps",
        Permissions=["OutboundCallAccess", "BasicAgentAccess"],
        TagRestrictedResources=["User"],
        AllowedAccessControlTags={"team": "red"},
        HierarchyRestrictedResources=["User"],
        Applications=[{"Namespace": "b", "ApplicationPermissions": ["ACCESS"]}, {"Namespace": "a"}],
        Tags={"team": "red"},
    )
    one = {**at, "SecurityProfileId": answer["SecurityProfileId"]}
    assert answer["SecurityProfileArn"].endswith(f"/security-profile/{one['SecurityProfileId']}")
    shown = connect.describe_security_profile(**one)["SecurityProfile"]
    assert shown["SecurityProfileName"] == "helper"
    assert shown["AllowedAccessControlTags"] == {"team": "red"}
    assert shown["TagRestrictedResources"] == ["User"]
    assert shown["HierarchyRestrictedResources"] == ["User"]
    assert shown["OrganizationResourceId"] == center.instance
    permissions = connect.list_security_profile_permissions
    assert permissions(**one)["Permissions"] == ["BasicAgentAccess", "OutboundCallAccess"]
    page = permissions(**one, MaxResults=1)
    rest = permissions(**one, MaxResults=1, NextToken=page["NextToken"])
    assert rest["Permissions"] == ["OutboundCallAccess"]
    applications = connect.list_security_profile_applications(**one)["Applications"]
    assert [each["Namespace"] for each in applications] == ["a", "b"]
    assert connect.list_security_profile_flow_modules(**one)["AllowedFlowModules"] == []

    connect.update_security_profile(**one, Permissions=["Users.View"], Description="looks")
    assert permissions(**one)["Permissions"] == ["Users.View"]
    shown = connect.describe_security_profile(**one)["SecurityProfile"]
    assert (shown["Description"], shown["AllowedAccessControlTags"]) == ("looks", {"team": "red"})

    user = {**at, "UserId": center.agent}
    before = connect.describe_user(**user)["User"]["SecurityProfileIds"]
    held = [*before, one["SecurityProfileId"]]
    connect.update_user_security_profiles(**user, SecurityProfileIds=held)
    assert refused(connect.delete_security_profile, "'ann'", **one) == "ResourceInUseException"
    connect.update_user_security_profiles(**user, SecurityProfileIds=before)
    connect.delete_security_profile(**one)
    assert refused(connect.describe_security_profile, **one) == "ResourceNotFoundException"


def test_the_profiles_of_an_instance_grant_what_their_names_say(story):
    center, connect, at = story
    granted = {
        each["Name"]: connect.list_security_profile_permissions(
            **at, SecurityProfileId=each["Id"], MaxResults=1000
        )["Permissions"]
        for each in connect.list_security_profiles(**at)["SecurityProfileSummaryList"]
    }
    assert granted.keys() == {"Admin", "Agent", "CallCenterManager", "QualityAnalyst"}
    for name, permissions in granted.items():
        assert permissions == sorted(set(permissions)), name
        assert set(permissions) <= set(granted["Admin"]), name
        assert ("BasicAgentAccess" in permissions) == (name != "QualityAnalyst"), name
    assert "Users.Create" in granted["CallCenterManager"]
    assert "Users.Create" not in granted["Agent"]
    admin = center.found("list_security_profiles", "SecurityProfileSummaryList", "Admin")["Id"]
    delete = connect.delete_security_profile
    assert refused(delete, "Admin", **at, SecurityProfileId=admin) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("members", "code", "word"),
    [
        ({"Permissions": ["Fly"]}, "InvalidParameterException", "'Fly'"),
        ({"Permissions": ["Users.view"]}, "InvalidParameterException", "Users.view"),
        ({"HierarchyRestrictedResources": ["Queue"]}, "InvalidParameterException", "User"),
        ({"AllowedAccessControlHierarchyGroupId": NOBODY}, "ResourceNotFoundException", NOBODY),
        (
            {"AllowedFlowModules": [{"Type": "MCP", "FlowModuleId": NOBODY}]},
            "ResourceNotFoundException",
            NOBODY,
        ),
        (
            {"Applications": [{"Namespace": "a", "ApplicationPermissions": ["FLY"]}]},
            "InvalidParameterException",
            "ACCESS",
        ),
        ({"AllowedFlowModules": [{"Type": "MCP"}]}, "InvalidParameterException", "is needed"),
        ({"Applications": [{"Namespace": "a"}] * 2}, "InvalidParameterException", "twice"),
    ],
)
def test_a_security_profile_grants_what_there_is(story, members, code, word):
    _, connect, at = story
    create = connect.create_security_profile
    assert refused(create, word, **at, SecurityProfileName="x", **members) == code
    agent = story.center.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")
    update = connect.update_security_profile
    assert refused(update, word, **at, SecurityProfileId=agent["Id"], **members) == code


def test_ai_agents_have_security_profiles_which_then_stay(story):
    _, connect, at = story
    one = connect.create_security_profile(**at, SecurityProfileName="bots")["SecurityProfileId"]
    entity = {**at, "EntityType": "AI_AGENT", "EntityArn": AI_AGENT}
    attached = connect.list_entity_security_profiles
    assert attached(**entity)["SecurityProfiles"] == []
    profiles = {"SecurityProfiles": [{"Id": one}]}
    detach = connect.disassociate_security_profiles
    assert refused(detach, AI_AGENT, **entity, **profiles) == "ResourceNotFoundException"
    for _ in range(2):
        connect.associate_security_profiles(**entity, **profiles)
        assert attached(**entity)["SecurityProfiles"] == [{"Id": one}]
    delete = connect.delete_security_profile
    assert refused(delete, AI_AGENT, **at, SecurityProfileId=one) == "ResourceInUseException"
    detach(**entity, **profiles)
    assert attached(**entity)["SecurityProfiles"] == []
    delete(**at, SecurityProfileId=one)
    attach = connect.associate_security_profiles
    assert refused(attach, one, **entity, **profiles) == "ResourceNotFoundException"
    for wrong in ({"EntityType": "USER"}, {"EntityArn": "ann"}):
        assert refused(attach, **{**entity, **wrong}, **profiles) == "InvalidParameterException"


# Prompts


def test_prompts_are_made_listed_changed_and_deleted(story):
    _, connect, at = story
    uri = "s3://recordings/hello there.wav"
    s3 = story.center.server.client("s3", s3={"addressing_style": "path"})
    s3.put_object(Bucket="recordings", Key="hello there.wav", Body=written(bytes(1_600)))
    answer = connect.create_prompt(**at, Name="hello", S3Uri=uri, Tags={"a": "b"})
    one = {**at, "PromptId": answer["PromptId"]}
    shown = connect.describe_prompt(**one)["Prompt"]
    assert (shown["Name"], shown["PromptARN"]) == ("hello", answer["PromptARN"])
    assert shown["Tags"] == {"a": "b"}
    assert uri not in str(shown)
    changed = connect.update_prompt(**one, Name="welcome", S3Uri=uri)
    assert (changed["PromptId"], changed["PromptARN"]) == (one["PromptId"], answer["PromptARN"])
    assert "welcome" in [each["Name"] for each in connect.list_prompts(**at)["PromptSummaryList"]]
    for wrong in ("hello.wav", "s3://recordings", "ftp://x/y.wav"):
        assert refused(connect.update_prompt, wrong, **one, S3Uri=wrong) == (
            "InvalidParameterException"
        )
        assert refused(connect.create_prompt, wrong, **at, Name="x", S3Uri=wrong) == (
            "InvalidParameterException"
        )
    assert refused(connect.create_prompt, **at, Name="Beep.wav", S3Uri=uri) == (
        "DuplicateResourceException"
    )
    connect.delete_prompt(**one)
    assert refused(connect.describe_prompt, **one) == "ResourceNotFoundException"


# Predefined attributes and proficiencies


def test_predefined_attributes_are_made_listed_changed_and_deleted(story):
    _, connect, at = story
    system = ["connect:Language", "connect:Subtype", "connect:WorkloadType"]

    def listed():
        return [
            each["Name"]
            for each in connect.list_predefined_attributes(**at)["PredefinedAttributeSummaryList"]
        ]

    assert listed() == system
    one = {**at, "Name": "Technik / über"}
    connect.create_predefined_attribute(
        **one, Values={"StringList": ["AWS Kinesis", "S3"]}, Purposes=["routing"]
    )
    assert listed() == ["Technik / über", *system]
    shown = connect.describe_predefined_attribute(**one)["PredefinedAttribute"]
    assert shown["Values"] == {"StringList": ["AWS Kinesis", "S3"]}
    assert shown["Purposes"] == ["routing"]
    assert not shown["AttributeConfiguration"]["IsReadOnly"]
    connect.update_predefined_attribute(
        **one,
        Values={"StringList": ["S3"]},
        AttributeConfiguration={"EnableValueValidationOnAssociation": True},
    )
    shown = connect.describe_predefined_attribute(**one)["PredefinedAttribute"]
    assert shown["Values"] == {"StringList": ["S3"]}
    assert shown["AttributeConfiguration"]["EnableValueValidationOnAssociation"]
    connect.delete_predefined_attribute(**one)
    assert refused(connect.describe_predefined_attribute, **one) == "ResourceNotFoundException"


def test_system_attributes_stay_but_for_values_of_ones_own(story):
    _, connect, at = story
    language = {**at, "Name": "connect:Language"}
    connect.update_predefined_attribute(**language, Values={"StringList": ["German"]})
    shown = connect.describe_predefined_attribute(**language)["PredefinedAttribute"]
    assert shown["Values"] == {"StringList": ["German"]}
    update = connect.update_predefined_attribute
    assert refused(update, **language, Purposes=["x"]) == "InvalidRequestException"
    subtype = {**at, "Name": "connect:Subtype"}
    assert refused(update, **subtype, Values={"StringList": ["x"]}) == "InvalidRequestException"
    for each in (language, subtype):
        assert refused(connect.delete_predefined_attribute, **each) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Name": "connect:Mine"}, "InvalidParameterException"),
        ({"Name": "aws:x"}, "InvalidParameterException"),
        ({"Name": "a\tb"}, "InvalidParameterException"),
        ({"Name": "a#b"}, "InvalidParameterException"),
        ({"Name": "SKILL"}, "DuplicateResourceException"),
        ({"Name": "skill"}, "DuplicateResourceException"),
        ({"Name": "x", "Values": {"StringList": ["a", "a"]}}, "InvalidParameterException"),
        ({"Name": "x", "Values": {"StringList": ["connect:a"]}}, "InvalidParameterException"),
        ({"Name": "x", "Values": {"StringList": ["v"] * 501}}, "InvalidParameterException"),
    ],
)
def test_predefined_attributes_that_are_refused(story, members, code):
    _, connect, at = story
    connect.create_predefined_attribute(**at, Name="skill")
    assert refused(connect.create_predefined_attribute, **at, **members) == code


def proficiency(value: str, level: float | None = None) -> dict[str, Any]:
    levelled = {} if level is None else {"Level": level}
    return {"AttributeName": "skill", "AttributeValue": value, **levelled}


def test_users_have_proficiencies_which_keep_their_attribute(story):
    center, connect, at = story
    skill = {**at, "Name": "skill"}
    connect.create_predefined_attribute(**skill, Values={"StringList": ["x", "y", "z"]})
    user = {**at, "UserId": center.agent}

    def held():
        return connect.list_user_proficiencies(**user)["UserProficiencyList"]

    assert held() == []
    given = [proficiency("y", 3), proficiency("x", 5)]
    connect.associate_user_proficiencies(**user, UserProficiencies=given)
    assert held() == [proficiency("x", 5.0), proficiency("y", 3.0)]
    connect.update_user_proficiencies(**user, UserProficiencies=[proficiency("y", 1)])
    assert held() == [proficiency("x", 5.0), proficiency("y", 1.0)]

    delete, update = connect.delete_predefined_attribute, connect.update_predefined_attribute
    assert refused(delete, "'ann'", **skill) == "ResourceInUseException"
    fewer = {"StringList": ["y", "z"]}
    assert refused(update, "'ann'", **skill, Values=fewer) == "InvalidRequestException"
    connect.disassociate_user_proficiencies(**user, UserProficiencies=[proficiency("x")])
    update(**skill, Values=fewer)
    connect.disassociate_user_proficiencies(**user, UserProficiencies=[proficiency("y")])
    assert held() == []
    delete(**skill)


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("associate", [proficiency("q", 1)], "InvalidParameterException"),
        ("associate", [proficiency("x", 1.5)], "InvalidParameterException"),
        ("associate", [proficiency("x", 6)], "InvalidParameterException"),
        ("associate", [proficiency("x", 1), proficiency("x", 2)], "InvalidParameterException"),
        ("associate", [{**proficiency("x", 1), "AttributeName": "n"}], "ResourceNotFoundException"),
        ("update", [proficiency("x", 1)], "InvalidParameterException"),
        ("disassociate", [proficiency("x")], "InvalidParameterException"),
    ],
)
def test_proficiencies_that_are_refused(story, operation, given, code):
    _, connect, at = story
    connect.create_predefined_attribute(**at, Name="skill", Values={"StringList": ["x"]})
    name = (
        "update_user_proficiencies" if operation == "update" else f"{operation}_user_proficiencies"
    )
    user = {**at, "UserId": story.center.agent}
    assert refused(getattr(connect, name), **user, UserProficiencies=given) == code


# Agent statuses and users


def test_agent_statuses_are_ordered_reset_and_disabled(story):
    _, connect, at = story
    made = connect.create_agent_status(**at, Name="Lunch", State="ENABLED", DisplayOrder=7)
    one = {**at, "AgentStatusId": made["AgentStatusId"]}

    def show():
        return connect.describe_agent_status(**one)["AgentStatus"]

    assert (show()["Type"], show()["DisplayOrder"]) == ("CUSTOM", 7)
    update = connect.update_agent_status
    assert refused(update, **one, DisplayOrder=8, ResetOrderNumber=True) == (
        "InvalidParameterException"
    )
    update(**one, ResetOrderNumber=False)
    assert show()["DisplayOrder"] == 7
    update(**one, ResetOrderNumber=True, State="DISABLED")
    assert "DisplayOrder" not in show()


def test_users_are_set_up_per_channel(story):
    center, connect, at = story
    user = {**at, "UserId": center.agent}
    configs = {
        "AutoAcceptConfigs": [{"Channel": "VOICE", "AutoAccept": True}],
        "AfterContactWorkConfigs": [
            {"Channel": "VOICE", "AfterContactWorkConfig": {"AfterContactWorkTimeLimit": 5}},
            {"Channel": "CHAT", "AfterContactWorkConfig": {"AfterContactWorkTimeLimit": 0}},
        ],
        "PhoneNumberConfigs": [
            {"Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": "+12065550197"}
        ],
        "PersistentConnectionConfigs": [{"Channel": "VOICE", "PersistentConnection": True}],
        "VoiceEnhancementConfigs": [{"Channel": "VOICE", "VoiceEnhancementMode": "NONE"}],
    }
    connect.update_user_config(**user, **configs)
    shown = connect.describe_user(**user)["User"]
    assert {name: shown[name] for name in configs} == configs
    connect.update_user_config(**user, VoiceEnhancementConfigs=[])
    assert (
        connect.describe_user(**user)["User"]["AutoAcceptConfigs"] == (configs["AutoAcceptConfigs"])
    )
    connect.update_user_phone_config(
        **user, PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 9}
    )
    shown = connect.describe_user(**user)["User"]  # which sets all channels
    assert shown["PhoneConfig"]["AfterContactWorkTimeLimit"] == 9
    assert not shown.keys() & {"AutoAcceptConfigs", "AfterContactWorkConfigs", "PhoneNumberConfigs"}


def test_quotas_of_queues_and_users(start):
    server = start(
        *("--memory", "--sandbox", "--clock", "virtual"),
        *("--quota", "queue_quick_connect=1", "--quota", "user_proficiency=1"),
    )
    center = FirstCenter(server)
    story = Story(center, center.connect, {"InstanceId": center.instance})
    queue = {**story.at, "QueueId": center.queue}
    associate = story.connect.associate_queue_quick_connects
    ids = [a_phone(story, name) for name in "ab"]
    assert refused(associate, "quota is 1", **queue, QuickConnectIds=ids) == (
        "LimitExceededException"
    )
    associate(**queue, QuickConnectIds=ids[:1])
    associate(**queue, QuickConnectIds=ids[:1])
    story.connect.create_predefined_attribute(
        **story.at, Name="skill", Values={"StringList": ["x", "y"]}
    )
    user = {**story.at, "UserId": center.agent}
    associate = story.connect.associate_user_proficiencies
    associate(**user, UserProficiencies=[proficiency("x", 1)])
    associate(**user, UserProficiencies=[proficiency("x", 2)])
    assert refused(associate, "quota is 1", **user, UserProficiencies=[proficiency("y", 1)]) == (
        "InvalidRequestException"
    )


# Authentication profiles and manual assignment


def test_the_one_authentication_profile_is_shown_and_changed(story):
    _, connect, at = story
    (listed,) = connect.list_authentication_profiles(**at)["AuthenticationProfileSummaryList"]
    assert listed["IsDefault"]
    one = {**at, "AuthenticationProfileId": listed["Id"]}
    shown = connect.describe_authentication_profile(**one)["AuthenticationProfile"]
    assert shown["Arn"].endswith(f"/authentication-profile/{listed['Id']}")
    assert (shown["PeriodicSessionDuration"], shown["MaxSessionDuration"]) == (60, 720)
    connect.update_authentication_profile(
        **one, Name="ours", AllowedIps=["127.0.0.0/8", "::1"], PeriodicSessionDuration=10
    )
    shown = connect.describe_authentication_profile(**one)["AuthenticationProfile"]
    assert shown["AllowedIps"] == ["127.0.0.0/8", "::1"]
    assert (shown["Name"], shown["PeriodicSessionDuration"]) == ("ours", 10)
    update = connect.update_authentication_profile
    assert refused(update, "10.0.0.0/33", **one, BlockedIps=["10.0.0.0/33"]) == (
        "InvalidParameterException"
    )
    assert refused(update, **one, PeriodicSessionDuration=61) == "InvalidParameterException"


def test_an_address_that_is_shut_out_cannot_sign_in(story):
    center, connect, at = story
    login = {"instance": center.alias, "username": "ann", "password": PASSWORD}
    token = center.server.ask("POST", "/auth/login", login)["accessToken"]
    (listed,) = connect.list_authentication_profiles(**at)["AuthenticationProfileSummaryList"]
    one = {**at, "AuthenticationProfileId": listed["Id"]}
    connect.update_authentication_profile(**one, BlockedIps=["127.0.0.0/8"])
    status, message = center.server.refused("POST", "/auth/login", login)
    assert (status, "127.0.0.1" in message) == (403, True)
    wrong = {**login, "password": "wrong"}
    assert center.server.refused("POST", "/auth/login", wrong)[0] == 401
    connect.update_authentication_profile(**one, BlockedIps=[])
    bearer = {"Authorization": f"Bearer {token}"}
    assert center.server.ask("GET", "/auth/authorize", **bearer)["accessToken"] == token


def test_manual_assignment_queues_are_kept_and_listed(story):
    center, connect, at = story
    reference = {"QueueId": center.queue, "Channel": "VOICE"}
    profile = {**at, "RoutingProfileId": center.profile}

    def listed():
        return connect.list_routing_profile_manual_assignment_queues(**profile)[
            "RoutingProfileManualAssignmentQueueConfigSummaryList"
        ]

    assert listed() == []
    rows = [{"QueueReference": reference}]
    connect.associate_routing_profile_queues(**profile, ManualAssignmentQueueConfigs=rows)
    assert listed() == [{**reference, "QueueArn": center.queue_arn, "QueueName": "sales"}]
    shown = connect.describe_routing_profile(**profile)["RoutingProfile"]
    assert shown["NumberOfAssociatedManualAssignmentQueues"] == 1
    assert shown["AssociatedManualAssignmentQueueIds"] == [center.queue]
    assert shown["NumberOfAssociatedQueues"] == 1
    connect.disassociate_routing_profile_queues(
        **profile, ManualAssignmentQueueReferences=[reference]
    )
    assert listed() == []
    assert connect.list_routing_profile_queues(**profile)["RoutingProfileQueueConfigSummaryList"]
    other = [{"QueueReference": {**reference, "Channel": "CHAT"}}]
    associate = connect.associate_routing_profile_queues
    assert refused(associate, "CHAT", **profile, ManualAssignmentQueueConfigs=other) == (
        "InvalidParameterException"
    )
