"""A carrier behind a link: simulated phones in a gateway, and the server's Remote. Nothing is lost
on the way but what a test cuts; bytes are carried by hand, so that a world needs no loop.

`carry` moves bytes, by pieces if a test says so, until nobody has anything to say.
"""

from collections import deque
from collections.abc import Callable, Sequence

from ringfloor.base.limits import LINK_BEAT_MS
from ringfloor.base.time import Duration, Instant
from ringfloor.gateway.host import Host, Visitor
from ringfloor.gateway.link import KEY_BYTES, LinkBroken
from ringfloor.gateway.phones import Behaviour, Phones
from ringfloor.gateway.remote import Remote
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import Command
from ringfloor.telephony.events import Event

KEY = bytes(range(KEY_BYTES))
CENTER, ALICE = "+18005550100", "+12065550101"
BEHAVIOURS = {
    "+12065550117": Behaviour("busy"),
    "+12065550119": Behaviour("no-answer"),
    "+12065550104": Behaviour("invalid"),
    "+12065550103": Behaviour("answer", 3_000),
}


class Wire:
    """One connection: what either end has said and the other has not heard."""

    def __init__(self, remote: Remote, host: Host, now: Instant) -> None:
        self.up: deque[bytes] = deque()
        self.down: deque[bytes] = deque()
        self.cut = False
        self._remote = remote
        remote.open(self.up.append, self._close)
        visitor = host.visit(self.down.append, self._close, now)
        assert visitor is not None
        self._visitor: Visitor = visitor

    def _close(self) -> None:
        self.cut = True

    def carry(self, now: Instant, piece: int | None = None) -> bool:
        """Move the next bytes, at most this many; whether there were any."""
        for line, hear in ((self.up, self._to_host), (self.down, self._to_remote)):
            if line and not self.cut:
                data = line.popleft()
                if piece is not None and len(data) > piece:
                    line.appendleft(data[piece:])
                    data = data[:piece]
                hear(data, now)
                return True
        return False

    def _to_host(self, data: bytes, now: Instant) -> None:
        self._visitor.receive(data, now)

    def _to_remote(self, data: bytes, _now: Instant) -> None:
        try:
            self._remote.receive(data)
        except LinkBroken:
            self.cut = True

    def drop(self, now: Instant) -> None:
        """Both ends notice that it is cut."""
        self.cut = True
        self._visitor.lost(now)
        self._remote.lost()


class LinkedWorld:
    """Phones in a gateway of their own, on a clock that both sides share."""

    def __init__(self) -> None:
        self.now: Instant = 1_700_000_000_000
        self.wire: Wire | None = None
        self.start_gateway()
        self.start_server()

    # Lives

    def start_gateway(self) -> None:
        """A gateway without calls, as after kill -9."""
        self.host = Host(KEY, self.now)
        self.phones = Phones(self.host.hear)
        self.phones.restore(BEHAVIOURS)
        self.host.connect(self.phones)

    def start_server(self) -> None:
        """A server that knows nothing, as after kill -9."""
        self.woken = 0
        self.events: list[Event] = []
        self.carrier = Remote(self._on_event, self._wake, KEY)
        self.reconnect()

    def _wake(self) -> None:
        self.woken += 1

    def disconnect(self) -> None:
        if self.wire is not None:
            self.wire.drop(self.now)
            self.wire = None

    def reconnect(self) -> None:
        self.disconnect()
        self.wire = Wire(self.carrier, self.host, self.now)
        while self.wire.carry(self.now):
            pass

    def kill_gateway(self) -> None:
        self.disconnect()
        self.start_gateway()

    def kill_server(self) -> None:
        self.disconnect()
        self.start_server()

    # What the contract asks of a world

    def _on_event(self, event: Event, at: Instant) -> None:
        assert at <= self.now
        self.events.append(event)

    def told(self, *, pieces: Callable[[], int | None] = lambda: None) -> list[Event]:
        """Let everything happen that needs no more time; its events."""
        before = len(self.events)
        moves = True
        while moves:
            self.host.run_due(self.now)
            self.carrier.run_due(self.now)
            due = self.carrier.next_due()
            assert due is None or due > self.now
            assert self.host.next_due() > self.now
            moves = False
            while self.wire is not None and self.wire.carry(self.now, pieces()):
                moves = True
        return self.events[before:]

    def perform(self, *commands: Command) -> list[Event]:
        before = len(self.events)
        for command in commands:
            self.carrier.perform(command, self.now)
        assert len(self.events) == before, "perform called back"
        return self.told()

    def call(self, channel_id: str, from_: str = ALICE) -> list[Event]:
        self.phones.call(from_, CENTER, channel_id, self.now)
        return self.told()

    def press(self, channel_id: str, digits: str) -> list[Event]:
        self.phones.press(channel_id, digits, self.now)
        return self.told()

    def hang_up(self, channel_id: str) -> list[Event]:
        self.phones.hang_up(channel_id, self.now)
        return self.told()

    def wait(self, milliseconds: Duration) -> list[Event]:
        """Time passes, and both sides show now and then that they live."""
        before, until = len(self.events), self.now + milliseconds
        while self.now < until:
            self.now = min(self.now + LINK_BEAT_MS, until)
            self.carrier.beat()
            self.told()
        return self.events[before:]

    def restart(self, channels: Sequence[Channel]) -> list[Event]:
        self.kill_server()
        self.carrier.adopt(channels, self.now)
        return self.told()

    def heard(self, channel_id: str) -> list[str]:
        return [f"{each.kind} {each.value}".strip() for each in self.phones.heard(channel_id)]
