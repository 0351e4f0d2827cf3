"""Stage: what customers and agents of a load test share: time, chance, each other, the count.

Called by load.customers, load.desktops and load.run. Instants of the scenario are milliseconds
since the epoch, real ones seconds of the event loop's clock; all lengths of a scenario are divided
by the speed. Rules:

* Everybody acts when his time has come, whatever else is slow (open loop). By how much timers of
  this program were late is measured: it is what the program itself adds.
* A customer has one fate: handled, gave up, turned away (it was over, and nobody had spoken with
  him), or left (still there at the end). What is learnt later is truer.
* In a hurry nobody waits any more: the test is being ended.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Literal

from msgspec import Struct

from ringfloor.base.limits import LOAD_UNKNOWN_MAX
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain.vocabulary import Channel
from ringfloor.load import sockets
from ringfloor.load.building import Built
from ringfloor.load.door import Door
from ringfloor.simulator.chance import Chance
from ringfloor.simulator.distributions import Distribution
from ringfloor.simulator.scenario import Callers, Scenario

Fate = Literal["", "handled", "gave_up", "turned_away"]
Turn = Literal["served", "over", "hurry"]
VoiceDoor = Literal["phones", "outbound"]


class Figures(Struct):
    """Contacts of a channel, by what has become of them."""

    came: int = 0
    started: int = 0
    refused: int = 0
    """Could not be started."""
    unknown: int = 0
    """Nobody has answered whether they have been."""
    handled: int = 0
    gave_up: int = 0
    turned_away: int = 0
    repeated: int = 0
    """Of those who came: because they had given up before."""

    @property
    def left(self) -> int:
        """Started, and nobody knows what has become of them."""
        return self.started - self.handled - self.gave_up - self.turned_away


class Customer:
    """One customer, at one of his attempts."""

    __slots__ = (
        "attempt",
        "channel",
        "contact_id",
        "fate",
        "group",
        "name",
        "number",
        "served",
        "token",
        "turn",
    )

    def __init__(self, name: str, group: str) -> None:
        self.name = name
        """For chance."""
        self.group = group
        self.channel: Channel = "VOICE"
        self.attempt = 1
        self.number = ""
        self.contact_id = ""
        """Empty: not started yet."""
        self.token = ""
        """With which he writes in his chat."""
        self.turn: asyncio.Future[Turn] | None = None
        self.served = 0
        """How many agents he has talked with."""
        self.fate: Fate = ""

    def again(self) -> "Customer":
        """Himself, at his next attempt."""
        next_time = Customer(self.name, self.group)
        next_time.channel = self.channel
        next_time.attempt = self.attempt + 1
        next_time.served = self.served
        return next_time


class Stage:
    """One load test."""

    def __init__(
        self, door: Door, scenario: Scenario, built: Built, speed: float, voice: VoiceDoor
    ) -> None:
        self.door = door
        self.scenario = scenario
        self.built = built
        self.speed = speed
        self.voice = voice
        self.chance = Chance(scenario.seed)
        self.loop = asyncio.get_running_loop()
        self.begins = 0.0
        """When the scenario's start is, by the loop's clock."""
        self.hurry = asyncio.Event()
        self.is_open = True
        """Whether customers come."""
        self.figures: dict[Channel, Figures] = {}
        self.customers: dict[str, Customer] = {}
        """By the contact that they have."""
        self.messages: dict[str, float] = {}
        """What has been written and not heard yet, and when."""
        self.unheard = 0
        self.broken: asyncio.Future[None] = self.loop.create_future()
        """Done with the first exception that nobody has expected."""
        self._gone: OrderedDict[str, Customer] = OrderedDict()
        """Whose fate is known, in case that it was not the last word."""
        self._early: OrderedDict[str, None] = OrderedDict()
        """Contacts that agents have before we have been told that they were started."""
        self._tasks: set[asyncio.Task[None]] = set()

    # Time

    def begin(self) -> None:
        """Now is the scenario's start."""
        self.begins = self.loop.time()

    def real(self, instant: Instant) -> float:
        """When an instant of the scenario is, by the loop's clock."""
        return self.begins + self.length(instant - self.scenario.start)

    def length(self, lasts: Duration) -> float:
        """How long a length of the scenario is, in seconds."""
        return lasts / SECOND / self.speed

    def draw(self, whom: str, purpose: str, number: int, of: Distribution) -> float:
        """How long something takes, in seconds."""
        return 0.0 if of.is_zero else self.length(of.ms(self.chance.deal(whom, purpose, number)))

    async def until(self, due: float) -> None:
        """Wait for a moment, unless there is a hurry; the lag is measured."""
        if self.hurry.is_set():
            return
        began = self.loop.time()
        try:
            async with asyncio.timeout_at(due):
                await self.hurry.wait()
        except TimeoutError:
            self.late(max(due, began))

    def late(self, due: float) -> None:
        """A timer of ours has come; what was due before it was set is not its doing."""
        self.door.measures.lag.add(self.loop.time() - due)

    def now(self) -> float:
        """By the loop's clock."""
        return self.loop.time()

    # Tasks

    def spawn(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        """Let something happen beside everything else."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            error = task.exception()
            if error is not None and not self.broken.done():
                self.broken.set_exception(error)

    async def end(self) -> None:
        """Stop all that still happens."""
        while self._tasks:
            them = list(self._tasks)
            for task in them:
                task.cancel()
            await asyncio.gather(*them, return_exceptions=True)
        if self.broken.done():
            self.broken.exception()  # or it would be complained of
        else:
            self.broken.cancel()

    # Customers

    def group(self, customer: Customer) -> Callers:
        """What he is like."""
        return self.scenario.callers[customer.group]

    def of(self, channel: Channel) -> Figures:
        """The count of a channel."""
        return self.figures.setdefault(channel, Figures())

    def started(self, customer: Customer, contact_id: str) -> None:
        """His contact has been started."""
        customer.contact_id = contact_id
        customer.turn = self.loop.create_future()
        self.customers[contact_id] = customer
        self.of(customer.channel).started += 1
        self.door.measures.started(self.now())
        if contact_id in self._early:
            del self._early[contact_id]
            self.serve(customer)

    def customer(self, contact_id: str, initial_id: str = "") -> Customer | None:
        """Whose contact it is."""
        for each in (contact_id, initial_id):
            found = self.customers.get(each) or self._gone.get(each)
            if found is not None:
                return found
        return None

    def reached(self, contact_id: str, initial_id: str) -> None:
        """An agent is connected with the customer of this contact."""
        customer = self.customer(contact_id, initial_id)
        if customer is not None:
            self.serve(customer)
        else:
            self._early[contact_id] = None
            _trim(self._early)

    def serve(self, customer: Customer) -> None:
        """Somebody speaks with him."""
        customer.served += 1
        self.turn(customer, "served")

    def turn(self, customer: Customer, what: Turn) -> None:
        """What he has been waiting for, or the end of it; the first counts."""
        if customer.turn is not None and not customer.turn.done():
            customer.turn.set_result(what)

    def fated(self, customer: Customer, fate: Fate) -> None:
        """What has become of his contact."""
        figures = self.of(customer.channel)
        if customer.fate:
            setattr(figures, customer.fate, getattr(figures, customer.fate) - 1)
        setattr(figures, fate, getattr(figures, fate) + 1)
        customer.fate = fate
        self.customers.pop(customer.contact_id, None)
        self._gone[customer.contact_id] = customer
        _trim(self._gone)

    # Messages

    def wrote(self, text: str, at: float) -> None:
        """Somebody has written this."""
        self.messages[text] = at

    async def hear(self, what: str, url: str, whom: str, ready: "asyncio.Future[None]") -> bool:
        """Hear what this role writes until the web socket is closed; whether that was as it should.

        what: the socket, for the table. ready: done when it hears, or will not.
        """
        began = self.now()

        def hears() -> None:
            if not ready.done():
                self.door.measures.opened(what, began, self.now())
                ready.set_result(None)

        def told(item: sockets.Item) -> None:
            if item.get("Type") == "MESSAGE" and item.get("ParticipantRole") == whom:
                self.heard(str(item.get("Content")))

        try:
            await sockets.listen(url, hears, told)
        except sockets.Broken as error:
            self.door.measures.broke(what, self.now(), error.code)
            return False
        finally:
            if not ready.done():
                ready.set_result(None)
        return True

    def heard(self, text: str) -> None:
        """The other side has heard it."""
        at = self.messages.pop(text, None)
        if at is not None:
            self.door.measures.heard("chat message, written until heard", self.now() - at)

    def forget(self, text: str) -> None:
        """It is over, and they have not."""
        if self.messages.pop(text, None) is not None:
            self.unheard += 1


def _trim(kept: OrderedDict[str, Customer] | OrderedDict[str, None]) -> None:
    while len(kept) > LOAD_UNKNOWN_MAX:
        kept.popitem(last=False)
