"""Routing builders: contact centers of any size under steady load, by the events of routing alone.

    load = Load(agents=100, queues=5, waiting=1_000, seeking=0.1)
    load.cycle()        somebody is free, gets the next contact and talks; another one comes

Everybody talks, so many contacts wait. There are two queues to a routing profile and ten rows in
each, so that what a contact and an agent have to look at does not grow with the center. seeking:
the share of contacts with routing criteria, of which there are EXPRESSIONS.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from types import FrameType

from engine_builders import NUMBER, Driver, ProfileOf, a_center, proficiencies, steps_in
from ringfloor.base.ids import dice, generator
from ringfloor.domain import commands, events
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import Event
from ringfloor.engine import engine
from ringfloor.engine.state import Center

SKILLS = [f"s{number}" for number in range(20)]
SKILLS_PER_AGENT = 4
ROWS_PER_PROFILE = 10
EXPRESSIONS = [
    *(f"{skill}>={level}" for skill in SKILLS for level in (1, 3)),
    *(f"{one}>=2&{other}>=1" for one, other in pairwise(SKILLS)),
]
STEP_S = 1_000_000


class Load:
    """A center with so many agents, all talking, and so many contacts in line."""

    def __init__(self, *, agents: int, queues: int, waiting: int, seeking: float = 0.0) -> None:
        self.deal, self.pick = dice(1), generator(2)
        self.seeking = seeking
        self.driver = driver = Driver(checked=False)
        names = [f"q{number}" for number in range(queues)]
        count = max(queues // 2, 1)
        profiles = {
            f"p{number}": ProfileOf(
                ", ".join(
                    f"{names[(number * 2 + each) % queues]}/CHAT {each % 3 + 1}"
                    for each in range(min(ROWS_PER_PROFILE, queues))
                ),
                chat=1,
            )
            for number in range(count)
        }
        staff = {f"a{number}": f"p{number % count}" for number in range(agents)}
        a_center(agents=staff, queues=names, profiles=profiles, driver=driver)
        self.center: Center = driver.center
        self.queues = [driver.ids[name] for name in names]
        self.agents = [driver.ids[alias] for alias in staff]
        self.steps = [steps_in(f"{words} {STEP_S}", driver.ids) for words in EXPRESSIONS]
        self.at = driver.at
        self.arrived = 0
        self.routed = 0
        self.happened = 0
        driver.log.clear()
        driver.bytes.clear()
        for agent in self.agents:
            if seeking:
                rows = proficiencies(self.center, " ".join(self.levels()))
                self.ask(commands.UpdateResource("user", agent, {"Proficiencies": rows}))
            self.ask(commands.SetAgentStatus(agent, driver.ids["Available"]))
        while self.center.placed:
            self.arrive()
        while sum(self.center.queued.values()) < waiting:
            self.arrive()
        self.routed = self.happened = 0

    def levels(self) -> Iterator[str]:
        for skill in self.pick.sample(SKILLS, SKILLS_PER_AGENT):
            yield f"{skill}={self.pick.randint(1, 5)}"

    def happen(self, *happened: Event) -> None:
        for event in happened:
            engine.apply(self.center, event, self.at)
        self.happened += len(happened)

    def ask(self, command: commands.Command) -> None:
        """Carry a command out; whoever is offered a contact takes it at once."""
        self.at += 1
        done = engine.run(self.center, command, self.at, self.deal())
        self.happened += len(done.events)
        for event in done.events:
            if isinstance(event, events.ContactOffered):
                self.routed += 1
                profile = self.center.resources["user"][event.agent_id].properties
                self.happen(
                    events.ContactConnectedToAgent(
                        event.contact_id, event.agent_id, profile["RoutingProfileId"]
                    )
                )

    def arrive(self) -> None:
        self.arrived += 1
        contact_id = f"c{self.arrived}"
        born = Contact(
            id=contact_id,
            channel="CHAT",
            initiation_method="INBOUND",
            stage="IN_FLOW",
            initiated_at=self.at,
            updated_at=self.at,
            connected_to_system_at=self.at,
            customer_number=NUMBER,
        )
        self.happen(events.ContactInitiated(born))
        if self.seeking and self.pick.random() < self.seeking:
            steps = self.steps[self.pick.randrange(len(self.steps))]
            self.happen(events.RoutingCriteriaSet(contact_id, steps))
        queue = self.queues[self.pick.randrange(len(self.queues))]
        self.happen(events.ContactEnqueued(contact_id, queue, "CHAT"))
        self.ask(commands.MatchContact(contact_id))

    def cycle(self) -> None:
        """An agent hangs up and gets the next contact; a new one joins the line."""
        self.at += 1
        agent = self.agents[self.pick.randrange(len(self.agents))]
        for contact in list(self.center.agents[agent].contacts):
            self.happen(events.ContactEnded(contact, "CUSTOMER_DISCONNECT", "CONNECTED"))
            self.happen(events.ContactCleared(contact, agent))
            self.happen(events.ContactCompleted(self.center.contacts[contact]))
        self.ask(commands.MatchAgent(agent))
        self.arrive()

    def lines_per_event(self, cycles: int) -> float:
        """How many lines of Python an event executes: a cost that is the same on every machine."""
        lines = 0

        def count(_frame: FrameType, what: str, _argument: object) -> object:
            nonlocal lines
            lines += what == "line"
            return count

        before, self.happened = self.happened, 0
        sys.settrace(count)  # type: ignore[arg-type]
        try:
            for _ in range(cycles):
                self.cycle()
        finally:
            sys.settrace(None)
        spent, self.happened = self.happened, before + self.happened
        return lines / spent
