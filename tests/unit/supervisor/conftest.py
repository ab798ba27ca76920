"""The supervisor's tests run on virtual time, each on both of the event loops that it knows."""

import pytest

from tests.clocks import virtual_asyncio, virtual_time


@pytest.fixture(params=[virtual_time, virtual_asyncio], ids=["trio", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """The supervisor only sleeps and waits: its hours last milliseconds."""
    return request.param()
