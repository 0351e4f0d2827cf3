"""Exports through the command and over HTTP: what is in the files, and who may have them."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from acceptance.center import FirstCenter
from acceptance.conftest import KEY, REGION, SECRET, Server
from acceptance.test_permissions import Desk, allow
from ringfloor.base.errors import Fault
from ringfloor.cli import main
from ringfloor.client import Connect
from ringfloor.node import tables

Run = Callable[..., str]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, server: Server) -> Callable[[str, str], None]:
    """Lets commands of this process be those of a key pair."""

    def sign(key: str, secret: str) -> None:
        monkeypatch.setenv("RINGFLOOR_URL", server.address)
        monkeypatch.setenv("RINGFLOOR_ACCESS_KEY_ID", key)
        monkeypatch.setenv("RINGFLOOR_SECRET_ACCESS_KEY", secret)

    sign(KEY, SECRET)
    return sign


@pytest.fixture
def run(keys: Any, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; what it has said."""
    assert keys

    def ringfloor(*arguments: str, status: int = 0) -> str:
        assert main(list(map(str, arguments))) == status, capsys.readouterr()
        told = capsys.readouterr()
        return told.out + told.err

    return ringfloor


@pytest.fixture
def center(server: Server) -> FirstCenter:
    return FirstCenter(server)


def instants(center: FirstCenter) -> tuple[str, str]:
    """The day until now, in ms."""
    now = int(center.now())
    return str((now - 86_400) * 1000), str(now * 1000)


def times(center: FirstCenter) -> tuple[str, ...]:
    start, end = (datetime.fromtimestamp(int(at) / 1000, UTC) for at in instants(center))
    return "--instance", center.instance, "--from", start.isoformat(), "--to", end.isoformat()


def a_contact(center: FirstCenter, **attributes: str) -> str:
    contact_id = center.dial()
    center.advance(5)
    center.connect.update_contact_attributes(
        InstanceId=center.instance, InitialContactId=contact_id, Attributes=attributes
    )
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contact_id)
    center.advance(1)
    return contact_id


def test_contact_records_are_what_the_api_says(center: FirstCenter, run: Run, tmp_path: Path):
    first, second = a_contact(center, note="=1+1"), a_contact(center)
    live = center.dial()
    out = tmp_path / "contacts.parquet"
    said = run("export", "contact-records", *times(center), "--out", out)
    assert said == f"{out}: 2 rows\n"
    rows = pq.read_table(out).to_pylist()
    assert [row["contact_id"] for row in rows] == [first, second]
    assert live not in {row["contact_id"] for row in rows}
    for row in rows:
        contact = center.contact(row["contact_id"])
        assert row["queue_name"] == "sales"
        assert row["initiated_at"] == contact["InitiationTimestamp"]
        assert row["disconnected_at"] == contact["DisconnectTimestamp"]
        assert row["enqueued_at"] == contact["QueueInfo"]["EnqueueTimestamp"]
    table = tmp_path / "contacts.csv"
    run("export", "contact-records", *times(center), "--format", "csv", "--out", table)
    with table.open(newline="") as file:
        assert [row["contact_id"] for row in csv.DictReader(file)] == [first, second]


def test_agents_time_and_metrics(center: FirstCenter, run: Run, tmp_path: Path):
    center.act("available")
    center.advance(30)
    center.act("offline")
    out = tmp_path / "agents.parquet"
    run("export", "agent-intervals", *times(center), "--out", out)
    (row,) = pq.read_table(out).to_pylist()
    assert (row["agent_name"], row["kind"], row["length_ms"]) == ("ann", "idle", 30_000)
    assert row["status_name"] == "Available"

    a_contact(center)
    request = tmp_path / "request.json"
    asked = {
        "Filters": [{"FilterKey": "QUEUE", "FilterValues": [center.queue]}],
        "Groupings": ["QUEUE"],
        "MaxResults": 1,
        "Metrics": [
            {"Name": "CONTACTS_QUEUED"},
            {
                "Name": "SERVICE_LEVEL",
                "Threshold": [{"Comparison": "LT", "ThresholdValue": 20}],
            },
        ],
    }
    request.write_text(json.dumps(asked))
    run("export", "metrics", *times(center), "--request", request, "--out", out)
    queued, level = pq.read_table(out).to_pylist()
    assert (queued["queue"], queued["metric"], queued["value"]) == (
        center.queue,
        "CONTACTS_QUEUED",
        1.0,
    )
    assert (level["comparison"], level["threshold"]) == ("LT", 20.0)


