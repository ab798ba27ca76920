"""Statistics of every patient over the same span of time: what the sparklines of a whole ward are drawn from.

Each patient has statements of its own, range reads: faster than one statement for all, which has to sort. The
connection is given back between two of them.
"""

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from icu.sorting import natural
from icu.store.history.buckets import Buckets, Slice, joined
from icu.store.history.spans import all_late_hours
from icu.store.reader import Reader
from icu.store.rollups.coverage import Coverage
from icu.store.upkeep_state import read_upkeep_state

_PATIENTS: Final = text(
    "SELECT patients.uuid, patients.name, bed_states.bed FROM patients"
    " LEFT JOIN bed_states ON bed_states.patient_id = patients.id"
)


class WardSpan(Struct, frozen=True):
    """The buckets that are asked for: of `since` <= timestamp < `until`, milliseconds since 1970."""

    since: int
    until: int
    # Milliseconds of a bucket.
    every: int
    # Names of signs, in the order of the catalogue.
    signs: tuple[str, ...]

    @property
    def buckets(self) -> int:
        """Number of buckets that each patient may have."""
        return (self.until - 1) // self.every - self.since // self.every + 1 if self.since < self.until else 0


class WardPatient(NamedTuple):
    """Patient, who may have no reading in the span."""

    uuid: UUID
    name: str | None
    # Label. None: the patient has no bed.
    bed: str | None


class WardHistory:
    """History of the patients that there are, by bed and then by name, those without one last. Made by `find`.

    `kept` says what is left of the span where parts of it were deleted.
    """

    def __init__(
        self,
        reader: Reader,
        span: WardSpan,
        *,
        identity: Hashable,
        patients: Sequence[WardPatient],
        coverage: Coverage,
        late_hours: Mapping[str, Sequence[int]],
    ) -> None:
        self.span = span
        self.patients = patients
        self.kept = coverage.kept(span.since, span.until)
        self._reader = reader
        self._identity = identity
        self._coverage = coverage
        self._late_hours = late_hours

    @classmethod
    async def find(cls, reader: Reader, span: WardSpan) -> "WardHistory":
        """Find the patients. Reads nothing of their history yet."""
        identity = await reader.look()
        async with reader.connection(identity) as connection:
            rows = await connection.rows(_PATIENTS)
            coverage = Coverage(await read_upkeep_state(connection), span.every)
            late_hours = await all_late_hours(connection, span.since, span.until)
        patients = [WardPatient(UUID(uuid), name, bed) for uuid, name, bed in sorted(rows, key=_place)]
        return cls(reader, span, identity=identity, patients=patients, coverage=coverage, late_hours=late_hours)

    async def slices(self) -> AsyncIterator[tuple[WardPatient, Slice]]:
        """Read the buckets of each patient in turn; a slice without rows where there is no reading.

        Raises:
            StoreUnavailableError: The database was exchanged meanwhile, or readings were deleted.
        """
        since, until = self._coverage.clip(self.span.since, self.span.until)
        for patient in self.patients:
            pieces = self._coverage.pieces(since, until, self._late_hours.get(str(patient.uuid), ()))
            buckets = Buckets(self._reader, self._identity, patient.uuid, self.span.every, self.span.signs)
            yield patient, joined([each async for each in buckets.slices(pieces)], self.span.signs)


def _place(patient: Sequence[Any]) -> tuple[object, ...]:
    uuid, name, bed = patient
    return bed is None, natural(bed or ""), name is None, natural(name or ""), uuid
