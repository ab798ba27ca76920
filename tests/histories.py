"""Histories with everything that a reading may have, and naive answers to what is asked of them."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from icu.messages import Observation, Quality
from icu.vitals.catalogue import SIGNS
from tests.samples import ANNA, observation

# Fields of signs; None too, a zero, whole numbers, tenths and hundredths.
VALUES: dict[str, Sequence[Any]] = {
    "pulse": [None, 0, 72, 72.5, 131.25],
    "resp_rate": [None, 0, 16, 17],
    "bp": [None, "120/80", "119.5/-", "-/80.25", "0/0"],
    "spo2": [None, 98, 97, 0],
    "temperature": [None, 36.6, 37, 38.1],
    "map": [None, 93, 92.75],
}
QUALITIES = [
    None,
    None,
    None,
    Quality(spo2="motion"),
    Quality(bp="damped", temperature="probe-off"),
    Quality(bp="implausible", pulse="motion"),
    Quality(map="implausible", resp_rate="lead-off"),
]


def varied(count: int, *, seed: int = 0, step: Sequence[float] = (5,)) -> list[Observation]:
    """Observations of Anna, each as far behind the one before as one of the steps, seconds."""
    rng = random.Random(seed)
    second = 0.0
    found = []
    for _ in range(count):
        fields = {name: rng.choice(values) for name, values in VALUES.items()}
        found.append(observation(second, patient=ANNA, quality=rng.choice(QUALITIES), **fields))
        second += rng.choice(step)
    return found


def moment(reading: Mapping[str, Any]) -> int:
    """Milliseconds since 1970 of a reading that was served."""
    return round(datetime.fromisoformat(reading["timestamp"]).timestamp() * 1000)


def values(reading: Mapping[str, Any]) -> dict[str, float | None]:
    """Values of the signs of a reading that was served."""
    halves = (reading["bp"] or "-/-").split("/")
    pressures = dict(
        zip(("systolic", "diastolic"), (None if each == "-" else float(each) for each in halves), strict=True)
    )
    return {each.name: pressures.get(each.name, reading.get(each.name)) for each in SIGNS}


def words(reading: Mapping[str, Any]) -> dict[str, str]:
    """Words about the signs of a reading that was served: of a pressure for its mean too, but `implausible`."""
    quality = dict(reading.get("quality", {}))
    pressure = quality.pop("bp", None)
    if pressure is not None:
        quality |= {"systolic": pressure, "diastolic": pressure}
        if pressure != "implausible":
            quality.setdefault("map", pressure)
    return quality


def buckets(readings: Sequence[Mapping[str, Any]], every: int) -> dict[int, dict[str, dict[str, Any]]]:
    """Statistics of buckets of so many milliseconds, by their beginning, as a child would reckon them."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for each in readings:
        found.setdefault(moment(each) // every * every, []).append(each)
    return {begin: {sign.name: _statistics(rows, sign.name) for sign in SIGNS} for begin, rows in found.items()}


def _statistics(readings: Sequence[Mapping[str, Any]], sign: str) -> dict[str, Any]:
    measured = [each for each in readings if values(each)[sign] is not None]
    sure = [round(100 * (values(each)[sign] or 0)) for each in measured if sign not in words(each)]
    if not sure:
        return {"count": 0, "min": None, "mean": None, "max": None, "flagged": len(measured)}
    mean = int(Fraction(sum(sure), len(sure)) + Fraction(1, 2))  # halves up
    return {
        "count": len(sure),
        "min": min(sure) / 100,
        "mean": mean / 100,
        "max": max(sure) / 100,
        "flagged": len(measured) - len(sure),
    }


def times_of(answer: Mapping[str, Any], rows: int) -> list[int]:
    """Milliseconds of the rows of an answer in columns."""
    if "times" in answer:
        assert "t0" not in answer
        return list(answer["times"])
    return [answer["t0"] + place * answer["step"] for place in range(rows)]
