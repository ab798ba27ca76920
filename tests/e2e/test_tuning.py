"""Tuning of the interpreter in each process that serves only the API, on our server or another."""

import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Start

PROGRAM = """
import atexit, gc, json, runpy, sys
from pathlib import Path

def tell():
    frozen, others = gc.get_freeze_count(), len(gc.get_objects())
    Path("tuning.json").write_text(json.dumps([gc.get_threshold()[0], sys.getswitchinterval(), frozen > others]))

atexit.register(tell)
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(("module", "words"), [("icu", ("run", "monitor")), ("litestar", ("run",))])
def test_a_monitor_alone_is_tuned(start: Start, tmp_path: Path, module: str, words: tuple[str, ...]) -> None:
    """Garbage collection is rare and skips loaded modules, and SQLite's threads get their turn at once."""
    monitor = start(*words, command=(sys.executable, "-c", PROGRAM.format(module=module)))
    monitor.until("/health/live", lambda response: response.status_code == 200)
    assert monitor.stop() == 0
    assert (tmp_path / "tuning.json").read_text() == "[20000, 0.0005, true]"
