"""Call logs: what mapping files say, what rows tell, and how mistakes of both are told."""

import io
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from ringfloor.base.errors import Fault
from ringfloor.call_logs.mapping import FIELDS, plan
from ringfloor.call_logs.reading import Dropped, Problem, read
from ringfloor.cli import main
from ringfloor.cli_import import parts
from ringfloor.domain.logged import LoggedContact
from ringfloor.node.log_files import contacts, planned, shipped

DIGEST = b"0123456789abcdef"

PLAIN = """
[fields]
initiated_at = { column = "start" }
disconnected_at = { column = "seconds", after = "initiated_at" }
"""

CIRCLE = """
enqueued_at = { column = "a", after = "dequeued_at" }
dequeued_at = { column = "a", after = "enqueued_at" }
"""


def seconds(text: str) -> int:
    """An ISO time of 2024, UTC, in ms."""
    return round(datetime.fromisoformat(f"2024-{text}").replace(tzinfo=UTC).timestamp() * 1000)


def rows(log: str, mapping: str, digest: bytes = DIGEST, encoding: str = "utf-8"):
    return list(read(io.BytesIO(log.encode(encoding)), plan(mapping, "m.toml"), digest))


def one(cells: dict[str, str], fields: str, file: str = "") -> LoggedContact | Problem:
    """The one row of a log with these cells, the mapping of whose times is PLAIN."""
    cells = {"start": "2024-01-01T10:00:00", "seconds": "90", **cells}
    log = f"{','.join(cells)}\n{','.join(cells.values())}\n"
    (row,) = rows(log, f"{file}\n{PLAIN}\n{fields}")
    return row


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("[fields", "m.toml: "),
        ("", "Object missing required field `fields`"),
        (f"{PLAIN}\n[more]", "unknown field `more`"),
        (f"[file]\nzone = 3\n{PLAIN}", "$.file.zone"),
        (f"[file]\nzone = 'Mars'\n{PLAIN}", "file.zone: 'Mars' is no time zone"),
        (f"[file]\nencoding = 'utf-9'\n{PLAIN}", "file.encoding: 'utf-9'"),
        (f"[file]\ndelimiter = ';;'\n{PLAIN}", "file: delimiter is one character"),
        (f"[file]\nheader = false\n{PLAIN}", "file.columns"),
        (f"[file]\ncolumns = ['a']\n{PLAIN}", "file.columns"),
        ("[fields]\nqueue = { column = 'q' }", "fields.initiated_at: is left out"),
        (f"{PLAIN}\nqeue = {{ column = 'q' }}", "fields.qeue: is no field; there are channel,"),
        (f"{PLAIN}\nqueue = {{}}", "fields.queue: needs one of constant, column and columns"),
        (f"{PLAIN}\nqueue = {{ column = 'a', constant = 'b' }}", "fields.queue: needs one of"),
        (f"{PLAIN}\nqueue = {{ column = 'a', after = 'initiated_at' }}", "after is of moments"),
        (f"{PLAIN}\nenqueued_at = {{ column = 'a', after = 'queue' }}", "after is of moments"),
        (f"{PLAIN}\nenqueued_at = {{ column = 'a', after = 'dequeued_at' }}", "no field of this"),
        (f"{PLAIN}\nenqueued_at = {{ column = 'a', format = 'hh' }}", "format 'hh' is none of"),
        (f"{PLAIN}\nenqueued_at = {{ constant = '1' }}", "is another moment in each row"),
        (f"{PLAIN}\nchannel = {{ constant = 'FAX' }}", "fields.channel: 'FAX' is none of VOICE"),
        (
            f"{PLAIN}\noutcome = {{ column = 'o', values = {{ x = 'lost' }} }}",
            "fields.outcome: 'lost' is none of answered, abandoned",
        ),
        (f"{PLAIN}\n{CIRCLE}", "in a circle"),
        (f"{PLAIN}\n[attributes]\nx = {{}}", "attributes.x: needs one of"),
        (f"{PLAIN}\nholds = {{ column = 'h', unit = 'days' }}", "unit"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(mapping, words):
    with pytest.raises(Fault) as caught:
        plan(mapping, "m.toml")
    assert words in str(caught.value)


def test_all_that_is_wrong_with_a_mapping_is_told_at_once():
    with pytest.raises(Fault) as caught:
        plan("[fields]\nqeue = { column = 'q' }\nagent = {}", "m.toml")
    assert str(caught.value).count("m.toml") == 4


@pytest.mark.parametrize(
    ("cells", "source", "at"),
    [
        ({"t": "2024-01-01 10:00:05"}, "column='t'", "10:00:05"),
        ({"t": "2024-01-01T12:00:05+02:00"}, "column='t'", "10:00:05"),
        ({"t": "1704103205"}, "column='t', format='epoch-s'", "10:00:05"),
        ({"t": "1704103205000"}, "column='t', format='epoch-ms'", "10:00:05"),
        ({"d": "1.1.24", "t": "10:01"}, "columns=['d', 't'], format='%d.%m.%y %H:%M'", "10:01:00"),
        ({"t": "5"}, "column='t', after='initiated_at'", "10:00:05"),
        ({"t": "0:00:05"}, "column='t', after='initiated_at'", "10:00:05"),
        ({"t": "-5"}, "column='t', after='initiated_at', at_least=0", "10:00:00"),
        ({"t": ""}, "column='t'", "10:00:00"),
    ],
)
def test_moments_are_told_in_many_ways(cells, source, at):
    contact = one(cells, f"connected_to_system_at = {{ {source} }}")
    assert isinstance(contact, LoggedContact), contact
    assert contact.connected_to_system_at == seconds(f"01-01 {at}")


@pytest.mark.parametrize(
    ("cells", "fields", "member", "value"),
    [
        ({"q": "a"}, "queue = {column='q'}", "queue", "a"),
        ({"q": " a "}, "queue = {column='q', values={a='A'}}", "queue", "A"),
        ({"q": "none"}, "queue = {column='q', none=['none']}", "queue", None),
        ({"q": "a"}, "queue = [{column='q', none=['a']}, {constant='b'}]", "queue", "b"),
        ({"q": "a"}, "queue = [{column='q', when={q=['b']}}, {constant='b'}]", "queue", "b"),
        ({"q": "a"}, "queue = [{column='q', unless={q=['a']}}, {constant='b'}]", "queue", "b"),
        ({"q": "a", "r": "b"}, "queue = {columns=['q', 'r']}", "queue", "a b"),
        ({"p": "2"}, "priority = {column='p'}", "priority", 2),
        ({"p": "2"}, "age_adjustment_ms = {column='p', unit='min'}", "age_adjustment_ms", 120_000),
        ({"p": "1.5"}, "age_adjustment_ms = {column='p'}", "age_adjustment_ms", 1_500),
        ({"p": "7"}, "[attributes]\nrank = {column='p'}", "attributes", {"rank": "7"}),
        ({"p": ""}, "[attributes]\nrank = {column='p'}", "attributes", {}),
    ],
)
def test_what_a_row_tells(cells, fields, member, value):
    contact = one(cells, fields)
    assert isinstance(contact, LoggedContact), contact
    assert getattr(contact, member) == value


@pytest.mark.parametrize(
    ("cells", "fields", "column", "rule"),
    [
        ({"start": "today"}, "", "start", "is no moment of the form iso"),
        ({"seconds": ""}, "", "disconnected_at", "disconnected_at has no value"),
        ({"seconds": "1,5"}, "", "", "has 3 cells, and there are 2 columns"),
        ({"seconds": "long"}, "", "seconds", "is no number"),
        ({"seconds": "-1"}, "", "seconds", "disconnected_at is before connected_to_system_at"),
        ({"q": "a"}, "queue = {column='q', values={b='B'}}", "q", "has no meaning in the mapping"),
        ({"c": "FAX"}, "channel = {column='c'}", "c", "channel is none of VOICE, CHAT"),
        ({"p": "0"}, "priority = {column='p'}", "p", "priority is less than 1"),
        ({"o": "answered"}, "outcome = {column='o'}", "connected_to_agent_at", "has no value"),
        ({"e": "1"}, "enqueued_at = {column='e', after='initiated_at'}", "e", "needs a queue"),
        ({"d": "30.2.24"}, "enqueued_at = {column='d', format='%d.%m.%y'}", "d", "is no moment of"),
    ],
)
def test_a_problem_names_line_column_value_and_rule(cells, fields, column, rule):
    problem = one(cells, fields)
    assert isinstance(problem, Problem), problem
    assert (problem.line, rule in problem.rule) == (2, True), problem
    assert column in problem.column
    assert problem.value == (cells.get(column, problem.value))


def test_every_problem_of_a_row_is_told():
    log = "start,seconds,q\nx,y,z\n"
    found = rows(log, f"{PLAIN}\nqueue = {{ column = 'q', values = {{ a = 'A' }} }}")
    assert [each.column for each in found] == ["start", "q"], "the end counts from the start"


@pytest.mark.parametrize(
    ("log", "encoding", "column", "rule"),
    [
        ("start\n", "utf-8", "seconds", "is not among the columns"),
        ("", "utf-8", "start", "is not among the columns"),
        ("start,seconds,start\n", "utf-8", "start", "is the name of two columns"),
        ('start,seconds\n"a"b,c\n', "utf-8", "", "cannot be read as the mapping says"),
        ("start,seconds\n\u00e9,1\n", "latin-1", "", "cannot be read as the mapping says"),
    ],
)
def test_a_file_that_is_another_has_one_problem(log, encoding, column, rule):
    (problem,) = rows(log, PLAIN, encoding=encoding)
    assert (problem.column, rule in problem.rule) == (column, True)


def test_zones_say_when_it_was():
    berlin = "[file]\nzone = 'Europe/Berlin'"
    assert one({}, "", berlin).initiated_at == seconds("01-01T09:00:00")
    leapt = one({"start": "2024-03-31T02:30:00"}, "", berlin)
    assert "clocks of Europe/Berlin have leapt over" in leapt.rule
    twice = one({"start": "2024-10-27T02:30:00"}, "", berlin)
    assert twice.initiated_at == seconds("10-27T00:30:00"), "the first of the two"


def test_who_is_abandoned_has_nothing_of_an_agent():
    cells = {"o": "H", "a": "ann", "s": "10"}
    fields = """
        outcome = {column='o', values={H='abandoned', A='answered'}}
        queue = {constant='q'}
        agent = {column='a'}
        enqueued_at = {constant='0', after='initiated_at'}
        connected_to_agent_at = {column='s', after='initiated_at'}"""
    left = one(cells, fields)
    assert (left.agent, left.connected_to_agent_at) == (None, None)
    assert left.dequeued_at == left.disconnected_at
    came = one({**cells, "o": "A"}, fields)
    assert came.agent == "ann"
    assert came.dequeued_at == came.connected_to_agent_at == came.initiated_at + 10_000


def test_the_ids_are_those_of_the_file_and_the_row():
    log = "start,seconds,o\n" + "2024-01-01,1,a\n2024-01-01,1,x\n\n2024-01-01,1,a\n"
    first = rows(log, PLAIN)
    dropping = rows(log, f"[drop]\no = ['x']\n{PLAIN}\nqueue = {{ constant = 'q' }}")
    assert dropping[1] == Dropped(3)
    assert len({each.id for each in first}) == 3
    assert [first[0].id, first[2].id] == [dropping[0].id, dropping[2].id]
    assert rows(log, PLAIN, b"another digest..")[0].id != first[0].id


def test_a_file_without_a_header_and_with_tabs():
    mapping = (
        f"[file]\nheader = false\ncolumns = ['start', 'seconds']\ndelimiter = \"\\t\"\n{PLAIN}"
    )
    (contact,) = rows("2024-01-01\t5\n", mapping)
    assert contact.disconnected_at == seconds("01-01T00:00:05")


@pytest.mark.parametrize("name", shipped())
def test_mappings_that_ship_can_be_read(name):

    text = (files("ringfloor.call_logs") / f"{name}.toml").read_text()
    assert set(plan(text, name).fields) <= set(FIELDS)


def test_the_command_tells_all_problems_before_anything_is_sent(tmp_path, capsys):
    log, mapping = tmp_path / "calls.csv", tmp_path / "calls.toml"
    log.write_text("start,seconds\n" + "today,5\n" * 30 + "2024-01-01,5\n")
    mapping.write_text(PLAIN)
    assert main(["import", str(log), "--mapping", str(mapping), "--instance", "i"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"{log}:2: column start: 'today' is no moment of the form iso"
    assert said[20] == "... and 10 more"
    assert "30 problems; nothing has been imported" in said[-1]


def test_a_dry_run_says_what_would_come(tmp_path, capsys):
    log, mapping = tmp_path / "calls.csv", tmp_path / "calls.toml"
    log.write_text("start,seconds,q\n2024-01-01,5,sales\n2024-01-02,5,-\n2024-01-02,5,drop\n")
    mapping.write_text(f"[drop]\nq = ['drop']\n{PLAIN}\nqueue = {{ column = 'q', none = ['-'] }}")
    assert main(["import", str(log), "--mapping", str(mapping), "--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [
        "2 contacts, 1 rows dropped",
        "from 2024-01-01T00:00:00Z to 2024-01-02T00:00:05Z",
    ]
    assert said[-1].split() == ["sales", "1", "0", "0", "0"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such.csv", "--mapping", "bank-1999", "--dry-run"], "no-such.csv cannot be read"),
        (["a.csv", "--mapping", "no-such", "--dry-run"], "come with Ringfloor: bank-1999"),
        (["a.csv", "--mapping", "bank-1999"], "--instance ID is missing"),
    ],
)
def test_the_command_says_what_is_missing(arguments, words, capsys):
    assert main(["import", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_parts_are_as_large_as_they_may_be():
    contact = LoggedContact(id="c", initiated_at=1, disconnected_at=2)
    assert [len(part) for part in parts([contact] * 1_001)] == [500, 500, 1]
    large = LoggedContact(id="c", initiated_at=1, disconnected_at=2, name="x" * 200_000)
    assert [len(part) for part in parts([large] * 7)] == [3, 3, 1]
    assert list(parts([])) == []


BANK = {
    "vru+line": "AA0101",
    "call_id": "1",
    "customer_id": "0",
    "priority": "0",
    "type": "PS",
    "date": "990201",
    "vru_entry": "7:00:00",
    "vru_exit": "7:00:10",
    "vru_time": "10",
    "q_start": "7:00:10",
    "q_exit": "7:00:40",
    "q_time": "30",
    "outcome": "AGENT",
    "ser_start": "7:00:40",
    "ser_exit": "7:02:40",
    "ser_time": "120",
    "server": "DORIT",
}


def a_file(folder, *rows) -> Path:
    found = folder / "log.tsv"
    found.write_text("".join("\t".join(row) + "\n" for row in rows))
    return found


def test_a_log_is_read_by_the_mapping_that_comes_with_us_and_fits(tmp_path):
    log = a_file(tmp_path, BANK, BANK.values())
    [contact] = contacts(log, planned(None, log))
    assert (contact.queue, contact.agent) == ("Regular", "DORIT")
    assert contact.dequeued_at - contact.enqueued_at == 30_000


def test_a_log_that_no_mapping_fits_asks_for_one(tmp_path):
    log = a_file(tmp_path, ["start", "seconds"], ["2024-01-01T10:00:00", "90"])
    with pytest.raises(Fault, match=r"none of .* \(bank-1999\) reads it: --mapping FILE"):
        planned(None, log)
    with pytest.raises(Fault, match="cannot be read: No such file"):
        planned(None, tmp_path / "absent.tsv")


def test_the_first_row_that_is_wrong_is_named(tmp_path):
    log = a_file(tmp_path, BANK, BANK.values(), (BANK | {"type": "XX"}).values())
    with pytest.raises(Fault, match=r"log\.tsv:3: column type: XX "):
        contacts(log, planned("bank-1999", log))
