"""CLI for load tests: `ringfloor load`, which lets a scenario happen at a live server.

Called by cli, which gives it a parser. Customers and agents are ringfloor.load's; they use the
server as everybody does, signed with the caller's own keys.
"""

import argparse
import asyncio
import ipaddress
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from msgspec import json
from msgspec.structs import replace

from ringfloor.base.errors import Fault
from ringfloor.base.limits import LOAD_CONNECTIONS_DEFAULT, LOAD_CONNECTIONS_MAX
from ringfloor.base.time import HOUR, MINUTE, SECOND, Instant
from ringfloor.config import caller, endpoint, region
from ringfloor.load import outcome
from ringfloor.load.run import Now, Result, Wanted, load
from ringfloor.output import NO_PLOTS, Line, bar, check, write
from ringfloor.simulator import scenario_file
from ringfloor.simulator.scenario import Scenario, days, moment

DESCRIPTION = """\
Lets the customers and agents of a scenario (docs/simulator.md) loose on a running server, over the
APIs that everybody uses, in real time: makes the center, signs the agents in, starts calls, chats
and tasks, and tells rates, latencies and errors. At the end it asks the server what it has counted,
and takes away what was made. Ctrl-C ends it early and still reports.

Latencies are told from when a request was due, so that a server that keeps customers waiting is not
flattered. Requests are signed with RINGFLOOR_ACCESS_KEY_ID and RINGFLOOR_SECRET_ACCESS_KEY, or
else AWS_ACCESS_KEY_ID and so on. docs/load.md says how to find out what a server can do.

  ringfloor serve --memory --sandbox            (in another terminal)
  ringfloor load docs/scenarios/monday.toml --from 09:00 --minutes 5 --speed 10
  ringfloor load docs/scenarios/monday.toml --minutes 10 --rate-factor 4 --html load.html"""

