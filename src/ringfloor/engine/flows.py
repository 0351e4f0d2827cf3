"""Flows: which edition of a flow a contact runs.

A contact finishes on the content that its flow had when the contact entered it; an outbound contact
is bound when it is dialled. Each side of a contact is in one flow at most. Whoever comes later gets
what is published then. At its events (queue, whispers, holds, the end) a contact enters the flow of
its hook, or the instance's own of that type. Modules likewise: one is bound when it is invoked, and
whoever has invoked it waits as a caller, on its own edition. An edition is a content, named by its
digest; the flows and versions that have it published and each contact that runs it or waits in it
are its users, and with the last of them it is forgotten.

A version is entered by the id of its resource, FLOW:3; a reference to an alias leads to the version
that the alias has when it is followed. Source: behaviour specification, sections 1.1, 1.7 and 6.6.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ringfloor.base.limits import CLEAN_UP_MS, WHISPER_MS
from ringfloor.base.time import Duration, Instant
from ringfloor.domain.contact import Caller, Contact, Run, Side
from ringfloor.domain.events import Event, FlowEntered, FlowFinished, FlowStepped
from ringfloor.domain.resources import Resource
from ringfloor.engine.schedule import set_timer
from ringfloor.engine.state import Center, Edition
from ringfloor.flow import interpreter, language
from ringfloor.flow.language import Flow


def parsed(content: str) -> Flow:
    """A content as a flow; held to no rule but its shape, so that old journals stay readable.

    Raises Refusal InvalidContactFlowException.
    """
    return language.parse(content, "CONTACT_FLOW", published=False)


KINDS = frozenset(
    {
        "contact_flow",
        "contact_flow_module",
        "contact_flow_module_version",
        "contact_flow_version",
    }
)
"""Kinds whose resources have a Content and, once PUBLISHED, can be entered by their id."""

LATEST = "$LATEST"
SAVED = "$SAVED"


class Pointer(NamedTuple):
    """A flow or module as somebody names it."""

    id: str
    qualifier: str
    """A version, an alias by name or id, $LATEST or $SAVED; empty: none."""


def pointer(reference: str) -> Pointer:
    """What an id or ARN names: ID, ID:3, ID:live, or an ARN of such, or one with /alias/ID."""
    path = reference
    if reference.startswith("arn:"):
        path = reference.split("/", 2)[-1].partition("/")[2]
    identifier, _, qualifier = path.replace("/alias/", ":").partition(":")
    return Pointer(identifier, qualifier)


def version_id(identifier: str, version: int | str) -> str:
    """The id of a version's resource."""
    return f"{identifier}:{version}"


def version(center: Center, kind: str, found: Pointer) -> Resource | None:
    """The version that a qualifier leads to, if there is one."""
    identifier, qualifier = found
    versions, aliases = center.resources[f"{kind}_version"], center.resources[f"{kind}_alias"]
    alias_id = center.names[f"{kind}_alias"].get(f"{identifier}/{qualifier}", qualifier)
    alias = aliases.get(alias_id)
    if alias is not None and alias.properties[OWNER[kind]] == identifier:
        return versions[alias.properties["VersionId"]]
    return versions.get(version_id(identifier, qualifier))


OWNER: Mapping[str, str] = {
    "contact_flow": "ContactFlowId",
    "contact_flow_module": "ContactFlowModuleId",
}
"""The property by which versions and aliases name what they belong to."""


def entered_by(center: Center, kind: str, reference: str) -> str | None:
    """What a contact enters by this reference: an id in center.flows.

    None if there is no such thing, if it is not published, or if it is archived.
    """
    found = pointer(reference)
    resource = center.resources[kind].get(found.id)
    if resource is None or resource.properties.get("State") == "ARCHIVED":
        return None
    key = found.id
    if found.qualifier not in ("", LATEST):
        chosen = version(center, kind, found)
        key = "" if chosen is None else chosen.id
    return key if key in center.flows else None


HOOKS: Mapping[str, str] = {
    "AGENT_HOLD": "AgentHold",
    "AGENT_WHISPER": "AgentWhisper",
    "CUSTOMER_HOLD": "CustomerHold",
    "CUSTOMER_QUEUE": "CustomerQueue",
    "CUSTOMER_WHISPER": "CustomerWhisper",
    "CUSTOMER_REMAINING": "CustomerRemaining",
    "PAUSE": "PauseContact",
    "RESUME": "ResumeContact",
}
"""As what a flow runs, to the key of UpdateContactEventHooks."""

