"""Building: the center of a scenario, made by the commands that the API's operations send."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import json

from ringfloor.base.ids import derive
from ringfloor.domain import commands
from ringfloor.domain.vocabulary import Channel
from ringfloor.flow import names
from ringfloor.flow.defaults import action, document
from ringfloor.simulator.clockwork import Clockwork
from ringfloor.simulator.scenario import Callers, Group, Profile, Queue, Scenario


class Staffed(NamedTuple):
    """An agent: his id, and his name for chance."""

    id: str
    name: str
    group: Group


class Way(NamedTuple):
    """A quick connect, and where it leads: ids."""

    quick_connect: str
    queue: str
    flow: str


class Built(NamedTuple):
    """What people need to know of the center."""

    queues: Mapping[str, str]
    """Names by id."""
    entries: Mapping[str, str]
    """Where callers of a name come in: the id of a flow."""
    agents: tuple[Staffed, ...]
    statuses: Mapping[str, str]
    """Ids by name."""
    ways: Mapping[str, "Way"] = {}
    """By which agents hand contacts on, by the name of the queue that they go to."""


def build(work: Clockwork, scenario: Scenario) -> Built:
    """Make all of it; everybody is still Offline."""
    queues = {
        name: _create(work, "queue", _queue(work, name, each))
        for name, each in scenario.queues.items()
    }
    flows = _flows(work, scenario, queues)
    profiles = {
        name: _create(work, "routing_profile", _profile(name, each, queues))
        for name, each in scenario.profiles.items()
    }
    breaks = {
        each.status
        for group in scenario.groups.values()
        for shift in group.shifts
        for each in shift.breaks
    }
    for number, name in enumerate(sorted(breaks), 3):
        status = {"Name": name, "Type": "CUSTOM", "State": "ENABLED", "DisplayOrder": number}
        _create(work, "agent_status", status)
    entries = {
        name: flows[each.flow]
        if each.flow is not None
        else _create(work, "contact_flow", _entry(work, name, each, queues))
        for name, each in scenario.callers.items()
    }
    return Built(
        {identifier: name for name, identifier in queues.items()},
        entries,
        tuple(_agents(work, scenario, profiles)),
        work.center.names["agent_status"],
        _ways(work, scenario, queues),
    )


def _create(
    work: Clockwork, kind: str, properties: Mapping[str, Any], identifier: str | None = None
) -> str:
    return work.make(commands.CreateResource(kind=kind, properties=dict(properties), id=identifier))


def _ways(work: Clockwork, scenario: Scenario, queues: Mapping[str, str]) -> dict[str, Way]:
    """A quick connect for each queue that contacts are handed on to."""
    flow = work.center.named("contact_flow", "Default queue transfer")
    found = {}
    for name in {to: None for each in scenario.queues.values() for to in each.hands_on}:
        config = {
            "QuickConnectType": "QUEUE",
            "QueueConfig": {"QueueId": queues[name], "ContactFlowId": flow},
        }
        made = _create(work, "quick_connect", {"Name": name, "QuickConnectConfig": config})
        found[name] = Way(made, queues[name], flow)
    return found


def _attributes(work: Clockwork, scenario: Scenario) -> dict[str, str]:
    """The predefined attributes that agents have as proficiencies: ids by name."""
    values: dict[str, dict[str, None]] = {}
    for group in scenario.groups.values():
        for name, levels in group.proficiencies.items():
            values.setdefault(name, {}).update(dict.fromkeys(levels))
    found = dict(work.center.names["predefined_attribute"])
    for name, each in values.items():
        if name not in found:
            properties = {"Name": name, "Values": {"StringList": list(each)}, "Purposes": []}
            found[name] = _create(work, "predefined_attribute", properties)
    return found


def _proficiencies(group: Group, attributes: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "AttributeId": attributes[name],
            "AttributeName": name,
            "AttributeValue": value,
            "Level": float(level),
        }
        for name, levels in group.proficiencies.items()
        for value, level in levels.items()
    ]


def _queue(work: Clockwork, name: str, queue: Queue) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "Name": name,
        "HoursOfOperationId": work.center.named("hours_of_operation", "Basic Hours"),
        "Status": "ENABLED",
        "QueueType": "STANDARD",
    }
    return (
        properties
        if queue.max_contacts is None
        else properties | {"MaxContacts": queue.max_contacts}
    )


def _profile(name: str, profile: Profile, queues: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Name": name,
        "Description": "",
        "DefaultOutboundQueueId": queues[profile.rows[0].queue],
        "MediaConcurrencies": [
            {"Channel": channel, "Concurrency": most}
            for channel, most in profile.concurrency.items()
        ],
        "QueueConfigs": [
            {
                "QueueReference": {"QueueId": queues[row.queue], "Channel": row.channel},
                "Priority": row.priority,
                "Delay": row.delay_seconds,
            }
            for row in profile.rows
        ],
    }


def _agents(work: Clockwork, scenario: Scenario, profiles: Mapping[str, str]) -> list[Staffed]:
    security = work.center.named("security_profile", "Agent")
    attributes = _attributes(work, scenario)
    found = []
    for name, group in scenario.groups.items():
        for number in range(1, group.count + 1):
            user = {
                "Username": name if group.count == 1 else f"{name}-{number:03}",
                "IdentityInfo": {"FirstName": name, "LastName": f"{number:03}"},
                "PhoneConfig": {
                    "PhoneType": "SOFT_PHONE",
                    "AfterContactWorkTimeLimit": 0,
                    "AutoAccept": group.takes_all,
                },
                "AutoAcceptConfigs": [
                    _accepts(channel, at_once=group.takes_all)
                    for channel in scenario.profiles[group.profile].concurrency
                ],
                "RoutingProfileId": profiles[group.profile],
                "SecurityProfileIds": [security],
            }
            if group.proficiencies:
                user["Proficiencies"] = _proficiencies(group, attributes)
            found.append(Staffed(_create(work, "user", user), f"agents/{name}/{number}", group))
    return found


def _accepts(channel: Channel, *, at_once: bool) -> dict[str, Any]:
    """What an agent takes by himself; agent-first callbacks, which are calls, have their own."""
    found: dict[str, Any] = {"Channel": channel, "AutoAccept": at_once}
    return found | {"AgentFirstCallbackAutoAccept": at_once} if channel == "VOICE" else found


# Flows


def _flows(work: Clockwork, scenario: Scenario, queues: Mapping[str, str]) -> dict[str, str]:
    """The flows of the scenario; they may name each other, so their ids come first."""
    center, home = work.center, work.home
    found = {name: derive(work.seeds(), 0) for name in scenario.flows}
    known: dict[str, dict[str, list[str]]] = {
        "queue": {name: [home.arn_of("queue", each)] for name, each in queues.items()},
        "flow": {name: [home.arn_of("contact_flow", each)] for name, each in found.items()},
        "prompt": {
            name: [home.arn_of("prompt", each)] for name, each in center.names["prompt"].items()
        },
        "lambda": {},
    }
    for name, content in scenario.flows.items():
        for use in names.names(content):
            if use.kind == "lambda":
                arn = f"arn:aws:lambda:{home.region}:{home.account}:function:{use.name}"
                known["lambda"][use.name] = [arn]
            elif use.kind == "prompt" and use.name not in known["prompt"]:
                made = _create(work, "prompt", {"Name": use.name, "Description": ""})
                known["prompt"][use.name] = [home.arn_of("prompt", made)]
        _create(work, "contact_flow", _flow(name, names.resolved(content, known)), found[name])
    return found


def _entry(
    work: Clockwork, name: str, callers: Callers, queues: Mapping[str, str]
) -> dict[str, Any]:
    """Straight into a queue."""
    arn = work.home.arn_of("queue", queues[callers.queue or ""])
    target = action(
        "target", "UpdateContactTargetQueue", {"QueueId": arn}, "enter", NoMatchingError="bye"
    )
    enter = action(
        "enter", "TransferContactToQueue", {}, "bye", QueueAtCapacity="bye", NoMatchingError="bye"
    )
    steps = [target, enter, action("bye", "DisconnectParticipant")]
    if callers.priority is not None:
        rank = {"QueuePriority": str(callers.priority)}
        steps.insert(0, action("rank", "UpdateContactRoutingBehavior", rank, "target"))
    return _flow(f"To {callers.queue} for {name}", json.encode(document(*steps)).decode())


def _flow(name: str, content: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "CONTACT_FLOW",
        "State": "ACTIVE",
        "Status": "PUBLISHED",
        "Content": content,
    }
