"""Metrics of contacts: those that are made of legs, the chats' among them."""

from ringfloor.projections.metric_terms import (
    AVERAGE,
    LT_OR_LTE,
    MAXIMUM,
    PERCENT,
    SUM,
    V1,
    V2,
    Aggregate,
    Kind,
    Metric,
)

SERVICE_LEVEL = "SERVICE_LEVEL"

# What is true of a leg, and what is measured on it.
QUEUED = "enqueued_at IS NOT NULL"
CONNECTED = "connected_to_agent_at IS NOT NULL"
TRANSFERRED = "transfer_completed_at IS NOT NULL"
LEFT_QUEUE_BY_TRANSFER = f"{TRANSFERRED} AND pre_disconnect_state = 'IN_QUEUE'"
NOT_MOVED = "(transfer_completed_at IS NULL OR pre_disconnect_state IS DISTINCT FROM 'IN_QUEUE')"
ABANDONED = (
    f"{QUEUED} AND connected_to_agent_at IS NULL AND next_contact_id IS NULL AND {NOT_MOVED}"
)
HELD = f"{CONNECTED} AND holds > 0"
ON_HOLD = "pre_disconnect_state = 'CONNECTED_ONHOLD'"
CHAT = "channel = 'CHAT'"
CALLED_BACK = "initiation_method = 'CALLBACK_CUSTOMER_FIRST_DIALED'"
WAIT_MS = "dequeued_at - enqueued_at"
WORK_MS = "coalesce(after_contact_work_ms, 0)"
INTERACTION_AND_HOLD_MS = "coalesce(interaction_ms, 0) + coalesce(hold_ms, 0)"
HANDLE_MS = f"{INTERACTION_AND_HOLD_MS} + {WORK_MS} + coalesce(pause_ms, 0)"
ACTIVE_MS = f"{INTERACTION_AND_HOLD_MS} + {WORK_MS}"
RESOLUTION_MS = (
    "greatest(0, greatest(coalesce(after_contact_work_ended_at, disconnected_at), disconnected_at)"
    " - initiated_at)"
)
FLOW_MS = (
    "greatest(0, coalesce(enqueued_at, transfer_completed_at, disconnected_at)"
    " - connected_to_system_at)"
)
INTERACTED_OR_HELD = "interaction_ms IS NOT NULL OR hold_ms IS NOT NULL"

# The metric filters of counts of contacts.
METHOD_AND_REASON = ("INITIATION_METHOD", "DISCONNECT_REASON")

ALL = "Q C RP A AH"


def _leg(
    kind: Kind,
    over: Aggregate,
    doc: str,
    *,
    v1: V1 | None = None,
    v2: V2 | None = None,
    under: Aggregate | None = None,
) -> Metric:
    return Metric(facts="legs", kind=kind, over=over, under=under, doc=doc, v1=v1, v2=v2)


def _count(name: str, where: str, doc: str, *, v1: bool = True, keys: str = "") -> Metric:
    """keys: of GetMetricDataV2, which does not know it without."""
    return _leg(
        "count",
        Aggregate("count", where),
        doc,
        v1=V1((name,), (SUM,)) if v1 else None,
        v2=V2((name,), "Count", keys, METHOD_AND_REASON) if keys else None,
    )


def _average(
    where: str, term: str, doc: str, *, v1: V1 | None = None, v2: V2 | None = None
) -> Metric:
    over, under = Aggregate("sum", where, term), Aggregate("count", where, term)
    return _leg("average", over, doc, v1=v1, v2=v2, under=under)


def _sum(name: str, where: str, term: str, keys: str, doc: str, unit: str = "Seconds") -> Metric:
    return _leg("sum", Aggregate("sum", where, term), doc, v2=V2((name,), unit, keys))


def _in_x(name: str, where: str, term: str, keys: str, doc: str) -> Metric:
    v2 = V2((name,), "Count", keys, comparisons=LT_OR_LTE)
    return _leg("count", Aggregate("count", where, term), doc, v2=v2)


