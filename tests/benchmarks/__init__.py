"""Benchmarks: our code side by side with the limit and with the usual way, in one run."""
