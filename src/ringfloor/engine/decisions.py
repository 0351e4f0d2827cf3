"""Decisions: what comes of everything that can be wanted, and of every deadline.

DECIDE and TIMERS are tables; a test holds them total. A decision reads and may refuse; it changes
nothing. Called by engine.run, first with what somebody wants, then with every consequence of it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from ringfloor.base.errors import Refusal, invalid_request, not_found
from ringfloor.base.ids import Seed
from ringfloor.base.time import Duration, Instant
from ringfloor.domain import commands, events
from ringfloor.domain.call import customer_leg
from ringfloor.domain.contact import Contact
from ringfloor.engine import (
    agent,
    answers,
    birth,
    call,
    callback,
    chat,
    chat_contacts,
    chat_state,
    chat_streams,
    clean_up,
    connection,
    contact,
    controls,
    directory,
    flows,
    importing,
    joining,
    monitor,
    outbound,
    recordings,
    routing,
    task,
    transfer,
)
from ringfloor.engine.schedule import DELAY, EXPIRY, STAGE
from ringfloor.engine.state import Center


def _create_instance(
    center: Center, command: commands.CreateInstance, seed: Seed
) -> Iterator[events.Event]:
    if center.instance is not None:
        raise Refusal("DuplicateResourceException", f"InstanceId: {command.instance_id} exists")
    yield from birth.instance(command, seed)


def _delete_instance(
    center: Center, command: commands.DeleteInstance, _seed: Seed
) -> Iterator[events.Event]:
    del command
    if center.contacts:
        count = len(center.contacts)
        raise invalid_request("InstanceId", center.home.instance_id, f"has {count} live contacts")
    yield events.InstanceDeleted(center.home.instance_id)


def _expire(center: Center, _command: commands.Expire, seed: Seed) -> Iterator[events.Event]:
    due = center.deadlines[0] if center.deadlines else None
    if due is None or due[0] > center.at:
        return
    _, _, contact_id, name, delay_ms = due
    late = center.contacts[contact_id]
    if name in answers.WAITS:
        yield from answers.time_is_up(center, late, name, seed)
    else:
        yield from TIMERS[name](center, late, delay_ms)


def _delay_ends(_center: Center, late: Contact, delay_ms: Duration) -> Iterator[events.Event]:
    yield events.DelayPassed(late.id, delay_ms)


def _stage_ends(center: Center, late: Contact, _delay_ms: Duration) -> Iterator[events.Event]:
    match late.stage:
        case "DIALING" if callback.is_dialled_for_agent(late):
            yield from connection.not_reached(center, late, "TELECOM_TIMEOUT")
        case "DIALING":
            yield from connection.ending(late, "TELECOM_TIMEOUT")
        case "SCHEDULED" if late.flow_id is not None:
            yield from task.begins(center, late)
        case "SCHEDULED":
            yield from callback.begins(center, late)
        case "OFFERED":
            yield connection.unanswered(late)
        case _:
            assert late.stage == "ENDED"
            assert late.agent_id is not None
            yield events.ContactCleared(late.id, late.agent_id)


TIMERS: Mapping[str, Callable[[Center, Contact, Duration], Iterator[events.Event]]] = {
    STAGE: _stage_ends,
    DELAY: _delay_ends,
    EXPIRY: task.expires,
    chat_state.TIMER: chat.due,
    routing.STEP: routing.step_ends,
    flows.WHISPER: joining.whisper_too_long,
    flows.CLEAN_UP: clean_up.too_long,
}
"""What happens when a deadline is due, by the name of its timer; for flows that wait: answers."""


def _seedless(
    function: Callable[[Center, Any], Iterator[events.Event]],
) -> Callable[[Center, Any, Seed], Iterator[events.Event]]:
    return lambda center, command, _seed: function(center, command)


def _match(
    function: Callable[[Center, Any, Instant], Iterator[events.Event]],
) -> Callable[[Center, Any, Seed], Iterator[events.Event]]:
    return lambda center, command, _seed: function(center, command, connection.ring_until(center))


def _lose_channel(center: Center, command: commands.LoseChannel) -> Iterator[events.Event]:
    """The customer is gone; of a callback that an agent has taken, he has not come."""
    leg = command.contact_id
    late = center.contacts.get(center.legs.get(leg, leg))
    if late is None or not callback.is_alone(late):
        yield from contact.lose_channel(center, command)
    elif callback.is_dialled_for_agent(late) and leg == customer_leg(late):
        yield from connection.not_reached(center, late, command.reason)


def _connect_agent(center: Center, command: commands.ConnectAgent) -> Iterator[events.Event]:
    """An agent's phone is up: of his own call, of one that he listens to, or that he has taken."""
    ready = center.contacts.get(command.contact_id)
    fresh = ready is not None and ready.stage == "ACCEPTED" and ready.agent_ready_at is None
    if ready is not None and fresh and ready.initiation_method == "OUTBOUND":
        yield from outbound.agent_ready(center, ready)
    elif ready is not None and fresh and ready.initiation_method == "MONITOR":
        yield from monitor.agent_ready(ready)
    else:
        yield from joining.connect_agent(center, command)


Decide = Callable[[Center, Any, Seed], Iterator[events.Event]]