V1_AND_V2 = (
    _count(
        "CONTACTS_QUEUED",
        QUEUED,
        "Contacts that were put into the queue.",
        keys=f"{ALL} ST QC",
    ),
    _count(
        "CONTACTS_HANDLED",
        CONNECTED,
        "Contacts that were connected to an agent, of any kind.",
        keys=f"{ALL} F* ST RSE QC",
    ),
    _count(
        "CONTACTS_ABANDONED",
        ABANDONED,
        "Queued contacts that ended without an agent, a transfer or a callback.",
        keys=f"{ALL} ST RSE QC",
    ),
    Metric(
        facts="nothing",
        kind="nothing",
        doc="Deprecated by Amazon Connect in May 2019: accepted, never has a value.",
        v1=V1(("CONTACTS_CONSULTED",), (SUM,)),
    ),
    _count(
        "CONTACTS_AGENT_HUNG_UP_FIRST",
        f"{CONNECTED} AND disconnect_reason = 'AGENT_DISCONNECT'",
        "Handled contacts that the agent ended.",
    ),
    _count(
        "CONTACTS_HANDLED_INCOMING",
        f"{CONNECTED} AND initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER')",
        "Handled contacts that came in, transferred ones included.",
    ),
    _count(
        "CONTACTS_HANDLED_OUTBOUND",
        f"{CONNECTED} AND initiation_method = 'OUTBOUND'",
        "Handled contacts that an agent dialled.",
    ),
    _count(
        "CONTACTS_HOLD_ABANDONS",
        f"{CONNECTED} AND {ON_HOLD}",
        "Handled contacts that ended while on hold, whoever hung up.",
        keys=f"{ALL} ST QC",
    ),
    _count(
        "CONTACTS_TRANSFERRED_IN",
        "initiation_method IN ('TRANSFER', 'QUEUE_TRANSFER')",
        "Contacts that came by transfer, from an agent or from another queue.",
    ),
    _count(
        "CONTACTS_TRANSFERRED_OUT",
        TRANSFERRED,
        "Contacts that were transferred away, by an agent or out of the queue.",
        keys=f"{ALL} F* ST QC",
    ),
    _count(
        "CONTACTS_TRANSFERRED_IN_FROM_QUEUE",
        "initiation_method = 'QUEUE_TRANSFER'",
        "Contacts that came by transfer from another queue.",
    ),
    _count(
        "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
        LEFT_QUEUE_BY_TRANSFER,
        "Contacts that were transferred to another queue while they waited in this one.",
        keys=f"{ALL} ST QC",
    ),
    _count(
        "CALLBACK_CONTACTS_HANDLED",
        f"{CONNECTED} AND initiation_method = 'CALLBACK'",
        "Handled contacts that were callbacks from the queue.",
    ),
    _count(
        "API_CONTACTS_HANDLED",
        f"{CONNECTED} AND initiation_method = 'API'",
        "Handled contacts that were started through the API, as chats and tasks are.",
    ),
    _average(
        f"{INTERACTED_OR_HELD} OR after_contact_work_ms IS NOT NULL OR pause_ms IS NOT NULL",
        HANDLE_MS,
        "Average of interaction, hold, after contact work and pause of a contact.",
        v1=V1(("HANDLE_TIME",), (AVERAGE,)),
        v2=V2(("AVG_HANDLE_TIME",), "Seconds", f"{ALL} AIU F* ST RSE"),
    ),
    _average(
        CONNECTED,
        WORK_MS,
        "Average after contact work of a handled contact; none counts as 0.",
        v1=V1(("AFTER_CONTACT_WORK_TIME",), (AVERAGE,)),
        v2=V2(("AVG_AFTER_CONTACT_WORK_TIME",), "Seconds", f"{ALL} F* ST QC", METHOD_AND_REASON),
    ),
    _leg(
        "maximum",
        Aggregate("max", QUEUED, WAIT_MS),
        "Longest time that a contact was in the queue, however it left.",
        v1=V1(("QUEUED_TIME",), (MAXIMUM,)),
        v2=V2(("MAX_QUEUED_TIME",), "Seconds", f"{ALL} ST QC"),
    ),
    _average(
        ABANDONED,
        WAIT_MS,
        "Average time in queue of the abandoned contacts. SUM and COUNT, the pair of the 2018 "
        "reference, are accepted and mean the same average in seconds.",
        v1=V1(("ABANDON_TIME",), (AVERAGE, SUM)),
        v2=V2(("AVG_ABANDON_TIME",), "Seconds", f"{ALL} F ST QC", METHOD_AND_REASON),
    ),
    _average(
        f"{CONNECTED} AND {QUEUED}",
        WAIT_MS,
        "Average time in queue of the contacts that were connected to an agent.",
        v1=V1(("QUEUE_ANSWER_TIME",), (AVERAGE,)),
        v2=V2(
            ("AVG_QUEUE_ANSWER_TIME",),
            "Seconds",
            "Q C RP F* ST QC",
            (*METHOD_AND_REASON, "FEATURE"),
        ),
    ),
    _average(
        HELD,
        "hold_ms",
        "Average time on hold of the handled contacts that were put on hold.",
        v1=V1(("HOLD_TIME", "AVG_HOLD_TIME"), (AVERAGE,)),
        v2=V2(("AVG_HOLD_TIME",), "Seconds", f"{ALL} F* ST QC"),
    ),
    _average(
        CONNECTED,
        "interaction_ms",
        "Average time that a handled contact was with the agent, without hold and pause.",
        v1=V1(("INTERACTION_TIME",), (AVERAGE,)),
        v2=V2(("AVG_INTERACTION_TIME",), "Seconds", "Q C RP F* ST QC", METHOD_AND_REASON),
    ),
    _average(
        INTERACTED_OR_HELD,
        INTERACTION_AND_HOLD_MS,
        "Average time that a contact was with the agent, hold included.",
        v1=V1(("INTERACTION_AND_HOLD_TIME",), (AVERAGE,)),
        v2=V2(("AVG_INTERACTION_AND_HOLD_TIME",), "Seconds", f"{ALL} ST QC"),
    ),
    _leg(
        "percent",
        Aggregate("count", term=WAIT_MS),
        "Share of the queued contacts, 0 to 100, that left the queue within the threshold: "
        "answered, abandoned, transferred or with a callback. With LT, exactly the threshold is "
        "too late.",
        under=Aggregate("count", QUEUED),
        v1=V1((SERVICE_LEVEL,), (PERCENT,)),
        v2=V2((SERVICE_LEVEL,), "Percent", "Q C RP QC", comparisons=LT_OR_LTE),
    ),
)

