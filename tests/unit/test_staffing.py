"""Staff: the first guess by formula, plans as shifts, what days say, and the search."""

from math import inf
from pathlib import Path

import pytest
from msgspec.structs import replace

from erlang import erlang_a, erlang_c, longer_than, stays_longer_than
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE
from ringfloor.simulator.distributions import constant, exponential, lognormal
from ringfloor.simulator.population import presence
from ringfloor.simulator.scenario import (
    Callers,
    Group,
    Profile,
    Queue,
    Retries,
    Row,
    Scenario,
    Shift,
    Stretch,
)
from ringfloor.simulator.staffing import trials as staffing_trials
from ringfloor.simulator.staffing.erlang import Load, Target, log_inverse_blocked, required, waits
from ringfloor.simulator.staffing.search import Aim, Search, _stand_in, changed, first_guess, found
from ringfloor.simulator.staffing.trials import (
    Came,
    Sketches,
    Theater,
    Trials,
    clocks,
    levels,
    played,
    reached,
    sketched,
    staffed,
    whole,
)
from scenarios import START, scenario, steady

SHIPPED = Path(__file__).parents[2] / "docs/scenarios"

CASES = [
    (1, 0.005, 0.01, 0.01),
    (3, 0.02, 0.01, 1 / 300),
    (10, 0.08, 0.01, 1 / 150),
    (10, 0.2, 0.01, 1 / 60),
    (40, 0.42, 0.01, 1 / 150),
    (100, 1.3, 0.01, 1 / 200),
    (100, 0.7, 0.01, 1 / 20),
]
"""Agents; arrivals, services and patience a second."""

# Erlang


@pytest.mark.parametrize(("agents", "arrivals", "service", "patience"), CASES)
def test_erlang_a_is_that_of_the_chain(agents, arrivals, service, patience):
    told, chain = (
        waits(agents, Load(arrivals, service, patience), 20),
        erlang_a(agents, arrivals, service, patience),
    )
    assert (told.delayed, told.wait, told.abandoned) == pytest.approx(tuple(chain), rel=1e-5)


@pytest.mark.parametrize("threshold", [5, 20, 90])
@pytest.mark.parametrize(("agents", "arrivals", "service", "patience"), CASES)
def test_who_is_answered_in_time_neither_waits_longer_nor_gives_up_before(
    agents, arrivals, service, patience, threshold
):
    """Who still waits gives up at the rate of patience: that by the states of the chain."""

    def still(at: float) -> float:
        return stays_longer_than(agents, arrivals, service, patience, at)

    steps = 40
    width = threshold / steps
    inner = sum((4 if at % 2 else 2) * still(at * width) for at in range(1, steps))
    gone = patience * (still(0) + inner + still(threshold)) * width / 3
    told = waits(agents, Load(arrivals, service, patience), threshold)
    assert told.level == pytest.approx(1 - still(threshold) - gone, abs=2e-5)


@pytest.mark.parametrize(("agents", "load"), [(2, 1.0), (14, 10.0), (14, 13.9), (300, 280.0)])
def test_erlang_c_is_that_without_end_of_patience(agents, load):
    told, formula = waits(agents, Load(load, 1.0), 0.3), erlang_c(agents, load, 1.0)
    assert (told.delayed, told.wait) == pytest.approx(formula[:2], rel=1e-5)
    assert told.level == pytest.approx(1 - longer_than(agents, load, 1.0, 0.3), abs=1e-5)
    assert told.abandoned == 0


def test_thousands_of_agents_are_no_trouble():
    for agents, abandoned in ((4_000, 0.2), (5_000, 0.004674), (10_000, 0.0), (20_000, 0.0)):
        told = waits(agents, Load(50, 0.01, 1 / 200), 20)
        assert told.abandoned == pytest.approx(abandoned, abs=1e-5)
        assert 0 <= told.level <= 1
    assert log_inverse_blocked(20_000, 10.0) > 700, "its power of e is no float"


