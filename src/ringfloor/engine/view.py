"""View: what the flows of a contact can see of it, and how the API names what they see.

Called by engine.answers and engine.effects for every step of a flow, so it looks nowhere but at the
contact and at what it names. Source: behaviour specification, section 6.3.
"""

from typing import Any

from ringfloor.base.time import MINUTE, iso_milliseconds
from ringfloor.domain.contact import Contact, segment_texts
from ringfloor.engine.state import Center


def last_segment(identifier: str) -> str:
    """The id of an id or ARN."""
    return identifier.rsplit("/", 1)[-1]


def view(center: Center, contact: Contact, flow_type: str = "CONTACT_FLOW") -> dict[str, Any]:
    """What $-references of a flow can see of this contact (section 6.3).

    flow_type: as what it runs; some see the agent, and whispers not how the contact began.
    """
    home = center.home
    return {
        "ContactId": contact.id,
        "InitialContactId": contact.initial_contact_id or contact.id,
        "PreviousContactId": contact.previous_contact_id,
        "RelatedContactId": contact.related_contact_id,
        "Channel": contact.channel,
        "InitiationMethod": None if flow_type in WITHOUT_METHOD else contact.initiation_method,
        "InstanceARN": home.arn,
        "AwsRegion": home.region,
        "LanguageCode": contact.language or "en-US",
        "TextToSpeechVoiceId": contact.voice.name if contact.voice else VOICE,
        "Name": contact.name,
        "Description": contact.description,
        "CustomerId": contact.customer_id,
        "CustomerEndpoint": endpoint(contact.customer_number),
        "SystemEndpoint": endpoint(contact.system_number),
        "CustomerCallbackNumber": contact.callback_number or contact.customer_number,
        "Attributes": contact.attributes,
        "References": {
            name: {"Type": each.type, "Value": each.value}
            for name, each in contact.references.items()
        },
        "Tags": contact.tags,
        "SegmentAttributes": segment_texts(contact),
        "Task": {"ContactId": contact.id} if contact.channel == "TASK" else None,
        "Queue": _queue_view(center, contact.queue_id),
        "Agent": _agent_view(center, contact, flow_type),
    }


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
