"""Call: who talks to whom, once an agent and a customer have been joined.

A call is one conversation of several legs. Each leg is a channel of the carrier and belongs to one
contact; a contact brings its customer's leg, its agent's leg, or both. Called by engine.call and by
whoever shows a call. Sources: behaviour specification, sections 5.1 to 5.3 and 7.2.

    customer's leg   {contact id}      agent's leg   {contact id}/agent, then {contact id}/1/agent
"""

from typing import Literal

from msgspec import Struct, field

from ringfloor.base.time import Instant
from ringfloor.domain.contact import Contact
from ringfloor.domain.vocabulary import DisconnectReason

Role = Literal["customer", "agent", "third_party", "monitor"]

PartyState = Literal["connecting", "connected", "hold", "silent", "disconnected"]
"""connected: hears the others and is heard. hold: hears the hold flow. silent: only hears.

connecting: is being dialled, or a transfer that no agent has taken yet.
"""

_AGENT = "/agent"


class Party(Struct, kw_only=True, omit_defaults=True):
    """One leg in a call."""

    leg: str
    contact_id: str
    """Whose leg it is now; a customer's leg passes on with a transfer."""
    role: Role
    state: PartyState
    since: Instant
    muted: bool = False
    forced_mute: bool = False
    """By somebody else."""
    added_by: str | None = None
    """The contact of the agent who has added it."""
    number: str | None = None
    """What was dialled."""
    quick_connect_id: str | None = None
    digits: str = ""
    """Keys that are pressed when it has answered."""
    reason: DisconnectReason | None = None
    """Why it is disconnected."""


class Call(Struct, kw_only=True, omit_defaults=True):
    """One conversation; its id is that of the contact that it began with."""

    id: str
    parties: dict[str, Party] = field(default_factory=dict)
    """By leg, in the order in which they came."""
    reason: DisconnectReason | None = None
    """Why somebody left last."""
    keys: int = 0
    """How often keys were pressed towards somebody."""


def agent_leg(contact: Contact) -> str:
    """Channel id of the agent's leg; every agent who takes the contact has another."""
    before = f"/{contact.agent_legs}" if contact.agent_legs else ""
    return contact.id + before + _AGENT


def first_agent_leg(contact_id: str) -> str:
    """That of the first agent who takes it."""
    return contact_id + _AGENT


def customer_leg(contact: Contact) -> str:
    """Channel id of the customer's leg; of a consultation: the leg of the agent who asks."""
    return contact.customer_leg or contact.id


def is_agent_leg(leg: str) -> bool:
    """Whether it is an agent whose leg this is."""
    return leg.endswith(_AGENT)


def seat(call: Call, contact: Contact) -> Party | None:
    """Where the contact's agent sits, or will: until he has come, on the leg first named."""
    for each in call.parties.values():
        if each.contact_id == contact.id and is_agent_leg(each.leg):
            return each
    return None


def living(call: Call) -> list[Party]:
    """Who is there, or is being dialled."""
    return [each for each in call.parties.values() if each.state != "disconnected"]


def talking(call: Call) -> list[Party]:
    """The same without those who only monitor."""
    return [each for each in living(call) if each.role != "monitor"]
