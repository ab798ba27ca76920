"""Brokers for tests: the one that the environment names, a real one from the cache, or librdkafka's mock."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import Protocol

import pytest

from tests.brokers.admin import Administered
from tests.brokers.apache import ApacheKafka, available
from tests.brokers.mock import MockKafka

__all__ = ["ApacheKafka", "Broker", "GivenKafka", "MockKafka", "available", "open_broker", "own_kafka", "shared_broker"]


class Broker(Protocol):
    """A running broker that tests share; each makes topics of its own."""

    @property
    def real(self) -> bool:
        """True for Apache Kafka, False for a mock."""
        ...

    @property
    def bootstrap(self) -> str:
        """Address of the broker."""
        ...

    def create_topic(self, name: str, partitions: int = 6) -> None:
        """Make a topic, and return once it can be written."""
        ...


class GivenKafka(Administered):
    """A broker that runs outside the tests."""

    real = True

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap


@contextmanager
def shared_broker(folder: Path) -> Iterator[Broker]:
    """Share a broker between all processes that name this folder: the first starts it, and the last user stops it."""
    address = folder / "kafka.address"
    with (folder / "kafka.door").open("w") as door, (folder / "kafka.users").open("w") as users:
        flock(door, LOCK_EX)
        flock(users, LOCK_SH)
        if address.exists():
            flock(door, LOCK_UN)
            yield GivenKafka(address.read_text())
            return
        with open_broker() as broker:
            if not broker.real:  # the mock lives in this process, and is too small for two
                flock(door, LOCK_UN)
                yield broker
                return
            address.write_text(broker.bootstrap)
            flock(door, LOCK_UN)
            yield broker
            flock(users, LOCK_EX)
            address.unlink()


@contextmanager
def open_broker() -> Iterator[Broker]:
    """Open the best broker: that of ICU_TEST_KAFKA, a real one, or, unless ICU_TEST_REQUIRE_KAFKA, the mock."""
    if given := os.environ.get("ICU_TEST_KAFKA"):
        yield GivenKafka(given)
    elif available():
        with tempfile.TemporaryDirectory(prefix="icu-kafka-") as folder:
            yield from _running(ApacheKafka(Path(folder)))
    elif os.environ.get("ICU_TEST_REQUIRE_KAFKA"):
        raise RuntimeError("the tests want a real Kafka (ICU_TEST_REQUIRE_KAFKA): run .ci/kafka, which downloads one")
    else:
        yield from _running(MockKafka())


@contextmanager
def own_kafka(folder: Path, *, secure: bool = False, host: str = "127.0.0.1") -> Iterator[ApacheKafka]:
    """Make a real broker that the test starts and kills. Skips the test where there is none."""
    if not available():
        missing = "needs a real Kafka: .ci/kafka downloads one"
        pytest.fail(missing) if os.environ.get("ICU_TEST_REQUIRE_KAFKA") else pytest.skip(missing)
    broker = ApacheKafka(folder, secure=secure, host=host)
    try:
        yield broker
    finally:
        broker.kill()


def _running(broker: ApacheKafka | MockKafka) -> Iterator[Broker]:
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
