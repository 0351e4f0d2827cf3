"""Mixing: who hears whom, against plain sums of samples."""

from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfloor.gateway.media import g711, mixing
from ringfloor.gateway.media.mixing import Bridge, Party, summed
from ringfloor.gateway.media.player import Player
from ringfloor.gateway.media.sounds import Clip

LOUDEST = 32_767


def frame(*samples):
    return array("h", samples or [0]).tobytes() * (g711.FRAME_SAMPLES // (len(samples) or 1))


def samples(pcm):
    return [] if pcm is None else list(array("h", pcm))


def plain(frames):
    """What a frame of sums is: clipped, silence for nobody."""
    clipped = [
        min(max(sum(each), -LOUDEST - 1), LOUDEST)
        for each in zip(*map(samples, frames), strict=True)
    ]
    return clipped if frames else []


def a_bridge(**parties):
    """name=(what it says, role, whisper_to)"""
    bridge = Bridge()
    for name, (says, role, *to) in parties.items():
        party = Party(name)
        bridge.put(party, role, *(to or [""]))
        party.says = says
    bridge.mix()
    return bridge


def hears(bridge, name):
    return samples(bridge.parties[name].hears)


QUIET = st.lists(st.integers(-4_000, 4_000), min_size=4, max_size=4).map(lambda few: frame(*few))
LOUD = st.lists(st.sampled_from([-32_768, 32_767, 20_000, -1]), min_size=2, max_size=2).map(
    lambda few: frame(*few)
)


@given(st.lists(st.none() | QUIET, min_size=1, max_size=7))
def test_everybody_hears_all_the_others(says):
    bridge = a_bridge(**{str(at): (each, "participant") for at, each in enumerate(says)})
    for at in range(len(says)):
        others = [each for other, each in enumerate(says) if other != at and each is not None]
        assert hears(bridge, str(at)) == plain(others)


@pytest.mark.parametrize(
    ("roles", "are_partners"),
    [
        (["participant"], False),
        (["participant"] * 2, True),
        (["participant"] * 3, False),
        (["participant", "listen"], False),
        (["participant", "participant", "whisper"], False),
    ],
)
def test_two_who_are_alone_know_each_other(roles, are_partners):
    bridge = a_bridge(**{str(at): (None, role) for at, role in enumerate(roles)})
    parties = list(bridge.parties.values())
    others = reversed(parties) if are_partners else [None] * len(parties)
    assert [each.partner for each in parties] == list(others)
    for party in parties[1:]:
        bridge.remove(party.leg_id)
    assert [each.partner for each in parties] == [None] * len(parties)


@given(LOUD, LOUD, LOUD)
def test_two_who_shout_are_clipped(one, other, third):
    bridge = a_bridge(
        a=(one, "participant"),
        b=(other, "participant"),
        c=(third, "participant"),
        d=(None, "listen"),
    )
    assert hears(bridge, "a") == plain([other, third])
    assert hears(bridge, "b") == plain([one, third])
    assert hears(bridge, "c") == plain([one, other])
    assert len(hears(bridge, "d")) == g711.FRAME_SAMPLES


def test_two_alone_cost_no_arithmetic(monkeypatch):
    monkeypatch.setattr(mixing.g711, "add", None)
    one, other = frame(1), frame(2)
    bridge = a_bridge(a=(one, "participant"), b=(other, "participant"))
    assert bridge.parties["a"].hears is other
    assert bridge.parties["b"].hears is one
    bridge = a_bridge(a=(one, "participant"), b=(None, "participant"), c=(None, "participant"))
    assert [bridge.parties[each].hears for each in "abc"] == [None, one, one]


def test_who_listens_hears_everybody_and_is_heard_by_nobody():
    one, other = frame(100), frame(20)
    bridge = a_bridge(
        agent=(one, "participant"), customer=(other, "participant"), boss=(frame(3), "listen")
    )
    assert hears(bridge, "agent") == samples(other)
    assert hears(bridge, "customer") == samples(one)
    assert hears(bridge, "boss") == plain([one, other])


def test_who_whispers_is_heard_by_one():
    agent, customer, boss = frame(100), frame(20), frame(3)
    parties = {"agent": (agent, "participant"), "customer": (customer, "participant")}
    parties |= {"boss": (boss, "whisper", "agent"), "spy": (None, "listen")}
    bridge = a_bridge(**parties)
    assert hears(bridge, "agent") == plain([customer, boss])
    assert hears(bridge, "customer") == samples(agent)
    assert hears(bridge, "boss") == hears(bridge, "spy") == plain([agent, customer])
    parties["customer"] = (None, "participant")
    assert hears(a_bridge(**parties), "agent") == samples(boss)
    parties |= {"customer": (customer, "participant"), "boss": (None, "whisper", "agent")}
    assert hears(a_bridge(**parties), "agent") == samples(customer)


@pytest.mark.parametrize("to", ["", "nobody", "gone"])
def test_a_whisper_to_who_is_not_there_is_lost(to):
    bridge = a_bridge(a=(None, "participant"), boss=(frame(3), "whisper", to))
    assert hears(bridge, "a") == []


def test_barging_in_is_another_role():
    bridge = a_bridge(
        a=(frame(1), "participant"), b=(frame(2), "participant"), boss=(frame(4), "listen")
    )
    boss = bridge.parties["boss"]
    bridge.put(boss, "participant", "")
    bridge.mix()
    assert hears(bridge, "a")[0] == 6
    bridge.remove("boss")
    bridge.mix()
    assert hears(bridge, "a")[0] == 2
    assert boss.hears is None


def test_a_recording_has_one_on_the_right_and_all_others_on_the_left():
    parties = {
        "agent": (frame(100), "participant"),
        "customer": (frame(20), "participant"),
        "other": (frame(3), "participant"),
        "boss": (frame(1_000), "whisper", "agent"),
    }
    bridge = a_bridge(**parties)

    def recorded(right, sides):
        return [samples(each)[:1] for each in bridge.recorded(right, sides)]

    assert recorded("agent", "both") == [[23], [100]]
    assert recorded("agent", "left") == [[23], []]
    assert recorded("agent", "right") == [[], [100]]
    assert recorded("nobody", "both") == [[123], []]
    assert Bridge().recorded("agent", "both") == (None, None)


@given(st.lists(QUIET, max_size=6))
def test_a_sum_is_the_sum(frames):
    assert samples(summed(frames)) == plain(frames)


# Players


def played(player, ticks=10_000):
    frames = []
    while len(frames) < ticks and (made := player.frame()) is not None:
        assert len(made) == g711.FRAME_BYTES
        frames.append(made)
    return b"".join(frames)


@given(st.lists(st.binary(max_size=1_500).map(Clip), max_size=5))
@example([Clip(bytes(2 * g711.FRAME_BYTES))])
def test_clips_follow_each_other_without_a_gap(clips):
    player = Player(clips)
    wanted = b"".join(each.pcm[: len(each.pcm) // 2 * 2] for each in clips)
    sound = played(player)
    assert sound == wanted.ljust(len(sound), b"\0")
    assert 0 <= len(sound) - len(wanted) < g711.FRAME_BYTES
    assert player.over
    assert player.frame() is None


@given(st.lists(st.binary(min_size=2, max_size=900).map(Clip), min_size=1, max_size=3))
def test_a_loop_has_no_seam(clips):
    player = Player(clips, loop=True)
    once = b"".join(each.pcm[: len(each.pcm) // 2 * 2] for each in clips)
    sound = played(player, ticks=20)
    assert len(sound) == 20 * g711.FRAME_BYTES
    assert sound == (once * (len(sound) // len(once) + 1))[: len(sound)]
    assert not player.over


@pytest.mark.parametrize("clips", [[], [Clip(b"")], [Clip(b"x")]])
def test_a_loop_of_nothing_is_over(clips):
    assert Player(clips, loop=True).over
