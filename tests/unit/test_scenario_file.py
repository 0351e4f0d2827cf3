"""Scenario files: what they say, and all that is wrong with them at once."""

from pathlib import Path

import pytest

from ringfloor.base.errors import Fault
from ringfloor.simulator import scenario_file
from ringfloor.simulator.distributions import KINDS
from ringfloor.simulator.scenario import Callers, Row, Stretch

SHIPPED = sorted((Path(__file__).parents[2] / "docs/scenarios").glob("*.toml"))

SMALL = """
start = 2026-11-16T08:00:00
end = 2026-11-16T12:00:00
[queues.sales]
handle = 180
[profiles.all]
queues = [{ queue = "sales" }]
[agents.day]
count = 3
profile = "all"
[callers.some]
queue = "sales"
per_hour = 40
"""


def read(text: str, **files: str):
    return scenario_file.read(text, "day.toml", lambda name: files[name])


def refused(text: str, **files: str) -> list[str]:
    with pytest.raises(Fault) as caught:
        read(text, **files)
    return [each.strip() for each in str(caught.value).strip().splitlines()]


def test_a_small_one_has_what_is_usual():
    found = read(SMALL)
    assert found.name == "day"
    assert found.end - found.start == 4 * 3_600_000
    assert (found.seed, found.zone, found.thresholds) == (1, "UTC", (20,))
    assert found.queues["sales"].handle.mean == 180
    assert found.profiles["all"].rows == (Row(queue="sales"),)
    assert found.profiles["all"].concurrency == {"VOICE": 1}
    assert found.groups["day"].takes_all
    assert found.callers["some"].arrivals[8 * 60] == 20
    assert len(found.callers["some"].arrivals) == 48
    assert found.callers["some"].patience is None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_those_that_are_shipped_are_sound(path):
    assert scenario_file.load(path).callers


def test_there_are_two():
    assert len(SHIPPED) >= 2


def test_the_local_clock_is_that_of_the_zone():
    berlin = read(f'time_zone = "Europe/Berlin"{SMALL}')
    assert berlin.start == read(SMALL).start - 3_600_000


@pytest.mark.parametrize(
    ("written", "mean"),
    [
        ("12.5", 12.5),
        ('{ kind = "constant", value = 3 }', 3),
        ('{ kind = "exponential", mean = 60 }', 60),
        ('{ kind = "lognormal", mean = 60, deviation = 30 }', 60),
        ('{ kind = "erlang", mean = 60, shape = 3 }', 60),
        ('{ kind = "weibull", mean = 60, shape = 0.8 }', 60),
        ('{ kind = "uniform", low = 10, high = 20 }', 15),
        ('{ kind = "observed", values = [1, 2, 6] }', 3),
        ('{ kind = "mixture", of = [10, "talk"], weights = [1, 1] }', 105),
        ('"talk"', 200),
    ],
)
def test_a_distribution_is_a_number_a_table_or_a_name(written, mean):
    named = '[distributions.talk]\nkind = "exponential"\nmean = 200\n'
    text = SMALL.replace("handle = 180", f"handle = {written}") + named
    assert read(text).queues["sales"].handle.mean == pytest.approx(mean)


def test_every_parameter_of_every_kind_can_be_read():
    needed = {name for kind in KINDS.values() for name in kind.parameters}
    assert needed == scenario_file.PARAMETERS.keys()


def test_people_as_they_may_be():
    found = read(
        SMALL
        + """
[agents.night]
count = 2
profile = "all"
answers = { kind = "uniform", low = 1, high = 4 }
misses = 0.1
returns = 20
pace = 1.5
handle = { sales = 90 }
[[agents.night.shifts]]
from = "22:00"
to = "06:00"
breaks = [{ from = "02:00", to = "02:30", status = "Lunch" }]
[callers.more]
queue = "sales"
channels = { VOICE = 3, CHAT = 1 }
arrivals = { "08:30" = 7 }
arrive = "evenly"
patience = 60
retries = { chance = 0.5, after = 300, at_most = 2 }
thinks = 2
attributes = { tier = "gold" }
priority = 2
"""
    )
    night, more = found.groups["night"], found.callers["more"]
    assert night.shifts[0].work == Stretch(22 * 60, 6 * 60)
    assert night.shifts[0].breaks == (Stretch(120, 150, "Lunch"),)
    assert night.handle["sales"].mean == 90
    assert not night.takes_all
    assert more == Callers(
        arrivals={510: 7},
        queue="sales",
        channels={"VOICE": 3, "CHAT": 1},
        evenly=True,
        patience=more.patience,
        retries=more.retries,
        thinks=more.thinks,
        attributes={"tier": "gold"},
        priority=2,
    )


