"""Vital signs as pure knowledge: names, spellings, units and limits of measurement."""
