"""Floor 1: the words of a contact center; values only."""
