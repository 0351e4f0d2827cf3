"""Floor 6: traffic for a live example center."""
