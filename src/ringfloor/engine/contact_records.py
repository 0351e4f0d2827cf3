"""Contact records: what a stream is told of a contact when it is final, in AWS's JSON.

Called by engine.run's witness with the contact as it ended, and by operations for one that was
changed afterwards. All members are there, null where there is nothing to tell; durations are whole
seconds, timestamps ISO 8601 in whole seconds. Names of agents, queues and profiles are those of
now. Sources: behaviour specification, section 2.7; Amazon Connect administrator guide, Contact
records data model.
"""

from collections.abc import Mapping

from ringfloor.base.time import SECOND, Duration, Instant, iso
from ringfloor.domain import criteria, practice
from ringfloor.domain.contact import Contact, Side, Track, association
from ringfloor.domain.resources import Home, Properties
from ringfloor.engine import chat_figures, hierarchy
from ringfloor.engine.state import Center
from ringfloor.engine.view import endpoint, segment_attributes

VERSION = "2017-03-10"
"""AWSContactTraceRecordFormatVersion."""

NOT_KEPT = (
    "AnsweringMachineDetectionStatus",
    "Campaign",
    "ContactEvaluations",
    "ContactLens",
    "CustomerVoiceActivity",
    "DisconnectDetails",
    "GlobalResiliencyMetadata",
    "OutboundStrategy",
    "VoiceIdResult",
)
"""Members of AWS's record about what this center does not have."""


def contact_record(center: Center, contact: Contact) -> Properties:
    """The record of a contact that has ended."""
    home = center.home
    members: Properties = {
        **dict.fromkeys(NOT_KEPT),
        "AWSAccountId": home.account,
        "AWSContactTraceRecordFormatVersion": VERSION,
        "Agent": _agent(center, contact),
        "AgentConnectionAttempts": contact.offers,
        "Attributes": dict(contact.attributes),
        "Channel": contact.channel,
        "ConnectedToSystemTimestamp": _at(contact.connected_to_system_at),
        "ContactAssociationId": association(contact),
        "ContactDetails": _details(contact),
        "ContactId": contact.id,
        "CustomerEndpoint": endpoint(contact.customer_number),
        "ChatMetrics": chat_figures.shown(contact, iso),
        "CustomerId": contact.customer_id,
        "DisconnectReason": contact.disconnect_reason,
        "DisconnectTimestamp": _at(contact.disconnected_at),
        "InitialContactId": contact.initial_contact_id,
        "InitiationMethod": contact.initiation_method,
        "InitiationTimestamp": _at(contact.initiated_at),
        "InstanceARN": home.arn,
        "LastPausedTimestamp": _at(contact.last_paused_at),
        "LastResumedTimestamp": _at(contact.last_resumed_at),
        "LastUpdateTimestamp": _at(contact.updated_at),
        "MediaStreams": [{"Type": "AUDIO" if contact.channel == "VOICE" else contact.channel}],
        "NextContactId": contact.next_contact_id,
        "PreviousContactId": contact.previous_contact_id,
        "QualityMetrics": quality(contact),
        "Queue": _queue(center, contact),
        "Recording": _recording(contact),
        "Recordings": _recordings(contact),
        "References": [
            {"Name": name, "Type": reference.type, "Value": reference.value}
            for name, reference in contact.references.items()
        ],
        "RelatedContactId": contact.related_contact_id,
        "RoutingCriteria": [criteria.shown(each, iso) for each in contact.criteria] or None,
        "ScheduledTimestamp": _at(contact.scheduled_at),
        "SegmentAttributes": segment_attributes(contact),
        "SystemEndpoint": endpoint(contact.system_number),
        "Tags": tags(home, contact),
        "TaskTemplateInfo": _template(center, contact),
        "TotalPauseCount": contact.pauses or None,
        "TotalPauseDurationInSeconds": _whole(contact.pause_ms) if contact.pauses else None,
        "TransferCompletedTimestamp": _at(contact.transfer_completed_at),
        "TransferredToEndpoint": endpoint(contact.transferred_to),
    }
    return dict(sorted(members.items()))


def _at(instant: Instant | None) -> str | None:
    return None if instant is None else iso(instant)


def _whole(duration: Duration) -> int:
    return duration // SECOND


def tags(home: Home, contact: Contact) -> dict[str, str]:
    """The tags that users have given, then AWS's own."""
    own = {"aws:connect:instanceId": home.instance_id}
    if contact.system_number is not None:
        own["aws:connect:systemEndpoint"] = contact.system_number
    return {**contact.tags, **own}


RECORDED: Mapping[Track, str] = {"FROM_AGENT": "AGENT", "TO_AGENT": "CUSTOMER", "ALL": "ALL"}
"""Track of a recording to whom it hears, in AWS's words."""


def _recording(contact: Contact) -> Properties | None:
    """Without sound there is no place where it is stored."""
    recording = contact.recording
    if recording is None:
        return None
    return {
        "DeletionReason": recording.deletion_reason,
        "Location": recording.location,
        "Status": recording.status,
        "Type": "AUDIO",
    }


