"""The jitter buffer: packets as they come, one frame for each tick."""

from array import array
from itertools import pairwise
from math import pi, sin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfloor.base.limits import JITTER_DEPTH_MS_MAX, JITTER_REVIEW_FRAMES
from ringfloor.gateway.media.g711 import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    PCMA,
    PCMU,
    SILENCE,
    SILENT,
    decode,
    encode,
    rms,
)
from ringfloor.gateway.media.jitter import JitterBuffer

QUIET = SILENT[PCMU]


def loud(number: int) -> bytes:
    """A frame that can be told from its neighbours by any of its samples."""
    return bytes([number % 90]) * FRAME_SAMPLES


def wave(begin: int, count: int, period: float = 57.0) -> bytes:
    """Samples of a tone, as pcm."""
    return array(
        "h", [round(8_000 * sin(2 * pi * n / period)) for n in range(begin, begin + count)]
    ).tobytes()


def numbers(frames: list[bytes | None]) -> list[int | None]:
    """Which loud frames they are, by their last sample; None: not one of those."""
    known = {decode(PCMU, loud(n))[-2:]: n for n in range(90)}
    return [known.get(frame[-2:]) if frame else None for frame in frames]


def taken(buffer: JitterBuffer) -> bytes | None:
    """A frame; and what is said to be the packet of it is so."""
    frame = buffer.take()
    if buffer.coded is not None:
        _, data, law = buffer.coded
        assert decode(law, data) == frame
    return frame


class Far:
    """A far end and its way to us: packet n is said at n * ptime, and comes after a delay."""

    def __init__(self, payload=loud, *, step=FRAME_SAMPLES, first=1_000, skew=1.0):
        self.payload, self.step, self.first, self.skew = payload, step, first, skew
        self.buffer = JitterBuffer()
        self.tick = 0
        self.sent = 0
        self.on_the_way = []

    def run(self, ticks, delays=lambda _: 0, lost=lambda _: False):
        """So many ticks of 20 ms; what was taken."""
        heard = []
        for _ in range(ticks):
            while self.sent * self.step / 8 <= self.tick * 20 * self.skew:
                if not lost(self.sent):
                    said = self.sent * self.step / 8 / self.skew
                    self.on_the_way.append((said + delays(self.sent), self.sent))
                self.sent += 1
            for packet in sorted(each for each in self.on_the_way if each[0] <= self.tick * 20):
                self.on_the_way.remove(packet)
                stamp = (self.first + packet[1] * self.step) & 0xFFFFFFFF
                self.buffer.put(stamp, self.payload(packet[1])[: self.step], PCMU)
            heard.append(taken(self.buffer))
            self.tick += 1
        return heard


@pytest.mark.parametrize("first", [0, 1_000, 2**32 - 500, 2**31 - 100])
def test_sound_begins_a_tick_after_its_first_packet_and_goes_on_over_the_wrap(first):
    heard = Far(first=first).run(80)
    assert numbers(heard) == [None, *range(79)]


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_each_packet_is_decoded_by_its_own_payload_type(law):
    buffer, pcm = JitterBuffer(), wave(0, 160)
    for n in range(2):
        buffer.put(160 * n, encode(law, pcm), law)
        heard = buffer.take()
    assert heard == decode(law, encode(law, pcm))


@pytest.mark.parametrize("swap", [2, 3])
def test_packets_out_of_order_are_played_in_order(swap):
    """Each second (third) one comes after the one that follows it, with the depth of the start."""
    far = Far()
    heard = far.run(60, delays=lambda n: 21 if n % swap == 1 else 0)
    assert [n for n in numbers(heard) if n is not None] == list(range(58))
    assert far.buffer.late == 0


def test_a_packet_that_came_twice_is_played_once():
    buffer = JitterBuffer()
    heard = []
    for n in range(10):
        for _ in range(2):
            buffer.put(n * 160, loud(n), PCMU)
        heard.append(buffer.take())
    assert numbers(heard) == [None, *range(9)]
    assert buffer.late == 10, "each second one"


