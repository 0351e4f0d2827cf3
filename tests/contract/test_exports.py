"""Exports: what is in the files is what history has, column by column, in Parquet and in CSV."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from ringfloor.base.errors import Fault
from ringfloor.domain.facts import AgentTime, Leg
from ringfloor.node import tables
from ringfloor.node.history import History
from ringfloor.projections.exports import AGENT_INTERVALS, CONTACT_RECORDS, TABLES, metric_columns

START = 1_709_632_800_123
NASTY = ["=1+1", "+15555550100", "-2", "@x", "\tx", "'=1", "it's", '"q", r', "a\nb", "", "\uff1d1"]


def a_leg(number: int, **changes: object) -> Leg:
    given = {
        "contact_id": f"c{number}",
        "channel": "VOICE",
        "queue_id": "q",
        "agent_id": "a",
        "initiation_method": "INBOUND",
        "initiated_at": START + number // 2 * 10,
        "enqueued_at": START + 1,
        "dequeued_at": START + 5,
        "disconnected_at": START + 1_000,
        "hold_ms": 7,
        "attributes": {"b": 'say "hi"', "a": "=x"},
    }
    return Leg(**(given | changes))


def an_agent_time(number: int) -> AgentTime:
    return AgentTime(
        agent_id=f"a{number}",
        routing_profile_id="p",
        level_two="g",
        kind="idle",
        started_at=START,
        ended_at=START + 40,
        status_id="s",
    )


FACTS = [*(a_leg(number) for number in range(5)), *(an_agent_time(number) for number in range(5))]


@pytest.fixture
def history():
    history = History.open(None, pytest.fail)
    history.load("i", 1, FACTS)
    history.load("other", 1, [a_leg(99), an_agent_time(99)])
    yield history
    history.close()


def rows_of(history, table, after=None, at_most=100, end=START + 1_000):
    return history.rows("i", table, START, end, after, at_most)


def instant(at):
    return None if at is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_a_parquet_file_has_what_the_facts_say(history, table):
    facts = [fact for fact in FACTS if isinstance(fact, Leg) == (table is CONTACT_RECORDS)]
    told = tables.decoded(tables.encoded(rows_of(history, table), "parquet"))
    assert told.schema.names == [column.name for column in table.columns]
    for fact, row in zip(facts, told.to_pylist(), strict=True):
        for column in table.columns:
            if column.name in fact.__struct_fields__:
                value = getattr(fact, column.name)
                if column.kind == "timestamp":
                    value = instant(value)
                if column.kind == "json":
                    row[column.name] = json.loads(row[column.name])
                assert row[column.name] == value, column.name
    if table is AGENT_INTERVALS:
        assert {row["length_ms"] for row in told.to_pylist()} == {40}
        assert {row["hierarchy_2_id"] for row in told.to_pylist()} == {"g"}
    else:
        assert {row["queue_ms"] for row in told.to_pylist()} == {4}


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_parts_have_every_row_once(history, table):
    parts, after = [], None
    while not parts or tables.count(parts[-1]) == 2:
        parts.append(rows_of(history, table, after, 2))
        after = tables.last(parts[-1], table.order)
        assert isinstance(after[0], int)
    assert pa.concat_tables(parts).equals(rows_of(history, table))
    assert [tables.count(part) for part in parts] == [2, 2, 1]


def test_a_span_has_its_beginning_and_not_its_end(history):
    ids = rows_of(history, CONTACT_RECORDS, end=START + 10)["contact_id"].to_pylist()
    assert ids == ["c0", "c1"], "c2 began at the end"
    assert tables.count(history.rows("i", AGENT_INTERVALS, 0, START, None, 9)) == 0


def test_names_stand_for_ids_that_have_one(history):
    rows = rows_of(history, CONTACT_RECORDS)
    assert tables.texts(rows, "agent_name") == {"a"}
    assert set(tables.renamed(rows, "agent_name", {"a": "ann"})["agent_name"].to_pylist()) == {
        "ann"
    }
    assert set(tables.renamed(rows, "agent_name", {})["agent_name"].to_pylist()) == {None}


def test_csv_is_harmless_in_a_spreadsheet_and_loses_nothing():
    history = History.open(None, pytest.fail)
    history.load("i", 1, [a_leg(number, name=text) for number, text in enumerate(NASTY)])
    written = tables.encoded(rows_of(history, CONTACT_RECORDS), "csv").decode()
    history.close()
    cells = [row["name"] for row in csv.DictReader(io.StringIO(written, newline=""))]
    assert not [
        cell for cell in cells if cell.startswith(tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20"))
    ]
    assert [tables.unquoted(cell) for cell in cells] == NASTY


def test_csv_tells_times_in_utc_and_nothing_apart_from_the_empty_text(history):
    written = tables.encoded(rows_of(history, CONTACT_RECORDS, at_most=1), "csv").decode()
    row = next(csv.DictReader(io.StringIO(written)))
    assert row["initiated_at"] == "2024-03-05 10:00:00.123Z"
    assert (row["hold_ms"], row["conversation_abandoned"]) == ("7", "false")
    assert json.loads(row["attributes"]) == {"b": 'say "hi"', "a": "=x"}
    made = tables.made(metric_columns(()), [["DAY", 0, 1, "M", None, "", None, 1.5]])
    assert tables.encoded(made, "csv").decode().splitlines()[1] == (
        '"DAY",1970-01-01 00:00:00.000Z,1970-01-01 00:00:00.001Z,"M",,"",,1.5'
    )


@pytest.mark.parametrize("form", tables.FORMATS)
def test_a_file_is_one_whatever_its_parts(history, tmp_path, form):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    rows = rows_of(history, CONTACT_RECORDS)
    assert tables.write(whole, form, [rows]) == 5
    assert tables.write(parts, form, iter([rows.slice(0, 3), rows.slice(3)])) == 5
    if form == "csv":
        assert whole.read_bytes() == parts.read_bytes() == tables.encoded(rows, "csv")
    else:
        assert tables.decoded(parts.read_bytes()).equals(rows)


def test_a_file_appears_when_it_is_complete(tmp_path, history):
    out = tmp_path / "contacts.csv"

    def breaks():
        yield rows_of(history, CONTACT_RECORDS)
        raise Fault("the connection broke")

    with pytest.raises(Fault, match="broke"):
        tables.write(out, "csv", breaks())
    assert not list(tmp_path.iterdir())
    with pytest.raises(Fault, match="cannot be written"):
        tables.write(tmp_path / "no" / "where", "csv", [rows_of(history, CONTACT_RECORDS)])
    with pytest.raises(Fault, match="no Parquet"):
        tables.decoded(b"{}")
