"""Asterisk: the carrier whose channels, bridges and recordings are those of an Asterisk (ARI).

gateway.embedded's counterpart for scale: `ringfloor gateway` makes one where voice.toml has
[asterisk]. What telephony.commands promises and ARI does not is done here: ids of our own, one
ending per channel, gathering with type-ahead, loops, music underneath, stereo recordings
(gateway.asterisk.recordings).

Names. Asterisk knows our channels as ours with a dot for the slash; those that come in have names
of its own, and ours is kept in their variable RINGFLOOR, so that a gateway that starts again knows
them: calls outlive the gateway, because Asterisk has them.

Limits of ARI, told in docs/asterisk.md: who whispers only listens; the early media of a far end is
told but not heard; REFER is Asterisk's own affair; agents answer on desk phones.
"""

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sortedcontainers import SortedList

from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import ARI_AWAY_MS, CHANNELS_ENDED_MAX, GATEWAY_CHANNELS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain.numbers import is_e164
from ringfloor.gateway.asterisk.ari import Answer, Ari, path
from ringfloor.gateway.asterisk.leg import Leg, quality
from ringfloor.gateway.asterisk.recordings import Recordings
from ringfloor.gateway.asterisk.sound import Files, Sound
from ringfloor.telephony import commands, events
from ringfloor.telephony.carrier import Carrier, Channel, Direction, OnEvent
from ringfloor.telephony.commands import Command, Gather, Play
from ringfloor.telephony.events import Q850, Event, HungUpBy, sip_status

log = logging.getLogger(__name__)

NAME = "RINGFLOOR"
"""The variable of a channel that keeps its direction and our name of it."""

SOUND = (
    Play,
    Gather,
    commands.StartMusic,
    commands.StopMusic,
    commands.SendDigits,
)
"""What a channel plays, gathers and presses."""

NO_RTP = 44
"""The cause that Asterisk gives when no sound comes any more (rtp_timeout)."""


class Settings(Struct, frozen=True, kw_only=True):
    """How calls leave, and what is where."""

    application: str
    trunk: str
    """The PJSIP endpoint of the trunk."""
    host: str = ""
    """host:port that numbers are called at; "": where the endpoint's own address leads."""
    phones: tuple[tuple[str, str], ...] = ()
    """Numbers of desk phones, each with its PJSIP endpoint."""
    recordings: Path
    """Where Asterisk puts recordings, as we see it."""
    spool: Path


