"""Number of sinks: the engine of the database limits it, and a mistake names its place like any other."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from icu.bootstrap import children
from icu.bootstrap.sinks import mistakes
from icu.config.errors import ConfigurationError
from icu.config.load import load
from icu.store.engines.sqlite.engine import SqliteEngine

SINK = '[[child]]\nrole = "sink"\n'


def written(folder: Path, text: str) -> Path:
    """Write a file of settings."""
    path = folder / "x.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'{SINK}{SINK}id = "other"\n', r"x\.toml:4: child\[1\]\.role: SQLite has one writer, .*: remove this one"),
        (f'{SINK}id = "sink"\ncount = 2\n', r"x\.toml:4: child\[0\]\.count: SQLite has one writer"),
    ],
)
def test_one_sink(tmp_path: Path, text: str, why: str) -> None:
    """A second sink, under any id, is a mistake before anything runs."""
    with pytest.raises(ConfigurationError, match=why):
        load(written(tmp_path, text), {}, check=mistakes)


@pytest.mark.parametrize("text", [SINK, f'{SINK}id = "sink"\ncount = 1\n', '[[child]]\nrole = "monitor"\n'])
def test_one_sink_or_none_is_no_mistake(tmp_path: Path, text: str) -> None:
    """One sink or none is right, in any spelling."""
    assert load(written(tmp_path, text), {}, check=mistakes).child


def test_a_database_that_several_sinks_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without a reason against it allows several sinks."""
    monkeypatch.setattr(SqliteEngine, "single_sink", None)
    assert load(written(tmp_path, f'{SINK}id = "sink"\ncount = 2\n'), {}, check=mistakes).child[0].count == 2


def test_a_ward_that_is_changed_while_it_runs(tmp_path: Path) -> None:
    """A change to more sinks is refused before anything is changed."""
    settings = load(written(tmp_path, f'{SINK}id = "sink"\ncount = 1\n'), {})
    more = replace(settings, child=(replace(settings.child[0], count=2),))
    nothing: Any = None
    with pytest.raises(ConfigurationError, match="SQLite has one writer"):
        children._members(nothing, nothing, more)
