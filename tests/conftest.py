"""Fixtures for the whole suite."""

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from loguru import logger

from tests.brokers import Broker, open_broker


@pytest.fixture(scope="session", autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """A blocking call of ours on the event loop is an error."""
    with blockbuster_ctx("icu") as blockbuster:
        # AnyIO looks, on the loop, whether a socket's path is taken.
        blockbuster.functions["os.stat"].can_block_in("anyio/_core/_sockets.py", {"setup_unix_local_socket"})
        yield blockbuster


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """Tests that look at log records add a handler of their own."""
    logger.remove()
    yield
    logger.remove()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """The best Kafka broker there is, for the whole session: each test has a topic of its own."""
    with open_broker() as broker:
        yield broker


@pytest.fixture
def anyio_backend() -> str:
    """asyncio, where the real store and HTTP run; suites on virtual time say so themselves."""
    return "asyncio"
