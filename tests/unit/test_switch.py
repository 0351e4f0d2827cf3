"""The switch, beyond what every carrier promises (tests/contract/test_carrier.py)."""

import pytest

from contract.switch_world import (
    BROKEN,
    LONG,
    MEDIA_TIMEOUT_MS,
    QUALITY,
    World,
    direction_of,
    their_sdp,
)
from ringfloor.base.time import stopwatch
from ringfloor.gateway import calling, switchboard
from ringfloor.gateway.media.g711 import FRAME_MS
from ringfloor.gateway.media.plane import Digit, PlaybackOver
from ringfloor.gateway.phones import Behaviour
from ringfloor.gateway.signalling import (
    Accepted,
    Ended,
    Invited,
    Progresses,
    Registered,
    Reoffered,
    Rings,
    TransferAsked,
    Unregistered,
)
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    AttachWebRtc,
    Gather,
    HangUp,
    Media,
    Mute,
    Originate,
    PauseRecording,
    Play,
    Progress,
    Redirect,
    RemoveFromBridge,
    Ring,
    SendDigits,
    StartMusic,
    StartRecording,
    StopGather,
    StopMusic,
    StopPlayback,
    StopRecording,
    Unmute,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelDigit,
    ChannelEarlyMedia,
    ChannelHeld,
    ChannelHungUp,
    ChannelIncoming,
    ChannelRinging,
    ChannelTransferRequested,
    ChannelUnheld,
    EndpointRegistered,
    EndpointUnregistered,
    GatherFinished,
    PlaybackFinished,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
    WebRtcAnswered,
    WebRtcRefused,
)

ALICE, BOB, CENTER, SILENT = "+12065550101", "+12065550102", "+18005550100", "+12065550119"
AGENT = "agent:u1"
HELLO = Media("text", "Hello.")
UNSPOKEN = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=video 4000 RTP/AVP 96\r\n"


@pytest.fixture
def world() -> World:
    return World({SILENT: Behaviour("no-answer")})


def invited(sdp: str | None, channel_id: str = "c1") -> Invited:
    headers = (("X-Why", "test"),)
    return Invited(channel_id, ALICE, CENTER, headers, "carrier", sdp, "192.0.2.1")


def a_call(world: World, channel_id: str = "c1") -> None:
    """Alice has called and is answered."""
    world.call(channel_id)
    world.perform(Answer(channel_id))


def dial(channel_id: str, to: str) -> Originate:
    return Originate(channel_id, to, CENTER, 20_000, (("X-A", "b"),), "carrier")


def said(world: World, what: str) -> list[tuple]:
    return [each[1:] for each in world.network.said if each[0] == what]


# Who calls


def test_who_calls_is_told_with_trunk_and_headers(world):
    assert world.signals(invited(their_sdp())) == [
        ChannelIncoming("c1", ALICE, CENTER, (("X-Why", "test"),), "carrier")
    ]
    assert world.signals(invited(their_sdp())) == [], "it is the same call"


@pytest.mark.parametrize("sdp", [UNSPOKEN, "nonsense"])
def test_what_is_not_spoken_here_is_refused_and_nobody_hears_of_it(world, sdp):
    assert world.signals(invited(sdp)) == []
    assert said(world, "refuse") == [("c1", 488, 65)]
    assert world.carrier.channels() == []
    assert world.network.far["c1"].closed


def test_ringing_is_said_once(world):
    world.call("c1")
    assert world.perform(Ring("c1"), Ring("c1")) == []
    assert said(world, "ring") == [("c1",)]
    world.perform(Answer("c1"), Ring("c1"))
    assert said(world, "ring") == [("c1",)]


def test_before_the_answer_a_caller_hears_what_is_played_and_types_in_vain(world):
    world.call("c1")
    assert world.perform(Progress("c1"), Progress("c1"), Ring("c1")) == []
    assert [said(world, each) for each in ("progress", "ring")] == [[("c1",)], []]
    told = world.perform(Play("p1", "c1", (HELLO,)), Gather("g1", "c1", (HELLO,), 1, 5_000))
    assert told == [
        PlaybackFinished("p1", "c1", "eof"),
        GatherFinished("g1", "c1", "", "cancelled"),
    ]
    assert world.heard("c1") == ["text Hello."]
    assert world.perform(Answer("c1")) == [ChannelAnswered("c1")]


