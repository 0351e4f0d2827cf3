"""Conservation: whether the server has counted what we have done, no more and no less.

Called by load.run before the first customer comes and after everything is over. It asks what
everybody may ask: SearchContacts how many contacts began, GetMetricDataV2 how many were handled and
abandoned, by channel. What there was before is taken off, so that a center may be used again.
"""

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from msgspec import Struct

from ringfloor.base.limits import METRIC_DATA_VALUES_MAX
from ringfloor.domain.vocabulary import Channel
from ringfloor.load.building import Built, patiently, pause
from ringfloor.load.door import Door
from ringfloor.load.stage import Figures

METRICS = ("CONTACTS_HANDLED", "CONTACTS_ABANDONED")
METHODS = ("API", "INBOUND")
"""What customers begin; contacts that come of transfers are none of theirs."""

SETTLES_SECONDS = 5.0
"""How long the server may take until its history has what has happened."""

AHEAD_SECONDS = 60
"""By which the server's clock may be ahead of what its last answer said."""

Counts = Mapping[tuple[Channel, str], int]


class Compared(Struct, frozen=True):
    """One figure. here: what we have seen. server: what it tells."""

    channel: Channel
    what: str
    here: int
    server: int

    @property
    def difference(self) -> int:
        """So many more the server has."""
        return self.server - self.here


class Since(NamedTuple):
    """What the server told before anything happened, and from when on it is asked, in seconds."""

    start: float
    counts: Counts


def clock(door: Door) -> float:
    """What the server's last answer said, in whole seconds since the epoch."""
    return parsedate_to_datetime(door.date.decode("latin-1")).timestamp()


async def before(door: Door, built: Built, channels: Sequence[Channel]) -> Since:
    """Where to count from."""
    await door.connect("DescribeInstance", InstanceId=built.instance_id)
    start = clock(door) - 1
    return Since(start, await _counts(door, built, channels, start))


async def compare(
    door: Door, built: Built, figures: Mapping[Channel, Figures], since: Since
) -> list[Compared]:
    """All figures; asked again for a while as long as they differ."""
    channels = sorted(figures)
    waited = 0.0
    while True:
        counts = await _counts(door, built, channels, since.start)
        found = [
            Compared(channel, what, here, counts[channel, what] - since.counts[channel, what])
            for channel in channels
            for what, here in (
                ("started", figures[channel].started),
                ("CONTACTS_HANDLED", figures[channel].handled),
                ("CONTACTS_ABANDONED", figures[channel].gave_up),
            )
        ]
        if waited >= SETTLES_SECONDS or not any(each.difference for each in found):
            return found
        await pause(0.5)
        waited += 0.5


async def _counts(
    door: Door, built: Built, channels: Sequence[Channel], start: float
) -> dict[tuple[Channel, str], int]:
    """What the server tells of the time since then."""
    found: dict[tuple[Channel, str], int] = {}
    for channel in channels:
        answer = await _ask(
            door,
            "SearchContacts",
            InstanceId=built.instance_id,
            TimeRange={
                "Type": "INITIATION_TIMESTAMP",
                "StartTime": start,
                "EndTime": clock(door) + AHEAD_SECONDS,
            },
            SearchCriteria={"Channels": [channel], "InitiationMethods": list(METHODS)},
            MaxResults=1,
        )
        found[channel, "started"] = answer["TotalCount"]
        found |= {(channel, metric): 0 for metric in METRICS}
    queues = list(built.queues.values())
    for first in range(0, len(queues), METRIC_DATA_VALUES_MAX):
        some = queues[first : first + METRIC_DATA_VALUES_MAX]
        answer = await _ask(
            door,
            "GetMetricDataV2",
            ResourceArn=built.instance_arn,
            StartTime=start,
            EndTime=max(clock(door), start + 1),
            Filters=[{"FilterKey": "QUEUE", "FilterValues": some}],
            Groupings=["CHANNEL"],
            Metrics=[{"Name": name} for name in METRICS],
        )
        for row in answer["MetricResults"]:
            for cell in row["Collections"]:
                key = row["Dimensions"]["CHANNEL"], cell["Metric"]["Name"]
                if key in found:
                    found[key] += round(cell.get("Value") or 0)
    return found


async def _ask(door: Door, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    return await patiently(lambda: door.connect(operation, **parameters))
