"""Ward: the supervised tree of children, and the orders of people to it."""
