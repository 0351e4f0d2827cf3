"""Measures: how long answers took, what went wrong, and when; in bounded memory.

Called by load.door with each request, by load.stage with the lag of its own timers, and by
load.outcome, which tells it all. Instants are those of the event loop's clock, in seconds. Rules:

* A request has two lengths. Its response time is from when it was due: the instant at which the
  customer or the agent would have acted, whether or not this program, or a connection, was ready.
  Its service time is from when it was sent. If only the latter were looked at, requests that a
  slow server keeps from being sent would go unseen (coordinated omission).
* Lengths are of what was answered well, and of what was not answered at all for as long as was
  waited. Refusals are counted by their code and tell nothing of how long work takes.
* A race is a refusal because somebody else was quicker: an agent accepts when the customer has just
  hung up. It is no error of the server's and is counted apart.
* Windows cut the time into equal parts; when there are too many, two become one.
"""

from collections.abc import Mapping

from ringfloor.base.limits import LOAD_CODES_MAX, LOAD_WINDOWS_MAX
from ringfloor.load.histogram import Histogram

OTHER = "other codes"
THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException"})
NO_ANSWER = "no answer"
"""The code where nobody answered in time; what else breaks has a code of its own."""


class Tally:
    """Of one operation."""

    def __init__(self) -> None:
        self.count = 0
        self.response = Histogram()
        self.service = Histogram()
        self.errors: dict[str, int] = {}
        """By code."""
        self.races = 0

    def fail(self, code: str) -> None:
        """Once more."""
        known = code if code in self.errors or len(self.errors) < LOAD_CODES_MAX else OTHER
        self.errors[known] = self.errors.get(known, 0) + 1


class Window:
    """Of a part of the time."""

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.throttled = 0
        self.started = 0
        """Contacts."""
        self.response = Histogram()

    def merge(self, other: "Window") -> None:
        """All of the following one's too."""
        self.count += other.count
        self.errors += other.errors
        self.throttled += other.throttled
        self.started += other.started
        self.response.merge(other.response)


class Measures:
    """Of a load test, or of what comes before it."""

    def __init__(self, begins: float, *, window: float = 1.0) -> None:
        """begins: by the loop's clock. window: its first length, in seconds."""
        self.begins = begins
        self.window = window
        self.operations: dict[str, Tally] = {}
        self.told: dict[str, Histogram] = {}
        """How long news took to be heard, by what they are."""
        self.windows: list[Window] = []
        self.lag = Histogram()
        """By how much this program's own timers were late."""

    def answered(
        self,
        operation: str,
        due: float,
        sent: float,
        done: float,
        *,
        code: str = "",
        race: bool = False,
        waits: bool = False,
    ) -> None:
        """A request is over. code: of its error. waits: for news; its length says nothing."""
        tally = self._tally(operation)
        tally.count += 1
        window = self._window(done)
        window.count += 1
        if race:
            tally.races += 1
        elif code:
            tally.fail(code)
            window.errors += 1
            window.throttled += code in THROTTLED
        if waits or race or (code and code != NO_ANSWER):
            return
        tally.response.add(done - due)
        tally.service.add(done - sent)
        window.response.add(done - due)

    def broke(self, operation: str, at: float, code: str) -> None:
        """Something that is no request has failed."""
        tally = self._tally(operation)
        tally.count += 1
        tally.fail(code)
        self._window(at).errors += 1

    def opened(self, operation: str, due: float, done: float) -> None:
        """Something that is no request has been done."""
        self.answered(operation, due, due, done)

    def heard(self, news: str, length: float) -> None:
        """News have arrived. length: since what they are of, in seconds."""
        self.told.setdefault(news, Histogram()).add(length)

    def started(self, at: float) -> None:
        """A contact has been started."""
        self._window(at).started += 1

    @property
    def errors(self) -> Mapping[str, int]:
        """By code, of all operations."""
        found: dict[str, int] = {}
        for tally in self.operations.values():
            for code, count in tally.errors.items():
                found[code] = found.get(code, 0) + count
        return found

    @property
    def count(self) -> int:
        """Requests."""
        return sum(tally.count for tally in self.operations.values())

    def recent(self, now: float) -> Window:
        """The last window that is over, or the first; an empty one where nothing was answered."""
        last = max(int((now - self.begins) / self.window) - 1, 0)
        return self.windows[last] if last < len(self.windows) else Window()

    def _tally(self, operation: str) -> Tally:
        found = self.operations.get(operation)
        if found is None:
            found = self.operations[operation] = Tally()
        return found

    def _window(self, at: float) -> Window:
        number = max(int((at - self.begins) / self.window), 0)
        while number >= LOAD_WINDOWS_MAX:
            self._halve()
            number = int((at - self.begins) / self.window)
        while len(self.windows) <= number:
            self.windows.append(Window())
        return self.windows[number]

    def _halve(self) -> None:
        """Make one window of each two."""
        for first, second in zip(self.windows[::2], self.windows[1::2], strict=False):
            first.merge(second)
        del self.windows[1::2]
        self.window *= 2
