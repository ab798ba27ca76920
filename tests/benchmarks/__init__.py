"""Benchmarks: what we do, side by side with the limit and with the obvious way, in one run."""
