"""Waiting: who is in line, who is there for whom, and what is told of a wait."""

import sys
from itertools import chain
from operator import lt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_histories import (
    AVAILABLE,
    BREAK,
    Legs,
    clock,
    profile,
    profile_properties,
    queue,
    random_history,
    status,
    statuses,
    user,
)
from plain_metrics import SKILLS, TEXTS, Seeking
from ringfloor.base.time import MINUTE, SECOND
from ringfloor.domain import events
from ringfloor.domain.criteria import Criteria, Step, compiled, satisfied
from ringfloor.projections.waiting import Waiting, line_of, rounded
from ringfloor.waits.estimators import qlm
from ringfloor.waits.views import look

NOW = clock("13:01:00")
FRENCH, DUTCH = TEXTS[0], TEXTS[1]
CAN = {FRENCH: {"language": "French"}, DUTCH: {"language": "Dutch"}}


class Line:
    """One queue, whose agents are on a break until they are told otherwise."""

    def __init__(self, *agents, rows=(("q", "VOICE"),)):
        self.waiting, self.legs, self.count = Waiting(), Legs(), 0
        self.tell(*statuses(), queue("q"), profile("p", {"VOICE": 1, "CHAT": 3}, rows))
        self.tell(*(user(each, "p") for each in agents))

    def tell(self, *told, at=NOW):
        for event in told:
            self.waiting.on(event, at)

    def work(self, *agents, at=NOW):
        self.tell(*(status(each, AVAILABLE) for each in agents), at=at)

    def arrive(self, at=NOW, queue_id="q", **members):
        self.count += 1
        name = f"c{self.count}"
        self.tell(
            self.legs.begin(name, at, **members), self.legs.enqueue(name, queue_id, at), at=at
        )
        return name

    def leave(self, name, at=NOW):
        self.tell(*self.legs.end(name, at), at=at)

    def answer(self, name, agent, at=NOW):
        offered = self.legs.offer(name, agent, at)
        self.tell(offered, self.legs.connect(name, agent, at), at=at)
        return name

    def finish(self, name, agent, at):
        self.tell(*self.legs.end(name, at), *self.legs.clear(name, agent, at), at=at)

    def seek(self, name, *expressions, at=NOW):
        steps = tuple(Step(each) for each in expressions)
        self.tell(events.RoutingCriteriaSet(name, steps), at=at)
        return name

    def learn(self, agent, expression, at=NOW):
        rows = [
            {"AttributeName": name, "AttributeValue": value, "Level": 5.0}
            for name, value in CAN[expression].items()
        ]
        if expression == DUTCH:
            rows[0]["Level"] = 2.0
        self.tell(events.ResourceUpdated("user", agent, {"Proficiencies": rows}), at=at)

    def told(self, name=None, position=1, free=False, now=NOW, **asked):
        found = self.waiting.estimate(
            "q", "VOICE", position=position, free=free, now=now, contact_id=name, **asked
        )
        return None if found is None else rounded(found.quantiles.p50_s)

    def line(self, name):
        found = self.waiting.floor.waiting.get(name)
        return found and found.kind.queue

    def takes(self, agent):
        return dict(self.waiting.floor.agents[agent].slots or {})


# What is told


def test_where_nobody_is_there_nothing_is_told_and_who_comes_and_goes_is_known():
    line = Line("a", "b")
    assert line.told() is None
    line.work("a")
    assert line.told() > 0
    line.tell(events.NextStatusChanged("a", BREAK))
    assert line.told() is None
    line.tell(events.NextStatusChanged("a", None))
    assert line.told() is not None
    line.tell(events.ResourceDeleted("user", "a"))
    assert line.told() is None


def test_who_will_be_there_when_he_is_through_is_there():
    line = Line("a")
    line.tell(events.NextStatusChanged("a", AVAILABLE))
    assert line.takes("a") == {"q VOICE": 1}


def test_the_first_waits_no_time_while_an_agent_is_free_and_who_rings_does_not_either():
    line = Line("a")
    line.work("a")
    first = line.arrive()
    assert line.told(first, free=True) == 0
    assert line.told(first, position=0) == 0
    assert line.told(first) > 0, "he is there, and takes nobody: he has missed an offer"


def test_a_wait_is_the_median_of_the_formula_in_whole_seconds():
    line = Line("a", "b")
    line.work("a", "b")
    for name, agent in ((line.arrive(), "a"), (line.arrive(), "b")):
        line.answer(name, agent)
    third = line.arrive(NOW + SECOND)
    kind = line.waiting.floor.waiting[third].kind
    now = NOW + 9 * SECOND
    view = look(line.waiting.floor, kind, now, contact_id=third)
    assert line.told(third, now=now) == rounded(qlm(view).p50_s) > 0
    assert view.waited_s == 8


