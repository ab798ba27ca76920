"""What every process needs to run: logs, signals, retries, and limits of the system."""
