"""Gateways whose far ends are simulated phones, and the ways of tests to them.

    python phone_gateway.py --voice FILE --data DIR      a gateway, as `ringfloor gateway` is
    python phone_gateway.py serve ...                    `ringfloor serve` with such a gateway

A test speaks for the far ends over DIR/phones.sock: one JSON line asks, one answers.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path

from ringfloor.base.time import WallClock
from ringfloor.gateway.host import Host, read_key, serve
from ringfloor.gateway.phones import Behaviour, Phones
from ringfloor.gateway.process import KEY, SOCKET

PHONES = "phones.sock"
ITSELF = Path(__file__)


class Far:
    """The far ends of the gateway in this directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PHONES

    def __getattr__(self, verb):
        def ask(*arguments):
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(30)
                line.connect(str(self._path))
                line.sendall(json.dumps([verb, *arguments]).encode() + b"\n")
                return json.loads(line.makefile().readline())

        return ask


class Acts:
    """What can be asked of the far ends."""

    def __init__(self, host: Host, phones: Phones, clock: WallClock) -> None:
        self._host, self._phones, self._clock = host, phones, clock

    def call(self, from_number, to, channel_id):
        self._phones.call(from_number, to, channel_id, self._clock.now())

    def press(self, channel_id, digits):
        self._phones.press(channel_id, digits, self._clock.now())

    def hang_up(self, channel_id):
        self._phones.hang_up(channel_id, self._clock.now())

    def tell(self, number, kind, answer_after_ms=0):
        self._phones.tell(number, Behaviour(kind, answer_after_ms))

    def channels(self):
        return {each.channel_id: each.state for each in self._phones.channels()}

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    async def serve(self, reader, writer):
        verb, *arguments = json.loads(await reader.readline())
        answer = getattr(self, verb)(*arguments)
        self._host.wake()
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


async def gateway(directory: Path) -> None:
    clock = WallClock()
    host = Host(read_key(directory / KEY), clock.now())
    phones = Phones(host.hear)
    host.connect(phones)
    (directory / PHONES).unlink(missing_ok=True)
    acts = Acts(host, phones, clock)
    async with await asyncio.start_unix_server(acts.serve, directory / PHONES):
        await serve(host, directory / SOCKET, clock)


def command(voice: Path, data: Path) -> list[str]:
    return [sys.executable, str(ITSELF), "--voice", str(voice), "--data", str(data)]


def main() -> None:
    if sys.argv[1] == "serve":
        from ringfloor import app, cli  # noqa: PLC0415  a gateway does without

        app.gateway_command = command
        sys.exit(cli.main(sys.argv[1:]))
    asyncio.run(gateway(Path(sys.argv[sys.argv.index("--data") + 1])))


if __name__ == "__main__":
    main()
