"""Stage 4: what the database holds, over HTTP, and live."""