def test_a_gathering_that_cannot_begin_lets_the_playback_be(world):
    world.call("c1")
    world.perform(Progress("c1"), Play("p1", "c1", (HELLO,), loop=True))
    world.perform(Gather("g1", "c1", (), 1, 5_000))
    assert world.perform(Answer("c1")) == [ChannelAnswered("c1")]
    assert world.perform(StopPlayback("p1")) == [PlaybackFinished("p1", "c1", "stopped")]


def test_who_makes_no_offer_gets_ours_with_the_answer(world):
    world.signals(invited(None))
    world.perform(Progress("c1"))
    assert said(world, "progress") == [], "he could not hear it"
    assert said(world, "ring") == [("c1",)]
    assert world.perform(Answer("c1")) == [ChannelAnswered("c1")]
    assert world.signals(Accepted("c1", their_sdp())) == []
    assert world.network.far["c1"].remote.host == "192.0.2.1"


def test_no_line_is_free(world, monkeypatch):
    world.network.ports = 0
    assert world.call("c1") == []
    assert said(world, "refuse") == [("c1", 503, Q850.CONGESTION)]
    world.network.ports = 10
    monkeypatch.setattr(calling, "GATEWAY_CHANNELS_MAX", 1)
    a_call(world, "c2")
    for channel_id, to in (("c3", BOB), ("c4", AGENT)):
        (gone,) = world.perform(dial(channel_id, to))
        assert (gone.by, gone.q850, gone.sip_code) == ("remote", Q850.NO_CIRCUIT, 503)


# Whom we call


def test_what_is_dialled_goes_out_as_it_was_asked(world):
    world.perform(dial("c1", BOB))
    assert said(world, "invite") == [("c1", BOB, CENTER, (("X-A", "b"),), "carrier")]


def test_ringing_is_told_once(world):
    assert world.perform(dial("c1", SILENT)) == [ChannelRinging("c1")]
    assert world.signals(Rings("c1"), Rings("c1")) == []


def test_early_media_is_heard_in_the_bridge_and_told_once(world):
    a_call(world)
    world.perform(dial("c2", SILENT), AddToBridge("b", "c1"), AddToBridge("b", "c2"))
    assert world.signals(Progresses("c2", UNSPOKEN)) == [], "what it answers with may be better"
    world.network.far["c2"].speaks = True
    assert world.heard("c1") == []
    early = Progresses("c2", their_sdp("sendonly"))
    assert world.signals(early, early) == [ChannelEarlyMedia("c2")]
    assert world.heard("c1") == [f"joined {SILENT}"]
    assert world.signals(Accepted("c2", their_sdp())) == [ChannelAnswered("c2")]
    assert world.signals(Progresses("c2", their_sdp()), Progresses("c1", their_sdp())) == []
    assert world.heard("c2") == [f"joined {ALICE}"]


def test_the_answer_may_be_that_of_before(world):
    world.perform(dial("c1", SILENT))
    world.signals(Progresses("c1", their_sdp()))
    assert world.signals(Accepted("c1", None)) == [ChannelAnswered("c1")]


@pytest.mark.parametrize("sdp", [None, UNSPOKEN])
def test_an_answer_that_cannot_be_spoken_ends_the_call(world, sdp):
    world.perform(dial("c1", SILENT))
    (gone,) = world.signals(Accepted("c1", sdp))
    assert (gone.by, gone.q850, gone.sip_code) == ("remote", 65, 488)
    assert said(world, "hang up") == [("c1", 65)]


def test_who_only_speaks_from_the_beginning_does_not_hold_us(world):
    world.perform(dial("c1", SILENT))
    early = [Progresses("c1", their_sdp(each)) for each in ("sendrecv", "inactive", "sendrecv")]
    assert world.signals(*early) == [ChannelEarlyMedia("c1")], "it was not up"
    world.perform(dial("c2", SILENT))
    assert world.signals(Accepted("c2", their_sdp("sendonly"))) == [ChannelAnswered("c2")]
    assert world.signals(Reoffered("c2", their_sdp("inactive"))) == []
    assert world.signals(Reoffered("c2", their_sdp())) == []


