"""The commands: what a person types, and how it ends."""