def test_what_stands_behind_flows_and_who_can_do_what():
    found = read(
        SMALL.replace("handle = 180", "handle = 180\nholds = { chance = 0.1, lasts = 30 }")
        + """
[queues.help]
handle = 60
hands_on = { sales = 0.25 }
[functions.crm]
answer = { tier = "gold", points = 3, open = ["a", "b"] }
takes = { kind = "exponential", mean = 0.4 }
fails = 0.01
[functions."arn:aws:lambda:us-east-1:123456789012:function:other"]
[functions.either]
answers = [{ weight = 3, answer = { tier = "gold" } }, {}]
[bots.DESK]
intents = { Buy = 3, FallbackIntent = 1 }
says = "One moment"
[agents.fluent]
count = 1
profile = "all"
proficiencies = { language = { french = 4, english = 5 }, "connect:Subtype" = { x = 1 } }
"""
    )
    assert found.queues["sales"].holds.chance == 0.1
    assert found.queues["sales"].holds.lasts.mean == 30
    assert found.queues["help"].hands_on == {"sales": 0.25}
    crm = found.functions["crm"]
    assert crm.answers == ((1.0, {"tier": "gold", "points": 3, "open": ["a", "b"]}),)
    assert (crm.takes.mean, crm.fails) == (0.4, 0.01)
    assert found.functions["arn:aws:lambda:us-east-1:123456789012:function:other"].answers == (
        (1.0, {}),
    )
    assert found.functions["either"].answers == ((3.0, {"tier": "gold"}), (1.0, {}))
    assert found.bots["DESK"].intents == {"Buy": 3, "FallbackIntent": 1}
    assert (found.bots["DESK"].says, found.bots["DESK"].fails) == ("One moment", 0)
    assert found.groups["fluent"].proficiencies == {
        "language": {"french": 4, "english": 5},
        "connect:Subtype": {"x": 1},
    }


WRONG = """
start = 2026-11-16T08:10:00
end = 2026-11-15T12:00:00
time_zone = "Europe/Atlantis"
seeds = 3
thresholds = [20, 0]
[queues.sales]
handle = { kind = "exponental", mean = 5 }
max_contacts = 0
hands_on = { sales = 0.7, help = 0.5 }
holds = { chance = 2 }
[functions.crm]
fails = 2
answer = { points = 123456789012345678901234567890 }
[functions.both]
answer = { a = 1 }
answers = [{ weight = 0, says = "a" }]
[bots.DESK]
intents = { Buy = -1 }
[profiles.all]
queues = [{ queue = "sales" }, { queue = "sale", delay = -1 }]
voice = 2
[agents.day]
count = 3.5
profile = "al"
misses = 2
handle = { sale = 3 }
proficiencies = { language = { french = 6 } }
[[agents.day.shifts]]
from = "8:00"
to = "16:00"
breaks = [{ from = "12:00", to = "13:00", status = "Offline" }]
[callers.some]
queue = "sales"
flow = "menu"
per_hour = "many"
patience = "impatient"
retries = { chance = 0.5 }
"""

ELEVEN = ", ".join(f"v{each} = 1" for each in range(11))

