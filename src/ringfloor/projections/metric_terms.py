"""Metric terms: what a definition of a historical metric is made of.

The definitions stand in metrics_of_contacts, metrics_of_activity and metrics_without_data; whoever
uses them comes through historical_metrics.

Rules:
- A definition names facts, one aggregate or two of them, and what is made of those. Aggregates are
  integers (counts and milliseconds). A value is one division, made last, in result.
- The fragments name columns of domain.facts and constants of our own, never text of a user.
- Where it counts at all: a leg by its disconnected_at, an offer by its ended_at, an occurrence by
  its `at`, a step by entered_at, a flow by started_at, a bot's conversation by flow_started_at;
  agents' and hands' time is cut at the borders. Ranges are half-open: start <= moment < end.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from ringfloor.base.time import SECOND

Facts = Literal[
    "legs",
    "offers",
    "occurrences",
    "hand time",
    "agent time",
    "steps",
    "flows",
    "bots",
    "nothing",
]
Kind = Literal[
    "count", "sum", "maximum", "minimum", "average", "mean", "percent", "ratio", "nothing"
]
"""sum, maximum, minimum, average: milliseconds in, seconds out. mean: of plain numbers. percent: 0
to 100; ratio: 0 to 1, or of two sums."""
Pair = tuple[str, str]
"""Statistic and Unit."""

SUM: Pair = ("SUM", "COUNT")
AVERAGE: Pair = ("AVG", "SECONDS")
MAXIMUM: Pair = ("MAX", "SECONDS")
PERCENT: Pair = ("AVG", "PERCENT")

LT_OR_LTE = ("LT", "LTE")


class Aggregate(NamedTuple):
    """What is counted or measured: over the facts of which `where` is true, on the term.

    A count without a term counts facts, with one those that have it.
    """

    does: Literal["count", "sum", "max", "min"]
    where: str = "TRUE"
    term: str = ""

    def sql(self, only: str = "TRUE") -> str:
        """only: a further condition. CASE is quicker here than FILTER."""
        conditions = [each for each in (self.where, only) if each != "TRUE"]
        if not conditions:
            return f"{self.does}({self.term or '*'})"
        where = (
            " AND ".join(f"({each})" for each in conditions) if conditions[1:] else conditions[0]
        )
        return f"{self.does}(CASE WHEN {where} THEN {self.term or '1'} END)"


class V1(Struct, frozen=True):
    """How GetMetricData knows a metric: by its names, with (Statistic, Unit) pairs.

    The first of each fills in what is left out.
    """

    names: tuple[str, ...]
    pairs: tuple[Pair, ...]


class V2(Struct, frozen=True):
    """How GetMetricDataV2 knows a metric.

    keys: codes of KEYS or keys themselves, by which it is filtered and, but for those with a *,
    grouped. metric_filters: keys of its own filters. methods: the only initiation methods that
    those may name, and then without Negate; none: any. comparisons: of its threshold, which it
    then needs. required: a filter that must be there.
    """

    names: tuple[str, ...]
    unit: str
    keys: str
    metric_filters: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    comparisons: tuple[str, ...] = ()
    required: str | None = None

    @property
    def filters(self) -> frozenset[str]:
        """The keys it can be filtered by."""
        codes = [code.rstrip("*") for code in self.keys.split()]
        return frozenset(key for code in codes for key in _keys(code)) - GROUPINGS_ONLY

    @property
    def groupings(self) -> frozenset[str]:
        """The keys it can be grouped by."""
        codes = [code for code in self.keys.split() if not code.endswith("*")]
        return frozenset(key for code in codes for key in _keys(code)) - FILTERS_ONLY


class Metric(Struct, frozen=True, kw_only=True):
    """One metric: the facts it is made of, how, and what the two operations call it."""

    facts: Facts
    kind: Kind
    doc: str
    over: Aggregate | None = None
    under: Aggregate | None = None
    v1: V1 | None = None
    v2: V2 | None = None

    @property
    def name(self) -> str:
        """In GetMetricData, or else in GetMetricDataV2."""
        return (self.v1 or self._v2).names[0]

    @property
    def aliases(self) -> tuple[str, ...]:
        """Further names in GetMetricData."""
        return self.v1.names[1:] if self.v1 else ()

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """What GetMetricData's Statistic and Unit may be."""
        return self.v1.pairs if self.v1 else ()

    @property
    def has_threshold(self) -> bool:
        """Whether its over is what lies below a threshold."""
        return self.v2 is not None and bool(self.v2.comparisons) and self.facts != "nothing"

    @property
    def _v2(self) -> V2:
        assert self.v2 is not None, "a metric has a name"
        return self.v2


def aggregates(metric: Metric, only: str = "TRUE") -> tuple[str, ...]:
    """The SQL aggregates that result needs, each an integer, but what a threshold decides.

    only: the metric's own filters. A share is that of what passes them in all there is.
    """
    if metric.over is None:
        return ()
    over = () if metric.has_threshold else (metric.over.sql(only),)
    if metric.under is None:
        return over
    return (*over, metric.under.sql("TRUE" if metric.kind == "percent" else only))


