"""World: a contact center under seeded callers, agents and supervisors, on virtual time.

    world = World(7)
    world.live(300)      so many things happen, in any order that seed 7 draws
    world.end()          everybody goes home; everything is over

The auditor watches every command, the invariants are checked after each. Times are mostly whole
seconds, so that things fall together often. A run is its number: the same number, the same events.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from engine_builders import (
    NUMBER,
    Driver,
    ProfileOf,
    a_center,
    a_content,
    an_action,
    proficiencies,
    steps_in,
)
from ringfloor.base.codec import decoder, encode
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import generator
from ringfloor.base.time import SECOND, Duration
from ringfloor.domain import commands, dialogue
from ringfloor.domain.commands import Command
from ringfloor.domain.contact import Contact, Reference
from ringfloor.domain.facts import Amendment, Leg
from ringfloor.engine.engine import Done
from ringfloor.projections.records import Records, amended
from simulation.auditor import Auditor
from simulation.deeds import MORE, furnish

QUEUES = ("sales", "support", "orders")
CHANNELS = ("VOICE", "VOICE", "CHAT", "TASK")
STATUSES = ("Available", "Available", "Available", "Break", "Lunch", "Offline")
WAITS = (0, 0, 0, 1, 999, SECOND, SECOND, 2 * SECOND, 2 * SECOND, 5 * SECOND, 20 * SECOND)
DELAYS = (0, 0, 0, 5, 10, 20)
LEAVABLE = ("CONNECTED", "CONNECTED_ONHOLD", "CONNECTED", "PENDING", "CONNECTING")
SKILLS = ("French", "Dutch")
SOUGHT = (
    "French>=3",
    "French=2",
    "Dutch:2-4",
    "French>=1&Dutch>=2",
    "!Dutch>=3",
    "French>=5/Dutch>=5/a1",
    "a1|a2",
    "!a2&French>=1",
)

read_contact = decoder(Contact).decode


DESK = {"PhoneType": "DESK_PHONE", "DeskPhoneNumber": "+12065550190"}


def by_himself(*, accepts: bool) -> dict[str, Any]:
    """Settings of a user who takes what rings at once, callbacks of the agent-first kind too."""
    callbacks = {"Channel": "VOICE", "AutoAccept": accepts, "AgentFirstCallbackAutoAccept": accepts}
    return {"PhoneConfig": {"AutoAccept": accepts}, "AutoAcceptConfigs": [callbacks]}


class World:
    """One center and everybody who has to do with it."""

    def __init__(
        self,
        number: int,
        *,
        checked: bool = True,
        driver: type[Driver] = Driver,
        late: bool = False,
    ) -> None:
        """late: nobody looks at the schedule in time; without the auditor, who expects that."""
        self.dice = generator(number)
        self.late = late
        self.auditor = Auditor()
        self.records = Records()
        self.history: dict[str, bytes] = {}
        """What the history has of contacts that are final."""
        self.arrived = 0
        self.driver = driver(number, checked=checked, watch=self.watch)
        a_center(
            agents={f"a{n}": f"p{n % 3}" for n in range(self.dice.randint(3, 6))},
            queues=QUEUES,
            profiles={f"p{n}": self.profile() for n in range(3)},
            work_s=self.dice.choice((0, 5, 20)),
            driver=self.driver,
        )
        self.driver.a_flow("talk", self.talk())
        for agent in self.agents():
            self.driver.way_to(agent)
        furnish(self)
        for agent in self.agents():
            if self.dice.random() < 0.2:
                self.driver.update("user", agent, **by_himself(accepts=True))
            if self.dice.random() < 0.3:
                self.driver.update("user", agent, PhoneConfig=DESK)
            self.learns(agent)
            if self.dice.random() < 0.7:
                self.driver.available(agent)

    def watch(self, command: Command, done: Done | Refusal) -> None:
        if not isinstance(done, Refusal):
            self.keep(done)
        if self.late:
            return
        if isinstance(done, Refusal):
            self.auditor.refused(command)
        else:
            self.auditor.on(command, self.driver.at, done.events, done.answer)

    def keep(self, done: Done) -> None:
        for event in done.events:
            for fact in self.records.on(event, self.driver.at):
                if isinstance(fact, Leg):
                    self.history[fact.contact_id] = fact.record
                elif isinstance(fact, Amendment):
                    contact_id = fact.change.contact_id
                    self.history[contact_id] = encode(amended(self.history[contact_id], fact))

    def live(self, steps: int) -> None:
        deeds, weights = zip(*DEEDS.items(), strict=True)
        for deed in self.dice.choices(deeds, weights, k=steps):
            self.passes(self.dice.choice(WAITS))
            self.driver.answers = self.late or self.dice.random() < 0.8
            deed(self)

    def passes(self, wait: Duration) -> None:
        if self.late:
            self.driver.at += wait
            if self.dice.random() < 0.5:
                self.ask(commands.Expire())
        else:
            self.driver.pass_time(wait)

    def end(self) -> None:
        """All contacts are stopped, or their customers and agents hang up; all agents go home."""
        self.driver.answers = True
        for _ in range(8):
            for contact in list(self.driver.center.contacts.values()):
                self.ask(commands.StopContact(contact.id))
                self.ask(commands.LoseChannel(contact.customer_leg or contact.id, "OTHER"))
                self.ask(commands.LoseAgent(contact.id, contact.agent_legs))
            for agent in self.agents():
                here, away = self.driver.ids[agent], self.driver.ids["Offline"]
                self.ask(commands.SetAgentStatus(here, away))
                for contact_id in list(self.driver.center.agents[here].contacts):
                    self.ask(commands.LeaveContact(here, contact_id))
                    self.ask(commands.ClearContact(here, contact_id))
            self.driver.pass_time(60 * SECOND)
        assert not self.driver.center.contacts, self.driver.center.contacts
        self.driver.pass_time(3600 * SECOND)
        if not self.late:
            self.auditor.finished()

    def digest(self) -> str:
        """Of the whole log, as it was encoded."""
        return blake2b(b"".join(self.driver.bytes)).hexdigest()

    # Drawing

    def ask(self, command: Command) -> str | None:
        """The answer, or None where the command is refused; people are often too late."""
        try:
            return self.driver.run(command).answer
        except Refusal:
            return None

    def agents(self) -> list[str]:
        return [alias for alias in self.driver.ids if alias[0] == "a" and alias[1:].isdigit()]

    def agent(self) -> str:
        return self.driver.ids[self.dice.choice(self.agents())]

    def contact(self, *stages: str) -> str:
        """A live contact, in one of these stages if there is one; else nobody's."""
        contacts = self.driver.center.contacts.values()
        found = [each.id for each in contacts if not stages or each.stage in stages]
        return self.dice.choice(found) if found else "nobody"

    def held(self, *states: str) -> tuple[str, str]:
        """An agent and a contact that he holds in one of these states; sometimes anything."""
        found = [
            (agent.id, held.contact_id)
            for agent in self.driver.center.agents.values()
            for held in agent.contacts.values()
            if held.state in states
        ]
        if not found or self.dice.random() < 0.05:
            return self.agent(), self.contact()
        return self.dice.choice(found)

    def profile(self) -> ProfileOf:
        rows = [
            f"{queue}/{channel} {self.dice.randint(1, 3)} +{self.dice.choice(DELAYS)}"
            for queue in QUEUES
            for channel in ("VOICE", "CHAT", "TASK")
            if self.dice.random() < 0.6
        ]
        return ProfileOf(
            ", ".join(rows),
            chat=self.dice.randint(0, 3),
            task=self.dice.randint(0, 2),
            mixes=" ".join(each for each in set_of(CHANNELS) if self.dice.random() < 0.5),
        )

    def talk(self) -> str:
        """A flow that says something, notes it, and goes to a queue."""
        target = {"QueueId": self.driver.ids["sales"]}
        note = {"Attributes": {"greeted": "$.Channel"}}
        return a_content(
            an_action(
                "hello", "MessageParticipant", {"Text": "Hello"}, "note", NoMatchingError="note"
            ),
            an_action("note", "UpdateContactAttributes", note, "aim"),
            an_action("aim", "UpdateContactTargetQueue", target, "enter", NoMatchingError="x"),
            an_action("enter", "TransferContactToQueue", {}, "x", QueueAtCapacity="x"),
            an_action("x", "DisconnectParticipant"),
        )

    # What customers do

    def arrives(self) -> None:
        self.arrived += 1
        ways = (*QUEUES, *QUEUES, self.dice.choice(self.agents()))
        way = self.dice.choice(ways)
        self.ask(
            commands.StartInboundContact(
                contact_id=f"c{self.arrived}",
                channel=self.dice.choice(CHANNELS),
                from_number="+12065550100",
                flow_id=self.driver.ids["talk" if self.dice.random() < 0.1 else f"to {way}"],
            )
        )

    def dials(self) -> None:
        self.ask(
            commands.StartOutboundContact(
                to="+12065550100",
                from_number=NUMBER,
                flow_id=self.driver.ids[f"to {self.dice.choice(QUEUES)}"],
                client_token=self.dice.choice((None, "k", "l", "m")),
                dial_ms=self.dice.choice((10 * SECOND, 60 * SECOND)),
            )
        )

    def answers(self) -> None:
        self.ask(commands.ConnectSystem(self.contact("DIALING")))

    def hears(self) -> None:
        contact_id = self.contact("IN_FLOW")
        contact = self.driver.center.contacts.get(contact_id)
        ask = contact.asks - (self.dice.random() < 0.1) if contact else 0
        heard = self.dice.choice((dialogue.Done(), dialogue.Failed("NoMatchingError")))
        self.ask(commands.Hear(contact_id, ask, heard))

    def leaves(self) -> None:
        self.ask(commands.LoseChannel(self.contact(), "CUSTOMER_DISCONNECT"))

    def is_busy(self) -> None:
        self.ask(commands.LoseChannel(self.contact("DIALING"), "TELECOM_BUSY"))

    def is_stopped(self) -> None:
        self.ask(commands.StopContact(self.contact()))

    def known(self) -> tuple[str, Contact | None]:
        """A contact, live or final, with its record; seldom a final one without."""
        final = [each for each in self.history if each not in self.driver.center.contacts]
        if not final or self.dice.random() < 0.5:
            return self.contact(), None
        contact_id = self.dice.choice(final[-2:])
        lost = self.dice.random() < 0.1
        return contact_id, None if lost else read_contact(self.history[contact_id])

    def says_more(self) -> None:
        text = "x" * self.dice.choice((1, 20_000, 20_000))
        contact_id, record = self.known()
        self.ask(commands.UpdateAttributes(contact_id, {self.dice.choice("kl"): text}, record))

    def is_tagged(self) -> None:
        contact_id, record = self.known()
        tags = {key: self.dice.choice(("v", "w", None)) for key in self.dice.sample("abcdefgh", 3)}
        self.ask(commands.TagContact(contact_id, tags, record))

    def is_described(self) -> None:
        contact_id, record = self.known()
        number = self.dice.randrange(100)
        self.ask(
            commands.UpdateContact(
                contact_id=contact_id,
                name=self.dice.choice((None, "", "Jane")),
                references={f"{n}": Reference("STRING", "x") for n in range(number, number + 20)},
                record=record,
            )
        )

    def is_ranked(self) -> None:
        contact_id = self.contact(*self.dice.choice((("IN_QUEUE",), ("IN_QUEUE", "OFFERED"), ())))
        priority, age = self.dice.choice(((1, None), (9, None), (None, 20), (None, -20), (5, 0)))
        adjustment = None if age is None else age * SECOND
        self.ask(commands.UpdateRoutingData(contact_id, priority, adjustment))

    def seeks(self) -> None:
        """Anybody with some skill, one of some agents, somebody else; for a while, or for ever."""
        if self.dice.random() < 0.5:
            return
        steps = [
            f"{self.dice.choice(SOUGHT)} {self.dice.choice(('', '5', '10', '20'))}"
            for _ in range(self.dice.randint(1, 3))
        ]
        contact_id = self.contact("IN_QUEUE", "IN_QUEUE", *self.dice.choice((("OFFERED",), ())))
        rank = self.dice.choice((None, None, 1, 7))
        parsed = steps_in(",".join(steps), self.driver.ids)
        self.ask(commands.UpdateRoutingData(contact_id, rank, steps=parsed))

    # What agents do

    def learns(self, agent: str) -> None:
        levels = {name: self.dice.randint(0, 5) for name in SKILLS}
        words = " ".join(f"{name}={level}" for name, level in levels.items() if level)
        rows = proficiencies(self.driver.center, words)
        self.ask(commands.UpdateResource("user", self.driver.ids[agent], {"Proficiencies": rows}))

    def learns_more(self) -> None:
        """Mostly somebody who is free."""
        free = [self.driver.aliases[each] for each in self.driver.center.placed]
        self.learns(self.dice.choice(free or self.agents()))

    def accepts(self) -> None:
        self.ask(commands.AcceptContact(*self.held("CONNECTING", "INCOMING")))

    def rejects(self) -> None:
        self.ask(commands.RejectContact(*self.held("CONNECTING", "INCOMING")))

    def holds(self) -> None:
        self.ask(commands.HoldContact(*self.held("CONNECTED")))

    def resumes(self) -> None:
        self.ask(commands.ResumeContact(*self.held("CONNECTED_ONHOLD")))

    def hangs_up(self) -> None:
        self.ask(commands.LeaveContact(*self.held(*LEAVABLE)))

    def clears(self) -> None:
        self.ask(commands.ClearContact(*self.held("MISSED", "REJECTED", "ERROR", "ENDED")))

    def drops_out(self) -> None:
        self.ask(commands.LoseAgent(self.contact("CONNECTED")))

    def chooses(self) -> None:
        status = self.driver.ids[self.dice.choice(STATUSES)]
        self.ask(commands.SetAgentStatus(self.agent(), status))

    # What supervisors do

    def gives(self) -> None:
        self.ask(commands.AssignContact(self.contact("IN_QUEUE", "OFFERED"), self.agent()))

    def changes_a_profile(self) -> None:
        profile = self.driver.ids[f"p{self.dice.randrange(3)}"]
        changes = self.profile().properties(self.driver.ids)
        if self.dice.random() < 0.5:
            del changes["MediaConcurrencies"]
        if self.dice.random() < 0.3:
            timers = ("TIME_SINCE_LAST_ACTIVITY", "TIME_SINCE_LAST_INBOUND")
            changes["AgentAvailabilityTimer"] = self.dice.choice(timers)
        rows = [{"QueueReference": row["QueueReference"]} for row in changes["QueueConfigs"]]
        changes["ManualAssignmentQueueConfigs"] = self.dice.sample(rows, len(rows) // 3) or None
        self.ask(commands.UpdateResource("routing_profile", profile, changes))

    def changes_an_agent(self) -> None:
        limit = self.dice.choice((0, 5, 20))
        changes = by_himself(accepts=self.dice.random() < 0.25)
        changes["PhoneConfig"]["AfterContactWorkTimeLimit"] = limit
        if self.dice.random() < 0.2:
            changes["PhoneConfig"].update(DESK)
        if self.dice.random() < 0.5:
            changes = {"RoutingProfileId": self.driver.ids[f"p{self.dice.randrange(3)}"]}
        self.ask(commands.UpdateResource("user", self.agent(), changes))

    def changes_a_queue(self) -> None:
        changes = {
            "MaxContacts": self.dice.choice((None, None, 2, 4)),
            "Status": self.dice.choice(("ENABLED", "ENABLED", "DISABLED")),
        }
        queue = self.driver.ids[self.dice.choice(QUEUES)]
        self.ask(commands.UpdateResource("queue", queue, changes))


def set_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Each word once, in order."""
    return tuple(dict.fromkeys(words))


DEEDS: dict[Callable[[World], None], int] = {
    World.arrives: 30,
    World.dials: 4,
    World.answers: 4,
    World.hears: 8,
    World.leaves: 5,
    World.is_busy: 1,
    World.is_stopped: 2,
    World.says_more: 14,
    World.is_tagged: 2,
    World.is_described: 2,
    World.is_ranked: 6,
    World.seeks: 30,
    World.gives: 2,
    World.learns_more: 8,
    World.accepts: 70,
    World.rejects: 4,
    World.holds: 5,
    World.resumes: 5,
    World.hangs_up: 14,
    World.clears: 40,
    World.drops_out: 1,
    World.chooses: 12,
    World.changes_a_profile: 3,
    World.changes_an_agent: 3,
    World.changes_a_queue: 2,
    **MORE,
}
"""What may happen next, and how often."""
