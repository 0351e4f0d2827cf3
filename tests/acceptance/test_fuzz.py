"""Mutated requests on every endpoint: the caller's fault each time, and the server goes on.

RINGFLOOR_TEST_FUZZ_REQUESTS: how many in all; `make fuzz` sends 100,000.
"""

import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from acceptance.fuzz import Target, request

REQUESTS = int(os.environ.get("RINGFLOOR_TEST_FUZZ_REQUESTS", "30000"))
SEEDS = range(2)
"""Each has its own server and its share of the requests."""
LINES = 8
"""Connections at once."""
ANSWER_SECONDS = 30
"""On a busy machine, behind sign-ins that are slow on purpose; what hangs, hangs longer."""
LEFT_SECONDS = 0.1
STEPS = 20
"""How often memory is measured."""
GROWTH_BYTES_MAX = 16 * 2**20
LOG_LINE_CHARS_MAX = 500

LAST = b"GET /_ringfloor/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def resident(process) -> int:
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096


async def converse(target: Target, requests: list[tuple[bytes, bool]]) -> bytes:
    """Send requests one behind the other and read to the end.

    Where it cannot be told where a request ends, the server may wait for more of it: then it is
    left after a moment, in the middle of whatever it does.
    """
    reader, writer = await asyncio.open_connection(target.host, target.port)
    answer = b""
    try:
        writer.write(b"".join(each for each, _ in requests) + LAST)
        ends = all(sound for _, sound in requests)
        async with asyncio.timeout(ANSWER_SECONDS if ends else LEFT_SECONDS):
            while part := await reader.read(65_536):
                answer += part
    except ConnectionError:
        pass
    except TimeoutError:
        assert not ends, "no answer in time"
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answer


def checked(answer: bytes) -> Counter[int]:
    """The statuses; fails where one is our fault."""
    statuses: Counter[int] = Counter()
    for each in answer.split(b"HTTP/1.1 ")[1:]:
        status = int(each[:3])
        assert status < 500 or status in (501, 503), each
        assert b"Traceback" not in each
        assert b'File \\"' not in each
        statuses[status] += 1
    return statuses


class Storm:
    """Requests of one seed to one server, so many at a time."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.seed = seed
        self.draw = random.Random(seed)
        self.sent = 0
        self.statuses: Counter[int] = Counter()

    async def blow(self, until: int) -> None:
        """Send until there have been so many requests."""
        while self.sent < until:
            batches = []
            for _ in range(LINES):
                number = self.draw.choice((1, 1, 1, 2, 5))
                several = [request(self.draw, self.target) for _ in range(number)]
                self.sent += number
                batches.append(self._one(several))
            await asyncio.gather(*batches)

    async def _one(self, requests: list[tuple[bytes, bool]]) -> None:
        try:
            self.statuses += checked(await converse(self.target, requests))
        except BaseException:
            print(f"seed {self.seed}: {requests!r:.6000}")
            raise


@pytest.mark.slow
@pytest.mark.timeout(60 + REQUESTS / 20)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_request_breaks_the_server(start, data, seed):
    server = start("--data", str(data), "--sandbox", "--clock", "virtual")
    storm, share = Storm(Target(server), seed), REQUESTS // len(SEEDS)
    begun, sizes = time.monotonic(), []
    for step in range(1, STEPS + 1):
        asyncio.run(storm.blow(share * step // STEPS))
        sizes.append(resident(server.process))
        print(
            f"seed {seed}: {storm.sent} requests, {storm.sent / (time.monotonic() - begun):.0f}/s,"
            f" {sizes[-1] >> 20} MiB, {len(server.log().splitlines())} lines of log,"
            f" {dict(sorted(storm.statuses.items()))}"
        )
    assert sum(storm.statuses.values()) > storm.sent // 2
    assert storm.statuses[200] > storm.sent // 50
    assert server.process.poll() is None
    assert server.ask("GET", "/_ringfloor/health") == {"status": "ok"}
    # The least of some: while a password is hashed, the server has 64 MiB more.
    assert min(sizes[-4:]) - min(sizes[3:8]) < GROWTH_BYTES_MAX
    status, log = server.stop()
    assert status == 0
    assert "Traceback" not in log
    lines = log.splitlines()
    assert len(lines) < storm.sent // 4
    assert max(map(len, lines)) < LOG_LINE_CHARS_MAX
