"""Versions of alarm limits in the store: the ward's, and the overrides of patients. The newest of a scope holds."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from icu.alarms.defaults import WARD
from icu.alarms.limits import NO_OVERRIDES, ConditionLimits, Limits
from icu.store.engines.base import Connection, Transaction

# Scope of the ward's limits; that of a patient's is the uuid.
_WARD_SCOPE: Final = "ward"

_SELECT: Final = 'SELECT scope, version, conditions, "by", at FROM limits'
_NEWEST: Final = text(f"{_SELECT} WHERE scope = :scope ORDER BY version DESC LIMIT 1")
_ALL_NEWEST: Final = text(
    f"{_SELECT} WHERE version = (SELECT max(version) FROM limits AS others WHERE others.scope = limits.scope)"  # noqa: S608 - our own
)
_VERSION: Final = text(f"{_SELECT} WHERE scope = :scope AND version = :version")
_INSERT: Final = text(
    'INSERT INTO limits (scope, version, conditions, "by", at) VALUES (:scope, :version, :conditions, :by, :at)'
)

_conditions: Final = msgspec.json.Decoder(dict[str, ConditionLimits])


class LimitVersion(Struct, frozen=True):
    """A version of limits, with its author; without one before the first change."""

    limits: Limits
    by: str | None = None
    # Milliseconds since 1970 UTC.
    at: int | None = None


async def limits_of(asked: Transaction | Connection, patient: UUID | None = None) -> LimitVersion:
    """Read the newest limits of the ward, or the overrides of a patient; the defaults before the first change."""
    rows = await asked.rows(_NEWEST, {"scope": _scope(patient)})
    if rows:
        return _limits(rows[0])
    return LimitVersion(WARD if patient is None else NO_OVERRIDES)


async def all_overrides(asked: Transaction | Connection) -> dict[UUID, LimitVersion]:
    """Read the newest overrides of all patients who have some."""
    rows = await asked.rows(_ALL_NEWEST)
    return {UUID(row[0]): _limits(row) for row in rows if row[0] != _WARD_SCOPE}


async def version_of(asked: Transaction | Connection, version: int, patient: UUID | None = None) -> Limits | None:
    """Read an older version, as alarms name it; None if there is none. Version 0 is the defaults."""
    if version == 0:
        return WARD if patient is None else NO_OVERRIDES
    rows = await asked.rows(_VERSION, {"scope": _scope(patient), "version": version})
    return _limits(rows[0]).limits if rows else None


async def insert_limits(
    transaction: Transaction, limits: Limits, *, patient: UUID | None = None, by: str, at: int
) -> None:
    """Store a version of limits, from now on the newest of its scope."""
    values = {
        "scope": _scope(patient),
        "version": limits.version,
        "conditions": msgspec.json.encode(limits.conditions).decode(),
        "by": by,
        "at": at,
    }
    await transaction.execute(_INSERT, [values])


def _scope(patient: UUID | None) -> str:
    return _WARD_SCOPE if patient is None else str(patient)


def _limits(row: Sequence[Any]) -> LimitVersion:
    _, version, conditions, by, at = row
    return LimitVersion(Limits(version, _conditions.decode(conditions)), by, at)
