"""Gathering: what playing and gathering keys is about, whatever carries the sound.

The carriers of our own (gateway.phones, gateway.switch) ask it; the rules are those of Play and
Gather in telephony.commands. It knows no time: it says how long the next key may take, and the
carrier sets its timer.
"""

from typing import NamedTuple

from msgspec import Struct, field

from ringfloor.base.limits import OPERATIONS_ENDED_MAX, TYPE_AHEAD_DIGITS_MAX
from ringfloor.base.time import Duration
from ringfloor.telephony.commands import Gather, Play, StopGather, StopPlayback
from ringfloor.telephony.events import GatherFinished, GatherReason, PlaybackFinished

KEYS = frozenset("0123456789*#ABCD")
"""The keys of a phone (RFC 4733, events 0 to 15)."""


class Ear(Struct, kw_only=True, omit_defaults=True):
    """What a channel plays and gathers now, what it has of it, and what is over."""

    operation: Play | Gather | None = None
    """What plays or gathers now."""
    typed: str = ""
    """Keys of the running gathering."""
    ahead: str = ""
    """Keys kept for the next one."""
    ended: dict[str, None] = field(default_factory=dict)
    """Playbacks, gathers and pressed keys that do not begin again, oldest first."""

    def type_ahead(self, key: str) -> None:
        """Keep a key for the next gathering, unless too many are kept already."""
        self.ahead = (self.ahead + key)[:TYPE_AHEAD_DIGITS_MAX]

    def next_ahead(self) -> str:
        """Take the key that was kept first; there is one."""
        key, self.ahead = self.ahead[0], self.ahead[1:]
        return key

    def forget_operation(self, key: str) -> None:
        """The operation is over and shall not begin again."""
        self.operation = None
        self.typed = ""
        self.remember(key)

    def remember(self, key: str) -> None:
        """What is known by this key shall not begin again."""
        self.ended[key] = None
        while len(self.ended) > OPERATIONS_ENDED_MAX:
            del self.ended[next(iter(self.ended))]


class Typed(NamedTuple):
    """Where a gathering stands after a key."""

    digits: str
    over: GatherReason | None
    """None: it goes on."""
    wait_ms: Duration
    """How long the next key may take, if it goes on."""


def typed(gather: Gather, digits: str, key: str) -> Typed:
    """A key comes to a gathering that has these digits."""
    if key == "*" and gather.cancel_key:
        return Typed("", None, gather.first_digit_ms)
    digits += key
    if gather.terminators and digits.endswith(gather.terminators):
        return Typed(digits.removesuffix(gather.terminators), "terminator", 0)
    if len(digits) >= gather.max_digits:
        return Typed(digits, "max_digits", 0)
    return Typed(digits, None, gather.inter_digit_ms)


def too_late(digits: str) -> GatherReason:
    """Why a gathering that has these digits ends when the next key does not come."""
    return "inter_digit_timeout" if digits else "first_digit_timeout"


def operation_key(operation: Play | StopPlayback | Gather | StopGather) -> str:
    """What a playback or a gathering is known by; their ids may be alike."""
    match operation:
        case Play() | StopPlayback():
            return f"playback {operation.playback_id}"
        case Gather() | StopGather():
            return f"gather {operation.gather_id}"


def not_begun(operation: Play | Gather) -> PlaybackFinished | GatherFinished:
    """How a playback or a gathering finishes on a channel that is not up."""
    match operation:
        case Play():
            return PlaybackFinished(operation.playback_id, operation.channel_id, "failed")
        case Gather():
            return GatherFinished(operation.gather_id, operation.channel_id, "", "cancelled")


def interrupted(operation: Play | Gather, digits: str) -> PlaybackFinished | GatherFinished:
    """How a playback or a gathering that has begun finishes when something puts an end to it."""
    match operation:
        case Play():
            return PlaybackFinished(operation.playback_id, operation.channel_id, "stopped")
        case Gather():
            return GatherFinished(operation.gather_id, operation.channel_id, digits, "cancelled")
