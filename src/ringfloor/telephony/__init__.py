"""Floor 1: the telephony seam, contract only; carriers live in gateway."""
