"""[retention]: spans of time, their order, and their mistakes."""

import math
from pathlib import Path

import pytest

from icu.config.errors import ConfigurationError
from icu.config.load import load
from icu.config.retention import Retention, seconds_of


def written(folder: Path, text: str) -> Path:
    """Write the settings."""
    path = folder / "supervisor.toml"
    path.write_text(f"[retention]\n{text}\n")
    return path


def test_all_readings_are_kept_for_ever_by_default() -> None:
    """Without settings no reading, statistic, alarm or command is ever deleted."""
    kept = Retention()
    assert [kept.raw, kept.minute, kept.hour, kept.alarms, kept.audit] == [""] * 5
    assert (kept.dead_letters, kept.outbox, kept.journal) == ("90d", "7d", 100_000)


@pytest.mark.parametrize(
    ("span", "seconds"), [("", math.inf), ("24h", 86_400), ("90d", 7_776_000), ("2y", 63_072_000), ("1.5h", 5_400)]
)
def test_spans_have_units(tmp_path: Path, span: str, seconds: float) -> None:
    """A span has a unit, a year 365 days, and empty quotes stand for ever."""
    settings = load(written(tmp_path, f'dead_letters = "{span}"'), {})
    assert seconds_of(settings.retention.dead_letters) == seconds


def test_spans_that_go_together(tmp_path: Path) -> None:
    """Statistics may be kept for as long as the readings, for longer, or for ever."""
    assert load(written(tmp_path, 'raw = "90d"\nminute = "90d"\nhour = ""'), {}).retention.minute == "90d"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('raw = "23h"', r":2: retention\.raw: 23h is too short: write 1d or more\Z"),
        ('raw = "0d"', r":2: retention\.raw: 0d is too short: write 1d or more\Z"),
        ('outbox = "59min"', r":2: retention\.outbox: 59min is too short: write 1h or more\Z"),
        (
            'raw = "90d"\nminute = "89d"',
            r":3: retention\.minute: 89d is shorter than raw, and readings are kept for 90d: write as much or more\Z",
        ),
        (
            'minute = "1y"',
            r":2: retention\.minute: 1y is shorter than raw, and readings are kept for ever: write as much or more\Z",
        ),
        (
            'raw = "1d"\nminute = "2y"\nhour = "1y"',
            r":4: retention\.hour: 1y is shorter than minute, and their minutes are kept for 2y: write as much or",
        ),
        ('raw = "90"', r":2: retention\.raw: a span of time has a unit, for instance 24h, 90d or 2y; empty quotes "),
        ('raw = "-1d"', r":2: retention\.raw: a span of time has a unit, "),
        ("raw = 90", r":2: retention\.raw: a span of time has a unit, .*, in quotes\Z"),
        ('alarms = "icu.alarms"', r":2: retention\.alarms: a span of time has a unit, "),
        ("journal = 999", r":2: retention\.journal: write a whole number from 1000 to 100000000\Z"),
        ('journal = "7d"', r":2: retention\.journal: write a whole number from 1000 to 100000000, without quotes\Z"),
    ],
)
def test_a_mistake_names_file_line_key_and_what_to_write(tmp_path: Path, text: str, why: str) -> None:
    """A span that is none, too short or shorter than what it outlives names its place and the remedy."""
    with pytest.raises(ConfigurationError, match=why):
        load(written(tmp_path, text), {})


def test_a_topic_of_alarms_is_still_explained_as_one(tmp_path: Path) -> None:
    """Two sections have a key `alarms`: each mistake says what its own section takes."""
    path = tmp_path / "supervisor.toml"
    path.write_text('[transport]\nalarms = "7 d"\n')
    with pytest.raises(ConfigurationError, match=r":2: transport\.alarms: a topic has 1 to 249 letters"):
        load(path, {})
    with pytest.raises(ConfigurationError, match="variable ICU_TRANSPORT_ALARMS: a topic has 1 to 249 letters"):
        load(written(tmp_path, 'raw = ""'), {"ICU_TRANSPORT_ALARMS": "7 d"})


def test_the_environment_may_shorten_a_span(tmp_path: Path) -> None:
    """A span of the environment counts with the others, and its mistake names the variable."""
    path = written(tmp_path, 'raw = "90d"\nminute = "1y"')
    assert load(path, {"ICU_RETENTION_RAW": "30d"}).retention.raw == "30d"
    with pytest.raises(ConfigurationError, match="variable ICU_RETENTION_MINUTE: 30d is shorter than raw"):
        load(path, {"ICU_RETENTION_MINUTE": "30d"})
