"""Recordings: what of a call is recorded, and what becomes of it; and how channels sounded.

    (none) --joined, or StartContactRecording--> RECORDING <--suspend, resume--> SUSPENDED
                                                     |                               |
                                                     +------> STOPPED <--------------+

A contact has one recording: of its agent, and of whoever talks with him. It begins when the two are
joined, if a flow has said so, or when it is asked for; it stops once: when that is asked for, when
the contact ends, or when it breaks off. While the customer is on hold it goes on, without him.
What is stored is told later, often after the contact is final. Sources: behaviour specification,
sections 5.3 and 6.4; AWS's documentation of StartContactRecording.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from ringfloor.base.errors import invalid_request, not_found
from ringfloor.base.time import Instant, iso
from ringfloor.domain.call import customer_leg, is_agent_leg
from ringfloor.domain.commands import (
    BeginRecording,
    ChangeRecording,
    DropRecording,
    KeepRecording,
    LoseRecording,
    MeasureSound,
    RecordingAction,
)
from ringfloor.domain.contact import Contact, Recording, RecordingState, Track
from ringfloor.domain.events import (
    ContactChange,
    Event,
    RecordAmended,
    RecordingBehaviorSet,
    RecordingChanged,
    RecordingStored,
    SoundMeasured,
)
from ringfloor.engine.state import Center

# What is recorded

BOTH: Track = "ALL"

TRACKS: Mapping[frozenset[str], Track] = {
    frozenset({"Agent", "Customer"}): BOTH,
    frozenset({"Agent"}): "FROM_AGENT",
    frozenset({"Customer"}): "TO_AGENT",
}
"""RecordedParticipants of a flow's block to what is recorded; of nobody, nothing."""


def wanted(contact: Contact) -> Track | None:
    """What the contact's flows have said is to be recorded."""
    said = contact.recording_behavior or {}
    newer = _record(said.get("VoiceBehavior")).get("VoiceRecordingBehavior")
    behavior = _record(newer or said.get("RecordingBehavior"))
    participants = behavior.get("RecordedParticipants")
    if not isinstance(participants, list):
        return None
    return TRACKS.get(frozenset(each for each in participants if isinstance(each, str)))


