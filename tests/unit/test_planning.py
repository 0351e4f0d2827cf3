"""Pages of forecasts, plans and days played anew: self-contained, every plot with its numbers."""

import re

import pytest

from report_builders import tables
from ringfloor.base.time import HOUR
from ringfloor.report.contents import Cell
from ringfloor.report.planning import Part, Sheet, page
from ringfloor.report.plots import Chart, Curve, Gap, Gaps, chart, gaps

CELLS = [Cell(start=at * HOUR // 2, end=(at + 1) * HOUR // 2) for at in range(16, 20)]
NASTY = "<b>\x1b&"


def a_chart(name: str = "agents", **parts: object) -> Chart:
    return Chart(name, "Agents", "UTC", CELLS, **parts)


def a_sheet() -> Sheet:
    rows = [["08:00", "3"], ["08:30", NASTY]]
    steps = [Curve("all agents", [3, 4, 4, 1]), Curve(NASTY, [1, 1, 2, 1])]
    parts = [
        Part("agents", "Agents", "At work.", ["From", "Agents"], rows, a_chart(steps=steps)),
        Part(
            "level", "Level", "In time.", ["From", "Level"], rows, a_chart("level", bars=[1.0] * 4)
        ),
        Part("errors", "Errors", NASTY, ["", "Errors"], rows),
    ]
    return Sheet(f"Staff of {NASTY}", "Monday", "a simulation", [("Hours", NASTY)], parts)


def test_a_page_is_made_of_nothing_but_itself_and_always_the_same():
    html = page(a_sheet())
    assert html == page(a_sheet())
    assert "default-src 'none'" in html
    assert re.findall(r"<(script|link|img|iframe|object)\b|@import|url\((?!#)", html) == []
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', html)) <= set(ids)


def test_names_are_text_and_tables_have_the_numbers():
    html = page(a_sheet())
    assert "<b>" not in html
    assert "\x1b" not in html
    found = tables(html)
    assert [row[:2] for row in found["agents"]] == [
        ["From", "Agents"],
        ["08:00", "3"],
        ["08:30", "<b> &"],
    ]
    assert html.count("<details>") == html.count("<svg ") == 2, "without a plot the table is open"


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ({"steps": [Curve("one", [1, 2, 3, 4])]}, []),
        ({"steps": [Curve("one", [1, 2, 3, 4]), Curve("two", [2, 2, 2, 2])]}, ["one", "two"]),
        ({"lines": [Curve("level", [80, None, 90, 70])], "mark": Curve("target", [80])},
         ["level", "target"]),
        ({"steps": [Curve("expected", [2, 2, 2, 2])], "band": ("band", [1] * 4, [3] * 4)},
         ["band", "expected"]),
        ({"bars": [0, 0, 0, 0]}, []),
    ],
)  # fmt: skip
def test_series_are_named_where_there_are_several(parts, shown):
    svg = chart(a_chart(**parts))
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert [each for each in texts if re.fullmatch("[a-z]+", each)] == shown
    assert "Agents" in texts
    assert "08:00" in svg


DIFFERENCES = [
    ("Contacts", [Gap("answered", 3.0, (1.0, 5.0), (-4.0, 10.0)), Gap(NASTY, -2.0)]),
    ("Seconds", [Gap("longest wait", 0.0)]),
]


def test_differences_stand_on_the_axis_of_their_unit():
    svg = gaps(Gaps("scope0", DIFFERENCES, "of its mean", "of one day"))
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    for each in ("answered", "longest wait", "Contacts", "Seconds", "of its mean", "of one day"):
        assert texts.count(each) == 1, each
    assert "0" in texts
    assert any(each.startswith("+") for each in texts)
    assert "<b>" not in svg
    assert svg == gaps(Gaps("scope0", DIFFERENCES, "of its mean", "of one day"))
    exact = gaps(Gaps("scope0", DIFFERENCES[1:], "of its mean", "of one day"))
    assert "of its mean" not in exact, "what has no intervals needs no words for them"
    parts = [
        Part(
            "scope0", "All", "", ["", "x"], [["answered", "3"]], Gaps("scope0", DIFFERENCES, "", "")
        )
    ]
    html = page(Sheet("What if", "", "", [], parts))
    assert html.count("<details>") == html.count("<svg ") == 1
    assert tables(html)["scope0"][1][0] == "answered"


def test_steps_are_told_apart_without_colours():
    steps = [Curve(str(number), [number] * 4) for number in range(1, 6)]
    svg = chart(a_chart(steps=steps))
    looks = re.findall(r'<path d="[^"]*" clip-path="[^"]*" style="([^"]*)"', svg)
    drawn = {each for each in looks if "stroke-width: 1.6" in each}
    assert len(drawn) == 5
    assert len({re.sub(r"stroke: #\w+; ?", "", each) for each in drawn}) >= 4
