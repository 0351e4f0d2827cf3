"""Requests to be spoilt, one of each kind at least, and the ways to spoil them."""

import json
import random
from typing import Any
from urllib.parse import parse_qsl, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.serialize import create_serializer

from acceptance.center import CUSTOMER, PASSWORD, FirstCenter, greeting_flow
from acceptance.conftest import KEY, REGION, SECRET
from ringfloor.operations import all as operations
from ringfloor.operations.registry import HANDLERS, IDENTITY
from wire import samples
from wire.client import serialised

assert operations  # importing it has filled the tables

WORDS = (
    *("", "0", "-1", "1e400", "9" * 400, "x" * 5_000, "null", "true", "%00", "\x00", "\ud7ff"),
    *("ünïcödé", "../..", "%ff%fe", "arn:aws:connect:::", "$.External", "'\"<>", "\r\nx: y"),
)
VALUES = (
    *(None, True, 0, -1, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e308, "", "x", "\x00", []),
    *({}, [[]], [None], {"": None}, "9" * 3_000, ["x"] * 300, {"a": {"b": {"c": []}}}),
)
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
METHODS = ("GET", "PUT", "POST", "HEAD", "OPTIONS", "PATCH", "TRACE", "LINK")
"""Not DELETE, which would soon take away everything that is asked for."""
SOUND_PER_OPERATION = 4
"""The least of requests and some others."""
MODULE = json.dumps(
    {
        "Version": "2019-10-30",
        "StartAction": "end",
        "Actions": [
            {
                "Identifier": "end",
                "Type": "DisconnectParticipant",
                "Parameters": {},
                "Transitions": {},
            }
        ],
    }
)
LATE = 2**31
"""Seconds; ahead of all that is asked for, so that the clock does not leap with the requests."""

Sound = tuple[str, str, str, bytes, dict[str, str]]
"""Signing name or "", method, path with query, body, headers."""


