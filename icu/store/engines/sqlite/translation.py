"""Translation of SQLite's and SQLAlchemy's errors into the store's."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from icu.store.engines.deadline import TRANSACTION_DEADLINE
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError, StoreUnopenedError

# Primary result codes: https://www.sqlite.org/rescode.html.
_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNAVAILABLE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_UNOPENED: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate errors of the driver and of SQLAlchemy; the path is part of their text."""
    try:
        yield
    except DBAPIError as exc:
        raise store_error(exc.orig or exc, path) from exc
    except sqlite3.Error as exc:
        raise store_error(exc, path) from exc
    except (TimeoutError, PoolTimeoutError) as exc:
        raise StoreUnavailableError(f"{path} did not answer within {TRANSACTION_DEADLINE:g} s") from exc
    except SQLAlchemyError as exc:
        raise StoreError(f"{path}: {exc}") from exc


def store_error(exc: BaseException, path: Path) -> StoreError:
    """Return the store's error for one of the driver; the path is part of its text."""
    # The low byte is the primary result code; the rest refines it.
    code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _CORRUPT:
        return StoreCorruptError(f"{path} is damaged ({exc}): restore it from a copy, nothing was changed")
    if code in _UNOPENED:
        return StoreUnopenedError(f"{path}: {exc}")
    if code in _UNAVAILABLE:
        return StoreUnavailableError(f"{path}: {exc}")
    return StoreError(f"{path}: {exc}")
