"""The link on real sockets: who may come, frames that break off, readers that are slow."""

import asyncio
import contextlib
import stat
import threading
from pathlib import Path

import pytest

from ringfloor.base.errors import Fault
from ringfloor.base.limits import GATEWAY_SOCKET_PATH_BYTES_MAX, LINK_HANDSHAKE_BYTES_MAX
from ringfloor.base.time import WallClock
from ringfloor.gateway import host as hosts
from ringfloor.gateway import link
from ringfloor.gateway.host import Host, checked_path, read_key, serve
from ringfloor.gateway.link import HEAD_BYTES, Challenge, LinkBroken, framed
from ringfloor.gateway.phones import Phones
from ringfloor.gateway.remote import Remote
from ringfloor.telephony.commands import Answer, Gather, Originate
from ringfloor.telephony.events import ChannelAnswered, ChannelIncoming, GatherFinished

CENTER, ALICE, SLOW = "+18005550100", "+12065550101", "+12065550103"


class Server:
    """A server's end of the link: its carrier, and the socket in a test's hands."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.events = []
        self.remote = Remote(lambda event, _at: self.events.append(event), lambda: None, key)
        self.path = path
        self._clock = WallClock()

    async def connect(self):
        self._reader, self._writer = await asyncio.open_unix_connection(self.path)
        self.remote.open(self._writer.write, self._writer.close)
        return self

    async def until(self, is_so):
        """Read and take part until something is so."""
        async with asyncio.timeout(20):
            while not is_so():
                data = await self._reader.read(1 << 16)
                if not data:
                    raise EOFError
                self.remote.receive(data)
                self.remote.run_due(self._clock.now())

    def perform(self, *commands):
        for command in commands:
            self.remote.perform(command, self._clock.now())

    async def cut(self, half=b""):
        """Break the connection, after half a frame."""
        with contextlib.suppress(OSError):  # the other side was quicker
            self._writer.write(half)
            await self._writer.drain()
        await self.close()
        self.remote.lost()

    async def close(self):
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@pytest.fixture
async def gateway(tmp_path):
    """A host on a socket, and the way in: a Server each."""
    clock = WallClock()
    key = read_key(tmp_path / "gateway.key")
    host = Host(key, clock.now())
    host.phones = Phones(host.hear)
    host.connect(host.phones)
    host.path = tmp_path / "gateway.sock"
    servers = []

    def server() -> Server:
        servers.append(Server(host.path, key))
        return servers[-1]

    host.server = server
    task = asyncio.create_task(serve(host, host.path, clock))
    await passes(host.path.exists)
    yield host
    host.over = "the test is over"
    host.wake()
    await task
    for each in servers:
        await each.close()


async def passes(is_so):
    """Let the loop turn until something is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0)


def call(host, channel_id):
    host.phones.call(ALICE, CENTER, channel_id, WallClock().now())
    host.wake()


def gather(channel_id):
    return Gather(f"g-{channel_id}", channel_id, (), 9, 60_000)


async def closed(reader) -> bytes:
    """What was said before the other side hung up."""
    async with asyncio.timeout(20):
        return await reader.read()


async def test_a_call_over_a_socket_that_is_ours_alone(gateway):
    assert stat.S_IMODE(gateway.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((gateway.path.parent / "gateway.key").stat().st_mode) == 0o600
    server = await gateway.server().connect()
    await server.until(lambda: server.remote.connected)
    call(gateway, "c1")
    await server.until(lambda: server.events)
    server.perform(Answer("c1"))
    await server.until(lambda: len(server.events) == 2)
    assert server.events == [ChannelIncoming("c1", ALICE, CENTER), ChannelAnswered("c1")]


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        framed(b"\xc1"),
        framed(b"x" * (LINK_HANDSHAKE_BYTES_MAX + 1)),
        b"\0" * HEAD_BYTES,
        b"\xff" * 100_000,
    ],
)
async def test_whoever_speaks_otherwise_is_cut_off_and_the_next_is_heard(gateway, said):
    reader, writer = await asyncio.open_unix_connection(gateway.path)
    writer.write(said)
    answer = await closed(reader)
    writer.close()
    await writer.wait_closed()
    assert link.codec.decoder(Challenge).decode(answer[HEAD_BYTES:]).version == link.VERSION
    server = await gateway.server().connect()
    await server.until(lambda: server.remote.connected)


