"""Roles, and the principals that have them. Pure: no clock, no I/O."""
