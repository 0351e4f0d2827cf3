"""Commands of the telephony seam: what the center asks of a carrier.

The center's outbox sends them to Carrier.perform; the nouns are ARI's (channel, bridge, playback,
recording).
A command is only accepted when perform returns; what comes of it is told by events.

Rules
* Ids are chosen by the caller, so a command may be repeated: a known channel is not dialled again,
  a playback or gather that has begun or finished does not begin again, keys are not pressed again,
  and everything else sets a state (in a bridge or not, music or none, muted or not, up or gone)
  that is already so. The latest run of
  commands may therefore be repeated as a whole and in order, as an outbox does after a crash: no
  event comes twice and all ends as it was. An id is never used for something else.
* The commands of one channel are performed in their order; none needs to wait for another's event.
* A channel hears one thing at a time: a Play or a Gather ends the one before it. Music lies
  underneath and goes on until StopMusic. Bridges do not touch any of this, nor it them.
* Hold is composed: RemoveFromBridge and StartMusic, later StopMusic and AddToBridge. So are
  consultation and conference. There is no REFER inside.
* A recording is stopped once: a repeated StartRecording of one that is over does not begin it anew.
* A command for a channel that the carrier does not know is answered by its ChannelHungUp, once; a
  command for a channel that has hung up has no effect and no event.
"""

from typing import Literal

from msgspec import Struct

from ringfloor.base.limits import INTER_DIGIT_MS
from ringfloor.base.time import Duration
from ringfloor.telephony.events import Q850

AGENT = "agent:"
"""What an agent's address begins with; the user id follows."""


def agent_address(user_id: str) -> str:
    """Where an agent's softphone is reached."""
    return AGENT + user_id


class Voice(Struct, frozen=True, array_like=True):
    """Who speaks, as UpdateContactTextToSpeechVoice says it: Joanna, Neural, Conversational."""

    name: str
    engine: str | None = None
    style: str | None = None


class Media(Struct, frozen=True, array_like=True):
    """Something to hear. value: the text, the SSML, or the prompt's id or name.

    voice: who speaks a text or SSML; None: the carrier's own. A carrier without that voice takes
    one that it has, and one without speech (simulated phones) heeds none.
    """

    kind: Literal["text", "ssml", "prompt"]
    value: str
    voice: Voice | None = None
    sound: str | None = None
    """Of a prompt: the SHA-256 of its recording, by which the carrier finds it; None: it has none.

    A carrier has something of its own for a prompt without a recording.
    """


BridgeRole = Literal["participant", "listen", "whisper"]
"""Who listens hears everybody and is heard by nobody; who whispers is heard by one (ARI: snoop)."""


class _Command(Struct, frozen=True, array_like=True, tag=True):
    pass


# Channels


class Originate(_Command, frozen=True):
    """Dial (ARI: originate). ChannelRinging, then ChannelAnswered or ChannelHungUp follow."""

    channel_id: str
    to: str
    """E.164, or agent_address(user id)."""
    from_: str
    """The caller id, E.164."""
    timeout_ms: Duration
    """Ring no longer than this; then the call ends by timeout."""
    headers: tuple[tuple[str, str], ...] = ()
    """SIP headers besides; their names begin with X-."""
    trunk: str = ""
    """Whose account and address are used (the name of a trunk); "": as the carrier's rules say."""


class Ring(_Command, frozen=True):
    """Tell who calls that it rings here (ARI: ring; SIP 180); the channel goes on ringing."""

    channel_id: str


class Progress(_Command, frozen=True):
    """Let who calls hear the channel before it is answered (ARI: progress; SIP 183).

    From then on Play and StartMusic are heard, and Gather fails as before the answer.
    """

    channel_id: str


class Redirect(_Command, frozen=True):
    """Send the far end elsewhere, and be rid of it (ARI: redirect; SIP 302, or REFER once up).

    The channel ends by ChannelHungUp, local. A carrier that may not redirect lets it be: nothing
    happens to the channel, which the center then hangs up or keeps.
    """

    channel_id: str
    to: str
    """E.164."""


class AttachWebRtc(_Command, frozen=True):
    """The browser of the agent whom an originated channel rings is here (its SDP offer).

    WebRtcAnswered or WebRtcRefused follows; the channel is up when sound can flow. A second offer
    to the same channel takes the place of the first: the page was loaded again.
    """

    channel_id: str
    offer_id: str
    """Of this offer; the answer names it."""
    sdp: str


class Answer(_Command, frozen=True):
    """Answer a channel that came in (ARI: answer); ChannelAnswered follows."""

    channel_id: str


class HangUp(_Command, frozen=True):
    """End a channel in any state (ARI: hangup): an unanswered one is cancelled or rejected."""

    channel_id: str
    cause: int = Q850.NORMAL_CLEARING
    """Q.850; while it rings in, it becomes the SIP status of the rejection."""


# What a channel hears, and what is heard from it


