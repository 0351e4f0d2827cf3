"""A carrier under random commands, keys, hang-ups, waits, repeats and restarts.

An auditor predicts from the commands and events alone, never from the carrier's state: which
channels live, what must still finish, what may not be told any more. After a restart a second
carrier, which adopted the first one's channels, is driven in step and must tell the same. A third
is asked only now and then what is due, and must have told the same in the end.

That is for simulated phones, whose far ends are as durable as the center. The switch of the
embedded carrier has real far ends: it lives on when the center restarts, and compares. Of it the
auditor also knows whom everybody must hear, from commands and events, and asks the far ends.
"""

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contract import switch_world
from ringfloor.base.errors import Refusal
from ringfloor.base.time import Instant
from ringfloor.gateway.phones import Behaviour, Phones
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import (
    AddToBridge,
    Answer,
    Command,
    CreateBridge,
    DestroyBridge,
    Gather,
    HangUp,
    Media,
    Mute,
    Originate,
    Play,
    Progress,
    Redirect,
    RemoveFromBridge,
    Ring,
    SendDigits,
    StartMusic,
    StopGather,
    StopMusic,
    StopPlayback,
    Unmute,
)
from ringfloor.telephony.events import (
    ChannelAnswered,
    ChannelDigit,
    ChannelHungUp,
    ChannelIncoming,
    Event,
    GatherFinished,
    PlaybackFinished,
)

ADDRESSES = ["+15550001", "+15550002", "+15550003", "+15550004", "+15550005", "agent:u1", "nobody"]
TOLD = {
    "+15550002": Behaviour("busy"),
    "+15550003": Behaviour("no-answer"),
    "+15550004": Behaviour("invalid"),
    "+15550005": Behaviour("answer", 3_000),
}

channel_ids = st.sampled_from([f"c{number}" for number in range(6)])
bridge_ids = st.sampled_from(["b1", "b2"])
digits_ids = st.sampled_from(["d1", "d2"])
operations = st.tuples(
    st.sampled_from([f"c{number}" for number in range(6)]), st.sampled_from("123456")
)
media = st.lists(
    st.builds(Media, st.sampled_from(["text", "ssml", "prompt"]), st.sampled_from("xyz")),
    max_size=2,
).map(tuple)
keys = st.text("0123456789*#", max_size=6)
LONGEST = 20_000
durations = st.sampled_from([0, 1, 500, 3_000, 5_000, LONGEST])
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Originate, channel_ids, st.sampled_from(ADDRESSES), st.just("+15550000"), durations),
    st.builds(Answer, channel_ids),
    st.builds(Answer, channel_ids),
    st.builds(HangUp, channel_ids, st.sampled_from([16, 17, 31])),
    st.builds(Ring, channel_ids),
    st.builds(Progress, channel_ids),
    st.builds(Redirect, channel_ids, st.just("+15550007")),
    st.builds(
        lambda operation, *rest: Play("-".join(operation), operation[0], *rest),
        operations,
        media,
        st.booleans(),
    ),
    st.builds(StopPlayback, operations.map("-".join)),
    st.builds(
        lambda operation, *rest: Gather("-".join(operation), operation[0], *rest),
        operations,
        media,
        st.integers(1, 4),
        durations,
        durations,
        st.sampled_from(["", "#", "##", "*"]),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(StopGather, operations.map("-".join)),
    st.builds(StartMusic, channel_ids, media),
    st.builds(StopMusic, channel_ids),
    st.builds(CreateBridge, bridge_ids),
    st.builds(AddToBridge, bridge_ids, channel_ids),
    st.builds(AddToBridge, bridge_ids, channel_ids, st.sampled_from(["participant", "listen"])),
    st.builds(SendDigits, digits_ids, channel_ids, st.sampled_from(["1", "2,#"])),
    st.builds(Mute, channel_ids),
    st.builds(Unmute, channel_ids),
    st.builds(RemoveFromBridge, bridge_ids, channel_ids),
    st.builds(DestroyBridge, bridge_ids),
)


