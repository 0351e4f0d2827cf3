"""IAM and STS at the same address: boto3, the AWS CLI, and what bad requests get."""

import json
import os
import random
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from acceptance.conftest import KEY, REGION, SECRET

BIN = Path(sys.executable).parent
FORM = "application/x-www-form-urlencoded; charset=utf-8"
WHO = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
LIST = {"Action": "ListUsers", "Version": "2010-05-08"}


def client(server, service, key=KEY, secret=SECRET, token=None, region=REGION):
    return boto3.client(
        service,
        endpoint_url=server.address,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def refusal(call, **parameters):
    """Status and code of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def signed(server, body, service="sts", region=REGION, secret=SECRET, content_type=FORM):
    headers = {"Content-Type": content_type}
    asked = AWSRequest("POST", f"{server.address}/", data=body, headers=headers)
    SigV4Auth(Credentials(KEY, secret), service, region).add_auth(asked)
    return dict(asked.headers)


def ask(server, method="POST", target="/", body=None, headers=None):
    """Status, error code and body of a request as it stands; every answer is XML and has an id."""
    asked = urllib.request.Request(
        server.address + target, method=method, data=body, headers=headers or {}
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            status, got, text = answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, got, text = error.code, error.headers, error.read().decode()
    assert got["content-type"] == "text/xml"
    assert f"<RequestId>{got['x-amzn-requestid']}</RequestId>" in text
    found = re.search("<Code>(.*)</Code>", text)
    return status, found and found[1], text


# What clients do

TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "sts:AssumeRole",
    },
}


def allow(*actions, resource="*"):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def user(server, name, *actions):
    """A user who may do the actions; answers his key."""
    iam = client(server, "iam")
    iam.create_user(UserName=name)
    document = json.dumps(allow(*actions or ["iam:Nothing"]))
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def arn(client_of_sts):
    return client_of_sts.get_caller_identity()["Arn"]


def test_a_user_may_what_his_policy_says(server):
    assert arn(client(server, "sts")) == "arn:aws:iam::123456789012:root"
    key = user(server, "ann", "connect:ListInstances", "iam:GetUser")
    assert arn(client(server, "sts", *key)) == "arn:aws:iam::123456789012:user/ann"
    own = client(server, "iam", *key)
    assert own.get_user()["User"]["UserName"] == "ann"
    client(server, "connect", *key).list_instances()
    with pytest.raises(ClientError) as caught:
        own.list_users(PathPrefix="/eu/")
    assert caught.value.response["Error"] == {
        "Type": "Sender",
        "Code": "AccessDenied",
        "Message": "User: arn:aws:iam::123456789012:user/ann is not authorized to perform:"
        " iam:ListUsers on resource: arn:aws:iam::123456789012:user/eu/ because no"
        " identity-based policy allows the iam:ListUsers action",
    }
    client(server, "iam").update_access_key(UserName="ann", AccessKeyId=key[0], Status="Inactive")
    assert refusal(own.get_user) == (403, "InvalidClientTokenId")


def test_a_permission_can_be_for_some_resources(server):
    key = user(server, "bob")
    document = allow("iam:GetUser", resource="arn:aws:iam::*:user/team/*")
    iam = client(server, "iam")
    iam.put_user_policy(UserName="bob", PolicyName="team", PolicyDocument=json.dumps(document))
    iam.create_user(UserName="bea", Path="/team/")
    own = client(server, "iam", *key)
    assert own.get_user(UserName="bea")["User"]["Path"] == "/team/"
    assert refusal(own.get_user, UserName="bob") == (403, "AccessDenied")


def test_policies_come_back_as_they_were_sent(server):
    iam = client(server, "iam")
    document = allow("connect:*") | {"Id": "a b+c%20d/é<&>\"'\n\t"}
    iam.create_role(RoleName="texts", AssumeRolePolicyDocument=json.dumps(TRUST, indent=2))
    iam.put_role_policy(RoleName="texts", PolicyName="p", PolicyDocument=json.dumps(document))
    assert iam.get_role_policy(RoleName="texts", PolicyName="p")["PolicyDocument"] == document
    assert iam.get_role(RoleName="texts")["Role"]["AssumeRolePolicyDocument"] == TRUST
    made = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(document))["Policy"]
    version = iam.get_policy_version(PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]
    assert version["Document"] == document
    assert version["CreateDate"] == made["CreateDate"]


def test_a_role_is_assumed_and_its_session_ends(fresh):
    key = user(fresh, "cid", "sts:AssumeRole")
    iam = client(fresh, "iam")
    role = iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(
        RoleName="auditor",
        PolicyName="read",
        PolicyDocument=json.dumps(allow("connect:List*", "iam:List*")),
    )
    now = fresh.sandbox("GET", "clock")["now"]
    assumed = client(fresh, "sts", *key).assume_role(
        RoleArn=role["Arn"], RoleSessionName="night", DurationSeconds=900
    )
    found = assumed["Credentials"]
    assert found["Expiration"].timestamp() == int(now + 900)
    session = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    assert arn(client(fresh, "sts", *session)).endswith(":assumed-role/auditor/night")
    client(fresh, "connect", *session).list_instances()
    assert [each["UserName"] for each in client(fresh, "iam", *session).list_users()["Users"]]
    denied = refusal(client(fresh, "iam", *session).delete_user, UserName="cid")
    assert denied == (403, "AccessDenied")
    swapped = client(fresh, "sts", key[0], key[1], session[2])
    assert refusal(swapped.get_caller_identity) == (403, "InvalidClientTokenId")
    fresh.sandbox("POST", "clock", {"advance": 901})
    late = client(fresh, "sts", *session).get_caller_identity
    assert refusal(late) == (403, "ExpiredToken")


def test_session_tokens(server):
    key = user(server, "dee", "connect:ListInstances")
    found = client(server, "sts", *key).get_session_token()["Credentials"]
    session = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    assert arn(client(server, "sts", *session)).endswith(":user/dee")
    client(server, "connect", *session).list_instances()


def test_errors_have_their_classes(server):
    iam = client(server, "iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.get_user(UserName="nobody")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    key = user(server, "eve")
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName="eve")
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_user(UserName="eve")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.put_user_policy(UserName="eve", PolicyName="bad", PolicyDocument="{}")
    iam.delete_access_key(UserName="eve", AccessKeyId=key[0])
    iam.delete_user_policy(UserName="eve", PolicyName="own")
    assert iam.delete_user(UserName="eve")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_pages(server):
    iam = client(server, "iam")
    names = [f"page{n}" for n in range(7)]
    for name in names:
        iam.create_user(UserName=name, Path="/pages/", Tags=[{"Key": "team", "Value": "a b+c"}])
    pages = iam.get_paginator("list_users").paginate(
        PathPrefix="/pages/", PaginationConfig={"PageSize": 3}
    )
    found = [[each["UserName"] for each in page["Users"]] for page in pages]
    assert found == [names[:3], names[3:6], names[6:]]
    assert iam.list_user_tags(UserName="page1")["Tags"] == [{"Key": "team", "Value": "a b+c"}]
    assert refusal(iam.list_users, Marker="forged") == (400, "ValidationError")


def test_what_this_account_has_not_is_empty(server):
    iam = client(server, "iam")
    assert iam.list_account_aliases()["AccountAliases"] == []
    for operation in ("list_mfa_devices", "list_ssh_public_keys", "list_server_certificates"):
        answer = getattr(iam, operation)()
        assert [value for value in answer.values() if isinstance(value, list)] == [[]]
    iam.create_user(UserName="gil")
    assert iam.list_signing_certificates(UserName="gil")["Certificates"] == []
    for call, whose in (
        (iam.list_mfa_devices, {"UserName": "nobody"}),
        (iam.list_instance_profiles_for_role, {"RoleName": "nobody"}),
        (iam.get_login_profile, {"UserName": "gil"}),
        (iam.delete_login_profile, {"UserName": "gil"}),
    ):
        assert refusal(call, **whose) == (404, "NoSuchEntity")
    assert iam.get_account_summary()["SummaryMap"]["MFADevices"] == 0


def test_a_presigned_question_proves_who_somebody_is(server):
    """As clusters and vaults do: they are handed the URL and ask it themselves."""
    url = client(server, "sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    status, _, text = ask(server, "GET", url.removeprefix(server.address))
    assert status == 200
    assert "<Arn>arn:aws:iam::123456789012:root</Arn>" in text
    forged = url.removeprefix(server.address).replace("GetCallerIdentity", "GetSessionToken")
    assert ask(server, "GET", forged)[:2] == (403, "SignatureDoesNotMatch")


def test_iam_and_sts_are_signed_for_their_region_or_ours(start):
    server = start("--memory", "--sandbox", "--region", "eu-central-1")
    body = urlencode(LIST).encode()
    for region, status in (("us-east-1", 200), ("eu-central-1", 200), ("eu-west-1", 403)):
        assert ask(server, body=body, headers=signed(server, body, "iam", region))[0] == status
    for region in ("us-east-1", "eu-central-1"):
        assert arn(client(server, "sts", region=region)).endswith(":root")


def test_aws_limits_throttle_iam(start):
    server = start("--memory", "--sandbox", "--clock", "virtual", "--limits", "aws")
    iam = client(server, "iam")
    for _ in range(40):
        iam.list_groups()
    assert refusal(iam.list_groups) == (400, "Throttling")
    iam.list_users()
    server.sandbox("POST", "clock", {"advance": 1})
    iam.list_groups()


def test_the_aws_cli(server):
    def aws(command, **credentials):
        done = subprocess.run(
            [str(BIN / "aws"), "--endpoint-url", server.address, *shlex.split(command)],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_MAX_ATTEMPTS": "1",
                **credentials,
            },
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    made = aws("iam create-user --user-name fay --tags Key=team,Value=night")["User"]
    assert made["Arn"] == "arn:aws:iam::123456789012:user/fay"
    key = aws("iam create-access-key --user-name fay")["AccessKey"]
    policy = json.dumps(allow("sts:AssumeRole"))
    aws(f"iam put-user-policy --user-name fay --policy-name own --policy-document '{policy}'")
    told = aws("iam get-user-policy --user-name fay --policy-name own")
    assert told["PolicyDocument"] == allow("sts:AssumeRole")
    trust = json.dumps(TRUST)
    role = aws(f"iam create-role --role-name lead --assume-role-policy-document '{trust}'")["Role"]
    own = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    assert aws("sts get-caller-identity", **own)["Arn"] == made["Arn"]
    assumed = aws(f"sts assume-role --role-arn {role['Arn']} --role-session-name night", **own)
    found = assumed["Credentials"]
    session = {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }
    assert aws("sts get-caller-identity", **session) == {
        "UserId": assumed["AssumedRoleUser"]["AssumedRoleId"],
        "Account": "123456789012",
        "Arn": "arn:aws:sts::123456789012:assumed-role/lead/night",
    }


# Refusals


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_who_does_not_sign_well_is_refused(server, service):
    call = {"iam": "list_users", "sts": "get_caller_identity"}[service]
    wrong = client(server, service, secret="another")
    assert refusal(getattr(wrong, call)) == (403, "SignatureDoesNotMatch")
    unknown = client(server, service, key="AKIDNOBODY")
    assert refusal(getattr(unknown, call)) == (403, "InvalidClientTokenId")
    forged = client(server, service, token="forged")
    assert refusal(getattr(forged, call)) == (403, "InvalidClientTokenId")
    abroad = client(server, service, region="eu-north-1")
    if service == "sts":
        assert refusal(getattr(abroad, call)) == (403, "SignatureDoesNotMatch")


def test_what_is_not_signed_is_missing_a_token(server):
    body = urlencode(WHO).encode()
    missing = (403, "MissingAuthenticationToken")
    assert ask(server, body=body, headers={"content-type": FORM})[:2] == missing
    assert ask(server, "GET", "/?Action=ListUsers&Version=2010-05-08")[:2] == missing
    broken = {"content-type": FORM, "authorization": "Basic cm9vdDpyb290"}
    status, code, text = ask(server, body=body, headers=broken)
    assert (status, code) == (400, "IncompleteSignature")
    assert "cm9vd" not in text


def test_a_late_signature_is_refused(server):
    late = datetime.now(UTC) - timedelta(minutes=20)
    asked = AWSRequest("GET", f"{server.address}/?{urlencode(WHO)}")
    signer = SigV4Auth(Credentials(KEY, SECRET), "sts", REGION)
    asked.context["timestamp"] = late.strftime("%Y%m%dT%H%M%SZ")
    asked.headers["X-Amz-Date"] = asked.context["timestamp"]
    canonical = signer.canonical_request(asked)
    signature = signer.signature(signer.string_to_sign(asked, canonical), asked)
    signer._inject_signature_to_request(asked, signature)
    status, code, text = ask(server, "GET", f"/?{urlencode(WHO)}", headers=dict(asked.headers))
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert "Signature expired" in text


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("MissingAction", {}),
        ("MissingAction", {"Version": "2011-06-15"}),
        ("InvalidAction", {**WHO, "Action": "ListUsers"}),
        ("InvalidAction", {**WHO, "Version": "2010-05-08"}),
        ("InvalidAction", {**WHO, "Action": "<&\x00>"}),
        ("MalformedInput", {**WHO, "Action": "AssumeRole", "RoleArn.member.1": "x"}),
        ("MalformedInput", {**WHO, "Action": "AssumeRole", "Tags.member.0.Key": "x"}),
        ("ValidationError", {**WHO, "Action": "AssumeRole"}),
        ("ValidationError", {**WHO, "Action": "GetSessionToken", "DurationSeconds": "1e400"}),
        ("NotImplemented", {**WHO, "Action": "DecodeAuthorizationMessage", "EncodedMessage": "x"}),
    ],
)
def test_what_cannot_be_read_or_done(server, code, parameters):
    body = urlencode(parameters).encode()
    status, found, _ = ask(server, body=body, headers=signed(server, body))
    assert (status, found) == (501 if code == "NotImplemented" else 400, code)


def test_the_message_names_member_value_and_rule(server):
    with pytest.raises(ClientError, match=r"UserName: 'a b' must satisfy the regular expression"):
        client(server, "iam").create_user(UserName="a b")


def test_the_connect_api_is_as_it_was(server):
    body = urlencode(WHO).encode()
    other = signed(server, body, service="connect")
    asked = urllib.request.Request(f"{server.address}/", method="POST", data=body, headers=other)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(asked, timeout=30)
    with caught.value as error:
        assert error.code == 404
        assert error.headers["x-amzn-errortype"] == "UnknownOperationException"
    assert server.client().list_instances()["ResponseMetadata"]["HTTPStatusCode"] == 200


NAMES = ("UserName", "Tags.member.1.Key", "Tags.member.1.Value", "Path", "MaxItems", "Marker")
ACTIONS = ("CreateUser", "ListUsers", "PutUserPolicy", "CreateRole", "GetUser", "TagUser")
WORDS = (
    *(
        "",
        "a",
        "/",
        "0",
        "-1",
        "9" * 400,
        "x" * 3_000,
        "{}",
        "[",
        "\x00",
        "é日",
        "\ud7ff",
        "'\"<&>",
    ),
    *("%00", "arn:aws:iam::123456789012:user/a", '{"Version":"2012-10-17","Statement":[]}', "true"),
)
PIECES = (
    *(
        b"%ff",
        b"%",
        b"&&",
        b"=",
        b"=x",
        b".=x",
        b"Tags=",
        b"Tags=&Tags.member.1.Key=a",
        b"Tags..1=x",
    ),
    *(
        b"Tags.member.999999999.Key=x",
        b"UserName=a&UserName=b",
        b"a" * 9_000,
        b"a." * 3_000 + b"=x",
    ),
    *(b"Action=CreateUser", b"X-Amz-Signature=x", b"Tags.member.1.Key.x.y=1", b"\x00\xff=1"),
)


def spoilt_form(draw):
    parameters = {**LIST, "Action": draw.choice(ACTIONS)}
    for _ in range(draw.randrange(5)):
        name = draw.choice(NAMES)
        if draw.random() < 0.3:
            name += draw.choice((".member.1", ".1", ".entry.1.key", ".", "\u0661"))
        parameters[name] = draw.choice(WORDS)
    if draw.random() < 0.1:
        del parameters[draw.choice(("Action", "Version"))]
    body = bytearray(urlencode(parameters, errors="surrogatepass").encode())
    if draw.random() < 0.3:
        body += b"&" + draw.choice(PIECES)
    for _ in range(draw.choice((0, 0, 1, 3))):
        at = draw.randint(0, len(body))
        body[at : at + draw.randrange(3)] = draw.randbytes(draw.randrange(3))
    return bytes(body)


@pytest.mark.slow
def test_no_form_breaks_the_server(start):
    server = start("--memory", "--sandbox", "--clock", "virtual")
    draw = random.Random(7)
    seen = set()
    for _ in range(600):
        body = spoilt_form(draw)
        service = draw.choice(("iam", "iam", "iam", "sts"))
        status, code, text = ask(server, body=body, headers=signed(server, body, service))
        assert status < 500 or status == 501, (body, text)
        seen.add(code)
    assert {"MalformedInput", "InvalidAction", "MissingAction", "ValidationError"} <= seen
    status, log = server.stop()
    assert status == 0
    assert "Traceback" not in log
