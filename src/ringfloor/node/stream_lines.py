"""Stream lines: what streams tell, made of the events of one instance.

    contact-events     to Amazon EventBridge there, one JSON object an event
    contact-records    to Kinesis there, one a contact when it is final, and when it changes later
    chat-messages      to Amazon SNS there, one notification a line of a chat that is streamed
    agent-events       to Kinesis there, one a change of an agent's snapshot, a heart beat after two
                       minutes without one
    flow-logs          to Amazon CloudWatch there, one an action of a flow that is logged

Called by node.streams for what happens now, and by node.stream_reading for what the journal has:
both make the same lines of the same record, with the same ids. Notes are taken while a command is
stepped through; the lines are made of them once it is durable. Sources: behaviour specification,
sections 2.5, 2.7, 3.6 and choice 33.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Literal, NamedTuple, get_args

import msgspec

from ringfloor.base.ids import derive
from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.contact import Contact
from ringfloor.domain.resources import Properties
from ringfloor.engine import chat_streams
from ringfloor.engine.agent_events import agent_event, agent_snapshot
from ringfloor.engine.chat_streams import Notification, notifications
from ringfloor.engine.contact_events import ContactEvent, contact_events, envelope
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.engine import Witness
from ringfloor.engine.flow_logs import FlowLog, flow_logs
from ringfloor.engine.state import Center

Stream = Literal["contact-events", "contact-records", "agent-events", "chat-messages", "flow-logs"]
STREAMS: tuple[Stream, ...] = get_args(Stream)

encode = msgspec.json.Encoder().encode


class Position(NamedTuple):
    """How far a stream of an instance has been told: to the record before, and so much of it.

    As text 1234.2: everything before record 1234, and the first two lines of it; 1234: everything
    up to that record and with it.
    """

    sequence: int
    number: int = 0

    @property
    def text(self) -> str:
        return f"{self.sequence}.{self.number}" if self.number else str(self.sequence)

    @property
    def after(self) -> int:
        """The last record of which everything has been told."""
        return self.sequence - 1 if self.number else self.sequence


_POSITION = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.([1-9][0-9]{0,9}))?")


def position(text: str) -> Position | None:
    """The position that a text says; None: it is none."""
    found = _POSITION.fullmatch(text)
    if found is None or (found[1] == "0" and found[2]):
        return None
    return Position(int(found[1]), int(found[2] or 0))


class Line(NamedTuple):
    """One thing that is told."""

    instance_id: str
    position: Position
    """Its own; of a heart beat, which has none, the numbers are 0."""
    id: str
    """The same whenever it is told."""
    about: str
    """The contact or agent; lines about the same one are told in order."""
    body: bytes
    again: str = ""
    """A contact whose record is to be fetched: that is the body."""

    @property
    def is_beat(self) -> bool:
        return not self.position.sequence


class Changed(NamedTuple):
    """A contact that was final already has changed: its record is told again."""

    contact_id: str


Told = ContactEvent | Contact | Changed | Notification | FlowLog
"""Something to tell; a Contact has become final."""


class _Draft(NamedTuple):
    told: Told
    record: Properties | None = None
    """Of a contact that has become final."""


class Notes:
    """What one command has given to tell."""

    __slots__ = ("agents", "told", "wanted")

    def __init__(self, wanted: frozenset[Stream] = frozenset()) -> None:
        """wanted: the streams that somebody is told."""
        self.wanted = wanted
        self.told: dict[Stream, list[_Draft]] = defaultdict(list)
        self.agents: dict[str, Properties | None] = {}

    @property
    def witness(self) -> Witness | None:
        """Writes down what is to be told; None: nobody is told anything."""
        return self.look if self.wanted else None

    def look(self, center: Center, event: events.Event) -> None:
        """Write down what is to be told of an event that has just been applied."""
        if "contact-events" in self.wanted:
            self.told["contact-events"] += map(_Draft, contact_events(center, event))
        if "chat-messages" in self.wanted:
            self.told["chat-messages"] += map(_Draft, notifications(center, event))
        if "flow-logs" in self.wanted:
            self.told["flow-logs"] += map(_Draft, flow_logs(center, event))
        if "contact-records" in self.wanted:
            records = self.told["contact-records"]
            match event:
                case events.ContactCompleted(contact=contact):
                    records.append(_Draft(contact, contact_record(center, contact)))
                case events.RecordAmended(change=change):
                    records.append(_Draft(Changed(change.contact_id)))
                case _:
                    pass

    def look_at_agents(self, center: Center, agents: Iterable[str]) -> None:
        """Write down how these agents stand, now that a command is carried out."""
        if "agent-events" in self.wanted:
            for agent_id in sorted(agents):
                self.agents[agent_id] = agent_snapshot(center, agent_id)

    def lines(self, stream: Stream, center: Center, sequence: int, at: Instant) -> list[Line]:
        """What is told of the record that was written down; of any stream but agent-events."""
        instance_id = center.home.instance_id
        found = []
        for number, draft in enumerate(self.told.get(stream, ())):
            identifier = identified(f"{instance_id}/{sequence}/{stream}/{number}")
            where = Position(sequence, number + 1)
            found.append(_line(instance_id, center, draft, where, identifier, at))
        return found


def _line(
    instance_id: str, center: Center, draft: _Draft, where: Position, identifier: str, at: Instant
) -> Line:
    match draft.told:
        case ContactEvent(contact_id) as told:
            body = encode(envelope(center, told, identifier, at))
            return Line(instance_id, where, identifier, contact_id, body)
        case Notification() as told:
            body = encode(chat_streams.envelope(center, told, identifier, at))
            return Line(instance_id, where, identifier, told.chat_id, body)
        case Contact() as contact:
            return Line(instance_id, where, identifier, contact.id, encode(draft.record))
        case FlowLog(contact_id, line):
            return Line(instance_id, where, identifier, contact_id, encode(line))
        case Changed(contact_id):
            return Line(instance_id, where, identifier, contact_id, b"", contact_id)


class Agents:
    """The snapshots of one instance's agents as they were told last."""

    __slots__ = ("known",)

    def __init__(self, center: Center | None = None) -> None:
        """They are known as they are now, so only what changes is told; None: there are none."""
        self.known: dict[str, Properties] = {}
        if center is None:
            return
        for agent_id in center.agents:
            snapshot = agent_snapshot(center, agent_id)
            assert snapshot is not None
            self.known[agent_id] = snapshot

    def lines(
        self,
        center: Center,
        snapshots: Mapping[str, Properties | None],
        sequence: int,
        at: Instant,
    ) -> Iterator[Line]:
        """Changes of agents, who are known by these snapshots from here on."""
        instance_id = center.home.instance_id
        seed = f"{instance_id}/{sequence}/agent-events"
        number = 0
        for agent_id, snapshot in sorted(snapshots.items()):
            before = self.known.get(agent_id)
            if before == snapshot:
                continue
            if snapshot is None:
                del self.known[agent_id]
            else:
                self.known[agent_id] = snapshot
            number += 1
            identifier = identified(f"{seed}/{agent_id}")
            arn = center.home.arn_of("user", agent_id)
            body = encode(agent_event(center, arn, identifier, at, before, snapshot))
            yield Line(instance_id, Position(sequence, number), identifier, agent_id, body)

    def beat(self, center: Center, agent_id: str, now: Instant) -> Line:
        """His heart beats: nothing has changed, and he is still there."""
        snapshot = self.known[agent_id]
        arn = center.home.arn_of("user", agent_id)
        identifier = identified(f"{arn}/{now}")
        body = encode(agent_event(center, arn, identifier, now, snapshot, snapshot))
        return Line(center.home.instance_id, Position(0), identifier, agent_id, body)


def identified(seed: str) -> str:
    """The id that belongs to a seed."""
    return derive(blake2b(seed.encode(), digest_size=16).digest(), 0)
