"""Demo: an example contact center with live traffic, on the wall clock.

`ringfloor demo` runs it beside a sandbox server: it makes the center, prints what to paste, and
then plays customers (calls at random, a key press, patience) and agents (accept, talk, hold, after
contact work, a missed call now and then). Customers speak through the carrier, agents through the
node, as everybody does.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TextIO

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import Dice, derive, generator
from ringfloor.base.time import SECOND, Duration, seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import Held
from ringfloor.domain.resources import Home, Properties
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node

DESCRIPTION = """\
Starts a server in memory with an example contact center and live traffic, and prints its address,
its keys and five commands to paste. Press Ctrl-C to end it."""

ACCESS_KEY_ID = "ringfloor-demo"
SECRET_ACCESS_KEY = "ringfloor-demo-secret"  # noqa: S105  known to all; the demo is on loopback

NUMBER = "+15555550100"
AGENTS = ("ann", "bob", "cid", "dee", "eve", "fay")
QUEUES = ("Sales", "Support")

# Means, in ms
BETWEEN_CALLS: Duration = 7 * SECOND
THINKING: Duration = 2 * SECOND
PATIENCE: Duration = 90 * SECOND
TALK: Duration = 25 * SECOND
WORK: Duration = 6 * SECOND
MISSES = 0.04
HOLDS = 0.2


class Callers(NamedTuple):
    """The customers' end of the carrier."""

    call: Callable[[str, str, str], None]
    """From a number to a number, as a channel."""
    press: Callable[[str, str], None]
    hang_up: Callable[[str], None]


class Example(NamedTuple):
    """The example center, as made."""

    desk: Desk
    flow_id: str
    queue_ids: tuple[str, ...]
    agent_ids: tuple[str, ...]


async def run(
    node: Node,
    callers: Callers,
    home: Home,
    address: str,
    out: TextIO,
    practice: Mapping[str, Any] = {},
) -> None:
    """Make the center, say what to do with it, and let it live until cancelled.

    practice: further properties of the instance.
    """
    example = await make(node, home, practice)
    out.write(guide(example, address))
    out.flush()
    dice = generator(1)
    async with asyncio.TaskGroup() as group:
        for agent_id in example.agent_ids:
            group.create_task(_agent(node, example.desk, agent_id, generator(dice.getrandbits(32))))
        group.create_task(_customers(node, callers, example, dice, group))


# The center


async def make(node: Node, home: Home, practice: Mapping[str, Any] = {}) -> Example:
    """The example center: two queues, a menu, six agents who are Available."""
    await node.create(
        commands.CreateInstance(
            instance_id=home.instance_id,
            region=home.region,
            account=home.account,
            alias="example",
            properties={
                "IdentityManagementType": "CONNECT_MANAGED",
                "InboundCallsEnabled": True,
                "OutboundCallsEnabled": True,
                **practice,
            },
            number=NUMBER,
        )
    )
    desk = node.desk(home.instance_id)

    async def add(kind: str, properties: Properties) -> str:
        return await node.submit(
            home.instance_id, commands.CreateResource(kind=kind, properties=properties)
        )

    hours = desk.center.named("hours_of_operation", "Basic Hours")
    queue_ids = tuple([await add("queue", _queue(name, hours)) for name in QUEUES])
    profile = await add("routing_profile", _profile(queue_ids))
    flow = await add("contact_flow", _menu([home.arn_of("queue", each) for each in queue_ids]))
    number = desk.center.named("phone_number", NUMBER)
    await node.submit(
        home.instance_id,
        commands.UpdateResource("phone_number", number, {"ContactFlowId": flow}),
    )
    security = desk.center.named("security_profile", "Agent")
    available = desk.center.named("agent_status", "Available")
    agent_ids = []
    for name in AGENTS:
        agent_id = await add("user", _user(name, profile, security))
        await node.submit(home.instance_id, commands.SetAgentStatus(agent_id, available))
        agent_ids.append(agent_id)
    return Example(desk, flow, queue_ids, tuple(agent_ids))


def _queue(name: str, hours: str) -> Properties:
    return {
        "Name": name,
        "Description": f"{name} of the example center",
        "HoursOfOperationId": hours,
        "Status": "ENABLED",
        "QueueType": "STANDARD",
    }


