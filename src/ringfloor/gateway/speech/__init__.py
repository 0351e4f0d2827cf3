"""Speech: text, and what it sounds like."""