class Auditor:
    """What must and must not be told, from what was asked and what was told."""

    def __init__(self) -> None:
        self.living: dict[str, str] = {}
        self.ended: set[str] = set()
        self.open: dict[tuple[str, str], str] = {}
        self.over: set[tuple[str, str]] = set()
        self.at: Instant = 0

    def asked(self, command: Command) -> None:
        match command:
            case Originate(channel_id=channel_id) if channel_id not in self.ended:
                self.living.setdefault(channel_id, "ringing")
            case Play(playback_id=name, channel_id=channel_id):
                self._opened(("playback", name), channel_id)
            case Gather(gather_id=name, channel_id=channel_id):
                self._opened(("gather", name), channel_id)

    def _opened(self, operation: tuple[str, str], channel_id: str) -> None:
        if channel_id in self.living and operation not in self.over:
            self.open.setdefault(operation, channel_id)

    def told(self, event: Event, at: Instant) -> None:
        assert at >= self.at, "instants fell"
        self.at = at
        assert event.channel_id not in self.ended, f"{event} after the hang-up"
        match event:
            case ChannelIncoming():
                self.living[event.channel_id] = "ringing"
            case ChannelAnswered():
                assert self.living[event.channel_id] == "ringing"
                self.living[event.channel_id] = "up"
            case ChannelDigit():
                assert len(event.digit) == 1
                assert self.living[event.channel_id]
            case PlaybackFinished():
                self._over(("playback", event.playback_id), event.channel_id)
            case GatherFinished():
                self._over(("gather", event.gather_id), event.channel_id)
                assert bool(event.digits) or event.reason != "inter_digit_timeout"
                assert not event.digits or event.reason != "first_digit_timeout"
            case ChannelHungUp():
                assert event.channel_id not in self.open.values(), "something is unfinished"
                self.living.pop(event.channel_id, None)
                self.ended.add(event.channel_id)

    def _over(self, operation: tuple[str, str], channel_id: str) -> None:
        assert self.open.pop(operation) == channel_id
        self.over.add(operation)


class Side:
    """A carrier and what it has told since it was last asked."""

    def __init__(self) -> None:
        self.told: list[tuple[Event, Instant]] = []
        self.phones = Phones(lambda event, at: self.told.append((event, at)))

    def take(self, without: set[str]) -> list[tuple[Event, Instant]]:
        told = [(event, at) for event, at in self.told if event.channel_id not in without]
        self.told.clear()
        return told


class CarrierMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.now: Instant = 1_700_000_000_000
        self.auditor = Auditor()
        self.commands: list[Command] = []
        self.first = Side()
        self.first.phones.restore(TOLD)
        self.lazy = Side()
        self.lazy.phones.restore(TOLD)
        self.history: list[tuple[Event, Instant]] = []
        self.second: Side | None = None
        self.forgotten: set[str] = set()

    @property
    def sides(self) -> list[Side]:
        return [self.first, self.lazy] + ([self.second] if self.second else [])

    def listen(self):
        """Deliver, compare the two sides, and let the auditor judge; what the first has told."""
        for side in self.sides:
            if side is not self.lazy:
                side.phones.run_due(self.now)
                due = side.phones.next_due()
                assert due is None or due > self.now
        told = self.first.take(set())
        if self.second is not None:
            seen = [(event, at) for event, at in told if event.channel_id not in self.forgotten]
            assert self.second.take(self.forgotten) == seen
        for event, at in told:
            self.auditor.told(event, at)
        self.history += told
        return told

    @rule()
    def listen_to_the_lazy(self):
        self.lazy.phones.run_due(self.now)
        assert self.lazy.told == self.history
        assert self.lazy.phones.channels() == self.first.phones.channels()

    @rule(channel_id=channel_ids)
    def call(self, channel_id):
        if channel_id not in self.forgotten:
            for side in self.sides:
                side.phones.call("+15550009", "+15550000", channel_id, self.now)
            self.listen()

    @rule(command=commands)
    def perform(self, command):
        if getattr(command, "channel_id", None) in self.forgotten:
            return  # the second carrier does not remember that it ended
        for side in self.sides:
            side.phones.perform(command, self.now)
        self.auditor.asked(command)
        self.commands.append(command)
        self.listen()

    @rule(milliseconds=durations)
    def wait(self, milliseconds):
        self.now += milliseconds
        self.listen()

    @rule()
    def wait_for_what_is_due(self):
        due = self.first.phones.next_due()
        if due is not None:
            self.now = due
            assert self.listen(), "due, and nothing was told"

    @rule(channel_id=channel_ids, digits=keys)
    def press(self, channel_id, digits):
        self.control(channel_id, lambda phones: phones.press(channel_id, digits, self.now))

    @rule(channel_id=channel_ids)
    def hang_up(self, channel_id):
        self.control(channel_id, lambda phones: phones.hang_up(channel_id, self.now))

    def control(self, channel_id, act):
        for side in self.sides:
            try:
                act(side.phones)
            except Refusal:
                assert channel_id not in self.auditor.living
            else:
                assert channel_id in self.auditor.living
        self.listen()

    @rule(share=st.floats(0, 1))
    def repeat_the_latest_run(self, share):
        self.listen_to_the_lazy()
        before = [standing(side.phones) for side in self.sides]
        for command in self.commands[int(share * len(self.commands)) :]:
            for side in self.sides:
                if getattr(command, "channel_id", None) not in self.forgotten:
                    side.phones.perform(command, self.now)
        assert self.listen() == []
        self.listen_to_the_lazy()
        assert [standing(side.phones) for side in self.sides] == before

    @precondition(lambda self: self.auditor.living)
    @rule()
    def restart(self):
        self.second = Side()
        self.second.phones.restore(self.first.phones.behaviours())
        self.second.phones.adopt(self.first.phones.channels(), self.now)
        self.forgotten = set(self.auditor.ended)
        assert self.second.phones.next_due() == self.first.phones.next_due()
        assert self.second.phones.channels() == self.first.phones.channels()
        self.listen()

    @invariant()
    def what_is_dialled_does_not_ring_for_ever(self):
        ringing = [each for each in self.first.phones.channels() if each.state == "ringing"]
        if any(each.direction == "outbound" for each in ringing):
            due = self.first.phones.next_due()
            assert due is not None
            assert due <= self.now + LONGEST

    @invariant()
    def the_living_are_held(self):
        for side in (self.first, self.second or self.first):
            held = {each.channel_id: each.state for each in side.phones.channels()}
            assert held == self.auditor.living

    @invariant()
    def both_have_heard_the_same(self):
        if self.second is not None:
            for channel_id in self.auditor.living:
                heard = self.first.phones.heard(channel_id)
                assert self.second.phones.heard(channel_id) == heard


def standing(phones):
    """Where a carrier stands, but for what was heard on the way."""
    lines = {}
    for channel in phones.channels():
        line = msgspec.msgpack.decode(channel.memory)
        for passing in ("heard", "company", "turn"):
            line.pop(passing, None)
        lines[channel.channel_id] = line
    return lines, phones.next_due()


class Company:
    """Who is in which bridge, and who is heard there, from commands alone."""

    def __init__(self) -> None:
        self.bridges: dict[str, str] = {}
        self.silent: set[str] = set()
        """Who only listens in its bridge."""
        self.muted: set[str] = set()

    def asked(self, command: Command, living: dict[str, str]) -> None:
        match command:
            case DestroyBridge():
                for each in [each for each, b in self.bridges.items() if b == command.bridge_id]:
                    del self.bridges[each]
            case AddToBridge(channel_id=each) if each in living:
                self.bridges[each] = command.bridge_id
                self.silent.discard(each)
                if command.role != "participant":
                    self.silent.add(each)
            case RemoveFromBridge(channel_id=each) if self.bridges.get(each) == command.bridge_id:
                del self.bridges[each]
            case Mute(channel_id=each) if each in living:
                self.muted.add(each)
            case Unmute(channel_id=each):
                self.muted.discard(each)

    def heard_by(self, channel_id: str, living: dict[str, str]) -> set[str]:
        return {
            each
            for each, bridge_id in self.bridges.items()
            if each != channel_id
            and bridge_id == self.bridges.get(channel_id)
            and living.get(each) == "up"
            and each not in self.silent | self.muted
        }


