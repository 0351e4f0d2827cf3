"""`ringfloor serve` as an operator meets it: options, lines, exits."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import urllib.error

import pytest

from acceptance.center import PASSWORD, FirstCenter

POLL = """
import sys, urllib.request
headers = {
    "X-Amz-Target": "AmazonConnectCTIService.GetAgentSnapshot",
    "X-Amz-Bearer": sys.argv[3],
}
poll = urllib.request.Request(sys.argv[1], data=sys.argv[2].encode(), headers=headers)
urllib.request.urlopen(poll, timeout=60).read()
"""


def run(*arguments, **environment):
    variables = {key: value for key, value in os.environ.items() if not key.startswith("RINGFLOOR")}
    return subprocess.run(
        [sys.executable, "-m", "ringfloor", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env=variables | environment,
        check=False,
    )


def test_health_and_a_clean_end(start, data):
    server = start("--data", str(data))
    assert server.ask("GET", "/_ringfloor/health") == {"status": "ok"}
    status, log = server.stop()
    assert status == 0
    assert "Traceback" not in log


def test_what_is_kept_is_the_operators_alone(start, data):
    """Also in a directory that is open to everybody, and what was left open before."""
    data.mkdir(mode=0o755)
    for _ in range(2):
        server = start("--data", str(data), "--sandbox")
        server.client().list_instances()
        files = [each for each in data.rglob("*") if each.is_file()]
        assert {each.stat().st_mode & 0o077 for each in files} == {0}, files
        server.stop()
        (data / "history.duckdb").chmod(0o644)


def test_a_waiting_poll_does_not_hold_up_the_end(fresh):
    server = fresh
    center = FirstCenter(server)
    login = {"instance": center.alias, "username": "ann", "password": PASSWORD}
    token = server.ask("POST", "/auth/login", login)["accessToken"]
    headers = {"X-Amz-Target": "AmazonConnectCTIService.GetAgentSnapshot", "X-Amz-Bearer": token}
    first = server.ask("POST", "/api", {}, **headers)
    poll = subprocess.Popen(
        [
            sys.executable,
            "-c",
            POLL,
            f"{server.address}/api",
            f'{{"nextToken": "{first["nextToken"]}", "timeout": 30000}}',
            token,
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        assert server.stop()[0] == 0
    finally:
        poll.kill()
        poll.wait()


def test_a_second_process_on_the_same_data_is_refused(start, data):
    server = start("--data", str(data))
    second = run("serve", "--port", "0", "--data", str(data))
    assert second.returncode == 1
    assert str(server.process.pid) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_in_use_says_what_to_do(start):
    server = start("--memory")
    port = server.address.rpartition(":")[2]
    second = run("serve", "--memory", "--port", port)
    assert second.returncode == 1
    assert "--port" in second.stderr


def test_the_sandbox_stays_on_this_machine_unless_told_twice(start):
    once = run("serve", "--memory", "--port", "0", "--host", "0.0.0.0", "--sandbox")
    assert once.returncode == 1
    assert "--sandbox twice" in once.stderr
    twice = start("--memory", "--host", "0.0.0.0", "--sandbox", "--sandbox")
    assert twice.address.startswith("http://0.0.0.0:")


def test_without_a_sandbox_there_is_none(start):
    server = start("--memory")
    for method, path in (("GET", "clock"), ("POST", "clock"), ("PUT", "phones/+12065550100")):
        assert server.refused(method, f"/_ringfloor/{path}", {"advance": 1})[0] == 404
    connect = server.client()
    instance = connect.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias="plain",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    numbers = connect.list_phone_numbers_v2(InstanceId=instance)
    assert numbers["ListPhoneNumbersSummaryList"] == []


def test_every_setting_is_also_a_variable(start, data):
    server = start(
        environment={
            "RINGFLOOR_DATA": str(data),
            "RINGFLOOR_CLOCK": "virtual",
            "RINGFLOOR_SANDBOX": "1",
            "RINGFLOOR_REGION": "eu-west-1",
            "RINGFLOOR_ACCOUNT": "999999999999",
        }
    )
    assert server.sandbox("POST", "clock", {"advance": 3})["now"] > 0
    with pytest.raises(Exception, match="Credential should be scoped to a valid region"):
        server.client().list_instances()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--port", "99999"), "port"),
        (("--account", "12"), "account"),
        (("--function", "nonsense"), "ARN=URL"),
        (("--signature-window", "0"), "signature-window"),
    ],
)
def test_wrong_settings_name_setting_value_and_rule(options, words):
    done = run("serve", "--memory", *options)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_half_a_key_pair_is_refused():
    done = run("serve", "--memory", RINGFLOOR_ACCESS_KEY_ID="AKIA")
    assert done.returncode == 1
    assert "RINGFLOOR_SECRET_ACCESS_KEY" in done.stderr


def test_the_clock_of_a_sandbox(fresh):
    server = fresh
    now = server.sandbox("GET", "clock")["now"]
    assert server.sandbox("POST", "clock", {"advance": 1.5})["now"] == now + 1.5
    assert server.sandbox("POST", "clock", {"set": 1_709_632_800})["now"] == 1_709_632_800
    assert server.refused("POST", "/_ringfloor/clock", {"advance": -1})[0] == 400
    assert server.refused("POST", "/_ringfloor/clock", {})[0] == 400
    assert server.refused("POST", "/_ringfloor/clock", {"wind": 1})[0] == 400


def test_a_wall_clock_cannot_be_moved(start):
    server = start("--memory", "--sandbox")
    status, message = server.refused("POST", "/_ringfloor/clock", {"advance": 1})
    assert status == 400
    assert "--clock virtual" in message


def test_a_sandbox_answers_only_to_its_own_names(server):
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.ask("GET", "/_ringfloor/clock", Host="evil.example")
    with caught.value as error:
        assert error.code == 403


@pytest.mark.parametrize("command", [(), ("serve",), ("demo",), ("journal",), ("journal", "cut")])
def test_help_teaches(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "usage: ringfloor" in done.stdout


def test_a_damaged_journal_is_refused_checked_and_cut(start, data):
    server = start("--data", str(data), "--sandbox")
    connect = server.client()
    instance = connect.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias="plain",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    hours = connect.list_hours_of_operations(InstanceId=instance)["HoursOfOperationSummaryList"]
    for name in ("one", "two", "three"):
        connect.create_queue(InstanceId=instance, Name=name, HoursOfOperationId=hours[0]["Id"])
    checked = run("journal", "check", "--data", str(data))
    assert (checked.returncode, "in use" in checked.stderr) == (1, True)
    server.kill()
    assert run("journal", "check", "--data", str(data)).returncode == 0

    with contextlib.closing(sqlite3.connect(data / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE record SET payload = zeroblob(9) WHERE sequence = 3")
    refused = run("serve", "--port", "0", "--data", str(data))
    assert refused.returncode == 1
    assert "record 3" in refused.stderr
    assert f"journal cut --data {data} --instance {instance} --after 2" in refused.stderr
    checked = run("journal", "check", "--data", str(data))
    assert (checked.returncode, "sound up to 2" in checked.stdout) == (1, True)
    cut = run("journal", "cut", "--data", str(data), "--instance", instance, "--after", "2")
    assert cut.returncode == 0, cut.stderr
    assert (data / "journal.sqlite.before-cut-1").exists()

    again = start("--data", str(data)).client()
    queues = again.list_queues(InstanceId=instance)["QueueSummaryList"]
    assert [each["Name"] for each in queues] == ["BasicQueue", "one"]
