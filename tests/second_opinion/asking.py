"""Asking: what may be asked about a story, at random, as requests of the two operations.

By which keys a metric may be filtered and grouped is read from v2-metrics.json of the metrics
specification, which lies beside the repository.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from ringfloor.base.time import Instant
from second_opinion.counted import FACTS, LEVELS, SUBTYPE
from second_opinion.formulas import CHAT_METRICS, FIRST, METRICS
from second_opinion.story import Story

SPEC = Path(__file__).resolve().parents[2].parent / "shared" / "spec"

WORDS: dict[str, tuple[str, ...]] = {
    "Queue": ("QUEUE",),
    "Channel": ("CHANNEL",),
    "Routing Profile": ("ROUTING_PROFILE",),
    "Agent": ("AGENT",),
    "Agent Hierarchy": LEVELS,
    SUBTYPE: (SUBTYPE,),
    "RoutingStepExpression": ("ROUTING_STEP_EXPRESSION",),
    "Disconnect Reason": ("DISCONNECT_REASON",),
    "Initiation method": ("INITIATION_METHOD",),
    "Flow type": ("FLOW_TYPE",),
    "Flows resource ID": ("FLOWS_RESOURCE_ID",),
    "Flows module resource ID": ("FLOWS_MODULE_RESOURCE_ID",),
    "Flows outcome type": ("FLOWS_OUTCOME_TYPE",),
    "Flows next resource ID": ("FLOWS_NEXT_RESOURCE_ID",),
    "Flows next resource queue ID": ("FLOWS_NEXT_RESOURCE_QUEUE_ID",),
    "Bot ID": ("BOT_ID",),
    "Bot alias": ("BOT_ALIAS",),
    "Bot version": ("BOT_VERSION",),
    "Bot locale": ("BOT_LOCALE",),
    "Bot intent name": ("BOT_INTENT_NAME",),
    "Flow action ID": ("FLOW_ACTION_ID",),
    "Invoking resource type": ("INVOKING_RESOURCE_TYPE",),
    "Parent flows resource ID": ("PARENT_FLOWS_RESOURCE_ID",),
}
AUTHORISING = ("QUEUE", "ROUTING_PROFILE", "AGENT", *LEVELS)
FILTERS_ONLY = ("FLOWS_NEXT_RESOURCE_ID", "FLOWS_NEXT_RESOURCE_QUEUE_ID")
CHANNELS = ("VOICE", "CHAT", "TASK", "EMAIL")
PERIODS = ("TOTAL", "FIFTEEN_MIN", "THIRTY_MIN", "HOUR", "DAY", "WEEK")
ZONES = (
    "UTC",
    "Asia/Kathmandu",
    "America/New_York",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
    "America/St_Johns",
)
OWN_FILTERS = {
    "CONTACTS_HANDLED": ("INITIATION_METHOD", "DISCONNECT_REASON"),
    "CONTACTS_CREATED": ("INITIATION_METHOD", "DISCONNECT_REASON"),
    "CONTACTS_ABANDONED": ("INITIATION_METHOD", "DISCONNECT_REASON"),
    "SUM_CONTACTS_DISCONNECTED": ("DISCONNECT_REASON",),
    "AVG_ABANDON_TIME": ("INITIATION_METHOD",),
    "AVG_AFTER_CONTACT_WORK_TIME": ("INITIATION_METHOD",),
    "AVG_INTERACTION_TIME": ("INITIATION_METHOD",),
    "AVG_QUEUE_ANSWER_TIME": ("INITIATION_METHOD", "DISCONNECT_REASON"),
    "AVG_AGENT_CONNECTING_TIME": ("INITIATION_METHOD",),
    "SUM_CONNECTING_TIME_AGENT": ("INITIATION_METHOD",),
    "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT": ("INITIATION_METHOD",),
    "FLOWS_OUTCOME": ("FLOWS_OUTCOME_TYPE",),
    "PERCENT_FLOWS_OUTCOME": ("FLOWS_OUTCOME_TYPE",),
    "AVG_BOT_CONVERSATION_TIME": ("BOT_CONVERSATION_OUTCOME_TYPE",),
    "AVG_BOT_CONVERSATION_TURNS": ("BOT_CONVERSATION_OUTCOME_TYPE",),
    "BOT_CONVERSATIONS_COMPLETED": ("BOT_CONVERSATION_OUTCOME_TYPE",),
    "BOT_INTENTS_COMPLETED": ("BOT_CONVERSATION_OUTCOME_TYPE", "BOT_INTENT_OUTCOME_TYPE"),
    "PERCENT_BOT_CONVERSATIONS_OUTCOME": ("BOT_CONVERSATION_OUTCOME_TYPE",),
    "PERCENT_BOT_INTENTS_OUTCOME": ("BOT_INTENT_OUTCOME_TYPE",),
}
NOBODYS = {
    "ROUTING_STEP_EXPRESSION": '{"NotAttributeCondition":{}}',
    "FLOWS_OUTCOME_TYPE": "DROPPED",
    "INITIATION_METHOD": "WEBRTC_API",
    "BOT_CONVERSATION_OUTCOME_TYPE": "DROPPED",
    "BOT_INTENT_OUTCOME_TYPE": "SWITCHED",
}
"""Values that no fact has, or might not have, of keys that do not take any text."""
METHODS = ("INBOUND", "OUTBOUND", "CALLBACK", "API")


FAMILIES: list[list[str]] = [
    [name for name, (facts, _) in METRICS.items() if facts == kind and name not in CHAT_METRICS]
    for kind in FACTS
]
FAMILIES.append(list(CHAT_METRICS))
"""Metrics that are made of the same facts; they are asked for in turn."""


def keys_of_metrics() -> dict[str, frozenset[str]]:
    told = json.loads((SPEC / "v2-metrics.json").read_text(encoding="utf-8"))
    keys = {
        each["name"]: frozenset(
            key for word in each["groupings_and_filters"] for key in WORDS.get(word, ())
        )
        for each in told
        if each["name"] in METRICS
    }
    keys["PERCENT_FLOWS_OUTCOME"] -= {"FLOWS_OUTCOME_TYPE"}  # the API's reference: no grouping
    return keys


def values_of(story: Story) -> dict[str, list[str]]:
    """By key, what facts have there."""
    found: dict[str, set[str]] = {}
    for facts in FACTS.values():
        for fact in facts(story):
            for key, value in fact.keys.items():
                found.setdefault(key, set()).add(value)
    return {key: sorted(values) for key, values in found.items()}


class Asking:
    """Requests about one story, all by chance."""

    def __init__(self, story: Story, begun: Instant, dice: Random) -> None:
        self.story = story
        self.begun = begun // 1000
        self.now = story.at // 1000
        self.dice = dice
        self.keys = keys_of_metrics()
        self.asked = dice.randrange(len(FAMILIES))
        self.values = values_of(story)
        facts = [fact for each in FACTS.values() for fact in each(story)]
        self.moments = sorted({fact.at for fact in facts} | {fact.until or 0 for fact in facts})

    def some(self, choices: Sequence[str], most: int, least: int = 1) -> list[str]:
        count = min(len(choices), self.dice.randint(least, most))
        return self.dice.sample(list(choices), count)

    # GetMetricData

    def first(self) -> dict[str, Any]:
        """Of the five minutes before and after what has happened, too."""
        start = (self.begun // 300 - 1) * 300
        ends = max(2, min(280, (self.now - start) // 300 + 2))
        cuts = sorted(self.dice.sample(range(ends + 1), 2))
        names = list(FIRST) if self.dice.random() < 0.5 else self.some(list(FIRST), 6)
        asked: list[dict[str, Any]] = []
        for name in names:
            for seconds in self.thresholds() if name == "SERVICE_LEVEL" else (None,):
                asked.append({"Name": name})
                if seconds is not None:
                    limit = {"Comparison": "LT", "ThresholdValue": seconds}
                    asked[-1]["Threshold"] = limit
        filters: dict[str, Any] = {}
        if self.dice.random() < 0.6:
            filters["Queues"] = [*self.some(self.values.get("QUEUE", []), 3), "no queue"]
        if not filters or self.dice.random() < 0.5:
            filters["Channels"] = self.some(CHANNELS, 4)
        return {
            "StartTime": start + 300 * cuts[0],
            "EndTime": start + 300 * cuts[1],
            "Filters": filters,
            "Groupings": self.some(("QUEUE", "CHANNEL"), 2, 0),
            "HistoricalMetrics": asked,
        }

    def thresholds(self) -> list[int]:
        """Those at which somebody leaves a queue, or that nobody does."""
        waits = [leg.wait_ms for leg in self.story.legs.values() if leg.wait_ms]
        exact = {wait // 1000 for wait in waits if wait % 1000 == 0}
        choices = sorted(exact or {1 + wait // 1000 for wait in waits} | {1})
        others = self.some(["1", "15", "20", "604800"], 3)
        some = self.dice.sample(choices, min(len(choices), self.dice.randint(1, 3)))
        return [*some, *map(int, others)]

    # GetMetricDataV2

    def second(self, *names: str) -> dict[str, Any]:
        """names: metrics that must be among those asked for."""
        names = names or (self.dice.choice(FAMILIES[self.asked % len(FAMILIES)]),)
        self.asked += 1
        keys = frozenset.intersection(*(self.keys[name] for name in names))
        groupings = self.some([key for key in sorted(keys) if key not in FILTERS_ONLY], 3, 0)
        authorising = [key for key in AUTHORISING if key in keys] or sorted(keys)
        filters = [self.condition(self.dice.choice(authorising), whole=self.dice.random() < 0.6)]
        while self.dice.random() < 0.4 and len(filters) < 5:
            further = sorted(keys - {each["FilterKey"] for each in filters})
            if further:
                filters.append(self.condition(self.dice.choice(further), whole=False))
        used = {*groupings, *(each["FilterKey"] for each in filters[1:])}
        if filters[0]["FilterKey"] in keys:
            used.add(filters[0]["FilterKey"])
        others = [name for name, mine in self.keys.items() if used <= mine and name not in names]
        if METRICS[names[0]][0] in ("flows", "talks"):
            others = [name for name in others if METRICS[name][0] == METRICS[names[0]][0]]
        chosen = [*names, *self.some(others, 8, 0)]
        period = self.dice.choice(PERIODS)
        start, end = self.range(period)
        return {
            "StartTime": start,
            "EndTime": end,
            "Interval": {"IntervalPeriod": period, "TimeZone": self.dice.choice(ZONES)},
            "Filters": filters,
            "Groupings": groupings,
            "Metrics": [each for name in chosen for each in self.metric(name)],
        }

    def condition(self, key: str, *, whole: bool) -> dict[str, Any]:
        """whole: everything that has such a key at all."""
        nobodys = NOBODYS.get(key, "nobody's")
        values = [*self.values.get(key, []), nobodys]
        if not whole and self.dice.random() < 0.15:
            return {"FilterKey": key, "StringCondition": {"Comparison": "NOT_EXISTS"}}
        if key == "CHANNEL":
            values = list(CHANNELS)
        chosen = values if whole else self.some(values, 4)
        return {"FilterKey": key, "FilterValues": chosen[:90]}

    def range(self, period: str) -> tuple[float, float]:
        """Mostly from when something happened till when something did; within what the period
        allows, and over by now.
        """
        most = (3 if period.endswith(("MIN", "HOUR")) else 35) * 86_400 - 1
        begun, now = max(self.begun - 60, self.now - most), self.now
        moments = [at / 1000 for at in self.moments if begun < at / 1000 < now]
        if self.dice.random() < 0.3 or len(moments) < 2:
            return begun, now
        start, end = sorted(self.dice.sample(moments, 2))
        return start, end

    def metric(self, name: str) -> list[dict[str, Any]]:
        asked: dict[str, Any] = {"Name": name}
        if name in OWN_FILTERS and self.dice.random() < 0.6:
            asked["MetricFilters"] = [
                self.own_filter(name, key) for key in self.some(OWN_FILTERS[name], 2)
            ]
        elif name.startswith("PERCENT_") and name in OWN_FILTERS:
            asked["MetricFilters"] = [self.own_filter(name, key) for key in OWN_FILTERS[name]]
        if not name.endswith("_IN_X") and name != "SERVICE_LEVEL":
            return [asked]
        return [
            {
                **asked,
                "Threshold": [
                    {"Comparison": self.dice.choice(("LT", "LTE")), "ThresholdValue": seconds}
                ],
            }
            for seconds in self.thresholds()
        ]

    def own_filter(self, name: str, key: str) -> dict[str, Any]:
        values = self.values.get(key) or [NOBODYS.get(key, "nothing")]
        if "CONNECTING" in name:
            values = list(METHODS)
        return {
            "MetricFilterKey": key,
            "MetricFilterValues": self.some(values, 3),
            "Negate": "CONNECTING" not in name and self.dice.random() < 0.3,
        }
