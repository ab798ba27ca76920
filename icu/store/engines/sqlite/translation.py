"""From SQLite's errors to ours, at the door: foreign ones leave it nowhere else."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from icu.store.engines.deadline import TRANSACTION_DEADLINE
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError, StoreUnopenedError

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
    """Errors of the libraries below leave as ours."""
    try:
        yield
    except DBAPIError as exc:
        raise _ours(exc.orig or exc, path) from exc
    except sqlite3.Error as exc:
        raise _ours(exc, path) from exc
    except (TimeoutError, PoolTimeoutError) as exc:
        raise StoreUnavailableError(f"{path} did not answer within {TRANSACTION_DEADLINE:g} s") from exc
    except SQLAlchemyError as exc:
        raise StoreError(f"{path}: {exc}") from exc


def _ours(exc: BaseException, path: Path) -> StoreError:
    # The low byte is the primary result code, the rest says more of the same.
    code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _CORRUPT:
        return StoreCorruptError(f"{path} is damaged ({exc}): restore it from a copy, nothing was changed")
    if code in _UNOPENED:
        return StoreUnopenedError(f"{path}: {exc}")
    if code in _UNAVAILABLE:
        return StoreUnavailableError(f"{path}: {exc}")
    return StoreError(f"{path}: {exc}")
