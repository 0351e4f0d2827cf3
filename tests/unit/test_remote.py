"""A carrier in another process: what the center hears when either side dies, or the link does."""

import logging

import pytest
from msgspec.structs import replace

from contract.linked_world import KEY, LinkedWorld, Wire
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    GATEWAY_AWAY_MS,
    GATEWAY_DIAL_MS,
    GATEWAY_GRACE_MS,
    LINK_BEAT_MS,
    LINK_ITEM_BYTES_MAX,
    LINK_SILENT_MS,
    LINK_VISITORS_MAX,
)
from ringfloor.gateway import link
from ringfloor.gateway.link import LinkBroken
from ringfloor.gateway.remote import Remote
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    AttachWebRtc,
    Gather,
    HangUp,
    Media,
    Originate,
    Play,
    StartRecording,
    StopGather,
    StopRecording,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelIncoming,
    ChannelRinging,
    ChannelUnheld,
    EndpointRegistered,
    EndpointUnregistered,
    GatherFinished,
    PlaybackFinished,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
    WebRtcRefused,
)

CENTER, ALICE, BOB = "+18005550100", "+12065550101", "+12065550102"
SLOW, ABSENT, BUSY = "+12065550103", "+12065550119", "+12065550117"
MENU = Media("prompt", "menu.wav")


@pytest.fixture
def world():
    return LinkedWorld()


def dial(channel_id="c1", to=BOB):
    return Originate(channel_id, to, CENTER, 20_000)


def gather(gather_id="g1", channel_id="c1"):
    return Gather(gather_id, channel_id, (MENU,), 4, 10_000)


def loop(playback_id="p1", channel_id="c1"):
    return Play(playback_id, channel_id, (MENU,), loop=True)


def a_call(world, channel_id="c1"):
    world.call(channel_id)
    world.perform(Answer(channel_id))


def the_ends(events):
    return [
        (each.channel_id, each.by, each.q850) for each in events if isinstance(each, ChannelHungUp)
    ]


def held(*channel_ids, direction="inbound", state="up"):
    """What a center holds."""
    return [
        Channel(channel_id=each, direction=direction, address=ALICE, state=state)
        for each in channel_ids
    ]


# The link breaks, and both live


@pytest.mark.parametrize("bytes_that_come", [0, 1, 5, 20, 10_000])
def test_a_connection_that_breaks_in_the_middle_of_a_frame_is_not_noticed(world, bytes_that_come):
    a_call(world)
    world.carrier.perform(gather(), world.now)
    world.phones.press("c1", "12", world.now)
    world.wire.carry(world.now, bytes_that_come or None)
    if bytes_that_come == 0:
        world.wire.drop(world.now)
    world.disconnect()
    assert world.told() == []
    world.reconnect()
    world.told()
    assert world.press("c1", "3#")[-1:] == [GatherFinished("g1", "c1", "123", "terminator")]
    assert world.events.count(world.events[-1]) == 1


def test_what_happens_while_the_link_is_broken_is_told_once_it_is_mended(world):
    a_call(world, "c1")
    a_call(world, "c2")
    world.disconnect()
    world.carrier.perform(HangUp("c2"), world.now)
    assert world.hang_up("c1") == []
    world.reconnect()
    assert the_ends(world.told()) == [("c1", "remote", 16), ("c2", "local", 16)]
    assert world.carrier.channels() == []


def test_a_batch_that_comes_twice_is_performed_once(world):
    a_call(world)
    world.carrier.perform(gather(), world.now)
    (batch,) = world.wire.up
    world.wire.up.append(batch)
    assert world.told() == []
    assert world.press("c1", "1#") == [GatherFinished("g1", "c1", "1", "terminator")]


def test_a_server_that_lags_behind_compares_and_misses_nothing(world, monkeypatch):
    monkeypatch.setattr(link, "LINK_QUEUE_MAX", 3)
    for name in ("c1", "c2", "c3"):
        a_call(world, name)
    world.perform(gather("g1", "c1"), loop("p2", "c2"), dial("c4", SLOW))
    world.disconnect()
    world.press("c1", "12#")
    world.wait(3_000)
    world.hang_up("c2")
    world.hang_up("c3")
    world.reconnect()
    told = world.told()
    assert sorted(the_ends(told)) == [("c2", "remote", 16), ("c3", "remote", 16)]
    assert PlaybackFinished("p2", "c2", "stopped") in told
    assert GatherFinished("g1", "c1", "12", "terminator") in told
    assert ChannelAnswered("c4") in told
    assert [each.channel_id for each in world.carrier.channels()] == ["c1", "c4"]


