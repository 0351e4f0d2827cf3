"""Limits of the real-time metrics."""

from ringfloor.base.limits.table import limit

# Real-time metrics
METRIC_PROFILES_MAX = limit(
    "METRIC_PROFILES_MAX", 100, "routing profiles", "in the filter of one request, as at AWS"
)
METRIC_STATUSES_MAX = limit(
    "METRIC_STATUSES_MAX", 50, "agent statuses", "in the filter of one request, as at AWS"
)
METRIC_SUBTYPES_MAX = limit(
    "METRIC_SUBTYPES_MAX",
    10,
    "values",
    "subtypes, and validation test types, in the filter of one request, as at AWS",
)
METRIC_SUBTYPE_CHARS_MAX = limit(
    "METRIC_SUBTYPE_CHARS_MAX", 100, "characters", "of one subtype, as at AWS"
)
METRIC_EXPRESSIONS_MAX = limit(
    "METRIC_EXPRESSIONS_MAX", 50, "routing step expressions", "in one request, as at AWS"
)
METRIC_EXPRESSION_CHARS_MAX = limit(
    "METRIC_EXPRESSION_CHARS_MAX", 3_000, "characters", "of one expression, as at AWS"
)
CURRENT_METRICS_MAX = limit(
    "CURRENT_METRICS_MAX",
    100,
    "metrics",
    "the 14 metrics fit seven times over; AWS names no number",
)
METRIC_IDS_MAX = limit("METRIC_IDS_MAX", 10, "metrics", "named by MetricId, as at AWS")