WHISPERS = frozenset({"AGENT_WHISPER", "CUSTOMER_WHISPER", "OUTBOUND_WHISPER"})

CLEANS_UP = "CUSTOMER_REMAINING"
"""As what a disconnect flow runs that has no customer; one that has is his CONTACT_FLOW."""

HOOKED_ONLY: Mapping[str, frozenset[str]] = {
    "VOICE": frozenset({"CUSTOMER_REMAINING", "PAUSE", "RESUME"}),
    "CHAT": frozenset({"CUSTOMER_REMAINING", "PAUSE", "RESUME"}) | WHISPERS,
    "TASK": frozenset({"CUSTOMER_REMAINING", "PAUSE", "RESUME"}) | WHISPERS,
    "EMAIL": frozenset({"CUSTOMER_REMAINING", "PAUSE", "RESUME"}) | WHISPERS,
}
"""By channel: where the instance's own flow does not stand in for a hook (section 2.4)."""


def hooked(center: Center, contact: Contact, flow_type: str) -> str | None:
    """What a side of the contact enters at this event: an id in center.flows; None: nothing."""
    hook = HOOKS.get(flow_type, "")
    if hook in contact.hooks_disabled:
        return None
    wanted = contact.hooks.get(hook)
    if flow_type == "OUTBOUND_WHISPER" and contact.queue_id in center.resources["queue"]:
        queue = center.resources["queue"][contact.queue_id]
        wanted = (queue.properties.get("OutboundCallerConfig") or {}).get("OutboundFlowId")
    entered = entered_by(center, "contact_flow", wanted) if wanted else None
    if entered is None and flow_type not in HOOKED_ONLY[contact.channel]:
        default = min(center.defaults.get(flow_type, ()), default=None)
        entered = None if default is None else entered_by(center, "contact_flow", default)
    return entered


def hook_events(
    center: Center, contact: Contact, side: Side, flow_type: str
) -> Iterator[FlowEntered]:
    """The side enters the flow that the contact, or the instance, has for this, if any."""
    flow_id = hooked(center, contact, flow_type)
    if flow_id is not None:
        yield FlowEntered(contact.id, flow_id, side, flow_type)


def stop_events(contact: Contact, side: Side) -> Iterator[Event]:
    """The side leaves the flow that it is in, if it is in one."""
    run = contact.runs.get(side)
    if run is not None:
        yield FlowFinished(contact.id, side, run.ask, run.number if run.ask is not None else 0)


def know_default(center: Center, flow: Resource, *, there: bool) -> None:
    """The flow is, or is no longer, the instance's own of its type."""
    if flow.kind == "contact_flow" and flow.properties.get("IsDefault"):
        known = center.defaults.setdefault(flow.properties["Type"], {})
        if there:
            known[flow.id] = None
        else:
            known.pop(flow.id, None)
        if not known:
            del center.defaults[flow.properties["Type"]]


def publish(center: Center, flow_id: str, content: str | None) -> None:
    """From now on whoever enters the flow gets this content; None: nobody can enter it."""
    before = center.flows.pop(flow_id, None)
    if content is not None:
        center.flows[flow_id] = _use(center, content)
    if before is not None:
        _release(center, before)


def bind(center: Center, contact: Contact, flow_id: str) -> None:
    """The contact will run the flow as it is now."""
    contact.edition = _take(center, flow_id)


def _take(center: Center, flow_id: str) -> str:
    edition = center.flows[flow_id]
    center.editions[edition].users += 1
    return edition


def enter(
    center: Center, contact: Contact, side: Side, flow_id: str, flow_type: str = "CONTACT_FLOW"
) -> None:
    """A side begins the flow: the edition that was bound when dialled, else the present one."""
    before = contact.runs.get(side)
    if before is not None:
        leave(center, contact, side)
    edition, contact.edition = contact.edition or _take(center, flow_id), None
    hops = before.hops + 1 if before is not None and before.flow_type == flow_type else 0
    contact.runs[side] = Run(
        flow_type=flow_type, session=interpreter.begin(flow_id), edition=edition, hops=hops
    )
    if flow_type in LIMITED:
        timer, length = LIMITED[flow_type]
        set_timer(center, contact, timer, center.at + length)


WHISPER = "whisper"
"""The timer at whose end a whisper has lasted too long."""

