"""Changes: what may be said of a contact at any time, running or ended, and what it is then.

The engine applies a change to the contacts that it holds, the history to its records: one function,
so that both are always told the same.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from ringfloor.base.time import Instant
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactChange,
    ContactTagged,
    ContactUpdated,
    RecordingStored,
    SoundMeasured,
)


def change(contact: Contact, said: ContactChange, at: Instant) -> None:
    """Let the contact be as it is now said to be."""
    contact.updated_at = at
    match said:
        case AttributesUpdated():
            contact.attributes = {**contact.attributes, **said.attributes}
        case ContactTagged():
            contact.tags = retagged(contact.tags, said.tags)
        case ContactUpdated():
            if said.name is not None:
                contact.name = said.name
            if said.description is not None:
                contact.description = said.description
            if said.language is not None:
                contact.language = said.language
            if said.customer_id is not None:
                contact.customer_id = said.customer_id
            contact.references = {**contact.references, **said.references}
            contact.segment_attributes = {**contact.segment_attributes, **said.segment_attributes}
        case RecordingStored():
            if contact.recording is not None:
                contact.recording = replace(
                    contact.recording,
                    status=said.status,
                    location=said.location or contact.recording.location,
                    deletion_reason=said.deletion_reason,
                )
        case SoundMeasured():
            contact.sound = {**contact.sound, said.side: said.sound}


def retagged(tags: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The tags with their new values; None takes one away."""
    after = {**tags, **changes}
    return {key: value for key, value in after.items() if value is not None}
