"""Benchmarks: what things cost, as ratios in one run. `make bench`, never part of the tests."""
