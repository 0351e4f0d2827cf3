"""Simulated phones, beyond what every carrier promises (tests/contract/test_carrier.py)."""

import msgspec
import pytest

from ringfloor.base import codec, limits
from ringfloor.base.errors import Refusal
from ringfloor.base.time import Instant
from ringfloor.gateway.lines import Heard
from ringfloor.gateway.phones import Behaviour, Phones
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    Command,
    Gather,
    HangUp,
    Media,
    Originate,
    Play,
    StartMusic,
    StopMusic,
    StopPlayback,
)
from ringfloor.telephony.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelIncoming,
    ChannelRinging,
    Event,
    GatherFinished,
    PlaybackFinished,
    sip_status,
)

ALICE, BOB, CENTER = "+12065550101", "+12065550102", "+18005550100"
HELLO, MENU = Media("text", "Hello."), Media("prompt", "menu.wav")


class Told:
    """Phones, and all that they have told."""

    def __init__(self, **options) -> None:
        self.events: list[tuple[Event, Instant]] = []
        self.phones = Phones(lambda event, at: self.events.append((event, at)), **options)

    def take(self, now: Instant) -> list[tuple[Event, Instant]]:
        self.phones.run_due(now)
        told, self.events[:] = list(self.events), []
        return told


def phones_with_a_call(now: Instant = 0, **options) -> tuple[Phones, Told]:
    told = Told(**options)
    told.phones.call(ALICE, CENTER, "c1", now)
    told.phones.perform(Answer("c1"), now)
    assert told.take(now) == [
        (ChannelIncoming("c1", ALICE, CENTER), now),
        (ChannelAnswered("c1"), now),
    ]
    return told.phones, told


def gather(gather_id: str = "g1", max_digits: int = 4, **members) -> Gather:
    return Gather(gather_id, "c1", (MENU,), max_digits, 10_000, **members)


# Time


def test_nothing_is_told_before_run_due():
    phones, told = phones_with_a_call(100)
    phones.perform(Play("p1", "c1", (HELLO,)), 200)
    phones.press("c1", "1", 200)
    phones.hang_up("c1", 300)
    assert told.events == []
    assert phones.next_due() == 200
    (finished, at), (gone, end) = told.take(300)
    assert (finished, at) == (PlaybackFinished("p1", "c1", "eof"), 200)
    assert (gone.channel_id, end) == ("c1", 300)
    assert phones.next_due() is None


def test_what_was_due_comes_at_its_own_instant_however_late_it_is_asked_for():
    phones, told = phones_with_a_call()
    phones.perform(gather(), 0)
    phones.press("c1", "1", 1_000)
    phones.press("c1", "2", 7_000)  # too late by a second
    assert told.take(9_000) == [(GatherFinished("g1", "c1", "1", "inter_digit_timeout"), 6_000)]
    phones.perform(gather("g2", 1), 9_000)
    assert told.take(9_000) == [(GatherFinished("g2", "c1", "2", "max_digits"), 9_000)]


def test_a_callback_may_command_and_all_happens_in_the_same_run():
    seen = []

    def on_event(event: Event, at: Instant) -> None:
        seen.append((type(event).__name__, at))
        match event:
            case ChannelIncoming():
                phones.perform(Answer("c1"), at)
            case ChannelAnswered():
                phones.perform(Play("p1", "c1", (HELLO,)), at)
            case PlaybackFinished():
                phones.perform(HangUp("c1"), at)

    phones = Phones(on_event)
    phones.call(ALICE, CENTER, "c1", 5)
    phones.run_due(5)
    assert seen == [
        ("ChannelIncoming", 5),
        ("ChannelAnswered", 5),
        ("PlaybackFinished", 5),
        ("ChannelHungUp", 5),
    ]


def test_run_due_is_not_to_be_called_out_of_the_callback():
    phones = Phones(lambda _event, at: phones.run_due(at))
    phones.call(ALICE, CENTER, "c1", 0)
    with pytest.raises(AssertionError, match="out of the callback"):
        phones.run_due(0)
    assert phones.next_due() is None


def test_instants_never_fall():
    phones, told = phones_with_a_call(1_000)
    phones.perform(Play("p1", "c1", (HELLO,)), 500)
    assert told.take(500) == []
    assert phones.next_due() == 1_000
    assert told.take(1_000) == [(PlaybackFinished("p1", "c1", "eof"), 1_000)]


def test_simultaneous_time_outs_come_in_the_order_of_their_calls():
    told = Told()
    for number in range(12):
        told.phones.perform(Originate(f"c{number}", BOB, CENTER, 0), 0)
    hung_up = [e.channel_id for e, _ in told.take(0) if isinstance(e, ChannelHungUp)]
    assert hung_up == [f"c{number}" for number in range(12)]


