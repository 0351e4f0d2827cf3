"""Participant: the API that participants of chats use, botocore's connectparticipant, on HTTP.

Called by server.asgi (owns, handle). Routes, decoding, validation and errors come from the model,
as in server.pipeline; senders are known by their bearer token alone (X-Amz-Bearer), and a
signature, which the SDKs send with empty keys, is not looked at. Rules:

* Who has left, or whose chat is over, is denied: what his page then does is to ask no more.
* A customer has joined when his socket asks for the chat, when he asks for credentials without a
  socket, or when he sends something; everybody when he says so (ConnectParticipant).
* Typing is told to sockets and kept nowhere. All else that is sent is durable before it is told.
* Addresses in answers are those under which the request came (server.http.origin).
* A refusal bears a code that the participant service knows.

Sources: botocore's model; behaviour specification, sections 5.7 and 7.5.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from ringfloor.aws import model, response
from ringfloor.aws.dates import from_extended
from ringfloor.aws.model import Operation
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import percent_decoded
from ringfloor.aws.throttle import Throttle
from ringfloor.aws.tokens import TokenInvalid
from ringfloor.base.errors import Refusal, not_found
from ringfloor.base.errors import shown as quoted
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import (
    ATTACHMENT_BYTES_MAX,
    ATTACHMENT_UPLOAD_MS,
    ATTACHMENT_URL_SECONDS,
    CONNECTION_TOKEN_MS,
    NEXT_TOKEN_MS,
    SOCKET_LIFE_MS,
    TRANSCRIPT_PAGE_DEFAULT,
)
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain import commands
from ringfloor.domain.chat import (
    ACKNOWLEDGED,
    DELIVERED,
    READ,
    TYPING,
    ChatAttachment,
    ChatItem,
    Participant,
)
from ringfloor.domain.dialogue import ShowView
from ringfloor.domain.events import Origin
from ringfloor.domain.resources import Properties
from ringfloor.node.attachments import Attachments, File, Key
from ringfloor.node.desk import Desk
from ringfloor.operations import chat_tokens
from ringfloor.operations.chat_tokens import Claims, denied
from ringfloor.operations.chat_transcripts import (
    Asked,
    FromId,
    FromTime,
    MostRecent,
    Start,
    page,
)
from ringfloor.operations.context import Service
from ringfloor.operations.registry import Params
from ringfloor.server import files, sockets
from ringfloor.server.chat_items import ATTACHMENT, iso, shown
from ringfloor.server.chat_news import ChatNews, participant_arn, present
from ringfloor.server.http import header, origin
from ringfloor.server.sockets import Guest

log = logging.getLogger(__name__)

T = TypeVar("T")

PATH = b"/participant/"

TRANSLATED: Mapping[str, str] = {
    "ContactNotFoundException": "AccessDeniedException",
    "DuplicateResourceException": "ConflictException",
    "InternalServiceException": "InternalServerException",
    "InvalidParameterException": "ValidationException",
    "InvalidRequestException": "ValidationException",
    "LimitExceededException": "ThrottlingException",
    "ResourceConflictException": "ConflictException",
}
"""Codes of the contact center to those of the participant service."""

RECEIPTS: Mapping[str, Literal["DELIVERED", "READ"]] = {DELIVERED: "DELIVERED", READ: "READ"}

PAGE = "transcript page"
"""What a NextToken is sealed for."""


class Call(NamedTuple):
    """One request: whose it is, and what can be used to answer."""

    service: Service
    attachments: Attachments
    news: ChatNews
    desk: Desk
    claims: Claims
    http: HttpRequest
    sender: Origin
    now: Instant

    @property
    def where(self) -> sockets.Chat:
        return sockets.Chat(self.claims.instance_id, self.claims.chat_id)

    def present(self) -> Participant:
        """The participant, who is in a chat that goes on; refuses with AccessDeniedException."""
        return present(self.desk, self.claims.chat_id, self.claims.participant_id)

    def key(self, attachment_id: str) -> Key:
        return Key(self.claims.instance_id, self.claims.chat_id, attachment_id)

    async def read(self, question: Callable[[], T]) -> T:
        """Ask something of durable state."""
        return await self.service.node.read(question)

    async def submit(self, command: commands.Command) -> str:
        """Carry a command out in the participant's name."""
        return await self.service.node.submit(self.desk.instance_id, command, self.sender)

    async def taking_part(self) -> Participant:
        """The participant, who has joined; refuses with AccessDeniedException."""
        found = await self.read(self.present)
        if found.joined_at is None:
            if found.role != "CUSTOMER":
                raise denied("connect first: CreateParticipantConnection with ConnectParticipant")
            await self.join()
        return found

    async def speaking(self) -> Participant:
        """The participant, whom the others may hear; refuses with AccessDeniedException."""
        found = await self.taking_part()
        if found.silent:
            raise denied("a supervisor who only reads is heard by nobody")
        return found

    async def join(self) -> None:
        await self.submit(
            commands.ConnectParticipant(self.claims.chat_id, self.claims.participant_id)
        )

    async def sent(self, item_id: str) -> Properties:
        """The answer to something that was sent."""
        chat_id = self.claims.chat_id
        found = await self.read(lambda: self.desk.transcripts.item(chat_id, item_id))
        return {"Id": item_id, "AbsoluteTime": iso(found.at if found else self.now)}