def test_more_ahead_take_longer_and_more_agents_less():
    line = Line("a", "b")
    line.work("a")
    line.answer(line.arrive(), "a")
    waits = [line.arrive(NOW + SECOND + number) for number in range(3)]
    now = NOW + MINUTE
    one = [line.told(each, position=number, now=now) for number, each in enumerate(waits, 1)]
    assert one == sorted(set(one))
    assert line.told(position=4, now=now) > one[-1], "who comes now"
    line.work("b", at=now)
    two = [line.told(each, position=9, now=now) for each in waits]
    assert all(map(lt, two, one))


def test_the_better_priority_is_served_first():
    line = Line("a")
    line.work("a")
    line.answer(line.arrive(), "a")
    first, second = (line.arrive(NOW + number) for number in (1, 2))
    late = line.told(second, now=NOW + SECOND)
    line.tell(events.RoutingDataUpdated(second, 1, None), at=NOW + SECOND)
    assert line.told(second, now=NOW + SECOND) < late
    assert line.waiting.floor.waiting[second].kind.priority == 1
    line.tell(events.RoutingDataUpdated(first, None, 60_000), at=NOW + SECOND)
    assert line.waiting.floor.waiting[first].kind.age_adjustment_ms == 60_000


def test_after_contact_work_is_the_agents():
    line = Line("a")
    line.work("a")
    name = line.answer(line.arrive(), "a")
    line.tell(*line.legs.end(name, NOW + MINUTE), at=NOW + MINUTE)
    assert name in line.waiting.floor.serving
    line.tell(*line.legs.clear(name, "a", NOW + 2 * MINUTE), at=NOW + 2 * MINUTE)
    assert name not in line.waiting.floor.serving
    assert line.waiting.floor.agents["a"].ended_at == NOW + 2 * MINUTE


# In line and out of it


def losses(line):
    return len(line.waiting.floor.losses.ats)


def test_who_leaves_without_an_agent_is_lost_to_the_line_and_who_is_put_aside_is_not():
    line = Line("a")
    line.leave(line.arrive())
    moved = line.arrive()
    line.tell(*line.legs.end(moved, NOW, next_contact_id="b"))
    assert losses(line) == 2
    task, called = line.arrive(channel="TASK"), line.arrive()
    line.tell(events.TaskPaused(task))
    assert line.line(task) is None
    line.tell(events.TaskResumed(task, None, "q", "TASK", NOW - MINUTE))
    assert line.line(task) == "q TASK"
    assert line.waiting.floor.waiting[task].since == NOW - MINUTE
    line.tell(events.CallbackUnanswered(called, "a", "q", "VOICE", "TELECOM_UNANSWERED", NOW + 1))
    assert (line.line(called), losses(line)) == (None, 2)


def test_a_missed_offer_leaves_who_waits_where_he_was():
    line = Line("a")
    name = line.arrive(NOW - MINUTE)
    line.tell(line.legs.offer(name, "a", NOW), line.legs.miss(name))
    assert line.waiting.floor.waiting[name].since == NOW - MINUTE
    assert not line.waiting.floor.serving


def test_who_comes_back_stands_before_those_who_came_after_him_and_is_no_new_arrival():
    line = Line("a")
    line.work("a")
    line.answer(line.arrive(), "a")
    first, second = (line.seek(line.arrive(NOW + number), FRENCH) for number in (1, 2))
    third = line.arrive(NOW + 3)
    arrivals = len(line.waiting.floor.arrivals.ats)
    line.tell(events.RoutingStepExpired(second), at=NOW + MINUTE)
    line.tell(events.RoutingStepExpired(first), at=NOW + 2 * MINUTE)
    assert len(line.waiting.floor.arrivals.ats) == arrivals
    now = NOW + 3 * MINUTE
    waits = [line.told(each, position=9, now=now) for each in (first, second, third)]
    assert waits == sorted(set(waits))
    kept = line.arrive(NOW + 4 * MINUTE, ranks_from=NOW)
    waits = [line.told(each, position=9, now=now + MINUTE) for each in (kept, first)]
    assert waits == sorted(set(waits))


def test_a_contact_that_was_never_in_line_and_agents_own_calls_are_no_business_of_lines():
    line = Line("a")
    line.tell(line.legs.begin("flow", NOW), *line.legs.end("flow", NOW))
    own = line.legs.begin("own", NOW, method="OUTBOUND", stage="DIALING", agent_id="a")
    line.tell(own, line.legs.connect("own", "a", NOW))
    assert not line.waiting.floor.serving
    assert losses(line) == 0


