"""Instances, and what belongs to them: associations, integrations, tags."""

import itertools
import uuid

import pytest
from botocore.exceptions import ClientError

import keys
from acceptance.center import CUSTOMER, FirstCenter
from acceptance.test_functions import ARN, function, lookup_flow  # noqa: F401  a fixture

NOBODY = "00000000-0000-4000-8000-000000000000"
_NUMBERS = itertools.count(1)


def refused(call, **parameters):
    """Code and message of what is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"].removesuffix("Exception"), error["Message"]


def made(connect, **more):
    """A new instance's id and ARN."""
    alias = more.pop("InstanceAlias", f"instance-{uuid.uuid4()}")
    wanted = {"IdentityManagementType": "SAML", "InstanceAlias": alias, **more}
    answer = connect.create_instance(InboundCallsEnabled=True, OutboundCallsEnabled=False, **wanted)
    return answer["Id"], answer["Arn"]


@pytest.fixture
def connect(server):
    return server.client()


@pytest.fixture
def instance(connect):
    return made(connect)[0]


# Instances


def test_an_instance_is_described_as_it_was_created(connect):
    alias = f"the-alias-{next(_NUMBERS)}"
    identifier, arn = made(connect, InstanceAlias=alias, Tags={"team": "red"})
    for named in (identifier, arn):
        shown = connect.describe_instance(InstanceId=named)["Instance"]
        assert (shown["Id"], shown["Arn"], shown["InstanceAlias"]) == (identifier, arn, alias)
        assert shown["InstanceStatus"] == "ACTIVE"
        assert "StatusReason" not in shown
        assert (shown["InboundCallsEnabled"], shown["OutboundCallsEnabled"]) == (True, False)
        assert shown["InstanceAccessUrl"] == f"https://{alias}.my.connect.aws"
        assert shown["Tags"] == {"team": "red"}
    rows = [
        row
        for page in connect.get_paginator("list_instances").paginate()
        for row in page["InstanceSummaryList"]
    ]
    (row,) = [row for row in rows if row["Id"] == identifier]
    assert row == {name: value for name, value in shown.items() if name != "Tags"}


def test_an_alias_is_a_host_name_and_nobody_elses(connect):
    alias = f"Mine-{next(_NUMBERS)}"
    identifier, _ = made(connect, InstanceAlias=alias)
    for same in (alias, alias.lower()):
        code, message = refused(lambda each=same: made(connect, InstanceAlias=each))
        assert code == "InvalidRequest"
        assert same in message
    connect.delete_instance(InstanceId=identifier)
    made(connect, InstanceAlias=alias)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"IdentityManagementType": "SAML"}, "InstanceAlias"),
        ({"IdentityManagementType": "CONNECT_MANAGED"}, "InstanceAlias"),
        ({"IdentityManagementType": "EXISTING_DIRECTORY", "InstanceAlias": "x"}, "DirectoryId"),
        (
            {
                "IdentityManagementType": "SAML",
                "InstanceAlias": "x",
                "DirectoryId": "d-0123456789",
            },
            "DirectoryId",
        ),
    ],
)
def test_identity_management_says_what_is_needed(connect, members, named):
    parameters = {"InboundCallsEnabled": True, "OutboundCallsEnabled": True, **members}
    code, message = refused(connect.create_instance, **parameters)
    assert code == "InvalidRequest"
    assert message.startswith(f"{named}: ")


def test_two_instances_are_the_quota(start):
    connect = start("--memory", "--limits", "aws").client()
    first, _ = made(connect)
    made(connect)
    assert refused(lambda: made(connect))[0] == "ServiceQuotaExceeded"
    connect.delete_instance(InstanceId=first)
    made(connect)


def test_an_instance_with_live_contacts_stays(fresh):
    center = FirstCenter(fresh)
    contact = center.dial()
    code, message = refused(center.connect.delete_instance, InstanceId=center.instance)
    assert (code, "1 live contacts" in message) == ("InvalidRequest", True)
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contact)
    center.connect.delete_instance(InstanceId=center.instance)
    for call in (center.connect.describe_instance, center.connect.list_queues):
        assert refused(call, InstanceId=center.instance)[0] == "ResourceNotFound"