def test_an_answer_to_our_new_offer_that_cannot_be_spoken_ends_the_call(world):
    a_call(world)
    (gone,) = world.signals(Reoffered("c1", None), Accepted("c1", UNSPOKEN))
    assert (gone.by, gone.q850, gone.sip_code) == ("remote", 65, None)


def test_once_it_was_up_a_call_has_no_final_status(world):
    a_call(world)
    (gone,) = world.signals(Ended("c1", "timeout", 102, 408, "session timer"))
    assert (gone.by, gone.q850, gone.sip_code) == ("timeout", 102, None)


def test_ringing_too_long_is_cancelled_and_said(world):
    world.perform(dial("c1", SILENT))
    (gone,) = world.wait(20_000)
    assert (gone.by, gone.q850, gone.sip_code, gone.quality) == ("timeout", 19, 487, None)
    assert said(world, "hang up") == [("c1", Q850.NO_ANSWER)]


def test_rejection_cancel_and_bye_are_said(world):
    for channel_id in ("c1", "c2"):
        world.call(channel_id)
    world.perform(Answer("c2"), dial("c3", SILENT))
    world.perform(*(HangUp(each, Q850.USER_BUSY) for each in ("c1", "c2", "c3")))
    assert said(world, "refuse") == [("c1", 486, 17)]
    assert said(world, "hang up") == [("c2", 17), ("c3", 17)]


def test_after_the_end_nothing_is_told_whatever_signalling_says(world):
    a_call(world)
    (gone,) = world.perform(HangUp("c1"))
    assert gone.quality == QUALITY
    late = Ended("c1", "remote", 16, None, "BYE")
    assert world.signals(late, Rings("c1"), Accepted("c1", None), TransferAsked("c1", "x")) == []


# While it is up


def test_a_far_end_holds_and_comes_back(world):
    a_call(world)
    held, back = Reoffered("c1", their_sdp("sendonly")), Reoffered("c1", their_sdp())
    assert world.signals(back) == [], "a refreshment is no news"
    assert world.signals(held, held) == [ChannelHeld("c1")]
    assert world.signals(Reoffered("c1", their_sdp("inactive"))) == []
    assert world.signals(back) == [ChannelUnheld("c1")]
    told = [direction for _, direction in said(world, "reanswer")]
    assert told == ["sendrecv", "recvonly", "recvonly", "inactive", "sendrecv"]


def test_our_sdp_has_a_new_version_each_time(world):
    a_call(world)
    offers = []
    world.network.reanswer = lambda _leg, sdp: offers.append(sdp)
    world.signals(Reoffered("c1", their_sdp()), Reoffered("c1", None), Reoffered("c1", their_sdp()))
    origins = [line.split() for sdp in offers for line in sdp.splitlines() if line[:2] == "o="]
    versions = [int(each[2]) for each in origins]
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]
    assert len({each[1] for each in origins}) == 1
    assert direction_of(offers[1]) == "sendrecv"


def test_a_new_offer_that_is_not_spoken_changes_nothing(world):
    a_call(world)
    before = world.network.far["c1"].remote
    assert world.signals(Reoffered("c1", UNSPOKEN)) == []
    assert said(world, "refuse offer") == [("c1",)]
    assert world.network.far["c1"].remote == before
    world.call("c2")
    world.signals(Reoffered("c2", their_sdp()))
    assert said(world, "refuse offer") == [("c1",), ("c2",)]


def silent_for(world: World, channel_id: str, milliseconds: int) -> list:
    """The plane runs on, and of this far end nothing comes."""
    world.network.far[channel_id].idle = milliseconds
    world.ticks += milliseconds // FRAME_MS
    return world.events_of(world.settle)


def test_a_far_end_that_falls_silent_is_hung_up(world):
    a_call(world)
    assert silent_for(world, "c1", MEDIA_TIMEOUT_MS - 1_000) == []
    (gone,) = silent_for(world, "c1", MEDIA_TIMEOUT_MS)
    assert (gone.by, gone.q850) == ("media_timeout", Q850.TEMPORARY_FAILURE)
    assert said(world, "hang up") == [("c1", Q850.TEMPORARY_FAILURE)]


