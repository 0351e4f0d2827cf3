"""Floor 5: API operations as commands and queries."""
