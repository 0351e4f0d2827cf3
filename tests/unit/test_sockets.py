"""Web sockets: who may open one, what is said on it, who is let go."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.aws.tokens import Sealer
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    SOCKET_OPEN_MS,
    SOCKET_PENDING_BYTES_MAX,
    SOCKET_TOPICS_MAX,
    SOCKETS_OF_ONE_MAX,
)
from ringfloor.base.time import VirtualClock
from ringfloor.server import sockets
from ringfloor.server.sockets import Audience, Chat, Guest, Socket, Sockets, address

START = 1_700_000_000_000
CHAT = Chat("center", "chat")
CAROL = Guest("center", "chat", "carol")
ANN = Guest("center", "", "ann")
SUBSCRIBE = {"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}}
SUBSCRIBED = {
    "topic": "aws/subscribe",
    "content": {"status": "success", "topics": ["aws/chat"]},
}


class Hall:
    """A room that lets everybody in, or nobody."""

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self.closed = False

    async def enter(self, socket: Socket) -> None:
        if self.closed:
            raise Refusal("AccessDeniedException", "the chat is over")
        self.audience.seat(CHAT, socket.guest.who, socket)


class House:
    """Sockets with a room, as the server has them."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.sealer = Sealer((b"the key of all the tests",))
        self.audience = Audience()
        self.hall = Hall(self.audience)
        self.sockets = Sockets(self.sealer, self.clock, self.audience, self.hall)

    def url(self, guest: Guest) -> str:
        return address(self.sealer, "ws://127.0.0.1:8080", guest, self.clock.now())

    async def open(self, guest: Guest, **wire: Any) -> "Client":
        client = Client(self, self.url(guest), **wire)
        await client.settle()
        return client


