"""Contents: what a report shows, as data. Made by report.answers, or by whoever has such figures.

Instants are milliseconds, waits and times seconds, shares percent (0 to 100); None: no value.
"""

from msgspec import Struct

from ringfloor.base.time import Instant


class Figures(Struct, frozen=True, kw_only=True):
    """What came of contacts in some time, of some queues."""

    arrivals: int = 0
    answered: int = 0
    abandoned: int = 0
    service_levels: tuple[float | None, ...] = ()
    """By threshold."""
    answer_seconds_average: float | None = None
    handle_seconds_average: float | None = None
    wait_seconds_max: float | None = None


class Waits(Struct, frozen=True, kw_only=True):
    """How long those who left the queue had been in it. seconds: by percentile."""

    contacts: int
    seconds: tuple[float, ...]


class Cell(Struct, frozen=True, kw_only=True):
    """One bar of the plots: start <= moment < end."""

    start: Instant
    end: Instant
    figures: Figures = Figures()
    waits: Waits | None = None
    occupancy: float | None = None


class Queue(Struct, frozen=True):
    """One queue, over the whole report."""

    name: str
    figures: Figures


class WaitNow(Struct, frozen=True):
    """What who comes into a queue now is told: half, and four fifths, wait no longer than that."""

    queue: str
    channel: str
    p50_seconds: float
    p80_seconds: float


class Stretch(Struct, frozen=True):
    """Of an agent's day: a status or a contact. what: the status' name, or the channel."""

    start: Instant
    end: Instant
    what: str


class AgentDay(Struct, frozen=True, kw_only=True):
    """What an agent did in the day that is shown."""

    name: str
    statuses: tuple[Stretch, ...] = ()
    """All but Offline, in the order of time."""
    contacts: tuple[Stretch, ...] = ()
    """May overlap."""
    answered: int = 0
    missed: int = 0
    online_seconds: float = 0
    contact_seconds: float = 0
    idle_seconds: float = 0
    other_seconds: float = 0
    """In other statuses than Available."""
    occupancy: float | None = None


class Repeated(Struct, frozen=True):
    """What several simulations of the same say together, as people read it; the first is shown."""

    says: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Report(Struct, frozen=True, kw_only=True):
    """A whole report."""

    source: str
    """Where the figures are from: the instance."""
    zone: str
    start: Instant
    end: Instant
    made_at: Instant
    cell_words: str
    """How long a cell is, such as: half hour."""
    thresholds: tuple[int, ...]
    """Of the service levels, in seconds."""
    percentiles: tuple[int, ...]
    cells: tuple[Cell, ...]
    totals: Figures
    all_waits: Waits | None = None
    occupancy: float | None = None
    queues: tuple[Queue, ...]
    waits_now: tuple[WaitNow, ...] = ()
    """As estimated when it was made, if it ends then."""
    channels: tuple[str, ...] = ()
    """None: all."""
    profiles: tuple[str, ...] = ()
    """The routing profiles whose agents are shown."""
    agents: tuple[AgentDay, ...] = ()
    agents_left_out: int = 0
    day_start: Instant
    day_end: Instant
    available: str = "Available"
    """The status in which contacts are routed to agents."""
    repeated: Repeated | None = None
