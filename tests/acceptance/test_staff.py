"""Forecasts and staff from the command line: a history, a forecast, a plan, a scenario."""

import json
import os
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from acceptance.conftest import Server
from acceptance.test_import import ringfloor
from ringfloor.cli import main
from ringfloor.simulator import scenario_file, scenario_writer
from ringfloor.simulator.staffing.trials import played, whole

FIRST = date(2026, 9, 7)
"""A Monday."""

SCENARIO = """
name = "Small"
start = 2026-11-16T08:00:00
end = 2026-11-16T10:00:00
time_zone = "Europe/Berlin"
[distributions.talk]
kind = "exponential"
mean = 150
[queues."sales & more"]
handle = "talk"
after_work = 10
[profiles.all]
queues = [{ queue = "sales & more" }]
[agents.day]
count = 1
profile = "all"
answers = 1
shifts = [{ from = "08:00", to = "09:00" }]
[callers.customers]
queue = "sales & more"
per_hour = 10
patience = { kind = "exponential", mean = 180 }
"""


def counts(days: int = 70) -> str:
    """Weekdays from eight to ten, more on Mondays; nobody at the weekend."""
    rows = ["date,time,calls"]
    for number in range(days):
        day = FIRST + timedelta(number)
        for clock, calls in (("08:00", 30), ("08:30", 40), ("09:00", 35), ("09:30", 20)):
            came = 0 if day.weekday() > 4 else calls + 6 * (day.weekday() == 0) + number % 3
            rows.append(f"{day},{clock},{came}")
    return "\n".join(rows)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SCENARIO)
    (tmp_path / "counts.csv").write_text(counts())
    return tmp_path


def run(*arguments: str | Path) -> int:
    return main([*map(str, arguments)])


def test_a_forecast_is_told_in_a_table_and_written_as_json_and_as_a_page(files, capsys):
    outputs = ("--json", files / "f.json", "--html", files / "f.html")
    assert run("forecast", files / "counts.csv", "--score", "--ahead", "1", *outputs) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("learnt from 70 days of ")
    assert found_gaps(files, capsys).endswith("; 7 days between are not known")
    assert shown[0].endswith("2026-09-07 to 2026-11-15")
    assert shown[2].split()[0] == "2026-11-16"
    assert shown[2].split()[-1] == "Monday"
    found = json.loads((files / "f.json").read_text())
    monday, saturday = found["days"][0], found["days"][5]
    assert monday["expected"] == pytest.approx(153, rel=0.05)
    assert saturday["expected"] == pytest.approx(0, abs=0.5)
    by_time = {each["time"]: each["expected"] for each in monday["half_hours"]}
    assert by_time["08:30"] == pytest.approx(47, rel=0.06)
    (score,) = found["scores"]
    assert score["ahead_days"] == 1
    assert 0 < score["half_hours"]["wape"] < 0.1
    page = (files / "f.html").read_text()
    assert page.count("<svg ") == 1
    assert "Past errors" in page
    assert "<script" not in page


def found_gaps(files, capsys) -> str:
    """What is said of a history of which a week is missing."""
    rows = (files / "counts.csv").read_text().splitlines()
    gone = {str(FIRST + timedelta(30 + number)) for number in range(7)}
    (files / "gaps.csv").write_text("\n".join(row for row in rows if row[:10] not in gone))
    assert run("forecast", files / "gaps.csv") == 0
    return capsys.readouterr().out.splitlines()[0]


