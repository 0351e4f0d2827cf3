"""Desk phones: who they are, where they are, and calls from and to them."""

import re

import pytest

from ringfloor.base.limits import (
    SIP_FAILURES_MAX,
    SIP_NONCE_MS,
    SIP_NONCES_MAX,
    SIP_REGISTER_SECONDS_MAX,
)
from ringfloor.gateway.signalling import Accepted, Ended, Invited, Registered, Unregistered
from ringfloor.gateway.sip.guard import Guard
from ringfloor.gateway.sip.messages import Message
from ringfloor.gateway.sip.registrar import Phone, Registrar
from voice.sip_far_end import ANSWER, OFFER, Calling, digest
from voice.sip_worlds import a_world

DESK = Phone(username="desk", number="+15550142", password="secret")
HALL = Phone(username="hall", number="+15550143", password="another")
HOST = ("10.1.1.7", 5062)
REALM = "ringfloor"


# By itself, on a time of our own


class Desk:
    """A registrar, and a phone that asks it."""

    def __init__(self, *phones):
        self.guard = Guard({}, ("10.0.0.0/8",))
        self.registrar = Registrar(phones or (DESK, HALL), REALM, self.guard)
        self.now = 0
        self.cseq = 0
        self.challenge = ""
        self.count = 0

    def ask(self, *, proof="", method="REGISTER", source=HOST, uri="sip:ringfloor", **headers):
        self.cseq += 1
        given = {
            "to": f"<sip:{headers.pop('user', 'desk')}@ringfloor>",
            "from": "<sip:desk@ringfloor>;tag=1",
            "contact": "<sip:desk@10.1.1.7:5062;transport=UDP>",
        } | headers
        if proof:
            given["authorization"] = proof
        return Message(
            method=method,
            status=0,
            reason="",
            uri=uri,
            call_id=given.pop("call_id", "reg"),
            cseq=given.pop("cseq", self.cseq),
            headers={name: (value,) for name, value in given.items() if value is not None},
            body="",
            body_type="",
            source=source,
        )

    def register(self, username="desk", password="secret", source=HOST, **given):
        """With a challenge of its own, unless the last shall be used again."""
        if not given.pop("again", False):
            self.challenge = self.challenged(source)
            self.count = 0
        self.count = given.pop("count", self.count + 1)
        proof = digest(self.challenge, username, password, "REGISTER", "sip:ringfloor", self.count)
        for old, new in given.pop("change", {}).items():
            proof = proof.replace(old, new)
        message = self.ask(proof=proof, source=source, **given)
        return self.registrar.register(message, source, self.now)

    def challenged(self, source=HOST):
        answer = self.registrar.register(self.ask(source=source), source, self.now)
        assert answer.status == 401
        return dict(answer.headers)["WWW-Authenticate"]


def test_a_phone_registers_and_is_found_until_its_time_is_over():
    desk = Desk()
    answer = desk.register(expires="90")
    assert (answer.status, answer.told) == (200, (Registered(DESK.number),))
    contact = "<sip:desk@10.1.1.7:5062;transport=UDP>;expires=90"
    assert dict(answer.headers)["Contact"] == contact
    binding = desk.registrar.where(DESK.number, desk.now)
    assert (binding.address, binding.uri) == (HOST, "sip:desk@10.1.1.7:5062;transport=UDP")
    desk.now = 60_000
    assert desk.register(again=True, expires="90").told == ()  # a refresh is no news
    desk.now = 149_999
    assert desk.registrar.where(DESK.number, desk.now) is not None
    assert desk.registrar.expired(desk.now) == []
    desk.now = 150_000
    assert desk.registrar.where(DESK.number, desk.now) is None
    assert desk.registrar.expired(desk.now) == [Unregistered(DESK.number)]
    assert desk.registrar.expired(desk.now) == []


def test_the_last_place_is_the_one():
    desk = Desk()
    desk.register()
    elsewhere = ("10.1.1.8", 5060)
    assert desk.register(source=elsewhere, call_id="other").status == 200
    assert desk.registrar.where(DESK.number, 0).address == elsewhere
    assert desk.registrar.placed(elsewhere)
    assert not desk.registrar.placed(HOST)


@pytest.mark.parametrize("headers", [{"expires": "0"}, {"contact": "*", "expires": "0"}])
def test_a_phone_says_good_bye(headers):
    desk = Desk()
    desk.register()
    assert desk.register(again=True, **headers).told == (Unregistered(DESK.number),)
    assert desk.registrar.where(DESK.number, 0) is None
    assert desk.register(again=True, **headers).told == ()


