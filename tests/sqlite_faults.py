"""SQLite's own method to find faults: fail the Nth call of the database, for every N.

The calls are those of Python's driver, below all that is ours, SQLAlchemy and aiosqlite. They reach a real file.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from sqlite3 import dbapi2
from typing import Any, Literal, TypeAlias

import pytest

# Before the call has done anything, or after it has done everything.
Place: TypeAlias = Literal["before", "after"]


class Fault:
    """A failure of the Nth call from now on, counted from 1. 0: none fails until it is armed."""

    def __init__(self, number: int, place: Place, fail: Callable[[], None]) -> None:
        self._place = place
        self._fail = fail
        self._lock = threading.Lock()
        self.arm(number)

    def arm(self, number: int) -> None:
        """Begin to count anew."""
        with self._lock:
            self.reached = False
            self._left = number

    def call(self, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Do a call's work, or fail."""
        # Each connection has a thread of its own.
        with self._lock:
            self._left -= 1
            fails = not self._left
            self.reached |= fails
        if not fails:
            return work(*args, **options)
        if self._place == "before":
            self._fail()
        result = work(*args, **options)
        if self._place == "after":
            self._fail()
        return result

    def connect(self, connect: Callable[..., sqlite3.Connection], *args: Any, **options: Any) -> sqlite3.Connection:
        """Open a connection whose calls are counted, including this one."""
        factory = options.pop("factory", sqlite3.Connection)
        own, first = getattr(factory, "func", factory), getattr(factory, "args", ())
        counted = _Connection if own is sqlite3.Connection else type("_Counted", (_Connection, own), {})
        connection: sqlite3.Connection = self.call(connect, *args, **options, factory=partial(counted, self, *first))
        return connection


def error(name: str) -> Callable[[], None]:
    """Make the driver's error with a result code such as BUSY."""

    def fail() -> None:
        exc = sqlite3.OperationalError(f"made up: {name}")
        exc.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
        raise exc

    return fail


@contextmanager
def injected(fault: Fault) -> Iterator[Fault]:
    """Count the calls of all connections that are opened in the block."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (sqlite3, dbapi2):
            patch.setattr(module, "connect", partial(fault.connect, module.connect))
        yield fault


def _counted(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def counted(self: Any, *args: Any) -> Any:
        connection = self.connection if isinstance(self, sqlite3.Cursor) else self
        return connection.fault.call(method, self, *args)

    return counted


class _Cursor(sqlite3.Cursor):
    execute = _counted(sqlite3.Cursor.execute)
    executemany = _counted(sqlite3.Cursor.executemany)
    fetchone = _counted(sqlite3.Cursor.fetchone)
    fetchmany = _counted(sqlite3.Cursor.fetchmany)
    fetchall = _counted(sqlite3.Cursor.fetchall)


class _Connection(sqlite3.Connection):
    def __init__(self, fault: Fault, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fault = fault

    def cursor(self, *_: Any) -> sqlite3.Cursor:
        return super().cursor(_Cursor)

    # The driver's own shortcuts would leave our cursor out.
    def execute(self, *args: Any) -> sqlite3.Cursor:
        return self.cursor().execute(*args)

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        return self.cursor().executemany(*args)

    commit = _counted(sqlite3.Connection.commit)
    rollback = _counted(sqlite3.Connection.rollback)
    close = _counted(sqlite3.Connection.close)
