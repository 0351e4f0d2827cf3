"""Waiting: the estimate of section 3.3, and when it keeps silent."""

from itertools import chain

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_histories import Legs, clock, queue, random_history
from plain_metrics import TEXTS, Seeking
from ringfloor.base.limits import WAIT_DEPARTURES_MAX, WAIT_WINDOW_MS
from ringfloor.domain import events
from ringfloor.domain.criteria import Criteria, Step
from ringfloor.projections.waiting import (
    EVERYBODY,
    FACTOR_MAX,
    FACTOR_MIN,
    MILLION,
    Staffing,
    Waiting,
)

NOW = clock("13:01:00")
BUSY = Staffing(staffed=3, free=0)


class Line:
    """One queue, seen since the first event told."""

    def __init__(self, since=NOW - 2 * WAIT_WINDOW_MS):
        self.waiting, self.legs, self.count = Waiting(), Legs(), 0
        self.tell(queue("q"), at=since)

    def tell(self, *told, at):
        for event in told:
            self.waiting.on(event, at)

    def arrive(self, at, queue_id="q"):
        self.count += 1
        name = f"c{self.count}"
        self.tell(self.legs.begin(name, at), self.legs.enqueue(name, queue_id, at), at=at)
        return name

    def leave(self, name, at):
        self.tell(*self.legs.end(name, at), at=at)

    def answer(self, name, at):
        self.tell(self.legs.offer(name, "a", at), self.legs.connect(name, "a", at), at=at)

    def depart(self, *instants):
        """Contacts come and give up, at these instants."""
        for at in instants:
            self.leave(self.arrive(at), at)

    def estimate(self, position=1, staffing=BUSY, now=NOW, queue_id="q", channel="VOICE"):
        return self.waiting.estimate(
            queue_id, channel, position=position, staffing=staffing, now=now
        )

    @property
    def factor(self):
        return self.waiting._facts.paces["q", "VOICE", EVERYBODY].factor


def twelve_departures():
    line = Line()
    line.depart(*(NOW - minutes * 60_000 for minutes in range(23, -1, -2)))
    return line


def test_twelve_departures_in_half_an_hour_and_third_in_line():
    line = twelve_departures()
    assert line.estimate(position=3) == 450_000
    assert line.estimate(position=2) == 300_000
    assert line.estimate(position=1) == 150_000


def test_a_contact_that_rings_waits_no_more():
    assert twelve_departures().estimate(position=0) == 0


def test_the_first_in_line_does_not_wait_while_an_agent_is_free():
    line = twelve_departures()
    free = Staffing(staffed=3, free=1)
    assert line.estimate(position=1, staffing=free) == 0
    assert line.estimate(position=2, staffing=free) == 300_000


def test_without_staff_nothing_is_known():
    assert twelve_departures().estimate(staffing=Staffing(0, 0)) is None


def test_each_queue_and_channel_moves_by_itself():
    line = twelve_departures()
    assert line.estimate(queue_id="r") is None
    assert line.estimate(channel="CHAT") is None


def test_with_two_departures_nothing_is_known_and_with_three_it_is():
    line = Line()
    line.depart(NOW - 3_000, NOW - 2_000)
    assert line.estimate() is None
    line.depart(NOW - 1_000)
    assert line.estimate() == WAIT_WINDOW_MS // 3


def test_departures_fall_out_of_the_window_and_silence_follows():
    line = Line()
    line.depart(NOW - 3_000, NOW - 2_000, NOW - 1_000)
    at_last = NOW - 3_000 + WAIT_WINDOW_MS
    assert line.estimate(now=at_last - 1) is not None
    assert line.estimate(now=at_last) is None


def test_connected_abandoned_transferred_and_called_back_are_departures_alike():
    line = Line()
    line.answer(line.arrive(NOW - 9_000), NOW - 8_000)
    line.leave(line.arrive(NOW - 9_000), NOW - 8_000)
    line.tell(*line.legs.end(line.arrive(NOW - 9_000), NOW, next_contact_id="b"), at=NOW - 8_000)
    assert line.estimate() == WAIT_WINDOW_MS // 3


def test_a_contact_that_ends_in_its_flow_or_after_its_agent_departs_from_nowhere():
    line = Line()
    line.depart(NOW - 3_000, NOW - 2_000)
    line.tell(line.legs.begin("flow", NOW), *line.legs.end("flow", NOW), at=NOW)
    assert line.estimate() is None
    name = line.arrive(NOW - 1_000)
    line.answer(name, NOW)
    line.leave(name, NOW)
    assert line.estimate() == WAIT_WINDOW_MS // 3


