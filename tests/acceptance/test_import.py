"""A foreign log becomes contacts of an instance: found, counted and exported like its own.

The log is that of the bank beside the repository, in ../shared/data, which is no part of it.
"""

import csv
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from acceptance.conftest import KEY, SECRET, Server

LOG = Path(__file__).parents[3] / "shared/data/bank_february_1999_01_21.tsv"
QUEUES = {
    "PS": "Regular",
    "PE": "English",
    "NW": "Prospective",
    "NE": "Stock exchange",
    "IN": "Internet support",
    "TT": "Returned calls",
}
ZONE = ZoneInfo("Asia/Jerusalem")
BEGINNING = datetime(1999, 2, 1, tzinfo=ZONE)
END = datetime(1999, 2, 22, tzinfo=ZONE)


def ringfloor(address: str, *arguments: str, status: int = 0) -> str:
    """Run a command against a server; what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "ringfloor", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
        env={
            "PATH": "",
            "RINGFLOOR_URL": address,
            "RINGFLOOR_ACCESS_KEY_ID": KEY,
            "RINGFLOOR_SECRET_ACCESS_KEY": SECRET,
        },
    )
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def day_of_end(row) -> str:
    """Contacts count when they end; a few do so after midnight."""
    hours, minutes, seconds = map(int, row["vru_entry"].split(":"))
    for column in ("vru_time", "q_time", "ser_time"):
        seconds += max(int(row[column]) if row["outcome"] == "AGENT" or column[0] != "s" else 0, 0)
    days = (hours * 3600 + minutes * 60 + seconds) // 86_400
    return str(int(row["date"]) + days)


def told(rows):
    """What plain loops over the file say: by day and queue, queued, answered, waited in s."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        answered = row["outcome"] == "AGENT"
        if row["outcome"] == "PHANTOM" or not (answered or row["q_start"] != "0:00:00"):
            continue
        cell = found[day_of_end(row), QUEUES[row["type"]]]
        cell["CONTACTS_QUEUED"] += 1
        cell["waited"] += int(row["q_time"])
        cell["CONTACTS_HANDLED" if answered else "CONTACTS_ABANDONED"] += 1
    return found


class Bank:
    """An instance of 1999 into which the log has been imported."""

    def __init__(self, server):
        self.server = server
        server.sandbox("POST", "clock", {"set": END.timestamp()})
        self.connect = server.client()
        self.instance = self.connect.create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias="bank",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
        )["Id"]
        self.said = self.imported()
        listed = self.connect.list_queues(InstanceId=self.instance, QueueTypes=["STANDARD"])
        self.queues = {each["Name"]: each["Id"] for each in listed["QueueSummaryList"]}

    def imported(self, *more: str, status: int = 0) -> str:
        options = "--mapping", "bank-1999", "--instance", self.instance, "--create", *more
        return ringfloor(self.server.address, "import", str(LOG), *options, status=status)

    def exported(self, table: str, out: Path, *more: str) -> Path:
        times = "--from", BEGINNING.isoformat(), "--to", END.isoformat()
        options = "--instance", self.instance, *times, "--out", str(out), *more
        ringfloor(self.server.address, "export", table, *options)
        return out


@pytest.fixture(scope="module")
def bank():
    server = Server("--memory", "--sandbox", "--clock", "virtual")
    yield Bank(server)
    server.kill()


@pytest.fixture(scope="module")
def log():
    with LOG.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == 25_890
    return rows


@pytest.mark.slow
def test_a_second_import_changes_nothing(bank):
    assert "25,669 contacts, 221 rows dropped" in bank.said
    assert "25,669 contacts imported, 0 known before" in bank.said
    assert "0 contacts imported, 25,669 known before" in bank.imported()


