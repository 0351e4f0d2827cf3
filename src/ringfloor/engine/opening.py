"""Opening: whether hours of operation are open at an instant.

Hours and their overrides are resources; what they mean for a date stands in domain.hours, where a
zone's clock stands in base.zones. Called by flows that check hours and by operations.hours.
"""

from datetime import date

from ringfloor.base.time import Instant
from ringfloor.base.zones import local
from ringfloor.domain import hours
from ringfloor.domain.hours import Override
from ringfloor.domain.resources import Properties, Resource
from ringfloor.engine.state import Center

KIND = "hours_of_operation"

PARENTS = "ParentHoursOfOperationConfigs"


def is_open(center: Center, hours_id: str, at: Instant) -> bool:
    """Whether these hours, which exist, are open then."""
    resource = center.resources[KIND][hours_id]
    now = local(at, resource.properties["TimeZone"])
    minute = now.hour * 60 + now.minute
    open_ = hours.effective(resource.properties["Config"], overrides(center, resource), now.date())
    return any(each.start <= minute < each.end for each in open_)


def overrides(center: Center, resource: Resource) -> list[Override]:
    """The overrides that hours of operation obey; what was made last stands highest."""
    above = [center.resources[KIND][parent] for parent in parents(resource.properties)]
    found = [
        each
        for source in (*above, resource)
        for each in sorted(center.owned(source.id), key=lambda each: (each.created_at, each.id))
        if each.kind == "hours_of_operation_override"
    ]
    return [_override(each, made) for made, each in enumerate(found)]


def _override(resource: Resource, made: int) -> Override:
    properties = resource.properties
    recurrence = properties.get("RecurrenceConfig")
    return Override(
        name=resource.name,
        kind=properties["OverrideType"],
        first=date.fromisoformat(properties["EffectiveFrom"]),
        last=date.fromisoformat(properties["EffectiveTill"]),
        config=properties["Config"],
        pattern=recurrence["RecurrencePattern"] if recurrence else None,
        made=made,
    )


def parents(properties: Properties) -> list[str]:
    """The ids of the hours whose overrides these obey, too."""
    configs = properties.get(PARENTS) or []
    return [each["HoursOfOperationId"] for each in configs]
