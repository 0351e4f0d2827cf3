"""Limits of simulations."""

from ringfloor.base.limits.table import limit

SIMULATED_DAYS_MAX = limit(
    "SIMULATED_DAYS_MAX", 34, "days", "of one scenario; a report is shorter than 35 days"
)
SIMULATED_AGENTS_MAX = limit(
    "SIMULATED_AGENTS_MAX", 20_000, "agents", "of one scenario; twice what benchmarks are run with"
)
SIMULATED_QUEUES_MAX = limit(
    "SIMULATED_QUEUES_MAX", 100, "queues", "of one scenario, as many as a report may name"
)
SIMULATED_RATE_MAX = limit(
    "SIMULATED_RATE_MAX", 1_000_000, "contacts", "expected in a half hour of one group of callers"
)
SIMULATED_SECONDS_MAX = limit(
    "SIMULATED_SECONDS_MAX", 604_800, "s", "of a distribution's parameters: a week"
)
SIMULATED_RETRIES_MAX = limit(
    "SIMULATED_RETRIES_MAX", 20, "retries", "of one caller, so that nobody calls for ever"
)
SIMULATED_OVERTIME_MS = limit(
    "SIMULATED_OVERTIME_MS",
    43_200_000,
    "ms",
    "after its end a simulation goes on for 12 hours at most, until nobody is left",
)
SIMULATED_FACTS_MAX = limit(
    "SIMULATED_FACTS_MAX", 20_000, "facts", "of a simulation in memory before history gets them"
)
