"""Engines: the differences between databases, behind one Protocol."""
