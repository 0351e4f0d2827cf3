"""The sketch has no truth of its own: contact by contact it finds what the real engine finds.

Scenarios are drawn by seed, many of them so that much happens at one instant: lengths of whole
seconds, callers who come by the clock. A failure shows the first contact that is another.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from random import Random
from statistics import correlation, fmean, pvariance
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from ringfloor import cli, cli_simulate
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.domain import events
from ringfloor.report import sketched
from ringfloor.report.contents import Figures as Told
from ringfloor.simulator import sketched_line
from ringfloor.simulator.chance import Chance
from ringfloor.simulator.distributions import (
    Distribution,
    Lengths,
    constant,
    erlang,
    exponential,
    lognormal,
    mixture,
    observed,
    uniform,
    weibull,
)
from ringfloor.simulator.office import Office
from ringfloor.simulator.scenario import (
    Callers,
    Group,
    Holds,
    Profile,
    Queue,
    Retries,
    Row,
    Scenario,
    Shift,
    Speech,
    Stretch,
)
from ringfloor.simulator.simulation import Simulation
from ringfloor.simulator.sketch import Stay, sketch, stays, why_not
from ringfloor.simulator.sketched_routing import Floor
from scenarios import scenario, steady


class Lived(NamedTuple):
    """A simulation that is over: every stay in a queue, and when which agent was Available."""

    simulation: Simulation
    stays: list[Stay]
    available: list[tuple[int, int, int]]


def lived(of: Scenario) -> Lived:
    """As the real engine has it."""
    simulation = Simulation(of)
    available = at_work(simulation)
    people, found = simulation.people, dict[str, Stay]()

    def enqueued(event: events.ContactEnqueued) -> None:
        caller = people.calls[event.contact_id]
        found[event.contact_id] = Stay(
            callers=caller.group,
            caller=int(caller.name.rpartition("/")[2]),
            attempt=caller.attempt,
            queue=people.built.queues[event.queue_id],
            entered=simulation.work.now,
            answered=None,
            agent=None,
            ended=None,
            cleared=None,
        )

    def agent(agent_id: str) -> tuple[str, int]:
        _, group, number = people.agents[agent_id].name.split("/")
        return group, int(number)

    def connected(event: events.ContactConnectedToAgent) -> None:
        tell(event.contact_id, answered=simulation.work.now, agent=agent(event.agent_id))

    def cleared(event: events.ContactCleared) -> None:
        had = found[event.contact_id]
        if had.ended and had.agent == agent(event.agent_id):  # others may have missed it
            tell(event.contact_id, cleared=simulation.work.now)

    def tell(contact_id: str, **what: Any) -> None:
        if contact_id in found:
            found[contact_id] = found[contact_id]._replace(**what)

    for kind, told in (
        (events.ContactEnqueued, enqueued),
        (events.ContactConnectedToAgent, connected),
        (events.ContactEnded, lambda e: tell(e.contact_id, ended=simulation.work.now)),
        (events.ContactCleared, cleared),
    ):
        simulation.work.hear(kind, told)
    simulation.run()
    return Lived(simulation, list(found.values()), available())


def at_work(simulation: Simulation) -> Callable[[], list[tuple[int, int, int]]]:
    """When agents were Available, once the simulation is over; agents by their order."""
    built = simulation.people.built
    order = {each.id: number for number, each in enumerate(built.agents)}
    available, since = built.statuses["Available"], dict[int, int]()
    found: list[tuple[int, int, int]] = []

    def changed(event: events.AgentStatusChanged) -> None:
        agent, now = order[event.agent_id], simulation.work.now
        if agent in since:
            found.append((agent, since.pop(agent), now))
        if event.status_id == available:
            since[agent] = now

    simulation.work.hear(events.AgentStatusChanged, changed)
    return lambda: sorted(
        each
        for each in (*found, *((agent, at, simulation.until) for agent, at in since.items()))
        if each[1] < each[2]
    )


def same(ours: Sequence[Stay], theirs: Sequence[Stay]) -> None:
    for number, (mine, real) in enumerate(zip_longest(ours, theirs)):
        assert mine == real, f"contact {number} of {len(theirs)}"


def agrees(of: Scenario) -> None:
    simulation, theirs, available = lived(of)
    same(stays(of), theirs)
    told = sketch(of)
    people = simulation.people
    assert (told.came, told.repeated) == (people.came, people.repeated)
    assert told.total().abandoned == people.abandoned
    assert (told.still_there, told.until) == (simulation.left, simulation.until)
    played = sketched_line.play(of) if sketched_line.fits(of) else Floor(of).play()
    assert sorted(each for each in played.available if each[1] < each[2]) == available


# Scenarios by seed


class Drawn:
    """Parts of scenarios, drawn by one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.coarse = self.dice.random() < 0.5
        """Whether much is to happen at one instant."""

    def length(self, mean: float) -> Distribution:
        coarse = [
            constant(0),
            constant(self.some(15, 30, 60)),
            observed([15, 30, 60, 120]),
            observed([0, 30]),
        ]
        fine = [
            exponential(mean),
            lognormal(mean, mean),
            erlang(mean, 3),
            uniform(0, 2 * mean),
            mixture([constant(1), exponential(mean)], [1, 3]),
        ]
        return self.dice.choice(coarse if self.coarse else fine)

    def some(self, *of: Any) -> Any:
        return self.dice.choice(of)

    def queues(self, names: Sequence[str]) -> Mapping[str, Queue]:
        return {
            name: Queue(
                handle=self.length(self.some(40, 90)),
                after_work=self.some(constant(0), self.length(20), self.length(60)),
                max_contacts=self.some(None, None, None, 4),
            )
            for name in names
        }

    def profile(self, names: Sequence[str]) -> Profile:
        served = self.dice.sample(names, self.dice.randint(1, len(names)))
        return Profile(
            rows=tuple(
                Row(
                    queue=each,
                    priority=self.some(1, 1, 2, 3),
                    delay_seconds=self.some(0, 0, 10, 30),
                )
                for each in served
            ),
            concurrency={"VOICE": 1},
        )

    def shifts(self) -> tuple[Shift, ...]:
        if self.dice.random() < 0.4:
            return ()
        begins = self.some(480, 485, 490)
        ends = self.some(515, 525)
        long = (Stretch(begins + 10, begins + 15, "Lunch"), Stretch(begins + 15, 510, "Tea"))
        short = tuple(
            Stretch(at, at + 1, self.some("Tea", "Chat")) for at in range(begins + 2, ends, 3)
        )
        first = Shift(work=Stretch(begins, ends), breaks=self.some((), long, short, short))
        return self.some((first,), (first, Shift(work=Stretch(525, self.some(540, 600)))))

    def group(self, profiles: Sequence[str], queues: Sequence[str]) -> Group:
        slow = {self.dice.choice(queues): self.length(70)}
        return Group(
            count=self.dice.randint(1, 4),
            profile=self.dice.choice(profiles),
            shifts=self.shifts(),
            answers=self.some(constant(0), constant(0), self.length(4), self.length(19)),
            misses=self.some(0.0, 0.0, 0.3),
            returns=self.some(constant(0), self.length(30)),
            pace=self.some(1.0, 1.0, 0.5, 2.0),
            handle=self.some({}, {}, slow),
            after_work=self.some({}, {}, slow),
        )

    def callers(self, queues: Sequence[str], per_hour: float) -> Callers:
        again = Retries(
            chance=self.some(0.5, 1.0), after=self.length(60), at_most=self.dice.randint(1, 3)
        )
        return Callers(
            arrivals=steady(per_hour),
            queue=self.dice.choice(queues),
            evenly=self.coarse,
            patience=self.some(None, self.length(60), self.length(60), self.length(25)),
            retries=self.some(None, again),
            priority=self.some(None, None, 1, 5, 9),
        )

    def anything(self) -> Scenario:
        queues = ["a", "b", "c"][: self.dice.randint(1, 3)]
        profiles = ["one", "two", "three"][: self.dice.randint(1, 3)]
        crowds = ["x", "y", "z"][: self.dice.randint(1, 3)]
        groups = ["early", "late", "night"][: self.dice.randint(1, 3)]
        return scenario(
            1,
            seed=self.dice.randrange(1000),
            queues=self.queues(queues),
            profiles={name: self.profile(queues) for name in profiles},
            groups={name: self.group(profiles, queues) for name in groups},
            callers={
                name: self.callers(queues, self.some(60, 120, 240) / len(crowds)) for name in crowds
            },
        )

    def line(self) -> Scenario:
        """What simulator.sketched_line plays."""
        group = {"profile": "all", "answers": constant(0)}
        return scenario(
            1,
            seed=self.dice.randrange(1000),
            queues={
                "sales": Queue(
                    handle=self.length(60),
                    after_work=self.some(constant(0), self.length(9), self.length(60)),
                )
            },
            groups={
                name: Group(
                    count=self.dice.randint(1, 4),
                    shifts=self.shifts(),
                    pace=self.some(1.0, 0.5),
                    **group,
                )
                for name in ("early", "late")[: self.dice.randint(1, 2)]
            },
            callers={
                "some": Callers(
                    arrivals=steady(self.some(60, 180, 360)),
                    queue="sales",
                    evenly=self.coarse,
                    patience=self.some(None, self.length(40), self.length(90)),
                )
            },
        )


