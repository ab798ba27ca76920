"""The supervisor's tests run on virtual time."""

import pytest

from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """The supervisor only sleeps and waits: its hours last milliseconds."""
    return virtual_time()