V2_ONLY = (
    _leg(
        "percent",
        Aggregate("count", ABANDONED),
        "Share of the queued contacts, 0 to 100, that were abandoned. By agent or routing profile "
        "it is 0: those contacts had none.",
        under=Aggregate("count", QUEUED),
        v2=V2(("ABANDONMENT_RATE",), "Percent", f"{ALL} F ST QC"),
    ),
    _average(
        "interaction_ms > 0 OR hold_ms > 0 OR after_contact_work_ms > 0",
        ACTIVE_MS,
        "Average of interaction, hold and after contact work of the contacts that had any.",
        v2=V2(("AVG_ACTIVE_TIME",), "Seconds", f"{ALL} QC"),
    ),
    _average(
        "pause_ms > 0",
        "pause_ms",
        "Average pause of the contacts, tasks, that were paused.",
        v2=V2(("AVG_AGENT_PAUSE_TIME",), "Seconds", f"{ALL} QC"),
    ),
    _average(
        "TRUE",
        "disconnected_at - initiated_at",
        "Average time from the beginning of a contact to its end.",
        v2=V2(("AVG_CONTACT_DURATION",), "Seconds", f"{ALL} F* ST QC"),
    ),
    _average(
        CONNECTED,
        "coalesce(hold_ms, 0)",
        "Average time on hold of the handled contacts; those never held count as 0.",
        v2=V2(("AVG_HOLD_TIME_ALL_CONTACTS",), "Seconds", f"{ALL} ST QC"),
    ),
    _leg(
        "mean",
        Aggregate("sum", term="holds"),
        "How often a contact was put on hold, on average over all contacts.",
        under=Aggregate("count"),
        v2=V2(("AVG_HOLDS",), "Count", f"{ALL} F* ST QC"),
    ),
    _average(
        "TRUE",
        RESOLUTION_MS,
        "Average time from the beginning of a contact to its end or that of its after contact "
        "work.",
        v2=V2(("AVG_RESOLUTION_TIME",), "Seconds", "Q C RP ST QC"),
    ),
    _count("CONTACTS_CREATED", "TRUE", "Contacts.", v1=False, keys="Q C RP F* ST QC"),
    _count(
        "CONTACTS_ON_HOLD_AGENT_DISCONNECT",
        f"{ON_HOLD} AND disconnect_reason = 'AGENT_DISCONNECT'",
        "Contacts that the agent ended while they were on hold.",
        v1=False,
        keys=f"{ALL} QC",
    ),
    _count(
        "CONTACTS_ON_HOLD_CUSTOMER_DISCONNECT",
        f"{ON_HOLD} AND disconnect_reason = 'CUSTOMER_DISCONNECT'",
        "Contacts that the customer ended while they were on hold.",
        v1=False,
        keys=f"{ALL} QC",
    ),
    _count(
        "CONTACTS_PUT_ON_HOLD",
        "holds > 0",
        "Contacts that were put on hold.",
        v1=False,
        keys=f"{ALL} QC",
    ),
    _count(
        "CONTACTS_TRANSFERRED_OUT_EXTERNAL",
        f"{CONNECTED} AND {TRANSFERRED} AND transferred_to IS NOT NULL",
        "Handled contacts that were transferred to a number outside.",
        v1=False,
        keys=f"{ALL} QC",
    ),
    _leg(
        "count",
        Aggregate("count", f"{CONNECTED} AND {TRANSFERRED} AND transferred_to IS NULL"),
        "Handled contacts that were transferred to a queue or an agent. A count, though Amazon "
        "Connect documents it in percent.",
        v2=V2(("CONTACTS_TRANSFERRED_OUT_INTERNAL",), "Percent", f"{ALL} QC", METHOD_AND_REASON),
    ),
    _in_x(
        "CONTACTS_REMOVED_FROM_QUEUE_IN_X",
        "TRUE",
        WAIT_MS,
        "Q C RP QC",
        "Contacts that left the queue within the threshold, however.",
    ),
    _in_x(
        "CONTACTS_RESOLVED_IN_X",
        "TRUE",
        RESOLUTION_MS,
        "Q C RP ST QC",
        "Contacts that were over, after contact work included, within the threshold.",
    ),
    _count(
        "CONTACTS_TRANSFERRED_OUT_BY_AGENT",
        f"{TRANSFERRED} AND {CONNECTED}",
        "Contacts that an agent transferred away.",
        v1=False,
        keys=f"{ALL} ST QC",
    ),
    _sum(
        "SUM_AFTER_CONTACT_WORK_TIME",
        "TRUE",
        "after_contact_work_ms",
        f"{ALL} QC",
        "After contact work in all.",
    ),
    _in_x(
        "SUM_CONTACTS_ABANDONED_IN_X",
        ABANDONED,
        WAIT_MS,
        "Q C RP ST QC",
        "Contacts that were abandoned within the threshold.",
    ),
    _in_x(
        "SUM_CONTACTS_ANSWERED_IN_X",
        f"{CONNECTED} AND {QUEUED}",
        WAIT_MS,
        "Q C RP ST QC",
        "Contacts that an agent answered within the threshold.",
    ),
    _sum(
        "SUM_CONTACT_FLOW_TIME",
        "initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API')",
        FLOW_MS,
        f"{ALL} QC",
        "Time that contacts were in flows before the queue, a transfer or their end.",
    ),
    _count(
        "SUM_CONTACTS_DISCONNECTED",
        "pre_disconnect_state = 'IN_QUEUE'",
        "Contacts that ended in the queue; those moved to another queue are among them.",
        v1=False,
        keys=f"{ALL} ST QC",
    ),
    _sum(
        "SUM_HANDLE_TIME",
        "TRUE",
        HANDLE_MS,
        f"{ALL} QC",
        "Interaction, hold, after contact work and pause in all.",
    ),
    _sum(
        "SUM_HOLD_TIME",
        CONNECTED,
        "hold_ms",
        f"{ALL} QC",
        "Time on hold of handled contacts in all, in seconds, though Amazon Connect documents a "
        "count.",
        unit="Count",
    ),
    _sum(
        "SUM_INTERACTION_AND_HOLD_TIME",
        "TRUE",
        INTERACTION_AND_HOLD_MS,
        f"{ALL} QC",
        "Time with agents in all, hold included.",
    ),
    _sum(
        "SUM_INTERACTION_TIME",
        CONNECTED,
        "interaction_ms",
        ALL,
        "Time of handled contacts with agents in all, without hold and pause.",
    ),
    _count(
        "SUM_RETRY_CALLBACK_ATTEMPTS",
        "initiation_method = 'CALLBACK' AND connected_to_agent_at IS NULL"
        f" AND next_contact_id IS NOT NULL AND {NOT_MOVED}",
        "Callbacks that reached nobody and were tried again.",
        v1=False,
        keys="Q C RP ST QC",
    ),
    _average(
        CONNECTED,
        "callback_wait_ms",
        "Average time in queue, before and after it was dialled, of the customer-first callbacks "
        "that were connected to an agent.",
        v2=V2(("AVG_QUEUE_ANSWER_TIME_CUSTOMER_FIRST_CALLBACK",), "Seconds", f"{ALL} F ST QC"),
    ),
    _average(
        CALLED_BACK,
        "coalesce(connected_to_agent_at, disconnected_at) - connected_to_system_at",
        "Average time from the customer's answer to the agent, or to the end, of customer-first "
        "callbacks.",
        v2=V2(
            ("AVG_WAIT_TIME_AFTER_CUSTOMER_FIRST_CALLBACK_CONNECTION",),
            "Seconds",
            f"{ALL} F ST QC",
        ),
    ),
)


