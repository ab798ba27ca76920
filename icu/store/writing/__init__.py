"""Parts of the sink's transaction: requests, guards, and the statements of offsets, patients and readings."""
