"""Stage 4: the stored readings over HTTP, and live."""
