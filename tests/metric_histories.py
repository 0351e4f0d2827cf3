"""Histories: events of a contact center, built by hand or at random, for the read models.

Builders say what happens in the trade's words and yield the events that the engine would write,
with the contacts that they carry. World deals random histories that obey the life of contacts and
agents as domain.events describes it; it is its own opinion of who does what, independent of every
projection.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import Event
from ringfloor.domain.vocabulary import CHANNELS

AVAILABLE, OFFLINE, BREAK, LUNCH = "st-available", "st-offline", "st-break", "st-lunch"
STATUSES = {AVAILABLE: "ROUTABLE", OFFLINE: "OFFLINE", BREAK: "CUSTOM", LUNCH: "CUSTOM"}
DAY = 1_709_596_800_000
"""2024-03-05 00:00:00 UTC, the day of the specification's examples."""

Told = tuple[Event, Instant]


def clock(text: str) -> Instant:
    """hh:mm:ss of that day."""
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return DAY + ((hours * 60 + minutes) * 60 + seconds) * 1000


def statuses() -> list[Event]:
    return [
        events.ResourceCreated("agent_status", status, {"Name": status, "Type": kind}, {})
        for status, kind in STATUSES.items()
    ]


def queue(queue_id: str) -> Event:
    return events.ResourceCreated("queue", queue_id, {"Name": queue_id}, {})


def profile_properties(
    slots: dict[str, int], rows: Iterable[tuple[str, str]], mixes: Iterable[str] = ()
) -> dict[str, object]:
    mixing = set(mixes)
    return {
        "MediaConcurrencies": [
            {
                "Channel": channel,
                "Concurrency": most,
                "CrossChannelBehavior": {
                    "BehaviorType": "ROUTE_ANY_CHANNEL"
                    if channel in mixing
                    else "ROUTE_CURRENT_CHANNEL_ONLY"
                },
            }
            for channel, most in slots.items()
        ],
        "QueueConfigs": [
            {
                "QueueReference": {"QueueId": queue_id, "Channel": channel},
                "Priority": 1,
                "Delay": 0,
            }
            for queue_id, channel in rows
        ],
    }


def profile(
    profile_id: str,
    slots: dict[str, int],
    rows: Iterable[tuple[str, str]],
    mixes: Iterable[str] = (),
) -> Event:
    properties = {"Name": profile_id, **profile_properties(slots, rows, mixes)}
    return events.ResourceCreated("routing_profile", profile_id, properties, {})


def user(agent_id: str, profile_id: str) -> Event:
    properties = {"Username": agent_id, "RoutingProfileId": profile_id}
    return events.ResourceCreated("user", agent_id, properties, {})


def status(agent_id: str, status_id: str) -> Event:
    return events.AgentStatusChanged(agent_id, status_id, STATUSES[status_id])