def test_a_call_that_was_refused_while_the_link_lagged_is_told_so_and_not_dialled_again(world):
    world.carrier.perform(dial("c1", BUSY), world.now)
    world.wire.carry(world.now)
    world.host._session = None  # it has lagged behind
    world.reconnect()
    assert the_ends(world.told()) == [("c1", "remote", Q850.USER_BUSY)]
    assert world.carrier.channels() == []


def test_what_comes_too_late_for_a_call_is_answered_by_its_end(world):
    a_call(world)
    world.phones.hang_up("c1", world.now)
    assert world.perform(loop(), gather()) == [
        ChannelHungUp("c1", "remote", 16, None, "the far end hung up")
    ]


def test_what_has_finished_is_not_finished_once_more_by_the_hang_up(world):
    a_call(world)
    play = Play("p1", "c1", (MENU,))
    assert world.perform(play) == [PlaybackFinished("p1", "c1", "eof")]
    assert world.perform(play) == []
    world.kill_gateway()
    world.reconnect()
    assert [each[0] for each in the_ends(world.told())] == ["c1"]
    assert len(world.events) == 4


# The gateway dies


def test_calls_of_a_gateway_that_has_died_are_told_as_gone_with_what_they_heard(world):
    for name in ("c1", "c2", "c3"):
        a_call(world, name)
    world.perform(gather("g1", "c1"), loop("p2", "c2"), AddToBridge("b1", "c3"))
    world.kill_gateway()
    assert world.told() == [], "it may come back"
    world.reconnect()
    told = world.told()
    assert told[:2] == [
        GatherFinished("g1", "c1", "", "cancelled"),
        ChannelHungUp(
            "c1", "remote", Q850.TEMPORARY_FAILURE, 503, "the gateway does not have it any more"
        ),
    ]
    assert told[2] == PlaybackFinished("p2", "c2", "stopped")
    assert [each[0] for each in the_ends(told)] == ["c1", "c2", "c3"]
    assert world.carrier.channels() == []
    assert world.perform(HangUp("c1"), gather("g2", "c1"), dial("c1")) == []


def test_a_call_that_was_to_be_dialled_survives_a_restart_of_the_gateway(world):
    world.kill_gateway()
    assert world.perform(dial(), AddToBridge("b1", "c1")) == []
    assert world.wait(2_000) == []
    world.reconnect()
    assert world.told() == [ChannelRinging("c1"), ChannelAnswered("c1")]
    (channel,) = world.phones.channels()
    assert (channel.channel_id, channel.bridge_id) == ("c1", "b1")


def test_a_call_that_no_gateway_dials_fails_in_time(world):
    world.kill_gateway()
    assert world.perform(dial("c1"), dial("c2", SLOW)) == []
    assert world.wait(GATEWAY_DIAL_MS - 1) == []
    assert world.wait(1) == [
        ChannelHungUp(
            name, "remote", Q850.NETWORK_OUT_OF_ORDER, 503, "the gateway cannot be reached"
        )
        for name in ("c1", "c2")
    ]
    world.reconnect()
    assert world.told() == []
    assert world.phones.channels() == [], "it was dialled all the same"


def test_a_call_that_may_have_been_dialled_is_hung_up_when_it_has_failed(world):
    world.carrier.perform(dial("c1", ABSENT), world.now)
    world.wire.carry(world.now)
    world.disconnect()
    assert the_ends(world.wait(GATEWAY_DIAL_MS)) == [("c1", "remote", Q850.NETWORK_OUT_OF_ORDER)]
    assert [each.channel_id for each in world.phones.channels()] == ["c1"]
    world.reconnect()
    assert world.told() == []
    assert world.phones.channels() == []


def test_a_call_that_has_failed_is_not_dialled_by_the_next_gateway(world):
    world.carrier.perform(dial("c1"), world.now)  # on its way when the gateway died
    world.kill_gateway()
    assert the_ends(world.wait(GATEWAY_DIAL_MS)) == [("c1", "remote", Q850.NETWORK_OUT_OF_ORDER)]
    world.reconnect()
    assert world.told() == []
    with pytest.raises(Refusal):
        world.phones.heard("c1")


