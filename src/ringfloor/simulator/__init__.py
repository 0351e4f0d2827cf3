"""Floor 6: virtual worlds: scenarios and days that were, simulated, sketched, or live."""
