"""Chats: the auditor's opinion of who is in a chat and what its transcript says.

It keeps people and lines as events tell of them, and is asked what must come of what somebody does
(expected), after each event (on), and when a command is done (after). Sources: behaviour
specification, sections 2.6 and 5.7.
"""

from dataclasses import dataclass, field
from typing import Any

from ringfloor.base.time import MINUTE, Instant
from ringfloor.domain import commands, events

CONNECT_MS = 5 * MINUTE
PARTIES_MAX = 6
PREFIX = "application/vnd.amazonaws.connect.event."

WRITTEN = (
    commands.ConnectParticipant,
    commands.SendChatItem,
    commands.MarkReceipt,
    commands.LeaveChat,
)


@dataclass
class Guest:
    """Somebody in a chat."""

    id: str
    role: str
    contact: str
    user: str | None
    silent: bool
    joined: Instant | None = None
    left: Instant | None = None
    active: Instant = 0
    idle: Instant | None = None
    told: list[str] = field(default_factory=list)
    """What the transcript says of his coming and leaving."""

    def is_in(self) -> bool:
        return self.joined is not None and self.left is None


@dataclass
class Talk:
    """One chat."""

    id: str
    contact: str
    guests: dict[str, Guest] = field(default_factory=dict)
    lines: dict[str, str | None] = field(default_factory=dict)
    """Id of each line to whoever has written it."""
    messages: list[str] = field(default_factory=list)
    receipts: dict[tuple[str, str], tuple[Instant | None, Instant | None]] = field(
        default_factory=dict
    )
    tokens: set[tuple[str, str]] = field(default_factory=set)
    timers: dict[tuple[str, str], int] = field(default_factory=dict)
    connect_by: Instant | None = None
    together: Instant | None = None
    wound: Instant = 0
    """When its clock was last looked at: what was due before is due then."""
    last: str = ""
    """What its last line is of."""
    over: bool = False
    exits: bool = False
    """Whether its agent goes when its customer does, who may stay for another flow."""