def test_before_the_answer_nobody_need_be_heard(world):
    world.call("c1")
    world.perform(Progress("c1"))
    assert silent_for(world, "c1", MEDIA_TIMEOUT_MS) == []
    assert world.perform(Answer("c1")) == [ChannelAnswered("c1")]
    (gone,) = silent_for(world, "c1", MEDIA_TIMEOUT_MS)
    assert gone.by == "media_timeout"


def test_a_transfer_that_is_asked_for_is_told(world):
    a_call(world)
    asked = TransferAsked("c1", "sip:boss@example.net")
    assert world.signals(asked) == [ChannelTransferRequested("c1", "sip:boss@example.net")]


@pytest.mark.parametrize(("refer", "sent"), [(True, [("c1", BOB), ("c2", BOB)]), (False, [])])
def test_far_ends_are_sent_elsewhere_only_where_that_is_allowed(refer, sent):
    world = World({SILENT: Behaviour("no-answer")}, refer=refer)
    a_call(world, "c1")
    world.call("c2")
    world.perform(dial("c3", SILENT), dial("c4", AGENT))
    told = world.perform(*(Redirect(each, BOB) for each in ("c1", "c2", "c3", "c4")))
    assert said(world, "redirect") == sent
    assert [(each.channel_id, each.by) for each in told] == [(each, "local") for each, _ in sent]
    assert said(world, "hang up") == []


def test_desk_phones_that_come_and_go_are_told(world):
    told = world.signals(Registered(BOB), Unregistered(BOB))
    assert told == [EndpointRegistered(BOB), EndpointUnregistered(BOB)]


def test_who_whispers_is_heard_by_one(world):
    for channel_id in ("c1", "c2", "c3"):
        world.call(channel_id, f"+1206555{channel_id[1]}")
        world.perform(Answer(channel_id), AddToBridge("b", channel_id))
    world.perform(AddToBridge("b", "c3", "whisper", "c2"))
    assert world.heard("c1")[-1] == "joined +12065552"
    assert world.heard("c2")[-1] == "joined +12065551, +12065553"


def test_keys_are_pressed_only_once_it_is_up(world):
    world.call("c1")
    world.perform(SendDigits("d1", "c1", "1"))
    assert world.heard("c1") == []
    world.perform(Answer("c1"), SendDigits("d1", "c1", "1"))
    assert world.heard("c1") == ["digits 1"]


def test_a_key_in_a_bridge_is_pressed_towards_all_who_talk_there(world):
    roles = {"c1": "participant", "c2": "participant", "c3": "participant", "c4": "listen"}
    for channel_id, role in roles.items():
        world.call(channel_id, f"+1206555{channel_id[1]}")
        world.perform(Answer(channel_id), AddToBridge("b", channel_id, role))

    def who_hears(channel_id: str, key: str) -> set[str]:
        assert world.press(channel_id, key) == [ChannelDigit(channel_id, key)]
        return {each for each in roles if f"digits {key}" in world.heard(each)}

    assert who_hears("c1", "1") == {"c2", "c3"}
    assert who_hears("c4", "2") == set()
    world.perform(Mute("c1"))
    assert who_hears("c1", "3") == set()
    world.perform(Unmute("c1"), RemoveFromBridge("b", "c2"))
    assert who_hears("c1", "4") == {"c3"}


# Browsers


@pytest.fixture
def ringing() -> World:
    """u1 rings at a1, and no page is open."""
    world = World({})
    world.network.pages_open = False
    assert world.perform(dial("a1", AGENT)) == [ChannelRinging("a1")]
    return world


def test_an_agents_channel_is_up_when_his_browser_is_heard(ringing):
    offer = AttachWebRtc("a1", "o1", "offer")
    assert ringing.perform(offer) == [WebRtcAnswered("a1", "o1", "answer to offer")]
    assert ringing.perform(offer) == []
    ringing.network.far["a1"].speaks = True
    assert ringing.perform() == []
    assert ringing.events_of(ringing.settle) == [ChannelAnswered("a1")]
    assert said(ringing, "attach") == [("a1", "offer")]