def _recordings(contact: Contact) -> list[Properties] | None:
    recording = contact.recording
    if recording is None:
        return None
    return [
        {
            "DeletionReason": recording.deletion_reason,
            "FragmentStartNumber": None,
            "FragmentStopNumber": None,
            "Location": recording.location,
            "MediaStreamType": "AUDIO",
            "ParticipantType": RECORDED[recording.track],
            "StartTimestamp": _at(recording.started_at),
            "Status": recording.status,
            "StopTimestamp": _at(recording.stopped_at),
            "StorageType": None if recording.location is None else "S3",
        }
    ]


def quality(contact: Contact) -> Properties | None:
    """How good the connections of a call were, in the API's form; None: nothing was measured."""
    sides: Mapping[Side, str] = {"agent": "Agent", "customer": "Customer"}
    measured = {
        name: {
            "Audio": {
                "PotentialQualityIssues": list(contact.sound[side].issues),
                "QualityScore": contact.sound[side].score,
            }
        }
        for side, name in sides.items()
        if side in contact.sound
    }
    return measured or None


def _details(contact: Contact) -> Properties | None:
    if contact.name is None and contact.description is None:
        return None
    return {"Name": contact.name, "Description": contact.description}


def _template(center: Center, contact: Contact) -> Properties | None:
    if contact.template is None:
        return None
    arn = center.home.arn_of("task_template", contact.template.id)
    return {"ARN": arn, "Name": contact.template.name}


def _queue(center: Center, contact: Contact) -> Properties | None:
    if contact.enqueued_at is None or contact.queue_id is None:
        return None
    queue = center.resources["queue"].get(contact.queue_id)
    left = contact.dequeued_at
    duration = None if left is None else left - contact.enqueued_at
    assert center.instance is not None
    counts_delay = practice.counts_delay(center.instance.properties)
    if duration is not None and contact.callback is not None and counts_delay:
        duration += contact.callback.delay_ms
    before = None
    if contact.initiation_method == "CALLBACK_CUSTOMER_FIRST_DIALED" and contact.callback:
        before = contact.callback.waited_ms
    return {
        "ARN": center.home.queue_arn(contact.queue_id, of_agent=queue is None),
        "CallbackTotalQueueDuration": (
            None if before is None or duration is None else _whole(before + duration)
        ),
        "DequeueTimestamp": _at(left),
        "Duration": None if duration is None else _whole(duration),
        "EnqueueTimestamp": _at(contact.enqueued_at),
        "Name": queue.name if queue is not None else None,
    }


def _agent(center: Center, contact: Contact) -> Properties | None:
    agent_id, connected = contact.agent_id, contact.connected_to_agent_at
    if agent_id is None or connected is None:
        return None
    user = center.resources["user"].get(agent_id)
    profile = center.resources["routing_profile"].get(contact.routing_profile_id or "")
    started, ended = contact.after_contact_work_started_at, contact.after_contact_work_ended_at
    assert contact.disconnected_at is not None
    return {
        "ARN": center.home.arn_of("user", agent_id),
        "AcceptedByAgentTimestamp": _at(contact.accepted_at or connected),
        "AfterContactWorkDuration": (
            None if started is None or ended is None else _whole(ended - started)
        ),
        "AfterContactWorkEndTimestamp": _at(ended),
        "AfterContactWorkStartTimestamp": _at(started),
        "AgentInitiatedHoldDuration": _whole(contact.hold_ms),
        "AgentInteractionDuration": _whole(
            contact.disconnected_at - connected - contact.hold_ms - contact.agent_pause_ms
        ),
        "AgentPauseDuration": _whole(contact.agent_pause_ms) if contact.pauses else None,
        "ConnectedToAgentTimestamp": _at(connected),
        "CustomerHoldDuration": _whole(contact.hold_ms),
        "DeviceInfo": None,
        "HierarchyGroups": _groups(center, agent_id),
        "LongestHoldDuration": _whole(contact.longest_hold_ms),
        "NumberOfHolds": contact.holds,
        "RoutingProfile": (
            None
            if profile is None
            else {
                "ARN": center.home.arn_of("routing_profile", profile.id),
                "Name": profile.name,
            }
        ),
        "StateTransitions": [
            {
                "State": each.state,
                "StateEndTimestamp": _at(each.until),
                "StateStartTimestamp": _at(each.since),
            }
            for each in contact.watches
        ]
        or None,
        "Username": user.name if user is not None else None,
    }


def _groups(center: Center, agent_id: str) -> Properties | None:
    groups = hierarchy.of_user(center, agent_id)
    if not groups:
        return None
    return {
        f"Level{number}": {
            "ARN": center.home.arn_of("hierarchy_group", group.id),
            "GroupName": group.name,
        }
        for number, group in enumerate(groups, 1)
    }
