"""Commands on the database as a whole: backups, check and figures."""
