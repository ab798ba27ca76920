"""Brokers for tests: the one that the environment names, a real one from the cache, or librdkafka's mock."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.brokers import admin
from tests.brokers.apache import ApacheKafka, available
from tests.brokers.mock import MockKafka

__all__ = ["ApacheKafka", "Broker", "GivenKafka", "MockKafka", "available", "open_broker", "own_kafka"]


class Broker(Protocol):
    """A running broker that tests share; each makes topics of its own."""

    @property
    def real(self) -> bool:
        """Whether it is Apache Kafka, not a mock."""
        ...

    @property
    def bootstrap(self) -> str:
        """Its address."""
        ...

    def create_topic(self, name: str, partitions: int = 6) -> None:
        """Make a topic that can be written at once."""
        ...


class GivenKafka:
    """A broker that somebody else runs."""

    real = True

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def create_topic(self, name: str, partitions: int = 6, config: Mapping[str, str] | None = None) -> None:
        """Make a topic, and wait until it can be written."""
        admin.create_topic(self.bootstrap, name, partitions, config)


@contextmanager
def open_broker() -> Iterator[Broker]:
    """The best broker there is: that of ICU_TEST_KAFKA, a real one, or, unless ICU_TEST_REQUIRE_KAFKA, the mock."""
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
def own_kafka(folder: Path, *, secure: bool = False) -> Iterator[ApacheKafka]:
    """A real broker to be started, and killed, at will. Skips the test where there can be none."""
    if not available():
        missing = "needs a real Kafka: .ci/kafka downloads one"
        pytest.fail(missing) if os.environ.get("ICU_TEST_REQUIRE_KAFKA") else pytest.skip(missing)
    broker = ApacheKafka(folder, secure=secure)
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
