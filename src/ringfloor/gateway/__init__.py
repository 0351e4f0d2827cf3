"""Floor 6: carriers behind the telephony seam."""
