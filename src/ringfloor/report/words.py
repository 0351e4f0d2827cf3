"""Words: numbers, times and names as pages and plots write them, the same on every machine."""

from ringfloor.base import zones
from ringfloor.base.time import Instant

NOTHING = "\N{EN DASH}"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def clock(at: Instant, zone: str) -> str:
    """09:30."""
    return f"{zones.local(at, zone):%H:%M}"


def day(at: Instant, zone: str) -> str:
    """Sat 21 Nov 2026."""
    return f"{short_day(at, zone)} {zones.local(at, zone).year}"


def short_day(at: Instant, zone: str) -> str:
    """Sat 21 Nov."""
    local = zones.local(at, zone)
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"


def moment(at: Instant, zone: str) -> str:
    """Sat 21 Nov 2026, 09:30."""
    return f"{day(at, zone)}, {clock(at, zone)}"


def span(start: Instant, end: Instant, zone: str) -> str:
    """From one moment to another; a day that both are of is named once."""
    if day(start, zone) == day(end, zone):
        return f"{moment(start, zone)} to {clock(end, zone)}"
    if clock(start, zone) == clock(end, zone) == "00:00":
        first, last = day(start, zone), day(end - 1, zone)
        return first if first == last else f"{first} to {last}"
    return f"{moment(start, zone)} to {moment(end, zone)}"


def duration(seconds: float | None) -> str:
    """m:ss, or h:mm:ss from an hour on."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def percent(share: float | None) -> str:
    """83.3 %."""
    return NOTHING if share is None else f"{share:.1f} %"


def percentile(number: int) -> str:
    """median, 90th percentile."""
    return "median" if number == 50 else f"{number}th percentile"


def plain(text: str) -> str:
    """A name in one line: control characters become blanks."""
    return "".join(each if each.isprintable() else " " for each in text)


def cut(text: str, most: int) -> str:
    """A plain name that is not longer than that."""
    text = plain(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
