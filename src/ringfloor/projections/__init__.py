"""Floor 3: read models folded from events; each can be rebuilt from the journal."""