def test_a_young_instance_measures_from_the_first_departure_but_a_minute_at_least():
    line = Line(since=NOW - 600_000)
    line.depart(NOW - 30_000, NOW - 20_000, NOW)
    assert line.estimate() == 20_000
    line = Line(since=NOW - 600_000)
    line.depart(NOW - 300_000, NOW - 20_000, NOW)
    assert line.estimate() == 100_000
    assert line.estimate(now=NOW + WAIT_WINDOW_MS - 600_000) == 600_000


def test_estimates_are_whole_seconds():
    line = Line(since=NOW - 600_000)
    line.depart(NOW - 100_000, NOW - 50_000, NOW)
    assert line.estimate() == 33_000
    assert line.estimate(position=2) == 67_000


def settled(waits):
    """The factor after contacts whose raw estimate was 150 s each waited so long."""
    line = twelve_departures()
    now = NOW
    for wait in waits:
        line.waiting._facts.paces["q", "VOICE", EVERYBODY].departures[:] = [
            now - minutes * 60_000 for minutes in range(23, -1, -2)
        ]
        name = line.arrive(now)
        now += wait
        line.answer(name, now)
    return line.factor


def test_the_factor_moves_a_fifth_of_the_way_with_every_answered_contact():
    assert settled([]) == MILLION
    assert settled([150_000]) == MILLION
    assert settled([300_000]) == 1_200_000
    assert settled([75_000]) == 900_000
    assert settled([300_000, 150_000]) == 1_160_000


def test_the_factor_stays_between_a_half_and_two():
    assert settled([1_500_000] * 3) == FACTOR_MAX
    assert settled([1] * 9) == FACTOR_MIN


def test_the_factor_corrects_the_estimate():
    line = twelve_departures()
    line.waiting._facts.paces["q", "VOICE", EVERYBODY].factor = 1_500_000
    assert line.estimate(position=3) == 675_000


def test_a_contact_that_finds_an_agent_free_teaches_nothing():
    line = twelve_departures()
    name = line.arrive(NOW)
    line.tell(line.legs.offer(name, "a", NOW), at=NOW)
    line.tell(line.legs.connect(name, "a", NOW + 5_000), at=NOW + 5_000)
    assert line.factor == MILLION


def test_an_abandoned_contact_and_one_without_an_estimate_teach_nothing():
    line = twelve_departures()
    line.leave(line.arrive(NOW), NOW + 1_000)
    assert line.factor == MILLION
    line = Line()
    line.answer(line.arrive(NOW - 5_000), NOW)
    assert line.factor == MILLION


def test_the_raw_estimate_at_arrival_counts_those_who_wait_and_do_not_ring():
    line = twelve_departures()
    first, second = line.arrive(NOW), line.arrive(NOW)
    waits = line.waiting._facts.waits
    assert [waits[name].stays[0].raw_ms for name in (first, second)] == [150_000, 300_000]
    line.tell(line.legs.offer(first, "a", NOW + 1), at=NOW + 1)
    assert waits[line.arrive(NOW + 1)].stays[0].raw_ms == 300_000
    line.tell(line.legs.miss(first), at=NOW + 2)
    assert waits[line.arrive(NOW + 2)].stays[0].raw_ms == 600_000


def test_memory_is_bounded_and_a_flood_only_shortens_the_window():
    line = Line()
    start = NOW - 1_000_000
    for number in range(5 * WAIT_DEPARTURES_MAX):
        line.depart(start + number * 10)
    pace = line.waiting._facts.paces["q", "VOICE", EVERYBODY]
    assert len(pace.departures) < 2 * WAIT_DEPARTURES_MAX
    last = start + (5 * WAIT_DEPARTURES_MAX - 1) * 10
    assert line.estimate(position=1_000_000, now=last) == pytest.approx(10_000_000, rel=0.001)


def test_stale_departures_are_swept_out():
    line = Line()
    line.depart(*(NOW + minutes * 60_000 for minutes in range(1_000)))
    assert len(line.waiting._facts.paces["q", "VOICE", EVERYBODY].departures) <= 60


def test_a_deleted_queue_is_forgotten():
    line = twelve_departures()
    line.tell(events.ResourceDeleted("queue", "other"), at=NOW)
    assert line.estimate() is not None
    line.tell(events.ResourceDeleted("queue", "q"), at=NOW)
    assert line.estimate() is None
    assert not line.waiting._facts.paces