async def test_a_wrong_key_is_cut_off_at_once_and_counted(gateway):
    stranger = await gateway.server().connect()
    stranger.remote._key = b"x" * 32
    stranger.remote.open(stranger._writer.write, stranger._writer.close)
    with pytest.raises((EOFError, LinkBroken)):
        await stranger.until(lambda: stranger.remote.connected)
    assert gateway.refused == 1


@pytest.mark.parametrize("half", [b"", b"\0", b"\0\0\0\x40half of a message"])
async def test_a_frame_that_breaks_off_costs_the_connection_and_no_call(gateway, half):
    server = await gateway.server().connect()
    call(gateway, "c1")
    await server.until(lambda: server.events)
    server.perform(Answer("c1"), gather("c1"))
    await server.until(lambda: len(server.events) == 2)
    await server.cut(half)
    gateway.phones.press("c1", "12#", WallClock().now())
    gateway.wake()
    await server.connect()
    await server.until(lambda: len(server.events) == 3)
    assert server.events[2] == GatherFinished("g-c1", "c1", "12", "terminator")


async def test_a_reader_that_is_slow_holds_nobody_up_and_misses_nothing(gateway):
    """It reads nothing while much happens: the gateway keeps one batch for the socket."""
    server = await gateway.server().connect()
    await server.until(lambda: server.remote.connected)
    for number in range(300):
        call(gateway, f"c{number}")
    await passes(lambda: len(gateway._session.events) == 300)
    assert gateway._server.end.proved
    await server.until(lambda: len(server.events) == 300)
    assert [event.channel_id for event in server.events] == [f"c{n}" for n in range(300)]


async def test_who_lags_too_far_behind_begins_anew_and_finds_all_calls(gateway, monkeypatch):
    monkeypatch.setattr(link, "LINK_QUEUE_MAX", 10)
    server = await gateway.server().connect()
    await server.until(lambda: server.remote.connected)
    server.perform(Originate("d1", SLOW, CENTER, 20_000))
    for number in range(30):
        call(gateway, f"c{number}")
    with pytest.raises((EOFError, ConnectionError)):
        await server.until(lambda: len(server.events) == 100)
    await server.cut()
    await server.connect()
    await server.until(lambda: len(server.remote.channels()) == 31)
    incoming = [event.channel_id for event in server.events if isinstance(event, ChannelIncoming)]
    assert sorted(incoming) == sorted(f"c{n}" for n in range(30))


async def test_there_is_one_gateway_in_a_directory(gateway):
    other = Host(b"k" * 32, 0)
    with pytest.raises(Fault, match="another gateway uses"):
        await serve(other, gateway.path, WallClock())
    assert gateway.path.exists()


def test_a_directory_that_others_can_write_to_is_refused(tmp_path):
    tmp_path.chmod(0o770)
    with pytest.raises(Fault, match="others can write"):
        asyncio.run(serve(Host(b"k" * 32, 0), tmp_path / "gateway.sock", WallClock()))


def test_a_path_that_is_too_long_for_a_socket_says_so():
    fits = Path("/" + "x" * (GATEWAY_SOCKET_PATH_BYTES_MAX - 1))
    assert checked_path(fits) == fits
    with pytest.raises(Fault, match="choose a data directory with a shorter path"):
        checked_path(Path(f"{fits}x"))


def test_a_key_is_made_once_and_only_ours(tmp_path):
    path, found = tmp_path / "gateway.key", []
    makers = [threading.Thread(target=lambda: found.append(read_key(path))) for _ in range(8)]
    for each in makers:
        each.start()
    for each in makers:
        each.join()
    assert len(set(found)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["gateway.key"]
    path.chmod(0o640)
    with pytest.raises(Fault, match="others can read"):
        read_key(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Fault, match="not 32 bytes"):
        read_key(path)
    assert hosts.read_key is read_key
