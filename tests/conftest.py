"""What holds for all tests.

Hypothesis may take its time: a deadline per example measures the machine, not the code. A failure
prints the blob that repeats it.
"""

from hypothesis import settings

settings.register_profile("ringfloor", deadline=None, print_blob=True)
settings.load_profile("ringfloor")
