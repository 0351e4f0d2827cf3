"""Monitoring: supervisors who listen to a call, and the recording of one.

What they lead to is decided by engine.monitor. Source: botocore's model; behaviour specification,
section 5.3.
"""

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.domain import commands
from ringfloor.domain.contact import MonitorState, Track
from ringfloor.engine.state import Center
from ringfloor.operations import permissions
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.registry import Params, Result, operation

NEEDED: dict[MonitorState, str] = {
    "SILENT_MONITOR": "ManagerListenIn",
    "BARGE": "ManagerBargeIn",
}
"""What a supervisor may do, and the permission of his security profile that it takes."""


@operation("MonitorContact")
async def monitor_contact(context: Context, params: Params) -> Result:
    """A supervisor's phone rings, and he listens to a call; he may barge in if that is allowed."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    user_id = identifier(home, "user", params.UserId, "UserId")
    capabilities = _capabilities(params)
    await context.read(lambda: _check_permissions(desk.center, user_id, capabilities))
    contact_id = await context.submit(
        desk,
        commands.MonitorContact(
            agent_id=user_id,
            contact_id=params.ContactId,
            capabilities=capabilities,
            client_token=params.ClientToken,
        ),
    )
    return {"ContactId": contact_id, "ContactArn": home.contact_arn(contact_id)}


def _capabilities(params: Params) -> tuple[MonitorState, ...]:
    """Listening is always allowed."""
    wanted: tuple[MonitorState, ...] = ("SILENT_MONITOR", "BARGE")
    asked = set(params.AllowedMonitorCapabilities or ())
    return tuple(each for each in wanted if each in asked or each == "SILENT_MONITOR")


def _check_permissions(
    center: Center, user_id: str, capabilities: tuple[MonitorState, ...]
) -> None:
    center.resource("user", user_id, "UserId")
    has = permissions.granted(center, user_id)
    for each in capabilities:
        if NEEDED[each] not in has:
            raise Refusal(
                "AccessDeniedException",
                f"UserId: {user_id!r} needs {NEEDED[each]} in a security profile for {each}",
            )


# Recordings


@operation("StartContactRecording")
async def start_contact_recording(context: Context, params: Params) -> Result:
    """Begin the recording of a call, once."""
    config = params.VoiceRecordingConfiguration
    if config.IvrRecordingTrack is not None:
        rule = "is recorded by UpdateContactRecordingBehavior in a flow; give VoiceRecordingTrack"
        raise invalid_parameter("IvrRecordingTrack", config.IvrRecordingTrack, rule)
    if config.VoiceRecordingTrack is None:
        raise invalid_request("VoiceRecordingTrack", None, "is needed")
    return await _change(context, params, "START", config.VoiceRecordingTrack)


@operation("SuspendContactRecording")
async def suspend_contact_recording(context: Context, params: Params) -> Result:
    """Leave something out of the recording, until it is resumed."""
    return await _change(context, params, "SUSPEND")


@operation("ResumeContactRecording")
async def resume_contact_recording(context: Context, params: Params) -> Result:
    """Go on with a recording that was suspended."""
    return await _change(context, params, "RESUME")


@operation("StopContactRecording")
async def stop_contact_recording(context: Context, params: Params) -> Result:
    """End the recording for good."""
    return await _change(context, params, "STOP")


async def _change(
    context: Context, params: Params, action: commands.RecordingAction, track: Track | None = None
) -> Result:
    kind = getattr(params, "ContactRecordingType", None)
    if kind not in (None, "AGENT"):
        raise invalid_request("ContactRecordingType", kind, "is not recorded; AGENT is")
    await context.submit(
        context.desk(params.InstanceId),
        commands.ChangeRecording(
            contact_id=params.ContactId,
            initial_contact_id=params.InitialContactId,
            action=action,
            track=track,
        ),
    )
    return {}
