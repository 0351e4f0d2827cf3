"""The plane: who hears what, tick by tick, with legs that the test plays and with real ones."""

import asyncio
import math
import sys
import time
import wave
from array import array
from collections import deque
from contextlib import closing
from itertools import pairwise

import pytest

from ringfloor.base.limits import LATE_TICKS_MAX
from ringfloor.gateway.media import g711, plane, rtp
from ringfloor.gateway.media.leg import Leg
from ringfloor.gateway.media.plane import (
    Digit,
    FirstSound,
    MediaTimeout,
    Pacer,
    Plane,
    PlaybackOver,
    RecordingBegun,
    RecordingBroken,
    RecordingOver,
)
from ringfloor.gateway.media.ports import Ports
from ringfloor.gateway.media.recorder import spooled
from ringfloor.gateway.media.sdp import Remote
from ringfloor.gateway.media.sounds import Clip
from voice.probe import strength

TIMEOUT_MS = 2_000


def frame(value):
    return array("h", [value]).tobytes() * g711.FRAME_SAMPLES


def clip(*values, extra=0):
    """A clip of whole frames, and so many samples more."""
    return Clip(b"".join(map(frame, values)) + b"\x01\0" * extra)


def value(pcm):
    """What a frame of one value is; None for silence."""
    return None if pcm is None else array("h", pcm)[0]


class FakeLeg:
    """A far end that says what the test wants, and keeps what it hears."""

    coded = None

    def __init__(self, leg_id, says=None):
        self.leg_id = leg_id
        self.says = says
        self.keys = []
        self.pressed = ""
        self.idle = 0
        self.heard = []
        self.received = 0
        self.closed = False

    def receive(self, _now):
        self.received += 1

    def hear(self, _now):
        return None if self.says is None else frame(self.says)

    def digits(self, _now):
        keys, self.keys = self.keys, []
        return keys

    def say(self, pcm, _now, _coded=None):
        assert pcm is None or len(pcm) == g711.FRAME_BYTES
        self.heard.append(value(pcm))

    def press(self, digits):
        self.pressed += digits

    def idle_ms(self, _now):
        return self.idle

    def quality(self):
        return f"quality of {self.leg_id}"

    def close(self):
        self.closed = True


class Music:
    def music(self):
        return clip(77, 78)

    def ringback(self):
        return clip(55)


class Stage:
    """A plane with what it tells; at: what is done when an event is told."""

    def __init__(self, tmp_path):
        self.spool = tmp_path / "spool"
        self.events = []
        self.now = 1_000
        self.done = {}
        self.plane = Plane(
            self._told, sounds=Music(), media_timeout_ms=TIMEOUT_MS, spool=self.spool
        )

    def _told(self, event, now):
        assert now == self.now
        self.events.append(event)
        for what in self.done.pop(type(event), ()):
            what()

    def leg(self, leg_id, says=None, bridge=None, **role):
        leg = FakeLeg(leg_id, says)
        self.plane.add(leg)
        self.plane.listening(leg_id, True)
        if bridge is not None:
            self.plane.join(bridge, leg_id, **role)
        return leg

    def tick(self, ticks=1):
        """What has been told meanwhile."""
        before = len(self.events)
        for _ in range(ticks):
            self.plane.tick(self.now)
            self.now += 20
        return self.events[before:]

    def wait(self, kind):
        """Ticks until the disk has answered."""
        late = time.monotonic() + 20
        while not (found := [each for each in self.events if isinstance(each, kind)]):
            assert time.monotonic() < late, self.events
            self.tick()
        return found[0]


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path)
    yield made
    made.plane.close()


def test_two_hear_each_other(stage):
    one, other = stage.leg("a", 1, "b"), stage.leg("b", 2, "b")
    assert stage.tick(3) == [FirstSound("a"), FirstSound("b")]
    assert (one.heard, other.heard) == ([2, 2, 2], [1, 1, 1])
    stage.plane.leave("other", "a")
    stage.plane.leave("b", "a")
    stage.tick()
    assert (one.heard[-1], other.heard[-1]) == (None, None)


