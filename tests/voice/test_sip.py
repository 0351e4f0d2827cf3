"""SIP with a far end by hand: the calls of a trunk, message by message."""

import asyncio
import re
import threading

import pytest

from ringfloor.gateway.signalling import (
    Accepted,
    Ended,
    Invited,
    Progresses,
    Reoffered,
    Rings,
    TransferAsked,
)
from ringfloor.gateway.sip.calls import Sip
from ringfloor.gateway.sip.digest import Account
from ringfloor.gateway.sip.trunks import Trunk
from voice.sip_far_end import ANSWER, HOLD, OFFER, Calling, digest
from voice.sip_worlds import a_world


async def called(world, **given):
    """A call that came in and is up."""
    call = Calling(world.far, world.at, **given)
    invited = await world.hears(Invited)
    world.sip.accept(invited.leg_id, ANSWER)
    await call.hears(200)
    call.within("ACK")
    return call, invited.leg_id


async def calling(world, **given):
    """A call that went out and is up."""
    world.dial(**given)
    invite = await world.far.hears("INVITE")
    world.far.answer(invite, 200, ANSWER)
    await world.far.hears("ACK")
    await world.hears(Accepted)
    return invite


async def test_an_inbound_call_rings_is_answered_and_hung_up_by_the_far_end():
    async with a_world() as world:
        call = Calling(world.far, world.at, headers=[("P-Charge-Info", "<sip:+15550111@x>")])
        await call.hears(100)
        invited = await world.hears(Invited)
        assert (invited.to, invited.from_, invited.trunk) == ("+15550199", "+15550100", "main")
        assert invited.sdp == OFFER
        assert dict(invited.headers)["P-Charge-Info"] == "<sip:+15550111@x>"
        world.sip.ring(invited.leg_id)
        assert (await call.hears(180)).tag("To")
        world.sip.progress(invited.leg_id, ANSWER)
        assert (await call.hears(183)).body == ANSWER
        world.sip.accept(invited.leg_id, ANSWER)
        assert (await call.hears(200)).body == ANSWER
        call.within("ACK")
        call.within("BYE", headers=[("Reason", "Q.850;cause=31")])
        await call.hears(200)
        assert await world.hears(Ended) == Ended(invited.leg_id, "remote", 31, None, "BYE")


async def test_we_hang_up_an_inbound_call():
    async with a_world() as world:
        call, leg = await called(world)
        world.sip.hang_up(leg, 16)
        bye = await world.far.hears("BYE")
        assert (bye["Call-ID"], bye["Reason"]) == (call.invite["Call-ID"], "Q.850;cause=16")
        assert bye["From"] == call.to
        assert bye["To"] == call.invite["From"]
        world.far.answer(bye, 200)
        await world.settled()
        assert world.told == []


async def test_an_outbound_call_with_early_media():
    async with a_world() as world:
        world.dial(headers=(("X-Contact", "c1"),))
        invite = await world.far.hears("INVITE")
        assert invite.body == OFFER
        assert invite.uri == f"sip:+15550123@127.0.0.1:{world.far.port}"
        assert "+15550100@" in invite["From"]
        assert "+15550100@" in invite["P-Asserted-Identity"]
        assert invite["X-Contact"] == "c1"
        world.far.answer(invite, 100)
        world.far.answer(invite, 180)
        await world.hears(Rings)
        world.far.answer(invite, 183, ANSWER)
        assert (await world.hears(Progresses)).sdp == ANSWER
        world.far.answer(invite, 200)
        await world.far.hears("ACK")
        assert (await world.hears(Accepted)).sdp is None
        world.sip.hang_up("out", 16)
        bye = await world.far.hears("BYE")
        assert bye.tag("To") == "far"
        assert bye.cseq > invite.cseq
        world.far.answer(bye, 200)