class Play(_Command, frozen=True):
    """Play media one after the other to one channel (ARI: play); PlaybackFinished follows.

    It needs a channel that is up; otherwise it fails.
    """

    playback_id: str
    channel_id: str
    media: tuple[Media, ...]
    loop: bool = False
    """From the start again, until it is stopped."""


class StopPlayback(_Command, frozen=True):
    """End a playback now (ARI: stop playback); nothing happens if it is over."""

    playback_id: str


class Gather(_Command, frozen=True):
    """Play media and collect keys (FreeSWITCH: play_and_get_digits); GatherFinished follows.

    The first key ends the media (barge-in). It needs a channel that is up; otherwise it is
    cancelled at once. A menu in which # and * are choices has no terminators and no cancel key.
    """

    gather_id: str
    channel_id: str
    media: tuple[Media, ...]
    max_digits: int
    """At least 1; the key that makes it full ends the gathering."""
    first_digit_ms: Duration
    """How long the first key may take, counted from the end of the media."""
    inter_digit_ms: Duration = INTER_DIGIT_MS
    """How long each further key may take."""
    terminators: str = "#"
    """The keys that, pressed one after the other, end the gathering and are not part of it.

    At most five, as Connect's InputTerminationSequence; "" for none.
    """
    cancel_key: bool = True
    """* forgets what was typed, and the wait for a first key begins again."""
    type_ahead: bool = True
    """Begin with the keys that were pressed while nobody gathered; False throws them away.

    With keys at hand the media is not played. Amazon Connect does either, as its flow block Set
    Touchtone Buffer Behavior says; without the block such keys are lost there.
    """


class StopGather(_Command, frozen=True):
    """End a gathering now; it is cancelled. Nothing happens if it is over."""

    gather_id: str


class StartMusic(_Command, frozen=True):
    """Music until StopMusic (ARI: moh); no media means the carrier's own music."""

    channel_id: str
    media: tuple[Media, ...] = ()


class StopMusic(_Command, frozen=True):
    channel_id: str


class SendDigits(_Command, frozen=True):
    """Press keys towards the far end, one after the other (ARI: dtmf); a comma is a pause."""

    digits_id: str
    """Keys of this id are pressed once, however often the command comes."""
    channel_id: str
    digits: str


class Mute(_Command, frozen=True):
    """Nobody in its bridge hears the channel until Unmute (ARI: mute); it hears them."""

    channel_id: str


class Unmute(_Command, frozen=True):
    channel_id: str


# Bridges


class CreateBridge(_Command, frozen=True):
    """A mixing point (ARI: bridge); all channels in it hear each other."""

    bridge_id: str


class AddToBridge(_Command, frozen=True):
    """Put a channel into a bridge, out of the one it was in; or give it another role there.

    A channel that still rings is heard as soon as it is up. A bridge that the carrier does not know
    is created, so that the bridge of a center that has restarted need not be.
    """

    bridge_id: str
    channel_id: str
    role: BridgeRole = "participant"
    whisper_to: str = ""
    """The channel that hears who whispers."""


class RemoveFromBridge(_Command, frozen=True):
    """Take a channel out of this bridge; nothing happens if it is not in it."""

    bridge_id: str
    channel_id: str


class DestroyBridge(_Command, frozen=True):
    """Take everybody out; the channels live on, alone."""

    bridge_id: str


# Recordings

Sides = Literal["both", "left", "right"]


class StartRecording(_Command, frozen=True):
    """Record a bridge (ARI: record); RecordingStarted, later RecordingFinished or -Failed follow.

    Stereo: one channel on the right (the agent), everybody else who is in the bridge on the left.
    It goes on, as silence, while nobody is there, until StopRecording.
    """

    recording_id: str
    bridge_id: str
    right: str
    """The channel on the right."""
    name: str
    """The name of the file, a relative path such as connect/first/CallRecordings/...wav."""
    sides: Sides = "both"
    """A side that is not recorded is silent."""


class PauseRecording(_Command, frozen=True):
    """Silence instead of what is said, until ResumeRecording."""

    recording_id: str


class ResumeRecording(_Command, frozen=True):
    recording_id: str


class StopRecording(_Command, frozen=True):
    """End a recording; the file is there when RecordingFinished says so."""

    recording_id: str


RecordingCommand = StartRecording | PauseRecording | ResumeRecording | StopRecording

ChannelCommand = (
    Answer
    | Ring
    | Progress
    | Redirect
    | AttachWebRtc
    | HangUp
    | Play
    | Gather
    | StartMusic
    | StopMusic
    | SendDigits
    | Mute
    | Unmute
    | AddToBridge
    | RemoveFromBridge
)
"""Commands for a channel that is there."""

Command = (
    Originate
    | ChannelCommand
    | StopPlayback
    | StopGather
    | CreateBridge
    | DestroyBridge
    | RecordingCommand
)
