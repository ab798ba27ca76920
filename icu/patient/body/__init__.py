"""Physiology of the patients: many at once, as arrays of 6 signs x N patients in the order of `signs.py`."""