async def test_the_far_end_puts_us_on_hold():
    async with a_world() as world:
        call, leg = await called(world)
        call.within("INVITE", body=HOLD)
        assert (await world.hears(Reoffered)).sdp == HOLD
        world.sip.reanswer(leg, ANSWER)
        assert (await call.hears(200)).body == ANSWER
        call.within("ACK")
        call.within("BYE")
        await world.hears(Ended)


async def test_a_refresh_and_an_offer_refused_leave_the_call_as_it_is():
    async with a_world() as world:
        call, leg = await called(world)
        call.within("INVITE", body=OFFER)
        await world.hears(Reoffered)
        call.within("INVITE", body=HOLD)  # before the first is answered
        await call.hears(491)
        world.sip.refuse_offer(leg)
        await call.hears(488)
        call.within("ACK", cseq=call.cseq - 1)
        call.within("INVITE", body=HOLD)
        await world.hears(Reoffered)
        call.within("CANCEL")
        await call.hears(487)
        call.within("BYE")
        await call.hears(200)
        await world.hears(Ended)


async def test_an_invite_without_an_offer_is_answered_with_ours():
    async with a_world() as world:
        call = Calling(world.far, world.at, body="")
        invited = await world.hears(Invited)
        assert invited.sdp is None
        world.sip.accept(invited.leg_id, OFFER)
        assert (await call.hears(200)).body == OFFER
        call.within("ACK", body=ANSWER)
        assert await world.hears(Accepted) == Accepted(invited.leg_id, ANSWER)
        call.within("INVITE", body="")  # and so is such a re-INVITE
        assert (await world.hears(Reoffered)).sdp is None
        world.sip.reanswer(invited.leg_id, OFFER)
        await call.hears(200)
        call.within("ACK", body=HOLD)
        assert (await world.hears(Accepted)).sdp == HOLD


async def test_an_ack_without_the_answer_that_it_owes_ends_the_call():
    async with a_world() as world:
        call = Calling(world.far, world.at, body="")
        invited = await world.hears(Invited)
        world.sip.accept(invited.leg_id, OFFER)
        await call.hears(200)
        call.within("ACK")
        ended = await world.hears(Ended)
        assert (ended.q850, ended.by) == (127, "remote")
        await world.far.hears("BYE")


async def test_a_caller_cancels():
    async with a_world() as world:
        call = Calling(world.far, world.at)
        invited = await world.hears(Invited)
        world.sip.ring(invited.leg_id)
        ringing = await call.hears(180)
        call.within("CANCEL", headers=[("Reason", 'Q.850;cause=26;text="elsewhere"')])
        await call.hears(200)
        terminated = await call.hears(487)
        assert terminated.tag("To") == ringing.tag("To")
        assert await world.hears(Ended) == Ended(invited.leg_id, "remote", 26, 487, "CANCEL")
        world.sip.accept(invited.leg_id, ANSWER)  # crosses it
        await world.settled()
        assert 200 not in world.far.drain()


async def test_cancel_waits_for_a_provisional_answer():
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        world.sip.hang_up("out", 16)
        await world.settled()
        assert "CANCEL" not in world.far.drain()
        world.far.answer(invite, 180)
        cancel = await world.far.hears("CANCEL")
        assert cancel["Via"] == invite["Via"]
        assert cancel["Reason"] == "Q.850;cause=16"
        world.far.answer(cancel, 200)
        world.far.answer(invite, 487)
        await world.far.hears("ACK")
        await world.settled()
        assert world.told == []


async def test_a_200_that_crosses_cancel_is_acknowledged_and_ended():
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        world.far.answer(invite, 180)
        await world.hears(Rings)
        world.sip.hang_up("out", 16)
        await world.far.hears("CANCEL")
        world.far.answer(invite, 200, ANSWER)
        ack = await world.far.hears("ACK", "BYE")
        assert ack.method == "ACK", "BYE came before the ACK"
        bye = await world.far.hears("BYE")
        assert bye.tag("To") == "far"
        await world.settled()
        assert world.told == []


