"""The buffer between the patients and the sink: one Protocol, and a file for each implementation."""
