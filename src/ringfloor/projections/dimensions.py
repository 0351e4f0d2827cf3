"""Dimensions: by what facts are filtered and grouped, and which column of which fact that is.

Called by metric_data_v2_request, which reads values and writes them, and by historical_sql.

Rules:
- A key that no fact has a column for (FEATURE, AI_USE_CASE ...) is of parts that are not here:
  NOT_EXISTS keeps everything, a value keeps nothing, and a grouping by it has no rows.
- Q_CONNECT_ENABLED is FALSE for everything.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ringfloor.projections.metric_terms import SUBTYPE, Facts


class Source(NamedTuple):
    """One kind of facts: its table, where a fact lies in time, which count at all, its columns.

    moment: None of stretches, which go from started_at to ended_at. same: by what a fact that was
    open is known again once it is final. ended: when it became so.
    """

    table: str
    moment: str | None
    columns: Mapping[str, str]
    where: str = "initiation_method <> 'MONITOR'"
    same: tuple[str, ...] = ()
    ended: str = ""


_STAFF = {
    "AGENT": "agent_id",
    "ROUTING_PROFILE": "routing_profile_id",
    "AGENT_HIERARCHY_LEVEL_ONE": "level_one",
    "AGENT_HIERARCHY_LEVEL_TWO": "level_two",
    "AGENT_HIERARCHY_LEVEL_THREE": "level_three",
    "AGENT_HIERARCHY_LEVEL_FOUR": "level_four",
    "AGENT_HIERARCHY_LEVEL_FIVE": "level_five",
}
_CONTACT = {
    **_STAFF,
    "QUEUE": "queue_id",
    "CHANNEL": "channel",
    "INITIATION_METHOD": "initiation_method",
    SUBTYPE: "subtype",
}
_FLOW = {
    **_CONTACT,
    "FLOWS_RESOURCE_ID": "flow_id",
    "FLOWS_MODULE_RESOURCE_ID": "module_id",
    "FLOW_TYPE": "flow_type",
}

SOURCES: Mapping[Facts, Source] = {
    "legs": Source(
        "leg",
        "disconnected_at",
        {
            **_CONTACT,
            "DISCONNECT_REASON": "disconnect_reason",
            "ROUTING_STEP_EXPRESSION": "routing_step",
        },
    ),
    "offers": Source("offer", "ended_at", _CONTACT),
    "occurrences": Source("occurrence", '"at"', _CONTACT),
    "hand time": Source(
        "hand_time", None, _CONTACT, same=("contact_id", "agent_id", "started_at"), ended="ended_at"
    ),
    "agent time": Source(
        "agent_time",
        None,
        _STAFF,
        where="TRUE",
        same=("agent_id", "started_at"),
        ended="ended_at",
    ),
    "steps": Source(
        "step_entry",
        "entered_at",
        {**_CONTACT, "ROUTING_STEP_EXPRESSION": "expression"},
        same=("contact_id", "expression", "entered_at"),
        ended="left_at",
    ),
    "flows": Source(
        "flow_run",
        "started_at",
        {
            **_FLOW,
            "RESOURCE_PUBLISHED_TIMESTAMP": "published_at",
            "FLOWS_OUTCOME_TYPE": "outcome",
            "FLOWS_NEXT_RESOURCE_ID": "next_flow_id",
            "FLOWS_NEXT_RESOURCE_QUEUE_ID": "next_queue_id",
        },
        same=("contact_id", "flow_id", "module_id", "started_at"),
        ended="ended_at",
    ),
    "bots": Source(
        "bot_conversation",
        "flow_started_at",
        {
            **_FLOW,
            "BOT_ID": "bot_id",
            "BOT_ALIAS": "bot_alias",
            "BOT_VERSION": "bot_version",
            "BOT_LOCALE": "bot_locale",
            "BOT_INTENT_NAME": "intent",
            "BOT_CONVERSATION_OUTCOME": "conversation_outcome",
            "BOT_INTENT_OUTCOME": "outcome",
            "FLOW_ACTION_ID": "action_id",
            "INVOKING_RESOURCE_PUBLISHED_TIMESTAMP": "published_at",
            "INVOKING_RESOURCE_TYPE": "CASE WHEN module_id IS NULL THEN 'FLOW' ELSE 'MODULE' END",
            "PARENT_FLOWS_RESOURCE_ID": "CASE WHEN module_id IS NOT NULL THEN flow_id END",
        },
    ),
}

CONSTANT: Mapping[str, str] = {"Q_CONNECT_ENABLED": "FALSE"}
"""Keys with one value for everything."""

METRIC_FILTERS: Mapping[str, str] = {
    "INITIATION_METHOD": "INITIATION_METHOD",
    "DISCONNECT_REASON": "DISCONNECT_REASON",
    "FEATURE": "FEATURE",
    "FLOWS_OUTCOME_TYPE": "FLOWS_OUTCOME_TYPE",
    "BOT_CONVERSATION_OUTCOME_TYPE": "BOT_CONVERSATION_OUTCOME",
    "BOT_INTENT_OUTCOME_TYPE": "BOT_INTENT_OUTCOME",
    "BOT_INTENTS_OUTCOME_TYPE": "BOT_INTENT_OUTCOME",
}
"""Keys of metrics' own filters to the dimension that they look at."""

INSTANTS = frozenset({"RESOURCE_PUBLISHED_TIMESTAMP", "INVOKING_RESOURCE_PUBLISHED_TIMESTAMP"})
"""Keys whose values are instants: inside in milliseconds, on the wire in ISO 8601."""

RESOURCES: Mapping[str, str] = {
    "AGENT": "user",
    "ROUTING_PROFILE": "routing_profile",
    "QUEUE": "queue",
    "FLOWS_RESOURCE_ID": "contact_flow",
    "FLOWS_MODULE_RESOURCE_ID": "contact_flow_module",
    "FLOWS_NEXT_RESOURCE_ID": "contact_flow",
    "FLOWS_NEXT_RESOURCE_QUEUE_ID": "queue",
    "PARENT_FLOWS_RESOURCE_ID": "contact_flow",
    **dict.fromkeys((key for key in _STAFF if "LEVEL" in key), "hierarchy_group"),
}
"""Keys whose values are ids or ARNs of a kind of resource."""
