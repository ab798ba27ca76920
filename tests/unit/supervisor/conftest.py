"""Virtual time for the supervisor's tests, on both of its event loops."""

import pytest

from tests.clocks import virtual_asyncio, virtual_time


@pytest.fixture(params=[virtual_time, virtual_asyncio], ids=["trio", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Virtual time: hours of a supervisor take milliseconds."""
    return request.param()
