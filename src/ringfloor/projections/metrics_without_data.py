"""Metrics without data: those of parts of Amazon Connect that are not here.

GetMetricDataV2 accepts them with their filters and groupings, and has nothing to tell of them.
"""

from collections.abc import Iterator

from ringfloor.projections.metric_terms import V2, Metric


def _missing(
    part: str,
    unit: str,
    keys: str,
    names: str,
    *,
    metric_filters: tuple[str, ...] = (),
    comparisons: tuple[str, ...] = (),
    required: str | None = None,
) -> Iterator[Metric]:
    """names: separated by blanks."""
    for name in names.split():
        v2 = V2((name,), unit, keys, metric_filters, (), comparisons, required)
        yield Metric(facts="nothing", kind="nothing", doc=f"No data: {part}.", v2=v2)


WITHOUT_DATA: tuple[Metric, ...] = (
    *_missing(
        "scheduling",
        "Seconds",
        "Q C RP A AH",
        "AGENT_ADHERENT_TIME AGENT_NON_ADHERENT_TIME AGENT_SCHEDULED_TIME",
    ),
    *_missing("scheduling", "Percent", "Q C RP A AH", "AGENT_SCHEDULE_ADHERENCE"),
    *_missing(
        "cases",
        "Count",
        "CASE",
        "AVG_CASE_RELATED_CONTACTS CASES_CREATED CURRENT_CASES REOPENED_CASE_ACTIONS"
        " RESOLVED_CASE_ACTIONS",
        required="CASE_TEMPLATE_ARN",
    ),
    *_missing("cases", "Seconds", "CASE", "AVG_CASE_RESOLUTION_TIME", required="CASE_TEMPLATE_ARN"),
    *_missing(
        "cases",
        "Percent",
        "CASE",
        "PERCENT_CASES_FIRST_CONTACT_RESOLVED",
        required="CASE_TEMPLATE_ARN",
    ),
    *_missing(
        "evaluations", "Percent", "EVQ", "AVG_EVALUATION_SCORE AVG_WEIGHTED_EVALUATION_SCORE"
    ),
    *_missing(
        "evaluations",
        "Percent",
        "EVL",
        "AVG_EVALUATION_SCORE_BY_SUBMIT_TIME PERCENT_AUTOMATIC_FAILS",
    ),
    *_missing(
        "evaluations", "Count", "EVL", "EVALUATIONS_PERFORMED EVALUATIONS_PERFORMED_BY_SUBMIT_TIME"
    ),
    *_missing(
        "evaluations",
        "Percent",
        "EVK",
        "EVALUATED_CHURN_PROPENSITY_RATE EVALUATED_CSAT_PERCENT"
        " EVALUATED_PARTIAL_SELF_SERVICE_SUCCESS_RATE EVALUATED_SELF_SERVICE_SUCCESS_RATE"
        " EVALUATED_SUCCESSFUL_SALE_RATE",
    ),
    *_missing(
        "conversational analytics", "Seconds", "Q C RP A AH F ST QC", "AVG_CONVERSATION_DURATION"
    ),
    *_missing(
        "conversational analytics",
        "Seconds",
        "Q C RP A AH ST QC",
        "AVG_GREETING_TIME_AGENT AVG_INTERRUPTION_TIME_AGENT AVG_NON_TALK_TIME AVG_TALK_TIME"
        " AVG_TALK_TIME_AGENT AVG_TALK_TIME_CUSTOMER",
    ),
    *_missing("conversational analytics", "Count", "Q C RP A AH ST QC", "AVG_INTERRUPTIONS_AGENT"),
    *_missing(
        "conversational analytics",
        "Percentage",
        "Q C RP A AH ST QC",
        "PERCENT_NON_TALK_TIME PERCENT_TALK_TIME PERCENT_TALK_TIME_AGENT"
        " PERCENT_TALK_TIME_CUSTOMER",
    ),
    *_missing("outbound campaigns", "Count", "A CAMPAIGN Q RP", "AVG_DIALS_PER_MINUTE"),
    *_missing(
        "outbound campaigns", "Seconds", "CAMPAIGN", "AVG_WAIT_TIME_AFTER_CUSTOMER_CONNECTION"
    ),
    *_missing(
        "outbound campaigns",
        "Count",
        "A CAMPAIGN",
        "CAMPAIGN_CONTACTS_ABANDONED_AFTER_X",
        comparisons=("GT",),
    ),
    *_missing(
        "outbound campaigns",
        "Percent",
        "A CAMPAIGN",
        "CAMPAIGN_CONTACTS_ABANDONED_AFTER_X_RATE",
        comparisons=("GT",),
    ),
    *_missing("outbound campaigns", "Count", "A CAMPAIGN", "HUMAN_ANSWERED_CALLS"),
    *_missing(
        "outbound campaigns",
        "Count",
        "DEV",
        "CAMPAIGN_INTERACTIONS",
        metric_filters=("CAMPAIGN_INTERACTION_EVENT_TYPE",),
    ),
    *_missing(
        "outbound campaigns",
        "Percent",
        "CAMPAIGN CAMPAIGN_EXECUTION_TIMESTAMP",
        "CAMPAIGN_PROGRESS_RATE",
    ),
    *_missing(
        "outbound campaigns",
        "Count",
        "CAMPAIGN CAMPAIGN_EXECUTION_TIMESTAMP",
        "RECIPIENTS_ATTEMPTED RECIPIENTS_TARGETED",
    ),
    *_missing("outbound campaigns", "Count", "CAMPAIGN C ST", "CAMPAIGN_SEND_ATTEMPTS"),
    *_missing(
        "outbound campaigns",
        "Count",
        "CAMPAIGN CAMPAIGN_EXCLUDED_EVENT_TYPE CAMPAIGN_EXECUTION_TIMESTAMP",
        "CAMPAIGN_SEND_EXCLUSIONS",
        metric_filters=("CAMPAIGN_EXCLUDED_EVENT_TYPE",),
    ),
    *_missing(
        "outbound campaigns",
        "Count",
        "DEV A ANSWERING_MACHINE_DETECTION_STATUS CAMPAIGN_DELIVERY_EVENT_TYPE DR Q RP",
        "DELIVERY_ATTEMPTS",
        metric_filters=(
            "ANSWERING_MACHINE_DETECTION_STATUS",
            "CAMPAIGN_DELIVERY_EVENT_TYPE",
            "DISCONNECT_REASON",
        ),
    ),
    *_missing(
        "outbound campaigns",
        "Percent",
        "DEV A ANSWERING_MACHINE_DETECTION_STATUS DR Q RP",
        "DELIVERY_ATTEMPT_DISPOSITION_RATE",
        metric_filters=(
            "ANSWERING_MACHINE_DETECTION_STATUS",
            "CAMPAIGN_DELIVERY_EVENT_TYPE",
            "DISCONNECT_REASON",
        ),
    ),
    *_missing(
        "outbound campaigns",
        "Count",
        "CAMPAIGN C ST CAMPAIGN_EXECUTION_TIMESTAMP",
        "RECIPIENTS_INTERACTED",
        metric_filters=("CAMPAIGN_INTERACTION_EVENT_TYPE",),
    ),
    *_missing(
        "AI agents",
        "Count",
        "AIA",
        "ACTIVE_AI_AGENTS AI_AGENT_INVOCATION_SUCCESS AI_AGENT_INVOCATIONS"
        " AI_AGENT_RESPONSE_HELPFUL AI_AGENT_RESPONSE_NOT_HELPFUL"
        " AVG_AI_AGENT_CONVERSATION_TURNS",
    ),
    *_missing("AI agents", "Percent", "AIA", "AI_AGENT_INVOCATION_SUCCESS_RATE"),
    *_missing("AI agents", "Double", "AIA", "AI_AGENT_SELECTION_ACCURACY CONTEXT_FIDELITY_SCORE"),
    *_missing("AI agents", "Milliseconds", "AIA", "AVG_AI_AGENT_INVOCATION_LATENCY"),
    *_missing(
        "AI agents",
        "Percent",
        "AIK",
        "AI_HANDOFF_RATE AI_RESPONSE_COMPLETION_RATE PROACTIVE_INTENT_ENGAGEMENT_RATE"
        " PROACTIVE_INTENT_RESPONSE_RATE",
    ),
    *_missing(
        "AI agents",
        "Count",
        "AIK",
        "AI_HANDOFFS AI_INVOLVED_CONTACTS AVG_AI_CONVERSATION_TURNS"
        " PROACTIVE_INTENTS_ANSWERED PROACTIVE_INTENTS_DETECTED PROACTIVE_INTENTS_ENGAGED"
        " AI_AGENT_COLLABORATORS AI_AGENT_COLLABORATION_INVOCATIONS",
    ),
    *_missing(
        "AI agents", "Double", "AIK", "COMPLETENESS_SCORE FAITHFULNESS_SCORE GOAL_SUCCESS_RATE"
    ),
    *_missing("AI agents", "Count", "AIP", "AI_PROMPT_INVOCATION_SUCCESS AI_PROMPT_INVOCATIONS"),
    *_missing("AI agents", "Percent", "AIP", "AI_PROMPT_INVOCATION_SUCCESS_RATE"),
    *_missing("AI agents", "Milliseconds", "AIP", "AVG_AI_PROMPT_INVOCATION_LATENCY"),
    *_missing("AI agents", "Count", "AIT", "AI_TOOL_INVOCATION_SUCCESS AI_TOOL_INVOCATIONS"),
    *_missing("AI agents", "Percent", "AIT", "AI_TOOL_INVOCATION_SUCCESS_RATE"),
    *_missing("AI agents", "Milliseconds", "AIT", "AVG_AI_TOOL_INVOCATION_LATENCY"),
    *_missing(
        "AI agents",
        "Double",
        "AIT",
        "AI_TOOL_PARAMETER_ACCURACY AI_TOOL_SELECTION_ACCURACY AI_TOOL_UTILIZATION_ACCURACY",
    ),
    *_missing(
        "AI agents",
        "Count",
        "AIA KNOWLEDGE_BASE_NAME KNOWLEDGE_ARTICLE_NAME",
        "KNOWLEDGE_CONTENT_REFERENCES",
    ),
)
