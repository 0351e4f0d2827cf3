"""Floor of waits: snapshots, what it costs, who is in line already, and staff that is told of."""

from random import Random
from statistics import fmean

import msgspec
import pytest

from ringfloor.base.limits import WAIT_CLASSES_MAX, WAIT_RECENT_MAX
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.waits.estimators import NO_TIME, qlm
from ringfloor.waits.floor import Floor
from ringfloor.waits.markov import gamma_quantile, markov
from ringfloor.waits.order import Class
from ringfloor.waits.recent import Recent
from ringfloor.waits.views import FEATURES, View, look
from wait_builders import START

SALES, SUPPORT = Class("sales", 5, 0), Class("support", 5, 0)


def a_busy_floor(seed: int = 1, happenings: int = 600) -> Floor:
    """Whatever can be told to a floor, by chance, in any order that can happen."""
    floor, chance, at = Floor(), Random(seed), START
    for number in range(happenings):
        at += chance.randrange(20 * SECOND)
        kind = Class(chance.choice(["sales", "support", "tax"]), chance.choice([1, 5]), 0)
        match chance.randrange(8):
            case 0 | 1 | 2:
                floor.came(f"c{number}", kind, at)
            case 3 | 4:
                waiting = list(floor.waiting.values())[:3]
                agent = chance.choice(["ann", "bob", "cyd", None])
                if waiting:
                    caller = chance.choice(waiting)
                    floor.answered(caller.id, caller.kind, agent, at)
                else:
                    floor.answered(f"c{number}", kind, agent, at)
            case 5 if floor.serving:
                floor.ended(chance.choice(list(floor.serving)), at)
            case 6 if floor.waiting:
                chance.choice([floor.abandoned, floor.withdrawn])(
                    chance.choice(list(floor.waiting)), at
                )
            case 7:
                lines = chance.choice([{}, {"sales": 1}, {"sales": 1, "support": 3}])
                floor.staffed(chance.choice(["ann", "bob"]), lines, at)
    return floor


def seen(floor: Floor, kind: Class = SALES, now: int = START, **more) -> View:
    return look(floor, kind, now, **more)


# Snapshots


@pytest.mark.parametrize("seed", range(4))
def test_a_loaded_floor_is_the_same_and_goes_on_the_same(seed):
    floor = a_busy_floor(seed)
    again = Floor.load(floor.dump())
    assert again == floor
    assert again.dump() == floor.dump()
    at = floor.at + SECOND
    for each in (floor, again):
        each.came("new", SALES, at)
        each.answered("new", SALES, "ann", at + MINUTE)
        each.ended("new", at + HOUR)
    assert again == floor
    assert look(again, SUPPORT, at + HOUR) == look(floor, SUPPORT, at + HOUR)


@pytest.mark.parametrize("snapshot", [b"", b"\x80x", msgspec.msgpack.encode({"layout": 2})])
def test_other_snapshots_are_refused(snapshot):
    with pytest.raises(msgspec.MsgspecError):
        Floor.load(snapshot)


@pytest.mark.parametrize("seed", range(4))
def test_to_look_changes_nothing(seed):
    floor = a_busy_floor(seed)
    before = floor.dump()
    for kind in (SALES, Class("nobody knows", 5, 0)):
        for contact_id in (None, *floor.waiting):
            look(floor, kind, floor.at + HOUR, contact_id=contact_id)
    assert floor.dump() == before


def test_what_is_counted_is_what_can_be_counted_anew():
    floor = a_busy_floor(seed=9, happenings=2_000)
    for name, line in floor.lines.items():
        takes = [each for each in floor.agents.values() if each.present and name in each.lines]
        nobodys = [each for each in floor.serving.values() if each.agent is None]
        assert line.present == len(takes)
        assert line.serving == sum(each.contacts for each in takes) + sum(
            each.line == name for each in nobodys
        )
        assert line.own == sum(each.line == name for each in floor.serving.values())
        assert line.waiting == sum(each.kind.queue == name for each in floor.waiting.values())
        assert line.shared == {
            other: count
            for other in floor.lines
            if (count := sum(other in each.lines for each in takes))
        }
    assert set(floor.queued) == {each.kind.queue for each in floor.waiting.values()}
    told = [tuple(sorted(each.slots.items())) for each in floor.agents.values() if each.slots]
    assert floor.crews == {each: told.count(each) for each in told}


# What it costs


class NotGoneThrough(dict):
    """Of which one may be asked for, but not all."""

    def __iter__(self):
        raise AssertionError("all of them are gone through")

    keys = values = items = __iter__


