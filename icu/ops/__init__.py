"""Shared parts of every process: logs, signals, retries, and limits of the system."""
