"""The gateway as a process: it dies, its server dies, both die, and nobody's call is lost in it."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from acceptance.center import FirstCenter
from acceptance.conftest import Server
from ringfloor.base.time import WallClock
from ringfloor.gateway import process
from ringfloor.gateway.process import LOG, GatewayProcess
from ringfloor.telephony.commands import Answer, HangUp, Originate
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelHungUp,
    ChannelIncoming,
    ChannelRinging,
)
from voice.phone_gateway import ITSELF, Far, command

CENTER, ALICE, BOB = "+18005550100", "+12065550101", "+12065550102"
CALLS = 20


@pytest.fixture
def directory():
    """Of a gateway; short, as the path of a socket must be."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


# A gateway and who keeps it


class Keeper:
    """A server as far as the gateway is concerned."""

    def __init__(self, directory: Path, start: list[str] | None = None) -> None:
        self.events = []
        self.woken = asyncio.Event()
        self.clock = WallClock()
        self.gateway = GatewayProcess(
            start or command(Path("voice.toml"), directory),
            directory,
            os.environ,
            lambda event, _at: self.events.append(event),
            self.woken.set,
        )
        self.remote = self.gateway.remote
        self.far = Far(directory)

    async def until(self, is_so):
        """As a node does: look when woken, and when something is due."""
        async with asyncio.timeout(60):
            while True:
                self.remote.run_due(self.clock.now())
                if is_so():
                    return
                due = self.remote.next_due()
                later = None if due is None else max(due - self.clock.now(), 1) / 1000
                try:
                    async with asyncio.timeout(later):
                        await self.woken.wait()
                except TimeoutError:
                    pass
                self.woken.clear()

    def perform(self, *commands):
        for each in commands:
            self.remote.perform(each, self.clock.now())

    def ask(self, *arguments):
        """The far ends, from another thread: the loop must turn."""
        return asyncio.to_thread(*arguments)

    async def calls(self, number=CALLS):
        """So many callers are answered."""
        names = [f"c{each}" for each in range(number)]
        for name in names:
            await self.ask(self.far.call, ALICE, CENTER, name)
        await self.until(
            lambda: self.events.count(ChannelIncoming) == 0 and len(self.events) >= number
        )
        self.perform(*map(Answer, names))
        await self.until(lambda: len(self.events) == 2 * number)
        self.events.clear()
        return names


@pytest.fixture
async def keep(directory):
    """Makes keepers of a gateway in the directory, and ends what they leave."""
    keepers = []

    async def begin(start=None):
        keepers.append(Keeper(directory, start))
        await keepers[-1].gateway.start()
        return keepers[-1]

    yield begin
    for each in keepers:
        await each.gateway.close(keep=False)


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


async def test_twenty_calls_are_told_as_gone_when_the_gateway_is_killed_and_new_ones_begin(
    keep, directory, caplog
):
    keeper = await keep()
    names = await keeper.calls()
    await keeper.ask(keeper.far.say, "something to remember")
    with caplog.at_level(logging.ERROR):
        os.kill(keeper.remote.gateway_pid, signal.SIGKILL)
        await keeper.until(lambda: not keeper.remote.connected)
        keeper.perform(Originate("d1", BOB, CENTER, 20_000))
        await keeper.until(lambda: len(keeper.events) == CALLS + 2)
    gone = of(keeper.events, ChannelHungUp)
    assert sorted(each.channel_id for each in gone) == sorted(names)
    assert {(each.by, each.q850) for each in gone} == {("remote", Q850.TEMPORARY_FAILURE)}
    assert keeper.events[-2:] == [ChannelRinging("d1"), ChannelAnswered("d1")]
    assert "the gateway has ended by signal 9" in caplog.text
    assert "something to remember" in caplog.text
    assert "something to remember" in (directory / LOG).read_text()


