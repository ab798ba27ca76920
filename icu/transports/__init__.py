"""The buffer between the patients and the sink: one Protocol, one file for each implementation."""
