"""Demo: an example contact center with live traffic, and what to paste.

`ringfloor demo` plays demo.toml, or a scenario of one's own, beside a sandbox server
(simulator.live) until it is cancelled.
"""

from pathlib import Path
from typing import TextIO

from ringfloor.simulator import scenario_file
from ringfloor.simulator.clockwork import OWN_NUMBER
from ringfloor.simulator.live import Live
from ringfloor.simulator.scenario import Scenario

DESCRIPTION = """\
Starts a server in memory with an example contact center and live traffic, and prints its address,
its keys and five commands to paste. The hours before are simulated first, so there is a history.
Press Ctrl-C to end it.

  ringfloor demo
  ringfloor demo --scenario monday.toml    your own center, as for ringfloor simulate"""

ACCESS_KEY_ID = "ringfloor-demo"
SECRET_ACCESS_KEY = "ringfloor-demo-secret"  # noqa: S105  known to all; the demo is on loopback

_CHANNELS = {"VOICE": "calls", "CHAT": "chats", "TASK": "tasks"}


def scenario(own: Path | None = None) -> Scenario:
    """What is played; raises Fault if one's own has something wrong."""
    return scenario_file.load(own or Path(__file__).with_name("demo.toml"))


async def run(live: Live, address: str, out: TextIO) -> None:
    """Say what to do with the center, and let it live until cancelled."""
    out.write(guide(live, address))
    out.flush()
    await live.run()


def guide(live: Live, address: str) -> str:
    """What to paste."""
    instance = live.desk.instance_id
    built = live.past.simulation.people.built
    queues = f"Queues={','.join(built.queues)},Channels={','.join(_CHANNELS)}"
    now = " ".join(
        f"Name={name},Unit={unit}"
        for name, unit in (
            ("CONTACTS_IN_QUEUE", "COUNT"),
            ("OLDEST_CONTACT_AGE", "SECONDS"),
            ("ESTIMATED_WAIT_TIME", "SECONDS"),
            ("AGENTS_ONLINE", "COUNT"),
            ("AGENTS_ON_CONTACT", "COUNT"),
        )
    )
    before = (
        "Name=CONTACTS_HANDLED,Unit=COUNT,Statistic=SUM"
        " Name=CONTACTS_ABANDONED,Unit=COUNT,Statistic=SUM"
        " Name=HANDLE_TIME,Unit=SECONDS,Statistic=AVG"
        " 'Name=SERVICE_LEVEL,Unit=PERCENT,Statistic=AVG,"
        "Threshold={Comparison=LT,ThresholdValue=20}'"
    )
    window = (
        "--start-time $(( $(date +%s) / 300 * 300 - 3600 )) "
        "--end-time $(( $(date +%s) / 300 * 300 + 300 ))"
    )
    return f"""
The example center is live: {len(built.queues)} queues, {len(built.agents)} agents, \
{_traffic(live)}, and a history.

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
    --filters {queues} --groupings QUEUE CHANNEL \\
    --current-metrics {now}

3. What happened in the last hour? (final contacts appear when after contact work is over)
  .venv/bin/aws connect get-metric-data --instance-id {instance} \\
    {window} \\
    --filters {queues} --groupings QUEUE CHANNEL \\
    --historical-metrics {before}

4. Call a customer; the flow greets him and puts him into a queue
  .venv/bin/aws connect start-outbound-voice-contact --instance-id {instance} \\
    --contact-flow-id {live.past.flow_id} \\
    --source-phone-number {OWN_NUMBER} --destination-phone-number +12065550199

5. The agents, with boto3
  .venv/bin/python -c "import boto3; connect = boto3.client('connect'); print(*[user['Username'] \\
    for user in connect.list_users(InstanceId='{instance}')['UserSummaryList']])"

Press Ctrl-C to end the demo.
"""


def _traffic(live: Live) -> str:
    """What comes, in words."""
    callers = live.past.simulation.scenario.callers.values()
    return ", ".join(
        word
        for channel, word in _CHANNELS.items()
        if any(channel in each.channels for each in callers)
    )
