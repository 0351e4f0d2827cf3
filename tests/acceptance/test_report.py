"""Reports through the CLI: the server's own numbers, on a page that browsers show and print."""

import base64
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from acceptance.conftest import KEY, REGION, SECRET, Server
from acceptance.test_permissions import Desk as Policies
from acceptance.test_permissions import allow
from acceptance.test_transfers import Desk, TwoDesks
from browser.chromium import Page, browser
from report_builders import a_report, tables
from ringfloor.base.errors import Fault
from ringfloor.client import Connect
from ringfloor.report.page import page as page_of

pytestmark = pytest.mark.xdist_group("browser")  # one for all

HALF_HOUR = 1800
PLOTS = ["arrivals", "outcomes", "service-level", "waits", "occupancy", "agents-1"]


def report(address: str, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    keys = {"RINGFLOOR_ACCESS_KEY_ID": KEY, "RINGFLOOR_SECRET_ACCESS_KEY": SECRET}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "ringfloor", "report", *options],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "RINGFLOOR_URL": address, **keys, **variables},
    )


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


class Morning(NamedTuple):
    """A center after an hour of calls, and the report of it."""

    center: TwoDesks
    start: float
    end: float
    html: str

    def asked(
        self, key: str, values: list[str], *metrics: Any, **more: Any
    ) -> list[dict[str, Any]]:
        """What GetMetricDataV2 answers to boto3."""
        connect = self.center.connect
        arn = connect.describe_instance(InstanceId=self.center.instance)["Instance"]["Arn"]
        named = [{"Name": each} if isinstance(each, str) else each for each in metrics]
        return connect.get_metric_data_v2(
            ResourceArn=arn,
            StartTime=more.pop("start", self.start),
            EndTime=self.end,
            Filters=[{"FilterKey": key, "FilterValues": values}],
            Metrics=named,
            **more,
        )["MetricResults"]

    def by_half_hour(self, key: str, values: list[str], *metrics: Any) -> dict[str, list[Any]]:
        """By the hands of the clock: the values, in the order of the metrics; None for none."""
        cut = {"TimeZone": "Asia/Kolkata", "IntervalPeriod": "THIRTY_MIN"}
        rows = self.asked(key, values, *metrics, Interval=cut)
        return {
            f"{row['MetricInterval']['StartTime'].astimezone(UTC):%H:%M}": [
                each.get("Value") for each in row["Collections"]
            ]
            for row in rows
        }


