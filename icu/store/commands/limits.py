"""Commands about alarm limits: of the ward, of a patient, and automatic ones around the present values."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import text

from icu.alarms.auto import auto_limits
from icu.alarms.checks import check_limits
from icu.alarms.limits import ConditionLimits, Limits, change, merge
from icu.alarms.sample import sample_of
from icu.store.commands.beds import check_patient
from icu.store.commands.door import Author, Desk, Door
from icu.store.commands.errors import CommandConflictError, SenselessCommandError
from icu.store.commands.states import AllLimits, LimitsState
from icu.store.decisions.audit import DONE, UNCHANGED
from icu.store.decisions.limits import LimitVersion, all_overrides, insert_limits, limits_of
from icu.store.engines.base import Connection, Transaction
from icu.store.readings import LAG, TIMESTAMP, from_milliseconds, to_value
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import VitalSigns
from icu.vitals.staleness import stale_after

# The one that arrived last: a clock that was ahead once leaves readings of times to come.
_LATEST: Final = text(
    f"SELECT {', '.join(COLUMNS)} FROM patient_metrics WHERE patient_id ="  # noqa: S608 - names of our own
    " (SELECT id FROM patients WHERE uuid = :uuid) AND timestamp >= :since"
    " ORDER BY timestamp + lag DESC, timestamp DESC LIMIT 1"
)
# Milliseconds from measurement to arrival above which a value was held up, as in an outage: it is none of now.
_HELD_UP: Final = 300_000
_INTERVAL: Final = text("SELECT interval FROM patients WHERE uuid = :uuid")


async def read_limits(asked: Transaction | Connection, patient: UUID | None = None) -> LimitsState:
    """Read the limits of the ward, or of a patient, who must exist."""
    ward = await limits_of(asked)
    own = ward if patient is None else await limits_of(asked, patient)
    return _state(ward.limits, own, patient)


async def read_all_limits(asked: Transaction | Connection) -> AllLimits:
    """Read the limits of the ward, and of each patient with own ones."""
    ward = await limits_of(asked)
    overrides = await all_overrides(asked)
    own = {patient: _state(ward.limits, each, patient) for patient, each in overrides.items() if each.limits.conditions}
    return AllLimits(_state(ward.limits, ward, None), own)


async def set_ward_limits(
    door: Door, author: Author, *, version: int, conditions: Mapping[str, ConditionLimits]
) -> LimitsState:
    """Change limits of the ward. Conditions, and parts of them, that are left out stay as they are.

    Args:
        door: Door to the database.
        author: Person who commands.
        version: Version that the author saw.
        conditions: Changed limits, by name of the condition.

    Raises:
        SenselessCommandError: They make no sense, alone or beneath a patient's.
        CommandConflictError: There is a newer version.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> LimitsState | CommandConflictError:
        before = await limits_of(desk.transaction)
        changed = change(before.limits, conditions)
        _check(check_limits(changed, Limits()))
        for patient, own in (await all_overrides(desk.transaction)).items():
            _check([f"of patient {patient}: {each}" for each in check_limits(changed, own.limits)])
        return await _set(desk, before, changed, version, None)

    return await door.carry_out("limits", author, work)


async def set_patient_limits(
    door: Door, patient: UUID, author: Author, *, version: int, conditions: Mapping[str, ConditionLimits]
) -> LimitsState:
    """Set the overrides of a patient, in the place of all that there were.

    Raises:
        PatientNotFoundError: There is no such patient.
        SenselessCommandError: They make no sense above the ward's.
        CommandConflictError: There is a newer version.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> LimitsState | CommandConflictError:
        await check_patient(desk.transaction, patient)
        ward, before = await limits_of(desk.transaction), await limits_of(desk.transaction, patient)
        changed = Limits(before.limits.version + 1, conditions)
        _check(check_limits(ward.limits, changed))
        return await _set(desk, before, changed, version, patient)

    return await door.carry_out("limits", author, work)


async def set_auto_limits(door: Door, patient: UUID, author: Author, *, version: int) -> LimitsState:
    """Set limits around the present values of a patient. Signs without a good value keep theirs, and are named.

    Raises:
        PatientNotFoundError: There is no such patient.
        SenselessCommandError: No sign has a value on which limits could be built.
        CommandConflictError: There is a newer version.
        StoreError: See Door.carry_out.
    """

    async def work(desk: Desk) -> LimitsState | CommandConflictError:
        await check_patient(desk.transaction, patient)
        ward, before = await limits_of(desk.transaction), await limits_of(desk.transaction, patient)
        made = auto_limits(await _values(desk, patient), ward.limits, before.limits)
        if not made.conditions:
            raise SenselessCommandError("; ".join(made.refused) or "no sign has limits that are on")
        changed = change(before.limits, made.conditions)
        _check(check_limits(ward.limits, changed))
        return await _set(desk, before, changed, version, patient, refused=tuple(made.refused))

    return await door.carry_out("limits auto", author, work)


async def _set(
    desk: Desk,
    before: LimitVersion,
    changed: Limits,
    version: int,
    patient: UUID | None,
    *,
    refused: tuple[str, ...] = (),
) -> LimitsState | CommandConflictError:
    old = await read_limits(desk.transaction, patient)
    if version != before.limits.version:
        await desk.note("version before", patient=patient, before=old)
        why = f"the limits have version {before.limits.version} now: look at them, and send that"
        return CommandConflictError(why, old)
    if changed.conditions == before.limits.conditions:
        await desk.note(UNCHANGED, patient=patient, before=old)
        return replace(old, refused=refused)
    by = desk.author.by
    await insert_limits(desk.transaction, changed, patient=patient, by=by, at=desk.now)
    ward = changed if patient is None else (await limits_of(desk.transaction)).limits
    new = _state(ward, LimitVersion(changed, by, desk.now), patient, refused)
    await desk.note(DONE, patient=patient, before=old, after=new)
    return new


async def _values(desk: Desk, patient: UUID) -> VitalSigns:
    """Return the patient's last values; None for those that are missing or flagged, or all if they are old."""
    [(interval,)] = await desk.transaction.rows(_INTERVAL, {"uuid": str(patient)})
    longest = stale_after(None if interval is None else round(interval * 1000), ())
    since = desk.now - longest - _HELD_UP
    rows = await desk.transaction.rows(_LATEST, {"uuid": str(patient), "since": since})
    if not rows:
        return VitalSigns()
    measured, lag = rows[0][TIMESTAMP], rows[0][LAG]
    if lag > _HELD_UP or desk.now - (measured + lag) > longest:
        return VitalSigns()
    return VitalSigns(*map(to_value, sample_of(tuple(rows[0])).valid))


def _state(ward: Limits, own: LimitVersion, patient: UUID | None, refused: tuple[str, ...] = ()) -> LimitsState:
    limits = own.limits
    in_force = limits.conditions if patient is None else merge(ward, limits)
    at = None if own.at is None else from_milliseconds(own.at)
    return LimitsState(limits.version, limits.conditions, in_force, own.by, at, refused)


def _check(wrong: list[str]) -> None:
    if wrong:
        raise SenselessCommandError("; ".join(wrong))
