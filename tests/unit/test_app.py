"""What runs beside a server: it begins when the address is served, and a failure ends both."""

import asyncio
import signal
from io import StringIO

import pytest

from ringfloor.app import App
from ringfloor.config import Settings


def an_app() -> App:
    settings = Settings(port=0, access_key_id="AKIA", secret_access_key="secret")
    return App(settings, print)


async def test_what_runs_beside_begins_when_the_address_is_served_and_ends_with_the_server():
    out, app, told = StringIO(), an_app(), []

    async def beside(address: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        told.append(out.getvalue())
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            told.append("over")

    async with asyncio.timeout(30):
        await app.run(out, beside)
    assert told[0].startswith("ringfloor: listening on http://")
    assert told[1:] == ["over"]


async def test_a_failure_beside_the_server_ends_it():
    app = an_app()

    async def beside(_address: str) -> None:
        raise ValueError("nobody is there")

    with pytest.raises(ValueError, match="nobody is there"):
        async with asyncio.timeout(30):
            await app.run(StringIO(), beside)
    assert not app.node.is_well()