# Staff


def test_an_agent_who_is_deleted_is_there_for_nobody_and_forgotten():
    line = Line("a", "b")
    line.work("a", "b")
    line.finish(line.answer(line.arrive(), "a"), "a", NOW)
    line.arrive()
    two = line.told()
    line.tell(events.ResourceDeleted("user", "a"), at=NOW + SECOND)
    assert line.told() > two
    assert line.waiting.floor.agents.keys() == {"b"}


def test_a_profile_that_is_changed_is_that_of_all_who_have_it():
    line = Line("a", rows=[("q", "VOICE"), ("q", "CHAT")])
    line.work("a")
    assert line.takes("a") == {"q VOICE": 1, "q CHAT": 3}
    by_hand = [{"QueueReference": {"QueueId": "q", "Channel": "CHAT"}}]
    changes = {"ManualAssignmentQueueConfigs": by_hand}
    line.tell(events.ResourceUpdated("routing_profile", "p", changes))
    assert line.takes("a") == {"q VOICE": 1}
    line.tell(events.ResourceUpdated("routing_profile", "p", profile_properties({"CHAT": 2}, [])))
    assert line.takes("a") == {}
    line.tell(profile("other", {"VOICE": 1}, [("q", "VOICE")]))
    line.tell(events.ResourceUpdated("user", "a", {"RoutingProfileId": "other"}))
    assert line.takes("a") == {"q VOICE": 1}


# Routing steps


def test_a_step_is_a_line_of_those_agents_who_meet_it():
    line = Line("a", "b")
    line.learn("a", FRENCH)
    line.work("a", "b")
    name = line.seek(line.arrive(), FRENCH, DUTCH)
    assert line.line(name) == line_of("q", "VOICE", FRENCH)
    assert line_of("q", "VOICE", FRENCH) in line.takes("a")
    assert line_of("q", "VOICE", FRENCH) not in line.takes("b")
    assert line.told(step=FRENCH) > 0
    assert line.told(step=DUTCH) is None
    line.learn("b", FRENCH)
    assert line_of("q", "VOICE", FRENCH) in line.takes("b")


def test_a_step_that_ends_leads_to_the_next_and_the_last_to_anybody():
    line = Line("a")
    name = line.seek(line.arrive(), FRENCH, DUTCH)
    line.tell(events.RoutingStepExpired(name), at=NOW + 1)
    assert line.line(name) == line_of("q", "VOICE", DUTCH)
    line.tell(line.legs.offer(name, "a", NOW + 2), events.RoutingStepExpired(name), at=NOW + 2)
    assert line.line(name) == "q VOICE"
    assert losses(line) == 0
    line.seek(name, FRENCH, at=NOW + 3)
    assert line.line(name) == line_of("q", "VOICE", FRENCH)


def test_criteria_from_before_the_queue_begin_in_it_and_in_an_agents_own_queue_never():
    line = Line("a")
    name = line.arrive(criteria=[Criteria((Step(FRENCH),))])
    assert line.line(name) == line_of("q", "VOICE", FRENCH)
    assert line.line(line.arrive(queue_id="a", criteria=[Criteria((Step(FRENCH),))])) == "a VOICE"


def test_steps_that_nobody_is_in_are_forgotten_some_day(monkeypatch):
    monkeypatch.setattr("ringfloor.projections.waiting.WAIT_STEPS_IDLE_MAX", 2)
    line = Line("a")
    stays = line.seek(line.arrive(), TEXTS[6])
    for each in (*TEXTS[:4], TEXTS[2]):
        line.leave(line.seek(line.arrive(), each))
    facts = line.waiting._facts
    assert {step for *_, step in facts.steps} == {TEXTS[6], TEXTS[3], TEXTS[2]}
    line.leave(stays)
    assert len(facts.steps) == 2
    assert Waiting.load(line.waiting.dump()) == line.waiting
    line.tell(events.ResourceDeleted("queue", "q"))
    assert facts.steps == facts.idle == line.waiting._seeking == {}


# As a read model


def lines_of_python(agents, waiting):
    """That a day's events of one agent and one contact take, in a center of this size."""
    line = Line(*(f"a{number}" for number in range(agents)))
    line.work(*(f"a{number}" for number in range(agents)))
    for number in range(agents):
        line.answer(line.arrive(), f"a{number}")
    waits = [line.arrive(NOW + number) for number in range(waiting)]
    lines = 0

    def count(_frame, what, _argument):
        nonlocal lines
        lines += what == "line"
        return count

    sys.settrace(count)
    try:
        at = NOW + MINUTE
        line.finish("c1", "a0", at)
        line.answer(waits[0], "a0", at)
        line.leave(waits[1], at)
        line.arrive(at)
        line.tell(status("a1", BREAK), status("a1", AVAILABLE), at=at)
    finally:
        sys.settrace(None)
    return lines


