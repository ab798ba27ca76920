"""Children in equal states, as one row."""

import pytest

from icu.cli.grouping import group_alike, shorten_ids
from icu.supervisor.view import ChildState, ChildView


@pytest.mark.parametrize(
    ("ids", "shown"),
    [
        ([], []),
        (["a"], ["a"]),
        (["bed-1", "bed-2"], ["bed-1", "bed-2"]),
        (["bed-1", "bed-2", "bed-3"], ["bed-1 to bed-3"]),
        (["bed-9", "bed-10", "bed-11", "bed-13"], ["bed-9 to bed-11", "bed-13"]),
        (["a-1", "b-2", "a-3"], ["a-1", "b-2", "a-3"]),
        (["bed-08", "bed-09", "bed-10"], ["bed-08", "bed-09", "bed-10"]),
        (["bed-3", "bed-2", "bed-1"], ["bed-3", "bed-2", "bed-1"]),
        (["x", "x1", "x2"], ["x", "x1", "x2"]),
    ],
    ids=str,
)
def test_spans(ids: list[str], shown: list[str]) -> None:
    """Three or more names that count up are printed as the first and the last; every name can be derived from them."""
    assert shorten_ids(ids) == shown


def test_alike() -> None:
    """Children in the same state for the same reason are one row; an outdated reason does not count."""
    away = "KafkaError: away"
    rows = group_alike(
        [
            ChildView("bed-1", ChildState.BACKOFF, restarts=2, last_error=away),
            ChildView("bed-2", ChildState.STOPPED, last_error=away),
            ChildView("bed-3", ChildState.BACKOFF, restarts=3, last_error=away),
            ChildView("bed-4", ChildState.BACKOFF, last_error="another"),
            ChildView("bed-5", ChildState.STOPPED, detail="http://old"),
        ]
    )
    assert [(row.names, row.state, row.reason, row.restarts) for row in rows] == [
        ("bed-1, bed-3", "backoff", away, 5),
        ("bed-2, bed-5", "stopped", "", 0),
        ("bed-4", "backoff", "another", 0),
    ]