async def test_bye_waits_for_the_ack_of_our_200():
    async with a_world() as world:
        call = Calling(world.far, world.at)
        invited = await world.hears(Invited)
        world.sip.accept(invited.leg_id, ANSWER)
        await call.hears(200)
        world.sip.hang_up(invited.leg_id, 16)
        await world.settled()
        assert "BYE" not in world.far.drain()
        call.within("ACK")
        world.far.answer(await world.far.hears("BYE"), 200)


async def test_our_200_is_repeated_until_the_ack_and_given_up_without_it():
    async with a_world() as world:
        call = Calling(world.far, world.at)
        invited = await world.hears(Invited)
        world.sip.accept(invited.leg_id, ANSWER)
        first = await call.hears(200)
        assert (await call.hears(200)).text == first.text  # after T1
        await world.later(32)
        ended = await world.hears(Ended)
        assert (ended.by, ended.status, ended.q850) == ("timeout", None, 102)
        await world.far.hears("BYE")


async def test_an_invite_that_is_repeated_rings_once():
    async with a_world() as world:
        call = Calling(world.far, world.at)
        await world.hears(Invited)
        for _ in range(3):
            world.far.send(call.text, world.at)
            await call.hears(100)
        other = call.text.replace("z9hG4bK-", "z9hG4bK-other-")  # by another way
        world.far.send(other, world.at)
        await call.hears(482)
        assert world.told == []


async def test_a_lost_ack_is_sent_again():
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        for headers in ((), (), [("Date", "another")]):
            world.far.answer(invite, 200, ANSWER, headers=headers)
            ack = await world.far.hears("ACK")
            assert ack.cseq == invite.cseq
            assert ack.tag("To") == "far"
        await world.hears(Accepted)
        assert world.told == []
        assert world.far.drain() == []


async def test_a_second_200_of_a_forked_invite_is_ended():
    async with a_world() as world:
        invite = await calling(world)
        world.far.answer(invite, 200, ANSWER, tag="other")
        assert (await world.far.hears("ACK")).tag("To") == "other"
        assert (await world.far.hears("BYE")).tag("To") == "other"
        assert world.told == []


async def test_an_invite_is_repeated_and_given_up_as_a_dead_network():
    async with a_world() as world:
        world.dial()
        first = await world.far.hears("INVITE")
        assert (await world.far.hears("INVITE")).text == first.text
        await world.later(32)
        assert await world.hears(Ended) == Ended("out", "timeout", 38, 408, "408 Request Timeout")


async def test_an_end_that_we_have_overtaken_is_not_told():
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        world.far.answer(invite, 486)
        heard = threading.Event()
        world.sip.stack.post(heard.set)
        assert heard.wait(5), "its Ended waits for the loop by now"
        world.sip.hang_up("out", 16)
        await world.far.hears("ACK")
        await world.settled()
        assert world.told == []


async def test_ringing_for_ever_is_ended_by_the_switch_alone():
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        world.far.answer(invite, 180)
        await world.hears(Rings)
        await world.later(120)
        assert world.told == []
        world.sip.hang_up("out", 19)
        world.far.answer(await world.far.hears("CANCEL"), 200)
        world.far.answer(invite, 487)
        await world.far.hears("ACK")


@pytest.mark.parametrize(
    ("status", "headers", "q850"),
    [
        (486, (), 17),
        (404, (), 1),
        (408, (), 102),
        (480, (), 18),
        (503, (), 41),
        (603, (), 21),
        (302, [("Contact", "<sip:+15559999@192.0.2.1>")], 31),
        (500, [("Reason", "SIP;cause=500"), ("Reason", "Q.850 ;cause=34;text=none")], 34),
        (486, [("Reason", "Q.850;cause=999")], 17),
    ],
)
async def test_how_a_refusal_is_told(status, headers, q850):
    async with a_world() as world:
        world.dial()
        world.far.answer(await world.far.hears("INVITE"), status, headers=headers)
        await world.far.hears("ACK")
        ended = await world.hears(Ended)
        assert (ended.by, ended.status, ended.q850) == ("remote", status, q850)
        await world.settled()
        assert world.far.drain() == [], "a redirection was followed"


