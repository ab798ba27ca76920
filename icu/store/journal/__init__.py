"""Journal of the transactions: its entries, writing to it, and following it."""
