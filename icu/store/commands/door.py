"""The door: one short transaction for a command, its line in the audit, and the counter that the sink looks at.

The database is opened for each command: they are rare, and no connection can lead to a file that was replaced.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from icu.errors import PatientServiceException
from icu.store import schema
from icu.store.engines.base import Transaction
from icu.store.engines.table import engine_of
from icu.store.errors import StoreUnavailableError
from icu.store.journal.appending import append_to_journal
from icu.store.journal.entries import AlarmNews

T = TypeVar("T")

_AUDIT: Final = text(
    'INSERT INTO audit (at, "by", source, command, patient_uuid, alarm, "before", "after", result)'
    " VALUES (:at, :by, :source, :command, :patient_uuid, :alarm, :before, :after, :result)"
)
_COUNT: Final = text("UPDATE command_count SET count = count + 1 RETURNING count")


class Author(Struct, frozen=True):
    """Person who commands, as far as is known."""

    # Name as typed: nobody has checked it.
    by: str
    # Address of the client.
    source: str


class Desk:
    """Tools of a command: its transaction, its author and its time.

    Args:
        transaction: Open transaction.
        author: Person who commands.
        command: Word of the command, for the audit.
        now: Milliseconds since 1970 UTC.
    """

    def __init__(self, transaction: Transaction, author: Author, command: str, now: int) -> None:
        self.transaction = transaction
        self.author = author
        self.now = now
        self._command = command
        # Events of alarms, for the journal.
        self.alarms: list[AlarmNews] = []

    async def note(
        self,
        result: str,
        *,
        patient: UUID | None = None,
        alarm: UUID | None = None,
        before: Struct | None = None,
        after: Struct | None = None,
    ) -> None:
        """Add a line to the audit.

        Args:
            result: DONE, UNCHANGED, or the reason of a refusal.
            patient: Patient whom the command is about; None for the ward.
            alarm: Alarm that it is about.
            before: State before; None if there was none.
            after: State after; None if it is the same.
        """
        values = {
            "at": self.now,
            "by": self.author.by,
            "source": self.author.source,
            "command": self._command,
            "patient_uuid": patient and str(patient),
            "alarm": alarm and str(alarm),
            "before": _json(before),
            "after": _json(after),
            "result": result,
        }
        await self.transaction.execute(_AUDIT, [values])


class Door:
    """Door to the database for commands of people.

    Args:
        url: URL of the database.
        name: Name of its sessions: see engine_of.
        wall: Seconds since 1970.
    """

    def __init__(self, url: str, *, name: str = "icu", wall: Callable[[], float] = time.time) -> None:
        self._url = url
        self._name = name
        self._wall = wall

    async def carry_out(
        self, command: str, author: Author, work: Callable[[Desk], Awaitable[T | PatientServiceException]]
    ) -> T:
        """Carry out a command in a transaction of its own.

        Args:
            command: Word of the command, for the audit.
            author: Person who commands.
            work: The command. It returns a refusal that belongs into the audit, and raises any other.

        Raises:
            PatientServiceException: The refusal.
            SchemaError: There is no database, or its tables are not of this program's version.
            StoreUnavailableError: The database cannot be written now.
        """
        engine = engine_of(self._url, name=self._name)

        async def transact(transaction: Transaction) -> T | PatientServiceException:
            # First: other commands wait for this row until the commit. So the numbers of the audit's lines, behind
            # which the sink looks for new ones, appear in their order.
            await transaction.rows(_COUNT)
            desk = Desk(transaction, author, command, round(self._wall() * 1000))
            result = await work(desk)
            await append_to_journal(transaction, desk.now, alarms=desk.alarms)
            return result

        try:
            identity = await schema.find(engine)
            async with engine.connection(identity) as connection:
                await schema.check_writable(connection, engine.location)
            result = await engine.transact(transact)
            if await engine.identity() != identity:
                raise StoreUnavailableError(f"{engine.location} was replaced meanwhile: command again")
        finally:
            await engine.aclose()
        if isinstance(result, PatientServiceException):
            raise result
        return result


def _json(state: Struct | None) -> str | None:
    return None if state is None else msgspec.json.encode(state).decode()
