"""The probe against itself: what judges carriers must hear, count and hang up rightly."""

import pytest

from voice.probe import Line, Probe, strength, tone

pytestmark = pytest.mark.slow


def test_a_tone_is_told_from_others():
    codes = b"".join(tone(440))
    assert strength(codes, 440) > 0.95
    assert strength(codes, 1_000) < 0.01
    one_by_one = b"".join(tone(440)[:25] + tone(1_000)[:25])
    assert 0.1 < strength(one_by_one, 440) < 0.9
    assert strength(bytes([0xFF]) * 800, 440) == 0


def test_a_call_between_two_probes_is_heard_both_ways():
    with (
        Probe("bob", line=Line(frequency=1_000)) as bob,
        Probe("ann", proxy=("127.0.0.1", bob.port)) as ann,
    ):
        call = ann.dial("bob").wait("up")
        theirs = bob.wait_for_call().wait("up")
        call.await_tone(1_000)
        theirs.await_tone(440)
        assert not call.hears(440)
        call.press("12#")
        bob.until(lambda: len(theirs.keys) == 3, 5, lambda: str(theirs.keys))
        assert "".join(key for key, _ in theirs.keys) == "12#"
        assert call.lost == theirs.lost == 0
        call.offer("sendonly")
        bob.until(lambda: theirs.directions[-1] == "sendonly", 5, theirs.story)
        theirs.hang_up()
        call.wait("ended")
        theirs.wait("ended")
        assert (call.by, theirs.by) == ("far", "probe")


def test_lost_packets_are_counted():
    with Probe("bob") as bob, Probe("ann", proxy=("127.0.0.1", bob.port)) as ann:
        call = ann.dial("bob").wait("up")
        call.mangle = lambda number, packet: [] if number % 10 == 5 else [packet]
        theirs = bob.wait_for_call()
        bob.until(lambda: theirs.received >= 90, 10, theirs.story)
        assert 9 <= theirs.lost <= 11


@pytest.mark.parametrize("status", [486, 404, 603])
def test_a_refusal_is_told(status):
    with (
        Probe("bob", line=Line(status=status)) as bob,
        Probe("ann", proxy=("127.0.0.1", bob.port)) as ann,
    ):
        call = ann.dial("bob").wait("ended")
        assert call.status == status


def test_a_call_that_rings_is_cancelled():
    with (
        Probe("bob", line=Line(answer=False)) as bob,
        Probe("ann", proxy=("127.0.0.1", bob.port)) as ann,
    ):
        call = ann.dial("bob").wait("ringing")
        call.hang_up()
        call.wait("ended")
        bob.wait_for_call().wait("ended")
        assert call.status == 487
