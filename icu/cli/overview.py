"""The live overview of a supervisor on a terminal: trouble, services, vital signs, totals, as much as there is room."""

from collections.abc import Callable, Sequence
from typing import Final

import anyio
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment, SegmentLines
from rich.table import Table
from rich.text import Text

from icu.bootstrap.bedsides import Bedside, Bedsides
from icu.cli.grouping import Alike, alike
from icu.cli.monitors import monitors
from icu.cli.screen import in_trouble, off_duty, section, totals
from icu.config.settings import BEDS
from icu.supervisor.view import ChildState, ChildView

REFRESH: Final = 1.0
"""Seconds between two looks."""

TURN: Final = 5
"""Looks until the next patients are shown, where the screen has no room for all."""

_FEWEST: Final = 5
"""Lines of patients that trouble leaves room for: heading, names and units of signs, one patient."""


async def overview(view: Callable[[], Sequence[ChildView]], bedsides: Bedsides, progress: Callable[[], float]) -> None:
    """Show the ward, and how far patients are who began in the past, until cancelled.

    `view` tells of the supervisor's children, those of the patients below their own. Log records scroll above, for Live
    takes standard error over.
    """
    console = Console(stderr=True)
    pages = Pages(bedsides)
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        while True:
            # Laid out once: each log record above prints it anew.
            lines = _lines(console, shown(console, view(), pages, progress()))
            live.update(SegmentLines(lines, new_lines=True), refresh=True)
            await anyio.sleep(REFRESH)


class Pages:
    """The patients who are shown at a time, and then those behind them."""

    def __init__(self, bedsides: Bedsides) -> None:
        self._bedsides = bedsides
        self._first = 0
        self._looks = 0

    def next(self, console: Console, children: Sequence[str], lines: int) -> list[RenderableType]:
        """As many patients of these children as there are lines for."""
        self._bedsides.look()
        count = self._bedsides.count()
        if not count or lines < _FEWEST:
            return []
        if self._first >= count:
            self._first = 0
        patients = self._bedsides.shown(children, self._first, lines)
        table, fitting = _fitting(console, patients, lines - 1)
        last = self._first + fitting
        heading = f"Patients {self._first + 1} to {last} of {count}" if fitting < count else "Patients"
        self._looks += 1
        if self._looks % TURN == 0:
            self._first = last % count
        return [Text(heading, style="bold"), table]

    def elsewhere(self, children: Sequence[str]) -> list[RenderableType]:
        """How many children have patients whose signs are not known here."""
        count = self._bedsides.elsewhere(children)
        return [Text(f"signs not known here: {count} in processes of their own, ask GET /patients")] if count else []


def shown(console: Console, view: Sequence[ChildView], pages: Pages, progress: float) -> RenderableType:
    """The overview at one moment, no higher than the terminal and some lines of log above it."""
    beds = [bed for child in view if child.id == BEDS for bed in child.children]
    services = [child for child in view if child.id != BEDS]
    ids = [bed.id for bed in beds]
    running = [bed.id for bed in beds if bed.uptime]
    end = [*pages.elsewhere(running), *_history(progress), totals([*services, *beds], set(ids))]
    well = [Alike(each.state, each.detail or "", [each]) for each in services if each.state is ChildState.RUNNING]
    top = [Text("ICU ward - Ctrl-C stops it"), *section("Running", well, console.width)]
    lines = console.height - max(3, console.height // 4) - len(_lines(console, Group(*top, *end)))
    # Their supervisor too, where it is down: its children can only say that they were stopped.
    members = [*(each for each in view if each.id == BEDS), *services, *beds]
    trouble = _cropped(console, _trouble(members, console.width), lines - min(_FEWEST + len(beds), lines // 2))
    patients = pages.next(console, ids, lines - len(trouble.lines))
    return Group(top[0], trouble, *top[1:], *patients, *end)


def _trouble(children: Sequence[ChildView], width: int) -> list[RenderableType]:
    off = [each for each in off_duty(children) if each.id != BEDS]
    return [
        *section("Trouble", alike(in_trouble(children)), width),
        *section("Not running", alike(off), width),
    ]


def _cropped(console: Console, parts: Sequence[RenderableType], height: int) -> SegmentLines:
    """Cut to so many lines, the last of which says where the rest is."""
    lines = _lines(console, Group(*parts)) if parts else []
    if len(lines) > height:
        lines = [*lines[: max(0, height - 1)], [Segment("... and more: python -m icu status")]]
    return SegmentLines(lines, new_lines=True)


def _fitting(console: Console, patients: Sequence[Bedside], height: int) -> tuple[RenderableType, int]:
    """As many of the patients as fit into so many lines, one at least. Long names take several lines."""
    count = len(patients)
    while True:
        table = monitors(patients[:count], console.width)
        lines = len(_lines(console, table))
        if lines <= height or count <= 1:
            return table, count
        count = max(1, min(count - 1, count * height // lines))


def _lines(console: Console, part: RenderableType) -> list[list[Segment]]:
    return console.render_lines(part, pad=False)


def _history(progress: float) -> list[RenderableType]:
    if progress >= 1:
        return []
    history = Table.grid(padding=(0, 1))
    history.add_row("history", ProgressBar(total=1.0, completed=progress, width=20), f"{progress:.0%}")
    return [history]
