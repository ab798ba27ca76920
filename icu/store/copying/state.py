"""State of a source and of a target: the source's own, which must not change, and the progress noted in the target."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import text

from icu.errors import UsageError
from icu.store.copying.plan import AT_END, IN_CHUNKS, STATES
from icu.store.copying.shapes import SHAPES, Row, added, digest
from icu.store.engines.base import Transaction

# Each command, and each transaction of a sink or an upkeep, changes one of these.
_STATE: Final = text(
    "SELECT (SELECT batch FROM journal_end), (SELECT count FROM command_count), (SELECT commits FROM upkeep_state),"
    " (SELECT max(id) FROM audit), (SELECT min(sequence) FROM outbox)"
)
_OFFSETS: Final = text('SELECT topic, "partition", log, next, mark FROM consumer_offsets ORDER BY 1, 2')

_COPY: Final = text("SELECT source, generation, state, finished FROM copies")
_BEGIN: Final = text(
    "INSERT INTO copies (id, source, generation, state, began) VALUES (1, :source, :generation, :state, :now)"
)
_FINISH: Final = text("UPDATE copies SET finished = :now")
_START: Final = text("INSERT INTO copy_progress (name, count, digest, complete) VALUES (:name, 0, 0, :complete)")
_PROGRESS: Final = text('SELECT name, "after", count, digest, complete FROM copy_progress')
_ADVANCE: Final = text(
    'UPDATE copy_progress SET "after" = :after, count = :count, digest = :digest, complete = :complete'
    " WHERE name = :name"
)


class Source(Struct, frozen=True):
    """A source at its present state."""

    location: str
    generation: int
    # JSON.
    state: str


class Begun(Struct, frozen=True):
    """Copy that a target knows of."""

    source: str
    generation: int
    state: str
    # Milliseconds since 1970 UTC; None until it is complete.
    finished: int | None


class Progress(Struct, frozen=True):
    """How far the copying of a table has come."""

    name: str
    # Primary key of the last copied row; None before the first.
    after: Sequence[Any] | None = None
    count: int = 0
    digest: int = 0
    complete: bool = False

    def behind(self, rows: Sequence[Row]) -> "Progress":
        """Return the progress once these are copied too; without any, the table is complete."""
        if not rows:
            return msgspec.structs.replace(self, complete=True)
        after = SHAPES[self.name].key_of(rows[-1])
        return Progress(self.name, after, self.count + len(rows), added(self.digest, digest(rows)))


async def source_of(transaction: Transaction, location: str) -> Source:
    """Read the state of a source."""
    states = [list(row) for row in await transaction.rows(_STATE)]
    offsets = [list(row) for row in await transaction.rows(_OFFSETS)]
    return Source(location, await transaction.generation(), msgspec.json.encode([states, offsets]).decode())


async def begun_in(transaction: Transaction) -> Begun | None:
    """Read of which copy a target knows; None if of none."""
    rows = await transaction.rows(_COPY)
    return Begun(*rows[0]) if rows else None


async def begin(transaction: Transaction, source: Source, location: str, now: int) -> dict[str, Progress]:
    """Begin a copy in the target, or go on with the one that was begun there.

    Args:
        transaction: Transaction of the target.
        source: The source.
        location: Name of the target in messages.
        now: Milliseconds since 1970 UTC.

    Returns:
        Progress by table.

    Raises:
        UsageError: The target is not empty, it holds another copy, or the source has changed since.
    """
    begun = await begun_in(transaction)
    if begun is None:
        await _check_empty(transaction, location)
        values = {"source": source.location, "generation": source.generation, "state": source.state, "now": now}
        await transaction.execute(_BEGIN, [values])
        await transaction.execute(_START, [{"name": name, "complete": False} for name in IN_CHUNKS])
    else:
        _check_continued(begun, source, location)
    rows = await transaction.rows(_PROGRESS)
    found = (
        Progress(name, after and msgspec.json.decode(after), count, summed, bool(complete))
        for name, after, count, summed, complete in rows
    )
    return {each.name: each for each in found}


async def advance(transaction: Transaction, progress: Progress) -> None:
    """Store the progress of a table."""
    values = msgspec.structs.asdict(progress)
    after = None if progress.after is None else msgspec.json.encode(progress.after).decode()
    await transaction.execute(_ADVANCE, [{**values, "after": after}])


async def finish(transaction: Transaction, now: int) -> None:
    """Take the mark away that keeps programs from the target."""
    await transaction.execute(_FINISH, [{"now": now}])


async def _check_empty(transaction: Transaction, location: str) -> None:
    for name in (*IN_CHUNKS, *AT_END):
        if name not in STATES and await transaction.rows(SHAPES[name].any):
            raise UsageError(f"{location} is not empty, there are {name.replace('_', ' ')} in it: name a new database")


def _check_continued(begun: Begun, source: Source, location: str) -> None:
    if begun.generation != source.generation:
        raise UsageError(f"{location} is an unfinished copy of another database, {begun.source}: name a new one")
    if begun.state != source.state:
        raise UsageError(
            f"{source.location} was written to since its copy {location} was begun, which is of no use now: name a new"
            " database, or empty that one"
        )
