"""Counting while everything around it is killed; the suite and the benchmarks both run it.

`python -m tests.torture --events 20000` prints one JSON object: what was written, lost, doubled.
It makes a data directory, and so a database server, of its own, and kills that server.
"""