def test_frames_that_came_as_they_are_can_be_handed_on_and_others_cannot():
    far = Far()
    far.run(10, lost=lambda number: number in (4, 5))
    untouched = []
    for _ in range(2):
        far.run(1)
        untouched.append(far.buffer.coded is not None)
    assert untouched == [True, True]
    far.run(3, lost=lambda _: True)
    assert far.buffer.coded is None
    assert far.buffer.take() is not None, "made up"
    assert far.buffer.coded is None
    halves = Far(step=FRAME_SAMPLES // 2)
    assert halves.run(10)[-1] is not None
    assert halves.buffer.coded is None, "put together"


def test_a_lost_packet_is_made_up_and_time_goes_on():
    far = Far()
    heard = numbers(far.run(30, lost=lambda n: n == 10))
    assert heard == [None, *range(10), None, *range(11, 29)]
    assert far.buffer.concealed == 1


@pytest.mark.parametrize("period", [45.0, 57.3, 80.0, 111.0])
def test_what_is_made_up_goes_on_with_the_pitch_of_the_sound(period):
    far = Far(lambda n: encode(PCMU, wave(n * 160, 160, period)))
    heard = far.run(12, lost=lambda n: n == 8)[9]
    truth, made = array("h", wave(8 * 160, 160, period)), array("h", heard)
    wrong = array("h", [a - b for a, b in zip(truth[:80], made[:80], strict=True)]).tobytes()
    assert rms(wrong) < 0.25 * rms(truth[:80].tobytes()), "the first 10 ms are the tone still"


def test_sound_that_comes_back_is_faded_in():
    far = Far(lambda n: loud(0) if n >= 15 else loud(80))
    frame = far.run(20, lost=lambda n: 10 <= n < 15)[16]
    samples = [abs(each) for each in array("h", frame)]
    assert samples[0] < 1_000
    assert samples[:41] == sorted(samples[:41]), "5 ms"
    assert samples[40:] == [32_124] * 120


def test_after_a_pause_nothing_of_before_it_comes_back():
    """Comfort noise, then sound of which the first packets are lost."""
    far = Far()
    far.run(10)
    far.buffer.hush()
    far.run(2, lost=lambda _: True)
    far.buffer.put(far.first + 160 * 13, loud(80), PCMU)
    heard = far.run(3, lost=lambda _: True)
    assert heard[:2] == [SILENCE] * 2
    assert numbers(heard[2:]) == [80]


def test_sound_that_stops_fades_is_silent_and_then_over():
    far = Far(lambda n: encode(PCMU, wave(n * 160, 160)))
    heard = far.run(40, lost=lambda n: n >= 10)[11:]
    levels = [rms(frame) for frame in heard if frame is not None]
    assert levels[0] > levels[1] > levels[2] > 0
    assert levels[3:] == [0] * 7, "60 ms are made up"
    assert heard[10:] == [None] * 19, "after 200 ms it is over"


def test_what_comes_after_a_pause_begins_anew_wherever_its_timestamps_are():
    far = Far()
    far.run(50, lost=lambda n: n >= 10)
    for stamp in (500, 4_000_000_000):
        far.buffer.put(stamp, loud(70), PCMU)
        far.buffer.take()
        far.buffer.put(stamp + 160, loud(71), PCMU)
        assert numbers([far.buffer.take(), far.buffer.take()]) == [70, 71]


def test_a_lone_packet_is_played_too():
    buffer = JitterBuffer()
    buffer.put(0, loud(5), PCMU)
    assert numbers([buffer.take() for _ in range(4)]) == [None, None, None, 5]


@pytest.mark.parametrize("step", [40, 80, 160, 240, 320, 480, 800, 256])
def test_packets_of_any_length_are_cut_into_frames(step):
    far = Far(lambda n: encode(PCMU, wave(n * step, step)), step=step)
    heard = b"".join(frame for frame in far.run(400) if frame is not None)
    assert heard == decode(PCMU, encode(PCMU, wave(0, len(heard) // 2)))
    assert far.buffer.concealed == far.buffer.late == 0


def test_half_a_frame_is_played_where_the_other_half_is_lost():
    far = Far(lambda n: encode(PCMU, wave(n * 80, 80)), step=80)
    heard = far.run(20, lost=lambda n: n == 21)
    frame = next(n for n, each in enumerate(heard) if each and each[160:] == bytes(160))
    assert heard[frame][:160] == decode(PCMU, encode(PCMU, wave(20 * 80, 80)))


@pytest.mark.parametrize("worst_ms", [30, 60, 100, 150])
def test_jitter_makes_it_deeper_until_nothing_comes_too_late_and_calm_makes_it_shallow(worst_ms):
    """The delays go through a fixed sequence that looks like chance. Sound is never silent."""
    far = Far()
    far.run(500, delays=lambda n: n * 7_919 % (worst_ms + 1))
    before = far.buffer.concealed + far.buffer.late
    far.run(300, delays=lambda n: n * 7_919 % (worst_ms + 1))
    assert far.buffer.concealed + far.buffer.late - before <= 3
    assert worst_ms - 20 <= far.buffer.depth_ms + 40 <= JITTER_DEPTH_MS_MAX + 60
    far.run(12 * JITTER_REVIEW_FRAMES)
    assert far.buffer.depth_ms <= 40
    assert far.buffer.dropped > 0


@pytest.mark.parametrize(
    ("late_ms", "is_enough"), [(90, True), (150, True), (170, True), (190, False), (400, False)]
)
def test_packets_far_out_of_order_make_it_deeper_where_that_helps(late_ms, is_enough):
    """Each tenth packet is late, behind packets that have come and been played before it."""
    far = Far()
    known = [n for n in numbers(far.run(300, delays=lambda n: late_ms if n % 10 == 0 else 0)) if n]
    assert all((after - before) % 90 < 45 for before, after in pairwise(known)), "never back"
    before, made_up = far.buffer.late, far.buffer.concealed
    far.run(4_000, delays=lambda n: late_ms if n % 10 == 0 else 0)
    assert far.buffer.late - before == (0 if is_enough else 400)
    assert far.buffer.concealed - made_up == (0 if is_enough else 400)
    assert far.buffer.inserted <= 8


def test_in_silence_it_becomes_shallow_at_once():
    """A stall of 160 ms has made it deep; the next review finds it, and silence gives it up."""
    far = Far(lambda n: loud(n) if n < 300 else QUIET)
    far.run(60, delays=lambda n: max(0, 160 - 20 * (n - 30)) if n >= 30 else 0)
    deep = far.buffer.depth_ms
    far.run(4 * JITTER_REVIEW_FRAMES)
    assert deep >= 140
    assert far.buffer.depth_ms <= 60


@pytest.mark.parametrize("skew", [0.998, 0.9998, 1.0002, 1.002])
@pytest.mark.parametrize("pauses", [True, False])
def test_a_clock_that_runs_fast_or_slow_is_followed(skew, pauses):
    """10 minutes; speech with pauses is corrected in these, without a frame made up for speech."""
    far = Far(lambda n: QUIET if pauses and n % 50 > 30 else loud(n), skew=skew)
    depths = []
    for _ in range(60):
        heard = far.run(500)
        depths.append(far.buffer.depth_ms)
    assert max(depths) <= 140
    assert None not in heard
    corrected = round(30_000 * abs(skew - 1))
    made = far.buffer.concealed + far.buffer.inserted
    assert corrected - 8 <= (far.buffer.dropped if skew > 1 else made) <= 2 * corrected + 8
    if pauses:
        assert far.buffer.concealed <= 0.1 * corrected + 2
    assert far.buffer.late <= 1


def test_a_burst_after_a_stall_is_cut_to_the_deepest_it_may_be():
    far = Far()
    far.run(20)
    far.run(100, delays=lambda n: max(0, 1_000 - 20 * (n - 20)))
    assert far.buffer.depth_ms <= JITTER_DEPTH_MS_MAX
    assert far.buffer.late > 0
    heard = [n for n in numbers(far.run(10)) if n is not None]
    assert heard == [(heard[0] + n) % 90 for n in range(10)], "and it goes on in order"


def test_after_comfort_noise_nothing_is_made_up():
    far = Far()
    far.run(10)
    far.buffer.hush()
    heard = far.run(6, lost=lambda _: True)
    assert heard[2:] == [SILENCE] * 4
    assert far.buffer.concealed == 0


def test_another_source_has_nothing_of_the_one_before():
    far = Far()
    far.run(10)
    far.buffer.restart()
    assert far.buffer.take() is None
    assert far.buffer.depth_ms == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 40).map(lambda n: n * 80)),
                st.sampled_from([1, 40, 80, 160, 161, 240, 480, 1_488]),
            ),
            st.none(),
            st.just("hush"),
        ),
        max_size=120,
    )
)
@example(steps=[(1, 1), None, None, None, (0, 160), None])
def test_whatever_comes_frames_are_frames_and_memory_is_bounded(steps):
    buffer = JitterBuffer()
    for step in steps:
        if step is None:
            frame = taken(buffer)
            assert frame is None or len(frame) == FRAME_BYTES
        elif step == "hush":
            buffer.hush()
        else:
            buffer.put(step[0], loud(step[1])[:1] * step[1], PCMU)
        assert 0 <= buffer.depth_ms <= JITTER_DEPTH_MS_MAX
        assert len(buffer._pieces) <= JITTER_DEPTH_MS_MAX * 8
    for _ in range(30):
        buffer.take()
    assert buffer.take() is None, "it ends"