@pytest.mark.parametrize(
    ("headers", "status", "seconds"),
    [
        ({"expires": "59"}, 423, None),
        ({"contact": "<sip:a@b>;expires=60", "expires": "9999"}, 200, 60),
        ({"expires": "999999"}, 200, SIP_REGISTER_SECONDS_MAX),
        ({"expires": "soon"}, 200, SIP_REGISTER_SECONDS_MAX),
        ({"contact": "<sips:a@b>"}, 400, None),
        ({"contact": "<sip:a b@c>"}, 400, None),
        ({"user": "hall"}, 403, None),
        ({"user": "+15550142"}, 200, SIP_REGISTER_SECONDS_MAX),
        ({"contact": None}, 200, None),  # only asks
    ],
)
def test_what_a_registration_may_say(headers, status, seconds):
    desk = Desk()
    answer = desk.register(**headers)
    assert answer.status == status
    assert (seconds is not None) == bool(answer.told)
    if seconds:
        assert dict(answer.headers)["Contact"].endswith(f";expires={seconds}")


def test_what_was_said_before_does_not_come_again():
    desk = Desk()
    assert desk.register(cseq=5).status == 200
    assert desk.register(again=True, cseq=5).status == 500
    assert desk.register(again=True, cseq=6).status == 200


def test_a_wrong_password_and_an_unknown_phone_are_the_same():
    answers = [
        Desk().register("desk", "wrong"),
        Desk().register("nobody", "secret"),
        Desk().register("", ""),
        Desk().register("desk", "another"),  # that of the other phone
    ]
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0].status, answers[0].headers) == (403, ())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"qop=auth": "qop=auth-int"}, 403),
        ({"qop=auth, ": ""}, 403),
        ({'realm="ringfloor"': 'realm="other"'}, 401),
        ({"response=": "answer="}, 401),
        ({'uri="sip:ringfloor"': 'uri="sip:elsewhere"'}, 403),
        ({"Digest ": "Basic "}, 401),
    ],
)
def test_a_proof_that_is_none(change, status):
    desk = Desk()
    assert desk.register(change=change).status == status
    assert desk.registrar.where(DESK.number, 0) is None


def stale(answer):
    assert answer.status == 401
    return "stale=true" in dict(answer.headers)["WWW-Authenticate"]


def test_a_challenge_is_used_up():
    desk = Desk()
    assert desk.register().status == 200
    assert stale(desk.register(again=True, count=1)), "heard on the wire, said again"
    assert desk.register(again=True, count=2).status == 200
    desk.now += SIP_NONCE_MS + 1
    assert stale(desk.register(again=True))
    assert desk.register().status == 200
    assert stale(desk.register(again=True, source=("10.1.1.9", 1))), "it was given to another"


def test_a_challenge_that_is_not_ours():
    desk = Desk()
    desk.challenge = f'Digest realm="{REALM}", nonce="{"0" * 64}", qop="auth"'
    assert stale(desk.register(again=True))
    assert not stale(desk.registrar.register(desk.ask(), HOST, 0))


def test_challenges_that_are_forgotten_are_stale():
    desk = Desk()
    desk.register()
    first = desk.challenge
    for number in range(SIP_NONCES_MAX):
        desk.now = 1 + number // 100
        desk.register()
    desk.challenge, desk.count = first, 10
    assert stale(desk.register(again=True))
    assert len(desk.registrar._counts) <= SIP_NONCES_MAX + 1


def test_passwords_are_not_kept_or_shown():
    desk = Desk()
    assert "secret" not in repr(vars(desk.registrar))
    assert "secret" not in repr(DESK)


def test_only_a_registered_phone_calls():
    desk = Desk()

    def call(count):
        uri = "sip:+15550199@ringfloor"
        proof = digest(desk.challenge, "desk", "secret", "INVITE", uri, count)
        message = desk.ask(proof=proof, method="INVITE", uri=uri)
        return desk.registrar.caller(message, HOST, desk.now)

    desk.challenge = desk.challenged()
    assert call(1).status == 403
    desk.register(again=True, count=2)
    assert call(3) == DESK.number
    assert stale(call(3))


@pytest.mark.parametrize("other", [{"number": "+15550144"}, {"username": "other"}])
def test_two_phones_cannot_be_the_same(other):
    twin = {"username": "desk", "number": "+15550142", "password": "x"} | other
    with pytest.raises(ValueError, match="two phones"):
        Registrar((DESK, Phone(**twin)), REALM, Guard({}))


# On the wire


