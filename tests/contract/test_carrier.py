"""The contract of telephony.carrier, driven against every carrier there is.

A world is a carrier together with its far ends and its clock. To put another carrier under the
contract, write a world for it (with a probe phone that dials, presses and listens) and add it to
WORLDS. The scenario is the one of the telephony specification, section 0, as far as the commands of
the seam reach; media is judged by what the far end heard.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import pytest

from contract import linked_world, switch_world
from ringfloor.base import codec
from ringfloor.base.time import Duration, Instant
from ringfloor.gateway.phones import Behaviour, Phones
from ringfloor.telephony.carrier import Carrier, Channel
from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    AttachWebRtc,
    Command,
    CreateBridge,
    DestroyBridge,
    Gather,
    HangUp,
    Media,
    Mute,
    Originate,
    Play,
    Progress,
    Redirect,
    RemoveFromBridge,
    Ring,
    SendDigits,
    StartMusic,
    StopGather,
    StopMusic,
    StopPlayback,
    Unmute,
    agent_address,
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
    WebRtcRefused,
)

CENTER = "+18005550100"
ALICE, BOB = "+12065550101", "+12065550102"
BUSY, ABSENT, NOBODY, SLOW = "+12065550117", "+12065550119", "+12065550104", "+12065550103"
NUMBERS = {
    BUSY: Behaviour("busy"),
    ABSENT: Behaviour("no-answer"),
    NOBODY: Behaviour("invalid"),
    SLOW: Behaviour("answer", 3_000),
}
WELCOME = Media("text", "Welcome.")
MENU = Media("prompt", "menu.wav")
MUSIC = Media("prompt", "hold.wav")


class World(Protocol):
    """A carrier, its far ends and its clock; BUSY, ABSENT, NOBODY and SLOW (3 s) are so."""

    events: list[Event]
    carrier: Carrier

    def perform(self, *commands: Command) -> list[Event]:
        """Do this one after the other; the events up to now that have not been told before."""

    def call(self, channel_id: str, from_: str = ALICE) -> list[Event]: ...
    def press(self, channel_id: str, digits: str) -> list[Event]: ...
    def hang_up(self, channel_id: str) -> list[Event]: ...
    def wait(self, milliseconds: Duration) -> list[Event]: ...
    def restart(self, channels: Sequence[Channel]) -> list[Event]:
        """The center goes and comes back with these channels in mind."""

    def heard(self, channel_id: str) -> list[str]:
        """What the far end heard, each as kind and value."""


class PhonesWorld:
    """Simulated phones on a clock of their own."""

    def __init__(self) -> None:
        self.now: Instant = 1_700_000_000_000
        self._start()

    def _start(self) -> None:
        self.events: list[Event] = []
        self.carrier = Phones(self._on_event)
        self.carrier.restore(NUMBERS)

    def _on_event(self, event: Event, at: Instant) -> None:
        assert at <= self.now
        self.events.append(event)

    def _told(self) -> list[Event]:
        before = len(self.events)
        self.carrier.run_due(self.now)
        due = self.carrier.next_due()
        assert due is None or due > self.now
        return self.events[before:]

    def perform(self, *commands: Command) -> list[Event]:
        before = len(self.events)
        for command in commands:
            self.carrier.perform(command, self.now)
        assert len(self.events) == before, "perform called back"
        return self._told()

    def call(self, channel_id: str, from_: str = ALICE) -> list[Event]:
        self.carrier.call(from_, CENTER, channel_id, self.now)
        return self._told()

    def press(self, channel_id: str, digits: str) -> list[Event]:
        self.carrier.press(channel_id, digits, self.now)
        return self._told()

    def hang_up(self, channel_id: str) -> list[Event]:
        self.carrier.hang_up(channel_id, self.now)
        return self._told()

    def wait(self, milliseconds: Duration) -> list[Event]:
        self.now += milliseconds
        return self._told()

    def restart(self, channels: Sequence[Channel]) -> list[Event]:
        self._start()
        self.carrier.adopt(channels, self.now)
        return self._told()

    def heard(self, channel_id: str) -> list[str]:
        return [f"{each.kind} {each.value}".strip() for each in self.carrier.heard(channel_id)]


class SwitchWorld(switch_world.World):
    """The switch of the embedded carrier, with the same numbers."""

    def __init__(self) -> None:
        super().__init__(NUMBERS, center=CENTER, music=[MUSIC])


WORLDS: list[Callable[[], World]] = [PhonesWorld, SwitchWorld, linked_world.LinkedWorld]


@pytest.fixture(params=WORLDS, ids=lambda world: world.__name__)
def world(request) -> World:
    return request.param()


def a_caller(world: World, channel_id: str = "c1", from_: str = ALICE) -> None:
    """Somebody has called and is answered."""
    world.call(channel_id, from_)
    world.perform(Answer(channel_id))


def dial(channel_id: str, to: str, timeout_ms: Duration = 20_000) -> Originate:
    return Originate(channel_id, to, CENTER, timeout_ms)


def gather(gather_id: str = "g1", max_digits: int = 4, **members) -> Gather:
    return Gather(gather_id, "c1", (MENU,), max_digits, 10_000, **members)


def the_hang_ups(world: World, channel_id: str) -> list[ChannelHungUp]:
    return [
        event
        for event in world.events
        if isinstance(event, ChannelHungUp) and event.channel_id == channel_id
    ]


# Calls


def test_a_caller_is_answered(world):
    assert world.call("c1") == [ChannelIncoming("c1", ALICE, CENTER)]
    assert [c.state for c in world.carrier.channels()] == ["ringing"]
    assert world.perform(Answer("c1")) == [ChannelAnswered("c1")]
    (channel,) = world.carrier.channels()
    assert (channel.channel_id, channel.direction, channel.address, channel.state) == (
        "c1",
        "inbound",
        ALICE,
        "up",
    )


def test_a_caller_gives_up(world):
    world.call("c1")
    (gone,) = world.hang_up("c1")
    assert (gone.by, gone.q850, gone.sip_code) == ("remote", Q850.NORMAL_CLEARING, 487)
    assert world.carrier.channels() == []


def test_a_caller_is_rejected(world):
    world.call("c1")
    (gone,) = world.perform(HangUp("c1", Q850.USER_BUSY))
    assert (gone.by, gone.q850, gone.sip_code) == ("local", Q850.USER_BUSY, 486)


def test_a_number_is_dialled(world):
    assert world.perform(dial("c1", BOB)) == [ChannelRinging("c1"), ChannelAnswered("c1")]
    (channel,) = world.carrier.channels()
    assert (channel.direction, channel.address, channel.state) == ("outbound", BOB, "up")


def test_a_number_rings_before_it_answers(world):
    assert world.perform(dial("c1", SLOW)) == [ChannelRinging("c1")]
    assert world.wait(2_999) == []
    assert world.wait(1) == [ChannelAnswered("c1")]


def test_nobody_but_the_far_end_answers_what_was_dialled(world):
    world.perform(dial("c1", SLOW))
    assert world.perform(Answer("c1")) == []
    assert [each.state for each in world.carrier.channels()] == ["ringing"]


def test_who_calls_may_be_told_that_it_rings_and_is_not_sent_elsewhere(world):
    world.call("c1")
    assert world.perform(Ring("c1"), Progress("c1"), Ring("c1"), Redirect("c1", BOB)) == []
    assert world.perform(Answer("c1"), Ring("c1"), Redirect("c1", BOB)) == [ChannelAnswered("c1")]


def test_a_browser_has_no_business_on_a_callers_channel(world):
    a_caller(world)
    offer = AttachWebRtc("c1", "o1", "v=0")
    (refused,) = world.perform(offer, offer)
    assert (type(refused), refused.channel_id, refused.offer_id) == (WebRtcRefused, "c1", "o1")


def test_an_agents_softphone_answers_at_once(world):
    told = world.perform(dial("a1", agent_address("u1")))
    assert told == [ChannelRinging("a1"), ChannelAnswered("a1")]


@pytest.mark.parametrize(
    ("number", "q850", "sip_code"),
    [(BUSY, 17, 486), (NOBODY, 1, 404), ("not a number", 1, 404), ("agent-u1", 1, 404)],
)
def test_a_number_refuses(world, number, q850, sip_code):
    (gone,) = world.perform(dial("c1", number))
    assert (gone.by, gone.q850, gone.sip_code) == ("remote", q850, sip_code)
    assert world.carrier.channels() == []


def test_a_number_does_not_answer(world):
    assert world.perform(dial("c1", ABSENT, 20_000)) == [ChannelRinging("c1")]
    assert world.wait(19_999) == []
    (gone,) = world.wait(1)
    assert gone.by == "timeout"
    assert gone.q850 == Q850.NO_ANSWER
    assert gone.sip_code in {480, 487}


def test_a_number_answers_too_late(world):
    world.perform(dial("c1", SLOW, 2_000))
    (gone,) = world.wait(2_000)
    assert gone.by == "timeout"
    assert world.wait(10_000) == []


def test_what_is_due_happens_in_its_order_however_late_one_asks(world):
    world.perform(dial("c1", SLOW, 2_000), dial("c2", SLOW, 4_000))
    told = world.wait(60_000)
    assert [(type(each), each.channel_id) for each in told] == [
        (ChannelHungUp, "c1"),
        (ChannelAnswered, "c2"),
    ]


def test_ringing_is_cancelled(world):
    world.perform(dial("c1", SLOW))
    (gone,) = world.perform(HangUp("c1"))
    assert (gone.by, gone.q850, gone.sip_code) == ("local", 16, 487)
    assert world.wait(60_000) == []


def test_either_side_hangs_up(world):
    a_caller(world, "c1")
    a_caller(world, "c2")
    assert [(e.channel_id, e.by, e.sip_code) for e in world.hang_up("c1")] == [
        ("c1", "remote", None)
    ]
    assert [(e.channel_id, e.by, e.sip_code) for e in world.perform(HangUp("c2"))] == [
        ("c2", "local", None)
    ]


def test_a_channel_hangs_up_once(world):
    a_caller(world)
    world.hang_up("c1")
    assert world.perform(HangUp("c1"), HangUp("c1"), Answer("c1"), Play("p1", "c1", ())) == []
    assert len(the_hang_ups(world, "c1")) == 1


@pytest.mark.parametrize(
    "command",
    [
        Answer("x"),
        HangUp("x"),
        Ring("x"),
        Progress("x"),
        Redirect("x", BOB),
        Play("p1", "x", (WELCOME,)),
        Gather("g1", "x", (WELCOME,), 1, 5_000),
        StartMusic("x"),
        StopMusic("x"),
        SendDigits("d1", "x", "1"),
        Mute("x"),
        Unmute("x"),
        AddToBridge("b1", "x"),
        RemoveFromBridge("b1", "x"),
    ],
)
def test_an_unknown_channel_is_told_as_gone_once(world, command):
    (gone,) = world.perform(command)
    assert isinstance(gone, ChannelHungUp)
    assert gone.channel_id == "x"
    assert world.perform(command, command) == []


def test_what_is_unknown_otherwise_is_nothing(world):
    assert world.perform(StopPlayback("x"), StopGather("x"), DestroyBridge("x")) == []


# Hearing


def test_a_prompt_is_played_to_its_end(world):
    a_caller(world)
    told = world.perform(Play("p1", "c1", (WELCOME, MENU)))
    assert told == [PlaybackFinished("p1", "c1", "eof")]
    assert world.heard("c1") == ["text Welcome.", "prompt menu.wav"]


def test_a_loop_ends_when_it_is_stopped(world):
    a_caller(world)
    assert world.perform(Play("p1", "c1", (WELCOME,), loop=True)) == []
    assert world.wait(600_000) == []
    assert world.perform(StopPlayback("p1")) == [PlaybackFinished("p1", "c1", "stopped")]
    assert world.perform(StopPlayback("p1")) == []


def test_a_playback_ends_the_one_before(world):
    a_caller(world)
    world.perform(Play("p1", "c1", (WELCOME,), loop=True))
    assert world.perform(Play("p2", "c1", (MENU,), loop=True)) == [
        PlaybackFinished("p1", "c1", "stopped")
    ]
    assert world.perform(gather()) == [PlaybackFinished("p2", "c1", "stopped")]
    assert world.perform(Play("p3", "c1", (WELCOME,), loop=True)) == [
        GatherFinished("g1", "c1", "", "cancelled")
    ]


def test_nothing_is_played_before_the_answer(world):
    world.call("c1")
    told = world.perform(Play("p1", "c1", (WELCOME,)), gather())
    assert told == [
        PlaybackFinished("p1", "c1", "failed"),
        GatherFinished("g1", "c1", "", "cancelled"),
    ]
    world.perform(Answer("c1"))
    assert world.perform(Play("p1", "c1", (WELCOME,)), gather()) == [], "they are over"
    assert world.heard("c1") == []


def test_what_cannot_be_played_leaves_the_ringing_alone(world):
    world.perform(dial("c1", SLOW), dial("c2", ABSENT))
    world.perform(Play("p1", "c1", (WELCOME,)), Play("p2", "c2", (WELCOME,)))
    assert world.wait(3_000) == [ChannelAnswered("c1")]
    assert [(each.channel_id, each.by) for each in world.wait(17_000)] == [("c2", "timeout")]


def test_a_hang_up_finishes_what_plays_and_gathers(world):
    a_caller(world, "c1")
    a_caller(world, "c2")
    world.perform(gather(), Play("p1", "c2", (WELCOME,), loop=True))
    world.press("c1", "12")
    finished, gone = world.hang_up("c1")
    assert finished == GatherFinished("g1", "c1", "12", "cancelled")
    assert isinstance(gone, ChannelHungUp)
    finished, gone = world.perform(HangUp("c2"))
    assert finished == PlaybackFinished("p1", "c2", "stopped")
    assert isinstance(gone, ChannelHungUp)


def test_music_lies_under_the_prompts(world):
    a_caller(world)
    told = world.perform(
        StartMusic("c1", (MUSIC,)), StartMusic("c1", (MUSIC,)), Play("p1", "c1", (WELCOME,))
    )
    assert told == [PlaybackFinished("p1", "c1", "eof")]
    assert world.perform(StopMusic("c1"), StopMusic("c1")) == []
    assert world.heard("c1") == ["music hold.wav", "text Welcome."]


# Keys


def test_digits_up_to_the_maximum(world):
    a_caller(world)
    assert world.perform(gather(max_digits=4)) == []
    assert world.press("c1", "123") == []
    assert world.press("c1", "4") == [GatherFinished("g1", "c1", "1234", "max_digits")]
    assert world.heard("c1") == ["prompt menu.wav"]


def test_digits_up_to_the_terminator(world):
    a_caller(world)
    world.perform(gather())
    assert world.press("c1", "12#") == [GatherFinished("g1", "c1", "12", "terminator")]


def test_a_terminator_alone(world):
    a_caller(world)
    world.perform(gather())
    assert world.press("c1", "#") == [GatherFinished("g1", "c1", "", "terminator")]


def test_a_terminator_of_several_keys(world):
    a_caller(world)
    world.perform(gather(max_digits=9, terminators="##"))
    assert world.press("c1", "1#2#") == []
    assert world.press("c1", "#") == [GatherFinished("g1", "c1", "1#2", "terminator")]


def test_a_menu_with_all_keys(world):
    a_caller(world)
    menu = {"max_digits": 1, "terminators": "", "cancel_key": False}
    world.perform(gather("g1", **menu))
    assert world.press("c1", "*") == [GatherFinished("g1", "c1", "*", "max_digits")]
    world.perform(gather("g2", **menu))
    assert world.press("c1", "#") == [GatherFinished("g2", "c1", "#", "max_digits")]


def test_the_cancel_key_forgets_what_was_typed(world):
    a_caller(world)
    world.perform(gather())
    assert world.press("c1", "12*") == []
    assert world.press("c1", "34#") == [GatherFinished("g1", "c1", "34", "terminator")]


def test_after_the_cancel_key_the_first_digit_is_awaited_again(world):
    a_caller(world)
    world.perform(gather())
    world.wait(9_000)
    world.press("c1", "12*")
    assert world.wait(9_999) == []
    assert world.wait(1) == [GatherFinished("g1", "c1", "", "first_digit_timeout")]


def test_the_first_digit_does_not_come(world):
    a_caller(world)
    world.perform(gather())
    assert world.wait(9_999) == []
    assert world.wait(1) == [GatherFinished("g1", "c1", "", "first_digit_timeout")]


def test_the_next_digit_does_not_come(world):
    a_caller(world)
    world.perform(gather())
    world.wait(9_000)
    world.press("c1", "1")
    world.wait(4_000)
    world.press("c1", "2")
    assert world.wait(4_999) == []
    assert world.wait(1) == [GatherFinished("g1", "c1", "12", "inter_digit_timeout")]


def test_a_gathering_is_stopped(world):
    a_caller(world)
    world.perform(gather())
    world.press("c1", "1")
    assert world.perform(StopGather("g1")) == [GatherFinished("g1", "c1", "1", "cancelled")]
    assert world.perform(StopGather("g1")) == []
    assert world.wait(60_000) == []


def test_keys_typed_ahead_are_gathered_and_the_rest_is_kept(world):
    a_caller(world)
    assert world.press("c1", "1234567") == []
    assert world.perform(gather("g1", max_digits=3)) == [
        GatherFinished("g1", "c1", "123", "max_digits")
    ]
    assert world.perform(gather("g2", max_digits=6)) == []
    assert world.press("c1", "8#") == [GatherFinished("g2", "c1", "45678", "terminator")]
    assert world.heard("c1") == []


def test_keys_typed_ahead_then_nothing(world):
    a_caller(world)
    world.press("c1", "12")
    assert world.perform(gather()) == []
    assert world.wait(5_000) == [GatherFinished("g1", "c1", "12", "inter_digit_timeout")]


def test_keys_typed_ahead_are_thrown_away(world):
    a_caller(world)
    world.press("c1", "12")
    assert world.perform(gather(type_ahead=False)) == []
    assert world.press("c1", "3#") == [GatherFinished("g1", "c1", "3", "terminator")]
    assert world.heard("c1") == ["prompt menu.wav"]


def test_keys_in_a_bridge_are_told_one_by_one(world):
    a_caller(world)
    world.perform(CreateBridge("b1"), AddToBridge("b1", "c1"))
    assert world.press("c1", "1#") == [ChannelDigit("c1", "1"), ChannelDigit("c1", "#")]
    world.perform(gather())
    assert world.press("c1", "2#3") == [
        GatherFinished("g1", "c1", "2", "terminator"),
        ChannelDigit("c1", "3"),
    ]


# Bridges


def a_conversation(world: World) -> None:
    """Alice on c1 talks to agent u1 on a1, in b1."""
    a_caller(world)
    world.perform(
        dial("a1", agent_address("u1")),
        CreateBridge("b1"),
        AddToBridge("b1", "c1"),
        AddToBridge("b1", "a1"),
    )


def the_bridges(world: World) -> dict[str, str | None]:
    return {each.channel_id: each.bridge_id for each in world.carrier.channels()}


def test_two_in_a_bridge(world):
    a_conversation(world)
    assert the_bridges(world) == {"c1": "b1", "a1": "b1"}
    assert world.heard("c1") == ["joined agent:u1"]
    assert world.heard("a1") == [f"joined {ALICE}"]


def test_hold_and_resume(world):
    a_conversation(world)
    assert world.perform(RemoveFromBridge("b1", "c1"), StartMusic("c1", (MUSIC,))) == []
    assert the_bridges(world) == {"c1": None, "a1": "b1"}
    world.wait(30_000)
    assert world.perform(StopMusic("c1"), AddToBridge("b1", "c1")) == []
    assert the_bridges(world) == {"c1": "b1", "a1": "b1"}
    assert world.heard("c1") == ["joined agent:u1", "alone", "music hold.wav", "joined agent:u1"]
    assert world.heard("a1") == [f"joined {ALICE}", "alone", f"joined {ALICE}"]


def test_a_third_party_comes_and_goes(world):
    a_conversation(world)
    world.perform(dial("c3", BOB), AddToBridge("b1", "c3"))
    assert world.heard("c3") == [f"joined {ALICE}, agent:u1"]
    assert world.heard("c1")[-1] == f"joined agent:u1, {BOB}"
    world.hang_up("c3")
    assert world.heard("c1")[-1] == "joined agent:u1"


def test_consultation(world):
    a_conversation(world)
    world.perform(
        RemoveFromBridge("b1", "c1"),
        StartMusic("c1"),
        dial("a2", agent_address("u2")),
        CreateBridge("b2"),
        AddToBridge("b2", "a2"),
        AddToBridge("b2", "a1"),
    )
    assert the_bridges(world) == {"c1": None, "a1": "b2", "a2": "b2"}
    world.perform(StopMusic("c1"), AddToBridge("b2", "c1"), HangUp("a1"))
    assert the_bridges(world) == {"c1": "b2", "a2": "b2"}
    assert world.heard("c1")[-1] == "joined agent:u2"
    assert world.heard("a2")[-1] == f"joined {ALICE}"


def test_a_ringing_channel_is_heard_when_it_answers(world):
    a_caller(world)
    world.perform(AddToBridge("b1", "c1"), dial("c2", SLOW), AddToBridge("b1", "c2"))
    assert world.heard("c1") == []
    world.wait(3_000)
    assert world.heard("c1") == [f"joined {SLOW}"]


def test_a_hang_up_leaves_the_others_in_the_bridge(world):
    a_conversation(world)
    (gone,) = world.hang_up("c1")
    assert gone.channel_id == "c1"
    assert the_bridges(world) == {"a1": "b1"}
    assert world.heard("a1")[-1] == "alone"
    assert world.heard("c1") == ["joined agent:u1"]


def test_a_bridge_is_destroyed(world):
    a_conversation(world)
    assert world.perform(DestroyBridge("b1"), DestroyBridge("b1")) == []
    assert the_bridges(world) == {"c1": None, "a1": None}
    assert world.heard("c1") == ["joined agent:u1", "alone"]


def test_who_has_moved_on_is_not_of_the_bridge_any_more(world):
    a_conversation(world)
    world.perform(AddToBridge("b2", "c1"), DestroyBridge("b1"))
    assert the_bridges(world) == {"c1": "b2", "a1": None}


def test_who_is_muted_hears_and_is_not_heard(world):
    a_conversation(world)
    assert world.perform(Mute("c1")) == []
    assert world.heard("a1")[-1] == "alone"
    assert world.heard("c1") == ["joined agent:u1"]
    world.perform(RemoveFromBridge("b1", "c1"), AddToBridge("b1", "c1"))
    assert world.heard("a1")[-1] == "alone", "a hold does not unmute"
    world.perform(Unmute("c1"))
    assert world.heard("a1")[-1] == f"joined {ALICE}"


def test_who_listens_hears_and_is_not_heard_until_he_barges_in(world):
    a_conversation(world)
    world.perform(dial("s1", agent_address("boss")), AddToBridge("b1", "s1", "listen"))
    assert world.heard("s1") == [f"joined {ALICE}, agent:u1"]
    assert world.heard("c1") == ["joined agent:u1"]
    world.perform(AddToBridge("b1", "s1", "participant"))
    assert world.heard("c1")[-1] == "joined agent:u1, agent:boss"
    world.perform(AddToBridge("b1", "s1", "listen"))
    assert world.heard("c1")[-1] == "joined agent:u1"


def test_keys_are_pressed_towards_the_far_end_once(world):
    a_conversation(world)
    press = SendDigits("d1", "c1", "12,#")
    assert world.perform(press, press, SendDigits("d2", "c1", "3")) == []
    assert world.heard("c1")[-2:] == ["digits 12,#", "digits 3"]


def test_removal_from_another_bridge_is_nothing(world):
    a_conversation(world)
    world.perform(RemoveFromBridge("b2", "c1"))
    assert the_bridges(world) == {"c1": "b1", "a1": "b1"}


# Repeats


STORY: tuple[Command, ...] = (
    Answer("c1"),
    StartMusic("c1", (MUSIC,)),
    Play("p1", "c1", (WELCOME,)),
    Play("p2", "c1", (WELCOME,), loop=True),
    StopPlayback("p2"),
    Gather("g1", "c1", (MENU,), 1, 10_000),
    StopGather("g1"),
    Gather("g2", "c1", (MENU,), 1, 10_000),
    dial("a1", agent_address("u1")),
    dial("c3", SLOW),
    dial("c4", BUSY),
    CreateBridge("b1"),
    AddToBridge("b1", "c1"),
    AddToBridge("b1", "a1"),
    StopMusic("c1"),
    RemoveFromBridge("b1", "c1"),
    AddToBridge("b1", "c1", "listen"),
    AddToBridge("b1", "c1"),
    SendDigits("d1", "c1", "1"),
    Mute("c1"),
    Mute("a1"),
    Unmute("c1"),
    HangUp("c3"),
    Play("p9", "c3", (WELCOME,)),
    HangUp("a1"),
    DestroyBridge("b1"),
)


def test_every_command_may_be_repeated(world):
    world.call("c1")
    for command in STORY:
        world.perform(command)
        channels, due = world.carrier.channels(), world.carrier.next_due()
        assert world.perform(command, command) == [], command
        assert world.carrier.channels() == channels, command
        assert world.carrier.next_due() == due, command


@pytest.mark.parametrize("begin", range(len(STORY)))
def test_the_latest_run_of_commands_may_be_repeated(world, begin):
    world.call("c1")
    world.perform(*STORY)
    stands = [msgspec.structs.replace(each, memory=b"") for each in world.carrier.channels()]
    due = world.carrier.next_due()
    assert world.perform(*STORY[begin:]) == []
    again = [msgspec.structs.replace(each, memory=b"") for each in world.carrier.channels()]
    assert again == stands
    assert world.carrier.next_due() == due


# Restarts


def test_a_center_that_comes_back_finds_its_calls_or_hears_of_their_end(world):
    a_conversation(world)
    held = [msgspec.structs.replace(each, memory=b"") for each in world.carrier.channels()]
    world.hang_up("a1")
    gone = {e.channel_id for e in world.restart(held) if isinstance(e, ChannelHungUp)}
    known = {each.channel_id for each in world.carrier.channels()}
    assert known | gone == {"c1", "a1"}
    assert not known & gone


def test_a_call_goes_on_after_a_restart(world):
    a_conversation(world)
    held = [msgspec.structs.replace(each, memory=b"") for each in world.carrier.channels()]
    assert world.restart(held) == []
    assert the_bridges(world) == {"c1": "b1", "a1": "b1"}
    assert world.perform(AddToBridge("b1", "c1"), gather()) == []
    assert world.press("c1", "1#") == [GatherFinished("g1", "c1", "1", "terminator")]
    assert [each.channel_id for each in world.hang_up("c1")] == ["c1"]


def test_ringing_goes_on_after_a_restart(world):
    world.perform(dial("c1", SLOW), dial("c2", ABSENT))
    world.call("c3")
    held = [msgspec.structs.replace(each, memory=b"") for each in world.carrier.channels()]
    world.restart(held)
    assert world.perform(dial("c1", SLOW), dial("c2", ABSENT)) == []
    assert world.perform(Answer("c3")) == [ChannelAnswered("c3")]
    told = world.wait(60_000)
    assert told[0] == ChannelAnswered("c1")
    assert [(each.channel_id, each.by) for each in told[1:]] == [("c2", "timeout")]


# On paper


def test_commands_and_events_survive_messagepack(world):
    world.call("c1")
    world.perform(*STORY)
    world.hang_up("c1")
    commands, events = codec.decoder(tuple[Command, ...]), codec.decoder(list[Event])
    assert commands.decode(codec.encode(STORY)) == STORY
    assert events.decode(codec.encode(world.events)) == world.events
