"""Events of the telephony seam: what a carrier tells the center, and the causes it tells.

A carrier hands them to the callback it was built with; the node turns them into the engine's
commands.

Rules
* Exactly one ChannelHungUp per channel, whoever hangs up, and nothing about the channel after it.
* Every Play and Gather that a living channel was given finishes exactly once, before the
  ChannelHungUp if that is what ends it. Given to a channel that has gone, ChannelHungUp says it.
* Every StartRecording is answered by RecordingStarted or RecordingFailed, and every one that has
  started by RecordingFinished or RecordingFailed once it was stopped.
* A key is told once: to the gathering if there is one, else as ChannelDigit if the channel is in a
  bridge, else it is kept for the next gathering and not told.
"""

from enum import IntEnum
from typing import Literal

from msgspec import Struct

from ringfloor.base.time import Duration


class Q850(IntEnum):
    """The causes of ITU-T Q.850 that the center knows by name; a carrier may give any other."""

    UNALLOCATED_NUMBER = 1
    NORMAL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONDING = 18
    NO_ANSWER = 19
    CALL_REJECTED = 21
    NUMBER_CHANGED = 22
    DESTINATION_OUT_OF_ORDER = 27
    INVALID_NUMBER_FORMAT = 28
    NORMAL_UNSPECIFIED = 31
    NO_CIRCUIT = 34
    NETWORK_OUT_OF_ORDER = 38
    TEMPORARY_FAILURE = 41
    CONGESTION = 42
    INTERWORKING = 127


_SIP: dict[int, int] = {
    Q850.UNALLOCATED_NUMBER: 404,
    Q850.USER_BUSY: 486,
    Q850.NO_USER_RESPONDING: 408,
    Q850.NO_ANSWER: 480,
    Q850.CALL_REJECTED: 603,
    Q850.NUMBER_CHANGED: 410,
    Q850.DESTINATION_OUT_OF_ORDER: 502,
    Q850.INVALID_NUMBER_FORMAT: 484,
    Q850.NO_CIRCUIT: 503,
    Q850.NETWORK_OUT_OF_ORDER: 503,
    Q850.TEMPORARY_FAILURE: 503,
    Q850.CONGESTION: 503,
    Q850.INTERWORKING: 500,
}


def sip_status(cause: int) -> int:
    """The SIP status that refuses a call for a Q.850 cause (RFC 3398, section 7.2.4.1)."""
    return _SIP.get(cause, 480)


CALLER_HEADERS = (
    "P-Asserted-Identity",
    "P-Charge-Info",
    "From",
    "To",
    "ISUP-OLI",
    "JIP",
    "Hop-Counter",
    "Originating-Switch",
    "Originating-Trunk",
    "Call-Forwarding-Indicator",
    "Calling-Party-Address",
    "Called-Party-Address",
)
"""SIP headers of a call that comes in which flows may read ($.Media.Sip.Headers, as at AWS)."""

HungUpBy = Literal["remote", "local", "timeout", "media_timeout"]
PlaybackReason = Literal["eof", "stopped", "failed"]
GatherReason = Literal[
    "max_digits", "terminator", "inter_digit_timeout", "first_digit_timeout", "cancelled"
]


class _Event(Struct, frozen=True, array_like=True, tag=True):
    pass


class ChannelIncoming(_Event, frozen=True):
    """Somebody calls; the channel rings until it is answered or hung up."""

    channel_id: str
    from_: str
    """The caller's number, E.164 unless it was withheld; his word, not to be trusted."""
    to: str
    """The number he dialled, E.164."""
    headers: tuple[tuple[str, str], ...] = ()
    """Those of CALLER_HEADERS that came, as (name, value); his word as well."""
    trunk: str = ""
    """Over which trunk it came; "": none."""


class ChannelRinging(_Event, frozen=True):
    """The far end of an originated channel rings (SIP 180)."""

    channel_id: str


