"""The example of docs/supervisor.md works, and the page's lists are complete."""

import re
import runpy
from pathlib import Path

import pytest

from icu.supervisor.spec import Restart, Strategy
from icu.supervisor.view import ChildState

PAGE = Path(__file__).parents[3].joinpath("docs", "supervisor.md").read_text()


def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example prints an ordered start, a death that stops the child after it, and a stop in reverse."""
    [example] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(example)
    runpy.run_path(str(script))
    events = re.findall(r"^(\w+)\(id='(\w+)'", capsys.readouterr().out, re.MULTILINE)
    assert events == [
        ("ChildStarted", "source"),
        ("ChildStarted", "reader"),
        ("ChildFailed", "source"),
        ("ChildRestarting", "source"),
        ("ChildStopped", "reader"),
        ("ChildStarted", "source"),
        ("ChildStarted", "reader"),
        ("ChildStopped", "reader"),
        ("ChildStopped", "source"),
    ]


def test_the_example_is_short() -> None:
    """The example has at most fourteen lines."""
    [example] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len([line for line in example.splitlines() if line]) == 14


@pytest.mark.parametrize("word", [*ChildState, *Restart, *(each.name for each in Strategy)])
def test_the_page_knows_every_state_and_kind(word: str) -> None:
    """The page has every state of the view and every word of a specification."""
    assert re.search(rf"\b{word}\b", PAGE)
