"""Waits: a queue as it is at the moment of asking, and estimates of the wait still to come."""
