"""Errors of the database."""

from icu.config.errors import ConfigurationError
from icu.errors import IcuError, Kind


class StoreError(IcuError):
    """Any error of the database."""


class StoreUnavailableError(StoreError):
    """The database is locked, full or out of reach: the same call may succeed later."""

    transient = True
    kind = Kind.UNAVAILABLE


class StoreUnreachableError(StoreUnavailableError):
    """No connection to the server of the database can be had from here."""


class StoreMovedError(StoreUnavailableError):
    """The location no longer leads to the database of the connection: ask the one that is there now."""


class StoreUnopenedError(StoreUnavailableError):
    """The database, or a file that its engine needs beside it, cannot be opened or made."""


class StoreDeniedError(StoreUnavailableError):
    """The database refuses this program: a person has to change its settings, or the rights of its user."""

    needs_people = True


class StoreBusyError(StoreUnavailableError):
    """Others hold what is to be changed, who would have to wait behind this program: try again later."""


class SchemaError(StoreError):
    """The tables are missing or of another version than this program's."""

    transient = True
    kind = Kind.UNREADY


class PositionConflictError(StoreError):
    """The stored offsets are not those that this batch continues: another program moved them. Read them again."""


class VersionConflictError(StoreUnavailableError):
    """A row has another version than the one that was read: the same call reads it anew."""


class OwnersChangedError(StoreUnavailableError):
    """Another sink evaluates some of this one's patients now. Forget them, and do the same again."""


class StoreReplacedError(StoreError):
    """The database that was opened was replaced, or lost what was written. Open it anew."""


class StoreInUseError(StoreError, ConfigurationError):
    """Another sink has the database, which takes one: one of the two has a wrong setting."""


class StoreCorruptError(StoreError):
    """The database is damaged. Restore it from a copy; nothing was changed."""

    kind = Kind.UNREADY
