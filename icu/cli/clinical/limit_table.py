"""Table of alarm limits, with the source of each: the program's defaults, the ward, or the patient."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from icu.alarms.conditions import CONDITIONS
from icu.alarms.defaults import WARD
from icu.cli.clinical.limit_words import end_of, tier_of
from icu.cli.clinical.states import LimitsState
from icu.cli.clinical.ward import time_of_day
from icu.cli.listing import escape_control

HEADINGS: Final = ("condition", "unit", "low", "medium", "high", "ends", "from")
LEGEND: Final = "low, medium, high: limit, and seconds beyond it; ends: so far inside it, for so many seconds"


def rows(ward: LimitsState, own: LimitsState | None) -> Iterator[Sequence[str]]:
    """Format the limits in force, a row a condition.

    Args:
        ward: Limits of the ward.
        own: Overrides of a patient; None shows the ward's.
    """
    for name, limits in (own or ward).in_force.items():
        if own is not None and name in own.conditions:
            source = "patient"
        else:
            source = "default" if limits == WARD.conditions.get(name) else "ward"
        known = CONDITIONS.get(name)
        unit = known.sign.unit if known else ""
        tiers = (tier_of(limits, "low"), tier_of(limits, "medium"), tier_of(limits, "high"))
        yield escape_control(name), unit, *tiers, end_of(limits), source


def table(ward: LimitsState, own: LimitsState | None) -> Table:
    """Render the limits in force. Those of the patient, and of the ward where it has no defaults, stand out."""
    grid = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        grid.add_column(heading, overflow="fold")
    styles = {"patient": "bold", "ward": "bold"}
    for row in rows(ward, own):
        grid.add_row(*map(Text, row), style=styles.get(row[-1]))
    return grid


def version_of(limits: LimitsState) -> str:
    """Format the version of limits, with its author."""
    if limits.at is None or limits.by is None:
        return f"version {limits.version}"
    when = f"{limits.at.astimezone():%Y-%m-%d} {time_of_day(limits.at)}"
    return f"version {limits.version}, by {escape_control(limits.by)} (unverified), {when}"
