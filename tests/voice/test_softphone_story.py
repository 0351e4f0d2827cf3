"""The story of a call: boto3 calls a customer, and an agent at a real browser talks with him.

She puts him on hold, asks somebody else, has them all in a conference. What the ear, the recording,
the contact record and the metrics say is held against each other.
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from voice.agents_page import HEARD, AgentsPage, an_agents_page, level, spans
from voice.center import (
    AGENT_HZ,
    CUSTOMER,
    CUSTOMER_HZ,
    THIRD,
    THIRD_HZ,
    VoiceCenter,
)
from voice.probe import RATE, Call
from voice.scenario import stereo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLOSE_SECONDS = 0.1
SOUND_SECONDS = 0.15
"""What sound takes from the browser to the customer, through two jitter buffers."""

TONES = {CUSTOMER_HZ, AGENT_HZ, THIRD_HZ}


class Phase(NamedTuple):
    """Some while in which nothing changes, and the tones on both sides of the recording."""

    begin: float
    end: float
    left: set[float]
    right: set[float]


class Story:
    """What has happened so far, as the ears have it."""

    def __init__(self, voice: VoiceCenter, ann: AgentsPage) -> None:
        self.voice, self.ann = voice, ann
        self.begun = time.time()
        self.phases: list[Phase] = []
        self.contact_id = ""
        self.lag = 0.0
        """The longest that a command has taken until it was there; ten milliseconds, if nobody else
        works on the machine, and as late are all things told."""
        self.customer: Call
        self.third: Call

    def lasts(self, *left: float) -> None:
        """All stays as it is for half a second."""
        begin, heard = time.time(), len(self.customer.heard)
        enough = heard + RATE // 2
        self.voice.trunk.until(lambda: len(self.customer.heard) > enough, 5, self.customer.story)
        asked = time.time()
        self.voice.connect.update_contact_attributes(
            InstanceId=self.voice.instance,
            InitialContactId=self.contact_id,
            Attributes={"phase": f"{len(self.phases)}"},
        )
        self.lag = max(self.lag, time.time() - asked)
        self.phases.append(Phase(begin, time.time(), set(left), {AGENT_HZ}))

    def close(self, one: float | datetime, other: float | datetime, times: int = 1) -> None:
        """These are the same. times: how many differences make up this one."""
        difference = seconds(one) - seconds(other)
        assert abs(difference) <= CLOSE_SECONDS + times * self.lag, f"{difference:+.3f} s"

    def whole(self, told: int, seen: float) -> None:
        """Whole seconds of what was seen."""
        assert told - CLOSE_SECONDS - 3 * self.lag <= seen < told + 1 + CLOSE_SECONDS + 3 * self.lag


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    records = f"contact-records={tmp_path / 'records.jsonl'}"
    with an_agents_page(tmp_path, "--stream", records) as (voice, ann):
        yield Story(voice, ann)


def test_a_call_from_the_api_to_the_record(story: Story, tmp_path: Path) -> None:
    is_called(story)
    waits_on_hold(story)
    waits_while_somebody_is_asked(story)
    all_talk(story)
    hangs_up(story)
    the_contact_says_so(story)
    the_contact_of_the_third_says_so(story)
    the_metrics_say_so(story)
    the_recording_sounds_so(story)
    the_contact_record_says_so(story, tmp_path / "records.jsonl")


def is_called(story: Story) -> None:
    voice, ann = story.voice, story.ann
    story.contact_id = voice.dial(Attributes={"tier": "gold"})
    story.customer = voice.trunk.call_to(CUSTOMER).wait("up")
    ann.sees(CUSTOMER, "Rings · sales", "gold")
    voice.trunk.until(story.customer.loud, 15, lambda: "nothing is heard while he waits")
    ann.press("Answer")
    story.customer.await_tone(AGENT_HZ)
    ann.hears(CUSTOMER_HZ)
    ann.sees("Connected · sales", "Sound: good")
    voice.connect.start_contact_recording(
        InstanceId=voice.instance,
        ContactId=story.contact_id,
        InitialContactId=story.contact_id,
        VoiceRecordingConfiguration={"VoiceRecordingTrack": "ALL"},
    )
    voice.await_contact(story.contact_id, lambda each: bool(each.get("Recordings")))
    story.lasts(CUSTOMER_HZ)


def waits_on_hold(story: Story) -> None:
    ann, customer = story.ann, story.customer
    ann.press("Hold")
    customer.await_silence(AGENT_HZ)
    ann.hears(without=(CUSTOMER_HZ,))
    story.voice.trunk.until(customer.loud, 10, lambda: "no music on hold")
    ann.sees("On hold")
    story.lasts()
    ann.press("Resume")
    customer.await_tone(AGENT_HZ)
    ann.hears(CUSTOMER_HZ)


def waits_while_somebody_is_asked(story: Story) -> None:
    voice, ann, customer = story.voice, story.ann, story.customer
    ann.consult(number=THIRD)
    story.third = voice.trunk.call_to(THIRD).wait("up")
    story.third.await_tone(AGENT_HZ)
    ann.hears(THIRD_HZ, without=(CUSTOMER_HZ,))
    ann.sees("On hold, consulting", f"{THIRD} · talks", f"{CUSTOMER} · on hold")
    assert not customer.hears(AGENT_HZ, least=0.05)
    assert not customer.hears(THIRD_HZ, least=0.05)
    story.lasts(THIRD_HZ)
    ann.press("Swap")
    customer.await_tone(AGENT_HZ)
    story.third.await_silence(AGENT_HZ)
    ann.hears(CUSTOMER_HZ, without=(THIRD_HZ,))
    story.lasts(CUSTOMER_HZ)


def all_talk(story: Story) -> None:
    ann, customer, third = story.ann, story.customer, story.third
    ann.press("Join all")
    ann.hears(CUSTOMER_HZ, THIRD_HZ)
    ann.sees("Conference")
    for ear, others in ((customer, (AGENT_HZ, THIRD_HZ)), (third, (AGENT_HZ, CUSTOMER_HZ))):
        for each in others:
            ear.await_tone(each)
    story.lasts(CUSTOMER_HZ, THIRD_HZ)
    ann.party(THIRD, "Drop")
    third.wait("ended")
    ann.hears(CUSTOMER_HZ, without=(THIRD_HZ,))
    ann.misses(f"{THIRD} ·")


def hangs_up(story: Story) -> None:
    story.customer.hang_up()
    story.customer.wait("ended")
    story.ann.is_done()


# What is told of it


def seconds(at: float | datetime) -> float:
    return at.timestamp() if isinstance(at, datetime) else at


def held(story: Story) -> list[float]:
    """How long the customer waited on hold, each time: when he did not hear her."""
    return [begin - end for (_, end), (begin, _) in pairwise(spans(story.customer, AGENT_HZ))]


def talked(story: Story) -> float:
    """From her first to her last word, by his ear."""
    heard = spans(story.customer, AGENT_HZ)
    return heard[-1][1] - heard[0][0]


def the_contact_says_so(story: Story) -> None:
    told, customer = story.voice.await_end(story.contact_id), story.customer
    assert told["DisconnectReason"] == "CUSTOMER_DISCONNECT"
    assert told["InitiationMethod"] == "API"
    story.close(told["ConnectedToSystemTimestamp"], customer.at("up"))
    story.close(told["DisconnectTimestamp"], customer.at("ended"))
    agent = told["AgentInfo"]
    later = spans(customer, AGENT_HZ)[0][0] - seconds(agent["ConnectedToAgentTimestamp"])
    assert 0 <= later <= SOUND_SECONDS + CLOSE_SECONDS + story.lag
    assert len(held(story)) == 2
    story.whole(agent["AgentInitiatedHoldDuration"], sum(held(story)))
    story.close(agent["AfterContactWorkStartTimestamp"], customer.at("ended"))
    assert told["QualityMetrics"]["Agent"]["Audio"]["QualityScore"] > 4


def the_contact_of_the_third_says_so(story: Story) -> None:
    voice, third = story.voice, story.third
    (other,) = set(voice.contacts()) - {story.contact_id}
    told = voice.await_end(other)
    assert told["InitiationMethod"] == "EXTERNAL_OUTBOUND"
    assert told["PreviousContactId"] == story.contact_id
    assert told["DisconnectReason"] == "AGENT_DISCONNECT"
    story.close(told["ConnectedToSystemTimestamp"], third.at("up"))
    story.close(told["DisconnectTimestamp"], third.at("ended"))


def the_metrics_say_so(story: Story) -> None:
    told = metrics(
        story,
        "CONTACTS_HANDLED",
        "SUM_INTERACTION_AND_HOLD_TIME",
        "SUM_HOLD_TIME",
        "SUM_INTERACTION_TIME",
        "SUM_HANDLE_TIME",
        "SUM_AFTER_CONTACT_WORK_TIME",
    )
    assert told["CONTACTS_HANDLED"] == 1
    story.close(told["SUM_INTERACTION_AND_HOLD_TIME"], talked(story))
    story.close(told["SUM_HOLD_TIME"], sum(held(story)), 2)
    story.close(told["SUM_INTERACTION_TIME"], talked(story) - sum(held(story)), 3)
    work = told["SUM_AFTER_CONTACT_WORK_TIME"]
    assert told["SUM_HANDLE_TIME"] == pytest.approx(told["SUM_INTERACTION_AND_HOLD_TIME"] + work)
    assert story.voice.center.current("AGENTS_ON_CONTACT", "AGENTS_AFTER_CONTACT_WORK") == {
        "AGENTS_ON_CONTACT": 0,
        "AGENTS_AFTER_CONTACT_WORK": 0,
    }


def metrics(story: Story, *names: str) -> dict[str, float]:
    """GetMetricDataV2 of her queue."""
    voice = story.voice
    described = voice.connect.describe_instance(InstanceId=voice.instance)["Instance"]
    answer = voice.connect.get_metric_data_v2(
        ResourceArn=described["Arn"],
        StartTime=story.begun - 60,
        EndTime=time.time(),
        Filters=[{"FilterKey": "QUEUE", "FilterValues": [voice.center.queue_arn]}],
        Groupings=["QUEUE"],
        Metrics=[{"Name": name} for name in names],
    )
    [row] = answer["MetricResults"]
    return {each["Metric"]["Name"]: each["Value"] for each in row["Collections"]}


def the_recording_sounds_so(story: Story) -> None:
    """She is on the right, everybody else whom she talks with on the left."""
    voice = story.voice
    told = voice.await_contact(
        story.contact_id, lambda each: each["Recordings"][0].get("Location") is not None
    )
    recording = told["Recordings"][0]
    (file,) = (voice.data / "storage").rglob("*.wav")
    sides = stereo(file)
    begin = seconds(recording["StartTimestamp"])
    story.close(len(sides[0]) / RATE, seconds(recording["StopTimestamp"]) - begin)
    for phase in story.phases:
        at = slice(int((phase.begin - begin) * RATE), int((phase.end - begin) * RATE))
        for side, wanted in zip(sides, (phase.left, phase.right), strict=True):
            assert {each for each in TONES if level(side[at], each) > HEARD} == wanted, phase


def the_contact_record_says_so(story: Story, records: Path) -> None:
    """The stream of contact records has it as DescribeContact has, and how often he waited."""

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in records.read_text().splitlines()]

    found = story.voice.until(
        lambda: [each for each in lines() if each["ContactId"] == story.contact_id], bool
    )
    agent, holds = found[-1]["Agent"], held(story)
    assert agent["NumberOfHolds"] == len(holds)
    for told, seen in (
        (agent["CustomerHoldDuration"], sum(holds)),
        (agent["LongestHoldDuration"], max(holds)),
        (agent["AgentInteractionDuration"], talked(story) - sum(holds)),
    ):
        story.whole(told, seen)
    assert found[-1]["DisconnectReason"] == "CUSTOMER_DISCONNECT"
