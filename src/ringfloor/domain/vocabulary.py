"""Vocabulary: the enumerated words of the API and of telephony, as the wire spells them.

Every floor above takes its words from here. Sources: botocore's connect model (2017-08-08) and the
contact record data model of the Amazon Connect administrator guide.
"""

from typing import Literal

Channel = Literal["VOICE", "CHAT", "TASK", "EMAIL"]
CHANNELS: tuple[Channel, ...] = ("VOICE", "CHAT", "TASK", "EMAIL")

InitiationMethod = Literal[
    "INBOUND",
    "OUTBOUND",
    "TRANSFER",
    "QUEUE_TRANSFER",
    "CALLBACK",
    "API",
    "DISCONNECT",
    "MONITOR",
    "EXTERNAL_OUTBOUND",
]

DisconnectReason = Literal[
    "CUSTOMER_DISCONNECT",
    "AGENT_DISCONNECT",
    "CONTACT_FLOW_DISCONNECT",
    "TELECOM_BUSY",
    "TELECOM_NUMBER_INVALID",
    "TELECOM_UNANSWERED",
    "TELECOM_TIMEOUT",
    "TELECOM_PROBLEM",
    "API",
    "OTHER",
]

PreDisconnectState = Literal["IN_FLOW", "IN_QUEUE", "CONNECTED", "CONNECTED_ONHOLD"]
"""Where a contact was just before it ended; the metric formulas read it."""

AgentContactState = Literal[
    "CONNECTING", "CONNECTED", "CONNECTED_ONHOLD", "MISSED", "REJECTED", "ERROR", "ENDED"
]
"""A contact as one agent sees it; ENDED is after contact work."""

StatusType = Literal["ROUTABLE", "CUSTOM", "OFFLINE"]
"""ROUTABLE is Available; CUSTOM statuses are those a center makes for itself."""
