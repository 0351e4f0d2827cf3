"""Current metrics: the 14 metrics of GetCurrentMetricData, one definition each, as data.

METRICS is the only place that knows what a metric means. projections.current_request checks
requests against it, projections.current_rows reads it off the counters, and the documentation page
is written from it.

Rules:
- Agents count through their routing profile: in every row of a queue that it has, once in a row of
  several. Contacts and busy slots count by the queue and channel of the contact itself.
- A row's channels (its own, or those of the Channels filter) choose among agents by what their
  profile has, among contacts by what they are; in error or on a contact means on such a channel.
- Everything is exact at the moment of asking.

Source: metrics specification, sections 1.1 (definitions) and 1.3 (support matrix).
"""

from typing import Literal

from msgspec import Struct

from ringfloor.base.time import Duration

Grouping = Literal[
    "QUEUE",
    "CHANNEL",
    "ROUTING_PROFILE",
    "ROUTING_STEP_EXPRESSION",
    "AGENT_STATUS",
    "SUBTYPE",
    "VALIDATION_TEST_TYPE",
]
Unit = Literal["COUNT", "SECONDS"]
OLDEST_CONTACT_AGE = "OLDEST_CONTACT_AGE"
ESTIMATED_WAIT_TIME = "ESTIMATED_WAIT_TIME"


class Reading(Struct, kw_only=True):
    """What is read for one row; durations in ms, None where there is no value."""

    online: int = 0
    available: int = 0
    on_contact: int = 0
    non_productive: int = 0
    in_error: int = 0
    staffed: int = 0
    slots_available: int = 0
    in_queue: int = 0
    oldest_age_ms: Duration | None = 0
    scheduled: int = 0
    offered: int = 0
    """Not a metric: contacts ringing at agents; they keep a queue active."""
    slots_active: int = 0
    after_contact_work: int = 0
    estimated_wait_ms: Duration | None = None

    def is_active(self) -> bool:
        """Whether somebody is online for the row, or it holds a contact."""
        return bool(self.online) or self.holds_contacts()

    def holds_contacts(self) -> bool:
        """Whether it holds a contact: waiting, scheduled, ringing or with an agent."""
        return bool(self.in_queue or self.scheduled or self.offered or self.slots_active)


class Metric(Struct, frozen=True, kw_only=True):
    """One metric. reading: the member of Reading that is its value."""

    name: str
    reading: str
    doc: str
    unit: Unit = "COUNT"
    groupings: frozenset[Grouping] = frozenset()
    """The groupings that a request for it may name."""
    sortable: bool = True
    profile_filter: bool = False
    """Whether ROUTING_PROFILE needs the filter RoutingProfiles, too."""
    source: str = (
        "docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html "
        "and the GetCurrentMetricData reference"
    )


ANY: frozenset[Grouping] = frozenset(
    {
        "QUEUE",
        "CHANNEL",
        "ROUTING_PROFILE",
        "ROUTING_STEP_EXPRESSION",
        "SUBTYPE",
        "VALIDATION_TEST_TYPE",
    }
)

METRICS: tuple[Metric, ...] = (
    Metric(
        name="AGENTS_ONLINE",
        reading="online",
        doc="Agents whose status is not Offline.",
        groupings=ANY | {"AGENT_STATUS"},
    ),
    Metric(
        name="AGENTS_AVAILABLE",
        reading="available",
        doc="Agents in status Available who have no contact at all, not even a ringing or a "
        "missed one. An agent on one of five chats is not available.",
        groupings=ANY,
    ),
    Metric(
        name="AGENTS_ON_CALL",
        reading="on_contact",
        doc="The old name of AGENTS_ON_CONTACT.",
        groupings=ANY,
    ),
    Metric(
        name="AGENTS_ON_CONTACT",
        reading="on_contact",
        doc="Agents with a contact connected, on hold, in after contact work or being dialled, "
        "whatever its queue and whatever the agent's status.",
        groupings=ANY,
    ),
    Metric(
        name="AGENTS_NON_PRODUCTIVE",
        reading="non_productive",
        doc="Agents in a custom status, on a contact or not.",
        groupings=ANY,
    ),
    Metric(
        name="AGENTS_AFTER_CONTACT_WORK",
        reading="after_contact_work",
        doc="Contacts in after contact work. Contacts, not agents, in spite of the name.",
        groupings=ANY,
    ),
    Metric(
        name="AGENTS_ERROR",
        reading="in_error",
        doc="Agents with a missed, rejected or failed contact that they have not cleared.",
        groupings=ANY,
    ),
    Metric(
        name="AGENTS_STAFFED",
        reading="staffed",
        doc="Agents in status Available, busy or not.",
        groupings=ANY,
    ),
    Metric(
        name="CONTACTS_IN_QUEUE",
        reading="in_queue",
        doc="Contacts waiting in queue. A contact that rings at an agent is not in queue; when "
        "the agent misses it, it is again.",
        groupings=ANY,
        profile_filter=True,
    ),
    Metric(
        name=OLDEST_CONTACT_AGE,
        reading="oldest_age_ms",
        unit="SECONDS",
        doc="How long the contact that has waited longest has been in queue, 0 in an empty one: "
        "whole seconds in a grouped row; in an ungrouped row milliseconds, as at AWS, although "
        "the unit says seconds.",
        groupings=ANY,
        profile_filter=True,
    ),
    Metric(
        name="CONTACTS_SCHEDULED",
        reading="scheduled",
        doc="Callbacks whose initial delay has not passed; they will enter the queue.",
        groupings=ANY,
        profile_filter=True,
    ),
    Metric(
        name="SLOTS_ACTIVE",
        reading="slots_active",
        doc="Slots taken by a contact connected, on hold, in after contact work or being dialled.",
        groupings=ANY,
        sortable=False,
    ),
    Metric(
        name="SLOTS_AVAILABLE",
        reading="slots_available",
        doc="Free slots of agents in status Available, as far as their routing profile lets them "
        "mix channels; none on a channel with a missed contact.",
        groupings=ANY,
        sortable=False,
    ),
    Metric(
        name=ESTIMATED_WAIT_TIME,
        reading="estimated_wait_ms",
        unit="SECONDS",
        doc="How long a contact that enters the queue, or a routing step in it, now will probably "
        "wait: half of those who wait to the end wait no longer; no value while no agent is there.",
        groupings=frozenset({"QUEUE", "CHANNEL", "ROUTING_STEP_EXPRESSION"}),
    ),
)

BY_NAME = {metric.name: metric for metric in METRICS}