async def test_how_we_refuse():
    async with a_world() as world:
        call = Calling(world.far, world.at)
        world.sip.refuse((await world.hears(Invited)).leg_id, 486, 17)
        assert (await call.hears(486))["Reason"] == "Q.850;cause=17"
        call.within("ACK")
        call = Calling(world.far, world.at)
        world.sip.hang_up((await world.hears(Invited)).leg_id, 42)
        await call.hears(503)


async def test_redirecting_is_302_or_refer():
    async with a_world() as world:
        call = Calling(world.far, world.at)
        world.sip.redirect((await world.hears(Invited)).leg_id, "+15550177")
        assert "+15550177@" in (await call.hears(302))["Contact"]
        call.within("ACK")
        call, leg = await called(world)
        world.sip.redirect(leg, "+15550177")
        refer = await world.far.hears("REFER")
        assert "+15550177@" in refer["Refer-To"]
        world.far.answer(refer, 202)
        call.within("NOTIFY", headers=[("Event", "refer")], body="SIP/2.0 100 Trying")
        await call.hears(200)
        assert "BYE" not in world.far.drain()
        call.within("NOTIFY", headers=[("Event", "refer")], body="SIP/2.0 200 OK")
        world.far.answer(await world.far.hears("BYE"), 200)
        await world.settled()
        assert world.told == []


async def test_refer_is_refused_and_told():
    async with a_world() as world:
        call, leg = await called(world)
        call.within("REFER", headers=[("Refer-To", "<sip:+19005550100@premium.example>")])
        await call.hears(603)
        asked = await world.hears(TransferAsked)
        assert asked == TransferAsked(leg, "<sip:+19005550100@premium.example>")
        for method in ("MESSAGE", "UPDATE", "SUBSCRIBE", "INFO"):
            call.within(method)
            await call.hears(405)
        call.within("OPTIONS")
        await call.hears(200)
        call.within("BYE", cseq=2)  # of the past: that of REFER
        await call.hears(500)
        call.within("BYE")
        await world.hears(Ended)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"headers": [("Require", "timer"), ("Session-Expires", "90")]}, 420),
        ({"headers": [("Require", "100rel")]}, 420),
        ({"headers": [("Content-Type", "text/plain")], "body": ""}, 100),
        ({"to": "reception"}, 404),
        ({"contact": False}, 400),
        ({"local": "<sip:+15550100@127.0.0.1>"}, 400),
        ({"remote": "<sip:+15550199@127.0.0.1>;tag=none"}, 481),
    ],
)
async def test_invites_that_cannot_be_taken(given, status):
    async with a_world() as world:
        call = Calling(world.far, world.at, **given)
        answered = await call.hears(100, 400, 404, 420, 481)
        assert answered.status == status
        if status == 420:
            assert answered["Unsupported"] == given["headers"][0][1]
        assert status == 100 or world.told == []


async def test_session_timers_that_are_only_supported_are_done_without():
    async with a_world() as world:
        headers = [("Supported", "timer, 100rel"), ("Session-Expires", "1800;refresher=uas")]
        call = Calling(world.far, world.at, headers=headers)
        world.sip.accept((await world.hears(Invited)).leg_id, ANSWER)
        assert (await call.hears(200))["Session-Expires"] == ""


