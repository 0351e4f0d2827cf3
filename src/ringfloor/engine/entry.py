"""Entry: what is asked of a contact, of whatever channel, before it begins.

Called by the decisions that begin one; each function refuses with an error that names the member.
Sources: behaviour specification, sections 1.8, 2.2, 5.4 and 5.6.
"""

from collections.abc import Mapping

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX, CLIENT_TOKEN_MS, CONTACT_REFERENCES_MAX
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain import destinations, practice
from ringfloor.domain.contact import Contact, Reference
from ringfloor.domain.vocabulary import Channel, InitiationMethod
from ringfloor.engine.state import Center

ENTRY_TYPES = ("CONTACT_FLOW",)
"""Flow types that customers may enter."""


def begun_with(center: Center, token: str | None) -> str | None:
    """The live contact that this client token has started, while the token is good."""
    contact = center.contacts.get(center.client_tokens.get(token or "", ""))
    if contact is None or contact.initiated_at + CLIENT_TOKEN_MS <= center.at:
        return None
    return contact.id


def check_flow(center: Center, flow_id: str, types: tuple[str, ...] = ENTRY_TYPES) -> None:
    """A contact can begin in this flow: it is published, not archived, and of one of the types."""
    flow = center.resource("contact_flow", flow_id, "ContactFlowId")
    if flow.properties["Type"] not in types:
        raise invalid_request("ContactFlowId", flow_id, f"is not of type {' or '.join(types)}")
    if flow_id not in center.flows:
        raise invalid_request("ContactFlowId", flow_id, "is not published")
    if flow.properties.get("State") == "ARCHIVED":
        raise invalid_request("ContactFlowId", flow_id, "is archived")


def calls_out(center: Center) -> bool:
    """Whether the instance makes outbound calls (its attribute OUTBOUND_CALLS)."""
    assert center.instance is not None
    return bool(center.instance.properties.get("OutboundCallsEnabled"))


def check_outbound(center: Center) -> None:
    """Refuses with OutboundContactNotPermittedException where the instance makes no such calls."""
    assert center.instance is not None
    if not calls_out(center):
        raise Refusal(
            "OutboundContactNotPermittedException",
            f"InstanceId: outbound calls are not enabled for {center.instance.id!r}",
        )


def may_dial(center: Center, number: str) -> bool:
    """Whether the instance makes outbound calls, and to this number (E.164)."""
    assert center.instance is not None
    rules = practice.destinations(center.instance.properties)
    return calls_out(center) and destinations.refused(number, rules) is None


def check_dialling(center: Center, number: str, field: str = "PhoneNumber") -> None:
    """Before a number is dialled for somebody who can be told.

    Refuses with OutboundContactNotPermittedException, with DestinationNotAllowedException, and with
    LimitExceededException where there are as many calls out as there may be.
    """
    check_outbound(center)
    assert center.instance is not None
    why = destinations.refused(number, practice.destinations(center.instance.properties))
    if why is not None:
        rule = destinations.RULES[why]
        raise Refusal("DestinationNotAllowedException", f"{field}: {number!r} {rule}")
    if (limit := dialled_enough(center)) is not None:
        raise Refusal("LimitExceededException", f"InstanceId: {limit} are the limit")


def dialled_enough(center: Center) -> str | None:
    """The limit of calls out that another one would break, if any."""
    assert center.instance is not None
    properties = center.instance.properties
    most = practice.outbound_calls(properties)
    if most is not None and center.going.get(OUTBOUND, 0) >= most:
        return f"{most} outbound calls at once"
    rate = practice.outbound_rate(properties)
    if rate is None:
        return None
    per_second, burst = rate
    token = SECOND * 1_000 // per_second
    ahead = max(center.dialled_until - center.at * 1_000, 0)
    return f"{per_second} outbound calls a second" if ahead + token > burst * token else None


def dialled(center: Center, at: Instant) -> None:
    """Another call goes out: it counts for the rate, which is kept as a bucket is (aws.throttle).

    Called by apply functions only.
    """
    assert center.instance is not None
    rate = practice.outbound_rate(center.instance.properties)
    if rate is not None:
        token = SECOND * 1_000 // rate[0]
        center.dialled_until = max(center.dialled_until, at * 1_000) + token


def check_attributes(attributes: Mapping[str, str]) -> None:
    """User attributes have a bound over all pairs; refuses with InvalidParameterException."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
    if size > ATTRIBUTES_BYTES_MAX:
        raise invalid_parameter(
            "Attributes", f"{size} bytes", f"exceed {ATTRIBUTES_BYTES_MAX} bytes over all pairs"
        )


def check_references(references: Mapping[str, Reference]) -> None:
    """A contact refers to so many things at most."""
    if len(references) > CONTACT_REFERENCES_MAX:
        rule = f"are more than {CONTACT_REFERENCES_MAX} of one contact"
        raise invalid_parameter("References", len(references), rule)


OUTBOUND = "OUTBOUND"
"""As what calls out are counted, besides as calls."""

CALLS_OUT: frozenset[InitiationMethod] = frozenset(
    {"API", "OUTBOUND", "EXTERNAL_OUTBOUND", "CALLBACK_CUSTOMER_FIRST_DIALED"}
)
"""How a call has begun that goes out from its first moment."""


def counted_as(contact: Contact) -> tuple[str, ...]:
    """What the contact is one of: its channel, or a callback, which is no call until the end."""
    if contact.initiation_method in ("CALLBACK", "CALLBACK_CUSTOMER_FIRST_QUEUED"):
        return ("CALLBACK",)
    return ("VOICE", OUTBOUND) if is_out(contact) else (contact.channel,)


def is_out(contact: Contact) -> bool:
    """Whether this is a call to somebody outside."""
    return contact.channel == "VOICE" and contact.initiation_method in CALLS_OUT


def check_quota(center: Center, channel: Channel, quota: int | None, error: str) -> None:
    """Whether there may be another contact of the channel; refuses with the error named."""
    if quota is not None and center.going.get(channel, 0) >= quota:
        called = {"VOICE": "calls", "CHAT": "chats", "TASK": "tasks"}.get(channel, "contacts")
        raise Refusal(error, f"InstanceId: {quota} {called} at once are the limit")
