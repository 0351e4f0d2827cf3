"""Asterisk: the carrier for scale, behind its REST interface (ARI)."""
