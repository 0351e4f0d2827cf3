"""Checks: what a kind of resource demands beyond the service model, and its defaults.

operations.crud asks before it creates: properties in, properties out, or a refusal. What the
directory checks itself (names, references, quotas) is not repeated here.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.domain import hours
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center
from ringfloor.operations import flow_contents, hierarchy, passwords, people, user_identity

Check = Callable[[Center, Properties], Awaitable[Properties]]

PASSWORD_HASH = "PasswordHash"  # noqa: S105  the name of a property, not a secret
"""The property that a user's password becomes; no view shows it."""


async def user(center: Center, properties: Properties) -> Properties:
    """What the identity management asks; a phone is set up as a whole or per channel."""
    user_identity.required(center, properties)
    people.check_once(properties)
    password = properties.pop("Password", None)
    if password is not None:
        passwords.check_rule(password)
        properties[PASSWORD_HASH] = await passwords.hashed(password)
    properties.setdefault("PhoneConfig", {"PhoneType": "SOFT_PHONE"})
    return await people.channels(center, await people.phone(center, properties))


async def queue(_center: Center, properties: Properties) -> Properties:
    """A new queue is enabled."""
    return {**properties, "Status": "ENABLED", "QueueType": "STANDARD"}


async def routing_profile(_center: Center, properties: Properties) -> Properties:
    """Concurrency per channel, one row per queue and channel, rows only for channels one has."""
    channels = [entry["Channel"] for entry in properties["MediaConcurrencies"]]
    for entry in properties["MediaConcurrencies"]:
        most = 1 if entry["Channel"] == "VOICE" else 10
        concurrency = entry.get("Concurrency")  # the model lets it be left out
        if concurrency is None or not 1 <= concurrency <= most:
            rule = f"must be 1 to {most} for {entry['Channel']}"
            raise invalid_parameter("Concurrency", concurrency, rule)
    if len(set(channels)) < len(channels):
        raise invalid_parameter("MediaConcurrencies", channels, "names a channel twice")
    seen: set[tuple[str, str, str]] = set()
    for member in ("QueueConfigs", "ManualAssignmentQueueConfigs"):
        for entry in properties.get(member) or ():
            reference = entry["QueueReference"]
            row = member, reference["QueueId"], reference["Channel"]
            if row in seen:
                raise invalid_parameter(member, row[1:], "stands there twice")
            if reference["Channel"] not in channels:
                rule = "is no channel of MediaConcurrencies"
                raise invalid_parameter(member, reference["Channel"], rule)
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
    for each in properties.get("ParentHoursOfOperationConfigs") or ():
        if each.get("HoursOfOperationId") is None:  # the model lets it be left out
            raise invalid_parameter("HoursOfOperationId", None, "is needed")
    return properties


async def override(_center: Center, properties: Properties) -> Properties:
    """The dates are dates in their order; what recurs is of a type that recurs."""
    first, last = (day(name, properties[name]) for name in ("EffectiveFrom", "EffectiveTill"))
    if last < first:
        rule = f"is before EffectiveFrom, {properties['EffectiveFrom']}"
        raise invalid_parameter("EffectiveTill", properties["EffectiveTill"], rule)
    for entry in properties["Config"]:
        missing = [name for name in ("Day", "StartTime", "EndTime") if entry.get(name) is None]
        if missing:
            raise invalid_parameter("Config", entry, f"has no {missing[0]}")
        if hours.span(entry) is None:
            raise invalid_parameter("Config", entry, "ends before it starts; 00:00 ends a day")
    kind = properties.setdefault("OverrideType", "STANDARD")
    recurs = properties.get("RecurrenceConfig") is not None
    if recurs and kind == "STANDARD":
        raise invalid_parameter("RecurrenceConfig", kind, "needs OverrideType OPEN or CLOSED")
    return properties


