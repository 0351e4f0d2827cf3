"""Agent transports: with what an agent's page gets its web socket and takes part in his chats.

Called by server.agent_operations (CreateTransport, GetAgentSnapshot), within node.read. Rules:

* A web socket's address begins with wss://, because streams takes no other and would never ask for
  a snapshot; on a server without TLS the page puts ws:// in its place.
* The token for a chat opens CreateParticipantConnection and all that a connection token opens,
  because chatjs uses it for both. It is given for contacts that the agent holds.
* The snapshot carries a participant token with each chat, which stays the same as long as the chat
  may last: the snapshot changes only with what it shows.

Source: the agent service's notes, sections 1.5 and 2; amazon-connect-chatjs 5.0.0.
"""

import msgspec

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.tokens import Sealer
from ringfloor.base.errors import not_found
from ringfloor.base.limits import CONNECTION_TOKEN_MS, SOCKET_LIFE_MS
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain.resources import Properties
from ringfloor.node.desk import Desk
from ringfloor.operations import chat_tokens
from ringfloor.operations.chat_tokens import Claims
from ringfloor.server import sockets
from ringfloor.server.chat_items import iso
from ringfloor.server.chat_news import agents_part
from ringfloor.server.http import origin
from ringfloor.server.sockets import Guest


def web_socket(
    sealer: Sealer, http: HttpRequest, desk: Desk, user_id: str, now: Instant
) -> Properties:
    """Where the agent hears all of his chats. http: the request, for the address it came to."""
    base = f"wss://{origin(http, 'ws').partition('://')[2]}"
    guest = Guest(desk.instance_id, "", user_id)
    return {
        "webSocketTransport": {
            "url": sockets.address(sealer, base, guest, now),
            "transportLifeTimeInSeconds": SOCKET_LIFE_MS // SECOND,
            "expiry": iso(now + SOCKET_LIFE_MS),
        }
    }


def chat_token(
    sealer: Sealer, desk: Desk, user_id: str, contact_id: str, now: Instant
) -> Properties:
    """A token for one chat; refuses with ResourceNotFoundException."""
    found = agents_part(desk, contact_id, user_id)
    if found is None:
        raise not_found("contactId", contact_id, "chat of this agent")
    chat, participant = found
    claims = Claims(desk.instance_id, chat.id, participant.id)
    expires = now + CONNECTION_TOKEN_MS
    return {
        "chatTokenTransport": {
            "participantToken": chat_tokens.seal(sealer, chat_tokens.AGENT, claims, expires),
            "expiry": iso(expires),
        }
    }


def with_chats(sealer: Sealer, desk: Desk, user_id: str, snapshot: Properties) -> Properties:
    """A snapshot in which chats carry what their page needs to take part."""
    contacts = [
        _with_chat(sealer, desk, user_id, each) if each["type"] == "chat" else each
        for each in snapshot["contacts"]
    ]
    return {**snapshot, "contacts": contacts}


def _with_chat(sealer: Sealer, desk: Desk, user_id: str, contact: Properties) -> Properties:
    found = agents_part(desk, contact["contactId"], user_id)
    if found is None:
        return contact
    chat, participant = found
    claims = Claims(desk.instance_id, chat.id, participant.id)
    token = chat_tokens.participant_token(sealer, claims, chat.expires_at)
    customers = (each for each in chat.participants.values() if each.role == "CUSTOMER")
    customer = next(customers, None)
    data = msgspec.json.encode({"ConnectionAuthenticationToken": token}).decode()
    info = {"connectionData": data}
    if customer is not None:
        info["customerName"] = customer.display_name
    return {
        **contact,
        "contactFeatures": {
            **contact["contactFeatures"],
            "attachmentsEnabled": True,
            "messagingMarkdownEnabled": "text/markdown" in chat.content_types,
        },
        "connections": [
            {**each, "chatMediaInfo": info} if each["type"] == "agent" else each
            for each in contact["connections"]
        ],
    }
