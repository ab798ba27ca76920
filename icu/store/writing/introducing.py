"""Patients of a batch: inserted when they are new, and given a bed; names and intervals are kept up to date."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct
from sqlalchemy import text

from icu.store.decisions.beds import place
from icu.store.engines.base import Transaction
from icu.store.journal.entries import PatientNews
from icu.store.readings import INTERVAL, NAME, PATIENT, TIMESTAMP, ObservedRow

# A missing name or interval leaves the stored one.
_UPSERT_PATIENT: Final = text(
    "INSERT INTO patients (uuid, name, interval) VALUES (:uuid, :name, :interval) ON CONFLICT (uuid) DO UPDATE SET"
    " name = coalesce(excluded.name, patients.name), interval = coalesce(excluded.interval, patients.interval)"
)
_PATIENTS: Final = text(
    "SELECT uuid, id, name, interval, bed_states.patient_id IS NOT NULL FROM patients"
    " LEFT JOIN bed_states ON bed_states.patient_id = patients.id"
)

_name: Final = itemgetter(NAME)


class Details(NamedTuple):
    """State of a patient that later observations may change."""

    name: str | None
    # Seconds between two observations.
    interval: float | None
    # True once the patient was given a bed.
    placed: bool


class KnownPatients(Struct, frozen=True):
    """Copy of the table of patients, by uuid as an integer."""

    # Keys in the table.
    ids: dict[int, int] = {}
    details: dict[int, Details] = {}


async def read_patients(transaction: Transaction) -> KnownPatients:
    """Read the table of patients."""
    rows = await transaction.rows(_PATIENTS)
    stored = [(UUID(uuid).int, key, Details(*details)) for uuid, key, *details in rows]
    return KnownPatients({uuid: key for uuid, key, _ in stored}, {uuid: details for uuid, _, details in stored})


async def introduce(
    transaction: Transaction,
    observed: Sequence[ObservedRow],
    known: KnownPatients,
    arrived: int,
    *,
    admits: bool = True,
) -> tuple[KnownPatients, Sequence[PatientNews]]:
    """Insert new patients, give them beds, and update names and intervals.

    Args:
        transaction: Open transaction.
        observed: Readings of any patients.
        known: Patients as they are in the table.
        arrived: Time of arrival, in milliseconds since 1970 UTC.
        admits: False for readings of before, which give nobody a bed: the next one of now does.

    Returns:
        All patients, and the changes.
    """
    last = {each[PATIENT]: each for each in observed}
    if None in map(_name, last.values()):
        # The last observation with a name counts, before a later one without.
        last |= {each[PATIENT]: each for each in observed if each[NAME] is not None}
    changed = [each for number, each in last.items() if _changes(each, known.details.get(number))]
    if not changed:
        return known, ()
    values = [
        {"uuid": str(UUID(int=each[PATIENT])), "name": each[NAME], "interval": each[INTERVAL]} for each in changed
    ]
    await transaction.execute(_UPSERT_PATIENT, values)
    homeless = [each[PATIENT] for each in changed if not _is_placed(known.details.get(each[PATIENT]))]
    if admits and homeless:
        await place(transaction, _admissions(observed, homeless, arrived))
    patients = await read_patients(transaction)
    return patients, [_news_of(each[PATIENT], known, patients) for each in changed]


def _admissions(observed: Sequence[ObservedRow], patients: Sequence[int], arrived: int) -> Mapping[UUID, int]:
    """Return the time from which each patient is watched: of a backlog, that of the first reading."""
    first = dict.fromkeys(patients, arrived)
    for each in observed:
        if each[PATIENT] in first:
            first[each[PATIENT]] = min(first[each[PATIENT]], each[TIMESTAMP])
    return {UUID(int=number): time for number, time in first.items()}


def _is_placed(details: Details | None) -> bool:
    return details is not None and details.placed


def _changes(observed: ObservedRow, details: Details | None) -> bool:
    """Tell if the observation brings a new patient, one without a bed, or another name or interval."""
    # Compared as a whole first: nearly all are alike.
    return details != (observed[NAME], observed[INTERVAL], True) and (
        details is None
        or not details.placed
        or observed[NAME] not in (None, details.name)
        or observed[INTERVAL] not in (None, details.interval)
    )


def _news_of(number: int, before: KnownPatients, after: KnownPatients) -> PatientNews:
    name, interval, _ = after.details[number]
    old = before.details.get(number)
    return PatientNews(
        after.ids[number],
        UUID(int=number),
        UNSET if old is not None and old.name == name else name,
        UNSET if old is not None and old.interval == interval else interval,
    )
