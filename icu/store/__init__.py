"""Database: the tables, a writer for the sink and a reader for the monitor."""
