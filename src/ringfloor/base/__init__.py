"""Floor 0: time, ids, errors, limits and codec; words that every floor may use."""
