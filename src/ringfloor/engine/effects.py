"""Effects: what the world must now do, as a fold over events.

effects(center, event) is asked right after the event was applied; what it says is sent to the ports
once the event is durable. After a restart outstanding(center) says it again for everything that is
still going on, and channels(center) which legs the center holds. All ids are derived from the
contact, so a port that hears something twice can tell.

    customer's leg   {contact id}             playback, gathering   {contact id}/{number of the ask}
    agent's leg      {contact id}/agent       bridge                {contact id}/bridge
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.limits import DIAL_MS
from ringfloor.base.time import Duration
from ringfloor.domain import dialogue, events
from ringfloor.domain.call import agent_leg, customer_leg
from ringfloor.domain.contact import Contact, Side
from ringfloor.engine import call as calls
from ringfloor.engine import check_answers, legs, outbound
from ringfloor.engine.state import Center
from ringfloor.engine.view import last_segment, view
from ringfloor.flow.interpreter import lambda_event
from ringfloor.telephony import commands as telephony
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import Media


class InvokeFunction(Struct, frozen=True, kw_only=True):
    """Call a function with an event; the reply is the answer to that ask of the contact."""

    contact_id: str
    ask: int
    function_arn: str
    event: dict[str, Any]
    """The request of behaviour specification, section 6.5."""
    timeout_ms: Duration
    asynchronous: bool


class AskBot(Struct, frozen=True, kw_only=True):
    """Tell a bot what the customer has said; its reply is the answer to that ask of the contact."""

    contact_id: str
    ask: int
    bot: str
    """Its alias ARN, or its name."""
    event: dict[str, Any]
    """The request, in the form of Lex V2's RecognizeText."""
    timeout_ms: Duration


class EstimateWait(Struct, frozen=True, kw_only=True):
    """Add to metrics what waits are estimated; the answer to that ask of the contact.

    The wait of a newcomer to the queue (or agent's queue) if one channel is named, and that of the
    contact if it has a place in line.
    """

    contact_id: str
    ask: int
    queue_id: str
    channel: str | None
    metrics: check_answers.Metrics | None
    """What is counted now; None: the queue is gone."""


SEALED = "/sealed"
"""What the id of a gathering ends with whose keys must not be heard as they are."""


class GatherSealed(Struct, frozen=True):
    """Gather keys that are encrypted before anybody here sees them.

    gather: its id ends with SEALED. trusted: the instance's security keys, PEM; one of them has
    signed the certificate.
    """

    gather: telephony.Gather
    encryption: dialogue.Encryption
    trusted: tuple[str, ...] = ()


Effect = telephony.Command | InvokeFunction | AskBot | EstimateWait | GatherSealed


def ask_id(contact_id: str, ask: int) -> str:
    """Playback or gather id of an ask."""
    return f"{contact_id}/{ask}"


def effects(center: Center, event: events.Event) -> Iterable[Effect]:
    """What the world must do because of this event, which has just been applied."""
    found = EFFECTS.get(type(event))
    return found(center, event) if found else ()


def _initiated(center: Center, event: events.ContactInitiated) -> Iterator[Effect]:
    contact = event.contact
    if contact.stage == "DIALING":
        yield from _dial(contact, event.dial_ms)
    elif contact.stage == "ACCEPTED" and contact.channel == "VOICE":
        yield legs.ring(center, contact, DIAL_MS)
    elif contact.initiation_method == "INBOUND" and contact.channel == "VOICE":
        yield telephony.Answer(contact.id)


def _dial(contact: Contact, dial_ms: Duration) -> Iterator[Effect]:
    """The customer's phone rings, and who waits for him hears what the network says of it."""
    assert contact.customer_number is not None
    yield telephony.Originate(
        contact.customer_leg or contact.id,
        contact.customer_number,
        legs.shown(contact.system_number),
        dial_ms,
    )
    yield from legs.listening(contact)


def _offered(center: Center, event: events.ContactOffered) -> Iterator[Effect]:
    if event.desk_phone is not None:
        contact = center.contacts[event.contact_id]
        yield legs.ring(center, contact, event.until - center.at)


def _missed(_center: Center, event: events.OfferMissed) -> Iterator[Effect]:
    if event.leg is not None:
        yield telephony.HangUp(event.leg)


def _stepped(center: Center, event: events.FlowStepped) -> Iterator[Effect]:
    contact = center.contacts[event.contact_id]
    if event.heard == MESSAGES_INTERRUPTED and contact.channel == "VOICE":
        yield telephony.StopMusic(_leg(contact, event.side))
    if _is_too_early(contact, event.side, event.ask):
        return
    if event.outcome is None or isinstance(event.ask, dialogue.Invoke):
        yield from _asked(center, contact, event.side, event.ask, contact.asks)


