"""Identity of logs: the table of possible contents of a partition at the assignment of a stored position."""

from types import SimpleNamespace
from typing import Any

import pytest

from icu.messages import Position
from icu.transports.base import Assignment
from icu.transports.kafka.identity import LogExtent, decide, mark_of


def record(timestamp: int = 1_700_000_000_000, key: bytes | None = b"anna") -> Any:
    """Make a record as aiokafka delivers it, with the attributes that matter here."""
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
    """Each case of the module's docstring has its position."""
    assert decide(log, STORED) == expected


def test_without_a_stored_position() -> None:
    """A partition without a stored position begins at its beginning, without a message."""
    assert decide(LogExtent("cluster", 5, 9), None) == Assignment(Position(5, "cluster/"))


def test_a_position_at_the_beginning_has_no_record_before_it() -> None:
    """At the beginning of a log, the cluster's id alone decides."""
    stored = Position(0, mark_of("cluster", None))
    assert decide(LogExtent("cluster", 0, 99), stored) == Assignment(stored)
    assert decide(LogExtent("other", 0, 99), stored).other_log


def test_a_position_without_a_fingerprint_is_judged_by_its_cluster() -> None:
    """A position without a fingerprint is judged by the cluster's id."""
    stored = Position(10, mark_of("cluster", None))
    assert decide(LogExtent("cluster", 0, 99, THE_RECORD), stored) == Assignment(stored)


def test_a_mark_of_the_in_memory_transport_is_of_another_log() -> None:
    """A position of the in-memory transport belongs to another log."""
    assert decide(LogExtent("cluster", 0, 99), Position(5, "0123456789abcdef")).other_log


def test_records_without_a_key_have_marks_too() -> None:
    """Records without a key have fingerprints too."""
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
    """Fingerprints never change, since databases hold them: with others each log would be read again."""
    assert mark_of("abc", last) == mark
