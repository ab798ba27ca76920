"""Recordings as tables: CSV and similar files, with any columns."""
