"""Story: what the events of a journal tell, read once, slowly, for the second opinion on metrics.

    story = Story().read(history)      history: (event, instant), in order

Written from the words of the metrics specification, sections 0.2, 0.3 and 2.5, and from what
domain.events says of each event; it shares nothing with the read models. Of a contact that is
final nothing is taken but that it is: all that counts is told by events before.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ringfloor.base.time import Duration, Instant
from ringfloor.domain import dialogue, events
from ringfloor.domain.events import Event
from second_opinion import talks
from second_opinion.talks import Talk

Told = tuple[Event, Instant]
Path = tuple[str | None, ...]
"""Ids of hierarchy groups, from level one to five."""

NO_PATH: Path = (None,) * 5

ANOTHER = "another agent"
"""Role of an agent in a contact that is not his."""

SUBTYPES = {
    "VOICE": "connect:Telephony",
    "CHAT": "connect:Chat",
    "TASK": "connect:Task",
    "EMAIL": "connect:Email",
}


DONE: dict[type, str] = {
    dialogue.Disconnect: "DISCONNECTED_PARTICIPANT",
    dialogue.End: "ENDED_FLOW_EXECUTION",
    dialogue.LeaveModule: "ENDED_FLOW_EXECUTION",
}
FINISHED = DONE
OVER = {**DONE, dialogue.DequeueAndTransfer: "TRANSFERED_TO_QUEUE"}
MOVED_ON: dict[type, str] = {dialogue.EnterFlow: "TRANSFERED_TO_FLOW"}
HANDED_OUT: dict[type, str] = {dialogue.TransferToNumber: "TRANSFERED_TO_PHONE_NUMBER"}
ENQUEUED: dict[type, str] = {
    dialogue.TransferToQueue: "TRANSFERED_TO_QUEUE",
    dialogue.TransferToAgent: "TRANSFERED_TO_AGENT",
}
"""What a flow has asked for and how it ends by it, by the event that shows that it came true."""


@dataclass
class Taker:
    """An agent who took a contact, or was offered it, as he was then."""

    id: str
    profile: str
    path: Path


@dataclass
class Ring:
    """From when a contact was an agent's to take, or he called, until that was decided."""

    leg: "Leg"
    taker: Taker
    queue: str | None
    since: Instant
    until: Instant | None = None
    end: str = ""
    """accepted, missed, rejected, customer_left or failed; his own call, whatever came of it."""


@dataclass
class Stay:
    """A contact in a step of its routing criteria."""

    leg: "Leg"
    expression: str
    queue: str | None
    since: Instant
    until: Instant | None = None
    end: str = ""
    """joined, expired or left."""


@dataclass
class Grip:
    """A stretch in which an agent had a contact, whatever his status."""

    leg: "Leg"
    queue: str | None
    taker: Taker
    since: Instant
    until: Instant | None = None


@dataclass
class Run:
    """A side of a contact in a flow, or in a module that it invoked."""

    leg: "Leg"
    side: str
    flow: str
    module: str | None
    type: str
    since: Instant
    queue: str | None
    """Of the contact when it began."""
    published: Instant | None = None
    until: Instant | None = None
    end: str = ""
    next_flow: str | None = None
    next_queue: str | None = None
    ask: Any = None
    """What it last asked."""
    talk: Talk | None = None
    """With a bot, now."""


