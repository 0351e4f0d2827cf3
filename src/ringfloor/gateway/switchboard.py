"""Switchboard: the circuits of a switch, what becomes of them when, and what is told.

State of gateway.switch and what it works with, shared by its parts (gateway.calling, .playing and
.patching); it decides nothing itself.

Rules
* What comes from outside (signals, the plane, finished tasks) is posted and waits in the inbox, as
  what is told waits in the queue: nothing ever happens inside of something else.
* Simultaneous things happen in the order in which they were arranged; timers before what was posted
  at the same instant.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from sortedcontainers import SortedList

from ringfloor.base.limits import CHANNELS_ENDED_MAX
from ringfloor.base.time import Instant
from ringfloor.gateway.gathering import Ear
from ringfloor.gateway.media import plane, sdp
from ringfloor.gateway.media.sounds import Sounds
from ringfloor.gateway.signalling import Browsers, Signalling
from ringfloor.telephony.carrier import Channel, Direction, State
from ringfloor.telephony.commands import Media
from ringfloor.telephony.events import Q850, ChannelHungUp, Event

Act = Callable[[], None]
Spawn = Callable[[Coroutine[Any, Any, None]], object]
"""Lets a coroutine run beside the switch."""


class Leg(plane.Leg, Protocol):
    """What the switch needs of a leg, besides what the plane does (gateway.media.leg)."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    def point(self, remote: sdp.Remote) -> None:
        """Raises SdpRefused, and then all is as it was."""


class Legs(Protocol):
    """Makes legs. Raises NoPorts, a Fault, when no port is free."""

    def outside(self, leg_id: str, trunk: str, number: str) -> Leg:
        """For a far end on the network: over which trunk ("": any, or a phone), and its number."""

    def inside(self, leg_id: str) -> Leg:
        """For the edge of browsers, in this machine."""


class Plant(NamedTuple):
    """What a switch works with."""

    plane: plane.Plane
    signalling: Signalling
    browsers: Browsers
    sounds: Sounds
    legs: Legs
    spool: Path
    """Where recordings are written."""
    spawn: Spawn
    wake: Act
    """Asks that run_due be called soon; often more than once."""
    refer: bool = False
    """Whether far ends may be sent elsewhere (Redirect)."""


class Circuit(Ear, kw_only=True, eq=False):
    """One channel: its leg, and what is known of its far end."""

    channel_id: str
    direction: Direction
    address: str
    far: Literal["sip", "browser"]
    leg: Leg
    session: int
    """Of its SDP, with the version of our last."""
    version: int = 0
    ours: str = ""
    """Our SDP for a caller: the answer to his offer, or an offer."""
    offered: bool = True
    """The caller's INVITE had an offer."""
    state: State = "ringing"
    rings: bool = False
    """Ringing has been told, to the center or by it."""
    early: bool = False
    """It is heard, or hears, before the answer."""
    pointed: bool = False
    """Where its sound goes is known."""
    listens: bool = False
    """The far end has listened to us, at any time."""
    held: bool = False
    """It listened, and has said that it does not any more."""
    offer_id: str = ""
    """The latest offer of its browser."""
    fetched: bool = False
    """The media of its operation is at hand, or not needed any more."""
    bridge_id: str | None = None
    muted: bool = False
    music: tuple[Media, ...] | None = None
    due: Instant | None = None
    """When it goes on by itself: ringing ends, or a gathering waits no longer."""
    turn: int = 0
    """Orders what is due at the same instant."""

    def channel(self) -> Channel:
        """The circuit as the center sees it."""
        return Channel(
            channel_id=self.channel_id,
            direction=self.direction,
            address=self.address,
            state=self.state,
            bridge_id=self.bridge_id,
        )


class Switchboard:
    """All circuits; wake is called whenever something waits for run_due."""

    def __init__(self, wake: Act) -> None:
        self.now: Instant = 0
        self.circuits: dict[str, Circuit] = {}
        """Oldest first."""
        self.operations: dict[str, str] = {}
        """Running playbacks and gathers, and their channels."""
        self._wake = wake
        self._turn = 0
        self._timers = SortedList()
        """(due, turn, channel id) of each circuit that has something due."""
        self._inbox: deque[tuple[Instant, Act]] = deque()
        self._queue: deque[tuple[Event, Instant]] = deque()
        self._ended: OrderedDict[str, ChannelHungUp] = OrderedDict()

    # Time

    def post(self, act: Act, at: Instant | None = None) -> None:
        """Have something done by who runs the switch. at: when it happened; None: now."""
        latest = self._inbox[-1][0] if self._inbox else self.now
        self._inbox.append((max(latest, self.now if at is None else at), act))
        self._wake()

    def arm(self, circuit: Circuit, due: Instant | None) -> None:
        """Have the circuit go on by itself at this instant, and not when it was due before."""
        if circuit.due is not None:
            self._timers.remove((circuit.due, circuit.turn, circuit.channel_id))
        circuit.due = due
        if due is not None:
            self._turn += 1
            circuit.turn = self._turn
            self._timers.add((circuit.due, circuit.turn, circuit.channel_id))

    def next_due(self) -> Instant | None:
        """As telephony.carrier has it."""
        if self._queue:
            return self._queue[0][1]
        return min((at for at in (self._ringing(), self._posted()) if at is not None), default=None)

    def _ringing(self) -> Instant | None:
        due: Instant | None = self._timers[0][0] if self._timers else None
        return due

    def _posted(self) -> Instant | None:
        return self._inbox[0][0] if self._inbox else None

    def go_on(self, now: Instant, rung: Callable[[Circuit], None]) -> bool:
        """Do the next thing that is due by now; False if there is none. rung: a timer has."""
        due, posted = self._ringing(), self._posted()
        if due is not None and due <= now and (posted is None or due <= posted):
            self.now = max(self.now, due)
            circuit = self.circuits[self._timers[0][2]]
            self.arm(circuit, None)
            rung(circuit)
        elif posted is not None and posted <= now:
            self.now = max(self.now, posted)
            self._inbox.popleft()[1]()
        else:
            return False
        return True

    def pass_to(self, now: Instant) -> None:
        """It is now, or later if it was already."""
        self.now = max(self.now, now)

    # What is told

    def tell(self, event: Event) -> None:
        """The event waits until run_due hands it out."""
        self._queue.append((event, self.now))
        self._wake()

    def told(self) -> tuple[Event, Instant] | None:
        """Take the event that has waited longest."""
        return self._queue.popleft() if self._queue else None

    # Channels that are over

    def has_ended(self, channel_id: str) -> bool:
        return channel_id in self._ended

    def bury(self, end: ChannelHungUp) -> None:
        """The channel is gone; say so."""
        self._ended[end.channel_id] = end
        trim(self._ended, CHANNELS_ENDED_MAX)
        self.tell(end)

    def gone(self, channel_id: str) -> None:
        """A command names a channel that is not here; say so if it was not said before."""
        if channel_id not in self._ended:
            self.bury(_unknown(channel_id))

    def gone_again(self, channel_id: str) -> None:
        """The center believes in a channel that is not here; say how it ended, once more."""
        self.bury(self._ended.get(channel_id) or _unknown(channel_id))


def _unknown(channel_id: str) -> ChannelHungUp:
    return ChannelHungUp(channel_id, "remote", Q850.TEMPORARY_FAILURE, 481, "no such channel")


def trim(kept: OrderedDict[str, Any], at_most: int) -> None:
    """Forget the oldest."""
    while len(kept) > at_most:
        kept.popitem(last=False)
