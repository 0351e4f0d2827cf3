"""The link under random commands, cuts and deaths.

CutMachine: while both sides live nobody notices the link, wherever in a frame it breaks: what is
told equals what the same phones tell without a link, event by event.
DeathMachine: gateway and server die at any moment. An auditor that knows only what was asked and
told judges the rules of the seam, and in the end both sides must hold the same calls.
"""

import contextlib

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec.structs import replace

from contract.linked_world import LinkedWorld
from contract.test_carrier_stateful import TOLD, Auditor, channel_ids, commands, durations, keys
from ringfloor.base.errors import Refusal
from ringfloor.base.time import Instant
from ringfloor.gateway.phones import Phones
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import Command, Gather, Originate, Play
from ringfloor.telephony.events import ChannelHungUp, Event


class World(LinkedWorld):
    """With instants, and with the addresses of the stateful suite."""

    def __init__(self) -> None:
        self.heard_at: list[tuple[Event, Instant]] = []
        super().__init__()

    def start_gateway(self) -> None:
        super().start_gateway()
        self.phones.restore(TOLD)

    def _on_event(self, event: Event, at: Instant) -> None:
        super()._on_event(event, at)
        self.heard_at.append((event, at))


class CutMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.world = World()
        self.told: list[tuple[Event, Instant]] = []
        self.plain = Phones(lambda event, at: self.told.append((event, at)))
        self.plain.restore(TOLD)

    def settle(self, cuts: list[int]):
        """Let everything arrive; the connection breaks after each of so many bytes."""
        for carried in cuts:
            for _ in range(carried // 64 + 1):
                self.world.wire.carry(self.world.now, carried % 64 + 1)
            self.world.reconnect()
        self.world.told()
        self.plain.run_due(self.world.now)
        assert self.world.heard_at == self.told
        here = [replace(each, memory=b"") for each in self.plain.channels()]
        assert self.world.carrier.channels() == here

    @rule(command=commands, more=st.lists(commands, max_size=3), cuts=st.lists(st.integers(0, 400)))
    def perform(self, command, more, cuts):
        for each in (command, *more):
            self.world.carrier.perform(each, self.world.now)
            self.plain.perform(each, self.world.now)
        self.settle(cuts)

    @rule(channel_id=channel_ids, cuts=st.lists(st.integers(0, 400)))
    def call(self, channel_id, cuts):
        for phones in (self.world.phones, self.plain):
            phones.call("+15550009", "+15550000", channel_id, self.world.now)
        self.settle(cuts)

    @rule(channel_id=channel_ids, digits=keys, cuts=st.lists(st.integers(0, 400)))
    def press(self, channel_id, digits, cuts):
        if any(each.channel_id == channel_id for each in self.plain.channels()):
            for phones in (self.world.phones, self.plain):
                phones.press(channel_id, digits, self.world.now)
            self.settle(cuts)

    @rule(channel_id=channel_ids)
    def hang_up(self, channel_id):
        if any(each.channel_id == channel_id for each in self.plain.channels()):
            for phones in (self.world.phones, self.plain):
                phones.hang_up(channel_id, self.world.now)
            self.settle([])

    @rule(milliseconds=durations)
    def wait(self, milliseconds):
        self.world.wait(milliseconds)
        self.settle([])


class LateAuditor(Auditor):
    """Lets a hang-up answer what may have come too late for the channel."""

    def __init__(self) -> None:
        super().__init__()
        self.late: set[tuple[str, str]] = set()
        """Asked since everything was last told."""

    def _opened(self, operation: tuple[str, str], channel_id: str) -> None:
        super()._opened(operation, channel_id)
        self.late.add(operation)

    def told(self, event: Event, at: Instant) -> None:
        if isinstance(event, ChannelHungUp):
            for operation in self.late & self.open.keys():
                if self.open[operation] == event.channel_id:
                    del self.open[operation]
        super().told(event, at)


class DeathMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.world = World()
        self.auditor = LateAuditor()
        self.asked: dict[tuple[str, str], Command] = {}
        self.dialled: dict[str, Originate] = {}
        self.judged = 0
        self.used: set[str] = set()
        """Ids of calls: none comes twice."""

    def judge(self):
        """Let the auditor judge what was told since."""
        told = self.world.heard_at[self.judged :]
        self.judged = len(self.world.heard_at)
        for event, at in told:
            self.auditor.told(event, at)
            if isinstance(event, ChannelHungUp):
                self.dialled.pop(event.channel_id, None)

    @rule(command=commands)
    def perform(self, command):
        name = getattr(command, "channel_id", None)
        known = {each.channel_id for each in self.world.carrier.channels()}
        if isinstance(command, Originate):
            if name in self.used and name not in known:
                return  # an id is never used for something else
            self.used.add(name)
        elif name is not None and name not in known:
            return  # no center asks for what it has not been told of
        self.auditor.asked(command)
        match command:
            case Originate() if self.auditor.living.get(name) == "ringing":
                self.dialled.setdefault(name, command)
            case Play(playback_id=operation):
                self.asked.setdefault(("playback", operation), command)
            case Gather(gather_id=operation):
                self.asked.setdefault(("gather", operation), command)
            case _:
                pass
        self.world.carrier.perform(command, self.world.now)

    @rule()
    def listen(self):
        self.world.told()
        self.judge()
        if self.world.wire is not None and not self.world.wire.cut:
            self.auditor.late.clear()

    @rule(carried=st.integers(0, 400))
    def hear_a_little(self, carried):
        if self.world.wire is not None:
            self.world.wire.carry(self.world.now, carried or None)

    @rule(channel_id=channel_ids)
    def call(self, channel_id):
        if channel_id not in self.used:
            self.used.add(channel_id)
            self.world.phones.call("+15550009", "+15550000", channel_id, self.world.now)

    @rule(channel_id=channel_ids, digits=keys)
    def press(self, channel_id, digits):
        self.control(lambda: self.world.phones.press(channel_id, digits, self.world.now))

    @rule(channel_id=channel_ids)
    def hang_up(self, channel_id):
        self.control(lambda: self.world.phones.hang_up(channel_id, self.world.now))

    def control(self, act):
        with contextlib.suppress(Refusal):  # nobody is there
            act()

    @rule(milliseconds=durations)
    def wait(self, milliseconds):
        self.world.wait(milliseconds)
        self.judge()

    @rule()
    def break_the_link(self):
        self.world.disconnect()

    @rule()
    def mend_the_link(self):
        self.world.reconnect()

    @rule()
    def kill_the_gateway(self):
        self.world.kill_gateway()

    @rule(at_once=st.booleans(), dead=st.booleans())
    def kill_the_server(self, at_once, dead):
        """dead: the gateway, too. at_once: a gateway is there when the center adopts its calls."""
        self.world.disconnect()
        if dead:
            self.world.start_gateway()
        self.world.start_server()
        if not at_once:
            self.world.disconnect()
        carrier, now = self.world.carrier, self.world.now
        carrier.adopt([self.held(each) for each in self.auditor.living], now)
        there = {each.channel_id for each in carrier.channels()}
        outstanding = dict(self.auditor.open)
        self.auditor.open = {key: each for key, each in outstanding.items() if each in there}
        for name, state in self.auditor.living.items():
            if state == "ringing" and name in self.dialled:
                carrier.perform(self.dialled[name], now)
        self.auditor.late.update(self.auditor.open)
        for key in self.auditor.open:
            carrier.perform(self.asked[key], now)

    def held(self, channel_id):
        command = self.dialled.get(channel_id)
        return Channel(
            channel_id=channel_id,
            direction="inbound" if command is None else "outbound",
            address="" if command is None else command.to,
            state=self.auditor.living[channel_id],
        )

    def teardown(self):
        if not hasattr(self, "world"):
            return
        self.world.reconnect()
        self.world.told()
        self.judge()
        here = {each.channel_id: each.state for each in self.world.carrier.channels()}
        assert here == self.auditor.living
        assert here == {each.channel_id: each.state for each in self.world.phones.channels()}


CutMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, suppress_health_check=list(HealthCheck)
)
DeathMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
TestCuts = CutMachine.TestCase
TestDeaths = DeathMachine.TestCase
