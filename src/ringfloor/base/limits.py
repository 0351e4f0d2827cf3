"""Limits: every bound in one table, each with its unit and its reason.

Modules take the constants; the documentation page is made from TABLE. Quotas per kind of resource
stand in domain.resources beside the kind they bound.
"""

from typing import NamedTuple


class Limit(NamedTuple):
    """One bound: a name, an integer, the unit it counts, and why it is what it is."""

    name: str
    value: int
    unit: str
    reason: str


TABLE: list[Limit] = []


def _limit(name: str, value: int, unit: str, reason: str) -> int:
    TABLE.append(Limit(name, value, unit, reason))
    return value


# The API edge
BODY_BYTES_MAX = _limit(
    "BODY_BYTES_MAX",
    1_048_576,
    "bytes",
    "the largest Connect request, a flow of 256,000 characters, fits four times over",
)
URL_BYTES_MAX = _limit(
    "URL_BYTES_MAX", 8_192, "bytes", "ids, ARNs and tokens fit many times over; more is an attack"
)

# Agents and contacts
RING_MS = _limit("RING_MS", 20_000, "ms", "an offer rings 20 s on every channel, as at AWS")
DIAL_MS = _limit("DIAL_MS", 60_000, "ms", "an outbound call that rings 60 s ends unanswered")
FLOW_ACTIONS_PER_TURN_MAX = _limit(
    "FLOW_ACTIONS_PER_TURN_MAX",
    1_000,
    "actions",
    "a flow that does this much without waiting for anybody is an endless loop",
)
ATTRIBUTES_BYTES_MAX = _limit(
    "ATTRIBUTES_BYTES_MAX", 32_768, "bytes", "user attributes of a contact, UTF-8, all pairs"
)