class Legs:
    """Contacts by name; each verb answers the event and keeps the leg as the engine would."""

    def __init__(self) -> None:
        self.legs: dict[str, Contact] = {}
        self.profiles: dict[str, str] = {}
        """Agent id to routing profile id."""

    def begin(
        self,
        contact_id: str,
        at: Instant,
        channel: str = "VOICE",
        method: str = "INBOUND",
        stage: str = "IN_FLOW",
        **members: object,
    ) -> Event:
        leg = Contact(
            id=contact_id,
            channel=channel,
            initiation_method=method,
            stage=stage,
            initiated_at=at,
            updated_at=at,
            **members,
        )
        self.legs[contact_id] = leg
        return events.ContactInitiated(msgspec.structs.replace(leg))

    def schedule(self, contact_id: str, queue_id: str, until: Instant) -> Event:
        leg = self.legs[contact_id]
        leg.stage, leg.queue_id = "SCHEDULED", queue_id
        return events.ContactScheduled(contact_id, queue_id, leg.channel, until)

    def enqueue(self, contact_id: str, queue_id: str, at: Instant) -> Event:
        leg = self.legs[contact_id]
        leg.stage, leg.queue_id, leg.enqueued_at = "IN_QUEUE", queue_id, at
        return events.ContactEnqueued(contact_id, queue_id, leg.channel)

    def offer(self, contact_id: str, agent_id: str, at: Instant) -> Event:
        leg = self.legs[contact_id]
        leg.stage, leg.agent_id = "OFFERED", agent_id
        leg.offers += 1
        return events.ContactOffered(
            contact_id, agent_id, leg.queue_id or "", leg.channel, at + 20_000
        )

    def miss(self, contact_id: str, reason: str = "unanswered") -> Event:
        leg = self.legs[contact_id]
        agent_id, leg.agent_id, leg.stage = leg.agent_id or "", None, "IN_QUEUE"
        return events.OfferMissed(contact_id, agent_id, leg.queue_id or "", leg.channel, reason)

    def connect(self, contact_id: str, agent_id: str, at: Instant) -> Event:
        leg = self.legs[contact_id]
        leg.stage, leg.agent_id, leg.connected_to_agent_at = "CONNECTED", agent_id, at
        leg.routing_profile_id = self.profiles.get(agent_id, "profile")
        if leg.enqueued_at is not None:
            leg.dequeued_at = at
        return events.ContactConnectedToAgent(contact_id, agent_id, leg.routing_profile_id)

    def hold(self, contact_id: str, at: Instant) -> Event:
        leg = self.legs[contact_id]
        leg.held_at = at
        leg.holds += 1
        return events.ContactHeld(contact_id)

    def resume(self, contact_id: str, at: Instant) -> Event:
        self._end_hold(self.legs[contact_id], at)
        return events.ContactResumed(contact_id)

    def _end_hold(self, leg: Contact, at: Instant) -> None:
        if leg.held_at is not None:
            leg.hold_ms += at - leg.held_at
            leg.longest_hold_ms = max(leg.longest_hold_ms, at - leg.held_at)
            leg.held_at = None

    def end(
        self, contact_id: str, at: Instant, reason: str = "CUSTOMER_DISCONNECT", **members: object
    ) -> list[Event]:
        """Ends the conversation; without an agent connected the leg is complete."""
        leg = self.legs[contact_id]
        before = {"CONNECTED": "CONNECTED", "IN_QUEUE": "IN_QUEUE"}.get(leg.stage, "IN_FLOW")
        if leg.held_at is not None:
            before = "CONNECTED_ONHOLD"
        if leg.stage == "IN_QUEUE":
            leg.dequeued_at = at
        self._end_hold(leg, at)
        leg.stage, leg.disconnected_at, leg.disconnect_reason = "ENDED", at, reason
        leg.pre_disconnect_state = before
        for member, value in members.items():
            setattr(leg, member, value)
        ended = events.ContactEnded(contact_id, reason, before)
        if leg.connected_to_agent_at is None:
            return [ended, self.complete(contact_id)]
        leg.after_contact_work_started_at = at
        return [ended]

    def clear(self, contact_id: str, agent_id: str, at: Instant) -> list[Event]:
        """The agent lets go; after contact work this completes the leg."""
        cleared = events.ContactCleared(contact_id, agent_id)
        leg = self.legs.get(contact_id)
        if leg is None or leg.stage != "ENDED" or leg.agent_id != agent_id:
            return [cleared]
        leg.after_contact_work_ended_at = at
        return [cleared, self.complete(contact_id)]

    def complete(self, contact_id: str) -> Event:
        return events.ContactCompleted(self.legs.pop(contact_id))


# Random histories


@dataclass
class Person:
    profile: str
    status: str = OFFLINE
    held: dict[str, str] = field(default_factory=dict)
    """Contact id to CONNECTING, CONNECTED, ENDED, MISSED."""