def test_attributes_are_true_or_false(connect, instance):
    def value(name):
        answer = connect.describe_instance_attribute(InstanceId=instance, AttributeType=name)
        assert answer["Attribute"]["AttributeType"] == name
        return answer["Attribute"]["Value"]

    update = connect.update_instance_attribute
    assert (value("OUTBOUND_CALLS"), value("EARLY_MEDIA")) == ("false", "true")
    update(InstanceId=instance, AttributeType="OUTBOUND_CALLS", Value="true")
    assert value("OUTBOUND_CALLS") == "true"
    assert connect.describe_instance(InstanceId=instance)["Instance"]["OutboundCallsEnabled"]
    for wrong in ("True", "1"):
        code, _ = refused(update, InstanceId=instance, AttributeType="EARLY_MEDIA", Value=wrong)
        assert code == "InvalidParameter"
    listed = connect.list_instance_attributes(InstanceId=instance)["Attributes"]
    model = connect.meta.service_model.shape_for("InstanceAttributeType")
    assert sorted(each["AttributeType"] for each in listed) == sorted(model.enum)


# Tags


def test_an_instance_is_tagged_like_its_resources(connect):
    identifier, arn = made(connect, Tags={"team": "red"})
    connect.tag_resource(resourceArn=arn, tags={"floor": "4"})
    connect.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert connect.list_tags_for_resource(resourceArn=arn)["tags"] == {"floor": "4"}
    assert connect.describe_instance(InstanceId=identifier)["Instance"]["Tags"] == {"floor": "4"}
    assert refused(connect.tag_resource, resourceArn=arn, tags={"aws:x": "1"})[0] == (
        "InvalidParameter"
    )
    many = {f"key {number}": "" for number in range(50)}
    code, message = refused(connect.tag_resource, resourceArn=arn, tags=many)
    assert (code, "51 are more than 50" in message) == ("InvalidParameter", True)
    other = arn.replace(identifier, NOBODY)
    assert refused(connect.list_tags_for_resource, resourceArn=other)[0] == "ResourceNotFound"


def test_tags_are_searched(connect, instance):
    hours = connect.list_hours_of_operations(InstanceId=instance)["HoursOfOperationSummaryList"][0]
    for name, tags in (("one", {"Team": "Red", "a": "1"}), ("two", {"Team": "blue", "a": "1"})):
        connect.create_queue(
            InstanceId=instance, Name=name, HoursOfOperationId=hours["Id"], Tags=tags
        )
    connect.tag_resource(resourceArn=hours["Arn"], tags={"team": "green"})

    def found(*types, **condition):
        more = {"SearchCriteria": {"TagSearchCondition": condition}} if condition else {}
        answer = connect.search_resource_tags(
            InstanceId=instance, ResourceTypes=list(types), **more
        )
        return [f"{each['key']}={each['value']}" for each in answer["Tags"]]

    assert found() == ["Team=Red", "Team=blue", "a=1", "team=green"]
    assert found("operating-hours", "metric") == ["team=green"]
    assert found("standard-queue", tagKey="team", tagKeyComparisonType="STARTS_WITH") == [
        "Team=Red",
        "Team=blue",
    ]
    assert found(tagKey="team", tagKeyComparisonType="EXACT") == ["team=green"]
    assert found(tagValue="E", tagValueComparisonType="CONTAINS") == [
        "Team=Red",
        "Team=blue",
        "team=green",
    ]
    assert found(tagKey="a", tagValue="2") == []
    assert refused(connect.search_resource_tags, InstanceId=instance, ResourceTypes=["queue"])[
        0
    ] == ("InvalidParameter")
    pages = connect.get_paginator("search_resource_tags").paginate(
        InstanceId=instance, PaginationConfig={"PageSize": 1}
    )
    assert [page["Tags"][0]["value"] for page in pages] == ["Red", "blue", "1", "green"]


# Associations

BOT = {"Name": "Order", "LexRegion": "us-east-1"}
ALIAS = "arn:aws:lex:us-east-1:123456789012:bot-alias/ABCDEFGHIJ/TSTALIASID"
BUCKET = {"StorageType": "S3", "S3Config": {"BucketName": "b", "BucketPrefix": "p"}}
STREAM = {
    "StorageType": "KINESIS_STREAM",
    "KinesisStreamConfig": {"StreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s"},
}

ASSOCIATIONS = [
    ("approved_origin", "Origins", {"Origin": "https://a.example:8443"}, None),
    ("lambda_function", "LambdaFunctions", {"FunctionArn": ARN}, None),
    ("lambda_function", "LambdaFunctions", {"FunctionArn": f"{ARN}:live"}, None),
    ("lex_bot", "LexBots", {"LexBot": BOT}, {"BotName": "Order", "LexRegion": "us-east-1"}),
    ("bot", "LexBots", {"LexBot": BOT}, None),
    ("bot", "LexBots", {"LexV2Bot": {"AliasArn": ALIAS}}, None),
]


