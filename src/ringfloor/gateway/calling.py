"""Calling: how the circuits of a switch come to be, are answered, held and ended.

Part of gateway.switch: one method for each command and each signal that is about it. Far ends are
reached by signalling (SIP), or are the browsers of agents, whom an offer lets in.

    inbound    Invited -> ringing -> (Progress: early) -> Answer -> up
    outbound   Originate -> Rings -> (Progresses: early) -> Accepted -> up
    agent      Originate, rings at once -> AttachWebRtc -> his first sound -> up
    from anywhere: HangUp | Ended | time-out -> gone
"""

import logging

from ringfloor.base.errors import Fault
from ringfloor.base.limits import GATEWAY_CHANNELS_MAX
from ringfloor.domain.numbers import is_e164
from ringfloor.gateway.media import sdp
from ringfloor.gateway.media.sdp import Remote, SdpRefused
from ringfloor.gateway.patching import Patching
from ringfloor.gateway.playing import Playing
from ringfloor.gateway.signalling import (
    Accepted,
    Ended,
    Invited,
    OfferRefused,
    Progresses,
    Reoffered,
)
from ringfloor.gateway.switchboard import Circuit, Leg, Plant, Switchboard
from ringfloor.telephony.commands import AGENT, AttachWebRtc, HangUp, Originate, Redirect
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelEarlyMedia,
    ChannelHeld,
    ChannelHungUp,
    ChannelIncoming,
    ChannelRinging,
    ChannelUnheld,
    HungUpBy,
    WebRtcAnswered,
    WebRtcRefused,
    sip_status,
)

log = logging.getLogger(__name__)

NOT_SPOKEN = 65
"""Q.850, bearer capability not implemented, which SIP says as 488 (RFC 3398, section 7.2.4.1)."""