RULES = {
    "start": "is no full or half hour",
    "end": "is not after start",
    "time_zone": "is no time zone of the IANA database",
    "seeds": "is nothing that is known here; is seed meant?",
    "thresholds": "is a list of up to 4 whole numbers",
    "queues.sales.handle.kind": "is one of constant, exponential,",
    "queues.sales.max_contacts": "is a whole number from 1",
    "queues.sales.hands_on": "1.2 are more than all contacts",
    "queues.sales.hands_on.sales": "is no share of another queue",
    "queues.sales.hands_on.help": "is no share of another queue",
    "queues.sales.holds.chance": "is a number from 0 to 1",
    "queues.sales.holds.lasts": "is left out",
    "functions.crm.fails": "is a number from 0 to 1",
    "functions.crm.answer": "is no answer of a function: not JSON",
    "functions.both.answers": "or answer: one of them",
    "functions.both.answers[0].weight": "is a number from 0.001",
    "functions.both.answers[0].says": "is nothing that is known here",
    "bots.DESK.intents.Buy": "is intents with their weights",
    "bots.DESK.intents": "is left out; a bot understands something",
    "agents.day.proficiencies.language.french": "is levels of 1 to 5 by value",
    "profiles.all.queues[1].queue": "is one of sales",
    "profiles.all.queues[1].delay": "is a whole number from 0",
    "profiles.all.voice": "is a whole number from 1 to 1",
    "agents.day.count": "is a whole number from 1",
    "agents.day.profile": "is one of all",
    "agents.day.misses": "is a number from 0 to 1",
    "agents.day.handle.sale": "is sales meant?",
    "agents.day.shifts[0].from": "is no clock time such as 08:30",
    "agents.day.shifts[0].breaks[0].status": "is no name of a break",
    "callers.some.queue": "or flow: callers come to exactly one of them",
    "callers.some.per_hour": "is a number from 0",
    "callers.some.patience": "is neither 0 to 604800 seconds, a distribution nor the name of one",
    "callers.some.retries.after": "is left out; it is a number of seconds or a distribution",
}


def test_all_that_is_wrong_is_told_at_once_with_file_key_value_and_rule():
    told = refused(WRONG)
    for key, rule in RULES.items():
        lines = [each for each in told if each.startswith(f"day.toml: {key} = ")]
        assert any(rule in each for each in lines), (key, told)


def test_values_are_told_as_they_were_written():
    told = refused(SMALL.replace("count = 3", "count = true"))
    assert told == ["day.toml: agents.day.count = True is a whole number from 1 to 20000"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("start = ", "day.toml: Invalid value"),
        (SMALL.replace("[queues.sales]\nhandle = 180\n", ""), "are not 1 to 100 queues"),
        (SMALL.partition("[callers")[0], "without callers nothing happens"),
        (SMALL + 'arrivals = { "08:00" = 1 }', "or per_hour: exactly one of them"),
        (SMALL.replace("per_hour = 40", 'arrivals = { "08:15" = 1 }'), "is half hours such as"),
        (SMALL.replace("2026-11-16T12:00:00", "2027-11-16T12:00:00"), "is more than 34 days later"),
        (SMALL.replace("2026-11-16T08:00:00", "2026-11-16T08:00:00Z"), "without an offset"),
        (
            SMALL.replace("[callers.some]", "[queues.x]\nhandle = nan\n[callers.some]"),
            "is neither 0",
        ),
        (
            SMALL.replace(
                'profile = "all"',
                f'profile = "all"\nproficiencies = {{ a = {{ {ELEVEN} }} }}',
            ),
            "are more than 10, as many as AWS lets",
        ),
        (SMALL + "priority = 0", "is a whole number from 1"),
        (SMALL + "channels = { FAX = 1 }", "is weights of VOICE, CHAT, TASK"),
        (SMALL + 'keys = { "a" = 1 }', "is keys of a phone"),
        (SMALL.replace("queues = [", "queues = 3 #["), "is a list of tables"),
        (
            SMALL.replace('{ queue = "sales" }', '{ queue = "sales" }, { queue = "sales" }'),
            "is named twice",
        ),
    ],
)
def test_each_rule_is_kept(text, rule):
    assert any(rule in each for each in refused(text)), refused(text)


FLOW = """{"Version": "2019-10-30", "StartAction": "bye", "Actions": [
    {"Identifier": "bye", "Type": "%s", "Parameters": {"QueueId": "${queue:%s}"},
    "Transitions": {}}]}"""


@pytest.mark.parametrize(
    ("flow", "rule"),
    [
        (
            FLOW % ("DisconnectParticipant", "nowhere"),
            "names a queue 'nowhere' of which there is none",
        ),
        (FLOW % ("Juggle", "sales"), "cannot run"),
        ("{", "cannot run"),
        (None, "cannot be read"),
    ],
)
def test_flows_must_run_and_name_what_there_is(flow, rule, tmp_path):
    text = SMALL.replace('queue = "sales"\nper_hour', 'flow = "menu"\nper_hour')
    (tmp_path / "day.toml").write_text(text + '[flows.menu]\nfile = "menu.json"\n')
    if flow is not None:
        (tmp_path / "menu.json").write_text(flow)
    with pytest.raises(Fault, match=r"menu\.json") as caught:
        scenario_file.load(tmp_path / "day.toml")
    assert rule in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Fault, match="cannot be read"):
        scenario_file.load(tmp_path / "none.toml")
