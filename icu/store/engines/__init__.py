"""Kinds of databases: what differs between them, behind one Protocol."""
