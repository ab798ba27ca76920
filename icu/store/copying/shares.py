"""Share of a copy that is done, for whoever watches it."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from icu.store.copying.plan import IN_CHUNKS
from icu.store.copying.shapes import SHAPES
from icu.store.copying.state import Progress
from icu.store.engines.base import Engine, Report

_PATIENTS: Final = text("SELECT id FROM patients ORDER BY id")

# Nearly all rows are readings, and nearly all of the rest their roll-ups.
_WEIGHTS: Final = {**dict.fromkeys(IN_CHUNKS, 1), "patient_metrics": 60, "minute_rollups": 15}

# Parts of the time that copying and comparing take.
_COPYING: Final = 2
_COMPARING: Final = 1


class Shares:
    """Share that is done, by how far each table has come.

    Args:
        patients: Their keys, in order: tables of theirs have come as far as the patient whose rows were last.
        report: Told of each share.
    """

    def __init__(self, patients: Sequence[int], report: Report) -> None:
        self._patients = patients
        self._report = report
        # By table, of its copying and comparing: 0 to 1.
        self._done = {part: dict.fromkeys(IN_CHUNKS, 0.0) for part in (_COPYING, _COMPARING)}

    def copied(self, progress: Progress) -> None:
        """Report the copying of a table."""
        self._note(_COPYING, progress)

    def compared(self, progress: Progress) -> None:
        """Report the comparing of a table."""
        self._note(_COMPARING, progress)

    def _note(self, part: int, progress: Progress) -> None:
        self._done[part][progress.name] = self._position(progress)
        shares = (each * part * _WEIGHTS[name] for part, done in self._done.items() for name, each in done.items())
        self._report(sum(shares) / (_COPYING + _COMPARING) / sum(_WEIGHTS.values()))

    def _position(self, progress: Progress) -> float:
        if progress.complete:
            return 1.0
        if progress.after is None or not SHAPES[progress.name].by_patient:
            return 0.0
        return bisect_left(self._patients, progress.after[0]) / len(self._patients)


async def shares_of(source: Engine, report: Report) -> Shares:
    """Begin with a share of nothing."""
    rows = await source.read(lambda transaction: transaction.rows(_PATIENTS))
    return Shares([key for (key,) in rows], report)