class Target:
    """What is asked of a server: sound requests, about things that are there."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.host, port = server.address.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)
        server.sandbox("POST", "clock", {"set": LATE})
        center, spare = FirstCenter(server), FirstCenter(server)
        contact = center.dial()
        center.act("available")
        self.groups = [
            self._connect(things(center, contact), things(spare, contact)),
            self._identity(),
            self._plain(center, contact),
            self._participants(center),
        ]
        """Of the Amazon Connect API, of IAM and STS, what is not signed, and of chats."""

    def _connect(self, here: dict[str, str], there: dict[str, str]) -> list[Sound]:
        """All real operations. What takes something away takes it from another center."""
        model = samples.service_model()
        found: list[Sound] = []
        for name in sorted(HANDLERS):
            operation = model.operation_model(name)
            known = there if name.startswith(("Delete", "Disassociate", "Release")) else here
            if name == "DeleteInstance":
                known = {}
            shape = samples.input_of(operation)
            for seed in range(SOUND_PER_OPERATION):
                dice = random.Random(f"{name} {seed}")
                params = samples.chosen_request(shape, dice) if seed else samples.minimal(shape)
                params = {key: params[key] for key in params if key.lower() != "nexttoken"}
                http = serialised(operation, grounded(params, known))
                path = http.raw_path + (b"?" + http.raw_query if http.raw_query else b"")
                found.append(("connect", http.method, path.decode("latin-1"), http.body, JSON))
        return found

    def _identity(self) -> list[Sound]:
        """All real actions of IAM and STS."""
        write = create_serializer("query", include_validation=False)
        found: list[Sound] = []
        for action in sorted(IDENTITY):
            service, _, name = action.partition(":")
            operation = samples.service_model(service).operation_model(name)
            shape = operation.input_shape
            for seed in range(SOUND_PER_OPERATION):
                dice = random.Random(f"{action} {seed}")
                params = samples.chosen(shape, dice) if shape is not None else {}
                form = write.serialize_to_request(params, operation)["body"]
                found.append((service, "POST", "/", urlencode(form).encode(), FORM))
        return found

    def _plain(self, center: FirstCenter, contact: str) -> list[Sound]:
        """The agent service, signing in, and the sandbox."""
        login = {"instance": center.alias, "username": "ann", "password": PASSWORD}
        token = self.server.ask("POST", "/auth/login", login)
        cti = {"X-Amz-Bearer": token["accessToken"], "content-type": "application/x-amz-json-1.0"}
        named = {"ContactId": contact, "contactId": contact, "connectionId": contact}
        agent = {
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
        }
        call = {"InstanceId": center.instance, "To": CUSTOMER, "ContactFlowId": center.flow}
        ours = "/_ringfloor"
        asked: list[tuple[str, str, Any, dict[str, str]]] = [
            *(
                ("POST", path, body, {**cti, "X-Amz-Target": f"AmazonConnectCTIService.{name}"})
                for path in ("/api", "/connect/api")
                for name, body in agent.items()
            ),
            ("POST", "/auth/login", {**login, "instance": "nobody", "password": "x"}, {}),
            ("GET", "/auth/authorize", None, cti),
            ("GET", f"{ours}/clock", None, {}),
            ("POST", f"{ours}/clock", {"advance": 0.5}, {}),
            ("POST", f"{ours}/clock", {"set": LATE}, {}),
            ("PUT", f"{ours}/phones/{CUSTOMER}", {"behaviour": "busy"}, {}),
            ("PUT", f"{ours}/phones/{CUSTOMER}", {"behaviour": "answer", "answer_after": 1}, {}),
            ("POST", f"{ours}/phones/{CUSTOMER}/call", call, {}),
            ("POST", f"{ours}/contacts/{contact}/press", {"digits": "12#"}, {}),
            ("POST", f"{ours}/contacts/{contact}/hangup", {}, {}),
            ("GET", f"{ours}/contacts/{contact}/heard", None, {}),
            ("POST", f"{ours}/agents/{center.agent}/accept", {}, {}),
            ("GET", f"{ours}/health", None, {}),
            ("OPTIONS", "/instance", None, {"origin": "http://x"}),
        ]
        return [
            ("", method, path, b"" if value is None else json.dumps(value).encode(), headers)
            for method, path, value, headers in asked
        ]

    def _participants(self, center: FirstCenter) -> list[Sound]:
        """All operations of the participant service, and uploads."""
        chat = center.connect.start_chat_contact(
            InstanceId=center.instance,
            ContactFlowId=center.flow,
            ParticipantDetails={"DisplayName": "Bob"},
        )
        participants = self.server.client("connectparticipant")
        connected = participants.create_participant_connection(
            ParticipantToken=chat["ParticipantToken"], Type=["CONNECTION_CREDENTIALS"]
        )
        token = connected["ConnectionCredentials"]["ConnectionToken"]
        file = {"ContentType": "text/plain", "AttachmentSizeInBytes": 5, "AttachmentName": "a.txt"}
        upload = participants.start_attachment_upload(ConnectionToken=token, **file)
        known = {"attachmentid": upload["AttachmentId"], "contactid": chat["ContactId"]}
        found: list[Sound] = [
            (
                "",
                "PUT",
                upload["UploadMetadata"]["Url"].removeprefix(self.server.address),
                b'"abc"',
                {"content-type": "text/plain"},
            )
        ]
        model = samples.service_model("connectparticipant")
        for name in model.operation_names:
            operation = model.operation_model(name)
            bearer = token
            if name == "DisconnectParticipant":
                bearer = "x"
            elif name == "CreateParticipantConnection":
                bearer = chat["ParticipantToken"]
            for seed in range(SOUND_PER_OPERATION):
                dice = random.Random(f"participant {name} {seed}")
                params = samples.chosen_request(samples.input_of(operation), dice)
                http = serialised(operation, grounded(params, known))
                headers = {**JSON, "x-amz-bearer": bearer}
                path = http.raw_path.decode("latin-1")
                if http.raw_query:
                    path += "?" + http.raw_query.decode("latin-1")
                found.append(("", http.method, path, http.body, headers))
        for body in (
            ("message", {"ContentType": "text/plain", "Content": "Hello"}),
            ("message", {"ContentType": "text/markdown", "Content": "*Hello*"}),
            ("event", {"ContentType": "application/vnd.amazonaws.connect.event.typing"}),
            ("transcript", {"MaxResults": 3, "StartPosition": {"MostRecent": 2}}),
            ("transcript", {"StartPosition": {"AbsoluteTime": "2030-01-01T00:00:00.000Z"}}),
            ("start-attachment-upload", {**file, "ClientToken": "x"}),
        ):
            headers = {**JSON, "x-amz-bearer": token}
            path = f"/participant/{body[0]}"
            found.append(("", "POST", path, json.dumps(body[1]).encode(), headers))
        return found


def things(center: FirstCenter, contact: str) -> dict[str, str]:
    """What the members of a request are called, in lower case, and what there is of it."""
    connect, at = center.connect, {"InstanceId": center.instance}
    [hours] = connect.list_hours_of_operations(**at)["HoursOfOperationSummaryList"]
    status = center.found("list_agent_statuses", "AgentStatusSummaryList", "Offline")
    security = center.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")
    [number, *_] = connect.list_phone_numbers_v2(**at)["ListPhoneNumbersSummaryList"]
    prompt = center.found("list_prompts", "PromptSummaryList", "Beep.wav")
    module = connect.create_contact_flow_module(**at, Name="module", Content=MODULE)
    connect.create_predefined_attribute(
        **at, Name="Language", Values={"StringList": ["German"]}, Purposes=["ATTRIBUTE_VALIDATION"]
    )
    levels = {"LevelOne": {"Name": "Site"}}
    connect.update_user_hierarchy_structure(**at, HierarchyStructure=levels)
    vocabulary = {"LanguageCode": "en-US", "Content": "Phrase\tDisplayAs\nring\tRing"}
    phone = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": CUSTOMER}}
    return {
        "instanceid": center.instance,
        "queueid": center.queue,
        "queue": center.queue,
        "defaultoutboundqueueid": center.queue,
        "userid": center.agent,
        "routingprofileid": center.profile,
        "contactflowid": center.flow,
        "contactflowmoduleid": module["Id"],
        "hoursofoperationid": hours["Id"],
        "securityprofileid": security["Id"],
        "agentstatusid": status["Id"],
        "promptid": prompt["Id"],
        "phonenumberid": number["PhoneNumberId"],
        "outboundcalleridnumberid": number["PhoneNumberId"],
        "contactid": contact,
        "initialcontactid": contact,
        "hierarchygroupid": connect.create_user_hierarchy_group(**at, Name="Here")[
            "HierarchyGroupId"
        ],
        "quickconnectid": connect.create_quick_connect(**at, Name="taxi", QuickConnectConfig=phone)[
            "QuickConnectId"
        ],
        "vocabularyid": connect.create_vocabulary(**at, VocabularyName="words", **vocabulary)[
            "VocabularyId"
        ],
        "resourcearn": center.queue_arn,
        "targetarn": number["TargetArn"],
        "destinationphonenumber": CUSTOMER,
        "deskphonenumber": CUSTOMER,
        "phonenumber": CUSTOMER,
        "phonenumberprefix": "+1",
        "attributename": "Language",
        "fieldname": "name",
        "tagkey": "team",
        "timezone": "Europe/Berlin",
        "s3uri": "s3://bucket/key.wav",
        "content": greeting_flow(center.queue_arn),
        "value": "true",
        "hierarchyrestrictedresource": "User",
        "clienttoken": "",
    }


def grounded(params: Any, known: dict[str, str]) -> Any:
    """Parameters with the ids of what is there, as far as the members' names tell."""
    if isinstance(params, list):
        return [grounded(each, known) for each in params]
    if not isinstance(params, dict):
        return params
    found = {}
    for name, value in params.items():
        one, several = known.get(name.lower()), known.get(name.lower().removesuffix("s"))
        if isinstance(value, str) and one is not None:
            found[name] = one
        elif isinstance(value, list) and several is not None and all(map(_is_text, value)):
            found[name] = [several]
        else:
            found[name] = grounded(value, known)
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# Spoiling


