"""SIP that is none: a gateway that is sent nonsense lives, forgets it, and goes on calling."""

import random

import pytest
from sippy.Core.EventDispatcher import ED2

from ringfloor.base.limits import SIP_MESSAGE_BYTES_MAX, SIP_REPEATS_MAX
from ringfloor.gateway.signalling import Invited
from voice.sip_far_end import ANSWER, OFFER, Calling
from voice.sip_worlds import a_world

TOKENS = [
    b"",
    b"\r\n",
    b"\r\n\r\n",
    b"\0",
    b"\x85",
    b"\xff\xfe",
    b";",
    b"<",
    b">",
    b'"',
    b",",
    b"%",
    b"%0d%0a",
    b"=",
    b":",
    b"@",
    b"[",
    b"*",
    b"-1",
    b"99999999999999999999",
    b"9" * 5_000,
    b"SIP/2.0 ",
    b"tag=",
    b"branch=",
    b"Content-Length: -5\r\n",
    b"Content-Length: 99999\r\n",
    b"Via: \r\n",
    b"CSeq: x INVITE\r\n",
    b"Contact: *\r\n",
    b"Expires: -1\r\n",
    b"tel:",
    b"sips:",
    b"<sip:a@[::1]>",
    b"Require: a,b\r\n",
    b"Content-Type: multipart/mixed;boundary=\r\n",
]


def mutations(seed, originals, number):
    """Real messages with a piece cut out, doubled, changed, or something put in."""
    dice = random.Random(seed)
    for _ in range(number):
        text = bytearray(dice.choice(originals))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(text) + 1)
            to = min(len(text), at + dice.choice((0, 1, 3, 10, 60)))
            match dice.randrange(5):
                case 0:
                    del text[at:to]
                case 1:
                    text[at:at] = text[at:to]
                case 2:
                    text[at:to] = bytes(dice.randrange(256) for _ in range(to - at))
                case 3:
                    text[at:to] = dice.choice(TOKENS)
                case 4:
                    lines = bytes(text).split(b"\r\n")
                    dice.shuffle(lines)
                    text = bytearray(b"\r\n".join(lines))
        yield bytes(text)


def originals(far, invite_of_ours):
    """What far ends say, of dialogs that are and of such that are not."""
    uri = "sip:+15550199@ringfloor.test"
    told = [("P-Asserted-Identity", '"A" <tel:+15550100>'), ("Record-Route", "<sip:127.0.0.1;lr>")]
    texts = [far.request("INVITE", uri, body=OFFER, headers=told)]
    texts += [
        far.request(method, uri) for method in ("OPTIONS", "BYE", "CANCEL", "ACK", "REGISTER")
    ]
    texts += [
        far.response(invite_of_ours, status, ANSWER if status == 200 else "")
        for status in (100, 180, 200, 302, 401, 486)
    ]
    auth = 'Digest realm="a", nonce="b", qop="auth", algorithm=MD5'
    texts.append(far.response(invite_of_ours, 401, headers=[("WWW-Authenticate", auth)]))
    return [text.encode() for text in texts]


async def a_normal_call(world):
    far = await world.another()
    call = Calling(far, world.at, to="+15550777")
    while True:
        invited = await world.hears(object)
        if isinstance(invited, Invited) and invited.to == "+15550777":
            break
    world.sip.accept(invited.leg_id, ANSWER)
    await call.hears(200)
    call.within("ACK")
    call.within("BYE")
    assert (await call.hears(200))["CSeq"] == "2 BYE"


@pytest.mark.parametrize("seed", range(4))
async def test_nonsense_is_survived_and_forgotten(seed, caplog):
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        world.far.deaf = True  # the answers are as broken as the questions
        for number, message in enumerate(mutations(seed, originals(world.far, invite), 1_000)):
            world.far.send(message[:60_000], world.at)
            if number % 20 == 0:
                await world.settled()  # or the kernel's buffer would lose some
        await a_normal_call(world)
        assert [each for each in caplog.records if each.levelname == "ERROR"] == []
        world.sip.hang_up("out", 16)  # a 200 may have survived the mutation
        for _ in range(3):
            await world.later(400)
        manager = world.sip.stack._transactions
        assert not manager.tclient
        assert not manager.tserver
        assert not world.sip._legs
        assert not world.sip._calls
        assert not world.sip._begun
        assert len(manager.l1rcache) + len(manager.l2rcache) < 100
        assert len([timer for timer in ED2.tlisteners if timer.cb_func is not None]) < 10


async def test_nonsense_of_strangers_is_not_read():
    async with a_world() as world:
        stranger = await world.another("127.0.0.2")
        world.dial()
        invite = await world.far.hears("INVITE")
        before = len(world.sip.stack._transactions.l1rcache)
        for number, message in enumerate(mutations(9, originals(stranger, invite), 500)):
            stranger.send(message[:60_000], world.at)
            if number % 20 == 0:
                await world.settled()
        await world.settled()
        assert stranger.drain() == []
        assert world.told == []
        assert len(world.sip.stack._transactions.l1rcache) == before
        await a_normal_call(world)


async def test_messages_that_are_too_long_or_too_many():
    async with a_world() as world:
        filler = [("X-Filler", "x" * SIP_MESSAGE_BYTES_MAX)]
        Calling(world.far, world.at, headers=filler)
        await a_normal_call(world)
        manager = world.sip.stack._transactions
        manager.l1rcache |= {number.to_bytes(16, "big"): None for number in range(SIP_REPEATS_MAX)}
        await a_normal_call(world)
        assert len(manager.l1rcache) < 100, "the older half is to be forgotten"


async def test_a_fault_of_ours_is_answered_and_told(monkeypatch, caplog):
    async with a_world() as world:

        def broken(*_):
            raise RuntimeError("ours")

        with monkeypatch.context() as patched:
            patched.setattr(world.sip, "_invited", broken)
            await Calling(world.far, world.at).hears(500)
        assert "ours" in caplog.text
        await a_normal_call(world)
