"""Current metrics: the specification's examples, and a second opinion on random histories."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_histories import clock, example_one, random_history
from ringfloor.base.time import seconds
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.counters import ALL_CHANNELS, Facts, mask_of, numbers_in
from ringfloor.projections.current_metrics import METRICS
from ringfloor.projections.current_request import metric_results, parse
from ringfloor.projections.current_rows import answer
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.waiting import Waiting

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
VECTORS = json.loads((SHARED / "spec" / "metrics-examples.json").read_text())
REALTIME = VECTORS["example1"]["realtime"]
NAMES = [metric.name for metric in METRICS if metric.name != "ESTIMATED_WAIT_TIME"]


def ask(realtime, now, names=NAMES, **request):
    query = parse(
        {"CurrentMetrics": [{"Name": name} for name in names], **request},
        lambda _kind, identifier: identifier,
    )
    return query, answer(realtime, Waiting(), query, now)


def rows_of(realtime, now, names=NAMES, **request):
    """Dimension ids to metric values."""
    _, rows = ask(realtime, now, names, **request)
    return {row.dimensions: dict(zip(names, row.values, strict=True)) for row in rows}


def at_moment(text):
    realtime = Realtime()
    for event, at in example_one():
        if at <= clock(text):
            realtime.on(event, at)
    return realtime


@pytest.mark.parametrize(
    ("moment", "name"), [(moment, name) for moment, rows in REALTIME.items() for name in rows]
)
def test_example_1_row_by_row(moment, name):
    request = {"Filters": {"Queues": ["S", "P"], "Channels": ["VOICE"]}}
    if name != "ungrouped":
        request["Groupings"] = ["QUEUE"]
    rows = rows_of(at_moment(moment), clock(moment), **request)
    row = rows[() if name == "ungrouped" else (name,)]
    expected = REALTIME[moment][name]
    assert {metric: row[metric] for metric in expected} == expected


def test_example_1_the_whole_table_of_the_text():
    """The columns that the vectors leave out."""
    request = {"Filters": {"Queues": ["S", "P"], "Channels": ["VOICE"]}, "Groupings": ["QUEUE"]}
    for moment, scheduled, slots_active in (
        ("10:03:20", 0, 0),
        ("10:03:30", 0, 0),
        ("10:05:20", 1, 1),
    ):
        row = rows_of(at_moment(moment), clock(moment), **request)[("P",)]
        assert (row["AGENTS_ONLINE"], row["AGENTS_STAFFED"]) == (2, 2)
        assert (row["CONTACTS_SCHEDULED"], row["SLOTS_ACTIVE"]) == (scheduled, slots_active)
        assert (row["AGENTS_NON_PRODUCTIVE"], row["SLOTS_AVAILABLE"]) == (0, 0)


def test_example_1_default_order_puts_more_agents_first():
    request = {"Filters": {"Queues": ["S", "P"]}, "Groupings": ["QUEUE"]}
    _, rows = ask(at_moment("10:05:50"), clock("10:05:50"), **request)
    assert [row.dimensions for row in rows] == [("P",), ("S",)]


def test_example_1_on_the_wire():
    query, rows = ask(
        at_moment("10:05:50"),
        clock("10:05:50"),
        ["AGENTS_ONLINE", "OLDEST_CONTACT_AGE"],
        Filters={"Queues": ["P"], "Channels": ["VOICE"]},
        Groupings=["QUEUE", "CHANNEL"],
    )
    assert metric_results(query, rows, "arn:{}/{}".format) == [
        {
            "Dimensions": {"Queue": {"Id": "P", "Arn": "arn:queue/P"}, "Channel": "VOICE"},
            "Collections": [
                {"Metric": {"Name": "AGENTS_ONLINE", "Unit": "COUNT"}, "Value": 2.0},
                {"Metric": {"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"}, "Value": 10.0},
            ],
        }
    ]


# A second opinion: what section 1.1 says, by plain loops over agents and contacts.


@dataclass
class Plain:
    """One row. queues: None means whatever the profiles' agents hold, and their queues."""

    facts: Facts
    now: int
    queues: list[str] | None
    profiles: list[str] | None
    mask: int

    def serves(self, profile_id, queue_id, channels):
        return self.facts.profiles[profile_id].served().get(queue_id, 0) & channels

    def has_queue(self, queue_id):
        return self.queues is None or queue_id in self.queues

    def has_profile(self, profile_id):
        return self.profiles is None or profile_id in self.profiles

    def counts(self, agent):
        if not self.has_profile(agent.profile_id):
            return False
        if self.queues is None:
            opened = self.facts.profiles[agent.profile_id].open_channels()
            return self.mask == ALL_CHANNELS or bool(opened & self.mask)
        return any(self.serves(agent.profile_id, name, self.mask) for name in self.queues)

    def is_free_for(self, agent, number):
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

    def free(self, agent):
        slots = self.facts.profiles[agent.profile_id].slots
        held = [each.channel for each in agent.held.values()]
        return sum(
            max(0, slots[number] - held.count(number))
            for number in numbers_in(self.mask)
            if self.is_free_for(agent, number)
        )

    def has_contact(self, contact):
        if contact.queue_id is None or not self.mask >> contact.channel & 1:
            return False
        return self.has_queue(contact.queue_id) and (
            self.profiles is None
            or any(
                self.serves(each, contact.queue_id, 1 << contact.channel) for each in self.profiles
            )
        )

    def grips(self):
        """How the contacts of the row are held."""
        return [
            held.grip
            for agent in self.facts.agents.values()
            for held in agent.held.values()
            if held.queue_id is not None
            and self.mask >> held.channel & 1
            and self.has_queue(held.queue_id)
            and self.has_profile(agent.profile_id)
        ]

    def agents_with(self, agents, *grips):
        return sum(
            any(self.mask >> held.channel & 1 and held.grip in grips for held in each.held.values())
            for each in agents
        )

    def read(self, grouped):
        """The row's values, and whether it is active."""
        agents = [agent for agent in self.facts.agents.values() if self.counts(agent)]
        staffed = [agent for agent in agents if agent.status_type == "ROUTABLE"]
        contacts = [each for each in self.facts.contacts.values() if self.has_contact(each)]
        stages = [each.stage for each in contacts]
        waits = [self.now - each.enqueued_at for each in contacts if each.stage == "IN_QUEUE"]
        grips = self.grips()
        on_contact = self.agents_with(agents, "CONNECTED", "ENDED")
        values = {
            "AGENTS_ONLINE": sum(agent.status_type != "OFFLINE" for agent in agents),
            "AGENTS_AVAILABLE": sum(not agent.held for agent in staffed),
            "AGENTS_ON_CALL": on_contact,
            "AGENTS_ON_CONTACT": on_contact,
            "AGENTS_NON_PRODUCTIVE": sum(agent.status_type == "CUSTOM" for agent in agents),
            "AGENTS_AFTER_CONTACT_WORK": grips.count("ENDED"),
            "AGENTS_ERROR": self.agents_with(agents, "MISSED"),
            "AGENTS_STAFFED": len(staffed),
            "CONTACTS_IN_QUEUE": len(waits),
            "OLDEST_CONTACT_AGE": max(waits, default=0) // (1000 if grouped else 1),
            "CONTACTS_SCHEDULED": stages.count("SCHEDULED"),
            "SLOTS_ACTIVE": grips.count("CONNECTED") + grips.count("ENDED"),
            "SLOTS_AVAILABLE": sum(self.free(agent) for agent in staffed),
        }
        active = {"SCHEDULED", "IN_QUEUE", "OFFERED"}.intersection(stages)
        return values, bool(active or values["AGENTS_ONLINE"] or values["SLOTS_ACTIVE"])