class SwitchMachine(RuleBasedStateMachine):
    """The switch; every far end says its own channel id, so that it is known by its sound."""

    @initialize()
    def begin(self):
        self.world = switch_world.World(TOLD, named_by_channel=True)
        self.auditor = Auditor()
        self.company = Company()
        self.commands: list[Command] = []
        self.judged = 0
        self.ghosts = 0

    def judge(self):
        """Let the auditor judge what was told since; it."""
        told = self.world.events[self.judged :]
        self.judged = len(self.world.events)
        for event in told:
            self.auditor.told(event, self.world.now)
        return told

    @rule(channel_id=channel_ids)
    def call(self, channel_id):
        self.world.call(channel_id)
        self.judge()

    @rule(command=commands)
    def perform(self, command):
        self.auditor.asked(command)
        self.company.asked(command, self.auditor.living)
        self.commands.append(command)
        self.world.perform(command)
        self.judge()

    @rule(milliseconds=durations)
    def wait(self, milliseconds):
        self.world.wait(milliseconds)
        self.judge()

    @rule()
    def wait_for_what_is_due(self):
        due = self.world.carrier.next_due()
        if due is not None:
            self.world.wait(due - self.world.now)
            assert self.judge(), "due, and nothing was told"

    @rule(channel_id=channel_ids, digits=keys)
    def press(self, channel_id, digits):
        if self.auditor.living.get(channel_id) == "up":
            self.world.press(channel_id, digits)
            self.judge()

    @rule(channel_id=channel_ids)
    def hang_up(self, channel_id):
        if channel_id in self.auditor.living:
            self.world.hang_up(channel_id)
            assert any(isinstance(event, ChannelHungUp) for event in self.judge())

    @rule(share=st.floats(0, 1))
    def repeat_the_latest_run(self, share):
        before = self.standing()
        self.world.perform(*self.commands[int(share * len(self.commands)) :])
        assert self.judge() == []
        assert self.standing() == before

    def standing(self):
        circuits = self.world.carrier._board.circuits.values()
        kept = [(each.operation, each.typed, each.ahead, each.music) for each in circuits]
        hears = [self.world.network.far[each.channel_id].hears for each in circuits]
        return self.world.carrier.channels(), self.world.carrier.next_due(), kept, hears

    @rule()
    def restart(self):
        """The center remembers a call that never was; of the others nothing new is told."""
        self.ghosts += 1
        ghost = Channel(
            channel_id=f"ghost {self.ghosts}", direction="inbound", address="", state="up"
        )
        self.world.carrier.adopt([ghost, *self.world.carrier.channels()], self.world.now)
        self.world.settle()
        assert [(type(event), event.channel_id) for event in self.judge()] == [
            (ChannelHungUp, ghost.channel_id)
        ]

    @invariant()
    def the_living_are_held(self):
        held = {each.channel_id: each.state for each in self.world.carrier.channels()}
        assert held == self.auditor.living

    @invariant()
    def nobody_else_has_a_leg(self):
        legs = {each.leg_id for each in self.world.network.far.values() if not each.closed}
        assert legs == set(self.auditor.living)

    @invariant()
    def everybody_hears_whom_he_should(self):
        for channel_id, state in self.auditor.living.items():
            far = self.world.network.far[channel_id]
            if state == "up" and not far.is_played_to and channel_id in self.company.bridges:
                assert set(far.hears) == self.company.heard_by(channel_id, self.auditor.living)

    @invariant()
    def what_is_dialled_does_not_ring_for_ever(self):
        ringing = [each for each in self.world.carrier.channels() if each.state == "ringing"]
        if any(each.direction == "outbound" for each in ringing):
            due = self.world.carrier.next_due()
            assert due is not None
            assert due <= self.world.now + LONGEST


TestCarrierMachine = CarrierMachine.TestCase
TestCarrierMachine.settings = settings(
    max_examples=250,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

TestSwitchMachine = SwitchMachine.TestCase
TestSwitchMachine.settings = settings(TestCarrierMachine.settings, max_examples=100)