CLEAN_UP = "clean-up"
"""The timer at whose end a disconnect flow without a customer has lasted too long."""

LIMITED: Mapping[str, tuple[str, Duration]] = {
    **dict.fromkeys(WHISPERS, (WHISPER, WHISPER_MS)),
    CLEANS_UP: (CLEAN_UP, CLEAN_UP_MS),
}
"""As what a flow runs that must not go on for ever, to its timer."""

ASK: Mapping[Side, str] = {"customer": "customer's flow", "agent": "agent's flow"}
"""The timers of what flows wait for."""


def wait(center: Center, contact: Contact, side: Side, until: Instant | None) -> None:
    """The flow of this side goes on then by itself; None: it does not."""
    set_timer(center, contact, ASK[side], until)


def call(
    center: Center, contact: Contact, side: Side, module_id: str, given: dict[str, str]
) -> None:
    """A side begins a module; what it was in waits.

    A module sees nothing of its caller's session but its input, and changes nothing of it.
    """
    run = contact.runs[side]
    run.callers = [*run.callers, Caller(run.session, run.edition)]
    run.ask = None
    run.edition = _take(center, module_id)
    run.session = msgspec.structs.replace(interpreter.begin(module_id), module_input=given)


def come_back(center: Center, contact: Contact, side: Side) -> None:
    """The module is over; the side is where it was invoked."""
    run = contact.runs[side]
    *waiting, caller = run.callers
    _release(center, run.edition)
    run.callers, run.edition, run.ask = waiting, caller.edition, None
    run.session = caller.session


def leave(center: Center, contact: Contact, side: Side) -> None:
    """The side runs no flow any more."""
    run = contact.runs.pop(side, None)
    if run is not None:
        wait(center, contact, side, None)
        if run.flow_type in LIMITED:
            set_timer(center, contact, LIMITED[run.flow_type][0], None)
        for caller in run.callers:
            _release(center, caller.edition)
        _release(center, run.edition)


def leave_all(center: Center, contact: Contact) -> None:
    """The contact runs no flow any more, and will run none."""
    for side in list(contact.runs):
        leave(center, contact, side)
    if contact.edition is not None:
        _release(center, contact.edition)
        contact.edition = None


def running(center: Center, run: Run) -> Flow:
    """The flow that a run is in."""
    return center.editions[run.edition].flow


def work(center: Center, event: FlowStepped) -> int:
    """How much has been done for this step, which has just been applied: an action counts 1.

    The first action that it has left asked before, and was counted then.
    """
    actions = running(center, center.contacts[event.contact_id].runs[event.side]).actions
    passed = [each.action for each in event.path[event.heard is not None :]]
    done = (actions.get(each or "") for each in (*passed, event.session.action))
    return max(1, sum(each.weight for each in done if each is not None))


# Snapshots


def superseded(center: Center) -> list[str]:
    """Contents that only contacts use."""
    present = set(center.flows.values())
    return [each.content for key, each in center.editions.items() if key not in present]


def restore(center: Center, contents: list[str]) -> None:
    """Know these contents and who uses them; the flows' own are known already."""
    for content in contents:
        _use(center, content)
    for edition in _runs(center):
        center.editions[edition].users += 1
    for content in contents:
        _release(center, _digest(content))


def _runs(center: Center) -> Iterator[str]:
    """The edition of everything that a contact runs, will run or waits in."""
    for contact in center.contacts.values():
        for run in contact.runs.values():
            yield from (caller.edition for caller in run.callers)
            yield run.edition
        if contact.edition is not None:
            yield contact.edition


def miscounted(center: Center) -> Iterator[str]:
    """Editions whose users are not as many as one counts."""
    counted: dict[str, int] = {}
    for key in (*center.flows.values(), *_runs(center)):
        counted[key] = counted.get(key, 0) + 1
    kept = {key: each.users for key, each in center.editions.items()}
    if counted != kept:
        yield f"counted {counted}, kept {kept}"


def _digest(content: str) -> str:
    return blake2b(content.encode(), digest_size=16).hexdigest()


def _use(center: Center, content: str) -> str:
    key = _digest(content)
    if key not in center.editions:
        center.editions[key] = Edition(content, parsed(content))
    center.editions[key].users += 1
    return key


def _release(center: Center, key: str) -> None:
    edition = center.editions[key]
    edition.users -= 1
    if not edition.users:
        del center.editions[key]
