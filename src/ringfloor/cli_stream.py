"""CLI for streams: `ringfloor stream`, which follows a stream of an instance and prints its events.

Called by cli, which gives it a parser. It asks a running server, signed with the caller's own keys.
Where the connection breaks it goes on after what was printed last, until it is stopped.
"""

import argparse
import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

from ringfloor.client import Connect, Unanswered
from ringfloor.config import endpoint, region
from ringfloor.node.stream_lines import STREAMS

DESCRIPTION = """\
Follows a stream of an instance: a line for each event, from now on or after a position that was
printed before. Requests are signed with RINGFLOOR_ACCESS_KEY_ID and RINGFLOOR_SECRET_ACCESS_KEY, or
else AWS_ACCESS_KEY_ID and so on; policies allow connect:FollowStream.

  ringfloor stream contact-events --instance ID
  ringfloor stream contact-records --instance ID --after 1234.1 --json"""

AGAIN_SECONDS = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("stream", choices=STREAMS, help="what is told")
    parser.add_argument("--instance", required=True, metavar="ID", help="id of the instance")
    parser.add_argument("--after", default="", metavar="POSITION", help="go on after this one")
    parser.add_argument("--count", type=int, default=0, metavar="N", help="stop after N [0: never]")
    parser.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    parser.add_argument("--json", action="store_true", help="the events as they are, one a line")
    parser.set_defaults(run=run, endpoint=endpoint())


def run(options: argparse.Namespace) -> int:
    """Follow the stream and print it; raises Fault where the server refuses it."""
    server = Connect(options.endpoint, region())
    after, left, is_following = options.after, options.count, False
    while True:
        try:
            for where, data in server.events(options.instance, options.stream, after):
                is_following = True
                after = where or after
                if not data:
                    continue
                print(data if options.json else line(where, json.loads(data)), flush=True)
                left -= 1
                if not left:
                    return 0
        except ConnectionError as error:
            print(f"ringfloor: the connection broke: {error}", file=sys.stderr)
        except Unanswered as fault:
            if not is_following:
                raise
            print(f"ringfloor: {fault}", file=sys.stderr)
        threading.Event().wait(AGAIN_SECONDS)


def line(where: str, told: Mapping[str, Any]) -> str:
    """An event in short: its position, when, what and about whom."""
    detail = told.get("detail") or {}
    when = told.get("time") or told.get("EventTimestamp") or told.get("Timestamp")
    names = ("EventType", "InitiationMethod", "ContactFlowModuleType", "Type")
    what = detail.get("eventType") or next(filter(None, map(told.get, names)), None)
    about = detail.get("contactId") or told.get("ContactId") or _end(told.get("AgentARN"))
    cells = (where or "-", when or told.get("LastUpdateTimestamp"), what, about)
    text = "  ".join(str(each or "-") for each in cells)
    return "".join(each if each.isprintable() else " " for each in text)


def _end(arn: str | None) -> str | None:
    return arn and arn.rpartition("/")[2]
