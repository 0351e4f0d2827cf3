"""CLI for reports: `ringfloor report`, which draws what has happened as one HTML page.

Called by cli, which gives it a parser. It asks a running server, signed with the caller's own keys:
GetMetricDataV2 for all that it has, and our own endpoint for the rest. The numbers are the
server's; ringfloor.report makes the page of them.
"""

import argparse
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    METRIC_DATA_VALUES_MAX,
    REPORT_THRESHOLDS_MAX,
    THRESHOLD_SECONDS_MAX,
)
from ringfloor.base.time import SECOND, iso_milliseconds
from ringfloor.client import Connect
from ringfloor.config import endpoint, region
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.output import NO_PLOTS, check, write
from ringfloor.report import answers, asking

DESCRIPTION = """\
Draws what has happened in an instance as one HTML page, to be read on the screen or printed:
arrivals, answered and abandoned contacts, service level, waits and occupancy by half hour, and what
the agents did all day. A report of more than 2 days is drawn by hours, of more than 7 by days; it
is shorter than 35 days. The page asks nothing of any other place.

Requests are signed with RINGFLOOR_ACCESS_KEY_ID and RINGFLOOR_SECRET_ACCESS_KEY, or else
AWS_ACCESS_KEY_ID and so on; who may ask GetMetricDataV2 about the queues and the routing profiles
that serve them may make a report, and needs ListQueues.

TIME is 2026-11-20, 2026-11-20T08:30, 2026-11-20T08:30:00Z, or an age such as 90m, 12h, 7d. Without
an offset it is of the report's time zone; a date after --to is that whole day.

  ringfloor report --instance ID --html today.html
  ringfloor report --instance ID --from 2026-11-16 --to 2026-11-20 --queue sales --html week.html"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("--instance", required=True, metavar="ID", help="id of the instance")
    parser.add_argument(
        "--from", dest="since", default="", metavar="TIME", help="from then on [today]"
    )
    parser.add_argument("--to", dest="until", default="", metavar="TIME", help="before then [now]")
    parser.add_argument(
        "--queue",
        action="append",
        default=[],
        metavar="NAME",
        help="name or id of a queue; may be repeated [all]",
    )
    parser.add_argument(
        "--channel",
        action="append",
        default=[],
        choices=CHANNELS,
        help="of contacts; may be repeated [all]",
    )
    parser.add_argument(
        "--time-zone",
        default="UTC",
        metavar="ZONE",
        help="such as Europe/Berlin, whose clocks the report goes by [%(default)s]",
    )
    parser.add_argument(
        "--threshold",
        action="append",
        type=int,
        default=[],
        metavar="SECONDS",
        help=f"of a service level; up to {REPORT_THRESHOLDS_MAX} [20]",
    )
    parser.add_argument(
        "--day", default="", metavar="DATE", help="of the agents' timeline [the last one]"
    )
    parser.add_argument(
        "--html", required=True, metavar="FILE", help="where the page is written; - for the output"
    )
    parser.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    parser.set_defaults(run=run, endpoint=endpoint())


def run(options: argparse.Namespace) -> int:
    """Ask the server and write the page; raises Fault."""
    check("--html", options.html)
    try:
        from ringfloor.report.page import page  # noqa: PLC0415  needs an extra
    except ImportError as error:
        raise Fault(NO_PLOTS) from error
    thresholds = _thresholds(options.threshold or [20])
    server = Connect(options.endpoint, region())
    plan = server.report(options.instance, _wanted(server, options))
    html = page(answers.made(plan, thresholds, asking.results(server, plan, thresholds)))
    write("--html", options.html, html)
    return 0


# What is wanted


def _wanted(server: Connect, options: argparse.Namespace) -> list[tuple[str, str]]:
    """The parameters of our own endpoint; raises Fault."""
    zone = options.time_zone
    if not zones.known(zone):
        raise Fault(f"--time-zone: {zone!r} is no time zone of the IANA database")
    queues = _queues(server, options.instance, options.queue)
    return [
        ("StartTime", moment("from", options.since, zone)),
        ("EndTime", moment("to", options.until, zone)),
        ("TimeZone", zone),
        *(("Queue", each) for each in queues),
        *(("Channel", each) for each in dict.fromkeys(options.channel)),
        *((("Day", options.day),) if options.day else ()),
    ]


def moment(name: str, text: str, zone: str) -> str:
    """A time with its offset, or an age, which the server's clock decides, as nothing is.

    A date after --to is all of it. Raises Fault.
    """
    if not text or re.fullmatch(r"[0-9]{1,6}[smhd]", text):
        return text
    try:
        read = datetime.fromisoformat(text)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            date = read.date() + timedelta(days=name == "to")
            return iso_milliseconds(zones.beginning(date, zone))
        local = read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))
        return iso_milliseconds(round(local.timestamp() * SECOND))
    except (ValueError, OverflowError) as error:
        rule = "is neither 2026-11-20, 2026-11-20T08:30:00Z nor an age such as 90m, 12h, 7d"
        raise Fault(f"--{name}: {text!r} {rule}") from error


def _thresholds(given: Sequence[int]) -> list[int]:
    found = sorted(set(given))
    if len(found) > REPORT_THRESHOLDS_MAX:
        raise Fault(f"--threshold: {len(found)} are more than {REPORT_THRESHOLDS_MAX}")
    for each in found:
        if not 1 <= each <= THRESHOLD_SECONDS_MAX:
            raise Fault(f"--threshold: {each} is not 1 to {THRESHOLD_SECONDS_MAX} seconds")
    return found


def _queues(server: Connect, instance: str, wanted: Sequence[str]) -> list[str]:
    """The ids of the queues that are meant; raises Fault."""
    rows = server.listed(
        "ListQueues", "QueueSummaryList", InstanceId=instance, QueueTypes="STANDARD"
    )
    by_name = {row["Name"]: row["Id"] for row in rows}
    found = [by_name.get(each, each) for each in wanted] or sorted(by_name.values())
    for name, identifier in zip(wanted, found, strict=False):
        if identifier not in by_name.values():
            known = ", ".join(sorted(by_name))
            raise Fault(f"--queue: {name!r} is no queue of the instance; there are {known}")
    if len(found) > METRIC_DATA_VALUES_MAX:
        raise Fault(
            f"--queue: {len(found)} queues are more than the {METRIC_DATA_VALUES_MAX} of one"
            " report; name some of them"
        )
    return list(dict.fromkeys(found))
