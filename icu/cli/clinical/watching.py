"""The ward's alarms on a terminal, looked at again each second."""

import time
from collections.abc import Callable
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import Segment, SegmentLines
from rich.text import Text

from icu.cli.clinical.table import footer, table
from icu.cli.clinical.ward import View
from icu.cli.listing import escape_control
from icu.errors import EXIT_CODES, IcuError, Kind

# Seconds between two looks.
REFRESH: Final = 1.0


def watch(console: Console, look: Callable[[], View]) -> None:
    """Show the ward until Ctrl-C. While its monitor is away, no alarm is shown: each would be an old one.

    Raises:
        IcuError: The monitor answers, but not as one.
    """
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
