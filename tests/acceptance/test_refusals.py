"""Who may ask, and what bad input gets: the API's own errors, and nothing in the journal."""

import contextlib
import json
import socket
import sqlite3
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter
from acceptance.conftest import KEY, REGION, SECRET


def raw(server, method, path, body=b"", headers=None):
    """Status, error name and text of a request as it stands."""
    request = urllib.request.Request(
        server.address + path, method=method, data=body or None, headers=headers or {}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, None, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("x-amzn-errortype"), error.read().decode()


def signed(server, method, path, body=b"", *, secret=SECRET, key=KEY, service="connect"):
    request = AWSRequest(method, server.address + path, data=body)
    SigV4Auth(Credentials(key, secret), service, REGION).add_auth(request)
    return dict(request.headers)


def test_unsigned_is_refused(server):
    status, code, _ = raw(server, "GET", "/instance")
    assert (status, code) == (403, "MissingAuthenticationTokenException")


def test_wrongly_signed_is_refused(server):
    headers = signed(server, "GET", "/instance", secret="not the secret")
    assert raw(server, "GET", "/instance", headers=headers)[:2] == (
        403,
        "InvalidSignatureException",
    )
    headers = signed(server, "GET", "/instance")
    assert raw(server, "GET", "/users-summary/x", headers=headers)[:2] == (
        403,
        "InvalidSignatureException",
    )


def test_unknown_keys_are_refused(server):
    headers = signed(server, "GET", "/instance", key="AKIDNOBODY")
    assert raw(server, "GET", "/instance", headers=headers)[:2] == (
        403,
        "UnrecognizedClientException",
    )


def test_expired_signatures_are_refused(server, monkeypatch):
    for off in (timedelta(days=-3_650), timedelta(days=3_650)):  # by the server's clock, too
        at = datetime.now(UTC) + off
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda at=at: at)
        headers = signed(server, "GET", "/instance")
        status, code, text = raw(server, "GET", "/instance", headers=headers)
        assert (status, code) == (403, "InvalidSignatureException")
        assert "Signature" in text


def test_a_presigned_url_works(server):
    url = server.client().generate_presigned_url("list_instances")
    status, _, text = raw(server, "GET", url.removeprefix(server.address))
    assert status == 200
    assert "InstanceSummaryList" in json.loads(text)


def test_a_client_of_another_name_is_unknown(server):
    other = boto3.client(
        "connect",
        endpoint_url=server.address,
        region_name=REGION,
        aws_access_key_id="AKIDOTHER",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError) as caught:
        other.list_instances()
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_what_is_not_built_answers_501(server):
    connect = server.client()
    with pytest.raises(ClientError) as caught:
        connect.list_rules(InstanceId="x")
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["Error"]["Code"] == "NotImplementedException"
    assert "ListRules" in answer["Error"]["Message"]


def test_answers_carry_a_request_id_and_a_date(server):
    metadata = server.client().list_instances()["ResponseMetadata"]
    assert len(metadata["RequestId"]) == 36
    assert metadata["HTTPHeaders"]["date"].endswith("GMT")
    assert metadata["HTTPHeaders"]["content-type"] == "application/json"