def test_to_be_told_goes_neither_through_all_agents_nor_through_all_who_wait():
    floor = a_busy_floor()
    floor.agents, floor.waiting = NotGoneThrough(floor.agents), NotGoneThrough(floor.waiting)
    floor.serving = NotGoneThrough(floor.serving)
    for kind in (SALES, SUPPORT):
        kept = floor.line(kind.queue).kinds.setdefault(kind, floor._kind(floor.line("x"), kind))
        kept.waiting = OnlyTheFirst(kept.waiting)
    at = floor.at
    for number in range(20):
        at += SECOND
        floor.came(f"n{number}", SALES, at)
        floor.came(f"m{number}", SUPPORT, at)
        floor.answered(f"n{number}", SALES, "ann", at)
        floor.staffed("ann", {"sales": 1}, at)
        floor.ended(f"n{number}", at + 1)
    floor.abandoned("m3", at)
    floor.withdrawn("m4", at)


class OnlyTheFirst(dict):
    """Of which one may be asked for, and the first."""

    def values(self):
        return iter([super().__getitem__(next(iter(self)))])

    def items(self):
        raise AssertionError("all of them are gone through")


def test_of_very_many_only_the_last_are_kept_and_their_window_is_told():
    recent = Recent()
    for number in range(5 * WAIT_RECENT_MAX):
        recent.add(START + number * 10, 2.0, 3.0)
    now = recent.ats[-1]
    count, first_s, second_s, seconds = recent.window(HOUR, now)
    assert len(recent.ats) < 2 * WAIT_RECENT_MAX
    assert (first_s, second_s) == (2 * count, 3 * count)
    assert count / seconds == pytest.approx(100)
    assert recent.count(MINUTE, now) == pytest.approx(6_000)


def test_classes_that_nobody_is_in_are_forgotten():
    floor = Floor()
    for number in range(10 * WAIT_CLASSES_MAX):
        at = START + number * MINUTE
        floor.came("c", Class("sales", 5, number), at)
        floor.abandoned("c", at + SECOND)
    assert len(floor.lines["sales"].kinds) <= WAIT_CLASSES_MAX + 1


# Somebody in line


def test_who_asks_again_stands_where_he_came_to():
    floor = Floor()
    for number, name in enumerate(("first", "mine", "late")):
        floor.came(name, SALES, START + number * 10 * SECOND)
    now = START + MINUTE
    views = {name: seen(floor, now=now, contact_id=name) for name in ("first", "mine", "late")}
    assert [(each.ahead, each.behind) for each in views.values()] == [(0, 2), (1, 1), (2, 0)]
    assert [each.waited_s for each in views.values()] == [60, 50, 40]
    newcomer = seen(floor, now=now)
    assert (newcomer.ahead, newcomer.waited_s) == (3, 0)


def test_who_will_be_served_before_counts_less_the_longer_one_has_waited():
    floor = Floor()
    urgent = Class("sales", 5, 90 * SECOND)
    floor.came("mine", SALES, START)
    for number in range(30):
        floor.answered(f"u{number}", urgent, "ann", START + number * SECOND)
        floor.ended(f"u{number}", START + number * SECOND + 1)
    told = [
        seen(floor, now=START + after * SECOND, contact_id="mine").overtaking
        for after in (31, 80, 95)
    ]
    assert told[0] > told[1] > told[2] == 0


# QLm and its quantiles


@pytest.mark.parametrize(("ahead", "loss"), [(0, 0), (4, 1 / 200), (12, 1 / 400)])
def test_quantiles_are_those_of_a_sum_of_stages(ahead, loss):
    chance, rates = Random(3), [3 / 150 + number * loss for number in range(1, ahead + 2)]
    waits = sorted(sum(map(chance.expovariate, rates)) for _ in range(20_000))
    stages = markov(ahead, 3, 1 / 150, loss)
    assert stages.mean_s == pytest.approx(fmean(waits), rel=0.02)
    for share in (0.1, 0.5, 0.8, 0.9):
        told = gamma_quantile(share, *stages)
        assert told == pytest.approx(waits[int(share * len(waits))], rel=0.06)


@pytest.mark.parametrize("shape", [0.4, 1, 7, 19.99, 20.01, 300])
def test_quantiles_of_a_gamma_distribution_ascend_around_its_mean(shape):
    told = [gamma_quantile(share / 100, 50, 50 / shape**0.5) for share in range(1, 100)]
    assert told == sorted(told)
    assert fmean(told) == pytest.approx(50, rel=0.06)
    assert gamma_quantile(0.5, 0, 0) == 0
    assert gamma_quantile(0.5, 7, 0) == 7


def test_a_long_line_is_gone_through_in_few_stages_and_lasts_as_long():
    exactly = sum(1 / (5 / 150 + number / 400) for number in range(1, 1_002))
    assert markov(1_000, 5, 1 / 150, 1 / 400).mean_s == pytest.approx(exactly, rel=0.01)


def test_nothing_is_told_where_nobody_is_known_to_be_at_work():
    floor = Floor()
    assert qlm(seen(floor)) is None
    floor.answered("one", SALES, "ann", START)
    assert qlm(seen(floor)).p50_s > 0


# Staff that is told of