class Asterisk:
    """The carrier; see telephony.carrier for what perform, run_due and the others promise."""

    def __init__(
        self,
        on_event: OnEvent,
        settings: Settings,
        connect: Callable[..., Ari],
        files: Files,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        now: Callable[[], Instant],
        wake: Callable[[], None],
    ) -> None:
        """connect: makes the Ari, given its callbacks. wake: events wait for run_due."""
        self._deliver = on_event
        self._settings = settings
        self._now, self._wake = now, wake
        self._ari = connect(on_event=self._hear, on_up=self._came_up, on_down=self._went_down)
        self._legs: dict[str, Leg] = {}
        self._by_ari: dict[str, Leg] = {}
        self._bridges: dict[str, str] = {}
        """Ours to theirs."""
        self._queue: deque[tuple[Event, Instant]] = deque()
        self._timers = SortedList()
        self._turn = 0
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._sound = Sound(self._ari, files, emit=self._emit, arm=self._arm, spawn=spawn, now=now)
        self._recordings = Recordings(
            self._ari,
            settings.application,
            settings.recordings,
            settings.spool,
            self._emit,
            spawn,
        )
        self.ready = False
        """Whether Asterisk's channels are known."""
        self._lost_at: Instant | None = None
        """When calls count as lost of an Asterisk that is away."""

    async def run(self) -> None:
        """Talk with Asterisk until this is cancelled."""
        await self._ari.run()

    # The carrier

    def next_due(self) -> Instant | None:
        if self._queue:
            return self._queue[0][1]
        due: Instant | None = self._timers[0][0] if self._timers else None
        return min((each for each in (due, self._lost_at) if each is not None), default=None)

    def run_due(self, now: Instant) -> None:
        if self._lost_at is not None and self._lost_at <= now:
            self._lost_at = None
            for leg in list(self._legs.values()):
                self._forget(leg, "remote", Q850.TEMPORARY_FAILURE, None, "Asterisk is away")
        while self._queue or (self._timers and self._timers[0][0] <= now):
            if self._queue:
                self._deliver(*self._queue.popleft())
            else:
                _, _, channel_id = self._timers[0]
                self._go_on(self._legs[channel_id])

    def channels(self) -> list[Channel]:
        return [leg.channel() for leg in self._legs.values()]

    def adopt(self, channels: Sequence[Channel], now: Instant) -> None:  # noqa: ARG002  the contract's
        for channel in channels:
            leg = self._legs.get(channel.channel_id)
            if leg is None:
                self._gone(channel.channel_id)
            else:
                leg.bridge_id = channel.bridge_id
                if leg.state == "up" and channel.state == "ringing":
                    self._emit(events.ChannelAnswered(leg.channel_id))

    def perform(self, command: Command, now: Instant) -> None:
        match command:
            case commands.Originate():
                self._originate(command, now)
            case commands.StopPlayback() | commands.StopGather():
                self._sound.stop(command, self._legs.values())
            case commands.CreateBridge():
                self._bridge(command.bridge_id)
            case commands.DestroyBridge():
                self._destroy(command.bridge_id)
            case (
                commands.StartRecording()
                | commands.PauseRecording()
                | commands.ResumeRecording()
                | commands.StopRecording()
            ):
                leg = self._legs.get(getattr(command, "right", ""))
                heard = leg is not None and (leg.here or leg.state == "up")
                there = leg.ari_id if leg is not None and heard else None
                self._recordings.perform(command, there)
            case _:
                known = self._legs.get(command.channel_id)
                if known is None:
                    self._gone(command.channel_id)
                elif isinstance(command, SOUND):
                    self._sound.perform(known, command)
                else:
                    self._perform_on(known, command)

    def _perform_on(self, leg: Leg, command: commands.ChannelCommand) -> None:
        match command:
            case commands.Answer():
                if leg.direction == "inbound" and leg.state == "ringing":
                    self._answer(leg)
            case commands.Ring() | commands.Progress():
                verb = "ring" if isinstance(command, commands.Ring) else "progress"
                self._ari.ask("POST", path("channels", leg.ari_id, verb))
            case commands.AttachWebRtc():
                reason = "with Asterisk agents answer on desk phones"
                self._emit(events.WebRtcRefused(leg.channel_id, command.offer_id, reason))
            case commands.HangUp():
                self._hang_up(leg, "local", command.cause, "hung up here")
            case commands.Mute() | commands.Unmute():
                self._mute(leg, muted=isinstance(command, commands.Mute))
            case commands.AddToBridge():
                self._move(leg, command.bridge_id, command.role)
            case commands.RemoveFromBridge():
                if leg.bridge_id == command.bridge_id:
                    self._move(leg, None, "participant")
            case _:
                pass  # Redirect: Asterisk may not; the channel stays

    def _emit(self, event: Event) -> None:
        self._queue.append((event, self._now()))
        self._wake()

    def _arm(self, leg: Leg, due: Instant | None) -> None:
        """Have the leg go on by itself at this instant, and not when it was due before."""
        if leg.due is not None:
            self._timers.remove((leg.due, leg.turn, leg.channel_id))
        leg.due = due
        if due is not None:
            self._turn += 1
            leg.turn = self._turn
            self._timers.add((due, leg.turn, leg.channel_id))
            self._wake()

    def _go_on(self, leg: Leg) -> None:
        """What was due for a leg happens: nobody answered, or no key came."""
        self._arm(leg, None)
        if leg.state == "ringing":
            self._hang_up(leg, "timeout", Q850.NO_ANSWER, "nobody answered in time")
        else:
            self._sound.late(leg)

    # The life of a channel

    def _originate(self, command: commands.Originate, now: Instant) -> None:
        channel_id = command.channel_id
        if channel_id in self._legs or channel_id in self._ended:
            return
        endpoint = self._endpoint(command)
        if endpoint is None:
            self._bury(channel_id, "remote", Q850.UNALLOCATED_NUMBER, 404, "nobody is there")
            return
        if not self._ari.up or len(self._legs) >= GATEWAY_CHANNELS_MAX:
            self._bury(channel_id, "remote", Q850.NETWORK_OUT_OF_ORDER, 503, "Asterisk is away")
            return
        leg = self._know(channel_id, channel_id.replace("/", "."), "outbound", command.to)
        self._arm(leg, now + command.timeout_ms)
        query = {
            "endpoint": endpoint,
            "app": self._settings.application,
            "channelId": leg.ari_id,
            "callerId": command.from_,
            "timeout": "-1",
        }
        name = {NAME: f"outbound {channel_id}"}
        self._ari.ask("POST", "channels", query, lambda answer: self._dialled(leg, answer), name)

    def _endpoint(self, command: commands.Originate) -> str | None:
        """Where a number is dialled; None: nowhere. Softphones of agents are not Asterisk's."""
        if not is_e164(command.to):
            return None
        phone = dict(self._settings.phones).get(command.to)
        if phone is not None:
            return f"PJSIP/{phone}"
        trunk = command.trunk or self._settings.trunk
        if self._settings.host:
            return f"PJSIP/{trunk}/sip:{command.to}@{self._settings.host}"
        return f"PJSIP/{command.to}@{trunk}"

    def _dialled(self, leg: Leg, answer: Answer) -> None:
        if not answer.done and self._legs.get(leg.channel_id) is leg:
            self._forget(leg, "remote", Q850.DESTINATION_OUT_OF_ORDER, 502, "it cannot be dialled")

    def _know(self, channel_id: str, ari_id: str, direction: Direction, address: str) -> Leg:
        leg = Leg(channel_id=channel_id, ari_id=ari_id, direction=direction, address=address)
        self._legs[channel_id] = self._by_ari[ari_id] = leg
        return leg

    def _hang_up(self, leg: Leg, by: HungUpBy, cause: int, reason: str) -> None:
        if leg.leaving is not None:
            return
        leg.leaving = by, cause, reason
        self._arm(leg, None)
        self._ari.ask(
            "DELETE",
            path("channels", leg.ari_id),
            {"reason_code": str(cause)},
            lambda answer: self._left(leg, answer),
        )

    def _left(self, leg: Leg, answer: Answer) -> None:
        """It has gone if Asterisk does not know it; else it says so later."""
        if answer.status in (404, 503) and self._legs.get(leg.channel_id) is leg:
            self._forget(leg, "remote", Q850.NORMAL_CLEARING, None, "gone")

    def _forget(self, leg: Leg, by: HungUpBy, cause: int, status: int | None, reason: str) -> None:
        """The channel is gone."""
        if leg.leaving is not None:
            by, cause, reason = leg.leaving
            refusal = 487 if leg.direction == "outbound" else sip_status(cause)
            status = None if leg.state == "up" else refusal
        self._sound.forget(leg)
        self._arm(leg, None)
        del self._legs[leg.channel_id]
        del self._by_ari[leg.ari_id]
        self._bury(leg.channel_id, by, cause, status, reason, leg.quality)

    def _gone(self, channel_id: str) -> None:
        """A command names a channel that is not here; say so if it was not said before."""
        if channel_id not in self._ended:
            self._bury(channel_id, "remote", Q850.TEMPORARY_FAILURE, 481, "no such channel")

    def _bury(
        self,
        channel_id: str,
        by: HungUpBy,
        cause: int,
        status: int | None,
        reason: str,
        sounded: events.Quality | None = None,
    ) -> None:
        self._ended[channel_id] = None
        while len(self._ended) > CHANNELS_ENDED_MAX:
            self._ended.popitem(last=False)
        self._emit(events.ChannelHungUp(channel_id, by, cause, status, reason, sounded))

    # What Asterisk tells

    def _hear(self, told: dict[str, Any]) -> None:
        kind = told.get("type", "")
        ari_id = (told.get("channel") or told.get("peer") or {}).get("id", "")
        if kind == "StasisStart":
            self._entered(told["channel"], told.get("args") or [])
        elif kind in ("RecordingFinished", "RecordingFailed"):
            self._recordings.told(told["recording"]["name"], failed=kind == "RecordingFailed")
        elif kind == "PlaybackFinished":
            self._sound.played(told["playback"]["id"], told["playback"]["state"])
        elif ari_id in self._by_ari:
            found = HEARD.get(kind)
            if found is not None:
                found(self, self._by_ari[ari_id], told)

    def _entered(self, channel: dict[str, Any], args: list[str]) -> None:
        ari_id = channel["id"]
        if self._recordings.owns(ari_id):
            self._recordings.entered(ari_id)
            return
        leg = self._by_ari.get(ari_id)
        if leg is None and not args:
            self._ari.ask("DELETE", path("channels", ari_id))  # of a gateway that is gone
            return
        if leg is None:
            channel_id = derive(chance(), 0)
            caller = _e164(channel["caller"]["number"])
            to = _e164(channel["dialplan"]["exten"])
            leg = self._know(channel_id, ari_id, "inbound", caller)
            query = {"variable": NAME, "value": f"inbound {channel_id}"}
            self._ari.ask("POST", path("channels", ari_id, "variable"), query)
            leg.here = True
            self._listen_to(leg)
            self._emit(events.ChannelIncoming(channel_id, caller, to, trunk=args[0]))
            return
        leg.here = True
        self._mix(leg)
        self._sound.accompany(leg)

    def _changed(self, leg: Leg, told: dict[str, Any]) -> None:
        state = told["channel"]["state"]
        if state in ("Ring", "Ringing") and leg.direction == "outbound":
            self._rings(leg)
        elif state == "Up" and leg.state == "ringing":
            self._rings(leg)
            leg.state = "up"
            self._arm(leg, None)
            self._emit(events.ChannelAnswered(leg.channel_id))
            if leg.here:
                self._mix(leg)
                self._sound.accompany(leg)

    def _answer(self, leg: Leg) -> None:
        """Up from here on: Asterisk does what follows after it, in its order."""
        leg.state = "up"

        def answered(answer: Answer) -> None:
            if answer.done and self._legs.get(leg.channel_id) is leg:
                self._emit(events.ChannelAnswered(leg.channel_id))
                self._sound.accompany(leg)

        self._ari.ask("POST", path("channels", leg.ari_id, "answer"), None, answered)

    def _rings(self, leg: Leg) -> None:
        if not leg.rang and leg.direction == "outbound":
            leg.rang = True
            self._emit(events.ChannelRinging(leg.channel_id))

    def _progressed(self, leg: Leg, told: dict[str, Any]) -> None:
        if told.get("dialstatus") == "PROGRESS" and leg.state == "ringing":
            self._emit(events.ChannelEarlyMedia(leg.channel_id))

    def _destroyed(self, leg: Leg, told: dict[str, Any]) -> None:
        cause = int(told.get("cause") or Q850.NORMAL_CLEARING)
        up = leg.state == "up"
        by: HungUpBy = "media_timeout" if up and cause == NO_RTP else "remote"
        given = told.get("tech_cause")
        refusal = 487 if leg.direction == "inbound" else sip_status(cause)
        status = None if up else int(given) if given else refusal
        if not up and leg.direction == "inbound":
            cause = Q850.NORMAL_CLEARING
        self._forget(leg, by, cause, status, told.get("cause_txt") or "hung up")

    def _pressed(self, leg: Leg, told: dict[str, Any]) -> None:
        self._sound.key(leg, told["digit"])

    def _held(self, leg: Leg, told: dict[str, Any]) -> None:
        held = told["type"] == "ChannelHold"
        event = events.ChannelHeld if held else events.ChannelUnheld
        self._emit(event(leg.channel_id))

    def _noted(self, leg: Leg, told: dict[str, Any]) -> None:
        if told.get("variable") == "RTPAUDIOQOS":
            leg.quality = quality(told.get("value", ""))

    # Asterisk comes and goes

    def _came_up(self) -> None:
        self._lost_at = None
        self._ari.ask("GET", "channels", None, self._resync)

    def _went_down(self) -> None:
        self.ready = False
        self._recordings.lost()
        self._lost_at = self._now() + ARI_AWAY_MS
        self._wake()

    def _resync(self, answer: Answer) -> None:
        """Its channels are the truth: what it does not have is gone, what we do not know is let go.

        Those that a gateway before us knew are taken on by their names.
        """
        if not answer.done:
            return
        there = {channel["id"]: channel for channel in answer.body}
        for leg in list(self._legs.values()):
            if leg.ari_id not in there:
                self._forget(leg, "remote", Q850.TEMPORARY_FAILURE, None, "Asterisk lost it")
        unknown = [each for name, each in there.items() if name not in self._by_ari]
        left = len(unknown)

        def taken(channel: dict[str, Any], name: Answer) -> None:
            nonlocal left
            left -= 1
            self._take_on(channel, name.body["value"] if name.done else "")
            self.ready = self.ready or left == 0
            self._wake()

        self.ready = left == 0
        for each in unknown:
            self._ari.ask(
                "GET",
                path("channels", each["id"], "variable"),
                {"variable": NAME},
                lambda name, each=each: taken(each, name),  # type: ignore[misc]  # its own channel
            )
        self._wake()

    def _take_on(self, channel: dict[str, Any], name: str) -> None:
        ari_id = channel["id"]
        if self._recordings.owns(ari_id) or ari_id in self._by_ari:
            return
        if not name and not self._has(channel):
            return  # of somebody else, who has this Asterisk as well
        direction, _, name = name.partition(" ")
        up = channel["state"] == "Up"
        if not name or not up or name in self._ended:
            self._ari.ask("DELETE", path("channels", ari_id))
            return
        address = _e164(channel["caller"]["number"])
        leg = self._know(
            name, ari_id, "outbound" if direction == "outbound" else "inbound", address
        )
        leg.state, leg.here = "up", True
        self._listen_to(leg)

    def _has(self, channel: dict[str, Any]) -> bool:
        """Whether a channel is in our application."""
        plan = channel.get("dialplan") or {}
        application = plan.get("app_data", "").partition(",")[0]
        return plan.get("app_name") == "Stasis" and application == self._settings.application

    def _listen_to(self, leg: Leg) -> None:
        """Be told of its end, also after it has left our application."""
        source = {"eventSource": f"channel:{leg.ari_id}"}
        uri = path("applications", self._settings.application, "subscription")
        self._ari.ask("POST", uri, source)

    # Bridges

    def _mute(self, leg: Leg, *, muted: bool) -> None:
        if leg.muted != muted:
            leg.muted = muted
            method = "POST" if muted else "DELETE"
            self._ari.ask(method, path("channels", leg.ari_id, "mute"), {"direction": "in"})

    def _bridge(self, bridge_id: str) -> str:
        if bridge_id not in self._bridges:
            self._bridges[bridge_id] = bridge_id.replace("/", ".")
            query = {"type": "mixing,dtmf_events"}
            self._ari.ask("POST", path("bridges", self._bridges[bridge_id]), query)
        return self._bridges[bridge_id]

    def _destroy(self, bridge_id: str) -> None:
        for leg in self._legs.values():
            if leg.bridge_id == bridge_id:
                self._move(leg, None, "participant")
        theirs = self._bridges.pop(bridge_id, None)
        if theirs is not None:
            self._ari.ask("DELETE", path("bridges", theirs))

    def _move(self, leg: Leg, bridge_id: str | None, role: commands.BridgeRole) -> None:
        if (leg.bridge_id, leg.role) == (bridge_id, role) and leg.mixed == bridge_id:
            return
        leg.bridge_id, leg.role = bridge_id, role
        self._mix(leg, again=True)
        self._sound.accompany(leg)

    def _mix(self, leg: Leg, *, again: bool = False) -> None:
        """Have Asterisk put the leg where it belongs."""
        if not leg.here or leg.state != "up":
            return
        uri = path("channels", leg.ari_id)
        if leg.mixed is not None and (again or leg.mixed != leg.bridge_id):
            theirs = path("bridges", self._bridges.get(leg.mixed, leg.mixed.replace("/", ".")))
            self._ari.ask("POST", f"{theirs}/removeChannel", {"channel": leg.ari_id})
            leg.mixed = None
        if leg.bridge_id is not None and leg.mixed is None:
            self._sound.silence(leg)
            theirs = path("bridges", self._bridge(leg.bridge_id))
            query = {"channel": leg.ari_id}
            if leg.role != "participant":
                query["mute"] = "true"
            self._ari.ask("POST", f"{theirs}/addChannel", query)
            leg.mixed = leg.bridge_id
        if leg.muted:
            self._ari.ask("POST", f"{uri}/mute", {"direction": "in"})


HEARD: dict[str, Callable[[Asterisk, Leg, dict[str, Any]], None]] = {
    "ChannelStateChange": Asterisk._changed,  # noqa: SLF001  the table of this very class
    "Dial": Asterisk._progressed,  # noqa: SLF001  the table of this very class
    "ChannelDestroyed": Asterisk._destroyed,  # noqa: SLF001  the table of this very class
    "ChannelDtmfReceived": Asterisk._pressed,  # noqa: SLF001  the table of this very class
    "ChannelHold": Asterisk._held,  # noqa: SLF001  the table of this very class
    "ChannelUnhold": Asterisk._held,  # noqa: SLF001  the table of this very class
    "ChannelVarset": Asterisk._noted,  # noqa: SLF001  the table of this very class
}
"""What is done about Asterisk's events; what has no row is nothing to us."""


def _e164(number: str) -> str:
    """A number as we write it; "" if it was withheld."""
    digits = number.removeprefix("+")
    return f"+{digits}" if digits.isdigit() else ""


if TYPE_CHECKING:
    _asterisk_is_a_carrier: Callable[..., Carrier] = Asterisk