# Connecting


async def _create_participant_connection(call: Call, params: Params) -> Properties:
    participant = await call.read(call.present)
    wanted = params.Type or []
    if "WEBRTC_CONNECTION" in wanted:
        raise _invalid("Type", wanted, "must not have WEBRTC_CONNECTION: this is a chat")
    if not wanted and not params.ConnectParticipant:
        raise _invalid("Type", wanted, "is needed where ConnectParticipant is not true")
    waits = "WEBSOCKET" in wanted or participant.role != "CUSTOMER"
    if params.ConnectParticipant or not waits:
        await call.join()
    sealer = call.service.sealer
    answer: Properties = {}
    if "WEBSOCKET" in wanted:
        guest = Guest(*call.where, call.claims.participant_id)
        answer["Websocket"] = {
            "Url": sockets.address(sealer, origin(call.http, "ws"), guest, call.now),
            "ConnectionExpiry": iso(call.now + SOCKET_LIFE_MS),
        }
    if "CONNECTION_CREDENTIALS" in wanted:
        expires = call.now + CONNECTION_TOKEN_MS
        answer["ConnectionCredentials"] = {
            "ConnectionToken": chat_tokens.seal(
                sealer, chat_tokens.CONNECTION, call.claims, expires
            ),
            "Expiry": iso(expires),
        }
    return answer


async def _disconnect_participant(call: Call, _params: Params) -> Properties:
    await call.read(call.present)
    await call.submit(commands.LeaveChat(call.claims.chat_id, call.claims.participant_id))
    return {}


# Sending


async def _send_message(call: Call, params: Params) -> Properties:
    await call.speaking()
    sent = await call.submit(
        commands.SendChatItem(
            chat_id=call.claims.chat_id,
            participant_id=call.claims.participant_id,
            type="MESSAGE",
            content_type=params.ContentType,
            content=params.Content,
            client_token=params.ClientToken,
        )
    )
    return await call.sent(sent)


class _Receipt(Struct, rename="camel"):
    message_id: str


async def _send_event(call: Call, params: Params) -> Properties:
    kind = params.ContentType
    known = (TYPING, ACKNOWLEDGED, *RECEIPTS)
    if kind not in known:
        raise _invalid("ContentType", kind, f"must be one of {', '.join(known)}")
    if kind == ACKNOWLEDGED:
        await call.read(call.present)
        await call.join()
    else:
        participant = await call.speaking()
        if kind == TYPING:
            return await _typing(call, participant)
        try:
            message = msgspec.json.decode(params.Content or "", type=_Receipt).message_id
        except msgspec.MsgspecError:
            raise _invalid("Content", params.Content, 'must be like {"messageId": "..."}') from None
        await call.submit(
            commands.MarkReceipt(
                call.claims.chat_id, call.claims.participant_id, message, RECEIPTS[kind]
            )
        )
    return {"Id": derive(chance(), 0), "AbsoluteTime": iso(call.now)}