def test_calls_are_given_up_when_the_gateway_does_so_and_hung_up_if_it_did_not(world):
    a_call(world)
    world.disconnect()
    world.host.run_due = lambda _now: None  # a gateway that hangs
    world.host.next_due = lambda: world.now + 1
    assert world.wait(GATEWAY_AWAY_MS - LINK_BEAT_MS) == []
    assert the_ends(world.wait(2 * LINK_BEAT_MS)) == [("c1", "remote", Q850.TEMPORARY_FAILURE)]
    del world.host.run_due, world.host.next_due
    world.reconnect()
    assert world.told() == []
    assert world.phones.channels() == []


def test_a_recording_is_told_as_failed_when_its_gateway_dies(world):
    a_call(world)
    started = world.perform(AddToBridge("b1", "c1"), StartRecording("r1", "b1", "c1", "r1.wav"))
    assert started == [RecordingStarted("r1")]
    world.kill_gateway()
    world.reconnect()
    assert RecordingFailed("r1", "the gateway does not have it any more") in world.told()
    assert world.perform(StopRecording("r1")) == []


def test_phones_that_a_gateway_no_longer_has_are_told_as_unregistered(world):
    world.host.hear(EndpointRegistered("+1555"), world.now)
    assert world.told() == [EndpointRegistered("+1555")]
    world.kill_gateway()
    world.host.hear(EndpointRegistered("+1666"), world.now)
    world.reconnect()
    assert world.told() == [EndpointUnregistered("+1555"), EndpointRegistered("+1666")]


# The server dies


def test_a_call_that_ended_while_the_server_was_away_is_told_with_its_true_cause(world):
    for name in ("c1", "c2"):
        a_call(world, name)
    world.disconnect()
    world.phones.hang_up("c1", world.now)
    world.host.run_due(world.now)
    assert world.restart(held("c1", "c2", "c3")) == [
        ChannelHungUp("c1", "remote", 16, None, "the far end hung up"),
        ChannelHungUp(
            "c3", "remote", Q850.TEMPORARY_FAILURE, 503, "the gateway does not have it any more"
        ),
    ]
    assert [each.channel_id for each in world.carrier.channels()] == ["c2"]


def test_a_call_that_was_answered_while_the_server_was_away_is_told_as_answered(world):
    world.perform(dial("c1", SLOW))
    world.disconnect()
    world.wait(3_000)
    assert world.restart(held("c1", direction="outbound", state="ringing")) == [
        ChannelAnswered("c1")
    ]
    assert world.perform(dial("c1", SLOW)) == []


def test_who_has_answered_is_not_dialled_again_by_the_next_gateway(world):
    """The center repeats what it has not heard the outcome of, and then the gateway dies."""
    world.perform(dial("c1", SLOW))
    world.wait(3_000)
    world.start_server()
    world.carrier.adopt(held("c1", direction="outbound", state="ringing"), world.now)
    world.disconnect()
    world.carrier.perform(dial("c1", SLOW), world.now)
    world.kill_gateway()
    world.reconnect()
    answered, gone = world.told()
    assert (answered, gone.channel_id) == (ChannelAnswered("c1"), "c1")
    assert (gone.by, gone.q850) == ("remote", Q850.TEMPORARY_FAILURE)
    assert world.phones.channels() == []


def test_a_call_whose_answer_was_on_its_way_is_answered(world):
    world.call("c1")
    assert world.restart(held("c1")) == [ChannelAnswered("c1")]
    assert [each.state for each in world.phones.channels()] == ["up"]
    assert [each.state for each in world.carrier.channels()] == ["up"]


def test_who_calls_while_the_server_is_away_is_announced_and_not_hung_up_before(world):
    world.call("c1")  # announced to a server that did not live to keep it
    world.disconnect()
    world.phones.call(ALICE, CENTER, "c2", world.now)
    world.host.run_due(world.now)
    world.kill_server()
    world.carrier.adopt([], world.now)
    assert world.carrier.channels() == []
    assert world.told() == [ChannelIncoming(name, ALICE, CENTER) for name in ("c1", "c2")]
    assert [each.channel_id for each in world.carrier.channels()] == ["c1", "c2"]
    assert world.perform(Answer("c2")) == [ChannelAnswered("c2")]


def test_what_a_center_does_not_know_is_there_to_be_hung_up(world):
    a_call(world)
    world.kill_server()
    world.carrier.adopt([], world.now)
    assert [each.channel_id for each in world.carrier.channels()] == ["c1"]
    assert the_ends(world.perform(HangUp("c1"))) == [("c1", "local", 16)]


