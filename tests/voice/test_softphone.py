"""The agent's page, when something goes wrong with it: who hears what, what the record says.

The tests share one center and one browser, and each leaves the agent free. test_softphone_story has
the call in which all goes well.
"""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from acceptance.center import PASSWORD
from ringfloor.base.limits import BROWSER_SILENT_MS
from voice.agents_page import (
    AT_THE_START,
    BUSY,
    AgentsPage,
    an_agents_page,
    called,
    restart,
    spans,
    talk,
)
from voice.center import AGENT_HZ, CUSTOMER_HZ, THIRD, THIRD_HZ, VoiceCenter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("softphone")]

NOTICED_SECONDS = (BROWSER_SILENT_MS / 1_000 - 0.5, BROWSER_SILENT_MS / 1_000 + 3)
"""A page that was closed: five seconds without a packet, and what comes of it."""

Desk = tuple[VoiceCenter, AgentsPage]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with an_agents_page(tmp_path_factory.mktemp("softphone")) as made:
        yield made


@pytest.fixture
def desk(everything: Desk) -> Iterator[Desk]:
    """She is free, before and after."""
    voice, ann = everything
    ann.is_free()
    yield everything
    ann.is_free()
    there = voice.center.current("AGENTS_ON_CONTACT", "CONTACTS_IN_QUEUE", "AGENTS_AVAILABLE")
    assert there == {"AGENTS_ON_CONTACT": 0, "CONTACTS_IN_QUEUE": 0, "AGENTS_AVAILABLE": 1}
    assert {call.state for call in voice.trunk.calls} == {"ended"}


def reason(voice: VoiceCenter, contact_id: str) -> str:
    told: str = voice.await_end(contact_id)["DisconnectReason"]
    return told


def test_she_answers_a_caller_is_muted_and_sends_keys(desk: Desk) -> None:
    voice, ann = desk
    customer = voice.call_in().wait("up")
    ann.press("Answer")
    customer.await_tone(AGENT_HZ)
    ann.hears(CUSTOMER_HZ)
    ann.sees("Sound: good", "round trip", "your voice: loss 0.0 %")
    ann.misses("You hear nothing")
    ann.press("Mute")
    customer.await_silence(AGENT_HZ)
    ann.hears(CUSTOMER_HZ)
    ann.press("Unmute")
    customer.await_tone(AGENT_HZ)
    ann.press("Keys")
    for key in "4#":
        ann.press(key)
    voice.trunk.until(lambda: len(customer.keys) == 2, 5, lambda: f"{customer.keys}")
    customer.hang_up()
    ann.is_done()
    ended = voice.await_end(voice.the_contact())
    assert ended["DisconnectReason"] == "CUSTOMER_DISCONNECT"
    assert ended["AgentInfo"]["Id"] == voice.center.agent


def test_a_page_loaded_again_in_a_call_goes_on_with_it(desk: Desk) -> None:
    voice, ann = desk
    contact_id, customer = talk(voice, ann)
    ann.page.open("about:blank")  # nobody asks whether to leave: nothing has been clicked
    ann.open(voice.server.address)
    ann.hears(CUSTOMER_HZ)
    customer.await_tone(AGENT_HZ)
    gaps = [begin - end for (_, end), (begin, _) in pairwise(spans(customer, AGENT_HZ))]
    assert max(gaps, default=0) < BROWSER_SILENT_MS / 1_000
    ann.sees("Connected · sales")
    ann.press("Hold")
    customer.await_silence(AGENT_HZ)
    ann.press("Resume")
    customer.await_tone(AGENT_HZ)
    ann.press("Hang up")
    customer.wait("ended")
    ann.is_done()
    assert reason(voice, contact_id) == "AGENT_DISCONNECT"


def test_a_page_that_is_closed_has_hung_up(desk: Desk) -> None:
    voice, ann = desk
    contact_id, customer = talk(voice, ann)
    ann.page.open("about:blank")
    closed = time.time()
    customer.await_silence(AGENT_HZ)
    customer.wait("ended")
    assert customer.by == "far"
    least, most = NOTICED_SECONDS
    assert least < customer.at("ended") - closed < most
    ended = voice.await_end(contact_id)
    assert ended["DisconnectReason"] == "AGENT_DISCONNECT"
    assert ended["DisconnectTimestamp"].timestamp() == pytest.approx(customer.at("ended"), abs=0.2)
    ann.open(voice.server.address)
    ann.is_done()


