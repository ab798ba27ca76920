"""Impossible values of a table: each is left out alone, with the reason."""

from collections.abc import Mapping
from typing import Final

from icu.patient.recordings.recording import DECIMALS, RANGES
from icu.vitals.limits import IMPLAUSIBLE
from icu.vitals.signs import plain

# Under what name a reading's quality speaks of a sign.
QUALITY_OF: Final[Mapping[str, str]] = {
    "pulse": "pulse",
    "resp_rate": "resp_rate",
    "systolic": "bp",
    "diastolic": "bp",
    "mean": "map",
    "spo2": "spo2",
    "temperature": "temperature",
}


def plausible(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, str]]:
    """Keep the possible values.

    A pressure that is upside down loses both halves, for either may be the wrong one.

    Returns:
        Rounded values by sign, and the reasons of the absent ones by name of quality.
    """
    kept: dict[str, float] = {}
    quality: dict[str, str] = {}
    for sign, exact in values.items():
        value = round(exact, DECIMALS)
        low, high = RANGES[sign]
        if low <= value <= high and not (sign == "spo2" and 0 < value < 1):
            kept[sign] = plain(value)
        else:
            quality[QUALITY_OF[sign]] = IMPLAUSIBLE
    if "systolic" in kept and "diastolic" in kept and kept["systolic"] < kept["diastolic"]:
        del kept["systolic"], kept["diastolic"]
        quality["bp"] = IMPLAUSIBLE
    return kept, quality