def test_every_association_is_made_listed_and_taken_away(connect, instance):
    for noun, member, wanted, named in ASSOCIATIONS:
        associate = getattr(connect, f"associate_{noun}")
        disassociate = getattr(connect, f"disassociate_{noun}")
        version = {} if noun != "bot" else {"LexVersion": "V1" if "LexBot" in wanted else "V2"}

        def listed(noun=noun, member=member, version=version):
            return getattr(connect, f"list_{noun}s")(InstanceId=instance, **version)[member]

        assert listed() == []
        assert refused(disassociate, InstanceId=instance, **(named or wanted))[0] == (
            "ResourceNotFound"
        )
        for _ in range(2):  # the second is the first, told again
            associate(InstanceId=instance, ClientToken=str(wanted), **wanted)
        assert listed() == ([wanted] if noun == "bot" else list(wanted.values()))
        assert refused(associate, InstanceId=instance, **wanted)[0] == "ResourceConflict"
        disassociate(InstanceId=instance, **(named or wanted))
        assert listed() == []
        associate(InstanceId=instance, ClientToken=str(wanted), **wanted)
        disassociate(InstanceId=instance, **(named or wanted))


@pytest.mark.parametrize(
    ("noun", "wanted", "code"),
    [
        ("approved_origin", {"Origin": "https://a.example/path"}, "InvalidParameter"),
        ("approved_origin", {"Origin": "a.example"}, "InvalidParameter"),
        ("approved_origin", {"Origin": "javascript://x"}, "InvalidParameter"),
        ("lambda_function", {"FunctionArn": "lookup"}, "InvalidParameter"),
        ("lambda_function", {"FunctionArn": ARN.replace("lambda", "lex")}, "InvalidParameter"),
        ("bot", {}, "InvalidRequest"),
        ("bot", {"LexBot": BOT, "LexV2Bot": {"AliasArn": ALIAS}}, "InvalidRequest"),
        ("bot", {"LexV2Bot": {}}, "InvalidRequest"),
        ("security_key", {"Key": "no key"}, "InvalidParameter"),
        ("security_key", {"Key": keys.mistaken()["private"]}, "InvalidParameter"),
        (
            "instance_storage_config",
            {"ResourceType": "AGENT_EVENTS", "StorageConfig": BUCKET},
            "InvalidParameter",
        ),
        (
            "instance_storage_config",
            {"ResourceType": "CALL_RECORDINGS", "StorageConfig": STREAM},
            "InvalidParameter",
        ),
        (
            "instance_storage_config",
            {"ResourceType": "CALL_RECORDINGS", "StorageConfig": {**STREAM, **BUCKET}},
            "InvalidParameter",
        ),
        (
            "instance_storage_config",
            {"ResourceType": "CALL_RECORDINGS", "StorageConfig": {"StorageType": "S3"}},
            "InvalidParameter",
        ),
    ],
)
def test_what_cannot_be_associated(connect, instance, noun, wanted, code):
    assert refused(getattr(connect, f"associate_{noun}"), InstanceId=instance, **wanted)[0] == code


def test_quotas_of_associations(start):
    connect = start("--memory", "--quota", "lambda_function=1").client()
    instance, _ = made(connect)
    connect.associate_lambda_function(InstanceId=instance, FunctionArn=ARN)
    code, message = refused(
        connect.associate_lambda_function, InstanceId=instance, FunctionArn=f"{ARN}2"
    )
    assert (code, "its quota is 1" in message) == ("ServiceQuotaExceeded", True)
    address = "http://127.0.0.1:1/"
    code, _ = refused(connect.associate_lambda_function, InstanceId=instance, FunctionArn=address)
    assert code == "InvalidParameter"


THREE = [keys.rsa_key(number) for number in range(3)]


def test_two_security_keys_are_enough(connect, instance):
    ids = [
        connect.associate_security_key(InstanceId=instance, Key=key)["AssociationId"]
        for key in THREE[:2]
    ]
    code, _ = refused(connect.associate_security_key, InstanceId=instance, Key=THREE[2])
    assert code == "ServiceQuotaExceeded"
    listed = connect.list_security_keys(InstanceId=instance)["SecurityKeys"]
    assert {each["AssociationId"]: each["Key"] for each in listed} == dict(
        zip(ids, THREE[:2], strict=True)
    )
    assert all(each["CreationTime"] for each in listed)
    connect.disassociate_security_key(InstanceId=instance, AssociationId=ids[0])
    code, _ = refused(connect.disassociate_security_key, InstanceId=instance, AssociationId=ids[0])
    assert code == "ResourceNotFound"
    connect.associate_security_key(InstanceId=instance, Key=THREE[2])


