"""The acceptance story of voice: boto3 and real phones, from the first ring to the metrics."""

from datetime import datetime

import pytest

from acceptance.center import OWN_NUMBER
from voice.center import (
    AGENT_HZ,
    AGENT_PHONE,
    CUSTOMER,
    CUSTOMER_HZ,
    a_voice_center,
)
from voice.probe import Line
from voice.scenario import stereo, strength

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLOSE_SECONDS = 0.1
HEARD_LATER_SECONDS = 0.15
"""What sound takes through the jitter buffer."""


def epoch(at: datetime) -> float:
    return at.timestamp()


def close(one: float, other: float) -> None:
    assert abs(one - other) <= CLOSE_SECONDS, f"{one - other:+.3f} s"


def test_a_customer_is_called_and_talks_with_an_agent(tmp_path):
    with a_voice_center(tmp_path) as voice:
        trunk, center = voice.trunk, voice.center
        contact_id = voice.dial()
        customer = trunk.call_to(CUSTOMER).wait("up")
        trunk.until(customer.loud, 15, lambda: "the flow says nothing")
        waiting = voice.await_contact(contact_id, lambda each: "QueueInfo" in each)
        close(epoch(waiting["ConnectedToSystemTimestamp"]), customer.at("up"))
        assert waiting["SystemEndpoint"]["Address"] == OWN_NUMBER
        assert customer.invite["from"].startswith((f"<sip:{OWN_NUMBER}@", f'"{OWN_NUMBER}"'))
        center.act("available")
        agent = trunk.call_to(AGENT_PHONE).wait("up")
        customer.await_tone(AGENT_HZ)
        agent.await_tone(CUSTOMER_HZ)
        talking = voice.contact(contact_id)
        joined = epoch(talking["AgentInfo"]["ConnectedToAgentTimestamp"])
        assert 0 <= customer.onset(AGENT_HZ) - joined <= CLOSE_SECONDS + HEARD_LATER_SECONDS
        assert center.current("AGENTS_ON_CONTACT") == {"AGENTS_ON_CONTACT": 1}
        center.act("hold")
        agent.await_silence(CUSTOMER_HZ)
        customer.await_silence(AGENT_HZ)
        trunk.until(customer.loud, 10, lambda: "no music on hold")
        center.act("resume")
        agent.await_tone(CUSTOMER_HZ)
        customer.hang_up()
        agent.wait("ended")
        customer.wait("ended")
        over = voice.await_end(contact_id)
        assert over["DisconnectReason"] == "CUSTOMER_DISCONNECT"
        close(epoch(over["DisconnectTimestamp"]), customer.at("ended"))
        center.act("complete")  # after contact work
        told = center.history(
            {"Name": "CONTACTS_HANDLED", "Unit": "COUNT", "Statistic": "SUM"},
            {"Name": "INTERACTION_TIME", "Unit": "SECONDS", "Statistic": "AVG"},
            {"Name": "HOLD_TIME", "Unit": "SECONDS", "Statistic": "AVG"},
        )
        talked = customer.at("ended") - joined
        assert told["CONTACTS_HANDLED"] == 1
        assert abs(told["INTERACTION_TIME"] + told["HOLD_TIME"] - talked) <= 2 * CLOSE_SECONDS


def test_a_caller_is_answered_by_the_flow_of_the_number_and_recorded(tmp_path):
    with a_voice_center(tmp_path) as voice:
        trunk, center = voice.trunk, voice.center
        customer = voice.call_in().wait("up")
        trunk.until(customer.loud, 15, lambda: "the flow says nothing")
        contact_id = voice.the_contact()
        described = voice.contact(contact_id)
        assert described["InitiationMethod"] == "INBOUND"
        assert described["CustomerEndpoint"]["Address"] == CUSTOMER
        close(epoch(described["InitiationTimestamp"]), customer.at("up"))
        center.act("available")
        agent = trunk.call_to(AGENT_PHONE).wait("up")
        customer.await_tone(AGENT_HZ)
        voice.connect.start_contact_recording(
            InstanceId=voice.instance,
            ContactId=contact_id,
            InitialContactId=contact_id,
            VoiceRecordingConfiguration={"VoiceRecordingTrack": "ALL"},
        )
        heard = len(customer.heard)
        trunk.until(lambda: len(customer.heard) > heard + 16_000, 10, lambda: "no sound")
        agent.hang_up()
        customer.wait("ended")
        over = voice.await_contact(
            contact_id, lambda each: each.get("Recordings", [{}])[0].get("Location") is not None
        )
        assert over["DisconnectReason"] == "AGENT_DISCONNECT"
        recording = over["Recordings"][0]
        assert recording["Status"] == "AVAILABLE"
        (file,) = (voice.data / "storage").rglob("*.wav")
        assert recording["Location"].endswith(file.name)
        left, right = stereo(file)
        assert 1.5 <= len(left) / 8_000 <= 4
        middle = slice(len(left) // 2 - 1_600, len(left) // 2 + 1_600)
        assert strength(left[middle], CUSTOMER_HZ) > 0.5
        assert strength(right[middle], AGENT_HZ) > 0.5
        assert strength(left[middle], AGENT_HZ) < 0.02


NOBODY = {
    "+12065550190": (Line(status=486), "TELECOM_BUSY"),
    "+12065550191": (Line(status=404), "TELECOM_NUMBER_INVALID"),
    "+12065550192": (Line(status=480), "TELECOM_UNANSWERED"),
    "+12065550193": (Line(answer=False), "TELECOM_TIMEOUT"),
    "+12065550194": (Line(status=503), "TELECOM_PROBLEM"),
}


def test_why_nobody_answered_is_told_and_who_dials_nobody_is_refused(tmp_path):
    lines = {number: line for number, (line, _) in NOBODY.items()}
    with a_voice_center(tmp_path, lines) as voice:
        dialled = {number: voice.dial(number, RingTimeoutInSeconds=15) for number in NOBODY}
        call = voice.trunk.dial("+15555550199").wait("ended")
        assert call.status == 404
        for number, (_, reason) in NOBODY.items():
            over = voice.await_end(dialled[number], 25)
            assert (number, over["DisconnectReason"]) == (number, reason)
            assert "ConnectedToSystemTimestamp" not in over