def _chat(name: str, term: str, doc: str) -> Metric:
    return _average(CHAT, term, doc, v2=V2((name,), "Seconds", "CHT"))


def _chat_mean(name: str, term: str, doc: str, per: Aggregate | None = None) -> Metric:
    """per: what the sum of the term is divided by; without it, the number of chats that have it."""
    return _leg(
        "mean",
        Aggregate("sum", CHAT, term),
        doc,
        under=per or Aggregate("count", CHAT, term),
        v2=V2((name,), "Count", "CHT"),
    )


def _response_time(who: str) -> Metric:
    return _leg(
        "average",
        Aggregate("sum", CHAT, f"{who}_response_ms"),
        f"Average time that the {who} took to answer.",
        under=Aggregate("sum", CHAT, f"{who}_responses"),
        v2=V2((f"AVG_RESPONSE_TIME_{who.upper()}",), "Seconds", "CHT"),
    )


CHATS = (
    _chat(
        "AVG_CONTACT_FIRST_RESPONSE_TIME_AGENT",
        "first_response_at - enqueued_at",
        "Average time from the queue to the agent's first message.",
    ),
    _chat(
        "AVG_CONVERSATION_CLOSE_TIME",
        "conversation_close_ms",
        "Average time from the customer's last message to the end.",
    ),
    _chat(
        "AVG_FIRST_RESPONSE_TIME_AGENT",
        "first_response_at - connected_to_agent_at",
        "Average time from the agent's joining to his first message.",
    ),
    _chat_mean(
        "AVG_MESSAGE_LENGTH_AGENT",
        "agent_characters",
        "Characters of an agent's message, on average.",
        Aggregate("sum", CHAT, "agent_messages"),
    ),
    _chat_mean(
        "AVG_MESSAGE_LENGTH_CUSTOMER",
        "customer_characters",
        "Characters of a customer's message, on average.",
        Aggregate("sum", CHAT, "customer_messages"),
    ),
    _chat_mean("AVG_MESSAGES", "messages", "Messages of a chat, on average."),
    _chat_mean("AVG_MESSAGES_AGENT", "agent_messages", "Messages of agents, on average."),
    _chat_mean("AVG_MESSAGES_BOT", "bot_messages", "Messages of bots and flows, on average."),
    _chat_mean("AVG_MESSAGES_CUSTOMER", "customer_messages", "Messages of customers, on average."),
    _response_time("agent"),
    _response_time("customer"),
    _leg(
        "count",
        Aggregate("count", f"{CHAT} AND conversation_abandoned"),
        "Chats that the agent or the customer abandoned.",
        v2=V2(("CONVERSATIONS_ABANDONED",), "Count", "CHT"),
    ),
)