def test_a_page_that_is_closed_leaves_the_customer_to_whom_it_has_asked(desk: Desk) -> None:
    """On hold until the page is missed; then the two have each other."""
    voice, ann = desk
    contact_id, customer = talk(voice, ann)
    ann.consult(number=BUSY)
    ann.sees("could not be reached")
    ann.consult(number=THIRD)
    third = voice.trunk.call_to(THIRD).wait("up")
    third.await_tone(AGENT_HZ)
    ann.page.open("about:blank")
    third.await_silence(AGENT_HZ)
    assert not customer.hears(THIRD_HZ, least=0.05)
    customer.await_tone(THIRD_HZ)
    third.await_tone(CUSTOMER_HZ)
    ended = voice.await_end(contact_id)
    assert ended["DisconnectReason"] == "OTHER"
    third.hang_up()
    customer.wait("ended")
    ann.open(voice.server.address)
    ann.is_done()


def test_the_last_page_has_the_sound(desk: Desk) -> None:
    voice, ann = desk
    contact_id, customer = talk(voice, ann)
    with ann.page.beside() as page:
        page.ask("Page.addScriptToEvaluateOnNewDocument", source=AT_THE_START)
        second = AgentsPage(page)
        second.open(voice.server.address, voice.center.alias)
        second.sign_in("ann", PASSWORD)
        second.hears(CUSTOMER_HZ)
        customer.await_tone(AGENT_HZ)
        second.sees("Connected · sales")
        ann.sees("Connected · sales", "The sound has stopped")
        ann.press("Connect again")
        ann.hears(CUSTOMER_HZ)
        customer.await_tone(AGENT_HZ)
        second.press("Hang up")  # buttons work on both
        customer.wait("ended")
        ann.is_done()
        assert reason(voice, contact_id) == "AGENT_DISCONNECT"
        _, customer = talk(voice, ann)
        second.sees("This call goes on at another page", "Connected · sales")
        second.press("Connect here")
        second.hears(CUSTOMER_HZ)
        customer.hang_up()
        ann.is_done()


def test_a_server_that_is_killed_is_not_missed_on_the_phone(desk: Desk) -> None:
    voice, ann = desk
    contact_id, customer = talk(voice, ann)
    voice.server.kill()
    ann.sees("The server does not answer", "Not connected")
    heard = len(customer.heard)
    voice.trunk.until(lambda: len(customer.heard) > heard + 8_000, 5, customer.story)
    assert customer.hears(AGENT_HZ)
    ann.hears(CUSTOMER_HZ)
    restart(voice)
    ann.misses("Not connected", "The server does not answer")
    assert len(spans(customer, AGENT_HZ)) == 1, "he has missed nothing"
    ann.press("Hold")
    customer.await_silence(AGENT_HZ)
    ann.press("Resume")
    customer.await_tone(AGENT_HZ)
    ann.press("Hang up")
    customer.wait("ended")
    ann.is_done()
    assert reason(voice, contact_id) == "AGENT_DISCONNECT"


def test_a_gateway_that_is_killed_ends_the_call(desk: Desk) -> None:
    voice, ann = desk
    contact_id, customer = talk(voice, ann)
    voice.kill_gateway()
    customer.await_silence(AGENT_HZ)
    customer.wait("ended", 20)
    assert customer.by == "far"
    assert reason(voice, contact_id) == "TELECOM_PROBLEM"
    ann.is_done()
    contact_id, customer = talk(voice, ann)
    customer.hang_up()
    ann.is_done()
    assert reason(voice, contact_id) == "CUSTOMER_DISCONNECT"


def test_who_is_signed_out_elsewhere_has_hung_up(desk: Desk) -> None:
    voice, ann = desk
    contact_id, customer = talk(voice, ann)
    who = {"instance": voice.center.alias, "username": "ann", "password": PASSWORD}
    token = voice.server.ask("POST", "/auth/login", who)["accessToken"]
    voice.server.ask("POST", "/logout", {}, **{"X-Amz-Bearer": token})
    ann.sees("You have been signed out")
    customer.wait("ended")
    assert reason(voice, contact_id) == "AGENT_DISCONNECT"
    ann.sign_in("ann", PASSWORD)
    ann.is_done()


def test_where_udp_is_blocked_the_page_says_so_and_the_customer_waits_on(desk: Desk) -> None:
    voice, ann = desk
    blocked = "sessionStorage.setItem('test blocked', '1')"
    ann.page.run(blocked)
    contact_id, customer = called(voice)
    ann.press("Answer")
    ann.sees("no sound gets through: a firewall may be in the way")
    assert customer.loud(), "music, or the like"
    ann.page.run("sessionStorage.removeItem('test blocked')")
    ann.hears(CUSTOMER_HZ)  # it tries again by itself
    customer.await_tone(AGENT_HZ)
    customer.hang_up()
    ann.is_done()
    assert reason(voice, contact_id) == "CUSTOMER_DISCONNECT"
