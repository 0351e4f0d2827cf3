"""Chat figures: how a conversation goes, counted per contact as its messages come.

    response   the first message of the agent, or of the customer, after one of the other side's
               that nobody had answered; its time runs from the first of those
    turn       the word passes from the customer to anybody else, or back

Called by engine.chat for every message, and by whoever shows a contact. Bots and flows are neither
agent nor customer, but they have the word, too. Source: botocore's ChatMetrics.
"""

from collections.abc import Callable
from typing import Any

from ringfloor.base.time import Instant
from ringfloor.domain.chat import ChatItem, Figures, Talker
from ringfloor.domain.contact import Contact

AUTOMATIC = ("SYSTEM", "CUSTOM_BOT")


def count(contact: Contact, item: ChatItem, at: Instant, *, by_another: bool = False) -> None:
    """The contact has another message. by_another: agent of the chat than the contact's own."""
    if item.type != "MESSAGE" or item.role is None:
        return
    figures = contact.figures = contact.figures or Figures()
    length = len(item.content or "")
    figures.messages += 1
    if item.role in AUTOMATIC:
        figures.bot_messages += 1
        figures.bot_characters += length
    answered_since = _take_the_word(figures, customer=item.role == "CUSTOMER", at=at)
    if item.role == "CUSTOMER":
        figures.customer = figures.customer or Talker(participant_id=item.participant_id or "")
        _talk(figures.customer, length, answered_since, at)
    elif by_another:
        pass
    elif item.role == "AGENT":
        if figures.agent is None and contact.connected_to_agent_at is not None:
            figures.first_response_at = at
        figures.agent = figures.agent or Talker(participant_id=item.participant_id or "")
        _talk(figures.agent, length, answered_since, at)
    elif item.role == "SUPERVISOR":
        figures.supervised = True


def among_several(contact: Contact) -> None:
    """There is more than one agent in the contact's chat."""
    contact.figures = contact.figures or Figures()
    contact.figures.supervised = True


def _take_the_word(figures: Figures, *, customer: bool, at: Instant) -> Instant | None:
    """Since when the other side has waited for this message; None: it has not."""
    if figures.customer_spoke == customer:
        return None
    waited = None if figures.customer_spoke is None else figures.spoke_since
    figures.turns += waited is not None
    figures.customer_spoke, figures.spoke_since = customer, at
    return waited


def _talk(talker: Talker, length: int, answered_since: Instant | None, at: Instant) -> None:
    talker.messages += 1
    talker.characters += length
    talker.last_at = at
    if answered_since is not None:
        waited = at - answered_since
        talker.responses += 1
        talker.response_ms += waited
        talker.longest_response_ms = max(talker.longest_response_ms, waited)


def shown(contact: Contact, time: Callable[[Instant], Any]) -> dict[str, Any] | None:
    """ChatMetrics of a contact in the API's form. time: how an instant is written."""
    if contact.channel != "CHAT":
        return None
    figures = contact.figures or Figures()
    members = {
        "MultiParty": figures.supervised,
        "TotalMessages": figures.messages,
        "TotalBotMessages": figures.bot_messages,
        "TotalBotMessageLengthInChars": figures.bot_characters,
        "ConversationTurnCount": figures.turns,
    }
    if figures.customer is not None and contact.disconnected_at is not None:
        assert figures.customer.last_at is not None
        members["ConversationCloseTimeInMillis"] = (
            contact.disconnected_at - figures.customer.last_at
        )
    if figures.first_response_at is not None:
        assert contact.connected_to_agent_at is not None
        members["AgentFirstResponseTimestamp"] = time(figures.first_response_at)
        members["AgentFirstResponseTimeInMillis"] = (
            figures.first_response_at - contact.connected_to_agent_at
        )
    told: dict[str, Any] = {"ChatContactMetrics": members}
    for name, type_, talker in (
        ("AgentMetrics", "AGENT", figures.agent),
        ("CustomerMetrics", "CUSTOMER", figures.customer),
    ):
        if talker is not None:
            told[name] = _talker(talker, type_, time)
    return told


def _talker(talker: Talker, type_: str, time: Callable[[Instant], Any]) -> dict[str, Any]:
    assert talker.last_at is not None
    return {
        "ParticipantId": talker.participant_id,
        "ParticipantType": type_,
        "MessagesSent": talker.messages,
        "NumResponses": talker.responses,
        "MessageLengthInChars": talker.characters,
        "TotalResponseTimeInMillis": talker.response_ms,
        "MaxResponseTimeInMillis": talker.longest_response_ms,
        "LastMessageTimestamp": time(talker.last_at),
    }
