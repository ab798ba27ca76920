"""Access to the monitor: who asks, what they may do, and how much at a time."""
