"""Rolling up late hours anew: all of their minutes, and the hour."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from icu.store.engines.base import Transaction
from icu.store.rollups import statements
from icu.store.rollups.pace import HOUR_MINUTES
from icu.store.rollups.spans import HOUR, MINUTE, hour_of
from icu.store.rollups.statements import values_of
from icu.store.rollups.step import RolledUp, Step

# Minutes to write for each.
_MINUTES: Final = HOUR // MINUTE + HOUR_MINUTES

# Key of a patient, and begin of the hour.
_Hour: TypeAlias = tuple[int, int]


async def roll_up_late(step: Step) -> RolledUp:
    """Roll up some late hours, if there are any.

    Only hours that have passed: an hour in which readings are late gets more of them, and would be rolled up with each.
    """
    asked = {"until": hour_of(step.state.rolled_until or 0), "count": step.pace.units(_MINUTES)}
    async with step.door.connection() as connection:
        if not await connection.rows(statements.LATE_HOURS, asked):
            return step.result(done=True)
        minutes = await connection.rows(statements.LATE_MINUTES, asked)
    readings = _readings_of(minutes)

    async def work(transaction: Transaction) -> set[_Hour]:
        present = {
            (patient, hour): count for patient, hour, count in await transaction.rows(statements.LATE_COUNTS, asked)
        }
        # Readings behind the horizon are deleted, or about to be: the roll-ups are all that is left of them.
        expired = {each for each in present if each[1] < (step.state.raw_horizon or 0)}
        # All others have got more readings since they were read, and keep their mark.
        complete = {each for each in present.keys() - expired if readings[each] == present[each]}
        await _write(transaction, complete, minutes)
        await transaction.execute(statements.UNMARK, _values(complete | expired))
        return complete

    hours = await step.write(work, minutes=len(readings) * _MINUTES)
    return step.result(readings=sum(readings[each] for each in hours), hours=len(hours))


def _readings_of(minutes: Sequence[Sequence[Any]]) -> Counter[_Hour]:
    readings: Counter[_Hour] = Counter()
    for row in minutes:
        readings[_hour_of(row)] += row[-1]
    return readings


async def _write(transaction: Transaction, hours: set[_Hour], minutes: Sequence[Sequence[Any]]) -> None:
    await transaction.execute(statements.WRITE_MINUTES, [values_of(row) for row in minutes if _hour_of(row) in hours])
    spans = [{**each, "after": each["patient"] - 1, "last": each["patient"]} for each in _values(hours)]
    await transaction.execute(statements.WRITE_HOUR, spans)


def _hour_of(row: Sequence[Any]) -> _Hour:
    return row[0], hour_of(row[1])


def _values(hours: set[_Hour]) -> list[dict[str, int]]:
    return [{"patient": patient, "hour": hour} for patient, hour in sorted(hours)]
