"""The ward's alarms, looked at once or each second: on a screen, as lines for a pipe, or as JSON."""

import sys
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import rich_click as click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import Segment, SegmentLines
from rich.text import Text

from icu.cli.clinical.table import footer, lines, table
from icu.cli.clinical.ward import View, Ward
from icu.cli.listing import escape_control
from icu.cli.screen import is_screen
from icu.errors import EXIT_CODES, IcuError, Kind

# Seconds between two looks.
REFRESH: Final = 1.0


def show(ward: Ward, patient: UUID | None, *, watch: bool) -> None:
    """Print the alarms of a patient, or of all.

    Args:
        ward: The ward.
        patient: None for all.
        watch: True to look again until Ctrl-C.

    Raises:
        NoMonitorError: Nothing answers.
        OrderRefusedError: It answers with an error.
    """
    if not is_screen(sys.stdout):
        _repeat(lambda: click.echo("\n".join(lines(ward.look(patient=patient)))), watch=watch)
    elif watch:
        _watch(Console(), lambda: ward.look(patient=patient))
    else:
        console, view = Console(), ward.look(patient=patient)
        console.print(Group(table(view, console.width), footer(view)))


def show_json(ward: Ward, patient: UUID | None, *, watch: bool) -> None:
    """Print the alarms as the API has them, one line a look. Arguments and errors as of `show`."""
    _repeat(lambda: click.echo(ward.alarms_as_json(patient)), watch=watch)


def _repeat(act: Callable[[], None], *, watch: bool) -> None:
    act()
    while watch:
        time.sleep(REFRESH)
        act()


def _watch(console: Console, look: Callable[[], View]) -> None:
    """Show the ward. While its monitor is away, no alarm is shown: each would be an old one."""
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            live.update(_picture(console, look), refresh=True)
            time.sleep(REFRESH)


def _picture(console: Console, look: Callable[[], View]) -> RenderableType:
    try:
        view = look()
    except IcuError as exc:
        if exc.exit_code != EXIT_CODES[Kind.UNAVAILABLE]:
            raise
        return Text(f"no alarms can be shown: {escape_control(str(exc))}", style="bold red")
    return fitting(console, view)


def fitting(console: Console, view: View) -> RenderableType:
    """Render the ward within the console's height: the least urgent alarms are left out, and this is said."""
    end = console.render_lines(Group(footer(view), Text("Ctrl-C ends", style="dim")), pad=False)
    shown = console.render_lines(table(view, console.width), pad=False)
    room = max(1, console.height - len(end))
    if len(shown) > room:
        shown = [*shown[: room - 1], [Segment("... and less urgent ones: python -m icu alarms")]]
    return SegmentLines([*shown, *end], new_lines=True)
