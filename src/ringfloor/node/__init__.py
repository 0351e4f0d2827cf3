"""Floor 4: the shell: one writer, one loop, an outbox."""
