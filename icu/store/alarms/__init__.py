"""Alarms in the store: evaluation of what is stored, episodes, their owners and events, and reads of them."""
