"""Metadata of all tables, which the migrations are compared with."""

from typing import Final

from sqlalchemy import MetaData

# Each module adds its tables to the one metadata as it is imported.
from icu.store.tables import access, clinical, copying, readings, upkeep
from icu.store.tables.base import Base

METADATA: Final[MetaData] = Base.metadata

__all__ = ["METADATA", "access", "clinical", "copying", "readings", "upkeep"]
