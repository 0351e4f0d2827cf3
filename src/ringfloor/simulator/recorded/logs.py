"""Recorded log: a day of another center, out of its log, as a center of ours.

Queues and agents are those that the log names; agents who took contacts of the same queues have one
routing profile, in which all queues rank alike. Contacts come straight into their queue. The log
does not tell when agents were at work. Rules of the guess:

- Somebody is there from the first contact that he took until the last one was over.
- If in a gap between two contacts somebody waited whom he could have taken, he was not free: for
  GAP_IS_WORK_MS it counts as work after the contact, beyond that as away.
- A longer gap than IDLE_MS without anybody waiting counts as away, too. Any other is idle time,
  with as much work after the contact as he usually had, as far as there was time for it.
- A log that tells after contact work is believed.

A contact that the log does not name an agent of is answered by whoever is free.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median
from typing import Any

from msgspec.structs import replace

from ringfloor.base.errors import Fault
from ringfloor.base.limits import IMPORT_CONTACTS_MAX, SIMULATED_QUEUES_MAX
from ringfloor.base.time import HOUR, MINUTE, SECOND, Duration, Instant
from ringfloor.domain import commands
from ringfloor.domain.contact import PRIORITY_DEFAULT, Contact
from ringfloor.domain.events import ContactImported
from ringfloor.domain.logged import LoggedContact
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine import engine
from ringfloor.node.desk import Desk
from ringfloor.node.history import History
from ringfloor.projections.records import Records
from ringfloor.simulator.clockwork import Clockwork
from ringfloor.simulator.entries import straight_to
from ringfloor.simulator.recorded.day import Day, Leg, Mark, Offer, Service, Turn
from ringfloor.simulator.recorded.journals import Recorded, noted, span

AWAY = "Away"
"""Status of who is not free, and not at work with a contact either."""

WAITED_MS = 10 * SECOND
"""Who waits for less may just have been ringing at somebody."""

GAP_IS_WORK_MS = 5 * MINUTE
IDLE_MS = HOUR // 2

Skill = tuple[str, Channel]
Wait = tuple[Instant, Instant]


def record(contacts: Sequence[LoggedContact], day: date, zone: str, name: str) -> Recorded:
    """A day of a log. Raises Fault: nobody came into a queue on it."""
    begins, ends = span(day, zone)
    came = sorted(
        (
            each
            for each in contacts
            if begins <= each.initiated_at < ends and each.queue and each.enqueued_at is not None
        ),
        key=lambda each: (each.enqueued_at or 0, each.id),
    )
    if not came:
        raise Fault(f"--day {day}: nobody came into a queue on it ({zone})")
    start = min(begins, came[0].initiated_at)
    made = _Center(came, start, f"{name} on {day}")
    presence = _Presence(came, made)
    legs = {each.id: made.leg(each, presence.work.get(each.id, 0)) for each in came}
    last = max(each.over_at for each in came)
    found = Day(
        name=f"{name} on {day}",
        instance_id=made.work.desk.instance_id,
        zone=zone,
        begins=begins,
        ends=ends,
        start=start,
        center=engine.image(made.work.center),
        records=made.work.desk.records.dump(),
        waiting=made.work.desk.waiting.dump(),
        legs=legs,
        arrivals=tuple(legs),
        there=(),
        marks=tuple(sorted(presence.marks, key=lambda mark: mark.at)),
        speech_rate=0,
        inferred=True,
        after_last=last,
    )
    return _really(found, made, came)


class _Center:
    """The center of a log."""

    def __init__(self, came: Sequence[LoggedContact], start: Instant, alias: str) -> None:
        self.work = work = Clockwork(1, start, alias)
        self.skills: dict[str, dict[Skill, None]] = defaultdict(dict)
        for each in came:
            if each.agent is not None and each.connected_to_agent_at is not None:
                self.skills[each.agent][each.queue or "", each.channel] = None
        if not self.skills:
            raise Fault("the log names no agents; without them nobody can be answered")
        queues = list(dict.fromkeys(each.queue or "" for each in came))
        if len(queues) > SIMULATED_QUEUES_MAX:
            raise Fault(f"the log has {len(queues)} queues, more than {SIMULATED_QUEUES_MAX}")
        hours = work.center.named("hours_of_operation", "Basic Hours")
        self.queues = {
            name: self._make(
                "queue",
                Name=name,
                HoursOfOperationId=hours,
                Status="ENABLED",
                QueueType="STANDARD",
            )
            for name in queues
        }
        self.away = self._make(
            "agent_status", Name=AWAY, Type="CUSTOM", State="ENABLED", DisplayOrder=3
        )
        self.available = work.center.named("agent_status", "Available")
        self.offline = work.center.named("agent_status", "Offline")
        self._profiles: dict[tuple[Skill, ...], str] = {}
        self._flows: dict[tuple[str, int, int], str] = {}
        self.agents = {
            name: self._user(name, tuple(sorted(skills)))
            for name, skills in sorted(self.skills.items())
        }

    def _make(self, kind: str, **properties: Any) -> str:  # noqa: ANN401  JSON
        return self.work.make(commands.CreateResource(kind=kind, properties=properties))

    def _user(self, name: str, skills: tuple[Skill, ...]) -> str:
        channels = sorted({channel for _, channel in skills})
        if skills not in self._profiles:
            self._profiles[skills] = self._make(
                "routing_profile",
                Name=", ".join(dict.fromkeys(queue for queue, _ in skills)),
                Description="",
                DefaultOutboundQueueId=self.queues[skills[0][0]],
                MediaConcurrencies=[{"Channel": channel, "Concurrency": 1} for channel in channels],
                QueueConfigs=[
                    {
                        "QueueReference": {"QueueId": self.queues[queue], "Channel": channel},
                        "Priority": 1,
                        "Delay": 0,
                    }
                    for queue, channel in skills
                ],
            )
        return self._make(
            "user",
            Username=name,
            IdentityInfo={"FirstName": name, "LastName": ""},
            PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
            RoutingProfileId=self._profiles[skills],
            SecurityProfileIds=[self.work.center.named("security_profile", "Agent")],
        )

    def _flow(self, contact: LoggedContact) -> str:
        queue = contact.queue or ""
        key = queue, contact.priority, contact.age_adjustment_ms // SECOND
        if key not in self._flows:
            name = f"To {queue}, rank {key[1]}, {key[2]} s ahead"
            arn = self.work.home.arn_of("queue", self.queues[queue])
            priority = None if key[1] == PRIORITY_DEFAULT else key[1]
            self._flows[key] = self._make(
                "contact_flow", **straight_to(name, arn, priority, key[2])
            )
        return self._flows[key]

    def leg(self, contact: LoggedContact, work: Duration) -> Leg:
        """The contact as it will come, and its wait."""
        since, until = contact.enqueued_at or 0, contact.dequeued_at or 0
        born = Contact(
            id=contact.id,
            channel=contact.channel,
            initiation_method="INBOUND",
            stage="IN_FLOW",
            initiated_at=since,
            updated_at=since,
            flow_id=self._flow(contact),
            customer_number=contact.customer_number or "",
            name=contact.name,
            attributes=contact.attributes,
        )
        turn = Turn(queue_id=self.queues[contact.queue or ""], since=since, waited=until - since)
        leg = Leg(born=born, turn=turn)
        connected_at = contact.connected_to_agent_at
        if connected_at is None:
            turn.gave_up = True
            return leg
        turn.connected_at = connected_at
        agent_id = self.agents.get(contact.agent or "", "")
        turn.service = Service(agent_id, contact.disconnected_at - connected_at, work)
        leg.offers.append(Offer(agent_id, "accepted", 0))
        return leg


class _Presence:
    """When agents were free, as far as the log lets one guess."""

    def __init__(self, came: Sequence[LoggedContact], made: _Center) -> None:
        self.marks: list[Mark] = []
        self.work: dict[str, Duration] = {}
        """After contact work, by contact."""
        self._made = made
        self._waits: dict[Skill, list[Wait]] = defaultdict(list)
        for each in came:
            since, until = each.enqueued_at or 0, each.dequeued_at or 0
            if until - since > WAITED_MS:
                self._waits[each.queue or "", each.channel].append((since, until))
        self._longest = {
            skill: max(until - since for since, until in waits)
            for skill, waits in self._waits.items()
        }
        told = any(each.after_contact_work_ms for each in came)
        by_agent: dict[str, list[LoggedContact]] = defaultdict(list)
        for each in came:
            if each.agent is not None and each.connected_to_agent_at is not None:
                by_agent[each.agent].append(each)
        for agent, his in by_agent.items():
            his.sort(key=lambda each: each.connected_to_agent_at or 0)
            self._day(agent, his, told=told)

    def _day(self, agent: str, his: Sequence[LoggedContact], *, told: bool) -> None:
        agent_id, made = self._made.agents[agent], self._made
        self._mark(his[0].connected_to_agent_at or 0, agent_id, made.available)
        worked, idle = list[Duration](), list[tuple[str, Duration]]()
        busy_until, last = 0, his[0]
        for before, after in zip(his, [*his[1:], None], strict=True):
            over_at = before.over_at if told else before.disconnected_at
            self.work[before.id] = (before.after_contact_work_ms or 0) if told else 0
            if over_at >= busy_until:
                busy_until, last = over_at, before
            if after is None:
                break
            comes = after.connected_to_agent_at or 0
            gap = comes - busy_until
            if gap <= 0:
                continue
            missed = self._somebody_waits(made.skills[agent], busy_until, comes)
            if missed and not told and gap <= GAP_IS_WORK_MS:
                self.work[last.id] = gap
                worked.append(gap)
            elif missed or gap > IDLE_MS:
                self._mark(busy_until, agent_id, made.away)
                self._mark(comes, agent_id, made.available)
            else:
                idle.append((last.id, gap))
        self._mark(busy_until, agent_id, made.offline)
        usual = round(median(worked)) if worked and not told else 0
        for contact_id, gap in idle:
            self.work[contact_id] += min(usual, gap)

    def _mark(self, at: Instant, agent_id: str, status_id: str) -> None:
        self.marks.append(Mark(at, agent_id, status_id))

    def _somebody_waits(self, skills: Mapping[Skill, None], begins: Instant, ends: Instant) -> bool:
        """Whether in that time anybody waited for WAITED_MS whom the agent could have taken."""
        for skill in skills:
            waits = self._waits.get(skill, [])
            first = bisect_left(waits, (begins - self._longest.get(skill, 0), 0))
            for since, until in waits[first:]:
                if since >= ends:
                    break
                if min(until, ends) - max(since, begins) > WAITED_MS:
                    return True
        return False


def _really(day: Day, made: _Center, came: Sequence[LoggedContact]) -> Recorded:
    """What really came of it: the contacts imported, as `ringfloor import` does."""
    desk = Desk(day.instance_id)
    desk.center = engine.restore(day.center)
    desk.records = Records.load(day.records)
    history = History.open(None, lambda _text: None)
    waits: dict[str, list[int]] = {}
    at = max(day.after_last, day.ends)
    ours = [
        replace(
            each,
            queue=made.queues[each.queue or ""],
            agent=made.agents.get(each.agent or ""),
        )
        for each in came
    ]
    for first in range(0, len(ours), IMPORT_CONTACTS_MAX):
        some = tuple(ours[first : first + IMPORT_CONTACTS_MAX])
        done = engine.run(desk.center, commands.ImportContacts(some), at, bytes(16))
        for event in done.events:
            desk.facts.extend(desk.records.on(event, at))
            if isinstance(event, ContactImported):
                noted(waits, event.contact)
        desk.sequence += 1
        history.load(desk.instance_id, desk.sequence, desk.facts)
        desk.facts = []
    return Recorded(day, desk, history, waits)
