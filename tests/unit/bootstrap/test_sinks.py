"""Number of sinks: the engine of the database limits it, and a mistake names its place like any other."""

import socket
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from icu.bootstrap import children
from icu.bootstrap.sinks import member_of, mistakes
from icu.config.errors import ConfigurationError
from icu.config.groups import all_instances
from icu.config.load import load
from icu.config.settings import Settings, SinkChild
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


def names(settings: Settings) -> list[str | None]:
    """Return the names of all sinks."""
    return [member_of(settings, each) for each in all_instances(settings.child) if isinstance(each, SinkChild)]


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without a reason against several sinks."""
    monkeypatch.setattr(SqliteEngine, "single_sink", None)


KAFKA = '[transport]\nkind = "kafka"\n'


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    "text",
    [
        f'{KAFKA}{SINK}id = "sink"\nprocess = true\ncount = 3\n',
        f'{KAFKA}{SINK}process = true\n{SINK}id = "other"\nprocess = true\n',
        f'{KAFKA}{SINK}id = "sink"\nprocess = true\ncount = 2\nmember = "a"\n{SINK}process = true\nmember = "a"\n',
        f'{KAFKA}{SINK}member = "a"\n',
    ],
)
def test_sinks_that_share_a_topic(tmp_path: Path, text: str) -> None:
    """Several sinks are right in one table or in several, each in a process."""
    assert load(written(tmp_path, text), {}, check=mistakes).child


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            f'{SINK}id = "sink"\nprocess = true\ncount = 2\n',
            r"5: child\[0\]\.count: the in-memory topic .*kind = \"kafka\"",
        ),
        (
            f'{KAFKA}{SINK}id = "sink"\ncount = 2\n',
            r"6: child\[0\]\.count: several sinks need a process .*process = true",
        ),
        (
            f'{KAFKA}{SINK}process = true\n{SINK}id = "other"\n',
            r"7: child\[1\]\.role: several sinks need a process each: write process = true in this table",
        ),
        (
            f'{KAFKA}{SINK}member = "a"\nprocess = true\n{SINK}id = "b"\nprocess = true\nmember = "a"\n',
            r"child\[1\]\.member: another sink has the name a: write another one",
        ),
    ],
)
def test_sinks_that_cannot_share(tmp_path: Path, text: str, why: str) -> None:
    """Sinks in one process, of a topic in memory, or of the same name, are mistakes with the setting to change."""
    with pytest.raises(ConfigurationError, match=why):
        load(written(tmp_path, text), {}, check=mistakes)


def test_a_name_without_others(tmp_path: Path) -> None:
    """A name among other sinks is a mistake where there is only one."""
    with pytest.raises(ConfigurationError, match=r"x\.toml:3: child\[0\]\.member: SQLite has one writer"):
        load(written(tmp_path, f'{SINK}member = "a"\n'), {}, check=mistakes)


@pytest.mark.usefixtures("shared")
def test_the_name_of_a_sink(tmp_path: Path) -> None:
    """A sink is named after ward, host and id, or as its table says; a numbered one has its number behind it."""
    text = f'[ward]\nname = "icu-2"\n{KAFKA}{SINK}id = "s"\nprocess = true\ncount = 2\n'
    settings = load(written(tmp_path, text), {}, check=mistakes)
    assert names(settings) == [f"icu-2@{socket.gethostname()}/s-{number}" for number in (1, 2)]
    settings = load(written(tmp_path, f'{text}member = "m"\n'), {}, check=mistakes)
    assert names(settings) == ["m-1", "m-2"]


def test_a_single_sink_has_no_name(tmp_path: Path) -> None:
    """A sink of a database that has one is no member of anything."""
    assert names(load(written(tmp_path, f"{KAFKA}{SINK}"), {}, check=mistakes)) == [None]


def test_a_ward_that_is_changed_while_it_runs(tmp_path: Path) -> None:
    """A change to more sinks is refused before anything is changed."""
    settings = load(written(tmp_path, f'{SINK}id = "sink"\ncount = 1\n'), {})
    more = replace(settings, child=(replace(settings.child[0], count=2),))
    nothing: Any = None
    with pytest.raises(ConfigurationError, match="SQLite has one writer"):
        children._members(nothing, nothing, more)
