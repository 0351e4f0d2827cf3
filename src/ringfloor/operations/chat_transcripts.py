"""Chat transcripts: pages of what has been said, wherever it is kept.

Called by the participant service. A chat that goes on is in memory; ended ones, and those that it
continues, are in the history store. How a page is cut stands in projections.transcripts.
"""

from collections.abc import Sequence

from ringfloor.base.errors import invalid_parameter, not_found
from ringfloor.domain.chat import Past, Session
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.projections.transcripts import (
    Asked,
    FromId,
    FromTime,
    Line,
    MostRecent,
    Page,
    Start,
    kept,
    lines,
    of_contact,
)
from ringfloor.projections.transcripts import page as cut

__all__ = ["Asked", "FromId", "FromTime", "Line", "MostRecent", "Page", "Start", "ended", "page"]


async def page(node: Node, desk: Desk, chat_id: str, asked: Asked) -> Page:
    """A page of a chat's transcript.

    Refuses with ResourceNotFoundException where there is no such chat, with
    InvalidParameterException where the page would begin with an item that it has not, or where the
    contact is none of the chat, nor of what it continues.
    """
    session = await node.read(lambda: desk.transcripts.session(chat_id))
    if session is None:
        session = await ended(node, desk, chat_id)
    if session is None:
        raise not_found("ContactId", chat_id, "chat")
    before = await _before(node, desk, session.past) if session.past else ()
    all_lines = lines(session, before)
    if asked.contact_id is not None:
        contact_id = asked.contact_id
        all_lines = of_contact(all_lines, contact_id)
        if not all_lines and not await node.read(lambda: _is_of(desk, contact_id, chat_id)):
            rule = "is no contact of this chat, nor of those before it"
            raise invalid_parameter("ContactId", contact_id, rule)
    found = cut(all_lines, asked)
    if found is None:
        start = asked.start.item_id if isinstance(asked.start, FromId) else None
        raise invalid_parameter("StartPosition.Id", start, "is no item of this chat")
    return found


def _is_of(desk: Desk, contact_id: str, chat_id: str) -> bool:
    """Whether it is a live contact of the chat; what is not may still have lines in it."""
    contact = desk.center.contacts.get(contact_id)
    return contact is not None and contact.chat_id == chat_id


async def ended(node: Node, desk: Desk, chat_id: str) -> Session | None:
    """The transcript of a chat that has ended, if it is kept."""
    found = await node.analyse(
        desk, lambda history: history.transcripts(desk.instance_id, [chat_id])
    )
    return kept(found[chat_id]) if chat_id in found else None


async def _before(node: Node, desk: Desk, past: Sequence[Past]) -> list[tuple[Session, str | None]]:
    """The ended chats that a chat continues; what is no longer kept is left out."""
    ids = [each.chat_id for each in past]
    found = await node.analyse(desk, lambda history: history.transcripts(desk.instance_id, ids))
    return [(kept(found[each.chat_id]), each.until) for each in past if each.chat_id in found]
