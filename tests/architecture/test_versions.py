"""Versions that are written in two places are the same."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def only(pattern: str, file: str) -> str:
    """Return the group of the only match of a pattern in a file."""
    [found] = re.findall(pattern, (ROOT / file).read_text())
    return str(found)


def test_people_get_the_kafka_that_the_tests_run() -> None:
    """compose.yaml starts the version of Kafka that .ci/kafka downloads for the tests."""
    tested = only(r"<kafka\.version>(.+)</kafka\.version>", "tests/brokers/pom.xml")
    assert only(r"(?m)^ +image: apache/kafka:(\S+)$", "compose.yaml") == tested
