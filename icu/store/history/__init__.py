"""Histories: readings and statistics over a span of time, for one patient, the whole ward and NEWS2."""
