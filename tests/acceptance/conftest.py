"""A real server in a process of its own, and real clients."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"


class Server:
    """`ringfloor serve` as an operator starts it."""

    def __init__(self, *options: str, environment: dict[str, str] | None = None) -> None:
        variables = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("RINGFLOOR")
            },
            "RINGFLOOR_ACCESS_KEY_ID": KEY,
            "RINGFLOOR_SECRET_ACCESS_KEY": SECRET,
            "RINGFLOOR_CHECK_RESULTS": "1",
            "RINGFLOOR_TRAIN_WAITS": "off",  # clocks that tests move would stand meanwhile
            **(environment or {}),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ringfloor", "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=(errors := tempfile.TemporaryFile("w+")),  # noqa: SIM115  closed by kill
            text=True,
            env=variables,
        )
        self._errors = errors
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        if not first.startswith("ringfloor: listening on http://"):
            self.process.wait(timeout=10)
            pytest.fail(f"no server: {first!r} {self.log()}")
        self.address = first.removeprefix("ringfloor: listening on ").strip()

    def client(self, service: str = "connect", **config: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A plain JSON request; the decoded answer. Raises urllib's HTTPError."""
        request = urllib.request.Request(
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, f"/_ringfloor/{path}", body)

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and message of a request that is refused."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.ask(method, path, body)
        with caught.value as error:
            return error.code, error.read().decode()

    def log(self) -> str:
        """Standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def kill(self) -> None:
        """kill -9; what it logged is shown with a failing test."""
        if not self._errors.closed:
            self.process.kill()
            self.process.communicate()
            sys.stderr.write(self.log())
            self._errors.close()

    def stop(self) -> tuple[int, str]:
        """SIGTERM; exit status and standard error."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=5)
        return self.process.returncode, self.log()


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers that end with the test."""
    with contextlib.ExitStack() as stack:

        def begin(*options: str, **environment: Any) -> Server:
            server = Server(*options, **environment)
            stack.callback(server.kill)
            return server

        yield begin


@pytest.fixture
def fresh(start: Start) -> Server:
    """A sandbox on a virtual clock that nobody has used."""
    return start("--memory", "--sandbox", "--clock", "virtual")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A sandbox on a virtual clock; tests make instances of their own in it."""
    shared = Server("--memory", "--sandbox", "--clock", "virtual")
    yield shared
    shared.kill()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
