"""Values that cannot have been measured cost themselves, and nothing beside them."""

from collections.abc import Mapping

from icu.patient.recordings.recording import DECIMALS
from icu.vitals.catalogue import BY_NAME
from icu.vitals.limits import IMPLAUSIBLE
from icu.vitals.signs import plain


def plausible(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, str]]:
    """The values that can be, rounded, and by name of quality why others are absent.

    A pressure that is upside down keeps neither half, for nobody knows which is wrong.
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
