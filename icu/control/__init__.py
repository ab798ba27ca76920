"""The control room: people see and steer a running supervisor over a Unix socket."""