CHANNEL_FILTERS = st.lists(st.sampled_from(CHANNELS), unique=True, max_size=4)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.integers(0, 2**40), min_size=60, max_size=120),
    CHANNEL_FILTERS,
    st.sampled_from(
        [
            ("Queues",),
            ("Queues", "QUEUE"),
            ("Queues", "QUEUE", "CHANNEL"),
            ("Queues", "CHANNEL"),
            ("RoutingProfiles",),
            ("RoutingProfiles", "ROUTING_PROFILE"),
            ("RoutingProfiles", "ROUTING_PROFILE", "CHANNEL"),
            ("RoutingProfiles", "QUEUE"),
            ("RoutingProfiles", "QUEUE", "ROUTING_PROFILE"),
            ("RoutingProfiles", "CHANNEL"),
        ]
    ),
)
def test_every_row_is_what_plain_loops_find(numbers, channels, asked):
    realtime, now = Realtime(), 0
    for event, now in random_history(numbers):
        realtime.on(event, now)
    facts = realtime.facts
    kind, *groupings = asked
    queues = [*sorted(facts.queues), "unknown"] if kind == "Queues" else None
    profiles = [*sorted(facts.profiles)[:3], "unknown"] if kind == "RoutingProfiles" else None
    rows = rows_of(
        realtime,
        now + 500,
        Filters={kind: queues or profiles, "Channels": channels},
        Groupings=groupings,
    )
    known = [each for each in profiles or () if each in facts.profiles] if profiles else None
    options = {
        "QUEUE": sorted(facts.queues | {"unknown"}),
        "CHANNEL": channels or list(CHANNELS),
        "ROUTING_PROFILE": known,
    }
    expected = {}
    for dimensions in _product([options[grouping] for grouping in groupings]):
        named = dict(zip(groupings, dimensions, strict=True))
        row_queues = [named["QUEUE"]] if "QUEUE" in named else queues
        row_profiles = [named["ROUTING_PROFILE"]] if "ROUTING_PROFILE" in named else known
        mask = mask_of((named["CHANNEL"],) if "CHANNEL" in named else tuple(channels or CHANNELS))
        plain = Plain(facts, now + 500, row_queues, row_profiles, mask)
        values, active = plain.read(bool(groupings))
        if active:
            expected[dimensions] = values
    assert rows.keys() - expected.keys() == set()
    if kind == "Queues" or "QUEUE" not in groupings:
        assert rows == expected
    else:  # a queue that none of the profiles serves has no row by profile
        for key, values in rows.items():
            assert values == expected[key]


