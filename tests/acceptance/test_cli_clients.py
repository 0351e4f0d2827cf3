"""The AWS CLI, the demo, and the README's five commands, as a new user pastes them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from acceptance.center import FirstCenter
from acceptance.conftest import KEY, REGION, SECRET

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def environment(address: str, key: str = KEY, secret: str = SECRET) -> dict[str, str]:
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": "/nonexistent",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_CONNECT": address,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


def shell(script: str, variables: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=100,
        env=variables,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def indented(text: str) -> str:
    """The code of a Markdown or plain text: what is indented."""
    return "\n".join(line.strip() for line in text.splitlines() if line.startswith("    "))


def test_the_aws_cli_reads_and_writes(server):
    center = FirstCenter(server)
    listed = shell(
        f"aws connect list-users --instance-id {center.instance}", environment(server.address)
    )
    assert [each["Username"] for each in json.loads(listed)["UserSummaryList"]] == ["ann"]
    contact = shell(
        f"aws connect start-outbound-voice-contact --instance-id {center.instance}"
        f" --contact-flow-id {center.flow} --queue-id {center.queue}"
        " --destination-phone-number +12065550123 --query ContactId --output text",
        environment(server.address),
    ).strip()
    described = shell(
        f"aws connect describe-contact --instance-id {center.instance} --contact-id {contact}",
        environment(server.address),
    )
    assert json.loads(described)["Contact"]["QueueInfo"]["Id"] == center.queue


@pytest.mark.slow
def test_the_five_commands_of_the_readme(start):
    server = start("--memory", "--sandbox")
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("exported:")[2].partition("The simulated phone")[0]
    commands = re.sub(r"export AWS_DEFAULT_REGION.*\n", "", indented(section))
    out = shell(commands, environment(server.address))
    assert json.loads(out)["MetricResults"] == [
        {"Name": "POSITION_IN_QUEUE", "Value": {"Number": 1.0}}
    ]


@contextmanager
def a_demo(*options: str) -> Iterator[str]:
    """A demo, until it is interrupted; what it has printed."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "ringfloor", "demo", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        yield "".join(lines)
    finally:
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate(timeout=30)
    assert errors == ""
    assert demo.returncode == 0


def pasted(text: str) -> list[str]:
    """What its five commands answer."""
    assert text.startswith("ringfloor: listening on http://")
    address = re.search(r"endpoint +(\S+)", text)[1]
    parts = re.split(r"\n\d\. .*\n", text.partition("Press")[0])[1:]
    assert len(parts) == 5
    variables = environment(address, "ringfloor-demo", "ringfloor-demo-secret")
    return [shell(part.replace(".venv/bin", str(BIN)), variables) for part in parts]


def by_channel(rows: list[dict[str, Any]], metric: str) -> Counter[str]:
    """Sums over queues."""
    found: Counter[str] = Counter()
    for row in rows:
        for each in row["Collections"]:
            if each["Metric"]["Name"] == metric:
                found[row["Dimensions"]["Channel"]] += each.get("Value", 0)
    return found


@pytest.mark.slow
def test_the_demo_is_live_and_its_commands_work():
    with a_demo() as text:
        queues, now, hour, call, agents = pasted(text)
    names = [each["Name"] for each in json.loads(queues)["QueueSummaryList"]]
    assert names == ["BasicQueue", "Orders", "Sales", "Support"]
    rows = json.loads(now)["MetricResults"]
    online = by_channel(rows, "AGENTS_ONLINE")
    assert (online["VOICE"], online["CHAT"], online["TASK"]) == (24, 6, 15)
    assert by_channel(rows, "AGENTS_ON_CONTACT")["VOICE"] > 0
    rows = json.loads(hour)["MetricResults"]
    handled, abandoned = (by_channel(rows, f"CONTACTS_{end}") for end in ("HANDLED", "ABANDONED"))
    assert handled["VOICE"] > 100 < handled["CHAT"] + handled["TASK"]
    assert min(handled["CHAT"], handled["TASK"]) > 20
    assert 0 < abandoned["VOICE"] < handled["VOICE"] / 3
    assert 60 < by_channel(rows, "SERVICE_LEVEL")["VOICE"] < 199  # of two queues, in percent
    assert len(json.loads(call)["ContactId"]) == 36
    assert {"ann", "kim"} <= set(agents.split())
    assert len(agents.split()) == 29


@pytest.mark.slow
def test_a_demo_of_ones_own(tmp_path):
    told = (ROOT / "docs/scenarios/channels.toml").read_text(encoding="utf-8")
    mornings = 'arrivals = { "09:00" = 20, "10:00" = 10 }'
    assert mornings in told
    own = tmp_path / "own.toml"  # whenever it starts, there were letters in the last hour
    own.write_text(told.replace(mornings, "per_hour = 15"), encoding="utf-8")
    with a_demo("--scenario", str(own)) as text:
        assert "live: 2 queues, 13 agents, calls, chats, tasks, and a history." in text
        _, now, hour, _, agents = pasted(text)
    assert by_channel(json.loads(now)["MetricResults"], "AGENTS_ONLINE") == {
        "VOICE": 9,
        "CHAT": 4,
        "TASK": 9,
    }
    handled = by_channel(json.loads(hour)["MetricResults"], "CONTACTS_HANDLED")
    assert min(handled["VOICE"], handled["CHAT"], handled["TASK"]) > 0
    assert len(agents.split()) == 13


def test_a_demo_of_nothing(tmp_path):
    with pytest.raises(AssertionError, match="cannot be read"):
        shell(f"ringfloor demo --scenario {tmp_path / 'none.toml'}", environment(""))