@pytest.mark.slow
def test_metrics_agree_with_plain_loops_over_the_log(bank, log, tmp_path):
    request = tmp_path / "request.json"
    names = ["CONTACTS_QUEUED", "CONTACTS_HANDLED", "CONTACTS_ABANDONED"]
    metrics = [{"Name": name} for name in (*names, "AVG_ABANDON_TIME", "AVG_QUEUE_ANSWER_TIME")]
    asked = {
        "Filters": [{"FilterKey": "QUEUE", "FilterValues": list(bank.queues.values())}],
        "Groupings": ["QUEUE"],
        "Interval": {"IntervalPeriod": "DAY", "TimeZone": "Asia/Jerusalem"},
        "Metrics": metrics,
    }
    request.write_text(json.dumps(asked))
    out = bank.exported("metrics", tmp_path / "days.parquet", "--request", str(request))
    named = {identifier: name for name, identifier in bank.queues.items()}
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in pq.read_table(out).to_pylist():
        day = f"{row['interval_start'].astimezone(ZONE):%y%m%d}"
        if row["value"]:
            found[day, named[row["queue"]]][row["metric"]] = row["value"]
    expected = told(log)
    assert found.keys() == expected.keys()
    for cell, counts in expected.items():
        row = found[cell]
        assert {name: row.get(name, 0) for name in names} == {name: counts[name] for name in names}
        waited = sum(
            row.get(average, 0) * row.get(count, 0)
            for average, count in (
                ("AVG_ABANDON_TIME", "CONTACTS_ABANDONED"),
                ("AVG_QUEUE_ANSWER_TIME", "CONTACTS_HANDLED"),
            )
        )
        assert waited == pytest.approx(counts["waited"]), cell


@pytest.mark.slow
def test_contacts_are_found_described_and_exported(bank, log, tmp_path):
    rows = pq.read_table(bank.exported("contact-records", tmp_path / "all.parquet")).to_pylist()
    assert len(rows) == 25_669
    assert Counter(row["agent_name"] for row in rows) == Counter(
        None if row["outcome"] == "HANG" or row["server"] == "NO_SERVER" else row["server"]
        for row in log
        if row["outcome"] != "PHANTOM"
    )
    one = next(row for row in rows if row["agent_name"] == "DORIT")
    named = {"InstanceId": bank.instance, "ContactId": one["contact_id"]}
    contact = bank.connect.describe_contact(**named)["Contact"]
    assert contact["InitiationTimestamp"] == one["initiated_at"]
    assert contact["AgentInfo"]["Id"] == one["agent_id"]
    nobody = next(row for row in rows if row["connected_to_agent_at"] and not row["agent_id"])
    named["ContactId"] = nobody["contact_id"]
    contact = bank.connect.describe_contact(**named)["Contact"]
    assert contact["AgentInfo"]["ConnectedToAgentTimestamp"] == nobody["connected_to_agent_at"]
    assert "Id" not in contact["AgentInfo"]
    attributes = bank.connect.get_contact_attributes(
        InstanceId=bank.instance, InitialContactId=one["contact_id"]
    )["Attributes"]
    assert attributes == json.loads(one["attributes"])
    assert attributes["line"].startswith("AA")
    searched = bank.connect.search_contacts(
        InstanceId=bank.instance,
        TimeRange={"Type": "ENQUEUE_TIMESTAMP", "StartTime": BEGINNING, "EndTime": END},
        SearchCriteria={"QueueIds": [bank.queues["English"]]},
    )
    assert searched["TotalCount"] == 111


@pytest.mark.slow
def test_a_log_older_than_the_instance_keeps_contacts_is_refused(server):
    client = server.client()
    instance = client.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias="old-log",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    command = "import", str(LOG), "--mapping", "bank-1999", "--instance", instance, "--create"
    said = ringfloor(server.address, *command, status=1)
    assert "ringfloor:record-months" in said
    names = [each["Name"] for each in client.list_queues(InstanceId=instance)["QueueSummaryList"]]
    assert "Regular" not in names, "nothing has been made"
