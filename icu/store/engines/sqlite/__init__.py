"""SQLite: its connections, its statements on many rows, and its files."""
