"""Identity of logs: a stored offset is valid in one log only.

A broker may lose its disk, a topic may be deleted and created again: then a stored offset means nothing any more. So
the mark of a position has the id of its cluster and the fingerprint of the record before it (timestamp and hash of the
key), which is read back when the partition is assigned. Kafka's own topic ids would be better, but aiokafka implements
no version of the protocol that has them.
"""

from typing import TYPE_CHECKING
from zlib import crc32

from msgspec import Struct

from icu.messages import Position
from icu.transports.base import Assignment

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord


class LogExtent(Struct, frozen=True):
    """The extent of a partition's log."""

    # The id of the cluster.
    cluster: str
    # The offset of the first kept record.
    begin: int
    # The offset of the next record to come.
    end: int
    # The record before the stored position, if the log still holds it.
    before: "ConsumerRecord | None" = None


def mark_of(cluster: str, last: "ConsumerRecord | None") -> str:
    """Mark of the position behind `last`, or of the beginning of a log (None)."""
    return f"{cluster}/{_fingerprint(last)}" if last else f"{cluster}/"


def decide(log: LogExtent, stored: Position | None) -> Assignment:
    """Decide where to read on: at the stored position if it belongs to this log, else at the beginning."""
    # Without a record before the position there is no fingerprint to compare: the id of the cluster decides.
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