async def _typing(call: Call, participant: Participant) -> Properties:
    typed = ChatItem(
        id=derive(chance(), 0),
        at=call.now,
        type="EVENT",
        content_type=TYPING,
        content=None,
        participant_id=participant.id,
        role=participant.role,
        display_name=participant.display_name,
        contact_id=participant.contact_id,
    )
    call.news.typing(call.where, typed)
    return {"Id": typed.id, "AbsoluteTime": iso(typed.at)}


# Files


async def _start_attachment_upload(call: Call, params: Params) -> Properties:
    await call.speaking()
    if params.AttachmentSizeInBytes > ATTACHMENT_BYTES_MAX:
        raise _invalid(
            "AttachmentSizeInBytes",
            params.AttachmentSizeInBytes,
            f"must be at most {ATTACHMENT_BYTES_MAX}",
        )
    name, kind = params.AttachmentName, params.ContentType.partition(";")[0].strip().lower()
    ending = name.rpartition(".")[2].lower()
    if kind not in files.TYPES.get(ending, ()):
        raise _invalid(
            "AttachmentName", name, f"does not end as files of type {quoted(kind)} that chats take"
        )
    if any(ord(each) < 32 for each in name):
        raise _invalid("AttachmentName", name, "must not have control characters")
    key = call.key(_derived(call.claims, params.ClientToken))
    file = File(name, kind, params.AttachmentSizeInBytes, call.claims.participant_id, call.now)
    await call.attachments.begin(key, file)
    expires = call.now + ATTACHMENT_UPLOAD_MS
    url = files.address(call.service.sealer, origin(call.http, "http"), files.UPLOAD, key, expires)
    return {
        "AttachmentId": key.attachment_id,
        "UploadMetadata": {
            "Url": url,
            "UrlExpiry": iso(expires),
            "HeadersToInclude": {"Content-Type": kind},
        },
    }


async def _complete_attachment_upload(call: Call, params: Params) -> Properties:
    await call.speaking()
    (attachment_id,) = params.AttachmentIds
    key = call.key(attachment_id)
    file = await call.attachments.find(key)
    if file is None or file.participant_id != call.claims.participant_id:
        raise denied("AttachmentIds: has a file that this participant has not announced")
    await call.attachments.complete(key)
    await call.submit(
        commands.SendChatItem(
            chat_id=call.claims.chat_id,
            participant_id=call.claims.participant_id,
            type="ATTACHMENT",
            content_type=ATTACHMENT,
            client_token=f"attachment {attachment_id}",
            attachments=(ChatAttachment(attachment_id, file.name, file.content_type, file.size),),
        )
    )
    return {}


async def _get_attachment(call: Call, params: Params) -> Properties:
    participant = await call.read(call.present)
    if participant.role == "CUSTOM_BOT":
        raise denied("a CUSTOM_BOT gets no attachments")
    key = call.key(params.AttachmentId)
    file = await call.attachments.sent(key)
    if file is None:
        raise denied(f"AttachmentId: this chat has no attachment {quoted(params.AttachmentId)}")
    expires = call.now + (params.UrlExpiryInSeconds or ATTACHMENT_URL_SECONDS) * SECOND
    how: files.Disposition = params.UrlContentDisposition or "ATTACHMENT"
    base = origin(call.http, "http")
    return {
        "Url": files.address(call.service.sealer, base, files.DOWNLOAD, key, expires, how),
        "UrlExpiry": iso(expires),
        "AttachmentSizeInBytes": file.size,
    }


def _derived(claims: Claims, client_token: str) -> str:
    """The id of a file; the same for the same token, so that a repetition begins nothing."""
    named = msgspec.json.encode((claims, client_token))
    return derive(blake2b(named, digest_size=16).digest(), 0)