class Client:
    """The other end of one socket: an ASGI server and the browser behind it."""

    def __init__(self, house: House, url: str, *, slow: bool = False) -> None:
        path, _, query = url.removeprefix("ws://127.0.0.1:8080").partition("?")
        scope = {
            "type": "websocket",
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [],
        }
        self.heard: list[Any] = []
        self.status: int | None = None
        self.code: int | None = None
        self.gate = asyncio.Event()
        if not slow:
            self.gate.set()
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(house.sockets.serve(scope, self.inbox.get, self._take))

    async def _take(self, message: Any) -> None:
        match message["type"]:
            case "websocket.accept":
                self.status = 101
            case "websocket.http.response.start":
                self.status = message["status"]
            case "websocket.send":
                await self.gate.wait()
                self.heard.append(json.loads(message["text"]))
            case "websocket.close":
                self.code = message["code"]

    async def say(self, message: Any) -> list[Any]:
        """Say something; what is heard after it."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})
        return await self.listen()

    async def listen(self) -> list[Any]:
        await self.settle()
        heard, self.heard = self.heard, []
        return heard

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def house():
    house = House()
    yield house
    for socket in [each for his in house.audience._of_guests.values() for each in his]:
        socket.end()
    await asyncio.sleep(0)


async def test_what_chatjs_says_and_wants_to_hear(house):
    client = await house.open(CAROL)
    assert client.status == 101
    assert await client.say(SUBSCRIBE) == [SUBSCRIBED]
    for topic in ("aws/ping", "aws/heartbeat"):
        answer = {"topic": topic, "statusCode": 200, "statusContent": "OK"}
        assert await client.say({"topic": topic}) == [answer]
    house.audience.tell(CHAT, {"Id": "1", "Content": 'say "hi"'})
    [pushed] = await client.listen()
    assert (pushed["topic"], pushed["contentType"]) == ("aws/chat", "application/json")
    assert json.loads(pushed["content"]) == {"Id": "1", "Content": 'say "hi"'}


async def test_nothing_is_heard_before_it_is_asked_for(house):
    client = await house.open(CAROL)
    house.audience.tell(CHAT, {"Id": "1"})
    assert await client.listen() == []


async def test_topics_that_there_are_not(house):
    client = await house.open(ANN)
    topics = ["aws/softphone", "aws/chat"]
    heard = await client.say({"topic": "aws/subscribe", "content": {"topics": topics}})
    assert [each["content"] for each in heard] == [
        {"status": "success", "topics": ["aws/chat"]},
        {"status": "failure", "topics": ["aws/softphone"]},
    ]
    assert (await client.say({"topic": "aws/nothing"}))[0]["statusCode"] == 404


async def test_a_chat_that_is_over(house):
    house.hall.closed = True
    client = await house.open(CAROL)
    heard = await client.say(SUBSCRIBE)
    assert heard[-1]["content"] == {"status": "failure", "topics": ["aws/chat"]}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("no JSON", 1007),
        ("[]", 1007),
        ('{"content": {}}', 1007),
        ("[" * 10_000, 1007),
        ({"topic": "aws/subscribe"}, 1007),
        ({"topic": "aws/subscribe", "content": {"topics": [1]}}, 1007),
        ({"topic": "aws/subscribe", "content": {"topics": ["x"] * (SOCKET_TOPICS_MAX + 1)}}, 1008),
    ],
)
async def test_who_talks_nonsense_is_let_go(house, said, code):
    client = await house.open(CAROL)
    await client.say(said)
    assert client.code == code
    assert len(house.audience) == 0


async def test_bytes_are_not_text(house):
    client = await house.open(CAROL)
    client.inbox.put_nowait({"type": "websocket.receive", "bytes": b"{}"})
    await client.settle()
    assert client.code == 1003


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _house, url: url.replace("token=", "token=A"),
        lambda _house, url: url.partition("?")[0],
        lambda _house, url: url.replace("token=", "taken="),
        lambda _house, url: url + "&x=1" * 5_000,
        lambda _house, url: url.replace("/socket", "/socket/"),
        lambda house, url: house.clock.move_to(START + SOCKET_OPEN_MS) or url,
    ],
    ids=["forged", "none", "taken", "more", "elsewhere", "too late"],
)
async def test_addresses_that_open_nothing(house, spoil):
    client = Client(house, spoil(house, house.url(CAROL)))
    await client.task
    assert client.status == 403


async def test_an_address_is_good_for_100_seconds(house):
    url = house.url(CAROL)
    house.clock.move_to(START + SOCKET_OPEN_MS - 1)
    client = Client(house, url)
    await client.settle()
    assert client.status == 101


async def test_when_the_server_is_full(house, monkeypatch):
    monkeypatch.setattr(sockets, "SOCKETS_MAX", 1)
    await house.open(ANN)
    client = await house.open(CAROL)
    assert client.status == 503


async def test_of_too_many_the_oldest_goes(house):
    clients = [await house.open(CAROL) for _ in range(SOCKETS_OF_ONE_MAX + 1)]
    other = await house.open(ANN)
    assert [client.code for client in clients] == [1008] + [None] * SOCKETS_OF_ONE_MAX
    assert other.code is None
    assert len(house.audience) == SOCKETS_OF_ONE_MAX + 1


async def test_who_does_not_read_is_let_go_and_the_others_hear_on(house):
    slow = await house.open(CAROL, slow=True)
    quick = await house.open(ANN)
    for client in (slow, quick):
        await client.say(SUBSCRIBE)
    item = {"Content": "x" * 60_000}
    for _ in range(SOCKET_PENDING_BYTES_MAX // 60_000 + 1):
        house.audience.tell(CHAT, item)
        assert len(await quick.listen()) == 1
    await slow.task
    assert slow.code is None, "nobody waits for him to take a farewell"
    assert len(house.audience) == 1
    house.audience.tell(CHAT, item)
    assert len(await quick.listen()) == 1


async def test_who_reads_on_may_hear_any_amount(house):
    client = await house.open(CAROL)
    await client.say(SUBSCRIBE)
    for _ in range(2 * SOCKET_PENDING_BYTES_MAX // 60_000):
        house.audience.tell(CHAT, {"Content": "x" * 60_000})
        assert len(await client.listen()) == 1


@pytest.mark.parametrize("limit", ["SOCKET_LIFE_MS", "SOCKET_IDLE_MS"])
async def test_a_socket_does_not_live_for_ever(house, limit, monkeypatch):
    monkeypatch.setattr(sockets, limit, 1)
    client = await house.open(CAROL)
    await client.task
    assert client.code == 1001


async def test_a_client_that_is_gone(house):
    client = await house.open(CAROL)
    await client.say(SUBSCRIBE)
    client.inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await client.task
    assert client.code is None
    assert not house.audience
    assert not house.audience.hears(CHAT)


async def test_who_has_left_hears_no_more(house):
    carol, ann = await house.open(CAROL), await house.open(ANN)
    for client in (carol, ann):
        await client.say(SUBSCRIBE)
    house.audience.leave(CHAT, "ann")
    house.audience.tell(CHAT, {"Id": "1"})
    assert (len(await carol.listen()), await ann.listen()) == (1, [])
    house.audience.tell(CHAT, {"Id": "2"}, but="carol")
    assert await carol.listen() == []
    house.audience.tell(CHAT, {"Id": "3"})
    house.audience.end(CHAT)
    assert not house.audience.hears(CHAT)
    assert len(await carol.listen()) == 1, "what is pending comes before the farewell"
    await carol.task
    assert (carol.code, ann.code) == (1000, None), "an agent has other chats"
    assert len(house.audience) == 1


async def test_who_does_not_read_has_no_farewell_and_hears_nothing_after_it(house):
    slow = await house.open(CAROL, slow=True)
    await slow.say(SUBSCRIBE)
    [socket] = house.audience._of_guests[CAROL]
    for code in (1000, 1001):
        house.audience.bid_farewell(CAROL, code, "enough")
    socket.push(b'"late"')
    await slow.settle()
    assert slow.code is None
    slow.gate.set()
    await slow.task
    assert (slow.heard, slow.code) == ([SUBSCRIBED], 1000)


async def test_an_instance_that_is_gone_has_no_sockets(house):
    carol, ann = await house.open(CAROL), await house.open(ANN)
    other = await house.open(Guest("other center", "", "ann"))
    house.audience.clear("center")
    await asyncio.gather(carol.task, ann.task)
    assert (carol.code, ann.code, other.code) == (1000, 1000, None)


async def test_what_fails_in_the_room_ends_the_socket(house, caplog):
    async def broken(_socket: Socket) -> None:
        raise ValueError("out of order")

    house.hall.enter = broken
    client = await house.open(CAROL)
    await client.say(SUBSCRIBE)
    await client.task
    assert client.code == 1011
    assert "out of order" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["topic", "content", "topics", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
TOPICS = st.sampled_from(["aws/subscribe", "aws/chat", "aws/ping", ""]) | st.text()
MESSAGES = st.fixed_dictionaries({"topic": TOPICS, "content": JSON}) | JSON


@given(messages=st.lists(MESSAGES, max_size=5))
def test_whatever_is_said_is_answered_or_ends_in_a_farewell(messages):
    async def converse() -> None:
        house = House()
        client = await house.open(CAROL)
        for message in messages:
            heard = await client.say(message)
            if client.task.done():
                assert client.code in {1007, 1008}
                break
            for answer in heard:
                assert answer["topic"] == message["topic"]
        client.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await client.task
        assert not house.audience

    asyncio.run(converse())
