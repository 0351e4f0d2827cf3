"""Users, keys, roles and policies of a real server: boto3, `ringfloor iam`, kill -9, the disk."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from acceptance.conftest import KEY, REGION, SECRET, Server, Start
from ringfloor.operations import iam as handlers
from ringfloor.operations import iam_policies, sts
from ringfloor.operations.registry import IDENTITY

ACCOUNT = "123456789012"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonConnectReadOnlyAccess"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ROOT = {"AccessKeyId": KEY, "SecretAccessKey": SECRET}
NEW_KEY = base64.b64encode(b"n" * 32).decode()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One whose users and roles are those of these tests."""
    own = Server("--memory", "--sandbox", "--clock", "virtual")
    yield own
    own.kill()


def client(server: Server, service: str, keys: dict[str, str]) -> Any:
    return boto3.client(
        service,
        endpoint_url=server.address,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
        config=Config(retries={"total_max_attempts": 1}),
    )


def a_policy(action: str | list[str], resource: str = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def a_user(server: Server, name: str, policy: str | None = None) -> dict[str, str]:
    """A user with a key; the key."""
    iam = server.client("iam")
    iam.create_user(UserName=name)
    if policy is not None:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    keys: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
    return keys


def an_instance(server: Server, alias: str, users: tuple[str, ...] = ()) -> str:
    """A SAML instance with these Connect users; its id."""
    connect = server.client()
    instance: str = connect.create_instance(
        IdentityManagementType="SAML",
        InstanceAlias=alias,
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    (profile,) = connect.list_routing_profiles(InstanceId=instance)["RoutingProfileSummaryList"]
    security = connect.list_security_profiles(InstanceId=instance)["SecurityProfileSummaryList"]
    for name in users:
        connect.create_user(
            InstanceId=instance,
            Username=name,
            IdentityInfo={"FirstName": name.title(), "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE"},
            SecurityProfileIds=[security[0]["Id"]],
            RoutingProfileId=profile["Id"],
        )
    return instance


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    """Code and message of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error.get("Message", "")


def trusted_by(arn: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": arn}}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def test_a_user_may_do_what_his_policies_say_and_nothing_else(server):
    own, other = an_instance(server, "iam-own"), an_instance(server, "iam-other")
    arn = f"arn:aws:connect:{REGION}:{ACCOUNT}:instance/{own}"
    keys = a_user(server, "restricted", a_policy("connect:List*", f"{arn}*"))
    connect = client(server, "connect", keys)
    assert connect.list_queues(InstanceId=own)["QueueSummaryList"]
    code, message = refused(connect.list_queues, InstanceId=other)
    assert code == "AccessDeniedException"
    assert "user/restricted is not authorized to perform: connect:ListQueues" in message
    assert refused(connect.delete_instance, InstanceId=own)[0] == "AccessDeniedException"
    assert refused(client(server, "iam", keys).list_users)[0] == "AccessDenied"
    assert client(server, "sts", keys).get_caller_identity()["Arn"].endswith(":user/restricted")
    server.client("iam").delete_user_policy(UserName="restricted", PolicyName="own")
    assert refused(connect.list_queues, InstanceId=own)[0] == "AccessDeniedException"


def test_a_user_who_may_keeps_other_users_and_only_those_below_his_path(server):
    policy = a_policy("iam:*", f"arn:aws:iam::{ACCOUNT}:user/team/*")
    iam = client(server, "iam", a_user(server, "leader", policy))
    iam.create_user(UserName="one", Path="/team/")
    iam.tag_user(UserName="one", Tags=[{"Key": "floor", "Value": "3"}])
    assert iam.get_user(UserName="one")["User"]["Tags"] == [{"Key": "floor", "Value": "3"}]
    assert refused(iam.create_user, UserName="two")[0] == "AccessDenied"
    code, message = refused(iam.delete_user, UserName="leader")
    assert (code, f"{ACCOUNT}:user/leader" in message) == ("AccessDenied", True)


def test_a_trust_policy_sees_where_a_request_comes_from(start):
    server = start("--memory", "--sandbox", "--proxy", "127.0.0.1/32")
    iam = server.client("iam")
    sts = client(server, "sts", a_user(server, "ann"))
    secure = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    agent = {"Condition": {"StringLike": {"aws:UserAgent": "*Boto3*"}}}
    for name, condition, open_ in (("tls", secure, False), ("boto", agent, True)):
        trust = json.loads(trusted_by(f"arn:aws:iam::{ACCOUNT}:user/ann"))
        trust["Statement"] |= condition
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        wanted = {"RoleArn": arn["Arn"], "RoleSessionName": "me"}
        if not open_:
            assert refused(sts.assume_role, **wanted)[0] == "AccessDenied"
            forwarded = "before-send.sts.AssumeRole"
            sts.meta.events.register(
                forwarded,
                lambda request, **_: request.headers.update({"X-Forwarded-Proto": "https"}),
            )
        assert sts.assume_role(**wanted)["Credentials"]


def test_credentials_of_get_session_token_make_no_lasting_ones(server):
    own = a_user(server, "brief", a_policy(["iam:*", "connect:*", "sts:*"]))
    for keys in (own, ROOT):
        session = client(server, "sts", keys).get_session_token()["Credentials"]
        assert "InstanceSummaryList" in client(server, "connect", session).list_instances()
        assert client(server, "sts", session).get_caller_identity()["Account"] == ACCOUNT
        iam, sts = client(server, "iam", session), client(server, "sts", session)
        assert refused(iam.create_access_key, UserName="brief")[0] == "AccessDenied"
        assert refused(sts.get_access_key_info, AccessKeyId="A" * 20)[0] == "AccessDenied"
        assert refused(sts.get_session_token)[0] == "AccessDenied"


def test_who_moves_a_user_needs_him_where_he_comes_from_and_where_he_goes(server):
    users = f"arn:aws:iam::{ACCOUNT}:user"
    mover = client(server, "iam", a_user(server, "mover", a_policy("iam:UpdateUser", "*")))
    own = a_user(server, "own", a_policy("iam:*", f"{users}/moved/*"))
    below = client(server, "iam", own)
    server.client("iam").create_user(UserName="tom")
    below.create_user(UserName="tim", Path="/moved/")
    for change in ({"NewPath": "/"}, {"NewPath": "/others/", "NewUserName": "x"}):
        assert refused(below.update_user, UserName="tim", **change)[0] == "AccessDenied"
    assert refused(below.update_user, UserName="tom", NewPath="/moved/")[0] == "AccessDenied"
    below.update_user(UserName="tim", NewUserName="jim", NewPath="/moved/far/")
    mover.update_user(UserName="tom", NewPath="/moved/")
    below.delete_user(UserName="tom")


def test_who_is_connect_user_by_his_name_gets_a_federation_token(server):
    instance = an_instance(server, "iam-saml", ("fay", "gil"))
    keys = a_user(server, "fay", a_policy("connect:GetFederationToken"))
    answer = client(server, "connect", keys).get_federation_token(InstanceId=instance)
    assert answer["Credentials"]["AccessToken"]
    assert answer["UserId"] != answer["UserArn"]
    iam = server.client("iam")
    role = iam.create_role(
        RoleName="agents",
        AssumeRolePolicyDocument=trusted_by(f"arn:aws:iam::{ACCOUNT}:user/fay"),
    )["Role"]
    iam.put_role_policy(
        RoleName="agents", PolicyName="p", PolicyDocument=a_policy("connect:GetFederationToken")
    )
    sts = client(server, "sts", keys)
    for session, expected in (("gil", None), ("nobody", "UserNotFoundException")):
        temporary = sts.assume_role(RoleArn=role["Arn"], RoleSessionName=session)["Credentials"]
        connect = client(server, "connect", temporary)
        if expected is None:
            assert connect.get_federation_token(InstanceId=instance)["UserId"] != answer["UserId"]
        else:
            assert refused(connect.get_federation_token, InstanceId=instance)[0] == expected


def test_a_role_is_for_whom_it_trusts_and_a_session_for_its_time(fresh):
    iam, alias = fresh.client("iam"), "arn:aws:iam::" + ACCOUNT
    ann, bob = a_user(fresh, "ann"), a_user(fresh, "bob")
    trust = trusted_by(f"{alias}:user/ann")
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="r", PolicyArn=READ_ONLY)
    wanted = {"RoleArn": arn, "RoleSessionName": "me"}
    assert refused(client(fresh, "sts", bob).assume_role, **wanted)[0] == "AccessDenied"
    assert refused(fresh.client("sts").assume_role, **wanted)[0] == "AccessDenied"
    sts = client(fresh, "sts", ann)
    absent = {"RoleArn": arn + "x", "RoleSessionName": "me"}
    assert refused(sts.assume_role, **absent)[0] == "AccessDenied"
    too_long = refused(sts.assume_role, **wanted, DurationSeconds=3601)
    assert too_long[0] == "ValidationError"
    session = sts.assume_role(**wanted, DurationSeconds=900, Policy=a_policy("connect:ListUsers"))
    assert session["AssumedRoleUser"]["Arn"].endswith(":assumed-role/r/me")
    connect = client(fresh, "connect", session["Credentials"])
    assert refused(connect.list_instances)[0] == "AccessDeniedException"
    whole = sts.assume_role(**wanted, DurationSeconds=900)["Credentials"]
    connect = client(fresh, "connect", whole)
    assert connect.list_instances()["InstanceSummaryList"] == []
    unlike = {**whole, "SessionToken": session["Credentials"]["SessionToken"]}
    assert refused(client(fresh, "sts", unlike).get_caller_identity)[0] == "InvalidClientTokenId"
    fresh.sandbox("POST", "clock", {"advance": 901})
    assert refused(connect.list_instances)[0] == "ExpiredTokenException"


def test_the_account_trusted_means_that_own_policies_must_allow_it(server):
    iam = server.client("iam")
    arn = iam.create_role(
        RoleName="for-the-account",
        AssumeRolePolicyDocument=trusted_by(f"arn:aws:iam::{ACCOUNT}:root"),
    )["Role"]["Arn"]
    wanted = {"RoleArn": arn, "RoleSessionName": "ses"}
    sts = client(server, "sts", a_user(server, "climber"))
    assert refused(sts.assume_role, **wanted)[0] == "AccessDenied"
    iam.put_user_policy(
        UserName="climber", PolicyName="p", PolicyDocument=a_policy("sts:AssumeRole", arn)
    )
    temporary = sts.assume_role(**wanted, Tags=[])["Credentials"]
    chained = client(server, "sts", temporary)
    assert chained.get_caller_identity()["Arn"].endswith("assumed-role/for-the-account/ses")
    assert refused(chained.get_session_token)[0] == "AccessDenied"


def test_a_key_made_before_a_kill_works_after_it_and_no_secret_is_on_the_disk(
    start: Start, data: Path
):
    first = start("--data", str(data))
    policy = a_policy("connect:ListInstances")
    keys = a_user(first, "ann", policy)
    temporary = client(first, "sts", keys).get_session_token()["Credentials"]
    first.kill()
    secrets = [SECRET, keys["SecretAccessKey"], temporary["SecretAccessKey"]]
    assert not any(found(data, secret) for secret in secrets)
    assert found(data, keys["AccessKeyId"]), "or the search finds nothing"
    second = start("--data", str(data))
    for pair in (keys, temporary):
        assert client(second, "connect", pair).list_instances()["InstanceSummaryList"] == []
    assert refused(client(second, "iam", keys).list_users)[0] == "AccessDenied"
    assert second.stop()[0] == 0
    trail = run("audit", "--data", str(data), "--json", "--last", "0")
    assert "CreateAccessKey" in trail.stdout, trail.stderr
    assert keys["SecretAccessKey"] not in trail.stdout


def found(data: Path, text: str) -> bool:
    """Whether the text, plain or in base64, is anywhere in the files."""
    needles = {text.encode(), base64.b64encode(text.encode()).rstrip(b"=")[:-1]}
    content = [path.read_bytes() for path in data.rglob("*") if path.is_file()]
    return any(needle in each for needle in needles for each in content)


def test_encryption_keys_turn_and_a_wrong_one_is_refused_at_once(start: Start, data: Path):
    keys = a_user(server := start("--data", str(data)), "ann")
    server.kill()
    key = {"RINGFLOOR_ENCRYPTION_KEY": NEW_KEY}
    changed = {"RINGFLOOR_SECRET_ACCESS_KEY": "another secret of the root"}
    for wrong in (changed, changed | key):
        refusal = run("serve", "--data", str(data), "--port", "0", **ROOT_ENVIRONMENT | wrong)
        assert refusal.returncode == 1
        assert "encrypted with another key" in refusal.stderr
        assert "RINGFLOOR_ENCRYPTION_KEY" in refusal.stderr
    turning = start("--data", str(data), environment=key)  # beside the root's secret as it was
    turning.kill()
    turned = start("--data", str(data), environment=changed | key)
    assert client(turned, "sts", keys).get_caller_identity()["Arn"].endswith("user/ann")


# Every action, once; that answers fit the model is checked by the server


A_TAG = [{"Key": "k", "Value": "v"}]
SWEEP = """
    iam CreateUser UserName=u Path=/p/
    iam GetUser UserName=u
    iam ListUsers PathPrefix=/p/
    iam UpdateUser UserName=u NewUserName=v NewPath=/
    iam TagUser UserName=v Tags=A_TAG
    iam ListUserTags UserName=v
    iam UntagUser UserName=v TagKeys=KEYS
    iam CreateGroup GroupName=g
    iam ListGroups
    iam UpdateGroup GroupName=g NewGroupName=h
    iam AddUserToGroup GroupName=h UserName=v
    iam GetGroup GroupName=h
    iam ListGroupsForUser UserName=v
    iam CreateRole RoleName=r AssumeRolePolicyDocument=TRUST MaxSessionDuration=HOURS
    iam GetRole RoleName=r
    iam ListRoles
    iam UpdateRole RoleName=r MaxSessionDuration=HOUR
    iam UpdateRoleDescription RoleName=r Description=e
    iam UpdateAssumeRolePolicy RoleName=r PolicyDocument=TRUST
    iam TagRole RoleName=r Tags=A_TAG
    iam ListRoleTags RoleName=r
    iam UntagRole RoleName=r TagKeys=KEYS
    iam CreatePolicy PolicyName=p PolicyDocument=ALLOW Description=d Tags=A_TAG
    iam GetPolicy PolicyArn=OWN
    iam ListPolicies Scope=All
    iam TagPolicy PolicyArn=OWN Tags=A_TAG
    iam ListPolicyTags PolicyArn=OWN
    iam UntagPolicy PolicyArn=OWN TagKeys=KEYS
    iam CreatePolicyVersion PolicyArn=OWN PolicyDocument=ALLOW SetAsDefault=YES
    iam ListPolicyVersions PolicyArn=OWN
    iam SetDefaultPolicyVersion PolicyArn=OWN VersionId=v1
    iam GetPolicyVersion PolicyArn=OWN VersionId=v2
    iam DeletePolicyVersion PolicyArn=OWN VersionId=v2
    iam AttachUserPolicy UserName=v PolicyArn=OWN
    iam AttachGroupPolicy GroupName=h PolicyArn=OWN
    iam AttachRolePolicy RoleName=r PolicyArn=OWN
    iam ListAttachedUserPolicies UserName=v
    iam ListAttachedGroupPolicies GroupName=h
    iam ListAttachedRolePolicies RoleName=r
    iam ListEntitiesForPolicy PolicyArn=OWN
    iam DetachUserPolicy UserName=v PolicyArn=OWN
    iam DetachGroupPolicy GroupName=h PolicyArn=OWN
    iam DetachRolePolicy RoleName=r PolicyArn=OWN
    iam PutUserPolicy UserName=v PolicyName=i PolicyDocument=ALLOW
    iam PutGroupPolicy GroupName=h PolicyName=i PolicyDocument=ALLOW
    iam PutRolePolicy RoleName=r PolicyName=i PolicyDocument=ALLOW
    iam GetUserPolicy UserName=v PolicyName=i
    iam GetGroupPolicy GroupName=h PolicyName=i
    iam GetRolePolicy RoleName=r PolicyName=i
    iam ListUserPolicies UserName=v
    iam ListGroupPolicies GroupName=h
    iam ListRolePolicies RoleName=r
    iam SimulatePrincipalPolicy PolicySourceArn=USER ActionNames=ACTIONS
    iam SimulateCustomPolicy PolicyInputList=ALLOWS ActionNames=ACTIONS
    iam CreateAccessKey UserName=v
    iam ListAccessKeys UserName=v
    iam UpdateAccessKey UserName=v AccessKeyId=USED Status=Inactive
    iam GetAccessKeyLastUsed AccessKeyId=USED
    iam GetAccountSummary
    sts GetCallerIdentity
    sts GetAccessKeyInfo AccessKeyId=USED
    sts GetSessionToken
    sts AssumeRole RoleArn=ROLE RoleSessionName=me
    iam DeleteAccessKey UserName=v AccessKeyId=USED
    iam DeleteUserPolicy UserName=v PolicyName=i
    iam DeleteGroupPolicy GroupName=h PolicyName=i
    iam DeleteRolePolicy RoleName=r PolicyName=i
    iam RemoveUserFromGroup GroupName=h UserName=v
    iam DeletePolicy PolicyArn=OWN
    iam DeleteGroup GroupName=h
    iam DeleteRole RoleName=r
    iam DeleteUser UserName=v
"""


def test_every_action_answers_and_what_was_made_can_be_taken_away(fresh):
    iam = fresh.client("iam")
    iam.create_user(UserName="me")
    iam.attach_user_policy(UserName="me", PolicyArn=ADMINISTRATOR)
    mine = client(fresh, "sts", iam.create_access_key(UserName="me")["AccessKey"])
    values: dict[str, Any] = {
        "A_TAG": A_TAG,
        "KEYS": ["k"],
        "YES": True,
        "HOUR": 3600,
        "HOURS": 7200,
        "ACTIONS": ["connect:ListUsers"],
        "ALLOW": a_policy("connect:*"),
        "ALLOWS": [a_policy("connect:*")],
        "TRUST": trusted_by(f"arn:aws:iam::{ACCOUNT}:user/me"),
        "OWN": f"arn:aws:iam::{ACCOUNT}:policy/p",
        "USER": f"arn:aws:iam::{ACCOUNT}:user/v",
        "ROLE": f"arn:aws:iam::{ACCOUNT}:role/r",
    }
    done = set()
    answers = {}
    for line in SWEEP.strip().splitlines():
        service, action, *given = line.split()
        parameters = {}
        for each in given:
            name, _, text = each.partition("=")
            parameters[name] = values.get(text, text)
        asked = mine if action == "AssumeRole" else fresh.client(service)
        answer = getattr(asked, xform_name(action))(**parameters)
        if action == "CreateAccessKey":
            values["USED"] = answer["AccessKey"]["AccessKeyId"]
        answers[action] = answer
        done.add(f"{service}:{action}")
    ours = {module.__name__ for module in (handlers, iam_policies, sts)}
    assert done == {name for name, handler in IDENTITY.items() if handler.__module__ in ours}
    assert answers["ListUsers"]["Users"][0]["UserName"] == "u"
    assert answers["GetGroup"]["Users"][0]["Arn"] == values["USER"]
    assert answers["GetRole"]["Role"]["MaxSessionDuration"] == 7200
    assert answers["UpdateRoleDescription"]["Role"]["Description"] == "e"
    assert answers["GetPolicyVersion"]["PolicyVersion"]["Document"] == json.loads(values["ALLOW"])
    listed = {each["PolicyName"] for each in answers["ListPolicies"]["Policies"]}
    assert listed >= {"p", "AdministratorAccess"}
    entities = answers["ListEntitiesForPolicy"]
    kinds = {"User": "v", "Group": "h", "Role": "r"}
    for kind, name in kinds.items():
        assert entities[f"Policy{kind}s"][0][f"{kind}Name"] == name
    assert answers["GetAccessKeyLastUsed"]["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    assert answers["GetAccountSummary"]["SummaryMap"]["Users"] == 2
    assert [each["UserName"] for each in iam.list_users()["Users"]] == ["me"]
    assert not iam.list_groups()["Groups"] + iam.list_roles()["Roles"]
    assert not iam.list_policies(Scope="Local")["Policies"]


def test_a_session_carries_tags_and_policies_and_hands_on_what_is_transitive(server):
    iam = server.client("iam")
    both = ["sts:AssumeRole", "sts:TagSession"]
    statement = {"Effect": "Allow", "Action": both, "Principal": {"AWS": "*"}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    tagged = a_policy("connect:List*", Condition={"StringEquals": {"aws:PrincipalTag/floor": "3"}})
    arns = []
    for name in ("first", "second"):
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=tagged)
        arns.append(role["Arn"])
    sts = client(server, "sts", a_user(server, "tagger"))

    def assumed(by: Any, arn: str, **more: Any) -> dict[str, str]:
        found: dict[str, str] = by.assume_role(RoleArn=arn, RoleSessionName="me", **more)[
            "Credentials"
        ]
        return found

    floor = {"Tags": [{"Key": "floor", "Value": "3"}]}
    first = assumed(sts, arns[0], **floor, TransitiveTagKeys=["floor"])
    assert "InstanceSummaryList" in client(server, "connect", first).list_instances()
    plain = client(server, "connect", assumed(sts, arns[0]))
    assert refused(plain.list_instances)[0] == "AccessDeniedException"
    chained = client(server, "sts", first)
    second = assumed(chained, arns[1])
    assert "InstanceSummaryList" in client(server, "connect", second).list_instances()
    wanted = {"RoleArn": arns[1], "RoleSessionName": "me"}
    assert refused(chained.assume_role, **wanted, **floor)[0] == "ValidationError"
    upper = {"Tags": [{"Key": "FLOOR", "Value": "4"}]}  # of a key the case does not count
    assert refused(chained.assume_role, **wanted, **upper)[0] == "ValidationError"
    iam.tag_role(RoleName="second", Tags=[{"Key": "Floor", "Value": "9"}])
    second = assumed(chained, arns[1])
    assert "InstanceSummaryList" in client(server, "connect", second).list_instances()
    assert refused(chained.assume_role, **wanted, DurationSeconds=3601)[0] == "ValidationError"
    narrowed = assumed(sts, arns[0], **floor, PolicyArns=[{"arn": READ_ONLY}])
    connect = client(server, "connect", narrowed)
    assert "InstanceSummaryList" in connect.list_instances()
    large = [{"Key": f"key{number}", "Value": "v" * 200} for number in range(15)]
    assert refused(sts.assume_role, **wanted, Tags=large)[0] == "PackedPolicyTooLarge"
    most = [{"Key": f"key{number}", "Value": "v" * 200} for number in range(11)]
    longest = assumed(sts, arns[1], Tags=most)
    assert len(longest["SessionToken"]) <= 4096
    assert client(server, "sts", longest).get_caller_identity()["Arn"].endswith("second/me")


def test_a_listing_goes_on_where_it_stopped_and_only_there(server):
    iam = server.client("iam")
    for number in range(5):
        iam.create_user(UserName=f"paged-{number}", Path="/paged/")
    pages = iam.get_paginator("list_users").paginate(
        PathPrefix="/paged/", PaginationConfig={"PageSize": 2}
    )
    names = [[each["UserName"] for each in page["Users"]] for page in pages]
    assert names == [["paged-0", "paged-1"], ["paged-2", "paged-3"], ["paged-4"]]
    marker = iam.list_users(PathPrefix="/paged/", MaxItems=2)["Marker"]
    iam.delete_user(UserName="paged-1")
    rest = iam.list_users(PathPrefix="/paged/", Marker=marker)["Users"]
    assert [each["UserName"] for each in rest] == ["paged-2", "paged-3", "paged-4"]
    for wrong in (marker[:-1], "A" * 40):
        assert refused(iam.list_users, Marker=wrong)[0] == "ValidationError"
    assert refused(iam.list_groups, Marker=marker)[0] == "ValidationError"


def test_permission_can_depend_on_what_is_attached_and_on_tags(server):
    condition = {"ArnEquals": {"iam:PolicyARN": READ_ONLY}}
    allowed = a_policy("iam:AttachUserPolicy", Condition=condition)
    iam = client(server, "iam", a_user(server, "attacher", allowed))
    server.client("iam").create_user(UserName="attached", Tags=A_TAG)
    iam.attach_user_policy(UserName="attached", PolicyArn=READ_ONLY)
    denied = {"UserName": "attached", "PolicyArn": ADMINISTRATOR}
    assert refused(iam.attach_user_policy, **denied)[0] == "AccessDenied"
    tagged = a_policy("iam:*", Condition={"StringEquals": {"aws:ResourceTag/k": "v"}})
    iam = client(server, "iam", a_user(server, "by-tag", tagged))
    assert iam.get_user(UserName="attached")["User"]["UserName"] == "attached"
    assert refused(iam.get_user, UserName="attacher")[0] == "AccessDenied"
    both = a_policy("iam:CreateUser", Condition={"StringEquals": {"aws:RequestTag/k": "v"}})
    iam = client(server, "iam", a_user(server, "tags-all", both))
    assert refused(iam.create_user, UserName="untagged")[0] == "AccessDenied"
    assert iam.create_user(UserName="tagged", Tags=A_TAG)["User"]["UserName"] == "tagged"


def test_a_user_keeps_his_own_keys_without_naming_himself(server):
    own = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
    iam = client(server, "iam", a_user(server, "self", a_policy("iam:*AccessKey*", own)))
    (old,) = iam.list_access_keys()["AccessKeyMetadata"]
    new = iam.create_access_key()["AccessKey"]
    assert refused(iam.create_access_key)[0] == "LimitExceeded"
    iam = client(server, "iam", new)
    iam.update_access_key(AccessKeyId=old["AccessKeyId"], Status="Inactive")
    iam.delete_access_key(AccessKeyId=old["AccessKeyId"])
    (left,) = iam.list_access_keys()["AccessKeyMetadata"]
    assert left["AccessKeyId"] == new["AccessKeyId"]
    assert refused(iam.list_access_keys, UserName="attacher")[0] == "AccessDenied"
    assert refused(server.client("iam").create_access_key)[0] == "ValidationError"


# ringfloor iam

ROOT_ENVIRONMENT = {"RINGFLOOR_ACCESS_KEY_ID": KEY, "RINGFLOOR_SECRET_ACCESS_KEY": SECRET}


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("RINGFLOOR", "AWS"))}
    return subprocess.run(
        [sys.executable, "-m", "ringfloor", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=plain | environment,
        timeout=60,
    )


def test_ringfloor_iam_does_what_aws_iam_does(server, tmp_path):
    environment = ROOT_ENVIRONMENT | {"RINGFLOOR_URL": server.address}

    def iam(line: str, *more: str) -> Any:
        done = run("iam", *line.split(), *more, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def fails(line: str, **other: str) -> str:
        done = run("iam", *line.split(), **environment | other)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
        return done.stderr

    file = tmp_path / "policy.json"
    file.write_text(a_policy("connect:List*"))
    assert iam("whoami")["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    user = iam("create-user --user-name cli --path /cli/ --tags Key=a,Value=1 Key=b,Value=")["User"]
    assert user["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    assert (
        iam(f"put-user-policy --user-name cli --policy-name p --policy-document file://{file}")
        is None
    )
    own = iam("get-user-policy --user-name cli --policy-name p")["PolicyDocument"]
    assert own == json.loads(file.read_text())
    made = iam("create-access-key --user-name cli")["AccessKey"]
    aws = {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    who = run("iam", "whoami", "--endpoint", server.address, **aws)
    assert json.loads(who.stdout)["Arn"] == user["Arn"]
    simulated = iam(
        f"simulate-principal-policy --policy-source-arn {user['Arn']}"
        " --action-names connect:ListUsers connect:StopContact"
        " --context-entries"
        " ContextKeyName=aws:SourceIp,ContextKeyValues=192.0.2.1,ContextKeyType=ip"
    )["EvaluationResults"]
    assert [each["EvalDecision"] for each in simulated] == ["allowed", "implicitDeny"]
    for name in ("cli-a", "cli-b", "cli-c"):
        iam(f"create-group --group-name {name}")
        iam(f"add-user-to-group --group-name {name} --user-name cli")
    page = iam("list-groups-for-user --user-name cli --max-items 2")
    assert ([each["GroupName"] for each in page["Groups"]], page["IsTruncated"]) == (
        ["cli-a", "cli-b"],
        True,
    )
    rest = iam(f"list-groups-for-user --user-name cli --marker {page['Marker']}")
    assert [each["GroupName"] for each in rest["Groups"]] == ["cli-c"]
    assert "no-such-user" in fails("delete-user --user-name no-such-user")
    assert f"access keys first: {made['AccessKeyId']}" in fails("delete-user --user-name cli")
    assert "secret access key is not" in fails("whoami", RINGFLOOR_SECRET_ACCESS_KEY="wrong")
    assert "does not know the access key AKIAX" in fails("whoami", RINGFLOOR_ACCESS_KEY_ID="AKIAX")
    assert "ringfloor serve" in fails("whoami --endpoint http://127.0.0.1:1")
    assert "no key pair to sign with" in fails("whoami", RINGFLOOR_SECRET_ACCESS_KEY="")
    assert "cannot read" in fails(
        "put-user-policy --user-name cli --policy-name p --policy-document file:///no/such"
    )


def test_ringfloor_iam_brings_a_listing_to_its_end(server):
    for number in range(101):
        server.client("iam").create_group(GroupName=f"many-{number:03}", Path="/many/")
    environment = ROOT_ENVIRONMENT | {"RINGFLOOR_URL": server.address}
    done = run("iam", "list-groups", "--path-prefix", "/many/", **environment)
    answer = json.loads(done.stdout)
    assert len(answer["Groups"]) == 101
    assert answer.keys() == {"Groups"}


def test_a_fresh_key_is_one_that_a_server_takes():
    one, two = run("keys", "new").stdout.strip(), run("keys", "new").stdout.strip()
    assert one != two
    assert len(base64.b64decode(one, validate=True)) == 32