def test_one_store_for_each_type(connect, instance):
    wanted = {"InstanceId": instance, "ResourceType": "CALL_RECORDINGS"}
    association = connect.associate_instance_storage_config(**wanted, StorageConfig=BUCKET)[
        "AssociationId"
    ]
    code, _ = refused(connect.associate_instance_storage_config, **wanted, StorageConfig=BUCKET)
    assert code == "ResourceConflict"
    events = {"InstanceId": instance, "ResourceType": "AGENT_EVENTS"}
    connect.associate_instance_storage_config(**events, StorageConfig=STREAM)

    named = {**wanted, "AssociationId": association}
    shown = {**BUCKET, "AssociationId": association}
    assert connect.describe_instance_storage_config(**named)["StorageConfig"] == shown
    assert connect.list_instance_storage_configs(**wanted)["StorageConfigs"] == [shown]
    other = {"StorageType": "S3", "S3Config": {"BucketName": "c", "BucketPrefix": "q"}}
    connect.update_instance_storage_config(**named, StorageConfig=other)
    shown = connect.describe_instance_storage_config(**named)["StorageConfig"]
    assert shown == {**other, "AssociationId": association}
    code, _ = refused(connect.update_instance_storage_config, **named, StorageConfig=STREAM)
    assert code == "InvalidParameter"

    mistaken = {**named, "ResourceType": "AGENT_EVENTS"}
    for call in (
        connect.describe_instance_storage_config,
        connect.disassociate_instance_storage_config,
    ):
        assert refused(call, **mistaken)[0] == "ResourceNotFound"
    connect.disassociate_instance_storage_config(**named)
    assert connect.list_instance_storage_configs(**wanted)["StorageConfigs"] == []
    assert len(connect.list_instance_storage_configs(**events)["StorageConfigs"]) == 1


def test_integrations_and_their_use_cases(connect, instance):
    arn = "arn:aws:app-integrations:us-east-1:123456789012:event-integration/x"
    event = {
        "InstanceId": instance,
        "IntegrationType": "EVENT",
        "IntegrationArn": arn,
        "SourceApplicationUrl": "https://a.example",
        "SourceApplicationName": "a",
        "SourceType": "ZENDESK",
    }
    without = {name: value for name, value in event.items() if name != "SourceType"}
    assert refused(connect.create_integration_association, **without)[0] == "InvalidRequest"
    association = connect.create_integration_association(**event, Tags={"team": "red"})
    assert refused(connect.create_integration_association, **event)[0] == "DuplicateResource"
    connect.create_integration_association(
        InstanceId=instance, IntegrationType="APPLICATION", IntegrationArn=arn + "2"
    )
    (row,) = connect.list_integration_associations(InstanceId=instance, IntegrationType="EVENT")[
        "IntegrationAssociationSummaryList"
    ]
    identifier = association["IntegrationAssociationId"]
    arn = association["IntegrationAssociationArn"]
    assert (row["IntegrationAssociationId"], row["IntegrationAssociationArn"]) == (identifier, arn)
    assert event.items() <= row.items()
    assert arn.endswith(f"instance/{instance}/integration-association/{identifier}")
    assert connect.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "red"}

    named = {"InstanceId": instance, "IntegrationAssociationId": identifier}
    case = connect.create_use_case(**named, UseCaseType="RULES_EVALUATION")
    code, _ = refused(connect.create_use_case, **named, UseCaseType="RULES_EVALUATION")
    assert code == "DuplicateResource"
    campaign = connect.create_use_case(**named, UseCaseType="CONNECT_CAMPAIGNS")
    listed = connect.list_use_cases(**named)["UseCaseSummaryList"]
    assert {each["UseCaseType"] for each in listed} == {"RULES_EVALUATION", "CONNECT_CAMPAIGNS"}
    connect.delete_use_case(**named, UseCaseId=campaign["UseCaseId"])
    assert connect.list_use_cases(**named)["UseCaseSummaryList"] == [
        {
            **{name: case[name] for name in ("UseCaseId", "UseCaseArn")},
            "UseCaseType": "RULES_EVALUATION",
        }
    ]
    connect.delete_integration_association(**named)  # with its use case
    assert refused(connect.list_use_cases, **named)[0] == "ResourceNotFound"


