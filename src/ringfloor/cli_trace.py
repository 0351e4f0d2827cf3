"""CLI for traces: `ringfloor trace`, which shows what a contact has been through in its flows.

Called by cli, which gives it a parser. It asks a running server, signed with the caller's own keys,
and prints a table, or the answer as it is.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ringfloor.client import Connect
from ringfloor.config import endpoint, region

DESCRIPTION = """\
Shows what a contact, live or ended, has been through in its flows: each action with its time, what
it asked, what was heard, and the branch by which it was left. Requests are signed with
RINGFLOOR_ACCESS_KEY_ID and RINGFLOOR_SECRET_ACCESS_KEY, or else AWS_ACCESS_KEY_ID and so on; who
may describe the contact may see its trace.

  ringfloor trace CONTACT --instance ID"""

HEAD = ("time", "side", "flow", "action", "type", "asked", "heard", "left by")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("contact", metavar="CONTACT", help="id of the contact")
    parser.add_argument("--instance", required=True, metavar="ID", help="id of the instance")
    parser.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    parser.add_argument("--json", action="store_true", help="the answer as it is")
    parser.set_defaults(run=run, endpoint=endpoint())


def run(options: argparse.Namespace) -> int:
    """Ask the server and print the trace; raises Fault."""
    answer = Connect(options.endpoint, region()).trace(options.instance, options.contact)
    if options.json:
        print(json.dumps(answer, indent=4, ensure_ascii=False))
        return 0
    for line in lines(answer):
        print(line)
    return 0


def lines(trace: Mapping[str, Any]) -> Iterator[str]:
    """A trace as a table; control characters become blanks."""
    dropped = trace["DroppedSteps"]
    if dropped:
        yield f"({dropped} earlier steps are not kept)"
    rows = [HEAD, *map(_row, trace["Steps"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _row(step: Mapping[str, Any]) -> tuple[str, ...]:
    flow = step.get("FlowName") or step["FlowId"]
    left = step.get("Outcome") or ("" if "LeftTimestamp" not in step else "-")
    cells: Iterable[str] = (
        step["Timestamp"],
        step["Side"],
        flow,
        step.get("Action", ""),
        step.get("Type", ""),
        step.get("Asked", ""),
        step.get("Heard", ""),
        left,
    )
    return tuple("".join(each if each.isprintable() else " " for each in cell) for cell in cells)
