"""View: what the flows of a contact can see of it, and how the API names what they see.

Called by engine.answers and engine.effects for every step of a flow, so it looks nowhere but at the
contact and at what it names. Source: behaviour specification, section 6.3.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from typing_extensions import override

from ringfloor.base.time import MINUTE, iso_milliseconds
from ringfloor.domain.contact import Contact, segment_texts
from ringfloor.engine.state import Center


def last_segment(identifier: str) -> str:
    """The id of an id or ARN."""
    return identifier.rsplit("/", 1)[-1]


class Seen(Mapping[str, Any]):
    """What $-references of a flow can see of this contact, each looked up when it is asked for.

    To be asked before anything else happens to the contact. flow_type: as what it runs; some see
    the agent, and whispers not how the contact began. Source: section 6.3.
    """

    __slots__ = ("_of",)

    def __init__(self, center: Center, contact: Contact, flow_type: str = "CONTACT_FLOW") -> None:
        self._of = center, contact, flow_type

    @override
    def __getitem__(self, name: str) -> Any:
        return _ROOTS[name](*self._of)

    @override
    def get(self, name: str, otherwise: Any = None) -> Any:
        found = _ROOTS.get(name)
        return otherwise if found is None else found(*self._of)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(_ROOTS)

    @override
    def __len__(self) -> int:
        return len(_ROOTS)


def view(center: Center, contact: Contact, flow_type: str = "CONTACT_FLOW") -> dict[str, Any]:
    """All that is seen, as it is now."""
    return dict(Seen(center, contact, flow_type))


VOICE = "Joanna"
"""Who speaks until a flow says otherwise."""

WITHOUT_METHOD = frozenset({"AGENT_WHISPER", "CUSTOMER_WHISPER"})

WITH_AGENT = frozenset(
    {
        "AGENT_HOLD",
        "AGENT_TRANSFER",
        "AGENT_WHISPER",
        "CUSTOMER_HOLD",
        "CUSTOMER_WHISPER",
        "OUTBOUND_WHISPER",
    }
)
"""As what a flow runs that sees the agent; in a transfer he is the one to be transferred to."""


def _agent_view(center: Center, contact: Contact, flow_type: str) -> dict[str, Any] | None:
    if flow_type not in WITH_AGENT:
        return None
    agent_id = contact.queue_id if flow_type == "AGENT_TRANSFER" else contact.agent_id
    user = center.resources["user"].get(agent_id or "")
    if user is None:
        return None
    identity = user.properties.get("IdentityInfo") or {}
    return {
        "UserName": user.name,
        "FirstName": identity.get("FirstName"),
        "LastName": identity.get("LastName"),
        "ARN": center.home.arn_of("user", user.id),
    }


def endpoint(number: str | None) -> dict[str, str] | None:
    """A telephone endpoint in the API's form."""
    return None if number is None else {"Address": number, "Type": "TELEPHONE_NUMBER"}


def _queue_view(center: Center, queue_id: str | None) -> dict[str, Any] | None:
    resource = center.resources["queue"].get(queue_id or "")
    if resource is None:
        return None
    return {
        "Name": resource.name,
        "ARN": center.home.arn_of("queue", resource.id),
        "OutboundCallerId": endpoint(caller_id(center, resource.id)),
    }


def caller_id(center: Center, queue_id: str) -> str | None:
    """The number that calls on behalf of a queue show."""
    config = center.resources["queue"][queue_id].properties.get("OutboundCallerConfig") or {}
    number = center.resources["phone_number"].get(config.get("OutboundCallerIdNumberId") or "")
    return number.name if number else None


_ROOTS: Mapping[str, Callable[[Center, Contact, str], Any]] = {
    "ContactId": lambda _center, contact, _as: contact.id,
    "InitialContactId": lambda _center, contact, _as: contact.initial_contact_id or contact.id,
    "PreviousContactId": lambda _center, contact, _as: contact.previous_contact_id,
    "RelatedContactId": lambda _center, contact, _as: contact.related_contact_id,
    "Channel": lambda _center, contact, _as: contact.channel,
    "InitiationMethod": lambda _center, contact, flow_type: (
        None if flow_type in WITHOUT_METHOD else contact.initiation_method
    ),
    "InstanceARN": lambda center, _contact, _as: center.home.arn,
    "AwsRegion": lambda center, _contact, _as: center.home.region,
    "LanguageCode": lambda _center, contact, _as: contact.language or "en-US",
    "TextToSpeechVoiceId": lambda _center, contact, _as: (
        contact.voice.name if contact.voice else VOICE
    ),
    "Name": lambda _center, contact, _as: contact.name,
    "Description": lambda _center, contact, _as: contact.description,
    "CustomerId": lambda _center, contact, _as: contact.customer_id,
    "CustomerEndpoint": lambda _center, contact, _as: endpoint(contact.customer_number),
    "SystemEndpoint": lambda _center, contact, _as: endpoint(contact.system_number),
    "CustomerCallbackNumber": lambda _center, contact, _as: (
        contact.callback_number or contact.customer_number
    ),
    "Attributes": lambda _center, contact, _as: contact.attributes,
    "References": lambda _center, contact, _as: {
        name: {"Type": each.type, "Value": each.value} for name, each in contact.references.items()
    },
    "Tags": lambda _center, contact, _as: contact.tags,
    "SegmentAttributes": lambda _center, contact, _as: segment_texts(contact),
    "Task": lambda _center, contact, _as: (
        {"ContactId": contact.id} if contact.channel == "TASK" else None
    ),
    "Queue": lambda center, contact, _as: _queue_view(center, contact.queue_id),
    "Media": lambda _center, contact, _as: (
        {"Sip": {"Headers": contact.headers}} if contact.headers else None
    ),
    "Agent": _agent_view,
}


def segment_attributes(contact: Contact) -> dict[str, Any]:
    """The segment attributes in the API's form: AWS's own, then those that users have given."""
    values = segment_texts(contact)
    shown: dict[str, Any] = {name: {"ValueString": value} for name, value in values.items()}
    if contact.expires_at is not None and contact.channel != "VOICE":
        minutes = (contact.expires_at - contact.initiated_at) // MINUTE
        shown["connect:ContactExpiry"] = {
            "ValueMap": {
                "ExpiryDuration": {"ValueInteger": minutes},
                "ExpiryTimestamp": {"ValueString": iso_milliseconds(contact.expires_at)},
            }
        }
    return shown
