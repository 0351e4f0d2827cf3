"""Real-time metrics: what an event costs to fold, and what GetCurrentMetricData costs to answer.

Agents in 20 routing profiles of 10 queues each serve 100 queues; contacts come, ring, talk, end and
are cleared. Once with 1,000 agents and once with ten times as many agents and contacts: an answer
costs the same. Figures in process are CPU time, the best of several rounds; over HTTP they are wall
time of signed requests beside a constant answer of the same server software.
"""

import json
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import process_time

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.api import CONSTANT, KEY, REGION, SECRET, client, rate, server
from ringfloor.base.ids import generator
from ringfloor.domain import events
from ringfloor.domain.criteria import Step, steps_of
from ringfloor.projections.current_metrics import METRICS
from ringfloor.projections.current_request import metric_results, parse
from ringfloor.projections.current_rows import answer, estimate, newcomers
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.records import Records
from ringfloor.projections.waiting import Waiting

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from metric_histories import (
    AVAILABLE,
    Legs,
    clock,
    profile,
    queue,
    status,
    statuses,
    user,
)

QUEUES, PROFILES, QUEUES_PER_PROFILE, ROUNDS = 100, 20, 10, 3
AGENTS, CONTACTS, TIMES = 1_000, 5_000, 10
EXPRESSIONS = 50
SERVED = 100
"""Agents of the server, and contacts that wait in it; and once ten times as many of both."""


def the_center(agents=AGENTS):
    """The events that make the center, and its agents by queue."""
    at = clock("08:00:00")
    told = [*statuses(), *(queue(f"queue {number}") for number in range(QUEUES))]
    for number in range(PROFILES):
        names = [f"queue {(number * 5 + each) % QUEUES}" for each in range(QUEUES_PER_PROFILE)]
        rows = [(name, channel) for name in names for channel in ("VOICE", "CHAT")]
        told.append(profile(f"profile {number}", {"VOICE": 1, "CHAT": 2}, rows))
    for number in range(agents):
        told.append(user(f"agent {number}", f"profile {number % PROFILES}"))
        told.append(status(f"agent {number}", AVAILABLE))
        level = {"AttributeName": "language", "AttributeValue": "French", "Level": number % 5 + 1}
        changes = {"Proficiencies": [level]}
        told.append(events.ResourceUpdated("user", f"agent {number}", changes))
    return [(event, at) for event in told]


def expression(number):
    """Of one of the routing steps that contacts are in."""
    return {
        "OrExpression": [
            {
                "AttributeCondition": {
                    "Name": "language",
                    "Value": "French",
                    "ProficiencyLevel": number % 5 + 1,
                    "ComparisonOperator": "NumberGreaterOrEqualTo",
                }
            },
            {
                "AttributeCondition": {
                    "Name": "language",
                    "Value": f"dialect {number}",
                    "ProficiencyLevel": 1,
                    "ComparisonOperator": "Match",
                }
            },
        ]
    }