class Chats:
    """All chats of a center."""

    def __init__(self, auditor: Any) -> None:
        self.auditor = auditor
        self.talks: dict[str, Talk] = {}

    def of(self, leg: Any) -> Talk | None:
        """The chat that has come to this contact."""
        found = self.talks.get(leg.chat or "")
        return found if found is not None and found.contact == leg.id and not found.over else None

    def others(self, leg: Any) -> list[Any]:
        """The contacts, besides this one, by which agents serve its customer, or are to."""
        if leg.channel != "CHAT" or leg.chat is None:
            return []
        legs = self.auditor._live(*self.auditor.LIVE)
        there = [e for e in legs if e.chat == leg.chat and e.channel == "CHAT" and e.id != leg.id]
        return sorted((e for e in there if e.method != "MONITOR"), key=lambda each: each.number)

    # What must come of a command

    def controls(self, command: Any, leg: Any) -> Any:
        """An agent asks another one in, or sends one away."""
        talk = self.of(leg) or self.talks.get(leg.chat or "")
        serves = leg.stage == "TALKING" and leg.method != "MONITOR"
        if not serves or leg.agent != command.agent_id:
            return "refused"
        others = self.others(leg)
        if isinstance(command, commands.AddParty):
            if talk is None:
                return "refused"
            bots = [e for e in talk.guests.values() if e.role == "CUSTOM_BOT" and e.left is None]
            allowed = self.auditor.settings.get("MultiPartyChatConference")
            full = 2 + len(others) + len(bots) >= PARTIES_MAX
            named = command.quick_connect_id is not None
            return None if allowed and named and not full else "refused"
        phone = self.auditor.calls.phone
        for each in (leg, *others):
            if phone(each) == command.leg:
                talks = each.stage == "TALKING"
                left = self.auditor.remains if talks else self.auditor.ending
                return left(each, "AGENT_DISCONNECT")
        return "refused"

    def expected(self, command: Any) -> Any:
        talk = self.talks.get(command.chat_id)
        who = talk.guests.get(command.participant_id) if talk is not None else None
        leaves = isinstance(command, commands.LeaveChat)
        if talk is None or talk.over or who is None or who.left is not None:
            return [] if leaves else "refused"
        if leaves:
            return self._leaves(talk, who)
        match command:
            case commands.ConnectParticipant():
                return [] if who.joined is not None else [("ParticipantJoined",)]
            case commands.SendChatItem():
                if (who.id, command.client_token) in talk.tokens:
                    return []
                if not who.is_in() or who.silent or not command.content:
                    return "refused"
                return [("ChatItemAdded",)]
        if command.message_id not in talk.messages[-100:]:
            return None
        heard = [each for each in talk.guests.values() if each.is_in() and not each.silent]
        if who.silent or len(heard) > 2 or talk.lines[command.message_id] == who.id:
            return "refused"
        delivered, read = talk.receipts.get((command.message_id, who.id), (None, None))
        known = delivered is not None and (command.kind == "DELIVERED" or read is not None)
        return [] if known else [("ReceiptMarked",)]

    def _leaves(self, talk: Talk, who: Guest) -> Any:
        leg = self.auditor.legs[who.contact]
        match who.role:
            case "AGENT":
                return self.auditor.remains(leg, "AGENT_DISCONNECT")
            case "CUSTOMER" if talk.exits and leg.stage == "TALKING":
                for each in self.others(leg):
                    return self.auditor.ending(each, "CUSTOMER_DISCONNECT")
                return self.auditor.remains(leg, "CUSTOMER_DISCONNECT")
            case "CUSTOMER":
                return [("ChatItemAdded",) if who.is_in() else ("ParticipantLeft",)]
            case _:
                return None

    # Timers

    def _next(self, talk: Talk, guest: Guest) -> tuple[Instant, str] | None:
        """When the chat tells of somebody who does nothing, and what."""
        if talk.together is None or not guest.is_in():
            return None
        idle = talk.timers.get((guest.role, "IDLE"))
        off = talk.timers.get((guest.role, "DISCONNECT_NONCUSTOMER"))
        since = max(talk.together, guest.active)
        if guest.idle is None and idle is not None:
            return since + idle * MINUTE, "participant.idle"
        if off is not None:
            return (guest.idle or since) + off * MINUTE, "participant.autodisconnection"
        return None

    def due(self, leg: Any) -> Instant | None:
        """When something happens by itself to the chat that has come to a contact."""
        talk = self.of(leg)
        if talk is None:
            return None
        if talk.connect_by is not None:
            return talk.connect_by
        steps = [self._next(talk, each) for each in talk.guests.values()]
        due = min((each[0] for each in steps if each is not None), default=None)
        return None if due is None else max(due, talk.wound)

    def then(self, leg: Any) -> list[tuple[str, ...]]:
        talk = self.of(leg)
        if talk is not None and talk.connect_by is not None:
            said = [("ContactEnded", leg.id, "CUSTOMER_CONNECTION_NOT_ESTABLISHED")]
            missed = ("OfferMissed", leg.id, str(leg.agent), "customer_left")
            return [missed] if leg.stage == "RINGING" else said
        return [("ChatItemAdded",)]

    # What happened

    def on(self, event: events.Event) -> None:
        match event:
            case events.ChatStarted(chat=chat):
                self._started(chat)
            case (
                events.ParticipantAdded()
                | events.ParticipantJoined()
                | events.ParticipantLeft()
                | events.ParticipantSilenced()
            ):
                self._guest(event, self._talk(event.chat_id))
            case events.ChatItemAdded():
                self._line(event, self._talk(event.chat_id))
            case events.ReceiptMarked():
                self._receipt(event, self._talk(event.chat_id))
            case events.ChatMoved(chat_id=chat_id, contact_id=contact_id):
                talk = self._talk(chat_id)
                leg = self.auditor.legs[contact_id]
                right = leg.chat == chat_id and leg.channel == "CHAT"
                self.auditor.need(right, f"{contact_id} is of {chat_id}")
                self.auditor.need(talk.contact != contact_id, f"{chat_id} moves on")
                self._passes(self.auditor.legs[talk.contact], leg)
                talk.contact = contact_id
                for each in talk.guests.values():
                    each.contact = contact_id if each.user is None else each.contact
                talk.wound = self.auditor.at
            case events.ChatTimersSet(chat_id=chat_id, timers=timers):
                talk = self._talk(chat_id)
                talk.wound = self.auditor.at
                for each in timers:
                    talk.timers.pop((each.role, each.type), None)
                    if each.minutes is not None:
                        talk.timers[each.role, each.type] = each.minutes
            case events.ChatContinued(chat_id=chat_id):
                self._talk(chat_id)
            case events.ChatEnded(chat_id=chat_id, contact_id=contact_id):
                talk = self._talk(chat_id)
                self.auditor.need(talk.contact == contact_id, f"{chat_id} ends in {talk.contact}")
                ended = list(talk.lines)[-1]
                self.auditor.need(talk.last == "chat.ended", f"{ended} says that it is over")
                talk.over = True
            case _:
                pass

    def _passes(self, before: Any, leg: Any) -> None:
        """Who has joined a chat has its customer, once who had him is gone."""
        if not leg.joins:
            return
        need = self.auditor.need
        need(before.stage not in self.auditor.LIVE, f"{before.id} has the customer no more")
        there = [each for each in self.others(before) if each.stage == "TALKING"]
        best = (there or [leg])[0]
        need(best.id == leg.id, f"{best.id} is there, and comes before {leg.id}")
        leg.joins, before.heir = False, leg.id
        before.at["passed"] = self.auditor.at

    def _talk(self, chat_id: str) -> Talk:
        talk = self.talks[chat_id]
        self.auditor.need(not talk.over, f"nothing more in {chat_id}")
        return talk

    def _started(self, chat: Any) -> None:
        need = self.auditor.need
        need(chat.id not in self.talks, f"{chat.id} begins once")
        need(chat.contact_id == chat.id == self.auditor.legs[chat.id].chat, f"{chat.id} is a chat")
        talk = self.talks[chat.id] = Talk(chat.id, chat.id)
        talk.connect_by = self.auditor.at + CONNECT_MS
        talk.exits = "AGENT" in chat.exits
        need(chat.connect_by == talk.connect_by, f"{chat.id} connects by {talk.connect_by}")
        for each in chat.participants.values():
            need(each.role == "CUSTOMER" and each.joined_at is None, "the customer is to come")
            talk.guests[each.id] = Guest(each.id, each.role, chat.id, None, silent=False)

    def _guest(self, event: Any, talk: Talk) -> None:
        need, at = self.auditor.need, self.auditor.at
        if isinstance(event, events.ParticipantAdded):
            who = event.participant
            need(who.id not in talk.guests, f"{who.id} comes once")
            talk.guests[who.id] = Guest(who.id, who.role, who.contact_id, who.user_id, who.silent)
            if who.user_id is not None:
                leg = self.auditor.legs[who.contact_id]
                need(leg.agent == who.user_id, f"{who.id} is the agent of {leg.id}")
            return
        guest = talk.guests[event.participant_id]
        match event:
            case events.ParticipantJoined():
                need(guest.joined is None, f"{guest.id} joins once")
                guest.joined = guest.active = at
                talk.connect_by = None if guest.role == "CUSTOMER" else talk.connect_by
            case events.ParticipantLeft():
                need(guest.left is None, f"{guest.id} leaves once")
                said = guest.told[-1:] == ["participant.left"]
                need(guest.silent or said == guest.is_in(), f"{guest.id}: {guest.told}")
                guest.left = at
            case events.ParticipantSilenced(silent=silent):
                need(guest.role == "SUPERVISOR" and guest.silent != silent, f"{guest.id} {silent}")
                guest.silent = silent
                return
        there = {each.role for each in talk.guests.values() if each.is_in()}
        talk.wound = at
        if "CUSTOMER" not in there or not there & {"AGENT", "CUSTOM_BOT"}:
            talk.together = None
            for each in talk.guests.values():
                each.idle = None
        elif talk.together is None:
            talk.together = at

    def _line(self, event: events.ChatItemAdded, talk: Talk) -> None:
        need, item = self.auditor.need, event.item
        need(item.id not in talk.lines, f"{item.id} stands once in {talk.id}")
        need(item.at == self.auditor.at, f"{item.id} is said now")
        need(item.contact_id in self.auditor.legs, f"{item.contact_id} known")
        talk.lines[item.id] = item.participant_id
        talk.last = item.content_type.removeprefix(PREFIX)
        guest = talk.guests.get(item.participant_id or "")
        if guest is not None and item.type == "EVENT":
            guest.told.append(talk.last)
            if talk.last == "participant.joined":
                need(guest.joined == self.auditor.at or not guest.silent, f"{guest.id} joins")
            if talk.last == "participant.idle":
                step = self._next(talk, guest)
                need(step is not None and step[1] == talk.last, f"{guest.id} idle")
                guest.idle = self.auditor.at
            if talk.last == "participant.autodisconnection":
                step = self._next(talk, guest)
                need(step is not None and step[1] == talk.last, f"{guest.id} does nothing")
        if item.type == "EVENT":
            return
        talk.messages.append(item.id)
        asked = self.auditor.command
        if guest is None:
            begins = isinstance(asked, commands.StartChat)
            need(item.role == "SYSTEM" or begins, f"{item.role} speaks")
            return
        first = isinstance(asked, commands.StartChat) and asked.initial_message is not None
        need(first or (guest.is_in() and not guest.silent), f"{guest.id} may write")
        if isinstance(asked, commands.SendChatItem):
            told = asked.participant_id, asked.content_type, asked.content
            said = item.participant_id, item.content_type, item.content
            need(told == said, f"{told}, not {said}")
            if asked.client_token is not None:
                need((guest.id, asked.client_token) not in talk.tokens, "said once")
                talk.tokens.add((guest.id, asked.client_token))
        else:
            need(first, f"{guest.id} says nothing by himself")
        guest.active, guest.idle = self.auditor.at, None

    def _receipt(self, event: events.ReceiptMarked, talk: Talk) -> None:
        need, key = self.auditor.need, (event.message_id, event.participant_id)
        need(event.message_id in talk.messages, f"{event.message_id} was said")
        need(talk.lines[event.message_id] != event.participant_id, "of somebody else's message")
        delivered, read = talk.receipts.get(key, (None, None))
        asked = self.auditor.command
        delivered = self.auditor.at if delivered is None else delivered
        if asked.kind == "READ" and read is None:
            read = self.auditor.at
        told = event.delivered_at, event.read_at
        need(told == (delivered, read), f"{key} {delivered} {read}, not {told}")
        talk.receipts[key] = delivered, read

    # When a command is done

    def after(self) -> None:
        need = self.auditor.need
        for talk in self.talks.values():
            if talk.over:
                continue
            leg = self.auditor.legs[talk.contact]
            need(leg.stage in self.auditor.LIVE, f"{talk.id} in {leg.id}, which is {leg.stage}")
            for guest in talk.guests.values():
                own = self.auditor.legs[guest.contact]
                gone = own.stage in ("WORKING", "OVER", "FINAL")
                need(guest.left is not None or not gone, f"{guest.id} left with {own.id}")
        for leg in self.auditor._live("TALKING"):
            talk = self.talks.get(leg.chat or "")
            if leg.channel != "CHAT" or talk is None:
                continue
            there = [e for e in talk.guests.values() if e.contact == leg.id and e.is_in()]
            agents = [each for each in there if each.user == leg.agent]
            need(len(agents) == 1, f"{leg.id}: {leg.agent} is in {talk.id}")
        for leg in self.auditor._live(*self.auditor.LIVE):
            talk = self.talks.get(leg.chat or "")
            need(talk is None or not talk.over, f"{leg.id} lives on after {leg.chat}")
            if talk is not None and leg.channel == "CHAT":
                beside = leg.joins or leg.method == "MONITOR"
                need(beside != (talk.contact == leg.id), f"{leg.id} has {talk.id}, or is beside")
