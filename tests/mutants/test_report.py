"""The report on planted faults counts as it says."""

import json

import pytest

from mutants import report


@pytest.fixture
def found(tmp_path, monkeypatch):
    def told(verdicts, reasons="[equivalent]"):
        (tmp_path / "queue.py.meta").write_text(json.dumps({"exit_code_by_key": verdicts}))
        (tmp_path / "survivors.toml").write_text(reasons)
        monkeypatch.setattr(report, "HERE", tmp_path)
        return report.main(tmp_path)

    return told


def names(killed, alive, pending=0):
    codes = [1] * killed + [0] * alive + [None] * pending
    return {f"ringfloor.engine.queue.x_f__mutmut_{n}": code for n, code in enumerate(codes)}


@pytest.mark.parametrize(
    ("killed", "alive", "pending", "fails"),
    [(9, 1, 0, 0), (89, 11, 0, 1), (10, 0, 0, 0), (10, 0, 1, 1)],
)
def test_nine_of_ten_must_die_and_all_must_be_tried(found, killed, alive, pending, fails):
    assert found(names(killed, alive, pending)) == fails


def test_what_nobody_can_see_is_excused_by_its_name(found, capsys):
    one = '[equivalent]\n"only types need it" = ["ringfloor.engine.queue.x_f__mutmut_[12]"]'
    assert found(names(1, 2), one) == 0
    assert "lives on" not in capsys.readouterr().out


def test_of_all_mutants_only_those_that_were_planted_count(tmp_path, monkeypatch):
    verdicts = {f"ringfloor.engine.queue.x_f__mutmut_{n}": code for n, code in ((2, 1), (12, None))}
    (tmp_path / "queue.py.meta").write_text(json.dumps({"exit_code_by_key": verdicts}))
    (tmp_path / "survivors.toml").write_text("[equivalent]")
    monkeypatch.setattr(report, "HERE", tmp_path)
    assert report.main(tmp_path, frozenset({2})) == 0
    assert report.main(tmp_path) == 1