@pytest.mark.parametrize("seed", range(40))
def test_whatever_can_be_sketched_is_as_the_engine_has_it(seed):
    agrees(Drawn(seed).anything())


@pytest.mark.parametrize("seed", range(12))
def test_a_line_is_as_the_engine_has_it(seed):
    of = Drawn(seed).line()
    assert sketched_line.fits(of)
    agrees(of)


@pytest.mark.parametrize("agents", [8, 25], ids=["too few", "enough"])
def test_a_busy_center_is_as_the_engine_has_it(agents):
    callers = Callers(arrivals=steady(900), queue="sales", patience=exponential(90))
    usual = Group(count=agents, profile="all")
    agrees(scenario(1, callers={"some": callers}, groups={"day": usual}))


def test_who_is_never_served_is_left():
    for patience in (None, constant(13 * 3600), exponential(4 * 3600)):
        callers = Callers(arrivals=steady(20), queue="sales", patience=patience)
        agrees(scenario(1, groups={}, callers={"some": callers}))
        agrees(scenario(1, groups={}, callers={"some": callers, "more": callers}))


def test_night_shifts_and_leaping_clocks_are_as_the_engine_has_them():
    night = Shift(work=Stretch(22 * 60, 6 * 60), breaks=(Stretch(90, 200, "Nap"),))
    early = Shift(work=Stretch(5 * 60, 9 * 60))
    agrees(
        scenario(
            zone="Europe/Berlin",
            start=1_774_735_200_000,  # the evening before clocks leap
            end=1_774_735_200_000 + 14 * HOUR,
            groups={
                name: Group(count=2, profile="all", shifts=(shift,))
                for name, shift in (("night", night), ("early", early))
            },
            callers={"some": Callers(arrivals=steady(80), queue="sales", patience=constant(100))},
        )
    )