def test_what_was_over_before_is_answered_once_when_it_is_asked_for_again(world):
    for name in ("c1", "c2"):
        a_call(world, name)
    world.perform(gather(), Play("p2", "c2", (MENU,)))
    world.disconnect()
    world.phones.press("c1", "12#", world.now)
    world.host.run_due(world.now)
    assert world.restart(held("c1", "c2")) == []
    assert world.perform(gather(), Play("p2", "c2", (MENU,))) == [
        GatherFinished("g1", "c1", "12", "terminator"),
        PlaybackFinished("p2", "c2", "eof"),
    ]
    assert world.perform(gather(), Play("p2", "c2", (MENU,))) == []
    assert world.perform(gather("g2"), StopGather("g2")) == [
        GatherFinished("g2", "c1", "", "cancelled")
    ]


def test_a_call_that_no_gateway_has_heard_of_is_dialled_or_gone(world):
    missing = held("c1", "c2", direction="outbound", state="ringing")
    world.kill_server()
    world.carrier.adopt(missing, world.now)
    assert [each.channel_id for each in world.carrier.channels()] == ["c1", "c2"]
    told = world.perform(dial("c2"))
    assert the_ends(told) == [("c1", "remote", Q850.TEMPORARY_FAILURE)]
    assert told[1:] == [ChannelRinging("c2"), ChannelAnswered("c2")]


def test_a_gateway_that_comes_late_dials_what_was_adopted_and_asked_for(world):
    world.disconnect()
    world.carrier = Remote(world._on_event, world._wake, KEY)
    world.carrier.adopt(held("c1", direction="outbound", state="ringing"), world.now)
    world.reconnect()
    assert world.perform(dial("c1")) == [ChannelRinging("c1"), ChannelAnswered("c1")]


def test_without_a_gateway_adopted_calls_are_gone_and_hung_up_should_it_come(world):
    a_call(world)
    world.disconnect()
    world.carrier = Remote(world._on_event, world._wake, KEY)
    world.carrier.adopt(held("c1"), world.now)
    assert the_ends(world.told()) == [("c1", "remote", Q850.TEMPORARY_FAILURE)]
    world.reconnect()
    assert world.told() == []
    assert world.phones.channels() == []


def test_recordings_go_on_if_somebody_asks_for_them_and_end_if_nobody_does(world):
    a_call(world)
    record = [StartRecording(f"r{n}", "b1", "c1", f"r{n}.wav") for n in (1, 2, 3)]
    world.perform(AddToBridge("b1", "c1"), *record)
    world.disconnect()
    world.phones.perform(StopRecording("r3"), world.now)
    world.host.run_due(world.now)
    world.kill_server()
    world.carrier.adopt(held("c1"), world.now)
    told = world.perform(record[0], record[2])
    assert told == [
        RecordingStarted("r1"),
        RecordingFinished("r3", "", 0),
        RecordingFinished("r2", "", 0),
    ]
    assert world.perform(StopRecording("r1")) == [RecordingFinished("r1", "", 0)]


def test_a_recording_that_ended_while_the_link_lagged_is_told(world, monkeypatch):
    a_call(world)
    world.perform(AddToBridge("b1", "c1"), StartRecording("r1", "b1", "c1", "r1.wav"))
    monkeypatch.setattr(link, "LINK_QUEUE_MAX", 0)
    world.phones.perform(StopRecording("r1"), world.now)
    world.told()
    monkeypatch.undo()
    world.reconnect()
    assert world.told() == [RecordingFinished("r1", "", 0)]


def test_a_new_server_is_told_who_is_on_hold(world):
    a_call(world, "c1")
    a_call(world, "c2")
    for event in (ChannelHeld("c1"), ChannelHeld("c2"), ChannelUnheld("c2")):
        world.host.hear(event, world.now)
    assert len(world.told()) == 3
    assert world.restart(held("c1", "c2")) == [ChannelHeld("c1"), ChannelUnheld("c2")]


# Bounds


def test_a_command_that_is_too_long_fails_alone(world):
    a_call(world)
    long = Media("text", "x" * LINK_ITEM_BYTES_MAX)
    offer = AttachWebRtc("c1", "o1", long.value)
    assert world.perform(
        Play("p1", "c1", (long,)), replace(gather(), media=(long,)), offer, dial("c2", long.value)
    ) == [
        PlaybackFinished("p1", "c1", "failed"),
        GatherFinished("g1", "c1", "", "cancelled"),
        WebRtcRefused("c1", "o1", "the gateway cannot be reached"),
        ChannelHungUp("c2", "remote", 38, 503, "the gateway cannot be reached"),
    ]
    assert world.perform(gather("g2")) == []


