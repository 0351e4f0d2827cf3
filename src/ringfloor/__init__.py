"""Ringfloor: a contact center that you run yourself and that speaks the Amazon Connect API.

ARCHITECTURE.md says how the floors below this package stand to each other.
"""

__version__ = "0.6.0"