def a_told_floor(*, waiting: int = 0, **agents: dict[str, int]) -> Floor:
    floor = Floor()
    for name, lines in agents.items():
        floor.staffed(name, lines, START)
    for number in range(waiting):
        floor.came(f"c{number}", SALES, START)
    return floor


def test_a_free_agent_takes_who_is_next_at_once_and_others_wait():
    floor = a_told_floor(ann={"sales": 1}, bob={"support": 1})
    assert qlm(seen(floor)) == NO_TIME
    floor.came("one", SALES, START)
    assert qlm(seen(floor, contact_id="one")) == NO_TIME
    assert qlm(seen(floor)).p50_s > 0
    floor.answered("one", SALES, "ann", START)
    assert qlm(seen(floor)).p50_s > 0


@pytest.mark.parametrize("lines", [{}, {"support": 1}, {"sales": 0}])
def test_nothing_is_told_of_a_line_that_nobody_takes(lines):
    floor = a_told_floor(ann={"sales": 1}, waiting=3)
    floor.staffed("ann", lines, START + SECOND)
    assert qlm(seen(floor, now=START + MINUTE)) is None


def test_more_agents_make_waits_shorter_at_once_though_they_have_taken_nobody_yet():
    few, many = (
        a_told_floor(waiting=9, **{f"a{number}": {"sales": 1} for number in range(agents)})
        for agents in (2, 6)
    )
    assert qlm(seen(many)).p50_s < qlm(seen(few)).p50_s * 0.6


def test_contacts_take_up_their_share_of_an_agent():
    floor = a_told_floor(ann={"sales": 1, "chats": 3})
    room = []
    for number in range(3):
        floor.answered(f"c{number}", Class("chats", 5, 0), "ann", START)
        room.append([floor.agents["ann"].room(line) for line in ("sales", "chats", "tax")])
    assert room == [[0, 2, 0], [0, 1, 0], [0, 0, 0]]
    for number in range(3):
        floor.ended(f"c{number}", START)
    floor.answered("call", SALES, "ann", START)
    assert [floor.agents["ann"].room(line) for line in ("sales", "chats")] == [0, 0]


def test_those_ahead_count_as_far_as_the_staff_that_is_told_of_is_shared():
    floor = a_told_floor(ann={"sales": 1, "support": 1}, bob={"support": 1})
    floor.came("other", SUPPORT, START)
    assert seen(floor).ahead_told == 0.5
    floor.staffed("bob", {}, START)
    assert seen(floor).ahead_told == 1


def test_features_do_not_know_who_has_been_told_of():
    told, silent = a_busy_floor(5), Floor.load(a_busy_floor(5).dump())
    told.staffed("cyd", {"sales": 7}, told.at)
    silent.told, silent.crews = False, {}
    count = len(FEATURES)
    now = told.at + SECOND
    assert look(told, SALES, now)[:count] == look(silent, SALES, now)[:count]
    assert look(silent, SALES, now)[count:] == (0,) * (len(View._fields) - count)


def test_who_is_put_aside_is_neither_answered_nor_lost():
    floors = Floor(), Floor()
    for floor in floors:
        floor.answered("x", SALES, "ann", START)
        floor.came("one", SALES, START)
    floors[0].withdrawn("one", START + MINUTE)
    floors[1].abandoned("one", START + MINUTE)
    aside, lost = (seen(floor, now=START + MINUTE) for floor in floors)
    assert (aside.waiting, aside.losses_5, aside.answers_5) == (0, 0, 1)
    assert (lost.waiting, lost.losses_5) == (0, 1)
    assert lost.loss_s < aside.loss_s


@pytest.mark.parametrize("after", [0, SECOND, MINUTE, HOUR])
def test_who_is_gone_for_ever_leaves_nothing_behind(after):
    """And whoever is left is known as if he had never been there for the line."""
    floor = a_told_floor(ann={"sales": 1}, bob={"sales": 1}, waiting=2)
    for number, agent in enumerate(("ann", "bob")):
        floor.answered(f"c{number}", SALES, agent, START)
        floor.ended(f"c{number}", START + SECOND)
    floor.dismissed("ann", START + SECOND + after)
    assert "ann" not in str(floor.dump())
    there = seen(floor, now=floor.at)
    assert (there.slots_told, there.present_here) == (1, after < HOUR)
    floor.dismissed("bob", floor.at)
    assert (floor.agents, floor.crews, floor.lines["sales"].present) == ({}, {}, 0)
    floor.came("late", SALES, START + 2 * HOUR)


def test_who_has_a_contact_is_known_until_it_is_over():
    floor = a_told_floor(ann={"sales": 1})
    floor.answered("one", SALES, "ann", START)
    floor.dismissed("ann", START)
    assert (floor.lines["sales"].serving, seen(floor).slots_told) == (1, 0)
    floor.ended("one", START + SECOND)
    assert floor.lines["sales"].serving == 0
