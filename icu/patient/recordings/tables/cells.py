"""Cells of tables: numbers as people write them, and the spellings of a missing value."""

import re
from functools import lru_cache
from math import isfinite
from typing import Final

# Cells that are cached: a table of vital signs repeats the same few thousand.
KNOWN: Final = 65_536

_WORDS: Final = frozenset(
    [
        r"nan",
        r"-nan",
        r"na",
        r"n/a",
        r"n.a.",
        r"null",
        r"none",
        r"nil",
        r"nat",
        r"missing",
        r"\n",
        r"#n/a",
        r"#na",
        r"<na>",
        r"(null)",
        r"#null!",
        r"#div/0!",
        r"#value!",
    ]
)
# Dashes, stars, question marks, or nothing at all.
_MARKS: Final = re.compile(r"[-–—_.*?\s]*\Z")

# [0-9], not \d: that would take digits of other scripts. float() alone would take 7_0, infinity and nan too.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")
# Characters of a number.
_LONGEST: Final = 64


@lru_cache(maxsize=KNOWN)
def is_missing(text: str) -> bool:
    """Tell if a cell, stripped of blanks, stands for a missing value."""
    return not text or (text[0] not in "0123456789" and (text.lower() in _WORDS or _MARKS.match(text) is not None))


@lru_cache(maxsize=KNOWN)
def number(text: str) -> float:
    """Parse a number in decimal digits, including `1e2` as numpy and R write it.

    Raises:
        ValueError: It is no number, or too large for a float.
    """
    if len(text) > _LONGEST or not _NUMBER.match(text):
        raise ValueError(f"{text[:40]!r} is no number")
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text[:40]!r} is no number: it is too large")
    return value
