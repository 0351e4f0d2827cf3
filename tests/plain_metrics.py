"""Plain metrics: a second opinion on GetCurrentMetricData, by loops over agents and contacts.

Seeking deals random histories in which contacts also seek agents by routing criteria and have
subtypes, and agents learn; it notes by itself which step each contact is in. opinion answers a
request from the facts of projections.counters, never from its counts.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from metric_histories import STATUSES, Told, World
from ringfloor.domain import events
from ringfloor.domain.criteria import compiled, satisfied, steps_of
from ringfloor.domain.events import Event
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.counters import ALL_CHANNELS, Facts, mask_of, numbers_in

SKILLS = (("language", "French"), ("language", "Dutch"), ("product", "Tea"))


def condition(name: str, value: str, level: float, operator: str = "NumberGreaterOrEqualTo"):
    return {
        "Name": name,
        "Value": value,
        "ProficiencyLevel": level,
        "ComparisonOperator": operator,
    }


def agents(*ids: str) -> dict[str, Any]:
    criteria = {"AgentsCriteria": {"AgentIds": list(ids)}}
    return {"ComparisonOperator": "Match", "MatchCriteria": criteria}


FRENCH = {"AttributeCondition": condition("language", "French", 3)}
DUTCH = {"AttributeCondition": condition("language", "Dutch", 2, "Match")}
TEA = {"AttributeCondition": condition("product", "Tea", 1)}
EXPRESSIONS = (
    FRENCH,
    DUTCH,
    {"AndExpression": [FRENCH, TEA]},
    {"OrExpression": [DUTCH, {"AndExpression": [FRENCH, TEA]}]},
    {"NotAttributeCondition": condition("language", "French", 1)},
    {"AttributeCondition": agents("a1", "a3")},
    {"AndExpression": [TEA, {"NotAttributeCondition": agents("a2")}]},
)
TEXTS = tuple(
    step.expression for each in EXPRESSIONS for step in steps_of({"Steps": [{"Expression": each}]})
)
"""The expressions as domain.criteria writes them."""

SUBTYPES = (None, "connect:Guide", "connect:WebRTC")


class Seeking(World):
    """The same world, whose contacts seek and whose agents learn."""

    def __init__(self) -> None:
        super().__init__()
        self.sought: dict[str, list[str]] = {}
        self.place: dict[str, int | None] = {}
        """Contact id to the place of its active step; None: none is."""
        self.skills: dict[str, dict[tuple[str, str], float]] = {}

    def step(self, dice: int) -> list[Told]:
        told = super().step(dice)
        for event, _ in told:
            self._note(event)
        return told

    def active(self, contact_id: str) -> str | None:
        """The expression of the contact's active step."""
        place = self.place.get(contact_id)
        sought = self.sought.get(contact_id, [])
        return sought[place] if place is not None and place < len(sought) else None

    def _note(self, event: Event) -> None:
        match event:
            case events.RoutingCriteriaSet(contact_id=name, steps=steps):
                self.sought[name] = [step.expression for step in steps]
                waits = self.legs.legs[name].stage in ("IN_QUEUE", "OFFERED")
                self.place[name] = 0 if waits and self._shared(name) else None
            case events.ContactEnqueued(contact_id=name):
                self.place[name] = 0 if self._shared(name) else None
            case events.RoutingStepExpired(contact_id=name):
                place = self.place[name]
                assert place is not None
                self.place[name] = place + 1
            case (
                events.ContactConnectedToAgent(contact_id=name)
                | events.ContactEnded(contact_id=name)
            ):
                self.place[name] = None
            case _:
                pass

    def _shared(self, contact_id: str) -> bool:
        return self.legs.legs[contact_id].queue_id not in self.people

    def _call(self, dice: int) -> list[Event]:
        subtype = SUBTYPES[dice // 4 % 3]
        given = {"connect:Subtype": subtype} if subtype else {}
        name = self._next_id("c")
        return [self.legs.begin(name, self.at, CHANNELS[dice % 4], segment_attributes=given)]

    def _contact_options(self, contact_id: str):
        found = super()._contact_options(contact_id)
        stage = self.legs.legs[contact_id].stage
        if stage in ("IN_FLOW", "SCHEDULED", "IN_QUEUE", "OFFERED"):
            found += [lambda dice: self._seek(contact_id, dice)] * 2
        if self.active(contact_id) is not None:
            found += [lambda _: [events.RoutingStepExpired(contact_id)]] * 2
        if stage != "ENDED":
            found.append(lambda dice: self._retell(contact_id, dice))
        return found

    def _agent_options(self, agent_id: str):
        return [*super()._agent_options(agent_id), lambda dice: self._learn(agent_id, dice)]

    def _seek(self, contact_id: str, dice: int) -> list[Event]:
        chosen = [EXPRESSIONS[(dice >> 3 * n) % len(EXPRESSIONS)] for n in range(1 + dice % 3)]
        steps = steps_of({"Steps": [{"Expression": each} for each in chosen]})
        return [events.RoutingCriteriaSet(contact_id, steps)]

    def _retell(self, contact_id: str, dice: int) -> list[Event]:
        told = {"connect:Subtype": "connect:SMS"} if dice % 2 else {}
        return [events.ContactUpdated(contact_id, None, None, {}, told)]

    def _learn(self, agent_id: str, dice: int) -> list[Event]:
        levels = [(dice >> 3 * n) % 6 for n in range(len(SKILLS))]
        self.skills[agent_id] = {
            skill: float(level) for skill, level in zip(SKILLS, levels, strict=True) if level
        }
        rows = [
            {"AttributeName": name, "AttributeValue": value, "Level": level}
            for (name, value), level in self.skills[agent_id].items()
        ]
        return [events.ResourceUpdated("user", agent_id, {"Proficiencies": rows})]


@dataclass
class Plain:
    """One row. queues: None means whatever the profiles' agents hold, and their queues."""

    facts: Facts
    now: int
    queues: list[str] | None
    profiles: list[str] | None
    mask: int
    statuses: list[str] | None = None
    step: str | None = None
    subtypes: list[str] | None = None

    def __post_init__(self) -> None:
        if self.subtypes is not None:
            self.mask = sum(1 << number for number in self._channels())

    def _channels(self) -> set[int]:
        """The channels on which the row's queues hold contacts of its subtypes."""
        return {
            channel
            for queue_id, channel, subtype, _ in self._contacts()
            if queue_id in (self.queues or ()) and subtype in (self.subtypes or ())
            if self.mask >> channel & 1
        }

    def _contacts(self) -> Iterator[tuple[str | None, int, str, str]]:
        """Queue, channel, subtype and how it is there, of all contacts in line or in hands."""
        for contact in self.facts.contacts.values():
            if contact.stage in ("SCHEDULED", "IN_QUEUE", "OFFERED"):
                yield contact.queue_id, contact.channel, contact.subtype, contact.stage
        for agent in self.facts.agents.values():
            for held in agent.held.values():
                if held.grip in ("CONNECTED", "PAUSED", "ENDED"):
                    yield held.queue_id, held.channel, held.subtype, held.grip

    def serves(self, profile_id: str, queue_id: str, channels: int) -> int:
        return self.facts.profiles[profile_id].served().get(queue_id, 0) & channels

    def has_queue(self, queue_id: str) -> bool:
        return self.queues is None or queue_id in self.queues

    def has_profile(self, profile_id: str) -> bool:
        return self.profiles is None or profile_id in self.profiles

    def has_subtype(self, subtype: str) -> bool:
        return self.subtypes is None or subtype in self.subtypes

    def counts(self, agent_id: str, agent: Any) -> bool:
        if not self.has_profile(agent.profile_id):
            return False
        if self.statuses is not None and agent.status_id not in self.statuses:
            return False
        if self.step is not None and not satisfied(compiled(self.step), agent_id, agent.skills()):
            return False
        if self.queues is None:
            opened = self.facts.profiles[agent.profile_id].open_channels()
            return self.mask == ALL_CHANNELS or bool(opened & self.mask)
        return any(self.serves(agent.profile_id, name, self.mask) for name in self.queues)

    def is_free_for(self, agent: Any, number: int) -> bool:
        """Whether the agent's free slots of a channel count at all."""
        profile = self.facts.profiles[agent.profile_id]
        if self.queues is not None and not any(
            self.serves(agent.profile_id, name, 1 << number) for name in self.queues
        ):
            return False
        return not any(
            each.grip == "MISSED"
            if each.channel == number
            else not profile.mixes >> each.channel & 1
            for each in agent.held.values()
        )

    def free(self, agent: Any) -> int:
        slots = self.facts.profiles[agent.profile_id].slots
        held = [each.channel for each in agent.held.values()]
        return sum(
            max(0, slots[number] - held.count(number))
            for number in numbers_in(self.mask)
            if self.is_free_for(agent, number)
        )

    def has_contact(self, contact: Any) -> bool:
        if contact.queue_id is None or not self.mask >> contact.channel & 1:
            return False
        if self.step is not None and contact.step() != self.step:
            return False
        return (
            self.has_subtype(contact.subtype)
            and self.has_queue(contact.queue_id)
            and (
                self.profiles is None
                or any(
                    self.serves(each, contact.queue_id, 1 << contact.channel)
                    for each in self.profiles
                )
            )
        )

    def grips(self) -> list[str]:
        """How the contacts of the row are held."""
        return [
            held.grip
            for agent in self.facts.agents.values()
            for held in agent.held.values()
            if self.step is None
            and held.queue_id is not None
            and self.mask >> held.channel & 1
            and self.has_subtype(held.subtype)
            and self.has_queue(held.queue_id)
            and self.has_profile(agent.profile_id)
        ]

    def agents_with(self, counted: Iterable[Any], *grips: str) -> int:
        return sum(
            any(self.mask >> held.channel & 1 and held.grip in grips for held in each.held.values())
            for each in counted
        )

    def read(self, grouped: bool) -> tuple[dict[str, int], bool]:
        """The row's values, and whether it is active."""
        known = [each for name, each in self.facts.agents.items() if self.counts(name, each)]
        staffed = [agent for agent in known if agent.status_type == "ROUTABLE"]
        contacts = [each for each in self.facts.contacts.values() if self.has_contact(each)]
        stages = [each.stage for each in contacts]
        waits = [self.now - each.enqueued_at for each in contacts if each.stage == "IN_QUEUE"]
        grips = self.grips()
        on_contact = self.agents_with(known, "CONNECTED", "ENDED")
        values = {
            "AGENTS_ONLINE": sum(agent.status_type != "OFFLINE" for agent in known),
            "AGENTS_AVAILABLE": sum(not agent.held for agent in staffed),
            "AGENTS_ON_CALL": on_contact,
            "AGENTS_ON_CONTACT": on_contact,
            "AGENTS_NON_PRODUCTIVE": sum(agent.status_type == "CUSTOM" for agent in known),
            "AGENTS_AFTER_CONTACT_WORK": grips.count("ENDED"),
            "AGENTS_ERROR": self.agents_with(known, "MISSED"),
            "AGENTS_STAFFED": len(staffed),
            "CONTACTS_IN_QUEUE": len(waits),
            "OLDEST_CONTACT_AGE": max(waits, default=0) // (1000 if grouped else 1),
            "CONTACTS_SCHEDULED": stages.count("SCHEDULED"),
            "SLOTS_ACTIVE": grips.count("CONNECTED") + grips.count("ENDED"),
            "SLOTS_AVAILABLE": sum(self.free(agent) for agent in staffed),
        }
        holds = {"SCHEDULED", "IN_QUEUE", "OFFERED"}.intersection(stages) or values["SLOTS_ACTIVE"]
        if self.subtypes is not None:
            return values, bool(holds)
        return values, bool(holds or values["AGENTS_ONLINE"])


TIES = (
    "QUEUE",
    "CHANNEL",
    "ROUTING_PROFILE",
    "AGENT_STATUS",
    "ROUTING_STEP_EXPRESSION",
    "SUBTYPE",
)


def opinion(facts: Facts, request: dict[str, Any], now: int) -> dict[tuple[str, ...], Any]:
    """The rows of a request in their order: dimensions to the value of every metric.

    The request is one that parse takes, sorted by AGENTS_ONLINE if it does not say otherwise.
    """
    filters, groupings = request["Filters"], request.get("Groupings", [])
    queues = filters.get("Queues")
    profiles = filters.get("RoutingProfiles")
    known = None if profiles is None else [each for each in profiles if each in facts.profiles]
    channels = filters.get("Channels") or list(CHANNELS)
    contacts = facts.contacts.values()
    served = {name for each in facts.profiles.values() for name in each.served()}
    held = [each for agent in facts.agents.values() for each in agent.held.values()]
    every_queue = sorted(facts.queues | served | {each.queue_id for each in held if each.queue_id})
    sent = [canonical(text) for text in filters.get("RoutingStepExpressions") or ()]
    options = {
        "QUEUE": queues or (every_queue if known is None else sorted(_served(facts, known))),
        "CHANNEL": channels,
        "ROUTING_PROFILE": [
            each
            for each, profile in facts.profiles.items()
            if (known is None and profile.served().keys() & set(queues or ()))
            or (known is not None and each in known)
        ],
        "AGENT_STATUS": filters.get("AgentStatuses") or list(STATUSES),
        "ROUTING_STEP_EXPRESSION": sent
        or sorted({step for each in contacts if (step := each.step()) is not None}),
        "SUBTYPE": filters.get("Subtypes") or sorted({each.subtype for each in (*contacts, *held)}),
    }
    rows = []
    for dimensions in product(*(dict.fromkeys(options[each]) for each in groupings)):
        named = dict(zip(groupings, dimensions, strict=True))
        row = Plain(
            facts,
            now,
            [named["QUEUE"]] if "QUEUE" in named else queues or (None if profiles else every_queue),
            [named["ROUTING_PROFILE"]] if "ROUTING_PROFILE" in named else known,
            mask_of((named["CHANNEL"],) if "CHANNEL" in named else tuple(channels)),
            [named["AGENT_STATUS"]] if "AGENT_STATUS" in named else filters.get("AgentStatuses"),
            named.get("ROUTING_STEP_EXPRESSION"),
            [named["SUBTYPE"]] if "SUBTYPE" in named else filters.get("Subtypes"),
        )
        values, active = row.read(bool(groupings))
        if "AGENT_STATUS" in named:
            active = values["AGENTS_ONLINE"] > 0
        if "ROUTING_STEP_EXPRESSION" in named and not sent:
            active = any(row.has_contact(each) for each in contacts)
        if active:
            rows.append((dimensions, named, values))
    [sort] = request.get("SortCriteria") or [{}]
    metric = sort.get("SortByMetric", "AGENTS_ONLINE")
    sign = 1 if sort.get("SortOrder") == "ASCENDING" else -1
    rows.sort(key=lambda row: (sign * row[2][metric], [row[1].get(tie, "") for tie in TIES]))
    return {dimensions: values for dimensions, _, values in rows}


def _served(facts: Facts, profiles: list[str]) -> set[str]:
    return {name for each in profiles for name in facts.profiles[each].served()}


def canonical(text: str) -> str:
    [step] = steps_of({"Steps": [{"Expression": json.loads(text)}]})
    return step.expression
