"""Beds of patients in the store: what is decided about them, and the lowest free numbers for those without a label."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text

from icu.alarms.effects import BedChange
from icu.alarms.episodes import BedState, Pause, Shelf, Standby
from icu.store.engines.base import Connection, Transaction, Values
from icu.store.errors import VersionConflictError

# Version 0: nobody has decided anything yet.
_PLACE: Final = text(
    "INSERT INTO bed_states (patient_id, version, admitted, had, shelves) SELECT id, 0, :at, '[]', '{}' FROM patients"
    " WHERE uuid = :uuid ON CONFLICT DO NOTHING"
)
_BEDS: Final = text("SELECT patient_id, bed FROM bed_states WHERE admitted IS NOT NULL ORDER BY patient_id")
_LABEL: Final = text("UPDATE bed_states SET bed = :bed WHERE patient_id = :patient_id")
# Columns of a bed beside its label, which is given here and taken away at the discharge.
_COLUMNS: Final = (
    "version",
    "admitted",
    "discharged_at",
    "paused_until",
    "paused_by",
    "paused_length",
    "paused_highest",
    "standby_since",
    "standby_until",
    "standby_by",
    "standby_length",
    "clock_set_at",
    "watched_from",
    "watched_since",
    "had",
    "shelves",
)
# Compare-and-set: it changes no row that has another version than before.
_SAVE: Final = text(
    f"INSERT INTO bed_states (patient_id, {', '.join(_COLUMNS)})"  # noqa: S608 - names of our own
    f" SELECT id, {', '.join(f':{each}' for each in _COLUMNS)} FROM patients WHERE uuid = :patient"
    f" ON CONFLICT (patient_id) DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in _COLUMNS)},"
    " bed = CASE WHEN excluded.admitted IS NULL THEN NULL ELSE bed_states.bed END WHERE bed_states.version = :before"
)
_PLACES: Final = text("SELECT patient_id, bed, paused_by, paused_until, standby_by, standby_until FROM bed_states")
_STATES: Final = (
    f"SELECT patients.id, patients.uuid, bed_states.bed, {', '.join(f'bed_states.{each}' for each in _COLUMNS)}"  # noqa: S608 - names of our own
    " FROM bed_states JOIN patients ON patients.id = bed_states.patient_id"
)
_ALL: Final = text(f"{_STATES} ORDER BY patients.id")
_ONE: Final = text(f"{_STATES} WHERE patients.uuid = :patient")
_RELABEL: Final = text(
    "UPDATE bed_states SET bed = :bed WHERE patient_id = (SELECT id FROM patients WHERE uuid = :patient)"
)


class Place(NamedTuple):
    """Bed of a patient, as far as the list of patients shows it. Times are milliseconds since 1970 UTC."""

    bed: str | None
    paused_by: str | None
    paused_until: int | None
    standby_by: str | None
    standby_until: int | None


async def places(asked: Transaction | Connection) -> dict[int, Place]:
    """Read the beds of all patients who ever had one, by the patient's key in the store."""
    return {key: Place(*place) for key, *place in await asked.rows(_PLACES)}


async def bed_states(asked: Transaction | Connection) -> list[BedState]:
    """Read the beds of all patients who ever had one; the discharged have no label."""
    return list((await beds_by_key(asked)).values())


async def beds_by_key(asked: Transaction | Connection, patient: UUID | None = None) -> dict[int, BedState]:
    """Read the beds of all patients who ever had one, or of one patient, by the patient's key in the store."""
    rows = await (asked.rows(_ALL) if patient is None else asked.rows(_ONE, {"patient": str(patient)}))
    return {row[0]: _state(row) for row in rows}


async def bed_state(asked: Transaction | Connection, patient: UUID) -> BedState:
    """Read the bed of a patient: version 0, and nothing decided, where there is none yet."""
    return next(iter((await beds_by_key(asked, patient)).values()), BedState(patient=patient))


async def save_beds(transaction: Transaction, changes: Sequence[BedChange]) -> None:
    """Store changed beds, and give numbers to the admitted without a label. Labels of the changes are not stored.

    Raises:
        VersionConflictError: Somebody else has changed a bed meanwhile.
    """
    if not changes:
        return
    if await transaction.execute(_SAVE, [_values(each) for each in changes]) != len(changes):
        raise VersionConflictError("a bed was changed meanwhile: ask again")
    if any(each.bed.admitted is not None and each.bed.bed is None for each in changes):
        await give_numbers(transaction)


async def relabel(transaction: Transaction, patient: UUID, bed: str) -> None:
    """Give a patient's bed this label. The caller has checked that nobody else has it."""
    await transaction.execute(_RELABEL, [{"patient": str(patient), "bed": bed}])


async def place(transaction: Transaction, admissions: Mapping[UUID, int]) -> None:
    """Admit patients who were heard and have no row yet, each to the bed of the lowest free number.

    Args:
        transaction: Open transaction.
        admissions: Times of their admission, in milliseconds since 1970 UTC, of patients in the table of patients.
            Those with a row stay as they are.
    """
    await transaction.execute(_PLACE, [{"uuid": str(uuid), "at": at} for uuid, at in admissions.items()])
    await give_numbers(transaction)


async def give_numbers(transaction: Transaction) -> None:
    """Give each admitted patient without a bed the one of the lowest free number."""
    beds = await transaction.rows(_BEDS)
    taken = {bed for _, bed in beds}
    # In Python: a database joins the free numbers with the patients in the square of their number.
    free = (number for number in map(str, count(1)) if number not in taken)
    homeless = [patient_id for patient_id, bed in beds if bed is None]
    await transaction.execute(
        _LABEL, [{"patient_id": patient_id, "bed": bed} for patient_id, bed in zip(homeless, free, strict=False)]
    )


def _values(change: BedChange) -> Values:
    bed = change.bed
    paused, standby = bed.paused, bed.standby
    return {
        "patient": str(bed.patient),
        "before": change.before,
        "version": bed.version,
        "admitted": bed.admitted,
        "discharged_at": bed.discharged_at,
        **{f"paused_{each}": paused and getattr(paused, each) for each in Pause.__struct_fields__},
        **{f"standby_{each}": standby and getattr(standby, each) for each in Standby.__struct_fields__},
        "clock_set_at": bed.clock_set_at,
        "watched_from": bed.watched_from,
        "watched_since": bed.watched_since,
        "had": msgspec.json.encode(bed.had).decode(),
        "shelves": msgspec.json.encode(bed.shelves).decode(),
    }


def _state(row: Sequence[Any]) -> BedState:
    _, patient, bed, *values = row
    columns: Mapping[str, Any] = dict(zip(_COLUMNS, values, strict=True))
    return BedState(
        patient=UUID(patient),
        version=columns["version"],
        admitted=columns["admitted"],
        discharged_at=columns["discharged_at"],
        bed=bed,
        clock_set_at=columns["clock_set_at"],
        watched_from=columns["watched_from"],
        watched_since=columns["watched_since"],
        paused=_part("paused", columns, Pause),
        standby=_part("standby", columns, Standby),
        shelves=msgspec.json.decode(columns["shelves"], type=dict[str, Shelf]),
        had=msgspec.json.decode(columns["had"], type=tuple[str, ...]),
    )


def _part(prefix: str, columns: Mapping[str, Any], kind: type[Any]) -> Any:  # noqa: ANN401 - of that type
    if columns[f"{prefix}_by"] is None:
        return None
    return kind(**{each: columns[f"{prefix}_{each}"] for each in kind.__struct_fields__})