def _product(options):
    if not options:
        return [()]
    return [(one, *rest) for one in options[0] for rest in _product(options[1:])]


ADDITIVE = [
    "AGENTS_AFTER_CONTACT_WORK",
    "CONTACTS_IN_QUEUE",
    "CONTACTS_SCHEDULED",
    "SLOTS_ACTIVE",
    "SLOTS_AVAILABLE",
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**40), min_size=60, max_size=120))
def test_rows_add_up_over_channels_and_contacts_over_queues(numbers):
    realtime, now = Realtime(), 0
    for event, now in random_history(numbers):
        realtime.on(event, now)
    everything = {"Filters": {"Channels": list(CHANNELS)}}
    by_both = rows_of(realtime, now, ADDITIVE, **everything, Groupings=["QUEUE", "CHANNEL"])
    by_queue = rows_of(realtime, now, ADDITIVE, **everything, Groupings=["QUEUE"])
    by_channel = rows_of(realtime, now, ADDITIVE, **everything, Groupings=["CHANNEL"])
    [whole] = rows_of(realtime, now, ADDITIVE, **everything).values() or [{}]
    for name in ADDITIVE:
        for (queue_id,), row in by_queue.items():
            parts = [values[name] for (key, _), values in by_both.items() if key == queue_id]
            assert row[name] == sum(parts)
        assert whole.get(name, 0) == sum(row[name] for row in by_channel.values())
        if name != "SLOTS_AVAILABLE":
            assert whole.get(name, 0) == sum(row[name] for row in by_queue.values())


def test_seconds_are_whole_in_a_grouped_row_and_milliseconds_are_kept_in_another():
    moment = clock("10:05:50") + 999
    request = {"Filters": {"Queues": ["P"]}}
    realtime = at_moment("10:05:50")
    assert rows_of(realtime, moment, **request)[()]["OLDEST_CONTACT_AGE"] == 10_999
    grouped = rows_of(realtime, moment, **request, Groupings=["QUEUE"])
    assert grouped[("P",)]["OLDEST_CONTACT_AGE"] == seconds(10_000)


def test_the_direction_of_the_oldest_contact_age_is_a_switch():
    realtime, now = at_moment("10:05:50"), clock("10:05:50")
    for in_ms, groupings, value in (
        ("grouped", ["QUEUE"], 10_000.0),
        ("grouped", [], 10.0),
        ("never", [], 10.0),
        ("never", ["QUEUE"], 10.0),
    ):
        query, _ = ask(
            realtime, now, ["OLDEST_CONTACT_AGE"], Filters={"Queues": ["P"]}, Groupings=groupings
        )
        [row] = answer(realtime, Waiting(), query, now, in_ms)
        assert row.values == (value,)