class ChannelEarlyMedia(_Event, frozen=True):
    """The far end of an originated channel is heard before it has answered (SIP 183).

    In a bridge the others hear it.
    """

    channel_id: str


class ChannelHeld(_Event, frozen=True):
    """The far end has put us on hold (re-INVITE, sendonly); it hears nothing."""

    channel_id: str


class ChannelUnheld(_Event, frozen=True):
    channel_id: str


class ChannelTransferRequested(_Event, frozen=True):
    """The far end asks for a transfer (REFER), which the carrier has refused."""

    channel_id: str
    refer_to: str


class ChannelAnswered(_Event, frozen=True):
    """The channel is up, whoever answered it."""

    channel_id: str


class ChannelDigit(_Event, frozen=True):
    """A key pressed in a bridge that nobody gathers: one event per key, however long it is held."""

    channel_id: str
    digit: str


class Quality(Struct, frozen=True, array_like=True):
    """How a channel sounded, as it was received here and as its far end reported (RFC 3550)."""

    received: int
    """Packets."""
    lost: int
    jitter_ms: Duration
    far_lost: int
    """Of ours, as its receiver reports say."""
    round_trip_ms: Duration | None
    """None: its far end did not report."""
    score: float
    """1 to 4.5, the mean opinion score of ITU-T G.107 for what was received."""


class ChannelHungUp(_Event, frozen=True):
    """The channel is gone, and this is the last that is told of it."""

    channel_id: str
    by: HungUpBy
    """local: by HangUp; timeout: it rang too long; media_timeout: no sound came any more."""
    q850: int
    sip_code: int | None
    """The final SIP status if the call was never up (ARI: tech_cause); None after a BYE."""
    reason: str
    """In words, for logs."""
    quality: Quality | None = None
    """None: it was never up, or nothing is sent (simulated phones)."""


class WebRtcAnswered(_Event, frozen=True):
    """The SDP answer for a browser's offer."""

    channel_id: str
    offer_id: str
    sdp: str


class WebRtcRefused(_Event, frozen=True):
    """An offer cannot be taken: it has nothing that is spoken here, or there is no such channel."""

    channel_id: str
    offer_id: str
    reason: str


class RecordingStarted(_Event, frozen=True):
    recording_id: str


class RecordingFinished(_Event, frozen=True):
    """The recording is over, and its file is there."""

    recording_id: str
    name: str
    """As StartRecording named it; "": there is no file, because there was no sound (simulated)."""
    duration_ms: Duration


class RecordingFailed(_Event, frozen=True):
    """There is no recording, or it ends early: the disk is full, or cannot be written."""

    recording_id: str
    reason: str


class EndpointRegistered(_Event, frozen=True):
    """A desk phone is reachable under its number, until EndpointUnregistered."""

    number: str


class EndpointUnregistered(_Event, frozen=True):
    number: str


class PlaybackFinished(_Event, frozen=True):
    """eof: played to its end; stopped: by StopPlayback, another Play, or the hang-up."""

    playback_id: str
    channel_id: str
    reason: PlaybackReason


class GatherFinished(_Event, frozen=True):
    """The keys that were typed, without terminators.

    first_digit_timeout means that none were typed, inter_digit_timeout that some were; cancelled:
    by StopGather, another Play or Gather, or the hang-up.
    """

    gather_id: str
    channel_id: str
    digits: str
    reason: GatherReason


ChannelEvent = (
    ChannelIncoming
    | ChannelRinging
    | ChannelEarlyMedia
    | ChannelAnswered
    | ChannelHeld
    | ChannelUnheld
    | ChannelTransferRequested
    | ChannelDigit
    | ChannelHungUp
    | WebRtcAnswered
    | WebRtcRefused
    | PlaybackFinished
    | GatherFinished
)

RecordingEvent = RecordingStarted | RecordingFinished | RecordingFailed

Event = ChannelEvent | RecordingEvent | EndpointRegistered | EndpointUnregistered
