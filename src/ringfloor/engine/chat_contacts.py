"""Chat contacts: how a chat follows its contacts.

    a successor begins       the chat goes on as that contact
    an agent is connected    he joins; a supervisor reads, and writes once he has barged in
    a contact ends           its agent leaves; with the last one the chat is over
    an agent adds another    a contact joins the chat; who joins it, engine.chat_parties says

SettleChat follows from each of these. A contact ends by ContactEnded as everywhere
(connection.ending). Agents hand chats on at once: the contact ends, and its successor enters the
quick connect's flow. Sources: behaviour specification, sections 2.6, 5.1, 5.3 and 5.7.
"""

from collections.abc import Iterator

from ringfloor.base.errors import Refusal, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import CALL_MONITORS_MAX, CHAT_PARTIES_MAX
from ringfloor.domain import chat as words
from ringfloor.domain.call import agent_leg
from ringfloor.domain.chat import (
    Chat,
    Participant,
)
from ringfloor.domain.commands import (
    AddParty,
    DropParty,
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
from ringfloor.engine import call, chat_parties, connection, entry, routing, transfer
from ringfloor.engine.joining import joined
from ringfloor.engine.state import Center
from ringfloor.engine.transcript import (
    Lines,
    joining,
    leaving,
    present,
    seed_of,
)

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
    beside = contact.initiation_method == "MONITOR" or contact.joins
    if contact.id != chat.contact_id and not beside:
        yield from _moving(chat, contact, lines)
    agent_id = contact.agent_id if contact.stage == "CONNECTED" else None
    if agent_id is not None and words.acting(chat, contact.id, agent_id) is None:
        yield from _agent_comes(center, chat, contact, agent_id, lines)


def _moving(chat: Chat, contact: Contact, lines: Lines) -> Iterator[Event]:
    yield ChatMoved(chat.id, contact.id)
    there = contact.joins and contact.stage == "CONNECTED"
    if contact.initiation_method in ("TRANSFER", "QUEUE_TRANSFER") and not there:
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
    for watching in _watchers(center, chat, contact_id if goes_on else None):
        yield from connection.ending(watching, reason or "OTHER")
    if not goes_on and contact is not None:
        yield from connection.others_leave(center, contact, reason or "OTHER")


def _watchers(center: Center, chat: Chat, contact_id: str | None) -> Iterator[Contact]:
    """The live contacts of supervisors who monitor this contact; None: any of the chat's."""
    for who in present(chat):
        watching = center.contacts.get(who.contact_id) if who.role == "SUPERVISOR" else None
        if (
            watching is not None
            and watching.stage != "ENDED"
            and contact_id in (None, watching.previous_contact_id)
        ):
            yield watching


def _heir(center: Center, chat: Chat, contact: Contact) -> Contact | None:
    """The live contact that has the customer of one that has ended."""
    for identifier in reversed(contact.next_contacts):
        after = center.contacts.get(identifier)
        if (
            after is not None
            and after.chat_id == chat.id
            and after.stage != "ENDED"
            and not after.joins
        ):
            return after
    if chat.contact_id != contact.id or contact.disconnect_reason in chat_parties.ENDS_ALL:
        return None
    return next(iter(chat_parties.heirs(center, contact)), None)


def transfer_out(center: Center, command: TransferChat, seed: Seed) -> Iterator[Event]:
    """The agent hands the chat on at once, to whom or what the quick connect is for.

    Whoever else serves the customer leaves with him.
    """
    contact = _served_by(center, command.agent_id, command.contact_id)
    way = _way(center, command.quick_connect_id)
    following = _following(
        center, contact, command.quick_connect_id, way, derive(seed, 0), joins=False
    )
    yield ContactInitiated(following)
    yield ContactSucceeded(contact.id, following.id)
    yield from connection.others_leave(center, contact, "AGENT_DISCONNECT")
    yield from connection.ending(contact, "AGENT_DISCONNECT")
    yield FlowEntered(following.id, way.flow_id, "customer", way.flow_type)


def add_agent(center: Center, command: AddParty, seed: Seed) -> Iterator[Event]:
    """Somebody else is asked into the chat, by the flow of the quick connect."""
    contact = _served_by(center, command.agent_id, command.contact_id)
    if not chat_parties.may_be_many(center):
        rule = "is a chat; without MULTI_PARTY_CHAT_CONFERENCE it has one agent"
        raise invalid_request("ContactId", contact.id, rule)
    if command.quick_connect_id is None:
        raise invalid_request("EndpointARN", None, "is needed: a quick connect")
    chat = center.chats.get(contact.chat_id or "")
    if chat is None:
        raise invalid_request("ContactId", contact.id, "is nobody's conversation")
    there = [contact, *chat_parties.others(center, contact)]
    bots = sum(each.role == "CUSTOM_BOT" for each in present(chat))
    if 1 + len(there) + bots >= CHAT_PARTIES_MAX:
        rule = f"has {CHAT_PARTIES_MAX} parties, which is the limit"
        raise invalid_request("ContactId", contact.id, rule)
    way = _way(center, command.quick_connect_id)
    if way.flow_type == "AGENT_TRANSFER" and way.target in [each.agent_id for each in there]:
        raise invalid_request("EndpointARN", way.target, "is in this chat already")
    following = _following(
        center, contact, command.quick_connect_id, way, derive(seed, 0), joins=True
    )
    yield ContactInitiated(following)
    yield ContactSucceeded(contact.id, following.id)
    yield FlowEntered(following.id, way.flow_id, "customer", way.flow_type)


def _served_by(center: Center, agent_id: str, contact_id: str) -> Contact:
    """A chat whose customer the agent serves; refuses otherwise."""
    contact = connection.his(center, agent_id, contact_id)
    served = contact.stage == "CONNECTED" and contact.monitors is None
    if contact.channel != "CHAT" or not served:
        rule = f"is a {contact.channel} that is {contact.stage}, no chat that he serves"
        raise invalid_request("ContactId", contact.id, rule)
    return contact


def _way(center: Center, quick_connect_id: str) -> transfer.Way:
    """Where the quick connect leads; refuses numbers."""
    found = center.resource("quick_connect", quick_connect_id, "EndpointARN")
    config = found.properties["QuickConnectConfig"]
    if config["QuickConnectType"] == "PHONE_NUMBER":
        raise invalid_request("EndpointARN", found.id, "is a phone number; this is a chat")
    return transfer.way_of(center, config)


def _following(
    center: Center,
    contact: Contact,
    quick_connect_id: str,
    way: transfer.Way,
    identifier: str,
    *,
    joins: bool,
) -> Contact:
    """The contact that a quick connect makes of a chat's."""
    return connection.successor(
        center,
        contact,
        id=identifier,
        method="TRANSFER",
        flow_id=way.flow_id,
        queue_id=way.target,
        started_with=quick_connect_id,
        connected_to_system_at=center.at,
        joins=joins,
    )


def drop_agent(center: Center, command: DropParty) -> Iterator[Event]:
    """An agent sends another one away, or leaves by his own leg; any agent of a chat may."""
    contact = _served_by(center, command.agent_id, command.contact_id)
    for each in (contact, *chat_parties.others(center, contact)):
        if agent_leg(each) != command.leg:
            continue
        if each.stage == "CONNECTED":
            yield from connection.disconnect_flow(center, each, "AGENT_DISCONNECT")
        else:
            yield from connection.ending(each, "AGENT_DISCONNECT")
        return
    raise invalid_request("ConnectionId", command.leg, "is of no agent in this chat")


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
    if supervisor.id in [each.user_id for each in present(chat)]:
        raise invalid_request("UserId", supervisor.id, "is in this chat already")
    if len(watching) >= CALL_MONITORS_MAX:
        raise Refusal(
            "ServiceQuotaExceededException",
            f"ContactId: {contact.id!r} is monitored by {CALL_MONITORS_MAX} already",
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
        joins=False,
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
