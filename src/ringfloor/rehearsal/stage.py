"""Stage: what there is in a rehearsal, and how contacts come about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ringfloor.base.errors import Fault, shown
from ringfloor.base.ids import derive
from ringfloor.base.limits import DIAL_MS
from ringfloor.base.time import SECOND
from ringfloor.domain import chat as words
from ringfloor.domain import commands
from ringfloor.domain.contact import Reference
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine import flows
from ringfloor.engine.view import last_segment
from ringfloor.flow import language, names
from ringfloor.gateway.phones import Behaviour
from ringfloor.rehearsal import standins
from ringfloor.rehearsal.people import (
    CHAT_MS,
    RehearsedAgent,
    RehearsedCall,
    RehearsedChat,
    RehearsedContact,
    RehearsedTask,
    handle,
)
from ringfloor.rehearsal.standins import REFERENCED, RESOURCES, STAND_INS, StandIn
from ringfloor.rehearsal.world import OWN_NUMBER, Function, World

CUSTOMER = "+12065550100"


class Rehearsal(World):
    """A contact center in which flows are tried."""

    def __init__(self, *, seed: int = 1) -> None:
        self.standins: list[str] = []
        """What was made because a flow names it, as `kind name`."""
        self.stand_ins: dict[str, StandIn] = dict(STAND_INS)
        """How that is made, by kind; a test may say otherwise."""
        super().__init__(seed=seed)

    # What there is

    def arn(self, kind: str, name: str) -> str:
        """The ARN of what is called so; made as a stand-in if it is not there."""
        return self.center.home.arn_of(kind, self._id(kind, name))

    def _id(self, kind: str, name: str) -> str:
        found = self.center.names[kind].get(name)
        return found if found is not None else self.stand_in(kind, name)

    def stand_in(self, kind: str, name: str, identifier: str | None = None) -> str:
        """Make something of this kind and name that does what is expected of it, no more."""
        make = self.stand_ins.get(kind)
        if make is None:
            raise Fault(f"there is no stand-in for a {kind}: make {shown(name)} first")
        self.standins.append(f"{kind} {name}")
        return self.create(kind, make(self.center, name), identifier)

    def create(
        self, kind: str, properties: Mapping[str, Any], identifier: str | None = None
    ) -> str:
        """A resource with these properties, as the API's Create operations have them; its id."""
        return self.submit(
            commands.CreateResource(kind=kind, properties=dict(properties), id=identifier)
        )

    def queue(self, name: str, **properties: Any) -> str:  # noqa: ANN401  of the API's Queue
        """A queue; `MaxContacts=2` and its like as in CreateQueue. Its id."""
        return self.create("queue", {**standins.queue(self.center, name), **properties})

    def hours(self, name: str, *, is_open: bool = True) -> str:
        """Hours that are always open, or never. Their id."""
        made = standins.hours(self.center, name, is_open=is_open)
        return self.create("hours_of_operation", made)

    def quick_connect(
        self,
        name: str,
        *,
        number: str | None = None,
        queue: str | None = None,
        agent: str | None = None,
        flow: str | None = None,
    ) -> str:
        """Where agents transfer to: a number, or else a queue or an agent through a flow. Its id.

        flow: else that which every instance has for it.
        """
        if number is not None:
            way = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": number}}
            return self.create("quick_connect", {"Name": name, "QuickConnectConfig": way})
        kind, member, default = "QUEUE", "QueueConfig", "Default queue transfer"
        target = {"QueueId": self._id("queue", queue)} if queue is not None else {}
        if agent is not None:
            kind, member, default = "USER", "UserConfig", "Default agent transfer"
            target = {"UserId": self._id("user", agent)}
        flow_id = self.center.named("contact_flow", flow or default)
        way = {"QuickConnectType": kind, member: {**target, "ContactFlowId": flow_id}}
        return self.create("quick_connect", {"Name": name, "QuickConnectConfig": way})

    def flow(self, name: str, content: str | Path, type_: str = "CONTACT_FLOW") -> str:
        """A published flow; names in it (`${queue:Sales}`) lead to what there is. Its id.

        content: flow language, or a file of it. Raises Refusal InvalidContactFlowException with all
        problems that keep it from running.
        """
        return self._content("contact_flow", name, _text(content), type_)

    def module(self, name: str, content: str | Path) -> str:
        """A published module, likewise. Its id."""
        return self._content("contact_flow_module", name, _text(content), "MODULE")

    def _content(self, kind: str, name: str, content: str, type_: str) -> str:
        content = self._named(content)
        parsed = language.parse(content, type_, published=True, lenient=True)
        properties = standins.published(name, content)
        if kind == "contact_flow":
            properties["Type"] = type_
        found = self.center.names[kind].get(name)
        if found is not None:
            self.submit(commands.UpdateResource(kind, found, properties))
        made = found or self.create(kind, properties)
        for named_kind, named, _, _ in language.static_references(parsed):
            self._ensure(named_kind, named)
        return made

    def _named(self, content: str) -> str:
        """The content with ARNs for its names."""
        known: dict[str, dict[str, list[str]]] = {}
        for use in names.names(content):
            if use.kind == "lambda":
                arn = f"arn:aws:lambda:us-east-1:123456789012:function:{use.name}"
            else:
                arn = self.arn(RESOURCES.get(use.kind, use.kind), use.name)
            known.setdefault(use.kind, {})[use.name] = [arn]
        return names.resolved(content, known) if known else content

    def _ensure(self, kind: str, reference: str) -> None:
        """A flow of somebody else's names what is not here."""
        resource = REFERENCED.get(kind)
        if resource is None:
            return
        versioned = resource in ("contact_flow", "contact_flow_module")
        identifier = flows.pointer(reference).id if versioned else last_segment(reference)
        if identifier and identifier not in self.center.resources[resource]:
            self.stand_in(resource, f"{identifier} ({kind})", identifier)

    def function(self, name: str, function: Function) -> None:
        """What InvokeLambdaFunction calls by this ARN or name; `*`: whatever is not named."""
        self.functions[name] = function

    def bot(self, name: str, bot: Function) -> None:
        """What ConnectParticipantWithLexBot asks by this alias ARN, id or name; `*`: all others.

        It takes Lex V2's RecognizeText and returns its reply; understood() makes one.
        """
        self.bots[name] = bot

    def phone(
        self,
        number: str,
        does: Literal["answer", "busy", "no-answer", "invalid"],
        after: float = 0,
    ) -> None:
        """What a number does when it is dialled; one that is not told answers at once."""
        self.phones.tell(number, Behaviour(does, round(after * SECOND)))

    def agent(
        self, name: str, queues: Sequence[str], *, channels: Sequence[Channel] = ("VOICE",)
    ) -> RehearsedAgent:
        """An agent who serves these queues; Offline until he says otherwise."""
        profile = self.create(
            "routing_profile",
            {
                "Name": f"{name}'s profile",
                "Description": "",
                "DefaultOutboundQueueId": self._id("queue", queues[0]),
                "MediaConcurrencies": [
                    {"Channel": channel, "Concurrency": 1} for channel in channels
                ],
                "QueueConfigs": [
                    {
                        "QueueReference": {"QueueId": self._id("queue", each), "Channel": channel},
                        "Priority": 1,
                        "Delay": 0,
                    }
                    for each in queues
                    for channel in channels
                ],
            },
        )
        user = {**standins.user(self.center, name), "RoutingProfileId": profile}
        return RehearsedAgent(self, self.create("user", user))

    # Contacts

    @property
    def contacts(self) -> list[RehearsedContact]:
        """All that there have been, in the order in which they began, also those of flows."""
        return [handle(self, each) for each in self.begun]

    def call(
        self, flow: str, *, number: str = CUSTOMER, attributes: Mapping[str, str] | None = None
    ) -> RehearsedCall:
        """A customer calls, straight into the flow of this name."""
        contact_id = derive(self.deal(), 0)
        flow_id = self.center.named("contact_flow", flow)
        self.phones.call(number, OWN_NUMBER, contact_id, self.now)
        self.submit(
            commands.StartInboundContact(
                contact_id=contact_id,
                from_number=number,
                to=OWN_NUMBER,
                flow_id=flow_id,
                attributes=dict(attributes or {}),
            )
        )
        return RehearsedCall(self, contact_id)

    def outbound(
        self, flow: str, number: str = CUSTOMER, attributes: Mapping[str, str] | None = None
    ) -> RehearsedCall:
        """The center calls a customer, who is then in the flow of this name."""
        made = self.submit(
            commands.StartOutboundContact(
                to=number,
                from_number=OWN_NUMBER,
                flow_id=self.center.named("contact_flow", flow),
                attributes=dict(attributes or {}),
                dial_ms=DIAL_MS,
            )
        )
        return RehearsedCall(self, made)

    def chat(
        self,
        flow: str,
        *,
        name: str = "Customer",
        attributes: Mapping[str, str] | None = None,
        message: str | None = None,
    ) -> RehearsedChat:
        """A customer of this name begins a chat, with a first message or none."""
        chat_id = self.submit(
            commands.StartChat(
                flow_id=self.center.named("contact_flow", flow),
                display_name=name,
                attributes=dict(attributes or {}),
                content_types=words.MESSAGES,
                initial_message=None if message is None else (words.TEXT, message),
                life_ms=CHAT_MS,
            )
        )
        if chat_id in self.center.chats:
            self.submit(commands.ConnectParticipant(chat_id, words.customer_id(chat_id)))
        return RehearsedChat(self, chat_id)

    def task(
        self,
        flow: str,
        *,
        name: str = "Task",
        attributes: Mapping[str, str] | None = None,
        references: Mapping[str, str] | None = None,
    ) -> RehearsedTask:
        """Somebody makes a task; references: addresses (URL) by name."""
        made = self.submit(
            commands.StartTask(
                name=name,
                flow_id=self.center.named("contact_flow", flow),
                attributes=dict(attributes or {}),
                references={
                    key: Reference("URL", value) for key, value in (references or {}).items()
                },
            )
        )
        return RehearsedTask(self, made)


def understood(intent: str, /, message: str | None = None, **slots: str) -> dict[str, Any]:
    """A bot's reply, in the form of Lex V2: it has understood this intent, and is through."""
    filled = {name: {"value": {"interpretedValue": value}} for name, value in slots.items()}
    said = [] if message is None else [{"contentType": "PlainText", "content": message}]
    found = {"name": intent, "slots": filled, "state": "Fulfilled"}
    return {
        "sessionState": {"dialogAction": {"type": "Close"}, "intent": found},
        "interpretations": [{"intent": found, "nluConfidence": {"score": 1.0}}],
        "messages": said,
    }


def _text(content: str | Path) -> str:
    return content.read_text(encoding="utf-8") if isinstance(content, Path) else content
