"""The children of a ward on a terminal of any width: trouble first, running children next, totals last.

The totals are last because a long list leaves its end on the screen.
"""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Final, TextIO

import rich_click as click
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from icu.cli.grouping import ChildGroup, group_alike
from icu.cli.listing import child_table, count_restarts, escape_control, uptime
from icu.control.protocol import is_up
from icu.supervisor.view import ChildState, ChildView

# Columns below which reasons stand below the names, not beside them.
NARROW: Final = 60

# Lines for headings, totals and the next prompt.
_MARGIN: Final = 8

# States that need attention, the worst first.
_TROUBLE: Final = (ChildState.FAILED, ChildState.DEGRADED, ChildState.BACKOFF, ChildState.WAITING)

# Advice for each state; {} is the child's id.
_REMEDY: Final = {
    ChildState.BACKOFF: "it is started again by itself",
    ChildState.FAILED: "python -m icu start {}",
    ChildState.STOPPED: "python -m icu start {}",
    ChildState.EXITED: "it ended by itself: python -m icu start {}",
}

_COLOURS: Final = {
    ChildState.RUNNING: "green",
    ChildState.EXITED: "dim",
    ChildState.STOPPED: "dim",
    ChildState.FAILED: "bold red",
}


def is_screen(stream: TextIO) -> bool:
    """Tell if the stream is a terminal that can do more than print line after line."""
    return stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def show(children: Sequence[ChildView], beds: Container[str]) -> None:
    """Print the children: in sections on a terminal, as a line each through a pipe."""
    if is_screen(sys.stdout):
        console = Console()
        console.print(report(children, beds, width=console.width, height=console.height))
    else:
        for line in child_table(children):
            click.echo(line)


def in_trouble(children: Iterable[ChildView]) -> list[ChildView]:
    """Select the children that died, wait or are degraded, the worst first."""
    return sorted((each for each in children if each.state in _TROUBLE), key=lambda child: _TROUBLE.index(child.state))


def not_running(children: Iterable[ChildView]) -> list[ChildView]:
    """Select the children that do not run and are in no trouble: stopped, ended, or on their way."""
    return [each for each in children if each.state is not ChildState.RUNNING and each.state not in _TROUBLE]


def report(children: Sequence[ChildView], beds: Container[str], *, width: int, height: int) -> RenderableType:
    """Render the children in sections. Healthy patient children are left out where the screen has no room for all."""
    well = [each for each in children if each.state is ChildState.RUNNING]
    if len(children) + _MARGIN > height:
        well = [each for each in well if each.id not in beds]
    sections = {
        "Trouble": group_alike(in_trouble(children)),
        "Not running": group_alike(not_running(children)),
        "Running": [ChildGroup(each.state, each.detail or "", [each]) for each in well],
    }
    parts = [part for heading, rows in sections.items() for part in section(heading, rows, width)]
    return Group(*parts, totals(children, beds))


def section(heading: str, rows: Sequence[ChildGroup], width: int) -> list[RenderableType]:
    """Render a section: heading, and a row for each group with ids, state, uptime, and address, or reason and remedy.

    Empty without rows.
    """
    return [Text(heading, style="bold"), _table(rows, width)] if rows else []


def _table(rows: Sequence[ChildGroup], width: int) -> RenderableType:
    if width < NARROW:
        return Group(*(line for row in rows for line in _stacked(row)))
    grid = Table(box=None, pad_edge=False, header_style="dim")
    grid.add_column("child", overflow="fold", max_width=width // 3)
    grid.add_column("state", no_wrap=True)
    grid.add_column("up", no_wrap=True)
    grid.add_column("where, or why and what to do", overflow="fold")
    for row in rows:
        grid.add_row(_names(row), _state(row), _uptime(row), _details(row))
    return grid


def totals(children: Sequence[ChildView], beds: Container[str]) -> Text:
    """Render the totals: `96 of 100 beds and 2 of 2 services run; 4 failed`."""
    mine = [each for each in children if each.id in beds]
    services = [each for each in children if each.id not in beds]
    counted = " and ".join(
        f"{sum(map(is_up, group))} of {len(group)} {_noun(name, group)}"
        for name, group in (("bed", mine), ("service", services))
        if group
    )
    states = Counter(each.state for each in [*in_trouble(children), *not_running(children)])
    others = ", ".join(f"{count} {state}" for state, count in states.items())
    return Text(f"{counted} run{f'; {others}' if others else ''}" if children else "no children", style="bold")


def _noun(name: str, group: Sequence[ChildView]) -> str:
    return name if len(group) == 1 else f"{name}s"


def _stacked(row: ChildGroup) -> list[RenderableType]:
    first = Text.assemble(_names(row), "  ", _state(row), "  ", _uptime(row))
    words = _details(row)
    return [first, Padding(words, (0, 0, 0, 2))] if words else [first]


def _names(row: ChildGroup) -> Text:
    # Text, not str: a name must not be read as markup.
    return Text(escape_control(row.names))


def _state(row: ChildGroup) -> Text:
    return Text(row.state, style=_COLOURS.get(row.state, "yellow"))


def _uptime(row: ChildGroup) -> str:
    """Format the uptime of the youngest child."""
    return uptime(min(row.children, key=lambda child: child.uptime))


def _details(row: ChildGroup) -> Text:
    who = shlex.quote(row.children[0].id) if len(row.children) == 1 else "ID..."
    remedy = _REMEDY.get(row.state, "").format(who)
    return Text(escape_control("; ".join(filter(None, (count_restarts(row.restarts), row.reason, remedy)))))
