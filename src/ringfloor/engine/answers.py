"""Answers: what the center says to the asks of a flow.

A flow advances one ask at a time. What the center can answer itself (attributes, target queue,
another flow) it answers at once: FlowStepped carries the outcome and Advance goes on. An ask of the
world (play, gather, invoke) waits for Hear with its number. ANSWERS is the table: what an ask makes
happen, and what the flow hears of it. Sources: behaviour specification, sections 6.2 and 6.4.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import (
    FLOW_ACTIONS_PER_TURN_MAX,
    FLOW_MODULES_DEEP_MAX,
    FLOW_TRANSFERS_MAX,
)
from ringfloor.base.time import Duration, Instant
from ringfloor.domain import dialogue
from ringfloor.domain.commands import Advance, Hear
from ringfloor.domain.contact import Before, Contact, HandedOn, Side
from ringfloor.domain.criteria import steps_of
from ringfloor.domain.events import (
    CallbackNumberSet,
    ContactEnqueued,
    ContactInitiated,
    ContactSucceeded,
    Event,
    FlowEntered,
    FlowFinished,
    FlowStepped,
    ModuleEntered,
    ModuleLeft,
    RoutingDataUpdated,
)
from ringfloor.engine import (
    callback,
    chat,
    check_answers,
    clean_up,
    connection,
    contact_answers,
    flows,
    joining,
    outbound,
    queue,
    routing,
    task,
    transfer,
)
from ringfloor.engine.reply import FAILED, NO_MATCHING_ERROR, Reply, Stand
from ringfloor.engine.state import Center
from ringfloor.engine.view import Seen, last_segment
from ringfloor.flow import interpreter


def hear(center: Center, command: Hear, seed: Seed) -> Iterator[Event]:
    """The world has answered an ask; an answer to another ask is stale."""
    contact = center.contacts.get(command.contact_id)
    for side, run in contact.runs.items() if contact is not None else ():
        if run.ask is not None and run.number == command.ask:
            yield from advance(center, Advance(command.contact_id, side, command.heard), seed)
            return


def advance(center: Center, command: Advance, seed: Seed) -> Iterator[Event]:
    """One step of the flow that a side is in, to its next ask."""
    contact = center.contacts.get(command.contact_id)
    run = None if contact is None else contact.runs.get(command.side)
    if contact is None or run is None:
        return
    flow = flows.running(center, run)
    step = interpreter.step(flow, run.session, command.heard, Seen(center, contact, run.flow_type))
    ask = step.ask
    circles = isinstance(ask, dialogue.GetMetrics) and run.estimates >= FLOW_ACTIONS_PER_TURN_MAX
    if circles or command.actions >= FLOW_ACTIONS_PER_TURN_MAX:
        ask = dialogue.End("too_many_actions")
    stand = Stand(center, contact, command.side, run, seed)
    reply = _answer(run.flow_type, type(ask))(stand, ask)
    session, as_before = dialogue.changed(step.session, run.session)
    said = command.side, command.heard, step.path, step.action_type
    yield FlowStepped(contact.id, session, ask, reply.heard, *said, as_before)
    yield from reply.events


WAITS: Mapping[str, Side] = {name: side for side, name in flows.ASK.items()}
"""Timer to the side whose flow it is that waits."""


def time_is_up(center: Center, contact: Contact, name: str, seed: Seed) -> Iterator[Event]:
    """A flow has waited long enough."""
    side = WAITS[name]
    kind: type[Any] = type(contact.runs[side].ask)
    yield from advance(center, Advance(contact.id, side, TOO_LATE[kind]), seed)


TOO_LATE: Mapping[type[Struct], dialogue.Heard] = {
    dialogue.PlayLoop: dialogue.Result("MessagesInterrupted"),
    dialogue.Wait: dialogue.Result("WaitCompleted"),
    dialogue.Receive: dialogue.Failed("InputTimeLimitExceeded"),
    dialogue.ShowView: dialogue.Failed("TimeLimitExceeded"),
}
"""What a flow hears when what it waits for has taken its time."""


def _limit_ms(ask: dialogue.Ask) -> Duration | None:
    """How long the flow waits for that at most, if it is us who measure."""
    match ask:
        case dialogue.PlayLoop(interrupt_ms=limit):
            return limit
        case dialogue.Wait(limit_ms=limit):
            return limit
        case dialogue.Receive(timeout_ms=limit) | dialogue.ShowView(timeout_ms=limit):
            return limit
        case _:
            return None


def _refused(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    return FAILED


def _world(stand: Stand, _ask: dialogue.Ask) -> Reply:
    """The world answers; what an outbound whisper says has the callee dialled first."""
    if stand.side == "customer" and outbound.is_new(stand.contact):
        return Reply(None, (outbound.dialling(stand.center, stand.contact),))
    return Reply(None)


def _play(stand: Stand, ask: dialogue.Play) -> Reply:
    """Into a chat, as a message; what only one side should hear of it, and a task, is not said."""
    if stand.contact.channel == "VOICE":
        return _world(stand, ask)
    if stand.side == "agent" or stand.contact.chat_id is None:
        return Reply(dialogue.Done())
    events = chat.said(stand.center, stand.contact, ask.prompt)
    return FAILED if events is None else Reply(dialogue.Done(), events)


def _receive(stand: Stand, ask: dialogue.Receive) -> Reply:
    said = () if ask.prompt is None else chat.said(stand.center, stand.contact, ask.prompt)
    if said is None or stand.side == "agent" or stand.contact.chat_id is None:
        return FAILED
    return Reply(None, said)


def _show_view(stand: Stand, ask: dialogue.ShowView) -> Reply:
    contact = stand.contact
    if stand.side == "agent":
        return FAILED
    events = chat.shown(stand.center, contact, ask, contact.asks + 1)
    return FAILED if events is None else Reply(None, events)


def _done(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    return Reply(dialogue.Done())


def _invoke(_stand: Stand, ask: dialogue.Invoke) -> Reply:
    return Reply(dialogue.Done() if ask.asynchronous else None)


def _world_only(_stand: Stand, _ask: dialogue.Ask) -> Reply:
    """The world answers, and the customer need not be there."""
    return Reply(None)


def _wait(stand: Stand, ask: dialogue.Wait) -> Reply:
    """Time passes, or an event comes first; a bot that is not there cannot leave."""
    bot = "BotParticipantDisconnected" in ask.events
    if bot and not chat.has_bot(stand.center, stand.contact):
        return Reply(dialogue.Failed("ParticipantNotFound"))
    return Reply(None)


LEADS_ON = frozenset({"CONTACT_FLOW", "AGENT_TRANSFER", "QUEUE_TRANSFER", flows.CLEANS_UP})
"""As what a flow runs that may go over into another flow."""


def _enter_flow(stand: Stand, ask: dialogue.EnterFlow) -> Reply:
    """On to another flow, as it is published now; not for ever."""
    entered = flows.entered_by(stand.center, "contact_flow", ask.flow_id)
    run = stand.run
    if entered is None or run.flow_type not in LEADS_ON or run.hops >= FLOW_TRANSFERS_MAX:
        return FAILED
    return Reply(None, (FlowEntered(stand.contact.id, entered, stand.side, run.flow_type),))


def _enter_module(stand: Stand, ask: dialogue.EnterModule) -> Reply:
    entered = flows.entered_by(stand.center, "contact_flow_module", ask.module_id)
    if entered is None or len(stand.run.callers) >= FLOW_MODULES_DEEP_MAX:
        return FAILED
    return Reply(None, (ModuleEntered(stand.contact.id, entered, ask.input, stand.side),))


def _disconnect(stand: Stand, _ask: dialogue.Disconnect) -> Reply:
    """Whatever the flow is, the contact ends; if it has, that was the last of it."""
    if stand.run.flow_type == flows.CLEANS_UP:
        return Reply(None, (FlowFinished(stand.contact.id, stand.side), *clean_up.over(stand)))
    return Reply(None, tuple(connection.ending(stand.contact, "CONTACT_FLOW_DISCONNECT")))


def _over(stand: Stand, ask: dialogue.End | dialogue.LeaveModule) -> Reply:
    """Back to the caller where a module is over or has nowhere to go; else the flow is over."""
    contact, side = stand.contact, stand.side
    if stand.run.callers and isinstance(ask, dialogue.LeaveModule):
        plain = ask.result is None and not ask.output
        left = dialogue.Done() if plain else dialogue.Left(ask.result, ask.output)
        return Reply(None, (ModuleLeft(contact.id, left, side),))
    if stand.run.callers and ask == dialogue.End("dead_end"):
        return Reply(None, (ModuleLeft(contact.id, NO_MATCHING_ERROR, side),))
    after = AFTER.get(stand.run.flow_type)
    if after is None:
        return _disconnect(stand, dialogue.Disconnect())
    return Reply(None, (FlowFinished(contact.id, side), *after(stand)))


def _stays(_stand: Stand) -> Iterator[Event]:
    """He stays where he is, in silence."""
    yield from ()


def _agent_has_heard(stand: Stand) -> Iterator[Event]:
    yield from joining.agent_prepared(stand.center, stand.contact)


def _customer_has_heard(stand: Stand) -> Iterator[Event]:
    """The two are joined; a customer who has not been dialled yet is dialled now."""
    if outbound.is_new(stand.contact):
        yield outbound.dialling(stand.center, stand.contact)
    else:
        yield joining.joined(stand.contact)


AFTER: Mapping[str, Callable[[Stand], Iterator[Event]]] = {
    "CUSTOMER_QUEUE": _stays,
    "CUSTOMER_HOLD": _stays,
    "AGENT_HOLD": _stays,
    "PAUSE": _stays,
    "RESUME": _stays,
    "AGENT_WHISPER": _agent_has_heard,
    "CUSTOMER_WHISPER": _customer_has_heard,
    "OUTBOUND_WHISPER": _customer_has_heard,
    flows.CLEANS_UP: clean_up.over,
}
"""What comes after a flow, by what it ran as; with any other the contact ends."""


def _set_routing(stand: Stand, ask: dialogue.SetRouting) -> Reply:
    contact = stand.contact
    if contact.stage in ("CONNECTED", "ENDED"):
        return Reply(dialogue.Done())
    ranked = RoutingDataUpdated(contact.id, ask.priority, ask.age_adjustment_ms)
    return Reply(dialogue.Done(), (ranked,))


def _set_routing_criteria(stand: Stand, ask: dialogue.SetRoutingCriteria) -> Reply:
    try:
        contact = routing.waiting(stand.center, stand.contact.id)
        steps = steps_of(ask.criteria)
        return Reply(dialogue.Done(), (routing.criteria_set(stand.center, contact, steps),))
    except Refusal:
        return FAILED


def _transfer_to_queue(stand: Stand, _ask: dialogue.Ask) -> Reply:
    """The wait begins, in the customer queue flow."""
    center, contact = stand.center, stand.contact
    quick = contact.initiation_method == "TRANSFER"
    error = _refused_by_queue(center, contact.queue_id, transferred=quick)
    if contact.stage != "IN_FLOW" or error is not None:
        return Reply(error or NO_MATCHING_ERROR)
    assert contact.queue_id is not None
    enqueued = ContactEnqueued(contact.id, contact.queue_id, contact.channel)
    return Reply(None, (enqueued, *_waits(center, contact)))


def _waits(center: Center, contact: Contact) -> Iterator[Event]:
    return flows.hook_events(center, contact, "customer", "CUSTOMER_QUEUE")


def _refused_by_queue(
    center: Center, target: str | None, *, transferred: bool
) -> dialogue.Failed | None:
    """Why the queue does not take another contact; None: it does.

    transferred: it comes from another queue, or through a quick connect, and may overshoot.
    """
    if target is None or queue.is_closed(center, target):
        return NO_MATCHING_ERROR
    full = queue.is_full(center, target, overshoot=transferred)
    return dialogue.Failed("QueueAtCapacity") if full else None


def _dequeue_and_transfer(stand: Stand, ask: dialogue.DequeueAndTransfer) -> Reply:
    """The contact ends, its successor waits in the other queue; not while an agent rings."""
    center, contact = stand.center, stand.contact
    target = last_segment(ask.queue_id or ask.agent_id or "") or contact.queue_id
    error = _refused_by_queue(center, target, transferred=True)
    if contact.stage != "IN_QUEUE" or error is not None:
        return Reply(error or NO_MATCHING_ERROR)
    assert target is not None
    moved = connection.successor(
        center,
        contact,
        id=derive(stand.seed, center.turn + 1),
        method="QUEUE_TRANSFER",
        stage="IN_FLOW",
        queue_id=target,
        connected_to_system_at=center.at,
    )
    return Reply(
        None,
        (
            ContactInitiated(moved),
            ContactSucceeded(contact.id, moved.id),
            *connection.ending(contact, "CONTACT_FLOW_DISCONNECT"),
            *transfer.goes_on(center, contact, moved),
            ContactEnqueued(moved.id, target, moved.channel),
            *_waits(center, moved),
        ),
    )


def _transfer_to_agent(stand: Stand, ask: dialogue.TransferToAgent) -> Reply:
    """A call rings at once or is over; a chat or task goes into the agent's own queue.

    Whoever waits while it rings hears the customer queue flow, as in any queue.
    """
    if stand.contact.channel == "VOICE":
        told = transfer.to_agent(stand.center, stand.contact)
        rings = isinstance(told[0], ContactEnqueued)
        waits = _waits(stand.center, stand.contact) if rings else ()
        return Reply(None, (*told, *waits))
    if stand.contact.queue_id not in stand.center.agents:
        return FAILED
    return _transfer_to_queue(stand, ask)


def _transfer_to_number(stand: Stand, ask: dialogue.TransferToNumber) -> Reply:
    events = transfer.to_number(stand.center, stand.contact, ask, stand.seed)
    return FAILED if events is None else Reply(None, events)


def _set_previous_participant(stand: Stand, ask: dialogue.SetPreviousParticipant) -> Reply:
    events = transfer.set_previous(stand.center, stand.contact, ask)
    return FAILED if events is None else Reply(dialogue.Done(), events)


def _complete_call(stand: Stand, ask: dialogue.CompleteCall) -> Reply:
    center, contact = stand.center, stand.contact
    if not outbound.is_new(contact):
        return Reply(dialogue.Done())
    return Reply(None, (outbound.dialling(center, contact, ask.caller_id),))


def _create_task(stand: Stand, ask: dialogue.CreateTask) -> Reply:
    return _made(task.created(stand.center, stand.contact, ask, derive(stand.seed, 0)))


def _create_callback(stand: Stand, ask: dialogue.CreateCallback) -> Reply:
    ids = derive(stand.seed, 0), derive(stand.seed, 1)
    return _made(callback.created(stand.center, stand.contact, ask, *ids))


def _made(happens: Iterator[Event]) -> Reply:
    """Done, or the error branch where the center refuses it."""
    try:
        return Reply(dialogue.Done(), tuple(happens))
    except Refusal:
        return FAILED


def _set_callback_number(stand: Stand, ask: dialogue.SetCallbackNumber) -> Reply:
    error = callback.refused(stand.center, ask.number)
    if error is not None:
        return Reply(dialogue.Failed(error))
    return Reply(dialogue.Done(), (CallbackNumberSet(stand.contact.id, ask.number),))


def _set_paused(stand: Stand, ask: dialogue.SetPaused) -> Reply:
    contact = stand.contact
    if ask.paused and contact.channel == "TASK" and contact.stage in task.PAUSABLE:
        events = tuple(task.pausing(contact))
        own = any(isinstance(each, FlowFinished) for each in events)
        return Reply(None if own else dialogue.Done(), events)
    if not ask.paused and contact.stage == "PAUSED":
        return Reply(dialogue.Done(), (task.resuming(contact),))
    return FAILED


ANSWERS: Mapping[type[Struct], Callable[[Stand, Any], Reply]] = {
    dialogue.Play: _play,
    dialogue.Receive: _receive,
    dialogue.ShowView: _show_view,
    dialogue.PlayLoop: _world,
    dialogue.Gather: _world,
    dialogue.InvokeBot: _world_only,
    dialogue.Invoke: _invoke,
    dialogue.SetLogging: _done,
    dialogue.SetAttributes: contact_answers.set_attributes,
    dialogue.SetTargetQueue: contact_answers.set_target_queue,
    dialogue.SetHooks: contact_answers.set_hooks,
    dialogue.SetData: contact_answers.set_data,
    dialogue.SetTags: contact_answers.set_tags,
    dialogue.SetRecording: contact_answers.set_recording,
    dialogue.SetStreaming: contact_answers.set_streaming,
    dialogue.SetVoice: contact_answers.set_voice,
    dialogue.SetRouting: _set_routing,
    dialogue.SetRoutingCriteria: _set_routing_criteria,
    dialogue.TransferToQueue: _transfer_to_queue,
    dialogue.TransferToAgent: _transfer_to_agent,
    dialogue.TransferToNumber: _transfer_to_number,
    dialogue.SetPreviousParticipant: _set_previous_participant,
    dialogue.CompleteCall: _complete_call,
    dialogue.CreateTask: _create_task,
    dialogue.CreateCallback: _create_callback,
    dialogue.SetCallbackNumber: _set_callback_number,
    dialogue.SetPaused: _set_paused,
    dialogue.CheckCall: check_answers.check_call,
    dialogue.CheckHours: check_answers.check_hours,
    dialogue.CheckMetric: check_answers.check_metric,
    dialogue.GetMetrics: check_answers.get_metrics,
    dialogue.Draw: check_answers.draw,
    dialogue.Wait: _wait,
    dialogue.DequeueAndTransfer: _dequeue_and_transfer,
    dialogue.EnterFlow: _enter_flow,
    dialogue.EnterModule: _enter_module,
    dialogue.LeaveModule: _over,
    dialogue.Disconnect: _disconnect,
    dialogue.End: _over,
}
"""What has no row takes the error branch."""


def _answer(flow_type: str, kind: type[Struct]) -> Callable[[Stand, Any], Reply]:
    """What answers to an ask of this kind, in a flow that runs as this."""
    nobody = clean_up.FOR_NOBODY.get(kind) if flow_type == flows.CLEANS_UP else None
    return nobody or ANSWERS.get(kind, _refused)


# What the events do


def flow_entered(center: Center, event: FlowEntered, _at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    flows.enter(center, contact, event.side, event.flow_id, event.flow_type)


def module_entered(center: Center, event: ModuleEntered, _at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    flows.call(center, contact, event.side, event.module_id, event.input)


def module_left(center: Center, event: ModuleLeft, _at: Instant) -> None:
    flows.come_back(center, center.contacts[event.contact_id], event.side)


def flow_stepped(center: Center, event: FlowStepped, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    run = contact.runs[event.side]
    contact.asks += 1
    run.before = Before(run.session, run.ask is not None) if contact.logging else None
    run.session = dialogue.whole(event.session, run.session, event.as_before)
    run.number = contact.asks
    run.ask = event.ask if event.outcome is None else None
    if run.ask is not None:
        asks_for_waits = isinstance(run.ask, dialogue.GetMetrics)
        run.estimates = run.estimates + 1 if asks_for_waits else 0
    if isinstance(event.ask, dialogue.SetLogging) and event.outcome is not None:
        contact.logging = event.ask.enabled
    limit_ms = None if run.ask is None else _limit_ms(run.ask)
    flows.wait(center, contact, event.side, None if limit_ms is None else at + limit_ms)


def succeeded(center: Center, event: ContactSucceeded, at: Instant) -> None:
    contact = center.contacts.get(event.contact_id)
    if contact is not None:
        contact.next_contact_id = contact.next_contact_id or event.next_contact_id
        contact.next_contacts = [*contact.next_contacts, event.next_contact_id]
        following = center.contacts.get(event.next_contact_id)
        quick_connects = center.resources["quick_connect"]
        found = None if following is None else quick_connects.get(following.started_with or "")
        if following is not None and found is not None:
            kind = found.properties["QuickConnectConfig"]["QuickConnectType"]
            made = HandedOn(following.id, following.initiated_at, found.id, found.name, kind)
            contact.handed_on = [*contact.handed_on, made]
        contact.updated_at = at
        if _is_moved(center.contacts.get(event.next_contact_id)):
            contact.transfer_completed_at = at


def _is_moved(following: Contact | None) -> bool:
    """Whether a transfer is complete with its beginning; that of a call is when its agent leaves.

    Source: metrics specification, section 0.3.
    """
    if following is None or following.joins:
        return False
    method = following.initiation_method
    return method == "QUEUE_TRANSFER" or (method == "TRANSFER" and following.channel != "VOICE")


def flow_finished(center: Center, event: FlowFinished, _at: Instant) -> None:
    flows.leave(center, center.contacts[event.contact_id], event.side)