def test_nobody_opens_his_page(ringing):
    (gone,) = ringing.wait(20_000)
    assert (gone.by, gone.q850) == ("timeout", Q850.NO_ANSWER)
    assert said(ringing, "release") == [("a1",)]
    assert said(ringing, "hang up") == [], "SIP knows nothing of it"


def test_a_page_that_is_loaded_again_takes_the_place_of_the_first(ringing):
    ringing.network.pages_open = True
    ringing.perform(AttachWebRtc("a1", "o1", "first"))
    told = ringing.perform(AttachWebRtc("a1", "o2", "second"))
    assert told == [WebRtcAnswered("a1", "o2", "answer to second")]
    assert [each.state for each in ringing.carrier.channels()] == ["up"]


def test_of_two_offers_under_way_the_later_is_taken(ringing):
    ringing.hurry = False
    ringing.perform(AttachWebRtc("a1", "o1", "first"), AttachWebRtc("a1", "o2", "second"))
    ringing.run_tasks()
    refused, answered = ringing.events_of(ringing.settle)
    assert (type(refused), refused.offer_id) == (WebRtcRefused, "o1")
    assert (type(answered), answered.offer_id) == (WebRtcAnswered, "o2")


def test_a_browser_that_is_let_in_too_late_is_let_go(ringing):
    ringing.hurry = False
    ringing.perform(AttachWebRtc("a1", "o1", "offer"), HangUp("a1"))
    ringing.network.said.clear()
    ringing.run_tasks()
    assert ringing.events_of(ringing.settle) == []
    assert said(ringing, "release") == [("a1",)]


def test_offers_that_cannot_be_taken_are_refused(ringing):
    a_call(ringing, "c1")
    for channel_id, offer, why in (
        ("a1", "video only", "no sound in it"),
        ("c1", "offer", "the channel is no agent's softphone"),
    ):
        command = AttachWebRtc(channel_id, f"o {channel_id}", offer)
        assert ringing.perform(command, command) == [
            WebRtcRefused(channel_id, f"o {channel_id}", why)
        ]
    refused, gone = ringing.perform(AttachWebRtc("x", "o", "offer"))
    assert isinstance(refused, WebRtcRefused)
    assert isinstance(gone, ChannelHungUp)
    assert ringing.perform(AttachWebRtc("x", "o", "offer")) == []


def test_an_edge_that_fails_unexpectedly_refuses_the_offer(ringing):
    async def broken(*_):
        raise KeyError("bug")

    ringing.network.attach = broken
    ringing.hurry = False
    ringing.perform(AttachWebRtc("a1", "o1", "offer"))
    with pytest.raises(KeyError):
        ringing.run_tasks()
    (refused,) = ringing.events_of(ringing.settle)
    assert isinstance(refused, WebRtcRefused)


def test_a_page_that_is_closed_ends_the_call_but_not_the_ringing(ringing):
    ringing.carrier.lost("a1", ringing.now)
    assert ringing.events_of(ringing.settle) == []
    ringing.network.pages_open = True
    ringing.perform(AttachWebRtc("a1", "o1", "offer"))
    ringing.carrier.lost("a1", ringing.now)
    ringing.carrier.lost("gone", ringing.now)
    (gone,) = ringing.events_of(ringing.settle)
    assert gone.by == "media_timeout"


# What takes time


@pytest.fixture
def slow(world) -> World:
    """Alice is up, and sounds are only found when the test says so."""
    a_call(world)
    world.hurry = False
    return world


def test_a_playback_waits_for_its_sound(slow):
    assert slow.perform(Play("p1", "c1", (HELLO,))) == []
    assert slow.heard("c1") == []
    slow.run_tasks()
    assert slow.events_of(slow.settle) == [PlaybackFinished("p1", "c1", "eof")]
    assert slow.heard("c1") == ["text Hello."]


def test_what_is_stopped_before_its_sound_is_found_is_never_heard(slow):
    slow.perform(Play("p1", "c1", (HELLO,)))
    assert slow.perform(StopPlayback("p1")) == [PlaybackFinished("p1", "c1", "stopped")]
    slow.perform(Gather("g1", "c1", (HELLO,), 1, 5_000))
    assert slow.perform(StopGather("g1")) == [GatherFinished("g1", "c1", "", "cancelled")]
    slow.run_tasks()
    assert slow.events_of(slow.settle) == []
    assert slow.heard("c1") == []


