"""Zones: what the clocks of a time zone show.

This module is the only door of the pure floors to the time zone database, which is the pinned
package tzdata where the machine has none. What a flow finds out by it is in the journal, so that a
replay with a newer database finds the same.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ringfloor.base.time import SECOND, Duration, Instant


def known(zone: str) -> bool:
    """Whether this is the name of a zone of the IANA database."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def local(at: Instant, zone: str) -> datetime:
    """The instant on the clocks of a zone of the IANA database, to the second."""
    return datetime.fromtimestamp(at // SECOND, ZoneInfo(zone))


def instant(wall: datetime, zone: str) -> Instant | None:
    """When the clocks of a zone show this; None: they leap over it.

    What they show twice is the earlier of the two.
    """
    at = round(wall.replace(tzinfo=ZoneInfo(zone)).timestamp() * SECOND)
    return at if local(at, zone).replace(tzinfo=None) == wall.replace(microsecond=0) else None


def offset(at: Instant, zone: str) -> Duration:
    """By how much the clocks of a zone are ahead of UTC."""
    ahead = local(at, zone).utcoffset()
    assert ahead is not None, "a zone has an offset"
    return ahead // timedelta(milliseconds=1)


def beginning(day: date, zone: str) -> Instant:
    """When a day begins in a zone: at midnight, or after it where the clocks leap over midnight."""
    return int(datetime.combine(day, time(), ZoneInfo(zone)).timestamp()) * SECOND
