"""RTCP: reports, what they say, and when they are sent."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import RTCP_INTERVAL_MS, RTP_BYTES_MAX
from ringfloor.gateway.media.rtcp import Block, Reporting, Sent, build, middle, ntp, parse
from ringfloor.gateway.media.rtp import Malformed, Reception

WORD = st.integers(0, 2**32 - 1)
SENT = st.builds(Sent, st.just(7), st.integers(0, 2**64 - 1), WORD, WORD, WORD)
BLOCK = st.builds(
    Block, WORD, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), WORD, WORD, WORD, WORD
)
VALID = build(7, "name", Sent(7, 1 << 40, 5, 6, 7), Block(9, 1, 2, 3, 4, 5, 6), bye=True)


@given(SENT | st.none(), BLOCK | st.none(), st.booleans(), st.text("abc@.", max_size=300))
def test_what_is_built_is_parsed(sent, block, bye, name):
    data = build(7, name, sent, block, bye=bye)
    assert len(data) % 4 == 0
    reports = parse(data)
    assert reports.ssrc == 7
    assert reports.sent == sent
    assert reports.blocks == (() if block is None else (block,))
    assert reports.byes == ((7,) if bye else ())


def test_a_report_is_what_the_standard_says():
    data = build(0xCAFEBABE, "ab", None, Block(1, 64, -1, 0x10005, 7, 8, 9), bye=True)
    assert data.hex(" ", 4) == (
        "81c90007 cafebabe 00000001 40ffffff 00010005 00000007 00000008 00000009 "
        "81ca0003 cafebabe 01026162 00000000 81cb0001 cafebabe"
    )


@pytest.mark.parametrize("name", ["", "a", "ab", "abc", "abcd"])
def test_a_name_ends_with_a_zero_within_whole_words(name):
    described = build(7, name, None, None, bye=False)[8:]
    assert len(described) == 4 * (int.from_bytes(described[2:4], "big") + 1)
    assert described[8 : 10 + len(name) + 1] == bytes([1, len(name)]) + name.encode() + b"\0"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        VALID[:6],
        VALID[:-1],
        b"\x41" + VALID[1:],
        VALID[52:],
        b"\x9f" + VALID[1:],
        VALID[:2] + b"\xff\xff" + VALID[4:],
        b"\xa1" + VALID[1:],
        VALID[:-8] + b"\x82" + VALID[-7:],
        b"\x80\xc9\x00\x00" + VALID,
        bytes.fromhex("a0c900020000000700000004") + VALID,
        bytes(RTP_BYTES_MAX + 1),
    ],
    ids=[
        "nothing",
        "too short",
        "cut off",
        "version 1",
        "no report first",
        "fewer blocks than it says",
        "longer than it is",
        "padding in the middle",
        "fewer byes than it says",
        "a report of nobody",
        "padding before more",
        "too long",
    ],
)
def test_what_is_no_compound_packet_is_malformed(data):
    with pytest.raises(Malformed):
        parse(data)


def test_what_is_not_known_is_passed_over_and_so_is_padding_at_the_end():
    extended = VALID + bytes.fromhex("80cf000100000007") + bytes.fromhex("a0cb000100000004")
    assert parse(extended) == parse(VALID)


@given(st.binary(max_size=200) | st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)))
def test_any_bytes_are_reports_or_malformed(data):
    if isinstance(data, tuple):
        data = VALID[: data[0]] + bytes([data[1]]) + VALID[data[0] + 1 :]
    with suppress(Malformed):
        parse(data)


def test_half_a_minute_has_six_reports_more_or_less_and_two_legs_have_their_own():
    schedules = []
    for ssrc in (1, 2):
        reporting = Reporting(ssrc, "")
        schedules.append([now for now in range(0, 60_000, 20) if reporting.is_due(now)])
    for at in schedules:
        pauses = [b - a for a, b in pairwise(at)]
        assert all(RTCP_INTERVAL_MS / 2 - 20 <= each <= RTCP_INTERVAL_MS * 1.5 for each in pauses)
        assert 9 <= len(at) <= 16
    assert schedules[0] != schedules[1]


class Ends:
    """Two ends, with a way between them that takes as long as it takes."""

    def __init__(self):
        self.ours, self.theirs = Reporting(1, "us"), Reporting(2, "them")
        self.hear_us, self.hear_them = Reception(), Reception()
        for n in range(10):
            self.hear_us.take(1, n, n * 160, n * 20)
            self.hear_them.take(2, n, n * 160, n * 20)

    def round(self, there_ms, rest_ms, back_ms, *, offset=0):
        """Our report goes there and is answered after a rest; their clock has an offset."""
        ours = self.ours.report(self.hear_them, Sent(1, ntp(50_000), 0, 10, 1_600), 50_000)
        came = 50_000 + there_ms + offset
        self.theirs.take(parse(ours), came)
        answered = came + rest_ms
        told = Sent(2, ntp(answered), 0, 10, 1_600)
        theirs = self.theirs.report(self.hear_us, told, answered)
        self.ours.take(parse(theirs), 50_000 + there_ms + rest_ms + back_ms)


@pytest.mark.parametrize(("there", "rest", "back"), [(0, 0, 0), (30, 0, 12), (110, 4_000, 90)])
@pytest.mark.parametrize("offset", [0, 123_456_789])
def test_the_round_trip_is_what_lies_between_reports_less_the_far_ends_rest(
    there, rest, back, offset
):
    ends = Ends()
    ends.round(there, rest, back, offset=offset)
    assert ends.ours.round_trip_ms == pytest.approx(there + back, abs=1)


def test_a_far_end_whose_clock_runs_fast_is_no_time_away():
    ends = Ends()
    ends.round(5, 4_000, 0)
    ends.ours.report(ends.hear_them, Sent(1, ntp(60_000), 0, 1, 1), 60_000)
    block = Block(1, 0, 0, 0, 0, middle(ntp(60_000)), 4_020 * 65_536 // 1_000)
    ends.ours.take(parse(build(2, "", None, block, bye=False)), 64_000)
    assert ends.ours.round_trip_ms == 0


def test_a_report_answers_those_of_the_source_that_is_heard():
    ends = Ends()
    for ssrc, answered in ((2, True), (3, False)):
        ends.ours.take(
            parse(build(ssrc, "", Sent(ssrc, ntp(1_000), 0, 1, 1), None, bye=False)), 1_500
        )
        (block,) = parse(ends.ours.report(ends.hear_them, None, 2_000)).blocks
        assert (block.ssrc, block.last, block.delay) == (
            (2, middle(ntp(1_000)), 32_768) if answered else (2, 0, 0)
        )


@pytest.mark.parametrize(
    "block",
    [
        Block(1, 0, 0, 0, 0, 0, 0),
        Block(1, 0, 0, 0, 0, middle(ntp(1)), 0),
        Block(1, 0, 0, 0, 0, middle(ntp(50_100)), 2**31),
        Block(99, 0, 0, 0, 0, middle(ntp(50_000)), 0),
    ],
    ids=["had none of ours", "too long ago", "cannot count", "of somebody else"],
)
def test_a_round_trip_that_cannot_be_is_not_believed(block):
    ends = Ends()
    ends.ours.report(ends.hear_them, Sent(1, ntp(50_000), 0, 1, 1), 50_000)
    ends.ours.take(parse(build(2, "", None, block, bye=False)), 50_100)
    assert ends.ours.round_trip_ms is None


@pytest.mark.parametrize(("lost", "told"), [(0, 0), (17, 17), (-3, 0), (2**23 - 1, 2**23 - 1)])
def test_what_the_far_end_lost_is_what_it_says_of_us(lost, told):
    reporting = Reporting(1, "")
    block = Block(1, 0, lost, 0, 0, 0, 0)
    reporting.take(parse(build(2, "", None, block, bye=False)), 0)
    assert reporting.far_lost == told
