"""Floor 3: the contact center, a deterministic state machine."""
