"""Progress of long works on the terminal, and their interruption in order."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeAlias

import rich_click as click

# Called now and then with the share of a work that is done, 0 to 1.
Report: TypeAlias = Callable[[float], None]

# Seconds between two lines of progress, and before the first one.
TELL_EVERY: Final = 5.0


class StoppedError(Exception):
    """Ctrl-C has ended a work between two of its steps."""


@contextmanager
def share_of(doing: str) -> Iterator[Report]:
    """Show the share of a work that is done: a bar on a terminal, and a line now and then elsewhere.

    Args:
        doing: Name of the work.
    """
    if not sys.stderr.isatty():
        yield _lines(doing)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(doing, total=1.0)
        yield lambda share: bar.update(task, completed=share)


@contextmanager
def stoppable(report: Report) -> Iterator[Report]:
    """End a work at its next report after Ctrl-C, by a StoppedError. A second one ends it at once.

    Args:
        report: What is to be told of the work.

    Yields:
        What the work has to call.
    """
    is_stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopped
        is_stopped = True
        signal.signal(signal.SIGINT, before)

    def told(share: float) -> None:
        if is_stopped:
            raise StoppedError
        report(share)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield told
    finally:
        signal.signal(signal.SIGINT, before)


def _lines(doing: str) -> Report:
    """Return a function that prints the share that is done, now and then."""
    told = time.monotonic()

    def report(share: float) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            click.echo(f"{doing}: {share:.0%}", err=True)

    return report
