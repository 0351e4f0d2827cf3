"""The AWS CLI, the demo, and the README's five commands, as a new user pastes them."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.slow
def test_the_demo_is_live_and_its_commands_work():
    demo = subprocess.Popen(
        [sys.executable, "-m", "ringfloor", "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(lines)
        address = re.search(r"endpoint +(\S+)", text)[1]
        parts = re.split(r"\n\d\. .*\n", text.partition("Press")[0])[1:]
        assert len(parts) == 5
        variables = environment(address, "ringfloor-demo", "ringfloor-demo-secret")
        answers = [shell(part.replace(".venv/bin", str(BIN)), variables) for part in parts]
        names = [each["Name"] for each in json.loads(answers[0])["QueueSummaryList"]]
        assert names == ["BasicQueue", "Sales", "Support"]
        now = json.loads(answers[1])["MetricResults"]
        assert {each["Collections"][0]["Value"] for each in now} == {6}
        assert "MetricResults" in json.loads(answers[2])
        assert len(json.loads(answers[3])["ContactId"]) == 36
        assert answers[4].split() == ["ann", "bob", "cid", "dee", "eve", "fay"]
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=10)
    assert demo.returncode == 0
