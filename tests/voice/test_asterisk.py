"""The carrier over Asterisk, and the phones at its trunk."""

import pytest

from ringfloor.gateway.asterisk.carrier import Asterisk
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    CreateBridge,
    HangUp,
    Originate,
    StartRecording,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelHungUp,
    ChannelIncoming,
    RecordingStarted,
)
from voice import scenario
from voice.asterisks import now_ms
from voice.center import AGENT_HZ, AGENT_PHONE, CUSTOMER_HZ, an_asterisk_center
from voice.probe import Line, Probe, strength
from voice.reaches import DESK, asterisk_reach
from voice.scenario import await_event, of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("asterisk")]


def test_the_whole_scenario():
    with asterisk_reach() as reach:
        scenario.play(reach, lambda step, seconds: print(f"{seconds:6.2f} s  {step}"))


def test_calls_outlive_the_gateway():
    """Asterisk has them: a gateway that starts again takes on what its channels() then say."""
    with asterisk_reach() as reach:
        customer = reach.trunk.dial(scenario.CENTER)
        channel_id = await_event(reach, ChannelIncoming).channel_id
        reach.perform(Answer(channel_id), Originate("a1/agent", scenario.AGENT, "+1800", 9_000))
        await_event(reach, ChannelAnswered, met=of(channel_id="a1/agent"))
        await_event(reach, ChannelAnswered, met=of(channel_id=channel_id))
        agent = reach.trunk.call_to(scenario.AGENT)
        together = [AddToBridge("b1/bridge", each) for each in (channel_id, "a1/agent")]
        reach.perform(CreateBridge("b1/bridge"), *together)
        customer.await_tone(scenario.AGENT_HZ)
        known = reach.carrier.channels()
        reach.restart()
        agent.await_tone(scenario.CUSTOMER_HZ)  # nobody has hung up
        gone = Channel(channel_id="gone", direction="outbound", address="+1", state="up")
        reach.call(lambda: reach.carrier.adopt([*known, gone], now_ms()))
        over = await_event(reach, ChannelHungUp)
        assert (over.channel_id, over.q850) == ("gone", Q850.TEMPORARY_FAILURE)
        assert {each.channel_id for each in reach.carrier.channels()} == {channel_id, "a1/agent"}
        reach.perform(*together, HangUp("a1/agent"))
        agent.wait("ended")
        customer.hang_up()
        await_event(reach, ChannelHungUp, met=of(channel_id=channel_id, by="remote"))


def test_calls_of_an_asterisk_that_dies_are_told():
    with asterisk_reach() as reach:
        reach.trunk.dial(scenario.CENTER)
        channel_id = await_event(reach, ChannelIncoming).channel_id
        reach.perform(Answer(channel_id))
        await_event(reach, ChannelAnswered)
        reach.running.process.kill()
        over = await_event(reach, ChannelHungUp, seconds=20)
        assert (over.channel_id, over.q850) == (channel_id, Q850.TEMPORARY_FAILURE)
        reach.perform(Originate("x1", scenario.AGENT, scenario.CENTER, 9_000))
        over = await_event(reach, ChannelHungUp, met=of(channel_id="x1"))
        assert over.q850 == Q850.NETWORK_OUT_OF_ORDER


def test_a_recording_may_begin_as_soon_as_who_is_called_has_answered(monkeypatch):
    """Asterisk may say that he is up before it says that he is ours; under load it does."""
    entered = Asterisk._entered
    monkeypatch.setattr(
        Asterisk, "_entered", lambda self, it, args: it["id"] == "a1" or entered(self, it, args)
    )
    with asterisk_reach() as reach:
        reach.perform(Originate("a1", scenario.AGENT, "+1800", 9_000))
        await_event(reach, ChannelAnswered, met=of(channel_id="a1"))
        reach.perform(StartRecording("r1", "b1", "a1", "r1.wav"))
        await_event(reach, RecordingStarted, met=of(recording_id="r1"))
        reach.perform(HangUp("a1"))
        await_event(reach, ChannelHungUp, met=of(channel_id="a1"))


def a_phone() -> Probe:
    """At an address of its own: that of the trunk is the trunk's."""
    return Probe("ann", line=Line(frequency=900), username="ann", host="127.0.0.2")


def test_a_desk_phone_is_rung_by_its_number():
    with asterisk_reach() as reach, a_phone() as phone:
        phone.proxy, phone.password = reach.trunk.proxy, "CHANGE-ME"
        assert phone.register() == 200
        reach.perform(Originate("a1/agent", DESK, scenario.CENTER, 9_000))
        phone.wait_for_call().wait("up")
        await_event(reach, ChannelAnswered, met=of(channel_id="a1/agent"))
        reach.perform(HangUp("a1/agent"))
        phone.calls[0].wait("ended")


def test_a_stranger_does_not_ring():
    """Who is no trunk and no phone of ours: Asterisk's own lists say so."""
    with asterisk_reach() as reach, Probe("stranger", host="127.0.0.3") as stranger:
        stranger.proxy = reach.trunk.proxy
        call = stranger.dial(scenario.CENTER).wait("ended")
        assert call.status in (401, 403, 404)
        assert reach.events == []


def test_a_center_whose_carrier_is_asterisk(tmp_path):
    """From the caller's first ring to the recording, with the voice file of the guide."""
    with an_asterisk_center(tmp_path) as voice:
        trunk, center = voice.trunk, voice.center
        customer = voice.call_in().wait("up")
        trunk.until(customer.loud, 20, lambda: "the flow says nothing")
        center.act("available")
        agent = trunk.call_to(AGENT_PHONE).wait("up")
        customer.await_tone(AGENT_HZ)
        agent.await_tone(CUSTOMER_HZ)
        contact_id = voice.the_contact()
        voice.connect.start_contact_recording(
            InstanceId=voice.instance,
            ContactId=contact_id,
            InitialContactId=contact_id,
            VoiceRecordingConfiguration={"VoiceRecordingTrack": "ALL"},
        )
        heard = len(customer.heard)
        trunk.until(lambda: len(customer.heard) > heard + 16_000, 10, lambda: "no sound")
        center.act("hold")
        agent.await_silence(CUSTOMER_HZ)
        trunk.until(customer.loud, 10, lambda: "no music on hold")
        center.act("resume")
        agent.await_tone(CUSTOMER_HZ)
        customer.hang_up()
        agent.wait("ended")
        over = voice.await_contact(
            contact_id, lambda each: each.get("Recordings", [{}])[0].get("Location") is not None
        )
        assert over["DisconnectReason"] == "CUSTOMER_DISCONNECT"
        (file,) = (voice.data / "storage").rglob("*.wav")
        left, right = scenario.stereo(file)
        assert strength(left[4_000:8_000], CUSTOMER_HZ) > 0.5
        assert strength(right[4_000:8_000], AGENT_HZ) > 0.5
