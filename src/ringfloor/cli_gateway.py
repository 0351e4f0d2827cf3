"""CLI for gateways: `ringfloor gateway`, the process that carries real calls.

Called by cli, and by __main__ without it, so that a gateway does not load what only a server needs:
a third of the memory, and of the time to start. `ringfloor serve --voice` starts one by itself;
by hand it is for looking at the voice file, and for operators who keep processes their own way.
"""

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from ringfloor import running
from ringfloor.base.time import SECOND, Clock, WallClock
from ringfloor.config import gateway_environment
from ringfloor.gateway.carriers import carrier
from ringfloor.gateway.host import Host, read_key, serve
from ringfloor.gateway.process import KEY, SOCKET
from ringfloor.gateway.voice_file import MEMBERS, Member, Voice, load

DESCRIPTION = """\
Carries real calls, over SIP trunks, desk phones and the browsers of agents, for one server, which
`ringfloor serve --voice FILE` is; that starts a gateway by itself. Calls outlive a server that is
killed: the gateway keeps them up for a minute, and the next server goes on with them.

  ringfloor gateway --voice voice.toml --check     what the file means, and all that is wrong in it
  ringfloor serve --voice voice.toml               a center that carries real calls

The file, such as

  [gateway]
  listen = "192.0.2.10:5060"

  [[trunk]]
  name = "carrier"
  host = "sip.example.net"
  from = ["203.0.113.0/28"]
  username = "account"
  password_file = "carrier.password"

  [[phone]]
  username = "desk1"
  number = "+12065550123"
  password_env = "DESK1_PASSWORD"

may have these members (their defaults in brackets):
"""


def members() -> str:
    """What a voice file may have."""
    lines = []
    for section, rows in groupby(MEMBERS, lambda each: each.section):
        heading = f"[[{section}]]" if section in {"trunk", "phone"} else f"[{section}]"
        lines += ["", f"  {heading}", *(_explained(each) for each in rows)]
    return "\n".join(lines[1:])


def _explained(member: Member) -> str:
    default = {"": "  [required]", "-": ""}.get(member.default, f"  [{member.default}]")
    return f"    {member.name:<17} {member.meaning}{default}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("--voice", type=Path, required=True, metavar="FILE", help="who is called")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("ringfloor-data"),
        metavar="DIR",
        help="the server's data directory: prompts, recordings, and the socket [%(default)s]",
    )
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help=f"where the server comes [DIR/{SOCKET}]"
    )
    parser.add_argument(
        "--check", action="store_true", help="only read the file, say what it means"
    )
    parser.add_argument("--json", action="store_true", help="with --check: as JSON")


def main(arguments: Sequence[str]) -> int:
    """`ringfloor gateway` as a program of its own; the exit status."""
    parser = argparse.ArgumentParser(
        prog="ringfloor gateway",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    return running.command(lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Check, or carry calls until told to stop; raises Fault."""
    voice = load(options.voice, gateway_environment().get)
    if options.check:
        told = meaning(voice)
        print(json.dumps(told, indent=2) if options.json else page(told))
        return 0
    os.umask(0o077)  # what is said in calls is the operator's alone, wherever the directory stands
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    running.run(carry(voice, options.data, options.socket or options.data / SOCKET, WallClock()))
    return 0


async def carry(voice: Voice, data: Path, socket: Path, clock: Clock) -> None:
    """Carry calls for the server that comes to this socket, until it ends."""
    host = Host(read_key(socket.with_name(KEY)), clock.now())
    loop = asyncio.get_running_loop()

    def stop() -> None:
        host.over = host.over or "it was told to stop"
        host.wake()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)

    def wake() -> None:
        host.wake()  # serve changes it

    async with carrier(voice, data, host.hear, wake, clock) as found:
        host.connect(found)
        await serve(host, socket, clock)


def meaning(voice: Voice) -> dict[str, Any]:
    """The voice file with all its defaults, and without passwords."""
    told: dict[str, Any] = msgspec.to_builtins(voice, enc_hook=str)
    for trunk in told["trunks"]:
        trunk["account"] = trunk["account"] and trunk["account"]["username"]
    for phone in told["phones"]:
        del phone["password"]
    if told["asterisk"] is not None:
        told["asterisk"]["account"] = told["asterisk"]["account"]["username"]
    told["nat"] = sorted(told["nat"])
    return told


def page(told: dict[str, Any]) -> str:
    """The same for people."""
    gateway = told["gateway"]
    first, last = gateway["rtp"]
    reached = ", ".join(gateway["webrtc_addresses"])
    silence = gateway["media_timeout_ms"] // SECOND
    lines = [
        f"SIP        {_place(gateway['listen'])} (UDP), known as {gateway['address']}",
        f"sound      UDP ports {first} to {last}; calls end after {silence} s of silence",
        f"browsers   {_place(gateway['webrtc'])} (UDP), reached at {reached}",
        f"handing on {'allowed' if gateway['refer'] else 'not allowed'} (302, REFER)",
    ]
    for trunk in told["trunks"]:
        callers = ", ".join(trunk["sources"]) or "nobody"
        numbers = ", ".join(f"{each}..." for each in trunk["prefixes"]) or "all numbers"
        lines += [
            f"trunk {trunk['name']}: {trunk['host']}:{trunk['port']}",
            f"  carries {numbers}, {trunk['calls']} calls at once",
            f"  may call in: {callers}",
            f"  we are {trunk['account'] or 'known by our address'} there",
        ]
    lines += [
        f"phone {each['username']}: {each['number']}, from {', '.join(each['networks'])}"
        for each in told["phones"]
    ]
    if told["asterisk"] is not None:
        lines.append(f"Asterisk at {told['asterisk']['url']} carries the calls")
    elif not told["trunks"] and not told["phones"]:
        lines.append("no trunk and no phone: only agents' browsers, and SIP is closed")
    return "\n".join(lines)


def _place(address: list[Any]) -> str:
    return f"{address[0]}:{address[1] or 'any'}"


DESCRIPTION += members()
