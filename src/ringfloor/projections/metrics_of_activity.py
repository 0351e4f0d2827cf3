"""Metrics of activity: agents' time, offers, moments, routing steps, flows and bots."""

from ringfloor.projections.metric_terms import (
    PERCENT,
    SUM,
    V1,
    V2,
    Aggregate,
    Facts,
    Kind,
    Metric,
)

MISSED = "outcome IN ('missed', 'rejected', 'customer_left')"
ON_CONTACT = "kind = 'contact'"
AVAILABLE = "kind <> 'non_productive'"
COVERED_MS = "covered"
"""Of hand time: what no earlier stretch of the same agent in the same row has covered."""
ENDED = "ended_at IS NOT NULL"
WHOLE, INTENT = "intent IS NULL", "intent IS NOT NULL"
LASTED_MS = "ended_at - started_at"
RANG_MS = "ended_at - offered_at"

ALL = "Q C RP A AH"
STAFF = "RP A AH"
OUTCOME = ("FLOWS_OUTCOME_TYPE",)
CONVERSATION_OUTCOME = ("BOT_CONVERSATION_OUTCOME_TYPE",)
INTENT_OUTCOME = ("BOT_INTENT_OUTCOME_TYPE", "BOT_INTENTS_OUTCOME_TYPE")
"""The guide spells it both ways."""
INTENTS = "BOT BOT_INTENT_NAME"
WITHOUT_OUTCOME_GROUPING = (
    "FLW FLOWS_NEXT_RESOURCE_ID FLOWS_NEXT_RESOURCE_QUEUE_ID FLOWS_OUTCOME_TYPE*"
)
RINGING_METHODS = ("INBOUND", "OUTBOUND", "CALLBACK", "API")


def _metric(
    facts: Facts,
    kind: Kind,
    over: Aggregate,
    v2: V2 | None,
    doc: str,
    *,
    under: Aggregate | None = None,
    v1: V1 | None = None,
) -> Metric:
    return Metric(facts=facts, kind=kind, over=over, under=under, doc=doc, v1=v1, v2=v2)


def _time(name: str, where: str, doc: str) -> Metric:
    v2 = V2((name,), "Seconds", STAFF)
    return _metric("agent time", "sum", Aggregate("sum", where, "ms"), v2, doc)


def _average(facts: Facts, where: str, term: str, v2: V2, doc: str) -> Metric:
    over, under = Aggregate("sum", where, term), Aggregate("count", where, term)
    return _metric(facts, "average", over, v2, doc, under=under)


def _occupied(kind: Kind, doc: str, v1: V1 | None = None, v2: V2 | None = None) -> Metric:
    over, under = Aggregate("sum", ON_CONTACT, "ms"), Aggregate("sum", AVAILABLE, "ms")
    return _metric("agent time", kind, over, v2, doc, under=under, v1=v1)


V1_AND_V2 = (
    _metric(
        "offers",
        "count",
        Aggregate("count", MISSED),
        V2(("AGENT_NON_RESPONSE",), "Count", ALL),
        "Offers that an agent did not take; one contact may be missed many times.",
        v1=V1(("CONTACTS_MISSED",), (SUM,)),
    ),
    _occupied(
        "percent",
        "Share of the agents' Available time that they spent on contacts, 0 to 100, over the "
        "agents whose routing profile has the queue and over all channels.",
        v1=V1(("OCCUPANCY",), (PERCENT,)),
    ),
)

OFFERS = (
    _metric(
        "offers",
        "percent",
        Aggregate("count", "outcome = 'accepted'"),
        V2(("AGENT_ANSWER_RATE",), "Percent", ALL),
        "Share of the offers, 0 to 100, that agents took, of those taken and not taken.",
        under=Aggregate("count", f"outcome = 'accepted' OR {MISSED}"),
    ),
    _metric(
        "offers",
        "count",
        Aggregate("count", "outcome IN ('missed', 'rejected') AND channel = 'VOICE'"),
        V2(("AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS",), "Count", ALL),
        "Offers of calls that an agent did not take, but for those where the customer left.",
    ),
    _average(
        "offers",
        "TRUE",
        RANG_MS,
        V2(("AVG_AGENT_CONNECTING_TIME",), "Seconds", ALL, ("INITIATION_METHOD",), RINGING_METHODS),
        "Average time from an offer, or the beginning of an agent's own call, until the two were "
        "joined or nothing came of it.",
    ),
    _metric(
        "offers",
        "sum",
        Aggregate("sum", term=RANG_MS),
        V2(
            ("SUM_CONNECTING_TIME_AGENT",),
            "Seconds",
            ALL,
            ("INITIATION_METHOD",),
            (*RINGING_METHODS, "CALLBACK_CUSTOMER_FIRST_DIALED"),
        ),
        "Time from offers, or the beginning of agents' own calls, until the two were joined or "
        "nothing came of it, in all.",
    ),
)

TIME = (
    _occupied(
        "ratio",
        "Share of the agents' Available time that they spent on contacts, 0 to 1.",
        v2=V2(("AGENT_OCCUPANCY",), "Percentage", STAFF),
    ),
    _metric(
        "hand time",
        "ratio",
        Aggregate("sum", term="ms"),
        V2(("AVG_AGENT_CONCURRENCY",), "Count", f"{ALL} QC"),
        "How many contacts an agent had at once, on average over the time in which he had any.",
        under=Aggregate("sum", term=COVERED_MS),
    ),
    _time("SUM_CONTACT_TIME_AGENT", ON_CONTACT, "Time in Available with a contact."),
    _time(
        "SUM_ERROR_STATUS_TIME_AGENT",
        "in_error",
        "Time with a missed, rejected or failed contact that was not cleared.",
    ),
    _time(
        "SUM_IDLE_TIME_AGENT",
        "kind = 'idle'",
        "Time in Available without a contact; ringing and errors are among it.",
    ),
    _time("SUM_NON_PRODUCTIVE_TIME_AGENT", "kind = 'non_productive'", "Time in a custom status."),
    _time("SUM_ONLINE_TIME_AGENT", "TRUE", "Time in any status but Offline."),
)