async def registered(world, phone=DESK, seconds=3600):
    """A far end that has registered as a phone; its challenge."""
    far = await world.another()
    uri = "sip:ringfloor.test"
    identity = {"local": f"<sip:{phone.username}@ringfloor>;tag=p", "call_id": f"r{far.port}"}
    identity["remote"] = f"<sip:{phone.username}@ringfloor>"
    far.send(far.request("REGISTER", uri, **identity), world.at)
    challenge = (await far.hears(401))["WWW-Authenticate"]
    proof = digest(challenge, phone.username, phone.password, "REGISTER", uri)
    headers = [("Authorization", proof), ("Expires", seconds)]
    far.send(far.request("REGISTER", uri, headers=headers, cseq=2, **identity), world.at)
    await far.hears(200)
    assert await world.hears(Registered) == Registered(phone.number)
    return far, challenge


async def test_a_call_to_a_phone():
    async with a_world(phones=[DESK]) as world:
        phone, _ = await registered(world)
        world.dial(to=DESK.number)
        invite = await phone.hears("INVITE")
        assert invite.uri == f"sip:far@127.0.0.1:{phone.port}"
        phone.answer(invite, 200, ANSWER)
        await phone.hears("ACK")
        await world.hears(Accepted)
        bye = phone.request(
            "BYE",
            f"sip:{world.sip.place}",
            local=f"{invite['To']};tag=far",
            remote=invite["From"],
            call_id=invite["Call-ID"],
        )
        phone.send(bye, world.at)
        await phone.hears(200)
        assert (await world.hears(Ended)).q850 == 16


async def test_a_call_from_a_phone_is_that_phones_whatever_it_says():
    async with a_world(phones=[DESK, HALL]) as world:
        phone, challenge = await registered(world)
        call = Calling(phone, world.at, local="<sip:+15550999@evil>;tag=1")
        await call.hears(401)
        call.within("ACK")
        proof = digest(challenge, "desk", "secret", "INVITE", call.uri, 2)
        lies = [("Authorization", proof), ("P-Asserted-Identity", "<sip:+15550998@evil>")]
        call = Calling(phone, world.at, cseq=2, headers=lies)
        invited = await world.hears(Invited)
        assert (invited.from_, invited.trunk, invited.to) == (DESK.number, "", "+15550199")
        world.sip.accept(invited.leg_id, ANSWER)
        await call.hears(200)
        call.within("ACK")
        world.sip.hang_up(invited.leg_id, 16)
        await phone.hears("BYE")


async def test_nobody_calls_without_a_password():
    async with a_world(phones=[DESK], trunks=()) as world:
        Calling(world.far, world.at)
        challenge = (await world.far.hears(401))["WWW-Authenticate"]
        call = Calling(world.far, world.at, body=OFFER, cseq=2)
        proof = digest(challenge, "desk", "wrong", "INVITE", call.uri)
        Calling(world.far, world.at, headers=[("Authorization", proof)], cseq=3)
        assert (await world.far.hears(403)).cseq == 3
        await world.settled()
        assert world.told == []


async def test_a_challenge_to_a_caller_leaves_nothing_behind():
    async with a_world(phones=[DESK], trunks=()) as world:
        call = Calling(world.far, world.at)
        first = await call.hears(401)
        await world.settled()
        assert not world.sip.stack._transactions.tserver
        world.far.send(call.text, world.at)  # it was lost
        assert (await call.hears(401)).text == first.text
        call.within("ACK")
        await world.later(10)
        assert world.far.drain() == []


async def test_who_guesses_passwords_is_not_heard_any_more():
    async with a_world(phones=[DESK], trunks=()) as world:
        far, uri = world.far, "sip:ringfloor.test"
        far.send(far.request("REGISTER", uri), world.at)
        challenge = (await far.hears(401))["WWW-Authenticate"]
        for count in range(1, SIP_FAILURES_MAX + 1):
            wrong = digest(challenge, "desk", f"guess{count}", "REGISTER", uri, count)
            far.send(far.request("REGISTER", uri, headers=[("Authorization", wrong)]), world.at)
            await far.hears(403)
        right = digest(challenge, "desk", "secret", "REGISTER", uri, 99)
        far.send(far.request("REGISTER", uri, headers=[("Authorization", right)]), world.at)
        far.send(far.request("OPTIONS", uri), world.at)
        assert (await far.hears(200, 401, 403))["CSeq"] == "1 OPTIONS"
        assert far.drain() == []
        assert world.told == []


async def test_without_phones_nobody_registers():
    async with a_world() as world:
        world.far.send(world.far.request("REGISTER", "sip:ringfloor.test"), world.at)
        assert re.search("INVITE", (await world.far.hears(405))["Allow"])
