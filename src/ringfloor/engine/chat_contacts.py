"""Chat contacts: how a chat follows its contacts.

    a successor begins       the chat goes on as that contact
    an agent is connected    he joins; a supervisor reads, and writes once he has barged in
    a contact ends           its agent leaves; with the last one the chat is over

SettleChat follows from each of these. A contact ends by ContactEnded as everywhere
(connection.ending). Agents hand chats on at once: the contact ends, and its successor enters the
quick connect's flow. Sources: behaviour specification, sections 2.6, 5.1, 5.3 and 5.7.
"""

from collections.abc import Iterator

from ringfloor.base.errors import Refusal, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.domain import chat as words
from ringfloor.domain.chat import (
    Chat,
    Participant,
)
from ringfloor.domain.commands import (
    LoseAgent,
    MonitorContact,
    SetMonitorState,
    SettleChat,
    TransferChat,
)
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    ChatEnded,
    ChatMoved,
    ContactInitiated,
    ContactSucceeded,
    Event,
    FlowEntered,
    MonitorStateChanged,
    ParticipantAdded,
    ParticipantSilenced,
)
from ringfloor.engine import call, connection, entry, flows, routing, transfer
from ringfloor.engine.joining import joined
from ringfloor.engine.state import Center
from ringfloor.engine.transcript import (
    Lines,
    joining,
    leaving,
    present,
    seed_of,
)

MONITORS_MAX = 5
"""Supervisors in one chat (behaviour specification, 1.8)."""


# Following the contacts


def settle(center: Center, command: SettleChat) -> Iterator[Event]:
    """A contact of the chat has begun, got an agent or ended; the chat follows."""
    chat = center.chats.get(command.chat_id)
    contact = center.contacts.get(command.contact_id)
    if chat is None:
        return
    if contact is None or contact.stage == "ENDED":
        yield from _contact_over(center, chat, command.contact_id, contact)
        return
    lines = Lines(center, chat, contact.id)
    if contact.id != chat.contact_id and contact.initiation_method != "MONITOR":
        yield from _moving(chat, contact, lines)
    agent_id = contact.agent_id if contact.stage == "CONNECTED" else None
    if agent_id is not None and words.acting(chat, contact.id, agent_id) is None:
        yield from _agent_comes(center, chat, contact, agent_id, lines)


def _moving(chat: Chat, contact: Contact, lines: Lines) -> Iterator[Event]:
    yield ChatMoved(chat.id, contact.id)
    if contact.initiation_method in ("TRANSFER", "QUEUE_TRANSFER"):
        yield lines.event(words.TRANSFERRED, None)


def _agent_comes(
    center: Center, chat: Chat, contact: Contact, agent_id: str, lines: Lines
) -> Iterator[Event]:
    monitors = contact.initiation_method == "MONITOR"
    who = Participant(
        id=derive(seed_of(contact.id), 2),
        role="SUPERVISOR" if monitors else "AGENT",
        display_name=_name_of(center, agent_id),
        contact_id=contact.id,
        user_id=agent_id,
        silent=monitors,
    )
    yield ParticipantAdded(chat.id, who)
    yield from joining(chat, who, lines)


def _name_of(center: Center, user_id: str) -> str:
    """What customers see an agent called."""
    user = center.resources["user"][user_id]
    given = (user.properties.get("IdentityInfo") or {}).get("FirstName")
    return given or user.name


def _contact_over(
    center: Center, chat: Chat, contact_id: str, contact: Contact | None
) -> Iterator[Event]:
    heir = None if contact is None else _heir(center, chat, contact)
    lines = Lines(center, chat, heir.id if heir is not None else contact_id)
    goes_on = heir is not None or contact_id != chat.contact_id
    reason = None if contact is None else contact.disconnect_reason
    for who in present(chat):
        if who.user_id is None or who.contact_id != contact_id:
            continue
        if goes_on or reason in ("AGENT_DISCONNECT", "AGENT_NETWORK_DISCONNECT"):
            yield from leaving(chat, who, lines)
    if heir is not None and chat.contact_id == contact_id:
        yield from _moving(chat, heir, lines)
    elif not goes_on:
        yield lines.event(words.ENDED, None)
        yield ChatEnded(chat.id, chat.contact_id)
    for watching in _watchers(center, chat, contact_id):
        yield from connection.ending(watching, reason or "OTHER")


def _watchers(center: Center, chat: Chat, contact_id: str) -> Iterator[Contact]:
    """The live contacts of supervisors who monitor this contact."""
    for who in present(chat):
        watching = center.contacts.get(who.contact_id) if who.role == "SUPERVISOR" else None
        if (
            watching is not None
            and watching.stage != "ENDED"
            and watching.previous_contact_id == contact_id
        ):
            yield watching


def _heir(center: Center, chat: Chat, contact: Contact) -> Contact | None:
    """The live contact that has the customer of one that has ended."""
    for identifier in reversed(contact.next_contacts):
        after = center.contacts.get(identifier)
        if after is not None and after.chat_id == chat.id and after.stage != "ENDED":
            return after
    return None


