"""Current readings: the latest and the newest of each patient, and the last valid values."""
