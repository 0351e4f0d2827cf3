"""Voice: what somebody who means harm may send us, and what comes of it; over real sockets."""

import itertools
import logging
from pathlib import Path

import pytest

from ringfloor.base.limits import SIP_STRAYS_MAX
from ringfloor.gateway.media import g711
from ringfloor.gateway.media.leg import Leg
from ringfloor.gateway.media.plane import MediaTimeout, Plane, RecordingOver
from ringfloor.gateway.media.ports import Ports
from ringfloor.gateway.media.recorder import spooled
from ringfloor.gateway.media.sdp import Remote, SdpRefused
from ringfloor.gateway.signalling import Ended, Invited, Registered
from ringfloor.gateway.sip.registrar import Phone
from ringfloor.gateway.sip.trunks import Trunk
from voice.browser_edge import a_peer, beside
from voice.sip_far_end import ANSWER, OFFER, Calling, digest
from voice.sip_worlds import a_world
from voice.test_plane import FakeLeg, Music, value
from voice.test_webrtc import OFFER as BROWSERS_OFFER

HOME = "127.0.0.1"
DESK = Phone(username="desk", number="+15550142", password="secret")


def with_calls(calls):
    """A trunk with room for so many."""
    return lambda far: [
        Trunk(name="main", host=HOME, port=far.port, sources=(HOME,), keep_alive=0, calls=calls)
    ]


# Signalling


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 503),
        ({"to": "reception"}, 404),
        ({"contact": False}, 400),
        ({"headers": [("Require", "100rel")]}, 420),
        ({"remote": "<sip:+15550199@127.0.0.1>;tag=none"}, 481),
    ],
)
async def test_a_flood_from_a_trunks_address_leaves_nothing_behind(given, status):
    """Whoever says that he is a trunk: no memory, and no answer that is not an answer to him."""
    async with a_world(trunks=with_calls(1)) as world:
        first = Calling(world.far, world.at)
        await first.hears(100)
        for _ in range(30):
            await Calling(world.far, world.at, **given).hears(status)
        await world.settled()
        assert len(world.sip.stack._transactions.tserver) == 1
        await world.later(4)
        assert [each for each in world.far.drain() if each.status == status] == []
        assert isinstance(await world.hears(Invited), Invited)
        assert world.told == []


async def test_answers_to_calls_of_nobody_cost_us_so_much_and_no_more():
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        for number in range(SIP_STRAYS_MAX + 20):
            stray = world.far.response(invite, 200, ANSWER, tag=f"fork{number}")
            world.far.send(stray.replace(invite["Call-ID"], f"nobodys{number}"), world.at)
        for _ in range(SIP_STRAYS_MAX):
            await world.settled()
        asked = world.sip.stack._transactions.tclient.values()
        assert sum(each.method == "BYE" for each in asked) == SIP_STRAYS_MAX
        await world.later(40)
        assert world.sip._dismissed == 0


@pytest.mark.parametrize("status", [300, 301, 302, 305, 380])
async def test_nobody_sends_our_calls_elsewhere(status):
    """Who answers with another number has not answered: it would be dialled past all rules."""
    async with a_world() as world:
        other = await world.another()
        world.dial()
        invite = await world.far.hears("INVITE")
        contact = [("Contact", f"<sip:+19005550100@{other.host}:{other.port}>")]
        world.far.answer(invite, status, headers=contact)
        await world.far.hears("ACK")
        assert (await world.hears(Ended)).status == status
        assert other.drain() == [] == world.far.drain()


async def test_a_phone_cannot_call_through_us_to_anybody():
    """With its password, a Route and a foreign Request-URI: it is our caller, and no more."""
    async with a_world(phones=[DESK]) as world:
        phone = await world.another()
        uri = "sip:ringfloor.test"
        given = {"to": "<sip:desk@ringfloor>", "contact": f"<sip:desk@{HOME}:{phone.port}>"}
        world.far.drain()
        register = _request("REGISTER", uri, phone, **given)
        phone.send(register, world.at)
        challenge = (await phone.hears(401))["WWW-Authenticate"]
        proof = digest(challenge, "desk", "secret", "REGISTER", uri)
        phone.send(_request("REGISTER", uri, phone, cseq=2, proof=proof, **given), world.at)
        await phone.hears(200)
        away = f"sip:+19005550100@{world.far.host}:{world.far.port}"
        route = f"Route: <sip:{world.far.host}:{world.far.port};lr>\r\n"
        phone.send(_request("INVITE", away, phone, extra=route, **given), world.at)
        challenge = (await phone.hears(401))["WWW-Authenticate"]
        proof = digest(challenge, "desk", "secret", "INVITE", away)
        again = _request("INVITE", away, phone, cseq=2, proof=proof, extra=route, **given)
        phone.send(again, world.at)
        await phone.hears(100)
        await world.hears(Registered)
        told = await world.hears(Invited)
        assert (told.from_, told.to, told.trunk) == (DESK.number, "+19005550100", "")
        await world.settled()
        assert world.far.drain() == [], "the trunk has heard of it"