async def test_another_server_goes_on_with_the_calls_of_one_that_left_them(keep, caplog):
    first = await keep()
    names = await first.calls(3)
    pid = first.remote.gateway_pid
    with caplog.at_level(logging.INFO):
        await first.gateway.close(keep=True)
    assert "3 calls go on in the gateway" in caplog.text
    await first.ask(first.far.hang_up, names[0])
    second = await keep()
    assert second.remote.gateway_pid == pid
    held = second.remote.channels()
    assert [each.channel_id for each in held] == names[1:]
    second.perform(HangUp(names[1]))
    await second.until(lambda: second.events)
    assert second.events[0].by == "local"


async def test_a_server_that_stops_ends_a_gateway_without_calls_or_without_a_future(keep):
    for names, keep_calls in ((0, True), (2, False)):
        keeper = await keep()
        await keeper.calls(names)
        child = keeper.gateway._child
        await keeper.gateway.close(keep=keep_calls)
        assert child.poll() == 0


async def test_a_gateway_that_cannot_start_is_tried_more_and_more_slowly(keep, monkeypatch, caplog):
    monkeypatch.setattr(process, "GATEWAY_START_MS", 2_000)
    monkeypatch.setattr(process, "BACKOFF_MS", 100)
    with caplog.at_level(logging.ERROR):
        began = time.monotonic()
        keeper = await keep([sys.executable, "-c", "raise SystemExit('no port is free')"])
        assert time.monotonic() - began >= 2
    ends = caplog.text.count("the gateway has ended with status 1")
    assert 2 <= ends <= 5
    assert "no port is free" in caplog.text
    assert "no gateway could be had" in caplog.text
    assert not keeper.remote.connected


async def test_a_server_that_ends_waits_no_longer_for_its_gateway(directory, caplog):
    keeper = Keeper(directory, [sys.executable, "-c", "import signal; signal.pause()"])
    starting = asyncio.create_task(keeper.gateway.start())
    await asyncio.sleep(0)
    keeper.gateway.hurry()
    async with asyncio.timeout(process.GATEWAY_START_MS / 2_000):
        await starting
        await keeper.gateway.close(keep=True)
    assert "no gateway could be had" in caplog.text


async def test_a_gateway_that_hangs_is_killed_and_another_begins(keep, monkeypatch, caplog):
    keeper = await keep()
    for name, value in (("LINK_BEAT_MS", 100), ("LINK_SILENT_MS", 300), ("GATEWAY_HUNG_MS", 500)):
        monkeypatch.setattr(process, name, value)
    await keeper.calls(1)
    pid = keeper.remote.gateway_pid
    with caplog.at_level(logging.ERROR):
        os.kill(pid, signal.SIGSTOP)
        await keeper.until(lambda: of(keeper.events, ChannelHungUp))
    assert keeper.remote.gateway_pid != pid
    assert f"(process {pid}) does not answer" in caplog.text


def test_the_log_is_bounded(directory, monkeypatch):
    monkeypatch.setattr(process, "GATEWAY_LOG_BYTES_MAX", 100)
    log = directory / LOG
    with log.open("ab") as writer:
        writer.write(b"x" * 60)
        writer.flush()
        process._bound(log)
        assert log.stat().st_size == 60
        writer.write(b"y" * 60)
        writer.flush()
        process._bound(log)
        writer.write(b"on")
        writer.flush()
    assert log.read_bytes() == b"on"
    assert (directory / f"{LOG}.1").read_bytes() == b"x" * 40 + b"y" * 60


# The whole server


