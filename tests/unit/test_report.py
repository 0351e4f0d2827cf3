"""Reports: a page of its own, the same for the same data, that tells what it is made of."""

import re
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from report_builders import DAY, NAMES, ZONE, a_report, an_agent, picture, tables
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE, iso_milliseconds
from ringfloor.cli import main
from ringfloor.cli_report import moment
from ringfloor.projections.intervals import marks
from ringfloor.report import answers, words
from ringfloor.report.contents import AgentDay, Cell, Figures, Queue, Stretch, WaitNow
from ringfloor.report.page import page
from ringfloor.report.plots import AGENTS_PER_PLOT, _lanes, _ticks

NASTY = '--> </svg></style><script>alert(1)</script> & "$x^2$" \x00\x1b'


def ids(html: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', html)


@pytest.fixture(scope="module")
def html() -> str:
    return page(a_report())


def test_the_same_data_make_the_same_page(html):
    assert page(a_report()) == html


def test_nothing_is_asked_of_anybody_else(html):
    assert "default-src 'none'" in html
    without = re.sub(r'xmlns(:xlink)?="[^"]+"', "", html)
    assert "://" not in without
    assert re.findall(r"<(script|link|img|iframe|object|use href=\"(?!#)[^>]*)\b", without) == []
    assert re.findall(r"url\((?!#)", without) == []
    assert "@import" not in html


def test_several_plots_stand_in_one_page(html):
    assert len(ids(html)) == len(set(ids(html)))
    known = set(ids(html))
    used = re.findall(r'(?:url\(#|href="#)([^")]+)', html)
    assert used
    assert set(used) <= known
    assert set(re.findall(r'aria-labelledby="([^"]+)"', html)) <= known
    assert html.count("<style") == 1  # Matplotlib's would hold for the whole page


def test_names_are_text_wherever_they_stand():
    agent = replace(an_agent(0, NASTY), statuses=(Stretch(DAY, DAY + HOUR, NASTY),), contacts=())
    html = page(
        a_report(
            source=NASTY,
            queues=(Queue(NASTY, Figures()), Queue("other", Figures())),
            profiles=(NASTY, "{cell} {unknown}"),
            agents=(agent,),
        )
    )
    assert "<script" not in html
    assert html.count("</svg>") == html.count("<svg ") == 6
    assert html.count("</style>") == 1
    assert "\x00" not in html
    assert "\x1b" not in html
    assert "{cell} {unknown}" in html
    shown = tables(html)
    assert shown["agents"][1][0] == shown["queues"][1][0] == words.plain(NASTY)


def test_names_of_any_script_are_drawn():
    html = page(a_report(agents=(an_agent(0, "山田 太郎"), an_agent(1, "🙂 Ann"))))
    assert html.count("山田 太郎") == 2  # plot and table


def test_a_page_without_contacts_and_agents_says_so():
    empty = tuple(replace(each, figures=Figures(), waits=None) for each in a_report().cells)
    html = page(a_report(cells=empty, totals=Figures(), agents=(), occupancy=None))
    assert "<svg" not in html
    assert "No contact came to these queues or left them: Thu 5 Mar 2026 (Europe/Berlin)." in html
    assert "No agent who serves these queues was online" in html
    assert "What counts when" in html


def test_a_page_with_agents_and_without_contacts_shows_those():
    empty = tuple(replace(each, figures=Figures(), waits=None) for each in a_report().cells)
    html = page(a_report(cells=empty, totals=Figures()))
    assert html.count("<svg ") == 2
    assert "No contact came" in html


def test_print_opens_the_tables_and_keeps_plots_whole(html):
    printed = html.partition("@media print {")[2].partition("</style>")[0]
    assert "details::details-content { content-visibility: visible" in printed
    assert "figure, .tiles, tr { break-inside: avoid; }" in printed
    assert "print-color-adjust: exact" in printed


def test_tables_have_the_numbers_as_they_are(html):
    report = a_report()
    shown = tables(html)
    assert [row[1:] for row in shown["arrivals"][1:]] == [
        [str(each.figures.arrivals)] for each in report.cells
    ]
    assert [row[1:] for row in shown["waits"][1:]] == [
        ["0", *[words.NOTHING] * 4]
        if each.waits is None
        else [
            str(each.waits.contacts),
            *map(repr, each.waits.seconds),
            repr(each.figures.wait_seconds_max),
        ]
        for each in report.cells
    ]
    assert shown["waits"][0] == [
        "From (Europe/Berlin)",
        "Left the queue",
        "Median",
        "90th percentile",
        "95th percentile",
        "Longest",
    ]
    assert [row[0] for row in shown["agents"][1:]] == list(NAMES)


def test_what_is_told_to_who_comes_now_stands_in_a_report_that_ends_now(html):
    assert "waits-now" not in tables(html)
    now = (WaitNow("sales", "VOICE", 75, 140), WaitNow("support", "CHAT", 0, 12))
    shown = tables(page(a_report(waits_now=now)))["waits-now"]
    assert [row[1:] for row in shown[1:]] == [["voice", "75", "140"], ["chat", "0", "12"]]
    assert [row[0] for row in shown[1:]] == ["sales", "support"]


def test_the_summary_has_the_whole_time(html):
    shown = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", html.partition("</dl>")[0])
    assert shown == [
        ("Arrivals", "177"),
        ("Answered", "156"),
        ("Abandoned", "21"),
        ("Service level, 20 s", "62.7 %"),
        ("Service level, 60 s", "96.4 %"),
        ("Average answer time", "0:17"),
        ("Wait, 90th percentile", "0:48"),
        ("Longest wait", "1:21"),
        ("Average handle time", "3:02"),
        ("Occupancy", "61.2 %"),
    ]


def test_many_agents_are_drawn_on_several_plots_and_the_rest_is_counted():
    agents = tuple(an_agent(number, f"agent {number}") for number in range(AGENTS_PER_PLOT + 1))
    html = page(a_report(agents=agents, agents_left_out=1_200))
    assert html.count('class="plot"') == 7
    assert "1,200 more agents are not shown." in html


def test_series_are_told_apart_without_colours(html):
    waits = html.partition('aria-labelledby="waits"')[2].partition("</svg>")[0]
    dashes = set(re.findall(r"stroke-dasharray: ([^;\"]+)", waits))
    assert len(dashes) >= 2
    outcomes = html.partition('aria-labelledby="outcomes"')[2].partition("</svg>")[0]
    assert "<pattern" in outcomes


def test_long_waits_are_shown_in_minutes():
    cells = [
        replace(each, figures=replace(each.figures, wait_seconds_max=601.0))
        for each in a_report().cells
    ]
    assert "Time in queue (minutes)" in page(a_report(cells=tuple(cells)))


def test_contacts_at_once_are_above_each_other():
    one, two, three = (Stretch(start, end, "CHAT") for start, end in ((0, 9), (5, 7), (7, 12)))
    assert list(_lanes((one, two, three))) == [(0, 2, one), (1, 2, two), (1, 2, three)]


def test_the_clock_shows_an_hour_twice_when_it_is_put_back():
    start = round(datetime(2026, 10, 25, 0, tzinfo=UTC).timestamp() * 1000)
    assert [text for _, text in _ticks(start, start + 3 * HOUR, ZONE)] == [
        "02:00\nSun 25 Oct",
        "02:30",
        "02:00",
        "02:30",
        "03:00",
        "03:30",
        "04:00",
    ]


@pytest.mark.parametrize(
    ("hours", "texts"),
    [
        (2, ["00:00\nThu 5 Mar", "00:30", "01:00", "01:30", "02:00"]),
        (48, ["00:00\nThu 5 Mar", "06:00", "12:00", "18:00", "00:00\nFri 6 Mar"]),
        (168, ["Thu 5 Mar", "Fri 6 Mar", "Sat 7 Mar", "Sun 8 Mar", "Mon 9 Mar"]),
        (34 * 24, ["Thu 5 Mar", "Mon 9 Mar", "Fri 13 Mar", "Tue 17 Mar", "Sat 21 Mar"]),
    ],
)
def test_the_time_axis_has_some_ten_marks(hours, texts):
    found = [text for _, text in _ticks(DAY, DAY + hours * HOUR, ZONE)]
    assert found[:5] == texts
    assert len(found) <= 14


@pytest.mark.parametrize(
    ("start", "hours", "text"),
    [
        (0, 24, "Thu 5 Mar 2026"),
        (0, 48, "Thu 5 Mar 2026 to Fri 6 Mar 2026"),
        (9, 3, "Thu 5 Mar 2026, 09:00 to 12:00"),
        (22, 4, "Thu 5 Mar 2026, 22:00 to Fri 6 Mar 2026, 02:00"),
    ],
)
def test_spans_are_told_as_people_do(start, hours, text):
    begins = DAY + start * HOUR
    assert words.span(begins, begins + hours * HOUR, ZONE) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, words.NOTHING), (0, "0:00"), (59.6, "1:00"), (3725, "1:02:05")]
)
def test_durations_are_told_as_clocks_do(seconds, text):
    assert words.duration(seconds) == text