def test_data_sets_are_shared_with_accounts(connect, instance):
    named = {"InstanceId": instance, "DataSetId": "contact_record"}
    share = connect.associate_analytics_data_set(**named)
    assert share["TargetAccountId"] == "123456789012"
    again = connect.associate_analytics_data_set(**named)
    assert again["ResourceShareArn"] == share["ResourceShareArn"]
    assert share["ResourceShareArn"].endswith(share["ResourceShareId"])
    batch = {"InstanceId": instance, "DataSetIds": ["users", "contact_record"]}
    created = connect.batch_associate_analytics_data_set(**batch, TargetAccountId="210987654321")
    assert [each["DataSetId"] for each in created["Created"]] == batch["DataSetIds"]
    assert created["Errors"] == []

    def listed(**more):
        answer = connect.list_analytics_data_associations(InstanceId=instance, **more)
        return [f"{each['TargetAccountId']} {each['DataSetId']}" for each in answer["Results"]]

    assert listed() == [
        "123456789012 contact_record",
        "210987654321 contact_record",
        "210987654321 users",
    ]
    assert listed(DataSetId="users") == ["210987654321 users"]
    gone = connect.batch_disassociate_analytics_data_set(
        InstanceId=instance, DataSetIds=["users", "nothing"], TargetAccountId="210987654321"
    )
    assert gone["Deleted"] == ["users"]
    assert [each["ErrorCode"] for each in gone["Errors"]] == ["ResourceNotFoundException"]
    connect.disassociate_analytics_data_set(**named)
    assert refused(connect.disassociate_analytics_data_set, **named)[0] == "ResourceNotFound"
    assert listed() == ["210987654321 contact_record"]
    wrong = {**named, "TargetAccountId": "12"}
    assert refused(connect.associate_analytics_data_set, **wrong)[0] == "InvalidParameter"
    sets = connect.list_analytics_data_lake_data_sets(InstanceId=instance)["Results"]
    assert {"contact_record", "users"} <= {each["DataSetId"] for each in sets}


def test_associations_survive_a_crash(start, data):
    server = start("--data", str(data))
    instance, _ = made(server.client())
    server.client().associate_approved_origin(InstanceId=instance, Origin="https://a.example")
    server.kill()
    connect = start("--data", str(data)).client()
    assert connect.list_approved_origins(InstanceId=instance)["Origins"] == ["https://a.example"]


# What an association of a function means


def test_without_a_sandbox_a_flow_calls_associated_functions_only(start, function):  # noqa: F811
    server = start("--memory", "--function", f"{ARN}={function.address}")
    connect = server.client()
    instance, _ = made(connect)
    connect.update_instance_attribute(
        InstanceId=instance, AttributeType="OUTBOUND_CALLS", Value="true"
    )
    connect.claim_phone_number(InstanceId=instance, PhoneNumber="+12065550199")
    flow = connect.create_contact_flow(
        InstanceId=instance, Name="lookup", Type="CONTACT_FLOW", Content=lookup_flow(ARN)
    )["ContactFlowId"]

    def calls_of_a_contact():
        before = len(function.events)
        function.replies[:] = [(200, b'{"name": "Ann"}')]
        contact = connect.start_outbound_voice_contact(
            InstanceId=instance,
            DestinationPhoneNumber=CUSTOMER,
            SourcePhoneNumber="+12065550199",
            ContactFlowId=flow,
        )["ContactId"]
        while (
            "DisconnectTimestamp"
            not in connect.describe_contact(InstanceId=instance, ContactId=contact)["Contact"]
        ):
            pass
        return len(function.events) - before

    assert calls_of_a_contact() == 0
    assert f"{ARN!r}, which is not associated with instance {instance}" in server.log()
    connect.associate_lambda_function(InstanceId=instance, FunctionArn=ARN)
    assert calls_of_a_contact() == 1
    connect.disassociate_lambda_function(InstanceId=instance, FunctionArn=ARN)
    assert calls_of_a_contact() == 0


def test_in_a_sandbox_an_address_can_be_associated(connect, instance):
    address = "http://127.0.0.1:1/"
    connect.associate_lambda_function(InstanceId=instance, FunctionArn=address)
    assert connect.list_lambda_functions(InstanceId=instance)["LambdaFunctions"] == [address]
