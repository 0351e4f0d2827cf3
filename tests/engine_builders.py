"""Engine builders: small contact centers on virtual time, and ledgers that tell what happens.

    center = a_center(agents=2, queues=["sales"])
    center.ledger('''
        at      command            events
        0 s     a1 status Available    AgentStatusChanged a1 Available
        3 s     c1 call sales      ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        23 s    -                  OfferMissed c1 a1 unanswered
    ''')

A line is a moment: time since the start, a command in the words of VERBS, all events that it leads
to, in order. `-` lets time pass: whatever is due. Columns are parted by two or more blanks; a line
without a time goes on with the events of the one before. Every moment is checked: no deadline is
passed over, invariants hold, the events survive their encoding. At the end of a ledger the log is
replayed and a snapshot restored; both give the same center.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import ndiff
from typing import Any, NamedTuple

from msgspec import Struct
from sortedcontainers import SortedList

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import dice
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain import chat as chats
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.commands import Command
from ringfloor.domain.contact import Agent, Contact, Run, Side
from ringfloor.domain.criteria import Step, steps_of
from ringfloor.domain.events import Event, Outcome, decode_outcome, encode_outcome
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine import engine, flows
from ringfloor.engine.demand import Demand
from ringfloor.engine.engine import Done
from ringfloor.engine.invariants import violations
from ringfloor.engine.state import Center, Group, Line
from ringfloor.flow.language import Flow
from ringfloor.telephony import commands as telephony

START: Instant = 1_700_000_000_000
NUMBER = "+15555550100"
INSTANCE = "11111111-1111-4111-8111-111111111111"

FLOW_NOISE: tuple[type, ...] = (
    events.ContactInitiated,
    events.FlowEntered,
    events.ModuleEntered,
    events.ModuleLeft,
    events.FlowStepped,
    events.TargetQueueSet,
    events.FlowFinished,
    events.ContactAccepted,
    events.AgentLegConnected,
    events.ContactDequeued,
)
"""What a ledger leaves out unless it is about flows."""


# Configuration


class ProfileOf(NamedTuple):
    """A routing profile in words. rows: "sales 1, support 2 +30, sales/CHAT 1".

    A row is a queue, its channel (VOICE), its priority (1) and its delay in seconds (0).
    """

    rows: str
    voice: int = 1
    chat: int = 0
    task: int = 0
    mixes: str = ""
    """Channels beside which other channels are routed (ROUTE_ANY_CHANNEL), by their names."""

    def properties(self, ids: Mapping[str, str]) -> dict[str, Any]:
        slots = {"VOICE": self.voice, "CHAT": self.chat, "TASK": self.task}
        return {
            "MediaConcurrencies": [
                {
                    "Channel": channel,
                    "Concurrency": most,
                    "CrossChannelBehavior": {
                        "BehaviorType": "ROUTE_ANY_CHANNEL"
                        if channel in self.mixes.split()
                        else "ROUTE_CURRENT_CHANNEL_ONLY"
                    },
                }
                for channel, most in slots.items()
                if most
            ],
            "QueueConfigs": [a_row(row, ids) for row in self.rows.split(",") if row.strip()],
        }


def a_row(words: str, ids: Mapping[str, str]) -> dict[str, Any]:
    """ "support/CHAT 2 +30" as an entry of QueueConfigs."""
    name, *numbers = words.split()
    queue, _, channel = name.partition("/")
    delay = next((int(each) for each in numbers if each.startswith("+")), 0)
    priority = next((int(each) for each in numbers if not each.startswith("+")), 1)
    reference = {"QueueId": ids[queue], "Channel": channel or "VOICE"}
    return {"QueueReference": reference, "Priority": priority, "Delay": delay}


def an_action(
    identifier: str,
    type_: str,
    parameters: Mapping[str, Any] | None = None,
    then: str | None = None,
    **errors: str,
) -> dict[str, Any]:
    """An action of a flow; errors: ErrorType=identifier of the next action."""
    transitions: dict[str, Any] = {"NextAction": then} if then else {}
    if errors:
        transitions["Errors"] = [
            {"ErrorType": error, "NextAction": target} for error, target in errors.items()
        ]
    return {
        "Identifier": identifier,
        "Type": type_,
        "Parameters": dict(parameters or {}),
        "Transitions": transitions,
    }


def a_content(*actions: dict[str, Any]) -> str:
    """Content of a flow that starts with its first action."""
    return json.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": actions[0]["Identifier"],
            "Metadata": {},
            "Actions": actions,
        }
    )


def to_queue(target: Mapping[str, str]) -> str:
    """Content of a flow that goes straight to a queue, or hangs up where that fails.

    target: {"QueueId": ...} or {"AgentId": ...}.
    """
    return a_content(
        an_action("target", "UpdateContactTargetQueue", target, "enter", NoMatchingError="bye"),
        an_action(
            "enter",
            "TransferContactToQueue",
            {},
            "bye",
            QueueAtCapacity="full",
            NoMatchingError="bye",
        ),
        an_action("full", "MessageParticipant", {"Text": "full"}, "bye", NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    )


# The driver


def answer_of(center: Center, effect: object) -> Command | None:
    """What the world says at once: agents' phones are up, and whispers are over.

    Other prompts, keys and functions are for the test to answer.
    """
    match effect:
        case telephony.Originate(channel_id=leg) if "/agent" in leg:
            contact_id, *number, _ = leg.split("/")
            return commands.ConnectAgent(contact_id, int(number[0]) if number else 0)
        case telephony.Play(playback_id=name):
            contact_id, _, ask = name.rpartition("/")
            contact = center.contacts.get(contact_id)
            for run in contact.runs.values() if contact is not None else ():
                if run.number == int(ask) and run.flow_type in flows.WHISPERS:
                    return commands.Hear(contact_id, int(ask), dialogue.Done())
        case _:
            pass
    return None


Watch = Callable[[Command, Done | Refusal], None]
"""Who wants to know of every command, and what came of it, before anything is checked."""


class Driver:
    """One center, its virtual time, and the log of what has happened."""

    def __init__(
        self,
        seed: int = 1,
        *,
        checked: bool = True,
        watch: Watch = lambda _command, _done: None,
        answers: bool = True,
    ) -> None:
        """answers: the world answers at once what answer_of can."""
        self.answers = answers
        self.center = Center()
        self.at: Instant = START
        self.deal = dice(seed)
        self.checked = checked
        self.watch = watch
        self.log: list[tuple[Instant, tuple[Event, ...]]] = []
        self.witness: engine.Witness | None = None
        self.bytes: list[bytes] = []
        """The log as it was encoded the moment it was written."""
        self.ids: dict[str, str] = {}
        self.aliases: dict[str, str] = {}

    # Names

    def name(self, alias: str, identifier: str) -> str:
        self.ids[alias] = identifier
        self.aliases[identifier] = alias
        return identifier

    def agent(self, alias: str) -> Agent:
        return self.center.agents[self.ids[alias]]

    def contact(self, alias: str) -> Contact:
        return self.center.contacts[self.ids.get(alias, alias)]

    def runs(self, alias: str, side: Side = "customer") -> Run:
        """The flow that a side of the contact is in."""
        return self.contact(alias).runs[side]

    # Doors

    def run(self, command: Command) -> Done:
        """Carry a command out now; what the world answers at once is part of it."""
        done = self.carry_out(command)
        happened, wanted = list(done.events), list(done.effects)
        agents = done.agents
        for effect in wanted:  # grows meanwhile
            answer = answer_of(self.center, effect) if self.answers else None
            if answer is not None:
                more = self.carry_out(answer)
                happened.extend(more.events)
                wanted.extend(more.effects)
                agents |= more.agents
        return done._replace(events=tuple(happened), effects=tuple(wanted), agents=agents)

    def carry_out(self, command: Command) -> Done:
        """A command, and nothing that the world says to it."""
        try:
            done = engine.run(self.center, command, self.at, self.deal(), self.witness)
        except Refusal as refusal:
            self.watch(command, refusal)
            raise
        if done.events:
            outcome = Outcome(self.at, done.events)
            payload = encode_outcome(outcome)
            assert decode_outcome(payload) == outcome, f"changed on the way: {outcome}"
            self.log.append((self.at, done.events))
            self.bytes.append(payload)
        self.watch(command, done)
        self.check(command)
        return done

    def check(self, command: object) -> None:
        if self.checked:
            found = violations(self.center)
            assert not found, f"{found} after {command}"

    def happen(self, *happened: Event) -> None:
        """Let events happen that no command leads to (yet)."""
        for event in happened:
            engine.apply(self.center, event, self.at)
        self.log.append((self.at, happened))
        self.bytes.append(encode_outcome(Outcome(self.at, happened)))
        self.check("events without a command")

    def pass_time(self, duration: Duration) -> tuple[Event, ...]:
        """Let time pass; each deadline is stepped at its own instant."""
        until = self.at + duration
        happened: list[Event] = []
        while (due := engine.next_deadline(self.center)) is not None and due <= until:
            self.at = max(self.at, due)
            happened.extend(self.run(commands.Expire()).events)
        self.at = until
        return tuple(happened)

    # Making

    def create(self, kind: str, alias: str, properties: Mapping[str, Any]) -> str:
        command = commands.CreateResource(kind=kind, properties=dict(properties))
        return self.name(alias, self.run(command).answer)

    def a_queue(self, name: str, **properties: Any) -> str:
        """A queue, and a flow that goes straight to it."""
        hours = self.center.named("hours_of_operation", "Basic Hours")
        queue = self.create(
            "queue",
            name,
            {
                "Name": name,
                "HoursOfOperationId": hours,
                "Status": "ENABLED",
                "QueueType": "STANDARD",
                **properties,
            },
        )
        self.a_flow(f"to {name}", to_queue({"QueueId": queue}))
        return queue

    def a_profile(self, name: str, profile: ProfileOf) -> str:
        outbound = self.center.named("queue", "BasicQueue")
        return self.create(
            "routing_profile",
            name,
            {
                "Name": name,
                "DefaultOutboundQueueId": outbound,
                **profile.properties(self.ids),
            },
        )

    def an_agent(
        self,
        alias: str,
        profile: str,
        *,
        work_s: int = 0,
        auto_accept: bool = False,
        **properties: Any,
    ) -> str:
        """work_s: the limit of after contact work; 0: until he clears it."""
        phone = {
            "PhoneType": "SOFT_PHONE",
            "AfterContactWorkTimeLimit": work_s,
            "AutoAccept": auto_accept,
        }
        return self.create(
            "user",
            alias,
            {
                "Username": alias,
                "PhoneConfig": phone,
                "RoutingProfileId": self.ids[profile],
                "SecurityProfileIds": [self.center.named("security_profile", "Agent")],
                **properties,
            },
        )

    def a_flow(self, name: str, content: str, type_: str = "CONTACT_FLOW") -> str:
        return self.create(
            "contact_flow",
            name,
            {
                "Name": name,
                "Type": type_,
                "State": "ACTIVE",
                "Status": "PUBLISHED",
                "Content": content,
            },
        )

    def available(self, *aliases: str) -> None:
        """These agents become Available, one after the other."""
        for alias in aliases:
            self.run(commands.SetAgentStatus(self.ids[alias], self.ids["Available"]))

    def enqueue(self, alias: str, target: str, channel: Channel = "VOICE") -> Done:
        """A contact that is in the queue (or an agent's own queue) at once."""
        self.name(alias, alias)
        return self.run(
            commands.StartInboundContact(
                contact_id=alias, channel=channel, from_number=NUMBER, flow_id=self.way_to(target)
            )
        )

    def way_to(self, target: str) -> str:
        """The flow that goes straight to a queue or an agent's own queue."""
        name = f"to {target}"
        if name not in self.ids:
            self.a_flow(name, to_queue({"AgentId": self.ids[target]}))
        return self.ids[name]

    def update(self, kind: str, alias: str, **changes: Any) -> Done:
        return self.run(commands.UpdateResource(kind, self.ids[alias], changes))

    # Ledgers

    def ledger(
        self,
        text: str,
        *,
        hide: Iterable[type] = FLOW_NOISE,
        late: bool = False,
        **also: Command,
    ) -> None:
        """Play the lines and hold what happens against what they say.

        hide: event types that are not told. late: deadlines may be passed over. also: commands by
        the name that a line gives them.
        """
        hidden = tuple(hide)
        expected = read_ledger(text)
        actual: list[str] = []
        for at, words, _ in expected:
            actual.append(f"{at:<10}{words:<30}  {self._moment(at, words, hidden, late, also)}")
        wanted = [f"{at:<10}{words:<30}  {told}" for at, words, told in expected]
        assert actual == wanted, "\n".join(["", *ndiff(wanted, actual)])
        self.check_history()

    def _moment(
        self,
        at: str,
        words: str,
        hidden: tuple[type, ...],
        late: bool,
        also: Mapping[str, Command],
    ) -> str:
        self.at = START + round(float(at.removesuffix(" s")) * SECOND)
        due = engine.next_deadline(self.center)
        if due is not None and due < self.at and not late:
            return f"passed over what is due at {clock(due)}"
        try:
            happened = self._play(words, also)
        except Refusal as refusal:
            return f"refused {refusal.code.removesuffix('Exception')}"
        told = [self.told(event) for event in happened if not isinstance(event, hidden)]
        return "; ".join(told) or "-"

    def _play(self, words: str, also: Mapping[str, Command]) -> tuple[Event, ...]:
        if words == "-":
            return self.pass_time(0)
        if words in also:
            return self.run(also[words]).events
        subject, verb, *rest = words.split()
        command = VERBS[verb](self, subject, *rest)
        done = self.run(command)
        begins = (
            commands.StartOutboundContact
            | commands.StartTask
            | commands.TransferTask
            | commands.StartChat
        )
        if isinstance(command, begins) and done.answer not in self.aliases:
            self.name(subject, done.answer)
        if verb in NAMED and done.answer not in self.aliases:
            self.name(rest[NAMED[verb]], done.answer)
        return done.events

    def told(self, event: Event) -> str:
        """An event as a ledger tells it."""
        kind = type(event)
        words = TOLD.get(kind, lambda _driver, _event: ())(self, event)
        who = [getattr(event, name, None) for name in ("contact_id", "agent_id")]
        parts = [kind.__name__, *(self.alias(each) for each in who if each is not None)]
        return " ".join([*parts, *(str(word) for word in words)])

    def leg(self, alias: str) -> str:
        """A leg by the alias of its contact: c1, or c1/agent."""
        name, slash, rest = alias.partition("/")
        return self.ids.get(name, name) + slash + rest

    def leg_alias(self, leg: str) -> str:
        name, slash, rest = leg.partition("/")
        return self.alias(name) + slash + rest

    def alias(self, identifier: str | None) -> str:
        return "nothing" if identifier is None else self.aliases.get(identifier, identifier)

    # History

    def replayed(self) -> Center:
        """A fresh center that has only read the log."""
        fresh = Center()
        for payload in self.bytes:
            outcome = decode_outcome(payload)
            for event in outcome.events:
                engine.apply(fresh, event, outcome.at)
        return fresh

    def check_history(self) -> None:
        """The log is as it was written; a replay and a restored snapshot are this center."""
        for (at, happened), payload in zip(self.log, self.bytes, strict=True):
            assert encode_outcome(Outcome(at, happened)) == payload, f"rewritten: {happened}"
        snapshot = engine.image(self.center)
        for other in (self.replayed(), engine.restore(snapshot)):
            assert not differences(self.center, other)
            assert engine.image(other) == snapshot


def read_ledger(text: str) -> list[tuple[str, str, str]]:
    """(at, command, events) of each line."""
    lines: list[list[str]] = []
    for raw in text.strip().splitlines():
        line = raw.strip()
        if not line or line.startswith("at "):
            continue
        if re.match(r"[0-9.]+ s\s", line):
            at, words, told = (*re.split(r"\s{2,}", line, maxsplit=2), "")[:3]
            lines.append([at, words, told])
        else:
            lines[-1][2] = f"{lines[-1][2]} {line}".strip()
    return [(at, words, told) for at, words, told in lines]


def clock(at: Instant) -> str:
    """An instant as a ledger writes it."""
    return f"{(at - START) / SECOND:.10g} s"


# The words of a ledger

Verb = Callable[..., Command]


def _begins(channel: Channel) -> Verb:
    def verb(driver: Driver, alias: str, target: str) -> Command:
        driver.name(alias, alias)
        return commands.StartInboundContact(
            contact_id=alias, channel=channel, from_number=NUMBER, flow_id=driver.way_to(target)
        )

    return verb


def _enters(driver: Driver, alias: str, *flow: str) -> Command:
    driver.name(alias, alias)
    flow_id = driver.ids[" ".join(flow)]
    return commands.StartInboundContact(contact_id=alias, from_number=NUMBER, flow_id=flow_id)


def _dials(driver: Driver, _alias: str, target: str, *token: str) -> Command:
    return commands.StartOutboundContact(
        to="+12065550100",
        from_number=NUMBER,
        flow_id=driver.way_to(target),
        client_token=token[0] if token else None,
        dial_ms=60_000,
    )


def _status(driver: Driver, alias: str, *status: str) -> Command:
    name = " ".join(status)
    return commands.SetAgentStatus(driver.ids.get(alias, alias), driver.ids.get(name, name))


def _by_agent(command: Callable[[str, str], Command]) -> Verb:
    return lambda driver, agent, contact: command(
        driver.ids.get(agent, agent), driver.ids.get(contact, contact)
    )


def _of_contact(command: Callable[..., Command], *more: object) -> Verb:
    return lambda driver, alias, *words: command(driver.ids.get(alias, alias), *more, *words)


def _hears(driver: Driver, alias: str, what: str, word: str = "") -> Command:
    heard: dialogue.Heard = dialogue.Done()
    if what == "error":
        heard = dialogue.Failed(word)
    elif what == "digits":
        heard = dialogue.Digits(word, "max_digits")
    contact = driver.center.contacts.get(driver.ids[alias])
    return commands.Hear(driver.ids[alias], contact.asks if contact else 0, heard)


def _has_heard(driver: Driver, alias: str, side: Side) -> Command:
    """The prompt that a side of the contact hears is over."""
    number = driver.runs(alias, side).number
    return commands.Hear(driver.ids.get(alias, alias), number, dialogue.Done())


def _attributes(driver: Driver, alias: str, *pairs: str) -> Command:
    attributes = dict(pair.split("=") for pair in pairs)
    return commands.UpdateAttributes(driver.ids.get(alias, alias), attributes)


def _tags(driver: Driver, alias: str, *pairs: str) -> Command:
    tags = {key: value or None for key, _, value in (pair.partition("=") for pair in pairs)}
    return commands.TagContact(driver.ids.get(alias, alias), tags)


def _ranks(driver: Driver, alias: str, how: str, number: str) -> Command:
    contact = driver.ids.get(alias, alias)
    if how == "priority":
        return commands.UpdateRoutingData(contact, int(number), None)
    return commands.UpdateRoutingData(contact, None, int(number) * SECOND)


def _seeks(driver: Driver, alias: str, *words: str) -> Command:
    steps = steps_in(" ".join(words), driver.ids)
    return commands.UpdateRoutingData(driver.ids.get(alias, alias), steps=steps)


def steps_in(words: str, ids: Mapping[str, str]) -> tuple[Step, ...]:
    """Steps in words, parted by commas; the seconds of a step stand after a blank.

    French>=3, French=3, French:2-4, a1|a2 (agents); ! in front: not; & and: and; / between: or.
    """
    steps = []
    for step in words.split(","):
        expression, *seconds = step.split()
        parts = [_expression_in(part, ids) for part in expression.split("/")]
        given: dict[str, Any] = {
            "Expression": parts[0] if len(parts) == 1 else {"OrExpression": parts}
        }
        if seconds:
            given["Expiry"] = {"DurationInSeconds": int(seconds[0])}
        steps.append(given)
    return steps_of({"Steps": steps})


def _expression_in(words: str, ids: Mapping[str, str]) -> dict[str, Any]:
    conditions = []
    for word in words.split("&"):
        name = "NotAttributeCondition" if word.startswith("!") else "AttributeCondition"
        conditions.append({name: _condition_in(word.removeprefix("!"), ids)})
    return conditions[0] if len(conditions) == 1 else {"AndExpression": conditions}


def _condition_in(word: str, ids: Mapping[str, str]) -> dict[str, Any]:
    found = re.fullmatch(r"(\w+)(>=|=|:)(\d)(?:-(\d))?", word)
    if found is None:
        agents = [ids.get(each, each) for each in word.split("|")]
        matched = {"AgentsCriteria": {"AgentIds": agents}}
        return {"ComparisonOperator": "Match", "MatchCriteria": matched}
    value, operator, low, high = found.groups()
    named = {"Name": "Skill", "Value": value}
    if high is not None:
        span = {"MinProficiencyLevel": int(low), "MaxProficiencyLevel": int(high)}
        return {**named, "ComparisonOperator": "Range", "Range": span}
    word = "Match" if operator == "=" else "NumberGreaterOrEqualTo"
    return {**named, "ComparisonOperator": word, "ProficiencyLevel": int(low)}


def _can(driver: Driver, alias: str, *skills: str) -> Command:
    rows = proficiencies(driver.center, " ".join(skills))
    return commands.UpdateResource("user", driver.ids[alias], {"Proficiencies": rows})


def proficiencies(center: Center, skills: str) -> list[dict[str, Any]]:
    """ "French=3 Sales=1" as a user has it; - is nothing."""
    attribute = next(iter(center.resources["predefined_attribute"]))
    return [
        {
            "AttributeId": attribute,
            "AttributeName": "Skill",
            "AttributeValue": value,
            "Level": float(level),
        }
        for value, _, level in (each.partition("=") for each in skills.split() if each != "-")
    ]


def _profile(driver: Driver, alias: str, profile: str) -> Command:
    return commands.UpdateResource(
        "user", driver.ids[alias], {"RoutingProfileId": driver.ids[profile]}
    )


def _rows(driver: Driver, profile: str, *rows: str) -> Command:
    changes = ProfileOf(" ".join(rows)).properties(driver.ids)
    return commands.UpdateResource(
        "routing_profile", driver.ids[profile], {"QueueConfigs": changes["QueueConfigs"]}
    )


def _begins_task(driver: Driver, alias: str, target: str, *words: str) -> Command:
    """`t1 begins sales +60 t0`: a task, in 60 s (now), after t0 (nobody) in its chain."""
    ahead = next((int(each) for each in words if each.startswith("+")), None)
    before = next((each for each in words if not each.startswith("+")), None)
    return commands.StartTask(
        name=alias,
        flow_id=driver.way_to(target),
        client_token=alias,
        at=None if ahead is None else driver.at + ahead * SECOND,
        previous=None if before is None else driver.contact(before),
    )


def _transfers(driver: Driver, alias: str, contact: str, target: str) -> Command:
    """`t2 transfers t1 support`: t1 goes on as t2, in the flow to support."""
    return commands.TransferTask(
        contact_id=driver.ids[contact], flow_id=driver.way_to(target), client_token=alias
    )


def _dials_out(driver: Driver, agent: str, _alias: str, number: str = "+12065550199") -> Command:
    return commands.DialOut(agent_id=driver.ids[agent], to=number)


def _adds(driver: Driver, agent: str, contact: str, whom: str, _alias: str) -> Command:
    number = whom if whom.startswith("+") else None
    return commands.AddParty(
        agent_id=driver.ids[agent],
        contact_id=driver.ids.get(contact, contact),
        number=number,
        quick_connect_id=None if number else driver.ids[whom],
    )


def _of_party(command: Callable[..., Command], *more: object) -> Verb:
    return lambda driver, agent, contact, party, *words: command(
        driver.ids[agent], driver.ids.get(contact, contact), driver.leg(party), *words, *more
    )


def _monitors(driver: Driver, agent: str, contact: str, _alias: str, *may: str) -> Command:
    return commands.MonitorContact(
        agent_id=driver.ids[agent],
        contact_id=driver.ids.get(contact, contact),
        capabilities=("SILENT_MONITOR", *may),  # type: ignore[arg-type]
    )


def _starts_chat(driver: Driver, alias: str, target: str) -> Command:
    return commands.StartChat(
        flow_id=driver.way_to(target),
        display_name=alias,
        life_ms=90_000 * SECOND,
        client_token=alias,
        content_types=chats.MESSAGES,
    )


def participant(driver: Driver, words: str) -> tuple[str, str]:
    """The chat and the participant: c1 is the customer of chat c1, a1:c1 is agent a1 in it."""
    who, _, alias = words.rpartition(":")
    chat_id = driver.ids[alias]
    chat = driver.center.chats.get(chat_id)
    for each in chat.participants.values() if who and chat else ():
        if who in (driver.aliases.get(each.user_id or ""), each.display_name):
            return chat_id, each.id
    return chat_id, chats.customer_id(chat_id)


def _in_chat(command: Callable[[str, str], Command]) -> Verb:
    return lambda driver, words: command(*participant(driver, words))


def _writes(driver: Driver, words: str, *text: str) -> Command:
    chat_id, who = participant(driver, words)
    return commands.SendChatItem(
        chat_id=chat_id,
        participant_id=who,
        type="MESSAGE",
        content_type=chats.TEXT,
        content=" ".join(text),
        client_token=" ".join(text),
    )


def _marks(kind: Any) -> Verb:
    """`a1:c1 reads hello`: the message of that text."""

    def verb(driver: Driver, words: str, *text: str) -> Command:
        message = next(
            event.item.id
            for _, happened in driver.log
            for event in happened
            if isinstance(event, events.ChatItemAdded) and event.item.content == " ".join(text)
        )
        return commands.MarkReceipt(*participant(driver, words), message, kind)

    return verb


def _times(driver: Driver, alias: str, *timers: str) -> Command:
    """`c1 times CUSTOMER/IDLE=2 AGENT/DISCONNECT_NONCUSTOMER=`: minutes, or nothing any more."""
    told = []
    for timer in timers:
        name, _, minutes = timer.partition("=")
        role, _, type_ = name.partition("/")
        told.append(chats.ChatTimer(role, type_, int(minutes) if minutes else None))  # type: ignore[arg-type]
    return commands.SetChatTimers(driver.ids[alias], tuple(told))


VERBS: Mapping[str, Verb] = {
    "call": _begins("VOICE"),
    "chat": _begins("CHAT"),
    "task": _begins("TASK"),
    "enters": _enters,
    "dials": _dials,
    "answers": _of_contact(commands.ConnectSystem),
    "hears": _hears,
    "leaves": _of_contact(commands.LoseChannel, "CUSTOMER_DISCONNECT"),
    "lost": _of_contact(commands.LoseChannel),
    "stopped": _of_contact(commands.StopContact),
    "attributes": _attributes,
    "tags": _tags,
    "ranks": _ranks,
    "status": _status,
    "accepts": _by_agent(commands.AcceptContact),
    "rejects": _by_agent(commands.RejectContact),
    "clears": _by_agent(commands.ClearContact),
    "holds": _by_agent(commands.HoldContact),
    "resumes": _by_agent(commands.ResumeContact),
    "hangs-up": _by_agent(commands.LeaveContact),
    "drops-out": _of_contact(commands.LoseAgent),
    "up": lambda driver, alias, leg="0": commands.ConnectAgent(
        driver.ids.get(alias, alias), int(leg)
    ),
    "heard": _has_heard,
    "dials-out": _dials_out,
    "adds": _adds,
    "puts-on-hold": _of_party(commands.HoldParty),
    "takes-back": _of_party(commands.ResumeParty),
    "drops": _of_party(commands.DropParty),
    "mutes": _of_party(commands.MuteParty, True),
    "unmutes": _of_party(commands.MuteParty, False),
    "presses": _of_party(commands.PressDigits),
    "swaps": _by_agent(commands.SwapParties),
    "joins": _by_agent(commands.JoinParties),
    "monitors": _monitors,
    "barges": _by_agent(lambda a, c: commands.SetMonitorState(a, c, "BARGE")),
    "listens": _by_agent(lambda a, c: commands.SetMonitorState(a, c, "SILENT_MONITOR")),
    "seeks": _seeks,
    "gets": _by_agent(lambda agent, contact: commands.AssignContact(contact, agent)),
    "can": _can,
    "begins": _begins_task,
    "is-due": lambda driver, alias, seconds: commands.UpdateSchedule(
        driver.ids[alias], START + int(seconds) * SECOND
    ),
    "lives": lambda driver, alias, seconds: commands.SetExpiry(
        driver.ids[alias], int(seconds) * SECOND
    ),
    "pauses": _of_contact(commands.PauseTask),
    "goes-on": _of_contact(commands.ResumeTask),
    "transfers": _transfers,
    "finishes": _by_agent(commands.FinishTask),
    "starts-chat": _starts_chat,
    "connects": _in_chat(commands.ConnectParticipant),
    "exits": _in_chat(commands.LeaveChat),
    "writes": _writes,
    "receives": _marks("DELIVERED"),
    "reads": _marks("READ"),
    "times": _times,
    "hands-on": lambda driver, agent, contact, _new, quick_connect: commands.TransferChat(
        driver.ids[agent], driver.ids[contact], driver.ids[quick_connect]
    ),
    "profile": _profile,
    "rows": _rows,
}
"""verb: what `subject verb words` means. `c1 ranks priority 1`, `c1 ranks age 30` (seconds);
`c1 tags k=v l=`: k is v, l is taken away; `c1 drops-out`: the agent's leg of c1 is lost;
`c1 up`: it is up, `c1 up 1` a second agent's; `c1 heard agent`: his prompt is over;
`c1 seeks French>=3 30, a1`: routing criteria, as steps_in says; `a1 gets c1`: by hand;
`a1 can French=3 Sales=1`: his proficiencies."""


NAMED = {"hands-on": 1, "dials-out": 0, "adds": 2, "monitors": 1}
"""Verbs that begin a contact, and which of their words is its name."""


def _asked(event: events.FlowStepped) -> Iterable[str]:
    yield type(event.ask).__name__
    match event.ask:
        case dialogue.End(reason=reason):
            yield reason
        case dialogue.Play(prompt=prompt):
            yield repr(prompt.value) if prompt.kind != "prompt_id" else "prompt"
        case _:
            pass
    if event.outcome is not None:
        yield from _answered(event.outcome)


def _answered(outcome: dialogue.Heard) -> Iterable[str]:
    yield f"= {outcome.error if isinstance(outcome, dialogue.Failed) else type(outcome).__name__}"


TOLD: Mapping[type, Callable[[Driver, Any], Iterable[object]]] = {
    events.ResourceCreated: lambda d, e: (e.kind, d.alias(e.id)),
    events.ResourceUpdated: lambda d, e: (e.kind, d.alias(e.id)),
    events.ResourceTagged: lambda d, e: (e.kind, d.alias(e.id)),
    events.ResourceDeleted: lambda d, e: (e.kind, d.alias(e.id)),
    events.ContactInitiated: lambda d, e: (
        d.alias(e.contact.id),
        e.contact.initiation_method,
        e.contact.channel,
    ),
    events.FlowEntered: lambda d, e: (d.alias(e.flow_id),),
    events.FlowFinished: lambda _, e: (e.side,),
    events.ModuleEntered: lambda d, e: (d.alias(e.module_id),),
    events.ModuleLeft: lambda _, e: _answered(e.outcome),
    events.FlowStepped: lambda _, e: _asked(e),
    events.AttributesUpdated: lambda _, e: (f"{k}={v}" for k, v in e.attributes.items()),
    events.ContactTagged: lambda _, e: (f"{k}={v or ''}" for k, v in e.tags.items()),
    events.RoutingDataUpdated: lambda _, e: (
        f"{name} {value}"
        for name, value in (("priority", e.priority), ("ms", e.age_adjustment_ms))
        if value is not None
    ),
    events.RoutingCriteriaSet: lambda _, e: (len(e.steps), "steps"),
    events.TargetQueueSet: lambda d, e: (d.alias(e.queue_id),),
    events.ContactScheduled: lambda d, e: (d.alias(e.queue_id), "until", clock(e.until)),
    events.ContactSucceeded: lambda d, e: (d.alias(e.next_contact_id),),
    events.ExpirySet: lambda _, e: (clock(e.at),),
    events.CallbackNumberSet: lambda _, e: (e.number,),
    events.CustomerDialled: lambda _, e: ("until", clock(e.until)),
    events.CallbackUnanswered: lambda _, e: (e.reason, "until", clock(e.until)),
    events.ContactEnqueued: lambda d, e: (d.alias(e.queue_id),),
    events.DelayPassed: lambda _, e: (f"{e.delay_ms // SECOND} s",),
    events.ContactOffered: lambda _, e: (
        *(("by hand",) if e.assigned else ()),
        "until",
        clock(e.until),
    ),
    events.OfferMissed: lambda _, e: (e.reason,),
    events.ContactEnded: lambda _, e: (e.reason, e.pre_disconnect_state),
    events.ContactCompleted: lambda d, e: (d.alias(e.contact.id),),
    events.PartyAdded: lambda d, e: (d.leg_alias(e.party.leg), e.party.role, e.party.state),
    events.PartyJoined: lambda d, e: (d.leg_alias(e.leg),),
    events.PartyHeld: lambda d, e: (d.leg_alias(e.leg),),
    events.PartyResumed: lambda d, e: (d.leg_alias(e.leg),),
    events.PartyMuted: lambda d, e: (
        d.leg_alias(e.leg),
        "muted" if e.muted else "unmuted",
        *(("forced",) if e.forced else ()),
    ),
    events.PartyLeft: lambda d, e: (d.leg_alias(e.leg), *((e.reason,) if e.reason else ())),
    events.DigitsPressed: lambda d, e: (d.leg_alias(e.leg), e.digits),
    events.CustomerPassed: lambda d, e: ("to", d.alias(e.next_contact_id)),
    events.CustomerDialled: lambda _, e: ("until", clock(e.until)),
    events.MonitorStateChanged: lambda _, e: (e.state,),
    events.RecordingChanged: lambda _, e: (e.recording.state,),
    events.AgentPresenceChanged: lambda _, e: ("present" if e.present else "vanished",),
    events.ChatStarted: lambda d, e: (d.alias(e.chat.id),),
    events.ParticipantAdded: lambda d, e: (d.alias(e.chat_id), e.participant.role),
    events.ParticipantJoined: lambda d, e: (d.alias(e.chat_id),),
    events.ParticipantLeft: lambda d, e: (d.alias(e.chat_id),),
    events.ParticipantSilenced: lambda d, e: (d.alias(e.chat_id), e.silent),
    events.ChatItemAdded: lambda d, e: (
        d.alias(e.item.contact_id),
        *((e.item.role,) if e.item.role else ()),
        repr(e.item.content)
        if e.item.type == "MESSAGE"
        else e.item.content_type.split("event.")[-1],
    ),
    events.ReceiptMarked: lambda d, e: (
        d.alias(e.chat_id),
        "delivered" if e.read_at is None else "read",
    ),
    events.ChatMoved: lambda _, _event: (),
    events.ChatTimersSet: lambda d, e: (d.alias(e.chat_id), len(e.timers)),
    events.ChatContinued: lambda d, e: (d.alias(e.chat_id),),
    events.ChatEnded: lambda _, _event: (),
    events.ChatStreamStarted: lambda d, e: (d.alias(e.chat_id), e.endpoint),
    events.ChatStreamStopped: lambda d, e: (d.alias(e.chat_id),),
    events.AgentStatusChanged: lambda d, e: (d.alias(e.status_id),),
    events.NextStatusChanged: lambda d, e: (d.alias(e.status_id),),
}
"""What a ledger tells of an event after its name, contact and agent."""


# Builders


def a_center(
    *,
    agents: int | Mapping[str, str] = 1,
    queues: Sequence[str] = ("sales",),
    profiles: Mapping[str, ProfileOf | str] | None = None,
    work_s: int = 0,
    auto_accept: bool = False,
    driver: Driver | None = None,
) -> Driver:
    """A contact center at START, everybody Offline.

    agents: how many (a1, a2 ...), all with the first profile; or the profile of each by its alias.
    profiles: by name; without any there is "basic", which takes calls of all queues.
    """
    driver = driver or Driver()
    driver.run(
        commands.CreateInstance(
            instance_id=INSTANCE,
            region="us-east-1",
            account="123456789012",
            alias="test",
            properties={
                "IdentityManagementType": "CONNECT_MANAGED",
                "InboundCallsEnabled": True,
                "OutboundCallsEnabled": True,
            },
            number=NUMBER,
        )
    )
    for status in ("Available", "Offline"):
        driver.name(status, driver.center.named("agent_status", status))
    for flow in driver.center.resources["contact_flow"].values():
        if flow.properties.get("IsDefault"):
            driver.name(flow.name.removeprefix("Default ").replace(" ", "-"), flow.id)
    for status in ("Break", "Lunch"):
        driver.create(
            "agent_status", status, {"Name": status, "Type": "CUSTOM", "State": "ENABLED"}
        )
    for queue in queues:
        driver.a_queue(queue)
    for name, profile in (profiles or {"basic": ProfileOf(", ".join(queues))}).items():
        driver.a_profile(name, ProfileOf(profile) if isinstance(profile, str) else profile)
    first = next(iter(profiles or {"basic": None}))
    chosen = {f"a{n}": first for n in range(1, agents + 1)} if isinstance(agents, int) else agents
    for alias, profile_name in chosen.items():
        driver.an_agent(alias, profile_name, work_s=work_s, auto_accept=auto_accept)
    return driver


# Comparing


def contents(center: Center) -> dict[str, Any]:
    """Everything that a center holds, slot by slot, as plain values; shares nothing with it.

    Lines forget empty lists: whether a list was made before nobody stood in it is nobody's concern.
    Expressions that no contact has any more may be kept or not.
    """
    return {slot: plain(getattr(center, slot)) for slot in Center.__slots__}


def differences(center: Center, other: Center) -> list[str]:
    """The slots in which two centers differ, with both contents."""
    ours, theirs = contents(center), contents(other)
    return [
        f"{slot}: {ours[slot]} and {theirs[slot]}" for slot in ours if ours[slot] != theirs[slot]
    ]


def plain(value: Any) -> Any:
    """A value without identity: scalars and (frozen) flows in dicts, lists and tuples."""
    kind = type(value)
    if kind in _SCALARS or kind is Flow:
        return value
    if kind is dict:
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, Struct):
        return (kind.__name__, *(plain(getattr(value, f)) for f in value.__struct_fields__))
    if isinstance(value, list | SortedList):
        return [plain(each) for each in value]
    if isinstance(value, tuple):
        return tuple(plain(each) for each in value)
    if isinstance(value, frozenset | set):
        return frozenset(value)
    if isinstance(value, Line):
        return {expression: plain(group) for expression, group in value.groups.items()}
    if isinstance(value, Demand):
        sought = {text: each for text, each in value.sought.items() if each.contacts}
        pools = {text: (each.contacts, plain(each.pools)) for text, each in sought.items()}
        return (pools, plain(value.skills))
    assert isinstance(value, Group), f"contents does not know {kind}"
    ripe = {delay: list(places) for delay, places in value.ripe.items() if places}
    return (list(value.order), ripe)


_SCALARS = frozenset({type(None), str, int, bool, float, bytes})
