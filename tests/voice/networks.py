"""Networks of the tests' own: namespaces with cables between them, made and thrown away.

Only root can make them; where that is not so tests skip, and say it. What is started inside sees
nothing but these networks.
"""

import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

CLONE_NEWNET = 0x40000000

_numbers = itertools.count()


def require() -> None:
    """Skips, aloud, where no networks can be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("WITHOUT NETWORKS: only root can make namespaces, with ip (iproute2)")
    tried = subprocess.run(
        ["ip", "netns", "add", f"rf{os.getpid()}"], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip("WITHOUT NETWORKS: this machine lets nobody make namespaces")
    run("ip", "netns", "del", f"rf{os.getpid()}")


def run(*command: str) -> str:
    """Run a command, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


class Network:
    """A namespace."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *command: str) -> str:
        return run("ip", "netns", "exec", self.name, *command)

    def start(self, command: Sequence[str], **options) -> "subprocess.Popen[str]":
        """A process inside."""
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], text=True, **options)

    def inside(self, work: Callable[[], T]) -> T:
        """Do something in a thread that sees this network; threads that it starts see it, too."""
        with ThreadPoolExecutor(1, initializer=self._enter) as thread:
            return thread.submit(work).result()

    def _enter(self) -> None:
        with Path("/run/netns", self.name).open() as there:
            failed = ctypes.CDLL(None, use_errno=True).setns(there.fileno(), CLONE_NEWNET)
            assert not failed, os.strerror(ctypes.get_errno())


@contextmanager
def networks(*names: str) -> Iterator[list[Network]]:
    """Namespaces with loopback, one a name."""
    require()
    made: list[Network] = []
    try:
        for name in names:
            network = Network(f"rf{os.getpid()}-{next(_numbers)}-{name}")
            run("ip", "netns", "add", network.name)
            made.append(network)
            network.run("ip", "link", "set", "lo", "up")
        yield made
    finally:
        for network in made:
            run("ip", "netns", "del", network.name)


def cable(one: Network, address: str, other: Network, other_address: str) -> None:
    """Join two networks; addresses with their prefix, such as 10.77.0.1/24."""
    number = next(_numbers)
    ends = f"rf{os.getpid()}a{number}"[-15:], f"rf{os.getpid()}b{number}"[-15:]
    run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
    for network, end, own in ((one, ends[0], address), (other, ends[1], other_address)):
        run("ip", "link", "set", end, "netns", network.name)
        network.run("ip", "addr", "add", own, "dev", end)
        network.run("ip", "link", "set", end, "up")
