"""Signalling: how the switch sets up and ends legs, whatever protocol its far ends speak.

gateway.sip implements Signalling (SIP), gateway.webrtc implements Browsers, gateway.switch drives
both. Leg ids are channel ids. SDP is that of gateway.media.sdp: the switch writes ours and reads
theirs, signalling only carries the text.

Rules
* Everything is called, and every Signal is told, on the thread of the gateway's loop. No method
  blocks or raises; what cannot be done is told by Ended. Nothing is told inside of a call: signals
  come later, out of the loop.
* The switch names the legs that it invites; signalling names those that come in, by ids that are
  never used again, not by another gateway process either (base.ids).
* Exactly one Ended for each leg that the far end ends, refuses or does not answer; none for a leg
  that was hung up, refused or redirected by us, and nothing else about it afterwards: the switch
  has forgotten it. Whatever is asked for a leg that signalling does not know is nothing.
* Signalling has no ring time-out of its own for legs that it invites: the switch hangs them up.
  Timers of the protocol (no answer to INVITE or BYE, session timers) are its own.
"""

from typing import Literal, Protocol

from msgspec import Struct

from ringfloor.gateway.media.sdp import Remote

Headers = tuple[tuple[str, str], ...]


class Invited(Struct, frozen=True):
    """Somebody calls who may (a trunk's address, a registered phone); it rings here from now on.

    Nothing has been answered yet but 100 Trying.
    """

    leg_id: str
    from_: str
    """E.164 where it is a number, "" if it was withheld."""
    to: str
    """E.164."""
    headers: Headers
    """Those that flows may ask for (X-...), bounded in number and length."""
    trunk: str
    """The name of the trunk; "": a registered phone."""
    sdp: str | None
    """Their offer; None: they expect ours, in 183 or 200 (RFC 3261, section 13.2.1)."""
    source_host: str
    """The address from which it came, for logs."""


class Rings(Struct, frozen=True):
    """180 came for a leg that we have invited; may come several times, or never."""

    leg_id: str


class Progresses(Struct, frozen=True):
    """183 (or 180) with SDP came: the far end can be heard already."""

    leg_id: str
    sdp: str


class Accepted(Struct, frozen=True):
    """200 came, and is acknowledged; or the ACK of a leg that we accepted brought their answer.

    The latter only where Invited had no SDP.
    """

    leg_id: str
    sdp: str | None
    """None: 200 without SDP, after a 183 that had it."""


class Reoffered(Struct, frozen=True):
    """A re-INVITE (or UPDATE) came; reanswer follows, or refuse_offer.

    None: they ask for our offer; what they answer to it comes as Accepted.
    """

    leg_id: str
    sdp: str | None


class Ended(Struct, frozen=True):
    """The leg is gone, by its far end or by a timer of the protocol."""

    leg_id: str
    by: Literal["remote", "timeout"]
    q850: int
    """From the Reason header, else by the status (RFC 3398, section 8.2.6.1)."""
    status: int | None
    """The final SIP status if it never was up (CANCEL: 487); None after BYE."""
    reason: str


class TransferAsked(Struct, frozen=True):
    """REFER came, and was refused."""

    leg_id: str
    refer_to: str


class Registered(Struct, frozen=True):
    """A desk phone can be reached under its number."""

    number: str


class Unregistered(Struct, frozen=True):
    number: str


Signal = (
    Invited
    | Rings
    | Progresses
    | Accepted
    | Reoffered
    | Ended
    | TransferAsked
    | Registered
    | Unregistered
)


class Signalling(Protocol):
    """What the switch needs of a protocol; Signals go to the callback it was built with."""

    def invite(
        self, leg_id: str, to: str, from_: str, sdp: str, headers: Headers, trunk: str
    ) -> None:
        """Dial a number (E.164) with our offer.

        A phone that is registered under the number, else the trunk of this name, else (trunk is "")
        the first trunk whose rules fit; nobody fits: Ended, Q.850 3, status 404.
        """

    def ring(self, leg_id: str) -> None:
        """180."""

    def progress(self, leg_id: str, sdp: str) -> None:
        """183 with our SDP."""

    def accept(self, leg_id: str, sdp: str) -> None:
        """200 with our SDP: the answer to their offer, or our offer if they made none."""

    def refuse(self, leg_id: str, status: int, q850: int) -> None:
        """A final status below 700 for a leg that came in and was not accepted."""

    def reanswer(self, leg_id: str, sdp: str) -> None:
        """200 for a re-INVITE: the answer to their offer, or our offer if they made none."""

    def refuse_offer(self, leg_id: str) -> None:
        """488 for a re-INVITE; the leg goes on as it was."""

    def hang_up(self, leg_id: str, q850: int) -> None:
        """BYE, or CANCEL for a leg that we have invited and that is not up (Reason: Q.850)."""

    def redirect(self, leg_id: str, to: str) -> None:
        """302 while it rings in, REFER once it is up, and then BYE; the leg counts as ended."""

    def close(self) -> None:
        """End all dialogs (BYE, CANCEL, 503) and stop."""


class OfferRefused(Exception):
    """A browser's offer has nothing that is spoken here; the text says why."""


class Browsers(Protocol):
    """The edge for browsers: WebRTC outside, plain RTP (PCMU, RFC 4733) towards our legs inside."""

    async def attach(self, leg_id: str, offer_sdp: str, host: str, port: int) -> tuple[str, Remote]:
        """The SDP answer, and where our leg, which listens at host and port, sends to.

        A second offer for the same leg takes the place of the first, whose browser is released.
        Raises OfferRefused.
        """

    def release(self, leg_id: str) -> None:
        """The browser of this leg is not needed any more; nothing if there is none."""
