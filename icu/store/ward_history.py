"""Statistics of every patient over the same span of time: what the sparklines of a whole ward are drawn from.

Each patient is a statement of its own, a range read: faster than one statement for all, which has to sort. The
connection is given back between two of them.
"""

from collections.abc import AsyncIterator, Hashable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from icu.sorting import natural
from icu.store.history import Slice, bucket_columns, buckets_of
from icu.store.reader import Reader

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
    """History of the patients that there are, by bed and then by name, those without one last."""

    def __init__(self, reader: Reader, span: WardSpan, *, identity: Hashable, patients: Sequence[WardPatient]) -> None:
        self.span = span
        self.patients = patients
        self._reader = reader
        self._identity = identity

    @classmethod
    async def find(cls, reader: Reader, span: WardSpan) -> "WardHistory":
        """Find the patients. Reads nothing of their history yet."""
        identity = await reader.look()
        async with reader.connection(identity) as connection:
            rows = await connection.rows(_PATIENTS)
        patients = [WardPatient(UUID(uuid), name, bed) for uuid, name, bed in sorted(rows, key=_place)]
        return cls(reader, span, identity=identity, patients=patients)

    async def slices(self) -> AsyncIterator[tuple[WardPatient, Slice]]:
        """Read the buckets of each patient in turn; a slice without rows where there is no reading.

        Raises:
            StoreUnavailableError: The database was exchanged meanwhile.
        """
        statement, names = buckets_of(self.span.signs), bucket_columns(self.span.signs)
        values = {"since": self.span.since, "until": self.span.until - 1, "every": self.span.every}
        for patient in self.patients:
            async with self._reader.connection(self._identity) as connection:
                columns = await connection.arrays(statement, names, {"uuid": str(patient.uuid), **values})
            yield patient, Slice(columns)


def _place(patient: Sequence[Any]) -> tuple[object, ...]:
    uuid, name, bed = patient
    return bed is None, natural(bed or ""), name is None, natural(name or ""), uuid
