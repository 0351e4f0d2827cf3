"""The scenario of a whole day on the phone, in 22 steps, for every carrier with real far ends.

A Reach is a carrier, and a probe that stands for the trunk: what the carrier dials arrives there,
and it dials in. What is said is judged by what the probe hears.
"""

import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    Command,
    CreateBridge,
    DestroyBridge,
    Gather,
    HangUp,
    Media,
    Mute,
    Originate,
    PauseRecording,
    Play,
    RemoveFromBridge,
    ResumeRecording,
    SendDigits,
    StartMusic,
    StartRecording,
    StopMusic,
    StopRecording,
    Unmute,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelDigit,
    ChannelHungUp,
    ChannelIncoming,
    ChannelRinging,
    Event,
    GatherFinished,
    PlaybackFinished,
    RecordingFinished,
    RecordingStarted,
)
from voice.probe import RATE, Call, Line, Probe, strength

CENTER = "+18005550100"
CUSTOMER = "+12065550101"
AGENT, THIRD, CHIEF = "+12065550110", "+12065550111", "+12065550112"
BUSY, SLOW, NOBODY = "+12065550117", "+12065550119", "+12065550104"
CUSTOMER_HZ, AGENT_HZ, THIRD_HZ, CHIEF_HZ, PROMPT_HZ = 440, 700, 1_000, 1_300, 1_700

LINES = {
    AGENT: Line(frequency=AGENT_HZ),
    THIRD: Line(frequency=THIRD_HZ),
    CHIEF: Line(frequency=CHIEF_HZ),
    BUSY: Line(status=486),
    SLOW: Line(answer=False),
    NOBODY: Line(status=404),
}

E = TypeVar("E", bound=Event)


class Reach(Protocol):
    """A carrier under test, run by somebody; events are appended as it hands them out."""

    trunk: Probe
    events: list[Event]
    spool: Path
    sounds: bool
    """Whether there is sound, and so a recording of it."""

    def perform(self, *commands: Command) -> None: ...

    def tone(self, frequency: float, seconds: float) -> Media:
        """A prompt that sounds so."""


def await_event(
    reach: Reach, kind: type[E], seconds: float = 10, met: Callable[[E], bool] | None = None
) -> E:
    """The first event of a kind that meets a condition; fails with all that came."""

    def found() -> list[E]:
        return [
            each for each in list(reach.events) if isinstance(each, kind) and (not met or met(each))
        ]

    reach.trunk.until(lambda: bool(found()), seconds, lambda: f"no {kind.__name__}: {reach.events}")
    return found()[0]


def of(**members: Any) -> Callable[[Any], bool]:
    """A condition: these members are so."""
    return lambda event: all(getattr(event, name) == value for name, value in members.items())


