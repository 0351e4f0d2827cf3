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
SIMULATED_REPLICATIONS_MAX = limit(
    "SIMULATED_REPLICATIONS_MAX",
    10_000,
    "replications",
    "of one scenario in one run; an interval is then a hundredth of what one day may be off",
)
SIMULATED_TRANSFERS_MAX = limit(
    "SIMULATED_TRANSFERS_MAX",
    20,
    "transfers",
    "of one caller by agents, so that nobody is handed on for ever",
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
LIVE_HISTORY_MS = limit(
    "LIVE_HISTORY_MS",
    7_200_000,
    "ms",
    "of a live scenario are simulated first, up to an hour more: a morning, in two seconds",
)
LIVE_LATE_MS = limit(
    "LIVE_LATE_MS",
    30_000,
    "ms",
    "by which people of a live scenario are late, and catch up; after more, the machine was asleep",
)
WHATIF_FACTOR_MAX = limit(
    "WHATIF_FACTOR_MAX", 10, "", "by which a replayed day may have more callers"
)
WHATIF_SPEECH_RATES_MAX = limit(
    "WHATIF_SPEECH_RATES_MAX",
    10_000,
    "prompts",
    "the last of a journal whose pace is that of speech in a replayed day",
)
WHATIF_REPLICATIONS_MAX = limit(
    "WHATIF_REPLICATIONS_MAX", 1_000, "replications", "of a replayed day; chance is then known well"
)
