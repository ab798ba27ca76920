"""Vital signs as pure knowledge: what they are called, how they are written, what can be measured at all."""
