"""Carrier: the contract of whatever carries calls, and the channels it holds.

gateway implements it (simulated phones, embedded SIP, Asterisk); the node drives it. tests/contract
runs one suite against every carrier.

Rules
* A carrier has no clock of its own: it is given the instant, and asks by next_due to be called
  again. Instants never fall; an earlier one counts as the latest that was given.
* perform never calls back. Events are handed out by run_due only, in the order in which they
  happened, each with its instant. So a caller can send commands from anywhere, even out of the
  callback, without being interrupted by their consequences.
* No command raises. What cannot be done is told by an event.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from ringfloor.base.time import Instant
from ringfloor.telephony.commands import Command
from ringfloor.telephony.events import Event

OnEvent = Callable[[Event, Instant], None]
"""Takes an event and the instant at which it happened."""

Direction = Literal["inbound", "outbound"]
"""Seen from the center."""

State = Literal["ringing", "up"]


class Channel(Struct, frozen=True, kw_only=True):
    """One leg, as the carrier holds it, or as the center remembers it."""

    channel_id: str
    direction: Direction
    address: str
    """Of the far end: E.164, or an agent's address."""
    state: State
    bridge_id: str | None = None
    memory: bytes = b""
    """What the carrier itself knows of the leg, readable to this carrier only.

    It may be kept and handed back by adopt, or left empty.
    """


class Carrier(Protocol):
    """What the node needs of a carrier; events go to the OnEvent it was built with."""

    def perform(self, command: Command, now: Instant) -> None:
        """Accept a command. Its consequences are told by run_due, at this instant or later."""

    def next_due(self) -> Instant | None:
        """When run_due has something to do; not after now if events wait, None if nothing does."""

    def run_due(self, now: Instant) -> None:
        """Let happen what is due by now, and hand out all events.

        Also those that follow from commands which the callback sends meanwhile. Afterwards next_due
        is later than now, or None. Not to be called out of the callback.
        """

    def channels(self) -> list[Channel]:
        """All living channels, oldest first. The center resyncs by it after a restart of either."""

    def adopt(self, channels: Sequence[Channel], now: Instant) -> None:
        """After a restart of the center: these are the calls that it still holds.

        Each is afterwards either known to the carrier or told as hung up. A carrier with real far
        ends compares: a channel that it does not have is gone. One whose far ends are as durable
        as the center itself, such as simulated phones, takes unknown ones on, with their memory if
        they bring it. Then the center repeats the commands that have no outcome yet, and hangs up
        what channels() has and it does not.
        """