def day(field: str, text: str) -> date:
    """A date of the wire, year-month-day; refuses with InvalidParameterException."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise invalid_parameter(field, text, "is no date such as 2026-12-24") from error


async def task_template(_center: Center, properties: Properties) -> Properties:
    """One NAME field, which is required; a flow, or a quick connect that brings one.

    Refuses with PropertyValidationException, naming the path of each property that is wrong.
    """
    properties.setdefault("Status", "ACTIVE")
    fields = properties["Fields"]
    names = [each["Id"].get("Name") for each in fields]
    wrong = [
        (
            f"Fields[{number}]",
            "UNIQUE_CONSTRAINT_VIOLATED",
            f"there are two fields of the name {name!r}",
        )
        for number, name in enumerate(names)
        if name in names[:number]
    ]
    types = [each.get("Type") for each in fields]
    required = {
        each["Id"].get("Name")
        for each in (properties.get("Constraints") or {}).get("RequiredFields") or ()
    }
    if types.count("NAME") != 1:
        said = f"there are {types.count('NAME')} fields of type NAME, there must be one"
        wrong.append(("Fields", "INVALID_FORMAT", said))
    elif names[types.index("NAME")] not in required:
        said = "the field of type NAME must be among them"
        wrong.append(("Constraints.RequiredFields", "REQUIRED_PROPERTY_MISSING", said))
    if not properties.get("ContactFlowId") and "QUICK_CONNECT" not in types:
        said = "is needed where no field is of type QUICK_CONNECT"
        wrong.append(("ContactFlowId", "REQUIRED_PROPERTY_MISSING", said))
    wrong += [
        (path, "REFERENCED_RESOURCE_NOT_FOUND", f"there is no field of the name {name!r}")
        for path, name in _named_fields(properties)
        if name not in names
    ]
    if wrong:
        raise Refusal(
            "PropertyValidationException",
            "; ".join(f"{path}: {said}" for path, _, said in wrong),
            PropertyList=[
                {"PropertyPath": path, "Reason": reason, "Message": said}
                for path, reason, said in wrong
            ],
        )
    return properties


def _named_fields(template: Properties) -> Iterator[tuple[str, str]]:
    """Where a task template names a field, and which."""
    for part, lists in (
        ("Constraints", ("RequiredFields", "ReadOnlyFields", "InvisibleFields")),
        ("Defaults", ("DefaultFieldValues",)),
    ):
        for name in lists:
            for number, each in enumerate((template.get(part) or {}).get(name) or ()):
                yield f"{part}.{name}[{number}]", each["Id"].get("Name")


_COLUMNS = ["Phrase", "IPA", "SoundsLike", "DisplayAs"]


async def vocabulary(_center: Center, properties: Properties) -> Properties:
    """A table with tabs between its columns; one that is none is kept with the reason."""
    head, *rows = properties["Content"].splitlines() or [""]
    wrong = None
    if head.split("\t") != _COLUMNS:
        wrong = f"The first line is not {', '.join(_COLUMNS)} with tabs between them."
    else:
        for number, row in enumerate(rows, 2):
            if row and (row.count("\t") != 3 or not row.split("\t")[0]):
                wrong = f"Line {number} is not a phrase and three more columns."
                break
    if wrong is None:
        return {**properties, "State": "ACTIVE"}
    return {**properties, "State": "CREATION_FAILED", "FailureReason": wrong}


async def agent_status(_center: Center, properties: Properties) -> Properties:
    """Customers make CUSTOM statuses only."""
    return {**properties, "Type": "CUSTOM"}


async def status_update(_center: Center, properties: Properties) -> Properties:
    """Available and Offline are always there."""
    if properties["Type"] != "CUSTOM" and properties["State"] != "ENABLED":
        rule = f"cannot be disabled: it is the {properties['Type']} status"
        raise invalid_parameter("State", properties["State"], rule)
    return properties


async def integration_association(_center: Center, properties: Properties) -> Properties:
    """An application that sends events says what and where it is."""
    if properties["IntegrationType"] == "EVENT":
        for member in ("SourceApplicationUrl", "SourceApplicationName", "SourceType"):
            if member not in properties:
                raise invalid_request(member, None, "is needed with EVENT")
    if not properties["IntegrationArn"].startswith("arn:"):
        raise invalid_request("IntegrationArn", properties["IntegrationArn"], "is no ARN")
    return properties


CHECKS: Mapping[str, Check] = {
    "agent_status": agent_status,
    "authentication_profile": people.authentication_profile,
    "contact_flow": flow_contents.contact_flow,
    "contact_flow_module": flow_contents.contact_flow_module,
    "hierarchy_group": hierarchy.group_check,
    "hours_of_operation": hours_of_operation,
    "hours_of_operation_override": override,
    "integration_association": integration_association,
    "predefined_attribute": people.predefined_attribute,
    "queue": queue,
    "quick_connect": people.quick_connect,
    "routing_profile": routing_profile,
    "security_profile": people.security_profile,
    "task_template": task_template,
    "user": user,
    "vocabulary": vocabulary,
}
"""Kinds without a row demand nothing more."""

LENIENT: Mapping[str, Check] = {
    **CHECKS,
    "contact_flow": partial(flow_contents.contact_flow, lenient=True),
    "contact_flow_module": partial(flow_contents.contact_flow_module, lenient=True),
}
"""The same where flows need only be fit to run."""