def _is_too_early(contact: Contact, side: Side, ask: dialogue.Ask) -> bool:
    """Whether nobody is there yet to hear it: the callee has not answered."""
    for_nobody = isinstance(ask, dialogue.Invoke | dialogue.InvokeBot | dialogue.GetMetrics)
    return side == "customer" and outbound.is_new(contact) and not for_nobody


MESSAGES_INTERRUPTED = dialogue.Result("MessagesInterrupted")


def _leg(contact: Contact, side: Side) -> str:
    """Who hears the flow of this side."""
    return customer_leg(contact) if side == "customer" else agent_leg(contact)


def _finished(center: Center, event: events.FlowFinished) -> Iterator[Effect]:
    """What the flow still said, or listened for, is over."""
    contact = center.contacts[event.contact_id]
    if contact.channel == "VOICE":
        name = ask_id(contact.id, event.number)
        match event.ask:
            case dialogue.Play():
                yield telephony.StopPlayback(name)
            case dialogue.Gather(encryption=encryption):
                yield telephony.StopGather(name if encryption is None else name + SEALED)
            case dialogue.PlayLoop():
                yield telephony.StopMusic(_leg(contact, event.side))
            case _:
                pass


def _asked(
    center: Center, contact: Contact, side: Side, ask: dialogue.Ask, number: int
) -> Iterator[Effect]:
    name = ask_id(contact.id, number)
    voice = contact.channel == "VOICE"
    match ask:
        case dialogue.Play(prompt=prompt) if voice:
            yield telephony.Play(name, _leg(contact, side), (_media(center, contact, prompt),))
        case dialogue.PlayLoop(prompts=prompts) if voice:
            media = tuple(_media(center, contact, prompt) for prompt in prompts)
            yield telephony.StartMusic(_leg(contact, side), media)
        case dialogue.Gather(prompt=prompt, encryption=encryption):
            gather = telephony.Gather(
                name if encryption is None else name + SEALED,
                _leg(contact, side),
                (_media(center, contact, prompt),) if prompt else (),
                ask.max_digits,
                ask.first_digit_ms,
                ask.inter_digit_ms,
                ask.terminators,
                ask.cancel_key,
            )
            if encryption is None:
                yield gather
            else:
                keys = center.resources["security_key"].values()
                trusted = tuple(each.properties["Key"] for each in keys)
                yield GatherSealed(gather, encryption, trusted)
        case dialogue.Invoke():
            yield InvokeFunction(
                contact_id=contact.id,
                ask=number,
                function_arn=ask.function_arn,
                event=lambda_event(view(center, contact), ask.parameters),
                timeout_ms=ask.timeout_ms,
                asynchronous=ask.asynchronous,
            )
        case dialogue.InvokeBot():
            yield AskBot(
                contact_id=contact.id,
                ask=number,
                bot=ask.bot,
                event=ask.event,
                timeout_ms=ask.timeout_ms,
            )
        case dialogue.GetMetrics():
            yield EstimateWait(
                contact_id=contact.id,
                ask=number,
                queue_id=check_answers.asked_queue(center, contact, ask) or "",
                channel=ask.channel,
                metrics=check_answers.metrics(center, contact, ask),
            )
        case _:
            pass


def _media(center: Center, contact: Contact, prompt: dialogue.Prompt) -> Media:
    if prompt.kind != "prompt_id":
        said = contact.voice
        voice = None if said is None else telephony.Voice(said.name, said.engine, said.style)
        return Media(prompt.kind, prompt.value, voice)
    known = center.resources["prompt"].get(last_segment(prompt.value))
    if known is None:
        return Media("prompt", prompt.value)
    return Media("prompt", known.name, sound=known.properties.get(SOUND))


SOUND = "Sound"
"""Property of a prompt: the digest of its recording, if it has one (node.sounds)."""


def _accepted(center: Center, event: events.ContactAccepted) -> Iterator[Effect]:
    contact = center.contacts[event.contact_id]
    if contact.channel == "VOICE" and contact.desk_phone is None:
        yield legs.ring(center, contact, DIAL_MS)


def _agent_leg_lost(_center: Center, event: events.AgentLegLost) -> Iterator[Effect]:
    yield telephony.HangUp(event.leg)