def _record(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def behavior(track: Track) -> Mapping[str, Any]:
    """As a flow would say it."""
    participants = next(each for each, recorded in TRACKS.items() if recorded == track)
    return {"RecordingBehavior": {"RecordedParticipants": sorted(participants)}}


# Names

RECORDINGS = "CALL_RECORDINGS"
"""Where recordings go, as the instance's storage configurations call it."""


def storage_key(center: Center, contact: Contact) -> str:
    """Where the contact's recording is stored: a relative path of plain names."""
    assert center.instance is not None
    assert contact.recording is not None
    at = iso(contact.recording.started_at)  # 2026-11-21T22:00:17Z
    day, minute = at[:10].replace("-", "/"), at[:16].replace("-", "")
    return f"{folder(center)}/{day}/{contact.id}_{minute}_UTC.wav"


def folder(center: Center) -> str:
    """Where the instance's recordings go: a bucket, then what keys begin with.

    As its storage configuration says; without one, as AWS's console would name both.
    """
    assert center.instance is not None
    for store in center.resources["storage_config"].values():
        place = store.properties["StorageConfig"].get("S3Config")
        if store.name == RECORDINGS and place is not None:
            return place_in(place)
    return f"connect/{_plain(center.instance.alias or center.instance.id)}/CallRecordings"


def place_in(config: Mapping[str, Any]) -> str:
    """Bucket and what keys begin with, of an S3Config: a relative path of plain names."""
    names = (config["BucketName"], *config["BucketPrefix"].split("/"))
    return "/".join(_plain(each) for each in names if each.strip("."))


def _plain(name: str) -> str:
    """A name of a folder as every disk takes it."""
    return re.sub(r"[^A-Za-z0-9!_.*'()-]", "_", name)


# Decisions


def begin(center: Center, command: BeginRecording) -> Iterator[Event]:
    """Agent and customer are joined."""
    contact = center.contacts.get(command.contact_id)
    if contact is None:
        return
    track = wanted(contact)
    talks = contact.channel == "VOICE" and contact.stage == "CONNECTED"
    if talks and contact.monitors is None and contact.recording is None and track is not None:
        yield RecordingChanged(contact.id, Recording(track, "RECORDING", center.at))


def change(center: Center, command: ChangeRecording) -> Iterator[Event]:
    """Begin, suspend, resume or stop the recording of a call; begun early, it waits for both."""
    contact = center.contacts.get(command.contact_id)
    if contact is None:
        raise not_found("ContactId", command.contact_id, "live contact")
    first = contact.initial_contact_id or contact.id
    if command.initial_contact_id != first:
        rule = f"is not the first contact of {contact.id}, which is {first}"
        raise invalid_request("InitialContactId", command.initial_contact_id, rule)
    if contact.channel != "VOICE" or contact.stage not in (*EARLY, "CONNECTED"):
        rule = f"is a {contact.channel} that is {contact.stage}, no call of an agent"
        raise invalid_request("ContactId", contact.id, rule)
    before = contact.recording
    state = "NONE" if before is None else before.state
    if state not in FROM[command.action]:
        rule = f"has a recording that is {state}; {command.action} cannot be done"
        raise invalid_request("ContactId", contact.id, rule)
    if contact.stage != "CONNECTED":
        yield RecordingBehaviorSet(contact.id, dict(behavior(command.track or BOTH)))
        return
    new = before or Recording(command.track or BOTH, "RECORDING", center.at)
    stopped = center.at if command.action == "STOP" else None
    after = replace(new, state=TO[command.action], stopped_at=stopped)
    yield RecordingChanged(contact.id, after, command.action == "RESUME")


EARLY = ("IN_FLOW", "IN_QUEUE", "OFFERED", "ACCEPTED", "DIALING")
"""Where a call is before its agent has joined."""

TO: Mapping[RecordingAction, RecordingState] = {
    "START": "RECORDING",
    "SUSPEND": "SUSPENDED",
    "RESUME": "RECORDING",
    "STOP": "STOPPED",
}

FROM: Mapping[RecordingAction, tuple[str, ...]] = {
    "START": ("NONE",),
    "SUSPEND": ("RECORDING",),
    "RESUME": ("SUSPENDED",),
    "STOP": ("RECORDING", "SUSPENDED"),
}
"""In which state of the recording an action can be asked for."""


def lose(center: Center, command: LoseRecording) -> Iterator[Event]:
    """It has broken off: nothing more is recorded of this contact."""
    contact = center.contacts.get(command.contact_id)
    recording = None if contact is None else contact.recording
    if recording is not None and recording.state != "STOPPED":
        stopped = replace(recording, state="STOPPED", stopped_at=center.at)
        yield RecordingChanged(command.contact_id, stopped)


def keep(center: Center, command: KeepRecording) -> Iterator[Event]:
    """It is stored; told twice of a live contact, it is told once."""
    contact = center.contacts.get(command.contact_id)
    known = None if contact is None else contact.recording
    if contact is not None and (known is None or known.location == command.location):
        return
    yield _of(center, RecordingStored(command.contact_id, "AVAILABLE", command.location))


def drop(center: Center, command: DropRecording) -> Iterator[Event]:
    """It is no longer stored."""
    gone = RecordingStored(command.contact_id, "DELETED", deletion_reason=command.reason)
    yield _of(center, gone)


def measure(center: Center, command: MeasureSound) -> Iterator[Event]:
    """A channel is gone. The customer's is that of the last contact that had it."""
    contact_id, _, rest = command.leg.partition("/")
    if is_agent_leg(command.leg):
        yield _of(center, SoundMeasured(contact_id, "agent", command.sound))
        return
    assert not rest
    owner = center.legs.get(command.leg) or _last_of(center, command.leg) or contact_id
    yield _of(center, SoundMeasured(owner, "customer", command.sound))


def _last_of(center: Center, leg: str) -> str | None:
    """The last contact, of those that are not final, whose customer had this leg."""
    root = leg.partition(".")[0]
    known = center.contacts.get(root)
    chain = root if known is None else known.initial_contact_id or known.id
    there = center.chains.get(chain, ())
    had = [each for each in there if customer_leg(center.contacts[each]) == leg]
    return had[-1] if had else None


def _of(center: Center, change: ContactChange) -> Event:
    """The change, of a live contact or of one that is final; history knows whether there is one."""
    return change if change.contact_id in center.contacts else RecordAmended(change)


# What the events do


def changed(center: Center, event: RecordingChanged, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.recording = event.recording
    contact.updated_at = at


def over(contact: Contact, at: Instant) -> None:
    """The contact has ended, and with it what was recorded."""
    recording = contact.recording
    if recording is not None and recording.state != "STOPPED":
        contact.recording = replace(recording, state="STOPPED", stopped_at=at)