class World:
    """A contact center in which anything that may happen next may happen next."""

    def __init__(self) -> None:
        self.at = clock("09:00:00")
        self.legs = Legs()
        self.people: dict[str, Person] = {}
        self.profiles: dict[str, dict[str, int]] = {}
        """Routing profile id to slots by channel."""
        self.rows: dict[str, set[tuple[str, str]]] = {}
        self.queues: list[str] = []
        self.count = 100

    def begin(self) -> list[Told]:
        told = [*statuses()]
        for name in ("q1", "q2", "q3"):
            self.queues.append(name)
            told.append(queue(name))
        told += [self._new_profile(name, 2 + ord(name[1])) for name in ("p1", "p2", "p3")]
        for name, of in (("a1", "p1"), ("a2", "p1"), ("a3", "p2"), ("a4", "p3")):
            self.people[name] = Person(of)
            told.append(user(name, of))
        return [(event, self.at) for event in told]

    def _shape(self, dice: int) -> tuple[dict[str, int], set[tuple[str, str]], set[str]]:
        slots = {channel: (2, 1, 3, 0)[(dice >> 2 * n) % 4] for n, channel in enumerate(CHANNELS)}
        rows = {
            (name, channel)
            for n, name in enumerate(self.queues)
            for m, channel in enumerate(CHANNELS)
            if dice >> (n + m) % 11 & 1
        }
        mixes = {channel for m, channel in enumerate(CHANNELS) if dice >> m + 3 & 1}
        return slots, rows, mixes

    def _new_profile(self, name: str, dice: int) -> Event:
        slots, rows, mixes = self._shape(dice)
        self.profiles[name], self.rows[name] = slots, rows
        return profile(name, slots, sorted(rows), sorted(mixes))

    def step(self, dice: int) -> list[Told]:
        """One thing happens, some time later."""
        self.at += (0, 0, 1, 900, 1_000, 7_777, 60_000)[dice % 7]
        dice //= 7
        options = self._options()
        act = options[dice % len(options)]
        return [(event, self.at) for event in act(dice // len(options))]

    def _options(self) -> list[Callable[[int], list[Event]]]:
        options: list[Callable[[int], list[Event]]] = [
            self._call,
            self._call,
            self._configure,
        ]
        if len(self.people) < 6:
            options.append(self._new_user)
        if len(self.queues) < 4:
            options.append(self._new_queue)
        for contact_id in self.legs.legs:
            options += self._contact_options(contact_id)
        for agent_id in self.people:
            options += self._agent_options(agent_id)
        options.append(lambda dice: self._drop_queue(self.queues[dice % len(self.queues)]))
        return options

    def _contact_options(self, contact_id: str) -> list[Callable[[int], list[Event]]]:
        leg = self.legs.legs[contact_id]
        own = leg.initiation_method == "OUTBOUND"
        found: list[Callable[[int], list[Event]]] = []
        if leg.stage != "ENDED":
            found.append(lambda _: self._hang_up(contact_id))
        if leg.stage in ("IN_FLOW", "SCHEDULED"):
            found += [lambda dice: self._enqueue(contact_id, dice)] * 3
        elif leg.stage == "DIALING" and own:
            found.append(lambda _: self._connect(contact_id))
        elif leg.stage == "IN_QUEUE" and (able := self._able(leg)):
            found += [lambda dice: self._offer(contact_id, able[dice % len(able)])] * 4
        elif leg.stage == "OFFERED":
            found += [lambda _: self._connect(contact_id)] * 2
            found.append(lambda dice: self._miss(contact_id, dice))
        elif leg.stage == "CONNECTED":
            found.append(lambda _: self._toggle_hold(contact_id))
        return found

    def _agent_options(self, agent_id: str) -> list[Callable[[int], list[Event]]]:
        person = self.people[agent_id]
        found = [
            lambda dice: self._set_status(agent_id, dice),
            lambda dice: self._anything_else(agent_id, dice),
        ]
        if any(state in ("ENDED", "MISSED") for state in person.held.values()):
            found += [lambda _: self._clear(agent_id)] * 2
        return found

    def _anything_else(self, agent_id: str, dice: int) -> list[Event]:
        kind, dice = dice % 5, dice // 5
        if kind == 0 and not self.people[agent_id].held:
            return self._delete_user(agent_id)
        if kind < 3 and not self.people[agent_id].held:
            return self._dial(agent_id, dice)
        if kind == 4:
            return [events.NextStatusChanged(agent_id, BREAK)]
        return self._reassign(agent_id, dice)

    # What may happen

    def _next_id(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def _call(self, dice: int) -> list[Event]:
        channel = CHANNELS[dice % 4]
        return [self.legs.begin(self._next_id("c"), self.at, channel)]

    def _dial(self, agent_id: str, dice: int) -> list[Event]:
        contact_id = self._next_id("c")
        self.people[agent_id].held[contact_id] = "CONNECTED"
        return [
            self.legs.begin(
                contact_id,
                self.at,
                method="OUTBOUND",
                stage="DIALING",
                queue_id=self.queues[dice % len(self.queues)],
                agent_id=agent_id,
            )
        ]

    def _enqueue(self, contact_id: str, dice: int) -> list[Event]:
        leg = self.legs.legs[contact_id]
        targets = [*self.queues, *self.queues, *self.people]
        target = leg.queue_id or targets[dice % len(targets)]
        if leg.stage == "IN_FLOW" and dice % 5 == 0:
            return [self.legs.schedule(contact_id, target, self.at + 30_000)]
        return [self.legs.enqueue(contact_id, target, self.at)]

    def _able(self, leg: Contact) -> list[str]:
        return [
            agent_id
            for agent_id, person in self.people.items()
            if person.status == AVAILABLE
            and "MISSED" not in person.held.values()
            and self._used(person, leg.channel) < self.profiles[person.profile][leg.channel]
            and (leg.queue_id not in self.people or leg.queue_id == agent_id)
        ]

    def _offer(self, contact_id: str, agent_id: str) -> list[Event]:
        self.people[agent_id].held[contact_id] = "CONNECTING"
        return [self.legs.offer(contact_id, agent_id, self.at)]

    def _used(self, person: Person, channel: str) -> int:
        legs = self.legs.legs
        return sum(each in legs and legs[each].channel == channel for each in person.held)

    def _miss(self, contact_id: str, dice: int) -> list[Event]:
        agent_id = self.legs.legs[contact_id].agent_id or ""
        self.people[agent_id].held[contact_id] = "MISSED"
        return [self.legs.miss(contact_id, ("unanswered", "rejected")[dice % 2])]

    def _connect(self, contact_id: str) -> list[Event]:
        agent_id = self.legs.legs[contact_id].agent_id or ""
        person = self.people[agent_id]
        person.held[contact_id] = "CONNECTED"
        self.legs.profiles[agent_id] = person.profile
        return [self.legs.connect(contact_id, agent_id, self.at)]

    def _toggle_hold(self, contact_id: str) -> list[Event]:
        if self.legs.legs[contact_id].held_at is None:
            return [self.legs.hold(contact_id, self.at)]
        return [self.legs.resume(contact_id, self.at)]

    def _hang_up(self, contact_id: str) -> list[Event]:
        leg = self.legs.legs[contact_id]
        told: list[Event] = []
        if leg.stage == "OFFERED":
            self.people[leg.agent_id or ""].held[contact_id] = "MISSED"
            told.append(self.legs.miss(contact_id, "customer_left"))
        if leg.stage == "CONNECTED":
            self.people[leg.agent_id or ""].held[contact_id] = "ENDED"
        elif leg.stage == "DIALING" and leg.agent_id is not None:
            self.people[leg.agent_id].held[contact_id] = "MISSED"
        return [*told, *self.legs.end(contact_id, self.at)]

    def _clear(self, agent_id: str) -> list[Event]:
        held = self.people[agent_id].held
        contact_id = next(each for each, state in held.items() if state in ("ENDED", "MISSED"))
        del held[contact_id]
        return self.legs.clear(contact_id, agent_id, self.at)

    def _set_status(self, agent_id: str, dice: int) -> list[Event]:
        person = self.people[agent_id]
        wanted = (AVAILABLE, AVAILABLE, AVAILABLE, BREAK, LUNCH, OFFLINE)[dice % 6]
        if any(state in ("CONNECTING", "CONNECTED") for state in person.held.values()):
            if dice % 3:
                return [events.NextStatusChanged(agent_id, wanted)]
        else:
            told = [event for _ in list(person.held) for event in self._clear(agent_id)]
            person.status = wanted
            return [*told, status(agent_id, wanted)]
        person.status = wanted  # nobody does this today; the counts hold all the same
        return [status(agent_id, wanted)]

    def _reassign(self, agent_id: str, dice: int) -> list[Event]:
        names = sorted(self.profiles)
        self.people[agent_id].profile = names[dice % len(names)]
        changes = {"RoutingProfileId": self.people[agent_id].profile}
        return [events.ResourceUpdated("user", agent_id, changes)]

    def _new_user(self, dice: int) -> list[Event]:
        names = sorted(self.profiles)
        agent_id = self._next_id("a")
        self.people[agent_id] = Person(names[dice % len(names)])
        return [user(agent_id, self.people[agent_id].profile)]

    def _delete_user(self, agent_id: str) -> list[Event]:
        if len(self.people) < 3 or any(leg.queue_id == agent_id for leg in self.legs.legs.values()):
            return []
        del self.people[agent_id]
        return [events.ResourceDeleted("user", agent_id)]

    def _new_queue(self, _dice: int) -> list[Event]:
        self.queues.append(self._next_id("q"))
        return [queue(self.queues[-1])]

    def _drop_queue(self, name: str) -> list[Event]:
        waiting = ("IN_QUEUE", "OFFERED", "SCHEDULED")
        if (
            len(self.queues) < 3
            or any(leg.queue_id == name and leg.stage in waiting for leg in self.legs.legs.values())
            or any(row[0] == name for rows in self.rows.values() for row in rows)
        ):
            return []
        self.queues.remove(name)
        for leg in self.legs.legs.values():
            if leg.queue_id == name and leg.stage == "IN_FLOW":
                leg.queue_id = None
        return [events.ResourceDeleted("queue", name)]

    def _configure(self, dice: int) -> list[Event]:
        kind, dice = dice % 6, dice // 6
        names = sorted(self.profiles)
        name = names[dice % len(names)]
        if kind == 0:
            return [self._new_profile(self._next_id("p"), dice)]
        if kind == 1:
            if any(person.profile == name for person in self.people.values()) or len(names) < 2:
                return []
            del self.profiles[name], self.rows[name]
            return [events.ResourceDeleted("routing_profile", name)]
        slots, rows, mixes = self._shape(dice)
        changes = profile_properties(slots, sorted(rows), sorted(mixes))
        if kind < 4:
            self.profiles[name] = slots
            del changes["QueueConfigs"]
        else:
            self.rows[name] = rows
            del changes["MediaConcurrencies"]
        return [events.ResourceUpdated("routing_profile", name, changes)]


def random_history(numbers: Iterable[int], world: World | None = None) -> Iterable[Told]:
    """A valid history; each number decides one step."""
    world = world or World()
    yield from world.begin()
    for number in numbers:
        yield from world.step(number)


# The worked examples of the metrics specification, sections 6.1 and 6.2


def _script(told: list[Told], *lines: tuple[str, Callable[[Instant], Event | list[Event]]]) -> None:
    for text, happens in sorted(lines, key=lambda each: each[0]):
        at = clock(text)
        happened = happens(at)
        told += [(event, at) for event in (happened if isinstance(happened, list) else [happened])]


def example_one() -> list[Told]:
    """Queue transfer, abandon, callback, missed offer, hold, after contact work, own call."""
    legs = Legs()
    legs.profiles = {"Ann": "both", "Bob": "P only"}
    told: list[Told] = [
        (event, clock("09:00:00"))
        for event in (
            *statuses(),
            queue("S"),
            queue("P"),
            profile("both", {"VOICE": 1}, [("S", "VOICE"), ("P", "VOICE")]),
            profile("P only", {"VOICE": 1}, [("P", "VOICE")]),
            user("Ann", "both"),
            user("Bob", "P only"),
        )
    ]
    transferred = {"transfer_completed_at": clock("10:03:05"), "next_contact_id": "C3b"}
    own = {"stage": "DIALING", "queue_id": "P", "agent_id": "Bob"}
    _script(
        told,
        ("09:55:00", lambda _: status("Ann", AVAILABLE)),
        ("09:58:00", lambda _: status("Bob", AVAILABLE)),
        ("10:00:00", lambda at: legs.begin("C1", at)),
        ("10:00:20", lambda at: [legs.enqueue("C1", "S", at), legs.offer("C1", "Ann", at)]),
        ("10:00:32", lambda at: legs.connect("C1", "Ann", at)),
        ("10:01:00", lambda at: legs.begin("C2", at)),
        ("10:01:10", lambda at: legs.enqueue("C2", "S", at)),
        ("10:01:55", lambda at: legs.end("C2", at)),
        ("10:02:00", lambda at: legs.begin("C3a", at)),
        ("10:02:05", lambda at: legs.enqueue("C3a", "S", at)),
        ("10:02:32", lambda at: legs.hold("C1", at)),
        ("10:03:02", lambda at: legs.resume("C1", at)),
        (
            "10:03:05",
            lambda at: [
                *legs.end("C3a", at, "CONTACT_FLOW_DISCONNECT", **transferred),
                legs.begin("C3b", at, method="QUEUE_TRANSFER", previous_contact_id="C3a"),
                legs.enqueue("C3b", "P", at),
                legs.offer("C3b", "Bob", at),
            ],
        ),
        ("10:03:25", lambda _: legs.miss("C3b")),
        ("10:03:35", lambda at: [*legs.clear("C3b", "Bob", at), legs.offer("C3b", "Bob", at)]),
        ("10:03:40", lambda at: legs.connect("C3b", "Bob", at)),
        ("10:04:00", lambda at: legs.begin("C4a", at)),
        ("10:04:10", lambda at: legs.enqueue("C4a", "P", at)),
        (
            "10:05:10",
            lambda at: [
                *legs.end("C4a", at, "CONTACT_FLOW_DISCONNECT", next_contact_id="C4b"),
                legs.begin(
                    "C4b", at, method="CALLBACK", stage="SCHEDULED", previous_contact_id="C4a"
                ),
                legs.schedule("C4b", "P", clock("10:05:40")),
            ],
        ),
        ("10:05:32", lambda at: legs.end("C1", at)),
        ("10:05:40", lambda at: legs.enqueue("C4b", "P", at)),
        ("10:06:02", lambda at: [*legs.clear("C1", "Ann", at), legs.offer("C4b", "Ann", at)]),
        ("10:06:10", lambda at: legs.connect("C4b", "Ann", at)),
        ("10:06:25", lambda at: _joined(legs, "C4b", at)),
        ("10:07:40", lambda at: legs.end("C3b", at, "AGENT_DISCONNECT")),
        ("10:08:00", lambda at: legs.clear("C3b", "Bob", at)),
        ("10:08:25", lambda at: legs.end("C4b", at)),
        ("10:08:40", lambda at: legs.clear("C4b", "Ann", at)),
        ("10:09:00", lambda at: legs.begin("C5", at, method="OUTBOUND", **own)),
        ("10:09:15", lambda at: legs.connect("C5", "Bob", at)),
        ("10:10:45", lambda at: legs.end("C5", at)),
        ("10:10:55", lambda at: legs.clear("C5", "Bob", at)),
        ("10:15:00", lambda _: [status("Ann", OFFLINE), status("Bob", OFFLINE)]),
    )
    return told


def _joined(legs: Legs, contact_id: str, at: Instant) -> list[Event]:
    """The customer of a callback answers: from now on the leg is connected to the agent."""
    legs.legs[contact_id].connected_to_agent_at = at
    return []


def example_two() -> list[Told]:
    """Cold transfer on hold, reject, customer leaves while ringing, two chats at once."""
    legs = Legs()
    told: list[Told] = [
        (event, clock("10:00:00"))
        for event in (
            *statuses(),
            queue("S"),
            queue("P"),
            profile("S voice", {"VOICE": 1}, [("S", "VOICE")]),
            profile("P voice", {"VOICE": 1}, [("P", "VOICE")]),
            profile("S chat", {"CHAT": 3}, [("S", "CHAT")]),
            user("Ann", "S voice"),
            user("Bob", "P voice"),
            user("Cid", "P voice"),
            user("Dee", "S chat"),
            *(status(name, AVAILABLE) for name in ("Ann", "Bob", "Cid")),
        )
    ]
    cold = {"next_contact_id": "D1b", "transfer_completed_at": clock("11:02:15")}
    _script(
        told,
        ("10:59:50", lambda at: legs.begin("D1a", at)),
        ("11:00:00", lambda at: [status("Dee", AVAILABLE), legs.enqueue("D1a", "S", at)]),
        ("11:00:01", lambda at: legs.offer("D1a", "Ann", at)),
        ("11:00:05", lambda at: legs.connect("D1a", "Ann", at)),
        ("11:00:55", lambda at: legs.begin("D2", at, "CHAT", "API")),
        ("11:01:00", lambda at: [legs.enqueue("D2", "S", at), legs.offer("D2", "Dee", at)]),
        ("11:01:04", lambda at: legs.connect("D2", "Dee", at)),
        (
            "11:02:05",
            lambda at: [
                legs.hold("D1a", at),
                legs.begin("D1b", at, method="TRANSFER", previous_contact_id="D1a"),
            ],
        ),
        (
            "11:02:15",
            lambda at: [
                *legs.end("D1a", at, "OTHER", **cold),
                legs.enqueue("D1b", "P", at),
                legs.offer("D1b", "Bob", at),
            ],
        ),
        ("11:02:20", lambda at: [legs.miss("D1b", "rejected"), legs.offer("D1b", "Cid", at)]),
        ("11:02:30", lambda at: legs.connect("D1b", "Cid", at)),
        ("11:02:35", lambda at: legs.clear("D1a", "Ann", at)),
        ("11:02:55", lambda at: legs.begin("D3", at, "CHAT", "API")),
        ("11:03:00", lambda at: [legs.enqueue("D3", "S", at), *legs.clear("D1b", "Bob", at)]),
        ("11:03:05", lambda at: legs.offer("D3", "Dee", at)),
        ("11:03:10", lambda at: legs.connect("D3", "Dee", at)),
        ("11:03:50", lambda at: legs.begin("D4", at)),
        ("11:04:00", lambda at: [legs.enqueue("D4", "P", at), legs.offer("D4", "Bob", at)]),
        ("11:04:12", lambda at: [legs.miss("D4", "customer_left"), *legs.end("D4", at)]),
        ("11:05:00", lambda at: legs.hold("D1b", at)),
        ("11:05:30", lambda at: legs.end("D1b", at)),
        ("11:06:10", lambda at: legs.clear("D1b", "Cid", at)),
        ("11:08:10", lambda at: legs.end("D3", at)),
        ("11:09:10", lambda at: legs.clear("D3", "Dee", at)),
        (
            "11:11:04",
            lambda at: [*legs.end("D2", at, "AGENT_DISCONNECT"), *legs.clear("D2", "Dee", at)],
        ),
        ("11:15:00", lambda _: status("Dee", OFFLINE)),
    )
    return told
