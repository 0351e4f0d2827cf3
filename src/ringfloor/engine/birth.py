"""Birth: what a new instance contains.

The names are those that clients look up (BasicQueue, Basic Routing Profile ...): behaviour
specification, section 1.2. The contents are our own.
"""

import json
from collections.abc import Iterator

from ringfloor.base.ids import Seed, derive
from ringfloor.domain.commands import CreateInstance
from ringfloor.domain.events import Event, InstanceCreated, ResourceCreated
from ringfloor.domain.resources import Home, Properties
from ringfloor.flow import defaults, samples

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MIDNIGHT = {"Hours": 0, "Minutes": 0}
OPEN_ALL_WEEK = [{"Day": day, "StartTime": MIDNIGHT, "EndTime": MIDNIGHT} for day in DAYS]
"""00:00 to 00:00 is the whole day."""

AGENT_STATUSES = (
    ("Available", "ROUTABLE", "Takes contacts."),
    ("Offline", "OFFLINE", "Not at work."),
)

# What they grant stands in operations.permissions until somebody says otherwise.
SECURITY_PROFILES = (
    ("Admin", "Everything."),
    ("Agent", "The agent's own desktop."),
    ("CallCenterManager", "Users, queues, flows and metrics."),
    ("QualityAnalyst", "Metrics and recordings."),
)

SYSTEM_ATTRIBUTES = {
    "connect:Language": (),
    "connect:Subtype": (
        "connect:Apple",
        "connect:Chat",
        "connect:Email",
        "connect:Guide",
        "connect:SMS",
        "connect:Task",
        "connect:Telephony",
        "connect:WebRTC",
        "connect:WhatsApp",
    ),
    "connect:WorkloadType": (),
}
"""AWS's own predefined attributes, to the values that they have from the start.

Those without take values of the instance's own; the others do not change.
"""

OUTBOUND_NAME = "Ringfloor"
"""Caller id name of BasicQueue where a new instance owns a number."""


class _Nursery:
    """Collects resources; each id is derived from the seed by its place."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self.born: list[ResourceCreated] = []

    def add(self, kind: str, properties: Properties) -> str:
        identifier = derive(self._seed, len(self.born))
        self.born.append(ResourceCreated(kind, identifier, properties, {}))
        return identifier


def instance(command: CreateInstance, seed: Seed) -> Iterator[Event]:
    """The first events of an instance."""
    yield InstanceCreated(
        command.instance_id,
        command.region,
        command.account,
        command.alias,
        command.properties,
        command.tags,
        command.client_token,
    )
    nursery = _Nursery(seed)
    _statuses_and_security(nursery)
    queue = _queue(nursery, command)
    nursery.add(
        "routing_profile",
        {
            "Name": "Basic Routing Profile",
            "Description": "Takes voice contacts of BasicQueue.",
            "DefaultOutboundQueueId": queue,
            "MediaConcurrencies": [{"Channel": "VOICE", "Concurrency": 1}],
            "QueueConfigs": [
                {
                    "QueueReference": {"QueueId": queue, "Channel": "VOICE"},
                    "Priority": 1,
                    "Delay": 0,
                }
            ],
            "AgentAvailabilityTimer": "TIME_SINCE_LAST_ACTIVITY",
        },
    )
    home = Home(command.region, command.account, command.instance_id)
    _prompts_and_flows(nursery, home, queue)
    _attributes_and_authentication(nursery)
    _samples(nursery, home, queue)
    yield from nursery.born


def _statuses_and_security(nursery: _Nursery) -> None:
    for order, (name, kind, description) in enumerate(AGENT_STATUSES, 1):
        nursery.add(
            "agent_status",
            {
                "Name": name,
                "Type": kind,
                "Description": description,
                "State": "ENABLED",
                "DisplayOrder": order,
            },
        )
    for name, description in SECURITY_PROFILES:
        properties: Properties = {"SecurityProfileName": name, "Description": description}
        if name == "Admin":  # without it nobody could give anybody anything
            properties["IsDefault"] = True
        nursery.add("security_profile", properties)


def _attributes_and_authentication(nursery: _Nursery) -> None:
    for name, values in SYSTEM_ATTRIBUTES.items():
        nursery.add(
            "predefined_attribute",
            {
                "Name": name,
                "Values": {"StringList": list(values)},
                "Purposes": [],
                "AttributeConfiguration": {
                    "EnableValueValidationOnAssociation": False,
                    "IsReadOnly": bool(values),
                },
                "IsDefault": True,
            },
        )
    nursery.add(
        "authentication_profile",
        {
            "Name": "Default Authentication Profile",
            "Description": "For everybody who signs in.",
            "AllowedIps": [],
            "BlockedIps": [],
            "IsDefault": True,
            "PeriodicSessionDuration": 60,
            "MaxSessionDuration": 720,
            "SessionInactivityHandlingEnabled": False,
        },
    )


def _queue(nursery: _Nursery, command: CreateInstance) -> str:
    hours = nursery.add(
        "hours_of_operation",
        {
            "Name": "Basic Hours",
            "Description": "Open all week.",
            "TimeZone": "UTC",
            "Config": OPEN_ALL_WEEK,
        },
    )
    queue: Properties = {
        "Name": "BasicQueue",
        "Description": "Comes with every instance.",
        "HoursOfOperationId": hours,
        "Status": "ENABLED",
        "QueueType": "STANDARD",
    }
    if command.number is not None:
        number = nursery.add(
            "phone_number",
            {
                "PhoneNumber": command.number,
                "PhoneNumberCountryCode": "US",
                "PhoneNumberType": "DID",
                "PhoneNumberDescription": "Simulated; comes with every sandbox instance.",
            },
        )
        queue["OutboundCallerConfig"] = {
            "OutboundCallerIdName": OUTBOUND_NAME,
            "OutboundCallerIdNumberId": number,
        }
    return nursery.add("queue", queue)


def _prompts_and_flows(nursery: _Nursery, home: Home, queue: str) -> None:
    recordings = {
        name: home.arn_of(
            "prompt",
            nursery.add("prompt", {"Name": name, "Description": "Comes with every instance."}),
        )
        for name in defaults.PROMPTS
    }
    sample = defaults.sample_inbound(home.arn_of("queue", queue))
    for flow in (*defaults.default_flows(recordings), sample):
        _flow(nursery, flow, is_default=flow is not sample)


def _samples(nursery: _Nursery, home: Home, queue: str) -> None:
    """Last, so that whatever was born before them keeps its id."""
    arns: dict[str, str] = {}
    for flow in samples.sample_flows(home.arn_of("queue", queue), arns.__getitem__):
        arns[flow.name] = home.arn_of("contact_flow", _flow(nursery, flow, is_default=False))


def _flow(nursery: _Nursery, flow: defaults.DefaultFlow, *, is_default: bool) -> str:
    return nursery.add(
        "contact_flow",
        {
            "Name": flow.name,
            "Type": flow.type,
            "Description": "Comes with every instance.",
            "State": "ACTIVE",
            "Status": "PUBLISHED",
            "Content": json.dumps(flow.content, separators=(",", ":")),
            "IsDefault": is_default,
        },
    )
