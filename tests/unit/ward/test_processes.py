"""Output of a process child."""

from typing import Any

import pytest
from loguru import logger

from icu.ward.processes import relay


@pytest.fixture
def records() -> list[Any]:
    """Records of the log."""
    records: list[Any] = []
    logger.add(lambda message: records.append(message.record), level="DEBUG")
    return records


def test_lines_of_a_process_become_our_records(records: list[Any]) -> None:
    """A line becomes a record with level, origin and context; any other text, such as a stack, is a warning."""
    relay("icu-1", '{"timestamp":"x","level":"ERROR","message":"no {luck}","module":"m","function":"f","line":3,"a":1}')
    relay("icu-1", "Traceback (most recent call last):")
    relay("icu-1", '{"level":"LOUD","message":"unknown level"}')
    first, *others = records
    assert (first["level"].name, first["message"], first["module"], first["line"]) == ("ERROR", "no {luck}", "m", 3)
    assert first["extra"] == {"child": "icu-1", "a": 1}
    assert [each["level"].name for each in others] == ["WARNING", "WARNING"]


def test_the_supervisors_id_replaces_that_of_a_record(records: list[Any]) -> None:
    """A role binds the id that it knows itself by; the supervisor knows better."""
    relay("icu-1", '{"level":"INFO","message":"2 rows skipped","child":"anna","_Logger__self":1}')
    assert records[0]["extra"] == {"child": "icu-1", "_Logger__self": 1}


@pytest.mark.parametrize(
    "line",
    [
        '{"level":"INFO","message":["x"]}',
        '{"level":20,"message":"x"}',
        '{"level":-1,"message":"x"}',
        '{"level":null,"message":"x"}',
        '{"level":"INFO"}',
        "[]",
        "null",
        "[" * 100_000,
        '"\\ud800"',
        "\udcff",
    ],
    ids=lambda line: line[:32],
)
def test_no_line_is_more_than_a_warning(records: list[Any], line: str) -> None:
    """Any line that is no valid record is a warning."""
    relay("icu-1", line)
    assert [(each["level"].name, each["message"]) for each in records] == [("WARNING", line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"level":"INFO","message":"lunch"}', None),
        ('{"level":"ERROR","message":"no luck"}', "no luck"),
        ("icu: no luck", "icu: no luck"),
    ],
)
def test_lines_that_may_be_the_reason_for_the_end(line: str, words: str | None) -> None:
    """An error, or a line that is no record, may be the reason for the end of a process."""
    assert relay("icu-1", line) == words
