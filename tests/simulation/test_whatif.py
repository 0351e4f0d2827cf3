"""What if: days that were, played once more, and what would have been different in them.

The truth is always at hand: the scenario that the day was simulated by, simulated with the change.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pytest
from msgspec import json
from msgspec.structs import replace

from days import changed, kept, recorded, replayed
from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE
from ringfloor.call_logs.mapping import plan
from ringfloor.cli_whatif import lines, told
from ringfloor.domain import commands
from ringfloor.domain.events import (
    AgentStatusChanged,
    ContactCompleted,
    ContactConnectedToAgent,
    InstanceDeleted,
    Outcome,
    decode_outcome,
    encode_outcome,
)
from ringfloor.domain.logged import LoggedContact
from ringfloor.engine import engine
from ringfloor.engine.invariants import violations
from ringfloor.flow.defaults import action, document
from ringfloor.journal.journal import Record
from ringfloor.journal.reading import reading
from ringfloor.node.log_files import digest, mapping, rows
from ringfloor.simulator import scenario_file
from ringfloor.simulator.distributions import constant, exponential, uniform
from ringfloor.simulator.recorded import logs
from ringfloor.simulator.recorded.comparison import (
    ALL,
    Comparison,
    Played,
    compare,
    figures,
    really,
)
from ringfloor.simulator.recorded.journals import OWN_ID, Recorded, record, span
from ringfloor.simulator.scenario import (
    Callers,
    Function,
    Group,
    Profile,
    Queue,
    Row,
    Scenario,
    Shift,
    Speech,
    Stretch,
)
from ringfloor.simulator.simulation import Simulation
from scenarios import START, scenario, steady

SHIPPED = Path(__file__).parents[2] / "docs/scenarios"
LOG = Path(__file__).parents[3] / "shared/data/bank_february_1999_01_21.tsv"

BUSY = {
    "queues": {"sales": Queue(handle=exponential(120), after_work=uniform(5, 40))},
    "callers": {"some": Callers(arrivals=steady(90), queue="sales", patience=exponential(90))},
    "groups": {
        "day": Group(
            count=3,
            profile="all",
            shifts=(Shift(work=Stretch(480, 720), breaks=(Stretch(540, 555, "Lunch"),)),),
            answers=uniform(1, 6),
            misses=0.05,
            returns=constant(40),
        )
    },
}
MORE = '[[staff]]\nadd = 1\nprofile = "all"\nfrom = "08:00"\nto = "12:00"'


@pytest.fixture(scope="module")
def busy(tmp_path_factory) -> Recorded:
    """A morning of more than three agents can do."""
    return recorded(scenario(hours=4, **BUSY), tmp_path_factory.mktemp("busy") / "data")


def once(day: Recorded, text: str = "", *, replications: int = 4, **files: str) -> Comparison:
    what = changed(day.day, text, **files)
    return compare(day, what, replications=replications, workers=1)


# As it was


@pytest.mark.parametrize("name", ["monday", "channels"])
def test_a_day_played_unchanged_is_that_day_and_needs_no_chance(tmp_path, name):
    day = recorded_of(SHIPPED / f"{name}.toml", tmp_path)
    run = replayed(day.day)
    turns = day.day.turns()
    assert len(turns) > 400
    assert {n: (o.waited, o.agent_id) for n, o in run.outcomes.items()} == {
        n: (turn.waited, turn.service.agent_id if turn.service else None)
        for n, turn in enumerate(turns)
    }
    assert not +run.drawn
    assert not run.work.refused
    assert not run.work.center.contacts
    assert not violations(run.work.center)


def recorded_of(path: Path, directory: Path) -> Recorded:
    of = scenario_file.load(path)
    done = kept(of, directory / "data")
    day = zones.local(of.start, of.zone).date()
    with reading(done.directory) as journal:
        return record(journal, done.instance, day, of.zone)


def test_nothing_changed_is_no_difference_at_all(busy):
    found = once(busy)
    assert not found.by_chance
    assert found.replications == 1
    for figure in found.differences.values():
        for name, each in figure.items():
            assert each.difference == 0, name
            assert each.mean == each.one_day == (0, 0), name
            assert each.unchanged == pytest.approx(each.that_day), name
    alike = found.alike
    assert alike.waits == alike.outcome == alike.wait == alike.agent > 200


def test_the_figures_of_the_day_are_those_of_its_simulation(tmp_path):
    """Found in two ways: folded from the journal, and asked of the simulation itself."""
    of = scenario(hours=2, **BUSY)
    day = recorded(of, tmp_path / "data")
    truth = simulated(of, day)
    found = really(day, (20,))
    assert found.keys() == truth.keys() == {ALL, "sales"}
    for name, each in truth[ALL].items():
        assert found[ALL][name] == pytest.approx(each), name


def simulated(of: Scenario, day: Recorded):
    simulation = Simulation(of)
    waits: dict[str, list[int]] = {}

    def completed(event) -> None:
        contact = event.contact
        waits.setdefault(contact.queue_id, []).append(contact.dequeued_at - contact.enqueued_at)

    simulation.work.hear(ContactCompleted, completed)
    simulation.run()
    work = simulation.work
    return figures(day.day, Played(work.desk, work.history, simulation.until, waits), (20,))


# Something changed


def test_more_agents_make_waits_shorter_and_fewer_longer(busy):
    more = once(busy, MORE).differences[ALL]
    fewer = once(busy, '[[staff]]\nremove = "day-001"').differences[ALL]
    assert more["answer_seconds"].mean[1] < 0 < fewer["answer_seconds"].mean[0]
    assert more["abandoned"].mean[1] < 0 < fewer["abandoned"].mean[0]
    assert more["occupancy_percent"].difference < 0
    assert more["arrivals"].difference == fewer["arrivals"].difference == 0


def test_the_same_chance_is_the_same_answer_however_many_work_at_it(busy):
    what = changed(busy.day, MORE)
    one, two = (compare(busy, what, replications=3, workers=each) for each in (1, 2))
    assert one == two
    assert one != compare(busy, what, replications=2, workers=1, seed=7)


def test_an_agent_who_comes_later_is_missed_until_then(busy):
    late = changed(busy.day, '[[staff]]\nagent = "day-001"\nminutes = 60')
    run = replayed(busy.day, late)
    agent = next(
        each.id for each in run.work.center.resources["user"].values() if each.name == "day-001"
    )
    turns = busy.day.turns()
    began = {
        turns[number].since + outcome.waited
        for number, outcome in run.outcomes.items()
        if outcome.agent_id == agent
    }
    assert began
    assert min(began) >= START + 60 * MINUTE
    assert max(began) > START + 240 * MINUTE  # he stays longer


def test_whoever_is_like_another_comes_and_goes_with_him(busy):
    run = replayed(busy.day, changed(busy.day, '[[staff]]\nadd = 2\nlike = "day-002"'))
    users = {each.name: each.id for each in run.work.center.resources["user"].values()}
    assert {"new-001", "new-002"} <= users.keys()
    offline = run.work.center.agents[users["day-002"]].status_id
    assert {run.work.center.agents[users[each]].status_id for each in users} == {offline}
    served = {outcome.agent_id for outcome in run.outcomes.values()}
    assert users["new-001"] in served


TWO = {
    "queues": {name: Queue(handle=constant(60)) for name in ("sales", "help")},
    "profiles": {
        name: Profile(rows=(Row(queue=name),), concurrency={"VOICE": 1})
        for name in ("sales", "help")
    },
    "groups": {
        "sellers": Group(count=1, profile="sales"),
        "helpers": Group(count=2, profile="help"),
    },
    "callers": {
        "buyers": Callers(arrivals=steady(70), queue="sales", patience=exponential(200)),
        "users": Callers(arrivals=steady(20), queue="help", patience=exponential(200)),
    },
}


def test_another_routing_profile_routes_otherwise(tmp_path):
    day = recorded(scenario(hours=2, **TWO), tmp_path / "data")
    both = """
        [profiles.help]
        queues = [{ queue = "help" }, { queue = "sales", priority = 2, delay = 5 }]
    """
    found = once(day, both)
    assert found.differences["sales"]["abandoned"].mean[1] < -3
    assert found.differences["sales"]["answer_seconds"].mean[1] < 0


def test_an_agent_with_another_profile_does_other_work(tmp_path):
    day = recorded(scenario(hours=2, **TWO), tmp_path / "data")
    moved = '[[staff]]\nagent = "helpers-001"\nprofile = "sales"'
    assert once(day, moved).differences["sales"]["answered"].mean[0] > 3


def test_a_queue_that_takes_fewer_turns_the_others_away(tmp_path):
    day = recorded(scenario(hours=2, **TWO), tmp_path / "data")
    found = once(day, "[queues.sales]\nmax_contacts = 1").differences["sales"]
    assert found["arrivals"].changed < found["arrivals"].unchanged
    assert found["wait_longest_seconds"].changed < found["wait_longest_seconds"].unchanged


MENU = (SHIPPED / "menu.json").read_text()


def test_a_changed_flow_leads_elsewhere(tmp_path):
    """Those who have pressed what led to help are led to sales."""
    menu = MENU.replace("claims}", "sales}").replace("contracts}", "help}")
    callers = Callers(
        arrivals=steady(80), flow="menu", keys={"1": 2, "2": 1}, patience=exponential(200)
    )
    of = scenario(
        hours=1,
        **{
            **TWO,
            "flows": {"menu": menu},
            "callers": {"some": callers},
            "speech": Speech(words_per_minute=150),
        },
    )
    day = recorded(of, tmp_path / "data")
    text = '[flows.menu]\nfile = "other"'
    found = once(day, text, other=menu.replace("queue:help", "queue:sales")).differences
    before = found["help"]["arrivals"].unchanged
    assert before > 10
    assert found["help"]["arrivals"].changed in (0, None)
    assert found["sales"]["arrivals"].difference == before


def test_more_callers_are_more_of_those_who_came(busy):
    found = once(busy, "[callers]\nfactor = 1.5").differences[ALL]
    assert found["arrivals"].difference == pytest.approx(found["arrivals"].unchanged / 2, rel=0.15)
    assert found["abandoned"].mean[0] > 0
    half = once(busy, "[callers]\nfactor = 0.5").differences[ALL]
    assert half["arrivals"].changed == pytest.approx(half["arrivals"].unchanged / 2, rel=0.15)
    assert half["answer_seconds"].mean[1] < 0


def test_work_that_takes_longer_makes_others_wait(busy):
    found = once(busy, "[queues.sales]\npace = 1.25").differences[ALL]
    assert found["handle_seconds"].difference == pytest.approx(
        found["handle_seconds"].unchanged / 4, rel=0.1
    )
    assert found["answer_seconds"].mean[0] > 0


# The truth


def test_the_intervals_hold_what_would_really_have_been(tmp_path):
    """Five days of a busy center with an agent more: the truth is the scenario with him."""
    within, errors, told = 0, [], []
    for seed in range(1, 6):
        of = scenario(hours=2, seed=seed, **BUSY)
        day = recorded(of, tmp_path / str(seed))
        group = replace(of.groups["day"], count=4)
        truth = simulated(replace(of, groups={"day": group}), day)[ALL]
        found = once(day, '[[staff]]\nadd = 1\nlike = "day-001"', replications=3)
        each = found.differences[ALL]["abandoned"]
        real = truth["abandoned"] - each.that_day
        within += each.one_day[0] <= real <= each.one_day[1]
        told.append(each.difference)
        errors.append(each.difference - real)
    assert within >= 4
    assert fmean(told) < -10
    assert abs(fmean(errors)) < 0.2 * abs(fmean(told))


# The log of another center


@pytest.fixture(scope="module")
def bank() -> Recorded:
    how = plan(*mapping("bank-1999"))
    contacts = [each for each in rows(LOG, how, digest(LOG)) if isinstance(each, LoggedContact)]
    return logs.record(contacts, date(1999, 2, 12), how.file.zone, "bank")


def test_a_day_of_a_bank_is_much_as_it_was(bank):
    """A short Friday: the log tells neither presence, nor after contact work, nor routing."""
    found = once(bank, replications=3)
    total = found.differences[ALL]
    assert found.by_chance
    assert total["arrivals"].that_day == total["arrivals"].unchanged > 400
    assert total["answered"].unchanged == pytest.approx(total["answered"].that_day, rel=0.06)
    assert total["answer_seconds"].unchanged == pytest.approx(
        total["answer_seconds"].that_day, rel=0.35, abs=6
    )
    assert found.alike.outcome > 0.85 * found.alike.waits
    assert {"Regular", "Prospective", "Stock exchange"} <= found.differences.keys()


def test_with_fewer_tellers_the_bank_has_people_wait_longer(bank):
    busiest = max(
        bank.desk.center.resources["user"].values(),
        key=lambda user: sum(
            turn.service is not None and turn.service.agent_id == user.id
            for turn in bank.day.turns()
        ),
    )
    found = once(bank, f'[[staff]]\nremove = "{busiest.name}"').differences[ALL]
    assert found["answer_seconds"].mean[0] > 0
    assert found["arrivals"].difference == 0


def test_a_day_without_anybody_is_refused(tmp_path):
    with pytest.raises(Fault, match="--day 2001-01-01: nobody came"):
        logs.record([], date(2001, 1, 1), "UTC", "bank")
    done = kept(scenario(), tmp_path / "data")
    with reading(done.directory) as journal, pytest.raises(Fault, match="nothing happened on it"):
        record(journal, done.instance, date(2001, 1, 1), "UTC")


DAY = date(2025, 11, 16)


class Journal(NamedTuple):
    """Outcomes as a reader shows them."""

    instance: str
    outcomes: list[Outcome]

    def last(self, _instance: str) -> int:
        return len(self.outcomes)

    def day(self, day: date = DAY, zone: str = "UTC") -> Recorded:
        return record(self, self.instance, day, zone)

    def records(self, instance: str) -> Iterator[Record]:
        for number, each in enumerate(self.outcomes, 1):
            yield Record(instance, number, each.at, encode_outcome(each))


@pytest.fixture(scope="module")
def journal(tmp_path_factory) -> Journal:
    """Of an hour with one agent too few."""
    done = kept(scenario(hours=1, **BUSY), tmp_path_factory.mktemp("hour") / "data")
    with reading(done.directory) as found:
        outcomes = [decode_outcome(each.payload) for each in found.records(done.instance)]
        return Journal(done.instance, outcomes)


def test_on_a_day_between_others_nothing_happened(journal):
    status = next(
        each
        for each in journal.outcomes
        if any(isinstance(event, AgentStatusChanged) for event in each.events)
    )
    later = Outcome(status.at + 72 * HOUR, status.events)
    of = journal._replace(outcomes=[*journal.outcomes, later])
    with pytest.raises(Fault, match="--day 2025-11-17: nothing happened on it"):
        of.day(DAY + timedelta(1))
    assert of.day(DAY + timedelta(3)).day.arrivals == ()


@pytest.mark.parametrize("day", [date.min, date.max])
def test_days_that_no_clock_shows_are_refused(journal, day):
    with pytest.raises(Fault, match=r"no clock shows it|nothing happened"):
        journal.day(day, "Asia/Tokyo")


def test_an_instance_that_is_deleted_later_has_had_its_day(journal):
    gone = Outcome(journal.outcomes[-1].at + MINUTE, (InstanceDeleted(journal.instance),))
    found = journal._replace(outcomes=[*journal.outcomes, gone]).day()
    whole = journal.day()
    assert found.day.arrivals == whole.day.arrivals
    assert really(found, (20,)) == really(whole, (20,))


def test_of_a_journal_that_ends_in_the_middle_the_rest_is_drawn(journal):
    """As of a day that is not over yet."""
    half = journal._replace(outcomes=journal.outcomes[: len(journal.outcomes) * 2 // 3]).day()
    assert half.day.unfinished > 3
    assert journal.day().day.unfinished == 0
    found = once(half, replications=2)
    assert found.by_chance
    figures = found.differences[ALL]
    assert figures["arrivals"].unchanged == figures["arrivals"].that_day
    assert figures["answered"].unchanged > figures["answered"].that_day
    assert not found.refused.unchanged


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_on_which_clocks_are_changed_have_their_hours(tmp_path, day, hours):
    zone, when = "Europe/Berlin", date.fromisoformat(day)
    begins, ends = span(when, zone)
    assert ends - begins == hours * HOUR
    of = scenario(**BUSY | {"zone": zone, "start": begins + 1 * HOUR, "end": begins + 4 * HOUR})
    group = replace(of.groups["day"], shifts=())
    done = kept(replace(of, groups={"day": group}), tmp_path / "data")
    with reading(done.directory) as found:
        recorded = record(found, done.instance, when, zone)
    assert once(recorded).alike.wait == len(recorded.day.turns()) > 100
    text = '[[staff]]\nadd = 1\nprofile = "all"\nfrom = "04:00"\nto = "24:00"'
    (marks,) = changed(recorded.day, text).marks.values()
    assert [zones.local(at, zone).hour for at, _ in marks] == [4, 0]
    assert marks[1][0] == ends


def test_what_the_center_does_not_take_is_counted_and_told(journal):
    """Somebody deletes what is not there."""
    day = journal.day()
    edit = commands.DeleteResource("queue", "nowhere")
    odd = day._replace(day=replace(day.day, edits=((day.day.start + MINUTE, edit),)))
    found = once(odd, MORE, replications=2)
    (name,) = found.refused.unchanged
    assert name.startswith("DeleteResource ")
    assert found.refused.unchanged == found.refused.changed == {name: 1}
    assert told(odd.day, found)["refused"]["changed"] == {name: 1}
    shown = [*lines(odd.day, found, is_changed=True)]
    assert f"changed, the center refused what came too late for it: {name} 1.0" in shown


def test_a_day_begins_with_whoever_is_there_already(tmp_path):
    """Midnight in the middle of everything: menus, queues, ringing, talks, work after them."""
    menu = MENU.replace("claims}", "sales}").replace("contracts}", "sales}")
    night = START + 14 * HOUR
    slow = Group(count=5, profile="all", answers=uniform(1, 9), misses=0.1, returns=constant(40))
    of = scenario(
        **BUSY
        | {
            "start": night,
            "end": night + 4 * HOUR,
            "queues": {"sales": Queue(handle=uniform(60, 120), after_work=uniform(40, 80))},
            "flows": {"menu": menu},
            "groups": {"night": slow},
            "callers": {
                "some": Callers(
                    arrivals=steady(130),
                    flow="menu",
                    keys={"1": 1},
                    thinks=uniform(1, 40),
                    patience=exponential(90),
                )
            },
            "speech": Speech(words_per_minute=20),
        }
    )
    done = kept(of, tmp_path / "data")
    with reading(done.directory) as journal:
        day = record(journal, done.instance, date(2025, 11, 17), "UTC").day
    assert day.begins == day.start // MINUTE * MINUTE == night + 2 * HOUR
    stages = Counter(engine.restore(day.center).contacts[each].stage for each in day.there)
    assert stages.keys() >= {"IN_FLOW", "IN_QUEUE", "CONNECTED", "ENDED"}
    run = replayed(day)
    assert {n: o.waited for n, o in run.outcomes.items()} == {
        n: turn.waited
        for n, turn in enumerate(day.turns())
        if turn.connected_at is None or turn.connected_at >= day.start
    }
    assert not +run.drawn
    assert not run.work.refused


def test_what_agents_do_with_others_is_played_as_far_as_it_can_be(tmp_path):
    """Two callers are put into the other queue; a helper makes a call of his own meanwhile."""
    served = Counter[str]()

    def arrange(simulation: Simulation) -> None:
        work, center = simulation.work, simulation.work.center
        ids = {name: each for each, name in simulation.people.built.queues.items()}
        config = {
            "QuickConnectType": "QUEUE",
            "QueueConfig": {
                "QueueId": ids["help"],
                "ContactFlowId": center.named("contact_flow", "Default queue transfer"),
            },
        }
        way = work.make(
            commands.CreateResource(
                kind="quick_connect", properties={"Name": "help", "QuickConnectConfig": config}
            )
        )
        helper = next(
            each.id for each in simulation.people.built.agents if "helpers/2" in each.name
        )

        def joined(event: ContactConnectedToAgent) -> None:
            queue_id = center.contacts[event.contact_id].queue_id
            served[queue_id] += 1
            if queue_id == ids["sales"] and served[queue_id] in (3, 6):
                whose = event.agent_id, event.contact_id
                hands_on = commands.AddParty(
                    agent_id=whose[0], contact_id=whose[1], quick_connect_id=way
                )
                work.at(work.now + 20_000, work.do, hands_on)
                work.at(work.now + 30_000, work.do, commands.LeaveContact(*whose))

        work.hear(ContactConnectedToAgent, joined)
        call = commands.DialOut(
            agent_id=helper, to="+12065550000", queue_id=center.named("queue", "BasicQueue")
        )
        for minute in range(20, 60, 10):
            work.at(START + minute * MINUTE, work.do, call)

    day = recorded(scenario(hours=1, **TWO), tmp_path / "data", arrange)
    handed = [leg for leg in day.day.legs.values() if leg.handed_on]
    assert len(handed) == 2
    assert {after for leg in handed for _, after in leg.handed_on} == {20_000}
    assert day.day.own_work > 0
    assert OWN_ID in {mark.status_id for mark in day.day.marks}
    run = replayed(day.day)
    again = {leg.handed_on[0][0] for leg in handed}
    assert again <= run.visits.keys()
    found = once(day).differences
    for queue in ("sales", "help"):
        each = found[queue]["arrivals"]
        assert each.unchanged == each.that_day, queue
    alike = once(day).alike
    assert alike.outcome >= alike.waits - 3
    assert alike.wait >= 0.9 * alike.waits


def test_what_was_changed_in_the_course_of_the_day_is_changed_again(tmp_path):
    """At half past eight the sellers take help, too; a change of the same profile overrides it."""

    def arrange(simulation: Simulation) -> None:
        work, center = simulation.work, simulation.work.center
        profile = center.named("routing_profile", "sales")
        other = center.named("routing_profile", "help")
        rows = [
            row
            for each in (profile, other)
            for row in center.resources["routing_profile"][each].properties["QueueConfigs"]
        ]
        both = commands.UpdateResource("routing_profile", profile, {"QueueConfigs": rows})
        work.at(START + 30 * MINUTE, work.do, both)

    of = scenario(hours=1, **TWO | {"groups": {"sellers": Group(count=2, profile="sales")}})
    day = recorded(of, tmp_path / "data", arrange)
    run = replayed(day.day)
    turns = day.day.turns()
    assert {n: o.waited for n, o in run.outcomes.items()} == {
        n: turn.waited for n, turn in enumerate(turns)
    }
    helped = [turn for turn in turns if turn.queue_id == run.work.center.named("queue", "help")]
    assert any(turn.connected_at is not None for turn in helped)
    own = changed(day.day, '[profiles.sales]\nqueues = [{ queue = "sales" }]')
    found = compare(day, own, replications=2, workers=1).differences["help"]
    assert found["answered"].changed == 0 < found["answered"].unchanged


def test_callbacks_and_moves_between_queues_are_the_flows_own_again(tmp_path):
    """Half of the callers ask to be called back; who waits for 25 s for sales goes on to help."""
    back = {
        "QueueId": "${queue:sales}",
        "InitialCallDelaySeconds": "30",
        "MaximumConnectionAttempts": "2",
        "RetryDelaySeconds": "60",
    }
    asks = document(
        action("make", "CreateCallbackContact", back, "bye", NoMatchingError="bye"),
        action("bye", "DisconnectParticipant"),
    )

    def arrange(simulation: Simulation) -> None:
        work = simulation.work
        ids = {name: each for each, name in simulation.people.built.queues.items()}
        play = {"Messages": [{"Text": "Please wait."}], "InterruptFrequencySeconds": "25"}
        move = {"QueueId": work.home.arn_of("queue", ids["help"])}
        wait = action("play", "MessageParticipantIteratively", play)
        wait["Transitions"] = {
            "NextAction": "move",
            "Conditions": [
                {
                    "NextAction": "move",
                    "Condition": {"Operator": "Equals", "Operands": ["MessagesInterrupted"]},
                }
            ],
            "Errors": [{"ErrorType": "NoMatchingError", "NextAction": "end"}],
        }
        errors = {"QueueAtCapacity": "end", "NoMatchingError": "end"}
        flow = document(
            wait,
            action("move", "DequeueContactAndTransferToQueue", move, "end", **errors),
            action("end", "EndFlowExecution"),
        )
        content = json.encode(flow).decode()
        default = work.center.named("contact_flow", "Default customer queue")
        work.make(commands.UpdateResource("contact_flow", default, {"Content": content}))

    callers = {
        "asking": Callers(arrivals=steady(25), flow="asks"),
        "waiting": Callers(arrivals=steady(60), queue="sales", patience=exponential(60)),
    }
    flows = {"asks": json.encode(asks).decode()}
    groups = {name: Group(count=1, profile=name, answers=constant(2)) for name in ("sales", "help")}
    of = scenario(hours=1, **TWO | {"flows": flows, "callers": callers, "groups": groups})
    day = recorded(of, tmp_path / "data", arrange)
    methods = Counter(leg.born.initiation_method for leg in day.day.legs.values())
    assert methods["CALLBACK"] > 10 < methods["QUEUE_TRANSFER"]
    run = replayed(day.day)
    assert {n: (o.waited, o.agent_id) for n, o in run.outcomes.items()} == {
        n: (turn.waited, turn.service.agent_id if turn.service else None)
        for n, turn in enumerate(day.day.turns())
    }
    assert not +run.drawn
    assert once(day).alike.wait == len(day.day.turns())
    more = once(day, '[[staff]]\nadd = 1\nprofile = "sales"\nfrom = "08:00"\nto = "10:00"')
    assert more.differences["help"]["arrivals"].mean[1] < 0


def test_chats_say_and_functions_answer_what_they_did(tmp_path):
    """A function that fails now and then says who is let in; then a menu, in calls and chats."""
    menu = json.decode(MENU.replace("claims}", "sales}").replace("contracts}", "help}"))
    look = {"LambdaFunctionARN": "${lambda:crm}", "InvocationTimeLimitSeconds": "8"}
    ask = action("ask", "InvokeLambdaFunction", look, "menu", NoMatchingError="goodbye")
    menu["StartAction"] = "ask"
    menu["Actions"].append(ask)
    callers = Callers(
        arrivals=steady(150),
        flow="menu",
        channels={"VOICE": 1.0, "CHAT": 1.0},
        keys={"1": 1.0, "2": 1.0, "": 1.0},
        thinks=uniform(1, 5),
        patience=exponential(90),
    )
    channels = tuple(
        Row(queue=queue, channel=channel)
        for queue in ("sales", "help")
        for channel in ("VOICE", "CHAT")
    )
    of = scenario(
        hours=1,
        **TWO
        | {
            "flows": {"menu": json.encode(menu).decode()},
            "functions": {"crm": Function(takes=uniform(0, 3), fails=0.2)},
            "profiles": {"all": Profile(rows=channels, concurrency={"VOICE": 1, "CHAT": 2})},
            "groups": {"all": Group(count=3, profile="all", answers=constant(2))},
            "callers": {"some": callers},
            "speech": Speech(words_per_minute=150),
        },
    )
    day = recorded(of, tmp_path / "data")
    run = replayed(day.day)
    assert {n: (o.waited, o.agent_id) for n, o in run.outcomes.items()} == {
        n: (turn.waited, turn.service.agent_id if turn.service else None)
        for n, turn in enumerate(day.day.turns())
    }
    assert not +run.drawn
    silent = [leg for leg in day.day.legs.values() if leg.turn is None]
    assert 15 < len(silent) < 45  # whom the function has let down

    # One more menu in front, at which nobody has ever said anything.
    again = json.decode(json.encode(menu))
    again["Actions"][0]["Identifier"] = "first"
    again["Actions"].append({**menu["Actions"][0], "Identifier": "menu"})
    for each in again["Actions"]:
        if each["Identifier"] == "first":
            each["Transitions"] = {
                "NextAction": "menu",
                "Conditions": [],
                "Errors": [
                    {"ErrorType": error, "NextAction": "menu"}
                    for error in (
                        "InputTimeLimitExceeded",
                        "NoMatchingCondition",
                        "NoMatchingError",
                    )
                ],
            }
        if each["Identifier"] == "ask":
            each["Transitions"]["NextAction"] = "first"
    text = '[flows.menu]\nfile = "again"'
    found = once(day, text, again=json.encode(again).decode()).differences
    for queue in ("sales", "help"):  # the old menu hears what it heard
        assert found[queue]["arrivals"].changed == found[queue]["arrivals"].unchanged > 10
    assert found[ALL]["arrivals"].changed == found[ALL]["arrivals"].unchanged
