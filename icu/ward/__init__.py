"""The ward: the supervised tree of children, and the orders that people give to it."""