def spoilt_json(draw: random.Random, value: Any) -> Any:
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


def spoilt_form(draw: random.Random, body: bytes) -> bytes:
    """The form with a field gone, added, renamed or with another value."""
    fields = parse_qsl(body.decode(), keep_blank_values=True)
    at = draw.randrange(len(fields))
    name, value = fields[at]
    word = draw.choice(WORDS)
    changed = draw.choice(
        ([], [(name, value), (word, word)], [(name, word)], [(word, value)], [(name, value)] * 2)
    )
    return urlencode([*fields[:at], *changed, *fields[at + 1 :]]).encode()


def spoilt_body(draw: random.Random, body: bytes, headers: dict[str, str]) -> bytes:
    if not body:
        return body
    if headers is FORM:
        return spoilt_form(draw, body)
    return json.dumps(spoilt_json(draw, json.loads(body))).encode()


def spoilt_bytes(draw: random.Random, text: bytes) -> bytes:
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


def spoilt_path(draw: random.Random, path: str) -> str:
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


def spoilt_line(draw: random.Random, line: str) -> str:
    name, _, text = line.partition(": ")
    return draw.choice(
        (f"{name}: ", name, f": {text}", f"{name}: {text[:-3]}", f"{name}: {draw.choice(WORDS)}")
    )


def request(draw: random.Random, target: Target) -> tuple[bytes, bool]:
    """One request as bytes, sound in most respects; whether the server can tell where it ends."""
    [group] = draw.choices(target.groups, (50, 15, 20, 15))
    service, method, path, body, headers = draw.choice(group)
    [spoil] = draw.choices(("", "value", "bytes", "path", "method", "head", "frame", "chunk"),
                           (15, 40, 10, 10, 5, 10, 4, 6))  # fmt: skip
    if spoil == "value" and not path.endswith("/clock"):  # decades of daily work, else
        body = spoilt_body(draw, body, headers)
    if spoil == "bytes":
        body = spoilt_bytes(draw, body)
    if spoil == "path":
        path = spoilt_path(draw, path)
    if spoil == "method":
        method = draw.choice(METHODS)
    path = path.encode("ascii", "ignore").decode()
    headers = {"host": f"{target.host}:{target.port}", **headers}
    if service and draw.random() < 0.95:
        asked = AWSRequest(method, target.server.address + path, data=body, headers=headers)
        SigV4Auth(Credentials(KEY, SECRET), service, REGION).add_auth(asked)
        headers = dict(asked.headers)
    lines = [f"{name}: {text}" for name, text in headers.items()]
    if spoil == "head":
        lines = [spoilt_line(draw, each) if draw.random() < 0.3 else each for each in lines]
        lines.append(draw.choice(("x: " + "y" * 60_000, "x-amz-date: 0", "expect: 100-continue")))
        lines.extend(f"h{number}: v" for number in range(draw.choice((0, 0, 500))))
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines]).encode("latin-1", "ignore")
    if spoil == "frame":
        return badly_framed(draw, head, body), False
    if spoil == "chunk" and body:
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + chunked, True
    return head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body, True


def badly_framed(draw: random.Random, head: bytes, body: bytes) -> bytes:
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
