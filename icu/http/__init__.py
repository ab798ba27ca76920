"""Shared parts of all HTTP faces: the application, its server, and the responses to errors."""
