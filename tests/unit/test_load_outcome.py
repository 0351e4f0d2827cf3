"""What `ringfloor load` tells, and what it asks before it begins."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import json as msgjson
from msgspec import structs

from ringfloor import cli, cli_load
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE
from ringfloor.config import Caller
from ringfloor.load import outcome
from ringfloor.load.conservation import Compared
from ringfloor.load.measures import Measures
from ringfloor.load.page import page
from ringfloor.load.run import Now, Result, Wanted
from ringfloor.load.stage import Figures
from ringfloor.simulator import scenario_file
from ringfloor.simulator.population import expected

FLOOR = """
name = "A <b>floor</b>"
start = 2026-11-16T08:00:00
end = 2026-11-17T08:00:00
time_zone = "Europe/Berlin"
[queues.sales]
handle = 60
[profiles.all]
queues = [{ queue = "sales" }]
[agents.team]
count = 1
profile = "all"
[callers.people]
queue = "sales"
per_hour = 60
"""


@pytest.fixture
def floor(tmp_path):
    path = tmp_path / "floor.toml"
    path.write_text(FLOOR)
    return path


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("RINGFLOOR_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("RINGFLOOR_SECRET_ACCESS_KEY", "s")


def measured() -> Measures:
    """Ten seconds: two requests a second, of which one in ten is throttled, the last unanswered."""
    measures = Measures(1000.0)
    for number in range(19):
        at = 1000 + number / 2
        code = "ThrottlingException" if number % 10 == 9 else ""
        measures.answered("StartTaskContact", at, at, at + 0.004, code=code)
        measures.started(at)
    measures.answered("AcceptContact", 1009.0, 1009.0, 1009.2, code="no answer")
    measures.answered("AcceptContact", 1009.0, 1009.0, 1009.2, code="Gone", race=True)
    measures.heard("chat message", 0.05)
    return measures


def result(**changes: Any) -> Result:
    wanted = Wanted(
        scenario=scenario_file.read(FLOOR, "floor.toml", lambda _name: ""),
        endpoint="http://127.0.0.1:8080",
        region="us-east-1",
        who=Caller("k", "hush-hush", None),
        speed=10,
        connections=5,
    )
    usual: dict[str, Any] = {
        "wanted": wanted,
        "measures": measured(),
        "before": Measures(990.0),
        "figures": {"TASK": Figures(came=19, started=17, refused=2, handled=16)},
        "compared": [Compared("TASK", "started", 17, 17)],
        "uncounted": "",
        "unheard": 0,
        "agents": 1,
        "voice": "phones",
        "lasted": 10.0,
        "came_for": 9.5,
        "built_in": 3.0,
        "cpu": 0.1,
        "stopped": False,
        "left_behind": [],
    }
    return Result(**{**usual, **changes})


def test_json_has_all_of_it_and_no_secret():
    told = json.loads(msgjson.encode(outcome.told(result())))
    assert told["contacts"] == {
        "TASK": {
            "came": 19,
            "started": 17,
            "refused": 2,
            "unknown": 0,
            "handled": 16,
            "gave_up": 0,
            "turned_away": 0,
            "repeated": 0,
            "left": 1,
        }
    }
    accept, start = sorted(told["operations"], key=lambda each: each["operation"])
    assert (accept["count"], accept["races"], accept["errors"]) == (2, 1, {"no answer": 1})
    assert accept["response"]["count"] == 1
    assert start["errors"] == {"ThrottlingException": 1}
    assert start["rate"] == 1.9
    assert start["response"]["p50"] == pytest.approx(0.004, rel=0.01)
    assert told["rate"] == 2.1
    assert sum(each["requests"] for each in told["windows"]) == told["requests"] == 21
    assert told["windows"][4] == {
        "at": 4.0,
        "requests": 2,
        "started": 2,
        "errors": 1,
        "throttled": 1,
        "p50": pytest.approx(0.004, rel=0.01),
        "p99": pytest.approx(0.004, rel=0.01),
    }
    assert "hush-hush" not in json.dumps(told)


def test_the_table_shows_errors_races_and_lengths():
    said = "\n".join(outcome.lines(result()))
    rows = [line.split() for line in said.splitlines()]
    assert ["StartTaskContact", "19", "1.9", "4.0", "4.0", "4.0", "4.0", "4.0", "1"] in rows
    assert "  1 of 19 StartTaskContact: ThrottlingException" in said
    assert "  1 of 2 AcceptContact: no answer" in said
    assert "too late, for the other side was quicker (no errors): 1 AcceptContact" in said
    assert "2 contacts could not be started" in said
    assert "the server has counted the same" in said


@pytest.mark.parametrize(
    ("changes", "said", "differs"),
    [
        ({}, "this program kept up", False),
        (
            {"compared": [Compared("VOICE", "CONTACTS_HANDLED", 3, 5)]},
            "differs: VOICE CONTACTS_HANDLED: 3 here, 5 at the server",
            True,
        ),
        ({"uncounted": "SearchContacts: no"}, "could not be asked for its own count", True),
        ({"cpu": 0.97}, "this program was late itself", False),
        ({"unheard": 4}, "4 chat messages were not heard", False),
        ({"left_behind": ["User u: no"]}, "could not be taken away: User u: no", False),
    ],
)
def test_what_has_to_be_known_before_figures_are_believed(changes, said, differs):
    told = result(**changes)
    assert said in "\n".join(outcome.conclusions(told))
    assert outcome.differs(told) == differs


def test_a_late_generator_says_so():
    told = result()
    for _ in range(100):
        told.measures.lag.add(0.2)
    assert outcome.told(told)["generator"]["is_bottleneck"]
    assert "timers 200 ms late (p99)" in "\n".join(outcome.conclusions(told))


def test_the_page_shows_what_happened_and_holds_no_markup_of_others():
    html = page(result())
    assert html.count("<svg") == 3
    assert "A &lt;b&gt;floor&lt;/b&gt;" in html
    assert "<b>floor" not in html
    assert "ThrottlingException" in html
    assert "Content-Security-Policy" in html
    assert "mathdefault" not in html, "ticks are for people"
    for name in ("rate", "latency", "errors"):
        assert f'<h2 id="{name}">' in html
        assert f'aria-labelledby="{name}"' in html


def test_a_page_of_a_run_without_any_request():
    html = page(result(measures=Measures(0.0), figures={}))
    assert "<svg" not in html


# The command


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8080", True),
        ("http://localhost:1", True),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1:8080", False),
        ("https://connect.us-east-1.amazonaws.com", False),
        ("127.0.0.1:8080", False),
        ("http://127.0.0.1@example.com", False),
    ],
)
def test_what_is_this_machine(address, is_ours):
    assert cli_load.is_this_machine(address) == is_ours


def parsed(floor: Any, *options: str) -> Wanted:
    return cli_load._wanted(cli._parser(iam=False).parse_args(["load", str(floor), *options]))


def test_minutes_speed_and_from_cut_the_scenario(floor):
    whole = parsed(floor).scenario
    cut = parsed(floor, "--from", "09:30", "--minutes", "6", "--speed", "10").scenario
    assert cut.start - whole.start == 90 * MINUTE
    assert cut.end - cut.start == HOUR
    assert parsed(floor, "--minutes", "10000").scenario.end == whole.end
    night = parsed(floor, "--from", "01:00").scenario
    assert night.start - whole.start == 17 * HOUR, "that of the next day"


def test_the_rate_factor_multiplies_customers_and_not_agents(floor):
    some, many = parsed(floor).scenario, parsed(floor, "--rate-factor", "2.5").scenario
    assert expected(many) == pytest.approx(2.5 * expected(some))
    assert many.groups == some.groups
    assert parsed(floor, "--seed", "9").scenario.seed == 9


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--speed", "0"),
        ("--speed", "nan"),
        ("--minutes", "-1"),
        ("--rate-factor", "inf"),
        ("--drain", "-1"),
        ("--connections", "0"),
        ("--seed", "-1"),
        ("--message-every", "0"),
        ("--from", "25:00"),
        ("--from", "9"),
    ],
)
def test_what_is_wrong_with_an_option_is_told(floor, option, value):
    with pytest.raises(Fault, match=option):
        parsed(floor, f"{option}={value}")


def test_a_time_that_the_scenario_has_not(floor):
    floor.write_text(FLOOR.replace("17T08", "16T12"))
    with pytest.raises(Fault, match="at no time of the scenario"):
        parsed(floor, "--from", "13:00")


def test_other_machines_are_not_loaded_by_mistake(floor, monkeypatch, capsys):
    def never(_coroutine: Any) -> None:
        raise AssertionError("it has been loaded")

    monkeypatch.setattr(asyncio, "run", never)
    assert cli.main(["load", str(floor), "--endpoint", "http://10.0.0.1"]) == 1
    assert "--yes-load-this-server" in capsys.readouterr().err


def test_the_line_while_it_runs():
    told = cli_load.line(Now("running", 0.5, measured(), 1005.2, 12, 3))
    assert told == (
        "running [##########          ]  50%  12 contacts, 3 there  2 requests/s  p50 4 ms"
        "  p99 4 ms  2 errors"
    )


def test_a_password_in_the_address_is_neither_used_nor_shown(floor, capsys):
    options = ["load", str(floor), "--endpoint", "http://me:hidden@127.0.0.1:1"]
    assert cli.main(options) == 1
    told = capsys.readouterr()
    assert "--endpoint: a user name and a password" in told.err
    assert "hidden" not in told.err + told.out


def test_where_results_cannot_be_written_is_told_before_the_load(floor, tmp_path, capsys):
    nowhere = str(tmp_path / "nowhere" / "load.json")
    options = ["load", str(floor), "--endpoint", "http://127.0.0.1:1", "--json", nowhere]
    assert cli.main(options) == 1
    assert f"--json: {nowhere} cannot be written" in capsys.readouterr().err


def test_what_only_the_simulator_plays_is_told():
    desk = scenario_file.load(Path(__file__).parents[2] / "docs/scenarios/desk.toml")
    told = result()
    assert not outcome.unplayed(told)
    told.wanted = structs.replace(told.wanted, scenario=desk)
    assert outcome.told(told)["unplayed"] == [
        "hands_on of first line",
        "functions; the server's own answer",
        "bots; the server's own answer",
    ]
    said = list(outcome.conclusions(told))
    assert "not played: hands_on of first line" in said
