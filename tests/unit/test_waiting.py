"""Waiting: the estimate of section 3.3, and when it keeps silent."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_histories import Legs, clock, queue, random_history
from ringfloor.base.limits import WAIT_DEPARTURES_MAX, WAIT_WINDOW_MS
from ringfloor.domain import events
from ringfloor.projections.waiting import FACTOR_MAX, FACTOR_MIN, MILLION, Staffing, Waiting

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
        return self.waiting._facts.paces["q", "VOICE"].factor


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
        line.waiting._facts.paces["q", "VOICE"].departures[:] = [
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
    line.waiting._facts.paces["q", "VOICE"].factor = 1_500_000
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
    assert [waits[name].raw_ms for name in (first, second)] == [150_000, 300_000]
    line.tell(line.legs.offer(first, "a", NOW + 1), at=NOW + 1)
    assert waits[line.arrive(NOW + 1)].raw_ms == 300_000
    line.tell(line.legs.miss(first), at=NOW + 2)
    assert waits[line.arrive(NOW + 2)].raw_ms == 600_000


def test_memory_is_bounded_and_a_flood_only_shortens_the_window():
    line = Line()
    start = NOW - 1_000_000
    for number in range(5 * WAIT_DEPARTURES_MAX):
        line.depart(start + number * 10)
    pace = line.waiting._facts.paces["q", "VOICE"]
    assert len(pace.departures) < 2 * WAIT_DEPARTURES_MAX
    last = start + (5 * WAIT_DEPARTURES_MAX - 1) * 10
    assert line.estimate(position=1_000_000, now=last) == pytest.approx(10_000_000, rel=0.001)


def test_stale_departures_are_swept_out():
    line = Line()
    line.depart(*(NOW + minutes * 60_000 for minutes in range(1_000)))
    assert len(line.waiting._facts.paces["q", "VOICE"].departures) <= 60


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
                waits[name] = (queue_id, channel)
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
        said = waiting.estimate(*key, position=1, staffing=BUSY, now=now)
        assert (said is None) == (len(window) < 3)


def test_foreign_bytes_are_refused():
    with pytest.raises(msgspec.MsgspecError):
        Waiting.load(b"\x91\xa1x")


def test_different_histories_are_not_equal():
    assert Waiting() != twelve_departures().waiting
    assert Waiting() != 5
