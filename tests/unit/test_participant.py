"""The participant service on HTTP: tokens, answers, refusals, as boto3's model has them."""

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from chat_stand_in import START, ChatNode, Edge
from ringfloor.aws import model
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.throttle import PARTICIPANT_LIMITS
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    ATTACHMENT_BYTES_MAX,
    ATTACHMENTS_PER_CHAT_MAX,
    CONNECTION_TOKEN_MS,
)
from ringfloor.base.time import DAY, SECOND
from ringfloor.domain import commands
from ringfloor.domain.chat import Receipt
from ringfloor.domain.dialogue import ShowView
from ringfloor.node.attachments import Key
from ringfloor.operations import chat_transcripts
from ringfloor.operations.chat_tokens import AGENT, CONNECTION, PARTICIPANT
from ringfloor.operations.chat_transcripts import FromId, FromTime, Line, MostRecent, Page
from ringfloor.server import participant
from ringfloor.server.participant import HANDLERS, ParticipantService

EVENT = "application/vnd.amazonaws.connect.event."
API = model.load("connectparticipant")


class Client:
    """A participant with a token."""

    def __init__(self, edge: Edge, token: str | None) -> None:
        self.edge = edge
        self.token = token
        self.service = ParticipantService(
            edge.service, edge.attachments, edge.news, edge.throttle, check=True
        )

    async def ask(
        self, name: str, *, host: str = "127.0.0.1:8080", secure: bool = False, **params: Any
    ) -> tuple[int, Any, dict[str, str]]:
        operation = API.operations[name]
        path = operation.template.replace("{ViewToken}", str(params.pop("ViewToken", "x")))
        headers = [(b"host", host.encode()), (b"authorization", b"AWS4-HMAC-SHA256 nonsense")]
        if self.token is not None:
            headers.append((b"X-Amz-Bearer", self.token.encode()))
        body = json.dumps(params).encode() if operation.method == "POST" else b""
        http = HttpRequest(operation.method, path.encode(), b"", tuple(headers), body, secure)
        assert self.service.owns(http)
        answer = await self.service.handle(http, "192.0.2.1")
        told = {each.decode(): value.decode() for each, value in answer.headers}
        return answer.status, json.loads(answer.body or b"null"), told

    async def __call__(self, name: str, **params: Any) -> Any:
        status, body, _ = await self.ask(name, **params)
        assert status == 200, body
        return body

    async def refused(self, name: str, **params: Any) -> tuple[int, str, str]:
        status, body, headers = await self.ask(name, **params)
        return status, headers["x-amzn-errortype"], body.get("Message") or body["message"]


@pytest.fixture
def edge():
    edge = Edge()
    yield edge
    edge.attachments.close()


@pytest.fixture
def node(edge: Edge) -> ChatNode:
    return edge.node


@pytest.fixture
def carol(edge: Edge) -> Client:
    return Client(edge, edge.token(edge.node.carol, CONNECTION))


@pytest.fixture
def ann(edge: Edge) -> Client:
    edge.node.chat.participants[edge.node.ann].joined_at = START
    return Client(edge, edge.token(edge.node.ann, AGENT))


# Connecting


async def test_credentials_and_a_socket(edge, node):
    client = Client(edge, edge.token(node.carol))
    answer = await client(
        "CreateParticipantConnection", Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"]
    )
    assert answer["Websocket"]["Url"].startswith("ws://127.0.0.1:8080/participant/socket?token=")
    assert answer["Websocket"]["ConnectionExpiry"] == "2023-11-14T23:13:20.000Z"
    assert answer["ConnectionCredentials"]["Expiry"] == "2023-11-15T22:13:20.000Z"
    assert node.submitted == [], "it is the socket that joins"
    token = answer["ConnectionCredentials"]["ConnectionToken"]
    assert await Client(edge, token)("SendMessage", ContentType="text/plain", Content="hello")


