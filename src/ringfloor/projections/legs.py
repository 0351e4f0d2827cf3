"""Legs: what is kept of a contact that is final.

Called by projections.records. Rules:
- Hold, interaction and after contact work exist only for a leg that an agent was connected to, and
  so does its staff.
- A leg has a queue if it was enqueued or an agent had it; an agent's own queue is none.
- A conversation is abandoned if agent and customer were joined in a chat, and one of them has
  written nothing.

Sources: metrics specification, sections 0.2 and 0.3; administrator guide, Conversations abandoned.
"""

from typing import Any

from ringfloor.base.codec import encode
from ringfloor.domain.chat import Figures
from ringfloor.domain.contact import Contact, association
from ringfloor.domain.facts import Leg
from ringfloor.projections import routing_steps
from ringfloor.projections.contact_search import searched
from ringfloor.projections.lives import Life, staff, subtype


def leg(contact: Contact, life: Life) -> Leg:
    """The leg of a contact. life: what was known of it until now."""
    assert contact.disconnected_at is not None
    return Leg(
        contact_id=contact.id,
        queue_id=life.queue_id,
        channel=contact.channel,
        initiation_method=contact.initiation_method,
        subtype=subtype(contact),
        initiated_at=contact.initiated_at,
        disconnected_at=contact.disconnected_at,
        connected_to_system_at=contact.connected_to_system_at,
        enqueued_at=contact.enqueued_at,
        dequeued_at=contact.dequeued_at,
        **_with_agent(contact, life),
        transfer_completed_at=contact.transfer_completed_at,
        transferred_to=contact.transferred_to,
        pre_disconnect_state=contact.pre_disconnect_state,
        disconnect_reason=contact.disconnect_reason,
        previous_contact_id=contact.previous_contact_id,
        next_contact_id=contact.next_contact_id,
        initial_contact_id=contact.initial_contact_id,
        related_contact_id=contact.related_contact_id,
        association_id=association(contact),
        callback_wait_ms=_callback_wait(contact),
        routing_step=routing_steps.last(contact.criteria),
        **_conversation(contact),
        **searched(contact),
        record=encode(contact),
    )


def _with_agent(contact: Contact, life: Life) -> dict[str, Any]:
    """What there is of a leg once an agent was connected to it."""
    if contact.connected_to_agent_at is None:
        return {}
    assert contact.disconnected_at is not None
    length = contact.disconnected_at - contact.connected_to_agent_at
    began, over = contact.after_contact_work_started_at, contact.after_contact_work_ended_at
    return {
        **staff(life.place),
        "connected_to_agent_at": contact.connected_to_agent_at,
        "interaction_ms": length - contact.hold_ms - contact.agent_pause_ms,
        "hold_ms": contact.hold_ms,
        "longest_hold_ms": contact.longest_hold_ms,
        "holds": contact.holds,
        "pause_ms": contact.agent_pause_ms if contact.pauses else None,
        "after_contact_work_ms": None if began is None or over is None else over - began,
        "after_contact_work_ended_at": over,
    }


def _callback_wait(contact: Contact) -> int | None:
    """How long a customer who was dialled first has been in queue, before it and after."""
    if contact.initiation_method != "CALLBACK_CUSTOMER_FIRST_DIALED" or contact.callback is None:
        return None
    if contact.enqueued_at is None or contact.dequeued_at is None:
        return None
    return contact.callback.waited_ms + contact.dequeued_at - contact.enqueued_at


def _conversation(contact: Contact) -> dict[str, Any]:
    """Figures of a chat; a side that has written nothing has none."""
    if contact.channel != "CHAT":
        return {}
    figures = contact.figures or Figures()
    told: dict[str, Any] = {
        "first_response_at": figures.first_response_at,
        "messages": figures.messages,
        "bot_messages": figures.bot_messages,
    }
    for who, talker in (("agent", figures.agent), ("customer", figures.customer)):
        if talker is not None:
            told[f"{who}_messages"] = talker.messages
            told[f"{who}_characters"] = talker.characters
            told[f"{who}_responses"] = talker.responses
            told[f"{who}_response_ms"] = talker.response_ms
    last_at = None if figures.customer is None else figures.customer.last_at
    if last_at is not None and contact.disconnected_at is not None:
        told["conversation_close_ms"] = contact.disconnected_at - last_at
    silent = figures.agent is None or figures.customer is None
    told["conversation_abandoned"] = silent and contact.connected_to_agent_at is not None
    return told
