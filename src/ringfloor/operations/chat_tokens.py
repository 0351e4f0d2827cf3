"""Chat tokens: who a participant of a chat is, as a bearer token says it.

Called by the operations that make participants (StartChatContact, CreateParticipant), by the
participant service and by the agent service. Tokens are sealed, not kept. Rules:

* A participant token opens CreateParticipantConnection, a connection token everything else. The
  token that the agents' page gets from the agent service opens both, because the page uses it so.
* A participant token lives as long as its chat may; whether the participant is still there, the
  state says (server.participant).
* The same participant has the same token: it is sealed with the end of the chat, not with now.

Source: behaviour specification, section 5.7; the agent service's notes, section 2.
"""

from collections.abc import Sequence

from msgspec import Struct

from ringfloor.aws.tokens import Sealer, TokenExpired, TokenInvalid
from ringfloor.base.errors import Refusal
from ringfloor.base.time import Instant

PARTICIPANT = "chat participant"
CONNECTION = "chat connection"
AGENT = "chat agent"


class Claims(Struct, frozen=True, array_like=True):
    """Who it is. chat_id: the first contact of the chat."""

    instance_id: str
    chat_id: str
    participant_id: str


def seal(sealer: Sealer, purpose: str, claims: Claims, expires: Instant) -> str:
    """A token for one of the purposes."""
    return sealer.seal(purpose, claims, expires)


def participant_token(sealer: Sealer, claims: Claims, expires: Instant) -> str:
    """The token of StartChatContact and CreateParticipant. expires: when the chat must be over."""
    return seal(sealer, PARTICIPANT, claims, expires)


def opened(sealer: Sealer, purposes: Sequence[str], text: str | None, now: Instant) -> Claims:
    """Whose token it is; refuses with AccessDeniedException."""
    for purpose in purposes:
        try:
            return sealer.open(purpose, text or "", now, Claims)
        except TokenExpired:
            raise denied("the token has expired") from None
        except TokenInvalid:
            continue
    raise denied("this is no token for this operation")


def denied(why: str) -> Refusal:
    """What a token does not open, or no longer."""
    return Refusal("AccessDeniedException", f"X-Amz-Bearer: {why}")
