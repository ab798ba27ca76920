"""Decisions of people in the store: beds, limits, entered values, and the audit of the commands behind them."""
