"""The database: one file of tables and one door for each of its users."""