class VoiceServer(Server):
    """`ringfloor serve --voice`, with a gateway of simulated phones."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.data = data
        self.far = Far(data)
        voice = data.with_suffix(".toml")
        voice.write_text('[gateway]\nlisten = "127.0.0.1:0"\n')
        self._start = [sys.executable, str(ITSELF), "serve", "--port", "0", "--data", str(data)]
        self._start += ["--voice", str(voice), "--sandbox"]
        popen = subprocess.Popen
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subprocess, "Popen", lambda _command, **how: popen(self._start, **how))
            super().__init__()

    def until(self, is_so):
        """Ask again and again; the far ends are real, and so is time."""
        until = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)

    def gateway_pid(self):
        """Of the latest, as soon as there is one."""
        self.until(lambda: "the gateway is process " in self.log())
        words = self.log().rpartition("the gateway is process ")[2]
        return int(words.partition(";")[0])


@pytest.fixture
def serve(directory):
    servers = []

    def begin():
        servers.append(VoiceServer(directory / "data"))
        return servers[-1]

    yield begin
    for each in servers:
        pid = each.gateway_pid() if each.process.poll() is None else None
        each.kill()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


def a_center(server):
    """Twenty callers in line."""
    center = FirstCenter(server)
    contacts = []
    for number in range(CALLS):
        center.customer = f"+120655501{number:02}"
        contacts.append(center.dial())
    server.until(lambda: center.current("CONTACTS_IN_QUEUE").get("CONTACTS_IN_QUEUE") == CALLS)
    return center, contacts


def the_reasons(center, contacts):
    """Why each contact is over; None: it is not."""
    contact = lambda each: center.connect.describe_contact(  # noqa: E731
        InstanceId=center.instance, ContactId=each
    )["Contact"]
    return [
        found.get("DisconnectReason") if "DisconnectTimestamp" in found else None
        for found in map(contact, contacts)
    ]


def again(center, server):
    """The same center at the next server."""
    center.server, center.connect = server, server.client()
    return center


@pytest.mark.slow
def test_twenty_contacts_end_when_the_gateway_is_killed_and_the_center_goes_on(serve):
    server = serve()
    center, contacts = a_center(server)
    os.kill(server.gateway_pid(), signal.SIGKILL)
    server.until(lambda: None not in the_reasons(center, contacts))
    assert set(the_reasons(center, contacts)) == {"TELECOM_PROBLEM"}
    center.dial()
    server.until(lambda: center.current("CONTACTS_IN_QUEUE").get("CONTACTS_IN_QUEUE") == 1)


@pytest.mark.slow
def test_twenty_contacts_survive_a_killed_server_but_for_those_who_have_hung_up(serve):
    server = serve()
    center, contacts = a_center(server)
    pid = server.gateway_pid()
    server.kill()
    assert server.far.channels() == dict.fromkeys(contacts, "up")
    for contact in contacts[:3]:
        server.far.hang_up(contact)
    server = serve()
    assert server.gateway_pid() == pid
    again(center, server)
    server.until(lambda: None not in the_reasons(center, contacts[:3]))
    assert the_reasons(center, contacts) == ["CUSTOMER_DISCONNECT"] * 3 + [None] * 17
    assert set(server.far.channels()) == set(contacts[3:])
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contacts[5])
    server.until(lambda: contacts[5] not in server.far.channels())


@pytest.mark.slow
@pytest.mark.parametrize("first", ["server", "gateway"])
def test_nobody_is_left_when_both_are_killed(serve, first):
    server = serve()
    center, contacts = a_center(server)
    pid = server.gateway_pid()
    kills = [server.kill, lambda: os.kill(pid, signal.SIGKILL)]
    for kill in kills if first == "server" else reversed(kills):
        kill()
    server = serve()
    again(center, server)
    server.until(lambda: None not in the_reasons(center, contacts))
    assert set(the_reasons(center, contacts)) == {"TELECOM_PROBLEM"}
    assert server.gateway_pid() != pid
    assert server.far.channels() == {}


@pytest.mark.slow
def test_a_server_that_stops_leaves_its_calls_and_a_sandbox_has_no_phones(serve):
    server = serve()
    center, contacts = a_center(server)
    status, said = server.refused("PUT", "/_ringfloor/phones/+12065550100", {"behaviour": "busy"})
    assert (status, "without --voice" in said) == (400, True)
    status, log = server.stop()
    assert status == 0
    assert f"{CALLS} calls go on in the gateway" in log
    server = serve()
    again(center, server)
    server.far.hang_up(contacts[0])
    server.until(lambda: the_reasons(center, contacts[:1]) == ["CUSTOMER_DISCONNECT"])
    assert the_reasons(center, contacts[1:]) == [None] * (CALLS - 1)