def test_unknown_instances_and_resources_are_not_found(server):
    center = FirstCenter(server)
    nobody = "00000000-0000-4000-8000-000000000000"
    for call in (
        lambda: center.connect.describe_instance(InstanceId=nobody),
        lambda: center.connect.list_users(InstanceId=nobody),
        lambda: center.connect.describe_user(InstanceId=center.instance, UserId=nobody),
        lambda: center.connect.describe_queue(InstanceId=center.instance, QueueId=nobody),
        lambda: center.contact(nobody),
        lambda: center.position(nobody),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        center.connect.stop_contact(InstanceId=center.instance, ContactId=nobody)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def bad_users(center):
    good = {
        "InstanceId": center.instance,
        "Username": "bob",
        "Password": "Ringfloor1",
        "IdentityInfo": {"FirstName": "Bob", "LastName": "Agent"},
        "PhoneConfig": {"PhoneType": "SOFT_PHONE"},
        "SecurityProfileIds": [
            center.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")["Id"]
        ],
        "RoutingProfileId": center.profile,
    }
    yield "DuplicateResourceException", "Username", {**good, "Username": "ann"}
    yield "InvalidParameterException", "Password", {**good, "Password": "short"}
    yield (
        "InvalidParameterException",
        "PhoneType",
        {
            **good,
            "PhoneConfig": {"PhoneType": "CARRIER_PIGEON"},
        },
    )
    yield (
        "InvalidParameterException",
        "DeskPhoneNumber",
        {
            **good,
            "PhoneConfig": {"PhoneType": "DESK_PHONE"},
        },
    )
    yield (
        "ResourceNotFoundException",
        "RoutingProfileId",
        {
            **good,
            "RoutingProfileId": "00000000-0000-4000-8000-000000000000",
        },
    )
    yield (
        "InvalidRequestException",
        "Password",
        {key: value for key, value in good.items() if key != "Password"},
    )


def test_bad_users_name_field_value_and_rule(server):
    center = FirstCenter(server)
    for code, field, parameters in bad_users(center):
        with pytest.raises(ClientError) as caught:
            center.connect.create_user(**parameters)
        error = caught.value.response["Error"]
        assert (error["Code"], field in error["Message"]) == (code, True), error
        assert "short" not in error["Message"]  # no password in a message
    assert len(center.connect.list_users(InstanceId=center.instance)["UserSummaryList"]) == 1


def test_a_flow_that_is_wrong_lists_its_problems(server):
    center = FirstCenter(server)
    for content in (
        "no JSON",
        "{}",
        '{"Version": "2019-10-30", "StartAction": "x", "Actions": []}',
    ):
        with pytest.raises(center.connect.exceptions.InvalidContactFlowException) as caught:
            center.connect.create_contact_flow(
                InstanceId=center.instance, Name="bad", Type="CONTACT_FLOW", Content=content
            )
        assert caught.value.response["problems"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/instance", b"{"),
        ("PUT", "/instance", b"[]"),
        ("PUT", "/instance", b"\xff\xfe"),
        ("PUT", "/instance", b"[" * 100_000),
        ("PUT", "/instance", b'{"IdentityManagementType": 7}'),
        ("PUT", "/instance", b'{"IdentityManagementType": "NOBODY"}'),
        ("GET", "/instance?maxResults=eleven", b""),
        ("GET", "/instance?maxResults=11", b""),
        ("GET", "/instance?nextToken=forged", b""),
        ("POST", "/metrics/contact", b'{"InstanceId": "x", "ContactId": "y", "Metrics": 1}'),
    ],
)
def test_unreadable_requests_are_the_callers_fault(server, method, path, body):
    headers = signed(server, method, path, body)
    status, code, text = raw(server, method, path, body, headers)
    assert (status, code in ("InvalidRequestException", "InvalidParameterException")) == (400, True)
    assert "Traceback" not in text


@pytest.mark.parametrize("path", ["/", "/nothing", "/instance/", "/%00", "/%ff", "/a/../b", "//"])
def test_unknown_paths_answer_and_do_not_break(server, path):
    headers = signed(server, "POST", path)
    status, _, _ = raw(server, "POST", path, b"", headers)
    assert status in (400, 403, 404)


def test_a_body_has_a_bound(server):
    status, code, _ = raw(server, "PUT", "/instance", b"x" * 2_000_000)
    assert (status, code) == (413, "RequestEntityTooLargeException")


def test_refused_requests_leave_no_record(start, data):
    server = start("--data", str(data), "--sandbox", "--clock", "virtual")
    center = FirstCenter(server)

    def records():
        journal = sqlite3.connect(f"file:{data / 'journal.sqlite'}?mode=ro", uri=True)
        with contextlib.closing(journal):
            return journal.execute("SELECT count(*) FROM record").fetchone()[0]

    before = records()
    assert before == 5  # instance, queue, routing profile, user, flow
    for _, _, parameters in bad_users(center):
        with pytest.raises(ClientError):
            center.connect.create_user(**parameters)
    for deed in ("accept", "hold", "hangup", "complete", "dance"):
        status, _ = server.refused("POST", f"/_ringfloor/agents/{center.agent}/{deed}", {})
        assert status == 400
    assert records() == before


def test_headers_have_a_bound(server):
    host, _, port = server.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(b"GET /instance HTTP/1.1\r\nHost: x\r\nX-Long: ")
        answer = b""
        try:
            for _ in range(1_000):
                client.sendall(b"x" * 65_536)
        except ConnectionError:
            pass  # it has heard enough
        else:
            answer = client.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 400")
    assert server.client().list_instances()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_instances_made_at_once_with_one_token_are_one(server):
    ask = {
        "IdentityManagementType": "CONNECT_MANAGED",
        "InstanceAlias": "made-at-once",
        "InboundCallsEnabled": True,
        "OutboundCallsEnabled": True,
        "ClientToken": "made-at-once",
    }
    with ThreadPoolExecutor(6) as pool:
        made = pool.map(lambda _: server.client().create_instance(**ask)["Id"], range(12))
        assert len(set(made)) == 1
