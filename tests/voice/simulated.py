"""The scenario's far ends where phones are simulated: what a probe hears, told by what they heard.

Time is virtual: whoever waits has it pass, 20 ms by 20 ms.
"""

from collections.abc import Callable
from pathlib import Path

from ringfloor.base.time import SECOND, Instant
from ringfloor.gateway.phones import Behaviour, Phones
from ringfloor.telephony.commands import Command, Media
from ringfloor.telephony.events import ChannelAnswered, ChannelHungUp, Event
from voice import scenario
from voice.probe import Line

FREQUENCIES = {
    scenario.CUSTOMER: scenario.CUSTOMER_HZ,
    scenario.AGENT: scenario.AGENT_HZ,
    scenario.THIRD: scenario.THIRD_HZ,
    scenario.CHIEF: scenario.CHIEF_HZ,
}


class SimulatedCall:
    """One call, from its far end."""

    def __init__(self, reach: "SimulatedReach", channel_id: str, number: str) -> None:
        self.reach, self.channel_id, self.number = reach, channel_id, number

    def _events(self, kind: type[Event]) -> list[Event]:
        return [
            each
            for each in self.reach.events
            if isinstance(each, kind) and each.channel_id == self.channel_id
        ]

    @property
    def by(self) -> str:
        (over,) = self._events(ChannelHungUp)
        return "far" if over.by == "local" else "probe"

    @property
    def heard(self) -> range:
        """As many samples as time has passed since it was up."""
        return range((self.reach.now - self.reach.began) * 8)

    @property
    def keys(self) -> list[tuple[str, int]]:
        pressed = [each.value for each in self._told() if each.kind == "digits"]
        return [(key, 1) for key in "".join(pressed)]

    def _told(self):
        return self.reach.carrier.heard(self.channel_id)

    def wait(self, state: str) -> "SimulatedCall":
        kind = ChannelAnswered if state == "up" else ChannelHungUp
        self.reach.until(lambda: bool(self._events(kind)), 10, lambda: f"{self.number} {state}")
        return self

    def hears(self, frequency: float, **_: float) -> bool:
        company: set[float] = set()
        sounds: list[str] = []
        for each in self._told():
            if each.kind in ("joined", "alone"):
                company = {FREQUENCIES[number] for number in each.value.split(", ") if number}
            elif each.kind in ("prompt", "music"):
                sounds = [each.value]
        playing = self.reach.plays(self.channel_id) and str(frequency) in sounds
        return frequency in company or playing

    def await_tone(self, frequency: float, **_: float) -> "SimulatedCall":
        self.reach.until(lambda: self.hears(frequency), 10, lambda: f"no {frequency}")
        return self

    def await_silence(self, frequency: float) -> "SimulatedCall":
        self.reach.until(lambda: not self.hears(frequency), 10, lambda: f"still {frequency}")
        return self

    def loud(self) -> bool:
        return self.reach.plays(self.channel_id)

    def press(self, keys: str) -> None:
        self.reach.carrier.press(self.channel_id, keys, self.reach.now)
        self.reach.turn()

    def hang_up(self) -> None:
        self.reach.carrier.hang_up(self.channel_id, self.reach.now)
        self.reach.turn()


class SimulatedReach:
    """Simulated phones on a virtual clock; carrier and trunk in one."""

    sounds = False
    spool = Path("nowhere")

    def __init__(self) -> None:
        self.now = self.began = Instant(1_700_000_000_000)
        self.events: list[Event] = []
        self.carrier = Phones(lambda event, _: self.events.append(event), playback_ms=SECOND)
        self.trunk = self
        self.calls: list[SimulatedCall] = []
        for number, line in scenario.LINES.items():
            self.carrier.tell(number, behaviour(line))
        self._dialled: dict[str, str] = {}

    def turn(self) -> None:
        self.carrier.run_due(self.now)

    def perform(self, *commands: Command) -> None:
        for command in commands:
            if hasattr(command, "to"):
                self._dialled[command.to] = command.channel_id
            self.carrier.perform(command, self.now)
        self.turn()

    def until(self, met: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
        end = self.now + int(seconds * SECOND)
        while not met():
            assert self.now < end, why()
            self.now += 20
            self.turn()

    def plays(self, channel_id: str) -> bool:
        """Whether something is played to it now, or music is on and it is alone."""
        line = self.carrier._lines.get(channel_id)
        alone = line is not None and line.bridge_id is None
        return line is not None and (
            line.operation is not None or (alone and line.music is not None)
        )

    def dial(self, to: str) -> SimulatedCall:
        self.carrier.call(scenario.CUSTOMER, to, "caller", self.now)
        self.turn()
        return self._call("caller", scenario.CUSTOMER)

    def call_to(self, number: str) -> SimulatedCall:
        return self._call(self._dialled[number], number)

    def _call(self, channel_id: str, number: str) -> SimulatedCall:
        call = SimulatedCall(self, channel_id, number)
        self.calls.append(call)
        return call

    def tone(self, frequency: float, _seconds: float) -> Media:
        return Media("prompt", str(frequency))


def behaviour(line: Line) -> Behaviour:
    if line.status is not None:
        return Behaviour({486: "busy", 404: "invalid"}[line.status])
    return Behaviour("answer" if line.answer else "no-answer", int(line.ring_seconds * SECOND))
