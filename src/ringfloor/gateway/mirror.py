"""Mirror: what a server knows of the channels of its gateway: legs, bridges, recordings, phones.

gateway.remote keeps one: it is told the commands that are sent and the events that come, and what
the gateway says at the beginning of a session.
"""

from collections import OrderedDict
from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from ringfloor.base.limits import CHANNELS_ENDED_MAX, OPERATIONS_ENDED_MAX
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import (
    AddToBridge,
    AttachWebRtc,
    Command,
    DestroyBridge,
    Gather,
    Originate,
    Play,
    RemoveFromBridge,
    StartRecording,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelHungUp,
    ChannelIncoming,
    EndpointRegistered,
    EndpointUnregistered,
    Event,
    GatherFinished,
    PlaybackFinished,
    PlaybackReason,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
    WebRtcAnswered,
    WebRtcRefused,
)

Operation = Play | Gather | AttachWebRtc
"""What a channel is given that has exactly one outcome."""

Outcome = PlaybackFinished | GatherFinished | WebRtcAnswered | WebRtcRefused

NO_GATEWAY = "the gateway cannot be reached"
NO_MORE = "the gateway does not have it any more"


class Leg(Struct):
    """A channel. announced: the center knows of it, or has called it."""

    channel: Channel
    announced: bool = True
    running: dict[str, Operation] = field(default_factory=dict)
    finished: dict[str, None] = field(default_factory=dict)
    """What of it has an outcome, oldest first."""


class Mirror:
    """The channels of a gateway."""

    def __init__(self) -> None:
        self.legs: dict[str, Leg] = {}
        self.ended: OrderedDict[str, None] = OrderedDict()
        self.recordings: dict[str, StartRecording] = {}
        """Asked for, and not over."""
        self.recorded: OrderedDict[str, None] = OrderedDict()
        self.registered: dict[str, None] = {}
        self._begun: dict[str, None] = {}
        """Recordings that have begun."""
        self._bridges: dict[str, dict[str, None]] = {}

    def holds(self) -> bool:
        """Whether anything is under way that a gateway must have."""
        return bool(self.legs or self.recordings)

    def note(self, command: Command) -> None:
        """What a command does at once."""
        match command:
            case Originate():
                if command.channel_id not in self.legs:
                    self.meet(_outgoing(command))
            case Play() | Gather() | AttachWebRtc():
                leg, name = self.legs.get(command.channel_id), key(command)
                if leg is not None and name not in leg.finished:
                    leg.running.setdefault(name, command)
            case AddToBridge():
                self._move(command.channel_id, command.bridge_id)
            case RemoveFromBridge():
                if command.channel_id in self._bridges.get(command.bridge_id, ()):
                    self._move(command.channel_id, None)
            case DestroyBridge():
                for channel_id in list(self._bridges.get(command.bridge_id, ())):
                    self._move(channel_id, None)
            case StartRecording():
                if command.recording_id not in self.recorded:
                    self.recordings.setdefault(command.recording_id, command)
            case _:
                pass

    def fold(self, event: Event) -> bool:
        """What an event does; whether it is news."""
        match event:
            case ChannelIncoming():
                self.meet(_incoming(event), announced=False)
            case ChannelAnswered():
                self.up(event.channel_id)
            case ChannelHungUp():
                self.forget(event.channel_id)
            case PlaybackFinished() | GatherFinished() | WebRtcAnswered() | WebRtcRefused():
                self.finish(event.channel_id, key(event))
            case RecordingStarted():
                news = event.recording_id not in self._begun
                self._begun[event.recording_id] = None
                return news
            case RecordingFinished() | RecordingFailed():
                return self.recording_over(event.recording_id)
            case EndpointRegistered():
                self.registered[event.number] = None
            case EndpointUnregistered():
                self.registered.pop(event.number, None)
            case _:
                pass
        return True

    def meet(self, channel: Channel, *, announced: bool = True) -> None:
        """There is a channel."""
        bridge_id = channel.bridge_id
        self.legs[channel.channel_id] = Leg(replace(channel, memory=b"", bridge_id=None), announced)
        self._move(channel.channel_id, bridge_id)

    def up(self, channel_id: str) -> None:
        """A channel has been answered."""
        leg = self.legs.get(channel_id)
        if leg is not None:
            leg.channel = replace(leg.channel, state="up")

    def finish(self, channel_id: str, name: str) -> bool:
        """An operation is over; whether it was under way."""
        leg = self.legs.get(channel_id)
        if leg is None:
            return False
        leg.finished[name] = None
        while len(leg.finished) > OPERATIONS_ENDED_MAX:
            del leg.finished[next(iter(leg.finished))]
        return leg.running.pop(name, None) is not None

    def forget(self, channel_id: str) -> None:
        """A channel is gone, and will not come back."""
        self._move(channel_id, None)
        self.legs.pop(channel_id, None)
        _put(self.ended, channel_id)

    def recording_over(self, recording_id: str) -> bool:
        """A recording is over; whether that is news."""
        self.recordings.pop(recording_id, None)
        self._begun.pop(recording_id, None)
        news = recording_id not in self.recorded
        _put(self.recorded, recording_id)
        return news

    def _move(self, channel_id: str, bridge_id: str | None) -> None:
        leg = self.legs.get(channel_id)
        if leg is None or leg.channel.bridge_id == bridge_id:
            return
        left = leg.channel.bridge_id
        if left is not None:
            del self._bridges[left][channel_id]
            if not self._bridges[left]:
                del self._bridges[left]
        leg.channel = replace(leg.channel, bridge_id=bridge_id)
        if bridge_id is not None:
            self._bridges.setdefault(bridge_id, {})[channel_id] = None


def _outgoing(command: Originate) -> Channel:
    return Channel(
        channel_id=command.channel_id, direction="outbound", address=command.to, state="ringing"
    )


def _incoming(event: ChannelIncoming) -> Channel:
    return Channel(
        channel_id=event.channel_id, direction="inbound", address=event.from_, state="ringing"
    )


def _put(kept: OrderedDict[str, None], key: str) -> None:
    kept[key] = None
    while len(kept) > CHANNELS_ENDED_MAX:
        kept.popitem(last=False)


def gone(channel_id: str, why: str, cause: int = Q850.NETWORK_OUT_OF_ORDER) -> ChannelHungUp:
    """How a channel ends that the gateway says nothing of."""
    return ChannelHungUp(channel_id, "remote", cause, 503, why)


_KEYS: Mapping[type, str] = {
    Play: "playback_id",
    PlaybackFinished: "playback_id",
    Gather: "gather_id",
    GatherFinished: "gather_id",
    AttachWebRtc: "offer_id",
    WebRtcAnswered: "offer_id",
    WebRtcRefused: "offer_id",
}


def key(known: Operation | Outcome) -> str:
    """What an operation and its outcome are known by; their ids may be alike."""
    name = _KEYS[type(known)]
    return f"{name} {getattr(known, name)}"


def outcome(operation: Operation, *, failed: bool = False) -> Outcome:
    """How an operation ends that the gateway does not carry out, or not to its end."""
    match operation:
        case Play():
            reason: PlaybackReason = "failed" if failed else "stopped"
            return PlaybackFinished(operation.playback_id, operation.channel_id, reason)
        case Gather():
            return GatherFinished(operation.gather_id, operation.channel_id, "", "cancelled")
        case AttachWebRtc():
            return WebRtcRefused(operation.channel_id, operation.offer_id, NO_GATEWAY)