# From answers


def a_plan(days: int, period: str) -> dict[str, Any]:
    end = DAY + days * 24 * HOUR
    return {
        "StartTime": iso_milliseconds(DAY),
        "EndTime": iso_milliseconds(end),
        "IntervalPeriod": period,
        "Marks": [iso_milliseconds(each) for each in marks(DAY, end, period, ZONE)],
    }


@pytest.mark.parametrize(
    ("days", "period", "count"), [(2, "THIRTY_MIN", 1), (7, "HOUR", 3), (30, "DAY", 1)]
)
def test_pieces_are_as_short_as_the_operation_demands(days, period, count):
    plan = a_plan(days, period)
    found = list(answers.pieces(plan))
    assert len(found) == count
    assert (found[0][0], found[-1][1]) == (DAY, DAY + days * 24 * HOUR)
    assert all(one[1] == two[0] for one, two in pairwise(found))
    if period != "DAY":
        assert all(end - start < 3 * 24 * HOUR for start, end in found)
        whole = {answers.instant(each) for each in plan["Marks"]}
        assert {each for piece in found for each in piece} <= whole


def test_what_nothing_is_told_of_is_empty_and_not_missing():
    plan = {
        **a_plan(1, "HOUR"),
        "MadeAt": iso_milliseconds(DAY + 25 * HOUR),
        "InstanceId": "i",
        "InstanceAlias": "first",
        "TimeZone": ZONE,
        "Percentiles": [50],
        "Waits": [],
        "Queues": [{"Id": "q1", "Name": "sales"}],
        "Channels": [],
        "RoutingProfiles": [],
        "Agents": [{"Id": "a1", "Name": "Ann", "Statuses": [], "Contacts": []}],
        "AgentsLeftOut": 0,
        "DayStartTime": iso_milliseconds(DAY),
        "DayEndTime": iso_milliseconds(DAY + 24 * HOUR),
    }
    report = answers.made(plan, (20,), answers.Results((), (), (), (), (), ()))
    assert report.cells[0] == Cell(start=DAY, end=DAY + HOUR)
    assert len(report.cells) == 24
    assert report.queues == (Queue("sales", Figures()),)
    assert report.agents == (AgentDay(name="Ann"),)
    assert "No contact came" in page(report)