class Calling:
    """See above."""

    def __init__(
        self, board: Switchboard, plant: Plant, playing: Playing, patching: Patching
    ) -> None:
        self._board = board
        self._plane = plant.plane
        self._signalling = plant.signalling
        self._browsers = plant.browsers
        self._legs = plant.legs
        self._spawn = plant.spawn
        self._refer = plant.refer
        self._playing = playing
        self._patching = patching

    # Beginnings

    def originate(self, command: Originate) -> None:
        channel_id = command.channel_id
        if channel_id in self._board.circuits or self._board.has_ended(channel_id):
            return
        agent = command.to.startswith(AGENT)
        if not agent and not is_e164(command.to):
            self._never(channel_id, Q850.UNALLOCATED_NUMBER, 404, "not a number")
            return
        circuit = self._outbound(command, agent)
        if circuit is None:
            self._never(channel_id, Q850.NO_CIRCUIT, 503, "no line is free")
            return
        self._take_on(circuit)
        self._board.arm(circuit, self._board.now + command.timeout_ms)
        if agent:
            self.rings(circuit)
        else:
            offer = self._offer(circuit)
            self._signalling.invite(
                channel_id, command.to, command.from_, offer, command.headers, command.trunk
            )

    def _outbound(self, command: Originate, agent: bool) -> Circuit | None:
        """None: there are too many."""
        channel_id = command.channel_id
        leg = self._leg(channel_id, None if agent else (command.trunk, command.to))
        if leg is None:
            return None
        return Circuit(
            channel_id=channel_id,
            direction="outbound",
            address=command.to,
            far="browser" if agent else "sip",
            leg=leg,
            session=self._board.now,
        )

    def _never(self, channel_id: str, q850: int, status: int, reason: str) -> None:
        """A channel that was refused before there was a circuit."""
        self._board.bury(ChannelHungUp(channel_id, "remote", q850, status, reason))

    def _leg(self, channel_id: str, outside: tuple[str, str] | None) -> Leg | None:
        if len(self._board.circuits) >= GATEWAY_CHANNELS_MAX:
            return None
        try:
            if outside is None:
                return self._legs.inside(channel_id)
            return self._legs.outside(channel_id, *outside)
        except Fault as fault:
            log.warning("no leg for %s: %s", channel_id, fault)
            return None

    def _take_on(self, circuit: Circuit) -> None:
        self._board.circuits[circuit.channel_id] = circuit
        self._plane.add(circuit.leg)

    def invited(self, told: Invited) -> None:
        """Somebody calls; what cannot be spoken or carried is refused, and nobody hears of it."""
        leg_id = told.leg_id
        if leg_id in self._board.circuits or self._board.has_ended(leg_id):
            return
        # A trunk's caller may say that he is one of our phones: his sound is the trunk's.
        leg = self._leg(leg_id, (told.trunk, "" if told.trunk else told.from_))
        if leg is None:
            self._signalling.refuse(leg_id, 503, Q850.CONGESTION)
            return
        circuit = Circuit(
            channel_id=leg_id,
            direction="inbound",
            address=told.from_,
            far="sip",
            leg=leg,
            session=self._board.now,
            offered=told.sdp is not None,
        )
        try:
            circuit.ours = self._heeded(circuit, told.sdp)
        except SdpRefused as refused:
            log.info("a call from %s is refused: %s", told.source_host, refused)
            leg.close()
            self._signalling.refuse(leg_id, 488, NOT_SPOKEN)
            return
        self._take_on(circuit)
        self._board.tell(ChannelIncoming(leg_id, told.from_, told.to, told.headers, told.trunk))

    # Ringing

    def rings(self, circuit: Circuit) -> None:
        """The far end rings."""
        if circuit.direction == "outbound" and circuit.state == "ringing" and not circuit.rings:
            circuit.rings = True
            self._plane.rings(circuit.channel_id)
            self._board.tell(ChannelRinging(circuit.channel_id))

    def ring(self, circuit: Circuit) -> None:
        """Let who calls hear that it rings here."""
        if _rings_in(circuit) and not circuit.rings:
            circuit.rings = True
            self._signalling.ring(circuit.channel_id)

    def progress(self, circuit: Circuit) -> None:
        """Let who calls hear us; who has made no offer cannot, and hears that it rings."""
        if not _rings_in(circuit) or circuit.early:
            return
        if not circuit.offered:
            self.ring(circuit)
            return
        circuit.early = circuit.rings = True
        self._signalling.progress(circuit.channel_id, circuit.ours)
        self._plane.listening(circuit.channel_id, True)

    def progresses(self, circuit: Circuit, told: Progresses) -> None:
        """The far end can be heard before it answers."""
        if circuit.direction == "inbound" or circuit.state == "up":
            return
        try:
            self._point(circuit, sdp.parse(told.sdp))
        except SdpRefused as refused:  # what it answers with may be better
            log.info("early media of %s is refused: %s", circuit.channel_id, refused)
            return
        if not circuit.early:
            circuit.early = True
            self._plane.listening(circuit.channel_id, True)
            self._board.tell(ChannelEarlyMedia(circuit.channel_id))

    # Answers

    def answer(self, circuit: Circuit) -> None:
        """Answer who calls."""
        if _rings_in(circuit):
            self._signalling.accept(circuit.channel_id, circuit.ours)
            self._up(circuit)

    def accepted(self, circuit: Circuit, told: Accepted) -> None:
        """The far end has answered, or answers an offer that we made to it."""
        refused = self._unspeakable(circuit, told.sdp)
        if refused is not None:
            status = 488 if circuit.state == "ringing" else None
            self._signalling.hang_up(circuit.channel_id, NOT_SPOKEN)
            self.end(circuit, "remote", NOT_SPOKEN, status, refused)
            return
        if circuit.state == "ringing":
            self._up(circuit)

    def _unspeakable(self, circuit: Circuit, their: str | None) -> str | None:
        """Point the circuit where their answer says; why that cannot be, if it cannot."""
        if their is None:
            return None if circuit.pointed else "answered without SDP"
        try:
            self._point(circuit, sdp.parse(their))
        except SdpRefused as refused:
            return refused.reason
        return None

    def heard(self, circuit: Circuit) -> None:
        """The first sound has come: the browser's connection stands."""
        if circuit.far == "browser" and circuit.pointed and circuit.state == "ringing":
            self._up(circuit)

    def _up(self, circuit: Circuit) -> None:
        circuit.state = "up"
        self._board.arm(circuit, None)
        # Anew even if it was heard already: what it did not send before the answer is forgiven.
        self._plane.listening(circuit.channel_id, False)
        self._plane.listening(circuit.channel_id, True)
        self._board.tell(ChannelAnswered(circuit.channel_id))

    # Browsers

    def attach(self, circuit: Circuit, command: AttachWebRtc) -> None:
        """Let a browser in, in place of one that may be there already."""
        key = f"offer {command.offer_id}"
        if key in circuit.ended:
            return
        circuit.remember(key)
        if circuit.far != "browser":
            self.refuse_offer(command, "the channel is no agent's softphone")
            return
        circuit.offer_id = command.offer_id
        self._spawn(self._attach(circuit, command))

    async def _attach(self, circuit: Circuit, command: AttachWebRtc) -> None:
        reason = "browsers cannot be let in just now"
        answered: tuple[str, Remote] | None = None
        leg = circuit.leg
        try:
            answered = await self._browsers.attach(leg.leg_id, command.sdp, leg.host, leg.port)
        except OfferRefused as refused:
            reason = str(refused)
        finally:
            self._board.post(lambda: self._attached(circuit, command, answered, reason))

    def _attached(
        self,
        circuit: Circuit,
        command: AttachWebRtc,
        answered: tuple[str, Remote] | None,
        reason: str,
    ) -> None:
        if self._board.circuits.get(circuit.channel_id) is not circuit:
            self._browsers.release(circuit.channel_id)
        elif circuit.offer_id != command.offer_id:
            self.refuse_offer(command, "another offer took its place")
        elif answered is None:
            self.refuse_offer(command, reason)
        else:
            circuit.leg.point(answered[1])
            circuit.pointed = True
            told = WebRtcAnswered(circuit.channel_id, command.offer_id, answered[0])
            self._board.tell(told)

    def refuse_offer(self, command: AttachWebRtc, reason: str) -> None:
        self._board.tell(WebRtcRefused(command.channel_id, command.offer_id, reason))

    # While it is up

    def reoffered(self, circuit: Circuit, told: Reoffered) -> None:
        """The far end wants something else to be sent, or nothing (hold)."""
        if circuit.state != "up":
            self._signalling.refuse_offer(circuit.channel_id)
            return
        try:
            ours = self._heeded(circuit, told.sdp)
        except SdpRefused as refused:
            log.info("a re-INVITE of %s is refused: %s", circuit.channel_id, refused)
            self._signalling.refuse_offer(circuit.channel_id)
            return
        self._signalling.reanswer(circuit.channel_id, ours)

    def _heeded(self, circuit: Circuit, their: str | None) -> str:
        """Our answer to their offer, which we heed; our offer if they have none.

        Raises SdpRefused, and then all is as it was.
        """
        if their is None:
            return self._offer(circuit)
        remote = sdp.parse(their)
        ours = self._answer(circuit, their)
        self._point(circuit, remote)
        return ours

    def _point(self, circuit: Circuit, remote: Remote) -> None:
        """Send where the far end has said, and as it has said. Raises SdpRefused."""
        circuit.leg.point(remote)
        circuit.pointed = True
        listens, was_held = remote.direction in {"sendrecv", "recvonly"}, circuit.held
        circuit.listens = circuit.listens or listens
        circuit.held = circuit.listens and not listens
        if circuit.state == "up" and circuit.held != was_held:
            event = ChannelHeld if circuit.held else ChannelUnheld
            self._board.tell(event(circuit.channel_id))

    def _offer(self, circuit: Circuit) -> str:
        circuit.version += 1
        leg = circuit.leg
        return sdp.offer(leg.host, leg.port, circuit.session, circuit.version)

    def _answer(self, circuit: Circuit, their: str) -> str:
        circuit.version += 1
        leg = circuit.leg
        return sdp.answer(their, leg.host, leg.port, circuit.session, circuit.version)

    # Ends

    def hang_up(self, circuit: Circuit, command: HangUp) -> None:
        """End it from here: refused, cancelled or hung up, as it stands."""
        status = None
        if _rings_in(circuit):
            status = sip_status(command.cause)
            self._signalling.refuse(circuit.channel_id, status, command.cause)
        else:
            status = None if circuit.state == "up" else 487
            self._cut(circuit, command.cause)
        self.end(circuit, "local", command.cause, status, "hung up here")

    def redirect(self, circuit: Circuit, command: Redirect) -> None:
        """Send the far end elsewhere, if that is allowed and can be said to it."""
        reachable = circuit.far == "sip" and (circuit.state == "up" or _rings_in(circuit))
        if self._refer and reachable:
            status = None if circuit.state == "up" else 302
            self._signalling.redirect(circuit.channel_id, command.to)
            self.end(circuit, "local", Q850.NORMAL_CLEARING, status, f"sent to {command.to}")

    def ended(self, circuit: Circuit, told: Ended) -> None:
        """The far end has ended it."""
        status = None if circuit.state == "up" else told.status
        self.end(circuit, told.by, told.q850, status, told.reason)

    def rang_too_long(self, circuit: Circuit) -> None:
        self._cut(circuit, Q850.NO_ANSWER)
        self.end(circuit, "timeout", Q850.NO_ANSWER, 487, "nobody answered in time")

    def fell_silent(self, circuit: Circuit) -> None:
        """No sound has come for too long. Before the answer none need come."""
        if circuit.state == "up":
            self._cut(circuit, Q850.TEMPORARY_FAILURE)
            reason = "no sound came any more"
            self.end(circuit, "media_timeout", Q850.TEMPORARY_FAILURE, None, reason)

    def lost(self, circuit: Circuit) -> None:
        """The browser is gone: its page was closed. While it rings, another may come."""
        if circuit.far == "browser":
            self.fell_silent(circuit)

    def _cut(self, circuit: Circuit, q850: int) -> None:
        if circuit.far == "sip":
            self._signalling.hang_up(circuit.channel_id, q850)

    def end(
        self, circuit: Circuit, by: HungUpBy, q850: int, status: int | None, reason: str
    ) -> None:
        """The circuit is over; signalling knows it."""
        channel_id = circuit.channel_id
        self._playing.interrupt(circuit)
        self._board.arm(circuit, None)
        quality = self._plane.quality(channel_id) if circuit.state == "up" else None
        self._patching.leave(circuit)
        self._plane.drop(channel_id)
        if circuit.far == "browser":
            self._browsers.release(channel_id)
        del self._board.circuits[channel_id]
        self._board.bury(ChannelHungUp(channel_id, by, q850, status, reason, quality))


def _rings_in(circuit: Circuit) -> bool:
    return circuit.direction == "inbound" and circuit.state == "ringing"
