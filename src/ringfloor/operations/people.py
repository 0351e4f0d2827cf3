"""People: what the kinds around people demand beyond the service model, and their defaults.

Quick connects, security profiles, predefined attributes, authentication profiles and the
settings of users per channel. operations.checks names these functions per kind, operations.updates
per operation: properties as they would be in, properties out, or a refusal.

Sources: the API reference; the administrator guide on predefined attributes, security profile
permissions and authentication profiles. That a flow quick connect takes a flow of type CONTACT_FLOW
is our choice.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import NamedTuple

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.limits import AFTER_CONTACT_WORK_SECONDS_MAX
from ringfloor.domain import destinations, practice
from ringfloor.domain.numbers import is_e164
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center
from ringfloor.operations.permissions import PERMISSIONS

# Quick connects


class Type(NamedTuple):
    """What a type of quick connect is configured with."""

    member: str
    flow_type: str | None
    """Of the flow that it runs, if it runs one."""


QUICK_CONNECTS: Mapping[str, Type] = {
    "USER": Type("UserConfig", "AGENT_TRANSFER"),
    "QUEUE": Type("QueueConfig", "QUEUE_TRANSFER"),
    "PHONE_NUMBER": Type("PhoneConfig", None),
    "FLOW": Type("FlowConfig", "CONTACT_FLOW"),
}


def check_destination(center: Center, field: str, number: str) -> None:
    """Whether the instance may call a number; refuses with InvalidParameterException."""
    assert center.instance is not None
    why = destinations.refused(number, practice.destinations(center.instance.properties))
    if why is not None:
        raise invalid_parameter(field, number, destinations.RULES[why])


async def quick_connect(center: Center, properties: Properties) -> Properties:
    """The configuration is that of its type and no other, its flow of the type that fits."""
    config = properties["QuickConnectConfig"]
    wanted = QUICK_CONNECTS[config["QuickConnectType"]]
    given = sorted(
        name for name, value in config.items() if name != "QuickConnectType" and value is not None
    )
    if given != [wanted.member]:
        rule = f"must be {wanted.member} alone for {config['QuickConnectType']}"
        raise invalid_parameter("QuickConnectConfig", given, rule)
    if wanted.flow_type is None:
        number = config[wanted.member]["PhoneNumber"]
        if not is_e164(number):
            raise invalid_parameter(
                "PhoneNumber", number, "is no E.164 number such as +12065550100"
            )
        check_destination(center, "PhoneNumber", number)
        return properties
    flow_id = config[wanted.member]["ContactFlowId"]
    flow = center.resource("contact_flow", flow_id, "ContactFlowId")
    if flow.properties["Type"] != wanted.flow_type:
        rule = f"is a flow of type {flow.properties['Type']}, must be of {wanted.flow_type}"
        raise invalid_parameter("ContactFlowId", flow_id, rule)
    return properties


# Security profiles


async def security_profile(center: Center, properties: Properties) -> Properties:
    """A new one grants what it names, by default nothing."""
    return await granting(center, {"Permissions": [], **properties})


async def granting(_center: Center, properties: Properties) -> Properties:
    """Only permissions that there are; hierarchies restrict users only."""
    permissions = properties.get("Permissions")
    if permissions is not None:
        for each in permissions:
            if each not in PERMISSIONS:
                raise invalid_parameter("Permissions", each, "is no security profile permission")
        properties["Permissions"] = sorted(set(permissions))
    for each in properties.get("HierarchyRestrictedResources") or ():
        if each != "User":
            raise invalid_parameter("HierarchyRestrictedResources", each, "must be User")
    _check_applications(properties.get("Applications") or [])
    for module in properties.get("AllowedFlowModules") or ():
        if module.get("FlowModuleId") is None:  # the model lets it be left out
            raise invalid_parameter("FlowModuleId", None, "is needed")
    return properties


def _check_applications(applications: list[Properties]) -> None:
    namespaces = [each.get("Namespace") for each in applications]
    for number, each in enumerate(applications):
        if namespaces[number] in namespaces[:number]:
            raise invalid_parameter("Namespace", namespaces[number], "stands there twice")
        granted = each.get("ApplicationPermissions")
        if each.get("Type") != "MCP" and granted not in (None, ["ACCESS"]):
            rule = "must be ACCESS, the one permission of a third-party application"
            raise invalid_parameter("ApplicationPermissions", granted, rule)


# Predefined attributes

_OWN = re.compile(r"(?!aws:|connect:)(?:[\w.:/=+\-@']|[^\S\x09-\x0d\x1c-\x1f\x85])+")
"""Names and values that customers choose: letters, digits, blanks and some marks."""


async def predefined_attribute(center: Center, properties: Properties) -> Properties:
    """A name that differs from all others in more than its case."""
    name = properties["Name"]
    _check_own("Name", name)
    for other in center.names["predefined_attribute"]:
        if other.casefold() == name.casefold():
            raise Refusal("DuplicateResourceException", f"Name: {other!r} is there already")
    return _valued({"Purposes": [], **properties})


async def predefined_attribute_update(center: Center, properties: Properties) -> Properties:
    """Values that users have as proficiencies stay; AWS's own attributes take further values."""
    kind = "predefined_attribute"
    resource = center.resources[kind][center.named(kind, properties["Name"])]
    before = resource.properties
    system = bool(before.get("IsDefault"))
    if system and before["AttributeConfiguration"]["IsReadOnly"]:
        raise invalid_request("Name", resource.name, "is a system attribute and stays as it is")
    after = _valued(properties)
    for member in ("AttributeConfiguration", "Purposes"):
        if system and before[member] != after[member]:
            rule = f"stays: {resource.name} is a system attribute and changes its values only"
            raise invalid_request(member, after[member], rule)
    gone = set(before["Values"]["StringList"]) - set(after["Values"]["StringList"])
    for by, identifier in center.referrers.get(resource.id, {}):
        user = center.resources[by][identifier]
        for each in user.properties["Proficiencies"]:
            if each["AttributeId"] == resource.id and each["AttributeValue"] in gone:
                rule = f"is a proficiency of user {user.name!r} and must stay"
                raise invalid_request("Values", each["AttributeValue"], rule)
    return after


