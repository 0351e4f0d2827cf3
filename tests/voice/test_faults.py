"""Faults: processes that are killed, sound that is lost. Who hears what, what the record says."""

import random

import pytest

from voice.center import AGENT_HZ, AGENT_PHONE, CUSTOMER_HZ, a_voice_center, gateways
from voice.probe import Call, strength

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("faults")]

CALLS = 20


def twenty_calls(voice) -> list[Call]:
    """One talks with the agent, the others wait with music."""
    voice.center.act("available")
    calls = [voice.call_in() for _ in range(CALLS)]
    for call in calls:
        call.wait("up")
    agent = voice.trunk.call_to(AGENT_PHONE).wait("up")
    agent.await_tone(CUSTOMER_HZ, 20)
    for call in calls:
        voice.trunk.until(call.loud, 20, lambda call=call: f"silence: {call.story()}")
    return calls


def live(voice) -> int:
    """How many contacts wait or talk."""
    told = voice.center.current("CONTACTS_IN_QUEUE", "AGENTS_ON_CONTACT", "AGENTS_AVAILABLE")
    return int(told.get("CONTACTS_IN_QUEUE", 0) + told.get("AGENTS_ON_CONTACT", 0))


def test_a_gateway_is_killed_with_twenty_calls(tmp_path):
    """All far ends are hung up by the next gateway, all contacts end, and calls are possible."""
    with a_voice_center(tmp_path) as voice:
        twenty_calls(voice)
        before = voice.gateway()
        assert live(voice) == CALLS
        voice.kill_gateway()
        for call in voice.trunk.calls:
            call.wait("ended", 30)
            assert call.by == "far"
        ended = voice.ended_contacts(CALLS)
        assert {each["DisconnectReason"] for each in ended} == {"TELECOM_PROBLEM"}
        voice.center.act("complete")
        assert live(voice) == 0
        assert gateways(voice.data) != [before]
        again = voice.call_in().wait("up")
        voice.trunk.until(again.loud, 20, again.story)


def test_a_server_is_killed_with_twenty_calls(tmp_path):
    """Nobody hears anything of it: music and talk go on, and the next server has them all."""
    with a_voice_center(tmp_path) as voice:
        calls = twenty_calls(voice)
        agent = voice.trunk.call_to(AGENT_PHONE)
        gateway = voice.gateway()
        voice.until(lambda: [each for each in calls if each.hears(AGENT_HZ)], bool)
        talking = next(each for each in calls if each.hears(AGENT_HZ))
        voice.server.kill()
        for call in calls:
            heard = len(call.heard)
            voice.trunk.until(lambda h=heard, c=call: len(c.heard) > h + 4_000, 10, call.story)
            assert call.loud()
        assert talking.hears(AGENT_HZ)
        gone = next(each for each in calls if each is not talking)
        gone.hang_up()  # while nobody is there to be told
        gone.wait("ended")
        voice.restart()
        assert voice.gateway() == gateway
        voice.until(lambda: live(voice), lambda count: count == CALLS - 1, 30)
        assert agent.hears(CUSTOMER_HZ)
        (ended,) = voice.ended_contacts(1)
        assert ended["DisconnectReason"] == "CUSTOMER_DISCONNECT"
        voice.center.act("offline")
        agent.hang_up()
        talking.wait("ended", 20)
        for call in calls:
            if call.state == "up":
                call.hang_up()
        for call in voice.trunk.calls:
            call.wait("ended", 20)
        voice.center.act("complete")
        voice.until(lambda: live(voice), lambda count: count == 0, 30)


def test_lost_and_reordered_sound_is_heard_all_the_same(tmp_path):
    """5 % dropped, neighbours swapped: no word is missing, and the record tells of it."""
    with a_voice_center(tmp_path) as voice:
        chance = random.Random(5)
        waiting: list[bytes] = []

        def mangle(number: int, packet: bytes) -> list[bytes]:
            if chance.random() < 0.05:
                return []
            if number % 7 == 3:
                waiting.append(packet)
                return []
            return [packet, *(waiting.pop() for _ in waiting[:1])]

        voice.center.act("available")
        customer = voice.call_in()
        customer.mangle = mangle
        customer.wait("up")
        agent = voice.trunk.call_to(AGENT_PHONE).wait("up")
        agent.await_tone(CUSTOMER_HZ)
        heard = len(agent.heard)
        voice.trunk.until(lambda: len(agent.heard) > heard + 40_000, 20, agent.story)
        frames = [bytes(agent.heard[at : at + 800]) for at in range(heard, heard + 40_000, 800)]
        gaps = [each for each in frames if strength(each, CUSTOMER_HZ) < 0.3]
        assert len(gaps) <= len(frames) // 10
        assert agent.lost == 0
        customer.hang_up()
        contact = voice.await_end(voice.the_contact())
        quality = contact["QualityMetrics"]["Customer"]["Audio"]
        assert 1 <= quality["QualityScore"] < 4.3


def test_a_call_without_sound_ends(tmp_path):
    """The customer's phone is gone without a word: media_timeout (5 s here), and it is told."""
    with a_voice_center(tmp_path) as voice:
        voice.center.act("available")
        customer = voice.call_in().wait("up")
        agent = voice.trunk.call_to(AGENT_PHONE).wait("up")
        agent.await_tone(CUSTOMER_HZ)
        customer.silent = True
        customer.wait("ended", 15)
        agent.wait("ended", 15)
        assert customer.by == "far"
        contact = voice.await_end(voice.the_contact())
        assert contact["DisconnectReason"] == "TELECOM_PROBLEM"


def test_the_next_server_is_there_before_its_gateway(tmp_path):
    """Both are killed: the new server ends what cannot have outlived it."""
    with a_voice_center(tmp_path) as voice:
        customer = voice.call_in().wait("up")
        voice.trunk.until(lambda: len(customer.heard) > 8_000, 20, customer.story)
        voice.server.kill()
        voice.kill_gateway()
        voice.restart()
        customer.wait("ended", 30)
        (ended,) = voice.ended_contacts(1)
        assert ended["DisconnectReason"] == "TELECOM_PROBLEM"
