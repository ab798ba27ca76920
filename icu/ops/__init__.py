"""What every role needs to run: logs, health, figures, and an HTTP face."""
