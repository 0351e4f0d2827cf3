"""Sockets: web sockets, on which chats tell their participants what happens.

Called by server.asgi (serve), by server.chat_news (tell) and by whoever hands out addresses
(address). The protocol is that of amazon-connect-chatjs and streams, JSON in text messages:

    aws/subscribe {"content": {"topics": ["aws/chat"]}}  -> the same with status success, or failure
                                                            for topics that there are not
    aws/ping, aws/heartbeat                              -> the same with statusCode 200
    aws/chat                                             pushed: content is an item, as JSON text

Rules:

* Who may open a socket, its address says: a sealed token, to be used within SOCKET_OPEN_MS. No
  cookie is looked at, so pages of all origins may.
* Telling never waits: what a client has not yet taken is kept up to SOCKET_PENDING_BYTES_MAX, then
  he is let go. He asks GetTranscript when he comes back, so nothing is lost.
* A socket ends after SOCKET_LIFE_MS, or without a word for SOCKET_IDLE_MS, in real time; of more
  than SOCKETS_OF_ONE_MAX of one participant or agent the oldest goes.
* Who has left a chat, or signed out, is told what is still pending, then his socket is closed.
* A chat's audience is the sockets that its participants have; an agent's socket hears all chats
  that he is in. What is told costs as much as there are listeners.

Source: the agent service's notes, sections 1.5 and 2.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from ringfloor.aws.tokens import Sealer, TokenInvalid
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    SOCKET_IDLE_MS,
    SOCKET_LIFE_MS,
    SOCKET_OPEN_MS,
    SOCKET_PENDING_BYTES_MAX,
    SOCKET_TOPICS_MAX,
    SOCKETS_MAX,
    SOCKETS_OF_ONE_MAX,
)
from ringfloor.base.time import Clock, Instant, seconds

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATH = "/participant/socket"

CHAT = "aws/chat"
SUBSCRIBE = "aws/subscribe"
ECHOED = frozenset({"aws/ping", "aws/heartbeat"})

PURPOSE = "web socket"

NORMAL, GOING_AWAY, UNSUPPORTED, MALFORMED, POLICY = 1000, 1001, 1003, 1007, 1008
"""Close codes (RFC 6455, section 7.4.1)."""

_encode = msgspec.json.Encoder().encode


class Guest(Struct, frozen=True, array_like=True):
    """Whom a socket belongs to: a participant of one chat, or an agent (chat_id empty)."""

    instance_id: str
    chat_id: str
    who: str
    """The participant's id, or the user's."""


class Pass(Struct, frozen=True, array_like=True):
    """What an address says. issued: when it was handed out."""

    guest: Guest
    issued: Instant


class Chat(NamedTuple):
    """Which chat. chat_id: its first contact."""

    instance_id: str
    chat_id: str


class _Said(Struct):
    topic: str
    content: Any = None


_read = msgspec.json.Decoder(_Said).decode


class Socket:
    """What is still to be sent to one client, and whether it is over."""

    def __init__(self, guest: Guest, issued: Instant) -> None:
        self.guest = guest
        self.issued = issued
        self.chats: set[tuple[Chat, str]] = set()
        """Chats that it hears, as which participant."""
        self.subscribed = False
        self.over = asyncio.Event()
        self.close: tuple[int, str] | None = None
        """Code and reason that the client is told; None: there is nobody left to tell."""
        self.farewell: tuple[int, str] | None = None
        """How it ends once nothing is pending."""
        self._pending: deque[bytes] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def push(self, text: bytes) -> None:
        """Send this as soon as the client takes it."""
        if self.over.is_set() or self.farewell is not None:
            return
        self._bytes += len(text)
        if self._bytes > SOCKET_PENDING_BYTES_MAX:
            log.info("a web socket of %s is let go: it does not read", self.guest.who)
            self.end()
            return
        self._pending.append(text)
        self._news.set()

    def end(self, code: int | None = None, reason: str = "") -> None:
        """It is over; the first reason counts."""
        if not self.over.is_set():
            self.close = None if code is None else (code, reason)
            self._pending.clear()
            self.over.set()

    def finish(self, code: int, reason: str) -> None:
        """It is over as soon as the client has taken what is pending."""
        if self.farewell is None:
            self.farewell = code, reason
            self._news.set()

    async def next(self) -> bytes | None:
        """What is to be sent next; it counts as pending until the client has taken it.

        None: that was all.
        """
        while not self._pending:
            if self.farewell is not None:
                return None
            self._news.clear()
            await self._news.wait()
        return self._pending.popleft()

    def taken(self, text: bytes) -> None:
        """The client, or the machine's buffers, have taken this."""
        self._bytes -= len(text)


