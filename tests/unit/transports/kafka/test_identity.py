"""Identity of logs: the table of a partition's possible contents, when a stored position is assigned."""

from types import SimpleNamespace
from typing import Any

import pytest

from icu.messages import Position
from icu.transports.base import Assignment
from icu.transports.kafka.identity import LogExtent, decide, mark_of


def record(timestamp: int = 1_700_000_000_000, key: bytes | None = b"anna") -> Any:
    """A record as aiokafka delivers it, with the attributes that matter here."""
    return SimpleNamespace(timestamp=timestamp, key=key)


THE_RECORD = record()
STORED = Position(10, mark_of("cluster", THE_RECORD))
BEGINNING = Position(0, "cluster/")


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(LogExtent("cluster", 0, 10, THE_RECORD), Assignment(STORED), id="the same record, nothing new"),
        pytest.param(LogExtent("cluster", 3, 99, THE_RECORD), Assignment(STORED), id="the same record, more behind it"),
        pytest.param(LogExtent("cluster", 10, 99), Assignment(STORED), id="the record expired: the cluster decides"),
        pytest.param(LogExtent("cluster", 0, 99), Assignment(STORED), id="the record was compacted away: likewise"),
        pytest.param(
            LogExtent("cluster", 14, 99),
            Assignment(Position(14, "cluster/"), lost=4),
            id="behind the log: loss by retention",
        ),
        pytest.param(LogExtent("cluster", 0, 9), Assignment(BEGINNING, other_log=True), id="past the end: another log"),
        pytest.param(
            LogExtent("cluster", 0, 99, record(timestamp=1)),
            Assignment(BEGINNING, other_log=True),
            id="another time there",
        ),
        pytest.param(
            LogExtent("cluster", 0, 99, record(key=b"boris")),
            Assignment(BEGINNING, other_log=True),
            id="another key there",
        ),
        pytest.param(
            LogExtent("other", 0, 99, THE_RECORD),
            Assignment(Position(0, "other/"), other_log=True),
            id="another cluster",
        ),
    ],
)
def test_where_to_read_on(log: LogExtent, expected: Assignment) -> None:
    """Each case of the module's docstring."""
    assert decide(log, STORED) == expected


def test_without_a_stored_position() -> None:
    """A partition that was never read begins at its beginning, and that is nothing to tell of."""
    assert decide(LogExtent("cluster", 5, 9), None) == Assignment(Position(5, "cluster/"))


def test_a_position_at_the_beginning_has_no_record_before_it() -> None:
    """The cluster alone decides."""
    stored = Position(0, mark_of("cluster", None))
    assert decide(LogExtent("cluster", 0, 99), stored) == Assignment(stored)
    assert decide(LogExtent("other", 0, 99), stored).other_log


def test_a_position_without_a_fingerprint_is_judged_by_its_cluster() -> None:
    """As of one that was taken where a log began, or behind records that nobody could read."""
    stored = Position(10, mark_of("cluster", None))
    assert decide(LogExtent("cluster", 0, 99, THE_RECORD), stored) == Assignment(stored)


def test_a_mark_of_the_in_memory_transport_is_of_another_log() -> None:
    """A database outlives a change of the transport."""
    assert decide(LogExtent("cluster", 0, 99), Position(5, "0123456789abcdef")).other_log


def test_records_without_a_key_have_marks_too() -> None:
    """Other programs may write without keys."""
    assert mark_of("cluster", record(key=None)) != mark_of("cluster", record(key=b"anna"))


@pytest.mark.parametrize(
    ("last", "mark"),
    [
        (record(), "abc/1700000000000-215cbeb7"),
        (record(key=None), "abc/1700000000000-00000000"),
        (record(key=b""), "abc/1700000000000-00000000"),
        (None, "abc/"),
    ],
)
def test_marks_stay_what_they_are(last: Any, mark: str) -> None:
    """They are in people's databases: under others each log would be read anew."""
    assert mark_of("abc", last) == mark