@pytest.mark.parametrize(
    ("who", "params", "joins"),
    [
        ("carol", {"Type": ["WEBSOCKET"]}, False),
        ("carol", {"Type": ["CONNECTION_CREDENTIALS"]}, True),
        ("carol", {"Type": ["WEBSOCKET"], "ConnectParticipant": True}, True),
        ("ann", {"Type": ["CONNECTION_CREDENTIALS"]}, False),
        ("ann", {"ConnectParticipant": True}, True),
        ("bot", {"Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": True}, True),
    ],
)
async def test_who_joins_with_that(edge, node, who, params, joins):
    participant_id = getattr(node, who)
    await Client(edge, edge.token(participant_id))("CreateParticipantConnection", **params)
    expected = [commands.ConnectParticipant(node.chat_id, participant_id)] if joins else []
    assert node.submitted == expected


@pytest.mark.parametrize("params", [{}, {"Type": ["WEBRTC_CONNECTION"]}, {"Type": []}])
async def test_connections_that_there_are_not(edge, node, params):
    client = Client(edge, edge.token(node.carol))
    status, code, message = await client.refused("CreateParticipantConnection", **params)
    assert (status, code) == (400, "ValidationException")
    assert "Type" in message


async def test_addresses_are_those_of_the_request(edge, node):
    client = Client(edge, edge.token(node.carol))
    asked = {"Type": ["WEBSOCKET"], "host": "chat.example.com", "secure": True}
    answer = await client("CreateParticipantConnection", **asked)
    assert answer["Websocket"]["Url"].startswith("wss://chat.example.com/participant/socket?")
    asked["host"] = "no host"
    assert (await client.refused("CreateParticipantConnection", **asked))[0] == 400


# Tokens


@pytest.mark.parametrize("operation", sorted(HANDLERS))
@pytest.mark.usefixtures("book")
async def test_each_operation_wants_its_token(edge, node, operation):
    right = PARTICIPANT if operation == "CreateParticipantConnection" else CONNECTION
    wrong = {PARTICIPANT, CONNECTION} - {right}
    tokens = [edge.token(node.carol, each) for each in wrong]
    tokens += ["", "nonsense", edge.token(node.carol, right) + "A", "x" * 3_000, None]
    for token in tokens:
        status, code, _ = await Client(edge, token).refused(operation)
        assert (status, code) == (403, "AccessDeniedException"), token
    for good in (right, AGENT):
        token = edge.token(node.carol, good)
        _, body, _ = await Client(edge, token).ask(operation)
        assert "no token" not in json.dumps(body)
    assert not any(isinstance(each, commands.SendChatItem) for each in node.submitted)


async def test_tokens_end(node, carol):
    node.clock.move_to(START + DAY)
    status, _, message = await carol.refused("GetTranscript")
    assert (status, "expired" in message) == (403, True)
    assert CONNECTION_TOKEN_MS == DAY


@pytest.mark.parametrize("operation", sorted(HANDLERS))
async def test_who_has_left_is_denied(edge, node, operation):
    samples: dict[str, Any] = {
        "CompleteAttachmentUpload": {"AttachmentIds": ["x"], "ClientToken": "t"},
        "CreateParticipantConnection": {"Type": ["WEBSOCKET"]},
        "DescribeView": {"ViewToken": "x"},
        "GetAttachment": {"AttachmentId": "x"},
        "GetAuthenticationUrl": {"SessionId": "x" * 36, "RedirectUri": "https://x"},
        "CancelParticipantAuthentication": {"SessionId": "x" * 36},
        "SendEvent": {"ContentType": f"{EVENT}typing"},
        "SendMessage": {"ContentType": "text/plain", "Content": "x"},
        "StartAttachmentUpload": {
            "ContentType": "text/plain",
            "AttachmentSizeInBytes": 1,
            "AttachmentName": "x.txt",
            "ClientToken": "t",
        },
    }
    client = Client(edge, edge.token(node.ann, AGENT))
    node.chat.participants[node.ann].left_at = START
    params = samples.get(operation, {})
    assert (await client.refused(operation, **params))[:2] == (403, "AccessDeniedException")
    node.chat.participants[node.ann].left_at = None
    node.desk.center.chats.clear()
    assert (await client.refused(operation, **params))[:2] == (403, "AccessDeniedException")
    node.desks.clear()
    assert (await client.refused(operation, **params))[:2] == (403, "AccessDeniedException")
    assert node.submitted == []