def test_a_flow_that_plays_for_ever_lets_the_clock_go_on():
    plays = 0

    def play_again(event: Event, at: Instant) -> None:
        nonlocal plays
        if isinstance(event, ChannelAnswered | PlaybackFinished):
            plays += 1
            phones.perform(Play(f"p{plays}", "c1", (HELLO,)), at)

    phones = Phones(play_again)
    phones.call(ALICE, CENTER, "c1", 0)
    phones.perform(Answer("c1"), 0)
    phones.run_due(0)
    assert plays == limits.PHONE_PLAYBACKS_PER_SECOND_MAX + 1
    assert phones.next_due() == 1_000
    phones.run_due(10_000)
    assert plays < 12 * (limits.PHONE_PLAYBACKS_PER_SECOND_MAX + 1)


def test_speech_may_be_told_to_take_time():
    phones, told = phones_with_a_call(playback_ms=2_000)
    phones.perform(Play("p1", "c1", (HELLO,)), 0)
    assert told.take(1_999) == []
    assert told.take(2_000) == [(PlaybackFinished("p1", "c1", "eof"), 2_000)]
    phones.perform(Play("p2", "c1", (HELLO,)), 3_000)
    phones.perform(StopPlayback("p2"), 4_000)
    phones.perform(gather(), 4_000)
    assert told.take(15_999) == [(PlaybackFinished("p2", "c1", "stopped"), 4_000)]
    assert told.take(16_000) == [(GatherFinished("g1", "c1", "", "first_digit_timeout"), 16_000)]


def test_a_key_ends_the_speech_of_a_gathering():
    phones, told = phones_with_a_call(playback_ms=60_000)
    phones.perform(gather(), 0)
    phones.press("c1", "1", 1_000)
    assert told.take(6_000) == [(GatherFinished("g1", "c1", "1", "inter_digit_timeout"), 6_000)]


# What is told of numbers


def test_behaviours_can_be_kept_and_restored():
    told = Told()
    told.phones.tell(ALICE, Behaviour("busy"))
    told.phones.tell(BOB, Behaviour("answer", 3_000))
    kept = codec.encode(told.phones.behaviours())
    other = Told()
    other.phones.tell(CENTER, Behaviour("busy"))
    other.phones.restore(codec.decoder(dict[str, Behaviour]).decode(kept))
    assert other.phones.behaviours() == {
        ALICE: Behaviour("busy"),
        BOB: Behaviour("answer", 3_000),
    }


def test_a_number_that_answers_at_once_needs_no_place():
    phones = Told().phones
    phones.tell(ALICE, Behaviour("busy"))
    phones.tell(ALICE, Behaviour("answer"))
    assert phones.behaviours() == {}


def test_a_call_that_rings_goes_on_as_it_began():
    told = Told()
    told.phones.perform(Originate("c1", BOB, CENTER, 20_000), 0)
    told.phones.tell(BOB, Behaviour("busy"))
    assert told.take(0) == [(ChannelRinging("c1"), 0), (ChannelAnswered("c1"), 0)]


def test_somebody_declines():
    told = Told()
    told.phones.tell(BOB, Behaviour("no-answer"))
    told.phones.perform(Originate("c1", BOB, CENTER, 20_000), 0)
    told.phones.hang_up("c1", 1_000)
    _, (gone, _) = told.take(1_000)
    assert (gone.by, gone.q850, gone.sip_code) == ("remote", 21, 603)


@pytest.mark.parametrize(
    ("number", "behaviour"),
    [
        ("12065550101", Behaviour("busy")),
        ("+0", Behaviour("busy")),
        ("agent:u1", Behaviour("busy")),
        ("+1206555010\u0661", Behaviour("busy")),
        (ALICE, Behaviour("answer", -1)),
    ],
)
def test_what_cannot_be_told(number, behaviour):
    phones = Told().phones
    with pytest.raises(Refusal, match="InvalidParameterException"):
        phones.tell(number, behaviour)
    assert phones.behaviours() == {}


# What customers do


def test_controls_need_a_living_call():
    phones, _ = phones_with_a_call()
    phones.hang_up("c1", 0)
    for act in (
        lambda: phones.press("c1", "1", 0),
        lambda: phones.hang_up("c1", 0),
        lambda: phones.press("x", "1", 0),
        lambda: phones.heard("x"),
    ):
        with pytest.raises(Refusal, match="ResourceNotFoundException"):
            act()


def test_keys_that_a_phone_has_not():
    phones, _ = phones_with_a_call()
    with pytest.raises(Refusal, match="InvalidParameterException"):
        phones.press("c1", "12w", 0)
    assert msgspec.msgpack.decode(phones.channels()[0].memory).get("ahead") is None