class Scenario:
    """The steps, one method each, in the order of STEPS; later ones go on from earlier ones."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.trunk = reach.trunk
        self.customer: Call
        self.agent: Call
        self.third: Call
        self.chief: Call
        self.inbound = ""

    def _dial(self, channel_id: str, number: str) -> Call:
        self.reach.perform(Originate(channel_id, number, CENTER, 20_000))
        await_event(self.reach, ChannelAnswered, met=of(channel_id=channel_id))
        return self.trunk.call_to(number).wait("up")

    # A caller and a menu

    def a_caller_comes_in(self) -> None:
        self.customer = self.trunk.dial(CENTER)
        incoming = await_event(self.reach, ChannelIncoming)
        assert (incoming.from_, incoming.to) == (CUSTOMER, CENTER)
        self.inbound = incoming.channel_id

    def he_is_answered(self) -> None:
        self.reach.perform(Answer(self.inbound))
        self.customer.wait("up")
        await_event(self.reach, ChannelAnswered, met=of(channel_id=self.inbound))

    def he_hears_a_prompt(self) -> None:
        self.reach.perform(Play("p1", self.inbound, (self.reach.tone(PROMPT_HZ, 1.0),)))
        self.customer.await_tone(PROMPT_HZ)
        over = await_event(self.reach, PlaybackFinished, met=of(playback_id="p1"))
        assert over.reason == "eof"
        self.customer.await_silence(PROMPT_HZ)

    def he_types_his_number(self) -> None:
        media = (self.reach.tone(PROMPT_HZ, 0.2),)
        self.reach.perform(Gather("g1", self.inbound, media, 4, 10_000))
        self.customer.await_tone(PROMPT_HZ, least=0.15)
        self.customer.press("1234")
        over = await_event(self.reach, GatherFinished, met=of(gather_id="g1"))
        assert (over.digits, over.reason) == ("1234", "max_digits")

    def he_barges_in(self) -> None:
        media = (self.reach.tone(PROMPT_HZ, 30.0),)
        self.reach.perform(Gather("g2", self.inbound, media, 9, 10_000))
        self.customer.await_tone(PROMPT_HZ)
        self.customer.press("7#")
        over = await_event(self.reach, GatherFinished, met=of(gather_id="g2"))
        assert (over.digits, over.reason) == ("7", "terminator")
        self.customer.await_silence(PROMPT_HZ)

    def keys_are_pressed_for_him(self) -> None:
        self.reach.perform(SendDigits("d1", self.inbound, "42#"))
        self.trunk.until(lambda: len(self.customer.keys) >= 3, 10, lambda: str(self.customer.keys))
        assert "".join(key for key, _ in self.customer.keys) == "42#"

    def he_waits_with_music(self) -> None:
        self.reach.perform(StartMusic(self.inbound))
        self.trunk.until(self.customer.loud, 10, lambda: "no music")
        self.reach.perform(StopMusic(self.inbound))
        self.trunk.until(lambda: not self.customer.loud(), 10, lambda: "the music goes on")

    # An agent

    def an_agent_is_dialled(self) -> None:
        self.agent = self._dial("a1/agent", AGENT)
        await_event(self.reach, ChannelRinging, met=of(channel_id="a1/agent"))

    def they_talk(self) -> None:
        self.reach.perform(
            CreateBridge("b1/bridge"),
            AddToBridge("b1/bridge", self.inbound),
            AddToBridge("b1/bridge", "a1/agent"),
        )
        self.customer.await_tone(AGENT_HZ)
        self.agent.await_tone(CUSTOMER_HZ)

    def a_key_in_the_call_is_told(self) -> None:
        self.customer.press("5")
        told = await_event(self.reach, ChannelDigit, met=of(channel_id=self.inbound))
        assert told.digit == "5"

    def the_customer_is_held(self) -> None:
        self.reach.perform(
            RemoveFromBridge("b1/bridge", self.inbound),
            StartMusic(self.inbound, (self.reach.tone(PROMPT_HZ, 1.0),)),
        )
        self.customer.await_tone(PROMPT_HZ)
        self.customer.await_silence(AGENT_HZ)
        self.agent.await_silence(CUSTOMER_HZ)

    def he_is_back(self) -> None:
        self.reach.perform(StopMusic(self.inbound), AddToBridge("b1/bridge", self.inbound))
        self.customer.await_tone(AGENT_HZ)
        self.agent.await_tone(CUSTOMER_HZ)

    def the_agent_mutes_himself(self) -> None:
        self.reach.perform(Mute("a1/agent"))
        self.customer.await_silence(AGENT_HZ)
        assert self.agent.hears(CUSTOMER_HZ)
        self.reach.perform(Unmute("a1/agent"))
        self.customer.await_tone(AGENT_HZ)

    def what_they_say_is_recorded(self) -> None:
        recorded = "connect/first/r1.wav"
        self.reach.perform(StartRecording("r1", "b1/bridge", "a1/agent", recorded))
        await_event(self.reach, RecordingStarted, met=of(recording_id="r1"))
        self._pass(1.0)
        self.reach.perform(PauseRecording("r1"))
        self._pass(1.0)
        self.reach.perform(ResumeRecording("r1"))
        self._pass(1.0)
        self.reach.perform(StopRecording("r1"))
        over = await_event(self.reach, RecordingFinished, met=of(recording_id="r1"))
        assert 2_800 <= over.duration_ms <= 3_600
        assert over.name == (recorded if self.reach.sounds else "")
        if self.reach.sounds:
            self._check_recording(over.duration_ms)

    def _check_recording(self, duration_ms: int) -> None:
        left, right = stereo(self.reach.spool / "connect%2Ffirst%2Fr1.wav")
        assert abs(len(left) - duration_ms * 8) <= 400
        begin, end = slice(2_400, 5_600), slice(-4_800, -1_600)
        for part in (begin, end):
            assert strength(right[part], AGENT_HZ) > 0.5
            assert strength(left[part], CUSTOMER_HZ) > 0.5
            assert strength(left[part], AGENT_HZ) < 0.02
            assert strength(right[part], CUSTOMER_HZ) < 0.02
        middle = slice(len(left) // 2 - 1_600, len(left) // 2 + 1_600)
        assert max(map(abs, left[middle])) == max(map(abs, right[middle])) == 0

    def _pass(self, seconds: float) -> None:
        """Until the customer has heard so much more: the world's time, not ours."""
        heard = len(self.customer.heard) + int(seconds * RATE)
        self.trunk.until(lambda: len(self.customer.heard) >= heard, 10, lambda: "no sound comes")

    # More people

    def a_third_joins(self) -> None:
        self.third = self._dial("c2", THIRD)
        self.reach.perform(AddToBridge("b1/bridge", "c2"))
        for call, others in (
            (self.customer, (AGENT_HZ, THIRD_HZ)),
            (self.agent, (CUSTOMER_HZ, THIRD_HZ)),
            (self.third, (CUSTOMER_HZ, AGENT_HZ)),
        ):
            for other in others:
                call.await_tone(other, least=0.15)

    def a_supervisor_listens(self) -> None:
        self.chief = self._dial("m1/agent", CHIEF)
        self.reach.perform(AddToBridge("b1/bridge", "m1/agent", "listen"))
        for other in (CUSTOMER_HZ, AGENT_HZ, THIRD_HZ):
            self.chief.await_tone(other, least=0.1)
        self.customer.await_silence(CHIEF_HZ)
        self.reach.perform(AddToBridge("b1/bridge", "m1/agent"))
        self.customer.await_tone(CHIEF_HZ, least=0.1)
        self.reach.perform(HangUp("m1/agent"))
        self.chief.wait("ended")

    def the_agent_leaves_them_alone(self) -> None:
        self.reach.perform(RemoveFromBridge("b1/bridge", "a1/agent"), HangUp("a1/agent"))
        self.agent.wait("ended")
        over = await_event(self.reach, ChannelHungUp, met=of(channel_id="a1/agent"))
        assert (over.by, over.q850, over.sip_code) == ("local", Q850.NORMAL_CLEARING, None)
        self.customer.await_tone(THIRD_HZ)
        self.third.await_tone(CUSTOMER_HZ)
        self.customer.await_silence(AGENT_HZ)

    def the_third_hangs_up(self) -> None:
        self.third.hang_up()
        over = await_event(self.reach, ChannelHungUp, met=of(channel_id="c2"))
        assert (over.by, over.q850, over.sip_code) == ("remote", Q850.NORMAL_CLEARING, None)
        self.reach.perform(DestroyBridge("b1/bridge"))

    def the_customer_is_hung_up(self) -> None:
        self.reach.perform(HangUp(self.inbound))
        self.customer.wait("ended")
        assert self.customer.by == "far"
        await_event(self.reach, ChannelHungUp, met=of(channel_id=self.inbound, by="local"))

    # Those who do not answer

    def somebody_is_busy(self) -> None:
        self.reach.perform(Originate("x1", BUSY, CENTER, 20_000))
        over = await_event(self.reach, ChannelHungUp, met=of(channel_id="x1"))
        assert (over.by, over.q850, over.sip_code) == ("remote", Q850.USER_BUSY, 486)

    def a_number_does_not_exist(self) -> None:
        self.reach.perform(Originate("x2", NOBODY, CENTER, 20_000))
        over = await_event(self.reach, ChannelHungUp, met=of(channel_id="x2"))
        assert (over.by, over.q850, over.sip_code) == ("remote", Q850.UNALLOCATED_NUMBER, 404)

    def a_call_is_cancelled(self) -> None:
        self.reach.perform(Originate("x3", SLOW, CENTER, 20_000))
        await_event(self.reach, ChannelRinging, met=of(channel_id="x3"))
        self.reach.perform(HangUp("x3"))
        over = await_event(self.reach, ChannelHungUp, met=of(channel_id="x3"))
        assert (over.by, over.sip_code) == ("local", 487)
        self.trunk.call_to(SLOW).wait("ended")

    def nobody_answers_in_time(self) -> None:
        self.reach.perform(Originate("x4", SLOW, CENTER, 500))
        over = await_event(self.reach, ChannelHungUp, met=of(channel_id="x4"))
        assert (over.by, over.q850, over.sip_code) == ("timeout", Q850.NO_ANSWER, 487)
        self.trunk.call_to(SLOW).wait("ended")

    def nothing_is_left(self) -> None:
        endings = [each for each in self.reach.events if isinstance(each, ChannelHungUp)]
        named = [each.channel_id for each in endings]
        assert sorted(named) == sorted(
            [self.inbound, "a1/agent", "c2", "m1/agent", "x1", "x2", "x3", "x4"]
        )
        for call in self.trunk.calls:
            call.wait("ended")


STEPS = [name for name in vars(Scenario) if not name.startswith("_")]


def play(reach: Reach, told: Callable[[str, float], None] = lambda _step, _seconds: None) -> None:
    """The whole scenario; told: each step, and how long it took."""
    scenario = Scenario(reach)
    for step in STEPS:
        began = time.monotonic()
        try:
            getattr(scenario, step)()
        except AssertionError as error:
            raise AssertionError(f"{step}: {error}") from error
        told(step, time.monotonic() - began)


def stereo(file: Path) -> tuple[list[int], list[int]]:
    """The samples of both sides."""
    with wave.open(str(file), "rb") as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (2, 2, RATE)
        samples = memoryview(read.readframes(read.getnframes())).cast("h").tolist()
    return samples[0::2], samples[1::2]
