"""Sockets: the web sockets on which customers and agents of a load test hear their chats.

Called by load.stage, load.customers and load.desktops. The only module that knows websockets. As
chatjs does, a socket subscribes to its chats first and then says every ten seconds that it is
alive.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from ringfloor.base.limits import LOAD_BEAT_MS, LOAD_CLOSE_MS, LOAD_REQUEST_MS
from ringfloor.base.time import seconds

CHAT = "aws/chat"
_SUBSCRIBE = msgspec.json.encode({"topic": "aws/subscribe", "content": {"topics": [CHAT]}}).decode()
_HEARTBEAT = msgspec.json.encode({"topic": "aws/heartbeat"}).decode()


class _Pushed(msgspec.Struct):
    topic: str = ""
    content: Any = None


_read = msgspec.json.Decoder(_Pushed).decode

Item = dict[str, Any]


class Broken(Exception):
    """A socket could not be opened, or has been closed while it was needed. code: for the count."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


async def listen(url: str, ready: Callable[[], None], told: Callable[[Item], None]) -> None:
    """Hear chats until the server closes the socket, or this is cancelled.

    url: as it was handed out. ready: called once it hears. told: each item. Raises Broken.
    """
    try:
        async with connect(
            url,
            ping_interval=None,
            compression=None,
            open_timeout=seconds(LOAD_REQUEST_MS),
            close_timeout=seconds(LOAD_CLOSE_MS),
        ) as socket:
            await socket.send(_SUBSCRIBE)
            while True:
                try:
                    async with asyncio.timeout(seconds(LOAD_BEAT_MS)):
                        said = _read(await socket.recv())
                except TimeoutError:
                    await socket.send(_HEARTBEAT)
                    continue
                if said.topic == CHAT:
                    told(msgspec.json.decode(said.content))
                elif said.topic == "aws/subscribe":
                    if said.content.get("status") != "success":
                        raise Broken("NotSubscribed", "the server tells this socket no chats")
                    ready()
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd is not None else None
        if code != 1000:
            raise Broken(f"closed {code or 'without a word'}", str(error)) from error
    except (OSError, WebSocketException, TimeoutError, msgspec.MsgspecError) as error:
        raise Broken(type(error).__name__, str(error)) from error


def address(url: str, endpoint: str) -> str:
    """Where to open a socket: wss:// is for TLS, which an endpoint of http:// has not."""
    plain = endpoint.startswith("http://")
    return f"ws://{url.removeprefix('wss://')}" if plain and url.startswith("wss://") else url
