"""Load: the people of a scenario against a live server, over the APIs that everybody uses.

Called by cli_load. Unlike the simulator nothing of the center is in this process: it is built,
rung up, worked in and asked for its figures from outside, in real time.
"""
