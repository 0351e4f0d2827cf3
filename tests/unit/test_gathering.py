"""Keys and menus: the rules that carriers share."""

import pytest

from ringfloor.base.limits import OPERATIONS_ENDED_MAX, TYPE_AHEAD_DIGITS_MAX
from ringfloor.gateway import gathering
from ringfloor.gateway.gathering import Ear, Typed, operation_key
from ringfloor.telephony.commands import Gather, Play, StopGather, StopPlayback
from ringfloor.telephony.events import GatherFinished, PlaybackFinished


def gather(**members) -> Gather:
    usual = {"max_digits": 4, "first_digit_ms": 10_000, "inter_digit_ms": 3_000}
    return Gather("g1", "c1", (), **{**usual, **members})


@pytest.mark.parametrize(
    ("members", "had", "key", "stands"),
    [
        ({}, "", "1", Typed("1", None, 3_000)),
        ({}, "123", "4", Typed("1234", "max_digits", 0)),
        ({}, "12", "#", Typed("12", "terminator", 0)),
        ({}, "", "#", Typed("", "terminator", 0)),
        ({}, "123", "#", Typed("123", "terminator", 0)),
        ({}, "12", "*", Typed("", None, 10_000)),
        ({"cancel_key": False}, "12", "*", Typed("12*", None, 3_000)),
        ({"terminators": ""}, "12", "#", Typed("12#", None, 3_000)),
        ({"terminators": "*#"}, "1", "#", Typed("1#", None, 3_000)),
        ({"terminators": "*#", "cancel_key": False}, "1*", "#", Typed("1", "terminator", 0)),
        ({"terminators": "##"}, "1#2", "#", Typed("1#2#", "max_digits", 0)),
        ({"max_digits": 1}, "", "9", Typed("9", "max_digits", 0)),
    ],
)
def test_a_key_comes(members, had, key, stands):
    assert gathering.typed(gather(**members), had, key) == stands


def test_the_next_key_does_not_come():
    assert gathering.too_late("") == "first_digit_timeout"
    assert gathering.too_late("1") == "inter_digit_timeout"


PLAY, GATHER = Play("p1", "c1", ()), gather()


def test_how_operations_finish_that_did_not_begin_or_are_interrupted():
    assert gathering.not_begun(PLAY) == PlaybackFinished("p1", "c1", "failed")
    assert gathering.not_begun(GATHER) == GatherFinished("g1", "c1", "", "cancelled")
    assert gathering.interrupted(PLAY, "") == PlaybackFinished("p1", "c1", "stopped")
    assert gathering.interrupted(GATHER, "12") == GatherFinished("g1", "c1", "12", "cancelled")


def test_a_playback_and_a_gathering_of_the_same_name_are_two():
    assert operation_key(PLAY) == operation_key(StopPlayback("p1"))
    assert operation_key(GATHER) == operation_key(StopGather("g1"))
    assert operation_key(Play("x", "c1", ())) != operation_key(StopGather("x"))


def test_keys_typed_ahead_come_in_their_order_and_are_bounded():
    ear = Ear()
    for number in range(TYPE_AHEAD_DIGITS_MAX + 5):
        ear.type_ahead(str(number % 10))
    taken = [ear.next_ahead() for _ in range(TYPE_AHEAD_DIGITS_MAX)]
    assert taken == [str(number % 10) for number in range(TYPE_AHEAD_DIGITS_MAX)]
    assert not ear.ahead


def test_what_is_over_is_known_and_the_oldest_is_forgotten():
    ear = Ear(operation=PLAY, typed="12")
    ear.forget_operation("first")
    assert (ear.operation, ear.typed) == (None, "")
    for number in range(OPERATIONS_ENDED_MAX):
        ear.remember(str(number))
    assert "first" not in ear.ended
    assert len(ear.ended) == OPERATIONS_ENDED_MAX
