"""Timed comparisons with peers: `gradschool bench NAME` or `python -m bench.NAME`."""