# The command


@pytest.mark.parametrize(
    ("name", "text", "at"),
    [
        ("from", "", ""),
        ("from", "90m", "90m"),
        ("from", "2026-03-05", DAY),
        ("to", "2026-03-05", DAY + 24 * HOUR),
        ("to", "2026-03-05T09:30", DAY + 9 * HOUR + 30 * MINUTE),
        ("from", "2026-03-05T09:30:00Z", DAY + 10 * HOUR + 30 * MINUTE),
    ],
)
def test_times_are_of_the_reports_zone(name, text, at):
    assert moment(name, text, ZONE) == (at if isinstance(at, str) else iso_milliseconds(at))


@pytest.mark.parametrize("text", ["12x", "9999-12-31", "noon", "2026-02-30"])
def test_what_is_no_time_is_a_fault(text):
    with pytest.raises(Fault, match=r"--to: .* is neither"):
        moment("to", text, ZONE)


def test_who_lacks_the_extra_is_told_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ringfloor.report.page", None)
    assert main(["report", "--instance", "i", "--html", "x.html"]) == 1
    assert "pip install 'ringfloor[report]'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["outcomes", "agents"])
def test_the_guide_shows_what_is_drawn(name):
    kept = (Path(__file__).parents[2] / f"docs/report-{name}.svg").read_text(encoding="utf-8")
    assert kept == picture(name), (
        "make it anew: PYTHONPATH=tests .venv/bin/python -m report_builders"
    )
