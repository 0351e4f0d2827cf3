"""Contact answers: what flows say of their contact, and what then is so.

Rows of engine.answers.ANSWERS and of engine.engine.APPLY. Hooks, voice, streaming and recording
stick to the contact; a successor in its chain inherits hooks and voice. Source: behaviour
specification, section 6.4.
"""

import msgspec

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import CONTACT_TAGS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain import changes, dialogue
from ringfloor.domain.contact import Contact, Reference, Voice
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactTagged,
    ContactUpdated,
    HooksSet,
    RecordingBehaviorSet,
    StreamingSet,
    TargetQueueSet,
    VoiceSet,
)
from ringfloor.engine import flows
from ringfloor.engine.entry import check_attributes, check_references
from ringfloor.engine.reply import FAILED, Reply, Stand, done
from ringfloor.engine.state import Center
from ringfloor.engine.view import last_segment

HOOK_KEYS = frozenset(flows.HOOKS.values()) | {"DefaultAgentUI", "DisconnectAgentUI"}
"""What UpdateContactEventHooks can set; the last two are for agents' pages, and only kept."""

STREAMS = "MEDIA_STREAMS"
"""Where media streams go, as the instance's storage configurations call it."""

CHANGEABLE_REFERENCES = frozenset({"URL", "NUMBER", "STRING", "DATE", "EMAIL"})


def _target(stand: Stand, target: str) -> Contact | None:
    """The contact itself, or the one that it is related to, while that is live."""
    if target == "Current":
        return stand.contact
    return stand.center.contacts.get(stand.contact.related_contact_id or "")


def set_attributes(stand: Stand, ask: dialogue.SetAttributes) -> Reply:
    contact = _target(stand, ask.target)
    if contact is None:
        return FAILED
    try:
        check_attributes({**contact.attributes, **ask.attributes})
    except Refusal:
        return FAILED
    return done(AttributesUpdated(contact.id, ask.attributes))


def set_target_queue(stand: Stand, ask: dialogue.SetTargetQueue) -> Reply:
    identifier = last_segment(ask.queue_id or ask.agent_id or "")
    known = stand.center.resources["queue" if ask.queue_id else "user"]
    if identifier not in known or stand.contact.stage not in ("IN_FLOW", "DIALING"):
        return FAILED
    return done(TargetQueueSet(stand.contact.id, identifier))


def set_hooks(stand: Stand, ask: dialogue.SetHooks) -> Reply:
    """All or nothing: every flow must be there, and published."""
    if not HOOK_KEYS.issuperset((*ask.hooks, *ask.disabled)):
        return FAILED
    for flow_id in ask.hooks.values():
        if flows.entered_by(stand.center, "contact_flow", flow_id) is None:
            return FAILED
    return done(HooksSet(stand.contact.id, ask.hooks, ask.disabled))


def set_data(stand: Stand, ask: dialogue.SetData) -> Reply:
    contact = _target(stand, ask.target)
    if contact is None or not CHANGEABLE_REFERENCES.issuperset(
        type_ for type_, _ in ask.references.values()
    ):
        return FAILED
    given = {
        name: msgspec.convert((type_, value), Reference)
        for name, (type_, value) in ask.references.items()
    }
    try:
        check_references({**contact.references, **given})
    except Refusal:
        return FAILED
    return done(
        ContactUpdated(
            contact.id,
            ask.name,
            ask.description,
            given,
            ask.segment_attributes,
            ask.language,
            ask.customer_id,
        )
    )


def set_tags(stand: Stand, ask: dialogue.SetTags) -> Reply:
    after = changes.retagged(stand.contact.tags, ask.tags)
    if len(after) > CONTACT_TAGS_MAX:
        return FAILED
    return done(ContactTagged(stand.contact.id, ask.tags))


def set_recording(stand: Stand, ask: dialogue.SetRecording) -> Reply:
    return done(RecordingBehaviorSet(stand.contact.id, ask.behavior))


def set_streaming(stand: Stand, ask: dialogue.SetStreaming) -> Reply:
    """Without a place for media streams there are none."""
    configured = any(
        each.properties.get("ResourceType") == STREAMS
        for each in stand.center.resources["storage_config"].values()
    )
    if ask.enabled and not configured:
        return FAILED
    return done(StreamingSet(stand.contact.id, ask.enabled))


def set_voice(stand: Stand, ask: dialogue.SetVoice) -> Reply:
    return done(VoiceSet(stand.contact.id, Voice(ask.voice, ask.engine, ask.style)))


# What the events do


def hooks_set(center: Center, event: HooksSet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.hooks = {**contact.hooks, **event.hooks}
    off = dict.fromkeys(contact.hooks_disabled, True) | event.disabled
    contact.hooks_disabled = [hook for hook, disabled in off.items() if disabled]
    contact.updated_at = at


def voice_set(center: Center, event: VoiceSet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.voice = event.voice
    contact.updated_at = at


def streaming_set(center: Center, event: StreamingSet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.streaming = event.enabled
    contact.updated_at = at


def recording_behavior_set(center: Center, event: RecordingBehaviorSet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.recording_behavior = event.behavior
    contact.updated_at = at
