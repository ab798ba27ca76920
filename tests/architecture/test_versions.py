"""Versions that have to be the same in two places."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def only(pattern: str, file: str) -> str:
    """What the one match of the pattern in a file holds."""
    [found] = re.findall(pattern, (ROOT / file).read_text())
    return str(found)


def test_people_get_the_kafka_that_the_tests_run() -> None:
    """compose.yaml starts the version that .ci/kafka brings."""
    tested = only(r"<kafka\.version>(.+)</kafka\.version>", "tests/brokers/pom.xml")
    assert only(r"(?m)^ +image: apache/kafka:(\S+)$", "compose.yaml") == tested
