"""Base of all tables, which holds their metadata."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Metadata of the tables; a test compares the migrations with it."""