# Reading


class _Place(Struct, frozen=True, array_like=True):
    """Where a page begins. digest: of the request."""

    at: str
    digest: bytes


async def _get_transcript(call: Call, params: Params) -> Properties:
    await call.read(call.present)
    start, backward = _start(call, params)
    asked = Asked(
        backward=backward,
        start=start,
        at_most=params.MaxResults or TRANSCRIPT_PAGE_DEFAULT,
        contact_id=params.ContactId,
    )
    found = await page(call.service.node, call.desk, call.claims.chat_id, asked)
    lines = found.lines
    if backward == (params.SortOrder == "ASCENDING"):
        lines = lines[::-1]
    answer: Properties = {
        "InitialContactId": call.claims.chat_id,
        "Transcript": [shown(each.item, each.receipts, past=each.past) for each in lines],
    }
    if found.next is not None:
        place = _Place(found.next, _digest(call, params))
        answer["NextToken"] = call.service.sealer.seal(PAGE, place, call.now + NEXT_TOKEN_MS)
    return answer


def _start(call: Call, params: Params) -> tuple[Start | None, bool]:
    """Where the page begins, and whether to go back from there."""
    position = params.StartPosition
    named = {
        name: value
        for name in ("Id", "AbsoluteTime", "MostRecent")
        if (value := getattr(position, name, None)) is not None
    }
    if len(named) > 1:
        raise _invalid("StartPosition", sorted(named), "must have one member")
    backward = (params.ScanDirection or ("FORWARD" if named else "BACKWARD")) == "BACKWARD"
    if params.NextToken is not None:
        return FromId(_place(call, params).at), backward
    if "Id" in named:
        return FromId(named["Id"]), backward
    if "MostRecent" in named:
        return MostRecent(named["MostRecent"]), backward
    if "AbsoluteTime" not in named:
        return None, backward
    instant = from_extended(named["AbsoluteTime"])
    if instant is None:
        raise _invalid(
            "StartPosition.AbsoluteTime",
            named["AbsoluteTime"],
            "must be like 2019-11-08T02:41:28.172Z",
        )
    return FromTime(instant), backward


def _place(call: Call, params: Params) -> _Place:
    found: _Place | None
    try:
        found = call.service.sealer.open(PAGE, params.NextToken, call.now, _Place)
    except TokenInvalid:
        found = None
    if found is None or found.digest != _digest(call, params):
        raise Refusal("ValidationException", "Invalid or expired NextToken")
    return found


def _digest(call: Call, params: Params) -> bytes:
    rest = {
        name: value
        for name, value in asdict(params).items()
        if name not in {"NextToken", "MaxResults", "ConnectionToken"}
    }
    return blake2b(msgspec.msgpack.encode((call.claims, rest)), digest_size=16).digest()


# Views, and what there is not


async def _describe_view(call: Call, params: Params) -> Properties:
    """The view that the chat's flow shows now. Templates are not kept: there is no content."""

    def question() -> Properties:
        call.present()
        contact_id, _, number = params.ViewToken.rpartition("/")
        contact = call.desk.center.contacts.get(contact_id)
        run = contact.runs.get("customer") if contact else None
        his = contact is not None and contact.chat_id == call.claims.chat_id
        if not his or run is None or str(run.number) != number or not isinstance(run.ask, ShowView):
            raise not_found("ViewToken", params.ViewToken, "view that is shown")
        home, name = call.desk.center.home, run.ask.view
        view_id = name.rsplit("/", 1)[-1]
        arn = name if name.startswith("arn:") else f"{home.arn}/view/{view_id}"
        view: Properties = {"Id": view_id, "Arn": arn, "Name": view_id}
        if (run.ask.version or "").isdecimal():
            view["Version"] = int(run.ask.version or "")
        return {"View": view}

    return await call.read(question)


