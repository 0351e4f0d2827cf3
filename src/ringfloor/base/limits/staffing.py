"""Limits of forecasts, and of plans of staff made by simulation."""

from ringfloor.base.limits.table import limit

FORECAST_DAYS_MAX = limit(
    "FORECAST_DAYS_MAX", 92, "days", "of one forecast; further ahead it says little but the mean"
)
FORECAST_HISTORY_DAYS_MAX = limit(
    "FORECAST_HISTORY_DAYS_MAX", 3_660, "days", "that a forecast learns from: ten years"
)
FORECAST_HISTORY_DAYS_MIN = limit(
    "FORECAST_HISTORY_DAYS_MIN", 14, "days", "that a forecast learns from: every weekday twice"
)
FORECAST_COUNT_MAX = limit(
    "FORECAST_COUNT_MAX", 1_000_000, "contacts", "of one row of counts, as in a scenario"
)
FORECAST_FILE_BYTES_MAX = limit(
    "FORECAST_FILE_BYTES_MAX", 16_777_216, "bytes", "of a forecast that is read again: 16 MiB"
)
FORECAST_ERRORS_MAX = limit(
    "FORECAST_ERRORS_MAX", 1_000, "cells", "past errors of a size, of which bands are quantiles"
)
FORECAST_ERRORS_MIN = limit(
    "FORECAST_ERRORS_MIN", 20, "cells", "past errors; of fewer a quantile of a tenth says nothing"
)
STAFF_DAYS_MAX = limit(
    "STAFF_DAYS_MAX", 1_000, "days", "that a plan of staff is found with; chance is 1 % then"
)
STAFF_CALLERS_KEPT_MAX = limit(
    "STAFF_CALLERS_KEPT_MAX",
    500_000,
    "callers",
    "of all days whose chance a search for staff keeps: some 100 MiB; of others it draws anew",
)
STAFF_ENGINE_DAYS_MAX = limit(
    "STAFF_ENGINE_DAYS_MAX", 100, "days", "of the engine that confirm a plan; each takes seconds"
)
