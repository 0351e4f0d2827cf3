"""Streams as server-sent events: followed, left and resumed by whoever may; on the terminal."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from acceptance.center import FirstCenter
from acceptance.conftest import KEY, REGION, SECRET

LIFE = [
    "INITIATED",
    "CONNECTED_TO_SYSTEM",
    "QUEUED",
    "CONNECTED_TO_AGENT",
    "DISCONNECTED",
    "COMPLETED",
]


@contextlib.contextmanager
def asked(server, path, *, after=None, key=KEY, secret=SECRET):
    """The answer to a signed request; it goes on until it is left."""
    request = AWSRequest("GET", server.address + path)
    SigV4Auth(Credentials(key, secret), "connect", REGION).add_auth(request)
    more = {} if after is None else {"Last-Event-ID": after}
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=20)
    connection.request("GET", path, headers={**dict(request.headers), **more})
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def path(center, stream="contact-events"):
    return f"/_ringfloor/streams/{center.instance}/{stream}"


def events(answer, count):
    """So many events: their ids and what they say."""
    found, identifier = [], None
    while len(found) < count:
        name, _, value = answer.readline().decode().rstrip("\n").partition(": ")
        if name == "id":
            identifier = value
        if name == "data":
            found.append((identifier, json.loads(value)))
    return found


def begun(answer):
    """Wait until the answer has begun: from here on everything is told."""
    while answer.readline().strip():
        pass


def one_call(center):
    contact = center.dial()
    for deed in ("available", "accept", "hangup", "complete"):
        center.act(deed)
    return contact


def kinds(told):
    return [each["detail"]["eventType"] for _, each in told]


def test_a_stream_is_followed_and_resumed_where_it_was_left(fresh):
    center = FirstCenter(fresh)
    with asked(fresh, path(center)) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream"
        begun(answer)
        contact = one_call(center)
        told = events(answer, len(LIFE))
    assert kinds(told) == LIFE
    assert {each["detail"]["contactId"] for _, each in told} == {contact}
    for place in range(len(told) - 1):
        with asked(fresh, path(center), after=told[place][0]) as answer:
            assert events(answer, len(told) - place - 1) == told[place + 1 :]
    with asked(fresh, path(center), after="0") as answer:
        assert events(answer, len(told)) == told


@pytest.mark.parametrize("stream", ["agent-events", "contact-records"])
def test_every_stream_can_be_followed(fresh, stream):
    center = FirstCenter(fresh)
    with asked(fresh, path(center, stream)) as answer:
        begun(answer)
        contact = one_call(center)
        ((_, told),) = events(answer, 1)
    if stream == "agent-events":
        assert (told["EventType"], told["AgentARN"][-36:]) == ("LOGIN", center.agent)
    else:
        assert told["ContactId"] == contact


def test_a_position_holds_over_a_crash(start, data):
    options = ("--data", str(data), "--sandbox", "--clock", "virtual")
    server = start(*options)
    center = FirstCenter(server)
    with asked(server, path(center)) as answer:
        begun(answer)
        one_call(center)
        told = events(answer, len(LIFE))
    server.kill()
    again = start(*options)
    with asked(again, path(center), after=told[2][0]) as answer:
        assert events(answer, 3) == told[3:]


def test_who_follows_does_not_hold_up_the_end_of_the_server(start):
    server = start("--memory", "--sandbox", "--clock", "virtual")
    center = FirstCenter(server)
    with asked(server, path(center)) as answer:
        begun(answer)
        assert server.stop()[0] == 0


@pytest.mark.parametrize(
    ("tail", "after", "status", "says"),
    [
        ("contact-events", "nonsense", 400, "Last-Event-ID: 'nonsense' is no position"),
        ("contact-events", "5.0", 400, "is no position"),
        ("contact-events", "999999", 400, "is not among the last"),
        ("weather", None, 404, "no stream, of contact-events"),
        ("contact-events/more", None, 400, "names no instance and stream"),
    ],
)
def test_what_cannot_be_followed_is_refused_and_says_why(server, tail, after, status, says):
    center = FirstCenter(server)
    with asked(server, path(center, tail), after=after) as answer:
        assert answer.status == status
        assert says in json.loads(answer.read())["message"]


def test_an_instance_that_is_not_there_has_no_streams(server):
    with asked(server, "/_ringfloor/streams/none/contact-events") as answer:
        assert answer.status == 404


def test_who_may_follow_is_told_by_policies(server):
    center = FirstCenter(server)
    iam = server.client("iam")
    user = f"listener-{center.alias}"
    iam.create_user(UserName=user)
    pair = iam.create_access_key(UserName=user)["AccessKey"]
    keys = {"key": pair["AccessKeyId"], "secret": pair["SecretAccessKey"]}
    arn = f"arn:aws:connect:{REGION}:123456789012:instance/{center.instance}"

    def may(action, resource):
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=user, PolicyName="may", PolicyDocument=document)

    def status(stream):
        with asked(server, path(center, stream), **keys) as answer:
            return answer.status

    assert status("contact-events") == 403
    may("connect:Describe*", "*")
    assert status("contact-events") == 403
    may("connect:FollowStream", f"{arn}/stream/contact-events")
    assert (status("contact-events"), status("agent-events")) == (200, 403)
    with asked(server, path(center), key=KEY, secret="wrong") as answer:
        assert answer.status == 403
        assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
    status, _ = server.refused("GET", path(center))
    assert status == 403


def ringfloor(server, *arguments):
    variables = {
        **os.environ,
        "RINGFLOOR_ACCESS_KEY_ID": KEY,
        "RINGFLOOR_SECRET_ACCESS_KEY": SECRET,
    }
    command = [sys.executable, "-m", "ringfloor", "stream", *arguments]
    return subprocess.Popen(
        [*command, "--endpoint", server.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
    )


def test_the_terminal_shows_a_line_for_each_event_and_goes_on_after_a_crash(start, data):
    options = ("--data", str(data), "--sandbox", "--clock", "virtual")
    server = start(*options)
    center = FirstCenter(server)
    contact = one_call(center)
    of = ("--instance", center.instance, "--after", "0")
    following = ringfloor(server, "contact-events", *of, "--count", "9")
    lines = [following.stdout.readline().split() for _ in LIFE]
    assert [(what, about) for _, _, what, about in lines] == [(each, contact) for each in LIFE]
    port = urlsplit(server.address).port
    server.kill()
    center.server = start(*options, "--port", str(port))
    center.connect = center.server.client()
    second = center.dial()
    more, _ = following.communicate(timeout=20)
    assert [line.split()[2:] for line in more.splitlines()] == [[each, second] for each in LIFE[:3]]
    shown = ringfloor(center.server, "contact-records", *of, "--count", "1", "--json")
    record, _ = shown.communicate(timeout=20)
    assert json.loads(record)["ContactId"] == contact


def test_the_terminal_says_why_it_may_not(server):
    refused = ringfloor(server, "contact-events", "--instance", "none")
    _, says = refused.communicate(timeout=20)
    assert refused.returncode == 1
    assert "ResourceNotFoundException" in says