def test_a_conference_with_all_roles(stage):
    agent, customer = stage.leg("agent", 100, "b"), stage.leg("customer", 20, "b")
    boss = stage.leg("boss", 3, "b", role="listen")
    stage.tick()
    assert [each.heard[-1] for each in (agent, customer, boss)] == [20, 100, 120]
    stage.plane.join("b", "boss", "whisper", "agent")
    stage.tick()
    assert [each.heard[-1] for each in (agent, customer, boss)] == [23, 100, 120]
    stage.plane.join("b", "boss", "participant")
    stage.tick()
    assert [each.heard[-1] for each in (agent, customer, boss)] == [23, 103, 120]
    stage.plane.mute("agent", True)
    stage.tick()
    assert [each.heard[-1] for each in (agent, customer, boss)] == [23, 3, 20]
    stage.plane.mute("agent", False)
    stage.plane.drop("customer")
    stage.tick()
    assert customer.closed
    assert [each.heard[-1] for each in (agent, boss)] == [3, 100]


def test_a_leg_is_in_one_bridge(stage):
    one, other, third = (stage.leg(name, at, "b") for at, name in enumerate("xyz", 1))
    stage.plane.join("c", "x")
    stage.plane.join("c", "z")
    stage.tick()
    assert [each.heard for each in (one, other, third)] == [[3], [None], [1]]


def test_what_a_leg_hears_first(stage):
    one, _other = stage.leg("a", 1), stage.leg("b", 2, "b")
    stage.plane.music("a", ())
    stage.tick()
    stage.plane.music("a", ())
    stage.tick()
    stage.plane.join("b", "a")
    stage.tick()
    stage.plane.play("a", "p", [clip(9, 8)])
    assert stage.tick(2) == []
    assert stage.tick() == [PlaybackOver("a", "p", "eof")]
    stage.plane.leave("b", "a")
    stage.tick(2)
    stage.plane.music("a", [clip(5)])
    stage.tick()
    stage.plane.music("a", None)
    stage.tick()
    assert one.heard == [77, 78, 2, 9, 8, 2, 77, 78, 5, None]


def test_who_is_played_to_in_a_bridge_is_heard_there(stage):
    one, other = stage.leg("a", 1, "b"), stage.leg("b", 2, "b")
    stage.plane.play("a", "p", [clip(9)])
    stage.tick()
    assert (one.heard, other.heard) == ([9], [1])


def test_music_is_heard_in_a_bridge_while_nobody_else_can_be(stage):
    one = stage.leg("a", 1, "b")
    stage.plane.music("a", ())
    stage.tick()
    stage.leg("supervisor", 5)
    stage.plane.join("b", "supervisor", "listen")
    stage.tick()
    stage.leg("silent", None, "b")
    stage.tick()
    stage.plane.leave("b", "silent")
    stage.tick()
    assert one.heard == [77, 78, None, 77]


def test_a_leg_that_rings_is_heard_in_its_bridge_until_its_far_end_is(stage):
    one, other = stage.leg("a", 1, "b"), stage.leg("b", 2, "b")
    stage.plane.listening("b", False)
    stage.plane.rings("b")
    stage.tick()
    stage.plane.rings("a")  # that is up
    stage.plane.listening("b", True)
    stage.tick()
    assert (one.heard, other.heard) == ([55, 2], [1])


def test_playbacks_end_exactly_and_join_on(stage):
    leg = stage.leg("a")
    stage.done[PlaybackOver] = [lambda: stage.plane.play("a", "next", [clip(4)])]
    stage.plane.play("a", "p", [clip(1, extra=100), clip(2)])
    assert stage.tick(3) == []
    assert stage.tick() == [PlaybackOver("a", "p", "eof")]
    assert stage.tick() == [PlaybackOver("a", "next", "eof")]
    assert leg.heard[:1] == [1]
    assert leg.heard[3:] == [4, None]


def test_another_playback_takes_the_place_and_a_stop_is_silent(stage):
    leg = stage.leg("a")
    stage.plane.play("a", "p", [clip(1)], loop=True)
    stage.tick(2)
    stage.plane.play("a", "q", [clip(2, 3)])
    stage.plane.stop("a", "p")
    stage.tick()
    stage.plane.play("a", "q", [clip(2, 3)])
    stage.tick()
    stage.plane.play("a", "r", [clip(4)])
    stage.plane.stop("a", "r")
    stage.plane.stop("a", "r")
    stage.tick()
    assert leg.heard == [1, 1, 2, 3, None]
    assert stage.events == []


def test_a_playback_that_is_stopped_by_a_key_of_the_same_tick_is_not_over(stage):
    leg = stage.leg("a")
    stage.plane.play("a", "p", [clip(1)])
    stage.tick()
    leg.keys = [plane.Digit("", "5", 90)]
    stage.done[Digit] = [lambda: stage.plane.stop("a", "p")]
    assert stage.tick() == [Digit("a", "5", 90)]