def test_what_never_ends_and_nobody_at_all():
    assert waits(5, Load(0.06, 0.01), 20)[1:] == (0.0, 0.0, inf)
    assert waits(0, Load(1, 1), 20) == (1, 0, 0, inf)
    assert waits(0, Load(1, 1, 0.1), 20) == (1, 0, 1, 10)
    assert waits(0, Load(0, 1), 20) == (0, 1, 0, 0)
    assert required(Load(0, 1), Target(0.9, 20), 10) == 0
    assert required(Load(50, 1), Target(0.9, 20), 10) == 10, "more there are not"


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("load", [Load(0.001, 0.01, 0.01), Load(0.1, 0.01, 0.005), Load(5, 0.005)])
def test_required_are_the_fewest(load, level):
    for target in (Target(level, 20), Target(0.1, 20, 1 - level)):
        number = required(load, target, 5_000)
        assert target.met(waits(number, load, 20))
        assert number == 0 or not target.met(waits(number - 1, load, 20))


# Plans


def day(hours: float = 3, **parts: object) -> Scenario:
    return scenario(hours, thresholds=(20,), **parts)


def test_a_plan_becomes_shifts_and_those_at_work_at_the_end_stay():
    found = list(levels(day(), (2, 2, 3, 1, 0, 1)))
    assert [(each.first, each.last) for each in found] == [(1, 1), (2, 2), (3, 3)]
    assert found[0].shifts == (
        Shift(work=Stretch(480, 600)),
        Shift(work=Stretch(630, 690)),
    )
    assert found[1].shifts == (Shift(work=Stretch(480, 570)),)
    assert list(levels(day(), (0,) * 6)) == []


@pytest.mark.parametrize("start", [START, START + 14 * HOUR, START + 16 * HOUR])
def test_who_is_there_is_whom_the_plan_says(start):
    counts = (2, 0, 1, 3, 3, 2, 2, 4, 4, 0, 1, 1)
    plain = day(start=start, end=start + 6 * HOUR)
    with_staff = staffed(plain, {"day": counts})
    together = staffed(plain, {"day": counts}, apart=False)
    for number, count in enumerate(counts):
        at = start + number * HOUR // 2 + MINUTE
        for each in (with_staff, together):
            there = 0
            for group in each.groups.values():
                marks = [status for since, status in presence(each, group) if since <= at]
                there += group.count * (bool(marks) and marks[-1] == "Available")
            assert there == count


def test_a_whole_day_and_more_than_one():
    whole_day = day(24, start=START - 8 * HOUR, end=START + 16 * HOUR)
    assert clocks(whole_day) == list(range(0, 1440, 30))
    (level,) = levels(whole_day, (1,) * 48)
    assert level.shifts == (Shift(work=Stretch(0, 1440)),)
    with pytest.raises(Fault, match="longer than 24 hours"):
        clocks(day(25))
    with pytest.raises(Fault, match="the clocks of Europe/Berlin are changed"):
        clocks(
            day(
                24, start=1_774_738_800_000, end=1_774_738_800_000 + 24 * HOUR, zone="Europe/Berlin"
            )
        )


# Days


def test_the_sketch_and_the_engine_count_the_same():
    """Those who come count in the half hour in which they come; who is turned away came, too."""
    crowded = day(
        queues={"sales": Queue(handle=exponential(200), max_contacts=4)},
        callers={
            "some": Callers(
                arrivals=steady(60),
                queue="sales",
                patience=exponential(60),
                retries=Retries(chance=0.5, after=constant(100), at_most=2),
            )
        },
    )
    plan = {"day": (1, 2, 3, 0, 2, 2)}
    one, other = sketched(staffed(crowded, plan)), played(staffed(crowded, plan))
    assert one == other
    told = whole(one["sales"])
    assert told.arrivals > told.soon + 20
    assert told.gone > 20


def test_shares_have_the_confidence_that_is_asked_for():
    days = [Came(10, 8, 1), Came(20, 18, 0), Came(10, 6, 4), Came(10, 8, 0)]
    told = reached(days, 0.9)
    assert (told.arrivals, told.level, told.gone) == (12.5, 0.8, 0.1)
    # Residuals 0, 2, -2, 0: (4/3 x 8)^1/2 / 50, by 1.28 x (1 + (1.64 + 1) / 12).
    assert told.level - told.level_low == pytest.approx(0.0653 * 1.5639, abs=1e-3)
    assert told.margin(Target(0.7, 20)) == pytest.approx(told.level_low - 0.7)
    assert told.margin(Target(0.5, 20, 0.12)) == pytest.approx(0.12 - told.gone_high)
    assert reached(days, 0.5)[1:] == (0.8, 0.8, 0.1, 0.1)
    assert reached(days[:1], 0.99)[1:3] == (0.8, 0.8), "one day has no spread"
    assert reached([Came(0, 0, 0)], 0.9).margin(Target(1.0, 20)) == 1.0


