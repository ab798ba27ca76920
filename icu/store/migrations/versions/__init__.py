"""Versions, one file each, in order."""
