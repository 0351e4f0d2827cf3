"""`ringfloor load` against a real server: what it tells is what the server and boto3 tell."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acceptance.conftest import KEY, SECRET, Server
from ringfloor.flow.defaults import action, document

pytestmark = pytest.mark.slow

FLOOR = """
name = "Small floor"
start = 2026-11-16T08:00:00
end = 2026-11-16T09:00:00
seed = {seed}
[queues.sales]
handle = {{ kind = "uniform", low = 20, high = 40 }}
after_work = 4
[queues.nobody]
handle = 10
[profiles.all]
chat = 2
task = 2
queues = [
  {{ queue = "sales" }},
  {{ queue = "sales", channel = "CHAT" }},
  {{ queue = "sales", channel = "TASK" }},
]
[agents.team]
count = 4
profile = "all"
answers = 2
proficiencies = {{ language = {{ french = 4 }} }}
[callers.people]
queue = "sales"
channels = {{ VOICE = 1, CHAT = 1, TASK = 1 }}
per_hour = 180
attributes = {{ plan = "gold" }}
[callers.lost]
queue = "nobody"
per_hour = 120
patience = 20
"""
"""Whom nobody serves gives up, everybody else is served: what happens does not depend on luck."""

MENU = """
name = "Menu"
start = 2026-11-16T08:00:00
end = 2026-11-16T09:00:00
[queues.sales]
handle = { kind = "uniform", low = 30, high = 40 }
after_work = 5
holds = { chance = 1, lasts = 10 }
[flows.menu]
file = "menu.json"
[profiles.all]
queues = [{ queue = "sales" }]
[agents.team]
count = 8
profile = "all"
misses = 0.4
returns = 5
answers = 1
[callers.people]
flow = "menu"
keys = { "1" = 0.7, "2" = 0.3 }
thinks = 2
per_hour = 240
patience = 600
"""
"""Who presses 2 is hung up on, which he finds out when his patience ends; all others are served."""

QUICK = ("--speed", "40", "--minutes", "0.06", "--drain", "30")


def asked(scenario: Any, address: str, *options: str) -> list[str]:
    command = [sys.executable, "-m", "ringfloor", "load", str(scenario), "--endpoint", address]
    return [*command, *options]


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("RINGFLOOR")}
    return {**own, "RINGFLOOR_ACCESS_KEY_ID": KEY, "RINGFLOOR_SECRET_ACCESS_KEY": SECRET}


def load(scenario: Any, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        asked(scenario, address, *options),
        capture_output=True,
        text=True,
        timeout=100,
        env=environment(),
        check=False,
    )


def figures(scenario: Any, address: str, *options: str) -> dict[str, Any]:
    done = load(scenario, address, "--json", "-", *options)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "floor.toml"
    path.write_text(FLOOR.format(seed=3))
    return path


def instances(server: Server) -> dict[str, str]:
    rows = server.client().list_instances()["InstanceSummaryList"]
    return {row["InstanceAlias"]: row["Id"] for row in rows}


def found(server: Server, instance: str) -> list[dict[str, Any]]:
    """Every contact of an instance, as the server tells them to anybody."""
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    pages = server.client().get_paginator("search_contacts")
    return [
        contact
        for page in pages.paginate(
            InstanceId=instance,
            TimeRange={
                "Type": "INITIATION_TIMESTAMP",
                "StartTime": now - hour,
                "EndTime": now + hour,
            },
        )
        for contact in page["Contacts"]
    ]


def counts(figures: dict[str, Any], name: str) -> dict[str, int]:
    return {channel: each[name] for channel, each in figures["contacts"].items()}


def operations(figures: dict[str, Any]) -> dict[str, Any]:
    return {each["operation"]: each for each in figures["operations"]}


def test_what_it_tells_is_what_the_server_has(start, scenario, tmp_path):
    """Also with a center that is kept: what was there before is not counted again."""
    server = start("--memory", "--sandbox")
    page = tmp_path / "load.html"
    first = figures(scenario, server.address, *QUICK, "--keep", "--html", str(page))
    [(alias, instance)] = instances(server).items()
    assert alias == "load-small-floor"
    contacts = found(server, instance)
    assert Counter(each["Channel"] for each in contacts) == counts(first, "started")
    served = Counter(each["Channel"] for each in contacts if "AgentInfo" in each)
    assert served == {name: many for name, many in counts(first, "handled").items() if many}
    assert {"VOICE", "CHAT", "TASK"} == served.keys()
    gave_up = len(contacts) - sum(served.values())
    assert gave_up == sum(counts(first, "gave_up").values()) > 0
    assert not any(counts(first, "left").values())
    assert not first["errors"]
    assert {each["difference"] for each in first["server"]} == {0}
    assert {each["InitiationMethod"] for each in contacts if each["Channel"] == "VOICE"} == {
        "INBOUND"
    }
    one = next(each for each in contacts if each["Channel"] == "VOICE")
    asked_again = server.client().get_contact_attributes(
        InstanceId=instance, InitialContactId=one["Id"]
    )
    queues = {
        row["Id"]: row["Name"]
        for row in server.client().list_queues(InstanceId=instance)["QueueSummaryList"]
        if "Name" in row
    }
    gold = queues[one["QueueInfo"]["Id"]] == "sales"
    assert asked_again["Attributes"] == ({"plan": "gold"} if gold else {})

    did = operations(first)
    started = counts(first, "started")
    assert did["phone: call"]["count"] == started["VOICE"]
    assert did["StartChatContact"]["count"] == did["customer's web socket"]["count"]
    assert did["StartChatContact"]["count"] == started["CHAT"]
    assert did["AcceptContact"]["count"] == did["ClearContact"]["count"] == sum(served.values())
    heard = first["told"]["chat message, written until heard"]
    assert heard["count"] == did["SendMessage"]["count"] > 0
    assert first["unheard"] == 0
    assert sum(each["requests"] for each in first["windows"]) == first["requests"]
    for each in first["operations"]:
        if each["response"]["count"]:
            assert each["service"]["p50"] <= each["response"]["p50"] <= each["response"]["max"]
    html = page.read_text()
    assert html.count("<svg") == 3
    assert "Small floor" in html
    assert "http:" not in html.replace(server.address, "").replace("http://www.w3.org", "")

    again = figures(scenario, server.address, *QUICK, "--keep")
    assert len(instances(server)) == 1
    assert counts(again, "came") == counts(first, "came"), "the same customers"
    assert not operations({"operations": again["before"]}).get("CreateUser")
    assert len(found(server, instance)) == sum(started.values()) + sum(
        counts(again, "started").values()
    )


def test_what_it_made_is_taken_away_and_nothing_else(start, scenario):
    server = start("--memory", "--sandbox")
    connect = server.client()
    instance = connect.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias="mine",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    hours = connect.list_hours_of_operations(InstanceId=instance)["HoursOfOperationSummaryList"]
    kept = connect.create_queue(
        InstanceId=instance, Name="sales", HoursOfOperationId=hours[0]["Id"]
    )["QueueId"]

    def there() -> set[str]:
        listings = {
            "list_queues": "QueueSummaryList",
            "list_users": "UserSummaryList",
            "list_contact_flows": "ContactFlowSummaryList",
            "list_routing_profiles": "RoutingProfileSummaryList",
            "list_hours_of_operations": "HoursOfOperationSummaryList",
            "list_predefined_attributes": "PredefinedAttributeSummaryList",
        }
        return {
            row.get("Id") or row["Name"]
            for name, member in listings.items()
            for row in getattr(connect, name)(InstanceId=instance)[member]
        }

    before = there()
    told = figures(scenario, server.address, *QUICK, "--instance", instance)
    assert told["left_behind"] == []
    assert there() == before
    handled = [each for each in found(server, instance) if "AgentInfo" in each]
    assert {each["QueueInfo"]["Id"] for each in handled} == {kept}, "the queue of that name is used"


def test_what_the_server_throttles_is_shown(start, scenario):
    server = start("--memory", "--sandbox", "--rate", "StartTaskContact=1/1")
    told = figures(scenario, server.address, *QUICK, "--rate-factor", "3")
    tasks = told["contacts"]["TASK"]
    throttled = operations(told)["StartTaskContact"]["errors"]
    assert throttled == {"ThrottlingException": tasks["refused"]}
    assert tasks["refused"] > 0
    assert tasks["came"] == tasks["started"] + tasks["refused"]
    assert sum(each["throttled"] for each in told["windows"]) == tasks["refused"]
    assert instances(server) == {}, "it was its own, and goes as a whole"


def test_without_a_sandbox_customers_are_called(start, scenario):
    server = start("--memory")
    told = figures(scenario, server.address, *QUICK, "--keep")
    assert told["voice"] == "outbound"
    contacts = found(server, instances(server)["load-small-floor"])
    calls = [each for each in contacts if each["Channel"] == "VOICE"]
    assert {each["InitiationMethod"] for each in calls} == {"API"}
    assert len(calls) == operations(told)["StartOutboundVoiceContact"]["count"]
    assert counts(told, "handled")["VOICE"] == sum("AgentInfo" in each for each in calls) > 0


def menu_flow() -> str:
    """Press 1 for sales; ${queue:sales} is put in by the command."""
    menu = action(
        "menu",
        "GetParticipantInput",
        {"Text": "For sales press 1.", "StoreInput": "False", "InputTimeLimitSeconds": "8"},
        "bye",
        [("Equals", "1", "target")],
        InputTimeLimitExceeded="bye",
        NoMatchingCondition="bye",
        NoMatchingError="bye",
    )
    target = action(
        "target",
        "UpdateContactTargetQueue",
        {"QueueId": "${queue:sales}"},
        "enter",
        NoMatchingError="bye",
    )
    enter = action(
        "enter",
        "TransferContactToQueue",
        {},
        "bye",
        QueueAtCapacity="bye",
        NoMatchingError="bye",
    )
    return json.dumps(document(menu, target, enter, action("bye", "DisconnectParticipant")))


def test_keys_holds_and_missed_offers(start, tmp_path):
    (tmp_path / "menu.json").write_text(menu_flow())
    scenario = tmp_path / "floor.toml"
    scenario.write_text(MENU)
    server = start("--memory", "--sandbox")
    told = figures(scenario, server.address, "--speed", "40", "--minutes", "0.1", "--keep")
    did, calls = operations(told), told["contacts"]["VOICE"]
    assert did["phone: press"]["count"] == calls["started"] == calls["came"]
    assert calls["handled"] + calls["turned_away"] == calls["started"]
    assert calls["turned_away"] > 0
    assert did["HoldConnection"]["count"] == did["ResumeConnection"]["count"] == calls["handled"]
    connect = server.client()
    [instance] = instances(server).values()
    arn = connect.describe_instance(InstanceId=instance)["Instance"]["Arn"]
    queues = connect.list_queues(InstanceId=instance)["QueueSummaryList"]
    now = datetime.now(UTC)
    answer = connect.get_metric_data_v2(
        ResourceArn=arn,
        StartTime=now - timedelta(hours=1),
        EndTime=now,
        Filters=[
            {
                "FilterKey": "QUEUE",
                "FilterValues": [row["Id"] for row in queues if row.get("Name") == "sales"],
            }
        ],
        Metrics=[{"Name": name} for name in ("AVG_HOLDS", "AGENT_NON_RESPONSE")],
    )
    values = {
        cell["Metric"]["Name"]: cell["Value"] for cell in answer["MetricResults"][0]["Collections"]
    }
    assert values == {"AVG_HOLDS": 1.0, "AGENT_NON_RESPONSE": did["RejectContact"]["count"]}


def test_an_interrupt_ends_it_and_still_reports(start, scenario):
    server = start("--memory", "--sandbox")
    options = ("--speed", "40", "--minutes", "1", "--keep", "--json", "-")
    running = subprocess.Popen(
        asked(scenario, server.address, *options),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    while "load-small-floor" not in instances(server):
        assert running.poll() is None
    instance = instances(server)["load-small-floor"]
    while not any("AgentInfo" in each for each in found(server, instance)):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    told = json.loads(said)
    assert running.returncode == 0
    assert told["stopped"]
    assert told["came_for"] < 60
    assert not any(counts(told, "left").values())
    contacts = found(server, instance)
    assert Counter(each["Channel"] for each in contacts) == {
        name: many for name, many in counts(told, "started").items() if many
    }
    assert all("DisconnectTimestamp" in each for each in contacts)


def test_a_server_that_stops_under_it_is_told(start, scenario):
    server = start("--memory", "--sandbox")
    running = subprocess.Popen(
        asked(scenario, server.address, "--speed", "40", "--minutes", "0.1", "--drain", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    while "load-small-floor" not in instances(server):
        assert running.poll() is None
    instance = instances(server)["load-small-floor"]
    while not found(server, instance):
        assert running.poll() is None
    server.process.kill()
    said, complained = running.communicate(timeout=100)
    assert running.returncode == 1
    assert "Connect" in said, complained
    assert "the server could not be asked for its own count" in said
    assert "could not be taken away: Instance" in said


def test_where_it_cannot_begin_it_says_why(start, scenario, fresh):
    nobody = load(scenario, "http://127.0.0.1:1", *QUICK)
    assert nobody.returncode == 1
    assert "no answer from http://127.0.0.1:1" in nobody.stderr
    assert "start a server with `ringfloor serve`" in nobody.stderr
    far = load(scenario, "http://example.com", *QUICK)
    assert "--yes-load-this-server" in far.stderr
    still = load(scenario, fresh.address, *QUICK)
    assert "stands still" in still.stderr
    wrong = subprocess.run(
        asked(scenario, start("--memory", "--sandbox").address, *QUICK),
        capture_output=True,
        text=True,
        env={**environment(), "RINGFLOOR_SECRET_ACCESS_KEY": "another"},
        check=False,
    )
    assert "the secret access key is not that of" in wrong.stderr
    for each in (nobody, far, still, wrong):
        assert each.returncode == 1
        assert "Traceback" not in each.stderr
        assert "another" not in each.stderr


def test_users_of_somebody_else_are_left_alone(start, scenario):
    """Whose password is not ours cannot sign in; the center is as it was."""
    server = start("--memory", "--sandbox")
    figures(scenario, server.address, *QUICK, "--keep")
    before = instances(server)
    iam = server.client("iam")
    iam.create_user(UserName="other")
    iam.put_user_policy(
        UserName="other",
        PolicyName="all",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "connect:*", "Resource": "*"}],
            }
        ),
    )
    key = iam.create_access_key(UserName="other")["AccessKey"]
    other = subprocess.run(
        asked(scenario, server.address, *QUICK),
        capture_output=True,
        text=True,
        env={
            **environment(),
            "RINGFLOOR_ACCESS_KEY_ID": key["AccessKeyId"],
            "RINGFLOOR_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        },
        check=False,
    )
    assert other.returncode == 1
    assert "is there already and was not made by this command with these keys" in other.stderr
    assert instances(server) == before
