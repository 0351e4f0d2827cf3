"""Floor 1: the append-only record that everything else is a fold of."""