def _occurrences(names: tuple[str, ...], kind: str, keys: str, doc: str, *own: str) -> Metric:
    over = Aggregate("count", f"kind = '{kind}'")
    return _metric("occurrences", "count", over, V2(names, "Count", keys, own), doc)


def _steps(name: str, outcome: str, doc: str) -> Metric:
    over, under = Aggregate("count", f"outcome = '{outcome}'"), Aggregate("count")
    return _metric("steps", "percent", over, V2((name,), "Percent", "Q RSE"), doc, under=under)


MOMENTS = (
    _occurrences(
        ("CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT", "CONTACTS_HANDLED_CONNECTED_TO_AGENT_TIME"),
        "connected",
        "Q C A AH ST QC",
        "Contacts that were connected to an agent, as soon as they were.",
        "INITIATION_METHOD",
    ),
    _occurrences(
        ("CONTACTS_QUEUED_BY_ENQUEUE",),
        "enqueued",
        "Q C A AH ST",
        "Contacts that were put into the queue, as soon as they were; an agent has none of them.",
    ),
    _steps(
        "PERCENT_CONTACTS_STEP_EXPIRED",
        "expired",
        "Share of the contacts that entered a routing step, 0 to 100, whose step expired.",
    ),
    _steps(
        "PERCENT_CONTACTS_STEP_JOINED",
        "joined",
        "Share of the contacts that entered a routing step, 0 to 100, that were joined in it.",
    ),
    _metric(
        "steps",
        "count",
        Aggregate("count"),
        V2(("STEP_CONTACTS_QUEUED",), "Count", "Q RSE"),
        "Entries of contacts into a routing step.",
    ),
)

FLOWS = (
    _average(
        "flows",
        ENDED,
        LASTED_MS,
        V2(("AVG_FLOW_TIME",), "Seconds", "FLO"),
        "Average duration of the flows that have ended.",
    ),
    _metric(
        "flows",
        "count",
        Aggregate("count", ENDED),
        V2(("FLOWS_OUTCOME",), "Count", "FLO", OUTCOME),
        "Flows that have ended.",
    ),
    _metric(
        "flows",
        "count",
        Aggregate("count"),
        V2(("FLOWS_STARTED",), "Count", "FLW"),
        "Flows that were started.",
    ),
    _metric(
        "flows",
        "maximum",
        Aggregate("max", ENDED, LASTED_MS),
        V2(("MAX_FLOW_TIME",), "Seconds", "FLO"),
        "Duration of the longest flow.",
    ),
    _metric(
        "flows",
        "minimum",
        Aggregate("min", ENDED, LASTED_MS),
        V2(("MIN_FLOW_TIME",), "Seconds", "FLO"),
        "Duration of the shortest flow.",
    ),
    _metric(
        "flows",
        "percent",
        Aggregate("count", ENDED),
        V2(("PERCENT_FLOWS_OUTCOME",), "Percent", WITHOUT_OUTCOME_GROUPING, OUTCOME),
        "Share of the flows that have ended, 0 to 100, that ended as the metric's filter says.",
        under=Aggregate("count", ENDED),
    ),
)

BOTS = (
    _average(
        "bots",
        WHOLE,
        LASTED_MS,
        V2(("AVG_BOT_CONVERSATION_TIME",), "Seconds", "BOT", CONVERSATION_OUTCOME),
        "Average duration of conversations with bots.",
    ),
    _metric(
        "bots",
        "mean",
        Aggregate("sum", WHOLE, "turns"),
        V2(("AVG_BOT_CONVERSATION_TURNS",), "Count", "BOT", CONVERSATION_OUTCOME),
        "Turns of a conversation with a bot, on average.",
        under=Aggregate("count", WHOLE),
    ),
    _metric(
        "bots",
        "count",
        Aggregate("count", WHOLE),
        V2(("BOT_CONVERSATIONS_COMPLETED",), "Count", "BOT", CONVERSATION_OUTCOME),
        "Conversations with bots that are over.",
    ),
    _metric(
        "bots",
        "count",
        Aggregate("count", INTENT),
        V2(
            ("BOT_INTENTS_COMPLETED",),
            "Count",
            INTENTS,
            (*CONVERSATION_OUTCOME, *INTENT_OUTCOME),
        ),
        "Intents of conversations with bots that are over.",
    ),
    _metric(
        "bots",
        "percent",
        Aggregate("count", WHOLE),
        V2(("PERCENT_BOT_CONVERSATIONS_OUTCOME",), "Percent", "BOT", CONVERSATION_OUTCOME),
        "Share of the conversations with bots, 0 to 100, that ended as the metric's filter says.",
        under=Aggregate("count", WHOLE),
    ),
    _metric(
        "bots",
        "percent",
        Aggregate("count", INTENT),
        V2(("PERCENT_BOT_INTENTS_OUTCOME",), "Percent", INTENTS, INTENT_OUTCOME),
        "Share of the intents, 0 to 100, that ended as the metric's filter says.",
        under=Aggregate("count", INTENT),
    ),
)
