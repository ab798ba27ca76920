"""Metadata of all tables, which the migrations are compared with."""

from typing import Final

from sqlalchemy import MetaData

# Each module adds its tables to the one metadata as it is imported.
from icu.store import access_tables, clinical_tables, copying_tables, upkeep_tables
from icu.store.tables import Base

METADATA: Final[MetaData] = Base.metadata

__all__ = ["METADATA", "access_tables", "clinical_tables", "copying_tables", "upkeep_tables"]
