"""The audit trail: every administrative change with principal, source address and request id."""

import json
import subprocess
import sys

from acceptance.center import PASSWORD, FirstCenter


def trail(data, *options: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-m", "ringfloor", "audit", "--data", str(data), "--json", *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_change_is_there_while_the_server_runs(start, data):
    server = start("--data", str(data), "--sandbox", "--clock", "virtual")
    center = FirstCenter(server)
    connect = center.connect
    at = {"InstanceId": center.instance, "QueueId": center.queue}
    answer = connect.update_queue_name(**at, Name="Sales")
    request_id = answer["ResponseMetadata"]["RequestId"]
    connect.tag_resource(resourceArn=center.queue_arn, tags={"team": "a"})
    center.dial()  # no administration

    found = trail(data)
    assert [each["operation"] for each in found] == [
        "CreateInstance",
        "CreateQueue",
        "CreateRoutingProfile",
        "CreateUser",
        "CreateContactFlow",
        "UpdateQueueName",
        "TagResource",
    ]
    renamed = found[-2]
    assert renamed["request_id"] == request_id
    assert renamed["principal"] == "arn:aws:iam::123456789012:root"
    assert renamed["source"] == "127.0.0.1"
    assert renamed["changes"] == [
        {
            "event": "ResourceUpdated",
            "kind": "queue",
            "id": center.queue,
            "name": "sales",
            "values": {"Name": "Sales"},
        }
    ]
    everything = json.dumps(trail(data, "--all", "--last", "0"))
    assert "ContactInitiated" in everything
    assert PASSWORD not in everything
    assert "argon2" not in everything

    def operations(*options: str) -> list[str]:
        return [each["operation"] for each in trail(data, *options)]

    assert operations("--operation", "Update*") == ["UpdateQueueName"]
    assert operations("--resource", "sales") == ["CreateQueue", "UpdateQueueName"]
    assert operations("--request-id", request_id) == ["UpdateQueueName"]
    assert operations("--principal", "root", "--last", "1") == ["TagResource"]
    assert operations("--principal", "user/nobody") == []
    assert operations("--source", "10.*") == []
    assert operations("--instance", "account") == []
    assert operations("--until", "2001-01-01") == []
    assert len(operations("--since", "1h")) == 7


def test_lines_for_people_and_errors_that_help(start, data, tmp_path):
    server = start("--data", str(data), "--sandbox", "--clock", "virtual")
    center = FirstCenter(server)
    at = {"InstanceId": center.instance, "QueueId": center.queue}
    center.connect.update_queue_name(**at, Name="\x1b[2J\nforged")
    server.stop()

    def told(*options: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "ringfloor", "audit", *options],
            check=False,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    status, out, _ = told("--data", str(data), "--resource", center.queue)
    assert status == 0
    assert "root" in out
    assert "CreateQueue" in out
    assert "ResourceCreated queue sales" in out
    assert not set("\x1b\r") & set(out), "a name does not move the cursor"
    status, out, _ = told("--data", str(data), "--resource", center.queue, "--all")
    assert all(each[:4].isdigit() for each in out.splitlines()), "nor does it make a line"
    assert told("--data", str(data), "--operation", "X")[2].endswith(
        "nothing in the audit trail fits\n"
    )
    status, _, problem = told("--data", str(tmp_path / "nothing"))
    assert (status, "holds no journal" in problem) == (1, True)
    status, _, problem = told("--data", str(data), "--since", "yesterday")
    assert (status, "--since: 'yesterday' is neither" in problem) == (1, True)


def test_a_damaged_record_is_not_believed(start, data):
    server = start("--data", str(data), "--sandbox", "--clock", "virtual")
    FirstCenter(server)
    server.stop()
    path = data / "journal.sqlite"
    raw = path.read_bytes()
    assert raw.count(b"sellers") > 0
    path.write_bytes(raw.replace(b"sellers", b"cellars"))
    done = subprocess.run(
        [sys.executable, "-m", "ringfloor", "audit", "--data", str(data)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "is sound only up to record 2" in done.stderr