SPEED_MAX = 1_000.0
FACTOR_MAX = 10_000.0
MINUTES_MAX = 7 * 24 * 60.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml", help="what is to happen")
    parser.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="divides all lengths of the scenario: 10 is an hour of it in 6 minutes [%(default)g]",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="customers come for so long, by your clock [to the scenario's end]",
    )
    parser.add_argument(
        "--from",
        dest="since",
        default="",
        metavar="HH:MM",
        help="begin then, by the scenario's clock [its start]",
    )
    parser.add_argument(
        "--rate-factor",
        type=float,
        default=1.0,
        metavar="F",
        help="so many times the customers, with the agents as they are [%(default)g]",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of its chance [the scenario's own, or 1]"
    )
    parser.add_argument(
        "--instance", default="", metavar="ID", help="where [an instance named after the scenario]"
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave what was made; the next run with the same keys uses it again",
    )
    parser.add_argument(
        "--drain",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for those who are there when nobody comes any more; then they hang up [%(default)g]",
    )
    parser.add_argument(
        "--message-every",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="of the scenario, between one message of a chat and the next [%(default)g]",
    )
    parser.add_argument(
        "--connections",
        type=int,
        default=LOAD_CONNECTIONS_DEFAULT,
        metavar="N",
        help="at most, beside one for each agent and two for each chat [%(default)s]",
    )
    parser.add_argument("--html", metavar="FILE", help="also write a page with plots by time")
    parser.add_argument(
        "--json", metavar="FILE", help="also write all figures; - instead of a table"
    )
    parser.add_argument(
        "--yes-load-this-server",
        action="store_true",
        help="needed where the endpoint is not this machine",
    )
    parser.set_defaults(run=run, endpoint=endpoint())


def run(options: argparse.Namespace) -> int:
    """Load the server and tell; 1 where it has counted something else. Raises Fault."""
    if "@" in urlsplit(options.endpoint).netloc:
        raise Fault(
            "--endpoint: a user name and a password in the address are not used; requests are"
            " signed with RINGFLOOR_ACCESS_KEY_ID and RINGFLOOR_SECRET_ACCESS_KEY"
        )
    if not options.yes_load_this_server and not is_this_machine(options.endpoint):
        raise Fault(
            f"--endpoint: {options.endpoint} is not this machine; a load test may keep others from"
            " their work there: repeat it with --yes-load-this-server if that is wanted"
        )
    page = _page() if options.html else None
    check("--json", options.json)
    check("--html", options.html)
    wanted = _wanted(options)
    progress = Bar(sys.stderr)
    try:
        result = asyncio.run(load(wanted, progress.show))
    except asyncio.CancelledError:
        raise Fault("stopped at once: the center and what was going on in it are left") from None
    finally:
        progress.end()
    if options.json:
        figures = json.format(json.encode(outcome.told(result))).decode()
        write("--json", options.json, figures)
    if page is not None:
        write("--html", options.html, page(result))
    if "-" not in (options.json, options.html):
        for line in outcome.lines(result):
            print(line)
    return 1 if outcome.differs(result) else 0


def is_this_machine(address: str) -> bool:
    """Whether an address is of the loopback."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wanted(options: argparse.Namespace) -> Wanted:
    """What is to be done; raises Fault."""
    for name, value, most in (
        ("speed", options.speed, SPEED_MAX),
        ("minutes", options.minutes, MINUTES_MAX),
        ("rate-factor", options.rate_factor, FACTOR_MAX),
        ("message-every", options.message_every, HOUR / SECOND),
    ):
        if value is not None and not 0 < value <= most:
            raise Fault(f"--{name}: {value:g} is not above 0 and up to {most:g}")
    if not 0 <= options.drain <= HOUR / SECOND:
        raise Fault(f"--drain: {options.drain:g} is not 0 to {HOUR / SECOND:g} seconds")
    if not 1 <= options.connections <= LOAD_CONNECTIONS_MAX:
        raise Fault(f"--connections: {options.connections} is not 1 to {LOAD_CONNECTIONS_MAX}")
    return Wanted(
        scenario=_cut(scenario_file.load(options.scenario), options),
        endpoint=options.endpoint.rstrip("/"),
        region=region(),
        who=caller(),
        speed=options.speed,
        connections=options.connections,
        instance=options.instance,
        keep=options.keep,
        drain=options.drain,
        message_ms=round(options.message_every * SECOND),
    )


def _cut(scenario: Scenario, options: argparse.Namespace) -> Scenario:
    """The part of it that is to happen, with as many customers as there are to come."""
    seed, start = scenario.seed, scenario.start
    if options.seed is not None:
        if not 0 <= options.seed <= scenario_file.SEED_MAX:
            raise Fault(f"--seed: {options.seed} is not 0 to {scenario_file.SEED_MAX}")
        seed = options.seed
    if options.since:
        start = _first(scenario, options.since)
    end = scenario.end
    if options.minutes is not None:
        end = min(end, start + round(options.minutes * MINUTE * options.speed))
    factor = options.rate_factor
    callers = {
        name: replace(each, arrivals={at: one * factor for at, one in each.arrivals.items()})
        for name, each in scenario.callers.items()
    }
    return replace(scenario, seed=seed, start=start, end=end, callers=callers)


def _first(scenario: Scenario, clock: str) -> Instant:
    """When the scenario's clocks show this for the first time; raises Fault."""
    told = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", clock)
    if told is None:
        raise Fault(f"--from: {clock!r} is no time such as 09:30")
    minutes = int(told[1]) * 60 + int(told[2])
    for day in days(scenario):
        found = moment(day, minutes, scenario.zone)
        if scenario.start <= found < scenario.end:
            return found
    raise Fault(f"--from: {clock} is at no time of the scenario")


def _page() -> Callable[[Result], str]:
    try:
        from ringfloor.load.page import page  # noqa: PLC0415  needs an extra
    except ImportError as error:
        raise Fault(NO_PLOTS) from error
    return page


class Bar:
    """A line on a terminal while it runs, with what goes on this second."""

    def __init__(self, out: TextIO) -> None:
        self._line = Line(out, every=0.2)

    def show(self, now: Now) -> None:
        """So it goes."""
        if self._line.due() is not None:
            self._line.show(line(now))

    def end(self) -> None:
        """The line is no longer needed."""
        self._line.end()


def line(now: Now) -> str:
    """How it goes."""
    window = now.measures.recent(now.at)
    per_second = window.count / now.measures.window
    p50, p99 = (
        "-" if each is None else f"{each * 1000:,.0f}"
        for each in (window.response.quantile(0.5), window.response.quantile(0.99))
    )
    errors = sum(now.measures.errors.values())
    return (
        f"{now.doing} {bar(now.share, 20)}  {now.contacts:,} contacts, {now.there:,} there"
        f"  {per_second:,.0f} requests/s  p50 {p50} ms  p99 {p99} ms  {errors:,} errors"
    )