# Sending


async def test_a_message(node, carol):
    said = {"ContentType": "text/plain", "Content": "hello", "ClientToken": "once"}
    answer = await carol("SendMessage", **said)
    [item] = [each for each in node.desk.transcripts.items if each.type == "MESSAGE"]
    assert answer == {"Id": item.id, "AbsoluteTime": "2023-11-14T22:13:20.000Z"}
    assert [type(each) for each in node.submitted] == [
        commands.ConnectParticipant,
        commands.SendChatItem,
    ], "who writes has joined"
    node.clock.move_to(START + SECOND)
    assert await carol("SendMessage", **said) == answer
    origin = node.origins[-1]
    assert (origin.operation, origin.source) == ("participant:SendMessage", "192.0.2.1")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"ContentType": "text/plain"}, "Content is required"),
        ({"ContentType": "text/plain", "Content": ""}, "Content"),
        ({"ContentType": "text/plain", "Content": "x" * 16_385}, "Content"),
        ({"ContentType": 5, "Content": "x"}, "ContentType"),
    ],
)
async def test_messages_that_are_none(carol, params, words):
    status, code, message = await carol.refused("SendMessage", **params)
    assert (status, code) == (400, "ValidationException")
    assert words in message


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("InvalidParameterException", (400, "ValidationException")),
        ("ContactNotFoundException", (403, "AccessDeniedException")),
        ("ConflictException", (409, "ConflictException")),
        ("ServiceUnavailableException", (503, "ServiceUnavailableException")),
    ],
)
async def test_what_the_center_refuses(node, ann, code, expected):
    node.refusal = Refusal(code, "not now")
    answer = await ann.refused("SendMessage", ContentType="text/plain", Content="x")
    assert answer == (*expected, "not now")


async def test_what_fails_on_our_side(node, ann, caplog):
    node.refusal = ValueError("secret detail")
    with caplog.at_level(logging.ERROR):
        status, code, message = await ann.refused(
            "SendMessage", ContentType="text/plain", Content="x"
        )
    assert (status, code) == (500, "InternalServerException")
    assert "secret" not in message
    assert "secret detail" in caplog.text


async def test_an_agent_who_has_not_joined_says_nothing(edge, node):
    client = Client(edge, edge.token(node.ann, AGENT))
    status, _, message = await client.refused("SendMessage", ContentType="text/plain", Content="x")
    assert (status, "connect first" in message) == (403, True)
    assert node.submitted == []


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("SendMessage", {"ContentType": "text/plain", "Content": "boo"}),
        ("SendEvent", {"ContentType": f"{EVENT}typing"}),
        ("SendEvent", {"ContentType": f"{EVENT}message.read", "Content": '{"messageId": "m"}'}),
        (
            "StartAttachmentUpload",
            {
                "ContentType": "text/plain",
                "AttachmentName": "a.txt",
                "AttachmentSizeInBytes": 1,
                "ClientToken": "t",
            },
        ),
        ("CompleteAttachmentUpload", {"AttachmentIds": ["a"], "ClientToken": "t"}),
    ],
)
async def test_who_only_reads_is_not_heard_of(node, ann, operation, params):
    await ann("CreateParticipantConnection", ConnectParticipant=True)
    node.chat.participants[node.ann].silent = True
    before = len(node.submitted)
    status, code, message = await ann.refused(operation, **params)
    assert (status, code) == (403, "AccessDeniedException")
    assert "only reads" in message
    assert len(node.submitted) == before
    await ann("DisconnectParticipant")


async def test_typing_is_no_command(node, ann):
    answer = await ann("SendEvent", ContentType=f"{EVENT}typing")
    assert set(answer) == {"Id", "AbsoluteTime"}
    assert (node.submitted, node.desk.transcripts.items) == ([], [])


