"""The marks by which a part of the tests is run."""

from pathlib import Path

import pytest

from tests.conftest import SLOW

TESTS = Path(__file__).parents[1]


def test_fast_tests_are_marked(request: pytest.FixtureRequest) -> None:
    """This one is."""
    assert request.node.get_closest_marker("fast")


@pytest.mark.usefixtures("spawn")
def test_what_starts_programs_is_not_fast(request: pytest.FixtureRequest) -> None:
    """A test that asks for processes, such as this one."""
    assert not request.node.get_closest_marker("fast")


@pytest.mark.endurance
def test_what_takes_long_is_not_fast(request: pytest.FixtureRequest) -> None:
    """`-m fast` replaces the default, which leaves endurance out."""
    assert not request.node.get_closest_marker("fast")


def test_each_slow_file_is_there() -> None:
    """A file that was renamed is named anew."""
    assert SLOW - {path.name for path in TESTS.rglob("test_*.py")} == set()
