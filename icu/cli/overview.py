"""The live overview of a supervisor on a terminal: children, state, address."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import anyio
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from icu.supervisor.view import ChildView, State

REFRESH: Final = 0.5
"""Seconds between two looks."""

_COLOURS: Final = {State.RUNNING: "green", State.EXITED: "dim", State.STOPPED: "dim", State.FAILED: "bold red"}


async def overview(view: Callable[[], Sequence[ChildView]], progress: Callable[[], float]) -> None:
    """Show the children, and how far patients are who began in the past, until cancelled.

    Log records scroll above, for Live takes standard error over.
    """
    console = Console(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        while True:
            live.update(_shown(view(), progress()), refresh=True)
            await anyio.sleep(REFRESH)


def _shown(children: Sequence[ChildView], progress: float) -> RenderableType:
    table = _table(children)
    if progress >= 1:
        return table
    history = Table.grid(padding=(0, 1))
    history.add_row("history", ProgressBar(total=1.0, completed=progress, width=40), f"{progress:.0%}")
    return Group(table, history)


def _table(children: Sequence[ChildView]) -> Table:
    table = Table(title="ICU ward - Ctrl-C stops it", title_justify="left", header_style="bold")
    for heading in ("child", "state", "up", "restarts", "where / why"):
        table.add_column(heading)
    for child in children:
        state = Text(child.state, style=_COLOURS.get(child.state, "yellow"))
        uptime = str(timedelta(seconds=int(child.uptime))) if child.uptime else ""
        # Text, not str: a name must not be read as markup.
        where = Text(child.detail or child.last_error or "")
        table.add_row(Text(child.id), state, uptime, str(child.restarts or ""), where)
    return table
