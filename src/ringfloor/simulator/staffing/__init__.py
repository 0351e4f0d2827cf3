"""How many agents are needed: a first guess, trials of plans, the search."""
