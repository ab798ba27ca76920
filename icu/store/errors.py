"""What goes wrong with the database."""

from icu.config.errors import ConfigurationError
from icu.errors import IcuError, Kind


class StoreError(IcuError):
    """The database."""


class StoreUnavailableError(StoreError):
    """The database is locked, full or out of reach: the same call may succeed later."""

    transient = True
    kind = Kind.UNAVAILABLE


class StoreMovedError(StoreUnavailableError):
    """The place no longer leads to the database that was asked for: look which one there is, and ask that."""


class StoreUnopenedError(StoreUnavailableError):
    """The database, or what stands beside it, cannot be opened or made."""


class SchemaError(StoreError):
    """The tables are missing or of another version than this program's."""

    transient = True
    kind = Kind.UNREADY


class PositionConflictError(StoreError):
    """The stored offsets are not those that this batch continues: somebody else moved them. Read them again."""


class StoreReplacedError(StoreError):
    """The database is no longer the one that was opened, or no longer holds what was written. Open it anew."""


class StoreInUseError(StoreError, ConfigurationError):
    """Another sink holds the database, which has one: one of the two is set to a wrong one."""


class StoreCorruptError(StoreError):
    """The database is damaged. Restore it from a copy; nothing was changed."""

    kind = Kind.UNREADY
