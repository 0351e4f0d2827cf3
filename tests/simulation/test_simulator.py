"""Days of the simulator: people do what the scenario says, and production tells of it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from ringfloor import cli, cli_simulate, output
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.domain import events
from ringfloor.engine.invariants import violations
from ringfloor.flow.defaults import action, document
from ringfloor.simulator.distributions import constant, exponential
from ringfloor.simulator.intervals import interval
from ringfloor.simulator.office import Office
from ringfloor.simulator.scenario import (
    Bot,
    Callers,
    Function,
    Group,
    Holds,
    Profile,
    Queue,
    Retries,
    Row,
    Shift,
    Speech,
    Stretch,
)
from scenarios import START, Watched, scenario, steady

SHIPPED = Path(__file__).parents[2] / "docs/scenarios"
MENU = (
    (SHIPPED / "menu.json").read_text().replace("claims}", "sales}").replace("contracts}", "help}")
)


def test_the_same_seed_is_the_same_day_and_another_is_another():
    one, same, other = (Watched(scenario(seed=seed)) for seed in (1, 1, 2))
    assert one.stays == same.stays
    assert one.seen == same.seen
    assert one.stays != other.stays


def test_everybody_is_served_and_nothing_is_left():
    day = Watched(scenario())
    came = day.simulation.people.came
    assert came == len(day.stays) == day.count(events.ContactCompleted) > 20
    assert all(stay.served for stay in day.stays)
    assert not day.simulation.left
    assert not day.simulation.work.refused
    assert not violations(day.simulation.work.center)


def test_more_agents_have_the_same_callers_with_the_same_matters():
    few, many = (
        Watched(scenario(groups={"day": Group(count=count, profile="all")})) for count in (1, 4)
    )

    def talks(day: Watched) -> dict[str, int]:
        began = {
            e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactConnectedToAgent)
        }
        ended = {e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactEnded)}
        return {each: ended[each] - at for each, at in began.items()}

    assert talks(few) == talks(many)
    assert [stay.came for stay in sorted(few.stays)] == [stay.came for stay in sorted(many.stays)]
    assert sum(stay.wait for stay in many.stays) < sum(stay.wait for stay in few.stays)


def test_who_has_no_patience_left_hangs_up_and_may_call_again():
    again = Retries(chance=1.0, after=constant(60), at_most=2)
    callers = Callers(
        arrivals={480: 10.0}, evenly=True, queue="sales", patience=constant(30), retries=again
    )
    day = Watched(scenario(groups={}, callers={"some": callers}))
    assert day.simulation.people.abandoned == 30
    assert day.simulation.people.repeated == 20
    assert {stay.wait for stay in day.stays} == {30 * SECOND}
    assert day.count(events.ContactEnded, reason="CUSTOMER_DISCONNECT") == 30


def test_nobody_calls_again_after_the_end():
    again = Retries(chance=1.0, after=constant(7200), at_most=2)
    callers = Callers(
        arrivals={480: 10.0}, evenly=True, queue="sales", patience=constant(30), retries=again
    )
    day = Watched(scenario(groups={}, callers={"some": callers}))
    assert (day.simulation.people.abandoned, day.simulation.people.repeated) == (10, 0)


def test_who_waits_for_ever_is_left_when_overtime_is_over():
    day = Watched(scenario(groups={}))
    assert day.simulation.left == day.simulation.people.came > 0
    assert day.simulation.until == START + 13 * HOUR


def test_agents_take_their_time_miss_some_and_come_back():
    group = Group(count=3, profile="all", answers=constant(4), misses=0.3, returns=constant(40))
    day = Watched(scenario(hours=3, groups={"day": group}))
    offers, missed = day.count(events.ContactOffered), day.count(events.OfferMissed)
    assert missed / offers == pytest.approx(0.3, abs=0.12)
    assert all(stay.served and stay.wait >= 4 * SECOND for stay in day.stays)
    gone: dict[tuple[str, str], int] = {}
    back = set()
    for at, event in day.seen:
        if isinstance(event, events.OfferMissed):
            gone[event.contact_id, event.agent_id] = at
        if isinstance(event, events.ContactCleared):
            whose = event.contact_id, event.agent_id
            back.add(at - gone.pop(whose) if whose in gone else None)
    assert back == {40 * SECOND, None}


def test_work_takes_as_long_as_queue_group_and_pace_say():
    queues = {"sales": Queue(handle=constant(60), after_work=constant(20))}
    slow = Group(count=1, profile="all", pace=1.5, after_work={"sales": constant(30)})
    day = Watched(scenario(queues=queues, groups={"day": slow}))
    times: dict[str, list[int]] = {}
    for at, event in day.seen:
        if isinstance(
            event, events.ContactConnectedToAgent | events.ContactEnded | events.ContactCleared
        ):
            times.setdefault(event.contact_id, []).append(at)
    assert {(b - a, c - b) for a, b, c in times.values()} == {(90 * SECOND, 45 * SECOND)}


def test_agents_come_go_and_have_breaks_and_finish_what_they_have():
    shift = Shift(work=Stretch(480, 540), breaks=(Stretch(500, 510, "Lunch"),))
    group = Group(count=1, profile="all", shifts=(shift,))
    impatient = Callers(arrivals=steady(120), queue="sales", patience=exponential(100))
    day = Watched(scenario(groups={"day": group}, callers={"some": impatient}))
    names = {v: k for k, v in day.simulation.people.built.statuses.items()}
    told = [
        (names[e.status_id], (at - START) // MINUTE)
        for at, e in day.seen
        if isinstance(e, events.AgentStatusChanged)
    ]
    assert [status for status, _ in told] == ["Available", "Lunch", "Available", "Offline"]
    assert [planned <= at for (_, at), planned in zip(told, (0, 20, 30, 60), strict=True)]
    offers = [(at - START) / MINUTE for at, e in day.seen if isinstance(e, events.ContactOffered)]
    assert not [at for at in offers if 20 <= at < 30 or at >= 60]


def test_keys_lead_through_flows_and_speech_takes_time():
    queues = {"sales": Queue(handle=constant(9)), "help": Queue(handle=constant(9))}
    both = Profile(rows=(Row(queue="sales"), Row(queue="help")), concurrency={"VOICE": 1})
    callers = Callers(
        arrivals=steady(200),
        flow="menu",
        keys={"1": 2.0, "2": 1.0, "": 1.0},
        thinks=constant(3),
        attributes={"tier": "gold"},
    )
    day = Watched(
        scenario(
            queues=queues,
            flows={"menu": MENU},
            profiles={"all": both},
            groups={"day": Group(count=30, profile="all")},
            callers={"some": callers},
            speech=Speech(words_per_minute=120),
        )
    )
    by_queue = [stay.queue for stay in day.stays]
    assert by_queue.count("help") / len(by_queue) == pytest.approx(0.25, abs=0.08)
    began = {e.contact.id: at for at, e in day.seen if isinstance(e, events.ContactInitiated)}
    spent = {
        at - began[e.contact_id] for at, e in day.seen if isinstance(e, events.ContactEnqueued)
    }
    assert spent == {5500 + 3000, 5500 + 6000}  # eleven words, and a key or none
    contact = day.of(events.ContactCompleted)[0].contact
    assert contact.attributes == {"tier": "gold"}


def test_chats_and_tasks_are_served_beside_calls():
    channels = Profile(
        rows=tuple(Row(queue="sales", channel=each) for each in ("VOICE", "CHAT", "TASK")),
        concurrency={"VOICE": 1, "CHAT": 2, "TASK": 1},
    )
    mixed = Callers(
        arrivals=steady(120),
        queue="sales",
        channels={"VOICE": 1.0, "CHAT": 1.0, "TASK": 1.0},
        patience=exponential(120),
    )
    day = Watched(
        scenario(
            profiles={"all": channels},
            groups={"day": Group(count=2, profile="all")},
            callers={"some": mixed},
        )
    )
    ended = {
        each: day.of(events.ContactEnqueued, channel=each) for each in ("VOICE", "CHAT", "TASK")
    }
    assert all(len(each) > 20 for each in ended.values())
    served = {event.contact_id for event in day.of(events.ContactConnectedToAgent)}
    assert {event.contact_id for event in ended["TASK"]} <= served
    reasons = {event.reason for event in day.of(events.ContactEnded)}
    assert {"CUSTOMER_DISCONNECT", "AGENT_DISCONNECT", "AGENT_COMPLETED"} <= reasons
    assert not day.simulation.left
    assert not day.simulation.work.refused


def a_flow(first: dict[str, Any], *others: dict[str, Any]) -> str:
    """What comes first, then to sales if $.External.tier is gold, else to help."""
    tier = action(
        "tier",
        "Compare",
        {"ComparisonValue": "$.External.tier"},
        "help",
        [("Equals", "gold", "sales")],
        NoMatchingCondition="help",
    )
    queues = (
        action(
            each,
            "UpdateContactTargetQueue",
            {"QueueId": f"${{queue:{each}}}"},
            "wait",
            NoMatchingError="bye",
        )
        for each in ("sales", "help")
    )
    full = {"QueueAtCapacity": "bye", "NoMatchingError": "bye"}
    wait = action("wait", "TransferContactToQueue", {}, "bye", **full)
    bye = action("bye", "DisconnectParticipant")
    return json.dumps(document(first, *others, tier, *queues, wait, bye))


ASKS = action(
    "ask",
    "InvokeLambdaFunction",
    {"LambdaFunctionARN": "${lambda:crm}", "InvocationTimeLimitSeconds": "4"},
    "tier",
    NoMatchingError="help",
)
LISTENS = action(
    "ask",
    "ConnectParticipantWithLexBot",
    {
        "Text": "What is it about?",
        "LexV2Bot": {"AliasArn": "arn:aws:lex:us-east-1:123456789012:bot-alias/DESK/LIVE"},
    },
    "help",
    [("Equals", "Buy", "sales")],
    NoMatchingError="help",
    NoMatchingCondition="help",
    InputTimeLimitExceeded="help",
)
FLUENT = {
    "Name": "language",
    "Value": "french",
    "ProficiencyLevel": 3,
    "ComparisonOperator": "NumberGreaterOrEqualTo",
}
SEEKS = action(
    "seek",
    "UpdateRoutingCriteria",
    {"RoutingCriteria": {"Steps": [{"Expression": {"AttributeCondition": FLUENT}}]}},
    "sales",
    NoMatchingError="help",
)
TWO = {
    "queues": {name: Queue(handle=constant(20)) for name in ("sales", "help")},
    "profiles": {
        "all": Profile(
            rows=tuple(
                Row(queue=name, channel=channel)
                for name in ("sales", "help")
                for channel in ("VOICE", "CHAT")
            ),
            concurrency={"VOICE": 1, "CHAT": 1},
        )
    },
    "groups": {"day": Group(count=20, profile="all")},
}


def by_flow(first: dict[str, Any], **parts) -> Watched:
    callers = parts.pop("callers", Callers(arrivals=steady(200), flow="menu", thinks=constant(2)))
    return Watched(
        scenario(**TWO, flows={"menu": a_flow(first)}, callers={"some": callers}, **parts)
    )


def share(day: Watched, queue: str) -> float:
    return sum(each.queue == queue for each in day.stays) / len(day.stays)


def until_queued(day: Watched) -> set[int]:
    """How long each was in his flow before."""
    began = {e.contact.id: at for at, e in day.seen if isinstance(e, events.ContactInitiated)}
    return {at - began[e.contact_id] for at, e in day.seen if isinstance(e, events.ContactEnqueued)}


GOLD = {"tier": "gold"}


def test_functions_answer_one_thing_or_another():
    either = Function(answers=((3.0, GOLD), (1.0, {"tier": "tin"}), (1.0, {})))
    assert share(by_flow(ASKS, functions={"crm": either}), "sales") == pytest.approx(0.6, abs=0.1)


def test_functions_answer_or_fail_after_their_time():
    gold = Function(answers=((1.0, GOLD),), takes=constant(0.5), fails=0.25)
    day = by_flow(ASKS, functions={"crm": gold})
    assert share(day, "sales") == pytest.approx(0.75, abs=0.1)
    assert until_queued(day) == {500}
    assert not day.simulation.left


@pytest.mark.parametrize(
    ("functions", "lasts"),
    [
        ({}, 0),
        ({"crm": Function(answers=((1.0, {"tier": "tin"}),))}, 0),
        ({"crm": Function(answers=((1.0, GOLD),), takes=constant(5))}, 4000),
    ],
    ids=["unknown", "another answer", "too late"],
)
def test_functions_that_do_not_help(functions, lasts):
    day = by_flow(ASKS, functions=functions)
    assert share(day, "sales") == 0
    assert until_queued(day) == {lasts}


@pytest.mark.parametrize("channel", ["VOICE", "CHAT"])
def test_bots_understand_one_thing_or_another(channel):
    bot = Bot(intents={"Buy": 3.0, "FallbackIntent": 1.0}, takes=constant(1))
    callers = Callers(
        arrivals=steady(200), flow="menu", thinks=constant(2), channels={channel: 1.0}
    )
    day = by_flow(LISTENS, bots={"DESK": bot}, callers=callers)
    assert share(day, "sales") == pytest.approx(0.75, abs=0.1)
    assert until_queued(day) == {3000}


def test_bots_that_fail_and_those_that_nobody_knows():
    failing = Bot(intents={"Buy": 1.0}, fails=1.0, says="One moment")
    assert share(by_flow(LISTENS, bots={"DESK": failing}), "help") == 1
    assert share(by_flow(LISTENS), "help") == 1
    speaking = by_flow(
        LISTENS,
        bots={"DESK": Bot(intents={"Buy": 1.0}, says="One moment")},
        speech=Speech(words_per_minute=60),
    )
    assert share(speaking, "sales") == 1
    assert until_queued(speaking) == {4000 + 2000 + 2000}


def test_flows_seek_agents_by_their_proficiencies():
    parts = {
        **TWO,
        "groups": {
            "fluent": Group(count=2, profile="all", proficiencies={"language": {"french": 4}}),
            "others": Group(count=5, profile="all", proficiencies={"language": {"french": 2}}),
        },
    }
    callers = Callers(arrivals=steady(200), flow="menu")
    day = Watched(scenario(**parts, flows={"menu": a_flow(SEEKS)}, callers={"some": callers}))
    assert {each.queue for each in day.stays} == {"sales"}
    assert {each.group for each in day.stays} == {"fluent"}
    assert len(day.stays) > 50


AT_ONCE = {
    "InitialCallDelaySeconds": "0",
    "MaximumConnectionAttempts": "1",
    "RetryDelaySeconds": "60",
}


@pytest.mark.parametrize(
    ("answers", "rings"), [(constant(0), {0}), (constant(3), {3000})], ids=["at once", "rings"]
)
def test_whoever_is_to_be_called_back_is_called_and_loses_no_patience(answers, rings):
    flow = document(
        action(
            "sales",
            "UpdateContactTargetQueue",
            {"QueueId": "${queue:sales}"},
            "ask",
            NoMatchingError="bye",
        ),
        action("ask", "CreateCallbackContact", AT_ONCE, "bye", NoMatchingError="bye"),
        action("bye", "DisconnectParticipant"),
    )
    day = Watched(
        scenario(
            flows={"menu": json.dumps(flow)},
            groups={"day": Group(count=1, profile="all", answers=answers)},
            callers={
                "some": Callers(arrivals=steady(30), evenly=True, flow="menu", patience=constant(1))
            },
        )
    )
    called = day.of(events.ContactOffered)
    assert len(called) == 30
    assert not day.count(events.OfferMissed)
    taken = {e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactAccepted)}
    assert {
        taken[e.contact_id] - at for at, e in day.seen if isinstance(e, events.ContactOffered)
    } == rings
    assert sum(each.served for each in day.stays) == 30
    assert max(each.wait for each in day.stays) > 10 * SECOND
    assert not day.simulation.people.abandoned
    assert not day.simulation.work.refused
    assert not day.simulation.left


def test_agents_hand_contacts_on():
    """A third of the calls, chats and tasks goes on, and waits once more with new patience."""
    parts = {
        **TWO,
        "queues": {
            "sales": Queue(handle=constant(30), hands_on={"help": 1 / 3}),
            "help": Queue(handle=constant(50)),
        },
        "profiles": {
            name: Profile(
                rows=tuple(Row(queue=name, channel=each) for each in ("VOICE", "CHAT", "TASK")),
                concurrency={"VOICE": 1, "CHAT": 1, "TASK": 1},
            )
            for name in ("sales", "help")
        },
        "groups": {
            "first": Group(count=20, profile="sales"),
            "second": Group(count=2, profile="help"),
        },
    }
    for channel in ("VOICE", "CHAT", "TASK"):
        callers = Callers(
            arrivals=steady(300),
            queue="sales",
            channels={channel: 1.0},
            patience=exponential(60),
        )
        day = Watched(scenario(**parts, callers={"some": callers}))
        by_queue = {name: [e for e in day.stays if e.queue == name] for name in ("sales", "help")}
        part = len(by_queue["help"]) / len(by_queue["sales"])
        assert part == pytest.approx(1 / 3, abs=0.09), channel
        assert len(by_queue["sales"]) == day.simulation.people.came
        assert all(each.served and each.over - each.came == 30_000 for each in by_queue["sales"])
        gone = [each for each in by_queue["help"] if not each.served]
        assert (channel == "TASK") == (not gone)
        assert len({each.wait for each in gone}) == len(gone)
        assert day.simulation.people.abandoned == len(gone)
        assert not day.simulation.left
        assert not day.simulation.work.refused
        assert not violations(day.simulation.work.center)
        with Office(day.simulation) as office:
            rows = office.metric_data() or []
            out = sum(
                each["Value"]
                for row in rows
                for each in row["Collections"]
                if each["Metric"]["Name"] == "CONTACTS_HANDLED"
            )
        assert out == len(by_queue["sales"]) + len(by_queue["help"]) - len(gone)


def test_agents_put_on_hold_in_the_middle_of_a_call():
    holds = Holds(chance=0.5, lasts=constant(10))
    queues = {"sales": Queue(handle=constant(60), holds=holds)}
    day = Watched(scenario(queues=queues, groups={"day": Group(count=5, profile="all")}))
    began = {
        e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactConnectedToAgent)
    }
    ended = {e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactEnded)}
    held = {e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactHeld)}
    back = {e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactResumed)}
    assert len(held) / len(began) == pytest.approx(0.5, abs=0.2)
    for each, at in began.items():
        lasts = 70 if each in held else 60
        assert ended[each] - at == lasts * SECOND
        if each in held:
            assert (held[each] - at, back[each] - at) == (30 * SECOND, 40 * SECOND)


def test_a_rank_lets_callers_pass_others():
    busy = Callers(arrivals=steady(50), queue="sales")
    day = Watched(
        scenario(
            hours=4,
            callers={"some": busy, "gold": Callers(arrivals=steady(8), queue="sales", priority=1)},
        )
    )
    ranked = {e.contact_id for e in day.of(events.RoutingDataUpdated)}
    waits: dict[bool, list[int]] = {True: [], False: []}
    came = {e.contact_id: at for at, e in day.seen if isinstance(e, events.ContactEnqueued)}
    for at, event in day.seen:
        if isinstance(event, events.ContactConnectedToAgent):
            waits[event.contact_id in ranked].append(at - came[event.contact_id])
    gold, others = (sum(each) / len(each) for each in (waits[True], waits[False]))
    assert gold < others / 3


def test_production_counts_what_happened():
    callers = Callers(arrivals=steady(90), queue="sales", patience=exponential(60))
    day = Watched(scenario(hours=2, callers={"some": callers}))
    served = [stay for stay in day.stays if stay.served]
    with Office(day.simulation) as office:
        (row,) = office.metric_data() or []
        values = {each["Metric"]["Name"]: each["Value"] for each in row["Collections"]}
        assert values["CONTACTS_QUEUED"] == len(day.stays)
        assert values["CONTACTS_HANDLED"] == len(served) > 0
        assert values["CONTACTS_ABANDONED"] == len(day.stays) - len(served) > 0
        wait = sum(stay.wait for stay in served) / len(served) / 1000
        assert values["QUEUE_ANSWER_TIME"] == pytest.approx(wait)
        level = sum(stay.wait < 20_000 for stay in day.stays) / len(day.stays)
        assert values["SERVICE_LEVEL"] == pytest.approx(100 * level, abs=0.01)
        rows = list(
            office.listed(
                "GetMetricDataV2",
                "MetricResults",
                ResourceArn=office.home.arn,
                StartTime=START / 1000,
                EndTime=office.now / 1000,
                Filters=[{"FilterKey": "QUEUE", "FilterValues": office.queue_ids}],
                Metrics=[{"Name": "CONTACTS_ABANDONED"}],
                Interval={"IntervalPeriod": "THIRTY_MIN"},
                MaxResults=1,
            )
        )
        assert sum(each["Collections"][0]["Value"] for each in rows) == values["CONTACTS_ABANDONED"]
        assert len(rows) >= 4, "of several pages"


# The command


def simulated(*arguments: str) -> int:
    return cli.main(["simulate", *arguments])


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    text = (SHIPPED / "channels.toml").read_text()
    path.write_text(text.replace("T13:00:00", "T10:00:00"))
    return str(path)


def test_the_command_prints_a_table_and_writes_json_and_a_page(small, tmp_path, capsys):
    page, figures = tmp_path / "day.html", tmp_path / "day.json"
    assert simulated(small, "--html", str(page), "--json", str(figures)) == 0
    printed = capsys.readouterr().out
    told = json.loads(figures.read_text())
    assert told["queues"].keys() == {"support", "letters"}
    assert told["totals"]["arrivals"] == sum(q["arrivals"] for q in told["queues"].values())
    assert f"{told['totals']['arrivals']:,}" in printed
    assert "support" in printed
    assert f"seed {told['seed']}" in printed
    assert {row["Dimensions"]["Channel"] for row in told["GetMetricData"]} == {
        "VOICE",
        "CHAT",
        "TASK",
    }
    html = page.read_text()
    assert "simulation of Channels" in html
    assert html.count("<svg") >= 4


def test_json_alone_and_another_seed(small, capsys):
    assert simulated(small, "--json", "-") == 0
    first = json.loads(capsys.readouterr().out)
    assert simulated(small, "--json", "-", "--seed", "9") == 0
    other = json.loads(capsys.readouterr().out)
    assert (first["seed"], other["seed"]) == (1, 9)
    assert first["attempts"] != other["attempts"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_shows_how_far_it_is(monkeypatch):
    passed = iter([0.1, 2.0, 2.05, 3.0])
    monkeypatch.setattr(output, "stopwatch", lambda: lambda: next(passed))
    out = Terminal()
    bar = cli_simulate.Bar(out)
    bar.show(0.5)
    bar.show(0.0)
    assert not out.getvalue(), "too early to tell"
    bar.show(0.25)
    bar.show(0.26)
    bar.show(1.0)
    bar.end()
    first, second, end = out.getvalue().split("\r\x1b[K")[1:]
    assert first.endswith("]  25%,   6 s left")
    assert second == f"simulating [{'#' * 30}] 100%,   0 s left"
    assert not end


def test_replications_have_seeds_of_their_own_and_intervals(small, tmp_path, capsys):
    here, spread, page = (tmp_path / name for name in ("here.json", "spread.json", "day.html"))
    several = [small, "--replications", "3", "--seed", "4"]
    assert simulated(*several, "--workers", "1", "--json", str(here), "--html", str(page)) == 0
    printed = capsys.readouterr().out
    assert simulated(*several, "--workers", "2", "--json", str(spread)) == 0
    assert here.read_bytes() == spread.read_bytes(), "however many processes did it"
    told = json.loads(here.read_text())
    assert told["seeds"] == [4, 5, 6] == [each["seed"] for each in told["replications"]]
    arrivals = [each["totals"]["arrivals"] for each in told["replications"]]
    found, wanted = told["intervals"]["totals"]["arrivals"], interval(arrivals)
    assert len(set(arrivals)) > 1
    assert found == to_builtins(wanted)
    assert f"{wanted.mean:,.1f} \N{PLUS-MINUS SIGN} {wanted.off:,.1f}" in printed
    assert "seeds 4 to 6" in printed
    assert told["intervals"]["queues"]["letters"]["service_levels"][0]["replications"] == 3
    assert told["intervals"]["cells"].keys() >= {
        each["start"] for each in told["replications"][0]["cells"][:2]
    }
    html = page.read_text()
    assert html.count("Means of 3 replications and their 95 % intervals") == 1
    assert f"{wanted.mean:,.1f} \N{PLUS-MINUS SIGN}" in html
    capsys.readouterr()
    assert simulated(small, "--json", "-", "--seed", "5") == 0
    assert json.loads(capsys.readouterr().out) == told["replications"][1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["SMALL", "--replications", "0"], "--replications: 0 is not 1 to"),
        (["SMALL", "--workers", "0"], "--workers: 0 is not 1 or more"),
        (["nowhere.toml"], "cannot be read"),
        (["SMALL", "--seed", "-1"], "--seed: -1 is not 0 to"),
        (["SMALL", "--json", "/no/such/directory/x"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told(arguments, words, small, capsys):
    assert simulated(*(small if each == "SMALL" else each for each in arguments)) == 1
    assert words in capsys.readouterr().err
