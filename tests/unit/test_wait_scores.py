"""Scores of wait estimates: errors, calibrated bands, and the command that prints them."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from msgspec import json

from ringfloor.base.time import DAY, SECOND
from ringfloor.cli import main
from ringfloor.node.wait_model import SETTINGS
from ringfloor.waits.scores import Band, Estimate, Outcome, plain, score
from wait_builders import START, a_log

MAPPING = """
[fields]
queue = { constant = "sales" }
agent = { column = "agent" }
initiated_at = { column = "came", format = "epoch-ms" }
enqueued_at = { column = "came", format = "epoch-ms" }
dequeued_at = { column = "left", format = "epoch-ms" }
connected_to_agent_at = { column = "answered", format = "epoch-ms" }
disconnected_at = { column = "ended", format = "epoch-ms" }
"""


def an_outcome(at_s: int, waited_s: float) -> Outcome:
    return Outcome(at_s * SECOND, round((at_s + waited_s) * SECOND))


def test_errors_are_of_what_is_told_less_what_came():
    found = score([plain(10), plain(40)], [an_outcome(0, 20), an_outcome(1, 20)])
    assert (found.mae_s, found.bias_s, found.contacts) == (15, 5, 2)
    assert found.rmse_s == pytest.approx(250**0.5)
    assert found.coverage is None, "two waits calibrate nothing"


def test_no_estimate_is_negative():
    assert score([plain(-50)], [an_outcome(0, 20)]).bias_s == -20


def test_a_band_is_neither_negative_nor_upside_down():
    band = Band()
    for _ in range(50):
        band.learn(Estimate(10, 5, 200), 10)
    assert band.around(Estimate(10, -90, -500)) == (0, 0)


@pytest.mark.parametrize("spread", [1.0, 4.0])
@pytest.mark.parametrize("told", [plain(100), Estimate(100, 90, 400), Estimate(100, 0, 101)])
def test_bands_hold_four_fifths_whatever_was_told(told, spread):
    chance = Random(6)
    outcomes = [
        an_outcome(600 * number, chance.lognormvariate(4, spread / 4)) for number in range(4_000)
    ]
    assert (
        0.78
        <= score(
            [told] * 3_000,
            outcomes[1_000:],
            before=zip([told] * 1_000, outcomes[:1_000], strict=True),
        ).coverage
        <= 0.82
    )


def test_a_band_follows_waits_that_become_longer():
    chance = Random(7)
    outcomes = [
        an_outcome(600 * number, chance.expovariate(1 / (50 if number < 2_000 else 150)))
        for number in range(8_000)
    ]
    found = score(
        [plain(50)] * 6_000,
        outcomes[2_000:],
        before=zip([plain(50)] * 2_000, outcomes[:2_000], strict=True),
    )
    assert found.coverage > 0.75


def test_a_band_knows_only_waits_that_are_over():
    """Forty are asked at once and come to an end later: nobody is told anything by them."""
    together = [an_outcome(number, 1_000) for number in range(40)]
    assert score([plain(0)] * 40, together).coverage is None
    late = [*together, *(an_outcome(5_000 + number, 1_000) for number in range(40))]
    told = score([plain(0)] * 40, late[40:], before=zip([plain(0)] * 40, together, strict=True))
    assert told.coverage == 1


# The command


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    """For the sake of time."""
    monkeypatch.setitem(SETTINGS, "max_iter", 20)
    monkeypatch.setattr("ringfloor.node.wait_model.SEEDS", 1)
    monkeypatch.setattr("ringfloor.node.wait_model.SEEDS_P50", 1)


@pytest.fixture
def written(tmp_path):
    """A function that writes a log, and gives the arguments that score it."""
    (tmp_path / "ours.toml").write_text(MAPPING)

    def write(contacts):
        with (tmp_path / "log.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["agent", "came", "left", "answered", "ended"])
            for each in contacts:
                writer.writerow(
                    [
                        each.agent or "",
                        each.enqueued_at,
                        each.dequeued_at,
                        each.connected_to_agent_at or "",
                        each.disconnected_at,
                    ]
                )
        log = str(tmp_path / "log.csv")
        return ["waits", "score", log, "--mapping", str(tmp_path / "ours.toml")]

    return write


def a_day(days: int) -> str:
    return datetime.fromtimestamp((START + days * DAY) / SECOND, UTC).date().isoformat()


def test_the_command_shows_all_side_by_side(written, capsys):
    arguments = written(a_log(seed=9, contacts=3_600))
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    for name in ("constant", "last to enter service", "QLm", "QLm P50", "model", "model P50"):
        assert f"\n{name} " in shown
    assert "waits below what was told: p10 " in shown
    assert main([*arguments, "--train-until", a_day(2), "--json"]) == 0
    told = json.decode(capsys.readouterr().out)
    assert date.fromisoformat(told["trained_until"]) == date.fromisoformat(a_day(2))
    scores = told["estimators"]
    assert scores["QLm"]["mae_s"] < scores["last to enter service"]["mae_s"]
    assert scores["model"]["rmse_s"] < scores["constant"]["rmse_s"]
    assert 0.7 < scores["model"]["coverage"] < 0.9
    assert told["uses"] in ("QLm", "model")
    assert list(told["below"]) == ["p10", "p50", "p80", "p90"]
    assert 0.3 < told["below"]["p50"] < told["below"]["p90"] < 1


@pytest.mark.parametrize(
    ("contacts", "more", "says"),
    [
        (0, [], "nobody waits"),
        (300, ["--train-until", "1960-01-01"], "0 answered waits before"),
        (300, ["--train-until", "2060-01-01"], "and 0 from then on"),
    ],
)
def test_nothing_to_score_is_said(written, capsys, contacts, more, says):
    assert main([*written(a_log(seed=11, contacts=contacts)), *more]) == 1
    assert says in capsys.readouterr().err


def test_a_row_that_cannot_be_read_is_told_with_its_line(written, capsys):
    arguments = written(a_log(seed=12, contacts=5))
    with Path(arguments[2]).open("a") as file:
        file.write("ann,soon,1,1,1\n")
    assert main(arguments) == 1
    assert "log.csv:7: column came" in capsys.readouterr().err


def test_few_waits_are_scored_without_a_model(written, capsys):
    assert main([*written(a_log(seed=13, contacts=500)), "--train-until", "1970-02-12"]) == 0
    told = capsys.readouterr()
    assert "too few" in told.err
    assert "\nmodel" not in told.out
    assert "told by QLm" in told.out
