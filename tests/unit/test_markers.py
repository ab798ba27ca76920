"""Markers that select a part of the tests."""

from pathlib import Path

import pytest

from tests.conftest import SLOW

TESTS = Path(__file__).parents[1]


def test_fast_tests_are_marked(request: pytest.FixtureRequest) -> None:
    """A unit test without processes, such as this one, is fast."""
    assert request.node.get_closest_marker("fast")


@pytest.mark.usefixtures("spawn")
def test_what_starts_programs_is_not_fast(request: pytest.FixtureRequest) -> None:
    """A test that starts processes, such as this one, is not fast."""
    assert not request.node.get_closest_marker("fast")


@pytest.mark.endurance
def test_what_takes_long_is_not_fast(request: pytest.FixtureRequest) -> None:
    """An endurance test is not fast: `-m fast` replaces the default, which excludes it."""
    assert not request.node.get_closest_marker("fast")


def test_each_slow_file_is_there() -> None:
    """Every file in the list of slow ones exists."""
    assert SLOW - {path.name for path in TESTS.rglob("test_*.py")} == set()
