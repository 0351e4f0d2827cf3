"""Hours: when hours of operation are open on given dates, and whose overrides they share.

Hours of operation and their overrides are resources (operations.kinds); what they mean for a date
stands in domain.hours. Hours with parents obey the parents' overrides, too: own ones go first.
"""

from collections.abc import Callable
from datetime import date, timedelta

from ringfloor.base.errors import Refusal, invalid_parameter, not_found
from ringfloor.base.limits import EFFECTIVE_HOURS_DAYS_MAX, LIST_ROWS_DEFAULT, PARENT_HOURS_MAX
from ringfloor.domain import hours
from ringfloor.domain.hours import DAY_MINUTES, Override, Span
from ringfloor.domain.resources import Properties, Resource
from ringfloor.engine.opening import KIND, PARENTS, overrides, parents
from ringfloor.operations.checks import day
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.kinds import located, modified
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.rewriting import rewrite


@operation("GetEffectiveHoursOfOperations")
async def get_effective_hours_of_operations(context: Context, params: Params) -> Result:
    """Date by date: when it is open, and the overrides that made it so."""
    center = context.desk(params.InstanceId).center
    first, last = day("FromDate", params.FromDate), day("ToDate", params.ToDate)
    count = (last - first).days + 1
    if not 1 <= count <= EFFECTIVE_HOURS_DAYS_MAX:
        rule = f"must be FromDate or up to {EFFECTIVE_HOURS_DAYS_MAX - 1} days later"
        raise invalid_parameter("ToDate", params.ToDate, rule)
    days = [first + timedelta(number) for number in range(count)]

    def question() -> Result:
        resource = located(center, KIND, "HoursOfOperationId", params)
        config = resource.properties["Config"]
        known = overrides(center, resource)
        return {
            "TimeZone": resource.properties["TimeZone"],
            "EffectiveHoursOfOperationList": [
                {
                    "Date": day.isoformat(),
                    "OperationalHours": [
                        _shown(each) for each in hours.effective(config, known, day)
                    ],
                }
                for day in days
            ],
            "EffectiveOverrideHoursList": [
                {"Date": day.isoformat(), "OverrideHours": _override_hours(shaping, day)}
                for day in days
                if (shaping := hours.holding(known, day))
            ],
        }

    return await context.read(question)


def _shown(span: Span) -> Properties:
    end = span.end % DAY_MINUTES
    return {
        "Start": {"Hours": span.start // 60, "Minutes": span.start % 60},
        "End": {"Hours": end // 60, "Minutes": end % 60},
    }


def _override_hours(shaping: list[Override], day: date) -> list[Properties]:
    """A STANDARD override that closes the whole day is CLOSED from midnight to midnight."""
    found = []
    for each in shaping:
        spans = hours.planned(each.config, day)
        closed = each.kind == "CLOSED" or not spans
        found += [
            {
                **_shown(span),
                "OverrideName": each.name,
                "OperationalStatus": "CLOSED" if closed else "OPEN",
            }
            for span in spans or [Span(0, DAY_MINUTES)]
        ]
    return found


async def _changeparents(
    context: Context, params: Params, change: Callable[[list[str]], list[str]]
) -> Result:
    """Other parents, from those that there are."""
    desk = context.desk(params.InstanceId)

    def found() -> Resource:
        return located(desk.center, KIND, "HoursOfOperationId", params)

    async def changed(before: Properties) -> Properties:
        after = list(dict.fromkeys(change(parents(before))))
        child = identifier(desk.center.home, KIND, params.HoursOfOperationId, "HoursOfOperationId")
        if child in after:
            raise invalid_parameter("HoursOfOperationId", child, "cannot be its own parent")
        if len(after) > PARENT_HOURS_MAX:
            raise Refusal(
                "ServiceQuotaExceededException",
                f"{PARENTS}: {len(after)} parents, at most {PARENT_HOURS_MAX} are allowed",
            )
        return {PARENTS: [{"HoursOfOperationId": each} for each in after] or None}

    await rewrite(context, desk, found, changed)
    return {}


@operation("AssociateHoursOfOperations")
async def associate_hours_of_operations(context: Context, params: Params) -> Result:
    """From now on the parents' overrides hold here, too."""
    home = context.desk(params.InstanceId).center.home
    added = [
        identifier(home, KIND, each.HoursOfOperationId or "", "HoursOfOperationId")
        for each in params.ParentHoursOfOperationConfigs
    ]
    return await _changeparents(context, params, lambda before: [*before, *added])


@operation("DisassociateHoursOfOperations")
async def disassociate_hours_of_operations(context: Context, params: Params) -> Result:
    """The overrides of these parents hold here no longer."""
    home = context.desk(params.InstanceId).center.home
    gone = [
        identifier(home, KIND, each, "ParentHoursOfOperationIds")
        for each in params.ParentHoursOfOperationIds
    ]

    def change(before: list[str]) -> list[str]:
        for each in gone:
            if each not in before:
                raise not_found("ParentHoursOfOperationIds", each, "parent of these hours")
        return [each for each in before if each not in gone]

    return await _changeparents(context, params, change)


@operation("ListChildHoursOfOperations")
async def list_child_hours_of_operations(context: Context, params: Params) -> Result:
    """The hours of operation that obey these hours' overrides, by name."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        parent = located(center, KIND, "HoursOfOperationId", params)
        children = sorted(
            (
                center.resources[KIND][child]
                for kind, child in center.referrers.get(parent.id, {})
                if kind == KIND
            ),
            key=lambda each: (each.name, each.id),
        )
        rows = [
            (
                (each.name, each.id),
                {"Name": each.name, "Id": each.id, "Arn": center.home.arn_of(KIND, each.id)},
            )
            for each in children
        ]
        listed = context.page(params, "ChildHoursOfOperationsSummaryList", rows, LIST_ROWS_DEFAULT)
        return {**listed, **modified(center, parent)}

    return await context.read(question)
