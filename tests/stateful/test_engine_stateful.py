"""The engine under whatever anybody may ask of it, sensible or not, in time or late.

engine_twins says what is held against every command. Left out is CompleteContact, a consequence
that only the engine may ask for, in a state that fits.
"""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from engine_builders import (
    NUMBER,
    ProfileOf,
    a_center,
    a_content,
    an_action,
    proficiencies,
    steps_in,
    to_queue,
)
from ringfloor.base.errors import Refusal
from ringfloor.domain import commands, dialogue
from ringfloor.domain.commands import Command
from ringfloor.domain.contact import Contact, Reference
from ringfloor.domain.events import ContactCompleted
from ringfloor.domain.resources import KINDS
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.engine import engine
from stateful.engine_twins import TwinDriver

PICK = st.integers(0, 11)
"""Picks from lists of any length, round and round; small numbers shrink well."""

ROWS = (
    "sales, sales/CHAT",
    "",
    "sales 2, support 1",
    "sales 1 +10, support 2",
    "sales 1 +5, sales/CHAT 1, support 1 +10",
    "sales 1 +10, sales/CHAT 1 +10, support/CHAT +10, support +5",
    "sales/CHAT 1 +5, support/TASK 2, support",
    "support/CHAT, sales/CHAT 2, sales/TASK 1 +20",
)
MIXES = ("", "VOICE", "CHAT", "VOICE CHAT TASK")
SOUGHT = ("French>=3", "French=2&Dutch>=1", "!Dutch:2-4", "a1|a2", "French>=5/!a1")
STATUSES = ("Available", "Offline", "Break", "Lunch")
WAITS = (0, 1, 999, 1_000, 5_000, 10_000, 20_000, 60_000)
HEARD: tuple[dialogue.Heard, ...] = (
    dialogue.Done(),
    dialogue.Failed("NoMatchingError"),
    dialogue.Failed("QueueAtCapacity"),
    dialogue.Digits("1", "max_digits"),
    dialogue.Digits("", "no_input"),
    dialogue.Answer({"k": "v"}),
    dialogue.Answer([1, {"deep": None}]),
)
REASONS = ("CUSTOMER_DISCONNECT", "TELECOM_BUSY", "TELECOM_PROBLEM")


FITS: dict[str, tuple[Any, ...]] = {
    "CONNECTING": (commands.AcceptContact, commands.AcceptContact, commands.RejectContact),
    "CONNECTED": (commands.HoldContact, commands.LeaveContact),
    "CONNECTED_ONHOLD": (commands.ResumeContact, commands.LeaveContact),
    "MISSED": (commands.ClearContact,),
    "REJECTED": (commands.ClearContact,),
    "ENDED": (commands.ClearContact,),
}
"""What an agent may do with a contact, by its state."""


def talkative(queue_id: str, other_flow: str) -> str:
    """Asks of the world whatever can be asked, then enters a queue; failures go round."""
    parameters: dict[str, Any] = {"LambdaFunctionARN": "f"}
    return a_content(
        an_action("hello", "MessageParticipant", {"Text": "Hello"}, "menu", NoMatchingError="ask"),
        an_action(
            "menu",
            "GetParticipantInput",
            {"Text": "Press 1", "InputTimeLimitSeconds": "5"},
            "ask",
            NoMatchingError="ask",
            NoMatchingCondition="ask",
            InputTimeLimitExceeded="hello",
        ),
        an_action("ask", "InvokeLambdaFunction", parameters, "note", NoMatchingError="away"),
        an_action("note", "UpdateContactAttributes", {"Attributes": {"k": "$.External.k"}}, "aim"),
        an_action(
            "target",
            "UpdateContactTargetQueue",
            {"QueueId": queue_id},
            "enter",
            NoMatchingError="x",
        ),
        an_action(
            "enter", "TransferContactToQueue", {}, "x", QueueAtCapacity="hello", NoMatchingError="x"
        ),
        an_action("away", "TransferToFlow", {"ContactFlowId": other_flow}, NoMatchingError="x"),
        an_action("x", "DisconnectParticipant"),
    )


