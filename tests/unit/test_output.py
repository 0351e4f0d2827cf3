"""What commands write: tables, files, and the line that says how far they are."""

import io
import signal
import subprocess
import sys

import pytest

from ringfloor import output
from ringfloor.base.errors import Fault
from ringfloor.client import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(output, "stopwatch", lambda: lambda: now[0])
    return now


def test_a_file_is_written_or_its_option_is_told(tmp_path, capsys):
    output.write("--json", str(tmp_path / "a.json"), "{}")
    assert (tmp_path / "a.json").read_text() == "{}\n"
    output.write("--json", "-", "[]")
    assert capsys.readouterr().out == "[]\n"
    with pytest.raises(Fault, match=r"--html: .* cannot be written"):
        output.write("--html", str(tmp_path), "")


@pytest.mark.parametrize("name", ["nowhere/page.html", ".", "nowhere/deeper/page.html"])
def test_what_cannot_be_written_is_told_before_the_work(tmp_path, name):
    for good in (None, "", "-", str(tmp_path / "page.html")):
        output.check("--html", good)
    with pytest.raises(Fault, match=r"--html: .* cannot be written"):
        output.check("--html", str(tmp_path / name))


def test_a_line_is_shown_a_few_times_a_second_and_taken_away(clock):
    out = Terminal()
    progress = Progress(out, "rows")
    progress.show(1)
    progress.show(2)
    clock[0] = 0.2
    progress.show(1500, 3000)
    progress.end()
    progress.end()
    shown = out.getvalue().split("\r\x1b[K")
    assert shown == ["", "rows 1", f"rows 1,500 [{'#' * 15:<30}]  50% of 3,000", ""]


def test_a_line_waits_and_is_for_terminals_only(clock):
    line = output.Line(Terminal(), after=0.5)
    assert line.due() is None
    clock[0] = 0.6
    assert line.due() == 0.6
    assert line.due() is None
    assert output.Line(io.StringIO()).due() is None


LOADING = """
import signal, sys
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "ringfloor.cli":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Slow())
from ringfloor.__main__ import main
sys.exit(main())
"""


def test_an_interrupt_while_the_command_is_loaded_says_nothing():
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    done = subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_table_has_its_first_column_to_the_left_and_numbers_to_the_right():
    rows = [["", "calls", "waits"], ["sales", "1"], ["all of them", "1,234", "0:05"]]
    assert list(output.table(rows)) == [
        "             calls  waits",
        "sales            1",
        "all of them  1,234   0:05",
    ]
    assert list(output.table([])) == []
