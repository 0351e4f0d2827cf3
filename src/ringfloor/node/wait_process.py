"""Wait process: a model of waits trained in a process of its own, so that nobody waits for it.

    python -P -m ringfloor.node.wait_process  < Task  > a file of waits.model

Started by node.wait_models. It is nice to all others and takes one core. Contacts are learnt from
as waits.history reads those of a log; contacts that were imported are among them.
"""

import os
import sys

import msgspec
from msgspec import Struct

from ringfloor.base.codec import decoder
from ringfloor.base.time import Instant
from ringfloor.domain.contact import Contact
from ringfloor.domain.logged import LoggedContact
from ringfloor.node.wait_model import train
from ringfloor.projections.waiting import line_of
from ringfloor.waits.history import asks
from ringfloor.waits.model import WaitModel, encode

NICENESS = 10


class Task(Struct, array_like=True):
    """What is to be learnt. records: of contacts that were in line, as the history has them."""

    version: int
    at: Instant
    records: list[bytes]


_decode_contact = decoder(Contact).decode


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
    return train(list(asks(contacts)), task.version, task.at)


def main() -> None:
    """From standard input to standard output."""
    os.nice(NICENESS)
    os.putenv("OMP_NUM_THREADS", "1")  # read by what scikit-learn loads when it is imported
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(encode(learn(task)))


if __name__ == "__main__":
    main()