class Room(Protocol):
    """What there is to listen to."""

    async def enter(self, socket: Socket) -> None:
        """A socket has asked for its chats; refuses if there is nothing for it."""
        ...


class Audience:
    """Which sockets hear which chats."""

    def __init__(self) -> None:
        self._listeners: dict[Chat, dict[str, set[Socket]]] = {}
        self._of_guests: dict[Guest, list[Socket]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Sockets that are open."""
        return self._count

    def __bool__(self) -> bool:
        return self._count > 0

    def admit(self, socket: Socket) -> None:
        """A socket has been opened; the oldest of too many goes."""
        his = self._of_guests.setdefault(socket.guest, [])
        his.append(socket)
        self._count += 1
        if len(his) > SOCKETS_OF_ONE_MAX:
            oldest = his[0]
            oldest.end(POLICY, "replaced by newer connections")
            self.dismiss(oldest)

    def dismiss(self, socket: Socket) -> None:
        """A socket is over."""
        his = self._of_guests.get(socket.guest, [])
        if socket not in his:
            return
        his.remove(socket)
        self._count -= 1
        if not his:
            del self._of_guests[socket.guest]
        for chat, participant_id in list(socket.chats):
            self._unseat(chat, participant_id, socket)

    def seat(self, chat: Chat, participant_id: str, socket: Socket) -> None:
        """From now on it hears this chat, as this participant."""
        if not socket.over.is_set():
            self._listeners.setdefault(chat, {}).setdefault(participant_id, set()).add(socket)
            socket.chats.add((chat, participant_id))

    def sockets_of_agent(self, instance_id: str, user_id: str) -> list[Socket]:
        """His sockets that asked for chats."""
        his = self._of_guests.get(Guest(instance_id, "", user_id), [])
        return [socket for socket in his if socket.subscribed]

    def leave(self, chat: Chat, participant_id: str) -> None:
        """A participant hears no more of a chat; the sockets that were for it alone are closed."""
        for socket in list(self._listeners.get(chat, {}).get(participant_id, ())):
            self._unseat(chat, participant_id, socket)
        self.bid_farewell(Guest(*chat, participant_id), NORMAL, "you are not in the chat any more")

    def bid_farewell(self, guest: Guest, code: int, reason: str) -> None:
        """Close his sockets, once he has taken what is pending."""
        for socket in self._of_guests.get(guest, ()):
            socket.finish(code, reason)

    def clear(self, instance_id: str) -> None:
        """Close all sockets of an instance that is no more."""
        for guest in [each for each in self._of_guests if each.instance_id == instance_id]:
            self.bid_farewell(guest, NORMAL, "the instance is no more")

    def end(self, chat: Chat) -> None:
        """Nobody hears any more of it."""
        for participant_id in list(self._listeners.get(chat, {})):
            self.leave(chat, participant_id)

    def hears(self, chat: Chat) -> bool:
        """Whether anybody does."""
        return chat in self._listeners

    def tell(self, chat: Chat, item: object, *, but: str | None = None) -> None:
        """Push an item to all participants of a chat. but: except to this one."""
        listeners = self._listeners.get(chat)
        if listeners:
            text = push_of(item)
            for participant_id, sockets in listeners.items():
                if participant_id != but:
                    for socket in list(sockets):
                        socket.push(text)

    def _unseat(self, chat: Chat, participant_id: str, socket: Socket) -> None:
        socket.chats.discard((chat, participant_id))
        listeners = self._listeners[chat]
        listeners[participant_id].discard(socket)
        if not listeners[participant_id]:
            del listeners[participant_id]
        if not listeners:
            del self._listeners[chat]


class Sockets:
    """Opens sockets, and speaks for them."""

    def __init__(self, sealer: Sealer, clock: Clock, audience: Audience, room: Room) -> None:
        self._sealer = sealer
        self._clock = clock
        self._audience = audience
        self._room = room

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection of the ASGI server, to its end."""
        await receive()  # websocket.connect
        permit = self._pass(scope)
        if permit is None:
            await _refuse(send, 403, "the address is not ours or was not opened in time")
            return
        if len(self._audience) >= SOCKETS_MAX:
            await _refuse(send, 503, "too many connections")
            return
        socket = Socket(permit.guest, permit.issued)
        self._audience.admit(socket)
        try:
            await send({"type": "websocket.accept"})
            await self._converse(socket, receive, send)
        except OSError as error:  # uvicorn's, where the client has just gone
            log.debug("a web socket is gone: %s", error)
        finally:
            self._audience.dismiss(socket)

    def _pass(self, scope: Message) -> Pass | None:
        if scope["raw_path"] != PATH.encode():
            return None
        name, _, token = scope["query_string"].decode("latin-1").partition("=")
        try:
            found = self._sealer.open(PURPOSE, token, self._clock.now(), Pass)
        except TokenInvalid:
            return None
        return found if name == "token" else None

    async def _converse(self, socket: Socket, receive: Receive, send: Send) -> None:
        tasks = [
            asyncio.create_task(self._listen(socket, receive)),
            asyncio.create_task(_speak(socket, send)),
        ]
        try:
            async with asyncio.timeout(seconds(SOCKET_LIFE_MS)):
                await socket.over.wait()
        except TimeoutError:
            socket.end(GOING_AWAY, "its time is over; connect again")
        finally:
            socket.end()
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception) and not isinstance(each, OSError):
                log.error("a web socket failed", exc_info=each)
        if socket.close is not None:
            code, reason = socket.close
            await send({"type": "websocket.close", "code": code, "reason": reason})

    async def _listen(self, socket: Socket, receive: Receive) -> None:
        try:
            while not socket.over.is_set():
                async with asyncio.timeout(seconds(SOCKET_IDLE_MS)):
                    message = await receive()
                if message["type"] == "websocket.disconnect":
                    socket.end()
                elif message.get("text") is None:
                    socket.end(UNSUPPORTED, "JSON in text messages, please")
                else:
                    await self._hear(socket, message["text"])
        except TimeoutError:
            socket.end(GOING_AWAY, "nothing heard for too long")
        finally:
            socket.end(1011, "something is wrong on our side")  # unless there was a reason

    async def _hear(self, socket: Socket, text: str) -> None:
        try:
            said = _read(text)
        except (msgspec.MsgspecError, RecursionError):
            socket.end(MALFORMED, "no JSON object with a topic")
            return
        if said.topic in ECHOED:
            socket.push(_encode({"topic": said.topic, "statusCode": 200, "statusContent": "OK"}))
        elif said.topic == SUBSCRIBE:
            await self._subscribe(socket, said.content)
        else:
            socket.push(
                _encode({"topic": said.topic, "statusCode": 404, "statusContent": "Unknown topic"})
            )

    async def _subscribe(self, socket: Socket, content: object) -> None:
        topics = content.get("topics") if isinstance(content, dict) else None
        if not isinstance(topics, list) or not all(isinstance(each, str) for each in topics):
            socket.end(MALFORMED, "content.topics: needs a list of topics")
            return
        if len(topics) > SOCKET_TOPICS_MAX:
            socket.end(POLICY, f"content.topics: has more than {SOCKET_TOPICS_MAX}")
            return
        unknown = [each for each in topics if each != CHAT]
        if CHAT in topics:
            socket.push(_subscribed("success", [CHAT]))
            socket.subscribed = True
            try:
                await self._room.enter(socket)
            except Refusal as refusal:
                socket.push(_subscribed("failure", [CHAT]))
                log.info("a web socket of %s hears nothing: %s", socket.guest.who, refusal)
        if unknown:
            socket.push(_subscribed("failure", unknown))


def address(sealer: Sealer, base: str, guest: Guest, now: Instant) -> str:
    """Where a guest opens his socket. base: such as wss://host.

    A page of chatjs takes wss:// or ws://127.0.0.1: and nothing else.
    """
    token = sealer.seal(PURPOSE, Pass(guest, now), now + SOCKET_OPEN_MS)
    return f"{base}{PATH}?token={token}"


def push_of(item: object) -> bytes:
    """What is sent for an item of a chat."""
    content = _encode(item).decode()
    return _encode({"topic": CHAT, "contentType": "application/json", "content": content})


def _subscribed(status: str, topics: list[str]) -> bytes:
    return _encode({"topic": SUBSCRIBE, "content": {"status": status, "topics": topics}})


async def _speak(socket: Socket, send: Send) -> None:
    try:
        while (text := await socket.next()) is not None:
            await send({"type": "websocket.send", "text": text.decode()})
            socket.taken(text)
        assert socket.farewell is not None
        socket.end(*socket.farewell)
    finally:
        socket.end()


async def _refuse(send: Send, status: int, why: str) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(why))]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": why.encode()})
