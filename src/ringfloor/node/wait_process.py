"""Wait process: a model of waits trained in a process of its own, so that nobody waits for it.

    python -P -m ringfloor.node.wait_process  < packed Task  > a file of waits.model

Started by node.wait_models. It is nice to all others and takes one core. Contacts are learnt from
as waits.history reads those of a log; contacts that were imported are among them.
"""

import os
import sys
from collections.abc import Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.codec import decoder
from ringfloor.base.time import Instant
from ringfloor.domain.contact import Contact
from ringfloor.domain.logged import LoggedContact
from ringfloor.node.wait_model import train
from ringfloor.projections.waiting import line_of
from ringfloor.waits.history import asks
from ringfloor.waits.model import WaitModel, encode

NICENESS = 10


PIECE = 500
"""Records that are packed at once: whoever packs all of them at once holds up who serves."""
LENGTH = 8
"""Bytes before each piece."""


class Task(Struct, array_like=True):
    """What is to be learnt. records: of contacts that were in line, as the history has them."""

    instance: str
    version: int
    at: Instant
    records: list[bytes]


_decode_contact = decoder(Contact).decode
_encode = msgspec.msgpack.Encoder().encode


def pack(task: Task) -> bytearray:
    """As unpack reads it: the task without records, and these piece by piece."""
    packed = bytearray()
    _add(packed, _encode(Task(task.instance, task.version, task.at, [])))
    for first in range(0, len(task.records), PIECE):
        _add(packed, _encode(task.records[first : first + PIECE]))
    return packed


def _add(packed: bytearray, piece: bytes) -> None:
    packed += len(piece).to_bytes(LENGTH, "big")
    packed += piece


def unpack(packed: bytes | bytearray) -> Task:
    """What was packed; raises msgspec.MsgspecError."""
    pieces = _pieces(memoryview(packed))
    task = msgspec.msgpack.decode(next(pieces, b""), type=Task)
    for piece in pieces:
        task.records += msgspec.msgpack.decode(piece, type=list[bytes])
    return task


def _pieces(packed: memoryview) -> Iterator[memoryview]:
    while packed:
        end = LENGTH + int.from_bytes(packed[:LENGTH], "big")
        yield packed[LENGTH:end]
        packed = packed[end:]


def logged(contact: Contact) -> LoggedContact:
    """A contact of our own as that of a log; its line stands for its queue."""
    started, ended = contact.after_contact_work_started_at, contact.after_contact_work_ended_at
    disconnected_at = contact.disconnected_at or contact.updated_at
    return LoggedContact(
        id=contact.id,
        initiated_at=contact.initiated_at,
        disconnected_at=disconnected_at,
        channel=contact.channel,
        queue=line_of(contact.queue_id or "", contact.channel),
        agent=contact.agent_id,
        enqueued_at=contact.enqueued_at,
        dequeued_at=contact.dequeued_at,
        connected_to_agent_at=contact.connected_to_agent_at,
        after_contact_work_ms=None if started is None or ended is None else ended - started,
        priority=contact.priority,
        age_adjustment_ms=contact.age_adjustment_ms,
    )


def learn(task: Task) -> WaitModel:
    """The model of a task."""
    contacts = [logged(_decode_contact(record)) for record in task.records]
    model = train(list(asks(contacts)), task.version, task.at)
    return replace(model, instance=task.instance)


def main() -> None:
    """From standard input to standard output."""
    os.nice(NICENESS)
    os.putenv("OMP_NUM_THREADS", "1")  # read by what scikit-learn loads when it is imported
    sys.stdout.buffer.write(encode(learn(unpack(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