# The line against the floor


@pytest.mark.parametrize("seed", range(100, 130))
def test_a_line_is_what_the_floor_makes_of_it(seed):
    of = Drawn(seed).line()
    groups = {name: replace(each, count=9 * each.count) for name, each in of.groups.items()}
    busy = {"some": replace(of.callers["some"], arrivals=steady(2500))}
    long = replace(of, end=of.start + 6 * HOUR, groups=groups, callers=busy)
    quick, plain = sketched_line.play(long), Floor(long).play()
    assert quick._replace(available=[]) == plain._replace(available=[])
    assert sorted(quick.available) == sorted(plain.available)
    assert quick.came > 10_000


@pytest.mark.parametrize(
    "parts",
    [
        {"queues": {"sales": Queue(handle=constant(9), max_contacts=9)}},
        {"groups": {"day": Group(count=1, profile="all", answers=constant(1))}},
        {"groups": {"day": Group(count=1, profile="all", misses=0.1)}},
        {"groups": {"day": Group(count=1, profile="all", handle={"sales": constant(3)})}},
        {
            "profiles": {
                "all": Profile(
                    rows=(Row(queue="sales", delay_seconds=1),), concurrency={"VOICE": 1}
                )
            }
        },
        {
            "callers": {
                name: Callers(arrivals=steady(9), queue="sales", priority=rank)
                for name, rank in (("gold", 1), ("usual", 5))
            }
        },
        {
            "callers": {
                "some": Callers(
                    arrivals=steady(9),
                    queue="sales",
                    retries=Retries(chance=1, after=constant(1), at_most=1),
                )
            }
        },
    ],
)
def test_what_is_no_line_is_left_to_the_floor(parts):
    assert sketched_line.fits(scenario())
    assert not sketched_line.fits(scenario(**parts))


