"""PostgreSQL engine: psycopg 3, with its own connections on the data path; Alembic's alone go through SQLAlchemy."""
