"""Commands about alarms and their limits, for people: they ask the monitor by HTTP."""
