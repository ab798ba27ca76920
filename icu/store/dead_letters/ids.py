"""Ids of dead letters as people type them: `0:1234` is the record at offset 1234 of partition 0.

A broker that lost its disk, and each run of the in-memory transport, begins a new log, whose offsets are used again.
So the number of the log may stand in front, `2/0:1234`, and the topic before that, `icu.readings/2/0:1234`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct
from sqlalchemy import text

from icu.store.engines.base import Connection, Transaction

# Kafka's own letters for topics (org.apache.kafka.common.internals.Topic); 18 digits fit into 64 bits.
_ID: Final = re.compile(r"(?:(?:([A-Za-z0-9._-]{1,249})/)?([0-9]{1,9})/)?([0-9]{1,9}):([0-9]{1,18})")

_LOGS: Final = text("SELECT count(DISTINCT topic), max(log) FROM consumer_offsets")
# Each log of the partition: the primary key begins with topic and log.
_KEYS: Final = text(
    "WITH RECURSIVE logs (topic, log) AS ("
    "SELECT topic, log FROM consumer_offsets WHERE partition = :partition"
    " UNION ALL SELECT topic, log - 1 FROM logs WHERE log > 1)"
    " SELECT letters.topic, letters.log FROM logs JOIN dead_letters AS letters ON letters.topic = logs.topic"
    ' AND letters.log = logs.log AND letters.partition = :partition AND letters."offset" = :offset'
    " ORDER BY letters.topic, letters.log"
)


class LetterKey(NamedTuple):
    """Identity of a dead letter: place of its record."""

    topic: str
    log: int
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.log}/{self.partition}:{self.offset}"

    @property
    def values(self) -> Mapping[str, Any]:
        """Values to bind."""
        return self._asdict()


class LetterId(NamedTuple):
    """Id as it was typed. None for what was left out."""

    topic: str | None
    log: int | None
    partition: int
    offset: int


class Naming(Struct, frozen=True):
    """Parts that an id needs in a database: the log where there were several, the topic likewise."""

    with_topic: bool
    with_log: bool

    def name(self, key: LetterKey) -> str:
        """Return the shortest id that names no other letter."""
        if self.with_topic:
            return str(key)
        place = f"{key.partition}:{key.offset}"
        return f"{key.log}/{place}" if self.with_log else place


def parse_id(typed: str) -> LetterId:
    """Parse an id.

    Raises:
        ValueError: It is none. The message says what to write.
    """
    found = _ID.fullmatch(typed)
    if found is None:
        raise ValueError(f"{typed[:80]!r} is no id of a dead letter: write PARTITION:OFFSET, for instance 0:1234")
    topic, log, partition, offset = found.groups()
    return LetterId(topic, None if log is None else int(log), int(partition), int(offset))


def parse_key(full: str) -> LetterKey:
    """Parse an id with its topic and its log. ValueError for any other text."""
    topic, log, partition, offset = parse_id(full)
    if topic is None or log is None:
        raise ValueError(f"{full} lacks its topic")
    return LetterKey(topic, log, partition, offset)


async def find_naming(connection: Connection | Transaction) -> Naming:
    """Read which parts the ids in this database need."""
    [(topics, logs)] = await connection.rows(_LOGS)
    return Naming(with_topic=topics > 1, with_log=topics > 1 or (logs or 0) > 1)


async def matching_keys(connection: Connection | Transaction, typed: LetterId) -> Sequence[LetterKey]:
    """Find the letters that an id may mean: none, one, or some of several logs."""
    place = typed.partition, typed.offset
    found = await connection.rows(_KEYS, {"partition": typed.partition, "offset": typed.offset})
    keys = [LetterKey(topic, log, *place) for topic, log in found]
    return [key for key in keys if typed.log in (None, key.log) and typed.topic in (None, key.topic)]