async def test_options_are_answered():
    async with a_world() as world:
        world.far.send(world.far.request("OPTIONS", "sip:127.0.0.1"), world.at)
        assert "INVITE" in (await world.far.hears(200))["Allow"]
        world.far.send(world.far.request("MESSAGE", "sip:127.0.0.1"), world.at)
        await world.far.hears(405)
        world.far.send(world.far.request("BYE", "sip:127.0.0.1"), world.at)
        await world.far.hears(405)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"local": '"Åse\x85" <sip:+15550100@a>;tag=1'}, "+15550100"),
        ({"local": "<sip:15550100555@a;user=phone>;tag=1"}, "+15550100555"),
        ({"local": "<tel:+1-555-0100>;tag=1"}, "+15550100"),
        ({"local": "<sip:alice@a>;tag=1"}, ""),
        ({"headers": [("P-Asserted-Identity", "<tel:+15550111>")]}, "+15550111"),
        ({"headers": [("P-Asserted-Identity", "<sip:x@a>, <tel:+15550112>")]}, "+15550112"),
        ({"headers": [("Privacy", "id;critical")]}, ""),
        ({"local": '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'}, ""),
    ],
)
async def test_who_calls(said, heard):
    async with a_world() as world:
        Calling(world.far, world.at, **said)
        assert (await world.hears(Invited)).from_ == heard


async def test_a_withheld_number_is_asserted_to_nobody():
    async with a_world() as world:
        world.dial(from_="")
        invite = await world.far.hears("INVITE")
        assert "anonymous.invalid" in invite["From"]
        assert (invite["Privacy"], invite["P-Asserted-Identity"]) == ("id", "")


async def test_no_value_begins_a_line_of_its_own():
    async with a_world() as world:
        evil = "x\r\nContact: <sip:evil@192.0.2.9>\r\n\r\nbody"
        world.dial(
            headers=(
                ("X-Good", evil),
                ("X-Bad\r\nVia", "1"),
                ("Route", "<sip:192.0.2.9>"),
                ("X-Åse", "1"),
                ("X-Long", "9" * 5_000),
            )
        )
        invite = await world.far.hears("INVITE")
        assert invite.body == OFFER
        assert len(invite.all("Contact")) == 1
        assert invite.all("Route") == []
        assert invite["X-Good"].startswith("x  Contact")
        assert len(invite["X-Long"]) < 300
        assert [name for name, _ in invite.headers if name.startswith("X-")] == ["X-Good", "X-Long"]
        world.dial("other", to="+1555\r\nX: y")
        assert (await world.hears(Ended)).q850 == 28
        world.dial("third", from_="+1555\r\nX: y")
        assert "anonymous" in (await world.far.hears("INVITE"))["From"]


async def test_contacts_do_not_send_us_elsewhere():
    async with a_world() as world:
        stranger = await world.another("127.0.0.2")
        world.dial()
        invite = await world.far.hears("INVITE")
        text = world.far.response(invite, 200, ANSWER)
        own = f"Contact: <sip:far@127.0.0.1:{world.far.port}>"
        evil = f"Contact: <sip:far@127.0.0.2:{stranger.port};transport=UDP>"
        world.far.send(text.replace(own, evil), invite.source)
        assert stranger.host in (await world.far.hears("ACK")).uri
        world.sip.hang_up("out", 16)
        assert stranger.host in (await world.far.hears("BYE")).uri
        assert stranger.drain() == []


async def test_answers_go_where_requests_come_from():
    async with a_world() as world:
        stranger = await world.another("127.0.0.2")
        text = world.far.request("OPTIONS", "sip:127.0.0.1")
        for old, new in (
            (";rport", f";received=127.0.0.2;rport={stranger.port}"),
            (f"127.0.0.1:{world.far.port};", f"127.0.0.2:{stranger.port};"),
        ):
            world.far.send(text.replace(old, new).replace("branch=", f"branch={old[:2]}"), world.at)
            await world.far.hears(200)
        assert stranger.drain() == []


async def test_others_see_the_address_that_is_advertised():
    async with a_world(advertised="198.51.100.7:5061") as world:
        world.dial(headers=(("X-Name", "Åse"),))
        invite = await world.far.hears("INVITE")
        assert invite["Contact"] == "<sip:198.51.100.7:5061>"
        assert invite["Via"].startswith("SIP/2.0/UDP 198.51.100.7:5061;")
        assert "@198.51.100.7:5061>" in invite["From"]
        assert invite["X-Name"] == "Åse"
        world.far.answer(invite, 486)
        await world.far.hears("ACK")
        Calling(world.far, world.at)
        world.sip.accept((await world.hears(Ended)).leg_id, ANSWER)
        world.sip.accept((await world.hears(Invited)).leg_id, ANSWER)
        assert (await world.far.hears(200))["Contact"] == "<sip:198.51.100.7:5061>"