def _by_channel(of_chat: Decide, of_others: Decide) -> Decide:
    """What is decided otherwise of a chat than of other contacts."""

    def decision(center: Center, command: Any, seed: Seed) -> Iterator[events.Event]:  # noqa: ANN401  any command about a contact
        asked = center.contacts.get(command.contact_id)
        chats = asked is not None and asked.channel == "CHAT"
        return (of_chat if chats else of_others)(center, command, seed)

    return decision


DECIDE: Mapping[type[Struct], Decide] = {
    commands.CreateInstance: _create_instance,
    commands.UpdateInstance: _seedless(directory.update_instance),
    commands.DeleteInstance: _delete_instance,
    commands.CreateResource: directory.create,
    commands.UpdateResource: _seedless(directory.update),
    commands.TagResource: _seedless(directory.tag),
    commands.DeleteResource: _seedless(directory.delete),
    commands.StartOutboundContact: contact.start_outbound,
    commands.StartInboundContact: _seedless(contact.start_inbound),
    commands.StartTask: task.start,
    commands.TransferTask: task.transfer,
    commands.PauseTask: _seedless(task.pause),
    commands.ResumeTask: _seedless(task.resume),
    commands.FinishTask: _seedless(task.finish),
    commands.SetExpiry: _seedless(task.set_expiry),
    commands.StopContact: _seedless(contact.stop),
    commands.UpdateAttributes: _seedless(contact.amend),
    commands.TagContact: _seedless(contact.amend),
    commands.UpdateContact: _seedless(contact.amend),
    commands.UpdateRoutingData: _seedless(contact.update_routing_data),
    commands.AssignContact: _match(routing.assign),
    commands.UpdateSchedule: _seedless(contact.update_schedule),
    commands.ExpireRecords: _seedless(contact.expire_records),
    commands.ImportContacts: _seedless(importing.import_contacts),
    commands.ConnectSystem: _seedless(contact.connect),
    commands.LoseChannel: _seedless(_lose_channel),
    commands.ConnectAgent: _seedless(_connect_agent),
    commands.LoseAgent: _by_channel(
        _seedless(chat_contacts.lose_agent), _seedless(call.lose_agent)
    ),
    commands.Hear: answers.hear,
    commands.Advance: answers.advance,
    commands.SetAgentStatus: _seedless(agent.set_status),
    commands.TakeNextStatus: _seedless(agent.take_next_status),
    commands.AcceptContact: _seedless(joining.accept),
    commands.RejectContact: _seedless(connection.reject),
    commands.HoldContact: _seedless(controls.hold_customer),
    commands.ResumeContact: _seedless(controls.resume_customer),
    commands.LeaveContact: _seedless(outbound.leave),
    commands.DialOut: outbound.dial,
    commands.AddParty: _by_channel(chat_contacts.add_agent, transfer.add),
    commands.HoldParty: _seedless(controls.hold),
    commands.ResumeParty: _seedless(controls.resume),
    commands.DropParty: _by_channel(_seedless(chat_contacts.drop_agent), _seedless(controls.drop)),
    commands.MuteParty: _seedless(controls.mute),
    commands.PressDigits: _seedless(controls.press),
    commands.SwapParties: _seedless(controls.swap),
    commands.JoinParties: _seedless(controls.join),
    commands.SettleCall: _seedless(call.settle),
    commands.GiveUp: _seedless(transfer.give_up),
    commands.MonitorContact: _by_channel(chat_contacts.watch, monitor.begin),
    commands.SetMonitorState: _by_channel(
        _seedless(chat_contacts.set_watch), _seedless(monitor.set_state)
    ),
    commands.ChangeRecording: _seedless(recordings.change),
    commands.BeginRecording: _seedless(recordings.begin),
    commands.KeepRecording: _seedless(recordings.keep),
    commands.LoseRecording: _seedless(recordings.lose),
    commands.DropRecording: _seedless(recordings.drop),
    commands.MeasureSound: _seedless(recordings.measure),
    commands.AgentVanished: _seedless(agent.vanish),
    commands.AgentReturned: _seedless(agent.return_),
    commands.ClearContact: _seedless(connection.clear),
    commands.CleanUp: _seedless(clean_up.begin),
    commands.CompleteContact: _seedless(clean_up.complete),
    commands.MatchContact: _match(routing.match_contact),
    commands.MatchAgent: _match(routing.match_agent),
    commands.MatchCallbacks: _seedless(callback.dial_waiting),
    commands.StartChat: chat.start,
    commands.AddParticipant: chat.add_participant,
    commands.ConnectParticipant: _seedless(chat.connect),
    commands.SendChatItem: chat.send,
    commands.MarkReceipt: _seedless(chat.mark),
    commands.LeaveChat: _seedless(chat.leave),
    commands.SetChatTimers: _seedless(chat.set_timers),
    commands.ContinueChat: _seedless(chat.continue_),
    commands.StartChatStream: chat_streams.start,
    commands.StopChatStream: _seedless(chat_streams.stop),
    commands.TransferChat: chat_contacts.transfer_out,
    commands.SettleChat: _seedless(chat_contacts.settle),
    commands.Expire: _expire,
}


def decide(center: Center, command: commands.Command, seed: Seed) -> tuple[events.Event, ...]:
    """What happens now that this is wanted; raises Refusal and changes nothing."""
    instance = center.instance
    begins = instance is None and isinstance(command, commands.CreateInstance)
    if not begins and (instance is None or instance.deleted):
        raise not_found("InstanceId", instance and instance.id, "instance")
    return tuple(DECIDE[type(command)](center, command, seed))