@pytest.mark.parametrize(("name", "kind"), [("delivered", "DELIVERED"), ("read", "READ")])
async def test_receipts(node, ann, name, kind):
    content = json.dumps({"messageId": "m1"})
    await ann("SendEvent", ContentType=f"{EVENT}message.{name}", Content=content)
    assert node.submitted == [commands.MarkReceipt(node.chat_id, node.ann, "m1", kind)]


async def test_an_acknowledgement_joins(edge, node):
    client = Client(edge, edge.token(node.ann, AGENT))
    await client("SendEvent", ContentType=f"{EVENT}connection.acknowledged")
    assert node.submitted == [commands.ConnectParticipant(node.chat_id, node.ann)]


@pytest.mark.parametrize(
    "params",
    [
        {"ContentType": f"{EVENT}message.read"},
        {"ContentType": f"{EVENT}message.read", "Content": "m1"},
        {"ContentType": f"{EVENT}message.read", "Content": '{"messageId": 1}'},
        {"ContentType": f"{EVENT}chat.ended"},
        {"ContentType": f"{EVENT}participant.joined"},
        {"ContentType": "text/plain", "Content": "x"},
    ],
)
async def test_events_that_are_none(node, ann, params):
    status, code, _ = await ann.refused("SendEvent", **params)
    assert (status, code) == (400, "ValidationException")
    assert node.submitted == []


async def test_goodbye(node, carol):
    assert await carol("DisconnectParticipant", ClientToken="x") == {}
    assert node.submitted == [commands.LeaveChat(node.chat_id, node.carol)]
    assert (await carol.refused("DisconnectParticipant"))[0] == 403


# Files


def a_file(**changes: Any) -> dict[str, Any]:
    return {
        "ContentType": "text/plain",
        "AttachmentSizeInBytes": 5,
        "AttachmentName": "notes.txt",
        "ClientToken": "file",
        **changes,
    }


async def upload(client: Client, content: bytes = b"hello", **changes: Any) -> str:
    begun = await client("StartAttachmentUpload", **a_file(**changes))
    node = client.edge.node

    async def chunks():
        yield content

    key = Key(node.instance_id, node.chat_id, begun["AttachmentId"])
    await client.edge.attachments.receive(key, chunks())
    return begun["AttachmentId"]


async def test_a_file_goes_to_the_others(edge, node, carol, ann):
    begun = await carol("StartAttachmentUpload", **a_file())
    where = begun["UploadMetadata"]
    assert where["Url"].startswith("http://127.0.0.1:8080/participant/attachments/")
    assert where["UrlExpiry"] == "2023-11-14T22:28:20.000Z"
    assert where["HeadersToInclude"] == {"Content-Type": "text/plain"}
    again = await carol("StartAttachmentUpload", **a_file())
    assert again["AttachmentId"] == begun["AttachmentId"]
    sent = {"AttachmentIds": [begun["AttachmentId"]], "ClientToken": "x"}
    status, code, _ = await carol.refused("CompleteAttachmentUpload", **sent)
    assert (status, code) == (409, "ConflictException"), "nothing has arrived"
    await upload(carol)
    assert (await ann.refused("CompleteAttachmentUpload", **sent))[0] == 403, "not his"
    for _ in range(2):
        assert await carol("CompleteAttachmentUpload", **sent) == {}
    [item] = [each for each in node.desk.transcripts.items if each.type == "ATTACHMENT"]
    assert item.content_type == "application/vnd.amazonaws.connect.message.attachment"
    assert item.attachments[0].name == "notes.txt"
    got = await ann("GetAttachment", AttachmentId=begun["AttachmentId"], UrlExpiryInSeconds=5)
    assert got["UrlExpiry"] == "2023-11-14T22:13:25.000Z"
    assert got["AttachmentSizeInBytes"] == 5
    assert got["Url"].startswith("http://127.0.0.1:8080/participant/attachments/")
    node.chat.participants[node.bot].joined_at = START
    bot = Client(edge, edge.token(node.bot, CONNECTION))
    asked = {"AttachmentId": begun["AttachmentId"]}
    assert (await bot.refused("GetAttachment", **asked))[:2] == (403, "AccessDeniedException")


