"""Cells of tables: numbers as people write them, and the ways to say that there is none."""

import re
from functools import lru_cache
from typing import Final

KNOWN: Final = 65_536
"""Cells that are remembered: in a table of vital signs the same few thousand come again and again."""

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
_MARKS: Final = re.compile(r"[-–—_.*?\s]*\Z")
"""Dashes, stars, question marks, or nothing at all."""

# [0-9], not \d: that would take digits of other scripts. float() alone would take 7_0, infinity and nan too.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")
_LONGEST: Final = 64


@lru_cache(maxsize=KNOWN)
def is_missing(text: str) -> bool:
    """Tell if a cell, without blanks around it, says that nothing was measured."""
    return not text or (text[0] not in "0123456789" and (text.lower() in _WORDS or _MARKS.match(text) is not None))


@lru_cache(maxsize=KNOWN)
def number(text: str) -> float:
    """A number in decimal digits, `1e2` as numpy and R write it included. ValueError for anything else, for infinity
    and for what no float holds."""
    if len(text) > _LONGEST or not _NUMBER.match(text):
        raise ValueError(f"{text[:40]!r} is no number")
    value = float(text)
    if value - value != 0:
        raise ValueError(f"{text[:40]!r} is no number: it is too large")
    return value
