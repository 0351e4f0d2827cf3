"""People: the customers and agents of a rehearsal, and what they do.

Each is a handle on something of the center, which stays the truth: nothing is kept here.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from ringfloor.base.errors import Fault, shown
from ringfloor.base.time import MINUTE
from ringfloor.domain import chat as words
from ringfloor.domain import commands, dialogue
from ringfloor.domain.call import agent_leg, customer_leg
from ringfloor.domain.contact import Contact, Held
from ringfloor.engine import transfer
from ringfloor.engine.chat import VIEW
from ringfloor.rehearsal.world import Step, World

CHAT_MS = 25 * 60 * MINUTE
"""How long a chat may last."""


class RehearsedContact:
    """One contact of a rehearsal."""

    def __init__(self, world: World, contact_id: str) -> None:
        self._world = world
        self.id = contact_id

    @property
    def contact(self) -> Contact:
        """The contact itself, live or final."""
        return self._world.contact(self.id)

    def wait(self, seconds: float) -> None:
        """Nobody does anything for so long."""
        self._world.pass_time(seconds)

    @property
    def steps(self) -> list[Step]:
        """The actions that it has been through, with the branch by which each was left."""
        return self._world.steps.get(self.id, [])

    @property
    def path(self) -> list[str]:
        """The identifiers of those actions."""
        return [step.action for step in self.steps]

    @property
    def attributes(self) -> dict[str, str]:
        """The user attributes."""
        return dict(self.contact.attributes)

    @property
    def queue(self) -> str | None:
        """The name of the target queue."""
        found = self._world.center.resources["queue"].get(self.contact.queue_id or "")
        return None if found is None else found.name

    @property
    def is_queued(self) -> bool:
        """Whether it waits for an agent."""
        return self.contact.stage in ("IN_QUEUE", "OFFERED")

    @property
    def agent(self) -> str | None:
        """The name of the agent to whom it is offered, or who has it."""
        found = self._world.center.resources["user"].get(self.contact.agent_id or "")
        return None if found is None else found.name

    @property
    def next(self) -> "list[RehearsedContact]":
        """What it has gone over into: transfers, callbacks."""
        return [handle(self._world, each) for each in self.contact.next_contacts]

    @property
    def ended(self) -> str | None:
        """Why it is over; None: it is not."""
        return self.contact.disconnect_reason

    @property
    def waits_for(self) -> dialogue.Ask | None:
        """What its flow waits for."""
        run = self.contact.runs.get("customer")
        return None if run is None else run.ask


class RehearsedCall(RehearsedContact):
    """A call, and the hand of its customer."""

    @property
    def _leg(self) -> str:
        return customer_leg(self.contact)

    def press(self, keys: str) -> None:
        """The customer presses keys: 0 to 9, * and #."""
        self._world.phones.press(self._leg, keys, self._world.now)
        self._world.settle()

    def hang_up(self) -> None:
        """The customer hangs up."""
        self._world.phones.hang_up(self._leg, self._world.now)
        self._world.settle()

    @property
    def heard(self) -> list[str]:
        """What the customer has heard: texts as they are, prompts and music by their names."""
        return _heard(self._world, self._leg)


class RehearsedChat(RehearsedContact):
    """A chat, and the hand of its customer."""

    @property
    def _chat_id(self) -> str:
        return self.contact.chat_id or self.id

    def say(self, text: str) -> None:
        """The customer writes."""
        self._send(words.TEXT, text)

    def answer_view(self, action: str, data: Mapping[str, Any] | None = None) -> None:
        """The customer chooses something in the view that is shown, with what he has filled in."""
        answer = {"templateType": VIEW, "version": "1.0", "action": action, "data": data or {}}
        self._send(words.INTERACTIVE_RESPONSE, json.encode(answer).decode())

    def leave(self) -> None:
        """The customer leaves."""
        who = words.customer_id(self._chat_id)
        self._world.submit(commands.LeaveChat(self._chat_id, who))

    def _send(self, content_type: str, content: str) -> None:
        who = words.customer_id(self._chat_id)
        _send(self._world, self._chat_id, who, content_type, content)

    @property
    def transcript(self) -> list[tuple[str, str]]:
        """Who has written what, in order: display names and texts."""
        return [
            (item.display_name or "", item.content or "")
            for item in self._world.transcripts.get(self._chat_id, [])
            if item.type == "MESSAGE" and item.content_type in (words.TEXT, words.MARKDOWN)
        ]

    @property
    def read(self) -> list[str]:
        """What the customer has read: what others than he have written."""
        own = self._world.transcripts.get(self._chat_id, [])
        return [
            item.content or ""
            for item in own
            if item.type == "MESSAGE"
            and item.role != "CUSTOMER"
            and item.content_type in (words.TEXT, words.MARKDOWN)
        ]

    @property
    def view(self) -> dialogue.ShowView | None:
        """The view that he is shown: its `view` names it, its `data` fills it in."""
        ask = self.waits_for
        return ask if isinstance(ask, dialogue.ShowView) else None


class RehearsedTask(RehearsedContact):
    """A task. Nobody waits at the other end of it."""

    def pause(self) -> None:
        """Somebody pauses it."""
        self._world.submit(commands.PauseTask(self.id))

    def resume(self) -> None:
        """It goes on."""
        self._world.submit(commands.ResumeTask(self.id))

    def stop(self) -> None:
        """Somebody ends it."""
        self._world.submit(commands.StopContact(self.id))


