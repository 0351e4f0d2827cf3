"""Transcripts: what has been said in each chat that goes on, line by line.

The node owns one per instance and tells it every durable event, in order. When a chat ends, its
transcript becomes a fact for the historical store, and is forgotten here. Receipts stand beside the
message that they are of.

A page is asked of all lines that a chat has, those of ended chats that it continues included: they
are read from the history by whoever asks (operations.chat_transcripts). Where a page begins is told
by an item's id, so it means the same however much has been written meanwhile.

Sources: behaviour specification, sections 5.7 and 7.5; botocore's connectparticipant model.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec
from msgspec import Struct, field

from ringfloor.base.codec import encode
from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.chat import ChatItem, Past, Receipt, Session
from ringfloor.domain.events import Event
from ringfloor.domain.facts import Fact, Transcript


class _Log(Struct, array_like=True):
    """The lines of one chat. contact_id: the contact that it has come to."""

    contact_id: str
    started_at: Instant
    past: tuple[Past, ...] = ()
    items: list[ChatItem] = field(default_factory=list)
    receipts: dict[str, dict[str, Receipt]] = field(default_factory=dict)


_decode = msgspec.msgpack.Decoder(dict[str, _Log]).decode
_decode_session = msgspec.msgpack.Decoder(Session).decode


class Transcripts:
    """The transcripts of one instance's live chats."""

    __slots__ = ("_logs", "_places")
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._places: dict[str, dict[str, int]] = {}
        """Of each chat, where its items stand, by id; made anew from a snapshot."""

    def on(self, event: Event, at: Instant) -> list[Fact]:
        """Let it have happened; what became final by it."""
        match event:
            case events.ChatStarted(chat=chat):
                self._logs[chat.id] = _Log(chat.contact_id, at, chat.past)
                self._places[chat.id] = {}
            case events.ChatItemAdded():
                items = self._logs[event.chat_id].items
                self._places[event.chat_id][event.item.id] = len(items)
                items.append(event.item)
            case events.ReceiptMarked():
                receipts = self._logs[event.chat_id].receipts.setdefault(event.message_id, {})
                receipts[event.participant_id] = Receipt(event.delivered_at, event.read_at)
            case events.ChatMoved():
                self._logs[event.chat_id].contact_id = event.contact_id
            case events.ChatContinued():
                self._logs[event.chat_id].past = event.past
            case events.ChatEnded():
                log = self._logs.pop(event.chat_id)
                del self._places[event.chat_id]
                return [
                    Transcript(
                        contact_id=event.chat_id,
                        started_at=log.started_at,
                        session=encode(_session(event.chat_id, log)),
                    )
                ]
            case _:
                pass
        return []

    def session(self, chat_id: str) -> Session | None:
        """What has been said so far; None: no such chat goes on."""
        log = self._logs.get(chat_id)
        return None if log is None else _session(chat_id, log)

    def item(self, chat_id: str, item_id: str) -> ChatItem | None:
        """One line of a chat that goes on."""
        place = self._places.get(chat_id, {}).get(item_id)
        return None if place is None else self._logs[chat_id].items[place]

    def dump(self) -> bytes:
        """Everything as a snapshot."""
        return encode(self._logs)

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        self = cls()
        self._logs = _decode(snapshot)
        self._places = {
            chat_id: {each.id: place for place, each in enumerate(log.items)}
            for chat_id, log in self._logs.items()
        }
        return self

    def __eq__(  # type: ignore[explicit-override]  # typing.override came after 3.11
        self, other: object
    ) -> bool:
        return self._logs == other._logs if isinstance(other, Transcripts) else NotImplemented


def _session(chat_id: str, log: _Log) -> Session:
    return Session(
        chat_id,
        log.contact_id,
        log.past,
        list(log.items),
        {name: dict(each) for name, each in log.receipts.items()},
    )


def kept(session: bytes) -> Session:
    """A transcript as the historical store has it."""
    return _decode_session(session)


# Pages


class Line(NamedTuple):
    """An item and what is known of its arrival. past: of an ended chat that this one continues."""

    item: ChatItem
    receipts: dict[str, Receipt]
    past: bool = False


class FromId(NamedTuple):
    """From this item on, itself included."""

    item_id: str


class FromTime(NamedTuple):
    """From this instant on; what was at this instant is included."""

    at: Instant


class MostRecent(NamedTuple):
    """From the so many-th item from the end on."""

    number: int


Start = FromId | FromTime | MostRecent


class Asked(NamedTuple):
    """Which page. start: None: the newest item (backward) or the oldest.

    contact_id: of which contact of the chat, or of those that it continues; None: of all.
    """

    backward: bool
    start: Start | None
    at_most: int
    contact_id: str | None = None


class Page(NamedTuple):
    """Lines in the order of the scan; next: the item with which the next page begins."""

    lines: list[Line]
    next: str | None


def lines(session: Session, before: Sequence[tuple[Session, str | None]] = ()) -> list[Line]:
    """Everything that belongs to a chat, oldest first.

    before: the ended chats that it continues, earliest first; of each, what was said until a
    contact was over, or all (None).
    """
    found: list[Line] = []
    for ended, until in before:
        items = ended.items
        if until is not None:
            last = max(
                (number for number, each in enumerate(items) if each.contact_id == until),
                default=-1,
            )
            items = items[: last + 1]
        found.extend(Line(each, ended.receipts.get(each.id, {}), past=True) for each in items)
    found.extend(Line(each, session.receipts.get(each.id, {})) for each in session.items)
    return found


def of_contact(all_lines: Sequence[Line], contact_id: str) -> list[Line]:
    """Those that were written while the chat had come to this contact."""
    return [each for each in all_lines if each.item.contact_id == contact_id]


def page(all_lines: Sequence[Line], asked: Asked) -> Page | None:
    """The page that is asked for; None: it would begin with an item that there is not."""
    first = _first(all_lines, asked)
    if first is None:
        return None
    there = list(all_lines[: first + 1])[::-1] if asked.backward else list(all_lines[first:])
    rest = there[asked.at_most : asked.at_most + 1]
    return Page(there[: asked.at_most], rest[0].item.id if rest else None)


def _first(all_lines: Sequence[Line], asked: Asked) -> int | None:
    """Index of the line that the page begins with; it may lie beyond either end."""
    size = len(all_lines)
    match asked.start:
        case None:
            return size - 1 if asked.backward else 0
        case FromId(item_id):
            ids = (number for number, each in enumerate(all_lines) if each.item.id == item_id)
            return next(ids, None)
        case FromTime(at):
            earlier = sum(each.item.at < at for each in all_lines)
            same = sum(each.item.at == at for each in all_lines)
            return earlier + same - 1 if asked.backward else earlier
        case MostRecent(number):
            return max(size - max(number, 1), 0)
