"""Limits of the real-time metrics and of GetMetricDataV2."""

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
METRIC_EXPRESSIONS_KEPT_MAX = limit(
    "METRIC_EXPRESSIONS_KEPT_MAX",
    200,
    "expressions",
    "whose agents are counted as they change, once somebody has asked: four full requests",
)
METRIC_AGENTS_AT_ONCE = limit(
    "METRIC_AGENTS_AT_ONCE",
    500,
    "agents",
    "looked at for a new expression before others have their turn, a millisecond or two",
)
CURRENT_METRICS_MAX = limit(
    "CURRENT_METRICS_MAX",
    100,
    "metrics",
    "the 14 metrics fit seven times over; AWS names no number",
)
METRIC_IDS_MAX = limit("METRIC_IDS_MAX", 10, "metrics", "named by MetricId, as at AWS")

# GetMetricDataV2
METRIC_DATA_FILTERS_MAX = limit(
    "METRIC_DATA_FILTERS_MAX", 5, "filters", "keys in the filters of one request, as at AWS"
)
METRIC_DATA_VALUES_MAX = limit(
    "METRIC_DATA_VALUES_MAX",
    100,
    "values",
    "in the filters of one request, channels not counted, as at AWS",
)
METRIC_VALUE_CHARS_MAX = limit(
    "METRIC_VALUE_CHARS_MAX", 250, "characters", "of one value of a filter, as at AWS"
)
METRIC_DATA_GROUPINGS_MAX = limit(
    "METRIC_DATA_GROUPINGS_MAX", 4, "groupings", "of one request of GetMetricDataV2, as at AWS"
)
METRIC_DATA_METRICS_MAX = limit(
    "METRIC_DATA_METRICS_MAX",
    200,
    "metrics",
    "all 169 and some twice with other filters; AWS names no number",
)
METRIC_IDS_V2_MAX = limit(
    "METRIC_IDS_V2_MAX", 20, "metrics", "of GetMetricDataV2 named by MetricId, as at AWS"
)
METRIC_FILTERS_MAX = limit("METRIC_FILTERS_MAX", 2, "filters", "of one metric, as at AWS")
METRIC_FILTER_VALUES_MAX = limit(
    "METRIC_FILTER_VALUES_MAX", 10, "values", "of one filter of a metric, as at AWS"
)
METRIC_DATA_RANGE_MS = limit(
    "METRIC_DATA_RANGE_MS",
    3_024_000_000,
    "ms",
    "GetMetricDataV2 by day, week or in all asks for less than 35 days, as at AWS",
)
METRIC_DATA_CUT_RANGE_MS = limit(
    "METRIC_DATA_CUT_RANGE_MS",
    259_200_000,
    "ms",
    "GetMetricDataV2 by an hour or less asks for less than 3 days, as at AWS",
)
METRIC_DATA_KEPT_MS = limit(
    "METRIC_DATA_KEPT_MS",
    7_948_800_000,
    "ms",
    "GetMetricDataV2 reaches 92 days back: AWS's three months, the longest there are",
)
ANSWER_NUMBERS_MAX = limit(
    "ANSWER_NUMBERS_MAX",
    5_000_000,
    "numbers",
    "that one answer is made of: 34 days of 2,000 agents with 70 metrics; they take 250 MB",
)
EXPLANATION_CHARS_MAX = limit(
    "EXPLANATION_CHARS_MAX",
    4_000,
    "characters",
    "a header that says why rows are missing; proxies take headers of 8,000 in all",
)
EXPLAINED_MAX = limit(
    "EXPLAINED_MAX", 20, "queues", "of which one explanation says why they have no row"
)

# Reports
REPORT_HALF_HOURS_MS = limit(
    "REPORT_HALF_HOURS_MS",
    172_800_000,
    "ms",
    "a report of up to 2 days is drawn by half hours: 96 bars can be told apart on a page",
)
REPORT_HOURS_MS = limit(
    "REPORT_HOURS_MS",
    604_800_000,
    "ms",
    "one of up to 7 days by hours, a longer one by days, so that a page still shows every bar",
)
REPORT_AGENTS_MAX = limit(
    "REPORT_AGENTS_MAX",
    100,
    "agents",
    "whose day a report draws: four pages of paper; the others are counted",
)
REPORT_STRETCHES_MAX = limit(
    "REPORT_STRETCHES_MAX",
    20_000,
    "stretches",
    "of agents' time in one report, which are some 5 MB of a picture",
)
REPORT_THRESHOLDS_MAX = limit(
    "REPORT_THRESHOLDS_MAX", 4, "thresholds", "whose lines can be told apart in one plot"
)
WAIT_BAND_SAMPLES_MAX = limit(
    "WAIT_BAND_SAMPLES_MAX",
    1_000,
    "waits",
    "by which a band of wait estimates is calibrated: a few days of a small center",
)
WAIT_BAND_SAMPLES_MIN = limit(
    "WAIT_BAND_SAMPLES_MIN", 30, "waits", "before a band of wait estimates is shown at all"
)
WAIT_RECENT_MAX = limit(
    "WAIT_RECENT_MAX",
    1_000,
    "happenings",
    "of the last hour that a line is judged by; with more its windows are shorter, and as telling",
)
WAIT_CLASSES_MAX = limit(
    "WAIT_CLASSES_MAX",
    64,
    "classes",
    "of priority and age adjustment in a line that are looked at when somebody comes or is taken",
)
WAIT_LINES_IDLE_MAX = limit(
    "WAIT_LINES_IDLE_MAX",
    10_000,
    "lines",
    "that nobody is in and nobody takes; routing steps may name as many expressions as they like",
)