async def test_routes_and_upper_case_transports_are_followed():
    async with a_world() as world:
        proxy = await world.another()
        route = f"<sip:127.0.0.1:{proxy.port};lr;transport=UDP>"
        call = Calling(world.far, world.at, headers=[("Record-Route", route)])
        leg = (await world.hears(Invited)).leg_id
        world.sip.accept(leg, ANSWER)
        await call.hears(200)
        call.within("ACK")
        world.sip.hang_up(leg, 16)
        bye = await proxy.hears("BYE")
        proxy.answer(bye, 200)
        world.dial()
        invite = await world.far.hears("INVITE")
        routes = [("Record-Route", "<sip:192.0.2.1;lr>"), ("Record-Route", route)]
        world.far.answer(invite, 200, ANSWER, headers=routes)
        ack = await proxy.hears("ACK")
        assert [each.split(";")[0] for each in ack.all("Route")] == [
            f"<sip:127.0.0.1:{proxy.port}",
            "<sip:192.0.2.1",
        ]
        world.sip.hang_up("out", 16)
        last = await proxy.hears("BYE")
        assert last.all("Route") == [route, "<sip:192.0.2.1;lr>"]
        assert bye["Route"] == route
        assert bye.uri == f"sip:far@127.0.0.1:{world.far.port}"


async def test_strangers_do_not_exist():
    async with a_world() as world:
        stranger = await world.another("127.0.0.2")
        for _ in range(200):
            Calling(stranger, world.at)
            stranger.send(b"\0" * 100, world.at)
            await world.settled()
        world.far.send(world.far.request("OPTIONS", "sip:127.0.0.1"), world.at)
        await world.far.hears(200)
        await world.settled()
        assert stranger.drain() == []
        assert world.told == []
        assert world.sip.strangers == 400


async def test_closing_says_farewell_to_everybody():
    async with a_world() as world:
        await called(world)
        Calling(world.far, world.at)
        await world.hears(Invited)
        world.dial()
        world.far.answer(await world.far.hears("INVITE"), 180)
        await world.hears(Rings)
        world.sip.close()
        said = {(await world.far.hears("BYE", "CANCEL", 503)).method for _ in range(3)}
        assert said == {"BYE", "CANCEL", "INVITE"}
        await asyncio.wait_for(world.sip.closed(), 5)
        assert world.told == []
    async with a_world() as world:  # and another can begin in the same process
        await called(world)


async def test_closing_what_never_began_or_is_closed_already():
    loop = asyncio.get_running_loop()
    sip = Sip(("127.0.0.1", 0), on_signal=print, loop=loop)
    with pytest.raises(OSError, match="in use"):
        Sip(sip.address, on_signal=print, loop=loop)
    for _ in range(2):
        sip.close()
        await asyncio.wait_for(sip.closed(), 5)
    async with a_world() as world:
        world.sip.close()
        await asyncio.wait_for(world.sip.closed(), 5)
        world.dial()
        world.sip.accept("none", ANSWER)
    for thread in [each for each in threading.enumerate() if each.name == "sip"]:
        thread.join(5)
        assert not thread.is_alive()


async def test_several_gateways_share_the_thread_of_sip():
    async with a_world() as one, a_world() as other:
        await called(one)
        await called(other)
        assert [each.name for each in threading.enumerate()].count("sip") == 1
        one.far.take_leave()
        one.sip.close()
        await asyncio.wait_for(one.sip.closed(), 5)
        await calling(other)


async def test_a_200_that_comes_too_late_is_ended():
    async with a_world() as world:
        world.dial()
        invite = await world.far.hears("INVITE")
        await world.later(32)
        await world.hears(Ended)
        world.far.answer(invite, 200, ANSWER)
        assert (await world.far.hears("ACK", "BYE")).method == "ACK"
        world.far.answer(await world.far.hears("BYE"), 200)
        await world.settled()
        assert world.told == []


