"""Alarms as pure knowledge: conditions, limits and the state machine. No clock, no I/O."""