def _valued(properties: Properties) -> Properties:
    values = (properties.get("Values") or {}).get("StringList") or []
    for number, each in enumerate(values):
        _check_own("Values", each)
        if each in values[:number]:
            raise invalid_parameter("Values", each, "stands there twice")
    return {
        **properties,
        "Values": {"StringList": values},
        "AttributeConfiguration": {
            "EnableValueValidationOnAssociation": False,
            "IsReadOnly": False,
            **(properties.get("AttributeConfiguration") or {}),
        },
    }


def _check_own(field: str, text: str) -> None:
    if not _OWN.fullmatch(text):
        rule = "must be letters, digits, blanks and _.:/=+-@' and not begin with aws: or connect:"
        raise invalid_parameter(field, text, rule)


# Authentication profiles


async def authentication_profile(_center: Center, properties: Properties) -> Properties:
    """The ranges are ranges of addresses."""
    for member in ("AllowedIps", "BlockedIps"):
        for each in properties.get(member) or ():
            try:
                ip_network(each, strict=False)
            except ValueError as error:
                rule = "is no range of IP addresses such as 192.0.2.0/24"
                raise invalid_parameter(member, each, rule) from error
    return properties


# Settings of a user per channel

PER_CHANNEL = (
    "AutoAcceptConfigs",
    "AfterContactWorkConfigs",
    "PhoneNumberConfigs",
    "PersistentConnectionConfigs",
    "VoiceEnhancementConfigs",
)

VOICE_ONLY = frozenset(PER_CHANNEL[2:])

CALLBACK_ONLY = ("AgentFirstCallbackAutoAccept", "AgentFirstCallbackAfterContactWorkConfig")
"""Members of a setting that mean agent-first callbacks, which are calls."""


async def phone(center: Center, properties: Properties) -> Properties:
    """A desk phone has a number, which may be called."""
    config = properties["PhoneConfig"]
    if config.get("PhoneType") == "DESK_PHONE" and not config.get("DeskPhoneNumber"):
        raise invalid_parameter("DeskPhoneNumber", None, "is needed with PhoneType DESK_PHONE")
    check_phone(center, "DeskPhoneNumber", config.get("DeskPhoneNumber"))
    _check_work_limit(config)
    return properties


SET_TWICE: Mapping[str, str] = {
    "AutoAccept": "AutoAcceptConfigs",
    "AfterContactWorkTimeLimit": "AfterContactWorkConfigs",
    "PhoneType": "PhoneNumberConfigs",
    "DeskPhoneNumber": "PhoneNumberConfigs",
    "PersistentConnection": "PersistentConnectionConfigs",
}
"""Members of PhoneConfig to the setting per channel that says the same."""


def check_once(properties: Properties) -> None:
    """CreateUser takes a setting for all channels or per channel, not both."""
    config = properties.get("PhoneConfig") or {}
    for member, per_channel in SET_TWICE.items():
        if config.get(member) is not None and properties.get(per_channel):
            raise invalid_parameter(per_channel, "...", f"excludes PhoneConfig.{member}")


def check_phone(center: Center, field: str, number: str | None) -> None:
    """A number that an agent says is his is called as others are; refuses likewise."""
    if number is None:
        return
    if is_e164(number):
        check_destination(center, field, number)
    elif destinations.is_emergency(number):
        raise invalid_parameter(field, number, destinations.RULES["emergency"])


async def channels(center: Center, properties: Properties) -> Properties:
    """One setting per channel, for channels that can have it."""
    for member in PER_CHANNEL:
        seen: set[str] = set()
        for each in properties.get(member) or ():
            channel = each["Channel"]
            if channel in seen:
                raise invalid_parameter(member, channel, "stands there twice")
            seen.add(channel)
            check_phone(center, "PhoneNumber", each.get("PhoneNumber"))
            _check_setting(member, channel, each)
    return properties


def _check_setting(member: str, channel: str, setting: Properties) -> None:
    if channel != "VOICE":
        if member in VOICE_ONLY:
            raise invalid_parameter(member, channel, "must be VOICE")
        for name in CALLBACK_ONLY:
            if setting.get(name) is not None:
                raise invalid_parameter(name, channel, "is for VOICE only")
    if setting.get("PhoneType") == "DESK_PHONE" and not setting.get("PhoneNumber"):
        raise invalid_parameter("PhoneNumber", None, "is needed with PhoneType DESK_PHONE")
    for name in ("AfterContactWorkConfig", "AgentFirstCallbackAfterContactWorkConfig"):
        _check_work_limit(setting.get(name) or {})


def _check_work_limit(config: Properties) -> None:
    limit = config.get("AfterContactWorkTimeLimit") or 0
    if limit > AFTER_CONTACT_WORK_SECONDS_MAX:
        rule = f"must be at most {AFTER_CONTACT_WORK_SECONDS_MAX} seconds"
        raise invalid_parameter("AfterContactWorkTimeLimit", limit, rule)
