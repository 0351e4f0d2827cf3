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
    "CALLBACK_CUSTOMER_FIRST_QUEUED",
    "CALLBACK_CUSTOMER_FIRST_DIALED",
]
"""The last two are words of contact records; the API's enumeration has CALLBACK alone."""

DisconnectReason = Literal[
    "CUSTOMER_DISCONNECT",
    "AGENT_DISCONNECT",
    "CONTACT_FLOW_DISCONNECT",
    "TELECOM_BUSY",
    "TELECOM_NUMBER_INVALID",
    "TELECOM_UNANSWERED",
    "TELECOM_TIMEOUT",
    "TELECOM_PROBLEM",
    "TELECOM_POTENTIAL_BLOCKING",
    "TELECOM_ORIGINATOR_CANCEL",
    "AGENT_COMPLETED",
    "EXPIRED",
    "THIRD_PARTY_DISCONNECT",
    "BARGED",
    "IDLE_DISCONNECT",
    "CUSTOMER_CONNECTION_NOT_ESTABLISHED",
    "AGENT_NETWORK_DISCONNECT",
    "API",
    "OTHER",
]

PreDisconnectState = Literal["IN_FLOW", "IN_QUEUE", "CONNECTED", "CONNECTED_ONHOLD"]
"""Where a contact was just before it ended; the metric formulas read it."""

AgentContactState = Literal[
    "INCOMING",
    "PENDING",
    "CONNECTING",
    "CONNECTED",
    "CONNECTED_ONHOLD",
    "PAUSED",
    "MISSED",
    "REJECTED",
    "ERROR",
    "ENDED",
]
"""A contact as one agent sees it; ENDED is after contact work.

INCOMING: a queued callback rings; PENDING: he has taken it, and the customer is not yet dialled.
PAUSED: a task of his that takes no slot meanwhile.
"""

StatusType = Literal["ROUTABLE", "CUSTOM", "OFFLINE"]
"""ROUTABLE is Available; CUSTOM statuses are those a center makes for itself."""
