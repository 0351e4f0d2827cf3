"""Chat news: what sockets are told of chats, as soon as it is durable.

Follows the node (node.node.follow); is the room of server.sockets; asked by server.participant for
what is told and not kept. Rules:

* What is pushed is what the transcript shows: items and receipts, in their order, and typing.
* Everybody who is in a chat hears it, the sender of an item too, but not of his own typing.
* Who leaves hears that he has left, and the end of the chat if it comes with it; then no more.
* An agent's sockets hear a chat from when he joins it; they close when he signs out.

Source: the agent service's notes, section 2.
"""

import logging

from ringfloor.base.time import Instant
from ringfloor.domain import chat as domain
from ringfloor.domain import commands
from ringfloor.domain.chat import ChatItem, Participant, Receipt, acting
from ringfloor.domain.events import (
    ChatEnded,
    ChatItemAdded,
    InstanceDeleted,
    Origin,
    Outcome,
    ParticipantJoined,
    ParticipantLeft,
    ReceiptMarked,
    RecordsExpired,
    ResourceDeleted,
    ResourceUpdated,
)
from ringfloor.domain.resources import Properties
from ringfloor.node.attachments import Attachments
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.operations.chat_tokens import denied
from ringfloor.operations.sign_in import SIGNED_OUT
from ringfloor.server.chat_items import pushed, pushed_receipt
from ringfloor.server.sockets import POLICY, Audience, Chat, Guest, Socket

log = logging.getLogger(__name__)

CHAT_EVENTS = (ChatEnded, ChatItemAdded, ParticipantJoined, ParticipantLeft, ReceiptMarked)


OtherEvent = InstanceDeleted | RecordsExpired | ResourceDeleted | ResourceUpdated
OTHER_EVENTS = (InstanceDeleted, RecordsExpired, ResourceDeleted, ResourceUpdated)