def _connected(center: Center, event: events.ContactConnectedToAgent) -> Iterator[Effect]:
    contact = center.contacts[event.contact_id]
    if contact.channel == "VOICE":
        yield from legs.gathered(center.calls[contact.call_id or ""])


def _ended(center: Center, event: events.ContactEnded) -> Iterator[Effect]:
    contact = center.contacts[event.contact_id]
    if contact.channel == "VOICE":
        yield from legs.ended(center, contact)


def _customer_dialled(center: Center, event: events.CustomerDialled) -> Iterator[Effect]:
    yield from _dial(center.contacts[event.contact_id], event.until - center.at)


def _callback_unanswered(center: Center, event: events.CallbackUnanswered) -> Iterator[Effect]:
    contact = center.contacts[event.contact_id]
    yield telephony.HangUp(customer_leg(contact))
    before = replace(contact, agent_legs=contact.agent_legs - 1)  # the next agent has another leg
    yield telephony.HangUp(agent_leg(before))
    yield telephony.DestroyBridge(legs.bridge(contact.id))


def _passed(center: Center, event: events.CustomerPassed) -> Iterator[Effect]:
    """The customer talks on, or hears what the flow last asked of the agent who has left."""
    yield from legs.passed(center, event)
    contact = center.contacts[event.next_contact_id]
    run = contact.runs.get("customer")
    if contact.call_id is None and run is not None and run.ask is not None:
        yield from _asked(center, contact, "customer", run.ask, run.number)


def _answered(center: Center, event: events.ContactConnectedToSystem) -> Iterator[Effect]:
    """What the outbound whisper has to say waits for the callee, who hears it alone."""
    contact = center.contacts[event.contact_id]
    yield from legs.alone(contact)
    run = contact.runs.get("customer")
    if run is not None and run.ask is not None:
        yield from _asked(center, contact, "customer", run.ask, run.number)


EFFECTS: Mapping[type[Struct], Callable[[Center, Any], Iterator[Effect]]] = {
    events.ContactInitiated: _initiated,
    events.FlowStepped: _stepped,
    events.FlowFinished: _finished,
    events.ContactOffered: _offered,
    events.OfferMissed: _missed,
    events.ContactAccepted: _accepted,
    events.AgentLegLost: _agent_leg_lost,
    events.ContactConnectedToAgent: _connected,
    events.ContactHeld: legs.of_customer,
    events.ContactResumed: legs.of_customer,
    events.CustomerDialled: _customer_dialled,
    events.CallbackUnanswered: _callback_unanswered,
    events.ContactEnded: _ended,
    events.ContactConnectedToSystem: _answered,
    events.PartyAdded: legs.added,
    events.PartyJoined: legs.of_party,
    events.PartyHeld: legs.of_party,
    events.PartyResumed: legs.of_party,
    events.PartyMuted: legs.muted,
    events.PartyLeft: legs.left,
    events.DigitsPressed: legs.pressed,
    events.CustomerPassed: _passed,
    events.MonitorStateChanged: legs.of_supervisor,
    events.RecordingChanged: legs.recorded,
}
"""What has no row asks nothing of the world."""


# After a restart


def channels(center: Center) -> Iterator[Channel]:
    """The legs that the center holds."""
    for contact in center.contacts.values():
        if contact.channel == "VOICE" and contact.stage not in ("ENDED", "SCHEDULED"):
            yield from legs.channels(center, contact)


def outstanding(center: Center) -> Iterator[Effect]:
    """What the world must be doing now for all that is going on."""
    for contact in list(center.contacts.values()):
        if contact.channel == "VOICE":
            yield from _ringing(center, contact)
        for side, run in contact.runs.items():
            if run.ask is not None and not _is_too_early(contact, side, run.ask):
                yield from _asked(center, contact, side, run.ask, run.number)
        yield from legs.standing(center, contact)


def _ringing(center: Center, contact: Contact) -> Iterator[Effect]:
    """Who is to answer, or to be answered, where the world may not know it yet."""
    there = contact.stage != "ENDED" and not calls.customer_left(center, contact)
    if contact.initiation_method == "INBOUND" and there:
        yield telephony.Answer(contact.id)
    left = max((contact.deadline_at or 0) - center.at, 1)
    if contact.stage == "DIALING":
        yield from _dial(contact, left)
    elif contact.stage == "OFFERED" and contact.desk_phone is not None:
        yield legs.ring(center, contact, left)
    elif contact.stage == "ACCEPTED" and contact.agent_ready_at is None:
        yield legs.ring(center, contact, DIAL_MS)
