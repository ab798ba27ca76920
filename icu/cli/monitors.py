"""Table of the patients' vital signs, for a terminal of any width."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from icu.bootstrap.bedsides import Bedside
from icu.cli.listing import escape_control
from icu.cli.screen import NARROW
from icu.messages import Observation, Quality
from icu.vitals.catalogue import SIGNS

# Shown for an absent value, as bedside monitors do; never an older value.
ABSENT: Final = "- -"

# Headings by field, abbreviated as on bedside monitors.
_SIGNS: Final = {"pulse": "HR", "spo2": "SpO2", "bp": "BP", "resp_rate": "RR", "temperature": "T"}
_OF_FIELD: Final = {each.field: each for each in SIGNS}
_UNITS: Final = {field: _OF_FIELD[field].unit for field in _SIGNS}
_NO_QUALITY: Final = Quality()
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def monitors(bedsides: Sequence[Bedside], width: int) -> RenderableType:
    """Format the patients, a row each: child, name, the signs with their units above, and their age."""
    if width < NARROW:
        units = ", ".join(f"{name} {_UNITS[sign]}" for sign, name in _SIGNS.items())
        return Group(Text(units, style="dim"), *(line for each in bedsides for line in _stacked(each, width)))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("bed", overflow="fold", max_width=width // 5)
    table.add_column("patient", overflow="fold")
    for sign, name in _SIGNS.items():
        table.add_column(f"{name}\n{_UNITS[sign]}", justify="right", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    for each in bedsides:
        table.add_row(
            Text(escape_control(each.child)), Text(escape_control(each.name)), *_values(each.reading), _age(each)
        )
    return table


def _stacked(bedside: Bedside, width: int) -> list[RenderableType]:
    values = zip(_SIGNS.values(), _values(bedside.reading), strict=True)
    signs = "  ".join(f"{name} {value}".replace(" ", _NO_BREAK) for name, value in values)
    # textwrap, for rich breaks lines at no-break spaces too, and would part a value from its name.
    lines = wrap(signs, width, initial_indent="  ", subsequent_indent="  ")
    return [Text(f"{escape_control(bedside.child)} {escape_control(bedside.name)}  {_age(bedside)}"), *map(Text, lines)]


def _values(reading: Observation | None) -> list[str]:
    return [ABSENT if reading is None else _value(reading, sign) for sign in _SIGNS]


def _value(reading: Observation, sign: str) -> str:
    """Format a value: with a question mark if doubtful, and the age of a cuff's pressure beside the other signs."""
    value = getattr(reading, sign)
    if value is None:
        return ABSENT
    decimals = _OF_FIELD[sign].decimals
    shown = f"{value:.{decimals}f}" if decimals else str(value)
    if getattr(reading.quality or _NO_QUALITY, sign) is not None:
        shown += "?"
    if sign == "bp" and reading.bp_measured_at is not None:
        shown += f" ({format_seconds((reading.timestamp - reading.bp_measured_at).total_seconds())})"
    return shown


def _age(bedside: Bedside) -> str:
    return ABSENT if bedside.reading is None else format_seconds(bedside.age)


def format_seconds(seconds: float) -> str:
    """Format seconds in their largest unit: `3 s`, `4 min`, `2 h`."""
    for unit, size in (("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"