def test_asking_changes_nothing():
    line = twelve_departures()
    before = line.waiting.dump()
    line.estimate(now=NOW + 10 * WAIT_WINDOW_MS)
    assert line.waiting.dump() == before


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**40), min_size=40, max_size=120), st.integers(0, 120))
def test_a_snapshot_goes_on_as_if_nothing_had_been(numbers, cut):
    history = list(random_history(numbers))
    waiting = Waiting()
    for event, at in history[:cut]:
        waiting.on(event, at)
    restored = Waiting.load(waiting.dump())
    assert restored == waiting
    for event, at in history[cut:]:
        waiting.on(event, at)
        restored.on(event, at)
    assert restored == waiting
    assert restored.dump() == waiting.dump()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**40), min_size=40, max_size=160))
def test_departures_and_waits_are_those_of_the_history(numbers):
    """A second opinion, from the events alone."""
    waiting, departures, waits, now = Waiting(), {}, {}, 0
    for event, now in random_history(numbers):
        waiting.on(event, now)
        match event:
            case events.ContactEnqueued(contact_id=name, queue_id=queue_id, channel=channel):
                waits[name] = (queue_id, channel, EVERYBODY)
            case (
                events.ContactConnectedToAgent(contact_id=name)
                | events.ContactEnded(contact_id=name)
            ) if name in waits:
                departures.setdefault(waits.pop(name), []).append(now)
    assert waits.keys() == waiting._facts.waits.keys()
    for key, pace in waiting._facts.paces.items():
        standing = [name for name, each in waiting._facts.waits.items() if not each.offered]
        assert pace.waiting == sum(waits[name] == key for name in standing)
        window = [at for at in departures.get(key, []) if at > now - WAIT_WINDOW_MS]
        assert [at for at in pace.departures if at > now - WAIT_WINDOW_MS] == window
        said = waiting.estimate(*key[:2], position=1, staffing=BUSY, now=now)
        assert (said is None) == (len(window) < 3)


def test_foreign_bytes_are_refused():
    with pytest.raises(msgspec.MsgspecError):
        Waiting.load(b"\x91\xa1x")


def test_different_histories_are_not_equal():
    assert Waiting() != twelve_departures().waiting
    assert Waiting() != 5


# Routing steps

FRENCH, DUTCH = TEXTS[0], TEXTS[1]


class Steps(Line):
    """One queue whose contacts seek, one step after the other."""

    def seek(self, at, *expressions, queue_id="q"):
        """A contact in queue."""
        name = self.arrive(at, queue_id)
        steps = tuple(Step(each) for each in expressions)
        self.tell(events.RoutingCriteriaSet(name, steps), at=at)
        return name

    def expire(self, name, at):
        self.tell(events.RoutingStepExpired(name), at=at)

    def in_step(self, expression, **asked):
        return self.estimate(step=expression, **asked)

    def estimate(self, position=1, staffing=BUSY, now=NOW, step=None):
        return self.waiting.estimate(
            "q", "VOICE", position=position, staffing=staffing, now=now, step=step
        )

    def waiting_in(self, expression):
        pace = self.waiting._facts.paces.get(("q", "VOICE", expression))
        return pace and pace.waiting


def test_a_step_has_a_pace_of_its_own_and_the_queue_that_of_all():
    line = Steps()
    for minutes in (9, 6, 3):
        line.leave(line.seek(NOW - minutes * 60_000, FRENCH), NOW - minutes * 60_000)
    line.depart(NOW, NOW, NOW)
    assert line.in_step(FRENCH) == 600_000
    assert line.in_step(FRENCH, position=2) == 1_200_000
    assert line.in_step(DUTCH) is None
    assert line.estimate() == 300_000
    assert line.in_step(FRENCH, staffing=Staffing(0, 0)) is None
    assert line.in_step(FRENCH, staffing=Staffing(1, 1)) == 0


def test_a_step_that_ends_is_no_departure():
    line = Steps()
    names = [line.seek(NOW - 5_000, FRENCH, DUTCH) for _ in range(4)]
    assert (line.waiting_in(FRENCH), line.waiting_in(DUTCH)) == (4, None)
    for name in names:
        line.expire(name, NOW - 4_000)
    assert (line.waiting_in(FRENCH), line.waiting_in(DUTCH)) == (0, 4)
    for name in names:
        line.leave(name, NOW - 3_000)
    assert line.in_step(FRENCH) is None
    assert line.in_step(DUTCH) is not None
    assert line.waiting_in(DUTCH) == 0
    assert line.waiting_in(EVERYBODY) == 0


def test_after_the_last_step_a_contact_waits_for_anybody():
    line = Steps()
    name = line.seek(NOW, FRENCH)
    line.expire(name, NOW)
    line.tell(line.legs.offer(name, "a", NOW), line.legs.miss(name), at=NOW)
    assert (line.waiting_in(FRENCH), line.waiting_in(EVERYBODY)) == (0, 1)