@dataclass
class Leg:
    """One contact."""

    id: str
    channel: str
    method: str
    born_at: Instant
    number: str | None
    target: str | None
    """The queue, or agent, that it would be enqueued for."""
    system_at: Instant | None
    subtype: str
    queue: str | None = None
    """That it was enqueued in, or that an agent calls for; an agent's own is none."""
    taker: Taker | None = None
    """Who was joined to it."""
    taken: Taker | None = None
    """Who has it, whether the customer is there or not."""
    enqueued_at: Instant | None = None
    dequeued_at: Instant | None = None
    connected_at: Instant | None = None
    holds: int = 0
    hold_ms: Duration = 0
    held_since: Instant | None = None
    pauses: int = 0
    pause_ms: Duration = 0
    paused_since: Instant | None = None
    paused_with_agent: bool = False
    work_since: Instant | None = None
    work_until: Instant | None = None
    ended_at: Instant | None = None
    reason: str | None = None
    before: str | None = None
    completed_at: Instant | None = None
    """When it was transferred."""
    joins: bool = False
    """Whether it is beside another contact of its chat."""
    left_with: str | None = None
    next: str | None = None
    waited_before_ms: Duration = 0
    """Of a customer who was dialled first: in queue before he was."""
    steps: list[Any] = field(default_factory=list)
    step: int | None = None
    """Which of them is active."""
    stay: Stay | None = None
    last_step: str | None = None
    words: list[tuple[Instant, str, int]] = field(default_factory=list)
    """Messages: when, whose role, how long."""
    first_response_at: Instant | None = None
    ring: Ring | None = None
    stacks: dict[str, list[Run]] = field(default_factory=dict)
    """By side: a flow and the modules that it has come into."""
    bound_at: Instant | None = None
    """When that was published which it will run when it is answered."""
    heir_queue: str | None = None
    """Where it was moved to, out of its queue."""
    final_at: Instant | None = None

    @property
    def waits(self) -> bool:
        return self.enqueued_at is not None and self.dequeued_at is None

    @property
    def wait_ms(self) -> Duration | None:
        if self.enqueued_at is None or self.dequeued_at is None:
            return None
        return self.dequeued_at - self.enqueued_at


@dataclass(frozen=True)
class Now:
    """An agent at some moment."""

    status: str
    type: str
    profile: str
    path: Path
    works: frozenset[str] = frozenset()
    """Contacts that are his: connected, on hold, paused, after contact work, being dialled."""
    errs: frozenset[str] = frozenset()
    """Contacts that he has missed, rejected or failed at, and not cleared."""


