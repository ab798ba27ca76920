"""Deleting of what is older than it is to be kept: [retention]."""