def _profile(queue_ids: tuple[str, ...]) -> Properties:
    return {
        "Name": "Everything",
        "Description": "Sales before Support",
        "DefaultOutboundQueueId": queue_ids[0],
        "MediaConcurrencies": [{"Channel": "VOICE", "Concurrency": 1}],
        "QueueConfigs": [
            {
                "QueueReference": {"QueueId": queue_id, "Channel": "VOICE"},
                "Priority": priority,
                "Delay": 0,
            }
            for priority, queue_id in enumerate(queue_ids, 1)
        ],
        "AgentAvailabilityTimer": "TIME_SINCE_LAST_ACTIVITY",
    }


def _user(name: str, profile: str, security: str) -> Properties:
    return {
        "Username": name,
        "IdentityInfo": {"FirstName": name.capitalize(), "LastName": "Example"},
        "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 30},
        "RoutingProfileId": profile,
        "SecurityProfileIds": [security],
    }


def _menu(queue_arns: list[str]) -> Properties:
    """A greeting, a menu, the chosen queue."""
    choices = [(str(number), arn) for number, arn in enumerate(queue_arns, 1)]
    words = ", ".join(
        f"for {name} press {digit}" for name, (digit, _) in zip(QUEUES, choices, strict=True)
    )
    menu = {
        "Identifier": "menu",
        "Type": "GetParticipantInput",
        "Parameters": {
            "Text": f"Welcome to the example center: {words}.",
            "StoreInput": "False",
            "InputTimeLimitSeconds": "8",
        },
        "Transitions": {
            "NextAction": "choose 1",
            "Conditions": [
                {
                    "NextAction": f"choose {digit}",
                    "Condition": {"Operator": "Equals", "Operands": [digit]},
                }
                for digit, _ in choices
            ],
            "Errors": [
                {"ErrorType": error, "NextAction": "choose 1"}
                for error in ("InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError")
            ],
        },
    }
    set_queue = [
        {
            "Identifier": f"choose {digit}",
            "Type": "UpdateContactTargetQueue",
            "Parameters": {"QueueId": arn},
            "Transitions": {
                "NextAction": "enqueue",
                "Errors": [{"ErrorType": "NoMatchingError", "NextAction": "goodbye"}],
                "Conditions": [],
            },
        }
        for digit, arn in choices
    ]
    enqueue = {
        "Identifier": "enqueue",
        "Type": "TransferContactToQueue",
        "Parameters": {},
        "Transitions": {
            "NextAction": "goodbye",
            "Errors": [
                {"ErrorType": error, "NextAction": "goodbye"}
                for error in ("QueueAtCapacity", "NoMatchingError")
            ],
            "Conditions": [],
        },
    }
    goodbye = {
        "Identifier": "goodbye",
        "Type": "DisconnectParticipant",
        "Parameters": {},
        "Transitions": {},
    }
    content = {
        "Version": "2019-10-30",
        "StartAction": "menu",
        "Metadata": {},
        "Actions": [menu, *set_queue, enqueue, goodbye],
    }
    return {
        "Name": "Main menu",
        "Type": "CONTACT_FLOW",
        "Description": "Sales or Support",
        "State": "ACTIVE",
        "Status": "PUBLISHED",
        "Content": json.dumps(content),
    }


def guide(example: Example, address: str) -> str:
    """What to paste."""
    instance = example.desk.instance_id
    queues = " ".join(example.queue_ids)
    metrics = " ".join(
        f"Name={name},Unit=COUNT"
        for name in ("AGENTS_ONLINE", "AGENTS_AVAILABLE", "AGENTS_ON_CONTACT", "CONTACTS_IN_QUEUE")
    )
    history = (
        "Name=CONTACTS_HANDLED,Unit=COUNT,Statistic=SUM"
        " Name=CONTACTS_ABANDONED,Unit=COUNT,Statistic=SUM"
        " Name=HANDLE_TIME,Unit=SECONDS,Statistic=AVG"
    )
    window = (
        "--start-time $(( $(date +%s) / 300 * 300 - 3600 )) "
        "--end-time $(( $(date +%s) / 300 * 300 + 300 ))"
    )
    return f"""
The example center is live: two queues, six agents, a call every few seconds.

  endpoint    {address}
  access key  {ACCESS_KEY_ID}
  secret key  {SECRET_ACCESS_KEY}
  instance    {instance}

In another terminal, in this directory:

  export AWS_ACCESS_KEY_ID={ACCESS_KEY_ID} AWS_SECRET_ACCESS_KEY={SECRET_ACCESS_KEY}
  export AWS_DEFAULT_REGION=us-east-1 AWS_ENDPOINT_URL_CONNECT={address}

1. What is there?
  .venv/bin/aws connect list-queues --instance-id {instance}

2. What is going on right now?
  .venv/bin/aws connect get-current-metric-data --instance-id {instance} \\
    --filters Queues={queues.replace(" ", ",")},Channels=VOICE --groupings QUEUE \\
    --current-metrics {metrics}

3. What happened since the demo began? (final contacts appear when after contact work is over)
  .venv/bin/aws connect get-metric-data --instance-id {instance} \\
    {window} \\
    --filters Queues={queues.replace(" ", ",")},Channels=VOICE --groupings QUEUE \\
    --historical-metrics {history}

4. Call a customer; the flow greets him and puts him into a queue
  .venv/bin/aws connect start-outbound-voice-contact --instance-id {instance} \\
    --contact-flow-id {example.flow_id} \\
    --source-phone-number {NUMBER} --destination-phone-number +12065550199

5. The agents, with boto3
  .venv/bin/python -c "import boto3; connect = boto3.client('connect'); print(*[user['Username'] \\
    for user in connect.list_users(InstanceId='{instance}')['UserSummaryList']])"

Press Ctrl-C to end the demo.
"""