def test_a_call_is_made_once():
    phones, told = phones_with_a_call()
    phones.call(BOB, CENTER, "c1", 0)
    phones.hang_up("c1", 0)
    phones.call(ALICE, CENTER, "c1", 0)
    assert [type(event) for event, _ in told.take(0)] == [ChannelHungUp]


def test_keys_before_the_answer_are_kept():
    told = Told()
    told.phones.call(ALICE, CENTER, "c1", 0)
    told.phones.press("c1", "7", 0)
    told.phones.perform(Answer("c1"), 0)
    told.phones.perform(gather(max_digits=1), 0)
    assert told.take(0)[-1] == (GatherFinished("g1", "c1", "7", "max_digits"), 0)


# What is heard


def test_heard_says_what_began_when():
    phones, _ = phones_with_a_call()
    phones.perform(StartMusic("c1"), 100)
    phones.perform(Play("p1", "c1", (HELLO, MENU)), 200)
    phones.perform(StartMusic("c1", (Media("prompt", "hold.wav"),)), 300)
    phones.perform(StopMusic("c1"), 400)
    phones.perform(Originate("a1", "agent:u1", CENTER, 20_000), 500)
    phones.perform(AddToBridge("b1", "c1"), 500)
    phones.perform(AddToBridge("b1", "a1"), 500)
    phones.perform(HangUp("a1"), 600)
    heard = (
        Heard("music", "", 100),
        Heard("text", "Hello.", 200),
        Heard("prompt", "menu.wav", 200),
        Heard("music", "hold.wav", 300),
        Heard("joined", "agent:u1", 500),
        Heard("alone", "", 600),
    )
    assert phones.heard("c1") == heard
    phones.hang_up("c1", 700)
    assert phones.heard("c1") == heard


def test_music_that_was_on_before_the_answer_is_heard_from_then():
    told = Told()
    told.phones.call(ALICE, CENTER, "c1", 0)
    told.phones.perform(StartMusic("c1"), 0)
    assert told.phones.heard("c1") == ()
    told.phones.perform(Answer("c1"), 100)
    assert told.phones.heard("c1") == (Heard("music", "", 100),)


# Restarts


def test_the_memory_of_a_channel_brings_everything_back():
    phones, _ = phones_with_a_call()
    phones.press("c1", "12", 500)
    phones.perform(Play("p1", "c1", (HELLO,)), 600)
    phones.perform(gather(), 700)
    phones.run_due(700)
    other = Told()
    other.phones.adopt(phones.channels(), 800)
    assert other.phones.heard("c1") == phones.heard("c1")
    assert other.phones.next_due() == 5_700
    other.phones.perform(Play("p1", "c1", (HELLO,)), 900)
    other.phones.perform(gather(), 900)
    assert other.take(5_700) == [(GatherFinished("g1", "c1", "12", "inter_digit_timeout"), 5_700)]


def test_what_was_due_while_nobody_looked_happens_then():
    phones, _ = phones_with_a_call()
    phones.perform(gather(), 0)
    other = Told()
    other.phones.adopt(phones.channels(), 60_000)
    assert other.take(60_000) == [(GatherFinished("g1", "c1", "", "first_digit_timeout"), 60_000)]


def test_what_was_arranged_before_a_restart_comes_before_what_is_arranged_after():
    told = Told()
    told.phones.tell(BOB, Behaviour("no-answer"))
    for name in ("c3", "c2", "c1"):
        told.phones.perform(Originate(name, BOB, CENTER, 2_000), 0)
    other = Told()
    other.phones.tell(BOB, Behaviour("no-answer"))
    other.phones.adopt(told.phones.channels(), 1_000)
    other.phones.perform(Originate("c0", BOB, CENTER, 1_000), 1_000)
    hung_up = [e.channel_id for e, _ in other.take(2_000) if isinstance(e, ChannelHungUp)]
    assert hung_up == ["c3", "c2", "c1", "c0"]


def channel(**members) -> Channel:
    known = {"channel_id": "c1", "direction": "outbound", "address": BOB, "state": "up"}
    return Channel(**(known | members))


def test_the_center_knows_better_than_the_memory():
    told = Told()
    told.phones.tell(BOB, Behaviour("answer", 3_000))
    told.phones.perform(Originate("c1", BOB, CENTER, 20_000), 0)
    told.phones.perform(AddToBridge("b1", "c1"), 0)
    (ringing,) = told.phones.channels()
    assert ringing.state == "ringing"
    other = Told()
    other.phones.adopt([msgspec.structs.replace(ringing, state="up", bridge_id=None)], 0)
    assert other.take(60_000) == []
    assert [(c.state, c.bridge_id) for c in other.phones.channels()] == [("up", None)]


