"""`ringfloor whatif`: the journal of a running server, played once more with something changed."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acceptance.center import FirstCenter, greeting_flow
from report_builders import tables

LOG = Path(__file__).parents[3] / "shared/data/bank_february_1999_01_21.tsv"
FLAT = ("answer_seconds", "arrivals", "answered", "abandoned", "occupancy_percent")


def ringfloor(*arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ringfloor", "whatif", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


class Day:
    """Three call; one agent answers two of them, the third gives up."""

    def __init__(self, server, data) -> None:
        self.center = center = FirstCenter(server)
        self.data = data
        morning = (int(center.now()) // 86_400 + 1) * 86_400 + 9 * 3600
        server.sandbox("POST", "clock", {"set": morning})
        self.date = datetime.fromtimestamp(morning, UTC).date().isoformat()
        center.act("available")
        first = self.call()
        center.advance(5)  # he hears the greeting
        self.answer()
        second = self.call()
        center.advance(10)
        third = self.call()
        center.advance(20)
        self.hang_up(third)
        center.advance(40)
        self.hang_up(first)
        center.advance(8)
        center.act("complete")
        self.answer()
        center.advance(30)
        self.hang_up(second)
        center.advance(5)
        center.act("complete")

    def call(self) -> str:
        return self.center.server.sandbox(
            "POST",
            f"phones/{self.center.customer}/call",
            {"InstanceId": self.center.instance, "ContactFlowId": self.center.flow},
        )["ContactId"]

    def answer(self) -> None:
        self.center.advance(3)
        self.center.act("accept")
        self.center.advance(5)

    def hang_up(self, contact: str) -> None:
        self.center.server.sandbox("POST", f"contacts/{contact}/hangup", {})

    def of(self, *more: str, status: int = 0) -> str:
        where = "--data", str(self.data), "--instance", self.center.alias, "--day", self.date
        return ringfloor(*where, *more, status=status)


@pytest.fixture
def day(start, data) -> Day:
    return Day(start("--data", str(data), "--sandbox", "--clock", "virtual"), data)


def test_the_day_of_a_running_server_is_reproduced_and_an_agent_more_is_seen(day, tmp_path):
    told = json.loads(day.of("--json", "-"))
    assert told["alike"] == {"waits": 3, "outcome": 3, "wait": 3, "agent": 3}
    assert (told["replications"], told["by_chance"], told["drawn"]) == (1, False, {})
    figures = told["figures"]["all queues"]
    assert [figures[each]["that_day"] for each in FLAT[1:4]] == [3, 2, 1]
    for name in figures:
        assert figures[name]["unchanged"] == pytest.approx(figures[name]["that_day"]), name
        assert figures[name]["difference"] == 0

    changes = tmp_path / "changes.toml"
    changes.write_text('[[staff]]\nadd = 1\nprofile = "sellers"\nfrom = "00:00"\nto = "24:00"\n')
    found = json.loads(day.of(str(changes), "--json", "-", "--replications", "3", "--workers", "2"))
    assert found["replications"] == 3
    more = found["figures"]["all queues"]
    assert more["answer_seconds"]["mean"][1] < -10
    assert more["arrivals"]["difference"] == 0
    assert more["arrivals"]["changed"] == 3
    assert found["figures"].keys() == {"all queues", "sales"}
    page = tmp_path / "w.html"
    shown = day.of(str(changes), "--replications", "3", "--seed", "4", "--html", str(page))
    assert shown.count("\n") > 30
    found = tables(page.read_text())
    assert found.keys() == {"reproduced", "scope0", "scope1"}
    assert page.read_text().count("<svg ") == 2
    assert "<script" not in page.read_text()
    for name in ("reproduced", "scope0"):  # the page has the rows of the output
        for row in found[name][1:]:
            assert "  ".join(row) in re.sub(" {2,}", "  ", shown), row
    unchanged = day.of("--html", "-")
    assert tables(unchanged).keys() == {"reproduced"}
    assert "Played unchanged" in unchanged


def test_a_changed_flow_takes_effect(day, tmp_path):
    """The new flow says three words less and leads to BasicQueue, which nobody serves."""
    arn = day.center.queue_arn.replace(day.center.queue, day.center.basic_queue["Id"])
    assert day.center.queue in day.center.queue_arn
    (tmp_path / "flow.json").write_text(greeting_flow(arn, "Hello."))
    (tmp_path / "changes.toml").write_text('[flows.greeting]\nfile = "flow.json"\n')
    found = json.loads(day.of(str(tmp_path / "changes.toml"), "--json", "-"))["figures"]
    assert found["sales"]["arrivals"]["changed"] in (0, None)
    assert found["BasicQueue"]["arrivals"]["changed"] == 3
    assert found["all queues"]["answered"]["changed"] == 0


def test_all_that_is_wrong_is_told_at_once(day, tmp_path):
    changes = tmp_path / "changes.toml"
    changes.write_text(
        '[[staff]]\nremove = "anne"\n[queues.sale]\nmax_contacts = -1\n[callers]\nfactor = 99\n'
    )
    said = day.of(str(changes), status=1)
    for part in (
        "staff[0].remove = 'anne' is no agent of that day; there are ann",
        "queues.sale = 'sale' is no queue of that day",
        "queues.sale.max_contacts = -1 is a whole number from 0",
        "callers.factor = 99 is a number from 0 to 10",
    ):
        assert part in said
    where = "--data", str(day.data)
    assert "is no instance of this journal; there are" in ringfloor(
        *where, "--instance", "x", "--day", day.date, status=1
    )
    nobody = ringfloor(*where, "--instance", day.center.instance, "--day", "2001-01-01", status=1)
    assert "--day 2001-01-01: nothing happened on it" in nobody
    assert "one of --data and --log" in ringfloor("--day", day.date, status=1)
    future = ringfloor(*where, "--instance", day.center.instance, "--day", "2999-01-01", status=1)
    assert "--day 2999-01-01: nothing happened on it" in future
    zone = day.of("--zone", "Mars/Base", status=1)
    assert "--zone: Mars/Base is no time zone of the IANA database" in zone
    assert "'soon' is no date such as 2026-11-20" in ringfloor("--day", "soon", status=2)
    changes.write_text("[[staff]\n")
    assert "changes.toml: " in ringfloor(
        str(changes), *where, "--instance", "x", "--day", "2001-01-01", status=1
    )
    assert "holds no journal" in ringfloor(
        "--data", str(tmp_path), "--instance", "x", "--day", day.date, status=1
    )


def test_the_command_teaches_itself():
    shown = ringfloor("--help")
    for each in (
        "docs/whatif.md",
        "--html FILE",
        "ringfloor whatif changes.toml --data DIR",
        "[[staff]]",
    ):
        assert each in shown


def test_a_day_of_another_center_is_told_from_its_log(tmp_path):
    where = "--log", str(LOG), "--mapping", "bank-1999", "--day", "1999-02-06"
    told = ringfloor(*where, "--replications", "2", "--threshold", "30", "--workers", "1")
    assert told.startswith("bank_february_1999_01_21 on 1999-02-06 (Asia/Jerusalem)")
    assert "answered in 30 s, %" in told
    assert "the log does not tell when agents were at work" in told
    changes = tmp_path / "changes.toml"
    changes.write_text("[queues.Regular]\npace = 2\n")
    found = ringfloor(str(changes), *where, "--replications", "2", "--workers", "1")
    assert "What would be different, by 2 replications of both" in found
    assert "95 % of one day" in found
    assert "\nRegular " in found