def test_a_log_and_holidays_are_taken(files, capsys):
    (files / "m.toml").write_text(
        '[file]\nzone = "Europe/Berlin"\n[fields]\nqueue = { column = "queue" }\n'
        'initiated_at = { column = "at", format = "iso" }\n'
        'disconnected_at = { column = "at", format = "iso" }\n'
        'initiation_method = { column = "how" }\n'
    )
    begins = datetime(2026, 11, 1, 7, 0, tzinfo=UTC)
    rows = ["at,queue,how"]
    for number in range(15):
        at = (begins + timedelta(number)).isoformat()
        rows += [f"{at},sales,INBOUND"] * 8 + [f"{at},help,INBOUND", f"{at},sales,OUTBOUND"]
    (files / "log.csv").write_text("\n".join(rows))
    (files / "h.toml").write_text("[holidays]\neve = [2026-11-16]\n")
    log = ("forecast", files / "log.csv", "--mapping", files / "m.toml", "--json", "-")
    more = ("--holidays", files / "h.toml", "--holiday", "2026-11-17", "--days", "3")
    assert run(*log, "--queue", "sales", *more) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["zone"] == "Europe/Berlin"
    assert [each.get("holiday") for each in found["days"]] == ["eve", "holiday", None]
    assert found["days"][2]["expected"] == pytest.approx(8, rel=0.1)
    assert found["days"][2]["half_hours"][16]["expected"] == pytest.approx(8, rel=0.1)
    assert run(*log, "--queue", "nobody") == 1
    assert "'nobody' is in no row; there are help, sales" in capsys.readouterr().err


def test_a_server_is_asked_for_what_came_to_its_queues(tmp_path):
    """Its forecast of an imported log is that of the log itself."""
    (tmp_path / "m.toml").write_text(
        '[file]\nzone = "Europe/Berlin"\n[fields]\nqueue = { column = "queue" }\n'
        'disconnected_at = { column = "left", format = "iso" }\n'
        + "".join(
            f'{name} = {{ column = "came", format = "iso" }}\n'
            for name in ("initiated_at", "enqueued_at")
        )
    )
    begins = datetime(2026, 9, 6, 22, 0, tzinfo=UTC)
    rows = ["queue,came,left"]
    for number in range(16 * 48):
        came = begins + timedelta(minutes=30 * number)
        for minute in range(number % 5):
            at = came + timedelta(minutes=minute)
            rows.append(f"sales,{at.isoformat()},{(at + timedelta(minutes=1)).isoformat()}")
        rows.append(f"help,{came.isoformat()},{came.isoformat()}")
    log = tmp_path / "log.csv"
    log.write_text("\n".join(rows))
    server = Server("--memory", "--sandbox", "--clock", "virtual")
    try:
        server.sandbox("POST", "clock", {"set": (begins + timedelta(16)).timestamp()})
        instance = server.client().create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias="foretold",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=False,
        )["Id"]
        mapping = ("--mapping", str(tmp_path / "m.toml"))
        ringfloor(server.address, "import", str(log), *mapping, "--instance", instance, "--create")
        days = ("--days", "3", "--until", "2026-09-23", "--queue", "sales", "--json", "-")
        of_log = ringfloor(server.address, "forecast", str(log), *mapping, *days)
        asked = ("forecast", "--instance", instance, "--time-zone", "Europe/Berlin")
        of_server = ringfloor(server.address, *asked, *days)
        said = ringfloor(server.address, *asked, "--queue", "nobody", status=1)
    finally:
        server.kill()
    assert "--queue: 'nobody' is no queue of the instance; there are" in said
    one, other = json.loads(of_log), json.loads(of_server)
    assert one["days"][0]["expected"] == pytest.approx(96, rel=0.1)
    assert one["days"] == other["days"]
    assert (other["first_day"], other["last_day"]) == ("2026-09-07", "2026-09-22")


def test_staff_is_found_for_a_forecast_and_the_scenario_that_is_written_meets_the_target(
    files, capsys
):
    assert run("forecast", files / "counts.csv", "--json", files / "f.json") == 0
    capsys.readouterr()
    options = ("--forecast", f"customers={files / 'f.json'}", "--days", "8", "--shrinkage", "30")
    outputs = ("--json", files / "s.json", "--html", files / "s.html", "--write", files / "o.toml")
    assert run("staff", files / "small.toml", *options, "--abandoned", "8", *outputs) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].startswith("80 % answered within 20 s, 8 % at most give up, in every half hour")
    assert [line.split()[0] for line in shown[4:8]] == ["08:00", "08:30", "09:00", "09:30"]
    found = json.loads((files / "s.json").read_text())
    needed = [each["groups"]["day"]["agents"] for each in found["half_hours"]]
    assert needed == [int(line.split()[-2]) for line in shown[4:8]]
    for each in found["half_hours"]:
        queue, day = each["queues"]["sales & more"], each["groups"]["day"]
        assert queue["meets"]
        assert queue["service_level_low"] >= 80
        assert queue["abandoned_high"] <= 8
        assert day["scheduled"] * 0.7 >= day["agents"] > (day["scheduled"] - 1) * 0.7
    assert found["engine"]["days"] == 3
    assert found["agent_hours"] == sum(needed) / 2
    page = (files / "s.html").read_text()
    assert page.count("<svg ") == 3
    assert "sales &amp; more" in page

    staffed = scenario_file.load(files / "o.toml")
    assert sum(each.count for each in staffed.groups.values()) == max(needed)
    assert sum(staffed.callers["customers"].arrivals.values()) == pytest.approx(153, rel=0.05)
    total = whole(played(staffed)["sales & more"])
    assert total.soon > 0.75 * total.arrivals
    assert run("simulate", files / "o.toml") == 0


