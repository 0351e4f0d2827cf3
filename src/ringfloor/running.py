"""Running: what all commands have in common as processes: a log, a loop, a word when they fail.

Called by cli, and by cli_gateway, which is a program of its own as well: a gateway shall not load
what only a server needs.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from ringfloor.base.errors import Fault


def command(work: Callable[[], int]) -> int:
    """Do what a command does; the exit status: 0 well, 1 a fault, which is told."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("httpx", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        return work()
    except Fault as fault:
        print(f"ringfloor: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a server to its end, on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)
