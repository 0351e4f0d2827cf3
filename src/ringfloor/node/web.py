"""Web: how the node speaks HTTP to others. Functions and bots are asked, streams are posted.

The only module that knows httpx. What the environment says of proxies does not count, and no
redirection is followed: an event goes to the address that the operator has named, or nowhere.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import httpx

from ringfloor.base.limits import STREAM_ANSWER_BYTES_MAX, STREAM_POST_MS
from ringfloor.base.time import seconds

_HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
"""What is compressed may be any size; nothing is asked for that is."""

_NO_MORE: Mapping[str, str] = MappingProxyType({})


_ERRORS = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, OverflowError, ExceptionGroup)
"""Of the client: the latter three where a name or a port is none, which is not found out before."""


class Unreachable(Exception):
    """Nobody has answered, or not as HTTP has it, or at too great a length."""


class WebAnswer(NamedTuple):
    """body: only of a status of 200 to 299; else empty."""

    status: int
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Posted(NamedTuple):
    """What has become of a document. status: 0 where nobody has answered."""

    status: int
    why: str = ""
    """For the log, where it was not taken."""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Web:
    """A client with kept connections; made when it is first used, because it needs the loop."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)  # noqa: S113  whoever asks says how long
        return self._client

    async def post(
        self, address: str, body: bytes, headers: Mapping[str, str] = _NO_MORE
    ) -> Posted:
        """POST a JSON document; it was taken where the status is 200 to 299."""
        try:
            async with asyncio.timeout(seconds(STREAM_POST_MS)):
                answer = await self.ask(address, body, STREAM_ANSWER_BYTES_MAX, headers)
        except Unreachable as error:
            return Posted(0, str(error))
        except TimeoutError:
            return Posted(0, f"no answer within {STREAM_POST_MS} ms")
        return Posted(answer.status, f"status {answer.status}")

    async def ask(
        self, address: str, body: bytes, bytes_max: int, headers: Mapping[str, str] = _NO_MORE
    ) -> WebAnswer:
        """POST a JSON document and read the answer; the caller bounds the time.

        Raises Unreachable.
        """
        try:
            asked = self._opened().stream(
                "POST", address, content=body, headers={**_HEADERS, **headers}
            )
            async with asked as response:
                answer = WebAnswer(response.status_code)
                if not answer.is_success:
                    return answer
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise Unreachable("its reply is compressed, which was not asked for")
                read = bytearray()
                async for chunk in response.aiter_bytes():
                    read += chunk
                    if len(read) > bytes_max:
                        raise Unreachable(f"its reply is longer than {bytes_max} bytes")
                return answer._replace(body=bytes(read))
        except _ERRORS as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Let go of all connections."""
        if self._client is not None:
            await self._client.aclose()


async def pause(wait_seconds: float) -> None:
    """Wait in real time: the other side's time is not the center's."""
    try:
        async with asyncio.timeout(wait_seconds):
            await asyncio.get_running_loop().create_future()
    except TimeoutError:
        pass
