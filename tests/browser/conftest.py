"""A real ward, and pages of it in a real Chromium.

The playwright that a test uses ends with its file: while one runs, no test of the same worker could run an event loop.
"""
