"""Live overview of a ward on a terminal: trouble, services, vital signs and totals, as far as there is room."""

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
from icu.cli.grouping import ChildGroup, group_alike
from icu.cli.monitors import monitors
from icu.cli.screen import in_trouble, not_running, section, totals
from icu.config.settings import BEDS
from icu.supervisor.view import ChildState, ChildView

# Seconds between two looks.
REFRESH: Final = 1.0

# Looks until the next page of patients, where the screen has no room for all.
LOOKS_PER_PAGE: Final = 5

# Lines that trouble leaves for patients: heading, names and units of the signs, one patient.
_MIN_LINES: Final = 5


async def overview(view: Callable[[], Sequence[ChildView]], bedsides: Bedsides, progress: Callable[[], float]) -> None:
    """Show the overview until cancelled.

    Log records scroll above it, for Live takes standard error over.

    Args:
        view: Returns the supervisor's children, those of the patients below their own supervisor.
        bedsides: Latest readings of the patients of this process.
        progress: Returns the share of the past that the patients have caught up with, 0 to 1.
    """
    console = Console(stderr=True)
    pages = Pages(bedsides)
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        while True:
            # Laid out once a look: rich prints it again below each log record.
            lines = _lines(console, render(console, view(), pages, progress()))
            live.update(SegmentLines(lines, new_lines=True), refresh=True)
            await anyio.sleep(REFRESH)


class Pages:
    """Pages of patients, shown in turn."""

    def __init__(self, bedsides: Bedsides) -> None:
        self._bedsides = bedsides
        self._first = 0
        self._looks = 0

    def next(self, console: Console, children: Sequence[str], lines: int) -> list[RenderableType]:
        """Render as many patients of these children as fit into the lines."""
        self._bedsides.look()
        count = self._bedsides.count()
        if not count or lines < _MIN_LINES:
            return []
        if self._first >= count:
            self._first = 0
        patients = self._bedsides.page(children, self._first, lines)
        table, fitting = _fit(console, patients, lines - 1)
        last = self._first + fitting
        heading = f"Patients {self._first + 1} to {last} of {count}" if fitting < count else "Patients"
        self._looks += 1
        if self._looks % LOOKS_PER_PAGE == 0:
            self._first = last % count
        return [Text(heading, style="bold"), table]

    def elsewhere(self, children: Sequence[str]) -> list[RenderableType]:
        """Render the number of children in processes of their own, whose readings are not in this process."""
        count = self._bedsides.count_elsewhere(children)
        return [Text(f"signs not known here: {count} in processes of their own, ask GET /patients")] if count else []


def render(console: Console, view: Sequence[ChildView], pages: Pages, progress: float) -> RenderableType:
    """Render the overview, low enough to leave some lines of log above it."""
    beds = [bed for child in view if child.id == BEDS for bed in child.children]
    services = [child for child in view if child.id != BEDS]
    ids = [bed.id for bed in beds]
    running = [bed.id for bed in beds if bed.uptime]
    end = [*pages.elsewhere(running), *_progress_bar(progress), totals([*services, *beds], set(ids))]
    well = [ChildGroup(each.state, each.detail or "", [each]) for each in services if each.state is ChildState.RUNNING]
    top = [Text("ICU ward - Ctrl-C stops it"), *section("Running", well, console.width)]
    lines = console.height - max(3, console.height // 4) - len(_lines(console, Group(*top, *end)))
    # With the patients' supervisor, which may be down for a reason: its children only know that they were stopped.
    members = [*(each for each in view if each.id == BEDS), *services, *beds]
    trouble = _crop(console, _trouble(members, console.width), lines - min(_MIN_LINES + len(beds), lines // 2))
    patients = pages.next(console, ids, lines - len(trouble.lines))
    return Group(top[0], trouble, *top[1:], *patients, *end)


def _trouble(children: Sequence[ChildView], width: int) -> list[RenderableType]:
    off = [each for each in not_running(children) if each.id != BEDS]
    return [
        *section("Trouble", group_alike(in_trouble(children)), width),
        *section("Not running", group_alike(off), width),
    ]


def _crop(console: Console, parts: Sequence[RenderableType], height: int) -> SegmentLines:
    """Crop to a height; the last line then says where the rest is."""
    lines = _lines(console, Group(*parts)) if parts else []
    if len(lines) > height:
        lines = [*lines[: max(0, height - 1)], [Segment("... and more: python -m icu status")]]
    return SegmentLines(lines, new_lines=True)


def _fit(console: Console, patients: Sequence[Bedside], height: int) -> tuple[RenderableType, int]:
    """Render as many patients as fit into the height, at least one. Long names take several lines."""
    count = len(patients)
    while True:
        table = monitors(patients[:count], console.width)
        lines = len(_lines(console, table))
        if lines <= height or count <= 1:
            return table, count
        count = max(1, min(count - 1, count * height // lines))


def _lines(console: Console, part: RenderableType) -> list[list[Segment]]:
    return console.render_lines(part, pad=False)


def _progress_bar(progress: float) -> list[RenderableType]:
    if progress >= 1:
        return []
    bar = Table.grid(padding=(0, 1))
    bar.add_row("history", ProgressBar(total=1.0, completed=progress, width=20), f"{progress:.0%}")
    return [bar]