# The search


def aim(level: float = 0.8, abandoned: float = 1.0, **more: object) -> Aim:
    return Aim(
        target=Target(level, 20, abandoned),
        **{"queues": ("sales",), "days": 12, "engine_days": 0, **more},
    )


def sales(per_hour: float = 90, **parts: object) -> Scenario:
    """M/M/s+M."""
    callers = Callers(arrivals=steady(per_hour), queue="sales", patience=exponential(180))
    queues = {"sales": Queue(handle=exponential(150))}
    return day(**{"hours": 4, "queues": queues, "callers": {"some": callers}, **parts})


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.7, 0.9])
def test_a_constant_load_needs_what_erlang_a_says(level):
    """But for the first half hour, when the center is empty yet, and for chance: one agent."""
    load = Load(90 / 3600, 1 / 150, 1 / 180)
    exact = required(load, Target(level, 20), 100)
    plan = found(sales(), aim(level)).plan["day"]
    assert all(abs(each - exact) <= 1 for each in plan), (exact, plan)
    assert abs(sum(plan[1:]) / len(plan[1:]) - exact) <= 0.75


@pytest.mark.slow
def test_the_target_is_met_on_days_of_the_engine_that_nobody_has_seen():
    rising = {480 + 30 * number: 10.0 + 16 * number for number in range(4)}
    callers = {"some": Callers(arrivals=rising, queue="sales", patience=exponential(100))}
    told = found(sales(hours=2, callers=callers), aim(0.8, 0.06, engine_days=6))
    assert told.engine is not None
    total = told.engine.totals["sales"]
    assert total.level > 0.8
    assert total.gone < 0.06
    assert list(told.plan["day"]) == sorted(told.plan["day"])
    assert all(each.margin(told.aim.target) >= 0 for each in told.reached.cells["sales"])


@pytest.mark.slow
def test_higher_targets_never_need_fewer_agents():
    wanted = (aim(0.5), aim(0.8), aim(0.95), aim(0.95, 0.005))
    hours = [sum(found(sales(hours=2), each).plan["day"]) for each in wanted]
    assert hours == sorted(hours)
    assert hours[0] < hours[-1]


TWO = {
    "queues": {"sales": Queue(handle=exponential(150)), "help": Queue(handle=lognormal(200, 100))},
    "profiles": {
        "sales": Profile(rows=(Row(queue="sales"),), concurrency={"VOICE": 1}),
        "both": Profile(rows=(Row(queue="sales"), Row(queue="help")), concurrency={"VOICE": 1}),
    },
    "callers": {
        "buyers": Callers(arrivals=steady(60), queue="sales", patience=exponential(180)),
        "owners": Callers(arrivals=steady(20), queue="help", patience=exponential(180)),
    },
}


@pytest.mark.slow
def test_skills_are_planned_together():
    """Who knows both queues is needed for one and helps in the other: fewer than apart."""
    groups = {"sellers": Group(count=1, profile="sales"), "all": Group(count=1, profile="both")}
    both = day(2, **TWO, groups=groups)
    told = found(both, aim(0.8, queues=("sales", "help")))
    assert sum(map(sum, told.plan.values())) < sum(map(sum, told.first_guess.values()))
    for queue in ("sales", "help"):
        assert all(each.margin(told.aim.target) >= 0 for each in told.reached.cells[queue])


def test_the_first_guess_takes_those_who_know_least_else():
    groups = {"all": Group(count=1, profile="both"), "sellers": Group(count=1, profile="sales")}
    guess = first_guess(day(1, **TWO, groups=groups), aim(queues=("sales", "help")))
    sales_load = Load(60 / 3600, 1 / 150, 1 / 180)
    help_load = Load(20 / 3600, 1 / 200, 1 / 180)
    assert guess["sellers"] == (required(sales_load, Target(0.8, 20), 99),) * 2
    assert guess["all"] == (required(help_load, Target(0.8, 20), 99),) * 2


def test_nobody_can_be_taken_from_the_plan_that_is_found():
    trials = Trials(Theater(sales(hours=2), sketched), range(6), 0.5)
    wanted = aim(0.8)
    search = Search(trials, wanted, {"day": 100})
    plan = search.run({"day": (1, 30, 0, 8)})
    assert min(search.margins(plan)["sales"]) >= 0
    for number in range(4):
        fewer = search.margins(changed(plan, {("day", number): -1}))["sales"]
        assert min(fewer[number:]) < 0
    before = dict(trials._known)
    assert search.run(plan) == plan
    assert dict(trials._known) == before, "what was tried is not tried again"