def test_an_empty_table_has_its_columns(center: FirstCenter, run: Run, tmp_path: Path):
    out = tmp_path / "none.csv"
    assert "0 rows" in run(
        "export", "agent-intervals", *times(center), "--format", "csv", "--out", out
    )
    assert out.read_text().startswith('"agent_id","agent_name"')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["metrics"], "--request FILE belongs to metrics"),
        (["contact-records", "--request", "x"], "--request FILE belongs to metrics"),
        (["metrics", "--request", "no-such.json"], "no-such.json cannot be read"),
        (["contact-records", "--from", "then"], "--from: 'then' is neither"),
        (["contact-records", "--to", "2020-01-01"], "to: 1577836800000 is not after from"),
        (["contact-records", "--instance", "none"], "InstanceId: no instance 'none'"),
    ],
)
def test_what_cannot_be_exported_is_said(center, run, tmp_path, arguments, words):
    out = tmp_path / "out"
    said = run("export", "--out", out, *times(center), *arguments, status=1)
    assert words in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "xls"}, "format: 'xls' is none of parquet, csv"),
        ({"from": "2020-01-01"}, "from: '2020-01-01' is not a time"),
        ({"to": str(10**18)}, "is not a time"),
        ({"after": "x"}, "after: 'x' is nothing that x-ringfloor-next has told"),
        ({"limit": "1"}, "query: 'limit' is none of"),
    ],
)
def test_a_part_is_asked_for_in_its_words(center, keys, change, words):
    assert keys
    start, end = instants(center)
    connect = Connect(center.server.address, REGION)
    with pytest.raises(Fault, match=r"^Invalid") as caught:
        connect.export(center.instance, "contact-records", **({"from": start, "to": end} | change))
    assert words in str(caught.value)
    with pytest.raises(Fault, match="no table 'nothing'"):
        connect.export(center.instance, "nothing", **{"from": start, "to": end})


def test_who_may_search_may_export_and_who_may_import_is_told_by_its_own_action(server, keys):
    desk = Desk(server)
    contact = a_contact(desk.center)
    start, end = instants(desk.center)
    asked, connect = {"from": start, "to": end}, Connect(server.address, REGION)
    instance = desk.center.instance
    began = int(end) - 100_000
    log = [{"id": "logged", "initiated_at": began, "disconnected_at": began + 1}]

    keys(*desk.key(allow("SearchContacts", on=desk.arn)))
    body, _ = connect.export(instance, "contact-records", **asked)
    assert tables.decoded(body)["contact_id"].to_pylist() == [contact]
    with pytest.raises(Fault, match="connect:GetMetricDataV2 action"):
        connect.export(instance, "agent-intervals", **asked)
    with pytest.raises(Fault, match="connect:ImportContacts action"):
        connect.import_contacts(instance, log)

    keys(*desk.key(allow("GetMetricDataV2", "ImportContacts", on=desk.arn)))
    connect.export(instance, "agent-intervals", **asked)
    with pytest.raises(Fault, match="connect:SearchContacts action"):
        connect.export(instance, "contact-records", **asked)
    assert connect.import_contacts(instance, log, check=True) == {"imported": 0, "known": 0}
    assert connect.import_contacts(instance, log) == {"imported": 1, "known": 0}
    assert connect.import_contacts(instance, log) == {"imported": 0, "known": 1}


@pytest.mark.parametrize(
    ("contacts", "words"),
    [
        ([], "contacts: 0 are not 1 to 500"),
        ([{}], "Object missing required field `id`"),
        ([{"id": "c", "initiated_at": 1, "disconnected_at": 2, "x": 1}], "unknown field `x`"),
        ([{"id": "c", "initiated_at": 2, "disconnected_at": 1}], "disconnected_at: 1 is before"),
        ([{"id": "c", "initiated_at": 1, "disconnected_at": 2}], "ringfloor:record-months"),
    ],
)
def test_what_is_no_contact_is_not_imported(center, keys, contacts, words):
    assert keys
    connect = Connect(center.server.address, REGION)
    with pytest.raises(Fault) as caught:
        connect.import_contacts(center.instance, contacts)
    assert words in str(caught.value)


@pytest.mark.parametrize("command", ["export", "import"])
def test_help_teaches_with_examples(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert capsys.readouterr().out.count(f"ringfloor {command} ") >= 3