# The life in it


async def _pause(length: Duration) -> None:
    """Let real time pass; the demo is not simulated time."""
    try:
        async with asyncio.timeout(seconds(length)):
            await asyncio.get_running_loop().create_future()
    except TimeoutError:
        pass  # that is the point


def _about(dice: Dice, mean: Duration) -> Duration:
    """An exponential length."""
    return int(dice.expovariate(1 / mean))


async def _try(deed: Awaitable[object] | Callable[[], None]) -> None:
    """Do something that the world may have made impossible meanwhile."""
    try:
        if callable(deed):
            deed()
        else:
            await deed
    except Refusal:
        pass  # the other side was quicker: hung up, missed, ended


async def _customers(
    node: Node, callers: Callers, example: Example, dice: Dice, group: asyncio.TaskGroup
) -> None:
    while node.is_well():
        await _pause(_about(dice, BETWEEN_CALLS))
        number = f"+1206555{dice.randrange(1000, 9999)}"
        group.create_task(
            _customer(node, callers, example, number, generator(dice.getrandbits(32)))
        )


async def _customer(
    node: Node, callers: Callers, example: Example, number: str, dice: Dice
) -> None:
    """One caller: dial, choose, wait or give up; then the talk lasts what the agent makes it."""
    contact_id = derive(node.draw(), 0)
    callers.call(number, NUMBER, contact_id)
    call = commands.StartInboundContact(contact_id=contact_id, from_number=number, to=NUMBER)
    await _try(node.submit(example.desk.instance_id, call))
    await _pause(_about(dice, THINKING))
    await _try(lambda: callers.press(contact_id, dice.choice("12")))
    node.wake()
    await _pause(_about(dice, PATIENCE))
    contact = await node.read(lambda: example.desk.center.contacts.get(contact_id))
    if contact is not None and contact.stage in ("IN_FLOW", "IN_QUEUE", "OFFERED"):
        await _try(lambda: callers.hang_up(contact_id))
        node.wake()


async def _agent(node: Node, desk: Desk, agent_id: str, dice: Dice) -> None:
    """One agent: takes what rings, talks, ends, writes up, and comes back from a missed call."""
    version = -1
    while node.is_well():
        version = await node.changed(desk, agent_id, version, 60 * SECOND)
        held = await node.read(lambda: tuple(desk.center.agents[agent_id].contacts.values()))
        for each in held:
            await _handle(node, desk, agent_id, each, dice)


async def _handle(node: Node, desk: Desk, agent_id: str, held: Held, dice: Dice) -> None:
    contact_id = held.contact_id

    async def do(command: commands.Command) -> None:
        await _try(node.submit(desk.instance_id, command))

    match held.state:
        case "CONNECTING" if dice.random() < MISSES:
            await _pause(25 * SECOND)
        case "CONNECTING":
            await _pause(_about(dice, THINKING))
            await do(commands.AcceptContact(agent_id, contact_id))
        case "CONNECTED":
            await _pause(_about(dice, TALK))
            if dice.random() < HOLDS:
                await do(commands.HoldContact(agent_id, contact_id))
                await _pause(_about(dice, TALK // 3))
                await do(commands.ResumeContact(agent_id, contact_id))
                await _pause(_about(dice, TALK // 2))
            await do(commands.LeaveContact(agent_id, contact_id))
        case "ENDED" | "MISSED" | "REJECTED" | "ERROR":
            await _pause(_about(dice, WORK))
            await do(commands.ClearContact(agent_id, contact_id))
        case _:
            pass
