"""Headers that tell what is left of a span, where parts of it were deleted."""

from typing import Final

from litestar.datastructures import ResponseHeader

from icu.store.readings import from_milliseconds
from icu.store.rollups.coverage import Kept

FROM: Final = "History-From"
UNTIL: Final = "History-Until"

# For OpenAPI.
DESCRIPTIONS: Final = {
    FROM: "Time from which on the answer holds what was asked for, where `from` lies before it: all before it was "
    "deleted, or is not kept as finely as was asked for. Absent where nothing is left out",
    UNTIL: "Time until which the answer holds what was asked for, where `to` cuts a minute or an hour of which only "
    "statistics of the whole are kept. Absent where nothing is left out",
}
DOCUMENTED: Final = [
    ResponseHeader(name, documentation_only=True, value="", description=description)
    for name, description in DESCRIPTIONS.items()
]


def kept_headers(kept: Kept) -> dict[str, str]:
    """Return the headers about a span."""
    ends = {FROM: kept.since, UNTIL: kept.until}
    return {name: _text(moment) for name, moment in ends.items() if moment is not None}


def _text(moment: int) -> str:
    return from_milliseconds(moment).isoformat().replace("+00:00", "Z")