class ChatNews:
    """What is told to whom."""

    def __init__(self, node: Node, audience: Audience, attachments: Attachments) -> None:
        self._node = node
        self._audience = audience
        self._attachments = attachments
        node.follow(self.hear)

    def hear(self, desk: Desk, outcome: Outcome) -> None:
        """What has become durable. Whatever is wrong here is not the center's trouble."""
        try:
            self._hear(desk, outcome)
        except Exception:  # ours: clients ask GetTranscript, the operator has the trace
            log.exception("sockets of instance %s were not told everything", desk.instance_id)

    def _hear(self, desk: Desk, outcome: Outcome) -> None:
        left: list[tuple[Chat, str]] = []
        ended: list[Chat] = []
        for event in outcome.events:
            if isinstance(event, OTHER_EVENTS):
                self._other(desk, event)
            elif isinstance(event, CHAT_EVENTS) and self._audience:
                chat = Chat(desk.instance_id, event.chat_id)
                if isinstance(event, ParticipantJoined):
                    self._joined(chat, event)
                elif isinstance(event, ParticipantLeft):
                    left.append((chat, event.participant_id))
                elif isinstance(event, ChatEnded):
                    ended.append(chat)
                elif self._audience.hears(chat):
                    self._audience.tell(chat, self._shown(desk, event, outcome.at))
        for chat, participant_id in left:
            self._audience.leave(chat, participant_id)
        for chat in ended:
            self._audience.end(chat)

    def _other(self, desk: Desk, event: OtherEvent) -> None:
        """Files and sockets that nobody needs any more."""
        match event:
            case InstanceDeleted():
                self._attachments.forget(desk.instance_id)
                self._audience.clear(desk.instance_id)
            case RecordsExpired():
                self._attachments.expire(desk.instance_id, event.before)
            case _ if _signs_out(event):
                guest = Guest(desk.instance_id, "", event.id)
                self._audience.bid_farewell(guest, POLICY, "signed out; sign in again")
            case _:
                pass

    def _joined(self, chat: Chat, event: ParticipantJoined) -> None:
        if event.user_id is not None:
            for socket in self._audience.sockets_of_agent(chat.instance_id, event.user_id):
                self._audience.seat(chat, event.participant_id, socket)

    def _shown(self, desk: Desk, event: ChatItemAdded | ReceiptMarked, at: Instant) -> Properties:
        chat_id = event.chat_id
        if isinstance(event, ChatItemAdded):
            return pushed(event.item, chat_id)
        message = desk.transcripts.item(chat_id, event.message_id)
        contact_id = message.contact_id if message else chat_id
        receipt = Receipt(event.delivered_at, event.read_at)
        named = event.message_id, contact_id
        return pushed_receipt(chat_id, named, event.participant_id, receipt, at)

    def typing(self, chat: Chat, item: ChatItem) -> None:
        """Somebody is typing."""
        self._audience.tell(chat, pushed(item, chat.chat_id), but=item.participant_id)

    async def enter(self, socket: Socket) -> None:
        """Let a socket hear its chats; a customer has joined with that.

        Refuses with AccessDeniedException.
        """
        guest = socket.guest
        desk = self._node.desks.get(guest.instance_id)
        if desk is None:
            raise denied("the instance is no more")
        if not guest.chat_id:
            await self._node.read(lambda: self._seat_agent(desk, socket))
            return
        role = await self._node.read(lambda: self._seat(desk, socket))
        if role == "CUSTOMER":
            arn = participant_arn(desk, guest.chat_id, guest.who)
            origin = Origin(arn, operation="participant:aws/subscribe")
            command = commands.ConnectParticipant(guest.chat_id, guest.who)
            await self._node.submit(guest.instance_id, command, origin)

    def _seat(self, desk: Desk, socket: Socket) -> str:
        guest = socket.guest
        found = present(desk, guest.chat_id, guest.who)
        self._audience.seat(Chat(guest.instance_id, guest.chat_id), guest.who, socket)
        return found.role

    def _seat_agent(self, desk: Desk, socket: Socket) -> None:
        guest = socket.guest
        agent = desk.center.agents.get(guest.who)
        if agent is None:
            raise denied("the user is no more")
        signed_out = desk.center.resources["user"][guest.who].properties.get(SIGNED_OUT, -1)
        if socket.issued < signed_out:
            raise denied("the user has signed out")
        for contact_id in agent.contacts:
            found = agents_part(desk, contact_id, guest.who)
            if found is not None and found[1].joined_at is not None:
                chat, participant = found
                self._audience.seat(Chat(guest.instance_id, chat.id), participant.id, socket)


def _signs_out(event: ResourceUpdated | ResourceDeleted) -> bool:
    """Whether a user's sessions are over with this."""
    changed = not isinstance(event, ResourceUpdated) or SIGNED_OUT in event.changes
    return event.kind == "user" and changed


def present(desk: Desk, chat_id: str, participant_id: str) -> Participant:
    """A participant who has not left a chat that goes on; refuses with AccessDeniedException."""
    chat = desk.center.chats.get(chat_id)
    found = chat.participants.get(participant_id) if chat else None
    if found is None or found.left_at is not None:
        raise denied("the participant is not, or no longer, part of a chat")
    return found


def agents_part(
    desk: Desk, contact_id: str, user_id: str
) -> tuple[domain.Chat, Participant] | None:
    """The chat of an agent's contact and who he is in it; None if it is none, or he has left."""
    contact = desk.center.contacts.get(contact_id)
    chat = desk.center.chats.get(contact.chat_id) if contact and contact.chat_id else None
    found = acting(chat, contact_id, user_id) if chat else None
    return (chat, found) if chat and found and found.left_at is None else None


def participant_arn(desk: Desk, chat_id: str, participant_id: str) -> str:
    """For the audit trail."""
    return f"{desk.center.home.contact_arn(chat_id)}/participant/{participant_id}"