HANDLES: Mapping[str, type[RehearsedContact]] = {
    "VOICE": RehearsedCall,
    "CHAT": RehearsedChat,
    "TASK": RehearsedTask,
}


def handle(world: World, contact_id: str) -> RehearsedContact:
    """A contact, by what can be done with one of its channel."""
    return HANDLES[world.contact(contact_id).channel](world, contact_id)


def _heard(world: World, leg: str) -> list[str]:
    lines = world.phones.heard(leg)
    return [line.value for line in lines if line.kind in ("text", "ssml", "prompt", "music")]


def _send(world: World, chat_id: str, who: str, content_type: str, content: str) -> None:
    world.submit(
        commands.SendChatItem(
            chat_id=chat_id,
            participant_id=who,
            type="MESSAGE",
            content_type=content_type,
            content=content,
        )
    )


class RehearsedAgent:
    """One agent of a rehearsal."""

    def __init__(self, world: World, agent_id: str) -> None:
        self._world = world
        self.id = agent_id

    def take(self, status: str = "Available") -> None:
        """Choose a status by its name."""
        chosen = self._world.center.named("agent_status", status)
        self._world.submit(commands.SetAgentStatus(self.id, chosen))

    def accept(self) -> None:
        """Take what rings."""
        self._world.submit(commands.AcceptContact(self.id, self._one("CONNECTING", "INCOMING")))

    def reject(self) -> None:
        """Do not take it."""
        self._world.submit(commands.RejectContact(self.id, self._one("CONNECTING", "INCOMING")))

    def hold(self) -> None:
        """Put the caller on hold."""
        self._world.submit(commands.HoldContact(self.id, self._one("CONNECTED")))

    def resume(self) -> None:
        """End the hold."""
        self._world.submit(commands.ResumeContact(self.id, self._one("CONNECTED_ONHOLD")))

    def say(self, text: str) -> None:
        """Write into the chat."""
        contact_id = self._one("CONNECTED", channel="CHAT")
        chat = self._world.center.chats[self._world.contact(contact_id).chat_id or ""]
        who = words.acting(chat, contact_id, self.id)
        assert who is not None, "who has a chat is in it"
        _send(self._world, chat.id, who.id, words.TEXT, text)

    def transfer(self, to: str) -> None:
        """Dial somebody else, a number or a quick connect by its name; hand a chat or task on."""
        held = self._held("CONNECTED")
        number = to if to.startswith("+") else None
        connect = None if number else self._world.center.named("quick_connect", to)
        match held.channel, connect:
            case "VOICE", _:
                command: commands.Command = commands.AddParty(
                    agent_id=self.id,
                    contact_id=held.contact_id,
                    number=number,
                    quick_connect_id=connect,
                )
            case "CHAT", str():
                command = commands.TransferChat(self.id, held.contact_id, connect)
            case _, str():
                found = self._world.center.resources["quick_connect"][connect]
                way = transfer.way_of(self._world.center, found.properties["QuickConnectConfig"])
                command = commands.TransferTask(
                    contact_id=held.contact_id,
                    flow_id=way.flow_id,
                    target_id=way.target,
                    quick_connect_id=connect,
                )
            case _:
                raise Fault(f"a {held.channel} cannot be handed on to a number: {shown(to)}")
        self._world.submit(command)

    def join(self) -> None:
        """Everybody in the call talks with everybody."""
        self._world.submit(
            commands.JoinParties(self.id, self._one("CONNECTED", "CONNECTED_ONHOLD"))
        )

    def call(self, number: str) -> RehearsedContact:
        """Call somebody, on behalf of the first queue that he serves."""
        return handle(
            self._world, self._world.submit(commands.DialOut(agent_id=self.id, to=number))
        )

    def hang_up(self) -> None:
        """Leave the call or chat; be done with the task."""
        held = self._held("CONNECTED", "CONNECTED_ONHOLD", "PENDING")
        end = commands.FinishTask if held.channel == "TASK" else commands.LeaveContact
        self._world.submit(end(self.id, held.contact_id))

    def clear(self) -> None:
        """Be done with after contact work, or with a missed contact."""
        self._world.submit(
            commands.ClearContact(self.id, self._one("ENDED", "MISSED", "ERROR", "REJECTED"))
        )

    @property
    def heard(self) -> list[str]:
        """What he has heard on the call that he has: his whisper, say."""
        contact = self._world.contact(self._held(channel="VOICE").contact_id)
        return _heard(self._world, agent_leg(contact))

    @property
    def holds(self) -> dict[str, str]:
        """Contact ids to the state in which he holds them."""
        return {each.contact_id: each.state for each in self._all()}

    def _all(self) -> list[Held]:
        return list(self._world.center.agents[self.id].contacts.values())

    def _held(self, *states: str, channel: str | None = None) -> Held:
        """The first that he holds so; no states: in whatever state."""
        for held in self._all():
            if (not states or held.state in states) and channel in (None, held.channel):
                return held
        raise Fault(f"the agent holds {shown(self.holds)}, nothing {' or '.join(states)}")

    def _one(self, *states: str, channel: str | None = None) -> str:
        return self._held(*states, channel=channel).contact_id