_BRANCHES = itertools.count()


def _request(method, uri, phone, *, to, contact, cseq=1, proof="", extra=""):
    body = OFFER if method == "INVITE" else ""
    return (
        f"{method} {uri} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {phone.host}:{phone.port};rport;branch=z9hG4bKs{next(_BRANCHES)}\r\n"
        f"{extra}From: <sip:desk@ringfloor>;tag={method}\r\nTo: {to}\r\n"
        f"Call-ID: {method}-{phone.port}\r\n"
        f"CSeq: {cseq} {method}\r\nContact: {contact}\r\n"
        + (f"Authorization: {proof}\r\n" if proof else "")
        + ("Content-Type: application/sdp\r\n" if body else "")
        + f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


# Sound


def test_a_far_end_does_not_have_us_send_to_ourselves():
    """There its sound would come to the legs of browsers, or to whatever this machine has."""
    leg = Leg("a", "192.0.2.10", Ports(HOME, 0, 0))
    try:
        for host in (HOME, "127.8.8.8"):
            with pytest.raises(SdpRefused, match="this machine's own"):
                leg.point(Remote(host, 4_000, 4_001))
        leg.point(Remote("192.0.2.1", 4_000, 4_001))
    finally:
        leg.close()


@pytest.mark.parametrize("where", ["receive", "hear", "digits", "say"])
def test_a_leg_that_fails_is_alone_in_it(tmp_path, caplog, where):
    """Whatever its far end has found to break: it times out, and all others go on."""
    told = []
    plane = Plane(
        lambda event, _: told.append(event), sounds=Music(), media_timeout_ms=9_000, spool=tmp_path
    )
    legs = [FakeLeg("a", 100), FakeLeg("bad", 900), FakeLeg("b", 200)]
    for each in legs:
        plane.add(each)
        plane.listening(each.leg_id, True)
        plane.join("room", each.leg_id)
    plane.tick(0)

    def broken(*_):
        raise ArithmeticError("a far end has done this")

    setattr(legs[1], where, broken)
    with caplog.at_level(logging.CRITICAL):
        for now in range(20, 120, 20):
            plane.tick(now)
    assert [each for each in told if isinstance(each, MediaTimeout)] == [MediaTimeout("bad")]
    assert (legs[0].heard[-3:], legs[2].heard[-3:]) == ([200] * 3, [100] * 3)
    plane.drop("bad")
    assert legs[1].closed
    plane.close()


def test_what_is_said_in_a_pause_is_in_no_recording(tmp_path):
    """Not a sample, on either side, also where the pause came before the recording began."""
    told = []
    plane = Plane(
        lambda event, _: told.append(event), sounds=Music(), media_timeout_ms=9_000, spool=tmp_path
    )
    legs = [FakeLeg("customer", 1_000), FakeLeg("agent", 2_000)]
    for each in legs:
        plane.add(each)
        plane.listening(each.leg_id, True)
        plane.join("room", each.leg_id)
    path = spooled(tmp_path, "calls/../../r.wav")
    plane.record("r", "room", "agent", path)
    plane.pause("r")
    clock = itertools.count(0, 20)

    def said(customer, agent, ticks=7):
        legs[0].says, legs[1].says = customer, agent
        for _ in range(ticks):
            plane.tick(next(clock))

    said(7, 7)
    plane.resume("r")
    said(1_000, 2_000)
    plane.pause("r")
    said(7, 7, 120)
    plane.resume("r")
    said(1_000, 2_000)
    plane.stop_recording("r")
    plane.close()
    plane.tick(next(clock))
    assert [each.path for each in told if isinstance(each, RecordingOver)] == [path]
    assert path.parent == tmp_path, "whatever its name: in the spool"
    sound = memoryview(path.read_bytes()[44:]).cast("h")
    pairs = set(zip(sound[::2], sound[1::2], strict=True))
    assert pairs == {(0, 0), (1_000, 2_000)}
    assert len(sound) // 2 == (7 + 7 + 120 + 7) * g711.FRAME_SAMPLES
    assert value(g711.SILENCE) == 0


# Browsers


@pytest.mark.slow
def test_the_edge_that_reads_what_strangers_send_knows_no_password(monkeypatch):
    monkeypatch.setenv("CARRIER_PASSWORD", "geheim")
    with beside() as edge, a_peer() as peer:
        edge.attach("ann", BROWSERS_OFFER, peer)
        process = edge.browsers._edge.process
        assert b"geheim" not in Path(f"/proc/{process.pid}/environ").read_bytes()