async def _no_authentication(call: Call, params: Params) -> Properties:
    await call.read(call.present)
    raise _invalid("SessionId", params.SessionId, "is no authentication session of this chat")


# The table

_Handler = Callable[[Call, Params], Awaitable[Properties]]

HANDLERS: Mapping[str, _Handler] = {
    "CancelParticipantAuthentication": _no_authentication,
    "CompleteAttachmentUpload": _complete_attachment_upload,
    "CreateParticipantConnection": _create_participant_connection,
    "DescribeView": _describe_view,
    "DisconnectParticipant": _disconnect_participant,
    "GetAttachment": _get_attachment,
    "GetAuthenticationUrl": _no_authentication,
    "GetTranscript": _get_transcript,
    "SendEvent": _send_event,
    "SendMessage": _send_message,
    "StartAttachmentUpload": _start_attachment_upload,
}

TOKENS: Mapping[str, tuple[str, ...]] = {
    "CreateParticipantConnection": (chat_tokens.PARTICIPANT, chat_tokens.AGENT)
}
"""Which tokens open an operation; all others are opened by those of a connection."""

CONNECTED = (chat_tokens.CONNECTION, chat_tokens.AGENT)


class ParticipantService:
    """The endpoint."""

    def __init__(
        self,
        service: Service,
        attachments: Attachments,
        news: ChatNews,
        throttle: Throttle,
        *,
        check: bool = False,
    ) -> None:
        self.api = model.load("connectparticipant")
        self._service = service
        self._attachments = attachments
        self._news = news
        self._throttle = throttle
        self._check = check
        assert set(HANDLERS) == set(self.api.operations)

    def owns(self, http: HttpRequest) -> bool:
        """Whether the path is one of this service."""
        return http.raw_path.startswith(PATH)

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        now = self._service.node.clock.now()
        request_id = derive(chance(), 0)
        operation: Operation | None = None
        try:
            operation, labels = self._operation(http)
            self._throttle.take(self._service.account, operation.name, now)
            call = self._call(operation, http, source, request_id, now)
            params = operation.decode(labels, http.raw_query, http.headers, http.body)
            result = await HANDLERS[operation.name](call, params)
            return response.success(operation, result, request_id, now, check=self._check)
        except Refusal as refusal:
            return response.failure(_translated(refusal), request_id, now, operation)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of %s failed", request_id, operation and operation.name)
            broken = Refusal(
                "InternalServiceException", f"Something is wrong on our side: {request_id}"
            )
            return response.failure(_translated(broken), request_id, now, operation)

    def _operation(self, http: HttpRequest) -> tuple[Operation, list[str]]:
        found = self.api.route(http.method, http.raw_path)
        if found is None:
            target = f"{http.method} {http.raw_path.decode('latin-1')}"
            raise Refusal("UnknownOperationException", f"{quoted(target)} is no operation of chats")
        operation, raw_labels = found
        try:
            return operation, [percent_decoded(label) for label in raw_labels]
        except UnicodeDecodeError:
            raise Refusal("ValidationException", "The path is not UTF-8") from None

    def _call(
        self, operation: Operation, http: HttpRequest, source: str, request_id: str, now: Instant
    ) -> Call:
        purposes = TOKENS.get(operation.name, CONNECTED)
        bearer = header(http, b"x-amz-bearer")
        claims = chat_tokens.opened(self._service.sealer, purposes, bearer, now)
        desk = self._service.node.desks.get(claims.instance_id)
        if desk is None:
            raise denied("the instance is no more")
        arn = participant_arn(desk, claims.chat_id, claims.participant_id)
        sender = Origin(arn, source, request_id, f"participant:{operation.name}")
        return Call(self._service, self._attachments, self._news, desk, claims, http, sender, now)


def _translated(refusal: Refusal) -> Refusal:
    code = TRANSLATED.get(refusal.code)
    return refusal if code is None else Refusal(code, refusal.message)


def _invalid(field: str, value: object, rule: str) -> Refusal:
    return Refusal("ValidationException", f"{field}: {quoted(value)} {rule}")
