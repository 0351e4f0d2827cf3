"""RTP: packets as bytes, and what their numbers say of a source."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import RTP_BYTES_MAX
from ringfloor.gateway.media.rtp import (
    DROPPED,
    MARKER,
    RESTARTED,
    TAKEN,
    Malformed,
    Reception,
    build,
    parse,
)

HEAD = bytes.fromhex("80 00 1234 00000100 cafebabe".replace(" ", ""))


@given(
    st.integers(0, 127),
    st.booleans(),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=RTP_BYTES_MAX - 12),
)
def test_what_is_built_is_parsed(kind, marker, sequence, timestamp, ssrc, payload):
    data = build(kind | (MARKER if marker else 0), sequence, timestamp, ssrc, payload)
    assert parse(data) == (kind, marker, sequence, timestamp, ssrc, payload)


def test_a_packet_is_what_the_standard_says():
    assert build(8 | MARKER, 0x1234, 0x100, 0xCAFEBABE, b"x").hex() == "8088123400000100cafebabe78"


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (0x80, b"sound"),
        (0x82, b"csrccsrcsound"),
        (0x90, b"\xbe\xde\x00\x01extnsound"),
        (0xA0, b"sound\x00\x00\x03"),
        (0xB1, b"csrc\x00\x00\x00\x00sound\x01"),
    ],
    ids=["plain", "contributing sources", "extension", "padding", "all of it"],
)
def test_the_payload_is_what_is_left_of_all_that_may_come_with_it(first, rest):
    assert parse(bytes([first]) + HEAD[1:] + rest)[5] == b"sound"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD[:11],
        b"\x00" + HEAD[1:],
        b"\x40" + HEAD[1:],
        b"\xc0" + HEAD[1:],
        b"\x81" + HEAD[1:],
        b"\x90" + HEAD[1:] + b"\xbe\xde\x00",
        b"\x90" + HEAD[1:] + b"\xbe\xde\x00\x02four",
        b"\xa0" + HEAD[1:] + b"sound\x00",
        b"\xa0" + HEAD[1:] + b"sound\x07",
        HEAD + bytes(RTP_BYTES_MAX - 11),
    ],
    ids=[
        "nothing",
        "half a header",
        "version 0",
        "version 1",
        "version 3",
        "no contributing source",
        "half an extension",
        "an extension longer than it is",
        "no padding",
        "more padding than payload",
        "too long",
    ],
)
def test_what_is_no_packet_is_malformed(data):
    with pytest.raises(Malformed):
        parse(data)


@given(st.binary(max_size=RTP_BYTES_MAX + 10), st.booleans())
def test_any_bytes_are_a_packet_or_malformed(data, is_near):
    data = HEAD[:1] + data if is_near else data
    with suppress(Malformed):
        assert len(parse(data)[5]) <= len(data) - 12


def feed(reception, sequences, *, ssrc=7, start=0, step=160):
    """Packets 20 ms after each other; their verdicts."""
    return [
        reception.take(ssrc, sequence & 0xFFFF, n * step, start + n * 20)
        for n, sequence in enumerate(sequences)
    ]


@pytest.mark.parametrize("first", [0, 1, 65_500, 65_535, 32_700])
def test_sequence_numbers_wrap(first):
    reception = Reception()
    assert feed(reception, range(first, first + 140_000)) == [RESTARTED] + [TAKEN] * 139_999
    assert (reception.received, reception.lost) == (140_000, 0)
    assert reception.report()[2] == first + 139_999


@pytest.mark.parametrize(
    ("sequences", "received", "lost", "duplicates"),
    [
        ([1, 2, 4, 5], 4, 1, 0),
        ([1, 3, 2, 4], 4, 0, 0),
        ([1, 1, 2, 2, 2, 3], 3, 0, 3),
        ([1, 2, 5, 3, 5, 3, 4], 5, 0, 2),
        ([65_534, 65_535, 1, 0, 0], 4, 0, 1),
        ([1, 2, 202, 150, 150], 4, 198, 1),
        ([1, 2, 30_000, 3], 3, 0, 0),
    ],
)
def test_losses_are_what_never_came_and_duplicates_are_not_counted_twice(
    sequences, received, lost, duplicates
):
    reception = Reception()
    feed(reception, sequences)
    found = reception.received, reception.lost, reception.duplicates
    assert found == (received, lost, duplicates)


def test_a_jump_is_a_new_beginning_once_a_second_packet_goes_on_from_it():
    reception = Reception()
    verdicts = feed(reception, [1, 2, 30_000, 30_001, 30_002])
    assert verdicts == [RESTARTED, TAKEN, DROPPED, RESTARTED, TAKEN]
    assert reception.lost == 0


def test_another_source_needs_two_packets_in_a_row_while_the_first_is_there():
    reception = Reception()
    feed(reception, range(10))
    assert [reception.take(9, n, 0, 200) for n in (5, 17, 99)] == [DROPPED] * 3
    assert reception.take(7, 10, 1_600, 200) == TAKEN
    assert [reception.take(9, n, 0, 200) for n in (50, 51, 52)] == [DROPPED, RESTARTED, TAKEN]
    assert reception.ssrc == 9


@pytest.mark.parametrize(("after_ms", "said_bye"), [(200, False), (20, True)])
def test_another_source_is_taken_at_once_where_the_first_has_gone(after_ms, said_bye):
    reception = Reception()
    feed(reception, [1, 2, 5])
    if said_bye:
        reception.welcome()
    assert reception.take(9, 3_000, 0, 40 + after_ms) == RESTARTED
    assert (reception.received, reception.lost) == (4, 2), "all sources together"


def test_reports_tell_the_share_that_was_lost_since_the_last_one():
    reception = Reception()
    feed(reception, range(100))
    assert reception.report()[:2] == (0, 0)
    feed(reception, [n for n in range(100, 200) if n % 4])
    assert reception.report()[:2] == (64, 25)
    assert reception.report()[:2] == (0, 25)


def jitter(arrivals):
    """RFC 3550, section 6.4.1, in its own words."""
    found = 0.0
    for (sent, came), (sent_next, came_next) in pairwise(arrivals):
        found += (abs((came_next - came) * 8 - (sent_next - sent)) - found) / 16
    return found


@given(st.lists(st.integers(0, 300), min_size=2, max_size=200), st.sampled_from([0, 2**32 - 8_000]))
def test_jitter_is_the_standards(delays, base):
    reception = Reception()
    arrivals = [(base + n * 160, 1_000 + n * 20 + delay) for n, delay in enumerate(delays)]
    for n, (sent, came) in enumerate(arrivals):
        reception.take(7, n, sent & 0xFFFFFFFF, came)
    assert reception.jitter == pytest.approx(jitter(arrivals), abs=2)
