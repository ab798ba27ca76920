"""The control socket of a running supervisor: both ends, and the protocol between them."""