def test_a_step_that_begins_while_the_contact_rings_counts_it_when_it_waits_again():
    line = Steps()
    name = line.seek(NOW, FRENCH, DUTCH)
    line.tell(line.legs.offer(name, "a", NOW), at=NOW)
    line.expire(name, NOW)
    assert (line.waiting_in(FRENCH), line.waiting_in(DUTCH)) == (0, 0)
    line.tell(line.legs.miss(name), at=NOW)
    assert (line.waiting_in(FRENCH), line.waiting_in(DUTCH)) == (0, 1)


def test_a_step_learns_from_the_wait_since_it_began():
    line = Steps()
    for minutes in range(23, -1, -2):
        line.leave(line.seek(NOW - minutes * 60_000, DUTCH), NOW - minutes * 60_000)
    name = line.seek(NOW - 100_000, FRENCH, DUTCH)
    line.expire(name, NOW)
    line.answer(name, NOW + 300_000)
    assert line.waiting._facts.paces["q", "VOICE", DUTCH].factor == 1_200_000
    assert line.waiting._facts.paces["q", "VOICE", FRENCH].factor == MILLION


def test_criteria_from_before_the_queue_begin_in_it():
    line = Steps()
    begun = line.legs.begin("c", NOW, criteria=[Criteria((Step(FRENCH),))])
    line.tell(begun, line.legs.enqueue("c", "q", NOW), at=NOW)
    assert line.waiting_in(FRENCH) == 1
    line.tell(*line.legs.end("c", NOW), at=NOW)
    assert (line.waiting_in(FRENCH), line.waiting._facts.criteria) == (0, {})


def test_other_criteria_take_the_place_of_the_first():
    line = Steps()
    name = line.seek(NOW, FRENCH)
    line.tell(events.RoutingCriteriaSet(name, (Step(DUTCH),)), at=NOW)
    assert (line.waiting_in(FRENCH), line.waiting_in(DUTCH)) == (0, 1)


def test_steps_that_nobody_is_in_are_forgotten_some_day(monkeypatch):
    monkeypatch.setattr("ringfloor.projections.waiting.WAIT_STEPS_IDLE_MAX", 2)
    line = Steps()
    stays = line.seek(NOW, TEXTS[6])
    for each in (*TEXTS[:4], TEXTS[2]):
        line.leave(line.seek(NOW, each), NOW)
    kept = {step for _, _, step in line.waiting._facts.paces}
    assert kept == {EVERYBODY, TEXTS[6], TEXTS[3], TEXTS[2]}
    line.leave(stays, NOW)
    assert len(line.waiting._facts.paces) == 3
    assert Waiting.load(line.waiting.dump()) == line.waiting
    line.tell(events.ResourceDeleted("queue", "q"), at=NOW)
    assert line.waiting._facts.paces == line.waiting._facts.idle == {}


@pytest.mark.parametrize("old", [(NOW, {}, {}), (None, {}, {})])
def test_a_snapshot_of_another_layout_is_refused(old):
    with pytest.raises(msgspec.MsgspecError):
        Waiting.load(msgspec.msgpack.encode(old))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**40), min_size=60, max_size=160))
def test_departures_from_steps_are_those_of_the_history(numbers):
    """A second opinion: who left the queue in which step, and who stands in it."""
    world, waiting, steps, departures, now = Seeking(), Waiting(), {}, {}, 0
    for told in chain([world.begin()], map(world.step, numbers)):  # step by step: it is asked
        for event, now in told:
            waiting.on(event, now)
            match event:
                case (
                    events.ContactConnectedToAgent(contact_id=name)
                    | events.ContactEnded(contact_id=name)
                ) if name in steps:
                    departures.setdefault(steps.pop(name), []).append(now)
        steps = {
            leg.id: (leg.queue_id, leg.channel, step)
            for leg in world.legs.legs.values()
            if leg.stage in ("IN_QUEUE", "OFFERED") and (step := world.active(leg.id))
        }
    offered = {name for name, leg in world.legs.legs.items() if leg.stage == "OFFERED"}
    for key, pace in waiting._facts.paces.items():
        if key[0].startswith("q") and key[2] != EVERYBODY:
            there = [name for name, each in steps.items() if each == key]
            assert (pace.there, pace.waiting) == (len(there), len({*there} - offered))
            window = [at for at in departures.get(key, []) if at > now - WAIT_WINDOW_MS]
            assert [at for at in pace.departures if at > now - WAIT_WINDOW_MS] == window
    assert set(steps.values()) <= waiting._facts.paces.keys()
