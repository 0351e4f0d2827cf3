"""Leg: a channel of Asterisk, as the carrier remembers it.

gateway.asterisk.carrier holds them and alone changes them.
"""

from msgspec import Struct, field

from ringfloor.base.time import Instant
from ringfloor.gateway.gathering import Ear
from ringfloor.telephony.carrier import Channel, Direction, State
from ringfloor.telephony.commands import BridgeRole, Media
from ringfloor.telephony.events import HungUpBy, Quality


class Leg(Struct, kw_only=True):
    """One call leg, ringing or up."""

    channel_id: str
    ari_id: str
    """As Asterisk names it."""
    direction: Direction
    address: str
    state: State = "ringing"
    here: bool = False
    """In our application, so that it can be bridged and played to."""
    rang: bool = False
    bridge_id: str | None = None
    role: BridgeRole = "participant"
    mixed: str | None = None
    """The bridge that Asterisk was told to put it into."""
    muted: bool = False
    ear: Ear = field(default_factory=Ear)
    due: Instant | None = None
    """When it goes on by itself: ringing ends, or the next key is too late."""
    turn: int = 0
    """Orders what is due at the same instant."""
    waits: int = 0
    """Counts what is prepared to be played; what was prepared before is not wanted any more."""
    playback: str | None = None
    """What Asterisk plays of the operation."""
    music: tuple[Media, ...] | None = None
    music_playback: str | None = None
    """What Asterisk plays of the music; "": it is being prepared."""
    leaving: tuple[HungUpBy, int, str] | None = None
    """It was told to hang up: by whom, the cause, and why."""
    quality: Quality | None = None

    def channel(self) -> Channel:
        """As the center sees it."""
        return Channel(
            channel_id=self.channel_id,
            direction=self.direction,
            address=self.address,
            state=self.state,
            bridge_id=self.bridge_id,
        )


def quality(told: str) -> Quality | None:
    """What RTPAUDIOQOS says of a channel; None if it says nothing that can be read."""
    figures = dict(part.split("=", 1) for part in told.split(";") if "=" in part)
    try:
        received, lost = int(figures["rxcount"]), int(figures["lp"])
        round_trip = float(figures["rtt"])
        effective = float(figures["rxmes"])
        return Quality(
            received=received,
            lost=lost,
            jitter_ms=round(float(figures["rxjitter"]) * 1_000),
            far_lost=int(figures["rlp"]),
            round_trip_ms=round(round_trip * 1_000) if round_trip else None,
            score=_score(effective) if effective else 4.41,
        )
    except (KeyError, ValueError):
        return None


def _score(rating: float) -> float:
    """Mean opinion score of a rating factor (ITU-T G.107, annex B)."""
    rating = min(max(rating, 0.0), 100.0)
    mean = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return round(max(mean, 1.0), 2)
