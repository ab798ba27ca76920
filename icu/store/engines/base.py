"""Contract between the store and its databases.

Writer and reader are written once, above it. They speak SQL that all engines understand; each difference is a method
here. All errors are the store's: StoreUnavailableError if the same call may succeed later, StoreCorruptError for
damage, StoreError for any other. Transactions and statements are not cut by cancellation. They end, or run into their
deadline, which is a StoreUnavailableError too.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from msgspec import Struct
from sqlalchemy import TextClause

from icu.store.engines.copying import Holding, Loading
from icu.store.engines.partitions import Partitions
from icu.store.readings import ReadingRow

T = TypeVar("T")

# A statement's parameters by name.
Values: TypeAlias = Mapping[str, object]

# Called now and then with the share of a long work that is done, 0 to 1. It may raise, which ends the work in order.
Report: TypeAlias = Callable[[float], None]


class Storage(Struct, frozen=True):
    """Bytes that a database takes, and may take."""

    # All that it takes, its log and free pages included.
    size: int
    # Log of the last transactions.
    log: int
    # All that is in the database, wherever it lies: part of it may be in the log alone.
    content: int
    # Free pages in the content, to be used again.
    unused: int
    # Free on its disk; None if unknown.
    disk: int | None


class Restoration(Struct):
    """Restoration under way."""

    # The copy, not yet in its place, with tables of this program's version.
    engine: "Engine"
    # Name under which the database that was there is kept; None if there was none. Set at the end.
    kept: str | None = None


class OverlapError(Exception):
    """Rows to insert are stored already: the transaction is rolled back, and repeated with a comparison."""


class Transaction(Loading, Protocol):
    """Open transaction. Its statements are constants of the program, so that each is compiled once."""

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        """Run a statement and return its rows: those of a SELECT, or of a RETURNING clause."""
        ...

    async def lock(
        self, statement: TextClause, values: Values | None = None, *, change: str, keep: str | None = None
    ) -> Sequence[Sequence[Any]]:
        """Return the rows that a SELECT finds, as of now, and keep them from other transactions until the commit.

        Where only one transaction writes at a time, it is a SELECT like any other.

        Args:
            statement: SELECT without a clause of locks. It says the order in which rows are locked.
            values: Of its parameters.
            change: Table in it whose rows no other transaction may change, or lock.
            keep: Table in it whose rows no other transaction may change.
        """
        ...

    async def execute(self, statement: TextClause, values: Sequence[Values]) -> int:
        """Run a statement once for each of the values, and return the number of rows changed in all."""
        ...

    async def insert(self, rows: Sequence[ReadingRow]) -> None:
        """Insert new readings, on the fast path: nearly all of the sink's rows are new.

        Raises:
            OverlapError: Some are stored already. The transaction cannot be used any more.
        """
        ...

    async def existing(self, keys: Sequence[tuple[int, int]]) -> Sequence[ReadingRow]:
        """Find stored readings.

        Args:
            keys: Pairs of a patient's key in the store and a time, in milliseconds since 1970 UTC.

        Returns:
            The readings found, in any order.
        """
        ...

    async def change_token(self) -> Hashable:
        """Return a token that stays equal until another program commits.

        It guards a single sink's copy of the database's state. On an engine that several sinks may share it never
        changes: there other writers are expected, and the offsets of each partition are guard enough.
        """
        ...

    async def generation(self) -> int:
        """Return the number that tells this database from others, and from copies that were begun anew."""
        ...


class Connection(Protocol):
    """A connection to read with, each statement its own snapshot: cancelled between two of them, never in one.

    Its statements are constants of the program, too. Each raises StoreMovedError once the place leads to another
    database than the one that was asked for.
    """

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        """Return the rows that a statement finds."""
        ...

    async def arrays(self, statement: TextClause, names: Sequence[str], values: Values | None = None) -> dict[str, str]:
        """Return what a statement finds by column, each as a JSON array: for answers that are made of such.

        Args:
            statement: Finds whole numbers, texts and NULLs in columns of these names.
            names: The columns, each with all its values in the order of the rows.
            values: Of the statement's parameters.
        """
        ...

    def spans(self, since: int, until: int, *, newest_first: bool) -> Sequence[tuple[int, int]]:
        """Split a span of time into those to look into one after the other, until enough of a patient is found.

        On engines where a wide span costs no more, there is one.

        Args:
            since: Milliseconds since 1970 UTC.
            until: End, excluded.
            newest_first: True to look for the newest first.
        """
        ...

    async def has_table(self, name: str) -> bool:
        """Tell if there is a table of this name."""
        ...

    async def data_version(self) -> int:
        """Return a number that changes whenever another connection, of any process, commits.

        To be asked often: it is cheap. Comparable on one connection alone.
        """
        ...


class Engine(Holding, Partitions, Protocol):
    """Database of one kind. Making the object opens nothing."""

    @property
    def location(self) -> str:
        """Name of the database in messages, without secrets."""
        ...

    @property
    def single_sink(self) -> str | None:
        """Reason, as a clause, why a database of this kind has only one sink; None if several may share it."""
        ...

    def check_location(self) -> None:
        """Check that a database can exist there. Blocks: it may read the disk.

        Raises:
            ConfigurationError: There can never be a database to read.
        """
        ...

    def translate(self) -> AbstractContextManager[None]:
        """Translate errors of the driver and of SQLAlchemy into the store's, with the location in their text."""
        ...

    async def upgrade(self) -> str | None:
        """Bring the tables to this program's version, all or nothing. Makes the database if there is none.

        Returns:
            Version of the tables before; None if there were none.

        Raises:
            StoreError: The tables are of a newer version. They are left alone.
            ConfigurationError: There can be no database.
        """
        ...

    def open_for_sink(self, *, shares: bool = False) -> AbstractAsyncContextManager[None]:
        """Open the database for a sink, and upgrade it. Locks it against others; closes all at the end.

        Args:
            shares: True for one of several. It is locked against one that is alone, where there may be several.

        Raises:
            StoreInUseError: Another sink has the database for itself, or this one wants it so.
            StoreError: See `upgrade`.
            ConfigurationError: There can be no database.
        """
        ...

    def hold_upkeep(self) -> AbstractAsyncContextManager[None]:
        """Keep other upkeeps from the database. The kernel lets go however the process ends.

        Raises:
            StoreUnavailableError: Another upkeep looks after it.
            ConfigurationError: There can be no database.
        """
        ...

    def set_baseline(self, generation: int) -> None:
        """Accept the present database as the one of this generation, with which a sink has just begun.

        Only SQLite needs it, whose files can be exchanged while they are open. Other engines do nothing.
        """
        ...

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one transaction, and commit unless it raises. No other program writes meanwhile.

        Raises:
            StoreReplacedError: The database that a sink opened is gone. Nothing was committed.
        """
        ...

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work`, which only reads, without a transaction that others have to wait for.

        Raises:
            StoreReplacedError: The database that a sink opened is gone.
        """
        ...

    def connection(self, identity: Hashable) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection to the database of this identity. It stays open for the next caller.

        A few can be lent at a time; more callers wait.

        Raises:
            StoreUnavailableError: No connection came free in time.
        """
        ...

    async def identity(self) -> Hashable | None:
        """Return the identity of the database that is there now; None where there is none."""
        ...

    def storage(self) -> Storage:
        """Measure the database. Blocks."""
        ...

    def find_damage(self, *, full: bool) -> Sequence[str]:
        """Find what is wrong with the structure of the database, a sentence each. Blocks: a second a gigabyte.

        Args:
            full: True to compare indexes with their tables, and to check foreign keys, which takes several times as
                long.

        Raises:
            UsageError: Databases of this kind have tools of their own for it, named in the message.
        """
        ...

    def back_up(self, target: Path, *, began: int, overwrite: bool, report: Report) -> int:
        """Copy the database, of this moment, into a file, while other programs write. Blocks.

        The file appears under its name once it is whole, checked and on the disk, readable by its owner alone.

        Args:
            target: The file.
            began: Time of the backup, in milliseconds since 1970 UTC, which is noted in it.
            overwrite: True to replace a file that is there.
            report: Told of the copying.

        Returns:
            Bytes of the backup.

        Raises:
            UsageError: The file cannot be there, or databases of this kind have tools of their own for it.
            StoreCorruptError: The database is damaged.
        """
        ...

    def restoring(self, source: Path, *, report: Report) -> AbstractContextManager[Restoration]:
        """Copy a backup beside the database, and bring it into its place at the end of the block. Blocks.

        The database that was there is kept. If anything is raised, it stays in its place.

        Args:
            source: The backup.
            report: Told of the copying of the backup, and of the bringing into place.

        Raises:
            StoreInUseError: A sink or an upkeep has the database.
            UsageError: The file is no backup, or databases of this kind have tools of their own for it.
            StoreError: The backup is damaged, no database of this program, or newer than the program.
        """
        ...

    async def aclose(self) -> None:
        """Close all idle connections."""
        ...