# Figures


def close(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 4, 7, 9])
def test_its_figures_are_those_that_production_tells(seed):
    of = replace(Drawn(seed).anything(), thresholds=(5, 60))
    simulation = Simulation(of)
    simulation.run()
    with Office(simulation) as office:
        real = cli_simulate.told(office)
    ours = sketched.made(sketch(of, counted="ended"), of)
    assert (ours.start, ours.end, ours.zone) == (real.start, real.end, real.zone)
    for mine, theirs in (
        (ours.totals, real.totals),
        *((mine.figures, theirs.figures) for mine, theirs in both(ours.queues, real.queues)),
        *((mine.figures, theirs.figures) for mine, theirs in both(ours.cells, real.cells)),
    ):
        levels = mine.service_levels if theirs.service_levels else ()
        assert levels == tuple(map(close, theirs.service_levels))
        for name in set(Told.__struct_fields__) - {"service_levels"}:
            assert getattr(mine, name) == close(getattr(theirs, name)), name
    assert ours.occupancy == close(real.occupancy)
    for mine, theirs in both(ours.cells, real.cells):
        assert (mine.start, mine.end) == (theirs.start, theirs.end)
        assert mine.occupancy == close(theirs.occupancy)


def both(ours: Sequence[Any], theirs: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(ours, theirs, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_the_stays(seed):
    of = replace(Drawn(seed).anything(), thresholds=(10, 40))
    every, told = stays(of), sketch(of)
    for cell in told.cells:
        mine = [
            each
            for each in every
            if each.queue == cell.queue and 0 <= each.entered - cell.start < 30 * MINUTE
        ]
        answers = [each.answered - each.entered for each in mine if each.answered is not None]
        gone = [each.ended - each.entered for each in mine if each.ended and not each.agent]
        found = cell.figures
        assert (found.arrivals, found.answered, found.abandoned) == (
            len(mine),
            len(answers),
            len(gone),
        )
        assert found.answer_ms == sum(answers)
        assert found.abandon_ms == sum(gone)
        assert found.longest_ms == max([*answers, *gone], default=0)
        assert found.handle_ms == sum(
            (each.cleared or told.until) - each.answered for each in mine if each.answered
        )
        assert found.answered_within == tuple(
            sum(wait < most * SECOND for wait in answers) for most in of.thresholds
        )
        assert found.within == tuple(
            sum(wait < most * SECOND for wait in [*answers, *gone]) for most in of.thresholds
        )
    totals = [replace(sketch(of, counted=each).total()) for each in ("entered", "left", "ended")]
    assert totals[0] == totals[1] == totals[2]


def test_who_comes_to_a_full_queue_is_turned_away_and_never_was_in_it():
    queues = {"sales": Queue(handle=constant(600), max_contacts=2)}
    told = sketch(scenario(queues=queues))
    all_told = told.total()
    assert told.came == all_told.arrivals + all_told.turned_away
    assert all_told.turned_away > all_told.arrivals > 5
    assert told.total("sales") == all_told
    assert told.total(start=told.start).turned_away < all_told.turned_away


def test_shares_and_means_of_figures():
    told = sketch(scenario(queues={"sales": Queue(handle=constant(60))})).total()
    assert told.abandonment == 0
    assert told.service_level() == told.within[0] / told.answered
    assert told.answer_seconds == told.answer_ms / 1000 / told.answered
    nothing = sketch(scenario(callers={})).total()
    assert (nothing.abandonment, nothing.service_level(), nothing.answer_seconds) == (None,) * 3


def test_occupancy_is_of_the_time_in_which_agents_are_available():
    shift = Shift(work=Stretch(480, 510), breaks=(Stretch(490, 495, "Tea"),))
    queues = {"sales": Queue(handle=constant(40), after_work=constant(20))}
    callers = Callers(arrivals={480: 5.0}, evenly=True, queue="sales")
    told = sketch(
        scenario(
            queues=queues,
            groups={"day": Group(count=1, profile="all", shifts=(shift,))},
            callers={"some": callers},
        )
    )
    (first, second) = told.crews
    assert (first.group, first.available_ms, first.contact_ms) == ("day", 25 * MINUTE, 5 * MINUTE)
    assert (second.available_ms, second.contact_ms) == (0, 0)
    assert told.occupancy() == told.occupancy("day", told.start) == 5 / 25
    assert told.occupancy(start=told.start + 30 * MINUTE) is None


def test_another_seed_is_another_day_and_the_same_is_the_same():
    of = scenario(2)
    assert sketch(of) == sketch(of, seed=1)
    assert sketch(of, seed=2) != sketch(of)
    assert stays(of, seed=2) == stays(replace(of, seed=2))


# The command

SHIFTS = """\
start = 2026-11-16T08:00:00
end = 2026-11-16T10:00:00
time_zone = "Europe/Berlin"
thresholds = [20, 60]

[queues.claims]
handle = { kind = "lognormal", mean = 210, deviation = 190 }
after_work = 15

[profiles.claims]
queues = [{ queue = "claims" }]

[agents.early]
count = 6
profile = "claims"
answers = 3
misses = 0.05
returns = 30
shifts = [{ from = "08:00", to = "10:00", breaks = [{ from = "09:00", to = "09:30" }] }]

[callers.customers]
queue = "claims"
per_hour = 90
patience = { kind = "exponential", mean = 200 }
retries = { chance = 0.5, after = 300, at_most = 2 }
"""


@pytest.fixture
def shifts(tmp_path: Path) -> str:
    path = tmp_path / "shifts.toml"
    path.write_text(SHIFTS)
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["simulate", *arguments]) == 0
    return capsys.readouterr().out


def test_the_command_prints_the_same_table_of_a_sketch(shifts, capsys):
    whole, quick = printed(capsys, shifts), printed(capsys, shifts, "--sketch")
    (title, *table), (quick_title, *quick_table) = whole.split("\n"), quick.split("\n")
    assert title == quick_title.replace("sketch of", "simulation of")
    size = next(at for at, line in enumerate(table) if line.startswith("waits: "))
    assert table[:size] == quick_table[:size]
    assert size > 10
    assert "sketched, without the engine" in quick


def test_the_command_tells_the_same_figures_of_a_sketch(shifts, capsys):
    whole, quick = (
        json.loads(printed(capsys, shifts, "--json", "-", *more)) for more in ((), ("--sketch",))
    )
    assert quick["sketch"]
    for name in ("seed", "until", "attempts", "repeated", "gave_up", "left"):
        assert quick[name] == whole[name]
    told, quickly_told = whole["queues"]["claims"], quick["queues"]["claims"]
    assert quickly_told.pop("service_levels") == pytest.approx(told.pop("service_levels"))
    assert quickly_told == pytest.approx(told)
    many = json.loads(printed(capsys, shifts, "--json", "-", "--sketch", "--replications", "3"))
    assert many["seeds"] == [1, 2, 3]
    assert many["intervals"]["totals"]["arrivals"]["replications"] == 3


def test_the_command_makes_a_page_of_a_sketch(shifts, tmp_path, capsys):
    page = tmp_path / "day.html"
    printed(capsys, shifts, "--sketch", "--html", str(page))
    assert "sketch of shifts" in page.read_text()
    assert page.read_text().count("<svg") >= 2


def test_the_command_refuses_what_cannot_be_sketched(capsys):
    monday = Path(__file__).parents[2] / "docs/scenarios/monday.toml"
    assert cli.main(["simulate", str(monday), "--sketch"]) == 1
    assert "--sketch: callers.customers.flow" in capsys.readouterr().err


# What it is not


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"callers": {"some": Callers(arrivals={}, flow="menu")}}, "callers.some.flow"),
        (
            {"callers": {"x": Callers(arrivals={}, queue="sales", channels={"CHAT": 1.0})}},
            "callers.x.channels: CHAT",
        ),
        (
            {
                "queues": {
                    "sales": Queue(handle=constant(9), holds=Holds(chance=1, lasts=constant(9)))
                }
            },
            "queues.sales.holds",
        ),
        ({"queues": {"sales": Queue(handle=constant(9), hands_on={"x": 1})}}, "queues.sales.hands"),
        ({"speech": Speech(words_per_minute=100)}, "words_per_minute"),
        ({"speech": Speech(prompt_seconds=2)}, "prompt_seconds"),
        (
            {"profiles": {"all": Profile(rows=(Row(queue="sales"),), concurrency={"VOICE": 2})}},
            "profiles.all.voice",
        ),
        (
            {"profiles": {"all": Profile(rows=(Row(queue="sales"),) * 2, concurrency={})}},
            "profiles.all.queues",
        ),
    ],
)
def test_what_cannot_be_sketched_is_refused_by_its_name(parts, words):
    of = scenario(**parts)
    assert words in (why_not(of) or "")
    for door in (sketch, stays):
        with pytest.raises(Fault, match="cannot be sketched"):
            door(of)
    assert why_not(scenario()) is None


