"""Recordings as tables: CSV and its like, with whatever columns people have."""
