"""SQLite engine: connections, statements on many rows, files."""
