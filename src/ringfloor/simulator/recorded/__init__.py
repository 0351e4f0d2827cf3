"""A day that was, and what it would have been: read, replayed, changed, compared."""