@pytest.mark.parametrize("memory", [b"", b"\xc1", codec.encode([1, 2]), codec.encode({"due": "x"})])
def test_a_memory_that_cannot_be_read_is_none(memory):
    told = Told()
    told.phones.adopt([channel(memory=memory), channel(channel_id="c2", bridge_id="b1")], 0)
    assert [c.channel_id for c in told.phones.channels()] == ["c1", "c2"]
    assert told.take(0) == []


def test_an_adopted_channel_without_memory_rings_for_a_minute_at_most():
    told = Told()
    told.phones.tell(BOB, Behaviour("no-answer"))
    told.phones.adopt([channel(state="ringing")], 1_000)
    assert told.phones.next_due() == 1_000 + limits.DIAL_MS


def test_adopting_what_is_known_changes_nothing():
    phones, told = phones_with_a_call()
    held = phones.channels()
    phones.adopt([channel(state="ringing", bridge_id="b9")], 0)
    assert phones.channels() == held
    phones.hang_up("c1", 0)
    phones.adopt(held, 0)
    assert phones.channels() == []
    assert [type(event) for event, _ in told.take(0)] == [ChannelHungUp]


# Bounds


def test_keys_typed_ahead_are_bounded():
    phones, told = phones_with_a_call()
    phones.press("c1", "1" * limits.TYPE_AHEAD_DIGITS_MAX + "2", 0)
    phones.perform(gather(max_digits=99), 0)
    ((finished, _),) = told.take(60_000)
    assert finished.digits == "1" * limits.TYPE_AHEAD_DIGITS_MAX


def test_what_is_heard_is_bounded():
    phones, _ = phones_with_a_call()
    for number in range(limits.PHONE_HEARD_MAX + 10):
        phones.perform(Play(f"p{number}", "c1", (Media("text", f"{number} " * 9_999),)), number)
    heard = phones.heard("c1")
    assert len(heard) == limits.PHONE_HEARD_MAX
    assert heard[-1].value.startswith(f"{limits.PHONE_HEARD_MAX + 9} ")
    assert len(heard[-1].value) == limits.PHONE_HEARD_CHARACTERS_MAX
    ended = msgspec.msgpack.decode(phones.channels()[0].memory)["ended"]
    assert len(ended) == limits.OPERATIONS_ENDED_MAX


def test_ended_calls_are_forgotten_in_time(monkeypatch):
    monkeypatch.setattr("ringfloor.gateway.phones.PHONE_HEARD_CALLS_MAX", 2)
    monkeypatch.setattr("ringfloor.gateway.phones.CHANNELS_ENDED_MAX", 3)
    told = Told()
    for number in range(5):
        told.phones.perform(HangUp(f"c{number}"), 0)
    assert len(told.take(0)) == 5
    with pytest.raises(Refusal):
        told.phones.heard("c2")
    assert told.phones.heard("c3") == ()
    told.phones.perform(HangUp("c2"), 0)
    assert told.take(0) == []
    told.phones.perform(HangUp("c1"), 0)
    assert len(told.take(0)) == 1


def test_calls_are_bounded(monkeypatch):
    monkeypatch.setattr("ringfloor.gateway.phones.PHONE_CALLS_MAX", 1)
    phones, told = phones_with_a_call()
    with pytest.raises(Refusal, match="LimitExceededException"):
        phones.call(BOB, CENTER, "c2", 0)
    phones.perform(Originate("c3", BOB, CENTER, 20_000), 0)
    ((gone, _),) = told.take(0)
    assert (gone.channel_id, gone.q850, gone.sip_code) == ("c3", 34, 503)


def test_told_numbers_are_bounded(monkeypatch):
    monkeypatch.setattr("ringfloor.gateway.phones.PHONE_BEHAVIOURS_MAX", 1)
    phones = Told().phones
    phones.tell(ALICE, Behaviour("busy"))
    phones.tell(ALICE, Behaviour("invalid"))
    with pytest.raises(Refusal, match="LimitExceededException"):
        phones.tell(BOB, Behaviour("busy"))


def test_nothing_is_left_of_ended_calls():
    phones, told = phones_with_a_call()
    work: list[Command] = [gather(), AddToBridge("b1", "c1"), StartMusic("c1")]
    for command in work:
        phones.perform(command, 0)
    phones.hang_up("c1", 0)
    told.take(0)
    assert phones.channels() == []
    assert phones.next_due() is None
    assert not phones._bridges
    assert not phones._operations


def test_causes_become_sip_statuses():
    assert [sip_status(cause) for cause in (1, 16, 17, 21, 34, 99)] == [
        404,
        480,
        486,
        603,
        503,
        480,
    ]
