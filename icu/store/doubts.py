"""Doubts about the values of a reading, sign by sign: its quality names fields, and `bp` is three signs."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from icu.messages import Quality
from icu.vitals.catalogue import MAP, PRESSURES, SIGNS, SYSTOLIC, Sign
from icu.vitals.limits import IMPLAUSIBLE

# Distinct texts that are remembered: a ward says few words of few signs.
_MOST_KNOWN = 4_096


@lru_cache(maxsize=_MOST_KNOWN)
def words_of(quality: str) -> Mapping[str, str]:
    """Words about the values of a reading, by the name of the sign, from the text that the store keeps."""
    said = msgspec.json.decode(quality, type=Quality)
    return {sign.name: word for sign in SIGNS if (word := _word(said, sign)) is not None}


def doubtful(sign: Sign) -> str:
    """Condition in SQL for a row in which something is said of the sign."""
    # The store writes the text itself, without blanks; words have letters and dashes, so only a key has a colon behind.
    own = f"""quality LIKE '%"{sign.field}":%'"""
    if sign != MAP:
        return own
    pressure = f"""quality LIKE '%"{SYSTOLIC.field}":%' AND quality NOT LIKE '%"{SYSTOLIC.field}":"{IMPLAUSIBLE}"%'"""
    return f"({own} OR ({pressure}))"


def _word(said: Quality, sign: Sign) -> str | None:
    own: str | None = getattr(said, sign.field)
    if own is not None or sign not in PRESSURES:
        return own
    # What is said of a pressure holds for its mean too, but that it was impossible: see `icu.messages.Quality`.
    return None if said.bp == IMPLAUSIBLE else said.bp