async def test_files_that_have_not_been_sent(carol, ann):
    attachment_id = await upload(carol)
    for asked in (attachment_id, "x", "../../secret"):
        status, code, _ = await ann.refused("GetAttachment", AttachmentId=asked)
        assert (status, code) == (403, "AccessDeniedException")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"AttachmentSizeInBytes": ATTACHMENT_BYTES_MAX + 1}, "AttachmentSizeInBytes"),
        ({"AttachmentSizeInBytes": 0}, "AttachmentSizeInBytes"),
        ({"AttachmentName": "run.exe"}, "run.exe"),
        ({"AttachmentName": "notes"}, "notes"),
        ({"AttachmentName": "page.html", "ContentType": "text/html"}, "page.html"),
        ({"AttachmentName": "picture.png"}, "'text/plain'"),
        ({"AttachmentName": "a\nb.txt"}, "control characters"),
        ({"ClientToken": None}, "ClientToken"),
    ],
)
async def test_files_that_are_not_taken(carol, changes, words):
    status, code, message = await carol.refused("StartAttachmentUpload", **a_file(**changes))
    assert (status, code) == (400, "ValidationException")
    assert words in message


async def test_so_many_files_and_no_more(carol):
    for number in range(ATTACHMENTS_PER_CHAT_MAX):
        await carol("StartAttachmentUpload", **a_file(ClientToken=str(number)))
    status, code, _ = await carol.refused("StartAttachmentUpload", **a_file(ClientToken="more"))
    assert (status, code) == (402, "ServiceQuotaExceededException")


# Reading


class Book:
    """What is asked of transcripts, and the page that they answer."""

    def __init__(self, node: ChatNode) -> None:
        self.asked: list[chat_transcripts.Asked] = []
        self.chats: list[str] = []
        self.lines = [
            Line(node.line("MESSAGE", "text/plain", None, text).item, {}, False)
            for text in ("one", "two")
        ]
        self.next: str | None = None

    async def page(self, _node: Any, _desk: Any, chat_id: str, asked: Any) -> Page:
        self.chats.append(chat_id)
        self.asked.append(asked)
        return Page(self.lines[::-1] if asked.backward else self.lines, self.next)


@pytest.fixture
def book(node: ChatNode, monkeypatch: pytest.MonkeyPatch) -> Book:
    book = Book(node)
    monkeypatch.setattr(participant, "page", book.page)
    return book


@pytest.mark.parametrize(
    ("params", "backward", "start", "texts"),
    [
        ({}, True, None, ["two", "one"]),
        ({"SortOrder": "ASCENDING", "StartPosition": {}}, True, None, ["one", "two"]),
        ({"ScanDirection": "FORWARD"}, False, None, ["two", "one"]),
        ({"StartPosition": {"Id": "i"}}, False, FromId("i"), ["two", "one"]),
        (
            {"StartPosition": {"MostRecent": 5}, "ScanDirection": "BACKWARD"},
            True,
            MostRecent(5),
            ["two", "one"],
        ),
        (
            {"StartPosition": {"AbsoluteTime": "2023-11-14T22:13:20.123Z"}},
            False,
            FromTime(START + 123),
            ["two", "one"],
        ),
    ],
)
async def test_a_page(carol, book, node, params, backward, start, texts):
    answer = await carol("GetTranscript", **params)
    [asked] = book.asked
    assert (asked.backward, asked.start, asked.at_most) == (backward, start, 10)
    assert [each["Content"] for each in answer["Transcript"]] == texts
    assert answer["InitialContactId"] == node.chat_id
    assert "NextToken" not in answer


async def test_pages_follow_each_other(carol, ann, book):
    book.next = "item-3"
    asked = {"MaxResults": 2, "ScanDirection": "BACKWARD"}
    token = (await carol("GetTranscript", **asked))["NextToken"]
    await carol("GetTranscript", **{**asked, "MaxResults": 5}, NextToken=token)
    assert (book.asked[-1].start, book.asked[-1].at_most) == (FromId("item-3"), 5)
    for client, changes in (
        (ann, {}),
        (carol, {"ScanDirection": "FORWARD"}),
        (carol, {"NextToken": "nonsense"}),
    ):
        params = {**asked, "NextToken": token, **changes}
        status, code, message = await client.refused("GetTranscript", **params)
        assert (status, code) == (400, "ValidationException")
        assert "NextToken" in message


