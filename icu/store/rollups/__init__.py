"""Roll-ups of readings by minute and hour, written by the upkeep; marks of late hours, by the sink."""
