"""The command line, called as from a shell."""

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icu.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def icu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """A function that runs `python -m icu` with these words, in an empty folder, and returns exit code, output and
    errors."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ICU_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["icu", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    usual = gc.get_threshold(), sys.getswitchinterval()
    with tempfile.TemporaryDirectory(prefix="icu-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield run
    # A role tunes its whole process, which here is that of the other tests.
    gc.unfreeze()
    gc.set_threshold(*usual[0])
    sys.setswitchinterval(usual[1])
