"""Stage 2: from the topic into the database, each reading once."""