def test_whatever_a_scenario_may_say_is_played_or_refused():
    """Who adds a member to a scenario decides here what a sketch makes of it."""
    known = {
        Scenario: "name start end zone seed thresholds queues profiles groups callers"
        " | speech | flows functions bots",
        Queue: "handle after_work max_contacts | holds hands_on",
        Profile: "rows concurrency",
        Row: "queue channel priority delay_seconds",
        Group: "count profile shifts answers misses returns pace handle after_work"
        " | | proficiencies",
        Shift: "work breaks",
        Callers: "arrivals queue evenly patience retries priority"
        " | flow channels | keys thinks attributes",
        Retries: "chance after at_most",
        Speech: "words_per_minute prompt_seconds",
    }  # played | refused | matters to flows alone
    for kind, words in known.items():
        assert set(words.replace("|", "").split()) == set(kind.__struct_fields__)


# Chance


@pytest.mark.parametrize(
    "of",
    [
        constant(0),
        constant(7),
        exponential(30),
        lognormal(30, 40),
        uniform(1, 9),
        observed([1, 5, 9]),
        weibull(30, 0.8),
        erlang(30, 4),
        mixture([constant(1), erlang(9, 2)], [1, 2]),
    ],
)
def test_lengths_are_those_that_people_draw(of):
    chance = Chance(5)
    lengths = Lengths(chance, "callers/some", "handle", 1, of)
    drawn = [of.ms(chance.deal(f"callers/some/{each}", "handle", 1)) for each in range(1, 40)]
    assert lengths.in_order(39) == drawn
    assert [lengths(each) for each in range(39, 0, -1)] == drawn[::-1]


def test_neighbours_share_a_hash_and_no_number():
    chance = Chance(5)
    crowd = [chance.deal(f"callers/some/{each}", "handle") for each in range(1, 2001)]
    firsts, seconds = [deal() for deal in crowd], [deal() for deal in crowd]
    long = [chance.deal(f"callers/{each}", "handle")() for each in (10**30, 10**30 + 1)]
    assert len({*firsts, *seconds, *long}) == 4002
    for numbers in (firsts, seconds):
        assert fmean(numbers) == pytest.approx(1 / 2, abs=0.03)
        assert pvariance(numbers) == pytest.approx(1 / 12, abs=0.008)
        assert correlation(numbers[1:], numbers[:-1]) == pytest.approx(0, abs=0.08)
    assert correlation(firsts, seconds) == pytest.approx(0, abs=0.08)