@pytest.mark.parametrize(
    "params",
    [
        {"StartPosition": {"Id": "i", "MostRecent": 1}},
        {"StartPosition": {"AbsoluteTime": "yesterday"}},
        {"MaxResults": 101},
        {"ScanDirection": "SIDEWARDS"},
    ],
)
async def test_pages_that_are_none(carol, book, params):
    assert (await carol.refused("GetTranscript", **params))[:2] == (400, "ValidationException")
    assert book.asked == []


async def test_of_which_contact(carol, node, book):
    await carol("GetTranscript", ContactId="some leg")
    await carol("GetTranscript")
    assert book.chats == [node.chat_id, node.chat_id]
    assert [each.contact_id for each in book.asked] == ["some leg", None]


async def test_receipts_stand_with_their_message(carol, node, book):
    message = book.lines[0].item
    book.lines[0] = Line(message, {node.ann: Receipt(START, START + 5)})
    book.lines[1] = book.lines[1]._replace(past=True)
    first, second = (await carol("GetTranscript", SortOrder="ASCENDING"))["Transcript"]
    receipt = {
        "DeliveredTimestamp": "2023-11-14T22:13:20.000Z",
        "ReadTimestamp": "2023-11-14T22:13:20.005Z",
        "RecipientParticipantId": node.ann,
    }
    assert first["MessageMetadata"] == {"MessageId": message.id, "Receipts": [receipt]}
    assert (first["ContactId"], "RelatedContactId" in first) == (node.chat_id, False)
    assert (second["RelatedContactId"], "ContactId" in second) == (node.chat_id, False)


# The rest


async def test_the_view_that_is_shown(carol, node):
    ask = ShowView(view="orders", version="3", data={}, timeout_ms=1_000)
    contact = node.desk.center.contacts[node.chat_id]
    contact.runs["customer"] = SimpleNamespace(number=4, ask=ask)
    answer = await carol("DescribeView", ViewToken=f"{node.chat_id}%2F4")
    arn = f"{node.desk.center.home.arn}/view/orders"
    assert answer["View"] == {"Id": "orders", "Arn": arn, "Name": "orders", "Version": 3}
    contact.runs["customer"].ask = None
    for token in (f"{node.chat_id}%2F4", f"{node.chat_id}%2F3", "4", "elsewhere%2F4"):
        status, code, _ = await carol.refused("DescribeView", ViewToken=token)
        assert (status, code) == (404, "ResourceNotFoundException")


async def test_what_there_is_not(carol):
    session = {"SessionId": "x" * 36}
    for operation, params in (
        ("CancelParticipantAuthentication", session),
        ("GetAuthenticationUrl", {**session, "RedirectUri": "https://example.com"}),
    ):
        status, code, _ = await carol.refused(operation, **params)
        assert (status, code) == (400, "ValidationException")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", b"/participant/message"),
        ("POST", b"/participant/nothing"),
        ("POST", b"/participant/"),
    ],
)
async def test_paths_that_are_no_operation(carol, method, path):
    answer = await carol.service.handle(HttpRequest(method, path, b"", (), b""), "")
    assert answer.status == 404
    assert dict(answer.headers)[b"access-control-allow-origin"] == b"*"


async def test_a_path_that_is_no_text(carol):
    http = HttpRequest("GET", b"/participant/views/%ff", b"", (), b"")
    assert (await carol.service.handle(http, "")).status == 400


async def test_the_rate_of_the_account(carol):
    rate = PARTICIPANT_LIMITS.operations["SendEvent"]
    carol.edge.throttle._limits = PARTICIPANT_LIMITS
    said = {"ContentType": f"{EVENT}typing"}
    for _ in range(rate.burst):
        await carol("SendEvent", **said)
    assert (await carol.refused("SendEvent", **said))[:2] == (429, "ThrottlingException")


def test_every_operation_of_the_model_has_its_row():
    assert set(HANDLERS) == set(API.operations)
