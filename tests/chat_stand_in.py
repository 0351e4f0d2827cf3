"""A chat without a contact center: what the edge asks of a node, for one chat with two in it.

The participant service, its sockets and files are tried against this where the center would only be
in the way: it refuses when it is told to, and it can be looked into.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ringfloor.aws.throttle import NO_LIMITS, Limits, Throttle
from ringfloor.aws.tokens import Sealer
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import derive, dice
from ringfloor.base.time import DAY, VirtualClock
from ringfloor.domain import chat as words
from ringfloor.domain import commands, events
from ringfloor.domain.chat import Chat, ChatItem, Participant, Receipt
from ringfloor.domain.events import Origin, Outcome
from ringfloor.domain.resources import Home
from ringfloor.node.attachments import Attachments
from ringfloor.operations.chat_tokens import PARTICIPANT, Claims, seal
from ringfloor.server.chat_news import ChatNews
from ringfloor.server.sockets import Audience

START = 1_700_000_000_000
KEY = b"the sealing key of all the tests"


class Transcripts:
    """The lines of the chat."""

    def __init__(self) -> None:
        self.items: list[ChatItem] = []
        self.receipts: dict[str, dict[str, Receipt]] = {}

    def item(self, _chat_id: str, item_id: str) -> ChatItem | None:
        return next((each for each in self.items if each.id == item_id), None)


class ChatNode:
    """One chat, between the customer Carol and the agent Ann, who has yet to join."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self._ids = dice(9)
        self.instance_id, self.chat_id, self.carol, self.ann, self.bot = (
            self.an_id() for _ in range(5)
        )
        self.chat = Chat(
            id=self.chat_id,
            contact_id=self.chat_id,
            started_at=START,
            expires_at=START + DAY,
            content_types=("text/plain", "text/markdown"),
        )
        for participant_id, role, name, user_id in (
            (self.carol, "CUSTOMER", "Carol", None),
            (self.ann, "AGENT", "Ann", "user-ann"),
            (self.bot, "CUSTOM_BOT", "Robby", None),
        ):
            self.chat.participants[participant_id] = Participant(
                id=participant_id,
                role=role,  # type: ignore[arg-type]  # of the rows above
                display_name=name,
                contact_id=self.chat_id,
                user_id=user_id,
            )
        self.desk = SimpleNamespace(
            instance_id=self.instance_id,
            transcripts=Transcripts(),
            center=SimpleNamespace(
                home=Home("us-east-1", "111122223333", self.instance_id),
                chats={self.chat_id: self.chat},
                contacts={self.chat_id: SimpleNamespace(chat_id=self.chat_id, runs={})},
                agents={"user-ann": SimpleNamespace(contacts={self.chat_id: None})},
                resources={"user": {"user-ann": SimpleNamespace(properties={})}},
            ),
        )
        self.desks = {self.instance_id: self.desk}
        self.submitted: list[commands.Command] = []
        self.origins: list[Origin] = []
        self.refusal: Exception | None = None
        """What the next command meets."""
        self._followers: list[Callable[..., None]] = []
        self._tokens: dict[tuple[str, str], str] = {}

    def an_id(self) -> str:
        return derive(self._ids(), 0)

    def follow(self, follower: Callable[..., None]) -> None:
        self._followers.append(follower)

    async def read(self, question: Callable[[], Any]) -> Any:
        return question()

    async def submit(self, _instance_id: str, command: Any, origin: Origin) -> str:
        self.submitted.append(command)
        self.origins.append(origin)
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        answer, happened = self._decide(command, self.chat.participants[command.participant_id])
        self.publish(*happened)
        return answer

    def publish(self, *happened: Any) -> None:
        """Something has become durable."""
        outcome = Outcome(self.clock.now(), happened, Origin())
        for follower in self._followers:
            follower(self.desk, outcome)

    def _decide(self, command: Any, by: Participant) -> tuple[str, list[Any]]:
        now, chat_id = self.clock.now(), self.chat_id
        match command:
            case commands.ConnectParticipant():
                if by.joined_at is not None:
                    return "", []
                by.joined_at = now
                return "", [
                    events.ParticipantJoined(chat_id, by.id, by.user_id),
                    self.line("EVENT", words.JOINED, by),
                ]
            case commands.SendChatItem():
                key = by.id, command.client_token or self.an_id()
                if key in self._tokens:
                    return self._tokens[key], []
                line = self.line(
                    command.type, command.content_type, by, command.content, command.attachments
                )
                self._tokens[key] = line.item.id
                return line.item.id, [line]
            case commands.MarkReceipt():
                receipt = Receipt(now, now if command.kind == "READ" else None)
                of = self.desk.transcripts.receipts.setdefault(command.message_id, {})
                of[by.id] = receipt
                return "", [
                    events.ReceiptMarked(chat_id, command.message_id, by.id, *_fields(receipt))
                ]
            case commands.LeaveChat():
                by.left_at = now
                left = self.line("EVENT", words.LEFT, by)
                happened = [events.ParticipantLeft(chat_id, by.id, by.user_id), left]
                if by.role == "CUSTOMER":
                    del self.desk.center.chats[chat_id]
                    happened += [
                        self.line("EVENT", words.ENDED),
                        events.ChatEnded(chat_id, chat_id),
                    ]
                return "", happened
        raise Refusal("InvalidRequestException", f"{command}: not here")

    def line(
        self,
        kind: Any,
        content_type: str,
        by: Participant | None = None,
        content: str | None = None,
        attachments: Any = (),
    ) -> events.ChatItemAdded:
        """A line more in the transcript."""
        who = (by.id, by.role, by.display_name) if by else (None, None, None)
        item = ChatItem(
            self.an_id(),
            self.clock.now(),
            kind,
            content_type,
            content,
            *who,
            self.chat_id,
            attachments,
        )
        self.desk.transcripts.items.append(item)
        return events.ChatItemAdded(self.chat_id, item)


def _fields(receipt: Receipt) -> tuple[int | None, int | None]:
    return receipt.delivered_at, receipt.read_at


class Edge:
    """Everything of the edge that serves chats, around one chat."""

    def __init__(self, limits: Limits = NO_LIMITS) -> None:
        self.node = ChatNode()
        self.sealer = Sealer((KEY,))
        self.attachments = Attachments(None)
        self.audience = Audience()
        self.news = ChatNews(self.node, self.audience, self.attachments)  # type: ignore[arg-type]
        self.service: Any = SimpleNamespace(
            node=self.node, sealer=self.sealer, account="111122223333"
        )
        self.throttle = Throttle(limits)

    def token(self, participant_id: str, purpose: str = PARTICIPANT, lasts: int = DAY) -> str:
        claims = Claims(self.node.instance_id, self.node.chat_id, participant_id)
        return seal(self.sealer, purpose, claims, self.node.clock.now() + lasts)
