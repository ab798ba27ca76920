"""Stage 1: a bedside monitor, emulated: a simulated patient or a recording, sent as observations on time."""
