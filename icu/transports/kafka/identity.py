"""Which log an offset belongs to.

A broker may lose its disk, a topic may be deleted and made again: then an offset that was stored means nothing any
more. A position therefore carries the id of its cluster and the fingerprint of the record before it (the record's
timestamp and key), which is read back when the partition is assigned. Kafka's own topic ids would be better, but
aiokafka speaks no version of the protocol that has them.
"""

from typing import TYPE_CHECKING
from zlib import crc32

from msgspec import Struct

from icu.messages import Position
from icu.transports.base import Assignment

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord


class LogExtent(Struct, frozen=True):
    """What a partition holds: offsets from `begin` up to `end`, and the record before the stored position, if any."""

    cluster: str
    begin: int
    end: int
    before: "ConsumerRecord | None" = None


def mark_of(cluster: str, last: "ConsumerRecord | None") -> str:
    """The mark of the position behind a record; without one, of a log's beginning."""
    return f"{cluster}/{_fingerprint(last)}" if last else f"{cluster}/"


def decide(log: LogExtent, stored: Position | None) -> Assignment:
    """Where to read on. Where the record before the position is gone, or never was, the cluster alone decides."""
    beginning = Position(log.begin, mark_of(log.cluster, None))
    if stored is None:
        return Assignment(beginning)
    cluster, _, fingerprint = stored.mark.partition("/")
    another_record = log.before is not None and fingerprint not in ("", _fingerprint(log.before))
    if cluster != log.cluster or stored.next > log.end or another_record:
        return Assignment(beginning, other_log=True)
    if stored.next < log.begin:
        return Assignment(beginning, lost=log.begin - stored.next)
    return Assignment(stored)


def _fingerprint(record: "ConsumerRecord") -> str:
    return f"{record.timestamp}-{crc32(record.key or b''):08x}"