class Whatever(RuleBasedStateMachine):
    """One center, and everybody who asks something of it."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(engine, "REACTIONS_PER_COMMAND_MAX", 10_000)

    def teardown(self) -> None:
        self.patch.undo()

    @initialize(seed=st.integers(0, 99), waiting=st.integers(0, 3), available=st.integers(0, 3))
    def begin(self, seed: int, waiting: int, available: int) -> None:
        self.driver = TwinDriver(seed)
        a_center(
            agents={"a1": "p1", "a2": "p1", "a3": "p2"},
            queues=["sales", "support"],
            profiles={
                "p1": ProfileOf("sales 1, sales/CHAT 2", chat=2, mixes="VOICE CHAT"),
                "p2": ProfileOf("sales 1 +10, support 2, support/TASK 1", chat=1, task=2),
            },
            work_s=5,
            driver=self.driver,
        )
        ids = self.driver.ids
        self.driver.a_flow("talk", talkative(ids["sales"], ids["to support"]))
        for alias in ("a1", "a3"):
            self.driver.way_to(alias)
        self.center = self.driver.center
        self.security = self.center.named("security_profile", "Agent")
        self.users = ["a1", "a2", "a3"]
        self.made = 0
        self.arrive("VOICE", 0, 0, waiting)
        self.arrive("CHAT", 0, 0, waiting)
        for alias in self.users[:available]:
            self.ask(commands.SetAgentStatus(ids[alias], ids["Available"]))

    def ask(self, command: Command) -> None:
        with suppress(Refusal):
            self.driver.run(command)

    # Picking

    def agent(self, pick: int) -> str:
        return [*(self.driver.ids[each] for each in self.users), "nobody"][
            pick % (len(self.users) + 1)
        ]

    def contact(self, pick: int) -> str:
        known = list(self.center.contacts)
        return [*known, "c1", "nobody"][pick % (len(known) + 2)]

    def resource(self, kind: str, pick: int) -> str:
        known = list(self.center.resources[kind])
        return [*known, "nowhere"][pick % (len(known) + 1)]

    # Time

    @rule(wait=st.sampled_from(WAITS))
    def time_passes(self, wait: int) -> None:
        """Everything happens when it is due."""
        until = self.driver.at + wait
        while (due := engine.next_deadline(self.center)) is not None and due <= until:
            self.driver.at = max(due, self.driver.at)
            self.ask(commands.Expire())
        self.driver.at = until
        self.ask(commands.Expire())

    @rule(late=st.sampled_from((0, 0, *WAITS)), look=st.booleans())
    def time_passes_unnoticed(self, late: int, *, look: bool) -> None:
        """To the next deadline or beyond it; then others come first, or there is one late look."""
        due = engine.next_deadline(self.center)
        if due is not None:
            self.driver.at = max(due + late, self.driver.at)
        if look:
            self.ask(commands.Expire())

    @rule()
    def snapshot(self) -> None:
        self.driver.snapshot()

    # Contacts

    @rule(channel=st.sampled_from(CHANNELS[:3]), way=PICK, old=PICK, count=st.integers(1, 3))
    def arrive(self, channel: Any, way: int, old: int, count: int) -> None:
        ways = ("to sales", "to support", "to sales", "to support", "talk", "to a1", "to a3")
        for _ in range(count):
            self.made += 1
            self.ask(
                commands.StartInboundContact(
                    contact_id=f"c{self.made}" if old < 11 else self.contact(way),
                    channel=channel,
                    from_number="+1",
                    flow_id=self.driver.ids[ways[way]] if way < len(ways) else None,
                    to=None if way < len(ways) else NUMBER,
                )
            )

    @rule(way=PICK, token=st.sampled_from([None, "k", "l"]), queue=PICK)
    def dial(self, way: int, token: str | None, queue: int) -> None:
        ways = (*(self.driver.ids[each] for each in ("to sales", "talk", "to sales")), "nowhere")
        self.ask(
            commands.StartOutboundContact(
                to="+2",
                from_number=NUMBER,
                flow_id=ways[way % 4],
                queue_id=self.resource("queue", queue) if queue < 5 else None,
                client_token=token,
                dial_ms=10_000,
            )
        )

    @rule(
        what=st.sampled_from(["answers", "answers", "leaves", "stopped", "agent lost", "says"]),
        contact=PICK,
        reason=st.sampled_from(REASONS),
        text=st.sampled_from(["", "v", "x" * 20_000]),
    )
    def contact_does(self, what: str, contact: int, reason: Any, text: str) -> None:
        dialled = [each.id for each in self.center.contacts.values() if each.stage == "DIALING"]
        contact_id = self.contact(contact)
        match what:
            case "answers":
                self.ask(commands.ConnectSystem(dialled[-1] if dialled else contact_id))
            case "leaves":
                self.ask(commands.LoseChannel(contact_id, reason))
            case "stopped":
                self.ask(commands.StopContact(contact_id))
            case "agent lost":
                self.ask(commands.LoseAgent(contact_id))
            case _:
                self.ask(commands.UpdateAttributes(contact_id, {"kl"[contact % 2]: text}))

    @rule(
        contact=PICK,
        priority=st.sampled_from([None, None, 1, 5, 9, 2**63 - 1]),
        age=st.sampled_from([None, None, 0, 20_000, -20_000, -(2**31) * 1_000]),
    )
    def contact_is_ranked(self, contact: int, priority: int | None, age: int | None) -> None:
        self.ask(commands.UpdateRoutingData(self.contact(contact), priority, age))

    @rule(
        contact=PICK,
        first=st.sampled_from(SOUGHT),
        seconds=st.sampled_from(["", "5", "10"]),
        then=st.sampled_from(["", *SOUGHT]),
        priority=st.sampled_from([None, 1]),
    )
    def contact_seeks(
        self, contact: int, first: str, seconds: str, then: str, priority: int | None
    ) -> None:
        words = ", ".join(each for each in (f"{first} {seconds}", then) if each)
        steps = steps_in(words, self.driver.ids)
        self.ask(commands.UpdateRoutingData(self.contact(contact), priority, steps=steps))

    @rule(agent=PICK, french=st.integers(0, 5), dutch=st.integers(0, 5))
    def agent_learns(self, agent: int, french: int, dutch: int) -> None:
        levels = {"French": french, "Dutch": dutch}
        words = " ".join(f"{name}={level}" for name, level in levels.items() if level)
        rows = proficiencies(self.center, words)
        self.ask(commands.UpdateResource("user", self.agent(agent), {"Proficiencies": rows}))

    @rule(agent=PICK, contact=PICK)
    def contact_is_given_away(self, agent: int, contact: int) -> None:
        self.ask(commands.AssignContact(self.contact(contact), self.agent(agent)))

    @rule(
        contact=PICK,
        what=st.sampled_from(["attributes", "tags", "data", "schedule", "expire"]),
        ended=st.booleans(),
        many=st.sampled_from([1, 1, 4, 30]),
    )
    def contact_is_changed(self, contact: int, what: str, many: int, *, ended: bool) -> None:
        """Live, or ended a moment ago and with its record."""
        record = self.last_completed() if ended else None
        contact_id = record.id if record else self.contact(contact)
        names = [f"{(contact + n) % 60}" for n in range(many)]
        match what:
            case "attributes":
                pairs = dict.fromkeys(names, "x" * 1_500)
                self.ask(commands.UpdateAttributes(contact_id, pairs, record))
            case "tags":
                tags = {name: None if int(name) % 3 == 0 else "v" for name in names}
                self.ask(commands.TagContact(contact_id, tags, record))
            case "data":
                self.ask(
                    commands.UpdateContact(
                        contact_id=contact_id,
                        name=names[0],
                        references={name: Reference("URL", "u") for name in names},
                        segment_attributes={"k": names[0]},
                        record=record,
                    )
                )
            case "schedule":
                self.ask(commands.UpdateSchedule(contact_id, self.driver.at + many * 1_000))
            case _:
                self.ask(commands.ExpireRecords())

    def last_completed(self) -> Contact | None:
        for _, happened in reversed(self.driver.log):
            for event in happened:
                if isinstance(event, ContactCompleted):
                    return event.contact
        return None

    @rule(contact=PICK, heard=st.sampled_from(HEARD), off=st.sampled_from([0, 0, 0, -1, 1]))
    def world_says(self, contact: int, heard: dialogue.Heard, off: int) -> None:
        waiting = [
            (each.id, run.number)
            for each in self.center.contacts.values()
            for run in each.runs.values()
            if run.ask is not None
        ]
        contact_id, ask = waiting[contact % len(waiting)] if waiting else (self.contact(contact), 0)
        self.ask(commands.Hear(contact_id, ask + off, heard))

    # Agents

    @rule(pick=PICK, way=PICK, more=st.integers(0, 2))
    def agents_work(self, pick: int, way: int, more: int) -> None:
        """Agents do what fits the contacts that they have."""
        for step in range(1 + more):
            pairs = [
                (agent.id, held)
                for agent in self.center.agents.values()
                for held in agent.contacts.values()
            ]
            if pairs:
                agent_id, held = pairs[(pick + step) % len(pairs)]
                fits = FITS[held.state]
                self.ask(fits[(way + step) % len(fits)](agent_id, held.contact_id))

    @rule(agent=PICK, contact=PICK, way=PICK)
    def agent_errs(self, agent: int, contact: int, way: int) -> None:
        """Something, whether it fits or not."""
        every = [command for commands_ in FITS.values() for command in commands_]
        agent_id = self.agent(agent)
        self.ask(every[way % len(every)](agent_id, self.contact(contact)))

    @rule(agent=PICK, status=st.sampled_from((*STATUSES, "Available", "Available", "nowhere")))
    def agent_chooses(self, agent: int, status: str) -> None:
        status_id = self.driver.ids.get(status, status)
        self.ask(commands.SetAgentStatus(self.agent(agent), status_id))

    # Consequences, asked for out of turn

    @rule(agent=PICK, contact=PICK)
    def out_of_turn(self, agent: int, contact: int) -> None:
        agent_id, contact_id = self.agent(agent), self.contact(contact)
        self.ask(commands.MatchAgent(agent_id))
        self.ask(commands.MatchContact(contact_id))
        self.ask(commands.Advance(contact_id))
        if agent_id != "nobody":
            self.ask(commands.TakeNextStatus(agent_id))

    # The directory

    @rule(
        profile=st.sampled_from(["p1", "p2"]),
        rows=st.sampled_from(ROWS),
        chat=st.integers(0, 3),
        mixes=st.sampled_from(MIXES),
        part=st.sampled_from(["rows", "rows", "slots", "both"]),
    )
    def profile_changes(self, profile: str, rows: str, chat: int, mixes: str, part: str) -> None:
        changes = ProfileOf(rows, chat=chat, task=1, mixes=mixes).properties(self.driver.ids)
        if part != "both":
            del changes["MediaConcurrencies" if part == "rows" else "QueueConfigs"]
        profile_id = self.driver.ids[profile]
        self.ask(commands.UpdateResource("routing_profile", profile_id, changes))

    @rule(
        agent=PICK,
        profile=PICK,
        limit=st.sampled_from([0, 5, 20]),
        accepts=st.booleans(),
        part=st.booleans(),
    )
    def user_changes(
        self, agent: int, profile: int, limit: int, *, accepts: bool, part: bool
    ) -> None:
        phone = {"AfterContactWorkTimeLimit": limit, "AutoAccept": accepts}
        profile_id = self.resource("routing_profile", profile)
        changes = {"PhoneConfig": phone} if part else {"RoutingProfileId": profile_id}
        self.ask(commands.UpdateResource("user", self.agent(agent), changes))

    @rule(
        kind=st.sampled_from(
            ["queue", "queue", "agent_status", "tag", "again", "outbound", "instance"]
        ),
        which=PICK,
        most=st.sampled_from([None, None, 0, 1, 3]),
        able=st.sampled_from(["ENABLED", "ENABLED", "DISABLED"]),
        name=st.sampled_from(["Offline", "Away"]),
    )
    def something_changes(
        self, kind: str, which: int, most: int | None, able: str, name: str
    ) -> None:
        match kind:
            case "queue":
                changes = {"MaxContacts": most, "Status": able}
                self.ask(commands.UpdateResource(kind, self.resource(kind, which), changes))
            case "agent_status":
                changes = {"State": able} if most is None else {"Name": name}
                self.ask(commands.UpdateResource(kind, self.resource(kind, which), changes))
            case "tag":
                tags = {"k": "v", "l": None}
                self.ask(commands.TagResource("queue", self.resource("queue", which), tags))
            case "again":
                self.ask(
                    commands.CreateInstance(
                        instance_id="i", region="r", account="a", alias="b", properties={}
                    )
                )
            case "outbound":
                changes = {"OutboundCallsEnabled": able == "ENABLED"}
                self.ask(commands.UpdateInstance(changes))
            case _:
                if self.center.contacts:  # else it would be over
                    self.ask(commands.DeleteInstance())

    @rule(
        flow=st.sampled_from(["talk", "to sales"]),
        status=st.sampled_from(["PUBLISHED", "PUBLISHED", "SAVED"]),
        content=PICK,
    )
    def flow_changes(self, flow: str, status: str, content: int) -> None:
        ids = self.driver.ids
        found = (
            talkative(ids["sales"], ids["talk"]),
            to_queue({"QueueId": ids["support"]}),
            to_queue({"QueueId": ids["sales"]}),
            a_content(an_action("hello", "MessageParticipant", {"Text": "Hello"}, "hello")),
            "no JSON",
        )
        changes = {"Status": status, "Content": found[content % len(found)]}
        self.ask(commands.UpdateResource("contact_flow", ids[flow], changes))

    @rule(name=st.sampled_from(["a1", "a4", "a5"]), profile=PICK)
    def user_comes(self, name: str, profile: int) -> None:
        create = commands.CreateResource(
            kind="user",
            properties={
                "Username": name,
                "RoutingProfileId": self.resource("routing_profile", profile),
                "SecurityProfileIds": [self.security],
            },
            quota=4,
        )
        before = set(self.center.agents)
        self.ask(create)
        for new in sorted(set(self.center.agents) - before):
            self.driver.name(name, new)
            self.users.append(name)

    @rule(kind=st.sampled_from(sorted(KINDS)), which=PICK)
    def something_goes(self, kind: str, which: int) -> None:
        self.ask(commands.DeleteResource(kind, self.resource(kind, which)))
        self.users = [each for each in self.users if self.driver.ids[each] in self.center.agents]


Whatever.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
TestWhatever = Whatever.TestCase
