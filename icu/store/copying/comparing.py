"""Comparison of a copied table with its source: all rows are read back."""

from typing import Final

from sqlalchemy import text

from icu.store.copying.shapes import SHAPES, added, digest
from icu.store.copying.shares import Shares
from icu.store.copying.state import Progress
from icu.store.engines.base import Engine
from icu.store.errors import StoreError

_UUID: Final = text("SELECT uuid FROM patients WHERE id = :patient")


async def compare(source: Engine, target: Engine, copied: Progress, shares: Shares) -> None:
    """Compare a table with what was copied.

    Args:
        source: Database that was copied.
        target: Its copy.
        copied: Progress of the table, with the sums of all rows of the source.
        shares: Told of the comparison.

    Raises:
        StoreError: They differ.
    """
    shape = SHAPES[copied.name]
    found = Progress(copied.name)
    while not found.complete:
        found = found.behind(await shape.chunk(target, found.after))
        shares.compared(found)
    if (found.count, found.digest) != (copied.count, copied.digest):
        where = await _difference(source, target, copied.name) if shape.by_patient else ""
        raise StoreError(
            f"{target.location} differs from {source.location} in {copied.name}{where}: of {copied.count:,} rows"
            f" {found.count:,} were found again. It is of no use: copy into a new database"
        )


async def _difference(source: Engine, target: Engine, name: str) -> str:
    """Name the first patient whose rows differ, as the end of a clause."""
    ones, others = await _by_patient(source, name), await _by_patient(target, name)
    patient = min(key for key in ones | others if ones.get(key) != others.get(key))
    rows = await source.read(lambda transaction: transaction.rows(_UUID, {"patient": patient}))
    return f", first of patient {rows[0][0] if rows else patient}"


async def _by_patient(engine: Engine, name: str) -> dict[int, int]:
    """Return the digest of each patient's rows."""
    shape, after = SHAPES[name], None
    sums: dict[int, int] = {}
    while rows := await shape.chunk(engine, after):
        for row in rows:
            patient = shape.key_of(row)[0]
            sums[patient] = added(sums.get(patient, 0), digest([row]))
        after = shape.key_of(rows[-1])
    return sums