# Trunks


def two_trunks(far, other):
    common = {"host": "127.0.0.1", "keep_alive": 0}
    return [
        Trunk(
            name="abroad",
            port=far.port,
            prefixes=("+44", "+49"),
            sources=("127.0.0.1",),
            account=Account("us", "secret"),
            domain="us.example",
            **common,
        ),
        Trunk(name="home", port=other.port, plus=False, calls=1, **common),
    ]


@pytest.mark.parametrize("status", [401, 407])
async def test_a_trunk_asks_for_a_password_once(status):
    name, answer = {
        401: ("WWW-Authenticate", "Authorization"),
        407: ("Proxy-Authenticate", "Proxy-Authorization"),
    }[status]
    asked = 'Digest realm="trunk", nonce="abc", qop="auth", algorithm=MD5, opaque="o"'
    async with a_world(trunks=lambda far: two_trunks(far, far)) as world:
        world.dial(to="+441632960123")
        first = await world.far.hears("INVITE")
        world.far.answer(first, status, headers=[(name, asked)])
        await world.far.hears("ACK")
        second = await world.far.hears("INVITE")
        assert (second["Call-ID"], second.tag("From")) == (first["Call-ID"], first.tag("From"))
        assert second.cseq == first.cseq + 1
        ours = dict(re.findall(r'(\w+)="?([^", ]+)"?', second[answer]))
        expected = digest(asked, "us", "secret", "INVITE", second.uri, cnonce=ours["cnonce"])
        assert ours["response"] in expected
        assert ours["opaque"] == "o"
        assert second["From"].startswith("<sip:+15550100@us.example>")
        world.far.answer(second, status, headers=[(name, asked)])
        ended = await world.hears(Ended)
        assert (ended.status, ended.q850) == (status, 21)
        await world.settled()
        assert "INVITE" not in world.far.drain()


async def test_bye_is_challenged_as_well():
    asked = [("WWW-Authenticate", 'Digest realm="trunk", nonce="abc"')]
    async with a_world(trunks=lambda far: two_trunks(far, far)) as world:
        await calling(world, to="+441632960123")
        world.sip.hang_up("out", 16)
        for proven in (False, True):
            bye = await world.far.hears("BYE")
            assert bool(bye["Authorization"]) is proven
            world.far.answer(bye, 401, headers=asked)
        await world.settled()
        assert "BYE" not in world.far.drain()


async def test_which_trunk_carries_a_call():
    async with a_world(trunks=lambda far: two_trunks(far, far)) as world:
        world.dial("a", to="+441632960123")
        assert (await world.far.hears("INVITE")).uri.startswith("sip:+441632960123@")
        world.dial("b", to="+441632960123", trunk="home")
        invite = await world.far.hears("INVITE")
        assert invite.uri.startswith("sip:441632960123@")
        assert invite["From"].startswith("<sip:15550100@")
        world.dial("c", to="+15550123")  # only by `home`, which has one call and no more
        assert (await world.hears(Ended)).q850 == 34
        world.far.answer(invite, 486)
        await world.hears(Ended)
        world.dial("d", to="+15550123")
        await world.far.hears("INVITE")
        world.dial("e", to="+15550123", trunk="unknown")
        ended = await world.hears(Ended)
        assert (ended.status, ended.q850) == (404, 3)


async def test_a_number_that_no_trunk_carries():
    async with a_world(trunks=lambda far: two_trunks(far, far)[:1]) as world:
        world.dial(to="+15550123")
        ended = await world.hears(Ended)
        assert (ended.leg_id, ended.status, ended.q850) == ("out", 404, 3)


