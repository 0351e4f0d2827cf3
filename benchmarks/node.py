"""Commands through node and SQLite with 64 clients, and replay of a million events."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ringfloor.base.ids import chance, derive, dice
from ringfloor.base.time import WallClock
from ringfloor.domain import commands
from ringfloor.domain.dialogue import Done
from ringfloor.domain.events import Outcome, decode_outcome, encode_outcome
from ringfloor.engine import engine
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import Journal, Record
from ringfloor.journal.memory import MemoryJournal
from ringfloor.node.functions import Functions
from ringfloor.node.history import History
from ringfloor.node.node import Node
from ringfloor.node.outbox import Outbox

CLIENTS = 64
SECONDS = 4.0
EVENTS = 1_000_000


class Silence:
    """A carrier without phones."""

    def perform(self, command: object, now: int) -> None: ...

    def next_due(self) -> None:
        return None

    def run_due(self, now: int) -> None: ...

    def channels(self) -> list[object]:
        return []

    def adopt(self, channels: object, now: int) -> None: ...


def _create(instance: str) -> commands.CreateInstance:
    return commands.CreateInstance(
        instance_id=instance,
        region="us-east-1",
        account="123456789012",
        alias="bench",
        properties={
            "IdentityManagementType": "CONNECT_MANAGED",
            "InboundCallsEnabled": True,
            "OutboundCallsEnabled": True,
        },
    )


async def _load(journal: Journal) -> float:
    """Commands per second: tags that change, 64 clients, each waits for its answer."""
    node = Node(journal, History.open(None, print), WallClock(), chance)
    outbox = Outbox(Functions({}, direct=False), node.post, node.wake)
    outbox.connect(Silence())  # type: ignore[arg-type]  # as much of a carrier as is used
    node.recover(outbox, lambda *_: None)
    loop = asyncio.create_task(node.run())
    instance = derive(chance(), 0)
    await node.create(_create(instance))
    queue = node.desk(instance).center.named("queue", "BasicQueue")
    until = time.monotonic() + SECONDS

    async def client(number: int) -> int:
        done = 0
        while time.monotonic() < until:
            tags = {f"client {number}": str(done)}
            await node.submit(instance, commands.TagResource("queue", queue, tags))
            done += 1
        return done

    total = sum(await asyncio.gather(*(client(number) for number in range(CLIENTS))))
    node.close()
    await loop
    await node.finish()
    return total / SECONDS


def _life(instance: str) -> list[Outcome]:
    """The outcomes of many contacts' lives, a million events."""
    deal, center, at = dice(1), engine.Center(), 1_700_000_000_000
    outcomes: list[Outcome] = []

    def do(command: commands.Command, step: int = 10) -> str:
        nonlocal at
        at += step
        done = engine.run(center, command, at, deal())
        outcomes.append(Outcome(at, done.events))
        return done.answer

    do(_create(instance))
    profile = center.named("routing_profile", "Basic Routing Profile")
    security = center.named("security_profile", "Agent")
    flow = center.named("contact_flow", "Sample inbound flow")
    user = {
        "Username": "ann",
        "PhoneConfig": {"PhoneType": "SOFT_PHONE"},
        "RoutingProfileId": profile,
        "SecurityProfileIds": [security],
    }
    agent = do(commands.CreateResource(kind="user", properties=user))
    do(commands.SetAgentStatus(agent, center.named("agent_status", "Available")))
    while sum(len(each.events) for each in outcomes) < 20_000:
        contact = derive(deal(), 0)
        do(
            commands.StartInboundContact(
                contact_id=contact, from_number="+12065550100", flow_id=flow
            )
        )
        while center.contacts[contact].stage == "IN_FLOW":
            ask = center.contacts[contact].asks
            do(commands.Hear(contact, ask, Done()))
        do(commands.AcceptContact(agent, contact))
        do(commands.LeaveContact(agent, contact))
        do(commands.ClearContact(agent, contact))
    return outcomes


def _replay() -> Iterator[str]:
    instance = derive(b"0" * 16, 0)
    lives = _life(instance)
    payloads = [encode_outcome(each) for each in lives]
    head, body = payloads[:3], payloads[3:]
    in_head = sum(len(each.events) for each in lives[:3])
    in_body = sum(len(each.events) for each in lives[3:])
    rounds = (EVENTS - in_head) // in_body + 1
    with tempfile.TemporaryDirectory() as directory:
        journal = open_journal(Path(directory), print)
        sequence = 0
        for payload_list in (head, *([body] * rounds)):
            records = []
            for payload in payload_list:
                sequence += 1
                records.append(Record(instance, sequence, 0, payload))
            journal.append(records)
        events = in_head + rounds * in_body
        started = time.perf_counter()
        read = sum(1 for _ in journal.read(instance))
        bare = time.perf_counter() - started
        started = time.perf_counter()
        center, last = engine.Center(), 0
        for record in journal.read(instance):
            outcome = decode_outcome(record.payload)
            last = max(outcome.at, last)
            for event in outcome.events:
                engine.apply(center, event, last)
        whole = time.perf_counter() - started
        journal.close()
    yield (
        f"replay of {events:,} events in {read:,} records: {whole:.1f} s, {events / whole:,.0f}"
        f" events/s; reading and verifying alone takes {bare / whole:.2f} of it"
    )


def run() -> Iterator[str]:
    memory = asyncio.run(_load(MemoryJournal()))
    yield f"{CLIENTS} clients, journal in memory: {memory:,.0f} commands/s"
    with tempfile.TemporaryDirectory() as directory:
        disk = asyncio.run(_load(open_journal(Path(directory), print)))
    yield f"{CLIENTS} clients, SQLite, full sync: {disk:,.0f} commands/s, {disk / memory:.2f} of it"
    yield from _replay()
