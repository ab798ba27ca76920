"""The patients' vital signs as rows for a terminal of any width."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from icu.bootstrap.bedsides import Bedside
from icu.cli.listing import harmless
from icu.cli.screen import NARROW
from icu.messages import Observation, Quality
from icu.vitals.catalogue import SIGNS

NOTHING: Final = "- -"
"""In place of a value that is not there, as bedside monitors show it; an older one is never put there."""

_SIGNS: Final = {"pulse": "HR", "spo2": "SpO2", "bp": "BP", "resp_rate": "RR", "temperature": "T"}
_OF_FIELD: Final = {each.field: each for each in SIGNS}
_UNITS: Final = {field: _OF_FIELD[field].unit for field in _SIGNS}
_NO_QUALITY: Final = Quality()
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def monitors(bedsides: Sequence[Bedside], width: int) -> RenderableType:
    """A row a patient: child, name, the signs with their units above, and how old they are."""
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
        table.add_row(Text(harmless(each.child)), Text(harmless(each.name)), *_values(each.reading), _age(each))
    return table


def _stacked(bedside: Bedside, width: int) -> list[RenderableType]:
    values = zip(_SIGNS.values(), _values(bedside.reading), strict=True)
    signs = "  ".join(f"{name} {value}".replace(" ", _NO_BREAK) for name, value in values)
    # textwrap alone keeps a value beside its name: to rich, spaces that do not break are like all others.
    lines = wrap(signs, width, initial_indent="  ", subsequent_indent="  ")
    return [Text(f"{harmless(bedside.child)} {harmless(bedside.name)}  {_age(bedside)}"), *map(Text, lines)]


def _values(reading: Observation | None) -> list[str]:
    return [NOTHING if reading is None else _value(reading, sign) for sign in _SIGNS]


def _value(reading: Observation, sign: str) -> str:
    """The value; with a question mark where it is doubtful, and of a cuff's how much older it is than the others."""
    value = getattr(reading, sign)
    if value is None:
        return NOTHING
    decimals = _OF_FIELD[sign].decimals
    shown = f"{value:.{decimals}f}" if decimals else str(value)
    if getattr(reading.quality or _NO_QUALITY, sign) is not None:
        shown += "?"
    if sign == "bp" and reading.bp_measured_at is not None:
        shown += f" ({span((reading.timestamp - reading.bp_measured_at).total_seconds())})"
    return shown


def _age(bedside: Bedside) -> str:
    return NOTHING if bedside.reading is None else span(bedside.age)


def span(seconds: float) -> str:
    """A span of time in its largest unit: `3 s`, `4 min`, `2 h`."""
    for unit, size in (("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"
