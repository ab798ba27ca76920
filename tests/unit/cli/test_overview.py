"""What a terminal shows of a running ward."""

from rich.console import Console

from icu.cli.overview import _shown
from icu.supervisor.view import ChildView, State

CHILDREN = [ChildView("bed-1", State.RUNNING, uptime=61, detail="http://[bold]x")]


def text(progress: float) -> str:
    """The overview as it stands there."""
    console = Console(width=100)
    with console.capture() as capture:
        console.print(_shown(CHILDREN, progress))
    return capture.get()


def test_a_bar_until_all_have_caught_up() -> None:
    """How much of the past is there, below the children; nothing of it any more when all of it is."""
    assert "http://[bold]x" in text(0.3)
    assert "history" in text(0.3)
    assert "30%" in text(0.3)
    assert text(1.0) == text(0.3).partition("history")[0]
