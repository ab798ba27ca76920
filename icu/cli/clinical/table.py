"""Table of a ward's alarms, for a terminal of any width, and as lines for a pipe."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from icu.alarms.conditions import PRIORITIES, Priority
from icu.cli.clinical.states import Alarm, Bed, Silence
from icu.cli.clinical.ward import View, time_of_day
from icu.cli.clinical.words import age_of, limit_of, priority_of, state_of, value_of
from icu.cli.listing import aligned, escape_control
from icu.cli.screen import NARROW

_STYLES: Final[dict[Priority, str]] = {"high": "bold red", "medium": "bold yellow", "low": "cyan"}


# Silent beds that have a line each; more share one, for the alarms need the room.
_MOST: Final = 3


class _Row(NamedTuple):
    priority: str
    bed: str
    patient: str
    alarm: str
    value: str
    limit: str
    age: str
    state: str


def lines(view: View) -> Iterator[str]:
    """Format the alarms, a line each, the most urgent first; warnings, silences and totals stand below."""
    yield from aligned([_row(view, each) for each in view.alarms])
    yield from _warnings(view)
    yield from _silences(view)
    yield _totals(view)


def table(view: View, width: int) -> RenderableType:
    """Render the alarms, the most urgent first."""
    return _alarms(view, width) if view.alarms else Group()


def footer(view: View) -> RenderableType:
    """Render warnings, silences and totals."""
    return Group(
        *(Text(each, style="bold red") for each in _warnings(view)),
        *(Text(each, style="yellow") for each in _silences(view)),
        Text(_totals(view), style="bold"),
    )


def _alarms(view: View, width: int) -> RenderableType:
    if width < NARROW:
        return Group(*(part for each in view.alarms for part in _stacked(view, each)))
    grid = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    grid.add_column("priority", no_wrap=True)
    grid.add_column("bed", overflow="fold", max_width=6)
    grid.add_column("patient", overflow="fold", max_width=width // 5)
    grid.add_column("alarm", no_wrap=True)
    grid.add_column("value", justify="right", no_wrap=True)
    grid.add_column("limit", justify="right", no_wrap=True)
    grid.add_column("for", justify="right", no_wrap=True)
    grid.add_column("state", overflow="fold", max_width=width // 4)
    for each in view.alarms:
        priority, *cells = _row(view, each)
        grid.add_row(Text(priority, style=_STYLES[each.priority]), *map(Text, cells))
    return grid


def _stacked(view: View, alarm: Alarm) -> list[RenderableType]:
    row = _row(view, alarm)
    first = Text.assemble((row.priority, _STYLES[alarm.priority]), f"  {row.bed} {row.patient}")
    beyond = f" (limit {row.limit})" if row.limit else ""
    return [first, Padding(Text(f"{row.alarm} {row.value}{beyond}, {row.age}, {row.state}"), (0, 0, 0, 2))]


def _warnings(view: View) -> Iterator[str]:
    """Format what keeps the ward from being watched."""
    if view.state.heartbeat_age_seconds is None:
        yield "nobody watches this ward: no sink has ever run on its database"
    if view.state.trouble:
        yield escape_control(view.state.trouble)


def _silences(view: View) -> Iterator[str]:
    """Format the beds whose alarms are silent, and those that nobody watches, with the end of each."""
    taken = view.state.taken
    paused = [(each, each.paused) for each in taken if each.paused is not None]
    standby = [(each, each.standby) for each in taken if each.standby is not None]
    yield from _silent(view, "paused", paused)
    yield from _silent(view, "in standby, not watched", standby)


def _silent(view: View, what: str, beds: Sequence[tuple[Bed, Silence]]) -> Iterator[str]:
    if len(beds) > _MOST:
        last = max(silence.until for _, silence in beds)
        labels = ", ".join(escape_control(bed.bed or "-") for bed, _ in beds)
        yield f"{len(beds)} beds {what}, the last until {time_of_day(last)}: {labels}"
        return
    for bed, silence in beds:
        patient = view.patient(bed.patient_uuid)
        yield f"{patient}: {what} until {time_of_day(silence.until)} by {escape_control(silence.by)}"


def _row(view: View, alarm: Alarm) -> _Row:
    patient = view.patient(alarm.patient_uuid)
    bed, name = ("all", "the whole ward") if patient is None else (patient.bed or "-", patient.name or "-")
    now = view.state.time
    return _Row(
        priority_of(alarm),
        escape_control(bed),
        escape_control(name),
        alarm.condition,
        value_of(alarm),
        limit_of(alarm),
        age_of(alarm, now),
        state_of(alarm),
    )


def _totals(view: View) -> str:
    counts = Counter(each.priority for each in view.alarms)
    parts = ", ".join(f"{counts[each]} {each}" for each in reversed(PRIORITIES) if counts[each])
    count = len(view.alarms)
    alarms = f"{count} alarm{'' if count == 1 else 's'}: {parts}" if count else "no alarms"
    beds = len(view.state.taken)
    return f"{time_of_day(view.state.time)} {view.state.name}: {alarms}; {beds} bed{'' if beds == 1 else 's'} taken"