def transfer_out(center: Center, command: TransferChat, seed: Seed) -> Iterator[Event]:
    """The agent hands the chat on at once, to whom or what the quick connect is for."""
    agent = center.agents.get(command.agent_id)
    contact = center.contacts.get(command.contact_id)
    if agent is None or contact is None or contact.id not in agent.contacts:
        raise connection.unknown_contact(command.contact_id)
    served = contact.stage == "CONNECTED" and contact.monitors is None
    if contact.channel != "CHAT" or not served:
        rule = f"is a {contact.channel} that is {contact.stage}, no chat that he serves"
        raise invalid_request("ContactId", contact.id, rule)
    found = center.resource("quick_connect", command.quick_connect_id, "EndpointARN")
    config = found.properties["QuickConnectConfig"]
    if config["QuickConnectType"] == "PHONE_NUMBER":
        raise invalid_request("EndpointARN", found.id, "is a phone number; this is a chat")
    way = transfer.way_of(center, config)
    following = connection.successor(
        center,
        contact,
        id=derive(seed, 0),
        method="TRANSFER",
        stage="IN_FLOW",
        flow_id=way.flow_id,
        queue_id=way.target,
        chat_id=contact.chat_id,
        expires_at=contact.expires_at,
        started_with=found.id,
        connected_to_system_at=center.at,
    )
    yield ContactInitiated(following)
    yield ContactSucceeded(contact.id, following.id)
    yield from flows.stop_events(contact, "customer")
    yield from connection.ending(contact, "AGENT_DISCONNECT")
    yield FlowEntered(following.id, way.flow_id, "customer", way.flow_type)


def lose_agent(center: Center, command: LoseAgent) -> Iterator[Event]:
    """No desktop of the agent's is there any more; stale news is no news."""
    contact = center.contacts[command.contact_id]
    if command.leg != contact.agent_legs or contact.stage != "CONNECTED":
        yield from call.lose_agent(center, command)
    elif contact.initiation_method == "MONITOR":
        yield from connection.ending(contact, "AGENT_NETWORK_DISCONNECT")
    else:
        yield from connection.disconnect_flow(center, contact, "AGENT_NETWORK_DISCONNECT")


def watch(center: Center, command: MonitorContact, seed: Seed) -> Iterator[Event]:
    """A supervisor reads along. A client token that began a live one begins nothing."""
    if entry.begun_with(center, command.client_token) is not None:
        return
    contact = center.contacts[command.contact_id]
    chat = center.chats.get(contact.chat_id or "")
    supervisor = center.agents.get(command.agent_id)
    if supervisor is None:
        raise not_found("UserId", command.agent_id, "user")
    monitors = contact.initiation_method == "MONITOR"
    if contact.stage != "CONNECTED" or chat is None or monitors:
        raise invalid_request("ContactId", contact.id, "is no chat of an agent and a customer")
    watching = [each.user_id for each in present(chat) if each.role == "SUPERVISOR"]
    if supervisor.id in (contact.agent_id, *watching):
        raise invalid_request("UserId", supervisor.id, "is in this chat already")
    if len(watching) >= MONITORS_MAX:
        raise Refusal(
            "ServiceQuotaExceededException",
            f"ContactId: {contact.id!r} is monitored by {MONITORS_MAX} already",
        )
    born = connection.successor(
        center,
        contact,
        id=derive(seed, 0),
        method="MONITOR",
        stage="ACCEPTED",
        connected_to_system_at=center.at,
        agent_id=supervisor.id,
        routing_profile_id=routing.profile_of(center, supervisor).id,
        client_token=command.client_token,
        expires_at=None,
        hooks={},  # no flow runs for a customer who is another contact's
        monitors=chat.id,
        capabilities=command.capabilities,
    )
    yield ContactInitiated(born)
    yield joined(born)
    yield MonitorStateChanged(born.id, supervisor.id, "SILENT_MONITOR")


def set_watch(center: Center, command: SetMonitorState) -> Iterator[Event]:
    """Only read, or write, too; as far as he was allowed to when it began."""
    contact = center.contacts[command.contact_id]
    chat = center.chats.get(contact.chat_id or "")
    who = None if chat is None else words.acting(chat, contact.id, command.agent_id)
    if chat is None or who is None or who.role != "SUPERVISOR" or contact.stage != "CONNECTED":
        raise invalid_request("ContactId", contact.id, "monitors nobody now")
    if command.state not in contact.capabilities:
        rule = f"is not among {', '.join(contact.capabilities)}"
        raise invalid_request("TargetMonitorMode", command.state, rule)
    silent = command.state == "SILENT_MONITOR"
    if who.silent != silent:
        yield MonitorStateChanged(contact.id, command.agent_id, command.state)
        yield ParticipantSilenced(chat.id, who.id, silent)
        yield Lines(center, chat).event(words.LEFT if silent else words.JOINED, who)
