"""Route of NEWS2: the score of one patient now, and as a trend."""
