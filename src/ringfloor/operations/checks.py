"""Checks: what a kind of resource demands beyond the service model, and its defaults.

operations.crud asks before it creates: properties in, properties out, or a refusal. What the
directory checks itself (names, references, quotas) is not repeated here.
"""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from zoneinfo import ZoneInfo

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.domain.resources import KINDS, Properties
from ringfloor.engine.state import Center
from ringfloor.flow import language
from ringfloor.operations import hierarchy, passwords
from ringfloor.operations.context import identifier

Check = Callable[[Center, Properties], Awaitable[Properties]]

PASSWORD_HASH = "PasswordHash"  # noqa: S105  the name of a property, not a secret
"""The property that a user's password becomes; no view shows it."""


async def user(center: Center, properties: Properties) -> Properties:
    """Passwords belong to CONNECT_MANAGED instances; desk phones need a number."""
    assert center.instance is not None
    management = center.instance.properties["IdentityManagementType"]
    password = properties.pop("Password", None)
    if management == "CONNECT_MANAGED":
        if password is None:
            raise invalid_request("Password", None, f"is needed with {management}")
        passwords.check_rule(password)
        properties[PASSWORD_HASH] = await passwords.hashed(password)
    elif password is not None:
        raise Refusal("InvalidRequestException", f"Password: not allowed with {management}")
    if management != "EXISTING_DIRECTORY" and "DirectoryUserId" in properties:
        value = properties["DirectoryUserId"]
        raise invalid_request("DirectoryUserId", value, f"is not allowed with {management}")
    properties.setdefault("PhoneConfig", {"PhoneType": "SOFT_PHONE"})
    return await phone(center, properties)


async def phone(_center: Center, properties: Properties) -> Properties:
    """A desk phone has a number."""
    config = properties["PhoneConfig"]
    if config.get("PhoneType") == "DESK_PHONE" and not config.get("DeskPhoneNumber"):
        raise invalid_parameter("DeskPhoneNumber", None, "is needed with PhoneType DESK_PHONE")
    return properties


async def queue(_center: Center, properties: Properties) -> Properties:
    """A new queue is enabled."""
    return {**properties, "Status": "ENABLED", "QueueType": "STANDARD"}


async def routing_profile(_center: Center, properties: Properties) -> Properties:
    """Concurrency per channel, one row per queue and channel, rows only for channels one has."""
    channels = [entry["Channel"] for entry in properties["MediaConcurrencies"]]
    for entry in properties["MediaConcurrencies"]:
        most = 1 if entry["Channel"] == "VOICE" else 10
        if not 1 <= entry["Concurrency"] <= most:
            rule = f"must be 1 to {most} for {entry['Channel']}"
            raise invalid_parameter("Concurrency", entry["Concurrency"], rule)
    if len(set(channels)) < len(channels):
        raise invalid_parameter("MediaConcurrencies", channels, "names a channel twice")
    seen: set[tuple[str, str]] = set()
    for entry in properties.get("QueueConfigs") or ():
        reference = entry["QueueReference"]
        row = reference["QueueId"], reference["Channel"]
        if row in seen:
            raise invalid_parameter("QueueConfigs", row, "stands there twice")
        if reference["Channel"] not in channels:
            raise invalid_parameter(
                "QueueConfigs", reference["Channel"], "is no channel of MediaConcurrencies"
            )
        seen.add(row)
    return {"AgentAvailabilityTimer": "TIME_SINCE_LAST_ACTIVITY", **properties}


async def hours_of_operation(_center: Center, properties: Properties) -> Properties:
    """The time zone is one of the IANA database."""
    zone = properties["TimeZone"]
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        rule = "is no time zone of the IANA database"
        raise invalid_parameter("TimeZone", zone, rule) from error
    return properties


async def agent_status(_center: Center, properties: Properties) -> Properties:
    """Customers make CUSTOM statuses only."""
    return {**properties, "Type": "CUSTOM"}


async def status_update(_center: Center, properties: Properties) -> Properties:
    """Available and Offline are always there."""
    if properties["Type"] != "CUSTOM" and properties["State"] != "ENABLED":
        rule = f"cannot be disabled: it is the {properties['Type']} status"
        raise invalid_parameter("State", properties["State"], rule)
    return properties


FLOW_REFERENCES: Mapping[str, str] = {
    "queue": "queue",
    "agent": "user",
    "flow": "contact_flow",
    "prompt": "prompt",
    "hours": "hours_of_operation",
}
"""What a flow can name, and the kind of resource that it must then be."""


async def contact_flow(center: Center, properties: Properties) -> Properties:
    """Published content is held to every rule of the language, and names only what exists."""
    status = properties.setdefault("Status", "PUBLISHED")
    published = status == "PUBLISHED"
    flow = language.parse(properties["Content"], properties["Type"], published=published)
    if published:
        problems = [
            problem
            for kind, name, action, parameter in language.static_references(flow)
            if (problem := _unknown(center, kind, name, f"{action}.{parameter}")) is not None
        ]
        if problems:
            raise Refusal(
                "InvalidContactFlowException",
                None,
                problems=[{"message": problem.message} for problem in problems],
            )
    return {"State": "ACTIVE", **properties}


def _unknown(center: Center, kind: str, name: str, field: str) -> Refusal | None:
    """What is wrong with a static reference of a flow, if anything is."""
    known = FLOW_REFERENCES.get(kind)
    if known is None:
        return None
    try:
        found = identifier(center.home, known, name, field)
    except Refusal as refusal:
        return refusal
    if found in center.resources[known]:
        return None
    return not_found(field, name, KINDS[known].title)


def flow_digest(content: str) -> str:
    """FlowContentSha256."""
    return sha256(content.encode()).hexdigest()


CHECKS: Mapping[str, Check] = {
    "agent_status": agent_status,
    "contact_flow": contact_flow,
    "hierarchy_group": hierarchy.group_check,
    "hours_of_operation": hours_of_operation,
    "queue": queue,
    "routing_profile": routing_profile,
    "user": user,
}
"""Kinds without a row demand nothing more."""