@pytest.fixture(scope="module")
def morning(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    """Four calls for sales: at once, after 30 s, abandoned after 50 s, and after 10 s."""
    center = TwoDesks(server)
    lunch = center.connect.create_agent_status(
        InstanceId=center.instance, Name="<Lunch>", State="ENABLED"
    )
    assert lunch["AgentStatusId"]
    start = -(-center.now() // HALF_HOUR) * HALF_HOUR
    center.advance(start + 60 - center.now())
    ann, bob = Desk(center, "ann"), Desk(center, "bob")
    ann.choose("Available")
    bob.choose("Available")

    def talk(before: float, seconds: float) -> None:
        center.advance(before)
        contact = ann.accept()
        center.advance(seconds)
        ann.hang_up(contact)

    center.call()
    talk(0, 300)
    ann.choose("<Lunch>")
    center.call()
    center.advance(30)
    ann.choose("Available")
    contact = ann.accept()
    channel = center.call()
    center.advance(50)
    server.sandbox("POST", f"contacts/{channel}/hangup", {})
    center.advance(1000)
    ann.hang_up(contact)
    bob.choose("Offline")
    center.advance(start + HALF_HOUR + 100 - center.now())
    center.call()
    talk(10, 20.5)
    center.advance(start + 2 * HALF_HOUR - 600 - center.now())
    made = tmp_path_factory.mktemp("report") / "report.html"
    wanted = ["--instance", center.instance, "--queue", "sales", "--time-zone", "Asia/Kolkata"]
    span = ["--from", iso(start), "--to", iso(start + 2 * HALF_HOUR), "--html", str(made)]
    done = report(server.address, *wanted, *span, "--threshold", "20", "--threshold", "60")
    assert (done.returncode, done.stderr) == (0, ""), done
    return Morning(center, start, center.now(), made.read_text(encoding="utf-8"))


def test_the_tables_say_what_the_metrics_say(morning):
    shown = tables(morning.html)
    queue = ("QUEUE", [morning.center.queue])
    counts = ("CONTACTS_QUEUED_BY_ENQUEUE", "CONTACTS_HANDLED", "CONTACTS_ABANDONED")
    counted = morning.by_half_hour(*queue, *counts)
    assert list(counted.values()) == [[3, 2, 1], [1, 1, 0]]
    arrivals = [int(number) for _, number in shown["arrivals"][1:]]
    outcomes = [[int(each) for each in row[1:]] for row in shown["outcomes"][1:]]
    assert [[came, *ended] for came, ended in zip(arrivals, outcomes, strict=True)] == list(
        counted.values()
    )
    levels = [
        {"Name": "SERVICE_LEVEL", "Threshold": [{"Comparison": "LT", "ThresholdValue": each}]}
        for each in (20, 60)
    ]
    found = morning.by_half_hour(*queue, *levels)
    assert [[float(each) for each in row[1:]] for row in shown["service-level"][1:]] == list(
        found.values()
    )
    assert next(iter(found.values())) == [pytest.approx(100 / 3), 100]


def test_waits_are_those_of_the_contacts(morning):
    shown = [[float(each) for each in row[1:]] for row in tables(morning.html)["waits"][1:]]
    longest = morning.by_half_hour("QUEUE", [morning.center.queue], "MAX_QUEUED_TIME")
    assert [[row[-1]] for row in shown] == list(longest.values())
    assert shown == [[3, 30, 50, 50, 50], [1, 10, 10, 10, 10]]


def test_agents_time_is_that_of_the_metrics(morning):
    shown = tables(morning.html)
    profile = ("ROUTING_PROFILE", [morning.center.profile])
    busy = morning.by_half_hour(*profile, "AGENT_OCCUPANCY")
    assert [float(row[1]) for row in shown["occupancy"][1:]] == [
        pytest.approx(100 * share) for [share] in busy.values()
    ]
    names = ("CONTACTS_HANDLED", "AGENT_NON_RESPONSE", "SUM_ONLINE_TIME_AGENT")
    names += ("SUM_CONTACT_TIME_AGENT", "SUM_IDLE_TIME_AGENT", "SUM_NON_PRODUCTIVE_TIME_AGENT")
    [row] = morning.asked(*profile, *names, Groupings=["AGENT"])
    values = {each["Metric"]["Name"]: each["Value"] for each in row["Collections"]}
    [ann] = shown["agents"][1:]  # bob does not serve sales
    assert ann[0] == "Ann Agent"
    assert [float(each) for each in ann[1:7]] == [values[name] for name in names]
    assert values["SUM_NON_PRODUCTIVE_TIME_AGENT"] == 30


@pytest.mark.slow
@pytest.mark.parametrize(("days", "by", "length"), [(5, "hour", 3_600), (30, "day", 86_400)])
def test_longer_reports_have_longer_bars_and_the_same_contacts(morning, days, by, length):
    where = ["--instance", morning.center.instance, "--queue", morning.center.queue]
    first = morning.start // 3600 * 3600 - days * 86_400
    rows = int(morning.center.now()) // length - first // length + 1
    done = report(morning.center.server.address, *where, "--from", iso(first), "--html", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"by {by}." in done.stdout
    shown = tables(done.stdout)
    assert len(shown["arrivals"]) == 1 + rows
    assert sum(int(row[1]) for row in shown["arrivals"][1:]) == 4
    assert sum(int(row[1]) + int(row[2]) for row in shown["outcomes"][1:]) == 4
    assert sum(int(row[1]) for row in shown["waits"][1:]) == 4


def test_the_page_says_what_it_is_of(morning):
    assert f"{morning.center.alias} ({morning.center.instance})" in morning.html
    assert "Time (Asia/Kolkata)" in morning.html
    assert "&lt;Lunch&gt;" in morning.html
    assert "<Lunch>" not in morning.html


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--queue", "nowhere"], "--queue: 'nowhere' is no queue of the instance; there are"),
        (["--time-zone", "Nowhere"], "--time-zone: 'Nowhere' is no time zone"),
        (["--threshold", "0"], "--threshold: 0 is not 1 to"),
        (["--from", "yesterday"], "--from: 'yesterday' is neither"),
        (["--from", "2099-01-01"], "must be later than StartTime"),
        (["--from", "60d"], "is not less than 35 days after StartTime"),
        (["--from", "1d", "--day", "2020-01-01"], "Day: '2020-01-01' lies outside the report"),
        (["--from", "1d", "--html", "/nonexistent/x.html"], "--html: /nonexistent/x.html cannot"),
    ],
)
def test_what_cannot_be_is_refused_in_words(morning, tmp_path, options, said):
    where = ["--instance", morning.center.instance, "--html", str(tmp_path / "x.html")]
    done = report(morning.center.server.address, *where, *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ([("Sort", "up")], "Sort: 'up' is none of StartTime, EndTime"),
        ([("TimeZone", "UTC"), ("TimeZone", "UTC")], "TimeZone: 'UTC' is named twice"),
        ([("TimeZone", "Nowhere")], "TimeZone: 'Nowhere' is no time zone"),
        ([("StartTime", "2026-01-01T00:00:00")], "has no offset, such as Z"),
        ([("StartTime", "soon")], "StartTime: 'soon' is neither a time"),
        ([("Day", "today")], "Day: 'today' is no date such as"),
        ([("Channel", "FAX")], "'FAX' is no channel"),
        ([("Queue", "arn:aws:connect:us-east-1:1:queue/q")], "is no ARN of a"),
    ],
)
def test_the_endpoint_says_what_is_wrong(morning, monkeypatch, wanted, said):
    monkeypatch.setenv("RINGFLOOR_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("RINGFLOOR_SECRET_ACCESS_KEY", SECRET)
    server = Connect(morning.center.server.address, REGION)
    mine = ("Queue", morning.center.queue)
    with pytest.raises(Fault, match=r"^Invalid\w+Exception: ") as caught:
        server.report(morning.center.instance, [mine, *wanted])
    assert said in str(caught.value)
    with pytest.raises(Fault, match="ResourceNotFoundException"):
        server.report("00000000-0000-0000-0000-000000000000", [mine])


def test_a_report_is_signed(morning):
    path = f"/_ringfloor/instances/{morning.center.instance}/report?Queue={morning.center.queue}"
    status, _ = morning.center.server.refused("GET", path)
    assert status == 403


def test_agents_are_shown_to_whom_may_see_their_routing_profiles(morning, tmp_path):
    people = Policies(morning.center.server)
    metrics = "GetMetricDataV2"
    of_queues = [allow("ListQueues"), allow(metrics, on="arn:aws:connect:*:*:instance/*/queue/*")]
    where = ["--instance", morning.center.instance, "--from", "2h"]
    where += ["--html", str(tmp_path / "x.html")]

    def asked(*statements: Any) -> "subprocess.CompletedProcess[str]":
        key, secret = people.key(*statements)
        pair = {"RINGFLOOR_ACCESS_KEY_ID": key, "RINGFLOOR_SECRET_ACCESS_KEY": secret}
        return report(morning.center.server.address, *where, **pair)

    done = asked(*of_queues)
    assert (done.returncode, done.stdout) == (1, "")
    assert "AccessDeniedException" in done.stderr
    assert f"{morning.center.instance}/routing-profile/" in done.stderr
    done = asked(*of_queues, allow(metrics, on="arn:aws:connect:*:*:instance/*/routing-profile/*"))
    assert (done.returncode, done.stderr) == (0, "")


# In a browser


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with browser() as tab:
        yield tab


@pytest.fixture
def opened(tab: Page, tmp_path: Path) -> Iterator[Page]:
    """The page of a whole day."""
    file = tmp_path / "report.html"
    file.write_text(page_of(a_report()), encoding="utf-8")
    tab.ask("Emulation.setEmulatedMedia", media="")
    size = {"width": 1000, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    tab.ask("Emulation.setDeviceMetricsOverride", **size)
    tab.requested.clear()
    tab.open(file.as_uri())
    yield tab
    assert tab.complaints == []
    assert tab.logged == []
    assert tab.requested == [file.as_uri()]


@pytest.mark.slow
def test_every_plot_has_labelled_axes_and_nothing_is_cut_off(opened):
    labels = opened.run(
        "[...document.querySelectorAll('svg.plot')].map(svg => ['time', 'unit'].map(axis =>"
        " svg.querySelector(`[id$='-${axis}'] text`).textContent))"
    )
    assert [time for time, _ in labels] == ["Time (Europe/Berlin)"] * len(PLOTS)
    assert [unit for _, unit in labels] == [
        "Contacts per half hour",
        "Contacts per half hour",
        "Share of contacts (%)",
        "Time in queue (seconds)",
        "Share of Available time (%)",
        "Agent",
    ]
    outside = opened.run(
        "[...document.querySelectorAll('svg.plot')].flatMap(svg => {"
        " const frame = svg.getBoundingClientRect();"
        " return [...svg.querySelectorAll('text')].filter(text => {"
        "  const box = text.getBoundingClientRect();"
        "  return !box.width || box.left < frame.left - 1 || box.right > frame.right + 1"
        "   || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;"
        " }).map(text => text.textContent); })"
    )
    assert outside == []
    assert opened.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_a_screenshot_shows_each_plot(opened):
    boxes = opened.run(
        "[...document.querySelectorAll('svg.plot')].map(svg => {"
        " const box = svg.getBoundingClientRect();"
        " return {x: box.x, y: box.y + scrollY, width: box.width, height: box.height, scale: 1}; })"
    )
    assert len(boxes) == len(PLOTS)
    for name, box in zip(PLOTS, boxes, strict=True):
        shot = opened.ask("Page.captureScreenshot", clip=box, captureBeyondViewport=True)
        picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
        counts = {colour: count for count, colour in picture.getcolors(1 << 24) or ()}
        painted = 1 - counts[255, 255, 255] / (picture.width * picture.height)
        assert 0.02 < painted < 0.6, name
        coloured = {each for each in counts if max(each) - min(each) > 60}
        assert coloured, name


@pytest.mark.slow
def test_print_has_the_numbers_and_no_controls(opened):
    shown = (
        "[...document.querySelectorAll('details table')]"
        ".map(table => table.getBoundingClientRect().height > 100 && table.checkVisibility())"
    )
    assert set(opened.run(shown)) == {False}
    opened.ask("Emulation.setEmulatedMedia", media="print")
    assert set(opened.run(shown)) == {True}
    assert opened.run(
        "[...document.querySelectorAll('summary')].every(each => !each.checkVisibility())"
    )
    printed = opened.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF-")
    assert 4 <= pdf.count(b"/Type /Page\n") <= 12


@pytest.mark.slow
def test_a_narrow_screen_scrolls_tables_and_not_the_page(opened):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    opened.ask("Emulation.setDeviceMetricsOverride", **size)
    assert opened.run("document.documentElement.scrollWidth <= 400")