@pytest.mark.parametrize("kept", [10**6, 30, 0])
@pytest.mark.parametrize("retries", [None, Retries(chance=0.5, after=constant(60), at_most=3)])
def test_days_are_the_same_whether_their_chance_is_kept_or_drawn_anew(monkeypatch, kept, retries):
    """Of one line, and of callers who call again; in turn, so that one plan follows another."""
    monkeypatch.setattr(staffing_trials, "STAFF_CALLERS_KEPT_MAX", kept)
    of = sales(hours=1)
    callers = {name: replace(each, retries=retries) for name, each in of.callers.items()}
    of = replace(of, callers=callers)
    play = Sketches(of)
    for agents in ((3, 3), (9, 2), (3, 3)):
        with_staff = staffed(of, {"day": agents})
        for seed in (1, 2, 1):
            day = replace(with_staff, seed=seed)
            assert play(day) == sketched(day)


def test_a_day_of_a_plan_is_played_once():
    played_days = []
    theater = Theater(sales(hours=1), lambda each: played_days.append(each.seed) or sketched(each))
    plan = {"day": (4, 4)}
    Trials(theater, [1, 2], 0.5).result(plan)
    Trials(theater, [1, 2, 3], 0.9).result(plan)
    assert played_days == [1, 2, 3]
    assert theater.days == 3


def test_what_no_staff_can_reach_is_a_fault():
    slow = {"day": Group(count=1, profile="all", answers=constant(30))}
    with pytest.raises(
        Fault, match=r"cannot be met: of who comes to sales from 08:00 on 0\.0% are"
    ):
        found(sales(hours=1, groups=slow), aim(days=2))
    with pytest.raises(Fault, match=r"queues\.sales: no group of agents serves it"):
        found(replace(sales(hours=1), groups={}), aim(days=2))


def test_queues_that_are_not_judged_are_served_and_no_more():
    groups = {"sellers": Group(count=1, profile="sales"), "all": Group(count=1, profile="both")}
    told = found(day(1, **TWO, groups=groups), aim(0.95, queues=("sales",), days=4))
    assert told.reached.totals["help"].level < 0.95 < told.reached.totals["sales"].level


@pytest.mark.slow
def test_callers_of_flows_are_stood_in_for_by_those_who_come_where_flows_lead():
    menu = (SHIPPED / "menu.json").read_text()
    menu = menu.replace("claims}", "sales}").replace("contracts}", "help}")
    people = Callers(
        arrivals=steady(90), flow="menu", keys={"1": 0.75, "2": 0.25}, patience=exponential(180)
    )
    groups = {"sellers": Group(count=1, profile="sales"), "all": Group(count=1, profile="both")}
    with_menu = day(1, **TWO | {"callers": {"some": people}}, groups=groups, flows={"menu": menu})
    stand_in, pilots = _stand_in(with_menu, lambda *_: None)
    assert pilots == 3
    expected = {each.queue: sum(each.arrivals.values()) / 48 for each in stand_in.callers.values()}
    assert expected == {
        "sales": pytest.approx(45 * 0.75, rel=0.2),
        "help": pytest.approx(45 * 0.25, rel=0.35),
    }
    told = found(with_menu, aim(0.8, queues=("sales", "help"), days=6, engine_days=3))
    assert told.why_engine is None
    assert told.engine is not None
    for queue in ("sales", "help"):
        assert told.engine.totals[queue].level > 0.75
        assert all(each.margin(told.aim.target) >= 0 for each in told.reached.cells[queue])


@pytest.mark.slow
def test_other_channels_than_calls_are_planned_by_the_engine():
    writers = {"day": Group(count=1, profile="chats")}
    profiles = {
        "chats": Profile(rows=(Row(queue="sales", channel="CHAT"),), concurrency={"CHAT": 2})
    }
    some = Callers(arrivals=steady(60), queue="sales", channels={"CHAT": 1.0})
    told = found(
        sales(hours=1, profiles=profiles, groups=writers, callers={"some": some}),
        aim(0.8, engine_days=2, confidence=0.6),
    )
    assert told.why_engine == "callers.some.channels: CHAT, and only calls are sketched"
    assert told.reached.totals["sales"].level > 0.8
    assert 1 <= min(told.plan["day"]) <= max(told.plan["day"]) <= 6
