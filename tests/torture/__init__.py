"""Counting while everything around it is killed; the suite and the benchmarks both run it.

`python -m tests.torture --events 20000` prints one JSON object: what was written, lost, doubled.
It needs a data directory of its own (SKILLBOARD_DATA_DIR), for it kills the database server.
"""
