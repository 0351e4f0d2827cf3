"""Remote: a carrier that lives in another process, as the server has it. Sans-IO.

The app gives it to the node as a Carrier; gateway.process hands it a connection to that process
(gateway.host), one after the other, and the bytes that come. It keeps a mirror of the channels, the
events until the node takes them, and the commands until the gateway has performed them.

Rules
* A broken connection is mended without anybody noticing, while the gateway lives.
* At the beginning of a session the mirror is compared with what the gateway has. What the gateway
  no longer has is told as hung up, with its true cause where the gateway knows it; what has been
  answered meanwhile is told; what rings in is announced; what nobody here knows is hung up. What
  was given to channels that live on is asked for again, and answered if it is over.
* After a restart of the center the same is done for the calls that it holds, between adopt and the
  first run_due: a call that was to be dialled, and of which the gateway has never heard, is dialled
  when the center repeats its Originate.
* While there is no gateway, commands wait. What was to be dialled fails after GATEWAY_DIAL_MS, and
  all calls are given up after GATEWAY_AWAY_MS, when the gateway does so, too.
* Whoever is told as gone here is gone: nothing is told of him any more, and should the gateway have
  him he is hung up.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ringfloor.base.ids import secret
from ringfloor.base.limits import GATEWAY_AWAY_MS, GATEWAY_DIAL_MS
from ringfloor.base.time import Instant
from ringfloor.gateway.link import (
    NONCE_BYTES,
    Busy,
    Commands,
    Events,
    Hello,
    Inflow,
    LinkBroken,
    Outflow,
    Send,
    ServerEnd,
    Stop,
    TooLong,
    TooMany,
    Welcome,
)
from ringfloor.gateway.mirror import NO_GATEWAY, NO_MORE, Leg, Mirror, gone, key, outcome
from ringfloor.telephony.carrier import Carrier, Channel, OnEvent
from ringfloor.telephony.commands import (
    Answer,
    AttachWebRtc,
    Command,
    Gather,
    HangUp,
    Originate,
    Play,
    StartRecording,
    StopRecording,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelIncoming,
    ChannelUnheld,
    EndpointRegistered,
    EndpointUnregistered,
    Event,
    RecordingFailed,
)

log = logging.getLogger(__name__)


class Remote:
    """The carrier; see telephony.carrier for what perform, run_due and the others promise."""

    def __init__(self, on_event: OnEvent, wake: Callable[[], None], key: bytes) -> None:
        """wake: called when run_due has something to do that next_due did not foretell."""
        self.gateway_pid = 0
        self._on_event = on_event
        self._wake = wake
        self._key = key
        self._now: Instant = 0
        self._told_at: Instant = 0
        self._delivering = False
        self._mirror = Mirror()
        self._queue: deque[tuple[Event, Instant | None]] = deque()
        """What is to be told, and when it happened; None: here, and when it is told."""
        self._dials: dict[str, Instant] = {}
        """Until when the gateway must have begun to dial, soonest first."""
        # The session
        self._life = secret(16).hex()
        self._gateway = ""
        self._out: Outflow[Command] = Outflow()
        self._in = Inflow()
        self._acknowledged = 0
        """The last event that has been handed out, and all before it."""
        # The connection
        self._end: ServerEnd | None = None
        self._close: Callable[[], None] = lambda: None
        self._greeted = False
        self._welcomed = False
        self._away_since: Instant | None = None
        # After a restart of the center
        self._resuming = True
        """Until run_due is called for the first time: who is unknown may yet be adopted."""
        self._past: dict[str, ChannelHungUp] = {}
        self._expected: dict[str, None] = {}
        """Adopted, never heard of by the gateway, and to be dialled once more."""
        self._orphans: dict[str, None] = {}
        """Recordings under way that nobody has asked for yet."""

    # The connection

    @property
    def connected(self) -> bool:
        """Whether there is a gateway."""
        return self._welcomed

    def open(self, send: Send, close: Callable[[], None]) -> None:
        """There is a connection; one that was is forgotten."""
        if self._end is not None:
            self.lost()
        self._end = ServerEnd(self._key, secret(NONCE_BYTES), send)
        self._close = close

    def receive(self, data: bytes) -> None:
        """Bytes have come. Raises LinkBroken; the connection is then to be closed."""
        end = self._end
        if end is None:
            return
        heard = end.receive(data)
        if end.proved and not self._greeted:
            self._greeted = True
            end.say(Hello(self._life, self._gateway, self._in.seen))
        for message in heard:
            match message:
                case Busy():
                    raise LinkBroken("another server holds the gateway, and lives")
                case Welcome():
                    self._welcome(message)
                case Events():
                    self._events(message)
            if self._end is not end:  # given up
                return
        if self._queue:
            self._wake()
        elif self._acknowledged != self._in.seen:  # nothing of it is news
            self._acknowledged = self._in.seen
            self._flush(always=True)

    def lost(self) -> None:
        """The connection is gone."""
        self._end = None
        self._greeted = self._welcomed = False
        self._away_since = None
        self._out.again()
        self._wake()

    def beat(self) -> None:
        """Show that we live."""
        self._flush(always=True)

    def stop(self) -> None:
        """Tell the gateway to hang everything up and end."""
        if self._end is not None and self._welcomed:
            self._end.say(Stop())

    def has_said_all(self) -> bool:
        """Whether the gateway has performed all commands, or cannot be told."""
        return not self._welcomed or not self._out

    def live(self) -> int:
        """How many calls there are, also those that nobody knows of yet."""
        return len(self._mirror.legs)

    # The carrier

    def next_due(self) -> Instant | None:
        if self._queue or self._resuming or self._orphans:
            return self._now
        dues: list[Instant] = []
        if self._dials:
            dues.append(next(iter(self._dials.values())))
        if not self._welcomed and self._mirror.holds():
            since = self._away_since
            dues.append(self._now if since is None else since + GATEWAY_AWAY_MS)
        return min(dues, default=None)

    def run_due(self, now: Instant) -> None:
        assert not self._delivering, "run_due was called out of the callback"
        self._now = max(self._now, now)
        self._delivering = True
        try:
            self._look()
            while self._queue:
                event, at = self._queue.popleft()
                if isinstance(event, ChannelIncoming) and event.channel_id in self._mirror.legs:
                    self._mirror.legs[event.channel_id].announced = True
                at = self._now if at is None else at
                self._told_at = max(self._told_at, min(at, self._now))
                self._on_event(event, self._told_at)
        finally:
            self._delivering = False
        news = self._acknowledged != self._in.seen
        self._acknowledged = self._in.seen
        self._flush(always=news)

    def channels(self) -> list[Channel]:
        return [leg.channel for leg in self._mirror.legs.values() if leg.announced]

    def adopt(self, channels: Sequence[Channel], now: Instant) -> None:
        """Compare; a channel that the gateway does not have is gone, unless it is to be dialled."""
        self._now = max(self._now, now)
        for channel in channels:
            leg = self._mirror.legs.get(channel.channel_id)
            past = self._past.get(channel.channel_id)
            if channel.channel_id in self._mirror.ended:
                continue
            if leg is not None:
                self._adopt(leg, channel)
            elif past is None and (channel.direction, channel.state) == ("outbound", "ringing"):
                self._mirror.meet(channel)
                self._expected[channel.channel_id] = None
            else:
                self._lose(channel.channel_id, past)

    def _adopt(self, leg: Leg, channel: Channel) -> None:
        """The center holds a channel that the gateway has."""
        waiting = self._waiting(channel.channel_id)
        if not leg.announced:
            leg.announced = True
            for each in waiting:
                if isinstance(each[0], ChannelIncoming):
                    self._queue.remove(each)
        here, there = channel.state, leg.channel.state
        if (here, there) == ("ringing", "up"):
            if not any(isinstance(event, ChannelAnswered) for event, _ in waiting):
                self._put(ChannelAnswered(channel.channel_id))
        elif (here, there, channel.direction) == ("up", "ringing", "inbound"):
            self._push(Answer(channel.channel_id))  # it was on its way when the center went

    def perform(self, command: Command, now: Instant) -> None:
        self._now = max(self._now, now)
        if getattr(command, "channel_id", None) in self._mirror.ended:
            return
        if isinstance(command, Originate):
            name = command.channel_id
            if name not in self._mirror.legs or name in self._expected:
                self._dials[name] = self._now + GATEWAY_DIAL_MS
            self._expected.pop(name, None)
        elif isinstance(command, StartRecording):
            self._orphans.pop(command.recording_id, None)
        self._mirror.note(command)
        self._push(command)
        self._flush()

    # Commands

    def _push(self, command: Command) -> None:
        """Have a command sent, after those before it."""
        try:
            self._out.push(command)
        except TooLong as error:
            log.error("%s is not performed: %s", type(command).__name__, error)  # noqa: TRY400
            self._fail(command)
        except TooMany as error:
            log.error("all calls are given up: %s", error)  # noqa: TRY400
            self._give_up()

    def _fail(self, command: Command) -> None:
        """What comes of a command that cannot be sent."""
        match command:
            case Play() | Gather() | AttachWebRtc():
                if self._mirror.finish(command.channel_id, key(command)):
                    self._put(outcome(command, failed=True))
            case Originate():
                self._lose(command.channel_id, gone(command.channel_id, NO_GATEWAY))
            case StartRecording():
                self._lose_recording(command.recording_id)
            case _:
                pass

    def _flush(self, *, always: bool = False) -> None:
        """Send what may be sent. always: also if that is only how far we are."""
        if not self._welcomed or self._delivering:
            return
        assert self._end is not None
        first, commands = self._out.batch()
        if commands or always:
            self._end.say_batch(Commands, first, commands, self._acknowledged)

    def _performed(self, number: int) -> None:
        for command in self._out.acknowledged(number):
            if isinstance(command, Originate):
                self._dials.pop(command.channel_id, None)

    # Events

    def _events(self, message: Events) -> None:
        if not self._welcomed:
            raise LinkBroken("events without a welcome")
        self._performed(message.seen)
        for at, event in self._in.new(message.first, message.events):
            if getattr(event, "channel_id", None) in self._mirror.ended:
                continue
            if self._mirror.fold(event):
                self._queue.append((event, at))
            if isinstance(event, ChannelHungUp):
                self._dials.pop(event.channel_id, None)
        self._flush()

    def _put(self, event: Event) -> None:
        """Tell an event that happens here."""
        self._queue.append((event, None))

    def _waiting(self, channel_id: str) -> list[tuple[Event, Instant | None]]:
        """What is to be told of a channel."""
        return [each for each in self._queue if getattr(each[0], "channel_id", "") == channel_id]

    def _lose(self, channel_id: str, event: ChannelHungUp | None) -> None:
        """Tell a channel as gone, and what it was given as over. event: why, if that is known."""
        leg = self._mirror.legs.get(channel_id)
        for operation in () if leg is None else leg.running.values():
            self._put(outcome(operation))
        self._mirror.forget(channel_id)
        self._dials.pop(channel_id, None)
        self._expected.pop(channel_id, None)
        self._put(event or gone(channel_id, NO_MORE, Q850.TEMPORARY_FAILURE))

    def _lose_recording(self, recording_id: str) -> None:
        self._mirror.recording_over(recording_id)
        self._put(RecordingFailed(recording_id, NO_MORE))

    # Sessions

    def _welcome(self, welcome: Welcome) -> None:
        self._welcomed = True
        self._away_since = None
        self._gateway, self.gateway_pid = welcome.gateway, welcome.pid
        if welcome.resumed:
            self._performed(welcome.seen)
        else:
            pending = self._out.items()
            self._out, self._in, self._acknowledged = Outflow(), Inflow(), 0
            self._compare(welcome, pending)
        self._flush()

    def _compare(self, welcome: Welcome, pending: Sequence[Command]) -> None:
        """A new session. pending: what the one before has not performed, as far as is known."""
        there = {channel.channel_id: channel for channel in welcome.channels}
        hung_up = {event.channel_id: event for event in welcome.hung_up}
        if self._resuming:
            self._past = hung_up
        to_dial = {each.channel_id for each in pending if isinstance(each, Originate)}
        to_dial.update(self._expected)
        for channel_id, leg in list(self._mirror.legs.items()):
            if channel_id in there:
                self._keep(leg, there[channel_id])
            elif channel_id in hung_up or channel_id not in to_dial or leg.channel.state == "up":
                self._lose(channel_id, hung_up.get(channel_id))  # who has answered is not dialled
        incoming = {event.channel_id: event for event in welcome.incoming}
        for channel_id, channel in there.items():
            if channel_id not in self._mirror.legs:
                self._meet(channel, incoming.get(channel_id))
        for channel_id, is_held in welcome.held:
            if channel_id in self._mirror.legs:
                self._put((ChannelHeld if is_held else ChannelUnheld)(channel_id))
        self._compare_recordings(welcome, pending)
        self._compare_registered(welcome.registered)
        for command in pending:
            is_void = getattr(command, "channel_id", None) in self._mirror.ended
            if not is_void and getattr(command, "recording_id", None) not in self._mirror.recorded:
                self._push(command)

    def _keep(self, leg: Leg, there: Channel) -> None:
        """The gateway has a channel that we have: what it was given is asked for once more."""
        channel_id = there.channel_id
        if (leg.channel.state, there.state) == ("ringing", "up"):
            self._mirror.up(channel_id)
            self._put(ChannelAnswered(channel_id))
        for operation in list(leg.running.values()):
            if isinstance(operation, AttachWebRtc):  # its page tries again
                self._fail(operation)
            else:
                self._push(operation)

    def _meet(self, channel: Channel, incoming: ChannelIncoming | None) -> None:
        """The gateway has a channel that we do not have."""
        if channel.channel_id in self._mirror.ended:
            self._push(HangUp(channel.channel_id))
        elif incoming is not None:
            self._mirror.meet(channel, announced=False)
            self._put(incoming)
        elif self._resuming:
            self._mirror.meet(channel)
        else:
            self._mirror.forget(channel.channel_id)
            self._push(HangUp(channel.channel_id))

    def _compare_recordings(self, welcome: Welcome, pending: Iterable[Command]) -> None:
        known = {*welcome.recordings, *(each.recording_id for each in welcome.recorded)}
        asked = {each.recording_id for each in pending if isinstance(each, StartRecording)}
        for recording_id, command in list(self._mirror.recordings.items()):
            if recording_id in known:
                self._push(command)  # it is answered by how things stand
            elif recording_id not in asked:
                self._lose_recording(recording_id)
        ours = self._mirror.recordings
        self._orphans = {each: None for each in welcome.recordings if each not in ours}

    def _compare_registered(self, registered: Sequence[str]) -> None:
        here, there = self._mirror.registered, dict.fromkeys(registered)
        for number in (each for each in here if each not in there):
            self._put(EndpointUnregistered(number))
        for number in (each for each in there if each not in here):
            self._put(EndpointRegistered(number))
        self._mirror.registered = there

    # What time brings

    def _look(self) -> None:
        self._resuming = False
        self._past = {}
        for channel_id in list(self._expected):
            self._lose(channel_id, None)
        for recording_id in self._orphans:
            self._push(StopRecording(recording_id))
        self._orphans = {}
        while self._dials and next(iter(self._dials.values())) <= self._now:
            self._undial(next(iter(self._dials)))
        if self._welcomed:
            return
        if self._away_since is None:
            self._away_since = self._now
        elif self._now - self._away_since >= GATEWAY_AWAY_MS and self._mirror.holds():
            log.error("all calls are given up: %s", NO_GATEWAY)
            self._give_up()

    def _undial(self, channel_id: str) -> None:
        """The gateway has not begun to dial in time."""
        void = self._out.withdraw(lambda each: getattr(each, "channel_id", "") == channel_id)
        self._lose(channel_id, gone(channel_id, NO_GATEWAY))
        if not any(isinstance(each, Originate) for each in void):
            self._push(HangUp(channel_id))  # it was sent, and may be dialled yet

    def _give_up(self) -> None:
        """End what there is, and begin anew when there is a gateway."""
        named: list[str | None] = [getattr(each, "channel_id", None) for each in self._out.items()]
        self._out, self._in, self._acknowledged = Outflow(), Inflow(), 0
        self._life, self._gateway = secret(16).hex(), ""
        for channel_id in list(self._mirror.legs):
            is_new = channel_id in self._dials
            self._lose(channel_id, gone(channel_id, NO_GATEWAY) if is_new else None)
        for name in named:
            if name is not None and name not in self._mirror.ended:
                self._lose(name, None)
        for recording_id in list(self._mirror.recordings):
            self._lose_recording(recording_id)
        if self._end is not None:
            self._close()
            self.lost()
        self._wake()


if TYPE_CHECKING:

    def _is_a_carrier(remote: Remote) -> Carrier:
        return remote
