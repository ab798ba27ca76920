"""Keys, users and sessions: who may do what. A file per kind; each change is a command with a line in the audit."""