def the_contacts(agents=AGENTS, contacts=CONTACTS):
    """The lives of contacts, one after the other and interleaved, and a rest that still waits."""
    dice, legs, at, told, numbers = generator(7), Legs(), clock("09:00:00"), [], count()
    working = []
    steps = [steps_of({"Steps": [{"Expression": expression(each)}]}) for each in range(EXPRESSIONS)]
    for _ in range(contacts):
        number = next(numbers)
        at += dice.randrange(400)
        name, agent = f"contact {number}", f"agent {number % agents}"
        channel = dice.choice(("VOICE", "CHAT"))
        told.append((legs.begin(name, at, channel), at))
        told.append((legs.enqueue(name, f"queue {dice.randrange(QUEUES)}", at), at))
        if number % 10 == 0:
            sought: tuple[Step, ...] = steps[number // 10 % EXPRESSIONS]
            told.append((events.RoutingCriteriaSet(name, sought), at))
            continue
        told.append((legs.offer(name, agent, at), at))
        told.append((legs.connect(name, agent, at + 3), at + 3))
        working.append((name, agent))
        if len(working) > agents // 2:
            name, agent = working.pop(0)
            told += [(event, at + 5) for event in legs.end(name, at + 5)]
            told += [(event, at + 6) for event in legs.clear(name, agent, at + 6)]
    return told, at


def microseconds_per_event(fold_type, history, agents=AGENTS, rounds=ROUNDS):
    best = float("inf")
    for _ in range(rounds):
        fold = fold_type()
        for event, at in the_center(agents):
            fold.on(event, at)
        start = process_time()
        for event, at in history:
            fold.on(event, at)
        best = min(best, (process_time() - start) * 1e6 / len(history))
    return best, fold


def milliseconds(question):
    best = float("inf")
    for _ in range(10):
        start = process_time()
        question()
        best = min(best, (process_time() - start) * 1e3)
    return best


REQUEST = {
    "Filters": {
        "Queues": [f"queue {number}" for number in range(QUEUES)],
        "Channels": ["VOICE", "CHAT"],
    },
    "Groupings": ["QUEUE", "CHANNEL"],
    "CurrentMetrics": [{"Name": metric.name} for metric in METRICS],
}
BY_QUEUE = {**REQUEST, "Groupings": ["QUEUE"], "CurrentMetrics": REQUEST["CurrentMetrics"][:-1]}
BY_STEP = {
    **BY_QUEUE,
    "Groupings": ["ROUTING_STEP_EXPRESSION"],
    "Filters": {
        "Queues": ["queue 0"],
        "RoutingStepExpressions": [json.dumps(expression(each)) for each in range(EXPRESSIONS)],
    },
}


class Floor:
    """A center of some size in the middle of its day."""

    def __init__(self, times: int) -> None:
        agents, contacts = AGENTS * times, CONTACTS * times
        history, self.now = the_contacts(agents, contacts)
        rounds = 1 if times > 1 else ROUNDS
        self.lines, self.folds = [f"{agents:,} agents, {contacts:,} contacts"], {}
        for fold_type in (Realtime, Waiting, Records) if times == 1 else (Realtime, Waiting):
            cost, fold = microseconds_per_event(fold_type, history, agents, rounds)
            self.folds[fold_type] = fold
            self.lines.append(f"  {fold_type.__name__}.on: {cost:.2f} us an event")
        self.realtime, self.waiting = self.folds[Realtime], self.folds[Waiting]

    def ask(self, request=REQUEST):
        query = parse(request, lambda _kind, identifier: identifier)
        return query, answer(self.realtime, self._waits(query), query, self.now)

    def _waits(self, query):
        return {
            each: estimate(self.realtime, self.waiting, each, self.now)
            for each in newcomers(self.realtime, query, self.now)
        }

    def write(self):
        query, rows = self.ask()
        return msgspec.json.encode(metric_results(query, rows[:100], "{}/{}".format))

    def told(self) -> tuple[list[str], float]:
        """Lines, and ms of the answer by queue and channel."""
        lines, cost = self.lines, milliseconds(self.ask)
        size = f"{QUEUES} queues x {len(METRICS)} metrics by QUEUE and CHANNEL"
        lines.append(f"  GetCurrentMetricData, {size}, {len(self.ask()[1])} rows: {cost:.2f} ms")
        lines.append(f"  the same with a page of 100 as JSON: {milliseconds(self.write):.2f} ms")
        by_queue = milliseconds(lambda: self.ask(BY_QUEUE))
        lines.append(f"  the same by QUEUE, 13 metrics: {by_queue:.2f} ms")
        start = process_time()
        self.ask(BY_STEP)
        first = (process_time() - start) * 1e3
        again = milliseconds(lambda: self.ask(BY_STEP))
        lines.append(
            f"  by {EXPRESSIONS} routing steps: {first:.2f} ms when first asked, then {again:.2f}"
        )
        snapshot = self.realtime.dump()
        dump, load = milliseconds(self.realtime.dump), milliseconds(lambda: Realtime.load(snapshot))
        size = f"{len(snapshot) // 1024} KiB"
        lines.append(f"  Realtime snapshot of {size}: dump {dump:.2f} ms, load {load:.2f} ms")
        return lines, cost


def in_process() -> Iterator[str]:
    small, one = Floor(1).told()
    large, ten = Floor(TIMES).told()
    yield from (*small, *large)
    yield f"{TIMES} times the agents and contacts: {ten / one:.2f} times the cost of an answer"


# Over HTTP


def signed_post(address: str, path: str, request: object) -> bytes:
    """A complete signed request, as bytes."""
    body = json.dumps(request).encode()
    made = AWSRequest("POST", address + path, {"Content-Type": "application/json"}, body)
    SigV4Auth(Credentials(KEY, SECRET), "connect", REGION).add_auth(made)
    lines = [f"POST {path} HTTP/1.1", f"Host: {address.removeprefix('http://')}"]
    lines += [f"{name}: {value}" for name, value in made.headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Served:
    """The same center in a server, made by its API; agents and contacts are added."""

    def __init__(self, address: str) -> None:
        self.address, self.connect = address, client(address)
        self.instance = self.connect.create_instance(
            IdentityManagementType="SAML",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
            InstanceAlias="bench",
        )["Id"]
        self.at = {"InstanceId": self.instance}
        hours = self._first("list_hours_of_operations", "HoursOfOperationSummaryList")
        numbers = self.connect.list_phone_numbers_v2(**self.at)["ListPhoneNumbersSummaryList"]
        caller = {"OutboundCallerIdNumberId": numbers[0]["PhoneNumberId"]}
        self.queues = [
            self.connect.create_queue(
                **self.at, Name=f"q{each}", HoursOfOperationId=hours, OutboundCallerConfig=caller
            )["QueueId"]
            for each in range(QUEUES)
        ]
        self.profiles = [self._profile(number) for number in range(PROFILES)]
        self.security = self._first("list_security_profiles", "SecurityProfileSummaryList")
        self.available = next(
            each["Id"]
            for each in self.connect.list_agent_statuses(**self.at)["AgentStatusSummaryList"]
            if each["Type"] == "ROUTABLE"
        )
        self.agents = 0

    def _first(self, operation, member):
        return getattr(self.connect, operation)(**self.at)[member][0]["Id"]

    def _profile(self, number):
        names = [self.queues[(number * 5 + each) % QUEUES] for each in range(QUEUES_PER_PROFILE)]
        return self.connect.create_routing_profile(
            **self.at,
            Name=f"p{number}",
            Description="of the benchmark",
            DefaultOutboundQueueId=names[0],
            MediaConcurrencies=[{"Channel": "TASK", "Concurrency": 1}],
            QueueConfigs=[
                {
                    "QueueReference": {"QueueId": name, "Channel": "TASK"},
                    "Priority": 1,
                    "Delay": 0,
                }
                for name in names
            ],
        )["RoutingProfileId"]

    def grow(self, agents: int) -> None:
        """So many agents at work, and as many tasks, of which each has one."""
        flow = self.connect.create_contact_flow(
            **self.at, Name=f"to {agents}", Type="CONTACT_FLOW", Content=self._flow(agents)
        )["ContactFlowId"]
        while self.agents < agents:
            user_id = self.connect.create_user(
                **self.at,
                Username=f"agent{self.agents}",
                IdentityInfo={"FirstName": "A", "LastName": "B"},
                PhoneConfig={"PhoneType": "SOFT_PHONE"},
                SecurityProfileIds=[self.security],
                RoutingProfileId=self.profiles[self.agents % PROFILES],
            )["UserId"]
            self.connect.put_user_status(**self.at, UserId=user_id, AgentStatusId=self.available)
            self.connect.start_task_contact(**self.at, Name="work", ContactFlowId=flow)
            self.agents += 1

    def _flow(self, number: int) -> str:
        queue_arn = self.connect.describe_queue(**self.at, QueueId=self.queues[number % QUEUES])[
            "Queue"
        ]["QueueArn"]
        steps = [
            ("set", "UpdateContactTargetQueue", {"QueueId": queue_arn}, "go"),
            ("go", "TransferContactToQueue", {}, "end"),
        ]
        errors = {"go": ("QueueAtCapacity", "NoMatchingError"), "set": ("NoMatchingError",)}
        actions = [
            {
                "Identifier": name,
                "Type": kind,
                "Parameters": parameters,
                "Transitions": {
                    "NextAction": following,
                    "Errors": [{"NextAction": "end", "ErrorType": each} for each in errors[name]],
                    "Conditions": [],
                },
            }
            for name, kind, parameters, following in steps
        ]
        end = {
            "Identifier": "end",
            "Type": "DisconnectParticipant",
            "Parameters": {},
            "Transitions": {},
        }
        content = {"Version": "2019-10-30", "StartAction": "set", "Actions": [*actions, end]}
        return json.dumps(content)

    def request(self) -> bytes:
        asked = {**BY_QUEUE, "Filters": {"Queues": self.queues, "Channels": ["TASK"]}}
        asked = {**asked, "Groupings": ["QUEUE", "CHANNEL"], "CurrentMetrics": METRICS_ASKED}
        return signed_post(self.address, f"/metrics/current/{self.instance}", asked)


METRICS_ASKED = REQUEST["CurrentMetrics"]


def over_http() -> Iterator[str]:
    with server("-c", CONSTANT) as address:
        constant = rate(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    yield f"a constant answer over HTTP: {constant:,.0f} requests/s"
    serve = ("-m", "ringfloor", "serve", "--port", "0", "--memory", "--sandbox")
    with server(*serve, first="ringfloor: listening on ") as address:
        served, rates = Served(address), []
        for agents in (SERVED, SERVED * TIMES):
            start = time.monotonic()
            served.grow(agents)
            made = time.monotonic() - start
            rates.append(rate(address, served.request()))
            yield (
                f"signed GetCurrentMetricData, {QUEUES} queues x {len(METRICS)} metrics,"
                f" {agents:,} agents and contacts: {rates[-1]:,.0f} requests/s,"
                f" {rates[-1] / constant:.3f} of the constant (made in {made:.0f} s)"
            )
    yield f"{TIMES} times the agents and contacts: {rates[0] / rates[1]:.2f} times the cost"


def run() -> Iterator[str]:
    yield from in_process()
    yield from over_http()


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