def test_a_scenario_is_written_as_it_was_read(files):
    for path in (files / "small.toml", *Path("docs/scenarios").glob("*.toml")):
        table = tomllib.loads(path.read_text())
        assert tomllib.loads(scenario_writer.text(table)) == table
    odd = {"a b": {'"': {"x\ny": [1.5, True, {"z": date(2026, 1, 1)}]}}, "e": {}, "n": {"m": {}}}
    assert tomllib.loads(scenario_writer.text(odd)) == odd


def test_a_plan_can_be_moved_to_another_day(files, capsys):
    moved = ("--date", "2026-12-01", "--days", "2", "--engine-days", "0", "--json", "-")
    assert run("staff", files / "small.toml", *moved, "--confidence", "50") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["date"] == "2026-12-01"
    assert found["engine"] is None
    assert run("staff", files / "small.toml", *moved, "--seed", "7") == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("staff", "small.toml", "--queue", "help"), "no queue of the scenario"),
        (
            ("staff", "small.toml", "--service-level", "100"),
            "--service-level: 100 is not 0 to 99.9",
        ),
        (("staff", "small.toml", "--shrinkage", "96"), "--shrinkage: 96 is not 0 to 95"),
        (("staff", "small.toml", "--days", "1"), "--days: 1 is not 2 to 1000"),
        (("staff", "small.toml", "--forecast", "x=f.json"), "'x' are no callers of the scenario"),
        (("staff", "small.toml", "--forecast", "none.json"), "none.json cannot be read"),
        (("staff", "small.toml", "--forecast", "counts.csv"), "is no forecast as"),
        (("staff", "small.toml", "--forecast", "old.json"), "says nothing of 2026-11-16"),
        (("forecast",), "either a LOG or --instance ID"),
        (("forecast", "counts.csv", "--instance", "i"), "either a LOG or --instance ID"),
        (("forecast", "counts.csv", "--queue", "x"), "--queue: counts have no queues"),
        (("forecast", "counts.csv", "--days", "0"), "--days, --ahead: 0 is not 1 to 92"),
        (("forecast", "counts.csv", "--minutes", "7"), "--minutes: 7 cuts no half hour"),
        (("forecast", "counts.csv", "--time-zone", "Mars"), "'Mars' is no time zone"),
        (("forecast", "counts.csv", "--until", "2026-09-10"), "3 days are known"),
        (("forecast", "counts.csv", "--holiday", "soon"), "--holiday: 'soon' is no date"),
        (("forecast", "counts.csv", "--holidays", "none.toml"), "--holidays: none.toml"),
        (("forecast", "counts.csv", "--holidays", "odd.toml"), "holidays.eve is no list of dates"),
        (("forecast", "none.csv"), "none.csv: cannot be read"),
        (("forecast", "--instance", "i", "--mapping", "m"), "--mapping reads a LOG"),
    ],
)
def test_what_is_wrong_is_told(files, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(files)
    Path("odd.toml").write_text('[holidays]\neve = ["2026-11-16"]\n')
    Path("old.json").write_text('{"days": [{"date": "2025-11-16", "half_hours": []}]}')
    assert run(*arguments) == 1
    assert says in capsys.readouterr().err


def test_the_commands_teach_themselves():
    for command in ("forecast", "staff"):
        shown = subprocess.run(
            [sys.executable, "-m", "ringfloor", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "100"},
        ).stdout
        assert "docs/staffing.md" in shown
        assert "--html FILE" in shown
