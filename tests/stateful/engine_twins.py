"""Twins: a driver that holds every command against what decide, replay and snapshots promise.

After every command: the invariants hold; the decision, taken twice before, has written nothing and
said the same; a refusal, or nothing, has changed nothing; the outcome survives its encoding; a
follower that only reads the log is an equal center; so is a twin that was restored from a snapshot
some commands ago and was asked the same since, with the same answers.
"""

from typing import Any

from engine_builders import Driver, contents, differences
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import Seed
from ringfloor.domain.commands import Command
from ringfloor.domain.events import Outcome, decode_outcome, encode_outcome
from ringfloor.engine import engine
from ringfloor.engine.engine import Done
from ringfloor.engine.invariants import violations
from ringfloor.engine.state import Center


class TwinDriver(Driver):
    """A center, its follower and its twin."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.follower = Center()
        self.twin = Center()

    def snapshot(self) -> None:
        """The twin starts anew from a snapshot of now."""
        image = engine.image(self.center)
        self.twin = engine.restore(image)
        assert engine.image(self.twin) == image
        self._same(self.twin)

    def run(self, command: Command) -> Done:
        seed = self.deal()
        before = contents(self.center)
        said = self._decided(command, seed)
        assert contents(self.center) == before, "decide wrote"
        try:
            done = engine.run(self.center, command, self.at, seed)
        except Refusal as refusal:
            refused = refusal
        else:
            self._carried_out(command, seed, said, done)
            if not done.events:
                assert contents(self.center) == before, "nothing happened, and something changed"
            self.watch(command, done)
            return done
        assert isinstance(said, Refusal)
        assert contents(self.center) == before, "a refusal changed something"
        try:
            engine.run(self.twin, command, self.at, seed)
        except Refusal:
            self.watch(command, refused)
            raise
        raise AssertionError(f"the twin does not refuse {command}")

    def _decided(self, command: Command, seed: Seed) -> tuple[Any, ...] | Refusal:
        """What decide says now, as often as one asks: events, or a refusal."""
        now, self.center.at = self.center.at, self.at
        said: list[tuple[Any, ...] | Refusal] = []
        for _ in range(2):
            try:
                said.append(engine.decide(self.center, command, seed))
            except Refusal as refusal:
                said.append(refusal)
        self.center.at = now
        assert repr(said[0]) == repr(said[1])
        return said[0]

    def _carried_out(self, command: Command, seed: Seed, said: Any, done: Done) -> None:
        assert done.events[: len(said)] == said
        found = violations(self.center)
        assert not found, f"{command}: {found}"
        payload = encode_outcome(Outcome(self.at, done.events))
        outcome = decode_outcome(payload)
        assert outcome == Outcome(self.at, done.events)
        if done.events:
            self.log.append((self.at, done.events))
            self.bytes.append(payload)
        for event in outcome.events:
            engine.apply(self.follower, event, outcome.at)
        self._same(self.follower)
        assert engine.run(self.twin, command, self.at, seed) == done
        self._same(self.twin)
        assert encode_outcome(Outcome(self.at, done.events)) == payload, "rewritten"

    def _same(self, other: Center) -> None:
        found = differences(self.center, other)
        assert not found, found