def test_the_sound_of_the_playback_before_does_not_come_into_the_next(slow):
    other = Media("text", "Other.")
    slow.perform(Play("p1", "c1", (HELLO,)), Play("p2", "c1", (other,)))
    slow.run_tasks()
    slow.settle()
    assert slow.heard("c1") == ["text Other."]


def test_a_key_comes_before_the_prompt_of_its_menu(slow):
    slow.perform(Gather("g1", "c1", (HELLO,), 2, 5_000))
    assert slow.press("c1", "1") == []
    slow.run_tasks()
    slow.settle()
    assert slow.heard("c1") == []
    assert slow.wait(5_000) == [GatherFinished("g1", "c1", "1", "inter_digit_timeout")]


def test_the_first_key_is_awaited_from_the_end_of_the_prompt(slow):
    slow.perform(Gather("g1", "c1", (HELLO,), 2, 5_000))
    assert slow.wait(60_000) == []
    slow.run_tasks()
    slow.settle()
    assert slow.wait(4_999) == []
    assert slow.wait(1) == [GatherFinished("g1", "c1", "", "first_digit_timeout")]


def test_a_sound_that_cannot_be_had_fails_a_playback_and_is_left_out_of_a_menu(world):
    a_call(world)
    assert world.perform(Play("p1", "c1", (HELLO, BROKEN))) == [
        PlaybackFinished("p1", "c1", "failed")
    ]
    assert world.perform(Gather("g1", "c1", (BROKEN,), 1, 5_000)) == []
    assert world.press("c1", "1") == [GatherFinished("g1", "c1", "1", "max_digits")]
    assert world.heard("c1") == []


def test_the_last_music_is_heard_whatever_is_found_first(slow):
    first, second = Media("text", "one"), Media("text", "two")
    slow.perform(StartMusic("c1", (first,)), StopMusic("c1"), StartMusic("c1", (second,)))
    slow.run_tasks()
    slow.settle()
    assert slow.heard("c1") == ["text two"]


def test_music_that_is_stopped_before_it_is_found_is_never_heard(slow):
    slow.perform(StartMusic("c1", (HELLO,)), StopMusic("c1"))
    slow.run_tasks()
    slow.settle()
    assert slow.heard("c1") == []


def test_what_is_stopped_is_heard_no_longer(world):
    a_call(world)
    far = world.network.far["c1"]
    world.perform(Play("p1", "c1", (HELLO,), loop=True))
    assert far.hears == ("text Hello.",)
    world.perform(StopPlayback("p1"))
    assert far.hears == ()
    world.perform(Gather("g1", "c1", (LONG,), 2, 5_000))
    assert far.hears == ("text long",)
    world.press("c1", "1")
    assert far.hears == (), "barge-in"


def test_an_end_that_comes_too_late_ends_nothing_else(world):
    a_call(world)
    world.perform(Play("p1", "c1", (LONG,)), Play("p2", "c1", (LONG,)))
    world.carrier.sound(PlaybackOver("c1", "playback p1", "eof"), world.now)
    assert world.events_of(world.settle) == []
    world.perform(Gather("g1", "c1", (LONG,), 2, 9_000))
    for told in (Digit("c1", "1", 100), PlaybackOver("c1", "gather g1", "eof")):
        world.carrier.sound(told, world.now)  # within one tick
    assert world.wait(5_000) == [GatherFinished("g1", "c1", "1", "inter_digit_timeout")]


def test_music_that_cannot_be_had_is_our_own(world):
    a_call(world)
    world.perform(StartMusic("c1", (BROKEN,)))
    assert world.heard("c1") == ["music"]


def test_nothing_to_play(world):
    a_call(world)
    assert world.perform(Play("p1", "c1", ())) == [PlaybackFinished("p1", "c1", "eof")]
    assert world.perform(Play("p2", "c1", (), loop=True)) == []
    assert world.perform(StopPlayback("p2")) == [PlaybackFinished("p2", "c1", "stopped")]


