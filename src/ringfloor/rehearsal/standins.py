"""Stand-ins: what a flow names and nobody has made, with the properties that its kind must have."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import json

from ringfloor.engine.state import Center

StandIn = Callable[[Center, str], dict[str, Any]]
"""The properties of something of this name."""

_MIDNIGHT = {"Hours": 0, "Minutes": 0}
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def hours(_center: Center, name: str, *, is_open: bool = True) -> dict[str, Any]:
    """Always open, or never."""
    every = [{"Day": day, "StartTime": _MIDNIGHT, "EndTime": _MIDNIGHT} for day in _DAYS]
    return {
        "Name": name,
        "Description": "",
        "TimeZone": "UTC",
        "Config": every if is_open else [],
    }


def queue(center: Center, name: str) -> dict[str, Any]:
    """Without agents; it calls out with the center's own number."""
    number = next(iter(center.resources["phone_number"]))
    return {
        "Name": name,
        "HoursOfOperationId": center.named("hours_of_operation", "Basic Hours"),
        "OutboundCallerConfig": {"OutboundCallerIdNumberId": number},
        "Status": "ENABLED",
        "QueueType": "STANDARD",
    }


def user(center: Center, name: str) -> dict[str, Any]:
    """An agent without after contact work."""
    return {
        "Username": name,
        "IdentityInfo": {"FirstName": name, "LastName": "Agent"},
        "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
        "SecurityProfileIds": [center.named("security_profile", "Agent")],
        "RoutingProfileId": center.named("routing_profile", "Basic Routing Profile"),
    }


def flow(_center: Center, name: str) -> dict[str, Any]:
    """It says its name and hangs up."""
    content = spoken(f"Flow {name}.", "DisconnectParticipant")
    return {**published(name, content), "Type": "CONTACT_FLOW"}


def module(_center: Center, name: str) -> dict[str, Any]:
    """It says its name and goes back."""
    return published(name, spoken(f"Module {name}.", "EndFlowModuleExecution"))


def published(name: str, content: str) -> dict[str, Any]:
    """A flow or module that callers meet."""
    return {"Name": name, "State": "ACTIVE", "Status": "PUBLISHED", "Content": content}


def spoken(text: str, over: str) -> str:
    """A flow that says this and is then over by this action."""
    say = {"Parameters": {"Text": text}, "Transitions": {"NextAction": "over"}}
    document = {
        "Version": "2019-10-30",
        "StartAction": "say",
        "Actions": [
            {"Identifier": "say", "Type": "MessageParticipant", **say},
            {"Identifier": "over", "Type": over, "Parameters": {}, "Transitions": {}},
        ],
    }
    return json.encode(document).decode()


STAND_INS: Mapping[str, StandIn] = {
    "queue": queue,
    "hours_of_operation": hours,
    "prompt": lambda _center, name: {"Name": name, "Description": ""},
    "user": user,
    "contact_flow": flow,
    "contact_flow_module": module,
}
"""By kind of resource."""

RESOURCES: Mapping[str, str] = {
    "flow": "contact_flow",
    "module": "contact_flow_module",
    "hours": "hours_of_operation",
    "agent": "user",
}
"""Kinds of names to kinds of resources, where they differ."""

REFERENCED: Mapping[str, str] = {**RESOURCES, "queue": "queue", "prompt": "prompt"}
"""Kinds of references in a flow to kinds of resources that stand-ins can be made of."""