def result(metric: Metric, over: int | None = None, under: int | None = None) -> float | None:
    """The value on the wire; None where the API knows no value.

    over: the count, the longest, or the sum; under: what it is divided by.
    """
    match metric.kind:
        case "count":
            return float(over or 0)
        case "sum":
            return (over or 0) / SECOND
        case "maximum" | "minimum":
            return None if over is None else over / SECOND
        case "average":
            return (over or 0) / (under * SECOND) if under else None
        case "mean" | "ratio":
            return (over or 0) / under if under else None
        case "percent":
            return 100 * (over or 0) / under if under else None
        case "nothing":
            return None


# Keys of filters and groupings

SUBTYPE = "contact/segmentAttributes/connect:Subtype"
TEST_TYPE = "contact/segmentAttributes/connect:ValidationTestType"
_LEVELS = tuple(
    f"AGENT_HIERARCHY_LEVEL_{level}" for level in ("ONE", "TWO", "THREE", "FOUR", "FIVE")
)
_CHAT = "A AH C ST DR F RSE IM RP Q QC"
_FLOW = "C ST FLOW_TYPE FLOWS_MODULE_RESOURCE_ID FLOWS_RESOURCE_ID IM RESOURCE_PUBLISHED_TIMESTAMP"
_BOT = (
    "C ST BOT_ID BOT_ALIAS BOT_VERSION BOT_LOCALE FLOWS_RESOURCE_ID FLOWS_MODULE_RESOURCE_ID"
    " FLOW_TYPE FLOW_ACTION_ID INVOKING_RESOURCE_PUBLISHED_TIMESTAMP IM INVOKING_RESOURCE_TYPE"
    " PARENT_FLOWS_RESOURCE_ID"
)
_AI = "AI_AGENT_ID AI_AGENT_NAME AI_AGENT_NAME_VERSION AI_AGENT_TYPE AIU C Q RP SESSION_ID"
_EVALUATION = "A AH C EVALUATION_FORM EVALUATION_SOURCE FORM_VERSION Q RP"
_EVALUATED = (
    "A AH AI_AGENT_ID AI_AGENT_NAME AI_AGENT_NAME_VERSION AI_AGENT_TYPE AIU BOT_ID BOT_INTENT_NAME"
    " BOT_LOCALE CAMPAIGN CAMPAIGN_DELIVERY_EVENT_TYPE C DR EVALUATION_FORM EVALUATION_QUESTION"
    " EVALUATION_SECTION EVALUATION_SOURCE EVALUATOR_ID F FLOW_TYPE FLOWS_MODULE_RESOURCE_ID"
    " FLOWS_NEXT_RESOURCE_ID FLOWS_NEXT_RESOURCE_QUEUE_ID FLOWS_OUTCOME_TYPE FLOWS_RESOURCE_ID IM"
    " LIFETIME_VALUE QC Q REPEAT_CALLER RESOURCE_PUBLISHED_TIMESTAMP RP RSE SESSION_ID ST"
)

KEYS: Mapping[str, str] = {
    "Q": "QUEUE",
    "C": "CHANNEL",
    "RP": "ROUTING_PROFILE",
    "A": "AGENT",
    "AH": " ".join(_LEVELS),
    "F": "FEATURE",
    "ST": SUBTYPE,
    "QC": "Q_CONNECT_ENABLED",
    "RSE": "ROUTING_STEP_EXPRESSION",
    "DR": "DISCONNECT_REASON",
    "IM": "INITIATION_METHOD",
    "AIU": "AI_USE_CASE",
    "CHT": _CHAT,
    "FLW": _FLOW,
    "FLO": f"{_FLOW} FLOWS_NEXT_RESOURCE_ID FLOWS_NEXT_RESOURCE_QUEUE_ID FLOWS_OUTCOME_TYPE",
    "BOT": _BOT,
    "CASE": "CASE_TEMPLATE_ARN CASE_STATUS",
    "AIK": _AI,
    "AIA": f"AI_AGENT {_AI}",
    "AIT": f"AI_AGENT {_AI} AI_TOOL_ID AI_TOOL_NAME AI_TOOL_TYPE",
    "AIP": f"AI_AGENT {_AI} AI_PROMPT AI_PROMPT_ID AI_PROMPT_NAME AI_PROMPT_TYPE"
    " AI_PROMPT_NAME_VERSION",
    "EVL": _EVALUATION,
    "EVQ": f"{_EVALUATION} EVALUATION_SECTION EVALUATION_QUESTION",
    "EVK": _EVALUATED,
    "DEV": f"BROWSER_NAME CAMPAIGN C {SUBTYPE} DEVICE_MODEL DEVICE_TYPE WEB_NOTIFICATION_TYPE",
}
"""Codes for keys that go together; of codes or of keys as the API spells them."""

FILTERS_ONLY = frozenset({"FLOWS_NEXT_RESOURCE_ID", "FLOWS_NEXT_RESOURCE_QUEUE_ID", TEST_TYPE})
"""Keys that filter and do not group."""

GROUPINGS_ONLY = frozenset(
    {"AI_PROMPT_NAME_VERSION", "KNOWLEDGE_ARTICLE_NAME", "CAMPAIGN_EXECUTION_TIMESTAMP"}
)
"""Keys that group and do not filter."""


def _keys(code: str) -> frozenset[str]:
    """The keys that a code stands for; one that is no code stands for itself."""
    if code not in KEYS:
        return frozenset({code})
    return frozenset(key for each in KEYS[code].split() for key in _keys(each))