def test_a_playback_goes_on_while_nobody_listens(stage):
    leg = stage.leg("a")
    stage.plane.play("a", "p", [clip(1, 2, 3)])
    stage.plane.listening("a", False)
    stage.tick(2)
    stage.plane.listening("a", True)
    stage.tick()
    assert leg.heard == [3]
    assert stage.tick() == [PlaybackOver("a", "p", "eof")]


def test_nothing_to_play_is_over_and_nobody_to_play_to_fails(stage):
    stage.leg("a")
    stage.plane.play("a", "p", [], loop=True)
    stage.plane.play("nobody", "q", [clip(1)])
    assert stage.tick() == [PlaybackOver("nobody", "q", "failed"), PlaybackOver("a", "p", "eof")]
    assert stage.tick() == []


def test_a_leg_that_is_added_again(stage):
    leg, other = stage.leg("a", 1, "b"), stage.leg("b", 2, "b")
    stage.plane.add(leg)
    stage.tick()
    assert (leg.heard, other.heard, leg.closed) == ([2], [1], False)
    stage.leg("a", 5)
    stage.tick()
    assert (leg.heard, other.heard, leg.closed) == ([2], [1, None], True)


def test_what_is_not_there_is_left_alone(stage):
    stage.plane.drop("x")
    stage.plane.listening("x", True)
    stage.plane.mute("x", True)
    stage.plane.press("x", "1")
    stage.plane.stop("x", "p")
    stage.plane.music("x", ())
    stage.plane.join("b", "x")
    stage.plane.leave("b", "x")
    stage.plane.pause("r")
    stage.plane.resume("r")
    stage.plane.stop_recording("r")
    assert stage.plane.quality("x") is None
    assert stage.tick() == []


def test_a_leg_that_is_not_listened_to(stage):
    leg, other = stage.leg("a", 1, "b"), stage.leg("b", 2, "b")
    stage.tick()
    stage.plane.listening("a", False)
    leg.keys = [plane.Digit("", "5", 90)]
    leg.idle = 10 * TIMEOUT_MS
    assert stage.tick(300) == []
    assert leg.received == 301
    assert (leg.heard, other.heard[1:]) == ([2], [None] * 300)
    leg.idle = 0
    stage.plane.listening("a", True)
    assert stage.tick() == []
    assert (leg.heard[1:], other.heard[301:]) == ([2], [1])


def test_the_first_sound_is_told_once_and_before_anybody_listens(stage):
    leg = FakeLeg("a")
    stage.plane.add(leg)
    assert stage.tick(2) == []
    leg.says = 1
    assert stage.tick(2) == [FirstSound("a")]
    leg.says = None
    stage.tick()
    leg.says = 1
    stage.plane.listening("a", True)
    assert stage.tick(2) == []


