"""The child that looks after the database: it rolls readings up, and deletes what is old."""
