"""SIP against sipp, as the trunk: somebody else's idea of the protocol. The scenarios are ours."""

import asyncio
import re
import shutil
import socket
from pathlib import Path

import pytest

from javascript import missing
from ringfloor.gateway.signalling import Accepted, Ended, Invited, Reoffered, Rings
from ringfloor.gateway.sip.digest import Account
from ringfloor.gateway.sip.trunks import Trunk
from voice.sip_far_end import ANSWER
from voice.sip_worlds import a_world

SCENARIOS = Path(__file__).parent / "sipp"
SECONDS = 30


@pytest.fixture(autouse=True)
def sipp():
    found = shutil.which("sipp")
    return found or missing("no sipp on the path: apt-get install sip-tester")


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Sipp:
    """One run of sipp with a scenario, at a port of its own."""

    def __init__(self, program, where, port):
        self.program, self.where, self.port = program, where, port

    async def run(self, scenario, at, *options, host="127.0.0.1"):
        """Its exit status and the calls that it counts as successful; 0 is all of them."""
        process = await asyncio.create_subprocess_exec(
            self.program,
            f"{at[0]}:{at[1]}",
            *("-sf", SCENARIOS / f"{scenario}.xml", "-i", host, "-p", str(self.port)),
            *("-nostdin", "-skip_rlimit", "-trace_err", "-error_file", "errors", "-aa"),
            *("-timeout", str(SECONDS), "-timeout_error", *(options or ("-m", "1"))),
            cwd=self.where,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), SECONDS + 10)
        finally:
            if process.returncode is None:
                process.kill()
        errors = self.where / "errors"
        trouble = errors.read_text() if errors.exists() else ""
        assert process.returncode == 0, said.decode()[-1500:] + trouble[:3000]


@pytest.fixture
def peer(sipp, tmp_path):
    return Sipp(sipp, tmp_path, free_port())


def as_trunk(peer, **given):
    given = {"sources": ("127.0.0.1",), "keep_alive": 0} | given
    return [Trunk(name="sipp", host="127.0.0.1", port=peer.port, **given)]


async def serve(world, *, rings=True):
    """Answer whoever calls, and agree to whatever is offered, for ever."""
    while True:
        match await world.hears(object, seconds=SECONDS):
            case Invited(leg_id=leg):
                if rings:
                    world.sip.ring(leg)
                world.sip.accept(leg, ANSWER)
            case Reoffered(leg_id=leg):
                world.sip.reanswer(leg, ANSWER)
            case Ended() as ended:
                world.ended.append(ended)
                if len(world.ended) == world.expected:
                    return


async def served(world, peer, scenario, *options, calls=1):
    world.ended, world.expected = [], calls
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(world))
        group.create_task(peer.run(scenario, world.at, *options))
    return world.ended


@pytest.mark.parametrize("scenario", ["caller", "caller_holds"])
async def test_sipp_calls(peer, scenario):
    async with a_world(trunks=as_trunk(peer)) as world:
        (ended,) = await served(world, peer, scenario)
        assert (ended.by, ended.q850, ended.status) == ("remote", 16, None)
        assert world.told == []


async def test_many_calls_at_once(peer):
    async with a_world(trunks=as_trunk(peer, calls=500)) as world:
        ended = await served(world, peer, "caller", "-m", "300", "-r", "100", calls=300)
        assert {each.q850 for each in ended} == {16}
        assert len({each.leg_id for each in ended}) == 300
        await world.settled()
        assert world.sip.trunk_states() == [("sipp", True, 0)]
        assert world.sip._calls == {}


async def test_calls_go_on_where_packets_are_lost(peer):
    async with a_world(trunks=as_trunk(peer)) as world:
        many = ("-m", "20", "-r", "20", "-lost", "10")  # percent, in either direction
        ended = await served(world, peer, "caller", *many, calls=20)
        assert {each.q850 for each in ended} == {16}


async def test_sipp_calls_and_cancels(peer):
    async with a_world(trunks=as_trunk(peer)) as world:
        run = asyncio.create_task(peer.run("caller_cancels", world.at))
        world.sip.ring((await world.hears(Invited)).leg_id)
        ended = await world.hears(Ended)
        assert (ended.status, ended.q850) == (487, 16)
        await run
        assert world.told == []


async def test_sipp_calls_and_is_refused(peer):
    async with a_world(trunks=as_trunk(peer)) as world:
        run = asyncio.create_task(peer.run("caller_is_refused", world.at))
        world.sip.refuse((await world.hears(Invited)).leg_id, 486, 17)
        await run
        await world.settled()
        assert world.told == []


async def test_sipp_calls_and_is_hung_up(peer):
    async with a_world(trunks=as_trunk(peer)) as world:
        run = asyncio.create_task(peer.run("caller_waits", world.at))
        invited = await world.hears(Invited)
        world.sip.accept(invited.leg_id, ANSWER)
        world.sip.hang_up(invited.leg_id, 16)
        await run
        assert world.told == []


async def test_sipp_is_called(peer):
    async with a_world(trunks=as_trunk(peer)) as world:
        run = asyncio.create_task(peer.run("called", world.at))
        world.dial()
        await world.hears(Rings)
        assert re.search("m=audio", (await world.hears(Accepted)).sdp)
        world.sip.hang_up("out", 16)
        await run
        assert world.told == []


async def test_sipp_is_called_and_hangs_up(peer):
    async with a_world(trunks=as_trunk(peer)) as world:
        run = asyncio.create_task(peer.run("called_hangs_up", world.at))
        world.dial()
        await world.hears(Accepted)
        ended = await world.hears(Ended)
        assert (ended.by, ended.q850, ended.status) == ("remote", 31, None)
        await run


async def test_sipp_is_called_and_busy(peer):
    async with a_world(trunks=as_trunk(peer)) as world:
        run = asyncio.create_task(peer.run("called_is_busy", world.at))
        world.dial()
        ended = await world.hears(Ended)
        assert (ended.status, ended.q850) == (486, 17)
        await run


@pytest.mark.parametrize("scenario", ["called_rings_for_ever", "called_crosses"])
async def test_sipp_is_called_and_cancelled(peer, scenario):
    async with a_world(trunks=as_trunk(peer)) as world:
        run = asyncio.create_task(peer.run(scenario, world.at))
        world.dial()
        await world.hears(Rings)
        world.sip.hang_up("out", 16)
        await run
        await world.settled()
        assert world.told == []


async def test_sipp_asks_for_a_password(peer):
    account = Account("us", "secret")
    async with a_world(trunks=as_trunk(peer, account=account)) as world:
        run = asyncio.create_task(peer.run("called_asks_for_a_password", world.at))
        world.dial()
        await world.hears(Accepted)
        world.sip.hang_up("out", 16)
        await run
        assert world.told == []


async def test_calls_go_on_while_strangers_flood(peer):
    async with a_world(trunks=as_trunk(peer, calls=500)) as world:
        stranger = await world.another("127.0.0.2")

        async def flood():
            packet = stranger.request("INVITE", "sip:+15550199@ringfloor.test").encode()
            while True:
                for _ in range(50):
                    stranger.send(packet, world.at)
                await world.settled()

        flooding = asyncio.create_task(flood())
        await served(world, peer, "caller", "-m", "50", "-r", "50", calls=50)
        flooding.cancel()
        assert world.sip.strangers > 1_000
        assert stranger.drain() == []
