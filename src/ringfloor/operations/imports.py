"""Imports: contacts of another center's log become contacts of an instance.

Called by server.imports. AWS has no operation for it. A contact that is known already is passed
over, so that an import that broke off is simply done again.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from ringfloor.base.time import Instant
from ringfloor.domain.commands import ImportContacts
from ringfloor.domain.events import Origin
from ringfloor.domain.logged import LoggedContact
from ringfloor.engine.importing import taken
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node


async def check(node: Node, desk: Desk, contacts: Sequence[LoggedContact], now: Instant) -> None:
    """Refuse as an import would; nothing changes."""
    await node.read(lambda: deque(taken(desk.center, contacts, now), 0))


class Imported(NamedTuple):
    """How many are new, and how many were known."""

    imported: int
    known: int


async def take_in(
    node: Node, desk: Desk, contacts: Sequence[LoggedContact], origin: Origin
) -> Imported:
    """Import what is not known; all of it, or nothing. Refuses as engine.importing says."""
    given = {contact.id: contact for contact in contacts}
    async with desk.amending:  # nobody else takes the same ones in meanwhile
        known = await node.analyse(
            desk, lambda history: history.known(desk.instance_id, list(given))
        )
        new = [contact for contact in given.values() if contact.id not in known]
        if new:
            await node.submit(desk.instance_id, ImportContacts(tuple(new)), origin)
    return Imported(len(new), len(contacts) - len(new))
