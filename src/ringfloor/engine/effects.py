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

from ringfloor.base.limits import DIAL_MS
from ringfloor.base.time import Duration
from ringfloor.domain import dialogue, events
from ringfloor.domain.contact import Contact
from ringfloor.engine.contact import last_segment, view
from ringfloor.engine.state import Center
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


Effect = telephony.Command | InvokeFunction

QUEUE_MUSIC = Media("prompt", "CustomerQueue.wav")
HOLD_MUSIC = Media("prompt", "CustomerHold.wav")


def agent_leg(contact_id: str) -> str:
    """Channel id of the agent's leg."""
    return f"{contact_id}/agent"


def bridge(contact_id: str) -> str:
    """Bridge id of the conversation."""
    return f"{contact_id}/bridge"


def ask_id(contact_id: str, ask: int) -> str:
    """Playback or gather id of an ask."""
    return f"{contact_id}/{ask}"


def effects(center: Center, event: events.Event) -> Iterable[Effect]:
    """What the world must do because of this event, which has just been applied."""
    found = EFFECTS.get(type(event))
    return found(center, event) if found else ()


def _initiated(_center: Center, event: events.ContactInitiated) -> Iterator[Effect]:
    contact = event.contact
    if contact.stage == "DIALING":
        yield _dial(contact, event.dial_ms)
    elif contact.stage == "IN_FLOW" and contact.channel == "VOICE":
        yield telephony.Answer(contact.id)


def _dial(contact: Contact, dial_ms: Duration) -> Effect:
    assert contact.customer_number is not None
    return telephony.Originate(
        contact.id, contact.customer_number, contact.system_number or "", dial_ms
    )


def _stepped(center: Center, event: events.FlowStepped) -> Iterator[Effect]:
    if event.outcome is None or isinstance(event.ask, dialogue.Invoke):
        contact = center.contacts[event.contact_id]
        yield from _asked(center, contact, event.ask)


def _asked(center: Center, contact: Contact, ask: dialogue.Ask) -> Iterator[Effect]:
    name = ask_id(contact.id, contact.asks)
    match ask:
        case dialogue.Play(prompt=prompt):
            yield telephony.Play(name, contact.id, (_media(center, prompt),))
        case dialogue.Gather(prompt=prompt):
            yield telephony.Gather(
                name,
                contact.id,
                (_media(center, prompt),) if prompt else (),
                ask.max_digits,
                ask.first_digit_ms,
                ask.inter_digit_ms,
                ask.terminators,
                ask.cancel_key,
            )
        case dialogue.Invoke():
            yield InvokeFunction(
                contact_id=contact.id,
                ask=contact.asks,
                function_arn=ask.function_arn,
                event=lambda_event(view(center, contact), ask.parameters),
                timeout_ms=ask.timeout_ms,
                asynchronous=ask.asynchronous,
            )
        case _:
            pass


def _media(center: Center, prompt: dialogue.Prompt) -> Media:
    if prompt.kind != "prompt_id":
        return Media(prompt.kind, prompt.value)
    known = center.resources["prompt"].get(last_segment(prompt.value))
    return Media("prompt", known.name if known else prompt.value)


def _enqueued(center: Center, event: events.ContactEnqueued) -> Iterator[Effect]:
    if center.contacts[event.contact_id].channel == "VOICE":
        yield telephony.StartMusic(event.contact_id, (QUEUE_MUSIC,))


def _connected(center: Center, event: events.ContactConnectedToAgent) -> Iterator[Effect]:
    contact = center.contacts[event.contact_id]
    if contact.channel == "VOICE":
        yield telephony.StopMusic(contact.id)
        yield telephony.Originate(
            agent_leg(contact.id),
            telephony.agent_address(event.agent_id),
            contact.customer_number or "",
            DIAL_MS,
        )
        yield telephony.CreateBridge(bridge(contact.id))
        yield telephony.AddToBridge(bridge(contact.id), contact.id)
        yield telephony.AddToBridge(bridge(contact.id), agent_leg(contact.id))


def _held(center: Center, event: events.ContactHeld) -> Iterator[Effect]:
    if center.contacts[event.contact_id].channel == "VOICE":
        yield telephony.RemoveFromBridge(bridge(event.contact_id), event.contact_id)
        yield telephony.StartMusic(event.contact_id, (HOLD_MUSIC,))


def _resumed(center: Center, event: events.ContactResumed) -> Iterator[Effect]:
    if center.contacts[event.contact_id].channel == "VOICE":
        yield telephony.StopMusic(event.contact_id)
        yield telephony.AddToBridge(bridge(event.contact_id), event.contact_id)


def _ended(center: Center, event: events.ContactEnded) -> Iterator[Effect]:
    contact = center.contacts[event.contact_id]
    if contact.channel == "VOICE":
        yield telephony.HangUp(contact.id)
        if contact.connected_to_agent_at is not None:
            yield telephony.HangUp(agent_leg(contact.id))
            yield telephony.DestroyBridge(bridge(contact.id))


EFFECTS: Mapping[type[Struct], Callable[[Center, Any], Iterator[Effect]]] = {
    events.ContactInitiated: _initiated,
    events.FlowStepped: _stepped,
    events.ContactEnqueued: _enqueued,
    events.ContactConnectedToAgent: _connected,
    events.ContactHeld: _held,
    events.ContactResumed: _resumed,
    events.ContactEnded: _ended,
}
"""What has no row asks nothing of the world."""


# After a restart


def channels(center: Center) -> Iterator[Channel]:
    """The legs that the center holds."""
    for contact in center.contacts.values():
        if contact.channel != "VOICE" or contact.stage in ("ENDED", "SCHEDULED"):
            continue
        talking = contact.stage == "CONNECTED"
        yield Channel(
            channel_id=contact.id,
            direction="inbound" if contact.initiation_method == "INBOUND" else "outbound",
            address=contact.customer_number or "",
            state="ringing" if contact.stage == "DIALING" else "up",
            bridge_id=bridge(contact.id) if talking and contact.held_at is None else None,
        )
        if talking:
            yield Channel(
                channel_id=agent_leg(contact.id),
                direction="outbound",
                address=telephony.agent_address(contact.agent_id or ""),
                state="up",
                bridge_id=bridge(contact.id),
            )


def outstanding(center: Center) -> Iterator[Effect]:
    """What the world must be doing now for all that is going on."""
    for contact in list(center.contacts.values()):
        if contact.channel != "VOICE":
            continue
        match contact.stage:
            case "DIALING":
                assert contact.deadline_at is not None
                yield _dial(contact, max(contact.deadline_at - center.at, 1))
            case "IN_FLOW":
                if contact.ask is not None:
                    yield from _asked(center, contact, contact.ask)
            case "IN_QUEUE" | "OFFERED":
                yield telephony.StartMusic(contact.id, (QUEUE_MUSIC,))
            case "CONNECTED":
                if contact.held_at is not None:
                    yield telephony.StartMusic(contact.id, (HOLD_MUSIC,))
            case _:
                pass