class Story:
    """All of it."""

    def __init__(self) -> None:
        self.legs: dict[str, Leg] = {}
        self.rings: list[Ring] = []
        self.stays: list[Stay] = []
        self.grips: list[Grip] = []
        self.runs: list[Run] = []
        self.talks: list[Talk] = []
        self.entries: list[tuple[Leg, str | None, Instant]] = []
        """Enqueues: of whom, where, when."""
        self.joins: list[tuple[Leg, str | None, Taker, Instant]] = []
        self.agents: dict[str, Now] = {}
        self.days: dict[str, list[tuple[Instant, Now | None]]] = {}
        """What each agent was from when on; None: he was deleted."""
        self.groups: dict[str, str | None] = {}
        """Hierarchy groups and those above them."""
        self.profiles: dict[str, set[tuple[str, str]]] = {}
        """Queue and channel of each row of a routing profile, as it is now."""
        self.published: dict[str, Instant | None] = {}
        """Flows and modules, and since when each is published as it is now; None: it is not."""
        self.chats: dict[str, str] = {}
        """Chats, and the contact that each has come to."""
        self.writers: dict[str, str] = {}
        """Participants who came into a chat later, and the contact that each is there by."""
        self.open_grips: dict[tuple[str, str], Grip] = {}
        self.at: Instant = 0

    def read(self, history: Iterable[Told]) -> "Story":
        for event, at in history:
            self.at = at
            name = re.sub("(?<!^)(?=[A-Z])", "_", type(event).__name__)
            tell = getattr(self, f"_{name.lower()}", None)
            if tell is not None:
                tell(event, at)
        return self

    # Agents

    def _turn(self, agent: str, at: Instant, **changes: Any) -> None:
        before = self.agents[agent]
        after = Now(**{**vars(before), **changes})
        self.agents[agent] = after
        self.days[agent].append((at, after))

    def _path(self, group: str | None) -> Path:
        found: list[str] = []
        while group is not None:
            found.insert(0, group)
            group = self.groups.get(group)
        return (*found, *NO_PATH)[:5]

    def _taker(self, agent: str, profile: str | None = None) -> Taker:
        now = self.agents[agent]
        return Taker(agent, profile or now.profile, now.path)

    def _works(self, leg: Leg, agent: str, taker: Taker, at: Instant) -> None:
        now = self.agents[agent]
        if leg.id not in now.works:
            grip = Grip(leg, leg.queue, taker, at)
            self.grips.append(grip)
            self.open_grips[agent, leg.id] = grip
        self._turn(agent, at, works=now.works | {leg.id}, errs=now.errs - {leg.id})

    def _stops(self, contact: str, agent: str, at: Instant, *, err: bool = False) -> None:
        now = self.agents.get(agent)
        if now is None:
            return
        grip = self.open_grips.pop((agent, contact), None)
        if grip is not None:
            grip.until = at
        errs = now.errs | {contact} if err else now.errs - {contact}
        self._turn(agent, at, works=now.works - {contact}, errs=errs)

    def _standard(self, queue: str | None) -> str | None:
        """An agent's own queue is none."""
        return None if queue in self.agents else queue

    def _resource_created(self, event: events.ResourceCreated, at: Instant) -> None:
        given = event.properties
        if event.kind == "hierarchy_group":
            self.groups[event.id] = given.get("ParentGroupId")
        elif event.kind == "routing_profile":
            self._serve(event.id, given)
        elif event.kind.startswith("contact_flow") and not event.kind.endswith("alias"):
            self._publish(event.id, given, at)
        elif event.kind == "user":
            path = self._path(given.get("HierarchyGroupId"))
            self.agents[event.id] = Now("", "OFFLINE", given["RoutingProfileId"], path)
            self.days[event.id] = [(at, self.agents[event.id])]

    def _resource_updated(self, event: events.ResourceUpdated, at: Instant) -> None:
        if event.kind == "routing_profile":
            self._serve(event.id, event.changes)
        elif event.id in self.published:
            self._publish(event.id, event.changes, at)
        elif event.kind == "user":
            changes: dict[str, Any] = {}
            if "RoutingProfileId" in event.changes:
                changes["profile"] = event.changes["RoutingProfileId"]
            if "HierarchyGroupId" in event.changes:
                changes["path"] = self._path(event.changes["HierarchyGroupId"])
            self._turn(event.id, at, **changes)

    def _serve(self, profile: str, given: Any) -> None:
        if given.get("QueueConfigs") is not None:
            rows = (each["QueueReference"] for each in given["QueueConfigs"])
            self.profiles[profile] = {(each["QueueId"], each["Channel"]) for each in rows}
        else:
            self.profiles.setdefault(profile, set())

    def _resource_deleted(self, event: events.ResourceDeleted, at: Instant) -> None:
        if event.kind == "user":
            for agent, contact in list(self.open_grips):
                if agent == event.id:
                    self._stops(contact, agent, at)
            del self.agents[event.id]
            self.days[event.id].append((at, None))
        elif event.kind == "routing_profile":
            self.profiles.pop(event.id, None)

    def _agent_status_changed(self, event: events.AgentStatusChanged, at: Instant) -> None:
        self._turn(event.agent_id, at, status=event.status_id, type=event.status_type)

    # The life of a contact

    def _contact_initiated(self, event: events.ContactInitiated, at: Instant) -> None:
        born = event.contact
        leg = self.legs[born.id] = Leg(
            id=born.id,
            channel=born.channel,
            method=born.initiation_method,
            born_at=at,
            number=born.customer_number,
            target=born.queue_id,
            system_at=born.connected_to_system_at,
            joins=born.joins,
            subtype=born.segment_attributes.get("connect:Subtype") or SUBTYPES[born.channel],
        )
        if born.stage == "DIALING" and born.flow_id is not None:
            leg.bound_at = self.published.get(born.flow_id)
        before = self.legs.get(born.previous_contact_id or "")
        if before is not None and born.initiation_method == "QUEUE_TRANSFER":
            before.heir_queue = self._standard(born.queue_id)
        if born.callback is not None:
            leg.waited_before_ms = born.callback.waited_ms
        if born.agent_id is not None:  # he calls, or listens
            leg.queue = self._standard(born.queue_id)
            leg.taken = self._taker(born.agent_id, born.routing_profile_id)
            self._works(leg, born.agent_id, leg.taken, at)
            if leg.method == "OUTBOUND":
                leg.ring = Ring(leg, leg.taken, leg.queue, at)
                self.rings.append(leg.ring)

    def _contact_updated(self, event: events.ContactUpdated, _at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.subtype = event.segment_attributes.get("connect:Subtype") or leg.subtype

    def _contact_scheduled(self, event: events.ContactScheduled, _at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.target = event.queue_id or leg.target

    def _contact_connected_to_system(
        self, event: events.ContactConnectedToSystem, at: Instant
    ) -> None:
        self.legs[event.contact_id].system_at = at

    def _contact_enqueued(self, event: events.ContactEnqueued, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.queue = self._standard(event.queue_id)
        leg.enqueued_at, leg.dequeued_at = at, None
        self.entries.append((leg, leg.queue, at))
        self._leaves_flow(leg, "customer", at, ENQUEUED, queue=leg.queue)
        self._leave_step(leg, at, "left")
        self._begin_steps(leg, at)

    def _contact_offered(self, event: events.ContactOffered, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.ring = Ring(leg, self._taker(event.agent_id), leg.queue, at)
        self.rings.append(leg.ring)

    def _decided(self, leg: Leg, at: Instant, end: str) -> None:
        if leg.ring is not None:
            leg.ring.until = at
            leg.ring.end = "his own call" if leg.method == "OUTBOUND" else end
            leg.ring = None

    def _offer_missed(self, event: events.OfferMissed, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        words = {"unanswered": "missed"}
        self._decided(leg, at, words.get(event.reason, event.reason))
        leg.taken = None
        self._stops(leg.id, event.agent_id, at, err=True)

    def _contact_accepted(self, event: events.ContactAccepted, _at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.taken = self._taker(event.agent_id, event.routing_profile_id)

    def _contact_dequeued(self, event: events.ContactDequeued, at: Instant) -> None:
        self.legs[event.contact_id].dequeued_at = at

    def _agent_leg_lost(self, event: events.AgentLegLost, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        self._decided(leg, at, "failed")
        leg.taken = None
        self._stops(leg.id, event.agent_id, at, err=True)

    def _customer_dialled(self, event: events.CustomerDialled, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.taken = leg.taken or self._taker(event.agent_id)
        self._works(leg, event.agent_id, leg.taken, at)

    def _callback_unanswered(self, event: events.CallbackUnanswered, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        self._decided(leg, at, "failed")
        leg.taken = None
        self._stops(leg.id, event.agent_id, at, err=True)
        self._leaves_flow(leg, "agent", at, {})

    def _contact_connected_to_agent(
        self, event: events.ContactConnectedToAgent, at: Instant
    ) -> None:
        leg = self.legs[event.contact_id]
        if leg.waits:
            leg.dequeued_at = at
        leg.taken = leg.taken or self._taker(event.agent_id, event.routing_profile_id)
        leg.taker = leg.taken
        leg.connected_at = at
        self._decided(leg, at, "accepted")
        self._works(leg, event.agent_id, leg.taker, at)
        self.joins.append((leg, leg.queue, leg.taker, at))
        self._leave_step(leg, at, "joined")
        leg.steps = []

    def _contact_held(self, event: events.ContactHeld, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.holds += 1
        leg.held_since = at

    def _off_hold(self, leg: Leg, at: Instant) -> None:
        if leg.held_since is not None:
            leg.hold_ms += at - leg.held_since
            leg.held_since = None

    def _contact_resumed(self, event: events.ContactResumed, at: Instant) -> None:
        self._off_hold(self.legs[event.contact_id], at)

    def _party_left(self, event: events.PartyLeft, at: Instant) -> None:
        if event.reason is not None:  # who was on hold is not there any more
            self._off_hold(self.legs[event.contact_id], at)

    def _task_paused(self, event: events.TaskPaused, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.pauses += 1
        leg.paused_since, leg.paused_with_agent = at, event.agent_id is not None

    def _unpause(self, leg: Leg, at: Instant) -> None:
        if leg.paused_since is not None and leg.paused_with_agent:
            leg.pause_ms += at - leg.paused_since
        leg.paused_since = None

    def _task_resumed(self, event: events.TaskResumed, at: Instant) -> None:
        self._unpause(self.legs[event.contact_id], at)

    def _contact_succeeded(self, event: events.ContactSucceeded, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        leg.next = leg.next or event.next_contact_id
        heir = self.legs[event.next_contact_id]
        at_once = heir.method == "TRANSFER" and heir.channel != "VOICE"
        if (heir.method == "QUEUE_TRANSFER" or at_once) and not heir.joins:
            leg.completed_at = at

    def _chat_started(self, event: events.ChatStarted, _at: Instant) -> None:
        self.chats[event.chat.id] = event.chat.contact_id

    def _chat_moved(self, event: events.ChatMoved, at: Instant) -> None:
        """Who has come into the chat beside the agent takes the customer over from him."""
        before, heir = self.legs[self.chats[event.chat_id]], self.legs[event.contact_id]
        self.chats[event.chat_id] = heir.id
        if heir.joins and before.final_at is None:
            before.next, before.completed_at = heir.id, at
        heir.joins = False

    def _customer_passed(self, event: events.CustomerPassed, at: Instant) -> None:
        leg, heir = self.legs[event.contact_id], self.legs[event.next_contact_id]
        leg.next = heir.id
        if heir.method != "MONITOR":
            leg.completed_at = at
        if heir.method == "EXTERNAL_OUTBOUND":
            leg.left_with = heir.number
        stack = leg.stacks.get("customer")
        if stack and isinstance(stack[-1].ask, dialogue.TransferToNumber):
            self._leaves_flow(leg, "customer", at, HANDED_OUT)

    def _contact_ended(self, event: events.ContactEnded, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        if leg.waits:
            leg.dequeued_at = at
        self._off_hold(leg, at)
        self._unpause(leg, at)
        leg.ended_at, leg.reason, leg.before = at, event.reason, event.pre_disconnect_state
        if leg.connected_at is not None:
            leg.work_since = at
        elif leg.taken is not None:
            self._decided(leg, at, "failed")
            self._stops(leg.id, leg.taken.id, at, err=True)
        for side in ("customer", "agent"):
            self._leaves_flow(leg, side, at, OVER, queue=leg.heir_queue)
        self._leave_step(leg, at, "left")
        leg.steps = []

    def _contact_cleared(self, event: events.ContactCleared, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        his = leg.taker is not None and leg.taker.id == event.agent_id
        if leg.work_since is not None and leg.work_until is None and his:
            leg.work_until = at
        self._stops(leg.id, event.agent_id, at)

    def _contact_completed(self, event: events.ContactCompleted, at: Instant) -> None:
        self.legs[event.contact.id].final_at = at

    # Routing steps

    def _routing_criteria_set(self, event: events.RoutingCriteriaSet, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        self._leave_step(leg, at, "left")
        leg.steps = list(event.steps)
        if leg.waits or (leg.enqueued_at is not None and self._is_being_joined(leg)):
            self._begin_steps(leg, at)

    def _is_being_joined(self, leg: Leg) -> bool:
        return leg.taken is not None and leg.connected_at is None

    def _begin_steps(self, leg: Leg, at: Instant) -> None:
        """The first step is active in a queue, none in an agent's own."""
        if leg.steps and leg.queue is not None:
            self._enter_step(leg, 0, at)

    def _enter_step(self, leg: Leg, number: int, at: Instant) -> None:
        leg.step = number
        expression = leg.steps[number].expression
        leg.stay = Stay(leg, expression, leg.queue, at)
        leg.last_step = expression
        self.stays.append(leg.stay)

    def _leave_step(self, leg: Leg, at: Instant, end: str) -> None:
        if leg.stay is not None:
            leg.stay.until, leg.stay.end = at, end
            leg.stay = leg.step = None

    def _routing_step_expired(self, event: events.RoutingStepExpired, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        assert leg.step is not None
        following = leg.step + 1
        self._leave_step(leg, at, "expired")
        if following < len(leg.steps):
            self._enter_step(leg, following, at)

    # Chats

    def _participant_added(self, event: events.ParticipantAdded, _at: Instant) -> None:
        self.writers[event.participant.id] = event.participant.contact_id

    def _chat_item_added(self, event: events.ChatItemAdded, at: Instant) -> None:
        """A message counts in the contact that the chat has come to, and for who has written it.

        What an agent writes who is in the chat by another contact counts there, too.
        """
        item = event.item
        if item.type != "MESSAGE" or item.role is None:
            return
        own = self.writers.get(item.participant_id or "", item.contact_id)
        beside = item.role == "AGENT" and own != item.contact_id
        self._writes(item.contact_id, at, ANOTHER if beside else item.role, item.content)
        if beside:
            self._writes(own, at, item.role, item.content)

    def _writes(self, contact: str, at: Instant, role: str, text: str | None) -> None:
        leg = self.legs.get(contact)
        if leg is None or leg.final_at is not None:
            return
        first = not any(whose == "AGENT" for _, whose, _ in leg.words)
        if role == "AGENT" and first and leg.connected_at is not None:
            leg.first_response_at = at
        leg.words.append((at, role, len(text or "")))

    # Flows

    def _publish(self, resource: str, given: Any, at: Instant) -> None:
        """A flow or module is there, or has changed: since when is it published as it is now?"""
        before = self.published.get(resource)
        there = given.get("Status", "SAVED" if before is None else "PUBLISHED") == "PUBLISHED"
        same = "Content" not in given and before is not None
        self.published[resource] = (before if same else at) if there else None

    def _flow_entered(self, event: events.FlowEntered, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        flow = event.flow_id.split(":")[0]
        self._leaves_flow(leg, event.side, at, MOVED_ON, flow=flow)
        published = leg.bound_at or self.published.get(event.flow_id)
        leg.bound_at = None
        run = Run(leg, event.side, flow, None, event.flow_type, at, leg.queue, published)
        self.runs.append(run)
        leg.stacks[event.side] = [run]

    def _module_entered(self, event: events.ModuleEntered, at: Instant) -> None:
        leg = self.legs[event.contact_id]
        stack = leg.stacks[event.side]
        module = event.module_id.split(":")[0]
        published = self.published.get(event.module_id)
        run = Run(leg, event.side, stack[0].flow, module, stack[0].type, at, leg.queue, published)
        stack[-1].ask = None
        self.runs.append(run)
        stack.append(run)

    def _module_left(self, event: events.ModuleLeft, at: Instant) -> None:
        run = self.legs[event.contact_id].stacks[event.side].pop()
        talks.leave(run, at)
        run.until, run.end = at, "RETURNED_TO_FLOW"

    def _flow_stepped(self, event: events.FlowStepped, at: Instant) -> None:
        """What it asks, unless that is answered at once."""
        run = self.legs[event.contact_id].stacks[event.side][-1]
        begun = talks.step(run, event, at)
        if begun is not None:
            self.talks.append(begun)
        run.ask = event.ask if event.outcome is None else None

    def _flow_finished(self, event: events.FlowFinished, at: Instant) -> None:
        self._leaves_flow(self.legs[event.contact_id], event.side, at, FINISHED)

    def _leaves_flow(
        self,
        leg: Leg,
        side: str,
        at: Instant,
        ways: dict[type, str],
        *,
        flow: str | None = None,
        queue: str | None = None,
    ) -> None:
        """The side is in no flow any more; so is whatever waited for the module that it was in.

        ways: what it may have asked for, that has come true by this; anything else has not.
        """
        stack = leg.stacks.pop(side, [])
        if not stack:
            return
        asked = stack[-1].ask
        end = ways.get(type(asked), "DROPPED")
        if isinstance(asked, dialogue.End) and asked.reason != "finished":
            end = "DROPPED"
        for run in stack:
            talks.leave(run, at)
            run.until, run.end = at, end
            if end == "TRANSFERED_TO_FLOW":
                run.next_flow = flow
            if end in ("TRANSFERED_TO_QUEUE", "TRANSFERED_TO_AGENT"):
                run.next_queue = queue
