"""Flow rehearser: takes contacts through a flow on the engine, by every way that input opens.

rehearse(content) does with customers, agents, functions, bots, queues and hours what flow_walker
does with answers alone: wherever a flow waits for somebody, everything is done that makes a
difference. Where a contact comes first, each choice is followed by a contact of its own; one that
comes there later, with something new about it, takes one of them, another each time. One stage is
for all of them, and every contact comes to its end.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from docs import published
from engine_builders import a_content, an_action
from flow_walker import ANSWERS, Branch, compared_in, noted, traits, views, wanted
from ringfloor.base.limits import AGENT_QUEUE_CONTACTS_MAX, ATTRIBUTES_BYTES_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain import commands
from ringfloor.domain import dialogue as say
from ringfloor.domain.contact import Run
from ringfloor.domain.numbers import is_e164
from ringfloor.engine.view import view
from ringfloor.flow import catalog, language
from ringfloor.flow.document import Flow
from ringfloor.flow.draw.boxes import branches as ways_out
from ringfloor.rehearsal import (
    CUSTOMER,
    Rehearsal,
    RehearsedAgent,
    RehearsedCall,
    RehearsedChat,
    RehearsedContact,
    RehearsedTask,
    handle,
    standins,
)

CONTACTS = 80
"""As long as a stage has seen so few, contacts that come again are followed everywhere, too."""

EVENTS_MAX = 1_000
"""Things that happen to one contact: far more than any of these flows has."""

CALLED = frozenset({"CONTACT_FLOW", "AGENT_TRANSFER", "QUEUE_TRANSFER"})
HOOKS: Mapping[str, str] = {
    "CUSTOMER_QUEUE": "CustomerQueue",
    "AGENT_WHISPER": "AgentWhisper",
    "CUSTOMER_WHISPER": "CustomerWhisper",
    "CUSTOMER_HOLD": "CustomerHold",
    "AGENT_HOLD": "AgentHold",
}


class Rehearsed(NamedTuple):
    """What was seen of a flow."""

    branches: frozenset[Branch]
    contacts: int
    endings: frozenset[str]
    """Disconnect reasons."""


def rehearse(content: str, flow_type: str) -> Rehearsed:
    """All that becomes of contacts in a flow, on all channels, in all scenes that concern it."""
    flow = language.parse(content, "", published=False)
    used = {action.type for action in flow.actions.values()} | {flow_type}
    contacts: list[RehearsedContact] = []
    with noted(flow) as branches:
        for concerned, scene in SCENES:
            if not concerned & used:
                continue
            theatre = _Theatre(content, flow, flow_type)
            scene(theatre)
            for channel in CHANNELS:
                theatre.known.clear()
                everything = _beginnings(flow, channel) if scene in (_plain, _gone) else ()
                for begins in ((theatre.attributes, CUSTOMER), *everything):
                    theatre.play(channel, *begins)
            for each in theatre.stage.contacts:
                _ends(theatre.stage, each)
                assert each.ended, f"{each.contact} is left"
                contacts.append(each)
    return Rehearsed(
        frozenset(branches), len(contacts), frozenset(each.ended or "" for each in contacts)
    )


@cache
def rehearsed() -> dict[str, published.Rehearsed]:
    """All published flows that can run."""
    return {each.name: _rehearsed(each) for each in published.outcomes() if not each.problems}


def _rehearsed(outcome: published.Outcome) -> published.Rehearsed:
    content = published.mended(outcome.letter.content)
    flow = language.parse(content, outcome.type, published=False)
    there, taken = wanted(flow), rehearse(content, outcome.type).branches
    met = {flow.start, *(target for _, target in taken)}
    missing = [
        (flow.actions[name].type, ", ".join(label for label, to, _ in ways if to == target))
        for name, target in sorted(there - taken)
        if name in met
        for ways in [ways_out(flow.actions[name], flow)]
    ]
    return published.Rehearsed(len(there & taken), len(there), missing)


CHANNELS = ("VOICE", "CHAT", "TASK")


def _beginnings(flow: Flow, channel: str) -> Iterator[tuple[dict[str, str], str]]:
    """The attributes and the number with which contacts can begin."""
    done: list[tuple[dict[str, str], str]] = [({}, CUSTOMER)]
    for seen in views(channel, list(compared_in(flow))):
        attributes = {name: text for name, text in seen["Attributes"].items() if type(text) is str}
        number = str(seen["CustomerEndpoint"].get("Address"))
        begins = attributes, number if number.startswith("+") else CUSTOMER
        if begins not in done:
            done.append(begins)
            yield begins


Choice = say.Heard
Script = tuple[Choice, ...]


class _Theatre:
    """One stage, one flow, and what has been tried of it."""

    def __init__(self, content: str, flow: Flow, flow_type: str) -> None:
        self.flow = flow
        self.compared = list(compared_in(flow))
        self.stage = Rehearsal()
        self.stage.functions["*"] = self.stage.bots["*"] = self._function
        self.agent: RehearsedAgent | None = None
        self.attributes: dict[str, str] = {}
        self.stage.stand_in("queue", "that attributes name", "1")
        self.known: dict[tuple[str, str], set[bytes]] = {}
        self.visits: Counter[tuple[str, str]] = Counter()
        if flow_type == "MODULE":
            self.tried = self.stage.module("tried", content)
            self.stage.flow("main", _invoking(self.tried))
        else:
            type_ = flow_type if flow_type in CALLED | HOOKS.keys() else "CONTACT_FLOW"
            self.tried = self.stage.flow("tried", content, type_)
            hook = HOOKS.get(flow_type)
            self.stage.flow("main", _queueing({} if hook is None else {hook: self.tried}))
        self.begun = "tried" if flow_type in CALLED else "main"

    def queues(self) -> list[str]:
        """Those that the flow has brought with it."""
        found = self.stage.center.resources["queue"].values()
        return [each.id for each in found if each.name != "BasicQueue"]

    # One contact after the other

    def play(self, channel: str, attributes: dict[str, str], number: str) -> None:
        """Contacts that begin like this, until nothing is new any more."""
        scripts: list[Script] = [()]
        while scripts:
            self.script = scripts.pop()
            self.taken: list[Choice] = []
            self.others: list[Script] = []
            self.over = False
            before = len(self.stage.begun)
            contact = self._begun(channel, attributes, number)
            self._follow(contact)
            for each in self.stage.begun[before:]:
                _ends(self.stage, handle(self.stage, each))
            if self.agent is not None:
                for _ in self.agent.holds:
                    self.agent.clear()
            scripts += self.others

    def _begun(self, channel: str, attributes: dict[str, str], number: str) -> RehearsedContact:
        if channel == "CHAT":
            return self.stage.chat(self.begun, attributes=attributes)
        if channel == "TASK":
            return self.stage.task(self.begun, attributes=attributes)
        return self.stage.call(self.begun, number=number, attributes=attributes)

    def _follow(self, contact: RehearsedContact) -> None:
        for _ in range(EVENTS_MAX):
            run = self._waiting(contact)
            if contact.ended is not None or self.over:
                return
            doing = None if run is None else DEEDS.get(type(run.ask))
            if run is not None and doing is not None:
                choice = self._chosen(contact.id, run)
                if choice is not None:
                    doing(self.stage, contact, run, choice)
            elif contact.is_queued and self.agent is not None and self.agent.holds:
                self._talks(self.agent)
            elif (due := self.stage.next_due()) is not None and not contact.is_queued:
                self.stage.pass_time(max(0, due - self.stage.now) / SECOND)
            else:
                return
        raise AssertionError("it does not end")

    def _talks(self, agent: RehearsedAgent) -> None:
        agent.accept()
        if "CONNECTED" in agent.holds.values():
            if self.stage.contact(next(iter(agent.holds))).channel == "VOICE":
                agent.hold()
                self.stage.pass_time(1)
                agent.resume()
            agent.hang_up()

    def _waiting(self, contact: RehearsedContact) -> Run | None:
        for run in contact.contact.runs.values():
            if run.session.flow_id == self.tried and run.ask is not None:
                return run
        return None

    def _chosen(self, contact_id: str, run: Run) -> Choice | None:
        """What is done here; None: nothing that is new, so this contact can go."""
        if len(self.taken) < len(self.script):
            choice = self.script[len(self.taken)]
        else:
            contact = self.stage.contact(contact_id)
            place = run.session.action or "", type(run.ask).__name__
            been = place in self.known
            seen = self.known.setdefault(place, set())
            fresh = set(traits(run.session, view(self.stage.center, contact), self.compared))
            self.over = self.over or fresh <= seen
            seen |= fresh
            action = self.flow.actions[place[0]]
            results = [*(each.operand for each in action.conditions), "~"]
            answers = list(ANSWERS[type(run.ask)](run.ask, results, self.compared))
            choices = [*answers, *(say.Failed(error) for error, _ in action.errors[:1])]
            if self.over:
                return None
            self.visits[place] += 1
            choice = choices.pop(-self.visits[place] % len(choices))
            if not been or len(self.stage.begun) < CONTACTS:
                self.others += [(*self.taken, other) for other in choices]
        self.taken.append(choice)
        return choice

    def _function(self, event: dict[str, Any]) -> Any:
        """A function, or a bot."""
        details = event.get("Details")
        contact_id = event["sessionId"] if details is None else details["ContactData"]["ContactId"]
        runs = self.stage.contact(contact_id).runs.values()
        asking = [run for run in runs if isinstance(run.ask, say.Invoke | say.InvokeBot)]
        choice = self._chosen(contact_id, asking[0]) if asking else None
        if isinstance(choice, say.Answer):
            return choice.payload
        raise TimeoutError


# What is done where a flow waits


def _types(stage: Rehearsal, contact: RehearsedContact, run: Run, choice: Choice) -> None:
    assert isinstance(contact, RehearsedCall)
    ask = run.ask
    assert isinstance(ask, say.Gather)
    if isinstance(choice, say.Digits) and choice.digits:
        contact.press(choice.digits)
        if run.ask is ask:
            stage.pass_time(ask.inter_digit_ms / SECOND)
    else:
        stage.pass_time(ask.first_digit_ms / SECOND)


def _writes(stage: Rehearsal, contact: RehearsedContact, run: Run, choice: Choice) -> None:
    assert isinstance(contact, RehearsedChat)
    assert isinstance(run.ask, say.Receive | say.ShowView)
    match choice:
        case say.Said(text) if text:
            contact.say(text)
        case say.ViewAnswer(action, data):
            contact.answer_view(action, data)
        case _:
            stage.pass_time(run.ask.timeout_ms / SECOND)


def _waits(stage: Rehearsal, contact: RehearsedContact, run: Run, choice: Choice) -> None:
    assert isinstance(run.ask, say.Wait)
    match choice:
        case say.Result("CustomerReturned") if isinstance(contact, RehearsedChat):
            contact.say("I am back.")
        case _:
            stage.pass_time(run.ask.limit_ms / SECOND)


def _listens(stage: Rehearsal, _contact: RehearsedContact, run: Run, _choice: Choice) -> None:
    assert isinstance(run.ask, say.PlayLoop)
    stage.pass_time((run.ask.interrupt_ms or 0) / SECOND)


Deed = Callable[[Rehearsal, RehearsedContact, Run, Choice], None]

DEEDS: Mapping[type, Deed] = {
    say.Gather: _types,
    say.Receive: _writes,
    say.ShowView: _writes,
    say.Wait: _waits,
}


def _ends(stage: Rehearsal, contact: RehearsedContact) -> None:
    """Whoever is still there goes."""
    stage.settle()
    if contact.ended is not None:
        return
    if isinstance(contact, RehearsedChat):
        contact.leave()
    elif isinstance(contact, RehearsedTask) or contact.contact.stage in ("SCHEDULED", "TALKING"):
        stage.submit(commands.StopContact(contact.id))
    elif isinstance(contact, RehearsedCall):
        contact.hang_up()


# Scenes


def _plain(_theatre: _Theatre) -> None:
    """Hours are open, queues have room, and no agent is there."""


def _staffed(theatre: _Theatre) -> None:
    """Somebody is there for all queues."""
    stage = theatre.stage
    names = [stage.center.resources["queue"][each].name for each in theatre.queues()]
    theatre.agent = stage.agent("ann", names or ["Sales"], channels=("VOICE", "CHAT", "TASK"))
    theatre.agent.take()


def _full(theatre: _Theatre) -> None:
    """The queues, also of agents, are full, and who is there has a break."""
    stage = theatre.stage
    _staffed(theatre)
    assert theatre.agent is not None
    stage.create("agent_status", {"Name": "Break", "State": "ENABLED", "Type": "CUSTOM"})
    theatre.agent.take("Break")
    theatre.agent = None
    for each in theatre.queues():
        stage.submit(commands.UpdateResource("queue", each, {"MaxContacts": 1}))
        _fill(stage, {"QueueId": each}, 1)
    for standin in stage.standins:
        kind, _, name = standin.partition(" ")
        if kind == "user":
            _fill(stage, {"AgentId": stage.center.named("user", name)}, AGENT_QUEUE_CONTACTS_MAX)


def _fill(stage: Rehearsal, target: dict[str, str], count: int) -> None:
    name = f"to {target}"
    stage.flow(name, _queueing({}, target))
    for _ in range(count):
        stage.call(name)


def _streaming(theatre: _Theatre) -> None:
    """There is a place for media streams."""
    stream = {
        "ResourceType": "MEDIA_STREAMS",
        "StorageConfig": {"StorageType": "KINESIS_VIDEO_STREAM"},
    }
    theatre.stage.create("storage_config", stream)


def _laden(theatre: _Theatre) -> None:
    """Contacts have no room for further attributes."""
    theatre.attributes = {"full": "." * (ATTRIBUTES_BYTES_MAX - 4)}
    _streaming(theatre)


def _closed(theatre: _Theatre) -> None:
    stage = theatre.stage
    closed = {"Config": standins.hours(stage.center, "x", is_open=False)["Config"]}
    for each in list(stage.center.resources["hours_of_operation"]):
        stage.submit(commands.UpdateResource("hours_of_operation", each, closed))


def _unanswered(theatre: _Theatre) -> None:
    for number in _numbers(theatre.flow):
        theatre.stage.phone(number, "no-answer")


def _busy(theatre: _Theatre) -> None:
    for number in _numbers(theatre.flow):
        theatre.stage.phone(number, "busy")


def _numbers(flow: Flow) -> list[str]:
    given = (str(each.parameters.get("ThirdPartyPhoneNumber")) for each in flow.actions.values())
    return [number for number in given if is_e164(number)]


def _returning(theatre: _Theatre) -> None:
    """Modules give back what the flow asks for first."""
    stage = theatre.stage
    for action in theatre.flow.actions.values():
        if action.type == "InvokeFlowModule" and action.conditions:
            result = {"Result": action.conditions[0].operand}
            over = an_action("over", "EndFlowModuleExecution", result)
            module = str(action.parameters["FlowModuleId"]).rpartition("/")[2]
            change = {"Content": a_content(over)}
            stage.submit(commands.UpdateResource("contact_flow_module", module, change))


def _gone(theatre: _Theatre) -> None:
    """What the flow names is not there any more."""
    _without(theatre, "contact_flow", "contact_flow_module", "queue", "hours_of_operation", "user")


def _homeless(theatre: _Theatre) -> None:
    """The queues and agents that it names are not."""
    _without(theatre, "queue", "user")


def _without(theatre: _Theatre, *kinds: str) -> None:
    stage = theatre.stage
    for kind in kinds:
        for resource in list(stage.center.resources[kind].values()):
            if f"{kind} {resource.name}" in stage.standins:
                stage.submit(commands.DeleteResource(kind, resource.id))


def _shut(theatre: _Theatre) -> None:
    """The queues take nobody."""
    for each in theatre.queues():
        change = commands.UpdateResource("queue", each, {"Status": "DISABLED"})
        theatre.stage.submit(change)


QUEUES = frozenset({"TransferContactToQueue", "DequeueContactAndTransferToQueue", *HOOKS})

NAMING = QUEUES | {"InvokeFlowModule", "TransferToFlow", "CreateTask", "UpdateContactTargetQueue"}

SCENES: tuple[tuple[frozenset[str], Callable[[_Theatre], None]], ...] = (
    (frozenset(catalog.CATALOG) | HOOKS.keys(), _plain),
    (QUEUES | {"GetMetricData", "CheckMetricData"}, _staffed),
    (QUEUES | {"GetMetricData", "CheckMetricData"}, _full),
    (QUEUES, _shut),
    (frozenset({"CheckHoursOfOperation"}), _closed),
    (frozenset({"TransferParticipantToThirdParty"}), _unanswered),
    (frozenset({"TransferParticipantToThirdParty"}), _busy),
    (frozenset({"InvokeFlowModule"}), _returning),
    (NAMING, _gone),
    (frozenset({"UpdateContactTargetQueue"}), _homeless),
    (frozenset({"UpdateContactAttributes"}), _laden),
    (frozenset({"UpdateContactMediaStreamingBehavior"}), _streaming),
)
"""Which types of actions, or of the flow, a scene makes a difference to."""


SALES: Mapping[str, str] = {"QueueId": "${queue:Sales}"}


def _queueing(hooks: dict[str, str], target: Mapping[str, str] = SALES) -> str:
    """A flow into a queue, with these flows at its events."""
    hook = {"EventHooks": hooks}
    full = {"NoMatchingError": "bye", "QueueAtCapacity": "bye"}
    actions = (
        an_action("hook", "UpdateContactEventHooks", hook, "queue", NoMatchingError="bye"),
        an_action("queue", "UpdateContactTargetQueue", target, "wait", NoMatchingError="bye"),
        an_action("wait", "TransferContactToQueue", {}, "bye", **full),
        an_action("bye", "DisconnectParticipant"),
    )
    return a_content(*actions[0 if hooks else 1 :])


def _invoking(module: str) -> str:
    return a_content(
        an_action("do", "InvokeFlowModule", {"FlowModuleId": module}, "bye", NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    )
