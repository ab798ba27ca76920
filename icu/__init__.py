"""An intensive-care monitoring back end: patients, a transport, a sink, a store and a monitor under one supervisor."""

__version__ = "0.1.0"