def test_a_leg_that_is_silent_for_too_long(stage):
    leg = stage.leg("a")
    leg.idle = 100 * TIMEOUT_MS
    assert stage.tick(TIMEOUT_MS // 20) == [], "counted from when it was listened to"
    leg.idle = TIMEOUT_MS - 1
    assert stage.tick(10) == []
    leg.idle = TIMEOUT_MS
    assert stage.tick(10) == [MediaTimeout("a")]
    stage.plane.listening("a", False)
    stage.plane.listening("a", True)
    assert stage.tick(TIMEOUT_MS // 20) == []
    assert stage.tick() == [MediaTimeout("a")]


def test_keys_both_ways_and_quality(stage):
    leg = stage.leg("a")
    leg.keys = [plane.Digit("", "1", 100), plane.Digit("", "#", 80)]
    assert stage.tick() == [Digit("a", "1", 100), Digit("a", "#", 80)]
    stage.plane.press("a", "12,3")
    assert leg.pressed == "12,3"
    assert stage.plane.quality("a") == "quality of a"


def test_a_leg_that_goes_in_a_callback_is_not_told_of_any_more(stage):
    leg, other = stage.leg("a", 1, "b"), stage.leg("b", 2, "b")
    leg.keys = [plane.Digit("", "1", 100)]
    stage.done[FirstSound] = [lambda: stage.plane.drop("a"), lambda: stage.leg("c", 3, "b")]
    assert stage.tick() == [FirstSound("a"), FirstSound("b")]
    assert leg.heard == []
    assert stage.tick() == [FirstSound("c")]
    assert other.heard == [None, 3]


# Recordings


def recorded(path):
    with wave.open(str(path)) as file:
        sound = array("h", file.readframes(file.getnframes()))
    step = 2 * g711.FRAME_SAMPLES
    return list(zip(sound[::step], sound[1::step], strict=True))


def test_the_agent_is_right_and_everybody_else_is_left(stage):
    path = spooled(stage.spool, "connect/a.wav")
    stage.plane.record("r", "b", "agent", path)
    stage.tick()
    agent, customer = stage.leg("agent", 100, "b"), stage.leg("customer", 20, "b")
    stage.tick()
    stage.leg("third", 3, "b")
    stage.tick()
    stage.plane.pause("r")
    stage.tick()
    stage.plane.resume("r")
    stage.plane.mute("agent", True)
    stage.tick()
    agent.says = customer.says = None
    stage.tick()
    stage.plane.drop("third")
    stage.tick()
    stage.plane.stop_recording("r")
    stage.plane.stop_recording("r")
    over = stage.wait(RecordingOver)
    assert over == RecordingOver("r", path, 140)
    assert recorded(path) == [(0, 0), (20, 100), (23, 100), (0, 0), (23, 0), (3, 0), (0, 0)]
    assert stage.events.index(RecordingBegun("r")) < stage.events.index(over)


@pytest.mark.parametrize(("sides", "wanted"), [("left", (20, 0)), ("right", (0, 100))])
def test_one_side_only(stage, sides, wanted):
    stage.leg("agent", 100, "b"), stage.leg("customer", 20, "b")
    stage.plane.record("r", "b", "agent", stage.spool / "a.wav", sides)
    stage.plane.record("r", "b", "agent", stage.spool / "a.wav", sides)
    stage.tick(3)
    stage.plane.stop_recording("r")
    stage.wait(RecordingOver)
    assert recorded(stage.spool / "a.wav") == [wanted] * 3


def test_a_call_goes_on_when_its_recording_is_broken(stage):
    one, _other = stage.leg("a", 1, "b"), stage.leg("b", 2, "b")
    stage.plane.record("r", "b", "a", stage.spool / "none" / "a.wav")
    broken = stage.wait(RecordingBroken)
    assert broken == RecordingBroken("r", "No such file or directory")
    stage.plane.stop_recording("r")
    assert stage.tick(5) == []
    assert one.heard[-5:] == [2] * 5


def test_closing_the_plane_finishes_everything(stage):
    leg = stage.leg("a", 1, "b")
    stage.plane.record("r", "b", "a", stage.spool / "a.wav")
    stage.tick(4)
    stage.plane.close()
    assert leg.closed
    assert recorded(stage.spool / "a.wav") == [(0, 1)] * 4


# Real legs


def test_a_tone_goes_from_plane_to_plane_into_a_recording(tmp_path):
    near, far = Stage(tmp_path / "near"), Stage(tmp_path / "far")
    ports = Ports("127.0.0.1", 0, 0)
    legs = [Leg("a", "127.0.0.1", ports), Leg("a", "127.0.0.1", ports)]
    tone = array("h", [round(9_000 * math.sin(math.pi * at / 8)) for at in range(8_000)])
    with closing(near.plane), closing(far.plane):
        for stage, leg, other in ((near, *legs), (far, *reversed(legs))):
            leg.point(Remote("127.0.0.1", other.port, other.port + 1))
            stage.plane.add(leg)
            stage.plane.listening("a", True)
        near.plane.play("a", "p", [Clip(tone.tobytes())])
        far.plane.join("b", "a")
        far.plane.record("r", "b", "nobody", far.spool / "r.wav")
        for at in range(100):
            if at == 40:
                near.plane.press("a", "7")
            near.tick()
            far.tick()
        far.plane.stop_recording("r")
        far.wait(RecordingOver)
        assert near.plane.quality("a").far_lost == far.plane.quality("a").lost == 0
    assert FirstSound("a") in far.events
    assert [each.key for each in far.events if isinstance(each, Digit)] == ["7"]
    with wave.open(str(far.spool / "r.wav")) as file:
        left = array("h", file.readframes(file.getnframes()))[::2]
    assert strength(left[2_000:5_200], 500) > 0.98


@pytest.mark.parametrize("law", [g711.PCMU, g711.PCMA])
def test_two_real_legs_hear_each_other_code_by_code_in_the_law_of_each(tmp_path, law):
    """Of codes with the same value (both zeros of mu-law) the one that was said."""
    stage, ports = Stage(tmp_path), Ports("127.0.0.1", 0, 0)
    ends = [ports.take() for _ in range(2)]
    legs = [Leg(name, "127.0.0.1", ports) for name in "ab"]
    said = bytes([0x7F, 0xFF, 0x80, 0x00, 0x55]) * 32
    heard = []
    with closing(stage.plane):
        for leg, end, theirs in zip(legs, ends, (g711.PCMU, law), strict=True):
            leg.point(Remote("127.0.0.1", end.port, end.port + 1, theirs))
            stage.plane.add(leg)
            stage.plane.listening(leg.leg_id, True)
            stage.plane.join("c", leg.leg_id)
        for at in range(12):
            packet = rtp.build(g711.PCMU, at, at * 160, 1, said)
            ends[0].rtp.sendto(packet, ("127.0.0.1", legs[0].port))
            stage.plane.mute("a", at >= 8)
            stage.tick()
            heard.append(rtp.parse(ends[1].rtp.recv(2_048))[5])
    for end in ends:
        ports.give_back(end)
    same = g711.encode(law, g711.decode(g711.PCMU, said))
    assert heard[4:8] == [said if law == g711.PCMU else same] * 4
    assert heard[8:] == [g711.SILENT[law]] * 4


# The pacer


class FakeLoop:
    """A loop whose time the test moves."""

    def __init__(self):
        self.at = 50.0
        self.timers = deque()

    def time(self):
        return self.at

    def call_at(self, when, run):
        timer = Timer(when, run)
        self.timers.append(timer)
        return timer

    def go_to(self, at):
        """Run all that is due by then."""
        self.at = at
        while self.timers and self.timers[0].when <= at:
            timer = self.timers.popleft()
            if not timer.cancelled:
                timer.run()


class Timer:
    def __init__(self, when, run):
        self.when, self.run, self.cancelled = when, run, False

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def paced():
    made = []

    def pacer(tick):
        made.append(Pacer(tick))
        return made[-1]

    yield pacer
    for each in made:
        each.stop()


def test_ticks_do_not_drift(paced):
    loop, ticks = FakeLoop(), []
    pacer = paced(ticks.append)
    pacer.start(loop)
    for each in range(1_001):
        loop.go_to(50 + each * 0.02 + 0.007 * (each % 2))
    assert ticks == [50_000 + each * 20 for each in range(1_001)]
    assert pacer.skipped == 0
    assert pacer.lateness() == pytest.approx(7, abs=0.01)
    assert pacer.lateness() == 0
    pacer.stop()
    loop.go_to(100)
    assert len(ticks) == 1_001


def test_a_short_absence_is_made_up_for_and_a_long_one_is_left_out_and_told(paced, caplog):
    loop, ticks = FakeLoop(), []
    pacer = paced(ticks.append)
    pacer.start(loop)
    loop.go_to(50.0)
    loop.go_to(50.0 + LATE_TICKS_MAX * 0.02 + 0.005)
    assert len(ticks) == LATE_TICKS_MAX + 1
    assert pacer.skipped == 0
    loop.go_to(60.001)
    assert ticks[-1] == 60_000
    assert pacer.skipped == 500 - LATE_TICKS_MAX - 1
    assert caplog.text.count("the sound of all calls stood still") == 1
    assert len(ticks) == LATE_TICKS_MAX + 2
    loop.go_to(60.021)
    assert ticks[-1] == 60_020


def test_a_tick_that_fails_is_not_the_last(paced):
    loop, ticks = FakeLoop(), []

    def tick(now):
        ticks.append(now)
        raise ValueError(now)

    pacer = paced(tick)
    pacer.start(loop)
    for at in (50.0, 50.02):
        with pytest.raises(ValueError, match="50"):
            loop.go_to(at)
    assert ticks == [50_000, 50_020]


async def test_it_ticks_on_a_real_loop(paced):
    loop, ticks, enough = asyncio.get_running_loop(), [], asyncio.Event()
    usual, meanwhile = sys.getswitchinterval(), []

    def tick(now):
        ticks.append(now)
        if len(ticks) == 10:
            meanwhile.append(sys.getswitchinterval())
            enough.set()

    pacer = paced(tick)
    pacer.start(loop)
    async with asyncio.timeout(20):
        await enough.wait()
    pacer.stop()
    pacer.stop()
    assert all((later - now) % 20 == 0 < later - now for now, later in pairwise(ticks))
    assert meanwhile[0] < 0.001
    assert sys.getswitchinterval() == pytest.approx(usual, abs=1e-5)
