"""Keys as telephone events, in and out."""

import struct
from math import cos, pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import KEY_LOST_MS, KEYS_HEARD_MAX, KEYS_PRESSED_MAX
from ringfloor.gateway.media import dtmf
from ringfloor.gateway.media.dtmf import KEYS, Digit, Heard, Pressed


def packet(key, duration, *, end=False):
    event = KEYS.index(key) if isinstance(key, str) else key
    return struct.pack("!BBH", event, 0x80 * end | 10, duration)


def heard(*packets):
    """Packets (timestamp, key, duration, "E" and "M" or not) 20 ms after each other; the keys."""
    keys, digits = Heard(), []
    for n, (timestamp, key, duration, flags) in enumerate(packets):
        event = packet(key, duration, end="E" in flags)
        keys.take(timestamp & 0xFFFFFFFF, "M" in flags, event, n * 20)
        digits += keys.due(n * 20)
    return digits + keys.due(len(packets) * 20 + KEY_LOST_MS)


def press(key, begin, *, ends=3, updates=4):
    """A key as phones send it: 100 ms, then its end."""
    first = [(begin, key, 160 * (n + 1), "" if n else "M") for n in range(updates)]
    return first + [(begin, key, 160 * (updates + 1), "E")] * ends


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_told_once_however_often_its_end_comes(key):
    assert heard(*press(key, 1_000)) == [Digit(key, 100)]


@pytest.mark.parametrize(
    ("packets", "digits"),
    [
        (press("1", 0) + press("1", 1_440), "11"),
        (press("1", 0) + press("2", 1_440), "12"),
        (press("1", 0, ends=0) + press("2", 1_440), "12"),
        (press("1", 0, ends=0) + press("1", 1_440), "11"),
        (press("1", 0, ends=0), "1"),
        (press("1", 0, updates=0, ends=1), "1"),
        (press("1", 0)[1:] + press("1", 1_440)[1:], "11"),
        (press("1", 0) + press("2", 1_440) + press("1", 0)[-1:], "12"),
        (press("1", 0, ends=0) + press("2", 1_440) + press("1", 0)[-1:], "12"),
        (press("1", 2**32 - 300) + press("2", 2**32 + 1_440), "12"),
        ([*press("2", 5_000)[:2], *press("1", 4_000)[-1:], *press("2", 5_000)[2:]], "2"),
        (press("9", 1_000_000) + press("9", 500), "99"),
    ],
    ids=[
        "the same key twice",
        "two keys",
        "the first's end is lost",
        "the end of the first of two alike is lost",
        "nothing follows a lost end",
        "only an end came",
        "markers are lost",
        "an end comes very late",
        "an end comes after the next key",
        "over the wrap",
        "the end of a key before comes in the middle of one",
        "their clock was set back",
    ],
)
def test_keys_are_told_one_by_one(packets, digits):
    assert "".join(each.key for each in heard(*packets)) == digits


def test_updates_out_of_order_do_not_make_a_key_shorter():
    assert heard((0, "1", 160, "M"), (0, "1", 480, ""), (0, "1", 320, "")) == [Digit("1", 60)]


def test_a_key_held_for_long_is_one_key_in_segments():
    segments = [(0, "5", 65_535, "M"), (65_535, "5", 65_535, ""), (131_070, "5", 800, "E")]
    assert heard(*segments) == [Digit("5", (131_070 + 800) // 8)]


def test_a_sender_that_moves_its_timestamp_with_every_packet_presses_one_key():
    steps = [(160 * n, "5", 160, "" if n else "M") for n in range(5)]
    assert heard(*steps, *[(800, "5", 160, "E"), (960, "5", 160, "E")]) == [Digit("5", 120)]


def test_a_key_without_an_end_waits_for_more_of_it_before_it_is_told():
    keys = Heard()
    keys.take(0, True, packet("7", 160), 0)
    assert keys.due(KEY_LOST_MS - 1) == []
    keys.take(0, False, packet("7", 960), KEY_LOST_MS - 1)
    assert keys.due(2 * KEY_LOST_MS - 2) == []
    assert keys.due(2 * KEY_LOST_MS - 1) == [Digit("7", 120)]


@pytest.mark.parametrize("payload", [b"", b"\x01\x80\x00", packet(16, 160), packet(255, 1)])
def test_what_is_no_key_is_left_out(payload):
    keys = Heard()
    keys.take(0, True, payload, 0)
    assert keys.due(1_000) == []


def test_keys_that_nobody_asks_for_are_bounded():
    keys = Heard()
    for n in range(3 * KEYS_HEARD_MAX):
        keys.take(n * 1_000, True, packet("1", 800, end=True), n)
    assert len(keys.due(0)) == KEYS_HEARD_MAX


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.booleans(), st.binary(max_size=6))))
def test_any_packets_are_keys_or_nothing(packets):
    keys = Heard()
    for n, (timestamp, marker, payload) in enumerate(packets):
        keys.take(timestamp, marker, payload, n)
    assert all(each.key in KEYS and each.duration_ms >= 0 for each in keys.due(10_000))


def test_a_key_out_is_100_ms_with_its_end_three_times_and_then_a_gap():
    pressed = Pressed()
    pressed.press("5")
    steps = []
    while pressed:
        steps.append(pressed.step())
    sent = [dtmf.payload(*each).hex() if each[0] >= 0 else None for each in steps]
    assert sent == ["050a00a0", "050a0140", "050a01e0", "050a0280"] + ["058a0320"] * 3 + [None] * 2


def test_a_comma_is_a_second_and_what_is_no_key_is_left_out():
    pressed = Pressed()
    pressed.press("1, x;2d")
    steps = [pressed.step() for _ in range(9 + 50 + 18)]
    assert not pressed
    assert [event for event, tick in steps if tick == 0 and event >= 0] == [1, 2, 15]
    assert steps[9:59] == [(-1, 0)] * 50


def test_keys_still_to_be_pressed_are_bounded():
    pressed = Pressed()
    for _ in range(10):
        pressed.press("," * 1_000)
    assert len(pressed._steps) <= (2 * KEYS_PRESSED_MAX + 1) * 50


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [("1", 697, 1_209), ("0", 941, 1_336), ("#", 941, 1_477), ("B", 770, 1_633)],
)
def test_a_tone_has_the_two_frequencies_of_its_key_and_no_others(key, low, high):
    pcm = b"".join(dtmf.tone(KEYS.index(key), tick) for tick in range(5))
    samples = struct.unpack("<800h", pcm)

    def level(hertz):
        turn = 2 * pi * hertz / 8_000
        real = sum(each * cos(turn * n) for n, each in enumerate(samples))
        imaginary = sum(each * sin(turn * n) for n, each in enumerate(samples))
        return 2 * (real**2 + imaginary**2) ** 0.5 / len(samples)

    for hertz in (697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633):
        if hertz in (low, high):
            assert level(hertz) == pytest.approx(5_000, rel=0.05)
        else:
            assert level(hertz) < 600
    assert not any(dtmf.tone(KEYS.index(key), 5))
