"""Limits of routing: queues, and the criteria by which agents are sought."""

from ringfloor.base.limits.table import limit

AGENT_QUEUE_CONTACTS_MAX = limit(
    "AGENT_QUEUE_CONTACTS_MAX", 10, "contacts", "that wait for one particular agent, as at AWS"
)
QUEUE_OVERSHOOT_PERCENT = limit(
    "QUEUE_OVERSHOOT_PERCENT",
    20,
    "%",
    "callbacks, transfers between queues and quick connects may exceed MaxContacts so far, as at "
    "AWS",
)
ROUTING_STEPS_MAX = limit("ROUTING_STEPS_MAX", 5, "steps", "of routing criteria, as at AWS")
ROUTING_CONJUNCTS_MAX = limit(
    "ROUTING_CONJUNCTS_MAX", 8, "conditions", "of one AndExpression, as at AWS"
)
ROUTING_DISJUNCTS_MAX = limit(
    "ROUTING_DISJUNCTS_MAX", 3, "expressions", "of one OrExpression, as at AWS"
)
ROUTING_AGENTS_MAX = limit(
    "ROUTING_AGENTS_MAX", 10, "agents", "whom one condition prefers, as at AWS"
)
ROUTING_STEP_SECONDS_MAX = limit(
    "ROUTING_STEP_SECONDS_MAX",
    7_776_000,
    "s",
    "a routing step may last 90 days, the longest life of a contact; longer is as good as for ever",
)
ROUTING_CRITERIA_KEPT_MAX = limit(
    "ROUTING_CRITERIA_KEPT_MAX", 3, "sets", "of one contact, the last ones, as at AWS"
)
ROUTING_EXPRESSIONS_PER_TERM_MAX = limit(
    "ROUTING_EXPRESSIONS_PER_TERM_MAX",
    500,
    "expressions",
    "different ones that contacts seek agents by at once and that name the same value of an "
    "attribute or the same agent: an agent who becomes free stands in so many pools at most",
)
ROUTING_EXPRESSIONS_IDLE_MAX = limit(
    "ROUTING_EXPRESSIONS_IDLE_MAX",
    100,
    "expressions",
    "whose pools are kept although nobody seeks by them now, because the next contact may",
)
ROUTING_EXPRESSIONS_COMPILED_MAX = limit(
    "ROUTING_EXPRESSIONS_COMPILED_MAX", 10_000, "expressions", "kept compiled, about 10 MB"
)
