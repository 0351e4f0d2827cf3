"""Historical metrics: all of GetMetricData and GetMetricDataV2, each defined once, as data.

This is the door: the requests are checked against it, the SQL is made from it
(historical_sql), and the documentation page is written from it.

Rules:
- A DISCONNECT or EXTERNAL_OUTBOUND leg counts by its own fields like any other. A MONITOR leg is
  somebody listening, not a contact: it counts nowhere. In GetMetricData neither does a leg without
  a queue.
- Source of what each means: the metrics definitions of Amazon Connect's administrator guide, and
  the references of the two operations.
"""

from ringfloor.projections import metrics_of_activity, metrics_of_contacts
from ringfloor.projections.metric_terms import Facts, Metric, Pair, aggregates, result
from ringfloor.projections.metrics_of_contacts import SERVICE_LEVEL, WAIT_MS
from ringfloor.projections.metrics_without_data import WITHOUT_DATA

__all__ = [
    "BY_NAME",
    "BY_NAME_V2",
    "DEFINITIONS",
    "IN_QUEUE_ROW",
    "METRICS",
    "METRICS_V2",
    "SERVICE_LEVEL",
    "WAIT_MS",
    "Facts",
    "Metric",
    "Pair",
    "aggregates",
    "result",
]

DEFINITIONS: tuple[Metric, ...] = (
    *metrics_of_contacts.V1_AND_V2,
    *metrics_of_activity.V1_AND_V2,
    *metrics_of_contacts.V2_ONLY,
    *metrics_of_contacts.CHATS,
    *metrics_of_activity.OFFERS,
    *metrics_of_activity.TIME,
    *metrics_of_activity.MOMENTS,
    *metrics_of_activity.FLOWS,
    *metrics_of_activity.BOTS,
    *WITHOUT_DATA,
)

IN_QUEUE_ROW = "queue_id IS NOT NULL AND initiation_method <> 'MONITOR'"
"""Which legs GetMetricData counts."""

METRICS = tuple(metric for metric in DEFINITIONS if metric.v1 is not None)
"""Those of GetMetricData."""

BY_NAME: dict[str, Metric] = {
    name: metric for metric in METRICS if metric.v1 for name in metric.v1.names
}
"""Every name that a request of GetMetricData may use, aliases included."""

METRICS_V2 = tuple(metric for metric in DEFINITIONS if metric.v2 is not None)
"""Those of GetMetricDataV2."""

BY_NAME_V2: dict[str, Metric] = {
    name: metric for metric in METRICS_V2 if metric.v2 for name in metric.v2.names
}
"""Every name that a request of GetMetricDataV2 may use, aliases included."""