def test_a_call_that_ends_meanwhile_is_not_missed(slow):
    slow.perform(Play("p1", "c1", (HELLO,)), StartMusic("c1", (HELLO,)))
    finished, gone = slow.hang_up("c1")
    assert finished == PlaybackFinished("p1", "c1", "stopped")
    assert isinstance(gone, ChannelHungUp)
    slow.run_tasks()
    assert slow.events_of(slow.settle) == []


# Recordings


@pytest.fixture
def recorded(tmp_path) -> World:
    world = World({}, spool=tmp_path)
    a_call(world)
    world.perform(AddToBridge("b", "c1"))
    yield world
    world.plane.close()


def until(world: World, kind: type):
    """The plane runs until something is told; its recorder has a thread of its own."""
    passed, before = stopwatch(), len(world.events)
    while passed() < 10:
        world.tick()
        found = [each for each in world.events[before:] if isinstance(each, kind)]
        if found:
            return found[0]
    raise AssertionError(f"no {kind.__name__}: {world.events}")


def start(name: str = "connect/a b.wav") -> StartRecording:
    return StartRecording("r1", "b", "c1", name)


def test_a_recording_is_there_when_it_is_told(recorded, tmp_path):
    recorded.perform(start(), start())
    begun = [each for each in recorded.events if isinstance(each, RecordingStarted)]
    assert len(begun or [until(recorded, RecordingStarted)]) == 1
    recorded.tick(50)
    recorded.carrier.perform(StopRecording("r1"), recorded.now)
    over = until(recorded, RecordingFinished)
    assert over.name == "connect/a b.wav"
    assert over.duration_ms >= 1_000
    assert (tmp_path / "connect%2Fa%20b.wav").stat().st_size > 4 * 8_000
    told = len(recorded.events)
    another = StartRecording("r2", "b", "c1", "another.wav")
    recorded.perform(start(), PauseRecording("r1"), StopRecording("r1"), another)
    if not any(isinstance(each, RecordingStarted) for each in recorded.events[told:]):
        until(recorded, RecordingStarted)
    assert {each.recording_id for each in recorded.events[told:]} == {"r2"}
    assert list(recorded.carrier._patching._recordings) == ["r2"]


def test_a_recording_that_cannot_be_written_is_told(recorded, tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    recorded.carrier.perform(start("x" * 300), recorded.now)
    failed = until(recorded, RecordingFailed)
    assert failed.recording_id == "r1"
    assert failed.reason


def test_a_recording_of_the_gateway_before_has_failed(recorded):
    (failed,) = recorded.perform(StopRecording("r0"), StopRecording("r0"))
    assert (type(failed), failed.recording_id) == (RecordingFailed, "r0")


# Restarts of the center, and bounds


def test_a_center_that_comes_back_is_told_how_its_calls_stand(world):
    world.call("c1")
    believed = world.carrier.channels()
    world.perform(Answer("c1"))
    a_call(world, "c2")
    (gone,) = world.hang_up("c2")
    ghosts = [
        Channel(channel_id=each, direction="inbound", address=ALICE, state="up")
        for each in ("c2", "c3")
    ]
    answered, again, unknown = world.restart([*believed, *ghosts])
    assert answered == ChannelAnswered("c1")
    assert again == gone, "as it ended"
    assert (unknown.channel_id, unknown.q850) == ("c3", Q850.TEMPORARY_FAILURE)
    assert world.perform(HangUp("c3"), HangUp("c2")) == []


def test_whatever_waits_asks_to_be_fetched(world):
    before = world.woken
    world.carrier.signal(invited(their_sdp()), world.now)
    assert world.woken > before
    assert world.carrier.next_due() <= world.now
    world.settle()
    before = world.woken
    world.carrier.perform(Answer("c1"), world.now)
    assert world.woken > before
    assert world.carrier.next_due() <= world.now


def test_what_is_remembered_of_ended_channels_is_bounded(world, monkeypatch):
    monkeypatch.setattr(switchboard, "CHANNELS_ENDED_MAX", 3)
    for number in range(10):
        world.perform(HangUp(f"x{number}"))
    assert len(world.carrier._board._ended) == 3
    assert world.perform(HangUp("x9")) == []
