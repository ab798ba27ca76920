"""Commands of people: the monitor's only door for writing. A file per kind of state; each command is a transaction."""
