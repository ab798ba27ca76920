"""The contract between the store and the kinds of databases: what every engine does, and how it says what failed.

Writer and reader are written once, above it. They speak SQL that all engines understand; what differs is a verb here.
All errors are ours: StoreUnavailableError where the same call may succeed later, StoreCorruptError for damage, and
StoreError for any other. Neither a transaction nor a statement is cut by cancellation: it ends, or its deadline passes,
which is a StoreUnavailableError too.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlalchemy import TextClause

from icu.store.readings import Row

T = TypeVar("T")

# Values of a statement's parameters, by their names.
Values: TypeAlias = Mapping[str, object]


class OverlapError(Exception):
    """Some rows of the batch are stored already: the transaction is rolled back and tried again with care."""


class Transaction(Protocol):
    """A transaction under way. Its statements are constants of the program, compiled once an engine."""

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        """Run a statement; returns the rows that it finds, or that it says to return."""
        ...

    async def execute(self, statement: TextClause, values: Sequence[Values]) -> int:
        """Run a statement once for each of the values; returns how many rows were changed in all."""
        ...

    async def insert(self, rows: Sequence[Row]) -> None:
        """Insert readings of which all are new, as they nearly always are: quickly, for this is the sink's work.

        OverlapError where some are stored already. The transaction is of no use then.
        """
        ...

    async def existing(self, keys: Sequence[tuple[int, int]]) -> Sequence[Row]:
        """Find the stored readings of these patients (their keys in the store) and times (ms since 1970)."""
        ...

    async def changed(self) -> Hashable:
        """A token that stays the same until anybody but this writer has committed.

        It guards what the one sink of a database knows of it. Where several sinks may share one it never changes, for
        there others write by right, and the offsets of each partition are guard enough.
        """
        ...

    async def generation(self) -> int:
        """The number by which this database is told from another one, or from a copy that was begun anew."""
        ...


class Connection(Protocol):
    """A connection to read with, each statement its own snapshot: cancelled between two of them, never in one.

    Its statements are constants of the program, too. Each raises StoreMovedError once the place leads to another
    database than the one that was asked for.
    """

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        """Return the rows that a statement finds."""
        ...

    async def columns(
        self, statement: TextClause, names: Sequence[str], values: Values | None = None
    ) -> dict[str, list[Any]]:
        """Return what a statement finds by column, which is cheaper where there are many rows.

        Args:
            statement: Finds whole numbers, texts and NULLs in columns of these names.
            names: The columns, each with all its values in the order of the rows.
            values: Of the statement's parameters.
        """
        ...

    async def arrays(self, statement: TextClause, names: Sequence[str], values: Values | None = None) -> dict[str, str]:
        """Return what `columns` does, each column as a JSON array: for answers that are made of such."""
        ...

    async def has_table(self, name: str) -> bool:
        """Tell if there is a table of this name."""
        ...

    async def changed(self) -> int:
        """Return a number that changes whenever another connection, of any process, commits.

        To be asked often: it is cheap. Comparable on one connection alone.
        """
        ...


class Engine(Protocol):
    """A database of one kind. Making the object opens nothing."""

    @property
    def place(self) -> str:
        """Name of the database in messages, without secrets."""
        ...

    @property
    def single_sink(self) -> str | None:
        """Why a database of this kind has one sink, as a clause; None where several may share it."""
        ...

    def check_place(self) -> None:
        """Raise ConfigurationError where there can never be a database to read. Blocks: it may look at the disk."""
        ...

    def translate(self) -> AbstractContextManager[None]:
        """Errors of the driver and of SQLAlchemy leave this context as ours, with the place in their text."""
        ...

    async def upgrade(self) -> str | None:
        """Bring the tables to this program's version, making the database if need be; returns the version they had.

        All or nothing. StoreError for tables of a newer version, which are left alone; ConfigurationError where there
        can be no database.
        """
        ...

    def hold(self) -> AbstractAsyncContextManager[None]:
        """Hold the database for a sink, with tables of this program's version. All is closed at the end.

        StoreInUseError where another sink has it and there is one a database; and the errors of `upgrade`.
        """
        ...

    def accept(self, generation: int) -> None:
        """Take what there is from now on for the database of this generation, that a sink has just begun with.

        Serves SQLite alone, whose files can be exchanged below it. Elsewhere it does nothing.
        """
        ...

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one transaction, which is committed unless it raises.

        Between what it reads and what it writes nobody else writes. While the database is held, StoreReplacedError
        where what was opened is no longer there: nothing is committed then.
        """
        ...

    async def look(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work`, which only reads, so that nobody has to wait for it. StoreReplacedError as of `transact`."""
        ...

    def connection(self, generation: Hashable) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection to the database of this generation, which stays open for the next one who asks.

        A few can be lent at a time, and are waited for; StoreUnavailableError where that takes too long.
        """
        ...

    async def generation(self) -> Hashable | None:
        """Return the database that the place leads to now; None where there is none."""
        ...

    async def aclose(self) -> None:
        """Close all connections that are not in use."""
        ...
