"""Impossible values of a table: each is left out alone, with the reason."""

from collections.abc import Mapping

from icu.patient.recordings.recording import DECIMALS
from icu.vitals.catalogue import BY_NAME
from icu.vitals.limits import IMPLAUSIBLE
from icu.vitals.signs import plain


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
        if BY_NAME[sign].can_be(value):
            kept[sign] = plain(value)
        else:
            quality[BY_NAME[sign].field] = IMPLAUSIBLE
    if "systolic" in kept and "diastolic" in kept and kept["systolic"] < kept["diastolic"]:
        del kept["systolic"], kept["diastolic"]
        quality["bp"] = IMPLAUSIBLE
    return kept, quality
