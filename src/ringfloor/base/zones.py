"""Zones: what the clocks of a time zone show.

This module is the only door of the pure floors to the time zone database, which is the pinned
package tzdata where the machine has none. What a flow finds out by it is in the journal, so that a
replay with a newer database finds the same.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from ringfloor.base.time import SECOND, Instant


def local(at: Instant, zone: str) -> datetime:
    """The instant on the clocks of a zone of the IANA database, to the second."""
    return datetime.fromtimestamp(at // SECOND, ZoneInfo(zone))
