"""Order in which people read names and labels."""

import re
from functools import lru_cache
from typing import Final

_DIGITS: Final = re.compile("([0-9]+)")


# As many as there may be patients, who are sorted anew after each change of names.
@lru_cache(maxsize=16_384)
def natural(name: str) -> tuple[str | int, ...]:
    """Make a sort key: the name without its case, and its numbers as integers."""
    # The split has text at even and numbers at odd places, so that only like is compared with like.
    return tuple(int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name.casefold())))