def test_more_commands_than_can_wait_end_all_calls(world, monkeypatch):
    monkeypatch.setattr(link, "LINK_QUEUE_MAX", 3)
    a_call(world)
    world.disconnect()
    told = world.perform(dial("c2"), *(loop(f"p{n}") for n in range(4)))
    assert [(each[0], each[2]) for each in the_ends(told)] == [("c1", 41), ("c2", 38)]
    assert told.count(PlaybackFinished("p0", "c1", "stopped")) == 1
    world.reconnect()
    world.told()
    assert world.phones.channels() == []


def test_what_has_ended_is_remembered_within_bounds(world, monkeypatch):
    monkeypatch.setattr("ringfloor.gateway.host.GATEWAY_HANG_UPS_MAX", 2)
    monkeypatch.setattr("ringfloor.gateway.mirror.CHANNELS_ENDED_MAX", 2)
    for name in ("c1", "c2", "c3"):
        a_call(world, name)
        world.hang_up(name)
    causes = [each.reason for each in world.restart(held("c1", "c2", "c3"))]
    assert causes == ["the gateway does not have it any more", *["the far end hung up"] * 2]


# Who may have the gateway


def another(world, key=KEY):
    server = Remote(world._on_event, world._wake, key)
    wire = Wire(server, world.host, world.now)
    while wire.carry(world.now):
        pass
    return server, wire


def test_a_server_that_lives_keeps_its_gateway(world):
    a_call(world)
    server, wire = another(world)
    assert wire.cut
    assert not server.connected
    assert world.hang_up("c1") != []


def test_a_server_that_is_silent_loses_it(world):
    a_call(world)
    world.now += LINK_SILENT_MS
    server, wire = another(world)
    assert server.connected
    assert world.wire.cut
    assert not wire.cut


def test_the_same_server_takes_the_place_of_its_old_connection(world):
    a_call(world)
    before = world.wire
    world.wire = Wire(world.carrier, world.host, world.now)
    assert world.press("c1", "1") == []
    assert world.hang_up("c1") != []
    assert before.cut


def test_without_the_key_nothing_is_said_and_it_is_counted(world, caplog):
    with caplog.at_level(logging.WARNING):
        server, wire = another(world, b"x" * 32)
    assert (wire.cut, server.connected, world.host.refused) == (True, False, 1)
    assert "the server does not know the key" in caplog.text
    a_call(world)
    assert world.hang_up("c1") != []


def test_strangers_are_few_and_have_little_time(world):
    lines = [[] for _ in range(LINK_VISITORS_MAX)]
    closed = []
    for line in lines:
        world.host.visit(line.append, lambda: closed.append(1), world.now)
    assert world.host.visit(list.append, lambda: closed.append(2), world.now) is None
    assert closed == [2]
    world.wait(LINK_SILENT_MS + LINK_BEAT_MS)
    assert closed == [2, *[1] * LINK_VISITORS_MAX]
    assert another(world)[0] is not None


def test_without_a_server_a_gateway_hangs_up_and_ends(world):
    a_call(world)
    world.wait(GATEWAY_GRACE_MS)
    assert world.host.over == ""
    world.disconnect()
    world.wait(GATEWAY_GRACE_MS - 1)
    assert world.host.over == ""
    world.wait(1)
    assert world.host.over == "no server came"
    world.host.hang_up(world.now)
    assert world.host.quiet()


def test_a_gateway_ends_when_its_server_says_so(world):
    a_call(world)
    world.perform(AddToBridge("b1", "c1"), StartRecording("r1", "b1", "c1", "r1.wav"))
    world.carrier.stop()
    world.told()
    assert world.host.over == "the server says so"
    assert not world.host.quiet()
    world.host.hang_up(world.now)
    assert world.host.quiet()


def test_the_node_is_woken_by_what_comes_and_by_what_breaks(world):
    world.woken = 0
    world.phones.call(ALICE, CENTER, "c1", world.now)
    world.host.run_due(world.now)
    while world.wire.carry(world.now):
        pass
    assert world.woken == 1
    assert world.carrier.next_due() <= world.now
    world.told()
    world.disconnect()
    assert world.woken == 2
    assert world.carrier.next_due() <= world.now, "it does not know yet since when it is away"


def test_events_before_the_welcome_break_the_link(world):
    fresh = Remote(world._on_event, world._wake, KEY)
    with pytest.raises(LinkBroken, match="without a welcome"):
        fresh._events(link.Events(1, (), 0))
