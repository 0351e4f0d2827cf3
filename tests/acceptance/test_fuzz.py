"""Mutated requests on every endpoint: the caller's fault each time, and the server goes on."""

import asyncio
import contextlib
import json
import random
import time
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from acceptance.center import CUSTOMER, PASSWORD, FirstCenter
from acceptance.conftest import KEY, REGION, SECRET

SEEDS = range(4)
REQUESTS_PER_SEED = 700
LINES = 8
"""Connections at once."""
ANSWER_SECONDS = 5
LEFT_SECONDS = 0.1
GROWTH_BYTES_MAX = 96 * 2**20

WORDS = (
    *("", "0", "-1", "1e400", "9" * 400, "x" * 5_000, "null", "true", "%00", "\x00", "\ud7ff"),
    *("ünïcödé", "../..", "%ff%fe", "arn:aws:connect:::", "$.External", "'\"<>", "\r\nx: y"),
)
VALUES = (
    *(None, True, 0, -1, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e308, "", "x", "\x00", []),
    *({}, [[]], [None], {"": None}, "9" * 3_000, ["x"] * 300, {"a": {"b": {"c": []}}}),
)


class Target:
    """What is asked of a server: sound requests, to be spoilt."""

    def __init__(self, server) -> None:
        self.server = server
        self.host, port = server.address.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)
        center = FirstCenter(server)
        contact = center.dial()
        center.act("available")
        login = {"instance": center.alias, "username": "ann", "password": PASSWORD}
        token = server.ask("POST", "/auth/login", login)
        cti = {"X-Amz-Bearer": token["accessToken"], "content-type": "application/x-amz-json-1.0"}
        instance, day = center.instance, int(center.now()) // 300 * 300
        named = {"ContactId": contact, "contactId": contact, "connectionId": contact}
        user = {"UserId": center.agent, "AgentStatusId": center.agent}
        self.signed = [
            ("GET", "/instance?maxResults=3", None),
            ("GET", f"/instance/{instance}", None),
            ("GET", f"/users-summary/{instance}?maxResults=1&nextToken=x", None),
            ("GET", f"/queues-summary/{instance}?queueTypes=STANDARD", None),
            ("GET", f"/users/{instance}/{center.agent}", None),
            ("GET", f"/contacts/{instance}/{contact}", None),
            ("GET", f"/tags/arn%3Aaws%3Aconnect%3A{center.alias}", None),
            ("POST", f"/tags/{center.queue_arn.replace('/', '%2F')}", {"tags": {"a": "b"}}),
            ("PUT", f"/users/{instance}/{center.agent}/status", user),
            ("PUT", f"/queues/{instance}", {"Name": "q", "HoursOfOperationId": "x", "Tags": {}}),
            ("PUT", "/contact/outbound-voice", {**center_call(center), "Attributes": {"a": "b"}}),
            ("POST", "/contact/stop", {"InstanceId": instance, **named}),
            (
                "POST",
                "/contact/attributes",
                {"InstanceId": instance, "InitialContactId": contact, "Attributes": {"k": "v"}},
            ),
            (
                "POST",
                f"/metrics/current/{instance}",
                {
                    "Filters": {"Queues": [center.queue], "Channels": ["VOICE"]},
                    "Groupings": ["QUEUE"],
                    "CurrentMetrics": [{"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}],
                    "SortCriteria": [{"SortByMetric": "CONTACTS_IN_QUEUE"}],
                    "MaxResults": 5,
                },
            ),
            (
                "POST",
                f"/metrics/historical/{instance}",
                {
                    "StartTime": day - 3600,
                    "EndTime": day,
                    "Filters": {"Queues": [center.queue], "Channels": ["VOICE"]},
                    "HistoricalMetrics": [
                        {
                            "Name": "SERVICE_LEVEL",
                            "Threshold": {"Comparison": "LT", "ThresholdValue": 60},
                            "Statistic": "AVG",
                            "Unit": "PERCENT",
                        }
                    ],
                },
            ),
            (
                "PUT",
                f"/contact-flows/{instance}",
                {"Name": "f", "Type": "CONTACT_FLOW", "Content": json.dumps({"Version": "x"})},
            ),
        ]
        self.plain = [
            *(
                ("POST", path, body, {**cti, "X-Amz-Target": f"AmazonConnectCTIService.{name}"})
                for path in ("/api", "/connect/api")
                for name, body in {
                    "GetAgentSnapshot": {"nextToken": "x", "timeout": 5},
                    "GetAgentConfiguration": {},
                    "GetAgentStates": {"nextToken": "x", "maxResults": 1},
                    "GetRoutingProfileQueues": {"routingProfileARN": "x", "maxResults": 2},
                    "GetEndpoints": {"queueARNs": ["x"]},
                    "PutAgentState": {"state": {"name": "Offline", "agentStateARN": "x"}},
                    "AcceptContact": named,
                    "HoldConnection": named,
                    "DestroyConnection": named,
                    "GetNewAuthToken": {"refreshToken": token["refreshToken"]},
                    "SendClientLogs": {"logEvents": [{}]},
                    "SendSoftphoneCallReport": {**named, "report": {"a": 1}},
                    "NotifyContactIssue": {**named, "issueCode": "1", "description": "x"},
                }.items()
            ),
            ("POST", "/auth/login", {**login, "instance": "nobody", "password": "x"}, {}),
            ("GET", "/auth/authorize", None, cti),
            ("GET", "/_ringfloor/clock", None, {}),
            ("POST", "/_ringfloor/clock", {"advance": 0.5}, {}),
            ("POST", "/_ringfloor/clock", {"set": 2e9}, {}),
            ("PUT", f"/_ringfloor/phones/{CUSTOMER}", {"behaviour": "busy"}, {}),
            (
                "PUT",
                f"/_ringfloor/phones/{CUSTOMER}",
                {"behaviour": "answer", "answer_after": 1},
                {},
            ),
            (
                "POST",
                f"/_ringfloor/phones/{CUSTOMER}/call",
                {"InstanceId": instance, "To": CUSTOMER, "ContactFlowId": center.flow},
                {},
            ),
            ("POST", f"/_ringfloor/contacts/{contact}/press", {"digits": "12#"}, {}),
            ("POST", f"/_ringfloor/contacts/{contact}/hangup", {}, {}),
            ("GET", f"/_ringfloor/contacts/{contact}/heard", None, {}),
            ("POST", f"/_ringfloor/agents/{center.agent}/accept", {}, {}),
            ("GET", "/_ringfloor/health", None, {}),
            ("OPTIONS", "/instance", None, {"origin": "http://x"}),
        ]


def center_call(center):
    return {
        "InstanceId": center.instance,
        "DestinationPhoneNumber": CUSTOMER,
        "ContactFlowId": center.flow,
        "QueueId": center.queue,
    }


def resident(process) -> int:
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096


# Spoiling


def spoilt_json(draw, value):
    """The value with one thing changed somewhere in it."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        kind = draw.random()
        if kind < 0.1:
            return {name: each for name, each in value.items() if name != key}
        if kind < 0.2:
            return {**value, draw.choice(WORDS): draw.choice(VALUES)}
        return {**value, key: spoilt_json(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], spoilt_json(draw, value[at]), *value[at + 1 :]]
    return draw.choice((*VALUES, *WORDS))


def spoilt_bytes(draw, text: bytes) -> bytes:
    found = bytearray(text)
    for _ in range(draw.randint(1, 4)):
        at = draw.randint(0, len(found))
        match draw.randrange(4):
            case 0:
                found[at:at] = draw.randbytes(draw.randint(1, 8))
            case 1:
                del found[at : at + draw.randint(1, 8)]
            case 2:
                found[at : at + 1] = draw.choice((b"\x00", b"\xff", b"[" * 2_000, b"%", b'"', b"{"))
            case _:
                found[at:at] = found[: draw.randint(0, 40)]
    return bytes(found)


def spoilt_path(draw, path: str) -> str:
    parts = path.split("/")
    at = draw.randrange(len(parts))
    match draw.randrange(4):
        case 0:
            parts[at] = draw.choice(("", "%00", "%ff", "%2F", "..", "x" * 9_000, "a?b=c", "%", "é"))
        case 1:
            del parts[at]
        case 2:
            parts.insert(at, draw.choice(("x", "", "%E2%82%AC", "summary")))
        case _:
            return path + draw.choice(("?nextToken=" + "A" * 3_000, "?a=%zz&b", "?&&=", "/"))
    return "/".join(parts) or "/"


def request(draw, target: Target) -> tuple[bytes, bool]:
    """One request as bytes, sound in most respects; whether the server can tell where it ends."""
    signed = draw.random() < 0.45
    if signed:
        method, path, value = draw.choice(target.signed)
        headers = {"content-type": "application/json"}
    else:
        method, path, value, headers = draw.choice(target.plain)
    spoil = draw.randrange(10)
    if spoil < 4 and value is not None:
        value = spoilt_json(draw, value)
    body = b"" if value is None else json.dumps(value).encode()
    if spoil == 4:
        body = spoilt_bytes(draw, body)
    if spoil == 5:
        path = spoilt_path(draw, path)
    if spoil == 6:
        method = draw.choice(("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"))
    path = path.encode("ascii", "ignore").decode()
    headers = {"host": f"{target.host}:{target.port}", **headers}
    if signed and draw.random() < 0.95:
        asked = AWSRequest(method, target.server.address + path, data=body, headers=headers)
        SigV4Auth(Credentials(KEY, SECRET), "connect", REGION).add_auth(asked)
        headers = dict(asked.headers)
    lines = [f"{name}: {text}" for name, text in headers.items()]
    if spoil == 7:
        lines = [spoilt_line(draw, each) if draw.random() < 0.3 else each for each in lines]
        lines.append(draw.choice(("x: " + "y" * 60_000, "x-amz-date: 0", "expect: 100-continue")))
        lines.extend(f"h{number}: v" for number in range(draw.choice((0, 0, 500))))
    return framed(draw, f"{method} {path} HTTP/1.1", lines, body, spoil), spoil != 8


def framed(draw, first: str, lines: list[str], body: bytes, spoil: int) -> bytes:
    head = "\r\n".join([first, *lines]).encode("latin-1", "ignore")
    if spoil == 8:  # bad framing
        return draw.choice(
            (
                head + b"\r\ncontent-length: %d\r\n\r\n" % (len(body) + 50) + body,
                head + b"\r\ncontent-length: -5\r\n\r\n" + body,
                head + b"\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n" + body,
                head + b"\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" + body,
                head + b"\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + body,
                head + b"\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
                head + b"\r\n\r\n",
                head[: draw.randint(0, len(head))],
                spoilt_bytes(draw, head) + b"\r\n\r\n",
                draw.randbytes(draw.randint(1, 300)),
                head + b"\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 1_500_000,
            )
        )
    if spoil == 9 and body:
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + chunked
    return head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def spoilt_line(draw, line: str) -> str:
    name, _, text = line.partition(": ")
    return draw.choice(
        (f"{name}: ", name, f": {text}", f"{name}: {text[:-3]}", f"{name}: {draw.choice(WORDS)}")
    )


# Asking


LAST = b"GET /_ringfloor/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


async def converse(target: Target, requests: list[tuple[bytes, bool]]) -> bytes:
    """Send requests one behind the other and read to the end.

    Where it cannot be told where a request ends, the server may wait for more of it: then it is
    left after a moment, in the middle of whatever it does.
    """
    reader, writer = await asyncio.open_connection(target.host, target.port)
    answer = b""
    try:
        writer.write(b"".join(each for each, _ in requests) + LAST)
        ends = all(sound for _, sound in requests)
        async with asyncio.timeout(ANSWER_SECONDS if ends else LEFT_SECONDS):
            while part := await reader.read(65_536):
                answer += part
    except ConnectionError:
        pass
    except TimeoutError:
        assert not ends, "no answer in time"
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answer


def check(answer: bytes) -> None:
    for each in answer.split(b"HTTP/1.1 ")[1:]:
        status = int(each[:3])
        assert status < 500 or status in (501, 503), each
        assert b"Traceback" not in each
        assert b'File \\"' not in each


async def storm(target: Target, seed: int) -> int:
    draw = random.Random(seed)
    answered = 0
    left = REQUESTS_PER_SEED

    async def one(requests: list[tuple[bytes, bool]]) -> None:
        nonlocal answered
        try:
            answer = await converse(target, requests)
            check(answer)
        except BaseException:
            print(f"seed {seed}: {requests!r:.6000}")
            raise
        answered += answer.count(b"HTTP/1.1 ")

    while left > 0:
        batches = []
        for _ in range(LINES):
            several = [request(draw, target) for _ in range(draw.choice((1, 1, 1, 2, 5)))]
            left -= len(several)
            batches.append(one(several))
        await asyncio.gather(*batches)
    return answered


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_no_request_breaks_the_server(start, seed):
    server = start("--memory", "--sandbox", "--clock", "virtual")
    target = Target(server)
    asyncio.run(storm(target, 1_000 + seed))  # what is made once has been made
    before = resident(server.process)
    begun = time.monotonic()
    answered = asyncio.run(storm(target, seed))
    print(f"seed {seed}: {answered} answers in {time.monotonic() - begun:.1f} s")
    assert answered > REQUESTS_PER_SEED // 3
    assert server.process.poll() is None
    assert server.ask("GET", "/_ringfloor/health") == {"status": "ok"}
    assert resident(server.process) - before < GROWTH_BYTES_MAX
    status, log = server.stop()
    assert status == 0
    assert "Traceback" not in log
