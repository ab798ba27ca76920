"""A naive oracle of roll-ups: what they should be, from the readings as another program finds them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from icu.store.rollups.step import RolledUp
from icu.store.tables.upkeep import ROLLUP_COLUMNS, SUMS
from icu.store.upkeep import Upkeep
from icu.vitals.catalogue import SIGNS
from tests.stores import snapshot

MINUTE: Final = 60_000
HOUR: Final = 3_600_000

# Statistics by patient's key and begin of the bucket.
RollUps: TypeAlias = dict[tuple[int, int], dict[str, int | None]]


class Stored(NamedTuple):
    """All that a database holds of readings and their roll-ups, at one time."""

    readings: list[Mapping[str, Any]]
    minutes: RollUps
    hours: RollUps
    # Keys of patients and begins of hours.
    late: set[tuple[int, int]]
    rolled_until: int
    raw_horizon: int

    def wrong(self) -> list[tuple[str, tuple[int, int]]]:
        """Find the roll-ups that count, of buckets that are not deleted, and are not those of the readings."""
        return [*self._wrong("minute", self.minutes, MINUTE), *self._wrong("hour", self.hours, HOUR)]

    def _wrong(self, kind: str, rolled: RollUps, every: int) -> Iterable[tuple[str, tuple[int, int]]]:
        expected = naive(self.readings, every)
        for patient, bucket in sorted(expected.keys() | rolled.keys()):
            is_rolled = self.raw_horizon <= bucket and bucket + every <= self.rolled_until
            counts = is_rolled and (patient, bucket - bucket % HOUR) not in self.late
            if counts and expected.get((patient, bucket)) != rolled.get((patient, bucket)):
                yield kind, (patient, bucket)


async def roll_up(upkeep: Upkeep, now: int) -> list[RolledUp]:
    """Roll up until there is nothing left to do."""
    steps = [await upkeep.roll_up(now)]
    while not steps[-1].done:
        assert len(steps) < 1_000
        steps.append(await upkeep.roll_up(now))
    return steps


def stored(url: str) -> Stored:
    """Read the database as another program does, in one transaction."""
    parts = ["patient_metrics", "minute_rollups", "hour_rollups", "late_hours", "upkeep_state"]
    readings, minutes, hours, late, [state] = snapshot(url, [f"SELECT * FROM {each}" for each in parts])
    return Stored(
        readings,
        _table(minutes),
        _table(hours),
        {(each["patient_id"], each["hour"]) for each in late},
        state["rolled_until"] or 0,
        state["raw_horizon"] or 0,
    )


def naive(readings: Iterable[Mapping[str, Any]], every: int) -> RollUps:
    """Roll readings up as a child would."""
    buckets: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for each in readings:
        buckets.setdefault((each["patient_id"], each["timestamp"] // every * every), []).append(each)
    return {key: _statistics(found) for key, found in buckets.items()}


def _statistics(readings: Iterable[Mapping[str, Any]]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for sign in (each.name for each in SIGNS):
        measured = [each for each in readings if each[sign] is not None]
        sure = [each[sign] for each in measured if sign not in _doubts(each["quality"])]
        numbers = (len(sure), sum(sure), min(sure), max(sure)) if sure else (0, None, None, None)
        for name, number in zip(SUMS, (*numbers, len(measured) - len(sure)), strict=True):
            found[f"{sign}_{name}"] = number
    return found


def _doubts(quality: str | None) -> set[str]:
    said = json.loads(quality or "{}")
    doubts = set(said)
    if "bp" in said:
        doubts |= {"systolic", "diastolic"}
        # An impossible pressure says nothing of the mean.
        doubts |= {"map"} if said["bp"] != "implausible" else set()
    return doubts


def _table(rows: Iterable[Mapping[str, Any]]) -> RollUps:
    return {(row["patient_id"], row["bucket"]): {each: row[each] for each in ROLLUP_COLUMNS[2:]} for row in rows}