async def test_a_trunk_that_is_down_is_skipped_until_it_answers():
    def trunks(far):
        return [
            Trunk(name="first", host="127.0.0.1", port=far.port, keep_alive=20),
            Trunk(name="second", host="127.0.0.1", port=far.port, keep_alive=0, plus=False),
        ]

    async with a_world(trunks=trunks) as world:
        await world.far.hears("OPTIONS")
        await world.later(32)
        assert world.sip.trunk_states() == [("first", False, 0), ("second", True, 0)]
        world.dial()
        assert (await world.far.hears("INVITE")).uri.startswith("sip:15550123@")
        world.dial("named", trunk="first")
        assert (await world.hears(Ended)).q850 == 38
        await world.later(20)
        world.far.answer(await world.far.hears("OPTIONS"), 404)  # any answer will do
        await world.settled()
        assert world.sip.trunk_states()[0] == ("first", True, 0)


async def test_a_trunk_whose_name_is_looked_up():
    def trunks(far):
        return [Trunk(name="named", host="localhost", port=far.port, keep_alive=0)]

    async with a_world(trunks=trunks) as world:
        async with asyncio.timeout(5):
            while not world.sip.reaches("127.0.0.1"):
                await world.settled()
        world.dial()
        assert (await world.far.hears("INVITE")).uri == f"sip:+15550123@localhost:{world.far.port}"
        Calling(world.far, world.at)  # it may answer, but is not on its own list
        await world.far.hears(403)


async def test_more_calls_than_the_trunk_has_are_refused():
    def trunks(far):
        sources = ("127.0.0.1",)
        return [Trunk(name="main", host="127.0.0.1", port=far.port, sources=sources, calls=1)]

    async with a_world(trunks=trunks) as world:
        first = Calling(world.far, world.at)
        await world.hears(Invited)
        await Calling(world.far, world.at).hears(503)
        first.within("CANCEL")
        await world.hears(Ended)
        Calling(world.far, world.at)
        await world.hears(Invited)


# A gateway that was killed


async def test_the_successor_of_a_killed_gateway_ends_its_dialogs(tmp_path):
    file = tmp_path / "dialogs"
    async with a_world(dialogs=file) as killed:
        far = killed.far
        call, _ = await called(killed)
        ringing = Calling(far, killed.at)
        await killed.hears(Invited)
        killed.dial("early")
        early = await far.hears("INVITE")
        far.answer(early, 180)
        await killed.hears(Rings)
        await killed.later(1)
        assert file.stat().st_mode & 0o777 == 0o600
        left = file.read_bytes()
        file.unlink()
        (tmp_path / "left").write_bytes(left)
        far.drain()
        async with a_world(dialogs=tmp_path / "left", trunks=[far_trunk(far)]) as successor:
            said = {}
            for _ in range(3):
                message = await far.hears("BYE", "CANCEL", 503)
                said[message.status or message.method] = message
            assert said["BYE"]["Call-ID"] == call.invite["Call-ID"]
            assert said["BYE"]["To"] == call.invite["From"]
            assert said["BYE"]["From"] == call.to
            assert said["CANCEL"]["Via"] == early["Via"]
            assert said["CANCEL"].uri == early.uri
            assert said[503]["Call-ID"] == ringing.invite["Call-ID"]
            for name in ("BYE", "CANCEL"):
                far.answer(said[name], 200)
            far.send(far.response(early, 200, ANSWER), successor.at)  # it crossed the CANCEL
            await far.hears("ACK")
            far.answer(await far.hears("BYE"), 200)
            assert not (tmp_path / "left").exists(), "they would be said twice"
    assert file.read_bytes() == b"{}"


def far_trunk(far):
    return Trunk(name="main", host=far.host, port=far.port, sources=("127.0.0.1",), keep_alive=0)


@pytest.mark.parametrize(
    "left", [b"", b"[1]", b'{"a":{"kind":"ask","text":"x","host":"h","port":1}}']
)
async def test_a_file_of_dialogs_that_is_broken_is_no_matter(tmp_path, left):
    (tmp_path / "dialogs").write_bytes(left)
    async with a_world(dialogs=tmp_path / "dialogs") as world:
        await called(world)