def test_an_event_costs_what_it_touches_however_many_agents_there_are_and_wait():
    assert lines_of_python(200, 200) < 1.2 * lines_of_python(20, 20)


def test_asking_changes_nothing():
    line = Line("a")
    line.work("a")
    name = line.seek(line.arrive(), FRENCH)
    before = line.waiting.dump()
    for asked in ({}, {"name": name}, {"step": DUTCH}, {"now": NOW + 99 * MINUTE}):
        line.told(**asked)
    line.waiting.estimate("nowhere", "CHAT", position=1, free=False, now=NOW)
    assert line.waiting.dump() == before


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**40), min_size=40, max_size=120), st.integers(0, 120))
def test_a_snapshot_goes_on_as_if_nothing_had_been(numbers, cut):
    history = list(random_history(numbers, Seeking()))
    waiting = Waiting()
    for event, at in history[:cut]:
        waiting.on(event, at)
    restored = Waiting.load(waiting.dump())
    assert restored == waiting
    for event, at in history[cut:]:
        waiting.on(event, at)
        restored.on(event, at)
    assert restored == waiting
    again = Waiting.load(waiting.dump())
    for name, each in waiting.floor.waiting.items():
        asked = [
            look(floor, each.kind, at, contact_id=name) for floor in (waiting.floor, again.floor)
        ]
        assert asked[0] == asked[1]


class Served:
    """A second opinion on who has whom, and on what agents will do next."""

    def __init__(self, legs):
        self.legs, self.agents, self.next = legs, {}, {}

    def note(self, event):
        match event:
            case events.ContactConnectedToAgent(contact_id=name, agent_id=agent):
                if self.legs[name].enqueued_at is not None:
                    self.agents[name] = agent
            case events.ContactCleared(contact_id=name, agent_id=agent):
                if self.agents.get(name) == agent:
                    del self.agents[name]
            case events.ContactCompleted(contact=contact):
                self.agents.pop(contact.id, None)
            case events.NextStatusChanged(agent_id=agent):
                self.next[agent] = event.status_id
            case events.AgentStatusChanged(agent_id=agent):
                self.next.pop(agent, None)
            case _:
                pass


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**40), min_size=60, max_size=160))
def test_lines_and_staff_are_those_of_the_history(numbers):
    """A second opinion, by looking at everybody."""
    world, waiting = Seeking(), Waiting()
    served = Served(world.legs.legs)
    for told in chain([world.begin()], map(world.step, numbers)):  # step by step: it is asked
        for event, now in told:
            waiting.on(event, now)
            served.note(event)
        assert {name: each.kind.queue for name, each in waiting.floor.waiting.items()} == {
            leg.id: line_of(leg.queue_id, leg.channel, world.active(leg.id))
            for leg in world.legs.legs.values()
            if leg.stage in ("IN_QUEUE", "OFFERED")
        }
        assert {name: each.agent for name, each in waiting.floor.serving.items()} == served.agents
    for agent, person in world.people.items():
        there = served.next.get(agent, person.status) == AVAILABLE
        known = waiting.floor.agents.get(agent)
        found = {} if known is None or known.slots is None else known.slots
        assert dict(found) == expected(world, waiting, agent) if there else not found


def expected(world, waiting, agent):
    """Lines, and how many contacts at once: by rows, by slots, by what he can."""
    of = world.people[agent].profile
    slots, skills = world.profiles[of], world.skills.get(agent, {})
    rows = {row: slots.get(row[1], 0) for row in world.rows[of]}
    lines = {line_of(*row): count for row, count in rows.items() if count}
    for *row, expression in waiting._facts.steps:
        if rows.get(tuple(row)) and satisfied(compiled(expression), agent, skills):
            lines[line_of(*row, expression)] = rows[tuple(row)]
    return lines


@pytest.mark.parametrize("old", [b"\x91\xa1x", msgspec.msgpack.encode((2, NOW, {}, {}, {}, {}))])
def test_foreign_bytes_and_those_of_another_layout_are_refused(old):
    with pytest.raises(msgspec.MsgspecError):
        Waiting.load(old)


def test_different_histories_are_not_equal():
    line = Line()
    line.arrive()
    assert Waiting() != line.waiting
    assert Waiting() != 5
    assert len(SKILLS) == 3
