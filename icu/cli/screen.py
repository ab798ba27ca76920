"""How the children of a ward are, for a terminal of any width: trouble first, those who run, and the totals last.

The totals stand last because that is what a long list leaves on the screen.
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

from icu.cli.grouping import Alike, alike
from icu.cli.listing import harmless, table, times, uptime
from icu.control.protocol import is_up
from icu.supervisor.view import ChildState, ChildView

NARROW: Final = 60
"""Columns below which reasons stand under the names, not beside them."""

_MARGIN: Final = 8
"""Lines of headings, totals and the next prompt."""

_TROUBLE: Final = (ChildState.FAILED, ChildState.DEGRADED, ChildState.BACKOFF, ChildState.WAITING)
"""The worst first."""

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
    """Tell if a person looks at a terminal that can do more than print line after line."""
    return stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def show(children: Sequence[ChildView], beds: Container[str]) -> None:
    """Print how the children are: in sections for people, as a line each for pipes."""
    if is_screen(sys.stdout):
        console = Console()
        console.print(report(children, beds, width=console.width, height=console.height))
    else:
        for line in table(children):
            click.echo(line)


def in_trouble(children: Iterable[ChildView]) -> list[ChildView]:
    """Those who died, wait, or leave something undone; the worst first."""
    return sorted((each for each in children if each.state in _TROUBLE), key=lambda child: _TROUBLE.index(child.state))


def off_duty(children: Iterable[ChildView]) -> list[ChildView]:
    """Those who do not run, and are in no trouble: stopped, ended, or on their way."""
    return [each for each in children if each.state is not ChildState.RUNNING and each.state not in _TROUBLE]


def report(children: Sequence[ChildView], beds: Container[str], *, width: int, height: int) -> RenderableType:
    """The children, healthy beds among them as long as the screen has room for all of them."""
    well = [each for each in children if each.state is ChildState.RUNNING]
    if len(children) + _MARGIN > height:
        well = [each for each in well if each.id not in beds]
    sections = {
        "Trouble": alike(in_trouble(children)),
        "Not running": alike(off_duty(children)),
        "Running": [Alike(each.state, each.detail or "", [each]) for each in well],
    }
    parts = [part for heading, rows in sections.items() for part in section(heading, rows, width)]
    return Group(*parts, totals(children, beds))


def section(heading: str, rows: Sequence[Alike], width: int) -> list[RenderableType]:
    """A heading, and a row for each group of children: ids, state, time since their start, and where they are, or why
    they are down and what to do. Nothing where there are none."""
    return [Text(heading, style="bold"), _listed(rows, width)] if rows else []


def _listed(rows: Sequence[Alike], width: int) -> RenderableType:
    if width < NARROW:
        return Group(*(line for row in rows for line in _stacked(row)))
    listed = Table(box=None, pad_edge=False, header_style="dim")
    listed.add_column("child", overflow="fold", max_width=width // 3)
    listed.add_column("state", no_wrap=True)
    listed.add_column("up", no_wrap=True)
    listed.add_column("where, or why and what to do", overflow="fold")
    for row in rows:
        listed.add_row(_names(row), _state(row), _uptime(row), _words(row))
    return listed


def totals(children: Sequence[ChildView], beds: Container[str]) -> Text:
    """How many run, and what is the matter with the others: `96 of 100 beds and 2 of 2 services run; 4 failed`."""
    mine = [each for each in children if each.id in beds]
    services = [each for each in children if each.id not in beds]
    counted = " and ".join(
        f"{sum(map(is_up, group))} of {len(group)} {_noun(name, group)}"
        for name, group in (("bed", mine), ("service", services))
        if group
    )
    states = Counter(each.state for each in [*in_trouble(children), *off_duty(children)])
    others = ", ".join(f"{count} {state}" for state, count in states.items())
    return Text(f"{counted} run{f'; {others}' if others else ''}" if children else "no children", style="bold")


def _noun(name: str, group: Sequence[ChildView]) -> str:
    return name if len(group) == 1 else f"{name}s"


def _stacked(row: Alike) -> list[RenderableType]:
    first = Text.assemble(_names(row), "  ", _state(row), "  ", _uptime(row))
    words = _words(row)
    return [first, Padding(words, (0, 0, 0, 2))] if words else [first]


def _names(row: Alike) -> Text:
    # Text, not str: a name must not be read as markup.
    return Text(harmless(row.names))


def _state(row: Alike) -> Text:
    return Text(row.state, style=_COLOURS.get(row.state, "yellow"))


def _uptime(row: Alike) -> str:
    """Of the youngest of them."""
    return uptime(min(row.children, key=lambda child: child.uptime))


def _words(row: Alike) -> Text:
    who = shlex.quote(row.children[0].id) if len(row.children) == 1 else "ID..."
    remedy = _REMEDY.get(row.state, "").format(who)
    return Text(harmless("; ".join(filter(None, (times(row.restarts), row.reason, remedy)))))
