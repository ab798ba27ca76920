"""A database with keys, users and sessions, whose time a test sets forward."""

from collections.abc import AsyncIterator

import pytest

from tests.access import Gate, cheapen_passwords, gate
from tests.clocks import forward_asyncio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Real files and threads, on a clock that a test sets forward."""
    return forward_asyncio()


@pytest.fixture
async def ward(url: str) -> AsyncIterator[Gate]:
    """Database without a key."""
    async with gate(url) as made:
        yield made


@pytest.fixture
def full_cost() -> None:
    """Passwords cost what they cost in the program."""


@pytest.fixture(autouse=True)
def cheap_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are cheap, but for tests that ask for their full cost."""
    if "full_cost" not in request.fixturenames:
        cheapen_passwords(monkeypatch)
